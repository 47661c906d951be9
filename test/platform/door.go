package platform

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"path/filepath"
	"strings"
)

// socketClient is a client of paasd's local socket. Conditions are looked at through it: many a look would be too dear
// by ssh.
func (p *Platform) socketClient() *http.Client {
	socket := filepath.Join(p.DataDir(), "paasd.sock")
	return &http.Client{Timeout: Patience, Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
}

// Knock asks the socket for something of the app; what is empty for the app itself.
func (a *App) Knock(method, what string) Answer {
	url := strings.TrimSuffix("http://paasd/v1/apps/"+a.Name+"/"+what, "/")
	req, err := http.NewRequestWithContext(context.Background(), method, url, http.NoBody)
	if err != nil {
		return Answer{Err: err}
	}
	return send(a.p.door, req)
}

// Peek reads what the API says of the app into v.
func (a *App) Peek(what string, v any) error {
	answer := a.Knock(http.MethodGet, what)
	if err := answer.Want(http.StatusOK); err != nil {
		return err
	}
	return json.Unmarshal([]byte(answer.Body), v)
}

// Destroy removes the app, if it is still there.
func (a *App) Destroy() error {
	answer := a.Knock(http.MethodDelete, "")
	if answer.Status == http.StatusNotFound {
		return nil
	}
	return answer.Want(http.StatusOK)
}
