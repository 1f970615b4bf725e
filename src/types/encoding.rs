//! Stored values to and from PostgreSQL's text and binary forms, the four side by side per type. Pure.
//!
//! Owns: [`encode`], [`decode`]. Must not know: frames, SQLite, sessions.

use bytes::BytesMut;

use crate::error::Result;
use crate::types::format::{Format, FormatSettings};
use crate::types::pg_type::Repr;
use crate::types::value::{Value, ValueRef};

/// Appends the wire form of a stored value that is not NULL. A stored value whose storage class does not fit `repr`
/// (a file that others wrote) is written as its closest text, or is 22P02 / XX000 where binary cannot.
pub fn encode(
    repr: Repr,
    format: Format,
    value: ValueRef<'_>,
    settings: &FormatSettings,
    out: &mut BytesMut,
) -> Result<()> {
    let _ = (repr, format, value, settings, out);
    Err(crate::error::Error::internal("encode"))
}

/// Reads a value from its wire form: 22P02 and friends for text, 22P03 for binary, 22021 for invalid UTF-8.
/// `type_name` is what the error message calls the type ("integer").
pub fn decode(repr: Repr, type_name: &str, format: Format, bytes: &[u8], settings: &FormatSettings) -> Result<Value> {
    let _ = (repr, type_name, format, bytes, settings);
    Err(crate::error::Error::internal("decode"))
}
