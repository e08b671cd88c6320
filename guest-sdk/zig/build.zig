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

/// A function to build.
pub const Function = struct {
    /// The name of the module, without ".wasm".
    name: []const u8,
    /// The file with the handlers.
    root_source_file: std.Build.LazyPath,
    /// ReleaseSmall makes the smallest modules, ReleaseSafe stops at what would be undefined behavior.
    optimize: std.builtin.OptimizeMode = .ReleaseFast,
    /// .wasi gives the standard library standard output, clocks and what else WASI has; modules are a little larger.
    os: std.Target.Os.Tag = .freestanding,
    /// How deep calls may go, in bytes. It is part of the image that every event starts from.
    stack_bytes: u64 = 1 << 20,
};

/// Adds a function to a project that has this package as its dependency, for its build.zig:
///
///     const pagesrun = @import("pagesrun");
///     b.installArtifact(pagesrun.addFunction(b, .{ .name = "hello", .root_source_file = b.path("main.zig") }));
///
/// "zig build" puts it into zig-out/bin.
pub fn addFunction(b: *std.Build, function: Function) *std.Build.Step.Compile {
    const target = b.resolveTargetQuery(.{ .cpu_arch = .wasm32, .os_tag = function.os });
    const module = b.addExecutable(.{ .name = function.name, .root_module = moduleOf(b, function, target) });
    module.entry = .disabled;
    module.rdynamic = true;
    module.stack_size = function.stack_bytes;
    return module;
}

/// Adds the tests that stand in a function's files. They are run on this machine, by what depends on the step.
pub fn addTest(b: *std.Build, function: Function) *std.Build.Step.Run {
    var here = function;
    here.optimize = .Debug;
    return b.addRunArtifact(b.addTest(.{ .root_module = moduleOf(b, here, b.graph.host) }));
}

fn moduleOf(b: *std.Build, function: Function, target: std.Build.ResolvedTarget) *std.Build.Module {
    const sdk = b.dependencyFromBuildZig(@This(), .{});
    return b.createModule(.{
        .root_source_file = function.root_source_file,
        .target = target,
        .optimize = function.optimize,
        .strip = function.optimize != .Debug,
        .imports = &.{.{ .name = "pagesrun", .module = sdk.module("pagesrun") }},
    });
}
