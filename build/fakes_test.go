package build

import (
	"context"
	"io"
	"io/fs"
	"slices"
	"sync"
	"time"

	"paas"
)

// memory keeps records as the store does.
type memory struct {
	mu      sync.Mutex
	apps    map[string]paas.App
	configs map[string]paas.Config
	builds  map[string][]paas.Build
	full    bool // no space for an update

	secrets map[string]string
}

func newMemory() *memory {
	return &memory{apps: map[string]paas.App{}, configs: map[string]paas.Config{}, builds: map[string][]paas.Build{}}
}

func (m *memory) put(app paas.App) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.apps[app.ID] = app
}

func (m *memory) BuildSecretValues(string) (map[string]string, error) { return m.secrets, nil }

func (m *memory) drop(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.apps, id)
}

func (m *memory) App(id string) (paas.App, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	app, ok := m.apps[id]
	if !ok {
		return app, paas.Errorf(paas.NotFound, "there is no app %q", id).WithHint("paas apps")
	}
	return app, nil
}

func (m *memory) AppByName(name string) (paas.App, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, app := range m.apps {
		if app.Name == name {
			return app, nil
		}
	}
	return paas.App{}, paas.Errorf(paas.NotFound, "there is no app %q", name).WithHint("paas apps")
}

func (m *memory) configure(app string, c paas.Config) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.configs[app] = c
}

func (m *memory) Config(app string, _ int) (paas.Config, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.configs[app], nil
}

func (m *memory) AppendBuild(b paas.Build) (paas.Build, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b.ID = len(m.builds[b.App]) + 1
	b.CreatedAt = time.Now()
	m.builds[b.App] = append(m.builds[b.App], b)
	return b, nil
}

func (m *memory) UpdateBuild(b paas.Build) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.full && b.Status.Final() {
		return paas.NoSpace(nil, "for paas.db")
	}
	m.builds[b.App][b.ID-1] = b
	return nil
}

// fill leaves no space for the ends of builds, or makes some.
func (m *memory) fill(full bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.full = full
}

func (m *memory) Build(app string, id int) (paas.Build, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if id < 1 || id > len(m.builds[app]) {
		return paas.Build{}, paas.Errorf(paas.NotFound, "there is no build %d", id)
	}
	return m.builds[app][id-1], nil
}

func (m *memory) Builds(app string) ([]paas.Build, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	builds := slices.Clone(m.builds[app])
	slices.Reverse(builds)
	return builds, nil
}

func (m *memory) UnfinishedBuilds() ([]paas.Build, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []paas.Build
	for _, builds := range m.builds {
		for _, b := range builds {
			if !b.Status.Final() {
				all = append(all, b)
			}
		}
	}
	return all, nil
}

// builder is an image builder that reads the source and does what the test says.
type builder struct {
	mu    sync.Mutex
	files map[string]string // of the last source: content, or "-> target" of a link
	modes map[string]int64
	specs []paas.ImageSpec
	// do plays the build; nil succeeds at once.
	do func(ctx context.Context, spec paas.ImageSpec, events func(paas.BuildEvent)) error
}

const imageID = "sha256:12ab34cd56ef12ab34cd56ef12ab34cd56ef12ab34cd56ef12ab34cd56ef12ab"

func (b *builder) BuildImage(ctx context.Context, src fs.FS, spec paas.ImageSpec, events func(paas.BuildEvent)) (paas.Image, error) {
	files, modes, err := readAll(src)
	b.mu.Lock()
	b.files, b.modes = files, modes
	b.specs = append(b.specs, spec)
	do := b.do
	b.mu.Unlock()
	if err != nil {
		return paas.Image{}, err
	}
	if do != nil {
		if err := do(ctx, spec, events); err != nil {
			return paas.Image{}, err
		}
	}
	return paas.Image{ID: imageID}, nil
}

func (b *builder) PullImage(ctx context.Context, ref string, spec paas.ImageSpec, events func(paas.BuildEvent)) (paas.Image, error) {
	events(paas.BuildEvent{Base: paas.BaseImage{Ref: ref, Digest: "sha256:1"}})
	b.mu.Lock()
	do := b.do
	b.mu.Unlock()
	if do != nil {
		if err := do(ctx, spec, events); err != nil {
			return paas.Image{}, err
		}
	}
	return paas.Image{ID: imageID, Ref: ref + "@sha256:1"}, nil
}

func (b *builder) plays(do func(ctx context.Context, spec paas.ImageSpec, events func(paas.BuildEvent)) error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.do = do
}

func (b *builder) source() (files map[string]string, modes map[string]int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.files, b.modes
}

// lastSpec is what the builder was told last.
func (b *builder) lastSpec() paas.ImageSpec {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.specs[len(b.specs)-1]
}

func (b *builder) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.specs)
}

// readAll reads a source: "-> target" of a link, and folders with a slash at their ends.
func readAll(src fs.FS) (files map[string]string, modes map[string]int64, err error) {
	files, modes = map[string]string{}, map[string]int64{}
	err = fs.WalkDir(src, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		text := ""
		switch d.Type() {
		case fs.ModeDir:
			name += "/"
		case fs.ModeSymlink:
			text, err = fs.ReadLink(src, name)
			text = "-> " + text
		default:
			var content []byte
			content, err = fs.ReadFile(src, name)
			text = string(content)
		}
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil {
			files[name], modes[name] = text, int64(info.Mode().Perm())
		}
		return err
	})
	return files, modes, err
}

// gate lets a test hold builds: each says that it began and goes on when it is let.
type gate struct {
	began chan string // the app's name
	open  chan struct{}
}

func newGate() *gate { return &gate{began: make(chan string, 16), open: make(chan struct{})} }

func (g *gate) hold(ctx context.Context, spec paas.ImageSpec, _ func(paas.BuildEvent)) error {
	g.began <- spec.Name
	select {
	case <-g.open:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// deployer counts what it deploys.
type deployer struct {
	mu      sync.Mutex
	commits []string
	do      func(ctx context.Context, b paas.Build, progress io.Writer) error
}

func (d *deployer) Deploy(ctx context.Context, app string, b paas.Build, progress io.Writer) (paas.Release, error) {
	d.mu.Lock()
	do := d.do
	d.mu.Unlock()
	if do != nil {
		if err := do(ctx, b, progress); err != nil {
			return paas.Release{}, err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.commits = append(d.commits, b.Commit)
	_, _ = io.WriteString(progress, "-----> Released v"+string(rune('0'+len(d.commits)))+"\n")
	return paas.Release{App: app, Version: len(d.commits)}, nil
}

func (d *deployer) plays(do func(ctx context.Context, b paas.Build, progress io.Writer) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.do = do
}

func (d *deployer) deployed() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.commits)
}
