package serve

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/rnnbin/rnnbin/cmd/internal/engine"
)

// Metrics counts what an engine does, for Prometheus. It is the [engine.Observer] of one registry.
type Metrics struct {
	registry *prometheus.Registry

	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	batches  *prometheus.HistogramVec // series or rows of streams
	rows     *prometheus.CounterVec
	waited   *prometheus.HistogramVec
	ran      *prometheus.HistogramVec
	faults   *prometheus.CounterVec
	loads    *prometheus.CounterVec
	loading  *prometheus.GaugeVec
}

// NewMetrics returns a Metrics that has counted nothing yet.
func NewMetrics() *Metrics {
	model := []string{"model", "version"}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "rnnbin_" + name, Help: help, Buckets: buckets}, labels)
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "rnnbin_" + name, Help: help}, labels)
	}
	seconds := prometheus.ExponentialBucketsRange(0.0001, 30, 18)
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: counter("requests_total", "Requests that were answered, by the protocol's code.", "protocol", "method", "model", "code"),
		seconds:  histogram("request_seconds", "Time from a request's header to its answer.", seconds, "protocol", "method", "model"),
		batches:  histogram("batch_series", "Series, or rows of streams, that were labelled together.", prometheus.ExponentialBuckets(1, 2, 10), append(model, "kind")...),
		rows:     counter("rows_total", "Rows that were labelled.", append(model, "kind")...),
		waited:   histogram("queue_seconds", "Time that the first request of a batch waited.", seconds, append(model, "kind")...),
		ran:      histogram("batch_seconds", "Time that a batch took to be labelled.", seconds, append(model, "kind")...),
		faults:   counter("batch_errors_total", "Batches with a request that could not be labelled.", append(model, "kind")...),
		loads:    counter("model_loads_total", "Versions that were loaded, or could not be.", "model", "result"),
		loading:  prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "rnnbin_model_load_seconds", Help: "Time that a version took to load."}, model),
	}
	m.registry.MustRegister(m.requests, m.seconds, m.batches, m.rows, m.waited, m.ran, m.faults, m.loads, m.loading,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Ran counts requests that were run together.
func (m *Metrics) Ran(r engine.Run) {
	kind := "series"
	if r.Streams {
		kind = "stream"
	}
	labels := []string{r.Name, strconv.FormatInt(r.Version, 10), kind}
	m.batches.WithLabelValues(labels...).Observe(float64(r.Series))
	m.rows.WithLabelValues(labels...).Add(float64(r.Rows))
	m.waited.WithLabelValues(labels...).Observe(r.Waited.Seconds())
	m.ran.WithLabelValues(labels...).Observe(r.Took.Seconds())
	if r.Err != nil {
		m.faults.WithLabelValues(labels...).Inc()
	}
}

// Loaded counts versions.
func (m *Metrics) Loaded(name string, version int64, took time.Duration, err error) {
	result := "ok"
	if err != nil {
		result = "failed"
	} else {
		m.loading.WithLabelValues(name, strconv.FormatInt(version, 10)).Set(took.Seconds())
	}
	m.loads.WithLabelValues(name, result).Inc()
}

// Unloaded drops the metrics of a version, so that they do not accumulate over reloads.
func (m *Metrics) Unloaded(name string, version int64) {
	of := prometheus.Labels{"model": name, "version": strconv.FormatInt(version, 10)}
	m.loading.DeletePartialMatch(of)
	m.rows.DeletePartialMatch(of)
	m.faults.DeletePartialMatch(of)
	for _, h := range []*prometheus.HistogramVec{m.batches, m.waited, m.ran} {
		h.DeletePartialMatch(of)
	}
}

// Asked counts a request.
func (m *Metrics) Asked(q engine.Request) {
	if q.Version == 0 {
		q.Name = "" // a client may ask for any number of names
	}
	m.requests.WithLabelValues(q.Protocol, q.Method, q.Name, q.Code).Inc()
	m.seconds.WithLabelValues(q.Protocol, q.Method, q.Name).Observe(q.Took.Seconds())
}

// Handler answers with all that is counted, and with what r tells when it is asked.
func (m *Metrics) Handler(r *engine.Registry) http.Handler {
	m.registry.MustRegister(gauges{r})
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// gauges are what a registry tells when it is asked.
type gauges struct{ *engine.Registry }

var (
	streamsGauge = prometheus.NewDesc("rnnbin_streams", "Streams that are open.", []string{"kind"}, nil)
	queueGauge   = prometheus.NewDesc("rnnbin_queue_requests", "Requests that wait.", []string{"model", "version"}, nil)
	seenCounter  = prometheus.NewDesc("rnnbin_checked_rows_total", "Rows whose features were compared with the training rows' range.", []string{"model", "version"}, nil)
	driftCounter = prometheus.NewDesc("rnnbin_outside_rows_total", "Of the checked rows, those with the feature far outside the training rows' range.", []string{"model", "version", "feature"}, nil)
)

// Describe is for Prometheus.
func (g gauges) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{streamsGauge, queueGauge, seenCounter, driftCounter} {
		to <- d
	}
}

// Collect is for Prometheus.
func (g gauges) Collect(to chan<- prometheus.Metric) {
	open, sessions := g.Streams()
	to <- prometheus.MustNewConstMetric(streamsGauge, prometheus.GaugeValue, float64(open-sessions), "connection")
	to <- prometheus.MustNewConstMetric(streamsGauge, prometheus.GaugeValue, float64(sessions), "session")
	for _, name := range g.Names() {
		h, err := g.Acquire(name, engine.Which{})
		if err != nil {
			continue
		}
		version := fmt.Sprint(h.Version())
		to <- prometheus.MustNewConstMetric(queueGauge, prometheus.GaugeValue, float64(h.Waiting()), name, version)
		rows, outside := h.Drift()
		to <- prometheus.MustNewConstMetric(seenCounter, prometheus.CounterValue, float64(rows), name, version)
		for i, n := range outside {
			to <- prometheus.MustNewConstMetric(driftCounter, prometheus.CounterValue, float64(n), name, version, h.Info().Features[i])
		}
		h.Release()
	}
}
