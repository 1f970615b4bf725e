//! Arrays as they are stored: JSON arrays, nested for more dimensions (see `types::pg_type::Repr`). Where one does not begin
//! at 1, its lower bounds stand before it in a comment, which SQLite's JSON functions read over: `/*0*/[7,8]`.
//!
//! Owns: [`Reader`], [`split_bounds`] and [`push_element`], the two directions between stored arrays and stored elements. Must not know:
//! the wire (`types::array_wire`). Readers take any JSON array, because SQLite's JSON functions may have built it.

use std::borrow::Cow;
use std::fmt::Write;

use crate::error::{Error, Result, SqlState};
use crate::limits::{memory, session};
use crate::types::bytes_text::{parse_bytea, write_hex};
use crate::types::json::{write_escaped, write_string};
use crate::types::number_text::{write_float4, write_float8};
use crate::types::pg_type::Scalar;
use crate::types::value::{Value, ValueRef};

/// The number of dimensions an array may have (MAXDIM).
pub const MAX_DIMENSIONS: usize = 6;

/// 54000 for an array or subscripts of more dimensions than there may be.
pub fn too_many_dimensions(dimensions: usize) -> Error {
    Error::new(
        SqlState::PROGRAM_LIMIT_EXCEEDED,
        format!("number of array dimensions ({dimensions}) exceeds the maximum allowed ({MAX_DIMENSIONS})"),
    )
}

/// A stored array's lower bounds, as they stand before it, and its JSON. None are given where all are 1.
pub fn split_bounds(stored: &str) -> (Option<&str>, &str) {
    match stored.strip_prefix("/*").and_then(|rest| rest.split_once("*/")) {
        Some((bounds, json)) => (Some(bounds), json),
        None => (None, stored),
    }
}

/// The lower bound of each dimension.
pub fn lower_bounds(stored: &str, dimensions: usize) -> Vec<i64> {
    let mut bounds: Vec<i64> = match split_bounds(stored).0 {
        Some(bounds) => bounds.split(',').map(|bound| bound.parse().unwrap_or(1)).collect(),
        None => Vec::new(),
    };
    bounds.resize(dimensions, 1);
    bounds
}

/// An array with these lower bounds.
pub fn with_bounds(bounds: &[i64], json: String) -> String {
    if bounds.iter().all(|bound| *bound == 1) || json == "[]" {
        return json;
    }
    let bounds: Vec<String> = bounds.iter().map(i64::to_string).collect();
    format!("/*{}*/{json}", bounds.join(","))
}

/// A stored array's parts in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Part<'a> {
    /// A dimension begins.
    Open,
    /// A dimension ends.
    Close,
    Element(Element<'a>),
}

/// An element as JSON has it.
#[derive(Clone, Debug, PartialEq)]
pub enum Element<'a> {
    Null,
    Bool(bool),
    Number(&'a str),
    Text(Cow<'a, str>),
}

impl Element<'_> {
    /// The element as a stored value of its type.
    pub fn to_value(&self, scalar: Scalar) -> Result<Value> {
        Ok(match (self, scalar) {
            (Element::Null, _) => Value::Null,
            (Element::Bool(value), Scalar::Bool) => Value::Integer(i64::from(*value)),
            (Element::Bool(value), _) => Value::Text(value.to_string()),
            (Element::Number(digits), Scalar::Float4 | Scalar::Float8) => {
                Value::Real(digits.parse().map_err(|_| corrupt())?)
            }
            (Element::Number(digits), scalar) if scalar.is_integer() || scalar == Scalar::Xid8 => {
                match digits.parse() {
                    Ok(integer) => Value::Integer(integer),
                    Err(_) => Value::Real(digits.parse().map_err(|_| corrupt())?),
                }
            }
            (Element::Number(digits), _) => Value::Text((*digits).to_owned()),
            (Element::Text(text), scalar) if scalar.is_blob() => Value::Blob(parse_bytea(text)?),
            (Element::Text(text), Scalar::Float4 | Scalar::Float8) => match text.as_ref() {
                "NaN" => Value::Text("NaN".to_owned()),
                number => Value::Real(number.parse().map_err(|_| corrupt())?),
            },
            (Element::Text(text), _) => Value::Text(text.clone().into_owned()),
        })
    }
}

fn corrupt() -> Error {
    Error::new(SqlState::DATA_CORRUPTED, "a stored array is not a JSON array")
}

/// Reads a stored array part by part.
pub struct Reader<'a> {
    rest: &'a str,
    depth: usize,
    started: bool,
}

impl<'a> Reader<'a> {
    /// A reader at the start of a stored array.
    pub fn new(stored: &'a str) -> Self {
        Reader { rest: split_bounds(stored).1, depth: 0, started: false }
    }

    fn skip(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r', ',']);
    }

    /// The next part; `None` after the end.
    pub fn next_part(&mut self) -> Result<Option<Part<'a>>> {
        self.skip();
        if self.started && self.depth == 0 {
            return if self.rest.is_empty() { Ok(None) } else { Err(corrupt()) };
        }
        let first = *self.rest.as_bytes().first().ok_or_else(corrupt)?;
        if self.depth == 0 && first != b'[' {
            return Err(corrupt());
        }
        self.started = true;
        match first {
            b'[' => {
                self.depth += 1;
                if self.depth > MAX_DIMENSIONS {
                    return Err(too_many_dimensions(self.depth));
                }
                self.take(1)?;
                Ok(Some(Part::Open))
            }
            b']' => {
                self.depth -= 1;
                self.take(1)?;
                Ok(Some(Part::Close))
            }
            b'"' => Ok(Some(Part::Element(Element::Text(self.string()?)))),
            _ => {
                let end = self.rest.find([',', ']', ' ', '\n', '\r', '\t']).ok_or_else(corrupt)?;
                Ok(Some(Part::Element(match self.take(end)? {
                    "null" => Element::Null,
                    "true" => Element::Bool(true),
                    "false" => Element::Bool(false),
                    number => Element::Number(number),
                })))
            }
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a str> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(corrupt)?;
        self.rest = rest;
        Ok(taken)
    }

    /// A JSON string; borrowed when it has no escapes.
    fn string(&mut self) -> Result<Cow<'a, str>> {
        self.take(1)?;
        let end = self.rest.find(['"', '\\']).ok_or_else(corrupt)?;
        let plain = self.take(end)?;
        if self.rest.starts_with('"') {
            self.take(1)?;
            return Ok(Cow::Borrowed(plain));
        }
        let mut text = plain.to_owned();
        loop {
            if self.rest.starts_with('"') {
                self.take(1)?;
                return Ok(Cow::Owned(text));
            }
            self.take(1)?;
            text.push(self.escape()?);
            let end = self.rest.find(['"', '\\']).ok_or_else(corrupt)?;
            text.push_str(self.take(end)?);
        }
    }

    fn escape(&mut self) -> Result<char> {
        Ok(match self.take(1)? {
            "b" => '\x08',
            "f" => '\x0c',
            "n" => '\n',
            "r" => '\r',
            "t" => '\t',
            "u" => {
                let unit = self.hex()?;
                if !(0xD800..0xDC00).contains(&unit) {
                    return char::from_u32(unit).ok_or_else(corrupt);
                }
                if self.take(2)? != "\\u" {
                    return Err(corrupt());
                }
                let low = self.hex()?;
                char::from_u32(0x10000 + ((unit & 0x3FF) << 10 | low & 0x3FF)).ok_or_else(corrupt)?
            }
            other => other.chars().next().ok_or_else(corrupt)?,
        })
    }

    fn hex(&mut self) -> Result<u32> {
        u32::from_str_radix(self.take(4)?, 16).map_err(|_| corrupt())
    }
}

/// The length of each dimension; none for an empty array.
pub fn dimensions(stored: &str) -> Result<Vec<usize>> {
    let mut reader = Reader::new(stored);
    let mut lengths: Vec<usize> = Vec::new();
    // The first path down gives the depth, and the first closing of each level its length.
    let mut counts = Vec::new();
    while let Some(part) = reader.next_part()? {
        match part {
            Part::Open => {
                if let Some(count) = counts.last_mut() {
                    *count += 1;
                }
                counts.push(0);
                if counts.len() > lengths.len() {
                    lengths.push(0);
                }
            }
            Part::Element(_) => {
                if let Some(count) = counts.last_mut() {
                    *count += 1;
                }
            }
            Part::Close => {
                let count = counts.pop().unwrap_or(0);
                if let Some(length) = lengths.get_mut(counts.len()) {
                    *length = count;
                }
            }
        }
    }
    Ok(if lengths.contains(&0) { Vec::new() } else { lengths })
}

/// Appends an element to the JSON text of an array, without the comma before it.
pub fn push_element(out: &mut String, scalar: Scalar, value: ValueRef<'_>) -> Result<()> {
    let written = match (value, scalar) {
        (ValueRef::Null, _) => out.write_str("null"),
        (ValueRef::Integer(value), Scalar::Bool) => out.write_str(if value != 0 { "true" } else { "false" }),
        (ValueRef::Integer(value), _) => write!(out, "{value}"),
        (ValueRef::Real(value), Scalar::Float4) if value.is_finite() => write_float4(value as f32, out),
        (ValueRef::Real(value), _) if value.is_finite() => write_float8(value, out),
        (ValueRef::Real(value), _) => {
            out.write_str("\"").and_then(|()| write_float8(value, out)).and_then(|()| out.write_str("\""))
        }
        (ValueRef::Text(text), _) if text.len() < PIECE => write_string(text, out),
        (ValueRef::Text(text), _) => return push_long_text(out, text),
        (ValueRef::Blob(bytes), _) => {
            // The backslash of "\x…" is escaped in JSON.
            out.write_str("\"\\").and_then(|()| write_hex(bytes, out)).and_then(|()| out.write_str("\""))
        }
    };
    written.map_err(|_| Error::internal("writing an array"))
}

/// What of a text is written without a look whether the session is to stop.
const PIECE: usize = 1 << 18;

/// A long text in quotes. Rows in rows in rows are twice as long with each of them, so that one who nests them thirty times waits
/// for a gigabyte: it is written in pieces, and between two of them the session may be told to stop.
fn push_long_text(out: &mut String, mut text: &str) -> Result<()> {
    memory::room(out.len(), text.len())?;
    out.push('"');
    while !text.is_empty() {
        let most = PIECE.min(text.len());
        let (piece, rest) = text.split_at((0..=most).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(most));
        session::work(piece.len())?;
        write_escaped(piece, out).map_err(|_| Error::internal("writing an array"))?;
        text = rest;
    }
    out.push('"');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let mut stored = "[".to_owned();
        for (index, text) in ["a", "", "\"\\ \n", "ü\u{1F600}\u{1}"].iter().enumerate() {
            stored.push_str(if index > 0 { "," } else { "" });
            push_element(&mut stored, Scalar::Text, ValueRef::Text(text)).unwrap();
        }
        stored.push_str(",null]");
        let mut reader = Reader::new(&stored);
        let mut parts = Vec::new();
        while let Some(part) = reader.next_part().unwrap() {
            parts.push(part);
        }
        assert_eq!(parts.len(), 7);
        assert_eq!(parts[3], Part::Element(Element::Text("\"\\ \n".into())));
        assert_eq!(parts[4], Part::Element(Element::Text("ü\u{1F600}\u{1}".into())));
        assert_eq!(dimensions("[[1,2],[3,4],[5,null]]").unwrap(), [3, 2]);
        assert!(dimensions("[]").unwrap().is_empty());
        for broken in ["", "1", "[", "[1", "[\"", "[\"\\u12", "]", "[]]"] {
            assert!(dimensions(broken).is_err(), "{broken}");
        }
    }
}
