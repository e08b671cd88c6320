//! Write functions for pagesrun in Zig.
//!
//!     const pagesrun = @import("pagesrun");
//!
//!     pub const std_options = pagesrun.std_options;
//!     pub const panic = pagesrun.panic;
//!
//!     pub fn fetch(req: *pagesrun.Request, ctx: *pagesrun.Context) !pagesrun.Response {
//!         _ = ctx;
//!         return pagesrun.Response.print("Hello from {s}\n", .{req.path()});
//!     }
//!
//!     comptime {
//!         pagesrun.handle(@This());
//!     }
//!
//! Everything the functions of this package give (text, bytes, rows) lives until the end of the event and needs no free. What went wrong
//! is an error of the set Error; lastFailure has the sentence to it.

const std = @import("std");
const builtin = @import("builtin");

/// The messages of the ABI, its operations, limits and codes.
pub const abi = @import("abi.zig");
/// The encoding of messages.
pub const cbor = @import("cbor.zig");
/// D1 databases.
pub const d1 = @import("d1.zig");
/// JSON documents and values of Zig types.
pub const json = @import("json.zig");
/// KV namespaces.
pub const kv = @import("kv.zig");
/// Queues: sending messages and consuming them.
pub const queues = @import("queues.zig");
/// A host in memory, to test handlers with "zig test".
pub const testing = @import("testing.zig");

const event = @import("event.zig");
const host = @import("host.zig");
const http = @import("http.zig");
const memory = @import("memory.zig");
const random = @import("random.zig");
const streams = @import("stream.zig");

/// One error for each stable code; lastFailure has more.
pub const Error = abi.Error;
/// What went wrong: code, text and status.
pub const Failure = abi.Failure;
/// Names a call or a stream within one event.
pub const Handle = abi.Handle;
/// The running event.
pub const Context = event.Context;
/// An HTTP request.
pub const Request = http.Request;
/// An answer to a request.
pub const Response = http.Response;
/// A header field.
pub const Header = http.Header;
/// Bytes to read.
pub const Stream = streams.Stream;
/// The end of a pipe to write to.
pub const Writer = streams.Writer;
/// Two ends of a stream.
pub const Pipe = streams.Pipe;
/// Messages of a queue, to consume.
pub const Batch = queues.Batch;
/// One delivery of a message.
pub const Message = queues.Message;
/// The tick of a cron trigger.
pub const ScheduledEvent = abi.ScheduledEvent;
/// An operation that has begun.
pub const Call = host.Call;
/// Starts an operation of abi.op on a binding: pagesrun.start("KV", pagesrun.abi.op.kv_get, &.{ .key = "a" }).
pub const start = host.start;
/// Performs an operation of abi.op on a binding and waits for its reply.
pub const invoke = host.invoke;
/// Waits until one of several handles is ready.
pub const wait = host.wait;
/// Sleeps, for a time in nanoseconds.
pub const sleep = host.sleep;
/// What std_options has as cryptoRandomSeed.
pub const randomSeed = random.seed;

/// Memory that lives until the end of the event. What is allocated in warm lives for ever.
pub const allocator = memory.allocator;

/// Makes the public functions fetch, scheduled and queue of Program its handlers, as far as it has them, and warm what runs once
/// before the first event. A program with warm needs std_options, so that random numbers drawn there are not drawn again in every event.
pub fn handle(comptime Program: type) void {
    if (builtin.cpu.arch.isWasm() and @hasDecl(Program, "warm") and !std.options.crypto_always_getrandom)
        @compileError("a program with warm needs in its main file: pub const std_options = pagesrun.std_options;");
    const exports = struct {
        fn handleEvent() callconv(.c) void {
            event.run(Program);
        }
        fn warm() callconv(.c) void {
            if (@hasDecl(Program, "warm")) Program.warm();
            memory.beginEvents();
        }
    };
    @export(&exports.handleEvent, .{ .name = "pagesrun_handle" });
    @export(&exports.warm, .{ .name = "pagesrun_warm" });
}

/// What went wrong last: the code's number, a sentence with the platform's exact text where it has one, and the platform's status, 0 when it has
/// none. It belongs to the error that was returned last.
pub fn lastFailure() Failure {
    return host.lastFailure();
}

/// Makes an error with a sentence, for a handler to return: it stands in the log, and is the reason why the event failed.
pub fn fail(comptime format: []const u8, args: anytype) error{Failed} {
    host.explain(error.Failed, memory.print(format, args));
    return error.Failed;
}

/// A variable; null when there is none of that name. One that is not a string in the configuration is its JSON form. A secret of that name
/// answers too. Reading it in warm costs events nothing.
pub fn variable(name: []const u8) ?[]const u8 {
    return (invoke(name, abi.op.vars_get, &.{}) catch |err| return absent("variable", name, err)).value;
}

/// A secret; null when there is none of that name. Unlike variable it does not find plain variables.
pub fn secret(name: []const u8) ?[]const u8 {
    return (invoke(name, abi.op.secrets_get, &.{}) catch |err| return absent("secret", name, err)).value;
}

/// Tells a name that is not there, which is an answer, from a failure, which is logged.
fn absent(comptime what: []const u8, name: []const u8, err: Error) ?[]const u8 {
    if (err != error.NotConfigured and err != error.WrongKind) log(.err, what ++ " {s}: {s}", .{ name, lastFailure().message });
    return null;
}

/// A data point for Analytics Engine.
pub const Point = struct {
    /// What the point is about, such as a customer; at most 96 bytes.
    index: []const u8 = "",
    /// Up to 20 texts of together at most 16,000 bytes. An empty one holds its place.
    blobs: []const []const u8 = &.{},
    /// Up to 20 numbers.
    doubles: []const f64 = &.{},
};

/// Writes a data point to a dataset. It never fails and never waits: a point beyond a limit is dropped, counted and logged by the host. An event
/// may write up to 250 of them.
pub fn writeDataPoint(dataset: []const u8, point: Point) void {
    const indexes = [_][]const u8{point.index};
    const n: usize = if (point.index.len == 0) 0 else 1;
    host.tell(dataset, abi.op.analytics_write, &.{ .indexes = indexes[0..n], .blobs = point.blobs, .doubles = point.doubles }) catch {};
}

/// How important a line of the log is.
pub const Level = enum(u32) { debug = abi.log_debug, info = abi.log_info, warn = abi.log_warn, err = abi.log_error };

/// Writes a line to the host's log, attributed to the event.
pub fn log(level: Level, comptime format: []const u8, args: anytype) void {
    const text = memory.print(format, args);
    defer memory.allocator().free(text);
    host.log(@intFromEnum(level), text);
}

/// What the standard library asks of a program: std.log writes to the host's log, and std.crypto.random draws from the host, in every event anew
/// and on wasm32-freestanding too. A program with options of its own takes these fields over.
pub const std_options: std.Options = .{
    .log_level = .debug,
    .logFn = standardLog,
    .cryptoRandomSeed = random.seed,
    .crypto_always_getrandom = true,
};

fn standardLog(comptime level: std.log.Level, comptime scope: @TypeOf(.enum_literal), comptime format: []const u8, args: anytype) void {
    const prefix = if (scope == .default) "" else @tagName(scope) ++ ": ";
    log(@field(Level, @tagName(level)), prefix ++ format, args);
}

/// Writes why the program ends to the host's log. Use it as "pub const panic = pagesrun.panic;" in the main file; without it a panic on
/// wasm32-freestanding ends the event silently.
pub const panic = std.debug.FullPanic(panicked);

fn panicked(text: []const u8, _: ?usize) noreturn {
    host.log(abi.log_error, text);
    @trap();
}
