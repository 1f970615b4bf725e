//! FOR UPDATE and FOR SHARE: which queries they may stand in, and how long they wait.
//!
//! Owns: [`Analyzer::lock_rows`]. Must not know: how rows are locked. Specification: sql-select.html#SQL-FOR-UPDATE-SHARE,
//! CheckSelectLocking in analyze.c.

use crate::catalog::acl::Privileges;
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::plan::LockWait;
use crate::sql::syntax::ast::query::{self as ast, LockStrength, LockWaitPolicy, LockingClause, SelectBody};
use crate::sql::tree::{Body, Expr};

impl Analyzer<'_> {
    /// FOR UPDATE and its like. NOWAIT's error is about the table that OF or else FROM names first.
    pub(super) fn lock_rows(&mut self, lock: &LockingClause, ast: &SelectBody, body: &Body) -> Result<()> {
        refuse_lock(lock, body)?;
        self.check_locked_names(lock, ast)?;
        for table in locked_tables(lock, ast) {
            if let Ok(relation) = self.relation(table) {
                self.permissions.borrow_mut().change(relation.oid, Privileges::UPDATE, &[]);
            }
        }
        let wait = match lock.wait {
            LockWaitPolicy::Block => LockWait::Usual,
            LockWaitPolicy::Skip | LockWaitPolicy::Error => {
                LockWait::Never(format!("row in relation \"{}\"", locked_table(lock, ast).unwrap_or_default()))
            }
        };
        if self.locks_rows.as_ref().is_none_or(|known| *known == LockWait::Usual) {
            self.locks_rows = Some(wait);
        }
        Ok(())
    }

    /// What OF names must be in FROM, and have rows of tables (transformLockingClause).
    fn check_locked_names(&self, lock: &LockingClause, body: &SelectBody) -> Result<()> {
        let SelectBody::Select(select) = body else { return Ok(()) };
        for wanted in &lock.relations {
            let mut found = None;
            select.from.iter().for_each(|item| find_item(item, &wanted.relation, &mut found));
            let strength = strength(lock);
            let error = match found {
                Some(Named::Rows) => continue,
                Some(Named::Other(what)) => {
                    let message = format!("FOR {strength} cannot be applied to {what}");
                    Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
                }
                None => {
                    let message =
                        format!("relation \"{}\" in FOR {strength} clause not found in FROM clause", wanted.relation);
                    Error::new(SqlState::UNDEFINED_TABLE, message)
                }
            };
            return Err(self.at(error, wanted.location));
        }
        Ok(())
    }
}

/// What a name in FROM stands for.
enum Named {
    Rows,
    Other(&'static str),
}

fn find_item(item: &ast::FromItem, name: &str, found: &mut Option<Named>) {
    let is_it = |alias: Option<&ast::Alias>| alias.is_some_and(|alias| alias.name == name);
    match item {
        ast::FromItem::Relation(table) => {
            let shown = table.alias.as_ref().map_or(&table.relation, |alias| &alias.name);
            if shown == name {
                *found = Some(Named::Rows);
            }
        }
        ast::FromItem::Subselect(sub) if is_it(sub.alias.as_ref()) => *found = Some(Named::Rows),
        ast::FromItem::TableSample(sample) if sample.relation.relation == name => *found = Some(Named::Rows),
        ast::FromItem::Function(function) if is_it(function.alias.as_ref()) => {
            *found = Some(Named::Other("a function"));
        }
        ast::FromItem::Join(join) => {
            let using = match &join.quals {
                ast::JoinQuals::Using(_, alias) => is_it(alias.as_ref()),
                _ => false,
            };
            if is_it(join.alias.as_ref()) || using {
                *found = Some(Named::Other("a join"));
                return;
            }
            // Within a join that has an alias no name can be seen.
            if join.alias.is_none() {
                find_item(&join.left, name, found);
                find_item(&join.right, name, found);
            }
        }
        _ => {}
    }
}

fn strength(lock: &LockingClause) -> &'static str {
    match lock.strength {
        LockStrength::ForKeyShare => "KEY SHARE",
        LockStrength::ForShare => "SHARE",
        LockStrength::ForNoKeyUpdate => "NO KEY UPDATE",
        LockStrength::ForUpdate => "UPDATE",
    }
}

/// FOR UPDATE locks rows of tables: 0A000 where the query's rows are none (CheckSelectLocking).
fn refuse_lock(lock: &LockingClause, body: &Body) -> Result<()> {
    let with = match body {
        Body::Select(select) => {
            let in_targets = |test: fn(&Expr) -> bool| select.targets.iter().any(|target| test(&target.expr));
            let clauses = [
                (select.distinct || !select.distinct_on.is_empty(), "DISTINCT clause"),
                (!select.group_by.is_empty(), "GROUP BY clause"),
                (select.having.is_some(), "HAVING clause"),
                (in_targets(Expr::contains_aggregate), "aggregate functions"),
                (in_targets(Expr::contains_window), "window functions"),
            ];
            clauses.into_iter().find(|(present, _)| *present).map(|(_, clause)| clause)
        }
        Body::Values { .. } => None,
        Body::SetOperation { .. } => Some("UNION/INTERSECT/EXCEPT"),
    };
    match with {
        None => Ok(()),
        Some(with) => {
            let strength = strength(lock);
            Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("FOR {strength} is not allowed with {with}")))
        }
    }
}

/// The tables whose rows a locking clause is about, those of sub-queries among them.
fn locked_tables<'q>(lock: &LockingClause, body: &'q SelectBody) -> Vec<&'q ast::RangeVar> {
    let SelectBody::Select(select) = body else { return Vec::new() };
    let mut tables = Vec::new();
    select.from.iter().for_each(|item| read_tables(item, &mut tables));
    let shown = |table: &ast::RangeVar| table.alias.as_ref().map_or(table.relation.clone(), |a| a.name.clone());
    let named = |table: &ast::RangeVar| lock.relations.iter().any(|wanted| wanted.relation == shown(table));
    tables.retain(|table| lock.relations.is_empty() || named(table));
    for item in &select.from {
        if let ast::FromItem::Subselect(sub) = item {
            let wanted = |alias: &ast::Alias| lock.relations.iter().any(|wanted| wanted.relation == alias.name);
            if lock.relations.is_empty() || sub.alias.as_ref().is_some_and(wanted) {
                let all = LockingClause { relations: Vec::new(), ..lock.clone() };
                tables.extend(locked_tables(&all, &sub.subquery.body));
            }
        }
    }
    tables
}

/// The table whose rows a locking clause is about: that which OF names, or the first that FROM reads.
fn locked_table(lock: &LockingClause, body: &SelectBody) -> Option<String> {
    let SelectBody::Select(select) = body else { return None };
    let mut tables = Vec::new();
    select.from.iter().for_each(|item| read_tables(item, &mut tables));
    let wanted = lock.relations.first().map(|relation| relation.relation.as_str());
    let shown = |table: &ast::RangeVar| table.alias.as_ref().map_or(table.relation.clone(), |a| a.name.clone());
    let found = tables.into_iter().find(|table| wanted.is_none_or(|wanted| shown(table) == wanted));
    found.map(|table| table.relation.clone())
}

fn read_tables<'q>(item: &'q ast::FromItem, tables: &mut Vec<&'q ast::RangeVar>) {
    match item {
        ast::FromItem::Relation(table) => tables.push(table),
        ast::FromItem::TableSample(sample) => tables.push(&sample.relation),
        ast::FromItem::Join(join) => {
            read_tables(&join.left, tables);
            read_tables(&join.right, tables);
        }
        ast::FromItem::Subselect(_) | ast::FromItem::Function(_) | ast::FromItem::TableFunc(_) => {}
    }
}
