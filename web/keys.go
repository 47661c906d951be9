package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"paas"
	"paas/web/client"
)

func (s *Server) listKeys(c echo.Context) error {
	keys, err := s.Keys.Keys()
	return list(c, keys, err)
}

func (s *Server) addKey(c echo.Context) error {
	var body client.KeyBody
	if err := bind(c, &body); err != nil {
		return err
	}
	about(c, body.Name)
	if err := paas.ValidateKeyName(body.Name); err != nil {
		return err
	}
	key, err := ParseKey(body.Key)
	if err != nil {
		return err
	}
	key.Name, key.CreatedAt = body.Name, s.now()
	return answer(c, http.StatusCreated, key, s.Keys.AddKey(key))
}

// removeKey refuses to shut everybody out, but for who is on the machine itself and can let somebody in again.
func (s *Server) removeKey(c echo.Context) error {
	keys, err := s.Keys.Keys()
	if err != nil {
		return err
	}
	if len(keys) == 1 && keys[0].Name == c.Param("name") && visitorOf(c.Request().Context()).door != doorUnix {
		return paas.Errorf(paas.Conflict, "%s is the last key: without it nobody could come in", keys[0].Name).
			WithHint("let another one in first: paas keys:add NAME FILE")
	}
	key, err := s.Keys.RemoveKey(c.Param("name"))
	return answer(c, http.StatusOK, key, err)
}
