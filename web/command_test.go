package web

import (
	"errors"
	"strings"
	"testing"

	"paas"
)

func TestParseCommand(t *testing.T) {
	tests := []struct {
		line string
		want command
		err  string // "" none, "none" errNoCommand, else part of it
	}{
		{line: "api", want: command{verb: verbAPI}},
		{line: "git-receive-pack 'hello'", want: command{verb: verbReceivePack, app: "hello"}},
		{line: "git-receive-pack '/hello'", want: command{verb: verbReceivePack, app: "hello"}},
		{line: "git-receive-pack '/hello.git'", want: command{verb: verbReceivePack, app: "hello"}},
		{line: "git-upload-pack 'hello.git'", want: command{verb: verbUploadPack, app: "hello"}},
		{line: "git-upload-pack hello", want: command{verb: verbUploadPack, app: "hello"}},
		{line: "", err: "none"},
		{line: " api", err: "none"},
		{line: "api ", err: "none"},
		{line: "api x", err: "none"},
		{line: "API", err: "none"},
		{line: "git-receive-pack", err: "none"},
		{line: "git receive-pack 'hello'", err: "none"},
		{line: "git-receive-pack  'hello'", err: "none"},
		{line: "git-receive-pack 'hello", err: "none"},
		{line: "git-receive-pack hello'", err: "none"},
		{line: "git-receive-pack 'hello' 'other'", err: "none"},
		{line: "git-receive-pack 'hello';id", err: "none"},
		{line: "git-receive-pack hello\nid", err: "none"},
		{line: "git-receive-pack \"hello\"", err: "none"},
		{line: "git-upload-archive 'hello'", err: "none"},
		{line: "scp -t /tmp", err: "none"},
		{line: "git-receive-pack ''", err: `app name "" is not valid`},
		{line: "git-receive-pack '//hello'", err: `app name "/hello" is not valid`},
		{line: "git-receive-pack '~/hello'", err: "is not valid"},
		{line: "git-receive-pack 'a'\\''b'", err: `app name "a'b" is not valid`},
		{line: "git-receive-pack 'a'\\!'b'", err: `app name "a!b" is not valid`},
		{line: "git-receive-pack 'a'\\x'b'", err: "none"},
		{line: "git-receive-pack 'paas'", err: "reserved"},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			got, err := parseCommand(tt.line)
			switch {
			case tt.err == "":
				if err != nil || got != tt.want {
					t.Errorf("%+v, %v", got, err)
				}
			case tt.err == "none":
				if !errors.Is(err, errNoCommand) {
					t.Errorf("%+v, %v", got, err)
				}
			case err == nil || !strings.Contains(err.Error(), tt.err):
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

func FuzzParseCommand(f *testing.F) {
	for _, s := range []string{"api", "git-receive-pack '/hello.git'", "git-upload-pack 'a'\\''b'", "git-receive-pack '"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		cmd, err := parseCommand(line)
		if err != nil {
			return
		}
		if cmd.verb != verbAPI && paas.ValidateAppName(cmd.app) != nil {
			t.Errorf("%q became %+v", line, cmd)
		}
		if cmd.verb != verbAPI && !strings.Contains(line, cmd.app) {
			t.Errorf("%q became %+v", line, cmd)
		}
	})
}
