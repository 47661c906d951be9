package build

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

// The test binary plays two more parts, as paasd and ssh do for real: git's pre-receive hook, by its name, and the ssh
// program that git runs to reach the door, by its environment.
const envDoor = "PAAS_TEST_DOOR"

// syscall.Exit, since the race detector would have each of them linger for a second.
func TestMain(m *testing.M) {
	switch {
	case filepath.Base(os.Args[0]) == "pre-receive":
		syscall.Exit(Hook(context.Background(), os.Getenv, os.Stdin, os.Stdout))
	case os.Getenv(envDoor) != "":
		syscall.Exit(dialDoor(os.Getenv(envDoor), os.Args[len(os.Args)-1]))
	}
	goleak.VerifyTestMain(m)
}

// The frames that a door sends: what git wrote to stdout and stderr, and its exit code.
const (
	frameOut  = 'o'
	frameErr  = 'e'
	frameExit = 'x'
)

// dialDoor asks the door for a command and connects the process's own stdio with it.
func dialDoor(socket, command string) int {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 255
	}
	if err := json.NewEncoder(conn).Encode(command); err != nil {
		return 255
	}
	go func() {
		_, _ = io.Copy(conn, os.Stdin)
		_ = conn.(*net.UnixConn).CloseWrite()
	}()
	for {
		kind, payload, err := readFrame(conn)
		switch {
		case err != nil:
			return 255
		case kind == frameExit:
			return int(payload[0])
		case kind == frameErr:
			_, _ = os.Stderr.Write(payload)
		default:
			_, _ = os.Stdout.Write(payload)
		}
	}
}

func readFrame(r io.Reader) (kind byte, payload []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	payload = make([]byte, binary.BigEndian.Uint32(head[1:]))
	_, err = io.ReadFull(r, payload)
	return head[0], payload, err
}

func writeFrame(w io.Writer, kind byte, payload []byte) error {
	frame := append([]byte{kind}, binary.BigEndian.AppendUint32(nil, uint32(len(payload)))...)
	_, err := w.Write(append(frame, payload...))
	return err
}
