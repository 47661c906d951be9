package main

import (
	"os"
	"strings"
	"syscall"

	"paas"
)

// faultEnv makes paasd kill itself, as kill -9 would, the first time that it gets to a moment of a push: kill@switch. It
// is for tests of what is left then. Moments are those of release.Options.Reached and build.Options.Reached.
const faultEnv = "PAAS_FAULT"

// faultPoint is nil unless the environment asks for a fault.
func faultPoint(getenv func(string) string) (reached func(moment string), err error) {
	fault := getenv(faultEnv)
	if fault == "" {
		return nil, nil //nolint:nilnil // which is how it is off
	}
	at, ok := strings.CutPrefix(fault, "kill@")
	if !ok || at == "" {
		return nil, paas.Errorf(paas.Invalid, "%s=%s is not a fault", faultEnv, paas.Quote(fault)).
			WithHint("use %s=kill@MOMENT, as CONTRIBUTING.md has it, and only in tests", faultEnv)
	}
	return func(moment string) {
		if moment == at {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL) // it cannot fail
			select {}                                      // nothing happens after it
		}
	}, nil
}
