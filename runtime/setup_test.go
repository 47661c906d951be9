package runtime

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	mrand "math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"go.uber.org/goleak"

	"paas"
)

// probe is the path of the test program, and probeImage an image that has nothing else.
var (
	probe      string
	probeImage paas.Image
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(engineRole); dir != "" {
		fmt.Fprintln(os.Stderr, becomeEngine(dir))
		os.Exit(1)
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "paas-runtime-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	d, err := New(Options{Installation: newID()})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ctx := context.Background()
	if err := d.Ping(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "these tests need a Docker engine: %v\nstart one with: systemctl start docker, or as root: dockerd &\n", err)
		return 1
	}
	defer clean(d)
	if err := learnSubnets(ctx, d); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	probe = filepath.Join(dir, "probe")
	build := exec.CommandContext(ctx, "go", "build", "-o", probe, "./testdata/probe")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the test program: %v\n%s", err, out)
		return 1
	}
	if probeImage, err = imageOfProbe(ctx, d, "1"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	d.client.Close()
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func newID() string { return "t" + strings.ToLower(rand.Text()[:8]) }

// imageOfProbe imports the test program, whose name is then the whole environment of the image besides PATH.
func imageOfProbe(ctx context.Context, d *Docker, tag string, changes ...string) (paas.Image, error) {
	binary, err := os.ReadFile(probe)
	if err != nil {
		return paas.Image{}, err
	}
	content := tarOf(map[string][]byte{"probe": binary, "notexecutable": []byte("x")})
	stream, err := d.client.ImageImport(ctx, client.ImageImportSource{Source: content, SourceName: "-"}, d.repository("probe")+":"+tag,
		client.ImageImportOptions{Changes: append(changes, `ENTRYPOINT ["/probe"]`, "LABEL "+labelInstallation+"="+d.installation)})
	if err != nil {
		return paas.Image{}, err
	}
	defer stream.Close()
	if _, err := io.Copy(io.Discard, stream); err != nil {
		return paas.Image{}, err
	}
	found, err := d.inspectImage(ctx, d.repository("probe")+":"+tag)
	return paas.Image{ID: found.ID}, err
}

func tarOf(files map[string][]byte) *bytes.Buffer {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, content := range files {
		mode := int64(0o755)
		if strings.Contains(name, "notexecutable") {
			mode = 0o644
		}
		must(w.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: int64(len(content))}))
		_, err := w.Write(content)
		must(err)
	}
	must(w.Close())
	return &b
}

// filesOf is a source of these files, which no build before had.
func filesOf(files map[string][]byte) fstest.MapFS {
	src := fstest.MapFS{}
	for name, content := range files {
		src[name] = &fstest.MapFile{Data: content, Mode: 0o755, ModTime: time.Now()}
	}
	return src
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// newDocker is a runtime of an installation of its own, of which nothing is left when the test ends.
func newDocker(t testing.TB) *Docker {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	d, err := New(Options{Installation: newID(), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		clean(d)
		d.Close()
	})
	return d
}

// insist tries what a busy engine may refuse at first: it gives up on the exit of a container that it has killed after 10 s.
func insist(try func() error) (err error) {
	for range 6 {
		if err = try(); err == nil {
			return nil
		}
	}
	return err
}

// clean removes all that an installation has on the engine.
func clean(d *Docker) {
	ctx := context.Background()
	d.background.Wait()
	containers, err := d.client.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: d.mine()})
	must(err)
	for _, c := range containers.Items {
		must(insist(func() error { return d.forceRemove(ctx, c.ID) }))
	}
	networks, err := d.client.NetworkList(ctx, client.NetworkListOptions{Filters: d.mine()})
	must(err)
	for _, n := range networks.Items {
		must(d.removeNetwork(ctx, n.ID))
	}
	images, err := d.client.ImageList(ctx, client.ImageListOptions{Filters: d.mine()})
	must(err)
	for _, i := range images.Items {
		_, err := d.client.ImageRemove(ctx, i.ID, client.ImageRemoveOptions{Force: true})
		must(err)
	}
}

// subnets counts through 10.84.0.0/16, from anywhere, so that two runs of the tests seldom meet. The taken ones are those of
// networks that the engine has already: a run that was killed leaves some.
var subnets struct {
	next  atomic.Uint32
	taken map[netip.Prefix]bool
}

func learnSubnets(ctx context.Context, d *Docker) error {
	found, err := d.client.NetworkList(ctx, client.NetworkListOptions{})
	if err != nil {
		return err
	}
	subnets.next.Store(mrand.Uint32N(1024))
	subnets.taken = map[netip.Prefix]bool{}
	for _, n := range found.Items {
		for _, c := range n.IPAM.Config {
			subnets.taken[c.Subnet] = true
		}
	}
	return nil
}

func newSubnet() netip.Prefix {
	for {
		n := subnets.next.Add(1) % 1024
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 84, byte(n / 4), byte(n % 4 * 64)}), 26)
		if !subnets.taken[p] {
			return p
		}
	}
}

// newSpec is an instance of a new app that runs the test program with these arguments.
func newSpec(typ string, args ...string) paas.InstanceSpec {
	return paas.InstanceSpec{
		App: newID(), AppName: "hello", Type: typ, Name: typ + ".1", Release: 3, Image: probeImage, Command: args, Subnet: newSubnet(),
	}
}

func start(t *testing.T, d *Docker, spec paas.InstanceSpec) paas.Instance {
	t.Helper()
	i, err := d.Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// eventually waits until a condition holds, which it looks at often.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("it never came to this: %s", what)
		}
	}
}

// waitForLine waits until an instance has printed a line.
func waitForLine(t *testing.T, d *Docker, id, line string) {
	t.Helper()
	eventually(t, "the instance says "+line, func() bool {
		lines, err := d.Tail(t.Context(), id, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range lines {
			if l == line {
				return true
			}
		}
		return false
	})
}

func wantCode(t *testing.T, err error, want paas.Code) {
	t.Helper()
	if got := paas.CodeOf(err); got != want {
		t.Fatalf("error %v has code %q, want %q", err, got, want)
	}
}

func inspect(t *testing.T, d *Docker, id string) container.InspectResponse {
	t.Helper()
	c, err := d.inspect(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
