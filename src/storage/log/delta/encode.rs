//! Writing a delta.
//!
//! Owns: [`encode`], [`encode_in_parts`], [`encode_part`]. Must not know: what becomes of the bytes.

use bytes::Bytes;

use super::layout::{
    END, FULL_IMAGE, HEADER, IN_PARTS, MAGIC, MAX_RAW, PART, PART_ENTRY, TRAILER, TRANSACTION, VERSION, XOR, ZSTD,
};
use super::{DeltaError, Digest, Encoding, Header, Part, Transaction, crc32c::crc32c, xor};
use crate::storage::log::changes::Pages;
use crate::storage::log::hlc::Timestamp;
use crate::storage::log::page_checksum::normalised;

/// In every delta whose number is a multiple of this all pages are plain, so that what a page is can be known without
/// going further back.
pub const PLAIN_EVERY: u64 = 256;

/// zstd's level: more costs more time than the bytes are worth.
const LEVEL: i32 = 1;

/// What a delta is made of. `header.transactions`, `.pages`, `.first_commit` and `.last_commit` are filled in.
#[derive(Debug)]
pub struct Draft<'d> {
    pub header: Header,
    pub pages: &'d Pages,
    /// For each transaction, how many pages it wrote.
    pub transactions: &'d [u32],
    /// Pages of the state before, as many as are known.
    pub previous: &'d Pages,
    /// The time of the first commit; the others follow it.
    pub commit: Timestamp,
}

/// A delta as it goes into the store.
#[derive(Clone, Debug)]
pub struct Encoded {
    pub bytes: Bytes,
    pub header: Header,
    pub digest: Digest,
}

/// Writes a delta down.
pub fn encode(draft: Draft<'_>) -> Result<Encoded, DeltaError> {
    let Draft { header, pages, transactions, previous, commit } = draft;
    let (mut header, table) = dated(header, transactions, commit)?;
    header.pages = count(pages.len())?;
    let may_xor = !header.full_image && header.sequence % PLAIN_EVERY != 0;
    let base = |number: u32| previous.get(&number).filter(|_| may_xor && number <= header.pages_before);
    let (raw, any_xor) = payload(pages, header.page_size as usize, base)?;
    let flags = if any_xor { XOR } else { 0 } | if header.full_image { FULL_IMAGE } else { 0 };
    assemble(header, flags, &table, &raw)
}

/// Writes some of the pages of a large delta down. The header is the delta's but for the number of pages.
pub fn encode_part(mut header: Header, pages: &Pages) -> Result<Encoded, DeltaError> {
    header.pages = count(pages.len())?;
    let (raw, _) = payload(pages, header.page_size as usize, |_| None)?;
    assemble(header, PART, &[], &raw)
}

/// Writes a large delta down, whose `pages` are in parts that have been written.
pub fn encode_in_parts(
    header: Header,
    (pages, parts): (usize, &[Part]),
    transactions: &[u32],
    commit: Timestamp,
) -> Result<Encoded, DeltaError> {
    let (mut header, table) = dated(header, transactions, commit)?;
    header.pages = count(pages)?;
    let mut raw = Vec::with_capacity(parts.len() * PART_ENTRY);
    for part in parts {
        raw.extend(part.size.to_le_bytes());
        raw.extend_from_slice(&part.blake3.0);
    }
    assemble(header, IN_PARTS, &table, &raw)
}

fn count(number: usize) -> Result<u32, DeltaError> {
    u32::try_from(number).map_err(|_| DeltaError("too many transactions or pages"))
}

/// The transactions with their times.
fn dated(
    mut header: Header,
    transactions: &[u32],
    commit: Timestamp,
) -> Result<(Header, Vec<Transaction>), DeltaError> {
    let table: Vec<Transaction> = (0..)
        .zip(transactions)
        .map(|(index, pages)| Transaction { commit: Timestamp(commit.0.saturating_add(index)), pages: *pages })
        .collect();
    header.transactions = count(table.len())?;
    header.first_commit = commit;
    header.last_commit = table.last().map_or(commit, |transaction| transaction.commit);
    Ok((header, table))
}

fn assemble(header: Header, flags: u16, table: &[Transaction], raw: &[u8]) -> Result<Encoded, DeltaError> {
    let compressed = zstd::bulk::compress(raw, LEVEL).map_err(|_| DeltaError("a payload cannot be compressed"))?;
    let (stored, zstd) = if compressed.len() < raw.len() { (&compressed[..], ZSTD) } else { (raw, 0) };
    let mut out = Vec::with_capacity(HEADER + table.len() * TRANSACTION + stored.len() + TRAILER);
    put_header(&mut out, &header, flags | zstd, (raw.len() as u64, stored.len() as u64));
    for transaction in table {
        out.extend(transaction.commit.0.to_le_bytes());
        out.extend(transaction.pages.to_le_bytes());
    }
    out.extend_from_slice(stored);
    let mut hasher = blake3::Hasher::new();
    hasher.update(&out);
    let content = out.len();
    out.extend_from_slice(hasher.finalize().as_bytes());
    out.extend(((content + TRAILER) as u64).to_le_bytes());
    out.extend_from_slice(&END);
    hasher.update(out.get(content..).unwrap_or_default());
    Ok(Encoded { bytes: Bytes::from(out), header, digest: Digest(*hasher.finalize().as_bytes()) })
}

/// The bytes with whatever checks them put right: an object that only its content can give away. For tests and fuzzing.
pub fn forge(bytes: &[u8]) -> Option<Bytes> {
    let (content, total) = (bytes.len().checked_sub(TRAILER)?, bytes.len() as u64);
    let mut out = bytes.to_vec();
    let crc = crc32c(out.get(..HEADER - 4)?);
    out.get_mut(HEADER - 4..HEADER)?.copy_from_slice(&crc.to_le_bytes());
    out.truncate(content);
    let digest = blake3::hash(&out);
    out.extend_from_slice(digest.as_bytes());
    out.extend(total.to_le_bytes());
    out.extend_from_slice(&END);
    Some(Bytes::from(out))
}

/// Page numbers, how each page is written down, the pages; and whether any is a difference.
fn payload<'p>(
    pages: &Pages,
    page_size: usize,
    base: impl Fn(u32) -> Option<&'p Vec<u8>>,
) -> Result<(Vec<u8>, bool), DeltaError> {
    let length = pages.len().saturating_mul(page_size + 6);
    if length as u64 > MAX_RAW {
        return Err(DeltaError("a batch of more than 2 GiB"));
    }
    let (mut raw, mut before, mut any_xor) = (Vec::with_capacity(length), 0, false);
    for number in pages.keys() {
        put_varint(&mut raw, number - before);
        before = *number;
    }
    for number in pages.keys() {
        let encoding = if base(*number).is_some() { Encoding::Xor } else { Encoding::Plain };
        any_xor |= encoding == Encoding::Xor;
        raw.push(encoding as u8);
    }
    for (number, page) in pages {
        if page.len() != page_size {
            return Err(DeltaError("a page of another size"));
        }
        let start = raw.len();
        raw.extend_from_slice(page);
        if let (Some(base), Some(page)) = (base(*number), raw.get_mut(start..)) {
            xor(page, &normalised(*number, base));
        }
    }
    Ok((raw, any_xor))
}

fn put_header(out: &mut Vec<u8>, header: &Header, flags: u16, (raw, stored): (u64, u64)) {
    out.extend_from_slice(&MAGIC);
    out.extend(VERSION.to_le_bytes());
    out.extend(flags.to_le_bytes());
    out.extend(header.page_size.to_le_bytes());
    out.extend_from_slice(&header.database.0);
    out.extend_from_slice(&header.incarnation.0);
    out.extend(header.sequence.to_le_bytes());
    out.extend_from_slice(&header.previous.0);
    out.extend_from_slice(&header.writer.0);
    out.extend_from_slice(&header.nonce.0);
    out.extend(header.transactions.to_le_bytes());
    out.extend(header.first_commit.0.to_le_bytes());
    out.extend(header.last_commit.0.to_le_bytes());
    for pages in [header.pages_before, header.pages_least, header.pages_after, header.pages] {
        out.extend(pages.to_le_bytes());
    }
    out.extend(raw.to_le_bytes());
    out.extend(stored.to_le_bytes());
    out.extend(header.post_checksum.to_le_bytes());
    // Of encryption, which this version does not have: the key's name and the nonce.
    out.extend([0; 16 + 24]);
    out.extend(crc32c(out).to_le_bytes());
}

/// Seven bits a byte, the lowest first; the highest bit says that there are more.
fn put_varint(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
