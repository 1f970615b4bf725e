//! The states of a database that can be restored, and databases that begin with one of them.
//!
//! Owns: [`versions`], [`branch`], [`databases`], [`set_retention`]. Must not know: working copies.

use std::sync::Arc;
use std::time::Duration;

use crate::storage::blob::{BlobErrorKind, BlobStore};
use crate::storage::log::append_io::Destination;
use crate::storage::log::chain::Options;
use crate::storage::log::delta::{self, Sequence};
use crate::storage::log::fault::{LogError, Result};
use crate::storage::log::fetch::{self, Ahead};
use crate::storage::log::hlc::Timestamp;
use crate::storage::log::keys::{Keys, database_of};
use crate::storage::log::manifest::{self, Current, Manifest, Parent, Pin};
use crate::storage::log::restore::Target;
use crate::storage::log::retry::patiently;
use crate::storage::log::upkeep::release_pin;

/// A state that can be restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    pub sequence: Sequence,
    /// The time of its last commit.
    pub commit: Timestamp,
    /// Transactions that made it of the version before.
    pub transactions: u32,
    /// Pages that they changed.
    pub changed_pages: u32,
    /// Pages of the database.
    pub pages: u32,
    pub post_checksum: u64,
}

const AHEAD: usize = 16;

/// Every state after `after` that can be restored, oldest first. The state that the oldest base has is not among them
/// when it is the one the log begins with, since no commit made it.
pub async fn versions(store: &Arc<dyn BlobStore>, database: &str, after: Sequence) -> Result<Vec<Version>> {
    let keys = Keys::of(database);
    let manifest = manifest::read(store, &keys).await?.manifest;
    list(store, &keys, &manifest, after).await
}

async fn list(store: &Arc<dyn BlobStore>, keys: &Keys, manifest: &Manifest, after: Sequence) -> Result<Vec<Version>> {
    let begin = match (&manifest.parent, manifest.bases.first()) {
        (Some(parent), _) => parent.seq,
        (None, base) => base.map_or(0, |base| base.seq),
    };
    let after = after.max(begin);
    let mut versions = Vec::new();
    for segment in manifest.segs.iter().filter(|segment| segment.to > after) {
        let mut bytes = fetch::whole(store, (&segment.key, segment.size), segment.blake3).await?;
        while !bytes.is_empty() {
            let (delta, length) = delta::decode_first(&bytes).map_err(|what| LogError::damaged(&segment.key, what))?;
            bytes = bytes.slice(length..);
            versions.push(Version::of(&delta.header));
        }
    }
    let (mut ahead, mut asked) = (Ahead::new(store), manifest.folded().max(after));
    loop {
        while ahead.len() < AHEAD {
            asked += 1;
            ahead.ask(keys.delta(manifest.incarnation, asked), None);
        }
        let object = match ahead.answer().await {
            Some(Err(error)) if error.kind == BlobErrorKind::NotFound => break,
            None => break,
            Some(answer) => answer?,
        };
        let key = keys.deltas(manifest.incarnation);
        let delta = delta::decode(&object).map_err(|what| LogError::damaged(&key, what))?;
        versions.push(Version::of(&delta.header));
    }
    versions.retain(|version| version.sequence > after);
    Ok(versions)
}

impl Version {
    fn of(header: &delta::Header) -> Self {
        Version {
            sequence: header.sequence,
            commit: header.last_commit,
            transactions: header.transactions,
            changed_pages: header.pages,
            pages: header.pages_after,
            post_checksum: header.post_checksum,
        }
    }
}

/// Creates a database that begins with a state of another one. Nothing is copied: the other one keeps what it takes to
/// restore that state.
pub async fn branch(options: &Options, database: &str, target: Target, new: &str) -> Result<Sequence> {
    let (store, keys, child) = (&options.store, Keys::of(database), Keys::of(new));
    match manifest::read(store, &child).await {
        Err(LogError::NoSuchDatabase) => {}
        Err(error) => return Err(error),
        Ok(_) => return Err(LogError::Exists),
    }
    let manifest = manifest::read(store, &keys).await?.manifest;
    let parent = find(store, &keys, &manifest, database, target).await?;
    let pin = Pin { branch: new.to_owned(), seq: parent.seq };
    manifest::update(store, &keys, (manifest.incarnation, options.writer), |manifest, _| {
        // Since the manifest was read above the state may have been let go.
        let is_kept = manifest.bases.first().is_some_and(|base| base.seq <= pin.seq) || manifest.parent.is_some();
        if !is_kept {
            return Err(LogError::NotKept);
        }
        let is_new = !manifest.pins.contains(&pin);
        if is_new {
            manifest.pins.push(pin.clone());
        }
        Ok(is_new)
    })
    .await?;
    let seq = parent.seq;
    let mut begun = Manifest::new(manifest.page_size, options.writer);
    (begun.floor, begun.swept, begun.retention_seconds) = (seq, seq, manifest.retention_seconds);
    begun.parent = Some(parent.clone());
    let to = Destination {
        store: Arc::clone(store),
        keys: child.clone(),
        incarnation: begun.incarnation,
        clock: Arc::clone(&options.clock),
    };
    match manifest::create(store, &child, begun).await {
        Err(LogError::Exists) => {
            release_pin(&to, options.writer, &parent).await?;
            Err(LogError::Exists)
        }
        result => result.map(|_| seq),
    }
}

/// The state that is meant, as the parent of a branch.
async fn find(
    store: &Arc<dyn BlobStore>,
    keys: &Keys,
    manifest: &Manifest,
    database: &str,
    target: Target,
) -> Result<Parent> {
    let is_meant = |sequence: Sequence, commit: Timestamp| match target {
        Target::Latest => true,
        Target::Sequence(wanted) => sequence <= wanted,
        Target::Time(time) => commit <= Timestamp::of(time),
    };
    let base = manifest.bases.iter().rev().find(|base| is_meant(base.seq, base.hlc));
    let begin = match (base, &manifest.parent) {
        (Some(base), _) => Some((base.seq, base.post_checksum)),
        // A branch of a branch may begin with the very state its parent began with.
        (None, Some(parent)) => Some((parent.seq, parent.post_checksum)),
        (None, None) => None,
    };
    let begin = begin.ok_or(LogError::NotKept)?;
    let later = list(store, keys, manifest, begin.0).await?;
    let found = later.iter().rev().find(|version| is_meant(version.sequence, version.commit));
    let (seq, post_checksum) = found.map_or(begin, |version| (version.sequence, version.post_checksum));
    if matches!(target, Target::Sequence(wanted) if wanted != seq) {
        return Err(LogError::NotKept);
    }
    Ok(Parent { database: database.to_owned(), incarnation: manifest.incarnation, seq, post_checksum })
}

/// How long every state is kept from now on.
pub async fn set_retention(options: &Options, database: &str, retention: Duration) -> Result<()> {
    let keys = Keys::of(database);
    let incarnation = manifest::read(&options.store, &keys).await?.manifest.incarnation;
    let Current { .. } = manifest::update(&options.store, &keys, (incarnation, options.writer), |manifest, _| {
        let is_new = manifest.retention_seconds != retention.as_secs();
        manifest.retention_seconds = retention.as_secs();
        Ok(is_new)
    })
    .await?;
    Ok(())
}

/// The names of all databases in the store, in byte order of their keys. A plain file that could be adopted counts.
pub async fn databases(store: &Arc<dyn BlobStore>) -> Result<Vec<String>> {
    let mut names = std::collections::BTreeSet::new();
    let mut after: Option<String> = None;
    loop {
        let listing = patiently(|| store.list("", after.as_deref())).await?;
        let last = listing.keys.last().map(|listed| listed.key.clone());
        let mut skip = None;
        for listed in listing.keys {
            let is_one = listed.key.ends_with(".pgs/manifest.json") || !listed.key.contains('/');
            if let Some(name) = database_of(&listed.key).filter(|_| is_one) {
                names.insert(name);
            }
            // Of a database's folder only the manifest matters.
            skip = listed.key.split_once(".pgs/").map(|(name, _)| format!("{name}.pgs/manifest.json"));
        }
        after = match (last, skip) {
            (Some(last), Some(skip)) if last < skip => Some(before(&skip)),
            (last, _) => last,
        };
        if !listing.more || after.is_none() {
            return Ok(names.into_iter().collect());
        }
    }
}

/// A key that comes before this one and after everything else that a database's folder has before it.
fn before(manifest: &str) -> String {
    manifest.trim_end_matches(".json").to_owned()
}

#[cfg(test)]
#[path = "versions_tests.rs"]
mod tests;
