package runtime

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"paas"
)

// output is a writer that tells when it holds a text.
type output struct {
	mu    sync.Mutex
	text  bytes.Buffer
	wrote chan struct{}
}

func newOutput() *output { return &output{wrote: make(chan struct{}, 1)} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(p)
	select {
	case o.wrote <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func (o *output) waitFor(t *testing.T, text string) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for !strings.Contains(o.String(), text) {
		select {
		case <-o.wrote:
		case <-deadline:
			t.Fatalf("it never said %q, only %q", text, o)
		}
	}
}

// run runs the test program as a one-off.
func run(t *testing.T, d *Docker, stdio paas.Stdio, change func(*paas.InstanceSpec), args ...string) int {
	t.Helper()
	spec := newSpec("run", args...)
	spec.Stdin = stdio.Stdin != nil
	if change != nil {
		change(&spec)
	}
	code, err := d.Run(t.Context(), spec, stdio, nil)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func TestRunGivesTheExitCodeAndBothStreams(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	out, errs := newOutput(), newOutput()
	spec := newSpec("run", "exit", "7")
	var began paas.Instance
	code, err := d.Run(t.Context(), spec, paas.Stdio{Stdout: out, Stderr: errs}, func(i paas.Instance) { began = i })
	if err != nil || code != 7 || out.String() != "exiting with 7\n" {
		t.Errorf("code %d, error %v, output %q", code, err, out)
	}
	if began.ID == "" || began.Name != "run.1" || !spec.Subnet.Contains(began.Addr) {
		t.Errorf("started with %+v", began)
	}
	code = run(t, d, paas.Stdio{Stdout: out, Stderr: errs}, nil, "lines", "4")
	if code != 0 || !strings.HasSuffix(out.String(), "line 0\nline 2\n") || errs.String() != "line 1\nline 3\n" {
		t.Errorf("code %d, output %q, errors %q", code, out, errs)
	}
	d.background.Wait()
	if left, err := d.Instances(t.Context(), ""); err != nil || len(left) != 0 {
		t.Errorf("left behind: %+v, %v", left, err)
	}
}

func TestRunPassesBytesThroughIntact(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	data := make([]byte, 5<<20)
	for i := range data {
		data[i] = byte(i * 7 >> 4)
	}
	var out bytes.Buffer
	if code := run(t, d, paas.Stdio{Stdin: bytes.NewReader(data), Stdout: &out}, nil, "cat"); code != 0 {
		t.Errorf("code %d", code)
	}
	if !bytes.Equal(out.Bytes(), data) {
		t.Errorf("%d bytes came back of %d", out.Len(), len(data))
	}
}

func TestRunEndsAProcessThatReadsToTheEndOfAnEmptyInput(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	out := newOutput()
	run(t, d, paas.Stdio{Stdin: strings.NewReader(""), Stdout: out}, nil, "drain")
	run(t, d, paas.Stdio{Stdout: out}, func(s *paas.InstanceSpec) { s.Stdin = true }, "drain")
	run(t, d, paas.Stdio{Stdout: out}, nil, "drain")
	if want := strings.Repeat("0 <nil>\n", 3); out.String() != want {
		t.Errorf("output %q", out)
	}
}

func TestRunWritesAllOutputOfAProcessThatEndsAtOnce(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	const size = 20 << 20
	sum := sha256.New()
	counted := &counter{w: sum}
	if code := run(t, d, paas.Stdio{Stdout: counted}, nil, "spill", fmt.Sprint(size)); code != 0 {
		t.Errorf("code %d", code)
	}
	want := sha256.New()
	for sent := 0; sent < size; sent += 1 << 16 {
		block := make([]byte, 1<<16)
		for i := range block {
			block[i] = byte((sent + i) * 31 >> 3)
		}
		want.Write(block)
	}
	if counted.n != size || !bytes.Equal(sum.Sum(nil), want.Sum(nil)) {
		t.Errorf("%d bytes came of %d, or not the same", counted.n, size)
	}
}

// counter counts what it writes.
type counter struct {
	w io.Writer
	n int
}

func (s *counter) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.n += n
	return n, err
}

func TestRunOnATerminalPassesItsSizeAndItsChanges(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	out := newOutput()
	input, typed := io.Pipe()
	resize := make(chan paas.TerminalSize)
	done := make(chan int)
	spec := newSpec("run", "size")
	spec.TTY, spec.Stdin, spec.Terminal = true, true, paas.TerminalSize{Cols: 101, Rows: 41}
	go func() {
		code, err := d.Run(t.Context(), spec, paas.Stdio{Stdin: input, Stdout: out, Resize: resize}, nil)
		if err != nil {
			t.Error(err)
		}
		done <- code
	}()
	out.waitFor(t, "101x41\r\n")
	resize <- paas.TerminalSize{Cols: 77, Rows: 33}
	out.waitFor(t, "77x33\r\n")
	if _, err := typed.Write([]byte("q\n")); err != nil {
		t.Fatal(err)
	}
	if code := <-done; code != 0 {
		t.Errorf("code %d", code)
	}
	typed.Close()
}

func TestRunPassesSignals(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	out := newOutput()
	signals := make(chan string)
	done := make(chan int)
	go func() { done <- run(t, d, paas.Stdio{Stdout: out, Signals: signals}, nil, "signals") }()
	out.waitFor(t, "ready")
	signals <- "USR1"
	out.waitFor(t, "user defined signal 1")
	signals <- "INT"
	if code := <-done; code != 42 {
		t.Errorf("code %d", code)
	}
}

func TestRunEndsAProcessWhoseClientHasGone(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	ctx, leave := context.WithCancel(t.Context())
	out, errs := newOutput(), newOutput()
	input, typed := io.Pipe()
	defer typed.Close()
	type result struct {
		code int
		err  error
	}
	done := make(chan result)
	spec := newSpec("run", "hang")
	spec.Stdin = true
	go func() {
		code, err := d.Run(ctx, spec, paas.Stdio{Stdin: input, Stdout: out, Stderr: errs}, nil)
		done <- result{code, err}
	}()
	out.waitFor(t, "ready")
	leave()
	r := <-done
	wantCode(t, r.err, paas.Canceled)
	if r.code != 5 || errs.String() != "hangup terminated\n" {
		t.Errorf("code %d, it got %q", r.code, errs)
	}
	d.background.Wait()
	if left, err := d.Instances(t.Context(), ""); err != nil || len(left) != 0 {
		t.Errorf("left behind: %+v, %v", left, err)
	}
}

func TestRunEndsAProcessWhoseOutputNobodyTakes(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	broken := errors.New("broken pipe")
	_, err := d.Run(t.Context(), newSpec("run", "wait"), paas.Stdio{Stdout: writerOf(func([]byte) (int, error) { return 0, broken })}, nil)
	wantCode(t, err, paas.Canceled)
}

type writerOf func([]byte) (int, error)

func (w writerOf) Write(p []byte) (int, error) { return w(p) }

func TestRunOfACommandThatIsNotThereGives127(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	image := imageWithEntrypoint(t, d, `["/nosuch"]`)
	errs := newOutput()
	code := run(t, d, paas.Stdio{Stderr: errs}, func(s *paas.InstanceSpec) { s.Image = image })
	if code != 127 || !strings.Contains(errs.String(), "/nosuch") {
		t.Errorf("code %d, it says %q", code, errs)
	}
}

func TestRunThatTheEngineCannotStartSaysWhy(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	spec := newSpec("run", "wait")
	spec.Image = imageWith(t, d, "USER nobodyatall", `ENTRYPOINT ["/probe"]`)
	code, err := d.Run(t.Context(), spec, paas.Stdio{}, nil)
	wantCode(t, err, paas.Failed)
	if code == 0 {
		t.Error("code 0")
	}
	spec.Image.ID = "sha256:" + strings.Repeat("1", 64)
	_, err = d.Run(t.Context(), spec, paas.Stdio{}, nil)
	wantCode(t, err, paas.NotFound)
}
