//! What keeps a log short: folding deltas into segments, making bases, letting go of what is no longer kept.
//!
//! Owns: [`Upkeep`], [`Policy`], the order of the steps. Must not know: working copies that are open. Any instance may do
//! any step at any time: each changes the manifest by compare-and-swap, and an object is deleted only long after a
//! manifest was written that does not need it.
//!
//! Writing (`upload`, then name it in the manifest) and deleting (stop naming it, wait, then delete) are mirror images,
//! so whoever reads by a manifest that is not older than the wait finds everything in it.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::storage::blob::{BlobErrorKind, ListedKey};
use crate::storage::kill_point;
use crate::storage::log::append_io::Destination;
use crate::storage::log::base;
use crate::storage::log::delta::{Id, Sequence};
use crate::storage::log::fault::{LogError, Result};
use crate::storage::log::hlc::Timestamp;
use crate::storage::log::in_parts::InParts;
use crate::storage::log::keys::Keys;
use crate::storage::log::manifest::{self, Base, Current, Manifest, Parent, Pin, Segment, Trash};
use crate::storage::log::orphans;
use crate::storage::log::pace;
use crate::storage::log::restore::{self, Target};
use crate::storage::log::retry::patiently;
use crate::storage::log::segment;
use crate::storage::log::state::{beside, discard};

/// When to do what.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Deltas in a segment.
    pub segment_deltas: u64,
    /// Bytes after which a segment is full before it has so many.
    pub segment_bytes: usize,
    /// A base is made when the segments after the newest one have more than this many hundredths of its size.
    pub base_after_percent: u64,
    /// How old, by the store's clock, a delta is before the floor passes it, and how long ago an object was let go
    /// before it is deleted.
    pub settled: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Policy { segment_deltas: 256, segment_bytes: 64 << 20, base_after_percent: 50, settled: pace::settled() }
    }
}

/// The upkeep of one database.
#[derive(Clone, Debug)]
pub struct Upkeep {
    pub to: Destination,
    pub writer: Id,
    pub policy: Policy,
    /// A file that nobody else uses, for making whole files.
    pub scratch: PathBuf,
    /// How long states are to be kept from now on; `None`: as the manifest says.
    pub retention: Option<Duration>,
}

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    pub segments: u32,
    pub bases: u32,
    pub deleted: u32,
}

impl Upkeep {
    /// Does whatever is due. `head` is a delta that is known to be in the log; a segment is made of fewer deltas than it
    /// may have if they are known to have enough bytes.
    pub async fn run(&self, head: Sequence, unfolded_bytes: u64) -> Result<Done> {
        let mut done = Done::default();
        let mut manifest = self.read().await?.manifest;
        let mut bytes = unfolded_bytes;
        while self.is_enough(head.saturating_sub(manifest.folded()), bytes) {
            manifest = segment::fold(self, &manifest, head).await?;
            bytes = bytes.saturating_sub(manifest.segs.last().map_or(bytes, Segment::bytes));
            done.segments += 1;
        }
        if self.needs_base(&manifest) {
            self.make_base(&manifest).await?;
            done.bases += 1;
        }
        done.deleted += self.sweep().await?;
        let settled = self.settled().await?;
        if let Some(parent) = self.let_go(settled).await? {
            release_pin(&self.to, self.writer, &parent).await?;
        }
        Ok(done)
    }

    /// Whether so many deltas with so many bytes make a segment.
    pub fn is_enough(&self, deltas: u64, bytes: u64) -> bool {
        deltas >= self.policy.segment_deltas || deltas > 0 && bytes >= self.policy.segment_bytes as u64
    }

    /// Bytes of the deltas that are in no segment, up to `head`; 0 if they are so many that it does not matter.
    pub async fn unfolded_bytes(&self, head: Sequence) -> Result<u64> {
        let folded = self.read().await?.manifest.folded();
        let deltas = head.saturating_sub(folded);
        if deltas == 0 || self.is_enough(deltas, 0) {
            return Ok(0);
        }
        let after = self.to.keys.delta(self.to.incarnation, folded);
        Ok(self.deltas_between(Some(after), head).await?.iter().map(|listed| listed.size).sum())
    }

    pub(super) async fn read(&self) -> Result<Current> {
        let current = manifest::read(&self.to.store, &self.to.keys).await?;
        match current.manifest.incarnation == self.to.incarnation {
            true => Ok(current),
            false => Err(LogError::Dropped),
        }
    }

    /// Changes the manifest.
    pub(super) async fn update(
        &self,
        change: impl FnMut(&mut Manifest, SystemTime) -> Result<bool>,
    ) -> Result<Current> {
        manifest::update(&self.to.store, &self.to.keys, (self.to.incarnation, self.writer), change).await
    }

    fn needs_base(&self, manifest: &Manifest) -> bool {
        let (from, size) = manifest.bases.last().map_or((0, 0), |base| (base.seq, base.size));
        let after: u64 = manifest.segs.iter().filter(|segment| segment.from > from).map(Segment::bytes).sum();
        after > 0 && after.saturating_mul(100) > size.saturating_mul(self.policy.base_after_percent)
    }

    /// Makes a base of the state at the end of the segments.
    async fn make_base(&self, manifest: &Manifest) -> Result<()> {
        let (store, seq) = (&self.to.store, manifest.folded());
        let image =
            restore::rebuild(store, &self.to.keys, manifest.clone(), Target::Sequence(seq), &self.scratch).await?;
        let head = base::run(move || image.finish_plain()).await?;
        let key = self.to.keys.base(self.to.incarnation, seq, Id::random());
        let (size, blake3) = base::upload(store, &key, &self.scratch, &beside(&self.scratch, ".zst")).await?;
        kill_point::reached("a base is written");
        let uploaded = self.to.clock.now();
        discard(&self.scratch)?;
        let post_checksum = head.checksums.total();
        let made = Base { seq, key, size, blake3, post_checksum, hlc: head.commit, chain: head.chain };
        let current = self
            .update(|manifest, _| {
                let is_new = manifest.bases.last().is_none_or(|last| last.seq < seq)
                    && orphans::may_be_named(self.to.clock.now(), uploaded);
                if is_new {
                    manifest.bases.push(made.clone());
                }
                Ok(is_new)
            })
            .await?;
        self.delete_unless_named(&made.key, current.manifest.bases.iter().any(|base| base.key == made.key)).await
    }

    /// An object of ours that somebody else's has made superfluous before the manifest ever named it.
    pub(super) async fn delete_unless_named(&self, key: &str, is_named: bool) -> Result<()> {
        if !is_named {
            patiently(|| self.to.store.delete(key)).await?;
        }
        Ok(())
    }

    /// The last delta that is folded or in a base, and old enough, with all before it, to be forgotten as an object of
    /// its own.
    async fn settled(&self) -> Result<Sequence> {
        let manifest = self.read().await?.manifest;
        let ends = manifest.segs.iter().map(|segment| segment.to).chain(manifest.bases.iter().map(|base| base.seq));
        let mut ends: Vec<Sequence> = ends.filter(|end| *end > manifest.floor).collect();
        ends.sort_unstable();
        for end in ends.into_iter().rev() {
            let key = self.to.keys.delta(self.to.incarnation, end);
            match patiently(|| self.to.store.head(&key)).await {
                Ok(info) if is_over(self.policy.settled, info.last_modified, info.store_time) => return Ok(end),
                Ok(_) => {}
                Err(error) if error.kind == BlobErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(manifest.floor)
    }

    /// Raises the floor, and stops naming what is older than the retention and not pinned. Gives the parent that is no
    /// longer needed.
    async fn let_go(&self, settled: Sequence) -> Result<Option<Parent>> {
        let mut released = None;
        self.update(|manifest, now| {
            let before = manifest.clone();
            if manifest.swept == manifest.floor && settled > manifest.floor {
                (manifest.floor, manifest.floor_raised) = (settled, Timestamp::of(now));
            }
            if let Some(retention) = self.retention {
                manifest.retention_seconds = retention.as_secs();
            }
            released = forget(manifest, now);
            Ok(*manifest != before)
        })
        .await?;
        Ok(released)
    }

    /// Deletes what was let go long enough ago.
    async fn sweep(&self) -> Result<u32> {
        let Current { manifest, store_time, .. } = self.read().await?;
        let is_due = |since: Timestamp| is_over(self.policy.settled, since.time(), store_time);
        let mut deleted = 0;
        let (trash, floor) = (manifest.trash, manifest.floor);
        let due: Vec<&Trash> = trash.iter().filter(|trash| is_due(trash.since)).collect();
        for trash in &due {
            let parts = trash.in_parts.iter().flat_map(|parts| parts.keys(&self.to.keys, self.to.incarnation));
            for key in parts.chain([trash.key.clone()]) {
                patiently(|| self.to.store.delete(&key)).await?;
                deleted += 1;
            }
        }
        let sweeps = manifest.swept < floor && is_due(manifest.floor_raised);
        if sweeps {
            deleted += self.delete_deltas(floor).await?;
            deleted += self.delete_orphans().await?;
        }
        if !due.is_empty() || sweeps {
            self.update(|manifest, _| {
                manifest.trash.retain(|trash| !due.iter().any(|gone| gone.key == trash.key));
                if sweeps {
                    manifest.swept = manifest.swept.max(floor);
                }
                Ok(true)
            })
            .await?;
        }
        Ok(deleted)
    }

    /// Deletes single deltas up to the floor; by listing, so that it finds what a writer that was suspended has written
    /// long after its time.
    async fn delete_deltas(&self, floor: Sequence) -> Result<u32> {
        let deltas = self.deltas_between(None, floor).await?;
        for listed in &deltas {
            patiently(|| self.to.store.delete(&listed.key)).await?;
        }
        Ok(deltas.len() as u32)
    }

    /// The objects of single deltas after that key, up to a number.
    async fn deltas_between(&self, mut after: Option<String>, last: Sequence) -> Result<Vec<ListedKey>> {
        let (prefix, last) = (self.to.keys.deltas(self.to.incarnation), self.to.keys.delta(self.to.incarnation, last));
        let mut deltas = Vec::new();
        loop {
            let listing = patiently(|| self.to.store.list(&prefix, after.as_deref())).await?;
            after = listing.keys.last().map(|listed| listed.key.clone());
            deltas.extend(listing.keys.into_iter().take_while(|listed| listed.key <= last));
            if !listing.more || after.as_ref().is_none_or(|key| *key > last) {
                return Ok(deltas);
            }
        }
    }
}

impl Manifest {
    /// The last delta that is in a segment, or that needs none.
    pub fn folded(&self) -> Sequence {
        let oldest = self.bases.first().map_or(0, |base| base.seq);
        self.segs.last().map_or(oldest, |segment| segment.to).max(self.floor)
    }
}

/// Stops naming what the retention and the pins do not need. The newest base that is old enough stays: every later state
/// is made from it.
fn forget(manifest: &mut Manifest, now: SystemTime) -> Option<Parent> {
    let start = now.checked_sub(Duration::from_secs(manifest.retention_seconds)).unwrap_or(SystemTime::UNIX_EPOCH);
    let base_before = |sequence: Sequence| manifest.bases.iter().rev().find(|base| base.seq <= sequence);
    let by_time = manifest.bases.iter().rev().find(|base| base.hlc <= Timestamp::of(start))?.seq;
    let mut first = by_time;
    for pin in &manifest.pins {
        first = first.min(base_before(pin.seq)?.seq);
    }
    let mut throw = |key: &str, in_parts: &[InParts]| {
        let (key, in_parts) = (key.to_owned(), in_parts.to_vec());
        manifest.trash.push(Trash { key, since: Timestamp::of(now), in_parts });
    };
    manifest.bases.iter().filter(|base| base.seq < first).for_each(|base| throw(&base.key, &[]));
    let unneeded = manifest.segs.iter().filter(|segment| segment.to <= first);
    unneeded.for_each(|segment| throw(&segment.key, &segment.in_parts));
    manifest.bases.retain(|base| base.seq >= first);
    manifest.segs.retain(|segment| segment.to > first);
    manifest.parent.take()
}

/// A branch does not need its parent's state any more.
pub(super) async fn release_pin(to: &Destination, writer: Id, parent: &Parent) -> Result<()> {
    let keys = Keys::of(&parent.database);
    let Some(name) = crate::storage::log::keys::database_of(&to.keys.manifest()) else { return Ok(()) };
    let released = manifest::update(&to.store, &keys, (parent.incarnation, writer), |manifest, _| {
        let before = manifest.pins.len();
        let is_ours = |pin: &Pin| pin.child.is_none_or(|child| child == to.incarnation);
        manifest.pins.retain(|pin| !(pin.branch == name && pin.seq == parent.seq && is_ours(pin)));
        Ok(manifest.pins.len() != before)
    });
    match released.await {
        Ok(_) | Err(LogError::Dropped | LogError::NoSuchDatabase) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether so much time has passed, by one clock.
fn is_over(time: Duration, since: SystemTime, now: SystemTime) -> bool {
    now.duration_since(since).is_ok_and(|passed| passed >= time)
}

#[cfg(test)]
#[path = "upkeep_tests.rs"]
mod tests;
