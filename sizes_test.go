package paas

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseSizes(t *testing.T) {
	got, err := ParseSizes([]string{"web=512MB:0.5cpu", "worker=1gb", "clock=default", "tick=2cpu"})
	want := Sizes{"web": {Memory: 512 << 20, CPU: 500}, "worker": {Memory: 1 << 30}, "clock": {}, "tick": {CPU: 2000}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	for _, bad := range []string{"web", "web=", "=512mb", "web=512", "web=7mb", "web=512mb:1gb", "web=0.5cpu:1cpu", "web=-1gb", "we b=1gb", "web=1e9gb", "web=99999999tb", "web=0.001cpu", "web=:", "web=512mb:"} {
		if got, err := ParseSizes([]string{bad}); CodeOf(err) != Invalid {
			t.Errorf("%s: %v, %v", bad, got, err)
		}
	}
	if _, err := ParseSizes([]string{"web=1gb", "web=2gb"}); err == nil || !strings.Contains(err.Error(), "web is given twice") {
		t.Error(err)
	}
}

func TestSizesAsJSON(t *testing.T) {
	sizes := Sizes{"web": {Memory: 512 << 20, CPU: 500}, "worker": {}}
	data, err := json.Marshal(sizes)
	if err != nil || string(data) != `{"web":"512mb:0.5cpu","worker":""}` {
		t.Errorf("%s, %v", data, err)
	}
	var back Sizes
	if err := json.Unmarshal(data, &back); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(sizes, back); diff != "" {
		t.Error(diff)
	}
}

func TestSizeOr(t *testing.T) {
	def := Size{Memory: 1 << 30, CPU: 1000}
	if got := (Size{CPU: 500}).Or(def); got != (Size{Memory: 1 << 30, CPU: 500}) {
		t.Errorf("%+v", got)
	}
}
