package paas

import "strings"

// What a build may be given, names and values together: arguments travel in a request line, secrets in messages.
const (
	MaxBuildArgsBytes    = 64 << 10
	MaxBuildSecretsBytes = 256 << 10
)

// ValidateBuildArg refuses a build argument that no Dockerfile could declare, and those that steer the builder itself.
// The predefined ones (HTTP_PROXY, …) are allowed.
func ValidateBuildArg(name, value string) error {
	if !configKey.MatchString(name) {
		return Errorf(Invalid, "build argument %s is not valid", Quote(name)).
			WithHint("use letters, digits and underscores, not starting with a digit")
	}
	if strings.HasPrefix(strings.ToUpper(name), "BUILDKIT_") {
		return Errorf(Invalid, "build argument %s is reserved: it steers the builder itself", name).WithHint("choose another name")
	}
	return validateBuildValue("argument", name, value)
}

// ValidateBuildSecret refuses a build secret that no RUN --mount=type=secret,id=NAME could name.
func ValidateBuildSecret(name, value string) error {
	if !configKey.MatchString(name) {
		return Errorf(Invalid, "build secret %s is not valid", Quote(name)).
			WithHint("use letters, digits and underscores, not starting with a digit")
	}
	if value == "" {
		return Errorf(Invalid, "build secret %s is empty", name).WithHint("give it a value")
	}
	return validateBuildValue("secret", name, value)
}

func validateBuildValue(what, name, value string) error {
	if strings.ContainsRune(value, 0) {
		return Errorf(Invalid, "the value of build %s %s holds a NUL byte", what, name).WithHint("encode it, for example with base64")
	}
	return nil
}

// Validate refuses what the builder could not be given, so that nothing of it gets there.
func (s ImageSpec) Validate() error {
	for _, e := range []struct {
		values Config
		max    int
		what   string
		check  func(name, value string) error
	}{
		{s.Args, MaxBuildArgsBytes, "arguments", ValidateBuildArg},
		{s.Secrets, MaxBuildSecretsBytes, "secrets", ValidateBuildSecret},
	} {
		for _, name := range e.values.Keys() {
			if err := e.check(name, e.values[name]); err != nil {
				return err
			}
		}
		if size := e.values.Size(); size > e.max {
			return Errorf(Invalid, "the build %s are %d bytes, more than the %d that a build may be given", e.what, size, e.max).
				WithHint("put large values into a file of the repository")
		}
	}
	switch s.Network {
	case BuildNetworkDefault, BuildNetworkNone:
		return nil
	}
	return Errorf(Invalid, "there is no build network %s", Quote(string(s.Network))).WithHint("use default or none")
}

// BaseImage is an image that a build began from.
type BaseImage struct {
	Ref    string `json:"ref"`    // as the Dockerfile has it, with what its short form leaves out
	Digest string `json:"digest"` // sha256:…, of the registry's manifest; for an image that only this host has, its id
}
