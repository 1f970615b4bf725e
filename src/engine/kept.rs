//! What a session may know of how its database is kept: its versions and its replication.
//!
//! Owns: [`Kept`], [`Origin`]. Must not know: how it is shown (`catalog::tables::own`).

use std::fmt;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::runtime::Handle;

use crate::catalog::tables::source::{ReplicationRow, VersionRow};
use crate::engine::database::Database;
use crate::engine::progress::blocking;
use crate::engine::remote::chain;
use crate::error::{Error, Result};
use crate::storage::blob::BlobStore;
use crate::storage::log::delta::Sequence;
use crate::storage::log::versions::{self, Listing, Span, Version};

/// Versions that are listed at the most: an upper bound for the memory it takes.
pub(crate) const LISTED: usize = 10_000;

/// How long a waiting thread sleeps between two looks at whether its statement is to end.
const NAP: Duration = Duration::from_millis(10);

/// Where a database in an object store comes from.
pub(crate) struct Origin {
    pub(crate) store: Arc<dyn BlobStore>,
    /// What speaks with the store runs there.
    pub(crate) runtime: Handle,
    /// The database in the store: of a version, that whose version it is.
    pub(crate) database: String,
    /// SYNC.
    pub(crate) sync: &'static str,
    pub(crate) standby: bool,
    /// Of a version.
    pub(crate) sequence: Option<Sequence>,
}

/// A session's database, which it does not keep open.
#[derive(Clone, Default)]
pub struct Kept(Weak<Database>);

impl fmt::Debug for Kept {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Kept")
    }
}

impl Kept {
    /// How that database is kept.
    pub(crate) fn of(database: &Arc<Database>) -> Self {
        Kept(Arc::downgrade(database))
    }

    /// The newest versions, oldest first, and whether there are more; none for a database on the disk. Waits, giving
    /// its core of the runtime to other sessions, until `check` fails.
    pub(crate) fn versions(&self, check: impl Fn() -> Result<()>) -> Result<(Arc<[VersionRow]>, bool)> {
        let Some(database) = self.0.upgrade() else { return Ok((Arc::default(), false)) };
        let Some(origin) = database.origin() else { return Ok((Arc::default(), false)) };
        let listing = origin.list(check)?;
        Ok((listing.versions.iter().map(version_row).collect(), listing.more))
    }

    /// How far the store has the database's latest state.
    pub(crate) fn replication(&self, name: String) -> Option<ReplicationRow> {
        let database = self.0.upgrade()?;
        let Some(origin) = database.origin() else {
            return Some(ReplicationRow {
                database: name,
                storage: "local".to_owned(),
                sync: "commit",
                standby: false,
                sequence: Some(number(database.watermark().last_durable())),
                lag_bytes: None,
                lag_seconds: None,
                conflicts: 0,
                error: None,
            });
        };
        let state = database.replica().map(|replica| replica.replication()).unwrap_or_default();
        Some(ReplicationRow {
            database: name,
            storage: origin.store.location(),
            sync: origin.sync,
            standby: origin.standby,
            sequence: Some(number(origin.sequence.unwrap_or(state.sequence))),
            lag_bytes: Some(number(state.lag_bytes)),
            lag_seconds: Some(state.lag.as_secs_f64()),
            conflicts: number(state.conflicts),
            error: state.error,
        })
    }
}

impl Origin {
    fn list(&self, check: impl Fn() -> Result<()>) -> Result<Listing> {
        let (store, database) = (Arc::clone(&self.store), self.database.clone());
        let (sender, receiver) = sync_channel(1);
        let task = self.runtime.spawn(async move {
            let span = Span { limit: LISTED, ..Span::default() };
            // Nobody waits any more if this fails.
            let _ = sender.send(versions::versions(&store, &database, span).await);
        });
        let answer = blocking(|| {
            loop {
                match receiver.recv_timeout(NAP) {
                    Ok(answer) => return Ok(answer),
                    Err(RecvTimeoutError::Timeout) => check()?,
                    Err(error) => return Err(Error::internal(error)),
                }
            }
        });
        task.abort();
        answer?.map_err(|error| chain::error(&self.database, &self.store.location(), &error))
    }
}

fn version_row(version: &Version) -> VersionRow {
    VersionRow {
        sequence: number(version.sequence),
        time: number(version.commit.0),
        bytes: number(version.bytes),
        kind: version.kind.name(),
        transactions: version.transactions.into(),
        changed_pages: version.changed_pages.into(),
        pages: version.pages.map(i64::from),
    }
}

fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
