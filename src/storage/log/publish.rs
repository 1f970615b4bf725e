//! The plain SQLite file beside the log, for anybody who wants to download and open it.
//!
//! Owns: writing `{database}.sqlite`. Must not know: when.
//!
//! It is a publication, not the truth: what others write to it is not taken over, and is never overwritten either.

use crate::storage::blob::{BlobErrorKind, BlobInfo, Body, ETag, Metadata, Precondition};
use crate::storage::kill_point;
use crate::storage::log::base;
use crate::storage::log::delta::Sequence;
use crate::storage::log::fault::{LogError, Result};
use crate::storage::log::image::Head;
use crate::storage::log::manifest::{self, Manifest, Published};
use crate::storage::log::restore::{self, Target};
use crate::storage::log::retry::patiently;
use crate::storage::log::state::discard;
use crate::storage::log::upkeep::Upkeep;

impl Upkeep {
    /// Writes the latest state, unless it is there already. Gives the number of its delta.
    pub async fn publish(&self) -> Result<Sequence> {
        let (store, keys) = (&self.to.store, &self.to.keys);
        let manifest = manifest::read(store, keys).await?.manifest;
        if manifest.incarnation != self.to.incarnation {
            return Err(LogError::Dropped);
        }
        let condition = self.condition(&manifest).await?;
        let image = restore::rebuild(store, keys, manifest.clone(), Target::Latest, &self.scratch).await?;
        let head = base::run(move || image.finish_plain()).await?;
        let is_there = manifest.published.as_ref().is_some_and(|published| published.seq == head.sequence);
        if head.checksums.count() == 0 {
            discard(&self.scratch)?;
            return Err(LogError::Dropped);
        }
        if !is_there || condition == Precondition::Absent {
            kill_point::reached("a file is to be published");
            let etag = self.write(&head, condition).await?;
            kill_point::reached("a file is published");
            let published = Published { etag: etag.0, seq: head.sequence };
            let named = self.update(|manifest, _| {
                let is_newer = manifest.published.as_ref().is_none_or(|before| before.seq <= published.seq);
                if is_newer {
                    manifest.published = Some(published.clone());
                }
                Ok(is_newer)
            });
            if let Err(error) = named.await {
                self.unpublish(&published, &error).await?;
                return Err(error);
            }
        }
        discard(&self.scratch)?;
        Ok(head.sequence)
    }

    /// Takes back what was published of a database that was dropped meanwhile.
    async fn unpublish(&self, published: &Published, error: &LogError) -> Result<()> {
        let key = self.to.keys.file();
        if matches!(error, LogError::Dropped | LogError::NoSuchDatabase)
            && patiently(|| self.to.store.head(&key)).await.is_ok_and(|there| there.etag.0 == published.etag)
        {
            patiently(|| self.to.store.delete(&key)).await?;
        }
        Ok(())
    }

    /// The number of the delta whose state is published; none if no file is.
    pub async fn published(&self) -> Result<Option<Sequence>> {
        let manifest = manifest::read(&self.to.store, &self.to.keys).await?.manifest;
        Ok(manifest.published.map(|published| published.seq))
    }

    /// On what condition the file may be written: it is the one last published, or not there.
    async fn condition(&self, manifest: &Manifest) -> Result<Precondition> {
        let key = self.to.keys.file();
        let there = match patiently(|| self.to.store.head(&key)).await {
            Ok(there) => there,
            Err(error) if error.kind == BlobErrorKind::NotFound => return Ok(Precondition::Absent),
            Err(error) => return Err(error.into()),
        };
        let is_known = manifest.published.as_ref().is_some_and(|published| published.etag == there.etag.0);
        // The manifest may not have been told of the last publication.
        if is_known || there.metadata.get(INCARNATION) == Some(&manifest.incarnation.to_string()) {
            Ok(Precondition::Matches(there.etag))
        } else {
            Err(LogError::ForeignFile)
        }
    }

    async fn write(&self, head: &Head, condition: Precondition) -> Result<ETag> {
        let key = self.to.keys.file();
        let metadata = Metadata::from([
            (INCARNATION.to_owned(), head.incarnation.to_string()),
            ("seq".to_owned(), head.sequence.to_string()),
            (CHAIN.to_owned(), head.chain.to_string()),
        ]);
        let put = || self.to.store.put(&key, Body::File(self.scratch.clone()), condition.clone(), &metadata);
        match patiently(put).await {
            Ok(put) => Ok(put.etag),
            Err(error) if error.lost_race() || error.kind == BlobErrorKind::NotFound => {
                // Perhaps by an attempt of ours whose answer was lost.
                match patiently(|| self.to.store.head(&key)).await {
                    Ok(BlobInfo { etag, metadata, .. }) if metadata.get(CHAIN) == Some(&head.chain.to_string()) => {
                        Ok(etag)
                    }
                    Ok(_) => Err(LogError::ForeignFile),
                    Err(error) => Err(error.into()),
                }
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// In the metadata of what was published: of which incarnation.
pub(super) const INCARNATION: &str = "incarnation";
const CHAIN: &str = "chain";
