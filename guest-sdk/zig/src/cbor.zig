//! The encoding of messages: the part of CBOR (RFC 8949) that pagesrun's messages are made of, in its one deterministic form.

const std = @import("std");
const abi = @import("abi.zig");

const uint_major = 0x00;
const negative_major = 0x20;
const bytes_major = 0x40;
const text_major = 0x60;
const array_major = 0x80;
const map_major = 0xa0;
const tag_major = 0xc0;
const simple_major = 0xe0;

/// A message of this length is nearly all one value, and gets room for what stands around it only.
const large_bytes = 64 << 10;
const spare_bytes = 4 << 10;

/// Writes items one after the other. It does not run out of memory: a function that outgrows its memory is stopped.
pub const Writer = struct {
    gpa: std.mem.Allocator,
    buf: []u8 = &.{},
    len: usize = 0,

    /// What has been written.
    pub fn written(w: *const Writer) []const u8 {
        return w.buf[0..w.len];
    }

    /// Gives the memory back, for a message that is not needed any more.
    pub fn free(w: *Writer) void {
        w.gpa.free(w.buf);
        w.* = .{ .gpa = w.gpa };
    }

    /// Makes room for n more bytes and gives it.
    fn room(w: *Writer, n: usize) []u8 {
        if (w.buf.len - w.len < n) {
            const needed = w.len + n;
            const cap = @max(256, needed + if (needed < large_bytes) needed / 2 else spare_bytes);
            w.buf = w.gpa.realloc(w.buf, cap) catch @panic("out of memory");
        }
        return w.buf[w.len..];
    }

    fn head(w: *Writer, major: u8, v: u64) void {
        const to = w.room(9);
        if (v < 24) {
            to[0] = major | @as(u8, @intCast(v));
            w.len += 1;
        } else if (v <= 0xff) {
            w.long(to, major | 24, u8, @intCast(v));
        } else if (v <= 0xffff) {
            w.long(to, major | 25, u16, @intCast(v));
        } else if (v <= 0xffff_ffff) {
            w.long(to, major | 26, u32, @intCast(v));
        } else {
            w.long(to, major | 27, u64, v);
        }
    }

    fn long(w: *Writer, to: []u8, first: u8, comptime T: type, v: T) void {
        to[0] = first;
        std.mem.writeInt(T, to[1..][0..@sizeOf(T)], v, .big);
        w.len += 1 + @sizeOf(T);
    }

    /// Writes bytes as they are.
    pub fn raw(w: *Writer, v: []const u8) void {
        @memcpy(w.room(v.len)[0..v.len], v);
        w.len += v.len;
    }

    /// Writes an unsigned integer.
    pub fn uint(w: *Writer, v: u64) void {
        w.head(uint_major, v);
    }
    /// Writes an unsigned integer.
    pub const uint64 = uint;
    /// Writes an unsigned integer.
    pub fn uint32(w: *Writer, v: u32) void {
        w.head(uint_major, v);
    }
    /// Writes an integer.
    pub fn int64(w: *Writer, v: i64) void {
        if (v < 0) w.head(negative_major, ~@as(u64, @bitCast(v))) else w.head(uint_major, @intCast(v));
    }
    /// Writes an integer.
    pub fn int32(w: *Writer, v: i32) void {
        w.int64(v);
    }
    /// Writes a float of 64 bits.
    pub fn float64(w: *Writer, v: f64) void {
        w.long(w.room(9), simple_major | 27, u64, @bitCast(v));
    }
    /// Writes a boolean.
    pub fn @"bool"(w: *Writer, v: bool) void {
        w.head(simple_major, if (v) 21 else 20);
    }
    /// Writes a null.
    pub fn @"null"(w: *Writer) void {
        w.head(simple_major, 22);
    }
    /// Writes text, with U+FFFD in the place of each byte that is not UTF-8.
    pub fn text(w: *Writer, v: []const u8) void {
        if (!std.unicode.utf8ValidateSlice(v)) return w.repaired(v);
        w.head(text_major, v.len);
        w.raw(v);
    }

    fn repaired(w: *Writer, v: []const u8) void {
        var n: usize = 0;
        var it = Repaired{ .left = v };
        while (it.next()) |part| n += part.len;
        w.head(text_major, n);
        it = .{ .left = v };
        while (it.next()) |part| w.raw(part);
    }
    /// Writes a byte string.
    pub fn bytes(w: *Writer, v: []const u8) void {
        w.head(bytes_major, v.len);
        w.raw(v);
    }
    /// Writes a handle.
    pub fn handle(w: *Writer, v: abi.Handle) void {
        w.head(tag_major, abi.tag_handle);
        w.head(uint_major, v);
    }
    /// Begins an array of n items.
    pub fn array(w: *Writer, n: usize) void {
        w.head(array_major, n);
    }
    /// Begins a map of n pairs.
    pub fn map(w: *Writer, n: u64) void {
        w.head(map_major, n);
    }
};

/// The characters of a text, with U+FFFD for each byte that is none.
const Repaired = struct {
    left: []const u8,

    fn next(r: *Repaired) ?[]const u8 {
        if (r.left.len == 0) return null;
        const n = std.unicode.utf8ByteSequenceLength(r.left[0]) catch 1;
        const whole = n <= r.left.len and std.unicode.utf8ValidateSlice(r.left[0..n]);
        defer r.left = r.left[if (whole) n else 1..];
        return if (whole) r.left[0..n] else "\u{fffd}";
    }
};

const cut = "the message ends in the middle of an item";

/// One value of a sequence of scalars, such as the rows of a D1 result.
pub const Scalar = union(enum) {
    null,
    integer: i64,
    real: f64,
    text: []const u8,
    bytes: []const u8,
};

/// Takes items off a message. The first problem sticks, and everything after it yields zero values.
pub const Reader = struct {
    gpa: std.mem.Allocator,
    left: []const u8,
    problem: ?[]const u8 = null,
    depth: usize = 0,
    empty: bool = false,

    /// Reads data. What has several items is put into memory of gpa, and never freed one by one.
    pub fn init(gpa: std.mem.Allocator, data: []const u8) Reader {
        return .{ .gpa = gpa, .left = data, .empty = data.len == 0 };
    }

    /// Ends reading: what is wrong, or null. Everything must have been taken.
    pub fn close(r: *const Reader) ?[]const u8 {
        if (r.problem) |p| return p;
        return if (r.left.len != 0) "bytes follow the message" else null;
    }

    fn bad(r: *Reader, why: []const u8) void {
        if (r.problem == null) r.problem = why;
        r.left = &.{};
    }

    fn take(r: *Reader, n: u64) []const u8 {
        if (n > r.left.len) {
            r.bad(cut);
            return &.{};
        }
        const taken = r.left[0..@intCast(n)];
        r.left = r.left[@intCast(n)..];
        return taken;
    }

    const Head = struct { first: u8, v: u64 };

    fn head(r: *Reader) Head {
        const one = r.take(1);
        if (one.len == 0) return .{ .first = 0xff, .v = 0 };
        const first = one[0];
        const info = first & 0x1f;
        if (info < 24) return .{ .first = first, .v = info };
        if (info > 27) {
            const major = first & 0xe0;
            const indefinite = info == 31 and major != uint_major and major != negative_major and major != tag_major;
            r.bad(if (indefinite) "indefinite length" else "reserved item head");
            return .{ .first = 0xff, .v = 0 };
        }
        var v: u64 = 0;
        for (r.take(@as(u64, 1) << @intCast(info - 24))) |b| v = v << 8 | b;
        const least = [_]u64{ 24, 0x100, 0x1_0000, 0x1_0000_0000 };
        if (first < simple_major and v < least[info - 24]) r.bad("number not in its shortest form");
        return .{ .first = first, .v = v };
    }

    fn expect(r: *Reader, major: u8, wrong: []const u8) u64 {
        const h = r.head();
        if (r.problem == null and h.first & 0xe0 != major) r.bad(wrong);
        return if (r.problem == null) h.v else 0;
    }

    fn enter(r: *Reader) void {
        r.depth += 1;
        if (r.depth > abi.depth_max) r.bad("nested too deeply");
    }

    fn narrow(r: *Reader, comptime T: type, v: anytype) T {
        return std.math.cast(T, v) orelse {
            r.bad("number out of range");
            return 0;
        };
    }

    /// Takes an unsigned integer.
    pub fn uint64(r: *Reader) u64 {
        return r.expect(uint_major, "unsigned integer expected");
    }
    /// Takes an unsigned integer of 32 bits.
    pub fn uint32(r: *Reader) u32 {
        return r.narrow(u32, r.uint64());
    }
    /// Takes an integer.
    pub fn int64(r: *Reader) i64 {
        const h = r.head();
        if (r.problem != null) return 0;
        if (h.first >= bytes_major) {
            r.bad("integer expected");
            return 0;
        }
        const v = r.narrow(i64, h.v);
        return if (h.first >= negative_major and r.problem == null) -1 - v else v;
    }
    /// Takes an integer of 32 bits.
    pub fn int32(r: *Reader) i32 {
        return r.narrow(i32, r.int64());
    }
    /// Takes a float of 64 bits.
    pub fn float64(r: *Reader) f64 {
        const h = r.head();
        if (r.problem == null and h.first != simple_major | 27) r.bad("64-bit float expected");
        return if (r.problem == null) @bitCast(h.v) else 0;
    }
    /// Takes a boolean.
    pub fn @"bool"(r: *Reader) bool {
        const h = r.head();
        if (r.problem == null and h.first != simple_major | 20 and h.first != simple_major | 21) r.bad("true or false expected");
        return r.problem == null and h.first == simple_major | 21;
    }
    /// Takes text.
    pub fn text(r: *Reader) []const u8 {
        const v = r.take(r.expect(text_major, "text expected"));
        if (std.unicode.utf8ValidateSlice(v)) return v;
        r.bad("text is not UTF-8");
        return "";
    }
    /// Takes a byte string.
    pub fn bytes(r: *Reader) []const u8 {
        return r.take(r.expect(bytes_major, "byte string expected"));
    }
    /// Takes a handle.
    pub fn handle(r: *Reader) abi.Handle {
        const tag = r.expect(tag_major, "tag expected");
        if (r.problem == null and tag != abi.tag_handle) r.bad("another tag expected");
        r.enter();
        defer r.depth -= 1;
        return r.uint32();
    }

    fn count(r: *Reader) usize {
        const n = r.expect(array_major, "array expected");
        r.enter();
        if (n > r.left.len) r.bad(cut) else if (n > abi.array_items_max) r.bad("too many items in an array");
        return if (r.problem == null) @intCast(n) else 0;
    }

    fn collect(r: *Reader, comptime T: type, one: anytype) []const T {
        const n = r.count();
        defer r.depth -= 1;
        const all = r.gpa.alloc(T, n) catch @panic("out of memory");
        for (all, 0..) |*v, i| {
            if (r.problem != null) return all[0..i];
            v.* = one(r);
        }
        return all;
    }

    /// Takes an array whose items one takes.
    pub fn items(r: *Reader, comptime T: type, comptime one: fn (*Reader) T) []const T {
        return r.collect(T, one);
    }
    /// Takes an array of messages.
    pub fn messages(r: *Reader, comptime M: type) []const M {
        return r.collect(M, M.decode);
    }
    /// Takes a nested message.
    pub fn message(r: *Reader, comptime M: type) *const M {
        const m = r.gpa.create(M) catch @panic("out of memory");
        m.* = M.decode(r);
        return m;
    }

    /// Begins a map.
    pub fn map(r: *Reader) Map {
        if (r.empty) return .{ .closed = true };
        const n = r.expect(map_major, "map expected");
        r.enter();
        if (n > r.left.len / 2) r.bad(cut);
        return .{ .left = n };
    }

    /// Takes one scalar of a sequence of them; null at the end and where something is wrong.
    pub fn scalar(r: *Reader) ?Scalar {
        if (r.left.len == 0) return null;
        const first = r.left[0];
        const v: Scalar = switch (first & 0xe0) {
            uint_major, negative_major => .{ .integer = r.int64() },
            text_major => .{ .text = r.text() },
            bytes_major => .{ .bytes = r.bytes() },
            else => if (first == simple_major | 27) .{ .real = r.float64() } else r.nothing(),
        };
        return if (r.problem == null) v else null;
    }

    fn nothing(r: *Reader) Scalar {
        if (r.head().first != simple_major | 22) r.bad("scalar expected");
        return .null;
    }

    /// Steps over one well-formed item of any kind.
    pub fn skip(r: *Reader) void {
        const h = r.head();
        if (r.problem != null) return;
        switch (h.first & 0xe0) {
            bytes_major => _ = r.take(h.v),
            text_major => if (!std.unicode.utf8ValidateSlice(r.take(h.v))) r.bad("text is not UTF-8"),
            array_major => r.skipItems(h.v, 1),
            map_major => r.skipItems(h.v, 2),
            tag_major => r.skipItems(1, 1),
            simple_major => if (h.first == simple_major | 24 and h.v < 32) r.bad("invalid simple value"),
            else => {},
        }
    }

    fn skipItems(r: *Reader, n: u64, per: u64) void {
        r.enter();
        defer r.depth -= 1;
        if (n > r.left.len / per) return r.bad(cut);
        for (0..@intCast(n * per)) |_| {
            if (r.problem != null) return;
            r.skip();
        }
    }
};

/// The place within one map.
pub const Map = struct {
    /// The key whose value comes next.
    key: u64 = 0,
    left: u64 = 0,
    inside: bool = false,
    closed: bool = false,

    /// Goes to the next pair; false at the end.
    pub fn next(m: *Map, r: *Reader) bool {
        if (r.problem == null and m.left > 0) {
            m.left -= 1;
            const key = r.expect(uint_major, "unsigned integer expected as key");
            if (m.inside and key <= m.key) r.bad("keys are not in ascending order");
            m.key = key;
            m.inside = true;
            if (r.problem == null) return true;
        }
        if (!m.closed) {
            m.closed = true;
            r.depth -= 1;
        }
        return false;
    }
};
