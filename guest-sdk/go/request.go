package pagesrun

// Request is an HTTP request to answer.
type Request struct {
	// Method is the request method as sent, such as "GET".
	Method string
	// URL is the absolute URL as the client named it: scheme, host, path and query, still escaped.
	URL string
	// Header has the header fields.
	Header Header
	// Body is the request body, empty where there is none. Never nil.
	Body *Stream
	// RemoteAddr is the client's IP address.
	RemoteAddr string
	// Protocol is the HTTP version, such as "HTTP/1.1".
	Protocol string
}

// Host returns the host the client named, with the port where it gave one.
func (r *Request) Host() string {
	_, host, _ := splitURL(r.URL)
	return host
}

// Path returns the URL's path as sent, still escaped; at least "/".
func (r *Request) Path() string {
	_, _, rest := splitURL(r.URL)
	path, _ := cut(rest, '?')
	if path == "" {
		return "/"
	}
	return path
}

// Query returns the first value of a query parameter, unescaped, and whether it is there. A value whose escapes are
// broken comes back as it was sent.
func (r *Request) Query(name string) (string, bool) {
	_, _, rest := splitURL(r.URL)
	_, query := cut(rest, '?')
	for query != "" {
		var pair string
		pair, query = cut(query, '&')
		key, value := cut(pair, '=')
		if unescape(key) == name {
			return unescape(value), true
		}
	}
	return "", false
}

// splitURL cuts an absolute URL into scheme, host and the rest from the path on.
func splitURL(url string) (scheme, host, rest string) {
	for i := 0; i+2 < len(url); i++ {
		if url[i] == ':' && url[i+1] == '/' && url[i+2] == '/' {
			scheme, url = url[:i], url[i+3:]
			break
		}
	}
	for i := range len(url) {
		if url[i] == '/' || url[i] == '?' {
			return scheme, url[:i], url[i:]
		}
	}
	return scheme, url, ""
}

// cut splits s at the first sep; after is empty when there is none.
func cut(s string, sep byte) (before, after string) {
	for i := range len(s) {
		if s[i] == sep {
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// unescape undoes the escaping of a query component: %XX and + for a space.
func unescape(s string) string {
	plain := true
	for i := range len(s) {
		plain = plain && s[i] != '%' && s[i] != '+'
	}
	if plain {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			b = append(b, ' ')
		case s[i] != '%':
			b = append(b, s[i])
		case i+2 < len(s) && unhex(s[i+1]) >= 0 && unhex(s[i+2]) >= 0:
			b = append(b, byte(unhex(s[i+1])<<4|unhex(s[i+2])))
			i += 2
		default:
			return s
		}
	}
	return string(b)
}

// unhex is the value of a hexadecimal digit, -1 when it is none.
func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= lower(c) && lower(c) <= 'f':
		return int(lower(c)-'a') + 10
	}
	return -1
}
