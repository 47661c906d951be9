// Package e2e tells what a person does with paas and what comes of it: scripts through both real binaries, real git,
// real ssh and a real Docker engine. What needs a paasd to itself, or a hand on the process, is a test in Go.
package e2e

import (
	"flag"
	"os"
	"testing"
)

// atOnce is how many scripts and tests run at the same time: they mostly wait for the engine.
const atOnce = "6"

func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", atOnce); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
