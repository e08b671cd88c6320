//! A host in memory, for tests that "zig test" runs without pagesrun:
//!
//!     test "visits are counted" {
//!         var host = pagesrun.testing.Host.init(std.testing.allocator);
//!         defer host.deinit();
//!         const answer = try host.fetch(@This(), .{ .url = "http://localhost/" });
//!         try std.testing.expectEqualStrings("visit 1\n", answer.body);
//!         try std.testing.expectEqualStrings("1", host.value("VISITS", "/").?);
//!     }
//!
//! It knows variables, secrets, KV, queues, datasets and streams, without the limits and texts of the platform. D1 and whatever else a test
//! needs are replies that it gives with answer. Only one host can be in use at a time.

const std = @import("std");
const abi = @import("abi.zig");
const cbor = @import("cbor.zig");
const event = @import("event.zig");
const memory = @import("memory.zig");

/// The host that the functions below ask.
var current: ?*Host = null;

/// A stream of bytes.
const Channel = struct {
    bytes: std.ArrayListUnmanaged(u8) = .{},
    taken: usize = 0,
    ended: bool = false,
    broken: bool = false,
    /// Its reader takes everything, as a binding does; one that the function reads itself holds pipe_bytes.
    given: bool = false,
    /// Nobody will read any more.
    abandoned: bool = false,

    fn waiting(c: *const Channel) usize {
        return c.bytes.items.len - c.taken;
    }
};

const pipe_bytes = 256 << 10;

/// What a handle stands for.
const Thing = union(enum) {
    call: Pending,
    readable: *Channel,
    writable: *Channel,
    gone,
};

/// An operation; its reply comes when the stream that it reads has ended.
const Pending = struct {
    reply: []const u8,
    stream: ?*Channel = null,
    /// What to do with the stream's bytes then.
    store: ?struct { namespace: []const u8, key: []const u8 } = null,
};

/// A call that a function has made.
pub const Asked = struct { target: []const u8, op: []const u8, message: []const u8 };

/// A request to a function.
pub const Ask = struct {
    method: []const u8 = "GET",
    url: []const u8 = "http://localhost/",
    headers: []const abi.Header = &.{},
    body: []const u8 = "",
    /// The body comes as a stream, as long ones do.
    streamed: bool = false,
};

/// What a function has answered.
pub const Answer = struct {
    status: u32,
    headers: []const abi.Header,
    body: []const u8,

    /// The first header field of a name, whatever its case.
    pub fn header(a: Answer, name: []const u8) ?[]const u8 {
        for (a.headers) |h| if (std.ascii.eqlIgnoreCase(h.name, name)) return h.value;
        return null;
    }
};

/// What has become of a message of a batch.
pub const Settled = struct { retried: bool = false, delay_s: ?i64 = null, said: bool = false };

/// A line of the log.
pub const Line = struct { level: u32, text: []const u8 };

/// A host. Fill in what the function is to find, run events, and look at what is there then. All it gives lives until deinit.
pub const Host = struct {
    arena: *std.heap.ArenaAllocator,
    variables: std.StringHashMapUnmanaged([]const u8) = .{},
    secrets: std.StringHashMapUnmanaged([]const u8) = .{},
    namespaces: std.StringHashMapUnmanaged(std.StringArrayHashMapUnmanaged(abi.KvEntry)) = .{},
    replies: std.StringHashMapUnmanaged(std.ArrayListUnmanaged([]const u8)) = .{},
    things: std.ArrayListUnmanaged(Thing) = .{},
    /// Every call, in order.
    asked: std.ArrayListUnmanaged(Asked) = .{},
    /// The log.
    lines: std.ArrayListUnmanaged(Line) = .{},
    /// Why the event failed; null where it did not.
    failure: ?[]const u8 = null,
    settled: []Settled = &.{},
    all: ?Settled = null,
    message: []const u8 = "",
    response: ?abi.RespondRequest = null,
    body: ?*Channel = null,

    /// Makes a host and puts it in use.
    pub fn init(gpa: std.mem.Allocator) *Host {
        const arena = gpa.create(std.heap.ArenaAllocator) catch @panic("out of memory");
        arena.* = .init(gpa);
        const h = arena.allocator().create(Host) catch @panic("out of memory");
        h.* = .{ .arena = arena };
        memory.beginEvents();
        current = h;
        return h;
    }

    /// Frees everything.
    pub fn deinit(h: *Host) void {
        current = null;
        memory.endEvent();
        const arena = h.arena;
        const gpa = arena.child_allocator;
        arena.deinit();
        gpa.destroy(arena);
    }

    fn keep(h: *Host, bytes: []const u8) []const u8 {
        return h.arena.allocator().dupe(u8, bytes) catch @panic("out of memory");
    }

    /// Sets a variable.
    pub fn setVariable(h: *Host, name: []const u8, text: []const u8) void {
        h.variables.put(h.arena.allocator(), name, text) catch @panic("out of memory");
    }

    /// Sets a secret.
    pub fn setSecret(h: *Host, name: []const u8, text: []const u8) void {
        h.secrets.put(h.arena.allocator(), name, text) catch @panic("out of memory");
    }

    /// The values of a namespace.
    fn namespace(h: *Host, name: []const u8) *std.StringArrayHashMapUnmanaged(abi.KvEntry) {
        const found = h.namespaces.getOrPut(h.arena.allocator(), h.keep(name)) catch @panic("out of memory");
        if (!found.found_existing) found.value_ptr.* = .{};
        return found.value_ptr;
    }

    /// Stores a value in a namespace.
    pub fn setValue(h: *Host, name: []const u8, key: []const u8, bytes: []const u8) void {
        h.store(name, .{ .key = key, .value = bytes });
    }

    fn store(h: *Host, name: []const u8, q: abi.KvPutRequest) void {
        const entry = abi.KvEntry{
            .key = h.keep(q.key),
            .found = true,
            .value = h.keep(q.value),
            .metadata = if (q.metadata) |m| h.keep(m) else null,
        };
        h.namespace(name).put(h.arena.allocator(), entry.key, entry) catch @panic("out of memory");
    }

    /// A value in a namespace; null when there is none.
    pub fn value(h: *Host, name: []const u8, key: []const u8) ?[]const u8 {
        return if (h.namespace(name).get(key)) |e| e.value else null;
    }

    /// Has the next call of an operation that has no reply yet answered with this one. Several are given in turn.
    pub fn answer(h: *Host, comptime operation: anytype, reply: @TypeOf(operation).Reply) void {
        h.push(operation.name, encoded(reply, h.arena.allocator()));
    }

    /// Has the next call of an operation fail.
    pub fn refuse(h: *Host, comptime operation: anytype, failure: abi.Failure) void {
        h.push(operation.name, h.failed(failure));
    }

    fn push(h: *Host, name: []const u8, reply: []const u8) void {
        const list = h.replies.getOrPut(h.arena.allocator(), name) catch @panic("out of memory");
        if (!list.found_existing) list.value_ptr.* = .{};
        list.value_ptr.append(h.arena.allocator(), reply) catch @panic("out of memory");
    }

    /// The requests of an operation, in order.
    pub fn requests(h: *Host, comptime operation: anytype) []const @TypeOf(operation).Request {
        const Request = @TypeOf(operation).Request;
        const gpa = h.arena.allocator();
        const all = gpa.alloc(Request, h.asked.items.len) catch @panic("out of memory");
        var n: usize = 0;
        for (h.asked.items) |a| if (std.mem.eql(u8, a.op, operation.name)) {
            all[n] = decoded(Request, gpa, a.message);
            n += 1;
        };
        return all[0..n];
    }

    /// Runs a request through the handlers of Program. A handler that does not answer is the error NoAnswer.
    pub fn fetch(h: *Host, comptime Program: type, ask: Ask) error{NoAnswer}!Answer {
        var e = abi.FetchEvent{ .method = ask.method, .url = ask.url, .headers = ask.headers, .remote_addr = "192.0.2.1", .protocol = "HTTP/1.1" };
        h.begin(0);
        if (ask.streamed) {
            const body = h.channel();
            body.bytes.appendSlice(h.arena.allocator(), ask.body) catch @panic("out of memory");
            body.ended = true;
            e.body_stream = h.add(.{ .readable = body });
        } else e.body = ask.body;
        h.run(Program, .{ .kind = abi.event_fetch, .id = "event-1", .time_ms = 1_800_000_000_000, .fetch = &e });
        const r = h.response orelse return error.NoAnswer;
        const body = if (h.body) |b| b.bytes.items else r.body;
        return .{ .status = if (r.status == 0) 200 else r.status, .headers = r.headers, .body = body };
    }

    /// Runs the tick of a cron trigger. What failed is in failure.
    pub fn tick(h: *Host, comptime Program: type, cron: []const u8, scheduled_time_ms: i64) void {
        h.begin(0);
        const e = abi.ScheduledEvent{ .cron = cron, .scheduled_time_ms = scheduled_time_ms };
        h.run(Program, .{ .kind = abi.event_scheduled, .id = "event-1", .time_ms = scheduled_time_ms, .scheduled = &e });
    }

    /// Delivers messages of a queue and says what becomes of each.
    pub fn deliver(h: *Host, comptime Program: type, queue: []const u8, messages: []const abi.QueueMessage) []const Settled {
        h.begin(messages.len);
        const e = abi.QueueEvent{ .queue = queue, .messages = messages };
        h.run(Program, .{ .kind = abi.event_queue, .id = "event-1", .time_ms = 1_800_000_000_000, .queue = &e });
        for (h.settled) |*s| {
            if (!s.said) s.* = h.all orelse .{ .retried = h.failure != null };
        }
        return h.settled;
    }

    fn begin(h: *Host, messages: usize) void {
        h.failure = null;
        h.response = null;
        h.body = null;
        h.all = null;
        h.settled = h.arena.allocator().alloc(Settled, messages) catch @panic("out of memory");
        @memset(h.settled, .{});
    }

    fn run(h: *Host, comptime Program: type, e: abi.Event) void {
        h.message = encoded(e, h.arena.allocator());
        event.run(Program);
    }

    fn channel(h: *Host) *Channel {
        const c = h.arena.allocator().create(Channel) catch @panic("out of memory");
        c.* = .{};
        return c;
    }

    fn add(h: *Host, thing: Thing) abi.Handle {
        h.things.append(h.arena.allocator(), thing) catch @panic("out of memory");
        return @intCast(h.things.items.len);
    }

    fn find(h: *Host, handle: abi.Handle) *Thing {
        if (handle == 0 or handle > h.things.items.len) return @constCast(&Thing{ .gone = {} });
        return &h.things.items[handle - 1];
    }

    /// Whether a wait for a handle would end.
    fn ready(h: *Host, handle: abi.Handle) bool {
        return switch (h.find(handle).*) {
            .call => |c| if (c.stream) |s| s.ended or s.broken else true,
            .readable => |c| c.waiting() > 0 or c.ended or c.broken,
            .writable => |c| c.given or c.abandoned or c.waiting() < pipe_bytes,
            .gone => false,
        };
    }

    /// Takes a stream that a message gives away.
    fn give(h: *Host, handle: abi.Handle) ?*Channel {
        const thing = h.find(handle);
        const c = switch (thing.*) {
            .readable => |c| c,
            else => return null,
        };
        thing.* = .gone;
        c.given = true;
        return c;
    }

    fn failed(h: *Host, failure: abi.Failure) []const u8 {
        var w = cbor.Writer{ .gpa = h.arena.allocator() };
        w.map(1);
        w.uint(0);
        failure.encode(&w);
        return w.written();
    }

    fn good(h: *Host, comptime operation: anytype, r: @TypeOf(operation).Reply) Pending {
        return .{ .reply = encoded(r, h.arena.allocator()) };
    }

    /// Performs an operation.
    fn perform(h: *Host, target: []const u8, name: []const u8, message: []const u8) Pending {
        if (h.replies.getPtr(name)) |list| if (list.items.len != 0) return .{ .reply = list.orderedRemove(0) };
        inline for (performers) |p| {
            if (std.mem.eql(u8, p[0].name, name)) return p[1](h, target, decoded(@TypeOf(p[0]).Request, h.arena.allocator(), message));
        }
        return .{ .reply = h.failed(.{ .code = abi.code_unsupported, .message = "the test has no answer for this operation" }) };
    }

    fn respond(h: *Host, _: []const u8, q: abi.RespondRequest) Pending {
        h.response = q;
        if (q.stream != 0) h.body = h.give(q.stream);
        return h.good(abi.op.respond, .{});
    }

    fn pipe(h: *Host, _: []const u8, _: abi.PipeRequest) Pending {
        const c = h.channel();
        return h.good(abi.op.pipe, .{ .readable = h.add(.{ .readable = c }), .writable = h.add(.{ .writable = c }) });
    }

    fn fail(h: *Host, _: []const u8, q: abi.FailRequest) Pending {
        if (h.failure == null) h.failure = q.message;
        return h.good(abi.op.fail, .{});
    }

    fn ack(h: *Host, _: []const u8, q: abi.AckRequest) Pending {
        h.settle(q.messages, q.all, .{ .said = true });
        return h.good(abi.op.ack, .{});
    }

    fn retry(h: *Host, _: []const u8, q: abi.RetryRequest) Pending {
        h.settle(q.messages, q.all, .{ .said = true, .retried = true, .delay_s = q.delay_s });
        return h.good(abi.op.retry, .{});
    }

    /// The first that is said of a message counts.
    fn settle(h: *Host, places: []const u32, all: bool, s: Settled) void {
        if (all and h.all == null) h.all = s;
        for (places) |i| if (!h.settled[i].said) {
            h.settled[i] = s;
        };
    }

    fn variableGet(h: *Host, target: []const u8, _: abi.VarsGetRequest) Pending {
        const text = h.variables.get(target) orelse h.secrets.get(target) orelse return h.absent();
        return h.good(abi.op.vars_get, .{ .value = text });
    }

    fn secretGet(h: *Host, target: []const u8, _: abi.SecretsGetRequest) Pending {
        return h.good(abi.op.secrets_get, .{ .value = h.secrets.get(target) orelse return h.absent() });
    }

    fn absent(h: *Host) Pending {
        return .{ .reply = h.failed(.{ .code = abi.code_not_configured, .message = "there is no such name" }) };
    }

    fn kvGet(h: *Host, target: []const u8, q: abi.KvGetRequest) Pending {
        const e = h.namespace(target).get(q.key) orelse return h.good(abi.op.kv_get, .{});
        var r = abi.KvGetReply{ .found = true, .metadata = if (q.with_metadata) e.metadata else null };
        if (std.mem.eql(u8, q.type, abi.kv_stream)) {
            const c = h.channel();
            c.bytes.appendSlice(h.arena.allocator(), e.value) catch @panic("out of memory");
            c.ended = true;
            r.stream = h.add(.{ .readable = c });
        } else r.value = e.value;
        return h.good(abi.op.kv_get, r);
    }

    fn kvGetBulk(h: *Host, target: []const u8, q: abi.KvGetBulkRequest) Pending {
        const entries = h.arena.allocator().alloc(abi.KvEntry, q.keys.len) catch @panic("out of memory");
        for (entries, q.keys) |*e, key| e.* = h.namespace(target).get(key) orelse .{ .key = key };
        return h.good(abi.op.kv_get_bulk, .{ .entries = entries });
    }

    fn kvPut(h: *Host, target: []const u8, q: abi.KvPutRequest) Pending {
        var p = h.good(abi.op.kv_put, .{});
        if (h.give(q.stream)) |c| {
            p.stream = c;
            p.store = .{ .namespace = h.keep(target), .key = q.key };
        } else h.store(target, q);
        return p;
    }

    fn kvDelete(h: *Host, target: []const u8, q: abi.KvDeleteRequest) Pending {
        _ = h.namespace(target).orderedRemove(q.key);
        return h.good(abi.op.kv_delete, .{});
    }

    /// A page of a list; a cursor is the last key of the page before.
    fn kvList(h: *Host, target: []const u8, q: abi.KvListRequest) Pending {
        const gpa = h.arena.allocator();
        var names: std.ArrayListUnmanaged(abi.KvKey) = .{};
        for (h.namespace(target).values()) |e| {
            if (std.mem.startsWith(u8, e.key, q.prefix) and std.mem.order(u8, e.key, q.cursor) == .gt)
                names.append(gpa, .{ .name = e.key, .metadata = e.metadata }) catch @panic("out of memory");
        }
        std.mem.sort(abi.KvKey, names.items, {}, struct {
            fn before(_: void, a: abi.KvKey, b: abi.KvKey) bool {
                return std.mem.order(u8, a.name, b.name) == .lt;
            }
        }.before);
        const n = @min(names.items.len, @as(usize, @intCast(q.limit orelse abi.kv_list_limit_max)));
        const complete = n == names.items.len;
        return h.good(abi.op.kv_list, .{ .keys = names.items[0..n], .list_complete = complete, .cursor = if (complete) "" else names.items[n - 1].name });
    }

    fn send(h: *Host, _: []const u8, q: abi.QueuesSendRequest) Pending {
        return h.good(abi.op.queues_send, .{ .metrics = &.{ .backlog_count = 1, .backlog_bytes = q.body.len } });
    }

    fn sendBatch(h: *Host, _: []const u8, q: abi.QueuesSendBatchRequest) Pending {
        return h.good(abi.op.queues_send_batch, .{ .metrics = &.{ .backlog_count = q.messages.len } });
    }

    fn metrics(h: *Host, _: []const u8, _: abi.QueuesMetricsRequest) Pending {
        return h.good(abi.op.queues_metrics, .{});
    }

    fn point(h: *Host, _: []const u8, _: abi.AnalyticsWriteRequest) Pending {
        return h.good(abi.op.analytics_write, .{});
    }

    /// What the host can do by itself.
    const performers = .{
        .{ abi.op.respond, respond },       .{ abi.op.pipe, pipe },                   .{ abi.op.fail, fail },
        .{ abi.op.ack, ack },               .{ abi.op.retry, retry },                 .{ abi.op.vars_get, variableGet },
        .{ abi.op.secrets_get, secretGet }, .{ abi.op.kv_get, kvGet },                .{ abi.op.kv_get_bulk, kvGetBulk },
        .{ abi.op.kv_put, kvPut },          .{ abi.op.kv_delete, kvDelete },          .{ abi.op.kv_list, kvList },
        .{ abi.op.queues_send, send },      .{ abi.op.queues_send_batch, sendBatch }, .{ abi.op.queues_metrics, metrics },
        .{ abi.op.analytics_write, point },
    };
};

fn encoded(message: anytype, gpa: std.mem.Allocator) []const u8 {
    var w = cbor.Writer{ .gpa = gpa };
    message.encode(&w);
    return w.written();
}

fn decoded(comptime Message: type, gpa: std.mem.Allocator, bytes: []const u8) Message {
    var r = cbor.Reader.init(gpa, bytes);
    const m = Message.decode(&r);
    if (r.close()) |why| std.debug.panic("the function sends a message that cannot be read: {s}", .{why});
    return m;
}

/// The seven host functions, as host.zig imports them in WebAssembly. Without a host everything is unsupported.
pub const functions = struct {
    fn refused(comptime code: i32) i32 {
        return -code;
    }

    pub fn call(target: [*]const u8, target_len: usize, op: [*]const u8, op_len: usize, msg: [*]const u8, msg_len: usize) i32 {
        const h = current orelse return refused(abi.code_unsupported);
        const a = Asked{ .target = h.keep(target[0..target_len]), .op = h.keep(op[0..op_len]), .message = h.keep(msg[0..msg_len]) };
        h.asked.append(h.arena.allocator(), a) catch @panic("out of memory");
        return @intCast(h.add(.{ .call = h.perform(a.target, a.op, a.message) }));
    }

    pub fn wait(handles: [*]const u32, n: usize, _: i64) i32 {
        const h = current orelse return refused(abi.code_unsupported);
        for (handles[0..n], 0..) |handle, i| {
            if (h.find(handle).* == .gone) return refused(abi.code_bad_handle);
            if (h.ready(handle)) return @intCast(i);
        }
        return refused(abi.code_timeout);
    }

    pub fn result(handle: u32, ptr: [*]u8, cap: usize) i32 {
        const h = current orelse return refused(abi.code_unsupported);
        if (handle == 0) return copy(h.message, ptr, cap);
        const thing = h.find(handle);
        if (thing.* != .call) return refused(abi.code_bad_handle);
        if (!h.ready(handle)) return refused(abi.code_would_block);
        const c = &thing.call;
        if (c.stream) |s| {
            if (s.broken) c.reply = h.failed(.{ .code = abi.code_stream_closed, .message = "the stream was broken off" });
            if (s.ended) if (c.store) |to| h.store(to.namespace, .{ .key = to.key, .value = s.bytes.items });
            c.stream = null;
        }
        const n = copy(c.reply, ptr, cap);
        if (n <= cap) thing.* = .gone;
        return n;
    }

    fn copy(message: []const u8, ptr: [*]u8, cap: usize) i32 {
        if (message.len <= cap) @memcpy(ptr[0..message.len], message);
        return @intCast(message.len);
    }

    pub fn read(stream: u32, ptr: [*]u8, cap: usize) i32 {
        const h = current orelse return refused(abi.code_unsupported);
        const c = switch (h.find(stream).*) {
            .readable => |c| c,
            else => return refused(abi.code_bad_handle),
        };
        if (c.waiting() == 0) return if (c.broken) refused(abi.code_stream_closed) else if (c.ended) 0 else refused(abi.code_would_block);
        const n = @min(cap, c.waiting());
        @memcpy(ptr[0..n], c.bytes.items[c.taken..][0..n]);
        c.taken += n;
        return @intCast(n);
    }

    pub fn write(stream: u32, ptr: [*]const u8, len: usize) i32 {
        const h = current orelse return refused(abi.code_unsupported);
        const c = switch (h.find(stream).*) {
            .writable => |c| c,
            else => return refused(abi.code_bad_handle),
        };
        if (c.abandoned) return refused(abi.code_stream_closed);
        const n = if (c.given) len else @min(len, pipe_bytes - c.waiting());
        if (n == 0 and len != 0) return refused(abi.code_would_block);
        c.bytes.appendSlice(h.arena.allocator(), ptr[0..n]) catch @panic("out of memory");
        return @intCast(n);
    }

    pub fn close(handle: u32, reason: u32) i32 {
        const h = current orelse return refused(abi.code_unsupported);
        const thing = h.find(handle);
        switch (thing.*) {
            .call => {},
            .readable => |c| c.abandoned = true,
            .writable => |c| if (reason == abi.close_finish) {
                c.ended = true;
            } else {
                c.broken = true;
            },
            .gone => return refused(abi.code_bad_handle),
        }
        thing.* = .gone;
        return 0;
    }

    pub fn log(level: u32, ptr: [*]const u8, len: usize) i32 {
        const h = current orelse return refused(abi.code_unsupported);
        h.lines.append(h.arena.allocator(), .{ .level = level, .text = h.keep(ptr[0..len]) }) catch @panic("out of memory");
        return 0;
    }
};
