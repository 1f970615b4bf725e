//! Arithmetic of dates, times and intervals: sums, differences, ages, time zone conversions, construction, rounding.
//!
//! Owns: what PostgreSQL's date/time operators and functions compute. Fields (extract, date_trunc) are in
//! `types::datetime_fields`. Specification: functions-datetime.html; timestamp.c and date.c of PostgreSQL 15.

#![expect(clippy::should_implement_trait, reason = "PostgreSQL's operators can fail, Rust's operator traits cannot")]

use jiff::tz::TimeZone;

use crate::error::{Error, Result, SqlState};
use crate::types::calendar::{
    UNIX_EPOCH_USECS, USECS_PER_DAY, USECS_PER_HOUR, USECS_PER_MINUTE, USECS_PER_SECOND, civil_from_days,
    days_from_civil, days_in_month,
};
use crate::types::datetime::{
    Date, Stored, Time, TimeTz, Timestamp, TimestampTz, date_out_of_range, out_of_range, timestamp_out_of_range,
};
use crate::types::datetime_lexer::InputError;
use crate::types::datetime_tokens::zone_west;
use crate::types::interval::{Interval, interval_out_of_range, round_to_precision};
use crate::types::time_zone;

/// Adds months and days to a local time; a day beyond the month's end becomes its last day.
fn add_months_and_days(local: i64, months: i64, days: i64) -> Result<i64> {
    let mut day_number = local.div_euclid(USECS_PER_DAY);
    if months != 0 {
        let (year, month, day) = civil_from_days(day_number);
        let total = year * 12 + (month - 1) + months;
        let (year, month) = (total.div_euclid(12), total.rem_euclid(12) + 1);
        day_number = days_from_civil(year, month, day.min(days_in_month(year, month)));
    }
    let moved = (day_number + days).checked_mul(USECS_PER_DAY);
    let result = moved.and_then(|usecs| usecs.checked_add(local.rem_euclid(USECS_PER_DAY)));
    result.filter(|usecs| Timestamp::in_range(*usecs)).ok_or_else(timestamp_out_of_range)
}

fn difference(a: i64, b: i64) -> Result<Interval> {
    // Of the ends of the range it wraps around, as in PostgreSQL 15.
    Interval::new(0, 0, a.wrapping_sub(b)).justify_hours()
}

/// The calendar's difference of two local times in years, months, days and time (timestamp_age).
fn age_of(a: i64, b: i64) -> Interval {
    let negative = a < b;
    let (late, early) = if negative { (b, a) } else { (a, b) };
    let (late_year, late_month, late_day) = civil_from_days(late.div_euclid(USECS_PER_DAY));
    let (early_year, early_month, early_day) = civil_from_days(early.div_euclid(USECS_PER_DAY));
    let mut usecs = late.rem_euclid(USECS_PER_DAY) - early.rem_euclid(USECS_PER_DAY);
    let mut days = late_day - early_day;
    let mut months = (late_year * 12 + late_month) - (early_year * 12 + early_month);
    if usecs < 0 {
        usecs += USECS_PER_DAY;
        days -= 1;
    }
    // Borrowed days are those of the earlier time's month.
    while days < 0 {
        days += days_in_month(early_year, early_month);
        months -= 1;
    }
    let sign = if negative { -1 } else { 1 };
    Interval::new((sign * months) as i32, (sign * days) as i32, sign * usecs)
}

impl Date {
    /// `date + integer` (days).
    pub fn add_days(self, days: i32) -> Result<Date> {
        if !self.is_finite() {
            return Ok(self);
        }
        Date::from_days(i64::from(self.0) + i64::from(days))
    }

    /// `date - date`, in days.
    pub fn sub(self, other: Date) -> Result<i32> {
        if !self.is_finite() || !other.is_finite() {
            return Err(out_of_range("cannot subtract infinite dates"));
        }
        Ok(self.0 - other.0)
    }

    /// `date + time`.
    pub fn at_time(self, time: Time) -> Result<Timestamp> {
        let midnight = self.to_timestamp()?;
        if midnight.is_finite() { Timestamp::from_usecs(midnight.0 + time.0) } else { Ok(midnight) }
    }

    /// `date + timetz`.
    pub fn at_time_tz(self, time: TimeTz) -> Result<TimestampTz> {
        let midnight = self.to_timestamp()?;
        if midnight.is_finite() {
            TimestampTz::from_usecs(midnight.0 + time.utc_usecs())
        } else {
            Ok(TimestampTz(midnight.0))
        }
    }

    /// Midnight of that day in a time zone.
    pub fn to_timestamp_tz(self, zone: &TimeZone) -> Result<TimestampTz> {
        self.to_timestamp()?.in_zone(zone)
    }

    /// Midnight of that day in stored form, even outside of the range that timestamps have.
    pub fn to_wide_timestamp(self) -> Result<String> {
        self.to_timestamp().map_or_else(|_| Ok(self.to_stored()? + " 00:00:00"), |time| time.to_stored())
    }

    /// The same in a zone.
    pub fn to_wide_timestamp_tz(self, zone: &TimeZone) -> Result<String> {
        match self.to_timestamp() {
            Ok(time) => time.in_wide_zone(zone).to_stored(),
            Err(_) => Ok(self.to_stored()? + " 00:00:00+00"),
        }
    }

    /// make_date(); years below 0 are BC.
    pub fn make(year: i32, month: i32, day: i32) -> Result<Date> {
        let astronomical = if year < 0 && year != i32::MIN { year + 1 } else { year };
        Date::made(year, month, day, astronomical)
    }

    /// With the year that an error shows.
    fn made(year: i32, month: i32, day: i32, shown: i32) -> Result<Date> {
        let (y, m, d) = (i64::from(year), i64::from(month), i64::from(day));
        let astronomical = if y < 0 { y + 1 } else { y };
        let valid =
            y != 0 && year != i32::MIN && (1..=12).contains(&m) && d >= 1 && d <= days_in_month(astronomical, m);
        if !valid {
            return Err(Error::new(
                SqlState::DATETIME_FIELD_OVERFLOW,
                format!("date field value out of range: {shown}-{month:02}-{day:02}"),
            ));
        }
        Date::from_days(days_from_civil(astronomical, m, d)).map_err(|_| {
            Error::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("date out of range: {year}-{month:02}-{day:02}"))
        })
    }
}

impl Time {
    /// make_time().
    pub fn make(hour: i32, minute: i32, second: f64) -> Result<Time> {
        let usecs = (second * 1e6).round_ties_even();
        let valid = (0..=24).contains(&hour) && (0..60).contains(&minute) && (0.0..=60e6).contains(&usecs);
        let whole = i64::from(hour) * USECS_PER_HOUR + i64::from(minute) * USECS_PER_MINUTE;
        let total = whole.saturating_add(usecs as i64);
        if !valid || total > USECS_PER_DAY {
            // C's %02g: six significant digits, at least two characters.
            let seconds = crate::types::number_text::general(second, 6);
            let message = format!("time field value out of range: {hour}:{minute:02}:{seconds:0>2}");
            return Err(Error::new(SqlState::DATETIME_FIELD_OVERFLOW, message));
        }
        Ok(Time(total))
    }

    /// `time + interval`: only the interval's time counts, modulo a day.
    pub fn add(self, interval: Interval) -> Time {
        Time((self.0 + interval.usecs % USECS_PER_DAY).rem_euclid(USECS_PER_DAY))
    }

    /// `time - interval`.
    pub fn sub_interval(self, interval: Interval) -> Time {
        Time((self.0 - interval.usecs % USECS_PER_DAY).rem_euclid(USECS_PER_DAY))
    }

    /// `time - time`.
    pub fn sub(self, other: Time) -> Interval {
        Interval::new(0, 0, self.0 - other.0)
    }

    /// As an interval.
    pub fn to_interval(self) -> Interval {
        Interval::new(0, 0, self.0)
    }

    /// interval::time: the time of day of an interval.
    pub fn from_interval(interval: Interval) -> Time {
        Time(interval.usecs.rem_euclid(USECS_PER_DAY))
    }

    /// With the offset that a zone has at an instant (that of the transaction's start: time::timetz).
    pub fn with_zone(self, zone: &TimeZone, now_utc: i64) -> TimeTz {
        let today = now_utc + i64::from(time_zone::offset_at(zone, now_utc)) * USECS_PER_SECOND;
        let local = today.div_euclid(USECS_PER_DAY) * USECS_PER_DAY + self.0;
        TimeTz { time: self.0, offset: time_zone::offset_of_local(zone, local) }
    }

    /// Rounds to time(precision).
    pub fn apply_typmod(self, typmod: i32) -> Time {
        if typmod < 0 { self } else { Time(round_to_precision(self.0, typmod)) }
    }
}

impl TimeTz {
    /// `timetz + interval`.
    pub fn add(self, interval: Interval) -> TimeTz {
        TimeTz { time: Time(self.time).add(interval).0, ..self }
    }

    /// `timetz - interval`.
    pub fn sub_interval(self, interval: Interval) -> TimeTz {
        TimeTz { time: Time(self.time).sub_interval(interval).0, ..self }
    }

    /// The same instant of the day at another offset (AT TIME ZONE).
    pub fn at_offset(self, offset: i32) -> TimeTz {
        let local = self.utc_usecs() + i64::from(offset) * USECS_PER_SECOND;
        TimeTz { time: local.rem_euclid(USECS_PER_DAY), offset }
    }

    /// Rounds to timetz(precision).
    pub fn apply_typmod(self, typmod: i32) -> TimeTz {
        TimeTz { time: Time(self.time).apply_typmod(typmod).0, ..self }
    }
}

/// Rounds to timestamp(precision), checking the range.
fn round_timestamp(usecs: i64, typmod: i32) -> Result<i64> {
    let rounded = if typmod < 0 { usecs } else { round_to_precision(usecs, typmod) };
    if Timestamp::in_range(rounded) { Ok(rounded) } else { Err(timestamp_out_of_range()) }
}

/// date_bin(): the start of the stride that holds a time, counted from an origin.
fn bin(stride: Interval, source: i64, origin: i64) -> Result<i64> {
    if stride.months != 0 {
        return Err(Error::unsupported_stride());
    }
    let length = i64::from(stride.days).checked_mul(USECS_PER_DAY).and_then(|days| days.checked_add(stride.usecs));
    let length = length.ok_or_else(interval_out_of_range)?;
    if length <= 0 {
        return Err(out_of_range("stride must be greater than zero"));
    }
    let distance = source.checked_sub(origin).ok_or_else(interval_out_of_range)?;
    Ok(origin + distance.div_euclid(length) * length)
}

impl Error {
    fn unsupported_stride() -> Error {
        Error::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            "timestamps cannot be binned into intervals containing months or years",
        )
    }
}

impl Timestamp {
    /// `timestamp + interval`: months, then days, then time.
    pub fn add(self, interval: Interval) -> Result<Timestamp> {
        if !self.is_finite() {
            return Ok(self);
        }
        let moved = add_months_and_days(self.0, interval.months.into(), interval.days.into())?;
        let usecs = moved.checked_add(interval.usecs).ok_or_else(timestamp_out_of_range)?;
        Timestamp::from_usecs(usecs)
    }

    /// `timestamp - interval`.
    pub fn sub_interval(self, interval: Interval) -> Result<Timestamp> {
        self.add(interval.neg()?)
    }

    /// `timestamp - timestamp`: days and time.
    pub fn sub(self, other: Timestamp) -> Result<Interval> {
        if !self.is_finite() || !other.is_finite() {
            return Err(out_of_range("cannot subtract infinite timestamps"));
        }
        difference(self.0, other.0)
    }

    /// age(self, other): years, months, days and time. As in PostgreSQL 15 only -infinity is refused; infinity
    /// counts as the last microsecond there is.
    pub fn age(self, other: Timestamp) -> Result<Interval> {
        if self == Self::NEGATIVE_INFINITY || other == Self::NEGATIVE_INFINITY {
            return Err(timestamp_out_of_range());
        }
        Ok(age_of(self.0, other.0))
    }

    /// AT TIME ZONE, and timestamp::timestamptz: the instant at which a zone's clocks show this.
    pub fn in_zone(self, zone: &TimeZone) -> Result<TimestampTz> {
        self.at_offset(time_zone::offset_of_local(zone, self.0))
    }

    /// The same, even outside of the range that timestamps have.
    pub fn in_wide_zone(self, zone: &TimeZone) -> TimestampTz {
        if !self.is_finite() {
            return TimestampTz(self.0);
        }
        let offset = i64::from(time_zone::offset_of_local(zone, self.0));
        TimestampTz(self.0.saturating_sub(offset * USECS_PER_SECOND))
    }

    /// AT TIME ZONE with an interval or an offset, seconds east.
    pub fn at_offset(self, offset: i32) -> Result<TimestampTz> {
        if !self.is_finite() {
            return Ok(TimestampTz(self.0));
        }
        TimestampTz::from_usecs(self.0 - i64::from(offset) * USECS_PER_SECOND)
    }

    /// The day.
    pub fn date(self) -> Result<Date> {
        match self {
            Timestamp::INFINITY => Ok(Date::INFINITY),
            Timestamp::NEGATIVE_INFINITY => Ok(Date::NEGATIVE_INFINITY),
            Timestamp(usecs) => Date::from_days(usecs.div_euclid(USECS_PER_DAY)).map_err(|_| date_out_of_range()),
        }
    }

    /// The time of day; `None` (NULL) for the infinities.
    pub fn time(self) -> Option<Time> {
        self.is_finite().then(|| Time(self.0.rem_euclid(USECS_PER_DAY)))
    }

    /// Rounds to timestamp(precision).
    pub fn apply_typmod(self, typmod: i32) -> Result<Timestamp> {
        if self.is_finite() { round_timestamp(self.0, typmod).map(Timestamp) } else { Ok(self) }
    }

    /// The instant of a local time in a zone that make_timestamptz() names: "+02:30" is east of Greenwich here
    /// (parse_sane_timezone).
    pub fn in_named_zone(self, zone: &str) -> Result<TimestampTz> {
        let refused = |message: String| Error::new(SqlState::INVALID_PARAMETER_VALUE, message);
        if zone.starts_with(|c: char| c.is_ascii_digit()) {
            let message = format!("invalid input syntax for type numeric time zone: \"{zone}\"");
            let hint = "Numeric time zones must have \"-\" or \"+\" as first character.";
            return Err(refused(message).with_hint(hint));
        }
        match zone_west(zone) {
            Ok(west) => self.at_offset(-(west as i32)),
            Err(InputError::ZoneOverflow) => Err(refused(format!("numeric time zone \"{zone}\" out of range"))),
            Err(_) => self.at_offset(time_zone::offset_of_local_in(zone, self.0)?),
        }
    }

    /// make_timestamp().
    pub fn make(year: i32, month: i32, day: i32, hour: i32, minute: i32, second: f64) -> Result<Timestamp> {
        Date::made(year, month, day, year)?.at_time(Time::make(hour, minute, second)?)
    }

    /// date_bin(stride, self, origin).
    pub fn bin(self, stride: Interval, origin: Timestamp) -> Result<Timestamp> {
        if !self.is_finite() {
            return Ok(self);
        }
        if !origin.is_finite() {
            return Err(out_of_range("origin out of range"));
        }
        bin(stride, self.0, origin.0).map(Timestamp)
    }
}

impl TimestampTz {
    /// `timestamptz + interval`: months and days on the zone's calendar, then time.
    pub fn add(self, interval: Interval, zone: &TimeZone) -> Result<TimestampTz> {
        if !self.is_finite() {
            return Ok(self);
        }
        let mut usecs = self.0;
        if interval.months != 0 || interval.days != 0 {
            let local = self.local(zone).0;
            let moved = add_months_and_days(local, interval.months.into(), interval.days.into())?;
            usecs = Timestamp(moved).in_zone(zone)?.0;
        }
        TimestampTz::from_usecs(usecs.checked_add(interval.usecs).ok_or_else(timestamp_out_of_range)?)
    }

    /// `timestamptz - interval`.
    pub fn sub_interval(self, interval: Interval, zone: &TimeZone) -> Result<TimestampTz> {
        self.add(interval.neg()?, zone)
    }

    /// `timestamptz - timestamptz`: days of 24 hours and time.
    pub fn sub(self, other: TimestampTz) -> Result<Interval> {
        Timestamp(self.0).sub(Timestamp(other.0))
    }

    /// age(self, other) on the zone's calendar.
    pub fn age(self, other: TimestampTz, zone: &TimeZone) -> Result<Interval> {
        let local = |instant: TimestampTz| {
            let offset = i64::from(time_zone::offset_at(zone, instant.0));
            Timestamp(if instant == Self::NEGATIVE_INFINITY {
                instant.0
            } else {
                instant.0.saturating_add(offset * USECS_PER_SECOND)
            })
        };
        local(self).age(local(other))
    }

    /// AT TIME ZONE, and timestamptz::timestamp: what a zone's clocks show at this instant.
    pub fn local(self, zone: &TimeZone) -> Timestamp {
        self.local_at_offset(if self.is_finite() { time_zone::offset_at(zone, self.0) } else { 0 })
    }

    /// AT TIME ZONE with an interval or an offset, seconds east.
    pub fn local_at_offset(self, offset: i32) -> Timestamp {
        if !self.is_finite() {
            return Timestamp(self.0);
        }
        Timestamp(self.0 + i64::from(offset) * USECS_PER_SECOND)
    }

    /// timestamptz::timetz.
    pub fn time_tz(self, zone: &TimeZone) -> Option<TimeTz> {
        let offset = time_zone::offset_at(zone, self.0);
        self.local(zone).time().map(|time| TimeTz { time: time.0, offset })
    }

    /// Rounds to timestamptz(precision).
    pub fn apply_typmod(self, typmod: i32) -> Result<TimestampTz> {
        if self.is_finite() { round_timestamp(self.0, typmod).map(TimestampTz) } else { Ok(self) }
    }

    /// to_timestamp(seconds since 1970-01-01 UTC).
    pub fn from_epoch(seconds: f64) -> Result<TimestampTz> {
        if seconds.is_nan() {
            return Err(out_of_range("timestamp cannot be NaN"));
        }
        if seconds.is_infinite() {
            return Ok(if seconds > 0.0 { TimestampTz::INFINITY } else { TimestampTz::NEGATIVE_INFINITY });
        }
        let shown = || crate::types::number_text::general(seconds, 6);
        let too_far =
            || Error::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("timestamp out of range: \"{}\"", shown()));
        if !(-210_866_803_200.0..9_224_318_016_000.0).contains(&seconds) {
            return Err(too_far());
        }
        let usecs = ((seconds - UNIX_EPOCH_USECS as f64 / 1e6) * 1e6).round_ties_even();
        TimestampTz::from_usecs(usecs as i64).map_err(|_| too_far())
    }

    /// From microseconds since 1970-01-01 UTC, as clocks give them.
    pub fn from_unix_usecs(usecs: i64) -> Result<TimestampTz> {
        TimestampTz::from_usecs(usecs.checked_sub(UNIX_EPOCH_USECS).ok_or_else(timestamp_out_of_range)?)
    }

    /// date_bin(stride, self, origin).
    pub fn bin(self, stride: Interval, origin: TimestampTz) -> Result<TimestampTz> {
        Timestamp(self.0).bin(stride, Timestamp(origin.0)).map(|binned| TimestampTz(binned.0))
    }
}

impl Interval {
    /// The offset, seconds east, that AT TIME ZONE takes an interval for; 22023 if it has months or days.
    pub fn to_zone_offset(self) -> Result<i32> {
        if self.months != 0 || self.days != 0 {
            let mut text = String::new();
            self.write(Default::default(), &mut text).map_err(|_| Error::internal("writing an interval"))?;
            return Err(Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("interval time zone \"{text}\" must not include months or days"),
            ));
        }
        i32::try_from(self.usecs / USECS_PER_SECOND).map_err(|_| interval_out_of_range())
    }

    /// make_interval().
    pub fn make(
        years: i32,
        months: i32,
        weeks: i32,
        days: i32,
        hours: i32,
        minutes: i32,
        seconds: f64,
    ) -> Result<Interval> {
        let usecs = (seconds * 1e6).round_ties_even();
        if !seconds.is_finite() {
            return Err(interval_out_of_range());
        }
        // As in PostgreSQL 15 the parts wrap around.
        let time = i64::from(hours) * USECS_PER_HOUR + i64::from(minutes) * USECS_PER_MINUTE;
        let usecs = if usecs.abs() >= 9_223_372_036_854_775_808.0 { i64::MIN } else { usecs as i64 };
        Ok(Interval {
            months: years.wrapping_mul(12).wrapping_add(months),
            days: weeks.wrapping_mul(7).wrapping_add(days),
            usecs: time.wrapping_add(usecs),
        })
    }
}

#[cfg(test)]
mod tests;
