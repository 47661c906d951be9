package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

const big = 100 << 20

// zeros is a body of n bytes that takes no memory.
func zeros(n int64) io.Reader { return io.LimitReader(zeroReader{}, n) }

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestEventsArriveAsTheyAreSent(t *testing.T) {
	t.Parallel()
	next := make(chan struct{})
	defer close(next)
	r := start(t, Options{}, route(serveApp(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		rc := http.NewResponseController(w)
		_ = rc.Flush()
		for i := 0; ; i++ {
			if _, ok := <-next; !ok {
				return
			}
			fmt.Fprintf(w, "data: %d\n\n", i)
			_ = rc.Flush()
		}
	})))
	resp, err := r.client().Do(r.request(http.MethodGet, "/", nil)) // returns: the header came before any event
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	br := bufio.NewReader(resp.Body)
	for i := range 20 {
		next <- struct{}{} // the next event is sent only after the one before was read
		line, err := br.ReadString('\n')
		if err != nil || line != fmt.Sprintf("data: %d\n", i) {
			t.Fatalf("got %q, %v", line, err)
		}
		if _, err := br.Discard(1); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPartsOfAResponseOfKnownLengthArriveAsTheyAreSent(t *testing.T) {
	t.Parallel()
	next := make(chan struct{})
	r := start(t, Options{}, route(serveRaw(t, func(_ int, c net.Conn, br *bufio.Reader) {
		_, _ = readHead(br)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n")
		for _, part := range []string{"ab", "cd", "ef"} {
			<-next
			_, _ = io.WriteString(c, part)
		}
	})))
	resp, err := r.client().Do(r.request(http.MethodGet, "/", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for _, want := range []string{"ab", "cd", "ef"} {
		next <- struct{}{}
		got := make([]byte, 2)
		if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != want {
			t.Fatalf("got %q, %v", got, err)
		}
	}
}

func TestRequestAndResponseStreamTogether(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route(serveApp(t, func(w http.ResponseWriter, req *http.Request) {
		rc := http.NewResponseController(w)
		if err := rc.EnableFullDuplex(); err != nil {
			t.Error(err)
		}
		_ = rc.Flush()
		br := bufio.NewReader(req.Body)
		for {
			line, err := br.ReadString('\n')
			if err != nil {
				return
			}
			_, _ = io.WriteString(w, "echo "+line)
			_ = rc.Flush()
		}
	})))
	pr, pw := io.Pipe()
	resp, err := r.client().Do(r.request(http.MethodPost, "/", pr))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	br := bufio.NewReader(resp.Body)
	for i := range 10 {
		if _, err := fmt.Fprintf(pw, "%d\n", i); err != nil {
			t.Fatal(err)
		}
		if line, err := br.ReadString('\n'); err != nil || line != fmt.Sprintf("echo %d\n", i) {
			t.Fatalf("got %q, %v", line, err)
		}
	}
	_ = pw.Close()
	if rest, err := io.ReadAll(br); err != nil || len(rest) != 0 {
		t.Errorf("got %q, %v", rest, err)
	}
}

// Not parallel: it measures the heap.
func TestLargeBodiesBothWaysInBoundedMemory(t *testing.T) {
	for _, chunked := range []bool{false, true} {
		t.Run(fmt.Sprintf("chunked=%v", chunked), func(t *testing.T) {
			r := start(t, Options{}, route(serveApp(t, func(w http.ResponseWriter, req *http.Request) {
				n, err := io.Copy(io.Discard, req.Body)
				if n != big || err != nil {
					t.Errorf("the app got %d bytes, %v", n, err)
				}
				if !chunked {
					w.Header().Set("Content-Length", fmt.Sprint(big))
				}
				_, _ = io.Copy(w, zeros(big))
			})))
			req := r.request(http.MethodPost, "/", struct{ io.Reader }{zeros(big)})
			if !chunked {
				req.ContentLength = big
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			resp, err := r.client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			n, err := io.Copy(io.Discard, resp.Body)
			if n != big || err != nil {
				t.Errorf("got %d bytes, %v", n, err)
			}
			runtime.ReadMemStats(&after)
			if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 16<<20 {
				t.Errorf("the heap grew by %d bytes", grown)
			}
			r.line("status=200", fmt.Sprintf("bytes=%d", big))
		})
	}
}

func TestEarlyResponseReachesAClientThatStillSends(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route(serveRaw(t, func(_ int, c net.Conn, br *bufio.Reader) {
		_, _ = readHead(br)
		_, _ = io.WriteString(c, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
	})))
	const size = 64 << 20 // more than all buffers on the way hold
	c, br := r.raw(fmt.Sprintf("POST / HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: %d\r\n\r\n", size))
	if n, err := io.Copy(c, zeros(size)); n != size || err != nil { // a simple client reads only when all is sent
		t.Errorf("sent %d bytes: %v", n, err)
	}
	resp, body := readResponse(t, br)
	if resp.StatusCode != 413 || body != "big" || !resp.Close {
		t.Errorf("got %d %q %v", resp.StatusCode, body, resp.Header)
	}
	r.line("status=413", "at=info")
}

func TestWhatIsLeftOfABodyIsNoRequest(t *testing.T) {
	t.Parallel()
	addr, got := mirror(t)
	early := serveRawResponse(t, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
	other := route(addr)
	other.App, other.Hosts = "b", []string{"b.localhost"}
	r := start(t, Options{}, route(early), other)
	answer := r.rawAnswer("POST / HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 1000\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: b.localhost\r\n\r\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 403") || strings.Count(answer, "HTTP/1.1") != 1 {
		t.Errorf("got %q", answer)
	}
	select {
	case s := <-got:
		t.Errorf("the app got %s", s.uri)
	default:
	}
}

func TestContinueIsTheAppsToSay(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route(serveApp(t, func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/no" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		body, _ := io.ReadAll(req.Body)
		_, _ = w.Write(body)
	})))
	c, br := r.raw("POST /yes HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
	if resp, err := http.ReadResponse(br, nil); err != nil || resp.StatusCode != 100 {
		t.Fatalf("got %v %v", resp, err)
	}
	_, _ = io.WriteString(c, "hello")
	if resp, body := readResponse(t, br); resp.StatusCode != 200 || body != "hello" {
		t.Errorf("got %d %q", resp.StatusCode, body)
	}
	_, br = r.raw("POST /no HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
	if resp, _ := readResponse(t, br); resp.StatusCode != 403 || !resp.Close {
		t.Errorf("got %d %v", resp.StatusCode, resp.Header)
	}
}

func TestContinueIsNotWaitedForForever(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route(serveRaw(t, func(_ int, c net.Conn, br *bufio.Reader) {
		_, _ = readHead(br)
		body := make([]byte, 5) // an app that knows no Expect
		_, _ = io.ReadFull(br, body)
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n%s", body)
	})))
	c, br := r.raw("POST / HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
	if resp, err := http.ReadResponse(br, nil); err != nil || resp.StatusCode != 100 {
		t.Fatalf("got %v %v", resp, err)
	}
	_, _ = io.WriteString(c, "hello")
	if resp, body := readResponse(t, br); resp.StatusCode != 200 || body != "hello" {
		t.Errorf("got %d %q", resp.StatusCode, body)
	}
}

func TestUploadThatBreaksOff(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	app := func(_ http.ResponseWriter, req *http.Request) {
		_, err := io.Copy(io.Discard, req.Body)
		ended <- err
	}
	for _, chunked := range []bool{false, true} {
		r := start(t, Options{}, route(serveApp(t, app)))
		req := r.request(http.MethodPost, "/", io.MultiReader(strings.NewReader("some"), iotest.ErrReader(io.ErrClosedPipe)))
		if !chunked {
			req.ContentLength = 100
		}
		if resp, err := r.client().Do(req); err == nil {
			resp.Body.Close()
			t.Error("got a response")
		}
		if err := await(t, "the app", ended); err == nil {
			t.Error("the app took half a body for a whole one")
		}
		r.line("code=H27", "status=499")
	}
}

func TestSilenceInAnUploadIsCut(t *testing.T) {
	t.Parallel()
	r := start(t, Options{Timeouts: Timeouts{Idle: 100 * time.Millisecond}}, route(serveApp(t, func(_ http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
	})))
	answer := r.rawAnswer("POST / HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 10\r\n\r\nsome")
	if strings.Count(answer, "HTTP/1.1") != 1 || !strings.Contains(answer, "Connection: close") {
		t.Errorf("got %q", answer)
	}
	r.line("code=H28", "status=499")
}

func TestAppThatDoesNotTakeTheUpload(t *testing.T) {
	t.Parallel()
	r := start(t, Options{Timeouts: Timeouts{Idle: 200 * time.Millisecond, FirstByte: 200 * time.Millisecond}}, dying(func(c net.Conn, br *bufio.Reader) {
		_, _ = readHead(br)
		<-t.Context().Done()
	})(t))
	c, br := r.raw("POST / HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 1000000000\r\n\r\n")
	go func() { _, _ = io.Copy(c, zeros(1e9)) }()
	resp, _ := readResponse(t, br)
	if resp.StatusCode != 504 || resp.Header.Get("X-Paas-Error") != "H12" {
		t.Errorf("got %d %v", resp.StatusCode, resp.Header)
	}
}
