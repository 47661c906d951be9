package main

import (
	"context"
	"fmt"
	"io"

	"paas"
)

// Collect frees the same each time.
func (p *platform) Collect(_ context.Context, dryRun bool, progress io.Writer) (paas.Collection, error) {
	fmt.Fprintln(progress, "Looking at the disk")
	return paas.Collection{
		DryRun: dryRun,
		Freed: []paas.Collected{
			{Kind: paas.CollectedImages, Count: 5, Bytes: 120_000_000, Why: "no app can go back to them"},
			{Kind: paas.CollectedInstances, Why: "they have ended"},
			{Kind: paas.CollectedBuildCache, Bytes: 3_400_000_000, Why: "unused for longest"},
		},
		Kept: []paas.Collected{{Kind: paas.CollectedImages, Count: 20, Bytes: 24_000_000, Why: "of current releases"}},
	}, nil
}
