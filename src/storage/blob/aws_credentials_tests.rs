//! Each source against a server of its own that plays AWS's part.

use std::path::Path;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::storage::blob::http::{Limits, Surroundings};

/// A server that answers requests in turn: what they must contain, and the body of the answer. Gives its origin.
async fn server(script: Vec<(&'static [&'static str], String)>) -> (String, tokio::task::JoinHandle<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let mut served = 0;
        for (expected, body) in script {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !expected.iter().all(|part| String::from_utf8_lossy(&request).contains(part)) {
                assert!(stream.read_buf(&mut request).await.unwrap() > 0, "{expected:?} not in the request");
            }
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
            served += 1;
        }
        served
    });
    (origin, task)
}

fn chain(pairs: &[(&str, &str)]) -> CredentialChain {
    CredentialChain::new("eu-west-1", |name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
}

fn http() -> HttpClient {
    HttpClient::new(
        &Surroundings::default(),
        Limits { connect: Duration::from_secs(5), answer: Duration::from_secs(5) },
    )
    .unwrap()
}

fn shown(credentials: &AwsCredentials) -> String {
    let token = credentials.session_token.as_ref().map_or("-", Secret::reveal);
    format!("{} {} {token}", credentials.access_key_id, credentials.secret_access_key.reveal())
}

fn json(id: &str, expires: &str) -> String {
    format!(r#"{{"Code":"Success","AccessKeyId":"{id}","SecretAccessKey":"s","Token":"t","Expiration":"{expires}"}}"#)
}

struct Files(PathBuf);

impl Files {
    fn new() -> Self {
        let directory = std::env::temp_dir().join(format!("pgserver-aws-{:016x}", rand::random::<u64>()));
        std::fs::create_dir(&directory).unwrap();
        Files(directory)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn the_environment_comes_first() {
    let chain = chain(&[
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/"),
    ]);
    let only = chain.credentials(&http()).await.unwrap();
    assert_eq!(shown(&only), "id secret -");
    assert!(!chain.discard(&only), "the environment has no others");
}

#[tokio::test]
async fn profiles() {
    let files = Files::new();
    let text = "[default]\naws_access_key_id = d\naws_secret_access_key=ds\n# no\n\n[other]\naws_access_key_id=o\n\
                s3 =\n  aws_secret_access_key = nested\naws_secret_access_key = os=\naws_session_token = ot\n[empty]\n";
    let credentials = files.write("credentials", text);
    let config = files.write("config", "[profile third]\naws_access_key_id=t\naws_secret_access_key=ts\n");
    let named = |name: &'static str| {
        let both = [("AWS_SHARED_CREDENTIALS_FILE", credentials.as_str()), ("AWS_CONFIG_FILE", config.as_str())];
        let name = (!name.is_empty()).then_some(("AWS_PROFILE", name));
        chain(&both.into_iter().chain(name).collect::<Vec<_>>())
    };
    for (name, expected) in [("", "d ds -"), ("other", "o os= ot"), ("third", "t ts -")] {
        assert_eq!(shown(&named(name).credentials(&http()).await.unwrap()), expected);
    }
    let error = named("empty").credentials(&http()).await.unwrap_err();
    assert!(error.message.contains("AWS profile \"empty\" has no aws_access_key_id"), "{error}");
    assert!(Path::new(&credentials).exists());
}

#[tokio::test]
async fn instances_are_asked_by_the_second_version_of_the_protocol() {
    let (origin, task) = server(vec![
        (&["PUT /latest/api/token ", "x-aws-ec2-metadata-token-ttl-seconds: 21600"], "session".to_owned()),
        (
            &["GET /latest/meta-data/iam/security-credentials/ ", "x-aws-ec2-metadata-token: session"],
            "a role".to_owned(),
        ),
        (&["GET /latest/meta-data/iam/security-credentials/a%20role "], json("id", "2099-01-01T00:00:00Z")),
    ])
    .await;
    let chain = chain(&[("AWS_EC2_METADATA_SERVICE_ENDPOINT", &format!("{origin}/"))]);
    for _ in 0..3 {
        assert_eq!(shown(&chain.credentials(&http()).await.unwrap()), "id s t");
    }
    assert_eq!(task.await.unwrap(), 3, "kept while they are good");
}

#[tokio::test]
async fn containers_and_refreshing() {
    let files = Files::new();
    let token = files.write("token", "proof\n");
    let soon = Timestamp::now() + jiff::SignedDuration::from_secs(120);
    let script: Vec<(&[&str], String)> = vec![
        (&["GET /v2/credentials?id=1 ", "authorization: proof"], json("old", &soon.to_string())),
        (&["GET /v2/credentials?id=1 "], json("new", "2099-01-01T00:00:00Z")),
        (&["GET /v2/credentials?id=1 "], json("newest", "2099-01-01T00:00:00Z")),
    ];
    let (origin, _task) = server(script).await;
    let url = format!("{origin}/v2/credentials?id=1");
    let chain = chain(&[
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.as_str()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token.as_str()),
    ]);
    let http = http();
    assert_eq!(shown(&chain.credentials(&http).await.unwrap()), "old s t");
    let new = chain.credentials(&http).await.unwrap();
    assert_eq!(shown(&new), "new s t", "two minutes are too few");
    assert!(chain.discard(&new));
    for _ in 0..2 {
        assert_eq!(shown(&chain.credentials(&http).await.unwrap()), "newest s t");
        // Another request that was refused with the old ones does not cost the newest.
        assert!(chain.discard(&new));
    }
}

#[tokio::test]
async fn credentials_that_are_still_good_outlive_a_source_that_is_down() {
    let soon = Timestamp::now() + jiff::SignedDuration::from_secs(120);
    let (origin, task) = server(vec![(&["GET /"], json("old", &soon.to_string()))]).await;
    let chain = chain(&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", origin.as_str())]);
    let http = http();
    let old = chain.credentials(&http).await.unwrap();
    assert_eq!(shown(&old), "old s t");
    task.await.unwrap();
    assert_eq!(shown(&chain.credentials(&http).await.unwrap()), "old s t");
    chain.discard(&old);
    assert_eq!(chain.credentials(&http).await.unwrap_err().kind, BlobErrorKind::Unreachable);
}

#[tokio::test]
async fn web_identities() {
    let files = Files::new();
    let token = files.write("token", "a.b+c");
    let answer = "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>\
        <AccessKeyId>id</AccessKeyId><SecretAccessKey>s&amp;</SecretAccessKey><SessionToken>t</SessionToken>\
        <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>\
        </AssumeRoleWithWebIdentityResponse>";
    let expected: &[&str] = &[
        "POST / ",
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr",
        "RoleSessionName=pgserver&WebIdentityToken=a.b%2Bc",
    ];
    let (origin, _task) = server(vec![(expected, answer.to_owned())]).await;
    let chain = chain(&[
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.as_str()),
        ("AWS_ROLE_ARN", "arn:aws:iam::1:role/r"),
        ("AWS_ENDPOINT_URL_STS", origin.as_str()),
    ]);
    assert_eq!(shown(&chain.credentials(&http()).await.unwrap()), "id s& t");
}

#[tokio::test]
async fn none_are_found() {
    let error = chain(&[("AWS_EC2_METADATA_DISABLED", "true")]).credentials(&http()).await.unwrap_err();
    assert!(error.kind == BlobErrorKind::Denied && error.message.contains("S3_ACCESS_KEY_ID"), "{error}");
}
