package static

import (
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"
)

const (
	indexPage    = "index.html"
	notFoundPage = "404.html"
	fallbackPage = "200.html"
)

// Site is a folder that is served. It is an http.Handler.
type Site struct {
	root     *os.Root
	fallback string // "": none
}

// Open opens a folder. Fallback is the file that answers, with 200, where there is none of the name that was asked for; "" is
// 200.html, if it is there.
func Open(dir, fallback string) (*Site, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the site: %w", err)
	}
	s := &Site{root: root, fallback: fallback}
	if fallback == "" {
		s.fallback = fallbackPage
	}
	return s, nil
}

// Close lets go of the folder.
func (s *Site) Close() error { return s.root.Close() }

func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "Method not allowed", http.StatusMethodNotAllowed)
		return
	}
	name, hidden := clean(r.URL.Path)
	if hidden {
		s.missing(w, r, "")
		return
	}
	f, found, err := s.find(name)
	switch {
	case err == nil && name != "." && found != name && path.Base(found) == indexPage && !strings.HasSuffix(r.URL.Path, "/"):
		_ = f.Close() // only read from
		redirect(w, r, path.Base(name)+"/")
	case err == nil && strings.HasSuffix(r.URL.Path, "/") && path.Base(found) != indexPage:
		_ = f.Close() // only read from
		s.missing(w, r, name)
	case err == nil:
		s.send(w, r, f, found, http.StatusOK)
	case absent(err):
		s.missing(w, r, name)
	default:
		http.Error(w, "Internal server error", http.StatusInternalServerError)
	}
}

// clean is the name of a file in the folder that a path asks for, and whether it is one that nobody may have.
func clean(urlPath string) (name string, hidden bool) {
	name = strings.TrimPrefix(path.Clean("/"+urlPath), "/")
	if name == "" {
		return ".", false
	}
	if !fs.ValidPath(name) || strings.ContainsAny(name, "\\\x00") || name == "Dockerfile" {
		return "", true
	}
	for i, part := range strings.Split(name, "/") {
		if part[0] == '.' && (i > 0 || part != ".well-known") {
			return "", true
		}
	}
	return name, false
}

// redirect goes to another path beside this one; never to another host, whatever the path looks like.
func redirect(w http.ResponseWriter, r *http.Request, to string) {
	if q := r.URL.RawQuery; q != "" {
		to += "?" + q
	}
	w.Header().Set("Location", "./"+to)
	w.WriteHeader(http.StatusMovedPermanently)
}

// find opens the file for a name: itself, the index of its folder, or the page without its ending.
func (s *Site) find(name string) (*os.File, string, error) {
	candidates := []string{name, path.Join(name, indexPage), name + ".html"}
	if name == "." {
		candidates = []string{indexPage}
	}
	for _, candidate := range candidates {
		f, err := s.open(candidate)
		if err == nil || !absent(err) {
			return f, candidate, err
		}
	}
	return nil, "", fs.ErrNotExist
}

// open opens a regular file. A link that leads out of the folder is as good as not there.
func (s *Site) open(name string) (*os.File, error) {
	info, err := s.root.Stat(name) // first, since opening what is not regular may wait for ever
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fs.ErrNotExist
	}
	return s.root.Open(name)
}

// absent says that an error of a file means 404. os.Root has no name for what leads out of it: that is neither of the two others
// that a server is to blame for.
func absent(err error) bool {
	var p *fs.PathError
	return errors.As(err, &p) && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, fs.ErrClosed) || errors.Is(err, fs.ErrNotExist)
}

// missing answers for what is not there: a person who navigates gets the fallback.
func (s *Site) missing(w http.ResponseWriter, r *http.Request, name string) {
	if f, err := s.open(notFoundPage); err == nil {
		s.send(w, r, f, notFoundPage, http.StatusNotFound)
		return
	}
	if name != "" && path.Ext(name) == "" {
		if f, err := s.open(s.fallback); err == nil {
			s.send(w, r, f, s.fallback, http.StatusOK)
			return
		}
	}
	http.Error(w, "Not found", http.StatusNotFound)
}

// send answers with a file, or with what is left of it when the client has some already.
func (s *Site) send(w http.ResponseWriter, r *http.Request, f *os.File, name string, status int) {
	defer func() { _ = f.Close() }() // only read from; it may be another one below
	info, err := f.Stat()
	if err != nil {
		http.Error(w, "Internal server error", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", contentType(name))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "public, max-age=0, must-revalidate")
	tag := fmt.Sprintf("%x-%x", info.ModTime().UnixNano(), info.Size())
	if status != http.StatusOK { // no part of it, no "you have it"
		r = r.Clone(r.Context())
		for _, name := range []string{"Range", "If-Range", "If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since"} {
			r.Header.Del(name)
		}
		w = &statusWriter{ResponseWriter: w, status: status}
	}
	modified := info.ModTime()
	if compressible(name) {
		h.Set("Vary", "Accept-Encoding")
		encoding, other := s.encoded(r, name, info)
		switch {
		case other != nil:
			_ = f.Close() // only read from
			f, tag = other, tag+"-"+encoding
			h.Set("Content-Encoding", encoding)
		case encoding != "":
			r = r.Clone(r.Context())
			r.Header.Del("Range") // of a text that is compressed as it goes no part can be had
			tag += "-gzip"
			zw := &gzipWriter{ResponseWriter: w}
			defer zw.close()
			w = zw
		}
	}
	h.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, name, modified, f)
}

// contentType goes by the name alone: by what is known here first, since an image has no list of types.
func contentType(name string) string {
	ext := strings.ToLower(path.Ext(name))
	if t := types[ext]; t != "" {
		return t
	}
	if t := mime.TypeByExtension(ext); t != "" {
		return t
	}
	return "application/octet-stream"
}

// types are those that the standard library's own list does not have.
var types = map[string]string{
	".txt": "text/plain; charset=utf-8", ".md": "text/markdown; charset=utf-8", ".csv": "text/csv; charset=utf-8",
	".map": "application/json", ".webmanifest": "application/manifest+json", ".ico": "image/x-icon", ".atom": "application/atom+xml",
	".rss": "application/rss+xml", ".woff": "font/woff", ".woff2": "font/woff2", ".ttf": "font/ttf", ".otf": "font/otf",
	".mp4": "video/mp4", ".webm": "video/webm", ".mp3": "audio/mpeg", ".zip": "application/zip", ".gz": "application/gzip",
}

// compressible says that a file is text.
func compressible(name string) bool {
	return slices.Contains([]string{
		".html", ".htm", ".css", ".js", ".mjs", ".json", ".map", ".svg", ".xml", ".txt", ".md", ".csv", ".webmanifest", ".wasm", ".atom",
		".rss", ".ttf", ".otf", ".ico",
	}, strings.ToLower(path.Ext(name)))
}
