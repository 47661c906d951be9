// Package paas holds the nouns of the platform, the rules that make each of them valid, and the one error type.
//
// It imports the standard library only. The packages around it (build, release, runtime, router, store, web) import
// it and never each other; cmd/paasd wires them through small interfaces that the consumer declares.
//
// The words: an App is built from source into an Image; image, Config and process types make an immutable Release;
// a release times the Formation gives Instances behind a Route. A Run is a one-off process on a release.
package paas

import (
	"regexp"
	"slices"
)

// appName is the rule of a valid app name; a trailing dash is refused separately.
var appName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,29}$`)

// reservedNames are hosts under the platform's domain that the platform itself answers on.
var reservedNames = []string{"paas", "api", "www"}

// ValidateAppName refuses names that could not be a host label, and the reserved ones.
func ValidateAppName(name string) error {
	if !appName.MatchString(name) || name[len(name)-1] == '-' {
		return Errorf(Invalid, "app name %s is not valid", Quote(name)).
			WithHint("use 1 to 30 lowercase letters, digits and dashes, starting with a letter and not ending with a dash")
	}
	if slices.Contains(reservedNames, name) {
		return Errorf(Invalid, "app name %s is reserved for the platform", Quote(name)).WithHint("choose another name")
	}
	return nil
}
