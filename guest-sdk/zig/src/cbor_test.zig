//! The decoder faces bytes that nobody has encoded: whatever they are, it ends, keeps inside of them, and takes no more memory than they warrant.

const std = @import("std");
const cbor = @import("cbor.zig");
const messages = @import("messages_gen.zig").messages;

/// How many inputs each test makes for each message; with more, the same seeds give more of them.
const rounds = 300;

/// The most memory that decoding n bytes may take: 64 bytes or so per item, with what lists need while they are made.
fn warranted(n: usize) usize {
    return 4096 + n * 1024;
}

/// What the decoder may use; it stops the test where it needs more.
var memory: [4 << 20]u8 = undefined;

/// Decodes bytes as a message, and what that gives again: the second time nothing may change.
fn decodes(comptime M: type, data: []const u8) !bool {
    var fixed = std.heap.FixedBufferAllocator.init(&memory);
    var r = cbor.Reader.init(fixed.allocator(), data);
    const decoded = M.decode(&r);
    if (r.close() != null) return false;
    try std.testing.expect(fixed.end_index <= warranted(data.len));
    var w = cbor.Writer{ .gpa = fixed.allocator() };
    decoded.encode(&w);
    var again = cbor.Reader.init(fixed.allocator(), w.written());
    const second = M.decode(&again);
    try std.testing.expect(again.close() == null);
    var w2 = cbor.Writer{ .gpa = fixed.allocator() };
    second.encode(&w2);
    try std.testing.expectEqualSlices(u8, w.written(), w2.written());
    return true;
}

test "random bytes are refused or decoded, for every message" {
    inline for (messages, 0..) |m, seed| {
        var random = std.Random.DefaultPrng.init(seed);
        var bytes: [64]u8 = undefined;
        for (0..rounds) |_| {
            const data = bytes[0..random.random().uintAtMost(usize, bytes.len)];
            random.random().bytes(data);
            _ = try decodes(m[1], data);
        }
    }
}

/// Writes an item of any kind, often one that belongs there.
fn item(w: *cbor.Writer, random: std.Random, depth: usize) void {
    const kinds: u8 = if (depth > 4) 8 else 10;
    switch (random.uintLessThan(u8, kinds)) {
        0 => w.uint(random.int(u64) >> random.int(u6)),
        1 => w.int64(random.int(i64) >> random.int(u6)),
        2 => w.float64(@bitCast(random.int(u64))),
        3 => w.bool(random.boolean()),
        4 => w.text("text"[0..random.uintAtMost(usize, 4)]),
        5 => w.bytes("\xff\x00ab"[0..random.uintAtMost(usize, 4)]),
        6 => w.handle(random.int(u32)),
        7 => w.raw(&.{random.int(u8)}),
        8 => {
            const n = random.uintAtMost(usize, 4);
            w.array(n);
            for (0..n) |_| item(w, random, depth + 1);
        },
        else => map(w, random, depth + 1),
    }
}

fn map(w: *cbor.Writer, random: std.Random, depth: usize) void {
    const n = random.uintAtMost(usize, 5);
    w.map(n);
    var key: u64 = 0;
    for (0..n) |_| {
        key += random.uintAtMost(u64, 3);
        w.uint(key);
        item(w, random, depth);
    }
}

test "items in the wrong places are refused or decoded, for every message" {
    var decoded: usize = 0;
    inline for (messages, 0..) |m, seed| {
        var random = std.Random.DefaultPrng.init(seed);
        for (0..rounds) |_| {
            var room: [16 << 10]u8 = undefined;
            var fixed = std.heap.FixedBufferAllocator.init(&room);
            var w = cbor.Writer{ .gpa = fixed.allocator() };
            map(&w, random.random(), 0);
            if (try decodes(m[1], w.written())) decoded += 1;
            const cut = random.random().uintAtMost(usize, w.written().len);
            _ = try decodes(m[1], w.written()[0..cut]);
        }
    }
    try std.testing.expect(decoded > 1000);
}

test "a sequence of scalars ends where it is broken" {
    var random = std.Random.DefaultPrng.init(1);
    var bytes: [32]u8 = undefined;
    for (0..rounds * 10) |_| {
        const data = bytes[0..random.random().uintAtMost(usize, bytes.len)];
        random.random().bytes(data);
        var r = cbor.Reader.init(std.testing.failing_allocator, data);
        var n: usize = 0;
        while (r.scalar() != null) n += 1;
        try std.testing.expect(n <= data.len);
    }
}

test "text gets U+FFFD in the place of each byte that is not UTF-8" {
    const rows = [_][2][]const u8{
        .{ "plain", "plain" },                           .{ "", "" },                         .{ "a\xffb", "a\u{fffd}b" },
        .{ "é€😀", "é€😀" },                   .{ "\xc3", "\u{fffd}" },             .{ "\xe2\x82", "\u{fffd}\u{fffd}" },
        .{ "\xed\xa0\x80", "\u{fffd}\u{fffd}\u{fffd}" }, .{ "\xc0\xaf", "\u{fffd}\u{fffd}" }, .{ "\xf4\x90\x80\x80x", "\u{fffd}\u{fffd}\u{fffd}\u{fffd}x" },
        .{ "\x80é", "\u{fffd}é" },
    };
    for (rows) |row| {
        var w = cbor.Writer{ .gpa = std.testing.allocator };
        defer w.free();
        w.text(row[0]);
        var r = cbor.Reader.init(std.testing.failing_allocator, w.written());
        try std.testing.expectEqualStrings(row[1], r.text());
        try std.testing.expect(r.close() == null);
    }
}
