//! The ways into a function: from SQL, from a trigger, from DO.
//!
//! Owns: [`call`], [`call_trigger`], [`run_block`], [`Value`]s in and out. Must not know: how bodies run.

use std::sync::{Arc, Mutex, PoisonError};

use crate::catalog::acl::{AclKind, Privileges};
use crate::catalog::routines::{Language, PG_PROC, Routine, Volatility};
use crate::engine::identity::denied;
use crate::engine::pool::Lease;
use crate::engine::routines::cache::Compiled;
use crate::engine::routines::execute::Executor;
use crate::engine::routines::host::{SessionHost, TransactionControl};
use crate::engine::routines::records;
use crate::engine::routines::signature::CallTypes;
use crate::engine::routines::sql_body::SqlBody;
use crate::engine::routines::types::data_type;
use crate::engine::session_schema::SessionLink;
use crate::error::{Error, Result, SqlState};
use crate::plpgsql::call::{Call, Returned, Trigger};
use crate::plpgsql::interpret::execute;
use crate::plpgsql::value::Column;
use crate::sql::analyze::routine::CallSite;
use crate::types::pg_type::Oid;
use crate::types::value::Value;

/// A session and the connection that it has borrowed, for the functions that its statement calls.
#[derive(Clone)]
pub(crate) struct Caller {
    pub link: Arc<SessionLink>,
    pub lease: LeaseCell,
}

/// The connection; a procedure that ends a transaction goes on with another one.
#[derive(Clone)]
pub(crate) struct LeaseCell(Arc<Mutex<Option<Arc<Lease>>>>);

impl LeaseCell {
    pub fn new(lease: Arc<Lease>) -> Self {
        LeaseCell(Arc::new(Mutex::new(Some(lease))))
    }

    pub fn get(&self) -> Result<Arc<Lease>> {
        let lease = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        lease.ok_or_else(|| Error::internal("a function without a connection"))
    }

    /// Another one, or none while a transaction ends.
    pub fn set(&self, lease: Option<Arc<Lease>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = lease;
    }
}

/// What a function gave.
#[derive(Debug)]
pub(crate) enum Given {
    Nothing,
    /// A row is in its stored form.
    Value(Value),
    /// The values of a set.
    Rows(Vec<Value>),
}

/// Calls a function or a procedure. The arguments are of its parameters' types; `columns` are those of a column definition
/// list.
pub(crate) fn call(
    caller: &Caller,
    routine: &Arc<Routine>,
    types: &CallTypes,
    arguments: Vec<Value>,
    defined: &[(String, Oid, i32)],
    transaction: Option<&mut dyn TransactionControl>,
) -> Result<Given> {
    let executor = executor(caller, routine);
    match routine.language {
        Language::PlPgSql => {
            let compiled = compiled(&executor, routine, types)?;
            let columns = result_columns(caller, compiled.columns.as_ref(), defined)?;
            if compiled.function.signature.kind == crate::plpgsql::function::RoutineKind::Trigger {
                let message = "trigger functions can only be called as triggers";
                let line = format!("compilation of PL/pgSQL function \"{}\" near line 1", routine.name);
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).within(line));
            }
            let call = Call { arguments, result: columns.clone(), ..Call::default() };
            let mut host = SessionHost { executor, compiled: Arc::clone(&compiled), rows: Vec::new(), transaction };
            let returned = within(caller, routine, || execute(&compiled.function, &call, &mut host))?;
            let is_row = compiled.function.signature.returns.is_row();
            given(returned, host.rows, (columns.as_deref(), is_row))
        }
        Language::Sql => {
            let body = sql_body(&executor, routine, types)?;
            let columns = result_columns(caller, body.columns.as_ref(), defined)?;
            let rows = within(caller, routine, || body.run(&executor, &arguments, columns.as_ref()))?;
            let is_row = body.signature().returns.is_row();
            let returned = match (routine.returns_set, body.signature().returns.oid) {
                (true, _) => Returned::Set,
                // Unlike one in PL/pgSQL, it gives NULL.
                (false, Oid::VOID) => return Ok(Given::Value(Value::Null)),
                (false, _) => {
                    let first = rows.into_iter().next();
                    return Ok(Given::Value(match (first, columns) {
                        (None, _) => Value::Null,
                        (Some(row), Some(columns)) if is_row => records::compose(&columns, &row)?,
                        (Some(row), _) => row.into_iter().next().unwrap_or(Value::Null),
                    }));
                }
            };
            given(returned, rows, (columns.as_deref(), is_row))
        }
        Language::Internal => Err(without_body(routine)),
    }
}

/// Aggregates are not called as functions are.
fn without_body(routine: &Routine) -> Error {
    Error::internal(format!("aggregate function {} called as normal function", routine.name))
}

/// Calls a trigger function for a row, or for a statement. Gives the row that it returns, of the table's columns; `None` is
/// NULL. What a row trigger gives after the change, and what a statement's gives, means nothing.
#[allow(dead_code, reason = "for triggers")]
pub(crate) fn call_trigger(caller: &Caller, routine: &Arc<Routine>, trigger: Trigger) -> Result<Option<Vec<Value>>> {
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

/// Calls a procedure. Gives what its output parameters were set to.
pub(crate) fn call_procedure(
    caller: &Caller,
    site: &CallSite,
    arguments: Vec<Value>,
    transaction: Option<&mut dyn TransactionControl>,
) -> Result<Vec<Value>> {
    let routine = routine_of(caller, site)?;
    check_may_execute(caller, &routine)?;
    let types = CallTypes { parameters: site.parameters.clone(), returns: site.returns };
    // Under settings or a role of its own it is part of the transaction around it.
    let transaction = transaction.filter(|_| routine.settings.is_empty() && !routine.security_definer);
    let executor = executor(caller, &routine);
    match routine.language {
        Language::PlPgSql => {
            let compiled = compiled(&executor, &routine, &types)?;
            let call = Call { arguments, result: compiled.columns.clone(), ..Call::default() };
            let mut host = SessionHost { executor, compiled: Arc::clone(&compiled), rows: Vec::new(), transaction };
            match within(caller, &routine, || execute(&compiled.function, &call, &mut host))? {
                Returned::Row(Some(row)) => Ok(row.values),
                _ => Ok(Vec::new()),
            }
        }
        Language::Sql => {
            let body = sql_body(&executor, &routine, &types)?;
            let rows = within(caller, &routine, || body.run(&executor, &arguments, body.columns.as_ref()))?;
            Ok(rows.into_iter().next().unwrap_or_default())
        }
        Language::Internal => Err(without_body(&routine)),
    }
}

/// The routine that is called.
pub(crate) fn routine_of(caller: &Caller, site: &CallSite) -> Result<Arc<Routine>> {
    let routine = caller.link.catalog().routines.get(&site.routine).cloned();
    routine.ok_or_else(|| {
        let message = format!("cache lookup failed for function {}", site.routine);
        Error::new(SqlState::UNDEFINED_FUNCTION, message)
    })
}

/// 42501 unless the current role may call it.
pub(crate) fn check_may_execute(caller: &Caller, routine: &Routine) -> Result<()> {
    let catalog = caller.link.catalog();
    let context = &mut *caller.link.context();
    if context.role() == Oid::BOOTSTRAP_SUPERUSER {
        return Ok(());
    }
    let holder = context.holder();
    let wanted = Privileges::EXECUTE;
    match catalog.mask(&holder, (PG_PROC, routine.oid, 0), AclKind::Function, wanted) == wanted {
        true => Ok(()),
        false => Err(denied(format!("permission denied for {} {}", routine.noun(), routine.name))),
    }
}

/// Runs the block of DO.
pub(crate) fn run_block(
    caller: &Caller,
    compiled: &Arc<Compiled>,
    transaction: Option<&mut dyn TransactionControl>,
) -> Result<()> {
    let executor = Executor { link: Arc::clone(&caller.link), lease: caller.lease.clone(), reads_only: false };
    let mut host = SessionHost { executor, compiled: Arc::clone(compiled), rows: Vec::new(), transaction };
    execute(&compiled.function, &Call::default(), &mut host).map(drop)
}

fn executor(caller: &Caller, routine: &Routine) -> Executor {
    Executor {
        link: Arc::clone(&caller.link),
        lease: caller.lease.clone(),
        reads_only: routine.volatility != Volatility::Volatile,
    }
}

fn compiled(executor: &Executor, routine: &Routine, types: &CallTypes) -> Result<Arc<Compiled>> {
    let cache = executor.link.database.routines();
    executor.planning(|planning| cache.compiled(routine, types, planning))
}

fn sql_body(executor: &Executor, routine: &Routine, types: &CallTypes) -> Result<Arc<SqlBody>> {
    let cache = executor.link.database.routines();
    executor.planning(|planning| cache.sql_body(routine, types, planning))
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

/// The columns that the caller expects: those of a column definition list, or those declared.
fn result_columns(
    caller: &Caller,
    declared: Option<&Arc<[Column]>>,
    defined: &[(String, Oid, i32)],
) -> Result<Option<Arc<[Column]>>> {
    if defined.is_empty() {
        return Ok(declared.cloned());
    }
    let catalog = caller.link.catalog();
    let column = |(name, oid, typmod): &(String, Oid, i32)| {
        let data_type = data_type(&catalog, *oid, *typmod).ok_or_else(|| Error::internal("a column's type"))?;
        Ok(Column::new(name.clone(), data_type))
    };
    defined.iter().map(column).collect::<Result<Vec<_>>>().map(|columns| Some(Arc::from(columns)))
}

fn given(returned: Returned, rows: Vec<Vec<Value>>, (columns, is_row): (Option<&[Column]>, bool)) -> Result<Given> {
    Ok(match returned {
        Returned::Nothing => Given::Nothing,
        Returned::Scalar(value) => Given::Value(value),
        Returned::Row(None) => Given::Value(Value::Null),
        Returned::Row(Some(row)) => Given::Value(records::compose(&row.columns, &row.values)?),
        Returned::Set => {
            let columns = columns.unwrap_or_default();
            let mut values = Vec::with_capacity(rows.len());
            for mut row in rows {
                values.push(match (columns, row.len()) {
                    ([only], 1) if !is_row => row.remove(0),
                    _ => records::compose(columns, &row)?,
                });
            }
            Given::Rows(values)
        }
        Returned::Trigger(_) => return Err(Error::internal("a trigger function that was called")),
    })
}
