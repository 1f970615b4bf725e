//! The transition and final functions of PostgreSQL's own aggregates, called as functions; and what window frames ask of
//! a type (in_range).
//!
//! Specification: float8_accum and what follows it in float.c; int4_avg_accum and its kin in numeric.c; in_range of every
//! type's own file. The aggregates themselves are `aggregate`.

use super::aggregate::float::{Kind, Moments, Pairs, overflow};
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
    Definition::pure("pg_float8_var_pop", 1, |a| Ok(moments(a, 0, "float8_var_pop")?.variance(true, false).into())),
    Definition::pure("pg_float8_var_samp", 1, |a| Ok(moments(a, 0, "float8_var_samp")?.variance(false, false).into())),
    Definition::pure("pg_float8_stddev_pop", 1, |a| Ok(moments(a, 0, "float8_stddev_pop")?.variance(true, true).into())),
    Definition::pure("pg_float8_stddev_samp", 1, |a| Ok(moments(a, 0, "float8_stddev_samp")?.variance(false, true).into())),
    Definition::pure("pg_float8_regr_accum", 3, regression),
    Definition::pure("pg_float8_regr_combine", 2, combine_regressions),
    Definition::pure("pg_float8_regr_sxx", 1, |a| Ok(pairs(a, 0, "float8_regr_sxx")?.read(Kind::Sxx).into())),
    Definition::pure("pg_float8_regr_syy", 1, |a| Ok(pairs(a, 0, "float8_regr_syy")?.read(Kind::Syy).into())),
    Definition::pure("pg_float8_regr_sxy", 1, |a| Ok(pairs(a, 0, "float8_regr_sxy")?.read(Kind::Sxy).into())),
    Definition::pure("pg_float8_regr_avgx", 1, |a| Ok(pairs(a, 0, "float8_regr_avgx")?.read(Kind::AverageX).into())),
    Definition::pure("pg_float8_regr_avgy", 1, |a| Ok(pairs(a, 0, "float8_regr_avgy")?.read(Kind::AverageY).into())),
    Definition::pure("pg_float8_covar_pop", 1, |a| Ok(pairs(a, 0, "float8_covar_pop")?.read(Kind::CovariancePop).into())),
    Definition::pure("pg_float8_covar_samp", 1, |a| Ok(pairs(a, 0, "float8_covar_samp")?.read(Kind::CovarianceSamp).into())),
    Definition::pure("pg_float8_corr", 1, |a| Ok(pairs(a, 0, "float8_corr")?.read(Kind::Correlation).into())),
    Definition::pure("pg_float8_regr_r2", 1, |a| Ok(pairs(a, 0, "float8_regr_r2")?.read(Kind::R2).into())),
    Definition::pure("pg_float8_regr_slope", 1, |a| Ok(pairs(a, 0, "float8_regr_slope")?.read(Kind::Slope).into())),
    Definition::pure("pg_float8_regr_intercept", 1, |a| Ok(pairs(a, 0, "float8_regr_intercept")?.read(Kind::Intercept).into())),
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

fn moments(args: &Args<'_>, index: usize, caller: &str) -> Result<Moments> {
    let [n, sx, sxx] = floats(args, index, caller)?;
    Ok(Moments { n, sx, sxx })
}

fn put_moments(moments: &Moments) -> Result<Output> {
    put(&[moments.n, moments.sx, moments.sxx])
}

fn accumulate(args: &Args<'_>, caller: &str) -> Result<Output> {
    let mut moments = moments(args, 0, caller)?;
    moments.add(args.float(1)?)?;
    put_moments(&moments)
}

/// The sum, which may be infinite only if an operand is.
fn sum(a: f64, b: f64) -> Result<f64> {
    let sum = a + b;
    if sum.is_infinite() && !a.is_infinite() && !b.is_infinite() { Err(overflow()) } else { Ok(sum) }
}

/// A sum of squared distances from the mean, of those of both parts and the distance of their means.
fn merged(one: f64, other: f64, between: f64) -> Result<f64> {
    let sum = one + other + between;
    if sum.is_infinite() && !one.is_infinite() && !other.is_infinite() { Err(overflow()) } else { Ok(sum) }
}

fn combine(args: &Args<'_>) -> Result<Output> {
    let (a, b) = (moments(args, 0, "float8_combine")?, moments(args, 1, "float8_combine")?);
    if a.n == 0.0 {
        return put_moments(&b);
    }
    if b.n == 0.0 {
        return put_moments(&a);
    }
    let (n, sx) = (a.n + b.n, sum(a.sx, b.sx)?);
    let distance = a.sx / a.n - b.sx / b.n;
    put_moments(&Moments { n, sx, sxx: merged(a.sxx, b.sxx, a.n * b.n * distance * distance / n)? })
}

fn pairs(args: &Args<'_>, index: usize, caller: &str) -> Result<Pairs> {
    let [n, sx, sxx, sy, syy, sxy] = floats(args, index, caller)?;
    Ok(Pairs { n, sx, sxx, sy, syy, sxy })
}

fn put_pairs(pairs: &Pairs) -> Result<Output> {
    put(&[pairs.n, pairs.sx, pairs.sxx, pairs.sy, pairs.syy, pairs.sxy])
}

/// float8_regr_accum(state, y, x)
fn regression(args: &Args<'_>) -> Result<Output> {
    let mut pairs = pairs(args, 0, "float8_regr_accum")?;
    pairs.add(args.float(1)?, args.float(2)?)?;
    put_pairs(&pairs)
}

fn combine_regressions(args: &Args<'_>) -> Result<Output> {
    let (a, b) = (pairs(args, 0, "float8_regr_combine")?, pairs(args, 1, "float8_regr_combine")?);
    if a.n == 0.0 {
        return put_pairs(&b);
    }
    if b.n == 0.0 {
        return put_pairs(&a);
    }
    let n = a.n + b.n;
    let (sx, sy) = (sum(a.sx, b.sx)?, sum(a.sy, b.sy)?);
    let (dx, dy) = (a.sx / a.n - b.sx / b.n, a.sy / a.n - b.sy / b.n);
    let between = |product: f64| a.n * b.n * product / n;
    let sxx = merged(a.sxx, b.sxx, between(dx * dx))?;
    let syy = merged(a.syy, b.syy, between(dy * dy))?;
    put_pairs(&Pairs { n, sx, sxx, sy, syy, sxy: merged(a.sxy, b.sxy, between(dx * dy))? })
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
