package web

import (
	"bytes"
	"crypto/rsa"
	"strings"

	gossh "golang.org/x/crypto/ssh"

	"paas"
)

const minRSABits = 2048

// ParseKey reads an SSH public key: one line as in an id_ed25519.pub or authorized_keys file. Options and comment are
// left out of Public; Name and CreatedAt are for the caller to set. What must not come in is paas.Invalid: private keys,
// certificates, DSA and short RSA keys.
func ParseKey(text string) (paas.Key, error) {
	text = strings.TrimSpace(text)
	if strings.Contains(text, "PRIVATE KEY") {
		return paas.Key{}, badKey("this is a private key: it must not leave its owner").WithHint("give the .pub file beside it")
	}
	key, _, _, rest, err := gossh.ParseAuthorizedKey([]byte(text))
	if err != nil {
		return paas.Key{}, badKey("this is not an SSH public key").Because(err)
	}
	if len(bytes.TrimSpace(rest)) > 0 {
		return paas.Key{}, badKey("these are several lines; a key is one")
	}
	if err := acceptable(key); err != nil {
		return paas.Key{}, err
	}
	return paas.Key{
		Fingerprint: gossh.FingerprintSHA256(key),
		Public:      strings.TrimSpace(string(gossh.MarshalAuthorizedKey(key))),
	}, nil
}

func badKey(message string) *paas.Error {
	return paas.Errorf(paas.Invalid, "%s", message).WithHint("make one with: ssh-keygen -t ed25519; then give ~/.ssh/id_ed25519.pub")
}

// acceptable refuses kinds of keys that are weak, or that mean more than one key.
func acceptable(key gossh.PublicKey) error {
	if _, ok := key.(*gossh.Certificate); ok {
		return badKey("this is an SSH certificate; paas takes plain keys")
	}
	switch key.Type() {
	case "ssh-dss":
		return badKey("this is a DSA key, which is not secure any more")
	case gossh.KeyAlgoRSA:
		crypto, ok := key.(gossh.CryptoPublicKey)
		if !ok {
			return badKey("this RSA key cannot be read")
		}
		if pub, ok := crypto.CryptoPublicKey().(*rsa.PublicKey); !ok || pub.N.BitLen() < minRSABits {
			return badKey("this RSA key has fewer than 2048 bits, which is not secure any more")
		}
	case gossh.KeyAlgoED25519, gossh.KeyAlgoSKED25519, gossh.KeyAlgoSKECDSA256,
		gossh.KeyAlgoECDSA256, gossh.KeyAlgoECDSA384, gossh.KeyAlgoECDSA521:
	default:
		return paas.Errorf(paas.Invalid, "keys of the kind %s are not taken", paas.Quote(key.Type())).WithHint("make one with: ssh-keygen -t ed25519")
	}
	return nil
}
