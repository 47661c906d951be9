package plan

import (
	"cmp"

	"paas"
)

// static is a folder of files, served by the platform's own server: the one of the settings, or the one that index.html is in.
func static() language { return language{name: "static", detect: detectStatic, plan: planStatic} }

// index is what makes a folder a site.
const index = "index.html"

func detectStatic(t tree, s Settings) (string, error) {
	if s.Root != "" {
		if found, err := t.folder(s.Root); !found || err != nil {
			return "", err
		}
		return s.Root, nil
	}
	return t.first(index, "public/"+index)
}

func planStatic(t tree, s Settings) (Plan, error) {
	root := s.Root
	if root == "" {
		found, err := t.first(index, "public/"+index)
		if err != nil {
			return Plan{}, err
		}
		if root = "."; found != index {
			root = "public"
		}
	}
	image, err := s.static()
	if err != nil {
		return Plan{}, err
	}
	p := Plan{Ignore: []string{".git"}}
	d := newScript(s)
	d.stage(image, "")
	d.copy(siteDir, root)
	d.serve("")
	p.Text, err = d.text()
	return p, err
}

// static is the image that serves static sites.
func (s Settings) static() (string, error) {
	if s.Static == nil {
		return "", paas.Errorf(paas.Unavailable, "this platform has no image to serve static sites with").WithHint("commit a Dockerfile")
	}
	return s.Static()
}

// siteDir is where the static server finds the site in its image.
const siteDir = "/app"

// serve ends a last stage that is made on the image of the static server. fallback is the page for paths that are not there,
// unless the settings name another; "": none.
func (d *script) serve(fallback string) {
	var flags []string
	if fallback = cmp.Or(d.settings.Fallback, fallback); fallback != "" {
		flags = []string{"--fallback", fallback}
	}
	d.workdir(siteDir)
	d.write("USER " + appID + ":" + appID)
	d.write("CMD " + list(append([]string{"/paasd", "static"}, flags...)...))
}
