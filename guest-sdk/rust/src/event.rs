use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;

use crate::abi::{self, op, Code};
use crate::cbor::{self, Message};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::executor::{self, block_on, join_all};
use crate::host;
use crate::http::{Request, RequestParts, Response};
use crate::log::{self, Level};
use crate::queues::Batch;
use crate::random;

/// The running event.
#[derive(Default)]
pub struct Context {
    id: String,
    time_ms: i64,
    silent: bool, // there is nobody to respond to
    responded: Cell<bool>,
    after: RefCell<Vec<After>>,
}

type After = Pin<Box<dyn Future<Output = Result<()>>>>;

impl Context {
    /// The event's name in the host's log and in the errors it shows to clients.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When the event began, in milliseconds since the Unix epoch.
    pub fn time_ms(&self) -> i64 {
        self.time_ms
    }

    /// Sends the response now instead of when the handler returns; what the handler returns later is ignored. A second response is refused with the
    /// code `already_responded`, one to an event that is no request with `invalid_argument`.
    pub fn respond(&self, response: Response) -> Result<()> {
        if self.silent {
            return Err(Error::new(Code::INVALID_ARGUMENT, "respond: only a fetch event has a response"));
        }
        if self.responded.replace(true) {
            return Err(Error::new(Code::ALREADY_RESPONDED, "the event has been answered already"));
        }
        response.send()
    }

    /// Whether the response has been sent.
    pub fn responded(&self) -> bool {
        self.responded.get()
    }

    /// Has f run after the response was sent. The event lasts until every f has returned; its failure is the event's.
    pub fn wait_until(&self, f: impl FnOnce() -> Result<()> + 'static) {
        self.wait_until_async(async { f() })
    }

    /// Has a future run after the response was sent, at the same time as others. The event lasts until all are done; the failure of one is the
    /// event's.
    pub fn wait_until_async(&self, future: impl Future<Output = Result<()>> + 'static) {
        self.after.borrow_mut().push(Box::pin(future))
    }

    /// Runs what is to run after the response, and what that asks for; the first failure is the event's.
    fn run_after(&self) -> Result<()> {
        let mut first = Ok(());
        loop {
            let after = std::mem::take(&mut *self.after.borrow_mut());
            if after.is_empty() {
                return first;
            }
            first = block_on(join_all(after)).into_iter().fold(first, Result::and);
        }
    }
}

/// The tick of a cron trigger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduledEvent {
    /// The minute the event was due at, in milliseconds since the Unix epoch.
    pub scheduled_time_ms: i64,
    /// The expression as the configuration has it.
    pub cron: String,
}

/// Answers a request. An error is logged and answered with status 500 and a line of text that names the event.
pub type FetchHandler = fn(Request, &Env, &Context) -> Result<Response>;

/// Does what is due at a cron trigger's tick. An error is the event's failure; the tick is not run again.
pub type ScheduledHandler = fn(ScheduledEvent, &Env, &Context) -> Result<()>;

/// Consumes messages of a queue. An error is the event's failure: messages that nothing has been said of are delivered again.
pub type QueueHandler = fn(Batch, &Env, &Context) -> Result<()>;

/// What a program does. See [`crate::handlers`].
#[derive(Clone, Copy, Default)]
pub struct Handlers {
    /// Answers a request.
    pub fetch: Option<FetchHandler>,
    /// Does what is due at a cron trigger's tick.
    pub scheduled: Option<ScheduledHandler>,
    /// Consumes messages of a queue.
    pub queue: Option<QueueHandler>,
}

/// How much memory the heap has got from the engine before the image is taken, in bytes, so that small events need not ask for any.
const HEAP_BYTES: usize = 128 << 10;

/// Prepares what every event needs. The image keeps it.
#[doc(hidden)]
pub fn warm_up() {
    construct();
    log::panics_to_log();
    let mut room = Vec::<u8>::with_capacity(HEAP_BYTES);
    unsafe { room.as_mut_ptr().write_volatile(0) }; // so that the compiler does not leave it out
}

/// Runs what constructors the program's libraries have. The linker, finding nobody who does, would otherwise have every event run them.
fn construct() {
    #[cfg(target_family = "wasm")]
    {
        extern "C" {
            fn __wasm_call_ctors();
        }
        unsafe { __wasm_call_ctors() };
    }
}

/// Ends the preparations, after the program's own.
#[doc(hidden)]
pub fn warmed_up() {
    random::find_hash_keys();
}

/// Runs the event behind handle 0.
pub fn run(handlers: &Handlers) {
    random::reseed();
    executor::begin_event();
    let message = host::take(0).expect("there is no event");
    let mut event: Event<'_> = cbor::decode(&message).expect("the event cannot be read");
    let silent = event.kind != abi::EVENT_FETCH;
    let ctx = Context { id: event.id.to_string(), time_ms: event.time_ms, silent, ..Context::default() };
    let outcome = match (event.fetch.take(), handlers.fetch) {
        (Some(request), Some(handler)) => answer(handler, Request::from_event(message, request), &ctx),
        _ => dispatch(handlers, &event, &ctx),
    };
    if let Err(e) = outcome.and(ctx.run_after()) {
        fail(&e);
    }
}

/// An [`abi::Event`] whose request stays in the message.
#[derive(Default)]
struct Event<'m> {
    kind: &'m str,
    id: &'m str,
    time_ms: i64,
    fetch: Option<RequestParts>,
    scheduled: Option<abi::ScheduledEvent<'m>>,
    queue: Option<abi::QueueEvent<'m>>,
}

impl<'m> Message<'m> for Event<'m> {
    /// Nobody sends events.
    fn encode(&self, _: &mut cbor::Writer) {}

    fn decode(&mut self, r: &mut cbor::Reader<'m>) {
        let mut it = r.map();
        while it.next(r) {
            match it.key {
                1 => self.kind = r.text(),
                2 => self.id = r.text(),
                3 => self.time_ms = r.i64(),
                4 => self.fetch = Some(RequestParts::decode(r)),
                5 => self.scheduled = Some(r.message()),
                6 => self.queue = Some(r.message()),
                _ => r.skip(),
            }
        }
    }
}

/// Runs an event that is no request, or has no handler.
fn dispatch(handlers: &Handlers, event: &Event<'_>, ctx: &Context) -> Result<()> {
    match (event.kind, &event.scheduled, &event.queue) {
        (abi::EVENT_SCHEDULED, Some(e), _) => match handlers.scheduled {
            Some(handler) => handler(ScheduledEvent { scheduled_time_ms: e.scheduled_time_ms, cron: e.cron.to_string() }, &Env, ctx),
            None => Err(missing("scheduled")),
        },
        (abi::EVENT_QUEUE, _, Some(e)) => match handlers.queue {
            Some(handler) => handler(Batch::from_event(e), &Env, ctx),
            None => Err(missing("queue")),
        },
        (kind, ..) => Err(missing(kind)),
    }
}

fn missing(kind: &str) -> Error {
    Error::other(format!("Handler does not export a {}() function.", kind))
}

/// Answers a request. The failure of a handler is the event's, and the client's 500 unless the client has its answer.
fn answer(handler: FetchHandler, request: Request, ctx: &Context) -> Result<()> {
    match handler(request, &Env, ctx) {
        Ok(_) if ctx.responded.get() => Ok(()),
        Ok(response) => ctx.respond(response),
        Err(e) => {
            log::write(Level::Error, &format!("handler: {}", e));
            if !ctx.responded.get() {
                ctx.respond(Response::error(500, &format!("Internal Server Error (event {})", ctx.id)))?;
            }
            Err(e)
        }
    }
}

/// Tells the host that the event has failed.
fn fail(e: &Error) {
    let told = host::call_handle("", op::FAIL, &cbor::encode(&abi::FailRequest { message: &e.to_string() }));
    assert!(told.is_ok(), "the host does not take the event's failure: {}", e); // so that it never passes for a success
}

/// Makes functions of your own the program's handlers, and `warm` what runs once before the first event:
///
/// ```ignore
/// pagesrun::handlers! { fetch: hello, scheduled: tick, queue: consume, warm: prepare }
/// ```
#[macro_export]
macro_rules! handlers {
    ($($kind:ident : $function:path),+ $(,)?) => {
        #[no_mangle]
        pub extern "C" fn pagesrun_handle() {
            #[allow(unused_mut)]
            let mut handlers = $crate::Handlers::default();
            $($crate::handler!(handlers, $kind, $function);)+
            $crate::run(&handlers);
        }

        #[no_mangle]
        pub extern "C" fn pagesrun_warm() {
            $crate::warm_up();
            $($crate::warm!($kind, $function);)+
            $crate::warmed_up();
        }
    };
}

/// Part of [`handlers`].
#[doc(hidden)]
#[macro_export]
macro_rules! handler {
    ($handlers:ident, warm, $function:path) => {};
    ($handlers:ident, $kind:ident, $function:path) => {
        $handlers.$kind = Some($function);
    };
}

/// Part of [`handlers`].
#[doc(hidden)]
#[macro_export]
macro_rules! warm {
    (warm, $function:path) => {
        $function()
    };
    ($kind:ident, $function:path) => {};
}
