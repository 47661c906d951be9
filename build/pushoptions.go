package build

import (
	"strconv"

	"paas"
)

// pushOptions is what the pusher asked for with `git push -o`.
type pushOptions struct {
	noCache bool // build without the cache
	detach  bool // return once the build is queued and the branch moved
}

// maxPushOptions bounds how many options the hook passes on.
const maxPushOptions = 32

// optionsOf reads the push options that git gives its hooks.
func optionsOf(getenv func(string) string) []string {
	n, err := strconv.Atoi(getenv("GIT_PUSH_OPTION_COUNT"))
	if err != nil {
		return nil
	}
	var options []string
	for i := range min(n, maxPushOptions) {
		options = append(options, getenv("GIT_PUSH_OPTION_"+strconv.Itoa(i)))
	}
	return options
}

func parsePushOptions(options []string) (pushOptions, error) {
	var o pushOptions
	for _, option := range options {
		switch option {
		case "no-cache":
			o.noCache = true
		case "detach":
			o.detach = true
		default:
			return o, paas.Errorf(paas.Invalid, "push option %s is not known: there are no-cache and detach", paas.Quote(option)).
				WithHint("git push -o no-cache paas main")
		}
	}
	return o, nil
}
