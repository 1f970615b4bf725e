//! Functions and operators over money (datatype-money.html); the amounts are cents.

use super::float::{product, quotient};
use super::{Args, Definition, Output};
use crate::error::{Error, Result, SqlState};
use crate::types::money;
use crate::types::numeric::Numeric;

/// The functions of this area.
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_cash_pl", 2, |a| whole(a.int(0)?.checked_add(a.int(1)?))),
    Definition::pure("pg_cash_mi", 2, |a| whole(a.int(0)?.checked_sub(a.int(1)?))),
    Definition::pure("pg_cash_mul_int", 2, |a| whole(a.int(0)?.checked_mul(a.int(1)?))),
    Definition::pure("pg_cash_mul_float", 2, |a| rounded(product(a.int(0)? as f64, a.float(1)?)?)),
    Definition::pure("pg_cash_div_int", 2, |a| Ok(money::divide(a.int(0)?, a.int(1)?)?.into())),
    Definition::pure("pg_cash_div_float", 2, |a| rounded(quotient(a.int(0)? as f64, a.float(1)?)?)),
    Definition::pure("pg_cash_div_cash", 2, |a| Ok((a.int(0)? as f64 / divisor(a.int(1)? as f64)?).into())),
    Definition::pure("pg_cash_words", 1, |a| Ok(money::words(a.int(0)?).into())),
    Definition::pure("pg_cash_of_int", 1, |a| Ok(money::from_dollars(a.int(0)?)?.into())),
    Definition::pure("pg_cash_of_numeric", 1, of_numeric),
    Definition::pure("pg_cash_numeric", 1, |a| Ok(cents(a.int(0)?).into())),
];

/// The amount, if there is one; 22003.
fn whole(value: Option<i64>) -> Result<Output> {
    let out_of_range = || Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "money out of range");
    Ok(value.ok_or_else(out_of_range)?.into())
}

/// The nearest amount; halves go to the even one (rint).
fn rounded(value: f64) -> Result<Output> {
    let value = value.round_ties_even();
    whole((-END..END).contains(&value).then_some(value as i64))
}

fn divisor(value: f64) -> Result<f64> {
    if value == 0.0 { Err(money::division_by_zero()) } else { Ok(value) }
}

/// The least power of two that is no amount.
const END: f64 = 9_223_372_036_854_775_808.0;

/// Cents as a number of dollars.
fn cents(value: i64) -> String {
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", value.unsigned_abs() / 100, value.unsigned_abs() % 100)
}

/// Dollars to cents, rounded.
fn of_numeric(args: &Args<'_>) -> Result<Output> {
    let value = args.numeric(0)?;
    if value.scale().is_none() {
        let name = if value.is_nan() { "NaN" } else { "infinity" };
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("cannot convert {name} to bigint")));
    }
    let cents = value.mul(&Numeric::parse("100")?)?;
    let out_of_range = || Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range");
    Ok(cents.round(0)?.to_string().parse::<i64>().map_err(|_| out_of_range())?.into())
}
