//! Queues: sending messages and consuming them.

const std = @import("std");
const abi = @import("abi.zig");
const host = @import("host.zig");
const json = @import("json.zig");
const memory = @import("memory.zig");

/// A message to send. Its content_type is "json" (also when empty), "text" or "bytes".
pub const Outgoing = abi.QueueSend;
/// The state of a queue.
pub const Metrics = abi.QueueMetrics;

/// A queue to send to, by the name of its binding. A message is durable when send returns; it has at most 128,000 bytes.
pub const Queue = struct {
    name: []const u8,

    /// Sends a message and gives the queue's state right after.
    pub fn send(q: Queue, m: Outgoing) abi.Error!Metrics {
        return (try q.sendStart(m)).wait();
    }

    /// Starts sending a message, which is copied.
    pub fn sendStart(q: Queue, m: Outgoing) abi.Error!Sending(abi.op.queues_send) {
        return .{ .call = try host.start(q.name, abi.op.queues_send, &.{ .body = m.body, .content_type = m.content_type, .delay_s = m.delay_s }) };
    }

    /// Sends text, after delay_s seconds or the producer's delivery_delay.
    pub fn sendText(q: Queue, text: []const u8, delay_s: ?i64) abi.Error!void {
        _ = try q.send(.{ .body = text, .content_type = abi.queue_text, .delay_s = delay_s });
    }

    /// Sends any bytes, after delay_s seconds or the producer's delivery_delay.
    pub fn sendBytes(q: Queue, bytes: []const u8, delay_s: ?i64) abi.Error!void {
        _ = try q.send(.{ .body = bytes, .content_type = abi.queue_bytes, .delay_s = delay_s });
    }

    /// Sends the JSON form of a value, after delay_s seconds or the producer's delivery_delay.
    pub fn sendJson(q: Queue, value: anytype, delay_s: ?i64) abi.Error!void {
        _ = try q.send(.{ .body = json.stringify(value), .content_type = abi.queue_json, .delay_s = delay_s });
    }

    /// Sends 1 to 100 messages of together at most 256,000 bytes: all of them are stored, or none. The delay is that of messages that have none
    /// of their own.
    pub fn sendBatch(q: Queue, messages: []const Outgoing, delay_s: ?i64) abi.Error!Metrics {
        return (try q.sendBatchStart(messages, delay_s)).wait();
    }

    /// Starts sending a batch, which is copied.
    pub fn sendBatchStart(q: Queue, messages: []const Outgoing, delay_s: ?i64) abi.Error!Sending(abi.op.queues_send_batch) {
        return .{ .call = try host.start(q.name, abi.op.queues_send_batch, &.{ .messages = messages, .delay_s = delay_s }) };
    }

    /// The queue's state.
    pub fn metrics(q: Queue) abi.Error!Metrics {
        return metricsOf((try host.invoke(q.name, abi.op.queues_metrics, &.{})).metrics);
    }
};

fn metricsOf(m: ?*const Metrics) Metrics {
    return if (m) |known| known.* else .{};
}

/// The sending of messages in progress.
pub fn Sending(comptime operation: anytype) type {
    return struct {
        call: host.Call(operation),

        /// Waits until they are durable and gives the queue's state right after.
        pub fn wait(s: @This()) abi.Error!Metrics {
            return metricsOf((try s.call.wait()).metrics);
        }
    };
}

/// Messages of a queue. Those neither acknowledged nor retried when the handler returns are acknowledged; when it fails they are
/// retried. The first of ack and retry wins for each message; what is said later is ignored with a warning in the log.
pub const Batch = struct {
    /// The name of the queue.
    queue: []const u8,
    /// 1 to 100 messages.
    messages: []const Message,
    /// The queue's state when the batch was made.
    metrics: Metrics,

    /// The batch of an event.
    pub fn of(e: *const abi.QueueEvent) Batch {
        const messages = memory.alloc(Message, e.messages.len);
        for (messages, e.messages, 0..) |*m, *delivered, i| m.* = Message.of(delivered, @intCast(i));
        return .{ .queue = e.queue, .messages = messages, .metrics = metricsOf(e.metrics) };
    }

    /// Acknowledges every message that nothing has been said of by itself.
    pub fn ackAll(_: Batch) void {
        tell(abi.op.ack, &.{ .all = true });
    }

    /// Has every message that nothing has been said of by itself delivered again, after delay_s seconds or the consumer's retry_delay.
    pub fn retryAll(_: Batch, delay_s: ?i64) void {
        tell(abi.op.retry, &.{ .all = true, .delay_s = delay_s });
    }
};

/// One delivery of a message.
pub const Message = struct {
    /// Names the message: 32 hexadecimal digits, the same at every delivery.
    id: []const u8,
    /// When it was sent, in milliseconds since the Unix epoch.
    timestamp_ms: i64,
    /// The message.
    body: []const u8,
    /// "json", "text", "bytes" or "v8".
    content_type: []const u8,
    /// Counts the deliveries with this one: 1 at first.
    attempts: u32,
    place: u32,

    fn of(m: *const abi.QueueMessage, place: u32) Message {
        return .{ .id = m.id, .timestamp_ms = m.timestamp_ms, .body = m.body, .content_type = m.content_type, .attempts = m.attempts, .place = place };
    }

    /// The body, a JSON document, as a value of T. Fields that T does not have are ignored.
    pub fn value(m: *const Message, comptime T: type) !T {
        return json.parse(T, m.body);
    }

    /// Acknowledges the message: it is not delivered again, even if the handler fails later.
    pub fn ack(m: *const Message) void {
        tell(abi.op.ack, &.{ .messages = &.{m.place} });
    }

    /// Has the message delivered again, unless its attempts are used up, after delay_s seconds or the consumer's retry_delay.
    pub fn retry(m: *const Message, delay_s: ?i64) void {
        tell(abi.op.retry, &.{ .messages = &.{m.place}, .delay_s = delay_s });
    }
};

/// Passes a wish on to the host. Where the host does not take it the instance ends, so that a message to retry never passes for one that is done.
fn tell(comptime operation: anytype, request: *const @TypeOf(operation).Request) void {
    host.tell("", operation, request) catch @panic(operation.name ++ ": the host does not take it");
}
