package runtime

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"
)

// Tail returns the last n lines that an instance wrote, on either stream, also when it has exited.
func (d *Docker) Tail(ctx context.Context, id string, n int) ([]string, error) {
	var text []byte
	err := d.call(ctx, readLimit, "read the log of instance "+short(id), func(ctx context.Context) error {
		stream, err := d.client.ContainerLogs(ctx, id, client.ContainerLogsOptions{
			ShowStdout: true, ShowStderr: true, Tail: strconv.Itoa(n),
		})
		if err != nil {
			return err
		}
		text, err = unframed(stream)
		return errors.Join(err, stream.Close())
	})
	if cerrdefs.IsNotFound(err) {
		return nil, gone(id).Because(err)
	}
	return lastLines(text, n), err
}

func unframed(r io.Reader) ([]byte, error) {
	var text []byte
	in := newFrames(r)
	for {
		frame, err := in.next()
		if errors.Is(err, io.EOF) {
			return text, nil
		}
		if err != nil {
			return text, err
		}
		text = append(text, frame...)
	}
}

func lastLines(text []byte, n int) []string {
	text = bytes.TrimSuffix(text, []byte{'\n'})
	if len(text) == 0 {
		return []string{}
	}
	lines := bytes.Split(text, []byte{'\n'})
	lines = lines[max(0, len(lines)-n):]
	found := make([]string, len(lines))
	for i, line := range lines {
		found[i] = string(line)
	}
	return found
}
