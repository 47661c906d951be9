package runtime

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/distribution/reference"

	"paas"
)

// bases are the images that a build begins from, in the order in which the builder comes to them.
type bases struct {
	known  []paas.BaseImage
	stages map[string]bool // names that a Dockerfile gives, as the old builder tells
}

// The names of a builder's steps that are a base image: "[1/3] FROM docker.io/library/node:22@sha256:…" of BuildKit, which
// has the digest where a registry was asked, and "Step 1/3 : FROM node:22 AS build" of the builder that was before it.
var (
	kitBase     = regexp.MustCompile(`^(?:\[[^\]]*[0-9]+/[0-9]+\] )?FROM (\S+)$`)
	classicBase = regexp.MustCompile(`(?i)^Step [0-9]+/[0-9]+ : FROM (?:--\S+ )?(\S+)(?: AS (\S+))?$`)
)

// learn takes the name of a step.
func (b *bases) learn(name string) {
	ref := ""
	if m := kitBase.FindStringSubmatch(name); m != nil {
		ref = m[1]
	} else if m := classicBase.FindStringSubmatch(name); m != nil {
		if !b.stages[m[1]] {
			ref = m[1]
		}
		if m[2] != "" {
			if b.stages == nil {
				b.stages = map[string]bool{}
			}
			b.stages[m[2]] = true
		}
	}
	if ref == "" || ref == "scratch" {
		return
	}
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return
	}
	base := paas.BaseImage{}
	if digested, ok := named.(reference.Digested); ok {
		base.Digest = digested.Digest().String()
	}
	base.Ref, _, _ = strings.Cut(reference.TagNameOnly(named).String(), "@")
	for _, known := range b.known {
		if known.Ref == base.Ref {
			return
		}
	}
	b.known = append(b.known, base)
}

// tell gives each as an event, with the digest that it has by now: the builder says none of what only this host has.
func (b *bases) tell(ctx context.Context, d *Docker, events func(paas.BuildEvent)) error {
	for _, base := range b.known {
		if base.Digest == "" {
			found, err := d.inspectImage(ctx, base.Ref)
			if paas.CodeOf(err) == paas.NotFound {
				continue // removed meanwhile
			}
			if err != nil {
				return fmt.Errorf("look up base image %s: %w", base.Ref, err)
			}
			base.Digest = digestIn(found.RepoDigests, base.Ref, found.ID)
		}
		events(paas.BuildEvent{Base: base})
	}
	return nil
}

// digestIn is the digest that an image has in the repository of ref, else its id.
func digestIn(repoDigests []string, ref, id string) string {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return id
	}
	for _, text := range repoDigests {
		other, err := reference.ParseNormalizedNamed(text)
		if err != nil || other.Name() != named.Name() {
			continue
		}
		if digested, ok := other.(reference.Digested); ok {
			return digested.Digest().String()
		}
	}
	return id
}
