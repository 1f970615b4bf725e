//! Rows from json: json_populate_record and what is made of it.
//!
//! Owns: [`record`], a row of a type read off an object. Must not know: modifiers and domains of fields, which the
//! statement enforces. Specification: functions-json.html; populate_record_field and its kin in jsonfuncs.c.

use std::borrow::Cow;
use std::collections::HashMap;

use super::elements::Typed;
use super::json_text::{Kind, elements, kind, members, text_value};
use super::rows::{input, row_type};
use super::{Args, ContextSlot, Definition, Output};
use crate::error::{Error, Result, SqlState};
use crate::limits::{session as limits, stack};
use crate::types::array::{MAX_DIMENSIONS, push_element, too_many_dimensions};
use crate::types::json::normalize;
use crate::types::pg_type::{Repr, Scalar, TypeInfo};
use crate::types::row_type::{Row, element_of};
use crate::types::row_wire::{self, Writer};
use crate::types::value::Value;

/// The functions of this area.
#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::stable("pg_json_populate_record", -1, populate).called_on_null(),
    Definition::stable("pg_jsonb_populate_record", -1, populate).called_on_null(),
    Definition::stable("pg_json_to_record", -1, populate).called_on_null(),
    Definition::stable("pg_jsonb_to_record", -1, populate).called_on_null(),
];

/// What taking a member of an object costs.
const MEMBER: usize = 128;

fn invalid(message: String) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

/// function(types, base, json): without json the base itself.
fn populate(args: &Args<'_>) -> Result<Output> {
    let typed = Typed::new(args)?;
    if typed.is_null(1) {
        return Ok(Output::Argument(1));
    }
    let row = row_type(typed.type_of(0)?)?;
    let base = if typed.is_null(0) { None } else { Some(args.text(1)?) };
    record(row, base.as_deref(), &args.text(2)?, args.slot()).map(Output::from)
}

/// What an object's members are, the last of each name.
fn by_name(object: &str) -> Result<HashMap<Cow<'_, str>, &str>> {
    let mut found = HashMap::new();
    for (name, value) in members(object) {
        limits::work(MEMBER)?;
        found.insert(name, value);
    }
    Ok(found)
}

/// A row of that type: fields of which the object says nothing are the base's.
pub(super) fn record(row: Row, base: Option<&str>, json: &str, slot: &ContextSlot) -> Result<String> {
    stack::check()?;
    match kind(json) {
        Kind::Object => {}
        Kind::Array => return Err(invalid("cannot call populate_composite on an array".to_owned())),
        _ => return Err(invalid("cannot call populate_composite on a scalar".to_owned())),
    }
    let mut given = by_name(json)?;
    let mut bases = match base {
        Some(base) => row_wire::fields(row, base)?.into_iter().map(|(_, value)| value).collect::<Vec<_>>(),
        None => Vec::new(),
    }
    .into_iter();
    let mut out = String::new();
    let mut writer = Writer::new(row, &mut out);
    for field in row.present() {
        let base = bases.next().unwrap_or(Value::Null);
        let value = match given.remove(field.name.as_str()) {
            Some(json) => value(field.info, base, json, &field.name, slot)?,
            None => base,
        };
        writer.put(value.as_ref())?;
    }
    writer.end();
    Ok(out)
}

/// A value of a type from json.
fn value(info: &'static TypeInfo, base: Value, json: &str, key: &str, slot: &ContextSlot) -> Result<Value> {
    let of = kind(json);
    if of == Kind::Null {
        return Ok(Value::Null);
    }
    match (info.repr, of) {
        (Repr { scalar: Scalar::Json, array_of: None }, _) => Ok(Value::Text(json.to_owned())),
        (Repr { scalar: Scalar::Jsonb, array_of: None }, _) => normalize(json).map(Value::Text),
        (
            Repr { scalar: Scalar::Row(row), array_of: None },
            Kind::Object | Kind::Array | Kind::Number | Kind::Boolean,
        ) => {
            let base = if let Value::Text(base) = &base { Some(base.as_str()) } else { None };
            record(row, base, json, slot).map(Value::Text)
        }
        (Repr { array_of: Some(_), .. }, of) if of != Kind::String => array(info, json, key, slot).map(Value::Text),
        _ => match text_value(json) {
            Some(text) => input(info, &text, slot),
            None => Ok(Value::Null),
        },
    }
}

fn expected_array(path: &[usize], key: &str) -> Error {
    let error = Error::new(SqlState::INVALID_TEXT_REPRESENTATION, "expected JSON array");
    let place: String = path.iter().map(|index| format!("[{index}]")).collect();
    error.with_hint(match place.as_str() {
        "" => format!("See the value of key \"{key}\"."),
        place => format!("See the array element {place} of key \"{key}\"."),
    })
}

/// An array of as many dimensions as the first elements are deep.
fn array(info: &'static TypeInfo, json: &str, key: &str, slot: &ContextSlot) -> Result<String> {
    let element = element_of(info).ok_or_else(|| Error::internal("an array of an unknown type"))?;
    let mut lengths = Vec::new();
    let mut level = json;
    while kind(level) == Kind::Array {
        lengths.push(elements(level).count());
        if lengths.len() > MAX_DIMENSIONS {
            return Err(too_many_dimensions(lengths.len()));
        }
        match elements(level).next() {
            Some(first) => level = first,
            None => break,
        }
    }
    if lengths.is_empty() {
        return Err(expected_array(&[], key));
    }
    let mut out = String::new();
    let reading = Reading { element, key, slot };
    reading.level(json, &lengths, &mut Vec::new(), &mut out)?;
    Ok(if lengths.contains(&0) { "[]".to_owned() } else { out })
}

struct Reading<'r> {
    element: &'static TypeInfo,
    key: &'r str,
    slot: &'r ContextSlot,
}

impl Reading<'_> {
    fn level(&self, json: &str, lengths: &[usize], path: &mut Vec<usize>, out: &mut String) -> Result<()> {
        let Some((length, inner)) = lengths.split_first() else {
            limits::work(MEMBER)?;
            if kind(json) == Kind::Array && !matches!(self.element.repr.scalar, Scalar::Json | Scalar::Jsonb) {
                return Err(malformed());
            }
            let value = value(self.element, Value::Null, json, self.key, self.slot)?;
            return push_element(out, self.element.repr.scalar, value.as_ref());
        };
        if kind(json) != Kind::Array {
            return Err(expected_array(path, self.key));
        }
        out.push('[');
        let mut count = 0;
        for (index, part) in elements(json).enumerate() {
            if index > 0 {
                out.push(',');
            }
            path.push(index);
            self.level(part, inner, path, out)?;
            path.pop();
            count += 1;
        }
        out.push(']');
        if count == *length { Ok(()) } else { Err(malformed()) }
    }
}

fn malformed() -> Error {
    Error::new(SqlState::INVALID_TEXT_REPRESENTATION, "malformed JSON array")
        .with_detail("Multidimensional arrays must have sub-arrays with matching dimensions.")
}

/// The rows of an array of objects.
pub(super) fn records(
    info: &'static TypeInfo,
    base: Option<&str>,
    json: &str,
    function: &str,
    slot: &ContextSlot,
) -> Result<Vec<String>> {
    match kind(json) {
        Kind::Array => {}
        _ if function.starts_with("jsonb") => return Err(invalid(format!("cannot call {function} on a non-array"))),
        Kind::Object => return Err(invalid(format!("cannot call {function} on an object"))),
        _ => return Err(invalid(format!("cannot call {function} on a scalar"))),
    }
    let row = row_type(info)?;
    let mut rows = Vec::new();
    for element in elements(json) {
        if kind(element) != Kind::Object {
            return Err(invalid(format!("argument of {function} must be an array of objects")));
        }
        rows.push(record(row, base, element, slot)?);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use crate::engine::functions::tests::assert_values;

    #[test]
    fn rows_are_read_off_objects() {
        const T: &str = r#"{"name":"t","oid":20001,"row":[["a",23],["b",25],["c",1007]]}"#;
        let call = |args: &str| format!("pg_json_populate_record('{T}'||char(10)||'json', {args})");
        let cases = [
            (call(r#"NULL, '{"a": 1, "c": [[1,2],[3,null]]}'"#), r#"[1,null,"[[1,2],[3,null]]"]"#),
            (call(r#"'[1,"x",null]', '{"a": "7"}'"#), r#"[7,"x",null]"#),
            (call(r#"'[1,"x",null]', NULL"#), r#"[1,"x",null]"#),
            (call(r#"NULL, '{"b": {"k": 1}, "c": "{5}"}'"#), r#"[null,"{\"k\": 1}","[5]"]"#),
            (call("NULL, '[1]'"), "22023 cannot call populate_composite on an array"),
            (call(r#"NULL, '{"c": 1}'"#), "22P02 expected JSON array"),
            (call(r#"NULL, '{"c": [[1],[1,2]]}'"#), "22P02 malformed JSON array"),
        ];
        assert_values(&cases.each_ref().map(|(sql, value)| (sql.as_str(), *value)));
    }
}
