//! Row locks as statements take them: `pg_lock_row`, which stands where SELECT … FOR UPDATE filters its rows, and what
//! SQLite tells of every row that a statement changes.
//!
//! Owns: [`changed`], [`FUNCTIONS`]. Must not know: which statements lock (`sql::lower::locking`). Specification:
//! sql-select.html#SQL-FOR-UPDATE-SHARE.

use std::sync::Arc;

use rusqlite::hooks::Action;

use super::admin::{AdvisoryLock, wait_patiently};
use super::{Args, ContextSlot, Definition, Output};
use crate::catalog::schema::sqlite_name;
use crate::engine::connection::Entered;
use crate::engine::context::Wait;
use crate::engine::error_map;
use crate::engine::row_locks::{Locker, Refusal, RowLocks, Strength};
use crate::engine::unique_keys::keys_of;
use crate::error::{Error, Result, SqlState};
use crate::sql::tree::LockWaitPolicy;
use crate::types::pg_type::Oid;

pub(super) static FUNCTIONS: &[Definition] = &[
    // (table, rowid, strength, policy, what the error calls the table); the rowid is NULL where an outer join has no row.
    Definition::stable("pg_lock_row", 5, lock_row).called_on_null(),
];

fn lock_row(args: &Args<'_>) -> Result<Output> {
    if args.is_null(1) {
        return Ok(true.into());
    }
    let (table, row) = (args.text(0)?, args.int(1)?);
    let strength = strength_of(args.int(2)?);
    let (locks, locker) = of_session(args.slot())?;
    let policies = [LockWaitPolicy::Block, LockWaitPolicy::Skip, LockWaitPolicy::Error];
    let policy = policies.into_iter().find(|policy| *policy as i64 == args.int(3).unwrap_or_default());
    match (locks.lock(&table, Some(row), locker, strength), policy.unwrap_or_default()) {
        (Ok(()), _) => Ok(true.into()),
        (Err(_), LockWaitPolicy::Skip) => Ok(false.into()),
        (Err(_), LockWaitPolicy::Error) => Err(Error::new(
            SqlState::LOCK_NOT_AVAILABLE,
            format!("could not obtain lock on row in relation \"{}\"", args.text(4)?),
        )),
        (Err(refusal), LockWaitPolicy::Block) => {
            let lock = || locks.lock(&table, Some(row), locker, strength);
            let wanted = || AwaitedLock::Row(table.clone().into_owned(), row, strength);
            wait_or_give_way(args.slot(), (&locks, locker), wanted, refusal, lock)?;
            Ok(true.into())
        }
    }
}

fn strength_of(number: i64) -> Strength {
    [Strength::KeyShare, Strength::Share, Strength::NoKeyUpdate]
        .into_iter()
        .nth(usize::try_from(number).unwrap_or(usize::MAX))
        .unwrap_or(Strength::Update)
}

/// SQLite has changed a row: it is the transaction's until that ends. If another one has locked it, this waits; an error
/// ends the statement when SQLite is done with it.
pub(crate) fn changed(slot: &ContextSlot, action: Action, database: &str, table: &str, row: i64) {
    slot.note_told();
    if action != Action::SQLITE_DELETE && database == "main" && !table.starts_with("__pg_") {
        slot.note_row(table, row);
    }
    // What is inserted nobody else sees; temporary tables are the session's own, others the engine's.
    let strength = match action {
        Action::SQLITE_UPDATE => Strength::NoKeyUpdate,
        Action::SQLITE_DELETE => Strength::Update,
        _ => return,
    };
    if database != "main" || slot.has_whole_table(table, strength) || table.starts_with("__pg_") || slot.has_failed() {
        return;
    }
    let Ok((locks, locker)) = of_session(slot) else { return };
    let change = || locks.change(table, row, locker, strength).map(|whole| slot.put_whole_table(whole));
    let wanted = || AwaitedLock::Row(table.to_owned(), row, strength);
    let outcome = change().or_else(|refusal| wait_or_give_way(slot, (&locks, locker), wanted, refusal, change));
    if let Err(error) = outcome {
        slot.fail(error);
    }
}

/// A statement has changed the rows noted from that number on: where one of them has a unique key that a parked transaction
/// has made, it waits for that one, or gives way.
pub(crate) fn check_keys(entered: &Entered<'_>, from: usize) -> Result<()> {
    let slot = entered.slot();
    if !slot.is_keyed() || slot.count_noted() <= from {
        return Ok(());
    }
    let (locks, locker) = of_session(slot)?;
    if !locks.has_keys() {
        return Ok(());
    }
    let keys = entered.with(|database| keys_of(database, slot.noted_rows(from).iter()));
    for key in keys.map_err(error_map::from_rusqlite)? {
        let look = || locks.look_for_key(key, locker.pid);
        look().or_else(|refusal| wait_or_give_way(slot, (&locks, locker), || AwaitedLock::Key(key), refusal, look))?;
    }
    Ok(())
}

/// A statement has deleted all rows of a table, of which SQLite does not tell one by one: they are the transaction's then.
pub(crate) fn emptied(entered: &Entered<'_>, relation: Oid) -> Result<()> {
    let slot = entered.slot();
    let (locks, locker) = of_session(slot)?;
    let table = slot.with_session(|session| {
        let relation = session.catalog.relations.get(&relation).filter(|relation| !relation.temporary);
        Ok(relation.map(|relation| sqlite_name(&relation.schema, &relation.name)))
    })?;
    let Some(table) = table else { return Ok(()) };
    let lock = || locks.lock(&table, None, locker, Strength::Update);
    lock().or_else(|refusal| {
        wait_or_give_way(slot, (&locks, locker), || AwaitedLock::Table(table.clone()), refusal, lock)
    })
}

fn of_session(slot: &ContextSlot) -> Result<(Arc<RowLocks>, Locker)> {
    slot.with_session(|session| {
        Ok((Arc::clone(&session.row_locks), Locker { pid: session.backend_pid, depth: session.depth }))
    })
}

/// What a statement wants to lock and another transaction has.
#[derive(Debug)]
pub(crate) enum AwaitedLock {
    Row(String, i64, Strength),
    /// Any row of a table.
    Table(String),
    /// A row with the same unique key.
    Key(u64),
    /// An advisory lock.
    Advisory(AdvisoryLock),
}

impl AwaitedLock {
    /// Waits until it is free. Rows the session does not lock thereby.
    pub(crate) fn wait(&self, slot: &ContextSlot) -> Result<()> {
        if let AwaitedLock::Advisory(lock) = self {
            return lock.await_for_statement(slot);
        }
        let (locks, locker) = of_session(slot)?;
        let attempt = || match self {
            AwaitedLock::Row(table, row, strength) => locks.look(table, Some(*row), locker.pid, *strength),
            AwaitedLock::Table(table) => locks.look(table, None, locker.pid, Strength::Update),
            AwaitedLock::Key(key) => locks.look_for_key(*key, locker.pid),
            AwaitedLock::Advisory(_) => Ok(()),
        };
        attempt().or_else(|refusal| wait(slot, &locks, locker, refusal, attempt))
    }
}

/// What was refused is waited for; a statement that gives way fails instead, to be run again.
fn wait_or_give_way(
    slot: &ContextSlot,
    (locks, locker): (&RowLocks, Locker),
    wanted: impl FnOnce() -> AwaitedLock,
    refusal: Refusal,
    attempt: impl Fn() -> Result<(), Refusal>,
) -> Result<()> {
    if slot.gives_way() {
        return Err(slot.put_awaited(wanted()));
    }
    wait(slot, locks, locker, refusal, attempt)
}

/// Waits until what was refused is granted.
fn wait(
    slot: &ContextSlot,
    locks: &RowLocks,
    locker: Locker,
    mut refusal: Refusal,
    attempt: impl Fn() -> Result<(), Refusal>,
) -> Result<()> {
    let mut place = None;
    wait_patiently(slot, Wait::Row, |nap| {
        let Refusal::Held(holder) = refusal else { return false };
        let queued = place.insert(locks.queue(locker.pid, holder));
        queued.wait(nap);
        match attempt() {
            Ok(()) => true,
            Err(again) => {
                refusal = again;
                false
            }
        }
    })
}
