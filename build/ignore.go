package build

import (
	"github.com/moby/patternmatcher"
)

// ignore decides which files of the tree the builder does not get.
type ignore struct {
	matcher *patternmatcher.PatternMatcher
}

func newIgnore(patterns []string) (ignore, error) {
	m, err := patternmatcher.New(patterns)
	return ignore{m}, err
}

// drops says whether the path, slash-separated and without a slash at its end, stays out.
func (i ignore) drops(path string) (bool, error) { return i.matcher.MatchesOrParentMatches(path) }
