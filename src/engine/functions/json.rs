//! Functions that read json and jsonb, and those that make json from SQL values.
//!
//! The jsonb functions of the same names share them: both are stored as text, jsonb in its normalised form. What
//! changes a jsonb value is in `jsonb`. Specification: functions-json.html.

use std::borrow::Cow;

use super::elements::{Typed, is_json_array, push_string};
use super::json_text::{Kind, elements, kind, members, text_value};
use super::{Args, Definition, Output};
use crate::error::{Error, Result, SqlState};
use crate::limits::memory;
use crate::types::array::{Element, Part, Reader, split_bounds};
use crate::types::json::normalize;
use crate::types::pg_type::{Scalar, TypeInfo};

/// The functions of this area.
#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_json_object_field", 2, |a| Ok(field(&a.text(0)?, &a.text(1)?).into())),
    Definition::pure("pg_json_object_field_text", 2, |a| Ok(as_text(field(&a.text(0)?, &a.text(1)?)))),
    Definition::pure("pg_json_array_element", 2, |a| Ok(element(&a.text(0)?, a.int(1)?).into())),
    Definition::pure("pg_json_array_element_text", 2, |a| Ok(as_text(element(&a.text(0)?, a.int(1)?)))),
    Definition::pure("pg_jsonb_array_element", 2, |a| Ok(jsonb_element(&a.text(0)?, a.int(1)?).into())),
    Definition::pure("pg_jsonb_array_element_text", 2, |a| Ok(as_text(jsonb_element(&a.text(0)?, a.int(1)?)))),
    Definition::pure("pg_json_extract_path", 2, |a| path(a, false)),
    Definition::pure("pg_json_extract_path_text", 2, |a| path(a, true)),
    Definition::pure("pg_json_extract_path_variadic", -1, |a| variadic_path(a, false)),
    Definition::pure("pg_json_extract_path_text_variadic", -1, |a| variadic_path(a, true)),
    Definition::pure("pg_json_typeof", 1, |a| Ok(Output::Static(kind(&a.text(0)?).name()))),
    Definition::pure("pg_json_array_length", 1, array_length),
    Definition::stable("pg_to_json", 2, |a| to_json(a, false)),
    Definition::stable("pg_to_jsonb", 2, |a| to_json(a, true)),
    Definition::stable("pg_array_to_json_pretty", 3, array_to_json_pretty),
    Definition::stable("pg_json_build_array", -1, |a| build_array(a, false)).called_on_null(),
    Definition::stable("pg_jsonb_build_array", -1, |a| build_array(a, true)).called_on_null(),
    Definition::stable("pg_json_build_object", -1, |a| build_object(a, false)).called_on_null(),
    Definition::stable("pg_jsonb_build_object", -1, |a| build_object(a, true)).called_on_null(),
    Definition::pure("pg_json_object", 1, |a| object_of_texts(a, false)),
    Definition::pure("pg_jsonb_object", 1, |a| object_of_texts(a, true)),
    Definition::pure("pg_json_object", 2, |a| object_of_two(a, false)),
    Definition::pure("pg_jsonb_object", 2, |a| object_of_two(a, true)),
    Definition::pure("pg_json_strip_nulls", 1, |a| { let mut out = String::new(); strip_nulls(&a.text(0)?, &mut out); Ok(out.into()) }),
];

/// The value of an object's last member of that key.
fn field<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    members(text).filter(|(name, _)| name == key).last().map(|(_, value)| value)
}

/// An array's element, from 0, or from the end for a negative index.
fn element(text: &str, index: i64) -> Option<&str> {
    match usize::try_from(index) {
        Ok(index) => elements(text).nth(index),
        Err(_) => {
            let from_end = usize::try_from(index.unsigned_abs()).ok()?;
            elements(text).nth(elements(text).count().checked_sub(from_end)?)
        }
    }
}

/// The same for jsonb, where a scalar passes for an array of one.
fn jsonb_element(text: &str, index: i64) -> Option<&str> {
    match kind(text) {
        Kind::Array => element(text, index),
        Kind::Object => None,
        _ => Some(text).filter(|_| matches!(index, 0 | -1)),
    }
}

fn as_text(value: Option<&str>) -> Output {
    value.and_then(text_value).map(Cow::into_owned).into()
}

/// The strings of a stored text[], of all its dimensions; NULL elements are `None`.
pub(super) fn text_array(stored: &str) -> Vec<Option<Cow<'_, str>>> {
    if split_bounds(stored).1.starts_with("[[") {
        let mut reader = Reader::new(stored);
        let mut found = Vec::new();
        while let Ok(Some(part)) = reader.next_part() {
            match part {
                Part::Element(Element::Text(text)) => found.push(Some(text)),
                Part::Element(_) => found.push(None),
                _ => {}
            }
        }
        return found;
    }
    elements(stored).map(text_value).collect()
}

fn follow<'t, 'p>(text: &'t str, steps: impl Iterator<Item = Option<Cow<'p, str>>>) -> Option<&'t str> {
    let mut value = text.trim_matches([' ', '\t', '\n', '\r']);
    for step in steps {
        let step = step?;
        value = match kind(value) {
            Kind::Object => field(value, &step)?,
            Kind::Array => element(value, step.trim_start().parse().ok()?)?,
            _ => return None,
        };
    }
    Some(value)
}

fn path(args: &Args<'_>, as_string: bool) -> Result<Output> {
    let (text, steps) = (args.text(0)?, args.text(1)?);
    let value = follow(&text, text_array(&steps).into_iter());
    Ok(if as_string { as_text(value) } else { value.into() })
}

fn variadic_path(args: &Args<'_>, as_string: bool) -> Result<Output> {
    let text = args.text(0)?;
    let steps = (1..args.len()).map(|index| args.text(index).map(Some)).collect::<Result<Vec<_>>>()?;
    let value = follow(&text, steps.into_iter());
    Ok(if as_string { as_text(value) } else { value.into() })
}

fn array_length(args: &Args<'_>) -> Result<Output> {
    let text = args.text(0)?;
    let error = |what| Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, what));
    match kind(&text) {
        Kind::Array => Ok((elements(&text).count() as i64).into()),
        Kind::Object => error("cannot get array length of a non-array"),
        _ => error("cannot get array length of a scalar"),
    }
}

fn json_output(text: String, binary: bool) -> Result<Output> {
    Ok(if binary { normalize(&text)?.into() } else { text.into() })
}

fn to_json(args: &Args<'_>, binary: bool) -> Result<Output> {
    let mut out = String::new();
    Typed::new(args)?.push_json(0, &mut out)?;
    json_output(out, binary)
}

/// array_to_json(array, true): a line feed between the elements of the outermost array.
fn array_to_json_pretty(args: &Args<'_>) -> Result<Output> {
    let mut out = String::new();
    Typed::new(args)?.push_json(0, &mut out)?;
    if !args.bool(2)? {
        return Ok(out.into());
    }
    // Of the outermost array or object, which are on lines of their own.
    let parts: Vec<String> = match out.starts_with('{') {
        true => members(&out)
            .map(|(name, value)| {
                let mut member = String::new();
                push_string(&name, &mut member);
                member.push(':');
                member.push_str(value);
                member
            })
            .collect(),
        false => elements(&out).map(str::to_owned).collect(),
    };
    let (open, close) = if out.starts_with('{') { ('{', '}') } else { ('[', ']') };
    let mut lines = String::from(open);
    for (index, part) in parts.iter().enumerate() {
        memory::room(lines.len(), part.len())?;
        lines.push_str(if index > 0 { ",\n " } else { "" });
        lines.push_str(part);
    }
    lines.push(close);
    Ok(lines.into())
}

fn build_array(args: &Args<'_>, binary: bool) -> Result<Output> {
    let typed = Typed::new(args)?;
    let mut out = String::from("[");
    for index in 0..typed.len() {
        if index > 0 {
            out.push_str(", ");
        }
        typed.push_json(index, &mut out)?;
    }
    out.push(']');
    json_output(out, binary)
}

fn build_object(args: &Args<'_>, binary: bool) -> Result<Output> {
    let typed = Typed::new(args)?;
    if typed.len() % 2 == 1 {
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "argument list must have even number of elements")
            .with_hint(format!(
                "The arguments of {}() must consist of alternating keys and values.",
                if binary { "jsonb_build_object" } else { "json_build_object" }
            )));
    }
    let mut out = String::from("{");
    for index in (0..typed.len()).step_by(2) {
        if typed.is_null(index) {
            return Err(null_key(binary, index));
        }
        if !is_key(typed.type_of(index)?) {
            let message = "key value must be scalar, not array, composite, or json";
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        if index > 0 {
            out.push_str(", ");
        }
        push_string(&typed.text(index)?, &mut out);
        out.push_str(" : ");
        typed.push_json(index + 1, &mut out)?;
    }
    out.push('}');
    json_output(out, binary)
}

/// Whether values of the type may be keys of objects.
fn is_key(info: &TypeInfo) -> bool {
    !is_json_array(info) && !matches!(info.repr.scalar, Scalar::Json | Scalar::Jsonb | Scalar::Row(_))
}

fn null_key(binary: bool, index: usize) -> Error {
    if binary {
        return Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("argument {}: key must not be null", index + 1));
    }
    Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("argument {} cannot be null", index + 1))
        .with_hint("Object keys should be text.")
}

fn pairs_to_object<'t>(
    pairs: impl Iterator<Item = (Option<Cow<'t, str>>, Option<Cow<'t, str>>)>,
    binary: bool,
) -> Result<Output> {
    let mut out = String::from("{");
    for (key, value) in pairs {
        let key =
            key.ok_or_else(|| Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "null value not allowed for object key"))?;
        if out.len() > 1 {
            out.push_str(", ");
        }
        push_string(&key, &mut out);
        out.push_str(" : ");
        match value {
            Some(value) => push_string(&value, &mut out),
            None => out.push_str("null"),
        }
    }
    out.push('}');
    json_output(out, binary)
}

/// json_object(text[]): keys and values alternate, or come as an array of pairs.
fn object_of_texts(args: &Args<'_>, binary: bool) -> Result<Output> {
    let text = args.text(0)?;
    let subscripts = |what| Err(Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, what));
    let mut flat = Vec::new();
    let nested = elements(&text).any(|inner| kind(inner) == Kind::Array);
    let is_deeper = |pair| elements(pair).any(|inner| kind(inner) == Kind::Array);
    if elements(&text).any(is_deeper) {
        return subscripts("wrong number of array subscripts");
    }
    if nested {
        for pair in elements(&text) {
            let pair = text_array(pair);
            if pair.len() != 2 {
                return subscripts("array must have two columns");
            }
            flat.extend(pair);
        }
    } else {
        flat = text_array(&text);
        if flat.len() % 2 == 1 {
            return subscripts("array must have even number of elements");
        }
    }
    let mut values = flat.into_iter();
    pairs_to_object(std::iter::from_fn(|| Some((values.next()?, values.next().flatten()))), binary)
}

fn object_of_two(args: &Args<'_>, binary: bool) -> Result<Output> {
    let (keys, values) = (args.text(0)?, args.text(1)?);
    let is_nested = |text: &str| elements(text).any(|inner| kind(inner) == Kind::Array);
    if is_nested(&keys) || is_nested(&values) {
        return Err(Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts"));
    }
    let (keys, values) = (text_array(&keys), text_array(&values));
    if keys.is_empty() != values.is_empty() {
        return Err(Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts"));
    }
    if keys.len() != values.len() {
        return Err(Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, "mismatched array dimensions"));
    }
    pairs_to_object(keys.into_iter().zip(values), binary)
}

/// Without the members that are null, at any depth; blanks are not kept.
fn strip_nulls(text: &str, out: &mut String) {
    match kind(text) {
        Kind::Object => {
            out.push('{');
            let mut first = true;
            for (key, value) in members(text).filter(|(_, value)| kind(value) != Kind::Null) {
                if !first {
                    out.push(',');
                }
                first = false;
                push_string(&key, out);
                out.push(':');
                strip_nulls(value, out);
            }
            out.push('}');
        }
        Kind::Array => {
            out.push('[');
            for (index, value) in elements(text).enumerate() {
                if index > 0 {
                    out.push(',');
                }
                strip_nulls(value, out);
            }
            out.push(']');
        }
        _ => out.push_str(text.trim()),
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::functions::tests::assert_values;

    #[test]
    fn json_is_read_and_made() {
        assert_values(&[
            (r#"pg_json_object_field('{"a": {"b" : 1}, "a": [ 2 ]}', 'a')"#, "[ 2 ]"),
            (r#"pg_json_object_field_text('{"a": "x\ny"}', 'a')"#, "x\ny"),
            (r#"pg_json_object_field_text('{"a": null}', 'a')"#, "NULL"),
            ("pg_json_array_element('[1,[2],3]', -2)", "[2]"),
            (r#"pg_json_extract_path('{"a":[{"b":7}]}', '["a","0","b"]')"#, "7"),
            ("pg_json_array_length('[1,2,[3]]')", "3"),
            ("pg_json_array_length('{}')", "22023 cannot get array length of a non-array"),
            ("pg_json_build_object('text,int4,text,bool', 'a', 1, 'b', 1)", r#"{"a" : 1, "b" : true}"#),
            ("pg_jsonb_build_object('text,int4,text,bool', 'bb', 1, 'a', 1)", r#"{"a": true, "bb": 1}"#),
            ("pg_json_build_array('int4,text,numeric', 1, NULL, '1.50')", "[1, null, 1.50]"),
            ("pg_to_json('_int4', '[1,null]')", "[1,null]"),
            (r#"pg_json_object('["a","1","b",null]')"#, r#"{"a" : "1", "b" : null}"#),
            (r#"pg_json_strip_nulls('{"a": null, "b": [null, {"c": null}]}')"#, r#"{"b":[null,{}]}"#),
        ]);
    }
}
