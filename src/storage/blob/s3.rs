//! Databases in S3 and what speaks its protocol: a bucket as a [`BlobStore`].
//!
//! Owns: the requests, sending them signed, what an answer means for the operation, large files in parts, following
//! redirects to other hosts and regions. Must not know: what the objects contain. Signatures are `sigv4`'s, credentials
//! `aws_credentials`'. Specification: docs.aws.amazon.com/AmazonS3/latest/API.
//!
//! Bodies are hashed and signed whole, never sent in signed chunks, which several stores refuse; Content-MD5 is for
//! those that do not check the hash. A large file goes up as a multipart upload, which nobody sees until it is
//! completed, under the condition; one that fails is aborted.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use md5::{Digest, Md5};

use crate::storage::blob::aws_credentials::CredentialChain;
use crate::storage::blob::azure_request::encode;
use crate::storage::blob::clock::StoreClock;
use crate::storage::blob::file_parts::FileParts;
use crate::storage::blob::http::{HttpClient, HttpRequest, HttpResponse};
use crate::storage::blob::s3_answer::Answer;
use crate::storage::blob::s3_options::S3Options;
use crate::storage::blob::sigv4::{AwsCredentials, Signable, encoded_query, sign};
use crate::storage::blob::{
    Blob, BlobError, BlobErrorKind, BlobFuture, BlobInfo, BlobStore, Body, ETag, Listing, Metadata, Precondition, Put,
};

/// Files up to this size go up in one request.
const MAX_SINGLE: u64 = 32 << 20;
const PART: u64 = 16 << 20;
/// More parts S3 does not take.
const MAX_PARTS: u64 = 10_000;
/// How often a request is sent again, somewhere else or as somebody else, before its answer is the answer.
const MAX_CORRECTIONS: usize = 3;

/// A bucket, and a prefix in it.
#[derive(Debug)]
pub struct S3Store {
    http: HttpClient,
    options: S3Options,
    who: Who,
    clock: StoreClock,
    place: Mutex<Place>,
}

#[derive(Debug)]
enum Who {
    Given(AwsCredentials),
    Found(CredentialChain),
}

/// Where requests go, as far as is known: redirects teach it.
#[derive(Clone, Debug)]
struct Place {
    origin: String,
    path: String,
    region: String,
}

/// A request before it is known where it goes and who signs it.
struct S3Request<'a> {
    method: &'static str,
    /// Empty: the bucket.
    name: &'a str,
    query: Vec<(&'static str, String)>,
    headers: Vec<(String, String)>,
    body: Bytes,
}

impl S3Store {
    /// `environment`: where credentials and the region are found if the options have none.
    pub fn new(
        options: S3Options,
        http: HttpClient,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        options.check()?;
        let region = options.region(&environment);
        let who = match options.credentials() {
            Some(credentials) => Who::Given(credentials),
            None => Who::Found(CredentialChain::new(&region, environment)),
        };
        let place = Mutex::new(Place::of(&options, region));
        Ok(S3Store { http, options, who, clock: StoreClock::default(), place })
    }

    fn name(&self, key: &str) -> String {
        format!("{}{key}", self.options.prefix())
    }

    fn place(&self) -> Place {
        self.place.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn credentials(&self) -> Result<AwsCredentials, BlobError> {
        match &self.who {
            Who::Given(credentials) => Ok(credentials.clone()),
            Who::Found(chain) => chain.credentials(&self.http).await,
        }
    }

    /// Sends a request, and again where an answer says that another host, region, date or token would be right.
    async fn send(&self, request: &S3Request<'_>) -> Result<HttpResponse, BlobError> {
        let mut place = self.place();
        for _ in 0..MAX_CORRECTIONS {
            let who = self.credentials().await?;
            let response = self.attempt(request, &place, &who).await?;
            match self.correction(&response, &place, &who) {
                Some(better) => place = better,
                None => return Ok(response),
            }
        }
        self.attempt(request, &place, &self.credentials().await?).await
    }

    /// Where to send a refused request again, if that may help. What is good for all requests is remembered.
    fn correction(&self, response: &HttpResponse, place: &Place, who: &AwsCredentials) -> Option<Place> {
        let answer = Answer(response);
        if (200..300).contains(&response.status) {
            return None;
        }
        if let Some((scheme, authority)) = answer.redirect() {
            // Temporary: a young bucket's name has not got around yet. Elsewhere nobody is to see what we sign.
            let secret = scheme == "https" || (scheme == "http" && place.origin.starts_with("http://"));
            let ours = secret && self.options.may_redirect_to(authority);
            return ours.then(|| Place { origin: format!("{scheme}://{authority}"), ..place.clone() });
        }
        let elsewhere = matches!(response.status, 301 | 400) || response.header("x-amz-bucket-region").is_some();
        if elsewhere && let Some(region) = answer.right_region().filter(|region| *region != place.region) {
            log::info!("{} is in region {region}", self.location());
            let better = if self.options.is_aws() {
                Place::of(&self.options, region)
            } else {
                Place { region, ..place.clone() }
            };
            *self.place.lock().unwrap_or_else(PoisonError::into_inner) = better.clone();
            return Some(better);
        }
        let again = match answer.error_code().as_deref() {
            Some("RequestTimeTooSkewed") => answer.date().is_some_and(|theirs| self.clock.correct(theirs)),
            Some("ExpiredToken" | "InvalidToken" | "TokenRefreshRequired") => match &self.who {
                Who::Given(_) => false,
                Who::Found(chain) => chain.discard(who),
            },
            _ => false,
        };
        again.then(|| place.clone())
    }

    async fn attempt(
        &self,
        request: &S3Request<'_>,
        place: &Place,
        who: &AwsCredentials,
    ) -> Result<HttpResponse, BlobError> {
        let path = match request.name {
            "" if place.path.is_empty() => "/".to_owned(),
            "" => place.path.clone(),
            name => format!("{}/{}", place.path, encode(name, b"/")),
        };
        let mut headers = request.headers.clone();
        let authority = place.origin.split_once("://").map_or("", |(_, authority)| authority);
        headers.push(("host".to_owned(), authority.to_owned()));
        let signable = Signable {
            method: request.method,
            path: &path,
            query: &request.query,
            headers: &headers,
            body: &request.body,
        };
        let signed = sign(&signable, who, &place.region, self.clock.now())
            .ok_or_else(|| BlobError::new(BlobErrorKind::Invalid, "s3: the time is beyond what can be signed"))?;
        headers.extend(signed);
        let mut target = path;
        if !request.query.is_empty() {
            target.push('?');
            target.push_str(&encoded_query(&request.query));
        }
        let (origin, body) = (place.origin.clone(), request.body.clone());
        self.http.send(&HttpRequest { method: request.method, origin, target, headers, body }).await
    }

    async fn get_object(&self, key: &str, range: Option<Range<u64>>) -> Result<Blob, BlobError> {
        if range.as_ref().is_some_and(|range| range.start >= range.end) {
            return Ok(Blob { info: self.head_object(key).await?, body: Bytes::new() });
        }
        let name = self.name(key);
        let mut request = S3Request::new("GET", &name);
        if let Some(range) = &range {
            request.header("range", format!("bytes={}-{}", range.start, range.end - 1));
        }
        let response = self.send(&request).await?;
        match (response.status, &range) {
            // Only nothing of the range is there.
            (416, Some(_)) => Ok(Blob { info: self.head_object(key).await?, body: Bytes::new() }),
            // An empty object has no range; some stores answer it whole.
            (200, Some(_)) if response.body.is_empty() => Self::whole(key, &response, 0),
            (200, None) => Self::whole(key, &response, response.body.len() as u64),
            (206, Some(range)) if Answer(&response).starts_at() == Some(range.start) => {
                let size = Answer(&response).info().map_or(0, |info| info.size);
                Self::whole(key, &response, range.end.min(size).saturating_sub(range.start))
            }
            (200 | 206, _) => Err(senseless("GET", key)),
            _ => Err(Answer(&response).error(&format!("GET {key}"), &Precondition::None)),
        }
    }

    /// The object, if as many bytes came as were to come.
    fn whole(key: &str, response: &HttpResponse, expected: u64) -> Result<Blob, BlobError> {
        let info = Answer(response).info().ok_or_else(|| senseless("GET", key))?;
        let complete = response.status == 206 || info.size == expected;
        if response.body.len() as u64 != expected || !complete {
            return Err(senseless("GET", key));
        }
        Ok(Blob { info, body: response.body.clone() })
    }

    async fn head_object(&self, key: &str) -> Result<BlobInfo, BlobError> {
        let name = self.name(key);
        let head = S3Request::new("HEAD", &name);
        let mut response = self.send(&head).await?;
        if matches!(response.status, 400 | 403 | 404) {
            // These have no body, so no reason: an expired token, a wrong clock, no bucket. Another request is told it.
            let mut request = S3Request::new("GET", &name);
            request.header("range", "bytes=0-0".to_owned());
            response = self.send(&request).await?;
            if matches!(response.status, 200 | 206 | 416) {
                response = self.send(&head).await?;
            }
        }
        match response.status {
            200 => Answer(&response).info().ok_or_else(|| senseless("HEAD", key)),
            _ => Err(Answer(&response).error(&format!("HEAD {key}"), &Precondition::None)),
        }
    }

    async fn put_object(
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
                    return self.put_parts(key, file, condition, metadata).await;
                }
                file.read_all().await?
            }
        };
        let name = self.name(key);
        let mut request = S3Request::new("PUT", &name);
        request.described(metadata);
        request.conditional(condition);
        request.body(bytes);
        let response = self.send(&request).await?;
        match Answer(&response) {
            // An answer of success that lacks something may be of one that did happen.
            answer if answer.succeeded(&[200, 201]) => answer.put().ok_or_else(|| senseless("PUT", key)),
            answer => Err(answer.error(&format!("PUT {key}"), condition)),
        }
    }

    async fn put_parts(
        &self,
        key: &str,
        file: FileParts,
        condition: &Precondition,
        metadata: &Metadata,
    ) -> Result<Put, BlobError> {
        let name = self.name(key);
        let mut request = S3Request::new("POST", &name);
        request.query = vec![("uploads", String::new())];
        request.described(metadata);
        let response = self.send(&request).await.map_err(not_yet_written)?;
        let answer = Answer(&response);
        if !answer.succeeded(&[200]) {
            return Err(answer.error(&format!("PUT {key} (begin)"), &Precondition::None));
        }
        let upload = answer.upload_id().ok_or_else(|| not_yet_written(senseless("PUT", key)))?;
        let parts = match self.upload_parts(key, &upload, file).await {
            Ok(parts) => parts,
            Err(error) => {
                self.abort(key, upload).await;
                return Err(error);
            }
        };
        let result = self.complete(key, &upload, &parts, condition).await;
        if result.as_ref().is_err_and(|error| !error.outcome_unknown()) {
            self.abort(key, upload).await;
        }
        result
    }

    /// Throws the parts of an upload away. What is not aborted here is the bucket's lifecycle rule's.
    async fn abort(&self, key: &str, upload: String) {
        let name = self.name(key);
        let mut request = S3Request::new("DELETE", &name);
        request.query = vec![("uploadId", upload)];
        let failed = match self.send(&request).await {
            Ok(response) if Answer(&response).succeeded(&[200, 204, 404]) => return,
            Ok(response) => Answer(&response).error(&format!("DELETE {key} (abort)"), &Precondition::None),
            Err(error) => error,
        };
        log::warn!("{}: an unfinished upload of {key} is left: {failed}", self.location());
    }

    /// The ETags of the parts, in order.
    async fn upload_parts(&self, key: &str, upload: &str, mut file: FileParts) -> Result<Vec<String>, BlobError> {
        let name = self.name(key);
        let length = PART.max(file.size.div_ceil(MAX_PARTS));
        let mut parts = Vec::new();
        let mut start = 0;
        while start < file.size {
            let end = file.size.min(start + length);
            let mut request = S3Request::new("PUT", &name);
            request.query = vec![("partNumber", (parts.len() + 1).to_string()), ("uploadId", upload.to_owned())];
            request.body(file.read(start..end).await?);
            let response = self.send(&request).await.map_err(not_yet_written)?;
            let answer = Answer(&response);
            match answer.part_etag() {
                Some(etag) if answer.succeeded(&[200]) => parts.push(etag),
                _ => return Err(not_yet_written(answer.error(&format!("PUT {key} (part)"), &Precondition::None))),
            }
            start = end;
        }
        Ok(parts)
    }

    async fn complete(
        &self,
        key: &str,
        upload: &str,
        parts: &[String],
        condition: &Precondition,
    ) -> Result<Put, BlobError> {
        let name = self.name(key);
        let part = |(index, etag): (usize, &String)| {
            format!("<Part><PartNumber>{}</PartNumber><ETag>{etag}</ETag></Part>", index + 1)
        };
        let list: String = parts.iter().enumerate().map(part).collect();
        let mut request = S3Request::new("POST", &name);
        request.query = vec![("uploadId", upload.to_owned())];
        request.conditional(condition);
        request.body(format!("<CompleteMultipartUpload>{list}</CompleteMultipartUpload>").into());
        let response = self.send(&request).await?;
        match Answer(&response) {
            answer if answer.succeeded(&[200]) => answer.completed().ok_or_else(|| senseless("PUT", key)),
            answer => Err(answer.error(&format!("PUT {key} (complete)"), condition)),
        }
    }

    async fn list_keys(&self, prefix: &str, after: Option<&str>) -> Result<Listing, BlobError> {
        let mut request = S3Request::new("GET", "");
        request.query = vec![("list-type", "2".to_owned()), ("prefix", self.name(prefix))];
        if let Some(after) = after {
            request.query.push(("start-after", self.name(after)));
        }
        let response = self.send(&request).await?;
        match Answer(&response) {
            answer if answer.succeeded(&[200]) => {
                answer.listing(self.options.prefix()).ok_or_else(|| senseless("LIST", prefix))
            }
            answer => Err(answer.error(&format!("LIST {prefix}"), &Precondition::None)),
        }
    }

    async fn delete_object(&self, key: &str) -> Result<(), BlobError> {
        let response = self.send(&S3Request::new("DELETE", &self.name(key))).await?;
        match Answer(&response) {
            answer if answer.succeeded(&[200, 204]) => Ok(()),
            answer => match answer.error(&format!("DELETE {key}"), &Precondition::None) {
                error if error.kind == BlobErrorKind::NotFound => Ok(()),
                error => Err(error),
            },
        }
    }
}

impl Place {
    fn of(options: &S3Options, region: String) -> Self {
        let bucket = options.bucket(&region);
        Place { origin: bucket.origin, path: bucket.path, region }
    }
}

impl<'a> S3Request<'a> {
    fn new(method: &'static str, name: &'a str) -> Self {
        S3Request { method, name, query: Vec::new(), headers: Vec::new(), body: Bytes::new() }
    }

    fn header(&mut self, name: &str, value: String) {
        self.headers.push((name.to_owned(), value));
    }

    fn described(&mut self, metadata: &Metadata) {
        self.header("content-type", "application/octet-stream".to_owned());
        for (name, value) in metadata {
            self.header(&format!("x-amz-meta-{name}"), value.clone());
        }
    }

    fn conditional(&mut self, condition: &Precondition) {
        match condition {
            Precondition::None => {}
            Precondition::Absent => self.header("if-none-match", "*".to_owned()),
            Precondition::Matches(ETag(etag)) => self.header("if-match", etag.clone()),
        }
    }

    fn body(&mut self, body: Bytes) {
        self.header("content-md5", STANDARD.encode(Md5::digest(&body)));
        self.body = body;
    }
}

impl BlobStore for S3Store {
    fn location(&self) -> String {
        self.options.location()
    }

    fn get<'a>(&'a self, key: &'a str, range: Option<Range<u64>>) -> BlobFuture<'a, Blob> {
        Box::pin(self.get_object(key, range))
    }

    fn head<'a>(&'a self, key: &'a str) -> BlobFuture<'a, BlobInfo> {
        Box::pin(self.head_object(key))
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        body: Body,
        condition: Precondition,
        metadata: &'a Metadata,
    ) -> BlobFuture<'a, Put> {
        Box::pin(async move { self.put_object(key, body, &condition, metadata).await })
    }

    fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>) -> BlobFuture<'a, Listing> {
        Box::pin(self.list_keys(prefix, after))
    }

    fn delete<'a>(&'a self, key: &'a str) -> BlobFuture<'a, ()> {
        Box::pin(self.delete_object(key))
    }
}

/// An answer of success without what it must contain: something between us and the store made it, or cut it.
fn senseless(operation: &str, key: &str) -> BlobError {
    BlobError::new(BlobErrorKind::NoAnswer, format!("s3: {operation} {key}: the answer makes no sense"))
}

/// Before an upload is completed the object is not written, whatever happened to a part.
fn not_yet_written(error: BlobError) -> BlobError {
    match error.kind {
        BlobErrorKind::NoAnswer => BlobError { kind: BlobErrorKind::Unreachable, ..error },
        _ => error,
    }
}

#[cfg(test)]
#[path = "s3_tests.rs"]
mod tests;
