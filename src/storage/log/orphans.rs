//! Objects that nothing names: of uploads that were never named, of batches that came to nothing, of databases before.
//!
//! Owns: which objects those are ([`may_be_named`], [`is_forgotten`]), deleting them. Must not know: when.
//!
//! An upload cannot be told from one that somebody is about to name. So whoever uploads names the object within ten
//! minutes or not at all, by both of its clocks, and what nobody has named is deleted after a day, by the store's clock:
//! far enough apart for clocks that run differently and for a request that is long under way. The age of parts does not
//! matter: they are known by the number in their keys.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use crate::storage::log::clock::Moment;
use crate::storage::log::delta::{Id, Sequence};
use crate::storage::log::dropping;
use crate::storage::log::fault::Result;
use crate::storage::log::manifest::Manifest;
use crate::storage::log::pace;
use crate::storage::log::retry::patiently;
use crate::storage::log::upkeep::Upkeep;

/// Whether an object may be named now whose upload had ended then.
pub(super) fn may_be_named(now: Moment, uploaded: Moment) -> bool {
    let limit = pace::proof_holds();
    let by_boot = match (now.since_boot, uploaded.since_boot) {
        (Some(now), Some(then)) => now.checked_sub(then).is_some_and(|passed| passed < limit),
        _ => true,
    };
    // A wall clock that was set back says nothing.
    by_boot && now.wall.duration_since(uploaded.wall).is_ok_and(|passed| passed < limit)
}

/// Whether an object that no manifest names will not be named any more, by the store's clock.
pub(super) fn is_forgotten(now: SystemTime, written: SystemTime, after: Duration) -> bool {
    now.duration_since(written).is_ok_and(|age| age >= after)
}

impl Upkeep {
    /// Deletes what nothing names.
    pub(super) async fn delete_orphans(&self) -> Result<u32> {
        let (keys, incarnation) = (&self.to.keys, self.to.incarnation);
        let mut deleted = self.delete_left_parts().await?;
        for folder in ["base/", "seg/", "fork/"] {
            let prefix = format!("{}{folder}", keys.incarnation(incarnation));
            deleted += self.delete_forgotten(&prefix).await?;
        }
        dropping::remove_remains(&self.to.store, keys, incarnation).await?;
        Ok(deleted)
    }

    async fn delete_forgotten(&self, prefix: &str) -> Result<u32> {
        let (mut after, mut deleted) = (None::<String>, 0);
        loop {
            let listing = patiently(|| self.to.store.list(prefix, after.as_deref())).await?;
            // Read after the listing: what was named before it is known.
            let current = self.read().await?;
            let named = named(&current.manifest);
            let retention = Duration::from_secs(current.manifest.retention_seconds).max(pace::forgotten());
            for listed in listing.keys.iter().filter(|listed| !named.contains(listed.key.as_str())) {
                // A fork is never named; it is kept as long as the states it could have been.
                let limit = if prefix.ends_with("fork/") { retention } else { pace::forgotten() };
                if is_forgotten(current.store_time, listed.last_modified, limit) {
                    patiently(|| self.to.store.delete(&listed.key)).await?;
                    deleted += 1;
                }
            }
            after = listing.keys.last().map(|listed| listed.key.clone());
            if !listing.more || after.is_none() {
                return Ok(deleted);
            }
        }
    }

    /// Deletes parts of batches that came to nothing: another delta of their number is in a segment.
    async fn delete_left_parts(&self) -> Result<u32> {
        let (keys, incarnation) = (&self.to.keys, self.to.incarnation);
        // Read before the listing: what is folded stays folded.
        let manifest = self.read().await?.manifest;
        let segments = manifest.segs.iter().flat_map(|segment| &segment.in_parts);
        let named = segments.chain(manifest.trash.iter().flat_map(|trash| &trash.in_parts));
        let named: BTreeSet<(Sequence, Id)> = named.map(|parts| (parts.seq, parts.nonce)).collect();
        let (prefix, folded) = (keys.parts(incarnation), manifest.folded());
        let (mut after, mut deleted) = (None::<String>, 0);
        loop {
            let listing = patiently(|| self.to.store.list(&prefix, after.as_deref())).await?;
            for listed in &listing.keys {
                let batch = keys.of_part(incarnation, &listed.key);
                if batch.is_some_and(|batch| batch.0 <= folded && !named.contains(&batch)) {
                    patiently(|| self.to.store.delete(&listed.key)).await?;
                    deleted += 1;
                }
            }
            after = listing.keys.last().map(|listed| listed.key.clone());
            let last = after.as_ref().and_then(|key| keys.of_part(incarnation, key));
            if !listing.more || after.is_none() || last.is_some_and(|(sequence, _)| sequence > folded) {
                return Ok(deleted);
            }
        }
    }
}

/// The objects that a manifest names.
fn named(manifest: &Manifest) -> BTreeSet<&str> {
    let bases = manifest.bases.iter().map(|base| base.key.as_str());
    let segments = manifest.segs.iter().map(|segment| segment.key.as_str());
    bases.chain(segments).chain(manifest.trash.iter().map(|trash| trash.key.as_str())).collect()
}

#[cfg(test)]
#[path = "orphans_tests.rs"]
mod tests;
