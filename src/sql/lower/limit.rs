//! LIMIT, OFFSET and FETCH FIRST … WITH TIES.
//!
//! Owns: [`Lower::limited`]. SQLite has no WITH TIES, and its LIMIT sees no columns of a query around: there the query is
//! a statement of its own, to which they are parameters. Specification: sql-select.html#SQL-LIMIT, nodeLimit.c.

use super::Lower;
use super::tree::{Aggregate, Expr, ExprKind, Query, SortKey, Target, Window};
use crate::error::{Error, Result};
use crate::sql::lower::search::{Search, Volatile};
use crate::sql::tree::{Body as TypedBody, Expr as Typed, ExprKind as Kind, Query as TypedQuery};
use crate::types::pg_type::Oid;

impl Lower<'_> {
    /// A query with its LIMIT and OFFSET; `query` is it without them, and sorted.
    pub(super) fn limited(&mut self, typed: &TypedQuery, mut query: Query) -> Result<Query> {
        let correlated = typed.limit.iter().chain(&typed.offset).any(|count| count.any_deep(&|p| self.is_of_outer(p)));
        query.limit = typed.limit.as_ref().map(|limit| self.row_count(limit, "pg_limit")).transpose()?;
        query.offset = typed.offset.as_ref().map(|offset| self.row_count(offset, "pg_offset")).transpose()?;
        if !correlated {
            return Ok(query);
        }
        let alias = self.fresh_alias();
        let mut select = self.select_all(query.clone());
        select.from = vec![self.plan_item(query, alias.clone())?];
        for (index, target) in select.targets.iter_mut().enumerate() {
            target.expr = Expr::positional(alias.clone(), index, &target.expr);
        }
        Ok(Query::of_select(select))
    }

    /// A column of a query around it.
    fn is_of_outer(&self, expr: &Typed) -> bool {
        matches!(&expr.kind, Kind::Var(var) if self.entries.contains_key(&var.entry))
    }

    /// LIMIT's or OFFSET's number; NULL means none, a negative one is an error: both are decided at run time.
    fn row_count(&mut self, count: &Typed, function: &'static str) -> Result<Expr> {
        let value = self.expr(count)?;
        let literal = matches!(count.kind, Kind::Literal(_));
        Ok(if literal { value } else { Expr::function(function, vec![value], Oid::INT8) })
    }

    /// FETCH FIRST … WITH TIES: the rows by their rank.
    pub(super) fn with_ties(&mut self, typed: &TypedQuery) -> Result<Query> {
        let width = typed.outputs().len();
        let mut sorted = typed.clone();
        sorted.with_ties = false;
        (sorted.limit, sorted.offset) = (None, None);
        if let TypedBody::Select(select) = &mut sorted.body {
            for key in sorted.order_by.iter_mut().filter(|key| key.output.is_none()) {
                key.output = Some(select.targets.len());
                select.targets.push(super::grouping::target(key.expr.clone()));
            }
        }
        let mut inner = self.query(&sorted)?;
        let keys = std::mem::take(&mut inner.order_by);
        let mut ranked = self.select_all(inner);
        let keys: Vec<SortKey> = keys
            .into_iter()
            .map(|key| {
                let column = key.output.and_then(|output| ranked.targets.get(output));
                let column = column.ok_or_else(|| Error::internal("a sort key that is no output column"))?;
                let expr = Expr { kind: column.expr.kind.clone(), ..key.expr };
                Ok(SortKey { expr, output: None, ..key })
            })
            .collect::<Result<_>>()?;
        for function in ["rank", "row_number"] {
            ranked.targets.push(Target { name: String::new(), expr: place(function, &keys) });
        }
        let mut select = self.select_all(Query::of_select(ranked));
        let number = select.targets.pop().map(|target| target.expr);
        let rank = select.targets.pop().map(|target| target.expr);
        let (Some(rank), Some(number)) = (rank, number) else { return Err(Error::internal("no rank")) };
        select.targets.truncate(width);
        let zero = || Expr::integer(0, Oid::INT8);
        let mut bound = |count: &Option<Typed>, function| count.as_ref().map(|count| self.row_count(count, function));
        let limit = bound(&typed.limit, "pg_limit").transpose()?.unwrap_or_else(|| Expr::integer(-1, Oid::INT8));
        let offset = bound(&typed.offset, "pg_offset").transpose()?.unwrap_or_else(zero);
        if Volatile.in_exprs([&limit, &offset]) {
            return Err(Error::unsupported("a volatile count of FETCH FIRST … WITH TIES"));
        }
        let within = "({3} > {1} AND ({0} < 0 OR ({0} > 0 AND {2} <= {0} + {1})))";
        select.selection = Some(Expr::template(within, vec![limit, offset, rank, number.clone()], Oid::BOOL));
        let order_by = vec![SortKey { expr: number, output: None, descending: false, nulls_first: false }];
        Ok(Query { order_by, ..Query::of_select(select) })
    }
}

/// rank() or row_number() in an order.
fn place(function: &'static str, keys: &[SortKey]) -> Expr {
    let call = Aggregate {
        function,
        framed: false,
        args: Vec::new(),
        star: false,
        distinct: false,
        order_by: Vec::new(),
        filter: None,
        over: Some(Window { partition_by: Vec::new(), order_by: keys.to_vec(), frame: None }),
    };
    Expr::new(ExprKind::Aggregate(Box::new(call)), Oid::INT8)
}
