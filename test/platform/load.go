package platform

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Rate is requests a second. Each is sent when it is due: a slow answer holds up no other.
type Rate struct {
	Kept int // on connections that are kept
	New  int // each on a connection of its own
	// Busy is no rate: so many clients ask on a connection each, again as soon as they are answered. Only the number of their
	// answers is remembered, and the longest wait for one.
	Busy int
}

// Load is a steady stream of requests to one URL, until Stop.
type Load struct {
	url  string
	stop context.CancelFunc
	done sync.WaitGroup

	mu      sync.Mutex
	traffic Traffic
}

// Load sends requests to a path of the app. Stop it.
func (a *App) Load(path string, r Rate) *Load { return a.p.Load(a.URL(path), r) }

// Load sends requests to a URL. Stop it.
func (p *Platform) Load(url string, r Rate) *Load {
	ctx, stop := context.WithCancel(context.Background())
	l := &Load{url: url, stop: stop, traffic: Traffic{Began: time.Now()}}
	kept, single := p.transport(), p.transport()
	kept.IdleConnTimeout = idleTime
	single.DisableKeepAlives = true
	l.done.Go(func() {
		defer kept.CloseIdleConnections()
		var both sync.WaitGroup
		both.Go(func() { l.pace(ctx, r.Kept, kept) })
		both.Go(func() { l.pace(ctx, r.New, single) })
		for range r.Busy {
			both.Go(func() { l.hurry(ctx, p.transport()) })
		}
		both.Wait()
	})
	return l
}

// idleTime is shorter than the router's, so that the one who closes an idle connection is the client. What counts is the 10 s
// that the router waits for a first request: net/http connects ahead of need when answers are slow.
const idleTime = 8 * time.Second

// pace asks that many times a second, and waits for the answers under way.
func (l *Load) pace(ctx context.Context, perSecond int, by http.RoundTripper) {
	client := &http.Client{Timeout: 40 * time.Second, Transport: by}
	var under sync.WaitGroup
	defer under.Wait()
	for n := 0; perSecond > 0; n++ {
		due := l.traffic.Began.Add(time.Duration(n) * time.Second / time.Duration(perSecond))
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(due)):
		}
		under.Go(func() {
			began := time.Now()
			body, err := l.ask(client)
			l.note(Exchange{Due: due, Asked: began, Answered: time.Now(), Body: body, Err: err})
		})
	}
}

// hurry asks one request after the other.
func (l *Load) hurry(ctx context.Context, by *http.Transport) {
	defer by.CloseIdleConnections()
	client := &http.Client{Timeout: 40 * time.Second, Transport: by}
	for ctx.Err() == nil {
		began := time.Now()
		_, err := l.ask(client)
		e := Exchange{Due: began, Asked: began, Answered: time.Now(), Err: err}
		if err != nil {
			l.note(e)
			continue
		}
		l.mu.Lock()
		l.traffic.Sent++
		l.traffic.BusyWait = max(l.traffic.BusyWait, e.Answered.Sub(e.Asked))
		l.mu.Unlock()
	}
}

// ask wants a 2xx and the whole body, over the first connection that it is given: net/http would hide the loss of one
// by asking again.
func (l *Load) ask(client *http.Client) (string, error) {
	connections := 0
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connections++ }})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.url, http.NoBody)
	if err != nil {
		return "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return "", err
	case resp.StatusCode/100 != 2:
		return "", fmt.Errorf("status %d %s", resp.StatusCode, resp.Header.Get("X-Paas-Error"))
	case connections > 1:
		return "", fmt.Errorf("asked %d times, since a connection was lost", connections)
	}
	return strings.TrimSpace(string(body[:min(len(body), bodyKept)])), nil
}

// bodyKept is how much of an answer is remembered.
const bodyKept = 200

func (l *Load) note(e Exchange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.traffic.Sent++
	if e.Err != nil {
		l.traffic.Failures = append(l.traffic.Failures, e)
		return
	}
	l.traffic.Answers = append(l.traffic.Answers, e)
}

// SoFar is what has been answered until now, well or not.
func (l *Load) SoFar() Traffic {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.traffic
	t.Ended, t.Answers, t.Failures = time.Now(), slices.Clone(t.Answers), slices.Clone(t.Failures)
	return t
}

// Flow waits until that many more requests have been answered.
func (l *Load) Flow(t testing.TB, more int) {
	t.Helper()
	goal := l.SoFar().Sent + more
	WaitFor(t, Patience, "requests to flow", func() error {
		if n := l.SoFar().Sent; n < goal {
			return fmt.Errorf("%d of %d", n, goal)
		}
		return nil
	})
}

// Stop ends the stream, waits for the answers under way, and returns what became of all of it.
func (l *Load) Stop() Traffic {
	l.stop()
	l.done.Wait()
	return l.SoFar()
}

// StopClean stops, and fails the test if a single request failed, or if there were none.
func (l *Load) StopClean(t testing.TB) Traffic {
	t.Helper()
	traffic := l.Stop()
	if err := traffic.Err(); err != nil {
		t.Errorf("requests failed, out of %d, sent at most %s late:\n%v", traffic.Sent, traffic.Late().Round(time.Millisecond), err)
	}
	if traffic.Sent == 0 {
		t.Error("the load has sent nothing")
	}
	return traffic
}
