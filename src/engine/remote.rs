//! Databases whose durable place is an object store: the SQLite side of it.
//!
//! Owns: everything between SQLite's files and `storage::log`, one piece per file. Must not know: sessions' messages,
//! how an object store is reached. Specification: ARCHITECTURE.md, "Databases in an object store".

pub(crate) mod bare;
pub mod chain;
#[cfg(test)]
mod history_tests;
pub mod home;
mod linger;
pub(crate) mod pin;
mod publication;
pub(crate) mod replace;
#[cfg(test)]
mod replace_tests;
pub(crate) mod replica;
pub mod replication;
pub mod replicator;
#[cfg(test)]
mod replicator_tests;
pub(crate) mod snapshot;
pub(crate) mod version;

use std::time::Duration;

use crate::storage::log::changes::PART;
use crate::storage::log::manifest::DEFAULT_RETENTION_SECONDS;

/// How databases in an object store are served.
#[derive(Clone, Copy, Debug)]
pub struct RemoteOptions {
    /// How long a commit waits for the store before the client is told that its outcome is unknown.
    pub commit_timeout: Duration,
    /// How often others' commits are looked for.
    pub poll: Duration,
    /// Commits are acknowledged at once and appended together after this time; `None`: each waits for its append.
    pub interval: Option<Duration>,
    /// Nothing is written here, only followed.
    pub standby: bool,
    /// How long every state of a database stays restorable.
    pub retention: Duration,
    /// Bytes of pages up to which a batch of commits is held in memory and is one object in the store.
    pub part: usize,
}

impl Default for RemoteOptions {
    fn default() -> Self {
        RemoteOptions {
            commit_timeout: Duration::from_secs(30),
            poll: Duration::from_secs(1),
            interval: None,
            standby: false,
            retention: Duration::from_secs(DEFAULT_RETENTION_SECONDS),
            part: PART,
        }
    }
}
