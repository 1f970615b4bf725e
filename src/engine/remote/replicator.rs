//! Moves one database's durable position forward through its chain in the object store, and follows what other
//! instances have appended to it.
//!
//! Owns: [`Replicator`]. Must not know: formats, keys, retries (`storage::log`), sessions.
//!
//! One append is under way at a time. While it is, commits go on and share the next. The durable state stays pinned
//! until the next one is durable: readers open it, a checkpoint stops at it, and a lost race goes back to it.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{OwnedMutexGuard, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::debug_log::debug;
use crate::engine::database::Database;
use crate::engine::progress::blocking;
use crate::engine::remote::RemoteOptions;
use crate::engine::remote::bare::{self, Emptied};
use crate::engine::remote::linger::Linger;
use crate::engine::remote::pin::Pin;
use crate::engine::remote::publication::{Extent, keep_up};
use crate::engine::remote::replace::replace_pages;
use crate::engine::remote::replica::Replica;
use crate::error::{Error, SqlState};
use crate::storage::kill_point;
use crate::storage::log::append::Outcome;
use crate::storage::log::chain::{Chain, Incoming};
use crate::storage::log::changes::{Changes, Pages};
use crate::storage::log::fault::LogError;
use crate::storage::log::pace;
use crate::storage::log::upkeep::Policy;
use crate::storage::log::wal::{WalMark, WalPosition, read_changes};
use crate::storage::watermark::{CommitSequence, Fate, Watermark};

/// Frames in the log from which on it is worth copying; 4 MiB of 4 KiB pages, so that reads are kept waiting shortly.
const ENOUGH: u32 = 1_024;

/// Frames from which on writers wait for one append, so that the log can be emptied after it; 32 MiB.
const LARGE: u32 = 8_192;

/// How long an append waits for the writer's place to empty the log after it.
const LARGE_PATIENCE: Duration = Duration::from_millis(100);

/// Frames from which on collected commits are appended before their time; 256 MiB.
const TOO_MANY: u32 = 65_536;

/// How long to wait before something that failed is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// See the module.
pub(crate) struct Replicator {
    name: String,
    path: PathBuf,
    /// Which file that is.
    file: Option<FileId>,
    chain: Chain,
    options: RemoteOptions,
    ticket: Arc<tokio::sync::Mutex<()>>,
    watermark: Arc<Watermark>,
    replica: Arc<Replica>,
    database: Weak<Database>,
    /// Commits that are in the chain.
    appended: CommitSequence,
    /// When the collected commits are appended.
    due: Option<Instant>,
    /// What the next append waits for.
    linger: Option<Linger>,
    /// Where the state of the chain ends in the log.
    durable: WalMark,
    /// The durable state. Let go for a moment while the log is emptied.
    pin: Option<Pin>,
    /// Taken before an append after which the log is to be emptied.
    held: Option<OwnedMutexGuard<()>>,
    /// For the next pin.
    spare: Option<rusqlite::Connection>,
    /// Frames at which the log is copied next.
    next_copy: u32,
}

/// What a replicator is made of.
pub(crate) struct Parts {
    pub(crate) chain: Chain,
    pub(crate) options: RemoteOptions,
    /// Of the durable state.
    pub(crate) pin: Pin,
    pub(crate) durable: WalMark,
}

impl Replicator {
    pub(crate) fn new(database: &Arc<Database>, replica: Arc<Replica>, parts: Parts) -> Self {
        let mut chain = parts.chain;
        chain.count_written(database.watermark().counter());
        Replicator {
            name: database.name().to_owned(),
            path: database.path().to_owned(),
            file: file_id(database.path()),
            chain,
            options: parts.options,
            ticket: database.writers(),
            watermark: Arc::clone(database.watermark()),
            replica,
            database: Arc::downgrade(database),
            appended: 0,
            due: None,
            linger: None,
            durable: parts.durable,
            pin: Some(parts.pin),
            held: None,
            spare: None,
            next_copy: ENOUGH,
        }
    }

    /// Runs until `stop`, and until everything committed is durable then. What it gives publishes what is new, and ends
    /// with that or when it is dropped.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) -> JoinSet<()> {
        self.save_state();
        let mut next_poll = Instant::now() + self.options.poll;
        let (head, heads) = watch::channel(self.extent());
        let mut keeping = JoinSet::new();
        if !self.options.standby {
            let mut upkeep = self.chain.upkeep(Policy::default());
            upkeep.retention = Some(self.options.retention);
            keeping.spawn(keep_up(self.name.clone(), upkeep, heads, pace::upkeep_period()));
        }
        loop {
            let extent = self.extent();
            head.send_if_modified(|known| std::mem::replace(known, extent) != extent);
            self.report();
            self.check_copy();
            self.expect_append();
            if self.is_due() || *stop.borrow() && self.is_behind() {
                self.advance().await;
                continue;
            }
            let replica = Arc::clone(&self.replica);
            let due = self.due.or_else(|| self.lingers_until()).unwrap_or(next_poll);
            tokio::select! {
                biased;
                () = replica.has_committed() => {}
                () = stopped(&mut stop) => if !self.is_behind() { break },
                () = sleep_until(due.min(next_poll)) => {}
            }
            if Instant::now() >= next_poll {
                if self.check_copy() {
                    self.catch_up().await;
                }
                next_poll = Instant::now() + self.options.poll;
            }
        }
        keeping
    }

    fn extent(&self) -> Extent {
        Extent { sequence: self.chain.head().sequence, grown: self.chain.grown() }
    }

    /// Whether the working copy is still there. Who has removed it has not reached what is open, so what was committed
    /// can still be appended; but no other connection can be made.
    fn check_copy(&self) -> bool {
        if file_id(&self.path) == self.file {
            return true;
        }
        let message = format!("the working copy \"{}\" was removed while the server was running", self.path.display());
        let why = Error::fatal(SqlState::IO_ERROR, message.clone());
        if self.replica.end(why.with_hint("The object store has what was committed. Restart the server to fetch it.")) {
            log::error!(
                "database \"{}\": {message}; it cannot be used until the server is restarted, which fetches it from the object store",
                self.name
            );
        }
        self.replica.progress().error = Some(message);
        false
    }

    fn is_behind(&self) -> bool {
        self.watermark.last_committed() > self.appended
    }

    /// Whether commits are to be appended now.
    fn is_due(&self) -> bool {
        let is_due = match self.options.interval {
            None => self.lingers_until().is_none(),
            Some(_) => self.due.is_some_and(|due| Instant::now() >= due),
        };
        self.is_behind() && (is_due || self.replica.local().frames > TOO_MANY)
    }

    /// Until when the commits there are wait for more.
    fn lingers_until(&self) -> Option<Instant> {
        self.linger.filter(|_| self.is_behind())?.until(Instant::now(), self.watermark.last_committed())
    }

    /// There are commits; where they are not waited for they are collected.
    fn expect_append(&mut self) {
        if let (Some(interval), None, true) = (self.options.interval, self.due, self.is_behind()) {
            self.due = Some(Instant::now() + interval);
        }
    }

    /// Appends what was committed since the durable position.
    async fn advance(&mut self) {
        if self.durable.position.frames >= LARGE {
            let ticket = Arc::clone(&self.ticket).lock_owned();
            self.held = tokio::time::timeout(LARGE_PATIENCE, ticket).await.ok();
        }
        self.append_committed().await;
        self.held = None;
    }

    async fn append_committed(&mut self) {
        kill_point::reached("commits are only here");
        let (sequence, local, pin) = match self.pin_latest() {
            Ok(pinned) => pinned,
            Err(_) if !self.check_copy() => {
                // Nothing of it was sent.
                let last = self.watermark.last_committed();
                return self.settle(last, Fate::Lost);
            }
            Err(error) => return self.pause(&format!("cannot be pinned: {error}")).await,
        };
        self.due = None;
        if local == self.durable.position {
            return self.settle(sequence, Fate::Durable);
        }
        let (changes, mark, previous) = match blocking(|| self.read_batch(local)) {
            Ok(batch) => batch,
            Err(error) => {
                log::error!("database \"{}\": {error}; ending the process", self.name);
                std::process::abort();
            }
        };
        let begun = Instant::now();
        match self.append(changes, previous).await {
            Ok(Outcome::Acknowledged) => {
                let (now, answered) = (Instant::now(), sequence.saturating_sub(self.appended));
                self.linger = Some(Linger::after(now, now - begun, answered, self.watermark.last_committed()));
                kill_point::reached("a batch is in the chain");
                *self.replica.exclude_reads() = Arc::clone(pin.snapshot());
                self.durable = mark;
                let before = self.pin.replace(pin);
                self.spare = before.and_then(|pin| pin.release().ok());
                self.settle(sequence, Fate::Durable);
                kill_point::reached("clients are told of a batch");
                self.save_state();
                self.look_after_log().await;
            }
            Ok(Outcome::Lost) => self.fall_back(sequence, Fate::Lost).await,
            Ok(Outcome::Unknown) => self.fall_back(sequence, Fate::Unknown).await,
            Err(error) => self.give_up(sequence, &error).await,
        }
    }

    /// What was committed up to a position, where that leads, and the pages before that make it smaller.
    fn read_batch(&self, local: WalPosition) -> Result<(Changes, WalMark, Pages), String> {
        let (changes, mark) = self.changes_until(local)?;
        let pin = self.pin.as_ref().ok_or("the durable state is not pinned")?;
        let previous = pin.pages(self.chain.wanted(&changes)).map_err(|error| error.to_string())?;
        Ok((changes, mark, previous))
    }

    fn changes_until(&self, local: WalPosition) -> Result<(Changes, WalMark), String> {
        let signs = self.watermark.counter();
        read_changes(self.replica.wal(), self.durable, local, (self.chain.part(), &signs)).map_err(|e| e.to_string())
    }

    /// Appends a batch. Once nothing has got through for longer than commits wait, writing is refused: it could only
    /// pile up.
    async fn append(&mut self, changes: Changes, previous: Pages) -> Result<Outcome, LogError> {
        let patience = self.options.commit_timeout;
        let append = self.chain.append(&changes, &previous);
        let mut append = std::pin::pin!(append);
        let mut signs = self.watermark.signs();
        loop {
            if let Ok(outcome) = tokio::time::timeout(patience, &mut append).await {
                return outcome;
            }
            let before = std::mem::replace(&mut signs, self.watermark.signs());
            if signs == before {
                break;
            }
        }
        let silence = format!("the object store has not answered for {} s", patience.as_secs());
        log::error!("database \"{}\": {silence}", self.name);
        self.replica.progress().error = Some(silence);
        self.replica.refuse_writes(Some(unreachable_store(patience)));
        let outcome = append.await;
        self.replica.refuse_writes(None);
        self.replica.progress().error = None;
        log::info!("database \"{}\": the object store answers again", self.name);
        outcome
    }

    /// A batch that must not be appended: there is a mistake in it, in the copy or in this program. Nothing was sent,
    /// and nothing more will be until the database is fetched anew.
    async fn give_up(&mut self, sequence: CommitSequence, error: &LogError) {
        log::error!("database \"{}\": {error}; nothing is written until the server is started again", self.name);
        let message = format!("the working copy of the database cannot be trusted: {error}");
        self.replica.progress().error = Some(message.clone());
        self.replica.refuse_writes(Some(Error::new(SqlState::DATA_CORRUPTED, message)));
        let ticket = self.stop_writers().await;
        self.become_remote(None, Some((sequence, Fate::Lost)), ticket).await;
    }

    /// Notes where things stand, for others to see.
    fn report(&self) {
        let mut progress = self.replica.progress();
        progress.sequence = self.chain.head().sequence;
        progress.durable_frames = self.durable.position.frames;
    }

    /// Beside the copy, for the next start. Without it that fetches everything.
    fn save_state(&self) {
        if let Err(error) = self.chain.state(self.durable).save(&self.path) {
            debug!("database \"{}\": the working copy's state was not saved: {error}", self.name);
        }
    }

    /// Commits up to `sequence` have been appended, or have met another fate.
    fn settle(&mut self, sequence: CommitSequence, fate: Fate) {
        self.appended = self.appended.max(sequence);
        self.replica.progress().settled();
        self.report();
        self.watermark.settle(sequence, fate);
    }

    /// The latest local state, pinned, with its position and the number of its last commit.
    fn pin_latest(&mut self) -> rusqlite::Result<(CommitSequence, WalPosition, Pin)> {
        let spare = self.spare.take();
        blocking(|| {
            let connection = spare.map_or_else(|| bare::open(&self.path), Ok)?;
            let local = self.replica.local();
            let pin = Pin::take(connection)?;
            self.replica.progress().taken();
            Ok((self.watermark.last_committed(), *local, pin))
        })
    }

    /// Applies what others have appended, if they have.
    async fn catch_up(&mut self) {
        match self.incoming().await {
            Ok(None) => self.is_well_again(),
            Ok(Some(incoming)) => {
                self.is_well_again();
                let ticket = self.stop_writers().await;
                // A commit that came in between stands on a state that is overtaken.
                self.become_remote(Some(incoming), None, ticket).await;
            }
            Err(error) => {
                log::warn!("database \"{}\": cannot look for others' commits: {error}", self.name);
                self.replica.progress().error = Some(error.to_string());
            }
        }
    }

    /// The race is lost: everything committed since the durable position is undone, up to `sequence` with this fate,
    /// and what the others have appended is applied.
    async fn fall_back(&mut self, sequence: CommitSequence, fate: Fate) {
        kill_point::reached("a race is lost");
        let incoming = loop {
            match self.incoming().await {
                Ok(Some(incoming)) => break Some(incoming),
                // An append of unknown fate may be in nobody's way.
                Ok(None) if fate == Fate::Unknown => break None,
                Ok(None) => self.pause("another instance's commits are not there yet").await,
                Err(error) => self.pause(&format!("cannot read others' commits: {error}")).await,
            }
        };
        let ticket = self.stop_writers().await;
        self.become_remote(incoming, Some((sequence, fate)), ticket).await;
    }

    /// What others have appended.
    async fn incoming(&mut self) -> Result<Option<Incoming>, LogError> {
        let incoming = self.chain.catch_up().await;
        if let Err(LogError::Dropped) = &incoming {
            let message = format!("database \"{}\" has been dropped by another server", self.name);
            self.replica.refuse_writes(Some(Error::fatal(SqlState::INVALID_CATALOG_NAME, message)));
        }
        incoming
    }

    /// The pages to write over the durable state to have the chain's.
    fn take_over(&mut self, incoming: Option<Incoming>) -> Result<Option<Changes>, String> {
        let Some(incoming) = incoming else { return Ok(None) };
        let pin = self.pin.as_ref().ok_or("the durable state is not pinned")?;
        let previous = pin.pages(incoming.wanted()).map_err(|error| error.to_string())?;
        self.chain.accept(incoming, &previous).map(Some).map_err(|error| error.to_string())
    }

    /// The write ticket; whoever has it in an open transaction gives way.
    async fn stop_writers(&mut self) -> OwnedMutexGuard<()> {
        if let Some(held) = self.held.take() {
            return held;
        }
        self.replica.evict(true);
        let ticket = Arc::clone(&self.ticket).lock_owned().await;
        self.replica.evict(false);
        ticket
    }

    /// Makes the file what the chain says.
    async fn become_remote(
        &mut self,
        incoming: Option<Incoming>,
        batch: Option<(CommitSequence, Fate)>,
        ticket: OwnedMutexGuard<()>,
    ) {
        let last = self.watermark.last_committed();
        if last > self.appended && self.options.interval.is_some() {
            self.keep_fork().await;
        }
        let changes = match blocking(|| self.take_over(incoming)) {
            Ok(changes) => changes,
            Err(error) => {
                // Neither what is here nor what is there can be told from a mistake.
                log::error!("database \"{}\": cannot take over what others have written: {error}", self.name);
                let message = format!("the working copy of the database cannot be trusted: {error}");
                self.replica.progress().error = Some(message.clone());
                self.replica.refuse_writes(Some(Error::new(SqlState::DATA_CORRUPTED, message)));
                None
            }
        };
        kill_point::reached("others' commits are known");
        while let Err(error) = blocking(|| self.replace(changes.as_ref())) {
            if !self.check_copy() {
                break;
            }
            // A full disk, most likely. The copy is of no use before this has succeeded.
            self.pause(&format!("cannot take over what others have written: {error}")).await;
        }
        kill_point::reached("pages are replaced");
        let undone = last > self.appended;
        {
            let mut progress = self.replica.progress();
            progress.all_settled();
            progress.conflicts += u64::from(undone);
        }
        if let Some((sequence, fate)) = batch {
            self.settle(sequence, fate);
        }
        // Whoever read while the file was being replaced may have seen what was undone.
        let replaced = self.watermark.last_committed();
        self.settle(replaced, if undone { Fate::Lost } else { Fate::Durable });
        let clean = self.watermark.announce();
        self.watermark.committed(clean);
        self.settle(clean, Fate::Durable);
        if undone {
            log::info!("database \"{}\": overtaken by another instance, local commits are undone", self.name);
        }
        drop(ticket);
        self.save_state();
        self.look_after_log().await;
    }

    /// Commits that were acknowledged without waiting have lost: what they have written is kept beside the chain.
    async fn keep_fork(&mut self) {
        let local = *self.replica.local();
        let kept = match blocking(|| self.read_batch(local)) {
            Ok((changes, _, previous)) => self.chain.keep_fork(&changes, &previous).await.map_err(|e| e.to_string()),
            Err(error) => Err(error),
        };
        match kept {
            Ok(place) => log::error!(
                "database \"{}\": another instance has written to it; commits of this one are undone and kept in {place}",
                self.name
            ),
            Err(error) => log::error!(
                "database \"{}\": another instance has written to it; commits of this one are undone and could not be kept: {error}",
                self.name
            ),
        }
    }

    /// In one transaction: back to the durable state, and over it what others have appended.
    fn replace(&mut self, changes: Option<&Changes>) -> Result<(), String> {
        let text = |error: rusqlite::Error| error.to_string();
        let pin = self.pin.as_ref().ok_or("the durable state is not pinned")?;
        let local = *self.replica.local();
        let before = pin.page_count().map_err(text)?;
        let mut undone = None;
        if local != self.durable.position {
            undone = Some(self.changes_until(local)?.0);
        }
        let undone = undone.iter().flat_map(|undone| {
            // What a shrunken file has lost comes back too.
            let kept = undone.least.min(before);
            undone.pages.numbers_from(0).filter(move |page| *page <= kept).chain(kept + 1..=before)
        });
        let undone = undone.filter(|number| !changes.is_some_and(|changes| changes.pages.contains(*number)));
        let undone = pin.each_page(undone).map_err(text)?.map(|page| page.map_err(Failed::from));
        let brought =
            changes.into_iter().flat_map(|changes| changes.pages.iter().map(|page| page.map_err(Failed::from)));
        let count = changes.map_or(before, |changes| changes.count);
        let database = self.database.upgrade().ok_or("the database is closed")?;
        let mut reads = self.replica.exclude_reads();
        database.pool().begin_generation();
        let mut outcome = Ok(());
        self.replica.commit(|_| {
            replace_pages(&self.path, undone.chain(brought), count).unwrap_or_else(|Failed(error)| {
                outcome = Err(error);
                0
            })
        });
        outcome?;
        self.durable = WalMark::at(self.replica.wal(), *self.replica.local()).map_err(|e| e.to_string())?;
        let pin = Pin::new(&self.path).map_err(text)?;
        *reads = Arc::clone(pin.snapshot());
        self.pin = Some(pin);
        drop(reads);
        database.reload().map_err(|error| error.to_string())
    }

    /// Copies the log into the file as far as it is durable, and has it start anew when all of it is.
    async fn look_after_log(&mut self) {
        if self.durable.position.frames < self.next_copy || !self.check_copy() {
            return;
        }
        let ticket = self.held.take().or_else(|| Arc::clone(&self.ticket).try_lock_owned().ok());
        let outcome = match ticket {
            Some(_ticket) if *self.replica.local() == self.durable.position => blocking(|| self.empty_log()),
            _ => blocking(|| {
                let _reads = self.replica.exclude_reads();
                bare::copy_log(&self.path)
            }),
        };
        if let Err(error) = outcome {
            log::warn!("database \"{}\": checkpoint failed: {error}", self.name);
        }
        self.next_copy = self.durable.position.frames.saturating_add(ENOUGH);
    }

    /// Everything is durable and nobody writes: copies the log and has it start anew, with a commit that changes nothing
    /// so that there is something to pin.
    fn empty_log(&mut self) -> rusqlite::Result<()> {
        let mut reads = self.replica.exclude_reads();
        self.pin = None;
        let emptied = bare::empty_log(&self.path);
        kill_point::reached("the log is emptied");
        if let Ok(Emptied::Anew(frames)) = emptied {
            let position = self.replica.position(frames);
            self.durable = WalMark::at(self.replica.wal(), position).map_err(unreadable)?;
            *self.replica.local() = position;
        }
        let pin = Pin::new(&self.path)?;
        *reads = Arc::clone(pin.snapshot());
        self.pin = Some(pin);
        emptied.map(drop)
    }

    /// The store answers. What writing is refused for is not over by that.
    fn is_well_again(&self) {
        if self.options.standby || self.replica.check_writable().is_ok() {
            self.replica.progress().error = None;
        }
    }

    async fn pause(&mut self, what: &str) {
        self.replica.progress().error = Some(what.to_owned());
        log::error!("database \"{}\": {what}; trying again", self.name);
        tokio::time::sleep(PAUSE).await;
    }
}

/// Why pages were not replaced.
struct Failed(String);

impl<E: std::error::Error> From<E> for Failed {
    fn from(error: E) -> Self {
        Failed(error.to_string())
    }
}

/// Device and number.
type FileId = (u64, u64);

fn file_id(path: &Path) -> Option<FileId> {
    std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

/// Resolves when the replicator is to stop, or nobody is left to say so.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stopping| *stopping).await;
}

/// The answer to what wants to write while nothing gets through.
fn unreachable_store(patience: Duration) -> Error {
    let message = format!("the object store has not answered for {} s, nothing can be written", patience.as_secs());
    Error::new(SqlState::CONNECTION_FAILURE, message).with_hint("Reading goes on. Retry later.")
}

fn unreadable(error: std::io::Error) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(error))
}
