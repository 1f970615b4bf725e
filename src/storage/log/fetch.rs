//! Reading large objects, and many small ones, at the speed of the line instead of one round trip after the other.
//!
//! Owns: [`Ahead`] (requests under way in order), [`Parts`], [`object`], [`whole`]. Must not know: what is in the objects.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio::task::JoinHandle;

use crate::storage::blob::{Blob, BlobError, BlobErrorKind, BlobStore};
use crate::storage::log::delta::Digest;
use crate::storage::log::fault::{LogError, Result};
use crate::storage::log::retry::patiently;

/// Bytes asked for in one request of a large object.
const PART: u64 = 8 << 20;

/// Bytes asked for of an object whose size is not known; most deltas are smaller.
const FIRST: u64 = 1 << 20;

/// Requests under way for a large object, so at most this many parts are in memory.
const PARTS_AHEAD: usize = 4;

/// Requests under way whose answers are taken in the order of asking.
#[derive(Debug)]
pub struct Ahead {
    store: Arc<dyn BlobStore>,
    under_way: VecDeque<(String, JoinHandle<Result<Answered, BlobError>>)>,
}

/// What came of a request.
#[derive(Debug)]
enum Answered {
    /// What was asked for.
    All(Bytes),
    /// The beginning of an object of that size.
    Beginning(Bytes, u64),
}

impl Ahead {
    /// None yet.
    pub fn new(store: &Arc<dyn BlobStore>) -> Self {
        Ahead { store: Arc::clone(store), under_way: VecDeque::new() }
    }

    /// Requests that were not answered for.
    pub fn len(&self) -> usize {
        self.under_way.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }

    /// Asks for an object, or a range of it. Of a large object only the beginning is asked for ahead.
    pub fn ask(&mut self, key: String, range: Option<Range<u64>>) {
        let (store, asked) = (Arc::clone(&self.store), key.clone());
        let request = tokio::spawn(async move {
            let wanted = range.clone().unwrap_or(0..FIRST);
            let Blob { info, body } = patiently(|| store.get(&asked, Some(wanted.clone()))).await?;
            Ok(match range.is_none() && (body.len() as u64) < info.size {
                true => Answered::Beginning(body, info.size),
                false => Answered::All(body),
            })
        });
        self.under_way.push_back((key, request));
    }

    /// The answer to the oldest request.
    pub async fn answer(&mut self) -> Option<Result<Bytes, BlobError>> {
        let (key, request) = self.under_way.pop_front()?;
        let answer = request.await;
        Some(match answer.unwrap_or_else(|error| Err(BlobError::new(BlobErrorKind::NoAnswer, error.to_string()))) {
            Ok(Answered::All(bytes)) => Ok(bytes),
            Ok(Answered::Beginning(bytes, size)) => rest(&self.store, &key, bytes, size).await,
            Err(error) => Err(error),
        })
    }
}

/// An object of which nothing is known, read in ranges if it is large.
pub async fn object(store: &Arc<dyn BlobStore>, key: &str) -> Result<Bytes, BlobError> {
    let Blob { info, body } = store.get(key, Some(0..FIRST)).await?;
    rest(store, key, body, info.size).await
}

async fn rest(store: &Arc<dyn BlobStore>, key: &str, beginning: Bytes, size: u64) -> Result<Bytes, BlobError> {
    if beginning.len() as u64 >= size {
        return Ok(beginning);
    }
    let mut bytes = BytesMut::from(beginning);
    while (bytes.len() as u64) < size {
        let at = bytes.len() as u64;
        let range = at..size.min(at + PART);
        let part = patiently(|| store.get(key, Some(range.clone()))).await?.body;
        if part.len() as u64 != range.end - range.start {
            return Err(BlobError::new(BlobErrorKind::NoAnswer, format!("{key}: it is shorter than it was")));
        }
        bytes.extend_from_slice(&part);
    }
    Ok(bytes.freeze())
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.under_way.iter().for_each(|(_, request)| request.abort());
    }
}

/// The parts of an object of a known size, read ahead and given in order.
#[derive(Debug)]
pub struct Parts {
    ahead: Ahead,
    key: String,
    size: u64,
    asked: u64,
    seen: u64,
}

impl Parts {
    /// Of that object.
    pub fn of(store: &Arc<dyn BlobStore>, key: &str, size: u64) -> Self {
        Parts { ahead: Ahead::new(store), key: key.to_owned(), size, asked: 0, seen: 0 }
    }

    /// The next part; none after the last.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        if self.seen >= self.size {
            return Ok(None);
        }
        while self.asked < self.size && self.ahead.len() < PARTS_AHEAD {
            let end = self.size.min(self.asked + PART);
            self.ahead.ask(self.key.clone(), Some(self.asked..end));
            self.asked = end;
        }
        let answer = self.ahead.answer().await;
        let part = answer.ok_or_else(|| LogError::damaged(&self.key, "a part is missing"))??;
        if part.len() as u64 != PART.min(self.size - self.seen) {
            return Err(LogError::damaged(&self.key, "it is shorter than it should be"));
        }
        self.seen += part.len() as u64;
        Ok(Some(part))
    }
}

/// Reads an object whose size and hash are known.
pub async fn whole(store: &Arc<dyn BlobStore>, (key, size): (&str, u64), blake3: Digest) -> Result<Bytes> {
    let (mut bytes, mut parts) = (BytesMut::new(), Parts::of(store, key, size));
    while let Some(part) = parts.next().await? {
        bytes.extend_from_slice(&part);
    }
    if Digest::of(&bytes) != blake3 {
        return Err(LogError::damaged(key, "its hash is wrong"));
    }
    Ok(bytes.freeze())
}
