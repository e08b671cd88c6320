//! The operations on queues and datasets.

const std = @import("std");
const pagesrun = @import("pagesrun");
const probe = @import("probe.zig");
const Probe = probe.Probe;
const abi = pagesrun.abi;

/// What this file can perform.
pub const operations = [_]probe.Operation{
    .{ "queues.send", send }, .{ "queues.send_batch", sendBatch }, .{ "queues.metrics", metrics }, .{ "analytics.write", writePoints },
};

fn target(p: *Probe) pagesrun.queues.Queue {
    return .{ .name = p.target };
}

fn send(p: *Probe) !void {
    const body = if (probe.eql(p.param("source"), "memory")) probe.fill(p.count("n", 0), 'x') else try p.body();
    show(p, try target(p).send(.{ .body = body, .content_type = p.param("type"), .delay_s = p.number("delay") }));
}

fn sendBatch(p: *Probe) !void {
    var messages: std.ArrayListUnmanaged(pagesrun.queues.Outgoing) = .{};
    var lines = probe.Lines{ .left = try p.body() };
    while (lines.next()) |line| {
        var words = std.mem.splitScalar(u8, line, ' ');
        const kind = words.next().?;
        const delay = words.next().?;
        try messages.append(pagesrun.allocator(), .{
            .body = expanded(words.rest()),
            .content_type = if (probe.eql(kind, "-")) "" else kind,
            .delay_s = if (probe.eql(delay, "-")) null else probe.integer(delay),
        });
    }
    show(p, try target(p).sendBatch(messages.items, p.number("delay")));
}

/// "#N" is N times x.
fn expanded(text: []const u8) []const u8 {
    if (text.len == 0 or text[0] != '#') return text;
    return probe.fill(@intCast(probe.integer(text[1..])), 'x');
}

fn metrics(p: *Probe) !void {
    show(p, try target(p).metrics());
}

fn show(p: *Probe, m: pagesrun.queues.Metrics) void {
    const oldest = if (m.oldest_message_timestamp_ms == null) "-" else "yes";
    p.print("backlog={d} bytes={d} oldest={s}\n", .{ m.backlog_count, m.backlog_bytes, oldest });
}

fn writePoints(p: *Probe) !void {
    const gpa = pagesrun.allocator();
    var indexes: std.ArrayListUnmanaged([]const u8) = .{};
    var blobs: std.ArrayListUnmanaged([]const u8) = .{};
    var doubles: std.ArrayListUnmanaged(f64) = .{};
    var lines = probe.Lines{ .left = try p.body() };
    while (lines.next()) |line| {
        const end = std.mem.indexOfScalar(u8, line, ' ') orelse line.len;
        const rest = line[@min(end + 1, line.len)..];
        const text = if (end == 2) probe.fill(@intCast(probe.integer(rest)), 'x') else rest;
        switch (line[0]) {
            'i' => try indexes.append(gpa, text),
            'b' => try blobs.append(gpa, text),
            'd' => try doubles.append(gpa, try std.fmt.parseFloat(f64, text)),
            else => {},
        }
    }
    for (0..p.count("n", 1)) |_| {
        if (indexes.items.len > 1) {
            _ = try pagesrun.invoke(p.target, abi.op.analytics_write, &.{ .indexes = indexes.items, .blobs = blobs.items, .doubles = doubles.items });
        } else pagesrun.writeDataPoint(p.target, .{
            .index = if (indexes.items.len == 0) "" else indexes.items[0],
            .blobs = blobs.items,
            .doubles = doubles.items,
        });
    }
    p.done();
}
