//! The seven host functions. Outside of WebAssembly a test's own host stands in for them; see [`crate::testing`].

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
}

#[cfg(not(target_family = "wasm"))]
use crate::testing as functions;

pub(crate) use functions::{call, close, log, read, result, wait, write};

use crate::abi::Code;
use crate::error::Error;

/// Turns what a host function returned into a count or an error.
pub(crate) fn checked(n: i32, what: &str) -> Result<u32, Error> {
    match u32::try_from(n) {
        Ok(n) => Ok(n),
        Err(_) => Err(Error::new(Code(n.unsigned_abs()), format!("{}: {}", what, Code(n.unsigned_abs()).name()))),
    }
}

/// Waits until one of the handles is ready; what it returns is its place in the list.
pub(crate) fn wait_for(handles: &[u32]) -> Result<usize, Error> {
    checked(wait(handles, -1), "wait").map(|i| i as usize)
}

/// The length a reply may have without a second look.
const REPLY_BYTES: usize = 1024;

/// Takes the message behind a handle, however long it is. The call must be finished.
pub(crate) fn take(handle: u32) -> Result<Vec<u8>, Error> {
    let mut buf = vec![0; REPLY_BYTES];
    let mut n = checked(result(handle, &mut buf), "result")? as usize;
    if n > buf.len() {
        buf.resize(n, 0);
        n = checked(result(handle, &mut buf), "result")? as usize;
    }
    buf.truncate(n);
    Ok(buf)
}
