// Package bench measures the platform against what Docker itself costs, by hand, on the same engine and in the same run:
// each round does the one and then the other, and what counts is the ratio of the medians. `make bench` runs it and
// writes docs/benchmarks.md. There is nothing here that can fail for being slow.
package bench
