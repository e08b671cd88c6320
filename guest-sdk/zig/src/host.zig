//! The seven host functions. Outside of WebAssembly they are not there: tests of handlers run in pagesrun itself.

const std = @import("std");
const abi = @import("abi.zig");
const cbor = @import("cbor.zig");
const event = @import("event.zig");

const imports = struct {
    extern "pagesrun_v1" fn call(target: [*]const u8, target_len: usize, op: [*]const u8, op_len: usize, msg: [*]const u8, msg_len: usize) i32;
    extern "pagesrun_v1" fn wait(handles: [*]const u32, n: usize, timeout_ns: i64) i32;
    extern "pagesrun_v1" fn result(handle: u32, ptr: [*]u8, cap: usize) i32;
    extern "pagesrun_v1" fn read(stream: u32, ptr: [*]u8, cap: usize) i32;
    extern "pagesrun_v1" fn write(stream: u32, ptr: [*]const u8, len: usize) i32;
    extern "pagesrun_v1" fn close(handle: u32, reason: u32) i32;
    extern "pagesrun_v1" fn log(level: u32, ptr: [*]const u8, len: usize) i32;
};

/// What went wrong last: its code, a sentence with the platform's exact text where it has one, and the platform's status.
pub var failure: abi.Failure = .{};

/// Turns what a host function returned into a count or an error.
pub fn checked(n: i32) abi.Error!u32 {
    if (n >= 0) return @intCast(n);
    const code: u32 = @intCast(-n);
    failure = .{ .code = code, .message = abi.codeName(code) };
    return abi.errorOf(code);
}

/// Starts an operation; its handle is ready when the reply can be taken.
pub fn start(target: []const u8, comptime operation: anytype, request: *const @TypeOf(operation).Request) abi.Error!abi.Handle {
    var w = cbor.Writer{ .gpa = event.allocator() };
    request.encode(&w);
    const msg = w.written();
    return checked(imports.call(target.ptr, target.len, operation.name.ptr, operation.name.len, msg.ptr, msg.len));
}

/// Waits for the reply of an operation and takes it.
pub fn finish(handle: abi.Handle, comptime operation: anytype) abi.Error!@TypeOf(operation).Reply {
    _ = try wait(&.{handle}, -1);
    var r = cbor.Reader.init(event.allocator(), try take(handle));
    var first = r;
    var it = first.map();
    if (it.next(&first) and it.key == 0) {
        failure = abi.Failure.decode(&first);
        return abi.errorOf(failure.code);
    }
    const reply = @TypeOf(operation).Reply.decode(&r);
    if (r.close()) |why| {
        failure = .{ .code = 8, .message = why };
        return error.BadMessage;
    }
    return reply;
}

/// Performs an operation and waits for its reply, which lives until the end of the event.
pub fn invoke(target: []const u8, comptime operation: anytype, request: *const @TypeOf(operation).Request) abi.Error!@TypeOf(operation).Reply {
    return finish(try start(target, operation, request), operation);
}

/// Waits until one of the handles is ready and gives its place. A negative timeout waits for ever.
pub fn wait(handles: []const abi.Handle, timeout_ns: i64) abi.Error!usize {
    return checked(imports.wait(handles.ptr, handles.len, timeout_ns));
}

/// The length a message may have without a second look.
const message_bytes = 4096;

/// Takes the message behind a handle, however long it is.
pub fn take(handle: abi.Handle) abi.Error![]const u8 {
    var buf = event.allocator().alloc(u8, message_bytes) catch @panic("out of memory");
    var n = try checked(imports.result(handle, buf.ptr, buf.len));
    if (n > buf.len) {
        buf = event.allocator().realloc(buf, n) catch @panic("out of memory");
        n = try checked(imports.result(handle, buf.ptr, buf.len));
    }
    return buf[0..n];
}

/// Reads from a stream, waiting for bytes; 0 is the end.
pub fn read(stream: abi.Handle, buf: []u8) abi.Error!usize {
    while (true) {
        return checked(imports.read(stream, buf.ptr, buf.len)) catch |err| {
            if (err != error.WouldBlock) return err;
            _ = try wait(&.{stream}, -1);
            continue;
        };
    }
}

/// Writes all of data to a stream, waiting where its reader is slower.
pub fn write(stream: abi.Handle, data: []const u8) abi.Error!void {
    var left = data;
    while (left.len != 0) {
        const n = checked(imports.write(stream, left.ptr, left.len)) catch |err| {
            if (err != error.WouldBlock) return err;
            _ = try wait(&.{stream}, -1);
            continue;
        };
        left = left[n..];
    }
}

/// Ends a handle.
pub fn close(handle: abi.Handle, reason: u32) void {
    _ = imports.close(handle, reason);
}

/// Writes a line to the host's log.
pub fn log(level: u32, text: []const u8) void {
    _ = imports.log(level, text.ptr, text.len);
}
