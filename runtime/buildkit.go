package runtime

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/moby/moby/api/types/jsonstream"
	"google.golang.org/protobuf/encoding/protowire"

	"paas"
)

// trace turns BuildKit's messages into events. Each carries a moby.buildkit.v1.StatusResponse, of which
// github.com/moby/buildkit/api/services/control/control.proto has the fields:
//
//	StatusResponse  1 vertexes, 2 statuses, 3 logs, 4 warnings
//	Vertex          1 digest, 2 inputs, 3 name, 4 cached, 5 started, 6 completed, 7 error
//	VertexStatus    1 id, 2 vertex, 3 name, 4 current, 5 total, 6 timestamp, 7 started, 8 completed
//	VertexLog       1 vertex, 2 timestamp, 3 stream, 4 msg
//	Timestamp       1 seconds, 2 nanos
type trace struct {
	events func(paas.BuildEvent)
	mask   *mask
	failed string // name of the vertex that failed
}

// traced is an event with the stream that its output was written to.
type traced struct {
	paas.BuildEvent
	stream uint64
}

func (t *trace) failure() string { return t.failed }

func (t *trace) message(m jsonstream.Message) error {
	if m.ID != messageTrace || m.Aux == nil {
		return nil
	}
	var raw []byte
	if err := json.Unmarshal(*m.Aux, &raw); err != nil {
		return fmt.Errorf("read the build's progress: %w", err)
	}
	found, err := parseStatus(raw)
	if err != nil {
		return fmt.Errorf("read the build's progress: %w", err)
	}
	for _, e := range found {
		t.mask.event(e, t.events)
		if e.Error != "" && e.Name != "" {
			t.failed = t.mask.text(e.Name)
		}
	}
	return nil
}

// parseStatus reads a StatusResponse. Statuses, the bars of transfers, and warnings are left out: no step is decided
// by them.
func parseStatus(raw []byte) ([]traced, error) {
	var found []traced
	err := fields(raw, func(n protowire.Number, f field) error {
		var e traced
		var err error
		switch n {
		case 1:
			e.BuildEvent, err = parseVertex(f.bytes)
		case 3:
			e, err = parseLog(f.bytes)
		default:
			return nil
		}
		found = append(found, e)
		return err
	})
	return found, err
}

func parseVertex(raw []byte) (paas.BuildEvent, error) {
	var e paas.BuildEvent
	err := fields(raw, func(n protowire.Number, f field) (err error) {
		switch n {
		case 1:
			e.Step = string(f.bytes)
		case 3:
			e.Name = string(f.bytes)
		case 4:
			e.Cached = f.varint != 0
		case 5:
			e.Started, err = parseTimestamp(f.bytes)
		case 6:
			e.Completed, err = parseTimestamp(f.bytes)
		case 7:
			e.Error = string(f.bytes)
		}
		return err
	})
	return e, err
}

func parseLog(raw []byte) (traced, error) {
	var e traced
	err := fields(raw, func(n protowire.Number, f field) error {
		switch n {
		case 1:
			e.Step = string(f.bytes)
		case 3:
			e.stream = f.varint
		case 4:
			e.Output = f.bytes
		}
		return nil
	})
	return e, err
}

func parseTimestamp(raw []byte) (time.Time, error) {
	var seconds, nanos int64
	err := fields(raw, func(n protowire.Number, f field) error {
		switch n {
		case 1:
			seconds = int64(f.varint)
		case 2:
			nanos = int64(f.varint)
		}
		return nil
	})
	return time.Unix(seconds, nanos).UTC(), err
}

// field is the value of a field of a protobuf message, by its wire type.
type field struct {
	bytes  []byte
	varint uint64
}

// fields calls fn with each field of a message; those of other wire types than ours are passed over.
func fields(raw []byte, fn func(protowire.Number, field) error) error {
	for len(raw) > 0 {
		number, kind, n := protowire.ConsumeTag(raw)
		if n < 0 {
			return protowire.ParseError(n)
		}
		raw = raw[n:]
		var f field
		switch kind {
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(raw)
		case protowire.VarintType:
			f.varint, n = protowire.ConsumeVarint(raw)
		default:
			n = protowire.ConsumeFieldValue(number, kind, raw)
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		raw = raw[n:]
		if kind != protowire.BytesType && kind != protowire.VarintType {
			continue
		}
		if err := fn(number, f); err != nil {
			return err
		}
	}
	return nil
}
