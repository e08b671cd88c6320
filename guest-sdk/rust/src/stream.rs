use std::io::{self, Read, Write};

use crate::abi::{self, op, Code, Handle, PipeReply, PipeRequest};
use crate::call::invoke;
use crate::error::{Error, Result};
use crate::executor::{self, Ready};
use crate::host;

/// A stream of bytes to read: a request's body, a value read as a stream. It is an [`io::Read`]; given away unread, as a response's body or a
/// value to store, its bytes do not pass through the function. Dropping it says that nobody wants the rest.
#[derive(Debug, Default)]
pub struct Reader {
    handle: u32, // 0 when all there is is in rest
    rest: Vec<u8>,
    at: usize,
}

impl Reader {
    pub(crate) fn new(handle: Handle, whole: &[u8]) -> Self {
        Reader { handle: handle.0, rest: whole.to_vec(), at: 0 }
    }

    pub(crate) fn of(whole: Vec<u8>) -> Self {
        Reader { handle: 0, rest: whole, at: 0 }
    }

    /// Takes possession of a readable stream that a reply has named. It is for modules of bindings.
    pub fn from_handle(handle: Handle) -> Self {
        Reader::new(handle, &[])
    }

    /// Gives the stream away, to be put into a message; None where its bytes are in memory. It is for modules of bindings.
    pub fn into_handle(mut self) -> Option<Handle> {
        match std::mem::take(&mut self.handle) {
            0 => None,
            handle => Some(Handle(handle)),
        }
    }

    /// The bytes in memory, or the stream.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn into_parts(mut self) -> (Vec<u8>, Handle) {
        (self.whole().unwrap_or_default(), self.into_handle().unwrap_or_default())
    }

    /// How many bytes are left, where that is known because all of them are in memory.
    pub fn len(&self) -> Option<usize> {
        (self.handle == 0).then(|| self.rest.len() - self.at)
    }

    /// Whether nothing is left, as far as that is known without reading.
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// Reads all that is left. More than max bytes are an error of code `too_large`.
    pub fn read_all(&mut self, max: usize) -> Result<Vec<u8>> {
        let mut all = self.whole_rest();
        while self.handle != 0 && all.len() <= max {
            let n = self.pull(room(&mut all))?;
            // SAFETY: the host has written so many bytes after the last.
            unsafe { all.set_len(all.len() + n) };
            if n == 0 {
                break;
            }
        }
        within(all, max)
    }

    /// [`Reader::read_all`] while other futures run.
    pub async fn read_all_async(&mut self, max: usize) -> Result<Vec<u8>> {
        let mut all = self.whole_rest();
        while self.handle != 0 && all.len() <= max {
            let n = self.pull_async(room(&mut all)).await?;
            // SAFETY: the host has written so many bytes after the last.
            unsafe { all.set_len(all.len() + n) };
            if n == 0 {
                break;
            }
        }
        within(all, max)
    }

    /// Reads up to `buf.len()` bytes, waiting for the first while other futures run; 0 is the end.
    pub async fn read_async(&mut self, buf: &mut [u8]) -> Result<usize> {
        match self.take_from_memory(buf) {
            Some(n) => Ok(n),
            None => self.pull_async(buf).await,
        }
    }

    /// What is left of the bytes in memory.
    fn whole_rest(&mut self) -> Vec<u8> {
        let mut rest = std::mem::take(&mut self.rest);
        match std::mem::take(&mut self.at) {
            0 => {}
            read => drop(rest.drain(..read)),
        }
        rest
    }

    /// Reads what is in memory; None where the host has to be asked.
    fn take_from_memory(&mut self, buf: &mut [u8]) -> Option<usize> {
        let rest = &self.rest[self.at..];
        if rest.is_empty() && self.handle != 0 && !buf.is_empty() {
            return None;
        }
        let n = buf.len().min(rest.len());
        buf[..n].copy_from_slice(&rest[..n]);
        self.at += n;
        Some(n)
    }

    /// Reads from the host; 0 is the end.
    fn pull(&mut self, buf: &mut [u8]) -> Result<usize> {
        loop {
            match host::read(self.handle, buf) {
                n if host::is(n, Code::WOULD_BLOCK) => host::wait_for(self.handle)?,
                n => return host::checked(n, "read").map(|n| n as usize),
            }
        }
    }

    async fn pull_async(&mut self, buf: &mut [u8]) -> Result<usize> {
        loop {
            match host::read(self.handle, buf) {
                n if host::is(n, Code::WOULD_BLOCK) => Ready::when(self.handle).await?,
                n => return host::checked(n, "read").map(|n| n as usize),
            }
        }
    }

    /// All bytes, where they are in memory.
    pub(crate) fn whole(&mut self) -> Option<Vec<u8>> {
        (self.handle == 0).then(|| self.whole_rest())
    }
}

/// How much is read at once where all of a stream is wanted, in bytes.
const CHUNK_BYTES: usize = 64 << 10;

/// The room after the last byte: as much as is there, and some at least. It is only written to.
fn room(all: &mut Vec<u8>) -> &mut [u8] {
    if all.capacity() - all.len() < CHUNK_BYTES / 2 {
        all.reserve(CHUNK_BYTES);
    }
    let room = all.spare_capacity_mut();
    // SAFETY: the host writes to the room, and nobody reads of it what the host has not written.
    unsafe { std::slice::from_raw_parts_mut(room.as_mut_ptr().cast::<u8>(), room.len()) }
}

fn within(all: Vec<u8>, max: usize) -> Result<Vec<u8>> {
    if all.len() > max {
        return Err(Error::new(Code::TOO_LARGE, format!("the stream has more than {} bytes", max)));
    }
    Ok(all)
}

impl Read for Reader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.take_from_memory(buf) {
            Some(n) => Ok(n),
            None => Ok(self.pull(buf)?),
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        close(self.handle, abi::CLOSE_FINISH);
    }
}

fn close(handle: u32, reason: u32) {
    if handle != 0 {
        executor::forget(handle);
        host::close(handle, reason);
    }
}

/// A stream of bytes to write, an [`io::Write`]. A write fails with the code `stream_closed` when nobody will read what is written. Dropping it without
/// [`Writer::finish`] makes its reader fail: what was written is not all.
#[derive(Debug)]
pub struct Writer {
    handle: u32,
}

impl Writer {
    /// Marks the regular end.
    pub fn finish(mut self) -> Result<()> {
        let handle = std::mem::take(&mut self.handle);
        executor::forget(handle);
        host::checked(host::close(handle, abi::CLOSE_FINISH), "close").map(|_| ())
    }

    /// Ends the stream so that its reader fails. Dropping does the same.
    pub fn abort(self) {}

    /// Writes all of data while other futures run.
    pub async fn write_all_async(&mut self, mut data: &[u8]) -> Result<()> {
        while !data.is_empty() {
            match host::write(self.handle, data) {
                n if host::is(n, Code::WOULD_BLOCK) => Ready::when(self.handle).await?,
                n => data = &data[host::checked(n, "write")? as usize..],
            }
        }
        Ok(())
    }

    /// Copies all of a reader and ends the stream as the reader has ended: with its end, or broken off. That nobody wants the rest is no error.
    pub fn copy_from(mut self, from: &mut dyn Read) -> Result<()> {
        let mut buf = vec![0; COPY_BYTES];
        loop {
            let n = match from.read(&mut buf)? {
                0 => return self.finish(),
                n => n,
            };
            match self.write_all(&buf[..n]).map_err(Error::from) {
                Err(e) if e.code == Code::STREAM_CLOSED => return Ok(()),
                written => written?,
            }
        }
    }
}

/// How much [`Writer::copy_from`] moves at a time, in bytes.
const COPY_BYTES: usize = 32 << 10;

impl Write for Writer {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        loop {
            match host::write(self.handle, data) {
                n if host::is(n, Code::WOULD_BLOCK) => host::wait_for(self.handle)?,
                n => return Ok(host::checked(n, "write")? as usize),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        close(self.handle, abi::CLOSE_ABORT);
    }
}

/// Makes a stream: what is written to one end is read from the other. It buffers up to 256 KiB; a writer ahead of its reader waits, so one
/// end must be given away (as a body, as a value) before more than that is written.
pub fn pipe() -> Result<(Reader, Writer)> {
    let reply = invoke("", op::PIPE, &PipeRequest {})?;
    let ends: PipeReply = reply.decode()?;
    Ok((Reader::new(ends.readable, &[]), Writer { handle: ends.writable.0 }))
}
