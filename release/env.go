package release

import (
	"maps"
	"slices"
	"strconv"

	"paas"
)

// environment is all that an instance's environment holds besides what its image sets: the config, and what the
// platform says of the instance. port is 0 where the process type has none.
func environment(config paas.Config, app string, rel paas.Release, instance string, port int) paas.Config {
	env := maps.Clone(config)
	if env == nil {
		env = paas.Config{}
	}
	env["PAAS_APP"] = app
	env["PAAS_RELEASE"] = strconv.Itoa(rel.Version)
	env["PAAS_COMMIT"] = rel.Commit
	env["PAAS_INSTANCE"] = instance
	if port != 0 {
		env["PORT"] = strconv.Itoa(port)
	}
	return env
}

// environ lists env as KEY=value, sorted.
func environ(env paas.Config) []string {
	list := make([]string, 0, len(env))
	for _, k := range slices.Sorted(maps.Keys(env)) {
		list = append(list, k+"="+env[k])
	}
	return list
}

// spec is the instance of a slot on a release.
func spec(app paas.App, rel paas.Release, config paas.Config, slot Slot) (paas.InstanceSpec, error) {
	port := 0
	if slot.Type == paas.Web {
		port = rel.Image.WebPort()
	}
	env := environment(config, app.Name, rel, slot.Name, port)
	command, _ := rel.Types.Command(slot.Type)
	args, err := argv(command, rel.Image.Shell, env)
	if err != nil {
		return paas.InstanceSpec{}, err
	}
	return paas.InstanceSpec{
		App: app.ID, AppName: app.Name, Type: slot.Type, Name: slot.Name, Release: rel.Version, Generation: slot.Generation,
		Image: rel.Image, Command: args, Env: environ(env), Port: port, Subnet: app.Subnet, Size: slot.Size,
	}, nil
}
