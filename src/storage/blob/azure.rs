//! Databases in Azure Blob Storage: a container as a [`BlobStore`].
//!
//! Owns: sending the requests of `azure_request` with who we are, what an answer means for the operation, the clock's
//! correction, large files in blocks. Must not know: what the objects contain. Signatures are `shared_key`'s, tokens
//! `azure_token`'s.
//!
//! Conditions are enforced by the service and covered by the signature: a proxy that drops one gets 403. A large file
//! goes up as uncommitted blocks, which nobody sees, and comes to be with Put Block List, which carries the condition;
//! blocks that are never committed are discarded by the service after a week.
//!
//! Azure lists from an opaque marker, not from a key. One call of [`BlobStore::list`] therefore reads from the prefix's
//! beginning, a request for each 5,000 names, and drops what is not after the key; it gives up to 50,000 keys, so a
//! walk over more costs requests in the square of the number of pages.

use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use crate::storage::blob::azure_options::AzureOptions;
use crate::storage::blob::azure_request::{Authorization, AzureRequest, Container, block_list};
use crate::storage::blob::azure_response::Answer;
use crate::storage::blob::azure_token::Identity;
use crate::storage::blob::clock::StoreClock;
use crate::storage::blob::file_parts::FileParts;
use crate::storage::blob::http::{HttpClient, HttpRequest, HttpResponse};
use crate::storage::blob::shared_key::SharedKey;
use crate::storage::blob::{
    Blob, BlobError, BlobErrorKind, BlobFuture, BlobInfo, BlobStore, Body, Listing, Metadata, Precondition, Put,
};

/// Files up to this size go up in one request.
const MAX_SINGLE: u64 = 32 << 20;
const BLOCK: u64 = 16 << 20;
/// More blocks the service does not take.
const MAX_BLOCKS: u64 = 50_000;
/// How many keys one call lists, roughly.
const MAX_LISTED: usize = 50_000;

/// A container of an account, and a prefix in it.
#[derive(Debug)]
pub struct AzureStore {
    http: HttpClient,
    origin: String,
    container: Container,
    prefix: String,
    location: String,
    who: Who,
    clock: StoreClock,
}

#[derive(Debug)]
enum Who {
    SharedKey(SharedKey),
    Identity(Box<Identity>),
}

impl AzureStore {
    /// `environment`: where a managed identity finds out what it is.
    pub fn new(
        options: &AzureOptions,
        http: HttpClient,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        options.check()?;
        let who = match options.shared_key() {
            Some(key) => Who::SharedKey(key),
            None => Who::Identity(Box::new(Identity::from_environment(options.identity(), environment))),
        };
        Ok(AzureStore {
            http,
            origin: options.endpoint().origin,
            container: options.container(),
            prefix: options.prefix().to_owned(),
            location: options.location(),
            who,
            clock: StoreClock::default(),
        })
    }

    fn name(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// Sends a request, a second time if the first was refused for the clock or for a token that is no longer good.
    async fn send(&self, request: &AzureRequest, body: Bytes) -> Result<HttpResponse, BlobError> {
        let response = self.attempt(request, body.clone()).await?;
        let mended = match (&self.who, response.status) {
            (Who::SharedKey(_), 403) => answer(&response).date().is_some_and(|theirs| self.clock.correct(theirs)),
            (Who::Identity(identity), 401) => identity.discard(),
            // What the emulator says of an expired token. Other refusals are of who we are, not of the token.
            (Who::Identity(identity), 403) => {
                answer(&response).error_code().as_deref() == Some("AuthenticationFailed") && identity.discard()
            }
            _ => false,
        };
        if mended { self.attempt(request, body).await } else { Ok(response) }
    }

    async fn attempt(&self, request: &AzureRequest, body: Bytes) -> Result<HttpResponse, BlobError> {
        let token;
        let who = match &self.who {
            Who::SharedKey(key) => Authorization::SharedKey(key),
            Who::Identity(identity) => {
                token = identity.token(&self.http).await?;
                Authorization::Bearer(token.reveal())
            }
        };
        let mut request = request.clone();
        request.authorize(&who, self.clock.now())?;
        let target = request.target();
        let AzureRequest { method, headers, .. } = request;
        self.http.send(&HttpRequest { method, origin: self.origin.clone(), target, headers, body }).await
    }

    async fn get_blob(&self, key: &str, range: Option<Range<u64>>) -> Result<Blob, BlobError> {
        if range.as_ref().is_some_and(|range| range.start >= range.end) {
            return Ok(Blob { info: self.head_blob(key).await?, body: Bytes::new() });
        }
        let request = self.container.get(&self.name(key), range.as_ref());
        let response = self.send(&request, Bytes::new()).await?;
        let got = answer(&response);
        match (got.status, &range) {
            // Only nothing of the range is there.
            (416, Some(_)) => Ok(Blob { info: self.head_blob(key).await?, body: Bytes::new() }),
            (200, None) | (206, Some(_)) => {
                let info = got.info().ok_or_else(|| senseless("GET", key))?;
                let expected = match range {
                    Some(range) => range.end.min(info.size).saturating_sub(range.start),
                    None => info.size,
                };
                if response.body.len() as u64 != expected {
                    return Err(senseless("GET", key));
                }
                Ok(Blob { info, body: response.body.clone() })
            }
            _ => Err(got.error(&format!("GET {key}"), &Precondition::None)),
        }
    }

    async fn head_blob(&self, key: &str) -> Result<BlobInfo, BlobError> {
        let response = self.send(&self.container.head(&self.name(key)), Bytes::new()).await?;
        let got = answer(&response);
        match got.status {
            200 => got.info().ok_or_else(|| senseless("HEAD", key)),
            _ => Err(got.error(&format!("HEAD {key}"), &Precondition::None)),
        }
    }

    async fn put_blob(
        &self,
        key: &str,
        body: Body,
        condition: &Precondition,
        metadata: &Metadata,
    ) -> Result<Put, BlobError> {
        let bytes = match body {
            Body::Bytes(bytes) => bytes,
            Body::File(path) => {
                let mut file = FileParts::open(&path).await?;
                if file.size > MAX_SINGLE {
                    return self.put_blocks(key, file, condition, metadata).await;
                }
                file.read_all().await?
            }
        };
        let request = self.container.put(&self.name(key), &bytes, condition, metadata);
        self.write(key, &request, bytes, condition).await
    }

    /// A request that creates something. An answer of success that lacks something may be of one that did.
    async fn write(
        &self,
        key: &str,
        request: &AzureRequest,
        body: Bytes,
        condition: &Precondition,
    ) -> Result<Put, BlobError> {
        let response = self.send(request, body).await?;
        let got = answer(&response);
        match got.status {
            201 => got.put().ok_or_else(|| senseless("PUT", key)),
            200..=299 => Err(senseless("PUT", key)),
            _ => Err(got.error(&format!("PUT {key}"), condition)),
        }
    }

    async fn put_blocks(
        &self,
        key: &str,
        mut file: FileParts,
        condition: &Precondition,
        metadata: &Metadata,
    ) -> Result<Put, BlobError> {
        let name = self.name(key);
        let length = BLOCK.max(file.size.div_ceil(MAX_BLOCKS));
        // Blocks of one object share a space with those of another upload of it, and must all be of one length.
        let upload: u64 = rand::random();
        let mut blocks = Vec::new();
        let mut start = 0;
        while start < file.size {
            let bytes = file.read(start..file.size.min(start + length)).await?;
            let block = STANDARD.encode(format!("{upload:016x}{start:016x}"));
            let request = self.container.put_block(&name, &block, &bytes);
            let response = self.send(&request, bytes).await.map_err(not_yet_written)?;
            let got = answer(&response);
            if got.status != 201 {
                return Err(not_yet_written(got.error(&format!("PUT {key} (block)"), &Precondition::None)));
            }
            blocks.push(block);
            start += length;
        }
        let list = Bytes::from(block_list(&blocks));
        let request = self.container.put_block_list(&name, &list, condition, metadata);
        self.write(key, &request, list, condition).await
    }

    async fn list_keys(&self, prefix: &str, after: Option<&str>) -> Result<Listing, BlobError> {
        let mut listing = Listing::default();
        let mut marker = String::new();
        // The greatest key of the pages so far.
        let mut last: Option<String> = None;
        loop {
            let request = self.container.list(&self.name(prefix), &marker);
            let response = self.send(&request, Bytes::new()).await?;
            let got = answer(&response);
            if got.status != 200 {
                return Err(got.error(&format!("LIST {prefix}"), &Precondition::None));
            }
            let page = got.listing(&self.prefix).ok_or_else(|| senseless("LIST", prefix))?;
            for key in page.keys {
                if last.as_ref().is_some_and(|last| *last >= key.key) {
                    let message = format!("azure: LIST {prefix}: {} is out of order: {NAMESPACE}", key.key);
                    return Err(BlobError::new(BlobErrorKind::Invalid, message));
                }
                last = Some(key.key.clone());
                if after.is_none_or(|after| key.key.as_str() > after) {
                    listing.keys.push(key);
                }
            }
            if page.marker.is_empty() {
                return Ok(listing);
            }
            if listing.keys.len() >= MAX_LISTED {
                listing.more = true;
                return Ok(listing);
            }
            marker = page.marker;
        }
    }

    async fn delete_blob(&self, key: &str) -> Result<(), BlobError> {
        let response = self.send(&self.container.delete(&self.name(key)), Bytes::new()).await?;
        let got = answer(&response);
        if got.status == 202 {
            return Ok(());
        }
        match got.error(&format!("DELETE {key}"), &Precondition::None) {
            error if error.kind == BlobErrorKind::NotFound => Ok(()),
            error => Err(error),
        }
    }
}

const NAMESPACE: &str = "accounts with a hierarchical namespace are not supported";

impl BlobStore for AzureStore {
    fn location(&self) -> String {
        self.location.clone()
    }

    fn get<'a>(&'a self, key: &'a str, range: Option<Range<u64>>) -> BlobFuture<'a, Blob> {
        Box::pin(self.get_blob(key, range))
    }

    fn head<'a>(&'a self, key: &'a str) -> BlobFuture<'a, BlobInfo> {
        Box::pin(self.head_blob(key))
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        body: Body,
        condition: Precondition,
        metadata: &'a Metadata,
    ) -> BlobFuture<'a, Put> {
        Box::pin(async move { self.put_blob(key, body, &condition, metadata).await })
    }

    fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>) -> BlobFuture<'a, Listing> {
        Box::pin(self.list_keys(prefix, after))
    }

    fn delete<'a>(&'a self, key: &'a str) -> BlobFuture<'a, ()> {
        Box::pin(self.delete_blob(key))
    }
}

fn answer(response: &HttpResponse) -> Answer<'_> {
    Answer { status: response.status, headers: &response.headers, body: &response.body }
}

/// An answer of success without what it must contain: something between us and the store made it, or cut it.
fn senseless(operation: &str, key: &str) -> BlobError {
    BlobError::new(BlobErrorKind::NoAnswer, format!("azure: {operation} {key}: the answer makes no sense"))
}

/// Before the list of blocks is sent the object is not written, whatever happened to a block.
fn not_yet_written(error: BlobError) -> BlobError {
    match error.kind {
        BlobErrorKind::NoAnswer => BlobError { kind: BlobErrorKind::Unreachable, ..error },
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::sync::{Arc, Mutex};
    use std::time::{Duration, UNIX_EPOCH};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use crate::storage::blob::http::{Limits, Surroundings};

    /// A store at a service that gives these answers, one per request, and the heads of what it was sent.
    async fn scripted(answers: Vec<String>) -> (AzureStore, Arc<Mutex<Vec<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut options = AzureOptions::default();
        options.set_account("account").unwrap();
        options.set_container("container").unwrap();
        options.set_key("c2VjcmV0").unwrap();
        options.set_endpoint(&format!("http://{}/account", listener.local_addr().unwrap())).unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (seen, mut answers) = (Arc::clone(&heads), VecDeque::from(answers));
        tokio::spawn(async move {
            while let Some(answer) = answers.pop_front() {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") && stream.read_buf(&mut request).await.unwrap() > 0 {}
                seen.lock().unwrap().push(String::from_utf8(request).unwrap());
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        let http = HttpClient::new(&Surroundings::default(), Limits::default()).unwrap();
        (AzureStore::new(&options, http, |_| None).unwrap(), heads)
    }

    fn said(status: u16, headers: &str, body: &str) -> String {
        let length = body.len();
        format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}")
    }

    fn date(seconds: u64) -> String {
        crate::storage::blob::http_date::format(UNIX_EPOCH + Duration::from_secs(seconds)).unwrap()
    }

    const INFO: &str =
        "etag: \"1\"\r\nlast-modified: Mon, 23 Nov 2026 11:52:21 GMT\r\ndate: Mon, 23 Nov 2026 11:52:21 GMT\r\n";

    #[tokio::test]
    async fn requests_are_dated_by_the_stores_clock_once_it_refuses_ours() {
        let theirs = date(1_000_000_000);
        let refusal = said(403, &format!("date: {theirs}\r\nx-ms-error-code: AuthenticationFailed\r\n"), "");
        let (store, heads) = scripted(vec![refusal.clone(), said(200, INFO, "ok"), refusal.clone()]).await;
        assert_eq!(store.get("k", None).await.unwrap().body, "ok");
        let error = store.get("k", None).await.unwrap_err();
        assert_eq!(error.kind, BlobErrorKind::Denied, "by the right clock a refusal is one");
        let heads = heads.lock().unwrap();
        let near = |text: &str| (999_999_999..1_000_000_010).any(|s| text.contains(&format!("x-ms-date: {}", date(s))));
        assert_eq!(heads.iter().map(|head| near(head)).collect::<Vec<_>>(), [false, true, true]);
    }

    fn page(names: &[&str], marker: &str) -> String {
        let blob = |name: &&str| {
            format!(
                "<Blob><Name>{name}</Name><Properties><Last-Modified>Mon, 23 Nov 2026 11:52:21 GMT</Last-Modified>\
                <Content-Length>0</Content-Length></Properties></Blob>"
            )
        };
        let blobs: String = names.iter().map(blob).collect();
        let body =
            format!("<EnumerationResults><Blobs>{blobs}</Blobs><NextMarker>{marker}</NextMarker></EnumerationResults>");
        said(200, "", &body)
    }

    #[tokio::test]
    async fn a_listing_follows_the_markers_of_one_call() {
        let (store, heads) = scripted(vec![page(&["a", "b"], "1/&amp;"), page(&["c", "d"], "2"), page(&[], "")]).await;
        let listing = store.list("p", Some("b")).await.unwrap();
        assert_eq!(listing.keys.iter().map(|listed| listed.key.as_str()).collect::<Vec<_>>(), ["c", "d"]);
        assert!(!listing.more);
        let heads = heads.lock().unwrap();
        let markers: Vec<_> = heads.iter().map(|head| head.lines().next().unwrap().split_once("prefix=p")).collect();
        assert_eq!(
            markers.iter().map(|m| m.unwrap().1).collect::<Vec<_>>(),
            [" HTTP/1.1", "&marker=1%2F%26 HTTP/1.1", "&marker=2 HTTP/1.1"]
        );
    }

    #[tokio::test]
    async fn what_makes_no_sense_is_no_answer() {
        let range = "content-range: bytes 0-1/5\r\n";
        let answers = vec![
            said(200, "", "no etag"),
            said(206, &format!("{INFO}{range}"), "abc"),
            said(200, INFO, "the whole instead of a range"),
            said(200, "", "<html>"),
            page(&["b", "a"], ""),
            page(&["a", "b"], ""),
            said(201, "date: Mon, 23 Nov 2026 11:52:21 GMT\r\n", ""),
            said(200, INFO, ""),
        ];
        let (store, _) = scripted(answers).await;
        let mut kinds = Vec::new();
        kinds.push(store.get("k", None).await.unwrap_err().kind);
        kinds.push(store.get("k", Some(0..2)).await.unwrap_err().kind);
        kinds.push(store.get("k", Some(0..2)).await.unwrap_err().kind);
        kinds.push(store.list("", None).await.unwrap_err().kind);
        kinds.push(store.list("", None).await.unwrap_err().kind);
        let after = store.list("", Some("a")).await.unwrap();
        for _ in 0..2 {
            let body = Body::Bytes(Bytes::new());
            kinds.push(store.put("k", body, Precondition::None, &Metadata::new()).await.unwrap_err().kind);
        }
        use BlobErrorKind::{Invalid, NoAnswer};
        assert_eq!(kinds, [NoAnswer, NoAnswer, Invalid, NoAnswer, Invalid, NoAnswer, NoAnswer]);
        assert_eq!(after.keys.iter().map(|listed| listed.key.as_str()).collect::<Vec<_>>(), ["b"]);
    }
}
