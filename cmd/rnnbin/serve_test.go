package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// freePort sets a variable to a port that nobody listens at:
//
//	freeport VARIABLE
func freePort(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: freeport variable")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	ts.Check(err)
	ts.Setenv(args[0], port)
}

// makeCertificate writes a certificate that is its own authority, for servers and clients, and its key:
//
//	certificate FILE KEY
func makeCertificate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: certificate file key")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	ts.Check(err)
	secret, err := x509.MarshalECPrivateKey(key)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o666))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret}), 0o600))
}

// ask sends a request until the answer has a text, and prints its status and body:
//
//	ask METHOD URL BODY TEXT
func ask(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: ask method url body text")
	}
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		answer, err := answerOf(args[0], args[1], args[2])
		if err == nil && strings.Contains(answer, args[3]) {
			fmt.Fprintln(ts.Stdout(), answer)
			return
		}
		if time.Since(begun) > time.Minute {
			ts.Fatalf("the answer is still %q, %v", answer, err)
		}
	}
}

// crowd sends a body and, by the same connection when there are n others, again, and prints the second answer:
//
//	crowd N URL BODY
func crowd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: crowd n url body")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	at, err := url.Parse(args[1])
	ts.Check(err)
	_, err = answerOf(http.MethodPost, args[1], args[2])
	ts.Check(err)
	for range n {
		c, err := net.Dial("tcp", at.Host)
		ts.Check(err)
		defer c.Close()
	}
	time.Sleep(200 * time.Millisecond) // they are accepted
	answer, err := answerOf(http.MethodPost, args[1], args[2])
	ts.Check(err)
	fmt.Fprintln(ts.Stdout(), answer)
}

// answerOf is the status and the body that a request is answered with.
func answerOf(method, url, body string) (string, error) {
	q, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	return fmt.Sprint(r.StatusCode, " ", string(text)), err
}
