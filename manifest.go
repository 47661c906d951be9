package paas

import (
	"crypto/rand"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
)

// Manifest is what the app.json and the heroku.yml of a commit ask for where it is deployed, besides checks. Nothing of it
// takes the place of what users have set.
type Manifest struct {
	// Formation has the quantities of types that nobody has scaled.
	Formation Formation `json:"formation,omitempty"`
	// Sizes has those of types that nobody has resized.
	Sizes Sizes `json:"sizes,omitempty"`
	// Env has the config vars that the app is to have, by their keys.
	Env map[string]EnvVar `json:"env,omitempty"`
	// Postdeploy is a command that runs once, after the first release of the app that succeeds. "": none.
	Postdeploy string `json:"postdeploy,omitempty"`
}

// EnvVar is where the value of a config var comes from that an app lacks. The zero EnvVar: from nowhere, so that the app
// cannot be deployed without it.
type EnvVar struct {
	Value  *string `json:"value,omitempty"`
	Secret bool    `json:"secret,omitempty"` // 64 hexadecimal digits that nobody has seen
}

const secretBytes = 32

// Complete returns c with the config vars that it lacks, and their keys, sorted. One that nothing gives a value to is an
// error, paas.Conflict, which names all of them; app is the name of the app.
func (m Manifest) Complete(app string, c Config) (next Config, set []string, err error) {
	patch := ConfigPatch{}
	var missing []string
	for _, key := range slices.Sorted(maps.Keys(m.Env)) {
		v := m.Env[key]
		if _, has := c[key]; has {
			continue
		}
		switch {
		case v.Value != nil:
			patch[key] = v.Value
		case v.Secret:
			secret := newSecret()
			patch[key] = &secret
		default:
			missing = append(missing, key)
		}
	}
	if len(missing) > 0 {
		return c, nil, Errorf(Conflict, "%s lacks config vars that its app.json requires: %s", app, strings.Join(missing, ", ")).
			WithHint("paas config:set %s=… -a %s", strings.Join(missing, "=… "), app)
	}
	if len(patch) == 0 {
		return c, nil, nil
	}
	next, set, _, err = c.Apply(patch)
	return next, set, err
}

func newSecret() string {
	b := make([]byte, secretBytes)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// Default returns f with the quantities of more for the types of a release that f has none for, and these types in
// the order of types.
func (f Formation) Default(more Formation, types ProcessTypes) (next Formation, added []string) {
	return withDefaults(f, more, types)
}

// Default returns s with the sizes of more for the types of a release that s says nothing of, and these types in the order
// of types.
func (s Sizes) Default(more Sizes, types ProcessTypes) (next Sizes, added []string) {
	return withDefaults(s, more, types)
}

func withDefaults[M ~map[string]V, V any](said, more M, types ProcessTypes) (next M, added []string) {
	next = maps.Clone(said)
	for _, typ := range types.Names() {
		v, says := more[typ]
		if _, set := said[typ]; set || !says {
			continue
		}
		if next == nil {
			next = M{}
		}
		next[typ] = v
		added = append(added, typ)
	}
	return next, added
}
