//! Functions that change or compare jsonb values.
//!
//! A value is parsed into a tree (`types::json`), changed and printed again in the form jsonb is stored in.
//! Specification: functions-json.html, jsonb.c, jsonfuncs.c.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashSet;

use super::json::text_array;
use super::{Args, Definition, Output};
use crate::error::{Error, Result, SqlState};
use crate::limits::session as limits;
use crate::limits::{memory, stack};
use crate::types::json::{self, JsonValue};
use crate::types::numeric::Numeric;
use crate::types::numeric_wire;

/// The functions of this area.
#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_jsonb_contains", 2, |a| Ok(contains(&tree(a, 0)?, &tree(a, 1)?, true)?.into())),
    Definition::pure("pg_jsonb_contained", 2, |a| Ok(contains(&tree(a, 1)?, &tree(a, 0)?, true)?.into())),
    Definition::pure("pg_jsonb_exists", 2, |a| Ok(has(&tree(a, 0)?, &a.text(1)?).into())),
    Definition::pure("pg_jsonb_exists_any", 2, |a| exists(a, false)),
    Definition::pure("pg_jsonb_exists_all", 2, |a| exists(a, true)),
    Definition::pure("pg_jsonb_concat", 2, |a| print(&concat(tree(a, 0)?, tree(a, 1)?))),
    Definition::pure("pg_jsonb_delete", 2, |a| delete_keys(a, &[Some(a.text(1)?)])),
    Definition::pure("pg_jsonb_delete_array", 2, |a| { let keys = a.text(1)?; delete_keys(a, &text_array(&keys)) }),
    Definition::pure("pg_jsonb_delete_idx", 2, delete_index),
    Definition::pure("pg_jsonb_delete_path", 2, delete_path),
    Definition::pure("pg_jsonb_set", 3, |a| change(a, Change::Set { create: true })),
    Definition::pure("pg_jsonb_set", 4, |a| change(a, Change::Set { create: a.bool(3)? })),
    Definition::pure("pg_jsonb_set_lax", -1, set_lax).called_on_null(),
    Definition::pure("pg_jsonb_insert", 3, |a| change(a, Change::Insert { after: false })),
    Definition::pure("pg_jsonb_insert", 4, |a| change(a, Change::Insert { after: a.bool(3)? })),
    Definition::pure("pg_jsonb_pretty", 1, |a| { let mut out = String::new(); pretty(&tree(a, 0)?, 0, &mut out)?; Ok(out.into()) }),
    Definition::pure("pg_jsonb_strip_nulls", 1, |a| print(&strip_nulls(tree(a, 0)?))),
    Definition::pure("pg_jsonb_bool", 1, |a| match tree(a, 0)? { JsonValue::Bool(b) => Ok(b.into()), other => Err(cannot_cast(&other, "boolean")) }),
    Definition::pure("pg_jsonb_numeric", 1, |a| Ok(number(a, "numeric")?.to_string().into())),
    Definition::pure("pg_jsonb_int2", 1, |a| Ok(i64::from(number(a, "smallint")?.to_i16()?).into())),
    Definition::pure("pg_jsonb_int4", 1, |a| Ok(i64::from(number(a, "integer")?.to_i32()?).into())),
    Definition::pure("pg_jsonb_int8", 1, |a| Ok(number(a, "bigint")?.to_i64()?.into())),
    Definition::pure("pg_jsonb_float4", 1, |a| Ok(f64::from(number(a, "real")?.to_f64() as f32).into())),
    Definition::pure("pg_jsonb_float8", 1, |a| Ok(number(a, "double precision")?.to_f64().into())),
];

fn tree(args: &Args<'_>, index: usize) -> Result<JsonValue> {
    json::parse(&args.text(index)?)
}

fn print(value: &JsonValue) -> Result<Output> {
    Ok(value.to_string().into())
}

/// `container @> part`. At the top an array also contains a bare scalar.
fn contains(container: &JsonValue, part: &JsonValue, top: bool) -> Result<bool> {
    limits::work(COMPARISON)?;
    match (container, part) {
        (JsonValue::Object(_), JsonValue::Object(wanted)) => {
            for (key, wanted) in wanted {
                match container.get(key) {
                    Some(found) if contains(found, wanted, false)? => {}
                    _ => return Ok(false),
                }
            }
            Ok(true)
        }
        (JsonValue::Array(found), JsonValue::Array(wanted)) => {
            for wanted in wanted {
                if !any_contains(found, wanted)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (JsonValue::Array(_), JsonValue::Object(_)) => Ok(false),
        (JsonValue::Array(found), scalar) if top => Ok(found.iter().any(|found| equal(found, scalar))),
        _ => Ok(equal(container, part)),
    }
}

fn any_contains(found: &[JsonValue], wanted: &JsonValue) -> Result<bool> {
    for found in found {
        if contains(found, wanted, false)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What comparing two values costs.
const COMPARISON: usize = 32;

fn equal(a: &JsonValue, b: &JsonValue) -> bool {
    compare(a, b) == Ordering::Equal
}

/// The order of two whole values: as [`compare`], but an empty array is less than any scalar.
pub(super) fn compare_whole(a: &JsonValue, b: &JsonValue) -> Ordering {
    let is_empty = |value: &JsonValue| matches!(value, JsonValue::Array(elements) if elements.is_empty());
    match (is_empty(a) && is_scalar(b), is_empty(b) && is_scalar(a)) {
        (true, _) => Ordering::Less,
        (_, true) => Ordering::Greater,
        _ => compare(a, b),
    }
}

/// jsonb's order: Object > Array > Boolean > Number > String > Null; then by size and content.
fn compare(a: &JsonValue, b: &JsonValue) -> Ordering {
    let rank = |value: &JsonValue| match value {
        JsonValue::Null => 0,
        JsonValue::Text(_) => 1,
        JsonValue::Number(_) => 2,
        JsonValue::Bool(_) => 3,
        JsonValue::Array(_) => 4,
        JsonValue::Object(_) => 5,
    };
    match (a, b) {
        (JsonValue::Text(a), JsonValue::Text(b)) => a.cmp(b),
        (JsonValue::Bool(a), JsonValue::Bool(b)) => a.cmp(b),
        (JsonValue::Number(a), JsonValue::Number(b)) => numeric_wire::compare_text(a, b),
        (JsonValue::Array(a), JsonValue::Array(b)) => {
            a.len().cmp(&b.len()).then_with(|| first_difference(a.iter().zip(b).map(|(a, b)| compare(a, b))))
        }
        (JsonValue::Object(a), JsonValue::Object(b)) => a.len().cmp(&b.len()).then_with(|| {
            let pairs = a.iter().zip(b);
            first_difference(pairs.map(|((ka, va), (kb, vb))| ka.cmp(kb).then_with(|| compare(va, vb))))
        }),
        _ => rank(a).cmp(&rank(b)),
    }
}

fn first_difference(mut orders: impl Iterator<Item = Ordering>) -> Ordering {
    orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// `value ? key`: a key of an object or a string in an array.
fn has(value: &JsonValue, key: &str) -> bool {
    match value {
        JsonValue::Object(_) => value.get(key).is_some(),
        JsonValue::Array(elements) => elements.iter().any(|element| as_text(element) == Some(key)),
        scalar => as_text(scalar) == Some(key),
    }
}

fn exists(args: &Args<'_>, all: bool) -> Result<Output> {
    let (value, keys) = (tree(args, 0)?, args.text(1)?);
    let keys = text_array(&keys);
    let there = strings(&value);
    let mut found = keys.iter().flatten().map(|key| there.contains(&**key));
    Ok(if all { found.all(|f| f) } else { found.any(|f| f) }.into())
}

/// The keys of an object, the strings in an array, or the value itself: what `?` finds.
fn strings(value: &JsonValue) -> HashSet<&str> {
    match value {
        JsonValue::Object(members) => members.iter().map(|(key, _)| key.as_str()).collect(),
        JsonValue::Array(elements) => elements.iter().filter_map(as_text).collect(),
        scalar => as_text(scalar).into_iter().collect(),
    }
}

fn as_text(value: &JsonValue) -> Option<&str> {
    match value {
        JsonValue::Text(text) => Some(text),
        _ => None,
    }
}

fn concat(a: JsonValue, b: JsonValue) -> JsonValue {
    let array = |value: JsonValue| match value {
        JsonValue::Array(elements) => elements,
        other => vec![other],
    };
    match (a, b) {
        (JsonValue::Object(mut a), JsonValue::Object(b)) => {
            a.extend(b);
            JsonValue::object(a)
        }
        (a, b) => {
            let mut joined = array(a);
            joined.extend(array(b));
            JsonValue::Array(joined)
        }
    }
}

fn invalid(what: &'static str) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, what)
}

fn delete_keys(args: &Args<'_>, keys: &[Option<Cow<'_, str>>]) -> Result<Output> {
    if matches!(args.raw(1), rusqlite::types::ValueRef::Text(text) if text.starts_with(b"[[")) {
        return Err(Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts"));
    }
    let keys: HashSet<&str> = keys.iter().flatten().map(|key| &**key).collect();
    let keep = |text: &str| !keys.contains(text);
    let keep_element = |element: &JsonValue| as_text(element).is_none_or(keep);
    match tree(args, 0)? {
        JsonValue::Object(members) => {
            print(&JsonValue::Object(members.into_iter().filter(|(key, _)| keep(key)).collect()))
        }
        JsonValue::Array(elements) => print(&JsonValue::Array(elements.into_iter().filter(keep_element).collect())),
        _ => Err(invalid("cannot delete from scalar")),
    }
}

/// The place an index means; negative ones count from the end. May be beyond either end.
fn place(index: i64, length: usize) -> i64 {
    if index < 0 { index + length as i64 } else { index }
}

fn delete_index(args: &Args<'_>) -> Result<Output> {
    let (value, index) = (tree(args, 0)?, args.int(1)?);
    match value {
        JsonValue::Array(mut elements) => {
            let at = place(index, elements.len());
            if let Some(at) = usize::try_from(at).ok().filter(|at| *at < elements.len()) {
                elements.remove(at);
            }
            print(&JsonValue::Array(elements))
        }
        JsonValue::Object(_) => Err(invalid("cannot delete from object using integer index")),
        _ => Err(invalid("cannot delete from scalar")),
    }
}

/// What is done at the end of a path.
#[derive(Clone, Copy)]
enum Change {
    Set { create: bool },
    Insert { after: bool },
    Delete,
}

/// A path's steps; a NULL one is an error when the path gets there.
type Path = [Option<String>];

fn path_of(args: &Args<'_>) -> Result<Vec<Option<String>>> {
    let path = args.text(1)?;
    if path.starts_with("[[") {
        return Err(Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts"));
    }
    Ok(text_array(&path).into_iter().map(|step| step.map(Cow::into_owned)).collect())
}

fn is_scalar(value: &JsonValue) -> bool {
    !matches!(value, JsonValue::Object(_) | JsonValue::Array(_))
}

fn change(args: &Args<'_>, change: Change) -> Result<Output> {
    let (value, path, new) = (tree(args, 0)?, path_of(args)?, tree(args, 2)?);
    change_at(value, &path, change, new)
}

fn change_at(mut value: JsonValue, path: &Path, change: Change, new: JsonValue) -> Result<Output> {
    if is_scalar(&value) {
        return Err(invalid("cannot set path in scalar"));
    }
    let empty = matches!(&value, JsonValue::Array(elements) if elements.is_empty());
    if !empty || matches!(change, Change::Set { create: true } | Change::Insert { .. }) {
        apply(&mut value, path, change, new, 1)?;
    }
    print(&value)
}

fn delete_path(args: &Args<'_>) -> Result<Output> {
    let path = path_of(args)?;
    delete_at(tree(args, 0)?, &path)
}

/// jsonb_set_lax(target, path, new, create, what a NULL means): what there is to do for a new value that is NULL is said.
fn set_lax(args: &Args<'_>) -> Result<Output> {
    if args.is_null(0) || args.is_null(1) || args.len() > 3 && args.is_null(3) {
        return Ok(Output::NULL);
    }
    let treatment = if args.len() > 4 { args.text(4)? } else { Cow::Borrowed("use_json_null") };
    let known = ["delete_key", "return_target", "use_json_null", "raise_exception"];
    if args.len() > 4 && args.is_null(4) || args.is_null(2) && !known.contains(&treatment.as_ref()) {
        let names = "\"delete_key\", \"return_target\", \"use_json_null\", or \"raise_exception\"";
        let message = format!("null_value_treatment must be {names}");
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    let create = args.len() < 4 || args.bool(3)?;
    let path = path_of(args)?;
    if !args.is_null(2) {
        return change_at(tree(args, 0)?, &path, Change::Set { create }, tree(args, 2)?);
    }
    match treatment.as_ref() {
        "raise_exception" => Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "JSON value must not be null")
            .with_detail("Exception was raised because null_value_treatment is \"raise_exception\".")
            .with_hint(
                "To avoid, either change the null_value_treatment argument or ensure that an SQL NULL is not passed.",
            )),
        "use_json_null" => change_at(tree(args, 0)?, &path, Change::Set { create }, JsonValue::Null),
        "delete_key" => delete_at(tree(args, 0)?, &path),
        _ => Ok(Output::Argument(0)),
    }
}

fn delete_at(mut value: JsonValue, path: &Path) -> Result<Output> {
    if is_scalar(&value) {
        return Err(invalid("cannot delete path in scalar"));
    }
    let is_empty = match &value {
        JsonValue::Array(elements) => elements.is_empty(),
        JsonValue::Object(members) => members.is_empty(),
        _ => false,
    };
    if !is_empty {
        apply(&mut value, path, Change::Delete, JsonValue::Null, 1)?;
    }
    print(&value)
}

/// Does the change where the path leads, if it leads anywhere; `depth` counts its steps from 1.
fn apply(value: &mut JsonValue, path: &Path, change: Change, new: JsonValue, depth: usize) -> Result<()> {
    stack::check()?;
    let Some((step, rest)) = path.split_first() else { return Ok(()) };
    let Some(step) = step else {
        let message = format!("path element at position {depth} is null");
        return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, message));
    };
    match value {
        JsonValue::Object(members) => {
            let at = members.iter().position(|(name, _)| name == step);
            if let (Some(at), false) = (at, rest.is_empty()) {
                return apply(&mut members[at].1, rest, change, new, depth + 1);
            }
            if rest.is_empty() {
                change_member(members, step, at, change, new)?;
            }
        }
        JsonValue::Array(elements) => {
            let index: i64 = step.trim_start().parse().map_err(|_| {
                let message = format!("path element at position {depth} is not an integer: \"{step}\"");
                Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message)
            })?;
            let at = place(index, elements.len());
            let existing = usize::try_from(at).ok().filter(|at| *at < elements.len());
            if let (Some(at), false) = (existing, rest.is_empty()) {
                return apply(&mut elements[at], rest, change, new, depth + 1);
            }
            if rest.is_empty() {
                change_element(elements, existing, at < 0, change, new);
            }
        }
        _ => {}
    }
    Ok(())
}

fn change_member(
    members: &mut Vec<(String, JsonValue)>,
    key: &str,
    at: Option<usize>,
    change: Change,
    new: JsonValue,
) -> Result<()> {
    match (at, change) {
        (Some(_), Change::Insert { .. }) => {
            return Err(invalid("cannot replace existing key")
                .with_hint("Try using the function jsonb_set to replace key value."));
        }
        (Some(at), Change::Delete) => {
            members.remove(at);
        }
        (Some(at), Change::Set { .. }) => members[at].1 = new,
        (None, Change::Delete | Change::Set { create: false }) => {}
        (None, _) => {
            members.push((key.to_owned(), new));
            members.sort_by(|(a, _), (b, _)| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
        }
    }
    Ok(())
}

/// `before_first`: the index is beyond the front, where a new element goes then.
fn change_element(
    elements: &mut Vec<JsonValue>,
    at: Option<usize>,
    before_first: bool,
    change: Change,
    new: JsonValue,
) {
    match (at, change) {
        (Some(at), Change::Set { .. }) => elements[at] = new,
        (Some(at), Change::Insert { after }) => elements.insert(at + usize::from(after), new),
        (Some(at), Change::Delete) => {
            elements.remove(at);
        }
        (None, Change::Set { create: true } | Change::Insert { .. }) => {
            elements.insert(if before_first { 0 } else { elements.len() }, new);
        }
        (None, _) => {}
    }
}

fn pretty(value: &JsonValue, depth: usize, out: &mut String) -> Result<()> {
    let line = |depth: usize, out: &mut String| {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', depth * 4));
    };
    memory::room(out.len(), depth * 4)?;
    limits::work(depth * 4 + COMPARISON)?;
    match value {
        JsonValue::Object(members) => {
            out.push('{');
            for (index, (key, member)) in members.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                line(depth + 1, out);
                super::elements::push_string(key, out);
                out.push_str(": ");
                pretty(member, depth + 1, out)?;
            }
            line(depth, out);
            out.push('}');
        }
        JsonValue::Array(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                line(depth + 1, out);
                pretty(element, depth + 1, out)?;
            }
            line(depth, out);
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
    Ok(())
}

fn strip_nulls(value: JsonValue) -> JsonValue {
    match value {
        JsonValue::Object(members) => {
            let members = members.into_iter().filter(|(_, member)| *member != JsonValue::Null);
            JsonValue::Object(members.map(|(key, member)| (key, strip_nulls(member))).collect())
        }
        JsonValue::Array(elements) => JsonValue::Array(elements.into_iter().map(strip_nulls).collect()),
        scalar => scalar,
    }
}

fn cannot_cast(value: &JsonValue, type_name: &str) -> Error {
    let what = match value {
        JsonValue::Null => "null",
        JsonValue::Text(_) => "string",
        JsonValue::Number(_) => "numeric",
        JsonValue::Bool(_) => "boolean",
        JsonValue::Array(_) => "array",
        JsonValue::Object(_) => "object",
    };
    Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("cannot cast jsonb {what} to type {type_name}"))
}

fn number(args: &Args<'_>, type_name: &str) -> Result<Numeric> {
    match tree(args, 0)? {
        JsonValue::Number(number) => Numeric::parse(&number),
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
            (r#"'{"b": 1}' COLLATE pg_jsonb < '{"aa": 1}'"#, "0"),
            ("pg_jsonb_int4('1.5')", "2"),
            (r#"pg_jsonb_int4('"x"')"#, "22023 cannot cast jsonb string to type integer"),
        ]);
    }
}
