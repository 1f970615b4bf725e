//! Calls with named arguments: make_interval(days => 3).
//!
//! Owns: putting arguments into a built-in function's order by their names. Specification: sql-syntax-calling-funcs.html;
//! the names are pg_proc's proargnames.

use crate::catalog::tables::procs::procs_named;
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::functions::default_of;
use crate::sql::syntax::ast::expression::Expr as Ast;
use crate::sql::syntax::grammar::locations::expr_location;
use crate::sql::tree::Expr;

impl Analyzer<'_> {
    /// The arguments in the function's order, if any is named.
    pub(super) fn named_arguments(&mut self, function: &str, args: &[Ast]) -> Result<Option<Vec<Expr>>> {
        let Some(first) = args.iter().position(|arg| matches!(arg, Ast::NamedArg(_))) else { return Ok(None) };
        let (positional, named) = args.split_at(first);
        let mut given: Vec<(String, Expr)> = Vec::with_capacity(named.len());
        for arg in named {
            let Ast::NamedArg(arg) = arg else {
                let error = Error::new(SqlState::SYNTAX_ERROR, "positional argument cannot follow named argument");
                return Err(self.at(error, expr_location(arg)));
            };
            let name = arg.name.clone();
            if given.iter().any(|(known, _)| *known == name) {
                let message = format!("argument name \"{name}\" used more than once");
                return Err(self.at(Error::new(SqlState::SYNTAX_ERROR, message), arg.location));
            }
            given.push((name, self.expr(&arg.arg)?));
        }
        let mut args = positional.iter().map(|arg| self.expr(arg)).collect::<Result<Vec<_>>>()?;
        let fits =
            |names: &&[String]| given.iter().all(|(name, _)| names.iter().skip(first).any(|known| known == name));
        let Some(names) = procs_named(function).into_iter().map(|proc| proc.argument_names()).find(fits) else {
            let types = args.iter().map(|arg| self.type_name(arg.type_oid));
            let named = given.iter().map(|(name, arg)| format!("{name} => {}", self.type_name(arg.type_oid)));
            let signature = types.chain(named).collect::<Vec<_>>().join(", ");
            let message = format!("function {function}({signature}) does not exist");
            let hint =
                "No function matches the given name and argument types. You might need to add explicit type casts.";
            return Err(Error::new(SqlState::UNDEFINED_FUNCTION, message).with_hint(hint));
        };
        for name in names.iter().skip(first) {
            match given.iter().position(|(known, _)| known == name) {
                Some(at) => args.push(given.swap_remove(at).1),
                None if given.is_empty() => break,
                None => match default_of(function, name) {
                    Some((value, oid)) => args.push(Expr::constant(value, oid)),
                    None => return Err(Error::unsupported(format!("leaving {name} out of a call of {function}"))),
                },
            }
        }
        Ok(Some(args))
    }
}
