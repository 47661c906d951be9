package proxy

import "time"

// front is the client's side of one exchange: a request on a connection of HTTP/1 (client), or a stream of HTTP/2
// (stream). The exchange's goroutine calls it, but for source, which belongs to the upload while there is one, and the
// last three, which anybody may call until the exchange has ended.
type front interface {
	source() source

	// interim passes on a 1xx response.
	interim(resp *response)
	// begin takes the header of the response, to be sent with the first bytes of its body or at the next flush. length
	// is that of the body that will be written: a number, chunked or untilClose for one that nobody knows. A HEAD's
	// response has none and keeps the field that says how long it would be. With last no request may follow on the
	// connection.
	begin(resp *response, length int64, last bool)
	// write takes a part of the body. It does not keep p.
	write(p []byte) error
	// flush sends what was taken.
	flush() error
	// end completes the response and flushes.
	end(trailer []field) error

	// hijack gives up the connection for a tunnel, once the 101 response was sent on it.
	hijack(resp *response) (*sock, error)
	// reusable says whether requests may follow on the connection even with part of this one's body unread.
	reusable() bool

	gone() bool
	setReadDeadline(t time.Time)
	setWriteDeadline(t time.Time)
}

// source is a request's body as it comes: see body.
type source interface {
	// early returns the body if all of it is there before anybody waited for it.
	early() []byte
	// receive is called once, before the first fill.
	receive()
	take() ([]byte, error)
	fill() error
	// proceed asks the client for a body that waits for 100 Continue.
	proceed() error
	// ended are the fields after the body, once take gave io.EOF.
	ended() []field
}
