//! INTERSECT ALL and EXCEPT ALL, which SQLite does not have: over rows that are numbered among those alike, the
//! operations of sets are those of multisets.
//!
//! Owns: [`Lower::multiset_operation`]. Specification: queries-union.html.

use super::Lower;
use super::tree::{Aggregate, Body, Expr, ExprKind, FromItem, Query, Select, SetOperator, Target, Window};
use crate::types::pg_type::Oid;

impl Lower<'_> {
    /// The operation over queries whose columns are of the same types already.
    pub(super) fn multiset_operation(&mut self, operator: SetOperator, left: Query, right: Query) -> Body {
        let width = left.outputs().len();
        let (left, right) = (Box::new(self.numbered(left)), Box::new(self.numbered(right)));
        let operation = Query::of(Body::SetOperation { operator, all: false, left, right });
        let mut select = self.select_all(operation);
        select.targets.truncate(width);
        Body::Select(Box::new(select))
    }

    /// SELECT of a query's columns.
    pub(super) fn select_all(&mut self, query: Query) -> Select {
        let alias = self.fresh_alias();
        let columns = query.outputs().into_iter().enumerate();
        let targets = columns.map(|(index, (name, type_oid, typmod))| {
            let like = Expr { kind: ExprKind::Null, type_oid, typmod };
            Target { name, expr: Expr::positional(alias.clone(), index, &like) }
        });
        let targets = targets.collect();
        let from = vec![FromItem::Derived { query: Box::new(query), alias }];
        Select { targets, from, ..Select::default() }
    }

    /// The query's rows, with one more column: which of the rows that are alike it is.
    fn numbered(&mut self, query: Query) -> Query {
        let mut select = self.select_all(query);
        let partition_by = select.targets.iter().map(|target| target.expr.clone()).collect();
        let number = Aggregate {
            function: "row_number",
            framed: false,
            args: Vec::new(),
            star: false,
            distinct: false,
            order_by: Vec::new(),
            filter: None,
            over: Some(Window { partition_by, order_by: Vec::new(), frame: None }),
        };
        let expr = Expr::new(ExprKind::Aggregate(Box::new(number)), Oid::INT8);
        select.targets.push(Target { name: String::new(), expr });
        Query::of_select(select)
    }
}
