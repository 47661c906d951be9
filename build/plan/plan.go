package plan

import (
	"fmt"
	"io/fs"

	"paas"
)

// Settings are what a plan depends on besides the tree.
type Settings struct {
	// Dockerfile is the path of the repository's own, as settings or a manifest have it. "": Dockerfile at the root, if it is there.
	Dockerfile string
	// Root is the folder that a static site is served from. "": where index.html is.
	Root string
	// Fallback is the page of a static site for paths that are not there. "": none but its own 404.html.
	Fallback string
	// Images are the base images by language: go, node, … A language that is not in it has its official image.
	Images map[string]string
	// Static is the image that serves static sites; it is made by the platform.
	Static string
	// Cache begins the ids of cache mounts, so that no two apps share one.
	Cache string
	// Args and Secrets are the names of the build arguments and of the build secrets, sorted; a generated Dockerfile hands both
	// to the steps that install and build, as environment variables.
	Args, Secrets []string
	// Procfile says whether the repository declares its process types, so that a language need not find a command for web.
	Procfile bool
}

// Plan is how a tree is built.
type Plan struct {
	Language string `json:"language"` // "dockerfile", "go", "node", …
	Because  string `json:"because"`  // the file that decided
	// Dockerfile is the path of the repository's own Dockerfile; "Dockerfile" for a generated one.
	Dockerfile string `json:"dockerfile"`
	// Text is the generated Dockerfile, which takes its place at the root of the tree; "" where the repository has its own.
	Text string `json:"text,omitempty"`
	// Ignore are the patterns of a .dockerignore that a generated Dockerfile wants where the repository has none.
	Ignore []string `json:"ignore,omitempty"`
	// Notes are what the pusher should know: "Node 22 (engines.node >=20)".
	Notes []string `json:"notes,omitempty"`
	// Types are the process types that the files imply where there is no Procfile; nil: the image's own command is web.
	Types paas.ProcessTypes `json:"types,omitempty"`
}

// note adds a note.
func (p *Plan) note(format string, args ...any) {
	p.Notes = append(p.Notes, fmt.Sprintf(format, args...))
}

// language makes plans for trees of its kind.
type language struct {
	name string
	// detect names the file that decides; "" when the tree is not of this language.
	detect func(t tree, s Settings) (string, error)
	// plan fills in all of the plan but Language, Because and Dockerfile.
	plan func(t tree, s Settings) (Plan, error)
}

// languages in the order in which they are looked for. A go.mod at the root is nobody's but a Go module's. A package.json
// is in all kinds of repositories, for the assets or the tools, so Node comes after whatever else there is; and static,
// whose index.html so many have, last. The others are apart by files that one language has only; where a repository
// has two of them all the same, the one that is more often the tools of the other comes later: requirements.txt beside a
// Gemfile, a composer.json or a pom.xml, and the Cargo.toml of an extension beside Python's or Ruby's own.
func languages() []language {
	return []language{
		golang(),
		ruby(),
		php(),
		java(),
		python(),
		rust(),
		node(),
		static(),
	}
}

// Make plans the build of a tree. What can never be built is paas.Invalid, and says what is missing; other errors are those of files.
func Make(files fs.FS, s Settings) (Plan, error) {
	if err := s.Validate(); err != nil {
		return Plan{}, err
	}
	t := tree{files}
	if p, ok, err := ownDockerfile(t, s); ok || err != nil {
		return p, err
	}
	for _, l := range languages() {
		because, err := l.detect(t, s)
		if err != nil {
			return Plan{}, err
		}
		if because == "" {
			continue
		}
		p, err := l.plan(t, s)
		if err != nil {
			return Plan{}, err
		}
		p.Language, p.Because, p.Dockerfile = l.name, because, dockerfile
		return p, nil
	}
	return Plan{}, nothing(s)
}

const (
	dockerfile    = "Dockerfile"
	maxDockerfile = 1 << 20
)

// ownDockerfile is the plan for a repository that has its own Dockerfile.
func ownDockerfile(t tree, s Settings) (Plan, bool, error) {
	name := s.Dockerfile
	if name == "" {
		name = dockerfile
	}
	found, err := t.regular(name, maxDockerfile)
	if err != nil {
		return Plan{}, false, err
	}
	if !found && s.Dockerfile != "" {
		return Plan{}, false, paas.Errorf(paas.Invalid, "the Dockerfile %s, which the build is set to use, is not in the repository", paas.Quote(name)).
			WithHint("commit it under that path, or set the path that it has")
	}
	return Plan{Language: "dockerfile", Because: name, Dockerfile: name}, found, nil
}

// nothing is the error for a tree that no language knows.
func nothing(s Settings) error {
	if s.Procfile {
		return paas.Errorf(paas.Invalid, "the Procfile says what to run, but nothing says how to build it: no Dockerfile, and no file of a language that is known").
			WithHint("%s", wanted)
	}
	return paas.Errorf(paas.Invalid, "there is nothing to build from: no Dockerfile, and no file of a language that is known").WithHint("%s", wanted)
}

// wanted names what would have been found.
const wanted = "commit one of these to the root of the repository: Dockerfile, go.mod, Gemfile, composer.json, pom.xml, build.gradle, " +
	"requirements.txt, pyproject.toml, Pipfile, Cargo.toml, package.json, index.html"
