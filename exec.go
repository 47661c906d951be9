package paas

import (
	"maps"
	"slices"
	"strings"
)

// MaxCommandBytes bounds the words of a command and its own variables together.
const MaxCommandBytes = 64 << 10

// ValidateCommand checks the argv of a run or of a command in an instance, and the variables that it gets on top of the
// config: what no process can be given is refused here, where it has a reason. example is the hint where there is none.
func ValidateCommand(command []string, env map[string]string, example string) error {
	if len(command) == 0 || command[0] == "" {
		return Errorf(Invalid, "no command given").WithHint("%s", example)
	}
	size := Config(env).Size()
	for _, word := range command {
		if strings.ContainsRune(word, 0) {
			return Errorf(Invalid, "the argument %s holds a NUL byte, which none can", Quote(word)).WithHint("pass such bytes on the standard input")
		}
		size += len(word)
	}
	for _, key := range slices.Sorted(maps.Keys(env)) {
		value := env[key]
		if err := (ConfigPatch{key: &value}).Validate(); err != nil {
			return err
		}
	}
	if size > MaxCommandBytes {
		return Errorf(Invalid, "the command and its variables are %d bytes, more than %d", size, MaxCommandBytes).
			WithHint("pass such input on the standard input")
	}
	return nil
}

// ExecRequest is a command to run inside a running instance, next to its process. It gets the instance's environment,
// user and working directory, and ends with the instance at the latest.
type ExecRequest struct {
	Command  []string          `json:"command"`       // an argv; no word of it stands for another
	Env      map[string]string `json:"env,omitempty"` // on top of the instance's environment
	TTY      bool              `json:"tty,omitempty"`
	Stdin    bool              `json:"stdin,omitempty"`
	Terminal TerminalSize      `json:"terminal,omitzero"`
}
