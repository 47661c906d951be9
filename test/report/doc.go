// Package report makes of tests that prove an id (Z-4, III-2) what people read: a table at the end of a run, and the
// measured part of a document.
package report
