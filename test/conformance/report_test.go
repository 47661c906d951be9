package conformance

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// result is how the proof of an id ended.
type result struct {
	id, what string
	passed   bool
	took     time.Duration
	evidence []string // of a failure
}

// report collects the results.
type report struct {
	mu   sync.Mutex
	rows []result
}

// results are those of this run.
var results = &report{}

func (r *report) add(row result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rows = append(r.rows, row)
}

// factors in the order of the table, by the part of the id before the dash.
var factors = []struct{ key, name string }{
	{"I", "Codebase"},
	{"II", "Dependencies"},
	{"III", "Config"},
	{"IV", "Backing services"},
	{"V", "Build, release, run"},
	{"VI", "Processes"},
	{"VII", "Port binding"},
	{"VIII", "Concurrency"},
	{"IX", "Disposability"},
	{"X", "Dev/prod parity"},
	{"XI", "Logs"},
	{"XII", "Admin processes"},
	{"Z", "Deploy without a failed request"},
	{"R", "Rollback"},
}

// place is where an id stands in the table.
func place(id string) (factor, number int) {
	key, n, _ := strings.Cut(id, "-")
	number, _ = strconv.Atoi(n) // an id without one comes first
	return slices.IndexFunc(factors, func(f struct{ key, name string }) bool { return f.key == key }), number
}

// publish writes the table to w and, if a file is named, there too.
func (r *report) publish(w io.Writer, file string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.rows) == 0 {
		return nil // none was asked for
	}
	table := r.table()
	_, err := w.Write(table)
	if file != "" {
		err = errors.Join(err, os.WriteFile(file, table, 0o644))
	}
	return err
}

func (r *report) table() []byte {
	slices.SortFunc(r.rows, func(a, b result) int {
		af, an := place(a.id)
		bf, bn := place(b.id)
		return cmp.Or(cmp.Compare(af, bf), cmp.Compare(an, bn))
	})
	var table bytes.Buffer
	passed, last := 0, -1
	for _, row := range r.rows {
		if f, _ := place(row.id); f != last && f >= 0 {
			fmt.Fprintf(&table, "\n%s %s\n", factors[f].key, factors[f].name)
			last = f
		}
		row.print(&table)
		if row.passed {
			passed++
		}
	}
	return fmt.Appendf(nil, "\nTwelve-factor conformance: %d of %d pass\n%s\n", passed, len(r.rows), table.Bytes())
}

func (row result) print(w io.Writer) {
	verdict := "pass"
	if !row.passed {
		verdict = "FAIL"
	}
	fmt.Fprintf(w, "  %-7s %s %6.1f s  %s\n", row.id, verdict, row.took.Seconds(), row.what)
	for _, text := range row.evidence {
		fmt.Fprintf(w, "          | %s\n", strings.ReplaceAll(text, "\n", "\n          | "))
	}
}
