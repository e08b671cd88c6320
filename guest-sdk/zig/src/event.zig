//! Events: what happens when the host calls.

const std = @import("std");
const abi = @import("abi.zig");
const cbor = @import("cbor.zig");
const host = @import("host.zig");
const http = @import("http.zig");
const memory = @import("memory.zig");
const queues = @import("queues.zig");
const streams = @import("stream.zig");

/// Something to do after the handler has returned.
const Task = struct {
    next: ?*Task = null,
    perform: *const fn (task: *Task) anyerror!void,
};

/// The running event.
pub const Context = struct {
    /// The event's name in the host's log and in the errors it shows to clients.
    id: []const u8,
    /// When the event began, in milliseconds since the Unix epoch.
    time_ms: i64,
    responded: bool = false,
    /// There is nobody to respond to.
    silent: bool = false,
    first: ?*Task = null,
    last: ?*Task = null,

    /// Sends the response now instead of when the handler returns; the function may keep working. What the handler returns later is
    /// ignored. A second response is the error AlreadyResponded, one to an event that is no request InvalidArgument.
    pub fn respond(ctx: *Context, response: http.Response) abi.Error!void {
        if (ctx.silent) return host.refuse(.{ .code = abi.code_invalid_argument, .message = "respond: only a fetch event has a response" });
        if (ctx.responded) return host.refuse(.{ .code = abi.code_already_responded, .message = "the event has been answered already" });
        ctx.responded = true;
        return response.send();
    }

    /// Sends the response now and gives the writer of its body: what is written goes out at once. Close it; a body whose writer is aborted or left open cuts
    /// the connection, so that the client knows that it is incomplete.
    pub fn stream(ctx: *Context, response: http.Response) abi.Error!streams.Writer {
        const pipe = try streams.Pipe.open();
        var other = response;
        other.stream = pipe.readable;
        try ctx.respond(other);
        return pipe.writer;
    }

    /// Has f(args...) run after the response was sent. The event lasts until all that was given to waitUntil has run, one after the other. An error from
    /// it makes the outcome of the event an exception.
    pub fn waitUntil(ctx: *Context, comptime f: anytype, args: anytype) void {
        const Job = struct {
            task: Task,
            args: @TypeOf(args),

            fn perform(task: *Task) anyerror!void {
                const job: *@This() = @fieldParentPtr("task", task);
                switch (@typeInfo(@TypeOf(@call(.auto, f, job.args)))) {
                    .error_union => _ = try @call(.auto, f, job.args),
                    else => _ = @call(.auto, f, job.args),
                }
            }
        };
        const job = &memory.alloc(Job, 1)[0];
        job.* = .{ .task = .{ .perform = Job.perform }, .args = args };
        if (ctx.last) |last| last.next = &job.task else ctx.first = &job.task;
        ctx.last = &job.task;
    }

    /// Says that the event has failed, as a handler's error does; the first to say so is heard. After a request has been answered it changes the outcome in
    /// log and metrics alone.
    pub fn fail(_: *Context, comptime format: []const u8, args: anytype) void {
        failed(memory.print(format, args));
    }

    fn runTasks(ctx: *Context) void {
        while (ctx.first) |task| {
            ctx.first = task.next;
            if (task.next == null) ctx.last = null;
            task.perform(task) catch |err| failed(reason(err));
        }
    }
};

/// Runs the event behind handle 0 with the handlers that Program has: fetch, scheduled, queue.
pub fn run(comptime Program: type) void {
    memory.beginEvents();
    defer memory.endEvent();
    host.forget();
    const message = host.take(0) catch @panic("there is no event");
    var r = cbor.Reader.init(memory.allocator(), message);
    const e = abi.Event.decode(&r);
    if (r.close()) |why| @panic(why);
    var ctx = Context{ .id = e.id, .time_ms = e.time_ms, .silent = e.fetch == null };
    dispatch(Program, &e, &ctx) catch |err| failed(reason(err));
    ctx.runTasks();
}

fn dispatch(comptime Program: type, e: *const abi.Event, ctx: *Context) anyerror!void {
    if (e.fetch) |fetch| {
        if (@hasDecl(Program, "fetch")) return answer(Program.fetch, fetch, ctx);
    } else if (e.scheduled) |scheduled| {
        if (@hasDecl(Program, "scheduled")) return Program.scheduled(scheduled, ctx);
    } else if (e.queue) |queue| {
        if (@hasDecl(Program, "queue")) return Program.queue(queues.Batch.of(queue), ctx);
    }
    failed(memory.print("Handler does not export a {s}() function.", .{e.kind}));
}

/// Answers a request. The failure of a handler is the event's, and the client's 500 unless the client has its answer.
fn answer(comptime fetch: anytype, request: *const abi.FetchEvent, ctx: *Context) anyerror!void {
    var req = http.Request.of(request);
    const response = @as(anyerror!http.Response, fetch(&req, ctx)) catch |err| {
        host.log(abi.log_error, memory.print("handler: {s}", .{reason(err)}));
        if (!ctx.responded) try ctx.respond(http.Response.print("Internal Server Error (event {s})\n", .{ctx.id}).with(500));
        return err;
    };
    if (!ctx.responded) try ctx.respond(response);
}

/// The text of an error: the sentence that was given with it, or its name.
fn reason(err: anyerror) []const u8 {
    const text = host.textOf(err) orelse return @errorName(err);
    return if (err == error.Failed) text else memory.print("{s}: {s}", .{ @errorName(err), text });
}

/// Tells the host that the event has failed. Where that is not possible the instance ends, so that a failure never passes for a success.
fn failed(message: []const u8) void {
    host.tell("", abi.op.fail, &.{ .message = message }) catch @panic(message);
}
