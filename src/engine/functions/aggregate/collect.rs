//! Aggregates that gather their rows: array_agg, string_agg of bytea, json_agg and json_object_agg.
//!
//! Specification: functions-aggregate.html; json.c for the blanks in json. SQLite allows DISTINCT only for aggregates
//! of one argument, so each of these also takes one argument made by `pg_pack(types, arguments …)`.

use std::collections::VecDeque;

use rusqlite::Connection;
use rusqlite::types::{Value, ValueRef};

use super::{Accumulator, register_one};
use crate::engine::functions::elements::{is_json_array, malformed_array, push_element, push_json, types_in};
use crate::engine::functions::{Args, ContextSlot, Output};
use crate::error::{Error, Result, SqlState};
use crate::limits::memory;
use crate::types::array::{MAX_DIMENSIONS, dimensions, lower_bounds, too_many_dimensions, with_bounds};
use crate::types::json::normalize;
use crate::types::pg_type::{Scalar, TypeInfo};

/// The number of arguments when they come packed.
const PACKED: i32 = 1;

pub(super) fn register(connection: &Connection, slot: &ContextSlot) -> Result<()> {
    for arity in [2, PACKED] {
        register_one::<Arrays>(connection, slot, "pg_array_agg", arity)?;
        register_one::<JsonArray<false>>(connection, slot, "pg_json_agg", arity)?;
        register_one::<JsonArray<true>>(connection, slot, "pg_jsonb_agg", arity)?;
        register_one::<Strings>(connection, slot, "pg_string_agg", arity)?;
    }
    register_one::<Xmls>(connection, slot, "pg_xmlagg", 1)?;
    register_one::<Bytes>(connection, slot, "pg_string_agg_bytea", 2)?;
    register_one::<JsonObject<false>>(connection, slot, "pg_json_object_agg", 3)?;
    register_one::<JsonObject<true>>(connection, slot, "pg_jsonb_object_agg", 3)
}

/// The arguments behind the type names, unpacked if they came packed.
fn typed_values(args: &Args<'_>) -> Result<Vec<(&'static TypeInfo, Value)>> {
    if args.len() == 1 {
        return unpack(&args.text(0)?);
    }
    let names = args.text(0)?;
    let types = types_in(&names);
    let owned =
        |index: usize| args.raw(index + 1).try_into().map_err(|_| Error::internal("a stored text that is not UTF-8"));
    types.enumerate().map(|(index, info)| Ok((info?, owned(index)?))).collect()
}

/// `pg_pack(types, a, b …)`: all of it in one text, which `pg_packed` compares.
pub(in crate::engine::functions) fn pack(args: &Args<'_>) -> Result<Output> {
    let mut parts = vec![serde_json::Value::String(args.text(0)?.into_owned())];
    for index in 1..args.len() {
        parts.push(match args.raw(index) {
            ValueRef::Null => serde_json::Value::Null,
            ValueRef::Integer(i) => i.into(),
            // The bits of a float, behind a mark: text cannot be mistaken for it.
            ValueRef::Real(r) => serde_json::json!([r.to_bits()]),
            ValueRef::Blob(bytes) => serde_json::json!({ "b": bytes }),
            ValueRef::Text(_) => serde_json::Value::String(args.text(index)?.into_owned()),
        });
    }
    Ok(serde_json::Value::Array(parts).to_string().into())
}

/// What [`pack`] made, taken apart.
pub(in crate::engine::functions) fn unpack(packed: &str) -> Result<Vec<(&'static TypeInfo, Value)>> {
    let parts: Vec<serde_json::Value> = serde_json::from_str(packed).map_err(malformed_array)?;
    let mut parts = parts.into_iter();
    let names = parts.next().unwrap_or_default();
    let types = types_in(names.as_str().unwrap_or_default());
    types.zip(parts).map(|(info, part)| Ok((info?, unpack_value(part)))).collect()
}

fn unpack_value(part: serde_json::Value) -> Value {
    match part {
        serde_json::Value::Number(number) => number.as_i64().map_or(Value::Null, Value::Integer),
        serde_json::Value::String(text) => Value::Text(text),
        serde_json::Value::Array(bits) => {
            bits.first().and_then(|b| b.as_u64()).map_or(Value::Null, |b| Value::Real(f64::from_bits(b)))
        }
        serde_json::Value::Object(bytes) => {
            let bytes = bytes.get("b").and_then(|b| b.as_array()).map(Vec::as_slice).unwrap_or_default();
            Value::Blob(bytes.iter().filter_map(|b| b.as_u64()).map(|b| b as u8).collect())
        }
        _ => Value::Null,
    }
}

/// A text for so many bytes, if a value may have them.
fn with_room(bytes: usize) -> Result<String> {
    memory::room(0, bytes)?;
    Ok(String::with_capacity(bytes))
}

fn joined(parts: &VecDeque<String>, open: char, separator: &str, close: char) -> Result<String> {
    let mut out = with_room(parts.iter().map(|part| part.len() + separator.len()).sum::<usize>() + 2)?;
    out.push(open);
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            out.push_str(separator);
        }
        out.push_str(part);
    }
    out.push(close);
    Ok(out)
}

/// array_agg
#[derive(Default)]
struct Arrays {
    elements: VecDeque<String>,
    /// Of the first array, where the elements are arrays.
    lengths: Vec<usize>,
    lower: Vec<i64>,
}

impl Accumulator for Arrays {
    const STRICT: bool = false;

    fn add(&mut self, args: &Args<'_>) -> Result<()> {
        let mut element = String::new();
        for (info, value) in typed_values(args)? {
            if info.is_array() {
                self.check_shape(&value)?;
            }
            push_element(info, (&value).into(), &mut element)?;
        }
        self.elements.push_back(element);
        Ok(())
    }

    fn remove(&mut self, _: &Args<'_>) -> Result<()> {
        self.elements.pop_front();
        Ok(())
    }

    fn value(&self) -> Result<Output> {
        if self.elements.is_empty() {
            return Ok(Output::NULL);
        }
        Ok(with_bounds(&self.lower, joined(&self.elements, '[', ",", ']')?).into())
    }
}

impl Arrays {
    /// Only arrays of one shape make an array of arrays (accumArrayResultArr).
    fn check_shape(&mut self, array: &Value) -> Result<()> {
        let Value::Text(stored) = array else {
            return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "cannot accumulate null arrays"));
        };
        let lengths = dimensions(stored)?;
        let refused = |message: &'static str| Err(Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message));
        match (self.elements.is_empty(), lengths.len()) {
            (true, 0) => return refused("cannot accumulate empty arrays"),
            (true, MAX_DIMENSIONS) => return Err(too_many_dimensions(MAX_DIMENSIONS + 1)),
            (true, _) => {
                self.lower = lower_bounds(stored, lengths.len());
                self.lower.insert(0, 1);
                self.lengths = lengths;
            }
            (false, dimensions)
                if lengths != self.lengths || !self.lower.iter().skip(1).eq(&lower_bounds(stored, dimensions)) =>
            {
                return refused("cannot accumulate arrays of different dimensionality");
            }
            _ => {}
        }
        Ok(())
    }
}

/// json_agg and jsonb_agg
#[derive(Default)]
struct JsonArray<const BINARY: bool>(VecDeque<Item>);

struct Item {
    json: String,
    /// An array or a row, which PostgreSQL puts on a line of its own.
    structured: bool,
}

impl<const BINARY: bool> Accumulator for JsonArray<BINARY> {
    const STRICT: bool = false;

    fn add(&mut self, args: &Args<'_>) -> Result<()> {
        let mut item = Item { json: String::new(), structured: false };
        for (info, value) in typed_values(args)? {
            let is_row = matches!(info.repr.scalar, Scalar::Row(_));
            item.structured = (is_row || is_json_array(info)) && value != Value::Null;
            push_json(info, (&value).into(), args.slot(), &mut item.json)?;
        }
        self.0.push_back(item);
        Ok(())
    }

    fn remove(&mut self, _: &Args<'_>) -> Result<()> {
        self.0.pop_front();
        Ok(())
    }

    fn value(&self) -> Result<Output> {
        if self.0.is_empty() {
            return Ok(Output::NULL);
        }
        let bytes = self.0.iter().map(|item| item.json.len() + ", \n ".len()).sum::<usize>();
        let mut text = with_room(bytes + "[]".len())?;
        text.push('[');
        for (index, item) in self.0.iter().enumerate() {
            text.push_str(match (index, item.structured) {
                (0, _) => "",
                (_, false) => ", ",
                (_, true) => ", \n ",
            });
            text.push_str(&item.json);
        }
        text.push(']');
        Ok(if BINARY { normalize(&text)?.into() } else { text.into() })
    }
}

/// string_agg(text, text): each row brings the separator that stands before it.
#[derive(Default)]
struct Strings(VecDeque<(String, String)>);

impl Accumulator for Strings {
    const STRICT: bool = false;

    fn add(&mut self, args: &Args<'_>) -> Result<()> {
        if let Some(row) = text_and_separator(args)? {
            self.0.push_back(row);
        }
        Ok(())
    }

    fn remove(&mut self, args: &Args<'_>) -> Result<()> {
        if text_and_separator(args)?.is_some() {
            self.0.pop_front();
        }
        Ok(())
    }

    fn value(&self) -> Result<Output> {
        if self.0.is_empty() {
            return Ok(Output::NULL);
        }
        let mut out = with_room(self.0.iter().map(|(text, separator)| text.len() + separator.len()).sum())?;
        for (index, (text, separator)) in self.0.iter().enumerate() {
            if index > 0 {
                out.push_str(separator);
            }
            out.push_str(text);
        }
        Ok(out.into())
    }
}

fn text_and_separator(args: &Args<'_>) -> Result<Option<(String, String)>> {
    if args.len() == 2 {
        let text = args.text(0)?.into_owned();
        return Ok(if args.is_null(0) { None } else { Some((text, args.text(1)?.into_owned())) });
    }
    let mut values = unpack(&args.text(0)?)?.into_iter().map(|(_, value)| value);
    let text = |value: Option<Value>| match value {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    };
    Ok(text(values.next()).map(|first| (first, text(values.next()).unwrap_or_default())))
}

/// xmlagg(xml)
#[derive(Default)]
struct Xmls(VecDeque<String>);

impl Accumulator for Xmls {
    fn add(&mut self, args: &Args<'_>) -> Result<()> {
        self.0.push_back(args.text(0)?.into_owned());
        Ok(())
    }

    fn remove(&mut self, _: &Args<'_>) -> Result<()> {
        self.0.pop_front();
        Ok(())
    }

    fn value(&self) -> Result<Output> {
        crate::engine::functions::xml::concat(&self.0.iter().collect::<Vec<_>>())
    }
}

/// string_agg(bytea, bytea)
#[derive(Default)]
struct Bytes(VecDeque<(Vec<u8>, Vec<u8>)>);

impl Accumulator for Bytes {
    const STRICT: bool = false;

    fn add(&mut self, args: &Args<'_>) -> Result<()> {
        if !args.is_null(0) {
            self.0.push_back((args.bytes(0)?.into_owned(), args.bytes(1)?.into_owned()));
        }
        Ok(())
    }

    fn remove(&mut self, args: &Args<'_>) -> Result<()> {
        if !args.is_null(0) {
            self.0.pop_front();
        }
        Ok(())
    }

    fn value(&self) -> Result<Output> {
        if self.0.is_empty() {
            return Ok(Output::NULL);
        }
        let bytes = self.0.iter().map(|(value, separator)| value.len() + separator.len()).sum();
        memory::room(0, bytes)?;
        let mut out = Vec::with_capacity(bytes);
        for (index, (value, separator)) in self.0.iter().enumerate() {
            if index > 0 {
                out.extend_from_slice(separator);
            }
            out.extend_from_slice(value);
        }
        Ok(out.into())
    }
}

/// json_object_agg and jsonb_object_agg
#[derive(Default)]
struct JsonObject<const BINARY: bool>(VecDeque<String>);

impl<const BINARY: bool> Accumulator for JsonObject<BINARY> {
    const STRICT: bool = false;

    fn add(&mut self, args: &Args<'_>) -> Result<()> {
        let typed = crate::engine::functions::elements::Typed::new(args)?;
        if typed.is_null(0) {
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "field name must not be null"));
        }
        let mut pair = String::new();
        crate::engine::functions::elements::push_string(&typed.text(0)?, &mut pair);
        pair.push_str(" : ");
        typed.push_json(1, &mut pair)?;
        self.0.push_back(pair);
        Ok(())
    }

    fn remove(&mut self, _: &Args<'_>) -> Result<()> {
        self.0.pop_front();
        Ok(())
    }

    fn value(&self) -> Result<Output> {
        if self.0.is_empty() {
            return Ok(Output::NULL);
        }
        let body = joined(&self.0, '{', ", ", '}')?;
        // json_object_agg puts a blank inside its braces.
        Ok(if BINARY { normalize(&body)?.into() } else { format!("{{ {} }}", &body[1..body.len() - 1]).into() })
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::functions::tests::assert_values;

    #[test]
    fn arrays_of_one_shape_make_an_array() {
        assert_values(&[
            ("(SELECT pg_array_agg('_int4', column1) FROM (VALUES ('[1,2]'), ('[3,4]')))", "[[1,2],[3,4]]"),
            (
                "(SELECT pg_array_agg('_int4', column1) FROM (VALUES ('[1,2]'), ('[3]')))",
                "2202E cannot accumulate arrays of different dimensionality",
            ),
            (
                "(SELECT pg_array_agg('_int4', column1) FROM (VALUES ('[1]'), ('[]')))",
                "2202E cannot accumulate arrays of different dimensionality",
            ),
            (
                "(SELECT pg_array_agg('_int4', column1) FROM (VALUES ('[]'), ('[]')))",
                "2202E cannot accumulate empty arrays",
            ),
        ]);
    }
}
