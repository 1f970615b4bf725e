//! bytea and uuid as text.
//!
//! Owns: hex and escape forms of bytea, the spellings of uuid. Must not know: storage, the wire.
//! Specification: datatype-binary.html, datatype-uuid.html.

use std::fmt::{self, Write};

use crate::error::{Error, Result, SqlState};
use crate::types::number_text::invalid_syntax;

const HEX: &str = "0123456789abcdef";

fn put_hex(out: &mut impl Write, byte: u8) -> fmt::Result {
    for nibble in [byte >> 4, byte & 15] {
        out.write_str(HEX.get(usize::from(nibble)..usize::from(nibble) + 1).unwrap_or("0"))?;
    }
    Ok(())
}

/// Writes bytes as "\x0a1b".
pub fn write_hex(bytes: &[u8], out: &mut impl Write) -> fmt::Result {
    out.write_str("\\x")?;
    // In pieces from the stack: a write per byte would dominate large values.
    let digits = HEX.as_bytes();
    for chunk in bytes.chunks(64) {
        let mut piece = [0u8; 128];
        for (pair, byte) in piece.chunks_exact_mut(2).zip(chunk) {
            pair.copy_from_slice(&[
                digits.get(usize::from(byte >> 4)).copied().unwrap_or(b'0'),
                digits.get(usize::from(byte & 15)).copied().unwrap_or(b'0'),
            ]);
        }
        let text = piece.get(..chunk.len() * 2).and_then(|piece| std::str::from_utf8(piece).ok());
        out.write_str(text.unwrap_or(""))?;
    }
    Ok(())
}

/// Writes bytes in the escape form: printable ASCII as it is, "\\" for a backslash, "\ooo" for the rest.
pub fn write_escaped(bytes: &[u8], out: &mut impl Write) -> fmt::Result {
    for byte in bytes {
        match byte {
            b'\\' => out.write_str("\\\\")?,
            0x20..=0x7e => out.write_char(char::from(*byte))?,
            _ => write!(out, "\\{byte:03o}")?,
        }
    }
    Ok(())
}

fn hex_value(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

/// Reads either form of bytea (byteain).
pub fn parse_bytea(text: &str) -> Result<Vec<u8>> {
    match text.strip_prefix("\\x") {
        Some(hex) => parse_hex(hex),
        None => parse_escaped(text.as_bytes()),
    }
}

fn parse_hex(text: &str) -> Result<Vec<u8>> {
    let invalid = |message: String| Error::new(SqlState::INVALID_PARAMETER_VALUE, message);
    let digit = |at: char| {
        let value = at.to_digit(16).map(|value| value as u8);
        value.ok_or_else(|| invalid(format!("invalid hexadecimal digit: \"{at}\"")))
    };
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut characters = text.chars();
    while let Some(first) = characters.next() {
        // Blanks may stand between bytes, not inside them.
        if matches!(first, ' ' | '\n' | '\t' | '\r') {
            continue;
        }
        let high = digit(first)?;
        let second = characters.next();
        let second = second.ok_or_else(|| invalid("invalid hexadecimal data: odd number of digits".to_owned()))?;
        bytes.push(high << 4 | digit(second)?);
    }
    Ok(bytes)
}

fn parse_escaped(text: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    loop {
        rest = match *rest {
            [] => return Ok(bytes),
            [b'\\', b'\\', ref rest @ ..] => {
                bytes.push(b'\\');
                rest
            }
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ref rest @ ..] => {
                bytes.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest
            }
            [b'\\', ..] => {
                return Err(Error::new(SqlState::INVALID_TEXT_REPRESENTATION, "invalid input syntax for type bytea"));
            }
            [byte, ref rest @ ..] => {
                bytes.push(byte);
                rest
            }
        };
    }
}

/// Writes a uuid in its canonical form.
pub fn write_uuid(bytes: &[u8; 16], out: &mut impl Write) -> fmt::Result {
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            out.write_char('-')?;
        }
        put_hex(out, *byte)?;
    }
    Ok(())
}

/// Reads any spelling of a uuid: upper case, in braces, with hyphens after any four digits or none (uuid_in).
pub fn parse_uuid(text: &str) -> Result<[u8; 16]> {
    parse_uuid_bytes(text.as_bytes()).ok_or_else(|| invalid_syntax("uuid", text))
}

fn parse_uuid_bytes(text: &[u8]) -> Option<[u8; 16]> {
    let (mut rest, braces) = match text {
        [b'{', rest @ ..] => (rest, true),
        _ => (text, false),
    };
    let mut uuid = [0; 16];
    for (index, byte) in uuid.iter_mut().enumerate() {
        let [high, low, after @ ..] = rest else { return None };
        *byte = hex_value(*high)? << 4 | hex_value(*low)?;
        rest = match after {
            [b'-', after @ ..] if index % 2 == 1 && index < 15 => after,
            _ => after,
        };
    }
    match (braces, rest) {
        (true, [b'}']) | (false, []) => Some(uuid),
        _ => None,
    }
}
/// The stored form of a "char" from its text form: the first byte, or the one that `\ooo` names. Each of the 256 bytes
/// is stored as the character of its number (charin).
pub fn read_char(text: &[u8]) -> String {
    let byte = match text {
        // As there, the first digit may be too large, and its highest bit is lost.
        [b'\\', a @ b'0'..=b'7', b @ b'0'..=b'7', c @ b'0'..=b'7'] => {
            ((a - b'0') << 6) | ((b - b'0') << 3) | (c - b'0')
        }
        [first, ..] => *first,
        [] => 0,
    };
    if byte == 0 { String::new() } else { char::from(byte).to_string() }
}

/// The byte that a stored "char" is.
pub fn char_byte(stored: &str) -> u8 {
    stored.chars().next().map_or(0, |c| u8::try_from(u32::from(c)).unwrap_or(b'?'))
}

/// Writes a stored "char" (charout).
pub fn write_char(stored: &str, out: &mut impl Write) -> fmt::Result {
    match char_byte(stored) {
        0 => Ok(()),
        byte if byte.is_ascii() => out.write_char(char::from(byte)),
        byte => write!(out, "\\{byte:03o}"),
    }
}
