package bench

import (
	"context"
	"fmt"
	"maps"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// fact is one figure of the second table, which has nothing to compare with.
type fact struct {
	name, unit   string
	value, limit float64 // limit 0: none
}

var facts []fact

func (f fact) text() string { return fmt.Sprintf("%.4g %s", f.value, f.unit) }

func (f fact) verdict() string {
	switch {
	case f.limit == 0:
		return ""
	case f.value <= f.limit:
		return fmt.Sprintf("≤ %g %s: held", f.limit, f.unit)
	}
	return fmt.Sprintf("≤ %g %s: missed", f.limit, f.unit)
}

// BenchmarkThousandApps has the figures that the packages measure themselves, on a fake engine or without paasd.
func BenchmarkThousandApps(b *testing.B) {
	if b.N == 1 {
		return // the benchmark runner tries one round first
	}
	got := figures(b, "paas/release", "^Benchmark(Boot|Sweep)$", "-benchtime=5x")
	maps.Copy(got, figures(b, "paas/router", "^BenchmarkApply(Same)?$"))
	maps.Copy(got, figures(b, "paas/runtime", "^BenchmarkInstances$"))
	facts = []fact{
		{"boot, until every app is known to be as it should be", "ms", got["Boot boot-ms"], 3000},
		{"of that the time of the processors", "ms", got["Boot processor-ms"], 0},
		{"sweep of everything", "ms", got["Sweep sweep-ms"], 300},
		{"of that the time of the processors", "ms", got["Sweep processor-ms"], 0},
		{"memory that the Go runtime has from the system", "MB", got["Boot go-MB"], 100},
		{"of that live on the heap", "MB", got["Boot heap-MB"], 0},
		{"another route for one app among 1,000, until it is live", "ms", got["Apply ns/op"] / 1e6, 0},
		{"the same route again", "ms", got["ApplySame ns/op"] / 1e6, 0},
		{"look at 100 instances of the Docker engine, each inspected", "ms", got["Instances/inspected ns/op"] / 1e6, 0},
		{"look at 100 instances that are known", "ms", got["Instances/known ns/op"] / 1e6, 0},
	}
	for _, f := range facts {
		if f.value == 0 {
			b.Errorf("nothing was measured of: %s", f.name)
		}
	}
	b.ReportMetric(0, "ns/op")
}

// figures runs benchmarks of a package and returns what they report, by "Boot boot-ms".
func figures(b *testing.B, pkg, pattern string, flags ...string) map[string]float64 {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-run=^$", "-bench=" + pattern, pkg}, flags...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	got := map[string]float64{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(fields[0], "Benchmark"), "-")
		for i := 2; i+1 < len(fields); i += 2 {
			if value, err := strconv.ParseFloat(fields[i], 64); err == nil {
				got[name+" "+fields[i+1]] = value
			}
		}
	}
	return got
}
