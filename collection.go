package paas

// Collection is what a collection freed, or, as a dry run, would have freed, and what it left.
type Collection struct {
	DryRun bool        `json:"dry_run"`
	Freed  []Collected `json:"freed"`
	Kept   []Collected `json:"kept"`
}

// Collected is things of one kind that went, or stay, together.
type Collected struct {
	Kind  CollectedKind `json:"kind"`
	Count int           `json:"count"`
	// Bytes is what they take that nothing else shares: an image's share of layers that other images have too is not in it.
	Bytes Bytes  `json:"bytes"`
	Why   string `json:"why"`
}

// CollectedKind is what there is to collect.
type CollectedKind string

// The kinds.
const (
	CollectedImages     CollectedKind = "images"
	CollectedInstances  CollectedKind = "instances"
	CollectedBuildCache CollectedKind = "build cache"
)

// StoredImage is an image of an app that the container engine has.
type StoredImage struct {
	ID  string
	App string // App.ID, of an app that may be gone
}

// DiskUsage is what the container engine keeps on its disk, for everybody who uses it.
type DiskUsage struct {
	Layers     Bytes            // all images together, each layer counted once
	Images     map[string]Bytes // by image id: what no other image shares
	Instances  map[string]Bytes // by instance id: what it has written
	BuildCache Bytes
}
