package platform

import (
	"encoding/json"
	"strings"
	"time"
)

// Container is what the engine knows of a container of an app.
type Container struct {
	ID      string
	Name    string // web.1, run.3: the label paas.instance
	Release string
	Image   string // id
	PID     int
	State   string // created, running, exited…
	Started time.Time
	// Restarted: it ended, and the engine started it again.
	Restarted bool
	Env       []string
}

// Containers asks the engine for the installation's containers, runs included, the router not; app is an app's name, or
// empty for all of them. Containers bear the name that the app had when they were started.
func (p *Platform) Containers(app string) ([]Container, error) {
	args := []string{"ps", "--all", "--quiet", "--no-trunc", "--filter", "label=paas.installation=" + p.Installation()}
	if app == "" {
		args = append(args, "--filter", "label=paas.app")
	} else {
		args = append(args, "--filter", "label=paas.app="+app)
	}
	out, err := p.Docker(args...)
	if err != nil {
		return nil, err
	}
	var found []Container
	for _, id := range strings.Fields(out) {
		c, err := p.container(id)
		if err != nil {
			continue // gone since
		}
		found = append(found, c)
	}
	return found, nil
}

func (p *Platform) container(id string) (Container, error) {
	out, err := p.Docker("inspect", "--type", "container", "--format", "{{json .}}", id)
	if err != nil {
		return Container{}, err
	}
	var seen struct {
		ID    string `json:"Id"`
		Image string
		State struct {
			Status     string
			Pid        int
			StartedAt  time.Time
			FinishedAt time.Time
		}
		Config struct {
			Labels map[string]string
			Env    []string
		}
	}
	if err := json.Unmarshal([]byte(out), &seen); err != nil {
		return Container{}, err
	}
	return Container{
		ID: seen.ID, Name: seen.Config.Labels["paas.instance"], Release: seen.Config.Labels["paas.release"], Image: seen.Image,
		PID: seen.State.Pid, State: seen.State.Status, Started: seen.State.StartedAt, Env: seen.Config.Env,
		Restarted: seen.State.Status == "running" && !seen.State.FinishedAt.IsZero(),
	}, nil
}
