package static

import (
	"compress/gzip"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"strings"
)

// minGzip is the size from which on compressing pays.
const minGzip = 1 << 10

// encoded picks how a text goes: as its .br or .gz beside it, which is returned open, or compressed on the fly, or as it is ("").
func (s *Site) encoded(r *http.Request, name string, info fs.FileInfo) (string, *os.File) {
	accepted := acceptedEncodings(r.Header.Values("Accept-Encoding"))
	for _, e := range []struct{ encoding, ending string }{{"br", ".br"}, {"gzip", ".gz"}} {
		if !accepted[e.encoding] {
			continue
		}
		if f, err := s.open(name + e.ending); err == nil {
			return e.encoding, f
		}
	}
	if accepted["gzip"] && info.Size() >= minGzip {
		return "gzip", nil
	}
	return "", nil
}

// acceptedEncodings reads Accept-Encoding; * stands for gzip.
func acceptedEncodings(headers []string) map[string]bool {
	accepted := map[string]bool{}
	for _, header := range headers {
		for item := range strings.SplitSeq(header, ",") {
			name, parameters, _ := strings.Cut(item, ";")
			name = strings.ToLower(strings.TrimSpace(name))
			if name == "*" {
				name = "gzip"
			}
			q, found := strings.CutPrefix(strings.ReplaceAll(parameters, " ", ""), "q=")
			weight, err := strconv.ParseFloat(q, 64)
			accepted[name] = !found || err == nil && weight > 0
		}
	}
	return accepted
}

// gzipWriter compresses a whole answer. Others, such as 304, pass as they are.
type gzipWriter struct {
	http.ResponseWriter
	z       *gzip.Writer
	decided bool
}

func (w *gzipWriter) WriteHeader(status int) {
	if !w.decided && status == http.StatusOK {
		h := w.Header()
		h.Del("Content-Length")
		h.Del("Accept-Ranges")
		h.Set("Content-Encoding", "gzip")
		w.z = gzip.NewWriter(w.ResponseWriter)
	}
	w.decided = true
	w.ResponseWriter.WriteHeader(status)
}

func (w *gzipWriter) Write(p []byte) (int, error) {
	if !w.decided {
		w.WriteHeader(http.StatusOK)
	}
	if w.z == nil {
		return w.ResponseWriter.Write(p)
	}
	return w.z.Write(p)
}

// close ends the compressed text; nobody is left to hear that it cannot.
func (w *gzipWriter) close() {
	if w.z != nil {
		_ = w.z.Close()
	}
}

// statusWriter says another status than 200.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if status == http.StatusOK {
		status = w.status
	}
	w.ResponseWriter.WriteHeader(status)
}
