package runtime

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/moby/moby/api/types/build"
	"github.com/moby/moby/api/types/registry"
	"github.com/moby/moby/client"

	"paas"
)

// imageBuild is one build on the engine.
type imageBuild struct {
	*Docker
	spec    paas.ImageSpec
	version build.BuilderVersion
	events  func(paas.BuildEvent)

	bases  bases
	mask   *mask
	bounds *bounds
	long   bool // a step ran long enough to be bounded

	sourceErr error
}

// run has the image built and returns its id. What was wrong with the source, if anything was, is in sourceErr then.
func (b *imageBuild) run(ctx context.Context, src fs.FS) (id string, err error) {
	if err := b.possible(); err != nil {
		return "", err
	}
	logins, err := b.logins()
	if err != nil {
		return "", err
	}
	b.mask = newMask(b.spec.Secrets)
	if b.version == build.BuilderV1 {
		id, err = b.buildClassic(ctx, src, logins)
	} else {
		id, err = b.buildKit(ctx, src, logins)
	}
	b.mask.end(b.events)
	b.bounds.end()
	if b.long && b.bounds != nil && !b.bounds.any.Load() && b.spec.Limits != (paas.BuildLimits{}) {
		b.warnUnbounded("the cgroups of its steps are not to be seen from here")
	}
	if err != nil {
		return "", b.explain(err)
	}
	return id, b.bases.tell(ctx, b.Docker, b.events)
}

// buildKit has BuildKit ask for the source, over the build's session.
func (b *imageBuild) buildKit(ctx context.Context, src fs.FS, logins []paas.RegistryLogin) (string, error) {
	options := b.options()
	files := &fileSync{source: src, spec: b.spec}
	session, err := b.openSession(ctx, b.spec, logins, files)
	if err != nil {
		return "", err
	}
	options.SessionID, options.RemoteContext = session.id, "client-session"
	b.bounds = b.bound(&options)
	id, err := b.follow(ctx, nil, options)
	err = errors.Join(err, session.close())
	b.sourceErr = files.failure()
	return id, err
}

// buildClassic sends the source as a tar to the builder that was before BuildKit.
func (b *imageBuild) buildClassic(ctx context.Context, src fs.FS, logins []paas.RegistryLogin) (string, error) {
	options := b.options()
	options.AuthConfigs = authConfigs(logins)
	packed := packSource(src, b.spec)
	id, err := b.follow(ctx, packed, options)
	b.sourceErr = packed.end()
	return id, err
}

// possible refuses what the builder that was before BuildKit cannot do, before it begins.
func (b *imageBuild) possible() error {
	if b.version == build.BuilderV1 && len(b.spec.Secrets) > 0 {
		return paas.Errorf(paas.Failed, "this engine builds without BuildKit, which build secrets need").
			WithHint("docker.io 20.10 and newer have it: remove DOCKER_BUILDKIT=0 and features.buildkit=false from the engine's settings")
	}
	return nil
}

// explain has the last word on why the build failed.
func (b *imageBuild) explain(err error) error {
	text := b.mask.text(err.Error())
	if known, ok := errors.AsType[*paas.Error](err); ok && text != known.Message {
		known.Message, known.Err = text, nil
	}
	if b.bounds.outOfMemory(text) {
		what, _, _ := strings.Cut(text, ": ")
		return paas.Errorf(paas.Failed, "%s: out of memory: the steps of a build may use %s", what, b.spec.Limits.Memory).
			WithHint("paas build:set memory=%s -a %s", strings.ReplaceAll((2*b.spec.Limits.Memory).String(), " ", ""), b.spec.Name).Because(err)
	}
	return err
}

func (b *imageBuild) follow(ctx context.Context, src io.Reader, options client.ImageBuildOptions) (string, error) {
	var progress buildProgress = &trace{events: b.event, mask: b.mask}
	if b.version == build.BuilderV1 {
		progress = &classic{events: b.event, now: time.Now}
	}
	result, err := b.client.ImageBuild(ctx, src, options)
	if err != nil {
		return "", refused(err)
	}
	canceled := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(canceled)
		b.cancelBuild(options.BuildID)
	})
	defer func() {
		if !stop() {
			<-canceled
		}
	}()
	id, err := followBuild(result.Body, progress)
	return id, errors.Join(err, result.Body.Close())
}

func (b *imageBuild) event(e paas.BuildEvent) {
	b.bases.learn(e.Name)
	if strings.Contains(e.Name, " RUN ") && !e.Completed.IsZero() && e.Completed.Sub(e.Started) > longStep {
		b.long = true
	}
	b.events(e)
}

func (b *imageBuild) options() client.ImageBuildOptions {
	o := client.ImageBuildOptions{
		Version:     b.version,
		BuildID:     rand.Text(),
		Tags:        []string{b.tag(b.spec)},
		Dockerfile:  b.spec.Dockerfile,
		NoCache:     b.spec.NoCache,
		Remove:      true,
		ForceRemove: true,
		NetworkMode: string(b.spec.Network),
		BuildArgs:   map[string]*string{},
		Labels: map[string]string{
			labelInstallation: b.installation, labelApp: b.spec.Name, labelAppID: b.spec.App,
			labelBuild: strconv.Itoa(b.spec.Build), labelCommit: b.spec.Commit,
		},
	}
	for name, value := range b.spec.Args {
		o.BuildArgs[name] = &value
	}
	if b.version == build.BuilderV1 { // BuildKit ignores them: see bounds
		o.Memory, o.MemorySwap = int64(b.spec.Limits.Memory), int64(b.spec.Limits.Memory)
		o.CPUPeriod, o.CPUQuota = cpuPeriod, int64(b.spec.Limits.CPUs*cpuPeriod)
		o.CPUShares = 204
	}
	return o
}

// tag is the name of a build's image.
func (d *Docker) tag(spec paas.ImageSpec) string {
	return d.repository(spec.App) + ":b" + strconv.Itoa(spec.Build)
}

// cgroupRoot is where every Linux has its cgroups.
const cgroupRoot = "/sys/fs/cgroup"

// bound begins to hold the build to its limits, and to a low weight in any case. nil: this engine's builds cannot be.
func (b *imageBuild) bound(options *client.ImageBuildOptions) *bounds {
	g, ok := openGroups(cgroupRoot)
	if !ok || os.Geteuid() != 0 || !strings.HasPrefix(b.client.DaemonHost(), "unix://") {
		if b.spec.Limits != (paas.BuildLimits{}) {
			b.warnUnbounded("paasd would have to be root on the engine's host")
		}
		return nil
	}
	bounds := &bounds{
		marker: b.installation + "." + strings.ToLower(b.spec.App) + ".build.invalid",
		limits: b.spec.Limits, groups: g, proc: "/proc", log: b.log,
	}
	noProxy := bounds.marker
	for _, name := range []string{"NO_PROXY", "no_proxy"} {
		if set := options.BuildArgs[name]; set != nil && *set != "" {
			noProxy = *set + "," + bounds.marker
			delete(options.BuildArgs, name)
		}
	}
	options.BuildArgs["NO_PROXY"] = &noProxy
	bounds.start()
	return bounds
}

// longStep is how long a step runs that has to have been found.
const longStep = 2 * time.Second

// warnUnbounded tells the operator, once, that limits do not hold.
func (b *imageBuild) warnUnbounded(reason string) {
	b.unbounded.Do(func() {
		b.log.Warn("builds on this engine cannot be bounded: their memory and CPU limits do not hold", "reason", reason)
	})
}

// authConfigs is how the builder that was before BuildKit is told of registries.
func authConfigs(logins []paas.RegistryLogin) map[string]registry.AuthConfig {
	configs := map[string]registry.AuthConfig{}
	for _, l := range logins {
		c := authConfig(l)
		configs[c.ServerAddress] = c
	}
	return configs
}
