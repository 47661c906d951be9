// Package build turns pushed commits into images: the bare git repositories, the inside of the push door, the queue,
// the source that goes to the image builder, and what the pusher reads meanwhile.
//
// A push is one git-receive-pack (Service.ReceivePack). Its pre-receive hook (Hook, run by git) calls back over
// paasd's socket into Service.PreReceive, which decides, builds and deploys before git moves the branch: a push that
// git accepts is one that serves. From its turn in the queue until git has moved the branch, a push holds its app's
// lane, so that two pushes of one app come one after the other.
//
// The package knows no container engine, no HTTP server and no releases, and never gives an app's config to a build.
package build
