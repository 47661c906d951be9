package paas

import (
	"encoding/json"
	"testing"
)

func TestSizesAreReadAndWritten(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"512mb:0.5cpu": "512mb:0.5cpu", "0.5cpu:512MB": "512mb:0.5cpu", "1g": "1gb", "1.5GiB": "1.5gb", "1024m": "1gb", "2cpu": "2cpu", "2CPUs": "2cpu",
		"0.25cpu": "0.25cpu", "8192k": "8mb", "1000mb": "1000mb", "0.01cpu": "0.01cpu",
	} {
		got, err := ParseSize(text)
		if err != nil || got.String() != want {
			t.Errorf("%s is %s, %v", text, got, err)
		}
		if again, err := ParseSize(got.String()); err != nil || again != got {
			t.Errorf("%s read back is %s, %v", text, again, err)
		}
	}
	for _, text := range []string{"", "512", "0mb", "1mb", "-1gb", "512mb:1gb", "1cpu:2cpu", "cpu", "0cpu", "0.001cpu", "9999tb", "99999cpu", "512mb:", "1e3mb", "NaNmb", "512mb:0.5cpu:1"} {
		if got, err := ParseSize(text); CodeOf(err) != Invalid {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
}

func TestASizeIsItsTextInJSON(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(map[string]Size{"web": {Memory: 512 << 20, CPU: 500}})
	if err != nil || string(b) != `{"web":"512mb:0.5cpu"}` {
		t.Errorf("%s, %v", b, err)
	}
	var back map[string]Size
	if err := json.Unmarshal(b, &back); err != nil || back["web"] != (Size{Memory: 512 << 20, CPU: 500}) {
		t.Errorf("%v, %v", back, err)
	}
}
