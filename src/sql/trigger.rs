//! The conditions of triggers: WHEN (…), over `old` and `new`.
//!
//! Owns: [`condition`], [`text`]. Must not know: when triggers fire. Specification: sql-createtrigger.html,
//! CreateTriggerFiringOn() in trigger.c.

use std::sync::Arc;

use crate::catalog::definitions::Names;
use crate::catalog::schema::{Column, Relation, Uses};
use crate::catalog::trigger::{Timing, Trigger};
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::lower;
use crate::sql::planner::PlanContext;
use crate::sql::row_change::RowSql;
use crate::sql::ruleutils;
use crate::sql::scan::Source;
use crate::sql::stored::{self, Origin};
use crate::sql::syntax::ast::expression::Expr as Ast;
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
    let mut analyzer = Analyzer::new(PlanContext { may_use: &|_| true, ..context }, &source, &[]);
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
    let typed = analyzer.boolean(typed, "WHEN")?;
    refuse(&typed)?;
    refuse_rows(&typed, (old, new), trigger, relation)?;
    let mut columns: Vec<(Oid, i16)> = analyzer.used.borrow().columns.iter().copied().collect();
    columns.sort_unstable();
    let search_path = stored::search_path();
    let names = Names { catalog: context.catalog, search_path: &search_path };
    let text = ruleutils::condition_to_keep(expr, relation, &names, context);
    let text = text.unwrap_or_else(|_| print::expression(expr));
    Ok((text, Uses { columns, constraints: Vec::new() }))
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
fn refuse_rows(expr: &Expr, (old, new): (EntryId, EntryId), trigger: &Trigger, relation: &Relation) -> Result<()> {
    let names = |entry: EntryId, accept: &(dyn Fn(&Column) -> bool + '_)| {
        expr.any(&|part| match &part.kind {
            ExprKind::Var(var) => var.entry == entry && relation.column_by_number(var.attribute).is_none_or(accept),
            _ => false,
        })
    };
    let named = |entry| names(entry, &|_| true);
    let invalid = |message: &str| Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message.to_owned()));
    if !trigger.for_each_row && (named(old) || named(new)) {
        return invalid("statement trigger's WHEN condition cannot reference column values");
    }
    if trigger.events.insert && named(old) {
        return invalid("INSERT trigger's WHEN condition cannot reference OLD values");
    }
    if trigger.events.delete && named(new) {
        return invalid("DELETE trigger's WHEN condition cannot reference NEW values");
    }
    if trigger.timing != Timing::Before {
        return Ok(());
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
            return Err(error.with_detail(match whole {
                true => "A whole-row reference is used and the table contains generated columns.".to_owned(),
                false => format!("Column \"{}\" is a generated column.", column.name),
            }));
        }
    }
    Ok(())
}
