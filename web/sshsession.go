package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/gliderlabs/ssh"
	gossh "golang.org/x/crypto/ssh"

	"paas"
)

const maxCommandLine = 4 << 10

// session is a channel of a connection, from its opening to its end. It stands in for gliderlabs/ssh's own, which
// grants agent forwarding, keeps any number of environment variables, and does not notice a channel that is closed on a
// connection that stays.
func (s *SSH) session(_ *ssh.Server, conn *gossh.ServerConn, newChan gossh.NewChannel, ctx ssh.Context) {
	s.sessions.begin()
	defer s.sessions.end()
	user, leave, err := s.enter(conn, ctx)
	defer leave()
	if err != nil {
		reason := "internal error"
		if e := publicError(err); e != nil {
			reason = e.Message
		}
		s.log.Info("ssh session refused", "from", conn.RemoteAddr(), "error", err)
		_ = newChan.Reject(gossh.Prohibited, "paas: "+reason) // fails when the connection has ended
		return
	}
	ch, reqs, err := newChan.Accept()
	if err != nil {
		return // the connection has just ended
	}
	s.converse(conn, ch, reqs, user)
}

// enter finds out who a session is for and counts it; leave uncounts it.
func (s *SSH) enter(conn *gossh.ServerConn, ctx ssh.Context) (user string, leave func(), err error) {
	gated, ok := ctx.Value(gateKey{}).(*gatedConn)
	if !ok {
		return "", func() {}, errNobody
	}
	leave = func() { gated.sessions.Add(-1) }
	if gated.sessions.Add(1) > maxSessions {
		return "", leave, paas.Errorf(paas.RateLimited, "too many sessions on one connection")
	}
	if s.servingContext().Err() != nil {
		return "", leave, paas.Errorf(paas.Unavailable, "paasd is stopping")
	}
	user, err = s.userOf(conn)
	return user, leave, err
}

// converse waits for the session's command and carries it out.
func (s *SSH) converse(conn *gossh.ServerConn, ch gossh.Channel, reqs <-chan *gossh.Request, user string) {
	line, ok := awaitCommand(reqs)
	if !ok {
		_ = ch.Close() // nothing was asked
		return
	}
	ctx, cancel := context.WithCancel(paas.WithUser(s.endingContext(), user))
	defer cancel()
	s.spawn(func() { // ends with the channel: the client closes it when it leaves, or exit does and the client answers
		defer cancel()
		gossh.DiscardRequests(reqs)
	})
	s.spawn(func() { keepAlive(ctx, conn, s.silence/2) })
	code := s.run(ctx, ch, line, caller{user, addrOf(conn.RemoteAddr())})
	exit(ch, code)
}

// spawn runs f on a goroutine that Serve waits for.
func (s *SSH) spawn(f func()) {
	s.sessions.begin()
	go func() {
		defer s.sessions.end()
		f()
	}()
}

func (s *SSH) endingContext() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ending
}

func (s *SSH) servingContext() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.serving
}

// awaitCommand refuses everything else that a client may ask of a session: a terminal, forwarding of its agent or X11,
// environment variables, subsystems. false when the channel ends first. A shell is an empty command.
func awaitCommand(reqs <-chan *gossh.Request) (string, bool) {
	for req := range reqs {
		var payload struct{ Line string }
		asked := req.Type == "shell"
		if req.Type == "exec" {
			asked = len(req.Payload) <= maxCommandLine && gossh.Unmarshal(req.Payload, &payload) == nil
		}
		if req.WantReply {
			_ = req.Reply(asked, nil) // fails when the channel has ended, and then reqs does
		}
		if asked {
			return payload.Line, true
		}
	}
	return "", false
}

// pinged is what keepAlive needs of a connection.
type pinged interface {
	SendRequest(name string, wantReply bool, payload []byte) (bool, []byte, error)
	Close() error
}

// keepAlive asks a client, every so often, whether it is there, and closes the connection when the answer takes as long, until
// ctx ends. So a quiet session is not cut, and a dead one is noticed.
func keepAlive(ctx context.Context, conn pinged, every time.Duration) {
	for pause(ctx, every) {
		late := time.AfterFunc(every, func() { _ = conn.Close() }) // a connection given up
		_, _, err := conn.SendRequest("keepalive@openssh.com", true, nil)
		late.Stop()
		if err != nil {
			return
		}
	}
}

// run carries out a command line and returns the exit status.
func (s *SSH) run(ctx context.Context, ch gossh.Channel, line string, by caller) int {
	cmd, err := parseCommand(line)
	switch {
	case line == "":
		say(ch.Stderr(), "Hi %s! This is paas: push with git, or use the paas command.", by.user)
		return 1
	case errors.Is(err, errNoCommand):
		say(ch.Stderr(), "Hi %s! paas does not run %s here: push with git, or use the paas command.", by.user, paas.Quote(line))
		return 1
	case err != nil:
		return s.tell(ch.Stderr(), err, line)
	}
	code, err := s.perform(ctx, ch, cmd, by)
	if err != nil {
		return s.tell(ch.Stderr(), err, line)
	}
	return code
}

// perform carries out a command. A panic in it is its error, and no other session's.
func (s *SSH) perform(ctx context.Context, ch gossh.Channel, cmd command, by caller) (code int, err error) {
	defer recovered(&err)
	switch cmd.verb {
	case verbReceivePack:
		return s.receive(ctx, ch, cmd.app, by)
	case verbUploadPack:
		return s.api.Git.UploadPack(ctx, cmd.app, ch, ch, ch.Stderr())
	default:
		return 0, s.serveAPI(ctx, ch, by.user, by.addr)
	}
}

// receive takes a push, and records it for the audit. What came of it, the builds and releases of the app tell.
func (s *SSH) receive(ctx context.Context, ch gossh.Channel, app string, by caller) (int, error) {
	record := s.api.begin(paas.Change{User: by.user, From: "ssh " + by.addr, Name: app, Action: "git push", RequestID: newRequestID()})
	push, err := s.api.Git.ReceivePack(ctx, app, ch, ch, ch.Stderr())
	why := err
	switch {
	case err != nil:
	case push.Refused != nil:
		why = push.Refused
	case push.ExitCode != 0:
		why = paas.Errorf(paas.Failed, "git ended with status %d", push.ExitCode)
	case push.Updates == "":
		return 0, nil // it wanted nothing
	}
	record(push.Updates, recorded(why))
	return push.ExitCode, err
}

// caller is who is at the other end of a session.
type caller struct{ user, addr string }

// addrOf is an address without its port.
func addrOf(addr net.Addr) string {
	if host, _, err := net.SplitHostPort(addr.String()); err == nil {
		return host
	}
	return addr.String()
}

func say(w io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(w, format+"\n", args...) // a client that has left does not read it
}

// tell says to a person what went wrong, and all of it to the log when it is nothing for them.
func (s *SSH) tell(w io.Writer, err error, line string) int {
	e := publicError(err)
	if e == nil {
		id := newRequestID()
		s.log.Error("ssh session failed", "request_id", id, "command", line, "error", err)
		e = paas.Errorf(paas.Internal, "internal error (request id %s)", id).WithHint("look for it in paasd's log")
	}
	say(w, "paas: %s", e.Message)
	if advice := paas.Advice(e); advice != "" {
		say(w, "  %s", advice)
	}
	return 1
}

// exit ends the session with a status.
func exit(ch gossh.Channel, code int) {
	status := struct{ Status uint32 }{uint32(code)}
	_, _ = ch.SendRequest("exit-status", false, gossh.Marshal(&status)) // a client that has left does not need it
	_ = ch.Close()
}
