//! The stored form of rows: a JSON array of the fields' stored forms, as the lowering makes it (`sql::lower::record`).
//!
//! Owns: [`compose`], [`decompose`].

use crate::error::{Error, Result};
use crate::limits::memory;
use crate::plpgsql::value::Column;
use crate::types::array::push_element;
use crate::types::bytes_text::parse_bytea;
use crate::types::pg_type::Scalar;
use crate::types::value::{Value, ValueRef};

/// A row of these values.
pub(super) fn compose(columns: &[Column], values: &[Value]) -> Result<Value> {
    let mut stored = String::from("[");
    for (index, value) in values.iter().enumerate() {
        stored.push_str(if index > 0 { "," } else { "" });
        let scalar = columns.get(index).map_or(Scalar::Text, |column| column.data_type.repr.scalar);
        push_field(&mut stored, scalar, value)?;
    }
    stored.push(']');
    memory::reserve(stored.len())?;
    Ok(Value::Text(stored))
}

fn push_field(stored: &mut String, scalar: Scalar, value: &Value) -> Result<()> {
    match value {
        // Texts, arrays and rows within it are kept as texts.
        Value::Text(text) => {
            let quoted = serde_json::to_string(text).map_err(|e| Error::internal(format!("a field: {e}")))?;
            stored.push_str(&quoted);
            Ok(())
        }
        value => push_element(stored, scalar, value.as_ref()),
    }
}

/// The values of a stored row, of the columns' types.
pub(super) fn decompose(columns: &[Column], value: &Value) -> Result<Vec<Value>> {
    let Value::Text(stored) = value else { return Err(Error::internal("a row that is no text")) };
    memory::reserve(stored.len())?;
    let fields: Vec<serde_json::Value> =
        serde_json::from_str(stored).map_err(|e| Error::internal(format!("a stored row: {e}")))?;
    let mut values = Vec::with_capacity(columns.len());
    let mut fields = fields.into_iter();
    for column in columns {
        values.push(match fields.next() {
            None => Value::Null,
            Some(field) => field_value(field, column)?,
        });
    }
    Ok(values)
}

fn field_value(field: serde_json::Value, column: &Column) -> Result<Value> {
    use serde_json::Value as Json;
    let is_real = column.data_type.repr.array_of.is_none()
        && matches!(column.data_type.repr.scalar, Scalar::Float4 | Scalar::Float8);
    Ok(match field {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Integer(i64::from(value)),
        Json::Number(number) => match number.as_i64() {
            Some(integer) if !is_real => Value::Integer(integer),
            _ => Value::Real(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) if column.data_type.repr.scalar.is_blob() && column.data_type.repr.array_of.is_none() => {
            Value::Blob(parse_bytea(&text)?)
        }
        Json::String(text) => Value::Text(text),
        other => Value::Text(other.to_string()),
    })
}

/// What a value takes, about.
pub(super) fn size_of(value: ValueRef<'_>) -> usize {
    std::mem::size_of::<Value>() + value.text_size()
}
