//! Functions by the types of their arguments alone: what aggregates, operators and casts are made of.
//!
//! Owns: [`SupportFunction`], [`Analyzer::support_function`], [`Analyzer::call_function`]. Specification:
//! lookup_agg_function in pg_aggregate.c, LookupFuncName in parse_func.c.

use std::sync::Arc;

use crate::catalog::routines::{self, Routine, is_compatible};
use crate::catalog::tables::procs::{self, Proc};
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::resolve::Choice;
use crate::sql::casts;
use crate::sql::functions::{self, Function};
use crate::sql::syntax::ast::location::Location;
use crate::sql::tree::Expr;
use crate::types::pg_type::Oid;

/// A function that was found.
#[derive(Clone, Debug)]
pub struct SupportFunction {
    pub oid: Oid,
    /// With the types that were given put in place of polymorphic ones.
    pub returns: Oid,
    pub returns_set: bool,
    pub strict: bool,
    pub volatility: routines::Volatility,
    /// The types of its arguments as they were declared.
    pub declared: Vec<Oid>,
    /// No argument needs more than to be taken for another type.
    pub takes_as_stored: bool,
}

/// One of PostgreSQL's, or a user's.
enum Candidate {
    Own(&'static Proc),
    User(Arc<Routine>),
}

impl Candidate {
    fn declared(&self) -> Vec<Oid> {
        match self {
            Candidate::Own(proc) => proc.argument_types().to_vec(),
            Candidate::User(routine) => routine.input_types(),
        }
    }

    fn found(&self, returns: Oid, declared: Vec<Oid>, takes_as_stored: bool) -> SupportFunction {
        let (oid, strict, volatility, returns_set) = match self {
            Candidate::Own(proc) => (proc.oid, proc.strict, proc.volatility, proc.returns_set()),
            Candidate::User(routine) => (routine.oid, routine.strict, routine.volatility, routine.returns_set),
        };
        SupportFunction { oid, returns, returns_set, strict, volatility, declared, takes_as_stored }
    }
}

/// What stands for polymorphic types while a function for them is looked for.
#[derive(Clone, Copy)]
struct Sample {
    element: Oid,
    array: Oid,
    is_compatible: bool,
}

const RANGE: Oid = Oid(3904);
const MULTIRANGE: Oid = Oid(4451);

impl Sample {
    fn of(types: &[Oid]) -> Self {
        let ranged = types.iter().any(|oid| matches!(oid.0, 3831 | 4537 | 5080 | 4538));
        let (element, array) = if ranged { (Oid::INT4, Oid::INT4_ARRAY) } else { (Oid(774), Oid(775)) };
        Sample { element, array, is_compatible: types.iter().any(|oid| is_compatible(*oid)) }
    }

    fn stand_in(self, oid: Oid) -> Oid {
        match oid.0 {
            2277 | 5078 => self.array,
            3831 | 5080 => RANGE,
            4537 | 4538 => MULTIRANGE,
            _ if routines::is_polymorphic(oid) => self.element,
            _ => oid,
        }
    }

    fn pseudo_type(self, oid: Oid) -> Oid {
        match (oid, self.is_compatible) {
            (oid, true) if oid == self.element => Oid(5077),
            (oid, true) if oid == self.array => Oid(5078),
            (RANGE, true) => Oid(5080),
            (MULTIRANGE, true) => Oid(4538),
            (oid, false) if oid == self.element => Oid::ANYELEMENT,
            (oid, false) if oid == self.array => Oid::ANYARRAY,
            (RANGE, false) => Oid::ANYRANGE,
            (MULTIRANGE, false) => Oid::ANYMULTIRANGE,
            (oid, _) => oid,
        }
    }
}

impl Analyzer<'_> {
    /// The function of that name for arguments of these types, which may be polymorphic: 42883, 0A000 for one of
    /// PostgreSQL's that is not there.
    pub(in crate::sql) fn support_function(&mut self, name: &[String], types: &[Oid]) -> Result<SupportFunction> {
        let (schema, plain) = self.split_name(name, Location::UNKNOWN)?;
        let mut candidates: Vec<Candidate> = Vec::new();
        let routines = self.routines_named(schema, plain).into_iter();
        candidates.extend(routines.filter(|r| !r.is_procedure() && !r.is_aggregate()).map(Candidate::User));
        if schema.is_none_or(|schema| schema == "pg_catalog") {
            let own = procs::procs_named(plain).into_iter().filter(|proc| proc.is_function());
            candidates.extend(own.map(Candidate::Own));
        }
        candidates.retain(|candidate| candidate.declared().len() == types.len());
        let signatures: Vec<Vec<Oid>> = candidates.iter().map(Candidate::declared).collect();
        let sample = Sample::of(types);
        let sampled: Vec<Oid> = types.iter().map(|oid| self.base_type(sample.stand_in(*oid), -1).0).collect();
        let all: Vec<usize> = (0..candidates.len()).collect();
        let exact = signatures.iter().position(|signature| signature == types);
        let signature = |i: usize| signatures.get(i).map_or(&[][..], Vec::as_slice);
        let chosen = exact.map_or_else(|| self.choose(&all, &signature, &sampled), Choice::One);
        let missing = |analyzer: &Self| {
            let shown: Vec<String> = types.iter().map(|oid| analyzer.type_name(*oid)).collect();
            let message = format!("function {}({}) does not exist", name.join("."), shown.join(", "));
            Error::new(SqlState::UNDEFINED_FUNCTION, message)
        };
        let Choice::One(index) = chosen else { return Err(missing(self)) };
        let (Some(candidate), Some(declared)) = (candidates.get(index), signatures.get(index)) else {
            return Err(missing(self));
        };
        let stands = |(given, declared): (&Oid, &Oid)| {
            !routines::is_polymorphic(*given)
                || *declared == Oid::ANY
                || routines::is_polymorphic(*declared) && is_compatible(*given) == is_compatible(*declared)
        };
        if !types.iter().zip(declared).all(stands) {
            return Err(missing(self));
        }
        let returns = match candidate {
            Candidate::Own(proc) => proc.returns(),
            Candidate::User(routine) => routine.returns,
        };
        let returns = match routines::is_polymorphic(returns) {
            false => returns,
            true => {
                let actual = self.result_type(returns, declared, &sampled);
                if types.iter().any(|oid| routines::is_polymorphic(*oid)) { sample.pseudo_type(actual) } else { actual }
            }
        };
        if let Candidate::Own(proc) = candidate
            && own_function(proc).is_none()
        {
            return Err(Error::unsupported(format!("the function {}", proc.name)));
        }
        let as_stored = |(given, declared): (&Oid, &Oid)| {
            routines::is_polymorphic(*declared) || *declared == Oid::ANY || self.is_binary_coercible(*given, *declared)
        };
        let mut takes_as_stored = types.iter().zip(declared).all(as_stored);
        let mut declared = declared.clone();
        // What the anycompatible family stands for is what all of them are converted to.
        let compatible = |declared: &Oid| matches!(declared.0, 5077 | 5079);
        let family: Vec<Oid> =
            sampled.iter().zip(&declared).filter(|(_, declared)| compatible(declared)).map(|(oid, _)| *oid).collect();
        let common = self.common_type(&family, "anycompatible").unwrap_or(Oid::TEXT);
        if !family.is_empty() && !types.iter().any(|oid| routines::is_polymorphic(*oid)) {
            takes_as_stored &= family.iter().all(|oid| self.is_binary_coercible(*oid, common));
            declared.iter_mut().filter(|declared| compatible(declared)).for_each(|declared| *declared = common);
        }
        Ok(candidate.found(returns, declared, takes_as_stored))
    }

    /// Whether a value of one type is one of the other as it is (IsBinaryCoercible).
    pub(in crate::sql) fn is_binary_coercible(&self, from: Oid, to: Oid) -> bool {
        let from = self.base_type(from, -1).0;
        from == to
            || self.takes(to, from).unwrap_or(false)
            || casts::is_same_implicitly(from, to)
            || to == Oid::RECORD && self.is_composite(from)
    }

    /// A call of a function by its OID; the arguments are of its types, or can be implicitly.
    pub(in crate::sql) fn call_function(&mut self, oid: Oid, args: Vec<Expr>) -> Result<Expr> {
        if let Some(routine) = self.catalog().routines.get(&oid).cloned() {
            return self.call_of(&routine, args).map(|call| self.inlined(call));
        }
        let function = procs::proc(oid).and_then(own_function);
        let function = function.ok_or_else(|| Error::unsupported(format!("the function with OID {oid}")))?;
        self.ordinary(function, args)
    }
}

/// What carries out one of PostgreSQL's functions.
pub fn own_function(proc: &Proc) -> Option<&'static Function> {
    let listed = functions::named(&proc.name);
    listed.iter().find(|function| !function.variadic && function.args == proc.argument_types()).copied()
}
