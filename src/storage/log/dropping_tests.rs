//! Drops and branches that end after each of their writes, as after a crash, and what others make of what is left.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::Notify;

use super::*;
use crate::storage::blob::{Blob, BlobFuture, BlobInfo, Body, Listing, Metadata, Precondition, Put};
use crate::storage::log::append::Outcome;
use crate::storage::log::chain::{Chain, Options};
use crate::storage::log::fixture::{Mirror, Scratch, commit, instance};
use crate::storage::log::memory_store::MemoryStore;
use crate::storage::log::restore::Target;
use crate::storage::log::upkeep::Policy;
use crate::storage::log::versions::{branch, databases};

/// A store that does so many writes and then nothing any more.
#[derive(Debug)]
struct Crashing {
    inner: Arc<MemoryStore>,
    left: AtomicU32,
    crashed: Notify,
}

impl Crashing {
    async fn write<T>(&self, work: BlobFuture<'_, T>) -> Result<T, crate::storage::blob::BlobError> {
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err() {
            self.crashed.notify_one();
            std::future::pending::<()>().await;
        }
        work.await
    }
}

impl BlobStore for Crashing {
    fn location(&self) -> String {
        self.inner.location()
    }

    fn get<'a>(&'a self, key: &'a str, range: Option<std::ops::Range<u64>>) -> BlobFuture<'a, Blob> {
        self.inner.get(key, range)
    }

    fn head<'a>(&'a self, key: &'a str) -> BlobFuture<'a, BlobInfo> {
        self.inner.head(key)
    }

    fn put<'a>(&'a self, key: &'a str, body: Body, asked: Precondition, pairs: &'a Metadata) -> BlobFuture<'a, Put> {
        Box::pin(self.write(self.inner.put(key, body, asked, pairs)))
    }

    fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>) -> BlobFuture<'a, Listing> {
        self.inner.list(prefix, after)
    }

    fn delete<'a>(&'a self, key: &'a str) -> BlobFuture<'a, ()> {
        Box::pin(self.write(self.inner.delete(key)))
    }
}

struct World {
    store: Arc<MemoryStore>,
    scratch: Scratch,
    mirror: Mirror,
}

impl World {
    /// A database with a history that is published.
    async fn new() -> Self {
        let (store, scratch, mut mirror) = (Arc::new(MemoryStore::new()), Scratch::new(), Mirror::new(5, 12));
        let file = scratch.path("new.sqlite");
        mirror.write(&file);
        let mut chain = Chain::create(&instance(&store), "app", &file).await.expect("creates");
        for _ in 0..3 {
            commit(&mut chain, &mut mirror).await;
        }
        chain.upkeep(Policy::default()).publish().await.expect("publishes");
        World { store, scratch, mirror }
    }

    fn options(&self) -> Options {
        instance(&self.store)
    }

    async fn open(&self, name: &str) -> Result<Chain> {
        Chain::open(&self.options(), name, &self.scratch.path("copy.sqlite")).await
    }

    /// Does it with so many writes; none if it has not come to its end.
    async fn crash<T>(&self, writes: u32, work: impl AsyncFnOnce(Options) -> T) -> Option<T> {
        let (left, crashed) = (AtomicU32::new(writes), Notify::new());
        let crashing = Arc::new(Crashing { inner: Arc::clone(&self.store), left, crashed });
        let options = Options { store: Arc::clone(&crashing) as _, ..self.options() };
        tokio::select! {
            biased;
            done = work(options) => Some(done),
            () = crashing.crashed.notified() => None,
        }
    }

    async fn drop(&self, name: &str, writes: u32) -> Option<Result<Outcome>> {
        let copy = self.scratch.path("dropped.sqlite");
        self.crash(writes, async |options| Chain::open(&options, name, &copy).await?.drop_database().await).await
    }

    async fn names(&self) -> Vec<String> {
        databases(&(Arc::clone(&self.store) as _)).await.expect("lists")
    }
}

#[tokio::test]
async fn a_drop_that_was_begun_comes_to_its_end_and_nothing_older_comes_back() {
    for writes in 0.. {
        let mut world = World::new().await;
        let dropped = world.drop("app", writes).await;
        let found = world.open("app").await;
        if writes == 0 {
            assert_eq!(found.expect("nothing has happened").head().sequence, 3);
            assert!(world.mirror.is_in(&world.scratch.path("copy.sqlite")));
            continue;
        }
        assert!(matches!(found, Err(LogError::NoSuchDatabase)), "{found:?} after {writes} writes");
        assert_eq!(world.names().await, [""; 0], "after {writes} writes");
        let left = world.store.keys();
        assert!(left.iter().all(|key| key.contains("/log/") || key.ends_with("manifest.json")), "{left:?}");
        let file = world.scratch.path("new.sqlite");
        world.mirror = Mirror::new(6, 4);
        world.mirror.write(&file);
        let mut again = Chain::create(&world.options(), "app", &file).await.expect("the name is free");
        commit(&mut again, &mut world.mirror).await;
        assert_eq!(world.names().await, ["app"]);
        if let Some(outcome) = dropped {
            assert_eq!(outcome.expect("drops"), Outcome::Acknowledged);
            assert!(writes > 5, "{writes}");
            return;
        }
    }
}

#[tokio::test]
async fn what_is_published_after_a_drop_is_not_adopted_and_what_somebody_brings_is() {
    let world = World::new().await;
    let incarnation = world.open("app").await.expect("opens").head().incarnation;
    let file = world.store.get("app.sqlite", None).await.expect("is published").body;
    world.drop("app", u32::MAX).await.expect("ends").expect("drops");
    let late = Metadata::from([("incarnation".to_owned(), incarnation.to_string())]);
    world.store.put("app.sqlite", Body::Bytes(file.clone()), Precondition::None, &late).await.expect("writes");
    assert!(matches!(world.open("app").await, Err(LogError::NoSuchDatabase)));
    assert!(world.store.get("app.sqlite", None).await.is_err(), "it is gone");
    for pairs in [Metadata::new(), Metadata::from([("incarnation".to_owned(), Id::random().to_string())])] {
        world.store.put("app.sqlite", Body::Bytes(file.clone()), Precondition::None, &pairs).await.expect("writes");
        let adopted = world.open("app").await.expect("adopts");
        assert_ne!(adopted.head().incarnation, incarnation);
        world.drop("app", u32::MAX).await.expect("ends").expect("drops");
    }
}

#[tokio::test]
async fn a_publication_that_a_drop_has_overtaken_is_taken_back() {
    let world = World::new().await;
    let upkeep = world.open("app").await.expect("opens").upkeep(Policy::default());
    mark(&upkeep.to, upkeep.writer).await.expect("marks");
    assert!(matches!(upkeep.publish().await, Err(LogError::Dropped)));
    assert!(matches!(upkeep.run(3, u64::MAX).await, Err(LogError::Dropped)), "nothing is folded");
    assert!(matches!(
        branch(&world.options(), "app", Target::Latest, "twig").await,
        Err(LogError::NoSuchDatabase | LogError::Dropped)
    ));
}

#[tokio::test]
async fn a_branch_is_whole_or_not_there_and_its_parent_can_be_dropped_accordingly() {
    for writes in 0.. {
        for drops_parent in [false, true] {
            let world = World::new().await;
            let made =
                world.crash(writes, async |options| branch(&options, "app", Target::Sequence(2), "twig").await).await;
            let parent = if drops_parent { world.drop("app", u32::MAX).await } else { None };
            let child = world.open("twig").await;
            match (&parent, &made) {
                // Who opens it finishes what was begun.
                (None, _) => assert_eq!(child.is_ok(), writes > 0, "{child:?} after {writes} writes"),
                (Some(Ok(_)), None) => assert!(matches!(child, Err(LogError::NoSuchDatabase)), "{child:?}"),
                (Some(Err(LogError::HasBranches(_))), Some(_)) => assert!(child.is_ok(), "{child:?}"),
                other => panic!("{other:?} after {writes} writes"),
            }
            if child.is_ok() {
                world.drop("twig", u32::MAX).await.expect("ends").expect("drops");
                world.drop("app", u32::MAX).await.expect("ends").expect("nothing holds it any more");
            }
            if drops_parent && made.is_some() {
                return;
            }
        }
    }
}

#[tokio::test]
async fn a_branch_whose_drop_was_left_does_not_hold_its_parent_for_ever() {
    for writes in 1.. {
        let world = World::new().await;
        branch(&world.options(), "app", Target::Sequence(2), "twig").await.expect("branches");
        let ended = world.drop("twig", writes).await;
        assert!(matches!(world.open("twig").await, Err(LogError::NoSuchDatabase)), "after {writes} writes");
        let parent = world.drop("app", u32::MAX).await.expect("ends");
        assert_eq!(parent.expect("nothing holds it"), Outcome::Acknowledged, "after {writes} writes");
        if ended.is_some() {
            return;
        }
    }
}

#[tokio::test]
async fn a_pin_without_its_branch_holds_nobody() {
    let world = World::new().await;
    let chain = world.open("app").await.expect("opens");
    let upkeep = chain.upkeep(Policy::default());
    for child in [None, Some(Id::random())] {
        let pin = Pin { branch: "gone".to_owned(), seq: 2, child };
        upkeep
            .update(|manifest, _| {
                manifest.pins.push(pin.clone());
                Ok(true)
            })
            .await
            .expect("pins");
    }
    world.drop("app", u32::MAX).await.expect("ends").expect("drops");
}
