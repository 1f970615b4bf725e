//! From query text to plans: scan, look in the cache, parse, analyse, translate. The one route of every statement.
//!
//! Owns: [`PlanCache`], [`PlanContext`], and which parser and analysis a statement goes through. Must not know:
//! rusqlite, the wire.

#[path = "explain/explained.rs"]
mod explained;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::catalog::composite;
use crate::catalog::policy::SecurityContext;
use crate::catalog::schema::{CatalogSnapshot, Relation, RelationKind};
use crate::error::{Error, Result, SqlState};
use crate::limits::memory;
use crate::limits::session as limits;
use crate::settings::Settings;
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::modify::Modified;
use crate::sql::analyze::outer::OuterNames;
use crate::sql::copy;
use crate::sql::define::{self, Definition};
use crate::sql::folding;
use crate::sql::lower;
use crate::sql::permission::Permissions;
use crate::sql::plan::*;
use crate::sql::scan::{self, LiteralKind};
use crate::sql::stored::Dependencies;
use crate::sql::syntax::ast::expression::FuncCall;
use crate::sql::syntax::ast::query::{SelectBody, SelectStmt};
use crate::sql::syntax::ast::statement::Stmt;
use crate::sql::syntax::lexer::{Token, TokenKind};
use crate::sql::syntax::parse;
use crate::sql::syntax::token_value::TokenValue;
use crate::sql::tree::{Body, Expr, ExprKind, Modify, Query, Target};
use crate::sql::types::repr_of;
use crate::sql::utility::{self, Maintained, Maintenance, Utility};
use crate::types::encoding;
use crate::types::format::Format;
use crate::types::pg_type::{Oid, type_info};
use crate::types::value::Value;

pub use crate::sql::scan::Source;

/// What analysis needs to know of the session.
#[derive(Clone, Copy)]
pub struct PlanContext<'a> {
    pub catalog: &'a Arc<CatalogSnapshot>,
    pub settings: &'a Settings,
    pub user: &'a str,
    pub database: &'a str,
    /// Whether who asks may use a schema: of others nothing is told that is named by them.
    pub may_use: &'a dyn Fn(&str) -> bool,
    /// For whose row security it is; none where it does not count, or there is none.
    pub security: Option<&'a SecurityContext>,
}

impl PlanContext<'_> {
    /// What messages call a type.
    pub fn type_name(&self, oid: Oid) -> String {
        crate::sql::types::type_name(self.catalog, self.settings.schemas_searched(), oid)
    }
}

/// How many texts the cache keeps before it starts anew.
const CACHE_CAPACITY: usize = 4096;

/// How many bytes of texts and plans it keeps before it starts anew.
const CACHE_BYTES: usize = 32 << 20;

/// A plan that takes more than that is not kept: a bulk INSERT comes with other values each time.
const KEPT_BYTES: usize = 1 << 20;

/// How much longer it takes to parse a byte than to copy it.
const PARSING: usize = 16;

/// How many bytes of trees a byte of text becomes for a while, in a long list of short numbers.
const PARSED: usize = 200;

/// Plans by text, catalog version and the settings that matter; shared by all sessions of a database.
#[derive(Default)]
pub struct PlanCache {
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    by_text: HashMap<String, Vec<Arc<Entry>>>,
    /// What all of it takes, about.
    bytes: usize,
}

impl Entries {
    fn clear(&mut self) {
        self.by_text.clear();
        self.bytes = 0;
    }
}

/// One way a text has been planned.
struct Entry {
    catalog_version: u64,
    search_path: Arc<[String]>,
    param_types: Vec<Oid>,
    /// Constants whose text the plan depends on.
    pinned: Vec<(usize, String)>,
    /// What each lifted constant is read as.
    literals: Vec<ParamType>,
    plan: Arc<Plan>,
    /// For whom alone it is right.
    security: Option<Arc<SecurityContext>>,
    /// What it takes, with its text, about.
    bytes: usize,
}

impl Entry {
    fn serves(&self, source: &Source<'_>, param_types: &[Oid], context: PlanContext<'_>) -> bool {
        self.catalog_version == context.catalog.version
            && self.param_types == param_types
            && self.search_path == *context.settings.schemas_searched()
            && self.security.as_deref().is_none_or(|security| context.security == Some(security))
            && self.pinned.iter().all(|(n, text)| source.literals.get(*n).is_some_and(|l| l.text == text))
    }
}

impl PlanCache {
    /// Splits a query string into its statements. A syntax error anywhere in it is found here, before anything runs
    /// (42601 with a position). An empty string, or only comments, gives no statement.
    pub fn parse<'t>(&self, text: &'t str) -> Result<Vec<Source<'t>>> {
        self.parse_as(text, true)
    }

    /// The same, with standard_conforming_strings on or off.
    pub fn parse_as<'t>(&self, text: &'t str, standard_strings: bool) -> Result<Vec<Source<'t>>> {
        // Scanning and parsing do not look around, and take much longer than copying.
        limits::begin(text.len().saturating_mul(PARSING))?;
        let _booked = memory::book(text.len().saturating_mul(PARSED))?;
        let sources = scan::scan_as(text, standard_strings);
        for source in &sources {
            if !self.knows(&source.key) {
                parsed(source).map_err(|e| shift_position(e, source.offset))?;
            }
        }
        Ok(sources)
    }

    fn knows(&self, key: &str) -> bool {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).by_text.contains_key(key)
    }

    /// Analyses and translates one statement, or finds the result in the cache. `param_types` are the types given in
    /// Parse (0 or missing: to be inferred).
    pub fn plan(&self, source: &Source<'_>, param_types: &[Oid], context: PlanContext<'_>) -> Result<Planned> {
        let found = {
            let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            let list = entries.by_text.get(&source.key);
            list.and_then(|l| l.iter().find(|e| e.serves(source, param_types, context))).cloned()
        };
        let entry = match found {
            Some(entry) => entry,
            None => {
                let _booked = memory::book(source.text.len().saturating_mul(PARSED))?;
                let (analysed, bytes) = memory::measure(|| analyse(source, param_types, context));
                let mut entry = analysed?;
                entry.bytes = bytes + source.key.len();
                let entry = Arc::new(entry);
                if entry.bytes <= KEPT_BYTES && cacheable(&entry.plan.action) {
                    self.keep(source, entry.clone());
                }
                entry
            }
        };
        let literals = read_literals(source, &entry.literals, context)?;
        Ok(Planned {
            plan: entry.plan.clone(),
            literals,
            bytes: entry.bytes,
            catalog_version: entry.catalog_version,
            security: entry.security.clone(),
        })
    }

    fn keep(&self, source: &Source<'_>, entry: Arc<Entry>) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.by_text.len() >= CACHE_CAPACITY || entries.bytes + entry.bytes > CACHE_BYTES {
            entries.clear();
        }
        let Entries { by_text, bytes } = &mut *entries;
        let list = by_text.entry(source.key.clone()).or_default();
        let held = |list: &[Arc<Entry>]| list.iter().map(|entry| entry.bytes).sum::<usize>();
        *bytes -= held(list);
        list.retain(|e| e.catalog_version == entry.catalog_version);
        if list.len() >= 16 {
            list.clear();
        }
        memory::share(entry.bytes);
        list.push(entry);
        *bytes += held(list);
    }
}

/// Whether a statement has parameters.
pub fn has_parameters(source: &Source<'_>) -> bool {
    source.tokens.iter().any(|token| token.kind == TokenKind::Param)
}

/// 42P02 for the first parameter of a statement that can have none.
pub fn unbound_parameter(source: &Source<'_>) -> Error {
    let first = source.tokens.iter().find(|token| token.kind == TokenKind::Param);
    let name = first.map_or("$1", |token| token.text(source.text));
    let position = first.map(|token| TokenValue { text: source.text }.position(token.start as usize));
    let error = Error::new(SqlState::UNDEFINED_PARAMETER, format!("there is no parameter {name}"));
    match position {
        Some(position) => error.with_position(position + source.offset),
        None => error,
    }
}

/// 42P02 for the first parameter of a statement that is given no value.
pub fn unbound_parameter_after(source: &Source<'_>, given: usize) -> Error {
    let is_unbound = |token: &&Token| {
        let number = token.text(source.text).get(1..).and_then(|digits| digits.parse::<usize>().ok());
        token.kind == TokenKind::Param && number.is_none_or(|number| number > given)
    };
    match source.tokens.iter().find(is_unbound) {
        Some(token) => {
            let message = format!("there is no parameter {}", token.text(source.text));
            let position = TokenValue { text: source.text }.position(token.start as usize);
            Error::new(SqlState::UNDEFINED_PARAMETER, message).with_position(position + source.offset)
        }
        None => unbound_parameter(source),
    }
}

/// Only plans of queries are worth keeping.
fn cacheable(action: &Action) -> bool {
    matches!(action, Action::Sqlite(_) | Action::Transaction(_))
}

/// The lifted constants' stored values.
fn read_literals(source: &Source<'_>, types: &[ParamType], context: PlanContext<'_>) -> Result<Arc<[Value]>> {
    let mut values = Vec::with_capacity(types.len());
    for (literal, kind) in source.literals.iter().zip(types) {
        let text = literal.value();
        let fast = match literal.kind {
            LiteralKind::Int4 | LiteralKind::Int8 if matches!(kind.oid, Oid::INT4 | Oid::INT8) => {
                text.parse().ok().map(Value::Integer)
            }
            _ => None,
        };
        values.push(match fast {
            Some(value) => value,
            None => {
                let name = type_info(kind.oid).map_or("text", |info| info.sql_name);
                let decoded =
                    encoding::decode(kind.repr, name, Format::Text, text.as_bytes(), context.settings.format());
                decoded.map_err(|e| {
                    let before = source.text.get(..literal.start).map_or(0, |t| t.chars().count());
                    e.with_position(source.offset + before as u32 + 1)
                })?
            }
        });
    }
    Ok(values.into())
}

/// The statement of a source, which is not empty.
fn parsed(source: &Source<'_>) -> Result<Stmt> {
    let stmt = parse::statement(source.text, &source.tokens)?;
    stmt.ok_or_else(|| Error::internal("an empty statement"))
}

fn shift_position(error: Error, offset: u32) -> Error {
    match error.fields().position {
        Some(position) => error.with_position(position + offset),
        None => error,
    }
}

/// A statement planned to run inside of a function.
#[derive(Debug)]
pub struct Inner {
    pub planned: Planned,
    /// Of each column of the result that is a record: its own columns, as far as they are known.
    pub fields: Vec<Vec<(String, Oid, i32)>>,
    pub command: InnerCommand,
    /// What it refers to.
    pub used: Dependencies,
    /// Of a cursor's query.
    pub positioned: PositionedOn,
}

/// What sort of statement it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InnerCommand {
    Select,
    SelectInto,
    Modify,
    /// COPY from or to the client.
    Copy,
    Transaction,
    Utility,
}

/// Plans a statement that runs inside of a function: nothing is kept, names may be those around it.
pub fn plan_inner(
    source: &Source<'_>,
    param_types: &[Oid],
    outer: Option<&dyn OuterNames>,
    is_cursor: bool,
    context: PlanContext<'_>,
) -> Result<Inner> {
    let _booked = memory::book(source.text.len().saturating_mul(PARSED))?;
    let stmt = parsed(source).map_err(|e| shift_position(e, source.offset))?;
    let command = match &stmt {
        Stmt::Select(select) => match &select.body {
            SelectBody::Select(simple) if simple.into.is_some() => InnerCommand::SelectInto,
            _ => InnerCommand::Select,
        },
        Stmt::Insert(_) | Stmt::Update(_) | Stmt::Delete(_) | Stmt::Merge(_) => InnerCommand::Modify,
        Stmt::Copy(copy) if copy.filename.is_none() => InnerCommand::Copy,
        Stmt::Transaction(_) => InnerCommand::Transaction,
        _ => InnerCommand::Utility,
    };
    if matches!(command, InnerCommand::Copy | InnerCommand::Transaction) {
        // It is not run.
        let plan = Plan { params: Vec::new(), columns: None, tag: Tag::Fixed(""), action: Action::Empty };
        let (literals, catalog_version) = (Arc::from([]), context.catalog.version);
        let planned = Planned { plan: Arc::new(plan), literals, bytes: 0, catalog_version, security: None };
        let (used, positioned) = (Dependencies::default(), PositionedOn::default());
        return Ok(Inner { planned, fields: Vec::new(), command, used, positioned });
    }
    let mut analyzer = Analyzer::new(context, source, param_types);
    analyzer.outer = outer;
    analyzer.is_inner = true;
    analyzer.positioned = is_cursor.then(PositionedOn::default);
    let entry = entry_of(&mut analyzer, &stmt, param_types)?;
    let columns = entry.plan.columns.as_deref().unwrap_or_default();
    let fields = analyzer.outputs.iter().zip(columns).map(|((type_oid, typmod), _)| match *type_oid {
        Oid::RECORD => analyzer.records.fields(*typmod).to_vec(),
        _ => Vec::new(),
    });
    let fields = fields.collect();
    let literals = read_literals(source, &entry.literals, context)?;
    let Entry { plan, catalog_version, security, .. } = entry;
    let planned = Planned { plan, literals, bytes: 0, catalog_version, security };
    let positioned = analyzer.positioned.take().unwrap_or_default();
    Ok(Inner { planned, fields, command, used: analyzer.used.take(), positioned })
}

fn analyse(source: &Source<'_>, param_types: &[Oid], context: PlanContext<'_>) -> Result<Entry> {
    let stmt = parsed(source).map_err(|e| shift_position(e, source.offset))?;
    entry_of(&mut Analyzer::new(context, source, param_types), &stmt, param_types)
}

/// What is wrong because of policies stands nowhere in the text.
fn entry_of(analyzer: &mut Analyzer<'_>, stmt: &Stmt, param_types: &[Oid]) -> Result<Entry> {
    analysed_entry(analyzer, stmt, param_types).map_err(|error| match error.fields().position {
        Some(NOWHERE) => error.without_position(),
        _ => error,
    })
}

fn analysed_entry(analyzer: &mut Analyzer<'_>, stmt: &Stmt, param_types: &[Oid]) -> Result<Entry> {
    let (context, source) = (analyzer.context(), analyzer.source());
    analyzer.inlines = true;
    let (tag, columns, action) = match statement_of(analyzer, stmt) {
        Some(analysed) => analysed?,
        None => other_statement(analyzer, stmt, param_types)?,
    };
    analyzer.check_params()?;
    let unused = (0..source.literals.len()).filter(|n| matches!(analyzer.literal_types.get(*n), Some(None)));
    let mut pinned = analyzer.pinned.clone();
    pinned.extend(unused);
    let literals = analyzer
        .literal_types
        .iter()
        .map(|oid| {
            let oid = oid.unwrap_or(Oid::TEXT);
            ParamType { oid, repr: repr_of(context.catalog, oid) }
        })
        .collect();
    let params =
        analyzer.params.iter().map(|oid| ParamType { oid: *oid, repr: repr_of(context.catalog, *oid) }).collect();
    let pinned = pinned.into_iter().filter_map(|n| source.literals.get(n).map(|l| (n, l.text.to_owned()))).collect();
    // What others have analysed does not say for whom.
    let security = match &action {
        Action::Sqlite(_) => analyzer.security(),
        _ => context.security.map(|security| Arc::new(security.clone())),
    };
    Ok(Entry {
        catalog_version: context.catalog.version,
        search_path: context.settings.schemas_searched().clone(),
        param_types: param_types.to_vec(),
        pinned,
        literals,
        plan: Arc::new(Plan { params, columns, tag, action }),
        security,
        bytes: 0,
    })
}

/// The position of an error that has none, while what is around it is analysed.
pub(super) const NOWHERE: u32 = 0;

type Analysed = (Tag, Option<Vec<FieldDescription>>, Action);

/// A query or a change of data; `None` for any other statement.
fn statement_of(analyzer: &mut Analyzer<'_>, stmt: &Stmt) -> Option<Result<Analysed>> {
    let modified = match stmt {
        Stmt::Select(select) => return Some(query_statement(analyzer, select)),
        Stmt::Insert(insert) => analyzer.insert(insert),
        Stmt::Update(update) => analyzer.update(update),
        Stmt::Delete(delete) => analyzer.delete(delete),
        Stmt::Merge(merge) => analyzer.merge(merge),
        _ => return None,
    };
    Some(modified.and_then(|modified| finish_modify(analyzer, modified)))
}

fn query_statement(analyzer: &mut Analyzer<'_>, select: &SelectStmt) -> Result<Analysed> {
    if let Some(analysed) = select_into(analyzer, select) {
        return analysed;
    }
    let mut tree = analyzer.query(select)?;
    analyzer.check_policies()?;
    analyzer.settle_key_constants(|visit| tree.for_each_expr_mut(visit));
    let columns = describe(analyzer, &tree_targets(&tree), &tree);
    analyzer.outputs = tree.outputs().into_iter().map(|(_, type_oid, typmod)| (type_oid, typmod)).collect();
    if analyzer.positioned.is_some() {
        analyzer.positioned = Some(analyzer.position_on_rows(&mut tree));
    }
    Ok((Tag::Select, Some(columns), Action::Sqlite(lowered_query(analyzer, &tree)?)))
}

/// Statements about objects, and the others.
fn other_statement(analyzer: &mut Analyzer<'_>, stmt: &Stmt, param_types: &[Oid]) -> Result<Analysed> {
    let (context, source) = (analyzer.context(), analyzer.source());
    if let Some(utility) = utility::utility(stmt, source.text) {
        let utility = utility.map_err(|e| shift_position(e, source.offset))?;
        if let Utility::Declare { name, options, query } = utility {
            let (plan, positioned, params, scrolls) = cursor_query(query, param_types, context, source)?;
            analyzer.params = params;
            // What is not said is that it may go back: some rows are kept for that.
            let options = CursorOptions { scroll: options.scroll.or((!scrolls).then_some(false)), ..options };
            let command = CursorCommand::Declare { name, options, plan, positioned };
            return Ok((Tag::Fixed("DECLARE CURSOR"), None, Action::Cursor(command)));
        }
        if let Utility::Call(call) = utility {
            return call_statement(analyzer, call);
        }
        if let Utility::Explain { statement, options, location } = utility {
            return explained::explain(analyzer, (statement, location), options, param_types);
        }
        return utility_statement(utility, context, source);
    }
    match define::definition(stmt, source.text) {
        Some(defined) => defined_action(defined.map_err(|e| shift_position(e, source.offset))?),
        None => Err(Error::internal("a statement that nobody knows")),
    }
}

fn defined_action((definition, tag): (Definition, &'static str)) -> Result<Analysed> {
    let action = match definition {
        Definition::Ddl(ddl) => Action::Ddl(ddl),
        Definition::Accepted => Action::Accepted { requires_transaction: None, locks: None, permissions: Vec::new() },
    };
    Ok((Tag::Fixed(tag), None, action))
}

fn finish_modify(analyzer: &mut Analyzer<'_>, mut modified: Modified<'_>) -> Result<Analysed> {
    analyzer.check_policies()?;
    analyzer.settle_key_constants(|visit| {
        modified.tree.ctes_mut().iter_mut().for_each(|cte| cte.query.for_each_expr_mut(visit));
        modified.tree.for_each_expr_mut(visit);
    });
    let tag = match &modified.tree {
        Modify::Insert(_) => Tag::Insert,
        Modify::Update(_) => Tag::Update,
        Modify::Delete(_) => Tag::Delete,
        Modify::Merge(_) => Tag::Merge,
    };
    let returning = modified.tree.returning();
    analyzer.outputs = returning.iter().map(|t| (t.expr.type_oid, t.expr.typmod)).collect();
    let columns = (!returning.is_empty()).then(|| returning.iter().map(|t| field(analyzer, t)).collect());
    let lowered = lower::modify(&modified.tree, lower::Context::of(analyzer))?;
    let statement = SqliteStatement {
        sql: lowered.translated.sql.into(),
        binds: lowered.translated.binds,
        write: true,
        locks_rows: false,
        waits: false,
        wait: LockWait::Usual,
        target: Some(modified.relation.oid),
        permissions: analyzer.permissions.borrow().entries().into(),
        key_sources: lowered.row,
        folded: folded(analyzer, folding::of_change(&modified.tree))?,
        before: lowered.before,
        fires: lowered.fires,
    };
    Ok((tag, columns, Action::Sqlite(statement)))
}

fn lowered_query(analyzer: &Analyzer<'_>, tree: &Query) -> Result<SqliteStatement> {
    let lowered = lower::query(tree, lower::Context::of(analyzer))?;
    Ok(SqliteStatement {
        sql: lowered.translated.sql.into(),
        binds: lowered.translated.binds,
        // Who waits for rows holds everybody up who writes; who does not wait locks rows only.
        write: analyzer.writes || analyzer.locks_rows == Some(crate::sql::tree::LockWaitPolicy::Block),
        locks_rows: analyzer.locks_rows.is_some(),
        waits: analyzer.waits,
        wait: LockWait::Usual,
        target: None,
        permissions: analyzer.permissions.borrow().entries().into(),
        key_sources: Vec::new(),
        folded: folded(analyzer, folding::of_query(tree))?,
        before: lowered.before,
        fires: lowered.fires,
    })
}

/// What is evaluated before a statement.
fn folded(analyzer: &Analyzer<'_>, exprs: Vec<Expr>) -> Result<Option<Arc<Folded>>> {
    if exprs.is_empty() {
        return Ok(None);
    }
    let targets = exprs.into_iter().map(|expr| Target { expr, name: String::new() }).collect();
    let lowered = lower::query(&Query::of_targets(targets), lower::Context::of(analyzer))?;
    let lower::print::Translated { sql, binds, .. } = lowered.translated;
    Ok(Some(Arc::new(Folded { sql: sql.into(), binds })))
}

fn call_statement(analyzer: &mut Analyzer<'_>, call: &FuncCall) -> Result<Analysed> {
    let called = analyzer.procedure_call(call)?;
    analyzer.check_policies()?;
    let arguments = match called.arguments.is_empty() {
        true => None,
        false => {
            let target = |expr: &Expr| Target { expr: expr.clone(), name: String::new() };
            let tree = Query::of_targets(called.arguments.iter().map(target).collect());
            let shows = std::mem::replace(&mut analyzer.is_inner, true);
            let lowered = lowered_query(analyzer, &tree);
            analyzer.is_inner = shows;
            Some(lowered?)
        }
    };
    let columns = called.outputs.iter().map(|(output, type_oid)| {
        let name = if output.name.is_empty() { format!("column{}", output.place) } else { output.name.clone() };
        computed(analyzer, name, *type_oid, -1)
    });
    let columns = (!called.outputs.is_empty()).then(|| columns.collect());
    let outputs = called.outputs.into_iter().map(|(output, _)| output).collect();
    let plan = CallPlan { arguments, site: called.site, outputs, writes: called.writes };
    Ok((Tag::Fixed("CALL"), columns, Action::Call(Box::new(plan))))
}

/// SELECT … INTO t is CREATE TABLE t AS SELECT ….
fn select_into(analyzer: &Analyzer<'_>, select: &SelectStmt) -> Option<Result<Analysed>> {
    let SelectBody::Select(simple) = &select.body else { return None };
    let into = simple.into.as_ref()?;
    let mut query = select.clone();
    if let SelectBody::Select(simple) = &mut query.body {
        simple.into = None;
    }
    let defined = define::select_into(into, &query, analyzer.source().text);
    Some(defined.and_then(defined_action).map(|(_, columns, action)| (Tag::Fixed("SELECT"), columns, action)))
}

// ----- result columns

/// The targets that say where a query's columns come from; none for set operations and VALUES.
fn tree_targets(tree: &Query) -> Vec<Target> {
    match &tree.body {
        Body::Select(select) => select.targets.clone(),
        _ => Vec::new(),
    }
}

fn describe(analyzer: &Analyzer<'_>, targets: &[Target], tree: &Query) -> Vec<FieldDescription> {
    if targets.is_empty() {
        return tree.outputs().into_iter().map(|(name, oid, typmod)| computed(analyzer, name, oid, typmod)).collect();
    }
    targets.iter().map(|target| field(analyzer, target)).collect()
}

fn field(analyzer: &Analyzer<'_>, target: &Target) -> FieldDescription {
    let expr = &target.expr;
    let described = computed(analyzer, target.name.clone(), expr.type_oid, expr.typmod);
    match &expr.kind {
        ExprKind::Var(var) => FieldDescription { table_oid: var.origin.0, attribute: var.origin.1, ..described },
        // A whole row is of its table, and of no column.
        ExprKind::Row { fields, .. } => {
            match (composite::row_relation(analyzer.catalog(), expr.type_oid), fields.first()) {
                (Some(relation), Some(Expr { kind: ExprKind::Var(var), .. })) if var.origin.0 == relation.oid => {
                    FieldDescription { table_oid: relation.oid, ..described }
                }
                _ => described,
            }
        }
        _ => described,
    }
}

fn computed(analyzer: &Analyzer<'_>, name: String, type_oid: Oid, typmod: i32) -> FieldDescription {
    FieldDescription {
        name,
        table_oid: Oid::INVALID,
        attribute: 0,
        type_oid,
        type_len: type_info(type_oid).map_or(if analyzer.is_enum(type_oid) { 4 } else { -1 }, |info| info.len),
        // A record's modifier means something within the statement only.
        typmod: if matches!(type_oid, Oid::RECORD | Oid::RECORD_ARRAY) { -1 } else { typmod },
        repr: analyzer.records.info(type_oid, typmod).map_or_else(|| analyzer.repr_of(type_oid), |info| info.repr),
    }
}

// ----- utility statements

fn utility_statement(utility: Utility<'_>, context: PlanContext<'_>, source: &Source<'_>) -> Result<Analysed> {
    Ok(match utility {
        Utility::Transaction(command, tag) => (Tag::Fixed(tag), None, Action::Transaction(command)),
        Utility::Variable(command, tag) => {
            let columns = match &command {
                VariableCommand::Show { name } => {
                    // The variable is looked up when it is shown; its column has the variable's own name.
                    Some(vec![text_column(&canonical_variable(name))])
                }
                VariableCommand::ShowAll => Some(["name", "setting", "description"].map(text_column).to_vec()),
                _ => None,
            };
            (Tag::Fixed(tag), columns, Action::Variable(command))
        }
        Utility::Prepare { name, types, query } => {
            let types = types
                .iter()
                .map(|type_name| {
                    let path = context.settings.schemas_searched();
                    crate::sql::analyze::type_name::resolve(type_name, context.catalog, path).map(|t| t.oid)
                })
                .collect::<Result<Vec<_>>>()?;
            let query = query.byte().and_then(|byte| source.text.get(byte..)).unwrap_or_default().to_owned();
            let command = PreparedCommand::Prepare { name, types, query };
            (Tag::Fixed("PREPARE"), None, Action::Prepared(command))
        }
        Utility::Prepared(command, tag) => (Tag::Fixed(tag), None, Action::Prepared(command)),
        Utility::Session(command, tag) => (Tag::Fixed(tag), None, Action::Session(command)),
        Utility::Database(command, tag) => (Tag::Fixed(tag), None, Action::Database(command)),
        Utility::Maintenance(steps, tag) => {
            let statements = steps.iter().map(|step| maintenance(step, context)).collect::<Result<Vec<_>>>()?;
            (Tag::Fixed(tag), None, Action::Maintenance(statements))
        }
        Utility::Cursor(command, tag) => (tag, None, Action::Cursor(command)),
        Utility::Do(body) => (Tag::Fixed("DO"), None, Action::Do(body.into())),
        Utility::Call(_) => return Err(Error::internal("CALL is analysed with its arguments")),
        Utility::Declare { .. } => return Err(Error::internal("DECLARE is analysed with its query")),
        Utility::Explain { .. } => return Err(Error::internal("EXPLAIN is analysed with its statement")),
        Utility::Copy(statement) => {
            let plan = copy::plan(&statement, context, source)?;
            (Tag::Copy, None, Action::Copy(plan))
        }
        Utility::Lock { tables, write, nowait } => {
            let mut permissions = Permissions::default();
            for (schema, table) in &tables {
                permissions.lock(named_relation(schema.as_deref(), table, context)?.oid);
            }
            let first = tables.first().map(|(_, name)| name.as_str()).unwrap_or_default();
            let wait = if nowait { LockWait::Never(format!("relation \"{first}\"")) } else { LockWait::Usual };
            let locks = write.then_some(wait);
            let permissions = permissions.entries();
            let action = Action::Accepted { requires_transaction: Some("LOCK TABLE"), locks, permissions };
            (Tag::Fixed("LOCK TABLE"), None, action)
        }
    })
}

/// SHOW names its column as the variable is written in PostgreSQL's own list.
fn canonical_variable(name: &str) -> String {
    match name {
        "timezone" => "TimeZone".to_owned(),
        "datestyle" => "DateStyle".to_owned(),
        "intervalstyle" => "IntervalStyle".to_owned(),
        name => name.to_owned(),
    }
}

fn text_column(name: &str) -> FieldDescription {
    FieldDescription {
        name: name.to_owned(),
        table_oid: Oid::INVALID,
        attribute: 0,
        type_oid: Oid::TEXT,
        type_len: -1,
        typmod: -1,
        repr: crate::types::pg_type::Repr::scalar(crate::types::pg_type::Scalar::Text),
    }
}

/// 42501
pub(super) fn schema_denied(schema: &str) -> Error {
    Error::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("permission denied for schema {schema}"))
}

/// A relation by name: 42P01 if there is none.
pub(super) fn named_relation<'a>(
    schema: Option<&str>,
    table: &str,
    context: PlanContext<'a>,
) -> Result<&'a Arc<Relation>> {
    let found = match schema {
        Some(schema) if !(context.may_use)(schema) => return Err(schema_denied(schema)),
        Some(schema) => context.catalog.relation(schema, table),
        None => context.catalog.find_relation(context.settings.schemas_searched(), table),
    };
    found.ok_or_else(|| {
        let shown = schema.map_or(table.to_owned(), |schema| format!("{schema}.{table}"));
        Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{shown}\" does not exist"))
    })
}

/// A table to be vacuumed or analyzed: 42P01, and 42703 for a column it does not have.
fn maintained<'a>(table: &Maintained, context: PlanContext<'a>) -> Result<&'a Arc<Relation>> {
    let relation = named_relation(table.schema.as_deref(), &table.table, context)?;
    match table.columns.iter().find(|column| relation.column(column).is_none()) {
        None => Ok(relation),
        Some(column) => {
            let message = format!("column \"{column}\" of relation \"{}\" does not exist", relation.name);
            Err(Error::new(SqlState::UNDEFINED_COLUMN, message))
        }
    }
}

fn maintenance(step: &Maintenance, context: PlanContext<'_>) -> Result<String> {
    Ok(match step {
        Maintenance::Vacuum(tables) => {
            tables.iter().try_for_each(|table| maintained(table, context).map(|_| ()))?;
            "VACUUM".to_owned()
        }
        Maintenance::Checkpoint => "PRAGMA wal_checkpoint(PASSIVE)".to_owned(),
        Maintenance::Analyze(None) => "ANALYZE".to_owned(),
        Maintenance::Analyze(Some(table)) => {
            let relation = maintained(table, context)?;
            let mut sql = "ANALYZE ".to_owned();
            match relation.kind {
                RelationKind::Table => lower::print::quote(&mut sql, &relation.sqlite_name),
                _ => return Ok("ANALYZE".to_owned()),
            }
            sql
        }
    })
}

/// A cursor's plan, what it is positioned on, its parameters, and whether it goes backwards by itself.
type CursorQuery = (Arc<Plan>, PositionedOn, Vec<Oid>, bool);

/// The query of DECLARE.
fn cursor_query(
    query: &SelectStmt,
    param_types: &[Oid],
    context: PlanContext<'_>,
    source: &Source<'_>,
) -> Result<CursorQuery> {
    // Its plan is kept without the constants that were lifted out of the text.
    let inner = Source { literals: Vec::new(), ..source.clone() };
    let mut analyzer = Analyzer::new(context, &inner, param_types);
    if let SelectBody::Select(simple) = &query.body
        && let Some(into) = &simple.into
    {
        let error = Error::new(SqlState::SYNTAX_ERROR, "SELECT ... INTO is not allowed here");
        return Err(analyzer.at(error, into.relation.location));
    }
    let mut tree = analyzer.query(query)?;
    analyzer.check_policies()?;
    let columns = Some(describe(&analyzer, &tree_targets(&tree), &tree));
    let scrolls = tree.scans_backward();
    let positioned = analyzer.position_on_rows(&mut tree);
    let (tag, action) = (Tag::Select, Action::Sqlite(lowered_query(&analyzer, &tree)?));
    analyzer.check_params()?;
    let param = |oid: &Oid| ParamType { oid: *oid, repr: repr_of(context.catalog, *oid) };
    let plan = Plan { params: analyzer.params.iter().map(param).collect(), columns, tag, action };
    Ok((Arc::new(plan), positioned, analyzer.params.clone(), scrolls))
}

#[cfg(test)]
#[path = "planner_tests.rs"]
mod tests;
