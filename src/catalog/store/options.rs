//! What is rarely said of a relation, its columns, constraints and indexes: a row in `__pg_option` only where something
//! is said, one JSON object.
//!
//! Owns: that table's rows, and that what a version does not know it leaves out when it reads.

use std::collections::HashMap;

use rusqlite::{Connection, Result, params};
use serde_json::{Map, Value as Json, json};

use super::policies;
use crate::catalog::schema::{
    ColumnOptions, ConstraintOptions, DroppedColumn, IndexOptions, Relation, RelationOptions, Uses,
};
use crate::catalog::statistics::ExtendedStatistics;
use crate::types::gin::KeyClass;
use crate::types::pg_type::Oid;

/// Writes a relation's options, in place of those there were.
pub(super) fn put(connection: &Connection, database: &str, relation: &Relation) -> Result<()> {
    let options = written(relation);
    if options.is_empty() {
        return remove(connection, database, relation.oid);
    }
    let sql = format!("INSERT OR REPLACE INTO {database}.__pg_option VALUES (?1, ?2)");
    connection.execute(&sql, params![relation.oid.0, Json::Object(options).to_string()])?;
    Ok(())
}

/// Removes a relation's options.
pub(super) fn remove(connection: &Connection, database: &str, oid: Oid) -> Result<()> {
    connection.execute(&format!("DELETE FROM {database}.__pg_option WHERE relation = ?1"), [oid.0])?;
    Ok(())
}

/// All options there are.
pub(super) fn load(connection: &Connection, database: &str) -> Result<HashMap<Oid, Json>> {
    if !connection.table_exists(Some(database), "__pg_option")? {
        return Ok(HashMap::new());
    }
    let mut statement = connection.prepare(&format!("SELECT relation, options FROM {database}.__pg_option"))?;
    let rows = statement.query_map([], |row| Ok((Oid(row.get(0)?), row.get::<_, String>(1)?)))?;
    rows.map(|row| row.map(|(oid, text)| (oid, serde_json::from_str(&text).unwrap_or_default()))).collect()
}

/// An object of what is said: what is false, empty or absent is not.
pub(super) fn said(entries: impl IntoIterator<Item = (&'static str, Json)>) -> Map<String, Json> {
    let says = |value: &Json| match value {
        Json::Null | Json::Bool(false) => false,
        Json::Array(values) => !values.is_empty(),
        Json::Object(values) => !values.is_empty(),
        _ => true,
    };
    entries.into_iter().filter(|(_, value)| says(value)).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The parts of a relation of which something is said, by number or OID.
fn parts<T>(parts: &[T], of: impl Fn(&T) -> (String, Map<String, Json>)) -> Json {
    let all = parts.iter().map(of).filter(|(_, options)| !options.is_empty());
    Json::Object(all.map(|(key, options)| (key, Json::Object(options))).collect())
}

fn written(relation: &Relation) -> Map<String, Json> {
    let RelationOptions {
        unlogged,
        unpopulated,
        triggers_disabled,
        dropped,
        parameters,
        replica_identity,
        uses,
        row_security,
        statistics,
        // In tables of their own.
        triggers: _,
        inheritance: _,
    } = &relation.options;
    let dropped: Vec<_> = dropped.iter().map(|c| (c.number, c.type_oid.0, c.typmod)).collect();
    said([
        ("unlogged", json!(unlogged)),
        ("unpopulated", json!(unpopulated)),
        ("triggers_disabled", json!(triggers_disabled)),
        ("dropped", json!(dropped)),
        ("parameters", json!(parameters)),
        ("replica_identity", json!(replica_identity)),
        ("uses", written_uses(uses)),
        ("row_security", policies::written(row_security)),
        ("statistics", Json::Array(statistics.iter().map(ExtendedStatistics::to_json).collect())),
        ("columns", parts(&relation.columns, |c| (c.number.to_string(), written_column(&c.options)))),
        ("constraints", parts(&relation.constraints, |c| (c.oid.0.to_string(), written_constraint(&c.options)))),
        ("indexes", parts(&relation.indexes, |i| (i.oid.0.to_string(), written_index(&i.options)))),
    ])
}

fn written_column(options: &ColumnOptions) -> Map<String, Json> {
    let ColumnOptions {
        collation,
        storage,
        compression,
        statistics,
        parameters,
        uses,
        inherited,
        not_local,
        stored_name,
    } = options;
    said([
        ("collation", json!(collation)),
        ("storage", json!(storage)),
        ("compression", json!(compression)),
        ("statistics", json!(statistics)),
        ("parameters", json!(parameters)),
        ("uses", written_uses(uses)),
        ("inherited", written_count(*inherited)),
        ("not_local", json!(not_local)),
        ("stored_name", json!(stored_name)),
    ])
}

/// Zero is not said.
fn written_count(count: u16) -> Json {
    if count == 0 { Json::Null } else { json!(count) }
}

pub(super) fn written_uses(uses: &Uses) -> Json {
    let columns: Vec<_> = uses.columns.iter().map(|(relation, number)| (relation.0, number)).collect();
    let constraints: Vec<_> = uses.constraints.iter().map(|oid| oid.0).collect();
    let routines: Vec<_> = uses.routines.iter().map(|oid| oid.0).collect();
    let said = said([("columns", json!(columns)), ("constraints", json!(constraints)), ("routines", json!(routines))]);
    Json::Object(said)
}

fn written_constraint(options: &ConstraintOptions) -> Map<String, Json> {
    let ConstraintOptions { not_valid, no_inherit, match_full, inherited, not_local, parent, uses } = options;
    said([
        ("not_valid", json!(not_valid)),
        ("no_inherit", json!(no_inherit)),
        ("match_full", json!(match_full)),
        ("uses", written_uses(uses)),
        ("inherited", written_count(*inherited)),
        ("not_local", json!(not_local)),
        ("parent", json!(parent.map(|oid| oid.0))),
    ])
}

fn written_index(options: &IndexOptions) -> Map<String, Json> {
    let IndexOptions {
        nulls_not_distinct,
        parameters,
        clustered,
        replica_identity,
        statistics,
        uses,
        parent,
        invalid,
        postings,
    } = options;
    let postings: Vec<Option<&str>> = postings.iter().map(|class| class.map(KeyClass::name)).collect();
    said([
        ("nulls_not_distinct", json!(nulls_not_distinct)),
        ("parameters", json!(parameters)),
        ("clustered", json!(clustered)),
        ("replica_identity", json!(replica_identity)),
        ("statistics", json!(statistics)),
        ("uses", written_uses(uses)),
        ("parent", json!(parent.map(|oid| oid.0))),
        ("invalid", json!(invalid)),
        ("postings", json!(postings)),
    ])
}

/// Gives a relation what is said of it.
pub(super) fn apply(relation: &mut Relation, options: &Json) {
    relation.options = RelationOptions {
        unlogged: flag(options, "unlogged"),
        unpopulated: flag(options, "unpopulated"),
        triggers_disabled: flag(options, "triggers_disabled"),
        dropped: list(options, "dropped").filter_map(read_dropped).collect(),
        parameters: texts(options, "parameters"),
        replica_identity: number(options, "replica_identity"),
        uses: read_uses(options),
        inheritance: std::mem::take(&mut relation.options.inheritance),
        triggers: Vec::new(),
        row_security: policies::read(options.get("row_security")),
        statistics: list(options, "statistics").filter_map(ExtendedStatistics::of_json).collect(),
    };
    let part = |kind: &str, key: String| options.get(kind).and_then(|parts| parts.get(key));
    for column in &mut relation.columns {
        let Some(said) = part("columns", column.number.to_string()) else { continue };
        column.options = ColumnOptions {
            collation: said.get("collation").and_then(Json::as_str).map(str::to_owned),
            storage: number(said, "storage"),
            compression: number(said, "compression"),
            statistics: number(said, "statistics"),
            parameters: texts(said, "parameters"),
            uses: read_uses(said),
            inherited: number(said, "inherited").unwrap_or_default(),
            not_local: flag(said, "not_local"),
            stored_name: said.get("stored_name").and_then(Json::as_str).map(str::to_owned),
        };
    }
    for constraint in &mut relation.constraints {
        let Some(said) = part("constraints", constraint.oid.0.to_string()) else { continue };
        constraint.options = ConstraintOptions {
            not_valid: flag(said, "not_valid"),
            no_inherit: flag(said, "no_inherit"),
            match_full: flag(said, "match_full"),
            uses: read_uses(said),
            inherited: number(said, "inherited").unwrap_or_default(),
            not_local: flag(said, "not_local"),
            parent: number(said, "parent").map(Oid),
        };
    }
    for index in &mut relation.indexes {
        let Some(said) = part("indexes", index.oid.0.to_string()) else { continue };
        index.options = IndexOptions {
            nulls_not_distinct: flag(said, "nulls_not_distinct"),
            parameters: texts(said, "parameters"),
            clustered: flag(said, "clustered"),
            replica_identity: flag(said, "replica_identity"),
            statistics: list(said, "statistics").filter_map(|pair| Some((at(pair, 0)?, at(pair, 1)?))).collect(),
            uses: read_uses(said),
            parent: number(said, "parent").map(Oid),
            invalid: flag(said, "invalid"),
            postings: list(said, "postings").map(|name| KeyClass::of_name(name.as_str()?)).collect(),
        };
    }
}

pub(super) fn read_uses(options: &Json) -> Uses {
    let Some(uses) = options.get("uses") else { return Uses::default() };
    let oids = |name: &str| {
        list(uses, name).filter_map(Json::as_u64).filter_map(|oid| Some(Oid(oid.try_into().ok()?))).collect()
    };
    Uses {
        columns: list(uses, "columns").filter_map(|pair| Some((Oid(at(pair, 0)?), at(pair, 1)?))).collect(),
        constraints: oids("constraints"),
        routines: oids("routines"),
    }
}

pub(super) fn flag(options: &Json, name: &str) -> bool {
    options.get(name).and_then(Json::as_bool).unwrap_or(false)
}

pub(super) fn number<T: TryFrom<i64>>(options: &Json, name: &str) -> Option<T> {
    options.get(name).and_then(Json::as_i64)?.try_into().ok()
}

pub(super) fn list<'j>(options: &'j Json, name: &str) -> impl Iterator<Item = &'j Json> {
    options.get(name).and_then(Json::as_array).into_iter().flatten()
}

fn texts(options: &Json, name: &str) -> Vec<String> {
    list(options, name).filter_map(Json::as_str).map(str::to_owned).collect()
}

fn at<T: TryFrom<i64>>(array: &Json, place: usize) -> Option<T> {
    array.get(place).and_then(Json::as_i64)?.try_into().ok()
}

fn read_dropped(column: &Json) -> Option<DroppedColumn> {
    Some(DroppedColumn { number: at(column, 0)?, type_oid: Oid(at(column, 1)?), typmod: at(column, 2)? })
}
