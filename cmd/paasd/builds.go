package main

import (
	"time"

	"github.com/spf13/pflag"

	"paas"
	"paas/build/plan"
)

// buildOptions hold for all builds.
type buildOptions struct {
	max      int
	timeout  time.Duration
	cache    paas.Bytes
	images   map[string]string
	network  string
	limits   paas.BuildLimits
	registry string
}

func (o *buildOptions) bind(flags *pflag.FlagSet) {
	flags.IntVar(&o.max, "max-builds", 0, "builds at one time, each of another app; 0: one a core")
	flags.DurationVar(&o.timeout, "build-timeout", time.Hour, "how long one build may take")
	o.cache = 10_000 * megabyte
	flags.Var((*bytesFlag)(&o.cache), "build-cache", "what the engine's build cache is pruned to now and then; 0: it is left alone")
	flags.StringToStringVar(&o.images, "base-image", nil, "what generated Dockerfiles are built FROM, by language: node=registry.example.com/node:22,…")
	flags.StringVar(&o.network, "build-network", "default", "what the steps of builds reach: default or none; an app's own setting goes before")
	flags.Var((*bytesFlag)(&o.limits.Memory), "build-memory", "of all steps of one build that run at one time; 0: no bound")
	flags.Float64Var(&o.limits.CPUs, "build-cpus", 0, "cores for one build; 0: no bound")
	flags.StringVar(&o.registry, "registry", "", "HOST/PATH in a registry, where each image is put as HOST/PATH/APP:bN, too; empty: none")
}

// check refuses what no build could hold.
func (o *buildOptions) check() error {
	if o.max < 0 {
		return paas.Errorf(paas.Invalid, "--max-builds %d is not a number of builds", o.max).WithHint("paasd serve --max-builds 2")
	}
	if o.timeout <= 0 {
		return paas.Errorf(paas.Invalid, "--build-timeout %s leaves builds no time", o.timeout).WithHint("paasd serve --build-timeout 1h")
	}
	if o.network != "default" && o.network != string(paas.BuildNetworkNone) {
		return paas.Errorf(paas.Invalid, "--build-network %s is not known", paas.Quote(o.network)).WithHint("use default or none")
	}
	if o.limits.Memory > 0 && o.limits.Memory < paas.MinBuildMemory || o.limits.CPUs < 0 || o.limits.CPUs > 0 && o.limits.CPUs < 0.1 {
		return paas.Errorf(paas.Invalid, "--build-memory %s --build-cpus %g leave a build too little", o.limits.Memory, o.limits.CPUs).
			WithHint("paasd serve --build-memory 2GB --build-cpus 1.5")
	}
	if err := (plan.Settings{Images: o.images}).Validate(); err != nil {
		return paas.Errorf(paas.Invalid, "--base-image: %w", err).WithHint("paasd serve --base-image node=registry.example.com/node:22")
	}
	return nil
}

func (o *buildOptions) defaultNetwork() paas.BuildNetwork {
	if o.network == string(paas.BuildNetworkNone) {
		return paas.BuildNetworkNone
	}
	return paas.BuildNetworkDefault
}
