// Command reaper removes what a platform under test made, once its stdin ends: processes and files of the folder that is
// its argument, and the objects on the Docker engine of every installation in it. The tests start one per platform, so
// that nothing stays behind however they end.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) != 2 || !strings.Contains(filepath.Base(os.Args[1]), "paas-test-") {
		fmt.Fprintln(os.Stderr, "use: reaper FOLDER, one named paas-test-…, with a pipe as stdin")
		os.Exit(2)
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "reaper:", err)
	}
	if err := reap(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "reaper:", err)
		os.Exit(1)
	}
}

const patience = 2 * time.Minute

func reap(dir string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	failed := kill(dir)
	found, err := installations(ctx, dir)
	failed = errors.Join(failed, err)
	for _, id := range found {
		failed = errors.Join(failed, sweep(ctx, "label=paas.installation="+id))
	}
	return errors.Join(failed, os.RemoveAll(dir))
}

// kill ends the paasd processes that have the folder's data directory among their arguments.
func kill(dir string) error {
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return err
	}
	for _, line := range lines {
		args, err := os.ReadFile(line)
		if err != nil {
			continue // gone since
		}
		argv := strings.Split(string(args), "\x00")
		if filepath.Base(argv[0]) != "paasd" || !slices.Contains(argv, filepath.Join(dir, "data")) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(line)))
		if err != nil {
			return err
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("kill paasd (%d): %w", pid, err)
		}
	}
	return nil
}

var announced = regexp.MustCompile(`\(installation ([a-z0-9]+)\)`)

// installations are those that paasd named in its log, and that of a router which has the folder mounted.
func installations(ctx context.Context, dir string) ([]string, error) {
	log, err := os.ReadFile(filepath.Join(dir, "paasd.log"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var found []string
	for _, m := range announced.FindAllStringSubmatch(string(log), -1) {
		found = append(found, m[1])
	}
	routers, err := docker(ctx, "ps", "--all", "--filter", "volume="+filepath.Join(dir, "data", "router"),
		"--format", `{{.Label "paas.installation"}}`)
	if err != nil {
		return nil, err
	}
	found = append(found, routers...)
	slices.Sort(found)
	return slices.Compact(found), nil
}

// sweep removes what bears the label.
func sweep(ctx context.Context, label string) error {
	var failed error
	for _, kind := range []struct{ list, remove []string }{
		{[]string{"ps", "--all", "--quiet", "--filter", label}, []string{"rm", "--force", "--volumes"}},
		{[]string{"network", "ls", "--quiet", "--filter", label}, []string{"network", "rm"}},
		{[]string{"images", "--all", "--quiet", "--no-trunc", "--filter", label}, []string{"rmi", "--force"}},
	} {
		ids, err := docker(ctx, kind.list...)
		if err == nil && len(ids) > 0 {
			slices.Sort(ids)
			_, err = docker(ctx, append(kind.remove, slices.Compact(ids)...)...)
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

// docker runs the docker command and returns the words that it prints.
func docker(ctx context.Context, args ...string) ([]string, error) {
	cmd := exec.CommandContext(ctx, "docker", args...)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("docker %s: %w: %s", strings.Join(args, " "), err, complaint.String())
	}
	return strings.Fields(string(out)), nil
}
