// Package plan decides how a repository becomes an image: by a Dockerfile of its own, or by one that is generated for its
// language. It is a pure function of the tree's files; it runs nothing, asks no network and knows no git.
package plan

import (
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

// Languages in the order in which they are looked for.
func languages() []language {
	return []language{}
}

// language makes plans for trees of its kind.
type language struct {
	name string
	// detect names the file that decides; "" when the tree is not of this language.
	detect func(t tree) string
	plan   func(t tree, s Settings) (Plan, error)
}

// tree reads the files of the repository.
type tree struct{ fs.FS }

// Make plans the build of a tree. The error is paas.Invalid and says what is missing where nothing can be built.
func Make(files fs.FS, s Settings) (Plan, error) {
	t := tree{files}
	name := s.Dockerfile
	if name == "" {
		name = "Dockerfile"
	}
	if _, err := fs.Stat(t, name); err == nil {
		return Plan{Language: "dockerfile", Because: name, Dockerfile: name}, nil
	}
	for _, l := range languages() {
		if because := l.detect(t); because != "" {
			p, err := l.plan(t, s)
			p.Language, p.Because = l.name, because
			return p, err
		}
	}
	return Plan{}, paas.Errorf(paas.Invalid, "there is nothing to build from: no Dockerfile, and no file of a language that is known").
		WithHint("add a Dockerfile to the root of the repository, commit it and push again")
}
