package release

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"paas"
)

// applyManifest gives the draft what the app.json and the heroku.yml of a build ask for: config vars that the app lacks, in
// the same release, and quantities and sizes of types that nobody has scaled or resized.
func (e *Engine) applyManifest(ctx context.Context, d *draft, app paas.App, m paas.Manifest) (err error) {
	d.formation, d.sizes = m.Formation, m.Sizes
	sizes, added := app.Sizes.Default(d.sizes, d.types)
	for _, typ := range added {
		if err := e.fits(ctx, sizes[typ]); err != nil {
			return fmt.Errorf("formation.%s.size of app.json: %w", typ, err)
		}
	}
	d.config, d.defaults, err = m.Complete(app.Name, d.config)
	return err
}

// sayManifest tells what a draft has of a manifest, once the release is on the ledger. app is as it was before.
func sayManifest(progress Progress, app paas.App, d draft) {
	if len(d.defaults) > 0 {
		fmt.Fprintf(progress, "Config vars set, since the app lacked them: %s\n", strings.Join(d.defaults, ", "))
	}
	_, added := app.Formation.Default(d.formation, d.types)
	for _, typ := range d.types.Names() {
		n, says := d.formation[typ]
		switch {
		case !says:
		case slices.Contains(added, typ):
			fmt.Fprintf(progress, "Scaled %s=%d, as app.json has it\n", typ, n)
		case app.Formation[typ] != n:
			fmt.Fprintf(progress, "%s stays at %d; app.json's %d is for apps that were not scaled yet\n", typ, app.Formation[typ], n)
		}
	}
	saySizes(progress, app, d)
}

func saySizes(progress Progress, app paas.App, d draft) {
	_, added := app.Sizes.Default(d.sizes, d.types)
	for _, typ := range d.types.Names() {
		size, says := d.sizes[typ]
		switch {
		case !says:
		case slices.Contains(added, typ):
			fmt.Fprintf(progress, "Resized %s=%s, as app.json has it\n", typ, size)
		case app.Sizes[typ] != size:
			fmt.Fprintf(progress, "%s stays at %s; app.json's %s is for apps that were not resized yet\n", typ, sizeText(app.Sizes[typ]), size)
		}
	}
}

// postdeploy runs the command that an app.json has for after the first release, once, as a one-off on that release. How it ends
// changes nothing of the release, which serves: it is told and kept with the run.
func (e *Engine) postdeploy(ctx context.Context, rel paas.Release, command string, progress Progress) {
	app, err := e.Store.App(rel.App)
	if err != nil { // it is being destroyed
		e.Log.Info("postdeploy did not run", "app", rel.App, "reason", err)
		return
	}
	fmt.Fprintf(progress, "-----> Running the postdeploy script: %s\n", command)
	code, run, err := e.runPostdeploy(ctx, app, rel, command, progress)
	switch {
	case err != nil:
		fmt.Fprintf(progress, " !     The postdeploy script failed: %s\n", firstLine(err.Error()))
	case code != 0:
		fmt.Fprintf(progress, " !     The postdeploy script failed: it exited with status %d\n", code)
	default:
		fmt.Fprintf(progress, "       The postdeploy script is done (%s)\n", run.Name())
		return
	}
	fmt.Fprintf(progress, " !     v%d serves all the same, and the script does not run again by itself: paas run -a %s -- '%s'\n",
		rel.Version, app.Name, strings.ReplaceAll(command, "'", `'\''`))
}

func (e *Engine) runPostdeploy(
	ctx context.Context, app paas.App, rel paas.Release, command string, progress Progress,
) (code int, run paas.Run, err error) {
	config, err := e.Store.Config(app.ID, rel.ConfigVersion)
	if err != nil {
		return 0, run, err
	}
	run, err = e.Store.AppendRun(paas.Run{App: app.ID, Release: rel.Version, Command: []string{command}, User: rel.User, Status: paas.RunRunning})
	if err != nil {
		return 0, run, err
	}
	e.event(paas.Event{
		App: app.ID, Kind: paas.EventRunCreated, User: run.User, Release: run.Release, Instance: run.Name(),
		Text: fmt.Sprintf("%s, the postdeploy script, on v%d", paas.Quote(command), run.Release),
	})
	env := environment(config, app.Name, rel, run.Name(), 0)
	args, err := argv(command, rel.Image.Shell, env)
	if err != nil {
		return 0, run, e.endRun(run, 0, err)
	}
	out := e.output(app, run.Name(), config, indented{progress})
	ctx, cancel := context.WithTimeoutCause(ctx, e.Timings.Release, errReleaseTime)
	defer cancel()
	code, err = e.runInstance(ctx, paas.InstanceSpec{
		App: app.ID, AppName: app.Name, Type: paas.RunType, Name: run.Name(), Release: rel.Version, Image: rel.Image, Command: args,
		Env: environ(env), Subnet: app.Subnet,
	}, paas.Stdio{Stdout: out, Stderr: out}, func(i paas.Instance) { e.setRunning(run, i.ID) })
	e.unsetRunning(run)
	out.flush()
	if errors.Is(context.Cause(ctx), errReleaseTime) {
		err = paas.Errorf(paas.Failed, "%s was stopped: it took longer than %s", run.Name(), e.Timings.Release)
	}
	return code, run, e.endRun(run, code, err)
}

// output takes what a process prints that a deployment waits for: to the log stream, and masked to the progress.
func (e *Engine) output(app paas.App, name string, config paas.Config, progress Progress) *lineWriter {
	return &lineWriter{line: func(line string) {
		e.Logs.Append(app.ID, paas.LogLine{Time: e.Now(), Source: paas.LogApp, Process: name, Text: line})
		fmt.Fprintf(progress, "  | %s\n", config.Mask(line))
	}}
}
