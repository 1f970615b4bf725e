//! The unique keys of rows, as numbers by which they are found again: those that a parked transaction has made are its own
//! while it is parked, and who makes the same waits for it, as in PostgreSQL.
//!
//! Owns: [`keys_of`]. Must not know: who has which key (`engine::row_locks`). Keys are taken as SQLite stores them: an index
//! over expressions is left out, and so are two values that are only equal by a collation. Then nobody waits, and the parked
//! transaction finds the other one's row when it is repeated.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, Statement};

use crate::engine::row_capture::quoted;

/// What gives the keys of a table's row.
struct Lookup<'c> {
    row: Statement<'c>,
    /// How many columns each key has.
    widths: Vec<usize>,
}

/// The keys of rows in their tables; none of those that are not there any more.
pub(crate) fn keys_of<'r>(
    database: &Connection,
    rows: impl Iterator<Item = &'r (Arc<str>, i64)>,
) -> rusqlite::Result<Vec<u64>> {
    let mut lookups: HashMap<Arc<str>, Option<Lookup<'_>>> = HashMap::new();
    let mut keys = Vec::new();
    for (table, row) in rows {
        if !lookups.contains_key(table) {
            lookups.insert(Arc::clone(table), lookup(database, table)?);
        }
        let Some(Some(lookup)) = lookups.get_mut(table) else { continue };
        let widths = &lookup.widths;
        let mut found = lookup.row.query([row])?;
        if let Some(row) = found.next()? {
            add_keys(table, row, widths, &mut keys)?;
        }
    }
    Ok(keys)
}

fn add_keys(table: &str, row: &Row<'_>, widths: &[usize], keys: &mut Vec<u64>) -> rusqlite::Result<()> {
    let mut from = 0;
    for (number, width) in widths.iter().enumerate() {
        let mut hasher = DefaultHasher::new();
        (table, number).hash(&mut hasher);
        let mut whole = true;
        for column in from..from + width {
            match row.get_ref(column)? {
                // It is equal to no other.
                ValueRef::Null => whole = false,
                ValueRef::Integer(value) => (1u8, value).hash(&mut hasher),
                ValueRef::Real(value) => (2u8, value.to_bits()).hash(&mut hasher),
                ValueRef::Text(value) => (3u8, value).hash(&mut hasher),
                ValueRef::Blob(value) => (4u8, value).hash(&mut hasher),
            }
        }
        from += width;
        if whole {
            keys.push(hasher.finish());
        }
    }
    Ok(())
}

/// None for a table without unique keys.
fn lookup<'c>(database: &'c Connection, table: &str) -> rusqlite::Result<Option<Lookup<'c>>> {
    let mut columns: Vec<String> = Vec::new();
    let mut widths = Vec::new();
    let mut key_is_index = false;
    let mut list = database.prepare("SELECT name, origin FROM pragma_index_list(?1, 'main') WHERE \"unique\"")?;
    let indexes = list.query_map([table], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    for index in indexes {
        let (name, origin) = index?;
        key_is_index |= origin == "pk";
        let mut members = database.prepare("SELECT name FROM pragma_index_info(?1, 'main') ORDER BY seqno")?;
        let names = members.query_map([&name], |row| row.get::<_, Option<String>>(0))?;
        let names: Option<Vec<String>> = names.collect::<rusqlite::Result<_>>()?;
        if let Some(names) = names {
            widths.push(names.len());
            columns.extend(names.iter().map(|name| quoted(name)));
        }
    }
    // A key that is the number of the row is no index.
    let mut members = database.prepare("SELECT name FROM pragma_table_info(?1, 'main') WHERE pk > 0")?;
    let names: Vec<String> = members.query_map([table], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    if let ([name], false) = (names.as_slice(), key_is_index) {
        widths.push(1);
        columns.push(quoted(name));
    }
    if columns.is_empty() {
        return Ok(None);
    }
    let text = format!("SELECT {} FROM main.{} WHERE _rowid_ = ?1", columns.join(", "), quoted(table));
    Ok(Some(Lookup { row: database.prepare(&text)?, widths }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_keys_have_equal_numbers() {
        let database = Connection::open_in_memory().unwrap();
        database
            .execute_batch(
                "CREATE TABLE t (i INTEGER PRIMARY KEY, a TEXT, b INTEGER, UNIQUE (a, b)); CREATE UNIQUE INDEX e ON t (a || i);
                 CREATE TABLE u (a TEXT PRIMARY KEY); CREATE TABLE w (a);
                 INSERT INTO t VALUES (1, 'x', 1), (2, 'x', 2), (3, NULL, 1); INSERT INTO u VALUES ('1'); INSERT INTO w VALUES (1)",
            )
            .unwrap();
        let keys = |table: &str, row| keys_of(&database, [(Arc::from(table), row)].iter()).unwrap();
        assert_eq!(keys("t", 1).len(), 2);
        assert_eq!(keys("t", 3).len(), 1, "NULL is equal to nothing");
        assert_eq!((keys("t", 9).len(), keys("w", 1).len(), keys("u", 1).len()), (0, 0, 1));
        let before = keys("t", 1);
        assert!(keys("t", 2).iter().all(|key| !before.contains(key)));
        database.execute_batch("DELETE FROM t WHERE i = 1; INSERT INTO t VALUES (7, 'x', 1)").unwrap();
        let after = keys("t", 7);
        assert_eq!(after.iter().filter(|key| before.contains(key)).count(), 1);
    }
}
