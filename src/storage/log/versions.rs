//! The states of a database that can be restored, and databases that begin with one of them.
//!
//! Owns: [`versions`], [`find`], [`branch`], [`databases`], [`set_retention`]. Must not know: working copies.

use std::sync::Arc;
use std::time::Duration;

use crate::storage::blob::{BlobErrorKind, BlobStore};
use crate::storage::log::append_io::Destination;
use crate::storage::log::chain::Options;
use crate::storage::log::delta::{self, Delta, Id, Sequence};
use crate::storage::log::dropping;
use crate::storage::log::fault::{LogError, Result};
use crate::storage::log::fetch::{self, Ahead};
use crate::storage::log::hlc::Timestamp;
use crate::storage::log::in_parts::InParts;
use crate::storage::log::keys::{Keys, database_of};
use crate::storage::log::manifest::{self, Base, Current, Manifest, Parent, Segment, TOMBSTONE_SIZE};
use crate::storage::log::restore::{self, Target};
use crate::storage::log::retry::patiently;

/// A state that can be restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    pub sequence: Sequence,
    /// The time of its last commit.
    pub commit: Timestamp,
    pub kind: Kind,
    /// Of the delta that made it, or of the base where it begins the log.
    pub bytes: u64,
    /// Transactions that made it of the version before; none where the log begins with it.
    pub transactions: u32,
    /// Pages that they changed.
    pub changed_pages: u32,
    /// Pages of the database; not known of a state that the log begins with and that has no successor yet.
    pub pages: Option<u32>,
    pub post_checksum: u64,
}

/// Where a state is to be had from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// There is a whole file of it.
    Base,
    /// It is the state of another database with which this one begins.
    Branch,
    /// Its delta is in a segment.
    Segment,
    /// Its delta is an object of its own.
    Delta,
}

impl Kind {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Base => "base",
            Kind::Branch => "branch",
            Kind::Segment => "segment",
            Kind::Delta => "delta",
        }
    }
}

/// Which versions are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// That one and those after it.
    pub from: Sequence,
    /// Those that were committed then or later.
    pub since: Timestamp,
    /// At most so many, the newest ones.
    pub limit: usize,
}

impl Default for Span {
    /// All of them.
    fn default() -> Self {
        Span { from: 0, since: Timestamp::default(), limit: usize::MAX }
    }
}

impl Span {
    fn contains(&self, version: &Version) -> bool {
        version.sequence >= self.from && version.commit >= self.since
    }
}

/// Some versions of a database.
#[derive(Clone, Debug)]
pub struct Listing {
    /// Oldest first.
    pub versions: Vec<Version>,
    pub page_size: u32,
    /// The limit kept others that were wanted from being listed.
    pub more: bool,
}

/// A version that was looked for.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    pub incarnation: Id,
    pub version: Version,
}

const AHEAD: usize = 16;

/// The states that can be restored.
pub async fn versions(store: &Arc<dyn BlobStore>, database: &str, span: Span) -> Result<Listing> {
    let keys = Keys::of(database);
    let (mut manifest, mut plans) = (manifest::read(store, &keys).await?.manifest, 1);
    loop {
        match list(store, &keys, &manifest, span).await {
            Err(error) if restore::may_plan_again(&error, plans) => {
                manifest = restore::plan_again(store, &keys, &manifest, error).await?;
                plans += 1;
            }
            result => return result,
        }
    }
}

/// The state that is meant.
pub async fn find(store: &Arc<dyn BlobStore>, database: &str, target: Target) -> Result<Found> {
    let keys = Keys::of(database);
    let (mut manifest, mut plans) = (manifest::read(store, &keys).await?.manifest, 1);
    loop {
        match find_in(store, &keys, &manifest, target).await {
            Err(error) if restore::may_plan_again(&error, plans) => {
                manifest = restore::plan_again(store, &keys, &manifest, error).await?;
                plans += 1;
            }
            result => return result.map(|version| Found { incarnation: manifest.incarnation, version }),
        }
    }
}

/// From the end of the log backwards, as far as is wanted.
async fn list(store: &Arc<dyn BlobStore>, keys: &Keys, manifest: &Manifest, span: Span) -> Result<Listing> {
    let starts = starts(store, manifest).await?;
    let Some(first) = starts.first().copied() else { return Err(LogError::NotKept) };
    let after = manifest.folded().max(span.from.saturating_sub(1));
    let mut backwards = singles(store, keys, manifest, after, Target::Latest).await?;
    backwards.reverse();
    for segment in manifest.segs.iter().rev().filter(|segment| segment.to > first.sequence) {
        let is_wanted = segment.to >= span.from && segment.hlc_last >= span.since;
        if !is_wanted || backwards.len() > span.limit {
            break;
        }
        let folded = in_segment(store, segment).await?;
        backwards.extend(folded.into_iter().rev().filter(|version| version.sequence > first.sequence));
    }
    if backwards.last().is_none_or(|oldest| oldest.sequence == first.sequence + 1) {
        backwards.push(first);
    }
    backwards.retain(|version| span.contains(version));
    let more = backwards.len() > span.limit;
    backwards.truncate(span.limit);
    let mut versions = backwards;
    versions.reverse();
    for base in starts.iter().filter(|start| start.kind == Kind::Base) {
        let of_base = versions.iter_mut().filter(|version| version.sequence == base.sequence);
        of_base.for_each(|version| version.kind = Kind::Base);
    }
    Ok(Listing { versions, page_size: manifest.page_size, more })
}

/// The states that need no other one: bases, and before them what a branch begins with. Oldest first.
async fn starts(store: &Arc<dyn BlobStore>, manifest: &Manifest) -> Result<Vec<Version>> {
    let mut starts = Vec::new();
    if let Some(parent) = &manifest.parent {
        let found = Box::pin(find(store, &parent.database, Target::Sequence(parent.seq))).await?;
        if found.incarnation != parent.incarnation || found.version.post_checksum != parent.post_checksum {
            let key = Keys::of(&parent.database).manifest();
            return Err(LogError::damaged(&key, "it is not the database that this is a branch of"));
        }
        starts.push(Version { kind: Kind::Branch, bytes: 0, transactions: 0, changed_pages: 0, ..found.version });
    }
    starts.extend(manifest.bases.iter().map(Version::of_base));
    Ok(starts)
}

/// The deltas of a segment.
async fn in_segment(store: &Arc<dyn BlobStore>, segment: &Segment) -> Result<Vec<Version>> {
    let mut bytes = fetch::whole(store, (&segment.key, segment.size), segment.blake3).await?;
    let mut versions = Vec::new();
    while !bytes.is_empty() {
        let (delta, length) = delta::decode_first(&bytes).map_err(|what| LogError::damaged(&segment.key, what))?;
        bytes = bytes.slice(length..);
        versions.push(Version::of_delta(&delta, Kind::Segment, length));
    }
    Ok(versions)
}

/// The deltas after `after` that are objects of their own, up to the target. None of them may be in a segment.
async fn singles(
    store: &Arc<dyn BlobStore>,
    keys: &Keys,
    manifest: &Manifest,
    after: Sequence,
    target: Target,
) -> Result<Vec<Version>> {
    let last = match target {
        Target::Sequence(last) => last,
        _ => Sequence::MAX,
    };
    let (mut ahead, mut asked, mut versions) = (Ahead::new(store), after, Vec::new());
    loop {
        while asked < last && ahead.len() < AHEAD {
            asked += 1;
            ahead.ask(keys.delta(manifest.incarnation, asked), None);
        }
        let object = match ahead.answer().await {
            Some(Err(error)) if error.kind == BlobErrorKind::NotFound => return Ok(versions),
            None => return Ok(versions),
            Some(answer) => answer?,
        };
        let key = keys.deltas(manifest.incarnation);
        let delta = delta::decode(&object).map_err(|what| LogError::damaged(&key, what))?;
        let version = Version::of_delta(&delta, Kind::Delta, object.len());
        if !target.includes(version.sequence, version.commit) {
            return Ok(versions);
        }
        versions.push(version);
    }
}

/// The newest state that the target includes: from the latest base before it, or a later delta.
async fn find_in(store: &Arc<dyn BlobStore>, keys: &Keys, manifest: &Manifest, target: Target) -> Result<Version> {
    let starts = starts(store, manifest).await?;
    let is_meant = |version: &&Version| target.includes(version.sequence, version.commit);
    let start = *starts.iter().rev().find(is_meant).ok_or(LogError::NotKept)?;
    let is_later = |version: &Version| version.sequence > start.sequence && is_meant(&version);
    let mut found = None;
    if manifest.segs.last().is_none_or(|last| target.includes(last.to, last.hlc_last)) {
        let after = match target {
            Target::Sequence(wanted) => manifest.folded().max(wanted.saturating_sub(1)),
            _ => manifest.folded(),
        };
        found = singles(store, keys, manifest, after, target).await?.pop().filter(is_later);
    }
    for segment in manifest.segs.iter().rev().filter(|segment| segment.to > start.sequence) {
        if found.is_none() && target.includes(segment.from, segment.hlc_first) {
            found = in_segment(store, segment).await?.into_iter().rfind(is_later);
        }
    }
    let found = found.unwrap_or(start);
    match target {
        Target::Sequence(wanted) if wanted != found.sequence => Err(LogError::NotKept),
        _ => Ok(found),
    }
}

impl Version {
    fn of_delta(delta: &Delta, kind: Kind, length: usize) -> Self {
        let (header, parts) = (&delta.header, InParts::of(delta));
        Version {
            sequence: header.sequence,
            commit: header.last_commit,
            kind,
            bytes: length as u64 + parts.map_or(0, |parts| parts.bytes),
            transactions: header.transactions,
            changed_pages: header.pages,
            pages: Some(header.pages_after),
            post_checksum: header.post_checksum,
        }
    }

    fn of_base(base: &Base) -> Self {
        Version {
            sequence: base.seq,
            commit: base.hlc,
            kind: Kind::Base,
            bytes: base.size,
            transactions: 0,
            changed_pages: 0,
            pages: None,
            post_checksum: base.post_checksum,
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
    let found = find(store, database, target).await?;
    let manifest = manifest::read(store, &keys).await?.manifest;
    if manifest.incarnation != found.incarnation {
        return Err(LogError::Dropped);
    }
    let Version { sequence: seq, post_checksum, .. } = found.version;
    let parent = Parent { database: database.to_owned(), incarnation: found.incarnation, seq, post_checksum };
    let mut begun = Manifest::new(manifest.page_size, options.writer);
    (begun.floor, begun.swept, begun.retention_seconds) = (seq, seq, manifest.retention_seconds);
    begun.parent = Some(parent);
    let to = Destination {
        store: Arc::clone(store),
        keys: child.clone(),
        incarnation: begun.incarnation,
        clock: Arc::clone(&options.clock),
    };
    // The branch first, then its pin: a pin without a branch is one that is left over.
    manifest::create(store, &child, begun.clone()).await?;
    dropping::pin(&to, options.writer, &begun).await?;
    Ok(seq)
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
            let is_manifest = listed.key.ends_with(".pgs/manifest.json");
            let is_one = is_manifest || !listed.key.contains('/');
            if is_manifest && listed.size < TOMBSTONE_SIZE && is_dropped(store, &listed.key).await? {
                continue;
            }
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

/// Whether only a tombstone is left.
async fn is_dropped(store: &Arc<dyn BlobStore>, manifest: &str) -> Result<bool> {
    let Some(name) = database_of(manifest) else { return Ok(false) };
    Ok(manifest::tombstone(store, &Keys::of(&name)).await?.is_some())
}

/// A key that comes before this one and after everything else that a database's folder has before it.
fn before(manifest: &str) -> String {
    manifest.trim_end_matches(".json").to_owned()
}

#[cfg(test)]
#[path = "versions_tests.rs"]
mod tests;
