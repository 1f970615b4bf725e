//! S3 storage against SeaweedFS, which verifies signatures: the contract of stores, and who is refused.
//!
//! Needs one that runs (`scripts/test-stores cargo test --test s3_store -- --ignored`).

use std::sync::Arc;

use pgserver::storage::blob::contract::{Effort, check};
use pgserver::storage::blob::http::{HttpClient, Limits, Surroundings};
use pgserver::storage::blob::probe::honours_conditions;
use pgserver::storage::blob::s3::S3Store;
use pgserver::storage::blob::s3_options::S3Options;
use pgserver::storage::blob::{BlobErrorKind, BlobStore, Body, Metadata, Precondition};

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run this by scripts/test-stores"))
}

/// What the environment says, below a prefix of its own; credentials are left to be found.
fn options() -> S3Options {
    let mut options = S3Options::default();
    options.set_bucket(&variable("S3_BUCKET")).unwrap();
    options.set_region(&variable("S3_REGION")).unwrap();
    options.set_endpoint(&variable("S3_ENDPOINT")).unwrap();
    options.set_prefix(&format!("{:016x}/", rand::random::<u64>())).unwrap();
    options
}

fn store(options: &S3Options) -> Arc<dyn BlobStore> {
    let http = HttpClient::new(&Surroundings::default(), Limits::default()).unwrap();
    Arc::new(S3Store::new(options.clone(), http, |name| std::env::var(name).ok()).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs SeaweedFS: scripts/test-stores"]
async fn the_contract() {
    // Losers of a race wait a second each in this server, so few race; the file goes up in parts.
    check(&store(&options()), "contract", Effort { writers: 4, keys: 1010, file: 40 << 20 }).await.unwrap();
}

#[tokio::test]
#[ignore = "needs SeaweedFS: scripts/test-stores"]
async fn without_a_prefix() {
    let mut options = options();
    options.set_prefix("").unwrap();
    check(&store(&options), "bare", Effort { writers: 2, keys: 20, file: 10_000 }).await.unwrap();
}

#[tokio::test]
#[ignore = "needs SeaweedFS: scripts/test-stores"]
async fn a_wrong_key_and_a_wrong_bucket_are_refused() {
    let good = options();
    let mut wrong_secret = good.clone();
    wrong_secret.set_access_key_id(&variable("AWS_ACCESS_KEY_ID")).unwrap();
    wrong_secret.set_secret_access_key("not the secret").unwrap();
    let mut unknown = good.clone();
    unknown.set_access_key_id("AKIAUNKNOWN000000000").unwrap();
    unknown.set_secret_access_key("x").unwrap();
    let mut wrong_bucket = good.clone();
    wrong_bucket.set_bucket("nothing-here").unwrap();
    for options in [wrong_secret, unknown, wrong_bucket] {
        let store = store(&options);
        let body = Body::Bytes("x".into());
        let results = [
            store.get("k", None).await.map(drop),
            store.put("k", body, Precondition::Absent, &Metadata::new()).await.map(drop),
            store.list("", None).await.map(drop),
            store.head("k").await.map(drop),
        ];
        for result in results {
            let error = result.unwrap_err();
            assert_eq!(error.kind, BlobErrorKind::Denied, "{error}");
            assert!(error.is_retryable() && !error.outcome_unknown());
        }
    }
    let missing = store(&good).get("k", None).await.unwrap_err();
    assert_eq!(missing.kind, BlobErrorKind::NotFound, "the refused write is not there: {missing}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs SeaweedFS: scripts/test-stores"]
async fn several_writers_may_use_it() {
    assert_eq!(honours_conditions(&store(&options())).await.unwrap(), Ok(()));
}
