//! The listening socket, and every connection until its session begins.
//!
//! Owns: [`Server`], [`NetOptions`]: accept, limits, start-up, TLS, authentication, graceful stop. Must not know: SQL.
//! Specification: protocol-flow.html#id-1.10.6.7.3 (start-up), 6.7.10 (cancel), 6.7.12 (SSL); postmaster.c.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::debug_log::debug;
use crate::engine::backends::{Backends, CancelKey};
use crate::engine::database::Database;
use crate::engine::databases::Databases;
use crate::error::{Error, Severity, SqlState};
use crate::net::admission::{Admission, Bounds, Place};
use crate::net::admit;
use crate::net::auth::{AuthError, Authentication, ClientFacts};
use crate::net::tls::{Tls, TlsMode};
use crate::protocol::backend;
use crate::protocol::codec;
use crate::protocol::conn::FramedConn;
use crate::protocol::message::StartupPacket;
use crate::protocol::socket::{Peer, Socket, Stream};
use crate::session;
use crate::session::start::{SessionOptions, SessionStart};
use crate::types::pg_type::Oid;

/// How long sessions have to end once the grace period is over and their statements were cancelled.
pub const TERMINATION: Duration = Duration::from_secs(2);

/// How long the plain files in an object store are waited for at a stop, even if the grace period is over.
pub const PUBLICATION: Duration = Duration::from_secs(5);

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;

/// What the operator has decided about connections.
#[derive(Clone, Debug)]
pub struct NetOptions {
    pub max_connections: usize,
    /// Connections at a time that have not logged in yet, in all and from one address.
    pub max_waiting: usize,
    pub max_waiting_of_address: usize,
    /// The longest message accepted, in bytes.
    pub max_message: usize,
    /// From accept to the end of authentication.
    pub authentication_timeout: Duration,
    /// How long running statements may go on after the server was told to stop.
    pub shutdown_grace: Duration,
    pub tls_mode: TlsMode,
}

impl NetOptions {
    /// How many connections are wanted.
    pub fn bounds(&self) -> Bounds {
        let NetOptions { max_connections, max_waiting, max_waiting_of_address, .. } = *self;
        Bounds { sessions: max_connections, waiting: max_waiting, of_an_address: max_waiting_of_address }
    }
}

/// A bound server.
pub struct Server {
    listener: TcpListener,
    shared: Arc<Shared>,
    stopping: watch::Sender<bool>,
    closing: watch::Sender<bool>,
}

/// What every connection needs.
struct Shared {
    options: NetOptions,
    tls: Option<Tls>,
    authentication: Authentication,
    databases: Arc<Databases>,
    backends: Arc<Backends>,
    session: Arc<SessionOptions>,
    admission: Arc<Admission>,
}

impl Server {
    /// Binds the address; port 0 lets the system choose. `sockets` is how many clients' sockets there may be.
    pub fn bind(
        address: SocketAddr,
        (options, sockets): (NetOptions, usize),
        tls: Option<Tls>,
        authentication: Authentication,
        databases: Arc<Databases>,
        session: SessionOptions,
    ) -> io::Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?;
        let admission = Admission::new(options.bounds().within(sockets));
        let shared = Shared {
            options,
            tls,
            authentication,
            databases,
            backends: Arc::default(),
            session: Arc::new(session),
            admission,
        };
        Ok(Server {
            listener,
            shared: Arc::new(shared),
            stopping: watch::channel(false).0,
            closing: watch::channel(false).0,
        })
    }

    /// The bound address.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Becomes true at a stop when sessions are over and databases are being closed.
    pub fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }

    /// Serves until `shutdown` resolves; then lets running statements finish within the grace period, ends all
    /// sessions and closes the databases durably; false if an object store does not have everything.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> bool {
        // Every connection holds a sender: the channel closes when the last one has ended.
        let (alive, mut all_done) = mpsc::channel::<()>(1);
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, address)) => self.spawn(stream, address, alive.clone()),
                    Err(error) => {
                        // Out of descriptors, mostly: trying again at once would only burn a core.
                        log::error!("cannot accept a connection: {error}");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                },
            }
        }
        drop(self.listener);
        drop(alive);
        self.stopping.send_replace(true);
        let grace = self.shared.options.shutdown_grace;
        let over = Instant::now() + grace;
        if tokio::time::timeout(grace, all_done.recv()).await.is_err() {
            log::warn!("statements still running after {} s are cancelled", grace.as_secs());
            self.shared.backends.terminate_all();
            if tokio::time::timeout(TERMINATION, all_done.recv()).await.is_err() {
                log::error!("a statement does not end; it is not waited for");
            }
        }
        self.closing.send_replace(true);
        self.shared.databases.close(over.max(Instant::now() + PUBLICATION)).await
    }

    fn spawn(&self, stream: TcpStream, address: SocketAddr, alive: mpsc::Sender<()>) {
        let shared = self.shared.clone();
        let stopping = self.stopping.subscribe();
        shared.databases.metrics().connections.increment();
        let Some((place, make_room)) = shared.admission.arrive(address.ip()) else {
            shared.databases.metrics().error(SqlState::TOO_MANY_CONNECTIONS);
            return;
        };
        let stream = Stream::Tcp(Socket::new(stream));
        let peer = stream.peer();
        tokio::spawn(async move {
            tokio::select! {
                biased;
                () = shared.connection(stream, address, stopping, place) => {}
                // When the connection has become a session nobody tells it to go.
                Ok(()) = make_room => shared.tell(&peer, &too_many()),
            }
            drop(alive);
        });
    }
}

/// How the first packets ended.
enum Started {
    Startup {
        stream: Stream,
        encrypted: bool,
        minor: u16,
        parameters: Vec<(String, String)>,
    },
    /// A cancel request, garbage, or a client that went away: nothing more to say.
    Done,
    /// The client is told why not.
    Refused(Stream, Error),
}

impl Shared {
    async fn connection(
        self: &Arc<Self>,
        stream: Stream,
        address: SocketAddr,
        stopping: watch::Receiver<bool>,
        mut place: Place,
    ) {
        let (peer, mut stopped) = (stream.peer(), stopping.clone());
        let start = tokio::select! {
            biased;
            start = self.start(stream, address, stopping, &mut place) => start,
            // Who has not logged in has nothing that a stop would wait for.
            _ = stopped.wait_for(|stopped| *stopped) => {
                self.tell(&peer, &shutting_down());
                None
            }
        };
        let Some(start) = start else { return };
        // On the heap: a connection that has not started up yet need not be as large as a session.
        Box::pin(session::machine::run(start)).await;
    }

    /// Tells a client that has not logged in why its connection ends, as far as that fits into the socket at once. A client
    /// that encrypts cannot be told: to it this is an end of the connection that TLS did not announce.
    fn tell(&self, peer: &Peer, error: &Error) {
        let mut answer = BytesMut::new();
        self.databases.metrics().error(error.code());
        backend::error_response(&mut answer, error.fields());
        peer.tell(&answer);
    }

    /// Start-up and authentication. `None`: the connection has ended, and the client was told if it could be.
    async fn start(
        &self,
        stream: Stream,
        address: SocketAddr,
        stopping: watch::Receiver<bool>,
        place: &mut Place,
    ) -> Option<SessionStart> {
        let deadline = Instant::now() + self.options.authentication_timeout;
        let first_packets = tokio::time::timeout_at(deadline, self.first_packets(stream, address)).await;
        let (stream, encrypted, minor, parameters) = match first_packets {
            Ok(Ok(Started::Startup { stream, encrypted, minor, parameters })) => (stream, encrypted, minor, parameters),
            Ok(Ok(Started::Done)) => return None,
            Ok(Ok(Started::Refused(stream, error))) => {
                log::info!("{address}: refused: {error}");
                refuse(FramedConn::new(stream, 0), &error).await;
                return None;
            }
            Ok(Err(error)) => {
                debug!("{address}: {error}");
                return None;
            }
            Err(_) => {
                let limit = self.options.authentication_timeout.as_secs();
                log::info!("{address}: no complete start-up within {limit} s");
                return None;
            }
        };
        let mut conn = FramedConn::new(stream, self.options.max_message);
        let admit = self.admit(&mut conn, encrypted, minor, &parameters, &stopping, address);
        let admitted = tokio::time::timeout_at(deadline, admit).await.unwrap_or_else(|_| Err(too_slow().into()));
        let opened = match admitted {
            Ok(_) if !place.begin_session() => Err(too_many().into()),
            Ok((user, name)) => match self.enter(&user, &name, stopping.clone()).await {
                Ok((role, database)) => Ok((user, role, name, database)),
                Err(error) => Err(error.into()),
            },
            Err(error) => Err(error),
        };
        match opened {
            Ok((user, role, database_name, database)) => Some(SessionStart {
                server_address: conn.peer().local_address(),
                conn,
                user,
                role,
                database,
                database_name,
                databases: self.databases.clone(),
                parameters: session_parameters(parameters),
                client_address: address,
                backends: Arc::clone(&self.backends),
                stopping,
                options: self.session.clone(),
            }),
            Err(AuthError::Refused(error)) => {
                log::info!("{address}: refused: {error}");
                self.databases.metrics().error(error.code());
                refuse(conn, &error).await;
                None
            }
            Err(AuthError::Io(error)) => {
                debug!("{address}: {error}");
                None
            }
        }
    }

    /// Opens the database for a role that may log in and enter it.
    async fn enter(
        &self,
        user: &str,
        name: &str,
        stopping: watch::Receiver<bool>,
    ) -> Result<(Oid, Arc<Database>), Error> {
        let roles = self.databases.roles();
        let role = admit::may_log_in(&roles, user)?;
        let database = self.open(name, stopping).await?;
        admit::may_enter(&self.databases.roles(), role, name)?;
        Ok((role, database))
    }

    /// Opens the database. It may have to be fetched first: that takes its time, whatever authentication may take, and
    /// goes on for the next client if this one does not wait for it.
    async fn open(&self, name: &str, mut stopping: watch::Receiver<bool>) -> Result<Arc<Database>, Error> {
        let (databases, owned) = (Arc::clone(&self.databases), name.to_owned());
        let mut opening = tokio::spawn(async move { databases.connect(&owned).await });
        let opened = tokio::select! {
            opened = &mut opening => opened.map_err(Error::internal)?,
            _ = stopping.wait_for(|stopping| *stopping) => {
                opening.abort();
                Err(shutting_down())
            }
        };
        opened.map_err(|error| error.with_severity(Severity::Fatal))
    }

    /// Checks user and password; gives the user and the name of the database.
    async fn admit(
        &self,
        conn: &mut FramedConn,
        encrypted: bool,
        minor: u16,
        parameters: &[(String, String)],
        stopping: &watch::Receiver<bool>,
        address: SocketAddr,
    ) -> Result<(String, String), AuthError> {
        let find = |name: &str| parameters.iter().rev().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
        let unknown: Vec<&str> =
            parameters.iter().map(|(n, _)| n.as_str()).filter(|n| n.starts_with("_pq_.")).collect();
        if minor > 0 || !unknown.is_empty() {
            backend::negotiate_protocol_version(conn.out(), 0, &unknown);
        }
        let Some(user) = find("user").filter(|u| !u.is_empty()) else {
            let message = "no PostgreSQL user name specified in startup packet";
            return Err(Error::fatal(SqlState::INVALID_AUTHORIZATION_SPECIFICATION, message).into());
        };
        let database_name = find("database").filter(|d| !d.is_empty()).unwrap_or(user);
        if find("replication").is_some_and(|r| !matches!(r, "false" | "off" | "no" | "0")) {
            return Err(Error::unsupported("a replication connection").with_severity(Severity::Fatal).into());
        }
        if *stopping.borrow() {
            return Err(shutting_down().into());
        }
        let needs_certificate = self.tls.as_ref().is_some_and(|tls| tls.needs_certificate);
        if (self.options.tls_mode == TlsMode::Require || needs_certificate) && !encrypted {
            let host = address.ip();
            let message = format!(
                "no pg_hba.conf entry for host \"{host}\", user \"{user}\", database \"{database_name}\", no encryption"
            );
            let error = Error::fatal(SqlState::INVALID_AUTHORIZATION_SPECIFICATION, message)
                .with_hint("This server accepts only TLS connections.");
            return Err(error.into());
        }
        let certified = self.tls.as_ref().is_none_or(|tls| tls.is_of(conn.certificate(), user));
        if !certified {
            log::info!("{address}: the certificate's common name is not \"{user}\"");
        }
        let client = ClientFacts {
            certificate_hash: self.tls.as_ref().filter(|_| encrypted).map(|tls| &*tls.certificate_hash),
            certified,
            address: address.ip(),
        };
        if !self.authentication.is_configured(user) {
            self.databases.cluster().await.map_err(|error| error.with_severity(Severity::Fatal))?;
        }
        let roles = self.databases.roles();
        if let Err(error) = self.authentication.authenticate(conn, user, &client, &roles).await {
            if matches!(error, AuthError::Refused(_)) {
                self.databases.metrics().authentication_failures.increment();
            }
            return Err(error);
        }
        Ok((user.to_owned(), database_name.to_owned()))
    }

    /// Reads packets by exact length until the start-up packet: nothing sent in plain text before TLS can survive
    /// into it.
    async fn first_packets(&self, mut stream: Stream, address: SocketAddr) -> io::Result<Started> {
        let (mut encrypted, mut asked_ssl, mut asked_gss) = (false, false, false);
        loop {
            let length = stream.read_u32().await? as usize;
            // Not our protocol, or an attack: as PostgreSQL, say nothing.
            let Some(body_length) = length.checked_sub(4).filter(|n| (4..=codec::MAX_STARTUP).contains(n)) else {
                return Ok(Started::Done);
            };
            let mut body = BytesMut::zeroed(body_length);
            stream.read_exact(&mut body).await?;
            match codec::startup_packet(body.freeze()) {
                Ok(StartupPacket::SslRequest) if !asked_ssl && !encrypted => {
                    asked_ssl = true;
                    match (&self.tls, stream) {
                        (Some(tls), Stream::Tcp(mut tcp)) => {
                            tcp.write_all(b"S").await?;
                            let accepted = tls.acceptor.accept(tcp).await;
                            // Also how a client without the certificate it needs is refused.
                            let accepted = accepted
                                .inspect_err(|error| log::info!("{address}: refused: no TLS connection: {error}"))?;
                            stream = Stream::Tls(Box::new(accepted));
                            encrypted = true;
                        }
                        (_, mut plain) => {
                            plain.write_all(b"N").await?;
                            stream = plain;
                        }
                    }
                }
                Ok(StartupPacket::GssEncRequest) if !asked_gss && !encrypted => {
                    asked_gss = true;
                    stream.write_all(b"N").await?;
                }
                // Asked for twice it is a version like any other.
                Ok(again @ (StartupPacket::SslRequest | StartupPacket::GssEncRequest)) => {
                    let minor = if again == StartupPacket::SslRequest { 5679 } else { 5680 };
                    let message = format!("unsupported frontend protocol 1234.{minor}: server supports 3.0 to 3.0");
                    return Ok(Started::Refused(stream, Error::fatal(SqlState::FEATURE_NOT_SUPPORTED, message)));
                }
                Ok(StartupPacket::Cancel { pid, secret }) => {
                    self.backends.cancel(CancelKey { pid, secret });
                    return Ok(Started::Done);
                }
                Ok(StartupPacket::Startup { minor, parameters }) => {
                    return Ok(Started::Startup { stream, encrypted, minor, parameters });
                }
                Err(error) => return Ok(Started::Refused(stream, error)),
            }
        }
    }
}

fn shutting_down() -> Error {
    Error::fatal(SqlState::CANNOT_CONNECT_NOW, "the database system is shutting down")
}

fn too_many() -> Error {
    Error::fatal(SqlState::TOO_MANY_CONNECTIONS, "sorry, too many clients already")
}

fn too_slow() -> Error {
    Error::fatal(SqlState::QUERY_CANCELED, "canceling authentication due to timeout")
}

/// What is left for the session: variables, and `options` with -c settings.
fn session_parameters(parameters: Vec<(String, String)>) -> Vec<(String, String)> {
    let ours = |name: &str| matches!(name, "user" | "database" | "replication") || name.starts_with("_pq_.");
    parameters.into_iter().filter(|(name, _)| !ours(name)).collect()
}

/// Tells the client why there is no session, and closes.
async fn refuse(mut conn: FramedConn, error: &Error) {
    backend::error_response(conn.out(), error.fields());
    _ = conn.shutdown().await;
}
