//! Memory that lives until the end of the event: what is allocated is taken from the front of a region, and the end of the event gives it all back
//! at once. What was allocated last can grow and shrink in place, so that a long body is read into one piece without being copied.

const std = @import("std");
const builtin = @import("builtin");

const Alignment = std.mem.Alignment;

/// How much memory events find ready, in bytes, so that small ones need not ask the engine for any.
const ready_bytes = 64 << 10;

/// The least by which the memory grows, in pages.
const growth_pages = 4;

/// The memory of an instance as WebAssembly knows it. Elsewhere there are only tests, which get pieces of the operating system's.
const Pages = struct {
    fn end() usize {
        return if (builtin.cpu.arch.isWasm()) @wasmMemorySize(0) * std.wasm.page_size else 0;
    }

    /// Adds pages and gives where they begin; null when there are no more.
    fn grow(n: usize) ?usize {
        if (!builtin.cpu.arch.isWasm()) {
            const fresh = std.heap.page_allocator.alloc(u8, n * std.wasm.page_size) catch return null;
            return @intFromPtr(fresh.ptr);
        }
        const page = @wasmMemoryGrow(0, n);
        return if (page < 0) null else @as(usize, @intCast(page)) * std.wasm.page_size;
    }
};

/// A piece of memory, with this at its front. The pieces stay for later events; they are used in the order in which they came.
const Piece = struct { next: ?*Piece = null, end: usize };

/// Memory in pieces of which Source has more: end says where the memory ends that grow has added to.
fn Region(comptime Source: type) type {
    return struct {
        piece: *Piece,
        first: *Piece,
        /// Where the next allocation begins.
        at: usize,

        const Self = @This();

        fn init(bytes: []align(16) u8) Self {
            const first: *Piece = @ptrCast(bytes.ptr);
            first.* = .{ .end = @intFromPtr(bytes.ptr) + bytes.len };
            return .{ .piece = first, .first = first, .at = @intFromPtr(bytes.ptr) + @sizeOf(Piece) };
        }

        /// Gives everything back. The bytes stay as they are.
        fn reset(r: *Self) void {
            r.piece = r.first;
            r.at = @intFromPtr(r.first) + @sizeOf(Piece);
        }

        fn allocator(r: *Self) std.mem.Allocator {
            return .{ .ptr = r, .vtable = &.{ .alloc = take, .resize = resize, .remap = remap, .free = free } };
        }

        /// Makes the piece in use reach to limit, where it lies at the end of memory.
        fn extend(r: *Self, limit: usize) bool {
            if (limit <= r.piece.end) return true;
            if (r.piece.end != Source.end()) return false;
            const pages = @max(growth_pages, (limit - r.piece.end + std.wasm.page_size - 1) / std.wasm.page_size);
            const from = Source.grow(pages) orelse return false;
            std.debug.assert(from == r.piece.end);
            r.piece.end += pages * std.wasm.page_size;
            return true;
        }

        /// Goes to another piece with room for n bytes.
        fn advance(r: *Self, n: usize) bool {
            while (r.piece.next) |next| {
                r.piece = next;
                r.at = @intFromPtr(next) + @sizeOf(Piece);
                if (r.extend(r.at + n)) return true;
            }
            const pages = @max(growth_pages, (n + @sizeOf(Piece) + std.wasm.page_size - 1) / std.wasm.page_size);
            const from = Source.grow(pages) orelse return false;
            const fresh: *Piece = @ptrFromInt(from);
            fresh.* = .{ .end = from + pages * std.wasm.page_size };
            r.piece.next = fresh;
            r.piece = fresh;
            r.at = from + @sizeOf(Piece);
            return true;
        }

        fn take(context: *anyopaque, n: usize, alignment: Alignment, _: usize) ?[*]u8 {
            const r: *Self = @ptrCast(@alignCast(context));
            const from = alignment.forward(r.at);
            if (from +| n > r.piece.end and !r.extend(from +| n)) {
                if (!r.advance(n +| alignment.toByteUnits())) return null;
                return take(context, n, alignment, 0);
            }
            r.at = from + n;
            return @ptrFromInt(from);
        }

        fn resize(context: *anyopaque, memory: []u8, _: Alignment, n: usize, _: usize) bool {
            const r: *Self = @ptrCast(@alignCast(context));
            const from = @intFromPtr(memory.ptr);
            if (from + memory.len != r.at) return n <= memory.len;
            if (!r.extend(from +| n)) return false;
            r.at = from + n;
            return true;
        }

        fn remap(context: *anyopaque, memory: []u8, alignment: Alignment, n: usize, address: usize) ?[*]u8 {
            return if (resize(context, memory, alignment, n, address)) memory.ptr else null;
        }

        fn free(context: *anyopaque, memory: []u8, _: Alignment, _: usize) void {
            const r: *Self = @ptrCast(@alignCast(context));
            if (@intFromPtr(memory.ptr) + memory.len == r.at) r.at = @intFromPtr(memory.ptr);
        }
    };
}

var room: [ready_bytes]u8 align(16) = undefined;
var region: ?Region(Pages) = null;
var lasting = true;

/// Memory that lives until the end of the event. What is allocated before the first event lives for ever.
pub fn allocator() std.mem.Allocator {
    if (lasting) return if (builtin.cpu.arch.isWasm()) std.heap.wasm_allocator else std.heap.page_allocator;
    return region.?.allocator();
}

/// From here on memory lives until the end of the event.
pub fn beginEvents() void {
    if (region == null) region = .init(&room);
    lasting = false;
}

/// Whether the first event has yet to come.
pub fn preparing() bool {
    return lasting;
}

/// Gives back what belongs to the event.
pub fn endEvent() void {
    region.?.reset();
}

/// Allocates; a function that outgrows its memory is stopped.
pub fn alloc(comptime T: type, n: usize) []T {
    return allocator().alloc(T, n) catch @panic("out of memory");
}

/// Formats text.
pub fn print(comptime format: []const u8, args: anytype) []const u8 {
    return std.fmt.allocPrint(allocator(), format, args) catch @panic("out of memory");
}

/// A memory of which the tests know where it ends.
const Limited = struct {
    var bytes: [64 * std.wasm.page_size]u8 align(16) = undefined;
    var used: usize = 0;

    fn end() usize {
        return @intFromPtr(&bytes) + used;
    }

    fn grow(n: usize) ?usize {
        if (used + n * std.wasm.page_size > bytes.len) return null;
        defer used += n * std.wasm.page_size;
        return end();
    }
};

test "what was allocated last grows in place, and what was allocated before stays where it is" {
    Limited.used = 0;
    var start: [256]u8 align(16) = undefined;
    var r = Region(Limited).init(&start);
    const gpa = r.allocator();
    const early = try gpa.dupe(u8, "early");
    var long = try gpa.alloc(u8, 1 << 20);
    const at = long.ptr;
    for ([_]usize{ 2 << 20, 3 << 20, 1 << 20 }) |n| {
        long = try gpa.realloc(long, n);
        try std.testing.expectEqual(at, long.ptr);
    }
    try std.testing.expect(!gpa.resize(early, 100));
    try std.testing.expectEqualStrings("early", early);
    try std.testing.expectError(error.OutOfMemory, gpa.alloc(u8, 4 << 20));
}

test "the next event uses the same memory again" {
    Limited.used = 0;
    var start: [256]u8 align(16) = undefined;
    var r = Region(Limited).init(&start);
    var first: ?[*]u8 = null;
    for (0..100) |_| {
        const small = try r.allocator().alloc(u8, 100);
        if (first) |p| try std.testing.expectEqual(p, small.ptr);
        first = small.ptr;
        _ = try r.allocator().alloc(u8, 1 << 20);
        _ = try r.allocator().alloc(u64, 10);
        r.reset();
    }
    try std.testing.expect(Limited.used < 2 << 20);
}

test "memory that others have added in between is left alone" {
    Limited.used = 0;
    var start: [64]u8 align(16) = undefined;
    var r = Region(Limited).init(&start);
    const mine = try r.allocator().alloc(u8, 1000);
    const theirs = Limited.grow(1).?;
    const more = try r.allocator().alloc(u8, 1 << 20);
    try std.testing.expect(@intFromPtr(mine.ptr) + mine.len <= theirs);
    try std.testing.expect(@intFromPtr(more.ptr) >= theirs + std.wasm.page_size);
}

test "every alignment is kept" {
    Limited.used = 0;
    var start: [64]u8 align(16) = undefined;
    var r = Region(Limited).init(&start);
    inline for (.{ 1, 2, 8, 16, 64, 4096 }) |alignment| {
        _ = try r.allocator().alloc(u8, 3);
        const p = r.allocator().rawAlloc(10, .fromByteUnits(alignment), 0).?;
        try std.testing.expectEqual(0, @intFromPtr(p) % alignment);
    }
}
