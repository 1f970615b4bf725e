//! Making a database file of the objects in the store: as of now, as of a number of the log, as of a time.
//!
//! Owns: [`rebuild`], [`restore`], [`Target`]. Must not know: working copies that are open (`log::chain`).
//!
//! The newest base before the target, then the deltas after it: from segments as far as they go, then one by one.
//! Everything is checked, and whatever does not fit is an error; a file is never made of what was left over.

use std::fs::File;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;

use crate::storage::blob::{BlobError, BlobErrorKind, BlobStore};
use crate::storage::log::base;
use crate::storage::log::clock::{Clock, Moment, SystemClock};
use crate::storage::log::delta::{self, Delta, Digest, Sequence};
use crate::storage::log::fault::{LogError, Result};
use crate::storage::log::fetch::{self, Ahead};
use crate::storage::log::hlc::Timestamp;
use crate::storage::log::image::{Head, Image};
use crate::storage::log::in_parts;
use crate::storage::log::keys::Keys;
use crate::storage::log::manifest::{self, Base, Manifest};
use crate::storage::log::pace;
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

impl Target {
    /// Whether a state is the one that is meant or before it.
    pub fn includes(self, sequence: Sequence, commit: Timestamp) -> bool {
        match self {
            Target::Latest => true,
            Target::Sequence(last) => sequence <= last,
            Target::Time(time) => commit <= Timestamp::of(time),
        }
    }
}

impl FromStr for Target {
    type Err = String;

    /// A number of the log, or a time: to the day, the second or the microsecond, in UTC unless it has an offset.
    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(sequence) = text.parse() {
            return Ok(Target::Sequence(sequence));
        }
        let time = text.parse::<jiff::Timestamp>().or_else(|_| {
            let civil = text.parse::<jiff::civil::DateTime>()?;
            civil.to_zoned(jiff::tz::TimeZone::UTC).map(|zoned| zoned.timestamp())
        });
        let time = time.ok().filter(|time| time.as_second() >= 0);
        let allowed = || "a time such as 2026-11-23T10:00:00Z, or a sequence number".to_owned();
        time.map(|time| Target::Time(time.into())).ok_or_else(allowed)
    }
}

/// How often a plan may be overtaken by the collector.
const PLANS: u32 = 5;

/// Single deltas asked for at once.
const DELTAS_AHEAD: usize = 16;

/// Writes a state of a database to a new plain SQLite file. Nothing is at `into` unless all of it is; an error if
/// something is there already.
pub async fn restore(store: &Arc<dyn BlobStore>, database: &str, target: Target, into: &Path) -> Result<Head> {
    let keys = Keys::of(database);
    let manifest = manifest::read(store, &keys).await?.manifest;
    let partial = beside(into, ".partial");
    let result = async {
        let image = rebuild(store, &keys, manifest, target, &partial).await?;
        let head = base::run(move || image.finish_plain()).await?;
        place(&partial, into)?;
        Ok(head)
    };
    let result = result.await;
    if result.is_err() {
        // It may not be there at all; the error above says more than this one.
        let _ = std::fs::remove_file(&partial);
    }
    result
}

/// Gives a file its name, unless there is one of that name.
fn place(file: &Path, name: &Path) -> std::io::Result<()> {
    match std::fs::hard_link(file, name) {
        Ok(()) => std::fs::remove_file(file),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(error),
        // Not every file system has links.
        Err(_) => std::fs::rename(file, name),
    }
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
        let begun_at = (SystemClock.now(), manifest.folded());
        let begun = begin(store, &manifest, target, path).await;
        let result = match begun {
            Ok(image) => advance(store, keys, &manifest, image, target).await,
            Err(error) => Err(error),
        };
        match still_holds(store, keys, begun_at, result).await {
            Err(error) if may_plan_again(&error, plans) => {
                manifest = plan_again(store, keys, &manifest, error).await?;
                plans += 1;
            }
            result => return result,
        }
    }
}

/// Whether an object that was counted on may just have been let go.
pub(super) fn may_plan_again(error: &LogError, plans: u32) -> bool {
    error.is_not_found() && plans < PLANS
}

/// The manifest as it is now; the error if it is still the one that was planned with.
pub(super) async fn plan_again(
    store: &Arc<dyn BlobStore>,
    keys: &Keys,
    overtaken: &Manifest,
    error: LogError,
) -> Result<Manifest> {
    let again = manifest::read_any(store, keys).await?.manifest;
    if again.incarnation != overtaken.incarnation {
        return Err(LogError::Dropped);
    }
    if again.nonce == overtaken.nonce { Err(error) } else { Ok(again) }
}

/// A plan holds for less than an hour, because after that single deltas that it counts on may have been deleted, and
/// their keys written anew by an instance that does not know. So a restore that took long looks again.
async fn still_holds(
    store: &Arc<dyn BlobStore>,
    keys: &Keys,
    (since, folded): (Moment, Sequence),
    result: Result<Image>,
) -> Result<Image> {
    let image = result?;
    if SystemClock.now().is_within(pace::proof_holds(), since) || image.head.sequence <= folded {
        return Ok(image);
    }
    match manifest::read_any(store, keys).await?.manifest.floor > folded {
        true => Err(BlobError::new(BlobErrorKind::NotFound, "the log was shortened while it was read").into()),
        false => Ok(image),
    }
}

/// Whether the floor has passed a place in the log.
async fn is_passed(store: &Arc<dyn BlobStore>, keys: &Keys, head: &Head) -> Result<bool> {
    Ok(manifest::read_any(store, keys).await?.manifest.floor > head.sequence)
}

/// The file a restore begins with.
async fn begin(store: &Arc<dyn BlobStore>, manifest: &Manifest, target: Target, path: &Path) -> Result<Image> {
    let before = |base: &&Base| target.includes(base.seq, base.hlc);
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
    let theirs = match manifest::read(store, &keys).await {
        Ok(current) if current.manifest.incarnation == parent.incarnation => current.manifest,
        Ok(_) | Err(LogError::NoSuchDatabase | LogError::Dropped) => {
            return Err(LogError::damaged(&keys.manifest(), "the database this is a branch of is gone"));
        }
        Err(error) => return Err(error),
    };
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
        (image, reached) = apply(store, keys, image, bytes, target).await?;
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
        (image, reached) = apply(store, keys, image, bytes, target).await?;
        if reached {
            break;
        }
    }
    Ok(image)
}

/// Where applying deltas has come to.
enum Applied {
    All,
    /// The next is beyond the target.
    Reached,
    /// The next has its pages in parts.
    InParts(Box<Delta>),
}

/// Applies deltas in a row, skipping those that are in the image; also says whether the next is beyond the target.
async fn apply(
    store: &Arc<dyn BlobStore>,
    keys: &Keys,
    mut image: Image,
    mut bytes: Bytes,
    target: Target,
) -> Result<(Image, bool)> {
    loop {
        let applied;
        (image, bytes, applied) = base::run(move || apply_row(image, bytes, target)).await?;
        match applied {
            Applied::All => return Ok((image, false)),
            Applied::Reached => return Ok((image, true)),
            Applied::InParts(delta) => image = in_parts::apply(store, keys, image, *delta).await?,
        }
    }
}

fn apply_row(mut image: Image, mut bytes: Bytes, target: Target) -> Result<(Image, Bytes, Applied)> {
    while !bytes.is_empty() {
        let next = image.head.sequence + 1;
        let key = format!("log/{next:016x}");
        let (delta, length) = delta::decode_first(&bytes).map_err(|what| LogError::damaged(&key, what))?;
        let rest = bytes.slice(length..);
        if delta.header.sequence >= next {
            if !target.includes(delta.header.sequence, delta.header.last_commit) {
                return Ok((image, bytes, Applied::Reached));
            }
            if delta.is_in_parts() {
                return Ok((image, rest, Applied::InParts(Box::new(delta))));
            }
            image.apply(&delta)?;
        }
        bytes = rest;
    }
    Ok((image, bytes, Applied::All))
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

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_target_is_a_number_or_a_time() {
        let at = |micros| Ok(Target::Time(UNIX_EPOCH + Duration::from_micros(micros)));
        let noon = 1_795_435_200_000_000;
        for (text, expected) in [
            ("0", Ok(Target::Sequence(0))),
            ("18446744073709551615", Ok(Target::Sequence(Sequence::MAX))),
            ("2026-11-23T12:00:00Z", at(noon)),
            ("2026-11-23T13:00:00+01:00", at(noon)),
            ("2026-11-23T12:00:00.000001Z", at(noon + 1)),
            ("2026-11-23 12:00:00", at(noon)),
            ("2026-11-23T12:00", at(noon)),
            ("2026-11-23", at(noon - 43_200_000_000)),
        ] {
            assert_eq!(text.parse::<Target>(), expected, "{text}");
        }
        for text in ["", "-1", "18446744073709551616", "yesterday", "2026-13-01", "2026-11-23T25:00:00Z", "1960-01-01"]
        {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_that_was_printed_is_the_commit_it_was_printed_for() {
        let commit = Timestamp(1_795_435_200_123_456);
        assert_eq!(commit.to_rfc3339(), "2026-11-23T12:00:00.123456Z");
        let target: Target = commit.to_rfc3339().parse().expect("a time");
        assert!(target.includes(1, commit) && !target.includes(1, Timestamp(commit.0 + 1)));
    }
}
