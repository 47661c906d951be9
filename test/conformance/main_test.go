package conformance

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"paas/test/platform"
)

// shared is the platform that all proofs work on but those that stop paasd or look at its files.
var shared *platform.Platform

// reportFile is the environment variable that names the file of the table.
const reportFile = "PAAS_CONFORMANCE_REPORT"

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "200"); err != nil { // most of a proof is waiting: desks bound the rest
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := platform.Main(m, &shared, platform.Options{})
	if err := results.publish(os.Stdout, os.Getenv(reportFile)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
