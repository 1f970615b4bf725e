//! Ending a database in steps, each of which whoever finds it can take up.
//!
//! Owns: [`mark`], [`finish`]. Must not know: how the last delta is written (`log::chain`).
//!
//! | step | whoever comes after it finds |
//! |---|---|
//! | the manifest says `begun`, by compare-and-swap, if no branch lives | a database that cannot be opened: opening it goes on from here |
//! | the last delta, of no pages | whoever still appends learns of it |
//! | the manifest says `ended` | nothing of the log is needed any more |
//! | the plain file and the objects are deleted, the parent's pin is released | |
//! | a tombstone takes the manifest's place | no database; what is published late is not taken for one |
//!
//! Every change of a manifest goes through `manifest::update`, which refuses one that is being dropped: so nothing is
//! pinned, published or folded after the first step. A branch is created before it is pinned, so a pin whose branch is not
//! there is left over and stands in nobody's way.

use std::sync::Arc;
use std::time::SystemTime;

use crate::storage::blob::BlobStore;
use crate::storage::kill_point;
use crate::storage::log::append_io::Destination;
use crate::storage::log::delta::Id;
use crate::storage::log::fault::{LogError, Result};
use crate::storage::log::keys::{Keys, database_of};
use crate::storage::log::manifest::{self, Dropping, Manifest, Pin};
use crate::storage::log::pace;
use crate::storage::log::retry::patiently;
use crate::storage::log::upkeep::release_pin;

/// Begins to drop the database, or finds that this has been begun. An error if a branch needs it.
pub async fn mark(to: &Destination, writer: Id) -> Result<()> {
    loop {
        let known = manifest::read_any(&to.store, &to.keys).await?.manifest;
        if known.incarnation != to.incarnation {
            return Err(LogError::Dropped);
        }
        let mut branches = Vec::new();
        for pin in &known.pins {
            if is_live(&to.store, &known, &to.keys, pin).await? {
                branches.push(pin.branch.clone());
            }
        }
        if !branches.is_empty() {
            return Err(LogError::HasBranches(branches));
        }
        let marked = manifest::update_any(&to.store, &to.keys, (to.incarnation, writer), |manifest, _| {
            let begins = manifest.dropping.is_none() && manifest.pins == known.pins;
            if begins {
                (manifest.dropping, manifest.pins) = (Some(Dropping::Begun), Vec::new());
            }
            Ok(begins)
        });
        if marked.await?.manifest.dropping.is_some() {
            kill_point::reached("a drop is begun");
            return Ok(());
        }
        // Somebody has branched off meanwhile.
    }
}

/// Whether the branch that the pin is for is there and still begins with that state.
async fn is_live(store: &Arc<dyn BlobStore>, parent: &Manifest, keys: &Keys, pin: &Pin) -> Result<bool> {
    let child = match manifest::read_any(store, &Keys::of(&pin.branch)).await {
        Ok(current) => current.manifest,
        Err(LogError::NoSuchDatabase) => return Ok(false),
        Err(error) => return Err(error),
    };
    let is_same = pin.child.is_none_or(|child_of| child_of == child.incarnation);
    let begins_here = child
        .parent
        .as_ref()
        .is_some_and(|of| of.incarnation == parent.incarnation && Keys::of(&of.database) == *keys && of.seq == pin.seq);
    Ok(is_same && begins_here && child.dropping != Some(Dropping::Ended))
}

/// Removes what the store has of a database whose last delta is written, or that nobody can open.
pub async fn finish(to: &Destination, writer: Id) -> Result<()> {
    kill_point::reached("a database's last delta is written");
    let ended = manifest::update_any(&to.store, &to.keys, (to.incarnation, writer), |manifest, _| {
        let ends = manifest.dropping != Some(Dropping::Ended);
        manifest.dropping = Some(Dropping::Ended);
        Ok(ends)
    });
    let manifest = match ended.await {
        Ok(current) => current.manifest,
        // Somebody else has finished.
        Err(LogError::NoSuchDatabase | LogError::Dropped) => return Ok(()),
        Err(error) => return Err(error),
    };
    kill_point::reached("a drop has ended");
    let file = to.keys.file();
    patiently(|| to.store.delete(&file)).await?;
    kill_point::reached("a published file is deleted");
    let prefix = to.keys.incarnation(to.incarnation);
    // Deltas younger than an hour stay, so that no instance that has not heard of it writes in their place and takes
    // that for a success.
    remove(&to.store, &prefix, |key, is_settled| is_settled || !key.contains("/log/")).await?;
    kill_point::reached("a dropped database's objects are deleted");
    if let Some(parent) = &manifest.parent {
        release_pin(to, writer, parent).await?;
    }
    kill_point::reached("a dropped branch's pin is released");
    manifest::bury(&to.store, &to.keys, (to.incarnation, writer)).await?;
    kill_point::reached("a manifest is a tombstone");
    Ok(())
}

/// Deletes what earlier databases of the name have left. What is younger than an hour may be somebody's who is creating
/// the database at this moment.
pub async fn remove_remains(store: &Arc<dyn BlobStore>, keys: &Keys, current: Id) -> Result<()> {
    let (manifest, mine) = (keys.manifest(), keys.incarnation(current));
    let is_theirs = |key: &str| key != manifest && !key.starts_with(&mine);
    remove(store, &keys.folder(), |key, is_settled| is_settled && is_theirs(key)).await
}

/// Deletes the objects whose keys begin so and of which `which` says so; it is told whether an hour has passed since
/// they were written, by the store's clock.
async fn remove(store: &Arc<dyn BlobStore>, prefix: &str, which: impl Fn(&str, bool) -> bool) -> Result<()> {
    let (mut after, mut store_time): (Option<String>, Option<SystemTime>) = (None, None);
    loop {
        let listing = patiently(|| store.list(prefix, after.as_deref())).await?;
        for listed in &listing.keys {
            if store_time.is_none() {
                store_time = patiently(|| store.head(&listed.key)).await.ok().map(|info| info.store_time);
            }
            let age = store_time.and_then(|now| now.duration_since(listed.last_modified).ok());
            if which(&listed.key, age.is_some_and(|age| age >= pace::settled())) {
                patiently(|| store.delete(&listed.key)).await?;
            }
        }
        after = listing.keys.last().map(|listed| listed.key.clone());
        if !listing.more || after.is_none() {
            return Ok(());
        }
    }
}

/// A branch that was created is pinned in its parent, by whoever comes first; without its pin it may not be used. If the
/// state is not there any more, the branch is not either.
pub async fn pin(to: &Destination, writer: Id, child: &Manifest) -> Result<()> {
    let (Some(parent), Some(name)) = (&child.parent, database_of(&to.keys.manifest())) else { return Ok(()) };
    let pin = Pin { branch: name, seq: parent.seq, child: Some(child.incarnation) };
    let keys = Keys::of(&parent.database);
    let pinned = manifest::update(&to.store, &keys, (parent.incarnation, writer), |manifest, _| {
        if manifest.pins.contains(&pin) {
            return Ok(false);
        }
        // Since it was looked for the state may have been let go.
        let is_kept = manifest.bases.first().is_some_and(|base| base.seq <= pin.seq) || manifest.parent.is_some();
        if !is_kept {
            return Err(LogError::NotKept);
        }
        manifest.pins.push(pin.clone());
        Ok(true)
    });
    match pinned.await {
        Ok(_) => Ok(()),
        Err(error @ (LogError::NotKept | LogError::Dropped | LogError::NoSuchDatabase)) => {
            manifest::bury(&to.store, &to.keys, (child.incarnation, writer)).await?;
            Err(error)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
#[path = "dropping_tests.rs"]
mod tests;
