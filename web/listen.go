package web

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"

	"paas"
)

// maxSocketPath is what fits into a sockaddr_un, less its final NUL.
const maxSocketPath = 107

// ListenUnix listens on a socket that only its owner can open (0600). It is made in a directory of its own and moved to
// path, so that nobody can open it before; one that a former process left is replaced. Close removes it.
func ListenUnix(path string) (net.Listener, error) {
	dir, err := os.MkdirTemp(filepath.Dir(path), ".sock")
	if err != nil {
		return nil, fmt.Errorf("make a place for the socket: %w", err)
	}
	l, err := listenIn(dir, path)
	if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
		if l != nil {
			err = errors.Join(err, l.Close())
		}
		return nil, err
	}
	return l, nil
}

func listenIn(dir, path string) (net.Listener, error) {
	temp := filepath.Join(dir, "s")
	if len(temp) > maxSocketPath || len(path) > maxSocketPath {
		return nil, paas.Errorf(paas.Invalid, "the path of the socket %s is too long for the system", paas.Quote(path)).
			WithHint("choose a shorter --data-dir")
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: temp, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	l.SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(temp, 0o600), os.Rename(temp, path)); err != nil {
		return nil, errors.Join(fmt.Errorf("listen on %s: %w", path, err), l.Close())
	}
	info, err := os.Lstat(path)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen on %s: %w", path, err), l.Close())
	}
	return &socket{UnixListener: l, path: path, made: info}, nil
}

// socket removes its file when closed, unless another process has put its own there since.
type socket struct {
	*net.UnixListener
	path string
	made os.FileInfo
	once sync.Once
}

func (s *socket) Close() error {
	s.once.Do(func() {
		if now, err := os.Lstat(s.path); err == nil && os.SameFile(now, s.made) {
			_ = os.Remove(s.path) // one that stays is replaced by the next start
		}
	})
	return s.UnixListener.Close()
}

// peerName is the user at the other end of a unix socket: the account's name, else its number.
func (s *Server) peerName(conn net.Conn) string {
	uid, err := peerUID(conn)
	if err != nil {
		s.log.Warn("peer of the unix socket not known", "error", err)
		return ""
	}
	if uid == 0 {
		return "root"
	}
	id := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return "uid " + id
}

func peerUID(conn net.Conn) (uint32, error) {
	unix, ok := conn.(syscall.Conn)
	if !ok {
		return 0, fmt.Errorf("a %T has no peer", conn)
	}
	raw, err := unix.SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *syscall.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err := errors.Join(err, credErr); err != nil {
		return 0, err
	}
	return cred.Uid, nil
}
