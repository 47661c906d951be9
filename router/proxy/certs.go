package proxy

import (
	"net/http"

	"paas/router"
)

// getCerts tells how it stands with the obtained certificates of an app's hosts.
func (s *Server) getCerts(w http.ResponseWriter, r *http.Request) {
	manager := s.certs.Load()
	answer := router.CertsAnswer{On: manager != nil}
	app := r.URL.Query().Get("app")
	for _, route := range s.live.table().Routes {
		if route.App != app || manager == nil {
			continue
		}
		for _, domain := range route.Hosts {
			host, _ := router.SplitDomain(domain)
			if !s.live.Has(host) {
				continue
			}
			state, err := manager.State(host)
			if err != nil {
				s.opts.Log.Warn("a stored certificate cannot be read", "host", host, "error", err)
			}
			answer.Hosts = append(answer.Hosts, state)
		}
	}
	s.answer(w, answer)
}
