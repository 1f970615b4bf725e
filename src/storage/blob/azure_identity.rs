//! Tokens of a managed identity: who this process is in Azure, without a secret in its configuration.
//!
//! Owns: the places a token comes from (App Service, workload identity, the machine's metadata service), their requests
//! and answers. Must not know: what tokens are used for, how requests are sent. Specification: learn.microsoft.com,
//! "Managed identities for App Service: REST endpoint reference", "Use managed identities on a virtual machine to
//! acquire access token" and "Microsoft identity platform: client credentials, third case".

use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::storage::blob::azure_request::encode;
use crate::storage::blob::secret::Secret;
use crate::storage::blob::{BlobError, BlobErrorKind};

const RESOURCE: &str = "https://storage.azure.com/";
const METADATA_SERVICE: &str = "http://169.254.169.254";
const AUTHORITY: &str = "https://login.microsoftonline.com";
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Where tokens come from.
#[derive(Clone, PartialEq, Eq)]
pub enum IdentitySource {
    /// The endpoint that App Service, Functions and Container Apps give a process, and the secret it wants to see.
    AppService { endpoint: String, header: String, client_id: Option<String> },
    /// A token that Kubernetes writes into a file and renews there; exchanged for one of Azure's.
    WorkloadIdentity { authority: String, tenant: String, client_id: String, file: PathBuf },
    /// The metadata service of the virtual machine.
    Metadata { host: String, client_id: Option<String> },
}

/// A request for a token. Not `Debug`: it carries secrets.
pub struct TokenRequest {
    pub method: &'static str,
    pub url: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

/// A token and how long it is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub secret: Secret,
    pub lifetime: Duration,
}

impl IdentitySource {
    /// What the environment says this process is. `client_id`: which of several identities, from the configuration.
    pub fn from_environment(client_id: Option<&str>, environment: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| environment(name).filter(|value| !value.is_empty());
        let client_id = client_id.map(str::to_owned).or_else(|| set("AZURE_CLIENT_ID"));
        if let (Some(endpoint), Some(header)) = (set("IDENTITY_ENDPOINT"), set("IDENTITY_HEADER")) {
            return IdentitySource::AppService { endpoint, header, client_id };
        }
        if let (Some(file), Some(tenant), Some(client_id)) =
            (set("AZURE_FEDERATED_TOKEN_FILE"), set("AZURE_TENANT_ID"), client_id.clone())
        {
            let authority = set("AZURE_AUTHORITY_HOST").unwrap_or_else(|| AUTHORITY.to_owned());
            let authority = authority.trim_end_matches('/').to_owned();
            return IdentitySource::WorkloadIdentity { authority, tenant, client_id, file: file.into() };
        }
        let host = set("AZURE_POD_IDENTITY_AUTHORITY_HOST").unwrap_or_else(|| METADATA_SERVICE.to_owned());
        IdentitySource::Metadata { host: host.trim_end_matches('/').to_owned(), client_id }
    }

    /// The request for a token; reads the file of a workload identity, which is renewed while we run.
    pub fn request(&self) -> Result<TokenRequest, BlobError> {
        let query = |version: &str, client_id: &Option<String>| {
            let mut query = format!("?api-version={version}&resource={}", encode(RESOURCE, b""));
            if let Some(client_id) = client_id {
                query.push_str(&format!("&client_id={}", encode(client_id, b"")));
            }
            query
        };
        let get = |url, header| TokenRequest { method: "GET", url, headers: vec![header], body: String::new() };
        match self {
            IdentitySource::AppService { endpoint, header, client_id } => {
                let url = format!("{endpoint}{}", query("2019-08-01", client_id));
                Ok(get(url, ("x-identity-header", header.clone())))
            }
            IdentitySource::Metadata { host, client_id } => {
                let url = format!("{host}/metadata/identity/oauth2/token{}", query("2018-02-01", client_id));
                Ok(get(url, ("metadata", "true".to_owned())))
            }
            IdentitySource::WorkloadIdentity { authority, tenant, client_id, file } => {
                let assertion = std::fs::read_to_string(file).map_err(|error| {
                    let message = format!("azure: cannot read the federated token {}: {error}", file.display());
                    BlobError::new(BlobErrorKind::Unreachable, message)
                })?;
                let form = [
                    ("grant_type", "client_credentials"),
                    ("client_id", client_id),
                    ("client_assertion_type", ASSERTION),
                    ("client_assertion", assertion.trim()),
                    ("scope", "https://storage.azure.com/.default"),
                ];
                let form: Vec<String> =
                    form.iter().map(|(name, value)| format!("{name}={}", encode(value, b""))).collect();
                Ok(TokenRequest {
                    method: "POST",
                    url: format!("{authority}/{}/oauth2/v2.0/token", encode(tenant, b"")),
                    headers: vec![("content-type", "application/x-www-form-urlencoded".to_owned())],
                    body: form.join("&"),
                })
            }
        }
    }

    /// The token of an answer, or the error it is. `Unavailable` ones are worth another attempt at once.
    pub fn token(&self, status: u16, body: &[u8], now: SystemTime) -> Result<Token, BlobError> {
        let answer: Option<Value> = serde_json::from_slice(body).ok();
        let kind = match status {
            200 => match answer.as_ref().and_then(|answer| read_token(answer, now)) {
                Some(token) => return Ok(token),
                None => BlobErrorKind::Unavailable,
            },
            // The metadata service answers 404 and 410 while it is being updated.
            404 | 410 | 429 | 500..=599 => BlobErrorKind::Unavailable,
            _ => BlobErrorKind::Denied,
        };
        let words = answer.as_ref().and_then(|a| a["error_description"].as_str().or(a["error"].as_str()));
        let words = words.and_then(|words| words.lines().next()).unwrap_or("no token in it");
        Err(BlobError::new(kind, format!("azure: {self}: status {status}: {words}")))
    }
}

/// For messages. Neither the header nor the file's content.
impl fmt::Display for IdentitySource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IdentitySource::AppService { endpoint, .. } => write!(out, "identity of the App Service at {endpoint}"),
            IdentitySource::WorkloadIdentity { authority, client_id, .. } => {
                write!(out, "workload identity {client_id} at {authority}")
            }
            IdentitySource::Metadata { host, .. } => write!(out, "managed identity of this machine at {host}"),
        }
    }
}

impl fmt::Debug for IdentitySource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "IdentitySource({self})")
    }
}

/// `expires_in` seconds, or the moment `expires_on`; both come as numbers or as their text.
fn read_token(answer: &Value, now: SystemTime) -> Option<Token> {
    let secret = answer["access_token"].as_str().filter(|token| !token.is_empty())?;
    let seconds = |name: &str| match &answer[name] {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    let lifetime = match (seconds("expires_in"), seconds("expires_on")) {
        (Some(seconds), _) => Duration::from_secs(seconds),
        (None, Some(moment)) => (UNIX_EPOCH + Duration::from_secs(moment)).duration_since(now).unwrap_or_default(),
        (None, None) => return None,
    };
    Some(Token { secret: Secret::new(secret), lifetime })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(client_id: Option<&str>, environment: &[(&str, &str)]) -> IdentitySource {
        IdentitySource::from_environment(client_id, |name| {
            environment.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn shown(request: &TokenRequest) -> String {
        let headers: String = request.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        format!("{} {}\n{headers}{}", request.method, request.url, request.body)
    }

    #[test]
    fn app_service_comes_first() {
        let environment = [
            ("IDENTITY_ENDPOINT", "http://127.0.0.1:41566/msi/token/"),
            ("IDENTITY_HEADER", "s3cret"),
            ("AZURE_FEDERATED_TOKEN_FILE", "/none"),
        ];
        let source = source(Some("id 1"), &environment);
        let expected = "GET http://127.0.0.1:41566/msi/token/?api-version=2019-08-01&\
            resource=https%3A%2F%2Fstorage.azure.com%2F&client_id=id%201\nx-identity-header: s3cret\n";
        assert_eq!(shown(&source.request().unwrap()), expected);
        assert!(!format!("{source:?} {source}").contains("s3cret"));
    }

    #[test]
    fn workload_identity_exchanges_the_file() {
        let file = std::env::temp_dir().join(format!("pgserver-federated-{}", std::process::id()));
        std::fs::write(&file, "a.b+c\n").unwrap();
        let path = file.to_str().unwrap();
        let mut environment = vec![
            ("AZURE_FEDERATED_TOKEN_FILE", path),
            ("AZURE_TENANT_ID", "tenant"),
            ("AZURE_AUTHORITY_HOST", "https://login.example/"),
            ("AZURE_CLIENT_ID", "app"),
        ];
        let expected = "POST https://login.example/tenant/oauth2/v2.0/token\n\
            content-type: application/x-www-form-urlencoded\ngrant_type=client_credentials&client_id=app&\
            client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&\
            client_assertion=a.b%2Bc&scope=https%3A%2F%2Fstorage.azure.com%2F.default";
        assert_eq!(shown(&source(None, &environment).request().unwrap()), expected);
        std::fs::remove_file(&file).unwrap();
        let error = source(None, &environment).request().err().unwrap();
        assert_eq!(error.kind, BlobErrorKind::Unreachable);
        environment.pop();
        assert!(matches!(source(None, &environment), IdentitySource::Metadata { .. }), "without a client it is none");
    }

    #[test]
    fn the_machines_metadata_service_is_last() {
        let expected = "GET http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&\
            resource=https%3A%2F%2Fstorage.azure.com%2F\nmetadata: true\n";
        assert_eq!(shown(&source(None, &[("IDENTITY_ENDPOINT", "http://x")]).request().unwrap()), expected);
    }

    #[test]
    fn answers_of_each_source() {
        let source = source(None, &[]);
        let now = UNIX_EPOCH + Duration::from_secs(1_586_980_000);
        let answers = [
            (r#"{"access_token":"t","expires_on":"1586984735","resource":"r","token_type":"Bearer"}"#, 4735),
            (r#"{"access_token":"t","client_id":"c","expires_in":"86399","expires_on":"1586984735"}"#, 86399),
            (r#"{"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,"access_token":"t"}"#, 3599),
            (r#"{"access_token":"t","expires_on":"1"}"#, 0),
        ];
        for (body, seconds) in answers {
            let token = source.token(200, body.as_bytes(), now).unwrap();
            assert_eq!((token.secret.reveal(), token.lifetime), ("t", Duration::from_secs(seconds)), "{body}");
        }
        let refused = r#"{"error":"invalid_request","error_description":"Identity not found\nTrace ID: 1"}"#;
        use BlobErrorKind::{Denied, Unavailable};
        let errors = [
            (400, refused, Denied, "Identity not found"),
            (401, "", Denied, "no token in it"),
            (404, "<html>", Unavailable, "no token in it"),
            (410, "", Unavailable, "no token in it"),
            (429, "", Unavailable, "no token in it"),
            (500, r#"{"error":"busy"}"#, Unavailable, "busy"),
            (200, r#"{"access_token":""}"#, Unavailable, "no token in it"),
        ];
        for (status, body, kind, words) in errors {
            let error = source.token(status, body.as_bytes(), now).unwrap_err();
            assert_eq!(error.kind, kind, "{status} {body}");
            let place = "azure: managed identity of this machine at http://169.254.169.254";
            assert_eq!(error.message, format!("{place}: status {status}: {words}"));
        }
    }
}
