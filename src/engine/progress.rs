//! What a connection does every thousand steps of SQLite's virtual machine: look whether the statement is to end, and
//! hand the worker's core off when the statement turns out to be long.
//!
//! Owns: [`Progress`]. Must not know: SQLite's interface (`engine::connection` registers the callback).
//! DESIGN: statements run where the session runs.

use std::sync::mpsc;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeFlavor};

use crate::engine::interrupt::InterruptHandle;
use crate::error::{Error, Result};
use crate::limits::session::Turn;

/// Virtual machine steps between two calls; about 20 to 50 µs.
pub(crate) const STEPS: i32 = 1_000;

/// A statement that has run for so long on one worker gives the worker's core to another thread.
const LONG: Duration = Duration::from_millis(1);

/// How long the callback sleeps for another thread to take the core; less, and the core is often taken back.
const HAND_OVER: Duration = Duration::from_micros(100);

/// How long it waits for a sign that another thread runs the sessions. Only a runtime that is out of threads gives none.
const SIGN_LIMIT: Duration = Duration::from_secs(1);

/// How often it does so again, and looks whether its client is still there.
const AGAIN: Duration = Duration::from_millis(50);

/// The progress of one connection's running statement.
#[derive(Debug, Default)]
pub(crate) struct Progress(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    interrupt: Option<InterruptHandle>,
    /// When this statement was first seen on this thread. The first call comes after a thousand steps, so a short
    /// statement never reads the clock.
    since: Option<(ThreadId, Instant)>,
    /// When the core is to be given away next.
    due: Option<Instant>,
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
        (state.since, state.due) = (None, None);
    }

    /// Ends internal statements at `limit` whatever the session's limits are; `None` lifts it.
    pub(crate) fn limit(&self, limit: Option<Instant>) {
        self.state().limit = limit;
    }

    /// The error that ended the statement, if it was the session's interrupt.
    pub(crate) fn interruption(&self) -> Option<Error> {
        self.state().interrupt.as_ref().and_then(|interrupt| interrupt.check().err())
    }

    /// Fails if what runs is to end; for what takes long outside of SQLite.
    pub(crate) fn check(&self, turn: Turn) -> Result<()> {
        if turn == Turn::Now {
            let now = Instant::now();
            self.state().since = Some((std::thread::current().id(), now.checked_sub(LONG).unwrap_or(now)));
        }
        let ended = self.called().then(|| self.interruption()).flatten();
        ended.map_or(Ok(()), Err)
    }

    /// The callback. True ends the statement.
    pub(crate) fn called(&self) -> bool {
        let (end, hand_off) = self.judge(std::thread::current().id(), Instant::now());
        if hand_off && !end && on_a_worker() {
            hand_over();
        }
        end
    }

    fn judge(&self, thread: ThreadId, now: Instant) -> (bool, bool) {
        let mut state = self.state();
        let since = match state.since {
            Some((on, since)) if on == thread => since,
            _ => {
                (state.since, state.due) = (Some((thread, now)), None);
                now
            }
        };
        let hand_off = now >= state.due.unwrap_or(since + LONG);
        if hand_off {
            state.due = Some(now + AGAIN);
            state.interrupt.iter().for_each(InterruptHandle::look_for_client);
        }
        let interrupted = state.interrupt.as_ref().is_some_and(|interrupt| interrupt.check().is_err());
        let end = interrupted || state.limit.is_some_and(|limit| now >= limit);
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

/// Gives this worker's core to another thread. A thread that is slow to start leaves it here, and so may two that give
/// the same core away at the same time; if all other workers are asleep then, nobody looks for what arrives at the sockets
/// until the statement is over. So this waits for a task to have run elsewhere, and is done again and again.
fn hand_over() {
    let (sign, run) = mpsc::sync_channel::<()>(1);
    tokio::spawn(async move { drop(sign) });
    tokio::task::block_in_place(|| {
        std::thread::sleep(HAND_OVER);
        // Nothing is ever sent: the channel closes when the task has run, or will never run.
        let _ = run.recv_timeout(SIGN_LIMIT);
    });
}

/// Runs something that blocks (opening files, VACUUM, a checkpoint) without holding up the worker's other tasks.
pub(crate) fn blocking<T>(body: impl FnOnce() -> T) -> T {
    if on_a_worker() { tokio::task::block_in_place(body) } else { body() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_long_statement_hands_its_core_off() {
        let progress = Progress::default();
        let (here, start) = (std::thread::current().id(), Instant::now());
        let steps = [
            (here, Duration::ZERO, false),
            (here, LONG / 2, false),
            (here, LONG, true),
            (here, LONG * 3, false),
            (here, LONG + AGAIN, true),
        ];
        for (thread, after, hand_off) in steps {
            assert_eq!(progress.judge(thread, start + after), (false, hand_off), "{after:?}");
        }
        let (elsewhere, later) =
            (std::thread::spawn(|| std::thread::current().id()).join().expect("thread"), start + AGAIN * 2);
        assert_eq!(progress.judge(elsewhere, later), (false, false));
        assert_eq!(progress.judge(elsewhere, later + LONG), (false, true));
        progress.begin();
        assert_eq!(progress.judge(elsewhere, later + AGAIN * 2), (false, false));
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
