//! The contents of arrays, json values and texts as rows: json_each and its kin, regexp_matches.
//!
//! Specification: functions-array.html, functions-json.html, functions-matching.html; errors as in jsonfuncs.c, which
//! words them differently for json and jsonb.

use rusqlite::types::Value;

use super::{Arguments, Row, Rows, SetFunction, row, rows, single};
use crate::engine::functions::arrays::split_text;
use crate::engine::functions::elements::types_in;
use crate::engine::functions::json_text::{Kind, elements, kind, members, text_value};
use crate::engine::functions::jsonpath::{print, with_settings};
use crate::engine::functions::populate;
use crate::engine::functions::regex::{match_array, split_parts};
use crate::error::{Error, Result, SqlState};
use crate::limits::session as limits;
use crate::types::json::{self, JsonValue};
use crate::types::jsonpath::{self, JsonPath};
use crate::types::pattern::{Options, Pattern};

const PAIR: &[&str] = &["key", "value"];

pub(super) static FUNCTIONS: &[SetFunction] = &[
    SetFunction { columns: PAIR, ..SetFunction::new("pg_json_each", 1, |a| each(a, "json_each", false, false)) },
    SetFunction { columns: PAIR, ..SetFunction::new("pg_jsonb_each", 1, |a| each(a, "jsonb_each", true, false)) },
    SetFunction {
        columns: PAIR,
        ..SetFunction::new("pg_json_each_text", 1, |a| each(a, "json_each_text", false, true))
    },
    SetFunction {
        columns: PAIR,
        ..SetFunction::new("pg_jsonb_each_text", 1, |a| each(a, "jsonb_each_text", true, true))
    },
    SetFunction::new("pg_json_object_keys", 1, |a| keys(a, "json_object_keys")),
    SetFunction::new("pg_jsonb_object_keys", 1, |a| keys(a, "jsonb_object_keys")),
    SetFunction::new("pg_json_array_elements", 1, |a| values(a, "json_array_elements", false, false)),
    SetFunction::new("pg_jsonb_array_elements", 1, |a| values(a, "", true, false)),
    SetFunction::new("pg_json_array_elements_text", 1, |a| values(a, "json_array_elements_text", false, true)),
    SetFunction::new("pg_jsonb_array_elements_text", 1, |a| values(a, "", true, true)),
    SetFunction::new("pg_regexp_matches", 3, |a| regexp_matches(a, "")),
    SetFunction::new("pg_citext_matches", 3, |a| regexp_matches(a, "i")),
    SetFunction::new("pg_regexp_split_to_table", 3, |a| regexp_split(a, "")),
    SetFunction::new("pg_citext_split", 3, |a| regexp_split(a, "i")),
    SetFunction::new("pg_snapshot_xip", 1, snapshot_xip),
    SetFunction::new("pg_jsonb_path_query", 4, |a| path_query(a, false)),
    SetFunction::new("pg_jsonb_path_query_tz", 4, |a| path_query(a, true)),
    SetFunction { strict: false, ..SetFunction::new("pg_string_to_table", 3, string_to_table) },
    SetFunction {
        strict: false,
        ..SetFunction::new("pg_json_populate_recordset", 4, |a| recordset(a, "json_populate_recordset"))
    },
    SetFunction {
        strict: false,
        ..SetFunction::new("pg_jsonb_populate_recordset", 4, |a| recordset(a, "jsonb_populate_recordset"))
    },
    SetFunction { strict: false, ..SetFunction::new("pg_json_to_recordset", 4, |a| recordset(a, "json_to_recordset")) },
    SetFunction {
        strict: false,
        ..SetFunction::new("pg_jsonb_to_recordset", 4, |a| recordset(a, "jsonb_to_recordset"))
    },
];

/// function(types, base, json): a row of each object of an array.
fn recordset(args: &Arguments<'_>, name: &str) -> Result<Rows> {
    if args.is_null(2) {
        return rows(std::iter::empty());
    }
    let names = args.text(0)?;
    let info = types_in(&names).next().ok_or_else(|| Error::internal("a typed call without types"))??;
    let base = if args.is_null(1) { None } else { Some(args.text(1)?) };
    let made = populate::records(info, base.as_deref(), &args.text(2)?, name, args.slot)?;
    rows(made.into_iter().map(single))
}

fn invalid(message: String) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

/// Rows that are all made at once.
fn made(all: impl Iterator<Item = Row>) -> Result<Rows> {
    let all = all.map(|row| limits::work(size_of::<Row>()).map(|()| row)).collect::<Result<Vec<_>>>()?;
    rows(all.into_iter())
}

/// A part of a json value as a row's column, or its text.
fn shown(value: &str, as_text: bool) -> Value {
    if !as_text {
        return Value::Text(value.to_owned());
    }
    text_value(value).map_or(Value::Null, |text| Value::Text(text.into_owned()))
}

fn each(args: &Arguments<'_>, name: &str, binary: bool, as_text: bool) -> Result<Rows> {
    let text = args.text(0)?;
    match kind(&text) {
        Kind::Object => {}
        _ if binary => return Err(invalid(format!("cannot call {name} on a non-object"))),
        Kind::Array => return Err(invalid("cannot deconstruct an array as an object".to_owned())),
        _ => return Err(invalid("cannot deconstruct a scalar".to_owned())),
    }
    let pairs = members(&text).map(|(key, value)| row([Value::Text(key.into_owned()), shown(value, as_text)]));
    made(pairs)
}

fn keys(args: &Arguments<'_>, name: &str) -> Result<Rows> {
    let text = args.text(0)?;
    match kind(&text) {
        Kind::Object => made(members(&text).map(|(key, _)| single(key.into_owned()))),
        Kind::Array => Err(invalid(format!("cannot call {name} on an array"))),
        _ => Err(invalid(format!("cannot call {name} on a scalar"))),
    }
}

fn values(args: &Arguments<'_>, name: &str, binary: bool, as_text: bool) -> Result<Rows> {
    let text = args.text(0)?;
    let error = |json: &str, jsonb: &str| {
        Err(invalid(if binary {
            format!("cannot extract elements from {jsonb}")
        } else {
            format!("cannot call {name} on {json}")
        }))
    };
    match kind(&text) {
        Kind::Array => made(elements(&text).map(|value| single(shown(value, as_text)))),
        Kind::Object => error("a non-array", "an object"),
        _ => error("a scalar", "a scalar"),
    }
}

fn path_query(args: &Arguments<'_>, zoned: bool) -> Result<Rows> {
    let path = JsonPath::parse(&args.text(1)?)?;
    let value = json::parse(&args.text(0)?)?;
    let variables = if args.is_null(2) { JsonValue::Object(Vec::new()) } else { json::parse(&args.text(2)?)? };
    let silent = !args.is_null(3) && args.int(3)? != 0;
    with_settings(args.slot, zoned, |settings| {
        let arguments = jsonpath::Arguments { variables: Some(&variables), silent, zoned, settings };
        path.query(&value, arguments, |found| {
            let mut printed = 0;
            let items = found.iter().map(|item| {
                let text = print(item, printed)?;
                printed += text.len();
                Ok(text)
            });
            let items = items.collect::<Result<Vec<_>>>()?;
            made(items.into_iter().map(single))
        })
    })
}

/// The pattern of argument 1 with the options of argument 2, and `more` unless these say c.
fn pattern(args: &Arguments<'_>, more: &str) -> Result<(Pattern, Options)> {
    let given = args.text(2)?;
    let options = Options::parse(&if given.contains('c') { given.to_string() } else { format!("{given}{more}") })?;
    Ok((Pattern::compile(&args.text(1)?, options)?, options))
}

fn regexp_matches(args: &Arguments<'_>, more: &str) -> Result<Rows> {
    let (text, (pattern, options)) = (args.text(0)?, pattern(args, more)?);
    let found =
        if options.global { pattern.find_all(&text, 0)? } else { pattern.find_at(&text, 0)?.into_iter().collect() };
    made(found.iter().map(|groups| single(match_array(&text, &pattern, groups))))
}

fn regexp_split(args: &Arguments<'_>, more: &str) -> Result<Rows> {
    let (text, (pattern, options)) = (args.text(0)?, pattern(args, more)?);
    if options.global {
        return Err(invalid("regexp_split_to_table() does not support the \"global\" option".to_owned()));
    }
    made(split_parts(&text, &pattern)?.into_iter().map(|part| single(part.to_owned())))
}

fn single_xid8(number: u64) -> Row {
    row([match crate::types::system_ids::stored_xid8(number) {
        crate::types::value::Value::Integer(number) => Value::Integer(number),
        crate::types::value::Value::Text(number) => Value::Text(number),
        _ => Value::Null,
    }])
}

/// The transactions that were running.
fn snapshot_xip(args: &Arguments<'_>) -> Result<Rows> {
    let snapshot = crate::types::system_ids::Snapshot::parse(&args.text(0)?)?;
    made(snapshot.xip.into_iter().map(single_xid8))
}

fn string_to_table(args: &Arguments<'_>) -> Result<Rows> {
    if args.is_null(0) {
        return rows(std::iter::empty());
    }
    let optional = |index| if args.is_null(index) { Ok(None) } else { args.text(index).map(Some) };
    let (separator, null_text) = (optional(1)?, optional(2)?);
    let parts = split_text(&args.text(0)?, separator.as_deref(), null_text.as_deref())?;
    rows(parts.into_iter().map(single))
}
