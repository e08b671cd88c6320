const std = @import("std");
const pagesrun = @import("pagesrun.zig");

const abi = pagesrun.abi;
const equal = std.testing.expectEqualStrings;
const orders = pagesrun.queues.Queue{ .name = "ORDERS" };

test "messages are sent as they say" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    try orders.sendText("a", null);
    try orders.sendBytes("\xff", 0);
    try orders.sendJson(.{ .id = 7 }, 60);
    const m = try orders.send(.{ .body = "[]" });
    try std.testing.expectEqual(2, m.backlog_bytes);
    const want = [_]abi.QueuesSendRequest{
        .{ .body = "a", .content_type = "text" },                         .{ .body = "\xff", .content_type = "bytes", .delay_s = 0 },
        .{ .body = "{\"id\":7}", .content_type = "json", .delay_s = 60 }, .{ .body = "[]" },
    };
    try std.testing.expectEqualDeep(@as([]const abi.QueuesSendRequest, &want), host.requests(abi.op.queues_send));
}

test "a batch has its own delay beside those of its messages" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    const m = try orders.sendBatch(&.{ .{ .body = "a", .content_type = abi.queue_text, .delay_s = 1 }, .{ .body = "2" } }, 60);
    try std.testing.expectEqual(2, m.backlog_count);
    const sent = host.requests(abi.op.queues_send_batch)[0];
    try std.testing.expectEqual(60, sent.delay_s.?);
    try std.testing.expectEqual(1, sent.messages[0].delay_s.?);
    try std.testing.expectEqual(0, (try orders.metrics()).backlog_count);
    const first = try orders.sendStart(.{ .body = "1" });
    const second = try orders.sendBatchStart(&.{.{ .body = "2" }}, null);
    _ = try second.wait();
    _ = try first.wait();
}

test "what cannot be sent is an error" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    host.refuse(abi.op.queues_send, .{ .code = abi.code_unsupported, .message = "v8" });
    try std.testing.expectError(error.Unsupported, orders.send(.{ .content_type = abi.queue_v8 }));
}

/// Consumers, by what they say.
fn Consumer(comptime handler: fn (b: pagesrun.Batch) anyerror!void) type {
    return struct {
        pub fn queue(b: pagesrun.Batch, _: *pagesrun.Context) !void {
            return handler(b);
        }
    };
}

const says = struct {
    fn nothing(_: pagesrun.Batch) !void {}
    fn fails(b: pagesrun.Batch) !void {
        b.messages[0].ack();
        return error.Boom;
    }
    fn single(b: pagesrun.Batch) !void {
        b.messages[0].ack();
        b.messages[0].retry(1);
        b.messages[1].retry(null);
        b.messages[2].retry(5);
    }
    fn all(b: pagesrun.Batch) !void {
        b.messages[1].ack();
        b.retryAll(5);
        b.ackAll();
    }
};

test "what a handler says of messages is heard" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    const rows = .{
        .{ says.nothing, "a a a" }, .{ says.fails, "a r r" }, .{ says.single, "a r r5" }, .{ says.all, "r5 a r5" },
    };
    inline for (rows) |row| {
        var got: [64]u8 = undefined;
        var out = std.io.fixedBufferStream(&got);
        for (host.deliver(Consumer(row[0]), "q", &.{ .{}, .{}, .{} }), 0..) |s, i| {
            if (i > 0) try out.writer().writeAll(" ");
            try out.writer().writeAll(if (s.retried) "r" else "a");
            if (s.delay_s) |n| try out.writer().print("{d}", .{n});
        }
        try equal(row[1], out.getWritten());
    }
}

test "a batch says what it is" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    const consumer = Consumer(struct {
        fn look(b: pagesrun.Batch) !void {
            const m = b.messages[1];
            pagesrun.log(.info, "{s} {s} {d} {s} {d} {d}", .{ b.queue, m.id, m.timestamp_ms, m.content_type, m.attempts, (try m.value([]u8))[0] });
        }
    }.look);
    _ = host.deliver(consumer, "q", &.{ .{}, .{ .id = "x", .timestamp_ms = 1000, .body = "[4]", .content_type = "json", .attempts = 3 } });
    try equal("q x 1000 json 3 4", host.lines.items[0].text);
}
