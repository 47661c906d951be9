package build

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"paas"
)

// entries makes a tar.
func entries(t testing.TB, headers ...tar.Header) *bytes.Buffer {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, h := range headers {
		content := ""
		if h.Typeflag == 0 || h.Typeflag == tar.TypeReg {
			h.Typeflag, content, h.Linkname = tar.TypeReg, h.Linkname, ""
		}
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		h.Size = int64(len(content))
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &buf
}

// file is an entry of a regular file; its content travels in Linkname.
func file(name, content string) tar.Header { return tar.Header{Name: name, Linkname: content} }

func (w *world) upload(src io.Reader) (paas.Upload, error) {
	return w.svc.Upload(paas.WithUser(w.t.Context(), "ada <x>\n"), "hello", src)
}

func TestAnUploadIsACommitThatBuilds(t *testing.T) {
	w := newWorld(t, Options{})
	src := entries(
		t, file("./Dockerfile", "FROM scratch\n"), tar.Header{Name: "bin/", Typeflag: tar.TypeDir, Mode: 0o755},
		tar.Header{Name: "bin/run", Linkname: "#!", Mode: 0o755}, file("new\nline \"q\" ünï\\", "n"), file("-rf", "dash"), file("$(touch x)", "sub"),
		tar.Header{Name: "to", Typeflag: tar.TypeSymlink, Linkname: "bin/run"}, tar.Header{Name: "hard", Typeflag: tar.TypeLink, Linkname: "./bin/run"}, file("empty", ""),
	)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := io.Copy(z, src); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	up, err := w.upload(&zipped)
	if err != nil {
		t.Fatal(err)
	}
	if up.Files != 8 || len(up.Commit) != 40 || up.Folder != "" {
		t.Errorf("got %+v", up)
	}
	var out strings.Builder
	result, err := w.svc.CreateBuild(paas.WithUser(t.Context(), "ada"), "hello", paas.BuildRequest{Commit: up.Commit}, &out)
	if err != nil || result.Release != 1 || result.Status != paas.BuildSucceeded || result.Source != paas.BuildOfArchive || result.Commit != up.Commit {
		t.Errorf("got %+v, %v\n%s", result, err, out.String())
	}
	files, modes := w.builder.source()
	delete(files, "bin/")
	want := map[string]string{
		"Dockerfile": "FROM scratch\n", "bin/run": "#!", "new\nline \"q\" ünï\\": "n", "-rf": "dash", "$(touch x)": "sub", "to": "-> bin/run", "hard": "#!", "empty": "",
	}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Error(diff)
	}
	if modes["bin/run"] != 0o755 || modes["Dockerfile"] != 0o644 {
		t.Errorf("the modes are %v", modes)
	}
}

func TestTheOneFolderOfAnArchiveIsLeftOut(t *testing.T) {
	w := newWorld(t, Options{})
	up, err := w.upload(entries(t, file("hello-1.2/Dockerfile", "FROM scratch\n"), file("hello-1.2/a/b", "c")))
	if err != nil || up.Folder != "hello-1.2" {
		t.Fatalf("got %+v, %v", up, err)
	}
	if _, err := w.svc.CreateBuild(t.Context(), "hello", paas.BuildRequest{Commit: up.Commit[:9]}, io.Discard); err != nil {
		t.Fatal(err)
	}
	files, _ := w.builder.source()
	if diff := cmp.Diff(map[string]string{"Dockerfile": "FROM scratch\n", "a/": "", "a/b": "c"}, files); diff != "" {
		t.Error(diff)
	}
}

func TestHostileArchivesAreRefusedAndLeaveNothing(t *testing.T) {
	w := newWorld(t, Options{})
	w.repos.opts.Limits.PushBytes = 1 << 20
	marker := filepath.Join(t.TempDir(), "marker")
	many := make([]tar.Header, maxUploadFiles+1)
	for i := range many {
		many[i] = tar.Header{Name: "d/", Typeflag: tar.TypeDir, Mode: 0o755}
	}
	ok := file("Dockerfile", "FROM scratch\n")
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	if _, err := io.Copy(z, entries(t, ok, file("zeros", strings.Repeat("\x00", 2<<20)))); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, src := range map[string]io.Reader{
		"a path out":           entries(t, ok, file("../evil", "x")),
		"a path out, deep":     entries(t, ok, file("a/../../evil", "x")),
		"an absolute path":     entries(t, ok, file("/etc/evil", "x")),
		"a link out":           entries(t, ok, tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "../../etc/passwd"}),
		"an absolute link":     entries(t, ok, tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}),
		"a link to nowhere":    entries(t, ok, tar.Header{Name: "l", Typeflag: tar.TypeLink, Linkname: "/etc/passwd"}),
		"a hard link to later": entries(t, ok, tar.Header{Name: "l", Typeflag: tar.TypeLink, Linkname: "later"}, file("later", "")),
		"below a link":         entries(t, ok, tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "a"}, file("l/evil", "x")),
		"a file and a folder":  entries(t, ok, file("a/b", ""), file("a", "")),
		"a device":             entries(t, ok, tar.Header{Name: "null", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3}),
		"a pipe":               entries(t, ok, tar.Header{Name: "pipe", Typeflag: tar.TypeFifo}),
		"a git repository":     entries(t, ok, file(".git/config", "[core]\n\tfsmonitor = touch "+marker+"\n")),
		"one in disguise":      entries(t, ok, file("a/.GIT /hooks/post-checkout", "x")),
		"too many":             entries(t, append(many, ok)...),
		"too large":            entries(t, ok, file("big", strings.Repeat("x", 2<<20))),
		"a bomb":               &bomb,
		"nothing":              entries(t),
		"no tar":               strings.NewReader("hello, world" + strings.Repeat("x", 1024)),
		"no end":               io.LimitReader(entries(t, ok, file("big", strings.Repeat("x", 4096))), 2000),
		"a very long name":     entries(t, ok, file(strings.Repeat("a/", 3000)+"b", "x")),
	} {
		up, err := w.upload(src)
		if paas.CodeOf(err) != paas.Invalid || paas.Advice(err) == "" {
			t.Errorf("%s: %+v, %v", name, up, err)
		}
	}
	dir := w.repos.Path("idhello")
	o, err := w.repos.objects("idhello", nil)
	if err != nil {
		t.Fatal(err)
	}
	if refs, err := o.output(t.Context(), "for-each-ref"); err != nil || len(refs) > 0 {
		t.Errorf("refs are left: %s %v", refs, err)
	}
	for _, pattern := range []string{"pack/*", "incoming-*", "[0-9a-f][0-9a-f]"} {
		if left, err := filepath.Glob(filepath.Join(dir, "objects", pattern)); err != nil || len(left) > 0 {
			t.Errorf("left: %v %v", left, err)
		}
	}
	if _, err := os.Stat(marker); !errors.Is(err, fs.ErrNotExist) {
		t.Error("something of an archive ran")
	}
	if _, err := w.upload(entries(t, ok)); err != nil {
		t.Errorf("a good one after them: %v", err)
	}
}

func TestAnUploadThatStopsLeavesTheRepositoryAsItWas(t *testing.T) {
	w := newWorld(t, Options{})
	ctx, cancel := context.WithCancelCause(t.Context())
	whole := entries(t, file("Dockerfile", strings.Repeat("x", 1<<20))).Bytes()
	r, pipe := io.Pipe()
	go func() {
		_, _ = pipe.Write(whole[:len(whole)/2])
		cancel(errGone)
		pipe.CloseWithError(errGone)
	}()
	if _, err := w.svc.Upload(ctx, "hello", r); !errors.Is(err, errGone) {
		t.Errorf("got %v", err)
	}
	if _, err := w.upload(bytes.NewReader(whole)); err != nil {
		t.Error(err)
	}
}

func TestOldUploadsGo(t *testing.T) {
	w := newWorld(t, Options{})
	for range keptUploads + 2 {
		if _, err := w.upload(entries(t, file("Dockerfile", "FROM scratch\n"))); err != nil {
			t.Fatal(err)
		}
	}
	o, err := w.repos.objects("idhello", nil)
	if err != nil {
		t.Fatal(err)
	}
	refs, err := o.output(t.Context(), "for-each-ref", uploadRefs)
	if n := strings.Count(string(refs), "\n"); err != nil || n != keptUploads {
		t.Errorf("%d are kept, %v", n, err)
	}
}

func FuzzUpload(f *testing.F) {
	f.Add(entries(f, file("Dockerfile", "FROM scratch\n"), tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "a"}).Bytes())
	f.Add(entries(f, file("../x", ""), tar.Header{Name: "h", Typeflag: tar.TypeLink, Linkname: "x"}).Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		var script bytes.Buffer
		imp := &importer{out: bufio.NewWriter(&script), limit: 1 << 20, files: map[string]treeFact{}}
		if imp.run(bytes.NewReader(data)) != nil {
			return
		}
		for name, fact := range imp.files {
			if !filepath.IsLocal(name) || fact.mode == modeSubmodule {
				t.Errorf("%q is in the commit as %v", name, fact)
			}
		}
	})
}
