//! Calls: operations in progress.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::abi::Code;
use crate::cbor::{self, Message};
use crate::error::{reply, Error, Result};
use crate::{executor, host};

/// An operation in progress. Dropping it cancels the operation.
#[derive(Debug)]
pub struct Call {
    handle: Result<u32>,
}

impl Call {
    /// Starts an operation on a binding.
    pub fn start<'a, M: Message<'a>>(target: &str, op: &str, request: &M) -> Call {
        let message = cbor::encode(request);
        Call { handle: host::checked(host::call(target, op, &message), op) }
    }

    /// Waits for the reply's bytes.
    pub fn wait(mut self) -> Result<Reply> {
        let handle = self.take_handle()?;
        host::wait_for(&[handle])?;
        host::take(handle).map(Reply)
    }

    fn take_handle(&mut self) -> Result<u32> {
        std::mem::replace(&mut self.handle, Err(Error::new(Code::BAD_HANDLE, "the call's reply has been taken")))
    }

    /// The reply if it is there.
    fn poll_reply(&mut self, cx: &mut Context<'_>) -> Poll<Result<Reply>> {
        let handle = match &self.handle {
            Ok(handle) => *handle,
            Err(_) => return Poll::Ready(Err(self.take_handle().unwrap_err())),
        };
        if host::wait(&[handle], 0) == -(Code::TIMEOUT.0 as i32) {
            executor::wake_when_ready(handle, cx.waker());
            return Poll::Pending;
        }
        let _ = self.take_handle();
        Poll::Ready(host::take(handle).map(Reply))
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if let Ok(handle) = self.handle {
            host::close(handle, crate::abi::CLOSE_FINISH);
        }
    }
}

/// The bytes of a reply, from which the message borrows.
#[derive(Debug)]
pub struct Reply(pub Vec<u8>);

impl Reply {
    /// Decodes the reply: the message, or the error it carries.
    pub fn decode<'a, M: Message<'a>>(&'a self) -> Result<M> {
        reply(&self.0)
    }
}

/// Performs an operation and waits for its reply.
pub fn invoke<'a, M: Message<'a>>(target: &str, op: &str, request: &M) -> Result<Reply> {
    Call::start(target, op, request).wait()
}

/// An operation whose reply will be a value.
#[must_use = "a future does nothing until it is awaited, and dropping it cancels the operation"]
pub struct Pending<T> {
    call: Call,
    finish: fn(&Reply) -> Result<T>,
    value: PhantomData<T>,
}

impl<T> Pending<T> {
    pub(crate) fn new(call: Call, finish: fn(&Reply) -> Result<T>) -> Self {
        Pending { call, finish, value: PhantomData }
    }

    /// Waits for the value without an executor.
    pub fn wait(self) -> Result<T> {
        (self.finish)(&self.call.wait()?)
    }
}

impl<T> Unpin for Pending<T> {}

impl<T> Future for Pending<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        match self.call.poll_reply(cx) {
            Poll::Ready(reply) => Poll::Ready(reply.and_then(|r| (self.finish)(&r))),
            Poll::Pending => Poll::Pending,
        }
    }
}
