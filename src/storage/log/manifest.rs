//! The manifest: which objects make up a database. docs/storage-format.md describes it.
//!
//! Owns: [`Manifest`] and its JSON; reading it, creating it, changing it by compare-and-swap. Must not know: when to
//! change it (`log::gc`, `log::publish`, `log::branch`).
//!
//! It is written rarely, never by a commit. Whoever changes it writes the whole of it on condition that it is still
//! what was read, with a new nonce: that is how a writer knows its own version when an answer was lost.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::storage::blob::{BlobErrorKind, BlobStore, Body, ETag, Metadata, Precondition};
use crate::storage::kill_point;
use crate::storage::log::delta::{Digest, Id, Sequence};
use crate::storage::log::fault::{LogError, Result};
use crate::storage::log::hlc::Timestamp;
use crate::storage::log::in_parts::InParts;
use crate::storage::log::keys::Keys;
use crate::storage::log::retry::{Backoff, patiently};

/// The version of the format this code writes, and the only one it reads.
pub const FORMAT: u32 = 1;

/// How long every state is kept unless the manifest says otherwise: a week.
pub const DEFAULT_RETENTION_SECONDS: u64 = 7 * 24 * 3_600;

/// No log gets that long, so that whoever counts on from a number in a manifest never comes to the end of all numbers.
const LARGEST: Sequence = Sequence::MAX / 2;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub format: u32,
    pub db_id: Id,
    /// New with every CREATE DATABASE, so that a database of an earlier one's name shares no keys with it.
    pub incarnation: Id,
    pub page_size: u32,
    /// Deltas up to this number are in segments or older than the oldest base; as single objects they may be gone.
    pub floor: Sequence,
    /// When `floor` was raised, by the store's clock.
    pub floor_raised: Timestamp,
    /// Deltas up to this number have been deleted.
    pub swept: Sequence,
    /// Whole files, oldest first.
    pub bases: Vec<Base>,
    /// Deltas in a row, oldest first, without gaps or overlaps.
    pub segs: Vec<Segment>,
    pub retention_seconds: u64,
    /// What was last written to the plain file.
    pub published: Option<Published>,
    /// States that branches begin with.
    pub pins: Vec<Pin>,
    /// What this database is a branch of. Its log goes on from there.
    pub parent: Option<Parent>,
    /// Objects that nothing names any more and that may be deleted some time after this was written.
    pub trash: Vec<Trash>,
    /// The database is being dropped: nobody may use it or change this but to that end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropping: Option<Dropping>,
    pub writer_id: Id,
    /// New with every version of the manifest.
    pub nonce: Id,
}

/// How far dropping a database has come (`log::dropping`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dropping {
    Begun,
    /// The last delta is written.
    Ended,
}

/// What is left of a database that was dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tombstone {
    pub format: u32,
    /// The incarnation.
    pub dropped: Id,
    pub writer_id: Id,
}

/// No manifest is so small, and no tombstone larger.
pub const TOMBSTONE_SIZE: u64 = 256;

/// A whole database file, compressed with zstd.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Base {
    pub seq: Sequence,
    pub key: String,
    /// Of the object, in bytes.
    pub size: u64,
    /// Of the object.
    pub blake3: Digest,
    #[serde(with = "hexadecimal")]
    pub post_checksum: u64,
    /// The time of the last commit in it.
    pub hlc: Timestamp,
    /// What the delta after it names as the one before.
    pub chain: Digest,
}

/// Deltas in a row, one object after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    pub from: Sequence,
    pub to: Sequence,
    pub key: String,
    pub size: u64,
    pub blake3: Digest,
    pub hlc_first: Timestamp,
    pub hlc_last: Timestamp,
    /// Those of the deltas whose pages are in parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub in_parts: Vec<InParts>,
}

/// The plain file as it was last published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    pub etag: String,
    pub seq: Sequence,
}

/// A state that another database begins with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    pub branch: String,
    pub seq: Sequence,
    /// The branch's incarnation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub child: Option<Id>,
}

/// Where a branch begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parent {
    pub database: String,
    pub incarnation: Id,
    pub seq: Sequence,
    #[serde(with = "hexadecimal")]
    pub post_checksum: u64,
}

/// An object that is waiting to be deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trash {
    pub key: String,
    /// When it was thrown away, by the store's clock.
    pub since: Timestamp,
    /// Deltas whose parts go with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub in_parts: Vec<InParts>,
}

/// 64 bits as 16 digits: JSON's numbers end at 53.
mod hexadecimal {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{value:016x}"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = String::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16).map_err(D::Error::custom)
    }
}

impl Segment {
    /// Bytes that reading all of it takes.
    pub fn bytes(&self) -> u64 {
        self.in_parts.iter().fold(self.size, |bytes, parts| bytes.saturating_add(parts.bytes))
    }
}

impl Manifest {
    /// Of a new database.
    pub fn new(page_size: u32, writer: Id) -> Self {
        Manifest {
            format: FORMAT,
            db_id: Id::random(),
            incarnation: Id::random(),
            page_size,
            floor: 0,
            floor_raised: Timestamp::default(),
            swept: 0,
            bases: Vec::new(),
            segs: Vec::new(),
            retention_seconds: DEFAULT_RETENTION_SECONDS,
            published: None,
            pins: Vec::new(),
            parent: None,
            trash: Vec::new(),
            dropping: None,
            writer_id: writer,
            nonce: Id::random(),
        }
    }

    /// Reads the JSON text; what this version does not know all of is refused.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let version: Version = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if version.format != FORMAT {
            return Err(format!("it has format {}, and this pgserver knows only {FORMAT}", version.format));
        }
        let manifest: Manifest = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if manifest.numbers().any(|number| number > LARGEST) {
            return Err("its sequence numbers make no sense".to_owned());
        }
        let gap = manifest.segs.iter().zip(manifest.segs.iter().skip(1)).any(|(one, two)| one.to + 1 != two.from);
        let backwards = manifest.segs.iter().any(|segment| segment.from > segment.to);
        let disorder = manifest.bases.iter().zip(manifest.bases.iter().skip(1)).any(|(one, two)| one.seq >= two.seq);
        if gap || backwards || disorder {
            return Err("its bases or segments are not in order".to_owned());
        }
        if !manifest.page_size.is_power_of_two() || !(512..=65_536).contains(&manifest.page_size) {
            return Err("its page size makes no sense".to_owned());
        }
        Ok(manifest)
    }

    /// All sequence numbers in it that something is counted from.
    fn numbers(&self) -> impl Iterator<Item = Sequence> {
        let segments = self.segs.iter().flat_map(|segment| [segment.from, segment.to]);
        let bases = self.bases.iter().map(|base| base.seq);
        let parent = self.parent.iter().map(|parent| parent.seq);
        segments.chain(bases).chain(parent).chain([self.floor, self.swept])
    }

    fn text(&self) -> Result<Bytes> {
        let text = serde_json::to_vec_pretty(self).map_err(|error| LogError::Impossible(error.to_string()))?;
        Ok(Bytes::from(text))
    }
}

/// The manifest as it is in the store.
#[derive(Clone, Debug)]
pub struct Current {
    pub manifest: Manifest,
    pub etag: ETag,
    /// The store's clock when it answered.
    pub store_time: SystemTime,
}

/// Reads the manifest of a database that may be used.
pub async fn read(store: &Arc<dyn BlobStore>, keys: &Keys) -> Result<Current> {
    let current = read_any(store, keys).await?;
    if current.manifest.dropping.is_some() { Err(LogError::Dropped) } else { Ok(current) }
}

/// Reads a database's manifest, also if it is being dropped.
pub async fn read_any(store: &Arc<dyn BlobStore>, keys: &Keys) -> Result<Current> {
    let key = keys.manifest();
    let blob = patiently(|| store.get(&key, None)).await.map_err(|error| match error.kind {
        BlobErrorKind::NotFound => LogError::NoSuchDatabase,
        _ => LogError::Store(error),
    })?;
    if Tombstone::parse(&blob.body).is_some() {
        return Err(LogError::NoSuchDatabase);
    }
    let manifest = Manifest::parse(&blob.body).map_err(|what| LogError::damaged(&key, what))?;
    Ok(Current { manifest, etag: blob.info.etag, store_time: blob.info.store_time })
}

/// The incarnation that was dropped last, if there is no database.
pub async fn tombstone(store: &Arc<dyn BlobStore>, keys: &Keys) -> Result<Option<(Id, ETag)>> {
    let key = keys.manifest();
    match patiently(|| store.get(&key, None)).await {
        Ok(blob) => Ok(Tombstone::parse(&blob.body).map(|tombstone| (tombstone.dropped, blob.info.etag))),
        Err(error) if error.kind == BlobErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Has a tombstone take the manifest's place. Somebody else may have done it.
pub async fn bury(store: &Arc<dyn BlobStore>, keys: &Keys, (incarnation, writer): (Id, Id)) -> Result<()> {
    let (key, nothing) = (keys.manifest(), Metadata::new());
    let tombstone = Tombstone { format: FORMAT, dropped: incarnation, writer_id: writer };
    let text = serde_json::to_vec(&tombstone).map_err(|error| LogError::Impossible(error.to_string()))?;
    let text = Bytes::from(text);
    loop {
        let current = match read_any(store, keys).await {
            Ok(current) if current.manifest.incarnation == incarnation => current,
            Ok(_) | Err(LogError::NoSuchDatabase) => return Ok(()),
            Err(error) => return Err(error),
        };
        let condition = Precondition::Matches(current.etag);
        match patiently(|| store.put(&key, Body::Bytes(text.clone()), condition.clone(), &nothing)).await {
            Err(error) if error.lost_race() || error.kind == BlobErrorKind::NotFound => {}
            result => return result.map(drop).map_err(LogError::from),
        }
    }
}

impl Tombstone {
    /// The JSON text; none if it is of something else.
    fn parse(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }
}

/// Writes the first manifest of a database.
pub async fn create(store: &Arc<dyn BlobStore>, keys: &Keys, manifest: Manifest) -> Result<Current> {
    let nonce = manifest.nonce;
    let condition = match tombstone(store, keys).await? {
        Some((_, etag)) => Precondition::Matches(etag),
        None => Precondition::Absent,
    };
    match put(store, keys, manifest, condition).await {
        Err(LogError::Store(error)) if error.lost_race() => match read_any(store, keys).await? {
            current if current.manifest.nonce == nonce => Ok(current),
            _ => Err(LogError::Exists),
        },
        result => result,
    }
}

/// Changes the manifest of this incarnation, unless the database is being dropped, see [`update_any`].
pub async fn update(
    store: &Arc<dyn BlobStore>,
    keys: &Keys,
    who: (Id, Id),
    mut change: impl FnMut(&mut Manifest, SystemTime) -> Result<bool>,
) -> Result<Current> {
    let live = |manifest: &mut Manifest, now| match manifest.dropping {
        Some(_) => Err(LogError::Dropped),
        None => change(manifest, now),
    };
    update_any(store, keys, who, live).await
}

/// Changes the manifest of this incarnation. `change` is asked again whenever somebody else was faster, and says with
/// `false` that there is nothing to do.
pub async fn update_any(
    store: &Arc<dyn BlobStore>,
    keys: &Keys,
    (incarnation, writer): (Id, Id),
    mut change: impl FnMut(&mut Manifest, SystemTime) -> Result<bool>,
) -> Result<Current> {
    let mut mine = Vec::new();
    let mut backoff = Backoff::default();
    loop {
        let current = read_any(store, keys).await?;
        if mine.contains(&current.manifest.nonce) {
            return Ok(current);
        }
        if current.manifest.incarnation != incarnation {
            return Err(LogError::Dropped);
        }
        let mut manifest = current.manifest.clone();
        if !change(&mut manifest, current.store_time)? {
            return Ok(current);
        }
        (manifest.nonce, manifest.writer_id) = (Id::random(), writer);
        mine.push(manifest.nonce);
        match put(store, keys, manifest, Precondition::Matches(current.etag)).await {
            Err(LogError::Store(error)) if error.lost_race() || error.kind == BlobErrorKind::NotFound => {
                backoff.after_failure(None).rest().await;
            }
            result => {
                kill_point::reached("a manifest is changed");
                return result;
            }
        }
    }
}

/// One version, tried until it is known whether it was written; that it lost may be the echo of its own first attempt.
async fn put(store: &Arc<dyn BlobStore>, keys: &Keys, manifest: Manifest, condition: Precondition) -> Result<Current> {
    let (key, text) = (keys.manifest(), manifest.text()?);
    let nothing = Metadata::new();
    let put = patiently(|| store.put(&key, Body::Bytes(text.clone()), condition.clone(), &nothing)).await?;
    Ok(Current { manifest, etag: put.etag, store_time: put.store_time })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(from: Sequence, to: Sequence) -> Segment {
        let (blake3, hlc_first, hlc_last) = (Digest::of(b""), Timestamp::default(), Timestamp::default());
        Segment { from, to, key: String::new(), size: 0, blake3, hlc_first, hlc_last, in_parts: Vec::new() }
    }

    fn is_read(change: impl FnOnce(&mut Manifest)) -> bool {
        let mut manifest = Manifest::new(4096, Id::random());
        change(&mut manifest);
        Manifest::parse(&manifest.text().expect("text")).is_ok()
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert!(is_read(|_| {}));
        assert!(is_read(|manifest| manifest.segs = vec![segment(1, 4), segment(5, 9)]));
        assert!(!is_read(|manifest| manifest.segs = vec![segment(1, 4), segment(6, 9)]), "a gap");
        assert!(!is_read(|manifest| manifest.segs = vec![segment(4, 1)]), "backwards");
        assert!(!is_read(|manifest| manifest.page_size = 1000));
        assert!(!is_read(|manifest| manifest.format = 2));
    }

    #[test]
    fn nothing_can_be_counted_past_the_largest_number() {
        assert!(!is_read(|manifest| manifest.segs = vec![segment(1, Sequence::MAX), segment(0, 9)]));
        assert!(!is_read(|manifest| manifest.floor = Sequence::MAX));
    }
}
