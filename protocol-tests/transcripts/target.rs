//! The server a transcript runs against: PostgreSQL at `PGTEST_ADDR`, or pgserver started for each way to authenticate.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::client::Client;
use super::script::Auth;

pub struct Targets {
    postgres: Option<SocketAddr>,
    started: Mutex<HashMap<Auth, Server>>,
}

struct Server {
    addr: SocketAddr,
    process: Child,
    directory: PathBuf,
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
        let server = Server::start(auth)?;
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
            for (_, mut server) in started.drain() {
                let _ = server.process.kill();
                let _ = server.process.wait();
                let _ = std::fs::remove_dir_all(&server.directory);
            }
        }
    }
}

impl Server {
    fn start(auth: &Auth) -> Result<Server, String> {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).map_err(|e| e.to_string())?.port();
        let directory = std::env::temp_dir().join(format!("pgserver-transcripts-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&directory).map_err(|e| e.to_string())?;
        let log = std::fs::File::create(directory.join("log")).map_err(|e| e.to_string())?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_pgserver"));
        command.current_dir(&directory).env_clear().stdin(Stdio::null());
        command.stdout(log.try_clone().map_err(|e| e.to_string())?).stderr(log);
        command.env("PG_HOST", "127.0.0.1").env("PG_PORT", port.to_string()).env("DB_NAME", "postgres");
        command.env("PG_USER", &auth.user);
        if auth.method != "trust" {
            command.env("PG_PASSWORD", &auth.password).env("PG_AUTH", &auth.method);
        }
        let process = command.spawn().map_err(|e| format!("cannot start pgserver: {e}"))?;
        let addr = SocketAddr::from(([127, 0, 0, 1], port));
        let mut server = Server { addr, process, directory };
        match server.wait_until_ready() {
            Ok(()) => Ok(server),
            Err(why) => {
                let log = std::fs::read_to_string(server.directory.join("log")).unwrap_or_default();
                let _ = server.process.kill();
                Err(format!("{why}; its log:\n{log}"))
            }
        }
    }

    fn wait_until_ready(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            if let Ok(Some(status)) = self.process.try_wait() {
                return Err(format!("pgserver ended with {status}"));
            }
            if TcpStream::connect(self.addr).is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err("pgserver does not listen after 20 s".into())
    }
}
