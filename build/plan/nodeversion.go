package plan

import (
	"regexp"
	"strconv"
	"strings"

	"paas"
)

// The major versions of Node in the order in which one is picked of those that a range allows: the newest that has been
// in long-term support for a while, those before it that still are, then the newer ones, then what has come to its end.
// From the release schedule at https://github.com/nodejs/Release.
var nodeMajors = []int{24, 22, 26, 25, 23, 21, 20, 18, 16}

const nodeDefault = "24"

// nodeNames are what .nvmrc may say instead of a number.
var nodeNames = map[string]string{
	"node": nodeDefault, "stable": nodeDefault, "latest": nodeDefault, "current": nodeDefault, "lts": nodeDefault, "lts/*": nodeDefault,
	"lts/krypton": "24", "lts/jod": "22", "lts/iron": "20", "lts/hydrogen": "18",
}

// nodeVersion picks the version of Node: the tag of the official image, and why.
func nodeVersion(t tree, pkg packageJSON) (tag, why string, err error) {
	if want := strings.TrimSpace(pkg.Engines.Node); want != "" {
		tag, err := nodeTag("engines.node in package.json", want)
		return tag, "engines.node " + want, err
	}
	for _, file := range []string{".node-version", ".nvmrc"} {
		text, err := t.read(file)
		if err != nil {
			return "", "", err
		}
		if want := firstLine(text); want != "" {
			tag, err := nodeTag(file, want)
			return tag, file + " " + want, err
		}
	}
	return nodeDefault, "the default; engines.node in package.json says another", nil
}

// nodeExact is a version or the beginning of one: it is the image's tag itself.
var nodeExact = regexp.MustCompile(`^[v=~]?\s*([0-9]{1,3}(?:\.[0-9]{1,3}){0,2})$`)

func nodeTag(file, want string) (string, error) {
	if tag := nodeNames[strings.ToLower(want)]; tag != "" {
		return tag, nil
	}
	if m := nodeExact.FindStringSubmatch(want); m != nil {
		v := m[1]
		if strings.HasPrefix(want, "~") && strings.Count(v, ".") == 2 { // ~22.3.1 is any newer patch of 22.3
			v = v[:strings.LastIndexByte(v, '.')]
		}
		return v, nil
	}
	r, ok := parseRange(want)
	if !ok {
		return "", paas.Errorf(paas.Invalid, "%s is %s, which is no version or range of versions", file, paas.Quote(want)).
			WithHint("name a version of Node there, such as `%s.x`", nodeDefault)
	}
	for _, major := range nodeMajors {
		if r.allows(point{major, newest, newest}) {
			return strconv.Itoa(major), nil
		}
	}
	return "", paas.Errorf(paas.Invalid, "%s is %s, and no version of Node that is known is within", file, paas.Quote(want)).
		WithHint("name a version of Node there, such as `%s.x`", nodeDefault)
}

// point is a version, or a bound of one.
type point [3]int

// newest stands for the newest minor or patch of a major version, whichever that is: images have that one.
const newest = 9999

func (p point) compare(q point) int {
	for i := range p {
		if p[i] != q[i] {
			if p[i] < q[i] {
				return -1
			}
			return 1
		}
	}
	return 0
}

// span is the versions from low on and before high.
type span struct{ low, high point }

// versionRange is an npm range: some of alternatives, all spans of one.
type versionRange [][]span

func (r versionRange) allows(p point) bool {
	for _, alternative := range r {
		all := true
		for _, s := range alternative {
			all = all && p.compare(s.low) >= 0 && p.compare(s.high) < 0
		}
		if all {
			return true
		}
	}
	return false
}

var (
	rangeHyphen = regexp.MustCompile(`^(\S+)\s+-\s+(\S+)$`)
	rangeSpaces = regexp.MustCompile(`([<>=^~])\s+`)
	rangePart   = regexp.MustCompile(`^(\^|~|>=|<=|>|<|=)?v?([0-9]{1,4}|[xX*])(?:\.([0-9]{1,4}|[xX*]))?(?:\.([0-9]{1,4}|[xX*]))?(?:-[0-9A-Za-z.-]+)?$`)
)

// parseRange reads a range as npm writes it (https://github.com/npm/node-semver#ranges); pre-releases count as the release.
func parseRange(text string) (versionRange, bool) {
	if len(text) > 256 {
		return nil, false
	}
	var r versionRange
	for alternative := range strings.SplitSeq(text, "||") {
		alternative = strings.TrimSpace(alternative)
		if m := rangeHyphen.FindStringSubmatch(alternative); m != nil {
			alternative = ">=" + m[1] + " <=" + m[2]
		}
		spans := []span{}
		for part := range strings.FieldsSeq(rangeSpaces.ReplaceAllString(alternative, "$1")) {
			s, ok := parsePart(part)
			if !ok {
				return nil, false
			}
			spans = append(spans, s)
		}
		r = append(r, spans)
	}
	return r, true
}

// parsePart reads one comparator.
func parsePart(part string) (span, bool) {
	m := rangePart.FindStringSubmatch(part)
	if m == nil {
		return span{}, false
	}
	var low point
	given := 0 // numbers before the first x
	for i, word := range m[2:5] {
		n, err := strconv.Atoi(word)
		if err != nil {
			break
		}
		low[i] = n
		given++
	}
	top := point{newest + 1}
	if given == 0 {
		return span{point{}, top}, true
	}
	after := low // the first version that is not of those that low begins
	after[given-1]++
	switch m[1] {
	case ">=":
		return span{low, top}, true
	case ">":
		return span{after, top}, true
	case "<":
		return span{point{}, low}, true
	case "<=":
		return span{point{}, after}, true
	case "^":
		return span{low, point{low[0] + 1}}, true
	case "~":
		if given > 1 {
			return span{low, point{low[0], low[1] + 1}}, true
		}
	}
	return span{low, after}, true
}
