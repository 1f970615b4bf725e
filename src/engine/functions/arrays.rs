//! Arrays: making, taking apart, searching, joining.
//!
//! An array is stored as JSON text, nested for more dimensions, and its lower bounds are 1 (`types::pg_type::Repr`).
//! Specification: functions-array.html; errors as in arrayfuncs.c and array_userfuncs.c.

use std::cmp::Ordering;

use rusqlite::types::{Value as Stored, ValueRef};
use serde_json::Value;

use super::collations::compare_elements;
use super::elements::{Typed, find_type, malformed_array, push_element, stored_element};
use super::io::text_form;
use super::{Args, Definition, Output};
use crate::error::{Error, Result, SqlState};
use crate::types::pg_type::{Scalar, TypeInfo, type_info};

/// The functions of this area.
#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_array", -1, build).called_on_null(),
    Definition::pure("pg_array_get", -1, get),
    Definition::pure("pg_array_slice", 3, slice).called_on_null(),
    Definition::pure("pg_array_length", 2, |a| Ok(dimension(a)?.map(|length| length as i64).into())),
    Definition::pure("pg_array_upper", 2, |a| Ok(dimension(a)?.map(|length| length as i64).into())),
    Definition::pure("pg_array_lower", 2, |a| Ok(dimension(a)?.map(|_| 1i64).into())),
    Definition::pure("pg_array_ndims", 1, |a| Ok(Some(dimensions(&array(a, 0)?).len() as i64).filter(|n| *n > 0).into())),
    Definition::pure("pg_array_dims", 1, show_dimensions),
    Definition::pure("pg_cardinality", 1, |a| Ok((flat(&array(a, 0)?).len() as i64).into())),
    Definition::pure("pg_array_flat", 1, flattened),
    Definition::pure("pg_element_float", 1, float),
    Definition::pure("pg_array_shaped", 2, shaped),
    Definition::pure("pg_array_append", 3, append).called_on_null(),
    Definition::pure("pg_array_prepend", 3, prepend).called_on_null(),
    Definition::pure("pg_array_cat", 2, concatenate).called_on_null(),
    Definition::pure("pg_array_position", 3, position).called_on_null(),
    Definition::pure("pg_array_position", 4, position).called_on_null(),
    Definition::pure("pg_array_positions", 3, positions).called_on_null(),
    Definition::pure("pg_array_remove", 3, |a| replace(a, false)).called_on_null(),
    Definition::pure("pg_array_replace", 4, |a| replace(a, true)).called_on_null(),
    Definition::pure("pg_array_fill", 3, fill).called_on_null(),
    Definition::pure("pg_trim_array", 2, trim),
    Definition::pure("pg_arraycontains", 3, |a| contains(a, 1, 2)),
    Definition::pure("pg_arraycontained", 3, |a| contains(a, 2, 1)),
    Definition::pure("pg_arrayoverlap", 3, overlaps),
    Definition::stable("pg_array_to_string", 3, join).called_on_null(),
    Definition::stable("pg_array_to_string", 4, join).called_on_null(),
    Definition::pure("pg_string_to_array", 2, string_to_array).called_on_null(),
    Definition::pure("pg_string_to_array", 3, string_to_array).called_on_null(),
];

/// A stored array's elements.
pub(super) fn array(args: &Args<'_>, index: usize) -> Result<Vec<Value>> {
    serde_json::from_str(&args.text(index)?).map_err(malformed_array)
}

fn store(elements: Vec<Value>) -> Result<Output> {
    Ok(Value::Array(elements).to_string().into())
}

fn subscript_error(message: &'static str) -> Error {
    Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message)
}

/// The length of each dimension; none for an empty array.
fn dimensions(elements: &[Value]) -> Vec<usize> {
    let mut lengths = Vec::new();
    let mut level = Some(elements).filter(|elements| !elements.is_empty());
    while let Some(elements) = level {
        lengths.push(elements.len());
        level = elements.first().and_then(Value::as_array).map(Vec::as_slice);
    }
    lengths
}

/// The elements proper, in storage order.
/// The array with all elements in one dimension, which most have anyway.
fn flattened(args: &Args<'_>) -> Result<Output> {
    if !args.text(0)?.starts_with("[[") {
        return Ok(Output::Argument(0));
    }
    store(flat(&array(args, 0)?).into_iter().cloned().collect())
}

fn flat(elements: &[Value]) -> Vec<&Value> {
    let mut out = Vec::with_capacity(elements.len());
    for element in elements {
        match element {
            Value::Array(inner) => out.extend(flat(inner)),
            scalar => out.push(scalar),
        }
    }
    out
}

/// An element of an array of floats as a value: JSON has no infinities, and no difference between 1 and 1.0.
fn float(args: &Args<'_>) -> Result<Output> {
    Ok(match args.raw(0) {
        ValueRef::Integer(whole) => (whole as f64).into(),
        ValueRef::Text(b"Infinity") => f64::INFINITY.into(),
        ValueRef::Text(b"-Infinity") => f64::NEG_INFINITY.into(),
        _ => Output::Argument(0),
    })
}

/// pg_array_shaped(array, elements): these elements in the dimensions of that array.
fn shaped(args: &Args<'_>) -> Result<Output> {
    fn refill(shape: Vec<Value>, elements: &mut impl Iterator<Item = Value>) -> Vec<Value> {
        let fill = |part| match part {
            Value::Array(inner) => Value::Array(refill(inner, &mut *elements)),
            _ => elements.next().unwrap_or_default(),
        };
        shape.into_iter().map(fill).collect()
    }
    store(refill(array(args, 0)?, &mut array(args, 1)?.into_iter()))
}

fn one_dimensional(elements: &[Value], error: &'static str) -> Result<()> {
    if elements.iter().any(Value::is_array) { Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, error)) } else { Ok(()) }
}

/// pg_array(type, a, b …): ARRAY[a, b …].
fn build(args: &Args<'_>) -> Result<Output> {
    let info = args.cached(0, || find_type(&args.text(0)?))?;
    let mut out = String::from("[");
    let mut shape: Option<Vec<usize>> = None;
    for index in 1..args.len() {
        if index > 1 {
            out.push(',');
        }
        if info.is_array() {
            let inner = if args.is_null(index) { Vec::new() } else { dimensions(&array(args, index)?) };
            if shape.as_ref().is_some_and(|shape| *shape != inner) {
                let message = "multidimensional arrays must have array expressions with matching dimensions";
                return Err(subscript_error(message));
            }
            shape = Some(inner);
        }
        push_element(&info, args.raw(index), &mut out)?;
    }
    out.push(']');
    // Arrays of empty arrays are empty.
    Ok(if shape.is_some_and(|shape| shape.is_empty()) { Output::Static("[]") } else { out.into() })
}

fn output_of(element: &Value) -> Output {
    match stored_element(element) {
        Stored::Real(value) => value.into(),
        value => Output::Value(value),
    }
}

/// pg_array_get(array, i, j …): NULL outside of the array or for the wrong number of subscripts.
fn get(args: &Args<'_>) -> Result<Output> {
    let mut value = Value::Array(array(args, 0)?);
    for index in 1..args.len() {
        let subscript = args.int(index)?;
        let Value::Array(elements) = value else { return Ok(Output::NULL) };
        let at = usize::try_from(subscript - 1).ok();
        match at.and_then(|at| elements.into_iter().nth(at)) {
            Some(element) => value = element,
            None => return Ok(Output::NULL),
        }
    }
    Ok(if value.is_array() { Output::NULL } else { output_of(&value) })
}

/// array[lower:upper]; a bound that was left out comes as NULL.
fn slice(args: &Args<'_>) -> Result<Output> {
    if args.is_null(0) {
        return Ok(Output::NULL);
    }
    let elements = array(args, 0)?;
    let lower = if args.is_null(1) { 1 } else { args.int(1)?.max(1) };
    let upper = if args.is_null(2) { elements.len() as i64 } else { args.int(2)? };
    let skipped = usize::try_from(lower - 1).unwrap_or(0);
    let taken = usize::try_from(upper.saturating_sub(lower - 1)).unwrap_or(0);
    store(elements.into_iter().skip(skipped).take(taken).collect())
}

fn dimension(args: &Args<'_>) -> Result<Option<usize>> {
    let (lengths, wanted) = (dimensions(&array(args, 0)?), args.int(1)?);
    Ok(usize::try_from(wanted - 1).ok().and_then(|index| lengths.get(index).copied()))
}

fn show_dimensions(args: &Args<'_>) -> Result<Output> {
    let lengths = dimensions(&array(args, 0)?);
    if lengths.is_empty() {
        return Ok(Output::NULL);
    }
    Ok(lengths.iter().map(|length| format!("[1:{length}]")).collect::<String>().into())
}

/// An argument of a typed call as an element; NULL is one too.
fn element(typed: &Typed<'_, '_>, index: usize) -> Result<Value> {
    let mut text = String::new();
    typed.push_element(index, &mut text)?;
    serde_json::from_str(&text).map_err(malformed_array)
}

/// An array argument of a typed call; NULL is an empty one where PostgreSQL takes it so.
fn typed_array(typed: &Typed<'_, '_>, args: &Args<'_>, index: usize) -> Result<Vec<Value>> {
    if typed.is_null(index) { Ok(Vec::new()) } else { array(args, index + 1) }
}

fn append(args: &Args<'_>) -> Result<Output> {
    let typed = Typed::new(args)?;
    let mut elements = typed_array(&typed, args, 0)?;
    require_one_dimension(&elements)?;
    elements.push(element(&typed, 1)?);
    store(elements)
}

fn prepend(args: &Args<'_>) -> Result<Output> {
    let typed = Typed::new(args)?;
    let mut elements = typed_array(&typed, args, 1)?;
    require_one_dimension(&elements)?;
    elements.insert(0, element(&typed, 0)?);
    store(elements)
}

fn require_one_dimension(elements: &[Value]) -> Result<()> {
    if elements.iter().any(Value::is_array) {
        return Err(Error::new(SqlState::DATA_EXCEPTION, "argument must be empty or one-dimensional array"));
    }
    Ok(())
}

fn concatenate(args: &Args<'_>) -> Result<Output> {
    match (args.is_null(0), args.is_null(1)) {
        (_, true) => return Ok(Output::Argument(0)),
        (true, _) => return Ok(Output::Argument(1)),
        _ => {}
    }
    let (mut left, mut right) = (array(args, 0)?, array(args, 1)?);
    let (a, b) = (dimensions(&left), dimensions(&right));
    let joined = match (a.as_slice(), b.as_slice()) {
        ([], _) => right,
        (_, []) => left,
        ([_, a @ ..], [_, b @ ..]) if a == b => {
            left.append(&mut right);
            left
        }
        ([_, a @ ..], b) if a == b => {
            left.push(Value::Array(right));
            left
        }
        (a, [_, b @ ..]) if a == b => {
            right.insert(0, Value::Array(left));
            right
        }
        _ => {
            return Err(subscript_error("cannot concatenate incompatible arrays")
                .with_detail("Arrays with differing element dimensions are not compatible for concatenation."));
        }
    };
    store(joined)
}

/// Whether two elements are the same for "IS NOT DISTINCT FROM", by the element type's own equality.
fn same(info: &TypeInfo, a: &Value, b: &Value) -> bool {
    compare_elements(info.repr.scalar, a, b) == Ordering::Equal
}

fn position(args: &Args<'_>) -> Result<Output> {
    let typed = Typed::new(args)?;
    if typed.is_null(0) {
        return Ok(Output::NULL);
    }
    let (elements, wanted, info) = (array(args, 1)?, element(&typed, 1)?, typed.type_of(1)?);
    one_dimensional(&elements, "searching for elements in multidimensional arrays is not supported")?;
    let first = if typed.len() < 3 {
        1
    } else if typed.is_null(2) {
        return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "initial position must not be null"));
    } else {
        args.int(3)?
    };
    let skipped = usize::try_from(first - 1).unwrap_or(0);
    let found = elements.iter().enumerate().skip(skipped).find(|(_, element)| same(info, element, &wanted));
    Ok(found.map(|(index, _)| index as i64 + 1).into())
}

fn positions(args: &Args<'_>) -> Result<Output> {
    let typed = Typed::new(args)?;
    if typed.is_null(0) {
        return Ok(Output::NULL);
    }
    let (elements, wanted, info) = (array(args, 1)?, element(&typed, 1)?, typed.type_of(1)?);
    one_dimensional(&elements, "searching for elements in multidimensional arrays is not supported")?;
    let found = elements.iter().enumerate().filter(|(_, element)| same(info, element, &wanted));
    store(found.map(|(index, _)| Value::from(index + 1)).collect())
}

/// array_remove(array, element) and array_replace(array, from, to).
fn replace(args: &Args<'_>, with_another: bool) -> Result<Output> {
    let typed = Typed::new(args)?;
    if typed.is_null(0) {
        return Ok(Output::NULL);
    }
    let (elements, wanted, info) = (array(args, 1)?, element(&typed, 1)?, typed.type_of(1)?);
    if !with_another {
        one_dimensional(&elements, "removing elements from multidimensional arrays is not supported")?;
        return store(elements.into_iter().filter(|element| !same(info, element, &wanted)).collect());
    }
    let replacement = element(&typed, 2)?;
    store(elements.into_iter().map(|inner| replaced(inner, info, &wanted, &replacement)).collect())
}

fn replaced(value: Value, info: &TypeInfo, wanted: &Value, replacement: &Value) -> Value {
    match value {
        Value::Array(inner) => {
            Value::Array(inner.into_iter().map(|value| replaced(value, info, wanted, replacement)).collect())
        }
        scalar if same(info, &scalar, wanted) => replacement.clone(),
        scalar => scalar,
    }
}

/// The most elements an array can have (MaxArraySize).
const MAX_ELEMENTS: i64 = 134_217_727;

/// array_fill(element, lengths)
fn fill(args: &Args<'_>) -> Result<Output> {
    let typed = Typed::new(args)?;
    if typed.is_null(1) {
        let message = "dimension array or low bound array cannot be null";
        return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, message));
    }
    let lengths = array(args, 2)?;
    let mut value = element(&typed, 0)?;
    let mut total = 1i64;
    for length in lengths.iter().rev() {
        let length = length
            .as_i64()
            .ok_or_else(|| Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "dimension values cannot be null"))?;
        total = total.saturating_mul(length.max(0));
        if total > MAX_ELEMENTS {
            let message = format!("array size exceeds the maximum allowed ({MAX_ELEMENTS})");
            return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
        }
        value = Value::Array(vec![value; usize::try_from(length).unwrap_or(0)]);
    }
    match value {
        Value::Array(elements) if total > 0 => store(elements),
        _ => Ok(Output::Static("[]")),
    }
}

fn trim(args: &Args<'_>) -> Result<Output> {
    let (mut elements, count) = (array(args, 0)?, args.int(1)?);
    let kept = usize::try_from(count).ok().and_then(|count| elements.len().checked_sub(count));
    let Some(kept) = kept else {
        let message = format!("number of elements to trim must be between 0 and {}", elements.len());
        return Err(Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message));
    };
    elements.truncate(kept);
    store(elements)
}

/// `container @> part`, which are arguments of a typed call: NULL is equal to nothing.
fn contains(args: &Args<'_>, container: usize, part: usize) -> Result<Output> {
    let (typed, container, part) = (Typed::new(args)?, array(args, container)?, array(args, part)?);
    let (scalar, present) = (typed.type_of(0)?.repr.scalar, flat(&container));
    let all = flat(&part).into_iter().all(|wanted| present.iter().any(|found| equal(scalar, found, wanted)));
    Ok(all.into())
}

fn equal(scalar: Scalar, a: &Value, b: &Value) -> bool {
    !a.is_null() && !b.is_null() && compare_elements(scalar, a, b) == Ordering::Equal
}

fn overlaps(args: &Args<'_>) -> Result<Output> {
    let (typed, left, right) = (Typed::new(args)?, array(args, 1)?, array(args, 2)?);
    let (scalar, right) = (typed.type_of(0)?.repr.scalar, flat(&right));
    Ok(flat(&left).into_iter().any(|a| right.iter().any(|b| equal(scalar, a, b))).into())
}

/// array_to_string(array, separator [, text for NULL])
fn join(args: &Args<'_>) -> Result<Output> {
    let typed = Typed::new(args)?;
    if typed.is_null(0) || typed.is_null(1) {
        return Ok(Output::NULL);
    }
    let info = typed.type_of(0)?;
    let element_type = info.repr.array_of.and_then(type_info).ok_or_else(|| Error::internal("not an array type"))?;
    let (elements, separator) = (array(args, 1)?, args.text(2)?);
    let null_text = if typed.len() > 2 && !typed.is_null(2) { Some(args.text(3)?) } else { None };
    let mut parts = Vec::new();
    for element in flat(&elements) {
        match (element, &null_text) {
            (Value::Null, Some(text)) => parts.push(text.to_string()),
            (Value::Null, None) => {}
            // bytea elements are kept in their text form.
            (Value::String(text), _) if element_type.repr.scalar == Scalar::Bytea => parts.push(text.clone()),
            _ => parts.push(text_form(element_type, (&stored_element(element)).into(), args.slot())?),
        }
    }
    Ok(parts.join(&separator).into())
}

/// The parts of a text between separators, as string_to_array and string_to_table give them.
pub(super) fn split_text(text: &str, separator: Option<&str>, null_text: Option<&str>) -> Vec<Option<String>> {
    let parts: Vec<String> = match separator {
        _ if text.is_empty() => Vec::new(),
        None => text.chars().map(String::from).collect(),
        Some("") => vec![text.to_owned()],
        Some(separator) => text.split(separator).map(str::to_owned).collect(),
    };
    parts.into_iter().map(|part| if Some(part.as_str()) == null_text { None } else { Some(part) }).collect()
}

fn string_to_array(args: &Args<'_>) -> Result<Output> {
    if args.is_null(0) {
        return Ok(Output::NULL);
    }
    let optional = |index| if args.is_null(index) { Ok(None) } else { args.text(index).map(Some) };
    let (text, separator, null_text) = (args.text(0)?, optional(1)?, optional(2)?);
    let parts = split_text(&text, separator.as_deref(), null_text.as_deref());
    Ok(super::regex::array_of_texts(&parts).into())
}

#[cfg(test)]
mod tests {
    use crate::engine::functions::tests::assert_values;

    #[test]
    fn arrays_are_made_and_taken_apart() {
        assert_values(&[
            ("pg_array('int4', 1, NULL, 3)", "[1,null,3]"),
            ("pg_array('bool', 1, 0)", "[true,false]"),
            ("pg_array('text', 'a\"b', '')", "[\"a\\\"b\",\"\"]"),
            ("pg_array('_int4', '[1]', '[2]')", "[[1],[2]]"),
            (
                "pg_array('_int4', '[1]', '[2,3]')",
                "2202E multidimensional arrays must have array expressions with matching dimensions",
            ),
            ("pg_array_get('[10,20]', 2)", "20"),
            ("pg_array_get('[true]', 1)", "1"),
            ("pg_array_get('[[1,2],[3,4]]', 2, 1)", "3"),
            ("pg_array_get('[1]', 2)", "NULL"),
            ("pg_element_float('-Infinity') < -1e308", "1"),
            ("pg_element_float(3) / 2", "1.5"),
            ("pg_array_shaped('[[1,2],[3,4]]', '[5,6,null,8]')", "[[5,6],[null,8]]"),
            ("pg_array_shaped('[]', '[null]')", "[]"),
            ("pg_element_float('NaN')", "NaN"),
            ("pg_array_slice('[1,2,3]', 2, NULL)", "[2,3]"),
            ("pg_array_dims('[[1,2,3],[4,5,6]]')", "[1:2][1:3]"),
            ("pg_array_length('[]', 1)", "NULL"),
            ("pg_array_append('_int4,int4', '[1]', 2)", "[1,2]"),
            ("pg_array_append('_int4,int4', NULL, 2)", "[2]"),
            ("pg_array_cat('[1]', '[[2],[3]]')", "[[1],[2],[3]]"),
            ("pg_array_position('_numeric,numeric', '[\"1.0\",\"2.50\"]', '2.5')", "2"),
            ("pg_array_remove('_int4,int4', '[1,2,1]', 1)", "[2]"),
            ("pg_array_replace('_int4,int4,int4', '[1,null]', NULL, 5)", "[1,5]"),
            ("pg_array_fill('int4,_int4', 7, '[2,2]')", "[[7,7],[7,7]]"),
            ("pg_arraycontains('_int4,_int4', '[1,2,3]', '[3,1]')", "1"),
            ("pg_arraycontained('_numeric,_numeric', '[\"1.0\"]', '[\"1\"]')", "1"),
            ("pg_arrayoverlap('_int4,_int4', '[1,null]', '[null]')", "0"),
            ("pg_array_to_string('_text,text,text', '[\"a\",null,\"c\"]', ',', '*')", "a,*,c"),
            ("pg_string_to_array('a,,c', ',', '')", "[\"a\",null,\"c\"]"),
            ("pg_string_to_array('abc', NULL)", "[\"a\",\"b\",\"c\"]"),
            ("pg_trim_array('[1,2]', 3)", "2202E number of elements to trim must be between 0 and 2"),
        ]);
    }
}
