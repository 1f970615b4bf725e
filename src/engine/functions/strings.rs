//! Functions over text: case, parts, padding, searching, quoting.
//!
//! Characters are Unicode code points. What needs types to be known (concat, format) is in `text_of_any`; patterns are
//! in `like` and `regex`. Specification: functions-string.html; errors as in oracle_compat.c and varlena.c.

use std::borrow::Cow;
use std::collections::HashMap;

use rusqlite::types::ValueRef;

use super::regex::array_of_texts;
use super::{Args, Definition, Output};
use crate::catalog::definitions::quote_identifier;
use crate::error::{Error, Result, SqlState};
use crate::limits::memory;
use crate::limits::session as limits;
use crate::types::bytes_text::{char_byte, read_char};
use crate::types::encoding::{NAME_BYTES, clipped_name};

/// The functions of this area.
#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_lower", 1, |a| Ok(map_case(&a.text(0)?, str::to_ascii_lowercase, lower)?.into())),
    Definition::pure("pg_upper", 1, |a| Ok(map_case(&a.text(0)?, str::to_ascii_uppercase, upper)?.into())),
    Definition::pure("pg_initcap", 1, |a| Ok(initcap(&a.text(0)?)?.into())),
    Definition::pure("pg_text_substr", 2, |a| substr(a, None)),
    Definition::pure("pg_text_substr", 3, |a| substr(a, Some(a.int(2)?))),
    Definition::pure("pg_btrim", 1, |a| trim(a, true, true)),
    Definition::pure("pg_btrim", 2, |a| trim(a, true, true)),
    Definition::pure("pg_ltrim", 1, |a| trim(a, true, false)),
    Definition::pure("pg_ltrim", 2, |a| trim(a, true, false)),
    Definition::pure("pg_rtrim", 1, |a| trim(a, false, true)),
    Definition::pure("pg_rtrim", 2, |a| trim(a, false, true)),
    Definition::pure("pg_lpad", 2, |a| pad(a, true)),
    Definition::pure("pg_lpad", 3, |a| pad(a, true)),
    Definition::pure("pg_rpad", 2, |a| pad(a, false)),
    Definition::pure("pg_rpad", 3, |a| pad(a, false)),
    Definition::pure("pg_repeat", 2, repeat),
    Definition::pure("pg_text_reverse", 1, |a| Ok(a.text(0)?.chars().rev().collect::<String>().into())),
    Definition::pure("pg_text_left", 2, |a| { let (text, at) = cut(a, true)?; Ok(text.get(..at).unwrap_or("").into()) }),
    Definition::pure("pg_text_right", 2, |a| { let (text, at) = cut(a, false)?; Ok(text.get(at..).unwrap_or("").into()) }),
    Definition::pure("pg_split_part", 3, split_part),
    Definition::pure("pg_textoverlay", 3, |a| overlay(a, None)),
    Definition::pure("pg_textoverlay", 4, |a| overlay(a, Some(a.int(3)?))),
    Definition::pure("pg_translate", 3, translate),
    Definition::pure("pg_starts_with", 2, |a| Ok(a.text(0)?.starts_with(&*a.text(1)?).into())),
    Definition::pure("pg_chr", 1, chr),
    Definition::pure("pg_ascii", 1, |a| Ok(a.text(0)?.chars().next().map_or(0, |c| i64::from(u32::from(c))).into())),
    Definition::pure("pg_parse_ident", 1, |a| parse_ident(&a.text(0)?, true)),
    Definition::pure("pg_parse_ident", 2, |a| parse_ident(&a.text(0)?, a.bool(1)?)),
    Definition::pure("pg_quote_ident", 1, |a| Ok(quote_identifier(&a.text(0)?).into())),
    // SQLite's own take time with the product of the lengths.
    Definition::pure("instr", 2, place_of),
    Definition::pure("replace", 3, replace),
    Definition::pure("pg_quote_literal", 1, |a| Ok(quote_literal(&a.text(0)?).into())),
    Definition::pure("pg_quote_nullable", 1, quote_nullable).called_on_null(),
    Definition::pure("pg_name_concat_oid", 2, name_concat_oid),
    Definition::pure("pg_text_name", 1, |a| Ok(to_name(&a.text(0)?).into())),
    Definition::pure("pg_text_char", 1, |a| Ok(read_char(a.text(0)?.as_bytes()).into())),
    Definition::pure("pg_chartoi4", 1, |a| Ok(i32::from(char_byte(&a.text(0)?) as i8).into())),
    Definition::pure("pg_i4tochar", 1, int_to_char),
    Definition::pure("pg_unistr", 1, |a| Ok(unescape_unicode(&a.text(0)?)?.into())),
];

/// The largest value of one datum.
const MAX_TEXT_BYTES: usize = 0x3fff_ffff;

/// 54000.
pub(super) fn too_long() -> Error {
    Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "requested length too large")
}

pub(super) fn negative_substring() -> Error {
    Error::new(SqlState::SUBSTRING_ERROR, "negative substring length not allowed")
}

/// Maps case character by character, as PostgreSQL does with libc: a character whose counterpart is more than one
/// character (ß) stays as it is.
fn map_case(text: &str, ascii: fn(&str) -> String, unicode: fn(char) -> char) -> Result<String> {
    if text.is_ascii() {
        return Ok(ascii(text));
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        limits::work(4)?;
        out.push(unicode(c));
    }
    Ok(out)
}

pub(super) fn lower(c: char) -> char {
    // Two characters in Unicode, one in C's tables.
    if c == 'İ' {
        return 'i';
    }
    let mut mapped = c.to_lowercase();
    mapped.next().filter(|_| mapped.next().is_none()).unwrap_or(c)
}

fn upper(c: char) -> char {
    let mut mapped = c.to_uppercase();
    mapped.next().filter(|_| mapped.next().is_none()).unwrap_or(c)
}

fn initcap(text: &str) -> Result<String> {
    let mut inside_word = false;
    let mut capitalise = |c: char| {
        let mapped = if inside_word { lower(c) } else { upper(c) };
        inside_word = c.is_alphanumeric();
        mapped
    };
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        limits::work(4)?;
        out.push(capitalise(c));
    }
    Ok(out)
}

/// The byte offset of the character at `index`, or the end.
pub(super) fn byte_offset(text: &str, index: usize) -> usize {
    if text.is_ascii() {
        return index.min(text.len());
    }
    text.char_indices().nth(index).map_or(text.len(), |(at, _)| at)
}

/// The characters from `start` (from 1) on, `length` of them or all; 22011 for a negative length.
pub(super) fn substring(text: &str, start: i64, length: Option<i64>) -> Result<&str> {
    let from = usize::try_from(start.max(1) - 1).unwrap_or(usize::MAX);
    let begin = byte_offset(text, from);
    let rest = text.get(begin..).unwrap_or("");
    let Some(length) = length else { return Ok(rest) };
    let end = start.saturating_add(length);
    if length < 0 {
        return Err(negative_substring());
    }
    let count = usize::try_from(end.saturating_sub(start.max(1))).unwrap_or(0);
    Ok(rest.get(..byte_offset(rest, count)).unwrap_or(rest))
}

fn substr(args: &Args<'_>, length: Option<i64>) -> Result<Output> {
    Ok(substring(&args.text(0)?, args.int(1)?, length)?.into())
}

fn trim(args: &Args<'_>, start: bool, end: bool) -> Result<Output> {
    let text = args.text(0)?;
    let mut set: Vec<char> = if args.len() > 1 { args.text(1)?.chars().collect() } else { vec![' '] };
    set.sort_unstable();
    let in_set = |c: char| set.binary_search(&c).is_ok();
    let mut rest: &str = &text;
    if start {
        rest = rest.trim_start_matches(in_set);
    }
    if end {
        rest = rest.trim_end_matches(in_set);
    }
    Ok(rest.into())
}

fn pad(args: &Args<'_>, in_front: bool) -> Result<Output> {
    let text = args.text(0)?;
    let wanted = usize::try_from(args.int(1)?).unwrap_or(0);
    let filler = if args.len() > 2 { args.text(2)? } else { Cow::Borrowed(" ") };
    if wanted > MAX_TEXT_BYTES {
        return Err(too_long());
    }
    let present = text.chars().count();
    if present >= wanted || filler.is_empty() {
        return Ok(text.get(..byte_offset(&text, wanted)).unwrap_or("").into());
    }
    let missing = wanted - present;
    let fillers = filler.chars().count();
    let bytes = missing / fillers * filler.len() + filler.len();
    memory::room(text.len(), bytes)?;
    let mut padding = String::with_capacity(bytes + if in_front { text.len() } else { 0 });
    for _ in 0..missing / fillers {
        limits::work(filler.len())?;
        padding.push_str(&filler);
    }
    padding.extend(filler.chars().take(missing % fillers));
    if in_front {
        padding.push_str(&text);
        return Ok(padding.into());
    }
    Ok((text.into_owned() + &padding).into())
}

fn repeat(args: &Args<'_>) -> Result<Output> {
    let text = args.text(0)?;
    let count = usize::try_from(args.int(1)?).unwrap_or(0);
    match text.len().checked_mul(count) {
        Some(bytes) if bytes <= MAX_TEXT_BYTES => {
            limits::begin(bytes)?;
            Ok(text.repeat(count).into())
        }
        _ => Err(too_long()),
    }
}

/// Where left(text, n) ends or right(text, n) begins. A negative n leaves out that many characters on the other side.
fn cut<'c>(args: &Args<'c>, left: bool) -> Result<(Cow<'c, str>, usize)> {
    let (text, n) = (args.text(0)?, args.int(1)?);
    let count = usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX);
    if !left && n == i64::from(i32::MIN) {
        // There is no such number of characters to leave out.
        return Ok((text, 0));
    }
    let from_start = left == (n >= 0);
    let index = if from_start { count } else { text.chars().count().saturating_sub(count) };
    let at = byte_offset(&text, index);
    Ok((text, at))
}

fn split_part(args: &Args<'_>) -> Result<Output> {
    let (text, separator, n) = (args.text(0)?, args.text(1)?, args.int(2)?);
    if n == 0 {
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "field position must not be zero"));
    }
    let index = usize::try_from(n.unsigned_abs() - 1).unwrap_or(usize::MAX);
    if separator.is_empty() {
        return Ok(if index == 0 { Output::Argument(0) } else { Output::Static("") });
    }
    let mut parts: Box<dyn Iterator<Item = &str>> =
        if n > 0 { Box::new(text.split(&*separator)) } else { Box::new(text.rsplit(&*separator)) };
    let mut part = parts.next();
    for _ in 0..index {
        limits::work(part.map_or(0, str::len) + PART)?;
        part = parts.next();
        if part.is_none() {
            break;
        }
    }
    Ok(part.unwrap_or("").into())
}

/// The parts before and after what OVERLAY replaces: `length` characters from `start`.
fn overlay(args: &Args<'_>, length: Option<i64>) -> Result<Output> {
    let (text, placing, start) = (args.text(0)?, args.text(1)?, args.int(2)?);
    let length = length.unwrap_or(placing.chars().count() as i64);
    if start <= 0 {
        return Err(negative_substring());
    }
    let end = overlay_end(start, length)?;
    let before = substring(&text, 1, Some(start - 1))?;
    let after = substring(&text, end, None)?;
    memory::room(0, before.len() + placing.len() + after.len())?;
    Ok(format!("{before}{placing}{after}").into())
}

/// What finding a separator costs.
const PART: usize = 16;

/// Where the part that OVERLAY replaces ends, in 32 bits as PostgreSQL counts.
pub(super) fn overlay_end(start: i64, length: i64) -> Result<i64> {
    let end = start.checked_add(length).filter(|end| i32::try_from(*end).is_ok());
    end.ok_or_else(|| super::integer::out_of_range("integer"))
}

fn translate(args: &Args<'_>) -> Result<Output> {
    let (text, from, to) = (args.text(0)?, args.text(1)?, args.text(2)?);
    // The first of equal characters counts.
    let mut map = HashMap::new();
    let mut targets = to.chars();
    from.chars().for_each(|c| {
        let target = targets.next();
        map.entry(c).or_insert(target);
    });
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        limits::work(1)?;
        out.extend(map.get(&c).copied().unwrap_or(Some(c)));
    }
    Ok(out.into())
}

/// instr(): where a text is in another, in characters from 1; in bytes if both are blobs.
fn place_of(args: &Args<'_>) -> Result<Output> {
    if let (ValueRef::Blob(bytes), ValueRef::Blob(wanted)) = (args.raw(0), args.raw(1)) {
        return super::bytes::place_of(bytes, wanted);
    }
    let (text, wanted) = (args.text(0)?, args.text(1)?);
    let found = text.find(&*wanted);
    Ok(found.map_or(0, |at| text.get(..at).unwrap_or("").chars().count() as i64 + 1).into())
}

fn replace(args: &Args<'_>) -> Result<Output> {
    let (text, from, to) = (args.text(0)?, args.text(1)?, args.text(2)?);
    if from.is_empty() {
        return Ok(Output::Argument(0));
    }
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for (at, found) in text.match_indices(&*from) {
        let kept = text.get(copied..at).unwrap_or("");
        memory::room(out.len(), kept.len() + to.len())?;
        limits::work(kept.len() + to.len())?;
        out.push_str(kept);
        out.push_str(&to);
        copied = at + found.len();
    }
    out.push_str(text.get(copied..).unwrap_or(""));
    Ok(out.into())
}

fn chr(args: &Args<'_>) -> Result<Output> {
    let code = args.int(0)?;
    let error = |what: String| Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, what));
    match code {
        ..0 => Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "character number must be positive")),
        0 => error("null character not permitted".to_owned()),
        0x11_0000.. => error(format!("requested character too large for encoding: {code}")),
        _ => match u32::try_from(code).ok().and_then(char::from_u32) {
            Some(c) => Ok(c.to_string().into()),
            None => error(format!("requested character not valid for encoding: {code}")),
        },
    }
}

/// The text as a string constant: '…', or E'…' if it holds a backslash.
pub(in crate::engine::functions) fn quote_literal(text: &str) -> String {
    let special = text.bytes().filter(|byte| matches!(byte, b'\'' | b'\\')).count();
    let mut out = String::with_capacity(text.len() + special + 3);
    out.push_str(if text.contains('\\') { "E'" } else { "'" });
    let mut rest = text;
    while let Some(at) = rest.find(['\'', '\\']) {
        let (before, after) = rest.split_at(at);
        let (quoted, after) = after.split_at(1);
        out.push_str(before);
        out.push_str(quoted);
        out.push_str(quoted);
        rest = after;
    }
    out.push_str(rest);
    out.push('\'');
    out
}

fn quote_nullable(args: &Args<'_>) -> Result<Output> {
    Ok(if args.is_null(0) { Output::Static("NULL") } else { quote_literal(&args.text(0)?).into() })
}

/// Cut to what fits into a name, between characters.
pub(super) fn to_name(text: &str) -> &str {
    clipped_name(text)
}

/// The name, cut where that is needed, and the number behind it.
fn name_concat_oid(args: &Args<'_>) -> Result<Output> {
    let (name, suffix) = (args.text(0)?, format!("_{}", args.int(1)?));
    let mut kept = name.as_ref();
    while kept.len() + suffix.len() > NAME_BYTES {
        let mut characters = kept.chars();
        characters.next_back();
        kept = characters.as_str();
    }
    Ok(format!("{kept}{suffix}").into())
}

/// The first byte, which is what fits into a "char".
fn int_to_char(args: &Args<'_>) -> Result<Output> {
    match i8::try_from(args.int(0)?) {
        Ok(0) => Ok(Output::Static("")),
        Ok(code) => Ok(char::from(code as u8).to_string().into()),
        Err(_) => Err(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "\"char\" out of range")),
    }
}

/// unistr(): \XXXX, \+XXXXXX, \uXXXX, \UXXXXXXXX and \\.
fn unescape_unicode(text: &str) -> Result<String> {
    let invalid = || {
        Error::new(SqlState::SYNTAX_ERROR, "invalid Unicode escape")
            .with_hint("Unicode escapes must be \\XXXX, \\+XXXXXX, \\uXXXX, or \\UXXXXXXXX.")
    };
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut high = None;
    while let Some(at) = rest.find('\\') {
        if at > 0 && high.is_some() {
            break;
        }
        out.push_str(&rest[..at]);
        let escape = rest.get(at + 1..).unwrap_or("");
        if let Some(after) = escape.strip_prefix('\\') {
            out.push('\\');
            rest = after;
            continue;
        }
        let (skip, digits) = match escape.as_bytes().first() {
            Some(b'+') => (1, 6),
            Some(b'u') => (1, 4),
            Some(b'U') => (1, 8),
            _ => (0, 4),
        };
        let hex = escape.get(skip..skip + digits).ok_or_else(invalid)?;
        let code = u32::from_str_radix(hex, 16).map_err(|_| invalid())?;
        rest = escape.get(skip + digits..).unwrap_or("");
        match (high.take(), code) {
            (None, 0xd800..=0xdbff) => high = Some(code),
            (Some(first), 0xdc00..=0xdfff) => {
                out.extend(char::from_u32(0x10000 + ((first - 0xd800) << 10) + (code - 0xdc00)));
            }
            (None, _) => out.push(char::from_u32(code).ok_or_else(|| invalid_code_point(code))?),
            (Some(_), _) => return Err(Error::new(SqlState::SYNTAX_ERROR, "invalid Unicode surrogate pair")),
        }
    }
    if high.is_some() {
        return Err(Error::new(SqlState::SYNTAX_ERROR, "invalid Unicode surrogate pair"));
    }
    out.push_str(rest);
    Ok(out)
}

fn invalid_code_point(code: u32) -> Error {
    if (0xdc00..=0xdfff).contains(&code) {
        return Error::new(SqlState::SYNTAX_ERROR, "invalid Unicode surrogate pair");
    }
    Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("invalid Unicode code point: {code:04X}"))
}

/// parse_ident: the parts of a qualified name. What follows it is an error if `strict`.
fn parse_ident(text: &str, strict: bool) -> Result<Output> {
    const SPACE: &[char] = &[' ', '\t', '\n', '\r', '\x0c'];
    let invalid = |detail: Option<&str>| {
        let error =
            Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("string is not a valid identifier: \"{text}\""));
        Err(match detail {
            Some(detail) => error.with_detail(detail),
            None => error,
        })
    };
    let starts = |c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii();
    let goes_on = |c: char| starts(c) || c.is_ascii_digit() || c == '$';
    let mut parts: Vec<String> = Vec::new();
    let mut rest = text.trim_start_matches(SPACE);
    loop {
        if let Some(quoted) = rest.strip_prefix('"') {
            let mut part = String::new();
            let mut after = quoted;
            loop {
                let Some((before, behind)) = after.split_once('"') else {
                    return invalid(Some("String has unclosed double quotes."));
                };
                part.push_str(before);
                match behind.strip_prefix('"') {
                    Some(more) => {
                        part.push('"');
                        after = more;
                    }
                    None => {
                        after = behind;
                        break;
                    }
                }
            }
            if part.is_empty() {
                return invalid(Some("Quoted identifier must not be empty."));
            }
            (rest, _) = (after, parts.push(part));
        } else if rest.starts_with(starts) {
            let (part, after) = rest.split_at(rest.find(|c| !goes_on(c)).unwrap_or(rest.len()));
            (rest, _) = (after, parts.push(part.to_ascii_lowercase()));
        } else {
            return invalid(match (rest.starts_with('.'), parts.is_empty()) {
                (true, _) => Some("No valid identifier before \".\"."),
                (false, false) => Some("No valid identifier after \".\"."),
                (false, true) => None,
            });
        }
        rest = rest.trim_start_matches(SPACE);
        match rest.strip_prefix('.') {
            Some(after) => rest = after.trim_start_matches(SPACE),
            None if rest.is_empty() || !strict => return Ok(array_of_texts(&parts).into()),
            None => return invalid(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::functions::tests::assert_values;

    #[test]
    fn text_functions_count_characters() {
        assert_values(&[
            ("pg_upper('straße é')", "STRAßE É"),
            ("pg_initcap('hELLO wORLD-foo o''neil')", "Hello World-Foo O'Neil"),
            ("pg_text_substr('Thömas', 2, 3)", "höm"),
            ("pg_text_substr('abc', -1, 3)", "a"),
            ("pg_text_substr('abc', 2, -1)", "22011 negative substring length not allowed"),
            ("pg_text_substr('abc', 0)", "abc"),
            ("pg_btrim('xyxtrimyyx', 'xyz')", "trim"),
            ("pg_lpad('hi', 5, 'xy')", "xyxhi"),
            ("pg_rpad('hello', 3)", "hel"),
            ("pg_text_left('abcde', -2)", "abc"),
            ("pg_text_right('abcde', -2)", "cde"),
            ("pg_text_right('abcde', 2)", "de"),
            ("pg_split_part('a~@~b~@~c', '~@~', -1)", "c"),
            ("pg_split_part('abc', ',', 2)", ""),
            ("pg_textoverlay('Txxxxas', 'hom', 2, 4)", "Thomas"),
            ("pg_translate('12345', '143', 'ax')", "a2x5"),
            ("pg_chr(0)", "54000 null character not permitted"),
            ("pg_ascii('é')", "233"),
            ("pg_quote_nullable(NULL)", "NULL"),
            ("pg_unistr('\\0441\\+01F600x')", "с😀x"),
        ]);
    }
}
