//! Rows of pg_catalog's views over the schema: pg_tables, pg_views, pg_indexes, pg_sequences and the statistics, of
//! which SQLite keeps none.
//!
//! Must not know: SQLite. Specification: views.html.

use crate::catalog::definitions::Names;
use crate::catalog::privileges::PG_CLASS;
use crate::catalog::schema::{Relation, RelationKind};
use crate::catalog::tables::classes::user_sequences;
use crate::catalog::tables::contents::View;
use crate::catalog::tables::relations::{SystemRelation, listed};
use crate::catalog::tables::rows::{Rows, row};
use crate::catalog::tables::source::BOOTSTRAP_SUPERUSER;

impl View<'_> {
    /// The name of the role that owns what was there from the start.
    pub fn owner(&self) -> String {
        self.source.roles().name(BOOTSTRAP_SUPERUSER)
    }

    fn user_tables(&self) -> impl Iterator<Item = &Relation> {
        self.user_relations().into_iter().map(AsRef::as_ref).filter(|r| r.kind == RelationKind::Table)
    }
}

fn system_relations(kind: u8) -> impl Iterator<Item = &'static SystemRelation> {
    listed().filter(move |r| r.kind == kind)
}

/// pg_tables.
pub fn tables(rows: &mut Rows, view: &View<'_>) {
    let owner = view.owner();
    let foreign = |r: &Relation| r.constraints.iter().any(|c| c.foreign_key().is_some());
    let referenced = super::classes::referenced_tables(view);
    for table in view.user_tables().filter(|table| !table.is_materialized()) {
        row!(rows,
            schemaname: &table.schema,
            tablename: &table.name,
            tableowner: view.owner_name(PG_CLASS, table.oid),
            hasindexes: !table.indexes.is_empty(),
            hasrules: false,
            hastriggers: foreign(table) || referenced.contains(&table.oid),
            rowsecurity: table.row_security().enabled,
        );
    }
    for system in system_relations(b'r') {
        row!(rows,
            schemaname: &system.relation.schema,
            tablename: &system.relation.name,
            tableowner: &owner,
            hasindexes: !system.relation.indexes.is_empty(),
            hasrules: false,
            hastriggers: false,
            rowsecurity: false,
        );
    }
}

/// pg_matviews.
pub fn materialized_views(rows: &mut Rows, view: &View<'_>) {
    for relation in view.user_tables().filter(|table| table.is_materialized()) {
        row!(rows,
            schemaname: &relation.schema,
            matviewname: &relation.name,
            matviewowner: view.owner_name(PG_CLASS, relation.oid),
            hasindexes: !relation.indexes.is_empty(),
            ispopulated: !relation.options.unpopulated,
            definition: view.source.view_definition(relation),
        );
    }
}

/// pg_views.
pub fn views(rows: &mut Rows, view: &View<'_>) {
    let owner = view.owner();
    for relation in view.user_relations().into_iter().filter(|r| r.kind == RelationKind::View) {
        row!(rows,
            schemaname: &relation.schema,
            viewname: &relation.name,
            viewowner: view.owner_name(PG_CLASS, relation.oid),
            definition: view.source.view_definition(relation),
        );
    }
    for system in system_relations(b'v') {
        row!(rows,
            schemaname: &system.relation.schema,
            viewname: &system.relation.name,
            viewowner: &owner,
            definition: system.relation.view_definition(),
        );
    }
}

impl Relation {
    /// A view's query as pg_get_viewdef gives it, with its semicolon.
    pub fn view_definition(&self) -> Option<String> {
        self.view_query.as_ref().map(|query| format!("{};", query.trim_end_matches([';', ' ', '\n'])))
    }
}

/// pg_indexes: the system's.
pub fn system_indexes(rows: &mut Rows, view: &View<'_>) {
    indexes_of(rows, view, system_tables());
}

/// pg_indexes: users'.
pub fn indexes(rows: &mut Rows, view: &View<'_>) {
    indexes_of(rows, view, view.user_tables());
}

fn indexes_of<'a>(rows: &mut Rows, view: &View<'_>, tables: impl Iterator<Item = &'a Relation>) {
    let search_path = view.source.search_path();
    let names = Names { catalog: view.catalog, search_path: &search_path };
    for table in tables {
        for index in &table.indexes {
            row!(rows,
                schemaname: &table.schema,
                tablename: &table.name,
                indexname: &index.name,
                indexdef: names.index(table, index, None),
            );
        }
    }
}

/// pg_sequences.
pub fn sequences(rows: &mut Rows, view: &View<'_>) {
    for (relation, options) in user_sequences(view) {
        row!(rows,
            schemaname: &relation.schema,
            sequencename: &relation.name,
            sequenceowner: view.owner_name(PG_CLASS, relation.oid),
            data_type: options.type_oid,
            start_value: options.start,
            min_value: options.min,
            max_value: options.max,
            increment_by: options.increment,
            cycle: options.cycle,
            cache_size: options.cache,
            last_value: view.source.sequence_last_value(relation.oid),
        );
    }
}

/// pg_stat_user_tables: every table, nothing counted.
pub fn table_statistics(rows: &mut Rows, view: &View<'_>) {
    view.user_tables().for_each(|table| one_table_statistics(rows, table));
}

/// pg_stat_sys_tables: the system's, nothing counted.
pub fn system_table_statistics(rows: &mut Rows, _view: &View<'_>) {
    system_tables().for_each(|table| one_table_statistics(rows, table));
}

fn system_tables() -> impl Iterator<Item = &'static Relation> {
    system_relations(b'r').map(|system| system.relation.as_ref())
}

fn one_table_statistics(rows: &mut Rows, table: &Relation) {
    row!(rows,
        relid: table.oid,
        schemaname: &table.schema,
        relname: &table.name,
        seq_scan: 0,
        seq_tup_read: 0,
        n_tup_ins: 0,
        n_tup_upd: 0,
        n_tup_del: 0,
        n_tup_hot_upd: 0,
        n_live_tup: 0,
        n_dead_tup: 0,
        n_mod_since_analyze: 0,
        n_ins_since_vacuum: 0,
        vacuum_count: 0,
        autovacuum_count: 0,
        analyze_count: 0,
        autoanalyze_count: 0,
    );
}

/// pg_statio_user_tables: every table, nothing counted.
pub fn table_io_statistics(rows: &mut Rows, view: &View<'_>) {
    view.user_tables().for_each(|table| one_table_io_statistics(rows, table));
}

/// pg_statio_sys_tables: the system's, nothing counted.
pub fn system_table_io_statistics(rows: &mut Rows, _view: &View<'_>) {
    system_tables().for_each(|table| one_table_io_statistics(rows, table));
}

fn one_table_io_statistics(rows: &mut Rows, table: &Relation) {
    row!(rows,
        relid: table.oid,
        schemaname: &table.schema,
        relname: &table.name,
        heap_blks_read: 0,
        heap_blks_hit: 0,
        idx_blks_read: 0,
        idx_blks_hit: 0,
    );
}

/// pg_statio_user_sequences: every sequence, nothing counted.
pub fn sequence_io_statistics(rows: &mut Rows, view: &View<'_>) {
    for (sequence, _) in user_sequences(view) {
        row!(rows,
            relid: sequence.oid,
            schemaname: &sequence.schema,
            relname: &sequence.name,
            blks_read: 0,
            blks_hit: 0,
        );
    }
}

/// pg_statio_user_indexes: every index, nothing counted.
pub fn index_io_statistics(rows: &mut Rows, view: &View<'_>) {
    index_io_statistics_of(rows, view.user_tables());
}

/// The same of the system's.
pub fn system_index_io_statistics(rows: &mut Rows, _view: &View<'_>) {
    index_io_statistics_of(rows, system_tables());
}

fn index_io_statistics_of<'a>(rows: &mut Rows, tables: impl Iterator<Item = &'a Relation>) {
    for table in tables {
        for index in &table.indexes {
            row!(rows,
                relid: table.oid,
                indexrelid: index.oid,
                schemaname: &table.schema,
                relname: &table.name,
                indexrelname: &index.name,
                idx_blks_read: 0,
                idx_blks_hit: 0,
            );
        }
    }
}

/// pg_stat_user_indexes: every index, nothing counted.
pub fn index_statistics(rows: &mut Rows, view: &View<'_>) {
    index_statistics_of(rows, view.user_tables());
}

/// The same of the system's.
pub fn system_index_statistics(rows: &mut Rows, _view: &View<'_>) {
    index_statistics_of(rows, system_tables());
}

fn index_statistics_of<'a>(rows: &mut Rows, tables: impl Iterator<Item = &'a Relation>) {
    for table in tables {
        for index in &table.indexes {
            row!(rows,
                relid: table.oid,
                indexrelid: index.oid,
                schemaname: &table.schema,
                relname: &table.name,
                indexrelname: &index.name,
                idx_scan: 0,
                idx_tup_read: 0,
                idx_tup_fetch: 0,
            );
        }
    }
}
