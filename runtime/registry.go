package runtime

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/distribution/reference"
	"github.com/moby/moby/api/pkg/authconfig"
	"github.com/moby/moby/api/types/registry"
	"github.com/moby/moby/client"

	"paas"
)

// registryLimit bounds a question to a registry, which the engine asks it.
const registryLimit = 2 * writeLimit

// logins are the accounts that the platform has at registries.
func (d *Docker) logins() ([]paas.RegistryLogin, error) {
	if d.readLogins == nil {
		return nil, nil
	}
	logins, err := d.readLogins()
	if err != nil {
		return nil, fmt.Errorf("read the logins of registries: %w", err)
	}
	return logins, nil
}

// authFor is the X-Registry-Auth header for an image; it is never empty, which some engines do not take.
func (d *Docker) authFor(named reference.Named) (string, error) {
	logins, err := d.logins()
	if err != nil {
		return "", err
	}
	var config registry.AuthConfig
	for _, l := range logins {
		if l.Host == reference.Domain(named) {
			config = authConfig(l)
		}
	}
	header, err := authconfig.Encode(config)
	if err != nil {
		return "", fmt.Errorf("encode the login of %s: %w", reference.Domain(named), err)
	}
	return header, nil
}

// authConfig is a login as the engine takes it, which knows Docker Hub by its old address.
func authConfig(l paas.RegistryLogin) registry.AuthConfig {
	address := l.Host
	if address == paas.DockerHub {
		address = "https://index.docker.io/v1/"
	}
	return registry.AuthConfig{Username: l.User, Password: l.Password, ServerAddress: address}
}

// CheckLogin has the engine try a login at its registry. paas.Invalid when the registry does not take it,
// paas.Unavailable when it does not answer.
func (d *Docker) CheckLogin(ctx context.Context, l paas.RegistryLogin) error {
	config := authConfig(l)
	err := d.call(ctx, registryLimit, "try the login of registry "+l.Host, func(ctx context.Context) error {
		_, err := d.client.RegistryLogin(ctx, client.RegistryLoginOptions{
			Username: config.Username, Password: config.Password, ServerAddress: config.ServerAddress,
		})
		return err
	})
	switch text := errorText(err); {
	case err == nil, ctx.Err() != nil:
		return err
	case cerrdefs.IsUnauthorized(err), registryDenied(text):
		return paas.Errorf(paas.Invalid, "registry %s does not take this user and password", l.Host).
			WithHint("paas registry:login %s -u USER", l.Host).Because(err)
	case paas.CodeOf(err) == paas.Unavailable:
		return err // the engine
	}
	return registryAway(l.Host).WithHint("check the host, or keep the login untried: paas registry:login %s -u USER --no-verify", l.Host).Because(err)
}

func registryAway(host string) *paas.Error {
	return paas.Errorf(paas.Unavailable, "registry %s cannot be reached", host)
}

// errorText is what the engine said; "" where nothing went wrong.
func errorText(err error) string {
	if err == nil {
		return ""
	}
	return engineMessage(err)
}

// What registries answer reaches us in the engine's words only; its codes differ from version to version.
var (
	deniedText  = regexp.MustCompile(`(?i)unauthorized|authentication required|no basic auth credentials|authorization failed|access (?:to the resource is )?denied|denied:|insufficient_scope|403 forbidden|401`)
	missingText = regexp.MustCompile(`(?i)manifest unknown|name unknown|not known to registry|not found`)
	awayText    = regexp.MustCompile(`(?i)no such host|connection refused|i/o timeout|timeout exceeded|deadline exceeded|TLS handshake|network is unreachable|no route to host|server misbehaving|x509|server gave HTTP response`)
)

func registryDenied(text string) bool { return deniedText.MatchString(text) }

// registryError is what became of an image at its registry, in one sentence with what to do about it.
func registryError(named reference.Named, err error) error {
	host, text := reference.Domain(named), errorText(err)
	name := reference.FamiliarString(named)
	switch known, _ := errors.AsType[*paas.Error](err); {
	case known != nil && !missingText.MatchString(text) && !registryDenied(text) && !awayText.MatchString(text):
		return err // of the engine itself
	case registryDenied(text):
		return paas.Errorf(paas.Failed, "registry %s refuses access to image %s", host, name).
			WithHint("paas registry:login %s -u USER", host).Because(err)
	case cerrdefs.IsNotFound(err), missingText.MatchString(text):
		return paas.Errorf(paas.NotFound, "there is no image %s", name).
			WithHint("check its name and tag; if it is private: paas registry:login %s -u USER", host).Because(err)
	case awayText.MatchString(text):
		return registryAway(host).WithHint("check the name of the registry, and that it answers this host").Because(err)
	}
	return paas.Errorf(paas.Failed, "image %s: %s", name, text).WithHint("paas registries").Because(err)
}

// parseImage reads an image reference; nothing of one that is not valid reaches the engine. The tag latest is added where
// there is neither tag nor digest.
func parseImage(ref string) (reference.Named, error) {
	named, err := reference.ParseDockerRef(ref)
	if err != nil || len(ref) > 1024 {
		return nil, paas.Errorf(paas.Invalid, "%s is not an image reference", paas.Quote(ref)).
			WithHint("use NAME:TAG or NAME@sha256:…, for example ghcr.io/owner/name:1.2").Because(err)
	}
	return named, nil
}

// registryOf is the registry of a reference, as paas registry:login takes it.
func registryOf(ref string) string {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return "HOST"
	}
	return reference.Domain(named)
}

// parsePrefix reads HOST/PATH, under which images are pushed.
func parsePrefix(prefix string) (string, error) {
	host, _, _ := strings.Cut(prefix, "/")
	known, err := paas.ParseRegistryHost(host)
	if err == nil {
		_, err = reference.ParseNormalizedNamed(prefix + "/app:b1")
	}
	if err != nil || known != host {
		return "", paas.Errorf(paas.Invalid, "%s is not a place in a registry", paas.Quote(prefix)).
			WithHint("use HOST/PATH, for example registry.example.com/apps").Because(err)
	}
	return prefix, nil
}
