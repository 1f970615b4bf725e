//! Whether a row is in a RANGE frame: what is before or after the key of the current row by an offset.
//!
//! Owns: [`Key`], [`Offset`], [`in_range`]. Specification: the in_range functions of int.c, float.c, numeric.c, date.c and
//! timestamp.c.

use jiff::tz::TimeZone;

use crate::error::{Error, Result, SqlState};
use crate::types::datetime::{Date, Stored, Time, TimeTz, Timestamp, TimestampTz};
use crate::types::interval::Interval;
use crate::types::numeric::Numeric;

/// The sort key of a row that has one.
#[derive(Clone, Debug)]
pub enum Key {
    Integer(i64),
    Float(f64),
    Numeric(Numeric),
    Timestamp(Timestamp),
    TimestampTz(TimestampTz),
    Time(Time),
    TimeTz(TimeTz),
    Interval(Interval),
}

/// How far the frame reaches.
#[derive(Clone, Debug)]
pub enum Offset {
    Integer(i64),
    Float(f64),
    Numeric(Numeric),
    Interval(Interval),
}

/// 22013
fn invalid_size() -> Error {
    Error::new(SqlState::INVALID_PRECEDING_OR_FOLLOWING_SIZE, "invalid preceding or following size in window function")
}

impl Key {
    /// Whether both sort as one.
    pub fn is_peer(&self, other: &Key) -> bool {
        match (self, other) {
            (Key::Integer(a), Key::Integer(b)) => a == b,
            (Key::Float(a), Key::Float(b)) => a == b || a.is_nan() && b.is_nan(),
            (Key::Numeric(a), Key::Numeric(b)) => a == b,
            (Key::Timestamp(a), Key::Timestamp(b)) => a == b,
            (Key::TimestampTz(a), Key::TimestampTz(b)) => a == b,
            (Key::Time(a), Key::Time(b)) => a == b,
            (Key::TimeTz(a), Key::TimeTz(b)) => a == b,
            (Key::Interval(a), Key::Interval(b)) => a.comparison_usecs() == b.comparison_usecs(),
            _ => false,
        }
    }

    /// The stored form of a value whose type is not stored as a number.
    pub fn from_stored(type_name: &str, text: &str) -> Result<Key> {
        Ok(match type_name {
            "numeric" => Key::Numeric(Numeric::parse(text)?),
            "date" => Key::Timestamp(Date::from_stored(text)?.to_timestamp()?),
            "timestamp" => Key::Timestamp(Timestamp::from_stored(text)?),
            "timestamptz" => Key::TimestampTz(TimestampTz::from_stored(text)?),
            "time" => Key::Time(Time::from_stored(text)?),
            "timetz" => Key::TimeTz(TimeTz::from_stored(text)?),
            "interval" => Key::Interval(Interval::from_stored(text)?),
            other => return Err(Error::internal(format!("a RANGE frame over {other}"))),
        })
    }
}

impl Offset {
    /// The stored form of the offset that goes with keys of a type that is not stored as a number.
    pub fn from_stored(type_name: &str, text: &str) -> Result<Offset> {
        Ok(match type_name {
            "numeric" => Offset::Numeric(Numeric::parse(text)?),
            _ => Offset::Interval(Interval::from_stored(text)?),
        })
    }
}

/// Whether `value` is not after (`less`) or not before `base` minus (`sub`) or plus the offset.
pub fn in_range(value: &Key, base: &Key, offset: &Offset, (sub, less): (bool, bool), zone: &TimeZone) -> Result<bool> {
    let within = |ordering: std::cmp::Ordering| if less { ordering.is_le() } else { ordering.is_ge() };
    Ok(match (value, base, offset) {
        (Key::Integer(value), Key::Integer(base), Offset::Integer(offset)) => {
            if *offset < 0 {
                return Err(invalid_size());
            }
            let offset = i128::from(*offset);
            within(i128::from(*value).cmp(&(i128::from(*base) + if sub { -offset } else { offset })))
        }
        (Key::Float(value), Key::Float(base), Offset::Float(offset)) => {
            float_in_range(*value, *base, *offset, (sub, less))?
        }
        (Key::Numeric(value), Key::Numeric(base), Offset::Numeric(offset)) => {
            numeric_in_range(value, base, offset, (sub, less))?
        }
        (Key::Timestamp(value), Key::Timestamp(base), Offset::Interval(offset)) => {
            let offset = not_negative(*offset)?;
            within(value.cmp(&if sub { base.sub_interval(offset)? } else { base.add(offset)? }))
        }
        (Key::TimestampTz(value), Key::TimestampTz(base), Offset::Interval(offset)) => {
            let offset = not_negative(*offset)?;
            within(value.cmp(&if sub { base.sub_interval(offset, zone)? } else { base.add(offset, zone)? }))
        }
        // Months and days of the offset do not count, and nothing begins anew at midnight.
        (Key::Time(value), Key::Time(base), Offset::Interval(offset)) => {
            let usecs = i128::from(time_of(*offset)?);
            within(i128::from(value.0).cmp(&(i128::from(base.0) + if sub { -usecs } else { usecs })))
        }
        (Key::TimeTz(value), Key::TimeTz(base), Offset::Interval(offset)) => {
            let usecs = i128::from(time_of(*offset)?);
            let utc = i128::from(base.utc_usecs()) + if sub { -usecs } else { usecs };
            within(i128::from(value.utc_usecs()).cmp(&utc).then(base.offset.cmp(&value.offset)))
        }
        (Key::Interval(value), Key::Interval(base), Offset::Interval(offset)) => {
            let offset = not_negative(*offset)?;
            let sum = if sub { base.sub(offset)? } else { base.add(offset)? };
            within(value.comparison_usecs().cmp(&sum.comparison_usecs()))
        }
        _ => return Err(Error::internal("an offset of another type than its key wants")),
    })
}

fn not_negative(offset: Interval) -> Result<Interval> {
    if offset.comparison_usecs() < 0 { Err(invalid_size()) } else { Ok(offset) }
}

fn time_of(offset: Interval) -> Result<i64> {
    if offset.usecs < 0 { Err(invalid_size()) } else { Ok(offset.usecs) }
}

fn float_in_range(value: f64, base: f64, offset: f64, (sub, less): (bool, bool)) -> Result<bool> {
    if offset.is_nan() || offset < 0.0 {
        return Err(invalid_size());
    }
    // NaN comes after everything, whatever the offset.
    if value.is_nan() {
        return Ok(base.is_nan() || !less);
    }
    if base.is_nan() {
        return Ok(less);
    }
    // Infinitely before infinity is everything, and so is what infinitely follows -infinity.
    if offset.is_infinite() && base.is_infinite() && (base > 0.0) == sub {
        return Ok(true);
    }
    let sum = if sub { base - offset } else { base + offset };
    Ok(if less { value <= sum } else { value >= sum })
}

fn numeric_in_range(value: &Numeric, base: &Numeric, offset: &Numeric, (sub, less): (bool, bool)) -> Result<bool> {
    if offset.is_nan() || offset.signum() < 0 {
        return Err(invalid_size());
    }
    if value.is_nan() {
        return Ok(base.is_nan() || !less);
    }
    if base.is_nan() {
        return Ok(less);
    }
    let everything = if sub { Numeric::Infinity } else { Numeric::NegativeInfinity };
    if matches!(offset, Numeric::Infinity) && *base == everything {
        return Ok(true);
    }
    let sum = match (base, offset) {
        (Numeric::Finite(_), Numeric::Finite(_)) => base.add_exact(offset, sub),
        _ if sub => base.sub(offset)?,
        _ => base.add(offset)?,
    };
    Ok(if less { *value <= sum } else { *value >= sum })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(value: &str, base: &str, offset: &str, ways: (bool, bool)) -> bool {
        let key = |text| Key::from_stored("date", text).unwrap();
        let offset = Offset::from_stored("date", offset).unwrap();
        in_range(&key(value), &key(base), &offset, ways, &TimeZone::UTC).unwrap()
    }

    #[test]
    fn months_end_where_the_month_does() {
        assert!(days("2023-02-28", "2023-03-31", "1 mon", (true, false)));
        assert!(!days("2023-02-27", "2023-03-28", "1 mon", (true, false)));
        assert!(days("2023-02-28", "2023-01-31", "1 mon", (false, true)));
        assert!(!days("2023-03-01", "2023-01-31", "1 mon", (false, true)));
    }

    #[test]
    fn infinities_and_what_is_no_number() {
        let float = |value, base, offset, ways| float_in_range(value, base, offset, ways).unwrap();
        assert!(float(1.0, f64::INFINITY, f64::INFINITY, (true, false)));
        assert!(!float(1.0, 2.0, f64::INFINITY, (false, false)));
        assert!(float(f64::NAN, 1.0, 1.0, (false, false)));
        let number = |text| Numeric::parse(text).unwrap();
        let numeric =
            |value, base, offset, ways| numeric_in_range(&number(value), &number(base), &number(offset), ways).unwrap();
        assert!(numeric("1.0000001", "1", "0.0000001", (false, true)));
        assert!(!numeric("1.00000011", "1", "0.0000001", (false, true)));
        assert!(numeric("1", "Infinity", "Infinity", (true, true)));
        assert!(numeric_in_range(&number("1"), &number("1"), &number("-1"), (true, true)).is_err());
    }
}
