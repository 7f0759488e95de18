package serve

import (
	"bytes"
	"cmp"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/rnnbin/rnnbin/cmd/internal/engine"
)

// request is a request that is being answered.
type request struct {
	*http.Request
	*Server
	out http.ResponseWriter

	name     string // of the model
	which    engine.Which
	rest     string // what the path has after those
	protocol string
	method   string
	version  int64 // that answers
	bytes    int   // of the body that are held
}

// modelPath is the path of a model: its name, a version or a label, then /metadata, a session or
// :predict and the like.
var modelPath = regexp.MustCompile(`^/v1/models/([^/:]+)(?:/versions/([^/:]+)|/labels/([^/:]+))?(|/metadata|/sessions/[^/:]+|:[a-z]+)$`)

// parsePath takes a path apart. It is escaped: names may have slashes in them.
func (q *request) parsePath() error {
	parts := modelPath.FindStringSubmatch(q.URL.EscapedPath())
	if parts == nil {
		return q.malformed()
	}
	var label string
	var err error
	if q.name, err = url.PathUnescape(parts[1]); err == nil {
		label, err = url.PathUnescape(parts[3])
	}
	if err != nil {
		return q.malformed()
	}
	q.rest = parts[4]
	q.which, err = engine.ParseVersion(parts[2])
	q.which.Label = label
	return err
}

// verb is the method, GET also where the header of the answer is all that is wanted.
func (q *request) verb() string {
	if q.Method == http.MethodHead {
		return http.MethodGet
	}
	return q.Method
}

// malformed is the error of a path that there is not, in TensorFlow Serving's words.
func (q *request) malformed() error {
	return engine.Errorf(engine.Invalid, "Malformed request: %s %s", q.Method, q.URL.Path)
}

// acquire is the version that the path names.
func (q *request) acquire() (*engine.Handle, error) {
	h, err := q.registry.Acquire(q.name, q.which)
	if err == nil {
		q.version = h.Version()
	}
	return h, err
}

// statusError is an error whose status is not that of its kind.
type statusError struct {
	status int
	err    error
}

func (e *statusError) Error() string { return e.err.Error() }
func (e *statusError) Unwrap() error { return e.err }

// statuses are those of the kinds of errors.
var statuses = map[engine.Kind]int{
	engine.Internal: http.StatusInternalServerError, engine.Invalid: http.StatusBadRequest, engine.NotFound: http.StatusNotFound,
	engine.Unavailable: http.StatusServiceUnavailable, engine.Exhausted: http.StatusTooManyRequests,
	engine.Deadline: http.StatusGatewayTimeout, engine.Canceled: 499, // as nginx has it; nobody reads it
}

// statusOf is the status of an error.
func statusOf(err error) int {
	var known *statusError
	if errors.As(err, &known) {
		return known.status
	}
	return statuses[engine.KindOf(err)]
}

// fail answers with an error, as both protocols have it.
func (q *request) fail(err error) {
	var e *engine.Error
	status := statusOf(err)
	if errors.As(err, &e) && e.RetryAfter > 0 {
		q.out.Header().Set("Retry-After", strconv.Itoa(int(max(e.RetryAfter, time.Second)/time.Second)))
	}
	if status == http.StatusUnauthorized {
		q.out.Header().Set("WWW-Authenticate", "Bearer")
	}
	q.json(status, append(append([]byte(`{"error":`), quoted(err.Error())...), '}'))
}

// json answers with JSON.
func (q *request) json(status int, body []byte) {
	q.out.Header().Set("Content-Type", "application/json")
	q.out.Header().Set("Content-Length", strconv.Itoa(len(body)))
	q.out.WriteHeader(status)
	_, _ = q.out.Write(body) // a client that has gone
}

// body is what the client has sent, decompressed, for at most so many bytes of it. It is held until the request is answered.
func (q *request) body() ([]byte, error) {
	r, err := q.reader()
	if err != nil {
		return nil, err
	}
	var body bytes.Buffer
	body.Grow(bytes.MinRead + int(min(max(q.ContentLength, 0), 16<<10)))
	_, err = body.ReadFrom(q.held(r))
	return body.Bytes(), q.unreadable(err)
}

// held is a reader of what is held in memory, so many bytes so far.
type held struct {
	io.Reader
	registry *engine.Registry
	bytes    *int
}

// held reads what is held until the request is answered, or drops it.
func (q *request) held(r io.Reader) held { return held{r, q.registry, &q.bytes} }

func (h held) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	if full := h.registry.Hold(n); full != nil {
		return 0, full
	}
	*h.bytes += n
	return n, err
}

// drop drops what is held.
func (q *request) drop() {
	q.registry.Drop(q.bytes)
	q.bytes = 0
}

// reader reads the body, as many bytes as it may have: also of what is compressed.
func (q *request) reader() (io.Reader, error) {
	if q.ContentLength > q.options.MaxBody { // before it is sent, where the client asks
		return nil, q.unreadable(&http.MaxBytesError{Limit: q.options.MaxBody})
	}
	limited := http.MaxBytesReader(q.out, q.Body, q.options.MaxBody)
	r, err := q.decoded(limited)
	if err != nil || r == limited {
		return r, err
	}
	return http.MaxBytesReader(q.out, r, q.options.MaxBody), nil
}

// decoded is the body as it was before it was compressed.
func (q *request) decoded(body io.ReadCloser) (r io.ReadCloser, err error) {
	if kind := q.Header.Get("Content-Type"); strings.HasPrefix(kind, "multipart/") {
		return nil, &statusError{http.StatusUnsupportedMediaType, errors.New("forms are not supported: send the file itself as the body, as curl --data-binary @FILE does")}
	}
	switch encoding := q.Header.Get("Content-Encoding"); strings.ToLower(encoding) {
	case "", "identity":
		return body, nil
	case "gzip", "x-gzip":
		r, err = gzip.NewReader(body)
	case "deflate":
		r, err = zlib.NewReader(body)
	default:
		return nil, &statusError{http.StatusUnsupportedMediaType, fmt.Errorf("Content-Encoding: %s is not supported: use gzip, deflate or none", encoding)}
	}
	return r, q.unreadable(err)
}

// unreadable is the error of a body that cannot be read.
func (q *request) unreadable(err error) error {
	var large *http.MaxBytesError
	var known *engine.Error
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case errors.As(err, &large):
		return &statusError{http.StatusRequestEntityTooLarge, fmt.Errorf("the body is larger than %d bytes", large.Limit)}
	}
	return engine.Errorf(engine.Invalid, "the body cannot be read: %w", cmp.Or(q.Context().Err(), err))
}
