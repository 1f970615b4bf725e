//! Reading a delta: from a store, so from anybody.
//!
//! Owns: [`decode`], [`decode_first`], [`decode_part`], [`peek`]. Every length is checked against what is there before it is used.

use std::io::Read;

use bytes::Bytes;

use super::layout::{
    ENCRYPTED, END, FULL_IMAGE, HEADER, IN_PARTS, MAGIC, MAX_RAW, PART, PART_ENTRY, TRAILER, TRANSACTION, VERSION, XOR,
    ZSTD,
};
use super::{Delta, DeltaError, Digest, EncodedPage, Encoding, Header, Id, Part, Transaction, crc32c::crc32c};
use crate::storage::log::changes::lock_page;
use crate::storage::log::hlc::Timestamp;

type Result<T> = std::result::Result<T, DeltaError>;

/// Reads an object that is one delta.
pub fn decode(object: &Bytes) -> Result<Delta> {
    match decode_first(object)? {
        (delta, length) if length == object.len() => Ok(delta),
        _ => Err(DeltaError("there is something after the delta")),
    }
}

/// Reads an object that is a part of the delta with that header.
pub fn decode_part(object: &Bytes, of: &Header) -> Result<Vec<EncodedPage>> {
    let (delta, length) = decode_any(object, PART)?;
    if length != object.len() {
        return Err(DeltaError("there is something after the part"));
    }
    let whole = Header { pages: of.pages, transactions: of.transactions, ..delta.header };
    let (first_commit, last_commit) = (of.first_commit, of.last_commit);
    match (Header { first_commit, last_commit, ..whole }) == *of {
        true => Ok(delta.pages),
        false => Err(DeltaError("it is a part of another delta")),
    }
}

/// Reads the first of several deltas in a row; also gives its length.
pub fn decode_first(bytes: &Bytes) -> Result<(Delta, usize)> {
    decode_any(bytes, 0)
}

/// `kind`: the flag of a part, or none.
fn decode_any(bytes: &Bytes, kind: u16) -> Result<(Delta, usize)> {
    let (header, lengths) = Cursor(bytes).header()?;
    if lengths.flags & PART != kind {
        return Err(DeltaError("it is a part of a delta, or should be one"));
    }
    let table = header.transactions as usize * TRANSACTION;
    let stored = usize::try_from(lengths.stored).map_err(|_| TRUNCATED)?;
    let content = HEADER.checked_add(table).and_then(|length| length.checked_add(stored)).ok_or(TRUNCATED)?;
    let total = content.checked_add(TRAILER).filter(|total| *total <= bytes.len()).ok_or(TRUNCATED)?;
    let mut hasher = blake3::Hasher::new();
    let mut trailer = Cursor(bytes.get(content..total).ok_or(TRUNCATED)?);
    hasher.update(bytes.get(..content).ok_or(TRUNCATED)?);
    if trailer.array()? != *hasher.finalize().as_bytes() {
        return Err(DeltaError("its checksum is wrong"));
    }
    if trailer.u64()? != total as u64 || trailer.array()? != END {
        return Err(DeltaError("its end is not one"));
    }
    hasher.update(bytes.get(content..total).ok_or(TRUNCATED)?);
    let digest = Digest(*hasher.finalize().as_bytes());

    let mut rows = Cursor(bytes.get(HEADER..HEADER + table).ok_or(TRUNCATED)?);
    let transactions = (0..header.transactions)
        .map(|_| Ok(Transaction { commit: Timestamp(rows.u64()?), pages: rows.u32()? }))
        .collect::<Result<_>>()?;
    let stored = bytes.slice(HEADER + table..content);
    let raw = if lengths.flags & ZSTD != 0 { decompress(&stored, lengths.raw)? } else { stored };
    if raw.len() as u64 != lengths.raw {
        return Err(DeltaError("its payload has another length than it says"));
    }
    let (pages, parts) = match lengths.flags & IN_PARTS != 0 {
        true => (Vec::new(), parts(&raw, &header)?),
        false => (pages(&raw, &header, lengths.flags & XOR != 0)?, Vec::new()),
    };
    Ok((Delta { header, transactions, pages, parts, digest }, total))
}

/// Only the header: who wrote it, and where it belongs.
pub fn peek(object: &[u8]) -> Result<Header> {
    Ok(Cursor(object).header()?.0)
}

const TRUNCATED: DeltaError = DeltaError("it is truncated");

/// What only reading needs of the header.
struct Lengths {
    raw: u64,
    stored: u64,
    flags: u16,
}

/// Reads from the front of what is left.
struct Cursor<'b>(&'b [u8]);

impl<'b> Cursor<'b> {
    fn take(&mut self, length: usize) -> Result<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(TRUNCATED)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| TRUNCATED)
    }

    fn u16(&mut self) -> Result<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn varint(&mut self) -> Result<u32> {
        let mut value: u64 = 0;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.array()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(value).map_err(|_| DeltaError("a page number is too large"));
            }
        }
        Err(DeltaError("a page number does not end"))
    }

    fn header(&mut self) -> Result<(Header, Lengths)> {
        let whole = self.0;
        if self.array()? != MAGIC {
            return Err(DeltaError("it is not a delta"));
        }
        if self.u16()? != VERSION {
            return Err(DeltaError("it is of a version this pgserver does not know"));
        }
        let flags = self.u16()?;
        let header = Header {
            page_size: self.u32()?,
            database: Id(self.array()?),
            incarnation: Id(self.array()?),
            sequence: self.u64()?,
            previous: Digest(self.array()?),
            writer: Id(self.array()?),
            nonce: Id(self.array()?),
            transactions: self.u32()?,
            first_commit: Timestamp(self.u64()?),
            last_commit: Timestamp(self.u64()?),
            pages_before: self.u32()?,
            pages_least: self.u32()?,
            pages_after: self.u32()?,
            pages: self.u32()?,
            full_image: flags & FULL_IMAGE != 0,
            post_checksum: 0,
        };
        let (raw, stored) = (self.u64()?, self.u64()?);
        let header = Header { post_checksum: self.u64()?, ..header };
        self.take(16 + 24)?;
        let checked = whole.get(..HEADER - 4).ok_or(TRUNCATED)?;
        if self.u32()? != crc32c(checked) {
            return Err(DeltaError("its header's checksum is wrong"));
        }
        if flags & ENCRYPTED != 0 {
            return Err(DeltaError("it is encrypted, which this pgserver does not support"));
        }
        let odd = flags & IN_PARTS != 0 && flags & (XOR | PART | FULL_IMAGE) != 0;
        if odd || flags & !(ZSTD | XOR | FULL_IMAGE | IN_PARTS | PART) != 0 {
            return Err(DeltaError("it uses something this pgserver does not know"));
        }
        if !header.page_size.is_power_of_two() || !(512..=65_536).contains(&header.page_size) {
            return Err(DeltaError("its page size makes no sense"));
        }
        if raw > MAX_RAW {
            return Err(DeltaError("its payload is too large"));
        }
        Ok((header, Lengths { raw, stored, flags }))
    }
}

/// Never more than was announced: memory grows with what comes out.
fn decompress(stored: &[u8], raw: u64) -> Result<Bytes> {
    let wrong = |_| DeltaError("its payload cannot be decompressed");
    let mut out = Vec::new();
    let decoder = zstd::stream::read::Decoder::with_buffer(stored).map_err(wrong)?;
    decoder.take(raw + 1).read_to_end(&mut out).map_err(wrong)?;
    Ok(Bytes::from(out))
}

/// What a large delta consists of.
fn parts(raw: &Bytes, header: &Header) -> Result<Vec<Part>> {
    let count = raw.len() / PART_ENTRY;
    if count == 0 || !raw.len().is_multiple_of(PART_ENTRY) || count > header.pages as usize {
        return Err(DeltaError("its parts make no sense"));
    }
    let mut cursor = Cursor(raw);
    (0..count).map(|_| Ok(Part { size: cursor.u64()?, blake3: Digest(cursor.array()?) })).collect()
}

fn pages(raw: &Bytes, header: &Header, may_xor: bool) -> Result<Vec<EncodedPage>> {
    let (count, page_size) = (header.pages as usize, header.page_size as usize);
    // Each page takes more than its content, so this bounds what is allocated.
    if count.saturating_mul(page_size + 2) > raw.len() {
        return Err(TRUNCATED);
    }
    let (mut cursor, mut number) = (Cursor(raw), 0u32);
    let mut numbers = Vec::with_capacity(count);
    for _ in 0..count {
        let step = cursor.varint()?;
        number = number.checked_add(step).ok_or(DeltaError("a page number is too large"))?;
        if step == 0 || number > header.pages_after || number == lock_page(header.page_size) {
            return Err(DeltaError("a page number makes no sense"));
        }
        numbers.push(number);
    }
    let encodings = cursor.take(count)?;
    let start = raw.len() - cursor.0.len();
    if cursor.0.len() != count * page_size {
        return Err(DeltaError("its payload has another length than its pages"));
    }
    let page = |(index, (number, encoding)): (usize, (u32, &u8))| {
        let encoding = match encoding {
            0 => Encoding::Plain,
            1 if may_xor && !header.full_image && number <= header.pages_before => Encoding::Xor,
            _ => return Err(DeltaError("a page is written down in a way this pgserver does not know")),
        };
        let at = start + index * page_size;
        Ok(EncodedPage { number, encoding, bytes: raw.slice(at..at + page_size) })
    };
    numbers.into_iter().zip(encodings).enumerate().map(page).collect()
}
