//! What monitoring asks over HTTP: /metrics, /healthz, /readyz.
//!
//! Owns: [`Endpoint`]. Must not know: what is measured (`ops::exposition`), SQL's protocol. Runs on a thread of its own, so
//! that busy sessions do not keep it from answering; what it asks of a database runs where sessions do, so that it
//! notices when those do not get on.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinSet};

use crate::debug_log::debug;
use crate::engine::databases::Databases;
use crate::ops::exposition;
use crate::ops::liveness;

/// For a database or the object store to answer; Kubernetes gives a probe one second unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(5);

/// For a client to say what it wants.
const HEADERS_IN: Duration = Duration::from_secs(2);

/// Connections at a time. Where there is no place left, the oldest one that is not being answered makes room.
const CONNECTIONS: usize = 64;

/// An object store that has answered so recently is not asked again.
const FRESH: Duration = Duration::from_secs(10);

/// A bound endpoint, not serving yet.
pub struct Endpoint {
    listener: TcpListener,
    address: SocketAddr,
    subject: Subject,
}

/// Whom the endpoint speaks for.
#[derive(Clone)]
struct Subject {
    databases: Arc<Databases>,
    /// The database that is asked.
    database: String,
    user: String,
    /// Where sessions run.
    sessions: Handle,
}

/// A serving endpoint; it ends soon after this is dropped.
pub struct Serving {
    stop: oneshot::Sender<Infallible>,
    ended: oneshot::Receiver<Infallible>,
}

impl Serving {
    /// Ends it: nobody listens there afterwards.
    pub async fn stop(self) {
        drop(self.stop);
        // Resolves when the thread has let go of its end.
        let _ = self.ended.await;
    }
}

impl Endpoint {
    /// Listens there; port 0 lets the system choose. To be called where sessions run.
    pub fn bind(address: SocketAddr, databases: Arc<Databases>, database: &str, user: &str) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (database, user, sessions) = (database.to_owned(), user.to_owned(), Handle::current());
        Ok(Endpoint { listener, address, subject: Subject { databases, database, user, sessions } })
    }

    /// The bound address.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Begins to serve.
    pub fn start(self) -> io::Result<Serving> {
        let (stop, stopped) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name("operations".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    // Resolves when the sender is gone.
                    _ = stopped => {}
                    () = accept(self.listener, self.subject) => {}
                }
            });
            // With the connections that are still there.
            drop(runtime);
            drop(end);
        })?;
        Ok(Serving { stop, ended })
    }
}

async fn accept(listener: TcpListener, subject: Subject) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return log::error!("HTTP: cannot accept connections: {error}"),
    };
    let mut places = Places::default();
    loop {
        places.make_room().await;
        match listener.accept().await {
            Ok((stream, _)) => places.serve(stream, subject.clone()),
            Err(error) => {
                // Out of descriptors, mostly.
                log::error!("HTTP: cannot accept a connection: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// The connections there are.
#[derive(Default)]
struct Places {
    tasks: JoinSet<()>,
    /// In the order of their arrival, with whether they are being answered.
    open: Vec<(AbortHandle, Arc<AtomicBool>)>,
}

impl Places {
    /// Sees to it that there is a place for one more.
    async fn make_room(&mut self) {
        while self.tasks.try_join_next().is_some() {}
        loop {
            self.open.retain(|(task, _)| !task.is_finished());
            if self.open.len() < CONNECTIONS {
                return;
            }
            match self.open.iter().position(|(_, answering)| !answering.load(Ordering::Relaxed)) {
                Some(silent) => self.open.remove(silent).0.abort(),
                // Each of them is answered within `PATIENCE`.
                None => drop(self.tasks.join_next().await),
            }
        }
    }

    fn serve(&mut self, stream: TcpStream, subject: Subject) {
        let answering = Arc::<AtomicBool>::default();
        let task = self.tasks.spawn(serve(stream, subject, Arc::clone(&answering)));
        self.open.push((task, answering));
    }
}

async fn serve(stream: TcpStream, subject: Subject, answering: Arc<AtomicBool>) {
    let service = service_fn(|request: Request<Incoming>| {
        let (subject, answering) = (&subject, &answering);
        async move {
            answering.store(true, Ordering::Relaxed);
            let response = answer(&request, subject).await;
            answering.store(false, Ordering::Relaxed);
            Ok::<_, Infallible>(response)
        }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADERS_IN).max_buf_size(16 * 1024);
    if let Err(error) = http.serve_connection(TokioIo::new(stream), service).await {
        debug!("HTTP: {error}");
    }
}

async fn answer(request: &Request<Incoming>, subject: &Subject) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "GET and HEAD only\n".to_owned());
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match request.uri().path() {
        "/metrics" => metrics(subject),
        "/healthz" => verdict(subject.is_alive().await),
        "/readyz" => verdict(subject.is_ready().await),
        _ => text(StatusCode::NOT_FOUND, "there are /metrics, /healthz and /readyz\n".to_owned()),
    }
}

fn metrics(subject: &Subject) -> Response<Full<Bytes>> {
    let mut response = text(StatusCode::OK, exposition::render(&subject.databases));
    let format = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, format);
    response
}

fn verdict(outcome: Result<(), String>) -> Response<Full<Bytes>> {
    match outcome {
        Ok(()) => text(StatusCode::OK, "ok\n".to_owned()),
        Err(reason) => text(StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
    }
}

fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl Subject {
    /// Whether a statement can be run.
    async fn is_alive(&self) -> Result<(), String> {
        let Subject { databases, database, user, sessions } = self.clone();
        let asked = sessions.spawn(async move { liveness::select_one(&databases, &database, &user).await });
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(error))) => Err(format!("database \"{}\": {}", self.database, error.message())),
            Ok(Err(error)) => Err(format!("SELECT 1 failed: {error}")),
            Err(_) => Err(format!("SELECT 1 has not been answered for {} s", PATIENCE.as_secs())),
        }
    }

    /// Whether statements can be run and commits become durable.
    async fn is_ready(&self) -> Result<(), String> {
        self.is_alive().await?;
        for database in self.databases.all_open() {
            if let Some(error) = database.condition().replication.and_then(|replication| replication.error) {
                return Err(format!("database \"{}\": {error}", database.name()));
            }
        }
        match self.databases.metrics().store.last() {
            Some((age, None)) if age < FRESH => Ok(()),
            _ => self.reach_store().await,
        }
    }

    async fn reach_store(&self) -> Result<(), String> {
        match tokio::time::timeout(PATIENCE, self.databases.reach_store(&self.database)).await {
            Ok(outcome) => outcome.map_err(|error| error.message().to_owned()),
            Err(_) => Err(format!("the object store has not answered for {} s", PATIENCE.as_secs())),
        }
    }
}
