// Package web has the doors of paasd: the HTTP API, over TCP, a unix socket and an ssh channel alike, and the SSH door
// with git and that channel behind it.
//
// A handler binds what came, calls a service and renders the answer; what the operations mean is the services' affair
// (deps.go). Who may do what is settled before a handler runs: by the socket's owner, the ssh key that signed, or a
// token. The package knows nothing of builds, releases, containers or how records are kept.
package web
