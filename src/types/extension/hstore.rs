//! hstore: texts by keys, in a text (contrib/hstore/hstore_io.c).
//!
//! Owns: [`HStore`]. The stored form is the text form; pairs are in the order of their keys' lengths, then bytes.

use std::cmp::Ordering;

use bytes::{BufMut, BytesMut};

use crate::error::{Error, Result, SqlState};
use crate::limits::session as limits;
use crate::types::encoding::{insufficient_data, utf8};

/// Pairs in the order in which they are stored; a value may be NULL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HStore {
    pairs: Vec<(String, Option<String>)>,
}

/// hstore's order of keys.
fn key_order(a: &str, b: &str) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// scanner_isspace
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

impl HStore {
    /// Of pairs in any order: of equal keys the first counts.
    pub fn new(mut pairs: Vec<(String, Option<String>)>) -> Self {
        pairs.sort_by(|a, b| key_order(&a.0, &b.0));
        pairs.dedup_by(|later, first| later.0 == first.0);
        HStore { pairs }
    }

    pub fn pairs(&self) -> &[(String, Option<String>)] {
        &self.pairs
    }

    /// The value of a key; the inner one is none for NULL.
    pub fn get(&self, key: &str) -> Option<&Option<String>> {
        let place = self.pairs.binary_search_by(|(known, _)| key_order(known, key)).ok()?;
        self.pairs.get(place).map(|(_, value)| value)
    }

    /// The pairs for which it is so.
    pub fn filter(mut self, keep: impl Fn(&str, &Option<String>) -> bool) -> Self {
        self.pairs.retain(|(key, value)| keep(key, value));
        self
    }

    /// With the other's pairs, which win.
    pub fn concat(self, other: Self) -> Self {
        let mut pairs = other.pairs;
        pairs.extend(self.pairs);
        HStore::new(pairs)
    }

    /// Whether it has all of the other's pairs.
    pub fn contains(&self, other: &HStore) -> bool {
        other.pairs.iter().all(|(key, value)| self.get(key) == Some(value))
    }

    /// Reads the text form.
    pub fn parse(text: &str) -> Result<Self> {
        limits::work(text.len())?;
        let mut parser = Parser { text, at: 0 };
        let mut pairs = Vec::new();
        while let Some((key, _)) = parser.word(false)? {
            parser.expect_arrow()?;
            let (value, quoted) = parser.word(true)?.ok_or_else(unexpected_end)?;
            let is_null = !quoted && value.eq_ignore_ascii_case("null");
            pairs.push((key, if is_null { None } else { Some(value) }));
            loop {
                match parser.peek() {
                    None => return Ok(HStore::new(pairs)),
                    Some(b',') => break,
                    Some(byte) if is_space(byte) => parser.at += 1,
                    Some(_) => return Err(parser.wrong()),
                }
            }
            parser.at += 1;
        }
        Ok(HStore::new(pairs))
    }

    /// The text form.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        for (key, value) in &self.pairs {
            if !out.is_empty() {
                out.push_str(", ");
            }
            push_quoted(key, &mut out);
            out.push_str("=>");
            match value {
                Some(value) => push_quoted(value, &mut out),
                None => out.push_str("NULL"),
            }
        }
        out
    }

    /// Appends the binary form.
    pub fn write_binary(&self, out: &mut BytesMut) {
        out.put_i32(self.pairs.len() as i32);
        for (key, value) in &self.pairs {
            out.put_i32(key.len() as i32);
            out.put_slice(key.as_bytes());
            match value {
                Some(value) => {
                    out.put_i32(value.len() as i32);
                    out.put_slice(value.as_bytes());
                }
                None => out.put_i32(-1),
            }
        }
    }

    /// Reads the binary form.
    pub fn read_binary(mut bytes: &[u8]) -> Result<Self> {
        let number = |bytes: &mut &[u8]| -> Result<i32> {
            let (head, rest) = bytes.split_first_chunk::<4>().ok_or_else(insufficient_data)?;
            *bytes = rest;
            Ok(i32::from_be_bytes(*head))
        };
        let text = |bytes: &mut &[u8], length: i32| -> Result<String> {
            let length = usize::try_from(length).map_err(|_| insufficient_data())?;
            let head = bytes.get(..length).ok_or_else(insufficient_data)?;
            *bytes = bytes.get(length..).unwrap_or(&[]);
            Ok(utf8(head)?.to_owned())
        };
        let count = number(&mut bytes)?;
        let mut pairs = Vec::new();
        for _ in 0..count {
            let length = number(&mut bytes)?;
            if length < 0 {
                let message = "null value not allowed for hstore key";
                return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, message));
            }
            let key = text(&mut bytes, length)?;
            let length = number(&mut bytes)?;
            pairs.push((key, if length < 0 { None } else { Some(text(&mut bytes, length)?) }));
        }
        Ok(HStore::new(pairs))
    }

    /// hstore_cmp: the keys and values one behind the other, then how many there are, then their lengths.
    pub fn compare(&self, other: &HStore) -> Ordering {
        let bytes = |of: &HStore| -> Vec<u8> {
            let parts = of.pairs.iter().flat_map(|(key, value)| [Some(key), value.as_ref()]);
            parts.flatten().flat_map(|part| part.bytes()).collect()
        };
        let lengths = |of: &HStore| -> Vec<(usize, Option<usize>)> {
            of.pairs.iter().map(|(key, value)| (key.len(), value.as_ref().map(String::len))).collect()
        };
        match (self.pairs.is_empty(), other.pairs.is_empty()) {
            (true, true) => return Ordering::Equal,
            (true, false) => return Ordering::Less,
            (false, true) => return Ordering::Greater,
            _ => {}
        }
        let order = bytes(self).cmp(&bytes(other));
        order.then_with(|| self.pairs.len().cmp(&other.pairs.len())).then_with(|| lengths(self).cmp(&lengths(other)))
    }
}

/// Compares two stored values.
pub fn compare(a: &str, b: &str) -> Ordering {
    super::super::order::read(a, b, |text| HStore::parse(text).ok(), HStore::compare)
}

fn push_quoted(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
}

/// A server's internal error, as hstore_in raises them.
fn unexpected_end() -> Error {
    Error::new(SqlState::INTERNAL_ERROR, "Unexpected end of string")
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn wrong(&self) -> Error {
        let character = self.text.get(self.at..).and_then(|rest| rest.chars().next()).unwrap_or(' ');
        let message = format!("Syntax error near \"{character}\" at position {}", self.at);
        Error::new(SqlState::INTERNAL_ERROR, message)
    }

    fn expect_arrow(&mut self) -> Result<()> {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
        for wanted in [b'=', b'>'] {
            match self.peek() {
                Some(byte) if byte == wanted => self.at += 1,
                None => return Err(unexpected_end()),
                Some(_) => return Err(self.wrong()),
            }
        }
        Ok(())
    }

    /// A word (get_val), and whether it was in quotes. A value may have = in it, a key commas.
    fn word(&mut self, is_value: bool) -> Result<Option<(String, bool)>> {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
        let mut word = Vec::new();
        let quoted = match self.peek() {
            None => return Ok(None),
            Some(b'=') if !is_value => return Err(self.wrong()),
            first => first == Some(b'"'),
        };
        self.at += usize::from(quoted);
        loop {
            match self.peek() {
                Some(b'\\') => {
                    self.at += 1;
                    word.push(self.peek().ok_or_else(unexpected_end)?);
                    self.at += 1;
                }
                Some(b'"') if quoted => {
                    self.at += 1;
                    break;
                }
                None if quoted => return Err(unexpected_end()),
                None => break,
                Some(byte) if !quoted && (is_space(byte) || byte == if is_value { b',' } else { b'=' }) => break,
                Some(byte) => {
                    word.push(byte);
                    self.at += 1;
                }
            }
        }
        let word = String::from_utf8(word).map_err(|_| Error::internal("a word of hstore"))?;
        Ok(Some((word, quoted)))
    }
}
