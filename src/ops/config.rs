//! Configuration: environment over TOML file over defaults.
//!
//! Owns: [`Config`] and the one table of keys ([`KEYS`]): name, default, documentation and parser side by side.
//! `config.example.toml`, `.env.example` and `docs/configuration.md` are printed from it, and a test holds them to it.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::engine::remote::RemoteOptions;
use crate::net::auth::AuthMethod;
use crate::net::server::NetOptions;
use crate::net::tls::{TlsMode, TlsOptions};
use crate::ops::log::LogFormat;
use crate::session::start::SessionOptions;
use crate::sql::plan::BeginMode;
use crate::storage::blob::azure_options::AzureOptions;
use crate::storage::blob::s3_options::S3Options;

/// Everything an operator can decide, validated.
#[derive(Clone, Debug)]
pub struct Config {
    pub host: IpAddr,
    pub port: u16,
    pub user: String,
    pub password: Option<String>,
    /// How clients authenticate; `None`: trust without a password, SCRAM-SHA-256 with one.
    pub auth: Option<AuthMethod>,
    /// Whether passwords may go over a network as they are.
    pub allow_cleartext_password: bool,
    /// The database created at the first start.
    pub database: String,
    /// The directory of the database files or working copies, if one was named.
    pub directory: Option<PathBuf>,
    pub storage: Storage,
    /// The object store's, for [`Storage::Directory`].
    pub store_directory: PathBuf,
    pub sync: Sync,
    /// For [`Sync::Interval`].
    pub upload_interval: Duration,
    /// Its `interval` follows from `sync`.
    pub remote: RemoteOptions,
    pub pool_size: usize,
    /// Bytes of all sessions, and of one; 0: see [`Config::memory_limits`].
    pub memory_limit: usize,
    pub session_memory: usize,
    pub max_sqlite_connections: usize,
    pub core_dumps: bool,
    pub log_level: log::LevelFilter,
    pub log_format: LogFormat,
    /// Where monitoring asks, if it may.
    pub http_host: IpAddr,
    pub http_port: Option<u16>,
    pub net: NetOptions,
    pub tls: TlsOptions,
    pub session: SessionOptions,
    pub s3: S3Options,
    pub azure: AzureOptions,
}

/// Where databases live durably.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    Local,
    Directory,
    S3,
    Azure,
}

/// When a commit is acknowledged that an object store is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    Commit,
    Interval,
}

/// One key: its names, default, documentation, and how its text is read.
pub struct Key {
    /// The environment variable.
    pub env: &'static str,
    /// The key in the TOML file.
    pub toml: &'static str,
    /// As it would be written; empty: not set.
    pub default: &'static str,
    pub doc: &'static str,
    /// Stores the value, or says what is allowed.
    set: fn(&mut Config, &str) -> Result<(), String>,
}

/// Every key there is.
pub static KEYS: &[Key] = &[
    Key {
        env: "PG_HOST",
        toml: "host",
        default: "127.0.0.1",
        doc: "Address to listen on. Anything beyond loopback needs a password.",
        set: |c, v| parse(v, "an IP address").map(|host| c.host = host),
    },
    Key {
        env: "PG_PORT",
        toml: "port",
        default: "5432",
        doc: "TCP port; 0 lets the system choose.",
        set: |c, v| parse(v, "a port, 0 to 65535").map(|port| c.port = port),
    },
    Key {
        env: "PG_USER",
        toml: "user",
        default: "postgres",
        doc: "The bootstrap superuser (OID 10), whose password is the configuration's; it can always log in. Other roles are made by CREATE ROLE.",
        set: |c, v| non_empty(v).map(|user| c.user = user),
    },
    Key {
        env: "PG_PASSWORD",
        toml: "password",
        default: "",
        doc: "The user's password, plain or as PostgreSQL stores it (SCRAM-SHA-256$...). Not set: no password.",
        set: |c, v| {
            c.password = (!v.is_empty()).then(|| v.to_owned());
            Ok(())
        },
    },
    Key {
        env: "PG_AUTH",
        toml: "auth",
        default: "",
        doc: "trust, password, md5 or scram-sha-256. Not set: trust without a password, scram-sha-256 with one.",
        set: |c, v| {
            c.auth = match v {
                "" => None,
                "trust" => Some(AuthMethod::Trust),
                "password" => Some(AuthMethod::Password),
                "md5" => Some(AuthMethod::Md5),
                "scram-sha-256" => Some(AuthMethod::ScramSha256),
                _ => return Err("trust, password, md5 or scram-sha-256".to_owned()),
            };
            Ok(())
        },
    },
    Key {
        env: "ALLOW_CLEARTEXT_PASSWORD",
        toml: "allow_cleartext_password",
        default: "off",
        doc: "on: PG_AUTH = password may send passwords over a network without TLS = require.",
        set: |c, v| on_or_off(v).map(|on| c.allow_cleartext_password = on),
    },
    Key {
        env: "DB_NAME",
        toml: "database",
        default: "myapp",
        doc: "The database that is created at the first start.",
        set: |c, v| non_empty(v).map(|name| c.database = name),
    },
    Key {
        env: "DB_PATH",
        toml: "db_path",
        default: "",
        doc: "The directory of the database files; created if it is not there. Not set: ./data, and for working copies of databases in an object store a directory of its own in the system's temporary one.",
        set: |c, v| set_path(&mut c.directory, v),
    },
    Key {
        env: "STORAGE",
        toml: "storage",
        default: "local",
        doc: "Where databases live durably: local (DB_PATH), s3, azure, or directory (an object store in STORE_DIRECTORY that several servers share).",
        set: |c, v| {
            c.storage = match v {
                "local" => Storage::Local,
                "directory" => Storage::Directory,
                "s3" => Storage::S3,
                "azure" => Storage::Azure,
                _ => return Err("local, s3, azure or directory".to_owned()),
            };
            Ok(())
        },
    },
    Key {
        env: "STORE_DIRECTORY",
        toml: "store_directory",
        default: "./store",
        doc: "The object store's directory, for STORAGE = directory.",
        set: |c, v| non_empty(v).map(|path| c.store_directory = path.into()),
    },
    Key {
        env: "SYNC",
        toml: "sync",
        default: "commit",
        doc: "When a commit is acknowledged by a server whose databases are in an object store: commit (once the store has it) or interval (at once; the store has it after CACHE_TTL_MINUTES, and a crash loses what it has not).",
        set: |c, v| {
            c.sync = match v {
                "commit" => Sync::Commit,
                "interval" => Sync::Interval,
                _ => return Err("commit or interval".to_owned()),
            };
            Ok(())
        },
    },
    Key {
        env: "CACHE_TTL_MINUTES",
        toml: "cache_ttl_minutes",
        default: "5",
        doc: "How long commits may wait to be uploaded, for SYNC = interval.",
        set: |c, v| whole(v, 1..=1440).map(|n| c.upload_interval = Duration::from_secs(n * 60)),
    },
    Key {
        env: "COMMIT_TIMEOUT_SECONDS",
        toml: "commit_timeout_seconds",
        default: "30",
        doc: "How long a commit waits for an object store that does not answer; then it fails with 08007, outcome unknown.",
        set: |c, v| seconds(v, 1..=3600).map(|d| c.remote.commit_timeout = d),
    },
    Key {
        env: "POLL_INTERVAL_MS",
        toml: "poll_interval_ms",
        default: "1000",
        doc: "How often a server looks in the object store for what others have committed, in milliseconds.",
        set: |c, v| whole(v, 10..=86_400_000).map(|n| c.remote.poll = Duration::from_millis(n)),
    },
    Key {
        env: "RETENTION_HOURS",
        toml: "retention_hours",
        default: "168",
        doc: "How long every state of a database in an object store can be restored, counted from when a later one took its place; 0 keeps the latest one only.",
        set: |c, v| whole(v, 0..=876_000).map(|n| c.remote.retention = Duration::from_secs(n * 3_600)),
    },
    Key {
        env: "STANDBY",
        toml: "standby",
        default: "off",
        doc: "on: databases in an object store are read-only here and follow what other servers commit.",
        set: |c, v| on_or_off(v).map(|on| c.remote.standby = on),
    },
    Key {
        env: "S3_BUCKET",
        toml: "s3_bucket",
        default: "",
        doc: "The bucket, for STORAGE = s3.",
        set: |c, v| c.s3.set_bucket(v),
    },
    Key {
        env: "S3_REGION",
        toml: "s3_region",
        default: "",
        doc: "The bucket's region. Not set: AWS_REGION or AWS_DEFAULT_REGION, else us-east-1; a bucket at AWS says where it is.",
        set: |c, v| c.s3.set_region(v),
    },
    Key {
        env: "S3_PREFIX",
        toml: "s3_prefix",
        default: "",
        doc: "What the names of all objects begin with, such as production/.",
        set: |c, v| c.s3.set_prefix(v),
    },
    Key {
        env: "S3_ENDPOINT",
        toml: "s3_endpoint",
        default: "",
        doc: "The URL of a store other than AWS that speaks S3, such as http://127.0.0.1:9000.",
        set: |c, v| c.s3.set_endpoint(v),
    },
    Key {
        env: "S3_PATH_STYLE",
        toml: "s3_path_style",
        default: "",
        doc: "true: the bucket is in the path; false: in the host's name. Not set: in the path with S3_ENDPOINT or a name with dots.",
        set: |c, v| c.s3.set_path_style(v),
    },
    Key {
        env: "S3_ACCESS_KEY_ID",
        toml: "s3_access_key_id",
        default: "",
        doc: "Not set: found as AWS's tools do: AWS_ACCESS_KEY_ID and its like, shared profile, web identity, container, instance.",
        set: |c, v| c.s3.set_access_key_id(v),
    },
    Key {
        env: "S3_SECRET_ACCESS_KEY",
        toml: "s3_secret_access_key",
        default: "",
        doc: "The secret of S3_ACCESS_KEY_ID.",
        set: |c, v| c.s3.set_secret_access_key(v),
    },
    Key {
        env: "S3_SESSION_TOKEN",
        toml: "s3_session_token",
        default: "",
        doc: "The token of temporary credentials.",
        set: |c, v| c.s3.set_session_token(v),
    },
    Key {
        env: "AZURE_STORAGE_ACCOUNT",
        toml: "azure_storage_account",
        default: "",
        doc: "The storage account, for STORAGE = azure.",
        set: |c, v| c.azure.set_account(v),
    },
    Key {
        env: "AZURE_STORAGE_CONTAINER",
        toml: "azure_storage_container",
        default: "",
        doc: "The container in it, which must exist.",
        set: |c, v| c.azure.set_container(v),
    },
    Key {
        env: "AZURE_STORAGE_PREFIX",
        toml: "azure_storage_prefix",
        default: "",
        doc: "What the name of every object begins with; databases/ makes it look like a folder.",
        set: |c, v| c.azure.set_prefix(v),
    },
    Key {
        env: "AZURE_STORAGE_KEY",
        toml: "azure_storage_key",
        default: "",
        doc: "The account's key. Not set: a managed identity of this machine, App Service or Kubernetes workload.",
        set: |c, v| c.azure.set_key(v),
    },
    Key {
        env: "AZURE_STORAGE_ENDPOINT",
        toml: "azure_storage_endpoint",
        default: "",
        doc: "The Blob service's URL. Not set: https://{account}.blob.core.windows.net; Azurite's is http://127.0.0.1:10000/{account}.",
        set: |c, v| c.azure.set_endpoint(v),
    },
    Key {
        env: "AZURE_IDENTITY_CLIENT_ID",
        toml: "azure_identity_client_id",
        default: "",
        doc: "Which managed identity to use, where there are several.",
        set: |c, v| c.azure.set_identity(v),
    },
    Key {
        env: "CONNECTION_POOL_SIZE",
        toml: "connection_pool_size",
        default: "10",
        doc: "SQLite connections per database, shared by all its sessions.",
        set: |c, v| whole(v, 1..=1000).map(|n| c.pool_size = n as usize),
    },
    Key {
        env: "MAX_SQLITE_CONNECTIONS",
        toml: "max_sqlite_connections",
        default: "500",
        doc: "SQLite connections of all databases, with those that idle snapshots, open cursors and slow readers keep; each takes up to 3 MB and 3 open files. Beyond them, 53300.",
        set: |c, v| whole(v, 10..=100_000).map(|n| c.max_sqlite_connections = n as usize),
    },
    Key {
        env: "MAX_CONNECTIONS",
        toml: "max_connections",
        default: "10000",
        doc: "Client sessions at a time.",
        set: |c, v| whole(v, 1..=262_143).map(|n| c.net.max_connections = n as usize),
    },
    Key {
        env: "MAX_UNAUTHENTICATED_CONNECTIONS",
        toml: "max_unauthenticated_connections",
        default: "1000",
        doc: "Connections at a time that have not logged in yet; beyond them, the oldest one makes room (53300).",
        set: |c, v| whole(v, 2..=65_536).map(|n| c.net.max_waiting = n as usize),
    },
    Key {
        env: "MAX_UNAUTHENTICATED_PER_ADDRESS",
        toml: "max_unauthenticated_per_address",
        default: "200",
        doc: "The same for the connections from one address, or one IPv6 network of 64 bits.",
        set: |c, v| whole(v, 1..=65_536).map(|n| c.net.max_waiting_of_address = n as usize),
    },
    Key {
        env: "MAX_MESSAGE_MB",
        toml: "max_message_mb",
        default: "256",
        doc: "The longest protocol message accepted, in megabytes.",
        set: |c, v| whole(v, 1..=1024).map(|n| c.net.max_message = n as usize * 1024 * 1024),
    },
    Key {
        env: "MEMORY_LIMIT_MB",
        toml: "memory_limit_mb",
        default: "0",
        doc: "The memory of all sessions together, in megabytes; what would pass it fails with 53200. 0: three quarters of the machine's or the container's memory, at most a quarter of the address space the process may have.",
        set: |c, v| whole(v, 0..=1 << 30).map(|n| c.memory_limit = n as usize * 1024 * 1024),
    },
    Key {
        env: "SESSION_MEMORY_MB",
        toml: "session_memory_mb",
        default: "0",
        doc: "The memory of one session, in megabytes; what would pass it fails with 53200. 0: half of MEMORY_LIMIT_MB.",
        set: |c, v| whole(v, 0..=1 << 30).map(|n| c.session_memory = n as usize * 1024 * 1024),
    },
    Key {
        env: "AUTH_TIMEOUT_SECONDS",
        toml: "auth_timeout_seconds",
        default: "60",
        doc: "How long a client may take to start up and authenticate.",
        set: |c, v| seconds(v, 1..=600).map(|d| c.net.authentication_timeout = d),
    },
    Key {
        env: "SHUTDOWN_GRACE_SECONDS",
        toml: "shutdown_grace_seconds",
        default: "10",
        doc: "How long running statements may go on after SIGTERM, and how long the plain files in an object store are waited for then.",
        set: |c, v| seconds(v, 0..=86_400).map(|d| c.net.shutdown_grace = d),
    },
    Key {
        env: "IDLE_WRITER_TIMEOUT_SECONDS",
        toml: "idle_writer_timeout_seconds",
        default: "30",
        doc: "How long a client may idle in a transaction that has written and cannot be parked, unless idle_in_transaction_session_timeout says otherwise.",
        set: |c, v| seconds(v, 1..=86_400).map(|d| c.session.idle_writer_timeout = d),
    },
    Key {
        env: "CLIENT_WRITE_TIMEOUT_SECONDS",
        toml: "client_write_timeout_seconds",
        default: "600",
        doc: "A client that takes nothing of its results for so long is ended; 0: never.",
        set: |c, v| seconds(v, 0..=86_400).map(|d| c.session.client_write_timeout = (!d.is_zero()).then_some(d)),
    },
    Key {
        env: "BEGIN_MODE",
        toml: "begin_mode",
        default: "deferred",
        doc: "What a plain BEGIN is: deferred (waits for nobody until it writes), immediate or exclusive (takes the write lock at once).",
        set: |c, v| {
            c.session.begin = match v {
                "deferred" => BeginMode::Deferred,
                "immediate" => BeginMode::Immediate,
                "exclusive" => BeginMode::Exclusive,
                _ => return Err("deferred, immediate or exclusive".to_owned()),
            };
            Ok(())
        },
    },
    Key {
        env: "TLS",
        toml: "tls",
        default: "off",
        doc: "off, prefer (clients may encrypt) or require.",
        set: |c, v| {
            c.net.tls_mode = match v {
                "off" => TlsMode::Off,
                "prefer" => TlsMode::Prefer,
                "require" => TlsMode::Require,
                _ => return Err("off, prefer or require".to_owned()),
            };
            c.tls.mode = c.net.tls_mode;
            Ok(())
        },
    },
    Key {
        env: "TLS_CERT_FILE",
        toml: "tls_cert_file",
        default: "",
        doc: "PEM file with the server's certificate and its chain.",
        set: |c, v| set_path(&mut c.tls.certificate, v),
    },
    Key {
        env: "TLS_KEY_FILE",
        toml: "tls_key_file",
        default: "",
        doc: "PEM file with the private key.",
        set: |c, v| set_path(&mut c.tls.key, v),
    },
    Key {
        env: "TLS_CLIENT_CA_FILE",
        toml: "tls_client_ca_file",
        default: "",
        doc: "PEM file with the authorities whose certificates clients must show. Not set: clients need none.",
        set: |c, v| set_path(&mut c.tls.client_ca, v),
    },
    Key {
        env: "TLS_CLIENT_CERT",
        toml: "tls_client_cert",
        default: "verify-ca",
        doc: "With TLS_CLIENT_CA_FILE: verify-ca (clients need a certificate of these authorities) or verify-full (its common name is the user's as well).",
        set: |c, v| {
            c.tls.verify_user = match v {
                "verify-ca" => false,
                "verify-full" => true,
                _ => return Err("verify-ca or verify-full".to_owned()),
            };
            Ok(())
        },
    },
    Key {
        env: "SERVER_VERSION",
        toml: "server_version",
        default: "13.0",
        doc: "What the server calls itself. pg_dump refuses servers newer than itself.",
        set: |c, v| match v.split('.').next().and_then(|major| major.parse::<u32>().ok()) {
            Some(_) => {
                c.session.server_version = v.to_owned();
                Ok(())
            }
            None => Err("a version such as 13.0".to_owned()),
        },
    },
    Key {
        env: "SLOW_QUERY_MS",
        toml: "slow_query_ms",
        default: "100",
        doc: "Statements that take longer are logged, in milliseconds.",
        set: |c, v| whole(v, 0..=86_400_000).map(|n| c.session.slow_query = Duration::from_millis(n)),
    },
    Key {
        env: "HTTP_PORT",
        toml: "http_port",
        default: "",
        doc: "TCP port of the HTTP endpoint with /metrics, /healthz and /readyz; 0 lets the system choose. Not set: there is none.",
        set: |c, v| {
            c.http_port = if v.is_empty() { None } else { Some(parse(v, "a port, 0 to 65535, or empty for none")?) };
            Ok(())
        },
    },
    Key {
        env: "HTTP_HOST",
        toml: "http_host",
        default: "127.0.0.1",
        doc: "Address the HTTP endpoint listens on. It asks for no password: whoever reaches it sees the figures and the databases' names.",
        set: |c, v| parse(v, "an IP address").map(|host| c.http_host = host),
    },
    Key {
        env: "CORE_DUMPS",
        toml: "core_dumps",
        default: "off",
        doc: "on: the system may write the process's memory, passwords and data included, to a file when it crashes.",
        set: |c, v| on_or_off(v).map(|on| c.core_dumps = on),
    },
    Key {
        env: "LOG_LEVEL",
        toml: "log_level",
        default: "info",
        doc: "error, warn, info, debug or trace.",
        set: |c, v| parse(v, "error, warn, info, debug or trace").map(|level| c.log_level = level),
    },
    Key {
        env: "LOG_FORMAT",
        toml: "log_format",
        default: "text",
        doc: "text or json.",
        set: |c, v| {
            c.log_format = match v {
                "text" => LogFormat::Text,
                "json" => LogFormat::Json,
                _ => return Err("text or json".to_owned()),
            };
            Ok(())
        },
    },
];

fn parse<T: std::str::FromStr>(text: &str, allowed: &str) -> Result<T, String> {
    text.parse().map_err(|_| allowed.to_owned())
}

fn whole(text: &str, allowed: RangeInclusive<u64>) -> Result<u64, String> {
    let (least, most) = (allowed.start(), allowed.end());
    let value = text.parse().ok().filter(|n| allowed.contains(n));
    value.ok_or_else(|| format!("a whole number from {least} to {most}"))
}

fn on_or_off(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("on or off".to_owned()),
    }
}

fn seconds(text: &str, allowed: RangeInclusive<u64>) -> Result<Duration, String> {
    whole(text, allowed).map(Duration::from_secs)
}

fn non_empty(text: &str) -> Result<String, String> {
    if text.is_empty() { Err("anything but nothing".to_owned()) } else { Ok(text.to_owned()) }
}

fn set_path(slot: &mut Option<PathBuf>, text: &str) -> Result<(), String> {
    *slot = (!text.is_empty()).then(|| text.into());
    Ok(())
}

impl Default for Config {
    fn default() -> Self {
        let mut config = Config {
            host: IpAddr::from([127, 0, 0, 1]),
            port: 0,
            user: String::new(),
            password: None,
            auth: None,
            allow_cleartext_password: false,
            database: String::new(),
            directory: None,
            storage: Storage::Local,
            store_directory: PathBuf::new(),
            sync: Sync::Commit,
            upload_interval: Duration::ZERO,
            remote: RemoteOptions::default(),
            pool_size: 0,
            memory_limit: 0,
            session_memory: 0,
            max_sqlite_connections: 0,
            core_dumps: false,
            log_level: log::LevelFilter::Info,
            log_format: LogFormat::Text,
            http_host: IpAddr::from([127, 0, 0, 1]),
            http_port: None,
            net: NetOptions {
                max_connections: 0,
                max_waiting: 0,
                max_waiting_of_address: 0,
                max_message: 0,
                authentication_timeout: Duration::ZERO,
                shutdown_grace: Duration::ZERO,
                tls_mode: TlsMode::Off,
            },
            tls: TlsOptions::default(),
            session: SessionOptions::default(),
            s3: S3Options::default(),
            azure: AzureOptions::default(),
        };
        // The table is the only place that knows the defaults; a test checks that each of them is valid.
        for key in KEYS {
            _ = (key.set)(&mut config, key.default);
        }
        config
    }
}

impl Config {
    /// Reads the file if there is one (`named`: it must be there), then the environment, and validates the whole.
    pub fn load(file: Option<&Path>, environment: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let mut config = Config::default();
        let default_file = Path::new("config.toml");
        match file {
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
                config.apply_toml(&text, path)?;
            }
            None => {
                if let Ok(text) = std::fs::read_to_string(default_file) {
                    config.apply_toml(&text, default_file)?;
                }
            }
        }
        for key in KEYS {
            if let Some(value) = environment(key.env) {
                (key.set)(&mut config, &value).map_err(|allowed| bad_value(key.env, key, &value, &allowed))?;
            }
        }
        config.validate()?;
        Ok(config)
    }

    fn apply_toml(&mut self, text: &str, path: &Path) -> Result<(), String> {
        let table: toml::Table = text.parse().map_err(|e| format!("{}: {e}", path.display()))?;
        for (name, value) in &table {
            let Some(key) = KEYS.iter().find(|k| k.toml == name) else {
                let known: Vec<&str> = KEYS.iter().map(|k| k.toml).collect();
                return Err(format!("{}: unknown key {name}; known are {}", path.display(), known.join(", ")));
            };
            let text = match value {
                toml::Value::String(text) => text.clone(),
                toml::Value::Integer(number) => number.to_string(),
                other => return Err(bad_value(name, key, other.type_str(), "a string or a whole number")),
            };
            (key.set)(self, &text).map_err(|allowed| bad_value(name, key, &text, &allowed))?;
        }
        Ok(())
    }

    fn validate(&self) -> Result<(), String> {
        if !self.host.is_loopback() && (self.password.is_none() || self.auth == Some(AuthMethod::Trust)) {
            return Err(format!(
                "PG_HOST = {} listens beyond this machine, which needs a password: set PG_PASSWORD (and not PG_AUTH = trust), or listen on 127.0.0.1",
                self.host
            ));
        }
        let in_clear = self.auth == Some(AuthMethod::Password) && self.net.tls_mode != TlsMode::Require;
        if in_clear && !self.host.is_loopback() && !self.allow_cleartext_password {
            return Err(format!(
                "PG_AUTH = password sends passwords as they are to PG_HOST = {}, which is beyond this machine: set TLS = require or PG_AUTH = scram-sha-256, or ALLOW_CLEARTEXT_PASSWORD = on if nobody else reads that network",
                self.host
            ));
        }
        if self.tls.verify_user && self.tls.client_ca.is_none() {
            return Err("TLS_CLIENT_CERT = verify-full needs TLS_CLIENT_CA_FILE".to_owned());
        }
        if self.net.tls_mode != TlsMode::Off && (self.tls.certificate.is_none() || self.tls.key.is_none()) {
            return Err("TLS needs TLS_CERT_FILE and TLS_KEY_FILE".to_owned());
        }
        // Whoever names a certificate expects encryption, and whoever names an authority that clients are checked.
        let files = [&self.tls.certificate, &self.tls.key, &self.tls.client_ca];
        if self.net.tls_mode == TlsMode::Off && files.iter().any(|file| file.is_some()) {
            return Err("TLS_CERT_FILE, TLS_KEY_FILE and TLS_CLIENT_CA_FILE need TLS = prefer or require".to_owned());
        }
        match self.storage {
            Storage::S3 => self.s3.check()?,
            Storage::Azure => self.azure.check()?,
            Storage::Local | Storage::Directory => {}
        }
        if self.auth.is_some_and(|a| a != AuthMethod::Trust) && self.password.is_none() {
            return Err("PG_AUTH needs PG_PASSWORD".to_owned());
        }
        Ok(())
    }

    /// The bytes one session and all together may have; `available` is for all if nothing else is said.
    pub fn memory_limits(&self, available: u64) -> (usize, usize) {
        let given = |limit: usize, otherwise: usize| if limit == 0 { otherwise } else { limit };
        let process = given(self.memory_limit, usize::try_from(available).unwrap_or(usize::MAX));
        (given(self.session_memory, process / 2).min(process), process)
    }

    /// The method clients authenticate by.
    pub fn auth_method(&self) -> AuthMethod {
        match (self.auth, &self.password) {
            (Some(method), _) => method,
            (None, Some(_)) => AuthMethod::ScramSha256,
            (None, None) => AuthMethod::Trust,
        }
    }

    /// Where to listen.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }
}

/// Values that are not repeated.
const SECRETS: &[&str] = &["password", "s3_secret_access_key", "s3_session_token", "azure_storage_key"];

fn bad_value(name: &str, key: &Key, value: &str, allowed: &str) -> String {
    let shown = if SECRETS.contains(&key.toml) { "…" } else { value };
    format!("{name} = \"{shown}\" is not valid; allowed: {allowed}")
}

/// config.example.toml
pub fn example_toml() -> String {
    let mut text = String::from("# Every key of pgserver with its default. The environment wins over this file.\n");
    for key in KEYS {
        let bare = key.default.parse::<i64>().is_ok();
        let value = if bare { key.default.to_owned() } else { format!("\"{}\"", key.default) };
        text.push_str(&format!("\n# {} ({})\n# {} = {value}\n", key.doc, key.env, key.toml));
    }
    text
}

/// .env.example
pub fn example_env() -> String {
    let mut text = String::from("# Every environment variable of pgserver with its default.\n");
    for key in KEYS {
        text.push_str(&format!("\n# {}\n# {}={}\n", key.doc, key.env, key.default));
    }
    text
}

/// docs/configuration.md
pub fn reference() -> String {
    let mut text = String::from(
        "# Configuration\n\n\
        Keys are read from the file given by `--config` (`./config.toml` if it is there), then from the environment, which wins.\n\
        A key in the file or a value that is not known stops the start with a message that says what is allowed; other variables of\n\
        the environment belong to other programs, so check their spelling here.\n\n\
        | environment | in the file | default | |\n|---|---|---|---|\n",
    );
    for key in KEYS {
        let default = if key.default.is_empty() { String::new() } else { format!("`{}`", key.default) };
        text.push_str(&format!("| `{}` | `{}` | {default} | {} |\n", key.env, key.toml, key.doc.replace('|', "\\|")));
    }
    text
}

#[cfg(test)]
mod tests;
