package plan

import (
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"paas"
)

// What may stand in the text of a Dockerfile as it is. None of these needs quoting in a shell, means anything to Docker's own
// expansion of variables, or can be an option.
var (
	// wordName is the name of a binary, script or folder: one part of a path.
	wordName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}$`)
	// wordPath is a path of such names.
	wordPath = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.+-]*(/[A-Za-z0-9_][A-Za-z0-9_.+-]*)*$`)
	// wordVersion is a version of numbers: 3, 1.26, 22.11.0.
	wordVersion = regexp.MustCompile(`^[0-9]{1,4}(\.[0-9]{1,4}){0,3}$`)
	// wordVariable is the name of an environment variable.
	wordVariable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)
	// wordImage is an image's name, with tag or digest.
	wordImage = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:/@-]{0,254}$`)
	// wordCache begins the id of a cache mount.
	wordCache = regexp.MustCompile(`^[A-Za-z0-9_.-]{0,100}$`)
)

// Validate refuses settings that could not stand in a Dockerfile. What users set is paas.Invalid.
func (s Settings) Validate() error {
	for name, path := range map[string]string{"the Dockerfile's path": s.Dockerfile, "the root folder": s.Root} {
		if path != "" && !fs.ValidPath(path) {
			return paas.Errorf(paas.Invalid, "%s, %s, is not a path within the repository", name, paas.Quote(path)).
				WithHint("give the path from the root of the repository, without a leading slash or ..")
		}
	}
	if s.Root != "" && s.Root != "." && !wordPath.MatchString(s.Root) {
		return paas.Errorf(paas.Invalid, "the root folder %s has characters that it may not have", paas.Quote(s.Root)).
			WithHint("name it with letters, digits, _, -, + and dots within")
	}
	for _, name := range slices.Concat(s.Args, s.Secrets) {
		if !wordVariable.MatchString(name) {
			return paas.Errorf(paas.Invalid, "the name %s of a build variable is not one of an environment variable", paas.Quote(name)).
				WithHint("use letters, digits and _, and begin with a letter")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Images)) {
		if !slices.Contains(baseNames, name) {
			return paas.Errorf(paas.Invalid, "nothing is built from a base image for %s", paas.Quote(name)).WithHint("they are for: %s", strings.Join(baseNames, ", "))
		}
		if ref := s.Images[name]; !wordImage.MatchString(ref) {
			return paas.Errorf(paas.Invalid, "%s is not the name of an image", paas.Quote(ref))
		}
	}
	if s.Static != "" && !wordImage.MatchString(s.Static) {
		return fmt.Errorf("plan: %q is not the name of an image", s.Static)
	}
	if !wordCache.MatchString(s.Cache) {
		return fmt.Errorf("plan: the cache prefix %q cannot be part of an id", s.Cache)
	}
	return nil
}

// baseNames are the languages, and tools of theirs, that have base images.
var baseNames = []string{"composer", "go", "gradle", "java", "maven", "node", "php", "python", "ruby", "rust"}

// base is the image of a language's stages.
type base struct {
	build, run string
	// own says that the operator chose the image, so that both are the same and nothing is known of it.
	own bool
}

// base picks the image of a language: that of the settings, else the official ones, for the build and for what runs.
func (s Settings) base(p *Plan, language, build, run string) base {
	if ref := s.Images[language]; ref != "" {
		p.note("Base image: %s, as this platform is set", ref)
		return base{ref, ref, true}
	}
	return base{build, run, false}
}

// version checks a version that a file of the repository names, before it becomes part of an image's tag.
func version(file, v string) (string, error) {
	if !wordVersion.MatchString(v) {
		return "", paas.Errorf(paas.Invalid, "%s names the version %s, which cannot be used", file, paas.Quote(v)).
			WithHint("name a released version in numbers, such as 1.2 or 1.2.3")
	}
	return v, nil
}

// firstLine is the one word of a version file: .node-version, .python-version, …; "" for an empty one. Comments are left out.
func firstLine(text []byte) string {
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line != "" {
			return line
		}
	}
	return ""
}

// plain says that a text has no control characters or other ones that are not to be seen.
func plain(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}
