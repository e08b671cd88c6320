package config

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Pagesrun is the table "pagesrun": what wrangler's file has no words for.
type Pagesrun struct {
	// Isolation is "event" (every event finds the instance as it was after start-up) or "instance" (state survives between events).
	Isolation string
	// Durability is "sync" (an acknowledged write survives power loss) or "relaxed" (it survives the end of the process only).
	Durability string
	// Admin is the address, HOST:PORT, of the listener for metrics and health; empty for none.
	Admin string
	// Nats is the address of a NATS cluster with JetStream that keeps the queues, such as "nats://127.0.0.1:4222"; empty for the
	// server inside pagesrun.
	Nats string
	// NatsListen is the address, HOST:PORT, on which the server inside pagesrun takes NATS clients; empty for none.
	NatsListen string
	// Args are the arguments of a WASI command.
	Args []string
	// CGIImage is where in a WASI command's run its image is taken: "auto", "request" or "off".
	CGIImage string
	// Mounts are what functions and commands may read of the host's files.
	Mounts []Mount
	// Analytics is the table "pagesrun.analytics" as it is, nil when it is absent: the binding of that kind decodes it.
	Analytics *Node
	// Cron is the table "pagesrun.cron" as it is, nil when it is absent: the binding of that kind decodes it.
	Cron *Node
	// Limits bound events and instances.
	Limits Limits
	// HTTP bounds connections and requests.
	HTTP HTTP
}

// Limits bound what events and instances may use. [Settings] lists keys, defaults and bounds.
type Limits struct {
	// CPUMS is the time one event may spend in guest code.
	CPUMS int64
	// WallMS is the time one event may take in all.
	WallMS int64
	// BackgroundWallMS is the time an event that is no request, such as a batch of a queue, may take in all.
	BackgroundWallMS int64
	// MemoryMB is the largest linear memory of an instance, in MiB.
	MemoryMB int64
	// Handles is how many calls and streams one event may hold at once.
	Handles int64
	// Operations is how many operations one event may start.
	Operations int64
	// RequestBodyBytes is the largest body of a request.
	RequestBodyBytes int64
	// ResponseBodyBytes is the largest body of a response.
	ResponseBodyBytes int64
	// LogBytes is how much one event may log.
	LogBytes int64
	// Concurrency is how many events run at once, and so the most instances.
	Concurrency int64
	// Queue is how many events may wait for an instance.
	Queue int64
	// QueueWaitMS is how long an event waits for an instance.
	QueueWaitMS int64
	// StartupMS is the time a module's start-up may take.
	StartupMS int64
	// InstanceEventsMax is how many events an instance serves before it is replaced, where isolation is "instance".
	InstanceEventsMax int64
	// ResidentBytes is how much changed memory an idle instance keeps instead of giving it back to the system.
	ResidentBytes int64
	// OpenFiles is how many mounted files and directories an instance may have open at once.
	OpenFiles int64
}

// HTTP bounds connections and requests. [Settings] lists keys, defaults and bounds.
type HTTP struct {
	// HeaderTimeoutMS is the time a client has to send a request's head.
	HeaderTimeoutMS int64
	// IdleTimeoutMS is how long a connection is kept between requests.
	IdleTimeoutMS int64
	// BodyIdleTimeoutMS is how long a body may make no progress, in either direction.
	BodyIdleTimeoutMS int64
	// HeaderBytes is the largest head of a request.
	HeaderBytes int64
	// URLBytes is the longest request target.
	URLBytes int64
	// HeadersCount is how many header fields a request may have.
	HeadersCount int64
	// DrainTimeoutMS is how long a stopping server waits for events to end.
	DrainTimeoutMS int64
}

// Setting describes one number of the table "pagesrun", for documentation and checks.
type Setting struct {
	// Table is "pagesrun.limits" or "pagesrun.http".
	Table string
	// Key is the key in that table; its ending is the unit.
	Key string
	// Default is the value when the key is absent.
	Default int64
	// Min and Max bound the value, both included.
	Min, Max int64

	field func(*Pagesrun) *int64
}

// Sizes and times the bounds are made of.
const (
	kib       = 1 << 10
	mib       = 1 << 20
	gib       = 1 << 30
	minuteMS  = 60_000
	hourMS    = 60 * minuteMS
	largestIO = 1 << 40
)

// Settings lists every number of the table "pagesrun".
//
// The defaults are those of Cloudflare's platform where it has any, with two exceptions. cpu_ms is 10 seconds instead of 30: on a machine of
// one's own a function that runs away takes a core from its neighbours, and honest requests need milliseconds. concurrency is as
// low as it is because each running event may use memory_mb.
func Settings() []Setting {
	limit := func(key string, fallback, low, high int64, field func(*Limits) *int64) Setting {
		return Setting{"pagesrun.limits", key, fallback, low, high, func(p *Pagesrun) *int64 { return field(&p.Limits) }}
	}
	http := func(key string, fallback, low, high int64, field func(*HTTP) *int64) Setting {
		return Setting{"pagesrun.http", key, fallback, low, high, func(p *Pagesrun) *int64 { return field(&p.HTTP) }}
	}
	return []Setting{
		limit("cpu_ms", 10_000, 1, 5*minuteMS, func(l *Limits) *int64 { return &l.CPUMS }),
		limit("wall_ms", 30_000, 1, hourMS, func(l *Limits) *int64 { return &l.WallMS }),
		limit("background_wall_ms", 15*minuteMS, 1, 24*hourMS, func(l *Limits) *int64 { return &l.BackgroundWallMS }),
		limit("memory_mb", 128, 1, 4096, func(l *Limits) *int64 { return &l.MemoryMB }),
		limit("handles", 256, 8, 65_536, func(l *Limits) *int64 { return &l.Handles }),
		limit("operations", 1000, 1, 1_000_000, func(l *Limits) *int64 { return &l.Operations }),
		limit("request_body_bytes", 100*mib, 0, largestIO, func(l *Limits) *int64 { return &l.RequestBodyBytes }),
		limit("response_body_bytes", gib, 0, largestIO, func(l *Limits) *int64 { return &l.ResponseBodyBytes }),
		limit("log_bytes", 256*kib, 0, 64*mib, func(l *Limits) *int64 { return &l.LogBytes }),
		limit("concurrency", 64, 1, 10_000, func(l *Limits) *int64 { return &l.Concurrency }),
		limit("queue", 1024, 0, 1_000_000, func(l *Limits) *int64 { return &l.Queue }),
		limit("queue_wait_ms", 10_000, 0, 10*minuteMS, func(l *Limits) *int64 { return &l.QueueWaitMS }),
		limit("startup_ms", 10_000, 1, 10*minuteMS, func(l *Limits) *int64 { return &l.StartupMS }),
		limit("instance_events_max", 10_000, 1, 1_000_000_000, func(l *Limits) *int64 { return &l.InstanceEventsMax }),
		limit("resident_bytes", 4*mib, 0, 4*gib, func(l *Limits) *int64 { return &l.ResidentBytes }),
		limit("open_files", 256, 1, 65_536, func(l *Limits) *int64 { return &l.OpenFiles }),
		http("header_timeout_ms", 5_000, 1, 10*minuteMS, func(h *HTTP) *int64 { return &h.HeaderTimeoutMS }),
		http("idle_timeout_ms", 120_000, 1, hourMS, func(h *HTTP) *int64 { return &h.IdleTimeoutMS }),
		http("body_idle_timeout_ms", 30_000, 1, hourMS, func(h *HTTP) *int64 { return &h.BodyIdleTimeoutMS }),
		http("header_bytes", 128*kib, kib, 16*mib, func(h *HTTP) *int64 { return &h.HeaderBytes }),
		http("url_bytes", 16*kib, 256, mib, func(h *HTTP) *int64 { return &h.URLBytes }),
		http("headers_count", 256, 16, 10_000, func(h *HTTP) *int64 { return &h.HeadersCount }),
		http("drain_timeout_ms", 30_000, 0, hourMS, func(h *HTTP) *int64 { return &h.DrainTimeoutMS }),
	}
}

// DefaultPagesrun is the table "pagesrun" of a file that has none.
func DefaultPagesrun() Pagesrun {
	p := Pagesrun{Isolation: "event", Durability: "sync", CGIImage: "auto"}
	for _, s := range Settings() {
		*s.field(&p) = s.Default
	}
	return p
}

// pagesrun reads the tables "limits" and "pagesrun"; the latter wins.
func (l *loader) pagesrun() {
	p := DefaultPagesrun()
	tables := map[string]*Table{}
	l.wranglerLimits(&p)
	t := NewTable(l.cfg.Section("pagesrun"), l.cfg.Key("pagesrun"), &l.problems)
	p.Isolation = t.OneOf("isolation", p.Isolation, "event", "instance")
	p.Durability = t.OneOf("durability", p.Durability, "sync", "relaxed")
	p.Args, p.Mounts = args(t), l.mounts(t)
	p.CGIImage = t.OneOf("cgi_image", p.CGIImage, "auto", "request", "off")
	p.Admin = address(t, "admin", "127.0.0.1:9100")
	p.Nats, p.NatsListen = natsURL(t), address(t, "nats_listen", "127.0.0.1:4222")
	p.Analytics, p.Cron = t.Node("analytics"), t.Node("cron")
	tables["pagesrun.limits"], tables["pagesrun.http"] = t.Table("limits"), t.Table("http")
	for _, s := range Settings() {
		field := s.field(&p)
		*field = tables[s.Table].Int(s.Key, *field, s.Min, s.Max)
	}
	for _, t := range []*Table{t, tables["pagesrun.limits"], tables["pagesrun.http"]} {
		t.RejectUnknown()
	}
	l.cfg.Pagesrun = p
}

// wranglerLimits reads wrangler's own table "limits", which has two of ours under other names.
func (l *loader) wranglerLimits(p *Pagesrun) {
	t := NewTable(l.cfg.Section("limits"), l.cfg.Key("limits"), &l.problems)
	ours := map[string]string{"cpu_ms": "cpu_ms", "operations": "subrequests"}
	for _, s := range Settings() {
		if theirs, ok := ours[s.Key]; ok && s.Table == "pagesrun.limits" {
			field := s.field(p)
			*field = t.Int(theirs, *field, s.Min, s.Max)
		}
	}
	t.WarnUnknown()
}

// address reads a key whose value is a host and a port.
func address(t *Table, key, example string) string {
	value := t.String(key, Optional)
	if value == "" {
		return ""
	}
	if err := checkAddress(value); err != nil {
		t.Fail(key, "must be HOST:PORT such as %q: %v", example, err)
		return ""
	}
	return value
}

// natsURL reads the key "nats": one or more addresses with a comma between them.
func natsURL(t *Table) string {
	value := t.String("nats", Optional)
	if value == "" {
		return ""
	}
	for one := range strings.SplitSeq(value, ",") {
		u, err := url.Parse(strings.TrimSpace(one))
		if err != nil || u.Host == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) {
			t.Fail("nats", "must be addresses such as \"nats://127.0.0.1:4222\", not %q", one)
			return ""
		}
	}
	if t.Has("nats_listen") {
		t.Fail("nats_listen", "is for the server inside pagesrun, which is not used when \"nats\" names another")
	}
	return value
}

func checkAddress(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%q is no port", port)
	}
	return nil
}
