//! TABLESAMPLE: whether a row is taken.
//!
//! With a seed the same rows are taken again as long as the table stays the same; which ones, PostgreSQL decides by
//! pages, and here it is the row's number. Specification: sql-select.html, bernoulli.c, system.c.

use super::{Args, Definition, Output};
use crate::error::{Error, Result, SqlState};

pub(super) static FUNCTIONS: &[Definition] = &[Definition::stable("pg_tablesample", -1, sample).called_on_null()];

/// How many rows the method `system` takes or leaves together.
const BLOCK: i64 = 100;

/// pg_tablesample(row, method, percentage[, seed])
fn sample(args: &Args<'_>) -> Result<Output> {
    if args.is_null(2) {
        return Err(Error::new(SqlState::INVALID_TABLESAMPLE_ARGUMENT, "TABLESAMPLE parameter cannot be null"));
    }
    if args.len() > 3 && args.is_null(3) {
        let message = "TABLESAMPLE REPEATABLE parameter cannot be null";
        return Err(Error::new(SqlState::INVALID_TABLESAMPLE_REPEAT, message));
    }
    let percent = args.float(2)?;
    if !(0.0..=100.0).contains(&percent) {
        let message = "sample percentage must be between 0 and 100";
        return Err(Error::new(SqlState::INVALID_TABLESAMPLE_ARGUMENT, message));
    }
    let seed = match args.len() > 3 {
        true => args.float(3)?.to_bits(),
        // One for the whole statement.
        false => *args.cached(1, || {
            args.slot().refuse_to_repeat();
            Ok(rand::random::<u64>())
        })?,
    };
    let row = args.int(0)?;
    let unit = if args.text(1)? == "system" { row.div_euclid(BLOCK) } else { row };
    let drawn = mixed(unit as u64 ^ mixed(seed)) >> 32;
    Ok(((drawn as f64) < percent / 100.0 * 4_294_967_296.0).into())
}

/// The finalizer of splitmix64.
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
