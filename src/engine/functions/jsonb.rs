//! Functions that change or compare jsonb values.
//!
//! Owns: [`normalise`], the form jsonb is stored in. A value is parsed into a tree, changed and printed again.
//! Specification: functions-json.html, jsonb.c, jsonfuncs.c.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::json::text_array;
use super::{Args, Definition, Output};
use crate::error::{Error, Result, SqlState};
use crate::types::numeric::Numeric;

/// The functions of this area.
#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_jsonb_contains", 2, |a| Ok(contains(&tree(a, 0)?, &tree(a, 1)?, true).into())),
    Definition::pure("pg_jsonb_contained", 2, |a| Ok(contains(&tree(a, 1)?, &tree(a, 0)?, true).into())),
    Definition::pure("pg_jsonb_exists", 2, |a| Ok(has(&tree(a, 0)?, &a.text(1)?).into())),
    Definition::pure("pg_jsonb_exists_any", 2, |a| exists(a, false)),
    Definition::pure("pg_jsonb_exists_all", 2, |a| exists(a, true)),
    Definition::pure("pg_jsonb_concat", 2, |a| Ok(print(&concat(tree(a, 0)?, tree(a, 1)?)?).into())),
    Definition::pure("pg_jsonb_delete", 2, |a| delete_keys(a, &[Some(a.text(1)?)])),
    Definition::pure("pg_jsonb_delete_array", 2, |a| { let keys = a.text(1)?; delete_keys(a, &text_array(&keys)) }),
    Definition::pure("pg_jsonb_delete_idx", 2, delete_index),
    Definition::pure("pg_jsonb_delete_path", 2, delete_path),
    Definition::pure("pg_jsonb_set", 3, |a| change(a, Change::Set { create: true })),
    Definition::pure("pg_jsonb_set", 4, |a| change(a, Change::Set { create: a.bool(3)? })),
    Definition::pure("pg_jsonb_insert", 3, |a| change(a, Change::Insert { after: false })),
    Definition::pure("pg_jsonb_insert", 4, |a| change(a, Change::Insert { after: a.bool(3)? })),
    Definition::pure("pg_jsonb_pretty", 1, |a| { let mut out = String::new(); pretty(&tree(a, 0)?, 0, &mut out); Ok(out.into()) }),
    Definition::pure("pg_jsonb_strip_nulls", 1, |a| Ok(print(&strip_nulls(tree(a, 0)?)).into())),
    Definition::pure("pg_jsonb_bool", 1, |a| match tree(a, 0)? { Value::Bool(b) => Ok(b.into()), other => Err(cannot_cast(&other, "boolean")) }),
    Definition::pure("pg_jsonb_numeric", 1, |a| Ok(number(a, "numeric")?.to_string().into())),
    Definition::pure("pg_jsonb_int2", 1, |a| Ok(i64::from(number(a, "smallint")?.to_i16()?).into())),
    Definition::pure("pg_jsonb_int4", 1, |a| Ok(i64::from(number(a, "integer")?.to_i32()?).into())),
    Definition::pure("pg_jsonb_int8", 1, |a| Ok(number(a, "bigint")?.to_i64()?.into())),
    Definition::pure("pg_jsonb_float4", 1, |a| Ok(f64::from(number(a, "real")?.to_f64() as f32).into())),
    Definition::pure("pg_jsonb_float8", 1, |a| Ok(number(a, "double precision")?.to_f64().into())),
];

fn parse(text: &str) -> Result<Value> {
    serde_json::from_str(text)
        .map_err(|_| Error::new(SqlState::INVALID_TEXT_REPRESENTATION, "invalid input syntax for type json"))
}

fn tree(args: &Args<'_>, index: usize) -> Result<Value> {
    parse(&args.text(index)?)
}

/// JSON text in jsonb's form: keys in jsonb's order, the last of equal ones, numbers as numeric prints them, one
/// blank behind each comma and colon.
pub(super) fn normalise(text: &str) -> Result<String> {
    Ok(print(&parse(text)?))
}

/// Prints a tree in jsonb's form.
pub(super) fn print(value: &Value) -> String {
    let mut out = String::new();
    write_value(value, &mut out);
    out
}

/// jsonb's order of keys: the shorter first, then by bytes.
fn key_order(a: &str, b: &str) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.as_bytes().cmp(b.as_bytes()))
}

fn sorted(map: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut members: Vec<_> = map.iter().collect();
    members.sort_by(|(a, _), (b, _)| key_order(a, b));
    members
}

fn write_value(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            out.push('{');
            for (index, (key, member)) in sorted(map).into_iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                super::elements::push_string(key, out);
                out.push_str(": ");
                write_value(member, out);
            }
            out.push('}');
        }
        Value::Array(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_value(element, out);
            }
            out.push(']');
        }
        Value::Number(number) => match Numeric::parse(&number.to_string()) {
            Ok(numeric) => out.push_str(&numeric.to_string()),
            Err(_) => out.push_str(&number.to_string()),
        },
        scalar => out.push_str(&scalar.to_string()),
    }
}

/// `container @> part`. At the top an array also contains a bare scalar.
fn contains(container: &Value, part: &Value, top: bool) -> bool {
    match (container, part) {
        (Value::Object(a), Value::Object(b)) => {
            b.iter().all(|(key, wanted)| a.get(key).is_some_and(|found| contains(found, wanted, false)))
        }
        (Value::Array(a), Value::Array(b)) => {
            b.iter().all(|wanted| a.iter().any(|found| contains(found, wanted, false)))
        }
        (Value::Array(a), scalar) if top && !scalar.is_object() => a.iter().any(|found| equal(found, scalar)),
        _ => equal(container, part),
    }
}

fn equal(a: &Value, b: &Value) -> bool {
    compare(a, b) == Ordering::Equal
}

/// jsonb's order: Object > Array > Boolean > Number > String > Null; then by size and content.
pub(super) fn compare(a: &Value, b: &Value) -> Ordering {
    let rank = |value: &Value| match value {
        Value::Null => 0,
        Value::String(_) => 1,
        Value::Number(_) => 2,
        Value::Bool(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    };
    match (a, b) {
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => {
            crate::types::numeric_wire::compare_text(&a.to_string(), &b.to_string())
        }
        (Value::Array(a), Value::Array(b)) => a
            .len()
            .cmp(&b.len())
            .then_with(|| a.iter().zip(b).map(|(a, b)| compare(a, b)).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)),
        (Value::Object(a), Value::Object(b)) => a.len().cmp(&b.len()).then_with(|| {
            let pairs = sorted(a).into_iter().zip(sorted(b));
            let mut orders = pairs.map(|((ka, va), (kb, vb))| key_order(ka, kb).then_with(|| compare(va, vb)));
            orders.find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
        }),
        _ => rank(a).cmp(&rank(b)),
    }
}

/// `value ? key`: a key of an object or a string in an array.
fn has(value: &Value, key: &str) -> bool {
    match value {
        Value::Object(map) => map.contains_key(key),
        Value::Array(elements) => elements.iter().any(|element| element.as_str() == Some(key)),
        Value::String(text) => text == key,
        _ => false,
    }
}

fn exists(args: &Args<'_>, all: bool) -> Result<Output> {
    let (value, keys) = (tree(args, 0)?, args.text(1)?);
    let keys = text_array(&keys);
    let mut found = keys.iter().flatten().map(|key| has(&value, key));
    Ok(if all { found.all(|f| f) } else { found.any(|f| f) }.into())
}

fn concat(a: Value, b: Value) -> Result<Value> {
    let array = |value: Value| match value {
        Value::Array(elements) => elements,
        other => vec![other],
    };
    match (a, b) {
        (Value::Object(mut a), Value::Object(b)) => {
            a.extend(b);
            Ok(Value::Object(a))
        }
        (a, b) => {
            let mut joined = array(a);
            joined.extend(array(b));
            Ok(Value::Array(joined))
        }
    }
}

fn invalid(what: &'static str) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, what)
}

fn delete_keys(args: &Args<'_>, keys: &[Option<std::borrow::Cow<'_, str>>]) -> Result<Output> {
    let keep = |text: &str| !keys.iter().flatten().any(|key| key == text);
    let value = match tree(args, 0)? {
        Value::Object(map) => Value::Object(map.into_iter().filter(|(key, _)| keep(key)).collect()),
        Value::Array(elements) => Value::Array(elements.into_iter().filter(|e| e.as_str().is_none_or(keep)).collect()),
        _ => return Err(invalid("cannot delete from scalar")),
    };
    Ok(print(&value).into())
}

/// The place an index means; negative ones count from the end. May be beyond either end.
fn place(index: i64, length: usize) -> i64 {
    if index < 0 { index + length as i64 } else { index }
}

fn delete_index(args: &Args<'_>) -> Result<Output> {
    let (mut value, index) = (tree(args, 0)?, args.int(1)?);
    match &mut value {
        Value::Array(elements) => {
            let at = place(index, elements.len());
            if let Some(at) = usize::try_from(at).ok().filter(|at| *at < elements.len()) {
                elements.remove(at);
            }
        }
        Value::Object(_) => return Err(invalid("cannot delete from object using integer index")),
        _ => return Err(invalid("cannot delete from scalar")),
    }
    Ok(print(&value).into())
}

/// What is done at the end of a path.
#[derive(Clone, Copy)]
enum Change {
    Set { create: bool },
    Insert { after: bool },
    Delete,
}

fn path_of(args: &Args<'_>) -> Result<Vec<String>> {
    let stored = args.text(1)?;
    let steps = text_array(&stored).into_iter().enumerate();
    steps
        .map(|(index, step)| {
            step.map(std::borrow::Cow::into_owned).ok_or_else(|| {
                Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, format!("path element at position {} is null", index + 1))
            })
        })
        .collect()
}

fn change(args: &Args<'_>, change: Change) -> Result<Output> {
    let (mut value, path, new) = (tree(args, 0)?, path_of(args)?, tree(args, 2)?);
    if !value.is_object() && !value.is_array() {
        return Err(invalid("cannot set path in scalar"));
    }
    apply(&mut value, &path, change, new, 1)?;
    Ok(print(&value).into())
}

fn delete_path(args: &Args<'_>) -> Result<Output> {
    let (mut value, path) = (tree(args, 0)?, path_of(args)?);
    if !value.is_object() && !value.is_array() {
        return Err(invalid("cannot delete path in scalar"));
    }
    apply(&mut value, &path, Change::Delete, Value::Null, 1)?;
    Ok(print(&value).into())
}

fn apply(value: &mut Value, path: &[String], change: Change, new: Value, depth: usize) -> Result<()> {
    let Some((step, rest)) = path.split_first() else { return Ok(()) };
    match value {
        Value::Object(map) => match (map.get_mut(step), rest.is_empty(), change) {
            (Some(inner), false, _) => apply(inner, rest, change, new, depth + 1)?,
            (Some(_), true, Change::Insert { .. }) => {
                return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "cannot replace existing key")
                    .with_hint("Try using the function jsonb_set to replace key value."));
            }
            (Some(_), true, Change::Delete) => {
                map.shift_remove(step);
            }
            (None, _, Change::Delete) | (None, false, _) => {}
            (None, true, Change::Set { create: false }) => {}
            (_, true, _) => {
                map.insert(step.clone(), new);
            }
        },
        Value::Array(elements) => {
            let index: i64 = step.trim_start().parse().map_err(|_| {
                Error::new(
                    SqlState::INVALID_TEXT_REPRESENTATION,
                    format!("path element at position {depth} is not an integer: \"{step}\""),
                )
            })?;
            let at = place(index, elements.len());
            let existing = usize::try_from(at).ok().filter(|at| *at < elements.len());
            match (existing, rest.is_empty(), change) {
                (Some(at), false, _) => {
                    if let Some(inner) = elements.get_mut(at) {
                        apply(inner, rest, change, new, depth + 1)?;
                    }
                }
                (Some(at), true, Change::Set { .. }) => elements[at] = new,
                (Some(at), true, Change::Insert { after }) => elements.insert(at + usize::from(after), new),
                (Some(at), true, Change::Delete) => {
                    elements.remove(at);
                }
                (None, true, Change::Set { create: true } | Change::Insert { .. }) => {
                    let at = if at < 0 { 0 } else { elements.len() };
                    elements.insert(at, new);
                }
                (None, ..) => {}
            }
        }
        _ => {}
    }
    Ok(())
}

fn pretty(value: &Value, depth: usize, out: &mut String) {
    let line = |depth: usize, out: &mut String| {
        out.push('\n');
        out.push_str(&" ".repeat(depth * 4));
    };
    match value {
        Value::Object(map) => {
            out.push('{');
            for (index, (key, member)) in sorted(map).into_iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                line(depth + 1, out);
                super::elements::push_string(key, out);
                out.push_str(": ");
                pretty(member, depth + 1, out);
            }
            line(depth, out);
            out.push('}');
        }
        Value::Array(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                line(depth + 1, out);
                pretty(element, depth + 1, out);
            }
            line(depth, out);
            out.push(']');
        }
        scalar => write_value(scalar, out),
    }
}

fn strip_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let members = map.into_iter().filter(|(_, member)| !member.is_null());
            Value::Object(members.map(|(key, member)| (key, strip_nulls(member))).collect())
        }
        Value::Array(elements) => Value::Array(elements.into_iter().map(strip_nulls).collect()),
        scalar => scalar,
    }
}

fn cannot_cast(value: &Value, type_name: &str) -> Error {
    let what = match value {
        Value::Null => "null",
        Value::String(_) => "string",
        Value::Number(_) => "numeric",
        Value::Bool(_) => "boolean",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("cannot cast jsonb {what} to type {type_name}"))
}

fn number(args: &Args<'_>, type_name: &str) -> Result<Numeric> {
    match tree(args, 0)? {
        Value::Number(number) => Numeric::parse(&number.to_string()),
        other => Err(cannot_cast(&other, type_name)),
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::functions::tests::assert_values;

    #[test]
    fn jsonb_is_compared_and_changed() {
        assert_values(&[
            (r#"pg_jsonb_contains('{"a": [1, 2], "b": 3}', '{"a": [2.0]}')"#, "1"),
            (r#"pg_jsonb_contains('["a", "b"]', '"a"')"#, "1"),
            (r#"pg_jsonb_exists_all('{"a": 1, "b": 2}', '["a","c"]')"#, "0"),
            (r#"pg_jsonb_concat('{"a": 1}', '{"a": 2, "b": 1}')"#, r#"{"a": 2, "b": 1}"#),
            (r#"pg_jsonb_concat('[1]', '{"a": 1}')"#, r#"[1, {"a": 1}]"#),
            (r#"pg_jsonb_delete('{"a": 1, "b": 2}', 'a')"#, r#"{"b": 2}"#),
            ("pg_jsonb_delete_idx('[1, 2, 3]', -1)", "[1, 2]"),
            (r#"pg_jsonb_delete_path('{"a": [1, 2]}', '["a","0"]')"#, r#"{"a": [2]}"#),
            (r#"pg_jsonb_set('{"a": 1}', '["b"]', '[1e2]')"#, r#"{"a": 1, "b": [100]}"#),
            (r#"pg_jsonb_set('[1]', '["x"]', '1')"#, "22P02 path element at position 1 is not an integer: \"x\""),
            (r#"pg_jsonb_insert('[1, 2]', '["0"]', '9', 1)"#, "[1, 9, 2]"),
            (r#"pg_jsonb_pretty('{"a": [1], "b": {}}')"#, "{\n    \"a\": [\n        1\n    ],\n    \"b\": {\n    }\n}"),
            ("pg_jsonb_int4('1.5')", "2"),
            (r#"pg_jsonb_int4('"x"')"#, "22023 cannot cast jsonb string to type integer"),
        ]);
    }
}
