//! Ordered-set and hypothetical-set aggregates: f(direct arguments) WITHIN GROUP (ORDER BY …).
//!
//! Owns: [`Analyzer::ordered_set`]. Specification: sql-expressions.html#SYNTAX-AGGREGATES, ParseFuncOrColumn in
//! parse_func.c.

use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::functions::{self, Function, FunctionKind};
use crate::sql::syntax::ast::expression::FuncCall;
use crate::sql::tree::{Aggref, Expr, ExprKind, FunctionRef};
use crate::types::pg_type::Oid;

/// Whether a function's calls need WITHIN GROUP.
pub(super) fn is_ordered_set(function: &Function) -> bool {
    let listed = [functions::ORDERED_SET, functions::HYPOTHETICAL_SET];
    function.kind == FunctionKind::Aggregate && listed.iter().any(|names| names.contains(&function.name))
}

impl Analyzer<'_> {
    pub(super) fn ordered_set(&mut self, name: &str, call: &FuncCall) -> Result<Expr> {
        let mut direct = call.args.iter().map(|arg| self.expr(arg)).collect::<Result<Vec<_>>>()?;
        let mut values = call.agg_order.iter().map(|key| self.expr(&key.node)).collect::<Result<Vec<_>>>()?;
        if direct.iter().chain(&values).any(Expr::contains_aggregate) {
            let error = Error::new(SqlState::GROUPING_ERROR, "aggregate function calls cannot be nested");
            return Err(self.last_aggregate.map_or(error.clone(), |location| self.at(error, location)));
        }
        let hypothetical = functions::HYPOTHETICAL_SET.contains(&name);
        let listed = functions::named(name);
        if !listed.is_empty() && !listed.iter().any(|function| is_ordered_set(function)) {
            let message = format!("{name} is not an ordered-set aggregate, so it cannot have WITHIN GROUP");
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
        }
        if call.over.is_some() {
            let message = format!("OVER is not supported for ordered-set aggregate {name}");
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        let types: Vec<Oid> = direct.iter().chain(&values).map(|arg| arg.type_oid).collect();
        let (function, result) = if hypothetical && direct.len() == values.len() && !direct.is_empty() {
            (direct, values) = self.matched(direct, values)?;
            let function = listed.iter().find(|function| is_ordered_set(function));
            let function = *function.ok_or_else(|| Error::internal("a hypothetical-set aggregate"))?;
            (function, function.returns)
        } else if hypothetical {
            return Err(self.mismatched(name, &types, direct.len(), values.len()));
        } else {
            let function = self.resolve_function(name, &types)?;
            let count = direct.len();
            let (mut args, result) = self.arguments(function, direct.into_iter().chain(values).collect())?;
            values = args.split_off(count.min(args.len()));
            direct = args;
            (function, result)
        };
        let order_by = call.agg_order.iter().zip(&values);
        let order_by = order_by.map(|(key, value)| self.sort_key(value.clone(), None, key)).collect::<Result<_>>()?;
        let filter = self.filter(call)?;
        let of = self.outer_query_of(&values)?;
        let aggregate = Aggref {
            function: FunctionRef(function),
            direct,
            args: values,
            star: false,
            distinct: false,
            order_by,
            filter,
            over: None,
            of,
        };
        Ok(Expr::new(ExprKind::Aggref(Box::new(aggregate)), result))
    }

    /// Each direct argument and the column it is compared with, as one type.
    fn matched(&mut self, direct: Vec<Expr>, values: Vec<Expr>) -> Result<(Vec<Expr>, Vec<Expr>)> {
        let mut matched = (Vec::new(), Vec::new());
        for (value, column) in direct.into_iter().zip(values) {
            let shown = [value.type_oid, column.type_oid].map(|oid| self.type_name(oid));
            let (pair, _) = self.unify(vec![value, column], "WITHIN GROUP").map_err(|_| {
                let message = format!("WITHIN GROUP types {} and {} cannot be matched", shown[1], shown[0]);
                Error::new(SqlState::DATATYPE_MISMATCH, message)
            })?;
            let Ok([value, column]) = <[Expr; 2]>::try_from(pair) else { return Err(Error::internal("no pair")) };
            matched.0.push(value);
            matched.1.push(column);
        }
        Ok(matched)
    }

    fn mismatched(&self, name: &str, types: &[Oid], direct: usize, ordering: usize) -> Error {
        let shown: Vec<String> = types.iter().map(|oid| self.type_name(*oid)).collect();
        let hint = format!(
            "To use the hypothetical-set aggregate {name}, the number of hypothetical direct arguments (here {direct}) must \
             match the number of ordering columns (here {ordering})."
        );
        Error::new(SqlState::UNDEFINED_FUNCTION, format!("function {name}({}) does not exist", shown.join(", ")))
            .with_hint(hint)
    }
}
