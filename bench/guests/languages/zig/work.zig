//! Reads as many keys as the query parameter n says, or marks the order in the request's body as paid.

const std = @import("std");
const pagesrun = @import("pagesrun");

const Customer = struct { name: []const u8, email: []const u8, address: []const []const u8, verified: bool };
const Item = struct { sku: []const u8, name: []const u8, quantity: i64, price_cents: i64, tags: []const []const u8 };
const Order = struct { id: i64, customer: Customer, items: []const Item, note: []const u8, status: []const u8, total_cents: i64 };

pub fn fetch(req: *pagesrun.Request, ctx: *pagesrun.Context) !pagesrun.Response {
    _ = ctx;
    return if (std.mem.eql(u8, req.path(), "/kv")) read(req) else pay(req);
}

fn read(req: *pagesrun.Request) !pagesrun.Response {
    const gets = try std.fmt.parseInt(usize, req.query("n") orelse "0", 10);
    const bench = pagesrun.kv.Namespace{ .name = "BENCH" };
    var bytes: usize = 0;
    for (0..gets) |i| {
        var key: [7]u8 = undefined;
        const value = try bench.get(try std.fmt.bufPrint(&key, "key-{d:0>3}", .{i * 7 % 1000}));
        bytes += (value orelse "").len;
    }
    return pagesrun.Response.print("{d}", .{bytes});
}

fn pay(req: *pagesrun.Request) !pagesrun.Response {
    const gpa = pagesrun.allocator();
    var order = std.json.parseFromSliceLeaky(Order, gpa, try req.body(1 << 20), .{}) catch |err|
        return pagesrun.Response.text(@errorName(err)).with(400);
    var sum: i64 = 0;
    for (order.items) |item| sum += item.quantity * item.price_cents;
    if (sum != order.total_cents) return pagesrun.Response.text("the sum is wrong").with(400);
    order.status = "paid";
    return pagesrun.Response.json(try std.json.stringifyAlloc(gpa, order, .{}));
}

comptime {
    pagesrun.handle(@This());
}
