//! Calls: operations in progress.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::abi::{Code, CLOSE_FINISH};
use crate::cbor::{self, Message};
use crate::error::{reply, Error, Result};
use crate::{executor, host};

/// An operation in progress: a future of its reply. Dropping it cancels the operation, which may or may not have taken effect.
#[derive(Debug)]
#[must_use = "dropping a call cancels the operation"]
pub struct Call {
    handle: Result<u32>,
}

impl Call {
    /// Starts an operation on a binding and returns at once. It is the floor on which the modules of the bindings stand; use it for
    /// operations that have no module yet. What is wrong, even before the operation could start, is told when its reply is asked for.
    pub fn start<'a, M: Message<'a>>(target: &str, op: &str, request: &M) -> Call {
        let message = cbor::encode(request);
        Call { handle: host::call_handle(target, op, &message) }
    }

    /// Waits for the reply's bytes.
    pub fn wait(mut self) -> Result<Reply> {
        let handle = self.take_handle()?;
        host::wait_for(handle)?;
        Ok(Reply(host::take(handle)?))
    }

    /// Tells the host that nobody will ask for the reply. Dropping does the same.
    pub fn cancel(self) {}

    /// Gives the handle to whoever takes the reply, after which it is none: a future that waited for it in vain must not go on doing so.
    fn take_handle(&mut self) -> Result<u32> {
        let handle = std::mem::replace(&mut self.handle, Err(Error::new(Code::BAD_HANDLE, "the call's reply has been taken")))?;
        executor::forget(handle);
        Ok(handle)
    }
}

impl Future for Call {
    type Output = Result<Reply>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Reply>> {
        let handle = match self.handle {
            Ok(handle) => handle,
            Err(_) => return Poll::Ready(Err(self.take_handle().unwrap_err())),
        };
        match host::take(handle) {
            Err(e) if e.code == Code::WOULD_BLOCK => executor::ready(handle, cx).map(Err),
            taken => {
                let _ = self.take_handle();
                Poll::Ready(taken.map(Reply))
            }
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if let Ok(handle) = self.handle {
            executor::forget(handle);
            host::close(handle, CLOSE_FINISH);
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

/// Makes the value of a reply.
type Finish<T> = Box<dyn FnOnce(&Reply) -> Result<T>>;

/// An operation that has begun and whose reply will be a value: a future, or something to [`Pending::wait`] for. Dropping it cancels the operation.
#[must_use = "dropping a pending operation cancels it"]
pub struct Pending<T> {
    call: Call,
    finish: Option<Finish<T>>,
}

impl<T> Pending<T> {
    pub(crate) fn new(call: Call, finish: impl FnOnce(&Reply) -> Result<T> + 'static) -> Self {
        Pending { call, finish: Some(Box::new(finish)) }
    }

    /// Waits for the value without an executor.
    pub fn wait(self) -> Result<T> {
        let reply = self.call.wait()?;
        finished(self.finish, &reply)
    }

    /// Tells the host that nobody will ask for the value. Dropping does the same.
    pub fn cancel(self) {}
}

fn finished<T>(finish: Option<Finish<T>>, reply: &Reply) -> Result<T> {
    finish.ok_or_else(|| Error::new(Code::BAD_HANDLE, "the operation's value has been taken"))?(reply)
}

impl<T> Unpin for Pending<T> {}

impl<T> Future for Pending<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        match Pin::new(&mut self.call).poll(cx) {
            Poll::Ready(reply) => Poll::Ready(reply.and_then(|r| finished(self.finish.take(), &r))),
            Poll::Pending => Poll::Pending,
        }
    }
}
