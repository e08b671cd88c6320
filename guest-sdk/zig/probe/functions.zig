//! The operation that calls the host functions past the SDK.

const std = @import("std");
const pagesrun = @import("pagesrun");
const probe = @import("probe.zig");
const Probe = probe.Probe;

/// What this file can perform.
pub const operations = [_]probe.Operation{.{ "abi", perform }};

const host = struct {
    extern "pagesrun_v1" fn call(target: [*]const u8, target_len: usize, op: [*]const u8, op_len: usize, msg: [*]const u8, msg_len: usize) i32;
    extern "pagesrun_v1" fn wait(handles: [*]const u32, n: usize, timeout_ns: i64) i32;
    extern "pagesrun_v1" fn result(handle: u32, ptr: [*]u8, cap: usize) i32;
    extern "pagesrun_v1" fn read(stream: u32, ptr: [*]u8, cap: usize) i32;
    extern "pagesrun_v1" fn write(stream: u32, ptr: [*]const u8, len: usize) i32;
    extern "pagesrun_v1" fn close(handle: u32, reason: u32) i32;
    extern "pagesrun_v1" fn log(level: u32, ptr: [*]const u8, len: usize) i32;
};

/// The words of a line, and the handles made so far.
const Line = struct {
    p: *Probe,
    made: *std.ArrayListUnmanaged(u32),
    words: std.mem.SplitIterator(u8, .scalar),

    fn next(l: *Line) []const u8 {
        return l.words.next() orelse "";
    }

    fn number(l: *Line, comptime T: type) T {
        return std.fmt.parseInt(T, l.next(), 10) catch @panic("a number was expected");
    }

    /// The handle that a word names.
    fn named(l: *Line, word: []const u8) u32 {
        const by_itself = word[0] == '=';
        const n = std.fmt.parseInt(u32, if (by_itself) word[1..] else word, 10) catch @panic("a handle was expected");
        return if (by_itself) n else l.made.items[n];
    }

    fn add(l: *Line, handle: u32) void {
        l.made.append(pagesrun.allocator(), handle) catch @panic("out of memory");
    }
};

fn perform(p: *Probe) !void {
    var made: std.ArrayListUnmanaged(u32) = .{};
    var lines = probe.Lines{ .left = try p.body() };
    while (lines.next()) |text| {
        var line = Line{ .p = p, .made = &made, .words = std.mem.splitScalar(u8, text, ' ') };
        const word = line.next();
        inline for (functions) |f| if (probe.eql(word, f[0])) try f[1](&line);
    }
    const keep = p.param("keep");
    if (keep.len != 0) try (pagesrun.kv.Namespace{ .name = p.target }).put(keep, p.out.items, .{});
}

const functions = .{
    .{ "call", call },   .{ "pipe", pipe },   .{ "wait", wait }, .{ "result", result }, .{ "read", read },
    .{ "write", write }, .{ "close", close }, .{ "log", log },
};

fn call(l: *Line) !void {
    const word = l.next();
    const target = if (probe.eql(word, "-")) "" else word;
    const op = l.next();
    const msg = try message(l, l.next());
    const n = host.call(target.ptr, target.len, op.ptr, op.len, msg.ptr, msg.len);
    if (n < 0) return l.p.print("{d}\n", .{n});
    l.add(@intCast(n));
    l.p.text("ok\n");
}

/// A message in hexadecimal digits, with handles in parentheses.
fn message(l: *Line, text: []const u8) ![]const u8 {
    var w = pagesrun.cbor.Writer{ .gpa = pagesrun.allocator() };
    var i: usize = 0;
    while (i < text.len and text[0] != '-') {
        if (text[i] == '(') {
            const end = std.mem.indexOfScalarPos(u8, text, i, ')').?;
            w.handle(l.named(text[i + 1 .. end]));
            i = end + 1;
        } else {
            w.raw(&.{try std.fmt.parseInt(u8, text[i .. i + 2], 16)});
            i += 2;
        }
    }
    return inside(w.written());
}

/// A slice that lies within memory, as those of no bytes need not in Zig.
fn inside(bytes: anytype) @TypeOf(bytes) {
    return if (bytes.len != 0) bytes else probe.fill(1, 0)[0..0];
}

fn pipe(l: *Line) !void {
    const ends = try pagesrun.Pipe.open();
    l.add(ends.readable.handle);
    l.add(ends.writer.handle);
    l.p.text("ok\n");
}

fn wait(l: *Line) !void {
    const timeout_ms = l.number(i64);
    var handles: std.ArrayListUnmanaged(u32) = .{};
    while (l.words.next()) |word| try handles.append(pagesrun.allocator(), l.named(word));
    const timeout_ns = if (timeout_ms < 0) timeout_ms else timeout_ms * std.time.ns_per_ms;
    l.p.print("{d}\n", .{host.wait(if (handles.items.len == 0) &.{0} else handles.items.ptr, handles.items.len, timeout_ns)});
}

/// The longest buffer there is, in bytes; a longer one is said to be there.
const buffer_bytes = 64 << 10;

fn result(l: *Line) !void {
    return taken(l, host.result);
}

fn read(l: *Line) !void {
    return taken(l, host.read);
}

fn taken(l: *Line, function: *const fn (u32, [*]u8, usize) callconv(.c) i32) !void {
    const handle = l.named(l.next());
    const cap = l.number(usize);
    const buf = inside(probe.fill(@min(cap, buffer_bytes), 0));
    const n = function(handle, buf.ptr, cap);
    l.p.print("{d}", .{n});
    if (n >= 0 and n <= buf.len) {
        l.p.text(" ");
        l.p.show(buf[0..@intCast(n)]);
    }
    l.p.text("\n");
}

fn write(l: *Line) !void {
    const handle = l.named(l.next());
    const n = l.number(usize);
    l.p.print("{d}\n", .{host.write(handle, inside(probe.fill(@min(n, buffer_bytes), 'x')).ptr, n)});
}

fn close(l: *Line) !void {
    const handle = l.named(l.next());
    l.p.print("{d}\n", .{host.close(handle, l.number(u32))});
}

fn log(l: *Line) !void {
    const level = l.number(u32);
    const text = inside(l.words.rest());
    l.p.print("{d}\n", .{host.log(level, text.ptr, text.len)});
}
