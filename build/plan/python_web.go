package plan

import (
	"path"
	"regexp"
	"strings"
)

var (
	djangoSettings = regexp.MustCompile(`DJANGO_SETTINGS_MODULE['"]\s*,\s*['"]([A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*)['"]`)
	staticRoot     = regexp.MustCompile(`(?m)^\s*STATIC_ROOT\b`)
	appVariable    = regexp.MustCompile(`(?m)^(app|application)\s*(?::[^=\n]+)?=\s*([A-Za-z0-9_.]+)\(`)
)

// django is the module of a Django project's settings: mysite.settings. "": it is none.
func (p pythonProject) django(t *look) string {
	if !p.needs["django"] || !t.has("manage.py") {
		return ""
	}
	m := djangoSettings.FindSubmatch(t.text("manage.py"))
	if m == nil {
		return ""
	}
	return string(m[1])
}

// collects says whether the settings have a STATIC_ROOT, which collectstatic does not run without: in the module, or in any file
// of the package.
func collects(t *look, settings string) bool {
	file := strings.ReplaceAll(settings, ".", "/")
	names := []string{file + ".py"}
	// mysite.settings.production shares what mysite/settings/base.py says.
	for _, dir := range []string{file, path.Dir(file)} {
		if path.Base(dir) == "settings" {
			names = append(names, t.names(dir, ".py")...)
		}
	}
	for _, name := range names {
		if t.has(name) && staticRoot.Match(t.text(name)) {
			return true
		}
	}
	return false
}

// web is the command that serves the project, as far as its files leave no doubt; "" otherwise.
func (p pythonProject) web(t *look, settings string) string {
	if settings != "" {
		if site, _, ok := strings.Cut(settings, "."); ok {
			switch {
			case p.needs["gunicorn"] && t.has(site+"/wsgi.py"):
				return gunicorn(site + ".wsgi")
			case p.needs["uvicorn"] && t.has(site+"/asgi.py"):
				return uvicorn(site + ".asgi:application")
			}
		}
		return ""
	}
	for _, name := range []string{"wsgi.py", "asgi.py", "app.py", "main.py", "app/main.py"} {
		if !t.has(name) {
			continue
		}
		m := appVariable.FindStringSubmatch(string(t.text(name)))
		if m == nil {
			continue
		}
		module := strings.ReplaceAll(strings.TrimSuffix(name, ".py"), "/", ".") + ":" + m[1]
		switch asgi := asyncFramework(m[2]); {
		case asgi && p.needs["uvicorn"]:
			return uvicorn(module)
		case !asgi && p.needs["gunicorn"] && !p.needs["uvicorn"]: // with both, who knows what create_app() makes
			return gunicorn(module)
		}
	}
	return ""
}

// asyncFramework says whether what makes the app makes one of the ASGI kind.
func asyncFramework(maker string) bool {
	maker = maker[strings.LastIndex(maker, ".")+1:]
	switch maker {
	case "FastAPI", "Starlette", "Quart", "Litestar", "get_asgi_application":
		return true
	}
	return false
}

func gunicorn(module string) string { return "gunicorn --bind 0.0.0.0:$PORT " + module }

func uvicorn(module string) string { return "uvicorn --host 0.0.0.0 --port $PORT " + module }
