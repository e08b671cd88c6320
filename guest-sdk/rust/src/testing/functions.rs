//! What stands in for the host functions.

use std::cell::RefCell;
use std::collections::VecDeque;

use crate::abi::{self, op, Code, Handle};
use crate::cbor::{decode, encode, Writer};
use crate::error::Error;

/// Answers operations: target, operation and request in, reply out.
pub(super) type Answer = Box<dyn FnMut(&str, &str, &[u8]) -> Result<Vec<u8>, Error>>;

/// The host of one thread.
#[derive(Default)]
pub(super) struct Host {
    pub answer: Option<Answer>,
    pub event: Option<Vec<u8>>,
    pub log: Vec<(u32, String)>,
    pub trace: Vec<String>,
    pub responded: Option<Vec<u8>>, // the message of the response
    pub failed: Option<String>,
    pub slow: u64, // how many waits later replies come
    slots: Vec<Slot>,
    pipes: Vec<Pipe>,
    waits: u64,
}

/// What a handle, one more than its place in the list, stands for.
enum Slot {
    Closed,
    /// A call whose reply is there after so many waits.
    Call {
        reply: Vec<u8>,
        due: u64,
    },
    Readable(usize),
    Writable(usize),
}

/// A stream.
#[derive(Default)]
struct Pipe {
    bytes: VecDeque<u8>,
    end: Option<u32>, // the reason of the writer's close
    unwanted: bool,   // the reader has closed
}

/// How much a stream holds before its writer has to wait, in bytes.
const PIPE_BYTES: usize = 256 << 10;

thread_local! {
    pub(super) static HOST: RefCell<Host> = RefCell::new(Host::default());
}

pub(super) fn with<T>(f: impl FnOnce(&mut Host) -> T) -> T {
    HOST.with(|h| f(&mut h.borrow_mut()))
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

impl Host {
    fn open(&mut self, slot: Slot) -> u32 {
        self.slots.push(slot);
        self.slots.len() as u32
    }

    fn slot(&mut self, handle: u32) -> &mut Slot {
        let i = (handle as usize).wrapping_sub(1);
        match i < self.slots.len() {
            true => &mut self.slots[i],
            false => panic!("there is no handle {}", handle),
        }
    }

    /// Makes a stream: handles of its readable and its writable end.
    pub fn pipe(&mut self) -> (u32, u32) {
        self.pipes.push(Pipe::default());
        let i = self.pipes.len() - 1;
        (self.open(Slot::Readable(i)), self.open(Slot::Writable(i)))
    }

    /// What the runtime itself is asked for; None where a test answers.
    fn runtime(&mut self, operation: &str, msg: &[u8]) -> Option<Vec<u8>> {
        match operation {
            op::PIPE => {
                let (readable, writable) = self.pipe();
                Some(encode(&abi::PipeReply { readable: Handle(readable), writable: Handle(writable) }))
            }
            op::RESPOND => {
                self.responded = Some(msg.to_vec());
                Some(encode(&abi::RespondReply {}))
            }
            op::FAIL => {
                self.failed = decode::<abi::FailRequest<'_>>(msg).ok().map(|m| m.message.to_string());
                Some(encode(&abi::FailReply {}))
            }
            _ => None,
        }
    }

    fn is_ready(&mut self, handle: u32) -> bool {
        let waits = self.waits;
        match *self.slot(handle) {
            Slot::Call { due, .. } => due <= waits,
            Slot::Readable(i) => !self.pipes[i].bytes.is_empty() || self.pipes[i].end.is_some(),
            Slot::Writable(i) => self.pipes[i].bytes.len() < PIPE_BYTES || self.pipes[i].unwanted,
            Slot::Closed => false,
        }
    }

    /// Reads all that is in a stream.
    pub fn drain(&mut self, handle: u32) -> Vec<u8> {
        match *self.slot(handle) {
            Slot::Readable(i) => self.pipes[i].bytes.drain(..).collect(),
            _ => Vec::new(),
        }
    }
}

pub fn call(target: &str, operation: &str, msg: &[u8]) -> i32 {
    with(|h| h.trace.push(format!("call {} {}", target, operation)));
    let own = if target.is_empty() { with(|h| h.runtime(operation, msg)) } else { None };
    let reply = own.unwrap_or_else(|| ask(target, operation, msg));
    with(|h| {
        let due = h.waits + h.slow;
        h.open(Slot::Call { reply, due }) as i32
    })
}

/// Has the test answer.
fn ask(target: &str, operation: &str, msg: &[u8]) -> Vec<u8> {
    let mut answer = with(|h| h.answer.take());
    let reply = match answer.as_mut() {
        Some(f) => f(target, operation, msg).unwrap_or_else(|e| failure(&e)),
        None => failure(&Error::new(Code::NOT_CONFIGURED, "no test answers operations; see pagesrun::testing::answer")),
    };
    with(|h| h.answer = answer);
    reply
}

pub fn wait(handles: &[u32], timeout_ns: i64) -> i32 {
    with(|h| {
        h.trace.push(format!("wait {}", handles.len()));
        for _ in 0..1000 {
            for (i, handle) in handles.iter().enumerate() {
                if matches!(h.slot(*handle), Slot::Closed) {
                    return minus(Code::BAD_HANDLE);
                }
                if h.is_ready(*handle) {
                    return i as i32;
                }
            }
            if timeout_ns >= 0 {
                return minus(Code::TIMEOUT);
            }
            h.waits += 1;
        }
        panic!("the program waits for what nobody brings: handles {:?}", handles);
    })
}

pub fn result(handle: u32, buf: &mut [u8]) -> i32 {
    with(|h| {
        h.trace.push("result".to_string());
        let waits = h.waits;
        let m = match handle {
            0 => h.event.take(),
            n => match std::mem::replace(h.slot(n), Slot::Closed) {
                Slot::Call { reply, due } if due <= waits => Some(reply),
                other => {
                    let blocked = matches!(other, Slot::Call { .. });
                    *h.slot(n) = other;
                    return minus(if blocked { Code::WOULD_BLOCK } else { Code::BAD_HANDLE });
                }
            },
        };
        let m = m.expect("there is no event; see pagesrun::testing::event");
        if m.len() <= buf.len() {
            buf[..m.len()].copy_from_slice(&m);
            return m.len() as i32;
        }
        let n = m.len() as i32;
        match handle {
            0 => h.event = Some(m),
            _ => *h.slot(handle) = Slot::Call { reply: m, due: waits },
        }
        n
    })
}

pub fn read(stream: u32, buf: &mut [u8]) -> i32 {
    with(|h| {
        h.trace.push("read".to_string());
        let i = match *h.slot(stream) {
            Slot::Readable(i) => i,
            _ => return minus(Code::BAD_HANDLE),
        };
        let p = &mut h.pipes[i];
        match (p.bytes.len().min(buf.len()), p.end) {
            (0, None) => minus(Code::WOULD_BLOCK),
            (0, Some(abi::CLOSE_FINISH)) => 0,
            (0, Some(_)) => minus(Code::STREAM_CLOSED),
            (n, _) => {
                p.bytes.drain(..n).zip(buf).for_each(|(byte, room)| *room = byte);
                n as i32
            }
        }
    })
}

pub fn write(stream: u32, data: &[u8]) -> i32 {
    with(|h| {
        h.trace.push("write".to_string());
        let i = match *h.slot(stream) {
            Slot::Writable(i) => i,
            _ => return minus(Code::BAD_HANDLE),
        };
        let p = &mut h.pipes[i];
        match data.len().min(PIPE_BYTES - p.bytes.len()) {
            _ if p.unwanted => minus(Code::STREAM_CLOSED),
            0 if !data.is_empty() => minus(Code::WOULD_BLOCK),
            n => {
                p.bytes.extend(&data[..n]);
                n as i32
            }
        }
    })
}

pub fn close(handle: u32, reason: u32) -> i32 {
    with(|h| {
        h.trace.push("close".to_string());
        match std::mem::replace(h.slot(handle), Slot::Closed) {
            Slot::Readable(i) => h.pipes[i].unwanted = true,
            Slot::Writable(i) => h.pipes[i].end = Some(reason),
            _ => {}
        }
        0
    })
}

pub fn log(level: u32, text: &str) {
    with(|h| h.log.push((level, text.to_string())))
}

/// Fills buf with numbers that differ from call to call.
pub fn random(buf: &mut [u8]) {
    use std::hash::{BuildHasher, Hasher};
    for chunk in buf.chunks_mut(8) {
        let bytes = std::collections::hash_map::RandomState::new().build_hasher().finish().to_ne_bytes();
        chunk.copy_from_slice(&bytes[..chunk.len()]);
    }
}

/// Reads the system's clock.
pub fn clock_ns(_clock: u32) -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |d| d.as_nanos() as u64)
}
