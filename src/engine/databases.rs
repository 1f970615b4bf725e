//! The databases of a server: a directory with one SQLite file each.
//!
//! Owns: [`Databases`], how a database's name becomes a file's. Must not know: sessions, messages.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

use crate::engine::allocator;
use crate::engine::connection;
use crate::engine::database::{Database, wal_path};
use crate::engine::progress::blocking;
use crate::error::{Error, Result, SqlState};
use crate::storage::local::{self, DirectoryLock};

/// All databases of a server, by name; opens them when they are first asked for.
pub struct Databases {
    directory: PathBuf,
    pool_size: usize,
    open: RwLock<HashMap<String, Arc<Database>>>,
    /// Opening, creating and dropping happen one after the other.
    changing: tokio::sync::Mutex<()>,
    _lock: DirectoryLock,
}

/// PostgreSQL's NAMEDATALEN - 1.
const MAX_NAME: usize = 63;

const SUFFIX: &str = ".sqlite";

impl Databases {
    /// The databases in that directory, which is made if it is not there. `pool_size` is CONNECTION_POOL_SIZE, for
    /// each database. Fails if another server uses the directory.
    pub fn new(directory: impl Into<PathBuf>, pool_size: usize) -> Result<Self> {
        let directory = directory.into();
        let lock = fs::create_dir_all(&directory).and_then(|()| DirectoryLock::acquire(&directory));
        let lock = lock.map_err(|error| io_failed("use data directory", &directory, &error))?.ok_or_else(|| {
            Error::fatal(
                SqlState::OBJECT_IN_USE,
                format!("data directory \"{}\" is used by another server", directory.display()),
            )
        })?;
        allocator::install();
        connection::set_temporary_directory(&directory);
        Ok(Databases {
            directory,
            pool_size,
            open: RwLock::default(),
            changing: tokio::sync::Mutex::default(),
            _lock: lock,
        })
    }

    /// The database of that name; 3D000 if it does not exist.
    pub async fn open(&self, name: &str) -> Result<Arc<Database>> {
        if let Some(database) = self.opened(name) {
            return Ok(database);
        }
        let _changing = self.changing.lock().await;
        if let Some(database) = self.opened(name) {
            return Ok(database);
        }
        let path = self.existing(name)?;
        let database = blocking(|| Database::open(name, &path, self.pool_size, false))?;
        self.open_databases().insert(name.to_owned(), Arc::clone(&database));
        Ok(database)
    }

    /// CREATE DATABASE; 42P04 if it exists.
    pub async fn create(&self, name: &str) -> Result<()> {
        let _changing = self.changing.lock().await;
        let path = self.path(name)?;
        if path.exists() {
            let message = format!("database \"{name}\" already exists");
            return Err(Error::new(SqlState::DUPLICATE_DATABASE, message));
        }
        let database = blocking(|| Database::open(name, &path, self.pool_size, true))?;
        log::info!("created database \"{name}\"");
        self.open_databases().insert(name.to_owned(), database);
        Ok(())
    }

    /// DROP DATABASE; 3D000 if it does not exist, 55006 while sessions use it.
    pub async fn drop(&self, name: &str) -> Result<()> {
        let _changing = self.changing.lock().await;
        let path = self.existing(name)?;
        let database = {
            let mut open = self.open_databases();
            let users = open.get(name).map_or(0, |database| Arc::strong_count(database) - 1);
            if users > 0 {
                return Err(in_use(name, users));
            }
            open.remove(name)
        };
        if let Some(database) = database {
            // Ends its threads before the files go.
            database.close().await;
        }
        blocking(|| remove_files(&path)).map_err(|error| io_failed("remove", &path, &error))?;
        log::info!("dropped database \"{name}\"");
        Ok(())
    }

    /// The names of all databases, sorted.
    pub fn names(&self) -> Vec<String> {
        database_names(&self.directory)
    }

    /// Where the files are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Moves every log into its database file, for a clean stop. No session is left.
    pub async fn close(&self) {
        let _changing = self.changing.lock().await;
        let open = std::mem::take(&mut *self.open_databases());
        for database in open.into_values() {
            database.close().await;
        }
    }

    fn opened(&self, name: &str) -> Option<Arc<Database>> {
        self.open.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn open_databases(&self) -> RwLockWriteGuard<'_, HashMap<String, Arc<Database>>> {
        self.open.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, name: &str) -> Result<PathBuf> {
        if name.is_empty() || name.contains('\0') {
            return Err(Error::new(SqlState::INVALID_NAME, format!("invalid database name \"{name}\"")));
        }
        if name.len() > MAX_NAME {
            return Err(Error::new(SqlState::NAME_TOO_LONG, "database name is too long"));
        }
        Ok(self.directory.join(file_name(name)))
    }

    fn existing(&self, name: &str) -> Result<PathBuf> {
        self.path(name)
            .ok()
            .filter(|path| path.exists())
            .ok_or_else(|| Error::new(SqlState::INVALID_CATALOG_NAME, format!("database \"{name}\" does not exist")))
    }
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
fn file_name(name: &str) -> String {
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
    fs::remove_file(path)?;
    let mut shm = path.as_os_str().to_owned();
    shm.push("-shm");
    for beside in [wal_path(path), PathBuf::from(shm)] {
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    local::sync_directory(path.parent().unwrap_or(Path::new(".")))
}

fn in_use(name: &str, users: usize) -> Error {
    let (verb, noun) = if users == 1 { ("is", "session") } else { ("are", "sessions") };
    Error::new(SqlState::OBJECT_IN_USE, format!("database \"{name}\" is being accessed by other users"))
        .with_detail(format!("There {verb} {users} other {noun} using the database."))
}

fn io_failed(what: &str, path: &Path, error: &io::Error) -> Error {
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
