//! pg_trgm's trigrams of texts.
//!
//! Owns: [`Trigram`] and how a text is taken apart ([`in_order`], [`trigrams`]). Must not know: what is similar
//! (`engine::functions::extension::trigrams`). Specification: pgtrgm.html; trgm_op.c in PostgreSQL 15.

use crate::error::Result;
use crate::limits::{memory, session as limits};
use crate::types::text_search::configuration::lower;

/// Three characters: themselves if they are one byte each, else of a checksum of them.
pub type Trigram = [i8; 3];

/// A trigram of a text with where it stands in its word.
pub struct Found {
    pub trigram: Trigram,
    pub begins: bool,
    pub ends: bool,
}

/// PostgreSQL's legacy checksum (pg_crc.h): the table of the reflected polynomial, gone through as if it were not.
fn checksum(bytes: &[u8]) -> u32 {
    let entry = |index: u32| (0..8).fold(index, |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 });
    !bytes.iter().fold(u32::MAX, |crc, byte| entry((crc >> 24) ^ u32::from(*byte)) ^ crc << 8)
}

/// The trigram of three characters.
pub fn compact(characters: [char; 3]) -> Trigram {
    let text: String = characters.iter().collect();
    let bytes = match text.as_bytes().first_chunk::<3>() {
        Some(bytes) if text.len() == 3 => *bytes,
        _ => {
            let [first, second, third, _] = checksum(text.as_bytes()).to_le_bytes();
            [first, second, third]
        }
    };
    bytes.map(|byte| byte as i8)
}

/// A text's trigrams in their order: of each word in lower case, with two blanks before and one behind it.
pub fn in_order(text: &str) -> Result<Vec<Found>> {
    memory::reserve(text.len().saturating_mul(2 * size_of::<Found>()))?;
    let mut all = Vec::new();
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let first = all.len();
        let mut last = [' ', ' '];
        for character in lower(word).chars().chain([' ']) {
            limits::work(64)?;
            all.push(Found { trigram: compact([last[0], last[1], character]), begins: false, ends: false });
            last = [last[1], character];
        }
        if let Some(found) = all.get_mut(first) {
            found.begins = true;
        }
        if let Some(found) = all.last_mut() {
            found.ends = true;
        }
    }
    Ok(all)
}

/// A text's trigrams, sorted, each once.
pub fn trigrams(text: &str) -> Result<Vec<Trigram>> {
    let mut all: Vec<Trigram> = in_order(text)?.into_iter().map(|found| found.trigram).collect();
    limits::begin(all.len() * 8)?;
    all.sort_unstable();
    all.dedup();
    Ok(all)
}
