//! HTTP/1.1 requests to stores and to the services that give out credentials.
//!
//! Owns: which authorities and which proxy are used, time limits, and saying honestly whether a request that failed may
//! have arrived. Must not know: S3, Azure, signatures; it retries nothing that may have been sent and follows no
//! redirect. Connections, TLS and the pool of idle ones are `reqwest`'s.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, NoProxy, Url};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::time::timeout;

use crate::storage::blob::{BlobError, BlobErrorKind};

/// An answer's body may not be longer; whoever wants more asks for ranges.
const MAX_BODY: usize = 64 << 20;
/// Connections that have idled for longer are not used again: something between us may have forgotten them.
const MAX_IDLE: Duration = Duration::from_secs(30);
const MAX_IDLE_CONNECTIONS: usize = 32;
/// After which silence the other machine is asked whether it is still there, how often, and how long it may think.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const KEEP_ALIVE_RETRIES: u32 = 3;
/// The slowest upload that is not given up.
const BYTES_PER_SECOND: u64 = 128 * 1024;
/// What is on this machine or beside it, metadata services above all, is never asked through a proxy.
const NEAR: &str = "localhost,127.0.0.0/8,::1,169.254.0.0/16,fe80::/10,fd00:ec2::254";

/// How long each step may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Until there is a connection, TLS included.
    pub connect: Duration,
    /// From the request to the head of its answer, beyond the time a slow upload takes; and between parts of a body.
    pub answer: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { connect: Duration::from_secs(5), answer: Duration::from_secs(30) }
    }
}

/// What the place a server runs at says about reaching others.
#[derive(Clone, Default)]
pub struct Surroundings {
    /// A PEM file of the authorities to trust, instead of those that browsers trust (`SSL_CERT_FILE`).
    pub authorities: Option<PathBuf>,
    /// The proxy through which encrypted origins are reached (`HTTPS_PROXY`). It may carry a password.
    pub proxy: Option<String>,
    /// Where it is not used: names, addresses and networks (`NO_PROXY`).
    pub without_proxy: String,
}

/// A request. Not `Debug`: its headers carry what authorizes it.
pub struct HttpRequest {
    pub method: &'static str,
    /// `https://host:port`
    pub origin: String,
    /// Path and query, percent-encoded.
    pub target: String,
    /// Without Host and Content-Length, which are added unless Host is among them.
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

/// A whole answer.
pub struct HttpResponse {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

impl HttpResponse {
    /// The first header of that name, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

impl Surroundings {
    /// What the variables say that other programs read, too: the upper-case name, or the lower-case one.
    pub fn of_environment(environment: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| environment(name).filter(|value| !value.is_empty());
        let either = |name: &str| set(name).or_else(|| set(&name.to_lowercase()));
        Surroundings {
            authorities: set("SSL_CERT_FILE").map(PathBuf::from),
            proxy: either("HTTPS_PROXY"),
            without_proxy: either("NO_PROXY").unwrap_or_default(),
        }
    }

    fn proxy(&self) -> Result<Option<reqwest::Proxy>, String> {
        let Some(url) = &self.proxy else { return Ok(None) };
        // Not the value: it may have a password in it.
        let proxy = reqwest::Proxy::https(url).map_err(|_| "HTTPS_PROXY: not the URL of a proxy".to_owned())?;
        Ok(Some(proxy.no_proxy(NoProxy::from_string(&format!("{NEAR},{}", self.without_proxy)))))
    }

    fn tls(&self) -> Result<ClientConfig, String> {
        let roots = match &self.authorities {
            None => webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect(),
            Some(file) => authorities(file).map_err(|e| format!("SSL_CERT_FILE: {e}"))?,
        };
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(|e| format!("TLS: {e}"))?;
        Ok(builder.with_root_certificates(roots).with_no_client_auth())
    }
}

/// The certificates of a file.
fn authorities(file: &Path) -> Result<RootCertStore, String> {
    let unreadable = |e: &dyn fmt::Display| format!("cannot read certificates of {}: {e}", file.display());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|e| unreadable(&e))? {
        roots.add(certificate.map_err(|e| unreadable(&e))?).map_err(|e| unreadable(&e))?;
    }
    if roots.is_empty() { Err(unreadable(&"there is none in it")) } else { Ok(roots) }
}

/// A client. Its connections live as long as it does.
#[derive(Debug)]
pub struct HttpClient {
    client: reqwest::Client,
    limits: Limits,
}

impl HttpClient {
    /// A client in those surroundings.
    pub fn new(surroundings: &Surroundings, limits: Limits) -> Result<Self, String> {
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(surroundings.tls()?)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .http1_only()
            .connect_timeout(limits.connect)
            .pool_idle_timeout(MAX_IDLE)
            .pool_max_idle_per_host(MAX_IDLE_CONNECTIONS)
            .tcp_nodelay(true)
            .tcp_keepalive(KEEP_ALIVE)
            .tcp_keepalive_interval(KEEP_ALIVE)
            .tcp_keepalive_retries(KEEP_ALIVE_RETRIES);
        if let Some(proxy) = surroundings.proxy()? {
            builder = builder.proxy(proxy);
        }
        let client = builder.build().map_err(|e| format!("cannot speak HTTP: {}", cause(&e)))?;
        Ok(HttpClient { client, limits })
    }

    /// Sends the request and reads its whole answer, whatever its status.
    pub async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, BlobError> {
        let upload = Duration::from_secs(request.body.len() as u64 / BYTES_PER_SECOND);
        let answer = self.client.execute(request.message()?);
        match within(request, self.limits.connect + self.limits.answer + upload, answer).await? {
            Ok(head) => self.read(request, head).await,
            // What failed to connect was not sent; of anything else nobody knows.
            Err(error) if error.is_connect() && error.is_timeout() => {
                Err(unreachable(request, &"no connection in time"))
            }
            Err(error) if error.is_connect() => Err(unreachable(request, &cause(&error))),
            Err(error) => Err(no_answer(request, &cause(&error))),
        }
    }

    /// The rest of an answer.
    async fn read(&self, request: &HttpRequest, mut head: reqwest::Response) -> Result<HttpResponse, BlobError> {
        let mut body = BytesMut::new();
        while let Some(data) = within(request, self.limits.answer, head.chunk())
            .await?
            .map_err(|error| no_answer(request, &cause(&error)))?
        {
            if body.len() + data.len() > MAX_BODY {
                let message = format!("{}: the answer is longer than {MAX_BODY} bytes", request.origin);
                return Err(BlobError::new(BlobErrorKind::Invalid, message));
            }
            body.extend_from_slice(&data);
        }
        let headers = head.headers().iter();
        let headers = headers.filter_map(|(n, v)| Some((n.as_str().to_owned(), v.to_str().ok()?.to_owned())));
        Ok(HttpResponse { status: head.status().as_u16(), headers: headers.collect(), body: body.freeze() })
    }
}

async fn within<T>(request: &HttpRequest, time: Duration, answer: impl Future<Output = T>) -> Result<T, BlobError> {
    timeout(time, answer).await.map_err(|_| no_answer(request, &"no answer in time"))
}

/// What lies at the bottom of an error, and what to do about the one error of TLS that settings mend. Never the URL,
/// which may have a signature in it.
fn cause(error: &reqwest::Error) -> String {
    let mut bottom: &(dyn Error + 'static) = error;
    // An error of input or output does not count what it carries among its sources.
    while let Some(below) = carried(bottom).or_else(|| bottom.source()) {
        bottom = below;
    }
    match bottom.downcast_ref::<rustls::Error>() {
        Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
            format!("TLS: {bottom}; SSL_CERT_FILE names the PEM file of the authorities to trust")
        }
        Some(_) => format!("TLS: {bottom}"),
        None if bottom.is::<reqwest::Error>() => "it cannot be sent".to_owned(),
        None => bottom.to_string(),
    }
}

fn carried<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    Some(error.downcast_ref::<io::Error>()?.get_ref()?)
}

impl HttpRequest {
    fn message(&self) -> Result<reqwest::Request, BlobError> {
        let url = self.url().ok_or_else(|| unreachable(self, &"not an HTTP URL"))?;
        let invalid = |reason: &dyn fmt::Display| {
            let message = format!("{}: the request cannot be sent: {reason}", self.origin);
            BlobError::new(BlobErrorKind::Invalid, message)
        };
        let sent = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        if sent != self.target {
            // It is signed as it is written.
            return Err(invalid(&format!("{} would be sent as {sent}", self.target)));
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|e| invalid(&e))?;
            headers.append(name, HeaderValue::from_str(value).map_err(|e| invalid(&e))?);
        }
        let method = Method::from_bytes(self.method.as_bytes()).map_err(|e| invalid(&e))?;
        // A body that may be there has a length, even if it is nothing.
        if !matches!(self.method, "GET" | "HEAD" | "DELETE") || !self.body.is_empty() {
            headers.insert(CONTENT_LENGTH, self.body.len().into());
        }
        let mut message = reqwest::Request::new(method, url);
        *message.headers_mut() = headers;
        *message.body_mut() = Some(self.body.clone()).filter(|body| !body.is_empty()).map(Into::into);
        Ok(message)
    }

    fn url(&self) -> Option<Url> {
        let authority = self.origin.strip_prefix("https://").or_else(|| self.origin.strip_prefix("http://"))?;
        let bare = !authority.contains(['/', '?', '#', '@', '\\']);
        Url::parse(&format!("{}{}", self.origin, self.target)).ok().filter(|_| bare && self.target.starts_with('/'))
    }
}

fn unreachable(request: &HttpRequest, reason: &dyn fmt::Display) -> BlobError {
    BlobError::new(BlobErrorKind::Unreachable, format!("cannot reach {}: {reason}", request.origin))
}

fn no_answer(request: &HttpRequest, reason: &dyn fmt::Display) -> BlobError {
    BlobError::new(BlobErrorKind::NoAnswer, format!("no whole answer from {}: {reason}", request.origin))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// What the server does with a connection's next request.
    #[derive(Clone, Copy)]
    enum Answer {
        /// Says this.
        Say(&'static str),
        /// Says this and closes the connection.
        Last(&'static str),
        /// Never says anything.
        Silent,
    }

    const OK: &str = "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 2\r\n\r\nok";

    /// A server that answers the requests of its first connection by the first script, and so on.
    async fn server(scripts: &'static [&'static [Answer]]) -> (String, tokio::task::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move {
            let (mut requests, mut silent) = (Vec::new(), Vec::new());
            for script in scripts {
                let (mut stream, _) = listener.accept().await.unwrap();
                for answer in *script {
                    let mut text = Vec::new();
                    while !text.ends_with(b"\r\n\r\n") && stream.read_buf(&mut text).await.unwrap() > 0 {}
                    requests.push(String::from_utf8(text).unwrap());
                    match answer {
                        Answer::Say(text) | Answer::Last(text) => stream.write_all(text.as_bytes()).await.unwrap(),
                        Answer::Silent => {}
                    }
                    if matches!(answer, Answer::Last(_)) {
                        break;
                    }
                }
                if matches!(script.last(), Some(Answer::Silent)) {
                    silent.push(stream);
                }
            }
            requests
        });
        (origin, task)
    }

    fn client() -> HttpClient {
        client_in(&Surroundings::default())
    }

    fn client_in(surroundings: &Surroundings) -> HttpClient {
        let limits = Limits { connect: Duration::from_millis(500), answer: Duration::from_millis(500) };
        HttpClient::new(surroundings, limits).unwrap()
    }

    fn get(origin: &str) -> HttpRequest {
        let headers = vec![("x-a".to_owned(), "1".to_owned())];
        HttpRequest {
            method: "GET",
            origin: origin.to_owned(),
            target: "/k?a=%2F".to_owned(),
            headers,
            body: Bytes::new(),
        }
    }

    #[tokio::test]
    async fn connections_are_used_again() {
        let (origin, server) = server(&[&[Answer::Say(OK), Answer::Say(OK)]]).await;
        let client = client();
        for _ in 0..2 {
            let response = client.send(&get(&origin)).await.unwrap();
            assert_eq!(
                (response.status, &response.body[..], response.header("etag")),
                (200, &b"ok"[..], Some("\"1\""))
            );
        }
        let host = origin.strip_prefix("http://").unwrap();
        let expected = format!("GET /k?a=%2F HTTP/1.1\r\nx-a: 1\r\naccept: */*\r\nhost: {host}\r\n\r\n");
        assert_eq!(server.await.unwrap(), [expected.clone(), expected]);
    }

    /// The server closes after its answer without saying so. Until that is noticed nobody knows what became of a
    /// request; then there is a new connection.
    #[tokio::test]
    async fn a_closed_connection_is_replaced() {
        let (origin, server) = server(&[&[Answer::Last(OK)], &[Answer::Last(OK)]]).await;
        let client = client();
        client.send(&get(&origin)).await.unwrap();
        while let Err(error) = client.send(&get(&origin)).await {
            assert_eq!(error.kind, BlobErrorKind::NoAnswer, "{error}");
        }
        assert_eq!(server.await.unwrap().len(), 2);
    }

    #[tokio::test]
    async fn a_body_of_nothing_has_a_length() {
        let (origin, server) = server(&[&[Answer::Say(OK), Answer::Say(OK)]]).await;
        let client = client();
        for method in ["PUT", "DELETE"] {
            client.send(&HttpRequest { method, ..get(&origin) }).await.unwrap();
        }
        let lengths = server.await.unwrap().into_iter().map(|request| request.contains("content-length: 0\r\n"));
        assert_eq!(lengths.collect::<Vec<_>>(), [true, false]);
    }

    /// Of a request that may have arrived there is no second copy, and a redirect is an answer.
    #[tokio::test]
    async fn nothing_is_sent_twice() {
        const MOVED: &str = "HTTP/1.1 307 Moved\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n";
        let (origin, server) = server(&[&[Answer::Say(MOVED), Answer::Last("")], &[Answer::Say(OK)]]).await;
        let client = client();
        assert_eq!(client.send(&get(&origin)).await.unwrap().status, 307);
        assert_eq!(client.send(&get(&origin)).await.err().unwrap().kind, BlobErrorKind::NoAnswer);
        assert_eq!(client.send(&get(&origin)).await.unwrap().status, 200);
        let requests = server.await.unwrap();
        assert!(requests.len() == 3 && requests.iter().all(|request| request.starts_with("GET /k?a=%2F HTTP")));
    }

    /// A metadata service is asked directly, as is what the operator excepts; that a proxy refuses is never an answer.
    #[tokio::test]
    async fn a_proxy_is_for_what_is_far_and_encrypted() {
        let (url, proxy) = server(&[&[Answer::Last("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")]]).await;
        let url = url.replace("http://", "http://edge:secret@");
        let environment = |name: &str| match name {
            "https_proxy" => Some(url.clone()),
            "NO_PROXY" => Some("near.invalid".to_owned()),
            _ => None,
        };
        let client = client_in(&Surroundings::of_environment(environment));
        let (plain, direct) = server(&[&[Answer::Last(OK)]]).await;
        assert_eq!(client.send(&get(&plain)).await.unwrap().status, 200);
        assert_eq!(direct.await.unwrap().len(), 1);
        for origin in ["https://169.254.169.254", "https://a.near.invalid", "https://store.invalid"] {
            let error = client.send(&get(origin)).await.err().unwrap();
            assert_eq!(error.kind, BlobErrorKind::Unreachable, "{origin}: {error}");
            assert!(!error.message.contains("secret"), "{error}");
        }
        let requests = proxy.await.unwrap();
        assert!(requests[0].starts_with("CONNECT store.invalid:443 HTTP/1.1\r\n"), "{requests:?}");
        assert!(requests[0].contains("Basic ZWRnZTpzZWNyZXQ="), "{requests:?}");
    }

    /// A server whose certificate nobody vouches for, and the certificate's file.
    async fn encrypted() -> (String, PathBuf) {
        let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let file = std::env::temp_dir().join(format!("pgserver-http-{:016x}.pem", rand::random::<u64>()));
        std::fs::write(&file, issued.cert.pem()).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(issued.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.unwrap().with_no_client_auth().with_single_cert(vec![issued.cert.into()], key).unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    stream.read_buf(&mut Vec::new()).await.unwrap();
                    stream.write_all(OK.as_bytes()).await.unwrap();
                }
            }
        });
        (origin, file)
    }

    #[tokio::test]
    async fn authorities_are_those_that_were_given() {
        let (origin, file) = encrypted().await;
        let error = client().send(&get(&origin)).await.err().unwrap();
        assert_eq!(error.kind, BlobErrorKind::Unreachable);
        let reason = "TLS: invalid peer certificate: UnknownIssuer; \
            SSL_CERT_FILE names the PEM file of the authorities to trust";
        assert_eq!(error.message, format!("cannot reach {origin}: {reason}"));
        let path = file.to_str().map(str::to_owned);
        let trusting = Surroundings::of_environment(|name| path.clone().filter(|_| name == "SSL_CERT_FILE"));
        assert_eq!(client_in(&trusting).send(&get(&origin)).await.unwrap().status, 200);
        std::fs::remove_file(file).unwrap();
    }

    #[test]
    fn a_proxy_without_sense_is_refused() {
        let surroundings = Surroundings { proxy: Some("http://edge:secret@[".to_owned()), ..Surroundings::default() };
        let error = HttpClient::new(&surroundings, Limits::default()).unwrap_err();
        assert_eq!(error, "HTTPS_PROXY: not the URL of a proxy");
    }

    #[tokio::test]
    async fn an_answer_that_is_not_whole_is_none() {
        let cut = [
            "",
            "HTTP/1.1 200 OK\r\nContent-",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
            "not HTTP\r\n\r\n",
        ];
        for text in cut {
            let script: &'static [Answer] = vec![Answer::Last(text)].leak();
            let (origin, _server) = server(vec![script].leak()).await;
            let error = client().send(&get(&origin)).await.err().unwrap();
            assert_eq!(error.kind, BlobErrorKind::NoAnswer, "{text}");
            assert!(error.outcome_unknown());
        }
        let (origin, _server) = server(&[&[Answer::Silent]]).await;
        assert_eq!(client().send(&get(&origin)).await.err().unwrap().kind, BlobErrorKind::NoAnswer);
        let (origin, _server) =
            server(&[&[Answer::Say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no"), Answer::Silent]]).await;
        assert_eq!(client().send(&get(&origin)).await.err().unwrap().kind, BlobErrorKind::NoAnswer);
    }

    #[tokio::test]
    async fn what_was_never_sent_says_so() {
        let unused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        for origin in [format!("http://{unused}"), "ftp://host".to_owned(), "http://[::1]:x".to_owned()] {
            let error = client().send(&get(&origin)).await.err().unwrap();
            assert_eq!(error.kind, BlobErrorKind::Unreachable, "{origin}");
            assert!(!error.outcome_unknown() && error.is_retryable());
        }
        let plain = server(&[&[Answer::Last("HTTP/1.1 400 Bad Request\r\n\r\n")]]).await.0;
        let encrypted = plain.replace("http://", "https://");
        assert_eq!(client().send(&get(&encrypted)).await.err().unwrap().kind, BlobErrorKind::Unreachable);
        let mut request = get(&format!("http://{unused}"));
        request.headers.push(("x".to_owned(), "a\nb".to_owned()));
        assert_eq!(client().send(&request).await.err().unwrap().kind, BlobErrorKind::Invalid);
    }

    #[test]
    fn a_file_without_authorities_is_refused() {
        let surroundings = Surroundings { authorities: Some("/dev/null".into()), ..Surroundings::default() };
        let error = HttpClient::new(&surroundings, Limits::default()).unwrap_err();
        assert_eq!(error, "SSL_CERT_FILE: cannot read certificates of /dev/null: there is none in it");
    }

    /// What is sent is what was signed, to the letter.
    #[test]
    fn addresses() {
        let request = |origin: &str, target: &str| HttpRequest { target: target.to_owned(), ..get(origin) };
        for (origin, target) in [
            ("https://a.example", "/b/k%2B/x.y-z_@1?uploads=&prefix=a%2F%27"),
            ("http://127.0.0.1:10000", "/"),
            ("http://[::1]:8", "/a//b?list-type=2&start-after=~"),
        ] {
            assert_eq!(request(origin, target).message().unwrap().url().as_str(), format!("{origin}{target}"));
        }
        for (origin, target) in [("http://", "/"), ("http://a@b", "/"), ("http://a/b", "/c"), ("http://a", "b")] {
            assert_eq!(request(origin, target).message().unwrap_err().kind, BlobErrorKind::Unreachable, "{origin}");
        }
        for target in ["/a/../b", "/a/%2e/b", "/a b", "/a?b'c", "/a#b"] {
            assert_eq!(request("http://a", target).message().unwrap_err().kind, BlobErrorKind::Invalid, "{target}");
        }
    }
}
