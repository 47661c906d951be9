package proxy

import "math/rand/v2"

// pick chooses a backend by the power of two choices: of two at random the one with less in flight. Those in tried
// have failed this request; those that refused a connection lately come last. It returns nil when none is left.
func pick(backends []*backend, tried []*backend) *backend {
	if len(backends) == 1 && len(tried) == 0 {
		return backends[0]
	}
	if len(tried) == 0 {
		i, j := rand.IntN(len(backends)), rand.IntN(len(backends)-1)
		if j >= i {
			j++
		}
		a, b := backends[i], backends[j]
		if !a.isShunned() && !b.isShunned() {
			return lighter(a, b)
		}
	}
	return pickAny(backends, tried)
}

// pickAny is the careful way, for when something is wrong: the lightest of all that may be taken, from a random start.
func pickAny(backends []*backend, tried []*backend) (best *backend) {
	start := rand.IntN(len(backends))
	for i := range backends {
		b := backends[(start+i)%len(backends)]
		switch {
		case contains(tried, b):
		case best == nil, best.isShunned() && !b.isShunned():
			best = b
		case best.isShunned() == b.isShunned():
			best = lighter(best, b)
		}
	}
	return best
}

func lighter(a, b *backend) *backend {
	if b.inflight.Load() < a.inflight.Load() {
		return b
	}
	return a
}

func contains(list []*backend, b *backend) bool {
	for _, x := range list {
		if x == b {
			return true
		}
	}
	return false
}
