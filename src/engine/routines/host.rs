//! The session as PL/pgSQL's host.
//!
//! Owns: [`SessionHost`]. Must not know: what the language's statements mean.

use std::sync::Arc;

use crate::engine::functions::with_member;
use crate::engine::routines::cache::Compiled;
use crate::engine::routines::call::{call_procedure, run_block};
use crate::engine::routines::execute::{Executor, Outcome};
use crate::engine::routines::plan::{InnerPlan, plan_query, plan_text};
use crate::engine::routines::records;
use crate::engine::routines::types::CatalogTypes;
use crate::engine::routines::validate::is_on;
use crate::error::{Error, Notice, Result, Severity, SqlState};
use crate::limits::memory;
use crate::plpgsql::function::ExtraCheck;
use crate::plpgsql::host::{Answer, Command, Direction, Host, Member, Output, Source, Types};
use crate::plpgsql::query::Query;
use crate::plpgsql::value::{Column, DataType, Typed};
use crate::plpgsql::variables::Variables;
use crate::sql::database::DatabaseCommand;
use crate::sql::plan::{Action, CallPlan, PreparedCommand, TransactionCommand, TransactionModes};
use crate::sql::planner::InnerCommand;
use crate::types::pg_type::Oid;
use crate::types::value::Value;

/// What runs the statements of one call.
pub(super) struct SessionHost<'t> {
    pub executor: Executor,
    pub compiled: Arc<Compiled>,
    /// The rows of the set that it returns.
    pub rows: Vec<Vec<Value>>,
    /// Of a procedure that may end transactions.
    pub transaction: Option<&'t mut dyn TransactionControl>,
}

/// What blocks of DO and procedures that were called by statements of their own do to the session: they end its
/// transaction and begin the next one, and run what is the session's to carry out.
pub(crate) trait TransactionControl {
    fn commit(&mut self, chain: bool) -> Result<()>;
    fn rollback(&mut self, chain: bool) -> Result<()>;
    /// SET TRANSACTION
    fn set_modes(&mut self, modes: TransactionModes) -> Result<()>;
    /// PREPARE and DEALLOCATE
    fn prepared(&mut self, command: &PreparedCommand) -> Result<()>;
    /// What changes something that all databases share: roles, settings of databases.
    fn database(&mut self, command: &DatabaseCommand) -> Result<()>;
}

impl SessionHost<'_> {
    fn types<T>(&self, body: impl FnOnce(&mut CatalogTypes<'_>) -> Result<T>) -> Result<T> {
        self.executor.planning(|planning| body(&mut CatalogTypes { planning }))
    }

    /// A statement's plan and the values of its parameters.
    fn planned(&self, source: Source<'_>, is_cursor: bool) -> Result<(Arc<InnerPlan>, Vec<Value>)> {
        match source {
            Source::Query(query, variables) => {
                let plan = self.plan_of(query, variables, is_cursor)?;
                let values = plan.values(variables)?;
                Ok((plan, values))
            }
            Source::Text(text, using) => {
                let tables = self.executor.lease.get()?.slot().transition_tables();
                let plan = self.executor.planning(|planning| plan_text(text, using, (&tables, is_cursor), planning))?;
                let mut values = Vec::with_capacity(using.len());
                for (index, value) in using.iter().enumerate() {
                    values.push(self.parameter(&plan, index, value)?);
                }
                Ok((Arc::new(plan), values))
            }
        }
    }

    /// A value given to a parameter that had no type takes the one that the statement has found for it.
    fn parameter(&self, plan: &InnerPlan, index: usize, value: &Typed) -> Result<Value> {
        let wanted = plan.planned.plan.params.get(index).map(|param| param.oid);
        match wanted.filter(|oid| value.data_type.oid == Oid::UNKNOWN && *oid != Oid::UNKNOWN) {
            Some(oid) => {
                let to = self.types(|types| types.by_oid(oid, -1))?;
                self.executor.cast(value.clone(), &to)
            }
            None => Ok(value.value.clone()),
        }
    }

    fn plan_of(&self, query: &Query, variables: Variables<'_>, is_cursor: bool) -> Result<Arc<InnerPlan>> {
        let tables = self.executor.lease.get()?.slot().transition_tables();
        self.executor.planning(|planning| {
            if let Some(known) = self.compiled.plan(query.number, |plan| plan.fits(variables, planning)) {
                return Ok(known);
            }
            let plan = Arc::new(plan_query(query, variables, (&tables, is_cursor), planning)?);
            if !plan.is_for_once {
                self.compiled.keep(query.number, &plan);
            }
            Ok(plan)
        })
    }

    /// Calls a procedure; gives what its output parameters were set to.
    fn procedure(&mut self, call: &CallPlan, plan: &InnerPlan, values: &[Value]) -> Result<Vec<Value>> {
        let arguments = self.executor.arguments(call, (values, &plan.planned.literals))?;
        call_procedure(&self.executor.caller(), &call.site, arguments, reborrowed(&mut self.transaction))
    }

    /// Has the session carry out what is its own, if it can be asked.
    fn by_session(&mut self, action: &Action) -> Option<Result<()>> {
        let session = self.transaction.as_deref_mut()?;
        match action {
            Action::Transaction(TransactionCommand::SetTransaction(modes)) => Some(session.set_modes(*modes)),
            Action::Prepared(PreparedCommand::Execute { .. }) => None,
            Action::Prepared(command) => Some(session.prepared(command)),
            Action::Database(command) if command.stands_alone().is_none() => Some(session.database(command)),
            _ => None,
        }
    }

    fn answer(&mut self, plan: &InnerPlan, values: &[Value], limit: Option<u64>) -> Result<Answer> {
        let command = match plan.command {
            InnerCommand::Select => Command::Select,
            InnerCommand::SelectInto => Command::SelectInto,
            InnerCommand::Modify => Command::Modify,
            InnerCommand::Copy => Command::CopyClient,
            InnerCommand::Transaction => Command::Transaction,
            InnerCommand::Utility => Command::Utility,
        };
        let mut answer = Answer { command, tag: plan.tag, columns: plan.columns.clone(), ..Answer::default() };
        if matches!(command, Command::CopyClient | Command::Transaction) {
            return Ok(answer);
        }
        // What a statement around this one keeps is not to be forgotten.
        let lease = self.executor.lease.get()?;
        let kept = lease.slot().take_kept_rows();
        let outcome = match self.by_session(&plan.planned.plan.action) {
            Some(carried_out) => carried_out.map(|()| Outcome::default()),
            None => self.executor.execute(&plan.planned, values, limit),
        };
        lease.slot().put_kept_rows(kept);
        let outcome = outcome?;
        (answer.rows, answer.processed) = (outcome.rows, outcome.processed);
        Ok(answer)
    }
}

impl Types for SessionHost<'_> {
    fn named(&mut self, written: &str) -> Result<DataType> {
        self.types(|types| types.named(written))
    }

    fn of_column(&mut self, names: &[String]) -> Result<Option<DataType>> {
        self.types(|types| types.of_column(names))
    }

    fn of_row(&mut self, names: &[String]) -> Result<DataType> {
        self.types(|types| types.of_row(names))
    }

    fn by_oid(&mut self, oid: Oid, typmod: i32) -> Result<DataType> {
        self.types(|types| types.by_oid(oid, typmod))
    }

    fn columns(&mut self, composite: Oid) -> Result<Arc<[Column]>> {
        self.types(|types| types.columns(composite))
    }

    fn display(&mut self, data_type: &DataType) -> String {
        self.types(|types| Ok(types.display(data_type))).unwrap_or_default()
    }

    fn collation(&mut self, names: &[String]) -> Result<()> {
        self.types(|types| types.collation(names))
    }

    fn is_collatable(&mut self, data_type: &DataType) -> bool {
        self.types(|types| Ok(types.is_collatable(data_type))).unwrap_or(false)
    }
}

impl Host for SessionHost<'_> {
    fn run(&mut self, source: Source<'_>, limit: Option<u64>) -> Result<Answer> {
        let (plan, values) = self.planned(source, false)?;
        if plan.command == InnerCommand::SelectInto && matches!(source, Source::Text(..)) {
            return Ok(Answer { command: Command::SelectInto, tag: plan.tag, ..Answer::default() });
        }
        self.answer(&plan, &values, limit)
    }

    fn call(&mut self, query: &Query, variables: Variables<'_>) -> Result<Vec<Output>> {
        let (plan, values) = self.planned(Source::Query(query, variables), false)?;
        let caller = self.executor.caller();
        match &plan.planned.plan.action {
            Action::Do(body) => {
                let block = self.executor.planning(|planning| Compiled::of_block(body, planning))?;
                run_block(&caller, &block, reborrowed(&mut self.transaction))?;
                Ok(Vec::new())
            }
            Action::Call(call) => {
                let columns = plan.columns.clone().unwrap_or_else(|| Arc::from([]));
                let row = self.procedure(call, &plan, &values)?;
                let outputs =
                    call.outputs.iter().zip(columns.iter().zip(row)).filter_map(|(output, (column, value))| {
                        let typed = Typed { data_type: column.data_type, value, fields: column.fields.clone() };
                        Some(Output {
                            argument: output.argument?,
                            name: Some(output.name.clone()).filter(|name| !name.is_empty()),
                            place: output.place,
                            value: typed,
                        })
                    });
                Ok(outputs.collect())
            }
            _ => Err(Error::internal("a statement that calls nothing")),
        }
    }

    fn open(&mut self, name: Option<&str>, source: Source<'_>, scroll: Option<bool>) -> Result<String> {
        let (plan, values) = self.planned(source, true)?;
        // EXPLAIN gives rows as a query does.
        let explains = matches!(plan.planned.plan.action, Action::Explain(_));
        let is_query = plan.command == InnerCommand::Select || explains;
        let Some(columns) = plan.columns.clone().filter(|_| is_query) else {
            let message = format!("cannot open {} query as cursor", plan.tag);
            return Err(Error::new(SqlState::INVALID_CURSOR_DEFINITION, message));
        };
        let name = match name {
            Some(name) => name.to_owned(),
            None => self.executor.link.cursors().free_name(),
        };
        let answer = self.answer(&plan, &values, None)?;
        let blocks = self.executor.link.block_count();
        let of_query = (Arc::clone(&plan.planned.plan), columns);
        let rows = (answer.rows, plan.positioned.clone());
        self.executor.link.cursors().open(name.clone(), of_query, rows, (scroll != Some(false), blocks));
        Ok(name)
    }

    fn is_open(&mut self, name: &str) -> bool {
        self.executor.link.cursors().contains(name)
    }

    fn fetch(&mut self, name: &str, direction: Direction, is_move: bool) -> Result<Answer> {
        let mut cursors = self.executor.link.cursors();
        let cursor = cursors.get_mut(name).ok_or_else(|| no_cursor(name))?;
        let mut rows = cursor.fetch(direction)?;
        let processed = rows.len() as u64;
        if is_move {
            rows.clear();
        }
        let columns = Some(Arc::clone(&cursor.columns));
        let tag = if is_move { "MOVE" } else { "FETCH" };
        Ok(Answer { command: Command::Select, tag, columns, rows, processed })
    }

    fn close(&mut self, name: &str) -> Result<()> {
        let mut cursors = self.executor.link.cursors();
        if cursors.get_mut(name).is_some_and(|cursor| cursor.is_pinned) {
            return Err(Error::new(SqlState::INVALID_CURSOR_STATE, format!("cannot drop pinned portal \"{name}\"")));
        }
        match cursors.close(name) {
            true => Ok(()),
            false => Err(no_cursor(name)),
        }
    }

    fn pin(&mut self, name: &str, is_pinned: bool) {
        if let Some(cursor) = self.executor.link.cursors().get_mut(name) {
            cursor.is_pinned = is_pinned;
        }
    }

    fn cast(&mut self, value: Typed, to: &DataType) -> Result<Value> {
        self.executor.cast(value, to)
    }

    fn text(&mut self, value: &Typed) -> Result<String> {
        self.executor.text(value)
    }

    fn compose(&mut self, columns: &[Column], values: &[Value]) -> Result<Value> {
        records::compose(columns, values)
    }

    fn decompose(&mut self, columns: &[Column], value: &Value) -> Result<Vec<Value>> {
        records::decompose(columns, value)
    }

    fn assign_member(&mut self, old: Option<&str>, path: Vec<Member>, new: &str) -> Result<Value> {
        with_member(old, path, new).map(Value::Text)
    }

    fn begin_block(&mut self) -> Result<()> {
        self.executor.link.begin_block();
        Ok(())
    }

    fn release_block(&mut self) -> Result<()> {
        let link = &self.executor.link;
        link.cursors().leave(link.block_count());
        link.release_block(&self.executor.lease.get()?)
    }

    fn rollback_block(&mut self) -> Result<()> {
        let link = &self.executor.link;
        link.cursors().close_inside(link.block_count());
        link.roll_back_block(&self.executor.lease.get()?)
    }

    fn commit(&mut self, chain: bool) -> Result<()> {
        match &mut self.transaction {
            Some(transaction) => transaction.commit(chain),
            None => Err(invalid_termination()),
        }
    }

    fn rollback(&mut self, chain: bool) -> Result<()> {
        match &mut self.transaction {
            Some(transaction) => transaction.rollback(chain),
            None => Err(invalid_termination()),
        }
    }

    fn notice(&mut self, notice: Notice) {
        self.executor.link.context().notices.push(notice);
    }

    fn emit(&mut self, row: Vec<Value>) -> Result<()> {
        memory::reserve(row.iter().map(|value| records::size_of(value.as_ref())).sum())?;
        self.rows.push(row);
        Ok(())
    }

    fn extra_check(&self, check: ExtraCheck) -> Option<Severity> {
        let context = self.executor.link.context();
        let setting = |name: &str| context.settings.current(name);
        check.severity(setting("plpgsql.extra_warnings"), setting("plpgsql.extra_errors"))
    }

    fn checks_asserts(&self) -> bool {
        let setting = self.executor.link.context().settings.current("plpgsql.check_asserts");
        setting.is_none_or(|setting| is_on(&setting))
    }
}

/// For a call inside of this one.
fn reborrowed<'a>(control: &'a mut Option<&mut dyn TransactionControl>) -> Option<&'a mut dyn TransactionControl> {
    match control {
        Some(control) => Some(&mut **control),
        None => None,
    }
}

fn no_cursor(name: &str) -> Error {
    Error::new(SqlState::INVALID_CURSOR_NAME, format!("cursor \"{name}\" does not exist"))
}

/// 2D000
pub(crate) fn invalid_termination() -> Error {
    Error::new(SqlState::INVALID_TRANSACTION_TERMINATION, "invalid transaction termination")
}
