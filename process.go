package paas

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The process types with a meaning of their own.
const (
	Web            = "web"     // gets $PORT and the app's requests
	ReleaseCommand = "release" // runs once before a release's processes start
	RunType        = "run"     // the type of one-offs; no Procfile may declare it
)

// ProcessType is a named command of a release. An empty command means the image's own CMD.
type ProcessType struct {
	Name    string `json:"name"`
	Command string `json:"command"`
}

// ProcessTypes are those of a release, in the order of its Procfile.
type ProcessTypes []ProcessType

// Command returns the command of the named type.
func (t ProcessTypes) Command(name string) (string, bool) {
	i := slices.IndexFunc(t, func(p ProcessType) bool { return p.Name == name })
	if i < 0 {
		return "", false
	}
	return t[i].Command, true
}

// Names lists the types that a formation may scale: all but the release command.
func (t ProcessTypes) Names() []string {
	names := make([]string, 0, len(t))
	for _, p := range t {
		if p.Name != ReleaseCommand {
			names = append(names, p.Name)
		}
	}
	return names
}

// Formation is how many instances of each process type should run.
type Formation map[string]int

// MaxQuantity bounds one process type: an app's network holds 61 addresses, and a rolling deploy needs each twice.
const MaxQuantity = 30

var processType = regexp.MustCompile(`^[A-Za-z0-9_-]{1,63}$`)

// ValidProcessType says whether name can be a process type.
func ValidProcessType(name string) bool { return processType.MatchString(name) }

// Quantity of a type in the formation; a type never scaled has web=1 and everything else 0.
func (f Formation) Quantity(typ string) int {
	if n, ok := f[typ]; ok {
		return n
	}
	if typ == Web {
		return 1
	}
	return 0
}

// Validate checks a change of formation against the process types of a release.
func (f Formation) Validate(types ProcessTypes) error {
	if len(f) == 0 {
		return Errorf(Invalid, "no process type given").WithHint("paas scale web=2")
	}
	for _, typ := range slices.Sorted(maps.Keys(f)) {
		if !slices.Contains(types.Names(), typ) {
			return Errorf(NotFound, "there is no process type %s", Quote(typ)).
				WithHint("this release has: %s", strings.Join(types.Names(), ", "))
		}
		if n := f[typ]; n < 0 || n > MaxQuantity {
			return Errorf(Invalid, "%s=%d is not a quantity", typ, n).WithHint("use a number from 0 to %d", MaxQuantity)
		}
	}
	return nil
}

// ParseFormation reads arguments such as web=4 worker=1.
func ParseFormation(args []string) (Formation, error) {
	f := Formation{}
	for _, arg := range args {
		typ, qty, ok := strings.Cut(arg, "=")
		n, err := strconv.Atoi(qty)
		if !ok || err != nil || n < 0 || n > MaxQuantity || !ValidProcessType(typ) {
			return nil, Errorf(Invalid, "%s is not a process type and a quantity", Quote(arg)).
				WithHint("use a number from 0 to %d, for example: paas scale web=2", MaxQuantity)
		}
		if _, twice := f[typ]; twice {
			return nil, Errorf(Invalid, "%s is given twice", typ).WithHint("paas scale %s=%d", typ, n)
		}
		f[typ] = n
	}
	return f, nil
}

// InstanceName is the slot of the nth instance of a type, counted from 1: web.1.
func InstanceName(typ string, n int) string { return typ + "." + strconv.Itoa(n) }

// ParseInstanceName splits web.1 into its type and number.
func ParseInstanceName(name string) (typ string, n int, ok bool) {
	i := strings.LastIndexByte(name, '.')
	if i < 1 {
		return "", 0, false
	}
	n, err := strconv.Atoi(name[i+1:])
	if err != nil || n < 1 || !ValidProcessType(name[:i]) {
		return "", 0, false
	}
	return name[:i], n, true
}
