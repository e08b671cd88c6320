//! Stands in for the host in a program's own tests, where there is no WebAssembly. Every thread, and so every test, has a host of its own.
//!
//! ```
//! use pagesrun::{testing, Context, Env, Request, Response, Result};
//!
//! fn hello(req: Request, _env: &Env, _ctx: &Context) -> Result<Response> {
//!     Ok(Response::text(format!("Hello, {}", req.path())))
//! }
//!
//! let answer = testing::fetch(hello, Request::new("GET", "http://localhost/world"));
//! assert_eq!((answer.status, answer.text()), (200, "Hello, /world"));
//! ```
//!
//! Operations of bindings are answered by a function:
//!
//! ```
//! use pagesrun::{abi, cbor, kv::Namespace, testing};
//!
//! testing::answer(|target, op, _message| {
//!     assert_eq!((target, op), ("TODOS", "kv.get"));
//!     Ok(cbor::encode(&abi::KvGetReply { found: true, value: b"milk", ..Default::default() }))
//! });
//! assert_eq!(Namespace("TODOS").get_text("a").unwrap().as_deref(), Some("milk"));
//! ```

pub(crate) mod functions;

use crate::abi::{self, op, Handle};
use crate::cbor::{decode, encode};
use crate::error::{Error, Result};
use crate::event::{FetchHandler, QueueHandler, ScheduledHandler};
use crate::http::{Headers, Request};
use crate::stream::Reader;
use crate::Handlers;
use functions::with;

/// When the events of tests begin, in milliseconds since the Unix epoch.
pub const TIME_MS: i64 = 1_780_000_000_000;

/// Has f answer every operation on this thread: target, operation and request in, reply out. Pipes, responses and failures of events
/// need no answer.
pub fn answer(f: impl FnMut(&str, &str, &[u8]) -> Result<Vec<u8>, Error> + 'static) {
    with(|h| h.answer = Some(Box::new(f)))
}

/// Has replies come only after a number of further waits, so that operations overlap.
pub fn slow(waits: u64) {
    with(|h| h.slow = waits)
}

/// Makes a message the next event of this thread; [`crate::run`] runs it.
pub fn event(e: &abi::Event<'_>) {
    with(|h| h.event = Some(encode(e)))
}

/// The lines logged on this thread since the last time, with their levels.
pub fn logged() -> Vec<(u32, String)> {
    with(|h| std::mem::take(&mut h.log))
}

/// Why the last event that [`crate::run`] ran has failed, if it has.
pub fn failed() -> Option<String> {
    with(|h| h.failed.take())
}

/// What was asked of the host on this thread since the last time: "call TARGET OPERATION", "wait NUMBER", "result", "read", "write" and
/// "close".
pub fn trace() -> Vec<String> {
    with(|h| std::mem::take(&mut h.trace))
}

/// A stream of the host with these bytes.
pub fn stream(bytes: &[u8]) -> Reader {
    let (readable, writable) = with(|h| h.pipe());
    for piece in bytes.chunks(64 << 10) {
        functions::write(writable, piece);
    }
    functions::close(writable, abi::CLOSE_FINISH);
    Reader::new(Handle(readable), &[])
}

/// What a client would have got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The header fields.
    pub headers: Headers,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    ///
    /// # Panics
    ///
    /// When it is not UTF-8.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is not UTF-8")
    }

    fn of(message: &[u8]) -> Self {
        let m: abi::RespondRequest<'_> = decode(message).expect("the response cannot be read");
        let mut headers = Headers::default();
        m.headers.iter().for_each(|h| headers.append(h.name, h.value));
        let body = match m.stream {
            Handle(0) => m.body.to_vec(),
            Handle(stream) => with(|h| h.drain(stream)),
        };
        Answer { status: if m.status == 0 { 200 } else { m.status as u16 }, headers, body }
    }
}

/// Runs a request, with all that goes on after the response. Whether the event has failed, as with a handler's error, [`failed`] says.
///
/// # Panics
///
/// When the handler does, and when the event ends without a response.
pub fn fetch(handler: FetchHandler, mut request: Request) -> Answer {
    let body = std::mem::take(&mut request.body);
    let (whole, body_stream) = body.into_parts();
    let fetch = abi::FetchEvent { body: &whole, body_stream, ..request.fetch_event() };
    let e = abi::Event { kind: abi::EVENT_FETCH, fetch: Some(Box::new(fetch)), ..Default::default() };
    run(&Handlers { fetch: Some(handler), ..Handlers::default() }, e);
    Answer::of(&with(|h| h.responded.take()).expect("there is no response"))
}

/// Runs a tick of a cron trigger. The error is the event's failure.
pub fn scheduled(handler: ScheduledHandler, cron: &str) -> Result<()> {
    let tick = abi::ScheduledEvent { scheduled_time_ms: TIME_MS, cron };
    let e = abi::Event { kind: abi::EVENT_SCHEDULED, scheduled: Some(Box::new(tick)), ..Default::default() };
    result(&Handlers { scheduled: Some(handler), ..Handlers::default() }, e)
}

/// What became of a message of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Acked,
    /// It is delivered again, after a delay in seconds where there is one.
    Retried(Option<i64>),
}

/// Runs a batch of JSON messages and tells what became of each. The error is the event's failure, after which those that nothing has been said of are delivered again.
pub fn queue(handler: QueueHandler, queue: &str, bodies: &[&str]) -> (Result<()>, Vec<Outcome>) {
    let messages: Vec<abi::QueueMessage<'_>> = bodies
        .iter()
        .map(|body| abi::QueueMessage {
            id: "00000000000000000000000000000001",
            timestamp_ms: TIME_MS,
            body: body.as_bytes(),
            content_type: abi::QUEUE_JSON,
            attempts: 1,
        })
        .collect();
    let settled = settle_into(vec![None; messages.len()]);
    let batch = abi::QueueEvent { queue, messages, metrics: None };
    let e = abi::Event { kind: abi::EVENT_QUEUE, queue: Some(Box::new(batch)), ..Default::default() };
    let result = result(&Handlers { queue: Some(handler), ..Handlers::default() }, e);
    let otherwise = if result.is_ok() { Outcome::Acked } else { Outcome::Retried(None) };
    let outcomes = settled.borrow().iter().map(|o| o.unwrap_or(otherwise)).collect();
    (result, outcomes)
}

type Settled = std::rc::Rc<std::cell::RefCell<Vec<Option<Outcome>>>>;

/// Has ack and retry noted, of which the first counts, and everything else answered as before.
fn settle_into(list: Vec<Option<Outcome>>) -> Settled {
    let settled: Settled = std::rc::Rc::new(std::cell::RefCell::new(list));
    let (noted, mut others) = (settled.clone(), with(|h| h.answer.take()));
    answer(move |target, operation, message| {
        let (places, all, outcome) = match operation {
            op::ACK => {
                let m: abi::AckRequest = decode(message)?;
                (m.messages, m.all, Outcome::Acked)
            }
            op::RETRY => {
                let m: abi::RetryRequest = decode(message)?;
                (m.messages, m.all, Outcome::Retried(m.delay_s))
            }
            _ => return others.as_mut().map_or_else(|| Err(Error::other("no test answers operations")), |f| f(target, operation, message)),
        };
        for (i, slot) in noted.borrow_mut().iter_mut().enumerate() {
            if slot.is_none() && (all || places.contains(&(i as u32))) {
                *slot = Some(outcome);
            }
        }
        Ok(encode(&abi::AckReply {}))
    });
    settled
}

/// Runs an event.
fn run(handlers: &Handlers, e: abi::Event<'_>) {
    with(|h| h.failed = None);
    event(&abi::Event { id: "test", time_ms: TIME_MS, ..e });
    crate::run(handlers);
}

/// Runs an event; the error is its failure.
fn result(handlers: &Handlers, e: abi::Event<'_>) -> Result<()> {
    run(handlers, e);
    failed().map_or(Ok(()), |why| Err(Error::other(why)))
}
