//! Rows on the wire: '(1,,"a b")' and the binary form, to and from stored rows.
//!
//! Owns: encoding and decoding of rows, and [`fields`], a stored row taken apart. Must not know: which type a record has
//! (`types::row_type`). Specification: rowtypes.html#ROWTYPES-IO-SYNTAX; record_in, record_out, record_recv and record_send
//! in PostgreSQL 15's rowtypes.c.

use bytes::{BufMut, BytesMut};

use crate::error::{Error, Result, SqlState};
use crate::limits::stack;
use crate::types::array::{Element, Part, Reader, push_element};
use crate::types::encoding::{decode, encode, insufficient_data, wrong_format};
use crate::types::format::{Format, FormatSettings};
use crate::types::pg_type::{Oid, Scalar, TypeInfo, type_info};
use crate::types::row_type::{Row, RowField};
use crate::types::value::{Value, ValueRef};

/// The places of a stored row. One that is not there, because its attribute is younger than the row, is NULL.
pub fn places(stored: &str) -> Result<Vec<Element<'_>>> {
    let mut reader = Reader::new(stored);
    let mut places = Vec::new();
    while let Some(part) = reader.next_part()? {
        if let Part::Element(element) = part {
            places.push(element);
        }
    }
    Ok(places)
}

/// A field's stored value.
pub fn value_of(info: &TypeInfo, place: &Element<'_>) -> Result<Value> {
    match (info.repr.array_of, place) {
        (Some(_), Element::Text(text)) => Ok(Value::Text(text.clone().into_owned())),
        _ => place.to_value(info.repr.scalar),
    }
}

/// The fields of a stored row with their values.
pub fn fields(row: Row, stored: &str) -> Result<Vec<(&'static RowField, Value)>> {
    let places = places(stored)?;
    let mut fields = Vec::with_capacity(places.len());
    for (index, field) in row.all().iter().enumerate() {
        let Some(field) = field else { continue };
        let value = places.get(index).map_or(Ok(Value::Null), |place| value_of(field.info, place))?;
        fields.push((field, value));
    }
    Ok(fields)
}

/// Writes a row from the values of its fields that there are, in their order.
pub struct Writer<'o> {
    out: &'o mut String,
    row: Row,
    place: usize,
}

impl<'o> Writer<'o> {
    /// Begins a row.
    pub fn new(row: Row, out: &'o mut String) -> Self {
        out.push('[');
        Writer { out, row, place: 0 }
    }

    fn begin_place(&mut self) {
        if self.place > 0 {
            self.out.push(',');
        }
        self.place += 1;
    }

    /// The next field.
    pub fn put(&mut self, value: ValueRef<'_>) -> Result<()> {
        while self.row.fields.get(self.place).is_some_and(Option::is_none) {
            self.begin_place();
            self.out.push_str("null");
        }
        let repr = self.row.fields.get(self.place).and_then(Option::as_ref).map(|field| field.info.repr);
        let scalar = repr.filter(|repr| repr.array_of.is_none()).map_or(Scalar::Text, |repr| repr.scalar);
        self.begin_place();
        push_element(self.out, scalar, value)
    }

    /// Ends it.
    pub fn end(self) {
        self.out.push(']');
    }
}

/// Appends "(…)".
pub(super) fn encode_text(row: Row, stored: &str, settings: &FormatSettings, out: &mut BytesMut) -> Result<()> {
    let mut scratch = BytesMut::new();
    write_text(row, stored, out, &mut |info, value, out| {
        scratch.clear();
        encode(info.repr, Format::Text, value, settings, &mut scratch)?;
        put_quoted(&scratch, out);
        Ok(())
    })
}

/// Appends "(…)", its fields by the function.
pub fn write_text(
    row: Row,
    stored: &str,
    out: &mut BytesMut,
    field: &mut dyn FnMut(&'static TypeInfo, ValueRef<'_>, &mut BytesMut) -> Result<()>,
) -> Result<()> {
    stack::check()?;
    out.put_u8(b'(');
    for (index, (RowField { info, .. }, value)) in fields(row, stored)?.into_iter().enumerate() {
        if index > 0 {
            out.put_u8(b',');
        }
        if !value.is_null() {
            field(info, value.as_ref(), out)?;
        }
    }
    out.put_u8(b')');
    Ok(())
}

/// Appends a field's text, quoted where record_in would misread it.
pub fn put_quoted(text: &[u8], out: &mut BytesMut) {
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | b'(' | b')' | b',' | 0x0b) || byte.is_ascii_whitespace();
    if !text.is_empty() && !text.iter().any(special) {
        out.put_slice(text);
        return;
    }
    out.put_u8(b'"');
    for byte in text {
        if matches!(byte, b'"' | b'\\') {
            out.put_u8(*byte);
        }
        out.put_u8(*byte);
    }
    out.put_u8(b'"');
}

/// Appends the binary form.
pub(super) fn encode_binary(row: Row, stored: &str, settings: &FormatSettings, out: &mut BytesMut) -> Result<()> {
    stack::check()?;
    let too_large = |_| Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "row is too large");
    let fields = fields(row, stored)?;
    out.put_i32(i32::try_from(fields.len()).map_err(too_large)?);
    for (RowField { info, .. }, value) in fields {
        out.put_u32(info.oid.0);
        if value.is_null() {
            out.put_i32(-1);
            continue;
        }
        let at = out.len();
        out.put_i32(0);
        encode(info.repr, Format::Binary, value.as_ref(), settings, out)?;
        let length = i32::try_from(out.len() - at - 4).map_err(too_large)?;
        if let Some(place) = out.get_mut(at..at + 4) {
            place.copy_from_slice(&length.to_be_bytes());
        }
    }
    Ok(())
}

fn malformed(text: &str, detail: &'static str) -> Error {
    Error::new(SqlState::INVALID_TEXT_REPRESENTATION, format!("malformed record literal: \"{text}\""))
        .with_detail(detail)
}

/// Reads a row literal into its stored form (record_in).
pub(super) fn decode_text(row: Row, text: &str, settings: &FormatSettings) -> Result<String> {
    read_text(row, text, &mut |info, text| decode(info.repr, info.sql_name, Format::Text, text.as_bytes(), settings))
}

/// Reads a row literal into its stored form, its fields by the function.
pub fn read_text(
    row: Row,
    text: &str,
    field: &mut dyn FnMut(&'static TypeInfo, &str) -> Result<Value>,
) -> Result<String> {
    stack::check()?;
    let is_space = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c');
    let mut rest = text.trim_start_matches(is_space);
    rest = rest.strip_prefix('(').ok_or_else(|| malformed(text, "Missing left parenthesis."))?;
    let mut stored = String::with_capacity(text.len() + 8);
    let mut writer = Writer::new(row, &mut stored);
    for (index, RowField { info, .. }) in row.present().enumerate() {
        if index > 0 {
            rest = rest.strip_prefix(',').ok_or_else(|| malformed(text, "Too few columns."))?;
        }
        // An empty field is NULL.
        if rest.starts_with([',', ')']) {
            writer.put(ValueRef::Null)?;
            continue;
        }
        let (item, after) = item(text, rest)?;
        rest = after;
        writer.put(field(info, &item)?.as_ref())?;
    }
    writer.end();
    rest = rest.strip_prefix(')').ok_or_else(|| malformed(text, "Too many columns."))?;
    match rest.trim_start_matches(is_space).is_empty() {
        true => Ok(stored),
        false => Err(malformed(text, "Junk after right parenthesis.")),
    }
}

/// A field's text without its quotes, and what stands behind it.
fn item<'t>(text: &str, rest: &'t str) -> Result<(String, &'t str)> {
    let mut item = String::new();
    let mut quoted = false;
    let mut chars = rest.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            ',' | ')' if !quoted => return Ok((item, rest.get(at..).unwrap_or(""))),
            '\\' => {
                let (_, escaped) = chars.next().ok_or_else(|| malformed(text, "Unexpected end of input."))?;
                item.push(escaped);
            }
            '"' if !quoted => quoted = true,
            // Doubled it stands for itself.
            '"' if chars.peek().is_some_and(|(_, next)| *next == '"') => {
                chars.next();
                item.push('"');
            }
            '"' => quoted = false,
            c => item.push(c),
        }
    }
    Err(malformed(text, "Unexpected end of input."))
}

/// Reads the binary form into the stored one (record_recv).
pub(super) fn decode_binary(row: Row, bytes: &[u8], settings: &FormatSettings) -> Result<String> {
    stack::check()?;
    let mut rest = bytes;
    let int = |rest: &mut &[u8]| -> Result<i32> {
        let (number, after) = rest.split_first_chunk::<4>().ok_or_else(insufficient_data)?;
        *rest = after;
        Ok(i32::from_be_bytes(*number))
    };
    let (sent, expected) = (int(&mut rest)?, row.present().count());
    if usize::try_from(sent) != Ok(expected) {
        let message = format!("wrong number of columns: {sent}, expected {expected}");
        return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
    }
    let mut stored = String::with_capacity(bytes.len());
    let mut writer = Writer::new(row, &mut stored);
    for (number, RowField { info, .. }) in (1..).zip(row.present()) {
        let oid = Oid(int(&mut rest)?.cast_unsigned());
        if oid != info.oid {
            let label = type_info(oid).map_or("???", |info| info.sql_name);
            let message = format!(
                "binary data has type {oid} ({label}) instead of expected {} ({}) in record column {number}",
                info.oid, info.sql_name
            );
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
        }
        let length = int(&mut rest)?;
        if length == -1 {
            writer.put(ValueRef::Null)?;
            continue;
        }
        let length = usize::try_from(length).map_err(|_| insufficient_data())?;
        let (field, after) = rest.split_at_checked(length).ok_or_else(insufficient_data)?;
        rest = after;
        let value = decode(info.repr, info.sql_name, Format::Binary, field, settings)?;
        writer.put(value.as_ref())?;
    }
    writer.end();
    if rest.is_empty() { Ok(stored) } else { Err(wrong_format()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::row_type::Shape;

    fn row(fields: &[Option<Oid>]) -> Row {
        let field = |oid: &Option<Oid>| oid.map(|oid| ("f".to_owned(), Shape::BuiltIn(oid)));
        let shape = Shape::Row { oid: Oid(20001), name: "t".into(), fields: fields.iter().map(field).collect() };
        match shape.info().unwrap().repr.scalar {
            Scalar::Row(row) => row,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn rows_are_read_and_written() {
        let row = row(&[Some(Oid::INT4), None, Some(Oid::TEXT), Some(Oid::INT4_ARRAY), Some(Oid::BYTEA)]);
        let settings = FormatSettings::default();
        let text = r#" (1,"a ""b"" \\c","{1,NULL}","\\x01ff")"#;
        let stored = decode_text(row, text, &settings).unwrap();
        assert_eq!(stored, r#"[1,null,"a \"b\" \\c","[1,null]","\\x01ff"]"#);
        let mut out = BytesMut::new();
        encode_text(row, &stored, &settings, &mut out).unwrap();
        assert_eq!(std::str::from_utf8(&out).unwrap(), r#"(1,"a ""b"" \\c","{1,NULL}","\\x01ff")"#);
        out.clear();
        encode_binary(row, &stored, &settings, &mut out).unwrap();
        assert_eq!(decode_binary(row, &out, &settings).unwrap(), stored);
        out.clear();
        // What was written before an attribute was added.
        encode_text(row, "[1,7]", &settings, &mut out).unwrap();
        assert_eq!(out.as_ref(), b"(1,,,)");
    }

    #[test]
    fn malformed_rows_are_postgresqls_errors() {
        let row = row(&[Some(Oid::INT4), Some(Oid::TEXT)]);
        for (text, detail) in [
            ("1,a", "Missing left parenthesis."),
            ("(1)", "Too few columns."),
            ("(1,a,b)", "Too many columns."),
            ("(1,\"a)", "Unexpected end of input."),
            ("(1,a) x", "Junk after right parenthesis."),
        ] {
            let error = decode_text(row, text, &FormatSettings::default()).unwrap_err();
            assert_eq!(error.message(), format!("malformed record literal: \"{text}\""));
            assert_eq!(error.fields().detail.as_deref(), Some(detail), "{text}");
        }
    }
}
