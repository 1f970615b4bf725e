//! What the system catalogs show besides the schema itself: databases, roles, sessions, settings, sequences' values.
//!
//! Owns: [`CatalogSource`], the seam through which the engine feeds the virtual tables of one connection, and the rows
//! it gives. Must not know: who implements it.

use std::sync::Arc;

use crate::catalog::acl::Acl;
use crate::catalog::cluster::ClusterFacts;
use crate::catalog::roles::Roles;
use crate::catalog::schema::{CatalogSnapshot, Relation};
use crate::settings::session::SettingView;
use crate::types::pg_type::Oid;

/// What the virtual tables of one connection read. Asked while a statement runs; must be quick and must not wait.
pub trait CatalogSource: Send + Sync {
    /// The schema the running statement was planned against.
    fn catalog(&self) -> Arc<CatalogSnapshot>;

    /// current_database().
    fn database(&self) -> String;

    /// current_user.
    fn user(&self) -> String;

    /// The effective search path, in order.
    fn search_path(&self) -> Vec<String>;

    /// The names of all databases.
    fn databases(&self) -> Vec<String> {
        vec![self.database()]
    }

    /// What all databases share.
    fn cluster(&self) -> Arc<ClusterFacts> {
        Arc::default()
    }

    /// All roles.
    fn roles(&self) -> Roles {
        Roles::new(Arc::default(), self.user().into())
    }

    /// The current role.
    fn role(&self) -> Oid {
        Oid::BOOTSTRAP_SUPERUSER
    }

    /// Every session variable as it is now, sorted by name.
    fn settings(&self) -> Vec<SettingView> {
        Vec::new()
    }

    /// The sessions of the server.
    fn sessions(&self) -> Vec<SessionRow> {
        Vec::new()
    }

    /// The large objects with their owners and lists, and the pages of all of them. An error's text is for SQLite only.
    fn large_objects(&self) -> Result<Vec<(Oid, Oid, Option<Acl>)>, String> {
        Ok(Vec::new())
    }

    fn large_object_pages(&self) -> Result<Vec<(Oid, i64, Vec<u8>)>, String> {
        Ok(Vec::new())
    }

    /// What statements took.
    fn statements(&self) -> Vec<StatementRow> {
        Vec::new()
    }

    /// How often the least used of them were forgotten, and when all were.
    fn statements_info(&self) -> (i64, i64) {
        (0, 0)
    }

    /// The locks of the server.
    fn locks(&self) -> Vec<LockRow> {
        Vec::new()
    }

    /// The session's cursors.
    fn cursors(&self) -> Vec<CursorRow> {
        Vec::new()
    }

    /// The session's prepared statements.
    fn prepared_statements(&self) -> Vec<PreparedRow> {
        Vec::new()
    }

    /// The states of the database that can be restored, oldest first. Unlike everything else this may wait; of an
    /// error, which the source keeps, this gives the text.
    fn versions(&self) -> Result<Arc<[VersionRow]>, String> {
        Ok(Arc::default())
    }

    /// How far the object store has the database.
    fn replication(&self) -> Option<ReplicationRow> {
        None
    }

    /// The last value a sequence gave; none if it has not been called yet.
    fn sequence_last_value(&self, sequence: Oid) -> Option<i64> {
        let _ = sequence;
        None
    }

    /// The columns of a view that can be written to; none of one that cannot be written to at all.
    fn updatable_columns(&self, view: &Relation) -> Option<Vec<i16>> {
        let _ = view;
        None
    }

    /// A view's query as pg_get_viewdef shows it on the session's search path.
    fn view_definition(&self, view: &Relation) -> Option<String> {
        view.view_definition()
    }

    /// What an index over an expression calls it, and its type with the modifier.
    fn describe_expression(&self, relation: &Relation, expression: &str) -> Option<(String, Oid, i32)> {
        let _ = (relation, expression);
        None
    }

    /// Whether a built-in function of that name can be called: pg_proc shows no others.
    fn has_function(&self, name: &str) -> bool;
}

/// The OID of the bootstrap superuser (pg_authid.dat).
pub const BOOTSTRAP_SUPERUSER: Oid = Oid::BOOTSTRAP_SUPERUSER;

/// A session (pg_stat_activity). Times are microseconds since 1970-01-01 UTC.
#[derive(Clone, Debug, Default)]
pub struct SessionRow {
    pub pid: i32,
    pub database: String,
    pub user: String,
    /// Who that is.
    pub role: Oid,
    pub application_name: String,
    pub client_addr: Option<std::net::SocketAddr>,
    pub backend_start: i64,
    pub xact_start: Option<i64>,
    pub query_start: Option<i64>,
    pub state_change: Option<i64>,
    /// wait_event_type and wait_event.
    pub wait: Option<(&'static str, &'static str)>,
    /// active, idle, idle in transaction, idle in transaction (aborted).
    pub state: &'static str,
    pub query: Arc<str>,
}

/// A lock held or awaited (pg_locks).
#[derive(Clone, Debug)]
pub struct LockRow {
    pub locktype: &'static str,
    pub database: Oid,
    /// A transaction's number.
    pub transaction: Option<i32>,
    /// classid, objid and objsubid.
    pub advisory: Option<(Oid, Oid, i16)>,
    pub pid: i32,
    pub mode: &'static str,
    pub granted: bool,
    pub wait_start: Option<i64>,
}

/// A prepared statement of the session (pg_prepared_statements).
#[derive(Clone, Debug, Default)]
pub struct PreparedRow {
    pub name: String,
    pub statement: Arc<str>,
    pub prepare_time: i64,
    pub parameter_types: Vec<Oid>,
    /// PREPARE, rather than the protocol's Parse.
    pub from_sql: bool,
}

/// A cursor of the session (pg_cursors).
#[derive(Clone, Debug, Default)]
pub struct CursorRow {
    pub name: String,
    pub statement: Arc<str>,
    pub holdable: bool,
    pub binary: bool,
    pub scrollable: bool,
    pub created: i64,
    /// It goes on after its transaction.
    pub held: bool,
    /// The tables whose rows it may be on.
    pub positions: Vec<CursorPosition>,
    /// It locks its rows.
    pub locks: bool,
}

/// Where a cursor is in a table that its query reads.
#[derive(Clone, Copy, Debug)]
pub struct CursorPosition {
    pub table: Oid,
    /// The row's number, and the table that it is in: this one, or one that inherits from it. None while it is on no row.
    pub row: Option<(Oid, i64)>,
}

/// A state that can be restored (pgserver.versions).
#[derive(Clone, Debug)]
pub struct VersionRow {
    pub sequence: i64,
    /// Microseconds since 1970-01-01 UTC.
    pub time: i64,
    pub bytes: i64,
    pub kind: &'static str,
    pub transactions: i64,
    pub changed_pages: i64,
    pub pages: Option<i64>,
}

/// What calls of a statement took (pg_stat_statements): milliseconds.
#[derive(Clone, Debug)]
pub struct StatementRow {
    pub user: Oid,
    pub database: Oid,
    pub queryid: i64,
    pub query: String,
    pub calls: i64,
    pub rows: i64,
    pub total: f64,
    pub min: f64,
    pub max: f64,
    pub mean: f64,
    pub deviation: f64,
}

/// A database and what has its latest state (pgserver.replication).
#[derive(Clone, Debug)]
pub struct ReplicationRow {
    pub database: String,
    /// local, or where the object store is.
    pub storage: String,
    pub sync: &'static str,
    pub standby: bool,
    pub sequence: Option<i64>,
    pub lag_bytes: Option<i64>,
    pub lag_seconds: Option<f64>,
    pub conflicts: i64,
    pub error: Option<String>,
}

/// A database's OID: fixed for those that PostgreSQL always has, else made from the name, so that every session and
/// every restart sees the same.
pub fn database_oid(name: &str) -> Oid {
    match name {
        "template1" => Oid(1),
        "template0" => Oid(4),
        "postgres" => Oid(5),
        // FNV-1a, folded into the range of user objects' OIDs and away from the first ones, which relations take.
        _ => {
            let hash = name.bytes().fold(0x811c_9dc5u32, |h, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193));
            Oid(0x4000_0000 | (hash & 0x3fff_ffff))
        }
    }
}
