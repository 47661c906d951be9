package certs

import (
	"context"
	"sync"

	"github.com/caddyserver/certmagic"
)

// storage is files, with locks in memory: one router at a time has the folder, and a lock that is a file would be left
// behind by a kill.
type storage struct {
	certmagic.FileStorage
	mu    sync.Mutex
	locks map[string]chan struct{}
}

func newStorage(dir string) *storage {
	return &storage{FileStorage: certmagic.FileStorage{Path: dir}, locks: map[string]chan struct{}{}}
}

// Lock implements certmagic.Locker.
func (s *storage) Lock(ctx context.Context, name string) error {
	for {
		s.mu.Lock()
		held := s.locks[name]
		if held == nil {
			s.locks[name] = make(chan struct{})
			s.mu.Unlock()
			return nil
		}
		s.mu.Unlock()
		select {
		case <-held:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Unlock implements certmagic.Locker.
func (s *storage) Unlock(_ context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if held := s.locks[name]; held != nil {
		delete(s.locks, name)
		close(held)
	}
	return nil
}
