//! FOR UPDATE and FOR SHARE: which queries they may stand in, and how long they wait.
//!
//! Owns: [`Analyzer::lock_rows`]. Must not know: how rows are locked. Specification: sql-select.html#SQL-FOR-UPDATE-SHARE,
//! CheckSelectLocking in analyze.c.

use sqlparser::ast::{self, SetExpr};

use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::{Analyzer, fold};
use crate::sql::analyze::call::{contains_aggregate, contains_window};
use crate::sql::plan::LockWait;
use crate::sql::tree::{Body, Expr};

impl Analyzer<'_> {
    /// FOR UPDATE and its like. NOWAIT's error is about the table that OF or else FROM names first.
    pub(super) fn lock_rows(&mut self, lock: &ast::LockClause, ast: &SetExpr, body: &Body) -> Result<()> {
        refuse_lock(lock, body)?;
        let wait = match lock.nonblock {
            None => LockWait::Usual,
            Some(_) => LockWait::Never(format!("row in relation \"{}\"", locked_table(lock, ast).unwrap_or_default())),
        };
        if self.locks_rows.as_ref().is_none_or(|known| *known == LockWait::Usual) {
            self.locks_rows = Some(wait);
        }
        Ok(())
    }
}

/// FOR UPDATE locks rows of tables: 0A000 where the query's rows are none (CheckSelectLocking).
fn refuse_lock(lock: &ast::LockClause, body: &Body) -> Result<()> {
    let with = match body {
        Body::Select(select) => {
            let in_targets = |test: fn(&Expr) -> bool| select.targets.iter().any(|target| test(&target.expr));
            let clauses = [
                (select.distinct || !select.distinct_on.is_empty(), "DISTINCT clause"),
                (!select.group_by.is_empty(), "GROUP BY clause"),
                (select.having.is_some(), "HAVING clause"),
                (in_targets(contains_aggregate), "aggregate functions"),
                (in_targets(contains_window), "window functions"),
            ];
            clauses.into_iter().find(|(present, _)| *present).map(|(_, clause)| clause)
        }
        Body::Values { .. } => None,
        Body::SetOperation { .. } => Some("UNION/INTERSECT/EXCEPT"),
    };
    match with {
        None => Ok(()),
        Some(with) => {
            let strength = match lock.lock_type {
                ast::LockType::Share => "SHARE",
                ast::LockType::Update => "UPDATE",
            };
            Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("FOR {strength} is not allowed with {with}")))
        }
    }
}

fn locked_table(lock: &ast::LockClause, body: &SetExpr) -> Option<String> {
    let SetExpr::Select(select) = body else { return None };
    let last = |name: &ast::ObjectName| name.0.last()?.as_ident().map(fold);
    let wanted = lock.of.as_ref().map(last);
    let read = select
        .from
        .iter()
        .flat_map(|item| std::iter::once(&item.relation).chain(item.joins.iter().map(|join| &join.relation)));
    let mut tables = read.filter_map(|factor| match factor {
        ast::TableFactor::Table { name, alias, .. } => {
            let name = last(name)?;
            Some((alias.as_ref().map_or_else(|| name.clone(), |a| fold(&a.name)), name))
        }
        _ => None,
    });
    let found = tables.find(|(alias, _)| wanted.as_ref().is_none_or(|wanted| wanted.as_ref() == Some(alias)));
    found.map(|(_, name)| name)
}
