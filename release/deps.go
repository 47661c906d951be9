package release

import (
	"context"
	"io"
	"net/netip"
	"time"

	"paas"
)

// What the engine asks of the packages around it. The store says what should be, the runtime what is.
type (
	// Store keeps the records.
	Store interface {
		AppReader
		AppWriter
		Ledger
		ConfigRecords
		RunRecords
		DomainRecords
		CertificateRecords
		BuildRecords
		EventRecords
		PageRecords
	}

	// AppReader finds apps.
	AppReader interface {
		App(id string) (paas.App, error)
		AppByName(name string) (paas.App, error)
		Apps() ([]paas.App, error)
	}

	// AppWriter changes them, each call in one transaction.
	AppWriter interface {
		CreateApp(name, defaultHost string) (paas.App, error)
		UpdateApp(id string, change func(*paas.App) error) (paas.App, error)
		RenameApp(id, name, defaultHost string) (paas.App, error)
		DeleteApp(id string) error
		GoneApps() ([]paas.App, error)
		ForgetApp(id string) error
		MoveSubnet(id string) (paas.App, error)
	}

	// Ledger appends releases and ends them; no method changes one that has ended.
	Ledger interface {
		AppendRelease(r paas.Release, c paas.Config) (paas.Release, error)
		FinishRelease(app string, version int, o paas.Outcome, change func(*paas.App)) (paas.App, error)
		Release(app string, version int) (paas.Release, error)
		Releases(app string) ([]paas.Release, error)
		PendingReleases() ([]paas.Release, error)
		VerifyReleases(app string) error
	}

	// ConfigRecords are the numbered config sets.
	ConfigRecords interface {
		Config(app string, version int) (paas.Config, error)
		KeepConfig(app string, c paas.Config) (paas.App, error)
	}

	// RunRecords are the one-offs.
	RunRecords interface {
		AppendRun(r paas.Run) (paas.Run, error)
		UpdateRun(r paas.Run) error
		Run(app string, id int) (paas.Run, error)
		Runs(app string) ([]paas.Run, error)
		UnfinishedRuns() ([]paas.Run, error)
	}

	// BuildRecords are the builds of an app, newest first, and the secrets for the next ones.
	BuildRecords interface {
		Builds(app string) ([]paas.Build, error)
		BuildSecrets(app string) ([]paas.BuildSecret, error)
		SetBuildSecrets(app, user string, values map[string]*string) error
	}

	// EventRecords are what happened to an app, and what was asked for, newest first. Changes of no app are those of all.
	EventRecords interface {
		AppendChanges(changes []paas.Change) error
		Changes(app string, limit int) ([]paas.Change, error)
		AppendEvents(events []paas.Event) error
		Events(app string, limit int) ([]paas.Event, error)
	}

	// PageRecords are the error pages of an app's own. A change of one is in App.Pages as well, in the same transaction.
	PageRecords interface {
		SetPage(app string, page paas.Page) (paas.App, error)
		RemovePage(app string, name paas.PageName) (paas.App, error)
		Pages(app string) ([]paas.Page, error)
	}

	// DomainRecords are the hosts of apps besides the default ones.
	DomainRecords interface {
		AddDomain(app, host, label string) error
		RemoveDomain(app, host string) error
		Domains(app string) ([]string, error)
	}

	// CertificateRecords are the apps' own certificates, by their first names.
	CertificateRecords interface {
		AddCertificate(app string, c paas.OwnCertificate) error
		RemoveCertificate(app, name string) (paas.OwnCertificate, error)
		Certificates(app string) ([]paas.OwnCertificate, error)
	}

	// Runtime runs instances.
	Runtime interface {
		Observer
		Operator
		Runner
		Cleaner
		Disk
	}

	// Observer tells what is.
	Observer interface {
		Instances(ctx context.Context, app string) ([]paas.Instance, error)
		Wait(ctx context.Context, id string) (paas.Instance, error)
		Tail(ctx context.Context, id string, n int) ([]string, error)
		Listening(ctx context.Context, id string) ([]netip.AddrPort, error)
		Events(ctx context.Context, fn func(paas.InstanceEvent)) error
		HostSize(ctx context.Context) (paas.Size, error)
	}

	// Operator changes it, one instance a call.
	Operator interface {
		Start(ctx context.Context, spec paas.InstanceSpec) (paas.Instance, error)
		Keep(ctx context.Context, id string) error
		Stop(ctx context.Context, id string, grace time.Duration) (killed bool, err error)
		Remove(ctx context.Context, id string) error
	}

	// Runner runs a one-off, or a command inside a running instance, with its client attached.
	Runner interface {
		Exec(ctx context.Context, id string, req paas.ExecRequest, stdio paas.Stdio) (exitCode int, err error)
		Run(ctx context.Context, spec paas.InstanceSpec, stdio paas.Stdio, started func(paas.Instance)) (exitCode int, err error)
	}

	// Cleaner finds and removes what instances stand on.
	Cleaner interface {
		Image(ctx context.Context, id string) (paas.Image, error)
		Images(ctx context.Context, app string) ([]paas.StoredImage, error)
		RemoveImage(ctx context.Context, id string) error
		RemoveNetwork(ctx context.Context, app string) error
	}

	// Disk is what fills the engine's disk, besides images and instances. Leftovers are containers, by id, that never became
	// instances and are older than age; PruneBuildCache removes the longest unused of the build cache until keep is left.
	Disk interface {
		DiskUsage(ctx context.Context) (paas.DiskUsage, error)
		Leftovers(ctx context.Context, age time.Duration) ([]string, error)
		PruneBuildCache(ctx context.Context, keep paas.Bytes) (count int, freed paas.Bytes, err error)
	}

	// Routes are where requests go. Apply returns once the route is live, and Adjust once its hosts and maintenance are, with
	// the backends of the last one applied; Route is that one.
	Routes interface {
		Route(app string) (paas.Route, bool)
		Apply(ctx context.Context, route paas.Route) error
		Adjust(ctx context.Context, app string, change func(*paas.Route)) error
		Remove(ctx context.Context, app string) error
		Retain(ctx context.Context, apps []string) error
	}

	// RouterCertificates are those that the router obtains, one a host; nil where it does not.
	RouterCertificates interface {
		Certificates(ctx context.Context, app string) ([]paas.Certificate, error)
	}

	// Router carries requests to backends.
	Router interface {
		Routes
		RouterCertificates
		Drain(ctx context.Context, addrs []netip.AddrPort, deadline time.Duration) (cut int, err error)
	}

	// Repos holds the apps' repositories. Create does nothing where there is one.
	Repos interface {
		Create(ctx context.Context, app string) error
	}

	// Logs is the apps' log streams.
	Logs interface {
		Append(app string, l paas.LogLine)
		Remove(app string) error
	}

	// Builds ends the pushes and builds of an app that is about to go, and removes the repository and build logs of one that
	// is gone.
	Builds interface {
		EndBuilds(ctx context.Context, app string) error
		RemoveApp(ctx context.Context, app string) error
	}
)

// Progress is where an operation tells a person what it does; writes to it never block for long.
type Progress = io.Writer
