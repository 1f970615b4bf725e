//! What a connection does every thousand steps of SQLite's virtual machine: look whether the statement is to end, and
//! hand the worker's core off when the statement turns out to be long.
//!
//! Owns: [`Progress`]. Must not know: SQLite's interface (`engine::connection` registers the callback).
//! DESIGN: statements run where the session runs.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeFlavor};

use crate::engine::interrupt::InterruptHandle;
use crate::error::Error;

/// Virtual machine steps between two calls; about 20 to 50 µs.
pub(crate) const STEPS: i32 = 1_000;

/// A statement that has run for so long on one worker gives the worker's core to another thread.
const LONG: Duration = Duration::from_millis(1);

/// How long the callback sleeps for another thread to take the core; less, and the core is sometimes taken back.
const HAND_OVER: Duration = Duration::from_micros(100);

/// How often a long statement looks whether its client is still there.
const LOOK: Duration = Duration::from_millis(20);

/// The progress of one connection's running statement.
#[derive(Debug, Default)]
pub(crate) struct Progress(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    interrupt: Option<InterruptHandle>,
    /// When this statement was first seen on this thread. The first call comes after a thousand steps, so a short
    /// statement never reads the clock.
    since: Option<(ThreadId, Instant)>,
    /// The thread whose core has been given away: it has none until its task next waits, and that task then goes on
    /// elsewhere.
    handed_off: Option<ThreadId>,
    /// When it was last looked whether the client is still there.
    looked: Option<Instant>,
    /// When the time of a bounded internal statement is over.
    limit: Option<Instant>,
}

impl Progress {
    /// A session borrows the connection (`Some`) or gives it back.
    pub(crate) fn attach(&self, interrupt: Option<InterruptHandle>) {
        *self.state() = State { interrupt, ..State::default() };
    }

    /// Another statement begins.
    pub(crate) fn begin(&self) {
        let mut state = self.state();
        (state.since, state.looked) = (None, None);
    }

    /// Ends internal statements at `limit` whatever the session's limits are; `None` lifts it.
    pub(crate) fn limit(&self, limit: Option<Instant>) {
        self.state().limit = limit;
    }

    /// The error that ended the statement, if it was the session's interrupt.
    pub(crate) fn interruption(&self) -> Option<Error> {
        self.state().interrupt.as_ref().and_then(|interrupt| interrupt.check().err())
    }

    /// The callback. True ends the statement.
    pub(crate) fn called(&self) -> bool {
        let (end, hand_off) = self.judge(std::thread::current().id(), Instant::now());
        if hand_off && !end && on_a_worker() {
            tokio::task::block_in_place(|| std::thread::sleep(HAND_OVER));
        }
        end
    }

    fn judge(&self, thread: ThreadId, now: Instant) -> (bool, bool) {
        let mut state = self.state();
        if now.duration_since(*state.looked.get_or_insert(now)) >= LOOK {
            state.looked = Some(now);
            state.interrupt.iter().for_each(InterruptHandle::look_for_client);
        }
        let interrupted = state.interrupt.as_ref().is_some_and(|interrupt| interrupt.check().is_err());
        let end = interrupted || state.limit.is_some_and(|limit| now >= limit);
        let since = match state.since {
            Some((on, since)) if on == thread => since,
            _ => {
                state.since = Some((thread, now));
                now
            }
        };
        let hand_off = now.duration_since(since) >= LONG && state.handed_off != Some(thread);
        if hand_off {
            state.handed_off = Some(thread);
        }
        (end, hand_off)
    }

    /// The state is valid after any panic.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `block_in_place` panics on a current-thread runtime and has nothing to hand off outside of a runtime.
fn on_a_worker() -> bool {
    Handle::try_current().is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread)
}

/// Runs something that blocks (opening files, VACUUM, a checkpoint) without holding up the worker's other tasks.
pub(crate) fn blocking<T>(body: impl FnOnce() -> T) -> T {
    if on_a_worker() { tokio::task::block_in_place(body) } else { body() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_core_is_handed_off_once_per_thread_and_only_by_a_long_statement() {
        let progress = Progress::default();
        let (here, start) = (std::thread::current().id(), Instant::now());
        assert_eq!(progress.judge(here, start), (false, false));
        assert_eq!(progress.judge(here, start + LONG / 2), (false, false));
        assert_eq!(progress.judge(here, start + LONG), (false, true));
        assert_eq!(progress.judge(here, start + LONG * 3), (false, false));
        let elsewhere = std::thread::spawn(|| std::thread::current().id()).join().expect("thread");
        assert_eq!(progress.judge(elsewhere, start + LONG * 4), (false, false));
        assert_eq!(progress.judge(elsewhere, start + LONG * 5), (false, true));
    }

    #[test]
    fn an_interrupt_and_a_limit_end_the_statement() {
        let progress = Progress::default();
        let interrupt = InterruptHandle::default();
        progress.attach(Some(interrupt.clone()));
        interrupt.start(None);
        assert!(!progress.called());
        interrupt.cancel();
        assert!(progress.called());
        interrupt.finish();
        progress.limit(Some(Instant::now()));
        assert!(progress.called());
        progress.limit(None);
        assert!(!progress.called());
    }
}
