//! The rule of GROUP BY: outside of aggregates only grouped columns, or columns that a grouped primary key decides.
//!
//! Owns: [`Analyzer::check_grouped`]. Specification: sql-select.html#SQL-GROUPBY.

use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::tree::{Expr, ExprKind, Query, Var};

impl Analyzer<'_> {
    /// 42803 unless every column of this query level in the expression is grouped or inside an aggregate.
    pub(super) fn check_grouped(&mut self, expr: &Expr, group_by: &[Expr]) -> Result<()> {
        for key in group_by {
            if self.same_expr(expr, key) {
                return Ok(());
            }
        }
        match &expr.kind {
            ExprKind::Aggref(aggregate) if aggregate.over.is_none() => return Ok(()),
            ExprKind::Var(column) => {
                if self.is_local(column) && !self.decided_by_key(column, group_by) {
                    return Err(self.ungrouped(column));
                }
                return Ok(());
            }
            _ => {}
        }
        if let Some(query) = expr.subquery() {
            self.check_subquery(query, group_by)?;
        }
        let mut children = Vec::new();
        expr.for_each_child(&mut |child| children.push(child));
        children.into_iter().try_for_each(|child| self.check_grouped(child, group_by))
    }

    /// The same rule for the columns of this level that a sub-query refers to.
    fn check_subquery(&mut self, query: &Query, group_by: &[Expr]) -> Result<()> {
        let mut inner = Vec::new();
        query.for_each_expr(&mut |expr| inner.push(expr));
        while let Some(expr) = inner.pop() {
            let mut grouped = false;
            for key in group_by {
                grouped |= self.same_expr(expr, key);
            }
            if grouped {
                continue;
            }
            if let ExprKind::Var(column) = &expr.kind
                && self.is_local(column)
                && !self.decided_by_key(column, group_by)
            {
                let message =
                    format!("subquery uses ungrouped column \"{}\" from outer query", self.shown_name(column));
                return Err(Error::new(SqlState::GROUPING_ERROR, message));
            }
            if let Some(query) = expr.subquery() {
                query.for_each_expr(&mut |expr| inner.push(expr));
            }
            expr.for_each_child(&mut |child| inner.push(child));
        }
        Ok(())
    }

    /// Whether the column belongs to the innermost query level.
    fn is_local(&self, column: &Var) -> bool {
        self.scopes.last().is_some_and(|scope| scope.entries.iter().any(|e| e.entry == column.entry))
    }

    /// Whether the whole primary key of the column's table is grouped.
    fn decided_by_key(&self, column: &Var, group_by: &[Expr]) -> bool {
        let entry = self.scopes.last().and_then(|scope| scope.entries.iter().find(|e| e.entry == column.entry));
        let relation = entry.and_then(|entry| entry.relation).and_then(|oid| self.catalog().relations.get(&oid));
        let Some(relation) = relation else { return false };
        let Some(key) = relation.primary_key() else { return false };
        key.columns.iter().all(|number| {
            group_by
                .iter()
                .any(|expr| matches!(&expr.kind, ExprKind::Var(v) if v.entry == column.entry && v.attribute == *number))
        })
    }

    fn ungrouped(&self, column: &Var) -> Error {
        let name = self.shown_name(column);
        let message =
            format!("column \"{name}\" must appear in the GROUP BY clause or be used in an aggregate function");
        Error::new(SqlState::GROUPING_ERROR, message)
    }

    /// table.column as the query names them.
    fn shown_name(&self, column: &Var) -> String {
        let scope = self.scopes.last();
        let entry = scope.and_then(|s| s.entries.iter().find(|e| e.entry == column.entry));
        entry.map_or(String::new(), |e| {
            let is_it = |c: &&crate::sql::analyze::scope::RangeColumn| {
                matches!(&c.expr.kind, ExprKind::Var(var) if var.attribute == column.attribute)
            };
            format!("{}.{}", e.name, e.columns.iter().find(is_it).map_or("?column?", |c| c.name.as_str()))
        })
    }
}
