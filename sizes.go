package paas

import (
	"maps"
	"slices"
	"strings"
)

// Sizes are what the instances of each process type may take. A type with the zero Size has the platform's default because
// somebody said so: an app.json does not change it.
type Sizes map[string]Size

// DefaultSize is what a person writes for the platform's default.
const DefaultSize = "default"

// Or returns s with the fields of def where s has none.
func (s Size) Or(def Size) Size {
	if s.Memory == 0 {
		s.Memory = def.Memory
	}
	if s.CPU == 0 {
		s.CPU = def.CPU
	}
	return s
}

// Within checks that a machine of the size of host can hold an instance to s. A zero field of host is not known.
func (s Size) Within(host Size) error {
	switch {
	case host.Memory != 0 && s.Memory > host.Memory:
		return Errorf(Invalid, "%s of memory is more than this host has: %s", s.Memory, host.Memory).WithHint("choose a smaller size")
	case host.CPU != 0 && s.CPU > host.CPU:
		return Errorf(Invalid, "%s is more than this host has: %s", s.CPU, host.CPU).WithHint("choose a smaller size")
	}
	return nil
}

// Validate checks a change of sizes against the process types of a release.
func (s Sizes) Validate(types ProcessTypes) error {
	if len(s) == 0 {
		return Errorf(Invalid, "no process type given").WithHint("paas ps:resize web=512mb:0.5cpu")
	}
	for _, typ := range slices.Sorted(maps.Keys(s)) {
		if !slices.Contains(types.Names(), typ) {
			return Errorf(NotFound, "there is no process type %s", Quote(typ)).
				WithHint("this release has: %s", strings.Join(types.Names(), ", "))
		}
		if err := s[typ].valid(); err != nil {
			return err
		}
	}
	return nil
}

// valid checks a size that nobody has parsed.
func (s Size) valid() error {
	if s.Memory != 0 && (s.Memory < MinMemory || s.Memory > MaxMemory) || s.CPU != 0 && (s.CPU < MinCPU || s.CPU > MaxCPU) {
		return Errorf(Invalid, "%s is not a size", Quote(s.String())).WithHint("give memory, processors or both: 512mb:0.5cpu")
	}
	return nil
}

// ParseSizes reads arguments such as web=512mb:0.5cpu worker=default.
func ParseSizes(args []string) (Sizes, error) {
	sizes := Sizes{}
	for _, arg := range args {
		typ, text, ok := strings.Cut(arg, "=")
		if !ok || !ValidProcessType(typ) {
			return nil, Errorf(Invalid, "%s is not a process type and a size", Quote(arg)).WithHint("for example: paas ps:resize web=512mb:0.5cpu")
		}
		if _, twice := sizes[typ]; twice {
			return nil, Errorf(Invalid, "%s is given twice", typ).WithHint("paas ps:resize %s=%s", typ, text)
		}
		var size Size
		if text != DefaultSize {
			var err error
			if size, err = ParseSize(text); err != nil {
				return nil, err
			}
		}
		sizes[typ] = size
	}
	return sizes, nil
}
