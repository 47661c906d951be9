package paas

import (
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// PageName says what a page of an app's own stands in for.
type PageName string

// The pages that an app can have.
const (
	PageMaintenance PageName = "maintenance" // while the app is in maintenance
	PageUnavailable PageName = "503"         // for every other failure of status 503
)

// PageNames are all of them.
func PageNames() []PageName { return []PageName{PageMaintenance, PageUnavailable} }

// Page is an error page of an app's own.
type Page struct {
	Name  PageName  `json:"name"`
	HTML  string    `json:"html"`
	SetAt time.Time `json:"set_at"`
	User  string    `json:"user"`
}

// PageInfo is a page as users see it in a list.
type PageInfo struct {
	Name  PageName  `json:"name"`
	Size  Bytes     `json:"size"`
	SetAt time.Time `json:"set_at"`
	User  string    `json:"user"`
}

// Info shows the page.
func (p Page) Info() PageInfo {
	return PageInfo{Name: p.Name, Size: Bytes(len(p.HTML)), SetAt: p.SetAt, User: p.User}
}

// MaxPageBytes bounds a page: the router keeps it in memory.
const MaxPageBytes = 64 << 10

// ValidatePageName accepts the names of pages.
func ValidatePageName(name PageName) error {
	if !slices.Contains(PageNames(), name) {
		return Errorf(Invalid, "there is no page %s", Quote(string(name))).WithHint("the pages are: maintenance, 503")
	}
	return nil
}

// ValidatePage accepts HTML in UTF-8 of at most MaxPageBytes.
func ValidatePage(html string) error {
	refuse := func(format string, args ...any) error {
		return Errorf(Invalid, format, args...).WithHint("write it as HTML in UTF-8, with what it needs (styles, images as data: URLs) inside")
	}
	text := strings.TrimPrefix(html, "\ufeff")
	switch {
	case strings.TrimSpace(text) == "":
		return refuse("the page is empty")
	case len(html) > MaxPageBytes:
		return refuse("the page has %d bytes, more than the %d that one may have", len(html), MaxPageBytes)
	case !utf8.ValidString(html):
		return refuse("the page is not UTF-8 text")
	case strings.ContainsRune(html, 0), !strings.HasPrefix(http.DetectContentType([]byte(text)), "text/html"):
		return refuse("the page is not HTML: it begins neither with <!doctype html> nor with another tag of HTML")
	}
	return nil
}

// Pages are the error pages of an app's own, each by the FileName of its content; empty: the router's own.
type Pages struct {
	Maintenance string `json:"maintenance,omitempty"`
	Unavailable string `json:"503,omitempty"`
}

// Of is where the page of that name is; nil for a name that there is none of.
func (p *Pages) Of(name PageName) *string {
	switch name {
	case PageMaintenance:
		return &p.Maintenance
	case PageUnavailable:
		return &p.Unavailable
	}
	return nil
}
