package runtime

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"paas"
)

// inside runs the test program as a command in an instance.
func inside(t *testing.T, d *Docker, id string, stdio paas.Stdio, args ...string) int {
	t.Helper()
	req := paas.ExecRequest{Command: append([]string{"/probe"}, args...), Stdin: stdio.Stdin != nil}
	code, err := d.Exec(t.Context(), id, req, stdio)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// waiting is an instance that is there to run commands in.
func waiting(t *testing.T, d *Docker) paas.Instance {
	t.Helper()
	spec := newSpec("web", "wait")
	spec.Env = []string{"A=1", "B=x y=z"}
	i := start(t, d, spec)
	waitForLine(t, d, i.ID, "ready")
	return i
}

func TestExecGivesTheExitCodeAndBothStreams(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	i := waiting(t, d)
	out, errs := newOutput(), newOutput()
	if code := inside(t, d, i.ID, paas.Stdio{Stdout: out, Stderr: errs}, "exit", "7"); code != 7 || out.String() != "exiting with 7\n" {
		t.Errorf("code %d, output %q", code, out)
	}
	code := inside(t, d, i.ID, paas.Stdio{Stdout: out, Stderr: errs}, "lines", "4")
	if code != 0 || !strings.HasSuffix(out.String(), "line 0\nline 2\n") || errs.String() != "line 1\nline 3\n" {
		t.Errorf("code %d, output %q, errors %q", code, out, errs)
	}
	if now, err := d.Instance(t.Context(), i.ID); err != nil || !now.Running {
		t.Errorf("the instance: %+v, %v", now, err)
	}
}

func TestExecHasTheEnvironmentOfTheInstance(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	i := waiting(t, d)
	out := newOutput()
	req := paas.ExecRequest{Command: []string{"/probe", "env"}, Env: map[string]string{"TERM": "vt100", "A": "2"}}
	if code, err := d.Exec(t.Context(), i.ID, req, paas.Stdio{Stdout: out}); code != 0 || err != nil {
		t.Fatal(code, err)
	}
	vars := strings.Split(out.String(), "\n")
	for _, want := range []string{"A=2", "B=x y=z", "TERM=vt100"} {
		if !slices.Contains(vars, want) {
			t.Errorf("no %s in %q", want, vars)
		}
	}
}

func TestExecPassesBytesThroughIntactToTheirEnd(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	i := waiting(t, d)
	data := make([]byte, 5<<20)
	for i := range data {
		data[i] = byte(i * 7 >> 4)
	}
	var back bytes.Buffer
	if code := inside(t, d, i.ID, paas.Stdio{Stdin: bytes.NewReader(data), Stdout: &back}, "cat"); code != 0 || !bytes.Equal(back.Bytes(), data) {
		t.Errorf("code %d, %d bytes came back of %d", code, back.Len(), len(data))
	}
	out := newOutput()
	inside(t, d, i.ID, paas.Stdio{Stdin: strings.NewReader(""), Stdout: out}, "drain")
	inside(t, d, i.ID, paas.Stdio{Stdout: out}, "drain")
	if want := strings.Repeat("0 <nil>\n", 2); out.String() != want {
		t.Errorf("output %q", out)
	}
}

func TestExecOnATerminalPassesItsSizeAndItsChanges(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	i := waiting(t, d)
	out := newOutput()
	input, typed := io.Pipe()
	resize := make(chan paas.TerminalSize)
	done := make(chan int)
	req := paas.ExecRequest{Command: []string{"/probe", "size"}, TTY: true, Stdin: true, Terminal: paas.TerminalSize{Cols: 101, Rows: 41}}
	go func() {
		code, err := d.Exec(t.Context(), i.ID, req, paas.Stdio{Stdin: input, Stdout: out, Resize: resize})
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

func TestExecPassesSignals(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	i := waiting(t, d)
	out := newOutput()
	signals := make(chan string)
	done := make(chan int)
	go func() { done <- inside(t, d, i.ID, paas.Stdio{Stdout: out, Signals: signals}, "signals") }()
	out.waitFor(t, "ready")
	signals <- "NOSUCH" // is left out
	signals <- "USR1"
	out.waitFor(t, "user defined signal 1")
	signals <- "SIGINT"
	if code := <-done; code != 42 {
		t.Errorf("code %d", code)
	}
}

func TestExecHangsUpOnACommandWhoseClientHasGone(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	i := waiting(t, d)
	for name, tty := range map[string]bool{"with pipes": false, "on a terminal": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, leave := context.WithCancel(t.Context())
			out := newOutput()
			input, typed := io.Pipe()
			defer typed.Close()
			done := make(chan error)
			req := paas.ExecRequest{Command: []string{"/probe", "wait"}, TTY: tty, Stdin: true}
			go func() {
				code, err := d.Exec(ctx, i.ID, req, paas.Stdio{Stdin: input, Stdout: out})
				if code == 0 {
					t.Error("it ended well")
				}
				done <- err
			}()
			out.waitFor(t, "ready")
			leave()
			wantCode(t, <-done, paas.Canceled)
		})
	}
}

func TestExecKillsACommandThatIgnoresTheHangUp(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	i := waiting(t, d)
	ctx, leave := context.WithCancel(t.Context())
	out := newOutput()
	done := make(chan int)
	go func() {
		code, err := d.Exec(ctx, i.ID, paas.ExecRequest{Command: []string{"/probe", "deaf"}}, paas.Stdio{Stdout: out})
		if paas.CodeOf(err) != paas.Canceled {
			t.Error(err)
		}
		done <- code
	}()
	out.waitFor(t, "ready")
	left := time.Now()
	leave()
	if code := <-done; code != 137 {
		t.Errorf("code %d", code)
	}
	if took := time.Since(left); took < hangupGrace {
		t.Errorf("killed after %s", took)
	}
	if now, err := d.Instance(t.Context(), i.ID); err != nil || !now.Running {
		t.Errorf("the instance: %+v, %v", now, err)
	}
}

func TestExecEndsACommandWhoseOutputNobodyTakes(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	i := waiting(t, d)
	broken := writerOf(func([]byte) (int, error) { return 0, errors.New("broken pipe") })
	_, err := d.Exec(t.Context(), i.ID, paas.ExecRequest{Command: []string{"/probe", "wait"}}, paas.Stdio{Stdout: broken})
	wantCode(t, err, paas.Canceled)
}

func TestExecEndsWithItsInstance(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	i := waiting(t, d)
	out := newOutput()
	done := make(chan int)
	go func() { done <- inside(t, d, i.ID, paas.Stdio{Stdout: out}, "deaf") }()
	out.waitFor(t, "ready")
	if err := d.Signal(t.Context(), i.ID, "KILL"); err != nil {
		t.Fatal(err)
	}
	if code := <-done; code != 137 {
		t.Errorf("code %d", code)
	}
}

func TestExecOfACommandThatCannotStartSaysWhy(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	i := waiting(t, d)
	for _, command := range []string{"/nosuch", "nosuch", "/notexecutable"} {
		out := newOutput()
		code, err := d.Exec(t.Context(), i.ID, paas.ExecRequest{Command: []string{command}}, paas.Stdio{Stdout: out})
		if err != nil || code != 126 && code != 127 || !strings.Contains(out.String(), command) {
			t.Errorf("%s: code %d, error %v, output %q", command, code, err, out)
		}
	}
}

func TestExecNeedsAnInstanceThatRuns(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	i := waiting(t, d)
	req := paas.ExecRequest{Command: []string{"/probe", "env"}}
	if _, err := d.Stop(t.Context(), i.ID, time.Minute); err != nil {
		t.Fatal(err)
	}
	_, err := d.Exec(t.Context(), i.ID, req, paas.Stdio{})
	wantCode(t, err, paas.Conflict)
	_, err = d.Exec(t.Context(), strings.Repeat("0", 64), req, paas.Stdio{})
	wantCode(t, err, paas.NotFound)
}

func TestNoProcessButTheInstancesIsSignalled(t *testing.T) {
	t.Parallel()
	if err := inInstance(os.Getpid(), strings.Repeat("0", 64)); err == nil {
		t.Error("this test passes for a command in an instance")
	}
}
