//! Every fault of the fault proxy, at every operation of a store: the error says what happened, the object is what the
//! error admits, and nothing succeeds that did not happen.
//!
//! Needs stores that run (`scripts/test-stores cargo test --test store_faults -- --ignored`). `FAULT_ROUNDS` repeats
//! everything so often; `scripts/fault-test` is the long form.

#[path = "../fault_proxy/proxy.rs"]
mod proxy;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pgserver::storage::blob::azure::AzureStore;
use pgserver::storage::blob::azure_options::AzureOptions;
use pgserver::storage::blob::http::{HttpClient, Limits, Surroundings};
use pgserver::storage::blob::s3::S3Store;
use pgserver::storage::blob::s3_options::S3Options;
use pgserver::storage::blob::{BlobError, BlobErrorKind, BlobStore, Body, Metadata, Precondition};
use proxy::{Fault, FaultProxy};

/// What a fault may make of an operation.
struct Expected {
    fault: Fault,
    name: &'static str,
    /// Of a read, or a delete; `None`: it succeeds.
    read: Option<BlobErrorKind>,
    /// Of a write with a condition.
    write: Option<BlobErrorKind>,
    /// Whether a write has happened all the same.
    written: bool,
}

const fn row(
    name: &'static str,
    fault: Fault,
    read: Option<BlobErrorKind>,
    write: Option<BlobErrorKind>,
    written: bool,
) -> Expected {
    Expected { fault, name, read, write, written }
}

use BlobErrorKind::{Denied, Invalid, NoAnswer, PreconditionFailed, Unavailable};

const FAULTS: &[Expected] = &[
    row("none", Fault::None, None, None, true),
    row("delay", Fault::Delay(Duration::from_millis(10)), None, None, true),
    row("cut before", Fault::CutBefore, Some(NoAnswer), Some(NoAnswer), false),
    row("cut within", Fault::CutWithin(60), Some(NoAnswer), Some(NoAnswer), false),
    row("cut after", Fault::CutAfter, Some(NoAnswer), Some(NoAnswer), true),
    // The second copy meets what the first has done: the echo a writer must recognise as its own.
    row("duplicate", Fault::Duplicate, None, Some(PreconditionFailed), true),
    row("truncated", Fault::Truncate, Some(NoAnswer), Some(NoAnswer), true),
    row("429", Fault::Status(429), Some(Unavailable), Some(Unavailable), false),
    row("500", Fault::Status(500), Some(Unavailable), Some(Unavailable), false),
    row("503", Fault::Status(503), Some(Unavailable), Some(Unavailable), false),
    row("500 after", Fault::StatusAfter(500), Some(Unavailable), Some(Unavailable), true),
    // The condition is signed: without it the signature is wrong. Reads have none.
    row("condition stripped", Fault::StripCondition, None, Some(Denied), false),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Create,
    Replace,
    Get,
    GetRange,
    Head,
    List,
    Delete,
}

const OPERATIONS: &[Operation] = &[
    Operation::Create,
    Operation::Replace,
    Operation::Get,
    Operation::GetRange,
    Operation::Head,
    Operation::List,
    Operation::Delete,
];

/// A store reached directly and, as another client, through the proxy.
struct Backend {
    name: &'static str,
    direct: Arc<dyn BlobStore>,
    faulty: Arc<dyn BlobStore>,
    proxy: FaultProxy,
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run this by scripts/test-stores"))
}

/// The proxy before the store at `http://address/path`, and its URL.
async fn before(endpoint: &str) -> (FaultProxy, String) {
    let (address, path) =
        endpoint.strip_prefix("http://").map(|rest| rest.split_once('/').unwrap_or((rest, ""))).unwrap();
    let proxy = FaultProxy::start(SocketAddr::from(([127, 0, 0, 1], 0)), address.parse().unwrap()).await.unwrap();
    let url = format!("http://{}/{path}", proxy.address());
    (proxy, url)
}

fn http() -> HttpClient {
    HttpClient::new(&Surroundings::default(), Limits::default()).unwrap()
}

async fn azure() -> Backend {
    let endpoint = variable("AZURE_STORAGE_ENDPOINT");
    let (proxy, proxied) = before(&endpoint).await;
    let prefix = format!("faults-{:016x}/", rand::random::<u64>());
    let store = |endpoint: &str| -> Arc<dyn BlobStore> {
        let mut options = AzureOptions::default();
        options.set_account(&variable("AZURE_STORAGE_ACCOUNT")).unwrap();
        options.set_container(&variable("AZURE_STORAGE_CONTAINER")).unwrap();
        options.set_key(&variable("AZURE_STORAGE_KEY")).unwrap();
        options.set_endpoint(endpoint).unwrap();
        options.set_prefix(&prefix).unwrap();
        Arc::new(AzureStore::new(&options, http(), |_| None).unwrap())
    };
    Backend { name: "azure", direct: store(&endpoint), faulty: store(&proxied), proxy }
}

async fn s3() -> Backend {
    let endpoint = variable("S3_ENDPOINT");
    let (proxy, proxied) = before(&endpoint).await;
    let prefix = format!("faults-{:016x}/", rand::random::<u64>());
    let store = |endpoint: &str| -> Arc<dyn BlobStore> {
        let mut options = S3Options::default();
        options.set_bucket(&variable("S3_BUCKET")).unwrap();
        options.set_region(&variable("S3_REGION")).unwrap();
        options.set_endpoint(endpoint).unwrap();
        options.set_prefix(&prefix).unwrap();
        Arc::new(S3Store::new(options, http(), |name| std::env::var(name).ok()).unwrap())
    };
    Backend { name: "s3", direct: store(&endpoint), faulty: store(&proxied), proxy }
}

fn body(text: &str) -> Body {
    Body::Bytes(text.to_owned().into())
}

async fn content(store: &Arc<dyn BlobStore>, key: &str) -> Option<String> {
    match store.get(key, None).await {
        Ok(blob) => Some(String::from_utf8(blob.body.to_vec()).unwrap()),
        Err(error) if error.kind == BlobErrorKind::NotFound => None,
        Err(error) => panic!("{error}"),
    }
}

impl Backend {
    /// One operation that meets one fault, on a key of its own.
    async fn operate(&self, operation: Operation, expected: &Expected, key: &str) {
        let what = format!("{}, {operation:?}, {}", self.name, expected.name);
        let nothing = Metadata::new();
        let mut condition = Precondition::Absent;
        if operation != Operation::Create {
            let put = self.direct.put(key, body("old"), Precondition::Absent, &nothing).await.unwrap();
            condition = Precondition::Matches(put.etag);
        }
        self.proxy.next([expected.fault]);
        let written = matches!(operation, Operation::Create | Operation::Replace);
        let result: Result<(), BlobError> = match operation {
            Operation::Create | Operation::Replace => {
                self.faulty.put(key, body("new"), condition, &nothing).await.map(drop)
            }
            Operation::Get => self.faulty.get(key, None).await.map(|blob| assert_eq!(blob.body, "old", "{what}")),
            Operation::GetRange => {
                self.faulty.get(key, Some(1..2)).await.map(|blob| assert_eq!(blob.body, "l", "{what}"))
            }
            Operation::Head => self.faulty.head(key).await.map(|info| assert_eq!(info.size, 3, "{what}")),
            Operation::List => self.faulty.list(key, None).await.map(|listing| {
                let keys: Vec<&str> = listing.keys.iter().map(|listed| listed.key.as_str()).collect();
                assert_eq!((keys, listing.more), (vec![key], false), "{what}");
            }),
            Operation::Delete => self.faulty.delete(key).await,
        };
        let kind = if written { expected.write } else { expected.read };
        assert_eq!(result.as_ref().err().map(|error| error.kind), kind, "{what}: {result:?}");
        if matches!(expected.fault, Fault::Status(_)) {
            let wait = result.as_ref().err().and_then(|error| error.retry_after);
            assert_eq!(wait, Some(Duration::from_secs(1)), "{what}");
        }
        // What an error does not admit must not have happened.
        let now = content(&self.direct, key).await;
        let changed = expected.written || (!written && kind.is_none());
        let should = match operation {
            Operation::Create => changed.then_some("new"),
            Operation::Replace => Some(if changed { "new" } else { "old" }),
            Operation::Delete => (!changed).then_some("old"),
            _ => Some("old"),
        };
        assert_eq!(now.as_deref(), should, "{what}");
        let admitted = result.as_ref().map_or_else(|e| e.outcome_unknown() || e.lost_race(), |()| true);
        assert!(admitted || !expected.written, "{what}");
        self.direct.delete(key).await.unwrap();
    }

    /// A file that goes up in parts, with a fault at one of the requests.
    async fn operate_on_file(&self, file: &std::path::Path, requests: usize, at: usize, expected: &Expected) {
        let what = format!("{}, file, {} at request {at}", self.name, expected.name);
        let key = format!("file-{at}-{}", expected.name.replace(' ', "-"));
        let last = at + 1 == requests;
        self.proxy.next(std::iter::repeat_n(Fault::None, at).chain([expected.fault]));
        let before = self.proxy.stats().requests;
        let result = self.faulty.put(&key, Body::File(file.to_owned()), Precondition::Absent, &Metadata::new()).await;
        let sent = self.proxy.stats().requests - before;
        let head = self.direct.head(&key).await.map(|info| info.size);
        match &result {
            Ok(_) => {
                assert!(expected.write.is_none() || !last, "{what}");
                assert_eq!((sent, head.unwrap()), (requests as u64, std::fs::metadata(file).unwrap().len()), "{what}");
            }
            Err(error) => {
                // Nothing follows an error but, in S3, the end of the upload.
                assert!((at + 1..=at + 2).contains(&(sent as usize)), "{what}: {sent} requests, {error}");
                let written = last && expected.written;
                assert_eq!(head.is_ok(), written, "{what}");
                assert!(error.is_retryable() || error.lost_race(), "{what}");
                assert!(!written || error.outcome_unknown() || error.lost_race(), "{what}: {error}");
            }
        }
        self.direct.delete(&key).await.unwrap();
    }
}

async fn each_fault_at_each_operation(backend: Backend) {
    let rounds: usize = std::env::var("FAULT_ROUNDS").map_or(1, |rounds| rounds.parse().unwrap());
    let mut counts: BTreeMap<(&str, String), usize> = BTreeMap::new();
    for round in 0..rounds {
        for expected in FAULTS {
            for operation in OPERATIONS {
                backend.operate(*operation, expected, &format!("{operation:?}-{round}")).await;
                *counts.entry((expected.name, format!("{operation:?}"))).or_default() += 1;
            }
        }
    }
    println!("{}: {} operations, as expected", backend.name, counts.values().sum::<usize>());
    print!("{:20}", "");
    OPERATIONS.iter().for_each(|operation| print!("{:>10}", format!("{operation:?}")));
    for expected in FAULTS {
        print!("\n{:20}", expected.name);
        OPERATIONS.iter().for_each(|operation| print!("{:>10}", counts[&(expected.name, format!("{operation:?}"))]));
    }
    println!();
}

#[tokio::test]
#[ignore = "needs Azurite: scripts/test-stores"]
async fn azure_each_fault_at_each_operation() {
    each_fault_at_each_operation(azure().await).await;
}

#[tokio::test]
#[ignore = "needs SeaweedFS: scripts/test-stores"]
async fn s3_each_fault_at_each_operation() {
    each_fault_at_each_operation(s3().await).await;
}

/// S3 sends requests for a young bucket elsewhere: signed for the other host, they succeed there.
#[tokio::test]
#[ignore = "needs SeaweedFS: scripts/test-stores"]
async fn s3_follows_a_redirect() {
    let backend = s3().await;
    let followed = row("redirected", Fault::Redirect, None, None, true);
    for operation in OPERATIONS {
        backend.operate(*operation, &followed, &format!("{operation:?}")).await;
    }
}

/// Azure never does: whoever answers so is not the store, and gets no token.
#[tokio::test]
#[ignore = "needs Azurite: scripts/test-stores"]
async fn azure_follows_no_redirect() {
    let backend = azure().await;
    let refused = row("redirected", Fault::Redirect, Some(Invalid), Some(Invalid), false);
    for operation in OPERATIONS {
        backend.operate(*operation, &refused, &format!("{operation:?}")).await;
    }
}

/// At the first request and the last; the file goes up in so many.
async fn each_fault_at_each_end_of_a_file(backend: Backend, requests: usize) {
    let path = std::env::temp_dir().join(format!("pgserver-faults-{:016x}", rand::random::<u64>()));
    std::fs::write(&path, vec![7; 33 << 20]).unwrap();
    for expected in FAULTS {
        for at in [0, requests - 1] {
            backend.operate_on_file(&path, requests, at, expected).await;
        }
    }
    std::fs::remove_file(&path).unwrap();
}

#[tokio::test]
#[ignore = "needs Azurite: scripts/test-stores"]
async fn azure_each_fault_at_each_end_of_a_file() {
    // Three blocks and their list.
    each_fault_at_each_end_of_a_file(azure().await, 4).await;
}

#[tokio::test]
#[ignore = "needs SeaweedFS: scripts/test-stores"]
async fn s3_each_fault_at_each_end_of_a_file() {
    // The beginning, three parts, the end.
    each_fault_at_each_end_of_a_file(s3().await, 5).await;
}
