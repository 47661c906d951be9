package build

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"paas"
)

const (
	// uploadRefs keeps uploaded sources from git's own collection. They are nobody's branch.
	uploadRefs = "refs/paas/uploads/"
	// keptUploads is how many an app has; older ones go, and may still be built while a release keeps them.
	keptUploads = 20
	// maxUploadFiles bounds the entries of an archive.
	maxUploadFiles = 100_000
	maxUploadPath  = 4096
)

// Upload makes a commit of a tar, gzipped or not, which CreateBuild can build. Nothing of it is ever unpacked on the host: each
// entry goes to git as an object. An entry whose name leaves the tree, a link that does, a device, or more than what one push
// may bring is paas.Invalid, and leaves nothing behind.
func (s *Service) Upload(ctx context.Context, app string, src io.Reader) (paas.Upload, error) {
	record, err := s.Records.AppByName(app)
	if err != nil {
		return paas.Upload{}, err
	}
	if err := s.Room.ToReceive(); err != nil {
		return paas.Upload{}, err
	}
	if err := s.Repos.Create(ctx, record.ID); err != nil {
		return paas.Upload{}, err
	}
	done, err := s.upkeep.use(ctx, record.ID)
	if err != nil {
		return paas.Upload{}, err
	}
	defer done()
	o, err := s.Repos.objects(record.ID, nil)
	if err != nil {
		return paas.Upload{}, err
	}
	return o.importTar(ctx, src, int64(s.Repos.opts.Limits.PushBytes), paas.UserOf(ctx), s.opts.Now())
}

// importTar writes the commit, and a ref that keeps it. All of it happens in a folder of its own, as a push does, from which
// only what is whole moves into the repository.
func (o objects) importTar(ctx context.Context, src io.Reader, limit int64, user string, now time.Time) (up paas.Upload, err error) {
	q, err := o.quarantine()
	if err != nil {
		return up, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(q.dir)) }()
	imp, err := q.importBlobs(ctx, src, limit)
	if err != nil {
		return up, err
	}
	up = paas.Upload{Files: len(imp.files), Bytes: paas.Bytes(imp.size), Folder: imp.onlyFolder()}
	tree, err := q.writeTree(ctx, imp.files, up.Folder)
	if err != nil {
		return up, err
	}
	ident := strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune("<>\x7f", r) {
			return -1
		}
		return r
	}, user)
	when := fmt.Sprintf("%s <> %d +0000\n", ident, now.Unix())
	commit, err := q.feed(ctx, strings.NewReader("tree "+tree+"\nauthor "+when+"committer "+when+"\nUpload by "+ident+"\n"), "hash-object", "-t", "commit", "-w", "--stdin")
	if err != nil {
		return up, err
	}
	up.Commit = commit
	if err := q.migrate(); err != nil {
		return up, err
	}
	ref := uploadRefs + now.UTC().Format("20060102-150405.000000000")
	if _, err := o.output(ctx, "update-ref", ref, commit); err != nil {
		return up, err
	}
	return up, o.dropOldUploads(ctx)
}

// importBlobs runs git fast-import on the files of a tar, whose contents get the names that files has afterwards.
func (q quarantine) importBlobs(ctx context.Context, src io.Reader, limit int64) (*importer, error) {
	marks := filepath.Join(q.dir, "marks")
	stderr := capped{max: 4 << 10}
	cmd := q.repos.command(ctx, q.env, "--git-dir="+q.path, "fast-import", "--quiet", "--done", "--export-marks="+marks)
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start git: %w", err)
	}
	imp := &importer{out: bufio.NewWriterSize(in, 64<<10), limit: limit, files: map[string]treeFact{}}
	runErr := imp.run(src)
	if runErr != nil {
		_ = cmd.Cancel() // what it has so far is of no use; wait says how it ended
	}
	closeErr := in.Close()
	code, err := wait(ctx, cmd)
	known, isOurs := errors.AsType[*paas.Error](runErr)
	switch {
	case isOurs:
		return nil, known
	case err != nil:
		return nil, err
	case code != 0:
		return nil, &gitError{command: "fast-import", code: code, stderr: stderr.text()}
	}
	if err := errors.Join(runErr, closeErr); err != nil {
		return nil, err
	}
	return imp, imp.readMarks(marks)
}

// importer turns the files of a tar into the language of git fast-import.
type importer struct {
	out   *bufio.Writer
	limit int64
	count int // of entries; what fast-import calls the content of each
	size  int64
	files map[string]treeFact // by path
}

// treeFact is a file's mode and content, which is known by a mark first, then by its id.
type treeFact struct {
	mode string
	mark int
	id   string
}

func badArchive(format string, args ...any) error {
	return paas.Errorf(paas.Invalid, "the archive cannot be taken: "+format, args...).WithHint("make one with: git archive --output=src.tar.gz HEAD")
}

// run reads the whole archive.
func (i *importer) run(src io.Reader) error {
	plain, err := unzipped(src)
	if err != nil {
		return err
	}
	for in := tar.NewReader(plain); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return unreadable(err)
		}
		if err := i.entry(h, in); err != nil {
			return err
		}
	}
	if len(i.files) == 0 {
		return badArchive("it has no files")
	}
	for name := range i.files {
		if err := i.isFree(name); err != nil {
			return err
		}
	}
	if _, err := i.out.WriteString("done\n"); err != nil {
		return err
	}
	return i.out.Flush()
}

// isFree refuses a path below what is a file or a link.
func (i *importer) isFree(name string) error {
	for folder := path.Dir(name); folder != "."; folder = path.Dir(folder) {
		if _, taken := i.files[folder]; taken {
			return badArchive("%s is a file in it, and a folder", paas.Quote(folder))
		}
	}
	return nil
}

// unzipped undoes gzip where there is some.
func unzipped(src io.Reader) (io.Reader, error) {
	r := bufio.NewReaderSize(src, 64<<10)
	magic, err := r.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, unreadable(err)
	}
	if len(magic) < 2 || magic[0] != 0x1f || magic[1] != 0x8b {
		return r, nil
	}
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, unreadable(err)
	}
	return z, nil
}

func unreadable(err error) error {
	if errors.Is(err, tar.ErrHeader) || errors.Is(err, gzip.ErrHeader) {
		return badArchive("it is no tar")
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, gzip.ErrChecksum) {
		return badArchive("it ends too early, or is damaged")
	}
	return fmt.Errorf("read the archive: %w", err)
}

// entry takes one entry of the tar.
func (i *importer) entry(h *tar.Header, content io.Reader) error {
	switch h.Typeflag {
	case tar.TypeXGlobalHeader, tar.TypeXHeader:
		return nil
	}
	if i.count++; i.count > maxUploadFiles {
		return badArchive("it has more than %d entries", maxUploadFiles)
	}
	name, err := entryName(h.Name)
	if err != nil || name == "." {
		return err
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return nil // git has folders only where there are files
	case tar.TypeReg:
		mode := "100644"
		if h.Mode&0o100 != 0 {
			mode = "100755"
		}
		return i.blob(name, mode, h.Size, content)
	case tar.TypeSymlink:
		if leaves(path.Dir(name), h.Linkname) {
			return badArchive("%s is a link to %s, out of the archive", paas.Quote(name), paas.Quote(h.Linkname))
		}
		return i.blob(name, modeLink, int64(len(h.Linkname)), strings.NewReader(h.Linkname))
	case tar.TypeLink:
		return i.link(name, h.Linkname)
	}
	return badArchive("%s is neither a file, a folder nor a link", paas.Quote(name))
}

// entryName is the path of an entry in the tree.
func entryName(name string) (string, error) {
	clean := path.Clean(name)
	if path.IsAbs(name) || clean == ".." || strings.HasPrefix(clean, "../") || strings.ContainsRune(name, 0) || len(name) > maxUploadPath {
		return "", badArchive("the name %s leaves it", paas.Quote(name))
	}
	for part := range strings.SplitSeq(clean, "/") {
		if strings.EqualFold(strings.TrimRight(part, ". "), ".git") {
			return "", badArchive("%s is a part of a git repository", paas.Quote(name))
		}
	}
	return clean, nil
}

// leaves says whether a link in the folder leads out of the tree.
func leaves(folder, target string) bool {
	to := path.Join(folder, target)
	return target == "" || path.IsAbs(target) || to == ".." || strings.HasPrefix(to, "../")
}

// blob sends a file's content.
func (i *importer) blob(name, mode string, size int64, content io.Reader) error {
	if i.size += size; i.size > i.limit {
		return badArchive("it has more than the %s that a source may have", paas.Bytes(i.limit))
	}
	if _, err := fmt.Fprintf(i.out, "blob\nmark :%d\ndata %d\n", i.count, size); err != nil {
		return err
	}
	if _, err := io.CopyN(i.out, content, size); err != nil {
		return unreadable(err)
	}
	i.files[name] = treeFact{mode: mode, mark: i.count}
	return i.out.WriteByte('\n')
}

// link is a hard link: another name for what is there already.
func (i *importer) link(name, target string) error {
	to, err := entryName(target)
	if err != nil {
		return err
	}
	content, ok := i.files[to]
	if !ok || content.mode == modeLink {
		return badArchive("%s is a link to %s, which is not in it", paas.Quote(name), paas.Quote(target))
	}
	i.files[name] = content
	return nil
}

// onlyFolder is the name of the folder that everything is in; "" where something is not.
func (i *importer) onlyFolder() string {
	only := ""
	for name := range i.files {
		folder, _, inside := strings.Cut(name, "/")
		if !inside || only != "" && folder != only {
			return ""
		}
		only = folder
	}
	return only
}

// readMarks learns the ids of the contents.
func (i *importer) readMarks(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	ids := map[int]string{}
	for line := range strings.Lines(string(text)) {
		var mark int
		var id string
		if _, err := fmt.Sscanf(line, ":%d %s", &mark, &id); err != nil {
			return fmt.Errorf("read what git fast-import made: %w", err)
		}
		ids[mark] = id
	}
	for name, fact := range i.files {
		fact.id = ids[fact.mark]
		i.files[name] = fact
	}
	return nil
}

// isUpload says whether a commit came as an archive.
func (o objects) isUpload(ctx context.Context, commit objectID) bool {
	out, err := o.output(ctx, "for-each-ref", "--points-at="+string(commit), "--format=%(refname)", uploadRefs)
	return err == nil && len(out) > 0
}

func (o objects) dropOldUploads(ctx context.Context) error {
	out, err := o.output(ctx, "for-each-ref", "--sort=-refname", "--format=%(refname)", uploadRefs)
	if err != nil {
		return err
	}
	n := 0
	for ref := range strings.Lines(string(out)) {
		if n++; n > keptUploads {
			if _, err := o.output(ctx, "update-ref", "-d", strings.TrimSpace(ref)); err != nil {
				return err
			}
		}
	}
	return nil
}
