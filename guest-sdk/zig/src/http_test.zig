const std = @import("std");
const pagesrun = @import("pagesrun.zig");

const expect = std.testing.expect;
const equal = std.testing.expectEqualStrings;

fn request(url: []const u8) pagesrun.Request {
    return pagesrun.Request.of(&.{ .url = url });
}

test "the parts of a URL are found as they were sent" {
    const rows = [_][3][]const u8{
        .{ "http://h/", "h", "/" },
        .{ "http://h", "h", "/" },
        .{ "http://h?a=/b", "h", "/" },
        .{ "https://h:81/a%20b/c?d=e", "h:81", "/a%20b/c" },
        .{ "http://[::1]:8/x", "[::1]:8", "/x" },
        .{ "http://h/a:b//c?", "h", "/a:b//c" },
    };
    for (rows) |row| {
        const req = request(row[0]);
        try equal(row[1], req.authority());
        try equal(row[2], req.path());
    }
}

test "a query parameter is decoded, and one with broken escapes is left as it is" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    const rows = [_]struct { []const u8, ?[]const u8 }{
        .{ "", null },                  .{ "?a", "" },        .{ "?a=", "" },     .{ "?a=1&a=2", "1" },
        .{ "?b=1&a=x%20y+z", "x y z" }, .{ "?%61=1", "1" },   .{ "?a=%4", "%4" }, .{ "?a=%zz+", "%zz+" },
        .{ "?a=%ff%00", "\xff\x00" },   .{ "?a=b=c", "b=c" }, .{ "?aa=1", null }, .{ "?a=%", "%" },
        .{ "?a=%4a%4A", "JJ" },         .{ "?a=1%2", "1%2" }, .{ "?&&a=1", "1" },
    };
    for (rows) |row| {
        const url = try std.mem.concat(pagesrun.allocator(), u8, &.{ "http://h/", row[0] });
        const got = request(url).query("a");
        try std.testing.expectEqualDeep(row[1], got);
    }
}

test "a header field is found whatever its case" {
    const req = pagesrun.Request.of(&.{ .headers = &.{ .{ .name = "Accept", .value = "1" }, .{ .name = "x-y", .value = "2" }, .{ .name = "X-Y", .value = "3" } } });
    try equal("2", req.header("X-y").?);
    try equal("1", req.header("accept").?);
    try expect(req.header("x") == null);
}

const Order = struct { id: u32, name: []const u8 = "none" };

const echo = struct {
    pub fn fetch(req: *pagesrun.Request, _: *pagesrun.Context) !pagesrun.Response {
        const path = req.path();
        if (std.mem.eql(u8, path, "/text")) return pagesrun.Response.print("{s} {s}", .{ req.method, try req.body(10) });
        if (std.mem.eql(u8, path, "/html")) return pagesrun.Response.html("<p>").with(404);
        if (std.mem.eql(u8, path, "/value")) return pagesrun.Response.value(try req.json(Order, 100));
        if (std.mem.eql(u8, path, "/redirect")) return pagesrun.Response.redirect(303, "/text").header("x", "1").header("x", "2");
        if (std.mem.eql(u8, path, "/reader")) return pagesrun.Response.text(try req.reader().readAllAlloc(pagesrun.allocator(), 100));
        if (std.mem.eql(u8, path, "/pass")) return .{ .stream = req.stream };
        return pagesrun.Response.of("application/octet-stream", try pagesrun.allocator().alloc(u8, 32 << 20));
    }
};

test "every kind of response arrives as it was made" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    const rows = [_]struct { []const u8, []const u8, u32, []const u8, []const u8 }{
        .{ "/text", "hi", 200, "text/plain; charset=utf-8", "POST hi" },
        .{ "/html", "", 404, "text/html; charset=utf-8", "<p>" },
        .{ "/value", "{\"id\":7,\"more\":[1]}", 200, "application/json", "{\"id\":7,\"name\":\"none\"}" },
        .{ "/reader", "read", 200, "text/plain; charset=utf-8", "read" },
    };
    for (rows) |row| for ([_]bool{ false, true }) |streamed| {
        const url = try std.mem.concat(host.arena.allocator(), u8, &.{ "http://h", row[0] });
        const answer = try host.fetch(echo, .{ .method = "POST", .url = url, .body = row[1], .streamed = streamed });
        try std.testing.expectEqual(row[2], answer.status);
        try equal(row[3], answer.header("content-type").?);
        try equal(row[4], answer.body);
    };
    const moved = try host.fetch(echo, .{ .url = "http://h/redirect" });
    try std.testing.expectEqual(3, moved.headers.len);
    try equal("/text", moved.header("Location").?);
    try equal("2", moved.headers[2].value);
}

test "a body that is given away does not pass through the function" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    for ([_]bool{ false, true }) |streamed| {
        const answer = try host.fetch(echo, .{ .url = "http://h/pass", .body = "as it came", .streamed = streamed });
        try equal("as it came", answer.body);
        try std.testing.expectEqual(streamed, host.requests(pagesrun.abi.op.respond)[if (streamed) 1 else 0].stream != 0);
    }
}

test "a body that is too long for a message goes through a pipe" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    const answer = try host.fetch(echo, .{ .url = "http://h/long" });
    try std.testing.expectEqual(32 << 20, answer.body.len);
    try std.testing.expectEqual(1, host.requests(pagesrun.abi.op.pipe).len);
}

test "a longer body than the handler takes is an error" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    for ([_]bool{ false, true }) |streamed| {
        const answer = try host.fetch(echo, .{ .url = "http://h/text", .body = "more than ten", .streamed = streamed });
        try std.testing.expectEqual(500, answer.status);
    }
    try equal("handler: TooLarge: the stream is longer than the limit", host.lines.items[1].text);
}
