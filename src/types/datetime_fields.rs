//! Fields of dates, times and intervals: extract(), date_part() and date_trunc().
//!
//! Owns: `extract` and `truncate` of the types of `types::datetime` and of intervals. extract() gives a numeric with
//! PostgreSQL's scale; date_part() is the same as a float. Specification: functions-datetime.html#FUNCTIONS-DATETIME-EXTRACT.

use jiff::tz::TimeZone;
use num_bigint::BigInt;

use crate::error::{Error, Result, SqlState};
use crate::types::calendar::{
    EPOCH_JULIAN_DAY, UNIX_EPOCH_DAYS, UNIX_EPOCH_USECS, USECS_PER_DAY, USECS_PER_HOUR, USECS_PER_MINUTE,
    USECS_PER_SECOND, civil_from_days, day_of_year, days_from_civil, iso_week, weekday,
};
use crate::types::datetime::{Date, Time, TimeTz, Timestamp, TimestampTz};
use crate::types::datetime_lexer::{Unit, interval_word, unit_named};
use crate::types::interval::Interval;
use crate::types::numeric::{Decimal, Numeric};
use crate::types::time_zone;

const DATE: &str = "date";
const TIME: &str = "time without time zone";
const TIMETZ: &str = "time with time zone";
const TIMESTAMP: &str = "timestamp without time zone";
const TIMESTAMPTZ: &str = "timestamp with time zone";
const INTERVAL: &str = "interval";

/// The unit as PostgreSQL's messages show it: the argument in lower case.
fn not_supported(unit: &str, type_name: &str) -> Error {
    let unit = unit.to_ascii_lowercase();
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("unit \"{unit}\" not supported for type {type_name}"))
}

fn parse_unit(unit: &str, type_name: &str) -> Result<Unit> {
    recognized(unit_named(unit), unit, type_name)
}

/// date_trunc() knows the units of intervals only.
fn parse_length(unit: &str, type_name: &str) -> Result<Unit> {
    recognized(interval_word(&unit.to_ascii_lowercase()), unit, type_name)
}

fn recognized(found: Option<Unit>, unit: &str, type_name: &str) -> Result<Unit> {
    found.ok_or_else(|| {
        let unit = unit.to_ascii_lowercase();
        Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("unit \"{unit}\" not recognized for type {type_name}"))
    })
}

fn scaled(value: i128, scale: u32) -> Numeric {
    Decimal::new(BigInt::from(value), scale).into()
}

/// Fields of a time of day, or of an interval's time.
fn time_field(unit: Unit, usecs: i64) -> Option<Numeric> {
    let seconds = i128::from(usecs % USECS_PER_MINUTE);
    Some(match unit {
        Unit::Microsecond => scaled(seconds, 0),
        Unit::Millisecond => scaled(seconds, 3),
        Unit::Second => scaled(seconds, 6),
        Unit::Minute => Numeric::from(usecs / USECS_PER_MINUTE % 60),
        Unit::Hour => Numeric::from(usecs / USECS_PER_HOUR),
        _ => return None,
    })
}

/// Fields of an offset from UTC.
fn zone_field(unit: Unit, offset: i32) -> Option<Numeric> {
    Some(Numeric::from(i64::from(match unit {
        Unit::Zone => offset,
        Unit::ZoneHour => offset / 3600,
        Unit::ZoneMinute => offset / 60 % 60,
        _ => return None,
    })))
}

/// The number of the period of so many years: the first century is 1 to 100, before it is -1.
fn period(year: i64, length: i64) -> i64 {
    if year > 0 { (year + length - 1) / length } else { -((length - 1 - (year - 1)) / length) }
}

/// Fields of a day.
fn day_field(unit: Unit, days: i64) -> Option<i64> {
    let (year, month, day) = civil_from_days(days);
    // There is no year 0 in what is shown.
    let shown_year = |year: i64| if year > 0 { year } else { year - 1 };
    Some(match unit {
        Unit::Day => day,
        Unit::Month => month,
        Unit::Quarter => (month - 1) / 3 + 1,
        Unit::Week => iso_week(days).1,
        Unit::Year => shown_year(year),
        Unit::Decade => year.div_euclid(10),
        Unit::Century => period(year, 100),
        Unit::Millennium => period(year, 1000),
        Unit::Julian => days + EPOCH_JULIAN_DAY,
        Unit::IsoYear => shown_year(iso_week(days).0),
        Unit::DayOfWeek => weekday(days),
        Unit::IsoDayOfWeek => (weekday(days) + 6) % 7 + 1,
        Unit::DayOfYear => day_of_year(days),
        _ => return None,
    })
}

/// The field of an infinite date or timestamp: infinite if the field grows with time, else NULL.
fn infinite_field(unit: Unit, positive: bool) -> Option<Numeric> {
    let grows = matches!(
        unit,
        Unit::Year | Unit::Decade | Unit::Century | Unit::Millennium | Unit::Julian | Unit::IsoYear | Unit::Epoch
    );
    match (grows, positive) {
        (true, true) => Some(Numeric::Infinity),
        (true, false) => Some(Numeric::NegativeInfinity),
        _ => None,
    }
}

/// Fields of a local timestamp, those of its day and of its time.
fn local_field(unit: Unit, local: i64) -> Result<Option<Numeric>> {
    let days = local.div_euclid(USECS_PER_DAY);
    let time = local.rem_euclid(USECS_PER_DAY);
    if unit == Unit::Julian {
        let day = Numeric::from(days + EPOCH_JULIAN_DAY);
        return day.add(&Numeric::from(time).div(&Numeric::from(USECS_PER_DAY))?).map(Some);
    }
    Ok(time_field(unit, time).or_else(|| day_field(unit, days).map(Numeric::from)))
}

impl Date {
    /// extract(unit from self); `None` is NULL.
    pub fn extract(self, name: &str) -> Result<Option<Numeric>> {
        let unit = parse_unit(name, DATE)?;
        let days = i64::from(self.0);
        if time_field(unit, 0).is_some() || zone_field(unit, 0).is_some() || unit == Unit::IsoTime {
            return Err(not_supported(name, DATE));
        }
        if !self.is_finite() {
            return Ok(infinite_field(unit, self == Date::INFINITY));
        }
        if unit == Unit::Epoch {
            return Ok(Some(Numeric::from((days + UNIX_EPOCH_DAYS) * 86_400)));
        }
        day_field(unit, days).map(|field| Some(Numeric::from(field))).ok_or_else(|| not_supported(name, DATE))
    }
}

impl Time {
    /// extract(unit from self).
    pub fn extract(self, name: &str) -> Result<Numeric> {
        let unit = parse_unit(name, TIME)?;
        if unit == Unit::Epoch {
            return Ok(scaled(self.0.into(), 6));
        }
        time_field(unit, self.0).ok_or_else(|| not_supported(name, TIME))
    }
}

impl TimeTz {
    /// extract(unit from self).
    pub fn extract(self, name: &str) -> Result<Numeric> {
        let unit = parse_unit(name, TIMETZ)?;
        if unit == Unit::Epoch {
            return Ok(scaled(self.utc_usecs().into(), 6));
        }
        let field = time_field(unit, self.time).or_else(|| zone_field(unit, self.offset));
        field.ok_or_else(|| not_supported(name, TIMETZ))
    }
}

impl Timestamp {
    /// extract(unit from self); `None` is NULL.
    pub fn extract(self, name: &str) -> Result<Option<Numeric>> {
        let unit = parse_unit(name, TIMESTAMP)?;
        if !self.is_finite() {
            return Ok(infinite_field(unit, self == Timestamp::INFINITY));
        }
        if unit == Unit::Epoch {
            return Ok(Some(scaled(i128::from(self.0) + i128::from(UNIX_EPOCH_USECS), 6)));
        }
        match local_field(unit, self.0)? {
            Some(field) => Ok(Some(field)),
            None => Err(not_supported(name, TIMESTAMP)),
        }
    }

    /// date_trunc(unit, self).
    pub fn truncate(self, name: &str) -> Result<Timestamp> {
        if !self.is_finite() {
            return Ok(self);
        }
        let unit = parse_length(name, TIMESTAMP)?;
        match truncate_local(unit, self.0) {
            Some(local) => Timestamp::from_usecs(local),
            None => Err(not_supported(name, TIMESTAMP)),
        }
    }
}

impl TimestampTz {
    /// extract(unit from self) as a zone's clocks and calendars show it; `None` is NULL.
    pub fn extract(self, name: &str, zone: &TimeZone) -> Result<Option<Numeric>> {
        let unit = parse_unit(name, TIMESTAMPTZ)?;
        if !self.is_finite() {
            return Ok(infinite_field(unit, self == TimestampTz::INFINITY));
        }
        if unit == Unit::Epoch {
            return Ok(Some(scaled(i128::from(self.0) + i128::from(UNIX_EPOCH_USECS), 6)));
        }
        let offset = time_zone::offset_at(zone, self.0);
        if let Some(field) = zone_field(unit, offset) {
            return Ok(Some(field));
        }
        match local_field(unit, self.local_at_offset(offset).0)? {
            Some(field) => Ok(Some(field)),
            None => Err(not_supported(name, TIMESTAMPTZ)),
        }
    }

    /// date_trunc(unit, self, zone).
    pub fn truncate(self, name: &str, zone: &TimeZone) -> Result<TimestampTz> {
        if !self.is_finite() {
            return Ok(self);
        }
        let unit = parse_length(name, TIMESTAMPTZ)?;
        let offset = time_zone::offset_at(zone, self.0);
        let Some(local) = truncate_local(unit, self.local_at_offset(offset).0) else {
            return Err(not_supported(name, TIMESTAMPTZ));
        };
        // From a day upwards the zone's offset may have been another one at the start.
        let keeps_offset = time_field(unit, 0).is_some();
        if keeps_offset { Timestamp(local).at_offset(offset) } else { Timestamp(local).in_zone(zone) }
    }
}

/// The start of the unit that holds a local time.
fn truncate_local(unit: Unit, local: i64) -> Option<i64> {
    let down_to = |length: i64| local - local.rem_euclid(length);
    let days = local.div_euclid(USECS_PER_DAY);
    let (year, month, _) = civil_from_days(days);
    let start_of = |year: i64, month: i64| days_from_civil(year, month, 1) * USECS_PER_DAY;
    let first_year = |length: i64| {
        let number = period(year, length);
        if year > 0 { number * length - (length - 1) } else { number * length + 1 }
    };
    Some(match unit {
        Unit::Microsecond => local,
        Unit::Millisecond => down_to(1000),
        Unit::Second => down_to(USECS_PER_SECOND),
        Unit::Minute => down_to(USECS_PER_MINUTE),
        Unit::Hour => down_to(USECS_PER_HOUR),
        Unit::Day => down_to(USECS_PER_DAY),
        Unit::Week => (days - (weekday(days) + 6) % 7) * USECS_PER_DAY,
        Unit::Month => start_of(year, month),
        Unit::Quarter => start_of(year, (month - 1) / 3 * 3 + 1),
        Unit::Year => start_of(year, 1),
        Unit::Decade => start_of(year.div_euclid(10) * 10, 1),
        Unit::Century => start_of(first_year(100), 1),
        Unit::Millennium => start_of(first_year(1000), 1),
        _ => return None,
    })
}

impl Interval {
    /// extract(unit from self).
    pub fn extract(self, name: &str) -> Result<Numeric> {
        let unit = parse_unit(name, INTERVAL)?;
        let years = i64::from(self.months / 12);
        let months = i64::from(self.months % 12);
        let field = match unit {
            Unit::Day => i64::from(self.days),
            Unit::Month => months,
            Unit::Quarter => months / 3 + 1,
            Unit::Year => years,
            Unit::Decade => years / 10,
            Unit::Century => years / 100,
            Unit::Millennium => years / 1000,
            Unit::Epoch => {
                // A year has 365.25 days here, a month 30: counted in quarters of a day.
                let quarters = years * 1461 + months * 120 + i64::from(self.days) * 4;
                let seconds = i128::from(quarters) * 21_600;
                return Ok(scaled(seconds * i128::from(USECS_PER_SECOND) + i128::from(self.usecs), 6));
            }
            _ => return time_field(unit, self.usecs).ok_or_else(|| not_supported(name, INTERVAL)),
        };
        Ok(Numeric::from(field))
    }

    /// date_trunc(unit, self).
    pub fn truncate(self, name: &str) -> Result<Interval> {
        let unit = parse_length(name, INTERVAL)?;
        let months_down_to = |length: i32| Interval::new(self.months / length * length, 0, 0);
        let usecs_down_to = |length: i64| Interval { usecs: self.usecs / length * length, ..self };
        let truncated = match unit {
            Unit::Microsecond => self,
            Unit::Millisecond => usecs_down_to(1000),
            Unit::Second => usecs_down_to(USECS_PER_SECOND),
            Unit::Minute => usecs_down_to(USECS_PER_MINUTE),
            Unit::Hour => usecs_down_to(USECS_PER_HOUR),
            Unit::Day => Interval { usecs: 0, ..self },
            Unit::Month => months_down_to(1),
            Unit::Quarter => months_down_to(3),
            Unit::Year => months_down_to(12),
            Unit::Decade => months_down_to(120),
            Unit::Century => months_down_to(1200),
            Unit::Millennium => months_down_to(12_000),
            Unit::Week => {
                let error = not_supported(name, INTERVAL);
                return Err(error.with_detail("Months usually have fractional weeks."));
            }
            _ => return Err(not_supported(name, INTERVAL)),
        };
        Ok(truncated)
    }
}
