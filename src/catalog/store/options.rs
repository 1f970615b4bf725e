//! What is rarely said of a relation: a row in `__pg_option` only where something is said.
//!
//! Owns: that table, which files of older versions get with their first change of the schema.

use std::collections::HashMap;

use rusqlite::{Connection, Result, params};
use serde_json::{Value as Json, json};

use crate::catalog::schema::{DroppedColumn, Relation, RelationOptions};
use crate::types::pg_type::Oid;

/// The table. `{0}` is SQLite's schema.
pub(super) const TABLE: &str =
    "CREATE TABLE IF NOT EXISTS {0}.__pg_option (relation INTEGER PRIMARY KEY, options TEXT NOT NULL);";

/// Writes a relation's options, in place of those there were.
pub(super) fn put(connection: &Connection, database: &str, relation: &Relation) -> Result<()> {
    let options = &relation.options;
    if *options == RelationOptions::default() {
        return remove(connection, database, relation.oid);
    }
    let dropped: Vec<_> = options.dropped.iter().map(|c| (c.number, c.type_oid.0, c.typmod)).collect();
    let text = json!({
        "unlogged": options.unlogged,
        "triggers_disabled": options.triggers_disabled,
        "dropped": dropped,
        "parameters": options.parameters,
    });
    let sql = format!("INSERT OR REPLACE INTO {database}.__pg_option VALUES (?1, ?2)");
    connection.execute(&sql, params![relation.oid.0, text.to_string()])?;
    Ok(())
}

/// Removes a relation's options.
pub(super) fn remove(connection: &Connection, database: &str, oid: Oid) -> Result<()> {
    connection.execute(&format!("DELETE FROM {database}.__pg_option WHERE relation = ?1"), [oid.0])?;
    Ok(())
}

/// All options there are.
pub(super) fn load(connection: &Connection, database: &str) -> Result<HashMap<Oid, RelationOptions>> {
    let exists = format!("SELECT 1 FROM {database}.sqlite_schema WHERE name = '__pg_option'");
    if !connection.prepare(&exists)?.exists([])? {
        return Ok(HashMap::new());
    }
    let mut statement = connection.prepare(&format!("SELECT relation, options FROM {database}.__pg_option"))?;
    let rows = statement.query_map([], |row| Ok((Oid(row.get(0)?), row.get::<_, String>(1)?)))?;
    rows.map(|row| row.map(|(oid, text)| (oid, read(&serde_json::from_str(&text).unwrap_or_default())))).collect()
}

fn read(options: &Json) -> RelationOptions {
    let flag = |name: &str| options.get(name).and_then(Json::as_bool).unwrap_or(false);
    let dropped = options.get("dropped").and_then(Json::as_array).into_iter().flatten();
    let parameters = options.get("parameters").and_then(Json::as_array).into_iter().flatten();
    RelationOptions {
        unlogged: flag("unlogged"),
        triggers_disabled: flag("triggers_disabled"),
        dropped: dropped.filter_map(read_dropped).collect(),
        parameters: parameters.filter_map(Json::as_str).map(str::to_owned).collect(),
    }
}

fn read_dropped(column: &Json) -> Option<DroppedColumn> {
    let part = |place: usize| column.get(place).and_then(Json::as_i64);
    Some(DroppedColumn {
        number: part(0)?.try_into().ok()?,
        type_oid: Oid(part(1)?.try_into().ok()?),
        typmod: part(2)?.try_into().ok()?,
    })
}
