use std::io;

use crate::abi::{self, op, Code, Handle, PipeReply, PipeRequest};
use crate::call::invoke;
use crate::error::{Error, Result};
use crate::host;

/// A stream of bytes to read: a request's body, a value read as a stream. Dropping it says that nobody wants the rest.
#[derive(Debug, Default)]
pub struct Reader {
    handle: u32,
    rest: Vec<u8>,
    at: usize,
}

impl Reader {
    pub(crate) fn new(handle: Handle, whole: &[u8]) -> Self {
        Reader { handle: handle.0, rest: whole.to_vec(), at: 0 }
    }

    /// Reads all that is left, of up to max bytes.
    pub fn read_all(&mut self, max: usize) -> Result<Vec<u8>> {
        let mut all = self.rest.split_off(self.at);
        self.rest.clear();
        self.at = 0;
        while self.handle != 0 && all.len() <= max {
            let old = all.len();
            all.resize(old + CHUNK_BYTES, 0);
            let n = self.pull(&mut all[old..])?;
            all.truncate(old + n);
            if n == 0 {
                break;
            }
        }
        if all.len() > max {
            return Err(Error::new(Code::TOO_LARGE, format!("the stream has more than {} bytes", max)));
        }
        Ok(all)
    }

    /// Reads from the host; 0 is the end.
    fn pull(&mut self, buf: &mut [u8]) -> Result<usize> {
        loop {
            match host::checked(host::read(self.handle, buf), "read") {
                Ok(n) => return Ok(n as usize),
                Err(e) if e.code == Code::WOULD_BLOCK => host::wait_for(&[self.handle])?,
                Err(e) => return Err(e),
            };
        }
    }

    /// Gives the stream away.
    pub(crate) fn into_handle(mut self) -> Option<Handle> {
        let handle = std::mem::take(&mut self.handle);
        if handle == 0 {
            return None;
        }
        Some(Handle(handle))
    }

    pub(crate) fn whole(&mut self) -> Option<Vec<u8>> {
        if self.handle != 0 {
            return None;
        }
        Some(self.rest.split_off(std::mem::take(&mut self.at)))
    }
}

/// How much is read at once where all of a stream is wanted, in bytes.
const CHUNK_BYTES: usize = 64 << 10;

impl io::Read for Reader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.at < self.rest.len() {
            let n = buf.len().min(self.rest.len() - self.at);
            buf[..n].copy_from_slice(&self.rest[self.at..self.at + n]);
            self.at += n;
            return Ok(n);
        }
        if self.handle == 0 || buf.is_empty() {
            return Ok(0);
        }
        Ok(self.pull(buf)?)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if self.handle != 0 {
            host::close(self.handle, abi::CLOSE_FINISH);
        }
    }
}

/// A stream of bytes to write. Dropping it without [`Writer::finish`] makes its reader fail: what was written is not all.
#[derive(Debug)]
pub struct Writer {
    handle: u32,
}

impl Writer {
    /// Marks the regular end.
    pub fn finish(mut self) -> Result<()> {
        let handle = std::mem::take(&mut self.handle);
        host::checked(host::close(handle, abi::CLOSE_FINISH), "close").map(|_| ())
    }
}

impl io::Write for Writer {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        loop {
            match host::checked(host::write(self.handle, data), "write") {
                Ok(n) => return Ok(n as usize),
                Err(e) if e.code == Code::WOULD_BLOCK => host::wait_for(&[self.handle])?,
                Err(e) => return Err(e.into()),
            };
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if self.handle != 0 {
            host::close(self.handle, abi::CLOSE_ABORT);
        }
    }
}

/// Makes a stream: what is written to one end is read from the other. It buffers up to 256 KiB; a writer ahead of its reader waits, so one
/// end must be given away (as a body, as a value) before more than that is written.
pub fn pipe() -> Result<(Reader, Writer)> {
    let reply = invoke("", op::PIPE, &PipeRequest {})?;
    let ends: PipeReply = reply.decode()?;
    Ok((Reader::new(ends.readable, &[]), Writer { handle: ends.writable.0 }))
}
