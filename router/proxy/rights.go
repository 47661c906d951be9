package proxy

import (
	"errors"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	maxFiles   = 8 // that come with a message
	maxMessage = 4096
)

// sendFiles sends text, and with it copies of the file descriptors (SCM_RIGHTS, unix(7)).
func sendFiles(conn *net.UnixConn, text []byte, files ...syscall.Conn) error {
	return withDescriptors(files, nil, func(fds []int) error {
		_, _, err := conn.WriteMsgUnix(text, unix.UnixRights(fds...), nil)
		return err
	})
}

// withDescriptors calls fn while none of the files can be closed. It leaves them as they are: File and Fd would make them
// blocking, for every process that has them.
func withDescriptors(files []syscall.Conn, fds []int, fn func([]int) error) error {
	if len(files) == 0 {
		return fn(fds)
	}
	raw, err := files[0].SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	err = raw.Control(func(fd uintptr) { inner = withDescriptors(files[1:], append(fds, int(fd)), fn) })
	return errors.Join(err, inner)
}

// receiveFiles reads one message and the file descriptors that come with it.
func receiveFiles(conn *net.UnixConn) (text []byte, files []*os.File, err error) {
	text, rights := make([]byte, maxMessage), make([]byte, unix.CmsgSpace(4*maxFiles))
	n, rn, _, _, err := conn.ReadMsgUnix(text, rights)
	if err != nil {
		return nil, nil, err
	}
	messages, err := unix.ParseSocketControlMessage(rights[:rn])
	if err != nil {
		return nil, nil, err
	}
	for i := range messages {
		fds, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			continue // of another kind
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "handed over"))
		}
	}
	return text[:n], files, nil
}
