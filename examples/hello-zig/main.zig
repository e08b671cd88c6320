//! Answers every request with a line of text.

const pagesrun = @import("pagesrun");

pub const std_options = pagesrun.std_options;
pub const panic = pagesrun.panic;

pub fn fetch(req: *pagesrun.Request, ctx: *pagesrun.Context) !pagesrun.Response {
    _ = ctx;
    return pagesrun.Response.print("Hello from Zig, {s} {s}\n", .{ req.method, req.path() });
}

comptime {
    pagesrun.handle(@This());
}
