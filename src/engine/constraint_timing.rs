//! When constraints are checked: at the end of the statement or of the transaction (SET CONSTRAINTS).
//!
//! Owns: [`Timing`], the checks that SQLite does not make by itself. Must not know: wording (`engine::constraint_errors`,
//! `engine::foreign_key_errors`).
//! Specification: sql-set-constraints.html.
//!
//! SQLite puts off foreign keys that are declared so, or all of them (`PRAGMA defer_foreign_keys`), and unique indexes
//! never. So when SET CONSTRAINTS says anything else than the declarations, foreign keys that are due are looked for
//! after each statement that left something open; and a DEFERRABLE unique constraint has an index that is not unique
//! and triggers that note the keys that came to be there twice (`engine::ddl::deferrable`), which are looked at again
//! when they are due.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use crate::catalog::schema::{CatalogSnapshot, Constraint, ConstraintKind, Relation};
use crate::catalog::trigger::Trigger;
use crate::engine::connection::{Control, Entered};
use crate::engine::constraint_errors;
use crate::engine::context::SharedContext;
use crate::engine::foreign_key_errors;
use crate::engine::row_capture::{borrowed, quoted};
use crate::error::{Error, Result, SqlState};
use crate::types::format::FormatSettings;
use crate::types::pg_type::Oid;
use crate::types::value::Value;

/// What SET CONSTRAINTS has said in the transaction.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Timing {
    all: Option<bool>,
    named: HashMap<Oid, bool>,
}

/// A key that was there twice at some moment, of a unique constraint that is not checked at once.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PendingKey {
    pub(crate) constraint: Oid,
    pub(crate) values: Vec<Value>,
}

impl Timing {
    /// SET CONSTRAINTS ALL (`None`) or of some.
    pub(crate) fn set(&mut self, constraints: Option<&[Oid]>, deferred: bool) {
        match constraints {
            None => *self = Timing { all: Some(deferred), named: HashMap::new() },
            Some(oids) => self.named.extend(oids.iter().map(|oid| (*oid, deferred))),
        }
    }

    /// Whether a constraint is checked at the end of the transaction.
    pub(crate) fn is_deferred(&self, constraint: &Constraint) -> bool {
        let said = self.named.get(&constraint.oid).copied().or(self.all);
        constraint.deferrable && said.unwrap_or(constraint.initially_deferred)
    }

    /// Whether a trigger fires at the end of the transaction.
    pub(crate) fn defers(&self, trigger: &Trigger) -> bool {
        let said = trigger.constraint.and_then(|constraint| self.named.get(&constraint)).copied().or(self.all);
        trigger.deferrable && said.unwrap_or(trigger.initially_deferred)
    }

    /// Whether SQLite's own checks, which follow the declarations, are not enough.
    fn differs(&self) -> bool {
        self.all.is_some() || !self.named.is_empty()
    }

    /// Tells SQLite what to put off, in an open write transaction.
    pub(crate) fn apply(&self, entered: &Entered<'_>) -> Result<()> {
        if self.all == Some(true) || self.named.values().any(|deferred| *deferred) {
            return entered.control(Control::DeferForeignKeys).map_err(|code| entered.error(code));
        }
        if !entered.has_deferred_violations() {
            return entered.control(Control::CheckForeignKeysNow).map_err(|code| entered.error(code));
        }
        // SQLite forgets with that switch how many violations wait for COMMIT; a savepoint brings the number back.
        entered.execute("SAVEPOINT counted").map_err(crate::engine::error_map::from_rusqlite)?;
        entered.control(Control::CheckForeignKeysNow).map_err(|code| entered.error(code))?;
        entered.execute("ROLLBACK TO counted; RELEASE counted").map_err(crate::engine::error_map::from_rusqlite)
    }

    /// The checks due at the end of a statement, and after SET CONSTRAINTS … IMMEDIATE.
    pub(crate) fn check(&self, entered: &Entered<'_>, context: &SharedContext) -> Result<()> {
        if self.differs() { self.check_all(entered, context, (false, None)) } else { self.check_keys(entered, context) }
    }

    /// The same after foreign keys were put off whatever SET CONSTRAINTS has said.
    pub(crate) fn check_all(
        &self,
        entered: &Entered<'_>,
        context: &SharedContext,
        changes: (bool, Option<Oid>),
    ) -> Result<()> {
        if entered.has_deferred_violations() {
            foreign_key_errors::of_due(entered, context, changes, &|constraint| !self.is_deferred(constraint))?;
        }
        self.check_keys(entered, context)
    }

    fn check_keys(&self, entered: &Entered<'_>, context: &SharedContext) -> Result<()> {
        check_keys(entered, context, &|constraint| !self.is_deferred(constraint))
    }
}

/// The checks before COMMIT that SQLite does not make.
pub(crate) fn check_at_commit(entered: &Entered<'_>, context: &SharedContext) -> Result<()> {
    check_keys(entered, context, &|_| true)
}

fn check_keys(entered: &Entered<'_>, context: &SharedContext, due: &dyn Fn(&Constraint) -> bool) -> Result<()> {
    let pending = entered.slot().take_pending_keys();
    if pending.is_empty() {
        return Ok(());
    }
    let (catalog, format) = {
        let context = context.lock().unwrap_or_else(PoisonError::into_inner);
        (Arc::clone(&context.catalog), context.settings.format().clone())
    };
    let mut kept = Vec::new();
    for key in pending {
        // What has been dropped meanwhile is not violated.
        let Some((relation, constraint)) = owner(&catalog, key.constraint) else { continue };
        if due(constraint) {
            check_key(entered, relation, constraint, &key.values, &format)?;
        } else {
            kept.push(key);
        }
    }
    entered.slot().put_pending_keys(kept);
    Ok(())
}

/// A constraint and the table that has it.
pub(crate) fn owner(catalog: &CatalogSnapshot, constraint: Oid) -> Option<(&Relation, &Constraint)> {
    catalog.relations.values().find_map(|relation| {
        let found = relation.constraints.iter().find(|c| c.oid == constraint)?;
        Some((relation.as_ref(), found))
    })
}

/// 23505 if the key is there twice now.
fn check_key(
    entered: &Entered<'_>,
    relation: &Relation,
    constraint: &Constraint,
    values: &[Value],
    format: &FormatSettings,
) -> Result<()> {
    if matches!(constraint.kind, ConstraintKind::Exclusion(_)) {
        return check_exclusion(entered, relation, values);
    }
    let names = constraint_errors::column_names(relation, &constraint.columns);
    let conditions: Vec<String> = names.iter().map(|name| format!("{} = ?", quoted(name))).collect();
    let database = if relation.temporary { "temp" } else { "main" };
    let sql = format!(
        "SELECT count(*) FROM (SELECT 1 FROM {database}.{} WHERE {} LIMIT 2)",
        quoted(&relation.sqlite_name),
        conditions.join(" AND ")
    );
    let parameters = rusqlite::params_from_iter(values.iter().map(borrowed));
    let count: i64 = entered
        .with(|database| database.query_row(&sql, parameters, |row| row.get(0)))
        .map_err(crate::engine::error_map::from_rusqlite)?;
    if count < 2 {
        return Ok(());
    }
    Err(constraint_errors::duplicate_key(relation, constraint, values, format))
}

/// 23P01 if the row is still beside one that it must not be beside: its trigger says so when it is changed.
fn check_exclusion(entered: &Entered<'_>, relation: &Relation, values: &[Value]) -> Result<()> {
    let Some(column) = relation.columns.iter().find(|column| !column.generated) else { return Ok(()) };
    let taken = |name: &str| relation.columns.iter().any(|column| column.stored_name().eq_ignore_ascii_case(name));
    let rowid = ["rowid", "_rowid_", "oid"].into_iter().find(|name| !taken(name)).unwrap_or("rowid");
    let database = if relation.temporary { "temp" } else { "main" };
    let sql = format!(
        "UPDATE {database}.{} SET {1} = {1} WHERE {rowid} = ?",
        quoted(&relation.sqlite_name),
        quoted(column.stored_name())
    );
    entered.slot().set_rechecking(true);
    let parameters = rusqlite::params_from_iter(values.iter().map(borrowed));
    let done = entered.with(|database| database.execute(&sql, parameters));
    entered.slot().set_rechecking(false);
    done.map(|_| ())
        .map_err(|error| entered.slot().take_error().unwrap_or_else(|| crate::engine::error_map::from_rusqlite(error)))
}

/// The constraints SET CONSTRAINTS names: in each name's schema, or the first of the search path that has one of that
/// name, all of them.
pub(crate) fn named(
    catalog: &CatalogSnapshot,
    search_path: &[String],
    names: &[(Option<String>, String)],
    deferred: bool,
) -> Result<Vec<Oid>> {
    let mut found = Vec::new();
    for (schema, name) in names {
        if let Some(schema) = schema
            && !catalog.has_schema(schema)
        {
            return Err(Error::new(SqlState::INVALID_SCHEMA_NAME, format!("schema \"{schema}\" does not exist")));
        }
        let schemas = schema.as_ref().map_or(search_path, std::slice::from_ref);
        let in_schema = |schema: &String| {
            let relations = catalog.relations.values().filter(|relation| relation.schema == *schema);
            let all = relations.flat_map(|relation| &relation.constraints);
            let constraints = all.filter(|constraint| constraint.name == *name).map(|c| (c.oid, c.deferrable));
            let relations = catalog.relations.values().filter(|relation| relation.schema == *schema);
            let triggers = relations.flat_map(|relation| &relation.options.triggers).filter(|t| t.name == *name);
            let triggers = triggers.filter_map(|trigger| Some((trigger.constraint?, trigger.deferrable)));
            let found: Vec<(Oid, bool)> = constraints.chain(triggers).collect();
            (!found.is_empty()).then_some(found)
        };
        let Some(constraints) = schemas.iter().find_map(in_schema) else {
            return Err(Error::new(SqlState::UNDEFINED_OBJECT, format!("constraint \"{name}\" does not exist")));
        };
        for (constraint, deferrable) in constraints {
            if deferred && !deferrable {
                let message = format!("constraint \"{name}\" is not deferrable");
                return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
            }
            found.push(constraint);
        }
    }
    Ok(found)
}
