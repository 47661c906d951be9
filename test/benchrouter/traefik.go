package main

import (
	"fmt"
	"path/filepath"
)

// traefikProxy is Traefik with a file of what it routes, which JSON is as good as YAML for.
func (b *bench) traefikProxy(dir string, port int, upstreams []string) ([]string, error) {
	servers := []map[string]string{}
	for _, up := range upstreams {
		servers = append(servers, map[string]string{"url": "http://" + up})
	}
	routers := map[string]any{}
	for i := range b.row.apps {
		r := map[string]any{"rule": fmt.Sprintf("Host(`%s`)", b.appHost(i)), "service": "u"}
		if b.row.tls {
			r["tls"] = map[string]any{}
		}
		routers[fmt.Sprint("app", i)] = r
	}
	conf := map[string]any{"http": map[string]any{
		"routers":  routers,
		"services": map[string]any{"u": map[string]any{"loadBalancer": map[string]any{"servers": servers}}},
	}}
	if b.row.tls {
		conf["tls"] = map[string]any{"certificates": []map[string]string{{"certFile": filepath.Join(b.dir, certFile), "keyFile": filepath.Join(b.dir, keyFile)}}}
	}
	file := filepath.Join(dir, "routes.yml")
	return []string{
		b.traefik, "--entryPoints.web.address=" + addr(port), "--providers.file.filename=" + file, "--log.level=ERROR",
		"--serversTransport.maxIdleConnsPerHost=512", "--global.checkNewVersion=false", "--global.sendAnonymousUsage=false",
	}, writeJSON(file, conf)
}
