package build

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"paas"
)

const (
	outputIndent = "         | "
	nameWidth    = 46 // columns; git's own prefix takes 8 more
	quietStep    = time.Second
	lastLines    = 10
	tailLines    = 100 // of which lastLines are shown
	shownExtras  = 5   // of a list of paths
)

// progress renders the events of one image build as lines for a person: on the pusher's terminal, behind git's
// `remote: `, and in the build log. A step gets one line when it is over, with its time; a step that prints, or takes
// longer than a second, is announced first, and its output follows as it comes. The builder's inner steps show only
// when they take long or fail.
//
// Its methods may be called from several goroutines. now is the service's clock, event times are the builder's.
type progress struct {
	w io.Writer

	mu    sync.Mutex
	buf   bytes.Buffer // lines of the call that goes on: one write each, however noisy the build
	steps map[string]*step
	order []*step
	last  *step // whose lines came last
}

type step struct {
	name, tag string    // "[2/4] COPY . ." and "[2/4]"
	inner     bool      // of the builder's own, not of the Dockerfile
	seen      time.Time // when it was heard to have started
	announced bool
	over      bool
	started   time.Time
	err       string
	out       lines
	tail      []string // its last lines
}

func newProgress(w io.Writer) *progress {
	return &progress{w: w, steps: map[string]*step{}}
}

// heading begins a part of the push.
func (p *progress) heading(format string, args ...any) {
	defer p.lock()()
	p.last = nil
	p.line("-----> "+format, args...)
}

// note is a line beneath a heading.
func (p *progress) note(format string, args ...any) {
	defer p.lock()()
	p.last = nil
	p.line("       "+format, args...)
}

// Write takes what somebody else has to say, as notes.
func (p *progress) Write(text []byte) (int, error) {
	for line := range strings.Lines(string(text)) {
		p.note("%s", strings.TrimRight(line, "\n"))
	}
	return len(text), nil
}

func (p *progress) line(format string, args ...any) {
	_, _ = fmt.Fprintf(&p.buf, format+"\n", args...)
}

// lock begins every call from outside; its result unlocks and sends what was printed.
func (p *progress) lock() (send func()) {
	p.mu.Lock()
	return func() {
		defer p.mu.Unlock()
		if p.buf.Len() > 0 {
			_, _ = p.w.Write(p.buf.Bytes()) // a pusher who is gone is seen by the push itself
			p.buf.Reset()
		}
	}
}

// event takes a fact of the builder's.
func (p *progress) event(now time.Time, e paas.BuildEvent) {
	if e.Base != (paas.BaseImage{}) {
		return // of no step
	}
	defer p.lock()()
	s := p.step(e)
	if !e.Started.IsZero() {
		if s.started.IsZero() {
			s.seen = now
		}
		s.started = e.Started
	}
	if len(e.Output) > 0 {
		s.out.write(e.Output, func(line string) { p.output(s, line) })
	}
	if e.Error != "" {
		s.err = plain(e.Error)
	}
	if !s.over && (!e.Completed.IsZero() || e.Cached || e.Error != "") {
		p.finish(s, e)
	}
}

// step finds the event's step, or begins it.
func (p *progress) step(e paas.BuildEvent) *step {
	s := p.steps[e.Step]
	if s == nil {
		s = &step{inner: true}
		p.steps[e.Step] = s
		p.order = append(p.order, s)
	}
	if s.name == "" && e.Name != "" {
		s.rename(e.Name)
	}
	return s
}

// stepTag is how the builder marks the steps of a Dockerfile, [2/4] or [build 2/4], and what goes to registries, and comes from there.
var stepTag = regexp.MustCompile(`^\[(?:(?:[^\]]* )?[0-9]+/[0-9]+|push|pull)\]`)

// classicStep is how the builder that was before BuildKit says it.
var classicStep = regexp.MustCompile(`^Step ([0-9]+/[0-9]+) : `)

// stepMount is what of a step comes before its command, and is the longer the less it says.
var stepMount = regexp.MustCompile(` --mount=[^ ]*`)

func (s *step) rename(name string) {
	name = stepMount.ReplaceAllString(strings.Join(strings.Fields(plain(name)), " "), "")
	s.name = classicStep.ReplaceAllString(name, "[$1] ")
	s.tag = stepTag.FindString(s.name)
	s.inner = s.tag == ""
	if s.inner {
		s.tag = shorten(s.name, nameWidth)
	}
}

// output prints a line that a step printed.
func (p *progress) output(s *step, line string) {
	s.tail = append(s.tail, line)
	if len(s.tail) > tailLines {
		s.tail = slices.Delete(s.tail, 0, 1)
	}
	if s.inner {
		return
	}
	p.announce(s)
	p.line("%s", strings.TrimRight(outputIndent+line, " "))
}

// announce makes s the step that the next lines belong to.
func (p *progress) announce(s *step) {
	switch {
	case p.last == s:
		return
	case s.announced:
		p.line("       %s goes on", s.tag)
	default:
		p.line("       %s", shorten(s.name, 100))
	}
	s.announced, p.last = true, s
}

func (p *progress) finish(s *step, e paas.BuildEvent) {
	s.out.end(func(line string) { p.output(s, line) })
	s.over = true
	took := ""
	if !e.Completed.IsZero() && !s.started.IsZero() {
		took = seconds(e.Completed.Sub(s.started))
	}
	switch {
	case s.err != "":
		return // failed says it at the end
	case s.inner && (e.Cached || e.Completed.Sub(s.started) < quietStep):
		return
	case e.Cached:
		p.line("       %s cached", pad(s.name))
	case s.announced:
		p.line("       %s %s", pad(s.tag+" done"), took)
	default:
		p.line("       %s %s", pad(s.name), took)
	}
	p.last = nil
}

// tick announces the steps that have been silent for long; call it now and then.
func (p *progress) tick(now time.Time) {
	defer p.lock()()
	for _, s := range p.order {
		running := !s.over && !s.started.IsZero() // the builder names steps long before it begins them
		if running && !s.announced && s.name != "" && now.Sub(s.seen) >= quietStep {
			p.announce(s)
		}
	}
}

// failed ends a build that did not make an image: it prints the failing step's last lines, unless they stand there
// already, and returns the error for the pusher.
func (p *progress) failed(what string, cause error) error {
	defer p.lock()()
	s := p.failing()
	if paas.OutOfSpace(cause) {
		return failedFull(what, s, cause)
	}
	if known, ok := errors.AsType[*paas.Error](cause); ok && known.Hint != "" { // who gives a hint knows why
		reason, ok := strings.CutPrefix(known.Message, "the build failed")
		if !ok {
			reason = ": " + known.Message
		}
		return paas.Errorf(paas.Failed, "the build of %s failed%s", what, shorten(plain(reason), 500)).WithHint("%s", known.Hint).Because(cause)
	}
	if s == nil {
		text := plain(cause.Error())
		return paas.Errorf(paas.Failed, "the build of %s failed: %s", what, shorten(text, 500)).
			WithHint("%s", hint(text, nil)).Because(cause)
	}
	if p.last != s && len(s.tail) > 0 {
		p.line("-----> The last lines of %s", s.tag)
		for _, line := range s.tail[max(0, len(s.tail)-lastLines):] {
			p.line("%s", strings.TrimRight(outputIndent+line, " "))
		}
	}
	text := s.err
	if text == "" {
		text = plain(cause.Error())
	}
	return paas.Errorf(paas.Failed, "the build of %s failed at %s: %s", what, shorten(s.name, 100), reason(text)).
		WithHint("%s", hint(text+"\n"+cause.Error(), s.tail)).Because(cause)
}

// failedFull is for a build that the host broke, wherever it was.
func failedFull(what string, s *step, cause error) error {
	where := ""
	if s != nil {
		where = " at " + shorten(s.name, 100)
	}
	return paas.Errorf(paas.Failed, "the build of %s failed%s: no space left on the host", what, where).
		WithHint(paas.SpaceHint).Because(cause)
}

// failing is the step that broke the build: one with an error of its own, rather than one that was canceled with it;
// or the one that was going on, for the old builder, whose steps have no errors. nil: the build broke before any.
func (p *progress) failing() *step {
	var found *step
	for _, s := range p.order {
		switch {
		case s.err != "" && !strings.Contains(s.err, "context canceled"):
			return s
		case s.err != "" && found == nil, !s.over && !s.inner && found == nil:
			found = s
		}
	}
	return found
}

// exitCode is how the builder words a command that ended badly.
var exitCode = regexp.MustCompile(`(?:exit code:|returned a non-zero code:) ?([0-9]+)`)

// reason is what is worth reading of a step's error: the step itself is named beside it.
func reason(text string) string {
	if m := exitCode.FindStringSubmatch(text); m != nil {
		return "exit code " + m[1]
	}
	return shorten(strings.Join(strings.Fields(text), " "), 300)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1fs", max(0, d.Seconds())) }

// pad fits a name into its column.
func pad(name string) string {
	name = shorten(name, nameWidth)
	return name + strings.Repeat(" ", nameWidth-utf8.RuneCountInString(name))
}

func shorten(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	return string([]rune(s)[:width-1]) + "…"
}

// list names the first of some paths, and how many more there are.
func list(paths []string) string {
	shown := make([]string, 0, shownExtras)
	for _, path := range paths[:min(shownExtras, len(paths))] {
		shown = append(shown, quotePath(path))
	}
	text := strings.Join(shown, ", ")
	if more := len(paths) - len(shown); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// quotePath shows a file's name, which may hold anything but a slash and NUL.
func quotePath(path string) string {
	if q := paas.Quote(path); q != `"`+path+`"` {
		return q
	}
	return path
}
