//! Where a database's objects are in the store.
//!
//! Owns: [`Keys`], the spelling of names in keys. docs/storage-format.md shows them.

use std::fmt::Write;

use crate::storage::log::delta::{Id, Sequence};

/// The keys of one database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys(String);

impl Keys {
    /// Of the database with that name. Characters that not every store takes are written as `@` and two hexadecimal
    /// digits per byte, and so is a dot in front.
    pub fn of(database: &str) -> Self {
        let mut name = String::with_capacity(database.len());
        for (index, byte) in database.bytes().enumerate() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
                b'.' if index > 0 => name.push('.'),
                // Writing to a string does not fail.
                _ => drop(write!(name, "@{byte:02x}")),
            }
        }
        Keys(name)
    }

    /// The plain SQLite file, published from time to time.
    pub fn file(&self) -> String {
        format!("{}.sqlite", self.0)
    }

    /// What says which objects make up the database.
    pub fn manifest(&self) -> String {
        format!("{}.pgs/manifest.json", self.0)
    }

    /// Everything of the database but the plain file begins so.
    pub fn folder(&self) -> String {
        format!("{}.pgs/", self.0)
    }

    /// Everything of an incarnation begins so.
    pub fn incarnation(&self, incarnation: Id) -> String {
        format!("{}.pgs/{incarnation}/", self.0)
    }

    /// All deltas of an incarnation begin so.
    pub fn deltas(&self, incarnation: Id) -> String {
        format!("{}.pgs/{incarnation}/log/", self.0)
    }

    /// One delta.
    pub fn delta(&self, incarnation: Id, sequence: Sequence) -> String {
        format!("{}.pgs/{incarnation}/log/{sequence:016x}", self.0)
    }

    /// Deltas in a row; both ends are in it.
    pub fn segment(&self, incarnation: Id, (from, to): (Sequence, Sequence), nonce: Id) -> String {
        format!("{}.pgs/{incarnation}/seg/{from:016x}-{to:016x}-{nonce}", self.0)
    }

    /// Some of the pages of a large delta with that number and nonce.
    pub fn part(&self, incarnation: Id, (sequence, nonce): (Sequence, Id), index: usize) -> String {
        format!("{}.pgs/{incarnation}/part/{sequence:016x}-{nonce}-{index:08x}", self.0)
    }

    /// All parts of an incarnation begin so.
    pub fn parts(&self, incarnation: Id) -> String {
        format!("{}.pgs/{incarnation}/part/", self.0)
    }

    /// The number and the nonce that a part's key has in it.
    pub fn of_part(&self, incarnation: Id, key: &str) -> Option<(Sequence, Id)> {
        let (sequence, rest) = key.strip_prefix(&self.parts(incarnation))?.split_once('-')?;
        Some((Sequence::from_str_radix(sequence, 16).ok()?, rest.split_once('-')?.0.parse().ok()?))
    }

    /// A whole file, compressed.
    pub fn base(&self, incarnation: Id, sequence: Sequence, nonce: Id) -> String {
        format!("{}.pgs/{incarnation}/base/{sequence:016x}-{nonce}.zst", self.0)
    }

    /// What an instance had committed locally and lost to another one.
    pub fn fork(&self, incarnation: Id, sequence: Sequence, nonce: Id) -> String {
        format!("{}.pgs/{incarnation}/fork/{sequence:016x}-{nonce}", self.0)
    }

    /// Some of its pages, if it was large.
    pub fn fork_part(&self, incarnation: Id, (sequence, nonce): (Sequence, Id), index: usize) -> String {
        format!("{}.pgs/{incarnation}/fork/{sequence:016x}-{nonce}-{index:08x}", self.0)
    }
}

/// The database that a key belongs to.
pub fn database_of(key: &str) -> Option<String> {
    let spelled = match key.split_once(".pgs/") {
        Some((spelled, _)) => spelled,
        None => key.strip_suffix(".sqlite")?,
    };
    let mut bytes = Vec::with_capacity(spelled.len());
    let mut rest = spelled.bytes();
    while let Some(byte) = rest.next() {
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
        match byte {
            b'@' => bytes.push(u8::try_from(digit()? * 16 + digit()?).ok()?),
            b'/' => return None,
            _ => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok().filter(|name| !name.is_empty() && Keys::of(name).0 == spelled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parts_key_says_whose_it_is() {
        let (keys, incarnation, batch) = (Keys::of("app"), Id([1; 16]), (0x1a, Id([2; 16])));
        let key = keys.part(incarnation, batch, 17);
        assert_eq!(keys.of_part(incarnation, &key), Some(batch));
        assert_eq!(keys.of_part(Id([3; 16]), &key), None);
        assert_eq!(keys.of_part(incarnation, &keys.delta(incarnation, 26)), None);
    }

    #[test]
    fn every_name_has_keys_of_its_own_and_keeps_its_name() {
        for name in ["app", "my-db.v2", ".hidden", "a/b", "größe", "x y", "@40", "a@b", "..", "A", "x.pgs", "x.sqlite"]
        {
            let keys = Keys::of(name);
            let file = keys.file();
            assert!(file.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte)), "{file}");
            assert!(!file.starts_with('.'), "{file}");
            assert_eq!(database_of(&file).as_deref(), Some(name));
            assert_eq!(database_of(&keys.manifest()).as_deref(), Some(name));
        }
        assert_eq!(Keys::of("app").file(), "app.sqlite");
        assert_eq!(
            Keys::of("app").delta(Id([0xab; 16]), 26),
            "app.pgs/abababababababababababababababab/log/000000000000001a"
        );
        for foreign in ["readme.txt", "other/app.sqlite", "a%20b.sqlite", "@6.sqlite", "@41.sqlite", ".sqlite"] {
            assert_eq!(database_of(foreign), None, "{foreign}");
        }
    }
}
