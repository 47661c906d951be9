package build

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"paas"
)

// node is a value of a JSON or YAML text with the line that it begins or, for what has no parts, stands in. The zero node
// is one that is not there.
type node struct {
	file  string // for messages
	line  int
	at    int // its place in the file's order
	value any // map[string]node, []node, string, json.Number, bool or nil
}

func (n node) there() bool { return n.line != 0 }

func (n node) kind() string {
	switch v := n.value.(type) {
	case map[string]node:
		return "an object"
	case []node:
		return "a list"
	case string:
		return paas.Quote(v)
	case json.Number:
		return strings.Trim(paas.Quote(v.String()), `"`)
	case bool:
		return fmt.Sprint(v)
	}
	return "null"
}

// errorf is what is wrong with the node.
func (n node) errorf(format string, args ...any) error {
	return fileError(n.file, n.line, format, args...)
}

func fileError(file string, line int, format string, args ...any) error {
	err := paas.Errorf(paas.Invalid, "%s line %d: "+format, append([]any{file, line}, args...)...)
	return err.WithHint("correct the line, commit and push again")
}

// object returns the fields of an object; none of what is not there.
func (n node) object(name string) (fields, error) {
	f, ok := n.value.(map[string]node)
	if !ok && n.there() {
		return nil, n.errorf("%s is %s, not an object", name, n.kind())
	}
	return f, nil
}

// list returns the items of a list; none of what is not there.
func (n node) list(name, of string) ([]node, error) {
	items, ok := n.value.([]node)
	if !ok && n.there() {
		return nil, n.errorf("%s is %s, not a list of %s", name, n.kind(), of)
	}
	return items, nil
}

// text returns a string; "" of what is not there.
func (n node) text(name string) (string, error) {
	s, ok := n.value.(string)
	if !ok && n.there() {
		return "", n.errorf("%s is %s, not a string", name, n.kind())
	}
	return s, nil
}

// flag returns a boolean; def of what is not there.
func (n node) flag(name string, def bool) (bool, error) {
	b, ok := n.value.(bool)
	if !ok && n.there() {
		return def, n.errorf("%s is %s, not true or false", name, n.kind())
	}
	if !ok {
		return def, nil
	}
	return b, nil
}

// number returns a whole number from 0 to limit; def of what is not there.
func (n node) number(name string, def, limit int) (int, error) {
	if !n.there() {
		return def, nil
	}
	number, isNumber := n.value.(json.Number)
	v, err := number.Int64()
	if !isNumber || err != nil || v < 0 || v > int64(limit) {
		return 0, n.errorf("%s is %s, not a whole number from 0 to %d", name, n.kind(), limit)
	}
	return int(v), nil
}

// fields are those of an object.
type fields map[string]node

// keys are those of the fields, in the file's order.
func (f fields) keys() []string {
	return slices.SortedFunc(maps.Keys(f), func(a, b string) int { return cmp.Compare(f[a].at, f[b].at) })
}

// cleanName keeps a key of the file fit for a message.
func cleanName(key string) string {
	q := paas.Quote(key)
	if q == `"`+key+`"` && !strings.ContainsAny(key, " .") && key != "" {
		return key
	}
	return q
}
