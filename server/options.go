package server

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Options are all the limits and addresses of a [Server]. A zero field means its default; a negative limit or timeout means none.
type Options struct {
	// Addr is where to serve, "host:port". Default "127.0.0.1:8787". Port 0 picks a free one.
	Addr string
	// AdminAddr is where the admin listener is, "host:port", or "off". Default "127.0.0.1:9787".
	AdminAddr string
	// AdminRequired makes it an error when AdminAddr cannot be listened on; otherwise that is a warning in the log.
	AdminRequired bool
	// TLSCertFile and TLSKeyFile are PEM files; with both, the server speaks TLS only.
	TLSCertFile, TLSKeyFile string

	// HeaderTimeout is how long a client may take for the TLS handshake, and for a request's head from its first byte (on
	// a new connection from the start). The connection is closed. Default 5 s.
	HeaderTimeout time.Duration
	// IdleTimeout is how long a connection may be open with no request on it. It is closed. Default 120 s.
	IdleTimeout time.Duration
	// BodyIdleTimeout is how long either direction of a body may stand still: no byte of the request's body arrives (408),
	// or the client takes none of the response (the connection is cut). Default 30 s.
	BodyIdleTimeout time.Duration
	// DrainTimeout is how long requests in progress may take once the server is told to stop. Then they are cut. Default 30 s.
	DrainTimeout time.Duration

	// URLBytesMax is the longest request target, in bytes: 414. Default 16 KiB.
	URLBytesMax int
	// HeaderBytesMax is the most the request's head may have, in bytes: 431. Default 128 KiB.
	HeaderBytesMax int
	// HeaderFieldsMax is the most header lines of a request, Host included: 431. Default 256.
	HeaderFieldsMax int
	// BodyBytesMax is the longest request body, in bytes: 413, at once where Content-Length says it, otherwise when that many
	// bytes have come. Default 100 MiB.
	BodyBytesMax int64
	// BodyWholeBytesMax is the longest request body, in bytes, that is read before the event begins. Default 64 KiB; negative: every
	// body streams.
	BodyWholeBytesMax int64
	// ResponseHeaderBytesMax is the most a function's header fields may have together, in bytes: 500. Default 128 KiB.
	ResponseHeaderBytesMax int
	// ResponseHeaderFieldsMax is the most header fields a function may send: 500. Default 256.
	ResponseHeaderFieldsMax int
	// ResponseBodyBytesMax is the longest response body, in bytes: 500, or a cut connection where it streams. Default none:
	// streams are passed on, never gathered.
	ResponseBodyBytesMax int64
	// ConnectionsMax is how many connections may be open. More wait in the kernel's queue until one closes. Default 10,000, or
	// three quarters of the descriptors the process may open where that is less.
	ConnectionsMax int
	// StreamsMax is how many requests one HTTP/2 connection may have open. Default 250.
	StreamsMax int

	// Log is for what concerns no single event. Default: discarded.
	Log *slog.Logger
	// Metrics is where the server's own metrics are registered and what /metrics shows. Default: a registry of its own.
	Metrics *prometheus.Registry
	// AdminRoutes answers what the admin listener does not answer itself, such as the SQL interface of a binding; nil for nothing. It
	// guards itself: the listener only keeps web pages away.
	AdminRoutes http.Handler
	// DevRoutes answers requests below "/cdn-cgi/" in the place of the function, to this machine only; nil leaves them to the function.
	DevRoutes http.Handler
	// Ready is asked by /readyz besides the server's own state; nil means ready.
	Ready func() error
}

// withDefaults fills in what is zero.
func (o Options) withDefaults() Options {
	def(&o.Addr, "127.0.0.1:8787")
	def(&o.AdminAddr, "127.0.0.1:9787")
	limit64(&o.HeaderTimeout, 5*time.Second)
	limit64(&o.IdleTimeout, 120*time.Second)
	limit64(&o.BodyIdleTimeout, 30*time.Second)
	limit64(&o.DrainTimeout, 30*time.Second)
	limit(&o.URLBytesMax, 16<<10)
	limit(&o.HeaderBytesMax, 128<<10)
	limit(&o.HeaderFieldsMax, 256)
	limit64(&o.BodyBytesMax, 100<<20)
	def(&o.BodyWholeBytesMax, 64<<10)
	limit(&o.ResponseHeaderBytesMax, 128<<10)
	limit(&o.ResponseHeaderFieldsMax, 256)
	limit64(&o.ResponseBodyBytesMax, unlimited64)
	limit(&o.ConnectionsMax, min(10_000, descriptorsMax()/4*3))
	limit(&o.StreamsMax, 250)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = prometheus.NewRegistry()
	}
	return o
}

// What a negative limit becomes: more than anything, with room to add to it.
const (
	unlimited   = 1 << 30
	unlimited64 = 1 << 60
)

func def[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func limit(field *int, value int) {
	def(field, value)
	if *field < 0 {
		*field = unlimited
	}
}

func limit64[T ~int64](field *T, value T) {
	def(field, value)
	if *field < 0 {
		*field = unlimited64
	}
}
