//! Azure storage against Azurite, which verifies signatures: the contract of stores, and who is refused.
//!
//! Needs one that runs (`scripts/test-stores cargo test --test azure_store -- --ignored`).

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use pgserver::storage::blob::azure::AzureStore;
use pgserver::storage::blob::azure_options::AzureOptions;
use pgserver::storage::blob::contract::{Effort, check};
use pgserver::storage::blob::http::{HttpClient, Limits, Surroundings};
use pgserver::storage::blob::probe::honours_conditions;
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
    let http = HttpClient::new(&Surroundings::default(), Limits::default()).unwrap();
    Arc::new(AzureStore::new(options, http, |_| None).unwrap())
}

#[tokio::test]
#[ignore = "needs Azurite: scripts/test-stores"]
async fn the_contract() {
    check(&store(&options()), "contract", Effort { writers: 16, keys: 200, file: 40 << 20 }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Azurite: scripts/test-stores"]
async fn several_writers_may_use_it() {
    assert_eq!(honours_conditions(&store(&options())).await.unwrap(), Ok(()));
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

/// A token the emulator takes: signed by nobody, for storage, good until then.
fn token(until: SystemTime) -> String {
    let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = format!(
        r#"{{"iss":"https://sts.windows.net/test/","aud":"https://storage.azure.com/","iat":0,"nbf":0,"exp":{}}}"#,
        seconds(until)
    );
    format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#), URL_SAFE_NO_PAD.encode(claims))
}

/// Gives out an expired token, then good ones, to requests with that first line and that text somewhere in them; says
/// all are good for an hour. Gives its origin.
async fn identity_service(line: &'static str, secret: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let hour = Duration::from_secs(3600);
        let mut until = SystemTime::now() - hour;
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            let text = loop {
                assert!(stream.read_buf(&mut request).await.unwrap() > 0, "an incomplete request");
                let text = String::from_utf8_lossy(&request).into_owned();
                if text.ends_with("\r\n\r\n") || text.ends_with(".default") {
                    break text;
                }
            };
            let known = text.starts_with(line) && text.contains(secret);
            let (status, body) = match known {
                true => (200, format!(r#"{{"access_token":"{}","expires_in":3600}}"#, token(until))),
                false => (400, format!(r#"{{"error":"who is that: {}"}}"#, text.lines().next().unwrap_or_default())),
            };
            until = SystemTime::now() + hour;
            let length = body.len();
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    origin
}

#[tokio::test]
#[ignore = "needs Azurite: scripts/test-stores"]
async fn a_managed_identity_of_each_kind() {
    let metadata = identity_service("GET /metadata/identity/oauth2/token?", "metadata: true").await;
    let app = identity_service("GET /msi/token?api-version=2019-08-01", "x-identity-header: s3cret").await;
    let workload = identity_service("POST /tenant/oauth2/v2.0/token", "client_assertion=federated").await;
    let file = std::env::temp_dir().join(format!("pgserver-federated-{:016x}", rand::random::<u64>()));
    std::fs::write(&file, "federated").unwrap();
    let kinds: [&[(&str, &str)]; 3] = [
        &[("AZURE_POD_IDENTITY_AUTHORITY_HOST", &metadata)],
        &[("IDENTITY_ENDPOINT", &format!("{app}/msi/token")), ("IDENTITY_HEADER", "s3cret")],
        &[
            ("AZURE_FEDERATED_TOKEN_FILE", file.to_str().unwrap()),
            ("AZURE_TENANT_ID", "tenant"),
            ("AZURE_CLIENT_ID", "client"),
            ("AZURE_AUTHORITY_HOST", &workload),
        ],
    ];
    for environment in kinds {
        let mut options = options();
        options.set_key("").unwrap();
        options.set_endpoint(&variable("AZURE_OAUTH_ENDPOINT")).unwrap();
        let certificate = variable("AZURE_OAUTH_CERTIFICATE");
        let surroundings = Surroundings { authorities: Some(certificate.into()), ..Surroundings::default() };
        let http = HttpClient::new(&surroundings, Limits::default()).unwrap();
        let lookup = |name: &str| environment.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
        let store: Arc<dyn BlobStore> = Arc::new(AzureStore::new(&options, http, lookup).unwrap());
        check(&store, "identity", Effort { writers: 4, keys: 10, file: 1000 }).await.unwrap();
    }
    std::fs::remove_file(&file).unwrap();
}

#[tokio::test]
#[ignore = "needs Azurite: scripts/test-stores"]
async fn an_authority_nobody_trusts_is_not_spoken_to() {
    let mut options = options();
    options.set_endpoint(&variable("AZURE_OAUTH_ENDPOINT")).unwrap();
    let error = store(&options).get("k", None).await.unwrap_err();
    assert_eq!(error.kind, BlobErrorKind::Unreachable);
    assert!(error.message.contains("TLS"), "{error}");
}
