package runtime

import (
	"maps"
	"strconv"

	"github.com/moby/moby/client"

	"paas"
)

// The labels of everything that an installation makes. They are how it is found again.
const (
	labelInstallation = "paas.installation"
	labelApp          = "paas.app"    // App.Name
	labelAppID        = "paas.app-id" // App.ID
	labelProcess      = "paas.process"
	labelRelease      = "paas.release"
	labelInstance     = "paas.instance"
	labelGeneration   = "paas.generation"
	labelPort         = "paas.port"
	labelSize         = "paas.size"     // as the app asked for; "" is the platform's default
	labelAttached     = "paas.attached" // "true": a run whose output goes to its client, not to the log
	labelBuild        = "paas.build"
	labelCommit       = "paas.commit"
	labelService      = "paas.service"
	labelLook         = "paas.look" // an image that is being looked into
	labelServiceSum   = "paas.service-sum"
	labelServiceAs    = "paas.service-as" // ServiceEnv of the container
)

// mine filters what the installation made; more are further labels, "key" or "key=value".
func (d *Docker) mine(more ...string) client.Filters {
	return make(client.Filters).Add("label", labelInstallation+"="+d.installation).Add("label", more...)
}

// labelsOf are the labels of an instance; the spec cannot override ours.
func (d *Docker) labelsOf(spec paas.InstanceSpec) map[string]string {
	labels := maps.Clone(spec.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, map[string]string{
		labelInstallation: d.installation,
		labelApp:          spec.AppName,
		labelAppID:        spec.App,
		labelProcess:      spec.Type,
		labelRelease:      strconv.Itoa(spec.Release),
		labelInstance:     spec.Name,
		labelGeneration:   strconv.Itoa(spec.Generation),
		labelPort:         strconv.Itoa(spec.Port),
		labelSize:         spec.Size.String(),
	})
	return labels
}

// labelled fills in the part of an instance that its labels tell.
func labelled(id string, labels map[string]string) paas.Instance {
	size, err := paas.ParseSize(labels[labelSize])
	if err != nil { // none, or one that somebody garbled
		size = paas.Size{}
	}
	return paas.Instance{
		ID: id, Size: size, App: labels[labelAppID], AppName: labels[labelApp], Type: labels[labelProcess], Name: labels[labelInstance],
		Release: number(labels[labelRelease]), Generation: number(labels[labelGeneration]), Port: number(labels[labelPort]),
	}
}

// number reads a label; one that somebody else garbled counts as 0, as one that is missing does.
func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}
