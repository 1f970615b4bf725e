//! The functions and operators that run a jsonpath over a jsonb value.
//!
//! The language is `types::jsonpath`. Specification: functions-json.html#FUNCTIONS-SQLJSON-PATH; jsonpath_exec.c.

use super::{Args, ContextSlot, Definition, Output};
use crate::error::{Error, Result, SqlState};
use crate::limits::memory;
use crate::types::format::FormatSettings;
use crate::types::json::{self, JsonValue};
use crate::types::jsonpath::{Arguments, Item, JsonPath};

/// The functions of this area; those of sets are in `sets::contents`.
#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_jsonb_path_exists", -1, |a| exists(a, false)),
    Definition::stable("pg_jsonb_path_exists_tz", -1, |a| exists(a, true)),
    Definition::pure("pg_jsonb_path_exists_opr", 2, |a| run(a, Errors::Operator, false, |path, value, arguments| Ok(path.exists(value, arguments)?.into()))),
    Definition::pure("pg_jsonb_path_match", -1, |a| matches(a, Errors::Function, false)),
    Definition::stable("pg_jsonb_path_match_tz", -1, |a| matches(a, Errors::Function, true)),
    Definition::pure("pg_jsonb_path_match_opr", 2, |a| matches(a, Errors::Operator, false)),
    Definition::pure("pg_jsonb_path_query_array", -1, |a| query_array(a, false)),
    Definition::stable("pg_jsonb_path_query_array_tz", -1, |a| query_array(a, true)),
    Definition::pure("pg_jsonb_path_query_first", -1, |a| query_first(a, false)),
    Definition::stable("pg_jsonb_path_query_first_tz", -1, |a| query_first(a, true)),
];

/// Who is called: the operators have no variables and suppress what they can.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Errors {
    Function,
    Operator,
}

/// Reads the arguments and gives them to `body`.
fn run(
    args: &Args<'_>,
    errors: Errors,
    zoned: bool,
    body: impl FnOnce(&JsonPath, &JsonValue, Arguments<'_>) -> Result<Output>,
) -> Result<Output> {
    let path = args.cached(1, || JsonPath::parse(&args.text(1)?))?;
    let value = json::parse(&args.text(0)?)?;
    let variables = match errors {
        Errors::Operator => None,
        Errors::Function if args.len() > 2 => Some(json::parse(&args.text(2)?)?),
        Errors::Function => Some(JsonValue::Object(Vec::new())),
    };
    let silent = errors == Errors::Operator || args.len() > 3 && args.bool(3)?;
    with_settings(args.slot(), zoned, |settings| {
        body(&path, &value, Arguments { variables: variables.as_ref(), silent, zoned, settings })
    })
}

/// Only comparisons that may use the session's time zone ask for the settings.
pub(super) fn with_settings<T>(
    slot: &ContextSlot,
    zoned: bool,
    body: impl FnOnce(&FormatSettings) -> Result<T>,
) -> Result<T> {
    if zoned { slot.with_format(body) } else { body(&FormatSettings::default()) }
}

fn exists(args: &Args<'_>, zoned: bool) -> Result<Output> {
    run(args, Errors::Function, zoned, |path, value, arguments| Ok(path.exists(value, arguments)?.into()))
}

fn matches(args: &Args<'_>, errors: Errors, zoned: bool) -> Result<Output> {
    run(args, errors, zoned, |path, value, arguments| {
        path.query(value, arguments, |found| match found {
            [item] if item.as_bool().is_some() => Ok(item.as_bool().flatten().into()),
            _ if arguments.silent => Ok(Output::NULL),
            _ => {
                let code = SqlState::SINGLETON_SQL_JSON_ITEM_REQUIRED;
                Err(Error::new(code, "single boolean result is expected"))
            }
        })
    })
}

/// An item as jsonb prints it, if there is room beside what was printed before.
pub(super) fn print(item: &Item<'_>, printed: usize) -> Result<String> {
    let text = item.to_string();
    memory::room(printed, text.len())?;
    Ok(text)
}

fn query_array(args: &Args<'_>, zoned: bool) -> Result<Output> {
    run(args, Errors::Function, zoned, |path, value, arguments| {
        path.query(value, arguments, |found| {
            let mut array = String::from("[");
            for item in found {
                array.push_str(if array.len() > 1 { ", " } else { "" });
                let text = print(item, array.len())?;
                array.push_str(&text);
            }
            array.push(']');
            Ok(array.into())
        })
    })
}

fn query_first(args: &Args<'_>, zoned: bool) -> Result<Output> {
    run(args, Errors::Function, zoned, |path, value, arguments| {
        path.query(value, arguments, |found| Ok(found.first().map(|item| item.to_string()).into()))
    })
}
