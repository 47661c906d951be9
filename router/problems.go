package router

import "slices"

// What of the table cannot go live is told once, and once more when it no longer is so. What the table itself shows is
// known from before a restart; what only the target sees, such as a file that is missing, is told again after one.

// found, called with the turn, tells what was not known before.
func (c *Controller) found(problems []Problem) {
	for _, p := range problems {
		if !slices.Contains(c.problems, p) {
			c.problems = append(c.problems, p)
			c.opts.Log.Error("part of a route cannot go live", "app", p.App, "problem", p.Text)
			c.opts.Problem(p, false)
		}
	}
}

// settle, called with the turn, also tells what is gone: problems are all that a live table has.
func (c *Controller) settle(problems []Problem) {
	c.found(problems)
	c.problems = slices.DeleteFunc(c.problems, func(p Problem) bool {
		gone := !slices.Contains(problems, p)
		if gone {
			c.opts.Log.Info("part of a route can go live again", "app", p.App, "problem", p.Text)
			c.opts.Problem(p, true)
		}
		return gone
	})
}

func problemsOf(t Table) []Problem {
	_, problems := t.Check()
	return problems
}
