//! bit and varbit: text and binary forms, and what is computed from them.
//!
//! Owns: everything about strings of bits, which are kept as texts of the digits 0 and 1: so they sort as PostgreSQL
//! sorts them. Specification: datatype-bit.html, functions-bitstring.html; varbit.c.

use bytes::{BufMut, BytesMut};

use crate::error::{Error, Result, SqlState};
use crate::limits::memory;
use crate::types::encoding::{insufficient_data, wrong_format};

/// The longest bit(n) (varbit.c: MaxAttrSize bytes).
const MAX_LENGTH: i64 = 83_886_080;

fn mismatch(message: String) -> Error {
    Error::new(SqlState::STRING_DATA_LENGTH_MISMATCH, message)
}

fn negative_length() -> Error {
    Error::new(SqlState::SUBSTRING_ERROR, "negative substring length not allowed")
}

/// The modifier of bit(n) and varbit(n).
pub fn length_typmod(length: i64, name: &str) -> Result<i32> {
    let message = match length {
        ..1 => format!("length for type {name} must be at least 1"),
        1..=MAX_LENGTH => return Ok(length as i32),
        _ => format!("length for type {name} cannot exceed {MAX_LENGTH}"),
    };
    Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message))
}

/// Reads the text form: digits, or hexadecimal ones after an x (bit_in).
pub fn parse(text: &str) -> Result<String> {
    let (digits, hex) = match text.as_bytes().first() {
        Some(b'b' | b'B') => (&text[1..], false),
        Some(b'x' | b'X') => (&text[1..], true),
        _ => (text, false),
    };
    memory::reserve(digits.len().saturating_mul(if hex { 4 } else { 1 }))?;
    let mut bits = String::with_capacity(digits.len());
    for digit in digits.chars() {
        let valid = match (hex, digit.to_digit(16)) {
            (true, Some(value)) => {
                bits.extend((0..4).rev().map(|bit| digit_of(value >> bit & 1 == 1)));
                true
            }
            (false, Some(0 | 1)) => {
                bits.push(digit);
                true
            }
            _ => false,
        };
        if !valid {
            let kind = if hex { "hexadecimal" } else { "binary" };
            let message = format!("\"{digit}\" is not a valid {kind} digit");
            return Err(Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message));
        }
    }
    Ok(bits)
}

fn digit_of(set: bool) -> char {
    if set { '1' } else { '0' }
}

/// Appends the binary form: how many bits there are, and the bits in bytes.
pub fn write_binary(bits: &str, out: &mut BytesMut) -> Result<()> {
    let count = i32::try_from(bits.len()).map_err(|_| Error::internal("a bit string that is too long"))?;
    out.put_i32(count);
    for chunk in bits.as_bytes().chunks(8) {
        out.put_u8(chunk.iter().zip(0..).fold(0, |byte, (digit, at)| byte | (digit & 1) << (7 - at)));
    }
    Ok(())
}

/// Reads the binary form (bit_recv).
pub fn read_binary(bytes: &[u8]) -> Result<String> {
    let (count, bytes) = bytes.split_first_chunk::<4>().ok_or_else(insufficient_data)?;
    let count = usize::try_from(i32::from_be_bytes(*count)).ok().filter(|count| *count <= i32::MAX as usize - 7);
    let count = count
        .ok_or_else(|| Error::new(SqlState::INVALID_BINARY_REPRESENTATION, "invalid length in external bit string"))?;
    match bytes.len().cmp(&count.div_ceil(8)) {
        std::cmp::Ordering::Less => return Err(insufficient_data()),
        std::cmp::Ordering::Greater => return Err(wrong_format()),
        std::cmp::Ordering::Equal => {}
    }
    memory::reserve(count)?;
    let bits = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| digit_of(byte >> bit & 1 == 1)));
    Ok(bits.take(count).collect())
}

/// The most bits of a value (VARBITMAXLEN).
const MOST: usize = i32::MAX as usize - 7;

/// A bit(n): as long as it should be, or made so by an explicit cast.
pub fn fixed(bits: &str, length: i32, explicit: bool) -> Result<Option<String>> {
    let Some(wanted) = usize::try_from(length).ok().filter(|n| (1..=MOST).contains(n) && *n != bits.len()) else {
        return Ok(None);
    };
    if !explicit {
        return Err(mismatch(format!("bit string length {} does not match type bit({length})", bits.len())));
    }
    memory::reserve(wanted)?;
    let mut fixed = bits.get(..wanted).unwrap_or(bits).to_owned();
    fixed.extend(std::iter::repeat_n('0', wanted.saturating_sub(fixed.len())));
    Ok(Some(fixed))
}

/// A varbit(n): no longer than it may be, or cut by an explicit cast.
pub fn varying(bits: &str, length: i32, explicit: bool) -> Result<Option<String>> {
    let Some(most) = usize::try_from(length).ok().filter(|n| *n > 0 && *n < bits.len()) else { return Ok(None) };
    if !explicit {
        let message = format!("bit string too long for type bit varying({length})");
        return Err(Error::new(SqlState::STRING_DATA_RIGHT_TRUNCATION, message));
    }
    Ok(bits.get(..most).map(str::to_owned))
}

/// The rightmost `length` bits of a number that has `width` of them; before them its sign (bitfromint8).
pub fn from_integer(value: i64, width: usize, length: i32) -> Result<String> {
    let length = usize::try_from(length).ok().filter(|n| (1..=MOST).contains(n)).unwrap_or(1);
    crate::limits::session::work(length)?;
    memory::reserve(length)?;
    let bit = |at: usize| value >> at.min(width - 1) & 1 == 1;
    Ok((0..length).rev().map(|at| digit_of(bit(at))).collect())
}

/// The number that at most `width` bits are; as many of them have a sign.
pub fn to_integer(bits: &str, width: usize) -> Result<i64> {
    if bits.len() > width {
        let name = if width == 32 { "integer" } else { "bigint" };
        return Err(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, format!("{name} out of range")));
    }
    let value = bits.bytes().fold(0u64, |value, digit| value << 1 | u64::from(digit & 1));
    Ok(if width == 32 { i64::from(value as u32 as i32) } else { value as i64 })
}

/// Both, bit by bit; `name` is what the error calls it ("AND").
pub fn combine(left: &str, right: &str, name: &str, operation: fn(u8, u8) -> u8) -> Result<String> {
    if left.len() != right.len() {
        return Err(mismatch(format!("cannot {name} bit strings of different sizes")));
    }
    let pairs = left.bytes().zip(right.bytes());
    Ok(pairs.map(|(a, b)| digit_of(operation(a & 1, b & 1) == 1)).collect())
}

/// Every bit turned round.
pub fn not(bits: &str) -> String {
    bits.bytes().map(|digit| digit_of(digit == b'0')).collect()
}

/// Shifted to the left, or to the right for a negative distance; the length stays.
pub fn shift_left(bits: &str, distance: i64) -> String {
    let shifted = usize::try_from(distance.unsigned_abs()).unwrap_or(usize::MAX).min(bits.len());
    let zeros = "0".repeat(shifted);
    match distance {
        0.. => format!("{}{zeros}", bits.get(shifted..).unwrap_or("")),
        _ => format!("{zeros}{}", bits.get(..bits.len() - shifted).unwrap_or("")),
    }
}

/// substring(bits from start for length), from 1; without a length up to the end (bitsubstring).
pub fn substring(bits: &str, start: i32, length: Option<i32>) -> Result<&str> {
    let start = i64::from(start);
    let end = match length.map(i64::from) {
        Some(..0) => return Err(negative_length()),
        Some(length) => (start + length - 1).clamp(0, bits.len() as i64),
        None => bits.len() as i64,
    };
    let from = start.max(1) - 1;
    Ok(bits.get(from as usize..end as usize).unwrap_or(""))
}

/// overlay(bits placing new from start for length) (bit_overlay).
pub fn overlay(bits: &str, new: &str, start: i32, length: Option<i32>) -> Result<String> {
    let length = length.unwrap_or_else(|| i32::try_from(new.len()).unwrap_or(i32::MAX));
    if start <= 0 {
        return Err(negative_length());
    }
    let after = start
        .checked_add(length)
        .ok_or_else(|| Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range"))?;
    memory::reserve(bits.len() + new.len())?;
    Ok(format!("{}{new}{}", substring(bits, 1, Some(start - 1))?, substring(bits, after, None)?))
}

/// Where a part begins, from 1; 0 if nowhere (bitposition).
pub fn position(part: &str, bits: &str) -> i32 {
    if bits.is_empty() {
        return 0;
    }
    bits.find(part).map_or(0, |at| at as i32 + 1)
}

/// The index of a bit, from the left and from 0; 2202E if there is none.
fn index(bits: &str, at: i32) -> Result<usize> {
    usize::try_from(at).ok().filter(|at| *at < bits.len()).ok_or_else(|| {
        let message = format!("bit index {at} out of valid range (0..{})", bits.len() as i64 - 1);
        Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message)
    })
}

/// get_bit()
pub fn get(bits: &str, at: i32) -> Result<i32> {
    let at = index(bits, at)?;
    Ok(i32::from(bits.as_bytes().get(at) == Some(&b'1')))
}

/// set_bit()
pub fn set(bits: &str, at: i32, new: i32) -> Result<String> {
    let at = index(bits, at)?;
    if !matches!(new, 0 | 1) {
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "new bit must be 0 or 1"));
    }
    Ok(format!("{}{new}{}", bits.get(..at).unwrap_or(""), bits.get(at + 1..).unwrap_or("")))
}
