package router

import (
	"net/netip"
	"strings"

	"paas"
)

const (
	maxHost  = 253
	maxLabel = 63
)

// ValidateHost returns the form of host under which routes and requests meet: lower case, without a trailing dot. It
// refuses ports, addresses, wildcards and names that are not in their ASCII form.
func ValidateHost(host string) (string, error) {
	refuse := func(why, hint string) (string, error) {
		return "", paas.Errorf(paas.Invalid, "host %s is not valid: %s", paas.Quote(host), why).WithHint("%s", hint)
	}
	h := strings.TrimSuffix(lower(host), ".")
	switch {
	case h == "":
		return refuse("it is empty", "give a name such as www.example.com")
	case len(h) > maxHost:
		return refuse("it is longer than 253 characters", "give a shorter name")
	case strings.Contains(h, "://") || strings.ContainsRune(h, '/'):
		return refuse("it is a URL", "give the host name only, without scheme and path")
	case strings.ContainsRune(h, '*'):
		return refuse("wildcards are not supported", "add each host by itself")
	case isAddress(h):
		return refuse("it is an address", "give a name such as www.example.com")
	case strings.ContainsRune(h, ':'):
		return refuse("it has a port", "give the host name only; the router listens on the same ports for all")
	case !ascii(h):
		return refuse("it has letters outside ASCII", "give its ASCII form, which starts with xn--")
	}
	for label := range strings.SplitSeq(h, ".") {
		if why := badLabel(label); why != "" {
			return refuse(why, "use letters, digits and dashes between the dots")
		}
	}
	return h, nil
}

// isAddress also holds for what browsers take for an IPv4 address: a name whose last label is a number.
func isAddress(h string) bool {
	if _, err := netip.ParseAddr(strings.Trim(h, "[]")); err == nil {
		return true
	}
	last := h[strings.LastIndexByte(h, '.')+1:]
	if rest, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(rest, "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}

func badLabel(label string) string {
	switch {
	case label == "":
		return "it has an empty label"
	case len(label) > maxLabel:
		return "a label is longer than 63 characters"
	case label[0] == '-' || label[len(label)-1] == '-':
		return "a label starts or ends with a dash"
	}
	for i := range len(label) {
		if c := label[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return "it has the character " + paas.Quote(string(c))
		}
	}
	return ""
}

// lower maps A-Z only: a Unicode mapping would turn some letters outside ASCII (the Kelvin sign) into ones inside.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
