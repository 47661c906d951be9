package proxy

import (
	"strings"
	"testing"
	"time"
)

func TestLine(t *testing.T) {
	t.Parallel()
	l := line{
		method: "GET", path: "/?q=1", host: "a.localhost", requestID: "id", fwd: "127.0.0.1", instance: "web.1",
		connect: 900 * time.Microsecond, service: 9 * time.Millisecond, status: 200, bytes: 12,
	}
	want := `at=info method=GET path="/?q=1" host=a.localhost request_id=id fwd="127.0.0.1" instance=web.1 connect=0ms service=9ms status=200 bytes=12 protocol=http`
	if got := string(l.appendTo(nil)); got != want {
		t.Errorf("got %s", got)
	}
	l.code, l.status, l.instance, l.bytes = timedOut, 504, "", 0
	want = `at=error code=H12 desc="Request timeout" method=GET path="/?q=1" host=a.localhost request_id=id fwd="127.0.0.1" instance= connect=0ms service=9ms status=504 bytes=0 protocol=http`
	if got := string(l.appendTo(nil)); got != want {
		t.Errorf("got %s", got)
	}
}

// FuzzLine holds that no value can end its field, its line, or grow without bound.
func FuzzLine(f *testing.F) {
	f.Add("GET", "/", "1.2.3.4")
	f.Add("G\"T", "/\" status=200 x=\"", "a\r\nat=error")
	f.Add("=", strings.Repeat("é", 3000), "\u2028\x85\x00\xff\\")
	f.Fuzz(func(t *testing.T, method, path, fwd string) {
		l := line{method: method, path: path, fwd: fwd, host: "h"}
		s := string(l.appendTo(nil))
		for _, r := range s {
			if r < ' ' || r == 0x7f || r == 0x85 || r == '\u2028' || r == '\u2029' {
				t.Fatalf("%q holds %q", s, r)
			}
		}
		if len(s) > 200+3*(4*maxField+10) {
			t.Fatalf("%d bytes", len(s))
		}
		names := fields(t, s)
		if want := "at method path host request_id fwd instance connect service status bytes protocol"; strings.Join(names, " ") != want {
			t.Fatalf("%q reads as %q", s, names)
		}
	})
}

// fields parses a line as a reader of logfmt does and returns the names.
func fields(t *testing.T, s string) (names []string) {
	t.Helper()
	for s != "" {
		name, rest, ok := strings.Cut(s, "=")
		if !ok {
			t.Fatalf("no value in %q", s)
		}
		names = append(names, name)
		if strings.HasPrefix(rest, `"`) {
			rest = afterQuotes(t, rest[1:])
		} else if i := strings.IndexByte(rest, ' '); i >= 0 {
			rest = rest[i:]
		} else {
			rest = ""
		}
		s = strings.TrimPrefix(rest, " ")
	}
	return names
}

func afterQuotes(t *testing.T, s string) string {
	t.Helper()
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return s[i+1:]
		}
	}
	t.Fatalf("quotes do not end in %q", s)
	return ""
}
