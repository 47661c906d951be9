package build

import (
	"cmp"
	"time"

	"paas"
)

// Limits bound what one push may ask of the host. Zero values are the defaults.
type Limits struct {
	// PushBytes is what a push may send. 0: 2 GB.
	PushBytes paas.Bytes
	// PushObjects is how many git objects a push may bring. 0: 2 million.
	PushObjects int
	// PushTime is how long a push may take to arrive, from when the client has connected until all is there and checked.
	// 0: an hour.
	PushTime time.Duration
	// PushStall is how long a push may be silent in the middle of its objects. 0: a minute.
	PushStall time.Duration
	// SourceFiles is how many files and folders a commit may have. 0: 500,000.
	SourceFiles int
	// SourceBytes is what the files of a commit may come to. 0: 4 GB.
	SourceBytes paas.Bytes
}

func (l Limits) withDefaults() Limits {
	l.PushBytes = cmp.Or(l.PushBytes, 2_000_000_000)
	l.PushObjects = cmp.Or(l.PushObjects, 2_000_000)
	l.PushTime = cmp.Or(l.PushTime, time.Hour)
	l.PushStall = cmp.Or(l.PushStall, time.Minute)
	l.SourceFiles = cmp.Or(l.SourceFiles, 500_000)
	l.SourceBytes = cmp.Or(l.SourceBytes, 4_000_000_000)
	return l
}

func (l Limits) tooManyBytes() error {
	return paas.Errorf(paas.Invalid, "the push is larger than %s, which is all that one may send", l.PushBytes).
		WithHint("take large files out of the history, or have the server take more: paasd serve --max-push")
}

func (l Limits) tooManyObjects(n uint32) error {
	return paas.Errorf(paas.Invalid, "the push has %d objects, more than the %d that one may have", n, l.PushObjects).
		WithHint("push without the history: git clone --depth 1, or have the server take more: paasd serve --max-push-objects")
}

func (l Limits) tooLong() error {
	return paas.Errorf(paas.Canceled, "the push had not arrived after %s", l.PushTime).
		WithHint("push again; paasd serve --push-timeout gives pushes longer")
}

func (l Limits) stalled() error {
	return paas.Errorf(paas.Canceled, "the push stalled: nothing came for %s", l.PushStall).WithHint("look at your connection, then push again")
}

func (l Limits) tooManyFiles() error {
	return paas.Errorf(paas.Invalid, "the commit has more than %d files and folders, which is all that is built", l.SourceFiles).
		WithHint("git rm -r --cached what is not source, commit and push again; or paasd serve --max-source-files")
}

func (l Limits) tooMuchSource() error {
	return paas.Errorf(paas.Invalid, "the files of the commit come to more than %s, which is all that is built", l.SourceBytes).
		WithHint("keep large files out with .dockerignore, commit and push again; or paasd serve --max-source")
}

var errLongPath = paas.Errorf(paas.Invalid, "the commit has a path of more than %d bytes", maxPath).
	WithHint("git ls-files shows the paths; give that one shorter names, commit and push again")

var errTooManyRefs = paas.Errorf(paas.Invalid, "the push has too many refs").WithHint("push one branch alone: git push paas HEAD:main")
