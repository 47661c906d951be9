package paas

import (
	"io"
	"strconv"
	"time"
)

// RunStatus is where a one-off stands.
type RunStatus string

// The statuses of a run.
const (
	RunPending RunStatus = "pending" // recorded, waiting for its client to attach
	RunRunning RunStatus = "running"
	RunExited  RunStatus = "exited" // ExitCode says how
	RunFailed  RunStatus = "failed" // it could not be started, or was lost; Error says why
)

// Run is a one-off process on a release. IDs count from 1 within an app.
type Run struct {
	App        string    `json:"app"` // App.ID
	ID         int       `json:"id"`
	Release    int       `json:"release"`
	Command    []string  `json:"command"` // as the user gave it
	User       string    `json:"user"`
	Detached   bool      `json:"detached"`
	Status     RunStatus `json:"status"`
	CreatedAt  time.Time `json:"created_at"`
	FinishedAt time.Time `json:"finished_at,omitzero"`
	ExitCode   int       `json:"exit_code"`
	Error      string    `json:"error,omitempty"`
}

// Name is the run's slot: run.17.
func (r Run) Name() string { return RunType + "." + strconv.Itoa(r.ID) }

// RunRequest is what a user asks for.
type RunRequest struct {
	// Command is an argv. A first word that names a process type stands for that type's command.
	Command  []string          `json:"command"`
	Env      map[string]string `json:"env,omitempty"`     // on top of the release's config
	Release  int               `json:"release,omitempty"` // 0: the current one
	TTY      bool              `json:"tty,omitempty"`
	Stdin    bool              `json:"stdin,omitempty"`
	Terminal TerminalSize      `json:"terminal,omitzero"`
	Size     Size              `json:"size,omitzero"` // zero: that of the process type whose command it is, else the default
	Detach   bool              `json:"detach,omitempty"`
	Timeout  time.Duration     `json:"timeout,omitempty"` // 0: none for an attached run, 24 h for a detached one
}

// RunInfo is a run as users see it.
type RunInfo struct {
	Name      string    `json:"name"`
	Release   int       `json:"release"`
	Command   []string  `json:"command"`
	User      string    `json:"user"`
	Status    RunStatus `json:"status"`
	ExitCode  *int      `json:"exit_code"`
	CreatedAt time.Time `json:"created_at"`
	Seconds   float64   `json:"seconds"`
	Error     string    `json:"error,omitempty"`
}

// Info shows the run as of now.
func (r Run) Info(now time.Time) RunInfo {
	end := r.FinishedAt
	if end.IsZero() {
		end = now
	}
	info := RunInfo{
		Name: r.Name(), Release: r.Release, Command: r.Command, User: r.User, Status: r.Status, CreatedAt: r.CreatedAt,
		Seconds: max(0, end.Sub(r.CreatedAt).Seconds()), Error: r.Error,
	}
	if r.Status == RunExited {
		info.ExitCode = &r.ExitCode
	}
	return info
}

// Stdio connects a client to a process. Stdin, Resize and Signals may be nil.
type Stdio struct {
	Stdin   io.Reader // EOF half-closes the process's stdin
	Stdout  io.Writer // with a TTY it carries stderr too
	Stderr  io.Writer
	Resize  <-chan TerminalSize
	Signals <-chan string // names without SIG: INT, TERM, HUP, …
}
