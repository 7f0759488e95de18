package serve

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// Token is a text that requests have to bear, in a file that is read again when it has changed.
type Token struct{ text *reloaded[[sha256.Size]byte] }

// NewToken reads a token.
func NewToken(path string) (*Token, error) {
	text, err := reload(func() ([sha256.Size]byte, error) {
		text, err := os.ReadFile(path)
		token := strings.TrimSpace(string(text))
		if err == nil && token == "" {
			err = fmt.Errorf("%s: the token is empty", path)
		}
		return sha256.Sum256([]byte(token)), err
	}, path)
	if err != nil {
		return nil, err
	}
	return &Token{text}, nil
}

// Allows reports whether a header Authorization bears the token. A nil Token allows all.
func (t *Token) Allows(authorization string) bool {
	if t == nil {
		return true
	}
	scheme, token, _ := strings.Cut(authorization, " ")
	got, want := sha256.Sum256([]byte(strings.TrimSpace(token))), t.text.get()
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(got[:], want[:]) == 1
}

// authorize refuses requests without the token. Whether the server is well is no secret.
func (q *request) authorize() error {
	if q.protocol == "health" || q.options.Token.Allows(q.Header.Get("Authorization")) {
		return nil
	}
	return &statusError{http.StatusUnauthorized, errors.New("the token is missing or wrong: Authorization: Bearer TOKEN")}
}

// NewTLS is the configuration of a certificate and its key and, unless that is "", of the
// certificates that clients' have to be signed by. The files are read again when they have changed.
func NewTLS(certificate, key, clients string) (*tls.Config, error) {
	own, err := reload(func() (*tls.Certificate, error) {
		c, err := tls.LoadX509KeyPair(certificate, key)
		return &c, err
	}, certificate, key)
	if err != nil {
		return nil, err
	}
	c := &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return own.get(), nil },
	}
	if clients == "" {
		return c, nil
	}
	pool, err := reload(func() (*x509.CertPool, error) {
		text, err := os.ReadFile(clients)
		pool := x509.NewCertPool()
		if err == nil && !pool.AppendCertsFromPEM(text) {
			err = fmt.Errorf("%s: there is no certificate", clients)
		}
		return pool, err
	}, clients)
	if err != nil {
		return nil, err
	}
	c.ClientAuth = tls.RequireAndVerifyClientCert
	c.ClientCAs = pool.get()
	c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		now := c.Clone()
		now.GetConfigForClient, now.ClientCAs = nil, pool.get()
		return now, nil
	}
	return c, nil
}

// reloaded is a value that is read from files, and again when one of them has changed.
type reloaded[T any] struct {
	read  func() (T, error)
	paths []string

	mu     sync.Mutex
	looked time.Time
	stamp  string
	value  T
}

// reload reads a value.
func reload[T any](read func() (T, error), paths ...string) (*reloaded[T], error) {
	r := &reloaded[T]{read: read, paths: paths, looked: time.Now()}
	r.stamp = r.now()
	var err error
	r.value, err = read()
	return r, err
}

// now is a stamp of the files, another one after one of them has changed.
func (r *reloaded[T]) now() (stamp string) {
	for _, path := range r.paths {
		if info, err := os.Stat(path); err == nil {
			stamp += fmt.Sprint(info.Size(), info.ModTime().UnixNano(), " ")
		}
	}
	return stamp
}

// get is the value, of a second ago at most. What cannot be read leaves it as it was.
func (r *reloaded[T]) get() T {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.looked) < time.Second {
		return r.value
	}
	r.looked = time.Now()
	if stamp := r.now(); stamp != r.stamp {
		if value, err := r.read(); err == nil {
			r.value, r.stamp = value, stamp
		}
	}
	return r.value
}
