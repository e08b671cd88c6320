//! The operations on KV.

const std = @import("std");
const pagesrun = @import("pagesrun");
const probe = @import("probe.zig");
const Probe = probe.Probe;
const abi = pagesrun.abi;

/// What this file can perform.
pub const operations = [_]probe.Operation{
    .{ "kv.get", get },       .{ "kv.get_bulk", getBulk }, .{ "kv.put", put },
    .{ "kv.delete", delete }, .{ "kv.list", list },        .{ "many", many },
};

fn get(p: *Probe) !void {
    const r = try pagesrun.invoke(p.target, abi.op.kv_get, &.{
        .key = p.param("key"),
        .type = p.param("type"),
        .cache_ttl_s = p.number("cache_ttl"),
        .with_metadata = p.flag("with_metadata"),
    });
    if (r.stream == 0) return found(p, r.found, r.value, r.metadata);
    var stream = pagesrun.Stream{ .handle = r.stream };
    if (p.flag("pass")) {
        p.response = .{ .stream = stream };
        return;
    }
    found(p, r.found, try stream.readAll(abi.kv_value_bytes_max), r.metadata);
}

fn getBulk(p: *Probe) !void {
    var keys: std.ArrayListUnmanaged([]const u8) = .{};
    var lines = probe.Lines{ .left = try p.body() };
    while (lines.next()) |line| try keys.append(pagesrun.allocator(), line);
    const r = try pagesrun.invoke(p.target, abi.op.kv_get_bulk, &.{
        .keys = keys.items,
        .type = p.param("type"),
        .cache_ttl_s = p.number("cache_ttl"),
        .with_metadata = p.flag("with_metadata"),
    });
    for (r.entries) |e| {
        p.show(e.key);
        p.text(" ");
        found(p, e.found, e.value, e.metadata);
    }
}

/// Writes the answer to a read.
fn found(p: *Probe, there: bool, value: []const u8, metadata: ?[]const u8) void {
    if (!there) return p.text("missing\n");
    p.text("value=");
    p.show(value);
    p.text(" metadata=");
    p.showOptional(metadata);
    p.text("\n");
}

fn put(p: *Probe) !void {
    const ns = pagesrun.kv.Namespace{ .name = p.target };
    const key = p.param("key");
    const source = p.param("source");
    const options = pagesrun.kv.Put{
        .expiration = p.number("expiration"),
        .expiration_ttl_s = p.number("ttl"),
        .metadata = p.req.query("metadata"),
    };
    const n = p.count("n", 0);
    if (source.len == 0) {
        try ns.put(key, try p.body(), options);
    } else if (probe.eql(source, "memory")) {
        try ns.put(key, probe.fill(n, 'x'), options);
    } else if (probe.eql(source, "stream")) {
        try ns.putStream(key, p.req.stream, options);
    } else {
        var filler = Filler{ .left = n, .broken = probe.eql(source, "abort") };
        ns.putFrom(key, &filler, options) catch |err| if (err != error.BrokenOff) return err else return error.StreamClosed;
    }
    p.done();
}

/// Reads as n times x, and then fails where it is broken.
const Filler = struct {
    left: usize,
    broken: bool,

    pub fn read(f: *Filler, buf: []u8) error{BrokenOff}!usize {
        const n = @min(f.left, buf.len);
        if (n == 0 and f.broken) return error.BrokenOff;
        @memset(buf[0..n], 'x');
        f.left -= n;
        return n;
    }
};

fn delete(p: *Probe) !void {
    try (pagesrun.kv.Namespace{ .name = p.target }).delete(p.param("key"));
    p.done();
}

fn list(p: *Probe) !void {
    const ns = pagesrun.kv.Namespace{ .name = p.target };
    const page = try ns.list(.{ .prefix = p.param("prefix"), .limit = p.number("limit"), .cursor = p.param("cursor") });
    for (page.keys) |k| {
        p.show(k.name);
        if (k.expiration) |e| p.print(" expiration={d}", .{e}) else p.text(" expiration=-");
        p.text(" metadata=");
        p.showOptional(k.metadata);
        p.text("\n");
    }
    p.text(if (page.list_complete) "complete" else "more");
    if (page.cursor.len != 0) p.print(" {s}", .{page.cursor});
    p.text("\n");
}

fn many(p: *Probe) !void {
    const ns = pagesrun.kv.Namespace{ .name = p.target };
    for (0..p.count("n", 0)) |i| {
        _ = ns.get(p.param("key")) catch |err| {
            p.failed(err);
            return p.print("after {d}\n", .{i});
        };
    }
    p.done();
}
