//! One database's log in the object store, as one instance sees it.
//!
//! Owns: [`Chain`]: creating, opening, appending, catching up, dropping. Must not know: SQLite, sessions; the engine
//! brings pages and takes pages.
//!
//! The chain is the truth, a working copy is a cache of it. An instance appends after the last delta it knows. If
//! another one was faster it catches up: reads what is there, and goes on from that.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use crate::debug_log::debug;
use crate::storage::blob::probe;
use crate::storage::blob::{BlobErrorKind, BlobStore, Body, Metadata, Precondition};
use crate::storage::kill_point;
use crate::storage::log::append::{Append, Outcome, Proof};
use crate::storage::log::append_io::{Destination, drive};
use crate::storage::log::base;
use crate::storage::log::changes::{ChangedPages, Changes, PART, Pages};
use crate::storage::log::clock::{Clock, Moment, SystemClock};
use crate::storage::log::delta::{self, Delta, Digest, Draft, Encoded, Header, Id, PART_ENTRY, PLAIN_EVERY, Sequence};
use crate::storage::log::dropping;
use crate::storage::log::fault::{LogError, Result};
use crate::storage::log::fetch;
use crate::storage::log::hlc::Timestamp;
use crate::storage::log::image::{Head, Image, page_size_of};
use crate::storage::log::in_parts::{self, InParts};
use crate::storage::log::keys::Keys;
use crate::storage::log::manifest::{self, Base, Current, Dropping, Manifest, Published};
use crate::storage::log::orphans;
use crate::storage::log::pace;
use crate::storage::log::page_checksum::{ChecksumPatch, PageChecksums, page_checksum};
use crate::storage::log::publish;
use crate::storage::log::restore::{self, Target};
use crate::storage::log::retry::patiently;
use crate::storage::log::state::{self, State, beside};
use crate::storage::log::upkeep::{Policy, Upkeep};
use crate::storage::log::wal::WalMark;

/// What an instance brings.
#[derive(Clone, Debug)]
pub struct Options {
    pub store: Arc<dyn BlobStore>,
    /// Of this instance.
    pub writer: Id,
    pub clock: Arc<dyn Clock>,
    /// Bytes of pages up to which a batch is one object and is held in memory, see [`PART`].
    pub part: usize,
}

impl Options {
    /// An instance of its own on that store.
    pub fn new(store: Arc<dyn BlobStore>) -> Self {
        Options { store, writer: Id::random(), clock: Arc::new(SystemClock), part: PART }
    }
}

/// What is taken over at once at the most.
const DELTAS_AT_ONCE: usize = 64;
const BYTES_AT_ONCE: usize = 32 << 20;

/// See the module.
#[derive(Debug)]
pub struct Chain {
    to: Destination,
    name: String,
    writer: Id,
    head: Head,
    /// When this instance was last certain that nothing followed `head`.
    proof: Option<Proof>,
    manifest_read: Option<Moment>,
    /// Bytes of the deltas that were written or read since it was opened.
    grown: u64,
    /// The object that took the place of a lost batch.
    winner: Option<(Sequence, Bytes)>,
    /// Where a file can be rebuilt.
    scratch: PathBuf,
    /// See [`Options::part`].
    part: usize,
    /// Counts how large batches get on, for whoever waits.
    written: Arc<AtomicU64>,
}

/// What others have appended, read but not taken over.
#[derive(Debug)]
pub enum Incoming {
    /// What follows in the log.
    Deltas(Vec<Delta>),
    /// One large delta, its pages with their checksums, and the file that they are in.
    InParts(Box<Delta>, ChangedPages, Vec<(u32, u64)>, PathBuf),
    /// This instance is so far behind that what follows is gone: the whole file as it is now, and when it was asked for.
    Rebuilt(Image, PathBuf),
}

impl Incoming {
    /// The pages of the durable state that [`Chain::accept`] needs.
    pub fn wanted(&self) -> Vec<u32> {
        let Incoming::Deltas(deltas) = self else { return Vec::new() };
        let (mut wanted, mut written) = (BTreeSet::new(), BTreeSet::new());
        for delta in deltas {
            wanted.extend(delta.needs().filter(|number| !written.contains(number)));
            written.extend(delta.pages.iter().map(|page| page.number));
        }
        wanted.into_iter().collect()
    }
}

impl Chain {
    /// Creates a database that begins with a plain SQLite file, which nobody has open.
    pub async fn create(options: &Options, name: &str, file: &Path) -> Result<Self> {
        Self::begin(options, name, file, None).await
    }

    async fn begin(options: &Options, name: &str, file: &Path, published: Option<Published>) -> Result<Self> {
        let keys = Keys::of(name);
        match manifest::read_any(&options.store, &keys).await {
            Err(LogError::NoSuchDatabase) => {}
            Err(error) => return Err(error),
            Ok(Current { manifest, .. }) if manifest.dropping.is_some() => {
                Self::resume_drop(options, name, manifest, &beside(file, ".dropped")).await?;
            }
            Ok(_) => return Err(LogError::Exists),
        }
        let path = file.to_owned();
        let (page_size, checksums) = base::run(move || {
            let file = File::open(path)?;
            let page_size = page_size_of(&file)?;
            Ok((page_size, PageChecksums::of_file(&file, page_size)?))
        })
        .await?;
        let mut manifest = Manifest::new(page_size, options.writer);
        let key = keys.base(manifest.incarnation, 0, Id::random());
        let (size, blake3) = base::upload(&options.store, &key, file, &beside(file, ".zst")).await?;
        let now = options.clock.now();
        kill_point::reached("the first base is written");
        let head = Head {
            database: manifest.db_id,
            incarnation: manifest.incarnation,
            page_size,
            sequence: 0,
            chain: Digest::start(manifest.incarnation),
            commit: Timestamp::of(now.wall),
            checksums,
        };
        let post_checksum = head.checksums.total();
        manifest.bases = vec![Base { seq: 0, key, size, blake3, post_checksum, hlc: head.commit, chain: head.chain }];
        manifest.published = published;
        if !orphans::may_be_named(options.clock.now(), now) {
            return Err(LogError::Impossible("it took too long to create the database".to_owned()));
        }
        manifest::create(&options.store, &keys, manifest).await?;
        kill_point::reached("the first manifest is written");
        if let Err(error) = dropping::remove_remains(&options.store, &keys, head.incarnation).await {
            log::warn!("database \"{name}\": what an earlier one has left cannot be deleted: {error}");
        }
        Ok(Self::at(options, name, file, head, Some(now)))
    }

    /// Brings the working copy at `copy` to the end of the log, whatever is there now, and opens the chain. Nobody may
    /// have the copy open. A database of which there is only the plain file is adopted.
    pub async fn open(options: &Options, name: &str, copy: &Path) -> Result<Self> {
        let (store, keys) = (&options.store, Keys::of(name));
        let asked = options.clock.now();
        let manifest = match manifest::read_any(store, &keys).await {
            Ok(current) => current.manifest,
            Err(LogError::NoSuchDatabase) => return Self::adopt(options, name, copy).await,
            Err(error) => return Err(error),
        };
        if manifest.dropping.is_some() {
            Self::resume_drop(options, name, manifest, copy).await?;
            return Err(LogError::NoSuchDatabase);
        }
        if manifest.bases.is_empty() {
            // Whoever created the branch may not have come to it.
            let to = Self::destination(options, name, manifest.incarnation);
            dropping::pin(&to, options.writer, &manifest).await.map_err(|error| match error {
                LogError::Dropped | LogError::NotKept => LogError::NoSuchDatabase,
                error => error,
            })?;
        }
        let mut image = match warm(copy, &manifest).await? {
            Some(image) => restore::advance(store, &keys, &manifest, image, Target::Latest).await.ok(),
            None => None,
        };
        if image.is_none() {
            image = Some(restore::rebuild(store, &keys, manifest, Target::Latest, copy).await?);
        }
        let head = image.ok_or(LogError::NoSuchDatabase)?.head;
        kill_point::reached("a copy is fetched");
        if head.checksums.count() == 0 {
            // Dropping it has come as far as the last delta since the manifest was read.
            dropping::finish(&Self::destination(options, name, head.incarnation), options.writer).await?;
            return Err(LogError::NoSuchDatabase);
        }
        let mut chain = Self::at(options, name, copy, head, None);
        // The file was read from after this, so nothing that was asked for later can have been forgotten by then.
        chain.manifest_read = Some(asked);
        Ok(chain)
    }

    /// Goes on with a drop that was begun, and perhaps left. `scratch`: a file that nobody needs.
    async fn resume_drop(options: &Options, name: &str, manifest: Manifest, scratch: &Path) -> Result<()> {
        let to = Self::destination(options, name, manifest.incarnation);
        while manifest.dropping == Some(Dropping::Begun) {
            let rebuilt = restore::rebuild(&to.store, &to.keys, manifest.clone(), Target::Latest, scratch).await;
            let head = match rebuilt {
                Ok(image) if image.head.checksums.count() > 0 => image.head,
                Err(error) if error.is_retryable() => return Err(error),
                // It is at its end, or cannot be opened by anybody.
                _ => break,
            };
            if Self::at(options, name, scratch, head, None).append_last().await? != Outcome::Lost {
                break;
            }
        }
        state::discard(scratch)?;
        dropping::finish(&to, options.writer).await
    }

    /// Makes a database of the plain file that somebody has put into the store.
    async fn adopt(options: &Options, name: &str, copy: &Path) -> Result<Self> {
        let (store, key) = (&options.store, Keys::of(name).file());
        let found = patiently(|| store.head(&key)).await.map_err(|error| match error.kind {
            BlobErrorKind::NotFound => LogError::NoSuchDatabase,
            _ => LogError::Store(error),
        })?;
        let of = found.metadata.get(publish::INCARNATION);
        if let Some((dropped, _)) = manifest::tombstone(store, &Keys::of(name)).await?
            && of == Some(&dropped.to_string())
        {
            // Published by somebody who had not heard of the drop.
            patiently(|| store.delete(&key)).await?;
            return Err(LogError::NoSuchDatabase);
        }
        state::discard(copy)?;
        restore::download_plain(store, &key, found.size, copy).await?;
        let again = patiently(|| store.head(&key)).await?;
        if again.etag != found.etag {
            return Err(LogError::damaged(&key, "it changed while it was read"));
        }
        let published = Published { etag: found.etag.0, seq: 0 };
        match Self::begin(options, name, copy, Some(published)).await {
            // Another instance has adopted it too.
            Err(LogError::Exists) => Box::pin(Self::open(options, name, copy)).await,
            result => result,
        }
    }

    fn destination(options: &Options, name: &str, incarnation: Id) -> Destination {
        Destination {
            store: Arc::clone(&options.store),
            keys: Keys::of(name),
            incarnation,
            clock: Arc::clone(&options.clock),
        }
    }

    fn at(options: &Options, name: &str, copy: &Path, head: Head, proof: Option<Proof>) -> Self {
        let to = Self::destination(options, name, head.incarnation);
        let (name, scratch) = (name.to_owned(), beside(copy, ".rebuilt"));
        Chain {
            to,
            name,
            writer: options.writer,
            head,
            proof,
            manifest_read: proof,
            grown: 0,
            winner: None,
            scratch,
            part: options.part,
            written: Arc::default(),
        }
    }

    /// The database's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The last delta that this instance knows, with the checksums of the state it makes.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// About how many bytes the log has grown by since it was opened.
    pub fn grown(&self) -> u64 {
        self.grown
    }

    /// What the working copy stands for when its write-ahead log is read up to the mark.
    pub fn state(&self, wal: WalMark) -> State {
        State::new(&self.head, wal)
    }

    /// What keeps this database's log short. It works on its own, beside the chain.
    pub fn upkeep(&self, policy: Policy) -> Upkeep {
        let scratch = self.scratch.with_extension("upkeep");
        Upkeep { to: self.to.clone(), writer: self.writer, policy, scratch, retention: None }
    }

    /// Bytes of pages up to which a batch is one object and is held in memory.
    pub fn part(&self) -> usize {
        self.part
    }

    /// The most pages that a batch can have, and so a database: as many parts as one object can name.
    pub fn most_pages(&self) -> u64 {
        let pages = (self.part / self.head.page_size.max(1) as usize).max(1) as u64;
        pages.saturating_mul((self.part / PART_ENTRY) as u64).min(u64::from(u32::MAX))
    }

    /// Counts there what gets through while [`append`](Self::append) is under way with a large batch.
    pub fn count_written(&mut self, written: Arc<AtomicU64>) {
        self.written = written;
    }

    /// The pages of the durable state that make a batch smaller when [`append`](Self::append) is given them.
    pub fn wanted(&self, changes: &Changes) -> Vec<u32> {
        if self.is_large(changes) || (self.head.sequence + 1).is_multiple_of(PLAIN_EVERY) {
            return Vec::new();
        }
        let known = self.head.checksums.count();
        changes.pages.numbers_from(0).take_while(|number| *number <= known).collect()
    }

    /// Whether it is written in parts.
    fn is_large(&self, changes: &Changes) -> bool {
        changes.pages.len().saturating_mul(self.head.page_size as usize) > self.part
    }

    /// Appends a batch; `previous` are pages of the durable state. Ends when it is certain what has become of it, so
    /// not while the store does not answer. An error means that there is a mistake in the batch or in what is known,
    /// and that nothing was sent.
    pub async fn append(&mut self, changes: &Changes, previous: &Pages) -> Result<Outcome> {
        let (batch, patch, parts) = self.encode(changes, previous, Keys::part).await?;
        let mut append = Append::new(batch.header.sequence, batch.header.nonce, self.proof);
        let (outcome, winner) = drive(&mut append, &self.to, &batch).await;
        match outcome {
            Outcome::Acknowledged => {
                self.head.checksums.apply(&patch);
                self.head.sequence = batch.header.sequence;
                self.head.chain = batch.digest;
                self.head.commit = batch.header.last_commit;
                self.grown += batch.bytes.len() as u64 + parts.map_or(0, |parts| parts.bytes);
                self.proof = append.proof_if_acknowledged();
            }
            Outcome::Lost => {
                self.winner = winner.map(|object| (batch.header.sequence, object));
                self.delete_parts(parts).await;
            }
            // What was known of the end of the log is in doubt.
            Outcome::Unknown => (self.proof, self.manifest_read) = (None, None),
        }
        Ok(outcome)
    }

    /// Keeps a batch that was lost to another instance, for whoever wants to look at it. It is a delta like any other,
    /// of the state before the one it was lost to, and in no log.
    pub async fn keep_fork(&self, changes: &Changes, previous: &Pages) -> Result<String> {
        let (batch, ..) = self.encode(changes, previous, Keys::fork_part).await?;
        let key = self.to.keys.fork(self.head.incarnation, batch.header.sequence, batch.header.nonce);
        let nothing = Metadata::new();
        patiently(|| self.to.store.put(&key, Body::Bytes(batch.bytes.clone()), Precondition::None, &nothing)).await?;
        Ok(key)
    }

    /// Of a batch that is not in the log nobody needs the parts. Those that cannot be deleted now are found later.
    async fn delete_parts(&self, parts: Option<InParts>) {
        let keys = parts.map(|parts| parts.keys(&self.to.keys, self.head.incarnation)).into_iter().flatten();
        for key in keys {
            if let Err(error) = patiently(|| self.to.store.delete(&key)).await {
                debug!("\"{key}\" is left over: {error}");
                return;
            }
        }
    }

    /// The batch as the next delta, what it makes of the checksums, and which parts it has. Those are written, under the
    /// keys that `key` gives.
    async fn encode(
        &self,
        changes: &Changes,
        previous: &Pages,
        key: fn(&Keys, Id, (Sequence, Id), usize) -> String,
    ) -> Result<(Encoded, ChecksumPatch, Option<InParts>)> {
        self.check(changes, previous)?;
        let (pages, written, part) = (changes.pages.clone(), Arc::clone(&self.written), self.part as u64);
        let checksums = move || {
            let mut read = 0;
            let checksum = |page: io::Result<(u32, Vec<u8>)>| {
                let (number, page) = page?;
                let before = read / part;
                read += page.len() as u64;
                written.fetch_add(read / part - before, Ordering::Relaxed);
                Ok((number, page_checksum(number, &page)))
            };
            Ok(pages.iter().map(checksum).collect::<io::Result<Vec<_>>>()?)
        };
        let is_large = self.is_large(changes);
        let checksums = if is_large { base::run(checksums).await? } else { checksums()? };
        let patch = self.head.checksums.patch(checksums, changes.count);
        let before = self.head.checksums.count();
        let header = Header {
            pages_least: changes.least.min(before),
            pages_after: changes.count,
            post_checksum: patch.total(),
            ..self.next_header()
        };
        let commit = self.head.commit.next(self.to.clock.now().wall);
        if !is_large {
            let collected;
            let pages = match changes.pages.here() {
                Some(pages) => pages,
                None => {
                    collected = changes.pages.iter().collect::<io::Result<Pages>>()?;
                    &collected
                }
            };
            let draft = Draft { header, pages, transactions: &changes.transactions, previous, commit };
            return Ok((delta::encode(draft)?, patch, None));
        }
        let (keys, incarnation, batch) = (&self.to.keys, self.head.incarnation, (header.sequence, header.nonce));
        let key = |index| key(keys, incarnation, batch, index);
        let parts = in_parts::write(&self.to.store, key, (&header, &changes.pages), self.part, &self.written).await?;
        let bytes = parts.iter().map(|part| part.size).sum();
        let of = InParts { seq: batch.0, nonce: batch.1, parts: u32::try_from(parts.len()).unwrap_or(u32::MAX), bytes };
        let pages = (changes.pages.len(), &parts[..]);
        Ok((delta::encode_in_parts(header, pages, &changes.transactions, commit)?, patch, Some(of)))
    }

    /// Of the delta after the head; of one that leaves no pages.
    fn next_header(&self) -> Header {
        Header {
            page_size: self.head.page_size,
            database: self.head.database,
            incarnation: self.head.incarnation,
            sequence: self.head.sequence + 1,
            previous: self.head.chain,
            writer: self.writer,
            nonce: Id::random(),
            transactions: 0,
            first_commit: Timestamp::default(),
            last_commit: Timestamp::default(),
            pages_before: self.head.checksums.count(),
            pages_least: 0,
            pages_after: 0,
            pages: 0,
            full_image: false,
            post_checksum: 0,
        }
    }

    /// What SQLite cannot have written must not reach the store.
    fn check(&self, changes: &Changes, previous: &Pages) -> Result<()> {
        let page_size = self.head.page_size;
        if let Some(page) = changes.missing_growth(self.head.checksums.count(), page_size) {
            return Err(LogError::Impossible(format!("page {page} was added and not written")));
        }
        let odd = |pages: &Pages| pages.values().any(|page| page.len() != page_size as usize);
        if changes.count == 0 || changes.pages.here().is_some_and(odd) {
            return Err(LogError::Impossible("no pages, or pages of another size".to_owned()));
        }
        let differs = |(number, page): (&u32, &Vec<u8>)| {
            self.head.checksums.page(*number).is_none_or(|known| known != page_checksum(*number, page))
        };
        match previous.iter().any(differs) {
            true => Err(LogError::Diverged("a page is not what it was when it became durable")),
            false => Ok(()),
        }
    }

    /// Reads what others have appended since; none if there is nothing.
    pub async fn catch_up(&mut self) -> Result<Option<Incoming>> {
        let (mut deltas, mut bytes, mut grown, mut tip) = (Vec::new(), 0, 0, self.tip());
        while deltas.len() < DELTAS_AT_ONCE && bytes < BYTES_AT_ONCE {
            let asked = self.to.clock.now();
            let key = self.to.keys.delta(self.head.incarnation, tip.0 + 1);
            let object = match self.winner.take().filter(|(sequence, _)| *sequence == tip.0 + 1) {
                // Appending has made sure that it belongs to the log.
                Some((_, object)) => Ok(object),
                None => {
                    let object = patiently(|| fetch::object(&self.to.store, &key)).await;
                    if object.is_ok() && self.is_passed().await? {
                        return self.rebuild().await.map(Some);
                    }
                    object
                }
            };
            let object = match object {
                Ok(object) => object,
                Err(error) if error.kind == BlobErrorKind::NotFound && deltas.is_empty() => {
                    return self.nothing_follows(asked).await;
                }
                Err(error) if error.kind == BlobErrorKind::NotFound => break,
                Err(error) => return Err(error.into()),
            };
            let delta = delta::decode(&object).map_err(|what| LogError::damaged(&key, what))?;
            if delta.header.previous != tip.1 {
                // What this instance takes for the end of the log is not in it.
                self.doubt_store().await;
                return self.rebuild().await.map(Some);
            }
            if delta.header.pages_after == 0 {
                return Err(LogError::Dropped);
            }
            if delta.is_in_parts() {
                if deltas.is_empty() {
                    return self.spool(delta).await.map(Some);
                }
                break;
            }
            // What they take in memory, however well they are compressed.
            bytes += delta.pages.len().saturating_mul(delta.header.page_size as usize);
            grown += object.len() as u64;
            tip = (delta.header.sequence, delta.digest);
            deltas.push(delta);
        }
        self.grown += grown;
        Ok(Some(Incoming::Deltas(deltas)))
    }

    /// A large delta that is the next, with its pages in a file.
    async fn spool(&mut self, delta: Delta) -> Result<Incoming> {
        let path = self.scratch.with_extension("parts");
        let (pages, checksums) = in_parts::spool(&self.to.store, &self.to.keys, &delta, &path).await?;
        self.grown += InParts::of(&delta).map_or(0, |parts| parts.bytes);
        Ok(Incoming::InParts(Box::new(delta), pages, checksums, path))
    }

    /// A store that keeps no writer from overwriting another's delta would look like this, too.
    async fn doubt_store(&self) {
        if let Err(error) = probe::doubt(&self.to.store).await {
            debug!("{}: {error}", self.to.store.location());
        }
    }

    fn tip(&self) -> (Sequence, Digest) {
        (self.head.sequence, self.head.chain)
    }

    /// Whether the log has been shortened beyond what this instance knows, so that what is under the next number, or
    /// that nothing is, says nothing about the log. Recent knowledge saves looking.
    async fn is_passed(&mut self) -> Result<bool> {
        let now = self.to.clock.now();
        let holds = |since: Option<Moment>| since.is_some_and(|since| now.is_within(pace::proof_holds(), since));
        if holds(self.proof) || holds(self.manifest_read) {
            return Ok(false);
        }
        let passed = self.current_manifest().await?.floor > self.head.sequence;
        if !passed {
            self.manifest_read = Some(now);
        }
        Ok(passed)
    }

    /// There is no next delta: because there was none, or because it is gone.
    async fn nothing_follows(&mut self, asked: Moment) -> Result<Option<Incoming>> {
        let now = self.to.clock.now();
        let is_recent = self.manifest_read.is_some_and(|read| now.is_within(pace::manifest_holds(), read));
        if !is_recent {
            // Also to learn that the database is gone.
            self.manifest_read = None;
            if self.current_manifest().await?.floor > self.head.sequence {
                return self.rebuild().await.map(Some);
            }
            self.manifest_read = Some(now);
        }
        self.proof = Some(asked);
        Ok(None)
    }

    /// The manifest of this incarnation.
    async fn current_manifest(&self) -> Result<Manifest> {
        match manifest::read(&self.to.store, &self.to.keys).await {
            Ok(current) if current.manifest.incarnation == self.head.incarnation => Ok(current.manifest),
            Ok(_) | Err(LogError::NoSuchDatabase) => Err(LogError::Dropped),
            Err(error) => Err(error),
        }
    }

    async fn rebuild(&self) -> Result<Incoming> {
        let manifest = self.current_manifest().await?;
        let (store, keys) = (&self.to.store, &self.to.keys);
        let image = restore::rebuild(store, keys, manifest, Target::Latest, &self.scratch).await?;
        if image.head.checksums.count() == 0 {
            return Err(LogError::Dropped);
        }
        Ok(Incoming::Rebuilt(image, self.scratch.clone()))
    }

    /// Takes over what was read: from here on it is the durable state. Gives what has to be written over the durable
    /// state before, of which `previous` are the pages [`wanted`](Incoming::wanted).
    pub fn accept(&mut self, incoming: Incoming, previous: &Pages) -> Result<Changes> {
        match incoming {
            Incoming::Deltas(deltas) => self.accept_deltas(&deltas, previous),
            Incoming::InParts(delta, pages, checksums, path) => {
                let key = self.to.keys.delta(self.head.incarnation, delta.header.sequence);
                let before = self.head.checksums.count();
                self.head.advance(&delta, checksums).map_err(|what| LogError::damaged(&key, what))?;
                // It is open, so what is in it stays as long as it is used.
                std::fs::remove_file(path)?;
                Ok(Changes {
                    pages,
                    least: before.min(delta.header.pages_least),
                    count: delta.header.pages_after,
                    transactions: delta.transactions.iter().map(|transaction| transaction.pages).collect(),
                })
            }
            Incoming::Rebuilt(image, path) => {
                let changes = image.differences(&self.head.checksums);
                self.head = image.head;
                (self.proof, self.manifest_read) = (None, None);
                std::fs::remove_file(path)?;
                Ok(changes)
            }
        }
    }

    fn accept_deltas(&mut self, deltas: &[Delta], previous: &Pages) -> Result<Changes> {
        let mut head = self.head.clone();
        let mut merged = Changes { least: head.checksums.count(), ..Changes::default() };
        let mut all = Pages::new();
        for delta in deltas {
            let key = self.to.keys.delta(head.incarnation, delta.header.sequence);
            let pages = delta.apply(|number| all.get(&number).or_else(|| previous.get(&number)).map(Vec::as_slice));
            let pages = pages.map_err(|error| LogError::damaged(&key, error))?;
            let checksums = pages.iter().map(|(number, page)| (*number, page_checksum(*number, page)));
            head.advance(delta, checksums).map_err(|what| LogError::damaged(&key, what))?;
            all.extend(pages);
            merged.count = delta.header.pages_after;
            merged.least = merged.least.min(delta.header.pages_least);
            all.retain(|number, _| *number <= delta.header.pages_after);
            merged.transactions.extend(delta.transactions.iter().map(|transaction| transaction.pages));
        }
        merged.pages = ChangedPages::Here(all);
        self.head = head;
        Ok(merged)
    }

    /// Ends the database. `Lost` means that another instance has committed meanwhile: opening it again goes on with the
    /// drop, which is begun, and finds no database then.
    pub async fn drop_database(&mut self) -> Result<Outcome> {
        dropping::mark(&self.to, self.writer).await?;
        let outcome = self.append_last().await?;
        if outcome == Outcome::Acknowledged {
            dropping::finish(&self.to, self.writer).await?;
        }
        Ok(outcome)
    }

    /// Appends the delta that is the log's last: an empty one, so whoever still appends learns of it.
    async fn append_last(&mut self) -> Result<Outcome> {
        let header = Header { full_image: true, ..self.next_header() };
        let nothing = Pages::new();
        let commit = self.head.commit.next(self.to.clock.now().wall);
        let draft = Draft { header, pages: &nothing, transactions: &[], previous: &nothing, commit };
        let batch = delta::encode(draft)?;
        let mut append = Append::new(batch.header.sequence, batch.header.nonce, self.proof);
        let (outcome, winner) = drive(&mut append, &self.to, &batch).await;
        match outcome {
            Outcome::Acknowledged => {}
            Outcome::Lost => self.winner = winner.map(|object| (batch.header.sequence, object)),
            Outcome::Unknown => (self.proof, self.manifest_read) = (None, None),
        }
        Ok(outcome)
    }
}

/// The copy, if it is of this incarnation and whole.
async fn warm(copy: &Path, manifest: &Manifest) -> Result<Option<Image>> {
    let Some(state) = State::load(copy) else { return Ok(None) };
    let same = state.database == manifest.db_id && state.incarnation == manifest.incarnation;
    if !same || state.page_size != manifest.page_size {
        return Ok(None);
    }
    let copy = copy.to_owned();
    base::run(move || Ok(state::settle(&copy, &state).unwrap_or(None))).await
}

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;
