package report

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// The lines around what a run writes into a document.
const (
	measuredBegin = "<!-- measured: begin -->\n"
	measuredEnd   = "<!-- measured: end -->\n"
)

// Replace puts text in place of what stands between the markers in the document.
func Replace(path, text string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, begins := strings.Cut(string(content), measuredBegin)
	_, after, ends := strings.Cut(rest, measuredEnd)
	if !begins || !ends {
		return fmt.Errorf("%s has not the lines %q and %q", path, measuredBegin, measuredEnd)
	}
	return os.WriteFile(path, []byte(before+measuredBegin+text+measuredEnd+after), 0o644)
}

// Machine tells what was measured on.
func Machine() string {
	return fmt.Sprintf("%d cores, %s, %s", runtime.NumCPU(), said("uname", "-sr"),
		said("docker", "version", "--format", "Docker engine {{.Server.Version}}, client {{.Client.Version}}"))
}

func said(name string, args ...string) string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).Output()
	if err != nil {
		return name + " did not say"
	}
	return strings.TrimSpace(string(out))
}
