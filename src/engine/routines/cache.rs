//! Compiled bodies and the plans of their statements, shared by the sessions of a database.
//!
//! Owns: [`RoutineCache`], [`Compiled`]. What was compiled against another catalog is compiled again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::catalog::routines::{Body, Routine};
use crate::engine::routines::casts::CastPlan;
use crate::engine::routines::plan::InnerPlan;
use crate::engine::routines::signature::{CallTypes, result_columns, signature};
use crate::engine::routines::sql_body::SqlBody;
use crate::engine::routines::types::CatalogTypes;
use crate::engine::routines::validate::options;
use crate::error::{Error, Result};
use crate::plpgsql::compile::compile;
use crate::plpgsql::function::{Function, Options, RoutineKind, Signature, VariableConflict};
use crate::plpgsql::value::{Column, DataType};
use crate::sql::planner::PlanContext;
use crate::types::pg_type::Oid;

/// How many bodies, and how many casts, are kept before all are forgotten.
const CAPACITY: usize = 2048;

/// How many plans one statement has at most: one for each row type of its records.
const PLANS: usize = 8;

/// A compiled body.
pub(crate) struct Compiled {
    pub function: Function,
    /// The columns of what it returns, as far as its signature says.
    pub columns: Option<Arc<[Column]>>,
    plans: Mutex<HashMap<usize, Vec<Arc<InnerPlan>>>>,
}

impl Compiled {
    /// The block of DO.
    pub fn of_block(body: &str, planning: PlanContext<'_>) -> Result<Arc<Self>> {
        let signature = Signature {
            name: "inline_code_block".to_owned(),
            display: "inline_code_block".to_owned(),
            kind: RoutineKind::Inline,
            parameters: Vec::new(),
            returns: DataType::VOID,
            returns_set: false,
            returns_polymorphic: false,
        };
        let mut types = CatalogTypes { planning };
        let function = compile(body, signature, options(planning.settings, true), &mut types)?;
        Ok(Arc::new(Compiled { function, columns: None, plans: Mutex::default() }))
    }

    /// The plan of one of its statements for variables of these types.
    pub(super) fn plan(&self, number: usize, fits: impl Fn(&InnerPlan) -> bool) -> Option<Arc<InnerPlan>> {
        lock(&self.plans).get(&number)?.iter().find(|plan| fits(plan)).cloned()
    }

    pub(super) fn keep(&self, number: usize, plan: &Arc<InnerPlan>) {
        let mut plans = lock(&self.plans);
        let of_statement = plans.entry(number).or_default();
        of_statement.retain(|known| known.catalog_version == plan.catalog_version);
        if of_statement.len() >= PLANS {
            of_statement.clear();
        }
        of_statement.push(Arc::clone(plan));
    }
}

#[derive(PartialEq, Eq, Hash)]
struct Key {
    routine: Oid,
    catalog_version: u64,
    types: CallTypes,
    search_path: Arc<[String]>,
    conflict: u8,
    print_strict_params: bool,
}

/// What a cast is from and to, in which catalog.
pub(super) type CastKey = (u64, Oid, Oid, i32);

/// See the head of the file.
#[derive(Default)]
pub(crate) struct RoutineCache {
    bodies: Mutex<HashMap<Key, Arc<Compiled>>>,
    sql_bodies: Mutex<HashMap<Key, Arc<SqlBody>>>,
    casts: Mutex<HashMap<CastKey, Arc<CastPlan>>>,
}

impl RoutineCache {
    /// The routine's body, compiled for a call with these types.
    pub fn compiled(&self, routine: &Routine, types: &CallTypes, planning: PlanContext<'_>) -> Result<Arc<Compiled>> {
        let options = Options { check_syntax: false, ..options(planning.settings, false) };
        let key = key_of(routine, types, planning, options);
        if let Some(known) = lock(&self.bodies).get(&key) {
            return Ok(Arc::clone(known));
        }
        let path = planning.settings.search_path();
        let signature = signature(routine, types, planning.catalog, &path)?;
        let Body::Text(body) = &routine.body else { return Err(Error::internal("a body that is parsed")) };
        let columns = result_columns(&signature, planning.catalog);
        let mut of_catalog = CatalogTypes { planning };
        let function = compile(body, signature, options, &mut of_catalog)?;
        let compiled = Arc::new(Compiled { function, columns, plans: Mutex::default() });
        let mut bodies = lock(&self.bodies);
        if bodies.len() >= CAPACITY {
            bodies.clear();
        }
        bodies.insert(key, Arc::clone(&compiled));
        Ok(compiled)
    }

    /// The same of a routine in SQL.
    pub fn sql_body(&self, routine: &Routine, types: &CallTypes, planning: PlanContext<'_>) -> Result<Arc<SqlBody>> {
        let key = key_of(routine, types, planning, Options::default());
        if let Some(known) = lock(&self.sql_bodies).get(&key) {
            return Ok(Arc::clone(known));
        }
        let body = Arc::new(SqlBody::new(routine, types, planning)?);
        let mut bodies = lock(&self.sql_bodies);
        if bodies.len() >= CAPACITY {
            bodies.clear();
        }
        bodies.insert(key, Arc::clone(&body));
        Ok(body)
    }

    pub(super) fn cast(&self, key: &CastKey) -> Option<Arc<CastPlan>> {
        lock(&self.casts).get(key).cloned()
    }

    pub(super) fn keep_cast(&self, key: CastKey, plan: &Arc<CastPlan>) {
        let mut casts = lock(&self.casts);
        if casts.len() >= CAPACITY {
            casts.clear();
        }
        casts.insert(key, Arc::clone(plan));
    }
}

fn key_of(routine: &Routine, types: &CallTypes, planning: PlanContext<'_>, options: Options) -> Key {
    Key {
        routine: routine.oid,
        catalog_version: planning.catalog.version,
        types: types.clone(),
        search_path: Arc::clone(planning.settings.schemas_searched()),
        conflict: match options.variable_conflict {
            VariableConflict::Error => 0,
            VariableConflict::UseVariable => 1,
            VariableConflict::UseColumn => 2,
        },
        print_strict_params: options.print_strict_params,
    }
}

/// The maps are valid after any panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
