package build

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"path"
	"strings"

	"paas"
)

// module is a submodule as a commit's .gitmodules has it.
type module struct {
	name, path, url string
}

// maxGitmodules bounds a .gitmodules, in bytes.
const maxGitmodules = 256 << 10

// modules reads the .gitmodules of a commit, by path. Git itself reads the file, as a config that includes no other; what it says is
// taken for nothing but a look-up: what is a submodule, and at which commit, the tree says.
func (o objects) modules(ctx context.Context, commit objectID) (map[string]module, error) {
	text, err := o.output(ctx, "cat-file", "blob", string(commit)+":"+gitmodules)
	if err != nil {
		return map[string]module{}, nil //nolint:nilerr // there is none
	}
	if len(text) > maxGitmodules {
		return nil, paas.Errorf(paas.Invalid, "%s is %d bytes, more than the %d that are read", gitmodules, len(text), maxGitmodules)
	}
	list, err := o.feed(ctx, bytes.NewReader(text), "config", "--no-includes", "--file=-", "--null", "--list")
	if err != nil {
		return nil, paas.Errorf(paas.Invalid, "%s cannot be read: %w", gitmodules, err).WithHint("git config -f .gitmodules -l shows where; correct it and push again")
	}
	return parseModules(string(list)), nil
}

// parseModules reads what `git config --null --list` says of a .gitmodules: keys, a newline, values, a NUL. Modules with a name that
// would be a path elsewhere are left out; so is one whose path another has taken.
func parseModules(list string) map[string]module {
	byName := map[string]module{}
	var names []string
	for item := range strings.SplitSeq(list, "\x00") {
		key, value, ok := strings.Cut(item, "\n")
		rest, isModule := strings.CutPrefix(key, "submodule.")
		dot := strings.LastIndexByte(rest, '.')
		if !ok || !isModule || dot < 0 || !soundName(rest[:dot]) {
			continue
		}
		m, known := byName[rest[:dot]]
		if !known {
			names = append(names, rest[:dot])
		}
		m.name = rest[:dot]
		switch rest[dot+1:] {
		case "path":
			m.path = value
		case "url":
			m.url = value
		}
		byName[m.name] = m
	}
	byPath := map[string]module{}
	for _, name := range names {
		m := byName[name]
		if _, taken := byPath[m.path]; m.path != "" && !taken {
			byPath[m.path] = m
		}
	}
	return byPath
}

// soundName holds for names that are no path out of where git keeps submodules. None of ours is ever made of one.
func soundName(name string) bool {
	if name == "" || strings.HasPrefix(name, "-") || strings.ContainsAny(name, "\\\x00\r\n") {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." || part == "." || part == "" {
			return false
		}
	}
	return true
}

// address is where to fetch the submodule from. A relative URL is taken from base, the URL of the repository that the module is in;
// "": it has none.
func (m module) address(base string) (*url.URL, error) {
	text := m.url
	if strings.HasPrefix(text, "./") || strings.HasPrefix(text, "../") {
		if base == "" {
			return nil, m.refused("has the relative URL %s, and nothing that it is relative to", paas.Quote(text)).
				WithHint("write the whole URL, https://…, into .gitmodules, commit and push again")
		}
		u, err := url.Parse(base)
		if err != nil {
			return nil, err
		}
		text = u.Scheme + "://" + u.Host + path.Join(u.Path, text)
	}
	u, err := url.Parse(text)
	switch {
	case text == "":
		return nil, m.refused("has no URL in %s", gitmodules).WithHint("git submodule add URL %s, commit and push again", quoteArg(m.path))
	case err != nil, u.Scheme != "https", u.Hostname() == "", u.User != nil, u.RawQuery != "", u.Fragment != "", strings.ContainsAny(text, " \\"):
		return nil, m.refused("is to come from %s, which is no plain https URL", paas.Quote(text)).WithHint("%s", m.rewrite(text))
	}
	return u, nil
}

func (m module) refused(format string, args ...any) *paas.Error {
	return paas.Errorf(paas.Invalid, "submodule %s "+format, append([]any{quotePath(m.path)}, args...)...)
}

// rewrite is what to write instead of a URL that ssh or plain http would fetch.
func (m module) rewrite(text string) string {
	to := "https://…"
	if rest, ok := strings.CutPrefix(text, "git@"); ok {
		if host, repo, ok := strings.Cut(rest, ":"); ok {
			to = "https://" + host + "/" + repo
		}
	} else if u, err := url.Parse(text); err == nil && u.Hostname() != "" {
		to = "https://" + u.Hostname() + u.EscapedPath()
	}
	return fmt.Sprintf("git submodule set-url %s %s, commit and push again", quoteArg(m.path), quoteArg(to))
}
