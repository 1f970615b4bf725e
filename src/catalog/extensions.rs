//! The extensions that are built in.
//!
//! Owns: [`AVAILABLE`], what pg_available_extensions shows. Which of them a database has is in its catalog
//! ([`super::schema::Extension`]); their functions are rows of `sql::functions` that name them. Those without functions stand
//! for operator classes, which indexes here do not need. Specification: contrib.html, the control files of PostgreSQL 15.

/// An extension that can be created.
#[derive(Debug)]
pub struct Available {
    pub name: &'static str,
    pub version: &'static str,
    pub comment: &'static str,
    /// The schema it must be in.
    pub schema: Option<&'static str>,
    pub relocatable: bool,
}

const fn available(name: &'static str, version: &'static str, comment: &'static str) -> Available {
    Available { name, version, comment, schema: None, relocatable: true }
}

/// All of them, by name.
pub static AVAILABLE: &[Available] = &[
    available("btree_gin", "1.3", "support for indexing common datatypes in GIN"),
    available("btree_gist", "1.7", "support for indexing common datatypes in GiST"),
    available("citext", "1.6", "data type for case-insensitive character strings"),
    available("fuzzystrmatch", "1.1", "determine similarities and distance between strings"),
    available("hstore", "1.8", "data type for storing sets of (key, value) pairs"),
    available("intarray", "1.5", "functions, operators, and index support for 1-D arrays of integers"),
    available("ltree", "1.2", "data type for hierarchical tree-like structures"),
    available("pg_stat_statements", "1.10", "track planning and execution statistics of all SQL statements executed"),
    available("pg_trgm", "1.6", "text similarity measurement and index searching based on trigrams"),
    available("pgcrypto", "1.3", "cryptographic functions"),
    Available {
        schema: Some("pg_catalog"),
        relocatable: false,
        ..available("plpgsql", "1.0", "PL/pgSQL procedural language")
    },
    available("tablefunc", "1.0", "functions that manipulate whole tables, including crosstab"),
    available("unaccent", "1.1", "text search dictionary that removes accents"),
    available("uuid-ossp", "1.1", "generate universally unique identifiers (UUIDs)"),
    available("vector", "0.8.0", "vector data type and ivfflat and hnsw access methods"),
];

/// Extensions of PostgreSQL that are not built in: refused as what is not supported, not as unknown.
pub const UNSUPPORTED: &[&str] = &[
    "adminpack",
    "amcheck",
    "autoinc",
    "bloom",
    "cube",
    "dblink",
    "dict_int",
    "dict_xsyn",
    "earthdistance",
    "file_fdw",
    "insert_username",
    "intagg",
    "isn",
    "lo",
    "moddatetime",
    "old_snapshot",
    "pageinspect",
    "pg_buffercache",
    "pg_freespacemap",
    "pg_prewarm",
    "pg_surgery",
    "pg_visibility",
    "pg_walinspect",
    "pgrowlocks",
    "pgstattuple",
    "postgres_fdw",
    "refint",
    "seg",
    "sslinfo",
    "tcn",
    "tsm_system_rows",
    "tsm_system_time",
    "xml2",
];

/// The extension of that name.
pub fn find(name: &str) -> Option<&'static Available> {
    AVAILABLE.iter().find(|extension| extension.name == name)
}
