package build

import (
	"slices"
	"strings"

	"paas"
)

// Keys of an app.json that describe the app to people.
var describing = []string{"$schema", "name", "description", "keywords", "repository", "website", "logo", "success_url", "maintainers"}

// readAppJSON reads an app.json, in the form that Heroku's and Dokku's have. Errors name path and line; what does not apply
// here is only named.
func (m *manifest) readAppJSON(text []byte) error {
	root, err := parseJSON(appJSON, text)
	if err != nil {
		return err
	}
	top, err := root.object("it")
	if err != nil {
		return err
	}
	for _, key := range top.keys() {
		if err := m.readAppKey(key, top[key]); err != nil {
			return err
		}
	}
	return nil
}

func (m *manifest) readAppKey(key string, n node) error {
	switch key {
	case "healthchecks":
		m.healthchecks = n
		_, err := n.object(key)
		return err
	case "formation":
		m.formation = n
		_, err := n.object(key)
		return err
	case "env":
		return m.readEnv(n)
	case "scripts":
		return m.readScripts(n)
	case "cron":
		m.ignore(appJSON, "cron (there are no schedules)")
		return readCron(n)
	case "build":
		return m.readAppBuild(n)
	case "addons":
		m.ignore(appJSON, "addons (attach services by config vars)")
	case "buildpacks":
		m.ignore(appJSON, "buildpacks (the Dockerfile or the language decides)")
	case "stack", "image":
		m.ignore(appJSON, key+" (the Dockerfile decides)")
	case "environments":
		m.ignore(appJSON, "environments (create an app for each)")
	default:
		if !slices.Contains(describing, key) {
			m.ignore(appJSON, cleanName(key))
		}
	}
	return nil
}

// readFormation reads quantities: {"web": {"quantity": 2}}.
func (m *manifest) readFormation(types paas.ProcessTypes) error {
	byType, err := m.formation.object("formation")
	if err != nil {
		return err
	}
	for _, typ := range byType.keys() {
		name := "formation." + cleanName(typ)
		f, err := byType[typ].object(name)
		if err != nil {
			return err
		}
		quantity, err := f["quantity"].number(name+".quantity", 0, paas.MaxQuantity)
		if err != nil {
			return err
		}
		if !slices.Contains(types.Names(), typ) {
			m.ignore(appJSON, name+noSuchType)
			continue
		}
		if f["quantity"].there() {
			m.setQuantity(typ, quantity)
		}
		if f["size"].there() {
			if err := m.readSize(typ, name+".size", f["size"]); err != nil {
				return err
			}
		}
		m.ignoreRest(appJSON, name, f, "quantity", "size")
	}
	return nil
}

// readSize reads 512mb:0.5cpu. The names that Heroku has for sizes mean nothing here.
func (m *manifest) readSize(typ, name string, n node) error {
	text, err := n.text(name)
	if err != nil {
		return err
	}
	size, err := paas.ParseSize(text)
	if err != nil {
		m.ignore(appJSON, name+" (a size is like 512mb:0.5cpu)")
		return nil
	}
	if m.Sizes == nil {
		m.Sizes = paas.Sizes{}
	}
	m.Sizes[typ] = size
	return nil
}

func (m *manifest) setQuantity(typ string, quantity int) {
	if m.Formation == nil {
		m.Formation = paas.Formation{}
	}
	m.Formation[typ] = quantity
}

// readEnv reads config vars: {"KEY": "value"} or {"KEY": {"value": "value"}}.
func (m *manifest) readEnv(n node) error {
	env, err := n.object("env")
	if err != nil {
		return err
	}
	for _, key := range env.keys() {
		v, wanted, err := m.readEnvVar(key, env[key])
		if err != nil {
			return err
		}
		if wanted {
			m.setEnv(key, v)
		}
	}
	return nil
}

func (m *manifest) setEnv(key string, v paas.EnvVar) {
	if m.Env == nil {
		m.Env = map[string]paas.EnvVar{}
	}
	m.Env[key] = v
}

// readEnvVar reads one; what is optional and has no value is not wanted.
func (m *manifest) readEnvVar(key string, n node) (v paas.EnvVar, wanted bool, err error) {
	name := "env." + cleanName(key)
	if err := paas.ValidateConfigKey(key); err != nil {
		return v, false, n.errorf("%s: %w", name, err)
	}
	if _, ok := n.value.(string); ok {
		v.Value, err = n.configValue(name)
		return v, true, err
	}
	f, ok := n.value.(map[string]node)
	if !ok {
		return v, false, n.errorf("%s is %s, neither a string nor an object", name, n.kind())
	}
	return m.readEnvObject(name, f)
}

func (m *manifest) readEnvObject(name string, f fields) (v paas.EnvVar, wanted bool, err error) {
	if f["value"].there() {
		if v.Value, err = f["value"].configValue(name + ".value"); err != nil {
			return v, false, err
		}
	}
	if _, err := f["description"].text(name + ".description"); err != nil {
		return v, false, err
	}
	required, err := f["required"].flag(name+".required", true)
	if err != nil {
		return v, false, err
	}
	generator, err := f["generator"].text(name + ".generator")
	switch {
	case err != nil:
		return v, false, err
	case f["generator"].there() && generator != "secret":
		return v, false, f["generator"].errorf("%s.generator is %s; there is only secret", name, f["generator"].kind())
	case f["generator"].there() && v.Value != nil:
		return v, false, f["generator"].errorf("%s has a value and a generator; it can have only one", name)
	}
	m.ignoreRest(appJSON, name, f, "value", "description", "required", "generator", "sync")
	if f["sync"].there() {
		m.ignore(appJSON, name+".sync (a config var that is there is left alone)")
	}
	v.Secret = f["generator"].there()
	return v, required || v.Value != nil || v.Secret, nil
}

// configValue is what a config var may hold.
func (n node) configValue(name string) (*string, error) {
	s, err := n.text(name)
	if err == nil && strings.ContainsRune(s, 0) {
		err = n.errorf("%s holds a NUL byte, which no environment variable can", name)
	}
	return &s, err
}

// readScripts reads postdeploy: a command, or an object with one.
func (m *manifest) readScripts(n node) error {
	scripts, err := n.object("scripts")
	if err != nil {
		return err
	}
	for _, key := range scripts.keys() {
		switch key {
		case "postdeploy":
			err = m.readPostdeploy(scripts[key])
		case "dokku":
			err = m.readDokkuScripts(scripts[key])
		default:
			m.ignore(appJSON, "scripts."+cleanName(key))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (m *manifest) readPostdeploy(n node) (err error) {
	const name = "scripts.postdeploy"
	switch v := n.value.(type) {
	case string:
		m.Postdeploy, err = n.command(name)
	case map[string]node:
		if !fields(v)["command"].there() {
			return n.errorf("%s has no command", name)
		}
		m.Postdeploy, err = v["command"].command(name + ".command")
		m.ignoreRest(appJSON, name, v, "command")
	default:
		err = n.errorf("%s is %s, not a command", name, n.kind())
	}
	return err
}

// readDokkuScripts names them: predeploy changes the image after its build, postdeploy runs at each deploy.
func (m *manifest) readDokkuScripts(n node) error {
	scripts, err := n.object("scripts.dokku")
	instead := map[string]string{"predeploy": " (make it a step of the build)", "postdeploy": " (declare a release process)"}
	for _, key := range scripts.keys() {
		m.ignore(appJSON, "scripts.dokku."+cleanName(key)+instead[key])
	}
	return err
}

func (m *manifest) readAppBuild(n node) error {
	f, err := n.object("build")
	if err == nil && f["dockerfile"].there() {
		err = m.setDockerfile("build.dockerfile", f["dockerfile"])
	}
	m.ignoreRest(appJSON, "build", f, "dockerfile")
	return err
}
