//! The sessions of this server, by process id: whom a cancel request or pg_terminate_backend() is for, and what
//! pg_stat_activity and pg_locks show. The ids are ours: sessions are not processes.
//!
//! Owns: [`Backends`], [`CancelKey`]. Must not know: sockets, messages.
//! Specification: protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS, monitoring-stats.html.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::catalog::tables::source::{LockRow, SessionRow, database_oid};
use crate::engine::advisory::AdvisoryLocks;
use crate::engine::context::{SessionContext, SharedContext, Wait};
use crate::engine::interrupt::InterruptHandle;
use crate::engine::statement_statistics::StatementStatistics;
use crate::types::pg_type::Oid;

/// What a client has to know to cancel a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelKey {
    pub pid: i32,
    pub secret: i32,
}

/// The running sessions, and the locks that are not a database's own.
#[derive(Debug, Default)]
pub struct Backends {
    next_pid: AtomicI32,
    sessions: Mutex<HashMap<i32, Backend>>,
    locks: AdvisoryLocks,
    pub statements: StatementStatistics,
}

#[derive(Clone, Debug)]
struct Backend {
    secret: i32,
    interrupt: InterruptHandle,
    context: SharedContext,
}

/// A session's place among the others; leaving gives it up, with the session's advisory locks.
#[derive(Debug)]
pub struct Registration {
    backends: Arc<Backends>,
    key: CancelKey,
}

impl Backends {
    /// Enters a session, which learns its process id.
    pub fn register(self: &Arc<Self>, interrupt: InterruptHandle, context: &SharedContext) -> Registration {
        let mut sessions = self.sessions();
        let pid = loop {
            let pid = self.next_pid.fetch_add(1, Ordering::Relaxed) & 0x3fff_ffff;
            if pid != 0 && !sessions.contains_key(&pid) {
                break pid;
            }
        };
        let key = CancelKey { pid, secret: rand::random() };
        lock(context).backend_pid = pid;
        sessions.insert(pid, Backend { secret: key.secret, interrupt, context: Arc::clone(context) });
        Registration { backends: Arc::clone(self), key }
    }

    /// Interrupts the session the key belongs to; a wrong key does nothing, and the asker is told nothing.
    pub fn cancel(&self, key: CancelKey) {
        if let Some(backend) = self.sessions().get(&key.pid)
            && backend.secret == key.secret
        {
            backend.interrupt.cancel();
        }
    }

    /// Does something to the session of that process id; false if there is none.
    pub fn signal(&self, pid: i32, signal: fn(&InterruptHandle)) -> bool {
        self.sessions().get(&pid).map(|backend| signal(&backend.interrupt)).is_some()
    }

    /// Who has logged in to the sessions in a database. The caller holds no session's context.
    pub fn roles_in(&self, database: &str) -> Vec<Oid> {
        let of_it = |session: &SessionContext| (session.database == database).then_some(session.authenticated);
        self.each(of_it).into_iter().flatten().collect()
    }

    /// Who has logged in to the session of that process id. The caller holds no session's context.
    pub fn role_of(&self, pid: i32) -> Option<Oid> {
        self.find(pid).map(|context| lock(&context).authenticated)
    }

    /// Whether a session of that process id runs.
    pub fn is_running(&self, pid: i32) -> bool {
        self.sessions().contains_key(&pid)
    }

    /// Ends every session with 57P01: the server stops and has waited long enough.
    pub fn terminate_all(&self) {
        self.sessions().values().for_each(|backend| backend.interrupt.terminate());
    }

    /// Ends the sessions of a database with 57P01 (DROP DATABASE … WITH (FORCE)).
    pub fn terminate_in(&self, database: &str) {
        let sessions: Vec<Backend> = self.sessions().values().cloned().collect();
        let of_it = sessions.iter().filter(|backend| lock(&backend.context).database == database);
        of_it.for_each(|backend| backend.interrupt.terminate());
    }

    /// How many sessions are so. The caller holds no session's context.
    pub fn count(&self, of: impl Fn(&SessionContext) -> bool) -> usize {
        self.each(of).into_iter().filter(|counts| *counts).count()
    }

    /// The advisory locks of all sessions.
    pub fn locks(&self) -> &AdvisoryLocks {
        &self.locks
    }

    /// What pg_stat_activity shows, by process id. The caller holds no session's context.
    pub fn activity(&self) -> Vec<SessionRow> {
        self.each(|session| session.activity.row(session))
    }

    /// What pg_locks shows.
    pub fn held_and_awaited(&self) -> Vec<LockRow> {
        let mut rows: Vec<LockRow> = self.each(transaction_locks).into_iter().flatten().collect();
        rows.extend(self.locks.rows());
        rows
    }

    /// pg_blocking_pids(): those who hold what the session waits for.
    pub fn blockers(&self, pid: i32) -> Vec<i32> {
        let writer = self.find(pid).and_then(|context| {
            let context = lock(&context);
            let waits = context.activity.wait == Some(Wait::WriteTicket);
            waits.then(|| context.writer.load(Ordering::Relaxed))
        });
        let rows = self.find(pid).map(|context| Arc::clone(&lock(&context).row_locks));
        let of_rows = rows.map(|locks| locks.blockers(pid)).unwrap_or_default();
        writer.filter(|holder| *holder != 0).into_iter().chain(self.locks.blockers(pid)).chain(of_rows).collect()
    }

    /// The sessions that wait for each other in a circle which the session closes, itself first; none if it is not in one.
    pub fn deadlock(&self, pid: i32) -> Option<Vec<i32>> {
        let mut seen = vec![pid];
        let mut ways = vec![vec![pid]];
        while let Some(way) = ways.pop() {
            for next in way.last().map(|last| self.blockers(*last)).unwrap_or_default() {
                if next == pid {
                    return Some(way);
                }
                if !seen.contains(&next) {
                    seen.push(next);
                    ways.push([&way[..], &[next]].concat());
                }
            }
        }
        None
    }

    fn find(&self, pid: i32) -> Option<SharedContext> {
        self.sessions().get(&pid).map(|backend| Arc::clone(&backend.context))
    }

    /// Asks every session in turn, holding no other lock meanwhile.
    fn each<T>(&self, ask: impl Fn(&SessionContext) -> T) -> Vec<T> {
        let mut backends: Vec<(i32, SharedContext)> =
            self.sessions().iter().map(|(pid, backend)| (*pid, Arc::clone(&backend.context))).collect();
        backends.sort_unstable_by_key(|(pid, _)| *pid);
        backends.iter().map(|(_, context)| ask(&lock(context))).collect()
    }

    /// The data is valid after any panic.
    fn sessions(&self) -> MutexGuard<'_, HashMap<i32, Backend>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a session has and waits for as pg_locks shows it: a transaction's lock on its own number, for which others wait. The
/// number is the session's process id.
fn transaction_locks(session: &SessionContext) -> Vec<LockRow> {
    let (pid, writer) = (session.backend_pid, session.writer.load(Ordering::Relaxed));
    let row = |transaction, mode, granted: bool| LockRow {
        locktype: "transactionid",
        database: database_oid(&session.database),
        transaction: Some(transaction),
        advisory: None,
        pid,
        mode,
        granted,
        wait_start: (!granted).then_some(session.activity.wait_start),
    };
    let own =
        (pid != 0 && (writer == pid || session.row_locks.has_locked(pid))).then(|| row(pid, "ExclusiveLock", true));
    let awaited = match session.activity.wait {
        Some(Wait::WriteTicket) => Some(writer),
        Some(Wait::Row) => session.row_locks.blockers(pid).first().copied(),
        _ => None,
    };
    own.into_iter().chain(awaited.map(|holder| row(holder, "ShareLock", false))).collect()
}

impl Registration {
    /// What to send as BackendKeyData.
    pub fn key(&self) -> CancelKey {
        self.key
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.backends.locks.release_all(self.key.pid);
        self.backends.sessions().remove(&self.key.pid);
    }
}

fn lock(context: &SharedContext) -> MutexGuard<'_, SessionContext> {
    context.lock().unwrap_or_else(PoisonError::into_inner)
}
