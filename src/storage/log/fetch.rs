//! Reading large objects, and many small ones, at the speed of the line instead of one round trip after the other.
//!
//! Owns: [`Ahead`] (requests under way in order), [`ranges`], [`whole`]. Must not know: what is in the objects.

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

/// Reads an object of a known size in parts and hands them on in order.
pub async fn ranges(
    store: &Arc<dyn BlobStore>,
    (key, size): (&str, u64),
    mut see: impl AsyncFnMut(Bytes) -> Result<()>,
) -> Result<()> {
    let mut ahead = Ahead::new(store);
    let (mut asked, mut seen) = (0, 0);
    while seen < size {
        while asked < size && ahead.len() < PARTS_AHEAD {
            let end = size.min(asked + PART);
            ahead.ask(key.to_owned(), Some(asked..end));
            asked = end;
        }
        let part = ahead.answer().await.ok_or_else(|| LogError::damaged(key, "a part is missing"))??;
        if part.len() as u64 != PART.min(size - seen) {
            return Err(LogError::damaged(key, "it is shorter than it should be"));
        }
        seen += part.len() as u64;
        see(part).await?;
    }
    Ok(())
}

/// Reads an object whose size and hash are known.
pub async fn whole(store: &Arc<dyn BlobStore>, (key, size): (&str, u64), blake3: Digest) -> Result<Bytes> {
    let mut bytes = BytesMut::new();
    ranges(store, (key, size), async |part| {
        bytes.extend_from_slice(&part);
        Ok(())
    })
    .await?;
    if Digest::of(&bytes) != blake3 {
        return Err(LogError::damaged(key, "its hash is wrong"));
    }
    Ok(bytes.freeze())
}
