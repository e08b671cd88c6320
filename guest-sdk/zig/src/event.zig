//! Events: what happens when the host calls.

const std = @import("std");
const abi = @import("abi.zig");
const cbor = @import("cbor.zig");
const host = @import("host.zig");
const http = @import("http.zig");
const queues = @import("queues.zig");

var arena = std.heap.ArenaAllocator.init(std.heap.wasm_allocator);

/// Memory that lives until the end of the event. What is allocated before the first event lives for ever.
pub fn allocator() std.mem.Allocator {
    return if (warm) std.heap.wasm_allocator else arena.allocator();
}

var warm = true;

/// How much memory events find ready, in bytes, so that small ones need not ask the engine for any.
const ready_bytes = 64 << 10;

/// Ends the preparation of the instance.
pub fn endWarm() void {
    warm = false;
    _ = arena.allocator().alloc(u8, ready_bytes) catch @panic("out of memory");
    _ = arena.reset(.retain_capacity);
}

/// The running event.
pub const Context = struct {
    /// The event's name in the host's log and in the errors it shows to clients.
    id: []const u8,
    /// When the event began, in milliseconds since the Unix epoch.
    time_ms: i64,
    responded: bool = false,

    /// Sends the response now instead of when the handler returns; the function may keep working. What the handler returns later is
    /// ignored.
    pub fn respond(ctx: *Context, response: http.Response) abi.Error!void {
        if (ctx.responded) return error.AlreadyResponded;
        ctx.responded = true;
        return response.send();
    }
};

/// Runs the event behind handle 0 with the handlers that Program has: fetch, scheduled, queue.
pub fn run(comptime Program: type) void {
    if (warm) endWarm();
    defer _ = arena.reset(.retain_capacity);
    const message = host.take(0) catch @panic("there is no event");
    var r = cbor.Reader.init(allocator(), message);
    const e = abi.Event.decode(&r);
    if (r.close()) |why| @panic(why);
    var ctx = Context{ .id = e.id, .time_ms = e.time_ms };
    dispatch(Program, &e, &ctx) catch |err| fail(err);
}

fn dispatch(comptime Program: type, e: *const abi.Event, ctx: *Context) anyerror!void {
    if (e.fetch) |fetch| {
        if (@hasDecl(Program, "fetch")) return answer(Program.fetch, fetch, ctx);
    } else if (e.scheduled) |scheduled| {
        if (@hasDecl(Program, "scheduled")) return Program.scheduled(scheduled, ctx);
    } else if (e.queue) |queue| {
        if (@hasDecl(Program, "queue")) return Program.queue(queues.Batch.of(queue), ctx);
    }
    return missing(e.kind);
}

fn missing(kind: []const u8) anyerror {
    const text = std.fmt.allocPrint(allocator(), "Handler does not export a {s}() function.", .{kind}) catch @panic("out of memory");
    host.failure = .{ .message = text };
    return error.NoHandler;
}

/// Answers a request. The failure of a handler is the client's 500, unless the client has its answer.
fn answer(comptime fetch: anytype, request: *const abi.FetchEvent, ctx: *Context) anyerror!void {
    var req = http.Request.of(request);
    const response = fetch(&req, ctx) catch |err| {
        host.log(abi.log_error, reason(err));
        if (ctx.responded) return err;
        const text = std.fmt.allocPrint(allocator(), "Internal Server Error (event {s})\n", .{ctx.id}) catch @panic("out of memory");
        return ctx.respond(.{ .status = 500, .body = text });
    };
    if (!ctx.responded) try ctx.respond(response);
}

/// The text of an error: what the host said about it, or its name.
fn reason(err: anyerror) []const u8 {
    if (host.failure.message.len == 0) return @errorName(err);
    return std.fmt.allocPrint(allocator(), "handler: {s}: {s}", .{ @errorName(err), host.failure.message }) catch @panic("out of memory");
}

/// Tells the host that the event has failed.
fn fail(err: anyerror) void {
    const message = if (err == error.NoHandler) host.failure.message else reason(err);
    _ = host.invoke("", abi.op.fail, &.{ .message = message }) catch {};
}
