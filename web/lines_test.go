package web

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLinesAreSplitWhereverWritesEnd(t *testing.T) {
	text := "one\n\ntwo\r\nthree"
	for size := 1; size <= len(text); size++ {
		l := newLines()
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			if w, err := l.Write([]byte(rest[:n])); w != n || err != nil {
				t.Fatal(w, err)
			}
			rest = rest[n:]
		}
		l.close()
		if diff := cmp.Diff([]string{"one", "", "two", "three"}, drain(l)); diff != "" {
			t.Errorf("writes of %d: %s", size, diff)
		}
	}
}

func drain(l *lines) []string {
	var got []string
	for line, ok := l.next(); ok; line, ok = l.next() {
		got = append(got, line)
	}
	return got
}

func TestAnEndlessLineIsCut(t *testing.T) {
	l := newLines()
	fmt.Fprint(l, strings.Repeat("x", 3*maxLine+5))
	l.close()
	got := drain(l)
	if len(got) != 4 || len(got[0]) != maxLine || len(got[3]) != 5 {
		t.Errorf("%d lines", len(got))
	}
}

func TestDroppedLinesAreCountedWhereTheyWere(t *testing.T) {
	l := newLines()
	for i := range maxLines + 3 {
		fmt.Fprintln(l, i)
	}
	for range 10 {
		l.next()
	}
	fmt.Fprintln(l, "later")
	l.close()
	got := drain(l)
	want := []string{fmt.Sprint(maxLines - 1), droppedMarker(3), "later"}
	if diff := cmp.Diff(want, got[len(got)-3:]); diff != "" {
		t.Error(diff)
	}
}
