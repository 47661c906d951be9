// Package ext stands in for a module that Traefik keeps beside its own and does not publish. It is as empty there.
package ext

// HTTP extends Traefik's dynamic HTTP configuration.
type HTTP struct{}

// Router extends one of its routers.
type Router struct{}
