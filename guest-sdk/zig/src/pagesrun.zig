//! Write functions for pagesrun in Zig.
//!
//!     const pagesrun = @import("pagesrun");
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

pub const abi = @import("abi.zig");
pub const cbor = @import("cbor.zig");
pub const d1 = @import("d1.zig");
pub const kv = @import("kv.zig");
pub const queues = @import("queues.zig");

const event = @import("event.zig");
const host = @import("host.zig");
const http = @import("http.zig");

pub const Error = abi.Error;
pub const Context = event.Context;
pub const Request = http.Request;
pub const Response = http.Response;
pub const Header = http.Header;
pub const Pipe = http.Pipe;
pub const Batch = queues.Batch;
pub const ScheduledEvent = abi.ScheduledEvent;
pub const readAll = http.readAll;
pub const wait = host.wait;
pub const invoke = host.invoke;

/// Memory that lives until the end of the event.
pub const allocator = event.allocator;

/// Makes the public functions fetch, scheduled and queue of Program its handlers, as far as it has them, and warm what runs once
/// before the first event.
pub fn handle(comptime Program: type) void {
    const exports = struct {
        fn handleEvent() callconv(.c) void {
            event.run(Program);
        }
        fn warm() callconv(.c) void {
            if (@hasDecl(Program, "warm")) Program.warm();
            event.endWarm();
        }
    };
    @export(&exports.handleEvent, .{ .name = "pagesrun_handle" });
    @export(&exports.warm, .{ .name = "pagesrun_warm" });
}

/// What went wrong last: the code's number, a sentence with the platform's exact text where it has one, and the platform's status.
pub fn lastFailure() abi.Failure {
    return host.failure;
}

/// A variable; null when there is none of that name. One that is not a string in the configuration is its JSON form.
pub fn variable(name: []const u8) ?[]const u8 {
    return (invoke(name, abi.op.vars_get, &.{}) catch return null).value;
}

/// A secret; null when there is none of that name.
pub fn secret(name: []const u8) ?[]const u8 {
    return (invoke(name, abi.op.secrets_get, &.{}) catch return null).value;
}

/// A data point for Analytics Engine. It never fails: a point beyond a limit is dropped, counted and logged by the host.
pub fn writeDataPoint(dataset: []const u8, point: abi.AnalyticsWriteRequest) void {
    _ = invoke(dataset, abi.op.analytics_write, &point) catch {};
}

/// How important a line of the log is.
pub const Level = enum(u32) { debug = abi.log_debug, info = abi.log_info, warn = abi.log_warn, err = abi.log_error };

/// Writes a line to the host's log.
pub fn log(level: Level, comptime format: []const u8, args: anytype) void {
    const text = @import("std").fmt.allocPrint(allocator(), format, args) catch @panic("out of memory");
    host.log(@intFromEnum(level), text);
}
