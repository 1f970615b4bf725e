//! Where a database keeps its own meaning: the tables `__pg_*` inside the SQLite file, and how they become a
//! [`CatalogSnapshot`].
//!
//! Owns: the layout of those tables, reading and writing them. Must not know: SQL text of clients, how a change of
//! the schema is carried out (`engine::ddl`). Every write happens in the transaction of the DDL statement it belongs
//! to, so a file never contradicts itself. Functions return SQLite's own errors; the engine maps them.
//!
//! Temporary objects are kept the same way in SQLite's temp schema of one connection; only the state of their
//! sequences is in `main.__pg_sequence`, beside all others.

mod cluster;
mod extensions;
mod foreign;
mod inheritance;
mod objects;
mod options;
mod policies;
mod privileges;
mod routines;
mod save;
mod triggers;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::{Connection, OptionalExtension, Result, Row, params};
use serde_json::Value as Json;

use crate::catalog::composite;
use crate::catalog::objects::RangeFacts;
use crate::catalog::schema::{
    CatalogSnapshot, Column, Constraint, ConstraintKind, DomainCheck, EnumLabels, ForeignKey, Identity, Index,
    IndexKey, Relation, RelationKind, Schema, SequenceOptions, UserType, UserTypeKind,
};
use crate::catalog::tables::own;
use crate::types::pg_type::{Oid, Repr, Scalar};

pub use cluster::save_cluster;
pub use extensions::{put_extension, remove_extension};
pub use objects::{put_cast, put_named, put_operator, remove_object};
pub use privileges::{put_default_acls, put_privileges};
pub use routines::{put_routine, remove_routine};
pub use save::*;

/// The layout's number; a file with a higher one was written by a newer pgserver and is not opened.
pub const FORMAT: i64 = 1;

/// The tables. `{0}` is SQLite's schema, main or temp.
const TABLES: &str = "
CREATE TABLE IF NOT EXISTS {0}.__pg_catalog (
    id INTEGER PRIMARY KEY CHECK (id = 1), format INTEGER NOT NULL, next_oid INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS {0}.__pg_namespace (oid INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS {0}.__pg_class (
    oid INTEGER PRIMARY KEY, schema TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
    sqlite_name TEXT NOT NULL, view_query TEXT, UNIQUE (schema, name));
CREATE TABLE IF NOT EXISTS {0}.__pg_attribute (
    relation INTEGER NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL, type_oid INTEGER NOT NULL,
    typmod INTEGER NOT NULL, not_null INTEGER NOT NULL, default_expression TEXT, identity TEXT,
    generated INTEGER NOT NULL, rowid_alias INTEGER NOT NULL, PRIMARY KEY (relation, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS {0}.__pg_constraint (
    oid INTEGER PRIMARY KEY, relation INTEGER NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, columns TEXT NOT NULL,
    expression TEXT, foreign_relation INTEGER, foreign_columns TEXT, on_update TEXT, on_delete TEXT,
    is_deferrable INTEGER NOT NULL, initially_deferred INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS {0}.__pg_index (
    oid INTEGER PRIMARY KEY, relation INTEGER NOT NULL, name TEXT NOT NULL, is_unique INTEGER NOT NULL,
    is_primary INTEGER NOT NULL, keys TEXT NOT NULL, predicate TEXT, method TEXT NOT NULL, constraint_oid INTEGER);
CREATE TABLE IF NOT EXISTS {0}.__pg_sequence (
    oid INTEGER PRIMARY KEY, type_oid INTEGER NOT NULL, start INTEGER NOT NULL, increment INTEGER NOT NULL,
    min INTEGER NOT NULL, max INTEGER NOT NULL, cache INTEGER NOT NULL, cycle INTEGER NOT NULL,
    owner_relation INTEGER, owner_column INTEGER, last_value INTEGER NOT NULL, is_called INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS {0}.__pg_type (
    oid INTEGER PRIMARY KEY, array_oid INTEGER NOT NULL, schema TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
    labels TEXT, base INTEGER, typmod INTEGER, not_null INTEGER, default_expression TEXT, checks TEXT,
    UNIQUE (schema, name));
CREATE TABLE IF NOT EXISTS {0}.__pg_description (
    class INTEGER NOT NULL, object INTEGER NOT NULL, part INTEGER NOT NULL, description TEXT NOT NULL,
    PRIMARY KEY (class, object, part)) WITHOUT ROWID;
";

/// What later versions have added: all of it is there, or is made, before the schema is first changed.
const LATER: &str = "
CREATE TABLE IF NOT EXISTS {0}.__pg_option (relation INTEGER PRIMARY KEY, options TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS {0}.__pg_constraint_relation ON __pg_constraint (relation);
CREATE INDEX IF NOT EXISTS {0}.__pg_index_relation ON __pg_index (relation);
CREATE INDEX IF NOT EXISTS {0}.__pg_description_object ON __pg_description (object);
";

/// The schemas every database has besides `public`, which is a row like any other because it can be dropped.
const FIXED_SCHEMAS: &[(u32, &str)] =
    &[(11, "pg_catalog"), (99, "pg_toast"), (13207, "information_schema"), (own::NAMESPACE.0, own::NAME)];

const PUBLIC_OID: u32 = 2200;

static NEXT_VERSION: AtomicU64 = AtomicU64::new(1);

/// A snapshot version that no other snapshot of this process has.
pub fn next_version() -> u64 {
    NEXT_VERSION.fetch_add(1, Ordering::Relaxed)
}

/// Makes the catalog's tables when a database is opened, and forgets the state of temporary sequences that a crash
/// left behind.
pub fn initialise(connection: &Connection) -> Result<()> {
    // What a file of an older version lacks is made with the first change of its schema: one that only follows is not
    // written to.
    if !has_catalog(connection, "main")? {
        ensure(connection)?;
    }
    connection.execute("DELETE FROM main.__pg_sequence WHERE oid NOT IN (SELECT oid FROM main.__pg_class)", [])?;
    Ok(())
}

/// Makes sure that the catalog's tables are there. Needed before the first write, not for reading: a file without
/// them loads as what SQLite says it is.
pub fn ensure(connection: &Connection) -> Result<()> {
    if has_catalog(connection, "main")? {
        // A file of an older version has all the tables but these.
        return make_later_tables(connection, "main");
    }
    connection.execute_batch(&TABLES.replace("{0}", "main"))?;
    make_later_tables(connection, "main")?;
    let first_oid = Oid::FIRST_NORMAL.0;
    let new =
        connection.execute("INSERT OR IGNORE INTO main.__pg_catalog VALUES (1, ?1, ?2)", params![FORMAT, first_oid])?;
    if new == 1 {
        connection.execute("INSERT OR IGNORE INTO main.__pg_namespace VALUES (?1, 'public')", [PUBLIC_OID])?;
    }
    Ok(())
}

fn make_later_tables(connection: &Connection, database: &str) -> Result<()> {
    let of_parts = [privileges::TABLES, extensions::TABLE, inheritance::TABLE, routines::TABLE, triggers::TABLE];
    [LATER, objects::TABLE]
        .iter()
        .chain(&of_parts)
        .try_for_each(|sql| connection.execute_batch(&sql.replace("{0}", database)))
}

/// Whether the file's layout is newer than this program.
pub fn is_newer(connection: &Connection) -> Result<bool> {
    if !has_catalog(connection, "main")? {
        return Ok(false);
    }
    let format: Option<i64> =
        connection.query_row("SELECT format FROM main.__pg_catalog", [], |row| row.get(0)).optional()?;
    Ok(format.is_some_and(|f| f > FORMAT))
}

/// Makes sure that this connection's temp schema has the catalog's tables.
pub fn initialise_temporary(connection: &Connection) -> Result<()> {
    connection.execute_batch(&TABLES.replace("{0}", "temp"))?;
    make_later_tables(connection, "temp")?;
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS temp.__pg_on_commit (oid INTEGER PRIMARY KEY, is_dropped INTEGER NOT NULL)",
    )
}

/// The temporary tables that are emptied, or dropped (true), when a transaction commits.
pub fn on_commit(connection: &Connection) -> Result<Vec<(Oid, bool)>> {
    if !has_catalog(connection, "temp")? {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare("SELECT oid, is_dropped FROM temp.__pg_on_commit ORDER BY oid")?;
    statement.query_map([], |row| Ok((oid(row, 0)?, row.get(1)?)))?.collect()
}

/// Drops every temporary object of this connection (DISCARD TEMP, and before a connection goes back to the pool).
pub fn drop_temporary(connection: &Connection) -> Result<()> {
    let mut names: Vec<String> = connection
        .prepare("SELECT name FROM temp.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_>>()?;
    if names.iter().any(|n| n == "__pg_sequence") {
        connection.execute("DELETE FROM main.__pg_sequence WHERE oid IN (SELECT oid FROM temp.__pg_sequence)", [])?;
    }
    for name in names.drain(..) {
        connection.execute_batch(&format!("DROP TABLE temp.\"{}\"", name.replace('"', "\"\"")))?;
    }
    Ok(())
}

fn has_catalog(connection: &Connection, database: &str) -> Result<bool> {
    connection.table_exists(Some(database), "__pg_catalog")
}

/// SQLite's own number of the file's schema, as this connection sees it. Whoever changes the schema changes it.
pub fn file_version(connection: &Connection) -> Result<i64> {
    connection.query_row("PRAGMA main.schema_version", [], |row| row.get(0))
}

/// Reads the schema as this connection sees it: the system relations given, what the catalog tables say, the
/// connection's temporary objects, and what else the file contains.
pub fn load(connection: &Connection, system: &[Arc<Relation>]) -> Result<CatalogSnapshot> {
    let (version, file_version) = (next_version(), file_version(connection)?);
    let mut snapshot = CatalogSnapshot { version, file_version, ..CatalogSnapshot::default() };
    snapshot.schemas.extend(FIXED_SCHEMAS.iter().map(|&(oid, name)| Schema { oid: Oid(oid), name: name.to_owned() }));
    for relation in system {
        snapshot.put_relation(relation.clone());
    }
    if has_catalog(connection, "main")? {
        load_database(connection, "main", &mut snapshot)?;
    } else {
        snapshot.schemas.push(Schema { oid: Oid(PUBLIC_OID), name: "public".to_owned() });
    }
    snapshot.cluster = Arc::new(cluster::load(connection)?);
    foreign::load(connection, &mut snapshot)?;
    if has_catalog(connection, "temp")? {
        snapshot.schemas.push(Schema::temporary());
        load_database(connection, "temp", &mut snapshot)?;
    }
    know_row_types(&mut snapshot);
    Ok(snapshot)
}

/// Columns of rows: what they consist of is known once all relations are.
fn know_row_types(snapshot: &mut CatalogSnapshot) {
    let of_rows = |column: &Column| composite::is_of_rows(snapshot, column.type_oid);
    let relations = snapshot.relations.values().filter(|relation| relation.columns.iter().any(of_rows));
    let mut known: Vec<Relation> = relations.map(|relation| Relation::clone(relation)).collect();
    for column in known.iter_mut().flat_map(|relation| &mut relation.columns) {
        if let Some(repr) = snapshot.repr(column.type_oid) {
            column.repr = repr;
        }
    }
    known.retain(|relation| relation.kind != RelationKind::Index);
    known.into_iter().for_each(|relation| snapshot.put_relation(Arc::new(relation)));
}

fn load_database(connection: &Connection, database: &str, snapshot: &mut CatalogSnapshot) -> Result<()> {
    let rows = |sql: &str| sql.replace("{0}", database);
    let mut statement = connection.prepare(&rows("SELECT oid, name FROM {0}.__pg_namespace ORDER BY oid"))?;
    for schema in statement.query_map([], |row| Ok(Schema { oid: oid(row, 0)?, name: row.get(1)? }))? {
        snapshot.schemas.push(schema?);
    }
    let mut statement = connection.prepare(&rows("SELECT * FROM {0}.__pg_type ORDER BY oid"))?;
    for user_type in statement.query_map([], read_type)? {
        snapshot.put_type(Arc::new(user_type?));
    }
    let mut columns = by_relation(connection, &rows("SELECT * FROM {0}.__pg_attribute ORDER BY number"), |row| {
        read_column(row, snapshot)
    })?;
    let mut constraints = by_relation(
        connection,
        &rows("SELECT relation, c.* FROM {0}.__pg_constraint c ORDER BY oid"),
        read_constraint,
    )?;
    let mut indexes =
        by_relation(connection, &rows("SELECT relation, i.* FROM {0}.__pg_index i ORDER BY oid"), read_index)?;
    let mut sequences = by_relation(connection, &rows("SELECT oid, s.* FROM {0}.__pg_sequence s"), read_sequence)?;
    let options = options::load(connection, database)?;
    let mut inheritance = inheritance::load(connection, database)?;
    let mut triggers = triggers::load(connection, database)?;
    let mut statement =
        connection.prepare(&rows("SELECT oid, schema, name, kind, sqlite_name, view_query FROM {0}.__pg_class"))?;
    let mut classes = statement.query([])?;
    while let Some(row) = classes.next()? {
        let oid = oid(row, 0)?;
        let mut relation = Relation {
            oid,
            schema: row.get(1)?,
            name: row.get(2)?,
            kind: relation_kind(row.get_ref(3)?.as_str()?),
            temporary: database == "temp",
            sqlite_name: row.get(4)?,
            columns: columns.remove(&oid).unwrap_or_default(),
            constraints: constraints.remove(&oid).unwrap_or_default(),
            indexes: indexes.remove(&oid).unwrap_or_default(),
            view_query: row.get(5)?,
            sequence: sequences.remove(&oid).and_then(|mut s| s.pop()),
            declared: true,
            options: Default::default(),
        };
        relation.options.inheritance = inheritance.remove(&oid).unwrap_or_default();
        if let Some(said) = options.get(&oid) {
            options::apply(&mut relation, said);
        }
        relation.options.triggers = triggers.remove(&oid).unwrap_or_default();
        snapshot.put_relation(Arc::new(relation));
    }
    let mut statement =
        connection.prepare(&rows("SELECT class, object, part, description FROM {0}.__pg_description"))?;
    for comment in statement.query_map([], |row| Ok(((oid(row, 0)?, oid(row, 1)?, row.get(2)?), row.get(3)?)))? {
        let (key, text) = comment?;
        snapshot.comments.insert(key, text);
    }
    if database == "main" {
        snapshot.extensions = extensions::load(connection)?;
        objects::load(connection, snapshot)?;
    }
    routines::load(connection, database, snapshot)?;
    privileges::load(connection, database, snapshot)
}

/// Reads rows whose first column is a relation's OID.
fn by_relation<T>(
    connection: &Connection,
    sql: &str,
    read: impl Fn(&Row<'_>) -> Result<T>,
) -> Result<HashMap<Oid, Vec<T>>> {
    let mut map: HashMap<Oid, Vec<T>> = HashMap::new();
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        map.entry(oid(row, 0)?).or_default().push(read(row)?);
    }
    Ok(map)
}

fn oid(row: &Row<'_>, index: usize) -> Result<Oid> {
    row.get(index).map(Oid)
}

/// Relation kinds by pg_class.relkind.
const KINDS: &[(&str, RelationKind)] = &[
    ("r", RelationKind::Table),
    ("v", RelationKind::View),
    ("S", RelationKind::Sequence),
    ("c", RelationKind::Composite),
];

fn relation_kind(letter: &str) -> RelationKind {
    KINDS.iter().find(|(l, _)| *l == letter).map_or(RelationKind::Table, |(_, kind)| *kind)
}

fn read_column(row: &Row<'_>, snapshot: &CatalogSnapshot) -> Result<Column> {
    let type_oid = Oid(row.get("type_oid")?);
    let identity: Option<String> = row.get("identity")?;
    Ok(Column {
        number: row.get("number")?,
        name: row.get("name")?,
        type_oid,
        typmod: row.get("typmod")?,
        repr: snapshot.repr(type_oid).unwrap_or(Repr::scalar(Scalar::Text)),
        not_null: row.get("not_null")?,
        default: row.get("default_expression")?,
        identity: identity.map(|letter| if letter == "a" { Identity::Always } else { Identity::ByDefault }),
        generated: row.get("generated")?,
        rowid_alias: row.get("rowid_alias")?,
        options: Default::default(),
    })
}

fn read_constraint(row: &Row<'_>) -> Result<Constraint> {
    let kind: String = row.get("kind")?;
    let letter = |name: &str| -> Result<u8> {
        let text: Option<String> = row.get(name)?;
        Ok(text.and_then(|t| t.bytes().next()).unwrap_or(b'a'))
    };
    Ok(Constraint {
        oid: Oid(row.get("oid")?),
        name: row.get("name")?,
        kind: match kind.as_str() {
            "p" => ConstraintKind::PrimaryKey,
            "u" => ConstraintKind::Unique,
            "x" => {
                let operators = json_array(row, "expression")?;
                let oid = |value: &Json| value.as_u64().and_then(|oid| u32::try_from(oid).ok()).map(Oid);
                ConstraintKind::Exclusion(operators.iter().filter_map(oid).collect())
            }
            "f" => ConstraintKind::ForeignKey(ForeignKey {
                relation: Oid(row.get("foreign_relation")?),
                columns: numbers(row, "foreign_columns")?,
                on_update: letter("on_update")?,
                on_delete: letter("on_delete")?,
                set_columns: match row.get::<_, Option<String>>("expression")? {
                    Some(_) => numbers(row, "expression")?,
                    None => Vec::new(),
                },
            }),
            _ => ConstraintKind::Check(row.get("expression")?),
        },
        columns: numbers(row, "columns")?,
        deferrable: row.get("is_deferrable")?,
        initially_deferred: row.get("initially_deferred")?,
        options: Default::default(),
    })
}

fn read_index(row: &Row<'_>) -> Result<Index> {
    let constraint: Option<u32> = row.get("constraint_oid")?;
    let keys = json_array(row, "keys")?;
    Ok(Index {
        oid: Oid(row.get("oid")?),
        name: row.get("name")?,
        unique: row.get("is_unique")?,
        primary: row.get("is_primary")?,
        keys: keys.iter().filter(|key| !key.is_number()).map(read_key).collect(),
        included: keys.iter().filter_map(Json::as_i64).filter_map(|n| i16::try_from(n).ok()).collect(),
        predicate: row.get("predicate")?,
        method: row.get("method")?,
        constraint: constraint.map(Oid),
        options: Default::default(),
    })
}

/// An index key is `[column, expression, descending, nulls first]`, then COLLATE and operator class if there are any; a
/// number is a column of INCLUDE.
fn read_key(key: &Json) -> IndexKey {
    let text = |place: usize| key.get(place).and_then(Json::as_str).map(str::to_owned);
    IndexKey {
        collation: text(4),
        operator_class: text(5),
        column: key.get(0).and_then(Json::as_i64).and_then(|n| i16::try_from(n).ok()).unwrap_or(0),
        expression: key.get(1).and_then(Json::as_str).map(str::to_owned),
        descending: key.get(2).and_then(Json::as_bool).unwrap_or(false),
        nulls_first: key.get(3).and_then(Json::as_bool).unwrap_or(false),
    }
}

fn read_sequence(row: &Row<'_>) -> Result<SequenceOptions> {
    let owner: Option<u32> = row.get("owner_relation")?;
    let column: Option<i16> = row.get("owner_column")?;
    Ok(SequenceOptions {
        type_oid: Oid(row.get("type_oid")?),
        start: row.get("start")?,
        increment: row.get("increment")?,
        min: row.get("min")?,
        max: row.get("max")?,
        cache: row.get("cache")?,
        cycle: row.get("cycle")?,
        owned_by: owner.map(Oid).zip(column),
    })
}

fn read_type(row: &Row<'_>) -> Result<UserType> {
    let kind: String = row.get("kind")?;
    let text = |value: &Json, i: usize| value.get(i).and_then(Json::as_str).unwrap_or_default().to_owned();
    Ok(UserType {
        oid: Oid(row.get("oid")?),
        array: Oid(row.get("array_oid")?),
        schema: row.get("schema")?,
        name: row.get("name")?,
        kind: if kind == "e" {
            let labels = json_array(row, "labels")?;
            let labels = labels.iter().filter_map(Json::as_str).map(str::to_owned).collect();
            // Kept where a domain keeps its checks, once they are not 1, 2, 3 …
            let orders = json_array(row, "checks")?;
            let orders = orders.iter().filter_map(Json::as_f64).map(|order| order as f32).collect();
            UserTypeKind::Enum(EnumLabels::with_orders(labels, orders))
        } else if kind == "r" {
            let facts: Json = serde_json::from_str(&row.get::<_, String>("labels")?).unwrap_or_default();
            let number = |json: &Json| json.as_u64().and_then(|oid| u32::try_from(oid).ok()).map_or(Oid::INVALID, Oid);
            let list = |name: &str| facts.get(name).and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
            UserTypeKind::Range(Box::new(RangeFacts {
                subtype: Oid(row.get("base")?),
                multirange: facts.get("multirange").map_or(Oid::INVALID, number),
                difference: facts.get("difference").map_or(Oid::INVALID, number),
                operator_class: facts.get("operator_class").and_then(Json::as_str).map(str::to_owned),
                constructors: list("constructors").iter().map(number).collect(),
            }))
        } else if kind == "m" {
            // The range type is kept where a domain keeps its modifier.
            let range = u32::try_from(row.get::<_, i64>("typmod")?).unwrap_or_default();
            UserTypeKind::Multirange { range: Oid(range), subtype: Oid(row.get("base")?) }
        } else {
            UserTypeKind::Domain {
                base: Oid(row.get("base")?),
                typmod: row.get("typmod")?,
                not_null: row.get("not_null")?,
                default: row.get("default_expression")?,
                // Kept where an enum keeps its labels.
                collation: row.get("labels")?,
                checks: json_array(row, "checks")?
                    .iter()
                    .map(|c| DomainCheck {
                        name: text(c, 0),
                        expression: text(c, 1),
                        not_valid: c.get(2).and_then(Json::as_bool) == Some(true),
                    })
                    .collect(),
            }
        },
    })
}

fn json_array(row: &Row<'_>, name: &str) -> Result<Vec<Json>> {
    let text: Option<String> = row.get(name)?;
    let parsed = serde_json::from_str(text.as_deref().unwrap_or("[]"));
    parsed.map_err(|e| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(e)))
}

fn numbers(row: &Row<'_>, name: &str) -> Result<Vec<i16>> {
    let array = json_array(row, name)?;
    Ok(array.iter().filter_map(Json::as_i64).filter_map(|n| i16::try_from(n).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(number: i16, name: &str, type_oid: Oid) -> Column {
        Column::new(number, name.to_owned(), (type_oid, -1), Repr::scalar(Scalar::Text))
    }

    /// The tables of the first version, with what it wrote; what later versions added is made before anything is changed.
    #[test]
    fn a_file_of_an_older_version_gets_what_it_lacks() {
        let tables = |connection: &Connection| -> Vec<String> {
            let sql = "SELECT name FROM sqlite_schema WHERE substr(name, 1, 5) = '__pg_' ORDER BY name";
            connection.prepare(sql).unwrap().query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        let new = Connection::open_in_memory().unwrap();
        initialise(&new).unwrap();
        let old = Connection::open_in_memory().unwrap();
        old.execute_batch(&TABLES.replace("{0}", "main")).unwrap();
        old.execute_batch(
            "INSERT INTO __pg_catalog VALUES (1, 1, 16500);
             INSERT INTO __pg_namespace VALUES (2200, 'public');
             INSERT INTO __pg_class VALUES (16384, 'public', 't', 'r', 't', NULL),
                 (16390, 'public', 'v', 'v', 'v', 'SELECT id, m FROM t WHERE (m = ''ok'')');
             INSERT INTO __pg_attribute VALUES (16384, 1, 'id', 23, -1, 1, NULL, NULL, 0, 1),
                 (16384, 2, 'm', 16386, -1, 0, '''ok''::mood', NULL, 0, 0),
                 (16390, 1, 'id', 23, -1, 0, NULL, NULL, 0, 0);
             INSERT INTO __pg_constraint
                 VALUES (16389, 16384, 't_pkey', 'p', '[1]', NULL, NULL, NULL, NULL, NULL, 0, 0);
             INSERT INTO __pg_type
                 VALUES (16386, 16387, 'public', 'mood', 'e', '[\"sad\",\"ok\"]', NULL, NULL, NULL, NULL, NULL);
             CREATE TABLE t (id INTEGER PRIMARY KEY, m TEXT);",
        )
        .unwrap();
        initialise(&old).unwrap();
        assert!(!is_newer(&old).unwrap());
        let snapshot = load(&old, &[]).unwrap();
        let table = snapshot.relation("public", "t").unwrap();
        assert_eq!((table.columns.len(), table.constraints.len()), (2, 1));
        assert!(snapshot.relation("public", "v").unwrap().view_query.is_some());
        let UserTypeKind::Enum(labels) = &snapshot.types.get(&Oid(16386)).unwrap().kind else { panic!("an enum") };
        assert_eq!((labels.labels().len(), labels.orders()), (2, &[1.0, 2.0][..]));
        ensure(&old).unwrap();
        assert_eq!(tables(&old), tables(&new));
        put_relation(&old, table).unwrap();
        assert_eq!(load(&old, &[]).unwrap().relation("public", "t").unwrap().columns.len(), 2);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let connection = Connection::open_in_memory().unwrap();
        initialise(&connection).unwrap();
        let first = allocate_oids(&connection, 5).unwrap();
        assert_eq!(first, Oid::FIRST_NORMAL);
        assert_eq!(allocate_oids(&connection, 1).unwrap(), Oid(first.0 + 5));

        let mood = UserType {
            oid: first,
            array: Oid(first.0 + 1),
            schema: "public".into(),
            name: "mood".into(),
            kind: UserTypeKind::Enum(EnumLabels::new(vec!["sad".into(), "ok".into()])),
        };
        put_type(&connection, &mood).unwrap();
        connection.execute_batch("CREATE TABLE t (a TEXT)").unwrap();
        let table = Relation {
            oid: Oid(first.0 + 2),
            schema: "public".into(),
            name: "t".into(),
            kind: RelationKind::Table,
            temporary: false,
            sqlite_name: "t".into(),
            columns: vec![column(1, "a", mood.array)],
            constraints: vec![Constraint {
                oid: Oid(first.0 + 3),
                name: "t_a_check".into(),
                kind: ConstraintKind::Check("(a IS NOT NULL)".into()),
                columns: vec![1],
                deferrable: false,
                initially_deferred: false,
                options: Default::default(),
            }],
            indexes: vec![Index {
                oid: Oid(first.0 + 4),
                name: "t_a_idx".into(),
                unique: false,
                primary: false,
                keys: vec![IndexKey {
                    descending: true,
                    nulls_first: true,
                    collation: Some("C".into()),
                    ..IndexKey::of_column(1)
                }],
                included: vec![2],
                predicate: Some("(a IS NOT NULL)".into()),
                method: "btree".into(),
                constraint: None,
                options: Default::default(),
            }],
            view_query: None,
            sequence: None,
            declared: true,
            options: Default::default(),
        };
        put_relation(&connection, &table).unwrap();
        set_comment(&connection, (Oid(1259), table.oid, 1), Some("a column")).unwrap();

        let snapshot = load(&connection, &[]).unwrap();
        let read = snapshot.relation("public", "t").unwrap();
        assert_eq!(read.columns[0].repr, Repr::array(mood.oid, Scalar::Text));
        assert_eq!(format!("{:?}", read.constraints), format!("{:?}", table.constraints));
        assert_eq!(format!("{:?}", read.indexes), format!("{:?}", table.indexes));
        assert_eq!(snapshot.comments.get(&(Oid(1259), table.oid, 1)).unwrap(), "a column");
        assert_eq!(snapshot.find_relation(&["public".into()], "t_a_idx").unwrap().kind, RelationKind::Index);

        remove_relation(&connection, &table).unwrap();
        connection.execute_batch("DROP TABLE t").unwrap();
        let snapshot = load(&connection, &[]).unwrap();
        assert!(snapshot.relation("public", "t").is_none() && snapshot.comments.is_empty());
    }

    #[test]
    fn a_sequence_keeps_its_state_when_its_options_change() {
        let connection = Connection::open_in_memory().unwrap();
        initialise(&connection).unwrap();
        let options = SequenceOptions {
            type_oid: Oid::INT8,
            start: 5,
            increment: 1,
            min: 1,
            max: i64::MAX,
            cache: 1,
            cycle: false,
            owned_by: None,
        };
        let mut sequence = Relation {
            oid: allocate_oids(&connection, 1).unwrap(),
            schema: "public".into(),
            name: "s".into(),
            kind: RelationKind::Sequence,
            temporary: false,
            sqlite_name: "s".into(),
            columns: Vec::new(),
            constraints: Vec::new(),
            indexes: Vec::new(),
            view_query: None,
            sequence: Some(options),
            declared: true,
            options: Default::default(),
        };
        put_relation(&connection, &sequence).unwrap();
        set_sequence_state(&connection, sequence.oid, 9, true).unwrap();
        sequence.sequence = Some(SequenceOptions { increment: 2, owned_by: Some((Oid(20000), 1)), ..options });
        put_relation(&connection, &sequence).unwrap();
        let state: (i64, bool) = connection
            .query_row("SELECT last_value, is_called FROM __pg_sequence", [], |r| Ok((r.get(0)?, r.get(1)?)))
            .unwrap();
        assert_eq!(state, (9, true));
        let snapshot = load(&connection, &[]).unwrap();
        assert_eq!(snapshot.relation("public", "s").unwrap().sequence, sequence.sequence);
    }
}
