package proxy

import (
	"net/http"

	"paas"
)

// code is why a request failed, as Heroku numbers it. Zero: it did not.
type code string

// The codes. H15, H18 and H28 end requests whose status is on its way already; they are seen in the log only.
const (
	crashed     code = "H10"
	backlog     code = "H11"
	timedOut    code = "H12"
	noResponse  code = "H13"
	noInstance  code = "H14"
	idleBackend code = "H15"
	garbled     code = "H17"
	interrupted code = "H18"
	connectLate code = "H19"
	booting     code = "H20"
	refused     code = "H21"
	clientGone  code = "H27"
	idleClient  code = "H28"
	maintenance code = "H80"
	nothing     code = "H81"
	platform    code = "H99"

	// The router's own answers to requests that are no app's fault; never shown as a code.
	badRequest code = "400"
	unknown    code = "404"
	badMethod  code = "405"
	bodyLarge  code = "413"
	moved      code = "308"
	healthy    code = "200" // the health path of an app that is paused

	challenged code = "acme" // an ACME authority looks whether the host is ours
)

// statusClientGone is nginx's and Heroku's: nobody is there to read it.
const statusClientGone = 499

// meaning is what a person reads of a code.
type meaning struct {
	status int
	desc   string // in the log line, as Heroku words it
	title  string
	text   string
	kind   paas.Code
	hint   string // for the one who runs the app
}

func (c code) meaning() meaning {
	switch c {
	case crashed:
		return meaning{503, "App crashed", "Application error", "The application has crashed and is being restarted.", paas.Unavailable, "paas logs"}
	case backlog:
		return meaning{503, "Backlog too deep", "Too busy", "The application has as many requests in hand as it may. Try again in a moment.", paas.Unavailable, "paas router"}
	case timedOut:
		return meaning{504, "Request timeout", "Application error", "The application did not answer in time.", paas.Unavailable, "paas logs"}
	case noResponse:
		return meaning{502, "Connection closed without response", "Application error", "The application closed the connection without an answer.", paas.Unavailable, "paas logs"}
	case noInstance:
		return meaning{503, "No web processes running", "Application not running", "No web process of the application is running.", paas.Unavailable, "paas scale web=1"}
	case idleBackend:
		return meaning{503, "Idle connection", "", "", paas.Unavailable, ""}
	case garbled:
		return meaning{502, "Poorly formatted HTTP response", "Application error", "The application's answer was not valid HTTP.", paas.Unavailable, "paas logs"}
	case interrupted:
		return meaning{503, "Server Request Interrupted", "", "", paas.Unavailable, ""}
	case connectLate:
		return meaning{504, "Backend connection timeout", "Application error", "The application did not accept a connection in time.", paas.Unavailable, "paas ps"}
	case booting:
		return meaning{503, "App boot in progress", "Application starting", "The application is starting. Try again in a moment.", paas.Unavailable, "paas ps"}
	case refused:
		return meaning{502, "Backend connection refused", "Application error", "The application refused the connection.", paas.Unavailable, "paas ps"}
	case clientGone:
		return meaning{statusClientGone, "Client Request Interrupted", "", "", paas.Canceled, ""}
	case idleClient:
		return meaning{statusClientGone, "Client connection idle", "", "", paas.Canceled, ""}
	case maintenance:
		return meaning{503, "Maintenance mode", "Offline for maintenance", "The application is undergoing maintenance. Check back later.", paas.Unavailable, "paas maintenance:off"}
	case nothing:
		return meaning{503, "Blank app", "Nothing here yet", "Nothing has been deployed to this application.", paas.Unavailable, "git push paas main"}
	case badRequest:
		return meaning{http.StatusBadRequest, "", "Bad request", "The request was not valid HTTP.", paas.Invalid, ""}
	case unknown:
		return meaning{http.StatusNotFound, "", "No such application", "No application answers at this address.", paas.NotFound, "paas domains"}
	case bodyLarge:
		return meaning{http.StatusRequestEntityTooLarge, "", "Request too large", "The body of the request is larger than the application takes.", paas.Invalid, "paas router"}
	case moved:
		return meaning{http.StatusPermanentRedirect, "", "Moved", "The application answers at another address.", paas.Invalid, ""}
	case healthy:
		return meaning{http.StatusOK, "", "Paused", "The application is paused for a moment.", paas.Unavailable, "paas resume"}
	case challenged:
		return meaning{http.StatusOK, "", "Challenge", "", paas.Invalid, ""}
	case badMethod:
		return meaning{http.StatusMethodNotAllowed, "", "Method not allowed", "This router is no forward proxy.", paas.Invalid, ""}
	}
	return meaning{500, "Platform error", "Platform error", "The platform failed to handle the request.", paas.Internal, "paas logs --source router"}
}

// isH says whether the code goes into X-Paas-Error and the log.
func (c code) isH() bool { return c != "" && c[0] == 'H' }

// byBackend says whether it was the backend that failed a request that it had accepted.
func (c code) byBackend() bool {
	switch c {
	case timedOut, noResponse, idleBackend, garbled, interrupted:
		return true
	}
	return false
}

// downCode is what answers for an app without backends.
func downCode(s string) code {
	if s == "" {
		return noInstance
	}
	return code(s)
}
