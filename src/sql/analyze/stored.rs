//! Expressions and queries that schema objects are made of: defaults, checks, index keys, views.
//!
//! Owns: [`relation_expression`], [`describe_query`], [`column_value`]: what carries a schema change out needs of the
//! analyser. Must not know: how it is carried out.

use std::rc::Rc;
use std::sync::Arc;

use sqlparser::ast;

use crate::catalog::schema::{CatalogSnapshot, Relation};
use crate::error::{Error, Result, SqlState};
use crate::settings::Settings;
use crate::sql::analyze::analyzer::{Analyzer, repr_of};
use crate::sql::analyze::scope::{RangeColumn, RangeVar, Scope};
use crate::sql::casts::CastContext;
use crate::sql::plan::Bind;
use crate::sql::planner::PlanContext;
use crate::sql::scan::Source;
use crate::sql::translate;
use crate::sql::tree::{Expr, Query};
use crate::types::pg_type::Oid;

/// An expression in SQLite's dialect with its PostgreSQL type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedSql {
    pub sql: String,
    pub type_oid: Oid,
    pub typmod: i32,
}

fn without_parameters(binds: &[Bind]) -> Result<()> {
    if binds.is_empty() {
        return Ok(());
    }
    Err(Error::new(SqlState::UNDEFINED_PARAMETER, "there is no parameter $1"))
}

fn empty_source() -> Source<'static> {
    Source { text: "", offset: 0, key: String::new(), literals: Vec::new() }
}

/// An expression over one relation's columns, which are printed bare: a CHECK, an index key, a predicate, a generated
/// column, ALTER … USING. `target` is the type it is assigned to, if any (42804 when it cannot be).
pub fn relation_expression(
    expr: &ast::Expr,
    relation: Option<&Relation>,
    target: Option<(Oid, i32)>,
    context: PlanContext<'_>,
) -> Result<TypedSql> {
    let source = empty_source();
    let mut analyzer = Analyzer::new(context, &source, &[]);
    if let Some(relation) = relation {
        let entry = RangeVar::table(&analyzer, relation, relation.name.clone(), None);
        analyzer.scopes.push(Scope { entries: vec![entry], ..Scope::default() });
    }
    let typed = analyzer.stored_expr(expr)?;
    let typed = match target {
        Some((type_oid, typmod)) => {
            let from = typed.type_oid;
            let coerced = analyzer.try_coerce(typed, type_oid, typmod, CastContext::Assignment)?;
            coerced.ok_or_else(|| analyzer.cannot_cast(from, type_oid))?
        }
        None => analyzer.resolve_unknown(typed)?,
    };
    let translated = translate::expression(&typed, &|oid| repr_of(context.catalog, oid));
    without_parameters(&translated.binds)?;
    Ok(TypedSql { sql: translated.sql, type_oid: typed.type_oid, typmod: typed.typmod })
}

/// A query's output columns (name, type, modifier) and its text in SQLite's dialect: CREATE VIEW and CREATE TABLE AS.
pub fn describe_query(query: &ast::Query, context: PlanContext<'_>) -> Result<(Vec<(String, Oid, i32)>, String)> {
    let source = empty_source();
    let mut analyzer = Analyzer::new(context, &source, &[]);
    let tree: Query = analyzer.query(query)?;
    let translated = translate::query(&tree, &|oid| repr_of(context.catalog, oid));
    without_parameters(&translated.binds)?;
    Ok((tree.outputs(), translated.sql))
}

/// The context of an analysis outside of any session's statement.
pub fn context<'a>(catalog: &'a Arc<CatalogSnapshot>, settings: &'a Settings) -> PlanContext<'a> {
    PlanContext { catalog, settings, user: "", database: "" }
}

impl Analyzer<'_> {
    /// Analyses a stored expression in the scopes as they are.
    fn stored_expr(&mut self, expr: &ast::Expr) -> Result<Expr> {
        self.in_stored_text += 1;
        let result = self.expr(expr);
        self.in_stored_text -= 1;
        result
    }

    /// A domain's CHECK over `value`.
    pub(super) fn domain_check(&mut self, check: &str, value: &Expr) -> Result<Expr> {
        let ast = crate::sql::parse::expression(check)?;
        let column = RangeColumn { name: "value".to_owned(), expr: value.clone() };
        let name: Option<Rc<str>> = None;
        let entry = RangeVar {
            name: String::new(),
            schema: None,
            columns: vec![column],
            visible: true,
            only_qualified: false,
            relation: None,
            alias: name,
        };
        self.stored(|a| {
            a.scopes.push(Scope { entries: vec![entry], ..Scope::default() });
            let result = a.condition(&ast, "CHECK");
            a.scopes.pop();
            result
        })
    }
}
