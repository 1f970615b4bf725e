//! The conditions of triggers: WHEN (…), over `old` and `new`.
//!
//! Owns: [`condition`], [`text`]. Must not know: when triggers fire. Specification: sql-createtrigger.html,
//! CreateTriggerFiringOn() in trigger.c.

use std::sync::Arc;

use crate::catalog::definitions::Names;
use crate::catalog::schema::{Column, Relation, Uses};
use crate::catalog::trigger::{Timing, Trigger};
use crate::error::{Error, Result, SqlState};
use crate::limits::stack;
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::lower;
use crate::sql::planner::PlanContext;
use crate::sql::row_change::RowSql;
use crate::sql::ruleutils;
use crate::sql::scan::Source;
use crate::sql::stored::{self, Origin};
use crate::sql::syntax::ast::expression::{Expr as Ast, Field};
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::grammar::locations::expr_location;
use crate::sql::syntax::{parse, print};
use crate::sql::tree::{EntryId, Expr, ExprKind};
use crate::types::pg_type::Oid;

/// A source of that text without constants of its own.
fn source(text: &str) -> Source<'_> {
    Source { text, offset: 0, key: String::new(), literals: Vec::new(), tokens: Vec::new() }
}

fn analysed(
    analyzer: &mut Analyzer<'_>,
    expr: &Ast,
    relation: &Relation,
    origin: Origin,
) -> Result<(Expr, (EntryId, EntryId))> {
    if origin == Origin::Stored {
        analyzer.search_path = stored::search_path();
    }
    let rows = (analyzer.fresh_entry(), analyzer.fresh_entry());
    let typed = analyzer.over_old_and_new(expr, relation, rows, origin == Origin::Stored)?;
    Ok((typed, rows))
}

/// A stored condition as SQLite evaluates it.
pub fn condition(text: &str, relation: &Relation, context: PlanContext<'_>) -> Result<RowSql> {
    let expr = parse::expression(text)?;
    let source = source("");
    let mut analyzer = Analyzer::new(PlanContext { may_use: &|_| true, security: None, ..context }, &source, &[]);
    let (typed, rows) = analysed(&mut analyzer, &expr, relation, Origin::Stored)?;
    let typed = analyzer.boolean(typed, "WHEN")?;
    let translated = lower::over_rows(&typed, rows, relation, lower::Context::of(&analyzer))?;
    Ok(RowSql { sql: Arc::from(translated.sql), binds: translated.binds })
}

/// Checks the condition of a trigger that is being made, and gives its text and what it refers to. `statement` is the
/// text it stands in.
pub fn text(
    expr: &Ast,
    trigger: &Trigger,
    relation: &Relation,
    statement: &str,
    context: PlanContext<'_>,
) -> Result<(String, Uses)> {
    let source = source(statement);
    let mut analyzer = Analyzer::new(context, &source, &[]);
    let (typed, (old, new)) = analysed(&mut analyzer, expr, relation, Origin::Statement)?;
    let typed = analyzer.boolean(typed, "WHEN").map_err(|error| analyzer.at(error, expr_location(expr)))?;
    refuse(&typed).map_err(|error| analyzer.at(error, expr_location(expr)))?;
    refuse_rows((&typed, expr), (old, new), trigger, relation).map_err(|(row, error)| {
        let location = reference(expr, row, &|_| true).unwrap_or(expr_location(expr));
        analyzer.at(error, location)
    })?;
    let mut columns: Vec<(Oid, i16)> = analyzer.used.borrow().columns.iter().copied().collect();
    columns.sort_unstable();
    let search_path = stored::search_path();
    let names = Names { catalog: context.catalog, search_path: &search_path };
    let text = ruleutils::condition_to_keep(expr, relation, &names, context);
    let text = text.unwrap_or_else(|_| print::expression(expr));
    Ok((text, Uses { columns, constraints: Vec::new(), routines: Vec::new() }))
}

/// What no condition may have.
fn refuse(expr: &Expr) -> Result<()> {
    let (code, message) = if expr.contains_aggregate() {
        (SqlState::GROUPING_ERROR, "aggregate functions are not allowed in trigger WHEN conditions")
    } else if expr.contains_window() {
        (SqlState::WINDOWING_ERROR, "window functions are not allowed in trigger WHEN conditions")
    } else if expr.any(&|part| part.subquery().is_some()) {
        (SqlState::FEATURE_NOT_SUPPORTED, "cannot use subquery in trigger WHEN condition")
    } else {
        return Ok(());
    };
    Err(Error::new(code, message))
}

/// The rows that a trigger of its kind does not have.
fn refuse_rows(
    (expr, written): (&Expr, &Ast),
    (old, new): (EntryId, EntryId),
    trigger: &Trigger,
    relation: &Relation,
) -> std::result::Result<(), (&'static str, Error)> {
    let names = |entry: EntryId, accept: &(dyn Fn(&Column) -> bool + '_)| {
        expr.any(&|part| match &part.kind {
            ExprKind::Var(var) => var.entry == entry && relation.column_by_number(var.attribute).is_none_or(accept),
            _ => false,
        })
    };
    let named = |entry| names(entry, &|_| true);
    let invalid = |row, message: &'static str| Err((row, Error::new(SqlState::INVALID_OBJECT_DEFINITION, message)));
    if !trigger.for_each_row && (named(old) || named(new)) {
        return invalid(
            if named(old) { "old" } else { "new" },
            "statement trigger's WHEN condition cannot reference column values",
        );
    }
    if trigger.events.insert && named(old) {
        return invalid("old", "INSERT trigger's WHEN condition cannot reference OLD values");
    }
    if trigger.events.delete && named(new) {
        return invalid("new", "DELETE trigger's WHEN condition cannot reference NEW values");
    }
    if trigger.timing != Timing::Before {
        return Ok(());
    }
    let is_system = |name: &str| SYSTEM_COLUMNS.contains(&name) && relation.column(name).is_none();
    if reference(written, "new", &is_system).is_some() {
        let message = "BEFORE trigger's WHEN condition cannot reference NEW system columns";
        return Err(("new", Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)));
    }
    let generated = relation.columns.iter().filter(|column| column.generated);
    for column in generated {
        let number = column.number;
        if names(new, &move |named| named.number == number) {
            let whole = expr.any(&|part| match &part.kind {
                ExprKind::Row { fields, .. } => fields.iter().any(|field| match &field.kind {
                    ExprKind::Var(var) => var.entry == new && var.attribute == column.number,
                    _ => false,
                }),
                _ => false,
            });
            let message = "BEFORE trigger's WHEN condition cannot reference NEW generated columns";
            let error = Error::new(SqlState::INVALID_OBJECT_DEFINITION, message);
            let error = error.with_detail(match whole {
                true => "A whole-row reference is used and the table contains generated columns.".to_owned(),
                false => format!("Column \"{}\" is a generated column.", column.name),
            });
            return Err(("new", error));
        }
    }
    Ok(())
}

/// The columns that every table has.
const SYSTEM_COLUMNS: &[&str] = &["tableoid", "ctid", "xmin", "cmin", "xmax", "cmax"];

/// Where an expression first names such a column of that row.
fn reference(expr: &Ast, row: &str, column: &dyn Fn(&str) -> bool) -> Option<Location> {
    stack::check().ok()?;
    let of = |part: &Ast| reference(part, row, column);
    let among = |parts: &[Ast]| parts.iter().find_map(of);
    match expr {
        Ast::ColumnRef(named) => {
            let is_row = matches!(named.fields.first(), Some(Field::Name(name)) if name == row);
            let is_column = match named.fields.get(1) {
                Some(Field::Name(name)) => column(name),
                _ => column(""),
            };
            (is_row && is_column).then_some(named.location)
        }
        Ast::AExpr(node) => node.left.as_ref().and_then(of).or_else(|| of(&node.right)),
        Ast::Bool(node) => among(&node.args),
        Ast::NullTest(node) => of(&node.arg),
        Ast::BooleanTest(node) => of(&node.arg),
        Ast::TypeCast(node) => of(&node.arg),
        Ast::FuncCall(node) => among(&node.args),
        Ast::Coalesce(node) => among(&node.args),
        Ast::MinMax(node) => among(&node.args),
        Ast::Row(node) => among(&node.args),
        Ast::List(parts) => among(parts),
        _ => None,
    }
}
