package router

import (
	"strings"
	"testing"

	"paas"
)

func TestValidateHost(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"example.com": "example.com", "WWW.Example.COM": "www.example.com", "example.com.": "example.com", "localhost": "localhost",
		"a.b-c.d": "a.b-c.d", "xn--bcher-kva.example": "xn--bcher-kva.example", "1.example": "1.example", "0x.example": "0x.example",
		strings.Repeat("a", 63) + ".example": strings.Repeat("a", 63) + ".example",
	} {
		if got, err := ValidateHost(host); err != nil || got != want {
			t.Errorf("%q: got %q, %v", host, got, err)
		}
	}
	for _, host := range []string{
		"", ".", "..", "a..b", ".a", "a.b..", "-a.b", "a-.b", "a_b.c", "a b.c", "a\n.b", "a.b\x00", "a.b:80", "http://a.b", "a.b/c", "*.a.b", "*",
		"1.2.3.4", "::1", "[::1]", "[::1]:80", "1.2.3", "127.1", "2130706433", "0x7f.1", "a.0x7f", "a.1", "bücher.example", "\u212A.example",
		"a@b.c", strings.Repeat("a", 64) + ".b", strings.Repeat("a.", 127) + "b", "a.b\r\nX: y", "%61.b", "a,b.c",
	} {
		if got, err := ValidateHost(host); paas.CodeOf(err) != paas.Invalid || got != "" {
			t.Errorf("%q: got %q, %v", host, got, err)
		}
	}
}

func TestValidateDomain(t *testing.T) {
	t.Parallel()
	for domain, want := range map[string]string{
		"Example.com": "example.com", "example.com/": "example.com", "Example.com/API/v1/": "example.com/API/v1", "*.example.com/a": "*.example.com/a", "*.Example.com.": "*.example.com", "*.a.b": "*.a.b",
	} {
		if got, err := ValidateDomain(domain); err != nil || got != want {
			t.Errorf("%q: got %q, %v", domain, got, err)
		}
	}
	for _, domain := range []string{
		"", "/", "/api", "http://example.com", "example.com//a", "example.com/a//b", "example.com/../a", "example.com/a/.", "example.com/a?b",
		"example.com/a#b", "example.com/a%2fb", "example.com/a b", "example.com/\x00", "example.com/ü", `example.com/a\b`,
		"example.com/" + strings.Repeat("a", 256), "1.2.3.4/a", "*", "*.b", "a.*.b", "*.*.b", "a*.b.c", "*.", "*./a",
	} {
		if got, err := ValidateDomain(domain); paas.CodeOf(err) != paas.Invalid || got != "" {
			t.Errorf("%q: got %q, %v", domain, got, err)
		}
	}
}
