package platform

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// transport leads every name below localhost to the router or the API on 127.0.0.1, whatever the machine's resolver says.
func (p *Platform) transport() *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(addr)
			if err != nil {
				return nil, err
			}
			return p.dial(ctx, network, net.JoinHostPort("127.0.0.1", port))
		},
		MaxIdleConnsPerHost: 64,
	}
}

func (p *Platform) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if p.options.Engine == nil {
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
	return p.options.Engine.dial(ctx, network, addr)
}

// Client reaches apps by their URLs and keeps connections.
func (p *Platform) Client() *http.Client { return p.client }

// AppURL is the address of a path of an app, through the router.
func (p *Platform) AppURL(app, path string) string {
	return fmt.Sprintf("http://%s.localhost:%d%s", app, p.slot.addr(0).Port(), path)
}

// RouterAddr is where the router listens, HOST:PORT.
func (p *Platform) RouterAddr() string { return p.slot.addr(0).String() }

// APIURL is the address of the HTTP API, without a slash at its end.
func (p *Platform) APIURL() string { return "http://" + p.slot.addr(2).String() }

// SecureAddr is where the router takes TLS, if it does.
func (p *Platform) SecureAddr() string { return p.SpareAddr(4) }

// SpareAddr is a free address, HOST:PORT, of the platform's own: 0 to 4.
func (p *Platform) SpareAddr(i int) string { return p.slot.addr(3 + i).String() }

// Answer is an HTTP response, read to its end.
type Answer struct {
	Request string
	Status  int
	Header  http.Header
	Body    string
	Err     error // when there was none; Status is 0
}

// Send does the request and reads the answer.
func (p *Platform) Send(req *http.Request) Answer { return send(p.client, req) }

func send(client *http.Client, req *http.Request) Answer {
	a := Answer{Request: req.Method + " " + req.URL.String()}
	resp, err := client.Do(req)
	if err != nil {
		a.Err = err
		return a
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	a.Status, a.Header, a.Body, a.Err = resp.StatusCode, resp.Header, string(body), err
	return a
}

// Get asks an app through the router.
func (p *Platform) Get(app, path string) Answer {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, p.AppURL(app, path), http.NoBody)
	if err != nil {
		return Answer{Err: err}
	}
	return p.Send(req)
}

// Want is nil when the answer has that status and its body each of the texts.
func (a Answer) Want(status int, texts ...string) error {
	if a.Err != nil {
		return a.Err
	}
	for _, text := range texts {
		if !strings.Contains(a.Body, text) {
			return fmt.Errorf("%s: %d, without %q in its body: %s", a.Request, a.Status, text, a.Body)
		}
	}
	if a.Status != status {
		return fmt.Errorf("%s: %d, not %d: %s", a.Request, a.Status, status, a.Body)
	}
	return nil
}

// Must fails the test unless Want is satisfied.
func (a Answer) Must(t testing.TB, status int, texts ...string) Answer {
	t.Helper()
	if err := a.Want(status, texts...); err != nil {
		t.Fatal(err)
	}
	return a
}

// status asks for a URL and wants that status.
func status(client *http.Client, url string, want int) error {
	resp, err := client.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != want {
		return fmt.Errorf("%s: status %d", url, resp.StatusCode)
	}
	return nil
}

// Request asks any URL; headers are name, value pairs, and Host is the name asked for.
func (p *Platform) Request(t testing.TB, method, url, body string, headers ...string) Answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	return p.Send(req)
}
