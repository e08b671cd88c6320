//! The seven host functions, and three of WASI that every target can use. Outside of WebAssembly a test's own host stands in for them; see
//! [`crate::testing`].

#[cfg(target_family = "wasm")]
mod functions {
    mod imports {
        #[link(wasm_import_module = "pagesrun_v1")]
        extern "C" {
            pub fn call(target: *const u8, target_len: usize, op: *const u8, op_len: usize, msg: *const u8, msg_len: usize) -> i32;
            pub fn wait(handles: *const u32, n: usize, timeout_ns: i64) -> i32;
            pub fn result(handle: u32, ptr: *mut u8, cap: usize) -> i32;
            pub fn read(stream: u32, ptr: *mut u8, cap: usize) -> i32;
            pub fn write(stream: u32, ptr: *const u8, len: usize) -> i32;
            pub fn close(handle: u32, reason: u32) -> i32;
            pub fn log(level: u32, ptr: *const u8, len: usize) -> i32;
        }
    }

    mod wasi {
        #[link(wasm_import_module = "wasi_snapshot_preview1")]
        extern "C" {
            pub fn random_get(ptr: *mut u8, len: usize) -> u16;
            pub fn clock_time_get(clock: u32, precision: u64, time: *mut u64) -> u16;
        }
    }

    pub fn call(target: &str, op: &str, msg: &[u8]) -> i32 {
        unsafe { imports::call(target.as_ptr(), target.len(), op.as_ptr(), op.len(), msg.as_ptr(), msg.len()) }
    }

    pub fn wait(handles: &[u32], timeout_ns: i64) -> i32 {
        unsafe { imports::wait(handles.as_ptr(), handles.len(), timeout_ns) }
    }

    pub fn result(handle: u32, buf: &mut [u8]) -> i32 {
        unsafe { imports::result(handle, buf.as_mut_ptr(), buf.len()) }
    }

    pub fn read(stream: u32, buf: &mut [u8]) -> i32 {
        unsafe { imports::read(stream, buf.as_mut_ptr(), buf.len()) }
    }

    pub fn write(stream: u32, data: &[u8]) -> i32 {
        unsafe { imports::write(stream, data.as_ptr(), data.len()) }
    }

    pub fn close(handle: u32, reason: u32) -> i32 {
        unsafe { imports::close(handle, reason) }
    }

    pub fn log(level: u32, text: &str) {
        unsafe { imports::log(level, text.as_ptr(), text.len()) };
    }

    pub fn random(buf: &mut [u8]) {
        let failed = unsafe { wasi::random_get(buf.as_mut_ptr(), buf.len()) };
        assert!(failed == 0, "the host gives no random bytes");
    }

    /// Reads a clock of WASI.
    pub fn clock_ns(clock: u32) -> u64 {
        let mut ns = 0;
        let failed = unsafe { wasi::clock_time_get(clock, 1, &mut ns) };
        assert!(failed == 0, "the host has no clock");
        ns
    }
}

#[cfg(not(target_family = "wasm"))]
use crate::testing::functions;

pub(crate) use functions::{call, clock_ns, close, log, random, read, result, wait, write};

use std::mem::MaybeUninit;

use crate::abi::Code;
use crate::error::Error;

/// WASI's numbers of the clocks.
pub(crate) const CLOCK_REALTIME: u32 = 0;
pub(crate) const CLOCK_MONOTONIC: u32 = 1;

/// Whether a host function returned a code.
pub(crate) fn is(n: i32, code: Code) -> bool {
    n == -(code.0 as i32)
}

/// Turns what a host function returned into a count or an error.
pub(crate) fn checked(n: i32, what: &str) -> Result<u32, Error> {
    match u32::try_from(n) {
        Ok(n) => Ok(n),
        Err(_) => Err(Error::of_host(n, what)),
    }
}

/// Makes a call and gives its handle.
pub(crate) fn call_handle(target: &str, op: &str, message: &[u8]) -> Result<u32, Error> {
    let n = call(target, op, message);
    match u32::try_from(n) {
        Ok(handle) => Ok(handle),
        Err(_) => Err(Error::of_host(n, &format!("call {}", op))),
    }
}

/// Waits until the handle is ready.
pub(crate) fn wait_for(handle: u32) -> Result<(), Error> {
    checked(wait(&[handle], -1), "wait").map(|_| ())
}

/// The length a message may have to be taken with one call. The room for it is on the stack, which every event writes to anyway; on the heap it
/// would be a place more to put back.
const MESSAGE_BYTES: usize = 2048;

/// Takes the message behind a handle, however long it is.
pub(crate) fn take(handle: u32) -> Result<Vec<u8>, Error> {
    let mut room = [MaybeUninit::<u8>::uninit(); MESSAGE_BYTES];
    // SAFETY: the host only writes to the room, and what it has not written is not read.
    let room = unsafe { std::slice::from_raw_parts_mut(room.as_mut_ptr().cast::<u8>(), MESSAGE_BYTES) };
    let n = checked(result(handle, room), "result")? as usize;
    if n <= MESSAGE_BYTES {
        return Ok(room[..n].to_vec());
    }
    let mut buf = vec![0; n];
    let n = checked(result(handle, &mut buf), "result")? as usize;
    buf.truncate(n);
    Ok(buf)
}
