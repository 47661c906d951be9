package main

import (
	"context"
	"net/url"
	"os"
	"strings"

	"paas"
)

// defaultRemote is the git remote that names server and app.
const defaultRemote = "paas"

// place is what the URL of a git remote says: ssh://paas@host:2222/app.
type place struct {
	server string // ssh://paas@host:2222
	app    string
}

// parsePlace reads the URL of a git remote; ok is false for a remote that is not of a paas server.
func parsePlace(raw string) (place, bool) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "ssh" || u.Hostname() == "" {
		return place{}, false
	}
	app := strings.Trim(u.Path, "/")
	if app == "" || strings.Contains(app, "/") {
		return place{}, false
	}
	return place{server: (&url.URL{Scheme: u.Scheme, User: u.User, Host: u.Host}).String(), app: strings.TrimSuffix(app, ".git")}, true
}

// remoteName is the git remote that the user means.
func (s *session) remoteName() string {
	if s.remote == "" {
		return defaultRemote
	}
	return s.remote
}

// namedPlace returns what the git remote says. A remote that the user named has to be there; the default one need not.
func (s *session) namedPlace(ctx context.Context) (p place, ok bool, err error) {
	raw := s.remoteURL(ctx, s.remoteName())
	if p, ok = parsePlace(raw); ok || s.remote == "" {
		return p, ok, nil
	}
	if raw == "" {
		return p, false, paas.Errorf(paas.NotFound, "there is no git remote %s here", paas.Quote(s.remote)).WithHint("git remote -v")
	}
	return p, false, paas.Errorf(paas.Invalid, "the git remote %s is %s, which is not an app of a paas server", s.remote, paas.Quote(raw)).
		WithHint("paas git:remote -a APP -r %s", s.remote)
}

// serverURL says which server the user means: $PAAS_URL, the git remote's, or paasd on this machine.
func (s *session) serverURL(ctx context.Context) (string, error) {
	if u := s.getenv("PAAS_URL"); u != "" {
		return u, nil
	}
	p, ok, err := s.namedPlace(ctx)
	if err != nil {
		return "", err
	}
	if ok {
		return p.server, nil
	}
	if info, err := os.Stat(s.socket); err == nil && info.Mode()&os.ModeSocket != 0 {
		return "unix://" + s.socket, nil
	}
	return "", paas.Errorf(paas.Invalid, "no server is named: PAAS_URL is not set, and there is no git remote %q here", s.remoteName()).
		WithHint("export PAAS_URL=ssh://paas@HOST:2222")
}

// appName says which app the user means: --app, $PAAS_APP or the git remote's.
func (s *session) appName(ctx context.Context) (string, error) {
	name := s.app
	if name == "" && s.remote == "" {
		name = s.getenv("PAAS_APP")
	}
	if name == "" {
		p, ok, err := s.namedPlace(ctx)
		if err != nil {
			return "", err
		}
		if !ok {
			return "", paas.Errorf(paas.Invalid, "no app is named, and there is no git remote %q here that does", s.remoteName()).
				WithHint("name it with --app, or go to its repository; paas apps lists them")
		}
		name = p.app
	}
	return name, paas.ValidateAppName(name)
}
