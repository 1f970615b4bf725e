//! Values whose type is known only when a function runs: arguments of polymorphic functions, elements of arrays, and
//! values inside json.
//!
//! Owns: [`Typed`], the arguments of a call that `sql::functions::Call::Typed` describes; what one stored value becomes
//! as an array's element and as json. Specification: see `types::pg_type::Repr` for stored arrays; json.c for json.

use std::sync::Arc;

use rusqlite::types::ValueRef;

use super::args::{stored, text_of};
use super::io::text_form;
use super::{Args, ContextSlot};
use crate::error::{Error, Result, SqlState};
use crate::limits::memory;
use crate::limits::session as limits;
use crate::types::array::split_bounds;
use crate::types::pg_type::{Scalar, TypeInfo, any_type};
use crate::types::row_type::{Row, element_of, type_of_text};
use crate::types::row_wire;

/// A number in an array's tree is a text of its own.
const PER_NUMBER: usize = 16;

/// What printing an element costs.
pub(super) const ELEMENT: usize = 64;

/// A call's arguments with their types; the SQLite argument in front names the types.
pub(super) struct Typed<'a, 'c> {
    args: &'a Args<'c>,
    types: Arc<Vec<&'static TypeInfo>>,
}

impl<'a, 'c> Typed<'a, 'c> {
    /// Reads the types in argument 0, once per statement.
    pub(super) fn new(args: &'a Args<'c>) -> Result<Self> {
        let types = args.cached(0, || types_in(&args.text(0)?).collect::<Result<Vec<_>>>())?;
        Ok(Typed { args, types })
    }

    /// How many arguments there are, the type names not counted.
    pub(super) fn len(&self) -> usize {
        self.args.len().saturating_sub(1)
    }

    /// The stored value of an argument.
    pub(super) fn raw(&self, index: usize) -> ValueRef<'c> {
        self.args.raw(index + 1)
    }

    pub(super) fn is_null(&self, index: usize) -> bool {
        self.args.is_null(index + 1)
    }

    /// The type of an argument; the last one named holds for those behind it.
    pub(super) fn type_of(&self, index: usize) -> Result<&'static TypeInfo> {
        let found = self.types.get(index).or(self.types.last());
        found.copied().ok_or_else(|| Error::internal("a typed call without types"))
    }

    /// The text form of an argument that is not NULL.
    pub(super) fn text(&self, index: usize) -> Result<String> {
        text_form(self.type_of(index)?, self.raw(index), self.args.slot())
    }

    /// Appends an argument as an array's element.
    pub(super) fn push_element(&self, index: usize, out: &mut String) -> Result<()> {
        push_element(self.type_of(index)?, self.raw(index), out)
    }

    /// Appends an argument as json.
    pub(super) fn push_json(&self, index: usize, out: &mut String) -> Result<()> {
        push_json(self.type_of(index)?, self.raw(index), self.args.slot(), out)
    }
}

/// A built-in type by its internal name, or another by its description.
pub(super) fn find_type(name: &str) -> Result<&'static TypeInfo> {
    any_type(name).map_or_else(|| type_of_text(name), Ok)
}

/// The types that a call's first argument lists.
pub(super) fn types_in(names: &str) -> impl Iterator<Item = Result<&'static TypeInfo>> {
    let separator = if names.contains('{') { '\n' } else { ',' };
    names.split(separator).filter(|name| !name.is_empty()).map(find_type)
}

/// Appends a text as a JSON string.
pub(super) fn push_string(text: &str, out: &mut String) {
    // Writing a string into memory cannot fail.
    let _ = crate::types::json::write_string(text, out);
}

/// Appends a float as a JSON number, or as a string if JSON has no such number.
fn push_float(value: ValueRef<'_>, info: &TypeInfo, slot: &ContextSlot, out: &mut String) -> Result<()> {
    let text = text_form(info, value, slot)?;
    if text.starts_with(|c: char| c.is_ascii_digit() || c == '-') && !text.ends_with('y') {
        out.push_str(&text);
    } else {
        push_string(&text, out);
    }
    Ok(())
}

/// Appends a stored value of that type in the form an array's element is stored in.
pub(super) fn push_element(info: &TypeInfo, value: ValueRef<'_>, out: &mut String) -> Result<()> {
    if matches!(value, ValueRef::Null) {
        out.push_str("null");
        return Ok(());
    }
    if info.repr.array_of.is_some() {
        out.push_str(split_bounds(&text_of(value)?).1);
        return Ok(());
    }
    crate::types::array::push_element(out, info.repr.scalar, stored(value)?)
}

/// Whether JSON shows values of the type as an array: arrays, and the vectors of system catalogs.
pub(super) fn is_json_array(info: &TypeInfo) -> bool {
    info.is_array() || matches!(info.repr.scalar, Scalar::IntVector | Scalar::OidVector)
}

/// Appends a stored value of that type as to_json() shows it.
pub(super) fn push_json(info: &TypeInfo, value: ValueRef<'_>, slot: &ContextSlot, out: &mut String) -> Result<()> {
    if matches!(value, ValueRef::Null) {
        out.push_str("null");
        return Ok(());
    }
    if is_json_array(info) {
        let element = element_of(info).ok_or_else(|| Error::internal("an array of an unknown type"))?;
        let parsed: serde_json::Value = parse_array(&text_of(value)?)?;
        return push_json_array(element, &parsed, slot, out);
    }
    match (info.repr.scalar, value) {
        (Scalar::Row(row), _) => push_json_object(row, &text_of(value)?, slot, out)?,
        (Scalar::Bool, ValueRef::Integer(value)) => out.push_str(if value != 0 { "true" } else { "false" }),
        (Scalar::Int2 | Scalar::Int4 | Scalar::Int8, ValueRef::Integer(value)) => out.push_str(&value.to_string()),
        (Scalar::Float4 | Scalar::Float8, _) => push_float(value, info, slot, out)?,
        (Scalar::Numeric, _) => {
            let text = text_of(value)?;
            if text.ends_with(|c: char| c.is_ascii_digit()) { out.push_str(&text) } else { push_string(&text, out) }
        }
        (Scalar::Json | Scalar::Jsonb, _) => out.push_str(&text_of(value)?),
        (Scalar::Timestamp | Scalar::TimestampTz, _) => push_string(&iso_timestamp(info, value, slot)?, out),
        (Scalar::Date, _) => push_string(&in_iso(info, value, slot)?, out),
        _ => push_string(&text_form(info, value, slot)?, out),
    }
    Ok(())
}

/// A row as an object.
fn push_json_object(row: Row, stored: &str, slot: &ContextSlot, out: &mut String) -> Result<()> {
    crate::limits::stack::check()?;
    out.push('{');
    for (index, (field, value)) in row_wire::fields(row, stored)?.into_iter().enumerate() {
        limits::work(ELEMENT)?;
        if index > 0 {
            out.push(',');
        }
        push_string(&field.name, out);
        out.push(':');
        push_json(field.info, super::rows::raw(value.as_ref()), slot, out)?;
    }
    out.push('}');
    Ok(())
}

fn push_json_array(element: &TypeInfo, parsed: &serde_json::Value, slot: &ContextSlot, out: &mut String) -> Result<()> {
    let serde_json::Value::Array(elements) = parsed else {
        let stored = stored_element(parsed);
        return push_json(element, (&stored).into(), slot, out);
    };
    out.push('[');
    for (index, inner) in elements.iter().enumerate() {
        limits::work(ELEMENT)?;
        if index > 0 {
            out.push(',');
        }
        push_json_array(element, inner, slot, out)?;
    }
    out.push(']');
    Ok(())
}

/// An array's element as a value of its own, except that bytea stays its text form.
pub(super) fn stored_element(element: &serde_json::Value) -> rusqlite::types::Value {
    use rusqlite::types::Value;
    match element {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Integer((*value).into()),
        serde_json::Value::String(text) => Value::Text(text.clone()),
        serde_json::Value::Number(number) => match number.as_i64() {
            // Only floats have a negative zero.
            Some(0) if number.to_string().starts_with('-') => Value::Real(-0.0),
            Some(integer) => Value::Integer(integer),
            None => number.as_f64().map_or(Value::Null, Value::Real),
        },
        nested => Value::Text(nested.to_string()),
    }
}

/// A stored array, or what is in one. Its tree is many times larger than its text.
pub(super) fn parse_array<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    let elements = text.bytes().filter(|byte| *byte == b',').count() + 1;
    memory::reserve(elements.saturating_mul(size_of::<serde_json::Value>() + PER_NUMBER).saturating_add(text.len()))?;
    serde_json::from_str(split_bounds(text).1).map_err(malformed_array)
}

pub(super) fn malformed_array(error: serde_json::Error) -> Error {
    Error::new(SqlState::DATA_CORRUPTED, format!("a stored array is not a JSON array: {error}"))
}

/// Timestamps inside json are in ISO 8601 with a T, whatever DateStyle says; with time zone, in the session's zone.
fn iso_timestamp(info: &TypeInfo, value: ValueRef<'_>, slot: &ContextSlot) -> Result<String> {
    let text = in_iso(info, value, slot)?.replacen(' ', "T", 1);
    let (text, era) = text.strip_suffix(" BC").map_or((text.as_str(), ""), |text| (text, " BC"));
    // +00 becomes +00:00.
    let zone = text.rfind(['+', '-']).filter(|at| *at > 10 && text.len() - at == 3);
    let minutes = if info.repr.scalar == Scalar::TimestampTz && zone.is_some() { ":00" } else { "" };
    Ok(format!("{text}{minutes}{era}"))
}

/// A date or timestamp in ISO style, whatever DateStyle says.
fn in_iso(info: &TypeInfo, value: ValueRef<'_>, slot: &ContextSlot) -> Result<String> {
    use crate::types::format::{DateStyle, FormatSettings};
    slot.with_format(|settings| {
        let iso = FormatSettings { date_style: DateStyle::Iso, ..settings.clone() };
        super::io::encode_text(info, value, &iso)
    })
}
