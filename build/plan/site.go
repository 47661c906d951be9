package plan

import (
	"slices"
	"strings"
)

// site is what a tool of Node builds for a static server.
type site struct {
	tool, dir string
	// single says that one page answers every path, as its router in the browser wants.
	single bool
}

// siteTools are known by their packages, the more particular first.
var siteTools = []struct {
	pkg  string
	site site
}{
	{"react-scripts", site{"react-scripts", "build", true}},
	{"@vue/cli-service", site{"@vue/cli-service", "dist", true}},
	{"@docusaurus/core", site{"@docusaurus/core", "build", false}},
	{"gatsby", site{"gatsby", "public", false}},
	{"astro", site{"astro", "dist", false}},
	{"@11ty/eleventy", site{"@11ty/eleventy", "_site", false}},
	{"parcel", site{"parcel", "dist", true}},
	{"vite", site{"vite", "dist", true}},
}

// siteOf is the static site that a build script makes: where the setting says, else where the tool puts it that is among the
// dependencies. None where there is no build script.
func siteOf(pkg packageJSON, s Settings) site {
	if pkg.Scripts["build"] == "" && pkg.Scripts["heroku-postbuild"] == "" {
		return site{}
	}
	found := site{}
	for _, tool := range siteTools {
		if pkg.has(tool.pkg) {
			found = tool.site
			break
		}
	}
	if s.Root != "" {
		found.dir = s.Root
		if found.tool == "" {
			found.tool = "the build script"
		}
	}
	return found
}

// developmentServer says that a start script is one that is not for production: it builds at each request, and most listen
// on this machine only.
func developmentServer(start string) bool {
	words := strings.Fields(start)
	two := strings.Join(words[:min(2, len(words))], " ")
	return words[0] == "vite" ||
		slices.Contains([]string{"react-scripts start", "vue-cli-service serve", "ng serve", "docusaurus start", "astro dev", "gatsby develop", "parcel serve"}, two) ||
		start == "astro" || start == "parcel"
}

// site ends the build with a check, and the image with the static server.
func (d *script) site(s site) {
	d.run(`if [ ! -d ` + s.dir + ` ]; then echo "the build made no folder ` + s.dir + `: set the one that it makes, paas build:set root=FOLDER" >&2; exit 1; fi`)
	d.stage(d.settings.Static, "")
	d.copyFrom("build", "/app/"+s.dir, siteDir)
	d.serve(d.settings.Fallback, s.single)
}
