package web

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"strings"
	"testing"

	gossh "golang.org/x/crypto/ssh"

	"paas"
)

func authorized(t *testing.T, private crypto.Signer) string {
	t.Helper()
	key, err := gossh.NewPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(gossh.MarshalAuthorizedKey(key)))
}

func ed25519Key(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return private
}

func rsaKey(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	t.Setenv("GODEBUG", "rsa1024min=0")
	private, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return private
}

func TestParseKeyTakesGoodKeysWithoutOptionsAndComment(t *testing.T) {
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, private := range map[string]crypto.Signer{"ed25519": ed25519Key(t), "ecdsa": p256, "rsa": rsaKey(t, 2048)} {
		line := authorized(t, private)
		for _, text := range []string{line, line + " ada@laptop\n", "  " + line + "\r\n", `command="id",no-pty ` + line + " x"} {
			key, err := ParseKey(text)
			if err != nil || key.Public != line || !strings.HasPrefix(key.Fingerprint, "SHA256:") {
				t.Errorf("%s: %q became %+v, %v", name, text, key, err)
			}
		}
	}
}

func TestParseKeyRefusesWhatMustNotComeIn(t *testing.T) {
	good := authorized(t, ed25519Key(t))
	block, err := gossh.MarshalPrivateKey(ed25519Key(t), "")
	if err != nil {
		t.Fatal(err)
	}
	for want, text := range map[string]string{
		"is not an SSH public key":   "ssh-ed25519 AAAA",
		"an SSH public key":          "",
		"several lines":              good + "\n" + good,
		"a private key":              string(pem.EncodeToMemory(block)),
		"an SSH certificate":         certificate(t),
		"fewer than 2048 bits":       authorized(t, rsaKey(t, 1024)),
		"this is not an SSH public ": good[:40],
	} {
		_, err := ParseKey(text)
		if paas.CodeOf(err) != paas.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func certificate(t *testing.T) string {
	t.Helper()
	ca, err := gossh.NewSignerFromKey(ed25519Key(t))
	if err != nil {
		t.Fatal(err)
	}
	cert := &gossh.Certificate{Key: ca.PublicKey(), CertType: gossh.UserCert, ValidPrincipals: []string{"root"}, ValidBefore: gossh.CertTimeInfinity}
	if err := cert.SignCert(rand.Reader, ca); err != nil {
		t.Fatal(err)
	}
	return string(gossh.MarshalAuthorizedKey(cert))
}

func FuzzParseKey(f *testing.F) {
	f.Add("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJ0 x")
	f.Fuzz(func(t *testing.T, text string) {
		key, err := ParseKey(text)
		if err != nil {
			return
		}
		again, err := ParseKey(key.Public)
		if err != nil || again != key {
			t.Errorf("%q: %+v, then %+v, %v", text, key, again, err)
		}
	})
}
