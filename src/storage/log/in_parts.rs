//! Large deltas: their pages are in objects of their own, which are written before the delta and read after it.
//!
//! Owns: [`write`], [`apply`], [`spool`], [`InParts`]. Must not know: when a delta is large (`log::chain`).
//!
//! A part is nothing until a delta names it by its hash, and that delta is written like any other: all of it is in the
//! log or nothing. Of a batch that came to nothing the parts are left over. They are known by their key, which has the
//! batch's number and nonce in it: once another delta of that number is in a segment, nobody can name them any more.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

use crate::storage::blob::{BlobStore, Body, Metadata, Precondition};
use crate::storage::kill_point;
use crate::storage::log::base;
use crate::storage::log::changes::{ChangedPages, Pages, PagesInFile};
use crate::storage::log::delta::{self, Delta, Digest, Encoded, EncodedPage, Header, Id, Part, Sequence};
use crate::storage::log::fault::{LogError, Result};
use crate::storage::log::fetch::Ahead;
use crate::storage::log::image::Image;
use crate::storage::log::keys::Keys;
use crate::storage::log::page_checksum::page_checksum;
use crate::storage::log::retry::Backoff;

/// Parts on their way at once, so at most so many are in memory, and one more.
const UNDER_WAY: usize = 3;

/// A failure is logged when it has happened so often, and at each doubling.
const WORTH_A_LINE: u32 = 4;

/// A delta in parts, for whoever deletes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InParts {
    pub seq: Sequence,
    /// The batch's.
    pub nonce: Id,
    pub parts: u32,
    /// Of all parts together.
    pub bytes: u64,
}

impl InParts {
    /// Of a delta in parts; none of another one.
    pub fn of(delta: &Delta) -> Option<Self> {
        let Header { sequence: seq, nonce, .. } = delta.header;
        let bytes = delta.parts.iter().fold(0, |bytes: u64, part| bytes.saturating_add(part.size));
        let parts = u32::try_from(delta.parts.len()).ok().filter(|parts| *parts > 0)?;
        Some(InParts { seq, nonce, parts, bytes })
    }

    /// Where the parts are.
    pub fn keys<'k>(&self, keys: &'k Keys, incarnation: Id) -> impl Iterator<Item = String> + use<'k> {
        let InParts { seq, nonce, parts, .. } = *self;
        (0..parts).map(move |index| keys.part(incarnation, (seq, nonce), index as usize))
    }
}

/// Writes the pages of a large delta in parts of about so many bytes, under the keys that `key` gives; tries for as long
/// as it takes, and counts what was written.
pub async fn write(
    store: &Arc<dyn BlobStore>,
    key: impl Fn(usize) -> String,
    (header, pages): (&Header, &ChangedPages),
    size: usize,
    written: &Arc<AtomicU64>,
) -> Result<Vec<Part>> {
    let (mut parts, mut under_way) = (Vec::new(), VecDeque::<JoinHandle<()>>::new());
    let mut next = Some(0);
    while let Some(first) = next {
        let (header, pages) = (header.clone(), pages.clone());
        let (part, after) = base::run(move || encode_some(header, &pages, first, size)).await?;
        next = after;
        if under_way.len() == UNDER_WAY {
            settled(under_way.pop_front()).await?;
        }
        let (store, key, written) = (Arc::clone(store), key(parts.len()), Arc::clone(written));
        parts.push(Part { size: part.bytes.len() as u64, blake3: part.digest });
        under_way.push_back(tokio::spawn(async move {
            put(&store, &key, part.bytes).await;
            written.fetch_add(1, Ordering::Relaxed);
        }));
    }
    while let Some(last) = under_way.pop_front() {
        settled(Some(last)).await?;
    }
    kill_point::reached("the parts of a delta are written");
    Ok(parts)
}

async fn settled(part: Option<JoinHandle<()>>) -> Result<()> {
    match part {
        Some(part) => part.await.map_err(|error| LogError::Local(io::Error::other(error))),
        None => Ok(()),
    }
}

/// The part that begins with that page or the first after it, and the page the next begins with.
fn encode_some(header: Header, pages: &ChangedPages, first: u32, size: usize) -> Result<(Encoded, Option<u32>)> {
    let (mut some, mut next) = (Pages::new(), None);
    for page in pages.iter_from(first) {
        let (number, page) = page?;
        if !some.is_empty() && (some.len() + 1) * page.len() > size {
            next = Some(number);
            break;
        }
        some.insert(number, page);
    }
    Ok((delta::encode_part(header, &some)?, next))
}

/// Writes one object whose key nobody else uses, however long that takes.
async fn put(store: &Arc<dyn BlobStore>, key: &str, bytes: Bytes) {
    let (mut backoff, nothing) = (Backoff::default(), Metadata::new());
    loop {
        match store.put(key, Body::Bytes(bytes.clone()), Precondition::Absent, &nothing).await {
            Ok(_) => return,
            // The echo of an attempt whose answer was lost.
            Err(error) if error.lost_race() => return,
            Err(error) => {
                let pause = backoff.after_failure(error.retry_after);
                if backoff.failures() >= WORTH_A_LINE && backoff.failures().is_power_of_two() {
                    let failures = backoff.failures();
                    log::warn!(
                        "commits wait for the store: \"{key}\" cannot be written, tried {failures} times: {error}"
                    );
                }
                pause.rest().await;
            }
        }
    }
}

/// The parts of a delta, read ahead and given in order, each found whole.
struct Reading<'d> {
    delta: &'d Delta,
    keys: Vec<String>,
    ahead: Ahead,
    asked: usize,
    seen: usize,
}

impl<'d> Reading<'d> {
    fn new(store: &Arc<dyn BlobStore>, keys: &Keys, delta: &'d Delta) -> Self {
        let keys =
            InParts::of(delta).map_or_else(Vec::new, |parts| parts.keys(keys, delta.header.incarnation).collect());
        Reading { delta, keys, ahead: Ahead::new(store), asked: 0, seen: 0 }
    }

    async fn next(&mut self) -> Result<Option<Vec<EncodedPage>>> {
        let Some(part) = self.delta.parts.get(self.seen) else { return Ok(None) };
        while self.ahead.len() < UNDER_WAY
            && let (Some(key), Some(part)) = (self.keys.get(self.asked), self.delta.parts.get(self.asked))
        {
            self.ahead.ask(key.clone(), Some(0..part.size));
            self.asked += 1;
        }
        let key = self.keys.get(self.seen).map_or("", String::as_str);
        let object = self.ahead.answer().await.ok_or_else(|| LogError::damaged(key, "it was not read"))??;
        let (header, blake3) = (self.delta.header.clone(), part.blake3);
        let pages = base::run(move || {
            Ok(match Digest::of(&object) == blake3 {
                true => delta::decode_part(&object, &header).map_err(|what| what.to_string()),
                false => Err("its hash is wrong".to_owned()),
            })
        });
        self.seen += 1;
        pages.await?.map(Some).map_err(|what| LogError::damaged(key, what))
    }
}

/// Takes over a large delta, which is the next.
pub async fn apply(store: &Arc<dyn BlobStore>, keys: &Keys, mut image: Image, delta: Delta) -> Result<Image> {
    let key = keys.delta(delta.header.incarnation, delta.header.sequence);
    image.head.check(&delta.header).map_err(|what| LogError::damaged(&key, what))?;
    let (mut reading, mut checksums) = (Reading::new(store, keys, &delta), Vec::new());
    while let Some(pages) = reading.next().await? {
        let found;
        (image, found) = base::run(move || {
            let found = image.apply_part(&pages)?;
            Ok((image, found))
        })
        .await?;
        checksums.extend(found);
    }
    base::run(move || {
        image.finish_parts(&delta, checksums)?;
        Ok(image)
    })
    .await
}

/// Puts the pages of a large delta into a file of its own; gives them and their checksums.
pub async fn spool(
    store: &Arc<dyn BlobStore>,
    keys: &Keys,
    delta: &Delta,
    path: &Path,
) -> Result<(ChangedPages, Vec<(u32, u64)>)> {
    let file = Arc::new(File::options().read(true).write(true).create(true).truncate(true).open(path)?);
    let (mut places, mut checksums, mut end) = (BTreeMap::new(), Vec::new(), 0);
    let mut reading = Reading::new(store, keys, delta);
    while let Some(pages) = reading.next().await? {
        let (file, begin) = (Arc::clone(&file), end);
        let found = base::run(move || {
            let (mut at, mut found) = (begin, Vec::with_capacity(pages.len()));
            for page in &pages {
                file.write_all_at(&page.bytes, at)?;
                found.push((page.number, page_checksum(page.number, &page.bytes)));
                at += page.bytes.len() as u64;
            }
            Ok(found)
        })
        .await?;
        for (number, checksum) in found {
            places.insert(number, end);
            checksums.push((number, checksum));
            end += u64::from(delta.header.page_size);
        }
    }
    let pages = PagesInFile { file, page_size: delta.header.page_size, places };
    Ok((ChangedPages::In(Arc::new(pages)), checksums))
}

#[cfg(test)]
#[path = "in_parts_tests.rs"]
mod tests;
