package main

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"strings"

	"paas"
)

// git runs git with an argv and returns what it printed, without the last newline.
func (h *host) git(ctx context.Context, args ...string) (string, error) {
	cmd := h.program(ctx, "git", args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err == nil {
		return strings.TrimSuffix(string(out), "\n"), nil
	}
	if errors.Is(err, exec.ErrNotFound) {
		return "", paas.Errorf(paas.Invalid, "git is not installed").Because(err)
	}
	return "", paas.Errorf(paas.Failed, "git %s: %s", args[0], strings.TrimSpace(stderr.String())).Because(err)
}

// remoteURL returns the URL of a git remote, "" when there is none, no repository or no git: for the question which
// app is meant they are the same.
func (h *host) remoteURL(ctx context.Context, name string) string {
	url, err := h.git(ctx, "config", "--get", "remote."+name+".url")
	if err != nil {
		return ""
	}
	return url
}

// repository returns the top folder of the git repository that paas was called in, "" outside of one.
func (h *host) repository(ctx context.Context) string {
	dir, err := h.git(ctx, "rev-parse", "--show-toplevel")
	if err != nil {
		return ""
	}
	return dir
}

// setRemote makes the git remote, or points it elsewhere when it is there.
func (h *host) setRemote(ctx context.Context, name, url string) error {
	verb := "add"
	if h.remoteURL(ctx, name) != "" {
		verb = "set-url"
	}
	_, err := h.git(ctx, "remote", verb, "--", name, url)
	return err
}

// removeRemote forgets the git remote.
func (h *host) removeRemote(ctx context.Context, name string) error {
	_, err := h.git(ctx, "remote", "remove", "--", name)
	return err
}

// gitURL is where to push the app: through the same door that the user came in by, or where the server says.
func (s *session) gitURL(ctx context.Context, app paas.AppInfo) (string, error) {
	server, err := s.serverURL(ctx)
	if err != nil {
		return "", err
	}
	if strings.HasPrefix(server, "ssh://") {
		return strings.TrimRight(server, "/") + "/" + app.Name, nil
	}
	return app.GitURL, nil
}
