//! ON DELETE and ON UPDATE of foreign keys where SQLite's own actions would not do, because they fire no triggers or SQLite
//! does not know the key: these are statements, as in PostgreSQL.
//!
//! Owns: [`of`], [`is_due`], [`act`]. Must not know: how rows are changed. Which keys these are is
//! `CatalogSnapshot::acting_keys`. Specification: RI_FKey_cascade_del() and its kin in ri_triggers.c.

use std::rc::Rc;
use std::sync::{Arc, PoisonError};

use crate::catalog::schema::{CatalogSnapshot, Constraint, ForeignKey, Relation};
use crate::catalog::trigger::Event;
use crate::engine::row_capture::quoted;
use crate::engine::row_change;
use crate::engine::row_sql::{RowStatements, Values};
use crate::engine::triggers::Firing;
use crate::error::{Error, Result};
use crate::plpgsql::context;
use crate::sql::plan::{Action, Planned};
use crate::sql::planner::{PlanCache, PlanContext};
use crate::sql::row_change::RowSql;
use crate::types::pg_type::Oid;
use crate::types::value::Value;

/// The letter of what a key does then, if it does something.
fn action(key: &ForeignKey, event: Event) -> Option<u8> {
    let letter = match event {
        Event::Delete => key.on_delete,
        Event::Update => key.on_update,
        Event::Insert | Event::Truncate => return None,
    };
    b"cnd".contains(&letter).then_some(letter)
}

/// The keys to a relation that act then, with the places of the columns they refer to.
pub(crate) fn of(catalog: &CatalogSnapshot, relation: &Relation, event: Event) -> Vec<(Oid, Vec<usize>)> {
    let acting = catalog.acting_keys();
    if acting.is_empty() {
        return Vec::new();
    }
    let keys = catalog.keys_to(relation, acting).into_iter().filter(|(.., key)| action(key, event).is_some());
    keys.map(|(_, constraint, key)| (constraint.oid, catalog.referred_places(relation, key))).collect()
}

/// Whether rows can refer to the old key, and the new one is another.
pub(crate) fn is_due(places: &[usize], old: Option<&Vec<Value>>, new: Option<&Vec<Value>>) -> bool {
    let Some(old) = old else { return false };
    let mut keys = places.iter().map(|place| old.get(*place));
    let has_key = keys.all(|value| value.is_some_and(|value| !value.is_null()));
    has_key && new.is_none_or(|new| places.iter().any(|place| old.get(*place) != new.get(*place)))
}

/// Takes a key's action for a row that was deleted or updated.
pub(crate) fn act(
    firing: &Firing<'_>,
    (parent, constraint): (&Relation, Oid),
    event: Event,
    (old, new): (Option<&[Value]>, Option<&[Value]>),
) -> Result<()> {
    let found = firing.catalog.relations.values().find_map(|child| {
        let constraint = child.constraints.iter().find(|known| known.oid == constraint)?;
        Some((child, constraint, constraint.foreign_key()?))
    });
    let Some((child, constraint, key)) = found else { return Ok(()) };
    let Some(letter) = action(key, event) else { return Ok(()) };
    let places = firing.catalog.referred_places(parent, key);
    let of = |row: Option<&[Value]>| {
        let row = row.unwrap_or_default();
        places.iter().map(|place| row.get(*place).cloned().unwrap_or(Value::Null)).collect::<Vec<_>>()
    };
    let moves = event == Event::Update && letter == b'c';
    let mut params = if moves { of(new) } else { Vec::new() };
    params.extend(of(old));
    let mut types: Vec<Oid> =
        places.iter().filter_map(|place| parent.columns.get(*place)).map(|c| c.type_oid).collect();
    let padded = |oid: Oid| firing.catalog.base_type(oid) == Oid::BPCHAR;
    let padded: Vec<bool> = types.iter().map(|oid| padded(*oid)).collect();
    let text = statement(child, constraint, (key, event), letter, moves, &padded);
    if moves {
        types.extend_from_within(..);
    }
    let planned = plan(firing, &types, &text)?;
    let Action::Sqlite(statement) = &planned.plan.action else {
        return Err(Error::internal("a referential action that is no statement"));
    };
    let line = format!("SQL statement \"{text}\"");
    let _entered = context::enter(Rc::new(line.clone()));
    let step = statement.before.iter().find(|step| step.change.is_some());
    let outcome = match step.and_then(|step| Some((step, step.change.as_ref()?))) {
        Some((step, change)) => row_change::run(firing, step, change, (&params, &planned.literals)).map(drop),
        // No trigger fires on it.
        None if statement.before.is_empty() => {
            let plain = RowSql { sql: Arc::clone(&statement.sql), binds: statement.binds.clone() };
            let values = Values {
                params: &params,
                literals: &planned.literals,
                relation: Some(child),
                width: child.columns.len(),
                ..Values::default()
            };
            let mut statements = RowStatements::default();
            let outcome = statements.run(firing, &plain, &values).map(drop);
            statements.put_back(firing.entered);
            outcome
        }
        None => Err(Error::unsupported("a referential action of several steps")),
    };
    outcome.map_err(|error| {
        let context = match &error.fields().context {
            Some(inner) => format!("{inner}\n{line}"),
            None => line,
        };
        error.with_context(context)
    })
}

/// A relation's name in PostgreSQL's SQL.
pub(crate) fn named(relation: &Relation) -> String {
    format!("{}.{}", quoted(&relation.schema), quoted(&relation.name))
}

/// A relation of which its own rows are meant, or those of a partitioned one.
pub(crate) fn with_own_rows(relation: &Relation) -> String {
    format!("{}{}", if relation.is_partitioned() { "" } else { "ONLY " }, named(relation))
}

/// The statement that PostgreSQL runs.
fn statement(
    child: &Relation,
    constraint: &Constraint,
    (key, event): (&ForeignKey, Event),
    letter: u8,
    moves: bool,
    padded: &[bool],
) -> String {
    let width = key.columns.len();
    let table = with_own_rows(child);
    let names = |numbers: &[i16]| -> Vec<String> {
        let column = |number: &i16| child.column_by_number(*number);
        numbers.iter().map(|n| column(n).map_or_else(String::new, |column| quoted(&column.name))).collect()
    };
    let columns = names(&constraint.columns);
    let first = if moves { width + 1 } else { 1 };
    // Padded texts are compared as such, whatever refers to them (ri_GenerateQual).
    let as_padded = |place: usize| {
        let number = constraint.columns.get(place);
        let column = number.and_then(|number| child.column_by_number(*number));
        padded.get(place) == Some(&true) && column.is_some_and(|column| column.type_oid != Oid::BPCHAR)
    };
    let conditions = (first..).zip(&columns).enumerate().map(|(place, (n, column))| {
        let cast = if as_padded(place) { "::pg_catalog.bpchar" } else { "" };
        format!("${n} OPERATOR(pg_catalog.=) {column}{cast}")
    });
    let conditions = conditions.collect::<Vec<_>>().join(" AND ");
    let assigned = |value: &dyn Fn(usize) -> String| {
        let set = match event == Event::Delete && !key.set_columns.is_empty() {
            true => names(&key.set_columns),
            false => columns.clone(),
        };
        let columns = (1..).zip(&set).map(|(n, column)| format!("{column} = {}", value(n)));
        columns.collect::<Vec<_>>().join(", ")
    };
    let set = match letter {
        b'n' => assigned(&|_| "NULL".to_owned()),
        b'd' => assigned(&|_| "DEFAULT".to_owned()),
        _ if moves => assigned(&|n| format!("${n}")),
        _ => return format!("DELETE FROM {table} WHERE {conditions}"),
    };
    format!("UPDATE {table} SET {set} WHERE {conditions}")
}

/// A statement as it is planned once.
pub(crate) fn plan(firing: &Firing<'_>, types: &[Oid], text: &str) -> Result<Arc<Planned>> {
    let slot = firing.entered.slot();
    if let Some(known) = slot.known_action(firing.catalog.version, text) {
        return Ok(known);
    }
    let settings = firing.context.lock().unwrap_or_else(PoisonError::into_inner).settings.clone();
    let planning = PlanContext {
        catalog: &firing.catalog,
        settings: &settings,
        user: "",
        database: "",
        may_use: &|_| true,
        security: None,
    };
    let cache = PlanCache::default();
    let sources = cache.parse(text)?;
    let source = sources.first().ok_or_else(|| Error::internal("an empty statement"))?;
    let planned = Arc::new(cache.plan(source, types, planning)?);
    slot.know_action(firing.catalog.version, text, Arc::clone(&planned));
    Ok(planned)
}
