//! Requests and responses.

const std = @import("std");
const abi = @import("abi.zig");
const host = @import("host.zig");
const json_text = @import("json.zig");
const memory = @import("memory.zig");
const streams = @import("stream.zig");

/// The longest body sent in one message, in bytes; a longer one goes through a pipe.
const body_bytes_max = abi.message_bytes_max - (1 << 20);

/// A header field.
pub const Header = abi.Header;

/// An HTTP request.
pub const Request = struct {
    /// The method as sent, such as "GET".
    method: []const u8,
    /// The absolute URL: scheme, host as the client named it, path and query as sent.
    url: []const u8,
    /// One entry per field line, in the order of their names.
    headers: []const Header,
    /// The client's IP address.
    remote_addr: []const u8,
    /// The HTTP version, such as "HTTP/1.1".
    protocol: []const u8,
    /// The body, to be read or to be given away unread.
    stream: streams.Stream,

    /// The request of an event.
    pub fn of(e: *const abi.FetchEvent) Request {
        return .{
            .method = e.method,
            .url = e.url,
            .headers = e.headers,
            .remote_addr = e.remote_addr,
            .protocol = e.protocol,
            .stream = .{ .rest = e.body, .handle = e.body_stream },
        };
    }

    /// The first header field of a name, whatever its case.
    pub fn header(req: *const Request, name: []const u8) ?[]const u8 {
        for (req.headers) |h| if (std.ascii.eqlIgnoreCase(h.name, name)) return h.value;
        return null;
    }

    /// The path as sent, such as "/a%20b"; at least "/".
    pub fn path(req: *const Request) []const u8 {
        const after = if (std.mem.indexOf(u8, req.url, "://")) |i| req.url[i + 3 ..] else req.url;
        const end = std.mem.indexOfScalar(u8, after, '?') orelse after.len;
        const from = std.mem.indexOfScalar(u8, after[0..end], '/') orelse return "/";
        return after[from..end];
    }

    /// The query as sent, without the "?"; empty when there is none.
    pub fn queryString(req: *const Request) []const u8 {
        return if (std.mem.indexOfScalar(u8, req.url, '?')) |i| req.url[i + 1 ..] else "";
    }

    /// The first query parameter of a name, decoded.
    pub fn query(req: *const Request, name: []const u8) ?[]const u8 {
        var pairs = std.mem.splitScalar(u8, req.queryString(), '&');
        while (pairs.next()) |pair| {
            const eq = std.mem.indexOfScalar(u8, pair, '=') orelse pair.len;
            if (std.mem.eql(u8, decoded(pair[0..eq]), name)) return decoded(pair[@min(eq + 1, pair.len)..]);
        }
        return null;
    }

    /// The host as the client named it, with the port where it gave one.
    pub fn authority(req: *const Request) []const u8 {
        const after = if (std.mem.indexOf(u8, req.url, "://")) |i| req.url[i + 3 ..] else req.url;
        return after[0 .. std.mem.indexOfAny(u8, after, "/?") orelse after.len];
    }

    /// The next bytes of the body; 0 at the end. An error means that what was read is not all.
    pub fn read(req: *Request, buf: []u8) abi.Error!usize {
        return req.stream.read(buf);
    }

    /// The body as a reader of the standard library.
    pub fn reader(req: *Request) streams.Stream.Reader {
        return req.stream.reader();
    }

    /// The rest of the body, of up to max bytes; more is the error TooLarge.
    pub fn body(req: *Request, max: usize) abi.Error![]const u8 {
        return req.stream.readAll(max);
    }

    /// The rest of the body, of up to max bytes, as a value of T; see std.json for what fits. Fields that T does not have are ignored.
    pub fn json(req: *Request, comptime T: type, max: usize) !T {
        return json_text.parse(T, try req.body(max));
    }
};

/// Decodes a part of a query: "+" is a space, "%41" is "A". One whose escapes are broken stays as it is.
fn decoded(s: []const u8) []const u8 {
    if (std.mem.indexOfAny(u8, s, "+%") == null) return s;
    const out = memory.alloc(u8, s.len);
    var n: usize = 0;
    var i: usize = 0;
    while (i < s.len) : (i += 1) {
        out[n] = if (s[i] == '+') ' ' else s[i];
        if (s[i] == '%') {
            if (i + 2 >= s.len) return s;
            const high = std.fmt.charToDigit(s[i + 1], 16) catch return s;
            const low = std.fmt.charToDigit(s[i + 2], 16) catch return s;
            out[n] = high << 4 | low;
            i += 2;
        }
        n += 1;
    }
    return out[0..n];
}

/// An answer to a request.
pub const Response = struct {
    /// The HTTP status, 200 to 599.
    status: u16 = 200,
    /// The header fields, at most 256 of them and 128 KiB together.
    headers: []const Header = &.{},
    /// The whole body, when there is no stream.
    body: []const u8 = "",
    /// What to send as the body instead; it is given away.
    stream: ?streams.Stream = null,

    /// A response of text.
    pub fn text(body: []const u8) Response {
        return of("text/plain; charset=utf-8", body);
    }

    /// A response of formatted text.
    pub fn print(comptime format: []const u8, args: anytype) Response {
        return text(memory.print(format, args));
    }

    /// A response of an HTML document.
    pub fn html(document: []const u8) Response {
        return of("text/html; charset=utf-8", document);
    }

    /// A response of a JSON document.
    pub fn json(document: []const u8) Response {
        return of("application/json", document);
    }

    /// A response of the JSON form of a value; see std.json for what it is.
    pub fn value(v: anytype) Response {
        return json(json_text.stringify(v));
    }

    /// A response of any content type.
    pub fn of(content_type: []const u8, body: []const u8) Response {
        const headers = memory.alloc(Header, 1);
        headers[0] = .{ .name = "content-type", .value = content_type };
        return .{ .headers = headers, .body = body };
    }

    /// Sends the client to another URL. The status is 301, 302, 303, 307 or 308.
    pub fn redirect(status: u16, url: []const u8) Response {
        return (Response{ .status = status }).header("location", url);
    }

    /// The response with another status.
    pub fn with(response: Response, status: u16) Response {
        var other = response;
        other.status = status;
        return other;
    }

    /// The response with one header field more.
    pub fn header(response: Response, name: []const u8, field: []const u8) Response {
        const headers = memory.alloc(Header, response.headers.len + 1);
        @memcpy(headers[0..response.headers.len], response.headers);
        headers[response.headers.len] = .{ .name = name, .value = field };
        var other = response;
        other.headers = headers;
        return other;
    }

    /// Sends the response. Nobody waits for the reply: it could only say what the event's outcome says anyway.
    pub fn send(r: *const Response) abi.Error!void {
        const stream = r.stream orelse streams.Stream{ .rest = r.body };
        if (stream.handle != 0 or stream.rest.len <= body_bytes_max) return r.head(stream);
        const pipe = try streams.Pipe.open();
        try r.head(pipe.readable);
        pipe.writer.writeAll(stream.rest) catch |err| if (err != error.StreamClosed) return err;
        pipe.writer.close();
    }

    fn head(r: *const Response, stream: streams.Stream) abi.Error!void {
        return host.tell("", abi.op.respond, &.{ .status = r.status, .headers = r.headers, .body = stream.rest, .stream = stream.handle });
    }
};
