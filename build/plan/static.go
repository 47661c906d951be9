package plan

import "paas"

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
	if s.Static == "" {
		return Plan{}, noStatic()
	}
	p := Plan{Ignore: []string{".git"}}
	d := newScript(s)
	d.stage(s.Static, "")
	d.copy(siteDir, root)
	d.serve(s.Fallback, false)
	var err error
	p.Text, err = d.text()
	return p, err
}

func noStatic() error {
	return paas.Errorf(paas.Internal, "this platform has no image to serve static sites with")
}

// siteDir is where the static server finds the site in its image.
const siteDir = "/app"

// serve ends a last stage that is made on the image of the static server. The fallback is the setting's; for a single page "" is that page.
func (d *script) serve(fallback string, single bool) {
	argv := []string{"/paasd", "static"}
	if fallback == "" && single {
		fallback = index
	}
	if fallback != "" {
		argv = append(argv, "--fallback", fallback)
	}
	d.workdir(siteDir)
	d.write("USER " + appID + ":" + appID)
	d.write("CMD " + list(argv...))
}
