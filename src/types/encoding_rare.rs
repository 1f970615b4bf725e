//! Stored values to and from PostgreSQL's text and binary forms, for the types that are not met every day.
//!
//! Owns: which type's own file does it. `types::encoding` comes here for every scalar it has no arm for.

use std::fmt::Write;

use bytes::{BufMut, BytesMut};

use crate::error::{Error, Result};
use crate::types::encoding::{exactly, integer_of, put_as_text, text_of, write_failed};
use crate::types::format::FormatSettings;
use crate::types::geometry::text::{Numbers, Shape};
use crate::types::geometry::{Circle, Line, Lseg, Path, Point, Polygon, Rectangle};
use crate::types::mac_address::MacAddress;
use crate::types::number_text::general;
use crate::types::pg_type::Scalar;
use crate::types::system_ids::{self, Snapshot};
use crate::types::value::{Value, ValueRef};
use crate::types::{bits, money, range_text};

/// Calls a function of the type of shape that a scalar is: `shape!(scalar, f(args))` is `f::<Point>(args)` and so on.
macro_rules! shape {
    ($scalar:expr, $function:ident($($argument:expr),*), $other:expr) => {
        match $scalar {
            Scalar::Point => $function::<Point>($($argument),*),
            Scalar::Lseg => $function::<Lseg>($($argument),*),
            Scalar::Line => $function::<Line>($($argument),*),
            Scalar::Box => $function::<Rectangle>($($argument),*),
            Scalar::Path => $function::<Path>($($argument),*),
            Scalar::Polygon => $function::<Polygon>($($argument),*),
            Scalar::Circle => $function::<Circle>($($argument),*),
            _ => $other,
        }
    };
}

fn shape_in<T: Shape>(text: &str) -> Result<Value> {
    Ok(Value::Text(T::parse(text)?.to_stored()))
}

fn shape_receive<T: Shape>(bytes: &[u8]) -> Result<Value> {
    Ok(Value::Text(Numbers::read::<T>(bytes)?.to_stored()))
}

fn shape_send<T: Shape>(stored: &str, out: &mut BytesMut) -> Result<()> {
    T::parse(stored)?.write_binary(out);
    Ok(())
}

/// With as many digits as extra_float_digits asks for.
fn shape_out<T: Shape>(stored: &str, settings: &FormatSettings, out: &mut BytesMut) -> Result<()> {
    let digits = (15 + settings.extra_float_digits).max(1) as usize;
    let mut text = String::new();
    T::parse(stored)?.write(&|value| general(value, digits), &mut text);
    out.put_slice(text.as_bytes());
    Ok(())
}

fn unknown() -> Error {
    Error::internal("a scalar without an encoding")
}

/// Appends the text form. Most of these types are stored in it.
pub(super) fn encode_text(
    scalar: Scalar,
    value: ValueRef<'_>,
    settings: &FormatSettings,
    out: &mut BytesMut,
) -> Result<()> {
    match (scalar, value) {
        (Scalar::Extension(kind), _) => kind.encode_text(value, out),
        (Scalar::Range(_) | Scalar::Multirange(_), ValueRef::Text(stored)) => {
            range_text::encode_text(scalar, stored, settings, out)
        }
        (Scalar::Money, ValueRef::Integer(cents)) => money::write(cents, out).map_err(write_failed),
        (Scalar::Tid, ValueRef::Integer(tid)) => out.write_str(&system_ids::tid_text(tid)).map_err(write_failed),
        (Scalar::PgLsn, ValueRef::Text(stored)) => {
            out.write_str(&system_ids::lsn_text(system_ids::parse_lsn(stored)?)).map_err(write_failed)
        }
        (Scalar::Xid8, ValueRef::Text(_)) => write!(out, "{}", system_ids::xid8_of(value)?).map_err(write_failed),
        (_, ValueRef::Text(stored)) if settings.extra_float_digits < 1 => {
            shape!(scalar, shape_out(stored, settings, out), put_as_text(value, out))
        }
        _ => put_as_text(value, out),
    }
}

/// Appends the binary form.
pub(super) fn encode_binary(
    scalar: Scalar,
    value: ValueRef<'_>,
    settings: &FormatSettings,
    out: &mut BytesMut,
) -> Result<()> {
    match scalar {
        Scalar::Extension(kind) => kind.encode_binary(value, out)?,
        Scalar::Bit => bits::write_binary(text_of(value)?, out)?,
        Scalar::Range(_) | Scalar::Multirange(_) => range_text::write_binary(scalar, text_of(value)?, settings, out)?,
        Scalar::Money => out.put_i64(integer_of(value)?),
        Scalar::MacAddr | Scalar::MacAddr8 => out.put_slice(&MacAddress::from_stored(text_of(value)?)?.0),
        Scalar::PgLsn => out.put_u64(system_ids::parse_lsn(text_of(value)?)?),
        Scalar::Xid8 => out.put_u64(system_ids::xid8_of(value)?),
        Scalar::Tid => system_ids::write_tid(integer_of(value)?, out),
        Scalar::Snapshot => Snapshot::parse(text_of(value)?)?.write_binary(out),
        _ => return shape!(scalar, shape_send(text_of(value)?, out), Err(unknown())),
    }
    Ok(())
}

/// Reads the text form.
pub(super) fn decode_text(scalar: Scalar, text: &str, settings: &FormatSettings) -> Result<Value> {
    Ok(match scalar {
        Scalar::Extension(kind) => kind.parse(text)?,
        Scalar::Bit => Value::Text(bits::parse(text)?),
        Scalar::Range(_) | Scalar::Multirange(_) => Value::Text(range_text::parse(scalar, text, settings)?),
        Scalar::Money => Value::Integer(money::parse(text)?),
        Scalar::MacAddr => Value::Text(MacAddress::parse(text)?.to_text()),
        Scalar::MacAddr8 => Value::Text(MacAddress::parse8(text)?.to_text()),
        Scalar::PgLsn => Value::Text(system_ids::stored_lsn(system_ids::parse_lsn(text)?)),
        Scalar::Xid8 => system_ids::stored_xid8(system_ids::parse_xid8(text)),
        Scalar::Tid => Value::Integer(system_ids::parse_tid(text)?),
        Scalar::Snapshot => Value::Text(Snapshot::parse(text)?.to_text()),
        _ => return shape!(scalar, shape_in(text), Err(unknown())),
    })
}

/// Reads the binary form.
pub(super) fn decode_binary(scalar: Scalar, bytes: &[u8], settings: &FormatSettings) -> Result<Value> {
    Ok(match scalar {
        Scalar::Extension(kind) => kind.decode_binary(bytes)?,
        Scalar::Bit => Value::Text(bits::read_binary(bytes)?),
        Scalar::Range(_) | Scalar::Multirange(_) => Value::Text(range_text::read_binary(scalar, bytes, settings)?),
        Scalar::Money => Value::Integer(i64::from_be_bytes(exactly(bytes)?)),
        Scalar::MacAddr => Value::Text(MacAddress::read_binary(bytes, false)?.to_text()),
        Scalar::MacAddr8 => Value::Text(MacAddress::read_binary(bytes, true)?.to_text()),
        Scalar::PgLsn => Value::Text(system_ids::stored_lsn(u64::from_be_bytes(exactly(bytes)?))),
        Scalar::Xid8 => system_ids::stored_xid8(u64::from_be_bytes(exactly(bytes)?)),
        Scalar::Tid => Value::Integer(system_ids::read_tid(bytes)?),
        Scalar::Snapshot => Value::Text(Snapshot::read_binary(bytes)?.to_text()),
        _ => return shape!(scalar, shape_receive(bytes), Err(unknown())),
    })
}
