//! The operations on requests, responses and streams.

const std = @import("std");
const pagesrun = @import("pagesrun");
const probe = @import("probe.zig");
const Probe = probe.Probe;

/// What this file can perform.
pub const operations = [_]probe.Operation{
    .{ "request", request },    .{ "respond", respond },  .{ "stream.read", read },
    .{ "stream.write", write }, .{ "stream.echo", echo }, .{ "stream.pass", pass },
};

fn request(p: *Probe) !void {
    p.print("method {s}\npath ", .{p.req.method});
    p.show(p.req.path());
    p.text("\nq ");
    p.showOptional(p.req.query("q"));
    p.text("\n");
    const name = p.param("header");
    for (p.req.headers) |h| if (name.len != 0 and std.ascii.eqlIgnoreCase(h.name, name)) {
        p.text("header ");
        p.show(h.value);
        p.text("\n");
    };
    p.print("protocol {s}\nremote {s}\nbody ", .{ p.req.protocol, p.req.remote_addr });
    p.show(try p.body());
    p.text("\n");
}

fn respond(p: *Probe) !void {
    var r = pagesrun.Response{ .status = @intCast(p.count("status", 200)) };
    const name = p.param("name");
    if (name.len != 0) {
        r = r.header(name, p.param("value"));
        if (p.req.query("value2")) |second| r = r.header(name, second);
    }
    r.body = if (p.number("n")) |n| probe.fill(@intCast(n), 'x') else try p.body();
    p.response = r;
}

/// The length of a piece.
fn piece(p: *Probe) usize {
    return p.count("piece", 32 << 10);
}

fn read(p: *Probe) !void {
    var stream = p.req.stream;
    if (p.req.query("key")) |key| {
        const ns = pagesrun.kv.Namespace{ .name = p.target };
        stream = try ns.getStream(key) orelse return p.text("missing\n");
    }
    const value = try pieces(&stream, piece(p), if (p.number("stop")) |n| @intCast(n) else null);
    p.text("value=");
    p.show(value);
    p.text("\n");
}

/// Reads a stream in pieces, to its end or as far as it is wanted.
fn pieces(stream: *pagesrun.Stream, size: usize, stop: ?usize) ![]const u8 {
    const gpa = pagesrun.allocator();
    const buf = try gpa.alloc(u8, size);
    var all: std.ArrayListUnmanaged(u8) = .{};
    const reader = stream.reader();
    while (true) {
        const wanted = if (stop) |max| @min(size, max - all.items.len) else size;
        const n = if (wanted == 0) 0 else try reader.read(buf[0..wanted]);
        if (n == 0) break;
        try all.appendSlice(gpa, buf[0..n]);
    }
    if (stop != null) stream.close();
    return all.items;
}

fn write(p: *Probe) !void {
    const size = piece(p);
    const letters = probe.fill(size + 26, 0);
    for (letters, 0..) |*c, i| c.* = 'a' + @as(u8, @intCast(i % 26));
    const w = try p.ctx.stream(pagesrun.Response.text(""));
    written(w, letters, size, p.count("n", 0)) catch |err| {
        const key = p.param("key");
        const ns = pagesrun.kv.Namespace{ .name = p.target };
        if (key.len != 0) try ns.put(key, probe.codeOf(err), .{});
        return;
    };
    if (p.flag("abort")) w.abort() else w.close();
}

fn written(w: pagesrun.Writer, letters: []const u8, size: usize, n: usize) !void {
    var at: usize = 0;
    while (at < n) {
        const len = @min(size, n - at);
        try w.writer().writeAll(letters[at % 26 ..][0..len]);
        at += len;
    }
}

fn echo(p: *Probe) !void {
    const w = try p.ctx.stream(pagesrun.Response.text(""));
    const buf = probe.fill(piece(p), 0);
    while (true) {
        const n = try p.req.read(buf);
        if (n == 0) break;
        try w.writeAll(buf[0..n]);
    }
    w.close();
}

fn pass(p: *Probe) !void {
    p.response = pagesrun.Response.text("");
    p.response.?.stream = p.req.stream;
}
