//! INTERSECT ALL and EXCEPT ALL, which SQLite does not have.
//!
//! Rows that are alike are numbered on both sides: the third of them meets the other side's third. INTERSECT and EXCEPT
//! over the numbered rows then count as ALL does. Specification: queries-union.html.

use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::tree::{Aggregate, Body, Expr, ExprKind, Query, SetOperator, Target, Window};
use crate::types::pg_type::Oid;

impl Analyzer<'_> {
    /// The operation over queries whose columns are of the same types already.
    pub(super) fn multiset_operation(&mut self, operator: SetOperator, left: Query, right: Query) -> Body {
        let columns = left.outputs();
        let (left, right) = (Box::new(self.numbered(left)), Box::new(self.numbered(right)));
        let operation = Query::of(Body::SetOperation { operator, all: false, left, right });
        Body::Select(Box::new(self.select_from(operation, &columns)))
    }

    /// The query's rows, with one more column: which of the rows that are alike it is.
    fn numbered(&mut self, query: Query) -> Query {
        let columns = query.outputs();
        let mut select = self.select_from(query, &columns);
        let partition_by = select.targets.iter().map(|target| target.expr.clone()).collect();
        let number = Aggregate {
            function: "row_number",
            args: Vec::new(),
            star: false,
            distinct: false,
            order_by: Vec::new(),
            filter: None,
            over: Some(Window { partition_by, order_by: Vec::new(), frame: None }),
        };
        let expr = Expr::new(ExprKind::Aggregate(Box::new(number)), Oid::INT8);
        select.targets.push(Target { name: String::new(), expr });
        Query::of(Body::Select(Box::new(select)))
    }
}
