package platform

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Patience is what a condition gets that should hold within a moment on a machine that is not busy.
const Patience = 40 * time.Second

// ErrNotYet is for conditions that have no more to say.
var ErrNotYet = errors.New("not yet")

// Until waits for a condition on the app's processes.
func (a *App) Until(what string, holds func(Processes) error) {
	a.t.Helper()
	WaitFor(a.t, Patience, what, func() error {
		var p Processes
		if err := a.Peek("instances", &p); err != nil {
			return err
		}
		if err := holds(p); err != nil {
			return fmt.Errorf("%w: there are %s", err, describe(p.Instances))
		}
		return nil
	})
}

func describe(list []Instance) string {
	var texts []string
	for _, i := range list {
		texts = append(texts, fmt.Sprintf("%s v%d %s", i.Name, i.Release, i.State))
	}
	return strings.Join(texts, ", ")
}

// WantUp waits until exactly the named instances are there, all of them up.
func (a *App) WantUp(names ...string) {
	a.t.Helper()
	a.Until("exactly "+strings.Join(names, ", "), func(p Processes) error {
		if len(p.Instances) != len(names) || !slices.Equal(p.Up(), names) {
			return ErrNotYet
		}
		return nil
	})
}

// Container waits until exactly one runs in the slot, and returns it.
func (a *App) Container(name string) Container {
	a.t.Helper()
	return a.only(name, "")
}

// Replaced waits until exactly one container runs in the slot, another than that one, and is up. It returns it.
func (a *App) Replaced(old Container) Container {
	a.t.Helper()
	fresh := a.only(old.Name, old.ID)
	a.Until(old.Name+" up", func(p Processes) error {
		if !slices.Contains(p.Up(), old.Name) {
			return ErrNotYet
		}
		return nil
	})
	return fresh
}

// only waits until exactly one container runs in the slot, and not the one with that id.
func (a *App) only(name, not string) (c Container) {
	a.t.Helper()
	WaitFor(a.t, Patience, "a container of "+name, func() error {
		in := a.In(name)
		if len(in) != 1 || in[0].ID == not {
			return fmt.Errorf("%d run", len(in))
		}
		c = in[0]
		return nil
	})
	return c
}

// Slots is the container of each instance, by name, once none has two.
func (a *App) Slots() (slots map[string]string) {
	a.t.Helper()
	WaitFor(a.t, Patience, "one container a slot", func() error {
		slots = map[string]string{}
		all := a.Containers()
		for _, c := range all {
			slots[c.Name] = c.ID
		}
		if len(slots) < len(all) {
			return ErrNotYet
		}
		return nil
	})
	return slots
}

// WantLog waits until the log has a line with all of the texts, and returns it.
func (a *App) WantLog(texts ...string) (found string) {
	a.t.Helper()
	WaitFor(a.t, Patience, fmt.Sprintf("a line with %q", texts), func() error {
		answer := a.Knock(http.MethodGet, "logs")
		if err := answer.Want(http.StatusOK); err != nil {
			return err
		}
		for line := range strings.Lines(answer.Body) {
			if !slices.ContainsFunc(texts, func(t string) bool { return !strings.Contains(line, t) }) {
				found = line
				return nil
			}
		}
		return fmt.Errorf("the log is\n%s", answer.Body)
	})
	return found
}
