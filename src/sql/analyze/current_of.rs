//! WHERE CURRENT OF: which rows a cursor stands on, and the condition that names them.
//!
//! Owns: [`Analyzer::position_on_rows`], [`Analyzer::current_of`]. Must not know: where a cursor stands (`session::cursors`
//! tells `engine::context`). Specification: sql-declare.html, execCurrentOf in execCurrent.c.

use crate::catalog::schema::RelationKind;
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::tree::{Body, EntryKind, Expr, ExprKind, FromItem, Query, Target, Var};
use crate::types::pg_type::Oid;

impl Analyzer<'_> {
    /// Adds to a cursor's query the numbers of the rows that its rows are made of, behind its columns. Those of a query
    /// of one table are known, and with FOR UPDATE those of a join.
    pub(in crate::sql) fn position_on_rows(&mut self, query: &mut Query) -> Vec<Oid> {
        let locked = self.locks_rows.is_some();
        let Body::Select(select) = &mut query.body else { return Vec::new() };
        let exprs = || select.targets.iter().map(|target| &target.expr);
        let made_of_rows = !select.distinct
            && select.distinct_on.is_empty()
            && select.group_by.is_empty()
            && select.having.is_none()
            && !query.with_ties
            && !exprs().any(|expr| expr.contains_aggregate() || expr.contains_window() || expr.contains_set());
        let entries: Vec<_> = select.from.iter().flat_map(FromItem::entries).collect();
        if !made_of_rows || !locked && entries.len() != 1 {
            return Vec::new();
        }
        let table = |oid: Oid| {
            self.catalog()
                .relations
                .get(&oid)
                .filter(|relation| relation.kind == RelationKind::Table && !relation.is_materialized())
        };
        let rows: Vec<Var> = entries
            .iter()
            .filter_map(|entry| match entry.kind {
                EntryKind::Relation(oid) => {
                    table(oid).map(|_| Var { entry: entry.id, attribute: Var::CTID, origin: (oid, 0), not_null: false })
                }
                _ => None,
            })
            .collect();
        let tables = rows.iter().map(|row| row.origin.0).collect();
        let number = |row| Target { name: String::new(), expr: Expr::new(ExprKind::Var(row), Oid::TID) };
        select.targets.extend(rows.into_iter().map(number));
        tables
    }

    /// The condition of WHERE CURRENT OF, over the first table in scope.
    pub(super) fn current_of(&mut self, cursor: &str) -> Result<Expr> {
        let target = self.scopes.last().and_then(|scope| scope.entries.first());
        let Some(target) = target else { return Err(Error::internal("WHERE CURRENT OF without a table")) };
        let Some(relation) = target.relation else {
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "WHERE CURRENT OF on a view is not implemented"));
        };
        if target.has_members {
            return Err(Error::unsupported("WHERE CURRENT OF on a table with members"));
        }
        let row = Var { entry: target.entry, attribute: Var::CTID, origin: (relation, 0), not_null: false };
        Ok(Expr::new(ExprKind::CurrentOf { row, cursor: cursor.to_owned() }, Oid::BOOL))
    }
}
