//! Calls with VARIADIC: f(…, VARIADIC array).
//!
//! Owns: [`Analyzer::variadic_call`]. The array's elements that are written out are ordinary arguments. Specification:
//! xfunc-sql.html#XFUNC-SQL-VARIADIC-FUNCTIONS, ParseFuncOrColumn in parse_func.c.

use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::functions::{Call, Function, FunctionKind};
use crate::sql::syntax::ast::expression::FuncCall;
use crate::sql::syntax::grammar::locations::expr_location;
use crate::sql::tree::{Expr, ExprKind, FunctionRef};
use crate::types::pg_type::Oid;

impl Analyzer<'_> {
    pub(super) fn variadic_call(
        &mut self,
        (schema, name): (Option<&str>, &str),
        called: &str,
        call: &FuncCall,
    ) -> Result<Expr> {
        let mut args = call.args.iter().map(|arg| self.expr(arg)).collect::<Result<Vec<_>>>()?;
        let types: Vec<Oid> = args.iter().map(|arg| arg.type_oid).collect();
        let undefined = |a: &Self| {
            let shown: Vec<String> = types.iter().map(|oid| a.type_name(*oid)).collect();
            let message = format!("function {called}({}) does not exist", shown.join(", "));
            Error::new(SqlState::UNDEFINED_FUNCTION, message).with_hint(
                "No function matches the given name and argument types. You might need to add explicit type casts.",
            )
        };
        let Some(array) = args.pop() else { return Err(undefined(self)) };
        let fits = |function: &&&'static Function| {
            function.variadic
                && function.kind == FunctionKind::Scalar
                && function.args.len() == types.len()
                && function.args.iter().zip(&args).all(|(declared, arg)| {
                    *declared == Oid::ANY
                        || self.can_coerce(arg.type_oid, *declared, crate::sql::casts::CastContext::Implicit)
                })
                && function.args.last().is_some_and(|last| self.takes_array(*last, array.type_oid))
        };
        let Some(function) = self.functions_named(schema, name).iter().find(fits).copied() else {
            return Err(undefined(self));
        };
        let last = function.args.last().copied().unwrap_or(Oid::ANY);
        let array = match last {
            Oid::ANY if self.element_type(array.type_oid).is_none() => {
                let error = Error::new(SqlState::DATATYPE_MISMATCH, "VARIADIC argument must be an array");
                return Err(call.args.last().map_or(error.clone(), |arg| self.at(error, expr_location(arg))));
            }
            Oid::ANY => array,
            element => {
                let declared = self.array_type(element).unwrap_or(Oid::TEXT_ARRAY);
                self.implicit(array, declared)?
            }
        };
        if let ExprKind::Array(elements) = &array.kind
            && !self.to_be_printed()
            && !elements.iter().any(|element| self.element_type(element.type_oid).is_some())
        {
            let (args, result) =
                self.arguments(function, args.into_iter().chain(elements.iter().cloned()).collect())?;
            return Ok(Expr::new(ExprKind::Func(FunctionRef(function), args), result));
        }
        if matches!(function.call, Call::Template(_)) {
            return Err(Error::unsupported(format!("VARIADIC in a call of {name}")));
        }
        let (mut args, result) = self.arguments(function, args)?;
        args.push(array);
        Ok(Expr::new(ExprKind::Variadic(FunctionRef(function), args), result))
    }

    /// Whether an array may stand for the arguments that a function declares as its last.
    fn takes_array(&self, last: Oid, given: Oid) -> bool {
        last == Oid::ANY
            || self
                .array_type(last)
                .is_some_and(|array| self.can_coerce(given, array, crate::sql::casts::CastContext::Implicit))
    }
}
