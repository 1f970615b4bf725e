//! Operands that a translation needs twice: a volatile one must run once.
//!
//! Owns: [`Analyzer::once`]. Must not know: which constructs need an operand twice. The operand becomes a column of a
//! sub-query of one row. Specification: CaseTestExpr and CoerceToDomainValue in primnodes.h, which are there for this.

use crate::error::{Error, Result};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::call::{contains_aggregate, contains_window};
use crate::sql::search::{Search, Volatile};
use crate::sql::tree::{Body, ColumnRef, Expr, ExprKind, FromItem, Query, Select, Target};
use crate::types::pg_type::Oid;

impl Analyzer<'_> {
    /// What `make` makes of an operand that it may use more than once.
    pub(super) fn once(&mut self, operand: Expr, make: impl FnOnce(&mut Self, Expr) -> Result<Expr>) -> Result<Expr> {
        if !Volatile.in_expr(&operand) {
            return make(self, operand);
        }
        let alias = self.fresh_alias();
        let mut values = Vec::new();
        let mut bind = |value: Expr| {
            let column = ColumnRef {
                alias: Some(alias.clone()),
                column: format!("c{}", values.len() + 1).into(),
                table: Oid::INVALID,
                attribute: 0,
                not_null: false,
            };
            let bound = Expr { kind: ExprKind::Column(column), type_oid: value.type_oid, typmod: value.typmod };
            values.push(value);
            bound
        };
        let bound = match operand.kind {
            ExprKind::Row(items) => Expr { kind: ExprKind::Row(items.into_iter().map(&mut bind).collect()), ..operand },
            _ => bind(operand),
        };
        let made = make(self, bound)?;
        let parts = || values.iter().chain([&made]);
        if parts().any(|part| contains_aggregate(part) || contains_window(part)) {
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
        let columns =
            self.scopes.last().filter(|scope| scope.gives_rows)?.entries.iter().flat_map(|entry| &entry.columns);
        let column = columns.map(|column| &column.expr).find(|expr| matches!(expr.kind, ExprKind::Column(_)))?;
        Some(Expr::template("({0} IS {0})", vec![column.clone()], Oid::BOOL))
    }
}

/// SELECT of these values from what has one row.
fn one_row(values: Vec<Expr>, from: Vec<FromItem>, selection: Option<Expr>) -> Query {
    let targets = values.into_iter().map(|expr| Target { name: String::new(), expr }).collect();
    Query::of(Body::Select(Box::new(Select {
        distinct: false,
        distinct_on: Vec::new(),
        targets,
        from,
        selection,
        group_by: Vec::new(),
        having: None,
        unique: true,
    })))
}
