//! The probe in Zig: what it does and how it answers is told in abi/tck/PROBE.md.

const std = @import("std");
const builtin = @import("builtin");
const pagesrun = @import("pagesrun");
const events = @import("events.zig");
const Probe = @import("probe.zig").Probe;
const Operation = @import("probe.zig").Operation;
const eql = @import("probe.zig").eql;

pub const std_options = pagesrun.std_options;
pub const panic = pagesrun.panic;
pub const queue = events.queue;
pub const scheduled = events.scheduled;

comptime {
    pagesrun.handle(@This());
}

/// What the files of the probe can perform.
const tables = [_][]const Operation{
    &operations,                          &@import("kv.zig").operations,
    &@import("d1.zig").operations,        &@import("queues.zig").operations,
    &@import("streams.zig").operations,   &@import("concurrency.zig").operations,
    &@import("functions.zig").operations,
};

pub fn fetch(req: *pagesrun.Request, ctx: *pagesrun.Context) !pagesrun.Response {
    var p = Probe{ .req = req, .ctx = ctx, .target = req.query("target") orelse "" };
    const announce = p.param("announce");
    if (announce.len != 0) pagesrun.log(.info, "{s}", .{announce});
    const perform = find(p.param("op")) orelse return pagesrun.Response.text("no such op\n").with(400);
    perform(&p) catch |err| {
        if (err == error.Failed) return err;
        p.out.clearRetainingCapacity();
        p.failed(err);
    };
    return p.response orelse pagesrun.Response.text(p.out.items);
}

fn find(op: []const u8) ?*const fn (p: *Probe) anyerror!void {
    for (tables) |table| {
        for (table) |o| if (eql(o[0], op)) return o[1];
    }
    return null;
}

const operations = [_]Operation{
    .{ "vars.get", variable }, .{ "secrets.get", secret }, .{ "bindings", bindings }, .{ "log", log },
    .{ "trap", trap },         .{ "fail", fail },          .{ "random", random },     .{ "count", count },
};

fn variable(p: *Probe) !void {
    const r = try pagesrun.invoke(p.target, pagesrun.abi.op.vars_get, &.{});
    p.text(if (r.is_json) "json " else "text ");
    p.show(r.value);
    p.text("\n");
}

fn secret(p: *Probe) !void {
    const r = try pagesrun.invoke(p.target, pagesrun.abi.op.secrets_get, &.{});
    p.text("secret ");
    p.show(r.value);
    p.text("\n");
}

fn bindings(p: *Probe) !void {
    const r = try pagesrun.invoke("", pagesrun.abi.op.bindings, &.{});
    for (r.bindings) |b| p.print("{s} {s}\n", .{ b.name, b.kind });
}

fn log(p: *Probe) !void {
    const text = p.param("text");
    std.log.warn("logged {s}", .{text});
    try printed(1, "printed ", text);
    try printed(2, "complained ", text);
    p.done();
}

/// Prints a line. Without WASI's target the standard library has no files, and WASI's function is there all the same.
fn printed(file: i32, word: []const u8, text: []const u8) !void {
    const line = try std.fmt.allocPrint(pagesrun.allocator(), "{s}{s}\n", .{ word, text });
    if (builtin.os.tag == .wasi) {
        const f = std.fs.File{ .handle = file };
        return f.writeAll(line);
    }
    const part = [_]std.os.wasi.ciovec_t{.{ .base = line.ptr, .len = line.len }};
    var n: usize = 0;
    if (std.os.wasi.fd_write(file, &part, part.len, &n) != .SUCCESS or n != line.len) return error.NotPrinted;
}

fn trap(_: *Probe) !void {
    @panic("trap was asked for");
}

fn fail(p: *Probe) !void {
    return pagesrun.fail("{s}", .{p.param("text")});
}

fn random(p: *Probe) !void {
    p.print("{x:0>16}\n", .{std.crypto.random.int(u64)});
}

/// How many events of this instance have counted.
var counted: u64 = 0;

fn count(p: *Probe) !void {
    counted += 1;
    const bytes = @import("probe.zig").fill(p.count("n", 0), 'x');
    std.mem.doNotOptimizeAway(bytes.ptr);
    p.print("{d}\n", .{counted});
}
