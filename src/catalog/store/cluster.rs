//! The tables of what all databases share, in the file of the database `postgres` alone.
//!
//! They are made when there is something to keep, and written whole: there is a row per database that differs from what
//! it is by itself, and per setting.

use std::collections::BTreeMap;

use rusqlite::{Connection, Result, params};

use crate::catalog::cluster::{ClusterFacts, DatabaseFacts, SettingOf};
use crate::types::pg_type::Oid;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS main.__pg_database (
    name TEXT PRIMARY KEY, owner INTEGER NOT NULL, is_template INTEGER NOT NULL, allow_connections INTEGER NOT NULL,
    connection_limit INTEGER NOT NULL, collate_name TEXT NOT NULL, ctype TEXT NOT NULL, comment TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS main.__pg_db_role_setting (
    id INTEGER PRIMARY KEY, database TEXT, role INTEGER, name TEXT NOT NULL, value TEXT NOT NULL);
";

/// Reads what is kept; nothing in every database but one.
pub(super) fn load(connection: &Connection) -> Result<ClusterFacts> {
    if !connection.table_exists(Some("main"), "__pg_database")? {
        return Ok(ClusterFacts::default());
    }
    let mut statement = connection.prepare("SELECT * FROM main.__pg_database")?;
    let databases = statement.query_map([], |row| {
        let facts = DatabaseFacts {
            owner: Oid(row.get("owner")?),
            is_template: row.get("is_template")?,
            allow_connections: row.get("allow_connections")?,
            connection_limit: row.get("connection_limit")?,
            collate: row.get("collate_name")?,
            ctype: row.get("ctype")?,
            comment: row.get("comment")?,
        };
        Ok((row.get("name")?, facts))
    })?;
    let databases = databases.collect::<Result<BTreeMap<String, _>>>()?;
    let mut settings: BTreeMap<SettingOf, Vec<(String, String)>> = BTreeMap::new();
    let mut statement =
        connection.prepare("SELECT database, role, name, value FROM main.__pg_db_role_setting ORDER BY id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let of = SettingOf { database: row.get(0)?, role: row.get::<_, Option<u32>>(1)?.map(Oid) };
        settings.entry(of).or_default().push((row.get(2)?, row.get(3)?));
    }
    Ok(ClusterFacts { databases, settings })
}

/// Writes all of it in place of what is kept.
pub fn save_cluster(connection: &Connection, facts: &ClusterFacts) -> Result<()> {
    connection.execute_batch(TABLES)?;
    connection.execute_batch("DELETE FROM main.__pg_database; DELETE FROM main.__pg_db_role_setting;")?;
    let mut insert = connection.prepare("INSERT INTO main.__pg_database VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
    for (name, facts) in &facts.databases {
        insert.execute(params![
            name,
            facts.owner.0,
            facts.is_template,
            facts.allow_connections,
            facts.connection_limit,
            facts.collate,
            facts.ctype,
            facts.comment
        ])?;
    }
    let mut insert = connection.prepare("INSERT INTO main.__pg_db_role_setting VALUES (NULL, ?1, ?2, ?3, ?4)")?;
    for (of, settings) in &facts.settings {
        for (name, value) in settings {
            insert.execute(params![of.database, of.role.map(|role| role.0), name, value])?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::cluster::ClusterChange;

    #[test]
    fn what_is_written_is_read_again() {
        let connection = Connection::open_in_memory().unwrap();
        assert_eq!(load(&connection).unwrap(), ClusterFacts::default());
        let mut facts = ClusterFacts::default();
        let changed = DatabaseFacts {
            owner: Oid(77),
            is_template: true,
            allow_connections: false,
            connection_limit: 5,
            comment: Some("ours".to_owned()),
            ..DatabaseFacts::of("app")
        };
        facts.apply(&ClusterChange::Database("app".to_owned(), changed));
        for (role, name) in [(None, "b"), (None, "a"), (Some(Oid(10)), "c")] {
            let of = SettingOf { database: Some("app".to_owned()), role };
            facts.apply(&ClusterChange::Setting(of, name.to_owned(), Some("1".to_owned())));
        }
        save_cluster(&connection, &facts).unwrap();
        assert_eq!(load(&connection).unwrap(), facts);
        save_cluster(&connection, &ClusterFacts::default()).unwrap();
        assert_eq!(load(&connection).unwrap(), ClusterFacts::default());
    }
}
