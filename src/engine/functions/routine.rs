//! The functions by which SQL calls those that users made.
//!
//! Owns: [`register`], [`called`]. The first argument says which function is called (`sql::analyze::routine`). Must not know:
//! how they run (`engine::routines`).

use std::sync::Arc;

use rusqlite::Connection;

use super::{Args, ContextSlot, Output, Signature, owned, register_one};
use crate::catalog::routines::Routine;
use crate::engine::routines::call::{Caller, Given, LeaseCell, call, check_may_execute, routine_of};
use crate::engine::routines::signature::CallTypes;
use crate::error::{Error, Result};
use crate::sql::analyze::routine::CallSite;
use crate::types::value::Value;

/// By their names; whether SQLite may take the results for the same.
const NAMES: [(&str, bool); 3] = [("pg_routine", false), ("pg_routine_stable", false), ("pg_routine_immutable", true)];

/// Registers them on a new connection.
pub(super) fn register(connection: &Connection, slot: &ContextSlot) -> Result<()> {
    NAMES.iter().try_for_each(|(name, deterministic)| {
        let signature = Signature { name, arity: -1, strict: false, deterministic: *deterministic };
        register_one(connection, slot, signature, routine)
    })
}

/// A call as it is known for the length of a statement.
struct Site {
    routine: Arc<Routine>,
    types: CallTypes,
    columns: Vec<(String, crate::types::pg_type::Oid, i32)>,
}

fn routine(args: &Args<'_>) -> Result<Output> {
    let (link, lease) = args.slot().linked()?;
    let caller = Caller { link, lease: LeaseCell::new(lease) };
    let site = args.cached(0, || site_of(&caller, &args.text(0)?))?;
    if site.routine.strict && (1..args.len()).any(|index| args.is_null(index)) {
        return Ok(Output::NULL);
    }
    let values = (1..args.len()).map(|index| owned(args.raw(index))).collect();
    Ok(match call_site(&caller, &site, values)? {
        // A void value's text is empty.
        Given::Nothing => Output::Static(""),
        Given::Value(value) => value.into(),
        Given::Rows(_) => return Err(Error::internal("a set where there is one value")),
    })
}

/// Calls a function that returns a set.
pub(super) fn called(slot: &ContextSlot, site: &str, values: Vec<Value>) -> Result<Given> {
    let (link, lease) = slot.linked()?;
    let caller = Caller { link, lease: LeaseCell::new(lease) };
    let site = site_of(&caller, site)?;
    if site.routine.strict && values.iter().any(Value::is_null) {
        return Ok(Given::Rows(Vec::new()));
    }
    call_site(&caller, &site, values)
}

fn site_of(caller: &Caller, text: &str) -> Result<Site> {
    let site = CallSite::of_text(text)?;
    let routine = routine_of(caller, &site)?;
    check_may_execute(caller, &routine)?;
    let types = CallTypes { parameters: site.parameters, returns: site.returns };
    Ok(Site { routine, types, columns: site.columns })
}

fn call_site(caller: &Caller, site: &Site, values: Vec<Value>) -> Result<Given> {
    call(caller, &site.routine, &site.types, values, &site.columns, None)
}
