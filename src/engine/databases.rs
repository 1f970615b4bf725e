//! The databases of a server: a directory with one SQLite file each, or an object store with a chain each.
//!
//! Owns: [`Databases`], how a database's name becomes a file's. Must not know: sessions, messages.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockWriteGuard};
use std::time::Duration;

use tokio::time::Instant;

use crate::catalog::cluster::ALWAYS;
use crate::catalog::roles::Roles;
use crate::engine::allocator;
use crate::engine::backends::Backends;
use crate::engine::connection;
use crate::engine::database::{Database, wal_path};
use crate::engine::interrupt::InterruptHandle;
use crate::engine::progress::blocking;
use crate::engine::remote::RemoteOptions;
use crate::engine::remote::home::{StoreHome, WorkingCopies};
use crate::engine::remote::version::not_in_a_store;
use crate::engine::row_store;
use crate::error::{Error, Result, SqlState};
use crate::metrics::Metrics;
use crate::storage::blob::BlobStore;
use crate::storage::blob::metered::Metered;
use crate::storage::local::{self, DirectoryLock};
use crate::storage::log::restore::Target;

/// All databases of a server, by name; opens them when they are first asked for.
pub struct Databases {
    pub(super) home: Home,
    pub(super) pool_size: usize,
    open: RwLock<HashMap<String, Arc<Database>>>,
    pub(super) metrics: Arc<Metrics>,
    /// What the bootstrap superuser is called, if not postgres.
    superuser: OnceLock<Arc<str>>,
    /// Opening, creating and dropping happen one after the other.
    changing: tokio::sync::Mutex<()>,
    /// Nobody else uses the directory.
    _lock: Option<DirectoryLock>,
}

/// Where databases live durably.
pub(super) enum Home {
    Directory(PathBuf),
    Store(Box<StoreHome>),
}

/// What is known of the databases there are, for `pg_database`.
#[derive(Clone)]
pub(crate) enum DatabaseNames {
    /// The files of a directory.
    In(PathBuf),
    /// What an object store was found to have.
    Known(Arc<RwLock<BTreeSet<String>>>),
}

impl DatabaseNames {
    /// Sorted.
    pub(crate) fn list(&self) -> Vec<String> {
        match self {
            DatabaseNames::In(directory) => database_names(directory),
            DatabaseNames::Known(names) => {
                names.read().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
            }
        }
    }
}

/// How long sessions that use a database which is to be dropped may take to leave, as in PostgreSQL.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// PostgreSQL's NAMEDATALEN - 1.
const MAX_NAME: usize = 63;

/// How the name of a database's file ends.
pub(crate) const SUFFIX: &str = ".sqlite";

impl Databases {
    /// The databases in that directory, which is made if it is not there. `pool_size` is CONNECTION_POOL_SIZE, for
    /// each database. Fails if another server uses the directory.
    pub fn new(directory: impl Into<PathBuf>, pool_size: usize) -> Result<Self> {
        let directory = directory.into();
        let lock = lock_directory(&directory)?;
        Ok(Self::at(Home::Directory(directory), pool_size, Some(lock), Arc::default()))
    }

    /// The databases in an object store, with working copies in a directory, which is made if it is not there. Fails if
    /// the store cannot be used.
    pub async fn in_store(
        store: Arc<dyn BlobStore>,
        copies: WorkingCopies,
        pool_size: usize,
        options: RemoteOptions,
    ) -> Result<Self> {
        let lock = if copies.shared {
            prepare_directory(&copies.directory)?;
            None
        } else {
            Some(lock_directory(&copies.directory)?)
        };
        let metrics = Arc::default();
        let store = Arc::new(Metered::new(store, Arc::clone(&metrics)));
        let home = StoreHome::new(store, copies, options, Arc::clone(&metrics))?;
        home.look_around().await?;
        Ok(Self::at(Home::Store(Box::new(home)), pool_size, lock, metrics))
    }

    fn at(home: Home, pool_size: usize, lock: Option<DirectoryLock>, metrics: Arc<Metrics>) -> Self {
        let (open, changing) = (RwLock::default(), tokio::sync::Mutex::default());
        Databases { home, pool_size, open, metrics, superuser: OnceLock::new(), changing, _lock: lock }
    }

    /// Says what the bootstrap superuser is called; the first word counts.
    pub fn call_superuser(&self, name: &str) {
        let _ = self.superuser.set(name.into());
    }

    /// The roles of the server, once [`cluster`](Self::cluster) was called.
    pub fn roles(&self) -> Roles {
        Roles::new(self.known_cluster(), self.superuser.get_or_init(|| "postgres".into()).clone())
    }

    /// What is counted while the server runs.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Asks the object store for something, if databases are in one; an error says what is wrong with it.
    pub async fn reach_store(&self, name: &str) -> Result<()> {
        match &self.home {
            Home::Directory(_) => Ok(()),
            Home::Store(home) => home.reach(name).await,
        }
    }

    /// The databases that are open, by name.
    pub fn all_open(&self) -> Vec<Arc<Database>> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = open.values().cloned().collect();
        all.sort_unstable_by(|a, b| a.name().cmp(b.name()));
        all
    }

    /// The database of that name; 3D000 if it does not exist.
    pub async fn open(&self, name: &str) -> Result<Arc<Database>> {
        if let Some(database) = self.opened(name) {
            return Ok(database);
        }
        if let Some(version) = version_of(name)
            && !self.names().iter().any(|known| known == name)
        {
            return self.open_version(name, version).await;
        }
        let _changing = self.changing.lock().await;
        if let Some(database) = self.opened(name) {
            return Ok(database);
        }
        let database = match &self.home {
            Home::Directory(directory) => {
                let path = existing(directory, name)?;
                blocking(|| Database::open(name, &path, self.pool_size, false, &self.metrics))?
            }
            Home::Store(home) => {
                check_name(name).map_err(|_| does_not_exist(name))?;
                home.open(name, self.pool_size).await?
            }
        };
        self.open_databases().insert(name.to_owned(), Arc::clone(&database));
        Ok(database)
    }

    /// An earlier state of a database, read-only; it is open for as long as somebody has it.
    async fn open_version(&self, name: &str, version: (&str, Target)) -> Result<Arc<Database>> {
        match &self.home {
            Home::Directory(directory) => {
                existing(directory, version.0).map_err(|_| does_not_exist(name))?;
                Err(not_in_a_store(name))
            }
            Home::Store(home) => {
                check_name(version.0).map_err(|_| does_not_exist(name))?;
                home.open_version(name, version, self.pool_size).await
            }
        }
    }

    /// CREATE DATABASE; 42P04 if it exists.
    pub async fn create(&self, name: &str) -> Result<()> {
        let _changing = self.changing.lock().await;
        check_new_name(name)?;
        let database = match &self.home {
            Home::Directory(directory) => {
                let path = directory.join(file_name(name));
                if path.exists() {
                    return Err(already_exists(name));
                }
                blocking(|| Database::open(name, &path, self.pool_size, true, &self.metrics))?
            }
            Home::Store(_) if self.opened(name).is_some() => return Err(already_exists(name)),
            Home::Store(home) => home.create(name, self.pool_size).await?,
        };
        log::info!("created database \"{name}\"");
        self.open_databases().insert(name.to_owned(), database);
        Ok(())
    }

    /// A database that a client has asked for: 55000 if it takes no connections. Those that every server has come to be
    /// when they are first used.
    pub async fn connect(&self, name: &str) -> Result<Arc<Database>> {
        if !self.cluster().await?.database(name).allow_connections {
            let message = format!("database \"{name}\" is not currently accepting connections");
            return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
        }
        match self.open(name).await {
            Err(missing) if missing.code() == SqlState::INVALID_CATALOG_NAME && ALWAYS.contains(&name) => {
                match &self.home {
                    Home::Store(home) if home.is_standby() => home.stand_in(name, self.pool_size),
                    _ => self.open_always(name).await,
                }
            }
            outcome => outcome,
        }
    }

    /// One of the databases that every server has, made if it is not there.
    pub(super) async fn open_always(&self, name: &str) -> Result<Arc<Database>> {
        match self.create(name).await {
            Err(error) if error.code() != SqlState::DUPLICATE_DATABASE => Err(error),
            _ => self.open(name).await,
        }
    }

    /// DROP DATABASE; 3D000 if it does not exist, 55006 if sessions go on using it. They are waited for, and with `force`
    /// ended.
    pub async fn drop_database(&self, name: &str, force: Option<&Backends>, interrupt: &InterruptHandle) -> Result<()> {
        if let Home::Directory(directory) = &self.home {
            existing(directory, name)?;
        }
        if let Some(backends) = force {
            backends.terminate_in(name);
        }
        let _changing = self.unused(name, interrupt).await?.map_err(|users| in_use("database", name, users))?;
        match &self.home {
            Home::Directory(directory) => {
                let path = existing(directory, name)?;
                blocking(|| remove_files(&path)).map_err(|error| io_failed("remove", &path, &error))?;
            }
            Home::Store(home) => home.remove(name).await?,
        }
        log::info!("dropped database \"{name}\"");
        Ok(())
    }

    /// Closes a database which nobody uses, so that its files can be changed while the guard lives; gives the number of
    /// sessions that use it if they do not leave.
    pub(super) async fn unused(
        &self,
        name: &str,
        interrupt: &InterruptHandle,
    ) -> Result<std::result::Result<tokio::sync::MutexGuard<'_, ()>, usize>> {
        let (changing, taken) = self.once(interrupt, || self.take_unused(name)).await?;
        match taken {
            Ok(Some(database)) => {
                // Ends its threads before the files go.
                let patience = database.watermark().patience().unwrap_or_default();
                database.close(Instant::now() + patience).await;
                Ok(Ok(changing))
            }
            Ok(None) => Ok(Ok(changing)),
            Err(users) => Ok(Err(users)),
        }
    }

    /// What `attempt` gives, while nothing else is opened, made or dropped. Sessions that are in its way may be on their way
    /// out: it is repeated for some seconds, as PostgreSQL does.
    pub(super) async fn once<T>(
        &self,
        interrupt: &InterruptHandle,
        attempt: impl Fn() -> std::result::Result<T, usize>,
    ) -> Result<(tokio::sync::MutexGuard<'_, ()>, std::result::Result<T, usize>)> {
        let until = Instant::now() + PATIENCE;
        loop {
            let changing = self.changing.lock().await;
            let outcome = attempt();
            if outcome.is_ok() || Instant::now() >= until {
                return Ok((changing, outcome));
            }
            drop(changing);
            tokio::select! {
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                error = interrupt.interrupted() => return Err(error),
            }
        }
    }

    /// How many sessions use a database.
    pub(super) fn users(&self, name: &str) -> usize {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.get(name).map_or(0, |database| Arc::strong_count(database) - 1)
    }

    /// Takes a database out of those that are open, unless somebody uses it: then their number.
    fn take_unused(&self, name: &str) -> std::result::Result<Option<Arc<Database>>, usize> {
        let mut open = self.open_databases();
        match open.get(name).map_or(0, |database| Arc::strong_count(database) - 1) {
            0 => Ok(open.remove(name)),
            users => Err(users),
        }
    }

    /// Whether there is a database of that name, as far as this server knows.
    pub fn exists(&self, name: &str) -> bool {
        ALWAYS.contains(&name) || self.is_made(name)
    }

    /// Whether it is there: one of those that every server has need not be.
    pub(super) fn is_made(&self, name: &str) -> bool {
        match &self.home {
            Home::Directory(directory) => existing(directory, name).is_ok(),
            Home::Store(home) => home.knows(name),
        }
    }

    /// The names of all databases, sorted.
    pub fn names(&self) -> Vec<String> {
        match &self.home {
            Home::Directory(directory) => database_names(directory),
            Home::Store(home) => home.names().list(),
        }
    }

    /// For a clean stop: moves every log into its database file, or waits until the object store has everything. No
    /// session is left. The plain files in the store are waited for until `publish_until`. False if the store does not
    /// have every commit.
    pub async fn close(&self, publish_until: Instant) -> bool {
        let _changing = self.changing.lock().await;
        let open = std::mem::take(&mut *self.open_databases());
        let mut all = true;
        // One that is slow takes no time from the others.
        open.values().for_each(|database| database.begin_close());
        for (name, database) in open {
            let complete = database.close(publish_until).await;
            all &= complete;
            if let Home::Store(home) = &self.home
                && complete
                && home.discards_copies()
            {
                drop(database);
                home.discard(&name);
            }
        }
        all
    }

    /// The database of that name, if it is open.
    pub(crate) fn opened(&self, name: &str) -> Option<Arc<Database>> {
        self.open.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Counts a database among those that are open.
    pub(super) fn put_open(&self, name: &str, database: Arc<Database>) {
        self.open_databases().insert(name.to_owned(), database);
    }

    fn open_databases(&self) -> RwLockWriteGuard<'_, HashMap<String, Arc<Database>>> {
        self.open.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// These databases and those that every server has, sorted, each once.
pub(crate) fn with_always(mut names: Vec<String>) -> Vec<String> {
    names.extend(ALWAYS.iter().map(|name| (*name).to_owned()));
    names.sort_unstable();
    names.dedup();
    names
}

fn prepare_directory(directory: &Path) -> Result<()> {
    fs::create_dir_all(directory).map_err(|error| io_failed("use data directory", directory, &error))?;
    allocator::install();
    connection::set_temporary_directory(directory);
    row_store::set_directory(directory.to_owned());
    Ok(())
}

fn lock_directory(directory: &Path) -> Result<DirectoryLock> {
    prepare_directory(directory)?;
    let lock = DirectoryLock::acquire(directory).map_err(|error| io_failed("use data directory", directory, &error))?;
    lock.ok_or_else(|| {
        Error::fatal(
            SqlState::OBJECT_IN_USE,
            format!("data directory \"{}\" is used by another server", directory.display()),
        )
    })
}

fn check_name(name: &str) -> Result<()> {
    if name.is_empty() || name.contains('\0') {
        return Err(Error::new(SqlState::INVALID_NAME, format!("invalid database name \"{name}\"")));
    }
    if name.len() > MAX_NAME {
        return Err(Error::new(SqlState::NAME_TOO_LONG, "database name is too long"));
    }
    Ok(())
}

/// What a new database can be called: not what a version of another one is called.
pub fn check_new_name(name: &str) -> Result<()> {
    check_name(name)?;
    match version_of(name) {
        Some((database, _)) => {
            let message = format!("database name \"{name}\" stands for a version of database \"{database}\"");
            Err(Error::new(SqlState::INVALID_NAME, message))
        }
        None => Ok(()),
    }
}

/// The database and the state that a name such as `app@2026-11-23T10:00:00Z` or `app@17` stands for.
pub(crate) fn version_of(name: &str) -> Option<(&str, Target)> {
    let (database, at) = name.rsplit_once('@')?;
    Some((database, at.parse().ok()?))
}

fn existing(directory: &Path, name: &str) -> Result<PathBuf> {
    let path = check_name(name).ok().map(|()| directory.join(file_name(name)));
    path.filter(|path| path.exists()).ok_or_else(|| does_not_exist(name))
}

/// 3D000.
pub(crate) fn does_not_exist(name: &str) -> Error {
    Error::new(SqlState::INVALID_CATALOG_NAME, format!("database \"{name}\" does not exist"))
}

/// 42P04.
pub(crate) fn already_exists(name: &str) -> Error {
    Error::new(SqlState::DUPLICATE_DATABASE, format!("database \"{name}\" already exists"))
}

/// The names of the databases in a directory, sorted.
pub(crate) fn database_names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = match fs::read_dir(directory) {
        Ok(entries) => entries.flatten().filter_map(|entry| database_name(entry.file_name().to_str()?)).collect(),
        Err(error) => {
            log::warn!("could not list {}: {error}", directory.display());
            Vec::new()
        }
    };
    names.sort();
    names
}

/// A database's file. Letters, digits, `_`, `-` and inner dots stand for themselves, every other byte is `%XX`, so a name
/// never leaves the directory and never is a hidden file.
pub(crate) fn file_name(name: &str) -> String {
    let mut file = String::with_capacity(name.len() + SUFFIX.len());
    for (index, byte) in name.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' => file.push(char::from(byte)),
            b'.' if index > 0 => file.push('.'),
            _ => file.push_str(&format!("%{byte:02X}")),
        }
    }
    file + SUFFIX
}

/// The database whose file that is; none for other files.
fn database_name(file: &str) -> Option<String> {
    let mut bytes = file.strip_suffix(SUFFIX)?.bytes();
    let mut name = Vec::new();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                name.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
            }
            _ => name.push(byte),
        }
    }
    String::from_utf8(name).ok().filter(|name| file_name(name) == file)
}

fn remove_files(path: &Path) -> io::Result<()> {
    let mut shm = path.as_os_str().to_owned();
    shm.push("-shm");
    for file in [path.to_owned(), wal_path(path), PathBuf::from(shm)] {
        match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    local::or_end("the data directory", local::sync_directory(path.parent().unwrap_or(Path::new("."))));
    Ok(())
}

/// 55006.
pub(super) fn in_use(what: &str, name: &str, users: usize) -> Error {
    let (verb, noun) = if users == 1 { ("is", "session") } else { ("are", "sessions") };
    Error::new(SqlState::OBJECT_IN_USE, format!("{what} \"{name}\" is being accessed by other users"))
        .with_detail(format!("There {verb} {users} other {noun} using the database."))
}

pub(super) fn io_failed(what: &str, path: &Path, error: &io::Error) -> Error {
    Error::fatal(SqlState::IO_ERROR, format!("could not {what} \"{}\": {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_file_inside_the_directory_and_back() {
        let cases = [
            ("myapp", "myapp.sqlite"),
            ("My App", "My%20App.sqlite"),
            ("../etc/passwd", "%2E.%2Fetc%2Fpasswd.sqlite"),
            (".hidden", "%2Ehidden.sqlite"),
            ("a.b", "a.b.sqlite"),
            ("100%", "100%25.sqlite"),
            ("é", "%C3%A9.sqlite"),
        ];
        for (name, file) in cases {
            assert_eq!(file_name(name), file);
            assert_eq!(database_name(file).as_deref(), Some(name));
        }
        for file in ["x.sqlite-wal", "y", "%zz.sqlite", "a b.sqlite", ".sqlite"] {
            assert_eq!(database_name(file).filter(|n| !n.is_empty()), None, "{file}");
        }
    }
}
