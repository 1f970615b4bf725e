//! Long histories with everything going on at once: every state that is kept can be restored, and is the right one.

use super::*;
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::storage::blob::{BlobStore, Body, Metadata, Precondition};
use crate::storage::log::append::Outcome;
use crate::storage::log::chain::Chain;
use crate::storage::log::changes::Pages;
use crate::storage::log::fixture::{Mirror, Scratch, commit, instance};
use crate::storage::log::memory_store::MemoryStore;
use crate::storage::log::restore::restore;

const SMALL: Policy =
    Policy { segment_deltas: 8, segment_bytes: 1 << 20, base_after_percent: 50, settled: Duration::from_secs(3_600) };

struct World {
    store: Arc<MemoryStore>,
    scratch: Scratch,
    mirror: Mirror,
    chain: Chain,
    upkeep: Upkeep,
}

impl World {
    async fn new(seed: u64, policy: Policy) -> Self {
        let (store, scratch, mirror) = (Arc::new(MemoryStore::new()), Scratch::new(), Mirror::new(seed, 30));
        let file = scratch.path("new.sqlite");
        mirror.write(&file);
        let chain = Chain::create(&instance(&store), "app", &file).await.expect("creates");
        let upkeep = chain.upkeep(policy);
        World { store, scratch, mirror, chain, upkeep }
    }

    async fn manifest(&self) -> Manifest {
        self.upkeep.read().await.expect("reads").manifest
    }

    fn store(&self) -> Arc<dyn BlobStore> {
        Arc::clone(&self.store) as _
    }

    async fn is_restored(&self, sequence: Sequence, expected: &Mirror) -> Result<bool> {
        let path = self.scratch.path("restored.sqlite");
        let head = restore(&self.store(), "app", Target::Sequence(sequence), &path).await?;
        assert_eq!(head.sequence, sequence);
        let is_expected = expected.is_in(&path);
        std::fs::remove_file(&path)?;
        Ok(is_expected)
    }
}

#[tokio::test]
async fn every_state_of_a_long_history_is_restored_while_the_log_is_being_shortened() {
    let mut world = World::new(1, SMALL).await;
    let mut random = StdRng::seed_from_u64(2);
    let mut states = vec![world.mirror.clone()];
    let (mut segments, mut bases, mut deleted) = (0, 0, 0);
    for sequence in 1..=400 {
        commit(&mut world.chain, &mut world.mirror).await;
        states.push(world.mirror.clone());
        world.store.pass(Duration::from_secs(random.random_range(0..600)));
        if random.random_range(0..12) == 0 {
            let done = world.upkeep.run(sequence, 0).await.expect("upkeep");
            segments += done.segments;
            bases += done.bases;
            deleted += done.deleted;
        }
        let any = random.random_range(0..=sequence);
        assert!(world.is_restored(any, &states[any as usize]).await.expect("restores"), "{any} at {sequence}");
    }
    assert!(segments > 30 && bases > 3 && deleted > 200, "{segments} segments, {bases} bases, {deleted} deleted");
    for sequence in 0..=400 {
        assert!(world.is_restored(sequence, &states[sequence as usize]).await.expect("restores"), "{sequence}");
    }
    assert!(matches!(world.is_restored(401, &world.mirror).await, Err(LogError::NotKept)));
    assert_eq!(
        Chain::open(&instance(&world.store), "app", &world.scratch.path("open.sqlite"))
            .await
            .expect("opens")
            .head()
            .sequence,
        400
    );
}

#[tokio::test]
async fn what_is_older_than_the_retention_goes_and_all_else_stays() {
    let mut world = World::new(3, SMALL).await;
    let hour = Duration::from_secs(3_600);
    world.upkeep.retention = Some(hour);
    let mut states = vec![world.mirror.clone()];
    for round in 0..10 {
        for _ in 0..20 {
            commit(&mut world.chain, &mut world.mirror).await;
            states.push(world.mirror.clone());
        }
        // The instance's clock is not the store's: times in the log do not move, so the store's makes them old.
        world.store.pass(if round == 9 { Duration::ZERO } else { hour });
        world.upkeep.run(world.chain.head().sequence, 0).await.expect("upkeep");
    }
    let manifest = world.manifest().await;
    let oldest = manifest.bases[0].seq;
    assert!(oldest > 0, "{manifest:?}");
    for sequence in oldest..=200 {
        assert!(world.is_restored(sequence, &states[sequence as usize]).await.expect("restores"), "{sequence}");
    }
    assert!(matches!(world.is_restored(oldest - 1, &world.mirror).await, Err(LogError::NotKept)));
    for _ in 0..6 {
        world.store.pass(hour);
        world.upkeep.run(200, 0).await.expect("upkeep");
    }
    let manifest = world.manifest().await;
    assert_eq!((manifest.trash.len(), manifest.swept), (0, manifest.floor));
    let named: Vec<String> = manifest
        .bases
        .iter()
        .map(|base| base.key.clone())
        .chain(manifest.segs.iter().map(|segment| segment.key.clone()))
        .chain((manifest.floor + 1..=200).map(|sequence| world.upkeep.to.keys.delta(manifest.incarnation, sequence)))
        .chain(["app.pgs/manifest.json".to_owned()])
        .collect();
    let mut there = world.store.keys();
    there.retain(|key| !named.contains(key));
    assert_eq!(there, Vec::<String>::new(), "nothing is left that nothing names");
}

#[tokio::test]
async fn the_floor_does_not_pass_what_is_younger_than_an_hour_and_deletion_waits_as_long() {
    let mut world = World::new(4, SMALL).await;
    for _ in 0..16 {
        commit(&mut world.chain, &mut world.mirror).await;
    }
    world.upkeep.run(16, 0).await.expect("upkeep");
    world.store.pass(Duration::from_secs(3_599));
    world.upkeep.run(16, 0).await.expect("upkeep");
    assert_eq!(world.manifest().await.floor, 0);
    world.store.pass(Duration::from_secs(1));
    world.upkeep.run(16, 0).await.expect("upkeep");
    assert_eq!((world.manifest().await.floor, world.manifest().await.swept), (16, 0));
    let singles = || world.store.keys().iter().filter(|key| key.contains("/log/")).count();
    world.store.pass(Duration::from_secs(3_599));
    world.upkeep.run(16, 0).await.expect("upkeep");
    assert_eq!(singles(), 16);
    world.store.pass(Duration::from_secs(1));
    assert_eq!(world.upkeep.run(16, 0).await.expect("upkeep").deleted, 16);
    assert_eq!((singles(), world.manifest().await.swept), (0, 16));
}

#[tokio::test]
async fn an_instance_that_slept_too_long_neither_acknowledges_nor_stays_behind() {
    let mut world = World::new(5, SMALL).await;
    let copy = world.scratch.path("sleeper.sqlite");
    let mut sleeper = Chain::open(&instance(&world.store), "app", &copy).await.expect("opens");
    let mut theirs = world.mirror.clone();
    for _ in 0..24 {
        commit(&mut world.chain, &mut world.mirror).await;
    }
    for _ in 0..3 {
        world.store.pass(Duration::from_secs(3_600));
        world.upkeep.run(24, 0).await.expect("upkeep");
    }
    let changes = theirs.clone().change();
    sleeper.forget_what_was_recent();
    assert_eq!(sleeper.append(&changes, &Pages::new()).await.expect("sends"), Outcome::Unknown);
    let incoming = sleeper.catch_up().await.expect("reads").expect("something");
    let previous = theirs.previous(&incoming.wanted());
    // The key that was forgotten now has what the sleeper has written, which belongs to no chain.
    let changes = sleeper.accept(incoming, &previous).expect("accepts");
    theirs.overwrite(&changes);
    assert!(theirs.pages[1..] == world.mirror.pages[1..]);
    assert_eq!(sleeper.head().chain, world.chain.head().chain);
    commit(&mut sleeper, &mut theirs).await;
}

#[tokio::test]
async fn a_segment_or_base_that_is_damaged_or_missing_fails_the_restore() {
    let mut world = World::new(6, SMALL).await;
    for _ in 0..12 {
        commit(&mut world.chain, &mut world.mirror).await;
    }
    world.upkeep.run(12, 0).await.expect("upkeep");
    let manifest = world.manifest().await;
    let (segment, base) = (manifest.segs[0].key.clone(), manifest.bases[0].key.clone());
    for key in [segment, base] {
        for change in [(|bytes: &mut Vec<u8>| bytes[50] ^= 1) as fn(&mut Vec<u8>), |bytes| bytes.truncate(60)] {
            let whole = world.store.get(&key, None).await.expect("get").body;
            world.store.tamper(&key, change);
            let restored = world.is_restored(3, &world.mirror).await;
            assert!(matches!(restored, Err(LogError::Damaged { .. })), "{key}: {restored:?}");
            assert!(
                !world.scratch.path("restored.sqlite").exists()
                    && !world.scratch.path("restored.sqlite.partial").exists()
            );
            world.store.tamper(&key, |bytes| *bytes = whole.to_vec());
        }
        let whole = world.store.get(&key, None).await.expect("get").body;
        world.store.delete(&key).await.expect("delete");
        assert!(world.is_restored(3, &world.mirror).await.is_err());
        let body = Body::Bytes(whole);
        world.store.put(&key, body, Precondition::Absent, &Metadata::new()).await.expect("put");
    }
    world.is_restored(3, &world.mirror).await.expect("is whole again");
}

#[tokio::test]
async fn the_published_file_is_the_latest_state_and_a_foreign_change_is_left_alone() {
    let mut world = World::new(7, SMALL).await;
    for round in 1..4 {
        commit(&mut world.chain, &mut world.mirror).await;
        assert_eq!(world.upkeep.publish().await.expect("publishes"), round);
        let file = world.store.get("app.sqlite", None).await.expect("get");
        let path = world.scratch.path("published.sqlite");
        std::fs::write(&path, &file.body).expect("write");
        assert!(world.mirror.is_in(&path));
        assert_eq!(file.body[18..20], [1, 1]);
        assert_eq!(file.info.metadata["seq"], round.to_string());
    }
    // The manifest was not told of the last publication.
    world
        .upkeep
        .update(|manifest, _| {
            manifest.published = None;
            Ok(true)
        })
        .await
        .expect("updates");
    world.upkeep.publish().await.expect("recognises its own");
    let body = Body::Bytes("mine".into());
    world.store.put("app.sqlite", body, Precondition::None, &Metadata::new()).await.expect("put");
    commit(&mut world.chain, &mut world.mirror).await;
    assert!(matches!(world.upkeep.publish().await, Err(LogError::ForeignFile)));
    assert_eq!(world.store.get("app.sqlite", None).await.expect("get").body, "mine");
}

#[tokio::test]
async fn two_instances_may_look_after_the_same_log_at_once() {
    let mut world = World::new(8, SMALL).await;
    for _ in 0..40 {
        commit(&mut world.chain, &mut world.mirror).await;
    }
    let other = Upkeep { writer: Id::random(), scratch: world.scratch.path("other"), ..world.upkeep.clone() };
    for _ in 0..4 {
        let (one, two) = tokio::join!(world.upkeep.run(40, 0), other.run(40, 0));
        one.and(two).expect("upkeep");
        world.store.pass(Duration::from_secs(3_600));
    }
    assert!(world.is_restored(40, &world.mirror).await.expect("restores"));
    let manifest = world.manifest().await;
    let segments = world.store.keys().iter().filter(|key| key.contains("/seg/")).count();
    assert_eq!((segments, manifest.swept), (manifest.segs.len(), 40));
}
