package paas

import (
	"regexp"
	"strings"
	"time"
)

// DockerHub is the registry of references that name none.
const DockerHub = "docker.io"

// Registry is an account that the platform has at an image registry.
type Registry struct {
	Host      string    `json:"host"` // HOST[:PORT] as references have it
	User      string    `json:"user"` // of the registry
	CreatedBy string    `json:"created_by"`
	CreatedAt time.Time `json:"created_at"`
}

// RegistryLogin is the account with what opens it. Only the store writes the password down, sealed.
type RegistryLogin struct {
	Registry
	Password string `json:"-"` // or a token of the account
}

// String leaves the password out, whoever prints a login.
func (l RegistryLogin) String() string { return l.User + "@" + l.Host }

// GoString does, too.
func (l RegistryLogin) GoString() string { return l.String() }

// maxRegistryField bounds the user and the password; tokens of cloud registries have some 3 KB.
const maxRegistryField = 16 << 10

// Validate refuses what no registry could take.
func (l RegistryLogin) Validate() error {
	if host, err := ParseRegistryHost(l.Host); err != nil || host != l.Host {
		return badRegistryHost(l.Host)
	}
	for what, v := range map[string]string{"user": l.User, "password": l.Password} {
		switch {
		case v == "":
			return Errorf(Invalid, "the %s for registry %s is empty", what, l.Host).WithHint("paas registry:login %s -u USER", l.Host)
		case len(v) > maxRegistryField || strings.ContainsAny(v, "\x00\r\n"), what == "user" && strings.Contains(v, ":"):
			return Errorf(Invalid, "the %s for registry %s is not valid", what, l.Host).WithHint("paas registry:login %s -u USER", l.Host)
		}
	}
	return nil
}

// registryHost is what references take for a registry: a name with a dot or a port, localhost, or an address.
var registryHost = regexp.MustCompile(`^(?:localhost|(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]*[a-z0-9])?|[a-z0-9](?:[a-z0-9-]*[a-z0-9])?:[0-9]{1,5}|\[[0-9a-f:]+\])(?::[0-9]{1,5})?$`)

// ParseRegistryHost reads a registry's HOST[:PORT]; Docker Hub by any of its names is DockerHub.
func ParseRegistryHost(text string) (string, error) {
	host := strings.ToLower(text)
	switch strings.TrimPrefix(host, "https://") {
	case DockerHub, "index.docker.io", "registry-1.docker.io", "index.docker.io/v1/", "hub.docker.com":
		return DockerHub, nil
	}
	if len(host) > 260 || !registryHost.MatchString(host) {
		return "", badRegistryHost(text)
	}
	return host, nil
}

func badRegistryHost(text string) error {
	return Errorf(Invalid, "%s is not the host of a registry", Quote(text)).
		WithHint("use HOST or HOST:PORT, as image references begin: registry.example.com, ghcr.io, docker.io")
}
