//! What Azure's Blob service answers, as the vocabulary of the storage seam.
//!
//! Owns: reading headers and listings, and the one table from the service's error codes to [`BlobErrorKind`]. Must not
//! know: how requests are sent. Specification: learn.microsoft.com/rest/api/storageservices, "Blob service error codes"
//! and "List Blobs".

use std::time::{Duration, SystemTime};

use crate::storage::blob::xml::Element;
use crate::storage::blob::{
    BlobError, BlobErrorKind, BlobInfo, ETag, ListedKey, Metadata, Precondition, Put, http_date,
};

/// An answer as it came.
#[derive(Clone, Copy)]
pub struct Answer<'a> {
    pub status: u16,
    /// Names in lower case.
    pub headers: &'a [(String, String)],
    pub body: &'a [u8],
}

/// One answer to List Blobs.
#[derive(Debug)]
pub struct ListingPage {
    pub keys: Vec<ListedKey>,
    /// Where the listing goes on; empty: nowhere.
    pub marker: String,
}

/// Error codes (`x-ms-error-code`) that mean something else than their status says.
const CODES: &[(&str, BlobErrorKind)] = &[
    ("BlobNotFound", BlobErrorKind::NotFound),
    // The container or the account, which is configuration: never "the object is not there".
    ("ContainerNotFound", BlobErrorKind::Denied),
    ("ResourceNotFound", BlobErrorKind::Denied),
    ("ContainerBeingDeleted", BlobErrorKind::Denied),
    ("ContainerDisabled", BlobErrorKind::Denied),
    ("AccountIsDisabled", BlobErrorKind::Denied),
    ("AccountBeingCreated", BlobErrorKind::Denied),
    // If-None-Match: 409 by the documentation and the emulator, 412 by some.
    ("BlobAlreadyExists", BlobErrorKind::PreconditionFailed),
    ("ConditionNotMet", BlobErrorKind::PreconditionFailed),
    ("TargetConditionNotMet", BlobErrorKind::PreconditionFailed),
    // Somebody holds a lease on it: not a race, and nothing a retry mends soon.
    ("LeaseIdMissing", BlobErrorKind::Denied),
    // Another upload of the same object threw our blocks away: nothing was written, and a new attempt writes anew.
    ("InvalidBlockList", BlobErrorKind::Unavailable),
    ("InvalidBlobOrBlock", BlobErrorKind::Unavailable),
    ("BlockCountExceedsLimit", BlobErrorKind::Unavailable),
    // The body did not arrive as it was sent.
    ("Md5Mismatch", BlobErrorKind::Unavailable),
];

impl<'a> Answer<'a> {
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The store's clock when it answered.
    pub fn date(&self) -> Option<SystemTime> {
        http_date::parse(self.header("date")?)
    }

    /// The service's word for what went wrong: of the header, which HEAD has too, or of the body.
    pub fn error_code(&self) -> Option<String> {
        if let Some(code) = self.header("x-ms-error-code") {
            return Some(code.to_owned());
        }
        let root = Element::root(std::str::from_utf8(self.body).ok()?)?;
        Some(root.child_text("Code")?.into_owned())
    }

    /// The error this answer is. `condition`: of the write it answers.
    pub fn error(&self, operation: &str, condition: &Precondition) -> BlobError {
        let code = self.error_code();
        let known = CODES.iter().find(|(name, _)| code.as_deref() == Some(name)).map(|(_, kind)| *kind);
        let kind = match known.unwrap_or_else(|| by_status(self.status)) {
            // An object that is gone does not match.
            BlobErrorKind::NotFound if matches!(condition, Precondition::Matches(_)) => {
                BlobErrorKind::PreconditionFailed
            }
            kind => kind,
        };
        let mut message = format!("azure: {operation}: status {}", self.status);
        if let Some(code) = code {
            message.push_str(&format!(" {code}"));
        }
        if let Some(id) = self.header("x-ms-request-id") {
            message.push_str(&format!(" (request {id})"));
        }
        let seconds = self.header("retry-after").and_then(|value| value.trim().parse().ok());
        BlobError { retry_after: seconds.map(Duration::from_secs), ..BlobError::new(kind, message) }
    }

    /// What the headers of an object say; `None`: something of it is missing or makes no sense.
    pub fn info(&self) -> Option<BlobInfo> {
        let prefixed = self.headers.iter().filter_map(|(n, value)| Some((n.strip_prefix("x-ms-meta-")?, value)));
        let metadata: Metadata = prefixed.map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
        Some(BlobInfo {
            size: self.size()?,
            etag: ETag(self.header("etag")?.to_owned()),
            last_modified: http_date::parse(self.header("last-modified")?)?,
            store_time: self.date()?,
            metadata,
        })
    }

    /// The whole object's, which for a range stands behind the slash of `Content-Range: bytes 0-4/11`.
    fn size(&self) -> Option<u64> {
        match self.header("content-range") {
            Some(range) => range.rsplit_once('/')?.1.parse().ok(),
            None => self.header("content-length")?.parse().ok(),
        }
    }

    /// What a write that happened is.
    pub fn put(&self) -> Option<Put> {
        Some(Put { etag: ETag(self.header("etag")?.to_owned()), store_time: self.date()? })
    }

    /// A page of keys, whose names begin with `root`, which is not part of the keys; `None`: not a whole listing.
    pub fn listing(&self, root: &str) -> Option<ListingPage> {
        let document = Element::root(std::str::from_utf8(self.body).ok()?)?;
        if document.name() != "EnumerationResults" {
            return None;
        }
        let blobs = document.child("Blobs")?;
        let mut keys = Vec::new();
        for blob in blobs.children().filter(|element| element.name() == "Blob") {
            let properties = blob.child("Properties")?;
            // An account with a hierarchical namespace lists its directories too.
            if properties.child_text("ResourceType").as_deref() == Some("directory") {
                continue;
            }
            keys.push(ListedKey {
                key: blob.child_text("Name")?.strip_prefix(root)?.to_owned(),
                size: properties.child_text("Content-Length")?.parse().ok()?,
                last_modified: http_date::parse(&properties.child_text("Last-Modified")?)?,
            });
        }
        // The last page has an empty marker; one without any was cut off.
        let marker = document.child_text("NextMarker")?.into_owned();
        Some(ListingPage { keys, marker })
    }
}

fn by_status(status: u16) -> BlobErrorKind {
    match status {
        401 | 403 => BlobErrorKind::Denied,
        408 | 429 | 500..=599 => BlobErrorKind::Unavailable,
        412 => BlobErrorKind::PreconditionFailed,
        _ => BlobErrorKind::Invalid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &str) -> Vec<(String, String)> {
        let pairs = lines.lines().filter_map(|line| line.split_once(": "));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// Answers recorded from Azurite.
    const RANGE: &str = "last-modified: Mon, 23 Nov 2026 11:52:21 GMT\ncontent-length: 2\ncontent-range: bytes 1-2/5\n\
        etag: \"0x1F421CCCA115AE0\"\nx-ms-meta-b_: 1\nx-ms-blob-type: BlockBlob\ndate: Mon, 23 Nov 2026 11:52:22 GMT";
    const LISTING: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\
        <EnumerationResults ServiceEndpoint=\"http://127.0.0.1:10100/testaccount\" ContainerName=\"ccc\"><Prefix/><Marker/>\
        <MaxResults>2</MaxResults><Blobs><Blob><Name>p/db.pgs/a</Name><Properties>\
        <Creation-Time>Mon, 23 Nov 2026 11:52:21 GMT</Creation-Time><Last-Modified>Mon, 23 Nov 2026 11:52:21 GMT</Last-Modified>\
        <Etag>0x1F421CCCA115AE0</Etag><Content-Length>5</Content-Length><BlobType>BlockBlob</BlobType></Properties></Blob>\
        <Blob><Name>p/dir</Name><Properties><Last-Modified>Mon, 23 Nov 2026 11:52:21 GMT</Last-Modified>\
        <ResourceType>directory</ResourceType><Content-Length>0</Content-Length></Properties></Blob>\
        </Blobs><NextMarker>e</NextMarker></EnumerationResults>";

    #[test]
    fn an_objects_headers() {
        let headers = headers(RANGE);
        let answer = Answer { status: 206, headers: &headers, body: b"el" };
        let info = answer.info().unwrap();
        assert_eq!((info.size, info.etag.0.as_str()), (5, "\"0x1F421CCCA115AE0\""));
        assert_eq!(info.store_time.duration_since(info.last_modified).unwrap(), Duration::from_secs(1));
        assert_eq!(info.metadata, Metadata::from([("b_".to_owned(), "1".to_owned())]));
        for needed in ["etag", "date", "last-modified", "content-range"] {
            let mut less = headers.clone();
            less.retain(|(name, _)| name != needed && name != "content-length");
            let answer = Answer { headers: &less, ..answer };
            assert!(answer.info().is_none(), "{needed}");
        }
    }

    #[test]
    fn listings_are_whole_or_nothing() {
        let answer = Answer { status: 200, headers: &[], body: LISTING.as_bytes() };
        let page = answer.listing("p/").unwrap();
        assert_eq!(page.keys.iter().map(|k| (k.key.as_str(), k.size)).collect::<Vec<_>>(), [("db.pgs/a", 5)]);
        assert_eq!(page.marker, "e");
        assert!(answer.listing("q/").is_none(), "a name outside of the prefix");
        for end in 0..LISTING.len() {
            assert!(Answer { body: &LISTING.as_bytes()[..end], ..answer }.listing("p/").is_none(), "cut at {end}");
        }
    }

    #[test]
    fn errors_by_code_then_by_status() {
        use BlobErrorKind::*;
        let absent = Precondition::Absent;
        let matches = Precondition::Matches(ETag("x".to_owned()));
        let cases = [
            (404, "BlobNotFound", &absent, NotFound),
            (404, "BlobNotFound", &matches, PreconditionFailed),
            (404, "ContainerNotFound", &matches, Denied),
            (404, "", &absent, Invalid),
            (409, "BlobAlreadyExists", &absent, PreconditionFailed),
            (412, "BlobAlreadyExists", &absent, PreconditionFailed),
            (412, "ConditionNotMet", &matches, PreconditionFailed),
            (409, "LeaseAlreadyPresent", &absent, Invalid),
            (412, "LeaseIdMissing", &absent, Denied),
            (400, "InvalidBlockList", &absent, Unavailable),
            (400, "InvalidHeaderValue", &absent, Invalid),
            (403, "AuthenticationFailed", &absent, Denied),
            (403, "AuthorizationFailure", &absent, Denied),
            (429, "", &absent, Unavailable),
            (503, "ServerBusy", &absent, Unavailable),
            (301, "", &absent, Invalid),
        ];
        for (status, code, condition, kind) in cases {
            let headers = headers(&format!("x-ms-error-code: {code}\nx-ms-request-id: r1\nretry-after: 7"));
            let from_header = Answer { status, headers: &headers, body: b"" };
            let error = from_header.error("PUT k", condition);
            assert_eq!(error.kind, kind, "{status} {code}");
            assert_eq!(error.retry_after, Some(Duration::from_secs(7)));
            let body =
                format!("\u{feff}<?xml version=\"1.0\"?>\n<Error><Code>{code}</Code><Message>m</Message></Error>");
            let from_body = Answer { status, headers: &[], body: body.as_bytes() };
            assert_eq!(from_body.error("PUT k", condition).kind, kind, "{status} {code}");
        }
        let headers = headers("x-ms-error-code: ServerBusy\nx-ms-request-id: r1");
        let error = Answer { status: 503, headers: &headers, body: b"" }.error("PUT k", &absent);
        assert_eq!(error.message, "azure: PUT k: status 503 ServerBusy (request r1)");
    }
}
