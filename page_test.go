package paas

import (
	"strings"
	"testing"
)

func TestAPageIsHTMLInUTF8OfABoundedSize(t *testing.T) {
	for _, html := range []string{
		"<!doctype html><h1>Sorry</h1>", "\n  <html><body>æøå</body></html>", "<h1>x", "\ufeff<!DOCTYPE HTML><p>with a byte order mark", "<!-- why --><p>x",
		"<p>" + strings.Repeat("x", MaxPageBytes-3),
	} {
		if err := ValidatePage(html); err != nil {
			t.Errorf("%.40q: %v", html, err)
		}
	}
	for html, want := range map[string]string{
		"":                  "the page is empty",
		" \n":               "the page is empty",
		"Sorry":             "the page is not HTML",
		`{"sorry": true}`:   "the page is not HTML",
		"\x89PNG\r\n\x1a\n": "the page is not UTF-8 text",
		"<p>\xe6":           "the page is not UTF-8 text",
		"<p>nul \x00":       "the page is not HTML",
		"<p>" + strings.Repeat("x", MaxPageBytes-2): "the page has 65537 bytes, more than the 65536",
	} {
		if err := ValidatePage(html); CodeOf(err) != Invalid || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.40q: %v", html, err)
		}
	}
}

func TestEveryPageHasItsPlace(t *testing.T) {
	var p Pages
	for _, name := range PageNames() {
		if err := ValidatePageName(name); err != nil || p.Of(name) == nil {
			t.Errorf("%s: %v", name, err)
		}
		*p.Of(name) = FileName([]byte(name))
	}
	if CodeOf(ValidatePageName("404")) != Invalid || p.Of("404") != nil {
		t.Error("there is a page 404")
	}
	if files := (Route{Pages: p, Certificates: []string{"c"}}).Files(); len(files) != len(PageNames())+1 || files[0] == files[1] || files[2] != "c" {
		t.Error(files)
	}
}
