package client

import (
	"strings"

	"paas"
)

// special is what only a shell could give its meaning.
const special = "$`|&;<>(){}*?[]#!\n"

// splitWords splits a command line into words, with single quotes, double quotes and backslashes as a shell has them,
// and ~/ at the start of a word as home. What would need a shell is refused: none is run.
func splitWords(line, home string) ([]string, error) {
	s := &splitter{rest: line, home: home}
	for s.skipBlanks(); s.rest != ""; s.skipBlanks() {
		if err := s.word(); err != nil {
			return nil, err
		}
	}
	return s.words, nil
}

type splitter struct {
	rest  string
	home  string
	words []string
}

func (s *splitter) skipBlanks() { s.rest = strings.TrimLeft(s.rest, " \t\r\n") }

func (s *splitter) next() byte {
	c := s.rest[0]
	s.rest = s.rest[1:]
	return c
}

// word reads one word, which may have quoted parts.
func (s *splitter) word() error {
	var word strings.Builder
	if strings.HasPrefix(s.rest, "~/") {
		word.WriteString(s.home)
		s.rest = s.rest[1:]
	}
	for s.rest != "" && !strings.ContainsRune(" \t\r\n", rune(s.rest[0])) {
		c := s.next()
		var err error
		switch {
		case c == '\'' || c == '"':
			err = s.quoted(c, &word)
		case c == '\\' && s.rest != "":
			word.WriteByte(s.next())
		case c == '\\' || strings.IndexByte(special, c) >= 0:
			err = needsShell(c)
		default:
			word.WriteByte(c)
		}
		if err != nil {
			return err
		}
	}
	s.words = append(s.words, word.String())
	return nil
}

// quoted reads up to the closing quote.
func (s *splitter) quoted(quote byte, word *strings.Builder) error {
	for s.rest != "" {
		c := s.next()
		switch {
		case c == quote:
			return nil
		case quote == '"' && (c == '$' || c == '`'):
			return needsShell(c)
		case quote == '"' && c == '\\' && s.rest != "" && strings.IndexByte("\"\\$`", s.rest[0]) >= 0:
			word.WriteByte(s.next())
		default:
			word.WriteByte(c)
		}
	}
	return paas.Errorf(paas.Invalid, "the ssh command has a quote that does not end")
}

func needsShell(c byte) error {
	return paas.Errorf(paas.Invalid, "the ssh command has a %s, which would need a shell", paas.Quote(string(c))).
		WithHint("set PAAS_SSH to a plain command, for example PAAS_SSH='ssh -i /home/me/.ssh/key'")
}
