package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
)

// The queue that clock fills and worker empties. A job that is done counts in the counter done-JOB.
const jobs = "jobs"

// worker takes jobs and does them one at a time. One in hand when ctx ends goes back into the queue.
func (p probe) worker(ctx context.Context, _ []string) error {
	if p.env("COUNTER_URL") == "" {
		return p.tick(ctx, func(n int) error {
			_, err := fmt.Fprintf(p.stdout, "worker tick %d\n", n)
			return err
		})
	}
	work, err := p.duration("PROBE_WORK", time.Second)
	if err != nil {
		return err
	}
	service, err := p.dialCounter(ctx)
	if err != nil {
		return err
	}
	defer service.Close()
	return p.tick(ctx, func(int) error { return p.doJobs(ctx, service, work) })
}

// doJobs goes on until the queue is empty or ctx ends.
func (p probe) doJobs(ctx context.Context, service *counterClient, work time.Duration) error {
	for ctx.Err() == nil {
		job, err := service.ask("pop " + jobs)
		if err != nil || job == "" {
			return err
		}
		fmt.Fprintf(p.stdout, "took job %s\n", job)
		if pause(ctx, work) != nil {
			fmt.Fprintf(p.stdout, "puts back job %s\n", job)
			_, err := service.ask("push " + jobs + " " + job)
			return err
		}
		if _, err := service.ask("incr done-" + job); err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "did job %s\n", job)
	}
	return nil
}

func (p probe) clock(ctx context.Context, _ []string) error {
	if p.env("COUNTER_URL") == "" {
		return p.tick(ctx, func(n int) error {
			_, err := fmt.Fprintf(p.stdout, "clock tick %d\n", n)
			return err
		})
	}
	service, err := p.dialCounter(ctx)
	if err != nil {
		return err
	}
	defer service.Close()
	return p.tick(ctx, func(n int) error {
		_, err := service.ask(fmt.Sprintf("push %s %d", jobs, n))
		return err
	})
}

// counterClient talks to the counter over one connection.
type counterClient struct {
	net.Conn
	answers *bufio.Reader
}

func (p probe) dialCounter(ctx context.Context) (*counterClient, error) {
	address, err := url.Parse(p.env("COUNTER_URL"))
	if err != nil {
		return nil, fmt.Errorf("COUNTER_URL: %w", err)
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address.Host)
	if err != nil {
		return nil, err
	}
	return &counterClient{Conn: conn, answers: bufio.NewReader(conn)}, nil
}

// ask sends a line and returns the answer to it. Not for use by two at once.
func (c *counterClient) ask(line string) (string, error) {
	if _, err := fmt.Fprintln(c, line); err != nil {
		return "", err
	}
	answer, err := c.answers.ReadString('\n')
	return strings.TrimSuffix(answer, "\n"), err
}
