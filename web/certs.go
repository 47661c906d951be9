package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"paas/web/client"
)

func (s *Server) listCerts(c echo.Context) error {
	certs, err := s.Certs.Certificates(c.Request().Context(), c.Param("app"))
	return list(c, certs, err)
}

func (s *Server) addCert(c echo.Context) error {
	var body client.CertBody
	if err := bind(c, &body); err != nil {
		return err
	}
	cert, err := s.Certs.AddCertificate(lasting(c), c.Param("app"), []byte(body.Certificate), []byte(body.Key))
	about(c, cert.Names...)
	return answer(c, http.StatusCreated, cert, err)
}

func (s *Server) removeCert(c echo.Context) error {
	cert, err := s.Certs.RemoveCertificate(lasting(c), c.Param("app"), c.Param("name"))
	return answer(c, http.StatusOK, cert, err)
}
