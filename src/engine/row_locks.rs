//! Row locks: which transaction has locked or changed which rows of a database's tables.
//!
//! Owns: [`RowLocks`], one per database; [`Strength`]. Must not know: SQL, how a session waits
//! (`engine::functions::row_lock`). Specification: explicit-locking.html#LOCKING-ROWS.
//!
//! SELECT … FOR UPDATE SKIP LOCKED and NOWAIT lock rows here and need no write ticket; so several sessions can work on rows
//! of one table, each in its transaction. Every row that a writing transaction changes is entered, too, and whoever
//! changes a row that another has locked waits for that one. What was inserted nobody else sees.
//!
//! Who locks without the ticket reads a snapshot, in which a row may be older than its last change: rows that were changed
//! and committed after the statement began are kept as [`Refusal::Stale`] as long as such a statement runs.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// With so many rows of one table a transaction is taken to have locked all of them.
const MANY: usize = 10_000;

/// How a row is locked; each is stronger than those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    KeyShare,
    Share,
    /// Also what UPDATE does.
    NoKeyUpdate,
    /// Also what DELETE does.
    Update,
}

impl Strength {
    /// Whether two transactions cannot have a row so at the same time (Table 13.3).
    fn conflicts(self, other: Strength) -> bool {
        match self {
            Strength::KeyShare => other == Strength::Update,
            Strength::Share => other >= Strength::NoKeyUpdate,
            Strength::NoKeyUpdate => other >= Strength::Share,
            Strength::Update => true,
        }
    }
}

/// Why a row cannot be locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// That session's transaction has it.
    Held(i32),
    /// It was changed after the statement began.
    Stale,
}

/// Who asks, and since when it has locked: `depth` savepoints are open.
#[derive(Clone, Copy, Debug)]
pub struct Locker {
    pub pid: i32,
    pub depth: usize,
}

/// The row locks of one database.
#[derive(Debug, Default)]
pub struct RowLocks {
    state: Mutex<State>,
    released: Condvar,
    /// How many sessions have locked anything: a transaction that has not asks no further.
    sessions: AtomicUsize,
    /// How many keys are anybody's.
    keys: AtomicUsize,
    /// Counts how often anything was given up.
    releases: Arc<AtomicU64>,
}

/// A transaction has all rows of a table, and nobody else has any.
#[derive(Debug)]
pub struct WholeTable {
    table: Box<str>,
    strength: Strength,
    releases: u64,
    now: Arc<AtomicU64>,
}

impl WholeTable {
    /// Whether a row of that table is still the transaction's, as strongly as this.
    pub fn has(&self, table: &str, strength: Strength) -> bool {
        self.strength >= strength && *self.table == *table && self.now.load(Ordering::Acquire) == self.releases
    }
}

#[derive(Debug, Default)]
struct State {
    /// By the names that SQLite has for them.
    tables: HashMap<Arc<str>, Table>,
    /// What each session has locked, in order.
    held: HashMap<i32, Vec<Held>>,
    /// The unique keys that parked transactions have made, by `engine::unique_keys`.
    keys: HashMap<u64, i32>,
    /// Who waits for whom.
    waiting: Vec<(i32, i32)>,
    /// The statements that lock without the ticket: their sessions, and [`State::now`] when they began.
    readers: Vec<(i32, u64)>,
    /// Counts the commits that were made while there were such statements.
    now: u64,
}

#[derive(Debug, Default)]
struct Table {
    rows: HashMap<i64, Vec<Holder>>,
    /// Who has all rows.
    whole: Vec<Holder>,
    /// When rows were changed and committed, by [`State::now`].
    changed: HashMap<i64, u64>,
    /// The same of all rows.
    all_changed: u64,
    /// How many rows each session has.
    counts: HashMap<i32, usize>,
}

#[derive(Clone, Copy, Debug)]
struct Holder {
    pid: i32,
    strength: Strength,
    changed: bool,
    depth: usize,
}

#[derive(Debug)]
struct Held {
    table: Arc<str>,
    /// `None` for all of them.
    row: Option<i64>,
    depth: usize,
}

impl Holder {
    /// The other one has no more.
    fn covers(&self, other: &Holder) -> bool {
        self.pid == other.pid && self.strength >= other.strength && self.changed >= other.changed
    }
}

impl Table {
    /// Somebody else who has the row so that it cannot be had with that strength.
    fn holder(&self, row: Option<i64>, pid: i32, strength: Strength) -> Option<i32> {
        let conflicts = |holder: &&Holder| holder.pid != pid && holder.strength.conflicts(strength);
        let whole = self.whole.iter().find(conflicts);
        let of_row = |row| self.rows.get(&row).into_iter().flatten().find(conflicts);
        let found = whole.or_else(|| match row {
            Some(row) => of_row(row),
            None => self.rows.values().flatten().find(conflicts),
        });
        found.map(|holder| holder.pid)
    }

    fn holders(&mut self, row: Option<i64>) -> Option<&mut Vec<Holder>> {
        match row {
            Some(row) => self.rows.get_mut(&row),
            None => Some(&mut self.whole),
        }
    }

    /// Enters a holder; whether that is news.
    fn enter(&mut self, row: Option<i64>, holder: Holder) -> bool {
        let holders = match row {
            Some(row) => self.rows.entry(row).or_default(),
            None => &mut self.whole,
        };
        let news = !holders.iter().any(|known| known.covers(&holder));
        if news {
            holders.push(holder);
        }
        news
    }

    fn is_idle(&self) -> bool {
        self.rows.is_empty() && self.whole.is_empty() && self.changed.is_empty() && self.all_changed == 0
    }
}

impl RowLocks {
    /// A statement begins that locks rows without the write ticket; its snapshot is taken after this.
    pub fn begin_reading(self: &Arc<Self>, pid: i32) -> Reading {
        let mut state = self.state();
        let reader = (pid, state.now);
        state.readers.push(reader);
        Reading { locks: Arc::clone(self), reader }
    }

    /// Locks a row, or all of a table with `None`, for the transaction.
    pub fn lock(&self, table: &str, row: Option<i64>, locker: Locker, strength: Strength) -> Result<(), Refusal> {
        self.enter(table, row, locker, strength, false).map(|_| ())
    }

    /// The transaction, which has the write ticket, changes a row. Gives what spares it the question about the table's
    /// other rows, once they are all its own.
    pub fn change(
        &self,
        table: &str,
        row: i64,
        locker: Locker,
        strength: Strength,
    ) -> Result<Option<WholeTable>, Refusal> {
        let releases = self.releases.load(Ordering::Acquire);
        let all = self.enter(table, Some(row), locker, strength, true)?;
        let whole = || WholeTable { table: table.into(), strength, releases, now: Arc::clone(&self.releases) };
        Ok(all.then(whole))
    }

    /// Whether the row, or all of a table with `None`, can be locked; it is not.
    pub fn look(&self, table: &str, row: Option<i64>, pid: i32, strength: Strength) -> Result<(), Refusal> {
        let holder = self.state().tables.get(table).and_then(|table| table.holder(row, pid, strength));
        holder.map_or(Ok(()), |holder| Err(Refusal::Held(holder)))
    }

    fn enter(
        &self,
        table: &str,
        row: Option<i64>,
        Locker { pid, depth }: Locker,
        strength: Strength,
        changed: bool,
    ) -> Result<bool, Refusal> {
        let mut state = self.state();
        let began = state.readers.iter().filter(|(reader, _)| *reader == pid).map(|(_, began)| *began).min();
        let name = match state.tables.get_key_value(table) {
            Some((name, _)) => Arc::clone(name),
            None => table.into(),
        };
        let known = state.tables.entry(Arc::clone(&name)).or_default();
        if let Some(holder) = known.holder(row, pid, strength) {
            return Err(Refusal::Held(holder));
        }
        if let (Some(began), Some(row)) = (began, row)
            && known.changed.get(&row).copied().unwrap_or(0).max(known.all_changed) > began
        {
            return Err(Refusal::Stale);
        }
        let holder = Holder { pid, strength, changed, depth };
        if known.whole.iter().any(|whole| whole.covers(&holder)) {
            return Ok(known.counts.len() == 1);
        }
        let row = row.filter(|_| known.counts.get(&pid).is_none_or(|count| *count < MANY));
        if known.enter(row, holder) {
            *known.counts.entry(pid).or_default() += 1;
            state.held.entry(pid).or_default().push(Held { table: name, row, depth });
            self.sessions.store(state.held.len(), Ordering::Release);
        }
        Ok(false)
    }

    /// The transaction's changes are committed, and nobody else writes yet: it gives its locks up.
    pub fn committed(&self, pid: i32) {
        self.put_keys(pid, Vec::new());
        self.release(pid, true, |_| true);
    }

    /// The transaction was undone.
    pub fn rolled_back(&self, pid: i32) {
        self.put_keys(pid, Vec::new());
        self.release(pid, false, |_| true);
    }

    /// The transaction was rolled back to the savepoint with `depth` others around it.
    pub fn rolled_back_to(&self, pid: i32, depth: usize) {
        self.release(pid, false, |taken| taken > depth);
    }

    /// The savepoint with `depth` others around it was released: what was locked inside belongs around it.
    pub fn released_savepoint(&self, pid: i32, depth: usize) {
        let State { held, tables, .. } = &mut *self.state();
        for held in held.get_mut(&pid).into_iter().flatten().filter(|held| held.depth > depth) {
            held.depth = depth;
            let holders = tables.get_mut(&held.table).and_then(|table| table.holders(held.row));
            let own = holders.into_iter().flatten().filter(|holder| holder.pid == pid);
            own.for_each(|holder| holder.depth = holder.depth.min(depth));
        }
    }

    /// The transaction was undone and keeps its locks, of the rows that are there without it: nobody else sees the others,
    /// whose numbers may be given to other rows. What is known of all rows of a table counts no more.
    pub fn parked(&self, pid: i32, mut exists: impl FnMut(&Arc<str>, i64) -> bool) {
        self.releases.fetch_add(1, Ordering::AcqRel);
        let held: Vec<(Arc<str>, i64)> = {
            let state = self.state();
            let rows = state.held.get(&pid).into_iter().flatten();
            rows.filter_map(|held| Some((Arc::clone(&held.table), held.row?))).collect()
        };
        // Nothing else of the session asks for locks meanwhile.
        let own: HashSet<(Arc<str>, i64)> = held.into_iter().filter(|(table, row)| !exists(table, *row)).collect();
        if own.is_empty() {
            return;
        }
        let State { held, tables, .. } = &mut *self.state();
        if let Some(held) = held.get_mut(&pid) {
            held.retain(|held| held.row.is_none_or(|row| !own.contains(&(Arc::clone(&held.table), row))));
        }
        for (name, row) in own {
            let Some(table) = tables.get_mut(&name) else { continue };
            if let Some(holders) = table.rows.get_mut(&row) {
                let before = holders.len();
                holders.retain(|holder| holder.pid != pid);
                let given_up = before - holders.len();
                if holders.is_empty() {
                    table.rows.remove(&row);
                }
                let left = table.counts.get(&pid).map_or(0, |count| count.saturating_sub(given_up));
                match left {
                    0 => table.counts.remove(&pid),
                    left => table.counts.insert(pid, left),
                };
            }
            if table.is_idle() {
                tables.remove(&name);
            }
        }
        self.released.notify_all();
    }

    /// A transaction that is parked has made these unique keys, and those it had before are not its own any more; when it goes
    /// on it has none.
    pub fn put_keys(&self, pid: i32, keys: Vec<u64>) {
        if keys.is_empty() && !self.has_keys() {
            return;
        }
        let mut state = self.state();
        state.keys.retain(|_, holder| *holder != pid);
        for key in keys {
            state.keys.entry(key).or_insert(pid);
        }
        self.keys.store(state.keys.len(), Ordering::Release);
        self.released.notify_all();
    }

    /// Whether anybody has any keys.
    pub fn has_keys(&self) -> bool {
        self.keys.load(Ordering::Acquire) > 0
    }

    /// Whether a key can be made.
    pub fn look_for_key(&self, key: u64, pid: i32) -> Result<(), Refusal> {
        let holder = self.state().keys.get(&key).copied();
        holder.filter(|holder| *holder != pid).map_or(Ok(()), |holder| Err(Refusal::Held(holder)))
    }

    /// Whether the session's transaction has locked anything.
    pub fn has_locked(&self, pid: i32) -> bool {
        let state = || self.state();
        self.sessions.load(Ordering::Acquire) > 0 && state().held.contains_key(&pid)
            || self.has_keys() && state().keys.values().any(|holder| *holder == pid)
    }

    /// Whether a session waits for a row of another one.
    pub fn waits_for(&self, pid: i32, holder: i32) -> bool {
        self.state().waiting.contains(&(pid, holder))
    }

    fn release(&self, pid: i32, committed: bool, gives_up: impl Fn(usize) -> bool) {
        if self.sessions.load(Ordering::Acquire) == 0 {
            return;
        }
        let mut state = self.state();
        let Some(held) = state.held.remove(&pid) else { return };
        self.releases.fetch_add(1, Ordering::AcqRel);
        let (given_up, kept): (Vec<Held>, Vec<Held>) = held.into_iter().partition(|held| gives_up(held.depth));
        let noted = committed && !state.readers.is_empty();
        if noted {
            state.now += 1;
        }
        let now = state.now;
        let whole = kept.is_empty();
        if !whole {
            state.held.insert(pid, kept);
        }
        for Held { table: name, row, .. } in given_up {
            let Some(table) = state.tables.get_mut(&name) else { continue };
            let Some(holders) = table.holders(row) else { continue };
            let given_up = |holder: &Holder| holder.pid == pid && gives_up(holder.depth);
            let changed = holders.iter().any(|holder| given_up(holder) && holder.changed);
            holders.retain(|holder| !given_up(holder));
            let free = holders.is_empty();
            if let Some(row) = row.filter(|_| free) {
                table.rows.remove(&row);
            }
            match row {
                _ if !changed || !noted => {}
                Some(row) => {
                    table.changed.insert(row, now);
                }
                None => table.all_changed = now,
            }
            if whole {
                table.counts.remove(&pid);
            } else if let Some(count) = table.counts.get_mut(&pid) {
                *count = count.saturating_sub(1);
            }
            if table.is_idle() {
                state.tables.remove(&name);
            }
        }
        self.sessions.store(state.held.len(), Ordering::Release);
        self.released.notify_all();
    }

    /// The session waits for another one until the result is dropped.
    pub fn queue(&self, pid: i32, holder: i32) -> Queued<'_> {
        self.state().waiting.push((pid, holder));
        Queued { locks: self, waiter: (pid, holder) }
    }

    /// Those for whom a session waits.
    pub fn blockers(&self, pid: i32) -> Vec<i32> {
        self.state().waiting.iter().filter(|(waiter, _)| *waiter == pid).map(|(_, holder)| *holder).collect()
    }

    /// The tables in which each session has rows.
    pub fn locked_tables(&self) -> Vec<(i32, Arc<str>)> {
        let state = self.state();
        let mut tables: Vec<(i32, Arc<str>)> = Vec::new();
        for (pid, held) in &state.held {
            for held in held {
                if !tables.iter().any(|(known, table)| known == pid && *table == held.table) {
                    tables.push((*pid, Arc::clone(&held.table)));
                }
            }
        }
        tables
    }

    /// The data are valid after any panic.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget_changes(&mut self) {
        self.tables.retain(|_, table| {
            table.changed = HashMap::new();
            table.all_changed = 0;
            !table.is_idle()
        });
    }
}

/// A statement that locks rows without the write ticket.
#[derive(Debug)]
pub struct Reading {
    locks: Arc<RowLocks>,
    reader: (i32, u64),
}

impl Drop for Reading {
    fn drop(&mut self) {
        let mut state = self.locks.state();
        if let Some(at) = state.readers.iter().position(|reader| *reader == self.reader) {
            state.readers.swap_remove(at);
        }
        if state.readers.is_empty() {
            state.forget_changes();
        }
    }
}

/// A session that waits for a row.
pub struct Queued<'l> {
    locks: &'l RowLocks,
    waiter: (i32, i32),
}

impl Queued<'_> {
    /// Waits at most so long for somebody to give locks up.
    pub fn wait(&self, limit: Duration) {
        let state = self.locks.state();
        // Either way the caller asks for its row again.
        drop(self.locks.released.wait_timeout(state, limit));
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        let mut state = self.locks.state();
        if let Some(at) = state.waiting.iter().position(|waiter| *waiter == self.waiter) {
            state.waiting.swap_remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Strength::{KeyShare, NoKeyUpdate, Share, Update};
    use super::*;

    fn of(pid: i32) -> Locker {
        Locker { pid, depth: 0 }
    }

    #[test]
    fn strengths_conflict_as_in_the_manual() {
        let table = [
            (KeyShare, [false, false, false, true]),
            (Share, [false, false, true, true]),
            (NoKeyUpdate, [false, true, true, true]),
            (Update, [true, true, true, true]),
        ];
        for (one, conflicts) in table {
            for (other, expected) in [KeyShare, Share, NoKeyUpdate, Update].into_iter().zip(conflicts) {
                assert_eq!(one.conflicts(other), expected, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn a_row_is_one_transactions_until_that_ends() {
        let locks = RowLocks::default();
        assert_eq!(locks.lock("t", Some(1), of(1), Update), Ok(()));
        assert_eq!(locks.lock("t", Some(1), of(1), Update), Ok(()), "again");
        assert_eq!(locks.lock("t", Some(1), of(2), KeyShare), Err(Refusal::Held(1)));
        assert_eq!(locks.lock("t", Some(2), of(2), Share), Ok(()));
        assert_eq!(locks.lock("t", Some(2), of(1), Share), Ok(()));
        assert_eq!(locks.lock("u", Some(1), of(2), Update), Ok(()));
        locks.rolled_back(1);
        assert_eq!(locks.lock("t", Some(1), of(2), Update), Ok(()));
        locks.committed(2);
        assert!(locks.state().tables.is_empty() && locks.state().held.is_empty());
    }

    #[test]
    fn a_savepoint_gives_back_what_was_locked_after_it() {
        let locks = RowLocks::default();
        let inside = Locker { pid: 1, depth: 1 };
        locks.lock("t", Some(1), of(1), Update).unwrap();
        locks.lock("t", Some(2), inside, Update).unwrap();
        locks.rolled_back_to(1, 0);
        assert_eq!(locks.lock("t", Some(2), of(2), Update), Ok(()));
        assert_eq!(locks.lock("t", Some(1), of(2), Update), Err(Refusal::Held(1)));
        locks.lock("t", Some(1), of(1), KeyShare).unwrap();
        locks.lock("t", Some(4), of(1), KeyShare).unwrap();
        locks.lock("t", Some(4), inside, Update).unwrap();
        assert_eq!(locks.lock("t", Some(4), of(2), KeyShare), Err(Refusal::Held(1)));
        locks.rolled_back_to(1, 0);
        assert_eq!(locks.lock("t", Some(4), of(2), KeyShare), Ok(()), "as weak as before");
        locks.lock("t", Some(3), inside, Update).unwrap();
        locks.released_savepoint(1, 0);
        locks.rolled_back_to(1, 0);
        assert_eq!(locks.lock("t", Some(3), of(2), Update), Err(Refusal::Held(1)));
    }

    #[test]
    fn what_was_changed_after_a_statement_began_is_stale_to_it() {
        let locks = Arc::new(RowLocks::default());
        locks.change("t", 1, of(1), NoKeyUpdate).unwrap();
        locks.committed(1);
        let reading = locks.begin_reading(2);
        assert_eq!(locks.lock("t", Some(1), of(2), Update), Ok(()), "committed before");
        locks.change("t", 2, of(1), NoKeyUpdate).unwrap();
        assert_eq!(locks.lock("t", Some(2), of(2), Update), Err(Refusal::Held(1)));
        locks.committed(1);
        assert_eq!(locks.lock("t", Some(2), of(2), Update), Err(Refusal::Stale));
        drop(reading);
        let _reading = locks.begin_reading(2);
        assert_eq!(locks.lock("t", Some(2), of(2), Update), Ok(()));
        locks.change("t", 3, of(1), NoKeyUpdate).unwrap();
        locks.rolled_back(1);
        assert_eq!(locks.lock("t", Some(3), of(2), Update), Ok(()), "it was not changed");
    }

    #[test]
    fn who_is_parked_keeps_the_rows_that_are_there_without_it() {
        let locks = RowLocks::default();
        for row in 0..=MANY as i64 {
            locks.change("u", row, of(1), NoKeyUpdate).unwrap();
        }
        let whole = locks.change("u", 1, of(1), NoKeyUpdate).unwrap().unwrap();
        locks.change("t", 1, of(1), NoKeyUpdate).unwrap();
        locks.change("t", 2, of(1), NoKeyUpdate).unwrap();
        locks.change("t", 2, Locker { pid: 1, depth: 1 }, Update).unwrap();
        locks.parked(1, |table, row| &**table == "u" || row == 1);
        assert!(!whole.has("u", NoKeyUpdate), "others change rows by the same connection");
        assert_eq!(locks.lock("u", Some(-1), of(2), Update), Err(Refusal::Held(1)));
        assert_eq!(locks.lock("t", Some(1), of(2), Update), Err(Refusal::Held(1)));
        assert_eq!(locks.lock("t", Some(2), of(2), Update), Ok(()));
        locks.rolled_back(2);
        locks.rolled_back(1);
        assert!(locks.state().tables.is_empty() && locks.state().held.is_empty());
    }

    #[test]
    fn many_rows_are_the_whole_table() {
        let locks = RowLocks::default();
        for row in 0..=MANY as i64 {
            locks.change("t", row, of(1), NoKeyUpdate).unwrap();
        }
        assert_eq!(locks.lock("t", Some(-1), of(2), Update), Err(Refusal::Held(1)));
        assert!(locks.state().held[&1].len() <= MANY + 1);
        let whole = locks.change("t", -2, of(1), NoKeyUpdate).unwrap().unwrap();
        assert!(whole.has("t", NoKeyUpdate) && !whole.has("t", Update) && !whole.has("u", NoKeyUpdate));
        locks.rolled_back(1);
        assert!(!whole.has("t", NoKeyUpdate));
        assert_eq!(locks.lock("t", Some(-1), of(2), Update), Ok(()));
        locks.rolled_back(2);
        assert!(locks.state().tables.is_empty());
    }
}
