//! Finding AWS credentials where AWS's own tools find them.
//!
//! Owns: [`CredentialChain`]: which source is used, asking it, keeping what it gave until shortly before it expires. Must
//! not know: signatures. Specification: docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html.
//!
//! The order: environment, shared profile, web identity, container, instance (IMDSv2). The first that is configured is
//! used, and its failure is the failure: falling through to another identity would hide a mistake.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use jiff::Timestamp;

use crate::storage::blob::azure_request::encode;
use crate::storage::blob::http::{HttpClient, HttpRequest, HttpResponse};
use crate::storage::blob::secret::Secret;
use crate::storage::blob::sigv4::AwsCredentials;
use crate::storage::blob::xml::Element;
use crate::storage::blob::{BlobError, BlobErrorKind};

/// New credentials are fetched when the old ones have no longer than this.
const EARLY: Duration = Duration::from_secs(5 * 60);
const CONTAINER_HOST: &str = "http://169.254.170.2";
const INSTANCE_HOST: &str = "http://169.254.169.254";

/// Where credentials come from, and the ones it gave last.
#[derive(Debug)]
pub struct CredentialChain {
    source: Source,
    current: Mutex<Option<AwsCredentials>>,
    /// Held while they are fetched, so that they are fetched once.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
enum Source {
    Environment(AwsCredentials),
    Profile {
        name: String,
        files: [PathBuf; 2],
    },
    WebIdentity {
        sts: String,
        role: String,
        session: String,
        token_file: PathBuf,
    },
    Container {
        url: String,
        token: Option<Secret>,
        token_file: Option<PathBuf>,
    },
    Instance {
        endpoint: String,
    },
    /// The variable that switched the last source off.
    None,
}

impl CredentialChain {
    /// Decides on the source by the environment.
    pub fn new(region: &str, environment: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| environment(name).filter(|value| !value.is_empty());
        let source = of_environment(&set)
            .or_else(|| of_profile(&set))
            .or_else(|| of_web_identity(region, &set))
            .or_else(|| of_container(&set))
            .unwrap_or_else(|| match set("AWS_EC2_METADATA_DISABLED").as_deref() {
                Some("true") => Source::None,
                _ => Source::Instance {
                    endpoint: set("AWS_EC2_METADATA_SERVICE_ENDPOINT").unwrap_or_else(|| INSTANCE_HOST.to_owned()),
                },
            });
        CredentialChain { source, current: Mutex::default(), fetching: tokio::sync::Mutex::default() }
    }

    /// Credentials that are good for some minutes.
    pub async fn credentials(&self, http: &HttpClient) -> Result<AwsCredentials, BlobError> {
        if let Some(current) = self.current().filter(|current| is_good(current, EARLY)) {
            return Ok(current);
        }
        let _turn = self.fetching.lock().await;
        if let Some(current) = self.current().filter(|current| is_good(current, EARLY)) {
            return Ok(current);
        }
        match self.source.fetch(http).await {
            Ok(fetched) => {
                *self.slot() = Some(fetched.clone());
                Ok(fetched)
            }
            Err(error) => match self.current().filter(|current| is_good(current, Duration::ZERO)) {
                Some(current) => {
                    log::warn!("using the old AWS credentials while they are good: {error}");
                    Ok(current)
                }
                None => Err(error),
            },
        }
    }

    /// The store does not accept those any more. Whether asking again makes sense: there may be others, or are already.
    pub fn discard(&self, refused: &AwsCredentials) -> bool {
        let mut slot = self.slot();
        if slot.as_ref() == Some(refused) {
            *slot = None;
        }
        !matches!(self.source, Source::Environment(_) | Source::None)
    }

    fn current(&self) -> Option<AwsCredentials> {
        self.slot().clone()
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<AwsCredentials>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_good(credentials: &AwsCredentials, early: Duration) -> bool {
    credentials.expires.is_none_or(|expires| expires > SystemTime::now() + early)
}

type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

fn of_environment(set: Environment<'_>) -> Option<Source> {
    Some(Source::Environment(AwsCredentials {
        access_key_id: set("AWS_ACCESS_KEY_ID")?,
        secret_access_key: Secret::new(set("AWS_SECRET_ACCESS_KEY")?),
        session_token: set("AWS_SESSION_TOKEN").map(Secret::new),
        expires: None,
    }))
}

fn of_profile(set: Environment<'_>) -> Option<Source> {
    let home = set("HOME").map(PathBuf::from);
    let file = |variable: &str, name: &str| match set(variable) {
        Some(path) => Some(PathBuf::from(path)),
        None => home.as_ref().map(|home| home.join(".aws").join(name)),
    };
    let files = [file("AWS_SHARED_CREDENTIALS_FILE", "credentials")?, file("AWS_CONFIG_FILE", "config")?];
    let asked = set("AWS_PROFILE");
    let name = asked.clone().unwrap_or_else(|| "default".to_owned());
    // A profile that was asked for must be there; the default one may have no keys.
    let source = Source::Profile { name: name.clone(), files: files.clone() };
    (asked.is_some() || read_profile(&name, &files).is_ok()).then_some(source)
}

fn of_web_identity(region: &str, set: Environment<'_>) -> Option<Source> {
    Some(Source::WebIdentity {
        token_file: set("AWS_WEB_IDENTITY_TOKEN_FILE")?.into(),
        role: set("AWS_ROLE_ARN")?,
        session: set("AWS_ROLE_SESSION_NAME").unwrap_or_else(|| "pgserver".to_owned()),
        sts: set("AWS_ENDPOINT_URL_STS").unwrap_or_else(|| {
            let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
            format!("https://sts.{region}.amazonaws.com{suffix}")
        }),
    })
}

fn of_container(set: Environment<'_>) -> Option<Source> {
    let relative = set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").map(|path| format!("{CONTAINER_HOST}{path}"));
    Some(Source::Container {
        url: relative.or_else(|| set("AWS_CONTAINER_CREDENTIALS_FULL_URI"))?,
        token: set("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(Secret::new),
        token_file: set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").map(PathBuf::from),
    })
}

impl Source {
    async fn fetch(&self, http: &HttpClient) -> Result<AwsCredentials, BlobError> {
        match self {
            Source::Environment(credentials) => Ok(credentials.clone()),
            Source::Profile { name, files } => read_profile(name, files).map_err(denied),
            Source::WebIdentity { sts, role, session, token_file } => {
                let token = read_token(token_file)?;
                assume_role(http, sts, role, session, &token).await
            }
            Source::Container { url, token, token_file } => {
                let from_file = token_file.as_ref().map(read_token).transpose()?;
                let token = from_file.as_deref().or(token.as_ref().map(Secret::reveal));
                let headers = token.map(|token| ("authorization".to_owned(), token.to_owned()));
                from_json(&ask(http, "GET", url, headers.into_iter().collect()).await?)
            }
            Source::Instance { endpoint } => ask_instance(http, endpoint).await,
            Source::None => Err(denied("no AWS credentials: set S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY")),
        }
    }
}

fn denied(message: impl Into<String>) -> BlobError {
    BlobError::new(BlobErrorKind::Denied, message)
}

/// Asked anew each time: tokens are rotated in their file.
fn read_token(file: &PathBuf) -> Result<String, BlobError> {
    let text = std::fs::read_to_string(file).map_err(|e| denied(format!("cannot read {}: {e}", file.display())))?;
    Ok(text.trim().to_owned())
}

/// A profile's keys, of the credentials file before the configuration file.
fn read_profile(name: &str, files: &[PathBuf; 2]) -> Result<AwsCredentials, String> {
    let [credentials, config] = files;
    let section = if name == "default" { name.to_owned() } else { format!("profile {name}") };
    let mut pairs = Vec::new();
    for (file, section) in [(credentials, name), (config, &section)] {
        if let Ok(text) = std::fs::read_to_string(file) {
            pairs.extend(section_of(&text, section));
        }
    }
    let value = |key: &str| pairs.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
    match (value("aws_access_key_id"), value("aws_secret_access_key")) {
        (Some(access_key_id), Some(secret)) => Ok(AwsCredentials {
            access_key_id,
            secret_access_key: Secret::new(secret),
            session_token: value("aws_session_token").map(Secret::new),
            expires: None,
        }),
        _ => Err(format!(
            "AWS profile \"{name}\" has no aws_access_key_id and aws_secret_access_key in {} or {}; profiles that name \
             a role or a program are not supported",
            credentials.display(),
            config.display()
        )),
    }
}

/// The settings of a section of an INI file; nested ones, which are indented, are none.
fn section_of(text: &str, section: &str) -> Vec<(String, String)> {
    let header = |line: &str| line.trim().strip_prefix('[')?.split_once(']').map(|(name, _)| name.trim().to_owned());
    let lines = text.lines().skip_while(|line| header(line).as_deref() != Some(section)).skip(1);
    let own = lines.take_while(|line| header(line).is_none()).filter(|line| !line.starts_with([' ', '\t', '#', ';']));
    own.filter_map(|line| line.split_once('=')).map(|(k, v)| (k.trim().to_owned(), v.trim().to_owned())).collect()
}

async fn ask(
    http: &HttpClient,
    method: &'static str,
    url: &str,
    headers: Vec<(String, String)>,
) -> Result<HttpResponse, BlobError> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err(denied(format!("AWS credentials: {url} is not a URL")));
    };
    let (host, target) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let target = if target.is_empty() { "/" } else { target }.to_owned();
    let origin = format!("{scheme}://{host}");
    let response = http.send(&HttpRequest { method, origin, target, headers, body: Bytes::new() }).await?;
    match response.status {
        200 => Ok(response),
        status => {
            let kind =
                if matches!(status, 429 | 500..=599) { BlobErrorKind::Unreachable } else { BlobErrorKind::Denied };
            Err(BlobError::new(kind, format!("AWS credentials: {scheme}://{host} answered with status {status}")))
        }
    }
}

/// IMDSv2: a session token first, then the role's name, then its credentials.
async fn ask_instance(http: &HttpClient, endpoint: &str) -> Result<AwsCredentials, BlobError> {
    let endpoint = endpoint.trim_end_matches('/');
    let header = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    let lifetime = header("x-aws-ec2-metadata-token-ttl-seconds", "21600");
    let token = text(&ask(http, "PUT", &format!("{endpoint}/latest/api/token"), lifetime).await?)?.to_owned();
    let token = header("x-aws-ec2-metadata-token", &token);
    let roles = format!("{endpoint}/latest/meta-data/iam/security-credentials/");
    let response = ask(http, "GET", &roles, token.clone()).await?;
    let role = text(&response)?.lines().next().unwrap_or_default();
    from_json(&ask(http, "GET", &format!("{roles}{}", encode(role, b"")), token).await?)
}

fn text(response: &HttpResponse) -> Result<&str, BlobError> {
    std::str::from_utf8(&response.body).map(str::trim).map_err(|_| senseless())
}

fn senseless() -> BlobError {
    BlobError::new(BlobErrorKind::Unreachable, "AWS credentials: the answer makes no sense")
}

/// What containers and instances answer.
fn from_json(response: &HttpResponse) -> Result<AwsCredentials, BlobError> {
    let json: serde_json::Value = serde_json::from_slice(&response.body).map_err(|_| senseless())?;
    let field = |name: &str| json.get(name).and_then(serde_json::Value::as_str).filter(|value| !value.is_empty());
    let expires = field("Expiration").and_then(|text| text.parse::<Timestamp>().ok());
    Ok(AwsCredentials {
        access_key_id: field("AccessKeyId").ok_or_else(senseless)?.to_owned(),
        secret_access_key: Secret::new(field("SecretAccessKey").ok_or_else(senseless)?),
        session_token: field("Token").map(Secret::new),
        expires: expires.map(Into::into),
    })
}

/// AssumeRoleWithWebIdentity, which needs no signature: the token is the proof.
async fn assume_role(
    http: &HttpClient,
    sts: &str,
    role: &str,
    session: &str,
    token: &str,
) -> Result<AwsCredentials, BlobError> {
    let form = [
        ("Action", "AssumeRoleWithWebIdentity"),
        ("Version", "2011-06-15"),
        ("RoleArn", role),
        ("RoleSessionName", session),
        ("WebIdentityToken", token),
    ];
    let body = form.iter().map(|(name, value)| format!("{name}={}", encode(value, b""))).collect::<Vec<_>>().join("&");
    let request = HttpRequest {
        method: "POST",
        origin: sts.trim_end_matches('/').to_owned(),
        target: "/".to_owned(),
        headers: vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())],
        body: body.into(),
    };
    let response = http.send(&request).await?;
    let document = Element::root(std::str::from_utf8(&response.body).unwrap_or_default());
    if response.status != 200 {
        let code = document.and_then(|root| root.child("Error")?.child_text("Code"));
        let code = code.as_deref().unwrap_or("no code");
        return Err(denied(format!("AWS credentials: {sts} answered with status {}, {code}", response.status)));
    }
    let found = document.and_then(|root| root.child("AssumeRoleWithWebIdentityResult")?.child("Credentials"));
    let field = |name: &str| found.and_then(|found| found.child_text(name)).ok_or_else(senseless);
    let expires: Timestamp = field("Expiration")?.parse().map_err(|_| senseless())?;
    Ok(AwsCredentials {
        access_key_id: field("AccessKeyId")?.into_owned(),
        secret_access_key: Secret::new(field("SecretAccessKey")?),
        session_token: Some(Secret::new(field("SessionToken")?)),
        expires: Some(expires.into()),
    })
}

#[cfg(test)]
#[path = "aws_credentials_tests.rs"]
mod tests;
