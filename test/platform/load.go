package platform

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"
)

// Load is a steady stream of requests to one URL on kept connections, until Stop.
type Load struct {
	client *http.Client
	url    string
	stop   context.CancelFunc
	done   sync.WaitGroup

	mu       sync.Mutex
	requests int
	failures []error
}

// Load sends that many requests a second to a path of the app, each in its own time: a slow answer holds up no other.
func (a *App) Load(path string, perSecond int) *Load { return a.p.Load(a.URL(path), perSecond) }

// Load sends that many requests a second to a URL. Stop it.
func (p *Platform) Load(url string, perSecond int) *Load {
	ctx, stop := context.WithCancel(context.Background())
	l := &Load{client: &http.Client{Timeout: 40 * time.Second, Transport: p.transport()}, url: url, stop: stop}
	l.done.Go(func() {
		tick := time.NewTicker(time.Second / time.Duration(perSecond))
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				l.done.Go(l.ask)
			}
		}
	})
	return l
}

// ask wants a 2xx and the whole body.
func (l *Load) ask() {
	resp, err := l.client.Get(l.url)
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close() // read to its end, or failed
		if err == nil && resp.StatusCode/100 != 2 {
			err = fmt.Errorf("status %d %s", resp.StatusCode, resp.Header.Get("X-Paas-Error"))
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests++
	if err != nil {
		l.failures = append(l.failures, fmt.Errorf("%s: %w", time.Now().UTC().Format("15:04:05.000"), err))
	}
}

// Requests is how many have been answered, well or not.
func (l *Load) Requests() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.requests
}

// Stop ends the stream, waits for the answers under way, and returns how many requests there were and what failed.
func (l *Load) Stop() (requests int, err error) {
	l.stop()
	l.done.Wait()
	l.client.CloseIdleConnections()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.requests, errors.Join(l.failures...)
}

// StopClean stops and fails the test if a single request failed, or if there were none.
func (l *Load) StopClean(t testing.TB) {
	t.Helper()
	requests, err := l.Stop()
	if err != nil {
		t.Errorf("requests failed, out of %d:\n%v", requests, err)
	}
	if requests == 0 {
		t.Error("the load has sent nothing")
	}
}
