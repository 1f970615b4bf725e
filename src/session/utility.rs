//! Utility statements that the session carries out itself: variables, PREPARE and EXECUTE, DISCARD, VACUUM.
//!
//! Must not know: transactions' states beyond asking them (`session::transaction`), the wire.
//! Specification: sql-set.html, sql-show.html, sql-prepare.html, sql-execute.html, sql-discard.html.

use std::fmt::Write;
use std::sync::Arc;

use crate::catalog::definitions::Names;
use crate::catalog::roles::CHECKPOINT;
use crate::engine::context::SessionContext;
use crate::engine::identity::denied;
use crate::engine::journal::Source;
use crate::engine::notifications::{Listening, Note};
use crate::error::{Error, ErrorFields, Result, Severity, SqlState};
use crate::session::machine::{Outcome, StateMachine, lock};
use crate::session::transaction::isolation_of;
use crate::settings::variable::parse_boolean;
use crate::sql::plan::{
    Action, DiscardTarget, Planned, PreparedCommand, SessionCommand, TransactionModes, VariableCommand,
};
use crate::types::pg_type::type_info;
use crate::types::value::Value;

impl StateMachine {
    /// SET, RESET, SHOW. Gives rows for SHOW.
    pub(super) async fn variable(&mut self, command: &VariableCommand) -> Outcome<Option<Vec<Vec<String>>>> {
        match command {
            VariableCommand::Show { .. } | VariableCommand::ShowAll => {}
            VariableCommand::Set { name, .. } | VariableCommand::Reset { name } if is_identity(name) => {
                self.engine.resume().await?;
                self.engine.forget_journal();
            }
            _ => self.engine.keep_settings(),
        }
        match command {
            VariableCommand::Set { name, value, local } => {
                if *local && !self.session.status.is_block() {
                    let message = "SET LOCAL can only be used in transaction blocks";
                    self.warn(SqlState::NO_ACTIVE_SQL_TRANSACTION, message);
                }
                if let Some(modes) = transaction_mode(name, value.as_deref()) {
                    self.set_modes(modes).await?;
                } else {
                    lock(&self.context).set_variable(name, value.as_deref(), *local)?;
                }
            }
            VariableCommand::Reset { name } => lock(&self.context).reset_variable(name)?,
            VariableCommand::ResetAll => lock(&self.context).settings.reset_all(),
            VariableCommand::Show { name } => return Ok(Some(vec![vec![self.context().settings.show(name)?]])),
            VariableCommand::ShowAll => {
                let views = lock(&self.context);
                let line = |view: crate::settings::session::SettingView| {
                    let name = view.variable.name.to_owned();
                    vec![name, view.shown, view.variable.description.to_owned()]
                };
                return Ok(Some(views.settings.views().map(line).collect()));
            }
        }
        let (timeouts, charset) = {
            let settings = &self.context().settings;
            (settings.timeouts(), settings.format().charset)
        };
        self.timeouts = timeouts;
        self.conn.set_charset(charset);
        Ok(None)
    }

    /// PREPARE and DEALLOCATE.
    pub(super) fn prepared(&mut self, command: &PreparedCommand) -> Result<()> {
        match command {
            PreparedCommand::Prepare { name, types, query } => {
                if self.session.statements.contains_key(name) {
                    let message = format!("prepared statement \"{name}\" already exists");
                    return Err(Error::new(SqlState::DUPLICATE_PREPARED_STATEMENT, message));
                }
                let statement = self.prepare(query, types.clone())?;
                self.keep_statement(name.clone(), Arc::new(statement), true);
            }
            PreparedCommand::Deallocate { name } => {
                self.session.statement(name)?;
                self.forget_statement(name);
            }
            PreparedCommand::DeallocateAll => self.forget_statements(),
            PreparedCommand::Execute { .. } => return Err(Error::internal("EXECUTE is run as a portal")),
        }
        Ok(())
    }

    /// EXECUTE: the prepared statement's plan, and the arguments' values.
    pub(super) async fn bind_prepared(&mut self, name: &str, arguments: &[String]) -> Outcome<(Planned, Vec<Value>)> {
        let statement = self.current_statement(name)?;
        let params = &statement.planned.plan.params;
        if params.len() != arguments.len() {
            let message = format!("wrong number of parameters for prepared statement \"{name}\"");
            let detail = format!("Expected {} parameters but got {}.", params.len(), arguments.len());
            return Err(Error::new(SqlState::SYNTAX_ERROR, message).with_detail(detail).into());
        }
        if arguments.is_empty() {
            return Ok((statement.planned.clone(), Vec::new()));
        }
        // The arguments are expressions: they go the way of every query.
        let mut query = "SELECT ".to_owned();
        for (at, (argument, param)) in arguments.iter().zip(params).enumerate() {
            let catalog = self.engine.catalog();
            let name = match type_info(param.oid) {
                Some(info) => info.sql_name.to_owned(),
                None => {
                    let path = ["pg_catalog".to_owned()];
                    Names { catalog: &catalog, search_path: &path }.format_type(param.oid, None)
                }
            };
            let comma = if at == 0 { "" } else { ", " };
            // Writing to a String cannot fail.
            let _ = write!(query, "{comma}CAST(({argument}) AS {name})");
        }
        let evaluated = self.prepare(&query, Vec::new())?;
        if !evaluated.planned.plan.params.is_empty() {
            return Err(Error::new(SqlState::UNDEFINED_PARAMETER, "there is no parameter $1").into());
        }
        let Action::Sqlite(select) = &evaluated.planned.plan.action else {
            return Err(Error::internal("EXECUTE's arguments").into());
        };
        if self.engine.keeps_journal() {
            self.engine.repeat_next_from(Source { planned: evaluated.planned.clone(), text: query.into() });
        }
        let mut cursor = self.open(select, &[], &evaluated.planned.literals).await?;
        cursor.step()?;
        let values = (0..params.len()).map(|at| cursor.column(at).to_owned()).collect();
        Ok((statement.planned.clone(), values))
    }

    /// DISCARD, LISTEN, UNLISTEN, NOTIFY.
    pub(super) async fn session_command(&mut self, command: &SessionCommand) -> Outcome<()> {
        let change = match command {
            SessionCommand::Discard(target) => return self.discard(*target).await,
            SessionCommand::Notify { channel, payload } => {
                let note = Note::new(channel.clone(), payload.clone())?;
                self.context().pending.notify(note);
                return Ok(());
            }
            SessionCommand::Listen(channel) => Listening::Start(channel.clone()),
            SessionCommand::Unlisten(Some(channel)) => Listening::Stop(channel.clone()),
            SessionCommand::Unlisten(None) => Listening::StopAll,
        };
        self.context().pending.change(change);
        Ok(())
    }

    async fn discard(&mut self, target: DiscardTarget) -> Outcome<()> {
        match target {
            DiscardTarget::All => {
                self.refuse_in_block("DISCARD ALL")?;
                self.session.close_portals();
                self.session.portals.clear();
                self.forget_statements();
                self.forget_sequences();
                self.context().pending.change(Listening::StopAll);
                unlock_all(&self.context());
                self.discard_temporary().await?;
                let mut context = self.context();
                context.reset_variable("session_authorization")?;
                context.settings.reset_all();
            }
            // Plans belong to the database and are found by what they depend on.
            DiscardTarget::Plans => {}
            DiscardTarget::Sequences => self.forget_sequences(),
            DiscardTarget::Temp => self.discard_temporary().await?,
        }
        Ok(())
    }

    fn forget_sequences(&self) {
        let mut context = self.context();
        context.sequence_values.clear();
        context.cached_values.clear();
        context.last_sequence = None;
    }

    async fn discard_temporary(&mut self) -> Outcome<()> {
        let catalog = self.engine.catalog();
        let names: Vec<String> = catalog
            .relations
            .values()
            .filter(|relation| relation.temporary && relation.kind == crate::catalog::schema::RelationKind::Table)
            .map(|relation| format!("pg_temp.\"{}\"", relation.name.replace('"', "\"\"")))
            .collect();
        if names.is_empty() {
            return Ok(());
        }
        let statement = self.prepare(&format!("DROP TABLE {} CASCADE", names.join(", ")), Vec::new())?;
        match &statement.planned.plan.action {
            Action::Ddl(ddl) => Ok(self.engine.ddl(ddl).await.map(drop)?),
            _ => Err(Error::internal("DISCARD TEMP").into()),
        }
    }

    /// 42501 for a CHECKPOINT that is not the role's to make. VACUUM and ANALYZE are of the whole file here: whose the
    /// database is not, is told that nothing is done, as PostgreSQL tells it table by table.
    fn may_maintain(&self, tag: &str) -> Result<bool> {
        let mut context = self.context();
        if context.is_superuser() {
            return Ok(true);
        }
        if tag == "CHECKPOINT" {
            let message = "must be superuser or have privileges of pg_checkpoint to do CHECKPOINT";
            return if context.has_privileges_of(CHECKPOINT) { Ok(true) } else { Err(denied(message)) };
        }
        let facts = context.cluster_facts();
        let owner = context.database_owner(&facts);
        if context.has_privileges_of(owner) {
            return Ok(true);
        }
        let verb = tag.to_ascii_lowercase();
        let message = format!("permission denied to {verb} \"{}\", skipping it", context.database);
        context.notices.push(ErrorFields::new(Severity::Warning, SqlState::WARNING, message));
        Ok(false)
    }

    /// VACUUM, ANALYZE, CHECKPOINT. Only VACUUM is refused in a block.
    pub(super) async fn maintenance(&mut self, statements: &[String], tag: &'static str) -> Outcome<()> {
        if tag == "VACUUM" {
            self.refuse_in_block(tag)?;
        } else if self.engine.holds_ticket() {
            // SQLite cannot do it beside the session's own open changes; it is advice only.
            return Ok(());
        }
        if !self.may_maintain(tag)? {
            return Ok(());
        }
        self.session.close_portals();
        Ok(self.engine.maintenance(statements).await?)
    }
}

/// Whether a variable says who the user is.
fn is_identity(name: &str) -> bool {
    ["role", "session_authorization"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// The advisory locks that outlive transactions.
fn unlock_all(context: &SessionContext) {
    context.backends.locks().unlock_all(context.backend_pid);
}

/// SET transaction_isolation = … and its kin are SET TRANSACTION; a value that is none is left to the variable's check.
fn transaction_mode(name: &str, value: Option<&str>) -> Option<TransactionModes> {
    let value = value?;
    let none = TransactionModes::default();
    match name.to_ascii_lowercase().as_str() {
        "transaction_isolation" => {
            let isolation = isolation_of(&value.to_ascii_lowercase())?;
            Some(TransactionModes { isolation: Some(isolation), ..none })
        }
        "transaction_read_only" => Some(TransactionModes { read_only: Some(parse_boolean(value)?), ..none }),
        "transaction_deferrable" => Some(TransactionModes { deferrable: Some(parse_boolean(value)?), ..none }),
        _ => None,
    }
}
