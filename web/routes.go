package web

import "github.com/labstack/echo/v4"

// routes is every route there is. Each needs an identity but healthPath; see authenticate. What changes anything is a change, for
// the audit.
func (s *Server) routes(e *echo.Echo) {
	e.GET(healthPath, s.health)
	e.GET("/v1/version", s.getVersion)
	e.GET("/metrics", s.getMetrics)

	e.GET("/v1/apps", s.listApps)
	e.POST("/v1/apps", s.change("apps:create", s.createApp))
	e.GET("/v1/apps/:app", s.getApp)
	e.PATCH("/v1/apps/:app", s.change("apps:rename", s.renameApp))
	e.DELETE("/v1/apps/:app", s.change("apps:destroy", s.destroyApp))

	e.GET("/v1/apps/:app/config", s.getConfig)
	e.PATCH("/v1/apps/:app/config", s.change("config:set", s.setConfig))

	e.GET("/v1/apps/:app/checks", s.getChecks)
	e.PATCH("/v1/apps/:app/checks", s.change("checks:set", s.setChecks))

	e.GET("/v1/apps/:app/releases", s.listReleases)
	e.GET("/v1/apps/:app/releases/:version", s.getRelease)
	e.GET("/v1/apps/:app/ledger/check", s.verifyReleases)
	e.GET("/v1/apps/:app/rollback", s.previewRollback)
	e.POST("/v1/apps/:app/rollback", s.change("rollback", s.rollback))

	e.GET("/v1/apps/:app/events", s.listEvents)
	e.GET("/v1/events", s.listEvents)

	e.GET("/v1/apps/:app/formation", s.getFormation)
	e.PATCH("/v1/apps/:app/formation", s.change("ps:scale", s.scale))
	e.PATCH("/v1/apps/:app/sizes", s.change("ps:resize", s.resize))
	e.GET("/v1/apps/:app/instances", s.getInstances)
	e.GET("/v1/apps/:app/instances/:instance/exec", s.change("ps:exec", s.exec))
	e.POST("/v1/apps/:app/restart", s.change("ps:restart", s.restart))
	e.POST("/v1/apps/:app/stop", s.change("ps:stop", s.stop))

	e.GET("/v1/apps/:app/builds", s.listBuilds)
	e.POST("/v1/apps/:app/builds", s.change("builds:create", s.createBuild))
	e.GET("/v1/apps/:app/builds/:id", s.getBuild)
	e.GET("/v1/apps/:app/builds/:id/log", s.getBuildLog)
	e.POST("/v1/apps/:app/builds/:id/cancel", s.change("builds:cancel", s.cancelBuild))

	e.POST("/v1/apps/:app/sources", s.change("upload", s.upload))
	e.GET("/v1/apps/:app/build", s.getBuildSettings)
	e.PATCH("/v1/apps/:app/build", s.change("build:set", s.setBuildSettings))
	e.GET("/v1/apps/:app/build/plan", s.getBuildPlan)
	e.GET("/v1/apps/:app/build/secrets", s.listBuildSecrets)
	e.PATCH("/v1/apps/:app/build/secrets", s.change("build:secret", s.setBuildSecrets))

	e.GET("/v1/apps/:app/runs", s.listRuns)
	e.POST("/v1/apps/:app/runs", s.change("run", s.createRun))
	e.GET("/v1/apps/:app/runs/:id", s.getRun)
	e.GET("/v1/apps/:app/runs/:id/attach", s.attachRun)
	e.POST("/v1/apps/:app/runs/:id/stop", s.change("run:stop", s.stopRun))

	e.GET("/v1/apps/:app/logs", s.getLogs)

	e.GET("/v1/apps/:app/domains", s.listDomains)
	e.POST("/v1/apps/:app/domains", s.change("domains:add", s.addDomain))
	e.DELETE("/v1/apps/:app/domains/:host", s.change("domains:remove", s.removeDomain))

	e.GET("/v1/apps/:app/pages", s.listPages)
	e.PUT("/v1/apps/:app/pages/:page", s.change("pages:set", s.setPage))
	e.DELETE("/v1/apps/:app/pages/:page", s.change("pages:remove", s.removePage))
	e.GET("/v1/apps/:app/certs", s.listCerts)
	e.POST("/v1/apps/:app/certs", s.change("certs:add", s.addCert))
	e.DELETE("/v1/apps/:app/certs/:name", s.change("certs:remove", s.removeCert))

	e.GET("/v1/apps/:app/routes", s.getRoutes)
	e.GET("/v1/apps/:app/routing", s.getRouting)
	e.PATCH("/v1/apps/:app/routing", s.change("router:set", s.setRouting))
	e.PUT("/v1/apps/:app/maintenance", s.change("maintenance:on", s.maintenanceOn))
	e.DELETE("/v1/apps/:app/maintenance", s.change("maintenance:off", s.maintenanceOff))
	e.PUT("/v1/apps/:app/pause", s.change("pause", s.pause))
	e.DELETE("/v1/apps/:app/pause", s.change("resume", s.resume))

	e.GET("/v1/routes", s.getRoutes)
	e.POST("/v1/gc", s.change("gc", s.collect))

	e.GET("/v1/keys", s.listKeys)
	e.POST("/v1/keys", s.change("keys:add", s.addKey))
	e.DELETE("/v1/keys/:name", s.change("keys:remove", s.removeKey))
	e.GET("/v1/registries", s.listRegistries)
	e.POST("/v1/registries", s.change("registry:login", s.addRegistry))
	e.DELETE("/v1/registries/:host", s.change("registry:logout", s.removeRegistry))
	e.GET("/v1/tokens", s.listTokens)
	e.POST("/v1/tokens", s.change("tokens:create", s.createToken))
	e.DELETE("/v1/tokens/:name", s.change("tokens:remove", s.removeToken))

	e.POST("/hook/pre-receive", s.preReceive, onlyUnix)
}
