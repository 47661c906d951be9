package logs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"paas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const app = "abcdefgh2345"

func open(t *testing.T, dir string, opts Options) *Store {
	t.Helper()
	s, err := Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

var began = time.Date(2026, 11, 23, 6, 36, 1, 123456789, time.UTC)

func line(n int) paas.LogLine {
	return paas.LogLine{
		Time: began.Add(time.Duration(n) * time.Millisecond), Source: paas.LogApp, Process: "web.1", Instance: "i1", Text: fmt.Sprint("line ", n),
	}
}

func read(t *testing.T, s *Store, q paas.LogQuery) []paas.LogLine {
	t.Helper()
	got := []paas.LogLine{}
	if err := s.Read(t.Context(), app, q, func(l paas.LogLine) error { got = append(got, l); return nil }); err != nil {
		t.Fatal(err)
	}
	return got
}

func texts(lines []paas.LogLine) []string {
	got := make([]string, len(lines))
	for i, l := range lines {
		got[i] = l.Text
	}
	return got
}

func TestLinesComeBackAsTheyWereAlsoAfterReopening(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, Options{})
	want := []paas.LogLine{
		line(1),
		{Time: began, Source: paas.LogRouter, Process: "router", Text: `at=info path="/"`},
		{Time: began.Add(-time.Hour), Source: paas.LogPaas, Process: "deploy", Text: ""},
		{Time: began, Source: paas.LogApp, Process: "worker.2", Instance: "i2", Text: "tabs\tand \x00\xff bytes\r"},
		{Time: began, Source: paas.LogApp, Process: "web.1", Instance: "i1", Text: strings.Repeat("x", 200_000)},
	}
	for i, l := range want {
		s.Append(app, l)
		want[i].Seq = int64(i + 1)
	}
	if diff := cmp.Diff(want, read(t, s, paas.LogQuery{})); diff != "" {
		t.Error(diff)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if diff := cmp.Diff(want, read(t, s, paas.LogQuery{})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want[2:], read(t, s, paas.LogQuery{Lines: 3})); diff != "" {
		t.Error(diff)
	}
}

func TestANewlineInATextBecomesASpace(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), Options{})
	s.Append(app, paas.LogLine{Time: began, Source: paas.LogPaas, Process: "a\tb\n", Text: "one\ntwo"})
	if got := read(t, s, paas.LogQuery{}); len(got) != 1 || got[0].Text != "one two" || got[0].Process != "a b " {
		t.Errorf("%+v", got)
	}
}

func TestAQuerySelects(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), Options{})
	for n := range 100 {
		l := line(n)
		if n%10 == 0 {
			l.Source, l.Process = paas.LogPaas, "deploy"
		}
		s.Append(app, l)
	}
	for name, c := range map[string]struct {
		q    paas.LogQuery
		want []string
	}{
		"the last":             {paas.LogQuery{Lines: 2}, []string{"line 98", "line 99"}},
		"the last of a source": {paas.LogQuery{Lines: 2, Source: paas.LogPaas}, []string{"line 80", "line 90"}},
		"the last of a type":   {paas.LogQuery{Lines: 1, Process: "web"}, []string{"line 99"}},
		"since":                {paas.LogQuery{Since: line(98).Time}, []string{"line 98", "line 99"}},
		"none":                 {paas.LogQuery{Lines: 5, Process: "worker"}, []string{}},
	} {
		if diff := cmp.Diff(c.want, texts(read(t, s, c.q))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if got := read(t, s, paas.LogQuery{Lines: 1000}); len(got) != 100 {
		t.Errorf("more than there are: %d", len(got))
	}
}

func TestAStreamStaysWithinItsBoundAndKeepsTheNewest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, Options{BytesPerApp: 8 << 10})
	for n := range 5000 {
		s.Append(app, line(n))
		if n%100 == 0 {
			read(t, s, paas.LogQuery{Lines: 1})
		}
	}
	got := texts(read(t, s, paas.LogQuery{}))
	if got[len(got)-1] != "line 4999" || len(got) < 50 {
		t.Errorf("%d lines, the last is %s", len(got), got[len(got)-1])
	}
	for i := range got {
		if want := fmt.Sprint("line ", 5000-len(got)+i); got[i] != want {
			t.Fatalf("line %d is %q, want %q", i, got[i], want)
		}
	}
	size := int64(0)
	files, err := filepath.Glob(filepath.Join(dir, app, "*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("files %v, %v", files, err)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	if size > 8<<10 {
		t.Errorf("%d bytes on disk", size)
	}
}

func TestATornRecordIsCutOff(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, Options{})
	s.Append(app, line(1))
	s.Append(app, line(2))
	s.Close()
	path := filepath.Join(dir, app, "0000000000000000.log")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(whole) {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		s.Append(app, line(3))
		got := texts(read(t, s, paas.LogQuery{}))
		want := []string{"line 1", "line 3"}
		if cut <= strings.IndexByte(string(whole), '\n') {
			want = want[1:]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("cut at %d: %s", cut, diff)
		}
		s.Close()
	}
}

func TestGarbageBetweenRecordsIsPassedOver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, Options{})
	s.Append(app, line(1))
	s.Close()
	f, err := os.OpenFile(filepath.Join(dir, app, "0000000000000000.log"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("\x00\x00\x00\n\n\tx\ty\tz\tw\n")); err != nil {
		t.Fatal(err)
	}
	f.Close()
	s = open(t, dir, Options{})
	s.Append(app, line(2))
	for _, q := range []paas.LogQuery{{}, {Lines: 5}} {
		if diff := cmp.Diff([]string{"line 1", "line 2"}, texts(read(t, s, q))); diff != "" {
			t.Error(diff)
		}
	}
}

func TestLastTellsWhereAnInstancesLinesEnd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, Options{})
	for _, n := range []int{1, 2, 5, 5, 3, 3, 3} { // the clock was set back before the last
		s.Append(app, line(n))
	}
	other := line(4)
	other.Instance = "i2"
	s.Append(app, other)
	check := func(s *Store) {
		t.Helper()
		for id, want := range map[string]struct {
			t time.Time
			n int
		}{"i1": {line(3).Time, 3}, "i2": {line(4).Time, 1}, "i3": {}} {
			if at, n := s.Last(app, id); !at.Equal(want.t) || n != want.n {
				t.Errorf("%s: %v, %d, want %+v", id, at, n, want)
			}
		}
	}
	check(s) // before it is written
	s.Close()
	check(open(t, dir, Options{}))
}

func TestAFullDiskIsCountedAndSaid(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, Options{Now: func() time.Time { return began }})
	s.Append(app, line(0))
	read(t, s, paas.LogQuery{})
	st := s.stream(app)
	full := func(f *os.File, b []byte) error { // half of it gets there
		_, err := f.Write(b[:len(b)/2])
		return errors.Join(err, &os.PathError{Op: "write", Path: f.Name(), Err: syscall.ENOSPC})
	}
	setWrite(st, full)
	for n := 1; n <= 3; n++ {
		s.Append(app, line(n))
		st.flush()
	}
	setWrite(st, appendTo)
	s.Append(app, line(4))
	want := []string{"line 0", "3 lines lost: no space left", "line 4"}
	if diff := cmp.Diff(want, texts(read(t, s, paas.LogQuery{}))); diff != "" {
		t.Error(diff)
	}
	s.Close()
	if diff := cmp.Diff(want, texts(read(t, open(t, dir, Options{}), paas.LogQuery{}))); diff != "" {
		t.Error(diff)
	}
}

func setWrite(st *stream, write func(*os.File, []byte) error) {
	st.disk.Lock()
	defer st.disk.Unlock()
	st.write = write
}

func TestADiskThatHangsHoldsUpNoWriter(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), Options{})
	s.Append(app, line(0))
	read(t, s, paas.LogQuery{})
	st := s.stream(app)
	release := make(chan struct{})
	setWrite(st, func(f *os.File, b []byte) error {
		<-release
		return appendTo(f, b)
	})
	long := line(1)
	long.Text = strings.Repeat("x", 1<<20)
	for range 20 {
		s.Append(app, long)
	}
	close(release)
	s.Append(app, line(2))
	got := read(t, s, paas.LogQuery{})
	if len(got) < 3 || got[len(got)-1].Text != "line 2" && !strings.Contains(fmt.Sprint(texts(got)), "lines lost: the disk is too slow") {
		t.Errorf("%d lines", len(got))
	}
}

func TestAnErrorOfTheReaderEndsTheRead(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), Options{})
	s.Append(app, line(0))
	enough := errors.New("enough")
	for _, q := range []paas.LogQuery{{}, {Lines: 1}, {Lines: 1, Follow: true}} {
		if err := s.Read(t.Context(), app, q, func(paas.LogLine) error { return enough }); !errors.Is(err, enough) {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

func TestAnAppCannotLeaveTheFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "logs"), Options{})
	s.Append("../outside", line(0))
	s.Close()
	if _, err := os.Stat(filepath.Join(dir, "outside")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it did: %v", err)
	}
}

func FuzzRecord(f *testing.F) {
	f.Add("web.1", "i1", "text")
	f.Add("a\tb", "\n", "\xff\x00\t")
	f.Fuzz(func(t *testing.T, process, instance, text string) {
		l := paas.LogLine{Time: began, Source: paas.LogApp, Process: flat(process, "\t\n"), Instance: flat(instance, "\t\n"), Text: flat(text, "\n")}
		b := appendRecord(nil, paas.LogLine{Time: began, Source: paas.LogApp, Process: process, Instance: instance, Text: text})
		if n := strings.Count(string(b), "\n"); n != 1 {
			t.Fatalf("%d newlines", n)
		}
		if got, ok := parseRecord(b[:len(b)-1]); !ok || got != l {
			t.Errorf("%+v, want %+v", got, l)
		}
	})
}
