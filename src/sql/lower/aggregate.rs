//! Aggregates and window functions.
//!
//! Owns: [`Lower::aggregate`], [`Lower::sort_key`]. Specification: sql-expressions.html#SYNTAX-AGGREGATES; SQLite's
//! lang_aggfunc.html and windowfunctions.html.

use super::Lower;
use super::tree::{Aggregate, Expr, ExprKind, Frame, FrameBound, SortKey};
use crate::error::{Error, Result};
use crate::sql::functions::{self, Call};
use crate::sql::lower::search::{Search, Volatile};
use crate::sql::lower::window::framed;
use crate::sql::tree::{Aggref, Expr as Typed, ExprKind as ExprOf, SortKey as TypedKey};
use crate::sql::types;
use crate::types::pg_type::{Oid, Scalar};

impl Lower<'_> {
    /// A call of an aggregate or window function.
    pub(super) fn aggregate(&mut self, call: &Aggref, result: Oid) -> Result<Expr> {
        let function = call.function;
        if !call.order_by.is_empty() && functions::HYPOTHETICAL_SET.contains(&function.name) {
            return self.hypothetical(call, result);
        }
        let mut args = self.exprs(&call.args)?;
        let of_enum = matches!(function.name, "min" | "max") && types::enum_labels(self.catalog(), result).is_some();
        if of_enum {
            args = args.into_iter().map(|arg| self.enum_order(arg)).collect();
        }
        if matches!(function.name, "min" | "max") || call.distinct {
            for (arg, typed) in args.iter_mut().zip(&call.args) {
                *arg = self.collated(arg.clone(), std::slice::from_ref(typed))?;
            }
        }
        let given = args.clone();
        // What users made: the first argument says which it is.
        let site = args.first().filter(|_| function.name.is_empty()).cloned();
        let name = match function.call {
            Call::Function(name) => name,
            Call::Typed("pg_min") if !self.keeps_last(call) => "min",
            Call::Typed("pg_max") if !self.keeps_last(call) => "max",
            Call::Typed(name) => {
                let typed: Vec<Typed> = call.direct.iter().chain(&call.args).cloned().collect();
                args.splice(0..0, self.exprs(&call.direct)?);
                args.insert(0, self.types_of(&typed));
                name
            }
            Call::Template(_) => return Err(Error::internal("an aggregate by template")),
        };
        let mut order_by = call.order_by.iter().map(|key| self.sort_key(key)).collect::<Result<Vec<_>>>()?;
        if call.distinct {
            if Volatile.in_exprs(&args) {
                return Err(Error::unsupported("DISTINCT over volatile arguments of an aggregate"));
            }
            if order_by.is_empty() {
                order_by = self.distinct_order(&given, function.name, &args);
            }
            if args.len() > 1 {
                if matches!(function.call, Call::Typed(_)) {
                    args.remove(0);
                }
                args = vec![self.packed(args, &call.args)];
            }
        }
        let filter = call.filter.as_ref().map(|filter| self.condition(filter)).transpose()?;
        let over = call.over.as_ref().map(|over| self.window(over)).transpose()?;
        let (over, frame) = over.map_or((None, None), |(over, frame)| (Some(over), frame));
        let moves = |frame: &Frame| !matches!(frame.start, FrameBound::UnboundedPreceding);
        let moving = over.as_ref().is_some_and(|over| over.frame.as_ref().is_some_and(moves));
        let moved = functions::MOVING.iter().find(|(growing, _)| moving && *growing == name);
        let name = moved.map_or(name, |(_, moving)| *moving);
        let name = if site.is_some() && call.distinct { "pg_aggregate_packed" } else { name };
        let (star, distinct) = (call.star && site.is_none(), call.distinct);
        let mut aggregate = Aggregate { function: name, framed: false, args, star, distinct, order_by, filter, over };
        if let Some(frame) = frame {
            let types = if of_enum { Expr::text("int4") } else { self.types_of(&call.args) };
            aggregate = framed(aggregate, frame, types)?;
        }
        let aggregate = ExprKind::Aggregate(Box::new(aggregate));
        Ok(match site {
            // SQLite does not tell an aggregate over no rows which one it is.
            Some(site) => Expr::function("pg_aggregate_result", vec![site, Expr::new(aggregate, result)], result),
            None if of_enum => self.enum_label(Expr::new(aggregate, Oid::INT4), result),
            None => Expr::new(aggregate, result),
        })
    }

    /// Whether min or max has to see which of equal values comes last. SQLite's own functions keep the first, and look into
    /// an index, where PostgreSQL would look as well.
    fn keeps_last(&self, call: &Aggref) -> bool {
        let Some(arg) = call.args.first().filter(|_| !call.distinct) else { return false };
        let indexed = match &arg.kind {
            ExprOf::Var(var) => self.catalog().relations.get(&var.origin.0).is_some_and(|relation| {
                relation.indexes.iter().any(|index| index.keys.iter().any(|key| key.column == var.origin.1))
            }),
            _ => false,
        };
        let repr = types::repr_of(self.catalog(), arg.type_oid);
        let differs = |scalar| matches!(scalar, Scalar::Float4 | Scalar::Float8 | Scalar::Numeric | Scalar::Interval);
        !indexed && (repr.array_of.is_none() || differs(repr.scalar))
    }

    /// PostgreSQL finds distinct values by sorting them, and so they come sorted.
    fn distinct_order(&self, given: &[Expr], name: &str, args: &[Expr]) -> Vec<SortKey> {
        let key = |expr: Expr| SortKey { expr, output: None, descending: false, nulls_first: false };
        let plus = |arg: &Expr| {
            let (value, collation) = match &arg.kind {
                ExprKind::Collated(collation, value) => (value.as_ref(), Some(collation)),
                _ => (arg, None),
            };
            let expr = Expr::template("+{0}", vec![value.clone()], arg.type_oid);
            let kind = match collation {
                Some(collation) => ExprKind::Collated(collation.clone(), Box::new(expr)),
                None => expr.kind,
            };
            Expr { kind, type_oid: arg.type_oid, typmod: arg.typmod }
        };
        let sorted: Vec<SortKey> = args
            .iter()
            .filter(|arg| !matches!(arg.kind, ExprKind::Const(_)))
            .map(|arg| match types::enum_labels(self.catalog(), arg.type_oid) {
                Some(_) => key(self.enum_order(arg.clone())),
                // SQLite keeps the last of equal values where it sorts by what it makes distinct; PostgreSQL the first.
                None => key(plus(arg)),
            })
            .collect();
        if sorted.is_empty() && name.contains("agg") {
            return given.iter().cloned().map(key).collect();
        }
        sorted
    }

    /// SQLite allows DISTINCT over one argument only.
    pub(super) fn packed(&self, mut args: Vec<Expr>, given: &[Typed]) -> Expr {
        args.insert(0, self.types_of(given));
        let packed = Expr::function("pg_pack", args, Oid::TEXT);
        Expr::template("{0} COLLATE pg_packed", vec![packed], Oid::TEXT)
    }

    pub(super) fn sort_key(&mut self, key: &TypedKey) -> Result<SortKey> {
        let expr = self.expr(&key.expr)?;
        let expr = self.collated(expr, std::slice::from_ref(&key.expr))?;
        Ok(SortKey { expr, output: key.output, descending: key.descending, nulls_first: key.nulls_first })
    }
}
