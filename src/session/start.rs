//! What a session starts with, once its client is known.
//!
//! Owns: [`SessionStart`], [`SessionOptions`]: the seam between the network and the session.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::engine::backends::Backends;
use crate::engine::database::Database;
use crate::engine::databases::Databases;
use crate::protocol::conn::FramedConn;
use crate::sql::plan::BeginMode;
use crate::types::pg_type::Oid;

/// A connection that has passed start-up and authentication (AuthenticationOk is in its output buffer).
pub struct SessionStart {
    pub conn: FramedConn,
    pub user: String,
    /// Which role that is.
    pub role: Oid,
    pub database: Arc<Database>,
    pub database_name: String,
    /// For CREATE and DROP DATABASE.
    pub databases: Arc<Databases>,
    /// The start-up packet's parameters except user, database and replication: session variables and `options`.
    pub parameters: Vec<(String, String)>,
    pub client_address: SocketAddr,
    /// Where the client has reached the server.
    pub server_address: Option<SocketAddr>,
    pub backends: Arc<Backends>,
    /// Becomes true when the server is stopping: an idle session ends with 57P01, a running statement may finish.
    pub stopping: watch::Receiver<bool>,
    pub options: Arc<SessionOptions>,
}

/// What the operator has decided about sessions.
#[derive(Clone, Debug)]
pub struct SessionOptions {
    /// What `server_version` says.
    pub server_version: String,
    /// What a plain BEGIN is in SQLite's terms.
    pub begin: BeginMode,
    /// Statements that take longer are logged.
    pub slow_query: Duration,
    /// How long a session may idle in a transaction that holds the write ticket, unless
    /// `idle_in_transaction_session_timeout` says otherwise.
    pub idle_writer_timeout: Duration,
    /// How long a client may take nothing of what is sent to it.
    pub client_write_timeout: Option<Duration>,
}

impl Default for SessionOptions {
    fn default() -> Self {
        SessionOptions {
            server_version: "13.0".to_owned(),
            begin: BeginMode::Deferred,
            slow_query: Duration::from_millis(100),
            idle_writer_timeout: Duration::from_secs(30),
            client_write_timeout: Some(Duration::from_secs(600)),
        }
    }
}
