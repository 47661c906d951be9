package platform

import "time"

// The JSON that the command line promises to scripts.
type (
	// Processes is what `paas ps` says.
	Processes struct {
		Formation []struct {
			Type     string `json:"type"`
			Quantity int    `json:"quantity"`
			Command  string `json:"command"`
		} `json:"formation"`
		Instances []Instance `json:"instances"`
	}
	// Instance is one of them.
	Instance struct {
		Name          string     `json:"name"`
		Type          string     `json:"type"`
		State         string     `json:"state"`
		Release       int        `json:"release"`
		StartedAt     *time.Time `json:"started_at"`
		Restarts      int        `json:"restarts"`
		ExitCode      *int       `json:"exit_code"`
		Reason        string     `json:"reason"`
		NextRestartAt *time.Time `json:"next_restart_at"`
	}
	// Release is an entry of `paas releases`.
	Release struct {
		Version     int      `json:"version"`
		Status      string   `json:"status"`
		Current     bool     `json:"current"`
		Description string   `json:"description"`
		Image       string   `json:"image"`
		Commit      string   `json:"commit"`
		ConfigKeys  []string `json:"config_keys"`
		User        string   `json:"user"`
	}
	// ReleaseInfo is what `paas releases:info` says.
	ReleaseInfo struct {
		Release
		Build        int               `json:"build"`
		ProcessTypes map[string]string `json:"process_types"`
		Error        string            `json:"error"`
		Phases       []struct {
			Name    string  `json:"name"`
			Seconds float64 `json:"seconds"`
		} `json:"phases"`
	}
	// BuildRecord is an entry of `paas builds`.
	BuildRecord struct {
		ID     int    `json:"id"`
		Status string `json:"status"`
		Commit string `json:"commit"`
		Image  string `json:"image"`
		Error  string `json:"error"`
	}
	// Who is what a process of the probe says of itself.
	Who struct {
		Instance     string   `json:"instance"`
		Release      string   `json:"release"`
		Commit       string   `json:"commit"`
		UID          int      `json:"uid"`
		Workdir      string   `json:"workdir"`
		Binary       string   `json:"binary"`
		Mounts       []string `json:"mounts"`
		EngineSocket bool     `json:"engine_socket"`
	}
)

// Up is the name of every instance that is shown as up.
func (p Processes) Up() []string {
	var names []string
	for _, i := range p.Instances {
		if i.State == "up" {
			names = append(names, i.Name)
		}
	}
	return names
}

// Of is the instance of that name that is not on its way out.
func (p Processes) Of(name string) (Instance, bool) {
	for _, i := range p.Instances {
		if i.Name == name && i.State != "draining" && i.State != "stopping" {
			return i, true
		}
	}
	return Instance{}, false
}

// Took is how long the deployment of a release took, in seconds.
func (r ReleaseInfo) Took() (seconds float64) {
	for _, phase := range r.Phases {
		seconds += phase.Seconds
	}
	return seconds
}
