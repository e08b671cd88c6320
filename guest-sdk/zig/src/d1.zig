//! D1 databases.

const std = @import("std");
const abi = @import("abi.zig");
const cbor = @import("cbor.zig");
const host = @import("host.zig");
const event = @import("event.zig");

/// A value in a database.
pub const Value = cbor.Scalar;

/// A D1 database, by the name of its binding.
pub const Database = struct {
    name: []const u8,

    /// Makes a statement with its parameters, given as a tuple: null, integers, floats, booleans, text ([]const u8), Blob, or Values.
    pub fn prepare(_: Database, sql: []const u8, params: anytype) abi.D1Statement {
        var w = cbor.Writer{ .gpa = event.allocator() };
        inline for (params) |p| append(&w, p);
        return .{ .sql = sql, .params = w.written() };
    }

    /// Runs a statement.
    pub fn query(db: Database, sql: []const u8, params: anytype) abi.Error!Result {
        return .{ .result = (try db.batch(&.{db.prepare(sql, params)}))[0] };
    }

    /// Runs a statement and gives the value in a column of its first row; null when there is no row.
    pub fn first(db: Database, sql: []const u8, params: anytype, column: []const u8) abi.Error!?Value {
        const all = try db.query(sql, params);
        const at = all.column(column);
        var it = all.rows();
        const row = it.next() orelse return null;
        if (at) |i| return row[i];
        host.failure = .{ .code = 17, .message = std.fmt.allocPrint(event.allocator(), "D1_COLUMN_NOTFOUND: Column not found ({s})", .{column}) catch @panic("out of memory") };
        return error.InvalidArgument;
    }

    /// Runs statements in one transaction, all or nothing.
    pub fn batch(db: Database, statements: []const abi.D1Statement) abi.Error![]const abi.D1Result {
        return (try host.invoke(db.name, abi.op.d1_query, &.{ .statements = statements })).results;
    }

    /// Runs a text of SQL, one item per line, in one transaction and without parameters. Gives how many lines were run.
    pub fn exec(db: Database, sql: []const u8) abi.Error!u32 {
        return (try host.invoke(db.name, abi.op.d1_exec, &.{ .sql = sql })).count;
    }
};

/// Bytes as a parameter: text is bytes too in Zig, so a BLOB says that it is one.
pub const Blob = struct { bytes: []const u8 };

fn append(w: *cbor.Writer, p: anytype) void {
    switch (@TypeOf(p)) {
        Value => switch (p) {
            .null => w.null(),
            .integer => |v| w.int64(v),
            .real => |v| w.float64(v),
            .text => |v| w.text(v),
            .bytes => |v| w.bytes(v),
        },
        Blob => w.bytes(p.bytes),
        @TypeOf(null) => w.null(),
        bool => w.int64(@intFromBool(p)),
        f64, f32, comptime_float => w.float64(p),
        i64, i32, i16, i8, u32, u16, u8, usize, comptime_int => w.int64(@intCast(p)),
        else => w.text(p),
    }
}

/// What a statement gave.
pub const Result = struct {
    /// Columns, rows and what the statement did.
    result: abi.D1Result,

    /// The place of a column; the last of several of that name.
    pub fn column(r: *const Result, name: []const u8) ?usize {
        var i = r.result.columns.len;
        while (i > 0) : (i -= 1) if (std.mem.eql(u8, r.result.columns[i - 1], name)) return i - 1;
        return null;
    }

    /// Goes through the rows.
    pub fn rows(r: *const Result) Rows {
        const room = event.allocator().alloc(Value, r.result.columns.len) catch @panic("out of memory");
        return .{ .left = r.result.row_count, .values = cbor.Reader.init(event.allocator(), r.result.rows), .room = room };
    }
};

/// The rows of a result.
pub const Rows = struct {
    left: u32,
    values: cbor.Reader,
    room: []Value,

    /// The values of the next row; they are overwritten by those of the one after it.
    pub fn next(r: *Rows) ?[]const Value {
        if (r.left == 0) return null;
        r.left -= 1;
        for (r.room) |*v| v.* = r.values.scalar() orelse return null;
        return r.room;
    }
};
