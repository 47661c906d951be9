package build

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"

	"paas"
)

// parseYAML reads the text of a file that is one YAML document of plain maps, lists and scalars. Aliases and tags of others'
// are refused: what a few of the first unfold to has no bound.
func parseYAML(file string, text []byte) (node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return node{file: file, line: 1}, nil
	} else if err != nil {
		return node{}, yamlError(file, err)
	}
	r := yamlReader{file: file}
	n, err := r.read(doc.Content[0])
	if err != nil {
		return node{}, err
	}
	if err := dec.Decode(&more); err == nil {
		return node{}, fileError(file, more.Line, "there is a second document")
	} else if !errors.Is(err, io.EOF) {
		return node{}, yamlError(file, err)
	}
	return n, nil
}

// yamlLine is where the parser's messages have the line.
var yamlLine = regexp.MustCompile(`^yaml: (?:line ([0-9]+): )?`)

func yamlError(file string, err error) error {
	text := plain(err.Error())
	m := yamlLine.FindStringSubmatch(text)
	if m == nil {
		return fileError(file, 1, "it is not YAML: %s", shorten(text, 200))
	}
	line, _ := strconv.Atoi(m[1])
	return fileError(file, max(1, line), "it is not YAML: %s", shorten(text[len(m[0]):], 200))
}

type yamlReader struct {
	file string
	at   int // how many nodes there are
}

func (r *yamlReader) read(y *yaml.Node) (n node, err error) {
	r.at++
	n = node{file: r.file, line: y.Line, at: r.at}
	switch y.Kind {
	case yaml.MappingNode:
		n.value, err = r.fields(y)
	case yaml.SequenceNode:
		n.value, err = r.items(y)
	case yaml.ScalarNode:
		n.value, err = r.scalar(n, y)
	default:
		err = n.errorf("*%s is an alias, which is not followed: write out what it stands for", cleanName(y.Value))
	}
	return n, err
}

func (r *yamlReader) fields(y *yaml.Node) (map[string]node, error) {
	f := map[string]node{}
	for i := 0; i+1 < len(y.Content); i += 2 {
		k := y.Content[i]
		key, err := r.read(k)
		if err != nil {
			return nil, err
		}
		if k.Kind != yaml.ScalarNode {
			return nil, key.errorf("a key is %s, not a word", key.kind())
		}
		if first, twice := f[k.Value]; twice {
			return nil, key.errorf("%s is there already, in line %d", paas.Quote(k.Value), first.line)
		}
		if f[k.Value], err = r.read(y.Content[i+1]); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (r *yamlReader) items(y *yaml.Node) ([]node, error) {
	items := make([]node, 0, len(y.Content))
	for _, c := range y.Content {
		n, err := r.read(c)
		if err != nil {
			return nil, err
		}
		items = append(items, n)
	}
	return items, nil
}

func (r *yamlReader) scalar(n node, y *yaml.Node) (any, error) {
	switch y.ShortTag() {
	case "!!str", "!!timestamp", "!!merge":
		return y.Value, nil
	case "!!int", "!!float":
		return json.Number(y.Value), nil
	case "!!bool":
		var b bool
		err := y.Decode(&b)
		return b, err
	case "!!null":
		return nil, nil
	}
	return nil, n.errorf("the tag %s is not known", paas.Quote(y.Tag))
}
