package queues

import (
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/pagesrun/pagesrun/abi"
)

// freePorts gives ports that nobody listens on.
func freePorts(t *testing.T, n int) (ports []int) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// startCluster starts a cluster of so many servers and gives its address.
func startCluster(t *testing.T, n int) string {
	t.Helper()
	url, _ := startServers(t, n)
	return url
}

func startServers(t *testing.T, n int) (url string, servers []*server.Server) {
	t.Helper()
	ports := freePorts(t, 2*n)
	var routes, urls []string
	for i := range n {
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", ports[n+i]))
		urls = append(urls, fmt.Sprintf("nats://127.0.0.1:%d", ports[i]))
	}
	for i := range n {
		o := &server.Options{
			ServerName: fmt.Sprint("node", i), Host: "127.0.0.1", Port: ports[i], NoSigs: true, NoLog: true,
			JetStream: true, StoreDir: t.TempDir(), JetStreamMaxStore: 1 << 40, JetStreamMaxMemory: 64 << 20,
		}
		if n > 1 {
			o.Cluster = server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: ports[n+i]}
			o.Routes = server.RoutesFromStr(strings.Join(routes, ","))
		}
		srv, err := server.NewServer(o)
		if err != nil {
			t.Fatal(err)
		}
		srv.Start()
		servers = append(servers, srv)
		t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
		if !srv.ReadyForConnections(10 * time.Second) {
			t.Fatal("a server of the cluster does not start")
		}
	}
	return strings.Join(urls, ","), servers
}

// TestConformance holds every store to the same behaviour.
func TestConformance(t *testing.T) {
	stores := map[string]func(t *testing.T) string{
		"embedded": func(*testing.T) string { return "" },
		"server":   func(t *testing.T) string { return startCluster(t, 1) },
		"cluster":  func(t *testing.T) string { return startCluster(t, 3) },
	}
	for name, start := range stores {
		t.Run(name, func(t *testing.T) {
			url := start(t)
			for _, c := range conformance {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					c.run(t, rigOptions{nats: url, dir: t.TempDir()})
				})
			}
		})
	}
}

// TestAClusterMayLoseAServer stops the server that the process is connected to.
func TestAClusterMayLoseAServer(t *testing.T) {
	url, servers := startServers(t, 3)
	s := &script{}
	r := openRig(t, rigOptions{nats: url, log: slog.New(slog.NewTextHandler(t.Output(), nil))}, &Producer{Binding: "Q", Queue: "q"}, consumer("q", nil))
	if got := r.live.queues["q"].stream.CachedInfo().Config.Replicas; got != 3 {
		t.Errorf("the stream has %d replicas", got)
	}
	r.start(s)
	begin := time.Now()
	want := map[string]bool{}
	for i := range 60 {
		if i == 20 {
			connected := r.live.store.Conn().ConnectedServerId()
			servers[slices.IndexFunc(servers, func(srv *server.Server) bool { return srv.ID() == connected })].Shutdown()
		}
		body := fmt.Sprint(i)
		within(t, 2*time.Minute, "a send", func() bool { // the one in progress when the server went is not answered
			return r.send("Q", abi.QueuesSendRequest{Body: []byte(body), ContentType: "text"}) == nil
		})
		want[body] = true
	}
	t.Logf("all were sent after %v", time.Since(begin))
	within(t, 2*time.Minute, "all deliveries", func() bool {
		got := map[string]bool{}
		for _, b := range s.seen() {
			for _, m := range b.Messages {
				got[string(m.Body)] = true
			}
		}
		return len(got) == len(want)
	})
	t.Logf("all had come after %v", time.Since(begin))
}
