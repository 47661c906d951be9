package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// sealer encrypts values and makes keyed sums, each with a key of its own that is derived from the master key.
type sealer struct {
	aead   cipher.AEAD // random nonce in front of the ciphertext
	sumKey []byte
}

func newSealer(master []byte) (*sealer, error) {
	sealKey, err := hkdf.Key(sha256.New, master, nil, "paas store: sealed values", 32)
	if err != nil {
		return nil, err
	}
	sumKey, err := hkdf.Key(sha256.New, master, nil, "paas store: config sums", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(sealKey)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &sealer{aead: aead, sumKey: sumKey}, nil
}

// seal encrypts plain for one place only: what is moved to another bucket or key does not open there.
func (s *sealer) seal(plain, bucket, key []byte) []byte {
	return s.aead.Seal(nil, nil, plain, place(bucket, key))
}

func (s *sealer) open(sealed, bucket, key []byte) ([]byte, error) {
	plain, err := s.aead.Open(nil, nil, sealed, place(bucket, key))
	if err != nil {
		return nil, fmt.Errorf("open sealed value of %s: %w", bucket, err)
	}
	return plain, nil
}

// sum is the hex HMAC-SHA256 of data.
func (s *sealer) sum(data []byte) string {
	mac := hmac.New(sha256.New, s.sumKey)
	mac.Write(data) // a hash never fails
	return hex.EncodeToString(mac.Sum(nil))
}

// place is unambiguous because no bucket's name holds a NUL byte.
func place(bucket, key []byte) []byte {
	p := make([]byte, 0, len(bucket)+1+len(key))
	p = append(p, bucket...)
	p = append(p, 0)
	return append(p, key...)
}
