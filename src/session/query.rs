//! The simple protocol: a query string with any number of statements.
//!
//! Owns: what Query does, PostgreSQL's rule of the implicit transaction over several statements. Must not know: what
//! statements do (`session::execute`). Specification: protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT.

use std::sync::Arc;

use crate::catalog::acl::Privileges;
use crate::error::{Error, Result, SqlState};
use crate::protocol::backend;
use crate::session::body_position::{in_statement, notices_in_statement};
use crate::session::execute::{Completion, Describe};
use crate::session::machine::{Outcome, Running, State, StateMachine, Stop, lock};
use crate::session::state::{Portal, PortalState, ResultFormats, TransactionStatus};
use crate::session::transaction::report_active;
use crate::sql::ddl::Ddl;
use crate::sql::explain::Explained;
use crate::sql::plan::{Action, Bind, CursorOptions, Plan, Planned, PositionedOn, TransactionCommand};
use crate::sql::planner::{PlanCache, PlanContext, Source, has_parameters, unbound_parameter};
use crate::sql::syntax::lexical_notices::lexical_notices;
use crate::types::format::Format;
use crate::types::pg_type::Oid;

impl StateMachine {
    /// Query: every statement's answer, then ReadyForQuery whatever happened.
    pub(super) async fn query(&mut self, sql: &str) -> Outcome<State> {
        self.session.unnamed_statement = None;
        self.session.unnamed_portal = None;
        self.session.pipelining = false;
        match self.statements(sql).await {
            Ok(()) => {}
            Err(Stop::Error(error)) => {
                if Box::pin(self.fail(error)).await? == State::Done {
                    return Ok(State::Done);
                }
            }
            Err(gone) => return Err(gone),
        }
        self.ready_state().await
    }

    async fn statements(&mut self, sql: &str) -> Outcome<()> {
        let plans = Arc::clone(&self.plans);
        let whole: Arc<str> = sql.into();
        self.running = Running::new(Arc::clone(&whole));
        let sources = self.parsed(&plans, sql)?;
        self.send_notices();
        if sources.is_empty() {
            self.send_notices();
            self.running = None;
            backend::empty_query_response(self.conn.out());
            return Ok(());
        }
        let several = sources.len() > 1;
        for (at, source) in sources.iter().enumerate() {
            let last = at + 1 == sources.len();
            let first = (at == 0).then_some(&whole);
            self.listen_to_cancel();
            if several {
                self.running = Running::new(source.text.into());
            }
            let planned = match self.session.status {
                TransactionStatus::Failed => {
                    drop(report_active(&self.context, first));
                    self.plan_to_end_transaction(&plans, source, &[])?
                }
                _ => {
                    self.start_transaction(first).await?;
                    if several && self.session.status == TransactionStatus::Started {
                        self.session.status = TransactionStatus::InTransactionImplicit;
                        self.engine.begin_block();
                    }
                    self.plan_without_parameters(&plans, source)?
                }
            };
            let ends_by_itself = matches!(planned.plan.action, Action::Transaction(_));
            let mut portal = Portal {
                name: String::new(),
                text: source.text.into(),
                planned,
                params: Vec::new(),
                formats: ResultFormats::All(Format::Text),
                state: PortalState::New,
                depth: self.session.savepoints.len(),
                options: CursorOptions::default(),
                held: false,
                positioned: PositionedOn::default(),
                created: 0,
            };
            let repeatable = self.repeatable(&portal, 0, Describe::Yes);
            let completion = self.run_portal(&mut portal, 0, Describe::Yes).await;
            let mut completion = completion.map_err(|stop| located(stop, &portal.planned, source))?;
            if has_body(&portal.planned) {
                notices_in_statement(&mut self.context().notices, source.text, source.offset);
            }
            drop(portal);
            self.answered(repeatable);
            if !ends_by_itself {
                match self.session.status {
                    TransactionStatus::Started => completion = self.commit_or_repeat().await?.unwrap_or(completion),
                    TransactionStatus::InTransactionImplicit if last => self.commit().await?,
                    _ => {}
                }
            }
            self.complete(completion);
            self.end_statement();
        }
        Ok(())
    }

    /// The statements of a text, read as the session's settings say; what is to be said of it is among the notices.
    pub(super) fn parsed<'t>(&self, plans: &PlanCache, sql: &'t str) -> Result<Vec<Source<'t>>> {
        let (standard_strings, warns) = lock(&self.context).settings.strings();
        let sources = plans.parse_as(sql, standard_strings)?;
        let mut notices = Vec::new();
        for source in &sources {
            lexical_notices(source, warns && !standard_strings, &mut notices);
        }
        if !notices.is_empty() {
            lock(&self.context).notices.append(&mut notices);
        }
        Ok(sources)
    }

    /// Plans a statement against what the session sees now.
    pub(super) fn plan(&self, plans: &PlanCache, source: &Source<'_>, param_types: &[Oid]) -> Result<Planned> {
        let catalog = self.engine.catalog();
        let context = &mut *lock(&self.context);
        let holder = (context.role() != Oid::BOOTSTRAP_SUPERUSER).then(|| context.holder());
        let may_use =
            |schema: &str| holder.as_ref().is_none_or(|holder| catalog.may_schema(holder, schema, Privileges::USAGE));
        let security = context.security(&catalog);
        let security = security.as_ref();
        let (user, database) = (context.user.as_str(), context.database.as_str());
        let planning =
            PlanContext { catalog: &catalog, settings: &context.settings, user, database, may_use: &may_use, security };
        let planned = plans.plan(source, param_types, planning)?;
        context.catalog = catalog;
        Ok(planned)
    }

    /// The same where nobody could give values: 42P02 if there are parameters, whatever else is wrong with them.
    pub(super) fn plan_without_parameters(&self, plans: &PlanCache, source: &Source<'_>) -> Result<Planned> {
        match self.plan(plans, source, &[]) {
            Ok(planned) if !takes_parameters(&planned.plan) => Ok(planned),
            Err(error) if error.code() != SqlState::INDETERMINATE_DATATYPE || !has_parameters(source) => Err(error),
            _ => Err(unbound_parameter(source)),
        }
    }

    /// In a failed block only its end is let through; everything else is 25P02, whatever is wrong with it.
    pub(super) fn plan_to_end_transaction(
        &self,
        plans: &PlanCache,
        source: &Source<'_>,
        param_types: &[Oid],
    ) -> Result<Planned> {
        match self.plan(plans, source, param_types) {
            Ok(planned) if ends_transaction(&planned) => Ok(planned),
            _ => Err(aborted()),
        }
    }

    /// From now on the statement can be cancelled. Before others can see that it runs: what they cancel then must not be
    /// forgotten because it is still being planned.
    pub(super) fn listen_to_cancel(&mut self) {
        self.engine.start_statement(self.timeouts.statement, self.timeouts.lock);
    }

    /// Writes what a statement answers at its end.
    pub(super) fn complete(&mut self, completion: Completion) {
        self.send_notices();
        match completion {
            Completion::Empty => backend::empty_query_response(self.conn.out()),
            Completion::Suspended => backend::portal_suspended(self.conn.out()),
            Completion::Tag(tag) => backend::command_complete(self.conn.out(), tag),
            Completion::Counted(prefix, rows) => {
                let tag = crate::session::execute::counted_tag(prefix, rows);
                backend::command_complete(self.conn.out(), tag.as_str());
            }
        }
    }
}

/// An error in the body of a function that is made has its place in the statement.
fn located(stop: Stop, planned: &Planned, source: &Source<'_>) -> Stop {
    match stop {
        Stop::Error(error) if has_body(planned) => Stop::Error(in_statement(error, source.text, source.offset)),
        stop => stop,
    }
}

/// Whether a statement has the body of a function.
pub(super) fn has_body(planned: &Planned) -> bool {
    matches!(planned.plan.action, Action::Ddl(Ddl::CreateRoutine(_)) | Action::Do(_))
}

fn takes_parameters(plan: &Plan) -> bool {
    match &plan.action {
        Action::Explain(Explained::Statement(explain)) => {
            explain.statement.binds.iter().any(|bind| matches!(bind, Bind::Param(_)))
        }
        _ => !plan.params.is_empty(),
    }
}

/// Whether a statement may run in a failed block.
pub(super) fn ends_transaction(planned: &Planned) -> bool {
    matches!(
        planned.plan.action,
        Action::Transaction(
            TransactionCommand::Commit { .. }
                | TransactionCommand::Rollback { .. }
                | TransactionCommand::RollbackTo(_)
                | TransactionCommand::Prepare
        ) | Action::Empty
    )
}

/// 25P02.
pub(super) fn aborted() -> Error {
    Error::new(
        SqlState::IN_FAILED_SQL_TRANSACTION,
        "current transaction is aborted, commands ignored until end of transaction block",
    )
}
