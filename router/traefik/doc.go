// Package traefik makes a Traefik v3 the data plane of an installation: a router.Target that writes the routing table as
// files of Traefik's file provider, confirms through Traefik's API that they are live, and reads its access log.
//
// What Traefik cannot do is told in docs/traefik.md. The package knows nothing of containers: who runs Traefik, with the
// arguments of Static, is its caller's matter.
package traefik
