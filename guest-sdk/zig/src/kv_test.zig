const std = @import("std");
const pagesrun = @import("pagesrun.zig");

const abi = pagesrun.abi;
const equal = std.testing.expectEqualStrings;
const kv = pagesrun.kv.Namespace{ .name = "KV" };

test "a value that was put is read back in every way" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    try kv.put("a", "1\x00\xff", .{ .metadata = "{\"m\":1}", .expiration_ttl_s = 60, .expiration = 5 });
    try equal("1\x00\xff", (try kv.get("a")).?);
    var stream = (try kv.getStream("a")).?;
    try equal("1\x00\xff", try stream.readAll(10));
    const e = try kv.getWithMetadata("a");
    try equal("{\"m\":1}", e.metadata.?);
    try equal("a", e.key);
    const all = try kv.getBulk(&.{ "b", "a" });
    try std.testing.expect(!all[0].found and all[1].found);
    const sent = host.requests(abi.op.kv_put)[0];
    try std.testing.expectEqual(60, sent.expiration_ttl_s.?);
    try std.testing.expectEqual(5, sent.expiration.?);
}

test "a key that is not there is null, and deleting it is no error" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    try std.testing.expect(try kv.get("a") == null);
    try std.testing.expect(try kv.getStream("a") == null);
    try std.testing.expect(!(try kv.getWithMetadata("a")).found);
    try std.testing.expect(try kv.getJson(u8, "a") == null);
    try kv.delete("a");
    host.setValue("KV", "a", "");
    try equal("", (try kv.get("a")).?);
    try (try kv.deleteStart("a")).wait();
    try std.testing.expect(host.value("KV", "a") == null);
}

test "JSON documents are values of Zig types" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    const Todo = struct { title: []const u8, done: bool = false };
    try kv.putJson("t", Todo{ .title = "é\"" }, .{});
    try equal("{\"title\":\"é\\\"\",\"done\":false}", host.value("KV", "t").?);
    const todo = (try kv.getJson(Todo, "t")).?;
    try equal("é\"", todo.title);
    host.setValue("KV", "t", "{");
    try std.testing.expectError(error.UnexpectedEndOfInput, kv.getJson(Todo, "t"));
}

test "a stream is stored without passing through the function" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    host.setValue("KV", "from", "bytes");
    try kv.putStream("to", (try kv.getStream("from")).?, .{});
    try equal("bytes", host.value("KV", "to").?);
    try kv.putStream("memory", .{ .rest = "in memory" }, .{});
    try equal("in memory", host.value("KV", "memory").?);
}

test "of a reader everything is stored, or nothing" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    var bytes: [100_000]u8 = undefined;
    @memset(&bytes, 'x');
    var whole = std.io.fixedBufferStream(&bytes);
    try kv.putFrom("whole", &whole, .{});
    try std.testing.expectEqual(bytes.len, host.value("KV", "whole").?.len);
    const Broken = struct {
        left: usize = 3,
        pub fn read(b: *@This(), buf: []u8) error{Broken}!usize {
            if (b.left == 0) return error.Broken;
            b.left -= 1;
            buf[0] = 'x';
            return 1;
        }
    };
    var broken = Broken{};
    try std.testing.expectError(error.Broken, kv.putFrom("broken", &broken, .{}));
    try std.testing.expect(host.value("KV", "broken") == null);
}

test "keys are listed a page at a time, or one after the other" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    for ([_][]const u8{ "b", "ac", "a", "ab" }) |key| host.setValue("KV", key, "");
    const page = try kv.list(.{ .prefix = "a", .limit = 2 });
    try equal("ab", page.keys[1].name);
    try std.testing.expect(!page.list_complete);
    const rest = try kv.list(.{ .prefix = "a", .cursor = page.cursor });
    try equal("ac", rest.keys[0].name);
    host.answer(abi.op.kv_list, .{ .keys = &.{ .{ .name = "1" }, .{ .name = "2" } }, .cursor = "c1" });
    host.answer(abi.op.kv_list, .{ .cursor = "c2" });
    host.answer(abi.op.kv_list, .{ .keys = &.{.{ .name = "3" }}, .list_complete = true });
    var it = kv.keys("p");
    for ([_][]const u8{ "1", "2", "3" }) |name| try equal(name, (try it.next()).?.name);
    try std.testing.expect(try it.next() == null);
    try equal("c2", host.requests(abi.op.kv_list)[4].cursor);
    try equal("p", host.requests(abi.op.kv_list)[4].prefix);
}

test "writes overlap" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    const a = try kv.putStart("a", "1", .{});
    const b = try kv.putStart("b", "2", .{});
    try b.wait();
    try a.wait();
    try equal("2", host.value("KV", "b").?);
}
