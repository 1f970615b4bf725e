//! rank, dense_rank, percent_rank and cume_dist WITHIN GROUP: the place that a row would have among the others, which is
//! a matter of counting those before it.
//!
//! Owns: [`Lower::hypothetical`]. Specification: functions-aggregate.html#FUNCTIONS-HYPOTHETICAL-TABLE.

use super::Lower;
use super::tree::{Aggregate, Expr, ExprKind, SortKey};
use crate::error::{Error, Result};
use crate::sql::tree::Aggref;
use crate::types::pg_type::Oid;

impl Lower<'_> {
    pub(super) fn hypothetical(&mut self, call: &Aggref, result: Oid) -> Result<Expr> {
        let keys = call.order_by.iter().map(|key| self.sort_key(key)).collect::<Result<Vec<_>>>()?;
        let row = self.exprs(&call.direct)?;
        let filter = call.filter.as_ref().map(|filter| self.condition(filter)).transpose()?;
        let before = before(&keys, &row).ok_or_else(|| Error::internal("a hypothetical row without columns"))?;
        let counted = |args: Vec<Expr>, condition: Option<Expr>| {
            let conditions = filter.clone().into_iter().chain(condition).collect();
            count(args, Expr::connected("({0} AND {1})", conditions))
        };
        let all = || counted(Vec::new(), None);
        let rank = || counted(Vec::new(), Some(before.clone()));
        Ok(match call.function.name {
            "rank" => Expr::template("({0} + 1)", vec![rank()], result),
            "dense_rank" => {
                let values: Vec<Expr> = keys.iter().map(|key| key.expr.clone()).collect();
                let packed = self.packed(values, &call.args);
                Expr::template("({0} + 1)", vec![counted(vec![packed], Some(before.clone()))], result)
            }
            "percent_rank" => {
                let args = vec![rank(), all()];
                Expr::template("(CASE WHEN {1} = 0 THEN 0.0 ELSE {0} * 1.0 / {1} END)", args, result)
            }
            _ => {
                let same =
                    keys.iter().zip(&row).map(|(key, value)| Expr::compare("IS", key.expr.clone(), value.clone()));
                let same = Expr::connected("({0} AND {1})", same.collect());
                let up_to = Expr::connected("({0} OR {1})", std::iter::once(before.clone()).chain(same).collect());
                let args = vec![counted(Vec::new(), up_to), all()];
                Expr::template("(({0} + 1.0) / ({1} + 1))", args, result)
            }
        })
    }
}

/// Whether a row of these keys sorts before another.
fn before(keys: &[SortKey], row: &[Expr]) -> Option<Expr> {
    let (key, value) = (keys.first()?, row.first()?);
    let null = |expr: &Expr| Expr::template("({0} IS NULL)", vec![expr.clone()], Oid::BOOL);
    let there = |expr: &Expr| Expr::template("({0} IS NOT NULL)", vec![expr.clone()], Oid::BOOL);
    let nulls = match key.nulls_first {
        true => vec![null(&key.expr), there(value)],
        false => vec![there(&key.expr), null(value)],
    };
    let nulls = Expr::connected("({0} AND {1})", nulls)?;
    let op = if key.descending { ">" } else { "<" };
    let less = Expr::compare(op, key.expr.clone(), value.clone());
    let less = Expr::function("coalesce", vec![less, Expr::integer(0, Oid::BOOL)], Oid::BOOL);
    let mut cases = vec![less, nulls];
    if let Some(rest) = before(keys.get(1..)?, row.get(1..)?) {
        let same = Expr::compare("IS", key.expr.clone(), value.clone());
        cases.extend(Expr::connected("({0} AND {1})", vec![same, rest]));
    }
    Expr::connected("({0} OR {1})", cases)
}

fn count(args: Vec<Expr>, filter: Option<Expr>) -> Expr {
    let (star, distinct) = (args.is_empty(), !args.is_empty());
    let (function, framed, order_by, over) = ("count", false, Vec::new(), None);
    let call = Aggregate { function, framed, args, star, distinct, order_by, filter, over };
    Expr::new(ExprKind::Aggregate(Box::new(call)), Oid::INT8)
}
