package runtime

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
)

// beginCommand gives a WASI command its request in the way of CGI/1.1 (RFC 3875 section 4).
func (p *process) beginCommand(req *Request) {
	p.args = p.commandArgs()
	p.env = cgiEnviron(&req.Fetch, p.startEnviron())
	p.stdin = req.Fetch.BodyStream
	if len(req.Fetch.Body) > 0 {
		p.stdin = p.in.ctx.AddReadable(hostfuncs.MemoryStream(req.Fetch.Body))
	}
	p.cgi = &cgiResponse{session: p.in.ctx.Session}
}

// beginStart gives a command what it has before its image: arguments, and the environment without any request.
func (p *process) beginStart() {
	p.watch = p.in.app.opts.CommandImage
	p.args, p.env = p.commandArgs(), p.startEnviron()
}

func (p *process) commandArgs() []string { return append([]string{"app"}, p.in.app.opts.Args...) }

// startEnviron is the part of the environment that is the same in every event.
func (p *process) startEnviron() []string {
	return append([]string{"GATEWAY_INTERFACE=CGI/1.1", "SERVER_SOFTWARE=pagesrun"}, p.in.app.opts.Env...)
}

// ownEnviron gives the variables of env a command may have. Those named like a meta-variable are not among them: where a request does not set one,
// programs must find it missing.
func ownEnviron(env []string, refused func(name string)) []string {
	var own []string
	for _, v := range env {
		name, _, _ := strings.Cut(v, "=")
		switch name {
		case "AUTH_TYPE", "CONTENT_LENGTH", "CONTENT_TYPE", "GATEWAY_INTERFACE", "HTTPS", "PATH_INFO", "PATH_TRANSLATED", "QUERY_STRING", "REMOTE_ADDR",
			"REMOTE_HOST", "REMOTE_IDENT", "REMOTE_USER", "REQUEST_METHOD", "REQUEST_URI", "SCRIPT_NAME", "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL",
			"SERVER_SOFTWARE":
			refused(name)
			continue
		}
		if name == "" || strings.HasPrefix(name, "HTTP_") || strings.ContainsRune(v, 0) {
			refused(name)
			continue
		}
		own = append(own, v)
	}
	return own
}

// checkCommandPath refuses a path that cannot be told to a program: its variables end at a zero byte.
func checkCommandPath(req *Request) *EventError {
	u, err := url.Parse(string(req.Fetch.URL))
	if err != nil || strings.ContainsRune(u.Path, 0) {
		return &EventError{
			Outcome: OutcomeException, Status: 400, Message: "a path with a zero byte cannot be given to a WASI command", Cause: fmt.Errorf("the URL is %.200q", req.Fetch.URL),
		}
	}
	return nil
}

// cgiEnviron appends the request's meta-variables (RFC 3875 section 4.1). The field "Proxy" is left out, since programs would
// take HTTP_PROXY for their own configuration.
func cgiEnviron(ev *abi.FetchEvent, env []string) []string {
	u, err := url.Parse(string(ev.URL))
	if err != nil {
		u = &url.URL{Path: "/"}
	}
	host, port := u.Hostname(), u.Port()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port == "" {
		port = map[string]string{"https": "443"}[u.Scheme]
		if port == "" {
			port = "80"
		}
	}
	env = append(env,
		"SERVER_PROTOCOL="+ev.Protocol, "SERVER_NAME="+host, "SERVER_PORT="+port, "REQUEST_METHOD="+ev.Method, "REQUEST_URI="+u.RequestURI(),
		"SCRIPT_NAME=", "PATH_INFO="+u.Path, "QUERY_STRING="+u.RawQuery, "REMOTE_ADDR="+ev.RemoteAddr, "REMOTE_HOST="+ev.RemoteAddr,
	)
	if u.Scheme == "https" {
		env = append(env, "HTTPS=on")
	}
	return appendHeaderVariables(env, ev)
}

// appendHeaderVariables adds one HTTP_ variable per header field, repeated fields joined with a comma. A field with an underscore in its
// name is left out: it could not be told from the one with a hyphen, which the server may have set itself.
func appendHeaderVariables(env []string, ev *abi.FetchEvent) []string {
	at := map[string]int{}
	hasLength := false
	for _, h := range ev.Headers {
		if strings.Contains(h.Name, "_") {
			continue
		}
		name := strings.ToUpper(strings.ReplaceAll(h.Name, "-", "_"))
		switch name {
		case "PROXY":
			continue
		case "CONTENT_LENGTH":
			hasLength = true
		case "CONTENT_TYPE":
		default:
			name = "HTTP_" + name
		}
		value := strings.ReplaceAll(string(h.Value), "\x00", "")
		if i, ok := at[name]; ok {
			env[i] += ", " + value
			continue
		}
		at[name] = len(env)
		env = append(env, name+"="+value)
	}
	if !hasLength && len(ev.Body) > 0 {
		env = append(env, "CONTENT_LENGTH="+strconv.Itoa(len(ev.Body)))
	}
	return env
}

// localRedirectsMax is how many times in a row a command may send an event on to another path of its own.
const localRedirectsMax = 10

// fetchCommand runs a fetch event of a command, and those it is sent on to (RFC 3875 section 6.2.2).
func (a *App) fetchCommand(req *Request, fetch func(*Request) (*Response, error)) (*Response, error) {
	for range localRedirectsMax + 1 {
		resp, err := fetch(req)
		if err != nil || resp.local == "" {
			return resp, err
		}
		if req, err = req.sentOn(resp.local, string(a.ids.AppendNext(nil))); err != nil {
			return resp, &EventError{Outcome: OutcomeException, Status: 500, Message: "the function failed", Cause: err}
		}
		resp.Close()
	}
	return nil, &EventError{
		Outcome: OutcomeException, Status: 500, Message: "the function failed", Cause: fmt.Errorf("the command sent the request on more than %d times (Location: /...)", localRedirectsMax),
	}
}

// sentOn is the event for another path of the same command: without a body, and without the fields that describe one.
func (r *Request) sentOn(location, id string) (*Request, error) {
	base, err := url.Parse(string(r.Fetch.URL))
	if err != nil {
		return nil, err
	}
	to, err := url.Parse(location)
	if err != nil {
		return nil, err
	}
	next := &Request{ID: id, Start: r.Start, Fetch: r.Fetch}
	to.Scheme, to.Host, to.Fragment = base.Scheme, base.Host, ""
	next.Fetch.URL, next.Fetch.Method = abi.ByteString(to.String()), "GET"
	next.Fetch.Body, next.Fetch.BodyStream, next.Fetch.Headers = nil, 0, nil
	for _, h := range r.Fetch.Headers {
		if name := strings.ToLower(h.Name); !strings.HasPrefix(name, "content-") && name != "transfer-encoding" {
			next.Fetch.Headers = append(next.Fetch.Headers, h)
		}
	}
	return next, nil
}
