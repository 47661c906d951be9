// Package release holds the ledger's rules and the deploy engine.
//
// Every change to what runs goes the same way: observe what the container engine has, plan the steps from there to
// what is desired, execute them. A push, a config change, a rollback, a scale, a restart and the repair of a crash
// differ only in what they desire. The planner is a pure function; the executor decides nothing.
//
// The package knows nothing of HTTP, SSH, git, bbolt or Docker; cmd/paasd gives it those through the interfaces in
// deps.go.
package release
