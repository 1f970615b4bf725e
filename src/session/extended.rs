//! The extended protocol: Parse, Bind, Describe, Execute.
//!
//! Owns: what these messages do with prepared statements and portals. Must not know: what statements do
//! (`session::execute`). Specification: protocol-flow.html#PROTOCOL-FLOW-EXT-QUERY; wording as in postgres.c.

use std::sync::Arc;

use bytes::Bytes;

use crate::catalog::schema::CatalogSnapshot;
use crate::catalog::tables::source::PreparedRow;
use crate::error::{Error, Result, SqlState};
use crate::limits::memory;
use crate::protocol::backend;
use crate::session::body_position::{in_statement, notices_in_statement};
use crate::session::charset::decode_value;
use crate::session::execute::{Completion, Describe, write_row_description};
use crate::session::machine::{Outcome, Running, StateMachine, Stop, lock};
use crate::session::query::{aborted, ends_transaction, has_body};
use crate::session::state::{Portal, PortalState, PreparedStatement, ResultFormats, TransactionStatus};
use crate::session::transaction::report_active;
use crate::sql::plan::{
    Action, CursorCommand, CursorOptions, FieldDescription, ParamType, Plan, Planned, PositionedOn, PreparedCommand,
    Tag,
};
use crate::types::encoding;
use crate::types::format::{Format, FormatSettings};
use crate::types::pg_type::{Oid, type_info};
use crate::types::value::Value;

impl StateMachine {
    /// Parse: plans one statement and keeps it.
    pub(super) async fn parse(&mut self, name: String, sql: &str, given_types: Vec<Oid>) -> Outcome<()> {
        if name.is_empty() {
            self.session.unnamed_statement = None;
        } else if self.session.statements.contains_key(&name) {
            let message = format!("prepared statement \"{name}\" already exists");
            return Err(Error::new(SqlState::DUPLICATE_PREPARED_STATEMENT, message).into());
        }
        self.running = Running::new(sql.into());
        self.start_extended().await?;
        let statement = self.prepare(sql, given_types)?;
        self.keep_statement(name, Arc::new(statement), false);
        self.running = None;
        self.send_notices();
        backend::parse_complete(self.conn.out());
        Ok(())
    }

    /// A message of a pipeline begins or joins its implicit transaction, unless the block has failed.
    pub(super) async fn start_extended(&mut self) -> Outcome<()> {
        let query = self.running.as_ref().map(|running| Arc::clone(&running.text));
        if self.session.status == TransactionStatus::Failed {
            drop(report_active(&self.context, query.as_ref()));
            return Ok(());
        }
        self.start_transaction(query.as_ref()).await?;
        if self.session.pipelining && self.session.status == TransactionStatus::Started {
            self.session.status = TransactionStatus::InTransactionImplicit;
        }
        Ok(())
    }

    /// Keeps a prepared statement, and shows it in pg_prepared_statements.
    pub(super) fn keep_statement(&mut self, name: String, statement: Arc<PreparedStatement>, from_sql: bool) {
        if !name.is_empty() {
            let mut context = lock(&self.context);
            let text = if from_sql { context.activity.query.clone() } else { None };
            let row = PreparedRow {
                name: name.clone(),
                statement: text.unwrap_or_else(|| Arc::clone(&statement.text)),
                prepare_time: context.statement_start,
                parameter_types: statement.planned.plan.params.iter().map(|param| param.oid).collect(),
                from_sql,
            };
            context.prepared.insert(name.clone(), row);
        }
        self.session.keep_statement(name, statement);
    }

    /// Forgets a prepared statement, if there is one.
    pub(super) fn forget_statement(&mut self, name: &str) {
        if self.session.forget_statement(name) && !name.is_empty() {
            lock(&self.context).prepared.remove(name);
        }
    }

    /// Forgets all named prepared statements.
    pub(super) fn forget_statements(&mut self) {
        self.session.forget_statements();
        lock(&self.context).prepared.clear();
    }

    /// Plans the one statement of a text.
    pub(super) fn prepare(&self, sql: &str, given_types: Vec<Oid>) -> Result<PreparedStatement> {
        let plans = Arc::clone(&self.plans);
        let mut sources = self.parsed(&plans, sql)?.into_iter();
        let planned = match (sources.next(), sources.next()) {
            (None, _) => empty_plan(),
            (Some(_), Some(_)) => {
                let message = "cannot insert multiple commands into a prepared statement";
                return Err(Error::new(SqlState::SYNTAX_ERROR, message));
            }
            (Some(source), None) => match self.session.status {
                TransactionStatus::Failed => self.plan_to_end_transaction(&plans, &source, &given_types)?,
                _ => self.plan(&plans, &source, &given_types)?,
            },
        };
        let context = self.context();
        Ok(PreparedStatement {
            text: sql.into(),
            given_types,
            planned,
            search_path: Arc::clone(context.settings.schemas_searched()),
        })
    }

    /// The prepared statement of that name, planned anew if the schema or the search path has changed since.
    pub(super) fn current_statement(&mut self, name: &str) -> Result<Arc<PreparedStatement>> {
        let statement = self.session.statement(name)?;
        let catalog = self.engine.catalog();
        let (same_path, security) = {
            let context = &mut *lock(&self.context);
            let path = context.settings.schemas_searched();
            let same = Arc::ptr_eq(path, &statement.search_path) || *path == statement.search_path;
            let security = context.security(&catalog);
            context.catalog = Arc::clone(&catalog);
            (same, security)
        };
        let same_plan =
            catalog.version == statement.planned.catalog_version && statement.planned.is_for(security.as_ref());
        if same_path && same_plan || ends_transaction(&statement.planned) {
            return Ok(statement);
        }
        let types: Vec<Oid> = statement.planned.plan.params.iter().map(|p| p.oid).collect();
        let mut fresh = self.prepare(&statement.text, types)?;
        check_result(&statement.planned.plan, &fresh.planned.plan)?;
        fresh.given_types.clone_from(&statement.given_types);
        let fresh = Arc::new(fresh);
        // What the clients see of it stays.
        self.session.keep_statement(name.to_owned(), Arc::clone(&fresh));
        Ok(fresh)
    }

    /// Bind: a prepared statement and values make a portal.
    pub(super) async fn bind(
        &mut self,
        portal: String,
        name: &str,
        param_formats: &[Format],
        params: &[Option<Bytes>],
        result_formats: Vec<Format>,
    ) -> Outcome<()> {
        let statement = self.session.statement(name)?;
        self.running = Running::new(Arc::clone(&statement.text));
        check_counts(&statement.planned.plan, name, param_formats, params)?;
        let statement = match self.session.status {
            TransactionStatus::Failed if ends_transaction(&statement.planned) => statement,
            TransactionStatus::Failed => return Err(aborted().into()),
            _ => {
                self.start_extended().await?;
                self.current_statement(name)?
            }
        };
        if portal.is_empty() {
            self.session.unnamed_portal = None;
        } else if self.session.portals.contains_key(&portal) {
            let message = format!("cursor \"{portal}\" already exists");
            return Err(Error::new(SqlState::DUPLICATE_CURSOR, message).into());
        }
        memory::reserve(params.iter().flatten().map(Bytes::len).sum())?;
        let plan = &statement.planned.plan;
        let values = if params.is_empty() {
            Vec::new()
        } else {
            let (format, catalog) = {
                let context = lock(&self.context);
                (context.settings.shared_format(), Arc::clone(&context.catalog))
            };
            decode_params(&portal, plan, param_formats, params, &format, &catalog)?
        };
        let width = self.result_columns(plan).map_or(0, |columns| columns.len());
        let created = if portal.is_empty() { 0 } else { self.context().statement_start };
        let bound = Portal {
            name: portal,
            text: Arc::clone(&statement.text),
            planned: statement.planned.clone(),
            params: values,
            formats: ResultFormats::from_bind(result_formats, width)?,
            state: PortalState::New,
            depth: self.session.savepoints.len(),
            options: CursorOptions::default(),
            held: false,
            positioned: PositionedOn::default(),
            created,
        };
        self.session.keep_portal(bound);
        self.running = None;
        backend::bind_complete(self.conn.out());
        Ok(())
    }

    /// Describe of a statement: its parameters' types and its result's columns.
    pub(super) async fn describe_statement(&mut self, name: &str) -> Outcome<()> {
        self.start_extended().await?;
        let mut statement = self.session.statement(name)?;
        if self.session.status != TransactionStatus::Failed {
            statement = self.current_statement(name)?;
        }
        let plan = Arc::clone(&statement.planned.plan);
        backend::parameter_description(self.conn.out(), plan.params.iter().map(|p| p.oid));
        self.describe_result(&plan, &ResultFormats::All(Format::Text))
    }

    /// Describe of a portal: its result's columns with their formats.
    pub(super) fn describe_portal(&mut self, name: &str) -> Outcome<()> {
        let portal = self.session.portal(name)?;
        let (plan, formats) = (Arc::clone(&portal.planned.plan), portal.formats.clone());
        self.describe_result(&plan, &formats)
    }

    fn describe_result(&mut self, plan: &Arc<Plan>, formats: &ResultFormats) -> Outcome<()> {
        match self.result_columns(plan) {
            Some(_) if self.session.status == TransactionStatus::Failed => return Err(aborted().into()),
            Some(columns) => write_row_description(self, &columns, formats),
            None => backend::no_data(self.conn.out()),
        }
        Ok(())
    }

    /// A plan's result columns; those of EXECUTE are the prepared statement's, those of FETCH the cursor's.
    fn result_columns(&self, plan: &Arc<Plan>) -> Option<Columns> {
        if let Action::Prepared(PreparedCommand::Execute { name, .. }) = &plan.action {
            let inner = Arc::clone(&self.session.statement(name).ok()?.planned.plan);
            let has_columns = inner.columns.is_some();
            return has_columns.then_some(Columns(inner));
        }
        if let Action::Cursor(CursorCommand::Fetch { name, moves: false, .. }) = &plan.action {
            let of_function = || self.engine.function_cursors().get_mut(name).map(|cursor| Arc::clone(&cursor.plan));
            let portal = self.session.portals.get(name).map(|cursor| Arc::clone(&cursor.planned.plan));
            return portal.or_else(of_function).map(Columns);
        }
        plan.columns.is_some().then(|| Columns(Arc::clone(plan)))
    }

    /// Execute: runs a portal, or goes on with it.
    pub(super) async fn execute(&mut self, name: &str, max_rows: u32) -> Outcome<()> {
        let mut portal = self.session.take_portal(name)?;
        self.running = Running::new(Arc::clone(&portal.text));
        let is_transaction_command = matches!(portal.planned.plan.action, Action::Transaction(_));
        if self.session.status == TransactionStatus::Failed && !ends_transaction(&portal.planned) {
            self.session.keep_portal(portal);
            return Err(aborted().into());
        }
        self.listen_to_cancel();
        self.start_extended().await?;
        let repeatable = self.repeatable(&portal, max_rows, Describe::No).filter(|_| !self.session.pipelining);
        let completion = self.run_portal(&mut portal, max_rows, Describe::No).await.map_err(|stop| match stop {
            Stop::Error(error) if has_body(&portal.planned) => Stop::Error(in_statement(error, &portal.text, 0)),
            stop => stop,
        })?;
        if has_body(&portal.planned) {
            notices_in_statement(&mut self.context().notices, &portal.text, 0);
        }
        // A transaction command may have ended all portals, this one too.
        if !is_transaction_command {
            self.session.keep_portal(portal);
        }
        self.complete(completion);
        self.answered(repeatable.filter(|_| completion != Completion::Suspended));
        if completion != Completion::Suspended && !is_transaction_command {
            self.session.pipelining = true;
        }
        self.end_statement();
        Ok(())
    }
}

/// The columns of a plan, which keeps them.
struct Columns(Arc<Plan>);

impl std::ops::Deref for Columns {
    type Target = [FieldDescription];

    fn deref(&self) -> &[FieldDescription] {
        self.0.columns.as_deref().unwrap_or(&[])
    }
}

/// The plan of an empty query string.
fn empty_plan() -> Planned {
    let plan = Plan { params: Vec::new(), columns: None, tag: Tag::Fixed(""), action: Action::Empty };
    Planned { plan: Arc::new(plan), literals: Arc::new([]), bytes: 0, catalog_version: 0, security: None }
}

/// 0A000 unless a plan made anew gives what clients were told the old one gives.
pub(super) fn check_result(old: &Plan, new: &Plan) -> Result<()> {
    let same = match (&old.columns, &new.columns) {
        (None, None) => true,
        (Some(old), Some(new)) => {
            old.len() == new.len()
                && old.iter().zip(new).all(|(a, b)| (&a.name, a.type_oid, a.typmod) == (&b.name, b.type_oid, b.typmod))
        }
        _ => false,
    };
    if same {
        return Ok(());
    }
    // By the routine pgjdbc and others know that they may prepare anew and go on.
    let error = Error::new(SqlState::FEATURE_NOT_SUPPORTED, "cached plan must not change result type");
    Err(error.with_routine("RevalidateCachedQuery"))
}

fn check_counts(plan: &Plan, name: &str, formats: &[Format], params: &[Option<Bytes>]) -> Result<()> {
    let violation = |message| Err(Error::new(SqlState::PROTOCOL_VIOLATION, message));
    if formats.len() > 1 && formats.len() != params.len() {
        let message = format!("bind message has {} parameter formats but {} parameters", formats.len(), params.len());
        return violation(message);
    }
    if params.len() != plan.params.len() {
        let (got, want) = (params.len(), plan.params.len());
        let message =
            format!("bind message supplies {got} parameters, but prepared statement \"{name}\" requires {want}");
        return violation(message);
    }
    Ok(())
}

pub(super) fn decode_params(
    portal: &str,
    plan: &Plan,
    formats: &[Format],
    params: &[Option<Bytes>],
    settings: &FormatSettings,
    catalog: &CatalogSnapshot,
) -> Result<Vec<Value>> {
    let format_of = |at: usize| match formats {
        [] => Format::Text,
        [all] => *all,
        each => each.get(at).copied().unwrap_or_default(),
    };
    let values = params.iter().zip(&plan.params).enumerate().map(|(at, (bytes, param))| match bytes {
        None => Ok(Value::Null),
        Some(bytes) => {
            let format = format_of(at);
            if let Some(number) = encoding::small_number(param.repr, format, bytes) {
                return Ok(number);
            }
            let name = type_name(param, catalog);
            let converted = match settings.charset {
                Some(charset) => decode_value(charset, param.repr, format, bytes),
                None => Ok((&**bytes).into()),
            };
            converted
                .and_then(|bytes| encoding::decode(param.repr, name, format, &bytes, settings))
                .map_err(|error| in_parameter(error, portal, at, format))
        }
    });
    values.collect()
}

/// Says which parameter an error is about.
fn in_parameter(error: Error, portal: &str, at: usize, format: Format) -> Error {
    let portal = if portal.is_empty() { "unnamed portal".to_owned() } else { format!("portal \"{portal}\"") };
    // PostgreSQL hides the value unless log_parameter_max_length_on_error says otherwise, and bytes that are no text.
    let hidden = format == Format::Text && error.code() != SqlState::CHARACTER_NOT_IN_REPERTOIRE;
    let context = format!("{portal} parameter ${}{}", at + 1, if hidden { " = '...'" } else { "" });
    if error.code() == SqlState::INVALID_BINARY_REPRESENTATION && error.message() == "incorrect binary data format" {
        let message = format!("incorrect binary data format in bind parameter {}", at + 1);
        return Error::new(error.code(), message).with_context(context);
    }
    error.with_context(context)
}

/// What error messages call a parameter's type.
fn type_name<'c>(param: &ParamType, catalog: &'c CatalogSnapshot) -> &'c str {
    match type_info(param.oid) {
        Some(info) => info.sql_name,
        None => catalog.types.get(&param.oid).map_or("text", |known| &known.name),
    }
}
