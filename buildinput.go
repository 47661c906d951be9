package paas

import "strings"

// MaxBuildArgsBytes bounds the arguments of a build, names and values together: they travel in a request line.
const MaxBuildArgsBytes = 64 << 10

// Validate refuses what the builder could not be given, so that nothing of it gets there.
func (s ImageSpec) Validate() error {
	for _, values := range []Config{s.Args, s.Secrets} {
		for _, name := range values.Keys() {
			if err := ValidateBuildName(name); err != nil {
				return err
			}
			if strings.ContainsRune(values[name], 0) {
				return Errorf(Invalid, "the value of %s for the build holds a NUL byte", name).WithHint("encode it, for example with base64")
			}
		}
	}
	if size := Config(s.Args).Size(); size > MaxBuildArgsBytes {
		return Errorf(Invalid, "the build arguments are %d bytes, more than the %d that a build may be given", size, MaxBuildArgsBytes).
			WithHint("put large values into a file of the repository")
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
