package main

import (
	"context"
	"fmt"
	"io"
	"time"
)

// worker does a job every five seconds until ctx ends. A job in hand is finished first.
func worker(ctx context.Context, env func(string) string, stdout io.Writer) error {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for job := 1; ; job++ {
		fmt.Fprintf(stdout, "worker: %s did job %d\n", env("PAAS_INSTANCE"), job)
		select {
		case <-tick.C:
		case <-ctx.Done():
			fmt.Fprintln(stdout, "worker: told to stop, nothing left in hand")
			return nil
		}
	}
}
