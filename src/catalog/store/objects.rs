//! Operators, casts and what is known by its name alone: rows of `__pg_object`.
//!
//! Owns: that table, which files of older versions get with their first change of the schema.

use std::sync::Arc;

use rusqlite::{Connection, Result, params};
use serde_json::Value as Json;

use crate::catalog::named::{NamedKind, NamedObject};
use crate::catalog::objects::{UserCast, UserOperator};
use crate::catalog::schema::CatalogSnapshot;
use crate::types::pg_type::Oid;

/// The table. `{0}` is SQLite's schema.
pub(super) const TABLE: &str = "CREATE TABLE IF NOT EXISTS {0}.__pg_object (
    oid INTEGER PRIMARY KEY, kind TEXT NOT NULL, schema TEXT NOT NULL, name TEXT NOT NULL, definition TEXT NOT NULL);";

/// Adds an operator, or replaces the one with its OID.
pub fn put_operator(connection: &Connection, operator: &UserOperator) -> Result<()> {
    put(connection, operator.oid, ("operator", &operator.schema, &operator.name), &operator.to_json())
}

/// Adds a cast, or replaces the one with its OID.
pub fn put_cast(connection: &Connection, cast: &UserCast) -> Result<()> {
    put(connection, cast.oid, ("cast", "", ""), &cast.to_json())
}

/// Adds a collation, or replaces the one with its OID.
pub fn put_named(connection: &Connection, own: &NamedObject) -> Result<()> {
    put(connection, own.oid, (own.kind.noun(), &own.schema, &own.name), &own.definition)
}

fn put(connection: &Connection, oid: Oid, (kind, schema, name): (&str, &str, &str), definition: &Json) -> Result<()> {
    connection.execute(
        "INSERT OR REPLACE INTO main.__pg_object VALUES (?1, ?2, ?3, ?4, ?5)",
        params![oid.0, kind, schema, name, definition.to_string()],
    )?;
    Ok(())
}

/// Removes one of them and its comment.
pub fn remove_object(connection: &Connection, oid: Oid) -> Result<()> {
    connection.execute("DELETE FROM main.__pg_object WHERE oid = ?1", [oid.0])?;
    super::save::remove_comments(connection, oid)
}

/// All there are.
pub(super) fn load(connection: &Connection, snapshot: &mut CatalogSnapshot) -> Result<()> {
    if !connection.table_exists(Some("main"), "__pg_object")? {
        return Ok(());
    }
    let mut statement =
        connection.prepare("SELECT oid, kind, schema, name, definition FROM main.__pg_object ORDER BY oid")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (oid, kind): (_, String) = (Oid(row.get(0)?), row.get(1)?);
        let text: String = row.get(4)?;
        let definition: Json = serde_json::from_str(&text)
            .map_err(|e| rusqlite::Error::FromSqlConversionFailure(4, rusqlite::types::Type::Text, Box::new(e)))?;
        match kind.as_str() {
            "operator" => {
                let operator = UserOperator::of_json(oid, (row.get(2)?, row.get(3)?), &definition);
                snapshot.operators.insert(oid, Arc::new(operator));
            }
            "cast" => _ = snapshot.casts.insert(oid, UserCast::of_json(oid, &definition)),
            kind => {
                let Some(kind) = NamedKind::ALL.into_iter().find(|own| own.noun() == kind) else { continue };
                let own = NamedObject { oid, kind, schema: row.get(2)?, name: row.get(3)?, definition };
                snapshot.named.insert(oid, Arc::new(own));
            }
        }
    }
    Ok(())
}
