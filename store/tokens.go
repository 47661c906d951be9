package store

import "paas"

func tokens() credentials[paas.Token] {
	return credentials[paas.Token]{
		noun: "token", hint: "paas tokens", bucket: bucketTokens, handles: bucketTokenSums,
		ids: func(t paas.Token) (string, string) { return t.Name, t.Sum },
	}
}

// Tokens returns all API tokens by name, with their sums; never nil.
func (db *DB) Tokens() ([]paas.Token, error) { return tokens().all(db) }

// AddToken records a token, as of now unless it has a time. Conflict when its name or its sum is there already.
func (db *DB) AddToken(token paas.Token) error {
	if token.CreatedAt.IsZero() {
		token.CreatedAt = db.timestamp()
	}
	return tokens().add(db, token)
}

// RemoveToken removes the named token and returns it; NotFound if there is none.
func (db *DB) RemoveToken(name string) (paas.Token, error) { return tokens().remove(db, name) }

// TokenBySum returns the token whose secret has the SHA-256; NotFound if there is none.
func (db *DB) TokenBySum(sum string) (paas.Token, error) { return tokens().find(db, sum) }
