//! Histories in which nearly every batch is large, because large is what has more than two pages.

use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::storage::blob::{Blob, BlobError, BlobErrorKind, BlobFuture, BlobInfo, Listing, Put};
use crate::storage::log::append::Outcome;
use crate::storage::log::chain::{Chain, Incoming, Options};
use crate::storage::log::fixture::{Mirror, PAGE_SIZE, Scratch, commit, instance};
use crate::storage::log::memory_store::MemoryStore;
use crate::storage::log::pace;
use crate::storage::log::restore::{Target, restore};
use crate::storage::log::upkeep::{Policy, Upkeep};
use crate::storage::log::versions::{Span, versions};

const PART: usize = 2 * PAGE_SIZE;
const SMALL: Policy =
    Policy { segment_deltas: 8, segment_bytes: 1 << 20, base_after_percent: 400, settled: Duration::from_secs(3_600) };

struct World {
    store: Arc<MemoryStore>,
    scratch: Scratch,
    mirror: Mirror,
}

impl World {
    fn new(seed: u64) -> Self {
        World { store: Arc::new(MemoryStore::new()), scratch: Scratch::new(), mirror: Mirror::new(seed, 30) }
    }

    fn options(&self) -> Options {
        Options { part: PART, ..instance(&self.store) }
    }

    async fn create(&self) -> Chain {
        let file = self.scratch.path("new.sqlite");
        self.mirror.write(&file);
        Chain::create(&self.options(), "app", &file).await.expect("creates")
    }

    async fn open(&self, copy: &str) -> Result<Chain> {
        Chain::open(&self.options(), "app", &self.scratch.path(copy)).await
    }

    fn parts(&self) -> Vec<String> {
        self.store.keys().into_iter().filter(|key| key.contains("/part/")).collect()
    }

    async fn restored(&self, sequence: Sequence, expected: &Mirror) -> Result<bool> {
        let store: Arc<dyn BlobStore> = Arc::clone(&self.store) as _;
        let path: PathBuf = self.scratch.path("restored.sqlite");
        restore(&store, "app", Target::Sequence(sequence), &path).await?;
        let is_expected = expected.is_in(&path);
        std::fs::remove_file(&path)?;
        Ok(is_expected)
    }
}

async fn follow(chain: &mut Chain, mirror: &mut Mirror) -> usize {
    let mut large = 0;
    while let Some(incoming) = chain.catch_up().await.expect("reads") {
        large += usize::from(matches!(incoming, Incoming::InParts(..)));
        let previous = mirror.previous(&incoming.wanted());
        let changes = chain.accept(incoming, &previous).expect("accepts");
        mirror.overwrite(&changes);
    }
    large
}

#[tokio::test]
async fn what_one_instance_appends_in_parts_another_one_has() {
    let mut world = World::new(1);
    let mut one = world.create().await;
    let mut two = world.open("two.sqlite").await.expect("opens");
    let mut theirs = world.mirror.clone();
    for _ in 0..60 {
        commit(&mut one, &mut world.mirror).await;
    }
    assert!(world.parts().len() > 100, "{}", world.parts().len());
    assert!(follow(&mut two, &mut theirs).await > 20);
    assert!(theirs.pages[1..] == world.mirror.pages[1..]);
    assert_eq!(two.head().checksums, one.head().checksums);
    let three = world.open("three.sqlite").await.expect("opens");
    assert_eq!(three.head().chain, one.head().chain);
    assert!(world.mirror.is_in(&world.scratch.path("three.sqlite")));
    assert!(!world.scratch.path("two.sqlite.parts").exists(), "what was read is put away");
}

#[tokio::test]
async fn every_state_stays_and_goes_as_if_it_were_whole() {
    let mut world = World::new(2);
    let mut chain = world.create().await;
    let mut upkeep: Upkeep = chain.upkeep(SMALL);
    let mut states = vec![world.mirror.clone()];
    for sequence in 1..=80 {
        commit(&mut chain, &mut world.mirror).await;
        states.push(world.mirror.clone());
        world.store.pass(Duration::from_secs(600));
        upkeep.run(sequence, 0).await.expect("upkeep");
    }
    for (sequence, state) in (0..).zip(&states) {
        assert!(world.restored(sequence, state).await.expect("restores"), "{sequence}");
    }
    let store: Arc<dyn BlobStore> = Arc::clone(&world.store) as _;
    let listed = versions(&store, "app", Span::default()).await.expect("lists");
    assert_eq!(listed.versions.len(), states.len());
    let in_parts = world.parts().len();
    upkeep.retention = Some(Duration::ZERO);
    for _ in 0..6 {
        commit(&mut chain, &mut world.mirror).await;
        world.store.pass(pace::settled());
        upkeep.run(chain.head().sequence, 0).await.expect("upkeep");
    }
    assert!(world.parts().len() < in_parts / 2, "{} of {in_parts}", world.parts().len());
    assert!(world.restored(chain.head().sequence, &world.mirror).await.expect("restores"));
}

#[tokio::test]
async fn of_a_batch_that_lost_nothing_is_left() {
    let mut world = World::new(3);
    let mut one = world.create().await;
    let mut two = world.open("two.sqlite").await.expect("opens");
    let mut theirs = world.mirror.clone();
    for round in 0..10 {
        let won = world.mirror.change_more_than(PART / PAGE_SIZE);
        assert_eq!(one.append(&won, &Pages::new()).await.expect("appends"), Outcome::Acknowledged);
        let parts = world.parts();
        let lost = theirs.clone().change_more_than(PART / PAGE_SIZE);
        assert_eq!(two.append(&lost, &Pages::new()).await.expect("sends"), Outcome::Lost, "round {round}");
        assert_eq!(world.parts(), parts);
        let fork = two.keep_fork(&lost, &Pages::new()).await.expect("keeps");
        assert!(world.store.keys().iter().filter(|key| key.starts_with(&fork)).count() > 2, "with its parts");
        assert_eq!(world.parts(), parts);
        assert_eq!(follow(&mut two, &mut theirs).await, 1);
    }
}

/// A store that is cut off before a delta is written, once its parts are.
#[derive(Debug)]
struct CutOff(Arc<MemoryStore>);

impl BlobStore for CutOff {
    fn location(&self) -> String {
        self.0.location()
    }

    fn get<'a>(&'a self, key: &'a str, range: Option<std::ops::Range<u64>>) -> BlobFuture<'a, Blob> {
        self.0.get(key, range)
    }

    fn head<'a>(&'a self, key: &'a str) -> BlobFuture<'a, BlobInfo> {
        self.0.head(key)
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        body: Body,
        condition: Precondition,
        metadata: &'a Metadata,
    ) -> BlobFuture<'a, Put> {
        if key.contains("/log/") {
            return Box::pin(std::future::pending());
        }
        self.0.put(key, body, condition, metadata)
    }

    fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>) -> BlobFuture<'a, Listing> {
        self.0.list(prefix, after)
    }

    fn delete<'a>(&'a self, key: &'a str) -> BlobFuture<'a, ()> {
        self.0.delete(key)
    }
}

#[tokio::test]
async fn what_a_crash_has_left_is_found_and_what_may_still_be_named_is_not_touched() {
    let mut world = World::new(4);
    let mut one = world.create().await;
    let cut: Arc<dyn BlobStore> = Arc::new(CutOff(Arc::clone(&world.store)));
    let options = Options { store: cut, ..world.options() };
    let mut crashing = Chain::open(&options, "app", &world.scratch.path("two.sqlite")).await.expect("opens");
    let lost = world.mirror.clone().change_more_than(PART / PAGE_SIZE);
    let nothing = Pages::new();
    tokio::select! {
        biased;
        outcome = crashing.append(&lost, &nothing) => panic!("{outcome:?}"),
        () = async { while world.parts().len() < lost.pages.len().div_ceil(2) { tokio::task::yield_now().await } } => {}
    }
    let left = world.parts();
    let upkeep = one.upkeep(SMALL);
    upkeep.run(0, 0).await.expect("upkeep");
    world.store.pass(pace::settled());
    upkeep.run(0, 0).await.expect("upkeep");
    assert_eq!(world.parts(), left, "its delta may yet be written");
    for _ in 0..20 {
        commit(&mut one, &mut world.mirror).await;
    }
    for _ in 0..4 {
        world.store.pass(pace::settled());
        upkeep.run(one.head().sequence, 0).await.expect("upkeep");
    }
    assert!(left.iter().all(|key| !world.parts().contains(key)), "another has its number");
    assert!(world.restored(20, &world.mirror).await.expect("restores"), "whose parts are there");
}

#[tokio::test]
async fn without_one_of_its_parts_nothing_is_made_of_a_delta() {
    let mut world = World::new(5);
    let mut one = world.create().await;
    let mut two = world.open("two.sqlite").await.expect("opens");
    let changes = world.mirror.change_more_than(PART / PAGE_SIZE);
    one.append(&changes, &Pages::new()).await.expect("appends");
    let part = world.parts().pop().expect("a part");
    world.store.tamper(&part, |bytes| bytes[230] ^= 1);
    assert!(matches!(two.catch_up().await, Err(LogError::Damaged { .. })));
    assert!(matches!(world.open("three.sqlite").await, Err(LogError::Damaged { .. })));
    world.store.delete(&part).await.expect("deletes");
    let gone = |error: &BlobError| error.kind == BlobErrorKind::NotFound;
    assert!(matches!(two.catch_up().await, Err(LogError::Store(error)) if gone(&error)));
    assert!(world.open("three.sqlite").await.is_err());
}

/// The most that can be shipped follows from the size of a part, and far exceeds what is tried here.
#[tokio::test]
async fn a_database_may_have_as_many_pages_as_an_object_can_name() {
    let world = World::new(6);
    let chain = world.create().await;
    assert_eq!(chain.most_pages(), 2 * (PART / delta::PART_ENTRY) as u64);
    let usual = Chain::open(&instance(&world.store), "app", &world.scratch.path("two.sqlite")).await.expect("opens");
    assert!(usual.most_pages() * PAGE_SIZE as u64 > 1 << 40);
}
