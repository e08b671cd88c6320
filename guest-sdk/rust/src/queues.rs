//! Queues: sending messages and consuming them.

use crate::abi::{self, op};
use crate::call::{invoke, Call, Pending};
use crate::error::Result;

/// A queue to send to, by the name of its binding.
#[derive(Clone, Copy, Debug)]
pub struct Queue<'n>(pub &'n str);

/// A message to send.
#[derive(Clone, Debug, Default)]
pub struct Send<'b> {
    /// The body, up to 128,000 bytes.
    pub body: &'b [u8],
    /// "json", "text" or "bytes"; empty is "json".
    pub content_type: &'b str,
    /// After how many seconds the message is delivered at the earliest; None means the batch's or the producer's delay.
    pub delay_s: Option<i64>,
}

impl<'b> Send<'b> {
    /// A JSON document.
    pub fn json(body: &'b str) -> Self {
        Send { body: body.as_bytes(), content_type: abi::QUEUE_JSON, delay_s: None }
    }

    /// Text.
    pub fn text(body: &'b str) -> Self {
        Send { body: body.as_bytes(), content_type: abi::QUEUE_TEXT, delay_s: None }
    }

    /// Bytes.
    pub fn bytes(body: &'b [u8]) -> Self {
        Send { body, content_type: abi::QUEUE_BYTES, delay_s: None }
    }

    fn message(&self) -> abi::QueueSend<'b> {
        abi::QueueSend { body: self.body, content_type: self.content_type, delay_s: self.delay_s }
    }

    /// The message with a delay.
    pub fn delayed(mut self, delay_s: i64) -> Self {
        self.delay_s = Some(delay_s);
        self
    }
}

/// The state of a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// How many messages wait, those being delivered or delayed included.
    pub backlog_count: u64,
    /// How many bytes their bodies have.
    pub backlog_bytes: u64,
    /// When the oldest of them was sent, in milliseconds since the Unix epoch.
    pub oldest_message_timestamp_ms: Option<i64>,
}

impl From<Option<&abi::QueueMetrics>> for Metrics {
    fn from(m: Option<&abi::QueueMetrics>) -> Self {
        m.map_or_else(Metrics::default, |m| Metrics {
            backlog_count: m.backlog_count,
            backlog_bytes: m.backlog_bytes,
            oldest_message_timestamp_ms: m.oldest_message_timestamp_ms,
        })
    }
}

impl Queue<'_> {
    /// Sends a message and returns when it is durable: the queue's state right after.
    pub fn send(&self, message: Send<'_>) -> Result<Metrics> {
        self.send_async(message).wait()
    }

    /// Starts sending a message.
    pub fn send_async(&self, m: Send<'_>) -> Pending<Metrics> {
        let request = abi::QueuesSendRequest { body: m.body, content_type: m.content_type, delay_s: m.delay_s };
        Pending::new(Call::start(self.0, op::QUEUES_SEND, &request), |reply| {
            let r: abi::QueuesSendReply = reply.decode()?;
            Ok(Metrics::from(r.metrics.as_deref()))
        })
    }

    /// Sends a value of any type that serde knows, as JSON.
    #[cfg(feature = "serde")]
    pub fn send_json<T: serde::Serialize>(&self, value: &T) -> Result<Metrics> {
        self.send(Send::json(&serde_json::to_string(value)?))
    }

    /// Sends up to 100 messages of together up to 256,000 bytes: all of them are stored, or none. The delay is that of messages that have
    /// none of their own.
    pub fn send_batch(&self, messages: &[Send<'_>], delay_s: Option<i64>) -> Result<Metrics> {
        self.send_batch_async(messages, delay_s).wait()
    }

    /// Starts sending messages.
    pub fn send_batch_async(&self, messages: &[Send<'_>], delay_s: Option<i64>) -> Pending<Metrics> {
        let messages = messages.iter().map(Send::message).collect();
        let request = abi::QueuesSendBatchRequest { messages, delay_s };
        Pending::new(Call::start(self.0, op::QUEUES_SEND_BATCH, &request), |reply| {
            let r: abi::QueuesSendBatchReply = reply.decode()?;
            Ok(Metrics::from(r.metrics.as_deref()))
        })
    }

    /// The queue's state.
    pub fn metrics(&self) -> Result<Metrics> {
        let reply = invoke(self.0, op::QUEUES_METRICS, &abi::QueuesMetricsRequest {})?;
        let r: abi::QueuesMetricsReply = reply.decode()?;
        Ok(Metrics::from(r.metrics.as_deref()))
    }
}

/// Messages of a queue. Those neither acknowledged nor retried when the handler returns are acknowledged; when it fails they are
/// retried.
#[derive(Debug, Default)]
pub struct Batch {
    /// The name of the queue.
    pub queue: String,
    /// 1 to 100 messages.
    pub messages: Vec<Message>,
    /// The queue's state when the batch was made.
    pub metrics: Metrics,
}

/// One delivery of a message.
#[derive(Debug, Default)]
pub struct Message {
    /// 32 hexadecimal digits, the same at every delivery.
    pub id: String,
    /// When the message was sent, in milliseconds since the Unix epoch.
    pub timestamp_ms: i64,
    /// The message.
    pub body: Vec<u8>,
    /// "json", "text", "bytes" or "v8".
    pub content_type: String,
    /// Counts the deliveries of the message with this one: 1 at first.
    pub attempts: u32,
    place: u32,
}

impl Batch {
    pub(crate) fn from_event(e: &abi::QueueEvent<'_>) -> Self {
        let messages = e.messages.iter().zip(0..).map(|(m, place)| Message {
            id: m.id.to_string(),
            timestamp_ms: m.timestamp_ms,
            body: m.body.to_vec(),
            content_type: m.content_type.to_string(),
            attempts: m.attempts,
            place,
        });
        Batch { queue: e.queue.to_string(), messages: messages.collect(), metrics: Metrics::from(e.metrics.as_deref()) }
    }

    /// Acknowledges every message that nothing has been said of by itself.
    pub fn ack_all(&self) {
        settle(op::ACK, &abi::AckRequest { messages: Vec::new(), all: true })
    }

    /// Has every message that nothing has been said of by itself delivered again, after a delay or the consumer's retry_delay.
    pub fn retry_all(&self, delay_s: Option<i64>) -> Result<()> {
        retry(&abi::RetryRequest { messages: Vec::new(), all: true, delay_s })
    }
}

impl Message {
    /// The body as text.
    pub fn text(&self) -> Result<&str> {
        std::str::from_utf8(&self.body).map_err(|_| crate::Error::other("the message is not UTF-8"))
    }

    /// The body as a value of any type that serde knows.
    #[cfg(feature = "serde")]
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
        Ok(serde_json::from_slice(&self.body)?)
    }

    /// Acknowledges the message: it is not delivered again, even if the handler fails later. The first of ack and retry wins.
    pub fn ack(&self) {
        settle(op::ACK, &abi::AckRequest { messages: vec![self.place], all: false })
    }

    /// Has the message delivered again, after a delay or the consumer's retry_delay, unless its attempts are used up.
    pub fn retry(&self, delay_s: Option<i64>) -> Result<()> {
        retry(&abi::RetryRequest { messages: vec![self.place], all: false, delay_s })
    }
}

/// Tells the host, and ends the instance where it does not listen, so that a message never passes for one that has been settled.
fn settle(operation: &str, request: &abi::AckRequest) {
    let told = invoke("", operation, request).and_then(|reply| reply.decode::<abi::AckReply>());
    assert!(told.is_ok(), "{}: {:?}", operation, told);
}

fn retry(request: &abi::RetryRequest) -> Result<()> {
    invoke("", op::RETRY, request)?.decode::<abi::RetryReply>().map(|_| ())
}
