package conformance

import (
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"paas/store"
	"paas/test/platform"
)

func TestV1BuildReleaseAndInstancesAreLinked(t *testing.T) {
	p := prove(t, "V-1", "build, release and instances are linked by id, the image by digest")
	a := p.deployed(platform.Fixture{})
	commit := a.Who().Commit
	a.Do("paas", "config:set", "A=1")
	b, rel, c := a.Builds()[0], a.Release(2), a.Container("web.1")
	if rel.Build != b.ID || rel.Image != b.Image || rel.Commit != b.Commit || b.Commit != commit {
		p.Errorf("build %+v, release %+v, commit %s", b, rel, commit)
	}
	if !strings.HasPrefix(rel.Image, "sha256:") || c.Image != rel.Image || a.Inspect(c.ID, "{{.Config.Image}}") != rel.Image {
		p.Errorf("the container's image is %s, the release's %s", c.Image, rel.Image)
	}
	if shown, _ := a.PS().Of("web.1"); c.Release != "2" || shown.Release != 2 || a.Who().Release != "2" {
		p.Errorf("the instance is of v%s on the engine, v%d in ps, v%s to itself", c.Release, shown.Release, a.Who().Release)
	}
}

func TestV2ReleasesCannotBeChanged(t *testing.T) {
	p := proveAlone(t, "V-2", "no verb changes a release (405); the hash chain verifies", platform.Options{})
	a := p.deployed(platform.Fixture{})
	a.Do("paas", "config:set", "A=1")
	a.Do("paas", "rollback")
	token := p.token(a.Name)
	path := "/v1/apps/" + a.Name + "/releases"
	before := a.Do("paas", "releases", "--json").Stdout
	for _, method := range []string{http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodPost} {
		p.api(token, method, path+"/1", `{"description":"forged"}`).Must(p, http.StatusMethodNotAllowed)
		p.api(token, method, path, `{"description":"forged"}`).Must(p, http.StatusMethodNotAllowed)
	}
	if after := a.Do("paas", "releases", "--json").Stdout; after != before {
		p.Errorf("the ledger changed: %s", cmp.Diff(before, after))
	}
	p.OK(p.Stop())
	p.OK(verifyLedger(p.DataDir(), a.Name))
	p.OK(p.Serve())
}

// verifyLedger walks the hash chain in the files of a paasd that does not run.
func verifyLedger(dir, name string) (err error) {
	db, err := store.Open(dir, store.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	record, err := db.AppByName(name)
	if err != nil {
		return err
	}
	return db.VerifyReleases(record.ID)
}

func TestV3VersionsHaveNoGap(t *testing.T) {
	p := prove(t, "V-3", "after any mix of operations versions are increasing, gapless, unique; failed ones there")
	a := p.deployed(platform.Fixture{})
	a.Write("Procfile", platform.BrokenAtBoot)
	a.Commit("Broken at boot")
	if r := a.Run("git", "push", "paas", "main"); r.Code == 0 {
		p.Fatalf("it deploys\n%s", r)
	}
	var sets sync.WaitGroup
	for n := range 3 {
		sets.Go(func() {
			if r := a.Run("paas", "config:set", fmt.Sprintf("KEY%d=%d", n, n)); r.Code != 0 {
				p.Errorf("%s", r)
			}
		})
	}
	sets.Wait()
	a.Do("paas", "scale", "web=2")
	a.Do("paas", "rollback", "v1")
	a.Do("paas", "restart")
	a.Write("Dockerfile", "FROM scratch\nCOPY nothing /\n")
	a.Commit("Does not build")
	if r := a.Run("git", "push", "paas", "main"); r.Code == 0 {
		p.Fatalf("it builds\n%s", r)
	}
	a.Do("paas", "config:set", "LAST=1")
	want := []string{"7 succeeded", "6 succeeded", "5 succeeded", "4 succeeded", "3 succeeded", "2 failed", "1 succeeded"}
	var got []string
	for _, r := range a.Releases() {
		got = append(got, strconv.Itoa(r.Version)+" "+r.Status)
		if r.Current != (r.Version == 7) {
			p.Errorf("v%d: current is %v", r.Version, r.Current)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		p.Errorf("the ledger: %s", diff)
	}
}

func TestV4RollbackIsARelease(t *testing.T) {
	p := prove(t, "V-4", "rollback to v2 at v5: v6 = image, config and types of v2, no build")
	a := p.deployed(platform.Fixture{Procfile: "web: /probe web\nworker: /probe worker\n", Files: map[string]string{"code": "old"}, Dockerfile: platform.CodeDockerfile})
	a.Do("paas", "config:set", "STAGE=two", "ONLY=here")
	a.Write("Procfile", "web: /probe web\nclock: /probe clock\n")
	a.Write("code", "new")
	a.Commit("Other code, other types")
	a.Push()
	a.Do("paas", "config:set", "STAGE=four")
	a.Do("paas", "config:unset", "ONLY")
	a.Do("paas", "rollback", "v2")
	a.WantReleases(6, "Rollback to v2")
	second, sixth := a.Release(2), a.Release(6)
	if !sixth.Current || sixth.Image != second.Image || sixth.Commit != second.Commit || sixth.Build != second.Build {
		p.Errorf("v6 is %+v, v2 %+v", sixth, second)
	}
	if diff := cmp.Diff(map[string]string{"web": "/probe web", "worker": "/probe worker"}, sixth.ProcessTypes); diff != "" {
		p.Errorf("the types of v6: %s", diff)
	}
	if diff := cmp.Diff(map[string]string{"STAGE": "two", "ONLY": "here"}, a.Config()); diff != "" {
		p.Errorf("the config: %s", diff)
	}
	if stage, code := a.Value("STAGE"), a.Get("/read?path=/code").Body; stage != "two" || code != "old" {
		p.Errorf("what serves has STAGE=%s and the code %q", stage, code)
	}
	a.Get("/").Must(p, http.StatusOK, "web.1 v6")
	if builds := a.Builds(); len(builds) != 2 {
		p.Errorf("there are %d builds", len(builds))
	}
}

func TestV5OverwrittenCodeIsGone(t *testing.T) {
	p := prove(t, "V-5", "code overwritten in web.1: gone after restart and after crash, never in another")
	a := p.deployed(platform.Fixture{Dockerfile: platform.CodeDockerfile, Files: map[string]string{"code": "released"}})
	a.Do("paas", "scale", "web=2")
	for how, replace := range map[string]func(){
		"restart": func() { a.Do("paas", "restart", "web.1") },
		"crash":   func() { a.Direct("web.1", http.MethodGet, "/crash", "") },
	} {
		a.WantUp("web.1", "web.2")
		old := a.Container("web.1")
		a.Direct("web.1", http.MethodPost, "/write?path=/code", "patched").Must(p, http.StatusOK)
		a.Direct("web.1", http.MethodGet, "/read?path=/code", "").Must(p, http.StatusOK, "patched")
		a.Direct("web.2", http.MethodGet, "/read?path=/code", "").Must(p, http.StatusOK, "released")
		replace()
		fresh := a.Replaced(old)
		a.Do("paas", "scale", "web=2") // in its turn, after whatever else there was to do
		if a.Container("web.1").ID != fresh.ID {
			p.Errorf("after %s web.1 was replaced more than once", how)
		}
		if code := a.Direct("web.1", http.MethodGet, "/read?path=/code", "").Must(p, http.StatusOK).Body; code != "released" {
			p.Errorf("after %s web.1 has the code %q", how, code)
		}
	}
}

func TestV6TheDigestCounts(t *testing.T) {
	p := prove(t, "V-6", "image tag moved or removed: the digest is used; digest missing: a clear error")
	a := p.deployed(platform.Fixture{Dockerfile: platform.CodeDockerfile, Files: map[string]string{"code": "first"}})
	a.Write("code", "second")
	a.Commit("Second")
	a.Push()
	first, second := a.Release(1).Image, a.Release(2).Image
	tag := strings.Trim(strings.TrimSpace(p.Engine("image", "inspect", "--format", "{{join .RepoTags \" \"}}", second)), "[]")
	p.Engine("tag", first, tag)
	a.Do("paas", "config:set", "A=1")
	a.Get("/read?path=/code").Must(p, http.StatusOK, "second")
	a.Do("paas", "scale", "web=0")
	platform.WaitFor(p, platform.Patience, "no instance", func() error {
		if n := len(a.Containers()); n > 0 {
			return fmt.Errorf("%d are there", n)
		}
		return nil
	})
	p.Engine("rmi", "--force", second)
	r := a.Run("paas", "scale", "web=1").Says("image")
	if r.Code == 0 {
		p.Errorf("an instance of an image that is gone starts\n%s", r)
	}
	if strings.Contains(r.String(), "internal error") {
		p.Errorf("not a clear error\n%s", r)
	}
}

func TestV7AppsRunOnWithoutPaasd(t *testing.T) {
	p := proveAlone(t, "V-7", "paasd stopped: requests answered, a killed process comes back; started again: reconciled", platform.Options{})
	a := p.deployed(platform.Fixture{Procfile: "web: /probe web\nworker: /probe worker\n"})
	a.Do("paas", "scale", "web=2", "worker=1")
	load := a.Load("/", platform.Rate{Kept: 20})
	p.OK(p.Stop())
	load.Flow(p, 40)
	load.StopClean(p)
	// The process dies; paasd is not there to see it.
	worker, web := a.Container("worker.1"), a.Container("web.1")
	a.Direct("web.1", http.MethodGet, "/crash?code=9", "")
	platform.WaitFor(p, platform.Patience, "web.1 again", func() error {
		return a.Direct("web.1", http.MethodGet, "/", "").Want(http.StatusOK, "web.1 v1")
	})
	p.OK(p.Serve())
	a.WantUp("web.1", "web.2", "worker.1")
	if a.Container("worker.1").ID != worker.ID {
		p.Error("a process that was well was replaced")
	}
	if now := a.Container("web.1"); now.ID == web.ID {
		p.Error("what the engine restarted keeps its used file system")
	}
	if all := a.Containers(); len(all) != 3 {
		p.Errorf("%d containers run, not 3", len(all))
	}
	a.Get("/").Must(p, http.StatusOK, " v1")
}

func TestV9AFailedReleaseCommandReleasesNothing(t *testing.T) {
	p := prove(t, "V-9", "release: exit 1: failed, the old one serves, the push fails, output kept")
	a := p.deployed(platform.Fixture{})
	serving := a.Container("web.1")
	a.Write("Procfile", "web: /probe web\nrelease: /probe exit 1\n")
	a.Commit("Cannot migrate")
	r := a.Run("git", "push", "paas", "main").Says("exiting with 1", "status 1")
	if r.Code == 0 {
		p.Fatalf("the push succeeds\n%s", r)
	}
	if failed := a.Release(2); failed.Status != "failed" || failed.Current || !strings.Contains(failed.Error, "status 1") {
		p.Errorf("v2 is %+v", failed)
	}
	a.WantLog("release.2", "exiting with 1")
	if a.Container("web.1").ID != serving.ID {
		p.Error("what serves was replaced")
	}
	a.Get("/").Must(p, http.StatusOK, "web.1 v1")
}

func TestV10TheReleaseCommandRunsOnceAndFirst(t *testing.T) {
	p := prove(t, "V-10", "release runs once, before any process, with the new config")
	a := p.app(platform.Fixture{Procfile: "web: /probe web\nrelease: /probe env STAMP\nworker: /probe env STAMP\n"})
	a.Do("paas", "config:set", "STAMP=one")
	a.Push()
	a.Do("paas", "scale", "web=3")
	a.Do("paas", "config:set", "STAMP=two")
	a.WantUp("web.1", "web.2", "web.3")
	a.WantLog("web.3", "got SIGTERM") // of v1: all of v2 is in the log
	log := a.Logs("--source", "app")
	for version, stamp := range map[int]string{1: "one", 2: "two"} {
		tag := fmt.Sprintf("app[release.%d]: ", version)
		if strings.Count(log, tag) != 1 || !strings.Contains(log, tag+stamp) {
			p.Errorf("v%d's release command did not say %q once:\n%s", version, stamp, log)
		}
	}
	if before, after, _ := strings.Cut(log, "app[release.2]"); strings.Count(before, "listening on") != 3 || strings.Count(after, "listening on") != 3 {
		p.Errorf("the release command of v2 did not run before all of its processes:\n%s", log)
	}
}

func TestV11TwoPushesOneAfterTheOther(t *testing.T) {
	p := prove(t, "V-11", "two pushes at once: one after the other, never two current")
	a := p.app(platform.Fixture{Procfile: "web: /probe slowboot\n"})
	a.Do("paas", "config:set", "PROBE_BOOT=2s")
	twin := filepath.Join(p.Dir, "repos", a.Name+"-twin")
	a.Do("git", "clone", "--quiet", a.Dir, twin)
	var pushes sync.WaitGroup
	codes := make([]int, 2)
	pushes.Go(func() { codes[0] = a.Run("git", "push", "paas", "main").Code })
	pushes.Go(func() {
		cmd := platform.Cmd{Dir: twin, Args: []string{"git", "commit", "--quiet", "--allow-empty", "-m", "Twin"}}
		a.Exec(cmd).Want(0)
		url := strings.TrimSpace(a.Do("git", "remote", "get-url", "paas").Stdout)
		codes[1] = a.Exec(platform.Cmd{Dir: twin, Args: []string{"git", "push", url, "main"}}).Code
	})
	done := make(chan struct{})
	go func() {
		pushes.Wait()
		close(done)
	}()
	a.watchLedger(done)
	list := a.Releases()
	if len(list) == 0 || !slices.Contains(codes, 0) {
		p.Fatalf("neither push deployed: exit codes %d, ledger %+v", codes, list)
	}
	newest := list[0]
	if !newest.Current || newest.Status != "succeeded" || a.Who().Commit != newest.Commit {
		p.Errorf("the newest release is %+v, and %s runs", newest, a.Who().Commit)
	}
	if head := a.Do("git", "ls-remote", "paas", "refs/heads/main").Stdout; !strings.HasPrefix(head, newest.Commit) {
		p.Errorf("main is at %s, the current release at %s", head, newest.Commit)
	}
	a.WantUp("web.1")
}

// watchLedger looks, until done, that never two releases are under way or current.
func (a *app) watchLedger(done chan struct{}) {
	a.proof.Helper()
	for {
		pending, current := 0, 0
		var list []platform.Release
		a.proof.OK(a.Peek("releases", &list))
		for _, r := range list {
			if r.Status == "pending" {
				pending++
			}
			if r.Current {
				current++
			}
		}
		if pending > 1 || current > 1 {
			a.proof.Errorf("%d releases are under way and %d are current", pending, current)
		}
		select {
		case <-done:
			return
		default:
		}
	}
}

func TestV12AFailingBuildReleasesNothing(t *testing.T) {
	p := prove(t, "V-12", "a failing build: the old one serves, no release, the log kept")
	a := p.deployed(platform.Fixture{})
	a.Write("Dockerfile", "FROM scratch\nCOPY probe /probe\nRUN [\"/probe\", \"exit\", \"3\"]\n")
	a.Commit("Does not build")
	r := a.Run("git", "push", "paas", "main").Says("exiting with 3")
	if r.Code == 0 {
		p.Fatalf("the push succeeds\n%s", r)
	}
	a.WantReleases(1, "")
	if newest := a.Builds()[0]; newest.Status != "failed" || newest.Image != "" {
		p.Errorf("the build is %+v", newest)
	}
	a.Do("paas", "builds:log").Says("exiting with 3")
	a.Get("/").Must(p, http.StatusOK, "web.1 v1")
}
