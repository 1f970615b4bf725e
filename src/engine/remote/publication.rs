//! Looks after one database's log while the database is open, and has its plain file published.
//!
//! Owns: [`keep_up`]: when. Must not know: how (`storage::log::upkeep`), working copies. It works beside the replicator:
//! no commit waits for it.

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::storage::log::delta::Sequence;
use crate::storage::log::fault::LogError;
use crate::storage::log::state::discard;
use crate::storage::log::upkeep::Upkeep;

/// It is not published again before this many times what it took have passed: a file that takes a minute to write is
/// not written every minute.
const REST: u32 = 9;

/// How far a log goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) sequence: Sequence,
    /// See `Chain::grown`.
    pub(super) grown: u64,
}

/// Folds, publishes and deletes from time to time while the chain grows, and publishes at the end.
pub(super) async fn keep_up(name: String, upkeep: Upkeep, mut head: watch::Receiver<Extent>, period: Duration) {
    let _scratch = Scratch(upkeep.scratch.clone());
    let mut extent = *head.borrow_and_update();
    let mut shortening = Shortening { name: &name, upkeep: &upkeep, begun: extent };
    // A server that never lives for a period must not let the log grow for ever.
    let left_behind = upkeep.unfolded_bytes(extent.sequence).await.unwrap_or_default();
    shortening.shorten(extent, left_behind).await;
    // Who had the database before may have ended without publishing.
    let mut published = upkeep.published().await.ok().flatten();
    let (mut due, mut rest) = (None, period);
    loop {
        let is_behind = published < Some(extent.sequence);
        due = is_behind.then(|| due.unwrap_or_else(|| Instant::now() + rest));
        let is_over = tokio::select! {
            changed = head.changed() => changed.is_err(),
            () = reached(due) => false,
        };
        extent = *head.borrow_and_update();
        shortening.shorten_if_due(extent).await;
        let is_behind = published < Some(extent.sequence);
        if is_behind && (is_over || due.is_some_and(|due| due <= Instant::now())) {
            let begun = Instant::now();
            match upkeep.publish().await {
                Ok(sequence) => published = Some(sequence),
                Err(error) => {
                    log::warn!("database \"{name}\": its file was not published: {error}");
                    if is_over || matches!(error, LogError::Dropped) {
                        return;
                    }
                }
            }
            if !is_over {
                // By and by everything becomes old enough to go.
                shortening.shorten(extent, shortening.grown(extent)).await;
            }
            rest = period.max(begun.elapsed() * REST);
            due = None;
        } else if is_over {
            return;
        }
    }
}

/// Resolves at that time; never without one.
async fn reached(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// A file that is of no use once nobody works on it.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = discard(&self.0) {
            log::warn!("cannot remove {}: {error}", self.0.display());
        }
    }
}

/// When the log is shortened.
struct Shortening<'a> {
    name: &'a str,
    upkeep: &'a Upkeep,
    /// What there was the last time.
    begun: Extent,
}

impl Shortening<'_> {
    /// If enough for a segment has come since the last time, whether that went well or not.
    async fn shorten_if_due(&mut self, extent: Extent) {
        let deltas = extent.sequence.saturating_sub(self.begun.sequence);
        if self.upkeep.is_enough(deltas, self.grown(extent)) {
            self.shorten(extent, self.grown(extent)).await;
            self.begun = extent;
        }
    }

    fn grown(&self, extent: Extent) -> u64 {
        extent.grown.saturating_sub(self.begun.grown)
    }

    /// Does what is due to the log, which has about so many bytes in no segment.
    async fn shorten(&self, extent: Extent, bytes: u64) {
        if let Err(error) = self.upkeep.run(extent.sequence, bytes).await {
            log::warn!("database \"{}\": the upkeep of its log failed: {error}", self.name);
        }
    }
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

    /// A store that refuses the plain file once, and takes it only when it is not held.
    #[derive(Debug)]
    struct Refusing {
        inner: MemoryStore,
        refused: AtomicBool,
        asked: AtomicBool,
        held: tokio::sync::Mutex<()>,
    }

    impl Refusing {
        fn new(once: bool) -> Self {
            let (asked, held) = (AtomicBool::new(false), tokio::sync::Mutex::default());
            Refusing { inner: MemoryStore::new(), refused: AtomicBool::new(!once), asked, held }
        }
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
            Box::pin(async move {
                if key == "app.sqlite" {
                    self.asked.store(true, Ordering::Relaxed);
                    let _held = self.held.lock().await;
                }
                self.inner.put(key, body, when, metadata).await
            })
        }

        fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>) -> BlobFuture<'a, Listing> {
            self.inner.list(prefix, after)
        }

        fn delete<'a>(&'a self, key: &'a str) -> BlobFuture<'a, ()> {
            self.inner.delete(key)
        }
    }

    /// A database with so many commits, whose scratch directory and store the caller keeps.
    async fn database(store: Arc<dyn BlobStore>, commits: u32) -> (Scratch, Mirror, Chain) {
        let (scratch, mut mirror) = (Scratch::new(), Mirror::new(1, 10));
        let file = scratch.path("new.sqlite");
        mirror.write(&file);
        let mut chain = Chain::create(&Options::new(store), "app", &file).await.expect("creates");
        for _ in 0..commits {
            commit(&mut chain, &mut mirror).await;
        }
        (scratch, mirror, chain)
    }

    /// How far its log goes.
    fn extent(chain: &Chain) -> Extent {
        Extent { sequence: chain.head().sequence, grown: 0 }
    }

    /// Until it is true, for a while.
    async fn until(mut is_true: impl AsyncFnMut() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !is_true().await {
            assert!(Instant::now() < deadline, "it does not come true");
            sleep(Duration::from_millis(2)).await;
        }
    }

    const NEVER: Duration = Duration::from_secs(3_600);

    /// Until the log up to there is folded.
    async fn is_folded(upkeep: &Upkeep, sequence: Sequence) {
        until(async || {
            let manifest = manifest::read(&upkeep.to.store, &upkeep.to.keys).await.expect("reads").manifest;
            manifest.folded() == sequence
        })
        .await;
    }

    /// What servers that have crashed early have left is folded without waiting: by its number, and what has many bytes.
    #[tokio::test]
    async fn the_log_is_shortened_at_the_start() {
        let many = Policy { segment_deltas: 3, ..Policy::default() };
        let large = Policy { segment_bytes: 1, ..Policy::default() };
        for (policy, commits, folded) in [(many, 7, 6), (large, 1, 1)] {
            let (_scratch, _, chain) = database(Arc::new(MemoryStore::new()), commits).await;
            let (upkeep, (head, heads)) = (chain.upkeep(policy), watch::channel(extent(&chain)));
            let task = tokio::spawn(keep_up("app".to_owned(), upkeep.clone(), heads, NEVER));
            is_folded(&upkeep, folded).await;
            drop(head);
            task.await.expect("ends with the database");
        }
    }

    /// A segment is made when there is enough for one, however soon that is.
    #[tokio::test]
    async fn the_log_is_shortened_as_soon_as_it_has_grown() {
        let policy = Policy { segment_deltas: 3, ..Policy::default() };
        let (_scratch, _, chain) = database(Arc::new(MemoryStore::new()), 7).await;
        let (sequence, upkeep) = (chain.head().sequence, chain.upkeep(policy));
        let (head, heads) = watch::channel(Extent::default());
        let task = tokio::spawn(keep_up("app".to_owned(), upkeep.clone(), heads, NEVER));
        head.send_replace(Extent { sequence: 4, grown: 1 });
        is_folded(&upkeep, 3).await;
        // By the number of its bytes there is no other segment yet, and then there is.
        head.send_replace(Extent { sequence, grown: 2 * policy.segment_bytes as u64 });
        is_folded(&upkeep, sequence).await;
        drop(head);
        task.await.expect("ends with the database");
    }

    /// A publication that is under way at the stop does not have what was committed meanwhile.
    #[tokio::test]
    async fn what_is_committed_during_the_last_publication_is_published_too() {
        let store = Arc::new(Refusing::new(false));
        let (_scratch, mut mirror, mut chain) = database(Arc::clone(&store) as _, 1).await;
        let upkeep = chain.upkeep(Policy::default());
        let (head, heads) = watch::channel(extent(&chain));
        let waiting = store.held.lock().await;
        let task = tokio::spawn(keep_up("app".to_owned(), upkeep.clone(), heads, Duration::from_millis(1)));
        until(async || store.asked.load(Ordering::Relaxed)).await;
        let sequence = commit(&mut chain, &mut mirror).await;
        head.send_replace(Extent { sequence, grown: 1 });
        drop(head);
        drop(waiting);
        task.await.expect("ends with the database");
        assert_eq!(upkeep.published().await.expect("reads"), Some(sequence));
    }

    /// What the server before has left unpublished is published without another commit, at the second try.
    #[tokio::test]
    async fn a_publication_that_failed_is_tried_again_without_another_commit() {
        let store = Arc::new(Refusing::new(true));
        let (scratch, mirror, chain) = database(Arc::clone(&store) as _, 1).await;
        let (sequence, upkeep) = (chain.head().sequence, chain.upkeep(Policy::default()));
        let (head, heads) = watch::channel(extent(&chain));
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
