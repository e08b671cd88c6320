//! Futures: a tiny executor over the host's `wait`.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use crate::host;

thread_local! {
    static WAITING: RefCell<Vec<(u32, Waker)>> = const { RefCell::new(Vec::new()) };
}

/// Has the waker woken when the handle is ready.
pub(crate) fn wake_when_ready(handle: u32, waker: &Waker) {
    WAITING.with(|waiting| {
        let mut waiting = waiting.borrow_mut();
        match waiting.iter_mut().find(|(h, _)| *h == handle) {
            Some(entry) => entry.1 = waker.clone(),
            None => waiting.push((handle, waker.clone())),
        }
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
/// When the future waits for something that is no operation of pagesrun: nothing would ever wake it.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = Box::pin(future);
    let flag = Arc::new(Flag(AtomicBool::new(true)));
    let waker = Waker::from(flag.clone());
    let mut cx = Context::from_waker(&waker);
    loop {
        if flag.0.swap(false, Ordering::Relaxed) {
            if let Poll::Ready(value) = future.as_mut().poll(&mut cx) {
                return value;
            }
            continue;
        }
        wake_one();
    }
}

/// Waits for the first handle that is ready and wakes whoever waits for it.
fn wake_one() {
    let mut waiting = WAITING.with(|w| std::mem::take(&mut *w.borrow_mut()));
    assert!(!waiting.is_empty(), "the future waits for nothing that pagesrun knows of");
    let handles: Vec<u32> = waiting.iter().map(|(handle, _)| *handle).collect();
    match host::wait_for(&handles) {
        Ok(i) => waiting.swap_remove(i).1.wake(),
        Err(_) => waiting.drain(..).for_each(|(_, waker)| waker.wake()), // let each find out for itself
    }
    WAITING.with(|w| w.borrow_mut().append(&mut waiting));
}

/// Runs two futures at the same time.
pub fn join<A: Future, B: Future>(a: A, b: B) -> impl Future<Output = (A::Output, B::Output)> {
    Join { a: Slot::Running(Box::pin(a)), b: Slot::Running(Box::pin(b)) }
}

/// Runs any number of futures at the same time; the results are in their order.
pub fn join_all<F: Future>(futures: impl IntoIterator<Item = F>) -> impl Future<Output = Vec<F::Output>> {
    JoinAll(futures.into_iter().map(|f| Slot::Running(Box::pin(f))).collect())
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
