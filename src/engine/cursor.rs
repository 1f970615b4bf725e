//! A SQLite statement that is being stepped, owning what it needs to go on later and on another thread.
//!
//! Owns: [`Cursor`]. Must not know: portals, messages, transactions (the session decides which connection it is opened
//! on). A cursor outside of a write transaction is a snapshot of its own; it stays valid whatever its session does next.

use std::sync::Arc;
use std::time::Instant;

use crate::engine::connection::Entered;
use crate::engine::constraint_errors::{self, Origin};
use crate::engine::functions::{ContextSlot, KeptRows, row_lock};
use crate::engine::gate::Gate;
use crate::engine::journal::Answering;
use crate::engine::pool::Lease;
use crate::engine::row_change::RowLoop;
use crate::engine::row_locks::Reading;
use crate::engine::statement::{Code, RawStatement, Step};
use crate::engine::steps;
use crate::error::{Error, Result, SqlState};
use crate::limits::session as limits;
use crate::sql::plan::{Bind, Folded, SqliteStatement};
use crate::types::value::{Value, ValueRef};

/// How much longer it takes to compile a byte than to copy it.
const COMPILING: usize = 8;

/// An open statement on a borrowed connection. Dropping it resets the statement and gives the connection back.
/// It is Send; the session and its cursors belong to one task.
pub struct Cursor {
    /// Taken out in `drop` only.
    statement: Option<RawStatement>,
    sql: Arc<str>,
    lease: Arc<Lease>,
    gate: Gate,
    state: State,
    changes: u64,
    origin: Option<Box<Origin>>,
    /// The triggers of its table are disabled, and so what SQLite does about foreign keys.
    unchecked: bool,
    /// Foreign keys are switched off until the loop over it ends.
    switched_off: bool,
    /// Steps have run before it: what they put off is due at its end, and what the steps of the statement around it have
    /// kept is there again.
    outer: Option<KeptByOuter>,
    /// It is a loop over rows that triggers stand between.
    rows: Option<Box<RowLoop>>,
    /// Of the steps of a statement that is run again and again.
    step_origins: Vec<Origin>,
    /// It locks rows without the write ticket.
    reading: Option<Reading>,
    /// It is a trigger's, and what is around it has left foreign keys violated: that is looked at when that ends.
    is_amid: bool,
    /// How many rows its transaction had noted before.
    noted: u32,
    /// What it answers is kept, for its transaction may be repeated.
    answering: Option<Box<Answering>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Not stepped since it was bound.
    Fresh,
    OnRow,
    Ended,
}

/// Why a step has failed.
enum StepError {
    Sqlite(Code),
    /// SQLite is content; of a row that it has changed something was to be said.
    Left(Error),
}

impl Cursor {
    /// Opens a statement on a connection and binds it.
    pub(crate) fn open(
        lease: Arc<Lease>,
        statement: &SqliteStatement,
        params: &[Value],
        literals: &[Value],
        gate: Gate,
        origin: Option<Box<Origin>>,
        step_origins: Vec<Origin>,
    ) -> Result<Self> {
        // SQLite compiles a long text without looking around.
        limits::begin(statement.sql.len().saturating_mul(COMPILING))?;
        let entered = lease.enter();
        entered.begin_statement();
        if statement.write {
            entered.slot().sequences().begin_statement();
            entered.slot().forget_proposed_keys();
        }
        check_sources(&statement.binds, params, literals)?;
        if let Some(folded) = &statement.folded {
            check_sources(&folded.binds, params, literals)?;
            evaluate(&entered, folded, (params, literals)).map_err(|code| entered.error(code))?;
        }
        let noted = u32::try_from(entered.slot().count_noted()).unwrap_or(u32::MAX);
        let is_amid = entered.slot().trigger_depth() > 0 && entered.has_deferred_violations();
        let outer = (!statement.before.is_empty()).then(|| KeptByOuter::new(entered.slot()));
        if !statement.before.is_empty() {
            let note = |code| lease.note_failure(code);
            steps::run(&entered, &statement.before, (params, literals), &step_origins, &note)
                .inspect_err(|_| gate.failed())?;
        }
        let mut raw = entered.prepare(&statement.sql).map_err(|code| entered.error(code))?;
        for (index, value) in values(&statement.binds, params, literals).enumerate() {
            raw.bind(index + 1, value).map_err(|code| entered.error(code))?;
        }
        drop(entered);
        let sql = Arc::clone(&statement.sql);
        let unchecked = origin.as_ref().is_some_and(|origin| origin.is_unchecked());
        Ok(Cursor {
            statement: Some(raw),
            sql,
            lease,
            gate,
            state: State::Fresh,
            changes: 0,
            origin,
            unchecked,
            switched_off: false,
            outer,
            rows: None,
            step_origins: Vec::new(),
            reading: None,
            is_amid,
            noted,
            answering: None,
        })
    }

    /// The same, which locks rows without the write ticket.
    pub(crate) fn locking(mut self, reading: Option<Reading>) -> Self {
        self.reading = reading;
        self
    }

    /// The same, whose answer is kept.
    pub(crate) fn answering(mut self, answering: Option<Box<Answering>>) -> Self {
        self.answering = answering;
        self
    }

    /// Opens a statement that is run for rows that come from elsewhere, as [`execute`](Self::execute) does. Of one with
    /// triggers the step that they stand in is run for each of them.
    pub(crate) fn open_loop(
        lease: Arc<Lease>,
        statement: &SqliteStatement,
        (params, literals): (&[Value], &[Value]),
        gate: Gate,
        origin: Origin,
    ) -> Result<Self> {
        let last = SqliteStatement { before: Vec::new(), ..statement.clone() };
        let step = statement.before.iter().find(|step| step.change.is_some());
        let rows = step.and_then(|step| RowLoop::new(step, origin.with_row_of(step.target))).map(Box::new);
        let of_steps = statement.before.iter().map(|step| origin.with_row_of(step.target)).collect();
        let mut cursor = Cursor::open(lease, &last, params, literals, gate, Some(Box::new(origin)), Vec::new())?;
        cursor.rows = rows;
        cursor.step_origins = of_steps;
        Ok(cursor)
    }

    /// Advances to the next row; false at the end. Runs in place; a long statement hands its worker's core off from
    /// inside the progress handler.
    pub fn step(&mut self) -> Result<bool> {
        if self.state == State::Ended {
            return Ok(false);
        }
        let Some(mut answering) = self.answering.take() else { return self.advance() };
        let begun = (self.state == State::Fresh).then(Instant::now);
        let outcome = self.advance();
        if let Some(begun) = begun {
            answering.took(begun.elapsed());
        }
        match &outcome {
            Ok(true) => answering.row((0..self.column_count()).map(|at| self.column(at))),
            Ok(false) => answering.ended(self.changes),
            Err(error) => answering.failed(error),
        }
        self.answering = Some(answering);
        outcome
    }

    fn advance(&mut self) -> Result<bool> {
        let _shared = match &self.gate {
            Gate::Kept(_, replica) if self.state == State::Fresh => {
                let shared = replica.share_reads();
                self.lease.follow()?;
                Some(shared)
            }
            _ => None,
        };
        let entered = self.lease.enter();
        let told = entered.slot().count_told();
        let raw = live(&mut self.statement);
        // All that a statement changes it changes in its first step.
        let outcome = if self.unchecked && self.state == State::Fresh {
            entered.set_foreign_keys(false)?;
            let outcome = raw.step();
            entered.set_foreign_keys(true)?;
            outcome
        } else {
            raw.step()
        };
        let outcome = outcome.map_err(StepError::Sqlite).and_then(|step| match self.state {
            State::Fresh if self.origin.is_some() => {
                let locked = || {
                    entered.slot().left_error()?;
                    row_lock::check_keys(&entered, self.noted as usize)?;
                    let silently = step == Step::Done && self.outer.is_none() && told == entered.slot().count_told();
                    match self.origin.as_ref().and_then(|origin| origin.target()) {
                        Some(table) if silently && entered.changes() > 0 => row_lock::emptied(&entered, table),
                        _ => Ok(()),
                    }
                };
                locked().map(|()| step).map_err(StepError::Left)
            }
            _ => Ok(step),
        });
        // The first step takes the snapshot; from then on it contains no more than what is announced now.
        if self.state == State::Fresh {
            self.gate.snapshot_taken();
        }
        self.state = State::Ended;
        match outcome {
            Ok(Step::Row) => {
                self.state = State::OnRow;
                Ok(true)
            }
            Ok(Step::Done) => {
                self.changes = entered.changes();
                if let Some(origin) = self.origin.as_ref().filter(|_| !self.is_amid) {
                    let due = if self.outer.is_some() { origin.end_loop(&entered) } else { origin.check(&entered) };
                    due.inspect_err(|_| self.gate.failed())?;
                }
                Ok(false)
            }
            Err(StepError::Left(error)) => {
                self.gate.failed();
                Err(error)
            }
            Err(StepError::Sqlite(code)) => {
                self.lease.note_failure(code);
                self.gate.failed();
                Err(constraint_errors::describe(&entered, raw, code, self.origin.as_deref()))
            }
        }
    }

    /// Before the first [`execute`](Self::execute): constraints are checked at the end of all runs.
    pub fn begin_loop(&mut self) -> Result<()> {
        let entered = self.lease.enter();
        if self.unchecked {
            entered.set_foreign_keys(false)?;
            self.switched_off = true;
        }
        self.origin.as_ref().map_or(Ok(()), |origin| origin.begin_loop(&entered))?;
        match &mut self.rows {
            Some(rows) => rows.begin(&entered),
            None => Ok(()),
        }
    }

    /// After the last [`execute`](Self::execute).
    pub fn end_loop(&mut self) -> Result<()> {
        let entered = self.lease.enter();
        if self.switched_off {
            entered.set_foreign_keys(true)?;
            self.switched_off = false;
        }
        let fired = self.rows.as_mut().map_or(Ok(()), |rows| rows.end(&entered));
        let checked = fired.and_then(|()| self.origin.as_ref().map_or(Ok(()), |origin| origin.end_loop(&entered)));
        checked.inspect_err(|_| self.gate.failed())
    }

    /// Runs the statement again from the beginning to its end with other values, and gives the number of rows it
    /// changed; for COPY FROM and other loops over one statement. `statement` is the one the cursor was opened with.
    pub fn execute(&mut self, statement: &SqliteStatement, params: &[Value], literals: &[Value]) -> Result<u64> {
        check_sources(&statement.binds, params, literals)?;
        let entered = self.lease.enter();
        if let Some(rows) = &mut self.rows {
            entered.slot().sequences().begin_statement();
            return rows.row(&entered, (params, literals)).inspect_err(|_| self.gate.failed());
        }
        let (lease, gate, origin) = (&self.lease, &self.gate, &mut self.origin);
        let raw = live(&mut self.statement);
        raw.reset();
        self.state = State::Ended;
        entered.slot().sequences().begin_statement();
        if !statement.before.is_empty() {
            let note = |code| lease.note_failure(code);
            steps::run(&entered, &statement.before, (params, literals), &self.step_origins, &note)
                .inspect_err(|_| gate.failed())?;
        }
        let mut counted = None;
        raw.borrowing(values(&statement.binds, params, literals), |raw, bound| {
            bound.and_then(|()| run(raw, &mut counted)).map_err(|code| {
                lease.note_failure(code);
                gate.failed();
                if let Some(origin) = origin {
                    origin.set_keys(statement, params, literals);
                }
                constraint_errors::describe(&entered, raw, code, origin.as_deref())
            })
        })?;
        Ok(counted.unwrap_or_else(|| entered.changes()))
    }

    /// A column of the current row, from 0. Valid until the next step.
    pub fn column(&self, index: usize) -> ValueRef<'_> {
        self.statement.as_ref().map_or(ValueRef::Null, |statement| statement.column(index))
    }

    /// Whether it runs on that connection.
    pub(crate) fn is_on(&self, lease: &Arc<Lease>) -> bool {
        Arc::ptr_eq(&self.lease, lease)
    }

    /// Number of columns of a row.
    pub fn column_count(&self) -> usize {
        self.statement.as_ref().map_or(0, RawStatement::column_count)
    }

    /// Rows changed, once `step` has returned false.
    pub fn changes(&self) -> u64 {
        self.changes
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        let entered = self.lease.enter();
        if let Some(statement) = self.statement.take() {
            entered.put_back(Arc::clone(&self.sql), statement);
        }
        self.outer = None;
        if self.switched_off
            && let Err(error) = entered.set_foreign_keys(true)
        {
            log::error!("foreign keys could not be switched on again: {error}");
        }
    }
}

/// Evaluates what is evaluated before a statement.
fn evaluate(entered: &Entered<'_>, folded: &Folded, (params, literals): (&[Value], &[Value])) -> Result<(), Code> {
    let mut raw = entered.prepare(&folded.sql)?;
    for (index, value) in values(&folded.binds, params, literals).enumerate() {
        raw.bind(index + 1, value)?;
    }
    let outcome = raw.step().map(|_| ());
    entered.put_back(Arc::clone(&folded.sql), raw);
    outcome
}

/// What the steps of the statement around one have kept.
struct KeptByOuter(ContextSlot, Vec<KeptRows>);

impl KeptByOuter {
    fn new(slot: &ContextSlot) -> Self {
        KeptByOuter(slot.clone(), slot.take_kept_rows())
    }
}

impl Drop for KeptByOuter {
    fn drop(&mut self) {
        self.0.put_kept_rows(std::mem::take(&mut self.1));
    }
}

/// The statement; it leaves its place in `drop` only.
fn live(statement: &mut Option<RawStatement>) -> &mut RawStatement {
    match statement {
        Some(statement) => statement,
        None => unreachable!("a cursor without a statement"),
    }
}

fn run(statement: &mut RawStatement, counted: &mut Option<u64>) -> Result<(), Code> {
    while statement.step()? == Step::Row {
        *counted = match statement.column(0) {
            ValueRef::Integer(rows) => u64::try_from(rows).ok(),
            _ => None,
        };
    }
    Ok(())
}

/// Fails if a bind refers to a value that is not there.
fn check_sources(binds: &[Bind], params: &[Value], literals: &[Value]) -> Result<()> {
    if binds.iter().all(|source| value_of(source, params, literals).is_some()) {
        return Ok(());
    }
    Err(Error::new(SqlState::PROTOCOL_VIOLATION, "a parameter of the statement has no value"))
}

/// The values of ?1, ?2 …, once [`check_sources`] has passed.
fn values<'v>(binds: &'v [Bind], params: &'v [Value], literals: &'v [Value]) -> impl Iterator<Item = &'v Value> {
    binds.iter().map(|source| value_of(source, params, literals).unwrap_or(&Value::Null))
}

/// The value a bind refers to.
pub(crate) fn value_of<'v>(source: &Bind, params: &'v [Value], literals: &'v [Value]) -> Option<&'v Value> {
    match source {
        Bind::Param(index) => params.get(*index),
        Bind::Literal(index) => literals.get(*index),
    }
}
