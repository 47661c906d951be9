package client

import "paas"

// Channel is the first byte of each binary websocket message of an attached process: what the rest of it is.
type Channel byte

// The channels of an attached process. 0 to 3 and 8 go to paasd, the others come from it.
const (
	ChannelStdin      Channel = iota // bytes, never more ahead of the window than AttachWindow
	ChannelStdinClose                // nothing: the end of stdin
	ChannelResize                    // a paas.TerminalSize as JSON
	ChannelSignal                    // a signal's name without SIG
	ChannelStdout                    // bytes
	ChannelStderr                    // bytes
	ChannelWindow                    // uint32, big-endian: so many bytes of stdin have been consumed since the last one
	ChannelExit                      // an Exit as JSON, and the last message
	ChannelExec                      // a paas.ExecRequest as JSON: the first message of a command in an instance, and of nothing else
)

// AttachWindow bounds the bytes of stdin that are under way, sent and not consumed: so that a process that does not
// read its stdin holds up neither signals nor the notice that its client is gone.
const AttachWindow = 1 << 20

// AttachChunk is the most payload that either side puts into one message.
const AttachChunk = 64 << 10

// Exit is how an attached process ended: with a code, or with an error.
type Exit struct {
	Code  *int   `json:"exit_code,omitempty"`
	Error *Fault `json:"error,omitempty"`
}

// result is the exit as AttachRun and Exec return it.
func (e Exit) result() (int, error) {
	switch {
	case e.Error != nil:
		return 0, e.Error.Err()
	case e.Code != nil:
		return *e.Code, nil
	}
	return 0, paas.Errorf(paas.Unavailable, "paasd did not say how the process ended").WithHint("paas ps, paas run:list")
}
