package traefik

import (
	"testing"
	"time"
)

func TestLinesOfTheAccessLog(t *testing.T) {
	begin := `{"StartUTC":"2026-11-23T06:36:01.1Z","Duration":10500000,"OriginDuration":9000000,"ClientAddr":"192.0.2.9:4711",` +
		`"RequestMethod":"GET","RequestHost":"A.localhost","RequestPath":"/x?y=\"1\"",`
	tests := map[string]struct{ line, want string }{
		"answered": {
			`"RouterName":"app1:0@file","ServiceName":"app1@file","ServiceAddr":"10.83.0.2:5000","DownstreamStatus":200,"DownstreamContentSize":12,"request_X-Request-Id":"id-1","origin_Date":"now"}`,
			`at=info method=GET path="/x?y=\"1\"" host=a.localhost request_id=id-1 fwd="192.0.2.9" instance=web.1 connect=1ms service=9ms status=200 bytes=12 protocol=http`,
		},
		"the app's own 502": {
			`"RouterName":"app1:0:tls@file","ServiceName":"app1@file","ServiceAddr":"10.83.0.2:5000","DownstreamStatus":502,"DownstreamContentSize":1,"origin_Date":"now","request_X-Forwarded-For":"198.51.100.1"}`,
			`at=info method=GET path="/x?y=\"1\"" host=a.localhost request_id= fwd="198.51.100.1, 192.0.2.9" instance=web.1 connect=1ms service=9ms status=502 bytes=1 protocol=http`,
		},
		"refused": {
			`"RouterName":"app1:0@file","ServiceName":"app1@file","ServiceAddr":"10.83.0.2:5000","DownstreamStatus":502,"DownstreamContentSize":11,"RetryAttempts":1}`,
			`at=error code=H21 desc="Backend connection refused" method=GET path="/x?y=\"1\"" host=a.localhost request_id= fwd="192.0.2.9" instance=web.1 connect=1ms service=9ms status=502 bytes=11 protocol=http`,
		},
		"too late": {
			`"RouterName":"app1:0@file","ServiceName":"app1@file","ServiceAddr":"10.83.0.2:5000","DownstreamStatus":504,"DownstreamContentSize":15}`,
			`at=error code=H12 desc="Request timeout" method=GET path="/x?y=\"1\"" host=a.localhost request_id= fwd="192.0.2.9" instance=web.1 connect=1ms service=9ms status=504 bytes=15 protocol=http`,
		},
		"a page": {
			`"RouterName":"app1:0@file","ServiceName":"H14@file","ServiceAddr":"127.0.0.1:7072","DownstreamStatus":503,"DownstreamContentSize":700,"origin_Date":"now","origin_X-Request-Id":"made"}`,
			`at=error code=H14 desc="No web processes running" method=GET path="/x?y=\"1\"" host=a.localhost request_id=made fwd="192.0.2.9" instance= connect=10ms service=0ms status=503 bytes=700 protocol=http`,
		},
		"too many": {
			`"RouterName":"app1:0@file","DownstreamStatus":429,"DownstreamContentSize":17}`,
			`at=error code=H11 desc="Backlog too deep" method=GET path="/x?y=\"1\"" host=a.localhost request_id= fwd="192.0.2.9" instance= connect=10ms service=0ms status=429 bytes=17 protocol=http`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			ev, ok := parseAccess([]byte(begin+test.line), func(addr string) string { return map[string]string{"10.83.0.2:5000": "web.1"}[addr] })
			if !ok || ev.App != "app1" || ev.Text != test.want {
				t.Errorf("it becomes %t %s\n%s\nnot\n%s", ok, ev.App, ev.Text, test.want)
			}
			if at := time.Date(2026, 11, 23, 6, 36, 1, 110_500_000, time.UTC); !ev.Time.Equal(at) {
				t.Errorf("it is of %s", ev.Time)
			}
		})
	}
	for _, line := range []string{``, `{`, `{}`, `{"RouterName":"unknown@file"}`, `{"RouterName":"ping@internal"}`, `{"RouterName":"a:0@docker"}`} {
		if ev, ok := parseAccess([]byte(line), func(string) string { return "" }); ok {
			t.Errorf("%s becomes %+v", line, ev)
		}
	}
}
