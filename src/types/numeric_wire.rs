//! The binary form of `numeric`, and comparison of stored numerics without parsing them.
//!
//! Owns: [`write_binary`], [`read_binary`], [`compare_text`]. They work on canonical decimal text directly, because a
//! result set or a sort does it once per value. Specification: numeric_send and numeric_recv in PostgreSQL's numeric.c:
//! int16 count, int16 weight, uint16 sign, uint16 display scale, then that many base-10000 digits.

use std::cmp::Ordering;

use bytes::{BufMut, BytesMut};

use crate::error::{Error, Result, SqlState};
use crate::types::numeric::Numeric;

const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const NEGATIVE_INFINITY: u16 = 0xF000;
const SCALE_MASK: u16 = 0x3FFF;

/// Splits canonical decimal text into sign, digits before and digits after the point; `None` if it is something else.
fn split(text: &str) -> Option<(bool, &[u8], &[u8])> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let (whole, fraction) = (whole.as_bytes(), fraction.as_bytes());
    if whole.is_empty() || !whole.iter().chain(fraction).all(u8::is_ascii_digit) {
        return None;
    }
    Some((negative, whole, fraction))
}

/// Whether a text is the canonical form of a finite numeric, so that it may be stored as it is. Long numbers are left
/// to [`Numeric::parse`], which knows the limits.
pub fn is_canonical(text: &str) -> bool {
    let Some((negative, whole, fraction)) = split(text) else { return false };
    let leading_zero = matches!(whole, [b'0', _, ..]);
    let bare_point = fraction.is_empty() && text.ends_with('.');
    let minus_zero = negative && whole.iter().chain(fraction).all(|digit| *digit == b'0');
    text.len() <= 1000 && !leading_zero && !bare_point && !minus_zero
}

fn strip_leading_zeros(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|d| **d == b'0').count();
    digits.get(zeros..).unwrap_or(&[])
}

fn strip_trailing_zeros(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().rev().take_while(|d| **d == b'0').count();
    digits.get(..digits.len() - zeros).unwrap_or(&[])
}

fn put_header(out: &mut BytesMut, digits: u16, weight: i16, sign: u16, scale: u16) {
    out.put_u16(digits);
    out.put_i16(weight);
    out.put_u16(sign);
    out.put_u16(scale);
}

/// Appends the binary form of a canonical numeric text; 22P02 if it is not a numeric at all.
pub fn write_binary(text: &str, out: &mut BytesMut) -> Result<()> {
    if let Some((negative, whole, fraction)) = split(text) {
        if write_finite(negative, whole, fraction, out) {
            return Ok(());
        }
        return Err(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value overflows numeric format"));
    }
    match Numeric::parse(text)? {
        Numeric::NaN => put_header(out, 0, 0, NAN, 0),
        // The scale is what PostgreSQL happens to send.
        Numeric::Infinity => put_header(out, 0, 0, INFINITY, 0x20),
        Numeric::NegativeInfinity => put_header(out, 0, 0, NEGATIVE_INFINITY, 0x20),
        Numeric::Finite(decimal) => return write_binary(&decimal.to_string(), out),
    }
    Ok(())
}

/// False if the number has more digits than the format can count.
fn write_finite(negative: bool, whole: &[u8], fraction: &[u8], out: &mut BytesMut) -> bool {
    let Ok(scale) = u16::try_from(fraction.len()) else { return false };
    let whole = strip_leading_zeros(whole);
    let digits = strip_trailing_zeros(fraction);
    let start = out.len();
    put_header(out, 0, 0, 0, scale);
    // The leading group holds what is left of the digits before the point once the others are in fours.
    let mut weight = whole.len().div_ceil(4) as i64 - 1;
    let mut groups = 0u32;
    let mut pending_zeros = 0u32;
    let mut emit = |group: u16, out: &mut BytesMut| {
        if group == 0 {
            if groups == 0 {
                weight -= 1;
            } else {
                pending_zeros += 1;
            }
            return;
        }
        out.put_bytes(0, 2 * pending_zeros as usize);
        out.put_u16(group);
        groups += pending_zeros + 1;
        pending_zeros = 0;
    };
    let value = |chunk: &[u8]| chunk.iter().fold(0u16, |value, digit| value * 10 + u16::from(digit - b'0'));
    let (first, rest) = whole.split_at(whole.len() % 4);
    if !first.is_empty() {
        emit(value(first), out);
    }
    for chunk in rest.chunks(4) {
        emit(value(chunk), out);
    }
    for chunk in digits.chunks(4) {
        let padding = 10u16.pow(4 - chunk.len() as u32);
        emit(value(chunk) * padding, out);
    }
    let (count, weight) = if groups == 0 { (0, 0) } else { (groups, weight) };
    let (Ok(count), Ok(weight)) = (u16::try_from(count), i16::try_from(weight)) else { return false };
    let sign = if negative && count > 0 { NEGATIVE } else { POSITIVE };
    if let Some(header) = out.get_mut(start..start + 6) {
        header[..2].copy_from_slice(&count.to_be_bytes());
        header[2..4].copy_from_slice(&weight.to_be_bytes());
        header[4..].copy_from_slice(&sign.to_be_bytes());
    }
    true
}

fn invalid(what: &str) -> Error {
    Error::new(SqlState::INVALID_BINARY_REPRESENTATION, format!("invalid {what} in external \"numeric\" value"))
}

/// Reads the binary form and gives the canonical text. The errors are numeric_recv's.
pub fn read_binary(bytes: &[u8]) -> Result<String> {
    let mut words = bytes.chunks(2).map(|pair| <[u8; 2]>::try_from(pair).map(u16::from_be_bytes));
    let mut next = || match words.next() {
        Some(Ok(word)) => Ok(word),
        _ => Err(Error::new(SqlState::PROTOCOL_VIOLATION, "insufficient data left in message")),
    };
    let count = usize::from(next()?);
    let weight = i32::from(next()?.cast_signed());
    let sign = next()?;
    let scale = usize::from(next()?);
    match sign {
        POSITIVE | NEGATIVE => {}
        NAN => return Ok("NaN".to_owned()),
        INFINITY => return Ok("Infinity".to_owned()),
        NEGATIVE_INFINITY => return Ok("-Infinity".to_owned()),
        _ => return Err(invalid("sign")),
    }
    if scale & usize::from(SCALE_MASK) != scale {
        return Err(invalid("scale"));
    }
    let mut digits = Vec::with_capacity(count.min(bytes.len()));
    for _ in 0..count {
        match next()? {
            digit @ 0..=9999 => digits.push(digit),
            _ => return Err(invalid("digit")),
        }
    }
    if next().is_ok() || bytes.len() % 2 == 1 {
        return Err(Error::new(SqlState::INVALID_BINARY_REPRESENTATION, "incorrect binary data format"));
    }
    Ok(digits_to_text(&digits, weight, sign == NEGATIVE, scale))
}

/// Decimal text of base-10000 digits, digits beyond the scale cut off.
fn digits_to_text(digits: &[u16], weight: i32, negative: bool, scale: usize) -> String {
    let group = |place: i32| usize::try_from(weight - place).ok().and_then(|i| digits.get(i)).copied().unwrap_or(0);
    let mut text = String::with_capacity(scale + 8);
    for place in (0..=weight.max(0)).rev() {
        push_group(&mut text, group(place));
    }
    let whole_len = text.len();
    let first = text.bytes().position(|b| b != b'0').unwrap_or(whole_len - 1);
    text.drain(..first);
    if scale > 0 {
        text.push('.');
        let end = text.len() + scale;
        let mut place = -1;
        while text.len() < end {
            push_group(&mut text, group(place));
            place -= 1;
        }
        text.truncate(end);
    }
    if negative && text.bytes().any(|b| (b'1'..=b'9').contains(&b)) {
        text.insert(0, '-');
    }
    text
}

fn push_group(text: &mut String, group: u16) {
    for divisor in [1000, 100, 10, 1] {
        text.push(char::from(b'0' + (group / divisor % 10) as u8));
    }
}

/// Orders two stored numerics as PostgreSQL does: by value, NaN last.
pub fn compare_text(a: &str, b: &str) -> Ordering {
    match (split(a), split(b)) {
        (Some(a), Some(b)) => compare_finite(a, b),
        _ => match (Numeric::parse(a), Numeric::parse(b)) {
            (Ok(a), Ok(b)) => a.cmp(&b),
            // Not a numeric: a file that others wrote. Any total order will do.
            (a_parsed, b_parsed) => a_parsed.is_err().cmp(&b_parsed.is_err()).then_with(|| a.cmp(b)),
        },
    }
}

type Parts<'a> = (bool, &'a [u8], &'a [u8]);

fn compare_finite(
    (a_negative, a_whole, a_fraction): Parts<'_>,
    (b_negative, b_whole, b_fraction): Parts<'_>,
) -> Ordering {
    let (a_whole, b_whole) = (strip_leading_zeros(a_whole), strip_leading_zeros(b_whole));
    let (a_fraction, b_fraction) = (strip_trailing_zeros(a_fraction), strip_trailing_zeros(b_fraction));
    let is_zero = |whole: &[u8], fraction: &[u8]| whole.is_empty() && fraction.is_empty();
    let sign = |negative: bool, zero: bool| match (zero, negative) {
        (true, _) => 0,
        (_, true) => -1,
        _ => 1,
    };
    let a_sign = sign(a_negative, is_zero(a_whole, a_fraction));
    let b_sign = sign(b_negative, is_zero(b_whole, b_fraction));
    if a_sign != b_sign || a_sign == 0 {
        return a_sign.cmp(&b_sign);
    }
    let magnitude =
        a_whole.len().cmp(&b_whole.len()).then_with(|| a_whole.cmp(b_whole)).then_with(|| a_fraction.cmp(b_fraction));
    if a_sign < 0 { magnitude.reverse() } else { magnitude }
}
