//! Whose time and memory a thread spends: the session whose task it polls.
//!
//! Owns: [`Limited`], the future of a session, and [`check`] and [`work`], by which everything that can take long looks
//! whether it is to end (CHECK_FOR_INTERRUPTS) without knowing who asks. Must not know: what makes a statement end (the engine
//! says it with [`Limits::new`]).

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::task::{Context, Poll};

use crate::error::Result;
use crate::limits::memory;

/// Fails when what the session runs is to end, and lets other sessions have their turn: if it has run for some time, or now.
type Interrupts = Box<dyn Fn(Turn) -> Result<()> + Send + Sync>;

/// When other sessions are to have their turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// When the session has had its own.
    Due,
    /// Before it goes on, because it will not ask again for long.
    Now,
}

/// What a session has used, and how it is interrupted.
pub struct Limits {
    memory: AtomicIsize,
    interrupts: Interrupts,
}

impl fmt::Debug for Limits {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Limits").field("memory", &self.memory).finish_non_exhaustive()
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<Limits>>> = const { RefCell::new(None) };
    /// Work done since the last look.
    static WORK: Cell<usize> = const { Cell::new(0) };
}

/// Work between two looks: about the bytes that are copied, or steps as cheap as that. Some tens of microseconds.
const PATIENCE: usize = 64 << 10;

/// So much at once, without a look in between, takes milliseconds.
const LONG: usize = 1 << 20;

impl Limits {
    /// Of a session that has nothing yet.
    pub fn new(interrupts: impl Fn(Turn) -> Result<()> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Limits { memory: AtomicIsize::new(0), interrupts: Box::new(interrupts) })
    }

    /// The session runs on this thread until the result is dropped.
    pub fn enter(self: &Arc<Self>) -> Entered {
        let outer = CURRENT.replace(Some(Arc::clone(self)));
        Entered { outer, memory: memory::enter(self.memory.load(Ordering::Relaxed)) }
    }
}

/// See [`Limits::enter`].
#[derive(Debug)]
pub struct Entered {
    outer: Option<Arc<Limits>>,
    memory: (bool, isize),
}

impl Drop for Entered {
    fn drop(&mut self) {
        let inner = CURRENT.replace(self.outer.take());
        let used = memory::leave(self.memory);
        if let Some(inner) = inner {
            inner.memory.store(used, Ordering::Relaxed);
        }
    }
}

/// Looks whether the session that runs on this thread is to stop, now, and whether it has too much memory.
pub fn check() -> Result<()> {
    look(Turn::Due)
}

fn look(turn: Turn) -> Result<()> {
    WORK.set(0);
    let current = CURRENT.with_borrow(Option::clone);
    match current {
        Some(limits) => {
            (limits.interrupts)(turn)?;
            memory::check()
        }
        None => Ok(()),
    }
}

/// So much work is done, or about to be: looks now and then whether the session is to stop. The unit is what it takes to
/// copy a byte.
#[inline]
pub fn work(units: usize) -> Result<()> {
    let done = WORK.get().saturating_add(units);
    if done < PATIENCE {
        WORK.set(done);
        return Ok(());
    }
    look(Turn::Due)
}

/// Something begins that reads so many bytes and may copy them, and does not look in between.
#[inline]
pub fn begin(bytes: usize) -> Result<()> {
    if bytes < LONG {
        return work(bytes);
    }
    // What it makes is often twice as long, and is copied for SQLite.
    memory::reserve(bytes.saturating_mul(3))?;
    look(Turn::Now)
}

/// A session's future: while it is polled, the thread's memory and time are the session's.
pub struct Limited<F> {
    limits: Arc<Limits>,
    future: Pin<Box<F>>,
}

impl<F: Future> Limited<F> {
    /// On the heap, where it can be polled in place.
    pub fn new(limits: Arc<Limits>, future: F) -> Self {
        Limited { limits, future: Box::pin(future) }
    }
}

impl<F: Future> Future for Limited<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let _entered = self.limits.enter();
        self.future.as_mut().poll(context)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::error::{Error, SqlState};

    #[test]
    fn work_asks_now_and_then() {
        let ended = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&ended);
        let limits = Limits::new(move |_| match asked.load(Ordering::Relaxed) {
            true => Err(Error::new(SqlState::QUERY_CANCELED, "canceling statement due to user request")),
            false => Ok(()),
        });
        let entered = limits.enter();
        let kept = vec![0u8; 1000];
        ended.store(true, Ordering::Relaxed);
        check().expect_err("asks at once");
        assert_eq!(work(1), Ok(()), "a little work is not worth the question");
        work(PATIENCE).expect_err("much is");
        drop(entered);
        assert_eq!(check(), Ok(()), "outside of a session nothing ends");
        assert!(limits.memory.load(Ordering::Relaxed) >= 1000);
        drop(kept);
    }
}
