//! Whether a store keeps the promises that several writers rely on: asked of the store itself, when a server starts.
//!
//! Owns: [`honours_conditions`], [`has_honoured`], [`doubt`]. Must not know: any backend.
//!
//! That a store has passed is remembered in the store, so that the next server need not try; whoever sees a condition that
//! was not honoured forgets it.
//!
//! Some stores accept conditional writes and ignore the condition, at all or when writers race. Two instances on such a
//! store would each acknowledge commits that the other one's overwrite.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinSet;

use crate::storage::blob::{BlobError, BlobErrorKind, BlobStore, Body, ETag, Metadata, Precondition};

/// Writers that race.
const RACERS: usize = 4;
/// How often they race: a store that loses a race rarely is found out sooner or later.
const RACES: usize = 2;
/// How often a racer comes again that the store is too busy for, and the pause before, which grows.
const ATTEMPTS: u32 = 8;
const PAUSE: Duration = Duration::from_millis(50);

/// `Ok(Err(what))`: it does not keep them. `Err`: the store could not be asked.
pub async fn honours_conditions(store: &Arc<dyn BlobStore>) -> Result<Result<(), String>, BlobError> {
    for _ in 0..RACES {
        let key = format!("pgserver-probe/{:016x}", rand::random::<u64>());
        let verdict = probe(store, &key).await;
        // Whatever came of it, nothing is left, if that can be helped.
        let deleted = store.delete(&key).await;
        if let Err(broken) = verdict? {
            return Ok(Err(format!("{}: {broken}", store.location())));
        }
        deleted?;
    }
    Ok(Ok(()))
}

/// What says that the store has passed.
const PASSED: &str = "pgserver-probe/passed";

/// Whether the store has passed before.
pub async fn has_honoured(store: &Arc<dyn BlobStore>) -> Result<bool, BlobError> {
    match store.head(PASSED).await {
        Ok(_) => Ok(true),
        Err(error) if error.kind == BlobErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Remembers that the store has passed.
pub async fn remember(store: &Arc<dyn BlobStore>) -> Result<(), BlobError> {
    let nothing = Metadata::new();
    store.put(PASSED, Body::Bytes(Bytes::new()), Precondition::None, &nothing).await.map(drop)
}

/// Something was seen that a store which honours conditions does not do: the next start tries again.
pub async fn doubt(store: &Arc<dyn BlobStore>) -> Result<(), BlobError> {
    store.delete(PASSED).await
}

async fn probe(store: &Arc<dyn BlobStore>, key: &str) -> Result<Result<(), String>, BlobError> {
    let mut race = JoinSet::new();
    for racer in 0..RACERS {
        let (store, key) = (Arc::clone(store), key.to_owned());
        race.spawn(async move { write(&store, &key, &racer.to_string(), Precondition::Absent).await });
    }
    let mut winners = 0;
    for done in race.join_all().await {
        winners += usize::from(done?);
    }
    if winners != 1 {
        return Ok(Err(format!("of {RACERS} writers that raced to create an object {winners} were told they did")));
    }
    if write(store, key, "again", Precondition::Absent).await? {
        return Ok(Err("it creates an object that is there (If-None-Match is ignored)".to_owned()));
    }
    let other = Precondition::Matches(ETag("\"00000000000000000000000000000000\"".to_owned()));
    if write(store, key, "other", other.clone()).await? {
        return Ok(Err("it replaces another version of an object (If-Match is ignored)".to_owned()));
    }
    store.delete(key).await?;
    if write(store, key, "gone", other).await? {
        return Ok(Err("it replaces an object that is not there (If-Match is ignored)".to_owned()));
    }
    Ok(Ok(()))
}

/// Whether the write happened, by what the store says.
async fn write(store: &Arc<dyn BlobStore>, key: &str, body: &str, condition: Precondition) -> Result<bool, BlobError> {
    let mut attempt = 0;
    loop {
        let put = store.put(key, Body::Bytes(body.to_owned().into()), condition.clone(), &Metadata::new()).await;
        match put {
            Ok(_) => return Ok(true),
            Err(error) if error.lost_race() => return Ok(false),
            // Racers may be asked to come again.
            Err(error) if error.kind == BlobErrorKind::Unavailable && attempt < ATTEMPTS => {
                attempt += 1;
                tokio::time::sleep(PAUSE * attempt).await;
            }
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;
    use crate::storage::blob::local_directory::LocalDirectory;
    use crate::storage::blob::{Blob, BlobFuture, BlobInfo, Listing, Put};

    type Ignores = fn(&Precondition) -> bool;

    /// A store that ignores some conditions, as some do.
    #[derive(Debug)]
    struct Careless {
        store: Arc<dyn BlobStore>,
        ignores: Ignores,
    }

    impl BlobStore for Careless {
        fn location(&self) -> String {
            "careless".to_owned()
        }

        fn get<'a>(&'a self, key: &'a str, range: Option<Range<u64>>) -> BlobFuture<'a, Blob> {
            self.store.get(key, range)
        }

        fn head<'a>(&'a self, key: &'a str) -> BlobFuture<'a, BlobInfo> {
            self.store.head(key)
        }

        fn put<'a>(
            &'a self,
            key: &'a str,
            body: Body,
            asked: Precondition,
            pairs: &'a Metadata,
        ) -> BlobFuture<'a, Put> {
            let condition = if (self.ignores)(&asked) { Precondition::None } else { asked };
            self.store.put(key, body, condition, pairs)
        }

        fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>) -> BlobFuture<'a, Listing> {
            self.store.list(prefix, after)
        }

        fn delete<'a>(&'a self, key: &'a str) -> BlobFuture<'a, ()> {
            self.store.delete(key)
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn careless_stores_are_found_out() {
        let path = std::env::temp_dir().join(format!("pgserver-probe-{:016x}", rand::random::<u64>()));
        let store: Arc<dyn BlobStore> = Arc::new(LocalDirectory::open(&path).unwrap());
        assert_eq!(honours_conditions(&store).await.unwrap(), Ok(()));
        let cases: [(Ignores, &str); 2] = [
            (|asked| *asked == Precondition::Absent, "careless: of 4 writers that raced to create an object 4 were"),
            (|asked| matches!(asked, Precondition::Matches(_)), "careless: it replaces another version of an object"),
        ];
        for (ignores, expected) in cases {
            let careless: Arc<dyn BlobStore> = Arc::new(Careless { store: Arc::clone(&store), ignores });
            let broken = honours_conditions(&careless).await.unwrap().unwrap_err();
            assert!(broken.starts_with(expected), "{broken}");
        }
        assert!(store.list("", None).await.unwrap().keys.is_empty(), "nothing is left");
        assert!(!has_honoured(&store).await.unwrap());
        remember(&store).await.unwrap();
        remember(&store).await.unwrap();
        assert!(has_honoured(&store).await.unwrap());
        doubt(&store).await.unwrap();
        assert!(!has_honoured(&store).await.unwrap());
        std::fs::remove_dir_all(path).unwrap();
    }
}
