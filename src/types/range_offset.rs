//! RANGE frames with offsets as arithmetic on whole numbers: sort keys become numbers that sort as they do, and offsets
//! numbers in the same measure.
//!
//! Owns: both numbers. What has no such number is refused, never rounded. Specification: the in_range functions of
//! numeric.c, timestamp.c and date.c.

use crate::error::{Error, Result, SqlState};
use crate::types::datetime::TimeTz;
use crate::types::interval::Interval;
use crate::types::pg_type::Oid;

/// Keys and offsets stay below this, so that what is added to the key of an infinity stays above every other.
const MAX: i128 = 4_000_000_000_000_000_000;

/// The decimals of a numeric that its key keeps.
const DECIMALS: usize = 6;

/// In the key of a time with time zone, what a microsecond counts: zones decide between equal times.
const ZONES: i128 = 200_000;

const USECS_PER_DAY: i128 = 86_400_000_000;

fn bounded(value: i128, what: &str) -> Result<i64> {
    i64::try_from(value)
        .ok()
        .filter(|_| value.abs() < MAX)
        .ok_or_else(|| Error::unsupported(format!("a RANGE frame with an offset over such {what}")))
}

/// A finite decimal as a whole number of millionths.
pub fn numeric_key(digits: &str) -> Result<i64> {
    let (sign, digits) = digits.strip_prefix('-').map_or((1, digits), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    let millionths = match fraction.len() > DECIMALS || whole.len() > 13 {
        true => MAX,
        false => format!("{whole}{fraction:0<DECIMALS$}").parse().unwrap_or(MAX),
    };
    bounded(sign * millionths, "numerics")
}

/// Microseconds since 2000; the infinities are the largest and the smallest number.
pub fn instant_key(usecs: i64) -> Result<i64> {
    match usecs {
        i64::MAX | i64::MIN => Ok(usecs),
        usecs => bounded(usecs.into(), "timestamps"),
    }
}

/// A time with time zone.
pub fn timetz_key(value: &TimeTz) -> Result<i64> {
    bounded(i128::from(value.utc_usecs()) * ZONES - i128::from(value.offset), "times")
}

/// An interval's length.
pub fn interval_key(value: Interval) -> Result<i64> {
    bounded(value.comparison_usecs(), "intervals")
}

/// 22013
fn invalid_size() -> Error {
    Error::new(SqlState::INVALID_PRECEDING_OR_FOLLOWING_SIZE, "invalid preceding or following size in window function")
}

fn not_negative(offset: i64) -> Result<i64> {
    if offset < 0 { Err(invalid_size()) } else { Ok(offset) }
}

/// A numeric offset; none is infinite.
pub fn numeric_offset(text: &str) -> Result<Option<i64>> {
    match text {
        "NaN" | "-Infinity" => Err(invalid_size()),
        "Infinity" => Ok(None),
        digits => numeric_key(digits).and_then(not_negative).map(Some),
    }
}

/// An interval as the offset of a key of this type.
pub fn interval_offset(key: Oid, offset: Interval) -> Result<i64> {
    let number = match key {
        // Only the time counts.
        Oid::TIME => bounded(offset.usecs.into(), "intervals"),
        Oid::TIMETZ => bounded(i128::from(offset.usecs) * ZONES, "intervals"),
        Oid::INTERVAL => interval_key(offset),
        _ if offset.comparison_usecs() < 0 => Err(invalid_size()),
        _ if offset.months != 0 => Err(Error::unsupported("a RANGE frame with an offset of months")),
        _ => bounded(i128::from(offset.days) * USECS_PER_DAY + i128::from(offset.usecs), "intervals"),
    };
    number.and_then(not_negative)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_or_refused() {
        assert_eq!(numeric_key("1.10").unwrap() - numeric_offset("1").unwrap().unwrap(), 100_000);
        assert_eq!(numeric_key("-0.000001").unwrap(), -1);
        assert_eq!(numeric_key("0.0000001").unwrap_err().code(), SqlState::FEATURE_NOT_SUPPORTED);
        assert_eq!(numeric_offset("-1").unwrap_err().code(), SqlState::INVALID_PRECEDING_OR_FOLLOWING_SIZE);
        assert_eq!(interval_offset(Oid::DATE, Interval::new(0, 1, 1_000_000)).unwrap(), 86_401_000_000);
        assert_eq!(interval_offset(Oid::TIME, Interval::new(5, 1, 7)).unwrap(), 7);
        assert_eq!(
            interval_offset(Oid::DATE, Interval::new(1, 0, 0)).unwrap_err().code(),
            SqlState::FEATURE_NOT_SUPPORTED
        );
    }
}
