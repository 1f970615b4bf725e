//! A store in memory whose clock stands still unless it is moved, for tests.
//!
//! Owns: [`MemoryStore`].

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::storage::blob::{
    Blob, BlobError, BlobErrorKind, BlobFuture, BlobInfo, BlobStore, Body, ETag, ListedKey, Listing, Metadata,
    Precondition, Put,
};

/// See the module.
#[derive(Debug)]
pub struct MemoryStore(Mutex<Content>);

#[derive(Debug)]
struct Content {
    objects: BTreeMap<String, Blob>,
    now: SystemTime,
    versions: u64,
}

/// Keys in one listing, few so that tests see more than one page.
const PAGE: usize = 7;

impl MemoryStore {
    pub fn new() -> Self {
        MemoryStore(Mutex::new(Content { objects: BTreeMap::new(), now: SystemTime::now(), versions: 0 }))
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.0.lock().expect("no test panics with the lock")
    }

    /// Moves the store's clock.
    pub fn pass(&self, time: Duration) {
        self.content().now += time;
    }

    pub fn keys(&self) -> Vec<String> {
        self.content().objects.keys().cloned().collect()
    }

    /// Changes an object behind everybody's back.
    pub fn tamper(&self, key: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut content = self.content();
        let object = content.objects.get_mut(key).expect("the object is there");
        let mut bytes = object.body.to_vec();
        change(&mut bytes);
        object.info.size = bytes.len() as u64;
        object.body = Bytes::from(bytes);
    }
}

impl Content {
    fn object(&self, key: &str) -> Result<Blob, BlobError> {
        let mut blob = self.objects.get(key).cloned().ok_or_else(|| error(BlobErrorKind::NotFound, key))?;
        blob.info.store_time = self.now;
        Ok(blob)
    }

    fn put(&mut self, key: &str, body: Bytes, condition: &Precondition, metadata: &Metadata) -> Result<Put, BlobError> {
        let holds = match (condition, self.objects.get(key)) {
            (Precondition::None, _) | (Precondition::Absent, None) => true,
            (Precondition::Matches(etag), Some(blob)) => blob.info.etag == *etag,
            (Precondition::Absent, Some(_)) | (Precondition::Matches(_), None) => false,
        };
        if !holds {
            return Err(error(BlobErrorKind::PreconditionFailed, key));
        }
        self.versions += 1;
        let info = BlobInfo {
            size: body.len() as u64,
            etag: ETag(self.versions.to_string()),
            last_modified: self.now,
            store_time: self.now,
            metadata: metadata.clone(),
        };
        let put = Put { etag: info.etag.clone(), store_time: self.now };
        self.objects.insert(key.to_owned(), Blob { info, body });
        Ok(put)
    }
}

fn error(kind: BlobErrorKind, key: &str) -> BlobError {
    BlobError::new(kind, format!("{key}: {kind:?}"))
}

impl BlobStore for MemoryStore {
    fn location(&self) -> String {
        "memory".to_owned()
    }

    fn get<'a>(&'a self, key: &'a str, range: Option<Range<u64>>) -> BlobFuture<'a, Blob> {
        Box::pin(async move {
            let mut blob = self.content().object(key)?;
            if let Some(range) = range {
                let end = blob.body.len().min(range.end as usize);
                blob.body = blob.body.slice(end.min(range.start as usize)..end);
            }
            Ok(blob)
        })
    }

    fn head<'a>(&'a self, key: &'a str) -> BlobFuture<'a, BlobInfo> {
        Box::pin(async move { Ok(self.content().object(key)?.info) })
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        body: Body,
        condition: Precondition,
        metadata: &'a Metadata,
    ) -> BlobFuture<'a, Put> {
        Box::pin(async move {
            let body = match body {
                Body::Bytes(bytes) => bytes,
                Body::File(path) => Bytes::from(std::fs::read(path).expect("the file is there")),
            };
            self.content().put(key, body, &condition, metadata)
        })
    }

    fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>) -> BlobFuture<'a, Listing> {
        Box::pin(async move {
            let content = self.content();
            let listed = content
                .objects
                .iter()
                .filter(|(key, _)| key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after));
            let mut keys: Vec<ListedKey> = listed
                .map(|(key, blob)| ListedKey {
                    key: key.clone(),
                    size: blob.info.size,
                    last_modified: blob.info.last_modified,
                })
                .collect();
            let more = keys.len() > PAGE;
            keys.truncate(PAGE);
            Ok(Listing { keys, more })
        })
    }

    fn delete<'a>(&'a self, key: &'a str) -> BlobFuture<'a, ()> {
        Box::pin(async move {
            self.content().objects.remove(key);
            Ok(())
        })
    }
}
