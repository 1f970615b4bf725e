//! What pgserver shows of itself in the schema `pgserver`: versions of the database, and its replication.
//!
//! Owns: the relations of that schema, which are made like those of pg_catalog, and their rows. Must not know: SQLite,
//! object stores. No catalog lists the schema or what is in it: what reads catalogs is after what users made.

use std::sync::Arc;

use crate::catalog::schema::{Column, Relation, RelationKind};
use crate::catalog::tables::contents::View;
use crate::catalog::tables::relations::SystemRelation;
use crate::catalog::tables::rows::{Cell, Rows, row};
use crate::catalog::tables::server::timestamp;
use crate::types::pg_type::{Oid, type_info};

/// The schema.
pub const NAME: &str = "pgserver";

/// Below the first OID of users' objects, above those that initdb gives.
pub const NAMESPACE: Oid = Oid(16_100);

/// OID, name, columns.
type Described = (Oid, &'static str, &'static [(&'static str, Oid)]);

static RELATIONS: &[Described] = &[
    (
        Oid(16_110),
        "versions",
        &[
            ("sequence", Oid::INT8),
            ("time", Oid::TIMESTAMPTZ),
            ("bytes", Oid::INT8),
            ("kind", Oid::TEXT),
            ("transactions", Oid::INT8),
            ("changed_pages", Oid::INT8),
            ("pages", Oid::INT8),
        ],
    ),
    (
        Oid(16_111),
        "replication",
        &[
            ("database", Oid::TEXT),
            ("storage", Oid::TEXT),
            ("sync", Oid::TEXT),
            ("standby", Oid::BOOL),
            ("sequence", Oid::INT8),
            ("lag_bytes", Oid::INT8),
            ("lag_seconds", Oid::FLOAT8),
            ("conflicts", Oid::INT8),
            ("error", Oid::TEXT),
        ],
    ),
];

/// The relations, in the order of their OIDs.
pub fn relations() -> impl Iterator<Item = SystemRelation> {
    RELATIONS.iter().map(|(oid, name, columns)| SystemRelation {
        relation: Arc::new(Relation {
            oid: *oid,
            schema: NAME.to_owned(),
            name: (*name).to_owned(),
            kind: RelationKind::System,
            temporary: false,
            sqlite_name: format!("{NAME}.{name}"),
            columns: (1..).zip(*columns).filter_map(column).collect(),
            constraints: Vec::new(),
            indexes: Vec::new(),
            view_query: None,
            sequence: None,
            declared: true,
            options: Default::default(),
        }),
        kind: b'v',
        row_type: Oid::INVALID,
        array_type: Oid::INVALID,
        shared: false,
        declared: columns.iter().map(|(_, type_oid)| (*type_oid, collation(*type_oid))).collect(),
        defaults: columns.iter().map(|_| Cell::Null).collect(),
    })
}

fn column((number, (name, type_oid)): (i16, &(&'static str, Oid))) -> Option<Column> {
    Some(Column::new(number, (*name).to_owned(), (*type_oid, -1), type_info(*type_oid)?.repr))
}

/// pg_attribute.attcollation: that of text is the default one.
fn collation(type_oid: Oid) -> Oid {
    if type_oid == Oid::TEXT { Oid(100) } else { Oid::INVALID }
}

/// pgserver.versions. The error's text is for SQLite only; the source keeps the error.
pub fn versions(rows: &mut Rows, view: &View<'_>) -> Result<(), String> {
    for version in view.source.versions()?.iter() {
        row!(rows,
            sequence: version.sequence,
            time: timestamp(version.time),
            bytes: version.bytes,
            kind: version.kind,
            transactions: version.transactions,
            changed_pages: version.changed_pages,
            pages: version.pages,
        );
    }
    Ok(())
}

/// pgserver.replication: a row for the database.
pub fn replication(rows: &mut Rows, view: &View<'_>) {
    if let Some(state) = view.source.replication() {
        row!(rows,
            database: state.database,
            storage: state.storage,
            sync: state.sync,
            standby: state.standby,
            sequence: state.sequence,
            lag_bytes: state.lag_bytes,
            lag_seconds: state.lag_seconds,
            conflicts: state.conflicts,
            error: state.error,
        );
    }
}
