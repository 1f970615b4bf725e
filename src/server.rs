//! The whole server from a configuration: what `main` runs and other programs embed.
//!
//! Owns: [`Server`]: opening the databases' directory, creating the first database, binding.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::engine::databases::Databases;
use crate::error::SqlState;
use crate::net::auth::{AuthMethod, Authentication};
use crate::net::server::Server as NetServer;
use crate::net::tls::Tls;
use crate::ops::config::Config;

/// A bound server, not serving yet.
pub struct Server {
    net: NetServer,
    address: SocketAddr,
}

impl Server {
    /// Opens the storage, creates the configured database if it is not there, and listens. The error is for the
    /// operator: it names what could not be had.
    pub async fn bind(config: Config) -> Result<Self, String> {
        let directory = config.directory.clone();
        let databases = Databases::new(&directory, config.pool_size)
            .map_err(|e| format!("cannot open the database directory {}: {}", directory.display(), e.message()))?;
        let databases = Arc::new(databases);
        match databases.create(&config.database).await {
            Ok(()) => log::info!("created database {}", config.database),
            Err(error) if error.code() == SqlState::DUPLICATE_DATABASE => {}
            Err(error) => return Err(format!("cannot create database {}: {}", config.database, error.message())),
        }
        let tls = Tls::load(&config.tls)?;
        let authentication = Authentication::new(config.auth_method(), &config.user, config.password.as_deref())?;
        let wanted = config.address();
        let net = NetServer::bind(wanted, config.net, tls, authentication, databases, config.session)
            .map_err(|e| format!("cannot listen on {wanted}: {e}"))?;
        let address = net.local_addr().map_err(|e| format!("cannot listen on {wanted}: {e}"))?;
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
        Ok(Server { net, address })
    }

    /// The bound address; the port is the system's choice if 0 was asked for.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the future resolves, then stops gracefully.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        self.net.run(shutdown).await;
        log::info!("stopped");
    }
}
