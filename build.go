package paas

import (
	"cmp"
	"time"
)

// BuildStatus is where a build stands.
type BuildStatus string

// The statuses of a build; all but pending and building are final.
const (
	BuildPending    BuildStatus = "pending"
	BuildBuilding   BuildStatus = "building"
	BuildSucceeded  BuildStatus = "succeeded"
	BuildFailed     BuildStatus = "failed"
	BuildCanceled   BuildStatus = "canceled"
	BuildSuperseded BuildStatus = "superseded" // a newer push came before it began
)

// Final says whether the status can no longer change.
func (s BuildStatus) Final() bool { return s != BuildPending && s != BuildBuilding }

// Build is one attempt to make an image of a commit. IDs count from 1 within an app.
type Build struct {
	App        string       `json:"app"` // App.ID
	ID         int          `json:"id"`
	Status     BuildStatus  `json:"status"`
	Source     BuildSource  `json:"source,omitempty"` // "" for those of before there were others than pushes
	Commit     string       `json:"commit"`           // "" for an image that was made elsewhere
	Branch     string       `json:"branch"`           // "" unless pushed
	Language   string       `json:"language,omitempty"`
	Dockerfile string       `json:"dockerfile,omitempty"`
	NoCache    bool         `json:"no_cache,omitempty"`
	Reference  string       `json:"reference,omitempty"` // of an image that was made elsewhere, as it was given
	Bases      []BaseImage  `json:"bases,omitempty"`
	User       string       `json:"user"`
	CreatedAt  time.Time    `json:"created_at"`
	FinishedAt time.Time    `json:"finished_at,omitzero"`
	Image      Image        `json:"image,omitzero"`
	Types      ProcessTypes `json:"types,omitempty"`
	Checks     Checks       `json:"checks,omitzero"` // as its app.json has them
	Manifest   Manifest     `json:"manifest,omitzero"`
	Error      string       `json:"error,omitempty"`
}

// BuildSource is what a build is made from.
type BuildSource string

// The sources of builds.
const (
	BuildOfPush    BuildSource = "push"
	BuildOfCommit  BuildSource = "commit"  // one that was pushed, or uploaded, before
	BuildOfArchive BuildSource = "archive" // an upload
	BuildOfImage   BuildSource = "image"   // made elsewhere
)

// BuildRequest asks for a build that is not a push's.
type BuildRequest struct {
	Commit string `json:"commit,omitempty"` // of the repository, or its beginning; "": the newest build's
	// Image is a reference to an image that was made elsewhere, in place of a commit; it is pulled as it is there now. Procfile
	// is the text of one for it; "": its own command is web.
	Image    string `json:"image,omitempty"`
	Procfile string `json:"procfile,omitempty"`
	NoCache  bool   `json:"no_cache,omitempty"`
	Detach   bool   `json:"detach,omitempty"`  // answer as soon as the build is queued
	Colours  bool   `json:"colours,omitempty"` // the progress goes to a terminal
}

// PushResult is what became of a push.
type PushResult struct {
	ExitCode int    // git's; 0 for a refused push as well
	Updates  string // what it wanted of which refs: "main 1a2b3c4"; empty where it wanted nothing, or did not get so far
	Refused  error  // why nothing of it was taken; nil if it was
}

// BuildResult is what became of a BuildRequest.
type BuildResult struct {
	BuildInfo
	Release int `json:"release"` // that it made; 0: not yet
}

// Upload is a source that was uploaded, as a commit of the app's repository.
type Upload struct {
	Commit string `json:"commit"`
	Files  int    `json:"files"`
	Bytes  Bytes  `json:"bytes"`
	Folder string `json:"folder,omitempty"` // of the archive that all files were in, and which is left out
}

// Image is a built image and what a release must know of it.
type Image struct {
	ID    string `json:"id"`              // the engine's content address, sha256:…
	Port  int    `json:"port,omitempty"`  // its one EXPOSEd TCP port; 0 when it has none or several
	Shell bool   `json:"shell,omitempty"` // whether it has /bin/sh
	Ref   string `json:"ref,omitempty"`   // HOST/PATH@sha256:… where a registry has it, too
}

// DefaultPort is $PORT where the image does not expose exactly one TCP port.
const DefaultPort = 5000

// WebPort is the $PORT of an instance of this image.
func (i Image) WebPort() int {
	if i.Port == 0 {
		return DefaultPort
	}
	return i.Port
}

// ImageSpec says how to make an image from a source tree.
type ImageSpec struct {
	App    string // App.ID
	Name   string // App.Name, for labels
	Build  int
	Commit string
	// Dockerfile is its path inside the tree.
	Dockerfile string
	// Text is what the builder reads as the Dockerfile; "": what the tree has at that path.
	Text    string
	NoCache bool
	// Args are the build arguments by name; they stay in the image's history.
	Args map[string]string
	// Secrets are mounted by RUN --mount=type=secret,id=NAME, and stay nowhere.
	Secrets map[string]string
	Network BuildNetwork
	Limits  BuildLimits
}

// BuildNetwork is what the steps of a build reach.
type BuildNetwork string

// The networks of a build.
const (
	BuildNetworkDefault BuildNetwork = ""     // the engine's own: the internet, and none of the apps
	BuildNetworkNone    BuildNetwork = "none" // nothing
)

// BuildLimits bound one build, so that it starves no app. Zero: no bound.
type BuildLimits struct {
	Memory Bytes   // of all steps that run at one time
	CPUs   float64 // cores
}

// BuildEvent is a fact about a running image build. Step identifies a step within one build; a step's first event
// has its Name. Times are the builder's own. An event with a Base is not of a step: it says what the build began from.
type BuildEvent struct {
	Step      string
	Name      string
	Started   time.Time
	Completed time.Time
	Cached    bool
	Error     string
	Output    []byte // what the step printed, not aligned to lines; build secrets are masked in it
	Base      BaseImage
}

// BuildInfo is a build as users see it.
type BuildInfo struct {
	ID       int         `json:"id"`
	Status   BuildStatus `json:"status"`
	Source   BuildSource `json:"source"`
	Commit   string      `json:"commit"`
	Branch   string      `json:"branch"`
	Language string      `json:"language"`
	// Dockerfile is the path of the repository's own; "" where the image was made by a generated one, or elsewhere.
	Dockerfile string      `json:"dockerfile"`
	Reference  string      `json:"reference,omitempty"` // of an image that was made elsewhere
	Bases      []BaseImage `json:"bases,omitempty"`     // that it began from
	User       string      `json:"user"`
	CreatedAt  time.Time   `json:"created_at"`
	Seconds    float64     `json:"seconds"` // so far, while it is not final
	Image      string      `json:"image"`   // "" unless succeeded
	Error      string      `json:"error,omitempty"`
}

// ownDockerfile leaves out a generated one, which is in no repository.
func (b Build) ownDockerfile() string {
	if b.Language != "dockerfile" {
		return ""
	}
	return b.Dockerfile
}

// What names what was built: the commit, or the reference of an image that was made elsewhere.
func (b Build) What() string {
	if b.Commit == "" {
		return b.Reference
	}
	return b.Commit[:min(7, len(b.Commit))]
}

// Info shows the build as of now.
func (b Build) Info(now time.Time) BuildInfo {
	end := b.FinishedAt
	if end.IsZero() {
		end = now
	}
	return BuildInfo{
		ID: b.ID, Status: b.Status, Source: cmp.Or(b.Source, BuildOfPush), Commit: b.Commit, Branch: b.Branch, Language: b.Language, Dockerfile: b.ownDockerfile(),
		Reference: b.Reference, Bases: b.Bases, User: b.User, CreatedAt: b.CreatedAt,
		Seconds: max(0, end.Sub(b.CreatedAt).Seconds()), Image: b.Image.ID, Error: b.Error,
	}
}
