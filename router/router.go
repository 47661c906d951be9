// Package router holds the routing table and the controller that keeps a data plane in step with it.
//
// A Table is a value: host -> app -> backends, with a version that only grows. The Controller composes it from the
// routes that the release engine applies, keeps it on disk and hands it to a Target: the embedded router's control
// socket (Embedded), or nothing (None). The package knows no request; router/proxy serves them and knows no app's
// life beyond its Route.
package router
