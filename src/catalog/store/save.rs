//! Writing the catalog's tables: one object at a time, whole.

use rusqlite::types::Null;
use rusqlite::{Connection, Result, params};
use serde_json::json;

use crate::catalog::schema::{
    Constraint, ConstraintKind, EnumLabels, Identity, Index, IndexKey, Relation, RelationKind, Schema, UserType,
    UserTypeKind,
};
use crate::catalog::store::{inheritance, options, triggers};
use crate::types::pg_type::Oid;

/// Takes `count` new OIDs; gives the first.
pub fn allocate_oids(connection: &Connection, count: u32) -> Result<Oid> {
    let sql = "UPDATE main.__pg_catalog SET next_oid = next_oid + ?1 RETURNING next_oid - ?1";
    connection.query_row(sql, [count], |row| row.get(0)).map(Oid)
}

/// SQLite's schema in which a relation's rows are.
fn database(relation: &Relation) -> &'static str {
    if relation.temporary { "temp" } else { "main" }
}

/// Writes a relation with all its parts, in place of what was there under its OID. A sequence's state is kept, or
/// begins at its start.
pub fn put_relation(connection: &Connection, relation: &Relation) -> Result<()> {
    let database = database(relation);
    delete_parts(connection, database, relation.oid)?;
    let kind = match relation.kind {
        RelationKind::View => "v",
        RelationKind::Composite => "c",
        RelationKind::Sequence => "S",
        RelationKind::Table | RelationKind::Index | RelationKind::System => "r",
    };
    connection.execute(
        &format!("INSERT OR REPLACE INTO {database}.__pg_class VALUES (?1, ?2, ?3, ?4, ?5, ?6)"),
        params![relation.oid.0, relation.schema, relation.name, kind, relation.sqlite_name, relation.view_query],
    )?;
    options::put(connection, database, relation)?;
    inheritance::put(connection, database, relation)?;
    triggers::put(connection, database, relation)?;
    put_columns(connection, database, relation)?;
    for constraint in &relation.constraints {
        put_constraint(connection, database, relation.oid, constraint)?;
    }
    for index in &relation.indexes {
        put_index(connection, database, relation.oid, index)?;
    }
    if relation.sequence.is_some() {
        put_sequence(connection, "main", relation)?;
        if relation.temporary {
            put_sequence(connection, "temp", relation)?;
        }
    }
    Ok(())
}

/// Removes a relation's rows, its sequence's state and its comments.
pub fn remove_relation(connection: &Connection, relation: &Relation) -> Result<()> {
    let database = database(relation);
    delete_parts(connection, database, relation.oid)?;
    options::remove(connection, database, relation.oid)?;
    inheritance::remove(connection, database, relation.oid)?;
    triggers::remove(connection, database, relation.oid)?;
    connection.execute(&format!("DELETE FROM {database}.__pg_class WHERE oid = ?1"), [relation.oid.0])?;
    if relation.temporary {
        connection.execute("DELETE FROM temp.__pg_sequence WHERE oid = ?1", [relation.oid.0])?;
        connection.execute("DELETE FROM temp.__pg_on_commit WHERE oid = ?1", [relation.oid.0])?;
    }
    connection.execute("DELETE FROM main.__pg_sequence WHERE oid = ?1", [relation.oid.0])?;
    remove_comments(connection, relation.oid)
}

fn delete_parts(connection: &Connection, database: &str, oid: Oid) -> Result<()> {
    for table in ["__pg_attribute", "__pg_constraint", "__pg_index"] {
        connection.execute(&format!("DELETE FROM {database}.{table} WHERE relation = ?1"), [oid.0])?;
    }
    Ok(())
}

fn put_columns(connection: &Connection, database: &str, relation: &Relation) -> Result<()> {
    let sql = format!("INSERT INTO {database}.__pg_attribute VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");
    let mut statement = connection.prepare(&sql)?;
    for column in &relation.columns {
        let identity = column.identity.map(|i| if i == Identity::Always { "a" } else { "d" });
        statement.execute(params![
            relation.oid.0,
            column.number,
            column.name,
            column.type_oid.0,
            column.typmod,
            column.not_null,
            column.default,
            identity,
            column.generated,
            column.rowid_alias
        ])?;
    }
    Ok(())
}

fn put_constraint(connection: &Connection, database: &str, relation: Oid, constraint: &Constraint) -> Result<()> {
    let (kind, expression, foreign) = match &constraint.kind {
        ConstraintKind::PrimaryKey => ("p", None, None),
        ConstraintKind::Unique => ("u", None, None),
        ConstraintKind::Exclusion(operators) => {
            let operators: Vec<u32> = operators.iter().map(|oid| oid.0).collect();
            ("x", Some(json!(operators).to_string()), None)
        }
        ConstraintKind::Check(expression) => ("c", Some(expression.clone()), None),
        // The columns that ON DELETE sets, where those are not all.
        ConstraintKind::ForeignKey(foreign) => {
            let set = (!foreign.set_columns.is_empty()).then(|| json!(foreign.set_columns).to_string());
            ("f", set, Some(foreign))
        }
    };
    let letter = |byte: u8| char::from(byte).to_string();
    connection.execute(
        &format!("INSERT INTO {database}.__pg_constraint VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"),
        params![
            constraint.oid.0,
            relation.0,
            constraint.name,
            kind,
            json!(constraint.columns).to_string(),
            expression,
            foreign.map(|f| f.relation.0),
            foreign.map(|f| json!(f.columns).to_string()),
            foreign.map(|f| letter(f.on_update)),
            foreign.map(|f| letter(f.on_delete)),
            constraint.deferrable,
            constraint.initially_deferred
        ],
    )?;
    Ok(())
}

fn put_index(connection: &Connection, database: &str, relation: Oid, index: &Index) -> Result<()> {
    let keys: Vec<_> = index.keys.iter().map(key).chain(index.included.iter().map(|column| json!(column))).collect();
    connection.execute(
        &format!("INSERT INTO {database}.__pg_index VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"),
        params![
            index.oid.0,
            relation.0,
            index.name,
            index.unique,
            index.primary,
            json!(keys).to_string(),
            index.predicate,
            index.method,
            index.constraint.map(|c| c.0)
        ],
    )?;
    Ok(())
}

/// See `store::read_key`.
fn key(key: &IndexKey) -> serde_json::Value {
    match (&key.collation, &key.operator_class) {
        (None, None) => json!([key.column, key.expression, key.descending, key.nulls_first]),
        (collation, class) => {
            json!([key.column, key.expression, key.descending, key.nulls_first, collation, class])
        }
    }
}

fn put_sequence(connection: &Connection, database: &str, relation: &Relation) -> Result<()> {
    let Some(options) = &relation.sequence else { return Ok(()) };
    connection.execute(
        &format!(
            "INSERT INTO {database}.__pg_sequence VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?3, 0)
             ON CONFLICT (oid) DO UPDATE SET type_oid = ?2, start = ?3, increment = ?4, min = ?5, max = ?6, cache = ?7,
             cycle = ?8, owner_relation = ?9, owner_column = ?10"
        ),
        params![
            relation.oid.0,
            options.type_oid.0,
            options.start,
            options.increment,
            options.min,
            options.max,
            options.cache,
            options.cycle,
            options.owned_by.map(|(table, _)| table.0),
            options.owned_by.map(|(_, column)| column)
        ],
    )?;
    Ok(())
}

/// What becomes of a temporary table when a transaction commits: it is dropped, or its rows are deleted.
pub fn put_on_commit(connection: &Connection, oid: Oid, is_dropped: bool) -> Result<()> {
    connection.execute("INSERT INTO temp.__pg_on_commit VALUES (?1, ?2)", params![oid.0, is_dropped])?;
    Ok(())
}

/// Sets a sequence's state: the next value is `last_value`, or the one after it if `is_called`.
pub fn set_sequence_state(connection: &Connection, sequence: Oid, last_value: i64, is_called: bool) -> Result<()> {
    let sql = "UPDATE main.__pg_sequence SET last_value = ?2, is_called = ?3 WHERE oid = ?1";
    connection.execute(sql, params![sequence.0, last_value, is_called])?;
    Ok(())
}

/// Writes an enum or a domain, in place of what was there under its OID.
pub fn put_type(connection: &Connection, user_type: &UserType) -> Result<()> {
    let sql = "INSERT OR REPLACE INTO main.__pg_type VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    let UserType { oid, array, schema, name, kind } = user_type;
    match kind {
        UserTypeKind::Enum(labels) => {
            let orders =
                (*labels != EnumLabels::new(labels.labels().to_vec())).then(|| json!(labels.orders()).to_string());
            let labels = json!(labels.labels()).to_string();
            connection
                .execute(sql, params![oid.0, array.0, schema, name, "e", labels, Null, Null, Null, Null, orders])?
        }
        UserTypeKind::Range(range) => {
            let constructors: Vec<u32> = range.constructors.iter().map(|oid| oid.0).collect();
            let facts = json!({
                "multirange": range.multirange.0,
                "difference": range.difference.0,
                "operator_class": range.operator_class,
                "constructors": constructors,
            });
            let facts = facts.to_string();
            let base = range.subtype.0;
            connection.execute(sql, params![oid.0, array.0, schema, name, "r", facts, base, Null, Null, Null, Null])?
        }
        UserTypeKind::Multirange { range, subtype } => connection
            .execute(sql, params![oid.0, array.0, schema, name, "m", Null, subtype.0, range.0, Null, Null, Null])?,
        UserTypeKind::Domain { base, typmod, not_null, default, checks, collation } => {
            let kept = checks.iter().map(|check| match check.not_valid {
                false => json!([check.name, check.expression]),
                true => json!([check.name, check.expression, true]),
            });
            let checks = json!(kept.collect::<Vec<_>>()).to_string();
            connection.execute(
                sql,
                params![oid.0, array.0, schema, name, "d", collation, base.0, typmod, not_null, default, checks],
            )?
        }
    };
    Ok(())
}

/// Removes an enum or a domain and its comments.
pub fn remove_type(connection: &Connection, oid: Oid) -> Result<()> {
    connection.execute("DELETE FROM main.__pg_type WHERE oid = ?1", [oid.0])?;
    remove_comments(connection, oid)
}

/// Writes a schema, in place of what was there under its OID.
pub fn put_schema(connection: &Connection, schema: &Schema) -> Result<()> {
    connection
        .execute("INSERT OR REPLACE INTO main.__pg_namespace VALUES (?1, ?2)", params![schema.oid.0, schema.name])?;
    Ok(())
}

/// Removes a schema and its comments.
pub fn remove_schema(connection: &Connection, oid: Oid) -> Result<()> {
    connection.execute("DELETE FROM main.__pg_namespace WHERE oid = ?1", [oid.0])?;
    remove_comments(connection, oid)
}

/// COMMENT ON: by class OID, object OID and column number (or 0); `None` removes it.
pub fn set_comment(connection: &Connection, key: (Oid, Oid, i32), text: Option<&str>) -> Result<()> {
    let (class, object, part) = key;
    match text {
        Some(text) => connection.execute(
            "INSERT OR REPLACE INTO main.__pg_description VALUES (?1, ?2, ?3, ?4)",
            params![class.0, object.0, part, text],
        )?,
        None => connection.execute(
            "DELETE FROM main.__pg_description WHERE class = ?1 AND object = ?2 AND part = ?3",
            params![class.0, object.0, part],
        )?,
    };
    Ok(())
}

/// Removes all comments on an object.
pub fn remove_comments(connection: &Connection, object: Oid) -> Result<()> {
    connection.execute("DELETE FROM main.__pg_description WHERE object = ?1", [object.0])?;
    Ok(())
}
