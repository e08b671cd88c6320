//! Answers every request with the same line of text.

const pagesrun = @import("pagesrun");

pub fn fetch(req: *pagesrun.Request, ctx: *pagesrun.Context) !pagesrun.Response {
    _ = req;
    _ = ctx;
    return pagesrun.Response.text("Hello, world!\n");
}

comptime {
    pagesrun.handle(@This());
}
