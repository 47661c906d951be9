package conformance

import "time"

// The JSON that the command line promises.
type (
	processes struct {
		Formation []struct {
			Type     string `json:"type"`
			Quantity int    `json:"quantity"`
			Command  string `json:"command"`
		} `json:"formation"`
		Instances []instance `json:"instances"`
	}
	instance struct {
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
	release struct {
		Version     int      `json:"version"`
		Status      string   `json:"status"`
		Current     bool     `json:"current"`
		Description string   `json:"description"`
		Image       string   `json:"image"`
		Commit      string   `json:"commit"`
		ConfigKeys  []string `json:"config_keys"`
		User        string   `json:"user"`
	}
	releaseInfo struct {
		release
		Build        int               `json:"build"`
		ProcessTypes map[string]string `json:"process_types"`
		Error        string            `json:"error"`
		Phases       []struct {
			Name    string  `json:"name"`
			Seconds float64 `json:"seconds"`
		} `json:"phases"`
	}
	build struct {
		ID     int    `json:"id"`
		Status string `json:"status"`
		Commit string `json:"commit"`
		Image  string `json:"image"`
	}
	run struct {
		Name     string `json:"name"`
		Release  int    `json:"release"`
		Status   string `json:"status"`
		ExitCode *int   `json:"exit_code"`
	}
	// who is what a process says of itself.
	who struct {
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
