package serve

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"
)

// authorize refuses requests without the token. Whether the server is well is no secret.
func (q *request) authorize() error {
	if q.options.Token == nil || q.protocol == "health" {
		return nil
	}
	scheme, token, _ := strings.Cut(q.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare([]byte(strings.TrimSpace(token)), []byte(q.options.Token())) != 1 {
		return &statusError{http.StatusUnauthorized, errors.New("the token is missing or wrong: Authorization: Bearer TOKEN")}
	}
	return nil
}
