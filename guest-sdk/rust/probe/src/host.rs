//! The operation "abi": calls of the host functions as they are, past the SDK.

use pagesrun::abi::{op, PipeReply, PipeRequest};
use pagesrun::{invoke, Response, Result};

use crate::text::{lines, shown};
use crate::{Operation, Probe};

pub const OPERATIONS: &[(&str, Operation)] = &[("abi", script)];

#[link(wasm_import_module = "pagesrun_v1")]
extern "C" {
    fn call(target: *const u8, target_len: usize, op: *const u8, op_len: usize, msg: *const u8, msg_len: usize) -> i32;
    fn wait(handles: *const u32, n: usize, timeout_ns: i64) -> i32;
    fn result(handle: u32, ptr: *mut u8, cap: usize) -> i32;
    fn read(stream: u32, ptr: *mut u8, cap: usize) -> i32;
    fn write(stream: u32, ptr: *const u8, len: usize) -> i32;
    fn close(handle: u32, reason: u32) -> i32;
    fn log(level: u32, ptr: *const u8, len: usize) -> i32;
}

/// The most one call reads or writes, in bytes.
const BUFFER_BYTES: usize = 64 << 10;

/// A run of calls.
struct Script {
    handles: Vec<u32>,
    buffer: Vec<u8>,
    out: String,
}

fn script(p: &mut Probe) -> Result<Option<Response>> {
    let body = String::from_utf8(p.req.bytes()?)?;
    let mut s = Script { handles: Vec::new(), buffer: vec![0; BUFFER_BYTES], out: String::new() };
    for line in lines(body.as_bytes()) {
        s.run(&String::from_utf8_lossy(line))?;
    }
    if let Some(key) = p.req.query("keep").filter(|k| !k.is_empty()) {
        p.env.kv(&p.target).put(&key, &s.out)?;
    }
    p.text(&s.out);
    Ok(None)
}

/// A word that is a number of 32 bits.
fn number(word: &str) -> u32 {
    word.parse().expect("a number")
}

impl Script {
    /// Makes the call of a line.
    fn run(&mut self, line: &str) -> Result<()> {
        let words: Vec<&str> = line.split(' ').collect();
        let n = match words[0] {
            "call" => return Ok(self.call(words[1], words[2], words[3])),
            "pipe" => return self.pipe(),
            "result" | "read" => return Ok(self.take(words[0] == "read", self.handle(words[1]), number(words[2]) as usize)),
            "wait" => self.wait(words[1].parse().expect("a number"), &words[2..]),
            "write" => {
                let n = number(words[2]) as usize;
                self.buffer.iter_mut().take(n).for_each(|b| *b = b'x');
                unsafe { write(self.handle(words[1]), self.buffer.as_ptr(), n) }
            }
            "close" => unsafe { close(self.handle(words[1]), number(words[2])) },
            _ => {
                let text = line.splitn(3, ' ').nth(2).unwrap_or_default();
                unsafe { log(number(words[1]), text.as_ptr(), text.len()) }
            }
        };
        self.answer(&n.to_string());
        Ok(())
    }

    fn answer(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    /// The handle that a word means.
    fn handle(&self, word: &str) -> u32 {
        match word.strip_prefix('=') {
            Some(literal) => number(literal),
            None => self.handles[number(word) as usize],
        }
    }

    fn call(&mut self, target: &str, op: &str, message: &str) {
        let (target, message) = (if target == "-" { "" } else { target }, self.message(message));
        let h = unsafe { call(target.as_ptr(), target.len(), op.as_ptr(), op.len(), message.as_ptr(), message.len()) };
        self.handles.push(h as u32);
        self.answer(&if h < 0 { h.to_string() } else { "ok".to_string() });
    }

    /// The bytes that hexadecimal digits with handles between them mean.
    fn message(&self, text: &str) -> Vec<u8> {
        let mut message = Vec::new();
        let mut rest = if text == "-" { "" } else { text };
        while !rest.is_empty() {
            rest = match rest.strip_prefix('(').and_then(|r| r.split_once(')')) {
                Some((word, after)) => {
                    let mut w = pagesrun::cbor::Writer::default();
                    w.handle(pagesrun::abi::Handle(self.handle(word)));
                    message.extend(w.buf);
                    after
                }
                None => {
                    message.push(u8::from_str_radix(&rest[..2], 16).expect("two digits"));
                    &rest[2..]
                }
            };
        }
        message
    }

    fn pipe(&mut self) -> Result<()> {
        let ends: PipeReply = invoke("", op::PIPE, &PipeRequest {})?.decode()?;
        self.handles.extend([ends.readable.0, ends.writable.0]);
        self.answer("ok");
        Ok(())
    }

    fn wait(&self, ms: i64, words: &[&str]) -> i32 {
        let handles: Vec<u32> = words.iter().map(|w| self.handle(w)).collect();
        unsafe { wait(handles.as_ptr(), handles.len(), ms.saturating_mul(1_000_000)) }
    }

    /// Reads into a buffer and shows what came.
    fn take(&mut self, from_stream: bool, handle: u32, cap: usize) {
        let function = if from_stream { read } else { result };
        let n = unsafe { function(handle, self.buffer.as_mut_ptr(), cap) };
        let answer = match usize::try_from(n) {
            Ok(len) if len <= cap => format!("{} {}", n, shown(&self.buffer[..len])),
            _ => n.to_string(),
        };
        self.answer(&answer);
    }
}
