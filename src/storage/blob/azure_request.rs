//! The requests of Azure's Blob service that a store needs, as values.
//!
//! Owns: paths, queries and headers of Put Blob, Put Block, Put Block List, Get Blob, Get Blob Properties, List Blobs
//! and Delete Blob, and their authorization. Must not know: how requests are sent, what the answers mean.
//! Specification: learn.microsoft.com/rest/api/storageservices, "Operations on blobs".

use std::ops::Range;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};

use crate::storage::blob::http_date;
use crate::storage::blob::shared_key::{SharedKey, Signable};
use crate::storage::blob::{BlobError, BlobErrorKind, Metadata, Precondition};

/// The service's version. Fixed, so that its behaviour is.
const VERSION: &str = "2021-12-02";

/// A request without its body. Not `Debug`: its headers carry what authorizes it.
#[derive(Clone)]
pub struct AzureRequest {
    pub method: &'static str,
    /// Percent-encoded; with what the endpoint's path begins with.
    pub path: String,
    /// Before percent-encoding.
    pub query: Vec<(&'static str, String)>,
    pub headers: Vec<(String, String)>,
    pub content_length: u64,
}

/// Who asks.
pub enum Authorization<'a> {
    SharedKey(&'a SharedKey),
    /// A token of a managed identity.
    Bearer(&'a str),
}

/// The URL space of one container.
#[derive(Clone, Debug)]
pub struct Container {
    /// Percent-encoded, without a slash at the end: `/container`, the emulator's `/account/container`.
    pub path: String,
}

impl Container {
    /// Get Blob, the whole or a range of it, which must not be empty.
    pub fn get(&self, key: &str, range: Option<&Range<u64>>) -> AzureRequest {
        let mut request = self.blob("GET", key);
        if let Some(range) = range {
            request.header("range", format!("bytes={}-{}", range.start, range.end.saturating_sub(1)));
        }
        request
    }

    /// Get Blob Properties.
    pub fn head(&self, key: &str) -> AzureRequest {
        self.blob("HEAD", key)
    }

    /// Put Blob.
    pub fn put(&self, key: &str, body: &[u8], condition: &Precondition, metadata: &Metadata) -> AzureRequest {
        let mut request = self.blob("PUT", key);
        request.header("x-ms-blob-type", "BlockBlob");
        request.header("content-type", "application/octet-stream");
        request.body(body);
        request.written(condition, metadata);
        request
    }

    /// Put Block: a part of an object that Put Block List makes. Nobody sees it before.
    pub fn put_block(&self, key: &str, block: &str, body: &[u8]) -> AzureRequest {
        let mut request = self.blob("PUT", key);
        request.query = vec![("comp", "block".to_owned()), ("blockid", block.to_owned())];
        request.body(body);
        request
    }

    /// Put Block List. This is where a large object comes to be, so this carries the condition.
    pub fn put_block_list(
        &self,
        key: &str,
        list: &[u8],
        condition: &Precondition,
        metadata: &Metadata,
    ) -> AzureRequest {
        let mut request = self.blob("PUT", key);
        request.query = vec![("comp", "blocklist".to_owned())];
        request.header("x-ms-blob-content-type", "application/octet-stream");
        request.body(list);
        request.written(condition, metadata);
        request
    }

    /// Delete Blob, snapshots included: their presence would refuse it.
    pub fn delete(&self, key: &str) -> AzureRequest {
        let mut request = self.blob("DELETE", key);
        request.header("x-ms-delete-snapshots", "include");
        request
    }

    /// List Blobs: names that begin with the prefix, from where the marker points.
    pub fn list(&self, prefix: &str, marker: &str) -> AzureRequest {
        let mut query = vec![("restype", "container".to_owned()), ("comp", "list".to_owned())];
        let given = [("prefix", prefix), ("marker", marker)].into_iter().filter(|(_, value)| !value.is_empty());
        query.extend(given.map(|(name, value)| (name, value.to_owned())));
        AzureRequest { method: "GET", path: self.path.clone(), query, headers: Vec::new(), content_length: 0 }
    }

    fn blob(&self, method: &'static str, key: &str) -> AzureRequest {
        let path = format!("{}/{}", self.path, encode(key, b"/"));
        AzureRequest { method, path, query: Vec::new(), headers: Vec::new(), content_length: 0 }
    }
}

impl AzureRequest {
    fn header(&mut self, name: &str, value: impl Into<String>) {
        self.headers.push((name.to_owned(), value.into()));
    }

    /// The body's length and MD5. The service checks the latter, and it is signed, so the signature covers the body.
    fn body(&mut self, body: &[u8]) {
        self.content_length = body.len() as u64;
        self.header("content-md5", STANDARD.encode(Md5::digest(body)));
    }

    fn written(&mut self, condition: &Precondition, metadata: &Metadata) {
        match condition {
            Precondition::None => {}
            Precondition::Absent => self.header("if-none-match", "*"),
            Precondition::Matches(etag) => self.header("if-match", &etag.0),
        }
        for (name, value) in metadata {
            self.header(&format!("x-ms-meta-{name}"), value);
        }
    }

    /// Dates and authorizes the request; all of it must be in place.
    pub fn authorize(&mut self, who: &Authorization<'_>, now: SystemTime) -> Result<(), BlobError> {
        let date = http_date::format(now)
            .ok_or_else(|| BlobError::new(BlobErrorKind::Invalid, "the system's clock is outside of HTTP's years"))?;
        self.header("x-ms-date", date);
        self.header("x-ms-version", VERSION);
        let authorization = match who {
            Authorization::SharedKey(key) => key.authorization(&Signable {
                method: self.method,
                path: &self.path,
                query: &self.query,
                headers: &self.headers,
                content_length: self.content_length,
            }),
            Authorization::Bearer(token) => format!("Bearer {token}"),
        };
        self.header("authorization", authorization);
        Ok(())
    }

    /// Path and query as they go over the wire.
    pub fn target(&self) -> String {
        let mut target = self.path.clone();
        for (index, (name, value)) in self.query.iter().enumerate() {
            target.push(if index == 0 { '?' } else { '&' });
            target.push_str(name);
            target.push('=');
            target.push_str(&encode(value, b""));
        }
        target
    }
}

/// The body of Put Block List.
pub fn block_list(blocks: &[String]) -> String {
    let items: String = blocks.iter().map(|block| format!("<Uncommitted>{block}</Uncommitted>")).collect();
    format!("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>{items}</BlockList>")
}

/// Percent-encodes everything but unreserved characters (RFC 3986) and those in `kept`.
pub fn encode(text: &str, kept: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || kept.contains(&byte) {
            encoded.push(byte.into());
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::blob::ETag;
    use std::time::{Duration, UNIX_EPOCH};

    fn container() -> Container {
        Container { path: "/account/container".to_owned() }
    }

    fn shown(request: &AzureRequest) -> String {
        let headers: String = request.headers.iter().map(|(name, value)| format!("\n{name}: {value}")).collect();
        format!("{} {} {}{headers}", request.method, request.target(), request.content_length)
    }

    #[test]
    fn requests_as_they_are_sent() {
        let (container, none) = (container(), Metadata::new());
        let metadata = Metadata::from([("nonce".to_owned(), "7f".to_owned())]);
        let matches = Precondition::Matches(ETag("\"0x8D\"".to_owned()));
        let requests = [
            container.get("db.pgs/log/1", Some(&(5..10))),
            container.head("a b+c@d"),
            container.put("k", b"hello", &Precondition::Absent, &metadata),
            container.put("k", b"", &matches, &none),
            container.put_block("k", "AAAA+/==", b"x"),
            container.put_block_list("k", b"<l/>", &Precondition::Absent, &metadata),
            container.delete("k"),
            container.list("a/b", "2!8!x-"),
            container.list("", ""),
        ];
        let expected = "GET /account/container/db.pgs/log/1 0\nrange: bytes=5-9\n\n\
            HEAD /account/container/a%20b%2Bc%40d 0\n\n\
            PUT /account/container/k 5\nx-ms-blob-type: BlockBlob\ncontent-type: application/octet-stream\n\
            content-md5: XUFAKrxLKna5cZ2REBfFkg==\nif-none-match: *\nx-ms-meta-nonce: 7f\n\n\
            PUT /account/container/k 0\nx-ms-blob-type: BlockBlob\ncontent-type: application/octet-stream\n\
            content-md5: 1B2M2Y8AsgTpgAmY7PhCfg==\nif-match: \"0x8D\"\n\n\
            PUT /account/container/k?comp=block&blockid=AAAA%2B%2F%3D%3D 1\n\
            content-md5: ndTkYSaMgDT1yFZOFVxnpg==\n\n\
            PUT /account/container/k?comp=blocklist 4\nx-ms-blob-content-type: application/octet-stream\n\
            content-md5: tPmbDfBv0D5J7btf8OT93g==\nif-none-match: *\nx-ms-meta-nonce: 7f\n\n\
            DELETE /account/container/k 0\nx-ms-delete-snapshots: include\n\n\
            GET /account/container?restype=container&comp=list&prefix=a%2Fb&marker=2%218%21x- 0\n\n\
            GET /account/container?restype=container&comp=list 0";
        assert_eq!(requests.iter().map(shown).collect::<Vec<_>>().join("\n\n"), expected);
    }

    #[test]
    fn authorization_covers_what_was_built() {
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let key = SharedKey::new("account", "c2VjcmV0").unwrap();
        let signature = |request: AzureRequest| {
            let mut request = request;
            request.authorize(&Authorization::SharedKey(&key), now).unwrap();
            request.headers.pop().unwrap().1
        };
        let (container, none) = (container(), Metadata::new());
        let put = |condition: &Precondition, body: &[u8]| container.put("k", body, condition, &none);
        let signed = signature(put(&Precondition::Absent, b"hello"));
        assert!(signed.starts_with("SharedKey account:"));
        assert_ne!(signed, signature(put(&Precondition::None, b"hello")), "the condition is signed");
        assert_ne!(signed, signature(put(&Precondition::Absent, b"hellp")), "the body is signed");

        let mut request = container.head("k");
        request.authorize(&Authorization::Bearer("t0ken"), now).unwrap();
        let expected = "HEAD /account/container/k 0\nx-ms-date: Tue, 14 Nov 2023 22:13:20 GMT\n\
            x-ms-version: 2021-12-02\nauthorization: Bearer t0ken";
        assert_eq!(shown(&request), expected);
    }

    #[test]
    fn block_lists_name_uncommitted_blocks() {
        let list = block_list(&["QQ==".to_owned(), "Qg==".to_owned()]);
        let blocks = "<Uncommitted>QQ==</Uncommitted><Uncommitted>Qg==</Uncommitted>";
        assert_eq!(list, format!("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>{blocks}</BlockList>"));
    }
}
