package build

import (
	"regexp"
	"slices"
	"strings"

	"paas"
)

const (
	branchPrefix = "refs/heads/"
	tagPrefix    = "refs/tags/"
)

// objectID is a full git object id: 40 hex digits, or 64 in a SHA-256 repository.
type objectID string

var fullID = regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`)

// zero says whether the id stands for no object.
func (id objectID) zero() bool { return strings.Trim(string(id), "0") == "" }

// short is the id as people read it.
func (id objectID) short() string { return string(id)[:min(7, len(id))] }

// update is what a push wants of one ref: a zero old creates it, a zero new deletes it.
type update struct {
	old, new objectID
	ref      string
}

// parseUpdates reads the lines that git gives a pre-receive hook.
func parseUpdates(text string) ([]update, error) {
	if len(text) > maxUpdates {
		return nil, errTooManyRefs
	}
	var ups []update
	for line := range strings.Lines(text) {
		up, ok := parseUpdate(strings.TrimSuffix(line, "\n"))
		if !ok {
			return nil, paas.Errorf(paas.Invalid, "%s is not an update of a ref", paas.Quote(line))
		}
		ups = append(ups, up)
	}
	if len(ups) == 0 {
		return nil, paas.Errorf(paas.Invalid, "the push is empty").WithHint("git push paas main")
	}
	return ups, nil
}

func parseUpdate(line string) (update, bool) {
	old, rest, _ := strings.Cut(line, " ")
	id, ref, _ := strings.Cut(rest, " ")
	up := update{old: objectID(old), new: objectID(id), ref: ref}
	ok := fullID.MatchString(old) && fullID.MatchString(id) && len(old) == len(id) && validRef(ref)
	return up, ok
}

// summary is what a push wants of which refs, for people: "main 1a2b3c4".
func summary(updates string) string {
	var all []string
	for line := range strings.Lines(updates) {
		up, ok := parseUpdate(strings.TrimSuffix(line, "\n"))
		if !ok || len(all) == maxSummary {
			break
		}
		what := up.new.short()
		if up.new.zero() {
			what = "deleted"
		}
		all = append(all, strings.TrimPrefix(up.ref, branchPrefix)+" "+what)
	}
	return strings.Join(all, ", ")
}

// maxSummary is how many refs a summary names.
const maxSummary = 5

// validRef holds for every name that git itself lets through; the rest was not written by git.
func validRef(ref string) bool {
	return strings.HasPrefix(ref, "refs/") && !strings.HasSuffix(ref, "/") && !strings.Contains(ref, "..") &&
		!strings.ContainsFunc(ref, func(r rune) bool { return r <= ' ' || r == 0x7f })
}

// deployBranch is the branch whose push deploys, in a repository that has the branches of heads: the app's own
// setting, else main, else master where there is only that.
func deployBranch(app paas.App, heads []string) string {
	switch {
	case app.Build.Branch != "":
		return app.Build.Branch
	case !slices.Contains(heads, "main") && slices.Contains(heads, "master"):
		return "master"
	}
	return "main"
}

// chooseUpdate finds the one update that deploys, or says why the push is refused as a whole. heads are the branches
// that the repository has before the push.
func chooseUpdate(app paas.App, heads []string, ups []update) (string, update, error) {
	branch := deployBranch(app, slices.Concat(heads, created(ups)))
	for _, up := range ups {
		if up.new.zero() {
			return "", update{}, refuseDeletion(app, branch, up)
		}
	}
	i := slices.IndexFunc(ups, func(up update) bool { return up.ref == branchPrefix+branch })
	if i >= 0 && len(ups) == 1 {
		return branch, ups[i], nil
	}
	return "", update{}, refuseOther(app, branch, ups, i >= 0)
}

func created(ups []update) []string {
	var names []string
	for _, up := range ups {
		if name, ok := strings.CutPrefix(up.ref, branchPrefix); ok && !up.new.zero() {
			names = append(names, name)
		}
	}
	return names
}

func refuseDeletion(app paas.App, branch string, up update) error {
	err := paas.Errorf(paas.Invalid, "%s cannot be deleted: %s keeps what its releases were made of", describeRef(up.ref), app.Name)
	if up.ref == branchPrefix+branch {
		return err.WithHint("to take the app away: paas apps:destroy -a %s", app.Name)
	}
	return err.WithHint("git push paas HEAD:%s", branch)
}

func refuseOther(app paas.App, branch string, ups []update, hasBranch bool) error {
	other := ups[slices.IndexFunc(ups, func(up update) bool { return up.ref != branchPrefix+branch })]
	switch {
	case hasBranch && strings.HasPrefix(other.ref, tagPrefix): // as push.followTags does
		return paas.Errorf(paas.Invalid, "the push has %s besides %s, the branch that deploys %s: nothing was taken",
			describeRef(other.ref), branch, app.Name).WithHint("push the branch alone: git push --no-follow-tags paas HEAD:%s", branch)
	case hasBranch:
		return paas.Errorf(paas.Invalid, "the push has %s besides %s, the branch that deploys %s: nothing was taken",
			describeRef(other.ref), branch, app.Name).WithHint("push one branch alone: git push paas HEAD:%s", branch)
	case strings.HasPrefix(other.ref, tagPrefix):
		return paas.Errorf(paas.Invalid, "%s does not deploy: %s deploys its branch %s", describeRef(other.ref), app.Name, branch).
			WithHint("to deploy what the tag names: git push paas %s^{commit}:%s", quoteArg(other.ref), branch)
	}
	return paas.Errorf(paas.Invalid, "%s does not deploy: %s deploys its branch %s", describeRef(other.ref), app.Name, branch).
		WithHint("git push paas HEAD:%s", branch)
}

func describeRef(ref string) string {
	if name, ok := strings.CutPrefix(ref, branchPrefix); ok {
		return "branch " + paas.Quote(name)
	}
	if name, ok := strings.CutPrefix(ref, tagPrefix); ok {
		return "tag " + paas.Quote(name)
	}
	return paas.Quote(ref)
}

var plainArg = regexp.MustCompile(`^[A-Za-z0-9_./-]+$`)

// quoteArg shows a word as a person would type it in a POSIX shell.
func quoteArg(s string) string {
	if plainArg.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
