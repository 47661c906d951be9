package runtime

import (
	"embed"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/client"

	"paas"
)

func TestStartGivesWhatTheSpecSaysAndNoMore(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	spec := newSpec("web", "env")
	spec.Env = []string{"A=1", "B=two words\nand a line", "EMPTY="}
	spec.Port = 5000
	spec.Labels = map[string]string{"extra": "yes", labelApp: "cannot override"}
	i := start(t, d, spec)

	if !spec.Subnet.Contains(i.Addr) {
		t.Errorf("address %s is not in %s", i.Addr, spec.Subnet)
	}
	want := paas.Instance{
		ID: i.ID, App: spec.App, AppName: "hello", Type: "web", Name: "web.1", Release: 3, Addr: i.Addr, Port: 5000,
		CreatedAt: i.CreatedAt, StartedAt: i.StartedAt, FinishedAt: i.FinishedAt, Running: i.Running, Exited: i.Exited,
	}
	if diff := cmp.Diff(want, i, cmp.Comparer(func(a, b interface{ String() string }) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
	ended, err := d.Wait(t.Context(), i.ID)
	if err != nil {
		t.Fatal(err)
	}
	if !ended.Exited || ended.Running || ended.ExitCode != 0 || ended.Addr != i.Addr {
		t.Errorf("after the end: %+v", ended)
	}
	got, err := d.Tail(t.Context(), i.ID, 20)
	if err != nil {
		t.Fatal(err)
	}
	wantEnv := []string{"A=1", "B=two words", "and a line", "EMPTY=", "HOME=/", "HOSTNAME=web.1", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	if diff := cmp.Diff(wantEnv, got); diff != "" {
		t.Error(diff)
	}
	c := inspect(t, d, i.ID)
	if c.Config.Labels["extra"] != "yes" || c.Config.Labels[labelApp] != "hello" {
		t.Errorf("labels %v", c.Config.Labels)
	}
	if len(c.HostConfig.PortBindings) != 0 || c.HostConfig.Privileged || len(c.HostConfig.Binds) != 0 || len(c.HostConfig.CapAdd) != 0 {
		t.Errorf("host config %+v", c.HostConfig)
	}
	if c.HostConfig.PidsLimit == nil || *c.HostConfig.PidsLimit != pidsLimit || c.HostConfig.Init == nil || !*c.HostConfig.Init {
		t.Errorf("pids limit %v, init %v", c.HostConfig.PidsLimit, c.HostConfig.Init)
	}
	if !strings.HasPrefix(c.Name, fmt.Sprintf("/paas-%s-hello-web.1-v3-", d.installation)) {
		t.Errorf("name %s", c.Name)
	}
}

func TestInstancesSeesTheInstallationOnly(t *testing.T) {
	t.Parallel()
	d, other := newDocker(t), newDocker(t)
	a, b := newSpec("web", "wait"), newSpec("worker", "wait")
	ia, ib := start(t, d, a), start(t, d, b)
	start(t, other, newSpec("web", "wait"))

	all, err := d.Instances(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 2 {
		t.Errorf("all: %+v", all)
	}
	one, err := d.Instances(t.Context(), b.App)
	if err != nil {
		t.Fatal(err)
	}
	if len(one) != 1 || one[0].ID != ib.ID || !one[0].Running {
		t.Errorf("one app: %+v", one)
	}
	if err := d.Remove(t.Context(), ia.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Instance(t.Context(), ia.ID); paas.CodeOf(err) != paas.NotFound {
		t.Errorf("a removed instance: %v", err)
	}
	if err := d.Remove(t.Context(), ia.ID); err != nil {
		t.Errorf("removed twice: %v", err)
	}
}

func TestAnInstanceThatWasNeverStartedIsNeitherRunningNorExited(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	spec := newSpec("web", "wait")
	c, err := d.create(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	i, err := d.Instance(t.Context(), c.id)
	if err != nil {
		t.Fatal(err)
	}
	if i.Running || i.Exited || i.Restarted || !i.StartedAt.IsZero() || i.Addr != c.addr {
		t.Errorf("%+v", i)
	}
}

func TestKeepMakesTheEngineRestartAnInstanceWhichIsThenSeenAsRestarted(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	fresh := start(t, d, newSpec("web", "exit", "7"))
	if ended, err := d.Wait(t.Context(), fresh.ID); err != nil || ended.ExitCode != 7 || ended.Restarted {
		t.Errorf("without Keep: %+v, %v", ended, err)
	}

	kept := start(t, d, newSpec("web", "wait"))
	if err := d.Keep(t.Context(), kept.ID); err != nil {
		t.Fatal(err)
	}
	waitForLine(t, d, kept.ID, "ready")
	crash(t, d, kept.ID)
	eventually(t, "the engine has started it again", func() bool {
		i, err := d.Instance(t.Context(), kept.ID)
		return err == nil && i.Running && i.Restarted
	})
}

func TestStopEndsByTheStopSignalAndKillsOnlyTheDeaf(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	polite, deaf := start(t, d, newSpec("web", "wait")), start(t, d, newSpec("web", "deaf"))
	waitForLine(t, d, polite.ID, "ready")
	waitForLine(t, d, deaf.ID, "ready")
	if err := d.Keep(t.Context(), polite.ID); err != nil {
		t.Fatal(err)
	}
	killed, err := d.Stop(t.Context(), polite.ID, 10*time.Second)
	if err != nil || killed {
		t.Errorf("polite: killed %v, %v", killed, err)
	}
	i, err := d.Instance(t.Context(), polite.ID)
	if err != nil || !i.Exited || i.ExitCode != 0 {
		t.Errorf("polite: %+v, %v", i, err)
	}
	if policy := inspect(t, d, polite.ID).HostConfig.RestartPolicy.Name; policy != "no" {
		t.Errorf("restart policy after Stop: %q", policy)
	}
	killed, err = d.Stop(t.Context(), deaf.ID, 100*time.Millisecond)
	if err != nil || !killed {
		t.Errorf("deaf: killed %v, %v", killed, err)
	}
	if i, err = d.Instance(t.Context(), deaf.ID); err != nil || i.ExitCode != 137 {
		t.Errorf("deaf: %+v, %v", i, err)
	}
	if killed, err = d.Stop(t.Context(), deaf.ID, time.Second); err != nil || killed {
		t.Errorf("stopped twice: killed %v, %v", killed, err)
	}
	if _, err := d.Stop(t.Context(), "0123456789abcdef", time.Second); paas.CodeOf(err) != paas.NotFound {
		t.Errorf("one that is not there: %v", err)
	}
}

func TestSignalSaysWhyItCannotBeSent(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	i := start(t, d, newSpec("web", "signals"))
	waitForLine(t, d, i.ID, "ready")
	wantCode(t, d.Signal(t.Context(), i.ID, "NOSUCH"), paas.Invalid)
	wantCode(t, d.Signal(t.Context(), i.ID, "INT"), "")
	if ended, err := d.Wait(t.Context(), i.ID); err != nil || ended.ExitCode != 42 {
		t.Errorf("%+v, %v", ended, err)
	}
	wantCode(t, d.Signal(t.Context(), i.ID, "TERM"), paas.Conflict)
}

func TestStartSaysWhyItCannotStart(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	missing := newSpec("web", "wait")
	missing.Image.ID = "sha256:" + strings.Repeat("0", 64)
	_, err := d.Start(t.Context(), missing)
	wantCode(t, err, paas.NotFound)
	want := "image " + missing.Image.ID + " is no longer on this host"
	if e, ok := errors.AsType[*paas.Error](err); !ok || e.Message != want {
		t.Errorf("error %v, want %s", err, want)
	}

	// The instance's init, not the engine, finds out that a command is not there.
	bad := newSpec("web", "x")
	bad.Image = imageWithEntrypoint(t, d, `["/nosuch"]`)
	i := start(t, d, bad)
	if ended, err := d.Wait(t.Context(), i.ID); err != nil || ended.ExitCode != 127 {
		t.Errorf("%+v, %v", ended, err)
	}

	user := newSpec("web", "wait")
	user.Image = imageWith(t, d, `USER nobodyatall`, `ENTRYPOINT ["/probe"]`)
	_, err = d.Start(t.Context(), user)
	wantCode(t, err, paas.Failed)
	if !strings.Contains(err.Error(), "nobodyatall") {
		t.Errorf("it does not say why: %v", err)
	}
	left, err := d.Instances(t.Context(), user.App)
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %+v, %v", left, err)
	}
}

func imageWithEntrypoint(t *testing.T, d *Docker, entrypoint string) paas.Image {
	return imageWith(t, d, "ENTRYPOINT "+entrypoint)
}

// imageWith builds an image of the test program with these lines in its Dockerfile.
func imageWith(t *testing.T, d *Docker, lines ...string) paas.Image {
	t.Helper()
	i, err := d.BuildImage(t.Context(), tree(t, lines...), paas.ImageSpec{App: newID(), Name: "hello", Build: 1, Commit: "c0ffee", Dockerfile: "Dockerfile"}, func(paas.BuildEvent) {})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestListeningTellsWhereAnInstanceListens(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	spec := newSpec("web", "listen", "127.0.0.1")
	spec.Env, spec.Port = []string{"PORT=5000"}, 5000
	i := start(t, d, spec)
	waitForLine(t, d, i.ID, "ready")
	got, err := d.Listening(t.Context(), i.ID)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, l := range got {
		found = found || l.String() == "127.0.0.1:5000"
	}
	if !found {
		t.Errorf("listeners %v", got)
	}
}

func TestAnEngineThatIsAwayIsUnavailable(t *testing.T) {
	t.Parallel()
	d, err := New(Options{Installation: newID(), Host: "unix://" + filepath.Join(t.TempDir(), "no.sock")})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	ctx, id := t.Context(), "0123456789ab"
	spec := newSpec("web", "wait")
	calls := map[string]func() error{
		"Ping":        func() error { return d.Ping(ctx) },
		"Instances":   func() error { _, err := d.Instances(ctx, ""); return err },
		"Instance":    func() error { _, err := d.Instance(ctx, id); return err },
		"Start":       func() error { _, err := d.Start(ctx, spec); return err },
		"Keep":        func() error { return d.Keep(ctx, id) },
		"Stop":        func() error { _, err := d.Stop(ctx, id, time.Second); return err },
		"Signal":      func() error { return d.Signal(ctx, id, "TERM") },
		"Remove":      func() error { return d.Remove(ctx, id) },
		"Run":         func() error { _, err := d.Run(ctx, spec, paas.Stdio{}, nil); return err },
		"Wait":        func() error { _, err := d.Wait(ctx, id); return err },
		"Tail":        func() error { _, err := d.Tail(ctx, id, 1); return err },
		"Listening":   func() error { _, err := d.Listening(ctx, id); return err },
		"Network":     func() error { return d.RemoveNetwork(ctx, id) },
		"Image":       func() error { _, err := d.Image(ctx, id); return err },
		"RemoveImage": func() error { return d.RemoveImage(ctx, id) },
		"BuildImage": func() error {
			_, err := d.BuildImage(ctx, embed.FS{}, paas.ImageSpec{}, func(paas.BuildEvent) {})
			return err
		},
		"Service": func() error { return d.EnsureService(ctx, ServiceSpec{Name: "x", Binary: probe}) },
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) { wantCode(t, call(), paas.Unavailable) })
	}
}

func TestRemoveLeavesNoVolumeOfTheImage(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	spec := newSpec("web", "wait")
	spec.Image = imageWith(t, d, `ENTRYPOINT ["/probe"]`, "VOLUME /data")
	i := start(t, d, spec)
	mounts := inspect(t, d, i.ID).Mounts
	if len(mounts) != 1 {
		t.Fatalf("mounts %v", mounts)
	}
	if err := d.Remove(t.Context(), i.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := d.client.VolumeInspect(t.Context(), mounts[0].Name, client.VolumeInspectOptions{}); err == nil {
		t.Error("its volume is still there")
	}
}
