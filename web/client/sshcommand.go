package client

import (
	"net/url"
	"regexp"
	"strings"
)

// defaultUser is the user of an ssh URL that names none; paasd takes any.
const defaultUser = "paas"

var (
	sshUser = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
	sshHost = regexp.MustCompile(`^[A-Za-z0-9_:][A-Za-z0-9_.:%-]*$`)
)

// sshCommand is the ssh program with its leading arguments, as git would take it from the environment; PAAS_SSH is
// ours alone and comes first.
func sshCommand(env []string) ([]string, error) {
	for _, name := range []string{"PAAS_SSH", "GIT_SSH_COMMAND"} {
		line := lookup(env, name)
		if line == "" {
			continue
		}
		words, err := splitWords(line, lookup(env, "HOME"))
		if err != nil {
			return nil, err
		}
		if len(words) > 0 {
			return words, nil
		}
	}
	if program := lookup(env, "GIT_SSH"); program != "" {
		return []string{program}, nil
	}
	return []string{"ssh"}, nil
}

// lookup finds a variable in an environment: the last one counts.
func lookup(env []string, name string) string {
	value := ""
	for _, kv := range env {
		if k, v, ok := strings.Cut(kv, "="); ok && k == name {
			value = v
		}
	}
	return value
}

// sshDestination is the arguments that lead to paasd's API. Neither host nor user can be read as an option.
func sshDestination(u *url.URL) ([]string, error) {
	user := u.User.Username()
	if user == "" {
		user = defaultUser
	}
	host := u.Hostname()
	if _, secret := u.User.Password(); secret || !sshUser.MatchString(user) || !sshHost.MatchString(host) || (u.Path != "" && u.Path != "/") {
		return nil, badURL(u.Redacted()).WithHint("for example ssh://paas@host:2222")
	}
	args := []string{"-T"}
	if port := u.Port(); port != "" {
		args = append(args, "-p", port)
	}
	return append(args, user+"@"+host, "api"), nil
}
