package bench

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	pushedMB   = 200
	memoryMB   = 100 // that a push of so much may take, of paasd and all of its git processes together
	sampleTime = 20 * time.Millisecond
)

// BenchmarkMemoryOfAPush pushes 200 MB that no compression makes smaller, in 150 files of 1 MB and one of 50, and measures the memory
// of paasd and of whatever it starts, pages that they share counted once.
func BenchmarkMemoryOfAPush(b *testing.B) {
	if b.N > 1 {
		return // one push says it all
	}
	app := shared.App(b, fixture)
	large := map[string]int{"file.large": 50}
	for i := range pushedMB - 50 {
		large[fmt.Sprintf("file.%03d", i)] = 1
	}
	for name, size := range large {
		content := make([]byte, size<<20)
		_, _ = rand.Read(content) // never fails
		if err := os.WriteFile(filepath.Join(app.Dir, name), content, 0o644); err != nil {
			b.Fatal(err)
		}
	}
	app.Write(".dockerignore", "file.*\n")
	app.Commit("Large")
	peak, whose := 0.0, ""
	done := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		for tick := time.NewTicker(sampleTime); ; {
			select {
			case <-done:
				tick.Stop()
				return
			case <-tick.C:
				if now, of := memory(shared.PID()); now > peak {
					peak, whose = now, of
				}
			}
		}
	})
	idle, _ := memory(shared.PID())
	app.Do("git", "push", "-q", "paas", "main")
	close(done)
	watch.Wait()
	b.ReportMetric(peak, "MB")
	b.ReportMetric(idle, "idle-MB")
	pushFacts = []fact{{fmt.Sprintf("push of %d MB, memory of paasd and its git processes", pushedMB), "MB", peak, memoryMB}}
	if peak > memoryMB {
		b.Errorf("%.0f MB: %s", peak, whose)
	}
	b.ReportMetric(0, "ns/op")
}

// pushFacts are facts of the second table.
var pushFacts []fact

// memory is what a process and its descendants have of the machine's memory, in MB, and who has how much.
func memory(root int) (sum float64, whose string) {
	for _, pid := range family(root) {
		rollup, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			continue // it has ended
		}
		for line := range strings.Lines(string(rollup)) {
			words := strings.Fields(line)
			if len(words) > 1 && words[0] == "Pss:" {
				kb, _ := strconv.ParseFloat(words[1], 64)
				name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
				args := strings.Split(string(name), "\x00")
				sum += kb / 1000
				whose += fmt.Sprintf("%.0f MB %.80s; ", kb/1000, strings.Join(args[max(0, len(args)-4):], " "))
			}
		}
	}
	return sum, whose
}

// family is a process and its descendants.
func family(root int) []int {
	children := map[int][]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		pid, _ := strconv.Atoi(strings.Split(path, "/")[2])
		rest := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		parent, _ := strconv.Atoi(rest[1])
		children[parent] = append(children[parent], pid)
	}
	all := []int{root}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}
