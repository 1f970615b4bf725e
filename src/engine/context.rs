//! What SQL functions may know of the session that runs them.
//!
//! Owns: [`SessionContext`], shared by a session and the connection it has borrowed. Must not know: the wire.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::catalog::schema::CatalogSnapshot;
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
    /// now(): start of the transaction, microseconds since 1970-01-01 UTC.
    pub transaction_start: i64,
    /// statement_timestamp(), the same unit.
    pub statement_start: i64,
    /// The catalog the running statement was planned against; virtual tables of pg_catalog read it.
    pub catalog: Arc<CatalogSnapshot>,
    /// currval() by sequence, and the sequence lastval() speaks of.
    pub sequence_values: HashMap<Oid, i64>,
    pub last_sequence: Option<Oid>,
    /// Notices raised while the statement runs, sent before CommandComplete.
    pub notices: Vec<Notice>,
}

/// Shared between a session and its connection; locked only for the length of one function call.
pub type SharedContext = Arc<Mutex<SessionContext>>;
