package paas

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
)

// Route is everything the router knows of one app. It is a value: a change makes a new one.
type Route struct {
	App  string `json:"app"`  // App.ID
	Name string `json:"name"` // App.Name
	// Hosts are names with, in front, "*." for any one label, and a path prefix behind: www.example.com,
	// *.example.com, example.com/api. An exact host goes before a wildcard, a longer prefix before a shorter one.
	Hosts       []string `json:"hosts"`
	Maintenance bool     `json:"maintenance,omitempty"`
	Paused      bool     `json:"paused,omitempty"` // requests wait, for a while
	Health      string   `json:"health,omitempty"` // the path of the app's check: answered while it is paused
	Routing     Routing  `json:"routing,omitzero"`
	Pages       Pages    `json:"pages,omitzero"`
	// Certificates are those that the app's owner brought: names of the router's files, each a chain and its key in PEM.
	Certificates []string  `json:"certificates,omitempty"`
	Backends     []Backend `json:"backends"`
	// Down is the code that answers while there is no backend: H81 nothing deployed, H14 no web instance wanted,
	// H20 booting, H10 crashed.
	Down string `json:"down,omitempty"`
}

// Backend is the address of a web instance that may get requests.
type Backend struct {
	Instance string         `json:"instance"` // web.1
	Addr     netip.AddrPort `json:"addr"`
	Release  int            `json:"release"`
}

// Files are what the route names beside itself, each by its FileName. Whoever makes the route live has put them where the
// router finds them.
func (r Route) Files() []string {
	var names []string
	for _, name := range []string{r.Pages.Maintenance, r.Pages.Unavailable} {
		if name != "" {
			names = append(names, name)
		}
	}
	return append(names, r.Certificates...)
}

// FileName names a file of a route by its content: the SHA-256 in 64 hexadecimal digits.
func FileName(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
