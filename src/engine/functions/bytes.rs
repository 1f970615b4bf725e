//! Functions over bytea: parts, hashes, text encodings, conversions.
//!
//! Specification: functions-binarystring.html; errors as in encode.c and varlena.c.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Digest;

use super::{Args, Definition, Output};
use crate::error::{Error, Result, SqlState};
use crate::limits::memory;
use crate::limits::session as limits;
use crate::types::charset::{self, Charset};

/// The functions of this area.
#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_byteacat", 2, |a| { let (l, r) = (a.bytes(0)?, a.bytes(1)?); memory::room(l.len(), r.len())?; Ok([l, r].concat().into()) }),
    Definition::pure("pg_bytea_substr", 2, |a| part(a, None)),
    Definition::pure("pg_bytea_substr", 3, |a| part(a, Some(a.int(2)?))),
    Definition::pure("pg_byteatrim", 2, |a| trim(a, true, true)),
    Definition::pure("pg_bytealtrim", 2, |a| trim(a, true, false)),
    Definition::pure("pg_byteartrim", 2, |a| trim(a, false, true)),
    Definition::pure("pg_byteapos", 2, position),
    Definition::pure("pg_byteaoverlay", 3, |a| overlay(a, None)),
    Definition::pure("pg_byteaoverlay", 4, |a| overlay(a, Some(a.int(3)?))),
    Definition::pure("pg_byteagetbyte", 2, |a| { let (b, at, _) = byte_at(a)?; Ok(i64::from(b[at]).into()) }),
    Definition::pure("pg_byteasetbyte", 3, |a| { let (mut b, at, _) = byte_at(a)?; b[at] = a.int(2)? as u8; Ok(b.into()) }),
    Definition::pure("pg_byteagetbit", 2, |a| { let (b, at, bit) = bit_at(a)?; Ok(i64::from(b[at] >> bit & 1).into()) }),
    Definition::pure("pg_byteasetbit", 3, set_bit),
    Definition::pure("pg_md5", 1, |a| Ok(hex(&md5::Md5::digest(&*a.bytes(0)?)).into())),
    Definition::pure("pg_sha224", 1, |a| Ok(sha2::Sha224::digest(&*a.bytes(0)?).to_vec().into())),
    Definition::pure("pg_sha256", 1, |a| Ok(sha2::Sha256::digest(&*a.bytes(0)?).to_vec().into())),
    Definition::pure("pg_sha384", 1, |a| Ok(sha2::Sha384::digest(&*a.bytes(0)?).to_vec().into())),
    Definition::pure("pg_sha512", 1, |a| Ok(sha2::Sha512::digest(&*a.bytes(0)?).to_vec().into())),
    Definition::pure("pg_encode", 2, encode),
    Definition::pure("pg_decode", 2, decode),
    Definition::pure("pg_convert_from", 2, convert_from),
    Definition::pure("pg_convert_to", 2, convert_to),
    Definition::pure("pg_convert", 3, convert),
    Definition::pure("pg_bytea_bit_count", 1, |a| { let b = a.bytes(0)?; limits::work(b.len())?; Ok(b.iter().map(|byte| i64::from(byte.count_ones())).sum::<i64>().into()) }),
    Definition::pure("pg_length_in_encoding", 2, |a| Ok((decoded(a, encoding(&a.text(1)?, "")?)?.chars().count() as i64).into())),
];

/// The bytes from `start` (from 1) on, `length` of them or all; 22011 for a negative length.
fn part_of(bytes: &[u8], start: i64, length: Option<i64>) -> Result<&[u8]> {
    let from = start.max(1) - 1;
    let end = match length {
        Some(length) if length < 0 => return Err(super::strings::negative_substring()),
        Some(length) => start.saturating_add(length).saturating_sub(1).max(from),
        None => i64::MAX,
    };
    let clamp = |at: i64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
    Ok(bytes.get(clamp(from)..clamp(end)).unwrap_or(&[]))
}

fn part(args: &Args<'_>, length: Option<i64>) -> Result<Output> {
    Ok(part_of(&args.bytes(0)?, args.int(1)?, length)?.to_vec().into())
}

fn trim(args: &Args<'_>, start: bool, end: bool) -> Result<Output> {
    let (bytes, trimmed) = (args.bytes(0)?, args.bytes(1)?);
    let mut set = [false; 256];
    trimmed.iter().for_each(|byte| set[usize::from(*byte)] = true);
    let mut rest: &[u8] = &bytes;
    while let ([first, tail @ ..], true) = (rest, start) {
        if !set[usize::from(*first)] {
            break;
        }
        rest = tail;
    }
    while let ([head @ .., last], true) = (rest, end) {
        if !set[usize::from(*last)] {
            break;
        }
        rest = head;
    }
    Ok(rest.to_vec().into())
}

fn position(args: &Args<'_>) -> Result<Output> {
    place_of(&args.bytes(0)?, &args.bytes(1)?)
}

/// Where bytes are in others, from 1; 0 if they are not.
pub(super) fn place_of(bytes: &[u8], wanted: &[u8]) -> Result<Output> {
    if wanted.is_empty() {
        return Ok(1.into());
    }
    for (at, window) in bytes.windows(wanted.len()).enumerate() {
        if window.first() == wanted.first() {
            limits::work(wanted.len())?;
            if window == wanted {
                return Ok((at as i64 + 1).into());
            }
        }
    }
    Ok(0.into())
}

fn overlay(args: &Args<'_>, length: Option<i64>) -> Result<Output> {
    let (bytes, placing, start) = (args.bytes(0)?, args.bytes(1)?, args.int(2)?);
    if start <= 0 {
        return Err(super::strings::negative_substring());
    }
    let length = length.unwrap_or(placing.len() as i64);
    let end = super::strings::overlay_end(start, length)?;
    Ok([part_of(&bytes, 1, Some(start - 1))?, &placing, part_of(&bytes, end, None)?].concat().into())
}

fn index_out_of_range(index: i64, bound: usize) -> Error {
    Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, format!("index {index} out of valid range, 0..{}", bound as i64 - 1))
}

fn byte_at(args: &Args<'_>) -> Result<(Vec<u8>, usize, u32)> {
    let (bytes, index) = (args.bytes(0)?.into_owned(), args.int(1)?);
    let at = usize::try_from(index).ok().filter(|at| *at < bytes.len());
    at.map(|at| (bytes.clone(), at, 0)).ok_or_else(|| index_out_of_range(index, bytes.len()))
}

/// The byte and the bit in it that bit `n` of a bytea is: bits count from the least significant one of each byte.
fn bit_at(args: &Args<'_>) -> Result<(Vec<u8>, usize, u32)> {
    let (bytes, index) = (args.bytes(0)?.into_owned(), args.int(1)?);
    let at = usize::try_from(index).ok().filter(|at| at / 8 < bytes.len());
    let at = at.ok_or_else(|| index_out_of_range(index, bytes.len() * 8))?;
    Ok((bytes, at / 8, (at % 8) as u32))
}

fn set_bit(args: &Args<'_>) -> Result<Output> {
    let (mut bytes, at, bit) = bit_at(args)?;
    match args.int(2)? {
        0 => bytes[at] &= !(1 << bit),
        1 => bytes[at] |= 1 << bit,
        _ => return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "new bit must be 0 or 1")),
    }
    Ok(bytes.into())
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

fn invalid(what: impl Into<Cow<'static, str>>) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, what)
}

fn unrecognized(encoding: &str) -> Error {
    invalid(format!("unrecognized encoding: \"{encoding}\""))
}

fn encode(args: &Args<'_>) -> Result<Output> {
    let (bytes, format) = (args.bytes(0)?, args.text(1)?);
    // Escaped, a byte takes up to four characters.
    memory::reserve(bytes.len().saturating_mul(4))?;
    Ok(match format.to_ascii_lowercase().as_str() {
        "hex" => hex(&bytes).into(),
        "base64" => lines(&STANDARD.encode(&*bytes)).into(),
        "escape" => escape(&bytes).into(),
        _ => return Err(unrecognized(&format)),
    })
}

/// Lines of 76 characters, as RFC 2045 has them.
fn lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 76);
    for (index, c) in text.chars().enumerate() {
        if index > 0 && index % 76 == 0 {
            out.push('\n');
        }
        out.push(c);
    }
    out
}

/// Zero bytes and bytes with the high bit as \nnn, a backslash doubled.
fn escape(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            0 | 0x80.. => out.push_str(&format!("\\{byte:03o}")),
            b'\\' => out.push_str("\\\\"),
            _ => out.push(char::from(*byte)),
        }
    }
    out
}

fn decode(args: &Args<'_>) -> Result<Output> {
    let (text, format) = (args.text(0)?, args.text(1)?);
    Ok(match format.to_ascii_lowercase().as_str() {
        "hex" => unhex(&text)?.into(),
        "base64" => decode_base64(&text)?.into(),
        "escape" => unescape(text.as_bytes())?.into(),
        _ => return Err(unrecognized(&format)),
    })
}

fn unhex(text: &str) -> Result<Vec<u8>> {
    limits::begin(text.len())?;
    let digits: Vec<u8> =
        text.chars().filter(|c| !matches!(c, ' ' | '\n' | '\t' | '\r')).map(digit).collect::<Result<_>>()?;
    if digits.len() % 2 == 1 {
        return Err(invalid("invalid hexadecimal data: odd number of digits"));
    }
    Ok(digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}

fn digit(c: char) -> Result<u8> {
    let value = c.to_digit(16).ok_or_else(|| invalid(format!("invalid hexadecimal digit: \"{c}\"")))?;
    Ok(value as u8)
}

fn decode_base64(text: &str) -> Result<Vec<u8>> {
    let significant: String = text.chars().filter(|c| !matches!(c, ' ' | '\n' | '\t' | '\r')).collect();
    let symbol = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    if let Some(c) = significant.chars().find(|c| !symbol(*c)) {
        return Err(invalid(format!("invalid symbol \"{c}\" found while decoding base64 sequence")));
    }
    STANDARD.decode(significant).map_err(|_| {
        invalid("invalid base64 end sequence")
            .with_hint("Input data is missing padding, is truncated, or is otherwise corrupted.")
    })
}

fn unescape(text: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    loop {
        rest = match rest {
            [] => return Ok(out),
            [b'\\', b'\\', tail @ ..] => {
                out.push(b'\\');
                tail
            }
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', tail @ ..] => {
                out.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                tail
            }
            [b'\\', ..] => {
                return Err(Error::new(SqlState::INVALID_TEXT_REPRESENTATION, "invalid input syntax for type bytea"));
            }
            [byte, tail @ ..] => {
                out.push(*byte);
                tail
            }
        };
    }
}

/// UTF-8 is the only encoding there is.
/// The encoding of that name; `role` says in the error, with a blank behind it, whether it is the source or destination.
fn encoding(name: &str, role: &str) -> Result<&'static Charset> {
    let unknown = || Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("invalid {role}encoding name \"{name}\""));
    let found = charset::named(name).ok_or_else(unknown)?;
    if found.converts() && !found.is_known() {
        return Err(Error::unsupported(format_args!("conversion to or from the encoding \"{name}\"")));
    }
    Ok(found)
}

fn convert_to(args: &Args<'_>) -> Result<Output> {
    let destination = encoding(&args.text(1)?, "destination ")?;
    let text = args.text(0)?;
    Ok(if destination.converts() { destination.encode(&text)?.into_owned() } else { text.into_owned().into_bytes() }
        .into())
}

/// convert(bytes, from, to), one of which is UTF-8: PostgreSQL has few conversions between others.
fn convert(args: &Args<'_>) -> Result<Output> {
    let (source, destination) = (encoding(&args.text(1)?, "source ")?, encoding(&args.text(2)?, "destination ")?);
    if source.converts() && destination.converts() && !std::ptr::eq(source, destination) {
        return Err(Error::unsupported(format_args!("conversion from {} to {}", source.name, destination.name)));
    }
    let text = decoded(args, source)?;
    Ok(if destination.converts() { destination.encode(&text)?.into_owned() } else { text.into_bytes() }.into())
}

/// Argument 0 as text.
fn decoded(args: &Args<'_>, source: &'static Charset) -> Result<String> {
    if !source.converts() {
        return checked_text(args);
    }
    let bytes = args.bytes(0)?;
    if bytes.contains(&0) {
        let message = format!("invalid byte sequence for encoding \"{}\": 0x00", source.name);
        return Err(Error::new(SqlState::CHARACTER_NOT_IN_REPERTOIRE, message));
    }
    limits::work(bytes.len())?;
    String::from_utf8(source.decode(&bytes)?.into_owned()).map_err(|_| Error::internal("text that is not UTF-8"))
}

fn checked_text(args: &Args<'_>) -> Result<String> {
    let bytes = args.bytes(0)?;
    match std::str::from_utf8(&bytes) {
        Ok(text) if !text.contains('\0') => Ok(text.to_owned()),
        Ok(_) => Err(invalid_sequence(&[0])),
        Err(error) => {
            let at = error.valid_up_to();
            let length = error.error_len().unwrap_or(bytes.len() - at);
            Err(invalid_sequence(bytes.get(at..at + length).unwrap_or(&[])))
        }
    }
}

fn invalid_sequence(bytes: &[u8]) -> Error {
    let shown: Vec<String> = bytes.iter().map(|byte| format!("0x{byte:02x}")).collect();
    Error::new(
        SqlState::CHARACTER_NOT_IN_REPERTOIRE,
        format!("invalid byte sequence for encoding \"UTF8\": {}", shown.join(" ")),
    )
}

fn convert_from(args: &Args<'_>) -> Result<Output> {
    Ok(decoded(args, encoding(&args.text(1)?, "source ")?)?.into())
}

#[cfg(test)]
mod tests {
    use crate::engine::functions::tests::assert_values;

    #[test]
    fn bytes_and_their_encodings() {
        assert_values(&[
            ("hex(pg_byteacat(x'01', x'ff'))", "01FF"),
            ("hex(pg_bytea_substr(x'0102030405', 0, 3))", "0102"),
            ("hex(pg_byteatrim(x'00010200', x'0001'))", "02"),
            ("pg_encode(x'00ff5c41', 'escape')", "\\000\\377\\\\A"),
            ("pg_encode(x'123456', 'base64')", "EjRW"),
            ("hex(pg_decode('EjRW', 'base64'))", "123456"),
            ("hex(pg_decode('12 34', 'hex'))", "1234"),
            ("pg_decode('123', 'hex')", "22023 invalid hexadecimal data: odd number of digits"),
            ("pg_decode('x', 'hex')", "22023 invalid hexadecimal digit: \"x\""),
            ("pg_encode(x'00', 'rot13')", "22023 unrecognized encoding: \"rot13\""),
            ("pg_md5('abc')", "900150983cd24fb0d6963f7d28e17f72"),
            ("pg_byteagetbit(x'1234567890', 45)", "2202E index 45 out of valid range, 0..39"),
            ("pg_convert_from(x'ff', 'UTF8')", "22021 invalid byte sequence for encoding \"UTF8\": 0xff"),
        ]);
    }
}
