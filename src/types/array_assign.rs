//! Arrays whose elements are replaced or gone over: `a[2] := 1`, `a[1:2] := b`, FOREACH.
//!
//! Owns: [`set_element`], [`set_slice`], [`get_element`], [`get_slice`], [`slices`]. Must not know: where the values come from.
//! Specification: array_set_element, array_set_slice and array_iterate in arrayfuncs.c.

use crate::error::{Error, Result, SqlState};
use crate::limits::{memory, session};
use crate::types::array::{
    MAX_DIMENSIONS, Part, Reader, dimensions, lower_bounds, push_element, too_many_dimensions, with_bounds,
};
use crate::types::pg_type::Scalar;
use crate::types::value::Value;

/// The most elements an array may have (MaxArraySize).
const MAX_ELEMENTS: usize = 134_217_727;

/// An array taken apart.
struct Array {
    dimensions: Vec<usize>,
    lower: Vec<i64>,
    elements: Vec<Value>,
}

impl Array {
    fn empty() -> Self {
        Array { dimensions: Vec::new(), lower: Vec::new(), elements: Vec::new() }
    }
}

fn read(stored: &str, scalar: Scalar) -> Result<Array> {
    session::work(stored.len())?;
    let mut reader = Reader::new(stored);
    let mut elements = Vec::new();
    while let Some(part) = reader.next_part()? {
        if let Part::Element(element) = part {
            elements.push(element.to_value(scalar)?);
        }
    }
    let dimensions = dimensions(stored)?;
    Ok(Array { lower: lower_bounds(stored, dimensions.len()), dimensions, elements })
}

fn write(array: &Array, scalar: Scalar) -> Result<String> {
    let mut out = String::with_capacity(array.elements.len() * 4 + 2);
    write_level(&array.dimensions, &mut array.elements.iter(), scalar, &mut out)?;
    Ok(with_bounds(&array.lower, out))
}

fn write_level<'v>(
    dimensions: &[usize],
    elements: &mut impl Iterator<Item = &'v Value>,
    scalar: Scalar,
    out: &mut String,
) -> Result<()> {
    out.push('[');
    let (length, inner) = dimensions.split_first().map_or((0, &[][..]), |(length, inner)| (*length, inner));
    for index in 0..length {
        if index > 0 {
            out.push(',');
        }
        if inner.is_empty() {
            let element = elements.next().unwrap_or(&Value::Null);
            push_element(out, scalar, element.as_ref())?;
        } else {
            write_level(inner, elements, scalar, out)?;
        }
    }
    out.push(']');
    Ok(())
}

fn subscript_error(message: &'static str) -> Error {
    Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message)
}

/// Makes a one-dimensional array reach from one subscript to another.
fn extend(array: &mut Array, (lower, upper): (i64, i64)) -> Result<()> {
    let first = array.lower.first().copied().unwrap_or(1);
    let before = usize::try_from(first.saturating_sub(lower)).unwrap_or(0);
    let end = first.saturating_add(array.elements.len() as i64);
    let behind = usize::try_from(upper.saturating_add(1).saturating_sub(end)).unwrap_or(0);
    let length = array.elements.len().saturating_add(before).saturating_add(behind);
    if length > MAX_ELEMENTS {
        let message = format!("array size exceeds the maximum allowed ({MAX_ELEMENTS})");
        return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
    }
    memory::room(array.elements.len() * size_of::<Value>(), (before + behind) * size_of::<Value>())?;
    session::work(before + behind)?;
    if before > 0 {
        array.elements.splice(0..0, std::iter::repeat_n(Value::Null, before));
        array.lower = vec![lower];
    }
    array.elements.resize(length, Value::Null);
    array.dimensions = vec![length];
    Ok(())
}

/// The place of an element; `None` outside of the array.
fn place(array: &Array, subscripts: &[i64]) -> Option<usize> {
    let mut place = 0_usize;
    for ((length, lower), subscript) in array.dimensions.iter().zip(&array.lower).zip(subscripts) {
        let index = usize::try_from(subscript.checked_sub(*lower)?).ok()?;
        if index >= *length {
            return None;
        }
        place = place * length + index;
    }
    Some(place)
}

/// The element at these subscripts; NULL if there is none.
pub fn get_element(stored: &str, scalar: Scalar, subscripts: &[i64]) -> Result<Value> {
    if let [subscript] = subscripts {
        return first_level(stored, scalar, *subscript);
    }
    let array = read(stored, scalar)?;
    if array.dimensions.len() != subscripts.len() {
        return Ok(Value::Null);
    }
    let place = place(&array, subscripts);
    Ok(place.and_then(|place| array.elements.into_iter().nth(place)).unwrap_or(Value::Null))
}

/// The element of an array of one dimension.
fn first_level(stored: &str, scalar: Scalar, subscript: i64) -> Result<Value> {
    session::work(stored.len() / 8)?;
    let mut reader = Reader::new(stored);
    reader.next_part()?;
    let lower = lower_bounds(stored, 1).first().copied().unwrap_or(1);
    let mut left = subscript.saturating_sub(lower).saturating_add(1);
    while let Some(Part::Element(element)) = reader.next_part()? {
        left -= 1;
        if left == 0 {
            return element.to_value(scalar);
        }
    }
    Ok(Value::Null)
}

/// The array with another element. `None` is NULL, which is as good as an empty array.
pub fn set_element(stored: Option<&str>, scalar: Scalar, subscripts: &[i64], value: Value) -> Result<String> {
    if subscripts.len() > MAX_DIMENSIONS {
        return Err(too_many_dimensions(subscripts.len()));
    }
    let mut array = stored.map_or(Ok(Array::empty()), |stored| read(stored, scalar))?;
    if array.dimensions.is_empty() {
        array =
            Array { dimensions: vec![1; subscripts.len()], lower: subscripts.to_vec(), elements: vec![Value::Null] };
    }
    if array.dimensions.len() != subscripts.len() {
        return Err(subscript_error("wrong number of array subscripts"));
    }
    if let [subscript] = subscripts {
        extend(&mut array, (*subscript, *subscript))?;
    }
    let place = place(&array, subscripts).ok_or_else(|| subscript_error("array subscript out of range"))?;
    if let Some(element) = array.elements.get_mut(place) {
        *element = value;
    }
    write(&array, scalar)
}

/// The array with other elements between bounds, one pair for each dimension; a missing bound is the array's own.
pub fn set_slice(
    stored: Option<&str>,
    scalar: Scalar,
    bounds: &[(Option<i64>, Option<i64>)],
    source: &str,
) -> Result<String> {
    let mut array = stored.map_or(Ok(Array::empty()), |stored| read(stored, scalar))?;
    let source = read(source, scalar)?.elements;
    if array.dimensions.is_empty() {
        array = empty_for(bounds)?;
    }
    if array.dimensions.len() < bounds.len() || bounds.len() > MAX_DIMENSIONS {
        return Err(subscript_error("wrong number of array subscripts"));
    }
    let mut spans = Vec::with_capacity(array.dimensions.len());
    for (index, (length, first)) in array.dimensions.iter().zip(&array.lower).enumerate() {
        let (lower, upper) = bounds.get(index).copied().unwrap_or((None, None));
        let (lower, upper) = (lower.unwrap_or(*first), upper.unwrap_or(first + *length as i64 - 1));
        if lower > upper {
            return Err(subscript_error("upper bound cannot be less than lower bound"));
        }
        spans.push((lower, upper));
    }
    let outside = |((lower, upper), (length, first)): (&(i64, i64), (&usize, &i64))| {
        lower < first || *upper > first + *length as i64 - 1
    };
    if let [span] = spans.as_slice() {
        extend(&mut array, *span)?;
    } else if spans.iter().zip(array.dimensions.iter().zip(&array.lower)).any(outside) {
        return Err(subscript_error("array subscript out of range"));
    }
    fill(&mut array, &spans, source)?;
    write(&array, scalar)
}

/// The array that a slice of an empty one makes.
fn empty_for(bounds: &[(Option<i64>, Option<i64>)]) -> Result<Array> {
    let (mut dimensions, mut first) = (Vec::with_capacity(bounds.len()), Vec::with_capacity(bounds.len()));
    for bound in bounds {
        let (Some(lower), Some(upper)) = bound else {
            return Err(subscript_error("array slice subscript must provide both boundaries").with_detail(
                "When assigning to a slice of an empty array value, slice boundaries must be fully specified.",
            ));
        };
        if lower > upper {
            return Err(subscript_error("upper bound cannot be less than lower bound"));
        }
        dimensions.push(usize::try_from(upper - lower + 1).unwrap_or(0));
        first.push(*lower);
    }
    let count = dimensions.iter().fold(1_usize, |count, length| count.saturating_mul(*length));
    if count > MAX_ELEMENTS {
        let message = format!("array size exceeds the maximum allowed ({MAX_ELEMENTS})");
        return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
    }
    memory::room(0, count * size_of::<Value>())?;
    Ok(Array { dimensions, lower: first, elements: vec![Value::Null; count] })
}

/// Replaces what is in the spans by the source's elements in their order.
fn fill(array: &mut Array, spans: &[(i64, i64)], source: Vec<Value>) -> Result<()> {
    let count = spans.iter().fold(1_usize, |count, (lower, upper)| count.saturating_mul((upper - lower + 1) as usize));
    if count > source.len() {
        return Err(subscript_error("source array too small"));
    }
    let mut at: Vec<i64> = spans.iter().map(|(lower, _)| *lower).collect();
    for value in source.into_iter().take(count) {
        if let Some(place) = place(array, &at)
            && let Some(element) = array.elements.get_mut(place)
        {
            *element = value;
        }
        advance(&mut at, spans);
    }
    Ok(())
}

/// The part of an array between bounds, one pair for each dimension; it begins at 1. Nothing outside of the array, and
/// nothing for more bounds than dimensions (array_get_slice).
pub fn get_slice(stored: &str, scalar: Scalar, bounds: &[(Option<i64>, Option<i64>)]) -> Result<String> {
    let array = read(stored, scalar)?;
    if array.dimensions.len() < bounds.len() || array.dimensions.is_empty() {
        return Ok("[]".to_owned());
    }
    let mut spans = Vec::with_capacity(array.dimensions.len());
    for (index, (length, first)) in array.dimensions.iter().zip(&array.lower).enumerate() {
        let last = first + *length as i64 - 1;
        let (lower, upper) = bounds.get(index).copied().unwrap_or((None, None));
        let (lower, upper) = (lower.unwrap_or(*first).max(*first), upper.unwrap_or(last).min(last));
        if lower > upper {
            return Ok("[]".to_owned());
        }
        spans.push((lower, upper));
    }
    let dimensions: Vec<usize> = spans.iter().map(|(lower, upper)| (upper - lower + 1) as usize).collect();
    let count = dimensions.iter().product::<usize>();
    let mut elements = Vec::with_capacity(count);
    let mut at: Vec<i64> = spans.iter().map(|(lower, _)| *lower).collect();
    for _ in 0..count {
        let place = place(&array, &at).and_then(|place| array.elements.get(place));
        elements.push(place.cloned().unwrap_or(Value::Null));
        advance(&mut at, &spans);
    }
    write(&Array { lower: vec![1; dimensions.len()], dimensions, elements }, scalar)
}

/// The next place within the spans, the last dimension first.
fn advance(at: &mut [i64], spans: &[(i64, i64)]) {
    for (subscript, (lower, upper)) in at.iter_mut().zip(spans).rev() {
        *subscript += 1;
        if *subscript <= *upper {
            break;
        }
        *subscript = *lower;
    }
}

/// The array's elements in order, or its parts of so many dimensions, as stored values.
pub fn slices(stored: &str, scalar: Scalar, slice: usize) -> Result<Vec<Value>> {
    let array = read(stored, scalar)?;
    if slice == 0 {
        return Ok(array.elements);
    }
    let outer = array.dimensions.len().saturating_sub(slice);
    let inner = array.dimensions.get(outer..).unwrap_or(&[]);
    let lower = array.lower.get(outer..).unwrap_or(&[]);
    let size = inner.iter().product::<usize>().max(1);
    let part = |elements: &[Value]| {
        let part = Array { dimensions: inner.to_vec(), lower: lower.to_vec(), elements: elements.to_vec() };
        write(&part, scalar).map(Value::Text)
    };
    array.elements.chunks(size).map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(stored: Option<&str>, subscripts: &[i64], value: i64) -> Result<String, String> {
        set_element(stored, Scalar::Int4, subscripts, Value::Integer(value)).map_err(|error| error.message().to_owned())
    }

    /// Recorded from PostgreSQL 15.
    #[test]
    fn elements_are_set() {
        assert_eq!(set(Some("[1,2,3]"), &[2], 9).unwrap(), "[1,9,3]");
        assert_eq!(set(Some("[1]"), &[4], 9).unwrap(), "[1,null,null,9]");
        assert_eq!(set(None, &[1], 9).unwrap(), "[9]");
        assert_eq!(set(Some("[[1,2],[3,4]]"), &[2, 1], 9).unwrap(), "[[1,2],[9,4]]");
        assert_eq!(set(Some("[[1,2],[3,4]]"), &[3, 1], 9).unwrap_err(), "array subscript out of range");
        assert_eq!(set(Some("[[1,2],[3,4]]"), &[1], 9).unwrap_err(), "wrong number of array subscripts");
        assert_eq!(set(None, &[3], 9).unwrap(), "/*3*/[9]");
        assert_eq!(set(Some("[1]"), &[-1], 9).unwrap(), "/*-1*/[9,null,1]");
        assert_eq!(set(Some("/*0*/[1,2]"), &[1], 9).unwrap(), "/*0*/[1,9]");
        assert!(set(Some("[1]"), &[i64::MAX], 9).unwrap_err().starts_with("array size exceeds"));
    }

    #[test]
    fn slices_are_set_and_gone_over() {
        let set = |stored, bounds: &[_], source| set_slice(stored, Scalar::Int4, bounds, source);
        assert_eq!(set(Some("[1,2,3]"), &[(Some(2), Some(4))], "[7,8,9]").unwrap(), "[1,7,8,9]");
        assert_eq!(set(Some("[1,2,3]"), &[(None, Some(2))], "[7,8]").unwrap(), "[7,8,3]");
        assert_eq!(set(None, &[(Some(1), Some(2))], "[7,8]").unwrap(), "[7,8]");
        assert_eq!(set(Some("[1,2]"), &[(Some(1), Some(2))], "[7]").unwrap_err().message(), "source array too small");
        let parts = |stored, slice| slices(stored, Scalar::Int4, slice).unwrap();
        assert_eq!(parts("[[1,2],[3,4]]", 1), [Value::Text("[1,2]".to_owned()), Value::Text("[3,4]".to_owned())]);
        assert_eq!(parts("[[1,2],[3,4]]", 2), [Value::Text("[[1,2],[3,4]]".to_owned())]);
        assert_eq!(parts("[1,null]", 0), [Value::Integer(1), Value::Null]);
        let element = |stored, at: &[i64]| get_element(stored, Scalar::Int4, at).unwrap();
        assert_eq!(element("[[1,2],[3,4]]", &[2, 1]), Value::Integer(3));
        assert_eq!((element("[[1,2],[3,4]]", &[2]), element("[1]", &[0])), (Value::Null, Value::Null));
        assert_eq!((element("[1,2]", &[2]), element("[1,2]", &[3])), (Value::Integer(2), Value::Null));
    }
}
