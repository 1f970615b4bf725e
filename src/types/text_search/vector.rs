//! The type tsvector: sorted lexemes with the positions they stand at.
//!
//! Owns: [`TsVector`], its text and binary forms and order. Specification: datatype-textsearch.html#DATATYPE-TSVECTOR;
//! tsvector.c and tsvector_op.c in PostgreSQL 15. A size is that of PostgreSQL's own form, because limits and the order
//! depend on it.

use std::cmp::Ordering;
use std::fmt::{self, Write};

use bytes::{BufMut, BytesMut};

use super::word::{Style, Words};
use crate::error::{Error, Result, SqlState};
use crate::limits::session as limits;
use crate::types::encoding::{insufficient_data, utf8, wrong_format};

/// The last position there is; those beyond count as this one.
pub const MAX_POSITION: u16 = 16_383;
/// How many positions a lexeme keeps.
pub const MAX_POSITIONS: usize = 256;
/// A lexeme is shorter, in bytes.
pub const MAX_LEXEME: usize = 2_047;
/// What lexemes and positions of a value may take.
pub const MAX_STRINGS: usize = 1_048_575;

/// A position's weight; D is the least and not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Weight {
    #[default]
    D,
    C,
    B,
    A,
}

impl Weight {
    /// The weight of a letter, in either case.
    pub fn of_letter(letter: char) -> Option<Weight> {
        match letter.to_ascii_uppercase() {
            'A' => Some(Weight::A),
            'B' => Some(Weight::B),
            'C' => Some(Weight::C),
            'D' => Some(Weight::D),
            _ => None,
        }
    }

    pub fn letter(self) -> char {
        match self {
            Weight::A => 'A',
            Weight::B => 'B',
            Weight::C => 'C',
            Weight::D => 'D',
        }
    }

    /// Its bit in a query's set of weights.
    pub(super) fn bit(self) -> u8 {
        1 << self as u8
    }

    fn of_number(number: u16) -> Weight {
        match number & 3 {
            3 => Weight::A,
            2 => Weight::B,
            1 => Weight::C,
            _ => Weight::D,
        }
    }
}

/// Where a lexeme stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub place: u16,
    pub weight: Weight,
}

/// A word in normal form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lexeme {
    pub text: String,
    /// Ascending; none if they are not known.
    pub positions: Vec<Position>,
}

/// A document: its lexemes, sorted by bytes, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TsVector {
    pub lexemes: Vec<Lexeme>,
}

/// 54000
fn limit(message: String) -> Error {
    Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
}

/// Sorted, each place once with its greatest weight, and no more than are kept (uniquePos).
fn normal_positions(positions: &mut Vec<Position>) {
    positions.sort_by(|a, b| a.place.cmp(&b.place).then(b.weight.cmp(&a.weight)));
    positions.dedup_by_key(|position| position.place);
    positions.truncate(MAX_POSITIONS);
    if let Some(last) = positions.iter().position(|position| position.place == MAX_POSITION) {
        positions.truncate(last + 1);
    }
}

impl TsVector {
    /// A value of these lexemes in any order: equal ones join their positions. 54000 if it is too large.
    pub fn new(mut lexemes: Vec<Lexeme>) -> Result<Self> {
        limits::work(lexemes.len() * 32)?;
        lexemes.sort_by(|a, b| a.text.cmp(&b.text));
        let mut unique: Vec<Lexeme> = Vec::with_capacity(lexemes.len());
        for lexeme in lexemes {
            match unique.last_mut().filter(|last| last.text == lexeme.text) {
                Some(last) => last.positions.extend(lexeme.positions),
                None => unique.push(lexeme),
            }
        }
        unique.iter_mut().for_each(|lexeme| normal_positions(&mut lexeme.positions));
        let vector = TsVector { lexemes: unique };
        let size = vector.strings_size();
        if size > MAX_STRINGS {
            return Err(limit(format!("string is too long for tsvector ({size} bytes, max {MAX_STRINGS} bytes)")));
        }
        Ok(vector)
    }

    /// Reads the text form.
    pub fn parse(text: &str) -> Result<Self> {
        let mut words = Words::new(text, Style::Vector);
        let mut lexemes = Vec::new();
        let mut total = 0;
        while let Some((word, positions)) = words.next()? {
            limits::work(64)?;
            if word.len() >= MAX_LEXEME {
                let most = MAX_LEXEME - 1;
                return Err(limit(format!("word is too long ({} bytes, max {most} bytes)", word.len())));
            }
            if total > MAX_STRINGS {
                return Err(limit(format!("string is too long for tsvector ({total} bytes, max {MAX_STRINGS} bytes)")));
            }
            total += word.len();
            lexemes.push(Lexeme { text: word, positions });
        }
        TsVector::new(lexemes)
    }

    /// What lexemes and positions take.
    fn strings_size(&self) -> usize {
        self.lexemes.iter().fold(0, |size, lexeme| {
            let size = size + lexeme.text.len();
            match lexeme.positions.len() {
                0 => size,
                count => size.next_multiple_of(2) + 2 + 2 * count,
            }
        })
    }

    /// The size of the whole.
    fn size(&self) -> usize {
        8 + 4 * self.lexemes.len() + self.strings_size()
    }

    /// The order of two values, which is by size first (silly_cmp_tsvector).
    pub fn compare(&self, other: &TsVector) -> Ordering {
        let sizes = self.size().cmp(&other.size()).then(self.lexemes.len().cmp(&other.lexemes.len()));
        let mut pairs = self.lexemes.iter().zip(&other.lexemes);
        sizes.then_with(|| pairs.find_map(|(a, b)| compare_lexemes(a, b)).unwrap_or(Ordering::Equal))
    }

    /// The lexeme of that text.
    pub fn find(&self, text: &str) -> Option<&Lexeme> {
        let at = self.lexemes.binary_search_by(|lexeme| lexeme.text.as_str().cmp(text)).ok()?;
        self.lexemes.get(at)
    }

    /// The lexemes that begin so.
    pub(super) fn beginning(&self, prefix: &str) -> impl Iterator<Item = &Lexeme> {
        let start = self.lexemes.partition_point(|lexeme| lexeme.text.as_str() < prefix);
        self.lexemes.iter().skip(start).take_while(move |lexeme| lexeme.text.starts_with(prefix))
    }

    /// The other document behind this one (tsvector_concat).
    pub fn concat(&self, other: &TsVector) -> Result<TsVector> {
        let all = self.lexemes.iter().flat_map(|lexeme| &lexeme.positions);
        let offset = all.map(|position| position.place).max().unwrap_or(0);
        let mut joined: Vec<Lexeme> = Vec::with_capacity(self.lexemes.len() + other.lexemes.len());
        let (mut left, mut right) = (self.lexemes.iter().peekable(), other.lexemes.iter().peekable());
        loop {
            limits::work(32)?;
            let order = match (left.peek(), right.peek()) {
                (Some(left), Some(right)) => left.text.cmp(&right.text),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => break,
            };
            let mut lexeme = match order {
                Ordering::Greater => right.peek().map(|l| Lexeme { text: l.text.clone(), positions: Vec::new() }),
                _ => left.next().cloned(),
            };
            if let Some(lexeme) = &mut lexeme
                && order.is_ge()
                && let Some(right) = right.next()
            {
                add_positions(&mut lexeme.positions, &right.positions, offset);
            }
            joined.extend(lexeme);
        }
        let vector = TsVector { lexemes: joined };
        let size = vector.strings_size();
        if size > MAX_STRINGS {
            return Err(limit(format!("string is too long for tsvector ({size} bytes, max {MAX_STRINGS} bytes)")));
        }
        Ok(vector)
    }

    /// Appends the binary form (tsvectorsend).
    pub fn write_binary(&self, out: &mut BytesMut) {
        out.put_u32(self.lexemes.len() as u32);
        for lexeme in &self.lexemes {
            out.put_slice(lexeme.text.as_bytes());
            out.put_u8(0);
            out.put_u16(lexeme.positions.len() as u16);
            for position in &lexeme.positions {
                out.put_u16((position.weight as u16) << 14 | position.place);
            }
        }
    }

    /// Reads the binary form (tsvectorrecv).
    pub fn read_binary(bytes: &[u8]) -> Result<Self> {
        let internal = |message: &'static str| Error::new(SqlState::INTERNAL_ERROR, message);
        let (count, mut rest) = bytes.split_first_chunk::<4>().ok_or_else(insufficient_data)?;
        let count = i32::from_be_bytes(*count);
        if count < 0 {
            return Err(internal("invalid size of tsvector"));
        }
        let mut lexemes = Vec::new();
        for _ in 0..count {
            limits::work(64)?;
            let (text, behind) = cut_string(rest)?;
            let (positions, behind) = behind.split_first_chunk::<2>().ok_or_else(insufficient_data)?;
            let positions = usize::from(u16::from_be_bytes(*positions));
            if text.len() > MAX_LEXEME {
                return Err(internal("invalid tsvector: lexeme too long"));
            }
            // PostgreSQL takes it, but cannot read what it prints then, and the text form is what is stored here.
            if text.is_empty() {
                return Err(internal("invalid tsvector: empty lexeme"));
            }
            if positions > MAX_POSITIONS {
                return Err(internal("unexpected number of tsvector positions"));
            }
            let (own, behind) = behind.split_at_checked(positions * 2).ok_or_else(insufficient_data)?;
            let own = own.chunks_exact(2).map(|pair| match pair {
                [high, low] => u16::from_be_bytes([*high, *low]),
                _ => 0,
            });
            let own = own.map(|both| Position { place: both & MAX_POSITION, weight: Weight::of_number(both >> 14) });
            let positions: Vec<Position> = own.collect();
            if positions.windows(2).any(|pair| matches!(pair, [a, b] if b.place <= a.place)) {
                return Err(internal("position information is misordered"));
            }
            lexemes.push(Lexeme { text: text.to_owned(), positions });
            rest = behind;
        }
        if !rest.is_empty() {
            return Err(wrong_format());
        }
        TsVector::new(lexemes)
    }
}

/// A text that a zero ends, and what follows.
pub(super) fn cut_string(bytes: &[u8]) -> Result<(&str, &[u8])> {
    let end = bytes
        .iter()
        .position(|byte| *byte == 0)
        .ok_or_else(|| Error::new(SqlState::PROTOCOL_VIOLATION, "invalid string in message"))?;
    let (text, rest) = bytes.split_at(end);
    Ok((utf8(text)?, rest.get(1..).unwrap_or(&[])))
}

/// The other's positions behind these (add_pos).
fn add_positions(positions: &mut Vec<Position>, more: &[Position], offset: u16) {
    for position in more {
        if positions.len() >= MAX_POSITIONS || positions.last().is_some_and(|last| last.place == MAX_POSITION) {
            break;
        }
        let place = (position.place + offset).min(MAX_POSITION);
        positions.push(Position { place, weight: position.weight });
    }
}

/// `None` if they are equal. One with positions is before one without.
fn compare_lexemes(a: &Lexeme, b: &Lexeme) -> Option<Ordering> {
    let by_positions = a.positions.is_empty().cmp(&b.positions.is_empty());
    let order = by_positions
        .then_with(|| a.text.cmp(&b.text))
        .then_with(|| b.positions.len().cmp(&a.positions.len()))
        .then_with(|| {
            let differ = |(a, b): (&Position, &Position)| {
                Some(b.place.cmp(&a.place).then(b.weight.cmp(&a.weight))).filter(|order| order.is_ne())
            };
            a.positions.iter().zip(&b.positions).find_map(differ).unwrap_or(Ordering::Equal)
        });
    Some(order).filter(|order| order.is_ne())
}

/// A text in quotes, quotes and backslashes in it doubled.
pub(super) fn write_quoted(text: &str, out: &mut impl Write) -> fmt::Result {
    out.write_char('\'')?;
    for character in text.chars() {
        if matches!(character, '\'' | '\\') {
            out.write_char(character)?;
        }
        out.write_char(character)?;
    }
    out.write_char('\'')
}

impl fmt::Display for TsVector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, lexeme) in self.lexemes.iter().enumerate() {
            f.write_str(if index > 0 { " " } else { "" })?;
            write_quoted(&lexeme.text, f)?;
            for (index, position) in lexeme.positions.iter().enumerate() {
                write!(f, "{}{}", if index > 0 { "," } else { ":" }, position.place)?;
                if position.weight != Weight::D {
                    f.write_char(position.weight.letter())?;
                }
            }
        }
        Ok(())
    }
}
