package runtime

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moby/moby/api/types/container"

	"paas"
)

func serviceOf(t *testing.T, args ...string) ServiceSpec {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return ServiceSpec{Name: "router", Binary: probe, Args: args, Dirs: []string{dir}}
}

func onlyService(t *testing.T, d *Docker) container.Summary {
	t.Helper()
	found, err := d.serviceContainers(t.Context(), "router")
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 1 {
		t.Fatalf("%d containers: %+v", len(found), found)
	}
	return found[0]
}

func TestEnsureServiceStartsReplacesAndLeavesAlone(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	spec := serviceOf(t, "wait")
	ensure := func() container.Summary {
		t.Helper()
		if err := d.EnsureService(t.Context(), spec); err != nil {
			t.Fatal(err)
		}
		return onlyService(t, d)
	}
	first := ensure()
	if want := "/paas-router-" + d.installation; first.Names[0] != want || first.State != container.StateRunning {
		t.Errorf("container %v is %s, want %s", first.Names, first.State, want)
	}
	waitForLine(t, d, first.ID, "ready")
	if again := ensure(); again.ID != first.ID {
		t.Error("it was replaced without need")
	}
	spec.Args = []string{"wait", "else"}
	second := ensure()
	if second.ID == first.ID || second.Names[0] != first.Names[0] {
		t.Errorf("other arguments: %v", second)
	}
	waitForLine(t, d, second.ID, "ready")
	if _, err := d.Stop(t.Context(), second.ID, serviceGrace); err != nil {
		t.Fatal(err)
	}
	third := ensure()
	if third.ID != second.ID || third.State != container.StateRunning {
		t.Errorf("after a stop: %v", third)
	}
	if c := inspect(t, d, third.ID); c.HostConfig.RestartPolicy.Name != container.RestartPolicyUnlessStopped {
		t.Errorf("after a stop the engine would not start it again: %+v", c.HostConfig.RestartPolicy)
	}
	if all, err := d.Instances(t.Context(), ""); err != nil || len(all) != 0 {
		t.Errorf("a service is not an instance: %+v, %v", all, err)
	}
	for range 2 {
		if err := d.RemoveService(t.Context(), "router"); err != nil {
			t.Fatal(err)
		}
	}
}

// services are the names that the service's containers were given, and whether they run.
func services(t *testing.T, d *Docker) (running map[string]bool) {
	t.Helper()
	found, err := d.serviceContainers(t.Context(), "router")
	if err != nil {
		t.Fatal(err)
	}
	running = map[string]bool{}
	for _, c := range found {
		running[c.Labels[labelServiceAs]] = c.State == container.StateRunning
	}
	return running
}

func TestASuccessorServesBeforeItsPredecessorEnds(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	spec := serviceOf(t, "wait")
	if err := d.EnsureService(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	first := onlyService(t, d)
	old := first.Labels[labelServiceAs]
	asked := 0
	spec.Args = []string{"wait", "else"}
	spec.Serving = func(context.Context) (string, error) {
		both := services(t, d)
		if !both[old] {
			t.Error("the one before has ended")
		}
		if asked++; asked < 3 {
			return old, nil
		}
		delete(both, old)
		for name, runs := range both {
			if runs {
				return name, nil
			}
		}
		return old, nil
	}
	if err := d.EnsureService(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	second := onlyService(t, d)
	if second.ID == first.ID || second.State != container.StateRunning || second.Names[0] != first.Names[0] {
		t.Errorf("got %v, %s", second.Names, second.State)
	}
	if c := inspect(t, d, second.ID); !slices.Contains(c.Config.Env, ServiceEnv+"="+second.Labels[labelServiceAs]) {
		t.Errorf("it does not know its name: %v", c.Config.Env)
	}

	// As after a kill in the middle: what was made is not what serves.
	stray, err := d.createService(t.Context(), spec, second.ImageID, "of another spec")
	if err != nil {
		t.Fatal(err)
	}
	serving := second.Labels[labelServiceAs]
	spec.Serving = func(context.Context) (string, error) { return serving, nil }
	if err := d.EnsureService(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	if c := onlyService(t, d); c.ID != second.ID {
		t.Errorf("%v is left, not %v", c.Names, second.Names)
	}
	if _, err := d.inspect(t.Context(), stray.ID); paas.CodeOf(err) != paas.NotFound {
		t.Errorf("the stray one: %v", err)
	}
}

func TestASuccessorThatDoesNotServeGoesAndTheOneBeforeStays(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	spec := serviceOf(t, "wait")
	if err := d.EnsureService(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	first := onlyService(t, d)
	spec.Args = []string{"wait", "else"}
	ctx, cancel := context.WithCancel(t.Context())
	spec.Serving = func(context.Context) (string, error) {
		if len(services(t, d)) == 2 {
			cancel() // time is up
		}
		return first.Labels[labelServiceAs], nil
	}
	if err := d.EnsureService(ctx, spec); paas.CodeOf(err) != paas.Unavailable {
		t.Errorf("got %v", err)
	}
	if c := onlyService(t, d); c.ID != first.ID || c.State != container.StateRunning {
		t.Errorf("%v is %s", c.Names, c.State)
	}
}

func TestAServiceWritesToItsFolderOnly(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	spec := serviceOf(t)
	spec.Args = []string{"write", filepath.Join(spec.Dirs[0], "there")}
	if err := d.EnsureService(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	waitForLine(t, d, onlyService(t, d).ID, "written")
	if _, err := os.Stat(filepath.Join(spec.Dirs[0], "there")); err != nil {
		t.Error(err)
	}
	c := inspect(t, d, onlyService(t, d).ID)
	if !c.HostConfig.ReadonlyRootfs || c.HostConfig.NetworkMode != "host" || c.HostConfig.RestartPolicy.Name != container.RestartPolicyUnlessStopped {
		t.Errorf("host config %+v", c.HostConfig)
	}
	spec.Args = []string{"write", "/elsewhere"}
	if err := d.EnsureService(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it says that it cannot write", func() bool {
		lines, err := d.Tail(t.Context(), onlyService(t, d).ID, 1)
		return err == nil && len(lines) == 1 && strings.Contains(lines[0], "read-only")
	})
}

func TestAServiceMayListenOnAPrivilegedPortOfTheHost(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	spec := serviceOf(t, "listen", "127.0.0.1", "979")
	if err := d.EnsureService(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	waitForLine(t, d, onlyService(t, d).ID, "ready")
}

func TestEnsureServiceWithoutItsFolderOrBinaryFails(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	spec := serviceOf(t, "wait")
	spec.Binary = filepath.Join(spec.Dirs[0], "nosuch")
	if err := d.EnsureService(t.Context(), spec); paas.CodeOf(err) != paas.Internal || !strings.Contains(err.Error(), "nosuch") {
		t.Errorf("error %v", err)
	}
	spec = serviceOf(t, "wait")
	spec.Dirs[0] = filepath.Join(spec.Dirs[0], "nosuch")
	if err := d.EnsureService(t.Context(), spec); err == nil {
		t.Error("no error without its folder")
	}
}
