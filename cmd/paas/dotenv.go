package main

import (
	"strconv"
	"strings"

	"paas"
)

// formatEnv writes a config as KEY='value' lines, sorted by key: what a POSIX shell and parseEnv read back exactly.
func formatEnv(config paas.Config) string {
	var b strings.Builder
	for _, key := range config.Keys() {
		b.WriteString(key + "=" + shellQuote(config[key]) + "\n")
	}
	return b.String()
}

// shellQuote makes any text without NUL one word of a POSIX shell: between single quotes nothing has a meaning but the
// quote itself.
func shellQuote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// parseEnv reads KEY=value lines. Blank lines and lines that start with # are skipped, "export " before a key too.
// A value that starts with a quote is read as a shell would read the word, over several lines if the quote spans them,
// but nothing is expanded; any other value is the rest of the line, without blanks around it.
func parseEnv(text string) (paas.Config, error) {
	config := paas.Config{}
	p := &envParser{text: text, line: 1}
	for {
		key, value, ok, err := p.next()
		if err != nil || !ok {
			return config, err
		}
		if _, twice := config[key]; twice {
			return nil, p.fail("config key %s is given twice", paas.Quote(key))
		}
		config[key] = value
	}
}

// envParser walks through text from pos.
type envParser struct {
	text string
	pos  int
	line int
}

// blank is what may stand around keys and values on a line.
const blank = " \t\r"

// next returns the next variable; ok is false at the end.
func (p *envParser) next() (key, value string, ok bool, err error) {
	for p.pos < len(p.text) {
		start := strings.TrimLeft(p.rest(), blank)
		if start != "" && start[0] != '#' {
			p.pos += len(p.rest()) - len(start)
			key, value, err = p.variable()
			return key, value, true, err
		}
		p.skipLine()
	}
	return "", "", false, nil
}

// rest is what is left of the line.
func (p *envParser) rest() string {
	line, _, _ := strings.Cut(p.text[p.pos:], "\n")
	return line
}

func (p *envParser) skipLine() {
	p.pos = min(p.pos+len(p.rest())+1, len(p.text))
	p.line++
}

func (p *envParser) variable() (key, value string, err error) {
	line := p.rest()
	key, raw, ok := strings.Cut(line, "=")
	if !ok {
		return "", "", p.fail("there is no = in %s", paas.Quote(line))
	}
	p.pos += len(line) - len(raw)
	key = strings.Trim(strings.TrimPrefix(key, "export "), blank)
	raw = strings.Trim(raw, blank)
	if raw != "" && (raw[0] == '\'' || raw[0] == '"') {
		p.pos += strings.IndexAny(p.text[p.pos:], `'"`)
		value, err = p.word()
		return key, value, err
	}
	p.skipLine()
	return key, raw, nil
}

// word reads a shell word that starts with a quote, and the line that it ends on.
func (p *envParser) word() (string, error) {
	var b strings.Builder
	opened := p.line
	for p.pos < len(p.text) {
		c := p.text[p.pos]
		p.pos++
		switch c {
		case '\'', '"':
			if !p.quoted(&b, c) {
				p.line = opened
				return "", p.fail("a quote is not closed")
			}
		case '\\':
			if p.pos < len(p.text) {
				b.WriteByte(p.text[p.pos])
				p.pos++
			}
		case ' ', '\t', '\r', '\n':
			p.pos--
			return b.String(), p.endOfLine()
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}

// quoted reads up to the closing quote; false if there is none. In double quotes a backslash takes away the meaning of
// the quote, itself, $ and `, as in a shell; \n is a newline, as .env files have it.
func (p *envParser) quoted(b *strings.Builder, quote byte) bool {
	for p.pos < len(p.text) {
		c := p.text[p.pos]
		p.pos++
		switch {
		case c == quote:
			return true
		case c == '\n':
			p.line++
		case c == '\\' && quote == '"' && p.pos < len(p.text):
			c = p.escaped(b)
		}
		b.WriteByte(c)
	}
	return false
}

// escaped returns the byte that a backslash and the next byte stand for, having written the backslash where it stands
// for itself.
func (p *envParser) escaped(b *strings.Builder) byte {
	c := p.text[p.pos]
	p.pos++
	switch c {
	case '"', '\\', '$', '`':
		return c
	case 'n':
		return '\n'
	case '\n':
		p.line++
	}
	b.WriteByte('\\')
	return c
}

// endOfLine allows blanks and a comment after a quoted value.
func (p *envParser) endOfLine() error {
	after := strings.Trim(p.rest(), blank)
	if after != "" && after[0] != '#' {
		return p.fail("%s follows the quoted value", paas.Quote(after))
	}
	p.skipLine()
	return nil
}

func (p *envParser) fail(format string, args ...any) error {
	err := paas.Errorf(paas.Invalid, format, args...)
	err.Message = "line " + strconv.Itoa(p.line) + ": " + err.Message
	return err.WithHint("write KEY=value, or KEY='value' where it holds newlines")
}
