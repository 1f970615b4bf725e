//! Azure storage against Azurite, which verifies signatures: the contract of stores, and who is refused.
//!
//! Needs one that runs (`scripts/test-stores cargo test --test azure_store -- --ignored`).

use std::sync::Arc;

use pgserver::storage::blob::azure::AzureStore;
use pgserver::storage::blob::azure_options::AzureOptions;
use pgserver::storage::blob::contract::{Effort, check};
use pgserver::storage::blob::http::{HttpClient, Limits};
use pgserver::storage::blob::{BlobErrorKind, BlobStore, Body, Metadata, Precondition};

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run this by scripts/test-stores"))
}

/// What the environment says, below a prefix of its own.
fn options() -> AzureOptions {
    let mut options = AzureOptions::default();
    options.set_account(&variable("AZURE_STORAGE_ACCOUNT")).unwrap();
    options.set_container(&variable("AZURE_STORAGE_CONTAINER")).unwrap();
    options.set_endpoint(&variable("AZURE_STORAGE_ENDPOINT")).unwrap();
    options.set_key(&variable("AZURE_STORAGE_KEY")).unwrap();
    options.set_prefix(&format!("{:016x}/", rand::random::<u64>())).unwrap();
    options
}

fn store(options: &AzureOptions) -> Arc<dyn BlobStore> {
    let http = HttpClient::new(None, Limits::default()).unwrap();
    Arc::new(AzureStore::new(options, http, |_| None).unwrap())
}

#[tokio::test]
#[ignore = "needs Azurite: scripts/test-stores"]
async fn the_contract() {
    check(&store(&options()), "contract", Effort { writers: 16, keys: 200, file: 40 << 20 }).await.unwrap();
}

#[tokio::test]
#[ignore = "needs Azurite: scripts/test-stores"]
async fn without_a_prefix() {
    let mut options = options();
    options.set_prefix("").unwrap();
    check(&store(&options), "bare", Effort { writers: 4, keys: 20, file: 10_000 }).await.unwrap();
}

#[tokio::test]
#[ignore = "needs Azurite: scripts/test-stores"]
async fn a_wrong_key_and_a_wrong_container_are_refused() {
    let good = options();
    let mut wrong_key = good.clone();
    wrong_key.set_key("c2VjcmV0").unwrap();
    let mut wrong_container = good.clone();
    wrong_container.set_container("nothing-here").unwrap();
    for options in [wrong_key, wrong_container] {
        let store = store(&options);
        let body = Body::Bytes("x".into());
        let results = [
            store.get("k", None).await.map(drop),
            store.head("k").await.map(drop),
            store.put("k", body, Precondition::Absent, &Metadata::new()).await.map(drop),
            store.list("", None).await.map(drop),
            store.delete("k").await,
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
