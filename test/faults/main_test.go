// Package faults takes away what the platform stands on, and shows that apps do not notice, or that it all comes back.
package faults

import (
	"flag"
	"os"
	"testing"
)

// atOnce is how many tests run at the same time: they mostly wait for the engine.
const atOnce = "6"

func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", atOnce); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
