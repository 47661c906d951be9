package release

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"paas"
)

func TestRuns(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.create()
		if _, err := w.CreateRun(ctx, "hello", paas.RunRequest{Command: []string{"ls"}}); paas.CodeOf(err) != paas.Conflict {
			t.Errorf("before a release: %v", err)
		}
		w.mustPush("img1")
		run := must(w.CreateRun(ctx, "hello", paas.RunRequest{Command: []string{"worker", "--once"}}))(t)
		if run.Name != "run.1" || run.Release != 1 {
			t.Errorf("%+v", run)
		}
		var out progressLog
		code, err := w.AttachRun(ctx, "hello", 1, paas.Stdio{Stdout: &out, Stderr: &out})
		if err != nil || code != 0 || out.String() != "./hello worker --once\n" {
			t.Errorf("%d %v %q", code, err, &out)
		}
		if _, err := w.AttachRun(ctx, "hello", 1, paas.Stdio{}); paas.CodeOf(err) != paas.Conflict {
			t.Errorf("attached twice: %v", err)
		}
		must(w.CreateRun(ctx, "hello", paas.RunRequest{Command: []string{"sleep"}}))(t)
		gone, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if _, err := w.AttachRun(gone, "hello", 2, paas.Stdio{Stdout: &out, Stderr: &out}); err == nil {
			t.Error("a client that is gone ends its run")
		}
		detached := must(w.CreateRun(ctx, "hello", paas.RunRequest{Command: []string{"x"}, Detach: true}))(t)
		w.wantRunning("run.3 v1", "web.1 v1")
		pass(time.Second)
		w.halt()
		w.boot()
		w.wantRunning("run.3 v1", "web.1 v1")
		w.runtime.exit(w.instance(detached.Name).ID, 7)
		synctest.Wait()
		last := must(w.Run(ctx, "hello", 3))(t)
		if last.Status != paas.RunExited || *last.ExitCode != 7 {
			t.Errorf("%+v", last)
		}
		must(w.CreateRun(ctx, "hello", paas.RunRequest{Command: []string{"x"}}))(t)
		pass(2 * time.Minute)
		if never := must(w.Run(ctx, "hello", 4))(t); never.Status != paas.RunFailed {
			t.Errorf("never attached: %+v", never)
		}
	})
}
