//! Arithmetic of smallint, integer, bigint and oid: range-checked, because SQLite's own would turn into REAL.
//!
//! Specification: functions-math.html; errors as in int.c and int8.c.

use super::{Args, Definition, Output};
use crate::error::{Error, Result, SqlState};

/// The functions of this area.
#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_int2pl", 2, |a| width2(sum(a)?)).quick(|a, b| fits2(a.checked_add(b)?)),
    Definition::pure("pg_int4pl", 2, |a| width4(sum(a)?)).quick(|a, b| fits4(a.checked_add(b)?)),
    Definition::pure("pg_int8pl", 2, |a| width8(sum(a)?)).quick(|a, b| fits8(a.checked_add(b)?)),
    Definition::pure("pg_int2mi", 2, |a| width2(difference(a)?)).quick(|a, b| fits2(a.checked_sub(b)?)),
    Definition::pure("pg_int4mi", 2, |a| width4(difference(a)?)).quick(|a, b| fits4(a.checked_sub(b)?)),
    Definition::pure("pg_int8mi", 2, |a| width8(difference(a)?)).quick(|a, b| fits8(a.checked_sub(b)?)),
    Definition::pure("pg_int2mul", 2, |a| width2(product(a)?)).quick(|a, b| fits2(a.checked_mul(b)?)),
    Definition::pure("pg_int4mul", 2, |a| width4(product(a)?)).quick(|a, b| fits4(a.checked_mul(b)?)),
    Definition::pure("pg_int8mul", 2, |a| width8(product(a)?)).quick(|a, b| fits8(a.checked_mul(b)?)),
    Definition::pure("pg_int2div", 2, |a| width2(quotient(a)?)).quick(|a, b| fits2(a.checked_div(b)?)),
    Definition::pure("pg_int4div", 2, |a| width4(quotient(a)?)).quick(|a, b| fits4(a.checked_div(b)?)),
    Definition::pure("pg_int8div", 2, |a| width8(quotient(a)?)).quick(|a, b| fits8(a.checked_div(b)?)),
    Definition::pure("pg_int2mod", 2, remainder).quick(quick_remainder),
    Definition::pure("pg_int4mod", 2, remainder).quick(quick_remainder),
    Definition::pure("pg_int8mod", 2, remainder).quick(quick_remainder),
    Definition::pure("pg_int2um", 1, |a| width2(a.int(0)?.checked_neg())),
    Definition::pure("pg_int4um", 1, |a| width4(a.int(0)?.checked_neg())),
    Definition::pure("pg_int8um", 1, |a| width8(a.int(0)?.checked_neg())),
    Definition::pure("pg_int2abs", 1, |a| width2(a.int(0)?.checked_abs())),
    Definition::pure("pg_int4abs", 1, |a| width4(a.int(0)?.checked_abs())),
    Definition::pure("pg_int8abs", 1, |a| width8(a.int(0)?.checked_abs())),
    Definition::pure("pg_intxor", 2, |a| Ok((a.int(0)? ^ a.int(1)?).into())),
    Definition::pure("pg_int2shl", 2, |a| Ok(i32::wrapping_shl(a.int(0)? as i32, shift(a)?).cast_to_i16())),
    Definition::pure("pg_int4shl", 2, |a| Ok((a.int(0)? as i32).wrapping_shl(shift(a)?).into())),
    Definition::pure("pg_int8shl", 2, |a| Ok(a.int(0)?.wrapping_shl(shift(a)?).into())),
    Definition::pure("pg_int2shr", 2, |a| Ok((a.int(0)? as i32).wrapping_shr(shift(a)?).cast_to_i16())),
    Definition::pure("pg_int4shr", 2, |a| Ok((a.int(0)? as i32).wrapping_shr(shift(a)?).into())),
    Definition::pure("pg_int8shr", 2, |a| Ok(a.int(0)?.wrapping_shr(shift(a)?).into())),
    Definition::pure("pg_int4gcd", 2, |a| width4(common_divisor(a.int(0)?, a.int(1)?))),
    Definition::pure("pg_int8gcd", 2, |a| width8(common_divisor(a.int(0)?, a.int(1)?))),
    Definition::pure("pg_int4lcm", 2, |a| width4(common_multiple(a.int(0)?, a.int(1)?))),
    Definition::pure("pg_int8lcm", 2, |a| width8(common_multiple(a.int(0)?, a.int(1)?))),
    Definition::pure("pg_to_int2", 1, |a| width2(Some(a.int(0)?))),
    Definition::pure("pg_to_int4", 1, |a| width4(Some(a.int(0)?))),
    Definition::pure("pg_to_oid", 1, to_oid),
    Definition::pure("pg_to_hex", 1, |a| Ok(format!("{:x}", a.int(0)?).into())),
    Definition::pure("pg_to_hex32", 1, |a| Ok(format!("{:x}", a.int(0)? as i32).into())),
];

/// 22003 for an integer type.
pub(super) fn out_of_range(type_name: &str) -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, format!("{type_name} out of range"))
}

/// 22012.
pub(super) fn division_by_zero() -> Error {
    Error::new(SqlState::DIVISION_BY_ZERO, "division by zero")
}

fn fits2(value: i64) -> Option<i64> {
    i16::try_from(value).ok().map(i64::from)
}

fn fits4(value: i64) -> Option<i64> {
    i32::try_from(value).ok().map(i64::from)
}

fn fits8(value: i64) -> Option<i64> {
    Some(value)
}

fn quick_remainder(value: i64, divisor: i64) -> Option<i64> {
    (divisor != 0).then(|| value.wrapping_rem(divisor))
}

#[inline]
fn width2(value: Option<i64>) -> Result<Output> {
    let fits = value.filter(|v| i16::try_from(*v).is_ok());
    fits.map(Output::from).ok_or_else(|| out_of_range("smallint"))
}

#[inline]
fn width4(value: Option<i64>) -> Result<Output> {
    let fits = value.filter(|v| i32::try_from(*v).is_ok());
    fits.map(Output::from).ok_or_else(|| out_of_range("integer"))
}

#[inline]
fn width8(value: Option<i64>) -> Result<Output> {
    value.map(Output::from).ok_or_else(|| out_of_range("bigint"))
}

fn sum(args: &Args<'_>) -> Result<Option<i64>> {
    Ok(args.int(0)?.checked_add(args.int(1)?))
}

fn difference(args: &Args<'_>) -> Result<Option<i64>> {
    Ok(args.int(0)?.checked_sub(args.int(1)?))
}

fn product(args: &Args<'_>) -> Result<Option<i64>> {
    Ok(args.int(0)?.checked_mul(args.int(1)?))
}

fn quotient(args: &Args<'_>) -> Result<Option<i64>> {
    match args.int(1)? {
        0 => Err(division_by_zero()),
        divisor => Ok(args.int(0)?.checked_div(divisor)),
    }
}

fn remainder(args: &Args<'_>) -> Result<Output> {
    match args.int(1)? {
        0 => Err(division_by_zero()),
        divisor => Ok(args.int(0)?.wrapping_rem(divisor).into()),
    }
}

/// The distance of a shift; the machine takes it modulo the width, as PostgreSQL's C does.
fn shift(args: &Args<'_>) -> Result<u32> {
    Ok(args.int(1)? as u32)
}

/// A smallint shift happens in 32 bits and is cut afterwards.
trait CutToSmallint {
    fn cast_to_i16(self) -> Output;
}

impl CutToSmallint for i32 {
    fn cast_to_i16(self) -> Output {
        i64::from(self as i16).into()
    }
}

fn common_divisor(a: i64, b: i64) -> Option<i64> {
    let (mut a, mut b) = (a.unsigned_abs(), b.unsigned_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    i64::try_from(a).ok()
}

fn common_multiple(a: i64, b: i64) -> Option<i64> {
    if a == 0 || b == 0 {
        return Some(0);
    }
    (a / common_divisor(a, b)?).checked_mul(b)?.checked_abs()
}

fn to_oid(args: &Args<'_>) -> Result<Output> {
    let value = args.int(0)?;
    u32::try_from(value).map(|oid| i64::from(oid).into()).map_err(|_| out_of_range("OID"))
}

#[cfg(test)]
mod tests {
    use crate::engine::functions::tests::assert_values;

    #[test]
    fn integers_stay_in_their_range() {
        assert_values(&[
            ("pg_int4pl(2147483646, 1)", "2147483647"),
            ("pg_int4pl(2147483647, 1)", "22003 integer out of range"),
            ("pg_int2mul(-32768, -1)", "22003 smallint out of range"),
            ("pg_int8um(-9223372036854775808)", "22003 bigint out of range"),
            ("pg_int4div(-7, 2)", "-3"),
            ("pg_int4div(-2147483648, -1)", "22003 integer out of range"),
            ("pg_int8div(1, 0)", "22012 division by zero"),
            ("pg_int4mod(-7, 2)", "-1"),
            ("pg_int8mod(-9223372036854775808, -1)", "0"),
            ("pg_int4shl(1, 33)", "2"),
            ("pg_int2shl(1, 15)", "-32768"),
            ("pg_int4pl(NULL, 1)", "NULL"),
            ("pg_int8mi(9, NULL)", "NULL"),
            ("pg_int4pl('7', 1)", "8"),
            ("pg_int4pl('x', 1)", "22P02 invalid input syntax for type bigint: \"x\""),
            ("pg_int2pl(32767, 1)", "22003 smallint out of range"),
            ("pg_int8mul(9223372036854775807, 2)", "22003 bigint out of range"),
            ("pg_int4mod(1, 0)", "22012 division by zero"),
            ("pg_int8lcm(330, 462)", "2310"),
        ]);
    }
}
