//! The server a transcript runs against: PostgreSQL at `PGTEST_ADDR`, or pgserver started for each way to authenticate.

use std::collections::HashMap;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Mutex;

use super::client::Client;
use super::script::Auth;
use super::server::Server;

pub struct Targets {
    postgres: Option<SocketAddr>,
    started: Mutex<HashMap<Auth, Server>>,
}

impl Targets {
    pub fn from_environment() -> Result<Targets, String> {
        let postgres = match std::env::var("PGTEST_ADDR") {
            Ok(text) => {
                Some(text.to_socket_addrs().map_err(|e| format!("PGTEST_ADDR: {e}"))?.next().ok_or("PGTEST_ADDR")?)
            }
            Err(_) => None,
        };
        Ok(Targets { postgres, started: Mutex::new(HashMap::new()) })
    }

    pub fn is_postgres(&self) -> bool {
        self.postgres.is_some()
    }

    /// The address of a server that authenticates this way.
    pub fn addr(&self, auth: &Auth) -> Result<SocketAddr, String> {
        if let Some(addr) = self.postgres {
            return Ok(addr);
        }
        let mut started = self.started.lock().map_err(|_| "poisoned")?;
        if let Some(server) = started.get(auth) {
            return Ok(server.addr);
        }
        let server = Server::start(&auth.user, &auth.method, &auth.password)?;
        let addr = server.addr;
        started.insert(auth.clone(), server);
        Ok(addr)
    }

    /// Makes an empty database and returns its name.
    pub fn create_database(&self, addr: SocketAddr, auth: &Auth, name: &str) -> Result<(), String> {
        let owner = if self.is_postgres() { Auth::default() } else { auth.clone() };
        let mut admin = Client::open(addr, &owner, "postgres")?;
        if self.is_postgres() {
            admin.exchange(&[format!("Query 'drop database if exists {name} with (force)'")], None)?;
        }
        let answers = admin.exchange(&[format!("Query 'create database {name}'")], None)?;
        match answers.first().map(String::as_str) {
            Some("CommandComplete 'CREATE DATABASE'") => Ok(()),
            _ => Err(format!("create database: {answers:?}")),
        }
    }

    pub fn drop_database(&self, addr: SocketAddr, name: &str) -> Result<(), String> {
        if self.is_postgres() {
            let mut admin = Client::open(addr, &Auth::default(), "postgres")?;
            admin.exchange(&[format!("Query 'drop database {name} with (force)'")], None)?;
        }
        Ok(())
    }

    /// Ends the servers that were started and removes their files.
    pub fn stop(&self) {
        if let Ok(mut started) = self.started.lock() {
            started.clear();
        }
    }
}
