//! Arithmetic and functions of numeric: exact, over the stored decimal text.
//!
//! The arithmetic itself is `types::numeric`. Specification: functions-math.html, numeric.c.

use super::{Args, Definition, Output};
use crate::error::{Error, Result, SqlState};
use crate::limits::session as limits;
use crate::types::numeric::Numeric;

/// The functions of this area.
#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_numeric_add", 2, |a| two(a, Numeric::add)),
    Definition::pure("pg_numeric_sub", 2, |a| two(a, Numeric::sub)),
    Definition::pure("pg_numeric_mul", 2, |a| two(a, Numeric::mul)),
    Definition::pure("pg_numeric_div", 2, |a| two(a, Numeric::div)),
    Definition::pure("pg_numeric_div_trunc", 2, |a| two(a, Numeric::div_trunc)),
    Definition::pure("pg_numeric_mod", 2, |a| two(a, Numeric::rem)),
    Definition::pure("pg_numeric_power", 2, |a| two(a, Numeric::power)),
    Definition::pure("pg_numeric_log", 2, |a| two(a, |base, x| x.log(base))),
    Definition::pure("pg_numeric_gcd", 2, |a| two(a, common_divisor)),
    Definition::pure("pg_numeric_lcm", 2, |a| two(a, common_multiple)),
    Definition::pure("pg_numeric_uminus", 1, |a| one(a, |x| Ok(x.neg()))),
    Definition::pure("pg_numeric_abs", 1, |a| one(a, |x| Ok(x.abs()))),
    Definition::pure("pg_numeric_sign", 1, |a| one(a, sign)),
    Definition::pure("pg_numeric_ceil", 1, |a| one(a, Numeric::ceil)),
    Definition::pure("pg_numeric_floor", 1, |a| one(a, Numeric::floor)),
    Definition::pure("pg_numeric_sqrt", 1, |a| one(a, Numeric::sqrt)),
    Definition::pure("pg_numeric_exp", 1, |a| one(a, Numeric::exp)),
    Definition::pure("pg_numeric_ln", 1, |a| one(a, Numeric::ln)),
    Definition::pure("pg_numeric_log10", 1, |a| one(a, Numeric::log10)),
    Definition::pure("pg_numeric_trim_scale", 1, |a| one(a, |x| Ok(x.trim_scale()))),
    Definition::pure("pg_numeric_round", 1, |a| one(a, |x| x.round(0))),
    Definition::pure("pg_numeric_round", 2, |a| store(a.numeric(0)?.round(a.int4(1)?)?)),
    Definition::pure("pg_numeric_trunc", 1, |a| one(a, |x| x.trunc(0))),
    Definition::pure("pg_numeric_trunc", 2, |a| store(a.numeric(0)?.trunc(a.int4(1)?)?)),
    Definition::pure("pg_numeric_scale", 1, |a| Ok(a.numeric(0)?.scale().map(i64::from).into())),
    Definition::pure("pg_numeric_min_scale", 1, |a| Ok(a.numeric(0)?.trim_scale().scale().map(i64::from).into())),
    Definition::pure("pg_numeric_fac", 1, |a| factorial(a.int(0)?)),
    Definition::pure("pg_width_bucket_numeric", 4, width_bucket),
    Definition::pure("pg_numeric_int2", 1, |a| Ok(i64::from(a.numeric(0)?.to_i16()?).into())),
    Definition::pure("pg_numeric_int4", 1, |a| Ok(i64::from(a.numeric(0)?.to_i32()?).into())),
    Definition::pure("pg_numeric_int8", 1, |a| Ok(a.numeric(0)?.to_i64()?.into())),
    Definition::pure("pg_numeric_float4", 1, |a| to_float(a, |x| f64::from(x as f32))),
    Definition::pure("pg_numeric_float8", 1, |a| to_float(a, |x| x)),
];

impl Args<'_> {
    /// A numeric argument.
    pub(super) fn numeric(&self, index: usize) -> Result<Numeric> {
        match self.raw(index) {
            rusqlite::types::ValueRef::Integer(i) => Ok(Numeric::from(i)),
            _ => Numeric::parse(&self.text(index)?),
        }
    }
}

fn store(value: Numeric) -> Result<Output> {
    Ok(value.to_string().into())
}

fn one(args: &Args<'_>, operation: fn(&Numeric) -> Result<Numeric>) -> Result<Output> {
    store(operation(&args.numeric(0)?)?)
}

fn two(args: &Args<'_>, operation: fn(&Numeric, &Numeric) -> Result<Numeric>) -> Result<Output> {
    store(operation(&args.numeric(0)?, &args.numeric(1)?)?)
}

fn sign(x: &Numeric) -> Result<Numeric> {
    Ok(if x.is_nan() { Numeric::NaN } else { i64::from(x.signum()).into() })
}

/// What a division of long numbers costs, about.
const DIVISION: usize = 16 << 10;

/// The greatest common divisor at the larger scale of the two; NaN when either is not finite.
fn common_divisor(a: &Numeric, b: &Numeric) -> Result<Numeric> {
    if a.scale().is_none() || b.scale().is_none() {
        return Ok(Numeric::NaN);
    }
    let (mut a, mut b) = (a.abs(), b.abs());
    while b.signum() != 0 {
        limits::work(DIVISION)?;
        let remainder = a.rem(&b)?;
        (a, b) = (b, remainder);
    }
    // The scale of the result is the larger one, also of a zero that never took part in a division.
    a.add(&b)
}

fn common_multiple(a: &Numeric, b: &Numeric) -> Result<Numeric> {
    let divisor = common_divisor(a, b)?;
    if divisor.is_nan() || divisor.signum() == 0 {
        return Ok(divisor);
    }
    let scale = a.scale().max(b.scale()).unwrap_or(0);
    a.div_trunc(&divisor)?.mul(b)?.abs().round(i32::try_from(scale).unwrap_or(0))
}

fn factorial(n: i64) -> Result<Output> {
    if n < 0 {
        return Err(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "factorial of a negative number is undefined"));
    }
    if n > 32_177 {
        return Err(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value overflows numeric format"));
    }
    let mut product = num_bigint::BigInt::from(1);
    for factor in 2..=n {
        product *= factor;
        limits::work(usize::try_from(product.bits() / 8).unwrap_or(usize::MAX))?;
    }
    Ok(product.to_string().into())
}

fn width_bucket(args: &Args<'_>) -> Result<Output> {
    let (operand, low, high, count) = (args.numeric(0)?, args.numeric(1)?, args.numeric(2)?, args.int(3)?);
    let error = |what| Err(Error::new(SqlState::INVALID_ARGUMENT_FOR_WIDTH_BUCKET_FUNCTION, what));
    if count <= 0 {
        return error("count must be greater than zero");
    }
    if operand.is_nan() || low.is_nan() || high.is_nan() {
        return error("operand, lower bound, and upper bound cannot be NaN");
    }
    if low.scale().is_none() || high.scale().is_none() {
        return error("lower and upper bounds must be finite");
    }
    if low == high {
        return error("lower bound cannot equal upper bound");
    }
    let (below, above) = if low < high { (operand < low, operand >= high) } else { (operand > low, operand <= high) };
    Ok(match (below, above) {
        (true, _) => 0.into(),
        (_, true) => (count + 1).into(),
        _ => {
            let part = operand.sub(&low)?.abs().mul(&Numeric::from(count))?;
            let bucket = part.div_trunc(&high.sub(&low)?.abs())?.to_i64()?;
            (bucket + 1).into()
        }
    })
}

/// 22003 when a finite numeric is too large for the float.
fn to_float(args: &Args<'_>, narrow: fn(f64) -> f64) -> Result<Output> {
    let value = args.numeric(0)?;
    let float = narrow(value.to_f64());
    if float.is_infinite() && value.scale().is_some() {
        return Err(Error::new(
            SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
            format!("\"{value}\" is out of range for type double precision"),
        ));
    }
    Ok(float.into())
}

#[cfg(test)]
mod tests {
    use crate::engine::functions::tests::assert_values;

    #[test]
    fn numerics_keep_their_scale() {
        assert_values(&[
            ("pg_numeric_add('1.50', '2.5')", "4.00"),
            ("pg_numeric_div('1', '3')", "0.33333333333333333333"),
            ("pg_numeric_round('2.5')", "3"),
            ("pg_numeric_round('-1234.567', -2)", "-1200"),
            ("pg_numeric_mod('-7.5', '2')", "-1.5"),
            ("pg_numeric_gcd('330.3', '462')", "0.3"),
            ("pg_numeric_lcm('330.3', '462')", "508662.0"),
            ("pg_numeric_fac(20)", "2432902008176640000"),
            ("pg_numeric_int4('2147483647.5')", "22003 integer out of range"),
            ("pg_numeric_div('1', '0.0')", "22012 division by zero"),
        ]);
    }
}
