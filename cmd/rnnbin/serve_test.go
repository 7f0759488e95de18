package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
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
