//! A server inside the test's own process, on a free port and with a directory of its own.

#![allow(dead_code, reason = "each test uses its own part")]

use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pgserver::ops::config::Config;
use pgserver::server::Server;
use pgserver::storage::blob::local_directory::LocalDirectory;
use pgserver::storage::blob::{
    Blob, BlobError, BlobErrorKind, BlobFuture, BlobInfo, BlobStore, Body, Listing, Metadata, Precondition, Put,
};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Error, NoTls};

/// A directory of the test's own, removed with the value.
pub struct Directory(pub PathBuf);

impl Directory {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("pgserver-embedded-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Directory(path)
    }

    /// The defaults, but for a free port and these files.
    pub fn config(&self) -> Config {
        Config { port: 0, directory: Some(self.0.join("data")), ..Config::default() }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A server that runs until it is told to stop.
pub struct Running {
    pub address: SocketAddr,
    pub http: Option<SocketAddr>,
    stop: oneshot::Sender<()>,
    stopped: JoinHandle<bool>,
}

impl Running {
    pub async fn start(config: Config) -> Running {
        Self::serve(Server::bind(config).await.unwrap())
    }

    /// Runs a server that is bound.
    pub fn serve(server: Server) -> Running {
        let (address, http) = (server.local_addr(), server.http_addr());
        let (stop, told) = oneshot::channel();
        let stopped = tokio::spawn(server.run(async {
            let _ = told.await;
        }));
        Running { address, http, stop, stopped }
    }

    pub async fn stop(self) {
        assert!(self.end().await, "everything is durable");
    }

    /// Stops it; whether everything is durable.
    pub async fn end(self) -> bool {
        self.stop.send(()).unwrap();
        tokio::time::timeout(Duration::from_secs(30), self.stopped).await.expect("the server hangs").unwrap()
    }

    pub fn client(&self) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(self.address.port()).user("postgres").dbname("myapp");
        config
    }

    /// A session in plain text, and how it will end.
    pub async fn connect(&self) -> (Client, JoinHandle<Result<(), Error>>) {
        let (client, connection) = self.client().connect(NoTls).await.unwrap();
        (client, tokio::spawn(connection))
    }
}

/// A store of the test's own that can be switched off.
#[derive(Debug)]
pub struct Switched {
    store: LocalDirectory,
    pub off: AtomicBool,
}

impl Switched {
    /// In that directory, and on.
    pub fn new(directory: &Path) -> Arc<Switched> {
        Arc::new(Switched { store: LocalDirectory::open(directory).unwrap(), off: AtomicBool::new(false) })
    }

    fn unless_off<'a, T: Send + 'a>(&'a self, work: BlobFuture<'a, T>) -> BlobFuture<'a, T> {
        if self.off.load(Ordering::Relaxed) {
            return Box::pin(async { Err(BlobError::new(BlobErrorKind::Unreachable, "the cable is cut")) });
        }
        work
    }
}

impl BlobStore for Switched {
    fn location(&self) -> String {
        self.store.location()
    }

    fn get<'a>(&'a self, key: &'a str, range: Option<Range<u64>>) -> BlobFuture<'a, Blob> {
        self.unless_off(self.store.get(key, range))
    }

    fn head<'a>(&'a self, key: &'a str) -> BlobFuture<'a, BlobInfo> {
        self.unless_off(self.store.head(key))
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        body: Body,
        condition: Precondition,
        metadata: &'a Metadata,
    ) -> BlobFuture<'a, Put> {
        self.unless_off(self.store.put(key, body, condition, metadata))
    }

    fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>) -> BlobFuture<'a, Listing> {
        self.unless_off(self.store.list(prefix, after))
    }

    fn delete<'a>(&'a self, key: &'a str) -> BlobFuture<'a, ()> {
        self.unless_off(self.store.delete(key))
    }
}
