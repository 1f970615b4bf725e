//! The whole server from a configuration: what `main` runs and other programs embed.
//!
//! Owns: [`Server`]: opening the databases' directory, creating the first database, binding.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;

use crate::engine::databases::Databases;
use crate::engine::descriptors::{self, Shares};
use crate::engine::remote::RemoteOptions;
use crate::engine::remote::home::WorkingCopies;
use crate::error::SqlState;
use crate::net::auth::{AuthMethod, Authentication};
use crate::net::server::{NetOptions, Server as NetServer};
use crate::net::tls::Tls;
use crate::ops::config::{Config, Storage, Sync};
use crate::ops::http::Endpoint;
use crate::ops::object_store::{check_conditions, object_store};
use crate::storage::blob::BlobStore;
use crate::storage::own_directory::OwnDirectory;

/// A bound server, not serving yet.
pub struct Server {
    net: NetServer,
    address: SocketAddr,
    http: Option<Endpoint>,
}

impl Server {
    /// Opens the storage, creates the configured database if it is not there, and listens. The error is for the
    /// operator: it names what could not be had.
    pub async fn bind(config: Config) -> Result<Self, String> {
        let databases = match object_store(&config)? {
            None => {
                let directory = config.directory.clone().unwrap_or_else(|| "./data".into());
                Databases::new(&directory, config.pool_size)
                    .map_err(|e| format!("cannot use DB_PATH = {}: {}", directory.display(), e.message()))?
            }
            Some(store) => in_store(&config, store).await?,
        };
        Self::serve(config, databases).await
    }

    /// As [`bind`](Self::bind), with databases in an object store of the caller's.
    pub async fn bind_with_store(config: Config, store: Arc<dyn BlobStore>) -> Result<Self, String> {
        let databases = in_store(&config, store).await?;
        Self::serve(config, databases).await
    }

    async fn serve(config: Config, databases: Databases) -> Result<Self, String> {
        let databases = Arc::new(databases);
        databases.call_superuser(&config.user);
        if config.remote.standby && config.storage != Storage::Local {
            log::info!("standby: databases are read-only and follow the object store");
        } else {
            Self::create_database(&config, &databases).await?;
        }
        let tls = Tls::load(&config.tls)?;
        let authentication = Authentication::new(config.auth_method(), &config.user, config.password.as_deref())?;
        let wanted = config.address();
        let http = http_endpoint(&config, &databases)?;
        let Shares { sockets, connections } = shares(&config.net);
        descriptors::limit_connections(connections.min(config.max_sqlite_connections));
        let net = NetServer::bind(wanted, (config.net, sockets), tls, authentication, databases, config.session)
            .map_err(|e| cannot_listen(("PG_HOST", "PG_PORT"), wanted, &e))?;
        let address = net.local_addr().map_err(|e| cannot_listen(("PG_HOST", "PG_PORT"), wanted, &e))?;
        log::info!(
            "ready; connect with: psql -h {} -p {} -U {} {}{}",
            address.ip(),
            address.port(),
            config.user,
            config.database,
            if config.auth == Some(AuthMethod::Trust) || config.password.is_none() {
                ""
            } else {
                " (with the password)"
            }
        );
        if let Some(http) = &http {
            log::info!("metrics: http://{}/metrics", http.local_addr());
        }
        Ok(Server { net, address, http })
    }

    async fn create_database(config: &Config, databases: &Databases) -> Result<(), String> {
        match databases.create(&config.database).await {
            Ok(()) => log::info!("created database {}", config.database),
            Err(error) if error.code() == SqlState::DUPLICATE_DATABASE => {}
            Err(error) => return Err(format!("cannot create database {}: {}", config.database, error.message())),
        }
        Ok(())
    }

    /// The bound address; the port is the system's choice if 0 was asked for.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Where the HTTP endpoint listens, if there is one.
    pub fn http_addr(&self) -> Option<SocketAddr> {
        self.http.as_ref().map(Endpoint::local_addr)
    }

    /// Becomes true at a stop when sessions are over and databases are being closed.
    pub fn closing(&self) -> watch::Receiver<bool> {
        self.net.closing()
    }

    /// Serves until the future resolves, then stops gracefully. The HTTP endpoint answers to the end. False if an object store
    /// does not have everything that was committed.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> bool {
        let serving = self.http.map(Endpoint::start).transpose();
        if let Err(error) = &serving {
            log::error!("the HTTP endpoint cannot be started: {error}");
        }
        let complete = self.net.run(shutdown).await;
        if let Ok(Some(serving)) = serving {
            serving.stop().await;
        }
        log::info!("stopped");
        complete
    }
}

/// What the system lets clients and SQLite's connections have.
fn shares(net: &NetOptions) -> Shares {
    // What cannot be asked for is taken for the usual limit.
    let descriptors = rlimit::Resource::NOFILE.get().map_or(1024, |(allowed, _)| allowed);
    let wanted = net.bounds();
    let shares = Shares::of(descriptors, wanted.sockets());
    let bounds = wanted.within(shares.sockets);
    if bounds.sessions < wanted.sessions {
        log::warn!(
            "the system allows {descriptors} open files and sockets: there can be {} sessions, fewer than MAX_CONNECTIONS = {}; raise the limit (ulimit -n) for more",
            bounds.sessions,
            wanted.sessions
        );
    }
    shares
}

/// The HTTP endpoint of the configuration, if one is wanted.
fn http_endpoint(config: &Config, databases: &Arc<Databases>) -> Result<Option<Endpoint>, String> {
    let Some(port) = config.http_port else { return Ok(None) };
    let address = SocketAddr::new(config.http_host, port);
    let endpoint = Endpoint::bind(address, Arc::clone(databases), &config.database, &config.user);
    endpoint.map(Some).map_err(|e| cannot_listen(("HTTP_HOST", "HTTP_PORT"), address, &e))
}

/// Names the keys that say where, and what to do if something else is there.
fn cannot_listen((host, port): (&str, &str), address: SocketAddr, error: &std::io::Error) -> String {
    let remedy = match error.kind() {
        std::io::ErrorKind::AddrInUse => format!("; stop what listens there, or set {port} to another one"),
        std::io::ErrorKind::AddrNotAvailable => format!("; set {host} to an address of this machine"),
        std::io::ErrorKind::PermissionDenied => format!("; set {port} to one above 1023, or allow it to this user"),
        _ => String::new(),
    };
    format!("cannot listen on {host} = {}, {port} = {}: {error}{remedy}", address.ip(), address.port())
}

async fn in_store(config: &Config, store: Arc<dyn BlobStore>) -> Result<Databases, String> {
    let copies = match &config.directory {
        Some(directory) => WorkingCopies { directory: directory.clone(), shared: false, own: None },
        None => {
            let parent = std::env::temp_dir();
            let own = OwnDirectory::make(&parent).map_err(|e| {
                format!("cannot keep working copies in {}: {e}; set DB_PATH to another directory", parent.display())
            })?;
            WorkingCopies { directory: own.path().to_owned(), shared: true, own: Some(Arc::new(own)) }
        }
    };
    if !config.remote.standby {
        check_conditions(&store).await?;
    }
    let interval = (config.sync == Sync::Interval).then_some(config.upload_interval);
    let options = RemoteOptions { interval, ..config.remote };
    let databases = Databases::in_store(store, copies, config.pool_size, options).await;
    databases.map_err(|error| error.message().to_owned())
}
