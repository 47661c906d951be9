package faults

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"paas/test/platform"
	"paas/test/report"
)

// docFile is the environment variable that names the document to write the table into.
const docFile = "PAAS_RELIABILITY_DOC"

var suite = &report.Suite{Title: "Deploys, rollbacks and faults under load", Desks: 3, Groups: []report.Group{
	{Key: "Z", Name: "Deploys"},
	{Key: "D", Name: "The end of instances"},
	{Key: "R", Name: "Rollback"},
	{Key: "F", Name: "Faults"},
	{Key: "V", Name: "Restarts of the engine and the host"},
}}

// steady is the load that all of it is under, requests a second.
var steady = platform.Rate{Kept: 50, New: 10}

func TestMain(m *testing.M) {
	os.Exit(suite.Main(m, platform.Options{Args: []string{"--max-builds", "8"}}, publish))
}

func publish() error {
	err := suite.Print(os.Stdout, "")
	doc := os.Getenv(docFile)
	if doc == "" {
		return err
	}
	text := fmt.Sprintf("\n%s. Each proof under %d requests/s on kept connections and %d/s on new ones.\n\n%s\n",
		report.Machine(), steady.Kept, steady.New, suite.Markdown())
	return errors.Join(err, report.Replace(doc, "measured", text))
}

// clean ends the load of a proof a second after all else: not one request may have failed.
func clean(p *report.Proof, load *platform.Load) platform.Traffic {
	p.Helper()
	load.Flow(p, steady.Kept+steady.New)
	traffic := load.StopClean(p)
	p.Under(traffic)
	return traffic
}
