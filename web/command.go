package web

import (
	"errors"
	"strings"

	"paas"
)

// The commands that the SSH door takes.
const (
	verbReceivePack = "git-receive-pack" // git push
	verbUploadPack  = "git-upload-pack"  // git fetch
	verbAPI         = "api"              // the HTTP API on the channel
)

// command is what a client asked for.
type command struct {
	verb string
	app  string // for git's
}

// errNoCommand: the line is none of the commands. No part of it is ever run, so nothing has to be understood of it.
var errNoCommand = errors.New("no such command")

// parseCommand reads `api`, `git-receive-pack 'app'` or `git-upload-pack 'app'`. The path may have a slash before and .git
// after the name. The error is errNoCommand, or says what is wrong with the name.
func parseCommand(line string) (command, error) {
	if line == verbAPI {
		return command{verb: verbAPI}, nil
	}
	verb, path, ok := strings.Cut(line, " ")
	if !ok || verb != verbReceivePack && verb != verbUploadPack {
		return command{}, errNoCommand
	}
	path, ok = unquote(path)
	if !ok {
		return command{}, errNoCommand
	}
	app := strings.TrimSuffix(strings.TrimPrefix(path, "/"), ".git")
	if err := paas.ValidateAppName(app); err != nil {
		return command{}, err
	}
	return command{verb: verb, app: app}, nil
}

// unquote undoes git's quoting of one word: everything within single quotes, but ' and ! outside of them behind a
// backslash. A bare word is taken as it is.
func unquote(s string) (string, bool) {
	if !strings.HasPrefix(s, "'") {
		return s, s != "" && !strings.ContainsAny(s, " \t\r\n'\"\\")
	}
	var word strings.Builder
	for rest := s[1:]; ; {
		part, after, ok := strings.Cut(rest, "'")
		if !ok {
			return "", false
		}
		word.WriteString(part)
		if after == "" {
			return word.String(), true
		}
		if len(after) < 3 || after[0] != '\\' || (after[1] != '\'' && after[1] != '!') || after[2] != '\'' {
			return "", false
		}
		word.WriteByte(after[1])
		rest = after[3:]
	}
}
