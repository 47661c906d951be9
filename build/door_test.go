package build

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"paas"
)

// patience bounds every wait for something that should happen.
const patience = 30 * time.Second

// world is a service with its two doors: the one that git clients reach, and the socket that the hook calls.
type world struct {
	t        *testing.T
	svc      *Service
	repos    *Repos
	records  *memory
	builder  *builder
	deployer *deployer
	door     string // unix socket

	mu       sync.Mutex
	sessions map[net.Conn]context.CancelFunc
	wait     sync.WaitGroup
}

func newWorld(t *testing.T, opts Options) *world {
	t.Helper()
	sockets, err := os.MkdirTemp("", "paas-build-") // t.TempDir may be too long for a socket's path
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		t: t, records: newMemory(), builder: &builder{}, deployer: &deployer{},
		door: filepath.Join(sockets, "door"), sessions: map[net.Conn]context.CancelFunc{},
	}
	dir := t.TempDir()
	if w.repos, err = OpenRepos(filepath.Join(dir, "repos"), RepoOptions{Hook: self(t), Socket: filepath.Join(sockets, "paasd")}); err != nil {
		t.Fatal(err)
	}
	if opts.Dir = filepath.Join(dir, "logs"); opts.MaxBuilds == 0 {
		opts.MaxBuilds = 4
	}
	w.svc = NewService(Deps{Repos: w.repos, Records: w.records, Images: w.builder, Deployer: w.deployer}, opts)
	w.addApp("hello")
	hooks := w.serveHook(filepath.Join(sockets, "paasd"))
	door := w.serveDoor()
	t.Cleanup(func() {
		w.svc.Close()
		_ = door.Close()
		_ = hooks.Close()
		w.hangUp()
		w.wait.Wait()
		_ = os.RemoveAll(sockets)
	})
	return w
}

func self(t *testing.T) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return exe
}

func (w *world) addApp(name string) paas.App {
	app := paas.App{ID: "id" + strings.ReplaceAll(name, "-", ""), Name: name}
	w.records.put(app)
	return app
}

// serveHook is web's route for the hook, in short.
func (w *world) serveHook(socket string) *http.Server {
	l, err := net.Listen("unix", socket)
	if err != nil {
		w.t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var req HookRequest
		if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
			rw.WriteHeader(http.StatusBadRequest)
			return
		}
		out := &ndjson{w: rw}
		if err := w.svc.PreReceive(r.Context(), r.Header.Get("Paas-Push"), req.Updates, req.Env, req.Options, out); err != nil {
			out.fail(err)
			return
		}
		out.send(map[string]any{"result": nil})
	})}
	w.wait.Go(func() { _ = srv.Serve(l) })
	return srv
}

type ndjson struct{ w http.ResponseWriter }

func (n *ndjson) Write(p []byte) (int, error) {
	n.send(map[string]any{"progress": string(p)})
	return len(p), nil
}

func (n *ndjson) fail(err error) {
	body := map[string]string{"code": string(paas.CodeOf(err)), "message": err.Error()}
	if e, ok := errors.AsType[*paas.Error](err); ok {
		body["hint"] = e.Hint
	}
	n.send(map[string]any{"error": body})
}

func (n *ndjson) send(v any) {
	_ = json.NewEncoder(n.w).Encode(v)
	_ = http.NewResponseController(n.w).Flush()
}

// serveDoor is the SSH door, in short: the session's context ends when the client is gone.
func (w *world) serveDoor() net.Listener {
	l, err := net.Listen("unix", w.door)
	if err != nil {
		w.t.Fatal(err)
	}
	w.wait.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			w.wait.Go(func() { w.session(conn) })
		}
	})
	return l
}

func (w *world) session(conn net.Conn) {
	ctx, cancel := context.WithCancel(paas.WithUser(context.Background(), "ada"))
	defer cancel()
	w.mu.Lock()
	w.sessions[conn] = cancel
	w.mu.Unlock()
	in := bufio.NewReader(conn)
	line, err := in.ReadString('\n')
	var command string
	if err != nil || json.Unmarshal([]byte(line), &command) != nil {
		_ = conn.Close()
		return
	}
	stdin, feed := io.Pipe()
	var reader sync.WaitGroup
	reader.Go(func() {
		_, err := io.Copy(feed, in)
		_ = feed.CloseWithError(err)
	})
	w.serve(ctx, command, stdin, conn)
	_ = stdin.Close()
	_ = conn.Close()
	reader.Wait()
}

func (w *world) receive(ctx context.Context, app string, stdin io.Reader, stdout, stderr io.Writer) (int, error) {
	push, err := w.svc.ReceivePack(ctx, app, stdin, stdout, stderr)
	return push.ExitCode, err
}

func (w *world) serve(ctx context.Context, command string, stdin io.Reader, conn net.Conn) {
	var mu sync.Mutex
	out, errs := &framed{conn, &mu, frameOut}, &framed{conn, &mu, frameErr}
	verb, app, _ := strings.Cut(command, " ")
	app = strings.Trim(app, "'/")
	serve := w.svc.UploadPack
	if verb == "git-receive-pack" {
		serve = w.receive
	}
	code, err := serve(ctx, app, stdin, out, errs)
	if err != nil {
		writeError(errs, err)
		code = 1
	}
	mu.Lock()
	defer mu.Unlock()
	_ = writeFrame(conn, frameExit, []byte{byte(code)})
}

type framed struct {
	conn net.Conn
	mu   *sync.Mutex
	kind byte
}

func (f *framed) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(p), writeFrame(f.conn, f.kind, p)
}

// hangUp drops every session.
func (w *world) hangUp() { w.hangUpBut(nil) }

func (w *world) hangUpBut(kept map[net.Conn]context.CancelFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for conn, cancel := range w.sessions {
		if kept[conn] == nil {
			_ = conn.Close()
			cancel()
			delete(w.sessions, conn)
		}
	}
}

func (w *world) sessionsNow() map[net.Conn]context.CancelFunc {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.sessions)
}

// statuses are those of the app's builds, oldest first.
func (w *world) statuses(app string) []paas.BuildStatus {
	w.records.mu.Lock()
	defer w.records.mu.Unlock()
	var all []paas.BuildStatus
	for _, b := range w.records.builds["id"+app] {
		all = append(all, b.Status)
	}
	return all
}

// eventually waits until ok holds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for tick := time.NewTicker(2 * time.Millisecond); ; {
		if ok() {
			tick.Stop()
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("in vain: %s", what)
		}
	}
}

func receive[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("in vain: %s", what)
		panic("unreachable")
	}
}

// closeSessions drops every session without a word to the service.
func (w *world) closeSessions() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for conn := range w.sessions {
		_ = conn.Close()
	}
}
