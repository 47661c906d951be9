package build

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"paas"
)

// The contract between a push, its hook and paasd's socket.
const (
	envSocket  = "PAAS_SOCKET"
	envPush    = "PAAS_PUSH"
	hookURL    = "http://paasd/hook/pre-receive"
	hookHeader = "Paas-Push"
	// maxUpdates bounds what git writes to the hook, in bytes: some 10,000 refs.
	maxUpdates = 1 << 20
)

// HookRequest is the body that the hook sends to POST /hook/pre-receive, with the push's token in the header
// Paas-Push.
type HookRequest struct {
	Updates string            `json:"updates"` // "old new ref" lines
	Env     map[string]string `json:"env"`     // the hook's GIT_* variables that say where the new objects are
	Options []string          `json:"options"` // what the pusher asked for with git push -o
}

// hookEvent is one line of the answer.
type hookEvent struct {
	Progress string `json:"progress"`
	Error    *struct {
		Code      paas.Code `json:"code"`
		Message   string    `json:"message"`
		Hint      string    `json:"hint"`
		RequestID string    `json:"request_id"`
	} `json:"error"`
	Result json.RawMessage `json:"result"`
}

// Hook is the client half of the pre-receive hook: it hands what git says on stdin to paasd, copies the progress to
// stdout, which git shows to the pusher, and returns the exit code: 0 lets git move the branch, 1 rejects the push.
func Hook(ctx context.Context, getenv func(string) string, stdin io.Reader, stdout io.Writer) int {
	err := hook(ctx, getenv, stdin, stdout)
	if err == nil {
		return 0
	}
	writeError(stdout, err)
	return 1
}

func hook(ctx context.Context, getenv func(string) string, stdin io.Reader, stdout io.Writer) error {
	socket, token := getenv(envSocket), getenv(envPush)
	if socket == "" || token == "" {
		return paas.Errorf(paas.Invalid, "this repository takes pushes through paasd only").WithHint("git push ssh://paas@HOST:2222/APP main")
	}
	updates, err := io.ReadAll(io.LimitReader(stdin, maxUpdates+1))
	if err != nil {
		return fmt.Errorf("read what git pushes: %w", err)
	}
	if len(updates) > maxUpdates {
		return errTooManyRefs
	}
	body, err := json.Marshal(HookRequest{Updates: string(updates), Env: quarantineEnv(getenv), Options: optionsOf(getenv)})
	if err != nil {
		return err
	}
	return postHook(ctx, socket, token, body, stdout)
}

func postHook(ctx context.Context, socket, token string, body []byte, stdout io.Writer) error {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, hookURL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set(hookHeader, token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/x-ndjson")
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return paas.Errorf(paas.Unavailable, "paasd does not answer").WithHint("push again in a moment").Because(err)
	}
	defer resp.Body.Close()
	return followHook(resp.Body, stdout)
}

// followHook copies progress until the answer's last line.
func followHook(body io.Reader, stdout io.Writer) error {
	for dec := json.NewDecoder(body); ; {
		var e hookEvent
		err := dec.Decode(&e)
		switch {
		case err != nil:
			return paas.Errorf(paas.Unavailable, "paasd went away in the middle of the push").
				WithHint("push again; paas releases shows what was deployed").Because(err)
		case e.Error != nil:
			message := e.Error.Message
			if e.Error.Code == paas.Internal && !strings.Contains(message, e.Error.RequestID) {
				message += " (request id " + e.Error.RequestID + ")"
			}
			return &paas.Error{Code: e.Error.Code, Message: message, Hint: e.Error.Hint}
		case e.Result != nil:
			return nil
		case e.Progress != "":
			if _, err := io.WriteString(stdout, strings.TrimSuffix(e.Progress, "\n")+"\n"); err != nil {
				return err
			}
		}
	}
}

// writeError shows an error to the pusher. Nobody is left to tell if stdout is gone.
func writeError(w io.Writer, err error) {
	message, hint := err.Error(), ""
	if e, ok := errors.AsType[*paas.Error](err); ok {
		message, hint = e.Message, e.Hint
	}
	var b strings.Builder
	for line := range strings.Lines(message + "\n" + hint) {
		if line = strings.TrimSpace(line); line != "" {
			b.WriteString(" !     " + line + "\n")
		}
	}
	_, _ = io.WriteString(w, b.String())
}
