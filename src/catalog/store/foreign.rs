//! Tables that pgserver did not create: what SQLite says of them, in PostgreSQL's terms.
//!
//! Owns: the mapping of declared types, and OIDs that are the same each time the file is opened.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use rusqlite::{Connection, Error, Result, ffi};

use crate::catalog::schema::{
    CatalogSnapshot, Column, Constraint, ConstraintKind, ForeignKey, Index, IndexKey, Relation, RelationKind,
};
use crate::types::pg_type::{Oid, Repr, Scalar, type_info};

/// OIDs derived from names lie in 2^30 .. 2^31, far above those that are counted up.
const DERIVED: u32 = 1 << 30;

/// Adds the tables and views of the file that the catalog's tables do not know.
pub(super) fn load(connection: &Connection, snapshot: &mut CatalogSnapshot) -> Result<()> {
    let known: HashSet<String> =
        snapshot.relations.values().filter(|r| r.declared).map(|r| r.sqlite_name.to_lowercase()).collect();
    let mut statement = connection.prepare(
        "SELECT type, name FROM main.sqlite_schema WHERE type IN ('table', 'view')
         AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_\\_pg\\_%' ESCAPE '\\' ORDER BY name",
    )?;
    let mut names: BTreeMap<String, RelationKind> = BTreeMap::new();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let kind = if row.get_ref(0)?.as_str()? == "view" { RelationKind::View } else { RelationKind::Table };
        let name: String = row.get(1)?;
        if !known.contains(&name.to_lowercase()) && snapshot.relation("public", &name).is_none() {
            names.insert(name, kind);
        }
    }
    let mut oids = DerivedOids { taken: snapshot.relations.keys().copied().collect() };
    let mut relations = Vec::new();
    for (name, kind) in names {
        let read = read_relation(connection, &mut oids, name.clone(), kind).and_then(|mut relation| {
            read_indexes(connection, &mut oids, &mut relation)?;
            Ok(relation)
        });
        match read {
            Ok(relation) => relations.push(relation),
            // A view of what is not there any more, a virtual table of a module that we do not have.
            Err(error) if is_about_the_schema(&error) => {
                log::warn!("table or view \"{name}\" is left out: {error}");
            }
            Err(error) => return Err(error),
        }
    }
    for i in 0..relations.len() {
        let keys = read_foreign_keys(connection, &mut oids, i, &relations, snapshot)?;
        if let Some(relation) = relations.get_mut(i) {
            relation.constraints.extend(keys);
        }
    }
    for relation in relations {
        snapshot.put_relation(Arc::new(relation));
    }
    Ok(())
}

/// Whether SQLite does not understand a part of the schema, and nothing is wrong with the file.
fn is_about_the_schema(error: &Error) -> bool {
    error.sqlite_error().is_some_and(|failure| failure.extended_code & 0xff == ffi::SQLITE_ERROR)
}

/// OIDs from names: FNV-1a, and the next free one where two names collide.
struct DerivedOids {
    taken: HashSet<Oid>,
}

impl DerivedOids {
    fn of(&mut self, name: &str) -> Oid {
        let hash = name.bytes().fold(0x811c_9dc5_u32, |h, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193));
        let mut oid = Oid(DERIVED | (hash & (DERIVED - 1)));
        while !self.taken.insert(oid) {
            oid = Oid(DERIVED | (oid.0.wrapping_add(1) & (DERIVED - 1)));
        }
        oid
    }
}

/// The PostgreSQL type of a column by its declared type: what SQLite's affinity rules make it store
/// (datatype3.html 3.1). A declared name that SQLite gives NUMERIC affinity is read by what such columns hold.
fn declared_type(declared: &str) -> Oid {
    const RULES: &[(&str, Oid)] = &[
        ("INT", Oid::INT8),
        ("CHAR", Oid::TEXT),
        ("CLOB", Oid::TEXT),
        ("TEXT", Oid::TEXT),
        ("BLOB", Oid::BYTEA),
        ("REAL", Oid::FLOAT8),
        ("FLOA", Oid::FLOAT8),
        ("DOUB", Oid::FLOAT8),
        ("BOOL", Oid::INT8),
        ("DEC", Oid::FLOAT8),
        ("NUM", Oid::FLOAT8),
    ];
    let declared = declared.to_uppercase();
    RULES.iter().find(|(part, _)| declared.contains(part)).map_or(Oid::TEXT, |(_, oid)| *oid)
}

fn read_relation(
    connection: &Connection,
    oids: &mut DerivedOids,
    name: String,
    kind: RelationKind,
) -> Result<Relation> {
    let oid = oids.of(&name);
    let mut statement = connection
        .prepare("SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?1, 'main')")?;
    let mut rows = statement.query([&name])?;
    let mut columns: Vec<Column> = Vec::new();
    let mut key: Vec<(i64, i16)> = Vec::new();
    let mut integer_key = false;
    while let Some(row) = rows.next()? {
        let hidden: i64 = row.get(5)?;
        if hidden == 1 {
            continue;
        }
        let number = i16::try_from(columns.len() + 1).unwrap_or(i16::MAX);
        let declared: String = row.get(1)?;
        let position: i64 = row.get(4)?;
        if position > 0 {
            key.push((position, number));
            integer_key = declared.eq_ignore_ascii_case("INTEGER");
        }
        let type_oid = declared_type(&declared);
        columns.push(Column {
            number,
            name: row.get(0)?,
            type_oid,
            typmod: -1,
            repr: type_info(type_oid).map_or(Repr::scalar(Scalar::Text), |t| t.repr),
            not_null: row.get::<_, bool>(2)? || position > 0,
            default: row.get(3)?,
            identity: None,
            generated: hidden > 1,
            rowid_alias: false,
            options: Default::default(),
        });
    }
    key.sort_unstable();
    let mut constraints = Vec::new();
    if !key.is_empty() {
        let name = format!("{name}_pkey");
        let columns = key.iter().map(|(_, number)| *number).collect();
        constraints.push(constraint(oids.of(&name), name, ConstraintKind::PrimaryKey, columns));
    }
    if let ([(_, number)], true) = (key.as_slice(), integer_key && !is_without_rowid(connection, &name)?) {
        columns.iter_mut().filter(|c| c.number == *number).for_each(|c| c.rowid_alias = true);
    }
    Ok(Relation {
        oid,
        schema: "public".to_owned(),
        sqlite_name: name.clone(),
        name,
        kind,
        temporary: false,
        columns,
        constraints,
        indexes: Vec::new(),
        view_query: None,
        sequence: None,
        declared: false,
        options: Default::default(),
    })
}

fn is_without_rowid(connection: &Connection, name: &str) -> Result<bool> {
    let sql = "SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?1";
    connection.query_row(sql, [name], |row| row.get(0))
}

fn constraint(oid: Oid, name: String, kind: ConstraintKind, columns: Vec<i16>) -> Constraint {
    Constraint { oid, name, kind, columns, deferrable: false, initially_deferred: false, options: Default::default() }
}

/// A row of `PRAGMA index_list`.
struct ListedIndex {
    name: String,
    unique: bool,
    origin: String,
}

fn read_indexes(connection: &Connection, oids: &mut DerivedOids, relation: &mut Relation) -> Result<()> {
    let mut statement =
        connection.prepare("SELECT name, \"unique\", origin FROM pragma_index_list(?1, 'main') ORDER BY name")?;
    let listed: Vec<ListedIndex> = statement
        .query_map([&relation.name], |row| {
            Ok(ListedIndex { name: row.get(0)?, unique: row.get(1)?, origin: row.get(2)? })
        })?
        .collect::<Result<_>>()?;
    let has_key_index = listed.iter().any(|l| l.origin == "pk");
    for index in listed {
        let keys = read_keys(connection, relation, &index.name)?;
        let columns: Vec<i16> = keys.iter().map(|k| k.column).collect();
        let (name, owner) = match index.origin.as_str() {
            "pk" => (format!("{}_pkey", relation.name), relation.primary_key().map(|c| c.oid)),
            "u" => {
                let named: Vec<&str> =
                    columns.iter().filter_map(|&n| relation.column_by_number(n)).map(|c| c.name.as_str()).collect();
                let name = format!("{}_{}_key", relation.name, named.join("_"));
                let oid = oids.of(&format!("constraint {}", index.name));
                relation.constraints.push(constraint(oid, name.clone(), ConstraintKind::Unique, columns));
                (name, Some(oid))
            }
            _ => (index.name.clone(), None),
        };
        relation.indexes.push(Index {
            oid: oids.of(&format!("index {}", index.name)),
            name,
            unique: index.unique,
            primary: index.origin == "pk",
            keys,
            included: Vec::new(),
            predicate: None,
            method: "btree".to_owned(),
            constraint: owner,
            options: Default::default(),
        });
    }
    if let (Some(key), false) = (relation.primary_key().cloned(), has_key_index) {
        // The rowid is the index.
        relation.indexes.push(Index {
            oid: oids.of(&format!("index {}", key.name)),
            name: key.name.clone(),
            unique: true,
            primary: true,
            keys: key.columns.iter().copied().map(IndexKey::of_column).collect(),
            included: Vec::new(),
            predicate: None,
            method: "btree".to_owned(),
            constraint: Some(key.oid),
            options: Default::default(),
        });
    }
    Ok(())
}

fn read_keys(connection: &Connection, relation: &Relation, index: &str) -> Result<Vec<IndexKey>> {
    let mut statement =
        connection.prepare("SELECT name, \"desc\" FROM pragma_index_xinfo(?1, 'main') WHERE key ORDER BY seqno")?;
    let keys = statement.query_map([index], |row| {
        let name: Option<String> = row.get(0)?;
        let descending: bool = row.get(1)?;
        let column = name.and_then(|n| relation.column(&n)).map(|c| c.number);
        let key = match column {
            Some(column) => IndexKey::of_column(column),
            None => IndexKey::of_expression("expression".to_owned()),
        };
        Ok(IndexKey { descending, nulls_first: descending, ..key })
    })?;
    keys.collect()
}

/// SQLite's names of referential actions and PostgreSQL's letters.
const ACTIONS: &[(&str, u8)] =
    &[("NO ACTION", b'a'), ("RESTRICT", b'r'), ("CASCADE", b'c'), ("SET NULL", b'n'), ("SET DEFAULT", b'd')];

fn action(name: &str) -> u8 {
    ACTIONS.iter().find(|(n, _)| *n == name).map_or(b'a', |(_, letter)| *letter)
}

fn read_foreign_keys(
    connection: &Connection,
    oids: &mut DerivedOids,
    position: usize,
    relations: &[Relation],
    snapshot: &CatalogSnapshot,
) -> Result<Vec<Constraint>> {
    let Some(relation) = relations.get(position) else { return Ok(Vec::new()) };
    let mut statement = connection.prepare(
        "SELECT id, \"table\", \"from\", \"to\", on_update, on_delete FROM pragma_foreign_key_list(?1, 'main')
         ORDER BY id, seq",
    )?;
    let mut rows = statement.query([&relation.name])?;
    let mut found: BTreeMap<i64, Constraint> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let table: String = row.get(1)?;
        let from: String = row.get(2)?;
        let to: Option<String> = row.get(3)?;
        let parent = relations.iter().find(|r| r.name.eq_ignore_ascii_case(&table));
        let Some(parent) = parent.or_else(|| snapshot.relation("public", &table).map(Arc::as_ref)) else { continue };
        let Some(column) = relation.columns.iter().find(|c| c.name.eq_ignore_ascii_case(&from)) else { continue };
        let referenced = match to {
            Some(to) => parent.columns.iter().find(|c| c.name.eq_ignore_ascii_case(&to)).map(|c| c.number),
            None => {
                let done = found.get(&id).map_or(0, |c| c.columns.len());
                parent.primary_key().and_then(|k| k.columns.get(done)).copied()
            }
        };
        let Some(referenced) = referenced else { continue };
        let (on_update, on_delete) = (action(row.get_ref(4)?.as_str()?), action(row.get_ref(5)?.as_str()?));
        let entry = found.entry(id).or_insert_with(|| {
            let name = format!("{}_{}_fkey", relation.name, column.name);
            let key =
                ForeignKey { relation: parent.oid, columns: Vec::new(), on_update, on_delete, set_columns: Vec::new() };
            let oid = oids.of(&format!("foreign key {} {id}", relation.name));
            constraint(oid, name, ConstraintKind::ForeignKey(key), Vec::new())
        });
        entry.columns.push(column.number);
        if let ConstraintKind::ForeignKey(key) = &mut entry.kind {
            key.columns.push(referenced);
        }
    }
    Ok(found.into_values().collect())
}

#[cfg(test)]
mod tests {
    use crate::catalog::schema::{ConstraintKind, RelationKind};
    use crate::catalog::store;
    use crate::types::pg_type::Oid;

    #[test]
    fn what_is_broken_is_left_out_and_the_rest_is_served() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE gone (i INT); CREATE TABLE t (i INT);
                 CREATE VIEW broken AS SELECT i FROM gone; CREATE VIEW whole AS SELECT i FROM t;
                 DROP TABLE gone;",
            )
            .unwrap();
        let snapshot = store::load(&connection, &[]).unwrap();
        assert!(snapshot.relation("public", "broken").is_none());
        assert!(["t", "whole"].iter().all(|name| snapshot.relation("public", name).is_some()));
    }

    #[test]
    fn a_plain_sqlite_file_maps_by_declared_type() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE author (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL UNIQUE, score REAL, photo BLOB,
                     active BOOLEAN DEFAULT 1, seen DATETIME, fee DECIMAL(10,2));
                 CREATE TABLE book (isbn TEXT PRIMARY KEY, author_id INT REFERENCES author ON DELETE CASCADE);
                 CREATE INDEX book_author ON book (author_id DESC);
                 CREATE VIEW recent AS SELECT name FROM author;",
            )
            .unwrap();
        let first = store::load(&connection, &[]).unwrap();
        let second = store::load(&connection, &[]).unwrap();
        assert_ne!(first.version, second.version);

        let author = first.relation("public", "author").unwrap();
        assert!(!author.declared && author.oid == second.relation("public", "author").unwrap().oid);
        let types: Vec<Oid> = author.columns.iter().map(|c| c.type_oid).collect();
        let expected = [Oid::INT8, Oid::TEXT, Oid::FLOAT8, Oid::BYTEA, Oid::INT8, Oid::TEXT, Oid::FLOAT8];
        assert_eq!(types, expected);
        assert!(author.columns[0].rowid_alias);
        assert_eq!(author.primary_key().unwrap().name, "author_pkey");
        assert_eq!(author.constraints[1].name, "author_name_key");

        let book = first.relation("public", "book").unwrap();
        assert!(!book.columns[0].rowid_alias && book.columns[0].not_null);
        let ConstraintKind::ForeignKey(key) = &book.constraints[1].kind else { panic!("{:?}", book.constraints) };
        assert_eq!((key.relation, key.columns.as_slice(), key.on_delete), (author.oid, &[1][..], b'c'));
        let index = first.relation("public", "book_author").unwrap();
        assert_eq!((index.kind, index.columns[0].name.as_str()), (RelationKind::Index, "author_id"));
        assert_eq!(first.relation("public", "recent").unwrap().kind, RelationKind::View);
    }
}
