//! Stands in for the host in a program's own tests, where there is no WebAssembly. Operations are answered by a function:
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

use std::cell::RefCell;
use std::collections::VecDeque;

use crate::abi::{self, Code};
use crate::cbor::{encode, Writer};
use crate::error::Error;

type Answer = Box<dyn FnMut(&str, &str, &[u8]) -> Result<Vec<u8>, Error>>;

#[derive(Default)]
struct Host {
    answer: Option<Answer>,
    event: Option<Vec<u8>>,
    replies: VecDeque<Option<Vec<u8>>>, // of the calls, from handle 1
    log: Vec<(u32, String)>,
}

thread_local! {
    static HOST: RefCell<Host> = RefCell::new(Host::default());
}

/// Has f answer every operation on this thread: target, operation and request in, reply out.
pub fn answer(f: impl FnMut(&str, &str, &[u8]) -> Result<Vec<u8>, Error> + 'static) {
    HOST.with(|h| h.borrow_mut().answer = Some(Box::new(f)))
}

/// Makes a message the next event of this thread; [`crate::run`] runs it.
pub fn event(e: &abi::Event<'_>) {
    HOST.with(|h| h.borrow_mut().event = Some(encode(e)))
}

/// The lines logged on this thread since the last time, with their levels.
pub fn logged() -> Vec<(u32, String)> {
    HOST.with(|h| std::mem::take(&mut h.borrow_mut().log))
}

fn minus(code: Code) -> i32 {
    -(code.0 as i32)
}

/// A failed operation's reply.
fn failure(e: &Error) -> Vec<u8> {
    let mut w = Writer::default();
    w.map(1);
    w.uint(0);
    w.buf.extend(encode(&abi::Error { code: e.code, message: &e.message, status: e.status }));
    w.buf
}

pub(crate) fn call(target: &str, op: &str, msg: &[u8]) -> i32 {
    let mut answer = HOST.with(|h| h.borrow_mut().answer.take());
    let reply = match answer.as_mut() {
        Some(f) => f(target, op, msg).unwrap_or_else(|e| failure(&e)),
        None => failure(&Error::new(Code::NOT_CONFIGURED, "no test answers operations; see pagesrun::testing::answer")),
    };
    HOST.with(|h| {
        let mut h = h.borrow_mut();
        h.answer = answer;
        h.replies.push_back(Some(reply));
        h.replies.len() as i32
    })
}

pub(crate) fn wait(handles: &[u32], _timeout_ns: i64) -> i32 {
    match handles.is_empty() {
        true => minus(Code::TIMEOUT),
        false => 0,
    }
}

pub(crate) fn result(handle: u32, buf: &mut [u8]) -> i32 {
    HOST.with(|h| {
        let mut h = h.borrow_mut();
        let slot = match handle {
            0 => Some(&mut h.event),
            n => h.replies.get_mut(n as usize - 1),
        };
        match slot {
            Some(Some(m)) if m.len() > buf.len() => m.len() as i32,
            Some(slot @ Some(_)) => {
                let m = slot.take().unwrap_or_default();
                buf[..m.len()].copy_from_slice(&m);
                m.len() as i32
            }
            _ => minus(Code::BAD_HANDLE),
        }
    })
}

pub(crate) fn read(_stream: u32, _buf: &mut [u8]) -> i32 {
    minus(Code::BAD_HANDLE)
}

pub(crate) fn write(_stream: u32, _data: &[u8]) -> i32 {
    minus(Code::BAD_HANDLE)
}

pub(crate) fn close(_handle: u32, _reason: u32) -> i32 {
    0
}

pub(crate) fn log(level: u32, text: &str) {
    HOST.with(|h| h.borrow_mut().log.push((level, text.to_string())))
}
