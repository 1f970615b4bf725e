//! Azure's SharedKey signature of a request to the Blob service.
//!
//! Owns: the canonical string of a request and its HMAC. Must not know: how requests are sent, what they mean.
//! Specification: "Authorize with Shared Key", learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key,
//! the rules for service version 2015-02-21 and later.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// A storage account's name and one of its keys.
#[derive(Clone)]
pub struct SharedKey {
    account: String,
    key: Vec<u8>,
}

/// The part of a request that is signed.
#[derive(Clone, Copy, Debug)]
pub struct Signable<'a> {
    pub method: &'a str,
    /// As it goes over the wire, percent-encoded; begins with `/`. The emulator's begins with the account.
    pub path: &'a str,
    /// Names and values before percent-encoding; no name twice.
    pub query: &'a [(&'static str, String)],
    /// Every header that is sent, apart from Content-Length; no name twice.
    pub headers: &'a [(String, String)],
    pub content_length: u64,
}

/// The headers whose values are signed by position, after the method; Content-Length is among them.
const POSITIONAL: [&str; 11] = [
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
];

impl SharedKey {
    /// The key is as the portal shows it, in base64; `None`: it is not base64, or empty.
    pub fn new(account: &str, key: &str) -> Option<Self> {
        let key = STANDARD.decode(key.trim()).ok().filter(|key| !key.is_empty())?;
        Some(SharedKey { account: account.to_owned(), key })
    }

    /// The value of the request's `Authorization` header.
    pub fn authorization(&self, request: &Signable<'_>) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        mac.update(string_to_sign(&self.account, request).as_bytes());
        format!("SharedKey {}:{}", self.account, STANDARD.encode(mac.finalize().into_bytes()))
    }
}

impl fmt::Debug for SharedKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SharedKey").field("account", &self.account).finish_non_exhaustive()
    }
}

fn string_to_sign(account: &str, request: &Signable<'_>) -> String {
    let mut text = String::with_capacity(512);
    text.push_str(request.method);
    text.push('\n');
    for name in POSITIONAL {
        match name {
            // An empty body's length is signed as nothing.
            "content-length" if request.content_length == 0 => {}
            "content-length" => text.push_str(&request.content_length.to_string()),
            // x-ms-date replaces Date, which is then signed as nothing, sent or not.
            "date" if header(request, "x-ms-date").is_some() => {}
            _ => text.push_str(header(request, name).unwrap_or_default()),
        }
        text.push('\n');
    }
    push_headers(&mut text, request);
    text.push('/');
    text.push_str(account);
    text.push_str(request.path);
    push_query(&mut text, request);
    text
}

fn header<'a>(request: &Signable<'a>, name: &str) -> Option<&'a str> {
    request.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// `name:value` of each `x-ms-` header, a line each, sorted by name.
fn push_headers(text: &mut String, request: &Signable<'_>) {
    let lower = request.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value));
    let mut signed: Vec<_> = lower.filter(|(name, _)| name.starts_with("x-ms-")).collect();
    signed.sort_by_cached_key(|(name, _)| name.bytes().map(weight).collect::<Vec<_>>());
    for (name, value) in signed {
        text.push_str(&name);
        text.push(':');
        // The page says that white space inside is folded; the service and every client of Microsoft's leave it.
        text.push_str(value.trim());
        text.push('\n');
    }
}

/// The service sorts names as .NET sorts text, not by bytes: `_` comes before digits, digits before letters.
fn weight(byte: u8) -> u8 {
    if byte == b'_' { b'/' } else { byte }
}

/// A line `name:value` for each parameter, sorted by name.
fn push_query(text: &mut String, request: &Signable<'_>) {
    let mut query: Vec<_> = request.query.iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    query.sort();
    for (name, value) in query {
        text.push('\n');
        text.push_str(&name);
        text.push(':');
        text.push_str(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(headers: &[(&str, &str)]) -> Vec<(String, String)> {
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// The example of Microsoft's page.
    #[test]
    fn the_documented_string() {
        let query =
            [("restype", "container".to_owned()), ("comp", "metadata".to_owned()), ("timeout", "20".to_owned())];
        let headers = owned(&[("x-ms-version", "2015-02-21"), ("X-Ms-Date", " Fri, 26 Jun 2015 23:39:12 GMT")]);
        let request =
            Signable { method: "GET", path: "/mycontainer", query: &query, headers: &headers, content_length: 0 };
        let expected = "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2015-02-21\n\
                        /myaccount/mycontainer\ncomp:metadata\nrestype:container\ntimeout:20";
        assert_eq!(string_to_sign("myaccount", &request), expected);
    }

    /// Requests Microsoft's .NET client sent in 2014, with the signatures it made, recorded in the tests of Microsoft's
    /// Dash server. The key is the published one of those tests.
    #[test]
    fn recorded_signatures() {
        const KEY: &str = "8jqRVtXUWiEthgIhR+dFwrB8gh3lFuquvJQ1v4eabObIj7okI1cZIuzY8zZHmEdpcC0f+XlUkbFwAhjTfyrLIg==";
        let md5 = ("Content-MD5", "LHmMkMS8mTXh0bRP4e4Ptw==");
        let blob = ("x-ms-blob-type", "BlockBlob");
        let cases: &[(&[(&str, &str)], &str)] = &[
            (
                &[
                    md5,
                    blob,
                    ("x-ms-client-request-id", "82370d95-e820-4817-bd3f-6c266544ee8b"),
                    ("x-ms-date", "Thu, 30 Oct 2014 17:31:22 GMT"),
                ],
                "mDTyDIDy8yt7D81qAmYEYiXH1X/bmBHJF2+ZPn/r74k=",
            ),
            (
                &[
                    md5,
                    blob,
                    ("x-ms-client-request-id", "TestRequest1"),
                    ("x-ms-date", "Thu, 30 Oct 2014 19:48:43 GMT"),
                    ("x-ms-test", "testvalue"),
                    ("x-test", "differentvalue"),
                ],
                "ktMmzuta7Wsqtzyd3TBbd3zW4miedtJPkWWlW9DCRb0=",
            ),
            (
                &[
                    md5,
                    blob,
                    ("x-ms-client-request-id", "d0863cd4-ae43-4dd4-aa27-eff01d30b5cf"),
                    ("x-ms-date", "Thu, 30 Oct 2014 20:15:46 GMT"),
                    ("If-Modified-Since", "Thu, 30 Oct 2014 20:15:41 GMT"),
                ],
                "21rAYhnoRQQu6MmxXj6W5Rx3YWI8OCjO50CNNniohAA=",
            ),
            (
                &[
                    ("Content-Type", "application/octet-stream"),
                    md5,
                    ("Content-Language", "EN-US"),
                    ("Content-Encoding", "gzip"),
                    blob,
                    ("If-Match", "DummyETag"),
                    ("x-ms-client-request-id", "93399f8e-6ce2-4020-81a4-4f1f53f427fd"),
                    ("x-ms-date", "Thu, 30 Oct 2014 20:46:48 GMT"),
                ],
                "ZBQYgC9dgzldVfH6t06qIYZujSz/3blWrinuYePTMv8=",
            ),
        ];
        let key = SharedKey::new("dashstorage1", KEY).unwrap();
        for (headers, signature) in cases {
            let mut headers = owned(headers);
            headers.push(("x-ms-version".to_owned(), "2014-02-14".to_owned()));
            let request =
                Signable { method: "PUT", path: "/test/test.txt", query: &[], headers: &headers, content_length: 423 };
            assert_eq!(key.authorization(&request), format!("SharedKey dashstorage1:{signature}"));
        }
        let query = [
            ("restype", "container".to_owned()),
            ("comp", "list".to_owned()),
            ("prefix", "te".to_owned()),
            ("INCLUDE", "snapshots,uncommittedblobs,metadata,copy".to_owned()),
        ];
        let headers = owned(&[
            ("x-ms-version", "2014-02-14"),
            ("x-ms-client-request-id", "9e51b5a3-2dff-4fb2-98f8-c7cfe05a223a"),
            ("x-ms-date", "Thu, 30 Oct 2014 20:55:13 GMT"),
        ]);
        let list = Signable { method: "GET", path: "/test", query: &query, headers: &headers, content_length: 0 };
        let expected = "SharedKey dashstorage1:C0mPsPAiMs+4qlDQXGXMXpRGUkQgyMLzOHBiCmoC4LE=";
        assert_eq!(key.authorization(&list), expected);
    }

    /// Microsoft's JavaScript client carries the tables: hyphens aside, `_` (0x744) < `0` (0xd03) < `a` (0xe02).
    #[test]
    fn metadata_sorts_as_the_service_sorts_it() {
        let names = ["x-ms-meta-b1", "x-ms-meta-b_", "x-ms-meta-a", "x-ms-meta-b", "x-ms-meta-ba", "x-ms-blob-type"];
        let headers: Vec<_> = names.iter().map(|name| ((*name).to_owned(), " a  b ".to_owned())).collect();
        let request = Signable { method: "PUT", path: "/c/k", query: &[], headers: &headers, content_length: 3 };
        let text = string_to_sign("account", &request);
        let sorted: Vec<&str> = text.lines().filter_map(|line| line.strip_suffix(":a  b")).collect();
        assert_eq!(
            sorted,
            ["x-ms-blob-type", "x-ms-meta-a", "x-ms-meta-b", "x-ms-meta-b_", "x-ms-meta-b1", "x-ms-meta-ba"]
        );
    }

    /// The emulator has the account in its path, so that it is there twice.
    #[test]
    fn the_emulator_repeats_the_account() {
        let headers = owned(&[("date", "Mon, 27 Jul 2009 12:28:53 GMT")]);
        let path = "/account/container/key";
        let request = Signable { method: "DELETE", path, query: &[], headers: &headers, content_length: 0 };
        let text = string_to_sign("account", &request);
        assert_eq!(text, "DELETE\n\n\n\n\n\nMon, 27 Jul 2009 12:28:53 GMT\n\n\n\n\n\n/account/account/container/key");
    }

    #[test]
    fn keys_are_base64_and_not_shown() {
        assert!(SharedKey::new("a", "no base64!").is_none());
        assert!(SharedKey::new("a", "").is_none());
        let key = SharedKey::new("a", "c2VjcmV0").unwrap();
        assert_eq!(format!("{key:?}"), "SharedKey { account: \"a\", .. }");
    }
}
