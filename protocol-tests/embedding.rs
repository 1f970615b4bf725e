//! The server inside another program: bound to a free port, encrypted, stopped gracefully.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use pgserver::net::tls::TlsMode;
use pgserver::ops::config::{Config, Sync};
use pgserver::server::Server;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream as AsyncTcpStream;
use tokio_postgres::config::{ChannelBinding as Wanted, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::{ChannelBinding, TlsConnect};
use tokio_postgres::{Error, NoTls};

mod embedded;

use embedded::{Directory, Running, Switched};

/// For a server that insists on TLS, and its certificate.
fn encrypted(directory: &Directory, password: Option<&str>) -> (Config, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (directory.0.join("cert.pem"), directory.0.join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let mut config = directory.config();
    config.net.tls_mode = TlsMode::Require;
    config.tls.mode = TlsMode::Require;
    config.tls.certificate = Some(certificate);
    config.tls.key = Some(key);
    config.password = password.map(str::to_owned);
    (config, made.cert.der().clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_lets_statements_finish_and_keeps_what_they_wrote() {
    let directory = Directory::new("stop");
    let mut config = directory.config();
    // Nobody may have to be ended the hard way.
    config.net.shutdown_grace = Duration::from_secs(3600);
    let server = Running::start(config).await;
    let (busy, _) = server.connect().await;
    let (_idle, idle_end) = server.connect().await;
    busy.batch_execute("create table t (i int)").await.unwrap();
    let running = tokio::spawn(async move { busy.batch_execute("insert into t select 1 from pg_sleep(0.7)").await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    server.stop().await;
    running.await.unwrap().expect("a running statement may finish");
    let told = idle_end.await.unwrap().unwrap_err();
    assert_eq!(told.code(), Some(&SqlState::ADMIN_SHUTDOWN));

    let server = Running::start(directory.config()).await;
    let (client, _) = server.connect().await;
    assert_eq!(client.query_one("select count(*) from t", &[]).await.unwrap().get::<_, i64>(0), 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_beyond_the_grace_period_is_ended() {
    let directory = Directory::new("grace");
    let mut config = directory.config();
    config.net.shutdown_grace = Duration::from_millis(100);
    let server = Running::start(config).await;
    let (busy, _) = server.connect().await;
    let running = tokio::spawn(async move { busy.batch_execute("select pg_sleep(600)").await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    server.stop().await;
    let told = running.await.unwrap().unwrap_err();
    assert_eq!(told.code(), Some(&SqlState::ADMIN_SHUTDOWN));
}

/// TLS for tokio-postgres, with what is to be claimed as the server's certificate hash.
struct Tls {
    roots: RootCertStore,
    claimed_hash: Option<Vec<u8>>,
    /// The client's own certificate and key.
    own: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
}

impl Tls {
    fn trusting(certificate: &CertificateDer<'static>, claimed_hash: Option<Vec<u8>>) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        Tls { roots, claimed_hash, own: None }
    }
}

struct TlsStream {
    inner: tokio_rustls::client::TlsStream<AsyncTcpStream>,
    claimed_hash: Option<Vec<u8>>,
}

impl TlsConnect<AsyncTcpStream> for Tls {
    type Stream = TlsStream;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = std::io::Result<TlsStream>> + Send>>;

    fn connect(self, stream: AsyncTcpStream) -> Self::Future {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let builder = builder.with_root_certificates(self.roots);
        let config = match self.own {
            Some((certificate, key)) => builder.with_client_auth_cert(vec![certificate], key).unwrap(),
            None => builder.with_no_client_auth(),
        };
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        Box::pin(async move {
            let inner = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await?;
            Ok(TlsStream { inner, claimed_hash: self.claimed_hash })
        })
    }
}

impl tokio_postgres::tls::TlsStream for TlsStream {
    fn channel_binding(&self) -> ChannelBinding {
        match &self.claimed_hash {
            Some(hash) => ChannelBinding::tls_server_end_point(hash.clone()),
            None => ChannelBinding::none(),
        }
    }
}

impl AsyncRead for TlsStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// Starts up over TLS and runs a query; the error's SQLSTATE if that fails.
async fn encrypted_session(config: &tokio_postgres::Config, tls: Tls) -> Result<(), Option<SqlState>> {
    let (host, port) = ("127.0.0.1", config.get_ports()[0]);
    let stream = AsyncTcpStream::connect((host, port)).await.unwrap();
    let outcome = async {
        let (client, connection) = config.connect_raw(stream, tls).await?;
        tokio::spawn(connection);
        client.simple_query("select 1").await.map(drop)
    };
    outcome.await.map_err(|error: Error| error.code().cloned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scram_is_bound_to_the_certificate() {
    let directory = Directory::new("scram");
    let (config, certificate) = encrypted(&directory, Some("secret"));
    let server = Running::start(config).await;
    let mut client = server.client();
    client.password("secret").ssl_mode(SslMode::Require).channel_binding(Wanted::Require);
    let hash = || Some(Sha256::digest(&certificate).to_vec());
    assert_eq!(encrypted_session(&client, Tls::trusting(&certificate, hash())).await, Ok(()));

    // Somebody in the middle with a certificate of his own.
    let other = Some(Sha256::digest(b"another certificate").to_vec());
    let refused = encrypted_session(&client, Tls::trusting(&certificate, other)).await;
    assert_eq!(refused, Err(Some(SqlState::INVALID_AUTHORIZATION_SPECIFICATION)));

    client.channel_binding(Wanted::Prefer);
    assert_eq!(encrypted_session(&client, Tls::trusting(&certificate, None)).await, Ok(()));
    for (user, password) in [("postgres", "wrong"), ("nobody", "secret")] {
        let mut wrong = client.clone();
        wrong.user(user).password(password);
        let refused = encrypted_session(&wrong, Tls::trusting(&certificate, hash())).await;
        assert_eq!(refused, Err(Some(SqlState::INVALID_PASSWORD)), "{user}");
    }

    // tls = require: in plain text nobody gets as far as a password.
    client.ssl_mode(SslMode::Disable);
    let refused = client.connect(NoTls).await.err().and_then(|error| error.code().cloned());
    assert_eq!(refused, Some(SqlState::INVALID_AUTHORIZATION_SPECIFICATION));
    server.stop().await;
}

/// An authority of its own for clients, and certificates of it.
struct Authority {
    issuer: rcgen::CertifiedIssuer<'static, rcgen::KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        Authority { issuer: rcgen::CertifiedIssuer::self_signed(parameters, key).unwrap() }
    }

    fn certify(&self, name: &str) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap();
        (certificate.der().clone(), PrivateKeyDer::try_from(key.serialize_der()).unwrap())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_without_the_certificate_it_needs_is_refused() {
    let authority = Authority::new();
    // Also where encryption is left to the client: who does not encrypt shows no certificate.
    for (mode, verify_user) in [(TlsMode::Require, false), (TlsMode::Prefer, false), (TlsMode::Prefer, true)] {
        let directory = Directory::new(&format!("client-certificate-{mode:?}-{verify_user}"));
        let (mut config, certificate) = encrypted(&directory, Some("secret"));
        let ca = directory.0.join("ca.pem");
        std::fs::write(&ca, authority.issuer.pem()).unwrap();
        (config.net.tls_mode, config.tls.mode) = (mode, mode);
        (config.tls.client_ca, config.tls.verify_user) = (Some(ca), verify_user);
        let server = Running::start(config).await;
        let mut client = server.client();
        client.password("secret").ssl_mode(SslMode::Disable);
        let refused = client.connect(NoTls).await.err().and_then(|error| error.code().cloned());
        assert_eq!(refused, Some(SqlState::INVALID_AUTHORIZATION_SPECIFICATION), "{mode:?}");
        client.ssl_mode(SslMode::Require);
        let showing = |own| Tls { own, ..Tls::trusting(&certificate, None) };
        assert_eq!(encrypted_session(&client, showing(None)).await, Err(None));
        let stranger = Authority::new().certify("postgres");
        assert_eq!(encrypted_session(&client, showing(Some(stranger))).await, Err(None));
        assert_eq!(encrypted_session(&client, showing(Some(authority.certify("postgres")))).await, Ok(()));
        // As with clientcert=verify-full, the right password is not enough then.
        let other = encrypted_session(&client, showing(Some(authority.certify("other")))).await;
        assert_eq!(other, if verify_user { Err(Some(SqlState::INVALID_PASSWORD)) } else { Ok(()) });
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handshake_that_does_not_go_on_is_ended() {
    let directory = Directory::new("stalled");
    let (mut config, _) = encrypted(&directory, None);
    config.net.authentication_timeout = Duration::from_millis(300);
    let server = Running::start(config).await;
    for begun in [&b""[..], b"\x16\x03\x01\x02\0\x01"] {
        let mut stream = AsyncTcpStream::connect(server.address).await.unwrap();
        stream.write_all(b"\0\0\0\x08\x04\xd2\x16\x2f").await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), b'S');
        stream.write_all(begun).await.unwrap();
        assert_eq!(stream.read(&mut [0; 10]).await.unwrap_or(0), 0);
    }
    server.stop().await;
}

/// CVE-2021-23214: what somebody in the middle puts behind SSLRequest must not be taken for the client's. It belongs to
/// the TLS stream and breaks it; a server that had read it ahead would complete the handshake.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_sent_before_tls_survives_into_it() {
    let directory = Directory::new("injection");
    let (config, certificate) = encrypted(&directory, None);
    let server = Running::start(config).await;
    let injected = b"\0\0\0\x26\0\x03\0\0user\0postgres\0database\0myapp\0\0";
    for behind in [&b""[..], injected] {
        let mut stream = AsyncTcpStream::connect(server.address).await.unwrap();
        stream.write_all(&[b"\0\0\0\x08\x04\xd2\x16\x2f", behind].concat()).await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), b'S');
        let handshake = Tls::trusting(&certificate, None).connect(stream).await;
        assert_eq!(handshake.is_ok(), behind.is_empty(), "with {} bytes behind SSLRequest", behind.len());
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_commits_that_the_store_does_not_get_are_kept() {
    let directory = Directory::new("unsaved");
    let store = Switched::new(&directory.0.join("store"));
    let config = || {
        let mut config = Config { sync: Sync::Interval, ..directory.config() };
        config.remote.commit_timeout = Duration::from_secs(1);
        config
    };
    let server = Running::serve(Server::bind_with_store(config(), Arc::clone(&store) as _).await.unwrap());
    let (client, _) = server.connect().await;
    client.batch_execute("create table t (i int); insert into t values (1)").await.unwrap();
    store.off.store(true, Ordering::Relaxed);
    assert!(!server.end().await, "the store does not have everything");

    let data = std::fs::read_dir(directory.0.join("data")).unwrap();
    let kept: Vec<_> = data
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.to_str().unwrap().contains("myapp.unsaved") && path.extension().is_some_and(|it| it == "sqlite")
        })
        .collect();
    let [kept] = &kept[..] else { panic!("{kept:?}") };
    let rows = |path| {
        let file = rusqlite::Connection::open(path).unwrap();
        file.query_row("select count(*) from t", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!(rows(kept), 1);

    // The next start goes on from the store, and leaves the file alone.
    store.off.store(false, Ordering::Relaxed);
    let server = Running::serve(Server::bind_with_store(config(), store as _).await.unwrap());
    let (client, _) = server.connect().await;
    assert!(client.batch_execute("select * from t").await.is_err(), "the store never had the table");
    server.stop().await;
    assert_eq!(rows(kept), 1);
}
