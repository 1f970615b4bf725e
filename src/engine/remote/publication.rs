//! Looks after one database's log while the database is open, and has its plain file published.
//!
//! Owns: [`keep_up`]: when. Must not know: how (`storage::log::upkeep`), working copies. It works beside the replicator:
//! no commit waits for it.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::storage::log::delta::Sequence;
use crate::storage::log::fault::LogError;
use crate::storage::log::upkeep::Upkeep;

/// How often the log is looked after and the plain file is published while there are commits.
pub(super) const PERIOD: Duration = Duration::from_secs(60);

/// Folds, publishes and deletes from time to time while the chain grows, and publishes at the end.
pub(super) async fn keep_up(name: String, upkeep: Upkeep, mut head: watch::Receiver<Sequence>, period: Duration) {
    // Who had the database before may have ended without publishing.
    let mut published = upkeep.published().await.ok().flatten();
    let mut is_behind = published != Some(*head.borrow_and_update());
    loop {
        let goes_on = is_behind || head.changed().await.is_ok();
        if goes_on {
            // Until then more may come, or the end.
            let _ = timeout(period, ended(&mut head)).await;
        }
        is_behind = false;
        let sequence = *head.borrow_and_update();
        if published != Some(sequence) {
            if let Err(error) = upkeep.run(sequence).await {
                log::warn!("database \"{name}\": the upkeep of its log failed: {error}");
            }
            match upkeep.publish().await {
                Ok(_) => published = Some(sequence),
                Err(error) => {
                    log::warn!("database \"{name}\": its file was not published: {error}");
                    // Tried again even if nothing more is committed.
                    is_behind = !matches!(error, LogError::Dropped);
                }
            }
        }
        if head.has_changed().is_err() {
            return;
        }
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

    use tokio::time::{Instant, sleep};

    use super::*;
    use crate::storage::blob::{
        Blob, BlobError, BlobErrorKind, BlobFuture, BlobInfo, BlobStore, Body, Listing, Metadata, Precondition, Put,
    };
    use crate::storage::log::chain::{Chain, Options};
    use crate::storage::log::fixture::{Mirror, Scratch, commit};
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

    /// What the server before has left unpublished is published without another commit, at the second try.
    #[tokio::test]
    async fn a_publication_that_failed_is_tried_again_without_another_commit() {
        let store = Arc::new(Refusing { inner: MemoryStore::new(), refused: AtomicBool::new(false) });
        let (scratch, mut mirror) = (Scratch::new(), Mirror::new(1, 10));
        let file = scratch.path("new.sqlite");
        mirror.write(&file);
        let options = Options::new(Arc::clone(&store) as _);
        let mut chain = Chain::create(&options, "app", &file).await.expect("creates");
        let sequence = commit(&mut chain, &mut mirror).await;
        let upkeep = chain.upkeep(Policy::default());
        let (head, heads) = watch::channel(sequence);
        let task = tokio::spawn(keep_up("app".to_owned(), upkeep.clone(), heads, Duration::from_millis(1)));
        let deadline = Instant::now() + Duration::from_secs(20);
        while upkeep.published().await.expect("reads") != Some(sequence) {
            assert!(Instant::now() < deadline, "it is not published");
            sleep(Duration::from_millis(2)).await;
        }
        assert!(store.refused.load(Ordering::Relaxed));
        let published = store.get("app.sqlite", None).await.expect("is there");
        std::fs::write(&file, &published.body).expect("write");
        assert!(mirror.is_in(&file));
        drop(head);
        task.await.expect("ends with the database");
    }
}
