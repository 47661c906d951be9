package build

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// raw is a client of the door that says what a test has it say.
type raw struct {
	t    *testing.T
	conn net.Conn
}

// dial begins a push of app, as far as git's list of refs.
func (w *world) dial(app string) *raw {
	w.t.Helper()
	conn, err := net.Dial("unix", w.door)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close() })
	if err := json.NewEncoder(conn).Encode("git-receive-pack '" + app + "'"); err != nil {
		w.t.Fatal(err)
	}
	return &raw{w.t, conn}
}

func (r *raw) send(p []byte) {
	r.t.Helper()
	if _, err := r.conn.Write(p); err != nil {
		r.t.Fatal(err)
	}
}

// update asks for a new branch main at commit.
func (r *raw) update(commit string) {
	line := none + " " + commit + " refs/heads/main\x00 report-status side-band-64k agent=test"
	r.send(fmt.Appendf(nil, "%04x%s0000", len(line)+4, line))
}

// end reads until the door closes, and returns what it said beside git's own protocol.
func (r *raw) end() (code int, said string) {
	r.t.Helper()
	if err := r.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		r.t.Fatal(err)
	}
	for {
		kind, payload, err := readFrame(r.conn)
		switch {
		case err != nil:
			r.t.Fatalf("the door went away: %v; it said:\n%s", err, said)
		case kind == frameExit:
			return int(payload[0]), said
		case kind == frameErr:
			said += string(payload)
		}
	}
}

// packOf is the pack of everything that c has committed.
func packOf(c *checkout) []byte {
	c.t.Helper()
	cmd := c.command("pack-objects", "--all", "--stdout", "-q")
	pack, err := cmd.Output()
	if err != nil {
		c.t.Fatal(err)
	}
	return pack
}

func TestPushOfTooManyObjectsIsRefusedBeforeGitSeesThem(t *testing.T) {
	t.Parallel()
	few := newWorld(t, Options{})
	few.repos.opts.Limits.PushObjects = 3
	c := few.checkout("hello")
	c.app()
	c.push("main").want(t, false, "the push has 4 objects, more than the 3 that one may have", "git clone --depth 1")
	for _, args := range [][]string{{"main"}, {"-o", "no-cache", "main"}} {
		w := newWorld(t, Options{})
		w.repos.opts.Limits.PushObjects = 4
		c := w.checkout("hello")
		c.app()
		c.push(args...).want(t, true)
	}
}

func TestPushThatNeverArrivesIsEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.repos.opts.Limits.PushTime = 50 * time.Millisecond
	code, said := w.dial("hello").end()
	if code == 0 || !strings.Contains(said, "the push had not arrived after 50ms") || !strings.Contains(said, "--push-timeout") {
		t.Errorf("exit code %d:\n%s", code, said)
	}
}

func TestPushThatStallsInItsObjectsIsEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.repos.opts.Limits.PushStall = 50 * time.Millisecond
	c := w.checkout("hello")
	commit := c.commit(map[string]string{"Dockerfile": "FROM scratch\n", "noise": noise(8 << 10)})
	pack := packOf(c)
	r := w.dial("hello")
	r.update(commit)
	r.send(pack[:len(pack)/2])
	code, said := r.end()
	if code == 0 || !strings.Contains(said, "the push stalled: nothing came for 50ms") {
		t.Errorf("exit code %d:\n%s", code, said)
	}
	w.repos.opts.Limits.PushStall = time.Minute
	c.commit(map[string]string{"more": "x"})
	c.push("main").want(t, true)
}

func TestTooManyRefsAreRefusedBeforeGitHasThemAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	r := w.dial("hello")
	var lines bytes.Buffer
	for i := range 30_000 {
		line := fmt.Sprintf("%s %s refs/heads/%d", none, idA, i)
		if i == 0 {
			line += "\x00 report-status"
		}
		fmt.Fprintf(&lines, "%04x%s", len(line)+4, line)
	}
	_, _ = r.conn.Write(lines.Bytes()) // the door may close in the middle
	if code, said := r.end(); code == 0 || !strings.Contains(said, "the push has too many refs") {
		t.Errorf("exit code %d:\n%s", code, said)
	}
}

func TestStallIsCountedFromTheLastWordOfEitherSide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refusals := make(chan error, 8)
		refused := func() error {
			synctest.Wait()
			select {
			case why := <-refusals:
				return why
			default:
				return nil
			}
		}
		limits := Limits{PushStall: time.Minute}.withDefaults()
		in := newIntake(strings.NewReader("0000PACK\x00\x00\x00\x02\x00\x00\x00\x01"), limits, func(why error) { refusals <- why })
		git := in.hears(io.Discard)
		<-time.After(30 * time.Minute) // the client's own hooks run
		if _, err := io.ReadAll(in); err != nil || refused() != nil {
			t.Fatal(err)
		}
		for range 10 {
			<-time.After(50 * time.Second) // git checks what came
			if _, err := git.Write([]byte("0005\x01")); err != nil || refused() != nil {
				t.Fatal(err)
			}
		}
		<-time.After(time.Minute + time.Second)
		if why := refused(); why == nil || why.Error() != limits.stalled().Error() {
			t.Errorf("refused for %v", why)
		}
		in.end()
		<-time.After(2 * time.Hour)
		if why := refused(); why != nil {
			t.Errorf("refused after its end for %v", why)
		}
	})
}

// mktree writes a tree of entries "mode type id<TAB>name".
func (c *checkout) mktree(entries ...string) string {
	c.t.Helper()
	cmd := c.command("mktree", "--missing")
	cmd.Stdin = strings.NewReader(strings.Join(entries, "\n") + "\n")
	out, err := cmd.Output()
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func (c *checkout) commitTree(tree string) string {
	c.t.Helper()
	return c.git("commit-tree", "-m", "bomb", tree)
}

func TestTreesThatUnfoldWithoutEndAreRefused(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		tree func(c *checkout) string
		want string
	}{
		{
			"10^10 files", func(c *checkout) string {
				entry := "100644 blob " + c.git("rev-parse", "HEAD:main.go")
				for range 10 {
					var same []string
					for i := range 10 {
						same = append(same, fmt.Sprintf("%s\t%d", entry, i))
					}
					entry = "040000 tree " + c.mktree(same...)
				}
				return strings.Fields(entry)[2]
			},
			"the commit has more than 500000 files and folders",
		},
		{
			"10^10 empty folders", func(c *checkout) string {
				entry := "040000 tree " + c.git("hash-object", "-t", "tree", "-w", "/dev/null")
				for range 10 {
					var same []string
					for i := range 10 {
						same = append(same, fmt.Sprintf("%s\t%d", entry, i))
					}
					entry = "040000 tree " + c.mktree(same...)
				}
				return strings.Fields(entry)[2]
			},
			"the commit has more than 500000 files and folders",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, Options{})
			c := w.checkout("hello")
			c.app()
			commit := c.commitTree(tc.tree(c))
			c.push(commit+":refs/heads/main").want(t, false, tc.want)
			if n := len(w.statuses("hello")); n != 0 {
				t.Errorf("%d builds", n)
			}
			c.push("main").want(t, true)
		})
	}
}

func TestTreeThatIsTooDeepIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	c.app()
	var script strings.Builder
	script.WriteString("blob\nmark :1\ndata 1\nx\ncommit refs/heads/deep\ncommitter A <a@b> 0 +0000\ndata 0\nM 100644 :1 " +
		strings.Repeat("d/", 3_000) + "f\n")
	cmd := c.command("fast-import", "--quiet")
	cmd.Stdin = strings.NewReader(script.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	c.push("deep:main").want(t, false, "the commit has a path of more than 4096 bytes")
	if n := len(w.statuses("hello")); n != 0 {
		t.Errorf("%d builds", n)
	}
	c.push("main").want(t, true)
}

func TestFilesThatComeToTooMuchEndTheBuild(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.repos.opts.Limits.SourceBytes = 1 << 20
	c := w.checkout("hello")
	c.commit(map[string]string{"Dockerfile": "FROM scratch\n", "zeros": strings.Repeat("\x00", 2<<20)})
	c.push("main").want(t, false, "the files of the commit come to more than 1 MB", ".dockerignore")
	c.commit(map[string]string{".dockerignore": "zeros\n"})
	c.push("main").want(t, true)
}

// deltaBomb is a pack of one blob of 16 MB, and of a delta that makes 64 GB of it.
func deltaBomb() []byte {
	var pack bytes.Buffer
	pack.WriteString("PACK\x00\x00\x00\x02\x00\x00\x00\x02")
	base := make([]byte, 16<<20)
	entry := func(kind byte, size int, id, content []byte) {
		head := []byte{kind<<4 | byte(size&15)}
		for size >>= 4; size > 0; size >>= 7 {
			head[len(head)-1] |= 0x80
			head = append(head, byte(size&127))
		}
		pack.Write(append(head, id...))
		z := zlib.NewWriter(&pack)
		_, _ = z.Write(content)
		_ = z.Close()
	}
	entry(3, len(base), nil, base)
	id := sha1.Sum(append([]byte("blob 16777216\x00"), base...))
	const copies = 4096
	delta := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(len(base))), copies*0xffffff)
	for range copies {
		delta = append(delta, 0xf0, 0xff, 0xff, 0xff) // copy 0xffffff bytes from 0
	}
	entry(7, len(delta), id[:], delta)
	sum := sha1.Sum(pack.Bytes())
	pack.Write(sum[:])
	return pack.Bytes()
}

func TestDeltaThatUnfoldsToMoreThanMemoryIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	commit := c.app()
	r := w.dial("hello")
	r.update(commit)
	r.send(deltaBomb())
	_, _ = r.end() // git reports it in its own protocol
	if n := len(w.statuses("hello")); n != 0 {
		t.Errorf("%d builds", n)
	}
	c.push("main").want(t, true)
}

func TestPusherWhoDropsInTheMiddleOfItsObjectsLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	commit := c.commit(map[string]string{"Dockerfile": "FROM scratch\n", "noise": noise(64 << 10)})
	pack := packOf(c)
	r := w.dial("hello")
	r.update(commit)
	r.send(pack[:len(pack)/2])
	r.conn.Close()
	eventually(t, "the push is over", func() bool {
		w.svc.mu.Lock()
		defer w.svc.mu.Unlock()
		return len(w.svc.works) == 0
	})
	c.push("main").want(t, true)
}
