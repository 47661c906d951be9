package paas

import (
	"errors"
	"fmt"
	"syscall"
	"testing"
)

func TestBytesAreShownInTheUnitAPersonWouldTake(t *testing.T) {
	for n, want := range map[Bytes]string{
		0: "0 B", 1: "1 B", 999: "999 B", 1000: "1 kB", 1234: "1.2 kB", 9_949: "9.9 kB", 9_950: "10 kB", 12_345_678: "12 MB",
		256_000_000: "256 MB", 999_499: "999 kB", 999_500: "1 MB", 8_000_000_000: "8 GB", 3_440_000_000_000: "3.4 TB", -1500: "-1.5 kB",
		1<<63 - 1: "9.2 EB",
	} {
		if got := n.String(); got != want {
			t.Errorf("%d is %q, want %q", int64(n), got, want)
		}
	}
}

func TestBytesAreReadAsAPersonWritesThem(t *testing.T) {
	for text, want := range map[string]Bytes{
		"0": 0, "4096": 4096, "10GB": 10_000_000_000, "10 GB": 10_000_000_000, "10g": 10_000_000_000, "1.5kb": 1500, "512M": 512_000_000, "7b": 7,
		"2TB": 2_000_000_000_000,
	} {
		if got, err := ParseBytes(text); err != nil || got != want {
			t.Errorf("%q is %d (%v), want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "GB", "-1", "ten", "1e9", "10 G B", "10GiB", "999999999999999E", "1..5M", " 1"} {
		if got, err := ParseBytes(text); CodeOf(err) != Invalid {
			t.Errorf("%q is taken as %d", text, got)
		}
	}
}

func TestNoSpaceIsKnownAgainAndHintsAtWhatFreesSome(t *testing.T) {
	said := errors.New("write: no space left on device") // in words only
	for _, cause := range []error{nil, syscall.ENOSPC, fmt.Errorf("write x: %w", syscall.EDQUOT), said} {
		err := NoSpace(cause, "for the log of %s", "hello")
		if err.Error() != "no space left for the log of hello" || err.Code != Unavailable || err.Hint != SpaceHint {
			t.Errorf("%v: %q, hint %q", cause, err, err.Hint)
		}
		if wrapped := fmt.Errorf("do it: %w", err); !OutOfSpace(wrapped) || cause != nil && !errors.Is(wrapped, cause) {
			t.Errorf("%v is lost", cause)
		}
	}
	for _, err := range []error{nil, said, Errorf(Unavailable, "the engine is away")} {
		if OutOfSpace(err) {
			t.Errorf("%v passes for a full disk", err)
		}
	}
}
