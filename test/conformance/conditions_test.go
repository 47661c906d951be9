package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"paas/test/platform"
)

// patience is what a condition gets that should hold within a moment on a machine that is not busy.
const patience = 40 * time.Second

var errNotYet = errors.New("not yet")

// door is a client of paasd's local socket. Conditions are looked at through it: many a look would be too dear by ssh.
func door(p *platform.Platform) *http.Client {
	socket := filepath.Join(p.DataDir(), "paasd.sock")
	return &http.Client{Timeout: patience, Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
}

// knock asks the door for something of the app; what is empty for the app itself.
func (a *app) knock(method, what string) (platform.Answer, error) {
	url := strings.TrimSuffix("http://paasd/v1/apps/"+a.Name+"/"+what, "/")
	req, err := http.NewRequestWithContext(context.Background(), method, url, http.NoBody)
	if err != nil {
		return platform.Answer{}, err
	}
	resp, err := a.proof.door.Do(req)
	if err != nil {
		return platform.Answer{}, err
	}
	defer resp.Body.Close()
	return read(resp), nil
}

// peek reads what the API says of the app.
func (a *app) peek(what string) (string, error) {
	answer, err := a.knock(http.MethodGet, what)
	if err != nil {
		return "", err
	}
	return answer.Body, answer.Want(http.StatusOK)
}

// destroy removes the app, if it is still there.
func (a *app) destroy() error {
	answer, err := a.knock(http.MethodDelete, "")
	if err != nil || answer.Status == http.StatusNotFound {
		return err
	}
	return answer.Want(http.StatusOK)
}

func (a *app) peekJSON(what string, v any) error {
	text, err := a.peek(what)
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(text), v)
}

// until waits for a condition on the app's processes.
func (a *app) until(what string, holds func(processes) error) {
	a.proof.Helper()
	platform.WaitFor(a.proof, patience, what, func() error {
		var p processes
		if err := a.peekJSON("instances", &p); err != nil {
			return err
		}
		if err := holds(p); err != nil {
			return fmt.Errorf("%w: there are %s", err, describe(p.Instances))
		}
		return nil
	})
}

// wantUp waits until exactly the named instances are there, all of them up.
func (a *app) wantUp(names ...string) {
	a.proof.Helper()
	a.until("exactly "+strings.Join(names, ", "), func(p processes) error {
		if len(p.Instances) != len(names) || !slices.Equal(p.up(), names) {
			return errNotYet
		}
		return nil
	})
}

// container waits until exactly one runs in the slot, and returns it.
func (a *app) container(name string) platform.Container {
	a.proof.Helper()
	return a.only(name, "")
}

// replaced waits until exactly one container runs in the slot, another than that one, and is up. It returns it.
func (a *app) replaced(old platform.Container) platform.Container {
	a.proof.Helper()
	fresh := a.only(old.Name, old.ID)
	a.until(old.Name+" up", func(p processes) error {
		if !slices.Contains(p.up(), old.Name) {
			return errNotYet
		}
		return nil
	})
	return fresh
}

// only waits until exactly one container runs in the slot, and not the one with that id.
func (a *app) only(name, not string) (c platform.Container) {
	a.proof.Helper()
	platform.WaitFor(a.proof, patience, "a container of "+name, func() error {
		in := a.running(name)
		if len(in) != 1 || in[0].ID == not {
			return fmt.Errorf("%d run", len(in))
		}
		c = in[0]
		return nil
	})
	return c
}

// crashed waits until the slot is shown as crashed.
func (a *app) crashed(name string) {
	a.proof.Helper()
	a.until(name+" crashed", func(p processes) error {
		if i, there := p.of(name); !there || i.State != "crashed" {
			return errNotYet
		}
		return nil
	})
}

// heldBack waits until the slot has crashed that many times and waits for its next start.
func (a *app) heldBack(name string, crashes int) (i instance) {
	a.proof.Helper()
	a.until(fmt.Sprintf("%s held back after crash %d", name, crashes), func(p processes) error {
		if i, _ = p.of(name); i.State != "crashed" || i.Restarts != crashes || i.NextRestartAt == nil {
			return errNotYet
		}
		return nil
	})
	return i
}

// wantLog waits until the log has a line with all of the texts.
func (a *app) wantLog(texts ...string) {
	a.proof.Helper()
	platform.WaitFor(a.proof, patience, fmt.Sprintf("a line with %q", texts), func() error {
		log, err := a.peek("logs")
		if err != nil {
			return err
		}
		for line := range strings.Lines(log) {
			if !slices.ContainsFunc(texts, func(t string) bool { return !strings.Contains(line, t) }) {
				return nil
			}
		}
		return fmt.Errorf("the log is\n%s", log)
	})
}
