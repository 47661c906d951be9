package plan

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
)

// pom is what matters of a pom.xml: the properties, and which groups it names anywhere.
type pom struct {
	properties map[string]string
	groups     map[string]bool
	// release is what the compiler plugin's own configuration says.
	release string
}

// readPOM reads a pom.xml, element by element, so that it takes no more than the file.
func readPOM(text []byte) (pom, error) {
	p := pom{properties: map[string]string{}, groups: map[string]bool{}}
	in := xml.NewDecoder(bytes.NewReader(text))
	var path []string
	for {
		token, err := in.Token()
		if errors.Is(err, io.EOF) {
			return p, nil
		}
		if err != nil {
			return p, badPOM(err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			path = append(path, t.Name.Local)
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.CharData:
			p.take(path, strings.TrimSpace(string(t)))
		}
	}
}

// take notes the text of an element.
func (p *pom) take(path []string, text string) {
	if len(path) < 2 || text == "" {
		return
	}
	name := path[len(path)-1]
	switch {
	case len(path) == 3 && path[1] == "properties":
		p.properties[name] = text
	case name == "groupId":
		p.groups[text] = true
	case name == "release" && path[len(path)-2] == "configuration":
		p.release = text
	}
}

func (p pom) uses(group string) bool { return p.groups[group] }

var pomReference = regexp.MustCompile(`^\$\{([^}]+)\}$`)

// level is the version of Java that the classes are for, and where that is said; "" where it is not.
func (p pom) level() (v, from string) {
	if v := p.value(p.release); v != "" {
		return v, "pom.xml"
	}
	for _, key := range []string{"maven.compiler.release", "java.version", "maven.compiler.target", "maven.compiler.source"} {
		if v := p.value(p.properties[key]); v != "" {
			return v, "pom.xml " + key
		}
	}
	return "", ""
}

// value resolves ${java.version}; what leads in circles is "".
func (p pom) value(text string) string {
	for range 5 {
		m := pomReference.FindStringSubmatch(text)
		if m == nil {
			return text
		}
		text = p.properties[m[1]]
	}
	return ""
}

var gradleLevels = []*regexp.Regexp{
	regexp.MustCompile(`JavaLanguageVersion\.of\(\s*["']?([0-9]+)`),
	regexp.MustCompile(`jvmToolchain\(\s*([0-9]+)`),
	regexp.MustCompile(`(?:source|target)Compatibility\s*=?\s*["']?(?:JavaVersion\.VERSION_)?([0-9]+(?:[._][0-9]+)?)`),
}

// gradleLevel is the version of Java that a build.gradle names; "" where it names none.
func gradleLevel(text string) string {
	for _, pattern := range gradleLevels {
		if m := pattern.FindStringSubmatch(text); m != nil {
			return strings.ReplaceAll(m[1], "_", ".")
		}
	}
	return ""
}
