//! Aggregates that users made: `pg_aggregate(which, arguments …)` over rows, and `pg_aggregate_result(which, value)`
//! around it, which knows the result over no rows.
//!
//! Must not know: how functions run (`engine::routines`). A function of PostgreSQL's is called by a statement that calls
//! it. Specification: xaggr.html, nodeAgg.c, nodeWindowAgg.c.

use std::collections::VecDeque;
use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::functions::{Aggregate, Context, FunctionFlags, WindowAggregate};

use super::{KEPT, unpack};
use crate::catalog::aggregates::Computation;
use crate::catalog::definitions::{Names, quote_identifier};
use crate::catalog::routines::{Parameter, ParameterMode, Routine, Volatility};
use crate::catalog::tables::procs;
use crate::engine::functions::args::owned;
use crate::engine::functions::{Args, ContextSlot, Output, Signature, register_one, registration_failed};
use crate::engine::routines::call::{Caller, Given, LeaseCell, call, check_may_execute, routine_of};
use crate::engine::routines::signature::CallTypes;
use crate::error::{Error, Result};
use crate::limits::session as limits;
use crate::sql::analyze::routine::CallSite;
use crate::types::pg_type::Oid;
use crate::types::value::Value;

/// What stands for NULL between the two: no text of PostgreSQL's has this character.
const NULL: &str = "\0";

pub(super) fn register(connection: &Connection, slot: &ContextSlot) -> Result<()> {
    let kinds = [("pg_aggregate", -1, false, false), ("pg_aggregate_moving", -1, true, false)];
    for (name, arity, moves, packed) in kinds.into_iter().chain([("pg_aggregate_packed", 1, false, true)]) {
        let adapter = Adapter { slot: slot.clone(), moves, packed };
        let created = connection.create_window_function(name, arity, FunctionFlags::SQLITE_UTF8, adapter);
        created.map_err(|error| registration_failed(name, &error))?;
    }
    let signature = Signature { name: "pg_aggregate_result", arity: 2, strict: false, deterministic: false };
    register_one(connection, slot, signature, result)
}

/// A function with the types of its calls.
struct Step {
    routine: Arc<Routine>,
    types: CallTypes,
}

/// One way to compute the aggregate.
struct Way {
    transition: Step,
    inverse: Option<Step>,
    last: Option<Step>,
    /// How many arguments the last function has besides the state: they are NULL.
    extra: usize,
    initial: Value,
}

/// An aggregate in a statement.
struct Site {
    plain: Way,
    moving: Option<Way>,
}

/// The state over a group or a frame.
#[derive(Default)]
struct State {
    site: Option<Arc<Site>>,
    /// `None` until a value has come in, where there is none to begin with.
    value: Option<Value>,
    /// The rows that are in, where they can go again.
    rows: VecDeque<Vec<Value>>,
    /// How many of them have changed the value.
    count: usize,
    /// A row could not be taken out: it is to be computed anew.
    is_stale: bool,
}

impl Step {
    fn call(&self, caller: &Caller, values: Vec<Value>) -> Result<Value> {
        if self.routine.strict && values.iter().any(Value::is_null) {
            return Ok(Value::Null);
        }
        match call(caller, &self.routine, &self.types, values, &[], None)? {
            Given::Nothing => Ok(Value::Text(String::new())),
            Given::Value(value) => Ok(value),
            Given::Rows(_) => Err(Error::internal("a set in an aggregate")),
        }
    }
}

impl Way {
    fn new(caller: &Caller, computation: &Computation, site: &CallSite, (state, inverse): (Oid, Oid)) -> Result<Self> {
        let inputs: Vec<Oid> = [state].into_iter().chain(site.parameters.iter().copied()).collect();
        let returns = site.returns.unwrap_or(state);
        let last_inputs = if computation.last_extra { inputs.as_slice() } else { inputs.get(..1).unwrap_or_default() };
        let optional = |oid: Oid, inputs: &[Oid], returns: Oid| match oid {
            Oid::INVALID => Ok(None),
            oid => step(caller, oid, inputs, returns).map(Some),
        };
        Ok(Way {
            transition: step(caller, computation.transition, &inputs, state)?,
            inverse: optional(inverse, &inputs, state)?,
            last: optional(computation.last, last_inputs, returns)?,
            extra: last_inputs.len().saturating_sub(1),
            initial: match &computation.initial {
                None => Value::Null,
                Some(text) => initial(caller, site.routine, text, state)?,
            },
        })
    }

    fn begin(&self) -> Option<Value> {
        Some(self.initial.clone()).filter(|initial| !initial.is_null())
    }

    /// advance_transition_function
    fn advance(&self, caller: &Caller, state: Option<Value>, row: &[Value]) -> Result<(Option<Value>, bool)> {
        if self.transition.routine.strict {
            if row.iter().any(Value::is_null) {
                return Ok((state, false));
            }
            match &state {
                None => return Ok((row.first().cloned(), true)),
                Some(Value::Null) => return Ok((state, true)),
                Some(_) => {}
            }
        }
        let mut values = Vec::with_capacity(row.len() + 1);
        values.push(state.unwrap_or(Value::Null));
        values.extend_from_slice(row);
        Ok((Some(self.transition.call(caller, values)?), true))
    }

    fn finish(&self, caller: &Caller, state: Option<Value>) -> Result<Value> {
        let state = state.unwrap_or(Value::Null);
        let Some(last) = &self.last else { return Ok(state) };
        let mut values = vec![Value::Null; self.extra];
        values.insert(0, state);
        last.call(caller, values)
    }

    fn over(&self, caller: &Caller, rows: &VecDeque<Vec<Value>>) -> Result<Option<Value>> {
        let mut state = self.begin();
        for row in rows {
            limits::work(KEPT)?;
            state = self.advance(caller, state, row)?.0;
        }
        Ok(state)
    }
}

/// A function by its OID for arguments of these types.
fn step(caller: &Caller, oid: Oid, inputs: &[Oid], returns: Oid) -> Result<Step> {
    let types = CallTypes { parameters: inputs.to_vec(), returns: Some(returns) };
    if let Some(routine) = caller.link.catalog().routines.get(&oid).cloned() {
        return Ok(Step { routine, types });
    }
    let proc = procs::proc(oid).ok_or_else(|| Error::internal(format!("cache lookup failed for function {oid}")))?;
    let places: Vec<String> = (1..=inputs.len()).map(|place| format!("${place}")).collect();
    let body = format!("SELECT pg_catalog.{}({})", quote_identifier(&proc.name), places.join(", "));
    Ok(Step { routine: Arc::new(wrapper(oid, &proc.name, (inputs, returns), (body, proc.strict))), types })
}

/// A function in SQL that is in no catalog.
fn wrapper(oid: Oid, name: &str, (inputs, returns): (&[Oid], Oid), (body, strict): (String, bool)) -> Routine {
    let parameter =
        |type_oid: &Oid| Parameter { name: String::new(), mode: ParameterMode::In, type_oid: *type_oid, default: None };
    Routine {
        schema: "pg_catalog".to_owned(),
        parameters: inputs.iter().map(parameter).collect(),
        volatility: Volatility::Stable,
        ..Routine::sql(oid, name, returns, (body, strict))
    }
}

/// The text of INITCOND as a value of the state's type.
fn initial(caller: &Caller, aggregate: Oid, text: &str, state: Oid) -> Result<Value> {
    let catalog = caller.link.catalog();
    let names = Names { catalog: &catalog, search_path: &[] };
    let body = format!("SELECT CAST('{}' AS {})", text.replace('\'', "''"), names.format_type(state, None));
    let body = if text.contains('\\') { body.replacen("CAST('", "CAST(E'", 1).replace('\\', "\\\\") } else { body };
    let routine = Arc::new(wrapper(aggregate, "initcond", (&[], state), (body, false)));
    // What else the aggregate begins with is another body.
    let types = CallTypes { parameters: vec![state, Oid(text.len() as u32)], returns: Some(state) };
    Step { routine, types }.call(caller, Vec::new())
}

fn caller(slot: &ContextSlot) -> Result<Caller> {
    let (link, lease) = slot.linked()?;
    Ok(Caller { link, lease: LeaseCell::new(lease) })
}

fn site_of(caller: &Caller, text: &str) -> Result<Site> {
    let site = CallSite::of_text(text)?;
    let routine = routine_of(caller, &site)?;
    check_may_execute(caller, &routine)?;
    let Some(aggregate) = &routine.aggregate else { return Err(Error::internal("an aggregate that is none")) };
    let state = |place: usize| site.columns.get(place).map_or(Oid::INVALID, |(_, oid, _)| *oid);
    let moving = aggregate.moving.as_ref();
    let moving = moving.map(|moving| Way::new(caller, &moving.computation, &site, (state(1), moving.inverse)));
    Ok(Site {
        plain: Way::new(caller, &aggregate.plain, &site, (state(0), Oid::INVALID))?,
        moving: moving.transpose()?,
    })
}

/// The aggregate over no rows, or what the one over some gave.
fn result(args: &Args<'_>) -> Result<Output> {
    match owned(args.raw(1)) {
        Value::Null => {
            let caller = caller(args.slot())?;
            let site = site_of(&caller, &args.text(0)?)?;
            site.plain.finish(&caller, site.plain.begin()).map(Output::from)
        }
        Value::Text(text) if text == NULL => Ok(Output::NULL),
        _ => Ok(Output::Argument(1)),
    }
}

struct Adapter {
    slot: ContextSlot,
    /// The frame's start moves.
    moves: bool,
    /// DISTINCT: the arguments are one text.
    packed: bool,
}

impl Adapter {
    fn row(&self, args: &Args<'_>, caller: &Caller, state: &mut State) -> Result<(Arc<Site>, Vec<Value>)> {
        // A row is small, but what is kept of it stays.
        limits::work(args.size() + KEPT)?;
        let mut values: Vec<Value> = match self.packed {
            true => unpack(&args.text(0)?)?.into_iter().map(|(_, value)| owned((&value).into())).collect(),
            false => (0..args.len()).map(|index| owned(args.raw(index))).collect(),
        };
        let which = if values.is_empty() { Value::Null } else { values.remove(0) };
        let site = match &state.site {
            Some(site) => Arc::clone(site),
            None => {
                let Value::Text(text) = which else { return Err(Error::internal("an aggregate without a name")) };
                // Packed arguments are others in every row.
                let site = match self.packed {
                    true => Arc::new(site_of(caller, &text)?),
                    false => args.cached(0, || site_of(caller, &text))?,
                };
                let way = if self.moves { site.moving.as_ref().unwrap_or(&site.plain) } else { &site.plain };
                state.value = way.begin();
                state.site = Some(Arc::clone(&site));
                site
            }
        };
        Ok((site, values))
    }

    fn take(&self, args: &Args<'_>, state: &mut State) -> Result<()> {
        let caller = caller(&self.slot)?;
        let (site, row) = self.row(args, &caller, state)?;
        if !self.moves {
            state.value = site.plain.advance(&caller, state.value.take(), &row)?.0;
            return Ok(());
        }
        if let Some(way) = site.moving.as_ref().filter(|_| !state.is_stale) {
            let (value, counts) = way.advance(&caller, state.value.take(), &row)?;
            state.value = value;
            state.count += usize::from(counts);
        }
        state.rows.push_back(row);
        Ok(())
    }

    /// advance_windowaggregate_base
    fn give_back(&self, args: &Args<'_>, state: &mut State) -> Result<()> {
        let caller = caller(&self.slot)?;
        let (site, row) = self.row(args, &caller, state)?;
        state.rows.pop_front();
        let Some(way) = site.moving.as_ref().filter(|_| !state.is_stale) else { return Ok(()) };
        let Some(inverse) = &way.inverse else { return Ok(()) };
        if inverse.routine.strict && row.iter().any(Value::is_null) {
            return Ok(());
        }
        if state.count <= 1 {
            (state.value, state.count) = (way.begin(), 0);
            return Ok(());
        }
        let mut values = row;
        values.insert(0, state.value.take().unwrap_or(Value::Null));
        let value = inverse.call(&caller, values)?;
        state.count -= 1;
        state.is_stale = value.is_null();
        state.value = Some(value);
        Ok(())
    }

    fn output(&self, state: &mut State) -> Result<Output> {
        let Some(site) = state.site.clone() else { return Ok(Output::NULL) };
        let caller = caller(&self.slot)?;
        let value = match (self.moves, &site.moving) {
            (false, _) => site.plain.finish(&caller, state.value.clone())?,
            (true, None) => site.plain.finish(&caller, site.plain.over(&caller, &state.rows)?)?,
            (true, Some(way)) => {
                if state.is_stale {
                    state.value = way.over(&caller, &state.rows)?;
                    state.count = match way.transition.routine.strict {
                        true => state.rows.iter().filter(|row| !row.iter().any(Value::is_null)).count(),
                        false => state.rows.len(),
                    };
                    state.is_stale = false;
                }
                way.finish(&caller, state.value.clone())?
            }
        };
        match value {
            Value::Null => Ok(Output::Static(NULL)),
            value => Output::from(value).checked(),
        }
    }
}

impl Aggregate<State, Output> for Adapter {
    fn init(&self, _: &mut Context<'_>) -> rusqlite::Result<State> {
        Ok(State::default())
    }

    fn step(&self, context: &mut Context<'_>, state: &mut State) -> rusqlite::Result<()> {
        self.take(&Args::new(context, &self.slot), state).map_err(|error| self.slot.fail(error))
    }

    fn finalize(&self, _: &mut Context<'_>, state: Option<State>) -> rusqlite::Result<Output> {
        let Some(mut state) = state else { return Ok(Output::NULL) };
        self.output(&mut state).map_err(|error| self.slot.fail(error))
    }
}

impl WindowAggregate<State, Output> for Adapter {
    fn value(&self, state: Option<&mut State>) -> rusqlite::Result<Output> {
        let Some(state) = state else { return Ok(Output::NULL) };
        self.output(state).map_err(|error| self.slot.fail(error))
    }

    fn inverse(&self, context: &mut Context<'_>, state: &mut State) -> rusqlite::Result<()> {
        self.give_back(&Args::new(context, &self.slot), state).map_err(|error| self.slot.fail(error))
    }
}
