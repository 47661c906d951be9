package build

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"paas"
)

func TestPushedHerokuYMLGivesDockerfileArgumentsAndTypes(t *testing.T) {
	w := newWorld(t, Options{})
	var got paas.Build
	w.deployer.plays(func(_ context.Context, b paas.Build, _ io.Writer) error {
		got = b
		return nil
	})
	c := w.checkout("hello")
	w.records.put(paas.App{ID: "idhello", Name: "hello", Build: paas.BuildSettings{Args: map[string]string{"LEVEL": "set", "OTHER": "o"}}})
	c.commit(map[string]string{
		"docker/web.Dockerfile": "FROM scratch\n",
		"Procfile":              "web: procfile\n",
		"heroku.yml": "setup:\n  addons: [redis]\nbuild:\n  docker:\n    web: docker/web.Dockerfile\n  config:\n    LEVEL: file\n    RAILS_ENV: production\n" +
			"release:\n  command: ./migrate\nrun:\n  web: ./web\n  worker: ./work\n",
	})
	c.push("main").want(t, true,
		"remote: -----> Process types: web, worker, release (heroku.yml)", "remote:        The Procfile is not used: heroku.yml has the processes",
		"remote:        Not applied from heroku.yml: setup.addons (attach services by config vars)")
	types := paas.ProcessTypes{{Name: "web", Command: "./web"}, {Name: "worker", Command: "./work"}, {Name: "release", Command: "./migrate"}}
	if diff := cmp.Diff(types, got.Types); diff != "" {
		t.Error(diff)
	}
	spec := w.builder.specs[0]
	if diff := cmp.Diff(map[string]string{"LEVEL": "set", "OTHER": "o", "RAILS_ENV": "production"}, spec.Args); diff != "" {
		t.Error(diff)
	}
	if spec.Dockerfile != "docker/web.Dockerfile" || got.Dockerfile != spec.Dockerfile {
		t.Errorf("built by %s, recorded as %s", spec.Dockerfile, got.Dockerfile)
	}
}

func TestADockerfileThatAManifestNamesHasToBeThere(t *testing.T) {
	for name, tc := range map[string]struct{ file, text string }{
		"app.json":   {"app.json", `{"build":{"dockerfile":"docker/Dockerfile"}}`},
		"heroku.yml": {"heroku.yml", "build:\n  docker:\n    web: docker/Dockerfile\n"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Options{})
			c := w.checkout("hello")
			c.commit(map[string]string{"Dockerfile": "FROM scratch\n", tc.file: tc.text})
			c.push("main").want(t, false, "docker/Dockerfile")
			if w.builder.count() != 0 {
				t.Error("it was built")
			}
			c.commit(map[string]string{"docker/Dockerfile": "FROM scratch\n"})
			c.push("main").want(t, true, "(docker/Dockerfile)")
		})
	}
}

func TestWhatTheConfigLacksRefusesThePushBeforeTheBuild(t *testing.T) {
	w := newWorld(t, Options{})
	var got paas.Manifest
	w.deployer.plays(func(_ context.Context, b paas.Build, _ io.Writer) error {
		got = b.Manifest
		return nil
	})
	c := w.checkout("hello")
	c.commit(map[string]string{
		"Dockerfile": "FROM scratch\n",
		"app.json": `{"env":{"S3_KEY":{"description":"of the bucket"},"DATABASE_URL":{"required":true},"OPTIONAL":{"required":false},"LEVEL":"info",` +
			`"SECRET":{"generator":"secret"}},"formation":{"web":{"quantity":2},"worker":{"quantity":1}},"scripts":{"postdeploy":"./seed"}}`,
	})
	c.push("main").want(t, false, "hello lacks config vars that its app.json requires: DATABASE_URL, S3_KEY",
		"paas config:set DATABASE_URL=… S3_KEY=… -a hello")
	if w.builder.count() != 0 || len(w.statuses("hello")) != 0 {
		t.Error("it was built")
	}
	w.records.configure("idhello", paas.Config{"DATABASE_URL": "x", "S3_KEY": ""})
	r := c.push("main")
	r.want(t, true, "Not applied from app.json: formation.worker (there is no such process type)")
	if strings.Contains(r.text, "info") {
		t.Error("the output has a value")
	}
	level := "info"
	want := paas.Manifest{
		Formation:  paas.Formation{"web": 2},
		Env:        map[string]paas.EnvVar{"S3_KEY": {}, "DATABASE_URL": {}, "LEVEL": {Value: &level}, "SECRET": {Secret: true}},
		Postdeploy: "./seed",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
