//! The table `__pg_trigger`: one row per trigger.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, Result, Row, params};
use serde_json::json;

use super::{by_relation, json_array, numbers};
use crate::catalog::schema::{Relation, Uses};
use crate::catalog::trigger::{Enabled, Trigger};
use crate::types::pg_type::Oid;

/// The table, which files of older versions do not have. `{0}` is SQLite's schema.
pub(super) const TABLE: &str = "
CREATE TABLE IF NOT EXISTS {0}.__pg_trigger (
    oid INTEGER PRIMARY KEY, relation INTEGER NOT NULL, name TEXT NOT NULL, function INTEGER NOT NULL,
    type INTEGER NOT NULL, enabled TEXT NOT NULL, columns TEXT NOT NULL, arguments TEXT NOT NULL, condition TEXT,
    uses TEXT NOT NULL, constraint_oid INTEGER, constraint_relation INTEGER, is_deferrable INTEGER NOT NULL,
    initially_deferred INTEGER NOT NULL, old_table TEXT, new_table TEXT, UNIQUE (relation, name));
";

/// Writes a relation's triggers, in place of those there were.
pub(super) fn put(connection: &Connection, database: &str, relation: &Relation) -> Result<()> {
    remove(connection, database, relation.oid)?;
    if relation.options.triggers.is_empty() {
        return Ok(());
    }
    let values = "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16";
    let mut statement = connection.prepare(&format!("INSERT INTO {database}.__pg_trigger VALUES ({values})"))?;
    for trigger in &relation.options.triggers {
        let uses: Vec<_> = trigger.uses.columns.iter().map(|(relation, number)| (relation.0, number)).collect();
        statement.execute(params![
            trigger.oid.0,
            relation.oid.0,
            trigger.name,
            trigger.function.0,
            trigger.bits(),
            trigger.enabled.letter(),
            json!(trigger.columns).to_string(),
            json!(trigger.arguments).to_string(),
            trigger.condition,
            json!(uses).to_string(),
            trigger.constraint.map(|oid| oid.0),
            trigger.constraint_relation.map(|oid| oid.0),
            trigger.deferrable,
            trigger.initially_deferred,
            trigger.old_table,
            trigger.new_table
        ])?;
    }
    Ok(())
}

/// Removes a relation's triggers.
pub(super) fn remove(connection: &Connection, database: &str, relation: Oid) -> Result<()> {
    connection.execute(&format!("DELETE FROM {database}.__pg_trigger WHERE relation = ?1"), [relation.0])?;
    Ok(())
}

/// All triggers there are, by relation and in the order in which they fire.
pub(super) fn load(connection: &Connection, database: &str) -> Result<HashMap<Oid, Vec<Arc<Trigger>>>> {
    if !connection.table_exists(Some(database), "__pg_trigger")? {
        return Ok(HashMap::new());
    }
    by_relation(connection, &format!("SELECT relation, t.* FROM {database}.__pg_trigger t ORDER BY name"), |row| {
        read(row).map(Arc::new)
    })
}

fn read(row: &Row<'_>) -> Result<Trigger> {
    let (timing, for_each_row, events) = Trigger::read_bits(row.get("type")?);
    let oid = |name: &str| row.get::<_, Option<u32>>(name).map(|oid| oid.map(Oid));
    let texts = json_array(row, "arguments")?;
    let used = json_array(row, "uses")?;
    let pair = |pair: &serde_json::Value| {
        let (relation, number) = (pair.get(0)?.as_u64()?, pair.get(1)?.as_i64()?);
        Some((Oid(relation.try_into().ok()?), number.try_into().ok()?))
    };
    Ok(Trigger {
        oid: Oid(row.get("oid")?),
        name: row.get("name")?,
        function: Oid(row.get("function")?),
        timing,
        for_each_row,
        events,
        columns: numbers(row, "columns")?,
        arguments: texts.iter().filter_map(|text| text.as_str().map(str::to_owned)).collect(),
        condition: row.get("condition")?,
        enabled: Enabled::of_letter(&row.get::<_, String>("enabled")?),
        constraint: oid("constraint_oid")?,
        constraint_relation: oid("constraint_relation")?,
        deferrable: row.get("is_deferrable")?,
        initially_deferred: row.get("initially_deferred")?,
        old_table: row.get("old_table")?,
        new_table: row.get("new_table")?,
        uses: Uses { columns: used.iter().filter_map(pair).collect(), constraints: Vec::new(), routines: Vec::new() },
    })
}
