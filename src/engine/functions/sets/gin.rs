//! Inverted indexes: the keys of a value, and the rows that their postings say a condition may be true of.

use rusqlite::types::Value;

use super::{Arguments, Rows, SetFunction, rows, single};
use crate::engine::functions::extension::trigrams::similarity_threshold;
use crate::engine::postings::{self, Postings};
use crate::error::{Error, Result};
use crate::types::gin::{Key, KeyClass, keys, needed};

pub(super) static FUNCTIONS: &[SetFunction] = &[
    // (class, value)
    SetFunction::new("pg_gin_keys", 2, keys_of),
    // (class, operator, query, postings, part, table, rowid)
    SetFunction::new("pg_gin_rows", 7, rows_of),
];

fn class(args: &Arguments<'_>) -> Result<KeyClass> {
    KeyClass::of_name(&args.text(0)?).ok_or_else(|| Error::internal("a class of keys"))
}

fn keys_of(args: &Arguments<'_>) -> Result<Rows> {
    let keys = keys(class(args)?, &args.text(1)?)?;
    rows(keys.into_iter().map(|key| match key {
        Key::Number(number) => single(number),
        Key::Text(text) => single(text),
    }))
}

fn rows_of(args: &Arguments<'_>) -> Result<Rows> {
    let (class, operator) = (class(args)?, args.text(1)?);
    let threshold = if operator == "%" { similarity_threshold(args.slot)? } else { 0.0 };
    let needed = needed(class, &operator, &args.text(2)?, threshold)?;
    let (table, part) = (args.text(3)?, args.int(4)?);
    let (_, lease) = args.slot.linked()?;
    let entered = lease.enter();
    let found =
        entered.with(|database| match postings::rows(&Postings { database, table: &table, part }, &needed)? {
            Some(found) => Ok(found),
            None => postings::all_rows(database, &args.text(5)?, &args.text(6)?),
        })?;
    rows(found.into_iter().map(|row| single(Value::Integer(row))))
}
