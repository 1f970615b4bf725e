//! What every store must keep to, as checks that run against a real one.
//!
//! Owns: the contract of [`BlobStore`], one function per clause. Must not know: any backend. A new backend's tests call
//! [`check`]; the first clause that is broken is its error.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinSet;

use crate::storage::blob::{BlobError, BlobErrorKind, BlobStore, Body, ETag, Listing, Metadata, Precondition, Put};

/// How much is tried; more takes longer.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Writers that race for one key.
    pub writers: usize,
    /// Keys in one listing; more than a page of the store if pages are to be tested.
    pub keys: usize,
    /// Of a file, in bytes; more than what the backend sends in one request if parts are to be tested.
    pub file: u64,
}

/// Checks the whole contract below the prefix, where nothing may be yet, and leaves nothing there.
pub async fn check(store: &Arc<dyn BlobStore>, prefix: &str, effort: Effort) -> Result<(), String> {
    what_is_not_there(store, &format!("{prefix}/missing")).await?;
    what_is_put_is_got(store, &format!("{prefix}/put")).await?;
    ranges(store, &format!("{prefix}/ranges")).await?;
    absent(store, &format!("{prefix}/absent")).await?;
    matches(store, &format!("{prefix}/matches")).await?;
    one_of_many_creates(store, &format!("{prefix}/create"), effort.writers).await?;
    one_of_many_replaces(store, &format!("{prefix}/replace"), effort.writers).await?;
    names_and_order(store, &format!("{prefix}/names")).await?;
    long_listings(store, &format!("{prefix}/many"), effort.keys).await?;
    files(store, &format!("{prefix}/files"), effort.file).await?;
    let left = listed(store, prefix).await?;
    ensure(left.is_empty(), || format!("deleted keys are listed: {left:?}"))
}

fn ensure(holds: bool, broken: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(broken()) }
}

/// The error must be of that kind.
fn refused<T: std::fmt::Debug>(what: &str, kind: BlobErrorKind, result: Result<T, BlobError>) -> Result<(), String> {
    match result {
        Err(error) if error.kind == kind => Ok(()),
        other => Err(format!("{what}: expected {kind:?}, not {other:?}")),
    }
}

/// An error is a broken contract.
fn sound<T>(what: &str, result: Result<T, BlobError>) -> Result<T, String> {
    result.map_err(|error| format!("{what}: {error} ({:?})", error.kind))
}

fn bytes(text: impl Into<Bytes>) -> Body {
    Body::Bytes(text.into())
}

async fn put(store: &Arc<dyn BlobStore>, key: &str, body: &str, condition: Precondition) -> Result<Put, BlobError> {
    store.put(key, bytes(body.to_owned()), condition, &Metadata::new()).await
}

/// What the key holds now.
async fn holds(store: &Arc<dyn BlobStore>, key: &str, expected: &str) -> Result<(), String> {
    let blob = sound("get", store.get(key, None).await)?;
    ensure(blob.body == expected, || format!("{key} holds {:?}, not {expected:?}", blob.body))
}

async fn delete(store: &Arc<dyn BlobStore>, key: &str) -> Result<(), String> {
    sound("delete", store.delete(key).await)
}

/// All keys with the prefix, page by page.
async fn listed(store: &Arc<dyn BlobStore>, prefix: &str) -> Result<Vec<String>, String> {
    let mut keys: Vec<String> = Vec::new();
    loop {
        let Listing { keys: page, more } = sound("list", store.list(prefix, keys.last().map(String::as_str)).await)?;
        ensure(!more || !page.is_empty(), || "an empty page with more after it".to_owned())?;
        keys.extend(page.into_iter().map(|key| key.key));
        if !more {
            return Ok(keys);
        }
    }
}

async fn what_is_not_there(store: &Arc<dyn BlobStore>, key: &str) -> Result<(), String> {
    refused("get of nothing", BlobErrorKind::NotFound, store.get(key, None).await)?;
    refused("get of a range of nothing", BlobErrorKind::NotFound, store.get(key, Some(0..1)).await)?;
    refused("head of nothing", BlobErrorKind::NotFound, store.head(key).await)?;
    sound("delete of nothing", store.delete(key).await)?;
    ensure(listed(store, key).await?.is_empty(), || "nothing is listed".to_owned())
}

async fn what_is_put_is_got(store: &Arc<dyn BlobStore>, key: &str) -> Result<(), String> {
    let pairs = [("nonce", "7f a+/=%"), ("b1", "digit"), ("b_", "underscore"), ("ba", "letter")];
    let metadata: Metadata = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let body: Bytes = (0..=255).collect::<Vec<u8>>().into();
    let put = sound("put", store.put(key, bytes(body.clone()), Precondition::None, &metadata).await)?;
    let blob = sound("get", store.get(key, None).await)?;
    let info = sound("head", store.head(key).await)?;
    ensure(blob.body == body, || format!("got {:?}", blob.body))?;
    for info in [&info, &blob.info] {
        ensure(info.size == 256 && info.metadata == metadata && info.etag == put.etag, || {
            format!("put {put:?} {metadata:?}, got {info:?}")
        })?;
        let age = info.store_time.duration_since(info.last_modified).unwrap_or_default();
        ensure(age < Duration::from_secs(60), || format!("new, and {age:?} old by the store's clock"))?;
    }
    let empty = sound("put of nothing", store.put(key, bytes(""), Precondition::None, &Metadata::new()).await)?;
    let blob = sound("get", store.get(key, None).await)?;
    ensure(blob.body.is_empty() && blob.info.size == 0 && blob.info.metadata.is_empty(), || format!("{blob:?}"))?;
    ensure(blob.info.etag == empty.etag && empty.etag != put.etag, || "an overwritten object's ETag".to_owned())?;
    delete(store, key).await
}

async fn ranges(store: &Arc<dyn BlobStore>, key: &str) -> Result<(), String> {
    sound("put", put(store, key, "0123456789", Precondition::None).await)?;
    for (range, expected) in
        [(0..3, "012"), (4..5, "4"), (8..20, "89"), (0..10, "0123456789"), (10..12, ""), (99..100, ""), (3..3, "")]
    {
        let blob = sound("get of a range", store.get(key, Some(range.clone())).await)?;
        ensure(blob.body == expected && blob.info.size == 10, || format!("{range:?} of 0123456789 is {blob:?}"))?;
    }
    sound("put", put(store, key, "", Precondition::None).await)?;
    let blob = sound("get of a range of an empty object", store.get(key, Some(0..5)).await)?;
    ensure(blob.body.is_empty() && blob.info.size == 0, || format!("0..5 of nothing is {blob:?}"))?;
    delete(store, key).await
}

async fn absent(store: &Arc<dyn BlobStore>, key: &str) -> Result<(), String> {
    sound("create", put(store, key, "first", Precondition::Absent).await)?;
    for second in ["second", "first"] {
        let again = put(store, key, second, Precondition::Absent).await;
        refused("create of what is there", BlobErrorKind::PreconditionFailed, again)?;
        holds(store, key, "first").await?;
    }
    delete(store, key).await?;
    sound("create of what was deleted", put(store, key, "third", Precondition::Absent).await)?;
    holds(store, key, "third").await?;
    delete(store, key).await
}

async fn matches(store: &Arc<dyn BlobStore>, key: &str) -> Result<(), String> {
    let first = sound("put", put(store, key, "first", Precondition::None).await)?;
    let second = sound("replace", put(store, key, "second", Precondition::Matches(first.etag.clone())).await)?;
    holds(store, key, "second").await?;
    for stale in [first.etag, ETag("\"0000\"".to_owned())] {
        let lost = put(store, key, "third", Precondition::Matches(stale)).await;
        refused("replace of another version", BlobErrorKind::PreconditionFailed, lost)?;
        holds(store, key, "second").await?;
    }
    delete(store, key).await?;
    let gone = put(store, key, "fourth", Precondition::Matches(second.etag)).await;
    refused("replace of what is gone", BlobErrorKind::PreconditionFailed, gone)?;
    refused("get of what is gone", BlobErrorKind::NotFound, store.get(key, None).await)
}

async fn one_of_many_creates(store: &Arc<dyn BlobStore>, key: &str, writers: usize) -> Result<(), String> {
    race(store, key, writers, Precondition::Absent).await?;
    delete(store, key).await
}

async fn one_of_many_replaces(store: &Arc<dyn BlobStore>, key: &str, writers: usize) -> Result<(), String> {
    let first = sound("put", put(store, key, "first", Precondition::None).await)?;
    race(store, key, writers, Precondition::Matches(first.etag)).await?;
    delete(store, key).await
}

/// Writes that race: one wins, the others learn it, and the winner's body is there.
async fn race(store: &Arc<dyn BlobStore>, key: &str, writers: usize, condition: Precondition) -> Result<(), String> {
    let mut attempts = JoinSet::new();
    for writer in 0..writers {
        let (store, key, condition) = (Arc::clone(store), key.to_owned(), condition.clone());
        attempts.spawn(async move {
            loop {
                match put(&store, &key, &writer.to_string(), condition.clone()).await {
                    // A store may ask a racer to come again; what it wrote, if it did, is found by the next attempt.
                    Err(error) if error.kind == BlobErrorKind::Unavailable => {}
                    result => return (writer, result),
                }
            }
        });
    }
    let mut winners = Vec::new();
    while let Some(done) = attempts.join_next().await {
        match done.map_err(|error| error.to_string())? {
            (writer, Ok(_)) => winners.push(writer),
            (_, lost) => refused("lost race", BlobErrorKind::PreconditionFailed, lost)?,
        }
    }
    match winners[..] {
        [winner] => holds(store, key, &winner.to_string()).await,
        _ => Err(format!("{writers} writers raced with {condition:?}, and these won: {winners:?}")),
    }
}

async fn names_and_order(store: &Arc<dyn BlobStore>, prefix: &str) -> Result<(), String> {
    // In byte order. What is not asked for is a key that is another's beginning up to a slash, and the place of
    // "d/0" between "d.b" and "d0": some stores keep objects as files.
    let names = ["-", "A", "_", "a", "a-b", "a.b", "a0", "a@2026-11-23T10", "a_b", "ab", "b.sqlite", "d/0", "d/b/c"];
    let keys: Vec<String> = names.iter().map(|name| format!("{prefix}/{name}")).collect();
    for key in keys.iter().rev() {
        sound("put", put(store, key, key, Precondition::Absent).await)?;
    }
    let listing = sound("list", store.list(&format!("{prefix}/"), None).await)?;
    let sizes_are_right = listing.keys.iter().all(|listed| listed.size == listed.key.len() as u64);
    ensure(sizes_are_right, || format!("sizes are wrong: {listing:?}"))?;
    let everything = listed(store, &format!("{prefix}/")).await?;
    ensure(everything == keys, || format!("listed {everything:?}, not {keys:?}"))?;
    for (index, key) in keys.iter().enumerate() {
        holds(store, key, key).await?;
        let with_prefix = listed(store, key).await?;
        let expected: Vec<_> = keys.iter().filter(|other| other.starts_with(key.as_str())).cloned().collect();
        ensure(with_prefix == expected, || format!("with prefix {key}: {with_prefix:?}, not {expected:?}"))?;
        let later = sound("list", store.list(&format!("{prefix}/"), Some(key)).await)?;
        let first = later.keys.first().map(|listed| &listed.key);
        ensure(first == keys.get(index + 1), || format!("after {key} comes {first:?}"))?;
    }
    // A key to go on after need not be there.
    let after_deleted = format!("{prefix}/a.a");
    let later = sound("list", store.list(&format!("{prefix}/"), Some(&after_deleted)).await)?;
    let first = later.keys.first().map(|listed| &listed.key);
    ensure(first == keys.get(5), || format!("after {after_deleted} comes {first:?}"))?;
    for key in &keys {
        delete(store, key).await?;
    }
    Ok(())
}

async fn long_listings(store: &Arc<dyn BlobStore>, prefix: &str, count: usize) -> Result<(), String> {
    let keys: Vec<String> = (0..count).map(|number| format!("{prefix}/{number:08}")).collect();
    each(&keys, store, |store, key| async move { put(&store, &key, "", Precondition::None).await.map(drop) }).await?;
    let all = listed(store, prefix).await?;
    ensure(all == keys, || format!("{} of {count} keys are listed", all.len()))?;
    each(&keys, store, |store, key| async move { store.delete(&key).await }).await
}

/// Does something with each key, some at a time.
async fn each<F>(
    keys: &[String],
    store: &Arc<dyn BlobStore>,
    action: impl Fn(Arc<dyn BlobStore>, String) -> F,
) -> Result<(), String>
where
    F: Future<Output = Result<(), BlobError>> + Send + 'static,
{
    for some in keys.chunks(16) {
        let mut running = JoinSet::new();
        for key in some {
            running.spawn(action(Arc::clone(store), key.clone()));
        }
        while let Some(done) = running.join_next().await {
            sound("one of many", done.map_err(|error| error.to_string())?)?;
        }
    }
    Ok(())
}

async fn files(store: &Arc<dyn BlobStore>, key: &str, size: u64) -> Result<(), String> {
    let path = std::env::temp_dir().join(format!("pgserver-contract-{:016x}", rand::random::<u64>()));
    let result = files_of(store, key, size, &path).await;
    std::fs::remove_file(&path).map_err(|error| error.to_string())?;
    result
}

async fn files_of(store: &Arc<dyn BlobStore>, key: &str, size: u64, path: &Path) -> Result<(), String> {
    let metadata = Metadata::from([("kind".to_owned(), "base".to_owned())]);
    for size in [0, 1000, size] {
        let content: Bytes = (0..size).map(|at| (at.wrapping_mul(0x9e37_79b9) >> 13) as u8).collect::<Vec<_>>().into();
        std::fs::write(path, &content).map_err(|error| error.to_string())?;
        let file = || Body::File(path.to_owned());
        let first = sound("put of a file", store.put(key, file(), Precondition::Absent, &metadata).await)?;
        let blob = sound("get", store.get(key, None).await)?;
        ensure(blob.body == content, || format!("a file of {size} bytes came back changed"))?;
        let expected = (size, &first.etag, &metadata);
        let got = (blob.info.size, &blob.info.etag, &blob.info.metadata);
        ensure(got == expected, || format!("file: {got:?}, not {expected:?}"))?;
        let again = store.put(key, file(), Precondition::Absent, &metadata).await;
        refused("create of a file that is there", BlobErrorKind::PreconditionFailed, again)?;
        let stale = Precondition::Matches(ETag("\"0000\"".to_owned()));
        let lost = store.put(key, file(), stale, &metadata).await;
        refused("replace of another version by a file", BlobErrorKind::PreconditionFailed, lost)?;
        let matching = Precondition::Matches(first.etag);
        sound("replace by a file", store.put(key, file(), matching, &Metadata::new()).await)?;
        delete(store, key).await?;
    }
    let nowhere = Body::File(path.with_extension("not-there"));
    refused(
        "a file that is not there",
        BlobErrorKind::Invalid,
        store.put(key, nowhere, Precondition::None, &metadata).await,
    )
}
