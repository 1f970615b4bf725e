//! What an operator says about S3 storage, checked.
//!
//! Owns: [`S3Options`], which values are allowed, and where a bucket is reached. Must not know: where the values come
//! from, how requests are sent. Specification: docs.aws.amazon.com/AmazonS3/latest/userguide, "Bucket naming rules" and
//! "Virtual hosting of buckets".

use crate::storage::blob::azure_options::{Endpoint, is_prefix};
use crate::storage::blob::secret::Secret;
use crate::storage::blob::sigv4::AwsCredentials;

/// The region of requests to an endpoint that has none of its own.
const DEFAULT_REGION: &str = "us-east-1";

/// S3's settings. Every setter takes the text an operator wrote, and says what is allowed if that is not it; an empty
/// text is "not set".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct S3Options {
    bucket: String,
    region: String,
    prefix: String,
    endpoint: Option<Endpoint>,
    path_style: Option<bool>,
    access_key_id: String,
    secret_access_key: Option<Secret>,
    session_token: Option<Secret>,
}

/// Where a bucket's objects are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// `https://host:port`
    pub origin: String,
    /// What every path begins with: empty, or `/bucket` in path style.
    pub path: String,
}

impl S3Options {
    pub fn set_bucket(&mut self, text: &str) -> Result<(), String> {
        let allowed_byte = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
        let valid = text.is_empty() || ((3..=255).contains(&text.len()) && text.bytes().all(allowed_byte));
        store(&mut self.bucket, text, valid, "the bucket's name: letters, digits and - . _, at least 3")
    }

    pub fn set_region(&mut self, text: &str) -> Result<(), String> {
        let valid = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        store(&mut self.region, text, valid, "a region such as eu-central-1")
    }

    pub fn set_prefix(&mut self, text: &str) -> Result<(), String> {
        store(&mut self.prefix, text, is_prefix(text), "letters, digits and - _ . / @, not beginning with /")
    }

    pub fn set_endpoint(&mut self, text: &str) -> Result<(), String> {
        self.endpoint = match text {
            "" => None,
            _ => Some(Endpoint::parse(text).ok_or("a URL such as http://127.0.0.1:9000")?),
        };
        Ok(())
    }

    pub fn set_path_style(&mut self, text: &str) -> Result<(), String> {
        self.path_style = match text {
            "" => None,
            "true" => Some(true),
            "false" => Some(false),
            _ => return Err("true or false".to_owned()),
        };
        Ok(())
    }

    pub fn set_access_key_id(&mut self, text: &str) -> Result<(), String> {
        let valid = text.bytes().all(|b| b.is_ascii_graphic() && b != b'/' && b != b',');
        store(&mut self.access_key_id, text, valid, "an access key ID")
    }

    pub fn set_secret_access_key(&mut self, text: &str) -> Result<(), String> {
        self.secret_access_key = (!text.is_empty()).then(|| Secret::new(text));
        Ok(())
    }

    pub fn set_session_token(&mut self, text: &str) -> Result<(), String> {
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err("a session token".to_owned());
        }
        self.session_token = (!text.is_empty()).then(|| Secret::new(text));
        Ok(())
    }

    /// Whether all is there that S3 storage cannot do without, or which key is missing.
    pub fn check(&self) -> Result<(), String> {
        if self.bucket.is_empty() {
            return Err("STORAGE = s3 needs S3_BUCKET".to_owned());
        }
        if self.access_key_id.is_empty() != self.secret_access_key.is_none() {
            return Err("S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY need each other".to_owned());
        }
        if self.session_token.is_some() && self.access_key_id.is_empty() {
            return Err("S3_SESSION_TOKEN needs S3_ACCESS_KEY_ID".to_owned());
        }
        Ok(())
    }

    /// The credentials that were given; `None`: they are found where AWS's tools find them.
    pub fn credentials(&self) -> Option<AwsCredentials> {
        Some(AwsCredentials {
            access_key_id: self.access_key_id.clone(),
            secret_access_key: self.secret_access_key.clone()?,
            session_token: self.session_token.clone(),
            expires: None,
        })
    }

    /// The region; `environment` has `AWS_REGION` and its like for when none was given.
    pub fn region(&self, environment: impl Fn(&str) -> Option<String>) -> String {
        let given = Some(self.region.clone()).filter(|region| !region.is_empty());
        let found = || ["AWS_REGION", "AWS_DEFAULT_REGION"].iter().find_map(|name| environment(name));
        given.or_else(found).unwrap_or_else(|| DEFAULT_REGION.to_owned())
    }

    /// What every object's name begins with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Where the bucket is in that region: under its own host name at AWS, under its path at an endpoint of one's own.
    /// A name with dots fits no certificate, so it is a path, too.
    pub fn bucket(&self, region: &str) -> Bucket {
        let own = self.endpoint.clone();
        let path_style = self.path_style.unwrap_or(own.is_some() || self.bucket.contains('.'));
        let Endpoint { origin, path } = own.unwrap_or_else(|| {
            let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
            Endpoint { origin: format!("https://s3.{region}.amazonaws.com{suffix}"), path: String::new() }
        });
        if path_style {
            return Bucket { origin, path: format!("{path}/{}", self.bucket) };
        }
        Bucket { origin: origin.replacen("://", &format!("://{}.", self.bucket), 1), path }
    }

    /// Whether the bucket is at AWS, whose regions have hosts of their own.
    pub fn is_aws(&self) -> bool {
        self.endpoint.is_none()
    }

    /// Whether an answer may send requests to that host (and port): to the endpoint's own or one below it, at AWS to
    /// S3's hosts, among which are none that others can give names to.
    pub fn may_redirect_to(&self, authority: &str) -> bool {
        let host = host_of(authority).to_ascii_lowercase();
        if let Some(Endpoint { origin, .. }) = &self.endpoint {
            let own = host_of(origin.split_once("://").map_or("", |(_, own)| own)).to_ascii_lowercase();
            return host == own || host.strip_suffix(&own).is_some_and(|below| is_name(below.strip_suffix('.')));
        }
        let below = host.strip_suffix(".cn").unwrap_or(&host).strip_suffix(".amazonaws.com");
        let service = below.map(|below| below.strip_prefix(&format!("{}.", self.bucket)).unwrap_or(below));
        let region = service.and_then(|service| service.strip_prefix("s3"));
        region.is_some_and(|region| {
            region.is_empty() || is_name(region.strip_prefix(['.', '-']).filter(|region| !region.contains('.')))
        })
    }

    /// For messages: `s3://bucket/prefix`.
    pub fn location(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.prefix)
    }
}

/// An authority without its port.
fn host_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => host,
        _ => authority,
    }
}

/// Whether it can stand in a host's name.
fn is_name(text: Option<&str>) -> bool {
    text.is_some_and(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)))
}

fn store(slot: &mut String, text: &str, valid: bool, allowed: &str) -> Result<(), String> {
    if !valid {
        return Err(allowed.to_owned());
    }
    *slot = text.to_owned();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(endpoint: &str, bucket: &str) -> S3Options {
        let mut options = S3Options::default();
        options.set_bucket(bucket).unwrap();
        options.set_endpoint(endpoint).unwrap();
        options
    }

    #[test]
    fn where_a_bucket_is() {
        let at = |options: &S3Options| {
            let bucket = options.bucket("eu-central-1");
            format!("{}{}", bucket.origin, bucket.path)
        };
        assert_eq!(at(&options("", "databases")), "https://databases.s3.eu-central-1.amazonaws.com");
        assert_eq!(at(&options("", "my.databases")), "https://s3.eu-central-1.amazonaws.com/my.databases");
        let mut own = options("http://127.0.0.1:9000/", "databases");
        assert_eq!(at(&own), "http://127.0.0.1:9000/databases");
        own.set_path_style("false").unwrap();
        assert_eq!(at(&own), "http://databases.127.0.0.1:9000");
        assert_eq!(
            options("", "databases").bucket("cn-north-1").origin,
            "https://databases.s3.cn-north-1.amazonaws.com.cn"
        );
    }

    #[test]
    fn redirects_stay_within_the_endpoints_domain() {
        let cases = [
            ("", "databases.s3-eu-west-1.amazonaws.com", true),
            ("", "databases.s3.eu-west-1.amazonaws.com:443", true),
            ("", "s3.amazonaws.com", true),
            ("", "databases.s3.cn-north-1.amazonaws.com.cn", true),
            ("", "other.s3.eu-west-1.amazonaws.com", false),
            // What anybody can have there.
            ("", "s3-databases-17.eu-west-1.elb.amazonaws.com", false),
            ("", "ec2-1-2-3-4.compute-1.amazonaws.com", false),
            ("", "databases.s3.eu-west-1.amazonaws.com.example", false),
            ("", "x@s3.amazonaws.com", false),
            ("", "", false),
            ("https://store.example:9000", "store.example:9001", true),
            ("https://store.example:9000", "node-3.Store.example", true),
            ("https://store.example:9000", "example", false),
            ("https://store.example:9000", "otherstore.example", false),
            ("https://store.example:9000", "x@y.store.example", false),
            ("http://127.0.0.1:9000", "127.0.0.1:9001", true),
            ("http://127.0.0.1:9000", "169.254.169.254", false),
            ("http://[::1]:9000", "[::1]:9001", true),
            ("http://[::1]", "[::2]", false),
        ];
        for (endpoint, authority, allowed) in cases {
            assert_eq!(options(endpoint, "databases").may_redirect_to(authority), allowed, "{endpoint} {authority}");
        }
    }

    #[test]
    fn the_region_is_found() {
        let mut options = options("", "databases");
        let environment = |name: &str| (name == "AWS_DEFAULT_REGION").then(|| "eu-west-1".to_owned());
        assert_eq!(options.region(|_| None), "us-east-1");
        assert_eq!(options.region(environment), "eu-west-1");
        options.set_region("eu-north-1").unwrap();
        assert_eq!(options.region(environment), "eu-north-1");
    }

    #[test]
    fn what_is_missing_and_what_is_wrong() {
        assert_eq!(S3Options::default().check().unwrap_err(), "STORAGE = s3 needs S3_BUCKET");
        let mut options = options("", "databases");
        assert_eq!(options.check(), Ok(()));
        options.set_access_key_id("id").unwrap();
        assert!(options.check().unwrap_err().contains("S3_SECRET_ACCESS_KEY"));
        for wrong in ["ab", "a b c", "bucket/x"] {
            assert!(options.set_bucket(wrong).is_err(), "{wrong}");
        }
        assert!(options.set_region("eu west").is_err() && options.set_path_style("yes").is_err());
        assert!(options.set_endpoint("127.0.0.1:9000").is_err());
    }

    #[test]
    fn secrets_are_never_shown() {
        let mut options = options("", "databases");
        options.set_access_key_id("id").unwrap();
        options.set_secret_access_key("hidden").unwrap();
        options.set_session_token("hidden").unwrap();
        let shown = format!("{options:?} {:?} {}", options.credentials(), options.location());
        assert!(!shown.contains("hidden"), "{shown}");
    }
}
