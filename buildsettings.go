package paas

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// BuildSettings is how the source of an app becomes an image. They are no part of a release: the next build has them.
type BuildSettings struct {
	Dockerfile string            `json:"dockerfile,omitempty"` // its path in the repository; "": as the repository has it
	Root       string            `json:"root,omitempty"`       // of a static site
	Fallback   string            `json:"fallback,omitempty"`   // of a static site: the page for paths that are not there
	Args       map[string]string `json:"args,omitempty"`       // build arguments
	Network    BuildNetwork      `json:"network,omitempty"`
	Memory     Bytes             `json:"memory,omitempty"` // 0: the platform's bound
	CPUs       float64           `json:"cpus,omitempty"`   // 0: the platform's bound
	Timeout    Seconds           `json:"timeout,omitempty"`
	Branch     string            `json:"branch,omitempty"` // whose push deploys; "": main, or master
}

const (
	maxBuildArgs    = 64
	maxBuildPath    = 255
	maxBuildSeconds = 24 * 3600
	// MinBuildMemory is the least that a build may be bound to.
	MinBuildMemory Bytes = 64_000_000
)

// BuildPatch is a change of build settings by their names: dockerfile, root, fallback, args, args[NAME], network, memory, cpus,
// timeout, branch. nil means the default again.
type BuildPatch map[string]*string

// Validate checks each name and value.
func (p BuildPatch) Validate() error {
	if len(p) == 0 {
		return Errorf(Invalid, "no setting given").WithHint("paas build:set dockerfile=docker/Dockerfile")
	}
	_, _, err := BuildSettings{}.Apply(p)
	return err
}

// buildSetting is one setting: how it is read, and shown; "" is unset.
type buildSetting struct {
	name, def string
	set       func(b *BuildSettings, value string) error
	value     func(b BuildSettings) string
}

func buildSettings() []buildSetting {
	return []buildSetting{
		{
			"dockerfile", "",
			func(b *BuildSettings, v string) (err error) {
				b.Dockerfile, err = BuildPath("dockerfile", v)
				return err
			},
			func(b BuildSettings) string { return b.Dockerfile },
		},
		{
			"root", "",
			func(b *BuildSettings, v string) (err error) { b.Root, err = BuildPath("root", v); return err },
			func(b BuildSettings) string { return b.Root },
		},
		{
			"fallback", "",
			func(b *BuildSettings, v string) (err error) { b.Fallback, err = BuildPath("fallback", v); return err },
			func(b BuildSettings) string { return b.Fallback },
		},
		{"network", "default", (*BuildSettings).setNetwork, func(b BuildSettings) string { return string(b.Network) }},
		{"memory", "", (*BuildSettings).setMemory, func(b BuildSettings) string { return positive(int64(b.Memory)) }},
		{"cpus", "", (*BuildSettings).setCPUs, func(b BuildSettings) string {
			if b.CPUs == 0 {
				return ""
			}
			return fmt.Sprintf("%g", b.CPUs)
		}},
		{
			"timeout", "",
			func(b *BuildSettings, v string) (err error) {
				b.Timeout, err = parseSeconds("build", "timeout", v, maxBuildSeconds)
				return err
			},
			func(b BuildSettings) string { return positive(int64(b.Timeout)) },
		},
		{"branch", "main", (*BuildSettings).setBranch, func(b BuildSettings) string { return b.Branch }},
	}
}

// BuildPath checks a path in a repository that a setting or a manifest names, and returns its shortest form.
func BuildPath(what, value string) (string, error) {
	if value == "" {
		return "", nil
	}
	clean := path.Clean(value)
	if path.IsAbs(value) || clean == ".." || strings.HasPrefix(clean, "../") || strings.HasPrefix(clean, "-") || len(value) > maxBuildPath || strings.ContainsFunc(value, oddInPath) {
		return "", Errorf(Invalid, "%s=%s is not a path inside the repository", what, strings.Trim(Quote(value), `"`)).
			WithHint("give it relative to the root of the repository, for example docker/Dockerfile")
	}
	return clean, nil
}

// oddInPath holds for what no path has that people type.
func oddInPath(r rune) bool {
	return r == '\\' || r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
}

func (b *BuildSettings) setNetwork(value string) error {
	switch value {
	case "", "default":
		b.Network = BuildNetworkDefault
	case string(BuildNetworkNone):
		b.Network = BuildNetworkNone
	default:
		return Errorf(Invalid, "network is default or none, not %s", Quote(value)).WithHint("paas build:set network=none")
	}
	return nil
}

func (b *BuildSettings) setMemory(value string) (err error) {
	b.Memory = 0
	if value == "" {
		return nil
	}
	if b.Memory, err = ParseBytes(value); err == nil && b.Memory < MinBuildMemory {
		err = Errorf(Invalid, "memory=%s is less than the %s that a build needs", value, MinBuildMemory).WithHint("paas build:set memory=2GB")
	}
	return err
}

func (b *BuildSettings) setCPUs(value string) (err error) {
	b.CPUs = 0
	if value == "" {
		return nil
	}
	if b.CPUs, err = strconv.ParseFloat(value, 64); err != nil || !(b.CPUs >= 0.1 && b.CPUs <= 1024) {
		return Errorf(Invalid, "cpus=%s is not a number of cores from 0.1", strings.Trim(Quote(value), `"`)).WithHint("paas build:set cpus=1.5")
	}
	return nil
}

// branchName holds for the names that people give branches; git's own rule is wider.
var branchName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}$`)

func (b *BuildSettings) setBranch(value string) error {
	b.Branch = value
	if value != "" && (!branchName.MatchString(value) || strings.Contains(value, "..") || strings.Contains(value, "//") || strings.HasSuffix(value, "/") ||
		strings.HasSuffix(value, ".lock") || strings.HasSuffix(value, ".")) {
		return Errorf(Invalid, "%s is not the name of a branch", Quote(value)).WithHint("paas build:set branch=production")
	}
	return nil
}

// setArg changes one build argument; nil removes it.
func (b *BuildSettings) setArg(name string, value *string) error {
	if value == nil {
		delete(b.Args, name)
		return nil
	}
	if err := ValidateBuildArg(name, *value); err != nil {
		return err
	}
	b.Args[name] = *value
	return nil
}

// setArgs replaces all build arguments by those of a list: A=1,B=2. A comma in a value is written \,.
func (b *BuildSettings) setArgs(value *string) error {
	b.Args = map[string]string{}
	if value == nil {
		return nil
	}
	for _, word := range splitList(*value) {
		name, v, ok := strings.Cut(word, "=")
		if !ok {
			return Errorf(Invalid, "%s has no value: a build argument is NAME=VALUE", Quote(word)).WithHint("paas build:set args=NODE_ENV=production,CI=true")
		}
		if err := b.setArg(name, &v); err != nil {
			return err
		}
	}
	return nil
}

// splitList splits at commas that have no backslash before them.
func splitList(text string) []string {
	var words []string
	var word strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text) && text[i+1] == ',':
			i++
			word.WriteByte(',')
		case text[i] == ',':
			words = append(words, word.String())
			word.Reset()
		default:
			word.WriteByte(text[i])
		}
	}
	return append(words, word.String())
}

const argsSetting = "args"

// Apply returns the settings after the patch, and the names of those that changed, sorted.
func (b BuildSettings) Apply(p BuildPatch) (next BuildSettings, changed []string, err error) {
	next = b
	next.Args = maps.Clone(b.Args)
	if next.Args == nil {
		next.Args = map[string]string{}
	}
	for _, name := range slices.Sorted(maps.Keys(p)) { // args comes before args[NAME]
		if err := next.patch(name, p[name]); err != nil {
			return b, nil, err
		}
	}
	if err := next.checkArgs(); err != nil {
		return b, nil, err
	}
	before, after := b.values(), next.values()
	for _, name := range slices.Sorted(maps.Keys(p)) {
		if name == argsSetting && !maps.Equal(b.Args, next.Args) || name != argsSetting && before[name] != after[name] {
			changed = append(changed, name)
		}
	}
	if len(next.Args) == 0 {
		next.Args = nil
	}
	return next, changed, nil
}

func (b *BuildSettings) patch(name string, value *string) error {
	if value != nil && *value == "" && !strings.HasPrefix(name, argsSetting+"[") {
		return Errorf(Invalid, "the setting %s has no value", Quote(name)).WithHint("paas build:unset %s", name)
	}
	if name == argsSetting {
		return b.setArgs(value)
	}
	if arg, ok := argName(name); ok {
		return b.setArg(arg, value)
	}
	settings := buildSettings()
	i := slices.IndexFunc(settings, func(s buildSetting) bool { return s.name == name })
	if i < 0 {
		return Errorf(Invalid, "builds have no setting %s", Quote(name)).
			WithHint("the settings are: dockerfile, root, fallback, args, args[NAME], network, memory, cpus, timeout, branch")
	}
	if value == nil {
		return settings[i].set(b, "")
	}
	return settings[i].set(b, *value)
}

// argName is NAME of args[NAME].
func argName(setting string) (string, bool) {
	name, ok := strings.CutPrefix(setting, argsSetting+"[")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(name, "]")
}

func (b BuildSettings) checkArgs() error {
	size := 0
	for name, value := range b.Args {
		size += len(name) + len(value)
	}
	if len(b.Args) > maxBuildArgs || size > MaxBuildArgsBytes {
		return Errorf(Invalid, "the build has %d arguments of %d bytes, more than %d or %d bytes", len(b.Args), size, maxBuildArgs, MaxBuildArgsBytes).
			WithHint("paas build:unset args[NAME]")
	}
	return nil
}

// values are the settings that are set, by name.
func (b BuildSettings) values() map[string]string {
	values := map[string]string{}
	for _, s := range buildSettings() {
		if v := s.value(b); v != "" {
			values[s.name] = v
		}
	}
	for name, value := range b.Args {
		values[argsSetting+"["+name+"]"] = "=" + value
	}
	return values
}

// BuildSetting is one setting as users see it.
type BuildSetting struct {
	Name  string `json:"name"`  // args[NAME] for a build argument
	Value string `json:"value"` // seconds, bytes or a word; "" for what the repository or the platform says
	Set   bool   `json:"set"`   // by build:set; else it is the default
}

// Settings lists all of them.
func (b BuildSettings) Settings() []BuildSetting {
	list := []BuildSetting{}
	for _, s := range buildSettings() {
		v := BuildSetting{Name: s.name, Value: s.value(b), Set: true}
		if v.Value == "" {
			v.Value, v.Set = s.def, false
		}
		list = append(list, v)
	}
	for _, name := range slices.Sorted(maps.Keys(b.Args)) {
		list = append(list, BuildSetting{Name: argsSetting + "[" + name + "]", Value: b.Args[name], Set: true})
	}
	return list
}

// BuildSecretsPatch is a change of build secrets by their names. nil removes one.
type BuildSecretsPatch map[string]*string

// maxBuildSecret bounds the value of a build secret: what BuildKit mounts.
const maxBuildSecret = 64 << 10

// Validate checks each name and value.
func (p BuildSecretsPatch) Validate() error {
	if len(p) == 0 {
		return Errorf(Invalid, "no build secret given").WithHint("paas build:secret NPM_TOKEN=…")
	}
	for _, name := range slices.Sorted(maps.Keys(p)) {
		if p[name] == nil {
			continue
		}
		if err := ValidateBuildSecret(name, *p[name]); err != nil {
			return err
		}
		if n := len(*p[name]); n > maxBuildSecret {
			return Errorf(Invalid, "the build secret %s is %d bytes, more than %d", name, n, maxBuildSecret).WithHint("put large values into a file of the repository")
		}
	}
	return nil
}

// BuildPlan is how a commit would be built.
type BuildPlan struct {
	Commit       string            `json:"commit"`
	Language     string            `json:"language"`       // "dockerfile" where the repository has its own
	Because      string            `json:"because"`        // the file that decided
	Dockerfile   string            `json:"dockerfile"`     // its path
	Text         string            `json:"text,omitempty"` // of the generated Dockerfile
	Ignore       []string          `json:"ignore"`         // the patterns of a .dockerignore that the generated Dockerfile wants
	Notes        []string          `json:"notes"`
	ProcessTypes map[string]string `json:"process_types"`
}

// BuildSecret is a value for RUN --mount=type=secret,id=NAME of an app's builds, as users see it: never the value.
type BuildSecret struct {
	Name  string    `json:"name"`
	User  string    `json:"user"`
	SetAt time.Time `json:"set_at"`
}
