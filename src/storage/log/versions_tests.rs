use super::*;
use std::time::SystemTime;

use crate::storage::log::append::Outcome;
use crate::storage::log::chain::Chain;
use crate::storage::log::fixture::{Mirror, Scratch, commit, instance};
use crate::storage::log::memory_store::MemoryStore;
use crate::storage::log::restore::restore;
use crate::storage::log::upkeep::Policy;

const SMALL: Policy =
    Policy { segment_deltas: 8, segment_bytes: 1 << 20, base_after_percent: 50, settled: Duration::from_secs(3_600) };

async fn create(store: &Arc<MemoryStore>, scratch: &Scratch, name: &str, mirror: &Mirror) -> Chain {
    let file = scratch.path("new.sqlite");
    mirror.write(&file);
    Chain::create(&instance(store), name, &file).await.expect("creates")
}

#[tokio::test]
async fn versions_are_listed_and_restored_by_number_and_by_time() {
    let (store, scratch, mut mirror) = (Arc::new(MemoryStore::new()), Scratch::new(), Mirror::new(1, 20));
    let mut chain = create(&store, &scratch, "app", &mirror).await;
    let mut states = vec![mirror.clone()];
    for _ in 0..21 {
        commit(&mut chain, &mut mirror).await;
        states.push(mirror.clone());
    }
    chain.upkeep(SMALL).run(21, 0).await.expect("upkeep");
    let seam: Arc<dyn BlobStore> = Arc::clone(&store) as _;
    let listed = versions(&seam, "app", Span::default()).await.expect("lists").versions;
    assert_eq!(listed.iter().map(|version| version.sequence).collect::<Vec<_>>(), (0..=21).collect::<Vec<_>>());
    assert!(listed.windows(2).all(|two| two[0].commit < two[1].commit));
    let kinds: Vec<_> = listed.iter().map(|version| version.kind).collect();
    assert_eq!((kinds[0], kinds[1], kinds[16], kinds[21]), (Kind::Base, Kind::Segment, Kind::Base, Kind::Delta));
    let path = scratch.path("restored.sqlite");
    for version in listed {
        let target = Target::Time(version.commit.time());
        let head = restore(&seam, "app", target, &path).await.expect("restores");
        assert_eq!((head.sequence, head.checksums.total()), (version.sequence, version.post_checksum));
        assert!(states[version.sequence as usize].is_in(&path));
        let again = restore(&seam, "app", target, &path).await;
        assert!(matches!(again, Err(LogError::Local(error)) if error.kind() == std::io::ErrorKind::AlreadyExists));
        std::fs::remove_file(&path).expect("removes");
    }
    let early = restore(&seam, "app", Target::Time(SystemTime::UNIX_EPOCH), &path).await;
    assert!(matches!(early, Err(LogError::NotKept)));
}

#[tokio::test]
async fn a_branch_copies_nothing_and_goes_its_own_way() {
    let (store, scratch, mut mirror) = (Arc::new(MemoryStore::new()), Scratch::new(), Mirror::new(2, 20));
    let mut chain = create(&store, &scratch, "app", &mirror).await;
    let options = instance(&store);
    for _ in 0..10 {
        commit(&mut chain, &mut mirror).await;
    }
    let mut theirs = mirror.clone();
    let keys = store.keys().len();
    assert_eq!(branch(&options, "app", Target::Latest, "fork").await.expect("branches"), 10);
    assert_eq!(store.keys().len(), keys + 1);
    assert!(matches!(branch(&options, "app", Target::Latest, "fork").await, Err(LogError::Exists)));
    assert!(matches!(branch(&options, "app", Target::Sequence(11), "x").await, Err(LogError::NotKept)));
    assert!(matches!(chain.drop_database().await, Err(LogError::HasBranches(_))));

    let mut fork = Chain::open(&options, "fork", &scratch.path("fork.sqlite")).await.expect("opens");
    assert!(theirs.is_in(&scratch.path("fork.sqlite")));
    for _ in 0..20 {
        commit(&mut fork, &mut theirs).await;
        commit(&mut chain, &mut mirror).await;
    }
    for _ in 0..4 {
        store.pass(Duration::from_secs(30 * 24 * 3_600));
        chain.upkeep(SMALL).run(30, 0).await.expect("upkeep");
    }
    Chain::open(&options, "fork", &scratch.path("again.sqlite")).await.expect("the pin keeps what it needs");
    assert!(theirs.is_in(&scratch.path("again.sqlite")));

    branch(&options, "fork", Target::Sequence(10), "twig").await.expect("branches at the branch's beginning");
    Chain::open(&options, "twig", &scratch.path("twig.sqlite")).await.expect("opens");
    let mut twig = Chain::open(&options, "twig", &scratch.path("twig.sqlite")).await.expect("opens");
    assert_eq!(twig.drop_database().await.expect("drops"), Outcome::Acknowledged);

    for _ in 0..4 {
        store.pass(Duration::from_secs(30 * 24 * 3_600));
        fork.upkeep(SMALL).run(30, 0).await.expect("upkeep");
    }
    let theirs_now = manifest::read(&options.store, &Keys::of("fork")).await.expect("reads").manifest;
    assert_eq!(theirs_now.parent, None, "it has a base of its own");
    assert_eq!(chain.drop_database().await.expect("nothing depends on it"), Outcome::Acknowledged);
    Chain::open(&options, "fork", &scratch.path("alone.sqlite")).await.expect("opens");
    assert!(theirs.is_in(&scratch.path("alone.sqlite")));
    assert_eq!(databases(&options.store).await.expect("lists"), ["fork"]);
}

#[tokio::test]
async fn databases_are_listed_without_reading_their_logs() {
    let (store, scratch) = (Arc::new(MemoryStore::new()), Scratch::new());
    for name in ["b", "a b", "größe"] {
        let mut mirror = Mirror::new(3, 5);
        let mut chain = create(&store, &scratch, name, &mirror).await;
        for _ in 0..20 {
            commit(&mut chain, &mut mirror).await;
        }
    }
    let seam: Arc<dyn BlobStore> = Arc::clone(&store) as _;
    assert_eq!(databases(&seam).await.expect("lists"), ["a b", "b", "größe"]);
    set_retention(&instance(&store), "b", Duration::from_secs(5)).await.expect("sets");
    assert_eq!(manifest::read(&seam, &Keys::of("b")).await.expect("reads").manifest.retention_seconds, 5);
}
