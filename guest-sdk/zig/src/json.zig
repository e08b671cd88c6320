//! JSON documents and values of Zig types, by the standard library's rules.

const std = @import("std");
const memory = @import("memory.zig");

/// The JSON form of a value; it lives until the end of the event.
pub fn stringify(value: anytype) []const u8 {
    const gpa = memory.allocator();
    const text = if (@hasDecl(std.json, "stringifyAlloc")) std.json.stringifyAlloc(gpa, value, .{}) else std.json.Stringify.valueAlloc(gpa, value, .{});
    return text catch @panic("out of memory");
}

/// The value of a JSON document; what it has allocated lives until the end of the event. Fields that T does not have are ignored.
pub fn parse(comptime T: type, document: []const u8) !T {
    return std.json.parseFromSliceLeaky(T, memory.allocator(), document, .{ .ignore_unknown_fields = true });
}
