//! What SQL functions may know of the session that runs them, and other sessions of it.
//!
//! Owns: [`SessionContext`], shared by a session and the connection it has borrowed; [`Activity`], what
//! pg_stat_activity shows of it. Must not know: the wire.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicI32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::catalog::cluster::{ClusterChange, ClusterFacts};
use crate::catalog::schema::CatalogSnapshot;
use crate::catalog::tables::source::{CursorRow, PreparedRow, SessionRow};
use crate::engine::backends::Backends;
use crate::engine::cluster::Cluster;
use crate::engine::identity::KnownHolder;
use crate::engine::kept::Kept;
use crate::engine::large_objects::Descriptors;
use crate::engine::notifications::{Notifications, Pending};
use crate::engine::pool::Places;
use crate::engine::row_locks::RowLocks;
use crate::engine::sequences::CachedValues;
use crate::engine::tape::Tape;
use crate::error::Notice;
use crate::settings::Settings;
use crate::types::pg_type::Oid;

/// A session's state as SQL functions see and change it.
#[derive(Debug)]
pub struct SessionContext {
    pub settings: Settings,
    pub user: String,
    pub database: String,
    pub backend_pid: i32,
    /// The client's address, for inet_client_addr().
    pub client_address: Option<std::net::SocketAddr>,
    /// Where the client has reached the server, for inet_server_addr().
    pub server_address: Option<std::net::SocketAddr>,
    /// now(): start of the transaction, microseconds since 1970-01-01 UTC.
    pub transaction_start: i64,
    /// The start of the last transaction that was asked for its number.
    pub numbered_transaction: i64,
    /// statement_timestamp(), the same unit.
    pub statement_start: i64,
    pub activity: Activity,
    /// random()'s state after setseed().
    pub seeded: Option<[u64; 2]>,
    /// The catalog the running statement was planned against; virtual tables of pg_catalog read it.
    pub catalog: Arc<CatalogSnapshot>,
    /// currval() by sequence, and the sequence lastval() speaks of.
    pub sequence_values: HashMap<Oid, i64>,
    /// What the session has taken of sequences that have a CACHE.
    pub cached_values: HashMap<Oid, CachedValues>,
    pub last_sequence: Option<Oid>,
    /// Notices raised while the statement runs, sent before CommandComplete.
    pub notices: Vec<Notice>,
    /// The named prepared statements.
    pub prepared: BTreeMap<String, PreparedRow>,
    /// The named cursors and portals, as of the statement that runs.
    pub cursors: Vec<CursorRow>,
    /// How many savepoints are open.
    pub depth: usize,
    /// The transaction has taken advisory locks that end with it.
    pub locks_in_transaction: bool,
    /// The large objects that the transaction has opened.
    pub large_objects: Descriptors,
    /// What functions have given the transaction.
    pub tape: Tape,
    /// What the transaction is to say when it commits, and those who hear it.
    pub pending: Pending,
    pub notifications: Arc<Notifications>,
    /// The process id of the session that writes to the database now; 0 for none.
    pub writer: Arc<AtomicI32>,
    /// The places in the database's pool, of which a running statement has one.
    pub places: Arc<Places>,
    /// The row locks of the database.
    pub row_locks: Arc<RowLocks>,
    /// All sessions of the server.
    pub backends: Arc<Backends>,
    /// How the database is kept.
    pub kept: Kept,
    /// The database only follows what others commit.
    pub in_recovery: bool,
    /// What all databases of the server share.
    pub cluster: Cluster,
    /// What the transaction is to change of it when it commits, each with the number of savepoints that were open.
    pub cluster_changes: Vec<(usize, ClusterChange)>,
    /// What the bootstrap superuser is called.
    pub superuser_name: Arc<str>,
    /// Who has logged in, and whether that was a superuser then.
    pub authenticated: Oid,
    pub authenticated_superuser: bool,
    pub known_holder: Option<KnownHolder>,
}

/// Shared between a session and its connection; locked only for the length of one function call.
pub type SharedContext = Arc<Mutex<SessionContext>>;

impl SessionContext {
    /// Of a session that has not done anything, alone on its server.
    pub fn new(settings: Settings, user: &str, database: &str, catalog: Arc<CatalogSnapshot>) -> Self {
        SessionContext {
            settings,
            user: user.to_owned(),
            database: database.to_owned(),
            backend_pid: 0,
            client_address: None,
            server_address: None,
            transaction_start: 0,
            numbered_transaction: 0,
            statement_start: 0,
            activity: Activity::default(),
            seeded: None,
            catalog,
            sequence_values: HashMap::new(),
            cached_values: HashMap::new(),
            last_sequence: None,
            notices: Vec::new(),
            prepared: BTreeMap::new(),
            cursors: Vec::new(),
            depth: 0,
            locks_in_transaction: false,
            large_objects: Descriptors::default(),
            tape: Tape::default(),
            pending: Pending::default(),
            notifications: Arc::default(),
            writer: Arc::default(),
            places: Arc::default(),
            row_locks: Arc::default(),
            backends: Arc::default(),
            kept: Kept::default(),
            in_recovery: false,
            cluster: Cluster::default(),
            cluster_changes: Vec::new(),
            superuser_name: user.into(),
            authenticated: Oid::BOOTSTRAP_SUPERUSER,
            authenticated_superuser: true,
            known_holder: None,
        }
    }

    /// What all databases share, as the open transaction has changed it.
    pub fn cluster_facts(&self) -> Arc<ClusterFacts> {
        let facts = self.cluster.facts();
        if self.cluster_changes.is_empty() {
            return facts;
        }
        let mut facts = ClusterFacts::clone(&facts);
        self.cluster_changes.iter().for_each(|(_, change)| facts.apply(change));
        Arc::new(facts)
    }
}

/// What a session is doing (monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW). Times are microseconds since
/// 1970-01-01 UTC; a statement's and its transaction's starts are the context's.
#[derive(Debug, Default)]
pub struct Activity {
    pub state: ActivityState,
    /// The query string that runs or has run last.
    pub query: Option<Arc<str>>,
    pub started: i64,
    /// When it became idle; while it is active that is when the statement began.
    pub idle_since: i64,
    pub wait: Option<Wait>,
    pub wait_start: i64,
}

/// pg_stat_activity.state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ActivityState {
    #[default]
    Idle,
    Active,
    InTransaction,
    Failed,
}

/// What a statement waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Its turn to write.
    WriteTicket,
    AdvisoryLock,
    /// A row that another transaction has.
    Row,
    /// The object store's answer.
    Store,
    /// pg_sleep()
    Sleep,
}

impl Wait {
    /// pg_stat_activity's wait_event_type and wait_event.
    fn event(self) -> (&'static str, &'static str) {
        match self {
            Wait::WriteTicket => ("Lock", "transactionid"),
            Wait::AdvisoryLock => ("Lock", "advisory"),
            Wait::Row => ("Lock", "transactionid"),
            Wait::Store => ("IO", "ObjectStore"),
            Wait::Sleep => ("Timeout", "PgSleep"),
        }
    }
}

impl Activity {
    /// The row of pg_stat_activity.
    pub(crate) fn row(&self, session: &SessionContext) -> SessionRow {
        let (active, known) = (self.state == ActivityState::Active, |time: i64| (time != 0).then_some(time));
        SessionRow {
            pid: session.backend_pid,
            database: session.database.clone(),
            user: session.user.clone(),
            role: session.authenticated,
            application_name: session.settings.current("application_name").unwrap_or_default(),
            client_addr: session.client_address,
            backend_start: self.started,
            xact_start: matches!(self.state, ActivityState::Active | ActivityState::InTransaction)
                .then_some(session.transaction_start),
            query_start: known(session.statement_start),
            state_change: known(if active { session.statement_start } else { self.idle_since }),
            wait: if active { self.wait.map(Wait::event) } else { Some(("Client", "ClientRead")) },
            state: match self.state {
                ActivityState::Idle => "idle",
                ActivityState::Active => "active",
                ActivityState::InTransaction => "idle in transaction",
                ActivityState::Failed => "idle in transaction (aborted)",
            },
            query: self.query.clone().unwrap_or_default(),
        }
    }
}

/// Others see that the session waits as long as this lives.
pub(crate) struct Waiting(SharedContext);

impl Waiting {
    /// From now on.
    pub(crate) fn new(context: &SharedContext, wait: Wait) -> Self {
        {
            let activity = &mut lock(context).activity;
            activity.wait = Some(wait);
            activity.wait_start = now();
        }
        Waiting(Arc::clone(context))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        lock(&self.0).activity.wait = None;
    }
}

/// A panic while the lock was held ended that session; the data are plain values.
fn lock(context: &SharedContext) -> MutexGuard<'_, SessionContext> {
    context.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Microseconds since 1970-01-01 UTC.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
