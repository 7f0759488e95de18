package cluster

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority signs certificates, in files of a folder.
type authority struct {
	dir         string
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	a.certificate, a.key = a.issue(t, "ca", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// issue writes name.pem and name.key.
func (a *authority) issue(t *testing.T, name string, c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c.SerialNumber, c.NotAfter = big.NewInt(1), time.Now().Add(time.Hour)
	parent, by := a.certificate, a.key
	if parent == nil {
		parent, by = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), by)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for ending, block := range map[string]*pem.Block{".pem": {Type: "CERTIFICATE", Bytes: der}, ".key": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(a.file(name+ending), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return made, key
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

// config is that of a machine, by a certificate for 127.0.0.1.
func (a *authority) config(t *testing.T, ca string) *tls.Config {
	t.Helper()
	a.issue(t, "own", &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	c, err := Certificates(a.file("own.pem"), a.file("own.key"), ca)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// With certificates, both sides have to be signed by the other's authority.
func TestCertificates(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := Worker{Slots: 1, Build: build, TLS: ours.config(t, ours.file("ca.pem")), Log: t.Logf, Command: slot}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- w.Serve(ctx, l) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	for name, test := range map[string]struct {
		config *tls.Config
		want   string
	}{
		"one authority":        {ours.config(t, ours.file("ca.pem")), ""},
		"a stranger's worker":  {ours.config(t, theirs.file("ca.pem")), "certificate signed by unknown authority"},
		"a stranger's program": {theirs.config(t, ours.file("ca.pem")), "remote error: tls: "},
	} {
		o, _ := options(t, l.Addr().String())
		o.TLS = test.config
		f, err := NewFarm(t.Context(), o)
		if err == nil {
			f.Close()
		}
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRefusedWorkers(t *testing.T) {
	address, _ := worker(t, 1)
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close()
	for _, test := range []struct {
		name, address string
		change        func(*Options)
		want          string
	}{
		{"another secret", address, func(o *Options) { o.TLS, _ = Secret(secret + "!") }, "the secret is not the same"},
		{"HTTP", plain.Listener.Addr().String(), nil, "no rnnbin worker"},
		{"HTTPS", secure.Listener.Addr().String(), nil, "the secret is not the same"},
		{"another version", address, func(o *Options) { o.Build.Program, o.Build.Library = "2", "3" }, "rnnbin test, not 2; libtensorflow"},
		{"nobody", nobody.Addr().String(), func(o *Options) { o.Arrival = time.Second }, "connection refused"},
	} {
		o, _ := options(t, test.address)
		if test.change != nil {
			test.change(&o)
		}
		_, err := NewFarm(t.Context(), o)
		if err == nil || !strings.Contains(err.Error(), test.address) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// Neither plain connections nor many idle ones keep a worker from its work.
func TestIdleConnections(t *testing.T) {
	address, _ := worker(t, 1)
	for i := range 10_000 {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if i == 0 {
			fmt.Fprint(c, "GET / HTTP/1.1\r\n\r\n")
			if text, _ := io.ReadAll(c); strings.Contains(string(text), "HTTP") {
				t.Errorf("a plain request is answered %q", text)
			}
		}
	}
	farm(t, address)
}

func TestSecretThatCanBeGuessed(t *testing.T) {
	if _, err := Secret("password"); err == nil {
		t.Error("a short secret will do")
	}
}
