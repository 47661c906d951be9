package plan

import (
	"maps"
	"path"
	"slices"
	"strings"

	"paas"
)

// python installs into a virtual environment in /venv, apart from the sources in /app, which come and go in the build.
func python() language { return language{name: "python", detect: detectPython, plan: planPython} }

var (
	pythonCache  = []cache{{name: "python", dir: "/root/.cache"}} // of pip, uv, poetry and pipenv alike
	pythonIgnore = []string{".git", ".venv", "venv", "**/__pycache__", "**/*.pyc"}
)

// pythonLibraries are what packages load that are compiled without their wheels' own copies: names of Debian.
var pythonLibraries = map[string]string{
	"psycopg2": "libpq5", "psycopg": "libpq5", "mysqlclient": "libmariadb3", "python-magic": "libmagic1", "pyodbc": "unixodbc",
}

func planPython(t tree, s Settings) (Plan, error) {
	l := &look{tree: t}
	project, err := readPythonProject(l)
	if err != nil || l.err != nil {
		return Plan{}, first(l.err, err)
	}
	v, from, err := pythonVersion(l, project)
	if err != nil {
		return Plan{}, err
	}
	p := Plan{Ignore: pythonIgnore}
	p.noteVersion("Python", v, from, ".python-version")
	if len(project.unused) > 0 {
		p.note("Installed from %s; not read: %s", project.file, strings.Join(project.unused, ", "))
	}
	settings := project.django(l)
	b := s.base(&p, "python", "python:"+v, "python:"+v+"-slim")
	d := newScript(s)
	d.stage(b.build, "build")
	d.args()
	d.env("PATH", "/venv/bin:$PATH", "VIRTUAL_ENV", "/venv", "PYTHONUNBUFFERED", "1", "PIP_DISABLE_PIP_VERSION_CHECK", "1")
	d.workdir("/app")
	d.run("python3 -m venv /venv")
	project.install(d, v)
	if settings != "" {
		planCollect(l, &p, d, settings)
	}
	d.last(b.run)
	d.libraries(b, project.needs, pythonLibraries)
	d.certificates(b)
	d.copyFrom("build", "/venv", "/venv")
	d.give("build", "/app", "/app")
	web := project.web(l, settings)
	if web == "" && !s.Procfile {
		return Plan{}, first(l.err, noWeb("gunicorn --bind 0.0.0.0:$PORT app:app"))
	}
	d.end(shell(web), "PATH", "/venv/bin:$PATH", "VIRTUAL_ENV", "/venv", "PYTHONUNBUFFERED", "1", "PYTHONDONTWRITEBYTECODE", "1")
	p.Text, err = d.text()
	return p, first(l.err, err)
}

// install writes the steps that fill /venv and bring the sources to /app.
func (p pythonProject) install(d *script, v string) {
	switch p.tool {
	case "pip":
		p.steps(d, "pip install -r requirements.txt", "")
	case "pipenv":
		d.env("PIPENV_VERBOSITY", "-1")
		d.tool("pipenv")
		p.steps(d, "/tools/bin/pipenv install --deploy", "")
	case "uv":
		d.env("UV_PROJECT_ENVIRONMENT", "/venv", "UV_PYTHON_DOWNLOADS", "never", "UV_LINK_MODE", "copy", "UV_COMPILE_BYTECODE", "1")
		d.tool("uv")
		sync := "/tools/bin/uv sync --locked --no-default-groups"
		p.steps(d, sync+" --no-install-project", sync)
	case "poetry":
		d.tool("poetry")
		install := "/tools/bin/poetry install --only main --no-interaction"
		p.steps(d, install+" --no-root", install)
	default:
		p.installProject(d, v)
	}
}

// steps installs the dependencies before the sources come, if nothing but the input files is needed for them, so that a
// change of the sources alone installs nothing anew.
func (p pythonProject) steps(d *script, dependencies, project string) {
	if p.inputs == nil {
		d.copy("./", ".")
		if p.installs && project != "" {
			dependencies = project
		}
		d.install(pythonCache, dependencies)
		return
	}
	byFolder := map[string][]string{}
	for _, name := range p.inputs {
		dir := path.Dir(name)
		byFolder[dir] = append(byFolder[dir], name)
	}
	for _, dir := range slices.Sorted(maps.Keys(byFolder)) {
		d.copy(dir+"/", byFolder[dir]...)
	}
	d.install(pythonCache, dependencies)
	d.copy("./", ".")
	if p.installs && project != "" {
		d.install(pythonCache, project)
	}
}

// tool installs a package manager, away from what it will install.
func (d *script) tool(name string) {
	d.install(pythonCache, "python3 -m venv /tools", "/tools/bin/pip install "+name)
}

// printDependencies prints what project.dependencies has, a line each.
const printDependencies = `python3 -c 'import tomllib; print("\n".join(tomllib.load(open("pyproject.toml", "rb")).get("project", {}).get("dependencies", [])))'`

// installProject installs with a pyproject.toml alone. pip has no way to install a project's dependencies without it, so they are
// read out of the file, by the library that Python has from 3.11 on.
func (p pythonProject) installProject(d *script, v string) {
	n, _ := parseVersion(v)
	if len(n) > 1 && n.under(number{3, 11}) || p.inputs == nil {
		d.copy("./", ".")
		d.install(pythonCache, "pip install .")
		return
	}
	p.steps(d, printDependencies+" > /tmp/requirements.txt && pip install -r /tmp/requirements.txt", "pip install --no-deps .")
}

// planCollect adds Django's collectstatic where the settings say where to collect to.
func planCollect(l *look, p *Plan, d *script, settings string) {
	if !collects(l, settings) {
		p.note("collectstatic is not run: there is no STATIC_ROOT in %s", settings)
		return
	}
	p.note("Django's collectstatic is run; paas build:set args[DISABLE_COLLECTSTATIC]=1 turns it off")
	d.comment("Settings that want a SECRET_KEY get one that is used for nothing else.")
	d.install(nil, `if [ "${DISABLE_COLLECTSTATIC:-0}" = 0 ]; then SECRET_KEY="${SECRET_KEY:-only-for-collectstatic}" `+
		`python manage.py collectstatic --noinput || { echo "collectstatic failed: give what the settings need with paas build:set `+
		`args[NAME]=VALUE, or turn it off with paas build:set args[DISABLE_COLLECTSTATIC]=1" >&2; exit 1; }; fi`)
}

// noteVersion says which version was chosen, and why.
func (p *Plan) noteVersion(language, v, from, file string) {
	if from == "" {
		p.note("%s %s, the default: a file %s can name another", language, v, file)
		return
	}
	p.note("%s %s (%s)", language, v, oneLine(from))
}

// oneLine is a text of the repository as a note can show it.
func oneLine(s string) string {
	if plain(s) && len(s) <= 100 {
		return s
	}
	return paas.Quote(s)
}

// shell is the argv of a command that has variables in it; nil for none.
func shell(command string) []string {
	if command == "" {
		return nil
	}
	return []string{"sh", "-c", "exec " + command}
}

// noWeb is the error where no file says how the app is served.
func noWeb(example string) error {
	return paas.Errorf(paas.Invalid, "nothing says how to run web: there is no Procfile, and the files leave it open").
		WithHint("add a file Procfile with a line such as `web: %s`, commit it and push again", example)
}

// first is the first error that is one.
func first(errs ...error) error {
	i := slices.IndexFunc(errs, func(err error) bool { return err != nil })
	if i < 0 {
		return nil
	}
	return errs[i]
}

// libraries installs the Debian packages that what was compiled in the build stage loads. An image of the operator's own is
// the same in both stages, so there is nothing to add.
func (d *script) libraries(b base, needs map[string]bool, table map[string]string) {
	var packages []string
	for _, name := range slices.Sorted(maps.Keys(table)) {
		if needs[name] && !slices.Contains(packages, table[name]) {
			packages = append(packages, table[name])
		}
	}
	if b.own || len(packages) == 0 {
		return
	}
	slices.Sort(packages)
	d.run("apt-get update", "apt-get install -y --no-install-recommends "+strings.Join(packages, " "), "rm -rf /var/lib/apt/lists/*")
}
