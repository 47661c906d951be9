package release

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/shell"
	"mvdan.cc/sh/v3/syntax"

	"paas"
)

// argv turns a process type's command into what replaces the image's CMD; extra are words appended to it. An image
// with a shell runs it there, with exec in front of the last command, so that signals reach the process and not
// the shell; in an image without one the words are split here and variables come from env. nil keeps the CMD.
func argv(command string, hasShell bool, env paas.Config, extra ...string) ([]string, error) {
	if command == "" {
		if len(extra) > 0 {
			return extra, nil
		}
		return nil, nil
	}
	if hasShell {
		script := withExec(command)
		if len(extra) == 0 {
			return []string{"sh", "-c", script}, nil
		}
		return append([]string{"sh", "-c", script + ` "$@"`, "sh"}, extra...), nil
	}
	words, err := shell.Fields(command, func(name string) string { return env[name] })
	if err != nil {
		return nil, paas.Errorf(paas.Invalid, "the command %s needs a shell, and the image has none", paas.Quote(command)).
			WithHint("use a plain command, or an image with /bin/sh").Because(err)
	}
	if len(words) == 0 {
		return nil, paas.Errorf(paas.Invalid, "the command %s is empty once its variables are filled in", paas.Quote(command)).
			WithHint("paas config")
	}
	return append(words, extra...), nil
}

// runArgv is argv for `paas run`: one argument with blanks is a command line, several are an argv, and a first word
// that names a process type stands for that type's command.
func runArgv(words []string, rel paas.Release, env paas.Config) ([]string, error) {
	first, rest := firstWord(words)
	command, ok := rel.Types.Command(first)
	if ok = ok && command != ""; ok && rest == "" {
		return argv(command, rel.Image.Shell, env, words[1:]...)
	}
	if rest == "" {
		return words, nil
	}
	if !ok {
		command = first
	}
	return argv(command+rest, rel.Image.Shell, env)
}

// firstWord of what runArgv is given, and, of a command line, the rest of it from the blank on.
func firstWord(words []string) (first, rest string) {
	line := words[0]
	if len(words) > 1 {
		return line, ""
	}
	if i := strings.IndexAny(line, " \t\n"); i >= 0 {
		return line[:i], line[i:]
	}
	return line, ""
}

// withExec puts exec before the last simple command of a script of the form `a && b && c`. Any other script is left
// as it is: the shell must stay there for it.
func withExec(script string) string {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(script), "")
	if err != nil || len(file.Stmts) != 1 {
		return script
	}
	stmt := file.Stmts[0]
	for {
		if stmt.Background || stmt.Negated {
			return script
		}
		chain, ok := stmt.Cmd.(*syntax.BinaryCmd)
		if !ok {
			break
		}
		if chain.Op != syntax.AndStmt {
			return script
		}
		stmt = chain.Y
	}
	call, ok := stmt.Cmd.(*syntax.CallExpr)
	if !ok || len(call.Args) == 0 || slices.Contains(shellOwn, call.Args[0].Lit()) {
		return script
	}
	at := call.Args[0].Pos().Offset()
	return script[:at] + "exec " + script[at:]
}

// shellOwn are commands that exec cannot run, being the shell's own.
var shellOwn = []string{"exec", "cd", "export", "set", "unset", "exit", "eval", ".", "source", "trap", "wait", "ulimit", "umask", "read", "shift", "return", "break", "continue", ":", "command", "type", "alias"}
