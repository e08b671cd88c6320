// Package strictconn puts a strict HTTP/1 reading in front of a lenient one.
//
// Two parsers that disagree about where a request ends are a way to smuggle one request inside another. net/http
// accepts several things RFC 9112 forbids or warns of: Content-Length together with Transfer-Encoding, repeated
// Content-Length, line ends without CR, folded header lines, HTTP/1.2. A [Conn] reads the same bytes on their way in,
// frames the messages by itself and, at the first byte that breaks a rule, ends the stream in a way that makes
// net/http answer 400 and close. From then on no byte of the client reaches net/http, so nothing after an ambiguous
// message can become a request, whatever net/http thinks of it.
//
// The check works in the buffer given to Read: no copy, no allocation. Because the refusal travels through the reader, it
// never races with a response that is still being written.
//
// A connection that opens with the HTTP/2 preface passes through untouched afterwards.
//
// # What is refused with 400
//
//   - a line end other than CR LF, a CR anywhere else, NUL or another control character in a line
//   - anything but one space between the parts of the request line, an empty line before it
//   - a version other than HTTP/1.0 and HTTP/1.1; CONNECT
//   - a target that is not "/...", "http://...", "https://..." or, for OPTIONS, "*"; a fragment in a target
//   - a header line that starts with white space, has none or an empty name, or has a character in the name that is no token
//     character (a space before the colon is one)
//   - no Host in HTTP/1.1, two Hosts in any version, two Trailer lines
//   - Content-Length that is repeated, empty, not only digits, over 18 digits, or together with Transfer-Encoding
//   - Transfer-Encoding that is repeated, in HTTP/1.0, or other than the one word "chunked"
//   - a chunk size that is not 1 to 15 hexadecimal digits, a chunk without CR LF behind it, white space before a chunk
//     extension, a malformed trailer
//
// A target over its limit becomes a request that ends there and so is seen to be too long (414); header fields over their
// limit likewise (431).
package strictconn
