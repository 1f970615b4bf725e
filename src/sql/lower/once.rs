//! Operands that SQLite's side needs twice: a volatile one must run once.
//!
//! Owns: [`Lower::once`]. Must not know: which constructs need an operand twice. The operand becomes a column of a
//! sub-query of one row. Specification: CaseTestExpr and CoerceToDomainValue in primnodes.h, which are there for this.

use super::tree::{Expr, ExprKind, FromItem, Query, Select, Target};
use super::{Columns, Lower};
use crate::error::{Error, Result};
use crate::limits::stack;
use crate::sql::lower::search::{Larger, Search, Volatile};
use crate::sql::lower::tree::ColumnRef;
use crate::types::pg_type::Oid;

/// An operand of more parts is computed before, as a volatile one is: operands that are used twice, in each other, would
/// double with every level. Where it cannot be, it may have [`MOST`].
const MANY: usize = 500;
const MOST: usize = 20_000;

impl Lower<'_> {
    /// What `make` makes of an operand that it may use more than once.
    pub(super) fn once(&mut self, operand: Expr, make: impl FnOnce(&mut Self, Expr) -> Result<Expr>) -> Result<Expr> {
        if !Volatile.in_expr(&operand) {
            let apart = operand.contains_aggregate() || operand.contains_window() || self.context.without_queries;
            if !Larger::than(if apart { MOST } else { MANY }).in_expr(&operand) {
                return make(self, operand);
            }
            if apart {
                return Err(stack::too_deep());
            }
        }
        let alias = self.fresh_alias();
        let mut values = Vec::new();
        let mut bind = |value: Expr| {
            let bound = Expr::positional(alias.clone(), values.len(), &value);
            values.push(value);
            bound
        };
        let bound = match operand.kind {
            ExprKind::Row(items) => Expr { kind: ExprKind::Row(items.into_iter().map(&mut bind).collect()), ..operand },
            _ => bind(operand),
        };
        let made = make(self, bound)?;
        let parts = || values.iter().chain([&made]);
        if parts().any(|part| part.contains_aggregate() || part.contains_window()) {
            return Err(Error::unsupported("a volatile operand beside an aggregate or window function"));
        }
        let (type_oid, typmod) = (made.type_oid, made.typmod);
        let row = one_row(values, Vec::new(), self.each_row());
        let from = vec![FromItem::Derived { query: Box::new(row), alias }];
        let kind = ExprKind::ScalarQuery(Box::new(one_row(vec![made], from, None)));
        Ok(Expr { kind, type_oid, typmod })
    }

    /// What is true of each row that FROM gives: SQLite runs a sub-query that mentions none of its columns only once.
    fn each_row(&self) -> Option<Expr> {
        let level = self.levels.last().filter(|level| level.gives_rows)?;
        let column = level.entries.iter().filter_map(|id| self.entries.get(id)).find_map(|entry| {
            let column = match &entry.columns {
                Columns::Named(columns) | Columns::Member(columns, _) => columns.first()?.1.clone(),
                Columns::Positional => "c1".into(),
                Columns::Computed(columns) => {
                    return columns.iter().find(|expr| matches!(expr.kind, ExprKind::Column(_))).cloned();
                }
            };
            let column = ColumnRef { alias: entry.alias.clone(), column, not_null: false };
            Some(Expr::new(ExprKind::Column(column), Oid::TEXT))
        })?;
        Some(Expr::template("({0} IS {0})", vec![column], Oid::BOOL))
    }
}

/// SELECT of these values from what has one row.
fn one_row(values: Vec<Expr>, from: Vec<FromItem>, selection: Option<Expr>) -> Query {
    let targets = values.into_iter().map(|expr| Target { name: String::new(), expr }).collect();
    Query::of_select(Select { targets, from, selection, unique: true, ..Select::default() })
}
