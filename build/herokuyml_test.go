package build

import (
	"path/filepath"
	"strings"
	"testing"

	"paas"
)

const wholeHerokuYML = `
setup:
  addons:
    - plan: heroku-postgresql
      as: DATABASE
  config:
    S3_BUCKET: my-bucket
    WORKERS: 4
build:
  docker:
    web: ./docker/Dockerfile
    worker: docker/Dockerfile
    release:
      dockerfile: docker/Dockerfile
      target: builder
  config:
    RAILS_ENV: production
    VERSION: 1.10
    DEBUG: false
release:
  image: web
  command:
    - ./migrate.sh
    - ./seed.sh
run:
  web: bundle exec puma -C config/puma.rb
  clock:
    command:
      - python clock.py
    image: worker
`

func TestHerokuYML(t *testing.T) {
	const build = "build:\n  docker:\n    web: Dockerfile\n"
	var got strings.Builder
	for _, tc := range []struct{ name, text string }{
		{"all of it", wholeHerokuYML},
		{"no run", build},
		{"no build", "run:\n  web: ./server\n"},
		{"run is empty", build + "run: {}\n"},
		{"in one line", `{build: {docker: {b: D, a: D}}, run: {z: z, y: y}}`},
		{"an image without a command", build + "run:\n  worker:\n    image: web\n"},
		{"keys of others", build + "  languages: [ruby]\nx: 1\nrun:\n  web: {command: a, size: b}\n"},
		{"an empty file", "# nothing\n"},
		{"nothing", "\n"},
		{"not YAML", "build:\n  docker: [\n"},
		{"a tab", "build:\n\tdocker: x\n"},
		{"a list", "- build\n"},
		{"two documents", build + "---\na: 1\n"},
		{"twice", "run:\n  web: a\n  web: b\n"},
		{"an alias", "a: &a [x]\nb: *a\n"},
		{"an anchor that is not there", "b: *a\n"},
		{"aliases that unfold", "a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: [*b,*b,*b,*b]\n"},
		{"a merge", "setup:\n  config: &c\n    A: a\nbuild:\n  config:\n    <<: *c\n"},
		{"a tag", "run:\n  web: !!python/object a\n"},
		{"binary", "run:\n  web: !!binary YQ==\n"},
		{"a key that is a list", "run:\n  ? [a]\n  : b\n"},

		{"two Dockerfiles", "build:\n  docker:\n    web: Dockerfile\n    worker: worker/Dockerfile\n"},
		{"a Dockerfile outside", "build:\n  docker:\n    web: ../Dockerfile\n"},
		{"a Dockerfile of the host", "build:\n  docker:\n    web: /etc/passwd\n"},
		{"a Dockerfile that is an option", "build:\n  docker:\n    web: --help\n"},
		{"a Dockerfile without a name", "build:\n  docker:\n    web: ''\n"},
		{"a Dockerfile that is a folder", "build:\n  docker:\n    web: ./\n"},
		{"a Dockerfile with a control character", "build:\n  docker:\n    web: \"a\\eb\"\n"},
		{"no Dockerfile", "build:\n  docker:\n    web:\n"},
		{"an object without a Dockerfile", "build:\n  docker:\n    web: {target: x}\n"},
		{"docker is a word", "build:\n  docker: Dockerfile\n"},
		{"a type that is none", "build:\n  docker:\n    web app: Dockerfile\n"},

		{"an argument that is none", build + "  config:\n    A-B: x\n"},
		{"an argument that is an option", build + "  config:\n    --network: host\n"},
		{"an argument without a value", build + "  config:\n    A:\n"},
		{"an argument that is a list", build + "  config:\n    A: [x]\n"},
		{"arguments in a list", build + "  config: [A]\n"},

		{"setup of PORT", "setup:\n  config:\n    PORT: 80\n"},
		{"setup is a list", "setup: []\n"},
		{"setup of a list", "setup:\n  config:\n    A: [x]\n"},

		{"a release without a command", build + "release:\n  image: web\n"},
		{"a release of an image that is not there", build + "release:\n  image: worker\n  command: [x]\n"},
		{"a release that is a word", build + "release: x\n"},
		{"a release of nothing", build + "release:\n  command: []\n"},
		{"run of an image that is not there", build + "run:\n  web: {command: x, image: nosuch}\n"},
		{"run without a command", build + "run:\n  web:\n"},
		{"run is a list", build + "run: [web]\n"},
		{"run of a list of lists", build + "run:\n  web: [[x]]\n"},
		{"run of two lines", build + "run:\n  web: |\n    a\n    b\n"},
		{"run of one line in a block", build + "run:\n  web: >\n    a\n    b\n"},
		{"run of a number", build + "run:\n  web: 5\n"},
		{"run run", build + "run:\n  run: a\n"},
		{"run release", build + "run:\n  release: a\n"},
		{"run of a type that is none", build + "run:\n  'a;b': c\n"},
		{"too many types", "run:\n" + typesInYAML(65)},
		{"far too long", "run:\n  web:\n    - " + strings.Repeat("a", 5000) + "\n    - " + strings.Repeat("b", 5000) + "\n"},
	} {
		got.WriteString("== " + tc.name + "\n")
		m, err := manifestOf("", tc.text, appTypes)
		show(t, &got, m, err)
	}
	golden(t, filepath.Join("testdata", "herokuyml.golden"), got.String())
}

func typesInYAML(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("  t" + strings.Repeat("x", i%60) + string(rune('a'+i/60)) + ": c\n")
	}
	return b.String()
}

func TestAppJSONAndHerokuYMLTogether(t *testing.T) {
	var got strings.Builder
	for _, tc := range []struct{ name, app, heroku string }{
		{"one Dockerfile", `{"build":{"dockerfile":"a/D"}}`, "build:\n  docker:\n    web: a/D\n"},
		{"two Dockerfiles", `{"build":{"dockerfile":"a/D"}}`, "build:\n  docker:\n    web: b/D\n"},
		{
			"app.json's values win", `{"env":{"A":"app","B":{"generator":"secret"},"C":{},"D":{"required":false}}}`,
			"setup:\n  config:\n    A: heroku\n    B: heroku\n    C: heroku\n    D: heroku\n",
		},
		{"formation of heroku.yml's types", `{"formation":{"clock":{"quantity":1},"worker":{"quantity":1}}}`, "run:\n  web: a\n  clock: b\n"},
	} {
		got.WriteString("== " + tc.name + "\n")
		m, err := manifestOf(tc.app, tc.heroku, appTypes)
		show(t, &got, m, err)
	}
	golden(t, filepath.Join("testdata", "manifests.golden"), got.String())
}

func TestProcessTypesOfHerokuYML(t *testing.T) {
	procfile := paas.ProcessTypes{{Name: "web", Command: "p"}, {Name: "release", Command: "p"}}
	image := paas.ProcessTypes{{Name: "web"}}
	const docker, run, release = "build:\n  docker:\n    worker: D\n", "run:\n  web: h\n", "release:\n  command: h\n"
	for _, tc := range []struct {
		name, text, want string
		types            paas.ProcessTypes
		procfile         bool
	}{
		{"none", "{}", "web=p release=p", procfile, true},
		{"run in place of the Procfile", run, "web=h", procfile, true},
		{"run, and an image that it has not", docker + run, "web=h worker=", procfile, true},
		{"images alone, with a Procfile", docker, "web=p release=p", procfile, true},
		{"images alone", docker, "worker=", image, false},
		{"the release command in place of the Procfile's", release, "web=p release=h", procfile, true},
		{"run and release", run + release, "web=h release=h", image, false},
	} {
		m, err := manifestOf("", tc.text, tc.types)
		if err != nil {
			t.Fatal(tc.name, err)
		}
		var got []string
		for _, typ := range m.processTypes(tc.types, tc.procfile) {
			got = append(got, typ.Name+"="+typ.Command)
		}
		if g := strings.Join(got, " "); g != tc.want {
			t.Errorf("%s: %q, not %q", tc.name, g, tc.want)
		}
	}
}

func FuzzHerokuYML(f *testing.F) {
	for _, seed := range []string{
		wholeHerokuYML, "a: &a [*a]\n", "run:\n  web: |\n    x\n", "build: {docker: {web: D}}\n", "---\n---\n", "? [a]\n: b\n", "run: {web: [a, b]}\n",
		"setup:\n  config:\n    A: \"\\0\"\n", "%YAML 1.1\n---\na: !!binary x\n", "[[[[[[[[", "a: 'b\n\n  c'\n", "run:\n  web: \"\\u202e\"\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := manifestOf("", string(text), appTypes)
		if err != nil {
			if paas.CodeOf(err) != paas.Invalid || strings.ContainsAny(err.Error(), "\n\x1b\x00") {
				t.Fatalf("error %q", err)
			}
			return
		}
		wellFormed(t, m)
	})
}
