package paas

// ExecRequest is a command to run inside a running instance, next to its process. It gets the instance's environment,
// user and working directory, and ends with the instance at the latest.
type ExecRequest struct {
	Command []string          `json:"command"`       // an argv; no word of it stands for another
	Env     map[string]string `json:"env,omitempty"` // on top of the instance's environment
	TTY     bool              `json:"tty,omitempty"`
	Stdin   bool              `json:"stdin,omitempty"`
	Size    TerminalSize      `json:"size,omitzero"`
}
