const std = @import("std");
const pagesrun = @import("pagesrun.zig");

const equal = std.testing.expectEqualStrings;

const streaming = struct {
    pub fn fetch(req: *pagesrun.Request, ctx: *pagesrun.Context) !pagesrun.Response {
        const w = try ctx.stream(pagesrun.Response.of("text/csv", "").with(201));
        try w.print("{s},{d}\n", .{ "a", 1 });
        try w.writer().writeByteNTimes('x', 300 << 10);
        try w.copy(&req.stream);
        w.close();
        return .{};
    }
};

test "a streamed body goes out as it is written" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    const answer = try host.fetch(streaming, .{ .body = "copied", .streamed = true });
    try std.testing.expectEqual(201, answer.status);
    try equal("text/csv", answer.header("content-type").?);
    try equal("a,1\n", answer.body[0..4]);
    try equal("copied", answer.body[4 + (300 << 10) ..]);
}

test "a pipe holds back a writer that is too far ahead of its reader" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    var pipe = try pagesrun.Pipe.open();
    const block = try pagesrun.allocator().alloc(u8, 200 << 10);
    @memset(block, 'x');
    try pipe.writer.writeAll(block);
    try std.testing.expectEqual(56 << 10, try pipe.writer.write(block));
    try std.testing.expectError(error.Timeout, pipe.writer.write("x"));
    var buf: [10]u8 = undefined;
    try std.testing.expectEqual(10, try pipe.readable.read(&buf));
    try std.testing.expectEqual(10, try pipe.writer.write(block));
    try std.testing.expectEqual(0, try pipe.writer.write(""));
}

test "a stream is read whole, however many pieces it takes" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    for ([_]usize{ 0, 1, 16 << 10, (16 << 10) + 1, 100_000 }) |n| {
        var pipe = try pagesrun.Pipe.open();
        for (0..n) |i| try pipe.writer.writeAll(&.{@intCast(i % 251)});
        pipe.writer.close();
        const all = try pipe.readable.readAll(n);
        try std.testing.expectEqual(n, all.len);
        for (all, 0..) |c, i| try std.testing.expectEqual(i % 251, c);
    }
}

test "a stream that is broken off, too long or closed is an error" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    var broken = try pagesrun.Pipe.open();
    try broken.writer.writeAll("some");
    broken.writer.abort();
    try std.testing.expectError(error.StreamClosed, broken.readable.readAll(100));
    var long = try pagesrun.Pipe.open();
    try long.writer.writeAll("some");
    long.writer.close();
    try std.testing.expectError(error.TooLarge, long.readable.readAll(3));
    var unread = try pagesrun.Pipe.open();
    unread.readable.close();
    try std.testing.expectError(error.StreamClosed, unread.writer.writeAll("x"));
    try std.testing.expectEqual(0, (try unread.readable.readAll(1)).len);
}

test "bytes in memory are read like a stream" {
    var s = pagesrun.Stream{ .rest = "four" };
    var buf: [3]u8 = undefined;
    try std.testing.expectEqual(3, try s.read(&buf));
    try equal("r", try s.readAll(1));
    try std.testing.expectEqual(0, try s.read(&buf));
}
