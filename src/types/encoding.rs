//! Stored values to and from PostgreSQL's text and binary forms, the four side by side per type. Pure.
//!
//! Owns: [`encode`], [`decode`] and the scalars' forms; arrays are `types::array_wire`. Must not know: frames, SQLite,
//! sessions. Specification: the types' input, output, send and receive functions in PostgreSQL 15, whose outcomes are
//! recorded in `fixtures/encodings.tsv` and `fixtures/decode_errors.tsv`.
//!
//! Encoding runs once per value of a result, so it writes straight into the output buffer. Most stored forms are the
//! text form under the default settings and are copied.
//!
//! The reg types (regclass, regtype …) are names that only a catalog knows. Here an OID is written as its number, a
//! text (the outcome of `pg_out_regclass` and its like) is copied, and a name that comes in stays a text for
//! `pg_in_regclass` and its like to resolve.

use std::fmt::{self, Write};

use bytes::{BufMut, BytesMut};

use crate::error::{Error, Result, SqlState};
use crate::types::array_wire;
use crate::types::bytes_text::{
    char_byte, parse_bytea, parse_uuid, read_char, write_char, write_escaped, write_hex, write_uuid,
};
use crate::types::calendar::USECS_PER_DAY;
use crate::types::datetime::{Date, Stored, Time, TimeTz, Timestamp, TimestampTz, is_iso, out_of_range};
use crate::types::encoding_rare;
use crate::types::format::{ByteaOutput, DateStyle, Format, FormatSettings, IntervalStyle};
use crate::types::interval::{Interval, fields};
use crate::types::network::Network;
use crate::types::number_text::{
    general, invalid_syntax, parse_float4, parse_float8, parse_integer, parse_oid, trim_spaces, write_float4,
    write_float8,
};
use crate::types::numeric::Numeric;
use crate::types::numeric_wire;
use crate::types::pg_type::{Repr, Scalar};
use crate::types::text_search::{TsQuery, TsVector, query_parser};
use crate::types::value::{Value, ValueRef};
use crate::types::{json, jsonpath, row_wire, system_ids, xml};

/// The bytes of a name (NAMEDATALEN less one).
pub const NAME_BYTES: usize = 63;

/// Appends the wire form of a stored value that is not NULL. A stored value whose storage class does not fit `repr`
/// (a file that others wrote) is written as its closest text, or is 22P02 / XX000 where binary cannot.
pub fn encode(
    repr: Repr,
    format: Format,
    value: ValueRef<'_>,
    settings: &FormatSettings,
    out: &mut BytesMut,
) -> Result<()> {
    match (repr.array_of, value, format) {
        (None, ..) => encode_scalar(repr.scalar, format, value, settings, out),
        (Some(_), ValueRef::Text(stored), Format::Text) => array_wire::encode_text(stored, repr.scalar, settings, out),
        (Some(element), ValueRef::Text(stored), Format::Binary) => {
            array_wire::encode_binary(stored, repr.scalar, element, settings, out)
        }
        (Some(_), other, Format::Text) => put_as_text(other, out),
        (Some(_), ..) => Err(misfit()),
    }
}

/// Reads a value from its wire form: 22P02 and friends for text, 22P03 for binary, 22021 for invalid UTF-8.
/// `type_name` is what the error message calls the type ("integer"). A binary value that is too long is "incorrect
/// binary data format", to which the caller may add where it stood ("in bind parameter 1").
pub fn decode(repr: Repr, type_name: &str, format: Format, bytes: &[u8], settings: &FormatSettings) -> Result<Value> {
    match (repr.array_of, format) {
        (None, Format::Text) if type_name == "name" => {
            decode_text(repr.scalar, type_name, clipped_name(utf8(bytes)?), settings)
        }
        (None, Format::Text) => decode_text(repr.scalar, type_name, utf8(bytes)?, settings),
        (None, Format::Binary) if type_name == "xml" => {
            check_xml(bytes)?;
            decode_binary(repr.scalar, bytes, settings)
        }
        (None, Format::Binary) => decode_binary(repr.scalar, bytes, settings),
        (Some(_), Format::Text) => {
            let element_name = type_name.strip_suffix("[]").unwrap_or(type_name);
            array_wire::decode_literal(utf8(bytes)?, repr.scalar, element_name, settings).map(Value::Text)
        }
        (Some(element), Format::Binary) => {
            array_wire::decode_array(bytes, repr.scalar, element, false, settings).map(Value::Text)
        }
    }
}

/// What of a text fits into a name (namein).
pub fn clipped_name(text: &str) -> &str {
    let mut end = text.len().min(NAME_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Refuses bytes of a binary xml that are none (xml_recv).
pub(super) fn check_xml(bytes: &[u8]) -> Result<()> {
    xml::validate(utf8(bytes)?)
}

/// An integer of at most nine digits, as nearly all are, without what [`decode`] needs to know; `None` for all else.
pub fn small_number(repr: Repr, format: Format, bytes: &[u8]) -> Option<Value> {
    if format != Format::Text || repr.array_of.is_some() || !matches!(repr.scalar, Scalar::Int4 | Scalar::Int8) {
        return None;
    }
    let (negative, digits) = match bytes {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > 9 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0'));
    Some(Value::Integer(if negative { -number } else { number }))
}

/// The bytes as text; 22021 if they are not UTF-8 or have a zero in them.
pub fn utf8(bytes: &[u8]) -> Result<&str> {
    let invalid = |at: usize| {
        let rest = bytes.get(at..).unwrap_or(&[]);
        // As many bytes as the first one promises.
        let length = match rest.first() {
            Some(0xF0..=0xF7) => 4,
            Some(0xE0..=0xEF) => 3,
            Some(0xC0..=0xDF) => 2,
            _ => 1,
        };
        let shown: Vec<String> = rest.iter().take(length).map(|byte| format!("0x{byte:02x}")).collect();
        Error::new(
            SqlState::CHARACTER_NOT_IN_REPERTOIRE,
            format!("invalid byte sequence for encoding \"UTF8\": {}", shown.join(" ")),
        )
    };
    let text = std::str::from_utf8(bytes).map_err(|error| invalid(error.valid_up_to()))?;
    match bytes.contains(&0) {
        true => Err(invalid(bytes.iter().position(|byte| *byte == 0).unwrap_or(0))),
        false => Ok(text),
    }
}

fn misfit() -> Error {
    Error::new(SqlState::DATA_CORRUPTED, "a stored value is not of its column's type")
}

pub(super) fn write_failed(_: fmt::Error) -> Error {
    Error::internal("writing a value")
}

/// 08P01, as PostgreSQL answers a binary value that ends too early.
pub(super) fn insufficient_data() -> Error {
    Error::new(SqlState::PROTOCOL_VIOLATION, "insufficient data left in message")
}

/// 22P03, as PostgreSQL answers a binary value that is too long.
pub(super) fn wrong_format() -> Error {
    Error::new(SqlState::INVALID_BINARY_REPRESENTATION, "incorrect binary data format")
}

/// Appends an integer's digits.
pub fn put_integer(value: i64, out: &mut BytesMut) {
    let mut digits = [0u8; 20];
    let mut start = digits.len();
    let mut rest = value.unsigned_abs();
    for (at, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        start = at;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        out.put_u8(b'-');
    }
    out.put_slice(digits.get(start..).unwrap_or(&[]));
}

/// Writes a value of any storage class in the text form that comes closest.
pub(super) fn put_as_text(value: ValueRef<'_>, out: &mut BytesMut) -> Result<()> {
    match value {
        ValueRef::Null => {}
        ValueRef::Integer(integer) => put_integer(integer, out),
        ValueRef::Real(real) => write_float8(real, out).map_err(write_failed)?,
        ValueRef::Text(text) => out.put_slice(text.as_bytes()),
        ValueRef::Blob(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => out.put_slice(text.as_bytes()),
            Err(_) => write_hex(bytes, out).map_err(write_failed)?,
        },
    }
    Ok(())
}

pub(super) fn encode_scalar(
    scalar: Scalar,
    format: Format,
    value: ValueRef<'_>,
    settings: &FormatSettings,
    out: &mut BytesMut,
) -> Result<()> {
    match format {
        Format::Text => encode_text(scalar, value, settings, out),
        Format::Binary => encode_binary(scalar, value, settings, out),
    }
}

fn encode_text(scalar: Scalar, value: ValueRef<'_>, settings: &FormatSettings, out: &mut BytesMut) -> Result<()> {
    let written = match (scalar, value) {
        (Scalar::Bool, ValueRef::Integer(value)) => {
            out.put_u8(if value != 0 { b't' } else { b'f' });
            Ok(())
        }
        (Scalar::Float4, ValueRef::Real(value)) => write_float(value, true, settings, out),
        (Scalar::Float8, ValueRef::Real(value)) => write_float(value, false, settings, out),
        (Scalar::Float4 | Scalar::Float8, ValueRef::Integer(value)) => {
            write_float(value as f64, scalar == Scalar::Float4, settings, out)
        }
        (Scalar::Numeric, ValueRef::Real(value)) => write!(out, "{}", Numeric::from_f64(value)),
        (Scalar::Bytea, ValueRef::Blob(bytes)) => match settings.bytea_output {
            ByteaOutput::Hex => write_hex(bytes, out),
            ByteaOutput::Escape => write_escaped(bytes, out),
        },
        (Scalar::Date | Scalar::Timestamp, ValueRef::Text(text)) => return put_date(scalar, text, settings, out),
        (Scalar::TimestampTz, ValueRef::Text(text)) => return put_timestamptz(text, settings, out),
        (Scalar::Interval, ValueRef::Text(text)) if settings.interval_style != IntervalStyle::Postgres => {
            Interval::from_stored(text)?.write(settings.interval_style, out)
        }
        (Scalar::Char, ValueRef::Text(stored)) => write_char(stored, out),
        (Scalar::IntVector | Scalar::OidVector, ValueRef::Text(stored)) => {
            return array_wire::encode_vector(stored, scalar, Format::Text, settings, out);
        }
        (Scalar::Row(row), ValueRef::Text(stored)) => return row_wire::encode_text(row, stored, settings, out),
        (scalar, other) => return encoding_rare::encode_text(scalar, other, settings, out),
    };
    written.map_err(write_failed)
}

fn write_float(value: f64, single: bool, settings: &FormatSettings, out: &mut BytesMut) -> fmt::Result {
    match (settings.extra_float_digits, single) {
        (1.., true) => write_float4(value as f32, out),
        (1.., false) => write_float8(value, out),
        (extra, _) => {
            let digits = extra + if single { 6 } else { 15 };
            out.write_str(&general(value, digits.max(1) as usize))
        }
    }
}

/// Dates and timestamps without time zone: stored in ISO style.
fn put_date(scalar: Scalar, text: &str, settings: &FormatSettings, out: &mut BytesMut) -> Result<()> {
    if settings.date_style == DateStyle::Iso && is_iso(text) {
        out.put_slice(text.as_bytes());
        return Ok(());
    }
    let written = match scalar {
        Scalar::Date => Date::from_stored(text)?.write(settings, out),
        _ => Timestamp::from_stored(text)?.write(settings, out),
    };
    written.map_err(write_failed)
}

/// Stored in UTC and ISO style.
fn put_timestamptz(text: &str, settings: &FormatSettings, out: &mut BytesMut) -> Result<()> {
    let in_utc = settings.time_zone.to_fixed_offset().is_ok_and(|offset| offset.is_zero());
    if in_utc && settings.date_style == DateStyle::Iso && is_iso(text) {
        out.put_slice(text.as_bytes());
        return Ok(());
    }
    TimestampTz::from_stored(text)?.write(settings, out).map_err(write_failed)
}

/// An integer in a storage class that others may have chosen.
pub(super) fn integer_of(value: ValueRef<'_>) -> Result<i64> {
    match value {
        ValueRef::Integer(integer) => Ok(integer),
        ValueRef::Text(text) => text.parse().map_err(|_| misfit()),
        _ => Err(misfit()),
    }
}

fn float_of(value: ValueRef<'_>) -> Result<f64> {
    match value {
        ValueRef::Real(real) => Ok(real),
        ValueRef::Integer(integer) => Ok(integer as f64),
        ValueRef::Text(text) => text.parse().map_err(|_| misfit()),
        _ => Err(misfit()),
    }
}

pub(super) fn text_of(value: ValueRef<'_>) -> Result<&str> {
    match value {
        ValueRef::Text(text) => Ok(text),
        _ => Err(misfit()),
    }
}

fn encode_binary(scalar: Scalar, value: ValueRef<'_>, settings: &FormatSettings, out: &mut BytesMut) -> Result<()> {
    let fits = |result: std::result::Result<(), std::num::TryFromIntError>| result.map_err(|_| misfit());
    match scalar {
        Scalar::Bool => out.put_u8(u8::from(integer_of(value)? != 0)),
        Scalar::Int2 => fits(integer_of(value)?.try_into().map(|int| out.put_i16(int)))?,
        Scalar::Int4 => fits(integer_of(value)?.try_into().map(|int| out.put_i32(int)))?,
        Scalar::Int8 => out.put_i64(integer_of(value)?),
        Scalar::Oid
        | Scalar::RegClass
        | Scalar::RegType
        | Scalar::RegProc
        | Scalar::RegProcedure
        | Scalar::RegNamespace
        | Scalar::RegRole
        | Scalar::RegConfig
        | Scalar::RegDictionary
        | Scalar::RegOper
        | Scalar::RegOperator
        | Scalar::RegCollation => fits(integer_of(value)?.try_into().map(|oid| out.put_u32(oid)))?,
        Scalar::Float4 => out.put_f32(float_of(value)? as f32),
        Scalar::Float8 => out.put_f64(float_of(value)?),
        Scalar::Numeric => match value {
            ValueRef::Text(text) => numeric_wire::write_binary(text, out)?,
            ValueRef::Integer(integer) => numeric_wire::write_binary(&integer.to_string(), out)?,
            ValueRef::Real(real) => numeric_wire::write_binary(&Numeric::from_f64(real).to_string(), out)?,
            _ => return Err(misfit()),
        },
        Scalar::Text | Scalar::BpChar | Scalar::Json => put_as_text(value, out)?,
        Scalar::Char => out.put_u8(char_byte(text_of(value)?)),
        Scalar::Bytea => match value {
            ValueRef::Blob(bytes) => out.put_slice(bytes),
            other => put_as_text(other, out)?,
        },
        Scalar::Uuid => out.put_slice(&parse_uuid(text_of(value)?)?),
        Scalar::Date => out.put_i32(Date::from_stored(text_of(value)?)?.0),
        Scalar::Time => out.put_i64(Time::from_stored(text_of(value)?)?.0),
        Scalar::TimeTz => {
            let time = TimeTz::from_stored(text_of(value)?)?;
            out.put_i64(time.time);
            out.put_i32(-time.offset);
        }
        Scalar::Timestamp => out.put_i64(Timestamp::from_stored(text_of(value)?)?.0),
        Scalar::TimestampTz => out.put_i64(TimestampTz::from_stored(text_of(value)?)?.0),
        Scalar::Interval => {
            let interval = Interval::from_stored(text_of(value)?)?;
            out.put_i64(interval.usecs);
            out.put_i32(interval.days);
            out.put_i32(interval.months);
        }
        // A version, then the text.
        Scalar::Jsonb | Scalar::JsonPath => {
            out.put_u8(1);
            put_as_text(value, out)?;
        }
        Scalar::TsVector => TsVector::parse(text_of(value)?)?.write_binary(out),
        Scalar::TsQuery => stored_query(text_of(value)?)?.write_binary(out),
        Scalar::Inet => Network::parse(text_of(value)?, false)?.write_binary(false, out),
        Scalar::Cidr => Network::parse(text_of(value)?, true)?.write_binary(true, out),
        Scalar::Void => {}
        Scalar::Record => return Err(Error::unsupported("the binary form of type record")),
        Scalar::Row(row) => row_wire::encode_binary(row, text_of(value)?, settings, out)?,
        Scalar::IntVector | Scalar::OidVector => {
            array_wire::encode_vector(text_of(value)?, scalar, Format::Binary, settings, out)?;
        }
        _ => encoding_rare::encode_binary(scalar, value, settings, out)?,
    }
    Ok(())
}

/// Reads a boolean: any unambiguous beginning of true, false, yes, no, on, off, or a digit (parse_bool).
pub fn parse_bool(text: &str) -> Result<bool> {
    let lower = trim_spaces(text).to_ascii_lowercase();
    let begins = |word: &str, least: usize| lower.len() >= least && word.starts_with(lower.as_str());
    if begins("true", 1) || begins("yes", 1) || lower == "on" || lower == "1" {
        Ok(true)
    } else if begins("false", 1) || begins("no", 1) || begins("off", 2) || lower == "0" {
        Ok(false)
    } else {
        Err(invalid_syntax("boolean", text))
    }
}

fn stored_float4(value: f32) -> Value {
    if value.is_nan() { Value::Text("NaN".to_owned()) } else { Value::Real(f64::from(value)) }
}

fn stored_float8(value: f64) -> Value {
    if value.is_nan() { Value::Text("NaN".to_owned()) } else { Value::Real(value) }
}

pub(super) fn decode_text(scalar: Scalar, type_name: &str, text: &str, settings: &FormatSettings) -> Result<Value> {
    let integer = |name, min, max| parse_integer(text, name, min, max).map(Value::Integer);
    Ok(match scalar {
        Scalar::Bool => Value::Integer(i64::from(parse_bool(text)?)),
        Scalar::Int2 => return integer("smallint", i16::MIN.into(), i16::MAX.into()),
        Scalar::Int4 => return integer("integer", i32::MIN.into(), i32::MAX.into()),
        Scalar::Int8 => return integer("bigint", i64::MIN, i64::MAX),
        // strtoul's: what is no number is 0.
        Scalar::Oid if matches!(type_name, "xid" | "cid") => {
            Value::Integer(i64::from(system_ids::parse_xid8(text) as u32))
        }
        Scalar::Oid => Value::Integer(parse_oid(text, type_name)?),
        Scalar::RegClass
        | Scalar::RegType
        | Scalar::RegProc
        | Scalar::RegProcedure
        | Scalar::RegNamespace
        | Scalar::RegRole
        | Scalar::RegConfig
        | Scalar::RegDictionary
        | Scalar::RegOper
        | Scalar::RegOperator
        | Scalar::RegCollation => match text {
            "-" => Value::Integer(0),
            _ => text.parse::<u32>().map_or_else(|_| Value::Text(text.to_owned()), |oid| Value::Integer(oid.into())),
        },
        Scalar::Float4 => stored_float4(parse_float4(text)?),
        Scalar::Float8 => stored_float8(parse_float8(text)?),
        Scalar::Numeric if numeric_wire::is_canonical(text) => Value::Text(text.to_owned()),
        Scalar::Numeric => Value::Text(Numeric::parse(text)?.to_string()),
        Scalar::Text if type_name == "xml" => {
            xml::validate(text)?;
            Value::Text(xml::shown(text))
        }
        Scalar::Text | Scalar::BpChar | Scalar::Record => Value::Text(text.to_owned()),
        Scalar::Row(row) => Value::Text(row_wire::decode_text(row, text, settings)?),
        Scalar::Char => Value::Text(read_char(text.as_bytes())),
        Scalar::Bytea => Value::Blob(parse_bytea(text)?),
        Scalar::Uuid => Value::Text(uuid_text(&parse_uuid(text)?)?),
        Scalar::Date => Value::Text(Date::parse(text, settings)?.to_stored()?),
        Scalar::Time => Value::Text(Time::parse(text, settings)?.to_stored()?),
        Scalar::TimeTz => Value::Text(TimeTz::parse(text, settings)?.to_stored()?),
        Scalar::Timestamp => Value::Text(Timestamp::parse(text, settings)?.to_stored()?),
        Scalar::TimestampTz => Value::Text(TimestampTz::parse(text, settings)?.to_stored()?),
        Scalar::Interval => Value::Text(Interval::parse(text, settings, fields::FULL)?.to_stored()?),
        Scalar::Json => {
            json::validate(text)?;
            Value::Text(text.to_owned())
        }
        Scalar::Jsonb => Value::Text(json::normalize(text)?),
        Scalar::JsonPath => Value::Text(jsonpath::normalize(text)?),
        Scalar::TsVector => Value::Text(TsVector::parse(text)?.to_string()),
        Scalar::TsQuery => Value::Text(stored_query(text)?.to_string()),
        Scalar::Inet | Scalar::Cidr => {
            Value::Text(network_text(Network::parse(text, scalar == Scalar::Cidr)?, scalar)?)
        }
        Scalar::Void => Value::Text(String::new()),
        Scalar::IntVector | Scalar::OidVector => {
            Value::Text(array_wire::decode_vector(scalar, Format::Text, text.as_bytes(), settings)?)
        }
        _ => return encoding_rare::decode_text(scalar, text, settings),
    })
}

/// The first byte, as the type "char" keeps it.
fn uuid_text(bytes: &[u8; 16]) -> Result<String> {
    let mut text = String::with_capacity(36);
    write_uuid(bytes, &mut text).map_err(write_failed)?;
    Ok(text)
}

/// A query in its text form; that there is nothing in it is said by the type's input function alone.
fn stored_query(text: &str) -> Result<TsQuery> {
    query_parser::parse(text, query_parser::Syntax::Standard, &mut query_parser::as_it_is).map(|(query, _)| query)
}

fn network_text(network: Network, scalar: Scalar) -> Result<String> {
    let mut text = String::new();
    network.write(scalar == Scalar::Cidr, &mut text).map_err(write_failed)?;
    Ok(text)
}

/// Exactly `N` bytes.
pub(super) fn exactly<const N: usize>(bytes: &[u8]) -> Result<[u8; N]> {
    match bytes.split_first_chunk::<N>() {
        None => Err(insufficient_data()),
        Some((chunk, [])) => Ok(*chunk),
        Some(_) => Err(wrong_format()),
    }
}

pub(super) fn decode_binary(scalar: Scalar, bytes: &[u8], settings: &FormatSettings) -> Result<Value> {
    Ok(match scalar {
        Scalar::Bool => Value::Integer(i64::from(exactly::<1>(bytes)? != [0])),
        Scalar::Int2 => Value::Integer(i16::from_be_bytes(exactly(bytes)?).into()),
        Scalar::Int4 => Value::Integer(i32::from_be_bytes(exactly(bytes)?).into()),
        Scalar::Int8 => Value::Integer(i64::from_be_bytes(exactly(bytes)?)),
        Scalar::Oid
        | Scalar::RegClass
        | Scalar::RegType
        | Scalar::RegProc
        | Scalar::RegProcedure
        | Scalar::RegNamespace
        | Scalar::RegRole
        | Scalar::RegConfig
        | Scalar::RegDictionary
        | Scalar::RegOper
        | Scalar::RegOperator
        | Scalar::RegCollation => Value::Integer(u32::from_be_bytes(exactly(bytes)?).into()),
        Scalar::Float4 => stored_float4(f32::from_be_bytes(exactly(bytes)?)),
        Scalar::Float8 => stored_float8(f64::from_be_bytes(exactly(bytes)?)),
        Scalar::Numeric => Value::Text(numeric_wire::read_binary(bytes)?),
        Scalar::Text | Scalar::BpChar => Value::Text(utf8(bytes)?.to_owned()),
        Scalar::Char => Value::Text(match exactly::<1>(bytes)? {
            [0] => String::new(),
            [byte] => char::from(byte).to_string(),
        }),
        Scalar::Bytea => Value::Blob(bytes.to_vec()),
        Scalar::Uuid => Value::Text(uuid_text(&exactly(bytes)?)?),
        Scalar::Date | Scalar::Time | Scalar::TimeTz | Scalar::Timestamp | Scalar::TimestampTz => {
            Value::Text(decode_datetime(scalar, bytes)?)
        }
        Scalar::Interval => {
            let (usecs, rest) = bytes.split_first_chunk::<8>().ok_or_else(insufficient_data)?;
            let (days, rest) = rest.split_first_chunk::<4>().ok_or_else(insufficient_data)?;
            let months = i32::from_be_bytes(exactly(rest)?);
            let interval = Interval::new(months, i32::from_be_bytes(*days), i64::from_be_bytes(*usecs));
            Value::Text(interval.to_stored()?)
        }
        Scalar::Json => {
            let text = utf8(bytes)?;
            json::validate(text)?;
            Value::Text(text.to_owned())
        }
        Scalar::Jsonb => match bytes.split_first() {
            Some((1, text)) => Value::Text(json::normalize(utf8(text)?)?),
            Some((version, _)) => {
                let message = format!("unsupported jsonb version number {version}");
                return Err(Error::new(SqlState::INTERNAL_ERROR, message));
            }
            None => return Err(insufficient_data()),
        },
        Scalar::TsVector => Value::Text(TsVector::read_binary(bytes)?.to_string()),
        Scalar::TsQuery => Value::Text(TsQuery::read_binary(bytes)?.to_string()),
        Scalar::JsonPath => match bytes.split_first() {
            Some((1, text)) => Value::Text(jsonpath::normalize(utf8(text)?)?),
            Some((version, _)) => {
                let message = format!("unsupported jsonpath version number: {version}");
                return Err(Error::new(SqlState::INTERNAL_ERROR, message));
            }
            None => return Err(insufficient_data()),
        },
        Scalar::Inet | Scalar::Cidr => {
            Value::Text(network_text(Network::read_binary(bytes, scalar == Scalar::Cidr)?, scalar)?)
        }
        Scalar::Void => Value::Text(String::new()),
        Scalar::Record => return Err(Error::unsupported("the binary form of type record")),
        Scalar::Row(row) => Value::Text(row_wire::decode_binary(row, bytes, settings)?),
        Scalar::IntVector | Scalar::OidVector => {
            Value::Text(array_wire::decode_vector(scalar, Format::Binary, bytes, settings)?)
        }
        _ => return encoding_rare::decode_binary(scalar, bytes, settings),
    })
}

fn decode_datetime(scalar: Scalar, bytes: &[u8]) -> Result<String> {
    let time_of_day = |usecs: i64| {
        if (0..=USECS_PER_DAY).contains(&usecs) { Ok(usecs) } else { Err(out_of_range("time out of range")) }
    };
    match scalar {
        Scalar::Date => {
            let date = Date(i32::from_be_bytes(exactly(bytes)?));
            if date.is_finite() { Date::from_days(date.0.into())?.to_stored() } else { date.to_stored() }
        }
        Scalar::Time => Time(time_of_day(i64::from_be_bytes(exactly(bytes)?))?).to_stored(),
        Scalar::TimeTz => {
            let (time, west) = bytes.split_first_chunk::<8>().ok_or_else(insufficient_data)?;
            let time = time_of_day(i64::from_be_bytes(*time))?;
            let west = i32::from_be_bytes(exactly(west)?);
            if west.unsigned_abs() >= 16 * 3600 {
                let code = SqlState::INVALID_TIME_ZONE_DISPLACEMENT_VALUE;
                return Err(Error::new(code, "time zone displacement out of range"));
            }
            TimeTz { time, offset: -west }.to_stored()
        }
        Scalar::Timestamp => {
            let timestamp = Timestamp(i64::from_be_bytes(exactly(bytes)?));
            if timestamp.is_finite() { Timestamp::from_usecs(timestamp.0)?.to_stored() } else { timestamp.to_stored() }
        }
        _ => {
            let timestamp = TimestampTz(i64::from_be_bytes(exactly(bytes)?));
            if timestamp.is_finite() {
                TimestampTz::from_usecs(timestamp.0)?.to_stored()
            } else {
                timestamp.to_stored()
            }
        }
    }
}

#[cfg(test)]
mod tests;
