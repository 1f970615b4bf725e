//! Segments: deltas in a row as one object, so that a restore reads one instead of hundreds.
//!
//! Owns: [`fold`]. Must not know: when (`log::upkeep`).
//!
//! A segment is its deltas one after the other, byte for byte. So each can still be checked by itself and by the hash
//! that the next one names, and every state in it can be restored.

use bytes::{Bytes, BytesMut};

use crate::storage::blob::{BlobErrorKind, Body, Metadata, Precondition};
use crate::storage::kill_point;
use crate::storage::log::delta::{self, Digest, Id, Sequence};
use crate::storage::log::fault::{LogError, Result};
use crate::storage::log::fetch::Ahead;
use crate::storage::log::hlc::Timestamp;
use crate::storage::log::in_parts::InParts;
use crate::storage::log::manifest::{Manifest, Segment};
use crate::storage::log::orphans;
use crate::storage::log::retry::patiently;
use crate::storage::log::upkeep::Upkeep;

const AHEAD: usize = 16;

/// Folds the deltas after the last segment, up to `head`, into one more. Gives the manifest that names it, or another
/// instance's.
pub(super) async fn fold(upkeep: &Upkeep, manifest: &Manifest, head: Sequence) -> Result<Manifest> {
    let to = &upkeep.to;
    let from = manifest.folded() + 1;
    let last = head.min(from + upkeep.policy.segment_deltas.saturating_sub(1));
    let Folded { bytes, to: last, hlc_first, hlc_last, in_parts } = gather(upkeep, from, last).await?;
    let key = to.keys.segment(to.incarnation, (from, last), Id::random());
    let segment = Segment {
        from,
        to: last,
        key: key.clone(),
        size: bytes.len() as u64,
        blake3: Digest::of(&bytes),
        hlc_first,
        hlc_last,
        in_parts,
    };
    let nothing = Metadata::new();
    match patiently(|| to.store.put(&key, Body::Bytes(bytes.clone()), Precondition::Absent, &nothing)).await {
        Ok(_) => {}
        // The key has a random part: this is the echo of an attempt whose answer was lost.
        Err(error) if error.kind == BlobErrorKind::PreconditionFailed => {}
        Err(error) => return Err(error.into()),
    }
    let uploaded = to.clock.now();
    kill_point::reached("a segment is written");
    let current = upkeep
        .update(|manifest, _| {
            let is_next = manifest.folded() + 1 == from && orphans::may_be_named(to.clock.now(), uploaded);
            if is_next {
                manifest.segs.push(segment.clone());
            }
            Ok(is_next)
        })
        .await?;
    upkeep.delete_unless_named(&key, current.manifest.segs.iter().any(|named| named.key == key)).await?;
    Ok(current.manifest)
}

/// Deltas in a row.
struct Folded {
    bytes: Bytes,
    to: Sequence,
    hlc_first: Timestamp,
    hlc_last: Timestamp,
    in_parts: Vec<InParts>,
}

/// Reads deltas until there are enough, and checks that each follows the one before.
async fn gather(upkeep: &Upkeep, from: Sequence, last: Sequence) -> Result<Folded> {
    let (to, mut ahead, mut asked) = (&upkeep.to, Ahead::new(&upkeep.to.store), from);
    let (mut bytes, mut in_parts) = (BytesMut::new(), Vec::new());
    let mut before: Option<Digest> = None;
    let (mut hlc_first, mut hlc_last, mut next) = (None, Timestamp::default(), from);
    while next <= last && bytes.len() < upkeep.policy.segment_bytes {
        while asked <= last && ahead.len() < AHEAD {
            ahead.ask(to.keys.delta(to.incarnation, asked), None);
            asked += 1;
        }
        let key = to.keys.delta(to.incarnation, next);
        let object = ahead.answer().await.ok_or_else(|| LogError::damaged(&key, "it was not read"))??;
        let delta = delta::decode(&object).map_err(|what| LogError::damaged(&key, what))?;
        let follows = before.is_none_or(|before| before == delta.header.previous);
        if delta.header.sequence != next || delta.header.incarnation != to.incarnation || !follows {
            return Err(LogError::damaged(&key, "it does not follow the one before"));
        }
        bytes.extend_from_slice(&object);
        in_parts.extend(InParts::of(&delta));
        before = Some(delta.digest);
        hlc_first.get_or_insert(delta.header.first_commit);
        (hlc_last, next) = (delta.header.last_commit, next + 1);
    }
    let hlc_first = hlc_first.unwrap_or_default();
    Ok(Folded { bytes: bytes.freeze(), to: next - 1, hlc_first, hlc_last, in_parts })
}
