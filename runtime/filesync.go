package runtime

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"paas"
)

// fileSync gives BuildKit the files of a source: it lists them, and sends the content of those that the engine wants, which are
// the ones whose size or date is another than that of the file which it keeps from the build before. By the protocol of
// github.com/tonistiigi/fsutil (types/wire.proto, types/stat.proto):
//
//	Packet  1 type (below), 2 stat, 3 ID, 4 data
//	Stat    1 path, 2 mode as Go has it, 5 size, 6 date in nanoseconds, 7 target of a link
type fileSync struct {
	source fs.FS
	spec   paas.ImageSpec

	mu  sync.Mutex
	err error // of the source
}

// The types of packets.
const (
	packetStat = 0 // of each file, in the order of walking; one without a stat ends the list
	packetWant = 1 // the engine wants the content of the file with that number in the list
	packetData = 2 // a part of it; an empty one ends it
	packetDone = 3 // the engine has what it wants, and is answered the same
	packetFail = 4 // why the engine wants no more
)

// What a call names to say what it wants listed. Of its patterns only the paths are heeded, see syncList.
const (
	headerFolder      = "Dir-Name"
	headerPaths       = "Followpaths"
	headerPathsQuoted = "Followpaths-Encoded"
	folderContext     = "context"
	folderDockerfile  = "dockerfile"
)

// serve is one call: of the Dockerfile, or of the context.
func (s *fileSync) serve(asked http.Header, messages *grpcMessages) error {
	list, err := s.list(asked)
	if err != nil {
		return s.failed(err)
	}
	for _, f := range list {
		if err := messages.send(statPacket(f)); err != nil {
			return err
		}
	}
	if err := errors.Join(messages.send(packet(packetStat, 0, nil)), messages.flush()); err != nil {
		return err
	}
	return s.send(list, messages)
}

func (s *fileSync) list(asked http.Header) ([]syncFile, error) {
	switch folder := asked.Get(headerFolder); {
	case folder == folderContext:
		return syncList(s.source, asked[headerPaths], asked.Get(headerPathsQuoted) != "")
	case folder == folderDockerfile && s.spec.Text == "":
		return syncList(s.source, []string{s.spec.Dockerfile}, false)
	case folder == folderDockerfile:
		return syncText(s.spec.Dockerfile, s.spec.Text), nil
	default:
		return nil, &grpcError{grpcNotFound, "there is no folder " + paas.Quote(folder)}
	}
}

// send serves what the engine wants. It may want one file while it is sent another.
func (s *fileSync) send(list []syncFile, messages *grpcMessages) error {
	wanted := make(chan int, len(list)) // a file is wanted once
	received := make(chan error, 1)
	go func() {
		defer close(wanted)
		received <- receiveWants(messages, wanted)
	}()
	if err := s.sendFiles(list, wanted, messages); err != nil {
		return err // with the call ends the receiving
	}
	if err := <-received; err != nil {
		return err
	}
	return messages.send(packet(packetDone, 0, nil))
}

// receiveWants passes on what the engine wants until it says that this is all.
func receiveWants(messages *grpcMessages, wanted chan<- int) error {
	for {
		message, err := messages.receive()
		if err != nil {
			return err
		}
		kind, id, data, err := parsePacket(message)
		switch {
		case err != nil:
			return err
		case kind == packetDone:
			return nil
		case kind == packetFail:
			return &grpcError{grpcUnknown, string(data)}
		case kind != packetWant || len(wanted) == cap(wanted):
			return &grpcError{grpcInvalidArgument, "the packet is out of place"}
		}
		wanted <- id
	}
}

func (s *fileSync) sendFiles(list []syncFile, wanted <-chan int, messages *grpcMessages) error {
	buf := make([]byte, syncChunk)
	for id := range wanted {
		if id >= len(list) || list[id].open == nil {
			return &grpcError{grpcInvalidArgument, "there is no such file"}
		}
		if err := s.sendFile(id, list[id], messages, buf); err != nil {
			return err
		}
		if len(wanted) > 0 {
			continue
		}
		if err := messages.flush(); err != nil {
			return err
		}
	}
	return nil
}

// syncChunk is how much of a file goes into one packet.
const syncChunk = 32 << 10

func (s *fileSync) sendFile(id int, f syncFile, messages *grpcMessages, buf []byte) error {
	r, err := f.open()
	if err != nil {
		return s.failed(err)
	}
	defer r.Close()
	for {
		n, err := io.ReadFull(r, buf)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return s.failed(fmt.Errorf("%s: %w", paas.Quote(f.path), err))
		}
		if n > 0 {
			if err := messages.send(packet(packetData, id, buf[:n])); err != nil {
				return err
			}
		}
		if err != nil {
			return messages.send(packet(packetData, id, nil))
		}
	}
}

// failed remembers the first error of the source, of which the engine is told no more than that there was one.
func (s *fileSync) failed(err error) error {
	if known, ok := errors.AsType[*grpcError](err); ok {
		return known
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
	return &grpcError{grpcUnknown, "the source cannot be read"}
}

// failure is what was wrong with the source.
func (s *fileSync) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func packet(kind, id int, data []byte) []byte {
	p := make([]byte, 0, len(data)+16)
	p = appendNumber(appendNumber(p, 1, int64(kind)), 3, int64(id))
	if len(data) > 0 {
		p = protowire.AppendBytes(protowire.AppendTag(p, 4, protowire.BytesType), data)
	}
	return p
}

func statPacket(f syncFile) []byte {
	stat := appendNumber(appendText(nil, 1, f.path), 2, int64(uint32(f.mode)))
	stat = appendNumber(appendNumber(stat, 5, f.size), 6, f.date)
	if f.target != "" {
		stat = appendText(stat, 7, f.target)
	}
	return protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), stat)
}

func appendNumber(message []byte, n protowire.Number, value int64) []byte {
	if value == 0 {
		return message
	}
	return protowire.AppendVarint(protowire.AppendTag(message, n, protowire.VarintType), uint64(value))
}

func parsePacket(message []byte) (kind, id int, data []byte, err error) {
	err = fields(message, func(n protowire.Number, f field) error {
		switch n {
		case 1:
			kind = int(f.varint)
		case 3:
			id = int(uint32(f.varint))
		case 4:
			data = f.bytes
		}
		return nil
	})
	return kind, id, data, err
}

// nanoseconds is a date on the wire; none is 1970.
func nanoseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}
