//! Arithmetic and functions of real and double precision.
//!
//! Specification: functions-math.html; errors as in float.c: 22003 for overflow and underflow, 22012, 2201E, 2201F.
//! A NaN result is stored as the text 'NaN' (see `types::pg_type::Scalar::Float8`), which [`Output`] takes care of.

use std::f64::consts::PI;

use super::integer::{division_by_zero, out_of_range};
use super::{Args, Definition, Output};
use crate::error::{Error, Result, SqlState};
use crate::types::numeric::Numeric;

/// The functions of this area.
#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_float4pl", 2, |a| single(a, |x, y| Ok(x + y), never)),
    Definition::pure("pg_float4mi", 2, |a| single(a, |x, y| Ok(x - y), never)),
    Definition::pure("pg_float4mul", 2, |a| single(a, |x, y| Ok(x * y), |x, y| x != 0.0 && y != 0.0)),
    Definition::pure("pg_float4div", 2, |a| single(a, divide, |x, y| x != 0.0 && !y.is_infinite())),
    Definition::pure("pg_float8pl", 2, |a| double(a, |x, y| Ok(x + y), never)),
    Definition::pure("pg_float8mi", 2, |a| double(a, |x, y| Ok(x - y), never)),
    Definition::pure("pg_float8mul", 2, |a| double(a, |x, y| Ok(x * y), |x, y| x != 0.0 && y != 0.0)),
    Definition::pure("pg_float8div", 2, |a| double(a, divide, |x, y| x != 0.0 && !y.is_infinite())),
    Definition::pure("pg_float4um", 1, |a| Ok((-a.float(0)?).into())),
    Definition::pure("pg_float8um", 1, |a| Ok((-a.float(0)?).into())),
    Definition::pure("pg_float4abs", 1, |a| Ok(a.float(0)?.abs().into())),
    Definition::pure("pg_float8abs", 1, |a| Ok(a.float(0)?.abs().into())),
    Definition::pure("pg_dceil", 1, |a| Ok(a.float(0)?.ceil().into())),
    Definition::pure("pg_dfloor", 1, |a| Ok(a.float(0)?.floor().into())),
    Definition::pure("pg_dround", 1, |a| Ok(a.float(0)?.round_ties_even().into())),
    Definition::pure("pg_dtrunc", 1, |a| Ok(a.float(0)?.trunc().into())),
    Definition::pure("pg_dsign", 1, |a| Ok(sign(a.float(0)?).into())),
    Definition::pure("pg_dsqrt", 1, |a| square_root(a.float(0)?)),
    Definition::pure("pg_dcbrt", 1, |a| Ok(cube_root(a.float(0)?).into())),
    Definition::pure("pg_dexp", 1, |a| { let x = a.float(0)?; checked(x.exp(), x.is_infinite(), x.is_infinite()) }),
    Definition::pure("pg_dlog1", 1, |a| logarithm(a.float(0)?, f64::ln)),
    Definition::pure("pg_dlog10", 1, |a| logarithm(a.float(0)?, f64::log10)),
    Definition::pure("pg_dpow", 2, |a| power(a.float(0)?, a.float(1)?)),
    Definition::pure("pg_dsin", 1, |a| periodic(a, f64::sin)),
    Definition::pure("pg_dcos", 1, |a| periodic(a, f64::cos)),
    Definition::pure("pg_dtan", 1, |a| periodic(a, f64::tan)),
    Definition::pure("pg_dcot", 1, |a| periodic(a, |x| 1.0 / x.tan())),
    Definition::pure("pg_dasin", 1, |a| within(a, -1.0, 1.0, f64::asin)),
    Definition::pure("pg_dacos", 1, |a| within(a, -1.0, 1.0, f64::acos)),
    Definition::pure("pg_datan", 1, |a| Ok(a.float(0)?.atan().into())),
    Definition::pure("pg_datan2", 2, |a| Ok(a.float(0)?.atan2(a.float(1)?).into())),
    Definition::pure("pg_dsinh", 1, |a| Ok(a.float(0)?.sinh().into())),
    Definition::pure("pg_dcosh", 1, |a| Ok(a.float(0)?.cosh().into())),
    Definition::pure("pg_dtanh", 1, |a| Ok(a.float(0)?.tanh().into())),
    Definition::pure("pg_dasinh", 1, |a| Ok(asinh(a.float(0)?).into())),
    Definition::pure("pg_dacosh", 1, |a| within(a, 1.0, f64::INFINITY, acosh)),
    Definition::pure("pg_datanh", 1, |a| within(a, -1.0, 1.0, atanh)),
    Definition::pure("pg_dpi", 0, |_| Ok(PI.into())),
    Definition::pure("pg_degrees", 1, |a| { let x = a.float(0)?; checked(x / (PI / 180.0), x.is_infinite(), true) }),
    Definition::pure("pg_radians", 1, |a| Ok((a.float(0)? * (PI / 180.0)).into())),
    Definition::pure("pg_width_bucket_float8", 4, width_bucket),
    Definition::stable("pg_drandom", 0, random).taped(),
    Definition::stable("pg_setseed", 1, set_seed).taped(),
    Definition::pure("pg_to_float4", 1, to_single),
    Definition::pure("pg_float_int2", 1, |a| to_integer(a.float(0)?, i16::MIN.into(), i16::MAX.into(), "smallint")),
    Definition::pure("pg_float_int4", 1, |a| to_integer(a.float(0)?, i32::MIN.into(), i32::MAX.into(), "integer")),
    Definition::pure("pg_float_int8", 1, |a| to_integer(a.float(0)?, i64::MIN, i64::MAX, "bigint")),
    Definition::pure("pg_float4_numeric", 1, |a| Ok(Numeric::from_f32(a.float(0)? as f32).to_string().into())),
    Definition::pure("pg_float8_numeric", 1, |a| Ok(Numeric::from_f64(a.float(0)?).to_string().into())),
];

fn overflow() -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow")
}

fn underflow() -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: underflow")
}

/// Gives a result unless it is infinite or zero without a right to be.
#[inline]
fn checked(result: f64, may_be_infinite: bool, may_be_zero: bool) -> Result<Output> {
    verified(result, may_be_infinite, may_be_zero).map(Into::into)
}

#[inline]
fn verified(result: f64, may_be_infinite: bool, may_be_zero: bool) -> Result<f64> {
    if result.is_infinite() && !may_be_infinite {
        return Err(overflow());
    }
    if result == 0.0 && !may_be_zero {
        return Err(underflow());
    }
    Ok(result)
}

/// From 0 up to 1: after setseed() the numbers that PostgreSQL gives (xoroshiro128ss in pg_prng.c), else by chance.
fn random(args: &Args<'_>) -> Result<Output> {
    let seeded = args.slot().with_session(|session| {
        Ok(session.seeded.as_mut().map(|[a, b]| {
            let (first, mixed) = (*a, *b ^ *a);
            *a = first.rotate_left(24) ^ mixed ^ mixed << 16;
            *b = mixed.rotate_left(37);
            first.wrapping_mul(5).rotate_left(7).wrapping_mul(9)
        }))
    });
    Ok(match seeded {
        Ok(Some(bits)) => (bits >> 12) as f64 / (1_u64 << 52) as f64,
        _ => rand::random::<f64>(),
    }
    .into())
}

/// setseed(from -1 to 1): pg_prng_fseed.
fn set_seed(args: &Args<'_>) -> Result<Output> {
    let seed = args.float(0)?;
    if !(-1.0..=1.0).contains(&seed) {
        let shown = crate::types::number_text::general(seed, 6);
        let message = format!("setseed parameter {shown} is out of allowed range [-1,1]");
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    let mut state = (((1_u64 << 52) - 1) as f64 * seed) as i64 as u64;
    let mut split = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    };
    let seeded = [split(), split()];
    args.slot().with_session(|session| {
        session.seeded = Some(seeded);
        Ok(Output::Static(""))
    })
}

/// The inverse hyperbolic functions by the C library's formulas, to the last digit.
fn asinh(x: f64) -> f64 {
    let (a, square) = (x.abs(), x * x);
    let value = match a {
        a if !a.is_finite() || a < 2f64.powi(-28) => return x,
        a if a > 2f64.powi(28) => a.ln() + std::f64::consts::LN_2,
        a if a > 2.0 => (2.0 * a + 1.0 / ((square + 1.0).sqrt() + a)).ln(),
        a => (a + square / (1.0 + (1.0 + square).sqrt())).ln_1p(),
    };
    value.copysign(x)
}

fn acosh(x: f64) -> f64 {
    if x > 2f64.powi(28) {
        return x.ln() + std::f64::consts::LN_2;
    }
    if x > 2.0 {
        return (2.0 * x - 1.0 / (x + (x * x - 1.0).sqrt())).ln();
    }
    let above = x - 1.0;
    (above + (2.0 * above + above * above).sqrt()).ln_1p()
}

fn atanh(x: f64) -> f64 {
    let a = x.abs();
    let twice = a + a;
    let value = if a < 0.5 { twice + twice * a / (1.0 - a) } else { twice / (1.0 - a) };
    if a < 2f64.powi(-28) { x } else { (0.5 * value.ln_1p()).copysign(x) }
}

type Operation = fn(f64, f64) -> Result<f64>;
/// Whether a result of zero for these operands means that it was too small to be represented.
type Underflows = fn(f64, f64) -> bool;

fn never(_: f64, _: f64) -> bool {
    false
}

/// x / y as float8_div has it.
pub(super) fn quotient(x: f64, y: f64) -> Result<f64> {
    let value = divide(x, y)?;
    verified(value, x.is_infinite() || y.is_infinite(), x == 0.0 || y.is_infinite())
}

/// x * y as float8_mul has it.
pub(super) fn product(x: f64, y: f64) -> Result<f64> {
    verified(x * y, x.is_infinite() || y.is_infinite(), x == 0.0 || y == 0.0)
}

fn divide(x: f64, y: f64) -> Result<f64> {
    if y == 0.0 && !x.is_nan() { Err(division_by_zero()) } else { Ok(x / y) }
}

#[inline]
fn double(args: &Args<'_>, operation: Operation, underflows: Underflows) -> Result<Output> {
    let (x, y) = (args.float(0)?, args.float(1)?);
    checked(operation(x, y)?, x.is_infinite() || y.is_infinite(), !underflows(x, y))
}

/// In single precision: a double holds the exact sum, product or enough of the quotient of two singles, so rounding
/// its result once more is what single arithmetic gives.
fn single(args: &Args<'_>, operation: Operation, underflows: Underflows) -> Result<Output> {
    let (x, y) = (args.float(0)?, args.float(1)?);
    let result = f64::from(operation(x, y)? as f32);
    checked(result, x.is_infinite() || y.is_infinite(), !underflows(x, y))
}

fn sign(x: f64) -> f64 {
    if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else {
        // PostgreSQL says so of NaN too.
        0.0
    }
}

fn square_root(x: f64) -> Result<Output> {
    if x < 0.0 {
        return Err(Error::new(
            SqlState::INVALID_ARGUMENT_FOR_POWER_FUNCTION,
            "cannot take square root of a negative number",
        ));
    }
    Ok(x.sqrt().into())
}

fn logarithm(x: f64, function: fn(f64) -> f64) -> Result<Output> {
    let error = |what| Err(Error::new(SqlState::INVALID_ARGUMENT_FOR_LOGARITHM, what));
    if x == 0.0 {
        return error("cannot take logarithm of zero");
    }
    if x < 0.0 {
        return error("cannot take logarithm of a negative number");
    }
    Ok(function(x).into())
}

fn power(base: f64, exponent: f64) -> Result<Output> {
    let error = |what| Err(Error::new(SqlState::INVALID_ARGUMENT_FOR_POWER_FUNCTION, what));
    if base == 0.0 && exponent < 0.0 {
        return error("zero raised to a negative power is undefined");
    }
    if base < 0.0 && exponent.is_finite() && exponent.fract() != 0.0 {
        return error("a negative number raised to a non-integer power yields a complex result");
    }
    let special = base.is_infinite() || exponent.is_infinite();
    checked(base.powf(exponent), special, special || base == 0.0)
}

fn input_out_of_range() -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "input is out of range")
}

fn periodic(args: &Args<'_>, function: fn(f64) -> f64) -> Result<Output> {
    let x = args.float(0)?;
    if x.is_infinite() { Err(input_out_of_range()) } else { Ok(function(x).into()) }
}

fn within(args: &Args<'_>, least: f64, most: f64, function: fn(f64) -> f64) -> Result<Output> {
    let x = args.float(0)?;
    if x < least || x > most { Err(input_out_of_range()) } else { Ok(function(x).into()) }
}

fn width_bucket(args: &Args<'_>) -> Result<Output> {
    let (operand, low, high, count) = (args.float(0)?, args.float(1)?, args.float(2)?, args.int(3)?);
    let error = |what| Err(Error::new(SqlState::INVALID_ARGUMENT_FOR_WIDTH_BUCKET_FUNCTION, what));
    if count <= 0 {
        return error("count must be greater than zero");
    }
    if operand.is_nan() || low.is_nan() || high.is_nan() {
        return error("operand, lower bound, and upper bound cannot be NaN");
    }
    if low.is_infinite() || high.is_infinite() {
        return error("lower and upper bounds must be finite");
    }
    if low == high {
        return error("lower bound cannot equal upper bound");
    }
    let (below, above) = if low < high { (operand < low, operand >= high) } else { (operand > low, operand <= high) };
    let bucket = match (below, above) {
        (true, _) => 0,
        (_, true) => count + 1,
        _ => ((operand - low) / (high - low) * count as f64) as i64 + 1,
    };
    if i32::try_from(bucket).is_err() { Err(out_of_range("integer")) } else { Ok(bucket.into()) }
}

fn to_single(args: &Args<'_>) -> Result<Output> {
    let x = args.float(0)?;
    checked(f64::from(x as f32), x.is_infinite(), x == 0.0)
}

/// Rounds half to even, as rint() does; 22003 beyond the type's range.
fn to_integer(x: f64, min: i64, max: i64, type_name: &str) -> Result<Output> {
    let rounded = x.round_ties_even();
    // The limits are powers of two, so that `max + 1` is exact as a float and `max` need not be.
    if rounded.is_nan() || rounded < min as f64 || rounded >= -(min as f64) {
        return Err(out_of_range(type_name));
    }
    debug_assert_eq!(min, -1 - max);
    Ok((rounded as i64).into())
}

/// cbrt() of the C library that PostgreSQL is mostly built with (glibc's s_cbrt.c), whose last digit is not the best one:
/// that of 27 is 3.0000000000000004.
fn cube_root(x: f64) -> f64 {
    const CBRT2: f64 = 1.259_921_049_894_873_2;
    const SQR_CBRT2: f64 = 1.587_401_051_968_199_5;
    if x == 0.0 || !x.is_finite() {
        return x;
    }
    let (mantissa, exponent) = parts(x.abs());
    let u = 0.354_895_765_043_919_84
        + ((1.508_191_937_815_849
            - ((2.114_994_941_673_713
                - ((2.446_931_225_635_344_4
                    - ((1.834_692_774_836_130_8
                        - (0.784_932_344_976_639_2 - 0.145_263_899_385_486_37 * mantissa) * mantissa)
                        * mantissa))
                    * mantissa))
                * mantissa))
            * mantissa);
    let cube = u * u * u;
    let factor = match exponent % 3 {
        -2 => 1.0 / SQR_CBRT2,
        -1 => 1.0 / CBRT2,
        1 => CBRT2,
        2 => SQR_CBRT2,
        _ => 1.0,
    };
    let root = u * (cube + 2.0 * mantissa) / (2.0 * cube + mantissa) * factor;
    (root * 2f64.powi(exponent / 3)).copysign(x)
}

/// frexp of a positive number: one of 0.5 up to 1, and the power of two it is to be multiplied by.
fn parts(x: f64) -> (f64, i32) {
    let (x, below) = if x < f64::MIN_POSITIVE { (x * 2f64.powi(54), -54) } else { (x, 0) };
    let bits = x.to_bits();
    let exponent = i32::try_from(bits >> 52).unwrap_or(0) - 1022;
    (f64::from_bits(bits & !(0x7ff << 52) | 1022 << 52), exponent + below)
}

#[cfg(test)]
mod tests {
    use crate::engine::functions::tests::assert_values;

    #[test]
    fn floats_know_their_limits() {
        assert_values(&[
            ("pg_float8pl(0.1, 0.2)", "0.30000000000000004"),
            ("pg_float8mul(1e308, 10.0)", "22003 value out of range: overflow"),
            ("pg_float8mul(1e-308, 1e-308)", "22003 value out of range: underflow"),
            ("pg_float8div(1.0, 0.0)", "22012 division by zero"),
            ("pg_float8div('NaN', 0.0)", "NaN"),
            ("pg_float8mi(9e999, 9e999)", "NaN"),
            ("pg_float4pl(16777216.0, 1.0)", "16777216.0"),
            ("pg_dround(2.5)", "2.0"),
            ("pg_dsqrt(-1.0)", "2201F cannot take square root of a negative number"),
            ("pg_dlog1(0.0)", "2201E cannot take logarithm of zero"),
            ("pg_dpow(-8.0, 0.5)", "2201F a negative number raised to a non-integer power yields a complex result"),
            ("pg_float_int4(2.5)", "2"),
            ("pg_float_int4(2147483647.6)", "22003 integer out of range"),
            ("pg_float_int8(9.3e18)", "22003 bigint out of range"),
            ("pg_float8_numeric(0.1)", "0.1"),
            ("pg_to_float4(1e40)", "22003 value out of range: overflow"),
        ]);
    }
}
