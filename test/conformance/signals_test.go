package conformance

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"paas/test/platform"
)

// watchSignals follows what the engine sends to a container; the function that it returns waits for a signal, by its
// number, and says when it was sent.
func (p *proof) watchSignals(id string) (sent func(signal string) time.Time) {
	p.Helper()
	ctx, stop := context.WithCancel(context.Background())
	began := time.Now().Unix()
	cmd := exec.CommandContext(ctx, "docker", "events", "--since", fmt.Sprint(began), "--filter", "container="+id, "--filter", "event=kill",
		"--format", "{{.TimeNano}} {{.Actor.Attributes.signal}}")
	var events writes
	cmd.Stdout = &events
	p.ok(cmd.Start())
	p.Cleanup(func() {
		stop()
		_ = cmd.Wait() // killed
	})
	return func(signal string) (at time.Time) {
		p.Helper()
		platform.WaitFor(p, patience, "signal "+signal, func() error {
			for line := range strings.Lines(events.text()) {
				var nano int64
				var number string
				if _, err := fmt.Sscan(line, &nano, &number); err == nil && number == signal {
					at = time.Unix(0, nano)
					return nil
				}
			}
			return fmt.Errorf("sent were: %s", events.text())
		})
		return at
	}
}
