// Package faults shows what deploys, rollbacks and accidents do to those who use an app meanwhile: a test an id, under a
// load of requests, with the two real binaries, real git, ssh and Docker. Where an id promises no error, a single answer
// other than 2xx, a refusal or a lost connection fails it.
//
//	make faults      writes the table of docs/reliability.md
package faults
