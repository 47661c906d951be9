package build

import (
	"errors"
	"io"
	"sync"
	"time"
)

// intake is what a client sends to git-receive-pack, on its way there. It holds the push to its limits until the hook calls:
// what is too much never gets to git.
type intake struct {
	r      io.Reader
	limits Limits
	refuse func(error)
	read   int64
	intro  intro

	mu      sync.Mutex
	over    bool // all has arrived, or the push has ended
	updates bool // there is an update of a ref
	packing bool // objects are under way
	late    *time.Timer
	silent  *time.Timer
}

// errRefused ends the copying of a push that was refused.
var errRefused = errors.New("the push was refused")

// newIntake begins to watch over a push. The first call of refuse counts; end must be called.
func newIntake(r io.Reader, limits Limits, refuse func(error)) *intake {
	in := &intake{r: r, limits: limits, refuse: refuse}
	in.late = time.AfterFunc(limits.PushTime, func() { refuse(limits.tooLong()) })
	in.silent = time.AfterFunc(limits.PushTime+limits.PushStall, in.stalled) // and sooner once objects come
	return in
}

// Read passes on what the client sends.
func (in *intake) Read(p []byte) (int, error) {
	n, err := in.r.Read(p)
	if n == 0 {
		return n, err
	}
	in.read += int64(n)
	if refusal := in.check(p[:n]); refusal != nil {
		in.refuse(refusal)
		return 0, errRefused
	}
	in.heard(in.intro.size > lengthSize, in.intro.section == sectionRest)
	return n, err
}

func (in *intake) check(p []byte) error {
	objects, err := in.intro.feed(p)
	switch {
	case err != nil:
		return err
	case int64(objects) > int64(in.limits.PushObjects):
		return in.limits.tooManyObjects(objects)
	case in.read-int64(in.intro.size) > int64(in.limits.PushBytes):
		return in.limits.tooManyBytes()
	}
	return nil
}

// heard puts off the moment at which the push counts as stalled. Git's own words count, too: once it has all, it goes on to
// check what it got, and says every few seconds that it lives. Before the objects there is no such moment: a client's own hooks
// and the making of the pack take their time without a word.
func (in *intake) heard(updates, packing bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.packing = in.packing || packing
	in.updates = in.updates || updates
	if in.packing && !in.over {
		in.silent.Reset(in.limits.PushStall)
	}
}

func (in *intake) stalled() {
	in.mu.Lock()
	over := in.over
	in.mu.Unlock()
	if !over {
		in.refuse(in.limits.stalled())
	}
}

// hasUpdates says whether the client has asked for anything.
func (in *intake) hasUpdates() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.updates
}

// end is called when all has arrived, or the push has ended.
func (in *intake) end() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.over = true
	in.late.Stop()
	in.silent.Stop()
}

// hears wraps where git writes to.
func (in *intake) hears(w io.Writer) io.Writer { return listener{w, in} }

type listener struct {
	io.Writer
	in *intake
}

func (l listener) Write(p []byte) (int, error) {
	n, err := l.Writer.Write(p)
	l.in.heard(false, false)
	return n, err
}
