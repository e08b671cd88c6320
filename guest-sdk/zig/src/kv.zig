//! KV namespaces.

const abi = @import("abi.zig");
const host = @import("host.zig");

/// What a put may say besides key and value.
pub const Put = struct {
    /// When the key goes, in seconds since the Unix epoch; at least 60 from now.
    expiration: ?i64 = null,
    /// After how many seconds the key goes; at least 60.
    expiration_ttl_s: ?i64 = null,
    /// Any JSON document of at most 1024 bytes.
    metadata: ?[]const u8 = null,
};

/// Which keys to list.
pub const List = struct {
    /// Only keys that begin with it.
    prefix: []const u8 = "",
    /// The most keys on a page: at most 1000, the default.
    limit: ?i64 = null,
    /// The cursor of the page before.
    cursor: []const u8 = "",
};

/// A KV namespace, by the name of its binding.
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

    /// Reads value and metadata.
    pub fn getWithMetadata(ns: Namespace, key: []const u8) abi.Error!abi.KvGetReply {
        return host.invoke(ns.name, abi.op.kv_get, &.{ .key = key, .type = abi.kv_array_buffer, .with_metadata = true });
    }

    /// Reads a value as a stream; null when there is no such key.
    pub fn getStream(ns: Namespace, key: []const u8) abi.Error!?abi.Handle {
        const reply = try host.invoke(ns.name, abi.op.kv_get, &.{ .key = key, .type = abi.kv_stream });
        return if (reply.found) reply.stream else null;
    }

    /// Reads up to 100 keys with their metadata. Missing ones are in place with found = false.
    pub fn getBulk(ns: Namespace, keys: []const []const u8) abi.Error![]const abi.KvEntry {
        return (try host.invoke(ns.name, abi.op.kv_get_bulk, &.{ .keys = keys, .with_metadata = true })).entries;
    }

    /// Stores a value and returns when it is durable.
    pub fn put(ns: Namespace, key: []const u8, value: []const u8, options: Put) abi.Error!void {
        _ = try host.invoke(ns.name, abi.op.kv_put, &.{
            .key = key,
            .value = value,
            .expiration = options.expiration,
            .expiration_ttl_s = options.expiration_ttl_s,
            .metadata = options.metadata,
        });
    }

    /// Stores the bytes of a readable stream, which is given away.
    pub fn putStream(ns: Namespace, key: []const u8, stream: abi.Handle, options: Put) abi.Error!void {
        _ = try host.invoke(ns.name, abi.op.kv_put, &.{
            .key = key,
            .stream = stream,
            .expiration = options.expiration,
            .expiration_ttl_s = options.expiration_ttl_s,
            .metadata = options.metadata,
        });
    }

    /// Removes a key; one that is not there is no error.
    pub fn delete(ns: Namespace, key: []const u8) abi.Error!void {
        _ = try host.invoke(ns.name, abi.op.kv_delete, &.{ .key = key });
    }

    /// Lists keys in the order of their bytes, a page at a time.
    pub fn list(ns: Namespace, options: List) abi.Error!abi.KvListReply {
        return host.invoke(ns.name, abi.op.kv_list, &.{ .prefix = options.prefix, .limit = options.limit, .cursor = options.cursor });
    }
};

/// A read in progress.
pub const Get = struct {
    /// The call's handle, ready when the value can be taken.
    call: abi.Handle,

    /// Waits for the value; null when there is no such key.
    pub fn wait(g: Get) abi.Error!?[]const u8 {
        const reply = try host.finish(g.call, abi.op.kv_get);
        return if (reply.found) reply.value else null;
    }
};
