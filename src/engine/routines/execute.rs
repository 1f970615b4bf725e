//! Running a planned statement inside of a function.
//!
//! Owns: [`Executor`]: the session's connection, as a function uses it. Specification: what _SPI_execute_plan does.

use std::sync::Arc;
use std::time::Instant;

use crate::engine::constraint_errors::Origin;
use crate::engine::cursor::Cursor;
use crate::engine::explaining::{Counted, plans_of, read_plan};
use crate::engine::gate::Gate;
use crate::engine::notifications::{Listening, Note};
use crate::engine::routines::cache::Compiled;
use crate::engine::routines::call::{Caller, LeaseCell, call_procedure, run_block};
use crate::engine::routines::records::size_of;
use crate::engine::session_schema::SessionLink;
use crate::error::{Error, Result, SqlState};
use crate::limits::{memory, session as limits};
use crate::sql::ddl::Ddl;
use crate::sql::explain::{self, Explain, Explained, Measured};
use crate::sql::plan::{
    Action, CallPlan, DiscardTarget, Plan, Planned, SessionCommand, SqliteStatement, Tag, TransactionCommand,
    VariableCommand,
};
use crate::sql::planner::PlanContext;
use crate::types::value::{Value, ValueRef};

/// A connection with the session that has borrowed it.
#[derive(Clone)]
pub(super) struct Executor {
    pub link: Arc<SessionLink>,
    pub lease: LeaseCell,
    /// STABLE and IMMUTABLE functions only read.
    pub reads_only: bool,
}

/// What a statement gave.
#[derive(Default)]
pub(super) struct Outcome {
    pub rows: Vec<Vec<Value>>,
    pub processed: u64,
}

impl Executor {
    /// Runs something that plans a statement.
    pub fn planning<T>(&self, body: impl FnOnce(PlanContext<'_>) -> Result<T>) -> Result<T> {
        self.link.planning(body)
    }

    /// Runs a statement. It may stop after `limit` rows if it only reads.
    pub fn execute(&self, planned: &Planned, params: &[Value], limit: Option<u64>) -> Result<Outcome> {
        let Planned { plan, literals, .. } = planned;
        match &plan.action {
            Action::Empty => Ok(Outcome::default()),
            Action::Sqlite(statement) => {
                let mut outcome = self.statement(statement, plan, (params, literals), limit)?;
                if plan.columns.is_none() {
                    outcome.rows.clear();
                }
                Ok(outcome)
            }
            Action::Ddl(ddl) => self.ddl(ddl, plan.tag),
            Action::Variable(command) => self.variable(command),
            Action::Session(SessionCommand::Notify { channel, payload }) => {
                let note = Note::new(channel.clone(), payload.clone())?;
                self.link.context().pending.notify(note);
                Ok(Outcome::default())
            }
            Action::Session(SessionCommand::Listen(channel)) => self.listen(Listening::Start(channel.clone())),
            Action::Session(SessionCommand::Unlisten(Some(channel))) => self.listen(Listening::Stop(channel.clone())),
            Action::Session(SessionCommand::Unlisten(None)) => self.listen(Listening::StopAll),
            Action::Session(SessionCommand::Discard(target)) => self.discard(*target),
            Action::Transaction(TransactionCommand::SetConstraints { names, deferred }) => {
                self.link.set_constraints(names.as_deref(), *deferred, Some(&self.lease.get()?))?;
                Ok(Outcome::default())
            }
            Action::Maintenance(_) => self.maintenance(shown(plan.tag)),
            Action::Accepted { permissions, .. } => {
                self.check_permissions(permissions)?;
                Ok(Outcome::default())
            }
            Action::Do(body) => {
                let block = self.planning(|planning| Compiled::of_block(body, planning))?;
                run_block(&self.caller(), &block, None)?;
                Ok(Outcome::default())
            }
            Action::Call(call) => {
                let arguments = self.arguments(call, (params, literals))?;
                let row = call_procedure(&self.caller(), &call.site, arguments, None)?;
                let rows = if plan.columns.is_some() { vec![row] } else { Vec::new() };
                Ok(Outcome { processed: rows.len() as u64, rows })
            }
            Action::Explain(Explained::Utility(options)) => Ok(lines(explain::report_utility(options))),
            Action::Explain(Explained::Statement(explain)) => self.explain(explain, (params, literals)),
            Action::Database(command) if let Some(command) = command.stands_alone() => Err(stands_alone(command)),
            Action::Transaction(_)
            | Action::Database(_)
            | Action::Copy(_)
            | Action::Prepared(_)
            | Action::Cursor(_)
            | Action::Explain(Explained::Execute { .. }) => {
                Err(Error::unsupported(format!("{} in a function", shown(plan.tag))))
            }
        }
    }

    fn listen(&self, change: Listening) -> Result<Outcome> {
        self.link.context().pending.change(change);
        Ok(Outcome::default())
    }

    fn discard(&self, target: DiscardTarget) -> Result<Outcome> {
        match target {
            DiscardTarget::All => Err(stands_alone("DISCARD ALL")),
            DiscardTarget::Plans => Ok(Outcome::default()),
            DiscardTarget::Sequences => {
                let context = &mut *self.link.context();
                context.sequence_values.clear();
                context.cached_values.clear();
                context.last_sequence = None;
                Ok(Outcome::default())
            }
            DiscardTarget::Temp => Err(Error::unsupported("DISCARD TEMP in a function")),
        }
    }

    /// ANALYZE and CHECKPOINT are advice, which SQLite does not take while a transaction is open.
    fn maintenance(&self, command: &'static str) -> Result<Outcome> {
        if command == "VACUUM" {
            return Err(stands_alone(command));
        }
        Ok(Outcome::default())
    }

    fn check_permissions(&self, entries: &[crate::sql::permission::PermissionEntry]) -> Result<()> {
        if entries.is_empty() || self.link.context().needs_no_permission(entries) {
            return Ok(());
        }
        let catalog = self.link.catalog();
        self.link.context().check_permissions(&catalog, entries)
    }

    fn statement(
        &self,
        statement: &SqliteStatement,
        plan: &Plan,
        values: (&[Value], &[Value]),
        limit: Option<u64>,
    ) -> Result<Outcome> {
        if statement.target.is_some() && self.reads_only {
            return Err(not_allowed(plan.tag));
        }
        let mut cursor = self.open(statement, values)?;
        let changes = statement.target.is_some();
        let limit = limit.filter(|_| !statement.write).unwrap_or(u64::MAX);
        let mut outcome = Outcome::default();
        let mut counted = None;
        while cursor.step()? {
            if plan.columns.is_none() {
                counted = match cursor.column(0) {
                    ValueRef::Integer(rows) => u64::try_from(rows).ok(),
                    _ => None,
                };
                continue;
            }
            outcome.rows.push(row_of(&cursor)?);
            outcome.processed += 1;
            if outcome.processed >= limit {
                break;
            }
        }
        if changes {
            outcome.processed = match plan.columns {
                Some(_) => outcome.processed,
                None => counted.unwrap_or_else(|| cursor.changes()),
            };
        }
        Ok(outcome)
    }

    /// EXPLAIN.
    fn explain(&self, explain: &Explain, (params, literals): (&[Value], &[Value])) -> Result<Outcome> {
        let nulls = vec![Value::Null; explain.statement.binds.len()];
        let params = if params.is_empty() { &nulls } else { params };
        let started = Instant::now();
        let mut steps = Vec::new();
        for statement in plans_of(&explain.statement) {
            steps.push(read_plan(&mut self.open(&statement, (params, literals))?)?);
        }
        let mut measured = Measured { planning: started.elapsed().as_secs_f64() * 1000.0, ..Measured::default() };
        if explain.options.settings {
            measured.settings = self.link.context().settings.explained();
        }
        if explain.options.analyze {
            if explain.statement.target.is_some() && self.reads_only {
                return Err(not_allowed(explain.tag));
            }
            let started = Instant::now();
            let mut cursor = self.open(&explain.statement, (params, literals))?;
            Counted::of(&mut cursor, explain.gives_rows, started)?.tell(&mut measured);
            measured.execution = started.elapsed().as_secs_f64() * 1000.0;
        }
        Ok(lines(explain::report(explain, &steps, &measured)))
    }

    /// The same session, for what is called from here.
    pub fn caller(&self) -> Caller {
        Caller { link: Arc::clone(&self.link), lease: self.lease.clone() }
    }

    /// The values of the arguments of CALL.
    pub fn arguments(&self, call: &CallPlan, values: (&[Value], &[Value])) -> Result<Vec<Value>> {
        let Some(statement) = &call.arguments else { return Ok(Vec::new()) };
        let mut cursor = self.open(statement, values)?;
        match cursor.step()? {
            true => row_of(&cursor),
            false => Err(Error::internal("arguments without a row")),
        }
    }

    /// Opens a statement on the connection.
    pub fn open(&self, statement: &SqliteStatement, (params, literals): (&[Value], &[Value])) -> Result<Cursor> {
        self.check_permissions(&statement.permissions)?;
        let timing = || Arc::clone(&self.link.schema().timing);
        if statement.write {
            self.must_write()?;
        }
        let origin = statement.write.then(|| {
            let mut origin = Origin::new(Arc::clone(&self.link.context), timing(), statement.target);
            origin.set_keys(statement, params, literals);
            Box::new(origin)
        });
        let step_origins =
            statement.before.iter().map(|step| Origin::new(Arc::clone(&self.link.context), timing(), step.target));
        let step_origins = step_origins.collect();
        Cursor::open(self.lease.get()?, statement, params, literals, Gate::Durable, origin, step_origins)
    }

    /// The transaction is one that writes, and blocks can be undone.
    fn must_write(&self) -> Result<()> {
        let lease = self.lease.get()?;
        let entered = lease.enter();
        if !entered.is_writing() {
            return Err(self.link.refused());
        }
        self.link.set_savepoints(&entered)
    }

    fn ddl(&self, ddl: &Ddl, tag: Tag) -> Result<Outcome> {
        if self.reads_only {
            return Err(not_allowed(tag));
        }
        if let Some(command) = ddl.stands_alone() {
            return Err(stands_alone(command));
        }
        self.must_write()?;
        let rows = self.link.ddl(&self.lease.get()?, ddl)?;
        let catalog = self.link.catalog();
        self.link.context().catalog = catalog;
        Ok(Outcome { rows: Vec::new(), processed: rows.unwrap_or(0) })
    }

    fn variable(&self, command: &VariableCommand) -> Result<Outcome> {
        let context = &mut *self.link.context();
        match command {
            VariableCommand::Set { name, value, local } => {
                context.set_variable(name, value.as_deref(), *local)?;
            }
            VariableCommand::Reset { name } => context.reset_variable(name)?,
            VariableCommand::ResetAll => context.settings.reset_all(),
            VariableCommand::Show { name } => {
                let shown = context.settings.show(name)?;
                return Ok(Outcome { rows: vec![vec![Value::Text(shown)]], processed: 1 });
            }
            VariableCommand::ShowAll => return Err(Error::unsupported("SHOW ALL in a function")),
        }
        Ok(Outcome::default())
    }
}

/// The current row.
pub(super) fn row_of(cursor: &Cursor) -> Result<Vec<Value>> {
    let width = cursor.column_count();
    let size = (0..width).map(|index| size_of(cursor.column(index))).sum();
    limits::work(size)?;
    memory::reserve(size)?;
    Ok((0..width).map(|index| cursor.column(index).to_owned()).collect())
}

fn lines(lines: Vec<String>) -> Outcome {
    let processed = lines.len() as u64;
    Outcome { rows: lines.into_iter().map(|line| vec![Value::Text(line)]).collect(), processed }
}

fn shown(tag: Tag) -> &'static str {
    match tag {
        Tag::Insert => "INSERT",
        Tag::Update => "UPDATE",
        Tag::Delete => "DELETE",
        Tag::Merge => "MERGE",
        Tag::Copy => "COPY",
        Tag::Fetch => "FETCH",
        Tag::Move => "MOVE",
        Tag::Select => "SELECT",
        Tag::Fixed(tag) => tag,
    }
}

/// 25001
fn stands_alone(command: &str) -> Error {
    Error::new(SqlState::ACTIVE_SQL_TRANSACTION, format!("{command} cannot be executed from a function"))
}

fn not_allowed(tag: Tag) -> Error {
    let message = format!("{} is not allowed in a non-volatile function", shown(tag));
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
}
