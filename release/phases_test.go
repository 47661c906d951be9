package release

import (
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"paas"
)

// What tests of faults kill paasd at comes in this order, and only of a new release.
func TestMomentsOfADeploymentAreReached(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		types := paas.ProcessTypes{{Name: "web", Command: "./hello"}, {Name: "release", Command: "./migrate"}}
		if _, out, err := w.push("img1", types); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		var mu sync.Mutex
		var moments []string
		w.Reached = func(moment string) {
			mu.Lock()
			defer mu.Unlock()
			moments = append(moments, moment)
		}
		w.runtime.exit(w.instance("web.1").ID, 1)
		w.wantRunning("web.1 v1") // by a repair
		moments = nil             // but for the end of what crashed
		if _, out, err := w.push("img2", types); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		synctest.Wait()
		want := []string{"release-command", "start", "probe", "switch", "route", "drain", "stop"}
		if diff := cmp.Diff(want, moments); diff != "" {
			t.Error(diff)
		}
	})
}
