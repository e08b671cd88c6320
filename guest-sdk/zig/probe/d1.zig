//! The operations on D1.

const std = @import("std");
const pagesrun = @import("pagesrun");
const probe = @import("probe.zig");
const Probe = probe.Probe;
const d1 = pagesrun.d1;

/// What this file can perform.
pub const operations = [_]probe.Operation{
    .{ "d1.query", query }, .{ "d1.first", first },     .{ "d1.raw", raw },   .{ "d1.exec", exec },
    .{ "d1.dump", dump },   .{ "d1.session", session }, .{ "d1.many", many }, .{ "d1.async", concurrently },
};

/// The statements of the body.
fn statements(p: *Probe, from: anytype) ![]d1.Statement {
    const gpa = pagesrun.allocator();
    var all: std.ArrayListUnmanaged(d1.Statement) = .{};
    var values: std.ArrayListUnmanaged(d1.Value) = .{};
    var lines = probe.Lines{ .left = try p.body() };
    while (lines.next()) |line| {
        const rest = if (line.len > 2) line[2..] else "";
        if (line[0] == 'S') {
            values = .{};
            try all.append(gpa, from.prepare(unescape(rest)));
            continue;
        }
        try values.append(gpa, parsed(line[0], rest));
        const last = &all.items[all.items.len - 1];
        last.* = last.bindValues(values.items);
    }
    return all.items;
}

/// A value as a line of the body has it.
fn parsed(kind: u8, text: []const u8) d1.Value {
    return switch (kind) {
        'i' => .{ .integer = probe.integer(text) },
        'r' => .{ .real = @bitCast(std.fmt.parseInt(u64, text, 16) catch @panic("bits were expected")) },
        't' => .{ .text = unescape(text) },
        'b' => .{ .bytes = unescape(text) },
        'T' => .{ .integer = 1 },
        'F' => .{ .integer = 0 },
        'x' => .{ .text = probe.fill(@intCast(probe.integer(text)), 'x') },
        'z' => .{ .bytes = probe.fill(@intCast(probe.integer(text)), 0) },
        else => .null,
    };
}

/// Bytes that were written as show does.
fn unescape(text: []const u8) []const u8 {
    const out = probe.fill(text.len, 0);
    var n: usize = 0;
    var i: usize = 0;
    while (i < text.len) : (n += 1) {
        if (text[i] == '%') {
            out[n] = std.fmt.parseInt(u8, text[i + 1 .. i + 3], 16) catch @panic("an escape was expected");
            i += 3;
        } else {
            out[n] = text[i];
            i += 1;
        }
    }
    return out[0..n];
}

fn database(p: *Probe) d1.Database {
    return .{ .name = p.target };
}

fn query(p: *Probe) !void {
    const all = try statements(p, database(p));
    if (all.len == 1 and !p.flag("batch")) return showResult(p, try all[0].all());
    for (try database(p).batch(all)) |r| try showResult(p, r);
}

fn first(p: *Probe) !void {
    const value = try (try statements(p, database(p)))[0].firstColumn(p.param("column")) orelse d1.Value.null;
    if (value == .null) return p.text("missing\n");
    showValue(p, value);
    p.text("\n");
}

fn raw(p: *Probe) !void {
    const result = try (try statements(p, database(p)))[0].all();
    p.text("row");
    for (result.columns) |name| showNext(p, .{ .text = name });
    p.text("\n");
    try showRows(p, result);
}

fn exec(p: *Probe) !void {
    const r = try database(p).exec(try p.body());
    p.print("count={d} duration={s}\n", .{ r.count, yes(r.duration_ms >= 0) });
}

fn dump(p: *Probe) !void {
    return database(p).dump();
}

fn session(p: *Probe) !void {
    var s = database(p).session(p.param("from"));
    showBookmark(p, &s);
    for (try statements(p, &s)) |statement| {
        try showResult(p, (try s.batch(&.{statement}))[0]);
        showBookmark(p, &s);
    }
}

fn showBookmark(p: *Probe, s: *const d1.Session) void {
    p.text("bookmark ");
    p.show(s.bookmark);
    p.text("\n");
}

fn many(p: *Probe) !void {
    const all = try statements(p, database(p));
    for (0..p.count("n", 0)) |i| {
        _ = all[0].run() catch |err| {
            p.failed(err);
            return p.print("after {d}\n", .{i});
        };
    }
    p.done();
}

fn concurrently(p: *Probe) !void {
    const all = try statements(p, database(p));
    const running = try pagesrun.allocator().alloc(d1.Running, all.len);
    for (running, all) |*r, s| r.* = try s.start();
    for (running) |r| try showResult(p, try r.wait());
}

fn showResult(p: *Probe, r: d1.Result) !void {
    p.text("columns");
    for (r.columns) |name| {
        p.text(" ");
        p.show(name);
    }
    p.text("\n");
    try showRows(p, r);
    const m = r.meta;
    p.print("changes={d} last_row_id={d} changed_db={s} rows_read={d} rows_written={d} size={s} duration={s} served_by={s}\n", .{
        m.changes,               m.last_row_id,             yes(m.changed_db),
        m.rows_read,             m.rows_written,            yes(m.size_after > 0),
        yes(m.duration_ms >= 0), yes(m.served_by.len != 0),
    });
}

fn showRows(p: *Probe, r: d1.Result) !void {
    var rows = r.rows();
    while (try rows.next()) |row| {
        p.text("row");
        for (row.values) |v| showNext(p, v);
        p.text("\n");
    }
}

/// Writes a space and a value.
fn showNext(p: *Probe, v: d1.Value) void {
    p.text(" ");
    showValue(p, v);
}

/// Writes a value with the letter of its type.
fn showValue(p: *Probe, v: d1.Value) void {
    switch (v) {
        .null => p.text("n"),
        .integer => |n| p.print("i:{d}", .{n}),
        .real => |x| p.print("r:{x:0>16}", .{@as(u64, @bitCast(x))}),
        .text => |text| {
            p.text("t:");
            p.show(text);
        },
        .bytes => |bytes| {
            p.text("b:");
            p.show(bytes);
        },
    }
}

fn yes(v: bool) []const u8 {
    return if (v) "yes" else "no";
}
