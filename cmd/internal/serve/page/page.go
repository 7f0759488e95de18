// Package page is what a person sees of a server in a browser: its models, a form that labels
// rows and draws them, and a stream as it is labelled. It is one page that asks for nothing but
// the server's own interface.
package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"strings"
	"time"
)

//go:embed index.html
var index string

//go:embed style.css
var style string

//go:embed app.js
var script string

// Handler serves the page.
func Handler() http.Handler {
	text := []byte(strings.NewReplacer("{{style}}", style, "{{script}}", script).Replace(index))
	policy := "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'" +
		"; style-src " + hash(style) + "; script-src " + hash(script)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", `"`+strings.Trim(hash(string(text)), "'")+`"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(text))
	})
}

// hash is how a policy names a text.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
