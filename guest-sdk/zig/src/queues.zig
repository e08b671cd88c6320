//! Queues: sending messages and consuming them.

const abi = @import("abi.zig");
const host = @import("host.zig");

/// A message to send.
pub const Message = abi.QueueSend;

/// A queue to send to, by the name of its binding.
pub const Queue = struct {
    name: []const u8,

    /// Sends a message and returns when it is durable.
    pub fn send(q: Queue, m: Message) abi.Error!void {
        _ = try host.invoke(q.name, abi.op.queues_send, &.{ .body = m.body, .content_type = m.content_type, .delay_s = m.delay_s });
    }

    /// Sends up to 100 messages: all of them are stored, or none. The delay is that of messages that have none of their own.
    pub fn sendBatch(q: Queue, messages: []const Message, delay_s: ?i64) abi.Error!void {
        _ = try host.invoke(q.name, abi.op.queues_send_batch, &.{ .messages = messages, .delay_s = delay_s });
    }

    /// The queue's state.
    pub fn metrics(q: Queue) abi.Error!abi.QueueMetrics {
        const reply = try host.invoke(q.name, abi.op.queues_metrics, &.{});
        return if (reply.metrics) |m| m.* else .{};
    }
};

/// Messages of a queue. Those neither acknowledged nor retried when the handler returns are acknowledged; when it fails they are
/// retried. The first of ack and retry wins for each message.
pub const Batch = struct {
    /// The name of the queue.
    queue: []const u8,
    /// 1 to 100 messages.
    messages: []const abi.QueueMessage,

    pub fn of(e: *const abi.QueueEvent) Batch {
        return .{ .queue = e.queue, .messages = e.messages };
    }

    /// Acknowledges the message at a place: it is not delivered again, even if the handler fails later.
    pub fn ack(_: Batch, place: usize) void {
        _ = host.invoke("", abi.op.ack, &.{ .messages = &.{@intCast(place)} }) catch {};
    }

    /// Has the message at a place delivered again, after a delay or the consumer's retry_delay.
    pub fn retry(_: Batch, place: usize, delay_s: ?i64) abi.Error!void {
        _ = try host.invoke("", abi.op.retry, &.{ .messages = &.{@intCast(place)}, .delay_s = delay_s });
    }

    /// Acknowledges every message that nothing has been said of by itself.
    pub fn ackAll(_: Batch) void {
        _ = host.invoke("", abi.op.ack, &.{ .all = true }) catch {};
    }

    /// Has every message that nothing has been said of by itself delivered again.
    pub fn retryAll(_: Batch, delay_s: ?i64) abi.Error!void {
        _ = try host.invoke("", abi.op.retry, &.{ .all = true, .delay_s = delay_s });
    }
};
