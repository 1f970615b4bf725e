//! What an operator says about Azure storage, checked.
//!
//! Owns: [`AzureOptions`], which values are allowed, and the URL space they mean. Must not know: where the values come
//! from, how requests are sent. Specification: learn.microsoft.com/rest/api/storageservices, "Naming and referencing
//! containers, blobs, and metadata".

use crate::storage::blob::azure_request::{Container, encode};
use crate::storage::blob::secret::Secret;
use crate::storage::blob::shared_key::SharedKey;

/// Azure's settings. Every setter takes the text an operator wrote, and says what is allowed if that is not it; an
/// empty text is "not set".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AzureOptions {
    account: String,
    container: String,
    prefix: String,
    endpoint: Option<Endpoint>,
    key: Option<Secret>,
    identity: Option<String>,
}

/// An endpoint's URL in its two parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// `https://host:port`
    pub origin: String,
    /// Without a slash at the end: empty, or the emulator's `/account`.
    pub path: String,
}

impl AzureOptions {
    pub fn set_account(&mut self, text: &str) -> Result<(), String> {
        let valid = text.len() <= 24 && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        store(&mut self.account, text, valid, "the account's name, up to 24 lower-case letters and digits")
    }

    pub fn set_container(&mut self, text: &str) -> Result<(), String> {
        let valid = text.len() <= 63 && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        store(&mut self.container, text, valid, "the container's name, up to 63 lower-case letters, digits and hyphens")
    }

    pub fn set_prefix(&mut self, text: &str) -> Result<(), String> {
        store(&mut self.prefix, text, is_prefix(text), "letters, digits and - _ . / @, not beginning with /")
    }

    pub fn set_key(&mut self, text: &str) -> Result<(), String> {
        if !text.is_empty() && SharedKey::new("", text).is_none() {
            return Err("the account's key in base64".to_owned());
        }
        self.key = (!text.is_empty()).then(|| Secret::new(text));
        Ok(())
    }

    pub fn set_endpoint(&mut self, text: &str) -> Result<(), String> {
        self.endpoint = match text {
            "" => None,
            _ => Some(Endpoint::parse(text).ok_or("a URL such as http://127.0.0.1:10000/account")?),
        };
        Ok(())
    }

    /// The client ID of the managed identity to be, where there are several.
    pub fn set_identity(&mut self, text: &str) -> Result<(), String> {
        self.identity = (!text.is_empty()).then(|| text.to_owned());
        Ok(())
    }

    /// Whether all is there that Azure storage cannot do without, or which key is missing.
    pub fn check(&self) -> Result<(), String> {
        let needed = [("AZURE_STORAGE_ACCOUNT", &self.account), ("AZURE_STORAGE_CONTAINER", &self.container)];
        match needed.iter().find(|(_, value)| value.is_empty()) {
            Some((name, _)) => Err(format!("STORAGE = azure needs {name}")),
            None => Ok(()),
        }
    }

    /// The account's key; `None`: a managed identity asks.
    pub fn shared_key(&self) -> Option<SharedKey> {
        SharedKey::new(&self.account, self.key.as_ref()?.reveal())
    }

    pub fn identity(&self) -> Option<&str> {
        self.identity.as_deref()
    }

    /// What every object's name begins with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    pub fn endpoint(&self) -> Endpoint {
        self.endpoint.clone().unwrap_or_else(|| Endpoint {
            origin: format!("https://{}.blob.core.windows.net", self.account),
            path: String::new(),
        })
    }

    pub fn container(&self) -> Container {
        Container { path: format!("{}/{}", self.endpoint().path, encode(&self.container, b"")) }
    }

    /// For messages: `azure://account/container/prefix`.
    pub fn location(&self) -> String {
        format!("azure://{}/{}/{}", self.account, self.container, self.prefix)
    }
}

impl Endpoint {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let valid_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
        if !matches!(scheme, "http" | "https") || host.is_empty() || !host.bytes().all(valid_host) {
            return None;
        }
        let path = path.trim_end_matches('/');
        path.bytes().all(is_key_byte).then(|| Endpoint { origin: format!("{scheme}://{host}"), path: path.to_owned() })
    }
}

fn store(slot: &mut String, text: &str, valid: bool, allowed: &str) -> Result<(), String> {
    if !valid {
        return Err(allowed.to_owned());
    }
    *slot = text.to_owned();
    Ok(())
}

/// Whether names of objects may begin with it. Clients of HTTP resolve `.` and `..` before they send.
pub(super) fn is_prefix(text: &str) -> bool {
    let dots = text.split('/').any(|part| part == "." || part == "..");
    !text.starts_with('/') && !text.contains("//") && !dots && text.bytes().all(is_key_byte)
}

/// The characters of keys, which need no encoding anywhere.
pub(super) fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_./@".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> AzureOptions {
        let mut options = AzureOptions::default();
        options.set_account("account").unwrap();
        options.set_container("databases").unwrap();
        options
    }

    #[test]
    fn the_endpoint_is_azures_unless_said() {
        let mut options = options();
        assert_eq!(options.endpoint().origin, "https://account.blob.core.windows.net");
        assert_eq!(options.container().path, "/databases");
        for emulator in ["http://127.0.0.1:10000/account", "http://127.0.0.1:10000/account/"] {
            options.set_endpoint(emulator).unwrap();
            assert_eq!(options.endpoint().origin, "http://127.0.0.1:10000");
            assert_eq!(options.container().path, "/account/databases");
        }
        options.set_prefix("a/b-").unwrap();
        assert_eq!(options.location(), "azure://account/databases/a/b-");
        for wrong in ["ftp://x", "host", "http://", "http://a b/", "http://user:p@host/", "http://h/?x"] {
            assert!(options.set_endpoint(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_missing_and_what_is_wrong() {
        let mut options = AzureOptions::default();
        assert_eq!(options.check().unwrap_err(), "STORAGE = azure needs AZURE_STORAGE_ACCOUNT");
        options.set_account("account").unwrap();
        assert_eq!(options.check().unwrap_err(), "STORAGE = azure needs AZURE_STORAGE_CONTAINER");
        assert!(self::options().check().is_ok());
        for wrong in ["Account", "a.b", "a/b"] {
            assert!(options.set_account(wrong).is_err() && options.set_container(wrong).is_err(), "{wrong}");
        }
        for wrong in ["/a", "a//b", "a b", "ä"] {
            assert!(options.set_prefix(wrong).is_err(), "{wrong}");
        }
        assert!(options.set_key("not base64").is_err());
    }

    #[test]
    fn the_key_is_never_shown() {
        let mut options = options();
        assert!(options.shared_key().is_none());
        options.set_key("c2VjcmV0").unwrap();
        assert!(options.shared_key().is_some());
        let shown = format!("{options:?} {:?} {}", options.shared_key(), options.location());
        assert!(!shown.contains("c2VjcmV0") && !shown.contains("secret\""), "{shown}");
    }
}
