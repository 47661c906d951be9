package router

import (
	"path/filepath"

	"paas"
)

// placed is what a controller knows of the files that its tables name. Its users hold the turn.
type placed struct {
	files    Files
	there    map[string]bool // that were found, or put, since the target's log began
	current  map[string]bool // that the table on disk names
	previous map[string]bool // that the one kept from before names
}

func newPlaced(dir string, t Table) placed {
	p := placed{files: FilesIn(dir), there: map[string]bool{}, current: filesOf(t)}
	if prev, err := load(filepath.Join(dir, prevFile)); err == nil { // else nobody can start from it
		p.previous = filesOf(prev)
	}
	return p
}

func filesOf(t Table) map[string]bool {
	names := map[string]bool{}
	for _, r := range t.Routes {
		for _, name := range r.Files() {
			names[name] = true
		}
	}
	return names
}

// placeFiles puts what t names and is not there yet. What cannot be is logged only: t goes live all the same, and the target
// says what it misses.
func (c *Controller) placeFiles(t Table) {
	for _, r := range t.Routes {
		for _, name := range r.Files() {
			if c.placed.there[name] {
				continue
			}
			if err := c.placeFile(r.App, name); err != nil {
				c.opts.Log.Error("a file of a route cannot be put in its place", "app", r.App, "file", name, "error", err)
				continue
			}
			c.placed.there[name] = true
		}
	}
}

func (c *Controller) placeFile(app, name string) error {
	_, err := c.placed.files.Get(name)
	if paas.CodeOf(err) != paas.NotFound {
		return err
	}
	data, err := c.opts.File(app, name)
	if err != nil {
		return err
	}
	_, err = c.placed.files.Put(data)
	return err
}

// saved tells that t is on disk, and the one before it kept if keep. Files that only older ones named go.
func (c *Controller) saved(t Table, keep bool) {
	p := &c.placed
	if keep {
		p.previous = p.current
	}
	p.current = filesOf(t)
	for name := range p.there {
		if !p.current[name] && !p.previous[name] {
			c.sweep(t)
			return
		}
	}
}

// sweep removes the files that neither t nor the tables on disk name.
func (c *Controller) sweep(t Table) {
	p, live := &c.placed, filesOf(t)
	named := func(name string) bool { return live[name] || p.current[name] || p.previous[name] }
	if err := p.files.Retain(named); err != nil {
		c.opts.Log.Warn("files that no route names are left", "error", err)
	}
	for name := range p.there {
		if !named(name) {
			delete(p.there, name)
		}
	}
}

// replaceFiles looks at all files again: some may be missing, after a restore, or be left over from a kill.
func (c *Controller) replaceFiles(t Table) {
	clear(c.placed.there)
	c.placeFiles(t)
	c.sweep(t)
}
