package release

import (
	"context"
	"errors"
	"fmt"
	"time"

	"paas"
)

// releaseCommand runs the release process type, where there is one, once, before anything of the release starts.
func (e *Engine) releaseCommand(
	ctx context.Context, app paas.App, rel paas.Release, config paas.Config, progress Progress, phases *phases,
) error {
	command, ok := rel.Types.Command(paas.ReleaseCommand)
	if !ok {
		return nil
	}
	name := paas.InstanceName(paas.ReleaseCommand, rel.Version)
	fmt.Fprintf(progress, "Running the release command: %s\n", command)
	env := environment(config, app.Name, rel, name, 0)
	args, err := argv(command, rel.Image.Shell, env)
	if err != nil {
		return err
	}
	out := e.output(app, name, config, progress)
	ctx, cancel := context.WithTimeoutCause(ctx, e.Timings.Release, errReleaseTime)
	defer cancel()
	began := time.Now()
	code, err := e.runInstance(ctx, paas.InstanceSpec{
		App: app.ID, AppName: app.Name, Type: paas.RunType, Name: name, Release: rel.Version, Image: rel.Image, Command: args,
		Env: environ(env),
	}, paas.Stdio{Stdout: out, Stderr: out}, func(paas.Instance) { phases.at("release-command") })
	out.flush()
	phases.done("release command")
	e.event(paas.Event{App: app.ID, Kind: paas.EventDeployCommand, Release: rel.Version, Instance: name})
	switch {
	case errors.Is(context.Cause(ctx), errReleaseTime):
		return paas.Errorf(paas.Failed, "the release command did not end within %s", e.Timings.Release).WithHint("paas logs -a %s --process %s", app.Name, name)
	case err != nil:
		return fmt.Errorf("run the release command: %w", err)
	case code != 0:
		return paas.Errorf(paas.Failed, "the release command exited with status %d", code).
			WithHint("paas logs -a %s --process %s", app.Name, name)
	}
	fmt.Fprintf(progress, "The release command is done (%.1fs)\n", time.Since(began).Seconds())
	return nil
}
