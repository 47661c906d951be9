package report

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"paas/test/platform"
)

// Suite is a package of proofs, most of them on one platform.
type Suite struct {
	Title  string
	Groups []Group // in the order of the table
	Desks  int     // proofs that work at the same time, unless -parallel says it: more would only measure each other

	shared  *platform.Platform
	traefik func() (*platform.Platform, error) // the same with another router, started when first asked for
	desks   chan struct{}

	mu   sync.Mutex
	rows []Row
}

// Group is the ids with the same part before the dash.
type Group struct{ Key, Name string }

// Row is how the proof of an id ended.
type Row struct {
	ID, What string
	Passed   bool
	Took     time.Duration
	Evidence []string // of a failure
	Load     *platform.Traffic
	Figure   string // what was measured beside the load
}

// Main is for TestMain: it runs the tests with the suite's platform, gives the rows of the proofs that ran to publish,
// and returns the exit code.
func (s *Suite) Main(m *testing.M, o platform.Options, publish func() error) int {
	flag.Parse()
	s.desks = make(chan struct{}, cmp.Or(asked("test.parallel"), s.Desks))
	if err := flag.Set("test.parallel", "200"); err != nil { // most of a proof is waiting: desks bound the rest
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var other *platform.Platform
	s.traefik = sync.OnceValues(func() (_ *platform.Platform, err error) {
		o.Traefik = true
		other, err = platform.New(o)
		return other, err
	})
	code := platform.Main(m, &s.shared, o)
	if other != nil {
		if err := other.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if len(s.rows) == 0 {
		return code // none was asked for
	}
	s.sort()
	if err := publish(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	return code
}

// asked is the number that a flag was given; 0 for none.
func asked(name string) (n int) {
	flag.Visit(func(f *flag.Flag) {
		if f.Name == name {
			n, _ = strconv.Atoi(f.Value.String()) // flag has parsed it
		}
	})
	return n
}

func (s *Suite) add(r Row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows = append(s.rows, r)
}

func (s *Suite) sort() {
	slices.SortStableFunc(s.rows, func(a, b Row) int {
		af, an := s.place(a.ID)
		bf, bn := s.place(b.ID)
		return cmp.Or(cmp.Compare(af, bf), cmp.Compare(an, bn))
	})
}

// place is where an id stands in the table.
func (s *Suite) place(id string) (group, number int) {
	key, n, _ := strings.Cut(id, "-")
	number, _ = strconv.Atoi(n) // an id without one comes first
	return slices.IndexFunc(s.Groups, func(g Group) bool { return g.Key == key }), number
}

// Print writes the table for a terminal to w and, if a file is named, there too.
func (s *Suite) Print(w io.Writer, file string) error {
	var table strings.Builder
	last := -1
	for _, row := range s.rows {
		if g, _ := s.place(row.ID); g != last && g >= 0 {
			fmt.Fprintf(&table, "\n%s %s\n", s.Groups[g].Key, s.Groups[g].Name)
			last = g
		}
		row.print(&table)
	}
	text := fmt.Sprintf("\n%s: %d of %d pass\n%s\n", s.Title, s.passed(), len(s.rows), table.String())
	_, err := io.WriteString(w, text)
	if file != "" {
		err = errors.Join(err, os.WriteFile(file, []byte(text), 0o644))
	}
	return err
}

func (s *Suite) passed() (n int) {
	for _, row := range s.rows {
		if row.Passed {
			n++
		}
	}
	return n
}

func (r Row) verdict() string {
	if r.Passed {
		return "pass"
	}
	return "FAIL"
}

func (r Row) print(w io.Writer) {
	fmt.Fprintf(w, "  %-7s %s %6.1f s  %s\n", r.ID, r.verdict(), r.Took.Seconds(), r.What)
	if r.Load != nil {
		fmt.Fprintf(w, "%24s%d requests, %d failed, longest stall %s; %s\n", "", r.Load.Sent, len(r.Load.Failures), r.Load.Stall().Round(time.Millisecond), r.Figure)
	} else if r.Figure != "" {
		fmt.Fprintf(w, "%24s%s\n", "", r.Figure)
	}
	for _, text := range r.Evidence {
		fmt.Fprintf(w, "          | %s\n", strings.ReplaceAll(text, "\n", "\n          | "))
	}
}

// Times is the table for a document of proofs that are not under load: with how long each took.
func (s *Suite) Times() string {
	var table strings.Builder
	table.WriteString("| id | what | result | seconds |\n| --- | --- | --- | ---: |\n")
	for _, r := range s.rows {
		fmt.Fprintf(&table, "| %s | %s | %s | %.1f |\n", r.ID, r.What, r.verdict(), r.Took.Seconds())
	}
	return table.String()
}

// Markdown is the table for a document, with what was measured.
func (s *Suite) Markdown() string {
	var table strings.Builder
	table.WriteString("| id | what | result | requests | failed | longest stall | measured |\n| --- | --- | --- | ---: | ---: | ---: | --- |\n")
	for _, r := range s.rows {
		load := "– | – | –"
		if r.Load != nil {
			load = fmt.Sprintf("%d | %d | %d ms", r.Load.Sent, len(r.Load.Failures), r.Load.Stall().Milliseconds())
		}
		fmt.Fprintf(&table, "| %s | %s | %s | %s | %s |\n", r.ID, r.What, r.verdict(), load, cmp.Or(r.Figure, "–"))
	}
	return table.String()
}
