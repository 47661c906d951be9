package conformance

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// watchProcesses looks at the arguments of all processes on the host until the function that it returns is called, which
// returns those that had the text.
func watchProcesses(text string) (seen func() string) {
	var found strings.Builder
	var watch sync.WaitGroup
	stop := make(chan struct{})
	watch.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			look(text, &found)
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	})
	return func() string {
		close(stop)
		watch.Wait()
		return found.String()
	}
}

func look(text string, found *strings.Builder) {
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return // the pattern is a good one
	}
	for _, line := range lines {
		args, err := os.ReadFile(line)
		if err == nil && bytes.Contains(args, []byte(text)) {
			found.Write(args)
		}
	}
}

// save writes an image with all of its layers.
func (p *proof) save(w io.Writer, image string) {
	p.Helper()
	cmd := exec.CommandContext(p.Context(), "docker", "save", image)
	cmd.Stdout = w
	p.OK(cmd.Run())
}
