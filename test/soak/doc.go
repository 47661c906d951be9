// Package soak lets one paasd work through hundreds of deploys, with everything else that happens meanwhile, and holds what
// it then occupies against what it occupied after the first of them. `make soak` runs it, which takes some minutes, and
// writes the table into docs/reliability.md.
package soak
