package build

import (
	"context"
	"errors"
	"io"
)

// store reads objects of one repository, one at a time, from a git that is started when it is needed.
type store struct {
	ctx     context.Context
	objects objects
	turn    chan struct{} // has one element while nobody reads
	git     *answers
}

func newStore(ctx context.Context, o objects) *store {
	s := &store{ctx: ctx, objects: o, turn: make(chan struct{}, 1)}
	s.turn <- struct{}{}
	return s
}

// open begins to read an object; the next is opened when it has been closed.
func (s *store) open(id objectID) (io.ReadCloser, error) {
	select {
	case <-s.turn:
	case <-s.ctx.Done():
		return nil, context.Cause(s.ctx)
	}
	r, err := s.begin(id)
	if err != nil {
		s.turn <- struct{}{}
		return nil, err
	}
	return r, nil
}

func (s *store) begin(id objectID) (_ io.ReadCloser, err error) {
	if s.git == nil {
		if s.git, err = ask(s.ctx, s.objects, "--batch"); err != nil {
			return nil, err
		}
	}
	_, size, err := s.git.head(string(id))
	if err != nil {
		return nil, err
	}
	return &object{store: s, left: size}, nil
}

// read reads a small object.
func (s *store) read(id objectID) ([]byte, error) {
	r, err := s.open(id)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(r)
	return data, errors.Join(err, r.Close())
}

// close ends git. The context of the store has ended, so that git does whatever it was about.
func (s *store) close() {
	if s.git != nil {
		_ = s.git.close() // it was ended on purpose
	}
}

// object is one that is being read.
type object struct {
	*store
	left int64
	err  error
}

// Read reads up to the object's end.
func (o *object) Read(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	if o.left == 0 {
		return 0, io.EOF
	}
	n, err := o.git.out.Read(p[:min(int64(len(p)), o.left)])
	o.left -= int64(n)
	if err != nil {
		o.err = o.git.failed(err)
	}
	return n, o.err
}

// Close lets the next one be read.
func (o *object) Close() error {
	defer func() { o.turn <- struct{}{} }()
	if o.err == nil {
		_, o.err = io.CopyN(io.Discard, o.git.out, o.left+1) // and a newline
	}
	return o.err
}
