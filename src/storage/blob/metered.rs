//! An object store whose operations are counted.
//!
//! Owns: [`Metered`]. Must not know: which store it is, how the figures are shown.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use crate::metrics::{Metrics, Operation};
use crate::storage::blob::{
    Blob, BlobError, BlobErrorKind, BlobFuture, BlobInfo, BlobStore, Body, Listing, Metadata, Precondition, Put,
};

/// See the module.
#[derive(Debug)]
pub struct Metered {
    store: Arc<dyn BlobStore>,
    metrics: Arc<Metrics>,
}

impl Metered {
    /// That store, counted there.
    pub fn new(store: Arc<dyn BlobStore>, metrics: Arc<Metrics>) -> Self {
        Metered { store, metrics }
    }

    fn count<'a, T: Send + 'a>(&'a self, operation: Operation, work: BlobFuture<'a, T>) -> BlobFuture<'a, T> {
        Box::pin(async move {
            let begun = Instant::now();
            let outcome = work.await;
            let (status, broken) = match &outcome {
                Ok(_) => ("ok", None),
                Err(error) => status(error),
            };
            self.metrics.store.finished(operation, begun.elapsed(), status, broken);
            outcome
        })
    }
}

/// What the figures call an outcome, and what it says of the store: an object that is not there and a condition that
/// does not hold are answers like others.
fn status(error: &BlobError) -> (&'static str, Option<String>) {
    let (name, broken) = match error.kind {
        BlobErrorKind::NotFound => ("not_found", false),
        BlobErrorKind::PreconditionFailed => ("precondition_failed", false),
        BlobErrorKind::Unavailable => ("unavailable", true),
        BlobErrorKind::Unreachable => ("unreachable", true),
        BlobErrorKind::NoAnswer => ("no_answer", true),
        BlobErrorKind::Denied => ("denied", true),
        BlobErrorKind::Invalid => ("invalid", true),
    };
    (name, broken.then(|| error.message.clone()))
}

impl BlobStore for Metered {
    fn location(&self) -> String {
        self.store.location()
    }

    fn get<'a>(&'a self, key: &'a str, range: Option<Range<u64>>) -> BlobFuture<'a, Blob> {
        let work = self.store.get(key, range);
        self.count(
            Operation::Get,
            Box::pin(async move {
                let blob = work.await?;
                self.metrics.store.transferred(0, blob.body.len() as u64);
                Ok(blob)
            }),
        )
    }

    fn head<'a>(&'a self, key: &'a str) -> BlobFuture<'a, BlobInfo> {
        self.count(Operation::Head, self.store.head(key))
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        body: Body,
        condition: Precondition,
        metadata: &'a Metadata,
    ) -> BlobFuture<'a, Put> {
        let size = match &body {
            Body::Bytes(bytes) => bytes.len() as u64,
            Body::File(path) => std::fs::metadata(path).map_or(0, |file| file.len()),
        };
        self.metrics.store.transferred(size, 0);
        self.count(Operation::Put, self.store.put(key, body, condition, metadata))
    }

    fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>) -> BlobFuture<'a, Listing> {
        self.count(Operation::List, self.store.list(prefix, after))
    }

    fn delete<'a>(&'a self, key: &'a str) -> BlobFuture<'a, ()> {
        self.count(Operation::Delete, self.store.delete(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::log::memory_store::MemoryStore;

    #[tokio::test]
    async fn operations_are_counted_by_outcome() {
        let metrics = Arc::new(Metrics::default());
        let store = Metered::new(Arc::new(MemoryStore::new()), Arc::clone(&metrics));
        let put = |condition| store.put("a", Body::Bytes("12345".into()), condition, const { &Metadata::new() });
        put(Precondition::Absent).await.unwrap();
        put(Precondition::Absent).await.unwrap_err();
        store.get("a", Some(1..3)).await.unwrap();
        store.get("b", None).await.unwrap_err();
        let happened: Vec<_> = metrics.store.operations().filter(|(_, _, count)| *count > 0).collect();
        assert_eq!(
            happened,
            [("get", "ok", 1), ("get", "not_found", 1), ("put", "ok", 1), ("put", "precondition_failed", 1)]
        );
        assert_eq!(metrics.store.bytes(), (10, 2));
        assert_eq!(
            metrics.store.durations().map(|(name, all)| (name, all.count())).collect::<Vec<_>>()[..3],
            [("get", 2), ("head", 0), ("put", 2)]
        );
        assert!(metrics.store.last().is_some_and(|(_, broken)| broken.is_none()), "answers, all of them");
    }
}
