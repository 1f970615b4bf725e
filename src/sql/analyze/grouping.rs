//! The rule of GROUP BY: outside of aggregates only grouped columns, or columns that a grouped primary key decides.
//!
//! Owns: [`Analyzer::check_grouped`]. Specification: sql-select.html#SQL-GROUPBY.

use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::tree::{ColumnRef, Expr, ExprKind};

impl Analyzer<'_> {
    /// 42803 unless every column of this query level in the expression is grouped or inside an aggregate.
    pub(super) fn check_grouped(&mut self, expr: &Expr, group_by: &[Expr]) -> Result<()> {
        for key in group_by {
            // A column that a cast without effect has given another type is still the same column.
            let same_column = matches!((&expr.kind, &key.kind), (ExprKind::Column(a), ExprKind::Column(b)) if a == b);
            if same_column || self.same_expr(expr, key) {
                return Ok(());
            }
        }
        match &expr.kind {
            ExprKind::Aggregate(aggregate) if aggregate.over.is_none() => return Ok(()),
            ExprKind::Column(column) => {
                if self.is_local(column) && !self.decided_by_key(column, group_by) {
                    return Err(self.ungrouped(column));
                }
                return Ok(());
            }
            _ => {}
        }
        let mut children = Vec::new();
        expr.for_each_child(&mut |child| children.push(child));
        children.into_iter().try_for_each(|child| self.check_grouped(child, group_by))
    }

    /// Whether the column belongs to the innermost query level.
    fn is_local(&self, column: &ColumnRef) -> bool {
        self.scopes
            .last()
            .is_some_and(|scope| scope.entries.iter().any(|e| e.alias.is_some() && e.alias == column.alias))
    }

    /// Whether the whole primary key of the column's table is grouped.
    fn decided_by_key(&self, column: &ColumnRef, group_by: &[Expr]) -> bool {
        let Some(relation) = self.catalog().relations.get(&column.table) else { return false };
        let Some(key) = relation.primary_key() else { return false };
        key.columns.iter().all(|number| {
            group_by.iter().any(
                |expr| matches!(&expr.kind, ExprKind::Column(c) if c.alias == column.alias && c.attribute == *number),
            )
        })
    }

    fn ungrouped(&self, column: &ColumnRef) -> Error {
        let scope = self.scopes.last();
        let entry = scope.and_then(|s| s.entries.iter().find(|e| e.alias == column.alias));
        let name = entry.map_or(String::new(), |e| {
            let shown =
                e.columns.iter().find(|c| matches!(&c.expr.kind, ExprKind::Column(r) if r.column == column.column));
            format!("{}.{}", e.name, shown.map_or(&*column.column, |c| c.name.as_str()))
        });
        let message =
            format!("column \"{name}\" must appear in the GROUP BY clause or be used in an aggregate function");
        Error::new(SqlState::GROUPING_ERROR, message)
    }
}
