package e2e

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"paas/test/platform"
)

// Repositories without a Dockerfile, in languages that run from their sources: pushed, detected, built, served, and built again
// after one line has changed. Their packages are in the repository, as no registry need answer.
func TestInterpretedLanguages(t *testing.T) {
	t.Parallel()
	p := platform.Start(t, platform.Options{})
	for name, test := range map[string]func(*testing.T) interpreted{"Python": pythonApp, "Django": djangoApp, "Ruby": rubyApp, "Rails": railsApp, "PHP": phpApp} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t).live(t, p)
		})
	}
}

// interpreted is such a repository, and what has to come of it.
type interpreted struct {
	files map[string]string
	// says is what the push has to tell; source is the file that has "one" in it, and path what serves that.
	says         []string
	source, path string
	// installs is what is printed while packages are installed, which a change of the source must not do again; "" where the
	// packages are a part of the sources.
	installs string
}

func (l interpreted) live(t *testing.T, p *platform.Platform) {
	app := p.App(t, platform.Fixture{Dockerfile: "-", Procfile: "-", NoProbe: true, Files: l.files})
	began := time.Now()
	first := app.Push()
	cold := time.Since(began)
	if said := first.Stderr; !containsAll(said, l.says) {
		t.Errorf("the push does not say %q\n%s", l.says, said)
	}
	app.Get(l.path).Must(t, 200, "hello one")
	who := app.Do("paas", "run", "--", "sh", "-c", "id -u; pwd; echo $HOME; ls -d /usr/share/zoneinfo/Europe /etc/ssl/certs/ca-certificates.crt; touch written").Stdout
	if want := "65532\n/app\n/app\n/etc/ssl/certs/ca-certificates.crt\n/usr/share/zoneinfo/Europe\n"; strings.ReplaceAll(who, "\r", "") != want {
		t.Errorf("a process of the image finds %q, not %q", who, want)
	}

	app.Write(l.source, strings.ReplaceAll(l.files[l.source], "one", "two"))
	app.Commit("Two")
	began = time.Now()
	second := app.Push()
	warm := time.Since(began)
	app.Get(l.path).Must(t, 200, "hello two")
	if l.installs != "" && (!strings.Contains(first.Stderr, l.installs) || strings.Contains(second.Stderr, l.installs)) {
		t.Errorf("packages are installed again, or never\n%s\n%s", first.Stderr, second.Stderr)
	}
	t.Logf("pushed and served in %.1fs, after a changed line in %.1fs", cold.Seconds(), warm.Seconds())
}

func containsAll(text string, parts []string) bool {
	return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(text, part) })
}

func pythonApp(*testing.T) interpreted {
	return interpreted{
		files: map[string]string{
			".python-version":  "3\n",
			"requirements.txt": "greeting @ file:///app/vendor/greeting-1.0-py3-none-any.whl\n",
			"vendor/greeting-1.0-py3-none-any.whl": wheel("greeting", map[string]string{
				"greeting.py": "def greet(name): return 'hello ' + name\n",
			}),
			"Procfile": "web: python app.py\n",
			"app.py": `
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from greeting import greet

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(greet("one").encode())

print("listening")
HTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
`,
		},
		says: []string{"requirements.txt", "Python 3 (.python-version)"}, source: "app.py", path: "/",
	}
}

// djangoApp has a package that stands in for Django: collectstatic is called as Django's would be. It has a settings module that
// wants a secret key, and serves what was collected.
func djangoApp(*testing.T) interpreted {
	return interpreted{
		files: map[string]string{
			".python-version":  "3\n",
			"pyproject.toml":   "[project]\nname = 'site'\nversion = '1'\ndependencies = ['django @ file:///app/vendor/django-1.0-py3-none-any.whl']\ndynamic = ['dependencies']\n",
			"requirements.txt": "Django @ file:///app/vendor/django-1.0-py3-none-any.whl\n",
			"vendor/django-1.0-py3-none-any.whl": wheel("django", map[string]string{
				"django/__init__.py": "",
				"django/core.py": `
import os, shutil, sys
def execute(argv):
    if argv[1:] != ["collectstatic", "--noinput"]: sys.exit("what is " + str(argv))
    from mysite import settings
    shutil.copytree("assets", settings.STATIC_ROOT)
    print("collected", len(os.listdir("assets")))
`,
			}),
			"manage.py": `
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
from django.core import execute
execute(sys.argv)
`,
			"mysite/__init__.py":   "",
			"mysite/settings.py":   "import os\nSECRET_KEY = os.environ['SECRET_KEY']\nSTATIC_ROOT = 'static'\n",
			"assets/greeting.html": "hello one",
			"Procfile":             "web: python -m http.server --directory static $PORT\n",
		},
		says: []string{"collectstatic", "collected 1"}, source: "assets/greeting.html", path: "/greeting.html",
	}
}

func rubyApp(t *testing.T) interpreted {
	versions := gemVersions(t, "nio4r", "puma", "rack")
	return interpreted{
		files: map[string]string{
			".ruby-version": "3\n",
			"Gemfile":       "source 'https://rubygems.org'\ngem 'puma'\ngem 'rack'\ngem 'greeting'\n",
			"Gemfile.lock": fmt.Sprintf(`GEM
  remote: https://rubygems.org/
  specs:
    greeting (1.0.0)
    nio4r (%s)
    puma (%s)
      nio4r (~> 2.0)
    rack (%s)

PLATFORMS
  ruby

DEPENDENCIES
  greeting
  puma
  rack
`, versions[0], versions[1], versions[2]),
			"vendor/cache/greeting-1.0.0.gem": rubygem(t, "greeting", "def greet(name) = \"hello #{name}\"\n"),
			"config.ru":                       "require 'greeting'\nrun ->(env) { [200, {'content-type' => 'text/plain'}, [greet('one')]] }\n",
		},
		says: []string{"Gemfile", "Ruby 3 (.ruby-version)"}, source: "config.ru", path: "/", installs: "Installing greeting 1.0.0",
	}
}

// railsApp has gems that stand in for Rails and its asset pipeline: rake assets:precompile is called as theirs would be, with a
// secret and with node, and has to have made what is served.
func railsApp(t *testing.T) interpreted {
	versions := gemVersions(t, "nio4r", "puma", "rack", "rake")
	return interpreted{
		files: map[string]string{
			".ruby-version": "3\n",
			"Gemfile":       "source 'https://rubygems.org'\ngem 'puma'\ngem 'rack'\ngem 'rake'\ngem 'railties'\ngem 'propshaft'\n",
			"Gemfile.lock": fmt.Sprintf(`GEM
  remote: https://rubygems.org/
  specs:
    nio4r (%s)
    propshaft (1.0.0)
    puma (%s)
      nio4r (~> 2.0)
    rack (%s)
    railties (1.0.0)
    rake (%s)

PLATFORMS
  ruby

DEPENDENCIES
  propshaft
  puma
  rack
  railties
  rake
`, versions[0], versions[1], versions[2], versions[3]),
			"vendor/cache/railties-1.0.0.gem":  rubygem(t, "railties", "\n"),
			"vendor/cache/propshaft-1.0.0.gem": rubygem(t, "propshaft", "\n"),
			"config/application.rb":            "\n",
			"Rakefile":                         "task('assets:precompile') { ENV.fetch('SECRET_KEY_BASE_DUMMY'); sh 'node', 'build.js' }\n",
			"build.js":                         "require('fs').mkdirSync('public'); require('fs').writeFileSync('public/page', 'hello ' + require('./name.json').name)\n",
			"name.json":                        `{"name": "one"}`,
			"package.json":                     `{"name": "assets", "version": "1.0.0"}`,
			"package-lock.json":                `{"name": "assets", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": {"name": "assets", "version": "1.0.0"}}}`,
			"config.ru":                        "run ->(env) { [200, {'content-type' => 'text/plain'}, [ENV['RAILS_ENV'] == 'production' ? File.read('public/page') : 'what?']] }\n",
			"Procfile":                         "web: bundle exec puma --port $PORT\n",
		},
		says: []string{"rake assets:precompile", "Node 24 for the assets"}, source: "name.json", path: "/", installs: "Installing railties 1.0.0",
	}
}

// gemVersions are those of gems that the image has, so that they need not come from a registry; else some that there are.
func gemVersions(t *testing.T, names ...string) []string {
	t.Helper()
	versions := strings.Fields(inImage(t, "ruby:3", append([]string{"ruby", "-e", `
there = {"nio4r" => "2.7.4", "puma" => "6.6.0", "rack" => "2.2.17", "rake" => "13.2.1"}
ARGV.each { |name| puts (Gem::Specification.find_by_name(name).version rescue there.fetch(name)) }`}, names...)...))
	if len(versions) != len(names) {
		t.Fatalf("ruby:3 has %q of %q", versions, names)
	}
	return versions
}

func phpApp(t *testing.T) interpreted {
	version := inImage(t, "php:8-apache", "php", "-r", "echo PHP_MAJOR_VERSION . '.' . PHP_MINOR_VERSION;")
	return interpreted{
		files: map[string]string{
			"composer.json": `{"require": {"php": "` + version + `.*", "ext-mbstring": "*", "ours/greeting": "^1"}, "repositories": [{"type": "path", "url": "packages/greeting"}, {"packagist.org": false}]}`,
			"composer.lock": `{"content-hash": "", "packages": [{"name": "ours/greeting", "version": "1.0.0", "type": "library", "autoload": {"files": ["greet.php"]},
  "dist": {"type": "path", "url": "packages/greeting", "reference": "1"}}], "packages-dev": [], "aliases": [], "minimum-stability": "stable", "stability-flags": {},
  "prefer-stable": false, "prefer-lowest": false, "platform": {}, "platform-dev": {}}`,
			"packages/greeting/composer.json": `{"name": "ours/greeting", "version": "1.0.0", "autoload": {"files": ["greet.php"]}}`,
			"packages/greeting/greet.php":     "<?php function greet($name) { return 'hello ' . mb_strtolower($name); }\n",
			"public/index.php":                "<?php require __DIR__ . '/../vendor/autoload.php'; echo greet('one');\n",
			"public/.htaccess":                "RewriteEngine On\nRewriteRule ^ index.php [L]\n",
		},
		says: []string{"composer.json", "PHP " + version, "Document root: public"}, source: "public/index.php", path: "/any/where",
	}
}

// inImage runs a command in a container of a base image.
func inImage(t *testing.T, image string, argv ...string) string {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "docker", append([]string{"run", "--rm", image}, argv...)...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s (test/images.sh makes the image)", err, stderr.String())
	}
	return string(out)
}

// wheel is a Python package in version 1.0, as pip installs it.
func wheel(name string, files map[string]string) string {
	info := name + "-1.0.dist-info/"
	files = maps.Clone(files)
	files[info+"METADATA"] = "Metadata-Version: 2.1\nName: " + name + "\nVersion: 1.0\n"
	files[info+"WHEEL"] = "Wheel-Version: 1.0\nGenerator: paas\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
	record := info + "RECORD,,\n"
	for _, file := range slices.Sorted(maps.Keys(files)) {
		sum := sha256.Sum256([]byte(files[file]))
		record += fmt.Sprintf("%s,sha256=%s,%d\n", file, base64.RawURLEncoding.EncodeToString(sum[:]), len(files[file]))
	}
	files[info+"RECORD"] = record
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, file := range slices.Sorted(maps.Keys(files)) {
		part, err := w.Create(file)
		if err == nil {
			_, err = part.Write([]byte(files[file]))
		}
		if err != nil {
			panic(err) // a buffer takes everything
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.String()
}

// rubygem is a gem in version 1.0.0 of one file, as gem build makes it.
func rubygem(t *testing.T, name, code string) string {
	zero := "!ruby/object:Gem::Requirement\n  requirements:\n  - - \">=\"\n    - !ruby/object:Gem::Version\n      version: '0'\n"
	spec := "--- !ruby/object:Gem::Specification\nname: " + name + "\nversion: !ruby/object:Gem::Version\n  version: 1.0.0\nplatform: ruby\n" +
		"authors:\n- paas\nautorequire:\nbindir: bin\ncert_chain: []\ndate: 2024-01-01 00:00:00.000000000 Z\ndependencies: []\ndescription:\nemail:\n" +
		"executables: []\nextensions: []\nextra_rdoc_files: []\nfiles:\n- lib/" + name + ".rb\nhomepage:\nlicenses: []\nmetadata: {}\npost_install_message:\n" +
		"rdoc_options: []\nrequire_paths:\n- lib\nrequired_ruby_version: " + zero + "required_rubygems_version: " + zero +
		"requirements: []\nrubygems_version: 3.3.15\nsigning_key:\nspecification_version: 4\nsummary: Greets.\ntest_files: []\n"
	return tarball(t, map[string]string{
		"metadata.gz": gzipped(t, spec),
		"data.tar.gz": gzipped(t, tarball(t, map[string]string{"lib/" + name + ".rb": code})),
	})
}

func tarball(t *testing.T, files map[string]string) string {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name])), Format: tar.FormatUSTAR}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func gzipped(t *testing.T, text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
