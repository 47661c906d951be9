// Package client speaks paasd's HTTP API: over ssh, as the command line does by default, over a unix socket, or over
// plain HTTP(S) with a token.
//
// *Client has the method set of the service interfaces in package web, so that what works in the daemon works through
// it. The package knows the API's wire format and ways to connect; it knows nothing of what the operations mean.
package client
