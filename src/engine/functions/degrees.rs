//! Trigonometry in degrees.
//!
//! Results are exact where a degree has an exact sine, because each function is scaled by its own value at such a place.
//! Specification: functions-math.html; dsind and its kin in PostgreSQL 15's float.c.

use super::{Args, Definition, Output};
use crate::error::{Error, Result, SqlState};

/// The functions of this area.
#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_sind", 1, |a| periodic(a, sine)),
    Definition::pure("pg_cosd", 1, |a| periodic(a, cosine)),
    Definition::pure("pg_tand", 1, |a| periodic(a, |x| ratio(x, |x| sine_of_quarter(x) / cosine_of_quarter(x)))),
    Definition::pure("pg_cotd", 1, |a| periodic(a, |x| ratio(x, |x| cosine_of_quarter(x) / sine_of_quarter(x)))),
    Definition::pure("pg_asind", 1, |a| inverse(a, |x| if x >= 0.0 { arc_sine(x) } else { -arc_sine(-x) })),
    Definition::pure("pg_acosd", 1, |a| inverse(a, |x| if x >= 0.0 { arc_cosine(x) } else { 90.0 + arc_sine(-x) })),
    Definition::pure("pg_atand", 1, |a| Ok(in_degrees(a.float(0)?.atan()).into())),
    Definition::pure("pg_atan2d", 2, |a| Ok(in_degrees(a.float(0)?.atan2(a.float(1)?)).into())),
];

fn out_of_range() -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "input is out of range")
}

fn periodic(args: &Args<'_>, function: fn(f64) -> f64) -> Result<Output> {
    let x = args.float(0)?;
    if x.is_infinite() {
        return Err(out_of_range());
    }
    Ok(function(x).into())
}

fn inverse(args: &Args<'_>, function: fn(f64) -> f64) -> Result<Output> {
    let x = args.float(0)?;
    if x.abs() > 1.0 {
        return Err(out_of_range());
    }
    Ok(function(x).into())
}

fn radians(degrees: f64) -> f64 {
    degrees * (std::f64::consts::PI / 180.0)
}

/// Up to 30 degrees.
fn small_sine(x: f64) -> f64 {
    radians(x).sin() / radians(30.0).sin() / 2.0
}

/// Up to 60 degrees.
fn small_cosine(x: f64) -> f64 {
    1.0 - (1.0 - radians(x).cos()) / (1.0 - radians(60.0).cos()) / 2.0
}

fn sine_of_quarter(x: f64) -> f64 {
    if x <= 30.0 { small_sine(x) } else { small_cosine(90.0 - x) }
}

fn cosine_of_quarter(x: f64) -> f64 {
    if x <= 60.0 { small_cosine(x) } else { small_sine(90.0 - x) }
}

fn sine(x: f64) -> f64 {
    let mut sign = 1.0;
    let mut x = x % 360.0;
    if x < 0.0 {
        (x, sign) = (-x, -sign);
    }
    if x > 180.0 {
        (x, sign) = (360.0 - x, -sign);
    }
    if x > 90.0 {
        x = 180.0 - x;
    }
    sign * sine_of_quarter(x)
}

fn cosine(x: f64) -> f64 {
    let mut sign = 1.0;
    let mut x = (x % 360.0).abs();
    if x > 180.0 {
        x = 360.0 - x;
    }
    if x > 90.0 {
        (x, sign) = (180.0 - x, -sign);
    }
    sign * cosine_of_quarter(x)
}

/// Tangent or cotangent, which are 1 at 45 degrees; never a negative zero.
fn ratio(x: f64, of_quarter: fn(f64) -> f64) -> f64 {
    let mut sign = 1.0;
    let mut x = x % 360.0;
    if x < 0.0 {
        (x, sign) = (-x, -sign);
    }
    if x > 180.0 {
        (x, sign) = (360.0 - x, -sign);
    }
    if x > 90.0 {
        (x, sign) = (180.0 - x, -sign);
    }
    let result = sign * (of_quarter(x) / of_quarter(45.0));
    if result == 0.0 { 0.0 } else { result }
}

/// From 0 on.
fn arc_sine(x: f64) -> f64 {
    if x <= 0.5 { x.asin() / 0.5f64.asin() * 30.0 } else { 90.0 - x.acos() / 0.5f64.acos() * 60.0 }
}

/// From 0 on.
fn arc_cosine(x: f64) -> f64 {
    if x <= 0.5 { 90.0 - x.asin() / 0.5f64.asin() * 30.0 } else { x.acos() / 0.5f64.acos() * 60.0 }
}

fn in_degrees(angle: f64) -> f64 {
    angle / 1f64.atan() * 45.0
}
