package paas

import "time"

// LogSource says who wrote a line.
type LogSource string

// The sources of log lines.
const (
	LogApp    LogSource = "app"    // stdout and stderr of the app's processes
	LogRouter LogSource = "router" // one line a request
	LogPaas   LogSource = "paas"   // what the platform did
)

// LogLine is a line of an app's log stream.
type LogLine struct {
	// Seq is the line's number in its app's stream, counted from 1; what is between two lines that follow each other was lost.
	Seq      int64     `json:"seq,omitempty"`
	Time     time.Time `json:"time"`
	Source   LogSource `json:"source"`
	Process  string    `json:"process"` // web.1, run.17, build.3; "router"; for LogPaas what acted: "deploy", "scale", web.1
	Instance string    `json:"-"`       // the engine's id of the instance, for app lines
	Text     string    `json:"text"`    // any bytes but newline
}

// logTime is RFC 3339 with microseconds and a numeric zone.
const logTime = "2006-01-02T15:04:05.000000-07:00"

// String is the line as `paas logs` prints it.
func (l LogLine) String() string {
	return l.Time.UTC().Format(logTime) + " " + string(l.Source) + "[" + l.Process + "]: " + l.Text
}

// LogQuery selects lines of one app. Zero values select all.
type LogQuery struct {
	Lines   int // the last n; 0 with Follow: none of the past
	Source  LogSource
	Process string // a type (web) or an instance (web.1)
	Since   time.Time
	Until   time.Time
	// After is a LogLine.Seq: only lines after it. With Follow and no Lines a reader that was cut off goes on without gap
	// or repeat.
	After  int64
	Follow bool
}

// Match says whether the query selects l, apart from Lines.
func (q LogQuery) Match(l LogLine) bool {
	if q.Source != "" && q.Source != l.Source {
		return false
	}
	if !q.Since.IsZero() && l.Time.Before(q.Since) || !q.Until.IsZero() && l.Time.After(q.Until) {
		return false
	}
	if l.Seq != 0 && l.Seq <= q.After {
		return false
	}
	if q.Process == "" || q.Process == l.Process {
		return true
	}
	typ, _, ok := ParseInstanceName(l.Process)
	return ok && typ == q.Process
}
