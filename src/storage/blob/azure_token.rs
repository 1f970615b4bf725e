//! The token of a managed identity that is held, and its renewal.
//!
//! Owns: when a token is fetched again, and attempts at it. From half of its life on it is renewed, by one request at
//! a time and without anybody else waiting; as long as it is good, a failure to renew it is only logged. Must not know:
//! where tokens come from (`azure_identity`), what they are for.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;

use crate::storage::blob::azure_identity::{IdentitySource, Token};
use crate::storage::blob::http::{HttpClient, HttpRequest};
use crate::storage::blob::secret::Secret;
use crate::storage::blob::{BlobError, BlobErrorKind};

/// Attempts at a token that somebody waits for, with doubling pauses between them.
const ATTEMPTS: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// After a failed renewal of a token that is still good.
const RENEWAL_PAUSE: Duration = Duration::from_secs(30);

/// Who this process is in Azure.
#[derive(Debug)]
pub struct Identity {
    source: IdentitySource,
    held: Mutex<Option<Held>>,
    /// Held by who fetches. The token itself is never behind it.
    fetching: tokio::sync::Mutex<()>,
    first_pause: Duration,
}

#[derive(Clone, Debug)]
struct Held {
    token: Token,
    since: Instant,
    /// When it is to be renewed.
    renew: Instant,
}

impl Held {
    fn new(token: Token) -> Self {
        let since = Instant::now();
        Held { renew: since + token.lifetime / 2, token, since }
    }

    fn is_good(&self) -> bool {
        self.since.elapsed() < self.token.lifetime
    }
}

impl Identity {
    /// What the environment says; `client_id`: which of several identities.
    pub fn from_environment(client_id: Option<&str>, environment: impl Fn(&str) -> Option<String>) -> Self {
        Identity {
            source: IdentitySource::from_environment(client_id, environment),
            held: Mutex::new(None),
            fetching: tokio::sync::Mutex::new(()),
            first_pause: FIRST_PAUSE,
        }
    }

    /// A token that is good now.
    pub async fn token(&self, http: &HttpClient) -> Result<Secret, BlobError> {
        if let Some(held) = self.good() {
            if Instant::now() >= held.renew
                && let Ok(_fetching) = self.fetching.try_lock()
            {
                return Ok(self.renew(http, held).await);
            }
            return Ok(held.token.secret);
        }
        let _fetching = self.fetching.lock().await;
        // Somebody else may have fetched it while we waited.
        if let Some(held) = self.good() {
            return Ok(held.token.secret);
        }
        self.fetch(http).await
    }

    /// Forgets the token held, which the store no longer takes. Whether there was one.
    pub fn discard(&self) -> bool {
        self.held().take().is_some()
    }

    fn good(&self) -> Option<Held> {
        self.held().clone().filter(Held::is_good)
    }

    fn held(&self) -> MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hold(&self, token: Token) -> Secret {
        self.held().insert(Held::new(token)).token.secret.clone()
    }

    async fn renew(&self, http: &HttpClient, old: Held) -> Secret {
        match self.attempt(http).await {
            Ok(token) => self.hold(token),
            Err(error) => {
                let left = old.token.lifetime.saturating_sub(old.since.elapsed());
                log::warn!("{error}; the token held is good for {} s more", left.as_secs());
                if let Some(held) = self.held().as_mut() {
                    held.renew = Instant::now() + RENEWAL_PAUSE;
                }
                old.token.secret
            }
        }
    }

    async fn fetch(&self, http: &HttpClient) -> Result<Secret, BlobError> {
        let mut pause = self.first_pause;
        for _ in 1..ATTEMPTS {
            match self.attempt(http).await {
                Ok(token) => return Ok(self.hold(token)),
                Err(error) if error.kind == BlobErrorKind::Denied => return Err(error),
                Err(_) => tokio::time::sleep(pause).await,
            }
            pause *= 2;
        }
        // Whatever happened to it, nothing was sent to the store.
        let unreachable = |error: BlobError| match error.kind {
            BlobErrorKind::Denied => error,
            _ => BlobError { kind: BlobErrorKind::Unreachable, ..error },
        };
        self.attempt(http).await.map(|token| self.hold(token)).map_err(unreachable)
    }

    async fn attempt(&self, http: &HttpClient) -> Result<Token, BlobError> {
        let request = self.source.request()?;
        let (origin, target) = split(&request.url);
        let headers = request.headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let request = HttpRequest { method: request.method, origin, target, headers, body: Bytes::from(request.body) };
        let named =
            |error: BlobError| BlobError { message: format!("azure: {}: {}", self.source, error.message), ..error };
        let response = http.send(&request).await.map_err(named)?;
        self.source.token(response.status, &response.body, SystemTime::now())
    }
}

/// Origin and target of a URL.
fn split(url: &str) -> (String, String) {
    let authority = url.find("://").map_or(0, |scheme| scheme + 3);
    let path = url[authority..].find('/').map_or(url.len(), |path| authority + path);
    let (origin, target) = url.split_at(path);
    (origin.to_owned(), if target.is_empty() { "/".to_owned() } else { target.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::blob::http::{Limits, Surroundings};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// A metadata service that answers one request after the other as scripted, the last answer for ever.
    struct Service {
        host: String,
        asked: Arc<AtomicUsize>,
    }

    impl Service {
        async fn start(answers: &'static [(u16, &'static str)]) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let host = format!("http://{}", listener.local_addr().unwrap());
            let asked = Arc::new(AtomicUsize::new(0));
            let counter = Arc::clone(&asked);
            tokio::spawn(async move {
                while let Ok((mut stream, _)) = listener.accept().await {
                    let mut request = Vec::new();
                    while !request.ends_with(b"\r\n\r\n") && stream.read_buf(&mut request).await.unwrap() > 0 {}
                    let request = String::from_utf8(request).unwrap();
                    assert!(
                        request.starts_with("GET /metadata/identity/oauth2/token?")
                            && request.contains("metadata: true")
                    );
                    let (status, body) = answers[counter.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1)];
                    let length = body.len();
                    let answer =
                        format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            });
            Service { host, asked }
        }

        fn identity(&self) -> Identity {
            let environment = |name: &str| (name == "AZURE_POD_IDENTITY_AUTHORITY_HOST").then(|| self.host.clone());
            let identity = Identity::from_environment(None, environment);
            Identity { first_pause: Duration::ZERO, ..identity }
        }

        fn asked(&self) -> usize {
            self.asked.load(Ordering::SeqCst)
        }
    }

    const LONG: &str = r#"{"access_token":"long","expires_in":"3600"}"#;
    const SHORT: &str = r#"{"access_token":"short","expires_in":"0"}"#;

    fn http() -> HttpClient {
        HttpClient::new(&Surroundings::default(), Limits::default()).unwrap()
    }

    /// Makes the token held look as old as that.
    fn age(identity: &Identity, by: Duration) {
        let mut held = identity.held();
        let held = held.as_mut().unwrap();
        held.since -= by;
        held.renew -= by;
    }

    async fn token(identity: &Identity) -> String {
        identity.token(&http()).await.unwrap().reveal().to_owned()
    }

    #[tokio::test]
    async fn a_token_is_fetched_once_and_renewed_at_half_its_life() {
        let service = Service::start(&[(200, LONG)]).await;
        let identity = service.identity();
        let all = tokio::join!(token(&identity), token(&identity), token(&identity));
        assert_eq!(all, ("long".to_owned(), "long".to_owned(), "long".to_owned()));
        assert_eq!(service.asked(), 1);
        age(&identity, Duration::from_secs(1700));
        token(&identity).await;
        assert_eq!(service.asked(), 1);
        age(&identity, Duration::from_secs(200));
        token(&identity).await;
        token(&identity).await;
        assert_eq!(service.asked(), 2);
    }

    #[tokio::test]
    async fn a_token_that_cannot_be_renewed_serves_to_its_end() {
        let service = Service::start(&[(200, LONG), (500, ""), (400, "")]).await;
        let identity = service.identity();
        token(&identity).await;
        age(&identity, Duration::from_secs(2000));
        assert_eq!(token(&identity).await, "long");
        assert_eq!(token(&identity).await, "long");
        assert_eq!(service.asked(), 2, "a failed renewal pauses");
        age(&identity, Duration::from_secs(2000));
        assert_eq!(identity.token(&http()).await.unwrap_err().kind, BlobErrorKind::Denied);
    }

    #[tokio::test]
    async fn what_passes_is_tried_again() {
        let service = Service::start(&[(404, ""), (410, ""), (429, ""), (200, LONG)]).await;
        assert_eq!(token(&service.identity()).await, "long");
        let service = Service::start(&[(500, "")]).await;
        let error = service.identity().token(&http()).await.unwrap_err();
        assert_eq!((error.kind, service.asked()), (BlobErrorKind::Unreachable, 4));
        let service = Service::start(&[(403, "")]).await;
        let error = service.identity().token(&http()).await.unwrap_err();
        assert_eq!((error.kind, service.asked()), (BlobErrorKind::Denied, 1));
    }

    #[tokio::test]
    async fn a_discarded_token_is_fetched_anew() {
        let service = Service::start(&[(200, LONG), (200, SHORT)]).await;
        let identity = service.identity();
        assert!(!identity.discard());
        assert_eq!(token(&identity).await, "long");
        assert!(identity.discard());
        assert_eq!(token(&identity).await, "short");
        assert!(!format!("{identity:?}").contains("short"));
    }

    #[test]
    fn urls_are_split() {
        let split = |url| split(url);
        assert_eq!(split("http://h:1/a/b?c=/d"), ("http://h:1".to_owned(), "/a/b?c=/d".to_owned()));
        assert_eq!(split("https://h"), ("https://h".to_owned(), "/".to_owned()));
    }
}
