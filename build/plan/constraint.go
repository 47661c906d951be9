package plan

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// number is a version of one to three parts: 3, 3.12 or 3.12.4.
type number []int

// parseVersion reads plain numbers only: what it takes can stand in an image's tag.
func parseVersion(s string) (number, bool) {
	if !wordVersion.MatchString(s) || strings.Count(s, ".") > 2 {
		return nil, false
	}
	var v number
	for part := range strings.SplitSeq(s, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil, false
		}
		v = append(v, n)
	}
	return v, true
}

func (v number) String() string {
	parts := make([]string, len(v))
	for i, n := range v {
		parts[i] = strconv.Itoa(n)
	}
	return strings.Join(parts, ".")
}

// full is the version in three parts, the missing ones filled.
func (v number) full(fill int) number {
	w := slices.Clone(v)
	for len(w) < 3 {
		w = append(w, fill)
	}
	return w
}

// next is the first version behind all those that begin with v's first n parts.
func (v number) next(n int) number {
	n = min(max(n, 1), len(v))
	w := slices.Clone(v[:n])
	w[n-1]++
	return w
}

func (v number) under(w number) bool { return slices.Compare(v.full(0), w.full(0)) < 0 }

// begins says whether w is v or a later part of it: 3.12 begins 3.12.4.
func (v number) begins(w number) bool { return len(v) <= len(w) && slices.Equal(v, w[:len(v)]) }

// dialect is how a language's tools read the constraints that they do not agree on.
type dialect struct {
	// tilde is how many parts of ~1.2.3 stay as they are, given how many there are: 3 parts leave 2 nearly everywhere.
	tilde func(parts int) int
	// series says that a bare 3.12 means 3.12.x, and not 3.12.0.
	series bool
}

var (
	pythonDialect   = dialect{tilde: func(n int) int { return min(2, n) }, series: true}
	composerDialect = dialect{tilde: func(n int) int { return max(1, n-1) }}
	rubyDialect     = dialect{tilde: func(n int) int { return max(1, n-1) }}
)

// constraint is alternatives of conditions that hold together: ">=3.9,<4 || ^5".
type constraint [][]condition

type condition struct {
	op string
	v  number
	// any says that v is a prefix: ==3.12.*
	any bool
}

var (
	conditionText = regexp.MustCompile(`^(===|==|~=|~>|>=|<=|!=|=|<|>|\^|~)?v?([0-9][0-9.]*)(\.[*x])?(?:-(?:dev|stable)|@[a-z]+)?$`)
	spaceAfterOp  = regexp.MustCompile(`([=~><^!])\s+`)
	hyphenRange   = regexp.MustCompile(`([0-9.]+)\s+-\s+([0-9.]+)`)
)

// parseConstraint reads the constraint that a project puts on the version of its language; false: it is not understood.
func parseConstraint(s string) (constraint, bool) {
	if len(s) > 200 {
		return nil, false
	}
	s = hyphenRange.ReplaceAllString(s, ">=$1,<=$2.*")
	s = spaceAfterOp.ReplaceAllString(strings.ReplaceAll(s, "||", "|"), "$1")
	var c constraint
	for alternative := range strings.SplitSeq(s, "|") {
		all := []condition{}
		for _, word := range strings.FieldsFunc(alternative, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
			if word == "*" {
				continue
			}
			m := conditionText.FindStringSubmatch(word)
			if m == nil {
				return nil, false
			}
			v, ok := parseVersion(m[2])
			if !ok {
				return nil, false
			}
			all = append(all, condition{op: m[1], v: v, any: m[3] != ""})
		}
		c = append(c, all)
	}
	return c, true
}

// allows says whether the newest patch of the series, 3.12, meets the constraint.
func (c constraint) allows(d dialect, series number) bool {
	v := series.full(999)
	return slices.ContainsFunc(c, func(all []condition) bool {
		return !slices.ContainsFunc(all, func(k condition) bool { return !k.allows(d, v) })
	})
}

func (k condition) allows(d dialect, v number) bool {
	switch k.op {
	case ">=":
		return !v.under(k.v)
	case ">":
		return k.v.under(v)
	case "<":
		return v.under(k.v)
	case "<=":
		if k.any {
			return v.under(k.v.next(len(k.v)))
		}
		return !k.v.under(v)
	case "!=":
		return !k.any || !k.v.begins(v)
	case "^":
		return !v.under(k.v) && v.under(k.v.next(1))
	case "~":
		return !v.under(k.v) && v.under(k.v.next(d.tilde(len(k.v))))
	case "~>", "~=":
		return !v.under(k.v) && v.under(k.v.next(max(1, len(k.v)-1)))
	}
	// Exact. Of a series only the newest patch is looked at, which no exact version is: see exact.
	return k.v.begins(v)
}

// exact is the one version that the constraint names, if it names one: "==3.12.4", "3.3.0".
func (c constraint) exact(d dialect) (number, bool) {
	if len(c) != 1 || len(c[0]) != 1 {
		return nil, false
	}
	k := c[0][0]
	bare := k.op == "" || k.op == "="
	if k.any || (!bare && k.op != "==" && k.op != "===") {
		return nil, false
	}
	if !d.series {
		return k.v.full(0), true
	}
	return k.v, true
}

// choose finds the version that meets a constraint: the one that it names, else def if that does, else the newest known
// one. known is in ascending order. False: none meets it, or it is not understood.
func choose(text string, d dialect, def string, known []string) (string, bool) {
	c, ok := parseConstraint(strings.TrimSpace(text))
	if !ok {
		return "", false
	}
	if v, ok := c.exact(d); ok {
		return v.String(), true
	}
	for _, candidate := range append([]string{def}, reversed(known)...) {
		if v, ok := parseVersion(candidate); ok && c.allows(d, v) {
			return candidate, true
		}
	}
	return "", false
}

func reversed(s []string) []string {
	s = slices.Clone(s)
	slices.Reverse(s)
	return s
}
