//! Requests and responses.

const std = @import("std");
const abi = @import("abi.zig");
const host = @import("host.zig");
const event = @import("event.zig");

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
    rest: []const u8,
    stream: abi.Handle,

    pub fn of(e: *const abi.FetchEvent) Request {
        return .{
            .method = e.method,
            .url = e.url,
            .headers = e.headers,
            .remote_addr = e.remote_addr,
            .protocol = e.protocol,
            .rest = e.body,
            .stream = e.body_stream,
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
        const from = std.mem.indexOfScalar(u8, after, '/') orelse return "/";
        const end = std.mem.indexOfAny(u8, after, "?#") orelse after.len;
        return if (from < end) after[from..end] else "/";
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

    /// The next bytes of the body; 0 at the end.
    pub fn read(req: *Request, buf: []u8) abi.Error!usize {
        if (req.stream != 0 and buf.len != 0) return host.read(req.stream, buf);
        const n = @min(buf.len, req.rest.len);
        @memcpy(buf[0..n], req.rest[0..n]);
        req.rest = req.rest[n..];
        return n;
    }

    /// The rest of the body, of up to max bytes.
    pub fn body(req: *Request, max: usize) abi.Error![]const u8 {
        defer req.rest = "";
        if (req.stream == 0) return if (req.rest.len > max) error.TooLarge else req.rest;
        return readAll(req.stream, max);
    }
};

/// Reads all of a stream, of up to max bytes.
pub fn readAll(stream: abi.Handle, max: usize) abi.Error![]const u8 {
    const gpa = event.allocator();
    var buf: []u8 = &.{};
    var len: usize = 0;
    while (true) {
        if (len == buf.len) buf = gpa.realloc(buf, @max(16 << 10, buf.len * 2)) catch @panic("out of memory");
        const n = try host.read(stream, buf[len..]);
        len += n;
        if (len > max) return error.TooLarge;
        if (n == 0) return buf[0..len];
    }
}

/// Decodes a part of a query: "+" is a space, "%41" is "A"; what is no encoding stays as it is.
fn decoded(s: []const u8) []const u8 {
    const out = event.allocator().alloc(u8, s.len) catch @panic("out of memory");
    var n: usize = 0;
    var i: usize = 0;
    while (i < s.len) : (i += 1) {
        out[n] = if (s[i] == '+') ' ' else s[i];
        if (s[i] == '%' and i + 2 < s.len) {
            if (std.fmt.parseInt(u8, s[i + 1 .. i + 3], 16)) |b| {
                out[n] = b;
                i += 2;
            } else |_| {}
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
    /// The whole body, when stream is 0.
    body: []const u8 = "",
    /// A readable stream to send as the body; it is given away.
    stream: abi.Handle = 0,

    /// A response of text.
    pub fn text(body: []const u8) Response {
        return .{ .headers = &.{.{ .name = "content-type", .value = "text/plain; charset=utf-8" }}, .body = body };
    }

    /// A response of formatted text.
    pub fn print(comptime format: []const u8, args: anytype) Response {
        return text(std.fmt.allocPrint(event.allocator(), format, args) catch @panic("out of memory"));
    }

    /// A response of JSON.
    pub fn json(body: []const u8) Response {
        return .{ .headers = &.{.{ .name = "content-type", .value = "application/json" }}, .body = body };
    }

    /// The response with another status.
    pub fn with(response: Response, status: u16) Response {
        var other = response;
        other.status = status;
        return other;
    }

    pub fn send(r: *const Response) abi.Error!void {
        _ = try host.invoke("", abi.op.respond, &.{ .status = r.status, .headers = r.headers, .body = r.body, .stream = r.stream });
    }
};

/// Two ends of a stream: what is written to one is read from the other. It buffers up to 256 KiB; give the readable end away (as a body)
/// before writing more.
pub const Pipe = struct {
    readable: abi.Handle,
    writable: abi.Handle,

    /// Makes a stream.
    pub fn open() abi.Error!Pipe {
        const ends = try host.invoke("", abi.op.pipe, &.{});
        return .{ .readable = ends.readable, .writable = ends.writable };
    }

    /// Writes all of data, waiting where the reader is slower.
    pub fn write(p: Pipe, data: []const u8) abi.Error!void {
        return host.write(p.writable, data);
    }

    /// Marks the regular end.
    pub fn finish(p: Pipe) void {
        host.close(p.writable, abi.close_finish);
    }

    /// Makes the reader fail: what was written is not all.
    pub fn abort(p: Pipe) void {
        host.close(p.writable, abi.close_abort);
    }
};
