//! HTTP/1.1 requests to stores and to the services that give out credentials.
//!
//! Owns: connections, TLS, the pool of idle ones, time limits, and saying honestly whether a request that failed may
//! have arrived. Must not know: S3, Azure, signatures; it retries nothing that may have been sent, follows no redirect
//! and uses no proxy. Framing is hyper's.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::storage::blob::{BlobError, BlobErrorKind};

/// An answer's body may not be longer; whoever wants more asks for ranges.
const MAX_BODY: usize = 1 << 30;
/// Connections that have idled for longer are not used again: something between us may have forgotten them.
const MAX_IDLE: Duration = Duration::from_secs(30);
const MAX_IDLE_CONNECTIONS: usize = 32;
/// The slowest upload that is not given up.
const BYTES_PER_SECOND: u64 = 128 * 1024;

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

/// A client. Its connections live as long as it does.
pub struct HttpClient {
    tls: TlsConnector,
    limits: Limits,
    idle: Mutex<HashMap<String, Vec<Idle>>>,
}

type Sender = SendRequest<Full<Bytes>>;

struct Idle {
    sender: Sender,
    since: Instant,
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("HttpClient").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl HttpClient {
    /// A client that trusts the authorities in `authorities` (PEM), or those that browsers trust.
    pub fn new(authorities: Option<&Path>, limits: Limits) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        match authorities {
            None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
            Some(file) => {
                let unreadable = |e: &dyn fmt::Display| format!("cannot read certificates of {}: {e}", file.display());
                for certificate in CertificateDer::pem_file_iter(file).map_err(|e| unreadable(&e))? {
                    roots.add(certificate.map_err(|e| unreadable(&e))?).map_err(|e| unreadable(&e))?;
                }
                if roots.is_empty() {
                    return Err(unreadable(&"there is none in it"));
                }
            }
        }
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|e| format!("TLS: {e}"))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(HttpClient { tls: TlsConnector::from(Arc::new(config)), limits, idle: Mutex::default() })
    }

    /// Sends the request and reads its whole answer, whatever its status.
    pub async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, BlobError> {
        let mut message = request.message()?;
        while let Some(mut sender) = self.take_idle(&request.origin) {
            if !matches!(timeout(self.limits.connect, sender.ready()).await, Ok(Ok(()))) {
                continue;
            }
            // A connection that was closed meanwhile gives the message back, and it was not sent.
            let upload = Duration::from_secs(request.body.len() as u64 / BYTES_PER_SECOND);
            match self.answered(request, upload, sender.try_send_request(message)).await? {
                Ok(head) => return self.read(request, sender, head).await,
                Err(mut error) => match error.take_message() {
                    Some(unsent) => message = unsent,
                    None => return Err(no_answer(request, &error.into_error())),
                },
            }
        }
        let mut sender = match timeout(self.limits.connect, self.connect(&request.origin)).await {
            Ok(connected) => connected.map_err(|reason| unreachable(request, &reason))?,
            Err(_) => return Err(unreachable(request, &"no connection in time")),
        };
        let upload = Duration::from_secs(request.body.len() as u64 / BYTES_PER_SECOND);
        match self.answered(request, upload, sender.send_request(message)).await? {
            Ok(head) => self.read(request, sender, head).await,
            Err(error) => Err(no_answer(request, &error)),
        }
    }

    async fn answered<T>(
        &self,
        request: &HttpRequest,
        upload: Duration,
        answer: impl Future<Output = T>,
    ) -> Result<T, BlobError> {
        timeout(self.limits.answer + upload, answer).await.map_err(|_| no_answer(request, &"no answer in time"))
    }

    /// The rest of an answer; its connection is idle afterwards.
    async fn read(
        &self,
        request: &HttpRequest,
        sender: Sender,
        head: hyper::Response<Incoming>,
    ) -> Result<HttpResponse, BlobError> {
        let (head, mut incoming) = head.into_parts();
        let mut body = BytesMut::new();
        while let Some(frame) = self.answered(request, Duration::ZERO, incoming.frame()).await? {
            let frame = frame.map_err(|error| no_answer(request, &error))?;
            if let Some(data) = frame.data_ref() {
                if body.len() + data.len() > MAX_BODY {
                    let message = format!("{}: the answer is longer than {MAX_BODY} bytes", request.origin);
                    return Err(BlobError::new(BlobErrorKind::Invalid, message));
                }
                body.extend_from_slice(data);
            }
        }
        self.put_idle(&request.origin, sender);
        let headers =
            head.headers.iter().filter_map(|(n, v)| Some((n.as_str().to_owned(), v.to_str().ok()?.to_owned())));
        Ok(HttpResponse { status: head.status.as_u16(), headers: headers.collect(), body: body.freeze() })
    }

    fn take_idle(&self, origin: &str) -> Option<Sender> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let connections = idle.get_mut(origin)?;
        // The one used last is the warmest.
        while let Some(connection) = connections.pop() {
            if connection.since.elapsed() < MAX_IDLE && !connection.sender.is_closed() {
                return Some(connection.sender);
            }
        }
        None
    }

    fn put_idle(&self, origin: &str, sender: Sender) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let connections = idle.entry(origin.to_owned()).or_default();
        if connections.len() < MAX_IDLE_CONNECTIONS && !sender.is_closed() {
            connections.push(Idle { sender, since: Instant::now() });
        }
    }

    async fn connect(&self, origin: &str) -> Result<Sender, String> {
        let (encrypted, host, port) = address(origin).ok_or("not an HTTP URL")?;
        let stream = TcpStream::connect((host, port)).await.map_err(|e| e.to_string())?;
        stream.set_nodelay(true).map_err(|e| e.to_string())?;
        if !encrypted {
            return open(stream).await;
        }
        let name = ServerName::try_from(host.to_owned()).map_err(|e| e.to_string())?;
        open(self.tls.connect(name, stream).await.map_err(|e| format!("TLS: {e}{}", remedy(&e)))?).await
    }
}

/// What to do about the one error of TLS that settings mend.
fn remedy(error: &io::Error) -> &'static str {
    let unknown = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
    match error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>()) {
        Some(cause) if *cause == unknown => "; SSL_CERT_FILE names the PEM file of the authorities to trust",
        _ => "",
    }
}

/// Speaks HTTP on the stream; the task that moves its bytes ends with the sender.
async fn open(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Result<Sender, String> {
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|e| e.to_string())?;
    // Its errors reach the sender, too.
    tokio::spawn(async move { _ = connection.await });
    Ok(sender)
}

/// Whether it is encrypted, host and port.
fn address(origin: &str) -> Option<(bool, &str, u16)> {
    let (scheme, authority) = origin.split_once("://")?;
    let (encrypted, default) = match scheme {
        "https" => (true, 443),
        "http" => (false, 80),
        _ => return None,
    };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
        _ => (authority, default),
    };
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    (!host.is_empty()).then_some((encrypted, host, port))
}

impl HttpRequest {
    fn message(&self) -> Result<hyper::Request<Full<Bytes>>, BlobError> {
        let mut builder = hyper::Request::builder().method(self.method).uri(&self.target);
        if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            let authority = self.origin.split_once("://").map_or("", |(_, authority)| authority);
            builder = builder.header("host", authority);
        }
        // A body that may be there has a length, even if it is nothing.
        if !matches!(self.method, "GET" | "HEAD" | "DELETE") || !self.body.is_empty() {
            builder = builder.header("content-length", self.body.len());
        }
        for (name, value) in &self.headers {
            builder = builder.header(name, value);
        }
        builder.body(Full::new(self.body.clone())).map_err(|error| {
            let message = format!("{}: the request cannot be sent: {error}", self.origin);
            BlobError::new(BlobErrorKind::Invalid, message)
        })
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
        let limits = Limits { connect: Duration::from_millis(500), answer: Duration::from_millis(500) };
        HttpClient::new(None, limits).unwrap()
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
        let expected = format!("GET /k?a=%2F HTTP/1.1\r\nhost: {host}\r\nx-a: 1\r\n\r\n");
        assert_eq!(server.await.unwrap(), [expected.clone(), expected]);
    }

    /// The server closes after its answer without saying so; the next request goes out on a new connection, once.
    #[tokio::test]
    async fn a_closed_connection_is_replaced() {
        let (origin, server) = server(&[&[Answer::Last(OK)], &[Answer::Last(OK)]]).await;
        let client = client();
        client.send(&get(&origin)).await.unwrap();
        let closed = || client.idle.lock().unwrap()[&origin].iter().all(|idle| idle.sender.is_closed());
        while !closed() {
            tokio::task::yield_now().await;
        }
        client.send(&get(&origin)).await.unwrap();
        assert_eq!(server.await.unwrap().len(), 2);
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
        let error = HttpClient::new(Some(Path::new("/dev/null")), Limits::default()).unwrap_err();
        assert_eq!(error, "cannot read certificates of /dev/null: there is none in it");
    }

    #[test]
    fn addresses() {
        assert_eq!(address("https://a.example"), Some((true, "a.example", 443)));
        assert_eq!(address("http://127.0.0.1:10000"), Some((false, "127.0.0.1", 10000)));
        assert_eq!(address("http://[::1]:8"), Some((false, "::1", 8)));
        assert_eq!(address("http://[::1]"), Some((false, "::1", 80)));
        assert_eq!(address("http://"), None);
    }
}
