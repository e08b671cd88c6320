// Package nethttp serves any [http.Handler] as a function:
//
//	func main() {
//		mux := http.NewServeMux()
//		mux.HandleFunc("GET /hello/{name}", hello)
//		nethttp.Handle(mux)
//	}
//
// Handlers work unchanged: routers, middleware, r.FormFile, http.FileServerFS, Flush. The request's context carries the
// [pagesrun.Context], found with [pagesrun.FromContext], and is canceled when the client has gone away and when the handler returns.
//
// A response of up to 32 KiB that is not flushed costs one host call. A longer or flushed one is streamed.
//
// What differs from a net/http server: a panic ends the instance (the client still gets status 500), except
// [http.ErrAbortHandler], which cuts the response; informational (1xx) responses and trailers are not sent; connections
// cannot be hijacked; the port in r.RemoteAddr is 0, because the client's is not known.
//
// The package brings net/http with it: expect a module of about 6 MB instead of 2.3 MB. Package pagesrun alone serves requests without it.
package nethttp
