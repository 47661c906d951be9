package web

import (
	"context"
	"io"

	"paas"
)

// The services that the doors open onto. Apps are named by their name; the acting user is paas.UserOf(ctx). progress
// takes lines of text for a person; a write to it never blocks for long and its errors are ignored. An operation that
// has begun goes on when ctx ends, unless its comment says otherwise.
type (
	// Apps is the life of apps.
	Apps interface {
		Apps(ctx context.Context) ([]paas.AppInfo, error)
		App(ctx context.Context, app string) (paas.AppInfo, error)
		CreateApp(ctx context.Context, app string) (paas.AppInfo, error)
		RenameApp(ctx context.Context, app, to string, progress io.Writer) (paas.AppInfo, error)
		DestroyApp(ctx context.Context, app string, progress io.Writer) error
	}

	// Configs is the config of apps. Versions number an app's config sets; ifMatch < 0 means any.
	Configs interface {
		Config(ctx context.Context, app string) (config paas.Config, version int, err error)
		SetConfig(ctx context.Context, app string, patch paas.ConfigPatch, ifMatch int, progress io.Writer) (paas.ConfigChange, error)
	}

	// Checks is how the instances of apps are probed, replaced and ended.
	Checks interface {
		Checks(ctx context.Context, app string) ([]paas.CheckSetting, error)
		SetChecks(ctx context.Context, app string, patch paas.ChecksPatch, progress io.Writer) (paas.ChecksChange, error)
	}

	// Releases is the ledger. Rollback to 0 means the newest succeeded release before the current one.
	Releases interface {
		Releases(ctx context.Context, app string) ([]paas.ReleaseInfo, error)
		Release(ctx context.Context, app string, version int) (paas.ReleaseDetail, error)
		VerifyReleases(ctx context.Context, app string) (paas.LedgerCheck, error)
		PreviewRollback(ctx context.Context, app string, to int) (paas.RollbackPreview, error)
		Rollback(ctx context.Context, app string, to int, progress io.Writer) (paas.ReleaseInfo, error)
	}

	// Events is what happened and what was asked for, newest first. RecordChange adds to it and does not wait; AppID is empty
	// where there is no such app.
	Events interface {
		Events(ctx context.Context, q paas.EventQuery) ([]paas.EventInfo, error)
		AppID(name string) string
		RecordChange(change paas.Change)
	}

	// Processes is the formation and its instances. A target is a type (web), an instance (web.1) or "" for all. Exec
	// runs a command inside a running instance, hangs up on it when ctx ends, and returns with its exit code.
	Processes interface {
		Processes(ctx context.Context, app string) (paas.Processes, error)
		Scale(ctx context.Context, app string, change paas.Formation, progress io.Writer) (paas.Processes, error)
		Resize(ctx context.Context, app string, change paas.Sizes, progress io.Writer) (paas.Processes, error)
		Restart(ctx context.Context, app, target string, progress io.Writer) (paas.Processes, error)
		Stop(ctx context.Context, app, target string, progress io.Writer) (paas.Processes, error)
		Exec(ctx context.Context, app, instance string, req paas.ExecRequest, stdio paas.Stdio) (exitCode int, err error)
	}

	// Runs is one-off processes. A run that is not detached waits, created, for AttachRun, which starts it, returns
	// with its exit code, and stops it when ctx ends.
	Runs interface {
		CreateRun(ctx context.Context, app string, req paas.RunRequest) (paas.RunInfo, error)
		AttachRun(ctx context.Context, app string, id int, stdio paas.Stdio) (exitCode int, err error)
		Runs(ctx context.Context, app string) ([]paas.RunInfo, error)
		Run(ctx context.Context, app string, id int) (paas.RunInfo, error)
		StopRun(ctx context.Context, app string, id int) (paas.RunInfo, error)
	}

	// Builds is what pushes made. BuildLog follows a build that has not ended until it does;
	// without colours it is plain text.
	Builds interface {
		Builds(ctx context.Context, app string) ([]paas.BuildInfo, error)
		Build(ctx context.Context, app string, id int) (paas.BuildInfo, error)
		BuildLog(ctx context.Context, app string, id int, colours bool, w io.Writer) error
		CancelBuild(ctx context.Context, app string, id int) (paas.BuildInfo, error)
		BuildMaker
	}

	// BuildMaker builds what is no push. Upload makes a commit of a tar; CreateBuild builds a commit and deploys it, and, unless
	// it is to go on by itself, ends when ctx does.
	BuildMaker interface {
		Upload(ctx context.Context, app string, src io.Reader) (paas.Upload, error)
		CreateBuild(ctx context.Context, app string, req paas.BuildRequest, progress io.Writer) (paas.BuildResult, error)
		BuildPlan(ctx context.Context, app, commit string) (paas.BuildPlan, error)
	}

	// BuildSettings is how the sources of apps become images. SetBuildSettings returns the names of the settings that changed.
	BuildSettings interface {
		BuildSettings(ctx context.Context, app string) ([]paas.BuildSetting, error)
		SetBuildSettings(ctx context.Context, app string, patch paas.BuildPatch) (changed []string, err error)
		BuildSecrets(ctx context.Context, app string) ([]paas.BuildSecret, error)
		SetBuildSecrets(ctx context.Context, app string, patch paas.BuildSecretsPatch) ([]paas.BuildSecret, error)
	}

	// Domains is the hosts of apps.
	Domains interface {
		Domains(ctx context.Context, app string) ([]paas.Domain, error)
		AddDomain(ctx context.Context, app, host string) (paas.Domain, error)
		RemoveDomain(ctx context.Context, app, host string) (paas.Domain, error)
	}

	// Certs is TLS at the hosts of apps: the certificates that the router obtains, and those that users bring.
	Certs interface {
		Certificates(ctx context.Context, app string) ([]paas.Certificate, error)
		AddCertificate(ctx context.Context, app string, chain, key []byte) (paas.Certificate, error)
		RemoveCertificate(ctx context.Context, app, name string) (paas.Certificate, error)
	}

	// Routing is how the router treats the requests to an app: its settings, and whether it answers for the app, or holds
	// its requests. SetRouting returns the names of the settings that changed.
	Routing interface {
		Routing(ctx context.Context, app string) ([]paas.RoutingSetting, error)
		SetRouting(ctx context.Context, app string, patch paas.RoutingPatch) (changed []string, err error)
		SetMaintenance(ctx context.Context, app string, on bool) (paas.AppInfo, error)
		SetPaused(ctx context.Context, app string, paused bool) (paas.AppInfo, error)
	}

	// Pages is the error pages of apps' own.
	Pages interface {
		Pages(ctx context.Context, app string) ([]paas.PageInfo, error)
		SetPage(ctx context.Context, app string, name paas.PageName, html string) (paas.PageInfo, error)
		RemovePage(ctx context.Context, app string, name paas.PageName) error
	}

	// Routes is the routing table as the router has it: an app's part of it, or, for "", all.
	Routes interface {
		Routes(ctx context.Context, app string) (paas.RouteTable, error)
	}

	// Garbage is what the installation no longer needs. A dry run only says what Collect would free.
	Garbage interface {
		Collect(ctx context.Context, dryRun bool, progress io.Writer) (paas.Collection, error)
	}

	// Logs is the log stream of an app: fn gets each line that q selects, in order; with q.Follow until ctx ends.
	Logs interface {
		Logs(ctx context.Context, app string, q paas.LogQuery, fn func(paas.LogLine) error) error
	}

	// Keys is who may come in by SSH.
	Keys interface {
		Keys() ([]paas.Key, error)
		AddKey(key paas.Key) error
		RemoveKey(name string) (paas.Key, error)
		KeyByFingerprint(fingerprint string) (paas.Key, error)
	}

	// Registries is the accounts that the platform has at image registries. AddRegistry tries a login there first, unless
	// it is told not to; it takes the place of another one of that host.
	Registries interface {
		Registries() ([]paas.Registry, error)
		AddRegistry(ctx context.Context, login paas.RegistryLogin, verify bool) (paas.Registry, error)
		RemoveRegistry(host string) (paas.Registry, error)
	}

	// Tokens is who may come in by HTTP.
	Tokens interface {
		Tokens() ([]paas.Token, error)
		AddToken(token paas.Token) error
		RemoveToken(name string) (paas.Token, error)
		TokenBySum(sum string) (paas.Token, error)
	}

	// Git is the git side of the SSH door. ReceivePack returns what became of the push, UploadPack git's exit code; they end when ctx does.
	// PreReceive is the pre-receive hook's call back: token names the ReceivePack it belongs to, updates is what git
	// wrote to the hook ("old new ref" lines), env the hook's GIT_* variables, options those of the push; an error rejects it.
	Git interface {
		ReceivePack(ctx context.Context, app string, stdin io.Reader, stdout, stderr io.Writer) (paas.PushResult, error)
		UploadPack(ctx context.Context, app string, stdin io.Reader, stdout, stderr io.Writer) (exitCode int, err error)
		PreReceive(ctx context.Context, token, updates string, env map[string]string, options []string, progress io.Writer) error
	}
)
