package conformance

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"paas/test/platform"
	"paas/test/report"
)

// The environment variables that name the file of the table, and the document that has it.
const (
	reportFile = "PAAS_CONFORMANCE_REPORT"
	docFile    = "PAAS_RELIABILITY_DOC"
)

// suite has the factors in the order of the table, by the part of the id before the dash.
var suite = &report.Suite{Title: "Twelve-factor conformance", Desks: 6, Groups: []report.Group{
	{Key: "I", Name: "Codebase"},
	{Key: "II", Name: "Dependencies"},
	{Key: "III", Name: "Config"},
	{Key: "IV", Name: "Backing services"},
	{Key: "V", Name: "Build, release, run"},
	{Key: "VI", Name: "Processes"},
	{Key: "VII", Name: "Port binding"},
	{Key: "VIII", Name: "Concurrency"},
	{Key: "IX", Name: "Disposability"},
	{Key: "X", Name: "Dev/prod parity"},
	{Key: "XI", Name: "Logs"},
	{Key: "XII", Name: "Admin processes"},
}}

func TestMain(m *testing.M) {
	os.Exit(suite.Main(m, platform.Options{}, publish))
}

func publish() error {
	err := suite.Print(os.Stdout, os.Getenv(reportFile))
	if doc := os.Getenv(docFile); doc != "" {
		err = errors.Join(err, report.Replace(doc, "conformance", fmt.Sprintf("\n%s.\n\n%s\n", report.Machine(), suite.Times())))
	}
	return err
}
