package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"paas"
)

// page prints what a command has to say: aligned with headings and ages on a terminal, tab-separated values with
// exact times elsewhere. It remembers the first error; end returns it.
type page struct {
	w   *bufio.Writer
	tty bool
	now time.Time
}

// show prints v as JSON, or lets human fill a page.
func (s *session) show(asJSON bool, v any, human func(*page)) error {
	if asJSON {
		return printJSON(s.out, v)
	}
	p := &page{w: bufio.NewWriter(s.out), tty: terminal(s.out) != nil, now: s.now()}
	human(p)
	if err := p.w.Flush(); err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	return nil
}

// printJSON writes v indented, with a newline at the end.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	return nil
}

// list makes a nil slice an empty one, which is [] in JSON.
func list[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

// table prints rows of equal length under their headings, which only a terminal gets.
func (p *page) table(headings []string, rows [][]string) {
	if p.tty {
		rows = append([][]string{headings}, rows...)
	}
	for _, row := range rows {
		for i := range row {
			row[i] = clean(row[i])
		}
	}
	p.rows(rows)
}

// fields prints a record, a name and a value a line. The names are the JSON's; on a terminal they read as words, and
// what is empty is left out.
func (p *page) fields(pairs ...[2]string) {
	var rows [][]string
	for _, f := range pairs {
		name, value := f[0], clean(f[1])
		if p.tty {
			if value == "" {
				continue
			}
			name = strings.ReplaceAll(name, "_", " ") + ":"
		}
		rows = append(rows, []string{name, value})
	}
	p.rows(rows)
}

func (p *page) rows(rows [][]string) {
	widths := p.widths(rows)
	for _, row := range rows {
		line := strings.Join(row, "\t")
		if p.tty {
			line = align(row, widths)
		}
		p.line(line)
	}
}

// widths returns the widest cell of each column, in characters.
func (p *page) widths(rows [][]string) []int {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	return widths
}

func align(row []string, widths []int) string {
	var b strings.Builder
	for i, cell := range row {
		b.WriteString(cell)
		b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
	}
	return strings.TrimRight(b.String(), " ")
}

// line prints text as it is. The writer keeps the first error for Flush.
func (p *page) line(text string) {
	_, _ = p.w.WriteString(text)
	_ = p.w.WriteByte('\n')
}

// clean keeps a cell on its line, and a terminal safe from what users and apps wrote: control characters are shown
// as Go would escape them.
func clean(s string) string {
	if strings.IndexFunc(s, unicode.IsControl) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unicode.IsControl(r) {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// bytes shows an amount of data: in a unit that suits it on a terminal, the bare number elsewhere.
func (p *page) bytes(n paas.Bytes) string {
	if p.tty {
		return n.String()
	}
	return strconv.FormatInt(int64(n), 10)
}

// version of a release as people write it; none is empty.
func version(n int) string {
	if n == 0 {
		return ""
	}
	return "v" + strconv.Itoa(n)
}
