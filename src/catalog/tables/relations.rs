//! The relations of pg_catalog and information_schema: their names, OIDs and columns as PostgreSQL 15 has them.
//!
//! Owns: [`relations`], [`SystemRelation`]. Must not know: where rows come from (`tables::contents`), SQLite.
//! Recorded by `scripts/record-catalogs`.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use crate::catalog::schema::{
    Column, Constraint, ConstraintKind, Index, IndexKey, IndexOptions, Relation, RelationKind,
};
use crate::catalog::tables::own;
use crate::catalog::tables::recorded::{Line, Recording, recording};
use crate::catalog::tables::rows::Cell;
use crate::types::pg_type::{Oid, Repr, Scalar, type_info};

/// A relation of pg_catalog or information_schema.
#[derive(Debug)]
pub struct SystemRelation {
    /// As the rest of the program sees it; a column over one of information_schema's domains has the domain's base
    /// type here, which is what PostgreSQL tells clients too.
    pub relation: Arc<Relation>,
    /// pg_class.relkind: r or v.
    pub kind: u8,
    /// The OID of its row type.
    pub row_type: Oid,
    /// The OID of the type of arrays of its rows.
    pub array_type: Oid,
    /// pg_class.relisshared.
    pub shared: bool,
    /// For each column: pg_attribute.atttypid, which may be one of information_schema's domains, and attcollation.
    pub declared: Vec<(Oid, Oid)>,
    /// For each column: what a row has that does not mention it.
    pub defaults: Vec<Cell>,
}

/// Every relation of pg_catalog and information_schema, and pgserver's own, by OID.
pub fn relations() -> &'static [SystemRelation] {
    static RELATIONS: OnceLock<Vec<SystemRelation>> = OnceLock::new();
    RELATIONS.get_or_init(load)
}

/// Those that catalogs list: PostgreSQL's.
pub fn listed() -> impl Iterator<Item = &'static SystemRelation> {
    relations().iter().filter(|system| system.relation.schema != own::NAME)
}

/// The same, as every catalog snapshot contains them.
pub fn system_relations() -> &'static [Arc<Relation>] {
    static PLAIN: OnceLock<Vec<Arc<Relation>>> = OnceLock::new();
    PLAIN.get_or_init(|| relations().iter().map(|r| r.relation.clone()).collect())
}

/// One of them, by schema and name.
pub fn find(schema: &str, name: &str) -> Option<&'static SystemRelation> {
    relations().iter().find(|r| r.relation.schema == schema && r.relation.name == name)
}

/// The one with that OID.
pub fn by_oid(oid: Oid) -> Option<&'static SystemRelation> {
    let place = relations().binary_search_by_key(&oid, |system| system.relation.oid).ok()?;
    relations().get(place)
}

fn load() -> Vec<SystemRelation> {
    let mut columns: HashMap<i64, Vec<Line>> = HashMap::new();
    for line in Recording::new(recording!("columns")).lines() {
        columns.entry(line.number("relation")).or_default().push(line);
    }
    let mut indexes: HashMap<i64, Vec<Line>> = HashMap::new();
    for line in Recording::new(recording!("indexes")).lines() {
        indexes.entry(line.number("relation")).or_default().push(line);
    }
    let mut queries: HashMap<i64, String> = Recording::new(recording!("views"))
        .lines()
        .map(|line| (line.number("relation"), line.text("definition").trim_end_matches(';').to_owned()))
        .collect();
    let relations = Recording::new(recording!("relations")).lines();
    let recorded = relations.map(|line| {
        let oid = line.number("oid");
        let indexes = indexes.remove(&oid).unwrap_or_default();
        system_relation(&line, columns.remove(&oid).unwrap_or_default(), &indexes, queries.remove(&oid))
    });
    recorded.chain(own::relations()).collect()
}

fn system_relation(line: &Line, columns: Vec<Line>, indexes: &[Line], view_query: Option<String>) -> SystemRelation {
    let (schema, name) = (line.text("schema").into_owned(), line.text("name").into_owned());
    let relation = Relation {
        oid: recorded_oid(line, "oid"),
        sqlite_name: format!("{schema}.{name}"),
        schema,
        name,
        kind: RelationKind::System,
        temporary: false,
        columns: columns.iter().map(column).collect(),
        constraints: indexes.iter().filter_map(key).collect(),
        indexes: indexes.iter().map(index).collect(),
        view_query,
        sequence: None,
        declared: true,
        options: Default::default(),
    };
    SystemRelation {
        kind: line.text("kind").as_bytes().first().copied().unwrap_or(b'r'),
        row_type: recorded_oid(line, "reltype"),
        array_type: recorded_oid(line, "array_type"),
        shared: line.number("shared") != 0,
        declared: columns.iter().map(|c| (recorded_oid(c, "declared"), recorded_oid(c, "collation"))).collect(),
        defaults: relation.columns.iter().map(default).collect(),
        relation: Arc::new(relation),
    }
}

fn column(line: &Line) -> Column {
    let type_oid = recorded_oid(line, "type");
    Column {
        not_null: line.number("not_null") != 0,
        ..Column::new(
            line.number("number").try_into().unwrap_or_default(),
            line.text("name").into_owned(),
            (type_oid, line.number("typmod").try_into().unwrap_or(-1)),
            type_info(type_oid).map_or(Repr::scalar(Scalar::Text), |t| t.repr),
        )
    }
}

/// The attribute numbers of an index's columns.
fn keys(line: &Line) -> Vec<i16> {
    serde_json::from_str(&line.text("keys")).unwrap_or_default()
}

fn index(line: &Line) -> Index {
    Index {
        oid: recorded_oid(line, "oid"),
        name: line.text("name").into_owned(),
        unique: line.number("is_unique") != 0,
        primary: line.number("is_primary") != 0,
        keys: keys(line).into_iter().map(IndexKey::of_column).collect(),
        included: Vec::new(),
        predicate: None,
        method: "btree".to_owned(),
        constraint: Some(recorded_oid(line, "constraint")).filter(|oid| *oid != Oid::INVALID),
        options: IndexOptions::default(),
    }
}

/// The constraint behind an index.
fn key(line: &Line) -> Option<Constraint> {
    Some(Constraint {
        oid: Some(recorded_oid(line, "constraint")).filter(|oid| *oid != Oid::INVALID)?,
        name: line.text("name").into_owned(),
        kind: if line.number("is_primary") != 0 { ConstraintKind::PrimaryKey } else { ConstraintKind::Unique },
        columns: keys(line),
        deferrable: false,
        initially_deferred: false,
        options: Default::default(),
    })
}

fn recorded_oid(line: &Line, column: &str) -> Oid {
    Oid(line.number(column).try_into().unwrap_or_default())
}

fn default(column: &Column) -> Cell {
    match column.repr {
        _ if !column.not_null => Cell::Null,
        Repr { array_of: Some(_), .. } | Repr { scalar: Scalar::IntVector | Scalar::OidVector, .. } => Cell::from("[]"),
        repr if is_integer(repr) => Cell::Int(0),
        Repr { scalar: Scalar::Float4 | Scalar::Float8, .. } => Cell::Real(0.0),
        _ => Cell::from(""),
    }
}

/// Whether values of this representation are stored as INTEGER.
pub fn is_integer(repr: Repr) -> bool {
    repr.array_of.is_none() && repr.scalar.is_integer()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations_are_postgresqls() {
        let class = find("pg_catalog", "pg_class").expect("pg_class");
        assert_eq!((class.relation.oid, class.relation.columns.len(), class.kind), (Oid(1259), 33, b'r'));
        let columns = find("information_schema", "columns").expect("columns");
        let name = columns.relation.column("column_name").expect("column_name");
        assert_eq!((name.number, name.type_oid, columns.kind), (4, Oid::NAME, b'v'));
        assert!(relations().is_sorted_by_key(|r| r.relation.oid), "in OID order");
    }

    #[test]
    fn every_column_has_a_known_type() {
        for relation in relations() {
            for column in relation.relation.columns.iter().filter(|c| c.type_oid != Oid(10028)) {
                assert!(type_info(column.type_oid).is_some(), "{}.{}", relation.relation.name, column.name);
            }
        }
    }
}
