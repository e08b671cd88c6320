const std = @import("std");
const pagesrun = @import("pagesrun.zig");
const cbor = @import("cbor.zig");

const abi = pagesrun.abi;
const d1 = pagesrun.d1;
const equal = std.testing.expectEqualStrings;
const db = d1.Database{ .name = "DB" };

/// Values as they stand in messages.
fn sequence(values: anytype) []const u8 {
    return db.prepare("").bind(values).params;
}

/// Has the next statement give two rows of four columns, of which two have one name.
fn script(host: *pagesrun.testing.Host) void {
    host.answer(abi.op.d1_query, .{
        .results = &.{.{
            .columns = &.{ "id", "name", "x", "x" },
            .rows = sequence(.{ 1, "one", null, 2.5, 2, "two", d1.Blob{ .bytes = "\xff" }, 3 }),
            .row_count = 2,
            .meta = &.{ .changes = 4 },
        }},
        .bookmark = "b1",
    });
}

test "every type is bound as documented" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    const none: ?u8 = null;
    const some: ?[]const u8 = "s";
    const rows = .{
        .{ .{null}, "\xf6" },                                                           .{ .{true}, "\x01" },
        .{ .{false}, "\x00" },                                                          .{ .{@as(i8, -1)}, "\x20" },
        .{ .{@as(u16, 256)}, "\x19\x01\x00" },                                          .{ .{1.5}, "\xfb\x3f\xf8\x00\x00\x00\x00\x00\x00" },
        .{ .{@as(f32, -0.0)}, "\xfb\x80\x00\x00\x00\x00\x00\x00\x00" },                 .{ .{"é"}, "\x62é" },
        .{ .{"a\xffb"}, "\x65a\u{fffd}b" },                                             .{ .{none}, "\xf6" },
        .{ .{some}, "\x61s" },                                                          .{ .{d1.Blob{ .bytes = "\xff" }}, "\x41\xff" },
        .{ .{d1.Value{ .text = "t" }}, "\x61t" },                                       .{ .{ 1, "a", null }, "\x01\x61a\xf6" },
        .{ .{@as(i64, std.math.minInt(i64))}, "\x3b\x7f\xff\xff\xff\xff\xff\xff\xff" }, .{ .{@as(u64, std.math.maxInt(i64))}, "\x1b\x7f\xff\xff\xff\xff\xff\xff\xff" },
    };
    inline for (rows) |row| try std.testing.expectEqualSlices(u8, row[1], sequence(row[0]));
    const same = db.prepare("").bindValues(&.{ .null, .{ .integer = 1 }, .{ .real = 1.5 }, .{ .text = "t" }, .{ .bytes = "b" } });
    try std.testing.expectEqualSlices(u8, sequence(.{ null, 1, 1.5, "t", d1.Blob{ .bytes = "b" } }), same.params);
}

test "an integer that does not fit is refused when the statement runs" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    const s = db.prepare("SELECT ?").bind(.{@as(u64, std.math.maxInt(u64))});
    try std.testing.expectError(error.InvalidArgument, s.all());
    try equal("D1_TYPE_ERROR: Type 'u64' not supported for value '18446744073709551615'", pagesrun.lastFailure().message);
    try std.testing.expectError(error.InvalidArgument, db.batch(&.{ db.prepare("SELECT 1"), s }));
    try std.testing.expectEqual(0, host.asked.items.len);
    script(host);
    _ = try s.bind(.{1}).all();
}

test "rows are gone through, as values and as structs" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    script(host);
    const result = try db.query("SELECT", .{});
    try std.testing.expectEqual(2, result.len());
    try std.testing.expectEqual(4, result.meta.changes);
    var rows = result.rows();
    const kept = (try rows.next()).?;
    try equal("two", (try (try rows.next()).?.get("name")).text);
    try std.testing.expect(try rows.next() == null);
    try equal("one", kept.values[1].text);
    try std.testing.expectEqual(2.5, (try kept.get("x")).real);
    const Row = struct { name: []const u8, id: u8, x: ?f64 };
    const all = try result.as(Row);
    try std.testing.expectEqualDeep(&[_]Row{ .{ .name = "one", .id = 1, .x = 2.5 }, .{ .name = "two", .id = 2, .x = 3 } }, all);
}

test "what would lose something is an error that says the column" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    const columns = [_][]const u8{"c"};
    const rows = .{
        .{ d1.Value{ .real = 2.5 }, i64, "column c: REAL is not a i64" },
        .{ d1.Value{ .real = 0x1p63 }, i64, "column c: REAL is not a i64" },
        .{ d1.Value{ .integer = 256 }, u8, "column c: INTEGER is not a u8" },
        .{ d1.Value{ .text = "5" }, i64, "column c: TEXT is not a i64" },
        .{ d1.Value{ .bytes = "" }, f64, "column c: BLOB is not a f64" },
        .{ d1.Value{ .integer = 1 }, []const u8, "column c: INTEGER is not a []const u8" },
        .{ d1.Value.null, i64, "column c: NULL is not a i64" },
    };
    inline for (rows) |row| {
        const r = d1.Row{ .columns = &columns, .values = &.{row[0]} };
        try std.testing.expectError(error.InvalidArgument, r.as(struct { c: row[1] }));
        try equal(row[2], pagesrun.lastFailure().message);
    }
    const fits = d1.Row{ .columns = &columns, .values = &.{.{ .real = -5.0 }} };
    try std.testing.expectEqual(-5, (try fits.as(struct { c: i8 })).c);
    try std.testing.expectEqual(true, (try fits.as(struct { c: bool })).c);
    try std.testing.expectError(error.InvalidArgument, fits.as(struct { d: i8 }));
    try equal("D1_COLUMN_NOTFOUND: Column not found (d)", pagesrun.lastFailure().message);
}

test "the first row and its columns are found" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    for (0..3) |_| script(host);
    try equal("one", (try db.first("SELECT", .{}, "name")).?.text);
    try std.testing.expectError(error.InvalidArgument, db.first("SELECT", .{}, "y"));
    try std.testing.expectEqual(1, (try (try db.prepare("SELECT").first()).?.get("id")).integer);
    host.answer(abi.op.d1_query, .{ .results = &.{.{ .columns = &.{"a"} }} });
    try std.testing.expect(try db.first("SELECT", .{}, "y") == null);
    script(host);
    const raw = try db.prepare("SELECT").raw();
    try std.testing.expectEqual(2, raw.len);
    try std.testing.expect(raw[0][2] == .null);
}

test "statements overlap, and a batch is one message" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    script(host);
    script(host);
    const one = try db.prepare("SELECT 1").start();
    const two = try db.prepare("SELECT 2").start();
    _ = try two.wait();
    one.cancel();
    host.answer(abi.op.d1_query, .{ .results = &.{ .{}, .{ .row_count = 0, .columns = &.{"a"} } } });
    const results = try db.batch(&.{ db.prepare("A").bind(.{1}), db.prepare("B") });
    try equal("a", results[1].columns[0]);
    const sent = host.requests(abi.op.d1_query)[2];
    try equal("A", sent.statements[0].sql);
    try equal("\x01", sent.statements[0].params);
    try equal("", sent.session);
}

test "a session tells the host the newest bookmark that it has seen" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    var s = db.session("");
    for ([_][]const u8{ "b2", "b1", "b3" }) |bookmark| {
        host.answer(abi.op.d1_query, .{ .results = &.{.{}}, .bookmark = bookmark });
        _ = try s.prepare("SELECT").run();
    }
    try equal("b3", s.bookmark);
    const sent = host.requests(abi.op.d1_query);
    for (sent, [_][]const u8{ "first-unconstrained", "b2", "b2" }) |q, want| try equal(want, q.session);
    try equal("", db.session(abi.d1_first_primary).bookmark);
    try equal("zzz", db.session("zzz").bookmark);
}

test "rows that are incomplete or broken are an error" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    for ([_][]const u8{ "", "\x01", "\x01\xff", "\x01\x81\x01", "\x01\x62\xff\xff" }) |rows| {
        host.answer(abi.op.d1_query, .{ .results = &.{.{ .columns = &.{ "a", "b" }, .rows = rows, .row_count = 1 }} });
        try std.testing.expectError(error.BadMessage, db.first("SELECT", .{}, "a"));
    }
    host.answer(abi.op.d1_query, .{});
    try std.testing.expectError(error.BadMessage, db.query("SELECT", .{}));
}

test "a text of lines is run, and a dump fails" {
    var host = pagesrun.testing.Host.init(std.testing.allocator);
    defer host.deinit();
    host.answer(abi.op.d1_exec, .{ .count = 2, .duration_ms = 0.5 });
    try std.testing.expectEqual(2, (try db.exec("A\nB")).count);
    try std.testing.expectError(error.Unsupported, db.dump());
}
