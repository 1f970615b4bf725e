//! What can go wrong with a database in an object store.
//!
//! Owns: [`LogError`]. Must not know: SQLSTATEs (the engine maps).

use std::fmt;
use std::io;

use crate::storage::blob::{BlobError, BlobErrorKind};
use crate::storage::log::delta::DeltaError;

/// See the module.
#[derive(Debug)]
pub enum LogError {
    /// The store did not do what it was asked, after retries where they make sense.
    Store(BlobError),
    /// There is no database of that name in the store.
    NoSuchDatabase,
    /// There is one already.
    Exists,
    /// The database was dropped, or dropped and created anew, by another instance.
    Dropped,
    /// An object is not what it should be. Nothing is made of it: a restore that meets one fails.
    Damaged { key: String, what: String },
    /// The working copy is not what the log says it should be; it has to be fetched anew.
    Diverged(&'static str),
    /// A batch that SQLite cannot have written: there is a mistake, and nothing may be uploaded.
    Impossible(String),
    /// The state asked for is older than what is kept, or has never been.
    NotKept,
    /// Other databases are branches of this one, so it cannot be dropped.
    HasBranches(Vec<String>),
    /// Somebody else has written to the published file.
    ForeignFile,
    /// A local file.
    Local(io::Error),
}

/// What functions of `storage::log` return.
pub type Result<T, E = LogError> = std::result::Result<T, E>;

impl LogError {
    /// An object that is not what it should be.
    pub fn damaged(key: &str, what: impl fmt::Display) -> Self {
        LogError::Damaged { key: key.to_owned(), what: what.to_string() }
    }

    /// Whether it is the store that does not answer right now.
    pub fn is_retryable(&self) -> bool {
        matches!(self, LogError::Store(error) if error.is_retryable())
    }

    /// Whether an object was not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, LogError::Store(error) if error.kind == BlobErrorKind::NotFound)
    }
}

impl fmt::Display for LogError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogError::Store(error) => write!(out, "{error}"),
            LogError::NoSuchDatabase => out.write_str("the store has no database of that name"),
            LogError::Exists => out.write_str("the store already has a database of that name"),
            LogError::Dropped => out.write_str("the database has been dropped by another instance"),
            LogError::Damaged { key, what } => write!(out, "object \"{key}\" cannot be used: {what}"),
            LogError::Diverged(what) => write!(out, "the working copy is not what the log says: {what}"),
            LogError::Impossible(what) => write!(out, "a batch makes no sense: {what}"),
            LogError::NotKept => out.write_str("that state is not kept any more, or has never been"),
            LogError::HasBranches(names) => write!(out, "it has branches: {}", names.join(", ")),
            LogError::ForeignFile => out.write_str("the published file was changed by somebody else"),
            LogError::Local(error) => write!(out, "{error}"),
        }
    }
}

impl std::error::Error for LogError {}

impl From<BlobError> for LogError {
    fn from(error: BlobError) -> Self {
        LogError::Store(error)
    }
}

impl From<io::Error> for LogError {
    fn from(error: io::Error) -> Self {
        LogError::Local(error)
    }
}

impl From<DeltaError> for LogError {
    fn from(error: DeltaError) -> Self {
        LogError::Impossible(error.to_string())
    }
}
