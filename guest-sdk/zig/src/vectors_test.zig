//! Every vector of the ABI decodes and encodes to the same bytes here as in every other SDK.

const std = @import("std");
const cbor = @import("cbor.zig");
const messages = @import("messages_gen.zig").messages;

const vectors = .{
    @embedFile("accepted.json"), @embedFile("analytics.json"), @embedFile("d1.json"),     @embedFile("errors.json"),
    @embedFile("event.json"),    @embedFile("kv.json"),        @embedFile("queues.json"), @embedFile("rejected.json"),
    @embedFile("secrets.json"),  @embedFile("vars.json"),
};

const Outcome = union(enum) { encoded: []const u8, refused: []const u8 };

/// Decodes and encodes again.
fn roundTrip(gpa: std.mem.Allocator, name: []const u8, data: []const u8) Outcome {
    inline for (messages) |m| {
        if (std.mem.eql(u8, m[0], name)) {
            var r = cbor.Reader.init(gpa, data);
            const decoded = m[1].decode(&r);
            if (r.close()) |why| return .{ .refused = why };
            var w = cbor.Writer{ .gpa = gpa };
            decoded.encode(&w);
            return .{ .encoded = w.written() };
        }
    }
    std.debug.panic("no message is called {s}", .{name});
}

/// The value of a key of a vector: texts without escapes, which is all that is asked for.
fn value(line: []const u8, comptime key: []const u8) ?[]const u8 {
    const start = (std.mem.indexOf(u8, line, "\"" ++ key ++ "\":\"") orelse return null) + key.len + 4;
    return line[start .. start + std.mem.indexOfScalar(u8, line[start..], '"').?];
}

fn bytes(gpa: std.mem.Allocator, hex: []const u8) ![]u8 {
    const out = try gpa.alloc(u8, hex.len / 2);
    return std.fmt.hexToBytes(out, hex);
}

test "every vector encodes to the bytes it came from, or is refused for its reason" {
    var arena = std.heap.ArenaAllocator.init(std.testing.allocator);
    defer arena.deinit();
    var count: usize = 0;
    inline for (vectors) |content| {
        var lines = std.mem.splitScalar(u8, content, '\n');
        while (lines.next()) |line| {
            const name = value(line, "message") orelse continue;
            _ = arena.reset(.retain_capacity);
            const gpa = arena.allocator();
            const head = line[0 .. std.mem.indexOf(u8, line, "\"value\":") orelse line.len];
            const data = try bytes(gpa, value(head, "hex").?);
            count += 1;
            switch (roundTrip(gpa, name, data)) {
                .encoded => |got| {
                    try std.testing.expect(value(head, "reason") == null);
                    const want = if (value(head, "canonical")) |c| try bytes(gpa, c) else data;
                    try std.testing.expectEqualSlices(u8, want, got);
                },
                .refused => |why| {
                    const reason = value(head, "reason") orelse return error.VectorRefused;
                    try std.testing.expect(std.mem.endsWith(u8, reason, why));
                },
            }
            if (value(head, "reason") == null) for (1..@min(@max(data.len, 1), 200)) |n| {
                try std.testing.expect(roundTrip(gpa, name, data[0..n]) == .refused);
            };
        }
    }
    try std.testing.expect(count > 1000);
}
