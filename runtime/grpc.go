package runtime

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// The codes of gRPC that are answered here.
const (
	grpcOK              = 0
	grpcUnknown         = 2
	grpcInvalidArgument = 3
	grpcNotFound        = 5
	grpcUnimplemented   = 12
)

// grpcError is an answer other than a message.
type grpcError struct {
	code    int
	message string
}

func (e *grpcError) Error() string { return e.message }

// grpcMethod answers a call: one message for one. Only a *grpcError tells the caller what went wrong.
type grpcMethod func(request []byte) (response []byte, err error)

// grpcStream answers a call with as many messages as it likes for as many as come. asked are the headers of the call.
type grpcStream func(asked http.Header, messages *grpcMessages) error

// maxGRPCMessage bounds what a caller may send: a name or two.
const maxGRPCMessage = 64 << 10

// grpcServer serves calls on one connection. gRPC over HTTP/2 (https://github.com/grpc/grpc, doc/PROTOCOL-HTTP2.md) is for such
// calls a POST of a message with its length before it, answered by the same and a status in the trailer.
type grpcServer struct {
	server *http.Server
	conn   *oneConn
	done   chan struct{}
}

// grpcCalls are what is served, by its path.
type grpcCalls struct {
	methods map[string]grpcMethod
	streams map[string]grpcStream
}

// serveGRPC serves calls until close is called or the other side goes.
func serveGRPC(conn net.Conn, calls grpcCalls) *grpcServer {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	s := &grpcServer{
		server: &http.Server{Handler: grpcHandler(calls), Protocols: protocols, ReadHeaderTimeout: time.Minute},
		conn:   &oneConn{conn: conn, closed: make(chan struct{})},
		done:   make(chan struct{}),
	}
	go func() {
		defer close(s.done)
		_ = s.server.Serve(s.conn) // it always is that it was closed
	}()
	return s
}

// close ends the connection with whatever goes on on it.
func (s *grpcServer) close() error {
	err := s.server.Close()
	<-s.done
	return errors.Join(err, s.conn.hangUp())
}

func grpcHandler(calls grpcCalls) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		w.WriteHeader(http.StatusOK)
		code, message := grpcOK, ""
		if err := calls.answer(w, r); err != nil {
			code, message = grpcInvalidArgument, "the call is not understood"
			if known, ok := errors.AsType[*grpcError](err); ok {
				code, message = known.code, known.message
			}
		}
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", strconv.Itoa(code))
		if message != "" {
			w.Header().Set(http.TrailerPrefix+"Grpc-Message", url.PathEscape(message))
		}
	})
}

func (c grpcCalls) answer(w http.ResponseWriter, r *http.Request) error {
	messages := &grpcMessages{in: bufio.NewReader(r.Body), out: bufio.NewWriterSize(w, maxGRPCMessage), flusher: http.NewResponseController(w)}
	if stream := c.streams[r.URL.Path]; stream != nil {
		return errors.Join(stream(r.Header, messages), messages.flush())
	}
	method := c.methods[r.URL.Path]
	if method == nil {
		return &grpcError{grpcUnimplemented, "no such method"}
	}
	request, err := messages.receive()
	if err != nil {
		return err
	}
	response, err := method(request)
	if err != nil {
		return err
	}
	return errors.Join(messages.send(response), messages.flush())
}

// grpcMessages are those of one call. One goroutine may receive while another sends.
type grpcMessages struct {
	in      *bufio.Reader
	out     *bufio.Writer
	flusher *http.ResponseController
}

// receive waits for the next message; io.EOF after the last.
func (m *grpcMessages) receive() ([]byte, error) {
	var head [5]byte // whether it is compressed, which is never agreed on here, and its length
	if _, err := io.ReadFull(m.in, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[1:])
	if head[0] != 0 || size > maxGRPCMessage {
		return nil, &grpcError{grpcInvalidArgument, "the message is compressed or too long"}
	}
	message := make([]byte, size)
	_, err := io.ReadFull(m.in, message)
	return message, err
}

// send puts a message on its way; flush sees that it goes.
func (m *grpcMessages) send(message []byte) error {
	var head [5]byte
	binary.BigEndian.PutUint32(head[1:], uint32(len(message)))
	if _, err := m.out.Write(head[:]); err != nil {
		return err
	}
	_, err := m.out.Write(message)
	return err
}

func (m *grpcMessages) flush() error {
	if err := m.out.Flush(); err != nil {
		return err
	}
	return m.flusher.Flush()
}

// oneConn is a listener with one connection.
type oneConn struct {
	conn   net.Conn
	given  sync.Once
	closed chan struct{}
	once   sync.Once
}

// Accept gives the connection, and then waits for Close.
func (l *oneConn) Accept() (net.Conn, error) {
	var conn net.Conn
	l.given.Do(func() { conn = l.conn })
	if conn != nil {
		return conn, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}

// Close ends Accept.
func (l *oneConn) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr is the connection's own.
func (l *oneConn) Addr() net.Addr { return l.conn.LocalAddr() }

// hangUp closes the connection, in case that nobody has.
func (l *oneConn) hangUp() error {
	if err := l.conn.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
