// Package conformance shows that the product keeps the twelve factors, and the rules of deploy and rollback around them:
// a test an id, black box through the two real binaries, with real git, ssh and Docker. At its end it prints a table by
// factor.
//
//	make conformance
//
// PAAS_CONFORMANCE_REPORT names a file that the table is written to as well.
package conformance
