package build

import (
	"regexp"

	"paas"
)

// remedy is what to try when a failed build's text matches.
type remedy struct {
	text *regexp.Regexp
	hint string
}

// The first that matches counts. The texts are those of BuildKit, the classic builder, the kernel and common shells.
var remedies = []remedy{
	{
		regexp.MustCompile(`(?i)no space left on device|disk quota exceeded`),
		"no space left on the host, so the disk is full: " + paas.SpaceHint,
	},
	{
		regexp.MustCompile(`(?i)exit code: 137|non-zero code: 137|out of memory|cannot allocate memory|signal: killed|oom-?kill`),
		"the build ran out of memory: build with fewer jobs at once, or give the host more memory or swap",
	},
	{
		regexp.MustCompile(`(?i)pull access denied|manifest unknown|manifest for .* not found|failed to resolve source metadata|repository does not exist|` +
			`dial tcp: lookup [^ ]*(?:registry|docker\.io)|registry-1\.docker\.io`),
		"the base image was not found: check the name in FROM, and that the host can `docker pull` it",
	},
	{
		regexp.MustCompile(`(?i)failed to compute cache key|(?:COPY|ADD) failed|failed to calculate checksum|file not found in build context`),
		"what COPY or ADD names is not in the commit: is it committed (`git ls-files`), and not excluded by .dockerignore?",
	},
	{
		regexp.MustCompile(`(?i)exit code: 127|non-zero code: 127|command not found|executable file not found|: not found$|no such file or directory: unknown`),
		"a command is not in the image: install it in a RUN before, or use a base image that has it",
	},
	{
		regexp.MustCompile(`(?i)exit code: 126|non-zero code: 126|permission denied`),
		"a file may not be executed: `git update-index --chmod=+x FILE`, commit and push again",
	},
	{
		regexp.MustCompile(`(?i)dockerfile parse error|unknown instruction|failed to create LLB definition`),
		"correct the Dockerfile, commit and push again",
	},
	{
		regexp.MustCompile(`(?i)temporary failure in name resolution|could not resolve host|network is unreachable|i/o timeout`),
		"the build could not reach the network: check the host's DNS and connection, then push again",
	},
}

// hint is the next thing to try after a build that failed with text.
func hint(text string) string {
	for _, r := range remedies {
		if r.text.MatchString(text) {
			return r.hint
		}
	}
	return "read the lines above, correct it and push again; `paas builds:log` shows them once more"
}
