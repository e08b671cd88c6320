//! Streams of bytes.

const std = @import("std");
const abi = @import("abi.zig");
const host = @import("host.zig");
const memory = @import("memory.zig");

/// How much readAll asks for at first, in bytes.
const first_read_bytes = 16 << 10;

/// How much is moved at a time from a reader of the function's own, in bytes.
const copy_bytes = 32 << 10;

/// Bytes to read: a request's body, a stored value, the readable end of a pipe. As the body of a response, or as a value to store, it is given
/// away: its bytes do not pass through the function, and it cannot be used any more.
pub const Stream = struct {
    /// The host's stream; 0 when all bytes are in rest.
    handle: abi.Handle = 0,
    /// Bytes that are in memory.
    rest: []const u8 = "",

    /// The next bytes, of which it waits for the first; 0 at the end. An error means that what was read is not all.
    pub fn read(s: *Stream, buf: []u8) abi.Error!usize {
        if (s.handle != 0 and buf.len != 0) return host.read(s.handle, buf);
        const n = @min(buf.len, s.rest.len);
        @memcpy(buf[0..n], s.rest[0..n]);
        s.rest = s.rest[n..];
        return n;
    }

    /// A reader of the standard library.
    pub const Reader = std.io.GenericReader(*Stream, abi.Error, read);

    /// The stream as a reader of the standard library.
    pub fn reader(s: *Stream) Reader {
        return .{ .context = s };
    }

    /// Everything that is left, of up to max bytes; more is the error TooLarge.
    pub fn readAll(s: *Stream, max: usize) abi.Error![]const u8 {
        if (s.handle != 0) return s.collect(max);
        defer s.rest = "";
        return if (s.rest.len > max) tooLong() else s.rest;
    }

    fn collect(s: *Stream, max: usize) abi.Error![]const u8 {
        const gpa = memory.allocator();
        var buf = memory.alloc(u8, first_read_bytes);
        var len: usize = 0;
        while (true) {
            if (len == buf.len) buf = gpa.realloc(buf, buf.len + buf.len / 2) catch @panic("out of memory");
            const n = try host.read(s.handle, buf[len..]);
            len += n;
            if (len > max) return tooLong();
            if (n == 0) break;
        }
        _ = gpa.resize(buf, len);
        return buf[0..len];
    }

    /// Says that nobody will read the rest.
    pub fn close(s: *Stream) void {
        if (s.handle != 0) host.close(s.handle, abi.close_finish);
        s.* = .{};
    }
};

fn tooLong() abi.Error {
    return host.refuse(.{ .code = abi.code_too_large, .message = "the stream is longer than the limit" });
}

/// The end of a pipe to write to. Close it: a writer that the event leaves open makes the reader fail.
pub const Writer = struct {
    handle: abi.Handle,

    /// Writes some of data, at least one byte, and says how many; it waits while the reader is behind by more than the pipe holds (256 KiB). The error
    /// StreamClosed says that nobody will read what is written.
    pub fn write(w: Writer, data: []const u8) abi.Error!usize {
        return if (data.len == 0) 0 else host.write(w.handle, data);
    }

    /// Writes all of data.
    pub fn writeAll(w: Writer, data: []const u8) abi.Error!void {
        var left = data;
        while (left.len != 0) left = left[try w.write(left)..];
    }

    /// Writes formatted text, in one piece.
    pub fn print(w: Writer, comptime format: []const u8, args: anytype) abi.Error!void {
        const text = memory.print(format, args);
        defer memory.allocator().free(text);
        return w.writeAll(text);
    }

    /// The pipe as a writer of the standard library. It is not buffered.
    pub fn writer(w: Writer) std.io.GenericWriter(Writer, abi.Error, write) {
        return .{ .context = w };
    }

    /// Writes everything that a reader has: any type with read(buf) that gives 0 at the end.
    pub fn copy(w: Writer, reader: anytype) !void {
        const buf = memory.alloc(u8, copy_bytes);
        defer memory.allocator().free(buf);
        while (true) {
            const n = try reader.read(buf);
            if (n == 0) return;
            try w.writeAll(buf[0..n]);
        }
    }

    /// Marks the regular end.
    pub fn close(w: Writer) void {
        host.close(w.handle, abi.close_finish);
    }

    /// Makes the reader fail: what was written is not all.
    pub fn abort(w: Writer) void {
        host.close(w.handle, abi.close_abort);
    }
};

/// Two ends of a stream: what is written to one is read from the other. It buffers up to 256 KiB; give the readable end away (as a body, as a value)
/// before writing more.
pub const Pipe = struct {
    readable: Stream,
    writer: Writer,

    /// Makes a stream.
    pub fn open() abi.Error!Pipe {
        const ends = try host.invoke("", abi.op.pipe, &.{});
        return .{ .readable = .{ .handle = ends.readable }, .writer = .{ .handle = ends.writable } };
    }
};
