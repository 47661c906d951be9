package client

import (
	"encoding/json"
	"net/http"

	"paas"
)

// MediaNDJSON is the media type by which a client asks for the progress of a long write, line by line.
const MediaNDJSON = "application/x-ndjson"

// HeaderPush carries, in the pre-receive hook's call back, which push it belongs to.
const HeaderPush = "Paas-Push"

// StatusCanceled answers a request whose client is gone; it has no name of its own in HTTP.
const StatusCanceled = 499

// statuses is the one table of the HTTP statuses of error codes. The body has the code itself.
func statuses() map[paas.Code]int {
	return map[paas.Code]int{
		paas.Internal:     http.StatusInternalServerError,
		paas.Invalid:      http.StatusBadRequest,
		paas.Unauthorized: http.StatusUnauthorized,
		paas.NotFound:     http.StatusNotFound,
		paas.Conflict:     http.StatusConflict,
		paas.Stale:        http.StatusPreconditionFailed,
		paas.Failed:       http.StatusUnprocessableEntity,
		paas.Unavailable:  http.StatusServiceUnavailable,
		paas.RateLimited:  http.StatusTooManyRequests,
		paas.Canceled:     StatusCanceled,
	}
}

// Status is the HTTP status of an error code; 500 for one it does not know.
func Status(code paas.Code) int {
	if status, ok := statuses()[code]; ok {
		return status
	}
	return http.StatusInternalServerError
}

// strangersCode is the error code of an answer that is not paasd's: what is in between (a proxy, a router), or is there
// in its place, also answers. It knows nothing of paasd's nouns, so its 404 never means that an app is not there.
func strangersCode(status int) paas.Code {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return paas.Unauthorized
	case status == http.StatusTooManyRequests:
		return paas.RateLimited
	case status == http.StatusNotFound, status >= http.StatusBadGateway && status <= http.StatusGatewayTimeout:
		return paas.Unavailable
	case status >= 400 && status < 500:
		return paas.Invalid
	}
	return paas.Internal
}

// Fault is an error on the wire.
type Fault struct {
	Code      paas.Code `json:"code"`
	Message   string    `json:"message"`
	Hint      string    `json:"hint,omitempty"`
	RequestID string    `json:"request_id,omitempty"`
}

// Err is the fault as the error it was.
func (f Fault) Err() *paas.Error {
	return &paas.Error{Code: f.Code, Message: f.Message, Hint: f.Hint}
}

// Failure is the body of an answer that is an error.
type Failure struct {
	Error Fault `json:"error"`
}

// Event is one line of a long write's answer: progress any number of times (a line of text without its newline), then
// either result or error.
type Event struct {
	Progress *string         `json:"progress,omitempty"`
	Result   json.RawMessage `json:"result,omitempty"`
	Error    *Fault          `json:"error,omitempty"`
}

// The bodies of requests and answers that are not the nouns of package paas.
type (
	// NameBody creates or renames an app, or makes a token.
	NameBody struct {
		Name string `json:"name"`
	}
	// KeyBody adds an SSH key: Key is a line of authorized_keys form.
	KeyBody struct {
		Name string `json:"name"`
		Key  string `json:"key"`
	}
	// RegistryBody adds a login of an image registry.
	RegistryBody struct {
		Host     string `json:"host"`
		User     string `json:"user"`
		Password string `json:"password"`
		NoVerify bool   `json:"no_verify,omitempty"` // keep it untried
	}
	// RollbackBody names the release to go back to; 0 for the default.
	RollbackBody struct {
		Version int `json:"version"`
	}
	// TargetBody names a process type, an instance, or with "" all.
	TargetBody struct {
		Target string `json:"target"`
	}
	// HostBody adds a domain.
	HostBody struct {
		Host string `json:"host"`
	}
	// CertBody adds a certificate: the chain and its key, in PEM.
	CertBody struct {
		Certificate string `json:"certificate"`
		Key         string `json:"key"`
	}
	// CollectBody says whether a collection is only to say what it would free.
	CollectBody struct {
		DryRun bool `json:"dry_run"`
	}
	// PushBody is what git told the pre-receive hook: its stdin, its GIT_* variables and the push options.
	PushBody struct {
		Updates string            `json:"updates"`
		Env     map[string]string `json:"env"`
		Options []string          `json:"options"`
	}
	// NewToken is a token just made; Secret is shown this once.
	NewToken struct {
		Secret string     `json:"secret"`
		Token  paas.Token `json:"token"`
	}
	// VersionInfo is the daemon's version.
	VersionInfo struct {
		Version string `json:"version"`
	}
)
