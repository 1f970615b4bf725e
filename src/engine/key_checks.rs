//! Foreign keys that SQLite does not know: after a row was written, whether the one that it refers to is there; after one
//! was changed or deleted, whether others still refer to it.
//!
//! Owns: [`of`], [`is_due`], [`check`], and what is said of a violated key ([`missing`], [`leaving`], [`violation`]). Must not know: how rows are changed. Which keys
//! these are is `ServerKeys::own`. Specification: RI_FKey_check() and ri_restrict() in ri_triggers.c.

use std::sync::Arc;

use crate::catalog::schema::{CatalogSnapshot, Column, Constraint, ForeignKey, Relation};
use crate::catalog::trigger::Event;
use crate::engine::constraint_errors::{key_text, show, with_origin};
use crate::engine::constraint_timing;
use crate::engine::referential_actions::{plan, with_own_rows};
use crate::engine::row_capture::quoted;
use crate::engine::row_sql::{RowStatements, Values};
use crate::engine::triggers::Firing;
use crate::error::{Error, Result, SqlState};
use crate::sql::plan::Action;
use crate::sql::row_change::RowSql;
use crate::types::format::FormatSettings;
use crate::types::pg_type::Oid;
use crate::types::value::Value;

/// A check that is due when a row was written.
#[derive(Clone, Debug)]
pub(crate) struct KeyCheck {
    pub(crate) constraint: Oid,
    /// Of the row that others refer to.
    pub(crate) of_referred: bool,
    /// Where the key's columns stand in the row.
    places: Vec<usize>,
}

/// The checks of a table's rows.
pub(crate) fn of(catalog: &CatalogSnapshot, relation: &Relation, event: Event) -> Vec<KeyCheck> {
    let own = &catalog.server_keys().own;
    let mut found = Vec::new();
    if own.is_empty() {
        return found;
    }
    if matches!(event, Event::Insert | Event::Update) {
        for constraint in relation.constraints.iter().filter(|constraint| own.contains(&constraint.oid)) {
            let place = |number: &i16| relation.columns.iter().position(|column| column.number == *number);
            let places = constraint.columns.iter().filter_map(place).collect();
            found.push(KeyCheck { constraint: constraint.oid, of_referred: false, places });
        }
    }
    if matches!(event, Event::Delete | Event::Update) {
        for (_, constraint, key) in catalog.keys_to(relation, own) {
            let action = if event == Event::Delete { key.on_delete } else { key.on_update };
            if b"ard".contains(&action) {
                let places = catalog.referred_places(relation, key);
                found.push(KeyCheck { constraint: constraint.oid, of_referred: true, places });
            }
        }
    }
    found
}

/// Whether the row has a key that may be missing now.
pub(crate) fn is_due(check: &KeyCheck, old: Option<&Vec<Value>>, new: Option<&Vec<Value>>) -> bool {
    let of = |row: Option<&Vec<Value>>| -> Option<Vec<Value>> {
        let values = check.places.iter().map(|place| row?.get(*place).filter(|value| !value.is_null()).cloned());
        values.collect()
    };
    let (old, new) = (of(old), of(new));
    let told = if check.of_referred { &old } else { &new };
    told.is_some() && old != new
}

/// A foreign key and the table that has it.
pub(crate) fn owner(catalog: &CatalogSnapshot, oid: Oid) -> Option<(&Relation, &Constraint, &ForeignKey)> {
    let (relation, constraint) = constraint_timing::owner(catalog, oid)?;
    Some((relation, constraint, constraint.foreign_key()?))
}

fn columns<'r>(relation: &'r Relation, numbers: &[i16]) -> Vec<&'r Column> {
    numbers.iter().filter_map(|number| relation.column_by_number(*number)).collect()
}

/// Whether the table has a row with that key.
fn exists(
    firing: &Firing<'_>,
    relation: &Relation,
    key: &[&Column],
    (types, values): (&[Oid], &[Value]),
) -> Result<bool> {
    // Padded texts are compared as such, whatever refers to them (ri_GenerateQual).
    let conditions = (1..).zip(key).map(|(n, column)| {
        let cast = if firing.catalog.base_type(column.type_oid) == Oid::BPCHAR { "::pg_catalog.bpchar" } else { "" };
        format!("x.{} OPERATOR(pg_catalog.=) ${n}{cast}", quoted(&column.name))
    });
    let conditions: Vec<String> = conditions.collect();
    let text = format!("SELECT 1 FROM {} x WHERE {}", with_own_rows(relation), conditions.join(" AND "));
    let planned = plan(firing, types, &text)?;
    let Action::Sqlite(statement) = &planned.plan.action else {
        return Err(Error::internal("a check that is no query"));
    };
    let query = RowSql { sql: Arc::clone(&statement.sql), binds: statement.binds.clone() };
    let values = Values { params: values, literals: &planned.literals, ..Values::default() };
    let mut statements = RowStatements::default();
    let found = statements.first(firing, &query, &values);
    statements.put_back(firing.entered);
    Ok(found?.is_some())
}

/// 23503 if a row of `relation` refers to one that is not there, or was one that others still refer to.
pub(crate) fn check(
    firing: &Firing<'_>,
    (relation, constraint, of_referred): (&Relation, Oid, bool),
    event: Event,
    (old, new): (Option<&[Value]>, Option<&[Value]>),
) -> Result<()> {
    let catalog = &firing.catalog;
    let Some((child, constraint, key)) = owner(catalog, constraint) else { return Ok(()) };
    let Some(parent) = catalog.relations.get(&key.relation) else { return Ok(()) };
    let (own, referred) = (columns(child, &constraint.columns), columns(parent, &key.columns));
    let types =
        |columns: &[&Column]| -> Vec<Oid> { columns.iter().map(|column| catalog.base_type(column.type_oid)).collect() };
    let format = || firing.context.lock().unwrap_or_else(std::sync::PoisonError::into_inner).settings.format().clone();
    if !of_referred {
        let row = new.unwrap_or_default();
        let place = |number: &i16| relation.columns.iter().position(|column| column.number == *number);
        let values: Vec<Value> = constraint.columns.iter().filter_map(|n| row.get(place(n)?).cloned()).collect();
        return match exists(firing, parent, &referred, (&types(&own), &values))? {
            true => Ok(()),
            false => Err(missing(child, constraint, &parent.name, &values, &format())),
        };
    }
    let places = catalog.referred_places(relation, key);
    let values: Vec<Value> = places.iter().filter_map(|place| old?.get(*place).cloned()).collect();
    let action = if event == Event::Delete { key.on_delete } else { key.on_update };
    let types = types(&referred);
    let is_there = action != b'r' && exists(firing, parent, &referred, (&types, &values))?;
    if is_there || !exists(firing, child, &own, (&types, &values))? {
        return Ok(());
    }
    let name = catalog.key_name(child, constraint, relation);
    let message = format!(
        "update or delete on table \"{}\" violates foreign key constraint \"{name}\" on table \"{}\"",
        relation.name, child.name
    );
    let state = format!("is still referenced from table \"{}\".", child.name);
    Err(violation(child, &name, message, detail(&referred, &values, &format(), &state)))
}

/// A row that refers to one that is not there.
pub(crate) fn missing(
    child: &Relation,
    constraint: &Constraint,
    parent: &str,
    values: &[Value],
    format: &FormatSettings,
) -> Error {
    let (table, name) = (&child.name, &constraint.name);
    let message = format!("insert or update on table \"{table}\" violates foreign key constraint \"{name}\"");
    let state = format!("is not present in table \"{parent}\".");
    violation(child, name, message, detail(&columns(child, &constraint.columns), values, format, &state))
}

/// Rows of a partition that goes are still referred to.
pub(crate) fn leaving(
    child: &Relation,
    (constraint, name): (&Constraint, &str),
    partition: &Relation,
    values: &[Value],
    format: &FormatSettings,
) -> Error {
    let message = format!("removing partition \"{}\" violates foreign key constraint \"{name}\"", partition.name);
    let state = format!("is still referenced from table \"{}\".", child.name);
    let key = constraint.foreign_key().map(|_| columns(child, &constraint.columns)).unwrap_or_default();
    violation(child, name, message, detail(&key, values, format, &state))
}

fn detail(columns: &[&Column], values: &[Value], format: &FormatSettings, state: &str) -> Option<String> {
    let shown = columns.iter().zip(values).map(|(column, value)| show(column.repr, value, format));
    let shown: Vec<String> = shown.collect::<Option<Vec<_>>>().filter(|shown| !shown.is_empty())?;
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    Some(format!("Key {} {state}", key_text(&names, &shown)))
}

/// 23503 of a key of `child`.
pub(crate) fn violation(child: &Relation, constraint: &str, message: String, detail: Option<String>) -> Error {
    let error = with_origin(Error::new(SqlState::FOREIGN_KEY_VIOLATION, message), child).with_constraint(constraint);
    match detail {
        Some(detail) => error.with_detail(detail),
        None => error,
    }
}
