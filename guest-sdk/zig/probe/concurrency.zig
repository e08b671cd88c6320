//! The operations with several calls at once, and those that go on after the response.

const std = @import("std");
const pagesrun = @import("pagesrun");
const probe = @import("probe.zig");
const Probe = probe.Probe;
const abi = pagesrun.abi;

/// What this file can perform.
pub const operations = [_]probe.Operation{
    .{ "race", race }, .{ "cancel", cancel }, .{ "later", later }, .{ "hang", hang },
};

/// A put whose value is a pipe that nothing has been written to.
const Put = struct {
    call: pagesrun.Call(abi.op.kv_put),
    writer: pagesrun.Writer,

    fn start(p: *Probe, key: []const u8) !Put {
        const pipe = try pagesrun.Pipe.open();
        const call = try pagesrun.start(p.target, abi.op.kv_put, &.{ .key = key, .stream = pipe.readable.handle });
        return .{ .call = call, .writer = pipe.writer };
    }
};

fn race(p: *Probe) !void {
    const a = try Put.start(p, "a");
    const b = try Put.start(p, "b");
    const get = try (pagesrun.kv.Namespace{ .name = p.target }).getStart("k");
    const words = [_][]const u8{ "a", "b", "get" };
    const handles = [_]pagesrun.Handle{ a.call.handle, b.call.handle, get.call.handle };
    const early = pagesrun.wait(handles[0..2], 10 * std.time.ns_per_ms);
    if (early) |i| p.text(words[i]) else |err| if (err == error.Timeout) p.text("timeout") else return err;
    p.print(" {s}", .{words[try pagesrun.wait(&handles, -1)]});
    _ = try get.wait();
    try b.writer.writeAll("1");
    b.writer.close();
    p.print(" {s}", .{words[try pagesrun.wait(handles[0..2], -1)]});
    _ = try b.call.wait();
    try a.writer.writeAll("1");
    a.writer.close();
    p.print(" {s}\n", .{words[try pagesrun.wait(handles[0..1], -1)]});
    _ = try a.call.wait();
}

fn cancel(p: *Probe) !void {
    const put = try Put.start(p, p.param("key"));
    try put.writer.writeAll("x");
    put.call.cancel();
    const piece = probe.fill(32 << 10, 'x');
    for (0..1024) |_| put.writer.writeAll(piece) catch |err| return p.print("write {s}\n", .{probe.codeOf(err)});
    p.text("write ok\n");
}

fn later(p: *Probe) !void {
    p.ctx.waitUntil(afterwards, .{ pagesrun.kv.Namespace{ .name = p.target }, p.param("key"), p.param("until"), try p.body() });
    p.done();
}

fn afterwards(ns: pagesrun.kv.Namespace, key: []const u8, until: []const u8, body: []const u8) !void {
    for (0..800) |_| {
        if (try ns.get(until) != null) break;
        try pagesrun.sleep(20 * std.time.ns_per_ms);
    }
    try ns.put(key, body, .{});
}

fn hang(p: *Probe) !void {
    try (pagesrun.kv.Namespace{ .name = p.target }).put(p.param("key"), "begun", .{});
    const put = try Put.start(p, "never");
    _ = try put.call.wait();
}
