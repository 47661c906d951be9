package faults

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"paas/test/platform"
	"paas/test/report"
)

// backWithin is what the platform gets to be as desired once Docker answers again.
const backWithin = 30 * time.Second

// ownEngine begins a proof on a platform on an engine of its own, with one of the desks or without.
func ownEngine(t *testing.T, desk bool, id, what string, o platform.EngineOptions) (*platform.Engine, *report.Proof) {
	t.Helper()
	t.Parallel()
	p := suite.At(t, nil, id, what, desk)
	e := platform.StartEngine(p, o)
	p.Platform = platform.Start(p, platform.Options{Engine: e, Troubled: true})
	return e, p
}

// fleet is the ids of an app's containers by slot, once they are those of the formation, each running and fresh: never
// started a second time.
func fleet(p *platform.Platform, app, release string, slots ...string) (map[string]string, error) {
	all, err := p.Containers(app)
	if err != nil {
		return nil, err
	}
	ids := map[string]string{}
	for _, c := range all {
		switch {
		case c.State != "running" || c.Release != release:
			return nil, fmt.Errorf("%s of v%s is %s", c.Name, c.Release, c.State)
		case c.Restarted:
			return nil, fmt.Errorf("%s was started again with a used file system", c.Name)
		}
		ids[c.Name] = c.ID
	}
	if len(all) != len(slots) || !slices.Equal(slices.Sorted(maps.Keys(ids)), slots) {
		return nil, fmt.Errorf("%d containers, of %v, not %v", len(all), slices.Sorted(maps.Keys(ids)), slots)
	}
	return ids, nil
}

// wantFleet waits for it.
func wantFleet(t *testing.T, p *platform.Platform, app, release string, slots ...string) map[string]string {
	t.Helper()
	var ids map[string]string
	platform.WaitFor(t, backWithin, "the formation of "+app, func() (err error) {
		ids, err = fleet(p, app, release, slots...)
		return err
	})
	return ids
}

// names asks for apps and for a name that none has, all the time, and holds each answer against the name.
type names struct {
	p    *platform.Platform
	stop context.CancelFunc
	done sync.WaitGroup

	mu      sync.Mutex
	answers map[string]int // by name: how many came from the app itself
	wrong   []error
}

// nobody is a name that no app has.
const nobody = "nobody"

func watchNames(p *platform.Platform, apps ...string) *names {
	ctx, stop := context.WithCancel(context.Background())
	n := &names{p: p, stop: stop, answers: map[string]int{}}
	for _, app := range append(apps, nobody) {
		n.done.Go(func() {
			tick := time.NewTicker(25 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
					n.ask(ctx, app)
				}
			}
		})
	}
	return n
}

func (n *names) ask(ctx context.Context, app string) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.p.AppURL(app, "/env?key=PAAS_APP"), http.NoBody)
	if err != nil {
		n.note(app, err)
		return
	}
	a := n.p.Send(req)
	switch {
	case a.Err != nil || app != nobody && a.Header.Get("X-Paas-Error") != "":
		// nobody, or the router itself: somebody else's page it is not
	case app == nobody && a.Status == http.StatusNotFound, app != nobody && a.Status == http.StatusOK && a.Body == app:
		n.note(app, nil)
	default:
		n.note(app, fmt.Errorf("%s: %s answers %d: %s", time.Now().UTC().Format("15:04:05.000"), app, a.Status, a.Body))
	}
}

func (n *names) note(app string, wrong error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if wrong != nil {
		n.wrong = append(n.wrong, wrong)
		return
	}
	n.answers[app]++
}

// right fails the test if a name ever answered with what is not its own, or never at all.
func (n *names) right(t *testing.T, apps ...string) {
	t.Helper()
	n.stop()
	n.done.Wait()
	if err := errors.Join(n.wrong...); err != nil {
		t.Error(err)
	}
	for _, app := range append(apps, nobody) {
		if n.answers[app] == 0 {
			t.Errorf("%s was never right", app)
		}
	}
}

// away is told by every command that needs the engine, at once and without harm.
func wantAway(t *testing.T, p *platform.Platform, app *platform.App) {
	t.Helper()
	for _, args := range [][]string{{"scale", "web=3"}, {"restart"}, {"config:set", fmt.Sprintf("AWAY=%d", time.Now().UnixNano())}, {"run", "/probe", "who"}, {"ps"}} {
		began := time.Now()
		app.Run(append([]string{"paas"}, args...)...).Want(7).Says("the Docker engine does not answer", "systemctl status docker")
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("paas %s says so after %s", strings.Join(args, " "), took)
		}
	}
	app.Do("paas", "config")
	app.Do("paas", "releases")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.APIURL()+"/v1/apps/"+app.Name+"/instances", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	token := fmt.Sprintf("away-%d", time.Now().UnixNano())
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(p.Do(t, "paas", "tokens:create", token).Stdout))
	if err := p.Send(req).Want(http.StatusServiceUnavailable, "unavailable", "the Docker engine does not answer"); err != nil {
		t.Error(err)
	}
}

// passed is nil once so much time is over.
func passed(since time.Time, long time.Duration) error {
	if over := time.Since(since); over < long {
		return fmt.Errorf("%s of %s", over.Round(time.Second), long)
	}
	return nil
}
