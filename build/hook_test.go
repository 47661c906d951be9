package build

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"paas"
)

// answering serves the hook's socket with a fixed answer.
func answering(t *testing.T, status int, body string) (socket string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "paas-hook-")
	if err != nil {
		t.Fatal(err)
	}
	socket = filepath.Join(dir, "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/hook/pre-receive" || r.Header.Get("Paas-Push") != "token" {
			t.Errorf("%s %s, token %q", r.Method, r.URL, r.Header.Get("Paas-Push"))
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close(); <-done; _ = os.RemoveAll(dir) })
	return socket
}

func TestHookShowsTheAnswerAndExits(t *testing.T) {
	for _, tc := range []struct {
		name   string
		status int
		body   string
		code   int
		want   string
	}{
		{"accepted", 200, `{"progress":"one"}` + "\n" + `{"progress":"two\nthree\n"}` + "\n" + `{"result":{}}` + "\n", 0, "one\ntwo\nthree\n"},
		{"accepted with nothing to say", 200, `{"result":null}`, 0, ""},
		{"refused", 200, `{"progress":"one"}` + "\n" + `{"error":{"code":"invalid","message":"no","hint":"do this","request_id":"r1"}}`, 1, "one\n !     no\n !     do this\n"},
		{"refused at once", 401, `{"error":{"code":"unauthorized","message":"who are you"}}`, 1, " !     who are you\n"},
		{"an error of paasd's own", 500, `{"error":{"code":"internal","message":"internal error","request_id":"r1"}}`, 1, " !     internal error (request id r1)\n"},
		{"paasd dies", 200, `{"progress":"one"}` + "\n", 1, "one\n !     paasd went away in the middle of the push\n !     push again; paas releases shows what was deployed\n"},
		{"not our answer", 502, "<html>", 1, " !     paasd went away in the middle of the push\n !     push again; paas releases shows what was deployed\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			env := map[string]string{"PAAS_SOCKET": answering(t, tc.status, tc.body), "PAAS_PUSH": "token"}
			var out strings.Builder
			code := Hook(t.Context(), func(k string) string { return env[k] }, strings.NewReader(none+" "+idA+" refs/heads/main\n"), &out)
			if code != tc.code || out.String() != tc.want {
				t.Errorf("exit code %d, %q; want %d, %q", code, out.String(), tc.code, tc.want)
			}
		})
	}
}

func TestHookWithoutPaasd(t *testing.T) {
	for name, tc := range map[string]struct {
		env   map[string]string
		stdin string
		want  string
	}{
		"not run by paasd": {nil, "", "this repository takes pushes through paasd only"},
		"no socket":        {map[string]string{"PAAS_SOCKET": "/nonexistent/s", "PAAS_PUSH": "x"}, "", "paasd does not answer"},
		"too many refs": {
			map[string]string{"PAAS_SOCKET": "/nonexistent/s", "PAAS_PUSH": "x"},
			strings.Repeat("x", maxUpdates+1), "the push has too many refs",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			code := Hook(context.Background(), func(k string) string { return tc.env[k] }, strings.NewReader(tc.stdin), &out)
			if code != 1 || !strings.Contains(out.String(), tc.want) {
				t.Errorf("exit code %d, %q", code, out.String())
			}
		})
	}
}

func TestPreReceiveTakesOnlyTheTokenOfAPushThatGoesOn(t *testing.T) {
	w := newWorld(t, Options{})
	for _, token := range []string{"", "x", strings.Repeat("A", 26)} {
		err := w.svc.PreReceive(t.Context(), token, none+" "+idA+" refs/heads/main\n", nil, nil, &strings.Builder{})
		if paas.CodeOf(err) != paas.Unauthorized {
			t.Errorf("token %q: %v", token, err)
		}
	}
	p, err := w.svc.beginPush(t.Context(), paas.App{ID: "idhello", Name: "hello"})
	if err != nil {
		t.Fatal(err)
	}
	defer w.svc.endPush(p)
	if err := w.svc.PreReceive(t.Context(), p.token, "rubbish", nil, nil, &strings.Builder{}); paas.CodeOf(err) != paas.Invalid {
		t.Errorf("rubbish: %v", err)
	}
	if err := w.svc.PreReceive(t.Context(), p.token, "rubbish", nil, nil, &strings.Builder{}); paas.CodeOf(err) != paas.Conflict {
		t.Errorf("a second call: %v", err)
	}
}

func TestObjectsOutsideOfTheRepositoryAreRefused(t *testing.T) {
	w := newWorld(t, Options{})
	if err := w.repos.Create(t.Context(), "idhello"); err != nil {
		t.Fatal(err)
	}
	if err := w.repos.Create(t.Context(), "idother"); err != nil {
		t.Fatal(err)
	}
	objects := filepath.Join(w.repos.Path("idhello"), "objects")
	within := filepath.Join(objects, "incoming-x")
	if err := os.Mkdir(within, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(t.TempDir(), filepath.Join(objects, "incoming-link")); err != nil {
		t.Fatal(err)
	}
	if _, err := w.repos.objects("idhello", map[string]string{envObjects: within, envQuarantine: within}); err != nil {
		t.Errorf("the quarantine itself: %v", err)
	}
	for _, dir := range []string{
		"/etc", "incoming-x", objects, within + "/../../../idother.git/objects", w.repos.Path("idother") + "/objects/pack",
		filepath.Join(objects, "incoming-link"), filepath.Join(objects, "nosuch"), "/nonexistent",
	} {
		for _, env := range []map[string]string{{envObjects: dir}, {envObjects: within, envQuarantine: dir}} {
			if _, err := w.repos.objects("idhello", env); paas.CodeOf(err) != paas.Invalid {
				t.Errorf("%v: %v", env, err)
			}
		}
	}
}
