package main

import (
	"time"

	"github.com/spf13/pflag"

	"paas"
	"paas/build"
)

// pushOptions bound what one push may ask of the host.
type pushOptions struct {
	limits     build.Limits
	submodules []string
	hosts      build.HostRules // of them
}

func (o *pushOptions) bind(flags *pflag.FlagSet) {
	l := &o.limits
	l.PushBytes, l.SourceBytes = 2000*megabyte, 4000*megabyte
	flags.Var((*bytesFlag)(&l.PushBytes), "max-push", "what one push may send")
	flags.IntVar(&l.PushObjects, "max-push-objects", 2_000_000, "git objects that one push may bring")
	flags.DurationVar(&l.PushTime, "push-timeout", time.Hour, "how long a push may take to arrive")
	flags.DurationVar(&l.PushStall, "push-stall", time.Minute, "a client that is silent for that long in a push counts as gone")
	flags.Var((*bytesFlag)(&l.SourceBytes), "max-source", "what the files of a commit to build may come to")
	flags.IntVar(&l.SourceFiles, "max-source-files", 500_000, "files and folders that a commit to build may have")
	flags.StringSliceVar(&o.submodules, "submodule-hosts", nil,
		"hosts that submodules are fetched from, over https: github.com,…; * is any public one; default: submodules are not fetched")
}

// check refuses what is below nothing; nothing is the default.
func (o *pushOptions) check() error {
	l := o.limits
	for flag, bad := range map[string]bool{
		"max-push-objects": l.PushObjects < 0, "max-source-files": l.SourceFiles < 0, "push-timeout": l.PushTime < 0,
		"push-stall": l.PushStall < 0 || l.PushStall > 0 && l.PushStall < time.Second,
	} {
		if bad {
			return paas.Errorf(paas.Invalid, "--%s leaves pushes nothing", flag).WithHint("paasd serve --help")
		}
	}
	var err error
	o.hosts, err = build.ParseHostRules(o.submodules)
	return err
}
