//! Clocks and waiting, on every target: `std::time` and `std::thread::sleep` panic on `wasm32-unknown-unknown`.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::abi::Code;
use crate::error::{Error, Result};
use crate::{executor, host};

/// The time, in milliseconds since the Unix epoch. [`crate::Context::time_ms`] is when the event began.
pub fn now_ms() -> i64 {
    (host::clock_ns(host::CLOCK_REALTIME) / 1_000_000) as i64
}

/// A time that only goes forward, since some point before the event.
pub fn monotonic() -> Duration {
    Duration::from_nanos(host::clock_ns(host::CLOCK_MONOTONIC))
}

/// Sleeps. The event's limit of time goes on counting.
pub fn sleep(duration: Duration) {
    host::wait(&[], i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX));
}

/// A future that is done after a time.
pub fn sleep_async(duration: Duration) -> impl Future<Output = ()> + Unpin {
    Sleep { until_ns: monotonic().saturating_add(duration).as_nanos().min(u64::MAX.into()) as u64 }
}

struct Sleep {
    until_ns: u64,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if host::clock_ns(host::CLOCK_MONOTONIC) >= self.until_ns {
            return Poll::Ready(());
        }
        executor::at(self.until_ns, cx).map(|_| ())
    }
}

/// Gives a future a limit: when it has passed, the future is dropped, which cancels its operations, and the error's code is `timeout`.
pub fn timeout<F: Future>(limit: Duration, future: F) -> impl Future<Output = Result<F::Output>> {
    Timeout { future: Box::pin(future), limit: sleep_async(limit) }
}

struct Timeout<F, S> {
    future: Pin<Box<F>>,
    limit: S,
}

impl<F: Future, S: Future<Output = ()> + Unpin> Future for Timeout<F, S> {
    type Output = Result<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(value) = self.future.as_mut().poll(cx) {
            return Poll::Ready(Ok(value));
        }
        Pin::new(&mut self.limit).poll(cx).map(|()| Err(Error::new(Code::TIMEOUT, "the time given has passed")))
    }
}
