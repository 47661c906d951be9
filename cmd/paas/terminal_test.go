package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"paas"
)

// result is what a command did.
type result struct {
	code           int
	stdout, stderr string
}

// platformURL serves p until the test ends.
func platformURL(t *testing.T, p *platform) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	stop, err := serve(p, socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return "unix://" + socket
}

// runWith executes a command in this process, without a terminal.
func runWith(t *testing.T, url string, stdin io.Reader, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	h := &host{in: stdin, out: &stdout, err: &stderr, env: []string{"PAAS_URL=" + url, "PAAS_APP=hello"}, now: now}
	code := runOn(t.Context(), h, args)
	return result{code, stdout.String(), stderr.String()}
}

// screen is a terminal with a person at it.
type screen struct {
	t      *testing.T
	person *os.File // what the person types into and reads from
	paas   *os.File // what paas is connected to
	url    string
	env    []string
	shown  bytes.Buffer
	mu     sync.Mutex
	read   chan struct{} // closed when paas has let go of the terminal
}

func newScreen(t *testing.T, url string, env ...string) *screen {
	t.Helper()
	person, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{t: t, person: person, paas: tty, url: url, env: env, read: make(chan struct{})}
	s.resize(80, 24)
	go s.watch()
	t.Cleanup(func() {
		s.types("\n") // a read that a run left behind holds the terminal open until it gets something
		_ = tty.Close()
		_ = person.Close()
		<-s.read
	})
	return s
}

// watch collects what is shown until the terminal is closed.
func (s *screen) watch() {
	defer close(s.read)
	buf := make([]byte, 4096)
	for {
		n, err := s.person.Read(buf)
		s.mu.Lock()
		s.shown.Write(buf[:n])
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (s *screen) resize(cols, rows uint16) {
	s.t.Helper()
	if err := pty.Setsize(s.person, &pty.Winsize{Cols: cols, Rows: rows}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *screen) types(text string) {
	s.t.Helper()
	if _, err := io.WriteString(s.person, text); err != nil {
		s.t.Fatal(err)
	}
}

// start runs a command on the terminal.
func (s *screen) start(args ...string) <-chan int {
	code := make(chan int, 1)
	h := &host{in: s.paas, out: s.paas, err: s.paas, env: append([]string{"PAAS_URL=" + s.url, "PAAS_APP=hello"}, s.env...), now: now}
	go func() { code <- runOn(s.t.Context(), h, args) }()
	return code
}

// sees waits until the text is on the screen.
func (s *screen) sees(text string) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("%q on the screen", text), func() bool { return strings.Contains(s.text(), text) })
}

func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.ReplaceAll(s.shown.String(), "\r\n", "\n")
}

func (s *screen) modes() unix.Termios {
	s.t.Helper()
	modes, err := unix.IoctlGetTermios(int(s.paas.Fd()), unix.TCGETS)
	if err != nil {
		s.t.Fatal(err)
	}
	return *modes
}

// patience is how long a busy machine may take for what takes milliseconds.
const patience = 10 * time.Second

// eventually waits for a condition.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not in time: %s", what)
		}
	}
}

// receive takes a value that has to come.
func receive[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("not in time: %s", what)
		panic("unreachable")
	}
}

func TestTablesOnATerminal(t *testing.T) {
	url := platformURL(t, newPlatform())
	for name, args := range map[string][]string{
		"apps": {"apps"}, "info": {"apps:info"}, "config": {"config"}, "ps": {"ps"}, "scale": {"scale"}, "releases": {"releases"},
		"release": {"releases:info"}, "builds": {"builds"}, "build": {"builds:info"}, "domains": {"domains"}, "keys": {"keys"}, "logs": {"logs"},
		"rollback": {"rollback", "--dry-run"}, "routes": {"routes", "--all"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScreen(t, url)
			if code := receive(t, "the command's end", s.start(args...)); code != 0 {
				t.Errorf("exit code %d: %s", code, s.text())
			}
			golden := filepath.Join("testdata", "tty", name+".txt")
			want := goldenText(t, golden, s)
			eventually(t, "all output of "+name, func() bool { return len(s.text()) >= len(want) })
			if diff := cmp.Diff(want, s.text()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", golden, diff)
			}
		})
	}
}

// goldenText reads the expected screen; with UPDATE_SCRIPTS it first writes what is there.
func goldenText(t *testing.T, file string, s *screen) string {
	t.Helper()
	if os.Getenv("UPDATE_SCRIPTS") != "" {
		s.sees("\n")
		if err := os.WriteFile(file, []byte(s.text()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(want)
}

func TestOnlyATerminalGetsTheColoursOfABuild(t *testing.T) {
	url := platformURL(t, newPlatform())
	s := newScreen(t, url)
	receive(t, "the command's end", s.start("builds:log"))
	s.sees("\x1b[32mstep 1\x1b[0m of build")
	plain := newScreen(t, url, "NO_COLOR=1")
	receive(t, "the command's end", plain.start("builds:log"))
	plain.sees("step 2")
	piped := runWith(t, url, nil, "builds:log")
	if strings.Contains(plain.text()+piped.stdout, "\x1b") || !strings.Contains(piped.stdout, "step 2") {
		t.Errorf("colours: %q, %q", plain.text(), piped.stdout)
	}
}

func TestNoColorIsHonoured(t *testing.T) {
	s := newScreen(t, platformURL(t, newPlatform()), "NO_COLOR=1")
	if code := receive(t, "the command's end", s.start("logs")); code != 0 {
		t.Errorf("exit code %d", code)
	}
	s.sees("working <on> it")
	if strings.Contains(s.text(), "\x1b") {
		t.Errorf("colors: %q", s.text())
	}
}

func TestDestroyAsksForTheName(t *testing.T) {
	p := newPlatform()
	s := newScreen(t, platformURL(t, p))
	code := s.start("destroy")
	s.sees("Type its name to go on: ")
	s.types("hallo\n")
	if got := receive(t, "the refusal", code); got != 2 {
		t.Errorf("a wrong name exits with %d, want 2", got)
	}
	if _, err := p.App(t.Context(), "hello"); err != nil {
		t.Errorf("the app is gone: %v", err)
	}
	code = s.start("destroy")
	eventually(t, "the second question", func() bool { return strings.Count(s.text(), "Type its name") == 2 })
	s.types("hello\n")
	if got := receive(t, "the end", code); got != 0 {
		t.Errorf("exit code %d: %s", got, s.text())
	}
	if _, err := p.App(t.Context(), "hello"); paas.CodeOf(err) != paas.NotFound {
		t.Errorf("the app is still there: %v", err)
	}
}

// XII-2: on a terminal the process gets the terminal's size, now and later, and the terminal is as before afterwards.
func TestRunOnATerminal(t *testing.T) {
	p := newPlatform()
	s := newScreen(t, platformURL(t, p), "TERM=xterm-256color")
	before := s.modes()
	s.resize(100, 30)

	code := s.start("run", "sizes")
	if got, want := receive(t, "the first size", p.resized), (paas.TerminalSize{Cols: 100, Rows: 30}); got != want {
		t.Errorf("the process starts with %v, want %v", got, want)
	}
	eventually(t, "raw mode", func() bool { return s.modes().Lflag&unix.ECHO == 0 })
	if got, want := receive(t, "the size once attached", p.resized), (paas.TerminalSize{Cols: 100, Rows: 30}); got != want {
		t.Errorf("attached with %v, want %v", got, want)
	}
	s.resize(120, 40)
	if err := syscall.Kill(os.Getpid(), syscall.SIGWINCH); err != nil { // the kernel's part: this is not our controlling terminal
		t.Fatal(err)
	}
	if got, want := receive(t, "the new size", p.resized), (paas.TerminalSize{Cols: 120, Rows: 40}); got != want {
		t.Errorf("resized to %v, want %v", got, want)
	}
	s.types("\x03") // Ctrl-C is a byte for the process, no signal for us
	if got := receive(t, "the end", code); got != 5 {
		t.Errorf("exit code %d, want the process's 5: %s", got, s.text())
	}
	if diff := cmp.Diff(before, s.modes()); diff != "" {
		t.Errorf("the terminal is not as before (-before +after):\n%s", diff)
	}
	if req := p.apps["hello"].requests[0]; !req.TTY || req.Env["TERM"] != "xterm-256color" {
		t.Errorf("the request was %+v", req)
	}
}

func TestALostConnectionEndsARunWithOneAndRestoresTheTerminal(t *testing.T) {
	p := newPlatform()
	url, cut := cuttable(t, platformURL(t, p))
	s := newScreen(t, url)
	before := s.modes()
	code := s.start("run", "sizes")
	receive(t, "the size in the request", p.resized)
	receive(t, "the size once attached", p.resized)
	cut()
	if got := receive(t, "the end", code); got != 1 {
		t.Errorf("exit code %d, want 1: %s", got, s.text())
	}
	if diff := cmp.Diff(before, s.modes()); diff != "" {
		t.Errorf("the terminal is not as before (-before +after):\n%s", diff)
	}
	s.sees("Error: the connection to run.1 was lost")
	s.sees("  try: paas run:info run.1 -a hello\n")
}

func TestExecOnATerminal(t *testing.T) {
	p := newPlatform()
	s := newScreen(t, platformURL(t, p), "TERM=xterm-256color")
	before := s.modes()
	s.resize(100, 30)
	code := s.start("ps:exec", "web.1", "--", "sizes")
	for range 2 { // in the request, and once attached
		if got, want := receive(t, "the size", p.resized), (paas.TerminalSize{Cols: 100, Rows: 30}); got != want {
			t.Errorf("the command has %v, want %v", got, want)
		}
	}
	eventually(t, "raw mode", func() bool { return s.modes().Lflag&unix.ECHO == 0 })
	s.types("\x03")
	if got := receive(t, "the end", code); got != 5 {
		t.Errorf("exit code %d, want the command's 5: %s", got, s.text())
	}
	if diff := cmp.Diff(before, s.modes()); diff != "" {
		t.Errorf("the terminal is not as before (-before +after):\n%s", diff)
	}
	if req := p.apps["hello"].requests[0]; !req.TTY || req.Env["TERM"] != "xterm-256color" {
		t.Errorf("the request was %+v", req)
	}
}

func TestALostConnectionEndsACommandWithOne(t *testing.T) {
	p := newPlatform()
	url, cut := cuttable(t, platformURL(t, p))
	s := newScreen(t, url)
	code := s.start("ps:exec", "web.1", "sizes")
	receive(t, "the size in the request", p.resized)
	receive(t, "the size once attached", p.resized)
	cut()
	if got := receive(t, "the end", code); got != 1 {
		t.Errorf("exit code %d, want 1: %s", got, s.text())
	}
	s.sees("Error: the connection to the command in web.1 was lost")
	s.sees("  try: paas ps -a hello\n")
}

func TestNoTTYMakesPipesOfATerminal(t *testing.T) {
	p := newPlatform()
	s := newScreen(t, platformURL(t, p))
	if got := receive(t, "the end", s.start("run", "--no-tty", "request")); got != 0 {
		t.Errorf("exit code %d", got)
	}
	s.sees("tty false")
}

func TestSignalsArePassedOnWithoutATerminal(t *testing.T) {
	for sig, name := range map[syscall.Signal]string{syscall.SIGINT: "INT", syscall.SIGTERM: "TERM", syscall.SIGHUP: "HUP"} {
		p := newPlatform()
		url := platformURL(t, p)
		ended := make(chan result, 1)
		go func() { ended <- runWith(t, url, nil, "run", "signal") }()
		receive(t, "the attachment", p.started)
		if err := syscall.Kill(os.Getpid(), sig); err != nil {
			t.Fatal(err)
		}
		want := result{3, "got " + name + "\n", "Running run.1 on hello v2.\n"}
		if got := receive(t, "the end", ended); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

func TestATailThatIsEndedIsNoError(t *testing.T) {
	url := platformURL(t, newPlatform())
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	code := make(chan int, 1)
	go func() {
		h := &host{out: w, err: io.Discard, env: []string{"PAAS_URL=" + url, "PAAS_APP=hello"}, now: now}
		code <- runOn(ctx, h, []string{"logs", "--tail", "-n", "1"})
	}()
	line := make([]byte, 200)
	n, err := r.Read(line)
	if err != nil || !strings.HasSuffix(string(line[:n]), "working <on> it\n") {
		t.Errorf("read %q, %v", line[:n], err)
	}
	cancel()
	if got := receive(t, "the end", code); got != 0 {
		t.Errorf("exit code %d, want 0", got)
	}
}
