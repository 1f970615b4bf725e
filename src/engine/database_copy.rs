//! Databases made of other ones: CREATE DATABASE … TEMPLATE, ALTER DATABASE … RENAME.
//!
//! Must not know: statements, what else a database has besides its content (`engine::cluster`).

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::catalog::cluster::{TEMPLATE0, TEMPLATE1};
use crate::engine::database::{Database, wal_path};
use crate::engine::databases::{
    Databases, Home, already_exists, check_new_name, does_not_exist, file_name, in_use, io_failed,
};
use crate::engine::error_map;
use crate::engine::interrupt::InterruptHandle;
use crate::engine::progress::blocking;
use crate::engine::remote::bare;
use crate::error::{Error, Result};
use crate::storage::local;
use crate::storage::log::state::{beside, discard};

impl Databases {
    /// CREATE DATABASE … TEMPLATE: what the template contains now. No others may use it meanwhile (55006); `own` says that
    /// the session that asks does.
    pub async fn create_like(&self, template: &str, own: bool, name: &str, interrupt: &InterruptHandle) -> Result<()> {
        check_new_name(name)?;
        let is_empty = template == TEMPLATE0 || template == TEMPLATE1;
        if is_empty && !self.is_made(template) {
            return self.create(name).await;
        }
        let database = match &self.home {
            Home::Directory(directory) => {
                let (from, to) = (directory.join(file_name(template)), directory.join(file_name(name)));
                let others = || match self.users(template).saturating_sub(usize::from(own)) {
                    0 => Ok(()),
                    others => Err(others),
                };
                let (_changing, free) = self.once(interrupt, others).await?;
                free.map_err(|users| in_use("source database", template, users))?;
                if to.exists() {
                    return Err(already_exists(name));
                }
                // Whoever comes meanwhile cannot write, and the log is not begun anew.
                let _ticket = match self.opened(template) {
                    Some(database) => Some(database.writers().lock_owned().await),
                    None => None,
                };
                blocking(|| copy_file(&from, &to)).map_err(|error| match error {
                    Failure::Io(error) => io_failed("copy", &from, &error),
                    Failure::Sqlite(error) => error_map::from_rusqlite(error),
                })?;
                blocking(|| Database::open(name, &to, self.pool_size, false, &self.metrics))?
            }
            Home::Store(_) if own => return Err(Error::unsupported("the open database as a template")),
            Home::Store(_) => self.copy_in_store("source database", template, name, interrupt).await?,
        };
        self.put_open(name, database);
        log::info!("created database \"{name}\" from \"{template}\"");
        Ok(())
    }

    /// `what` is what the error calls a database that is in use.
    async fn copy_in_store(
        &self,
        what: &str,
        template: &str,
        name: &str,
        interrupt: &InterruptHandle,
    ) -> Result<Arc<Database>> {
        let Home::Store(home) = &self.home else { return Err(does_not_exist(template)) };
        // Closed, the store has all of it.
        let _changing = self.unused(template, interrupt).await?.map_err(|users| in_use(what, template, users))?;
        home.copy(template, name, self.pool_size).await
    }

    /// ALTER DATABASE … RENAME TO; nobody may use it (55006). In an object store the database is made anew under the other
    /// name: earlier states of it stay behind, and a crash in between leaves both.
    pub async fn rename(&self, from: &str, to: &str, interrupt: &InterruptHandle) -> Result<()> {
        check_new_name(to)?;
        if let Home::Store(_) = &self.home {
            let copied = self.copy_in_store("database", from, to, interrupt).await?;
            self.put_open(to, copied);
            return self.drop_database(from, None, interrupt).await;
        }
        let _changing = self.unused(from, interrupt).await?.map_err(|users| in_use("database", from, users))?;
        let Home::Directory(directory) = &self.home else { return Err(does_not_exist(from)) };
        let (old, new) = (directory.join(file_name(from)), directory.join(file_name(to)));
        if !old.exists() {
            return Err(does_not_exist(from));
        }
        if new.exists() {
            return Err(already_exists(to));
        }
        // Without a log there is one file, and one step.
        blocking(|| bare::fold_log(&old)).map_err(error_map::from_rusqlite)?;
        let renamed = discard_logs(&old).and_then(|()| fs::rename(&old, &new)).and_then(|()| sync_directory(&new));
        renamed.map_err(|error| io_failed("rename", &old, &error))?;
        log::info!("renamed database \"{from}\" to \"{to}\"");
        Ok(())
    }
}

enum Failure {
    Io(io::Error),
    Sqlite(rusqlite::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Io(error)
    }
}

/// Copies a database that nobody has open, under the new name only once it is whole and durable.
fn copy_file(from: &Path, to: &Path) -> Result<(), Failure> {
    let partial = beside(to, ".new");
    discard(&partial)?;
    fs::copy(from, &partial)?;
    match fs::copy(wal_path(from), wal_path(&partial)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    bare::fold_log(&partial).map_err(Failure::Sqlite)?;
    discard_logs(&partial)?;
    fs::File::open(&partial)?.sync_all()?;
    fs::rename(&partial, to)?;
    Ok(sync_directory(to)?)
}

/// Removes what stands beside a file whose log has been emptied.
fn discard_logs(path: &Path) -> io::Result<()> {
    for suffix in ["-wal", "-shm"] {
        match fs::remove_file(beside(path, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn sync_directory(file: &Path) -> io::Result<()> {
    local::sync_directory(file.parent().unwrap_or(Path::new(".")))
}
