//! D1 databases.

const std = @import("std");
const abi = @import("abi.zig");
const cbor = @import("cbor.zig");
const host = @import("host.zig");
const memory = @import("memory.zig");

/// A value in a database.
pub const Value = cbor.Scalar;
/// What a statement did.
pub const Meta = abi.D1Meta;

/// Bytes as a parameter: text is bytes too in Zig, so a BLOB says that it is one.
pub const Blob = struct { bytes: []const u8 };

/// A D1 database, by the name of its binding.
pub const Database = struct {
    name: []const u8,

    /// Makes a statement of up to 100,000 bytes. Nothing is checked before it is run.
    pub fn prepare(db: Database, sql: []const u8) Statement {
        return .{ .database = db, .sql = sql };
    }

    /// Runs a statement with parameters; see Statement.bind.
    pub fn query(db: Database, sql: []const u8, params: anytype) abi.Error!Result {
        return db.prepare(sql).bind(params).all();
    }

    /// Runs a statement and gives the value in a column of its first row; see Statement.firstColumn.
    pub fn first(db: Database, sql: []const u8, params: anytype, column: []const u8) abi.Error!?Value {
        return db.prepare(sql).bind(params).firstColumn(column);
    }

    /// Runs statements in order, in one transaction: all of them take effect, or none. There is a result for each.
    pub fn batch(db: Database, statements: []const Statement) abi.Error![]const Result {
        return (try Running.start(db, null, statements)).all();
    }

    /// Begins a session: a chain of queries of which each sees at least what the one before has seen. from is abi.d1_first_unconstrained (also when
    /// empty), abi.d1_first_primary, or a bookmark of another session.
    pub fn session(db: Database, from: []const u8) Session {
        const constraint = std.mem.eql(u8, from, abi.d1_first_unconstrained) or std.mem.eql(u8, from, abi.d1_first_primary);
        return .{
            .database = db,
            .from = if (from.len == 0) abi.d1_first_unconstrained else from,
            .bookmark = if (constraint) "" else from,
        };
    }

    /// Runs a text of SQL in which every line that is not blank is a whole statement, or several, in one transaction and without parameters.
    /// Gives how many lines were run, and how long that took.
    pub fn exec(db: Database, sql: []const u8) abi.Error!abi.D1ExecReply {
        return host.invoke(db.name, abi.op.d1_exec, &.{ .sql = sql });
    }

    /// Always fails, as it does on the platform; "pagesrun d1 export" gives a database's content.
    pub fn dump(db: Database) abi.Error!void {
        _ = try host.invoke(db.name, abi.op.d1_dump, &.{});
    }
};

/// A chain of queries. It has to stay where it is while statements of it are used.
pub const Session = struct {
    database: Database,
    from: []const u8,
    /// Names the newest state of the database that the session has seen; empty before the first query of one that did not begin with a bookmark.
    bookmark: []const u8,

    /// Makes a statement that runs in the session.
    pub fn prepare(s: *Session, sql: []const u8) Statement {
        return .{ .database = s.database, .session = s, .sql = sql };
    }

    /// Runs statements in the session, in one transaction.
    pub fn batch(s: *Session, statements: []const Statement) abi.Error![]const Result {
        return (try Running.start(s.database, s, statements)).all();
    }

    /// Keeps the newer of two bookmarks, which are ordered as text.
    fn saw(s: *Session, bookmark: []const u8) void {
        if (std.mem.order(u8, bookmark, s.bookmark) == .gt) s.bookmark = bookmark;
    }
};

/// A statement, with values for its parameters.
pub const Statement = struct {
    database: Database,
    session: ?*Session = null,
    sql: []const u8,
    params: []const u8 = "",
    /// Why a value cannot be stored.
    problem: ?[]const u8 = null,

    /// The statement with other values, given as a tuple: null, integers, floats, booleans, text ([]const u8), Blob, Value, and optionals of these. An
    /// integer that needs more than 64 bits with a sign is refused when the statement runs.
    pub fn bind(s: Statement, values: anytype) Statement {
        var w = cbor.Writer{ .gpa = memory.allocator() };
        var other = s;
        other.problem = null;
        inline for (values) |v| append(&w, v, &other.problem);
        other.params = w.written();
        return other;
    }

    /// The statement with other values.
    pub fn bindValues(s: Statement, values: []const Value) Statement {
        var w = cbor.Writer{ .gpa = memory.allocator() };
        var other = s;
        other.problem = null;
        for (values) |v| append(&w, v, &other.problem);
        other.params = w.written();
        return other;
    }

    /// Runs the statement.
    pub fn all(s: Statement) abi.Error!Result {
        return (try s.start()).wait();
    }

    /// Runs the statement: the same as all, for those that give no rows.
    pub const run = all;

    /// Starts running the statement; several run at once.
    pub fn start(s: Statement) abi.Error!Running {
        return Running.start(s.database, s.session, &.{s});
    }

    /// Runs the statement and gives its first row; null when there is none.
    pub fn first(s: Statement) abi.Error!?Row {
        const result = try s.all();
        var it = result.rows();
        return it.next();
    }

    /// Runs the statement and gives the value in a column of its first row: null when there is no row. A column that is not there is an error.
    pub fn firstColumn(s: Statement, column: []const u8) abi.Error!?Value {
        const row = try s.first() orelse return null;
        return try row.get(column);
    }

    /// Runs the statement and gives its rows without names, in which columns of the same name stay apart.
    pub fn raw(s: Statement) abi.Error![]const []const Value {
        const result = try s.all();
        const values = memory.alloc([]const Value, result.len());
        var it = result.rows();
        for (values) |*v| v.* = (try it.next() orelse unreachable).values;
        return values;
    }
};

fn append(w: *cbor.Writer, v: anytype, problem: *?[]const u8) void {
    switch (@typeInfo(@TypeOf(v))) {
        .null => w.null(),
        .bool => w.int64(@intFromBool(v)),
        .float, .comptime_float => w.float64(v),
        .comptime_int => w.int64(v),
        .int => if (std.math.cast(i64, v)) |n| w.int64(n) else {
            problem.* = memory.print("D1_TYPE_ERROR: Type '{s}' not supported for value '{d}'", .{ @typeName(@TypeOf(v)), v });
        },
        .optional => if (v) |given| append(w, given, problem) else w.null(),
        else => switch (@TypeOf(v)) {
            Blob => w.bytes(v.bytes),
            Value => switch (v) {
                .null => w.null(),
                .integer => |n| w.int64(n),
                .real => |x| w.float64(x),
                .text => |text| w.text(text),
                .bytes => |bytes| w.bytes(bytes),
            },
            else => w.text(v),
        },
    }
}

/// Statements in progress.
pub const Running = struct {
    call: host.Call(abi.op.d1_query),
    session: ?*Session,

    fn start(db: Database, session: ?*Session, statements: []const Statement) abi.Error!Running {
        const messages = memory.alloc(abi.D1Statement, statements.len);
        for (messages, statements) |*m, s| {
            if (s.problem) |why| return host.refuse(.{ .code = abi.code_invalid_argument, .message = why });
            m.* = .{ .sql = s.sql, .params = s.params };
        }
        const from = if (session) |s| (if (s.bookmark.len != 0) s.bookmark else s.from) else "";
        return .{ .call = try host.start(db.name, abi.op.d1_query, &.{ .statements = messages, .session = from }), .session = session };
    }

    /// Waits for the result of the first statement.
    pub fn wait(r: Running) abi.Error!Result {
        const results = try r.all();
        if (results.len != 0) return results[0];
        return host.refuse(.{ .code = abi.code_bad_message, .message = "the reply has no result" });
    }

    /// Waits for the results of all statements.
    pub fn all(r: Running) abi.Error![]const Result {
        const reply = try r.call.wait();
        if (r.session) |s| s.saw(reply.bookmark);
        const results = memory.alloc(Result, reply.results.len);
        for (results, reply.results) |*to, *from| to.* = .{ .columns = from.columns, .meta = if (from.meta) |m| m.* else .{}, .message = from };
        return results;
    }

    /// Says that nobody will ask for the results.
    pub fn cancel(r: Running) void {
        r.call.cancel();
    }
};

/// What a statement gave.
pub const Result = struct {
    /// The names of the columns. A name may stand there twice.
    columns: []const []const u8,
    /// What the statement did.
    meta: Meta,
    message: *const abi.D1Result,

    /// How many rows there are.
    pub fn len(r: *const Result) usize {
        return r.message.row_count;
    }

    /// Goes through the rows.
    pub fn rows(r: *const Result) Rows {
        return .{ .columns = r.columns, .left = r.len(), .reader = cbor.Reader.init(memory.allocator(), r.message.rows) };
    }

    /// All rows as values of T; see Row.as.
    pub fn as(r: *const Result, comptime T: type) abi.Error![]const T {
        const all = memory.alloc(T, r.len());
        var it = r.rows();
        for (all) |*v| v.* = try (try it.next() orelse unreachable).as(T);
        return all;
    }
};

/// The rows of a result.
pub const Rows = struct {
    columns: []const []const u8,
    left: usize,
    reader: cbor.Reader,

    /// The next row; null after the last.
    pub fn next(r: *Rows) abi.Error!?Row {
        if (r.left == 0) return null;
        r.left -= 1;
        const values = memory.alloc(Value, r.columns.len);
        for (values) |*v| v.* = r.reader.scalar() orelse
            return host.refuse(.{ .code = abi.code_bad_message, .message = r.reader.problem orelse "the rows are incomplete" });
        return .{ .columns = r.columns, .values = values };
    }
};

/// A row, with a value for each column.
pub const Row = struct {
    columns: []const []const u8,
    values: []const Value,

    /// The value of a column; of the last of several of that name. A column that is not there is an error.
    pub fn get(r: Row, column: []const u8) abi.Error!Value {
        var i = r.columns.len;
        while (i > 0) : (i -= 1) if (std.mem.eql(u8, r.columns[i - 1], column)) return r.values[i - 1];
        return refuse("D1_COLUMN_NOTFOUND: Column not found ({s})", .{column});
    }

    /// The row as a struct whose fields have the names of columns: integers, floats, bool, []const u8 (TEXT and BLOB), Value, and optionals of these where
    /// NULL may stand. What would lose something is an error.
    pub fn as(r: Row, comptime T: type) abi.Error!T {
        var row: T = undefined;
        inline for (@typeInfo(T).@"struct".fields) |f| {
            @field(row, f.name) = try scan(f.type, try r.get(f.name), f.name);
        }
        return row;
    }
};

fn refuse(comptime format: []const u8, args: anytype) abi.Error {
    return host.refuse(.{ .code = abi.code_invalid_argument, .message = memory.print(format, args) });
}

/// A value as one of T, where nothing is lost.
fn scan(comptime T: type, v: Value, column: []const u8) abi.Error!T {
    const name = switch (v) {
        .null => "NULL",
        .integer => "INTEGER",
        .real => "REAL",
        .text => "TEXT",
        .bytes => "BLOB",
    };
    if (T == Value) return v;
    switch (@typeInfo(T)) {
        .optional => |o| return if (v == .null) null else try scan(o.child, v, column),
        .bool => if (number(i64, v)) |n| return n != 0,
        .int => if (number(T, v)) |n| return n,
        .float => switch (v) {
            .integer => |n| return @floatFromInt(n),
            .real => |x| return @floatCast(x),
            else => {},
        },
        else => switch (v) {
            .text, .bytes => |text| return text,
            else => {},
        },
    }
    return refuse("column {s}: {s} is not a {s}", .{ column, name, @typeName(T) });
}

/// A whole number that fits.
fn number(comptime T: type, v: Value) ?T {
    return switch (v) {
        .integer => |n| std.math.cast(T, n),
        .real => |x| if (x == @trunc(x) and x >= -0x1p63 and x < 0x1p63) std.math.cast(T, @as(i64, @intFromFloat(x))) else null,
        else => null,
    };
}
