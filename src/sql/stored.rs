//! Expressions and queries that schema objects are made of: defaults, checks, index keys, views.
//!
//! Owns: [`relation_expression`], [`describe_query`], [`view_dependencies`]: what carries a schema change out needs of
//! the analyser. Must not know: how it is carried out.

use std::sync::Arc;

use crate::catalog::policy::SecurityContext;
use crate::catalog::routines::{Parameter, Routine};
use crate::catalog::schema::{CatalogSnapshot, Column, Relation};
use crate::error::{Error, Result, SqlState};
use crate::settings::Settings;
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::names::output_name;
use crate::sql::analyze::support::SupportFunction;
use crate::sql::analyze::updatable_view::ViewRow;
use crate::sql::casts::CastContext;
use crate::sql::declared::declared_outputs;
use crate::sql::functions::RoutineCall;
use crate::sql::lower;
use crate::sql::permission::PermissionEntry;
use crate::sql::plan::{Bind, LockWait, SqliteStatement};
use crate::sql::planner::{NOWHERE, PlanContext};
use crate::sql::scan::Source;
use crate::sql::syntax::ast::expression::{ColumnRef, Expr as Ast, Field};
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::query::{ResTarget, SelectBody, SelectStmt};
use crate::sql::syntax::parse;
use crate::sql::tree::{self, Expr, ExprKind, FunctionRef, Query};
use crate::types::pg_type::{Oid, Repr, Scalar};

pub use crate::sql::analyze::analyzer::Dependencies;
pub use crate::sql::analyze::stored::search_path;
pub use crate::sql::analyze::updatable_view::NO_COLUMNS;

/// PostgreSQL takes any function in a CHECK, SQLite those only that always give the same.
fn taken_as_immutable(expr: &mut Expr) {
    if let ExprKind::Func(function, _) = &mut expr.kind {
        *function = FunctionRef(RoutineCall::immutable(function.0));
    }
    expr.for_each_child_mut(&mut taken_as_immutable);
}

fn without_parameters(binds: &[Bind]) -> Result<()> {
    if binds.is_empty() {
        return Ok(());
    }
    Err(Error::new(SqlState::UNDEFINED_PARAMETER, "there is no parameter $1"))
}

fn empty_source() -> Source<'static> {
    Source { text: "", offset: 0, key: String::new(), literals: Vec::new(), tokens: Vec::new() }
}

/// Where an expression comes from: that decides what unqualified names mean in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From the statement that is being carried out: the session's search path.
    Statement,
    /// From the catalog.
    Stored,
}

impl Origin {
    /// What is stored was allowed when it was written.
    fn within(self, context: PlanContext<'_>) -> PlanContext<'_> {
        match self {
            Origin::Statement => context,
            Origin::Stored => PlanContext { may_use: &|_| true, security: None, ..context },
        }
    }
}

/// What an expression must become.
#[derive(Clone, Copy, Debug)]
pub enum Target<'t> {
    /// It keeps its type.
    Any,
    /// A condition of that clause ("CHECK", "WHERE"); 42804 unless it is boolean.
    Condition(&'t str),
    /// It is assigned to a column or variable of that type, as in INSERT.
    Assignment(Oid, i32),
    /// As `Assignment`, by an explicit cast if need be.
    Cast(Oid, i32),
}

/// An analysed expression and the columns it refers to.
#[derive(Clone, Debug)]
pub struct RelationExpression {
    pub sql: String,
    pub type_oid: Oid,
    pub typmod: i32,
    /// The type before it was made the target's.
    pub natural_type: Oid,
    /// Attribute numbers, ascending.
    pub columns: Vec<i16>,
    /// The users' functions that it calls.
    pub routines: Vec<Oid>,
}

/// An expression over one relation's columns, which are printed bare: a CHECK, an index key, a predicate, a generated
/// column, ALTER … USING. `None` comes back when the target's type cannot be reached from `natural_type`, which is
/// the `Err` then.
pub fn relation_expression(
    expr: &Ast,
    relation: Option<&Relation>,
    (origin, target): (Origin, Target<'_>),
    context: PlanContext<'_>,
) -> Result<Result<RelationExpression, Oid>> {
    let words = if relation.is_none() { Some(("DEFAULT expressions", "DEFAULT expression")) } else { None };
    expression_for(expr, relation, (origin, target), words, context)
}

/// An index's key over the columns of the table.
pub fn index_key(text: &str, relation: &Relation, context: PlanContext<'_>) -> Result<Expr> {
    let ast = parse::expression(text)?;
    let source = empty_source();
    let mut analyzer = Analyzer::new(Origin::Stored.within(context), &source, &[]);
    analyzer.search_path = search_path();
    analyzer.reads_kept_text = true;
    let row = analyzer.fresh_entry();
    let typed = analyzer.expr_over(&ast, Some((row, relation)))?;
    analyzer.resolve_unknown(typed)
}

/// A partition key's expression over a table's columns.
pub fn key_expression(
    expr: &Ast,
    relation: &Relation,
    context: PlanContext<'_>,
) -> Result<Result<RelationExpression, Oid>> {
    let words = Some(("partition key expressions", "partition key expression"));
    expression_for(expr, Some(relation), (Origin::Statement, Target::Any), words, context)
}

/// A constant of a partition's bound, for a key of that type.
pub fn bound_expression(
    expr: &Ast,
    (type_oid, typmod): (Oid, i32),
    context: PlanContext<'_>,
) -> Result<Result<RelationExpression, Oid>> {
    let how = (Origin::Statement, Target::Assignment(type_oid, typmod));
    expression_for(expr, None, how, Some(("partition bound", "partition bound")), context).map_err(|error| match error
        .code()
    {
        SqlState::UNDEFINED_COLUMN | SqlState::UNDEFINED_TABLE => {
            let message = "cannot use column reference in partition bound expression";
            Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
        }
        _ => error,
    })
}

/// With words for what may be in it only if it is over the row alone.
fn expression_for(
    expr: &Ast,
    relation: Option<&Relation>,
    (origin, target): (Origin, Target<'_>),
    words: Option<(&str, &str)>,
    context: PlanContext<'_>,
) -> Result<Result<RelationExpression, Oid>> {
    let source = empty_source();
    let context = origin.within(context);
    let mut analyzer = Analyzer::new(context, &source, &[]);
    if origin == Origin::Stored {
        analyzer.search_path = search_path();
        analyzer.reads_kept_text = true;
    }
    let row = analyzer.fresh_entry();
    let typed = analyzer.expr_over(expr, relation.map(|relation| (row, relation)))?;
    let natural_type = typed.type_oid;
    if let Some((all, one)) = words.or(match target {
        _ if origin == Origin::Stored => None,
        Target::Condition("CHECK") => Some(("check constraints", "check constraint")),
        Target::Condition("WHERE") => Some(("index predicates", "index predicate")),
        _ => None,
    }) {
        analyzer.refuse_beyond_row(&typed, all, one)?;
    }
    let typed = match target {
        Target::Any => Some(analyzer.resolve_unknown(typed)?),
        Target::Condition(clause) => Some(analyzer.boolean(typed, clause)?),
        Target::Assignment(to, typmod) => analyzer.try_coerce(typed, to, typmod, CastContext::Assignment)?,
        Target::Cast(to, typmod) => analyzer.try_coerce(typed, to, typmod, CastContext::Explicit)?,
    };
    let Some(mut typed) = typed else { return Ok(Err(natural_type)) };
    if matches!(target, Target::Condition("CHECK")) {
        taken_as_immutable(&mut typed);
    }
    let lowering = lower::Context { without_queries: true, ..lower::Context::of(&analyzer) };
    let translated = lower::expression(&typed, relation.map(|relation| (row, relation)), lowering)?;
    without_parameters(&translated.binds)?;
    let of_row = |oid: Oid| relation.is_none_or(|relation| relation.oid == oid);
    let used = analyzer.used.borrow();
    let columns = used.columns.iter().filter(|(oid, _)| of_row(*oid)).map(|(_, number)| *number).collect();
    let routines = used.routines.iter().copied().collect();
    drop(used);
    Ok(Ok(RelationExpression {
        sql: translated.sql,
        type_oid: typed.type_oid,
        typmod: typed.typmod,
        natural_type,
        columns,
        routines,
    }))
}

/// A query's output columns (name, type, modifier), its text in SQLite's dialect and what it refers to: CREATE VIEW
/// and CREATE TABLE AS.
#[derive(Clone, Debug)]
pub struct DescribedQuery {
    pub columns: Vec<(String, Oid, i32)>,
    pub sql: String,
    pub used: Dependencies,
    /// What reading it needs to be allowed.
    pub permissions: Vec<PermissionEntry>,
}

/// Analyses a query of the statement that is being carried out, or a stored one, which says what it means to nobody in
/// particular.
pub fn describe_query(query: &SelectStmt, origin: Origin, context: PlanContext<'_>) -> Result<DescribedQuery> {
    query_for(query, origin, origin.within(context)).map_err(|error| match error.fields().position {
        Some(NOWHERE) => error.without_position(),
        _ => error,
    })
}

/// Analyses a stored query that is going to be run for somebody.
pub fn stored_query_for(
    query: &SelectStmt,
    security: Option<&SecurityContext>,
    context: PlanContext<'_>,
) -> Result<DescribedQuery> {
    let context = PlanContext { security, ..Origin::Stored.within(context) };
    query_for(query, Origin::Stored, context).map_err(Error::without_position)
}

fn query_for(query: &SelectStmt, origin: Origin, context: PlanContext<'_>) -> Result<DescribedQuery> {
    let source = empty_source();
    let mut analyzer = Analyzer::new(context, &source, &[]);
    if origin == Origin::Stored {
        analyzer.search_path = search_path();
    }
    let tree: Query = analyzer.query(query)?;
    analyzer.check_policies()?;
    let translated = lower::query(&tree, lower::Context::of(&analyzer))?.translated;
    without_parameters(&translated.binds)?;
    let mut used = analyzer.used.take();
    // Columns of what the views it reads refer to are theirs.
    used.columns.retain(|(relation, _)| used.relations.contains(relation));
    let permissions = analyzer.permissions.take().entries();
    let declared = declared_outputs(context.catalog, &tree);
    let columns = tree.outputs().into_iter().zip(declared);
    let columns =
        columns.map(|((name, base, typmod), oid)| (name, oid, if oid == base { typmod } else { -1 })).collect();
    Ok(DescribedQuery { columns, sql: translated.sql, used, permissions })
}

/// What a view's stored query refers to; nothing if it cannot be analysed any more.
pub fn view_dependencies(text: &str, context: PlanContext<'_>) -> Dependencies {
    let described = parse::query(text).and_then(|query| describe_query(&query, Origin::Stored, context));
    described.map(|d| d.used).unwrap_or_default()
}

/// Whether a value of one type can be assigned to something of another.
pub fn can_assign(from: Oid, to: Oid, context: PlanContext<'_>) -> bool {
    let source = empty_source();
    // A domain takes what its base type takes, and checks it then.
    let to = crate::sql::types::base_type(context.catalog, to, -1).0;
    Analyzer::new(context, &source, &[]).can_coerce(from, to, CastContext::Assignment)
}

/// The function of that name for arguments of these types, for an aggregate, an operator or a cast.
pub fn support_function(name: &[String], types: &[Oid], context: PlanContext<'_>) -> Result<SupportFunction> {
    let source = empty_source();
    Analyzer::new(context, &source, &[]).support_function(name, types)
}

/// Whether a value of one type is one of the other as it is, without being asked.
pub fn is_binary_coercible(from: Oid, to: Oid, context: PlanContext<'_>) -> bool {
    let source = empty_source();
    Analyzer::new(context, &source, &[]).is_binary_coercible(from, to)
}

/// What is cast: a type, and of a record its columns.
#[derive(Clone, Debug)]
pub struct CastSource {
    pub type_oid: Oid,
    pub fields: Option<Vec<(String, Oid, i32)>>,
}

/// A statement of one row that casts its parameter as an assignment does; where there is no such cast, the text of the
/// value is read as one of the other type (COERCION_PLPGSQL).
pub fn cast_statement(from: CastSource, (to, typmod): (Oid, i32), context: PlanContext<'_>) -> Result<SqliteStatement> {
    let source = empty_source();
    let mut analyzer = Analyzer::new(context, &source, &[from.type_oid]);
    analyzer.is_inner = true;
    let is_record = from.fields.is_some();
    let value = match from.fields {
        Some(fields) => {
            let modifier = analyzer.records.modifier(context.catalog, fields);
            Expr { typmod: modifier, ..Expr::new(ExprKind::Param(0), Oid::RECORD) }
        }
        None => {
            let (type_oid, typmod) = analyzer.base_type(from.type_oid, -1);
            Expr { typmod, ..analyzer.parameter(0, type_oid) }
        }
    };
    let direct = match is_record {
        true => None,
        false => analyzer.try_coerce(value.clone(), to, typmod, CastContext::Assignment)?,
    };
    let cast = match direct {
        Some(cast) => cast,
        None => {
            let text = analyzer.try_coerce(value, Oid::TEXT, -1, CastContext::Explicit)?;
            let text = text.ok_or_else(|| Error::unsupported("this cast"))?;
            let read = analyzer.try_coerce(text, to, -1, CastContext::Explicit)?;
            let read = read.ok_or_else(|| {
                let names = [from.type_oid, to].map(|oid| analyzer.type_name(oid));
                let message = format!("cannot cast type {} to {}", names[0], names[1]);
                Error::new(SqlState::CANNOT_COERCE, message)
            })?;
            match typmod {
                -1 => read,
                _ => analyzer
                    .try_coerce(read, to, typmod, CastContext::Assignment)?
                    .ok_or_else(|| Error::internal("a cast to a modifier"))?,
            }
        }
    };
    let target = tree::Target { expr: cast, name: String::new() };
    let lowered = lower::query(&Query::of_targets(vec![target]), lower::Context::of(&analyzer))?;
    Ok(SqliteStatement {
        sql: lowered.translated.sql.into(),
        binds: lowered.translated.binds,
        write: analyzer.writes,
        locks_rows: false,
        waits: false,
        wait: LockWait::Usual,
        target: None,
        permissions: analyzer.permissions.borrow().entries().into(),
        key_sources: Vec::new(),
        folded: None,
        before: lowered.before,
        fires: lowered.fires,
    })
}

/// The columns of a view that can be written to, by number; `Err` says why rows cannot even be deleted from it.
pub fn updatable_columns(view: &Relation, context: PlanContext<'_>) -> Result<std::result::Result<Vec<i16>, Refusal>> {
    let source = empty_source();
    let mut analyzer = Analyzer::new(context, &source, &[]);
    let entry = analyzer.fresh_entry();
    let row = analyzer.updatable_view(view, entry)?;
    let number = |place: usize| view.columns.get(place).map(|column| column.number);
    let writable = |row: ViewRow<'_>| row.updatable_columns().filter_map(number).collect();
    Ok(row.map(writable).map_err(|(view, why)| Refusal { view: view.oid, why }))
}

/// The view, the one asked for or one below it, that cannot be written to, and why.
#[derive(Clone, Copy, Debug)]
pub struct Refusal {
    pub view: Oid,
    pub why: &'static str,
}

/// The name an index over an expression takes from it: the function's, or "expr".
pub fn expression_name(expr: &Ast) -> String {
    match output_name(expr).as_str() {
        "?column?" => "expr".to_owned(),
        name => name.to_owned(),
    }
}

/// A query whose `*` stands for the columns there are now, as a view keeps it.
pub fn expand_stars(query: &SelectStmt, columns: &[(String, Oid, i32)]) -> SelectStmt {
    let mut query = query.clone();
    expand_body(&mut query.body, columns);
    query
}

fn expand_body(body: &mut SelectBody, columns: &[(String, Oid, i32)]) {
    match body {
        SelectBody::SetOperation(operation) => expand_body(&mut operation.left.body, columns),
        SelectBody::Select(select) => expand_targets(&mut select.targets, columns),
        SelectBody::Values(_) => {}
    }
}

/// The names before a target's star.
fn star_qualifier(target: &ResTarget) -> Option<Vec<Field>> {
    let Some(Ast::ColumnRef(column)) = &target.value else { return None };
    let (last, qualifier) = column.fields.split_last()?;
    (*last == Field::Star).then(|| qualifier.to_vec())
}

/// Replaces a wildcard by the columns it stands for, which are those the other items leave over. With several
/// wildcards in one list it is not known where one ends; they stay, and mean new columns too.
fn expand_targets(targets: &mut Vec<ResTarget>, columns: &[(String, Oid, i32)]) {
    let stars: Vec<(usize, Vec<Field>)> =
        targets.iter().enumerate().filter_map(|(at, target)| Some((at, star_qualifier(target)?))).collect();
    let [(position, qualifier)] = stars.as_slice() else { return };
    let Some(count) = (columns.len() + 1).checked_sub(targets.len()) else { return };
    let Some(stood_for) = columns.get(*position..position + count) else { return };
    let items: Vec<ResTarget> = stood_for
        .iter()
        .map(|(name, ..)| {
            let mut fields = qualifier.clone();
            fields.push(Field::Name(name.clone()));
            let value = Some(Ast::ColumnRef(ColumnRef { fields, location: Location::UNKNOWN }));
            ResTarget { name: None, indirection: Vec::new(), value, location: Location::UNKNOWN }
        })
        .collect();
    targets.splice(*position..=*position, items);
}

/// A column of a relation as an expression.
pub fn column_expression(name: &str) -> Ast {
    let fields = vec![Field::Name(name.to_owned())];
    Ast::ColumnRef(ColumnRef { fields, location: Location::UNKNOWN })
}

/// The name that an expression is, and nothing else.
pub fn column_name(expression: &Ast) -> Option<&str> {
    let Ast::ColumnRef(column) = expression else { return None };
    match column.fields.as_slice() {
        [Field::Name(name)] => Some(name),
        _ => None,
    }
}

/// Whether an expression is nothing but a column.
pub fn is_column(expression: &Ast) -> bool {
    matches!(expression, Ast::ColumnRef(_))
}

/// The context of an analysis outside of any session's statement.
pub fn context<'a>(catalog: &'a Arc<CatalogSnapshot>, settings: &'a Settings) -> PlanContext<'a> {
    PlanContext { catalog, settings, user: "", database: "", may_use: &|_| true, security: None }
}

/// A relation whose columns are a routine's input parameters, for expressions over them.
pub fn parameter_relation(routine: &Routine, catalog: &CatalogSnapshot) -> Relation {
    let inputs = routine.parameters.iter().filter(|parameter| parameter.mode.is_input());
    let column = |(parameter, number): (&Parameter, i16)| {
        let repr = catalog.repr(parameter.type_oid).unwrap_or(Repr::scalar(Scalar::Text));
        Column::new(number, parameter.name.clone(), (parameter.type_oid, -1), repr)
    };
    Relation {
        oid: routine.oid,
        name: routine.name.clone(),
        columns: inputs.zip(1..).map(column).collect(),
        ..value_relation(Oid::TEXT, -1, catalog)
    }
}

/// A relation of the one column VALUE, over which a domain's checks are analysed.
pub fn value_relation(type_oid: Oid, typmod: i32, catalog: &CatalogSnapshot) -> Relation {
    let repr = catalog.repr(type_oid).unwrap_or(Repr::scalar(Scalar::Text));
    Relation {
        oid: Oid::INVALID,
        schema: String::new(),
        name: "value".to_owned(),
        kind: crate::catalog::schema::RelationKind::Table,
        temporary: false,
        sqlite_name: "value".to_owned(),
        columns: vec![Column::new(1, "value".to_owned(), (type_oid, typmod), repr)],
        constraints: Vec::new(),
        indexes: Vec::new(),
        view_query: None,
        sequence: None,
        declared: true,
        options: Default::default(),
    }
}
