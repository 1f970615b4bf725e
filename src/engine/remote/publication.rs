//! Looks after one database's log while the database is open, and has its plain file published.
//!
//! Owns: [`keep_up`]: when. Must not know: how (`storage::log::upkeep`), working copies. It works beside the replicator:
//! no commit waits for it.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::storage::log::delta::Sequence;
use crate::storage::log::fault::LogError;
use crate::storage::log::upkeep::Upkeep;

/// It is not done again before this many times what it took have passed: a file that takes a minute to write is not
/// written every minute.
const REST: u32 = 9;

/// Folds, publishes and deletes from time to time while the chain grows, and publishes at the end.
pub(super) async fn keep_up(name: String, upkeep: Upkeep, mut head: watch::Receiver<Sequence>, period: Duration) {
    let mut sequence = *head.borrow_and_update();
    // A server that never lives for a period must not let the log grow for ever.
    shorten(&name, &upkeep, sequence).await;
    // Who had the database before may have ended without publishing.
    let mut published = upkeep.published().await.ok().flatten();
    let mut is_behind = published != Some(sequence);
    let mut wait = period;
    loop {
        let goes_on = is_behind || head.changed().await.is_ok();
        if goes_on {
            // Until then more may come, or the end.
            let _ = timeout(wait, ended(&mut head)).await;
        }
        is_behind = false;
        sequence = *head.borrow_and_update();
        if published != Some(sequence) {
            let begun = Instant::now();
            shorten(&name, &upkeep, sequence).await;
            match upkeep.publish().await {
                Ok(_) => published = Some(sequence),
                Err(error) => {
                    log::warn!("database \"{name}\": its file was not published: {error}");
                    // Tried again even if nothing more is committed.
                    is_behind = !matches!(error, LogError::Dropped);
                }
            }
            wait = period.max(begun.elapsed() * REST);
        }
        if head.has_changed().is_err() {
            return;
        }
    }
}

/// Does what is due to the log.
async fn shorten(name: &str, upkeep: &Upkeep, head: Sequence) {
    if let Err(error) = upkeep.run(head).await {
        log::warn!("database \"{name}\": the upkeep of its log failed: {error}");
    }
}

/// Resolves when nobody is left to tell of new sequence numbers.
async fn ended(head: &mut watch::Receiver<Sequence>) {
    while head.changed().await.is_ok() {}
}

#[cfg(test)]
mod tests {
    use std::ops::Range;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use tokio::time::sleep;

    use super::*;
    use crate::storage::blob::{
        Blob, BlobError, BlobErrorKind, BlobFuture, BlobInfo, BlobStore, Body, Listing, Metadata, Precondition, Put,
    };
    use crate::storage::log::chain::{Chain, Options};
    use crate::storage::log::fixture::{Mirror, Scratch, commit};
    use crate::storage::log::manifest;
    use crate::storage::log::memory_store::MemoryStore;
    use crate::storage::log::upkeep::Policy;

    /// A store that refuses the plain file once.
    #[derive(Debug)]
    struct Refusing {
        inner: MemoryStore,
        refused: AtomicBool,
    }

    impl BlobStore for Refusing {
        fn location(&self) -> String {
            self.inner.location()
        }

        fn get<'a>(&'a self, key: &'a str, range: Option<Range<u64>>) -> BlobFuture<'a, Blob> {
            self.inner.get(key, range)
        }

        fn head<'a>(&'a self, key: &'a str) -> BlobFuture<'a, BlobInfo> {
            self.inner.head(key)
        }

        fn put<'a>(
            &'a self,
            key: &'a str,
            body: Body,
            when: Precondition,
            metadata: &'a Metadata,
        ) -> BlobFuture<'a, Put> {
            if key == "app.sqlite" && !self.refused.swap(true, Ordering::Relaxed) {
                return Box::pin(async { Err(BlobError::new(BlobErrorKind::Denied, "not yet")) });
            }
            self.inner.put(key, body, when, metadata)
        }

        fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>) -> BlobFuture<'a, Listing> {
            self.inner.list(prefix, after)
        }

        fn delete<'a>(&'a self, key: &'a str) -> BlobFuture<'a, ()> {
            self.inner.delete(key)
        }
    }

    /// A database with the upkeep of its log, the store being kept by the caller.
    async fn database(store: Arc<dyn BlobStore>, commits: u32, policy: Policy) -> (Scratch, Mirror, Sequence, Upkeep) {
        let (scratch, mut mirror) = (Scratch::new(), Mirror::new(1, 10));
        let file = scratch.path("new.sqlite");
        mirror.write(&file);
        let mut chain = Chain::create(&Options::new(store), "app", &file).await.expect("creates");
        let mut sequence = 0;
        for _ in 0..commits {
            sequence = commit(&mut chain, &mut mirror).await;
        }
        (scratch, mirror, sequence, chain.upkeep(policy))
    }

    /// Until it is true, for a while.
    async fn until(mut is_true: impl AsyncFnMut() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !is_true().await {
            assert!(Instant::now() < deadline, "it does not come true");
            sleep(Duration::from_millis(2)).await;
        }
    }

    /// What servers that have crashed early have left is folded without waiting.
    #[tokio::test]
    async fn the_log_is_shortened_at_the_start() {
        let policy = Policy { segment_deltas: 3, ..Policy::default() };
        let (_scratch, _, sequence, upkeep) = database(Arc::new(MemoryStore::new()), 7, policy).await;
        let (head, heads) = watch::channel(sequence);
        let task = tokio::spawn(keep_up("app".to_owned(), upkeep.clone(), heads, Duration::from_secs(3_600)));
        until(async || {
            let manifest = manifest::read(&upkeep.to.store, &upkeep.to.keys).await.expect("reads").manifest;
            manifest.folded() == 6
        })
        .await;
        drop(head);
        task.await.expect("ends with the database");
    }

    /// What the server before has left unpublished is published without another commit, at the second try.
    #[tokio::test]
    async fn a_publication_that_failed_is_tried_again_without_another_commit() {
        let store = Arc::new(Refusing { inner: MemoryStore::new(), refused: AtomicBool::new(false) });
        let (scratch, mirror, sequence, upkeep) = database(Arc::clone(&store) as _, 1, Policy::default()).await;
        let (head, heads) = watch::channel(sequence);
        let task = tokio::spawn(keep_up("app".to_owned(), upkeep.clone(), heads, Duration::from_millis(1)));
        until(async || upkeep.published().await.expect("reads") == Some(sequence)).await;
        assert!(store.refused.load(Ordering::Relaxed));
        let published = store.get("app.sqlite", None).await.expect("is there");
        let file = scratch.path("published.sqlite");
        std::fs::write(&file, &published.body).expect("write");
        assert!(mirror.is_in(&file));
        drop(head);
        task.await.expect("ends with the database");
    }
}
