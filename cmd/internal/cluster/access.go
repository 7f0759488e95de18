package cluster

import (
	"crypto/ed25519"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"os"
	"time"
)

// errSecret is returned when the other side's certificate follows from another secret.
var errSecret = errors.New("the secret is not the same on both sides")

// minSecret is the length of a secret that cannot be guessed, if it is random.
const minSecret = 16

// Secret has both sides show a certificate of the one key that follows from a secret.
func Secret(secret string) (*tls.Config, error) {
	if len(secret) < minSecret {
		return nil, fmt.Errorf("the secret has %d characters: at least %d are needed, from `openssl rand -hex 32` or the like", len(secret), minSecret)
	}
	seed, err := pbkdf2.Key(sha256.New, secret, []byte("rnnbin worker 1"), 200_000, ed25519.SeedSize)
	if err != nil {
		return nil, err
	}
	key := ed25519.NewKeyFromSeed(seed)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().AddDate(10, 0, 0)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return &tls.Config{
		MinVersion: tls.VersionTLS13, ClientAuth: tls.RequireAnyClientCert, InsecureSkipVerify: true, // but for what follows
		Certificates: []tls.Certificate{{Certificate: [][]byte{certificate}, PrivateKey: key}},
		VerifyConnection: func(s tls.ConnectionState) error {
			if other, ok := s.PeerCertificates[0].PublicKey.(ed25519.PublicKey); !ok || !other.Equal(key.Public()) {
				return errSecret
			}
			return nil
		},
	}, err
}

// Certificates has both sides show a certificate that is signed by one of those in the file ca.
func Certificates(certificate, key, ca string) (*tls.Config, error) {
	own, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s: there is no certificate", ca)
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{own},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, RootCAs: pool,
	}, nil
}
