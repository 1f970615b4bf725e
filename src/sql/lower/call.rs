//! Calls of functions and operators, by what their rows say they are in SQLite.
//!
//! Owns: [`Lower::function`], [`Lower::call`]. Must not know: which function is which, but for those over rows.

use std::borrow::Cow;

use super::Lower;
use super::tree::{Expr, ExprKind};
use crate::error::{Error, Result, SqlState};
use crate::sql::functions::{Call, comparison_of};
use crate::sql::tree::{Expr as Typed, ExprKind as TypedKind, FunctionRef};
use crate::sql::types;
use crate::types::pg_type::{Oid, Repr, Scalar};

/// SQLite's functions that follow the collation of their argument.
const CASES: [&str; 3] = ["pg_lower", "pg_upper", "pg_initcap"];

impl Lower<'_> {
    /// A call of a function where it stands.
    pub(super) fn function(&mut self, function: FunctionRef, args: &[Typed], expr: &Typed) -> Result<Expr> {
        if expr.set_call().is_some() {
            return self.set_value(expr);
        }
        if let (Call::Function(name), [arg]) = (function.call, args)
            && CASES.contains(&name)
            && let Some(locale) = self.case_locale(function.name, arg)?
        {
            let args = vec![Expr::text(name), Expr::text(locale.into_owned()), self.expr(arg)?];
            return Ok(Expr::function("pg_locale_case", args, expr.type_oid));
        }
        self.call(function.call, args, expr.type_oid)
    }

    /// The locale by which an argument's case is changed: 42P22 if its collation is not known.
    fn case_locale(&self, name: &str, arg: &Typed) -> Result<Option<Cow<'static, str>>> {
        self.collations.locale(self.catalog(), [arg], false).map_err(|error| match error.code() {
            SqlState::INDETERMINATE_COLLATION => {
                let message = format!("could not determine which collation to use for {name}() function");
                let hint = "Use the COLLATE clause to set the collation explicitly.";
                Error::new(SqlState::INDETERMINATE_COLLATION, message).with_hint(hint)
            }
            _ => error,
        })
    }

    /// A call whose last arguments are in an array.
    pub(super) fn variadic(&mut self, function: FunctionRef, args: &[Typed], result: Oid) -> Result<Expr> {
        let (Some((array, fixed)), Call::Function(name) | Call::Typed(name)) = (args.split_last(), function.call)
        else {
            return Err(Error::internal("a call with VARIADIC"));
        };
        let types = match function.call {
            Call::Typed(_) => self.types_of(fixed),
            _ => Expr::new(ExprKind::Null, Oid::TEXT),
        };
        let element = types::element_type(self.catalog(), array.type_oid).unwrap_or(Oid::TEXT);
        let mut spread = vec![Expr::text(name), types, Expr::text(self.internal_name(element, -1))];
        spread.extend(self.exprs(args)?);
        Ok(Expr::function("pg_spread", spread, result))
    }

    /// A call; where SQLite's function wants to know its arguments' types they are put in front.
    pub(super) fn call(&mut self, call: Call, args: &[Typed], result: Oid) -> Result<Expr> {
        let mut lowered = self.exprs(args)?;
        Ok(match call {
            Call::Typed(name) => {
                let is_unknown = |arg: &Typed| {
                    matches!(arg.kind, TypedKind::Func(..))
                        && self.info(arg.type_oid, arg.typmod).repr == Repr::scalar(Scalar::Record)
                };
                if args.iter().any(is_unknown) {
                    return Err(Error::unsupported("a record whose fields are not known"));
                }
                lowered.insert(0, self.types_of(args));
                Expr::function(name, lowered, result)
            }
            call => match (comparison_of(call), <[Expr; 2]>::try_from(lowered)) {
                (Some(op), Ok([left, right])) => Expr::compare(op, left, right),
                (_, Ok(operands)) => Expr::new(ExprKind::Call(call, operands.into()), result),
                (_, Err(lowered)) => Expr::new(ExprKind::Call(call, lowered), result),
            },
        })
    }

    /// The arguments' types as [`Call::Typed`] passes them.
    pub(super) fn types_of(&self, args: &[Typed]) -> Expr {
        let names: Vec<&str> = args.iter().map(|arg| self.internal_name(arg.type_oid, arg.typmod)).collect();
        // What describes a type has commas in it, and no line breaks.
        let separator = if names.iter().any(|name| name.starts_with('{')) { "\n" } else { "," };
        Expr::text(names.join(separator))
    }
}
