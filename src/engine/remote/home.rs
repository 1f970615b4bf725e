//! The databases of a server whose durable place is an object store: how they come to this machine and where their
//! working copies are.
//!
//! Owns: [`StoreHome`]. Must not know: sessions, what the objects contain (`storage::log`).

use std::collections::BTreeSet;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Instant, SystemTime};

use tokio::runtime::{Builder, Runtime};

use crate::engine::database::{self, Database};
use crate::engine::databases::{DatabaseNames, SUFFIX, file_name};
use crate::engine::kept::Origin;
use crate::engine::progress::blocking;
use crate::engine::remote::RemoteOptions;
use crate::engine::remote::chain;
use crate::engine::remote::version::{self, OpenVersions, VersionCopy};
use crate::error::{Error, Result, SqlState};
use crate::metrics::Metrics;
use crate::storage::blob::{BlobErrorKind, BlobStore};
use crate::storage::log::append::Outcome;
use crate::storage::log::chain::{Chain, Options as ChainOptions};
use crate::storage::log::delta::{Id, Sequence};
use crate::storage::log::fault::LogError;
use crate::storage::log::hlc::Timestamp;
use crate::storage::log::keys::Keys;
use crate::storage::log::restore::{self, Target};
use crate::storage::log::state::{self, beside};
use crate::storage::log::versions::{self, Found};

/// Where working copies are kept.
#[derive(Clone, Debug)]
pub struct WorkingCopies {
    pub directory: PathBuf,
    /// Their names are this process's own, so that others may use the directory as well.
    pub shared: bool,
}

/// See the module.
pub(crate) struct StoreHome {
    store: Arc<dyn BlobStore>,
    copies: WorkingCopies,
    options: RemoteOptions,
    runtime: StorageRuntime,
    names: Arc<RwLock<BTreeSet<String>>>,
    /// In the names of this server's working copies.
    unique: String,
    metrics: Arc<Metrics>,
    /// This server in the chains' records.
    writer: Id,
    versions: OpenVersions,
    /// Versions opened so far, for names of files.
    opened: AtomicU64,
}

/// Threads of its own for the store, so that nothing clients do can starve replication.
struct StorageRuntime(Option<Runtime>);

impl StorageRuntime {
    fn start() -> io::Result<Self> {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).thread_name("storage").enable_all().build()?;
        Ok(StorageRuntime(Some(runtime)))
    }

    fn get(&self) -> &Runtime {
        match &self.0 {
            Some(runtime) => runtime,
            None => unreachable!("taken out in drop only"),
        }
    }
}

impl Drop for StorageRuntime {
    /// A runtime must not be waited for by another one's task.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl StoreHome {
    pub(crate) fn new(
        store: Arc<dyn BlobStore>,
        copies: WorkingCopies,
        options: RemoteOptions,
        metrics: Arc<Metrics>,
    ) -> Result<Self> {
        let runtime = StorageRuntime::start()
            .map_err(|error| Error::fatal(SqlState::IO_ERROR, format!("cannot start the storage threads: {error}")))?;
        let unique = format!("{:08x}", rand::random::<u32>());
        let (names, writer) = (Arc::default(), Id::random());
        if !copies.shared {
            VersionCopy::clear(&copies.directory);
        }
        let (versions, opened) = (OpenVersions::default(), AtomicU64::new(0));
        Ok(StoreHome { store, copies, options, runtime, names, unique, metrics, writer, versions, opened })
    }

    /// The names of the databases, as far as they are known.
    pub(crate) fn names(&self) -> DatabaseNames {
        DatabaseNames::Known(Arc::clone(&self.names))
    }

    /// Asks the store which databases there are. Fails if it cannot be used.
    pub(crate) async fn look_around(&self) -> Result<()> {
        let store = Arc::clone(&self.store);
        let names = self.at_the_store("", async move { versions::databases(&store).await }).await?;
        *self.names.write().unwrap_or_else(PoisonError::into_inner) = names.into_iter().collect();
        Ok(())
    }

    /// Asks for one byte of what says that there is a database; an error if the store does not answer.
    pub(crate) async fn reach(&self, name: &str) -> Result<()> {
        let (store, manifest) = (Arc::clone(&self.store), Keys::of(name).manifest());
        let work = async move {
            match store.get(&manifest, Some(0..1)).await {
                Err(error) if error.kind != BlobErrorKind::NotFound => Err(LogError::from(error)),
                _ => Ok(()),
            }
        };
        self.at_the_store(name, work).await
    }

    /// Fetches a database and opens it; 3D000 if it does not exist.
    pub(crate) async fn open(&self, name: &str, pool_size: usize) -> Result<Arc<Database>> {
        let (path, options) = (self.copy_path(name), self.chain_options());
        let (owned, copy) = (name.to_owned(), path.clone());
        let begun = Instant::now();
        let chain = self.at_the_store(name, async move { Chain::open(&options, &owned, &copy).await }).await?;
        log_fetched(name, chain.head().sequence, &path, begun);
        self.serve(name, &path, pool_size, chain).await
    }

    /// Restores an earlier state of a database and opens it, or gives the one that is open; 3D000 if there is none.
    pub(crate) async fn open_version(
        &self,
        name: &str,
        (database, target): (&str, Target),
        pool_size: usize,
    ) -> Result<Arc<Database>> {
        let (store, owned) = (Arc::clone(&self.store), database.to_owned());
        let found = self.at_the_store(name, async move { versions::find(&store, &owned, target).await }).await?;
        let commit = found.version.commit;
        if matches!(target, Target::Time(time) if time > SystemTime::now() && commit < Timestamp::of(time)) {
            return Err(version::in_the_future(name));
        }
        let key = (database.to_owned(), found.incarnation, found.version.sequence);
        self.versions.open(key, self.restore(name, database, found, pool_size)).await
    }

    /// An empty database for one session of a standby, which cannot make the one that is not there yet.
    pub(crate) fn stand_in(&self, name: &str, pool_size: usize) -> Result<Arc<Database>> {
        let copy = self.version_copy(name);
        database::create_file(name, copy.path())?;
        let opened = blocking(|| Database::open_version(name, copy, (pool_size, self.names()), &self.metrics))?;
        opened.comes_from(self.origin(name, None));
        Ok(opened)
    }

    /// A place for a copy that only its users know of.
    fn version_copy(&self, database: &str) -> VersionCopy {
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        let stem = file_name(database);
        let stem = stem.strip_suffix(SUFFIX).unwrap_or(&stem);
        VersionCopy::new(&self.copies.directory, &format!("{stem}-{}-{number}", self.unique))
    }

    async fn restore(&self, name: &str, database: &str, found: Found, pool_size: usize) -> Result<Arc<Database>> {
        let (begun, sequence) = (Instant::now(), found.version.sequence);
        let copy = self.version_copy(database);
        let (store, owned, path) = (Arc::clone(&self.store), database.to_owned(), copy.path().to_owned());
        self.at_the_store(name, async move {
            let head = restore::restore(&store, &owned, Target::Sequence(sequence), &path).await?;
            if head.incarnation == found.incarnation { Ok(()) } else { Err(LogError::Dropped) }
        })
        .await?;
        log_fetched(name, sequence, copy.path(), begun);
        let opened = blocking(|| Database::open_version(name, copy, (pool_size, self.names()), &self.metrics))?;
        opened.comes_from(self.origin(database, Some(sequence)));
        Ok(opened)
    }

    /// Makes a database in the store and opens it; 42P04 if it exists.
    pub(crate) async fn create(&self, name: &str, pool_size: usize) -> Result<Arc<Database>> {
        self.create_from(name, pool_size, async |file| database::create_file(name, file)).await
    }

    /// Makes a database as another one is in the store now, and opens it; 42P04 if it exists.
    pub(crate) async fn copy(&self, template: &str, name: &str, pool_size: usize) -> Result<Arc<Database>> {
        self.create_from(name, pool_size, async |file| {
            let (store, owned, into) = (Arc::clone(&self.store), template.to_owned(), file.to_owned());
            let work = async move { restore::restore(&store, &owned, Target::Latest, &into).await.map(drop) };
            self.at_the_store(template, work).await
        })
        .await
    }

    /// Makes a database in the store of the file that `fill` makes.
    async fn create_from(
        &self,
        name: &str,
        pool_size: usize,
        fill: impl AsyncFnOnce(&Path) -> Result<()>,
    ) -> Result<Arc<Database>> {
        self.check_not_standby()?;
        let (path, options) = (self.copy_path(name), self.chain_options());
        // Beside a copy that may be there: whether the database exists is the store's to say.
        let file = beside(&path, ".new");
        state::discard(&file).map_err(|error| cannot_use(&file, &error))?;
        fill(&file).await?;
        let (owned, image) = (name.to_owned(), file.clone());
        let created = self.at_the_store(name, async move { Chain::create(&options, &owned, &image).await }).await;
        let discarded = state::discard(&file);
        created?;
        discarded.map_err(|error| cannot_use(&file, &error))?;
        self.open(name, pool_size).await
    }

    /// Removes a closed database from the store; 3D000 if it is not there.
    pub(crate) async fn remove(&self, name: &str) -> Result<()> {
        self.check_not_standby()?;
        let (path, options) = (self.copy_path(name), self.chain_options());
        let (owned, copy) = (name.to_owned(), path.clone());
        self.at_the_store(name, async move {
            loop {
                let mut chain = Chain::open(&options, &owned, &copy).await?;
                if chain.drop_database().await? != Outcome::Lost {
                    return Ok(());
                }
                // Another instance has committed meanwhile.
            }
        })
        .await?;
        self.names.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        self.discard(name);
        Ok(())
    }

    /// Removes the working copy of a closed database.
    pub(crate) fn discard(&self, name: &str) {
        let path = self.copy_path(name);
        if let Err(error) = state::discard(&path) {
            log::warn!("cannot remove the working copy {}: {error}", path.display());
        }
    }

    /// Whether working copies are of no use after a stop.
    pub(crate) fn discards_copies(&self) -> bool {
        self.copies.shared
    }

    /// Whether this server knows of a database of that name.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.names.read().unwrap_or_else(PoisonError::into_inner).contains(name)
    }

    /// Whether it only follows others.
    pub(crate) fn is_standby(&self) -> bool {
        self.options.standby
    }

    fn check_not_standby(&self) -> Result<()> {
        if self.options.standby { Err(database::standby()) } else { Ok(()) }
    }

    fn chain_options(&self) -> ChainOptions {
        ChainOptions { writer: self.writer, ..ChainOptions::new(Arc::clone(&self.store)) }
    }

    async fn serve(&self, name: &str, path: &Path, pool_size: usize, chain: Chain) -> Result<Arc<Database>> {
        let (chain, pool) = ((chain, self.options), (pool_size, self.names()));
        let runtime = self.runtime.get().handle();
        let metrics = &self.metrics;
        let database = blocking(|| Database::open_copy(name, path, pool, chain, (runtime, metrics)))?;
        database.comes_from(self.origin(name, None));
        self.names.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        Ok(database)
    }

    fn origin(&self, database: &str, sequence: Option<Sequence>) -> Origin {
        Origin {
            store: Arc::clone(&self.store),
            runtime: self.runtime.get().handle().clone(),
            database: database.to_owned(),
            sync: if self.options.interval.is_some() { "interval" } else { "commit" },
            standby: self.options.standby,
            sequence,
        }
    }

    /// Runs something on the storage threads.
    async fn at_the_store<T: Send + 'static>(
        &self,
        name: &str,
        work: impl Future<Output = std::result::Result<T, LogError>> + Send + 'static,
    ) -> Result<T> {
        let outcome = self.runtime.get().spawn(work).await.map_err(Error::internal)?;
        outcome.map_err(|error| chain::error(name, &self.store.location(), &error))
    }

    fn copy_path(&self, name: &str) -> PathBuf {
        let file = file_name(name);
        let own = match file.strip_suffix(SUFFIX) {
            Some(stem) if self.copies.shared => format!("{stem}-{}{SUFFIX}", self.unique),
            _ => file,
        };
        self.copies.directory.join(own)
    }
}

/// How large the copy of a database is and how long it took.
fn log_fetched(name: &str, sequence: Sequence, copy: &Path, begun: Instant) {
    let megabytes = std::fs::metadata(copy).map_or(0.0, |file| file.len() as f64 / 1e6);
    let seconds = begun.elapsed().as_secs_f64();
    log::info!("database \"{name}\": at sequence {sequence}, {megabytes:.1} MB, fetched in {seconds:.1} s");
}

fn cannot_use(path: &Path, error: &io::Error) -> Error {
    Error::fatal(SqlState::IO_ERROR, format!("could not use working copy \"{}\": {error}", path.display()))
}
