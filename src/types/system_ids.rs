//! pg_lsn, xid8, tid, pg_snapshot and txid_snapshot: text and binary forms.
//!
//! Owns: how they are stored so that they sort. A pg_lsn is the text of its two halves in eight digits each; a tid is
//! the integer of its block and offset; a xid8 is an integer, and from 2^63 on a text of twenty digits, which SQLite
//! sorts behind all integers; a snapshot is its text. Specification: datatype-pg-lsn.html, datatype-oid.html; pg_lsn.c,
//! xid.c, tid.c, xid8funcs.c.

use bytes::{BufMut, BytesMut};

use crate::error::{Error, Result, SqlState};
use crate::types::encoding::{insufficient_data, wrong_format};
use crate::types::number_text::invalid_syntax;
use crate::types::value::{Value, ValueRef};

/// The transaction that is older than every other (transam.h), for rows of which one has changed, it is not known which.
pub const FROZEN_TRANSACTION: i64 = 2;

/// Reads a pg_lsn: two hexadecimal numbers of at most eight digits.
pub fn parse_lsn(text: &str) -> Result<u64> {
    let half = |digits: &str| {
        let plain = (1..=8).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
        u64::from_str_radix(digits, 16).ok().filter(|_| plain)
    };
    let halves = text.split_once('/').and_then(|(high, low)| Some((half(high)?, half(low)?)));
    halves.map(|(high, low)| high << 32 | low).ok_or_else(|| invalid_syntax("pg_lsn", text))
}

/// A pg_lsn as it is shown.
pub fn lsn_text(lsn: u64) -> String {
    format!("{:X}/{:X}", lsn >> 32, lsn & 0xffff_ffff)
}

/// A pg_lsn as it is stored.
pub fn stored_lsn(lsn: u64) -> String {
    format!("{:08X}/{:08X}", lsn >> 32, lsn & 0xffff_ffff)
}

/// Reads a number as strtoull() does: what is none is 0, a sign counts, 0x and 0 change the base.
pub fn parse_xid8(text: &str) -> u64 {
    let text = text.trim_start();
    let negative = text.starts_with('-');
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (digits, base) = match digits.as_bytes() {
        [b'0', b'x' | b'X', rest, ..] if rest.is_ascii_hexdigit() => (&digits[2..], 16),
        [b'0', ..] => (digits, 8),
        _ => (digits, 10),
    };
    let mut value = 0u64;
    for digit in digits.chars().map_while(|c| c.to_digit(base)) {
        match value.checked_mul(u64::from(base)).and_then(|v| v.checked_add(u64::from(digit))) {
            Some(next) => value = next,
            None => return u64::MAX,
        }
    }
    if negative { value.wrapping_neg() } else { value }
}

/// A xid8 as it is stored.
pub fn stored_xid8(value: u64) -> Value {
    i64::try_from(value).map_or_else(|_| Value::Text(format!("{value:020}")), Value::Integer)
}

/// A stored xid8.
pub fn xid8_of(value: ValueRef<'_>) -> Result<u64> {
    match value {
        ValueRef::Integer(value) => Ok(value as u64),
        ValueRef::Text(text) => text.parse().map_err(|_| invalid_syntax("xid8", text)),
        _ => Err(Error::new(SqlState::DATA_CORRUPTED, "a stored value is not of its column's type")),
    }
}

/// Reads a tid: a block and an offset within it.
pub fn parse_tid(text: &str) -> Result<i64> {
    let parts = text.trim_start().strip_prefix('(').and_then(|rest| {
        let (block, rest) = rest.split_once(',')?;
        let (offset, _) = rest.split_once(')')?;
        // PostgreSQL takes a negative block for the number that it is without a sign.
        let block = block.parse::<i64>().ok().filter(|b| (i64::from(i32::MIN)..=i64::from(u32::MAX)).contains(b))?;
        Some(i64::from(block as u32) << 16 | i64::from(offset.parse::<u16>().ok()?))
    });
    parts.ok_or_else(|| invalid_syntax("tid", text))
}

/// A tid as it is shown.
pub fn tid_text(tid: i64) -> String {
    format!("({},{})", tid >> 16, tid & 0xffff)
}

/// A tid's binary form.
pub fn write_tid(tid: i64, out: &mut BytesMut) {
    out.put_u32((tid >> 16) as u32);
    out.put_u16(tid as u16);
}

/// Reads a tid's binary form.
pub fn read_tid(bytes: &[u8]) -> Result<i64> {
    match *bytes {
        [a, b, c, d, e, f] => {
            Ok(i64::from(u32::from_be_bytes([a, b, c, d])) << 16 | i64::from(u16::from_be_bytes([e, f])))
        }
        [_, _, _, _, _, _, _, ..] => Err(wrong_format()),
        _ => Err(insufficient_data()),
    }
}

/// Which transactions a snapshot sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// All below are over.
    pub xmin: u64,
    /// None from here on had begun.
    pub xmax: u64,
    /// Those between that were running.
    pub xip: Vec<u64>,
}

impl Snapshot {
    /// Reads xmin:xmax:xip,xip… (parse_snapshot).
    pub fn parse(text: &str) -> Result<Snapshot> {
        Snapshot::read(text).ok_or_else(|| invalid_syntax("pg_snapshot", text))
    }

    fn read(text: &str) -> Option<Snapshot> {
        let mut parts = text.splitn(3, ':');
        let number = |text: &str| text.parse::<u64>().ok();
        let (xmin, xmax) = (number(parts.next()?)?, number(parts.next()?)?);
        let list = parts.next()?;
        if xmin == 0 || xmax == 0 || xmax < xmin {
            return None;
        }
        let mut xip: Vec<u64> = Vec::new();
        for part in list.split(',').filter(|_| !list.is_empty()) {
            let value = number(part).filter(|value| (xmin..xmax).contains(value))?;
            match xip.last() {
                Some(last) if value < *last => return None,
                Some(last) if value == *last => {}
                _ => xip.push(value),
            }
        }
        Some(Snapshot { xmin, xmax, xip })
    }

    /// The text form, which is the stored form.
    pub fn to_text(&self) -> String {
        let xip: Vec<String> = self.xip.iter().map(u64::to_string).collect();
        format!("{}:{}:{}", self.xmin, self.xmax, xip.join(","))
    }

    /// Whether a transaction was over.
    pub fn sees(&self, xid: u64) -> bool {
        xid < self.xmin || xid < self.xmax && self.xip.binary_search(&xid).is_err()
    }

    /// Appends the binary form.
    pub fn write_binary(&self, out: &mut BytesMut) {
        out.put_i32(self.xip.len() as i32);
        out.put_u64(self.xmin);
        out.put_u64(self.xmax);
        self.xip.iter().for_each(|xid| out.put_u64(*xid));
    }

    /// Reads the binary form.
    pub fn read_binary(bytes: &[u8]) -> Result<Snapshot> {
        let (count, rest) = bytes.split_first_chunk::<4>().ok_or_else(insufficient_data)?;
        let numbers: Vec<u64> = rest
            .chunks(8)
            .map(|chunk| chunk.try_into().map(u64::from_be_bytes).map_err(|_| insufficient_data()))
            .collect::<Result<_>>()?;
        let invalid = || Error::new(SqlState::INVALID_BINARY_REPRESENTATION, "invalid external pg_snapshot data");
        let [xmin, xmax, xip @ ..] = numbers.as_slice() else { return Err(insufficient_data()) };
        let ordered = xip.is_sorted() && xip.iter().all(|xid| (*xmin..*xmax).contains(xid));
        if usize::try_from(u32::from_be_bytes(*count)) != Ok(xip.len()) || *xmin == 0 || xmax < xmin || !ordered {
            return Err(invalid());
        }
        let mut xip = xip.to_vec();
        xip.dedup();
        Ok(Snapshot { xmin: *xmin, xmax: *xmax, xip })
    }
}
