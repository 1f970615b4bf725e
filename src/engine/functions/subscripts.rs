//! Parts of arrays and of jsonb: slices, and assignments to elements, slices and members.
//!
//! Must not know: how arrays are stored (`types::array_assign`). Specification: arrays.html#ARRAYS-ACCESSING,
//! arrays.html#ARRAYS-MODIFYING, datatype-json.html#JSONB-SUBSCRIPTING; arraysubs.c, jsonbsubs.c.

use rusqlite::types::ValueRef;

use super::args::stored;
use super::elements::{find_type, push_string};
use super::json_text::{elements, members};
use super::{Args, Definition, Output};
use crate::error::{Error, Result, SqlState};
use crate::limits::{memory, stack};
use crate::plpgsql::host::Member;
use crate::types::array_assign;
use crate::types::json::normalize;
use crate::types::pg_type::TypeInfo;

/// The functions of this area.
#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_array_part", -1, part),
    Definition::pure("pg_array_set", -1, set).called_on_null(),
    Definition::pure("pg_array_set_part", -1, set_part).called_on_null(),
    Definition::pure("pg_jsonb_assign", -1, assign).called_on_null(),
];

/// Where the arguments begin that are subscripts.
const SUBSCRIPTS: usize = 3;

fn type_of(args: &Args<'_>) -> Result<&'static TypeInfo> {
    args.cached(0, || find_type(&args.text(0)?)).map(|info| *info)
}

fn null_subscript(of: &str) -> Error {
    Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, format!("{of} subscript in assignment must not be null"))
}

/// Pairs of bounds; one that was left out is an empty text.
fn bounds(args: &Args<'_>, first: usize) -> Result<Vec<(Option<i64>, Option<i64>)>> {
    let bound = |index: usize| match args.raw(index) {
        ValueRef::Text([]) => Ok(None),
        ValueRef::Null => Err(null_subscript("array")),
        _ => args.int(index).map(Some),
    };
    (first..args.len()).step_by(2).map(|index| Ok((bound(index)?, bound(index + 1)?))).collect()
}

/// pg_array_part(element type, array, lower, upper …): array[lower:upper] …
fn part(args: &Args<'_>) -> Result<Output> {
    let scalar = type_of(args)?.repr.scalar;
    array_assign::get_slice(&args.text(1)?, scalar, &bounds(args, 2)?).map(Output::from)
}

fn array<'c>(args: &'c Args<'_>) -> Result<Option<std::borrow::Cow<'c, str>>> {
    if args.is_null(1) { Ok(None) } else { args.text(1).map(Some) }
}

/// pg_array_set(element type, array, value, subscript …): the array with another element.
fn set(args: &Args<'_>) -> Result<Output> {
    let scalar = type_of(args)?.repr.scalar;
    let subscript = |index| if args.is_null(index) { Err(null_subscript("array")) } else { args.int(index) };
    let subscripts = (SUBSCRIPTS..args.len()).map(subscript).collect::<Result<Vec<_>>>()?;
    let value = stored(args.raw(2))?.to_owned();
    array_assign::set_element(array(args)?.as_deref(), scalar, &subscripts, value).map(Output::from)
}

/// pg_array_set_part(element type, array, source, lower, upper …): the array with other elements between bounds. A source
/// that is NULL changes nothing.
fn set_part(args: &Args<'_>) -> Result<Output> {
    let scalar = type_of(args)?.repr.scalar;
    let bounds = bounds(args, SUBSCRIPTS)?;
    if args.is_null(2) {
        return Ok(Output::Argument(1));
    }
    array_assign::set_slice(array(args)?.as_deref(), scalar, &bounds, &args.text(2)?).map(Output::from)
}

// ----- jsonb

/// pg_jsonb_assign('', value, new, subscript …): a member or an element replaced or added; what is not there on the way
/// is made.
fn assign(args: &Args<'_>) -> Result<Output> {
    let mut path = Vec::with_capacity(args.len());
    for index in SUBSCRIPTS..args.len() {
        path.push(match args.raw(index) {
            ValueRef::Null => return Err(null_subscript("jsonb")),
            ValueRef::Integer(place) => Member::Place(place),
            _ => Member::Name(args.text(index)?.into_owned()),
        });
    }
    let new = if args.is_null(2) { "null".into() } else { args.text(2)? };
    let old = if args.is_null(1) { None } else { Some(args.text(1)?) };
    with_member(old.as_deref(), path, &new).map(Output::from)
}

/// A jsonb with something else at the end of a path.
pub(crate) fn with_member(old: Option<&str>, path: Vec<Member>, new: &str) -> Result<String> {
    let step = |member| match member {
        Member::Place(place) => Step { text: place.to_string(), place: Some(place) },
        Member::Name(text) => Step { text, place: None },
    };
    let path: Vec<Step> = path.into_iter().map(step).collect();
    memory::room(old.map_or(0, str::len), new.len())?;
    let mut out = String::new();
    replaced(old, &path, 0, new, &mut out)?;
    normalize(&out)
}

/// A subscript: its text, and the number that it was written as.
struct Step {
    text: String,
    place: Option<i64>,
}

/// Appends the value with what is at the path from `depth` on replaced.
fn replaced(old: Option<&str>, path: &[Step], depth: usize, new: &str, out: &mut String) -> Result<()> {
    stack::check()?;
    let Some(step) = path.get(depth) else {
        out.push_str(new);
        return Ok(());
    };
    match old.map(str::trim_start) {
        Some(old) if old.starts_with('{') => object(old, step, path, depth, new, out),
        Some(old) if old.starts_with('[') => list(old, step, path, depth, new, out),
        Some(_) => {
            let message = "cannot replace existing key";
            let detail = "The path assumes key is a composite object, but it is a scalar value.";
            Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message).with_detail(detail))
        }
        None if step.place.is_some() => list("[]", step, path, depth, new, out),
        None => object("{}", step, path, depth, new, out),
    }
}

fn object(old: &str, step: &Step, path: &[Step], depth: usize, new: &str, out: &mut String) -> Result<()> {
    out.push('{');
    let mut found = false;
    let mut first = true;
    for (name, value) in members(old) {
        if !std::mem::take(&mut first) {
            out.push(',');
        }
        push_string(&name, out);
        out.push(':');
        if name == step.text {
            found = true;
            replaced(Some(value), path, depth + 1, new, out)?;
        } else {
            out.push_str(value);
        }
    }
    if !found {
        out.push_str(if first { "" } else { "," });
        push_string(&step.text, out);
        out.push(':');
        replaced(None, path, depth + 1, new, out)?;
    }
    out.push('}');
    Ok(())
}

/// The most elements that an assignment adds before its own.
const MOST_ADDED: i64 = 1 << 24;

fn list(old: &str, step: &Step, path: &[Step], depth: usize, new: &str, out: &mut String) -> Result<()> {
    let parts: Vec<&str> = elements(old).collect();
    let length = parts.len() as i64;
    let place: i64 = step.text.parse().map_err(|_| {
        let message = format!("path element at position {} is not an integer: \"{}\"", depth + 1, step.text);
        Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message)
    })?;
    let at = if place < 0 { length + place } else { place };
    if at < 0 {
        let message = format!("path element at position {} is out of range: {place}", depth + 1);
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    if at - length > MOST_ADDED {
        let message = format!("number of jsonb array elements exceeds the maximum allowed ({MOST_ADDED})");
        return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
    }
    memory::room(out.len(), usize::try_from((at - length).max(0)).unwrap_or(0) * "null,".len())?;
    out.push('[');
    for index in 0..length.max(at + 1) {
        if index > 0 {
            out.push(',');
        }
        let part = usize::try_from(index).ok().and_then(|index| parts.get(index)).copied();
        match (part, index == at) {
            (part, true) => replaced(part, path, depth + 1, new, out)?,
            (Some(part), false) => out.push_str(part),
            (None, false) => out.push_str("null"),
        }
    }
    out.push(']');
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::engine::functions::tests::assert_values;

    #[test]
    fn parts_are_taken_and_replaced() {
        assert_values(&[
            ("pg_array_part('int4', '[[1,2],[3,4]]', '', '', 2, 2)", "[[2],[4]]"),
            ("pg_array_part('int4', '/*0*/[7,8,9]', 1, '')", "[8,9]"),
            ("pg_array_part('int4', '[1]', 1, 1, 1, 1)", "[]"),
            ("pg_array_set('int4', NULL, 5, 2)", "/*2*/[5]"),
            ("pg_array_set('text', '[\"a\"]', 'b', NULL)", "22004 array subscript in assignment must not be null"),
            ("pg_array_set_part('int4', '[1,2,3]', '[8,9]', 2, 3)", "[1,8,9]"),
            ("pg_jsonb_assign('', '{\"a\": 1}', '[2]', 'b', 1)", "{\"a\": 1, \"b\": [null, [2]]}"),
            ("pg_jsonb_assign('', NULL, NULL, 'a')", "{\"a\": null}"),
            ("pg_jsonb_assign('', '[1, 2]', '9', -1)", "[1, 9]"),
            ("pg_jsonb_assign('', '{\"a\": 1}', '9', 'a', 'b')", "22023 cannot replace existing key"),
        ]);
    }
}
