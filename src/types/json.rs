//! json and jsonb: validation with PostgreSQL's errors, and jsonb's normal form.
//!
//! Owns: [`validate`], [`normalize`], [`JsonValue`] and the escaping of strings. Must not know: storage, the wire.
//! Specification: datatype-json.html; jsonapi.c, jsonfuncs.c and jsonb.c in PostgreSQL 15. The errors' DETAIL and CONTEXT
//! are PostgreSQL's, so the lexer keeps the positions that theirs keeps.

use std::fmt::{self, Write};

use crate::error::{Error, Result, SqlState};
use crate::limits::session as limits;
use crate::limits::stack;
use crate::types::numeric::Numeric;

/// How deep values may be nested.
const MAX_DEPTH: usize = 1500;

/// What a value that is kept costs.
const KEPT: usize = 128;

/// A JSON value as jsonb keeps it: numbers as canonical numerics, objects sorted and without duplicates.
#[derive(Clone, Debug, PartialEq)]
pub enum JsonValue {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    Array(Vec<JsonValue>),
    Object(Vec<(String, JsonValue)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Text,
    Number,
    ObjectStart,
    ObjectEnd,
    ArrayStart,
    ArrayEnd,
    Comma,
    Colon,
    True,
    False,
    Null,
    End,
}

struct Parser<'t> {
    input: &'t str,
    /// Whether values are kept (jsonb) or only checked (json).
    keep: bool,
    token: Token,
    start: usize,
    /// End of the token; for an invalid one, of what the error shows.
    end: usize,
    /// The text of a string token, if kept.
    text: String,
    depth: usize,
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

impl<'t> Parser<'t> {
    fn new(input: &'t str, keep: bool) -> Self {
        Parser { input, keep, token: Token::End, start: 0, end: 0, text: String::new(), depth: 0 }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.input.as_bytes().get(at).copied()
    }

    fn error(&self, code: SqlState, message: &'static str, detail: String) -> Error {
        Error::new(code, message).with_detail(detail).with_context(self.context())
    }

    fn invalid(&self, detail: String) -> Error {
        self.error(SqlState::INVALID_TEXT_REPRESENTATION, "invalid input syntax for type json", detail)
    }

    /// "JSON data, line 1: …": the line up to the token's end, its last 50 bytes or so (report_json_context).
    fn context(&self) -> String {
        let before = self.input.get(..self.start).unwrap_or("");
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line_number = before.bytes().filter(|b| *b == b'\n').count() + 1;
        let mut start = line_start;
        while self.end - start >= 50 {
            start += 1;
            while !self.input.is_char_boundary(start) {
                start += 1;
            }
        }
        if start - line_start <= 3 {
            start = line_start;
        }
        let prefix = if start > line_start { "..." } else { "" };
        let more = self.byte(self.end).is_some_and(|next| !matches!(next, b'\n' | b'\r'));
        let suffix = if more && self.token != Token::End { "..." } else { "" };
        let shown = self.input.get(start..self.end).unwrap_or("");
        format!("JSON data, line {line_number}: {prefix}{shown}{suffix}")
    }

    fn token_text(&self) -> &'t str {
        self.input.get(self.start..self.end).unwrap_or("")
    }

    fn invalid_token(&mut self, end: usize) -> Error {
        self.end = end;
        self.token = Token::Text;
        self.invalid(format!("Token \"{}\" is invalid.", self.token_text()))
    }

    fn unexpected(&self, expected: &str) -> Error {
        if self.token == Token::End {
            return self.invalid("The input string ended unexpectedly.".to_owned());
        }
        self.invalid(format!("Expected {expected}, but found \"{}\".", self.token_text()))
    }

    /// Reads the next token.
    fn advance(&mut self) -> Result<()> {
        let mut at = self.end;
        while self.byte(at).is_some_and(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')) {
            at += 1;
        }
        self.start = at;
        self.end = at + 1;
        self.token = match self.byte(at) {
            None => {
                self.end = at;
                Token::End
            }
            Some(b'{') => Token::ObjectStart,
            Some(b'}') => Token::ObjectEnd,
            Some(b'[') => Token::ArrayStart,
            Some(b']') => Token::ArrayEnd,
            Some(b',') => Token::Comma,
            Some(b':') => Token::Colon,
            Some(b'"') => return self.string(),
            Some(b'-' | b'0'..=b'9') => return self.number(),
            Some(_) => return self.word(),
        };
        Ok(())
    }

    fn word(&mut self) -> Result<()> {
        let mut end = self.start;
        while self.byte(end).is_some_and(is_word) {
            end += 1;
        }
        if end == self.start {
            return Err(self.invalid_token(end + 1));
        }
        self.end = end;
        self.token = match self.token_text() {
            "true" => Token::True,
            "false" => Token::False,
            "null" => Token::Null,
            _ => return Err(self.invalid_token(end)),
        };
        Ok(())
    }

    fn number(&mut self) -> Result<()> {
        let mut at = self.start + usize::from(self.byte(self.start) == Some(b'-'));
        let digits = |mut at: usize| {
            while self.byte(at).is_some_and(|b| b.is_ascii_digit()) {
                at += 1;
            }
            at
        };
        let mut valid = match self.byte(at) {
            Some(b'0') => {
                at += 1;
                true
            }
            Some(b'1'..=b'9') => {
                at = digits(at);
                true
            }
            _ => false,
        };
        if self.byte(at) == Some(b'.') {
            let end = digits(at + 1);
            valid &= end > at + 1;
            at = end;
        }
        if matches!(self.byte(at), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(self.byte(at + 1), Some(b'+' | b'-')));
            let end = digits(at + 1 + sign);
            valid &= end > at + 1 + sign;
            at = end;
        }
        while self.byte(at).is_some_and(is_word) {
            valid = false;
            at += 1;
        }
        if !valid {
            return Err(self.invalid_token(at));
        }
        self.end = at;
        self.token = Token::Number;
        Ok(())
    }

    fn string(&mut self) -> Result<()> {
        self.token = Token::Text;
        self.text.clear();
        let mut at = self.start + 1;
        // A high surrogate waits for its low one.
        let mut high: Option<u32> = None;
        loop {
            // What needs no look at goes over in one piece.
            let run = at;
            while self.byte(at).is_some_and(|b| b >= 0x20 && b != b'"' && b != b'\\') {
                at += 1;
            }
            if at > run {
                self.no_surrogate(high, at)?;
                if self.keep {
                    self.text.push_str(self.input.get(run..at).unwrap_or(""));
                }
            }
            match self.byte(at) {
                None => return Err(self.invalid_token(at)),
                Some(b'"') => {
                    self.no_surrogate(high, at + 1)?;
                    self.end = at + 1;
                    return Ok(());
                }
                Some(b'\\') => at = self.escape(at + 1, &mut high)?,
                Some(control) => {
                    self.end = at;
                    return Err(self.invalid(format!("Character with value 0x{control:02x} must be escaped.")));
                }
            }
        }
    }

    fn no_surrogate(&mut self, high: Option<u32>, end: usize) -> Result<()> {
        if high.is_none() {
            return Ok(());
        }
        self.end = end;
        Err(self.invalid("Unicode low surrogate must follow a high surrogate.".to_owned()))
    }

    /// One escape sequence, from after its backslash; gives the position after it.
    fn escape(&mut self, at: usize, high: &mut Option<u32>) -> Result<usize> {
        let Some(escape) = self.input.get(at..).and_then(|rest| rest.chars().next()) else {
            return Err(self.invalid_token(at));
        };
        if escape == 'u' {
            return self.unicode_escape(at + 1, high);
        }
        self.no_surrogate(*high, at + escape.len_utf8())?;
        let meaning = match escape {
            '"' | '\\' | '/' => escape,
            'b' => '\x08',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            _ => {
                self.end = at + escape.len_utf8();
                return Err(self.invalid(format!("Escape sequence \"\\{escape}\" is invalid.")));
            }
        };
        self.text.push(meaning);
        Ok(at + 1)
    }

    fn unicode_escape(&mut self, at: usize, high: &mut Option<u32>) -> Result<usize> {
        let mut code = 0;
        for place in at..at + 4 {
            let Some(character) = self.input.get(place..).and_then(|rest| rest.chars().next()) else {
                return Err(self.invalid_token(self.input.len()));
            };
            let Some(digit) = character.to_digit(16) else {
                self.end = place + character.len_utf8();
                return Err(self.invalid("\"\\u\" must be followed by four hexadecimal digits.".to_owned()));
            };
            code = code << 4 | digit;
        }
        self.end = at + 4;
        if !self.keep {
            return Ok(at + 4);
        }
        match (code, *high) {
            (0, _) => {
                return Err(self.error(
                    SqlState::UNTRANSLATABLE_CHARACTER,
                    "unsupported Unicode escape sequence",
                    "\\u0000 cannot be converted to text.".to_owned(),
                ));
            }
            (0xD800..0xDC00, Some(_)) => {
                return Err(self.invalid("Unicode high surrogate must not follow a high surrogate.".to_owned()));
            }
            (0xD800..0xDC00, None) => *high = Some(code),
            (0xDC00..0xE000, Some(first)) => {
                let character = char::from_u32(0x10000 + ((first & 0x3FF) << 10 | code & 0x3FF));
                self.text.extend(character);
                *high = None;
            }
            (0xDC00..0xE000, None) | (_, Some(_)) => {
                return Err(self.invalid("Unicode low surrogate must follow a high surrogate.".to_owned()));
            }
            _ => self.text.extend(char::from_u32(code)),
        }
        Ok(at + 4)
    }

    fn document(mut self) -> Result<JsonValue> {
        self.advance()?;
        let value = self.value()?;
        if self.token == Token::End { Ok(value) } else { Err(self.unexpected("end of input")) }
    }

    fn value(&mut self) -> Result<JsonValue> {
        limits::work(if self.keep { KEPT } else { size_of::<JsonValue>() })?;
        let value = match self.token {
            Token::Null => JsonValue::Null,
            Token::True => JsonValue::Bool(true),
            Token::False => JsonValue::Bool(false),
            Token::Text => JsonValue::Text(std::mem::take(&mut self.text)),
            Token::Number if self.keep => JsonValue::Number(Numeric::parse(self.token_text())?.to_string()),
            Token::Number => JsonValue::Null,
            Token::ArrayStart => return self.nested(Self::array),
            Token::ObjectStart => return self.nested(Self::object),
            _ => return Err(self.unexpected("JSON value")),
        };
        self.advance()?;
        Ok(value)
    }

    fn nested(&mut self, parse: impl FnOnce(&mut Self) -> Result<JsonValue>) -> Result<JsonValue> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(stack::too_deep());
        }
        stack::check()?;
        self.advance()?;
        let value = parse(self)?;
        self.depth -= 1;
        self.advance()?;
        Ok(value)
    }

    fn array(&mut self) -> Result<JsonValue> {
        let mut elements = Vec::new();
        if self.token == Token::ArrayEnd {
            return Ok(JsonValue::Array(elements));
        }
        loop {
            let element = self.value()?;
            if self.keep {
                elements.push(element);
            }
            match self.token {
                Token::Comma => self.advance()?,
                Token::ArrayEnd => return Ok(JsonValue::Array(elements)),
                _ => return Err(self.unexpected("\",\" or \"]\"")),
            }
        }
    }

    fn object(&mut self) -> Result<JsonValue> {
        let mut fields = Vec::new();
        match self.token {
            Token::ObjectEnd => return Ok(JsonValue::Object(fields)),
            Token::Text => {}
            _ => return Err(self.unexpected("string or \"}\"")),
        }
        loop {
            if self.token != Token::Text {
                return Err(self.unexpected("string"));
            }
            let name = std::mem::take(&mut self.text);
            self.advance()?;
            if self.token != Token::Colon {
                return Err(self.unexpected("\":\""));
            }
            self.advance()?;
            let value = self.value()?;
            if self.keep {
                fields.push((name, value));
            }
            match self.token {
                Token::Comma => self.advance()?,
                Token::ObjectEnd => return Ok(JsonValue::Object(normal_fields(fields))),
                _ => return Err(self.unexpected("\",\" or \"}\"")),
            }
        }
    }
}

impl JsonValue {
    /// An object of these members, the last of equal names.
    pub fn object(members: Vec<(String, JsonValue)>) -> Self {
        JsonValue::Object(normal_fields(members))
    }

    /// The value of an object's member.
    pub fn get(&self, key: &str) -> Option<&JsonValue> {
        let JsonValue::Object(members) = self else { return None };
        let order = |name: &str| name.len().cmp(&key.len()).then_with(|| name.cmp(key));
        let at = members.binary_search_by(|(name, _)| order(name)).ok()?;
        members.get(at).map(|(_, value)| value)
    }
}

/// Sorted by length, then bytes; of equal names the last one stays.
fn normal_fields(mut fields: Vec<(String, JsonValue)>) -> Vec<(String, JsonValue)> {
    fields.reverse();
    fields.sort_by(|(a, _), (b, _)| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    fields.dedup_by(|(a, _), (b, _)| a == b);
    fields
}

/// Checks that a text is JSON (json_in).
pub fn validate(text: &str) -> Result<()> {
    Parser::new(text, false).document().map(drop)
}

/// The value of a JSON text (jsonb_in).
pub fn parse(text: &str) -> Result<JsonValue> {
    Parser::new(text, true).document()
}

/// A JSON text as jsonb prints it.
pub fn normalize(text: &str) -> Result<String> {
    Ok(parse(text)?.to_string())
}

/// Writes a string in quotes, escaped as PostgreSQL does (escape_json).
pub fn write_string(text: &str, out: &mut impl Write) -> fmt::Result {
    out.write_char('"')?;
    write_escaped(text, out)?;
    out.write_char('"')
}

/// What stands between the quotes.
pub fn write_escaped(text: &str, out: &mut impl Write) -> fmt::Result {
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c < ' ' || c == '"' || c == '\\') {
        let (plain, special) = rest.split_at(at);
        out.write_str(plain)?;
        let mut characters = special.chars();
        match characters.next() {
            Some('"') => out.write_str("\\\"")?,
            Some('\\') => out.write_str("\\\\")?,
            Some('\x08') => out.write_str("\\b")?,
            Some('\x0c') => out.write_str("\\f")?,
            Some('\n') => out.write_str("\\n")?,
            Some('\r') => out.write_str("\\r")?,
            Some('\t') => out.write_str("\\t")?,
            Some(control) => write!(out, "\\u{:04x}", u32::from(control))?,
            None => {}
        }
        rest = characters.as_str();
    }
    out.write_str(rest)
}

impl fmt::Display for JsonValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JsonValue::Null => f.write_str("null"),
            JsonValue::Bool(value) => write!(f, "{value}"),
            JsonValue::Number(digits) => f.write_str(digits),
            JsonValue::Text(text) => write_string(text, f),
            JsonValue::Array(elements) => {
                f.write_char('[')?;
                for (index, element) in elements.iter().enumerate() {
                    f.write_str(if index > 0 { ", " } else { "" })?;
                    element.fmt(f)?;
                }
                f.write_char(']')
            }
            JsonValue::Object(fields) => {
                f.write_char('{')?;
                for (index, (name, value)) in fields.iter().enumerate() {
                    f.write_str(if index > 0 { ", " } else { "" })?;
                    write_string(name, f)?;
                    f.write_str(": ")?;
                    value.fmt(f)?;
                }
                f.write_char('}')
            }
        }
    }
}
