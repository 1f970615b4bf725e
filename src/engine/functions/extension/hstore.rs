//! hstore's functions (contrib/hstore/hstore_op.c, hstore_io.c).

use serde_json::Value as Json;

use super::super::elements::{parse_array, push_string, types_in};
use super::super::{Args, Definition, Output, io, populate, rows as records};
use crate::error::{Error, Result, SqlState};
use crate::limits::{memory, session as limits};
use crate::types::array::dimensions;
use crate::types::extension::hstore::HStore;
use crate::types::json;
use crate::types::pg_type::Scalar;
use crate::types::row_wire;

/// The functions of this area.
#[rustfmt::skip]
pub(in crate::engine::functions) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_hstore_fetch", 2, |a| Ok(hstore(a, 0)?.get(&a.text(1)?).cloned().flatten().into())),
    Definition::pure("pg_hstore_exist", 2, |a| Ok(hstore(a, 0)?.get(&a.text(1)?).is_some().into())),
    Definition::pure("pg_hstore_defined", 2, |a| Ok(hstore(a, 0)?.get(&a.text(1)?).is_some_and(Option::is_some).into())),
    Definition::pure("pg_hstore_exists_any", 2, |a| { let h = hstore(a, 0)?; Ok(keys(a, 1)?.iter().any(|key| h.get(key).is_some()).into()) }),
    Definition::pure("pg_hstore_exists_all", 2, |a| { let h = hstore(a, 0)?; Ok(keys(a, 1)?.iter().all(|key| h.get(key).is_some()).into()) }),
    Definition::pure("pg_hstore_delete", 2, |a| { let key = a.text(1)?; made(hstore(a, 0)?.filter(|known, _| known != key)) }),
    Definition::pure("pg_hstore_delete_array", 2, |a| { let keys = keys(a, 1)?; made(hstore(a, 0)?.filter(|known, _| !keys.iter().any(|key| key == known))) }),
    Definition::pure("pg_hstore_delete_hstore", 2, |a| { let other = hstore(a, 1)?; made(hstore(a, 0)?.filter(|key, value| other.get(key) != Some(value))) }),
    Definition::pure("pg_hstore_concat", 2, |a| made(hstore(a, 0)?.concat(hstore(a, 1)?))),
    Definition::pure("pg_hstore_contains", 2, |a| Ok(hstore(a, 0)?.contains(&hstore(a, 1)?).into())),
    Definition::pure("pg_hstore_slice", 2, |a| { let keys = keys(a, 1)?; made(hstore(a, 0)?.filter(|known, _| keys.iter().any(|key| key == known))) }),
    Definition::pure("pg_hstore_slice_array", 2, slice_array),
    Definition::pure("pg_hstore_akeys", 1, |a| text_array(hstore(a, 0)?.pairs().iter().map(|(key, _)| Some(key)))),
    Definition::pure("pg_hstore_avals", 1, |a| text_array(hstore(a, 0)?.pairs().iter().map(|(_, value)| value.as_ref()))),
    Definition::pure("pg_hstore_to_array", 1, |a| text_array(hstore(a, 0)?.pairs().iter().flat_map(|(key, value)| [Some(key), value.as_ref()]))),
    Definition::pure("pg_hstore_to_matrix", 1, to_matrix),
    Definition::pure("pg_hstore_to_json", 1, |a| Ok(to_json(&hstore(a, 0)?, false).into())),
    Definition::pure("pg_hstore_to_json_loose", 1, |a| Ok(to_json(&hstore(a, 0)?, true).into())),
    Definition::pure("pg_hstore_to_jsonb", 1, |a| Ok(json::normalize(&to_json(&hstore(a, 0)?, false))?.into())),
    Definition::pure("pg_hstore_to_jsonb_loose", 1, |a| Ok(json::normalize(&to_json(&hstore(a, 0)?, true))?.into())),
    Definition::pure("pg_hstore_cmp", 2, |a| Ok((hstore(a, 0)?.compare(&hstore(a, 1)?) as i64).into())),
    Definition::pure("pg_hstore_of_text", 2, of_text).called_on_null(),
    Definition::pure("pg_hstore_of_arrays", 2, of_arrays).called_on_null(),
    Definition::pure("pg_hstore_of_array", 1, of_array),
    Definition::stable("pg_hstore_of_record", 2, of_record),
    Definition::stable("pg_hstore_populate", 3, populate_record).called_on_null(),
];

fn hstore(args: &Args<'_>, index: usize) -> Result<HStore> {
    HStore::parse(&args.text(index)?)
}

fn made(hstore: HStore) -> Result<Output> {
    Ok(hstore.to_text().into())
}

/// The elements of an array of texts.
pub(super) fn texts(args: &Args<'_>, index: usize) -> Result<Vec<Option<String>>> {
    fn flatten(value: Json, out: &mut Vec<Option<String>>) {
        match value {
            Json::Array(elements) => elements.into_iter().for_each(|element| flatten(element, out)),
            Json::String(text) => out.push(Some(text)),
            _ => out.push(None),
        }
    }
    let mut found = Vec::new();
    parse_array::<Vec<Json>>(&args.text(index)?)?.into_iter().for_each(|value| flatten(value, &mut found));
    limits::work(found.len() * 8)?;
    Ok(found)
}

/// Those that are not NULL, as keys.
fn keys(args: &Args<'_>, index: usize) -> Result<Vec<String>> {
    Ok(texts(args, index)?.into_iter().flatten().collect())
}

fn text_array<'t>(parts: impl Iterator<Item = Option<&'t String>>) -> Result<Output> {
    let mut out = "[".to_owned();
    for part in parts {
        memory::room(out.len(), part.map_or(4, String::len))?;
        if out.len() > 1 {
            out.push(',');
        }
        match part {
            Some(text) => push_string(text, &mut out),
            None => out.push_str("null"),
        }
    }
    out.push(']');
    Ok(out.into())
}

fn slice_array(args: &Args<'_>) -> Result<Output> {
    let hstore = hstore(args, 0)?;
    let keys = texts(args, 1)?;
    text_array(keys.iter().map(|key| hstore.get(key.as_ref()?)?.as_ref()))
}

fn to_matrix(args: &Args<'_>) -> Result<Output> {
    let pairs: Vec<Json> =
        hstore(args, 0)?.pairs().iter().map(|(key, value)| serde_json::json!([key, value])).collect();
    Ok(Json::Array(pairs).to_string().into())
}

/// As json; loosely, what looks like a boolean or a number is one.
fn to_json(hstore: &HStore, loose: bool) -> String {
    let mut out = "{".to_owned();
    for (key, value) in hstore.pairs() {
        if out.len() > 1 {
            out.push_str(", ");
        }
        push_string(key, &mut out);
        out.push_str(": ");
        match value.as_deref() {
            None => out.push_str("null"),
            Some("t") if loose => out.push_str("true"),
            Some("f") if loose => out.push_str("false"),
            Some(text) if loose && is_number(text) => out.push_str(text),
            Some(text) => push_string(text, &mut out),
        }
    }
    out.push('}');
    out
}

/// IsValidJsonNumber
fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit() || c == '-')
        && text.ends_with(|c: char| c.is_ascii_digit())
        && json::validate(text).is_ok()
}

fn null_key() -> Error {
    Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "null value not allowed for hstore key")
}

fn subscripts(message: &str) -> Error {
    Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message.to_owned())
}

fn of_text(args: &Args<'_>) -> Result<Output> {
    if args.is_null(0) {
        return Ok(Output::NULL);
    }
    let value = if args.is_null(1) { None } else { Some(args.text(1)?.into_owned()) };
    made(HStore::new(vec![(args.text(0)?.into_owned(), value)]))
}

fn of_arrays(args: &Args<'_>) -> Result<Output> {
    if args.is_null(0) {
        return Ok(Output::NULL);
    }
    let shape = dimensions(&args.text(0)?)?;
    if shape.len() > 1 {
        return Err(subscripts("wrong number of array subscripts"));
    }
    let keys = texts(args, 0)?;
    let values = if args.is_null(1) { vec![None; keys.len()] } else { texts(args, 1)? };
    if !args.is_null(1) && dimensions(&args.text(1)?)? != shape {
        return Err(subscripts("arrays must have same bounds"));
    }
    let pairs = keys.into_iter().zip(values).map(|(key, value)| Ok((key.ok_or_else(null_key)?, value)));
    made(HStore::new(pairs.collect::<Result<_>>()?))
}

fn of_array(args: &Args<'_>) -> Result<Output> {
    match dimensions(&args.text(0)?)?.as_slice() {
        [] => return made(HStore::default()),
        [length] if length % 2 == 1 => return Err(subscripts("array must have even number of elements")),
        [_] | [_, 2] => {}
        [_, _] => return Err(subscripts("array must have two columns")),
        _ => return Err(subscripts("wrong number of array subscripts")),
    }
    let elements = texts(args, 0)?;
    let pairs = elements.chunks_exact(2).map(|pair| match pair {
        [Some(key), value] => Ok((key.clone(), value.clone())),
        _ => Err(null_key()),
    });
    made(HStore::new(pairs.collect::<Result<_>>()?))
}

/// The type of the record that is the first argument.
fn record_type(args: &Args<'_>) -> Result<crate::types::row_type::Row> {
    let names = args.text(0)?;
    let info = types_in(&names).next().ok_or_else(|| Error::internal("a typed call without types"))??;
    match info.repr.scalar {
        Scalar::Row(row) if info.repr.array_of.is_none() => Ok(row),
        _ => Err(Error::new(SqlState::DATATYPE_MISMATCH, "first argument must be a rowtype")),
    }
}

fn of_record(args: &Args<'_>) -> Result<Output> {
    let row = record_type(args)?;
    let mut pairs = Vec::new();
    for (field, value) in row_wire::fields(row, &args.text(1)?)? {
        let value = match value {
            crate::types::value::Value::Null => None,
            value => Some(io::text_form(field.info, records::raw(value.as_ref()), args.slot())?),
        };
        pairs.push((field.name.to_string(), value));
    }
    made(HStore::new(pairs))
}

/// function(types, base, hstore)
fn populate_record(args: &Args<'_>) -> Result<Output> {
    let row = record_type(args)?;
    if args.is_null(2) {
        return Ok(Output::Argument(1));
    }
    let base = if args.is_null(1) { None } else { Some(args.text(1)?) };
    let json = to_json(&hstore(args, 2)?, false);
    Ok(populate::record(row, base.as_deref(), &json, args.slot())?.into())
}
