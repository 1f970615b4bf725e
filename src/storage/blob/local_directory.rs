//! Databases in a directory: a [`BlobStore`] of files, for tests, for embedding, and for disks that several hosts mount.
//!
//! Owns: the layout of the directory. Must not know: what the objects contain.
//!
//! An object is a symbolic link: `~objects/{nonce}` holds its content, `~objects/{nonce}.json` its metadata if it has
//! any, and the key is a link to the content. Making the link creates the object, only if there is none; renaming
//! another link over it replaces content, metadata and ETag (the nonce) at once. So a reader never sees a part of an
//! object, a crash leaves at most content that nothing points to, and the file behind a key opens with any tool.
//! Conditional replacements and deletions take turns by a lock on `~lock`. A key's `a/b` is the path `a+/b`, since `a`
//! may be a key too; `+` and `~` are in no key.
//!
//! After a failed sync nobody knows what the disk holds, and the next sync may succeed for what was never written. So
//! nothing is written any more until the directory is opened again, and then its links are made anew.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use crate::storage::blob::{
    Blob, BlobError, BlobErrorKind, BlobFuture, BlobInfo, BlobStore, Body, ETag, ListedKey, Listing, Metadata,
    Precondition, Put,
};
use crate::storage::local::sync_directory;

/// Keys of one listing.
const PAGE: usize = 1000;

/// Says that a sync has failed. It need not be durable: after a restart of the machine there is only what the disk has.
const UNSYNCED: &str = "~unsynced";

/// A directory as a store.
#[derive(Clone, Debug)]
pub struct LocalDirectory {
    root: Arc<PathBuf>,
    /// Why nothing is written any more.
    failed: Arc<OnceLock<String>>,
}

impl LocalDirectory {
    /// The store in a directory, which is made if it is not there.
    pub fn open(directory: &Path) -> io::Result<Self> {
        fs::create_dir_all(directory.join("~objects"))?;
        sync_directory(directory)?;
        let root = directory.canonicalize()?;
        let store = LocalDirectory { root: Arc::new(root), failed: Arc::default() };
        if store.root.join(UNSYNCED).exists() {
            log::warn!("{}: a sync has failed before; all links are made anew", store.root.display());
            store.make_links_anew(&store.root).map_err(|Failure(_, what)| io::Error::other(what))?;
            fs::remove_file(store.root.join(UNSYNCED))?;
        }
        Ok(store)
    }

    /// Makes each link in a directory and below it once more, so that it is written to the disk.
    fn make_links_anew(&self, directory: &Path) -> Result<(), Failure> {
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.ends_with('+') {
                self.make_links_anew(&path)?;
            } else if !name.starts_with('~') && path.is_symlink() {
                let _turn = self.lock()?;
                let staged = self.content(&format!("{:016x}", rand::random::<u64>())).with_extension("link");
                symlink(fs::read_link(&path)?, &staged)?;
                fs::rename(&staged, &path)?;
            }
        }
        self.sync(directory)
    }

    /// Makes a directory's entries durable.
    fn sync(&self, directory: &Path) -> Result<(), Failure> {
        self.synced(sync_directory(directory))
    }

    /// A sync that failed is the last one.
    fn synced(&self, outcome: io::Result<()>) -> Result<(), Failure> {
        let Err(error) = outcome else { return Ok(()) };
        let what = format!("a sync has failed ({error}): nothing is written before the server is restarted");
        if self.failed.set(what).is_ok() {
            log::error!("{}: a sync has failed: {error}; nothing is written before a restart", self.root.display());
            if let Err(error) = File::create(self.root.join(UNSYNCED)) {
                log::error!("{}: and that cannot be noted there: {error}", self.root.display());
            }
        }
        self.check_written()
    }

    /// An error if a sync has failed.
    fn check_written(&self) -> Result<(), Failure> {
        self.failed.get().map_or(Ok(()), |what| Err(Failure(BlobErrorKind::Unavailable, what.clone())))
    }

    /// Does what may block away from the runtime's workers.
    fn run<'a, T: Send + 'static>(
        &self,
        operation: String,
        work: impl FnOnce(&Self) -> Result<T, Failure> + Send + 'static,
    ) -> BlobFuture<'a, T> {
        let store = self.clone();
        Box::pin(async move {
            let done = tokio::task::spawn_blocking(move || work(&store)).await;
            done.unwrap_or_else(|panic| Err(io::Error::other(panic).into()))
                .map_err(|failure| failure.error(&operation))
        })
    }

    fn link(&self, key: &str) -> Result<PathBuf, Failure> {
        let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./@".contains(&byte);
        let components = key.split('/').all(|component| !matches!(component, "" | "." | ".."));
        if !components || !key.bytes().all(valid) {
            return Err(Failure(BlobErrorKind::Invalid, format!("\"{key}\" is not a key")));
        }
        Ok(self.root.join(key.replace('/', "+/")))
    }

    fn content(&self, nonce: &str) -> PathBuf {
        self.root.join("~objects").join(nonce)
    }

    fn metadata(&self, nonce: &str) -> PathBuf {
        self.content(nonce).with_extension("json")
    }

    /// One writer at a time, in any process, until the file is closed.
    fn lock(&self) -> Result<File, Failure> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(self.root.join("~lock"))?;
        file.lock()?;
        Ok(file)
    }

    /// The object's current content, opened, and what is known of it.
    fn open_object(&self, key: &str) -> Result<(File, BlobInfo), Failure> {
        let link = self.link(key)?;
        loop {
            let nonce = nonce(&link)?;
            let file = match File::open(self.content(&nonce)) {
                // Replaced or removed since the link was read.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    if self::nonce(&link)? == nonce {
                        return Err(Failure(BlobErrorKind::Invalid, format!("{} points to nothing", link.display())));
                    }
                    continue;
                }
                file => file?,
            };
            let metadata = match fs::read(self.metadata(&nonce)) {
                Ok(json) => serde_json::from_slice(&json).map_err(io::Error::other)?,
                // None was written; or the object was removed meanwhile, which is as if it were asked after.
                Err(error) if error.kind() == io::ErrorKind::NotFound => Metadata::new(),
                Err(error) => return Err(error.into()),
            };
            let status = file.metadata()?;
            let info = BlobInfo {
                size: status.len(),
                etag: ETag(nonce),
                last_modified: status.modified()?,
                store_time: SystemTime::now(),
                metadata,
            };
            return Ok((file, info));
        }
    }

    fn get_object(&self, key: &str, range: Option<Range<u64>>) -> Result<Blob, Failure> {
        let (mut file, info) = self.open_object(key)?;
        let range = range.unwrap_or(0..info.size);
        let end = range.end.min(info.size);
        let mut body = Vec::new();
        if range.start < end {
            file.seek(SeekFrom::Start(range.start))?;
            file.take(end - range.start).read_to_end(&mut body)?;
        }
        Ok(Blob { info, body: body.into() })
    }

    fn put_object(&self, key: &str, body: &Body, condition: &Precondition, meta: &Metadata) -> Result<Put, Failure> {
        let link = self.link(key)?;
        self.check_written()?;
        let nonce = format!("{:016x}{:016x}", rand::random::<u64>(), rand::random::<u64>());
        let linked = self.write_content(&nonce, body, meta).and_then(|()| self.publish(&link, &nonce, condition));
        // An error after the link was made leaves the object.
        if linked.is_err() && self::nonce(&link).ok().as_ref() != Some(&nonce) {
            self.remove_content(&nonce);
        }
        linked?;
        Ok(Put { etag: ETag(nonce), store_time: SystemTime::now() })
    }

    fn write_content(&self, nonce: &str, body: &Body, metadata: &Metadata) -> Result<(), Failure> {
        let mut file = File::create_new(self.content(nonce))?;
        match body {
            Body::Bytes(bytes) => io::copy(&mut bytes.as_ref(), &mut file)?,
            Body::File(path) => {
                let unreadable = |e: io::Error| Failure(BlobErrorKind::Invalid, format!("{}: {e}", path.display()));
                io::copy(&mut File::open(path).map_err(unreadable)?, &mut file)?
            }
        };
        self.synced(file.sync_all())?;
        if !metadata.is_empty() {
            let mut file = File::create_new(self.metadata(nonce))?;
            serde_json::to_writer(&mut file, metadata).map_err(io::Error::other)?;
            self.synced(file.sync_all())?;
        }
        self.sync(&self.root.join("~objects"))
    }

    /// Makes the key a link to the content, if the condition holds.
    fn publish(&self, link: &Path, nonce: &str, condition: &Precondition) -> Result<(), Failure> {
        let parent = self.make_parents(link)?;
        let depth = link.strip_prefix(&*self.root).map_or(1, |path| path.components().count());
        let target = format!("{}~objects/{nonce}", "../".repeat(depth - 1));
        if *condition == Precondition::Absent {
            symlink(&target, link).map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => Failure(BlobErrorKind::PreconditionFailed, "it is there".to_owned()),
                _ => error.into(),
            })?;
            return self.sync(&parent);
        }
        let _turn = self.lock()?;
        let before = match self::nonce(link) {
            Ok(nonce) => Some(nonce),
            Err(Failure(BlobErrorKind::NotFound, _)) => None,
            Err(failure) => return Err(failure),
        };
        if let Precondition::Matches(ETag(expected)) = condition
            && before.as_ref() != Some(expected)
        {
            return Err(Failure(BlobErrorKind::PreconditionFailed, "it is another version".to_owned()));
        }
        let staged = self.content(nonce).with_extension("link");
        symlink(&target, &staged)?;
        fs::rename(&staged, link)?;
        self.sync(&parent)?;
        if let Some(before) = before {
            self.remove_content(&before);
        }
        Ok(())
    }

    /// Makes the directory of a link, each new one durably.
    fn make_parents(&self, link: &Path) -> Result<PathBuf, Failure> {
        let parent = link.parent().unwrap_or(&self.root);
        if !parent.is_dir() {
            self.make_parents(parent)?;
            match fs::create_dir(parent) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.into()),
                _ => self.sync(parent.parent().unwrap_or(&self.root))?,
            }
        }
        Ok(parent.to_owned())
    }

    /// Content that nothing points to any more; leaving some behind harms nobody.
    fn remove_content(&self, nonce: &str) {
        for path in [self.content(nonce), self.metadata(nonce)] {
            let _ = fs::remove_file(path);
        }
    }

    fn delete_object(&self, key: &str) -> Result<(), Failure> {
        let link = self.link(key)?;
        self.check_written()?;
        let _turn = self.lock()?;
        let nonce = match self::nonce(&link) {
            Err(Failure(BlobErrorKind::NotFound, _)) => return Ok(()),
            nonce => nonce?,
        };
        fs::remove_file(&link)?;
        self.sync(link.parent().unwrap_or(&self.root))?;
        self.remove_content(&nonce);
        Ok(())
    }

    fn list_objects(&self, prefix: &str, after: Option<&str>) -> Result<Listing, Failure> {
        let mut keys = Vec::new();
        self.collect(&self.root, "", prefix, &mut keys)?;
        keys.retain(|listed| after.is_none_or(|after| listed.key.as_str() > after));
        keys.sort_by(|a, b| a.key.cmp(&b.key));
        let more = keys.len() > PAGE;
        keys.truncate(PAGE);
        Ok(Listing { keys, more })
    }

    /// The keys in a directory, whose own key is `base`, and in those below it that the prefix may lead to.
    fn collect(&self, directory: &Path, base: &str, prefix: &str, keys: &mut Vec<ListedKey>) -> Result<(), Failure> {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if let Some(name) = name.strip_suffix('+') {
                let below = format!("{base}{name}/");
                if below.starts_with(prefix) || prefix.starts_with(&below) {
                    self.collect(&entry.path(), &below, prefix, keys)?;
                }
            } else if !name.starts_with('~') && format!("{base}{name}").starts_with(prefix) {
                let key = format!("{base}{name}");
                match self.open_object(&key) {
                    Ok((_, info)) => keys.push(ListedKey { key, size: info.size, last_modified: info.last_modified }),
                    // Removed while we looked.
                    Err(Failure(BlobErrorKind::NotFound, _)) => {}
                    Err(failure) => return Err(failure),
                }
            }
        }
        Ok(())
    }
}

/// What a key's link points to.
fn nonce(link: &Path) -> Result<String, Failure> {
    let target = match fs::read_link(link) {
        Ok(target) => target,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Err(Failure(BlobErrorKind::NotFound, "it is not there".to_owned()));
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            let message = format!("{} is not an object of this store", link.display());
            return Err(Failure(BlobErrorKind::Invalid, message));
        }
        Err(error) => return Err(error.into()),
    };
    let name = target.file_name().and_then(|name| name.to_str());
    name.map(str::to_owned).ok_or_else(|| Failure(BlobErrorKind::Invalid, format!("{}: bad link", link.display())))
}

/// An error before it is known what was to be done.
#[derive(Debug)]
struct Failure(BlobErrorKind, String);

impl Failure {
    fn error(self, operation: &str) -> BlobError {
        BlobError::new(self.0, format!("{operation}: {}", self.1))
    }
}

impl From<io::Error> for Failure {
    /// A write that failed may have happened: the link may be there and its directory not synced.
    fn from(error: io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => BlobErrorKind::Denied,
            _ => BlobErrorKind::Unavailable,
        };
        Failure(kind, error.to_string())
    }
}

impl BlobStore for LocalDirectory {
    fn location(&self) -> String {
        format!("file://{}", self.root.display())
    }

    fn get<'a>(&'a self, key: &'a str, range: Option<Range<u64>>) -> BlobFuture<'a, Blob> {
        let name = key.to_owned();
        self.run(format!("GET {key}"), move |store| store.get_object(&name, range))
    }

    fn head<'a>(&'a self, key: &'a str) -> BlobFuture<'a, BlobInfo> {
        let name = key.to_owned();
        self.run(format!("HEAD {key}"), move |store| store.open_object(&name).map(|(_, info)| info))
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        body: Body,
        condition: Precondition,
        metadata: &'a Metadata,
    ) -> BlobFuture<'a, Put> {
        let (name, metadata) = (key.to_owned(), metadata.clone());
        self.run(format!("PUT {key}"), move |store| store.put_object(&name, &body, &condition, &metadata))
    }

    fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>) -> BlobFuture<'a, Listing> {
        let (prefix, after) = (prefix.to_owned(), after.map(str::to_owned));
        self.run(format!("LIST {prefix}"), move |store| store.list_objects(&prefix, after.as_deref()))
    }

    fn delete<'a>(&'a self, key: &'a str) -> BlobFuture<'a, ()> {
        let name = key.to_owned();
        self.run(format!("DELETE {key}"), move |store| store.delete_object(&name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::blob::contract::{self, Effort};

    /// A directory that is removed again.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new() -> Self {
            Scratch(std::env::temp_dir().join(format!("pgserver-directory-{:016x}", rand::random::<u64>())))
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn keeps_to_the_contract_and_leaves_nothing() {
        let scratch = Scratch::new();
        let store: Arc<dyn BlobStore> = Arc::new(LocalDirectory::open(&scratch.0).unwrap());
        let effort = Effort { writers: 16, keys: 1010, file: 1 << 20 };
        assert_eq!(contract::check(&store, "a/prefix", effort).await, Ok(()));
        assert_eq!(fs::read_dir(scratch.0.join("~objects")).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_sync_that_failed_is_the_last_and_links_are_made_anew() {
        let scratch = Scratch::new();
        let store = LocalDirectory::open(&scratch.0).unwrap();
        let nothing = Metadata::new();
        let put = |store: &LocalDirectory, key: &'static str| {
            let (store, nothing) = (store.clone(), nothing.clone());
            async move { store.put(key, Body::Bytes("x".into()), Precondition::Absent, &nothing).await }
        };
        put(&store, "a/b").await.unwrap();
        let failure = store.synced(Err(io::Error::other("the disk is gone"))).unwrap_err();
        assert_eq!(failure.0, BlobErrorKind::Unavailable);
        // Not even that it is there already is an answer: its own attempt may have put it there.
        for key in ["a/b", "a/c"] {
            let error = put(&store, key).await.unwrap_err();
            assert!(error.outcome_unknown() && error.message.contains("the disk is gone"), "{error}");
        }
        assert!(store.delete("a/b").await.is_err() && store.get("a/b", None).await.is_ok());
        let link = scratch.0.join("a+/b");
        let inode = |path: &Path| std::os::unix::fs::MetadataExt::ino(&fs::symlink_metadata(path).unwrap());
        let (before, target) = (inode(&link), fs::read_link(&link).unwrap());
        let again = LocalDirectory::open(&scratch.0).unwrap();
        assert!(inode(&link) != before && fs::read_link(&link).unwrap() == target);
        put(&again, "a/c").await.unwrap();
        assert!(!scratch.0.join(UNSYNCED).exists());
    }

    #[tokio::test]
    async fn what_is_no_key_reaches_no_file() {
        let scratch = Scratch::new();
        let store = LocalDirectory::open(&scratch.0).unwrap();
        fs::write(scratch.0.join("foreign"), "x").unwrap();
        for key in ["", "/etc/passwd", "../x", "a/../b", "a//b", "a+/b", "~lock", "a\0", "foreign"] {
            assert_eq!(store.get(key, None).await.unwrap_err().kind, BlobErrorKind::Invalid, "{key}");
        }
    }
}
