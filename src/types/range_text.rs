//! Ranges and multiranges: their stored form, their text and their binary form.
//!
//! Owns: reading and writing. The stored form is the text PostgreSQL writes, with bounds in the stored form of the
//! subtype. Specification: rangetypes.html#RANGETYPES-IO; range_in, range_out, range_send, multirange_in.

use bytes::{BufMut, BytesMut};

use crate::error::{Error, Result, SqlState};
use crate::types::encoding::{decode_binary, decode_text, encode, encode_scalar, insufficient_data, wrong_format};
use crate::types::format::{DateStyle, Format, FormatSettings, IntervalStyle};
use crate::types::pg_type::{RangeOf, Repr, Scalar, type_info};
use crate::types::range::{Bound, Range, normalized};
use crate::types::value::{Value, ValueRef};

/// Bits of a range's flags on the wire (rangetypes.h).
const EMPTY: u8 = 0x01;
const LOWER_INCLUDED: u8 = 0x02;
const UPPER_INCLUDED: u8 = 0x04;
const LOWER_INFINITE: u8 = 0x08;
const UPPER_INFINITE: u8 = 0x10;

fn malformed(kind: &str, text: &str, detail: &'static str) -> Error {
    Error::new(SqlState::INVALID_TEXT_REPRESENTATION, format!("malformed {kind} literal: \"{text}\""))
        .with_detail(detail)
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

/// A range literal's two bounds as they are written, or `None` for empty.
type Written = Option<(Option<String>, bool, Option<String>, bool)>;

/// Takes a range literal apart (range_parse).
fn split_range(text: &str) -> Result<Written> {
    let wrong = |detail| malformed("range", text, detail);
    let trimmed = text.trim_start_matches(is_space);
    if let Some(rest) = trimmed.get(5..)
        && trimmed[..5].eq_ignore_ascii_case("empty")
    {
        let junk = !rest.trim_start_matches(is_space).is_empty();
        return if junk { Err(wrong("Junk after \"empty\" key word.")) } else { Ok(None) };
    }
    let mut rest = trimmed.chars();
    let lower_inclusive = match rest.next() {
        Some('[') => true,
        Some('(') => false,
        _ => return Err(wrong("Missing left parenthesis or bracket.")),
    };
    let lower = bound(&mut rest, text)?;
    if rest.next() != Some(',') {
        return Err(wrong("Missing comma after lower bound."));
    }
    let upper = bound(&mut rest, text)?;
    let upper_inclusive = match rest.next() {
        Some(']') => true,
        Some(')') => false,
        _ => return Err(wrong("Too many commas.")),
    };
    if !rest.as_str().trim_start_matches(is_space).is_empty() {
        return Err(wrong("Junk after right parenthesis or bracket."));
    }
    Ok(Some((lower, lower_inclusive, upper, upper_inclusive)))
}

/// One bound up to the character after it; nothing at all is infinity (range_parse_bound).
fn bound(rest: &mut std::str::Chars<'_>, text: &str) -> Result<Option<String>> {
    let end = || malformed("range", text, "Unexpected end of input.");
    let mut value = String::new();
    if rest.as_str().starts_with([',', ')', ']']) {
        return Ok(None);
    }
    let mut quoted = false;
    loop {
        if !quoted && rest.as_str().starts_with([',', ')', ']']) {
            return Ok(Some(value));
        }
        match rest.next().ok_or_else(end)? {
            '\\' => value.push(rest.next().ok_or_else(end)?),
            '"' if !quoted => quoted = true,
            '"' if rest.as_str().starts_with('"') => {
                rest.next();
                value.push('"');
            }
            '"' => quoted = false,
            c => value.push(c),
        }
    }
}

/// The range literals in a multirange literal; empty ones are left out (multirange_in).
fn split_multirange(text: &str) -> Result<Vec<&str>> {
    let wrong = |detail| malformed("multirange", text, detail);
    let trimmed = text.trim_start_matches(is_space);
    let body = trimmed.strip_prefix('{').ok_or_else(|| wrong("Missing left brace."))?;
    let mut ranges = Vec::new();
    let mut rest = body.trim_start_matches(is_space);
    if let Some(after) = rest.strip_prefix('}') {
        rest = after;
    } else {
        loop {
            rest = rest.trim_start_matches(is_space);
            if rest.is_empty() {
                return Err(wrong("Unexpected end of input."));
            } else if rest.starts_with(['[', '(']) {
                let length = range_length(rest).ok_or_else(|| wrong("Unexpected end of input."))?;
                let (range, after) = rest.split_at(length);
                ranges.push(range);
                rest = after;
            } else if rest.get(..5).is_some_and(|word| word.eq_ignore_ascii_case("empty")) {
                rest = &rest[5..];
            } else {
                return Err(wrong("Expected range start."));
            }
            rest = rest.trim_start_matches(is_space);
            let next = rest.chars().next().ok_or_else(|| wrong("Unexpected end of input."))?;
            rest = &rest[next.len_utf8()..];
            match next {
                ',' => {}
                '}' => break,
                _ => return Err(wrong("Expected comma or end of multirange.")),
            }
        }
    }
    if !rest.trim_start_matches(is_space).is_empty() {
        return Err(wrong("Junk after closing right brace."));
    }
    Ok(ranges)
}

/// How long the range literal is that a text begins with; `None` if it does not end.
fn range_length(text: &str) -> Option<usize> {
    let mut quoted = false;
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => {
                characters.next()?;
            }
            // A doubled quotation mark ends and begins again.
            '"' => quoted = !quoted,
            ']' | ')' if !quoted => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// A stored range; `None` if it is empty.
pub fn range_of_stored(text: &str) -> Result<Option<Range>> {
    Ok(split_range(text)?.map(|(lower, lower_inclusive, upper, upper_inclusive)| Range {
        lower: Bound::lower(lower, lower_inclusive),
        upper: Bound::upper(upper, upper_inclusive),
    }))
}

/// The ranges of a stored range or multirange that are not empty.
pub fn ranges_of_stored(text: &str) -> Result<Vec<Range>> {
    if !text.starts_with('{') {
        return Ok(range_of_stored(text)?.into_iter().collect());
    }
    let ranges = split_multirange(text)?.into_iter().map(range_of_stored);
    Ok(ranges.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// Appends a bound, quoted where it must be (range_bound_escape).
fn put_bound(value: &str, out: &mut String) {
    let special = |c: char| matches!(c, '"' | '\\' | '(' | ')' | '[' | ']' | ',') || is_space(c);
    if !value.is_empty() && !value.contains(special) {
        out.push_str(value);
        return;
    }
    out.push('"');
    for c in value.chars() {
        if matches!(c, '"' | '\\') {
            out.push(c);
        }
        out.push(c);
    }
    out.push('"');
}

fn put_range(range: &Range, out: &mut String) {
    out.push(if range.lower.inclusive { '[' } else { '(' });
    range.lower.value.iter().for_each(|value| put_bound(value, out));
    out.push(',');
    range.upper.value.iter().for_each(|value| put_bound(value, out));
    out.push(if range.upper.inclusive { ']' } else { ')' });
}

/// The stored form of a range.
pub fn stored_range(range: Option<&Range>) -> String {
    let mut out = String::new();
    match range {
        Some(range) => put_range(range, &mut out),
        None => out.push_str("empty"),
    }
    out
}

/// The stored form of a multirange.
pub fn stored_multirange(ranges: &[Range]) -> String {
    let mut out = String::from("{");
    for (index, range) in ranges.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        put_range(range, &mut out);
    }
    out.push('}');
    out
}

/// A stored value of the subtype as a bound's text.
pub fn bound_of_value(of: RangeOf, value: ValueRef<'_>) -> Result<String> {
    if let ValueRef::Text(text) = value {
        return Ok(text.to_owned());
    }
    let mut out = BytesMut::new();
    encode(Repr::scalar(of.scalar()), Format::Text, value, &FormatSettings::default(), &mut out)?;
    String::from_utf8(out.to_vec()).map_err(|_| Error::internal("a bound that is not UTF-8"))
}

/// A bound's text as a stored value of the subtype.
pub fn value_of_bound(of: RangeOf, text: &str) -> Result<Value> {
    match of.scalar() {
        scalar if scalar.is_integer() || matches!(scalar, Scalar::Float4 | Scalar::Float8 | Scalar::Bytea) => {
            decode_text(scalar, "", text, &FormatSettings::default())
        }
        _ => Ok(Value::Text(text.to_owned())),
    }
}

/// Reads the text form of a range.
fn parse_range(text: &str, of: RangeOf, settings: &FormatSettings) -> Result<Option<Range>> {
    let Some((lower, lower_inclusive, upper, upper_inclusive)) = split_range(text)? else { return Ok(None) };
    let name = type_info(of.subtype).map_or("", |info| info.sql_name);
    let read = |bound: Option<String>| {
        let value = bound.map(|text| decode_text(of.scalar(), name, &text, settings)).transpose()?;
        value.map(|value| bound_of_value(of, value.as_ref())).transpose()
    };
    Range::new(Bound::lower(read(lower)?, lower_inclusive), Bound::upper(read(upper)?, upper_inclusive), of)
}

/// Reads the text form of a range or multirange into its stored form.
pub(super) fn parse(scalar: Scalar, text: &str, settings: &FormatSettings) -> Result<String> {
    match scalar {
        Scalar::Multirange(of) => {
            let ranges = split_multirange(text)?.into_iter().map(|range| parse_range(range, of, settings));
            let ranges = ranges.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
            Ok(stored_multirange(&normalized(ranges, of)?))
        }
        Scalar::Range(of) => Ok(stored_range(parse_range(text, of, settings)?.as_ref())),
        _ => Err(Error::internal("a range that is none")),
    }
}

/// Whether a stored range looks to the client as it is stored.
fn is_shown_as_stored(of: RangeOf, stored: &str, settings: &FormatSettings) -> bool {
    match of.scalar() {
        Scalar::Date | Scalar::Timestamp => settings.date_style == DateStyle::Iso && !stored.contains(['/', 'Y']),
        Scalar::Interval => settings.interval_style == IntervalStyle::Postgres,
        Scalar::Float4 | Scalar::Float8 => settings.extra_float_digits >= 1,
        Scalar::TimestampTz | Scalar::Bytea => false,
        _ => true,
    }
}

/// Appends the text form of a stored range or multirange.
pub(super) fn encode_text(scalar: Scalar, stored: &str, settings: &FormatSettings, out: &mut BytesMut) -> Result<()> {
    let Some(of) = scalar.range() else { return Err(Error::internal("a range that is none")) };
    if is_shown_as_stored(of, stored, settings) || stored == "empty" {
        out.put_slice(stored.as_bytes());
        return Ok(());
    }
    let show = |value: &mut Option<String>| -> Result<()> {
        if let Some(text) = value {
            let mut shown = BytesMut::new();
            encode_scalar(of.scalar(), Format::Text, value_of_bound(of, text)?.as_ref(), settings, &mut shown)?;
            *text = String::from_utf8(shown.to_vec()).map_err(|_| Error::internal("a bound that is not UTF-8"))?;
        }
        Ok(())
    };
    let mut ranges = ranges_of_stored(stored)?;
    for range in &mut ranges {
        show(&mut range.lower.value)?;
        show(&mut range.upper.value)?;
    }
    let shown = match scalar {
        Scalar::Range(_) => stored_range(ranges.first()),
        _ => stored_multirange(&ranges),
    };
    out.put_slice(shown.as_bytes());
    Ok(())
}

fn put_length(out: &mut BytesMut, at: usize) -> Result<()> {
    let length = i32::try_from(out.len() - at - 4).map_err(|_| Error::internal("a range that is too long"))?;
    if let Some(place) = out.get_mut(at..at + 4) {
        place.copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

fn write_range(range: Option<&Range>, of: RangeOf, settings: &FormatSettings, out: &mut BytesMut) -> Result<()> {
    let Some(Range { lower, upper }) = range else {
        out.put_u8(EMPTY);
        return Ok(());
    };
    let mut flags = 0;
    for (bound, included, infinite) in
        [(lower, LOWER_INCLUDED, LOWER_INFINITE), (upper, UPPER_INCLUDED, UPPER_INFINITE)]
    {
        flags |= if bound.inclusive { included } else { 0 };
        flags |= if bound.value.is_none() { infinite } else { 0 };
    }
    out.put_u8(flags);
    for text in [lower, upper].into_iter().filter_map(|bound| bound.value.as_ref()) {
        let at = out.len();
        out.put_i32(0);
        encode_scalar(of.scalar(), Format::Binary, value_of_bound(of, text)?.as_ref(), settings, out)?;
        put_length(out, at)?;
    }
    Ok(())
}

/// Appends the binary form of a stored range or multirange.
pub(super) fn write_binary(scalar: Scalar, stored: &str, settings: &FormatSettings, out: &mut BytesMut) -> Result<()> {
    let ranges = ranges_of_stored(stored)?;
    match scalar {
        Scalar::Range(of) => write_range(ranges.first(), of, settings, out),
        Scalar::Multirange(of) => {
            out.put_i32(i32::try_from(ranges.len()).unwrap_or(i32::MAX));
            for range in &ranges {
                let at = out.len();
                out.put_i32(0);
                write_range(Some(range), of, settings, out)?;
                put_length(out, at)?;
            }
            Ok(())
        }
        _ => Err(Error::internal("a range that is none")),
    }
}

fn take_i32(bytes: &mut &[u8]) -> Result<i32> {
    let (number, rest) = bytes.split_first_chunk::<4>().ok_or_else(insufficient_data)?;
    *bytes = rest;
    Ok(i32::from_be_bytes(*number))
}

/// As many bytes as the number before them says.
fn take_counted<'b>(bytes: &mut &'b [u8]) -> Result<&'b [u8]> {
    let length = usize::try_from(take_i32(bytes)?).map_err(|_| insufficient_data())?;
    let (taken, rest) = bytes.split_at_checked(length).ok_or_else(insufficient_data)?;
    *bytes = rest;
    Ok(taken)
}

fn read_range(mut bytes: &[u8], of: RangeOf, settings: &FormatSettings) -> Result<Option<Range>> {
    let (flags, rest) = bytes.split_first().ok_or_else(insufficient_data)?;
    bytes = rest;
    let mut bound = |infinite: u8| -> Result<Option<String>> {
        if flags & (EMPTY | infinite) != 0 {
            return Ok(None);
        }
        let value = decode_binary(of.scalar(), take_counted(&mut bytes)?, settings)?;
        Ok(Some(bound_of_value(of, value.as_ref())?))
    };
    let (lower, upper) = (bound(LOWER_INFINITE)?, bound(UPPER_INFINITE)?);
    if !bytes.is_empty() {
        return Err(wrong_format());
    }
    if flags & EMPTY != 0 {
        return Ok(None);
    }
    Range::new(Bound::lower(lower, flags & LOWER_INCLUDED != 0), Bound::upper(upper, flags & UPPER_INCLUDED != 0), of)
}

/// Reads the binary form into the stored form.
pub(super) fn read_binary(scalar: Scalar, mut bytes: &[u8], settings: &FormatSettings) -> Result<String> {
    match scalar {
        Scalar::Range(of) => Ok(stored_range(read_range(bytes, of, settings)?.as_ref())),
        Scalar::Multirange(of) => {
            let count = take_i32(&mut bytes)?;
            let mut ranges = Vec::new();
            for _ in 0..count {
                ranges.extend(read_range(take_counted(&mut bytes)?, of, settings)?);
            }
            if !bytes.is_empty() {
                return Err(wrong_format());
            }
            Ok(stored_multirange(&normalized(ranges, of)?))
        }
        _ => Err(Error::internal("a range that is none")),
    }
}
