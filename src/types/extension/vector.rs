//! vector: the numbers of pgvector.
//!
//! Owns: [`Vector`]. The stored form is a BLOB of four bytes for each number, in which negative ones have all their bits
//! turned and the others their sign: bytes sort as the vectors do. Specification: pgvector's README and its tests.

use bytes::{BufMut, BytesMut};

use crate::error::{Error, Result, SqlState};
use crate::limits::session as limits;
use crate::types::encoding::insufficient_data;
use crate::types::number_text::write_float4;

/// The most numbers.
pub const MAX_DIMENSIONS: usize = 16_000;

/// At least one finite number.
#[derive(Clone, Debug, PartialEq)]
pub struct Vector(Vec<f32>);

fn data_exception(message: impl Into<String>) -> Error {
    Error::new(SqlState::DATA_EXCEPTION, message.into())
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// How long a number is that strtof would read.
fn number_length(bytes: &[u8]) -> usize {
    let sign = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let rest = bytes.get(sign..).unwrap_or(&[]);
    let words: [&[u8]; 3] = [b"infinity", b"inf", b"nan"];
    let word = words.iter().find(|word| rest.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word)));
    if let Some(word) = word {
        return sign + word.len();
    }
    let digits = |from: usize| rest.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let whole = digits(0);
    let point = rest.get(whole) == Some(&b'.');
    let fraction = if point { digits(whole + 1) } else { 0 };
    if whole + fraction == 0 {
        return 0;
    }
    let mut length = whole + usize::from(point) + fraction;
    if matches!(rest.get(length), Some(b'e' | b'E')) {
        let signed = usize::from(matches!(rest.get(length + 1), Some(b'+' | b'-')));
        let exponent = digits(length + 1 + signed);
        length += if exponent > 0 { 1 + signed + exponent } else { 0 };
    }
    sign + length
}

impl Vector {
    /// Of numbers that somebody gave.
    pub fn new(numbers: Vec<f32>) -> Result<Self> {
        match numbers.len() {
            0 => return Err(data_exception("vector must have at least 1 dimension")),
            1..=MAX_DIMENSIONS => {}
            _ => return Err(too_many()),
        }
        if numbers.iter().any(|number| number.is_nan()) {
            return Err(data_exception("NaN not allowed in vector"));
        }
        if numbers.iter().any(|number| number.is_infinite()) {
            return Err(data_exception("infinite value not allowed in vector"));
        }
        Ok(Vector(numbers))
    }

    pub fn numbers(&self) -> &[f32] {
        &self.0
    }

    /// Reads the text form.
    pub fn parse(text: &str) -> Result<Self> {
        limits::work(text.len())?;
        let wrong = || {
            let message = format!("invalid input syntax for type vector: \"{text}\"");
            Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message)
        };
        let bytes = text.as_bytes();
        let after_space = |at: usize| at + bytes.iter().skip(at).take_while(|byte| is_space(**byte)).count();
        let mut at = after_space(0);
        if bytes.get(at) != Some(&b'[') {
            return Err(wrong().with_detail("Vector contents must start with \"[\"."));
        }
        at = after_space(at + 1);
        if bytes.get(at) == Some(&b']') {
            return Err(data_exception("vector must have at least 1 dimension"));
        }
        let mut numbers = Vec::new();
        loop {
            if numbers.len() == MAX_DIMENSIONS {
                return Err(too_many());
            }
            at = after_space(at);
            let length = number_length(bytes.get(at..).unwrap_or(&[]));
            let digits = text.get(at..at + length).filter(|digits| !digits.is_empty()).ok_or_else(wrong)?;
            let number: f32 = digits.parse().map_err(|_| wrong())?;
            if number.is_infinite() && digits.ends_with(|c: char| c.is_ascii_digit() || c == '.') {
                let message = format!("\"{digits}\" is out of range for type vector");
                return Err(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message));
            }
            if number.is_nan() {
                return Err(data_exception("NaN not allowed in vector"));
            }
            if number.is_infinite() {
                return Err(data_exception("infinite value not allowed in vector"));
            }
            numbers.push(number);
            at = after_space(at + length);
            match bytes.get(at) {
                Some(b',') => at += 1,
                Some(b']') => break,
                _ => return Err(wrong()),
            }
        }
        if after_space(at + 1) < bytes.len() {
            return Err(wrong().with_detail("Junk after closing right brace."));
        }
        Vector::new(numbers)
    }

    /// Appends the text form.
    pub fn write(&self, out: &mut impl std::fmt::Write) -> std::fmt::Result {
        out.write_char('[')?;
        for (place, number) in self.0.iter().enumerate() {
            if place > 0 {
                out.write_char(',')?;
            }
            write_float4(*number, out)?;
        }
        out.write_char(']')
    }

    /// The stored form.
    pub fn to_stored(&self) -> Vec<u8> {
        let bits = self.0.iter().map(|number| {
            let bits = number.to_bits();
            if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
        });
        bits.flat_map(u32::to_be_bytes).collect()
    }

    /// Reads the stored form.
    pub fn from_stored(stored: &[u8]) -> Result<Self> {
        let misfit = || Error::new(SqlState::DATA_CORRUPTED, "a stored value is not of its column's type");
        let numbers = stored.chunks(4).map(|chunk| {
            let bits = u32::from_be_bytes(chunk.try_into().map_err(|_| misfit())?);
            Ok(f32::from_bits(if bits >> 31 == 1 { bits & !(1 << 31) } else { !bits }))
        });
        numbers.collect::<Result<Vec<f32>>>().map(Vector)
    }

    /// Appends the binary form.
    pub fn write_binary(&self, out: &mut BytesMut) {
        out.put_i16(self.0.len() as i16);
        out.put_i16(0);
        self.0.iter().for_each(|number| out.put_f32(*number));
    }

    /// Reads the binary form.
    pub fn read_binary(bytes: &[u8]) -> Result<Self> {
        let (count, rest) = bytes.split_first_chunk::<2>().ok_or_else(insufficient_data)?;
        let (unused, rest) = rest.split_first_chunk::<2>().ok_or_else(insufficient_data)?;
        let (count, unused) = (i16::from_be_bytes(*count), i16::from_be_bytes(*unused));
        let count = usize::try_from(count).unwrap_or(0);
        if unused != 0 {
            return Err(data_exception(format!("expected unused to be 0, not {unused}")));
        }
        if count == 0 {
            return Err(data_exception("vector must have at least 1 dimension"));
        }
        match rest.len().cmp(&(count * 4)) {
            std::cmp::Ordering::Less => return Err(insufficient_data()),
            std::cmp::Ordering::Greater => return Err(crate::types::encoding::wrong_format()),
            std::cmp::Ordering::Equal => {}
        }
        Vector::new(rest.chunks_exact(4).map(|c| f32::from_be_bytes(c.try_into().unwrap_or_default())).collect())
    }
}

fn too_many() -> Error {
    let message = format!("vector cannot have more than {MAX_DIMENSIONS} dimensions");
    Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_vectors_sort_as_vectors() {
        let of = |text: &str| Vector::parse(text).unwrap().to_stored();
        assert!(of("[-2]") < of("[-1]") && of("[-1]") < of("[0]") && of("[0]") < of("[1]"));
        assert!(of("[1,2]") < of("[1,3]") && of("[1]") < of("[1,0]"));
        let text = |text: &str| {
            let mut out = String::new();
            Vector::from_stored(&of(text)).unwrap().write(&mut out).unwrap();
            out
        };
        assert_eq!(text(" [ 1.5,-2e10 , 3 ] "), "[1.5,-2e+10,3]");
    }

    #[test]
    fn errors_are_pgvectors() {
        for (text, message) in [
            ("1", "invalid input syntax for type vector: \"1\""),
            ("[]", "vector must have at least 1 dimension"),
            ("[1,]", "invalid input syntax for type vector: \"[1,]\""),
            ("[NaN]", "NaN not allowed in vector"),
            ("[Infinity]", "infinite value not allowed in vector"),
            ("[1e40]", "\"1e40\" is out of range for type vector"),
            ("[1]x", "invalid input syntax for type vector: \"[1]x\""),
        ] {
            assert_eq!(Vector::parse(text).unwrap_err().message(), message, "{text}");
        }
    }
}
