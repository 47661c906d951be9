package build

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"paas"
)

// parseJSON reads the text of a file that is one JSON value.
func parseJSON(file string, text []byte) (node, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	var whole json.RawMessage
	if err := json.Unmarshal(text, &whole); err != nil {
		return node{}, syntaxError(file, text, err)
	}
	r := nodeReader{file: file, text: text, json: json.NewDecoder(bytes.NewReader(text))}
	r.json.UseNumber()
	return r.next()
}

// syntaxError names the line where text stops being JSON.
func syntaxError(file string, text []byte, err error) error {
	s, ok := errors.AsType[*json.SyntaxError](err)
	if !ok {
		return err
	}
	return fileError(file, 1+bytes.Count(text[:max(0, s.Offset-1)], []byte("\n")), "it is not JSON: %s", s.Error())
}

// nodeReader reads a text that is known to be JSON.
type nodeReader struct {
	file string
	text []byte
	json *json.Decoder
	line int // of the token last read
	end  int // of the text that line counts
	at   int // how many nodes there are
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
	r.at++
	n := node{file: r.file, line: 1 + r.line, at: r.at, value: t}
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
			return nil, fileError(r.file, line, "%s is there already, in line %d", paas.Quote(name), first.line)
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
