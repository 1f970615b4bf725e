//! The storage seam: named objects with conditional writes.
//!
//! Owns: the trait [`BlobStore`] and its vocabulary. Must not know: what the objects contain, SQLite, or how a
//! particular store is reached (`storage::blob::*`, one file per backend).
//!
//! A backend is right when the contract tests (`storage::blob::contract`) pass over it. What correctness of the log
//! above it rests on is exactly this: [`Precondition::Absent`] lets one of any number of racing writers win, and an
//! error says honestly whether the write may have happened ([`BlobError::outcome_unknown`]).

pub mod aws_credentials;
pub mod azure;
pub mod azure_identity;
pub mod azure_options;
pub mod azure_request;
pub mod azure_response;
pub mod azure_token;
pub mod clock;
pub mod contract;
pub mod file_parts;
pub mod http;
pub mod http_date;
pub mod local_directory;
pub mod metered;
pub mod probe;
pub mod s3;
pub mod s3_answer;
pub mod s3_options;
pub mod secret;
pub mod shared_key;
pub mod sigv4;
pub mod xml;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::ops::Range;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

/// What a store's methods return: a boxed future, so that the trait can be an object.
pub type BlobFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, BlobError>> + Send + 'a>>;

/// A store of objects. Keys are relative to what the store was configured with (bucket and prefix); they are
/// non-empty, use `/` as separator and only the characters `A-Z a-z 0-9 - _ . / @`. No key is another's beginning up to
/// a `/`: some stores keep objects as files.
///
/// One call is one attempt at the operation, apart from what belongs to the transport itself: redirects, clock skew,
/// expired credentials. Retrying with backoff is the caller's, because only it knows what a repeated attempt means.
pub trait BlobStore: fmt::Debug + Send + Sync + 'static {
    /// For messages: `s3://bucket/prefix`, `azure://account/container/prefix`, `file:///directory`. No secrets.
    fn location(&self) -> String;

    /// The whole object, or the bytes of a range of it; a range that ends beyond the object gives what there is.
    fn get<'a>(&'a self, key: &'a str, range: Option<Range<u64>>) -> BlobFuture<'a, Blob>;

    /// Size, ETag, times and metadata without the body.
    fn head<'a>(&'a self, key: &'a str) -> BlobFuture<'a, BlobInfo>;

    /// Writes the object whole or not at all.
    fn put<'a>(
        &'a self,
        key: &'a str,
        body: Body,
        condition: Precondition,
        metadata: &'a Metadata,
    ) -> BlobFuture<'a, Put>;

    /// Keys with the prefix, in byte order (a store of files may take a `/` for less than any other byte), strictly
    /// after `after`; at most one page of them (a backend's page size).
    fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>) -> BlobFuture<'a, Listing>;

    /// Removes the object. One that is not there is removed already.
    fn delete<'a>(&'a self, key: &'a str) -> BlobFuture<'a, ()>;
}

/// An object's user-defined pairs: lower-case ASCII names (`a-z 0-9 _`), printable ASCII values.
pub type Metadata = BTreeMap<String, String>;

/// The opaque version of an object's content. Compared, never interpreted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ETag(pub String);

/// What must hold for a write to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing: the last writer wins.
    None,
    /// No object of that name (`If-None-Match: *`).
    Absent,
    /// The object's current ETag (`If-Match`); an object that is gone does not match.
    Matches(ETag),
}

/// What is written.
#[derive(Clone, Debug)]
pub enum Body {
    /// Bytes in memory.
    Bytes(Bytes),
    /// A file, streamed in parts so that memory stays constant. It must not change meanwhile.
    File(PathBuf),
}

/// An object without its body.
#[derive(Clone, Debug)]
pub struct BlobInfo {
    /// Of the whole object, in bytes.
    pub size: u64,
    pub etag: ETag,
    /// By the store's clock.
    pub last_modified: SystemTime,
    /// The store's clock when it answered (`Date`). Ages are this minus `last_modified`, never by our own clock.
    pub store_time: SystemTime,
    pub metadata: Metadata,
}

/// An object, or the range of it that was asked for.
#[derive(Clone, Debug)]
pub struct Blob {
    pub info: BlobInfo,
    pub body: Bytes,
}

/// A write that happened.
#[derive(Clone, Debug)]
pub struct Put {
    pub etag: ETag,
    /// The store's clock when it answered.
    pub store_time: SystemTime,
}

/// A page of keys.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    pub keys: Vec<ListedKey>,
    /// There are more; ask again after the last key.
    pub more: bool,
}

/// One key of a [`Listing`].
#[derive(Clone, Debug)]
pub struct ListedKey {
    pub key: String,
    pub size: u64,
    pub last_modified: SystemTime,
}

/// Why an operation did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobErrorKind {
    /// No such object (the bucket or container is there).
    NotFound,
    /// [`Precondition::Absent`] and there is one, or [`Precondition::Matches`] and it is another. May be the echo of
    /// one's own earlier attempt whose answer was lost: read and compare before concluding anything.
    PreconditionFailed,
    /// The store asks to slow down, or has an internal error it answered cleanly.
    Unavailable,
    /// Never sent: no connection, no name, no credentials to be had right now.
    Unreachable,
    /// Sent, and no or no whole answer came: it may have happened.
    NoAnswer,
    /// The credentials or the bucket are not accepted.
    Denied,
    /// What no retry mends: the request itself, the configuration, an answer that makes no sense.
    Invalid,
}

/// A failed operation on a store.
#[derive(Clone, Debug)]
pub struct BlobError {
    pub kind: BlobErrorKind,
    /// For the log: operation, key, status and the store's own words. No secrets.
    pub message: String,
    /// How long the store asks to wait (`Retry-After`).
    pub retry_after: Option<Duration>,
}

impl BlobError {
    /// An error of that kind.
    pub fn new(kind: BlobErrorKind, message: impl Into<String>) -> Self {
        BlobError { kind, message: message.into(), retry_after: None }
    }

    /// Whether the same operation with the same bytes may succeed later. Denied access counts: credentials are
    /// rotated and policies are mended while a server runs.
    pub fn is_retryable(&self) -> bool {
        !matches!(self.kind, BlobErrorKind::NotFound | BlobErrorKind::PreconditionFailed | BlobErrorKind::Invalid)
    }

    /// Whether a conditional write found its condition broken.
    pub fn lost_race(&self) -> bool {
        self.kind == BlobErrorKind::PreconditionFailed
    }

    /// Whether a write may have happened all the same. A clean 5xx counts: stores answer it after having applied too.
    pub fn outcome_unknown(&self) -> bool {
        matches!(self.kind, BlobErrorKind::NoAnswer | BlobErrorKind::Unavailable)
    }
}

impl fmt::Display for BlobError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for BlobError {}
