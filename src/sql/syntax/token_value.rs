//! What a token says: the value of a string, the folded form of a name.
//!
//! Owns: [`TokenValue`], the escapes of E'…' and U&'…', and the errors in them. Must not know: grammar.
//! Specification: sql-syntax-lexical.html#SQL-SYNTAX-STRINGS-ESCAPE and the sections around it.

use crate::error::{Error, Result, SqlState};
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::lexer::{NAME_LENGTH, Token, TokenKind};

/// A text whose tokens are read.
#[derive(Clone, Copy)]
pub struct TokenValue<'t> {
    pub text: &'t str,
}

/// A byte where something is wrong, and what.
type At = (usize, &'static str);

impl<'t> TokenValue<'t> {
    /// A name's folded and truncated form: unquoted words in lower case, quoted ones as they are.
    pub fn name(self, token: &Token) -> Result<String> {
        self.whole_name(token).map(truncated)
    }

    /// A name as it was written, however long; a Unicode one as it is kept.
    pub fn whole_name(self, token: &Token) -> Result<String> {
        let written = token.text(self.text);
        Ok(match token.kind {
            TokenKind::QuotedIdent => unquoted(written, 1, '"'),
            TokenKind::UnicodeIdent => return self.unicode(token, '\\'),
            _ => written.to_ascii_lowercase(),
        })
    }

    /// A string constant's value. A Unicode string's by the usual escape character; see [`Self::unicode`].
    pub fn string(self, token: &Token) -> Result<String> {
        let written = token.text(self.text);
        match token.kind {
            TokenKind::DollarString => Ok(dollar_body(written).to_owned()),
            TokenKind::EscapeString => self.escaped(token),
            TokenKind::UnicodeString => self.unicode(token, '\\'),
            TokenKind::BitString => Ok(format!("b{}", joined(written, 1))),
            TokenKind::HexString => Ok(format!("x{}", joined(written, 1))),
            _ => Ok(joined(written, 0)),
        }
    }

    /// A syntax error at a byte of the text.
    pub fn error(self, byte: usize, near: &str, message: &str) -> Error {
        let message = match near {
            "" => format!("{message} at end of input"),
            near => format!("{message} at or near \"{near}\""),
        };
        Error::new(SqlState::SYNTAX_ERROR, message).with_position(self.position(byte))
    }

    /// The error, at a place of the text.
    pub fn located(self, error: Error, location: Location) -> Error {
        match location.byte() {
            Some(byte) => error.with_position(self.position(byte)),
            None => error,
        }
    }

    /// The 1-based character position of a byte. What ends a statement may stand some blanks behind its text.
    pub fn position(self, byte: usize) -> u32 {
        let within = byte.min(self.text.len());
        let before = self.text.get(..within).map_or(0, |before| before.chars().count());
        (before + (byte - within) + 1) as u32
    }

    // ----- E'…'

    fn escaped(self, token: &Token) -> Result<String> {
        let written = token.text(self.text);
        let prefix = usize::from(!written.starts_with('\''));
        let mut value: Vec<u8> = Vec::with_capacity(written.len());
        for part in parts(written, prefix, true) {
            let start = token.start as usize + part.start;
            let part = written.get(part).unwrap_or_default();
            self.escaped_part(part, start, &mut value)?;
        }
        String::from_utf8(value).map_err(|error| {
            let bytes = error.as_bytes();
            let bad = bytes.get(error.utf8_error().valid_up_to()..).unwrap_or_default();
            let shown: Vec<String> = bad.iter().take(utf8_length(bad)).map(|byte| format!("0x{byte:02x}")).collect();
            let message = format!("invalid byte sequence for encoding \"UTF8\": {}", shown.join(" "));
            Error::new(SqlState::CHARACTER_NOT_IN_REPERTOIRE, message)
        })
    }

    fn escaped_part(self, part: &str, start: usize, value: &mut Vec<u8>) -> Result<()> {
        let bytes = part.as_bytes();
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            match (byte, bytes.get(at + 1)) {
                (b'\\', Some(b'u' | b'U')) => at += self.unicode_escape(part, at, start, value)?,
                (b'\\', Some(b'0'..=b'7')) => {
                    let digits = run(bytes, at + 1, 3, |b| matches!(b, b'0'..=b'7'));
                    value.push(number(digits, 8) as u8);
                    at += 1 + digits.len();
                }
                (b'\\', Some(b'x')) => {
                    let digits = run(bytes, at + 2, 2, |b| b.is_ascii_hexdigit());
                    value.push(if digits.is_empty() { b'x' } else { number(digits, 16) as u8 });
                    at += 2 + digits.len();
                }
                (b'\\', Some(escaped)) => {
                    value.push(match escaped {
                        b'b' => 8,
                        b'f' => 12,
                        b'n' => b'\n',
                        b'r' => b'\r',
                        b't' => b'\t',
                        other => *other,
                    });
                    at += 2;
                }
                (b'\'', _) => {
                    value.push(b'\'');
                    at += 2;
                }
                _ => {
                    value.push(*byte);
                    at += 1;
                }
            }
        }
        if value.contains(&0) {
            let message = "invalid byte sequence for encoding \"UTF8\": 0x00";
            return Err(Error::new(SqlState::CHARACTER_NOT_IN_REPERTOIRE, message));
        }
        Ok(())
    }

    /// \uXXXX or \UXXXXXXXX at a byte of a part that begins at `start`; surrogates come in pairs. How many bytes it is.
    fn unicode_escape(self, part: &str, at: usize, start: usize, value: &mut Vec<u8>) -> Result<usize> {
        let bytes = part.as_bytes();
        let escape = |at: usize| {
            let wanted = match bytes.get(at..at + 2) {
                Some(b"\\u") => 4,
                Some(b"\\U") => 8,
                _ => return None,
            };
            let digits = run(bytes, at + 2, wanted, |b| b.is_ascii_hexdigit());
            Some((digits.len() == wanted).then(|| (number(digits, 16), 2 + wanted)))
        };
        let pair = |at: usize| {
            // The error names the escape that is no second half, or one character.
            let rest = self.text.get(start + at..).unwrap_or_default();
            let length = match escape(at) {
                Some(Some((_, length))) => length,
                _ => rest.chars().next().map_or(0, char::len_utf8),
            };
            self.error(start + at, rest.get(..length).unwrap_or_default(), "invalid Unicode surrogate pair")
        };
        let malformed = |at: usize| {
            Error::new(SqlState::INVALID_ESCAPE_SEQUENCE, "invalid Unicode escape")
                .with_hint("Unicode escapes must be \\uXXXX or \\UXXXXXXXX.")
                .with_position(self.position(start + at))
        };
        let Some(Some((first, length))) = escape(at) else { return Err(malformed(at)) };
        let (code, length) = match first {
            0xd800..=0xdbff => match escape(at + length) {
                Some(Some((second @ 0xdc00..=0xdfff, more))) => {
                    (0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00), length + more)
                }
                Some(None) => return Err(malformed(at + length)),
                _ => return Err(pair(at + length)),
            },
            0xdc00..=0xdfff => return Err(pair(at)),
            code => (code, length),
        };
        let Some(character) = char::from_u32(code).filter(|c| *c != '\0') else {
            let near = part.get(at..at + length).unwrap_or_default();
            return Err(self.error(start + at, near, "invalid Unicode escape value"));
        };
        value.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(length)
    }

    // ----- U&'…'

    /// The value of a Unicode string or name whose escape character is given.
    pub fn unicode(self, token: &Token, escape: char) -> Result<String> {
        let written = token.text(self.text);
        let is_name = token.kind == TokenKind::UnicodeIdent;
        let value = if is_name { unquoted(written, 3, '"') } else { joined(written, 2) };
        // PostgreSQL counts from the token's third character, as if nothing before had been doubled.
        let value = unescape(&value, escape).map_err(|(byte, message)| {
            let before = value.get(..byte).map_or(0, |before| before.chars().count());
            let position = self.position(token.start as usize) + before as u32 + 3;
            match message {
                "invalid Unicode escape" => Error::new(SqlState::SYNTAX_ERROR, message)
                    .with_hint("Unicode escapes must be \\XXXX or \\+XXXXXX."),
                _ => Error::new(SqlState::SYNTAX_ERROR, message),
            }
            .with_position(position)
        })?;
        Ok(if is_name { truncated(value) } else { value })
    }
}

/// parser.c's str_udeescape.
fn unescape(value: &str, escape: char) -> Result<String, At> {
    let mut result = String::with_capacity(value.len());
    let (mut at, mut first) = (0, None);
    while let Some(character) = value.get(at..).and_then(|rest| rest.chars().next()) {
        let bytes = value.as_bytes();
        if character != escape {
            if first.is_some() {
                return Err((at, "invalid Unicode surrogate pair"));
            }
            result.push(character);
            at += character.len_utf8();
            continue;
        }
        let next = bytes.get(at + 1).copied();
        let (digits, length) = match next {
            Some(b) if char::from(b) == escape => {
                if first.is_some() {
                    return Err((at, "invalid Unicode surrogate pair"));
                }
                result.push(escape);
                at += 2;
                continue;
            }
            Some(b'+') => (run(bytes, at + 2, 6, |b| b.is_ascii_hexdigit()), 6),
            _ => (run(bytes, at + 1, 4, |b| b.is_ascii_hexdigit()), 4),
        };
        if digits.len() != length {
            return Err((at, "invalid Unicode escape"));
        }
        let code = number(digits, 16);
        let code = match (first.take(), code) {
            (None, 0xd800..=0xdbff) => {
                first = Some(code);
                None
            }
            (Some(high), 0xdc00..=0xdfff) => Some(0x10000 + ((high - 0xd800) << 10) + (code - 0xdc00)),
            (Some(_), _) | (None, 0xdc00..=0xdfff) => return Err((at, "invalid Unicode surrogate pair")),
            (None, code) => Some(code),
        };
        if let Some(code) = code {
            let character = char::from_u32(code).filter(|c| *c != '\0');
            result.push(character.ok_or((at, "invalid Unicode escape value"))?);
        }
        at += length + if length == 6 { 2 } else { 1 };
    }
    if first.is_some() { Err((at, "invalid Unicode surrogate pair")) } else { Ok(result) }
}

/// At most this many bytes that pass the test.
fn run(bytes: &[u8], from: usize, most: usize, test: impl Fn(&u8) -> bool) -> &[u8] {
    let rest = bytes.get(from..).unwrap_or_default();
    let length = rest.iter().take(most).take_while(|byte| test(byte)).count();
    rest.get(..length).unwrap_or_default()
}

fn number(digits: &[u8], radix: u32) -> u32 {
    digits.iter().fold(0, |n: u32, digit| n.wrapping_mul(radix) + char::from(*digit).to_digit(radix).unwrap_or(0))
}

/// How many bytes the character takes whose first byte this is.
fn utf8_length(bytes: &[u8]) -> usize {
    match bytes.first() {
        Some(0xc0..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf7) => 4,
        _ => 1,
    }
}

/// Cut to the length of a name, at a character's end.
fn truncated(mut name: String) -> String {
    if name.len() > NAME_LENGTH {
        let end = (0..=NAME_LENGTH).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
        name.truncate(end);
    }
    name
}

/// What stands between the quotes, doubled ones made single.
fn unquoted(written: &str, prefix: usize, quote: char) -> String {
    let inner = written.get(prefix..written.len().saturating_sub(1)).unwrap_or_default();
    inner.replace(&format!("{quote}{quote}"), &quote.to_string())
}

/// A string's value, its continuations joined.
fn joined(written: &str, prefix: usize) -> String {
    let mut value = String::with_capacity(written.len());
    for part in parts(written, prefix, false) {
        let part = written.get(part).unwrap_or_default();
        if part.contains('\'') { value.push_str(&part.replace("''", "'")) } else { value.push_str(part) }
    }
    value
}

/// The ranges between the quotes of a string and of what continues it.
fn parts(written: &str, prefix: usize, escapes: bool) -> Vec<std::ops::Range<usize>> {
    let bytes = written.as_bytes();
    let (mut ranges, mut at) = (Vec::new(), prefix + 1);
    while at < bytes.len() {
        let start = at;
        loop {
            match (bytes.get(at), bytes.get(at + 1)) {
                (Some(b'\\'), _) if escapes => at += 2,
                (Some(b'\''), Some(b'\'')) => at += 2,
                (Some(b'\''), _) | (None, _) => break,
                _ => at += 1,
            }
        }
        ranges.push(start..at.min(bytes.len()));
        // To the quote that goes on, past comments that may hold quotes of their own.
        at += 1;
        loop {
            match bytes.get(at) {
                Some(b'-') => {
                    at += bytes.get(at..).unwrap_or_default().iter().take_while(|b| !matches!(b, b'\n' | b'\r')).count()
                }
                Some(b'\'') | None => break,
                _ => at += 1,
            }
        }
        at += 1;
    }
    ranges
}

/// Between the delimiters of a dollar-quoted string.
fn dollar_body(written: &str) -> &str {
    let length = written.get(1..).and_then(|rest| rest.find('$')).map_or(0, |end| end + 2);
    written.get(length..written.len().saturating_sub(length)).unwrap_or_default()
}
