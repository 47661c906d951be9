package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
)

// counter is the backing service. A client sends lines and gets one line for each:
//
//	incr NAME          adds one and answers the new count
//	get NAME           answers the count
//	push QUEUE ITEM    puts an item at the end and answers the length
//	pop QUEUE          takes the first item and answers it, or an empty line when there is none
type counter struct {
	mu     sync.Mutex
	counts map[string]int
	queues map[string][]string
}

func newCounter() *counter { return &counter{counts: map[string]int{}, queues: map[string][]string{}} }

// answer handles one line.
func (c *counter) answer(line string) string {
	verb, rest, _ := strings.Cut(line, " ")
	name, item, _ := strings.Cut(rest, " ")
	c.mu.Lock()
	defer c.mu.Unlock()
	switch verb {
	case "incr":
		c.counts[name]++
		return fmt.Sprint(c.counts[name])
	case "get":
		return fmt.Sprint(c.counts[name])
	case "push":
		c.queues[name] = append(c.queues[name], item)
		return fmt.Sprint(len(c.queues[name]))
	case "pop":
		queue := c.queues[name]
		if len(queue) == 0 {
			return ""
		}
		c.queues[name] = queue[1:]
		return queue[0]
	default:
		return fmt.Sprintf("error: no verb %q", verb)
	}
}

// serve answers the lines of one connection until it ends.
func (c *counter) serve(conn net.Conn) {
	defer conn.Close()
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		if _, err := fmt.Fprintln(conn, c.answer(lines.Text())); err != nil {
			return
		}
	}
}

// counter serves on $PORT until ctx ends; what it counted goes with it.
func (p probe) counter(ctx context.Context, _ []string) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", ":"+cmp.Or(p.env("PORT"), "5000"))
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "counting on %s\n", listener.Addr())
	return newCounter().accept(ctx, listener)
}

func (c *counter) accept(ctx context.Context, listener net.Listener) error {
	var connections sync.WaitGroup
	defer connections.Wait()
	defer context.AfterFunc(ctx, func() { _ = listener.Close() })()
	for {
		conn, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		connections.Go(func() {
			defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
			c.serve(conn)
		})
	}
}
