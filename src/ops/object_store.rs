//! The object store that a configuration names.
//!
//! Owns: [`object_store`], [`check_conditions`]. Must not know: what is kept in it.

use std::sync::Arc;

use crate::ops::config::{Config, Storage};
use crate::storage::blob::azure::AzureStore;
use crate::storage::blob::http::{HttpClient, Limits, Surroundings};
use crate::storage::blob::local_directory::LocalDirectory;
use crate::storage::blob::probe;
use crate::storage::blob::s3::S3Store;
use crate::storage::blob::{BlobError, BlobStore};

/// The object store of the configuration; none for databases on the disk.
pub fn object_store(config: &Config) -> Result<Option<Arc<dyn BlobStore>>, String> {
    match config.storage {
        Storage::Local => Ok(None),
        Storage::Directory => {
            let directory = &config.store_directory;
            let store = LocalDirectory::open(directory)
                .map_err(|e| format!("cannot use STORE_DIRECTORY = {}: {e}", directory.display()))?;
            Ok(Some(Arc::new(store)))
        }
        Storage::S3 => {
            let http = http_client()?;
            let store = S3Store::new(config.s3.clone(), http, |name| std::env::var(name).ok())?;
            Ok(Some(Arc::new(store)))
        }
        Storage::Azure => {
            let http = http_client()?;
            let store = AzureStore::new(&config.azure, http, |name| std::env::var(name).ok())?;
            Ok(Some(Arc::new(store)))
        }
    }
}

fn http_client() -> Result<HttpClient, String> {
    HttpClient::new(&Surroundings::of_environment(|name| std::env::var(name).ok()), Limits::default())
}

/// An error unless the store does what keeps several writers apart. Tried once per bucket.
pub async fn check_conditions(store: &Arc<dyn BlobStore>) -> Result<(), String> {
    let unusable = |error: BlobError| format!("cannot use the object store {}: {error}", store.location());
    if probe::has_honoured(store).await.map_err(unusable)? {
        return Ok(());
    }
    log::info!("trying whether the object store {} honours conditions; this is done once", store.location());
    probe::honours_conditions(store).await.map_err(unusable)?.map_err(|broken| {
        format!("cannot use the object store, servers would overwrite each other's commits: {broken}")
    })?;
    if let Err(error) = probe::remember(store).await {
        log::warn!("the object store {} has passed, which cannot be noted there: {error}", store.location());
    }
    Ok(())
}
