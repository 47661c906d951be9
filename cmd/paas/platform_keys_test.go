package main

import (
	"slices"

	"paas"
)

// keyring and tokenring are parts of the platform whose methods have no context.
type keyring struct{ p *platform }

func (k keyring) Keys() ([]paas.Key, error) {
	k.p.mu.Lock()
	defer k.p.mu.Unlock()
	return slices.Clone(k.p.keys), nil
}

func (k keyring) AddKey(key paas.Key) error {
	k.p.mu.Lock()
	defer k.p.mu.Unlock()
	k.p.keys = append(k.p.keys, key)
	return nil
}

func (k keyring) RemoveKey(name string) (paas.Key, error) {
	k.p.mu.Lock()
	defer k.p.mu.Unlock()
	i := slices.IndexFunc(k.p.keys, func(key paas.Key) bool { return key.Name == name })
	if i < 0 {
		return paas.Key{}, paas.Errorf(paas.NotFound, "there is no key %q", name).WithHint("paas keys")
	}
	key := k.p.keys[i]
	k.p.keys = slices.Delete(k.p.keys, i, i+1)
	return key, nil
}

// KeyByFingerprint is for the SSH door, which these tests do not open.
func (k keyring) KeyByFingerprint(string) (paas.Key, error) {
	return paas.Key{}, paas.Errorf(paas.NotFound, "there is no such key")
}

type tokenring struct{ p *platform }

func (r tokenring) Tokens() ([]paas.Token, error) {
	r.p.mu.Lock()
	defer r.p.mu.Unlock()
	return slices.Clone(r.p.tokens), nil
}

func (r tokenring) AddToken(token paas.Token) error {
	r.p.mu.Lock()
	defer r.p.mu.Unlock()
	r.p.tokens = append(r.p.tokens, token)
	return nil
}

func (r tokenring) RemoveToken(name string) (paas.Token, error) {
	r.p.mu.Lock()
	defer r.p.mu.Unlock()
	i := slices.IndexFunc(r.p.tokens, func(t paas.Token) bool { return t.Name == name })
	if i < 0 {
		return paas.Token{}, paas.Errorf(paas.NotFound, "there is no token %q", name).WithHint("paas tokens")
	}
	t := r.p.tokens[i]
	r.p.tokens = slices.Delete(r.p.tokens, i, i+1)
	return t, nil
}

// TokenBySum is for the TCP door, which these tests do not open.
func (r tokenring) TokenBySum(string) (paas.Token, error) {
	return paas.Token{}, paas.Errorf(paas.NotFound, "there is no such token")
}
