package build

import (
	"encoding/pem"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"paas"
)

// hosting is a host of git repositories, over https.
type hosting struct {
	dir  string
	host string // host:port
	url  string
	ca   string // a file

	mu       sync.Mutex
	requests []string
}

func newHosting(t *testing.T) *hosting {
	t.Helper()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	h := &hosting{dir: t.TempDir()}
	backend := &cgi.Handler{
		Path: git, Args: []string{"http-backend"},
		Env:    []string{"GIT_PROJECT_ROOT=" + h.dir, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "HOME=" + h.dir},
		Stderr: io.Discard,
	}
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		h.requests = append(h.requests, r.URL.Path)
		h.mu.Unlock()
		switch {
		case strings.HasPrefix(r.URL.Path, "/moved/"):
			http.Redirect(w, r, strings.TrimPrefix(r.URL.Path, "/moved")+"?"+r.URL.RawQuery, http.StatusMovedPermanently)
		case strings.HasPrefix(r.URL.Path, "/private/"):
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
		default:
			backend.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(srv.Close)
	h.url, h.host = srv.URL, strings.TrimPrefix(srv.URL, "https://")
	h.ca = filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	if err := os.WriteFile(h.ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *hosting) asked() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.requests
}

// take makes what c has committed a repository of the host.
func (h *hosting) take(c *checkout, name string) {
	c.t.Helper()
	c.git("clone", "-q", "--bare", ".", filepath.Join(h.dir, name))
}

// allow lets the platform fetch from hosts.
func (w *world) allow(h *hosting, hosts ...string) {
	w.t.Helper()
	rules, err := ParseHostRules(hosts)
	if err != nil {
		w.t.Fatal(err)
	}
	w.repos.opts.Submodules = Submodules{Hosts: rules, CA: h.ca}
}

// submodule commits a submodule beside what is there.
func (c *checkout) submodule(path, url, commit string) string {
	c.t.Helper()
	c.git("config", "-f", ".gitmodules", "submodule."+path+".path", path)
	c.git("config", "-f", ".gitmodules", "submodule."+path+".url", url)
	c.git("add", ".gitmodules")
	c.git("update-index", "--add", "--cacheinfo", "160000,"+commit+","+path)
	c.git("commit", "-q", "-m", "submodule")
	return c.git("rev-parse", "HEAD")
}

func TestSubmodulesAreFetchedFromAllowedHosts(t *testing.T) {
	t.Parallel()
	w, h := newWorld(t, Options{}), newHosting(t)
	w.allow(h, h.host)
	deep := w.checkout("hello")
	deepest := deep.commit(map[string]string{"deep.txt": "deep"})
	h.take(deep, "deep.git")
	lib := w.checkout("hello")
	lib.commit(map[string]string{"old.txt": "old"})
	lib.commit(map[string]string{"lib.txt": "lib", ".gitattributes": "lib.txt export-ignore\n"})
	pinned := lib.submodule("nested", "../deep.git", deepest)
	lib.commit(map[string]string{"later.txt": "later"})
	h.take(lib, "lib.git")

	c := w.checkout("hello")
	c.app()
	c.submodule("vendor/lib", h.url+"/lib.git", pinned)
	c.push("main").want(t, true, "Submodule vendor/lib: "+pinned[:7]+" of "+h.url+"/lib.git",
		"Submodule vendor/lib/nested: "+deepest[:7]+" of "+h.url+"/deep.git")
	files, _ := w.builder.source()
	for name := range files {
		if !strings.HasPrefix(name, "vendor/lib/") || strings.HasSuffix(name, "/") {
			delete(files, name)
		}
	}
	delete(files, "vendor/lib/.gitmodules")
	want := map[string]string{
		"vendor/lib/lib.txt": "lib", "vendor/lib/old.txt": "old", "vendor/lib/nested/deep.txt": "deep",
		"vendor/lib/.gitattributes": "lib.txt export-ignore\n",
	}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Error(diff)
	}

	asked := len(h.asked())
	c.commit(map[string]string{"more": "x"})
	c.push("main").want(t, true)
	if more := h.asked()[asked:]; len(more) > 0 {
		t.Errorf("what was there is fetched again: %v", more)
	}
	if err := w.repos.Remove(t.Context(), "idhello"); err != nil || exists(filepath.Join(w.repos.dir, "idhello.modules")) {
		t.Errorf("its submodules outlive the app, %v", err)
	}
}

func TestFetchOfASubmoduleSurvivesAKilledOne(t *testing.T) {
	t.Parallel()
	w, h := newWorld(t, Options{}), newHosting(t)
	w.allow(h, h.host)
	lib := w.checkout("hello")
	pinned := lib.commit(map[string]string{"lib.txt": "lib"})
	h.take(lib, "lib.git")
	c := w.checkout("hello")
	c.app()
	c.submodule("lib", h.url+"/lib.git", pinned)
	c.push("main").want(t, true)
	repo, err := filepath.Glob(filepath.Join(w.repos.dir, "idhello.modules", "*.git"))
	if err != nil || len(repo) != 1 {
		t.Fatal(repo, err)
	}
	later := lib.commit(map[string]string{"lib.txt": "later"})
	if err := os.RemoveAll(filepath.Join(h.dir, "lib.git")); err != nil {
		t.Fatal(err)
	}
	h.take(lib, "lib.git")
	c.submodule("lib", h.url+"/lib.git", later)
	touch(t, filepath.Join(repo[0], "shallow.lock"))
	touch(t, filepath.Join(repo[0], "refs", "paas", "fetched", later+".lock"))
	c.push("main").want(t, true)
	if files, _ := w.builder.source(); files["lib/lib.txt"] != "later" {
		t.Errorf("lib.txt is %q", files["lib/lib.txt"])
	}
}

func TestSubmodulesThatAreNotFetched(t *testing.T) {
	t.Parallel()
	h := newHosting(t)
	for _, tc := range []struct {
		name  string
		hosts []string
		url   string
		want  string
	}{
		{"a host that is not allowed", []string{"github.com"}, h.url + "/lib.git", h.host + " is not among the hosts that submodules are fetched from: github.com"},
		{"another port", []string{"127.0.0.1"}, h.url + "/lib.git", "is not among the hosts"},
		{"any public host is not this one", []string{"*"}, "https://127.0.0.1/lib.git", "127.0.0.1 is at 127.0.0.1, which is no public address"},
		{"a name of this host", []string{"localhost"}, "https://localhost/lib.git", "which is no public address"},
		{"a cloud's metadata", []string{"*"}, "https://169.254.169.254/x.git", "which is no public address"},
		{"this host in IPv6", []string{"*"}, "https://[::ffff:127.0.0.1]/x.git", "which is no public address"},
		{"a number for an address", []string{"*"}, "https://2130706433/x.git", "!"},
		{"ssh", []string{h.host}, "git@github.com:a/b.git", "git submodule set-url lib 'https://github.com/a/b.git'"},
		{"http", []string{h.host}, "http://" + h.host + "/lib.git", "which is no plain https URL"},
		{"a file", []string{h.host}, "file://" + h.dir + "/lib.git", "which is no plain https URL"},
		{"a path", []string{h.host}, h.dir + "/lib.git", "which is no plain https URL"},
		{"a command", []string{h.host}, "ext::sh -c touch% " + h.dir + "/mark", "which is no plain https URL"},
		{"an option", []string{h.host}, "--upload-pack=touch " + h.dir + "/mark", "disallowed submodule url"},
		{"a password", []string{h.host}, "https://a:b@" + h.host + "/lib.git", "which is no plain https URL"},
		{"a host like an option", []string{"*"}, "https://-oProxyCommand=x/lib.git", "!"},
		{"relative to nothing", []string{h.host}, "../lib.git", "has the relative URL"},
		{"nothing", []string{h.host}, "", "has no URL in .gitmodules"},
		{"a redirect", []string{h.host}, h.url + "/moved/lib.git", "could not be fetched from"},
		{"one with a password", []string{h.host}, h.url + "/private/lib.git", "could not be fetched from"},
		{"one that is not there", []string{h.host}, h.url + "/nosuch.git", "could not be fetched from"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, Options{})
			w.allow(h, tc.hosts...)
			lib := w.checkout("hello")
			pinned := lib.commit(map[string]string{"lib.txt": "lib"})
			if !exists(filepath.Join(h.dir, "lib.git")) {
				h.take(lib, "lib.git")
			}
			before := len(h.asked())
			c := w.checkout("hello")
			c.app()
			c.submodule("lib", tc.url, pinned)
			c.push("main").want(t, false, tc.want)
			if n := w.builder.count(); n != 0 {
				t.Errorf("%d builds", n)
			}
			for _, path := range h.asked()[before:] {
				if strings.HasPrefix(path, "/lib.git") {
					t.Errorf("it was asked for %s", path)
				}
			}
			if exists(filepath.Join(h.dir, "mark")) {
				t.Error("a URL was run as a command")
			}
		})
	}
}

func TestSubmoduleOfAnotherCertificateIsNotFetched(t *testing.T) {
	t.Parallel()
	w, h := newWorld(t, Options{}), newHosting(t)
	w.allow(h, h.host)
	w.repos.opts.Submodules.CA = ""
	lib := w.checkout("hello")
	pinned := lib.commit(map[string]string{"lib.txt": "lib"})
	h.take(lib, "lib.git")
	c := w.checkout("hello")
	c.app()
	c.submodule("lib", h.url+"/lib.git", pinned)
	c.push("main").want(t, false, "could not be fetched from", "certificate")
}

func TestSubmoduleThatIsTooLargeIsNotBuilt(t *testing.T) {
	t.Parallel()
	w, h := newWorld(t, Options{}), newHosting(t)
	w.allow(h, h.host)
	w.repos.opts.Limits.SourceBytes = 64 << 10
	lib := w.checkout("hello")
	pinned := lib.commit(map[string]string{"lib.txt": noise(256 << 10)})
	h.take(lib, "lib.git")
	c := w.checkout("hello")
	c.app()
	c.submodule("lib", h.url+"/lib.git", pinned)
	c.push("main").want(t, false, " 66 kB") // while it is fetched, or while it is read
}

func TestHostRules(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "a b", "https://github.com", "github.com/x", "user@github.com", "a=b", "a=", "=10.0.0.1", "a:x", "a\\b"} {
		if rules, err := ParseHostRules([]string{bad}); paas.CodeOf(err) != paas.Invalid {
			t.Errorf("%q: %v, %v", bad, rules, err)
		}
	}
	rules, err := ParseHostRules([]string{"GitHub.com", "git.example.com:8443", "git.internal=10.0.0.7", "[::1]:99"})
	if err != nil || rules.String() != "github.com,git.example.com:8443,git.internal,[::1]:99" {
		t.Errorf("%s, %v", rules, err)
	}
	m := module{path: "x", url: "https://git.internal/x.git"}
	u, err := m.address("")
	if err != nil {
		t.Fatal(err)
	}
	addrs, err := rules.locate(t.Context(), u)
	if err != nil || len(addrs) != 1 || addrs[0].String() != "10.0.0.7" {
		t.Errorf("%v, %v", addrs, err)
	}
	if got := fetchSettings(u, addrs); got[len(got)-1] != "http.curloptResolve=git.internal:443:10.0.0.7" {
		t.Errorf("git is told %v", got)
	}
}

func FuzzModules(f *testing.F) {
	f.Add("submodule.lib.path\nvendor/lib\x00submodule.lib.url\nhttps://a/b\x00")
	f.Add("submodule.../../hooks.path\nx\x00submodule.-x.url\n--upload-pack=x\x00")
	f.Add("core.fsmonitor\ntouch x\x00submodule.a.b.path\n../x\x00submodule.a.b.update\n!touch x\x00")
	f.Add("submodule.x.path\nx\x00submodule.x.url\next::sh -c x\x00")
	f.Add("submodule.x.path\nx\x00submodule.x.url\nhttps://h/a b\x00")
	f.Fuzz(func(t *testing.T, list string) {
		for path, m := range parseModules(list) {
			if path == "" || m.path != path || !soundName(m.name) || strings.Contains("/"+m.name+"/", "/../") {
				t.Errorf("%q: %+v", path, m)
			}
			u, err := m.address("https://h/a/b.git")
			if err != nil {
				continue
			}
			if text := u.String(); u.Scheme != "https" || u.Host == "" || u.User != nil || !strings.HasPrefix(text, "https://") || strings.ContainsAny(text, " \n\\") {
				t.Errorf("%q may be fetched", text)
			}
		}
	})
}
