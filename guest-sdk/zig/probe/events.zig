//! The consumer and the cron trigger.

const std = @import("std");
const pagesrun = @import("pagesrun");
const probe = @import("probe.zig");

const seen = pagesrun.kv.Namespace{ .name = "SEEN" };

/// Writes the batch down and obeys it.
pub fn queue(b: pagesrun.Batch, ctx: *pagesrun.Context) !void {
    var thrown_by: ?[]const u8 = null;
    for (b.messages) |*m| {
        var text = m.body;
        if (probe.eql(m.content_type, "json") and text.len >= 2 and text[0] == '"') text = text[1 .. text.len - 1];
        var words = std.mem.splitScalar(u8, text, ' ');
        try record(b, ctx, m, words.next().?);
        while (words.next()) |word| if (try obey(b, ctx, m, word)) {
            thrown_by = m.id;
        };
    }
    if (thrown_by) |id| return pagesrun.fail("thrown by {s}", .{id});
}

fn record(b: pagesrun.Batch, ctx: *pagesrun.Context, m: *const pagesrun.Message, name: []const u8) !void {
    var p = probe.Probe{ .req = undefined, .ctx = ctx, .target = "" };
    p.print("id={s} sent={d} type={s} body=", .{ m.id, m.timestamp_ms, m.content_type });
    p.show(m.body);
    p.print(" of={d} at={d}", .{ b.messages.len, ctx.time_ms });
    const key = try std.fmt.allocPrint(pagesrun.allocator(), "{s}/{s}/{d}", .{ b.queue, name, m.attempts });
    seen.put(key, p.out.items, .{}) catch pagesrun.log(.err, "{s}", .{pagesrun.lastFailure().message});
}

/// Does what a word says; whether the handler is to fail.
fn obey(b: pagesrun.Batch, ctx: *pagesrun.Context, m: *const pagesrun.Message, said: []const u8) !bool {
    var rest = said;
    if (std.mem.indexOfScalar(u8, said, '@')) |at| {
        if (probe.integer(said[0..at]) != m.attempts) return false;
        rest = said[at + 1 ..];
    }
    const colon = std.mem.indexOfScalar(u8, rest, ':');
    const word = rest[0 .. colon orelse rest.len];
    const n: ?i64 = if (colon) |c| probe.integer(rest[c + 1 ..]) else null;
    if (probe.eql(word, "ack")) m.ack();
    if (probe.eql(word, "retry")) m.retry(n);
    if (probe.eql(word, "ackAll")) b.ackAll();
    if (probe.eql(word, "retryAll")) b.retryAll(n);
    if (probe.eql(word, "sleep")) try pagesrun.sleep(n.? * std.time.ns_per_ms);
    if (probe.eql(word, "trap")) @panic("trap was asked for");
    if (probe.eql(word, "late")) ctx.waitUntil(late, .{});
    return probe.eql(word, "throw");
}

fn late() !void {
    return pagesrun.fail("late failure", .{});
}

/// Writes a tick down, and then does what the expression says where it is no expression.
pub fn scheduled(e: *const pagesrun.ScheduledEvent, ctx: *pagesrun.Context) !void {
    const gpa = pagesrun.allocator();
    const key = try std.fmt.allocPrint(gpa, "tick/{s}", .{e.cron});
    const due = try std.fmt.allocPrint(gpa, "due={d}", .{e.scheduled_time_ms});
    seen.put(key, due, .{}) catch pagesrun.log(.err, "{s}", .{pagesrun.lastFailure().message});
    if (probe.eql(e.cron, "throw")) return pagesrun.fail("thrown by the tick", .{});
    if (probe.eql(e.cron, "trap")) @panic("trap was asked for");
    if (probe.eql(e.cron, "late")) ctx.waitUntil(late, .{});
}
