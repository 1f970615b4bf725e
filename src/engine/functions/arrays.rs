//! Arrays: making, taking apart, searching, joining.
//!
//! An array is stored as JSON text, nested for more dimensions, with its lower bounds before it where they are not 1
//! (`types::array`).
//! Specification: functions-array.html; errors as in arrayfuncs.c and array_userfuncs.c.

use std::cmp::Ordering;

use rusqlite::types::{Value as Stored, ValueRef};
use serde_json::Value;

use super::collations::compare_elements;
use super::elements::{ELEMENT, Typed, find_type, malformed_array, parse_array, push_element, stored_element};
use super::io::text_form;
use super::{Args, Definition, Output};
use crate::error::{Error, Result, SqlState};
use crate::limits::memory;
use crate::limits::session as limits;
use crate::types::array::{lower_bounds, with_bounds};
use crate::types::pg_type::{Scalar, TypeInfo};
use crate::types::row_type::element_of;

/// The functions of this area.
#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_array", -1, build).called_on_null(),
    Definition::pure("pg_array_join", -1, join_parts),
    Definition::pure("pg_array_get", -1, get),
    Definition::pure("pg_array_slice", 3, slice).called_on_null(),
    Definition::pure("pg_array_length", 2, |a| Ok(dimension(a)?.map(|length| length as i64).into())),
    Definition::pure("pg_array_upper", 2, |a| Ok(bounds_of(a)?.map(|(_, upper)| upper).into())),
    Definition::pure("pg_array_lower", 2, |a| Ok(bounds_of(a)?.map(|(lower, _)| lower).into())),
    Definition::pure("pg_array_ndims", 1, |a| Ok(Some(dimensions(&array(a, 0)?).len() as i64).filter(|n| *n > 0).into())),
    Definition::pure("pg_array_dims", 1, show_dimensions),
    Definition::pure("pg_cardinality", 1, |a| Ok((flat(&array(a, 0)?).len() as i64).into())),
    Definition::pure("pg_array_flat", 1, flattened),
    Definition::pure("pg_element_float", 1, float),
    Definition::pure("pg_array_shaped", 2, shaped),
    Definition::pure("pg_array_append", 3, append).called_on_null(),
    Definition::pure("pg_array_prepend", 3, prepend).called_on_null(),
    Definition::pure("pg_array_cat", 2, concatenate).called_on_null(),
    Definition::pure("pg_compared_with_elements", 5, compared_with_elements).called_on_null(),
    Definition::pure("pg_array_position", 3, position).called_on_null(),
    Definition::pure("pg_array_position", 4, position).called_on_null(),
    Definition::pure("pg_width_bucket_array", 3, width_bucket),
    Definition::pure("pg_num_nulls", -1, |a| count_nulls(a, true)).called_on_null(),
    Definition::pure("pg_num_nonnulls", -1, |a| count_nulls(a, false)).called_on_null(),
    Definition::pure("pg_array_positions", 3, positions).called_on_null(),
    Definition::pure("pg_array_remove", 3, |a| replace(a, false)).called_on_null(),
    Definition::pure("pg_array_replace", 4, |a| replace(a, true)).called_on_null(),
    Definition::pure("pg_array_fill", 3, fill).called_on_null(),
    Definition::pure("pg_array_fill", 4, fill).called_on_null(),
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
    parse_array(&args.text(index)?)
}

/// About the bytes of an array's text.
fn printed_size(elements: &[Value]) -> usize {
    let size = |element: &Value| match element {
        Value::String(text) => text.len() + 3,
        Value::Array(inner) => printed_size(inner) + 3,
        Value::Null => 5,
        Value::Bool(_) => 6,
        _ => 3,
    };
    elements.iter().map(size).sum()
}

fn store(elements: Vec<Value>) -> Result<Output> {
    memory::room(0, printed_size(&elements))?;
    limits::work(elements.len().saturating_mul(ELEMENT))?;
    Ok(Value::Array(elements).to_string().into())
}

/// The same with lower bounds, as far as there are dimensions.
fn store_from(mut bounds: Vec<i64>, elements: Vec<Value>) -> Result<Output> {
    bounds.resize(dimensions(&elements).len(), 1);
    match store(elements)? {
        Output::Value(Stored::Text(json)) => Ok(with_bounds(&bounds, json).into()),
        other => Ok(other),
    }
}

/// The lower bounds of an array argument, whose elements these are.
fn bounds(args: &Args<'_>, index: usize, elements: &[Value]) -> Result<Vec<i64>> {
    Ok(lower_bounds(&args.text(index)?, dimensions(elements).len()))
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
    let text = args.text(0)?;
    if !text.starts_with("[[") && !text.starts_with('/') {
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
    let shape = array(args, 0)?;
    store_from(bounds(args, 0, &shape)?, refill(shape, &mut array(args, 1)?.into_iter()))
}

fn one_dimensional(elements: &[Value], error: &'static str) -> Result<()> {
    if elements.iter().any(Value::is_array) { Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, error)) } else { Ok(()) }
}

/// pg_array(type, a, b …): ARRAY[a, b …].
fn build(args: &Args<'_>) -> Result<Output> {
    let info = args.cached(0, || find_type(&args.text(0)?))?;
    let mut out = String::from("[");
    let mut shape: Option<Vec<usize>> = None;
    let mut lower = vec![1];
    for index in 1..args.len() {
        if index > 1 {
            out.push(',');
        }
        if info.is_array() {
            let elements = if args.is_null(index) { Vec::new() } else { array(args, index)? };
            let inner = dimensions(&elements);
            if index == 1 && !inner.is_empty() {
                lower.extend(bounds(args, index, &elements)?);
            }
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
    Ok(if shape.is_some_and(|shape| shape.is_empty()) { Output::Static("[]") } else { with_bounds(&lower, out).into() })
}

/// pg_array_join(array, array …): one array of the elements of all, which is how a long ARRAY[…] is made.
fn join_parts(args: &Args<'_>) -> Result<Output> {
    let mut out = String::from("[");
    for index in 0..args.len() {
        let part = args.text(index)?;
        let inside = part.get(1..part.len().saturating_sub(1)).unwrap_or("");
        memory::room(out.len(), inside.len() + 2)?;
        if index > 0 {
            out.push(',');
        }
        out.push_str(inside);
    }
    out.push(']');
    Ok(out.into())
}

fn output_of(element: &Value) -> Output {
    match stored_element(element) {
        Stored::Real(value) => value.into(),
        value => Output::Value(value),
    }
}

/// pg_array_get(array, i, j …): NULL outside of the array or for the wrong number of subscripts.
fn get(args: &Args<'_>) -> Result<Output> {
    let elements = array(args, 0)?;
    let lower = lower_bounds(&args.text(0)?, args.len());
    let mut value = Value::Array(elements);
    for index in 1..args.len() {
        let subscript = args.int(index)?;
        let Value::Array(elements) = value else { return Ok(Output::NULL) };
        let first = lower.get(index - 1).copied().unwrap_or(1);
        let at = subscript.checked_sub(first).and_then(|at| usize::try_from(at).ok());
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

/// The bounds of a dimension.
fn bounds_of(args: &Args<'_>) -> Result<Option<(i64, i64)>> {
    let Some(length) = dimension(args)? else { return Ok(None) };
    let lower = lower_bounds(&args.text(0)?, array_dimensions(args)?);
    let lower = usize::try_from(args.int(1)? - 1).ok().and_then(|index| lower.get(index)).copied().unwrap_or(1);
    Ok(Some((lower, lower + length as i64 - 1)))
}

fn array_dimensions(args: &Args<'_>) -> Result<usize> {
    Ok(dimensions(&array(args, 0)?).len())
}

fn show_dimensions(args: &Args<'_>) -> Result<Output> {
    let lengths = dimensions(&array(args, 0)?);
    if lengths.is_empty() {
        return Ok(Output::NULL);
    }
    let lower = lower_bounds(&args.text(0)?, lengths.len());
    let shown = lengths.iter().zip(lower).map(|(length, lower)| format!("[{lower}:{}]", lower + *length as i64 - 1));
    Ok(shown.collect::<String>().into())
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
    let lower = if typed.is_null(0) { vec![1] } else { lower_bounds(&args.text(1)?, 1) };
    elements.push(element(&typed, 1)?);
    store_from(lower, elements)
}

fn prepend(args: &Args<'_>) -> Result<Output> {
    let typed = Typed::new(args)?;
    let mut elements = typed_array(&typed, args, 1)?;
    require_one_dimension(&elements)?;
    let lower = if typed.is_null(1) { vec![1] } else { lower_bounds(&args.text(2)?, 1) };
    elements.insert(0, element(&typed, 0)?);
    store_from(lower, elements)
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
    if a.is_empty() || b.is_empty() {
        return Ok(Output::Argument(usize::from(a.is_empty())));
    }
    let (first, second) = (bounds(args, 0, &left)?, bounds(args, 1, &right)?);
    let incompatible = |detail: String| subscript_error("cannot concatenate incompatible arrays").with_detail(detail);
    let same = |a: usize, b: usize, kind: &str, lengths: (&[usize], &[usize])| {
        let inner = lengths.0.get(a..) == lengths.1.get(b..) && first.get(a..) == second.get(b..);
        let detail = format!("Arrays with differing {kind} are not compatible for concatenation.");
        if inner { Ok(()) } else { Err(incompatible(detail)) }
    };
    let lower = if a.len() >= b.len() { first.clone() } else { second.clone() };
    let joined = if a.len() == b.len() {
        same(1, 1, "element dimensions", (&a, &b))?;
        left.append(&mut right);
        left
    } else if a.len() == b.len() + 1 {
        same(1, 0, "dimensions", (&a, &b))?;
        left.push(Value::Array(right));
        left
    } else if a.len() + 1 == b.len() {
        same(0, 1, "dimensions", (&a, &b))?;
        right.insert(0, Value::Array(left));
        right
    } else {
        let detail = format!("Arrays of {} and {} dimensions are not compatible for concatenation.", a.len(), b.len());
        return Err(incompatible(detail));
    };
    store_from(lower, joined)
}

/// Whether two elements are the same for "IS NOT DISTINCT FROM", by the element type's own equality.
fn same(info: &TypeInfo, a: &Value, b: &Value) -> bool {
    compare_elements(info.repr.scalar, a, b) == Ordering::Equal
}

/// The indexes from `first` on of the elements that are the same as the one wanted; only the first of them, or all.
fn places(info: &TypeInfo, elements: &[Value], wanted: &Value, first: usize, all: bool) -> Result<Vec<usize>> {
    let mut found = Vec::new();
    for (index, element) in elements.iter().enumerate().skip(first) {
        limits::work(COMPARISON)?;
        if same(info, element, wanted) {
            found.push(index);
            if !all {
                break;
            }
        }
    }
    Ok(found)
}

/// value op ANY (array), value op ALL (array): the types, the value, the array, the operator, whether it is ALL.
fn compared_with_elements(args: &Args<'_>) -> Result<Output> {
    let typed = Typed::new(args)?;
    if typed.is_null(1) {
        return Ok(Output::NULL);
    }
    let (value, elements, info) = (element(&typed, 0)?, array(args, 2)?, typed.type_of(0)?);
    let (operator, all) = (args.text(3)?, args.bool(4)?);
    let mut unknown = false;
    for element in flat(&elements) {
        limits::work(COMPARISON)?;
        if value.is_null() || element.is_null() {
            unknown = true;
            continue;
        }
        let order = compare_elements(info.repr.scalar, &value, element);
        let is_true = match &*operator {
            "=" => order.is_eq(),
            "<>" => order.is_ne(),
            "<" => order.is_lt(),
            "<=" => order.is_le(),
            ">" => order.is_gt(),
            ">=" => order.is_ge(),
            _ => return Err(Error::internal("a comparison")),
        };
        if is_true != all {
            return Ok(is_true.into());
        }
    }
    Ok(if unknown { Output::NULL } else { all.into() })
}

fn position(args: &Args<'_>) -> Result<Output> {
    let typed = Typed::new(args)?;
    if typed.is_null(0) {
        return Ok(Output::NULL);
    }
    let (elements, wanted, info) = (array(args, 1)?, element(&typed, 1)?, typed.type_of(1)?);
    one_dimensional(&elements, "searching for elements in multidimensional arrays is not supported")?;
    if elements.is_empty() {
        return Ok(Output::NULL);
    }
    let first = if typed.len() < 3 {
        1
    } else if typed.is_null(2) {
        return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "initial position must not be null"));
    } else {
        args.int(3)?
    };
    let lower = lower_bounds(&args.text(1)?, 1).first().copied().unwrap_or(1);
    let first = if typed.len() < 3 { lower } else { first };
    let skipped = usize::try_from(first.saturating_sub(lower)).unwrap_or(0);
    let found = places(info, &elements, &wanted, skipped, false)?;
    Ok(found.first().map(|index| *index as i64 + lower).into())
}

/// width_bucket(operand, thresholds): how many thresholds, which are sorted, are not greater.
fn width_bucket(args: &Args<'_>) -> Result<Output> {
    let typed = Typed::new(args)?;
    let (thresholds, operand, info) = (array(args, 2)?, element(&typed, 0)?, typed.type_of(0)?);
    if matches!(thresholds.first(), Some(Value::Array(_))) {
        return Err(subscript_error("thresholds must be one-dimensional array"));
    }
    if thresholds.iter().any(Value::is_null) {
        return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "thresholds array must not contain NULLs"));
    }
    let scalar = info.repr.scalar;
    let is_not_greater = |threshold: &Value| super::collations::compare_elements(scalar, threshold, &operand).is_le();
    Ok(i64::try_from(thresholds.partition_point(is_not_greater)).unwrap_or(i64::MAX).into())
}

fn count_nulls(args: &Args<'_>, nulls: bool) -> Result<Output> {
    let count = (0..args.len()).filter(|index| args.is_null(*index) == nulls).count();
    Ok(i64::try_from(count).unwrap_or(i64::MAX).into())
}

fn positions(args: &Args<'_>) -> Result<Output> {
    let typed = Typed::new(args)?;
    if typed.is_null(0) {
        return Ok(Output::NULL);
    }
    let (elements, wanted, info) = (array(args, 1)?, element(&typed, 1)?, typed.type_of(1)?);
    one_dimensional(&elements, "searching for elements in multidimensional arrays is not supported")?;
    let found = places(info, &elements, &wanted, 0, true)?;
    let lower = lower_bounds(&args.text(1)?, 1).first().copied().unwrap_or(1);
    store(found.into_iter().map(|index| Value::from(index as i64 + lower)).collect())
}

/// array_remove(array, element) and array_replace(array, from, to).
fn replace(args: &Args<'_>, with_another: bool) -> Result<Output> {
    let typed = Typed::new(args)?;
    if typed.is_null(0) {
        return Ok(Output::NULL);
    }
    let (elements, wanted, info) = (array(args, 1)?, element(&typed, 1)?, typed.type_of(1)?);
    let lower = bounds(args, 1, &elements)?;
    if !with_another {
        one_dimensional(&elements, "removing elements from multidimensional arrays is not supported")?;
        let mut kept = Vec::with_capacity(elements.len());
        for element in elements {
            limits::work(COMPARISON)?;
            if !same(info, &element, &wanted) {
                kept.push(element);
            }
        }
        return store_from(lower, kept);
    }
    let replacement = element(&typed, 2)?;
    let replaced = elements.into_iter().map(|inner| replaced(inner, info, &wanted, &replacement));
    store_from(lower, replaced.collect::<Result<_>>()?)
}

fn replaced(value: Value, info: &TypeInfo, wanted: &Value, replacement: &Value) -> Result<Value> {
    limits::work(COMPARISON)?;
    Ok(match value {
        Value::Array(inner) => {
            let replaced = inner.into_iter().map(|value| replaced(value, info, wanted, replacement));
            Value::Array(replaced.collect::<Result<_>>()?)
        }
        scalar if same(info, &scalar, wanted) => {
            limits::work(replacement.as_str().map_or(0, str::len))?;
            replacement.clone()
        }
        scalar => scalar,
    })
}

/// What comparing two elements costs.
const COMPARISON: usize = 64;

/// The most elements an array can have (MaxArraySize).
const MAX_ELEMENTS: i64 = 134_217_727;

/// The lower bounds that array_fill is given.
fn filled_from(args: &Args<'_>, typed: &Typed<'_, '_>, dimensions: usize) -> Result<Vec<i64>> {
    if typed.len() < 3 {
        return Ok(vec![1; dimensions]);
    }
    let bounds = array(args, 3)?;
    one_dimension(&bounds)?;
    if bounds.iter().any(Value::is_null) {
        return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "dimension values cannot be null"));
    }
    if bounds.len() != dimensions {
        let detail = "Low bound array has different size than dimensions array.";
        return Err(subscript_error("wrong number of array subscripts").with_detail(detail));
    }
    let missing = || Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "dimension values cannot be null");
    bounds.iter().map(|bound| bound.as_i64().ok_or_else(missing)).collect()
}

fn one_dimension(numbers: &[Value]) -> Result<()> {
    match numbers.first() {
        Some(Value::Array(_)) => {
            Err(subscript_error("wrong number of array subscripts")
                .with_detail("Dimension array must be one dimensional."))
        }
        _ => Ok(()),
    }
}

/// array_fill(element, lengths [, lower bounds])
fn fill(args: &Args<'_>) -> Result<Output> {
    let typed = Typed::new(args)?;
    if typed.is_null(1) || typed.len() > 2 && typed.is_null(2) {
        let message = "dimension array or low bound array cannot be null";
        return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, message));
    }
    let lengths = array(args, 2)?;
    one_dimension(&lengths)?;
    if lengths.iter().any(Value::is_null) {
        return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "dimension values cannot be null"));
    }
    let lower = filled_from(args, &typed, lengths.len())?;
    let element = element(&typed, 0)?;
    let mut shape = Vec::new();
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
        shape.push(usize::try_from(length).unwrap_or(0));
    }
    if total <= 0 || shape.is_empty() {
        return Ok(Output::Static("[]"));
    }
    // As text from the beginning: a tree of so many elements would take many times as much.
    let mut text = element.to_string();
    for length in shape {
        let bytes = (text.len() + 1).saturating_mul(length) + 1;
        memory::room(0, bytes)?;
        let mut level = String::with_capacity(bytes);
        level.push('[');
        for index in 0..length {
            level.push_str(if index > 0 { "," } else { "" });
            level.push_str(&text);
            limits::work(text.len() + 1)?;
        }
        level.push(']');
        text = level;
    }
    Ok(with_bounds(&lower, text).into())
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
    let present = Elements::of(typed.type_of(0)?.repr.scalar, &container)?;
    for wanted in flat(&part) {
        if !present.has(wanted)? {
            return Ok(false.into());
        }
    }
    Ok(true.into())
}

fn overlaps(args: &Args<'_>) -> Result<Output> {
    let (typed, left, right) = (Typed::new(args)?, array(args, 1)?, array(args, 2)?);
    let right = Elements::of(typed.type_of(0)?.repr.scalar, &right)?;
    for element in flat(&left) {
        if right.has(element)? {
            return Ok(true.into());
        }
    }
    Ok(false.into())
}

/// The elements of an array, sorted to be looked for.
struct Elements<'v> {
    scalar: Scalar,
    sorted: Vec<&'v Value>,
}

impl<'v> Elements<'v> {
    /// Those that are not NULL.
    fn of(scalar: Scalar, elements: &'v [Value]) -> Result<Self> {
        let mut sorted = flat(elements);
        sorted.retain(|element| !element.is_null());
        // Sorting cannot be stopped; it takes a comparison per element and level.
        limits::begin(sorted.len().saturating_mul(COMPARISON * 8))?;
        sorted.sort_unstable_by(|a, b| compare_elements(scalar, a, b));
        Ok(Elements { scalar, sorted })
    }

    fn has(&self, wanted: &Value) -> Result<bool> {
        limits::work(COMPARISON * 8)?;
        let found = |element: &&Value| compare_elements(self.scalar, element, wanted);
        Ok(!wanted.is_null() && self.sorted.binary_search_by(found).is_ok())
    }
}

/// array_to_string(array, separator [, text for NULL])
fn join(args: &Args<'_>) -> Result<Output> {
    let typed = Typed::new(args)?;
    if typed.is_null(0) || typed.is_null(1) {
        return Ok(Output::NULL);
    }
    let info = typed.type_of(0)?;
    let element_type = element_of(info).ok_or_else(|| Error::internal("not an array type"))?;
    let (elements, separator) = (array(args, 1)?, args.text(2)?);
    let null_text = if typed.len() > 2 && !typed.is_null(2) { Some(args.text(3)?) } else { None };
    let mut parts = Vec::new();
    let mut length = 0usize;
    for element in flat(&elements) {
        limits::work(ELEMENT)?;
        match (element, &null_text) {
            (Value::Null, Some(text)) => parts.push(text.to_string()),
            (Value::Null, None) => {}
            // bytea elements are kept in their text form.
            (Value::String(text), _) if element_type.repr.scalar == Scalar::Bytea => parts.push(text.clone()),
            _ => parts.push(text_form(element_type, (&stored_element(element)).into(), args.slot())?),
        }
        length += parts.last().map_or(0, String::len) + separator.len();
    }
    memory::room(0, length)?;
    Ok(parts.join(&separator).into())
}

/// The parts of a text between separators, as string_to_array and string_to_table give them.
pub(super) fn split_text(text: &str, separator: Option<&str>, null_text: Option<&str>) -> Result<Vec<Option<String>>> {
    let kept = |part: &str| {
        limits::work(part.len() + ELEMENT)?;
        Ok(if Some(part) == null_text { None } else { Some(part.to_owned()) })
    };
    match separator {
        _ if text.is_empty() => Ok(Vec::new()),
        None => text.chars().map(|c| kept(c.encode_utf8(&mut [0; 4]))).collect(),
        Some("") => Ok(vec![kept(text)?]),
        Some(separator) => text.split(separator).map(kept).collect(),
    }
}

fn string_to_array(args: &Args<'_>) -> Result<Output> {
    if args.is_null(0) {
        return Ok(Output::NULL);
    }
    let optional = |index| if args.is_null(index) { Ok(None) } else { args.text(index).map(Some) };
    let (text, separator, null_text) = (args.text(0)?, optional(1)?, optional(2)?);
    let parts = split_text(&text, separator.as_deref(), null_text.as_deref())?;
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
