//! What goes wrong with a database in an object store, in PostgreSQL's terms.
//!
//! Owns: [`error`]. Must not know: SQLite.

use crate::engine::databases::{already_exists, does_not_exist};
use crate::error::{Error, SqlState};
use crate::storage::log::fault::LogError;

/// What a client is told.
pub(crate) fn error(name: &str, location: &str, error: &LogError) -> Error {
    match error {
        LogError::NoSuchDatabase | LogError::Dropped => does_not_exist(name),
        LogError::Exists => already_exists(name),
        LogError::NotKept => does_not_exist(name)
            .with_detail("That version is not kept any more, or has never been.")
            .with_hint("The table pgserver.versions of the database shows those there are."),
        LogError::HasBranches(branches) => {
            Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, format!("database \"{name}\" has branches"))
                .with_detail(format!("Branches: {}.", branches.join(", ")))
        }
        LogError::Store(error) => {
            let message = format!("the object store {location} cannot be used: {error}");
            Error::new(SqlState::CONNECTION_FAILURE, message)
        }
        LogError::Local(error) => {
            Error::new(SqlState::IO_ERROR, format!("the working copy of database \"{name}\" cannot be used: {error}"))
        }
        damaged => Error::new(SqlState::DATA_CORRUPTED, format!("database \"{name}\": {damaged}")),
    }
}
