//! Calls of functions that users made: named and mixed notation, defaults, VARIADIC, polymorphic types.
//!
//! Owns: [`Analyzer::routine_call`], [`CallSite`]. A call becomes one of a function of the server's own, which is told by its
//! first argument, a constant text, which routine is meant and for which types. Specification: typeconv-func.html,
//! sql-syntax-calling-funcs.html; FuncnameGetCandidates in namespace.c, func_get_detail in parse_func.c.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::catalog::composite;
use crate::catalog::routines::{self, Parameter, ParameterMode, Routine, is_compatible};
use crate::catalog::schema::{CatalogSnapshot, Relation};
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::resolve::Choice;
use crate::sql::functions::{Function, RoutineCall};
use crate::sql::plan::CallOutput;
use crate::sql::syntax::ast::expression::{Expr as Ast, FuncCall};
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::grammar::locations::expr_location;
use crate::sql::syntax::parse;
use crate::sql::tree::{Expr, ExprKind, FunctionRef};
use crate::types::pg_type::Oid;
use crate::types::value::Value;

/// What the server's function is told of a call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallSite {
    pub routine: Oid,
    /// Of a polymorphic routine: the types of all parameters in this call.
    pub parameters: Vec<Oid>,
    pub returns: Option<Oid>,
    /// A column definition list; of an aggregate the types of its states.
    pub columns: Vec<(String, Oid, i32)>,
}

impl CallSite {
    /// As a constant of the statement.
    pub fn to_text(&self) -> String {
        let types: Vec<u32> = self.parameters.iter().map(|oid| oid.0).collect();
        let columns: Vec<Json> = self.columns.iter().map(|(name, oid, typmod)| json!([name, oid.0, typmod])).collect();
        json!([self.routine.0, types, self.returns.map(|oid| oid.0), columns]).to_string()
    }

    /// The inverse.
    pub fn of_text(text: &str) -> Result<Self> {
        let wrong = || Error::internal("a call of nothing");
        let json: Json = serde_json::from_str(text).map_err(|_| wrong())?;
        let oid = |json: Option<&Json>| json.and_then(Json::as_u64).and_then(|oid| u32::try_from(oid).ok()).map(Oid);
        let list = |place: usize| json.get(place).and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
        let columns = list(3).iter().map(|column| {
            let name = column.get(0).and_then(Json::as_str).unwrap_or_default().to_owned();
            let typmod = column.get(2).and_then(Json::as_i64).and_then(|typmod| i32::try_from(typmod).ok());
            Some((name, oid(column.get(1))?, typmod.unwrap_or(-1)))
        });
        Ok(CallSite {
            routine: oid(json.get(0)).ok_or_else(wrong)?,
            parameters: list(1).iter().filter_map(|json| oid(Some(json))).collect(),
            returns: oid(json.get(2)),
            columns: columns.collect::<Option<_>>().ok_or_else(wrong)?,
        })
    }
}

/// The arguments of a call as they were written.
pub(super) struct Given {
    pub(super) positional: Vec<Expr>,
    pub(super) named: Vec<(String, Expr)>,
    /// The last one is labelled VARIADIC.
    variadic: bool,
    /// Where they stand.
    locations: Vec<Location>,
}

impl Given {
    fn len(&self) -> usize {
        self.positional.len() + self.named.len()
    }

    fn types(&self) -> Vec<Oid> {
        self.positional.iter().chain(self.named.iter().map(|(_, expr)| expr)).map(|expr| expr.type_oid).collect()
    }
}

/// A routine, or a function of the server's own, that takes so many arguments.
pub(super) struct Candidate {
    routine: Option<Arc<Routine>>,
    /// The declared type of each argument in the order in which they were written.
    declared: Vec<Oid>,
    /// Which parameter each of them is for; those that VARIADIC takes are all for the last.
    places: Vec<usize>,
    /// The last parameter takes single elements.
    expands: bool,
    defaults: usize,
}

/// A call whose arguments are in order.
pub(super) struct Bound {
    pub(super) site: CallSite,
    pub(super) arguments: Vec<Expr>,
    /// Names, types and modifiers of the output parameters.
    outputs: Vec<(String, Oid, i32)>,
    pub(super) returns: Oid,
    /// Of an aggregate: the types of its states.
    pub(super) states: Vec<Oid>,
}

/// A procedure and the arguments of its input parameters.
pub(in crate::sql) struct CalledProcedure {
    pub site: CallSite,
    pub arguments: Vec<Expr>,
    /// With their types.
    pub outputs: Vec<(CallOutput, Oid)>,
    pub writes: bool,
}

/// How a routine is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Calling {
    Expression,
    /// CALL: OUT parameters have arguments, too.
    Call,
}

impl<'a> Analyzer<'a> {
    /// The routines of a name, as far as they can be seen; of two with the same inputs the first one along the path.
    pub(super) fn routines_named(&self, schema: Option<&str>, name: &str) -> Vec<Arc<Routine>> {
        let catalog: &CatalogSnapshot = self.catalog();
        match schema {
            Some(schema) => catalog.routines_in(schema, name).cloned().collect(),
            None => {
                let mut found: Vec<Arc<Routine>> = Vec::new();
                for schema in self.search_path.iter().filter(|schema| *schema != "pg_temp") {
                    for routine in catalog.routines_in(schema, name) {
                        if found.iter().all(|known| known.input_types() != routine.input_types()) {
                            found.push(Arc::clone(routine));
                        }
                    }
                }
                found
            }
        }
    }

    /// A call of a user's function; `None` if there is none of that name, or one of the server's own is meant.
    pub(super) fn routine_call(
        &mut self,
        call: &FuncCall,
        (schema, name): (Option<&str>, &str),
        columns: &[(String, Oid, i32)],
    ) -> Result<Option<Expr>> {
        let routines = self.routines_named(schema, name);
        if routines.is_empty() {
            return Ok(None);
        }
        let has_plain = routines.iter().any(|routine| routine.is_aggregate() && routine.parameters.is_empty());
        if call.agg_star && !has_plain || call.agg_within_group {
            return Ok(None);
        }
        let given = self.given(call)?;
        let shown = schema.map_or_else(|| name.to_owned(), |schema| format!("{schema}.{name}"));
        let Some((routine, candidate)) = self.chosen(routines, (schema, name), &shown, &given, Calling::Expression)?
        else {
            return Ok(None);
        };
        if routine.is_aggregate() {
            return self.aggregate_call(&routine, &candidate, given, call).map(Some);
        }
        if call.agg_star {
            let message = format!("{shown}(*) specified, but {shown} is not an aggregate function");
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
        }
        if routine.is_procedure() {
            let message = format!("{} is a procedure", self.shown_call(&shown, &given));
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message).with_hint("To call a procedure, use CALL."));
        }
        for (wrong, what) in [
            (call.agg_distinct, "DISTINCT"),
            (!call.agg_order.is_empty(), "ORDER BY"),
            (call.agg_filter.is_some(), "FILTER"),
        ] {
            if wrong {
                let message = format!("{what} specified, but {shown} is not an aggregate function");
                return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
            }
        }
        if call.over.is_some() {
            let message = format!("OVER specified, but {shown} is not a window function nor an aggregate function");
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
        }
        self.routine_expr(&routine, candidate, given, columns).map(Some)
    }

    fn given(&mut self, call: &FuncCall) -> Result<Given> {
        let mut given =
            Given { positional: Vec::new(), named: Vec::new(), variadic: call.func_variadic, locations: Vec::new() };
        given.locations.extend(call.args.iter().map(expr_location));
        for arg in &call.args {
            match arg {
                Ast::NamedArg(arg) => {
                    if given.named.iter().any(|(known, _)| *known == arg.name) {
                        let message = format!("argument name \"{}\" used more than once", arg.name);
                        return Err(self.at(Error::new(SqlState::SYNTAX_ERROR, message), arg.location));
                    }
                    let value = self.row_argument(&arg.arg)?;
                    given.named.push((arg.name.clone(), value));
                }
                arg if !given.named.is_empty() => {
                    let message = "positional argument cannot follow named argument";
                    return Err(self.at(Error::new(SqlState::SYNTAX_ERROR, message), expr_location(arg)));
                }
                arg => {
                    let value = self.row_argument(arg)?;
                    given.positional.push(value);
                }
            }
        }
        Ok(given)
    }

    /// An argument, which may be a row.
    fn row_argument(&mut self, arg: &Ast) -> Result<Expr> {
        self.target_expr(arg)
    }

    /// The routine that is meant, and how the arguments are for its parameters; `None` for a function of the server's own.
    fn chosen(
        &mut self,
        routines: Vec<Arc<Routine>>,
        (schema, name): (Option<&str>, &str),
        shown: &str,
        given: &Given,
        calling: Calling,
    ) -> Result<Option<(Arc<Routine>, Candidate)>> {
        let mut candidates: Vec<Candidate> =
            routines.iter().filter_map(|routine| self.candidate(routine, given, calling)).collect();
        if schema.is_none_or(|schema| schema == "pg_catalog") && given.named.is_empty() && !given.variadic {
            let own = self.functions_named(schema, name);
            candidates.extend(own.into_iter().filter_map(|function| own_candidate(function, given.len())));
        }
        let types = given.types();
        for candidate in &mut candidates {
            self.substitute_compatible(&mut candidate.declared, &types);
            self.as_given(&mut candidate.declared, &types);
        }
        // Of two that take the same, the one that needs fewer defaults and no VARIADIC.
        let signature = |i: usize| candidates.get(i).map_or(&[][..], |candidate| candidate.declared.as_slice());
        let rank = |i: usize| candidates.get(i).map_or((true, 0), |candidate| (candidate.expands, candidate.defaults));
        let all: Vec<usize> = (0..candidates.len()).collect();
        let among: Vec<usize> = all
            .iter()
            .copied()
            .filter(|i| !all.iter().any(|j| j != i && signature(*j) == signature(*i) && rank(*j) < rank(*i)))
            .collect();
        let exact = among.iter().copied().find(|i| signature(*i) == types);
        // Two of one schema that differ only in what has a default.
        let schema = |i: usize| {
            let routine = candidates.get(i).and_then(|candidate| candidate.routine.as_ref());
            routine.filter(|_| rank(i).1 > 0).map(|routine| routine.schema.clone())
        };
        let has_twin = |i: usize| {
            let same = |j: &usize| *j != i && signature(*j) == signature(i) && schema(*j) == schema(i);
            schema(i).is_some() && among.iter().any(same)
        };
        let chosen = match exact.map_or_else(|| self.choose(&among, &signature, &types), Choice::One) {
            Choice::One(i) if has_twin(i) => Choice::Ambiguous,
            chosen => chosen,
        };
        let Choice::One(index) = chosen else {
            let kind = if calling == Calling::Call { "procedure" } else { "function" };
            let signature = self.shown_call(shown, given);
            return Err(if matches!(chosen, Choice::Ambiguous) {
                let message = format!("{kind} {signature} is not unique");
                Error::new(SqlState::AMBIGUOUS_FUNCTION, message).with_hint(format!(
                    "Could not choose a best candidate {kind}. You might need to add explicit type casts."
                ))
            } else {
                let message = format!("{kind} {signature} does not exist");
                Error::new(SqlState::UNDEFINED_FUNCTION, message).with_hint(format!(
                    "No {kind} matches the given name and argument types. You might need to add explicit type casts."
                ))
            });
        };
        let candidate = candidates.swap_remove(index);
        Ok(candidate.routine.clone().map(|routine| (routine, candidate)))
    }

    /// A call of a routine that is known, with all of its arguments in order.
    pub(super) fn call_of(&mut self, routine: &Arc<Routine>, args: Vec<Expr>) -> Result<Expr> {
        let locations = vec![Location::UNKNOWN; args.len()];
        let given = Given { positional: args, named: Vec::new(), variadic: true, locations };
        let types = given.types();
        let mut declared = routine.input_types();
        self.substitute_compatible(&mut declared, &types);
        self.as_given(&mut declared, &types);
        let places = (0..declared.len()).collect();
        let candidate = Candidate { routine: Some(Arc::clone(routine)), declared, places, expands: false, defaults: 0 };
        self.routine_expr(routine, candidate, given, &[])
    }

    /// What a domain's base type takes, it takes, too, and a row becomes one of a composite type.
    fn as_given(&self, declared: &mut [Oid], types: &[Oid]) {
        for (declared, actual) in declared.iter_mut().zip(types) {
            if *declared != *actual {
                *declared = self.base_type(*declared, -1).0;
            }
            if *actual == Oid::RECORD && self.is_composite(*declared) {
                *declared = Oid::RECORD;
            }
        }
    }

    fn shown_call(&self, name: &str, given: &Given) -> String {
        let types = given.positional.iter().map(|arg| self.type_name(arg.type_oid));
        let named = given.named.iter().map(|(name, arg)| format!("{name} => {}", self.type_name(arg.type_oid)));
        format!("{name}({})", types.chain(named).collect::<Vec<_>>().join(", "))
    }

    /// How the arguments would be for a routine's parameters, if they can be.
    fn candidate(&self, routine: &Arc<Routine>, given: &Given, calling: Calling) -> Option<Candidate> {
        let parameters: Vec<&Parameter> = parameters(routine, calling).collect();
        let is_variadic = routine.is_variadic();
        if given.variadic && !is_variadic {
            return None;
        }
        let positional = given.positional.len();
        let expands = is_variadic && !given.variadic && given.named.is_empty() && positional >= parameters.len();
        if positional > parameters.len() && !expands {
            return None;
        }
        let last = parameters.len().checked_sub(1);
        let mut places: Vec<usize> = (0..positional).map(|index| last.map_or(0, |last| index.min(last))).collect();
        for (name, _) in &given.named {
            let place = parameters.iter().position(|parameter| parameter.name == *name)?;
            if places.contains(&place) {
                return None;
            }
            places.push(place);
        }
        let missing: Vec<usize> = (0..parameters.len()).filter(|place| !places.contains(place)).collect();
        let omitted_variadic = |place: usize| is_variadic && Some(place) == last && given.named.is_empty();
        let mut defaults = 0;
        for place in &missing {
            match parameters.get(*place) {
                Some(parameter) if parameter.default.is_some() => defaults += 1,
                // f(VARIADIC a int[]) cannot be called as f().
                _ if omitted_variadic(*place) => return None,
                _ => return None,
            }
        }
        let declared = places.iter().enumerate().map(|(index, place)| {
            let declared = parameters.get(*place).map_or(Oid::ANY, |parameter| parameter.type_oid);
            let is_element = expands && index + 1 >= parameters.len();
            if is_element { self.declared_element(declared) } else { Some(declared) }
        });
        let declared = declared.collect::<Option<Vec<Oid>>>()?;
        Some(Candidate { routine: Some(Arc::clone(routine)), declared, places, expands, defaults })
    }

    fn declared_element(&self, array: Oid) -> Option<Oid> {
        match array.0 {
            2277 => Some(Oid::ANYELEMENT),
            5078 => Some(Oid(5077)),
            _ => self.element_type(array),
        }
    }

    /// anycompatible and its family: the common type of all arguments that have them.
    fn substitute_compatible(&self, declared: &mut [Oid], types: &[Oid]) {
        let mut elements = Vec::new();
        for (declared, actual) in declared.iter().zip(types) {
            match declared.0 {
                5077 | 5079 => elements.push(*actual),
                5078 => elements.extend(self.element_type(*actual)),
                _ => {}
            }
        }
        if !declared.iter().any(|oid| is_compatible(*oid)) {
            return;
        }
        let common = self.common_type(&elements, "anycompatible").unwrap_or(Oid::TEXT);
        let common = if common == Oid::UNKNOWN { Oid::TEXT } else { common };
        for declared in declared {
            *declared = match declared.0 {
                5077 | 5079 => common,
                5078 => self.array_type(common).unwrap_or(Oid::TEXT_ARRAY),
                5080 => Oid::ANYRANGE,
                4538 => Oid::ANYMULTIRANGE,
                other => Oid(other),
            };
        }
    }

    /// The call, with its arguments in the order of the parameters.
    fn routine_expr(
        &mut self,
        routine: &Arc<Routine>,
        candidate: Candidate,
        given: Given,
        columns: &[(String, Oid, i32)],
    ) -> Result<Expr> {
        let Bound { site, mut arguments, outputs, returns, .. } =
            self.bound(routine, &candidate, given, (Calling::Expression, columns))?;
        self.used_routine(routine.oid);
        arguments.insert(0, Expr::text(site.to_text()));
        let writes = self.catalog().routine_writes(routine);
        self.writes |= writes;
        self.routines_write |= writes;
        let (type_oid, typmod) = self.routine_result(returns, outputs, columns);
        let how = match (routine.returns_set, routine.volatility) {
            (true, _) => RoutineCall::Set,
            (false, _) if writes => RoutineCall::Writes,
            (false, routines::Volatility::Immutable) => RoutineCall::Immutable,
            (false, routines::Volatility::Stable) => RoutineCall::Stable,
            (false, routines::Volatility::Volatile) => RoutineCall::Volatile,
        };
        if routine.returns_set {
            self.may_return_set()?;
            if type_oid == Oid::RECORD && typmod == -1 {
                return Err(Error::unsupported("a record whose fields are not known"));
            }
        }
        Ok(Expr { typmod, ..Expr::new(ExprKind::Func(FunctionRef(how.function()), arguments), type_oid) })
    }

    /// The text that is analysed depends on it.
    pub(super) fn used_routine(&mut self, oid: Oid) {
        if self.in_stored_text == self.own_text {
            self.used.borrow_mut().routines.insert(oid);
        }
    }

    /// The arguments in the order of the parameters, and the types of the call.
    pub(super) fn bound(
        &mut self,
        routine: &Arc<Routine>,
        candidate: &Candidate,
        given: Given,
        (calling, columns): (Calling, &[(String, Oid, i32)]),
    ) -> Result<Bound> {
        let written = given.types();
        let actual = self.actual_types(&candidate.declared, &written);
        let parameters: Vec<&Parameter> = parameters(routine, calling).collect();
        let mut values: Vec<Vec<Expr>> = (0..parameters.len()).map(|_| Vec::new()).collect();
        let written = given.positional.into_iter().chain(given.named.into_iter().map(|(_, value)| value));
        for (index, (value, place)) in written.zip(&candidate.places).enumerate() {
            if parameters.get(*place).is_some_and(|parameter| parameter.mode == ParameterMode::Out) {
                continue;
            }
            let declared = candidate.declared.get(index).copied().unwrap_or(Oid::ANY);
            let at = given.locations.get(index).copied().unwrap_or(Location::UNKNOWN);
            let value = self.argument(value, declared, actual.get(index).copied()).map_err(|e| self.at(e, at))?;
            let value = self.resolve_unknown(value).map_err(|e| self.at(e, at))?;
            let is_element = candidate.expands && *place + 1 == parameters.len();
            let value = match parameters.get(*place).filter(|_| !is_element) {
                Some(parameter) if value.type_oid == Oid::RECORD && self.is_composite(parameter.type_oid) => {
                    self.cast(value, parameter.type_oid, -1).map_err(|e| self.at(e, at))?
                }
                Some(parameter) if self.base_type(parameter.type_oid, -1).0 != parameter.type_oid => {
                    self.implicit_or_assigned(value, parameter.type_oid)?
                }
                _ => value,
            };
            let value = self.without_dropped(value)?;
            if let Some(list) = values.get_mut(*place) {
                list.push(value);
            }
        }
        // The types that the parameters have in this call.
        let resolve = |analyzer: &Self, oid: Oid| match routines::is_polymorphic(oid) {
            false => oid,
            true => analyzer.polymorphic_result(oid, (&candidate.declared, &actual), (&parameters, candidate)),
        };
        let mut arguments = Vec::with_capacity(parameters.len() + 1);
        for (index, (parameter, mut list)) in parameters.iter().zip(values).enumerate() {
            if parameter.mode == ParameterMode::Out {
                continue;
            }
            let type_oid = resolve(self, parameter.type_oid);
            let is_last = index + 1 == parameters.len();
            arguments.push(match (candidate.expands && is_last, list.pop()) {
                (true, last) => {
                    list.extend(last);
                    Expr::new(ExprKind::Array(list), type_oid)
                }
                (false, Some(value)) => value,
                (false, None) => self.parameter_default(parameter, type_oid)?,
            });
        }
        let polymorphic = routine.parameters.iter().any(|p| routines::is_polymorphic(p.type_oid))
            || routines::is_polymorphic(routine.returns);
        let returns = resolve(self, routine.returns);
        let site = CallSite {
            routine: routine.oid,
            parameters: match polymorphic {
                true => routine.parameters.iter().map(|p| resolve(self, p.type_oid)).collect(),
                false => Vec::new(),
            },
            returns: polymorphic.then_some(returns),
            columns: columns.to_vec(),
        };
        let outputs = routine.outputs().enumerate().map(|(index, output)| {
            let name = match output.name.as_str() {
                "" => format!("column{}", index + 1),
                name => name.to_owned(),
            };
            (name, resolve(self, output.type_oid), -1)
        });
        let outputs = outputs.collect();
        let states = Self::states(routine, &|oid| resolve(self, oid));
        Ok(Bound { site, arguments, outputs, returns, states })
    }

    /// CALL.
    pub(in crate::sql) fn procedure_call(&mut self, call: &FuncCall) -> Result<CalledProcedure> {
        let called = self.called_procedure(call);
        called.map_err(|error| self.at(error, call.location))
    }

    fn called_procedure(&mut self, call: &FuncCall) -> Result<CalledProcedure> {
        let (schema, name) = self.split_name(&call.name, call.location)?;
        let given = self.without_sets("CALL arguments", |a| a.given(call))?;
        let shown = call.name.join(".");
        let routines = self.routines_named(schema, name);
        let chosen = self.chosen(routines, (schema, name), &shown, &given, Calling::Call)?;
        let chosen = chosen.filter(|(routine, _)| routine.is_procedure());
        let Some((routine, candidate)) = chosen else {
            let message = format!("{} is not a procedure", self.shown_call(&shown, &given));
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message).with_hint("To call a function, use SELECT."));
        };
        let Bound { site, arguments, outputs, .. } = self.bound(&routine, &candidate, given, (Calling::Call, &[]))?;
        let mut types = outputs.into_iter().map(|(_, type_oid, _)| type_oid);
        let called: Vec<usize> = routine
            .parameters
            .iter()
            .enumerate()
            .filter(|(_, p)| p.mode.is_input() || p.mode == ParameterMode::Out)
            .map(|(index, _)| index)
            .collect();
        let mut given_back = Vec::new();
        for (index, parameter) in routine.parameters.iter().enumerate().filter(|(_, p)| p.mode.is_output()) {
            let place = called.iter().position(|known| *known == index);
            let argument = place.and_then(|place| candidate.places.iter().position(|written| *written == place));
            let output = CallOutput { argument, name: parameter.name.clone(), place: index + 1 };
            given_back.push((output, types.next().unwrap_or(Oid::TEXT)));
        }
        let writes = self.catalog().routine_writes(&routine) || self.writes;
        Ok(CalledProcedure { site, arguments, outputs: given_back, writes })
    }

    /// The name of a routine's only output parameter, by which its column is called.
    pub(super) fn only_output(&self, call: &Expr) -> Option<String> {
        let ExprKind::Func(function, args) = &call.kind else { return None };
        let ExprKind::Const(Value::Text(site)) = &args.first().filter(|_| function.name.is_empty())?.kind else {
            return None;
        };
        let routine = self.catalog().routines.get(&CallSite::of_text(site).ok()?.routine)?;
        let mut outputs = routine.outputs();
        let only = outputs.next().filter(|_| outputs.next().is_none())?;
        Some(only.name.clone()).filter(|name| !name.is_empty())
    }

    /// The type of what a call gives; of a row its columns are its modifier.
    fn routine_result(
        &mut self,
        returns: Oid,
        outputs: Vec<(String, Oid, i32)>,
        columns: &[(String, Oid, i32)],
    ) -> (Oid, i32) {
        let catalog = self.context.catalog;
        let is_row = |(_, type_oid, _): &(String, Oid, i32)| *type_oid == Oid::RECORD;
        let only_record = outputs.len() == 1 && outputs.iter().any(is_row);
        if outputs.len() > 1 || returns == Oid::RECORD && !outputs.is_empty() && !only_record {
            return (Oid::RECORD, self.records.modifier(catalog, outputs));
        }
        if !columns.is_empty() {
            return (Oid::RECORD, self.records.modifier(catalog, columns.to_vec()));
        }
        match composite::row_relation(catalog, returns).filter(|relation| has_dropped(relation)) {
            // What it returns has no places for attributes that are gone.
            Some(relation) => (Oid::RECORD, self.records.modifier(catalog, columns_of(relation))),
            None => self.base_type(returns, -1),
        }
    }

    /// The columns of the relation whose rows are of that type.
    pub(super) fn row_type_columns(&self, oid: Oid) -> Option<Vec<(String, Oid, i32)>> {
        composite::row_relation(self.catalog(), oid).map(columns_of)
    }

    /// A row as functions take it: without places for attributes that are gone.
    fn without_dropped(&mut self, row: Expr) -> Result<Expr> {
        let relation = composite::row_relation(self.catalog(), row.type_oid);
        if !relation.is_some_and(has_dropped) {
            return Ok(row);
        }
        let fields = self.fields_of(&row).unwrap_or_default();
        self.known_row(Expr::row(fields.into_iter().map(|(_, field)| field).collect()))
    }

    fn polymorphic_result(
        &self,
        oid: Oid,
        (declared, actual): (&[Oid], &[Oid]),
        (inputs, candidate): (&[&Parameter], &Candidate),
    ) -> Oid {
        if !is_compatible(oid) {
            return self.result_type(oid, declared, actual);
        }
        // What was put in place of the family's types says what they are.
        let place = candidate
            .places
            .iter()
            .position(|place| inputs.get(*place).is_some_and(|parameter| matches!(parameter.type_oid.0, 5077..=5079)));
        let Some(place) = place else { return Oid::TEXT };
        let given = declared.get(place).copied().unwrap_or(Oid::TEXT);
        let parameter = candidate.places.get(place).and_then(|place| inputs.get(*place));
        let is_array = parameter.is_some_and(|parameter| parameter.type_oid.0 == 5078) && !candidate.expands;
        let element = if is_array { self.element_type(given).unwrap_or(given) } else { given };
        match oid.0 {
            5078 => self.array_type(element).unwrap_or(Oid::TEXT_ARRAY),
            _ => element,
        }
    }

    fn parameter_default(&mut self, parameter: &Parameter, type_oid: Oid) -> Result<Expr> {
        let Some(text) = &parameter.default else { return Err(Error::internal("an argument that is missing")) };
        let ast = parse::expression(text)?;
        let value = self.stored(|analyzer| analyzer.expr(&ast))?;
        let value = self.implicit_or_assigned(value, type_oid)?;
        self.resolve_unknown(value)
    }

    pub(super) fn implicit_or_assigned(&mut self, value: Expr, to: Oid) -> Result<Expr> {
        use crate::sql::casts::CastContext;
        match self.try_coerce(value.clone(), to, -1, CastContext::Assignment)? {
            Some(cast) => Ok(cast),
            None => Err(self.cannot_cast(value.type_oid, to)),
        }
    }
}

/// What a call gives arguments for.
fn parameters(routine: &Routine, calling: Calling) -> impl Iterator<Item = &Parameter> {
    let with_outputs = calling == Calling::Call;
    let takes = move |p: &&Parameter| p.mode.is_input() || with_outputs && p.mode == ParameterMode::Out;
    routine.parameters.iter().filter(takes)
}

/// A function of the server's own that takes so many arguments.
fn own_candidate(function: &'static Function, count: usize) -> Option<Candidate> {
    let declared = crate::sql::analyze::resolve::expand(function, count)?;
    let places = (0..count).collect();
    Some(Candidate { routine: None, declared, places, expands: function.variadic, defaults: 0 })
}

fn has_dropped(relation: &Relation) -> bool {
    !relation.options.dropped.is_empty()
}

fn columns_of(relation: &Relation) -> Vec<(String, Oid, i32)> {
    relation.columns.iter().map(|column| (column.name.clone(), column.type_oid, column.typmod)).collect()
}
