//! What the files of the probe share: the request being answered, and the form of answers.

const std = @import("std");
const pagesrun = @import("pagesrun");

/// One request.
pub const Probe = struct {
    req: *pagesrun.Request,
    ctx: *pagesrun.Context,
    /// The binding: the parameter of that name.
    target: []const u8,
    out: std.ArrayListUnmanaged(u8) = .{},
    /// The answer, where it is not what has been written.
    response: ?pagesrun.Response = null,

    /// A parameter, empty where it is absent.
    pub fn param(p: *Probe, name: []const u8) []const u8 {
        return p.req.query(name) orelse "";
    }

    /// A parameter that is a flag.
    pub fn flag(p: *Probe, name: []const u8) bool {
        return p.param(name).len != 0;
    }

    /// A parameter as a number; null where it is absent.
    pub fn number(p: *Probe, name: []const u8) ?i64 {
        return integer(p.req.query(name) orelse return null);
    }

    /// A parameter as a count.
    pub fn count(p: *Probe, name: []const u8, absent: usize) usize {
        return @intCast(p.number(name) orelse return absent);
    }

    /// The body.
    pub fn body(p: *Probe) ![]const u8 {
        return p.req.body(32 << 20);
    }

    /// Writes text.
    pub fn text(p: *Probe, s: []const u8) void {
        p.out.appendSlice(pagesrun.allocator(), s) catch @panic("out of memory");
    }

    /// Writes formatted text.
    pub fn print(p: *Probe, comptime format: []const u8, args: anytype) void {
        p.out.writer(pagesrun.allocator()).print(format, args) catch @panic("out of memory");
    }

    /// Writes bytes as the page says.
    pub fn show(p: *Probe, bytes: []const u8) void {
        if (bytes.len > shown_max) return p.print("#{d}:{x}", .{ bytes.len, std.hash.Fnv1a_64.hash(bytes) });
        for (bytes) |c| {
            if (c > ' ' and c < 0x7f and c != '%') p.text(&.{c}) else p.print("%{x:0>2}", .{c});
        }
    }

    /// Writes metadata, or "-".
    pub fn showOptional(p: *Probe, bytes: ?[]const u8) void {
        if (bytes) |b| p.show(b) else p.text("-");
    }

    /// Writes the line of a failure.
    pub fn failed(p: *Probe, err: anyerror) void {
        const f = pagesrun.lastFailure();
        if (pagesrun.abi.errorOf(f.code) == err) {
            p.print("error {s} {d} {s}\n", .{ pagesrun.abi.codeName(f.code), f.status, f.message });
        } else p.print("error internal 0 {s}\n", .{@errorName(err)});
    }

    /// Writes that all went well.
    pub fn done(p: *Probe) void {
        p.text("done\n");
    }
};

/// The longest value that is written in full, in bytes.
const shown_max = 1024;

/// The name of an error's code.
pub fn codeOf(err: anyerror) []const u8 {
    const f = pagesrun.lastFailure();
    return pagesrun.abi.codeName(if (pagesrun.abi.errorOf(f.code) == err) f.code else pagesrun.abi.code_internal);
}

/// A number in decimal digits.
pub fn integer(digits: []const u8) i64 {
    return std.fmt.parseInt(i64, digits, 10) catch @panic("a number was expected");
}

/// n times a byte.
pub fn fill(n: usize, c: u8) []u8 {
    const bytes = pagesrun.allocator().alloc(u8, n) catch @panic("out of memory");
    @memset(bytes, c);
    return bytes;
}

/// Whether two texts are the same.
pub fn eql(a: []const u8, b: []const u8) bool {
    return std.mem.eql(u8, a, b);
}

/// The lines of a text, without their ends.
pub const Lines = struct {
    left: []const u8,

    /// The next line; null after the last.
    pub fn next(l: *Lines) ?[]const u8 {
        if (l.left.len == 0) return null;
        const end = std.mem.indexOfScalar(u8, l.left, '\n') orelse l.left.len;
        defer l.left = l.left[@min(end + 1, l.left.len)..];
        return l.left[0..end];
    }
};

/// What a file can perform: names and functions.
pub const Operation = struct { []const u8, *const fn (p: *Probe) anyerror!void };
