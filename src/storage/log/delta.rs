//! One object of the log: what a batch of commits changed. docs/storage-format.md has it byte for byte.
//!
//! Owns: the format's vocabulary ([`Header`], [`Delta`]), [`apply`](Delta::apply). Must not know: keys, stores.
//! Writing is `delta::encode`, reading `delta::decode`.

mod crc32c;
mod decode;
mod encode;

use std::fmt;

use bytes::Bytes;

use crate::storage::log::changes::Pages;
use crate::storage::log::hlc::Timestamp;
use crate::storage::log::page_checksum::normalised;

pub use decode::{decode, decode_first, decode_part, peek};
pub use encode::{Draft, Encoded, PLAIN_EVERY, encode, encode_in_parts, encode_part, forge};
pub use layout::PART_ENTRY;

/// A random identity: of a database, an incarnation, a writer, a batch.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub [u8; 16]);

/// BLAKE3 of an object.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

/// The position of a delta in its log. The first is 1; 0 is the state a log begins with.
pub type Sequence = u64;

/// What every delta begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub page_size: u32,
    pub database: Id,
    pub incarnation: Id,
    pub sequence: Sequence,
    /// BLAKE3 of the object before, see [`Digest::start`] for the first.
    pub previous: Digest,
    pub writer: Id,
    /// Tells this batch from every other, whoever wrote it: how a writer recognises its own work.
    pub nonce: Id,
    pub transactions: u32,
    pub first_commit: Timestamp,
    pub last_commit: Timestamp,
    pub pages_before: u32,
    pub pages_least: u32,
    pub pages_after: u32,
    pub pages: u32,
    /// All pages of the database are in it, none needs a previous version.
    pub full_image: bool,
    /// The checksum of the whole database afterwards (`log::page_checksum`).
    pub post_checksum: u64,
}

/// One transaction of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transaction {
    pub commit: Timestamp,
    /// How many pages it wrote.
    pub pages: u32,
}

/// How a page is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As it is.
    Plain = 0,
    /// XOR with the page of the same number in the state before, [`normalised`].
    Xor = 1,
}

/// A page of a delta.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedPage {
    pub number: u32,
    pub encoding: Encoding,
    /// As many bytes as a page has.
    pub bytes: Bytes,
}

/// A delta that was read and found whole.
#[derive(Clone, Debug)]
pub struct Delta {
    pub header: Header,
    pub transactions: Vec<Transaction>,
    pub pages: Vec<EncodedPage>,
    /// Of a large delta the pages are in objects of their own, in this order.
    pub parts: Vec<Part>,
    /// BLAKE3 of the whole object: what the next one must name.
    pub digest: Digest,
}

/// An object with some of the pages of a large delta. It is written before the delta that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Of the object, in bytes.
    pub size: u64,
    /// Of the object.
    pub blake3: Digest,
}

impl Delta {
    /// Whether its pages are in objects of their own.
    pub fn is_in_parts(&self) -> bool {
        !self.parts.is_empty()
    }

    /// The pages whose previous version [`apply`](Self::apply) needs.
    pub fn needs(&self) -> impl Iterator<Item = u32> {
        self.pages.iter().filter(|page| page.encoding == Encoding::Xor).map(|page| page.number)
    }

    /// The pages as they are afterwards; `previous` gives those of the state before.
    pub fn apply<'p>(&self, previous: impl Fn(u32) -> Option<&'p [u8]>) -> Result<Pages, DeltaError> {
        let plain = |page: &EncodedPage| -> Result<(u32, Vec<u8>), DeltaError> {
            let mut bytes = page.bytes.to_vec();
            if page.encoding == Encoding::Xor {
                let base = previous(page.number).ok_or(DeltaError("a page's previous version is missing"))?;
                if base.len() != bytes.len() {
                    return Err(DeltaError("a page's previous version has another size"));
                }
                xor(&mut bytes, &normalised(page.number, base));
            }
            Ok((page.number, bytes))
        };
        self.pages.iter().map(plain).collect()
    }
}

/// `into ^= with`, over their common length.
fn xor(into: &mut [u8], with: &[u8]) {
    into.iter_mut().zip(with).for_each(|(into, with)| *into ^= with);
}

impl Digest {
    /// Of an object's bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Digest(*blake3::hash(bytes).as_bytes())
    }

    /// What the first delta of an incarnation names as the one before.
    pub fn start(incarnation: Id) -> Self {
        Digest::of(&incarnation.0)
    }
}

impl Id {
    /// A new one.
    pub fn random() -> Self {
        Id(rand::random())
    }
}

/// Why bytes are not a delta. A store's bytes are never trusted: whatever does not fit is this error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeltaError(pub &'static str);

impl fmt::Display for DeltaError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0)
    }
}

impl std::error::Error for DeltaError {}

/// Lower-case hexadecimal, in text and in JSON.
macro_rules! hexadecimal {
    ($type:ident, $size:literal) => {
        impl fmt::Display for $type {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, out)
            }
        }

        impl std::str::FromStr for $type {
            type Err = DeltaError;

            fn from_str(text: &str) -> Result<Self, DeltaError> {
                let wrong = DeltaError(concat!("not ", $size, " bytes in hexadecimal"));
                if text.len() != 2 * $size || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    return Err(wrong);
                }
                let mut bytes = [0; $size];
                for (index, byte) in bytes.iter_mut().enumerate() {
                    let digits = text.get(2 * index..2 * index + 2).ok_or(wrong)?;
                    *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong)?;
                }
                Ok($type(bytes))
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

hexadecimal!(Id, 16);
hexadecimal!(Digest, 32);

/// Where things are in a delta, and what marks it.
mod layout {
    pub const MAGIC: [u8; 4] = *b"PGSD";
    pub const END: [u8; 4] = *b"DSGP";
    pub const VERSION: u16 = 1;
    /// Bytes of the header, its checksum included.
    pub const HEADER: usize = 220;
    pub const TRANSACTION: usize = 12;
    pub const TRAILER: usize = 44;
    pub const ZSTD: u16 = 1;
    pub const XOR: u16 = 2;
    pub const ENCRYPTED: u16 = 4;
    pub const FULL_IMAGE: u16 = 8;
    /// The payload names parts.
    pub const IN_PARTS: u16 = 16;
    /// It is a part.
    pub const PART: u16 = 32;
    /// What names a part in a payload: its size and its hash.
    pub const PART_ENTRY: usize = 8 + 32;
    /// The largest payload, uncompressed: what one process may have to hold in memory.
    pub const MAX_RAW: u64 = 2 << 30;
}

#[cfg(test)]
#[path = "delta_tests.rs"]
mod tests;
