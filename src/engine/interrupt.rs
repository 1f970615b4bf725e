//! Cancel and time limits of a running statement, and its client's disappearance.
//!
//! Owns: [`InterruptHandle`]. The progress handler of the connection that runs the statement polls it, waits of the
//! session race against it. Must not know: SQLite, who asks for the cancel.
//! Specification: runtime-config-client.html (statement_timeout), protocol-flow.html (canceling requests in progress).

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::error::{Error, Result, SqlState};
use crate::protocol::socket::Peer;

/// Interrupts one session from another task. Cheap to clone; all clones speak of the same session.
#[derive(Clone, Debug, Default)]
pub struct InterruptHandle(Arc<State>);

#[derive(Debug, Default)]
struct State {
    phase: AtomicU8,
    /// Nanoseconds after [`EPOCH`]; 0 for none.
    deadline: AtomicU64,
    changed: Notify,
    /// Whom the session serves; unset where there is no socket.
    peer: OnceLock<Peer>,
}

/// No statement runs: a cancel request is dropped, as PostgreSQL drops it.
const IDLE: u8 = 0;
const RUNNING: u8 = 1;
const CANCELLED: u8 = 2;
/// The session is to end; stays so.
const TERMINATED: u8 = 3;
/// The client has closed the connection while a statement ran or waited; stays so.
const VANISHED: u8 = 4;

static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

impl InterruptHandle {
    /// The client whose disappearance ends what the session is running.
    pub fn watch(&self, peer: Peer) {
        // A session has one client for good.
        let _ = self.0.peer.set(peer);
    }

    /// Asks the socket whether the client is still there, for statements that run; [`check`](Self::check) then fails if
    /// not.
    pub fn look_for_client(&self) {
        if self.0.peer.get().is_some_and(Peer::is_gone) {
            self.vanish();
        }
    }

    fn vanish(&self) {
        // Only what runs is ended: an idle session learns it from reading, after everything the client has sent.
        if self.change_phase(RUNNING, VANISHED) || self.change_phase(CANCELLED, VANISHED) {
            self.0.changed.notify_waiters();
        }
    }

    /// A statement begins; from now on it can be cancelled, and it fails once the deadline has passed.
    pub fn start(&self, deadline: Option<Instant>) {
        // `max(1)`: a deadline at the epoch itself is still one.
        let nanos = deadline.map_or(0, |d| (d.saturating_duration_since(*EPOCH).as_nanos() as u64).max(1));
        self.0.deadline.store(nanos, Ordering::Relaxed);
        self.change_phase(IDLE, RUNNING);
    }

    /// The statement has ended; a cancel request that comes later is dropped.
    pub fn finish(&self) {
        self.0.deadline.store(0, Ordering::Relaxed);
        self.change_phase(RUNNING, IDLE);
        self.change_phase(CANCELLED, IDLE);
    }

    /// Cancels what the session is running now, if anything (57014 "canceling statement due to user request").
    pub fn cancel(&self) {
        if self.change_phase(RUNNING, CANCELLED) {
            self.0.changed.notify_waiters();
        }
    }

    /// Ends the session (57P01 "terminating connection due to administrator command"), idle or not.
    pub fn terminate(&self) {
        self.0.phase.store(TERMINATED, Ordering::Release);
        self.0.changed.notify_waiters();
    }

    /// Fails if the running statement is to end.
    pub fn check(&self) -> Result<()> {
        match self.0.phase.load(Ordering::Acquire) {
            CANCELLED => return Err(canceled("canceling statement due to user request")),
            TERMINATED => {
                return Err(Error::fatal(
                    SqlState::ADMIN_SHUTDOWN,
                    "terminating connection due to administrator command",
                ));
            }
            VANISHED => return Err(client_lost()),
            _ => {}
        }
        match self.deadline() {
            Some(deadline) if Instant::now() >= deadline => Err(timed_out()),
            _ => Ok(()),
        }
    }

    /// Resolves to the error once the running statement is to end, because its client is gone or for any other reason;
    /// for waits to race against.
    pub async fn interrupted(&self) -> Error {
        tokio::select! {
            error = self.cancelled() => error,
            () = self.client_gone() => {
                self.vanish();
                client_lost()
            }
        }
    }

    /// The same but for the client, for waits that read from it.
    pub async fn cancelled(&self) -> Error {
        loop {
            let changed = self.0.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Err(error) = self.check() {
                return error;
            }
            tokio::select! {
                () = changed => {}
                // At the deadline `check` above decides.
                () = passed(self.deadline()) => {}
            }
        }
    }

    /// Resolves when the session is to end, whatever it is doing.
    pub async fn terminated(&self) -> Error {
        loop {
            let changed = self.0.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            match self.check() {
                Err(error) if self.0.phase.load(Ordering::Acquire) == TERMINATED => return error,
                _ => changed.await,
            }
        }
    }

    /// Resolves when the client has closed the connection; never without a client.
    pub async fn client_gone(&self) {
        match self.0.peer.get() {
            Some(peer) => peer.gone().await,
            None => std::future::pending().await,
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match self.0.deadline.load(Ordering::Relaxed) {
            0 => None,
            nanos => Some(*EPOCH + Duration::from_nanos(nanos)),
        }
    }

    fn change_phase(&self, from: u8, to: u8) -> bool {
        self.0.phase.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

async fn passed(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

/// As client_connection_check_interval has it.
fn client_lost() -> Error {
    Error::fatal(SqlState::CONNECTION_FAILURE, "connection to client lost")
}

fn canceled(message: &'static str) -> Error {
    Error::new(SqlState::QUERY_CANCELED, message)
}

fn timed_out() -> Error {
    canceled("canceling statement due to statement timeout")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancel_is_for_the_statement_that_runs() {
        let handle = InterruptHandle::default();
        handle.cancel();
        handle.start(None);
        assert_eq!(handle.check(), Ok(()), "a cancel while idle is dropped");
        handle.clone().cancel();
        assert_eq!(handle.check().expect_err("cancelled").message(), "canceling statement due to user request");
        handle.finish();
        handle.start(None);
        assert_eq!(handle.check(), Ok(()));
    }

    #[tokio::test]
    async fn a_deadline_ends_a_wait() {
        let handle = InterruptHandle::default();
        handle.start(Some(Instant::now() + Duration::from_millis(20)));
        assert_eq!(handle.check(), Ok(()));
        let error = handle.interrupted().await;
        assert_eq!(error.code(), SqlState::QUERY_CANCELED);
        assert_eq!(error.message(), "canceling statement due to statement timeout");
    }

    #[tokio::test]
    async fn a_cancel_ends_a_wait() {
        let handle = InterruptHandle::default();
        handle.start(None);
        let other = handle.clone();
        let waiting = tokio::spawn(async move { other.interrupted().await });
        tokio::task::yield_now().await;
        handle.cancel();
        assert_eq!(waiting.await.expect("task").code(), SqlState::QUERY_CANCELED);
        handle.finish();
        handle.terminate();
        handle.finish();
        assert_eq!(handle.check().expect_err("terminated").code(), SqlState::ADMIN_SHUTDOWN);
    }
}
