const std = @import("std");
const pagesrun = @import("pagesrun.zig");

const abi = pagesrun.abi;
const equal = std.testing.expectEqualStrings;

const function = struct {
    pub fn fetch(req: *pagesrun.Request, ctx: *pagesrun.Context) !pagesrun.Response {
        const path = req.path();
        if (std.mem.eql(u8, path, "/later")) {
            ctx.waitUntil(step, .{"first"});
            ctx.waitUntil(chain, .{ctx});
            return pagesrun.Response.text("now");
        }
        if (std.mem.eql(u8, path, "/later-fails")) {
            ctx.waitUntil(fails, .{});
            return pagesrun.Response.text("now");
        }
        if (std.mem.eql(u8, path, "/twice")) {
            try ctx.respond(pagesrun.Response.text("first"));
            try std.testing.expectError(error.AlreadyResponded, ctx.respond(pagesrun.Response.text("second")));
            return pagesrun.Response.text("third");
        }
        if (std.mem.eql(u8, path, "/then-fails")) {
            try ctx.respond(pagesrun.Response.text("first"));
            return pagesrun.fail("after the answer", .{});
        }
        if (std.mem.eql(u8, path, "/error")) return error.OfMyOwn;
        if (std.mem.eql(u8, path, "/vars")) return pagesrun.Response.print("{s} {s} {s} {s} {s}", .{
            pagesrun.variable("A") orelse "-", pagesrun.variable("S") orelse "-", pagesrun.variable("N") orelse "-",
            pagesrun.secret("A") orelse "-",   pagesrun.secret("S") orelse "-",
        });
        return pagesrun.fail("no path {s}", .{path});
    }

    fn step(word: []const u8) void {
        pagesrun.log(.info, "{s}", .{word});
    }

    fn chain(ctx: *pagesrun.Context) !u8 {
        step("second");
        ctx.waitUntil(step, .{"third"});
        return 1;
    }

    fn fails() !void {
        _ = pagesrun.fail("handled", .{}) catch {};
        return error.Late;
    }

    pub fn scheduled(e: *const pagesrun.ScheduledEvent, ctx: *pagesrun.Context) !void {
        try std.testing.expectError(error.InvalidArgument, ctx.respond(.{}));
        if (e.cron.len == 0) return pagesrun.fail("due at {d}", .{e.scheduled_time_ms});
        if (e.cron[0] == '!') ctx.fail("said {s}", .{e.cron});
    }
};

fn get(host: *pagesrun.testing.Host, path: []const u8) !pagesrun.testing.Answer {
    return host.fetch(function, .{ .url = try std.mem.concat(host.arena.allocator(), u8, &.{ "http://h", path }) });
}

test "an error of the handler is the client's 500 and the event's failure, and its text is in the log" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    for ([_][]const u8{ "/error", "/none" }) |path| {
        const answer = try get(host, path);
        try std.testing.expectEqual(500, answer.status);
        try equal("Internal Server Error (event event-1)\n", answer.body);
    }
    try equal("handler: OfMyOwn", host.lines.items[0].text);
    try equal("handler: no path /none", host.lines.items[1].text);
    try std.testing.expectEqual(abi.log_error, host.lines.items[1].level);
    try equal("no path /none", host.failure.?);
}

test "what was answered before stands, and an error after it is the event's failure" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    try equal("first", (try get(host, "/twice")).body);
    try std.testing.expect(host.failure == null);
    try equal("first", (try get(host, "/then-fails")).body);
    try equal("after the answer", host.failure.?);
}

test "work goes on after the response, in the order in which it was given" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    try equal("now", (try get(host, "/later")).body);
    for (host.lines.items, [_][]const u8{ "first", "second", "third" }) |line, word| try equal(word, line.text);
    try std.testing.expectEqual(3, host.lines.items.len);
    try std.testing.expect(host.failure == null);
}

test "a failure after the response is the event's, with the text of its own error only" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    try equal("now", (try get(host, "/later-fails")).body);
    try equal("Late", host.failure.?);
}

test "a tick succeeds, fails with an error, or says that it has failed" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    host.tick(function, "* * * * *", 5);
    try std.testing.expect(host.failure == null);
    host.tick(function, "", 5);
    try equal("due at 5", host.failure.?);
    host.tick(function, "!x", 5);
    try equal("said !x", host.failure.?);
}

test "an event that the program has no handler for fails" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    const empty = struct {};
    host.tick(empty, "", 0);
    try equal("Handler does not export a scheduled() function.", host.failure.?);
    _ = host.deliver(empty, "q", &.{.{}});
    try equal("Handler does not export a queue() function.", host.failure.?);
    try std.testing.expectError(error.NoAnswer, host.fetch(empty, .{}));
}

test "variables and secrets are found by their names" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    host.setVariable("A", "1");
    host.setSecret("S", "2");
    try equal("1 2 - - 2", (try get(host, "/vars")).body);
    try std.testing.expectEqual(0, host.lines.items.len);
}

test "a variable that cannot be read is in the log" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    host.refuse(abi.op.vars_get, .{ .code = abi.code_unavailable, .message = "closing" });
    try std.testing.expect(pagesrun.variable("A") == null);
    try equal("variable A: closing", host.lines.items[0].text);
}

test "a failure keeps its code, text and status" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    host.refuse(abi.op.kv_get, .{ .code = abi.code_too_large, .message = "too much", .status = 413 });
    try std.testing.expectError(error.TooLarge, (pagesrun.kv.Namespace{ .name = "KV" }).get("k"));
    const f = pagesrun.lastFailure();
    try equal("too much", f.message);
    try std.testing.expectEqual(413, f.status);
    try std.testing.expectEqual(abi.code_too_large, f.code);
}

test "a code that is newer than the SDK is an error too" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    host.refuse(abi.op.kv_get, .{ .code = 9999, .message = "new" });
    try std.testing.expectError(error.UnknownCode, (pagesrun.kv.Namespace{ .name = "KV" }).get("k"));
    try std.testing.expectEqual(9999, pagesrun.lastFailure().code);
}

test "a data point has an index only where there is one" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    pagesrun.writeDataPoint("D", .{ .index = "i", .blobs = &.{ "a", "" }, .doubles = &.{ 1, -0.0 } });
    pagesrun.writeDataPoint("D", .{});
    const points = host.requests(abi.op.analytics_write);
    try std.testing.expectEqualDeep(abi.AnalyticsWriteRequest{ .indexes = &.{"i"}, .blobs = &.{ "a", "" }, .doubles = &.{ 1, -0.0 } }, points[0]);
    try std.testing.expectEqualDeep(abi.AnalyticsWriteRequest{}, points[1]);
}

test "a point that cannot be written is no concern of the function's" {
    pagesrun.writeDataPoint("D", .{ .index = "i" });
}

test "several calls run at once, and any of them can be the first to be ready" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    host.setValue("KV", "a", "1");
    const ns = pagesrun.kv.Namespace{ .name = "KV" };
    const pipe = try pagesrun.Pipe.open();
    const put = try pagesrun.start("KV", abi.op.kv_put, &.{ .key = "slow", .stream = pipe.readable.handle });
    const read = try ns.getStart("a");
    try std.testing.expectError(error.Timeout, pagesrun.wait(&.{put.handle}, 0));
    try std.testing.expectEqual(1, try pagesrun.wait(&.{ put.handle, read.call.handle }, -1));
    try equal("1", (try read.wait()).?);
    try pipe.writer.writeAll("slowly");
    pipe.writer.close();
    try std.testing.expectEqual(0, try pagesrun.wait(&.{put.handle}, -1));
    _ = try put.wait();
    try equal("slowly", host.value("KV", "slow").?);
    try std.testing.expectError(error.BadHandle, put.wait());
    (try ns.getStart("a")).cancel();
    try pagesrun.sleep(1);
}
