//! Which extensions a database has: rows of `__pg_extension`.
//!
//! Owns: that table, which files of older versions get with their first change of the schema.

use rusqlite::{Connection, Result, params};

use crate::catalog::schema::Extension;
use crate::types::pg_type::Oid;

/// The table. `{0}` is SQLite's schema.
pub(super) const TABLE: &str = "CREATE TABLE IF NOT EXISTS {0}.__pg_extension (
    oid INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, schema TEXT NOT NULL, version TEXT NOT NULL);";

/// Adds an extension.
pub fn put_extension(connection: &Connection, extension: &Extension) -> Result<()> {
    let Extension { oid, name, schema, version } = extension;
    connection
        .execute("INSERT INTO main.__pg_extension VALUES (?1, ?2, ?3, ?4)", params![oid.0, name, schema, version])?;
    Ok(())
}

/// Removes an extension and its comment.
pub fn remove_extension(connection: &Connection, oid: Oid) -> Result<()> {
    connection.execute("DELETE FROM main.__pg_extension WHERE oid = ?1", [oid.0])?;
    super::save::remove_comments(connection, oid)
}

/// All there are.
pub(super) fn load(connection: &Connection) -> Result<Vec<Extension>> {
    if !connection.prepare("SELECT 1 FROM main.sqlite_schema WHERE name = '__pg_extension'")?.exists([])? {
        return Ok(Vec::new());
    }
    let mut statement =
        connection.prepare("SELECT oid, name, schema, version FROM main.__pg_extension ORDER BY oid")?;
    let rows = statement.query_map([], |row| {
        Ok(Extension { oid: Oid(row.get(0)?), name: row.get(1)?, schema: row.get(2)?, version: row.get(3)? })
    })?;
    rows.collect()
}
