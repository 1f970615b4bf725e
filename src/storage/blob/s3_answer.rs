//! What S3 answers, as the vocabulary of the storage seam.
//!
//! Owns: reading headers, listings and upload IDs, and the one table from S3's error codes to [`BlobErrorKind`]. Must
//! not know: how requests are sent. Specification: docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use crate::storage::blob::http::HttpResponse;
use crate::storage::blob::xml::Element;
use crate::storage::blob::{
    BlobError, BlobErrorKind, BlobInfo, ETag, ListedKey, Listing, Metadata, Precondition, Put, http_date,
};

/// An answer.
#[derive(Clone, Copy)]
pub struct Answer<'a>(pub &'a HttpResponse);

/// Error codes that mean something else than their status says.
const CODES: &[(&str, BlobErrorKind)] = &[
    ("NoSuchKey", BlobErrorKind::NotFound),
    // Configuration: never "the object is not there".
    ("NoSuchBucket", BlobErrorKind::Denied),
    ("PreconditionFailed", BlobErrorKind::PreconditionFailed),
    // Two conditional writes met; S3 says to send the same again.
    ("ConditionalRequestConflict", BlobErrorKind::Unavailable),
    ("OperationAborted", BlobErrorKind::Unavailable),
    ("RequestTimeout", BlobErrorKind::Unavailable),
    // One that leads nowhere, or in circles.
    ("TemporaryRedirect", BlobErrorKind::Unavailable),
    ("SlowDown", BlobErrorKind::Unavailable),
    ("ServiceUnavailable", BlobErrorKind::Unavailable),
    ("InternalError", BlobErrorKind::Unavailable),
    ("TooManyRequests", BlobErrorKind::Unavailable),
    ("RequestLimitExceeded", BlobErrorKind::Unavailable),
    // The body did not arrive as it was sent.
    ("BadDigest", BlobErrorKind::Unavailable),
    ("XAmzContentSHA256Mismatch", BlobErrorKind::Unavailable),
    ("IncompleteBody", BlobErrorKind::Unavailable),
    // The upload was thrown away, by its lifecycle or another abort: nothing was written.
    ("NoSuchUpload", BlobErrorKind::Unavailable),
    // A condition the store does not know.
    ("NotImplemented", BlobErrorKind::Invalid),
    ("ExpiredToken", BlobErrorKind::Denied),
    ("InvalidToken", BlobErrorKind::Denied),
    ("RequestTimeTooSkewed", BlobErrorKind::Denied),
    ("AuthorizationHeaderMalformed", BlobErrorKind::Denied),
];

impl<'a> Answer<'a> {
    pub fn status(&self) -> u16 {
        self.0.status
    }

    /// The store's clock when it answered.
    pub fn date(&self) -> Option<SystemTime> {
        http_date::parse(self.0.header("date")?)
    }

    fn document(&self) -> Option<Element<'a>> {
        Element::root(std::str::from_utf8(&self.0.body).ok()?)
    }

    /// The body, if it is an error; S3 sends one with status 200, too, once it has begun to answer.
    fn error_document(&self) -> Option<Element<'a>> {
        self.document().filter(|root| root.name() == "Error")
    }

    /// Whether the operation succeeded with one of those statuses.
    pub fn succeeded(&self, statuses: &[u16]) -> bool {
        statuses.contains(&self.0.status) && self.error_document().is_none()
    }

    /// S3's word for what went wrong.
    pub fn error_code(&self) -> Option<String> {
        Some(self.error_document()?.child_text("Code")?.into_owned())
    }

    /// The region the bucket is in, if the answer says that we asked another.
    pub fn right_region(&self) -> Option<String> {
        let region = match self.0.header("x-amz-bucket-region") {
            Some(region) => region.to_owned(),
            None => self.error_document()?.child_text("Region")?.into_owned(),
        };
        // It becomes part of a host's name.
        let valid = !region.is_empty() && region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        valid.then_some(region)
    }

    /// Scheme and authority a temporary redirect leads to; whoever follows it decides whether it may lead there.
    pub fn redirect(&self) -> Option<(&'a str, &'a str)> {
        let location = self.0.header("location").filter(|_| self.0.status == 307)?;
        let (scheme, rest) = location.split_once("://")?;
        Some((scheme, rest.split(['/', '?', '#']).next()?))
    }

    /// The error this answer is. `condition`: of the write it answers.
    pub fn error(&self, operation: &str, condition: &Precondition) -> BlobError {
        let code = self.error_code();
        let known = CODES.iter().find(|(name, _)| code.as_deref() == Some(name)).map(|(_, kind)| *kind);
        let kind = match known.unwrap_or_else(|| by_status(self.0.status)) {
            // An object that is gone does not match.
            BlobErrorKind::NotFound if matches!(condition, Precondition::Matches(_)) => {
                BlobErrorKind::PreconditionFailed
            }
            kind => kind,
        };
        let mut message = format!("s3: {operation}: status {}", self.0.status);
        if let Some(code) = code {
            message.push_str(&format!(" {code}"));
        }
        if let Some(id) = self.0.header("x-amz-request-id") {
            message.push_str(&format!(" (request {id})"));
        }
        let seconds = self.0.header("retry-after").and_then(|value| value.trim().parse().ok());
        BlobError { retry_after: seconds.map(Duration::from_secs), ..BlobError::new(kind, message) }
    }

    /// What the headers of an object say; `None`: something of it is missing or makes no sense.
    pub fn info(&self) -> Option<BlobInfo> {
        let headers = self.0.headers.iter();
        let prefixed = headers.filter_map(|(n, value)| Some((n.strip_prefix("x-amz-meta-")?, value)));
        let metadata: Metadata = prefixed.map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
        Some(BlobInfo {
            size: self.size()?,
            etag: self.etag()?,
            last_modified: http_date::parse(self.0.header("last-modified")?)?,
            store_time: self.date()?,
            metadata,
        })
    }

    /// The whole object's, which for a range stands behind the slash of `Content-Range: bytes 0-4/11`.
    fn size(&self) -> Option<u64> {
        match self.0.header("content-range") {
            Some(range) => range.rsplit_once('/')?.1.parse().ok(),
            None => self.0.header("content-length")?.parse().ok(),
        }
    }

    /// The first byte of the range that was answered.
    pub fn starts_at(&self) -> Option<u64> {
        self.0.header("content-range")?.strip_prefix("bytes ")?.split_once('-')?.0.parse().ok()
    }

    fn etag(&self) -> Option<ETag> {
        Some(ETag(self.0.header("etag")?.to_owned()))
    }

    /// What a write that happened is.
    pub fn put(&self) -> Option<Put> {
        Some(Put { etag: self.etag()?, store_time: self.date()? })
    }

    /// What a part of an upload is known by.
    pub fn part_etag(&self) -> Option<String> {
        self.0.header("etag").map(str::to_owned)
    }

    /// The ID of the upload that was begun.
    pub fn upload_id(&self) -> Option<String> {
        Some(self.document()?.child_text("UploadId")?.into_owned())
    }

    /// The write that completing an upload was.
    pub fn completed(&self) -> Option<Put> {
        let document = self.document().filter(|root| root.name() == "CompleteMultipartUploadResult")?;
        Some(Put { etag: ETag(document.child_text("ETag")?.into_owned()), store_time: self.date()? })
    }

    /// A page of keys, whose names begin with `root`, which is not part of the keys; `None`: not a whole listing.
    pub fn listing(&self, root: &str) -> Option<Listing> {
        let document = self.document().filter(|document| document.name() == "ListBucketResult")?;
        let mut listing = Listing { keys: Vec::new(), more: document.child_text("IsTruncated")? == "true" };
        for object in document.children().filter(|element| element.name() == "Contents") {
            let modified: Timestamp = object.child_text("LastModified")?.parse().ok()?;
            listing.keys.push(ListedKey {
                key: object.child_text("Key")?.strip_prefix(root)?.to_owned(),
                size: object.child_text("Size")?.parse().ok()?,
                last_modified: modified.into(),
            });
        }
        Some(listing)
    }
}

fn by_status(status: u16) -> BlobErrorKind {
    match status {
        401 | 403 => BlobErrorKind::Denied,
        404 => BlobErrorKind::NotFound,
        412 => BlobErrorKind::PreconditionFailed,
        408 | 409 | 429 | 500..=599 => BlobErrorKind::Unavailable,
        _ => BlobErrorKind::Invalid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, headers: &[(&str, &str)], body: &'static str) -> HttpResponse {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        HttpResponse { status, headers, body: body.as_bytes().into() }
    }

    #[test]
    fn errors_are_what_their_codes_say() {
        use BlobErrorKind::*;
        let cases = [
            (404, "NoSuchKey", Precondition::None, NotFound),
            (404, "NoSuchKey", Precondition::Matches(ETag("1".into())), PreconditionFailed),
            (404, "NoSuchBucket", Precondition::Matches(ETag("1".into())), Denied),
            (412, "PreconditionFailed", Precondition::Absent, PreconditionFailed),
            (409, "ConditionalRequestConflict", Precondition::Absent, Unavailable),
            (503, "SlowDown", Precondition::None, Unavailable),
            // With status 200, as CompleteMultipartUpload may answer.
            (200, "InternalError", Precondition::None, Unavailable),
            (200, "PreconditionFailed", Precondition::Absent, PreconditionFailed),
            (403, "SignatureDoesNotMatch", Precondition::None, Denied),
            (501, "NotImplemented", Precondition::Absent, Invalid),
            (400, "InvalidArgument", Precondition::None, Invalid),
        ];
        for (status, code, condition, kind) in cases {
            let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code></Error>").leak();
            let response = response(status, &[], body);
            assert!(!Answer(&response).succeeded(&[200]));
            let error = Answer(&response).error("PUT k", &condition);
            assert_eq!(error.kind, kind, "{status} {code}");
            assert_eq!(error.message, format!("s3: PUT k: status {status} {code}"));
        }
    }

    #[test]
    fn a_listing_is_whole_or_none() {
        const BODY: &str = "<ListBucketResult xmlns=\"x\"><Name>b</Name><IsTruncated>true</IsTruncated>\
            <Contents><Key>p/a</Key><LastModified>2026-11-23T10:00:00.000Z</LastModified><Size>3</Size></Contents>\
            </ListBucketResult>";
        let listing = Answer(&response(200, &[], BODY)).listing("p/").unwrap();
        assert!(listing.more && listing.keys[0].key == "a" && listing.keys[0].size == 3);
        assert!(Answer(&response(200, &[], BODY)).listing("q/").is_none());
        assert!(Answer(&response(200, &[], &BODY[..100])).listing("p/").is_none());
    }

    #[test]
    fn where_to_ask_instead() {
        let moved = response(307, &[("location", "https://b.s3-eu-west-1.amazonaws.com/k?x")], "");
        assert_eq!(Answer(&moved).redirect(), Some(("https", "b.s3-eu-west-1.amazonaws.com")));
        let forged = response(301, &[("x-amz-bucket-region", "example.com/?")], "");
        assert_eq!(Answer(&forged).right_region(), None);
        let header = response(301, &[("x-amz-bucket-region", "eu-west-1")], "");
        let body =
            response(400, &[], "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>");
        for response in [header, body] {
            assert_eq!(Answer(&response).right_region().as_deref(), Some("eu-west-1"));
        }
    }
}
