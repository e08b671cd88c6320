//! Futures: a tiny executor over the host's `wait`, for one event at a time.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use crate::abi::{Code, WAIT_HANDLES_MAX};
use crate::error::{Error, Result};
use crate::host;

/// What somebody waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum On {
    Handle(u32),
    /// A time of the monotonic clock, in nanoseconds.
    Time(u64),
}

/// Who waits for what.
struct Waits {
    list: Vec<(On, Waker)>,
    failed: i32, // what the host answered to the wait that failed for all, 0 where none did
}

thread_local! {
    static WAITS: RefCell<Waits> = const { RefCell::new(Waits { list: Vec::new(), failed: 0 }) };
}

/// Forgets what earlier events have waited for.
pub(crate) fn begin_event() {
    WAITS.with(|w| {
        let mut w = w.borrow_mut();
        if w.failed != 0 || !w.list.is_empty() {
            *w = Waits { list: Vec::new(), failed: 0 };
        }
    })
}

/// Has the task woken when the handle is ready. It is ready now, with an error, where waiting has failed for good.
pub(crate) fn ready(handle: u32, cx: &mut Context<'_>) -> Poll<Error> {
    wake_on(On::Handle(handle), cx)
}

/// Has the task woken at a time.
pub(crate) fn at(deadline_ns: u64, cx: &mut Context<'_>) -> Poll<Error> {
    wake_on(On::Time(deadline_ns), cx)
}

fn wake_on(on: On, cx: &mut Context<'_>) -> Poll<Error> {
    WAITS.with(|w| {
        let mut w = w.borrow_mut();
        if w.failed != 0 {
            return Poll::Ready(Error::of_host(w.failed, "wait"));
        }
        if !w.list.iter().any(|(other, waker)| *other == on && waker.will_wake(cx.waker())) {
            w.list.push((on, cx.waker().clone()));
        }
        Poll::Pending
    })
}

/// Forgets a handle, since it is closed.
pub(crate) fn forget(handle: u32) {
    WAITS.with(|w| w.borrow_mut().list.retain(|(on, _)| *on != On::Handle(handle)))
}

/// Waits in the host until something that is waited for has come, and wakes whoever waits for it.
fn wake_some() {
    let (handles, deadline_ns) = WAITS.with(|w| awaited(&w.borrow().list));
    assert!(!handles.is_empty() || deadline_ns.is_some(), "the future waits for nothing that pagesrun knows of");
    let timeout_ns = deadline_ns.map_or(-1, |t| t.saturating_sub(host::clock_ns(host::CLOCK_MONOTONIC)).min(i64::MAX as u64) as i64);
    let n = host::wait(&handles, timeout_ns);
    let woken = match usize::try_from(n) {
        Ok(i) => come(|on| on == On::Handle(handles[i])),
        Err(_) if host::is(n, Code::TIMEOUT) => {
            let now_ns = host::clock_ns(host::CLOCK_MONOTONIC).max(deadline_ns.unwrap_or_default());
            come(|on| matches!(on, On::Time(t) if t <= now_ns))
        }
        Err(_) => {
            WAITS.with(|w| w.borrow_mut().failed = n);
            come(|_| true)
        }
    };
    woken.into_iter().for_each(Waker::wake);
}

/// The handles that are waited for and the first time.
fn awaited(list: &[(On, Waker)]) -> (Vec<u32>, Option<u64>) {
    let handles = list.iter().filter_map(|(on, _)| match on {
        On::Handle(h) => Some(*h),
        On::Time(_) => None,
    });
    let times = list.iter().filter_map(|(on, _)| match on {
        On::Handle(_) => None,
        On::Time(t) => Some(*t),
    });
    (handles.take(WAIT_HANDLES_MAX).collect(), times.min())
}

/// Takes those who wait for what has come.
fn come(has: impl Fn(On) -> bool) -> Vec<Waker> {
    WAITS.with(|w| {
        let mut w = w.borrow_mut();
        let (come, left) = std::mem::take(&mut w.list).into_iter().partition(|(on, _)| has(*on));
        w.list = left;
        let come: Vec<(On, Waker)> = come;
        come.into_iter().map(|(_, waker)| waker).collect()
    })
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed)
    }
}

/// Runs a future to its end. Operations it has started run at the same time.
///
/// # Panics
///
/// When the future waits for something that neither pagesrun nor the future itself can bring: nothing would ever wake it.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = Box::pin(future);
    let flag = Arc::new(Flag(AtomicBool::new(true)));
    let waker = Waker::from(flag.clone());
    let mut cx = Context::from_waker(&waker);
    loop {
        if !flag.0.swap(false, Ordering::Relaxed) {
            wake_some();
            continue;
        }
        if let Poll::Ready(value) = future.as_mut().poll(&mut cx) {
            return value;
        }
    }
}

/// Runs two futures at the same time.
pub fn join<A: Future, B: Future>(a: A, b: B) -> impl Future<Output = (A::Output, B::Output)> {
    Join { a: Slot::Running(Box::pin(a)), b: Slot::Running(Box::pin(b)) }
}

/// Runs any number of futures at the same time; the results are in their order.
pub fn join_all<F: Future>(futures: impl IntoIterator<Item = F>) -> impl Future<Output = Vec<F::Output>> {
    JoinAll(futures.into_iter().map(|f| Slot::Running(Box::pin(f))).collect())
}

/// Runs futures at the same time until the first of them is done: its result, its place, and the others, which go on when they are awaited and
/// are canceled when they are dropped. Without any futures it never ends.
pub fn select_all<F: Future + Unpin>(futures: impl IntoIterator<Item = F>) -> impl Future<Output = (F::Output, usize, Vec<F>)> {
    SelectAll(futures.into_iter().collect())
}

enum Slot<F: Future> {
    Running(Pin<Box<F>>),
    Done(Option<F::Output>),
}

impl<F: Future> Slot<F> {
    fn advance(&mut self, cx: &mut Context<'_>) -> bool {
        if let Slot::Running(f) = self {
            match f.as_mut().poll(cx) {
                Poll::Ready(v) => *self = Slot::Done(Some(v)),
                Poll::Pending => return false,
            }
        }
        true
    }

    fn take(&mut self) -> F::Output {
        match self {
            Slot::Done(v) => v.take().expect("polled after it was done"),
            Slot::Running(_) => unreachable!("taken before it was done"),
        }
    }
}

struct Join<A: Future, B: Future> {
    a: Slot<A>,
    b: Slot<B>,
}

impl<A: Future, B: Future> Unpin for Join<A, B> {}

impl<A: Future, B: Future> Future for Join<A, B> {
    type Output = (A::Output, B::Output);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let a = self.a.advance(cx);
        let b = self.b.advance(cx);
        if a && b {
            return Poll::Ready((self.a.take(), self.b.take()));
        }
        Poll::Pending
    }
}

struct JoinAll<F: Future>(Vec<Slot<F>>);

impl<F: Future> Unpin for JoinAll<F> {}

impl<F: Future> Future for JoinAll<F> {
    type Output = Vec<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut all = true;
        for slot in &mut self.0 {
            all &= slot.advance(cx);
        }
        if !all {
            return Poll::Pending;
        }
        Poll::Ready(self.0.iter_mut().map(Slot::take).collect())
    }
}

struct SelectAll<F>(Vec<F>);

impl<F: Future + Unpin> Future for SelectAll<F> {
    type Output = (F::Output, usize, Vec<F>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        for i in 0..self.0.len() {
            if let Poll::Ready(value) = Pin::new(&mut self.0[i]).poll(cx) {
                let mut others = std::mem::take(&mut self.0);
                drop(others.remove(i));
                return Poll::Ready((value, i, others));
            }
        }
        Poll::Pending
    }
}

/// Waits for a handle in a future. It may be done too soon, so whoever awaits it looks again.
pub(crate) struct Ready {
    handle: u32,
    registered: bool,
}

impl Ready {
    pub(crate) fn when(handle: u32) -> Self {
        Ready { handle, registered: false }
    }
}

impl Future for Ready {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if std::mem::replace(&mut self.registered, true) {
            return Poll::Ready(Ok(()));
        }
        ready(self.handle, cx).map(Err)
    }
}
