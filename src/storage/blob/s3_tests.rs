//! What is sent again, where, and as whom, and what a large file leaves behind: against a server that plays S3's part.

use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::storage::blob::http::{Limits, Surroundings};

/// A request as it arrived: line and headers, in lower case but for the values, and the body.
struct Seen {
    head: String,
    body: Vec<u8>,
}

impl Seen {
    /// Method and path with the query.
    fn line(&self) -> &str {
        self.head.split(" HTTP/").next().unwrap()
    }

    fn header(&self, name: &str) -> &str {
        let find = |line: &'_ str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(": "));
        self.head.lines().find(|line| find(line)).map_or("", |line| &line[name.len() + 2..])
    }
}

async fn read(stream: &mut TcpStream) -> Seen {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let mut seen = Seen { head, body: bytes.split_off(end + 4) };
            let length: usize = seen.header("content-length").parse().unwrap_or(0);
            while seen.body.len() < length {
                assert!(stream.read_buf(&mut seen.body).await.unwrap() > 0, "a whole body");
            }
            return seen;
        }
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "a whole request");
    }
}

/// What the server answers: status line and headers, and the body.
type Answers = Vec<(&'static str, String)>;

/// A server that gives those answers in turn. Gives its origin, and what it was asked.
async fn server(answers: Answers) -> (String, tokio::task::JoinHandle<Vec<Seen>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let mut requests = Vec::new();
        for (head, body) in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            requests.push(read(&mut stream).await);
            // HEAD announces a body that does not follow.
            let length = match requests.last().unwrap().line().starts_with("HEAD") && head.starts_with("200") {
                true => String::new(),
                false => format!("Content-Length: {}\r\n", body.len()),
            };
            let text = format!("HTTP/1.1 {head}\r\n{length}Connection: close\r\n\r\n{body}");
            stream.write_all(text.as_bytes()).await.unwrap();
        }
        requests
    });
    (origin, task)
}

const WRITTEN: &str = "200 OK\r\nETag: \"1\"\r\nDate: Tue, 01 Jan 2030 00:00:00 GMT";
const OBJECT: &str = "200 OK\r\nETag: \"1\"\r\nDate: Tue, 01 Jan 2030 00:00:00 GMT\r\n\
    Last-Modified: Tue, 01 Jan 2030 00:00:00 GMT\r\nContent-Length: 3";
const PART: &str = "206 Partial\r\nETag: \"1\"\r\nDate: Tue, 01 Jan 2030 00:00:00 GMT\r\n\
    Last-Modified: Tue, 01 Jan 2030 00:00:00 GMT\r\nContent-Range: bytes 0-0/3";

fn error(code: &str) -> String {
    format!("<?xml version=\"1.0\"?>\n<Error><Code>{code}</Code></Error>")
}

fn options(origin: &str) -> S3Options {
    let mut options = S3Options::default();
    options.set_bucket("bucket").unwrap();
    options.set_prefix("p/").unwrap();
    options.set_endpoint(origin).unwrap();
    options
}

fn store_of(options: S3Options, environment: &[(&str, &str)]) -> S3Store {
    let limits = Limits { connect: Duration::from_secs(5), answer: Duration::from_secs(20) };
    let value = |name: &str| environment.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
    S3Store::new(options, HttpClient::new(&Surroundings::default(), limits).unwrap(), value).unwrap()
}

fn store(origin: &str) -> S3Store {
    let mut options = options(origin);
    options.set_access_key_id("id").unwrap();
    options.set_secret_access_key("secret").unwrap();
    store_of(options, &[])
}

async fn create(store: &S3Store, key: &str) -> Result<Put, BlobError> {
    store.put(key, Body::Bytes("abc".into()), Precondition::Absent, &Metadata::new()).await
}

#[tokio::test]
async fn a_temporary_redirect_is_signed_anew_and_not_remembered() {
    let (there, second) = server(vec![(WRITTEN, String::new())]).await;
    let moved = format!("307 Moved\r\nLocation: {there}/bucket/p/k").leak();
    let (here, first) = server(vec![(moved, error("TemporaryRedirect")), (WRITTEN, String::new())]).await;
    let store = store(&here);
    create(&store, "k").await.unwrap();
    create(&store, "l").await.unwrap();
    let (first, second) = (first.await.unwrap(), second.await.unwrap());
    assert_eq!([first[0].line(), first[1].line()], ["PUT /bucket/p/k", "PUT /bucket/p/l"]);
    let [before, after] = [&first[0], &second[0]];
    assert_eq!((after.line(), &after.body[..]), ("PUT /bucket/p/k", &b"abc"[..]));
    assert_eq!((after.header("if-none-match"), after.header("host")), ("*", there.strip_prefix("http://").unwrap()));
    assert!(after.header("authorization").contains(";host;if-none-match;"), "{}", after.head);
    assert_ne!(before.header("authorization"), after.header("authorization"));
}

#[tokio::test]
async fn redirects_in_circles_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let answer =
        format!("HTTP/1.1 307 Moved\r\nLocation: {origin}/\r\nContent-Length: 59\r\nConnection: close\r\n\r\n");
    let body = "<Error><Code>TemporaryRedirect</Code><Message/></Error>    ";
    assert_eq!(body.len(), 59);
    let task = tokio::spawn(async move {
        for _ in 0..=MAX_CORRECTIONS {
            let (mut stream, _) = listener.accept().await.unwrap();
            read(&mut stream).await;
            stream.write_all(format!("{answer}{body}").as_bytes()).await.unwrap();
        }
    });
    assert_eq!(create(&store(&origin), "k").await.unwrap_err().kind, BlobErrorKind::Unavailable);
    task.await.unwrap();
}

#[tokio::test]
async fn the_right_region_is_learnt_once() {
    let malformed = "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>";
    let answers = vec![
        ("400 Bad", malformed.to_owned()),
        (WRITTEN, String::new()),
        (WRITTEN, String::new()),
        // A region that is no name of one is not believed.
        ("400 Bad", malformed.replace("eu-west-1", "a.example/?")),
    ];
    let (origin, task) = server(answers).await;
    let store = store(&origin);
    create(&store, "k").await.unwrap();
    create(&store, "l").await.unwrap();
    assert_eq!(create(&store, "m").await.unwrap_err().kind, BlobErrorKind::Denied);
    let scopes = task.await.unwrap();
    let region = |seen: &Seen| seen.header("authorization").split('/').nth(2).unwrap().to_owned();
    assert_eq!(scopes.iter().map(region).collect::<Vec<_>>(), ["us-east-1", "eu-west-1", "eu-west-1", "eu-west-1"]);
}

#[tokio::test]
async fn requests_are_dated_by_the_stores_clock() {
    let skewed = "403 Forbidden\r\nDate: Tue, 01 Jan 2030 12:30:00 GMT";
    let (origin, task) = server(vec![(skewed, error("RequestTimeTooSkewed")), (WRITTEN, String::new())]).await;
    create(&store(&origin), "k").await.unwrap();
    let requests = task.await.unwrap();
    assert!(requests[1].header("x-amz-date").starts_with("20300101T12"), "{}", requests[1].head);
    assert_eq!(requests[0].body, requests[1].body);
}

#[tokio::test]
async fn an_expired_token_is_replaced_and_the_same_is_sent() {
    let document = |id: &str| {
        format!(
            r#"{{"AccessKeyId":"{id}","SecretAccessKey":"s","Token":"t-{id}","Expiration":"2099-01-01T00:00:00Z"}}"#
        )
    };
    let (source, asked) = server(vec![("200 OK", document("old")), ("200 OK", document("new"))]).await;
    let (origin, task) = server(vec![("400 Bad", error("ExpiredToken")), (WRITTEN, String::new())]).await;
    let store = store_of(options(&origin), &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", &source)]);
    create(&store, "k").await.unwrap();
    assert_eq!(asked.await.unwrap().len(), 2);
    let requests = task.await.unwrap();
    let tokens: Vec<_> = requests.iter().map(|seen| seen.header("x-amz-security-token")).collect();
    assert_eq!(tokens, ["t-old", "t-new"]);
    assert!(requests[1].header("authorization").contains("Credential=new/"));
    assert_eq!(requests[0].body, requests[1].body);
    // Given credentials are all there are.
    let (origin, task) = server(vec![("400 Bad", error("ExpiredToken"))]).await;
    let mut options = options(&origin);
    options.set_access_key_id("id").unwrap();
    options.set_secret_access_key("secret").unwrap();
    options.set_session_token("t").unwrap();
    assert_eq!(create(&store_of(options, &[]), "k").await.unwrap_err().kind, BlobErrorKind::Denied);
    assert_eq!(task.await.unwrap().len(), 1);
}

/// Answers to HEAD have no body that could say why.
#[tokio::test]
async fn the_reason_for_a_refused_head_is_found_out() {
    let skewed = "403 Forbidden\r\nDate: Tue, 01 Jan 2030 00:00:00 GMT";
    let answers = vec![
        (skewed, String::new()),
        (skewed, error("RequestTimeTooSkewed")),
        (PART, "a".to_owned()),
        (OBJECT, String::new()),
        ("404 Not Found", String::new()),
        ("404 Not Found", error("NoSuchBucket")),
        ("404 Not Found", String::new()),
        ("404 Not Found", error("NoSuchKey")),
    ];
    let (origin, task) = server(answers).await;
    let store = store(&origin);
    assert_eq!(store.head("k").await.unwrap().size, 3);
    let error = store.head("k").await.unwrap_err();
    assert_eq!(error.kind, BlobErrorKind::Denied, "no bucket is not no object: {error}");
    assert_eq!(store.head("k").await.unwrap_err().kind, BlobErrorKind::NotFound);
    let methods: Vec<_> = task.await.unwrap().iter().map(|seen| seen.line()[..4].to_owned()).collect();
    assert_eq!(methods.concat(), "HEADGET GET HEADHEADGET HEADGET ");
}

#[tokio::test]
async fn another_range_than_was_asked_for_is_no_answer() {
    let (origin, _task) = server(vec![(PART, "a".to_owned()), (PART, "ab".to_owned())]).await;
    let store = store(&origin);
    assert_eq!(store.get("k", Some(1..2)).await.unwrap_err().kind, BlobErrorKind::NoAnswer, "it begins elsewhere");
    assert_eq!(store.get("k", Some(0..1)).await.unwrap_err().kind, BlobErrorKind::NoAnswer, "it is longer");
}

/// A file of two full parts and one byte that is gone with the test.
struct Large(PathBuf);

impl Large {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("pgserver-s3-{:016x}", rand::random::<u64>()));
        std::fs::File::create(&path).unwrap().set_len(2 * super::PART + 1).unwrap();
        Large(path)
    }
}

impl Drop for Large {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

const BEGUN: &str = "<InitiateMultipartUploadResult><UploadId>u/1</UploadId></InitiateMultipartUploadResult>";

/// Puts the large file on condition that nothing is there; the result, and the requests without the bodies of parts.
async fn put_large(answers: Vec<(&'static str, String)>) -> (Result<Put, BlobError>, Vec<Seen>) {
    let file = Large::new();
    let all = [vec![("200 OK", BEGUN.to_owned())], answers].concat();
    let (origin, task) = server(all).await;
    let metadata = Metadata::from([("nonce".to_owned(), "7".to_owned())]);
    let result = store(&origin).put("k", Body::File(file.0.clone()), Precondition::Absent, &metadata).await;
    (result, task.await.unwrap())
}

#[tokio::test]
async fn a_large_file_is_completed_on_its_condition() {
    // S3 sends blanks while it works, and the document when it is done.
    let done = "<?xml version=\"1.0\"?>\n   \n<CompleteMultipartUploadResult><ETag>&quot;9-3&quot;</ETag>\
        </CompleteMultipartUploadResult>";
    let mut answers = vec![(WRITTEN, String::new()); 3];
    answers.push((WRITTEN, done.to_owned()));
    let (result, requests) = put_large(answers).await;
    assert_eq!(result.unwrap().etag, ETag("\"9-3\"".to_owned()));
    let lines: Vec<_> = requests.iter().map(Seen::line).collect();
    assert_eq!(
        lines,
        [
            "POST /bucket/p/k?uploads=",
            "PUT /bucket/p/k?partNumber=1&uploadId=u%2F1",
            "PUT /bucket/p/k?partNumber=2&uploadId=u%2F1",
            "PUT /bucket/p/k?partNumber=3&uploadId=u%2F1",
            "POST /bucket/p/k?uploadId=u%2F1",
        ]
    );
    let lengths: Vec<_> = requests[1..4].iter().map(|seen| seen.body.len() as u64).collect();
    assert_eq!(lengths, [super::PART, super::PART, 1]);
    assert_eq!((requests[0].header("x-amz-meta-nonce"), requests[0].header("if-none-match")), ("7", ""));
    assert!(requests[4].header("authorization").contains(";if-none-match;"), "{}", requests[4].head);
    let list = String::from_utf8(requests[4].body.clone()).unwrap();
    assert!(list.ends_with("<Part><PartNumber>3</PartNumber><ETag>\"1\"</ETag></Part></CompleteMultipartUpload>"));
}

#[tokio::test]
async fn an_upload_that_fails_is_aborted_unless_it_may_have_happened() {
    let gone = || ("204 No Content", String::new());
    let parts = || vec![(WRITTEN, String::new()); 3];
    // At a part: nothing can have been written.
    let (result, requests) = put_large(vec![(WRITTEN, String::new()), ("503 Slow", error("SlowDown")), gone()]).await;
    assert_eq!(result.unwrap_err().kind, BlobErrorKind::Unavailable);
    assert_eq!(requests[3].line(), "DELETE /bucket/p/k?uploadId=u%2F1");
    // At the end, with the status of success.
    let (result, requests) = put_large([parts(), vec![(WRITTEN, error("PreconditionFailed")), gone()]].concat()).await;
    assert!(result.unwrap_err().lost_race());
    assert_eq!(requests[5].line(), "DELETE /bucket/p/k?uploadId=u%2F1");
    // At the end, when it may have been completed: the server would have no answer to anything more.
    let (result, requests) = put_large([parts(), vec![(WRITTEN, error("InternalError"))]].concat()).await;
    assert!(result.unwrap_err().outcome_unknown());
    assert_eq!(requests.len(), 5);
}
