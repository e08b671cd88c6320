package main

import (
	"context"
	"fmt"
	"net"
	"net/http"

	"github.com/pagesrun/pagesrun/abi"
)

// serve answers every request with what the guest responds, as a program would that embeds the engine in net/http.
func serve(p *pool, address string) error {
	return http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		resp, err := p.handle(r.Context(), fetchEvent(r))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		for _, h := range resp.Headers {
			w.Header().Add(h.Name, string(h.Value))
		}
		w.WriteHeader(int(resp.Status))
		w.Write(resp.Body)
	}))
}

// fetchEvent is the event of a request without a body.
func fetchEvent(r *http.Request) *abi.FetchEvent {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	ev := &abi.FetchEvent{Method: r.Method, URL: abi.ByteString("http://" + r.Host + r.RequestURI), Protocol: r.Proto, RemoteAddr: host}
	ev.Headers = append(ev.Headers, abi.Header{Name: "Host", Value: abi.ByteString(r.Host)})
	for name, values := range r.Header {
		for _, v := range values {
			ev.Headers = append(ev.Headers, abi.Header{Name: name, Value: abi.ByteString(v)})
		}
	}
	return ev
}

// constantEvent is the event that turns run, the same one as in the measurement of pagesrun's own.
func constantEvent() *abi.FetchEvent {
	return &abi.FetchEvent{
		Method: http.MethodGet, URL: "http://localhost:8787/", Protocol: "HTTP/1.1", RemoteAddr: "127.0.0.1",
		Headers: []abi.Header{{Name: "Host", Value: "localhost:8787"}},
	}
}

// once runs one event, which must answer with 200 and a body.
func once(ctx context.Context, p *pool, ev *abi.FetchEvent) error {
	resp, err := p.handle(ctx, ev)
	if err == nil && (resp.Status != http.StatusOK || len(resp.Body) == 0) {
		err = fmt.Errorf("the guest answered %d with %d bytes", resp.Status, len(resp.Body))
	}
	return err
}
