//! The tables of what all databases share, in the file of the database `postgres` alone.
//!
//! They are made when there is something to keep, and written whole: there is a row per database that differs from what
//! it is by itself, per setting, role and membership.

use std::collections::BTreeMap;

use rusqlite::{Connection, Result, params};

use crate::catalog::acl::Acl;
use crate::catalog::cluster::{ClusterFacts, DatabaseFacts, SettingOf};
use crate::catalog::roles::{Membership, RoleFacts};
use crate::types::pg_type::Oid;

const TABLES: &str = "
DROP TABLE IF EXISTS main.__pg_database;
DROP TABLE IF EXISTS main.__pg_db_role_setting;
DROP TABLE IF EXISTS main.__pg_authid;
DROP TABLE IF EXISTS main.__pg_auth_members;
CREATE TABLE main.__pg_database (
    name TEXT PRIMARY KEY, owner INTEGER NOT NULL, is_template INTEGER NOT NULL, allow_connections INTEGER NOT NULL,
    connection_limit INTEGER NOT NULL, collate_name TEXT NOT NULL, ctype TEXT NOT NULL, comment TEXT,
    acl TEXT) WITHOUT ROWID;
CREATE TABLE main.__pg_db_role_setting (
    id INTEGER PRIMARY KEY, database TEXT, role INTEGER, name TEXT NOT NULL, value TEXT NOT NULL);
CREATE TABLE main.__pg_authid (
    oid INTEGER PRIMARY KEY, name TEXT NOT NULL, superuser INTEGER NOT NULL, inherit INTEGER NOT NULL,
    create_role INTEGER NOT NULL, create_db INTEGER NOT NULL, can_login INTEGER NOT NULL, replication INTEGER NOT NULL,
    bypass_rls INTEGER NOT NULL, connection_limit INTEGER NOT NULL, password TEXT, valid_until TEXT, comment TEXT);
CREATE TABLE main.__pg_auth_members (
    role INTEGER, member INTEGER, grantor INTEGER NOT NULL, admin INTEGER NOT NULL, PRIMARY KEY (role, member)) WITHOUT ROWID;
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
            acl: match row.as_ref().column_index("acl") {
                Ok(at) => row.get::<_, Option<String>>(at)?.map(|text| Acl::from_stored(&text)),
                // A file of an older version.
                Err(_) => None,
            },
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
    let mut facts = ClusterFacts { databases, settings, ..ClusterFacts::default() };
    // A file of an older version has no roles.
    if connection.table_exists(Some("main"), "__pg_authid")? {
        load_roles(connection, &mut facts)?;
    }
    Ok(facts)
}

fn load_roles(connection: &Connection, facts: &mut ClusterFacts) -> Result<()> {
    let mut statement = connection.prepare("SELECT * FROM main.__pg_authid")?;
    let roles = statement.query_map([], |row| {
        let role = RoleFacts {
            name: row.get("name")?,
            superuser: row.get("superuser")?,
            inherit: row.get("inherit")?,
            create_role: row.get("create_role")?,
            create_db: row.get("create_db")?,
            can_login: row.get("can_login")?,
            replication: row.get("replication")?,
            bypass_rls: row.get("bypass_rls")?,
            connection_limit: row.get("connection_limit")?,
            password: row.get("password")?,
            valid_until: row.get("valid_until")?,
            comment: row.get("comment")?,
        };
        Ok((Oid(row.get("oid")?), role))
    })?;
    facts.roles = roles.collect::<Result<_>>()?;
    let mut statement = connection.prepare("SELECT role, member, grantor, admin FROM main.__pg_auth_members")?;
    let memberships = statement.query_map([], |row| {
        let membership = Membership { grantor: Oid(row.get(2)?), admin: row.get(3)? };
        Ok(((Oid(row.get(0)?), Oid(row.get(1)?)), membership))
    })?;
    facts.memberships = memberships.collect::<Result<_>>()?;
    Ok(())
}

fn save_roles(connection: &Connection, facts: &ClusterFacts) -> Result<()> {
    let mut insert = connection
        .prepare("INSERT INTO main.__pg_authid VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)")?;
    for (oid, role) in &facts.roles {
        insert.execute(params![
            oid.0,
            role.name,
            role.superuser,
            role.inherit,
            role.create_role,
            role.create_db,
            role.can_login,
            role.replication,
            role.bypass_rls,
            role.connection_limit,
            role.password,
            role.valid_until,
            role.comment
        ])?;
    }
    let mut insert = connection.prepare("INSERT INTO main.__pg_auth_members VALUES (?1, ?2, ?3, ?4)")?;
    for ((role, member), more) in &facts.memberships {
        insert.execute(params![role.0, member.0, more.grantor.0, more.admin])?;
    }
    Ok(())
}

/// Writes all of it in place of what is kept.
pub fn save_cluster(connection: &Connection, facts: &ClusterFacts) -> Result<()> {
    connection.execute_batch(TABLES)?;
    let mut insert =
        connection.prepare("INSERT INTO main.__pg_database VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?;
    for (name, facts) in &facts.databases {
        insert.execute(params![
            name,
            facts.owner.0,
            facts.is_template,
            facts.allow_connections,
            facts.connection_limit,
            facts.collate,
            facts.ctype,
            facts.comment,
            facts.acl.as_ref().map(Acl::to_stored)
        ])?;
    }
    let mut insert = connection.prepare("INSERT INTO main.__pg_db_role_setting VALUES (NULL, ?1, ?2, ?3, ?4)")?;
    for (of, settings) in &facts.settings {
        for (name, value) in settings {
            insert.execute(params![of.database, of.role.map(|role| role.0), name, value])?;
        }
    }
    save_roles(connection, facts)
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
            acl: Some(Acl::from_stored("=Tc/77,77=C*Tc/77")),
            ..DatabaseFacts::of("app")
        };
        facts.apply(&ClusterChange::Database("app".to_owned(), changed));
        for (role, name) in [(None, "b"), (None, "a"), (Some(Oid(10)), "c")] {
            let of = SettingOf { database: Some("app".to_owned()), role };
            facts.apply(&ClusterChange::Setting(of, name.to_owned(), Some("1".to_owned())));
        }
        let role = RoleFacts { password: Some("md5…".to_owned()), create_db: true, ..RoleFacts::new("r") };
        facts.apply(&ClusterChange::NewRole(Oid(77), role.clone()));
        facts.apply(&ClusterChange::Member(Oid(77), Oid(10), Some(Membership { grantor: Oid(10), admin: true })));
        assert!(facts.conflict(&ClusterChange::NewRole(Oid(78), role.clone())).is_some());
        assert!(facts.conflict(&ClusterChange::Role(Oid(77), role)).is_none());
        save_cluster(&connection, &facts).unwrap();
        assert_eq!(load(&connection).unwrap(), facts);
        facts.apply(&ClusterChange::DroppedRole(Oid(77)));
        assert!(facts.roles.is_empty() && facts.memberships.is_empty());
        save_cluster(&connection, &ClusterFacts::default()).unwrap();
        assert_eq!(load(&connection).unwrap(), ClusterFacts::default());
    }
}
