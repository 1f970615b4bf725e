//! Calls of aggregates that users made.
//!
//! Owns: [`Analyzer::aggregate_call`]. As with functions, a call is one of the server's own, whose first argument says
//! which aggregate is meant, for which types, and of which types its states are ([`CallSite`]). Specification:
//! ParseFuncOrColumn in parse_func.c, xaggr.html.

use std::sync::Arc;

use crate::catalog::routines::Routine;
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::routine::{Bound, Calling, Candidate, Given};
use crate::sql::functions;
use crate::sql::syntax::ast::expression::FuncCall;
use crate::sql::tree::Expr;
use crate::types::pg_type::Oid;

impl Analyzer<'_> {
    pub(super) fn aggregate_call(
        &mut self,
        routine: &Arc<Routine>,
        candidate: &Candidate,
        given: Given,
        call: &FuncCall,
    ) -> Result<Expr> {
        let Some(aggregate) = &routine.aggregate else { return Err(Error::internal("an aggregate that is none")) };
        let name = &routine.name;
        if !given.named.is_empty() {
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "aggregates cannot use named arguments"));
        }
        if given.positional.is_empty() && !call.agg_star {
            let message = format!("{name}(*) must be used to call a parameterless aggregate function");
            return Err(self.at(Error::new(SqlState::WRONG_OBJECT_TYPE, message), call.location));
        }
        let moves = call.over.is_some() && aggregate.moving.is_some();
        let modify = match &aggregate.moving {
            Some(moving) if moves => moving.computation.last_modify,
            _ => aggregate.plain.last_modify,
        };
        if call.over.is_some() && matches!(modify, b's' | b'w') {
            let message = format!("aggregate function {name} does not support use as a window function");
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        self.check_aggregated(&given.positional, call)?;
        let written = given.positional.clone();
        let Bound { mut site, mut arguments, states, returns, .. } =
            self.bound(routine, candidate, given, (Calling::Expression, &[]))?;
        site.parameters = arguments.iter().map(|argument| argument.type_oid).collect();
        for (parameter, declared) in site.parameters.iter_mut().zip(routine.inputs()) {
            // A domain's values are of its base type only while they are computed.
            let is_domain = self.base_type(declared.type_oid, -1).0 != declared.type_oid;
            *parameter = if is_domain { declared.type_oid } else { *parameter };
        }
        site.returns = Some(returns);
        site.columns = states.into_iter().map(|state| (String::new(), state, -1)).collect();
        self.used_routine(routine.oid);
        let functions = aggregate.functions().filter_map(|oid| self.catalog().routines.get(&oid).cloned());
        let writes = functions.collect::<Vec<_>>().iter().any(|function| self.catalog().routine_writes(function));
        self.writes |= writes;
        self.routines_write |= writes;
        arguments.insert(0, Expr::text(site.to_text()));
        let (result, typmod) = self.base_type(returns, -1);
        let expr = self.aggref(&functions::AGGREGATE, (arguments, written), (result, typmod), call)?;
        Ok(expr)
    }

    /// The types of an aggregate's states in a call.
    pub(super) fn states(routine: &Routine, resolve: &dyn Fn(Oid) -> Oid) -> Vec<Oid> {
        routine.aggregate.iter().flat_map(|aggregate| aggregate.states()).map(resolve).collect()
    }
}
