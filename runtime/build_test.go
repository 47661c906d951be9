package runtime

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"paas"
)

// tree is a source tree with the test program and a Dockerfile that begins FROM scratch.
func tree(t *testing.T, lines ...string) fstest.MapFS {
	t.Helper()
	binary, err := os.ReadFile(probe)
	if err != nil {
		t.Fatal(err)
	}
	dockerfile := "FROM scratch\nCOPY probe /probe\n" + strings.Join(lines, "\n") + "\n"
	return filesOf(map[string][]byte{"probe": binary, "Dockerfile": []byte(dockerfile)})
}

func imageSpec() paas.ImageSpec {
	return paas.ImageSpec{App: newID(), Name: "hello", Build: 4, Commit: "c0ffee", Dockerfile: "Dockerfile", NoCache: true}
}

// steps puts the events of a build together.
type steps struct {
	order  []string
	names  map[string]string
	output map[string]string
	done   map[string]bool
	errors map[string]string
}

func (s *steps) add(e paas.BuildEvent) {
	if s.names == nil {
		s.names, s.output, s.done, s.errors = map[string]string{}, map[string]string{}, map[string]bool{}, map[string]string{}
	}
	if _, seen := s.names[e.Step]; !seen {
		s.order = append(s.order, e.Step)
	}
	if e.Name != "" {
		s.names[e.Step] = e.Name
	}
	s.output[e.Step] += string(e.Output)
	s.done[e.Step] = s.done[e.Step] || !e.Completed.IsZero()
	if e.Error != "" {
		s.errors[e.Step] = e.Error
	}
}

// outputOf is what the step whose name has this in it printed.
func (s *steps) outputOf(t *testing.T, name string) string {
	t.Helper()
	for _, step := range s.order {
		if strings.Contains(s.names[step], name) {
			return s.output[step]
		}
	}
	t.Fatalf("there is no step %q in %v", name, s.names)
	return ""
}

func TestBuildImageMakesALabelledImageAndTellsItsSteps(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	spec := imageSpec()
	var s steps
	image, err := d.BuildImage(t.Context(), tree(t, `RUN ["/probe", "some", "output"]`, "EXPOSE 8000/tcp", "EXPOSE 53/udp"), spec, s.add)
	if err != nil {
		t.Fatal(err)
	}
	if image.Port != 8000 || image.Shell || !strings.HasPrefix(image.ID, "sha256:") {
		t.Errorf("image %+v", image)
	}
	if got := s.outputOf(t, "RUN"); got != "probe some output\n" {
		t.Errorf("output %q", got)
	}
	found, err := d.inspectImage(t.Context(), image.ID)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		labelInstallation: d.installation, labelApp: "hello", labelAppID: spec.App, labelBuild: "4", labelCommit: "c0ffee",
	}
	if diff := cmp.Diff(want, found.Config.Labels); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"paas-" + d.installation + "/" + spec.App + ":b4"}, found.RepoTags); diff != "" {
		t.Error(diff)
	}
	again, err := d.Image(t.Context(), image.ID)
	if err != nil || again != image {
		t.Errorf("looked up: %+v, %v", again, err)
	}
	if err := d.RemoveImage(t.Context(), image.ID); err != nil {
		t.Fatal(err)
	}
	_, err = d.Image(t.Context(), image.ID)
	wantCode(t, err, paas.NotFound)
	wantCode(t, d.RemoveImage(t.Context(), image.ID), "")
}

func TestBuildImageKnowsAShell(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	if i := imageWith(t, d, "COPY probe /bin/sh", "EXPOSE 1", "EXPOSE 2"); !i.Shell || i.Port != 0 {
		t.Errorf("%+v", i)
	}
}

func TestBuildImageNamesTheStepThatFailed(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	for name, c := range map[string]struct {
		line string
		says []string
	}{
		"a command":           {`RUN ["/probe", "exit", "3"]`, []string{"/probe exit 3", "exit code: 3"}},
		"a missing file":      {`COPY nosuchfile /`, []string{"nosuchfile"}},
		"no such keyword":     {`NOSUCH thing`, []string{"NOSUCH"}},
		"a base out of reach": {`FROM registry.invalid/base:1`, []string{"registry.invalid/base:1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s steps
			_, err := d.BuildImage(t.Context(), tree(t, c.line), imageSpec(), s.add)
			wantCode(t, err, paas.Failed)
			for _, say := range c.says {
				if !strings.Contains(err.Error(), say) {
					t.Errorf("error %q does not say %q", err, say)
				}
			}
			if name == "a command" && s.outputOf(t, "RUN") != "exiting with 3\n" {
				t.Errorf("output %q", s.output)
			}
		})
	}
}

func TestBuildImageReturnsTheErrorOfItsSource(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	broken := errors.New("the archive broke off")
	src := failing{tree(t), broken}
	if _, err := d.BuildImage(t.Context(), src, imageSpec(), func(paas.BuildEvent) {}); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

// failing has files that cannot be read to their end.
type failing struct {
	fstest.MapFS
	err error
}

func (f failing) Open(name string) (fs.File, error) {
	file, err := f.MapFS.Open(name)
	if err == nil && name == "probe" {
		file = &torn{file, 2, f.err}
	}
	return file, err
}

type torn struct {
	fs.File
	reads int
	err   error
}

func (t *torn) Read(p []byte) (int, error) {
	if t.reads--; t.reads < 0 {
		return 0, t.err
	}
	return t.File.Read(p)
}

func TestBuildImageEndsOnTheEngineWhenItIsCanceled(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	// The step prints a word of this test alone, by which its process can be found on the host.
	word := newID()
	_, err := d.BuildImage(ctx, tree(t, `RUN ["/probe", "deaf", "`+word+`"]`), imageSpec(), func(e paas.BuildEvent) {
		if strings.Contains(string(e.Output), "ready") {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	eventually(t, "the step's process is gone", func() bool { return !runsOnHost(t, word) })
}

// runsOnHost looks for a process with this argument.
func runsOnHost(t *testing.T, arg string) bool {
	t.Helper()
	found, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range found {
		if line, err := os.ReadFile(path); err == nil && bytes.Contains(line, []byte(arg)) {
			return true
		}
	}
	return false
}

func TestRemoveImageRemovesWhatACrashHasLeftOfIt(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	image := imageWith(t, d, `ENTRYPOINT ["/probe"]`)
	_, err := d.client.ContainerCreate(t.Context(), client.ContainerCreateOptions{Config: &container.Config{
		Image: image.ID, Labels: map[string]string{labelInstallation: d.installation, labelLook: image.ID},
	}})
	if err != nil {
		t.Fatal(err)
	}
	wantCode(t, d.RemoveImage(t.Context(), image.ID), "")
}

func TestRemoveImageKeepsOneThatAnInstanceNeeds(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	spec := newSpec("web", "wait")
	spec.Image = imageWith(t, d, `ENTRYPOINT ["/probe"]`)
	start(t, d, spec)
	wantCode(t, d.RemoveImage(t.Context(), spec.Image.ID), paas.Conflict)
	if _, err := d.Image(t.Context(), spec.Image.ID); err != nil {
		t.Error(err)
	}
}
