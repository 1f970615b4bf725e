//! WHERE CURRENT OF: which rows a cursor stands on, and the condition that names them.
//!
//! Owns: [`Analyzer::position_on_rows`], [`Analyzer::current_of`]. Must not know: where a cursor stands (`session::cursors`
//! tells `engine::context`). Specification: sql-declare.html, execCurrentOf in execCurrent.c.

use crate::catalog::schema::RelationKind;
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::plan::PositionedOn;
use crate::sql::tree::{Body, EntryId, EntryKind, Expr, ExprKind, FromItem, Query, TABLE_OID, Target, Var};
use crate::types::pg_type::Oid;

impl Analyzer<'_> {
    /// Adds to a cursor's query the rows that its rows are made of, behind its columns. Those of a query of one table are
    /// known, and with FOR UPDATE those of a join.
    pub(in crate::sql) fn position_on_rows(&mut self, query: &mut Query) -> PositionedOn {
        let locks = self.locks_rows.is_some();
        let nowhere = PositionedOn { locks, ..PositionedOn::default() };
        let marked: Vec<EntryId> = query.row_marks.iter().map(|mark| mark.entry).collect();
        let Body::Select(select) = &mut query.body else { return nowhere };
        let exprs = || select.targets.iter().map(|target| &target.expr);
        let made_of_rows = !select.distinct
            && select.distinct_on.is_empty()
            && select.group_by.is_empty()
            && select.having.is_none()
            && !query.with_ties
            && !exprs().any(|expr| expr.contains_aggregate() || expr.contains_window() || expr.contains_set());
        let entries: Vec<_> = select.from.iter().flat_map(FromItem::entries).collect();
        if !made_of_rows || !locks && entries.len() != 1 {
            return nowhere;
        }
        let table = |oid: Oid| {
            self.catalog()
                .relations
                .get(&oid)
                .filter(|relation| relation.kind == RelationKind::Table && !relation.is_materialized())
        };
        let var = |entry, attribute, oid| Var { entry, attribute, origin: (oid, 0), not_null: false };
        let mut tables = Vec::new();
        let mut rows = Vec::new();
        for entry in entries {
            let (oid, member) = match entry.kind {
                EntryKind::Relation(oid) => (oid, Expr::integer(oid.0.into(), Oid::OID)),
                EntryKind::Members(oid) => (oid, Expr::new(ExprKind::Var(var(entry.id, TABLE_OID, oid)), Oid::OID)),
                _ => continue,
            };
            if table(oid).is_some() && (marked.is_empty() || marked.contains(&entry.id)) {
                tables.push(oid);
                rows.extend([member, Expr::new(ExprKind::Var(var(entry.id, Var::CTID, oid)), Oid::TID)]);
            }
        }
        select.targets.extend(rows.into_iter().map(|expr| Target { name: String::new(), expr }));
        PositionedOn { tables: tables.into(), locks }
    }

    /// The condition of WHERE CURRENT OF, over the first table in scope.
    pub(super) fn current_of(&mut self, cursor: &str) -> Result<Expr> {
        let target = self.scopes.last().and_then(|scope| scope.entries.first());
        let Some(target) = target else { return Err(Error::internal("WHERE CURRENT OF without a table")) };
        let Some(relation) = target.relation else {
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "WHERE CURRENT OF on a view is not implemented"));
        };
        let (entry, has_members) = (target.entry, target.has_members);
        let cursor = Box::new(match self.cursor_variable(cursor)? {
            Some(variable) => variable,
            None => Expr::text(cursor),
        });
        let is_at = |attribute| {
            let row = Var { entry, attribute, origin: (relation, 0), not_null: false };
            Expr::new(ExprKind::CurrentOf { row, cursor: cursor.clone() }, Oid::BOOL)
        };
        Ok(match has_members {
            true => Expr::new(ExprKind::And(vec![is_at(TABLE_OID), is_at(Var::CTID)]), Oid::BOOL),
            false => is_at(Var::CTID),
        })
    }
}
