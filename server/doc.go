// Package server takes HTTP in and hands events to a function.
//
// It is net/http with everything named that net/http leaves open: each timeout and limit is a field of [Options] with its
// default, its unit and the status a client gets. HTTP/1 is read strictly (package strictconn), HTTP/2 is spoken over TLS and, with prior
// knowledge, over plain connections. Bodies stream both ways; a client that goes away cancels its event.
//
// A [Server] runs one [Function] at a time, which [Server.Swap] replaces without dropping a request. [Server.Run] serves until
// its context is done and then drains: no new connections, answers carry "Connection: close", requests in progress finish.
// A second listener on loopback has /metrics, /healthz, /readyz and /debug/pprof/.
//
// # What a function sees
//
// The URL is made of the connection's scheme, the Host and the path and query byte for byte as sent; a target with its own
// authority ("GET http://a/b") replaces Host, as RFC 9112 has it. Field names arrive in their canonical form ("Content-Type"), sorted; Host is
// one of them. CF-Connecting-IP is always the peer's address, whatever the client sent. A body of up to
// [Options.BodyWholeBytesMax] with a Content-Length is complete before the event begins; any other streams.
//
// # Plain requests
//
// A GET without a body over HTTP/1.1 without TLS whose response is all there is answered without net/http, byte for byte as net/http
// would and for half the cost; see plainConn. Whatever is unusual about a request or its response, net/http does.
//
// # What a client sees
//
// The function's status, fields and body. Fields that belong to the connection (Connection, Transfer-Encoding, ...) are
// dropped, a field HTTP does not allow (a line break in a value) makes the response a 500. Content-Length is always true: the function's
// own is used only for HEAD, 304 and streams. No Content-Type is guessed: a response without one goes out
// without. A stream that fails cuts the connection, so that a short body is never mistaken for a whole one.
//
// A request that ends without a response gets a page, HTML where the client asks for it, with the status, the outcome, a sentence
// and the event's id, and the fields Pagesrun-Outcome and Pagesrun-Event.
package server
