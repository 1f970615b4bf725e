//! What pgserver shows of itself in the schema `pgserver`: versions of the database, and its replication.
//!
//! Owns: the relations of that schema, which are made like those of pg_catalog, and their rows. Must not know: SQLite,
//! object stores. No catalog lists the schema or what is in it: what reads catalogs is after what users made.

use std::sync::Arc;

use crate::catalog::roles::READ_ALL_STATS;
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
    (
        Oid(16_112),
        "pg_stat_statements",
        &[
            ("userid", Oid::OID),
            ("dbid", Oid::OID),
            ("toplevel", Oid::BOOL),
            ("queryid", Oid::INT8),
            ("query", Oid::TEXT),
            ("plans", Oid::INT8),
            ("total_plan_time", Oid::FLOAT8),
            ("min_plan_time", Oid::FLOAT8),
            ("max_plan_time", Oid::FLOAT8),
            ("mean_plan_time", Oid::FLOAT8),
            ("stddev_plan_time", Oid::FLOAT8),
            ("calls", Oid::INT8),
            ("total_exec_time", Oid::FLOAT8),
            ("min_exec_time", Oid::FLOAT8),
            ("max_exec_time", Oid::FLOAT8),
            ("mean_exec_time", Oid::FLOAT8),
            ("stddev_exec_time", Oid::FLOAT8),
            ("rows", Oid::INT8),
            ("shared_blks_hit", Oid::INT8),
            ("shared_blks_read", Oid::INT8),
            ("shared_blks_dirtied", Oid::INT8),
            ("shared_blks_written", Oid::INT8),
            ("local_blks_hit", Oid::INT8),
            ("local_blks_read", Oid::INT8),
            ("local_blks_dirtied", Oid::INT8),
            ("local_blks_written", Oid::INT8),
            ("temp_blks_read", Oid::INT8),
            ("temp_blks_written", Oid::INT8),
            ("blk_read_time", Oid::FLOAT8),
            ("blk_write_time", Oid::FLOAT8),
            ("temp_blk_read_time", Oid::FLOAT8),
            ("temp_blk_write_time", Oid::FLOAT8),
            ("wal_records", Oid::INT8),
            ("wal_fpi", Oid::INT8),
            ("wal_bytes", Oid::NUMERIC),
            ("jit_functions", Oid::INT8),
            ("jit_generation_time", Oid::FLOAT8),
            ("jit_inlining_count", Oid::INT8),
            ("jit_inlining_time", Oid::FLOAT8),
            ("jit_optimization_count", Oid::INT8),
            ("jit_optimization_time", Oid::FLOAT8),
            ("jit_emission_count", Oid::INT8),
            ("jit_emission_time", Oid::FLOAT8),
        ],
    ),
    (Oid(16_113), "pg_stat_statements_info", &[("dealloc", Oid::INT8), ("stats_reset", Oid::TIMESTAMPTZ)]),
];

/// Those that stand for an extension's views: they are found in its schema, while it is there.
pub fn view_of_extension(name: &str) -> Option<&'static str> {
    matches!(name, "pg_stat_statements" | "pg_stat_statements_info").then_some("pg_stat_statements")
}

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
        // What is not counted is 0.
        defaults: columns.iter().map(|(name, type_oid)| not_counted(name, *type_oid)).collect(),
    })
}

fn not_counted(name: &str, type_oid: Oid) -> Cell {
    let counts = ["_plan_time", "_blks_", "blk_", "wal_", "jit_"];
    match type_oid {
        _ if name != "plans" && !counts.iter().any(|part| name.contains(part)) => Cell::Null,
        Oid::FLOAT8 => Cell::from(0.0),
        Oid::NUMERIC => Cell::from("0"),
        _ => Cell::from(0i64),
    }
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

/// pg_stat_statements. What planning takes, blocks and the log are not counted.
pub fn statements(rows: &mut Rows, view: &View<'_>) {
    let (roles, own) = (view.source.roles(), view.source.role());
    let owner = roles.facts.database(&view.source.database()).owner;
    let sees_all = roles.has_privileges_of(own, READ_ALL_STATS, owner);
    for statement in view.source.statements() {
        let sees = sees_all || statement.user == own;
        let query = if sees { statement.query } else { "<insufficient privilege>".to_owned() };
        row!(rows,
            userid: statement.user,
            dbid: statement.database,
            toplevel: true,
            queryid: sees.then_some(statement.queryid),
            query: query,
            calls: statement.calls,
            total_exec_time: statement.total,
            min_exec_time: statement.min,
            max_exec_time: statement.max,
            mean_exec_time: statement.mean,
            stddev_exec_time: statement.deviation,
            rows: statement.rows,
        );
    }
}

/// pg_stat_statements_info.
pub fn statements_info(rows: &mut Rows, view: &View<'_>) {
    let (evictions, reset) = view.source.statements_info();
    row!(rows, dealloc: evictions, stats_reset: timestamp(reset));
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
