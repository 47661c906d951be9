package main

import (
	"errors"
	"io"
	"net/http"

	"github.com/coder/websocket"
)

// serveEcho ends with the client's connection. Any origin may ask.
func (p probe) serveEcho(w http.ResponseWriter, r *http.Request) error {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return nil //nolint:nilerr // Accept has answered
	}
	defer func() { _ = conn.CloseNow() }()
	for {
		kind, message, err := conn.Read(r.Context())
		if websocket.CloseStatus(err) != -1 || errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return nil //nolint:nilerr // the connection is not HTTP any more: there is nobody to tell
		}
		if err := conn.Write(r.Context(), kind, message); err != nil {
			return nil //nolint:nilerr // as above
		}
	}
}
