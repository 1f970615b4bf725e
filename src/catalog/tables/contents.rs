//! Which rows each system relation has: one line per relation.
//!
//! Owns: [`Contents`] and the table of them. Must not know: SQLite. A relation that is not in the table is empty.

use crate::catalog::named;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use crate::catalog::members;
use crate::catalog::schema::{CatalogSnapshot, Relation, RelationKind};
use crate::catalog::tables::recorded::{Line, Recording, recording};
use crate::catalog::tables::relations::{SystemRelation, is_integer};
use crate::catalog::tables::rows::{Cell, RowSet, Rows};
use crate::catalog::tables::source::CatalogSource;
use crate::catalog::tables::{
    classes, constraints, descriptions, extensions, key_triggers, operators, own, policies, privileges, procs, roles,
    server, statistics, triggers, types, views,
};
use crate::catalog::tables::{information_columns as columns, information_objects as objects};
use crate::types::pg_type::{Oid, Repr, Scalar};

/// What a row-producing function sees.
pub struct View<'a> {
    pub catalog: &'a CatalogSnapshot,
    pub source: &'a dyn CatalogSource,
}

/// The rows of one relation: those that every database has, and those of this one.
pub struct Contents {
    pub builtin: Builtin,
    pub own: Own,
}

/// Adds the rows of one database.
pub type OwnRows = fn(&mut Rows, &View<'_>);

/// Adds rows that have to be fetched. The error's text is for SQLite only; the source keeps the error.
pub type StoreRows = fn(&mut Rows, &View<'_>) -> Result<(), String>;

/// Rows that are the same in every database; built once per process.
pub enum Builtin {
    None,
    /// Recorded from PostgreSQL; columns of the recording that the relation does not have are left out.
    Recorded(&'static str),
    /// They follow from what the program can do.
    Computed(OwnRows),
}

/// Rows that differ.
pub enum Own {
    None,
    /// They are what PostgreSQL's own query of the view gives; it is read like a user's view.
    OfQuery,
    /// They follow from the catalog snapshot and the search path and are kept as long as these are the same.
    OfCatalog(OwnRows),
    /// They depend on the session or the server and are made anew each time.
    OfSession(OwnRows),
    /// The same, and it may wait, and fail.
    OfStore(StoreRows),
}

const fn recorded(text: &'static str) -> Contents {
    Contents { builtin: Builtin::Recorded(text), own: Own::None }
}

const fn recorded_and(text: &'static str, own: OwnRows) -> Contents {
    Contents { builtin: Builtin::Recorded(text), own: Own::OfCatalog(own) }
}

const fn computed_and(builtin: OwnRows, own: OwnRows) -> Contents {
    Contents { builtin: Builtin::Computed(builtin), own: Own::OfCatalog(own) }
}

const fn of_catalog(own: OwnRows) -> Contents {
    Contents { builtin: Builtin::None, own: Own::OfCatalog(own) }
}

const fn computed(builtin: OwnRows) -> Contents {
    Contents { builtin: Builtin::Computed(builtin), own: Own::None }
}

const fn of_session(own: OwnRows) -> Contents {
    Contents { builtin: Builtin::None, own: Own::OfSession(own) }
}

const BY_QUERY: Contents = Contents { builtin: Builtin::None, own: Own::OfQuery };

/// By schema and relation name.
static CONTENTS: &[(&str, &str, Contents)] = &[
    ("information_schema", "information_schema_catalog_name", of_catalog(objects::catalog_name)),
    ("information_schema", "attributes", of_catalog(columns::attributes)),
    ("information_schema", "character_sets", of_catalog(objects::character_sets)),
    ("information_schema", "check_constraints", of_catalog(objects::check_constraints)),
    ("information_schema", "column_privileges", of_session(privileges::column_privileges)),
    ("information_schema", "columns", computed_and(columns::system_columns, columns::columns)),
    ("information_schema", "constraint_column_usage", of_catalog(objects::constraint_column_usage)),
    ("information_schema", "constraint_table_usage", of_catalog(objects::constraint_table_usage)),
    ("information_schema", "domains", of_catalog(columns::domains)),
    ("information_schema", "enabled_roles", of_session(roles::enabled_roles)),
    ("information_schema", "key_column_usage", of_catalog(objects::key_column_usage)),
    ("information_schema", "referential_constraints", of_catalog(objects::referential_constraints)),
    ("information_schema", "role_column_grants", of_session(privileges::column_privileges)),
    ("information_schema", "role_table_grants", of_session(privileges::table_privileges)),
    ("information_schema", "schemata", of_catalog(objects::schemata)),
    ("information_schema", "sequences", of_catalog(columns::sequences)),
    ("information_schema", "sql_features", recorded(recording!("sql_features"))),
    ("information_schema", "sql_implementation_info", recorded(recording!("sql_implementation_info"))),
    ("information_schema", "sql_parts", recorded(recording!("sql_parts"))),
    ("information_schema", "sql_sizing", recorded(recording!("sql_sizing"))),
    ("information_schema", "table_constraints", of_catalog(objects::table_constraints)),
    ("information_schema", "table_privileges", of_session(privileges::table_privileges)),
    ("information_schema", "tables", computed_and(objects::system_tables, objects::tables)),
    ("information_schema", "triggers", of_session(triggers::information_triggers)),
    ("information_schema", "views", of_catalog(objects::views)),
    ("information_schema", "administrable_role_authorizations", BY_QUERY),
    ("information_schema", "applicable_roles", BY_QUERY),
    ("information_schema", "check_constraint_routine_usage", BY_QUERY),
    ("information_schema", "collation_character_set_applicability", BY_QUERY),
    ("information_schema", "collations", BY_QUERY),
    ("information_schema", "column_column_usage", BY_QUERY),
    ("information_schema", "column_domain_usage", BY_QUERY),
    ("information_schema", "column_udt_usage", BY_QUERY),
    ("information_schema", "data_type_privileges", BY_QUERY),
    ("information_schema", "domain_constraints", BY_QUERY),
    ("information_schema", "domain_udt_usage", BY_QUERY),
    ("information_schema", "element_types", BY_QUERY),
    ("information_schema", "parameters", BY_QUERY),
    ("information_schema", "role_routine_grants", BY_QUERY),
    ("information_schema", "role_udt_grants", BY_QUERY),
    ("information_schema", "role_usage_grants", BY_QUERY),
    ("information_schema", "routine_column_usage", BY_QUERY),
    ("information_schema", "routine_privileges", BY_QUERY),
    ("information_schema", "routine_routine_usage", BY_QUERY),
    ("information_schema", "routine_sequence_usage", BY_QUERY),
    ("information_schema", "routine_table_usage", BY_QUERY),
    ("information_schema", "routines", BY_QUERY),
    ("information_schema", "transforms", BY_QUERY),
    ("information_schema", "triggered_update_columns", BY_QUERY),
    ("information_schema", "udt_privileges", BY_QUERY),
    ("information_schema", "usage_privileges", BY_QUERY),
    ("information_schema", "user_defined_types", BY_QUERY),
    ("information_schema", "view_column_usage", BY_QUERY),
    ("information_schema", "view_routine_usage", BY_QUERY),
    ("information_schema", "view_table_usage", BY_QUERY),
    ("pg_catalog", "pg_rules", BY_QUERY),
    ("pg_catalog", "pg_seclabels", BY_QUERY),
    ("pg_catalog", "pg_stats", BY_QUERY),
    ("pg_catalog", "pg_aggregate", recorded_and(recording!("pg_aggregate"), procs::aggregates)),
    ("pg_catalog", "pg_am", recorded_and(recording!("pg_am"), members::access_methods)),
    ("pg_catalog", "pg_amop", recorded(recording!("pg_amop"))),
    ("pg_catalog", "pg_amproc", recorded(recording!("pg_amproc"))),
    ("pg_catalog", "pg_attrdef", of_catalog(classes::defaults)),
    ("pg_catalog", "pg_attribute", computed_and(classes::system_attributes, classes::attributes)),
    ("pg_catalog", "pg_auth_members", of_session(roles::memberships)),
    ("pg_catalog", "pg_authid", of_session(roles::authids)),
    ("pg_catalog", "pg_available_extension_versions", of_catalog(extensions::available_extension_versions)),
    ("pg_catalog", "pg_available_extensions", of_catalog(extensions::available_extensions)),
    ("pg_catalog", "pg_cast", recorded_and(recording!("pg_cast"), operators::casts)),
    ("pg_catalog", "pg_class", computed_and(classes::system_classes, classes::classes)),
    ("pg_catalog", "pg_collation", recorded_and(recording!("pg_collation"), named::collations)),
    ("pg_catalog", "pg_constraint", computed_and(constraints::system_constraints, constraints::constraints)),
    ("pg_catalog", "pg_conversion", recorded(recording!("pg_conversion"))),
    ("pg_catalog", "pg_cursors", of_session(server::cursors)),
    ("pg_catalog", "pg_database", of_session(server::databases)),
    ("pg_catalog", "pg_db_role_setting", of_session(server::database_role_settings)),
    ("pg_catalog", "pg_default_acl", of_catalog(privileges::default_acls)),
    ("pg_catalog", "pg_depend", of_catalog(constraints::dependencies)),
    ("pg_catalog", "pg_description", of_catalog(descriptions::descriptions)),
    ("pg_catalog", "pg_enum", of_catalog(types::enums)),
    ("pg_catalog", "pg_extension", recorded_and(recording!("pg_extension"), extensions::extensions)),
    ("pg_catalog", "pg_group", of_session(roles::groups)),
    ("pg_catalog", "pg_index", computed_and(constraints::system_indexes, constraints::indexes)),
    ("pg_catalog", "pg_indexes", computed_and(views::system_indexes, views::indexes)),
    ("pg_catalog", "pg_inherits", of_catalog(classes::inheritance)),
    ("pg_catalog", "pg_init_privs", of_catalog(constraints::initial_privileges)),
    ("pg_catalog", "pg_language", recorded(recording!("pg_language"))),
    (
        "pg_catalog",
        "pg_largeobject",
        Contents { builtin: Builtin::None, own: Own::OfStore(server::large_object_pages) },
    ),
    (
        "pg_catalog",
        "pg_largeobject_metadata",
        Contents { builtin: Builtin::None, own: Own::OfStore(server::large_objects) },
    ),
    ("pg_catalog", "pg_locks", of_session(server::locks)),
    ("pg_catalog", "pg_namespace", of_catalog(classes::namespaces)),
    ("pg_catalog", "pg_opclass", recorded_and(recording!("pg_opclass"), members::operator_classes)),
    ("pg_catalog", "pg_operator", recorded_and(recording!("pg_operator"), operators::operators)),
    ("pg_catalog", "pg_opfamily", recorded_and(recording!("pg_opfamily"), members::operator_families)),
    ("pg_catalog", "pg_partitioned_table", of_catalog(classes::partitioned_tables)),
    ("pg_catalog", "pg_prepared_statements", of_session(server::prepared_statements)),
    ("pg_catalog", "pg_proc", computed_and(procs::procs, procs::routines)),
    ("pg_catalog", "pg_range", recorded_and(recording!("pg_range"), types::ranges)),
    ("pg_catalog", "pg_rewrite", of_catalog(constraints::rules)),
    ("pg_catalog", "pg_roles", of_session(roles::roles)),
    ("pg_catalog", "pg_sequence", of_catalog(classes::sequences)),
    ("pg_catalog", "pg_sequences", of_session(views::sequences)),
    ("pg_catalog", "pg_settings", of_session(server::settings)),
    ("pg_catalog", "pg_shadow", of_session(roles::shadow)),
    ("pg_catalog", "pg_shdescription", of_session(server::shared_descriptions)),
    ("pg_catalog", "pg_stat_activity", of_session(server::activity)),
    ("pg_catalog", "pg_stat_all_indexes", computed_and(views::system_index_statistics, views::index_statistics)),
    ("pg_catalog", "pg_stat_sys_indexes", computed(views::system_index_statistics)),
    ("pg_catalog", "pg_stat_all_tables", computed_and(views::system_table_statistics, views::table_statistics)),
    ("pg_catalog", "pg_stat_database", of_session(server::database_statistics)),
    ("pg_catalog", "pg_stat_user_indexes", of_catalog(views::index_statistics)),
    ("pg_catalog", "pg_stat_user_tables", of_catalog(views::table_statistics)),
    ("pg_catalog", "pg_stat_sys_tables", computed(views::system_table_statistics)),
    (
        "pg_catalog",
        "pg_statio_all_indexes",
        computed_and(views::system_index_io_statistics, views::index_io_statistics),
    ),
    ("pg_catalog", "pg_statio_sys_indexes", computed(views::system_index_io_statistics)),
    ("pg_catalog", "pg_statio_all_sequences", of_catalog(views::sequence_io_statistics)),
    ("pg_catalog", "pg_statio_all_tables", computed_and(views::system_table_io_statistics, views::table_io_statistics)),
    ("pg_catalog", "pg_statio_sys_tables", computed(views::system_table_io_statistics)),
    ("pg_catalog", "pg_statio_user_indexes", of_catalog(views::index_io_statistics)),
    ("pg_catalog", "pg_statio_user_sequences", of_catalog(views::sequence_io_statistics)),
    ("pg_catalog", "pg_statio_user_tables", of_catalog(views::table_io_statistics)),
    ("pg_catalog", "pg_tables", of_catalog(views::tables)),
    ("pg_catalog", "pg_tablespace", recorded(recording!("pg_tablespace"))),
    ("pg_catalog", "pg_ts_config", recorded(recording!("pg_ts_config"))),
    ("pg_catalog", "pg_ts_config_map", recorded(recording!("pg_ts_config_map"))),
    ("pg_catalog", "pg_ts_dict", recorded(recording!("pg_ts_dict"))),
    ("pg_catalog", "pg_ts_parser", recorded(recording!("pg_ts_parser"))),
    ("pg_catalog", "pg_ts_template", recorded(recording!("pg_ts_template"))),
    ("pg_catalog", "pg_timezone_names", of_session(server::timezones)),
    ("pg_catalog", "pg_policies", of_session(policies::shown_policies)),
    ("pg_catalog", "pg_policy", of_catalog(policies::policies)),
    ("pg_catalog", "pg_statistic_ext", of_catalog(statistics::statistics)),
    ("pg_catalog", "pg_trigger", of_catalog(key_triggers::key_triggers)),
    ("pg_catalog", "pg_type", computed_and(types::builtin_types, types::types)),
    ("pg_catalog", "pg_user", of_session(roles::users)),
    ("pg_catalog", "pg_matviews", of_catalog(views::materialized_views)),
    ("pg_catalog", "pg_views", of_catalog(views::views)),
    (own::NAME, "pg_stat_statements", of_session(own::statements)),
    (own::NAME, "pg_stat_statements_info", of_session(own::statements_info)),
    (own::NAME, "replication", of_session(own::replication)),
    (own::NAME, "versions", Contents { builtin: Builtin::None, own: Own::OfStore(own::versions) }),
];

/// What a relation contains; `None` if it is always empty.
pub fn contents(relation: &SystemRelation) -> Option<&'static Contents> {
    static BY_OID: OnceLock<HashMap<Oid, &'static Contents>> = OnceLock::new();
    let map = BY_OID.get_or_init(|| {
        let by_name = |(schema, name, contents): &'static (&str, &str, Contents)| {
            let relation = crate::catalog::tables::relations::find(schema, name);
            debug_assert!(relation.is_some(), "no relation {schema}.{name}");
            relation.map(|r| (r.relation.oid, contents))
        };
        CONTENTS.iter().filter_map(by_name).collect()
    });
    map.get(&relation.relation.oid).copied()
}

/// Whether what is in a relation is found by its query.
pub fn is_query(relation: &Relation) -> bool {
    let system = crate::catalog::tables::relations::by_oid(relation.oid).filter(|_| relation.view_query.is_some());
    system.and_then(contents).is_some_and(|contents| matches!(contents.own, Own::OfQuery))
}

/// The rows of a relation that are the same in every database.
pub fn builtin_rows(relation: &'static SystemRelation, view: &View<'_>) -> Option<Arc<RowSet>> {
    let mut rows = Rows::new(relation);
    match contents(relation)?.builtin {
        Builtin::None => return None,
        Builtin::Recorded(text) => {
            let recording = Recording::new(text);
            let columns = RecordedColumns::new(relation, recording);
            recording.lines().for_each(|line| columns.add(&mut rows, &line));
        }
        Builtin::Computed(add) => add(&mut rows, view),
    }
    Some(rows.finish())
}

/// Where a relation's columns stand in a recording.
pub struct RecordedColumns(Vec<Option<usize>>);

impl RecordedColumns {
    /// Of that relation in that recording.
    pub fn new(relation: &SystemRelation, recording: Recording) -> Self {
        let place = |name: &str| recording.columns().position(|r| r == name);
        RecordedColumns(relation.relation.columns.iter().map(|c| place(&c.name)).collect())
    }

    /// Adds a line as a row.
    pub fn add(&self, rows: &mut Rows, line: &Line) {
        let relation = rows.relation();
        let fields: Vec<_> = line.fields().collect();
        let columns = self.0.iter().zip(&relation.relation.columns).zip(&relation.defaults);
        rows.add_cells(columns.map(|((place, column), default)| match place.and_then(|p| fields.get(p)) {
            None => default.clone(),
            Some(None) => Cell::Null,
            Some(Some(text)) if is_integer(column.repr) => Cell::Int(text.parse().unwrap_or_default()),
            Some(Some(text)) if column.repr == Repr::scalar(Scalar::Float4) => {
                Cell::Real(text.parse().unwrap_or_default())
            }
            Some(Some(text)) => Cell::Text(text.clone()),
        }));
    }
}

impl<'a> View<'a> {
    /// The tables, views and sequences users made, in the order of their OIDs; indexes are found in their tables.
    pub fn user_relations(&self) -> Vec<&'a Arc<Relation>> {
        let mut found: Vec<_> = self
            .catalog
            .relations
            .values()
            .filter(|r| !matches!(r.kind, RelationKind::System | RelationKind::Index))
            .collect();
        found.sort_by_key(|r| r.oid);
        found
    }
}
