//! The transition and final functions of PostgreSQL's own aggregates, called as functions; and what window frames ask of
//! a type (in_range).
//!
//! Specification: float8_accum and what follows it in float.c; int4_avg_accum and its kin in numeric.c; in_range of every
//! type's own file. The aggregates themselves are `aggregate`.

use super::arrays::array;
use super::datetime::interval;
use super::elements::Typed;
use super::{Args, Definition, Output};
use crate::error::{Error, Result, SqlState};
use crate::types::datetime::{Date, Stored, Time, TimeTz, Timestamp, TimestampTz};
use crate::types::interval::Interval;
use crate::types::numeric::Numeric;
use crate::types::pg_type::Scalar;

/// The functions of this area.
#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_float8_accum", 2, |a| accumulate(a, "float8_accum")),
    Definition::pure("pg_float4_accum", 2, |a| accumulate(a, "float4_accum")),
    Definition::pure("pg_float8_combine", 2, combine),
    Definition::pure("pg_float8_avg", 1, |a| { let [n, sx, _] = floats(a, 0, "float8_avg")?; Ok(if n == 0.0 { None } else { Some(sx / n) }.into()) }),
    Definition::pure("pg_float8_var_pop", 1, |a| { let [n, _, sxx] = floats(a, 0, "float8_var_pop")?; Ok(if n == 0.0 { None } else { Some(sxx / n) }.into()) }),
    Definition::pure("pg_float8_var_samp", 1, |a| { let [n, _, sxx] = floats(a, 0, "float8_var_samp")?; Ok(if n <= 1.0 { None } else { Some(sxx / (n - 1.0)) }.into()) }),
    Definition::pure("pg_float8_stddev_pop", 1, |a| { let [n, _, sxx] = floats(a, 0, "float8_stddev_pop")?; Ok(if n == 0.0 { None } else { Some((sxx / n).sqrt()) }.into()) }),
    Definition::pure("pg_float8_stddev_samp", 1, |a| { let [n, _, sxx] = floats(a, 0, "float8_stddev_samp")?; Ok(if n <= 1.0 { None } else { Some((sxx / (n - 1.0)).sqrt()) }.into()) }),
    Definition::pure("pg_float8_regr_accum", 3, regression),
    Definition::pure("pg_float8_regr_combine", 2, combine_regressions),
    Definition::pure("pg_float8_regr_sxx", 1, |a| of_pairs(a, "float8_regr_sxx", |p| Some(p.sxx))),
    Definition::pure("pg_float8_regr_syy", 1, |a| of_pairs(a, "float8_regr_syy", |p| Some(p.syy))),
    Definition::pure("pg_float8_regr_sxy", 1, |a| of_pairs(a, "float8_regr_sxy", |p| Some(p.sxy))),
    Definition::pure("pg_float8_regr_avgx", 1, |a| of_pairs(a, "float8_regr_avgx", |p| Some(p.sx / p.n))),
    Definition::pure("pg_float8_regr_avgy", 1, |a| of_pairs(a, "float8_regr_avgy", |p| Some(p.sy / p.n))),
    Definition::pure("pg_float8_covar_pop", 1, |a| of_pairs(a, "float8_covar_pop", |p| Some(p.sxy / p.n))),
    Definition::pure("pg_float8_covar_samp", 1, |a| of_pairs(a, "float8_covar_samp", |p| (p.n >= 2.0).then(|| p.sxy / (p.n - 1.0)))),
    Definition::pure("pg_float8_corr", 1, |a| of_pairs(a, "float8_corr", |p| (p.sxx != 0.0 && p.syy != 0.0).then(|| p.sxy / (p.sxx * p.syy).sqrt()))),
    Definition::pure("pg_float8_regr_r2", 1, |a| of_pairs(a, "float8_regr_r2", |p| match (p.sxx == 0.0, p.syy == 0.0) {
        (true, _) => None,
        (_, true) => Some(1.0),
        _ => Some((p.sxy * p.sxy) / (p.sxx * p.syy)),
    })),
    Definition::pure("pg_float8_regr_slope", 1, |a| of_pairs(a, "float8_regr_slope", |p| (p.sxx != 0.0).then(|| p.sxy / p.sxx))),
    Definition::pure("pg_float8_regr_intercept", 1, |a| of_pairs(a, "float8_regr_intercept", |p| (p.sxx != 0.0).then(|| (p.sy - p.sx * p.sxy / p.sxx) / p.n))),
    Definition::pure("pg_int_sum", 2, |a| Ok(match (a.is_null(0), a.is_null(1)) {
        (true, true) => Output::NULL,
        (true, false) => Output::Argument(1),
        (false, true) => Output::Argument(0),
        _ => a.int(0)?.wrapping_add(a.int(1)?).into(),
    })).called_on_null(),
    Definition::pure("pg_int_avg_accum", 2, |a| { let [n, sum] = integers(a)?; stored(&[n.wrapping_add(1), sum.wrapping_add(a.int(1)?)]) }),
    Definition::pure("pg_int_avg_accum_inv", 2, |a| { let [n, sum] = integers(a)?; stored(&[n.wrapping_sub(1), sum.wrapping_sub(a.int(1)?)]) }),
    Definition::pure("pg_int_avg_combine", 2, |_| Err(internal("aggregate function called in non-aggregate context"))),
    Definition::pure("pg_int_sum_of_avg", 1, |a| { let [n, sum] = integers(a)?; Ok(if n == 0 { None } else { Some(sum) }.into()) }),
    Definition::pure("pg_int8_avg", 1, average),
    Definition::pure("pg_in_range", 6, in_range),
];

fn internal(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(SqlState::INTERNAL_ERROR, message)
}

fn overflow() -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow")
}

/// A transition value of so many floats (check_float8_array).
fn floats<const N: usize>(args: &Args<'_>, index: usize, caller: &str) -> Result<[f64; N]> {
    let wrong = || internal(format!("{caller}: expected {N}-element float8 array"));
    let values = array(args, index)?;
    let float = |value: &serde_json::Value| match value {
        serde_json::Value::Number(number) => number.as_f64(),
        serde_json::Value::String(text) => crate::types::number_text::parse_float8(text).ok(),
        _ => None,
    };
    let values: Vec<f64> = values.iter().map(|value| float(value).ok_or_else(wrong)).collect::<Result<_>>()?;
    values.try_into().map_err(|_| wrong())
}

/// An array of them in stored form.
fn put(values: &[f64]) -> Result<Output> {
    let mut out = String::from("[");
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        let value = if value.is_nan() {
            crate::types::value::ValueRef::Text("NaN")
        } else {
            crate::types::value::ValueRef::Real(*value)
        };
        crate::types::array::push_element(&mut out, Scalar::Float8, value)?;
    }
    out.push(']');
    Ok(out.into())
}

/// The Youngs-Cramer algorithm: number, sum, and the sum of the squares of distances from the mean.
fn accumulate(args: &Args<'_>, caller: &str) -> Result<Output> {
    let [n_before, sx_before, mut sxx] = floats(args, 0, caller)?;
    let value = args.float(1)?;
    let (n, sx) = (n_before + 1.0, sx_before + value);
    if n_before > 0.0 {
        let distance = value * n - sx;
        sxx += distance * distance / (n * n_before);
        if sx.is_infinite() || sxx.is_infinite() {
            if !sx_before.is_infinite() && !value.is_infinite() {
                return Err(overflow());
            }
            sxx = f64::NAN;
        }
    } else if !value.is_finite() {
        sxx = f64::NAN;
    }
    put(&[n, sx, sxx])
}

/// The sum, which may be infinite only if an operand is.
fn sum(a: f64, b: f64) -> Result<f64> {
    let sum = a + b;
    if sum.is_infinite() && !a.is_infinite() && !b.is_infinite() { Err(overflow()) } else { Ok(sum) }
}

fn combine(args: &Args<'_>) -> Result<Output> {
    let [n1, sx1, sxx1] = floats(args, 0, "float8_combine")?;
    let [n2, sx2, sxx2] = floats(args, 1, "float8_combine")?;
    if n1 == 0.0 {
        return put(&[n2, sx2, sxx2]);
    }
    if n2 == 0.0 {
        return put(&[n1, sx1, sxx1]);
    }
    let (n, sx) = (n1 + n2, sum(sx1, sx2)?);
    let distance = sx1 / n1 - sx2 / n2;
    let sxx = sxx1 + sxx2 + n1 * n2 * distance * distance / n;
    if sxx.is_infinite() && !sxx1.is_infinite() && !sxx2.is_infinite() {
        return Err(overflow());
    }
    put(&[n, sx, sxx])
}

/// What is known of pairs.
struct Pairs {
    n: f64,
    sx: f64,
    sxx: f64,
    sy: f64,
    syy: f64,
    sxy: f64,
}

impl Pairs {
    fn of(args: &Args<'_>, index: usize, caller: &str) -> Result<Pairs> {
        let [n, sx, sxx, sy, syy, sxy] = floats(args, index, caller)?;
        Ok(Pairs { n, sx, sxx, sy, syy, sxy })
    }

    fn put(&self) -> Result<Output> {
        put(&[self.n, self.sx, self.sxx, self.sy, self.syy, self.sxy])
    }
}

fn of_pairs(args: &Args<'_>, caller: &str, value: fn(&Pairs) -> Option<f64>) -> Result<Output> {
    let pairs = Pairs::of(args, 0, caller)?;
    Ok(if pairs.n < 1.0 { None } else { value(&pairs) }.into())
}

/// float8_regr_accum(state, y, x)
fn regression(args: &Args<'_>) -> Result<Output> {
    let before = Pairs::of(args, 0, "float8_regr_accum")?;
    let (y, x) = (args.float(1)?, args.float(2)?);
    let Pairs { mut sxx, mut syy, mut sxy, .. } = before;
    let (n, sx, sy) = (before.n + 1.0, before.sx + x, before.sy + y);
    if before.n > 0.0 {
        let (to_x, to_y, scale) = (x * n - sx, y * n - sy, 1.0 / (n * before.n));
        sxx += to_x * to_x * scale;
        syy += to_y * to_y * scale;
        sxy += to_x * to_y * scale;
        let finite_x = !before.sx.is_infinite() && !x.is_infinite();
        let finite_y = !before.sy.is_infinite() && !y.is_infinite();
        let of_x = (sx.is_infinite() || sxx.is_infinite()) && finite_x;
        let of_y = (sy.is_infinite() || syy.is_infinite()) && finite_y;
        if of_x || of_y || sxy.is_infinite() && finite_x && finite_y {
            return Err(overflow());
        }
        for value in [&mut sxx, &mut syy, &mut sxy].into_iter().filter(|value| value.is_infinite()) {
            *value = f64::NAN;
        }
    } else {
        if !x.is_finite() {
            (sxx, sxy) = (f64::NAN, f64::NAN);
        }
        if !y.is_finite() {
            (syy, sxy) = (f64::NAN, f64::NAN);
        }
    }
    Pairs { n, sx, sxx, sy, syy, sxy }.put()
}

fn combine_regressions(args: &Args<'_>) -> Result<Output> {
    let (a, b) = (Pairs::of(args, 0, "float8_regr_combine")?, Pairs::of(args, 1, "float8_regr_combine")?);
    if a.n == 0.0 {
        return b.put();
    }
    if b.n == 0.0 {
        return a.put();
    }
    let n = a.n + b.n;
    let (sx, sy) = (sum(a.sx, b.sx)?, sum(a.sy, b.sy)?);
    let (to_x, to_y) = (a.sx / a.n - b.sx / b.n, a.sy / a.n - b.sy / b.n);
    let merged = |one: f64, other: f64, product: f64| {
        let sum = one + other + a.n * b.n * product / n;
        if sum.is_infinite() && !one.is_infinite() && !other.is_infinite() { Err(overflow()) } else { Ok(sum) }
    };
    let (sxx, syy) = (merged(a.sxx, b.sxx, to_x * to_x)?, merged(a.syy, b.syy, to_y * to_y)?);
    Pairs { n, sx, sxx, sy, syy, sxy: merged(a.sxy, b.sxy, to_x * to_y)? }.put()
}

/// A transition value of a number and a sum.
fn integers(args: &Args<'_>) -> Result<[i64; 2]> {
    let wrong = || internal("expected 2-element int8 array");
    let values: Option<Vec<i64>> = array(args, 0)?.iter().map(serde_json::Value::as_i64).collect();
    values.and_then(|values| values.try_into().ok()).ok_or_else(wrong)
}

fn stored(values: &[i64; 2]) -> Result<Output> {
    Ok(format!("[{},{}]", values[0], values[1]).into())
}

fn average(args: &Args<'_>) -> Result<Output> {
    let [n, sum] = integers(args)?;
    if n == 0 {
        return Ok(Output::NULL);
    }
    Ok(Numeric::parse(&sum.to_string())?.div(&Numeric::parse(&n.to_string())?)?.to_string().into())
}

fn invalid_size() -> Error {
    Error::new(SqlState::INVALID_PRECEDING_OR_FOLLOWING_SIZE, "invalid preceding or following size in window function")
}

/// pg_in_range(types, value, base, offset, subtract, less): whether the value is on that side of what is so far from the
/// base.
fn in_range(args: &Args<'_>) -> Result<Output> {
    let typed = Typed::new(args)?;
    let (subtract, less) = (args.bool(4)?, args.bool(5)?);
    let of_order = |order: std::cmp::Ordering| if less { order.is_le() } else { order.is_ge() };
    let read = |index| args.text(index);
    let answer = match typed.type_of(0)?.repr.scalar {
        Scalar::Int2 | Scalar::Int4 | Scalar::Int8 => {
            let (value, base, offset) = (args.int(1)?, args.int(2)?, args.int(3)?);
            if offset < 0 {
                return Err(invalid_size());
            }
            let wide = i128::from(base) + i128::from(if subtract { -offset } else { offset });
            of_order(i128::from(value).cmp(&wide))
        }
        Scalar::Float4 | Scalar::Float8 => {
            let (value, base, offset) = (args.float(1)?, args.float(2)?, args.float(3)?);
            if offset.is_nan() || offset < 0.0 {
                return Err(invalid_size());
            }
            let apart = offset.is_infinite() && base.is_infinite() && (base > 0.0) == subtract;
            match (value.is_nan(), base.is_nan()) {
                (true, true) => true,
                (true, false) => !less,
                (false, true) => less,
                _ if apart => true,
                _ => {
                    let end = if subtract { base - offset } else { base + offset };
                    if less { value <= end } else { value >= end }
                }
            }
        }
        Scalar::Numeric => in_numeric_range((&args.numeric(1)?, &args.numeric(2)?, &args.numeric(3)?), subtract, less)?,
        scalar => {
            let offset = interval(args, 3)?;
            let signed = |offset: Interval| if subtract { offset.neg() } else { Ok(offset) };
            if !matches!(scalar, Scalar::Time | Scalar::TimeTz) && offset.comparison_usecs() < 0
                || offset.usecs < 0 && matches!(scalar, Scalar::Time | Scalar::TimeTz)
            {
                return Err(invalid_size());
            }
            match scalar {
                Scalar::Time => {
                    let (value, base) = (Time::from_stored(&read(1)?)?.0, Time::from_stored(&read(2)?)?.0);
                    let end = if subtract { Some(base - offset.usecs) } else { base.checked_add(offset.usecs) };
                    end.map_or(less, |end| of_order(value.cmp(&end)))
                }
                Scalar::TimeTz => {
                    let (value, mut base) = (TimeTz::from_stored(&read(1)?)?, TimeTz::from_stored(&read(2)?)?);
                    let end =
                        if subtract { Some(base.time - offset.usecs) } else { base.time.checked_add(offset.usecs) };
                    match end {
                        Some(end) => {
                            base.time = end;
                            of_order(value.cmp(&base))
                        }
                        None => less,
                    }
                }
                Scalar::Interval => {
                    let (value, base) = (interval(args, 1)?, interval(args, 2)?);
                    let end = if subtract { base.sub(offset)? } else { base.add(offset)? };
                    of_order(value.comparison_usecs().cmp(&end.comparison_usecs()))
                }
                Scalar::Date => {
                    let value = Date::from_stored(&read(1)?)?.to_timestamp()?;
                    let base = Date::from_stored(&read(2)?)?.to_timestamp()?;
                    of_order(value.cmp(&base.add(signed(offset)?)?))
                }
                Scalar::Timestamp => {
                    let (value, base) = (Timestamp::from_stored(&read(1)?)?, Timestamp::from_stored(&read(2)?)?);
                    of_order(value.cmp(&base.add(signed(offset)?)?))
                }
                Scalar::TimestampTz => {
                    let (value, base) = (TimestampTz::from_stored(&read(1)?)?, TimestampTz::from_stored(&read(2)?)?);
                    let zone = args.slot().with_format(|format| Ok(format.time_zone.clone()))?;
                    of_order(value.cmp(&base.add(signed(offset)?, &zone)?))
                }
                _ => return Err(Error::unsupported("in_range over this type")),
            }
        }
    };
    Ok(answer.into())
}

/// in_range_numeric_numeric
fn in_numeric_range((value, base, offset): (&Numeric, &Numeric, &Numeric), subtract: bool, less: bool) -> Result<bool> {
    if offset.is_nan() || offset.signum() < 0 {
        return Err(invalid_size());
    }
    match (value.is_nan(), base.is_nan()) {
        (true, true) => return Ok(true),
        (true, false) => return Ok(!less),
        (false, true) => return Ok(less),
        _ => {}
    }
    let infinite = |number: &Numeric| number.scale().is_none();
    if infinite(offset) && infinite(base) && (base.signum() > 0) == subtract {
        return Ok(true);
    }
    let end = if subtract { base.sub(offset)? } else { base.add(offset)? };
    let order = crate::types::numeric_wire::compare_text(&value.to_string(), &end.to_string());
    Ok(if less { order.is_le() } else { order.is_ge() })
}
