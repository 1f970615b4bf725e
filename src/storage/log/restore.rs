//! Making a database file of the objects in the store: as of now, as of a number of the log, as of a time.
//!
//! Owns: [`rebuild`], [`restore`], [`Target`]. Must not know: working copies that are open (`log::chain`).
//!
//! The newest base before the target, then the deltas after it: from segments as far as they go, then one by one.
//! Everything is checked, and whatever does not fit is an error; a file is never made of what was left over.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use bytes::Bytes;

use crate::storage::blob::{BlobError, BlobErrorKind, BlobStore};
use crate::storage::log::append::PROOF_HOLDS;
use crate::storage::log::base;
use crate::storage::log::delta::{self, Delta, Digest, Sequence};
use crate::storage::log::fault::{LogError, Result};
use crate::storage::log::fetch::{self, Ahead};
use crate::storage::log::hlc::Timestamp;
use crate::storage::log::image::{Head, Image};
use crate::storage::log::keys::Keys;
use crate::storage::log::manifest::{self, Base, Manifest};
use crate::storage::log::page_checksum::PageChecksums;
use crate::storage::log::state::{beside, discard};

/// Which state of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Everything that is in the log.
    Latest,
    /// After that many deltas.
    Sequence(Sequence),
    /// After the last batch that was committed until then.
    Time(SystemTime),
}

/// How often a plan may be overtaken by the collector.
const PLANS: u32 = 5;

/// Single deltas asked for at once.
const DELTAS_AHEAD: usize = 16;

/// Writes a state of a database to a plain SQLite file. Nothing is at `into` unless all of it is.
pub async fn restore(store: &Arc<dyn BlobStore>, database: &str, target: Target, into: &Path) -> Result<Head> {
    let keys = Keys::of(database);
    let manifest = manifest::read(store, &keys).await?.manifest;
    let partial = beside(into, ".partial");
    let result = async {
        let image = rebuild(store, &keys, manifest, target, &partial).await?;
        let head = base::run(move || image.finish_plain()).await?;
        std::fs::rename(&partial, into)?;
        Ok(head)
    };
    let result = result.await;
    if result.is_err() {
        // It may not be there at all; the error above says more than this one.
        let _ = std::fs::remove_file(&partial);
    }
    result
}

/// Makes a new file at `path` and gives it open. When objects that were planned with are gone, the manifest is read
/// again.
pub async fn rebuild(
    store: &Arc<dyn BlobStore>,
    keys: &Keys,
    mut manifest: Manifest,
    target: Target,
    path: &Path,
) -> Result<Image> {
    let mut plans = 1;
    loop {
        let begun_at = (Instant::now(), manifest.folded());
        let begun = begin(store, &manifest, target, path).await;
        let result = match begun {
            Ok(image) => advance(store, keys, &manifest, image, target).await,
            Err(error) => Err(error),
        };
        match still_holds(store, keys, begun_at, result).await {
            Err(error) if error.is_not_found() && plans < PLANS => {
                let again = manifest::read(store, keys).await?.manifest;
                if again.incarnation != manifest.incarnation {
                    return Err(LogError::Dropped);
                }
                if again.nonce == manifest.nonce {
                    return Err(error);
                }
                (manifest, plans) = (again, plans + 1);
            }
            result => return result,
        }
    }
}

/// A plan holds for less than an hour, because after that single deltas that it counts on may have been deleted, and
/// their keys written anew by an instance that does not know. So a restore that took long looks again.
async fn still_holds(
    store: &Arc<dyn BlobStore>,
    keys: &Keys,
    (since, folded): (Instant, Sequence),
    result: Result<Image>,
) -> Result<Image> {
    let image = result?;
    if since.elapsed() < PROOF_HOLDS || image.head.sequence <= folded {
        return Ok(image);
    }
    match manifest::read(store, keys).await?.manifest.floor > folded {
        true => Err(BlobError::new(BlobErrorKind::NotFound, "the log was shortened while it was read").into()),
        false => Ok(image),
    }
}

/// Whether the floor has passed a place in the log.
async fn is_passed(store: &Arc<dyn BlobStore>, keys: &Keys, head: &Head) -> Result<bool> {
    Ok(manifest::read(store, keys).await?.manifest.floor > head.sequence)
}

/// The file a restore begins with.
async fn begin(store: &Arc<dyn BlobStore>, manifest: &Manifest, target: Target, path: &Path) -> Result<Image> {
    let before = |base: &&Base| match target {
        Target::Latest => true,
        Target::Sequence(sequence) => base.seq <= sequence,
        Target::Time(time) => base.hlc <= Timestamp::of(time),
    };
    discard(path)?;
    let Some(base) = manifest.bases.iter().rev().find(before) else {
        return begin_with_parent(store, manifest, target, path).await;
    };
    base::download(store, base, path).await?;
    let (path, page_size) = (path.to_owned(), manifest.page_size);
    let (file, checksums) = base::run(move || {
        let file = File::options().read(true).write(true).open(path)?;
        let checksums = PageChecksums::of_file(&file, page_size)?;
        Ok((file, checksums))
    })
    .await?;
    if checksums.total() != base.post_checksum {
        return Err(LogError::damaged(&base.key, "its content has another checksum"));
    }
    let head = Head {
        database: manifest.db_id,
        incarnation: manifest.incarnation,
        page_size,
        sequence: base.seq,
        chain: base.chain,
        commit: base.hlc,
        checksums,
    };
    Ok(Image::new(file, head))
}

/// A branch that has no base of its own begins with a state of another database.
async fn begin_with_parent(
    store: &Arc<dyn BlobStore>,
    manifest: &Manifest,
    target: Target,
    path: &Path,
) -> Result<Image> {
    let parent = manifest.parent.as_ref().ok_or(LogError::NotKept)?;
    if matches!(target, Target::Sequence(sequence) if sequence < parent.seq) {
        return Err(LogError::NotKept);
    }
    let keys = Keys::of(&parent.database);
    let theirs = manifest::read(store, &keys).await?.manifest;
    if theirs.incarnation != parent.incarnation {
        return Err(LogError::damaged(&keys.manifest(), "the database this is a branch of is gone"));
    }
    let mut image = Box::pin(rebuild(store, &keys, theirs, Target::Sequence(parent.seq), path)).await?;
    if image.head.checksums.total() != parent.post_checksum {
        return Err(LogError::damaged(&keys.manifest(), "the state this is a branch of has another checksum"));
    }
    if matches!(target, Target::Time(time) if image.head.commit > Timestamp::of(time)) {
        return Err(LogError::NotKept);
    }
    image.head.database = manifest.db_id;
    image.head.incarnation = manifest.incarnation;
    image.head.chain = Digest::start(manifest.incarnation);
    Ok(image)
}

/// Takes over the deltas after the image's head up to the target.
pub async fn advance(
    store: &Arc<dyn BlobStore>,
    keys: &Keys,
    manifest: &Manifest,
    mut image: Image,
    target: Target,
) -> Result<Image> {
    loop {
        let next = image.head.sequence + 1;
        if matches!(target, Target::Sequence(last) if next > last) {
            return Ok(image);
        }
        let Some(segment) = manifest.segs.iter().find(|segment| (segment.from..=segment.to).contains(&next)) else {
            break;
        };
        let bytes = fetch::whole(store, (&segment.key, segment.size), segment.blake3).await?;
        let reached;
        (image, reached) = apply(image, bytes, target).await?;
        if reached {
            return Ok(image);
        }
        if image.head.sequence < segment.to {
            return Err(LogError::damaged(&segment.key, "it ends too early"));
        }
    }
    advance_singly(store, keys, manifest, image, target).await
}

/// Deltas that are in no segment, asked for ahead; the log ends where there is none.
async fn advance_singly(
    store: &Arc<dyn BlobStore>,
    keys: &Keys,
    manifest: &Manifest,
    mut image: Image,
    target: Target,
) -> Result<Image> {
    let last = match target {
        Target::Sequence(last) => last,
        _ => Sequence::MAX,
    };
    if image.head.sequence < manifest.floor {
        // What is under those keys, if anything, was written by somebody who does not know that they were forgotten.
        return Err(BlobError::new(BlobErrorKind::NotFound, "the next deltas have been folded").into());
    }
    let (mut ahead, mut asked) = (Ahead::new(store), image.head.sequence);
    while image.head.sequence < last {
        while asked < last && ahead.len() < DELTAS_AHEAD {
            asked += 1;
            ahead.ask(keys.delta(manifest.incarnation, asked), None);
        }
        let bytes = match ahead.answer().await {
            Some(Err(error)) if error.kind == BlobErrorKind::NotFound => {
                return match target {
                    // Folded and deleted in the meantime, or never written.
                    Target::Sequence(_) if is_passed(store, keys, &image.head).await? => Err(error.into()),
                    Target::Sequence(_) => Err(LogError::NotKept),
                    _ => Ok(image),
                };
            }
            Some(answer) => answer?,
            None => break,
        };
        let reached;
        (image, reached) = apply(image, bytes, target).await?;
        if reached {
            break;
        }
    }
    Ok(image)
}

/// Applies deltas in a row, skipping those that are in the image; also says whether the next is beyond the target.
async fn apply(mut image: Image, mut bytes: Bytes, target: Target) -> Result<(Image, bool)> {
    base::run(move || {
        while !bytes.is_empty() {
            let next = image.head.sequence + 1;
            let key = format!("log/{next:016x}");
            let (delta, length) = delta::decode_first(&bytes).map_err(|what| LogError::damaged(&key, what))?;
            bytes = bytes.slice(length..);
            if delta.header.sequence < next {
                continue;
            }
            if is_beyond(&delta, target) {
                return Ok((image, true));
            }
            image.apply(&delta)?;
        }
        Ok((image, false))
    })
    .await
}

fn is_beyond(delta: &Delta, target: Target) -> bool {
    match target {
        Target::Latest => false,
        Target::Sequence(last) => delta.header.sequence > last,
        Target::Time(time) => delta.header.last_commit > Timestamp::of(time),
    }
}

/// Writes an object that is a plain file to a new file.
pub async fn download_plain(store: &Arc<dyn BlobStore>, key: &str, size: u64, into: &Path) -> Result<()> {
    let mut file = tokio::fs::File::create(into).await?;
    let mut parts = fetch::Parts::of(store, key, size);
    while let Some(part) = parts.next().await? {
        tokio::io::AsyncWriteExt::write_all(&mut file, &part).await?;
    }
    tokio::io::AsyncWriteExt::flush(&mut file).await?;
    Ok(())
}
