package web

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// quietly serves one connection in a bubble, where hours pass at once, and returns the client's end of it.
func quietly(t *testing.T, f *fake, serve func(ctx context.Context, s *Server, conn net.Conn) error) (conn net.Conn) {
	t.Helper()
	server := NewServer(f.services(), Options{Grace: time.Second})
	conn, far := net.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = serve(ctx, server, far)
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		stop()
		<-served
	})
	return conn
}

func asAda(ctx context.Context, s *Server, conn net.Conn) error {
	return s.ServeConn(ctx, conn, "ada", "192.0.2.7")
}

func asStranger(ctx context.Context, s *Server, conn net.Conn) error {
	return s.ServeTCP(ctx, newSingle(conn))
}

func TestALogThatWasQuietForLongEndsAsItShould(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.onLog = func(_ context.Context, w io.Writer) error {
			fmt.Fprintln(w, "one line")
			pause(context.Background(), 10*writeTimeout)
			return nil
		}
		conn := quietly(t, f, asAda)
		if _, err := io.WriteString(conn, "GET /v1/apps/hello/builds/1/log HTTP/1.1\r\nHost: paas\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "one line\n" {
			t.Errorf("%q, %v", body, err)
		}
	})
}

func TestABodyThatNeverComesHoldsNoConnection(t *testing.T) {
	for _, head := range []string{"Content-Length: 100", "Transfer-Encoding: chunked"} {
		synctest.Test(t, func(t *testing.T) {
			conn := quietly(t, newFake(), asStranger)
			if _, err := io.WriteString(conn, "POST /v1/apps HTTP/1.1\r\nHost: paas\r\n"+head+"\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			answer, err := io.ReadAll(conn)
			if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 401 ") || time.Since(began) > 2*bodyTimeout {
				t.Errorf("%s: after %s: %q, %v", head, time.Since(began), answer, err)
			}
		})
	}
}

func TestAnAnswerThatNobodyReadsHoldsNoConnection(t *testing.T) {
	for _, path := range []string{"/v1/apps", healthPath} {
		synctest.Test(t, func(t *testing.T) {
			conn := quietly(t, newFake(), asStranger)
			if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: paas\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			pause(t.Context(), 2*writeTimeout)
			if answer, err := io.ReadAll(conn); err != nil || len(answer) > 0 {
				t.Errorf("%s: the connection is still there: %q, %v", path, answer, err)
			}
		})
	}
}
