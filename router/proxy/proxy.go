// Package proxy is the embedded data plane: it answers requests from the routing table and knows nothing else of apps.
//
// Server owns the listeners and the control socket; live is the table in use, swapped as one pointer; a backend keeps
// connections and counts what is in flight; an exchange carries one request to a backend and the response back.
//
// Two fronts take requests. A client is a connection of HTTP/1, on one goroutine, with a parser of our own; one that
// begins with HTTP/2's preface goes on to net/http, and a stream is a request there. Both fill the same request (its
// fields in order, as they came) and give the exchange the same few ways to answer (front), so that what is true of
// HTTP/1 to a backend is written once.
//
// What makes it quick: no header is ever a map; header and the start of a body go out in one write; a request without
// a body needs no second goroutine, no timer and no deadline, since one goroutine inspects all exchanges a few times a
// second for what is overdue and for clients that went away (live.watch); a connection that waits, for a request or for a
// backend, holds no buffer (sock); a kept connection is checked, used and waited for in one visit to the poller
// (sock.ask). Whatever is used again has one owner, which gives it up in the same step: a buffer its sock, outbox or
// upload, an exchange and a request the front that made them. docs/benchmarks-router.md has the measurements, and
// BenchmarkRatio compares with a bare httputil.ReverseProxy.
package proxy
