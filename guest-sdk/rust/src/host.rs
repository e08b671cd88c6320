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

/// Waits until the handle is ready.
pub(crate) fn wait_for(handle: u32) -> Result<(), Error> {
    checked(wait(&[handle], -1), "wait").map(|_| ())
}

/// Takes the message behind a handle, however long it is, into a buffer that has room for most.
pub(crate) fn take(handle: u32, mut buf: Vec<u8>) -> Result<Vec<u8>, Error> {
    let mut n = take_some(handle, &mut buf)?;
    if n > buf.capacity() {
        buf.reserve_exact(n);
        n = take_some(handle, &mut buf)?;
    }
    // SAFETY: the host has written n bytes.
    unsafe { buf.set_len(n) };
    Ok(buf)
}

/// Writes the message into the room of an empty buffer, if it fits, and tells its length.
fn take_some(handle: u32, buf: &mut Vec<u8>) -> Result<usize, Error> {
    // SAFETY: the host only writes to the room, and nobody reads of it what the host has not written.
    let room = unsafe { std::slice::from_raw_parts_mut(buf.as_mut_ptr(), buf.capacity()) };
    checked(result(handle, room), "result").map(|n| n as usize)
}
