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

// wildcard is what stands for any one label in front of a host.
const wildcard = "*."

// ValidateDomain returns the canonical form of a domain: a host, with a wildcard in front if it has one, and with a path
// prefix behind.
func ValidateDomain(domain string) (string, error) {
	host, prefix := SplitDomain(domain)
	if strings.Contains(domain, "://") {
		return "", refuseHost(domain, "it is a URL", "give the host name only, without a scheme")
	}
	host, wild := strings.CutPrefix(host, wildcard)
	host, err := ValidateHost(host)
	if err != nil {
		return "", err
	}
	if wild && !strings.ContainsRune(host, '.') {
		return "", refuseHost(domain, "it would match every name under "+host, "write it as *.example.com")
	}
	if prefix, err = validatePrefix(domain, prefix); err != nil {
		return "", err
	}
	if wild {
		host = wildcard + host
	}
	return host + prefix, nil
}

// SplitDomain parts a domain into its host and its path prefix, which begins with a / or is empty.
func SplitDomain(domain string) (host, prefix string) {
	if i := strings.IndexByte(domain, '/'); i >= 0 {
		return domain[:i], domain[i:]
	}
	return domain, ""
}

// maxPrefix bounds a path prefix, in bytes.
const maxPrefix = 256

func validatePrefix(domain, prefix string) (string, error) {
	prefix = strings.TrimRight(prefix, "/")
	if prefix == "" {
		return "", nil
	}
	refuse := func(why string) (string, error) {
		return "", refuseHost(domain, "its path "+why, "give a path such as /api")
	}
	if len(prefix) > maxPrefix {
		return refuse("is longer than 256 bytes")
	}
	for segment := range strings.SplitSeq(prefix[1:], "/") {
		switch {
		case segment == "" || segment == "." || segment == "..":
			return refuse("has an empty or a dot segment")
		case strings.ContainsFunc(segment, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("?#%\\\"<>^`{|}", r) }):
			return refuse("has a character that no path prefix may have")
		}
	}
	return prefix, nil
}

func refuseHost(host, why, hint string) error {
	return paas.Errorf(paas.Invalid, "host %s is not valid: %s", paas.Quote(host), why).WithHint("%s", hint)
}

// ValidateHost returns the form of host under which routes and requests meet: lower case, without a trailing dot. It
// refuses ports, addresses, wildcards and names that are not in their ASCII form.
func ValidateHost(host string) (string, error) {
	refuse := func(why, hint string) (string, error) { return "", refuseHost(host, why, hint) }
	h := strings.TrimSuffix(lower(host), ".")
	switch {
	case h == "":
		return refuse("it is empty", "give a name such as www.example.com")
	case len(h) > maxHost:
		return refuse("it is longer than 253 characters", "give a shorter name")
	case strings.Contains(h, "://") || strings.ContainsRune(h, '/'):
		return refuse("it is a URL", "give the host name only, without scheme and path")
	case strings.ContainsRune(h, '*'):
		return refuse("a * can only stand for the whole first label of a domain", "write it as *.example.com")
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
