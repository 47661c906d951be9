package paas

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Config is one set of config vars. Values may hold any bytes but NUL.
type Config map[string]string

// MaxConfigBytes bounds keys and values of a config together.
const MaxConfigBytes = 64 << 10

var configKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// ConfigPatch is a change of config: nil deletes the key.
type ConfigPatch map[string]*string

// Validate checks each key and value by itself; the size is checked on the whole by Config.Apply.
func (p ConfigPatch) Validate() error {
	if len(p) == 0 {
		return Errorf(Invalid, "no config var given").WithHint("paas config:set KEY=value")
	}
	for _, key := range slices.Sorted(maps.Keys(p)) {
		if err := ValidateConfigKey(key); err != nil {
			return err
		}
		if v := p[key]; v != nil && strings.ContainsRune(*v, 0) {
			return Errorf(Invalid, "the value of %s holds a NUL byte, which no environment variable can", key).
				WithHint("encode it, for example with base64")
		}
	}
	return nil
}

// ValidateConfigKey refuses what is not a portable environment variable name, and the names the platform sets itself.
func ValidateConfigKey(key string) error {
	if !configKey.MatchString(key) {
		return Errorf(Invalid, "config key %s is not valid", Quote(key)).
			WithHint("use letters, digits and underscores, not starting with a digit")
	}
	if key == "PORT" || strings.HasPrefix(key, "PAAS_") {
		return Errorf(Invalid, "config key %s is reserved: the platform sets it in every instance", key).
			WithHint("choose another name")
	}
	return nil
}

// Apply returns the config after the patch, and the keys that it set or changed and removed, sorted. Keys that hold the value
// already, or are not there to remove, count as neither.
func (c Config) Apply(p ConfigPatch) (next Config, set, removed []string, err error) {
	if err := p.Validate(); err != nil {
		return nil, nil, nil, err
	}
	next = maps.Clone(c)
	if next == nil {
		next = Config{}
	}
	for _, key := range slices.Sorted(maps.Keys(p)) {
		old, had := next[key]
		switch v := p[key]; {
		case v == nil && had:
			delete(next, key)
			removed = append(removed, key)
		case v != nil && (!had || old != *v):
			next[key] = *v
			set = append(set, key)
		}
	}
	if size := next.Size(); size > MaxConfigBytes {
		return nil, nil, nil, Errorf(Invalid, "the config would be %d bytes, more than the %d that an app may have", size, MaxConfigBytes).
			WithHint("keep large values in a file of the image or in a backing service")
	}
	return next, set, removed, nil
}

// ConfigChange is what a change of config did.
type ConfigChange struct {
	Set     []string `json:"set"`     // keys set or changed
	Removed []string `json:"removed"` // keys removed
	// Release is the one that it made; nil where nothing changed or nothing is released yet.
	Release *ReleaseInfo `json:"release"`
	Version int          `json:"version"` // of the config after the change
}

// Size is the number of bytes in keys and values.
func (c Config) Size() int {
	n := 0
	for k, v := range c {
		n += len(k) + len(v)
	}
	return n
}

// Keys returns the keys, sorted, never nil.
func (c Config) Keys() []string {
	keys := slices.Sorted(maps.Keys(c))
	if keys == nil {
		keys = []string{}
	}
	return keys
}

// minMasked is the length from which a value counts as a secret: masking "1" or "true" would garble every text.
const minMasked = 6

// Mask replaces each config value of six bytes or more that occurs in text. For the platform's own output.
func (c Config) Mask(text string) string {
	for _, v := range c {
		if len(v) >= minMasked {
			text = strings.ReplaceAll(text, v, "********")
		}
	}
	return text
}
