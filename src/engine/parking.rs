//! Writers that idle are parked: a transaction that has written and whose client says nothing is undone in SQLite while
//! others wait for the write ticket, and repeated before it goes on. If it answers then what it has answered before, its
//! client notices nothing; if not, it is a serialization failure. The rows that it has changed or locked stay locked
//! meanwhile, so that a repetition can differ only by what was read.
//!
//! Owns: when a transaction can be parked, parking it, repeating it. Must not know: messages, when a client idles
//! (`session::machine`). What is not surely repeated is not parked: a statement that comes without its [`Source`], and
//! whatever says [`EngineSession::forget_journal`] or `Tape::refuse`.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, Statement as Lookup};

use crate::debug_log::debug;
use crate::engine::connection::Control;
use crate::engine::constraint_errors::Origin;
use crate::engine::constraint_timing::Timing;
use crate::engine::cursor::Cursor;
use crate::engine::database::Ticket;
use crate::engine::functions::MOST_NOTED;
use crate::engine::gate::Gate;
use crate::engine::journal::{Answer, Answering, Entry, Journal, Source, Statement, opened};
use crate::engine::notifications::Pending;
use crate::engine::pool::Lease;
use crate::engine::row_capture::quoted;
use crate::engine::session::EngineSession;
use crate::engine::transaction::{Hold, Loss, WriteTransaction};
use crate::engine::unique_keys::keys_of;
use crate::error::Result;
use crate::settings::Settings;
use crate::sql::plan::{Planned, ProgramStep, SqliteStatement};
use crate::storage::watermark::CommitSequence;
use crate::types::value::Value;

/// How a repetition has ended.
enum Repeated {
    /// As the first time.
    Same(WriteTransaction),
    Otherwise,
}

/// What of the session's state a repetition changes.
struct Present {
    settings: Settings,
    query: Option<Arc<str>>,
    started: i64,
    depth: usize,
    notices: usize,
    pending: Pending,
}

impl EngineSession {
    /// The transaction is a block, in which the client may idle.
    pub fn begin_block(&mut self) {
        self.may_idle = true;
    }

    /// Whether what the transaction does is kept.
    pub fn keeps_journal(&self) -> bool {
        self.journal.is_some()
    }

    /// What the next statement that is opened can be made of once more; one for which this is not said cannot be repeated.
    pub fn repeat_next_from(&mut self, source: Source) {
        self.source = Some(source);
    }

    /// Before a change of the session's variables in the transaction.
    pub fn keep_settings(&mut self) {
        let context = Arc::clone(&self.context);
        if let Some(journal) = &mut self.journal {
            let context = context.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            journal.keep_settings(&context.settings);
        }
    }

    /// The transaction cannot be repeated.
    pub fn forget_journal(&mut self) {
        if self.journal.take().is_some() {
            self.lock_context().tape.end();
        }
    }

    /// The transaction begins to write.
    pub(super) fn begin_journal(&mut self) {
        let database = self.database();
        // In an object store others can commit without the ticket; a kept snapshot would have to be the same again.
        if !self.may_idle || self.modes.snapshot || self.modes.immediate || database.replica().is_some() {
            return;
        }
        let (savepoints, schema) = (self.savepoints.clone(), self.link.schema().mark());
        let changes = {
            let context = &mut *self.lock_context();
            context.tape.begin();
            context.settings.changes()
        };
        self.journal = Some(Box::new(Journal::new(savepoints, schema, changes)));
    }

    pub(super) fn note_entry(&mut self, entry: impl FnOnce() -> Entry) {
        if let Some(journal) = &mut self.journal {
            journal.push(entry());
        }
    }

    /// A statement is opened in the transaction.
    pub(super) fn note_statement(
        &mut self,
        source: Option<Source>,
        params: &[Value],
        (counts, noted): (bool, usize),
    ) -> Option<Box<Answering>> {
        self.journal.as_ref()?;
        let (Some(source), true) = (source, self.can_repeat()) else {
            self.forget_journal();
            return None;
        };
        let journal = self.journal.as_mut()?;
        let work = Arc::clone(&journal.work);
        let context = self.context.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let answer = Arc::new(Answer::default());
        let statement = Statement {
            source,
            params: params.to_vec(),
            query: context.activity.query.clone(),
            started: context.statement_start,
            settings: journal.settings.len(),
            drawn: context.tape.position(),
            noted,
            answer: Arc::clone(&answer),
        };
        journal.known_changes = Some(context.settings.changes());
        journal.push(Entry::Statement(Box::new(statement)));
        Some(Box::new(Answering::new(answer, work, counts)))
    }

    /// A statement has failed. If that was for what has nothing to do with the data, the statement does not count.
    pub(super) fn forget_stopped(&mut self) {
        if let Some(stopped) = self.journal.as_mut().and_then(|journal| journal.take_back_stopped()) {
            self.lock_context().tape.forget_from(stopped.drawn);
        }
    }

    /// Whether nothing was done so far that cannot be repeated.
    fn can_repeat(&self) -> bool {
        let Some(journal) = &self.journal else { return false };
        let context = self.lock_context();
        let as_known = journal.known_changes.is_none_or(|known| known == context.settings.changes());
        journal.fits() && as_known && !context.tape.is_refused()
    }

    /// Whether the transaction is parked.
    pub fn is_parked(&self) -> bool {
        matches!(self.hold, Hold::Parked)
    }

    /// Whether the transaction holds the ticket and can be parked, as far as cursors are not in the way.
    pub fn may_be_parked(&self) -> bool {
        let Hold::Write(write) = &self.hold else { return false };
        let few_rows = write.lease.slot().count_noted() < MOST_NOTED;
        let short = self.journal.as_ref().is_some_and(|journal| journal.is_short());
        few_rows && short && self.can_repeat() && self.link.cursors().is_empty()
    }

    /// Whether it can be parked now: nothing reads on its connection.
    pub fn can_be_parked(&self) -> bool {
        let Hold::Write(write) = &self.hold else { return false };
        let owners = 1 + usize::from(self.link.schema().pinned.is_some());
        Arc::strong_count(&write.lease) == owners && self.may_be_parked()
    }

    /// Whether a change this session makes would show in what the cursor gives from then on.
    pub fn would_disturb(&self, cursor: &Cursor) -> bool {
        let held = match &self.hold {
            Hold::Write(write) => Some(&write.lease),
            Hold::Snapshot(lease) => Some(lease),
            _ => None,
        };
        let schema = self.link.schema();
        held.into_iter().chain(&schema.pinned).any(|lease| cursor.is_on(lease))
    }

    /// Parks the transaction, if it can be.
    pub fn park(&mut self) {
        self.notice_loss();
        if self.can_be_parked() {
            self.set_aside();
            self.database().metrics().parked.increment();
        }
    }

    /// The last statement was to give way and has failed; it counts as not run.
    pub(super) fn park_before_last(&mut self) -> Result<()> {
        let last = self.journal.as_mut().and_then(|journal| journal.take_back());
        if let (Some(last), Hold::Write(write)) = (&last, &self.hold) {
            write.lease.slot().forget_noted(last.noted);
        }
        let changes = {
            let context = &mut *self.lock_context();
            last.iter().for_each(|last| context.tape.forget_from(last.drawn));
            context.settings.changes()
        };
        if let Some(journal) = &mut self.journal {
            // It will make them again.
            journal.known_changes = Some(changes);
        }
        if !self.can_be_parked() {
            let empty = self.journal.as_ref().is_some_and(|journal| journal.entries.is_empty());
            self.roll_back_locally();
            if empty {
                return Ok(());
            }
            self.hold = Hold::Lost(Loss::Failed);
            return Err(Loss::Failed.error());
        }
        self.set_aside();
        Ok(())
    }

    /// Undoes the transaction in SQLite and gives the ticket up; its locks stay.
    fn set_aside(&mut self) {
        let (Hold::Write(write), Some(journal)) = (&self.hold, &self.journal) else { return };
        let entered = write.lease.enter();
        let rows = write.lease.slot().noted_rows(0);
        // Where they cannot be told, the others do not wait.
        let keys = entered.with(|database| keys_of(database, rows.iter())).unwrap_or_default();
        if let Err(code) = entered.control(Control::Rollback) {
            log::error!("database \"{}\": ROLLBACK failed: {}", self.database().name(), entered.error(code));
            drop(entered);
            self.roll_back_locally();
            self.hold = Hold::Lost(Loss::Failed);
            return;
        }
        entered.with(|database| {
            let mut lookups = HashMap::new();
            let exists = |table: &Arc<str>, row| exists(database, &mut lookups, table, row);
            self.database().row_locks().parked(self.pid(), exists);
        });
        self.database().row_locks().put_keys(self.pid(), keys);
        drop(entered);
        self.seen.note(write.begun);
        self.link.undo_schema(Some(journal.schema.clone()));
        self.hold = Hold::Parked;
    }

    /// Takes the ticket and repeats the parked transaction. After 40001 it is lost; after another error it is still parked.
    pub async fn resume(&mut self) -> Result<()> {
        while self.is_parked() {
            self.database().check_writable()?;
            self.database().check_space()?;
            let ticket = self.ticket().await?;
            match self.repeat(ticket)? {
                Repeated::Same(write) => {
                    self.hold = Hold::Write(write);
                    self.database().row_locks().put_keys(self.pid(), Vec::new());
                }
                Repeated::Otherwise => {
                    self.database().metrics().unrepeatable.increment();
                    self.roll_back_locally();
                    self.hold = Hold::Lost(Loss::Changed);
                    return Err(Loss::Changed.error());
                }
            }
        }
        Ok(())
    }

    /// Repeats the transaction; if that is not the same again, everything is as before.
    fn repeat(&mut self, ticket: Ticket) -> Result<Repeated> {
        let Some(journal) = self.journal.take() else { return Ok(Repeated::Otherwise) };
        let known = std::mem::replace(&mut self.savepoints, journal.savepoints.clone());
        self.link.undo_schema(Some(journal.schema.clone()));
        let present = self.leave_present();
        let outcome = self.repeat_with(&journal, ticket, &present);
        let as_before = self.return_to_present(present);
        let outcome = match outcome {
            Ok(Repeated::Same(write)) if !as_before => {
                self.undo_repetition(&write.lease);
                Ok(Repeated::Otherwise)
            }
            outcome => outcome,
        };
        if !matches!(outcome, Ok(Repeated::Same(_))) {
            self.savepoints = known;
            self.link.undo_schema(Some(journal.schema.clone()));
        }
        self.journal = Some(journal);
        outcome
    }

    fn repeat_with(&mut self, journal: &Journal, ticket: Ticket, present: &Present) -> Result<Repeated> {
        let lease = self.writer_lease()?;
        self.open_transaction(&lease, &[Control::BeginImmediate])?;
        lease.slot().take_pending_keys();
        lease.slot().note_rows(true, self.database().row_locks().has_keys());
        let timing = self.timing();
        if *timing != Timing::default() {
            timing.apply(&lease.enter())?;
        }
        let begun = self.seen.now();
        let outcome = self.repeat_entries(journal, &lease, begun, present);
        match outcome {
            Ok(true) => Ok(Repeated::Same(WriteTransaction { lease, _ticket: ticket, begun })),
            outcome => {
                self.undo_repetition(&lease);
                self.seen.note(begun);
                outcome.map(|_| Repeated::Otherwise)
            }
        }
    }

    fn undo_repetition(&self, lease: &Lease) {
        let entered = lease.enter();
        if !entered.is_autocommit()
            && let Err(code) = entered.control(Control::Rollback)
        {
            // The lease sees to it that such a connection is not used again.
            log::error!("database \"{}\": ROLLBACK failed: {}", self.database().name(), entered.error(code));
        }
    }

    /// Whether all goes as before.
    fn repeat_entries(
        &mut self,
        journal: &Journal,
        lease: &Arc<Lease>,
        begun: CommitSequence,
        present: &Present,
    ) -> Result<bool> {
        for entry in &journal.entries {
            self.interrupt.check()?;
            match entry {
                Entry::Statement(statement) => {
                    let settings = journal.settings.get(statement.settings).unwrap_or(&present.settings);
                    if !self.repeat_statement(statement, settings, (lease, begun))? {
                        return Ok(false);
                    }
                }
                Entry::Savepoint(name) => {
                    let mark = self.link.schema().mark();
                    self.savepoints.set(name, mark, Some(&lease.enter()))?;
                }
                Entry::Release(name) => self.savepoints.release(name, Some(&lease.enter()))?,
                Entry::RollbackTo(name) => {
                    let mark = self.savepoints.rollback_to(name, Some(&lease.enter()))?;
                    self.link.undo_schema(mark);
                    self.timing().apply(&lease.enter())?;
                }
            }
        }
        Ok(true)
    }

    fn repeat_statement(
        &mut self,
        statement: &Statement,
        settings: &Settings,
        (lease, begun): (&Arc<Lease>, CommitSequence),
    ) -> Result<bool> {
        let catalog = self.catalog();
        let differs = {
            let context = &mut *self.lock_context();
            context.settings = settings.clone();
            context.activity.query.clone_from(&statement.query);
            context.statement_start = statement.started;
            context.depth = self.savepoints.count();
            context.catalog = Arc::clone(&catalog);
            context.tape.position() != statement.drawn
        };
        if differs {
            return Ok(false);
        }
        let planned = match statement.source.planned.catalog_version == catalog.version {
            true => Some(statement.source.planned.clone()),
            false => self.planned_anew(&statement.source),
        };
        let Some((planned, opened)) = planned.as_ref().and_then(|planned| Some((planned, opened(&planned.plan)?)))
        else {
            return Ok(false);
        };
        let answer = Arc::new(Answer::default());
        self.answer_again(opened, (&statement.params, &planned.literals), (lease, begun), (&statement.answer, &answer));
        // What it has changed is its own still: where it meets a row that another one has, it does something else.
        let blocked = lease.slot().take_awaited().is_some();
        let same = !blocked && answer.is_same(&statement.answer) && !lease.enter().is_autocommit();
        if !same {
            debug!("a statement was answered {:?}, then {answer:?}", statement.answer);
            // It was stopped, perhaps.
            self.interrupt.check()?;
        }
        Ok(same)
    }

    /// Runs a statement as far as it was run before.
    fn answer_again(
        &self,
        statement: &SqliteStatement,
        (params, literals): (&[Value], &[Value]),
        (lease, begun): (&Arc<Lease>, CommitSequence),
        (before, answer): (&Answer, &Arc<Answer>),
    ) {
        let slot = lease.slot();
        slot.give_way(true);
        slot.set_taped(true);
        let gate = Gate::Provisional(self.seen.clone(), begun);
        let origin = statement.write.then(|| Box::new(self.origin(statement, params, literals)));
        let of_step = |step: &ProgramStep| Origin::new(Arc::clone(&self.context), self.timing(), step.target);
        let step_origins = statement.before.iter().map(of_step).collect();
        let mut answering = Answering::new(Arc::clone(answer), Arc::default(), statement.target.is_some());
        match Cursor::open(Arc::clone(lease), statement, params, literals, gate, origin, step_origins) {
            Err(error) => answering.failed(&error),
            Ok(cursor) => {
                let mut cursor = cursor.answering(Some(Box::new(answering)));
                while answer.rows() < before.rows() || !before.is_open() {
                    if !matches!(cursor.step(), Ok(true)) || answer.rows() > before.rows() {
                        break;
                    }
                }
            }
        }
        slot.give_way(false);
    }

    /// The statement's plan with the schema as it is now; none if there is none any more.
    fn planned_anew(&self, source: &Source) -> Option<Planned> {
        let plans = self.database().plans();
        let types: Vec<_> = source.planned.plan.params.iter().map(|param| param.oid).collect();
        let (standard_strings, _) = self.lock_context().settings.strings();
        let sources = plans.parse_as(&source.text, standard_strings).ok()?;
        let [only] = sources.as_slice() else { return None };
        self.link.planning(|planning| plans.plan(only, &types, planning)).ok()
    }

    fn leave_present(&self) -> Present {
        let context = &mut *self.lock_context();
        context.tape.rewind();
        Present {
            settings: context.settings.clone(),
            query: context.activity.query.clone(),
            started: context.statement_start,
            depth: context.depth,
            notices: context.notices.len(),
            pending: std::mem::take(&mut context.pending),
        }
    }

    /// The session is as it was before the repetition, but for what that has read. False if functions were asked for
    /// something else than before.
    fn return_to_present(&self, present: Present) -> bool {
        let context = &mut *self.lock_context();
        context.settings = present.settings;
        context.activity.query = present.query;
        context.statement_start = present.started;
        context.depth = present.depth;
        context.notices.truncate(present.notices);
        context.pending = present.pending;
        context.tape.resume()
    }
}

/// Whether a table has a row of that number.
fn exists<'c>(
    database: &'c Connection,
    lookups: &mut HashMap<Arc<str>, Lookup<'c>>,
    table: &Arc<str>,
    row: i64,
) -> bool {
    if !lookups.contains_key(table) {
        let query = format!("SELECT 1 FROM main.{} WHERE _rowid_ = ?1", quoted(table));
        let Ok(lookup) = database.prepare(&query) else { return true };
        lookups.insert(Arc::clone(table), lookup);
    }
    // Rather one lock too many.
    lookups.get_mut(table).is_none_or(|lookup| lookup.exists([row]).unwrap_or(true))
}
