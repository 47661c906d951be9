package build

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"paas"
)

const herokuYML = "heroku.yml"

// readHerokuYML reads a heroku.yml, after the app.json. Errors name path and line; what does not apply here is only named.
func (m *manifest) readHerokuYML(text []byte) error {
	root, err := parseYAML(herokuYML, text)
	if err != nil {
		return err
	}
	top, err := root.object("it")
	if err != nil {
		return err
	}
	h := herokuReader{m: m}
	for _, part := range []struct {
		key  string
		read func(node) error
	}{{"build", h.readBuild}, {"setup", h.readSetup}, {"release", h.readRelease}, {"run", h.readRun}} {
		if err := part.read(top[part.key]); err != nil {
			return err
		}
	}
	for _, key := range top.keys() {
		if !slices.Contains([]string{"build", "setup", "release", "run"}, key) {
			m.ignore(herokuYML, cleanName(key))
		}
	}
	return nil
}

// herokuReader knows the images that a heroku.yml declares: names for one and the same here.
type herokuReader struct {
	m      *manifest
	images []string
}

// readBuild reads the path of the Dockerfile and the build arguments.
func (h *herokuReader) readBuild(n node) error {
	f, err := n.object("build")
	if err != nil {
		return err
	}
	docker, err := f["docker"].object("build.docker")
	if err != nil {
		return err
	}
	for _, typ := range docker.keys() {
		if err := h.readImage(typ, docker[typ]); err != nil {
			return err
		}
	}
	if err := h.readArgs(f["config"]); err != nil {
		return err
	}
	h.m.ignoreRest(herokuYML, "build", f, "docker", "config")
	return nil
}

// readImage takes the path of a Dockerfile, or an object that has it.
func (h *herokuReader) readImage(typ string, n node) error {
	name, err := typeName("build.docker", typ, n)
	if err != nil {
		return err
	}
	if f, ok := n.value.(map[string]node); ok {
		if f["target"].there() {
			h.m.ignore(herokuYML, name+".target (the last stage is what runs)")
		}
		h.m.ignoreRest(herokuYML, name, f, "dockerfile", "target")
		if !f["dockerfile"].there() {
			return n.errorf("%s has no dockerfile", name)
		}
		name, n = name+".dockerfile", f["dockerfile"]
	}
	h.images = append(h.images, typ)
	if typ != paas.ReleaseCommand {
		h.m.types = append(h.m.types, paas.ProcessType{Name: typ})
	}
	return h.m.setDockerfile(name, n)
}

// typeName is the name of a process type's node. The type is checked.
func typeName(of, typ string, n node) (string, error) {
	name := of + "." + cleanName(typ)
	switch {
	case !paas.ValidProcessType(typ):
		return name, n.errorf("%s is not a process type: use letters, digits, - and _", name)
	case typ == paas.RunType:
		return name, n.errorf("%s: run is the type of one-off processes; choose another name", name)
	}
	return name, nil
}

func (h *herokuReader) readArgs(n node) error {
	f, err := n.object("build.config")
	if err != nil {
		return err
	}
	for _, key := range f.keys() {
		name := "build.config." + cleanName(key)
		value, err := f[key].scalar(name)
		if err != nil {
			return err
		}
		if err := paas.ValidateBuildArg(key, value); err != nil {
			return f[key].errorf("%s: %w", name, err)
		}
		if h.m.args == nil {
			h.m.args = map[string]string{}
		}
		h.m.args[key] = value
	}
	return nil
}

// readSetup takes config as the values of config vars that the app lacks.
func (h *herokuReader) readSetup(n node) error {
	f, err := n.object("setup")
	if err != nil {
		return err
	}
	config, err := f["config"].object("setup.config")
	if err != nil {
		return err
	}
	for _, key := range config.keys() {
		name := "setup.config." + cleanName(key)
		if err := paas.ValidateConfigKey(key); err != nil {
			return config[key].errorf("%s: %w", name, err)
		}
		value, err := config[key].scalar(name)
		if err != nil {
			return err
		}
		if v, said := h.m.Env[key]; !said || v.Value == nil && !v.Secret {
			h.m.setEnv(key, paas.EnvVar{Value: &value})
		}
	}
	if f["addons"].there() {
		h.m.ignore(herokuYML, "setup.addons (attach services by config vars)")
	}
	h.m.ignoreRest(herokuYML, "setup", f, "config", "addons")
	return nil
}

func (h *herokuReader) readRelease(n node) error {
	f, err := n.object("release")
	if err != nil || !n.there() {
		return err
	}
	if !f["command"].there() {
		return n.errorf("release has no command")
	}
	h.m.release, err = h.readCommand("release", f)
	return err
}

// readRun reads the process types: a command, or an object with one. What build.docker has and run has not runs the image's
// own command.
func (h *herokuReader) readRun(n node) error {
	f, err := n.object("run")
	if err != nil {
		return err
	}
	var types paas.ProcessTypes
	for _, typ := range f.keys() {
		name, err := typeName("run", typ, f[typ])
		if err != nil {
			return err
		}
		if typ == paas.ReleaseCommand {
			return f[typ].errorf("run.release is no process: the command of a release is release.command")
		}
		t := paas.ProcessType{Name: typ}
		if object, ok := f[typ].value.(map[string]node); ok {
			t.Command, err = h.readCommand(name, object)
		} else {
			t.Command, err = f[typ].commands(name)
		}
		if err != nil {
			return err
		}
		types = append(types, t)
	}
	h.m.runs = len(types) > 0
	for _, t := range h.m.types {
		if _, has := types.Command(t.Name); !has {
			types = append(types, t)
		}
	}
	if len(types) > maxProcessTypes {
		return n.errorf("there are %d process types, more than %d", len(types), maxProcessTypes)
	}
	h.m.types = types
	return nil
}

// readCommand reads {command: …, image: …}.
func (h *herokuReader) readCommand(name string, f fields) (string, error) {
	image, err := f["image"].text(name + ".image")
	if err != nil {
		return "", err
	}
	if f["image"].there() && !slices.Contains(h.images, image) {
		return "", f["image"].errorf("%s.image is %s, which build.docker does not have", name, f["image"].kind())
	}
	h.m.ignoreRest(herokuYML, name, f, "command", "image")
	return f["command"].commands(name + ".command")
}

// commands returns a command, or a list of them as one that runs them one after the other.
func (n node) commands(name string) (string, error) {
	items, ok := n.value.([]node)
	if !ok {
		return n.command(name)
	}
	if len(items) == 0 {
		return "", n.errorf("%s is empty", name)
	}
	all := make([]string, 0, len(items))
	for i, item := range items {
		c, err := item.command(fmt.Sprintf("%s[%d]", name, i))
		if err != nil {
			return "", err
		}
		all = append(all, c)
	}
	one := strings.Join(all, " && ")
	if len(one) > maxCommandBytes {
		return "", n.errorf("%s has %d bytes, and a command at most %d", name, len(one), maxCommandBytes)
	}
	return one, nil
}

// scalar returns the text of a string, a number or a boolean.
func (n node) scalar(name string) (string, error) {
	switch v := n.value.(type) {
	case string:
		if strings.ContainsRune(v, 0) {
			return "", n.errorf("%s holds a NUL byte", name)
		}
		return v, nil
	case json.Number:
		return v.String(), nil
	case bool:
		return fmt.Sprint(v), nil
	}
	return "", n.errorf("%s is %s, not a value", name, n.kind())
}
