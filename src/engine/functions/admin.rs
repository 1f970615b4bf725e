//! What one session does to others, and waiting: cancel and terminate, advisory locks, pg_sleep.
//!
//! Specification: functions-admin.html#FUNCTIONS-ADMIN-SIGNAL, #FUNCTIONS-ADVISORY-LOCKS; functions-datetime.html#DELAY.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::datetime::interval;
use super::row_lock::AwaitedLock;
use super::{Args, ContextSlot, Definition, Output};
use crate::catalog::tables::source::database_oid;
use crate::engine::advisory::{LockKey, LockMode, Scope};
use crate::engine::backends::Backends;
use crate::engine::context::{Wait, Waiting, now};
use crate::engine::interrupt::InterruptHandle;
use crate::engine::notifications::Note;
use crate::engine::progress::blocking;
use crate::error::{Error, ErrorFields, Result, Severity, SqlState};

use crate::types::datetime::{Stored, TimestampTz};
use crate::types::pg_type::Oid;

use LockMode::{Exclusive, Shared};

/// The functions of this area.
#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::stable("pg_sleep", 1, |a| sleep(a.slot(), a.float(0)?)).taped(),
    Definition::stable("pg_sleep_until", 1, |a| sleep(a.slot(), seconds_until(a)?)).taped(),
    Definition::stable("pg_sleep_for", 1, |a| sleep(a.slot(), interval(a, 0)?.comparison_usecs() as f64 / 1e6)).taped(),
    Definition::stable("pg_cancel_backend", 1, |a| Ok(signal(a, Signal::CANCEL)?.into())).taped(),
    Definition::stable("pg_terminate_backend", 1, |a| Ok(signal(a, Signal::TERMINATE)?.into())).taped(),
    Definition::stable("pg_terminate_backend", 2, terminate_and_wait).taped(),
    Definition::stable("pg_forget_statements", -1, forget_statements).taped(),
    Definition::stable("pg_blocking_pids", 1, blocking_pids).taped(),
    Definition::stable("pg_notify", 2, notify).called_on_null().taped(),
    Definition::stable("pg_notification_queue_usage", 0, queue_usage).taped(),
    Definition::stable("pg_advisory_lock", -1, |a| wait_for_lock(a, Exclusive, false)).taped(),
    Definition::stable("pg_advisory_lock_shared", -1, |a| wait_for_lock(a, Shared, false)).taped(),
    Definition::stable("pg_advisory_xact_lock", -1, |a| wait_for_lock(a, Exclusive, true)).taped(),
    Definition::stable("pg_advisory_xact_lock_shared", -1, |a| wait_for_lock(a, Shared, true)).taped(),
    Definition::stable("pg_try_advisory_lock", -1, |a| Ok(AdvisoryLock::new(a, Exclusive, false)?.granted(a.slot()).into())).taped(),
    Definition::stable("pg_try_advisory_lock_shared", -1, |a| Ok(AdvisoryLock::new(a, Shared, false)?.granted(a.slot()).into())).taped(),
    Definition::stable("pg_try_advisory_xact_lock", -1, |a| Ok(AdvisoryLock::new(a, Exclusive, true)?.granted(a.slot()).into())).taped(),
    Definition::stable("pg_try_advisory_xact_lock_shared", -1, |a| Ok(AdvisoryLock::new(a, Shared, true)?.granted(a.slot()).into())).taped(),
    Definition::stable("pg_advisory_unlock", -1, |a| unlock(a, Exclusive)).taped(),
    Definition::stable("pg_advisory_unlock_shared", -1, |a| unlock(a, Shared)).taped(),
    Definition::stable("pg_advisory_unlock_all", 0, unlock_all).taped(),
];

/// pg_stat_statements_reset
fn forget_statements(args: &Args<'_>) -> Result<Output> {
    let oid = |index: usize| args.int(index).map(|oid| Oid(u32::try_from(oid).unwrap_or(0)));
    let of = |index: usize| if args.len() > index { oid(index) } else { Ok(Oid::INVALID) };
    let (user, database) = (of(0)?, of(1)?);
    let queryid = if args.len() > 2 { args.int(2)? } else { 0 };
    args.slot().with_session(|session| {
        if !session.roles().is_superuser(session.role()) {
            let message = "permission denied for function pg_stat_statements_reset";
            return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
        }
        session.backends.statements.reset(user, database, queryid);
        Ok(Output::Static(""))
    })
}

/// How long a waiting thread sleeps between two looks at whether its statement is to end.
const NAP: Duration = Duration::from_millis(10);

/// Waits until `done` or the time is over, giving its core of the runtime to other sessions; false if it is over.
fn wait(slot: &ContextSlot, limit: Duration, mut done: impl FnMut() -> bool) -> Result<bool> {
    let start = Instant::now();
    blocking(|| {
        loop {
            slot.check_interrupt()?;
            let left = limit.saturating_sub(start.elapsed());
            if done() || left.is_zero() {
                return Ok(!left.is_zero());
            }
            std::thread::sleep(left.min(NAP));
        }
    })
}

fn sleep(slot: &ContextSlot, seconds: f64) -> Result<Output> {
    let duration = Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX);
    let _waiting = slot.session().ok().map(|session| Waiting::new(&session, Wait::Sleep));
    wait(slot, duration, || false)?;
    Ok(Output::Static(""))
}

fn seconds_until(args: &Args<'_>) -> Result<f64> {
    let until = TimestampTz::from_stored(&args.text(0)?)?;
    let elapsed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let now = TimestampTz::from_unix_usecs(i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX))?;
    Ok(until.0.saturating_sub(now.0) as f64 / 1e6)
}

fn backends(slot: &ContextSlot) -> Result<Arc<Backends>> {
    slot.with_session(|session| Ok(Arc::clone(&session.backends)))
}

fn warn(slot: &ContextSlot, message: String) -> Result<()> {
    let warning = ErrorFields::new(Severity::Warning, SqlState::WARNING, message);
    slot.with_session(|session| {
        session.notices.push(warning);
        Ok(())
    })
}

/// What one session does to another, and who may not.
struct Signal {
    send: fn(&InterruptHandle),
    /// What it is done to, and what that is.
    verb: &'static str,
    process: &'static str,
    participle: &'static str,
}

impl Signal {
    const CANCEL: Signal =
        Signal { send: InterruptHandle::cancel, verb: "cancel", process: "query", participle: "canceled" };
    const TERMINATE: Signal =
        Signal { send: InterruptHandle::terminate, verb: "terminate", process: "process", participle: "terminated" };

    /// 42501 for a superuser's session, and for that of a role whose privileges one does not have.
    fn check(&self, args: &Args<'_>, backends: &Backends, pid: i32) -> Result<()> {
        let Some(role) = backends.role_of(pid) else { return Ok(()) };
        let Signal { verb, process, participle, .. } = self;
        args.slot().with_session(|session| session.check_may_signal(role, (verb, process, participle)))
    }
}

/// Does something to the session argument 0 names; false with a warning if there is none.
fn signal(args: &Args<'_>, signal: Signal) -> Result<bool> {
    let pid = args.int4(0)?;
    let backends = backends(args.slot())?;
    signal.check(args, &backends, pid)?;
    let found = backends.signal(pid, signal.send);
    if !found {
        warn(args.slot(), format!("PID {pid} is not a PostgreSQL backend process"))?;
    }
    Ok(found)
}

fn terminate_and_wait(args: &Args<'_>) -> Result<Output> {
    let (pid, timeout) = (args.int4(0)?, args.int(1)?);
    let Ok(limit) = u64::try_from(timeout) else {
        return Err(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "\"timeout\" must not be negative"));
    };
    let found = signal(args, Signal::TERMINATE)?;
    if !found || limit == 0 {
        return Ok(found.into());
    }
    let backends = backends(args.slot())?;
    let ended = wait(args.slot(), Duration::from_millis(limit), || !backends.is_running(pid))?;
    if !ended {
        warn(args.slot(), format!("backend with PID {pid} did not terminate within {limit} milliseconds"))?;
    }
    Ok(ended.into())
}

fn blocking_pids(args: &Args<'_>) -> Result<Output> {
    let pids: Vec<String> = backends(args.slot())?.blockers(args.int4(0)?).iter().map(ToString::to_string).collect();
    Ok(format!("[{}]", pids.join(",")).into())
}

fn notify(args: &Args<'_>) -> Result<Output> {
    let text = |index| if args.is_null(index) { Ok(String::new()) } else { args.text(index).map(String::from) };
    let note = Note::new(text(0)?, text(1)?)?;
    args.slot().with_session(|session| {
        session.pending.notify(note);
        Ok(Output::Static(""))
    })
}

fn queue_usage(args: &Args<'_>) -> Result<Output> {
    args.slot().with_session(|session| Ok(session.notifications.usage().into()))
}

/// A lock somebody asks for.
#[derive(Debug)]
pub(crate) struct AdvisoryLock {
    backends: Arc<Backends>,
    pid: i32,
    key: LockKey,
    mode: LockMode,
    scope: Scope,
}

impl AdvisoryLock {
    /// Of the key that the arguments are: a bigint or two integers.
    fn new(args: &Args<'_>, mode: LockMode, in_transaction: bool) -> Result<Self> {
        let (class, object, sub) = match args.len() {
            2 => (args.int4(0)? as u32, args.int4(1)? as u32, 2),
            _ => {
                let number = args.int(0)?;
                ((number >> 32) as u32, number as u32, 1)
            }
        };
        args.slot().with_session(|session| {
            let scope = if in_transaction {
                session.locks_in_transaction = true;
                Scope::Transaction { depth: session.depth }
            } else {
                Scope::Session
            };
            Ok(AdvisoryLock {
                backends: Arc::clone(&session.backends),
                pid: session.backend_pid,
                key: LockKey { database: database_oid(&session.database), class, object, sub },
                mode,
                scope,
            })
        })
    }

    fn granted(&self, slot: &ContextSlot) -> bool {
        let granted = self.backends.locks().try_lock(self.pid, self.key, self.mode, self.scope);
        if granted && self.scope == Scope::Session {
            // It counts how often it was locked: the statement is not to be run once more.
            slot.give_way(false);
        }
        granted
    }

    /// Waits until a statement that is run again can have it: until the transaction ends it has it then.
    pub(super) fn await_for_statement(&self, slot: &ContextSlot) -> Result<()> {
        self.wait(slot)?;
        if self.scope == Scope::Session {
            self.backends.locks().unlock(self.pid, self.key, self.mode);
        }
        Ok(())
    }

    /// Waits for it, and has it then.
    fn wait(&self, slot: &ContextSlot) -> Result<()> {
        let place = self.backends.locks().queue(self.pid, self.key, self.mode, now())?;
        wait_patiently(slot, Wait::AdvisoryLock, |nap| place.wait(self.scope, nap))
    }
}

fn wait_for_lock(args: &Args<'_>, mode: LockMode, in_transaction: bool) -> Result<Output> {
    let (lock, slot) = (AdvisoryLock::new(args, mode, in_transaction)?, args.slot());
    if !lock.granted(slot) {
        if slot.gives_way() {
            return Err(slot.put_awaited(AwaitedLock::Advisory(lock)));
        }
        lock.wait(slot)?;
    }
    Ok(Output::Static(""))
}

/// Waits until an attempt, which may take so long, succeeds: no longer than lock_timeout, until the statement is cancelled,
/// and not in a circle of sessions that wait for each other.
pub(super) fn wait_patiently(slot: &ContextSlot, wait: Wait, mut attempt: impl FnMut(Duration) -> bool) -> Result<()> {
    let session = slot.session()?;
    let (backends, places, pid, timeouts) = slot.with_session(|session| {
        let (backends, places) = (Arc::clone(&session.backends), Arc::clone(&session.places));
        Ok((backends, places, session.backend_pid, session.settings.timeouts()))
    })?;
    let _waiting = Waiting::new(&session, wait);
    let _lent = places.lend(1);
    let start = Instant::now();
    let mut look_for_deadlock = timeouts.deadlock;
    blocking(|| {
        while !attempt(NAP) {
            slot.check_interrupt()?;
            let waited = start.elapsed();
            if timeouts.lock.is_some_and(|limit| waited >= limit) {
                return Err(Error::new(SqlState::LOCK_NOT_AVAILABLE, "canceling statement due to lock timeout"));
            }
            if waited >= look_for_deadlock {
                // Once more later: the circle may be closed by one who waits for its turn to write and does not look.
                look_for_deadlock += timeouts.deadlock;
                if let Some(circle) = backends.deadlock(pid) {
                    return Err(deadlock(&backends, &circle));
                }
            }
        }
        Ok(())
    })
}

/// What PostgreSQL says of a circle of waiting sessions.
fn deadlock(backends: &Backends, circle: &[i32]) -> Error {
    let next = circle.iter().cycle().skip(1);
    let lines: Vec<String> = circle
        .iter()
        .zip(next)
        .map(|(pid, blocker)| {
            let transaction = || format!("ShareLock on transaction {blocker}");
            let awaited = backends.locks().awaited(*pid).unwrap_or_else(transaction);
            format!("Process {pid} waits for {awaited}; blocked by process {blocker}.")
        })
        .collect();
    Error::new(SqlState::DEADLOCK_DETECTED, "deadlock detected")
        .with_detail(lines.join("\n"))
        .with_hint("See server log for query details.")
}

fn unlock(args: &Args<'_>, mode: LockMode) -> Result<Output> {
    args.slot().give_way(false);
    let AdvisoryLock { backends, pid, key, .. } = AdvisoryLock::new(args, mode, false)?;
    let held = backends.locks().unlock(pid, key, mode);
    if !held {
        warn(args.slot(), format!("you don't own a lock of type {}", mode.name()))?;
    }
    Ok(held.into())
}

fn unlock_all(args: &Args<'_>) -> Result<Output> {
    let pid = args.slot().with_session(|session| Ok(session.backend_pid))?;
    backends(args.slot())?.locks().unlock_all(pid);
    Ok(Output::Static(""))
}
