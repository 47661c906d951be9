package build

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"paas"
)

// node is a value of a JSON text with the line that it begins or, for what has no parts, stands in.
type node struct {
	line  int
	value any // map[string]node, []node, string, json.Number, bool or nil
}

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

// object returns the fields of an object; none of what is not there.
func (n node) object(name string) (map[string]node, error) {
	fields, ok := n.value.(map[string]node)
	if !ok && n.line != 0 {
		return nil, appJSONError(n.line, "%s is %s, not an object", name, n.kind())
	}
	return fields, nil
}

// parseJSON reads a text that is one JSON value.
func parseJSON(text []byte) (node, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	var whole json.RawMessage
	if err := json.Unmarshal(text, &whole); err != nil {
		return node{}, syntaxError(text, err)
	}
	r := nodeReader{text: text, json: json.NewDecoder(bytes.NewReader(text))}
	r.json.UseNumber()
	return r.next()
}

// syntaxError names the line where text stops being JSON.
func syntaxError(text []byte, err error) error {
	s, ok := errors.AsType[*json.SyntaxError](err)
	if !ok {
		return err
	}
	return appJSONError(1+bytes.Count(text[:max(0, s.Offset-1)], []byte("\n")), "it is not JSON: %s", s.Error())
}

// nodeReader reads a text that is known to be JSON.
type nodeReader struct {
	text []byte
	json *json.Decoder
	line int // of the token last read
	end  int // of the text that line counts
}

// token returns the next token; a bracket for the parts of what has parts.
func (r *nodeReader) token() (json.Token, error) {
	t, err := r.json.Token()
	end := int(r.json.InputOffset())
	r.line += bytes.Count(r.text[r.end:end], []byte("\n"))
	r.end = end
	return t, err
}

func (r *nodeReader) next() (node, error) {
	t, err := r.token()
	if err != nil {
		return node{}, err
	}
	n := node{line: 1 + r.line, value: t}
	switch t {
	case json.Delim('{'):
		n.value, err = r.fields()
	case json.Delim('['):
		n.value, err = r.items()
	}
	return n, err
}

func (r *nodeReader) fields() (map[string]node, error) {
	fields := map[string]node{}
	for r.json.More() {
		key, err := r.token()
		if err != nil {
			return nil, err
		}
		name, line := fmt.Sprint(key), 1+r.line
		if first, twice := fields[name]; twice {
			return nil, appJSONError(line, "%s is there already, in line %d", paas.Quote(name), first.line)
		}
		if fields[name], err = r.next(); err != nil {
			return nil, err
		}
	}
	_, err := r.token()
	return fields, err
}

func (r *nodeReader) items() ([]node, error) {
	items := []node{}
	for r.json.More() {
		item, err := r.next()
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	_, err := r.token()
	return items, err
}
