//! Transactions as PostgreSQL's clients see them: BEGIN, COMMIT, ROLLBACK, savepoints, their warnings and errors.
//!
//! Owns: the transitions of `TransactionStatus`. Must not know: how SQLite begins and commits (`engine::session`).
//! Specification: sql-begin.html and its kin; wording and states as in PostgreSQL 15's xact.c.

use std::sync::{Arc, MutexGuard};

use crate::debug_log::debug;
use crate::engine::context::{ActivityState, SessionContext, SharedContext, now};
use crate::error::{Error, Result, SqlState};
use crate::session::machine::{Outcome, StateMachine, lock};
use crate::session::state::TransactionStatus;
use crate::sql::plan::{BeginMode, IsolationLevel, TransactionCommand, TransactionModes};

impl StateMachine {
    /// Before a statement of that query string (`None`: the same one): begins a transaction unless one is open, and notes
    /// the time.
    pub(super) async fn start_transaction(&mut self, query: Option<&Arc<str>>) -> Outcome<()> {
        let modes = {
            let mut context = report_active(&self.context, query);
            let now = context.statement_start;
            if self.session.status != TransactionStatus::Default {
                return Ok(());
            }
            context.transaction_start = now;
            context.settings.format().transaction_start.set(now);
            context.settings.begin();
            self.timeouts = context.settings.timeouts();
            let transaction = context.settings.transaction();
            TransactionModes {
                isolation: isolation_of(&transaction.isolation),
                read_only: Some(transaction.read_only),
                deferrable: Some(transaction.deferrable),
                begin: None,
            }
        };
        self.session.status = TransactionStatus::Started;
        self.session.queried = false;
        self.session.modes = modes;
        Ok(self.engine.begin(modes).await?)
    }

    /// Ends the transaction, if there is one, and makes it durable. After an error it has been rolled back.
    pub(super) async fn commit(&mut self) -> Outcome<()> {
        if self.session.status == TransactionStatus::Default {
            return Ok(());
        }
        if let Err(error) = self.hold_cursors() {
            Box::pin(self.roll_back()).await?;
            return Err(error.into());
        }
        self.end_block();
        let pending = self.context().pending.take();
        self.engine.say_on_commit(pending);
        let outcome = self.engine.commit().await;
        self.note_end(&outcome);
        outcome?;
        if lock(&self.context).cluster_changes.is_empty() {
            return Ok(());
        }
        Box::pin(self.commit_cluster_changes()).await
    }

    /// The transaction is over.
    fn note_end(&self, outcome: &Result<()>) {
        let metrics = self.databases.metrics();
        let context = &mut *lock(&self.context);
        match outcome {
            Ok(()) => {
                metrics.commits.increment();
                context.settings.commit();
            }
            Err(error) => {
                context.cluster_changes.clear();
                let conflict = error.code() == SqlState::SERIALIZATION_FAILURE;
                if conflict { &metrics.conflicts } else { &metrics.rollbacks }.increment();
                context.settings.rollback();
            }
        }
        end_locks(context);
    }

    /// What the transaction has changed of what all databases share is another one, in another database, after it: it can
    /// fail though everything else is committed. In PostgreSQL it cannot.
    async fn commit_cluster_changes(&mut self) -> Outcome<()> {
        let changes = std::mem::take(&mut self.context().cluster_changes);
        let changes: Vec<_> = changes.into_iter().map(|(_, change)| change).collect();
        Ok(self.databases.change_cluster(&changes, &self.engine).await?)
    }

    /// Undoes the transaction.
    pub(super) async fn roll_back(&mut self) -> Outcome<()> {
        if self.session.status != TransactionStatus::Default {
            let metrics = self.databases.metrics();
            if self.session.conflicted { &metrics.conflicts } else { &metrics.rollbacks }.increment();
        }
        self.end_block();
        let outcome = self.engine.rollback().await;
        let context = &mut *lock(&self.context);
        context.pending.take();
        context.cluster_changes.clear();
        context.settings.rollback();
        end_locks(context);
        Ok(outcome?)
    }

    fn end_block(&mut self) {
        self.session.conflicted = false;
        self.session.close_portals();
        self.session.savepoints.clear();
        self.session.status = TransactionStatus::Default;
    }

    /// Carries out a transaction command. Gives the tag, which is ROLLBACK for a COMMIT that could not be.
    pub(super) async fn transaction(
        &mut self,
        command: &TransactionCommand,
        tag: &'static str,
    ) -> Outcome<&'static str> {
        match command {
            TransactionCommand::Begin(modes) => self.begin(*modes).await?,
            TransactionCommand::Commit { chain } => return self.commit_command(*chain, tag).await,
            TransactionCommand::Rollback { chain } => self.rollback_command(*chain).await?,
            TransactionCommand::Prepare => return self.prepare_transaction().await,
            TransactionCommand::FinishPrepared { identifier, command } => {
                self.refuse_in_block(command)?;
                let message = format!("prepared transaction with identifier \"{identifier}\" does not exist");
                return Err(Error::new(SqlState::UNDEFINED_OBJECT, message).into());
            }
            TransactionCommand::Savepoint(name) => {
                self.require_block("SAVEPOINT")?;
                self.engine.savepoint(name).await?;
                self.session.savepoints.push((name.clone(), self.session.modes.read_only));
                let context = &mut *lock(&self.context);
                context.settings.savepoint();
                context.pending.savepoint();
                context.depth = self.session.savepoints.len();
            }
            TransactionCommand::Release(name) => {
                self.require_block("RELEASE SAVEPOINT")?;
                let depth = self.session.savepoint_depth(name)?;
                self.engine.release(name).await?;
                self.restore_read_only(depth).await?;
                self.session.savepoints.truncate(depth);
                for portal in self.session.portals.values_mut().chain(self.session.unnamed_portal.as_mut()) {
                    portal.depth = portal.depth.min(depth);
                }
                let context = &mut *lock(&self.context);
                context.settings.release(depth);
                context.pending.release(depth);
                context.cluster_changes.iter_mut().for_each(|(made_at, _)| *made_at = (*made_at).min(depth));
                context.depth = depth;
                if context.locks_in_transaction {
                    context.backends.locks().release_savepoint(context.backend_pid, depth);
                }
            }
            TransactionCommand::RollbackTo(name) => {
                self.require_block("ROLLBACK TO SAVEPOINT")?;
                let depth = self.session.savepoint_depth(name)?;
                self.session.close_portals_inside(depth);
                self.detach_results()?;
                let undoes_settings = self.context().settings.has_changed_since(depth);
                if undoes_settings {
                    self.engine.keep_settings();
                }
                self.engine.rollback_to(name).await?;
                self.restore_read_only(depth).await?;
                self.session.savepoints.truncate(depth + 1);
                let context = &mut *lock(&self.context);
                context.settings.rollback_to(depth);
                context.pending.rollback_to(depth);
                context.cluster_changes.retain(|(made_at, _)| *made_at <= depth);
                context.depth = depth + 1;
                if context.locks_in_transaction {
                    context.backends.locks().roll_back_to(context.backend_pid, depth);
                }
                self.session.status = TransactionStatus::InTransaction;
            }
            TransactionCommand::SetTransaction(modes) => {
                if self.session.status.is_block() {
                    self.set_modes(*modes).await?;
                } else {
                    let message = "SET TRANSACTION can only be used in transaction blocks";
                    self.warn(SqlState::NO_ACTIVE_SQL_TRANSACTION, message);
                }
            }
            TransactionCommand::SetCharacteristics(modes) => self.set_defaults(*modes)?,
            TransactionCommand::SetConstraints { names, deferred } => {
                if !self.session.status.is_block() {
                    let message = "SET CONSTRAINTS can only be used in transaction blocks";
                    self.warn(SqlState::NO_ACTIVE_SQL_TRANSACTION, message);
                }
                self.engine.resume().await?;
                self.detach_results()?;
                self.engine.set_constraints(names.as_deref(), *deferred)?;
            }
        }
        if self.session.status == TransactionStatus::Started {
            self.commit().await?;
        }
        Ok(tag)
    }

    async fn begin(&mut self, modes: TransactionModes) -> Outcome<()> {
        if self.session.status.is_explicit() {
            self.warn(SqlState::ACTIVE_SQL_TRANSACTION, "there is already a transaction in progress");
        } else {
            self.session.status = TransactionStatus::InTransaction;
        }
        let begin = modes.begin.or(Some(self.options.begin).filter(|mode| *mode != BeginMode::Deferred));
        debug!("session {}: BEGIN", self.pid());
        self.set_modes(TransactionModes { begin, ..modes }).await?;
        self.engine.begin_block();
        Ok(())
    }

    async fn commit_command(&mut self, chain: bool, tag: &'static str) -> Outcome<&'static str> {
        self.check_chain(chain, "COMMIT AND CHAIN")?;
        let (failed, modes) = (self.session.status == TransactionStatus::Failed, self.session.modes);
        self.warn_without_block();
        if failed {
            self.roll_back().await?;
        } else {
            self.commit().await?;
        }
        debug!("session {}: {}", self.pid(), if failed { "ROLLBACK" } else { "COMMIT" });
        self.chain(chain, modes).await?;
        Ok(if failed { "ROLLBACK" } else { tag })
    }

    async fn rollback_command(&mut self, chain: bool) -> Outcome<()> {
        self.check_chain(chain, "ROLLBACK AND CHAIN")?;
        let modes = self.session.modes;
        self.warn_without_block();
        self.roll_back().await?;
        debug!("session {}: ROLLBACK", self.pid());
        self.chain(chain, modes).await
    }

    /// PREPARE TRANSACTION as with `max_prepared_transactions = 0`, PostgreSQL's default: an error that ends the block.
    async fn prepare_transaction(&mut self) -> Outcome<&'static str> {
        if !self.session.status.is_explicit() {
            self.warn_without_block();
            self.roll_back().await?;
            return Ok("ROLLBACK");
        }
        let failed = self.session.status == TransactionStatus::Failed;
        self.roll_back().await?;
        if failed {
            return Ok("ROLLBACK");
        }
        let error = Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "prepared transactions are disabled");
        Err(error.with_hint("Set max_prepared_transactions to a nonzero value.").into())
    }

    fn check_chain(&self, chain: bool, command: &str) -> Result<()> {
        if chain && !self.session.status.is_explicit() { Err(outside_block(command)) } else { Ok(()) }
    }

    fn warn_without_block(&self) {
        if !self.session.status.is_explicit() {
            self.warn(SqlState::NO_ACTIVE_SQL_TRANSACTION, "there is no transaction in progress");
        }
    }

    /// AND CHAIN: the next block, with the same modes.
    async fn chain(&mut self, chain: bool, modes: TransactionModes) -> Outcome<()> {
        if !chain {
            return Ok(());
        }
        self.start_transaction(None).await?;
        self.session.status = TransactionStatus::InTransaction;
        self.set_modes(modes).await?;
        self.engine.begin_block();
        Ok(())
    }

    /// 25P01 outside of an explicit block.
    fn require_block(&self, command: &str) -> Result<()> {
        if self.session.status.is_explicit() { Ok(()) } else { Err(outside_block(command)) }
    }

    /// 25001 in a block, for what SQLite or PostgreSQL does outside of transactions only.
    pub(super) fn refuse_in_block(&self, command: &str) -> Result<()> {
        let message = if self.session.pipelining {
            format!("{command} cannot be executed within a pipeline")
        } else if self.session.status.is_block() {
            format!("{command} cannot run inside a transaction block")
        } else {
            return Ok(());
        };
        Err(Error::new(SqlState::ACTIVE_SQL_TRANSACTION, message))
    }

    /// Sets modes of the open transaction.
    pub(super) async fn set_modes(&mut self, modes: TransactionModes) -> Outcome<()> {
        if modes == TransactionModes::default() {
            return Ok(());
        }
        self.check_modes(modes)?;
        let merged = TransactionModes {
            isolation: modes.isolation.or(self.session.modes.isolation),
            read_only: modes.read_only.or(self.session.modes.read_only),
            deferrable: modes.deferrable.or(self.session.modes.deferrable),
            begin: modes.begin.or(self.session.modes.begin),
        };
        {
            let settings = &mut lock(&self.context).settings;
            if let Some(isolation) = modes.isolation {
                settings.set("transaction_isolation", Some(isolation_name(isolation)), true)?;
            }
            if let Some(read_only) = modes.read_only {
                settings.set("transaction_read_only", Some(on_off(read_only)), true)?;
            }
            if let Some(deferrable) = modes.deferrable {
                settings.set("transaction_deferrable", Some(on_off(deferrable)), true)?;
            }
        }
        self.session.modes = merged;
        Ok(self.engine.set_modes(merged).await?)
    }

    /// What was set READ ONLY inside a savepoint is so until its end, either way.
    async fn restore_read_only(&mut self, depth: usize) -> Outcome<()> {
        let before = self.session.savepoints.get(depth).and_then(|(_, read_only)| *read_only);
        let Some(before) = before.filter(|before| self.session.modes.read_only != Some(*before)) else { return Ok(()) };
        lock(&self.context).settings.set("transaction_read_only", Some(on_off(before)), true)?;
        self.session.modes.read_only = Some(before);
        Ok(self.engine.set_modes(self.session.modes).await?)
    }

    /// 25001 for modes that cannot be changed any more.
    fn check_modes(&self, modes: TransactionModes) -> Result<()> {
        let now = self.session.modes;
        let refuse = |message: &'static str| Err(Error::new(SqlState::ACTIVE_SQL_TRANSACTION, message));
        let inside_savepoint = !self.session.savepoints.is_empty();
        if modes.read_only == Some(false) && self.engine.database().is_in_recovery() {
            let message = "cannot set transaction read-write mode during recovery";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        if modes.isolation.is_some_and(|level| Some(level) != now.isolation) {
            if self.session.queried {
                return refuse("SET TRANSACTION ISOLATION LEVEL must be called before any query");
            }
            if inside_savepoint {
                return refuse("SET TRANSACTION ISOLATION LEVEL must not be called in a subtransaction");
            }
        }
        if modes.read_only == Some(false) && now.read_only == Some(true) {
            if inside_savepoint {
                return refuse("cannot set transaction read-write mode inside a read-only transaction");
            }
            if self.session.queried {
                return refuse("transaction read-write mode must be set before any query");
            }
        }
        if modes.deferrable.is_some() && modes.deferrable != now.deferrable {
            if inside_savepoint {
                return refuse("SET TRANSACTION [NOT] DEFERRABLE cannot be called within a subtransaction");
            }
            if self.session.queried {
                return refuse("SET TRANSACTION [NOT] DEFERRABLE must be called before any query");
            }
        }
        Ok(())
    }

    /// SET SESSION CHARACTERISTICS: the modes of later transactions.
    fn set_defaults(&mut self, modes: TransactionModes) -> Result<()> {
        let settings = &mut lock(&self.context).settings;
        if let Some(isolation) = modes.isolation {
            settings.set("default_transaction_isolation", Some(isolation_name(isolation)), false)?;
        }
        if let Some(read_only) = modes.read_only {
            settings.set("default_transaction_read_only", Some(on_off(read_only)), false)?;
        }
        if let Some(deferrable) = modes.deferrable {
            settings.set("default_transaction_deferrable", Some(on_off(deferrable)), false)?;
        }
        Ok(())
    }
}

/// A statement of that query string runs: for others to see, and for statement_timestamp(), which is that of the
/// message. `None` is the same message's next statement.
pub(super) fn report_active<'c>(
    context: &'c SharedContext,
    query: Option<&Arc<str>>,
) -> MutexGuard<'c, SessionContext> {
    let mut context = lock(context);
    let was_idle = std::mem::replace(&mut context.activity.state, ActivityState::Active) != ActivityState::Active;
    if query.is_some() || was_idle {
        context.statement_start = now();
    }
    if query.is_some() {
        context.activity.query = query.cloned();
    }
    context
}

/// A statement has failed: gives up the advisory locks taken since the innermost of so many savepoints.
pub(super) fn abort_locks(context: &mut SessionContext, savepoints: usize) {
    match savepoints.checked_sub(1) {
        None => end_locks(context),
        Some(depth) => {
            context.large_objects.roll_back_to(depth);
            if context.locks_in_transaction {
                context.backends.locks().roll_back_to(context.backend_pid, depth);
            }
        }
    }
}

/// The advisory locks of a transaction end with it.
fn end_locks(context: &mut SessionContext) {
    context.depth = 0;
    context.large_objects.close_all();
    if std::mem::take(&mut context.locks_in_transaction) {
        context.backends.locks().end_transaction(context.backend_pid);
    }
}

fn outside_block(command: &str) -> Error {
    Error::new(SqlState::NO_ACTIVE_SQL_TRANSACTION, format!("{command} can only be used in transaction blocks"))
}

fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

fn isolation_name(isolation: IsolationLevel) -> &'static str {
    match isolation {
        IsolationLevel::ReadUncommitted => "read uncommitted",
        IsolationLevel::ReadCommitted => "read committed",
        IsolationLevel::RepeatableRead => "repeatable read",
        IsolationLevel::Serializable => "serializable",
    }
}

/// The level a setting names.
pub(super) fn isolation_of(name: &str) -> Option<IsolationLevel> {
    match name {
        "read uncommitted" => Some(IsolationLevel::ReadUncommitted),
        "read committed" => Some(IsolationLevel::ReadCommitted),
        "repeatable read" => Some(IsolationLevel::RepeatableRead),
        "serializable" => Some(IsolationLevel::Serializable),
        _ => None,
    }
}
