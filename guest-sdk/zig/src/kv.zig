//! KV namespaces.

const abi = @import("abi.zig");
const host = @import("host.zig");
const json = @import("json.zig");
const streams = @import("stream.zig");

/// A value with its metadata.
pub const Entry = abi.KvEntry;
/// A key of a list.
pub const Key = abi.KvKey;
/// A page of a list.
pub const Page = abi.KvListReply;

/// What a put may say besides key and value.
pub const Put = struct {
    /// When the key goes, in seconds since the Unix epoch; at least 60 from now.
    expiration: ?i64 = null,
    /// After how many seconds the key goes; at least 60. It wins over expiration.
    expiration_ttl_s: ?i64 = null,
    /// Any JSON document of at most 1024 bytes; lists have it too.
    metadata: ?[]const u8 = null,

    fn request(options: Put, key: []const u8) abi.KvPutRequest {
        return .{ .key = key, .expiration = options.expiration, .expiration_ttl_s = options.expiration_ttl_s, .metadata = options.metadata };
    }
};

/// Which keys to list.
pub const List = struct {
    /// Only keys that begin with it; at most 512 bytes.
    prefix: []const u8 = "",
    /// The most keys on a page: at most 1000, the default.
    limit: ?i64 = null,
    /// The cursor of the page before.
    cursor: []const u8 = "",
};

/// A KV namespace, by the name of its binding. A key is 1 to 512 bytes of UTF-8.
pub const Namespace = struct {
    name: []const u8,

    /// Reads a value; null when there is no such key.
    pub fn get(ns: Namespace, key: []const u8) abi.Error!?[]const u8 {
        return (try ns.getStart(key)).wait();
    }

    /// Starts reading a value, so that several reads run at once.
    pub fn getStart(ns: Namespace, key: []const u8) abi.Error!Get {
        return .{ .call = try host.start(ns.name, abi.op.kv_get, &.{ .key = key, .type = abi.kv_array_buffer }) };
    }

    /// Reads a JSON document as a value of T; null when there is no such key. Fields that T does not have are ignored.
    pub fn getJson(ns: Namespace, comptime T: type, key: []const u8) !?T {
        const document = try ns.get(key) orelse return null;
        return try json.parse(T, document);
    }

    /// Reads value and metadata; found says whether there is such a key.
    pub fn getWithMetadata(ns: Namespace, key: []const u8) abi.Error!Entry {
        const r = try host.invoke(ns.name, abi.op.kv_get, &.{ .key = key, .type = abi.kv_array_buffer, .with_metadata = true });
        return .{ .key = key, .found = r.found, .value = r.value, .metadata = r.metadata };
    }

    /// Reads a value as a stream, without holding it in memory; null when there is no such key.
    pub fn getStream(ns: Namespace, key: []const u8) abi.Error!?streams.Stream {
        const reply = try host.invoke(ns.name, abi.op.kv_get, &.{ .key = key, .type = abi.kv_stream });
        return if (reply.found) .{ .handle = reply.stream } else null;
    }

    /// Reads up to 100 keys, 25 MiB together, with their metadata. They come in the order of their first mention, missing ones with found = false.
    pub fn getBulk(ns: Namespace, names: []const []const u8) abi.Error![]const Entry {
        return (try host.invoke(ns.name, abi.op.kv_get_bulk, &.{ .keys = names, .with_metadata = true })).entries;
    }

    /// Stores a value of at most 25 MiB and returns when it is durable. What was there before is replaced whole, metadata and expiration included.
    pub fn put(ns: Namespace, key: []const u8, value: []const u8, options: Put) abi.Error!void {
        return (try ns.putStart(key, value, options)).wait();
    }

    /// Starts storing a value, which is copied.
    pub fn putStart(ns: Namespace, key: []const u8, value: []const u8, options: Put) abi.Error!Write(abi.op.kv_put) {
        var request = options.request(key);
        request.value = value;
        return .{ .call = try host.start(ns.name, abi.op.kv_put, &request) };
    }

    /// Stores the JSON form of a value.
    pub fn putJson(ns: Namespace, key: []const u8, value: anytype, options: Put) abi.Error!void {
        return ns.put(key, json.stringify(value), options);
    }

    /// Stores the bytes of a stream, which is given away: they do not pass through the function. Of a stream that fails, or has more than 25 MiB, nothing
    /// is stored.
    pub fn putStream(ns: Namespace, key: []const u8, stream: streams.Stream, options: Put) abi.Error!void {
        if (stream.handle == 0) return ns.put(key, stream.rest, options);
        return (try ns.putHandle(key, stream.handle, options)).wait();
    }

    /// Stores the bytes of a reader, without holding them in memory: any type with read(buf) that gives 0 at the end. When it fails nothing is stored, and
    /// the error is the reader's.
    pub fn putFrom(ns: Namespace, key: []const u8, reader: anytype, options: Put) !void {
        const pipe = try streams.Pipe.open();
        const write = try ns.putHandle(key, pipe.readable.handle, options);
        pipe.writer.copy(reader) catch |err| {
            pipe.writer.abort();
            write.wait() catch |refused| if (err == error.StreamClosed) return refused;
            return err;
        };
        pipe.writer.close();
        return write.wait();
    }

    fn putHandle(ns: Namespace, key: []const u8, stream: abi.Handle, options: Put) abi.Error!Write(abi.op.kv_put) {
        var request = options.request(key);
        request.stream = stream;
        return .{ .call = try host.start(ns.name, abi.op.kv_put, &request) };
    }

    /// Removes a key; one that is not there is no error.
    pub fn delete(ns: Namespace, key: []const u8) abi.Error!void {
        return (try ns.deleteStart(key)).wait();
    }

    /// Starts removing a key.
    pub fn deleteStart(ns: Namespace, key: []const u8) abi.Error!Write(abi.op.kv_delete) {
        return .{ .call = try host.start(ns.name, abi.op.kv_delete, &.{ .key = key }) };
    }

    /// Lists keys in the order of their bytes, a page at a time.
    pub fn list(ns: Namespace, options: List) abi.Error!Page {
        return host.invoke(ns.name, abi.op.kv_list, &.{ .prefix = options.prefix, .limit = options.limit, .cursor = options.cursor });
    }

    /// Goes through all keys that begin with a prefix, asking for pages as they are needed.
    pub fn keys(ns: Namespace, prefix: []const u8) Keys {
        return .{ .namespace = ns, .prefix = prefix };
    }
};

/// A read in progress.
pub const Get = struct {
    call: host.Call(abi.op.kv_get),

    /// Waits for the value; null when there is no such key.
    pub fn wait(g: Get) abi.Error!?[]const u8 {
        const reply = try g.call.wait();
        return if (reply.found) reply.value else null;
    }

    /// Says that nobody will ask for the value.
    pub fn cancel(g: Get) void {
        g.call.cancel();
    }
};

/// A write in progress.
pub fn Write(comptime operation: anytype) type {
    return struct {
        call: host.Call(operation),

        /// Waits until it is durable.
        pub fn wait(w: @This()) abi.Error!void {
            _ = try w.call.wait();
        }
    };
}

/// Keys in the order of their bytes.
pub const Keys = struct {
    namespace: Namespace,
    prefix: []const u8,
    page: Page = .{},
    at: usize = 0,

    /// The next key; null after the last.
    pub fn next(k: *Keys) abi.Error!?Key {
        while (k.at == k.page.keys.len) {
            if (k.page.list_complete) return null;
            k.page = try k.namespace.list(.{ .prefix = k.prefix, .cursor = k.page.cursor });
            k.at = 0;
        }
        defer k.at += 1;
        return k.page.keys[k.at];
    }
};
