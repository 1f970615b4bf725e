//! Owners and privileges: a row in `__pg_privilege` only where something was said, and `__pg_default_acl`.
//!
//! Owns: these tables, which files of older versions get with their first change of the schema.

use rusqlite::{Connection, Result, params};

use crate::catalog::acl::{Acl, AclKind};
use crate::catalog::privileges::{DefaultAcl, ObjectAddress, ObjectPrivileges};
use crate::catalog::schema::CatalogSnapshot;
use crate::types::pg_type::Oid;

/// The tables. `{0}` is SQLite's schema.
pub(super) const TABLES: &str = "
CREATE TABLE IF NOT EXISTS {0}.__pg_privilege (
    class INTEGER NOT NULL, object INTEGER NOT NULL, part INTEGER NOT NULL, owner INTEGER NOT NULL, acl TEXT,
    PRIMARY KEY (class, object, part)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS {0}.__pg_default_acl (
    oid INTEGER PRIMARY KEY, role INTEGER NOT NULL, schema INTEGER NOT NULL, kind TEXT NOT NULL, acl TEXT NOT NULL);
";

/// Says whose an object is and who may do what with it; without that, what was said is forgotten.
pub fn put_privileges(
    connection: &Connection,
    temporary: bool,
    (class, object, part): ObjectAddress,
    privileges: Option<&ObjectPrivileges>,
) -> Result<()> {
    let database = if temporary { "temp" } else { "main" };
    match privileges {
        Some(ObjectPrivileges { owner, acl }) => {
            let sql = format!("INSERT OR REPLACE INTO {database}.__pg_privilege VALUES (?1, ?2, ?3, ?4, ?5)");
            let acl = acl.as_ref().map(Acl::to_stored);
            connection.execute(&sql, params![class.0, object.0, part, owner.0, acl])?;
        }
        None => {
            let sql = format!("DELETE FROM {database}.__pg_privilege WHERE class = ?1 AND object = ?2 AND part = ?3");
            connection.execute(&sql, params![class.0, object.0, part])?;
        }
    }
    Ok(())
}

/// Writes what objects begin with, in place of what was there.
pub fn put_default_acls(connection: &Connection, all: &[DefaultAcl]) -> Result<()> {
    connection.execute("DELETE FROM main.__pg_default_acl", [])?;
    let mut insert = connection.prepare("INSERT INTO main.__pg_default_acl VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for DefaultAcl { oid, role, schema, kind, acl } in all {
        insert.execute(params![oid.0, role.0, schema.0, kind.letter().to_string(), acl.to_stored()])?;
    }
    Ok(())
}

/// Reads all that was said.
pub(super) fn load(connection: &Connection, database: &str, snapshot: &mut CatalogSnapshot) -> Result<()> {
    if !connection.table_exists(Some(database), "__pg_privilege")? {
        return Ok(());
    }
    let sql = format!("SELECT class, object, part, owner, acl FROM {database}.__pg_privilege");
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map([], |row| {
        let acl = row.get::<_, Option<String>>(4)?.map(|text| Acl::from_stored(&text));
        let address = (Oid(row.get(0)?), Oid(row.get(1)?), row.get(2)?);
        Ok((address, ObjectPrivileges { owner: Oid(row.get(3)?), acl }))
    })?;
    for row in rows {
        let (address, privileges) = row?;
        snapshot.privileges.insert(address, privileges);
    }
    let sql = format!("SELECT oid, role, schema, kind, acl FROM {database}.__pg_default_acl ORDER BY oid");
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map([], |row| {
        let kind = row.get::<_, String>(3)?.chars().next().and_then(AclKind::of_letter);
        let acl = Acl::from_stored(&row.get::<_, String>(4)?);
        let (oid, role, schema) = (Oid(row.get(0)?), Oid(row.get(1)?), Oid(row.get(2)?));
        Ok(kind.map(|kind| DefaultAcl { oid, role, schema, kind, acl }))
    })?;
    for row in rows {
        snapshot.default_acls.extend(row?);
    }
    Ok(())
}
