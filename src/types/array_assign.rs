//! Arrays whose elements are replaced or gone over: `a[2] := 1`, `a[1:2] := b`, FOREACH.
//!
//! Owns: [`set_element`], [`set_slice`], [`get_element`], [`slices`]. Must not know: where the values come from.
//! Specification: array_set_element, array_set_slice and array_iterate in arrayfuncs.c. Stored arrays begin at 1 in each
//! dimension; what would begin elsewhere is refused.

use crate::error::{Error, Result, SqlState};
use crate::limits::{memory, session};
use crate::types::array::{MAX_DIMENSIONS, Part, Reader, dimensions, push_element, too_many_dimensions};
use crate::types::pg_type::Scalar;
use crate::types::value::Value;

/// The most elements an array may have (MaxArraySize).
const MAX_ELEMENTS: usize = 134_217_727;

/// An array taken apart.
struct Array {
    dimensions: Vec<usize>,
    elements: Vec<Value>,
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
    Ok(Array { dimensions: dimensions(stored)?, elements })
}

fn write(dimensions: &[usize], elements: &[Value], scalar: Scalar) -> Result<String> {
    let mut out = String::with_capacity(elements.len() * 4 + 2);
    write_level(dimensions, &mut elements.iter(), scalar, &mut out)?;
    Ok(out)
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

fn elsewhere() -> Error {
    Error::unsupported("an array with a lower bound other than 1")
}

/// Makes a one-dimensional array so long.
fn extend(array: &mut Array, length: usize) -> Result<()> {
    if length > MAX_ELEMENTS {
        let message = format!("array size exceeds the maximum allowed ({MAX_ELEMENTS})");
        return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
    }
    let more = length.saturating_sub(array.elements.len());
    memory::room(array.elements.len() * size_of::<Value>(), more * size_of::<Value>())?;
    session::work(more)?;
    array.elements.resize(length, Value::Null);
    array.dimensions = vec![length];
    Ok(())
}

/// The place of an element; `None` outside of the array.
fn place(dimensions: &[usize], subscripts: &[i64]) -> Option<usize> {
    let mut place = 0_usize;
    for (length, subscript) in dimensions.iter().zip(subscripts) {
        let index = usize::try_from(subscript.checked_sub(1)?).ok()?;
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
    let place = place(&array.dimensions, subscripts);
    Ok(place.and_then(|place| array.elements.into_iter().nth(place)).unwrap_or(Value::Null))
}

/// The element of an array of one dimension.
fn first_level(stored: &str, scalar: Scalar, subscript: i64) -> Result<Value> {
    session::work(stored.len() / 8)?;
    let mut reader = Reader::new(stored);
    reader.next_part()?;
    let mut left = subscript;
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
    let mut array = match stored {
        Some(stored) => read(stored, scalar)?,
        None => Array { dimensions: Vec::new(), elements: Vec::new() },
    };
    if array.dimensions.is_empty() {
        if subscripts.iter().any(|subscript| *subscript != 1) {
            return Err(elsewhere());
        }
        array = Array { dimensions: vec![1; subscripts.len()], elements: vec![Value::Null] };
    }
    if array.dimensions.len() != subscripts.len() {
        return Err(subscript_error("wrong number of array subscripts"));
    }
    if let [subscript] = subscripts {
        let length = usize::try_from(*subscript).ok().filter(|length| *length > 0).ok_or_else(elsewhere)?;
        if length > array.elements.len() {
            extend(&mut array, length)?;
        }
    }
    let place = place(&array.dimensions, subscripts).ok_or_else(|| subscript_error("array subscript out of range"))?;
    if let Some(element) = array.elements.get_mut(place) {
        *element = value;
    }
    write(&array.dimensions, &array.elements, scalar)
}

/// The array with other elements between bounds, one pair for each dimension; a missing bound is the array's own.
pub fn set_slice(
    stored: Option<&str>,
    scalar: Scalar,
    bounds: &[(Option<i64>, Option<i64>)],
    source: &str,
) -> Result<String> {
    let mut array = match stored {
        Some(stored) => read(stored, scalar)?,
        None => Array { dimensions: Vec::new(), elements: Vec::new() },
    };
    let source = read(source, scalar)?.elements;
    if array.dimensions.is_empty() {
        array = empty_for(bounds)?;
    }
    if array.dimensions.len() < bounds.len() || bounds.len() > MAX_DIMENSIONS {
        return Err(subscript_error("wrong number of array subscripts"));
    }
    let mut spans = Vec::with_capacity(array.dimensions.len());
    for (index, length) in array.dimensions.iter().enumerate() {
        let (lower, upper) = bounds.get(index).copied().unwrap_or((None, None));
        let (lower, upper) = (lower.unwrap_or(1), upper.unwrap_or(*length as i64));
        if lower > upper {
            return Err(subscript_error("upper bound cannot be less than lower bound"));
        }
        spans.push((lower, upper));
    }
    if let [(lower, upper)] = spans.as_slice() {
        let length = usize::try_from(*upper).map_err(|_| elsewhere())?;
        if *lower < 1 {
            return Err(elsewhere());
        }
        if length > array.elements.len() {
            extend(&mut array, length)?;
        }
    } else if spans.iter().zip(&array.dimensions).any(|((lower, upper), length)| *lower < 1 || *upper > *length as i64)
    {
        return Err(subscript_error("array subscript out of range"));
    }
    fill(&mut array, &spans, source)?;
    write(&array.dimensions, &array.elements, scalar)
}

/// The array that a slice of an empty one makes.
fn empty_for(bounds: &[(Option<i64>, Option<i64>)]) -> Result<Array> {
    let mut dimensions = Vec::with_capacity(bounds.len());
    for bound in bounds {
        let (Some(lower), Some(upper)) = bound else {
            return Err(subscript_error("array slice subscript must provide both boundaries").with_detail(
                "When assigning to a slice of an empty array value, slice boundaries must be fully specified.",
            ));
        };
        if *lower != 1 {
            return Err(elsewhere());
        }
        dimensions.push(usize::try_from(*upper).unwrap_or(0));
    }
    let count = dimensions.iter().fold(1_usize, |count, length| count.saturating_mul(*length));
    if count > MAX_ELEMENTS {
        let message = format!("array size exceeds the maximum allowed ({MAX_ELEMENTS})");
        return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
    }
    memory::room(0, count * size_of::<Value>())?;
    Ok(Array { dimensions, elements: vec![Value::Null; count] })
}

/// Replaces what is in the spans by the source's elements in their order.
fn fill(array: &mut Array, spans: &[(i64, i64)], source: Vec<Value>) -> Result<()> {
    let count = spans.iter().fold(1_usize, |count, (lower, upper)| count.saturating_mul((upper - lower + 1) as usize));
    if count > source.len() {
        return Err(subscript_error("source array too small"));
    }
    let mut at: Vec<i64> = spans.iter().map(|(lower, _)| *lower).collect();
    for value in source.into_iter().take(count) {
        if let Some(place) = place(&array.dimensions, &at)
            && let Some(element) = array.elements.get_mut(place)
        {
            *element = value;
        }
        for (subscript, (lower, upper)) in at.iter_mut().zip(spans).rev() {
            *subscript += 1;
            if *subscript <= *upper {
                break;
            }
            *subscript = *lower;
        }
    }
    Ok(())
}

/// The array's elements in order, or its parts of so many dimensions, as stored values.
pub fn slices(stored: &str, scalar: Scalar, slice: usize) -> Result<Vec<Value>> {
    let array = read(stored, scalar)?;
    if slice == 0 {
        return Ok(array.elements);
    }
    let outer = array.dimensions.len().saturating_sub(slice);
    let inner = array.dimensions.get(outer..).unwrap_or(&[]);
    let size = inner.iter().product::<usize>().max(1);
    array.elements.chunks(size).map(|part| write(inner, part, scalar).map(Value::Text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(stored: Option<&str>, subscripts: &[i64], value: i64) -> Result<String, String> {
        set_element(stored, Scalar::Int4, subscripts, Value::Integer(value)).map_err(|error| error.message().to_owned())
    }

    /// Recorded from PostgreSQL 15, but for the lower bounds.
    #[test]
    fn elements_are_set() {
        assert_eq!(set(Some("[1,2,3]"), &[2], 9).unwrap(), "[1,9,3]");
        assert_eq!(set(Some("[1]"), &[4], 9).unwrap(), "[1,null,null,9]");
        assert_eq!(set(None, &[1], 9).unwrap(), "[9]");
        assert_eq!(set(Some("[[1,2],[3,4]]"), &[2, 1], 9).unwrap(), "[[1,2],[9,4]]");
        assert_eq!(set(Some("[[1,2],[3,4]]"), &[3, 1], 9).unwrap_err(), "array subscript out of range");
        assert_eq!(set(Some("[[1,2],[3,4]]"), &[1], 9).unwrap_err(), "wrong number of array subscripts");
        assert_eq!(set(None, &[3], 9).unwrap_err(), "an array with a lower bound other than 1 is not supported");
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
