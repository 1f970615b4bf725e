//! The ways into a function: from SQL, from a trigger, from DO.
//!
//! Owns: [`call`], [`call_trigger`], [`run_block`], [`Value`]s in and out. Must not know: how bodies run.

use std::sync::Arc;

use crate::catalog::routines::{Language, PG_PROC, Routine, Volatility};
use crate::engine::pool::Lease;
use crate::engine::routines::cache::Compiled;
use crate::engine::routines::execute::Executor;
use crate::engine::routines::host::{SessionHost, TransactionControl};
use crate::engine::routines::records;
use crate::engine::routines::signature::CallTypes;
use crate::engine::session_schema::SessionLink;
use crate::error::{Error, Result};
use crate::plpgsql::call::{Call, Returned, Trigger};
use crate::plpgsql::interpret::execute;
use crate::plpgsql::value::Column;
use crate::types::value::Value;

/// A session and the connection that it has borrowed, for the functions that its statement calls.
#[derive(Clone)]
pub(crate) struct Caller {
    pub link: Arc<SessionLink>,
    pub lease: Arc<Lease>,
}

/// What a function gave.
#[derive(Debug)]
pub(crate) enum Given {
    Nothing,
    /// A row is in its stored form.
    Value(Value),
    /// The rows of a set, of these columns.
    Rows(Vec<Vec<Value>>),
}

/// Calls a function or a procedure. The arguments are of its parameters' types; `columns` are those of a column definition
/// list.
pub(crate) fn call(
    caller: &Caller,
    routine: &Arc<Routine>,
    types: &CallTypes,
    arguments: Vec<Value>,
    columns: Option<Arc<[Column]>>,
    transaction: Option<&mut dyn TransactionControl>,
) -> Result<Given> {
    let executor = executor(caller, routine);
    match routine.language {
        Language::PlPgSql => {
            let compiled = compiled(&executor, routine, types)?;
            let result = columns.or_else(|| compiled.columns.clone());
            let call = Call { arguments, result, ..Call::default() };
            let mut host = SessionHost { executor, compiled: Arc::clone(&compiled), rows: Vec::new(), transaction };
            let returned = within(caller, routine, || execute(&compiled.function, &call, &mut host))?;
            given(returned, host.rows)
        }
        Language::Sql => Err(Error::unsupported("LANGUAGE sql")),
    }
}

/// Calls a trigger function for a row, or for a statement. Gives the row that it returns, of the table's columns; `None` is
/// NULL. What a row trigger gives after the change, and what a statement's gives, means nothing.
pub(crate) fn call_trigger(
    caller: &Caller,
    routine: &Arc<Routine>,
    trigger: Trigger,
) -> Result<Option<Vec<Value>>> {
    let executor = executor(caller, routine);
    if routine.language != Language::PlPgSql {
        return Err(Error::unsupported("a trigger function in another language than PL/pgSQL"));
    }
    let compiled = compiled(&executor, routine, &CallTypes::default())?;
    let call = Call { trigger: Some(trigger), ..Call::default() };
    let mut host = SessionHost { executor, compiled: Arc::clone(&compiled), rows: Vec::new(), transaction: None };
    match within(caller, routine, || execute(&compiled.function, &call, &mut host))? {
        Returned::Trigger(row) => Ok(row),
        _ => Err(Error::internal("a trigger function that returned no row")),
    }
}

/// Runs the block of DO.
pub(crate) fn run_block(
    caller: &Caller,
    compiled: &Arc<Compiled>,
    transaction: Option<&mut dyn TransactionControl>,
) -> Result<()> {
    let executor =
        Executor { link: Arc::clone(&caller.link), lease: Arc::clone(&caller.lease), reads_only: false };
    let mut host = SessionHost { executor, compiled: Arc::clone(compiled), rows: Vec::new(), transaction };
    execute(&compiled.function, &Call::default(), &mut host).map(drop)
}

fn executor(caller: &Caller, routine: &Routine) -> Executor {
    Executor {
        link: Arc::clone(&caller.link),
        lease: Arc::clone(&caller.lease),
        reads_only: routine.volatility != Volatility::Volatile,
    }
}

fn compiled(executor: &Executor, routine: &Routine, types: &CallTypes) -> Result<Arc<Compiled>> {
    let cache = executor.link.database.routines();
    executor.planning(|planning| cache.compiled(routine, types, planning))
}

/// Runs a body under the routine's own settings and role.
fn within<T>(caller: &Caller, routine: &Routine, body: impl FnOnce() -> Result<T>) -> Result<T> {
    if routine.settings.is_empty() && !routine.security_definer {
        return body();
    }
    let names = routine.settings.iter().map(|(name, _)| name.as_str());
    let identity: &[&str] = if routine.security_definer { &["role", "is_superuser"] } else { &[] };
    let names: Vec<&str> = names.chain(identity.iter().copied()).collect();
    let saved = caller.link.context().settings.save(&names);
    let outcome = begin_as(caller, routine).and_then(|()| body());
    caller.link.context().settings.restore(saved);
    outcome
}

fn begin_as(caller: &Caller, routine: &Routine) -> Result<()> {
    let owner = caller.link.catalog().owner_of(PG_PROC, routine.oid);
    let context = &mut *caller.link.context();
    if routine.security_definer {
        context.act_as(owner);
    }
    for (name, value) in &routine.settings {
        context.set_variable(name, Some(value), true)?;
    }
    Ok(())
}

fn given(returned: Returned, rows: Vec<Vec<Value>>) -> Result<Given> {
    Ok(match returned {
        Returned::Nothing => Given::Nothing,
        Returned::Scalar(value) => Given::Value(value),
        Returned::Row(None) => Given::Value(Value::Null),
        Returned::Row(Some(row)) => Given::Value(records::compose(&row.columns, &row.values)?),
        Returned::Set => Given::Rows(rows),
        Returned::Trigger(_) => return Err(Error::internal("a trigger function that was called")),
    })
}
