//! RANGE frames with offsets as arithmetic on whole numbers: sort keys become numbers that sort as they do, and offsets
//! numbers in the same measure.
//!
//! Owns: both numbers. An offset that has no such number goes with `in_range`; nothing is rounded. Specification: the
//! in_range functions of timestamp.c and date.c.

use crate::error::{Error, Result};
use crate::types::datetime::TimeTz;
use crate::types::interval::Interval;
use crate::types::pg_type::Oid;

/// Keys and offsets stay below this, so that what is added to the key of an infinity stays above every other.
const MAX: i128 = 4_000_000_000_000_000_000;

/// In the key of a time with time zone, what a microsecond counts: zones decide between equal times.
const ZONES: i128 = 200_000;

const USECS_PER_DAY: i128 = 86_400_000_000;

fn bounded(value: i128, what: &str) -> Result<i64> {
    i64::try_from(value)
        .ok()
        .filter(|_| value.abs() < MAX)
        .ok_or_else(|| Error::unsupported(format!("a RANGE frame with an offset over such {what}")))
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

/// An interval as the offset of a key of this type, if it is one: months have no length, and days of a timestamp with
/// time zone none that is always the same.
pub fn interval_offset(key: Oid, offset: Interval) -> Option<i64> {
    let number = match key {
        // Only the time counts.
        Oid::TIME => i128::from(offset.usecs),
        Oid::TIMETZ => i128::from(offset.usecs) * ZONES,
        Oid::INTERVAL => offset.comparison_usecs(),
        _ if offset.months != 0 => return None,
        Oid::TIMESTAMPTZ if offset.days != 0 => return None,
        _ => i128::from(offset.days) * USECS_PER_DAY + i128::from(offset.usecs),
    };
    i64::try_from(number).ok().filter(|number| (0..MAX).contains(&i128::from(*number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_a_length_has_a_number() {
        assert_eq!(interval_offset(Oid::DATE, Interval::new(0, 1, 1_000_000)), Some(86_401_000_000));
        assert_eq!(interval_offset(Oid::TIME, Interval::new(5, 1, 7)), Some(7));
        assert_eq!(interval_offset(Oid::DATE, Interval::new(1, 0, 0)), None);
        assert_eq!(interval_offset(Oid::DATE, Interval::new(0, -1, 0)), None);
        assert_eq!(interval_offset(Oid::TIMESTAMPTZ, Interval::new(0, 1, 0)), None);
    }
}
