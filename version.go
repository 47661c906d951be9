package paas

import "runtime/debug"

// shortRevision is how much of a commit's hash tells versions apart.
const shortRevision = 7

// Version is that of the running program, as its build recorded it: the module's, else the commit that it was built from.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "dev"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value[:min(len(s.Value), shortRevision)]
		}
	}
	return "dev"
}
