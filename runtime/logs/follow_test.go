package logs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"paas"
)

// follower follows a stream in the background.
type follower struct {
	lines chan paas.LogLine
	done  chan error
	stop  context.CancelFunc
}

func follow(t *testing.T, s *Store, q paas.LogQuery, buffer int) *follower {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	f := &follower{lines: make(chan paas.LogLine, buffer), done: make(chan error, 1), stop: cancel}
	q.Follow = true
	go func() {
		f.done <- s.Read(ctx, app, q, func(l paas.LogLine) error {
			select {
			case f.lines <- l:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		<-f.done
	})
	return f
}

func TestFollowersGetEveryLineOnce(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), Options{BytesPerApp: 1 << 20})
	s.Append(app, line(0))
	s.Append(app, line(1))
	followers := []*follower{follow(t, s, paas.LogQuery{Lines: 1}, 0), follow(t, s, paas.LogQuery{Lines: 10, Process: "web"}, 100)}
	for i, first := range []int{1, 0} {
		for n := first; n < 2; n++ {
			if l := <-followers[i].lines; l.Text != line(n).Text {
				t.Fatalf("follower %d got %q, want line %d", i, l.Text, n)
			}
		}
	}
	const n = 3000
	go func() {
		for i := 2; i < n; i++ {
			s.Append(app, line(i))
		}
	}()
	var wg sync.WaitGroup
	for _, f := range followers {
		wg.Go(func() {
			for i := 2; i < n; i++ {
				if l := <-f.lines; l.Text != line(i).Text {
					t.Errorf("got %q, want line %d", l.Text, i)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestALineIsThereForFollowersWithinATenthOfASecond(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), Options{})
	f := follow(t, s, paas.LogQuery{Lines: 1, Source: paas.LogApp}, 0)
	for n := range 5 {
		s.Append(app, line(n))
		select {
		case <-f.lines:
		case <-time.After(10 * time.Second): // far from it, so that a busy machine does not matter: see batchFor
			t.Fatal("it did not come")
		}
	}
	if batchFor > 100*time.Millisecond {
		t.Errorf("batches take %s", batchFor)
	}
}

func TestAFollowerThatIsOvertakenIsToldWhatItMissed(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), Options{BytesPerApp: 8 << 10})
	s.Append(app, line(0))
	f := follow(t, s, paas.LogQuery{Lines: 1}, 0)
	<-f.lines
	// It takes nothing while the stream goes far over its bound.
	const n = 2000
	for i := 1; i < n; i++ {
		s.Append(app, line(i))
		read(t, s, paas.LogQuery{Lines: 1})
	}
	got, missed := 1, 0
	for l := range f.lines {
		var m int
		if _, err := fmt.Sscanf(l.Text, "%d lines lost: this reader is too slow", &m); err == nil {
			if l.Source != paas.LogPaas || l.Process != "logs" {
				t.Errorf("marker %+v", l)
			}
			missed += m
			continue
		}
		got++
		if l.Text == line(n-1).Text {
			break
		}
	}
	if missed == 0 || got+missed != n {
		t.Errorf("%d lines and %d missed of %d", got, missed, n)
	}
}

func TestRemoveEndsFollowersAndDeletesTheFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, Options{})
	s.Append(app, line(0))
	f := follow(t, s, paas.LogQuery{Lines: 1}, 1)
	<-f.lines
	if err := s.Remove(app); err != nil {
		t.Fatal(err)
	}
	err := <-f.done
	f.done <- err
	if err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, app)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its folder: %v", err)
	}
	if got := read(t, s, paas.LogQuery{}); len(got) != 0 {
		t.Errorf("lines %v", got)
	}
}

func TestCloseWritesWhatIsWaitingAndEndsFollowers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	f := follow(t, s, paas.LogQuery{Lines: 1}, 10)
	s.Append(app, line(0))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	err = <-f.done
	f.done <- err
	if err != nil {
		t.Error(err)
	}
	if got := read(t, open(t, dir, Options{}), paas.LogQuery{}); len(got) != 1 {
		t.Errorf("lines %v", got)
	}
}

func TestAReaderGoesOnAfterTheLineItHad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, Options{BytesPerApp: 8 << 10})
	for i := range 100 {
		s.Append(app, line(i))
	}
	for _, c := range []struct {
		q     paas.LogQuery
		first int64
		n     int
	}{
		{paas.LogQuery{After: 1}, 2, 99},
		{paas.LogQuery{After: 60}, 61, 40},
		{paas.LogQuery{After: 60, Lines: 5}, 96, 5},
		{paas.LogQuery{After: 97, Lines: 5}, 98, 3},
		{paas.LogQuery{After: 100}, 0, 0},
		{paas.LogQuery{After: 1000}, 0, 0},
	} {
		got := read(t, s, c.q)
		if len(got) != c.n {
			t.Errorf("%+v: %d lines, want %d", c.q, len(got), c.n)
		}
		for i, l := range got {
			if want := c.first + int64(i); l.Seq != want || l.Text != line(int(want-1)).Text {
				t.Fatalf("%+v: line %d is %d, %q", c.q, want, l.Seq, l.Text)
			}
		}
	}
	// Over a restart, with a connection that is cut after every seventh line.
	s.Close()
	s = open(t, dir, Options{BytesPerApp: 8 << 10})
	s.Append(app, line(100))
	enough := errors.New("enough")
	for last := int64(1); last < 101; {
		n := 0
		err := s.Read(t.Context(), app, paas.LogQuery{After: last, Follow: true}, func(l paas.LogLine) error {
			if l.Seq != last+1 {
				t.Fatalf("%d comes after %d", l.Seq, last)
			}
			last = l.Seq
			if n++; n == 7 || last == 101 {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) {
			t.Fatal(err)
		}
	}
}

func TestAReaderGoesOnFromTheEnd(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), Options{})
	s.Append(app, line(0))
	read(t, s, paas.LogQuery{})
	f := follow(t, s, paas.LogQuery{After: 1}, 0)
	s.Append(app, line(1))
	if l := <-f.lines; l.Seq != 2 || l.Text != "line 1" {
		t.Errorf("%+v", l)
	}
	f = follow(t, s, paas.LogQuery{After: 1000}, 0) // the stream has lost them, or never had them
	for {
		s.Append(app, line(200))
		select {
		case l := <-f.lines:
			if l.Text != "line 200" {
				t.Errorf("%+v", l)
			}
			return
		case <-time.After(10 * time.Millisecond): // it may have begun after the line
		}
	}
}

func TestAReaderThatComesBackTooLateIsToldWhatItMissed(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), Options{BytesPerApp: 8 << 10})
	for i := range 2000 {
		s.Append(app, line(i))
		read(t, s, paas.LogQuery{Lines: 1})
	}
	got := read(t, s, paas.LogQuery{After: 10})
	if len(got) < 2 {
		t.Fatal(got)
	}
	want := paas.LogLine{Time: got[0].Time, Source: paas.LogPaas, Process: "logs", Text: fmt.Sprint(got[1].Seq-11, " lines lost: this reader is too slow")}
	if got[0] != want || got[1].Seq < 100 {
		t.Errorf("%+v and %+v, want %+v first", got[0], got[1], want)
	}
}
