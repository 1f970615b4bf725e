//! Advisory locks: numbers that sessions lock for reasons of their own.
//!
//! Owns: [`AdvisoryLocks`], [`LockKey`]: who holds and who waits, first come first served. Must not know: how a session
//! waits (`engine::functions::admin`). Specification: explicit-locking.html#ADVISORY-LOCKS,
//! functions-admin.html#FUNCTIONS-ADVISORY-LOCKS.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::catalog::tables::source::LockRow;
use crate::error::{Error, Result, SqlState};
use crate::types::pg_type::Oid;

/// How many sessions may wait at a time: each of them holds a thread.
const MAX_WAITING: usize = 256;

/// What is locked: a bigint, or two integers, of one database. The four parts are pg_locks' columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LockKey {
    pub database: Oid,
    pub class: u32,
    pub object: u32,
    /// 1 for a bigint, 2 for two integers.
    pub sub: i16,
}

/// How it is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockMode {
    Shared,
    Exclusive,
}

impl LockMode {
    /// pg_locks.mode.
    pub fn name(self) -> &'static str {
        match self {
            LockMode::Shared => "ShareLock",
            LockMode::Exclusive => "ExclusiveLock",
        }
    }

    fn conflicts(self, other: LockMode) -> bool {
        self == LockMode::Exclusive || other == LockMode::Exclusive
    }
}

/// How long it is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Until it is unlocked as often as it was locked, or the session ends.
    Session,
    /// Until the transaction ends; `depth` savepoints were open: rolling back to one of them gives it up.
    Transaction { depth: usize },
}

#[derive(Clone, Copy, Debug)]
struct Held {
    pid: i32,
    key: LockKey,
    mode: LockMode,
    scope: Scope,
}

#[derive(Clone, Copy, Debug)]
struct Waiter {
    pid: i32,
    key: LockKey,
    mode: LockMode,
    /// Microseconds since 1970-01-01 UTC.
    since: i64,
}

/// The locks of all sessions.
#[derive(Debug, Default)]
pub struct AdvisoryLocks {
    state: Mutex<State>,
    released: Condvar,
}

#[derive(Debug, Default)]
struct State {
    held: Vec<Held>,
    /// In the order they came.
    waiting: Vec<Waiter>,
}

impl State {
    /// Those who keep the session from having the lock now: holders of what conflicts, and, unless it has a lock on the
    /// key already, those who have waited longer for what conflicts.
    fn blockers(&self, pid: i32, key: LockKey, mode: LockMode) -> impl Iterator<Item = i32> {
        let holds = self.held.iter().any(|held| held.pid == pid && held.key == key);
        let holders = self
            .held
            .iter()
            .filter(move |held| held.pid != pid && held.key == key && held.mode.conflicts(mode))
            .map(|held| held.pid);
        let before = self
            .waiting
            .iter()
            .take_while(move |waiter| waiter.pid != pid)
            .filter(move |waiter| !holds && waiter.key == key && waiter.mode.conflicts(mode))
            .map(|waiter| waiter.pid);
        holders.chain(before)
    }
}

impl AdvisoryLocks {
    /// Takes the lock if nobody is in the way.
    pub fn try_lock(&self, pid: i32, key: LockKey, mode: LockMode, scope: Scope) -> bool {
        let mut state = self.state();
        let free = state.blockers(pid, key, mode).next().is_none();
        if free {
            state.held.push(Held { pid, key, mode, scope });
        }
        free
    }

    /// Joins the queue; the place is kept until the guard is dropped. `since` is now.
    pub fn queue(&self, pid: i32, key: LockKey, mode: LockMode, since: i64) -> Result<Queued<'_>> {
        let mut state = self.state();
        if state.waiting.len() >= MAX_WAITING {
            let message = "too many sessions wait for advisory locks";
            return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
        }
        state.waiting.push(Waiter { pid, key, mode, since });
        Ok(Queued { locks: self, pid, key, mode })
    }

    /// Gives one of the session's own locks up; false if it has none such.
    pub fn unlock(&self, pid: i32, key: LockKey, mode: LockMode) -> bool {
        let mut state = self.state();
        let is_it = |held: &Held| (held.pid, held.key, held.mode, held.scope) == (pid, key, mode, Scope::Session);
        let found = state.held.iter().rposition(is_it);
        found.map(|at| state.held.remove(at));
        self.released.notify_all();
        found.is_some()
    }

    /// pg_advisory_unlock_all(): those the session holds beyond its transactions.
    pub fn unlock_all(&self, pid: i32) {
        self.release(|held| held.pid == pid && held.scope == Scope::Session);
    }

    /// The transaction has ended.
    pub fn end_transaction(&self, pid: i32) {
        self.release(|held| held.pid == pid && held.scope != Scope::Session);
    }

    /// The transaction was rolled back to the savepoint with `depth` others around it.
    pub fn roll_back_to(&self, pid: i32, depth: usize) {
        self.release(|held| {
            held.pid == pid && matches!(held.scope, Scope::Transaction { depth: taken } if taken > depth)
        });
    }

    /// The savepoint with `depth` others around it was released: what was taken inside belongs around it.
    pub fn release_savepoint(&self, pid: i32, depth: usize) {
        for held in self.state().held.iter_mut().filter(|held| held.pid == pid) {
            if let Scope::Transaction { depth: taken } = &mut held.scope {
                *taken = depth.min(*taken);
            }
        }
    }

    /// The session has ended.
    pub fn release_all(&self, pid: i32) {
        self.release(|held| held.pid == pid);
    }

    /// Those who keep a waiting session waiting.
    pub fn blockers(&self, pid: i32) -> Vec<i32> {
        let state = self.state();
        let waiter = state.waiting.iter().find(|waiter| waiter.pid == pid);
        waiter.map(|waiter| state.blockers(pid, waiter.key, waiter.mode).collect()).unwrap_or_default()
    }

    /// What a session waits for, in the words of a deadlock's detail.
    pub fn awaited(&self, pid: i32) -> Option<String> {
        let state = self.state();
        let Waiter { key, mode, .. } = state.waiting.iter().find(|waiter| waiter.pid == pid)?;
        let LockKey { database, class, object, sub } = key;
        Some(format!("{} on advisory lock [{database},{class},{object},{sub}]", mode.name()))
    }

    /// pg_locks: a session's locks on one key in one mode are one row.
    pub fn rows(&self) -> Vec<LockRow> {
        let state = self.state();
        let mut rows = Vec::new();
        let mut shown = HashMap::new();
        for held in &state.held {
            if shown.insert((held.pid, held.key, held.mode.name()), ()).is_none() {
                rows.push(row(held.pid, held.key, held.mode, None));
            }
        }
        rows.extend(state.waiting.iter().map(|waiter| row(waiter.pid, waiter.key, waiter.mode, Some(waiter.since))));
        rows
    }

    fn release(&self, which: impl Fn(&Held) -> bool) {
        let mut state = self.state();
        let before = state.held.len();
        state.held.retain(|held| !which(held));
        if state.held.len() < before {
            self.released.notify_all();
        }
    }

    /// The data is valid after any panic.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn row(pid: i32, key: LockKey, mode: LockMode, wait_start: Option<i64>) -> LockRow {
    LockRow {
        locktype: "advisory",
        database: key.database,
        transaction: None,
        advisory: Some((Oid(key.class), Oid(key.object), key.sub)),
        pid,
        mode: mode.name(),
        granted: wait_start.is_none(),
        wait_start,
    }
}

/// A place in the queue for a lock.
pub struct Queued<'l> {
    locks: &'l AdvisoryLocks,
    pid: i32,
    key: LockKey,
    mode: LockMode,
}

impl Queued<'_> {
    /// Waits at most so long; true once the session has the lock.
    pub fn wait(&self, scope: Scope, limit: Duration) -> bool {
        let mut state = self.locks.state();
        if state.blockers(self.pid, self.key, self.mode).next().is_some() {
            state = match self.locks.released.wait_timeout(state, limit) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        let free = state.blockers(self.pid, self.key, self.mode).next().is_none();
        if free {
            state.held.push(Held { pid: self.pid, key: self.key, mode: self.mode, scope });
        }
        free
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.locks.state().waiting.retain(|waiter| waiter.pid != self.pid);
        // Whoever has waited behind it may be next.
        self.locks.released.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: LockKey = LockKey { database: Oid(1), class: 0, object: 5, sub: 1 };
    const FOREVER: Duration = Duration::from_secs(3600);
    use LockMode::{Exclusive, Shared};
    use Scope::Session;

    #[test]
    fn a_lock_is_unlocked_as_often_as_it_was_locked() {
        let locks = AdvisoryLocks::default();
        assert!(locks.try_lock(1, KEY, Exclusive, Session));
        assert!(locks.try_lock(1, KEY, Exclusive, Session));
        assert!(locks.try_lock(1, KEY, Shared, Session), "nobody is in one's own way");
        assert_eq!(locks.rows().len(), 2);
        assert!(!locks.try_lock(2, KEY, Shared, Session));
        assert!(locks.unlock(1, KEY, Exclusive));
        assert!(!locks.try_lock(2, KEY, Shared, Session));
        assert!(locks.unlock(1, KEY, Exclusive));
        assert!(!locks.unlock(1, KEY, Exclusive));
        assert!(locks.try_lock(2, KEY, Shared, Session));
    }

    #[test]
    fn a_transactions_locks_end_with_it_or_with_its_savepoint() {
        let locks = AdvisoryLocks::default();
        let free = |key| {
            let free = locks.try_lock(9, key, Exclusive, Session);
            locks.release_all(9);
            free
        };
        let other = LockKey { object: 6, ..KEY };
        assert!(locks.try_lock(1, KEY, Exclusive, Scope::Transaction { depth: 1 }));
        assert!(locks.try_lock(1, other, Exclusive, Scope::Transaction { depth: 2 }));
        assert!(!locks.unlock(1, KEY, Exclusive), "not the session's");
        locks.roll_back_to(1, 1);
        assert!(free(other) && !free(KEY));
        locks.release_savepoint(1, 0);
        locks.roll_back_to(1, 0);
        assert!(!free(KEY));
        locks.end_transaction(1);
        assert!(free(KEY));
    }

    #[test]
    fn who_waits_longer_comes_first() {
        let locks = AdvisoryLocks::default();
        assert!(locks.try_lock(1, KEY, Shared, Session));
        let writer = locks.queue(2, KEY, Exclusive, 0).unwrap();
        assert_eq!(locks.blockers(2), [1]);
        assert!(!locks.try_lock(3, KEY, Shared, Session), "behind one who waits");
        assert!(locks.try_lock(1, KEY, Shared, Session), "but for who has it already");
        let reader = locks.queue(3, KEY, Shared, 0).unwrap();
        assert_eq!(locks.blockers(3), [2]);
        locks.release_all(1);
        assert!(writer.wait(Session, FOREVER));
        drop(writer);
        assert_eq!(locks.blockers(3), [2]);
        locks.release_all(2);
        assert!(reader.wait(Session, FOREVER));
    }
}
