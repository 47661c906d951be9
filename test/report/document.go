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

// Replace puts text in place of what stands in a document between the lines that mark the part.
func Replace(path, part, text string) error {
	begin, end := "<!-- "+part+": begin -->\n", "<!-- "+part+": end -->\n"
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, begins := strings.Cut(string(content), begin)
	_, after, ends := strings.Cut(rest, end)
	if !begins || !ends {
		return fmt.Errorf("%s has not the lines %q and %q", path, begin, end)
	}
	return os.WriteFile(path, []byte(before+begin+text+end+after), 0o644)
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
