package build

import (
	"bytes"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"paas"
)

const (
	// MaxProcfileBytes bounds a Procfile.
	MaxProcfileBytes = 64 << 10
	maxCommandBytes  = 8 << 10
	maxProcessTypes  = 64
)

var procfileLine = regexp.MustCompile(`^([A-Za-z0-9_-]+):\s*(.+)$`)

// ParseProcfile reads the process types of a Procfile, in its order: lines of `type: command`, empty lines and lines
// that begin with #. A byte order mark and CRLF are fine. Errors name the line.
func ParseProcfile(text []byte) (paas.ProcessTypes, error) {
	if len(text) > MaxProcfileBytes {
		return nil, paas.Errorf(paas.Invalid, "the Procfile is %d bytes, more than the %d that it may be", len(text), MaxProcfileBytes).
			WithHint("put long commands into a script of the image")
	}
	var types paas.ProcessTypes
	lines := map[string]int{} // of each type
	n := 0
	for line := range strings.Lines(string(bytes.TrimPrefix(text, []byte("\ufeff")))) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		t, err := parseProcess(n, line)
		if err != nil {
			return nil, err
		}
		if first, twice := lines[t.Name]; twice {
			return nil, procfileError(n, line, "%s is declared already in line %d", t.Name, first)
		}
		lines[t.Name] = n
		types = append(types, t)
	}
	return types, checkTypes(types)
}

func parseProcess(n int, line string) (paas.ProcessType, error) {
	var none paas.ProcessType
	if !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool { return r != '\t' && unicode.IsControl(r) }) {
		return none, procfileError(n, line, "it is not plain UTF-8 text")
	}
	m := procfileLine.FindStringSubmatch(line)
	if m == nil {
		if name, ok := strings.CutSuffix(line, ":"); ok && paas.ValidProcessType(name) {
			return none, procfileError(n, line, "%s has no command", name)
		}
		return none, procfileError(n, line, "a line is `type: command`, the type of letters, digits, - and _")
	}
	t := paas.ProcessType{Name: m[1], Command: strings.TrimSpace(m[2])}
	switch {
	case !paas.ValidProcessType(t.Name):
		return none, procfileError(n, line, "a process type has at most 63 characters")
	case t.Name == paas.RunType:
		return none, procfileError(n, line, "run is the type of one-off processes; choose another name")
	case len(t.Command) > maxCommandBytes:
		return none, procfileError(n, line, "a command has at most %d bytes", maxCommandBytes)
	}
	return t, nil
}

func checkTypes(types paas.ProcessTypes) error {
	switch {
	case len(types.Names()) == 0:
		return paas.Errorf(paas.Invalid, "the Procfile declares no process").
			WithHint("add a line such as `web: ./server`, or remove the file: then the image's own command is web")
	case len(types) > maxProcessTypes:
		return paas.Errorf(paas.Invalid, "the Procfile declares %d process types, more than %d", len(types), maxProcessTypes).
			WithHint("remove some")
	}
	return nil
}

func procfileError(n int, line, format string, args ...any) error {
	args = append([]any{n, paas.Quote(line)}, args...)
	return paas.Errorf(paas.Invalid, "Procfile line %d, %s: "+format, args...).WithHint("correct the line, commit and push again")
}
