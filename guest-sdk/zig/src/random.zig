//! Randomness. The standard generator of a program would be part of its image and repeat itself in every event; with these options it has no
//! state, and every draw asks the host.

const std = @import("std");
const builtin = @import("builtin");

extern "wasi_snapshot_preview1" fn random_get(buf: [*]u8, len: usize) u16;

/// Fills a buffer with random bytes of the host. Before the first event they are the same at every start, so that images are reproducible.
pub fn seed(buffer: []u8) void {
    if (!builtin.cpu.arch.isWasm()) return std.posix.getrandom(buffer) catch @panic("the system gives no random bytes");
    if (buffer.len != 0 and random_get(buffer.ptr, buffer.len) != 0) @panic("the host gives no random bytes");
}
