package logs

import (
	"bytes"
	"strings"
	"time"

	"paas"
)

// stampLayout is of one width, and keeps nanoseconds: an instance's log is taken up again by time.
const stampLayout = "2006-01-02T15:04:05.000000000Z"

// appendRecord adds a line as its record: time, source, process, instance and text, separated by tabs, and a newline.
func appendRecord(b []byte, l paas.LogLine) []byte {
	b = l.Time.UTC().AppendFormat(b, stampLayout)
	for _, column := range []string{string(l.Source), l.Process, l.Instance} {
		b = append(b, '\t')
		b = append(b, flat(column, "\t\n")...)
	}
	b = append(b, '\t')
	b = append(b, flat(l.Text, "\n")...)
	return append(b, '\n')
}

// flat makes spaces of the separators that a value may not hold.
func flat(s, separators string) string {
	if !strings.ContainsAny(s, separators) {
		return s
	}
	b := []byte(s)
	for i, c := range b {
		if strings.IndexByte(separators, c) >= 0 {
			b[i] = ' '
		}
	}
	return string(b)
}

// parseRecord reads a record without its newline; ok is false for what is not one: a record that was torn when the
// machine went down.
func parseRecord(b []byte) (l paas.LogLine, ok bool) {
	var columns [4][]byte
	for i := range columns {
		if columns[i], b, ok = bytes.Cut(b, []byte{'\t'}); !ok {
			return paas.LogLine{}, false
		}
	}
	t, err := time.Parse(stampLayout, string(columns[0]))
	if err != nil {
		return paas.LogLine{}, false
	}
	return paas.LogLine{
		Time: t, Source: paas.LogSource(columns[1]), Process: string(columns[2]), Instance: string(columns[3]), Text: string(b),
	}, true
}
