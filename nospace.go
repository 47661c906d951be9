package paas

import (
	"errors"
	"fmt"
	"syscall"
)

// SpaceHint is what to try when a disk is full.
const SpaceHint = "paas gc; what else fills the disk: df -h"

// OutOfSpace says whether err comes of a full disk: no space left, a quota, or the process's file size limit.
func OutOfSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

// NoSpace is what a user reads of a full disk: "no space left …"; format goes on with where, or for what. It is
// OutOfSpace whether cause, which may be nil, is or not: engines and git say it in words only.
func NoSpace(cause error, format string, args ...any) *Error {
	switch {
	case cause == nil:
		cause = syscall.ENOSPC
	case !OutOfSpace(cause):
		cause = fmt.Errorf("%w (%w)", cause, syscall.ENOSPC)
	}
	return Errorf(Unavailable, "no space left "+format, args...).WithHint(SpaceHint).Because(cause)
}
