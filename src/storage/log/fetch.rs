//! Reading large objects, and many small ones, at the speed of the line instead of one round trip after the other.
//!
//! Owns: [`Ahead`] (requests under way in order), [`Parts`], [`whole`]. Must not know: what is in the objects.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio::task::JoinHandle;

use crate::storage::blob::{BlobError, BlobErrorKind, BlobStore};
use crate::storage::log::delta::Digest;
use crate::storage::log::fault::{LogError, Result};
use crate::storage::log::retry::patiently;

/// Bytes asked for in one request of a large object.
const PART: u64 = 8 << 20;

/// Requests under way for a large object, so at most this many parts are in memory.
const PARTS_AHEAD: usize = 4;

/// Requests under way whose answers are taken in the order of asking.
#[derive(Debug)]
pub struct Ahead {
    store: Arc<dyn BlobStore>,
    under_way: VecDeque<JoinHandle<Result<Bytes, BlobError>>>,
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

    /// Asks for an object, or a range of it.
    pub fn ask(&mut self, key: String, range: Option<std::ops::Range<u64>>) {
        let store = Arc::clone(&self.store);
        self.under_way.push_back(tokio::spawn(async move {
            let blob = patiently(|| store.get(&key, range.clone())).await?;
            Ok(blob.body)
        }));
    }

    /// The answer to the oldest request.
    pub async fn answer(&mut self) -> Option<Result<Bytes, BlobError>> {
        let answer = self.under_way.pop_front()?.await;
        Some(answer.unwrap_or_else(|error| Err(BlobError::new(BlobErrorKind::NoAnswer, error.to_string()))))
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.under_way.iter().for_each(JoinHandle::abort);
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
