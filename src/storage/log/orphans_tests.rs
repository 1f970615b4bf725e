//! Uploaders that sleep at the wrong moment, clocks that run differently, and collectors that come at any time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;
use crate::storage::blob::{BlobStore, Body, Metadata, Precondition};
use crate::storage::log::chain::Chain;
use crate::storage::log::fixture::{Mirror, Scratch, commit, instance};
use crate::storage::log::memory_store::MemoryStore;
use crate::storage::log::upkeep::Policy;

/// An upload of an imagined instance.
struct Upload {
    /// When it came to the store.
    written: f64,
    /// What its instance's clock said when it was answered.
    uploaded: f64,
    /// When its instance goes on.
    wakes: f64,
}

/// One history in seconds: how many named objects were deleted. `guarded`: uploaders look at their clocks.
fn history(seed: u64, guarded: bool) -> u32 {
    let mut random = StdRng::seed_from_u64(seed);
    // Ten seconds a day fast or slow, and any time at all.
    let rate = 1.0 + random.random_range(-1e-4..1e-4);
    let offset = random.random_range(0.0..1e9);
    let own = |time: f64| offset + time * rate;
    let moment = |seconds: f64| {
        let since = Duration::from_secs_f64(seconds);
        Moment { since_boot: Some(since), wall: UNIX_EPOCH + since }
    };
    let (mut now, mut uploads, mut unnamed, mut lost) = (0.0, BTreeMap::new(), Vec::<u32>::new(), 0);
    for object in 0..200 {
        now += random.random_range(0.0..7_200.0);
        // The answer may be late; and the machine may sleep before it goes on.
        let answered = now + random.random_range(0.0..60.0);
        let sleeps = if random.random_range(0..3) == 0 { random.random_range(0.0..400_000.0) } else { 1.0 };
        uploads.insert(object, Upload { written: now, uploaded: own(answered), wakes: answered + sleeps });
        unnamed.push(object);
        let deleted = |upload: &Upload, at: f64| {
            let time = |seconds: f64| UNIX_EPOCH + Duration::from_secs_f64(seconds);
            is_forgotten(time(at), time(upload.written), pace::forgotten())
        };
        unnamed.retain(|object| {
            let upload = &uploads[object];
            if upload.wakes > now {
                return true;
            }
            // The collector came at any time before; the manifest may be changed a minute after the look at the clock.
            let names = !guarded || may_be_named(moment(own(upload.wakes)), moment(upload.uploaded));
            lost += u32::from(names && deleted(upload, upload.wakes + 60.0));
            false
        });
    }
    lost
}

#[test]
fn what_was_named_is_never_deleted_as_long_as_uploaders_look_at_their_clocks() {
    assert_eq!((0..1_000).map(|seed| history(seed, true)).sum::<u32>(), 0);
    assert!((0..1_000).map(|seed| history(seed, false)).sum::<u32>() > 1_000, "without that it is");
}

#[tokio::test]
async fn what_nothing_names_goes_after_a_day_and_all_else_stays() {
    let (store, scratch, mut mirror) = (Arc::new(MemoryStore::new()), Scratch::new(), Mirror::new(1, 20));
    let file = scratch.path("new.sqlite");
    mirror.write(&file);
    let mut chain = Chain::create(&instance(&store), "app", &file).await.expect("creates");
    let policy = Policy { segment_deltas: 4, ..Policy::default() };
    let mut upkeep = chain.upkeep(policy);
    upkeep.retention = Some(Duration::from_secs(2 * 86_400));
    let mine = upkeep.to.keys.incarnation(upkeep.to.incarnation);
    let left = [
        format!("{mine}base/0000000000000001-left.zst"),
        format!("{mine}seg/0000000000000001-0000000000000002-left"),
        format!("{mine}fork/0000000000000001-left"),
        "app.pgs/00000000000000000000000000000000/log/0000000000000001".to_owned(),
    ];
    for key in &left {
        let body = Body::Bytes("left".into());
        store.put(key, body, Precondition::None, &Metadata::new()).await.expect("writes");
    }
    let there = |store: &MemoryStore| left.iter().map(|key| store.keys().contains(key)).collect::<Vec<_>>();
    for (hours, expected) in
        [(0, [true; 4]), (2, [true, true, true, false]), (23, [false, false, true, false]), (24, [false; 4])]
    {
        store.pass(Duration::from_secs(hours * 3_600));
        for _ in 0..5 {
            commit(&mut chain, &mut mirror).await;
        }
        upkeep.run(chain.head().sequence, 0).await.expect("upkeep");
        upkeep.delete_orphans().await.expect("deletes");
        assert_eq!(there(&store), expected, "after {hours} hours more");
    }
    Chain::open(&instance(&store), "app", &scratch.path("copy.sqlite")).await.expect("opens");
    assert!(mirror.is_in(&scratch.path("copy.sqlite")));
}
