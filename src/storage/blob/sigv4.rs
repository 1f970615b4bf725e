//! AWS Signature Version 4 of S3 requests, in the Authorization header.
//!
//! Owns: the canonical request, the string to sign, the signature. Must not know: which requests there are, where
//! credentials come from. Specification: docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html.
//!
//! S3 differs from other services: paths are encoded once and not normalised, and the body's hash is a header. Every
//! header but `content-length` is signed, so that nothing between us and the store can drop a condition unnoticed.

use std::time::SystemTime;

use hmac::{Hmac, Mac};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::storage::blob::azure_request::encode;
use crate::storage::blob::secret::Secret;

/// Who signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsCredentials {
    pub access_key_id: String,
    pub secret_access_key: Secret,
    /// Of temporary credentials.
    pub session_token: Option<Secret>,
    /// When they are no longer good; `None`: never.
    pub expires: Option<SystemTime>,
}

/// What is signed.
pub struct Signable<'a> {
    pub method: &'a str,
    /// Percent-encoded once.
    pub path: &'a str,
    /// Before percent-encoding, in any order.
    pub query: &'a [(&'a str, String)],
    /// Names in lower case, in any order, `host` among them.
    pub headers: &'a [(String, String)],
    pub body: &'a [u8],
}

/// The headers that sign the request as of a time; `None`: no date a signature can have.
pub fn sign(request: &Signable<'_>, who: &AwsCredentials, region: &str, time: SystemTime) -> Option<Headers> {
    let stamp = Timestamp::try_from(time).ok()?.strftime("%Y%m%dT%H%M%SZ").to_string();
    let date = stamp.get(..8)?;
    let body_hash = hex(&Sha256::digest(request.body));
    let mut added =
        vec![("x-amz-content-sha256".to_owned(), body_hash.clone()), ("x-amz-date".to_owned(), stamp.clone())];
    if let Some(token) = &who.session_token {
        added.push(("x-amz-security-token".to_owned(), token.reveal().to_owned()));
    }
    let mut headers: Vec<_> = request.headers.iter().chain(&added).map(|(n, v)| (n.as_str(), trimmed(v))).collect();
    headers.sort();
    let signed = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let scope = format!("{date}/{region}/s3/aws4_request");
    let canonical = canonical_request(request, &headers, &signed, &body_hash);
    let to_sign = format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{}", hex(&Sha256::digest(canonical)));
    let secret = format!("AWS4{}", who.secret_access_key.reveal());
    let key = [date, region, "s3", "aws4_request"].iter().fold(secret.into_bytes(), |key, part| hmac(&key, part));
    added.push((
        "authorization".to_owned(),
        format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope},SignedHeaders={signed},Signature={}",
            who.access_key_id,
            hex(&hmac(&key, &to_sign))
        ),
    ));
    Some(added)
}

/// Names and values.
pub type Headers = Vec<(String, String)>;

fn canonical_request(request: &Signable<'_>, headers: &[(&str, String)], signed: &str, body_hash: &str) -> String {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let query = encoded_query(request.query);
    format!("{}\n{}\n{query}\n{headers}\n{signed}\n{body_hash}", request.method, request.path)
}

/// The query as it is sent and signed: encoded, then sorted.
pub fn encoded_query(query: &[(&str, String)]) -> String {
    let mut pairs: Vec<_> = query.iter().map(|(name, value)| (encode(name, b""), encode(value, b""))).collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// Without blanks around it, and with one where there are several.
fn trimmed(value: &str) -> String {
    value.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn credentials() -> AwsCredentials {
        AwsCredentials {
            access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            session_token: None,
            expires: None,
        }
    }

    /// 2013-05-24 00:00:00
    fn time() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_369_353_600)
    }

    fn owned(headers: &[(&str, &str)]) -> Headers {
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// AWS's own examples (the page above).
    #[test]
    fn published_examples() {
        let host = ("host", "examplebucket.s3.amazonaws.com");
        let get = owned(&[host, ("range", "bytes=0-9")]);
        let put =
            owned(&[host, ("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")]);
        let plain = owned(&[host]);
        let listing = [("max-keys", "2".to_owned()), ("prefix", "J".to_owned())];
        let lifecycle = [("lifecycle", String::new())];
        type Example<'a> = (&'a str, &'a str, &'a [(&'a str, String)], &'a Headers, &'a str, &'a str);
        let examples: [Example<'_>; 4] = [
            ("GET", "/test.txt", &[], &get, "", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
            (
                "PUT",
                "/test%24file.text",
                &[],
                &put,
                "Welcome to Amazon S3.",
                "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
            ),
            ("GET", "/", &lifecycle, &plain, "", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
            ("GET", "/", &listing, &plain, "", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
        ];
        for (method, path, query, headers, body, signature) in examples {
            let request = Signable { method, path, query, headers, body: body.as_bytes() };
            let added = sign(&request, &credentials(), "us-east-1", time()).unwrap();
            let (_, authorization) = added.last().unwrap();
            assert!(authorization.ends_with(&format!("Signature={signature}")), "{method} {path}: {authorization}");
        }
    }

    #[test]
    fn every_header_is_signed_and_blanks_do_not_matter() {
        let headers = |condition: &str| owned(&[("host", "h"), ("if-none-match", condition), ("a", "x  y ")]);
        let authorization = |condition: &str| {
            let headers = headers(condition);
            let request = Signable { method: "PUT", path: "/k", query: &[], headers: &headers, body: b"" };
            let who = AwsCredentials { session_token: Some(Secret::new("token")), ..credentials() };
            sign(&request, &who, "us-east-1", time()).unwrap()
        };
        let signed = authorization("*");
        let names = "SignedHeaders=a;host;if-none-match;x-amz-content-sha256;x-amz-date;x-amz-security-token,";
        assert!(signed.last().unwrap().1.contains(names), "{signed:?}");
        assert_eq!(signed, authorization(" *"));
        assert_ne!(signed, authorization("\"1\""));
        assert_eq!(encoded_query(&[("b", "2 /".to_owned()), ("a+", "ä".to_owned())]), "a%2B=%C3%A4&b=2%20%2F");
    }
}
