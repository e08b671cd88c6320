//! The seven host functions, and calls made with them. Where there is no WebAssembly the host is testing.Host.

const std = @import("std");
const builtin = @import("builtin");
const abi = @import("abi.zig");
const cbor = @import("cbor.zig");
const memory = @import("memory.zig");

const functions = if (builtin.cpu.arch.isWasm()) imports else @import("testing.zig").functions;

const imports = struct {
    extern "pagesrun_v1" fn call(target: [*]const u8, target_len: usize, op: [*]const u8, op_len: usize, msg: [*]const u8, msg_len: usize) i32;
    extern "pagesrun_v1" fn wait(handles: [*]const u32, n: usize, timeout_ns: i64) i32;
    extern "pagesrun_v1" fn result(handle: u32, ptr: [*]u8, cap: usize) i32;
    extern "pagesrun_v1" fn read(stream: u32, ptr: [*]u8, cap: usize) i32;
    extern "pagesrun_v1" fn write(stream: u32, ptr: [*]const u8, len: usize) i32;
    extern "pagesrun_v1" fn close(handle: u32, reason: u32) i32;
    extern "pagesrun_v1" fn log(level: u32, ptr: [*]const u8, len: usize) i32;
};

/// Where a slice lies. That of an empty one may be anything in Zig, and has to be within memory for the host.
fn at(bytes: anytype) @TypeOf(bytes.ptr) {
    return if (bytes.len != 0) bytes.ptr else @ptrCast(&nowhere);
}
var nowhere: u64 = 0;

/// What went wrong last, and the error that said so.
var failure: abi.Failure = .{};
var failed: ?anyerror = null;

/// What went wrong last.
pub fn lastFailure() abi.Failure {
    return failure;
}

/// The sentence that belongs to an error, where it is what went wrong last.
pub fn textOf(err: anyerror) ?[]const u8 {
    return if ((failed orelse return null) == err and failure.message.len != 0) failure.message else null;
}

/// Keeps what went wrong and gives the error that says so.
pub fn refuse(what: abi.Failure) abi.Error {
    const err = abi.errorOf(what.code);
    failure = what;
    failed = err;
    return err;
}

/// Keeps a sentence to an error that has no code.
pub fn explain(err: anyerror, text: []const u8) void {
    failure = .{ .code = abi.code_internal, .message = text };
    failed = err;
}

/// Forgets what went wrong: its text was memory of an event that is over.
pub fn forget() void {
    failure = .{};
    failed = null;
}

/// Turns what a host function returned into a count or an error.
fn checked(what: []const u8, n: i32) abi.Error!u32 {
    if (n >= 0) return @intCast(n);
    const code: u32 = @intCast(-n);
    if (code == abi.code_would_block) return error.WouldBlock;
    return refuse(.{ .code = code, .message = memory.print("pagesrun {s}: {s}", .{ what, abi.codeName(code) }) });
}

/// An operation that has begun. Several of them run at the same time; wait in any order.
pub fn Call(comptime operation: anytype) type {
    return struct {
        /// Ready for pagesrun.wait when the reply can be taken.
        handle: abi.Handle,

        /// Waits for the reply and takes it, once. It lives until the end of the event.
        pub fn wait(c: @This()) abi.Error!@TypeOf(operation).Reply {
            return finish(c.handle, operation);
        }

        /// Says that nobody will ask for the reply. An operation that has not finished may or may not take effect.
        pub fn cancel(c: @This()) void {
            close(c.handle, abi.close_abort);
        }
    };
}

/// Starts an operation of abi.op on a binding; the request is copied.
pub fn start(target: []const u8, comptime operation: anytype, request: *const @TypeOf(operation).Request) abi.Error!Call(operation) {
    var w = cbor.Writer{ .gpa = memory.allocator() };
    request.encode(&w);
    defer w.free();
    const msg = w.written();
    const n = functions.call(at(target), target.len, operation.name.ptr, operation.name.len, msg.ptr, msg.len);
    return .{ .handle = try checked("call " ++ operation.name, n) };
}

/// Waits for the reply of an operation and takes it.
fn finish(handle: abi.Handle, comptime operation: anytype) abi.Error!@TypeOf(operation).Reply {
    _ = try wait(&.{handle}, -1);
    var r = cbor.Reader.init(memory.allocator(), try take(handle));
    var first = r;
    var it = first.map();
    if (it.next(&first) and it.key == 0) return refuse(abi.Failure.decode(&first));
    const reply = @TypeOf(operation).Reply.decode(&r);
    if (r.close()) |why| return refuse(.{ .code = abi.code_bad_message, .message = why });
    return reply;
}

/// Performs an operation of abi.op on a binding and waits for its reply, which lives until the end of the event.
pub fn invoke(target: []const u8, comptime operation: anytype, request: *const @TypeOf(operation).Request) abi.Error!@TypeOf(operation).Reply {
    return (try start(target, operation, request)).wait();
}

/// Performs an operation that answers at once and whose reply says nothing.
pub fn tell(target: []const u8, comptime operation: anytype, request: *const @TypeOf(operation).Request) abi.Error!void {
    const c = try start(target, operation, request);
    if (target.len != 0) _ = try wait(&.{c.handle}, -1); // right after the call, this lets the host perform it on the spot
    close(c.handle, abi.close_finish);
}

/// Waits until one of the handles is ready and gives its place. A negative timeout waits for ever, 0 only looks; when it passes, the error is
/// Timeout. Without handles it sleeps.
pub fn wait(handles: []const abi.Handle, timeout_ns: i64) abi.Error!usize {
    return try checked("wait", functions.wait(at(handles), handles.len, timeout_ns));
}

/// Sleeps for a time of at least 0.
pub fn sleep(duration_ns: i64) abi.Error!void {
    _ = wait(&.{}, duration_ns) catch |err| if (err != error.Timeout) return err;
}

/// The length a message may have without a second look.
const message_bytes = 4096;

/// Takes the message behind a handle, however long it is.
pub fn take(handle: abi.Handle) abi.Error![]const u8 {
    const gpa = memory.allocator();
    var buf = memory.alloc(u8, message_bytes);
    var n = try checked("result", functions.result(handle, buf.ptr, buf.len));
    if (n > buf.len) {
        buf = gpa.realloc(buf, n) catch @panic("out of memory");
        n = try checked("result", functions.result(handle, buf.ptr, buf.len));
    }
    _ = gpa.resize(buf, n);
    return buf[0..n];
}

/// Reads from a stream, waiting for bytes; 0 is the end.
pub fn read(stream: abi.Handle, buf: []u8) abi.Error!usize {
    while (true) {
        return checked("read", functions.read(stream, at(buf), buf.len)) catch |err| {
            if (err != error.WouldBlock) return err;
            _ = try wait(&.{stream}, -1);
            continue;
        };
    }
}

/// Writes some of data to a stream, waiting where its reader is slower.
pub fn write(stream: abi.Handle, data: []const u8) abi.Error!usize {
    while (true) {
        return checked("write", functions.write(stream, at(data), data.len)) catch |err| {
            if (err != error.WouldBlock) return err;
            _ = try wait(&.{stream}, -1);
            continue;
        };
    }
}

/// Ends a handle.
pub fn close(handle: abi.Handle, reason: u32) void {
    _ = functions.close(handle, reason);
}

/// Writes a line to the host's log.
pub fn log(level: u32, text: []const u8) void {
    _ = functions.log(level, at(text), text.len);
}
