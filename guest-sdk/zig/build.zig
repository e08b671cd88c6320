const std = @import("std");

/// The files of test vectors, in the repository's abi/vectors.
const vectors = [_][]const u8{
    "accepted.json", "analytics.json", "d1.json",       "errors.json",  "event.json",
    "kv.json",       "queues.json",    "rejected.json", "secrets.json", "vars.json",
};

/// The module is called "pagesrun". "zig build test" runs its tests.
pub fn build(b: *std.Build) void {
    _ = b.addModule("pagesrun", .{ .root_source_file = b.path("src/pagesrun.zig") });
    const tests = b.createModule(.{
        .root_source_file = b.path("src/tests.zig"),
        .target = b.standardTargetOptions(.{}),
        .optimize = b.standardOptimizeOption(.{}),
    });
    inline for (vectors) |name| {
        tests.addAnonymousImport(name, .{ .root_source_file = b.path("../../abi/vectors/" ++ name) });
    }
    const run = b.addRunArtifact(b.addTest(.{ .root_module = tests }));
    b.step("test", "Run the SDK's tests").dependOn(&run.step);
}
