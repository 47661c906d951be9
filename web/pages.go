package web

import (
	"mime"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"paas"
)

func (s *Server) listPages(c echo.Context) error {
	pages, err := s.Pages.Pages(c.Request().Context(), c.Param("app"))
	return list(c, pages, err)
}

// setPage takes the page as it is, not in JSON.
func (s *Server) setPage(c echo.Context) error {
	if err := htmlOnly(c.Request().Header.Get(echo.HeaderContentType)); err != nil {
		return err
	}
	html, err := body(c)
	if err != nil {
		return err
	}
	page, err := s.Pages.SetPage(lasting(c), c.Param("app"), paas.PageName(c.Param("page")), string(html))
	return answer(c, http.StatusOK, page, err)
}

func htmlOnly(contentType string) error {
	kind, params, err := mime.ParseMediaType(contentType)
	charset := params["charset"]
	if err != nil || kind != "text/html" || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return paas.Errorf(paas.Invalid, "a page is text/html in UTF-8, not %s", paas.Quote(contentType)).
			WithHint("send: Content-Type: text/html; charset=utf-8")
	}
	return nil
}

func (s *Server) removePage(c echo.Context) error {
	err := s.Pages.RemovePage(lasting(c), c.Param("app"), paas.PageName(c.Param("page")))
	return answer(c, http.StatusOK, struct{}{}, err)
}
