package platform

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Close stops paasd, removes all that it made and says what was wrong with it: an unclean exit, a data race, a panic,
// or something that stayed on the engine.
func (p *Platform) Close() error {
	failed := p.Stop()
	p.lastLog = p.Log()
	if p.Installation() != "" && !p.options.NoRouter {
		p.lastLog += p.routerLog()
	}
	failed = errors.Join(failed, p.flaws(p.lastLog), p.clientRaces())
	p.client.CloseIdleConnections()
	p.door.CloseIdleConnections()
	return errors.Join(failed, p.reaper.reap(), p.slot.lock.Close())
}

// flaws looks for what a log must never hold. An error is what an operator has to act on: no user's doing is one.
func (p *Platform) flaws(log string) error {
	never := []string{"DATA RACE", "panic:", "fatal error:"}
	if !p.options.Troubled {
		never = append(never, "level=ERROR")
	}
	for _, flaw := range never {
		if at := strings.Index(log, flaw); at >= 0 {
			return fmt.Errorf("paasd's log has a %s\n%s", flaw, head(log[max(0, at-200):], 120))
		}
	}
	return nil
}

// clientRaces collects what the race detector found in paas and in paasd's short-lived roles.
func (p *Platform) clientRaces() error {
	reports, err := filepath.Glob(filepath.Join(p.Dir, "race.*"))
	for _, report := range reports {
		said, readErr := os.ReadFile(report)
		err = errors.Join(err, readErr, fmt.Errorf("%s", said))
	}
	return err
}

func (p *Platform) routerLog() string {
	out, err := p.Docker("logs", "paas-router-"+p.Installation())
	if err != nil {
		return "" // it never came up, which the tests have seen
	}
	return out
}

func tail(text string, lines int) string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

func head(text string, lines int) string {
	all := strings.Split(text, "\n")
	return strings.Join(all[:min(len(all), lines)], "\n")
}
