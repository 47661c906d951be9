package paas

import "time"

// Change is the audit record of one request to change something, granted or not: who asked, from where, for what, and how it
// ended. It has names and quantities, never values. Changes are of the installation: they outlive the app that they were of.
type Change struct {
	ID        int           `json:"id"`
	Time      time.Time     `json:"time"` // when it was asked for
	Took      time.Duration `json:"took"`
	User      string        `json:"user"`
	From      string        `json:"from"`              // the door, and the address of who came through it: "ssh 192.0.2.7"
	App       string        `json:"app,omitempty"`     // App.ID; empty: it is of the platform, or of no app that there is
	Name      string        `json:"name,omitempty"`    // what the app was called then
	Action    string        `json:"action"`            // the command that does it: config:set
	Subject   string        `json:"subject,omitempty"` // of what: "A, B", "web=4"
	Code      Code          `json:"code,omitempty"`    // of the error that ended it; empty: it was done
	Error     string        `json:"error,omitempty"`
	RequestID string        `json:"request_id"` // also in paasd's log
}

// Done is the result of a change that was made; that of another is the code of its error.
const Done = "done"

// Info shows the change among events.
func (c Change) Info() EventInfo {
	info := EventInfo{
		Time: c.Time, Kind: EventKind(c.Action), App: c.Name, User: c.User, From: c.From, Result: Done, Seconds: c.Took.Seconds(), RequestID: c.RequestID,
		Text: c.Subject,
	}
	if c.Code != "" {
		info.Result = string(c.Code)
	}
	if c.Error != "" {
		if info.Text != "" {
			info.Text += ": "
		}
		info.Text += c.Error
	}
	return info
}

// EventQuery selects from what happened. App is a name; empty: every change, of whatever app and of the platform.
type EventQuery struct {
	App     string
	Changes bool // only what somebody asked for
	Limit   int  // the newest
}
