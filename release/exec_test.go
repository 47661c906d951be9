package release

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"paas"
)

func TestExecRunsInTheInstanceThatServes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx := paas.WithUser(context.Background(), "ada")
		w.create()
		w.mustPush("img1")
		in := func() string {
			t.Helper()
			var out progressLog
			code, err := w.Exec(ctx, "hello", "web.1", paas.ExecRequest{Command: []string{"ls", "-l"}}, paas.Stdio{Stdout: &out})
			if code != 0 || err != nil {
				t.Error(code, err)
			}
			return out.String()
		}
		if got := in(); got != "ls -l in web.1 v1\n" {
			t.Error(got)
		}
		deployed := make(chan error, 1)
		go func() {
			_, _, err := w.push("slow", hello)
			deployed <- err
		}()
		pass(5 * time.Second)
		w.wantRunning("web.1 v1", "web.1 v2")
		if got := in(); got != "ls -l in web.1 v1\n" {
			t.Errorf("the new one is not up yet: %s", got)
		}
		if err := <-deployed; err != nil {
			t.Fatal(err)
		}
		if got := in(); got != "ls -l in web.1 v2\n" {
			t.Errorf("the old one is about to go: %s", got)
		}
		code, err := w.Exec(ctx, "hello", "web.1", paas.ExecRequest{Command: []string{"exit"}}, paas.Stdio{})
		if code != 7 || err != nil {
			t.Error(code, err)
		}
		for _, want := range []string{`paas[web.1]: exec "ls -l" by ada on v1`, `paas[web.1]: exec "exit" exited with status 7`} {
			if !strings.Contains(w.logs.text(), want) {
				t.Errorf("the log does not say %s", want)
			}
		}
	})
}

func TestExecEndsWithItsClientAndWithPaasd(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		sleep := func(ctx context.Context) <-chan error {
			done := make(chan error, 1)
			go func() {
				_, err := w.Exec(ctx, "hello", "web.1", paas.ExecRequest{Command: []string{"sleep"}}, paas.Stdio{})
				done <- err
			}()
			synctest.Wait()
			return done
		}
		ctx, leave := context.WithCancel(context.Background())
		done := sleep(ctx)
		leave()
		if err := <-done; paas.CodeOf(err) != paas.Canceled {
			t.Errorf("client gone: %v", err)
		}
		done = sleep(context.Background())
		w.Close()
		if err := <-done; paas.CodeOf(err) != paas.Canceled {
			t.Errorf("paasd stops: %v", err)
		}
		w.wantRunning("web.1 v1")
	})
}

func TestExecSaysWhyItCannot(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.create()
		refused := func(code paas.Code, hint, instance string, command ...string) {
			t.Helper()
			_, err := w.Exec(ctx, "hello", instance, paas.ExecRequest{Command: command}, paas.Stdio{})
			if e, ok := errors.AsType[*paas.Error](err); !ok || e.Code != code || e.Hint != hint {
				t.Errorf("%s: %+v", instance, err)
			}
		}
		refused(paas.NotFound, "paas ps -a hello", "web.1", "sh")
		w.mustPush("img1")
		refused(paas.Invalid, "name one like web.1: paas ps", "web", "sh")
		refused(paas.Invalid, "paas ps:exec web.1 -- sh", "web.1")
		refused(paas.NotFound, "paas ps -a hello", "web.2", "sh")
		refused(paas.NotFound, "paas ps -a hello", "run.1", "sh")
		must(w.Scale(ctx, "hello", paas.Formation{"web": 3}, &progressLog{}))(t)
		must(w.Stop(ctx, "hello", "web.2", &progressLog{}))(t)
		pass(time.Minute)
		refused(paas.Conflict, "paas ps:restart web.2 -a hello", "web.2", "sh")
		for i := w.instance("web.3"); i != nil; i = w.instance("web.3") { // until its restart is held back
			w.runtime.exit(i.ID, 1)
		}
		refused(paas.Conflict, "paas logs -a hello --process web.3", "web.3", "sh")
		env := map[string]string{"PORT": "1"}
		_, err := w.Exec(ctx, "hello", "web.1", paas.ExecRequest{Command: []string{"sh"}, Env: env}, paas.Stdio{})
		if paas.CodeOf(err) != paas.Invalid {
			t.Errorf("a reserved variable: %v", err)
		}
		if _, err := w.Exec(ctx, "bye", "web.1", paas.ExecRequest{Command: []string{"sh"}}, paas.Stdio{}); paas.CodeOf(err) != paas.NotFound {
			t.Errorf("no such app: %v", err)
		}
	})
}
