//! Instances of one database over a store in memory.

use super::*;
use crate::storage::log::fixture::{Mirror, Scratch, commit, instance};
use crate::storage::log::memory_store::MemoryStore;
use crate::storage::log::wal::WalPosition;

impl Chain {
    /// As if a long time had passed.
    pub(in crate::storage::log) fn forget_what_was_recent(&mut self) {
        (self.proof, self.manifest_read) = (None, None);
    }
}

struct World {
    store: Arc<MemoryStore>,
    scratch: Scratch,
    mirror: Mirror,
}

impl World {
    fn new(seed: u64) -> Self {
        World { store: Arc::new(MemoryStore::new()), scratch: Scratch::new(), mirror: Mirror::new(seed, 20) }
    }

    async fn create(&self, name: &str) -> Chain {
        let file = self.scratch.path("new.sqlite");
        self.mirror.write(&file);
        Chain::create(&instance(&self.store), name, &file).await.expect("creates")
    }

    async fn open(&self, name: &str, copy: &str) -> Result<Chain> {
        Chain::open(&instance(&self.store), name, &self.scratch.path(copy)).await
    }
}

/// Takes over what others have appended.
async fn follow(chain: &mut Chain, mirror: &mut Mirror) -> u32 {
    let mut times = 0;
    while let Some(incoming) = chain.catch_up().await.expect("reads") {
        let previous = mirror.previous(&incoming.wanted());
        let changes = chain.accept(incoming, &previous).expect("accepts");
        mirror.overwrite(&changes);
        times += 1;
    }
    times
}

#[tokio::test]
async fn what_one_instance_appends_another_one_has() {
    let mut world = World::new(1);
    let mut one = world.create("app").await;
    assert!(matches!(
        Chain::create(&instance(&world.store), "app", &world.scratch.path("new.sqlite")).await,
        Err(LogError::Exists)
    ));
    let mut theirs = world.mirror.clone();
    let mut two = world.open("app", "two.sqlite").await.expect("opens");
    assert!(world.mirror.is_in(&world.scratch.path("two.sqlite")));
    for _ in 0..150 {
        commit(&mut one, &mut world.mirror).await;
    }
    assert_eq!(follow(&mut two, &mut theirs).await, 3, "at most so many at once");
    assert_eq!(theirs.pages[1..], world.mirror.pages[1..]);
    assert_eq!(two.head().checksums, one.head().checksums);
    let three = world.open("app", "three.sqlite").await.expect("opens");
    assert_eq!(three.head().chain, one.head().chain);
    assert!(world.mirror.is_in(&world.scratch.path("three.sqlite")));
}

#[tokio::test]
async fn of_two_that_append_one_loses_and_goes_on_from_the_other() {
    let mut world = World::new(2);
    let mut one = world.create("app").await;
    let mut two = world.open("app", "two.sqlite").await.expect("opens");
    let mut theirs = world.mirror.clone();
    for round in 0..20 {
        commit(&mut one, &mut world.mirror).await;
        let mut local = theirs.clone();
        let changes = local.change();
        let previous = theirs.previous(&two.wanted(&changes));
        assert_eq!(two.append(&changes, &previous).await.expect("sends"), Outcome::Lost, "round {round}");
        let kept = two.keep_fork(&changes, &previous).await.expect("keeps");
        let kept = delta::decode(&world.store.get(&kept, None).await.expect("get").body).expect("decodes");
        assert_eq!(kept.header.previous, two.head.chain);
        assert_eq!(follow(&mut two, &mut theirs).await, 1);
        commit(&mut two, &mut theirs).await;
        assert_eq!(follow(&mut one, &mut world.mirror).await, 1);
        assert_eq!(one.head().checksums, two.head().checksums);
    }
}

#[tokio::test]
async fn a_working_copy_is_used_again_only_if_it_is_what_was_recorded() {
    let mut world = World::new(3);
    let mut chain = world.create("app").await;
    let copy = world.scratch.path("copy.sqlite");
    commit(&mut chain, &mut world.mirror).await;
    world.mirror.write(&copy);
    chain.state(WalMark::default()).save(&copy).expect("saves");
    for _ in 0..3 {
        commit(&mut chain, &mut world.mirror).await;
    }
    let base = world.store.keys().into_iter().find(|key| key.contains("/base/")).expect("a base");
    world.store.tamper(&base, |bytes| bytes.truncate(10));
    let again = world.open("app", "copy.sqlite").await.expect("needs no base");
    assert_eq!(again.head().checksums, chain.head().checksums);
    assert!(world.mirror.is_in(&copy));

    again.state(WalMark::default()).save(&copy).expect("saves");
    let mut bytes = std::fs::read(&copy).expect("read");
    bytes[700] ^= 1;
    std::fs::write(&copy, bytes).expect("write");
    let damaged = world.open("app", "copy.sqlite").await;
    assert!(matches!(damaged, Err(LogError::Damaged { .. })), "it was fetched anew: {damaged:?}");
}

#[tokio::test]
async fn what_was_never_acknowledged_is_cut_off_a_working_copy() {
    let mut world = World::new(4);
    let mut chain = world.create("app").await;
    commit(&mut chain, &mut world.mirror).await;
    let copy = world.scratch.path("copy.sqlite");
    world.mirror.write(&copy);
    // A log that begins after the state: nothing of it counts.
    std::fs::write(beside(&copy, "-wal"), [0; 4_000]).expect("write");
    chain.state(WalMark { position: WalPosition::default(), checksum: (0, 0) }).save(&copy).expect("saves");
    world.open("app", "copy.sqlite").await.expect("opens");
    assert!(!beside(&copy, "-wal").exists());
    assert!(world.mirror.is_in(&copy));
}

#[tokio::test]
async fn a_plain_file_in_the_store_is_adopted() {
    let world = World::new(5);
    assert!(matches!(world.open("app", "copy.sqlite").await, Err(LogError::NoSuchDatabase)));
    let body = Body::Bytes(Bytes::from(world.mirror.pages.concat()));
    world.store.put("app.sqlite", body, Precondition::None, &Metadata::new()).await.expect("put");
    let one = world.open("app", "copy.sqlite").await.expect("adopts");
    assert!(world.mirror.is_in(&world.scratch.path("copy.sqlite")));
    let two = world.open("app", "other.sqlite").await.expect("opens");
    assert_eq!(one.head().chain, two.head().chain);
    let upkeep = one.upkeep(Policy::default());
    upkeep.publish().await.expect("may overwrite what was adopted");
    let body = Body::Bytes(Bytes::from("no database"));
    world.store.put("text.sqlite", body, Precondition::None, &Metadata::new()).await.expect("put");
    assert!(world.open("text", "text.sqlite").await.is_err());
}

#[tokio::test]
async fn a_dropped_database_ends_for_everybody() {
    let mut world = World::new(6);
    let mut one = world.create("app").await;
    let mut two = world.open("app", "two.sqlite").await.expect("opens");
    commit(&mut one, &mut world.mirror).await;
    assert_eq!(two.drop_database().await.expect("sends"), Outcome::Lost);
    let mut theirs = Mirror::new(6, 20);
    follow(&mut two, &mut theirs).await;
    assert_eq!(two.drop_database().await.expect("drops"), Outcome::Acknowledged);
    let left = world.store.keys();
    let (log, tombstone): (Vec<_>, Vec<_>) = left.iter().partition(|key| key.contains("/log/"));
    assert_eq!((log.len(), tombstone), (2, vec![&"app.pgs/manifest.json".to_owned()]));
    let changes = world.mirror.clone().change();
    assert_eq!(one.append(&changes, &Pages::new()).await.expect("sends"), Outcome::Lost, "it has not heard of it");
    assert!(matches!(one.catch_up().await, Err(LogError::Dropped)));
    assert!(matches!(world.open("app", "one.sqlite").await, Err(LogError::NoSuchDatabase)));
    world.store.pass(pace::settled());
    let again = world.create("app").await;
    assert!(world.store.keys().iter().all(|key| !key.contains(&one.head.incarnation.to_string())));
    assert!(matches!(world.open("app", "two.sqlite").await, Ok(chain) if chain.head().chain == again.head().chain));
    one.forget_what_was_recent();
    assert!(matches!(one.catch_up().await, Err(LogError::Dropped)));
}

#[tokio::test]
async fn what_was_left_of_a_drop_is_removed_when_it_is_found() {
    let world = World::new(9);
    let mut one = world.create("app").await;
    let manifest = world.store.get("app.pgs/manifest.json", None).await.expect("get").body;
    let base = world.store.keys().into_iter().find(|key| key.contains("/base/")).expect("a base");
    let whole = world.store.get(&base, None).await.expect("get").body;
    assert_eq!(one.drop_database().await.expect("drops"), Outcome::Acknowledged);
    for (key, body) in [("app.pgs/manifest.json", manifest), (&base, whole)] {
        world.store.put(key, Body::Bytes(body), Precondition::None, &Metadata::new()).await.expect("put");
    }
    assert!(matches!(world.open("app", "copy.sqlite").await, Err(LogError::NoSuchDatabase)));
    world.create("app").await;
}

#[tokio::test]
async fn a_page_that_is_not_what_became_durable_is_never_built_upon() {
    let mut world = World::new(7);
    let mut chain = world.create("app").await;
    let changes = world.mirror.clone().change();
    let mut previous = world.mirror.previous(&[2]);
    previous.get_mut(&2).expect("page")[7] ^= 1;
    assert!(matches!(chain.append(&changes, &previous).await, Err(LogError::Diverged(_))));
    let mut grown = changes;
    grown.count += 2;
    assert!(matches!(chain.append(&grown, &Pages::new()).await, Err(LogError::Impossible(_))));
    assert_eq!(chain.head().sequence, 0);
    commit(&mut chain, &mut world.mirror).await;
}

#[tokio::test]
async fn damage_in_the_log_is_found_and_nothing_is_made_of_it() {
    let mut world = World::new(8);
    let mut one = world.create("app").await;
    let mut two = world.open("app", "two.sqlite").await.expect("opens");
    commit(&mut one, &mut world.mirror).await;
    let key = one.to.keys.delta(one.head.incarnation, 1);
    world.store.tamper(&key, |bytes| bytes[300] ^= 1);
    assert!(matches!(two.catch_up().await, Err(LogError::Damaged { .. })));
    assert!(matches!(world.open("app", "three.sqlite").await, Err(LogError::Damaged { .. })));
}
