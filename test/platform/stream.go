package platform

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"time"
)

// Streamed is how a stream of the probe arrived.
type Streamed struct {
	Lines int
	Worst time.Duration // the longest that a line was on its way
	Err   error         // also when a line is missing
}

// Follow reads the probe's /stream to its end and calls each with the number of each line.
func Follow(ctx context.Context, by http.RoundTripper, url string, each func(n int)) (s Streamed) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return Streamed{Err: err}
	}
	resp, err := by.RoundTrip(req)
	if err != nil {
		return Streamed{Err: err}
	}
	defer resp.Body.Close()
	in := bufio.NewScanner(resp.Body)
	for in.Scan() {
		var n int
		var ms int64
		if _, err := fmt.Sscanf(in.Text(), "%d %d", &n, &ms); err != nil || n != s.Lines+1 {
			return Streamed{Err: fmt.Errorf("line %d is %q", s.Lines+1, in.Text())}
		}
		s.Lines, s.Worst = n, max(s.Worst, time.Since(time.UnixMilli(ms)))
		each(n)
	}
	s.Err = in.Err()
	return s
}
