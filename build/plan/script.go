package plan

import (
	"encoding/json"
	"fmt"
	"strings"

	"paas"
)

// script writes the text of a Dockerfile, one instruction after the other. The first thing that may not stand in it is kept as
// its error, which text returns.
type script struct {
	settings Settings
	b        strings.Builder
	err      error
}

func newScript(s Settings) *script { return &script{settings: s} }

// text is the finished Dockerfile.
func (d *script) text() (string, error) { return d.b.String(), d.err }

// The user that final stages run as: the number is free in every base image, and the engine takes it without a look at the
// image's own list of users.
const (
	appUser   = "app"
	appID     = "65532"
	appPasswd = appUser + ":x:" + appID + ":" + appID + "::/app:/bin/sh"
	appGroup  = appUser + ":x:" + appID + ":"
)

// write adds one instruction of several lines, none of which can become another instruction.
func (d *script) write(lines ...string) {
	for i, line := range lines {
		if !plain(line) || strings.HasSuffix(line, `\`) || line == "" {
			if d.err == nil {
				d.err = paas.Errorf(paas.Invalid, "%s cannot be part of a Dockerfile", paas.Quote(line)).
					WithHint("remove control characters from the names and commands in the repository, or commit a Dockerfile")
			}
			return
		}
		if i > 0 {
			d.b.WriteString(" \\\n    ")
		}
		d.b.WriteString(line)
	}
	d.b.WriteByte('\n')
}

// comment says why, to whoever reads or ejects the file.
func (d *script) comment(format string, args ...any) { d.write("# " + fmt.Sprintf(format, args...)) }

// stage begins a stage. Only stages that install or build have args.
func (d *script) stage(image, name string) {
	if d.b.Len() > 0 {
		d.b.WriteByte('\n')
	}
	if name == "" {
		d.write("FROM " + image)
		return
	}
	d.write("FROM " + image + " AS " + name)
}

// args declares the build's arguments; the steps of the stage after it have them as environment variables.
func (d *script) args() {
	for _, name := range d.settings.Args {
		d.write("ARG " + name)
	}
}

// env sets environment variables, one instruction for all: name, value, …; values are the planner's own.
func (d *script) env(pairs ...string) {
	words := make([]string, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		words = append(words, pairs[i]+"="+pairs[i+1])
	}
	d.write("ENV " + strings.Join(words, " "))
}

func (d *script) workdir(dir string) { d.write("WORKDIR " + dir) }

// copy copies files of the repository, which become root's.
func (d *script) copy(target string, sources ...string) {
	d.write("COPY " + list(append(sources, target)...))
}

// copyFrom copies out of another stage, as it is.
func (d *script) copyFrom(stage, source, target string) {
	d.write("COPY --from=" + stage + " " + list(source, target))
}

// give copies out of another stage, or out of the repository for stage "", what the user app shall own.
func (d *script) give(stage, source, target string) {
	from := ""
	if stage != "" {
		from = "--from=" + stage + " "
	}
	d.write("COPY " + from + "--chown=" + appID + ":" + appID + " " + list(source, target))
}

// cache is a folder that is kept from build to build and is in no image. Its id begins with the app's own.
type cache struct {
	name, dir string
	// locked makes steps that run at one time take turns, for tools that do not lock the folder themselves.
	locked bool
}

func (c cache) mount(prefix string) string {
	m := "--mount=type=cache,id=" + prefix + "-" + c.name + ",target=" + c.dir
	if c.locked {
		m += ",sharing=locked"
	}
	return m
}

// OtherCaches is the text of a generated Dockerfile whose cache mounts begin with cache in place of what the settings had. The tree
// keeps the other one: what a file says of caches is no difference between two builds.
func OtherCaches(text, had, cache string) string {
	const mount = "--mount=type=cache,id="
	return strings.ReplaceAll(text, mount+had+"-", mount+cache+"-")
}

// run adds a step that needs nothing from outside. Its commands are run by the shell, each if those before succeeded.
func (d *script) run(commands ...string) { d.write(steps("RUN", nil, commands)...) }

// install adds a step that installs or builds: with the caches, and with each of the build's secrets in the environment, of
// this step only.
func (d *script) install(caches []cache, commands ...string) {
	var mounts, exports []string
	for _, c := range caches {
		mounts = append(mounts, c.mount(d.settings.Cache))
	}
	for _, name := range d.settings.Secrets {
		mounts = append(mounts, "--mount=type=secret,id="+name)
		file := "/run/secrets/" + name
		exports = append(exports, fmt.Sprintf(`if [ -f %s ]; then export %s="$(cat %s)"; fi`, file, name, file))
	}
	d.write(steps("RUN", mounts, append(exports, commands...))...)
}

// steps are the lines of a RUN.
func steps(instruction string, mounts, commands []string) []string {
	lines := append([]string{}, mounts...)
	for i, c := range commands {
		if i < len(commands)-1 {
			c += " &&"
		}
		lines = append(lines, c)
	}
	lines[0] = instruction + " " + lines[0]
	return lines
}

// last begins the stage that runs, on an image that has a shell, and makes the user app and its folder.
func (d *script) last(image string) {
	d.stage(image, "")
	d.run(
		"echo '"+appPasswd+"' >> /etc/passwd",
		"echo '"+appGroup+"' >> /etc/group",
		"mkdir -p /app",
		"chown "+appID+":"+appID+" /app",
	)
}

// authorities is where Debian, Alpine and whoever followed them keep the certificate authorities.
const authorities = "/etc/ssl/certs/ca-certificates.crt"

// certificates takes them over from the build's image, for slim images that come without any.
func (d *script) certificates(b base) {
	if !b.own {
		d.copyFrom("build", authorities, authorities)
	}
}

// end finishes the last stage: env besides HOME, the folder, the user and the command, if it is known.
func (d *script) end(argv []string, env ...string) {
	d.env(append([]string{"HOME", "/app"}, env...)...)
	d.workdir("/app")
	d.write("USER " + appID + ":" + appID)
	if len(argv) > 0 {
		d.write("CMD " + list(argv...))
	}
}

// list is a JSON list, which is how Docker takes words that no shell shall read.
func list(words ...string) string {
	text, err := json.Marshal(words)
	if err != nil {
		return "" // strings always marshal; write refuses it
	}
	return string(text)
}
