//! The numbers inside date and time fields: clock times, fractions, offsets, the tokens of a date.
//!
//! Owns: their reading, without what they mean together (`types::datetime_input`). The rules are those of DecodeTime,
//! DecodeTimezone and DecodeDate in PostgreSQL 15's datetime.c.

use crate::types::calendar::USECS_PER_SECOND;
use crate::types::datetime_lexer::InputError;

pub(super) type Parsed<T = ()> = std::result::Result<T, InputError>;

/// A decimal number at the start of a text, and what follows. `None` if it does not fit 32 bits.
pub(super) fn leading_number(text: &str) -> Option<(i64, &str)> {
    let signed = usize::from(text.starts_with(['-', '+']));
    let end = text.bytes().skip(signed).position(|b| !b.is_ascii_digit()).map_or(text.len(), |at| at + signed);
    let (digits, rest) = text.split_at_checked(end)?;
    if end == signed {
        return Some((0, text));
    }
    digits.parse::<i32>().ok().map(|value| (value.into(), rest))
}

pub(super) fn number(text: &str) -> Parsed<(i64, &str)> {
    leading_number(text).ok_or(InputError::FieldOverflow)
}

/// ".25" in microseconds, rounded; a lone point is 0.
pub(super) fn fraction_usecs(text: &str) -> Parsed<i64> {
    if text == "." {
        return Ok(0);
    }
    let fraction: f64 = text.parse().map_err(|_| InputError::BadFormat)?;
    Ok((fraction * 1e6).round_ties_even() as i64)
}

/// "+hh", "+hhmm", "+hh:mm", "+hh:mm:ss" in seconds west (DecodeTimezone).
pub(super) fn zone_west(text: &str) -> Parsed<i64> {
    let overflow = || InputError::ZoneOverflow;
    let east = match text.as_bytes().first() {
        Some(b'+') => true,
        Some(b'-') => false,
        _ => return Err(InputError::BadFormat),
    };
    let (mut hours, mut rest) = leading_number(text.get(1..).unwrap_or("")).ok_or_else(overflow)?;
    let (mut minutes, mut seconds) = (0, 0);
    if let Some(after) = rest.strip_prefix(':') {
        (minutes, rest) = leading_number(after).ok_or_else(overflow)?;
        if let Some(after) = rest.strip_prefix(':') {
            (seconds, rest) = leading_number(after).ok_or_else(overflow)?;
        }
    } else if rest.is_empty() && text.len() > 3 {
        (hours, minutes) = (hours / 100, hours % 100);
    }
    if !(0..=15).contains(&hours) || !(0..60).contains(&minutes) || !(0..60).contains(&seconds) {
        return Err(overflow());
    }
    if !rest.is_empty() {
        return Err(InputError::BadFormat);
    }
    let offset = (hours * 60 + minutes) * 60 + seconds;
    Ok(if east { -offset } else { offset })
}

/// Hours, minutes, seconds and microseconds of "hh:mm[:ss[.ffffff]]" or "mm:ss.ffffff" (DecodeTimeCommon). The range
/// of the hours is the caller's to check.
pub(super) fn clock_parts(text: &str, minutes_to_seconds: bool) -> Parsed<(i64, i64, i64, i64)> {
    let (digits, rest) = text.split_at_checked(text.find(':').unwrap_or(0)).ok_or(InputError::BadFormat)?;
    let mut hour = digits.parse::<i64>().map_err(|_| match digits.is_empty() {
        true => InputError::BadFormat,
        false => InputError::FieldOverflow,
    })?;
    let (mut minute, rest) = number(rest.strip_prefix(':').ok_or(InputError::BadFormat)?)?;
    let (mut second, mut usecs) = (0, 0);
    if rest.starts_with('.') || (rest.is_empty() && minutes_to_seconds) {
        usecs = if rest.is_empty() { 0 } else { fraction_usecs(rest)? };
        if i32::try_from(hour).is_err() {
            return Err(InputError::FieldOverflow);
        }
        (hour, minute, second) = (0, hour, minute);
    } else if let Some(rest) = rest.strip_prefix(':') {
        let (value, rest) = number(rest)?;
        second = value;
        if rest.starts_with('.') {
            usecs = fraction_usecs(rest)?;
        } else if !rest.is_empty() {
            return Err(InputError::BadFormat);
        }
    } else if !rest.is_empty() {
        return Err(InputError::BadFormat);
    }
    let valid = hour >= 0 && (0..60).contains(&minute) && (0..=60).contains(&second);
    if valid && (0..=USECS_PER_SECOND).contains(&usecs) {
        Ok((hour, minute, second, usecs))
    } else {
        Err(InputError::FieldOverflow)
    }
}

/// The tokens of a date: runs of digits or of letters, one separator of any kind after each.
pub(super) fn split_date(text: &str) -> Parsed<Vec<&str>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        rest = rest.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
        let digits = rest.starts_with(|c: char| c.is_ascii_digit());
        let end = rest.find(|c: char| if digits { !c.is_ascii_digit() } else { !c.is_ascii_alphabetic() });
        let (token, after) = rest.split_at_checked(end.unwrap_or(rest.len())).ok_or(InputError::BadFormat)?;
        if token.is_empty() {
            return Err(InputError::BadFormat);
        }
        tokens.push(token);
        let mut characters = after.chars();
        characters.next();
        rest = characters.as_str();
    }
    Ok(tokens)
}
