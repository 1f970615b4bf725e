//! The object store's side of opening, making and removing databases, as calls that own what they need.
//!
//! Owns: what [`LogError`] means to clients. Must not know: SQLite.

use std::collections::BTreeSet;

use crate::engine::databases::{already_exists, does_not_exist};
use crate::error::{Error, SqlState};
use crate::storage::blob::{BlobError, BlobStore};
use crate::storage::log::fault::LogError;
use crate::storage::log::keys::database_of;

/// The databases in a store. Skips over what belongs to a database that is known already.
pub(crate) async fn names(store: &dyn BlobStore) -> Result<BTreeSet<String>, BlobError> {
    let (mut names, mut after) = (BTreeSet::new(), None::<String>);
    loop {
        let listing = store.list("", after.as_deref()).await?;
        names.extend(listing.keys.iter().filter_map(|listed| database_of(&listed.key)));
        let Some(last) = listing.keys.last().filter(|_| listing.more) else { return Ok(names) };
        // '0' comes after '/': everything below the folder is passed over.
        after = Some(match last.key.split_once(".pgs/") {
            Some((folder, _)) => format!("{folder}.pgs0"),
            None => last.key.clone(),
        });
    }
}

/// What a client is told.
pub(crate) fn error(name: &str, location: &str, error: &LogError) -> Error {
    match error {
        LogError::NoSuchDatabase | LogError::Dropped => does_not_exist(name),
        LogError::Exists => already_exists(name),
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
