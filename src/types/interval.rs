//! PostgreSQL's `interval`: months, days and microseconds, kept apart because neither has a fixed length in the other.
//!
//! Owns: [`Interval`], its order, arithmetic, justification and type modifier. Reading is `types::interval_input`,
//! writing `types::interval_output`, what it does to dates `types::datetime_math`.
//! Specification: datatype-datetime.html#DATATYPE-INTERVAL-INPUT, functions-datetime.html.

#![expect(clippy::should_implement_trait, reason = "PostgreSQL's operators can fail, Rust's operator traits cannot")]

use std::cmp::Ordering;
use std::fmt::Write;
use std::hash::{Hash, Hasher};

use crate::error::{Error, Result, SqlState};
use crate::types::calendar::{USECS_PER_DAY, USECS_PER_HOUR, USECS_PER_MINUTE};
use crate::types::datetime::{Stored, out_of_range};
use crate::types::format::{FormatSettings, IntervalStyle};

/// A span of time. Equality and order are PostgreSQL's: a month counts 30 days, a day 24 hours.
#[derive(Clone, Copy, Debug, Default)]
pub struct Interval {
    pub months: i32,
    pub days: i32,
    pub usecs: i64,
}

/// Which fields an interval type has (`interval year to month`), as bits of its type modifier.
pub mod fields {
    pub const MONTH: i32 = 1 << 1;
    pub const YEAR: i32 = 1 << 2;
    pub const DAY: i32 = 1 << 3;
    pub const HOUR: i32 = 1 << 10;
    pub const MINUTE: i32 = 1 << 11;
    pub const SECOND: i32 = 1 << 12;
    /// All of them.
    pub const FULL: i32 = 0x7FFF;
}

/// The precision in a type modifier that has none.
pub const FULL_PRECISION: i32 = 0xFFFF;

pub(super) fn interval_out_of_range() -> Error {
    out_of_range("interval out of range")
}

/// The type modifier of `interval fields(precision)`.
pub fn make_typmod(range: i32, precision: Option<i32>) -> i32 {
    ((range & fields::FULL) << 16) | precision.unwrap_or(FULL_PRECISION)
}

/// The fields and the precision in a type modifier; all of both if it is negative.
pub fn typmod_parts(typmod: i32) -> (i32, Option<i32>) {
    if typmod < 0 {
        return (fields::FULL, None);
    }
    let precision = typmod & FULL_PRECISION;
    ((typmod >> 16) & fields::FULL, (precision != FULL_PRECISION).then_some(precision))
}

/// Rounds to the nearest microsecond (TSROUND).
fn round_usecs(seconds: f64) -> f64 {
    (seconds * 1e6).round_ties_even() / 1e6
}

fn to_i32(value: f64) -> Result<i32> {
    if value.is_nan() || value > f64::from(i32::MAX) || value < f64::from(i32::MIN) {
        return Err(interval_out_of_range());
    }
    Ok(value as i32)
}

impl Interval {
    /// An interval of months, days and microseconds.
    pub fn new(months: i32, days: i32, usecs: i64) -> Self {
        Interval { months, days, usecs }
    }

    /// The length in microseconds that is compared.
    pub fn comparison_usecs(self) -> i128 {
        (i128::from(self.months) * 30 + i128::from(self.days)) * i128::from(USECS_PER_DAY) + i128::from(self.usecs)
    }

    /// `-self`.
    pub fn neg(self) -> Result<Interval> {
        Interval::default().sub(self)
    }

    /// `self + other`; 22008 if it does not fit.
    pub fn add(self, other: Interval) -> Result<Interval> {
        let sum = || {
            Some(Interval {
                months: self.months.checked_add(other.months)?,
                days: self.days.checked_add(other.days)?,
                usecs: self.usecs.checked_add(other.usecs)?,
            })
        };
        sum().ok_or_else(interval_out_of_range)
    }

    /// `self - other`; 22008 if it does not fit.
    pub fn sub(self, other: Interval) -> Result<Interval> {
        let difference = || {
            Some(Interval {
                months: self.months.checked_sub(other.months)?,
                days: self.days.checked_sub(other.days)?,
                usecs: self.usecs.checked_sub(other.usecs)?,
            })
        };
        difference().ok_or_else(interval_out_of_range)
    }

    /// `self * factor`: fractions of months become days of 30 to a month, fractions of days become time.
    pub fn mul(self, factor: f64) -> Result<Interval> {
        self.scaled(|value| value * factor)
    }

    /// `self / divisor`; 22012 for zero.
    pub fn div(self, divisor: f64) -> Result<Interval> {
        if divisor == 0.0 {
            return Err(Error::new(SqlState::DIVISION_BY_ZERO, "division by zero"));
        }
        self.scaled(|value| value / divisor)
    }

    fn scaled(self, scale: impl Fn(f64) -> f64) -> Result<Interval> {
        const SECONDS_PER_DAY: f64 = 86_400.0;
        let exact_months = scale(f64::from(self.months));
        let exact_days = scale(f64::from(self.days));
        let months = to_i32(exact_months)?;
        let mut days = to_i32(exact_days)?;
        let days_of_months = round_usecs((exact_months - f64::from(months)) * 30.0);
        let mut seconds =
            round_usecs((exact_days - f64::from(days) + days_of_months - days_of_months.trunc()) * SECONDS_PER_DAY);
        if seconds.abs() >= SECONDS_PER_DAY {
            let whole = (seconds / SECONDS_PER_DAY).trunc();
            days = days.checked_add(whole as i32).ok_or_else(interval_out_of_range)?;
            seconds -= whole * SECONDS_PER_DAY;
        }
        days = days.checked_add(days_of_months as i32).ok_or_else(interval_out_of_range)?;
        let usecs = (scale(self.usecs as f64) + seconds * 1e6).round_ties_even();
        if usecs.is_nan() || !(-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&usecs) {
            return Err(interval_out_of_range());
        }
        Ok(Interval { months, days, usecs: usecs as i64 })
    }

    /// justify_hours(): 24 hours become a day.
    pub fn justify_hours(self) -> Result<Interval> {
        let whole = self.usecs / USECS_PER_DAY;
        let days = i64::from(self.days) + whole;
        let mut result = Interval {
            days: i32::try_from(days).map_err(|_| interval_out_of_range())?,
            usecs: self.usecs - whole * USECS_PER_DAY,
            ..self
        };
        result.balance_time();
        Ok(result)
    }

    /// justify_days(): 30 days become a month.
    pub fn justify_days(self) -> Result<Interval> {
        let whole = self.days / 30;
        let months = self.months.checked_add(whole).ok_or_else(interval_out_of_range)?;
        let mut result = Interval { months, days: self.days - whole * 30, ..self };
        if result.months > 0 && result.days < 0 {
            result.days += 30;
            result.months -= 1;
        } else if result.months < 0 && result.days > 0 {
            result.days -= 30;
            result.months += 1;
        }
        Ok(result)
    }

    /// justify_interval(): both, and one sign for all.
    pub fn justify_interval(self) -> Result<Interval> {
        let whole_days = self.usecs / USECS_PER_DAY;
        let all_days = i64::from(self.days) + whole_days;
        let whole_months = all_days / 30;
        let months = i64::from(self.months) + whole_months;
        let mut result = Interval {
            months: i32::try_from(months).map_err(|_| interval_out_of_range())?,
            days: (all_days - whole_months * 30) as i32,
            usecs: self.usecs - whole_days * USECS_PER_DAY,
        };
        if result.months > 0 && (result.days < 0 || (result.days == 0 && result.usecs < 0)) {
            result.days += 30;
            result.months -= 1;
        } else if result.months < 0 && (result.days > 0 || (result.days == 0 && result.usecs > 0)) {
            result.days -= 30;
            result.months += 1;
        }
        result.balance_time();
        Ok(result)
    }

    /// Gives the time the sign of the days.
    fn balance_time(&mut self) {
        if self.days > 0 && self.usecs < 0 {
            self.usecs += USECS_PER_DAY;
            self.days -= 1;
        } else if self.days < 0 && self.usecs > 0 {
            self.usecs -= USECS_PER_DAY;
            self.days += 1;
        }
    }

    /// Applies `interval fields(precision)`: drops smaller fields, rounds the seconds.
    /// interval_in(): reads a text under a type modifier.
    pub fn parse_with_typmod(text: &str, settings: &FormatSettings, typmod: i32) -> Result<Interval> {
        Interval::parse(text, settings, typmod_parts(typmod).0)?.apply_typmod(typmod)
    }

    pub fn apply_typmod(mut self, typmod: i32) -> Result<Interval> {
        let (range, precision) = typmod_parts(typmod);
        let smallest = [fields::SECOND, fields::MINUTE, fields::HOUR, fields::DAY, fields::MONTH, fields::YEAR]
            .into_iter()
            .find(|field| range & field != 0);
        match smallest {
            _ if range == fields::FULL => {}
            Some(fields::YEAR) => self = Interval::new(self.months / 12 * 12, 0, 0),
            Some(fields::MONTH) => self = Interval::new(self.months, 0, 0),
            Some(fields::DAY) => self.usecs = 0,
            Some(fields::HOUR) => self.usecs -= self.usecs % USECS_PER_HOUR,
            Some(fields::MINUTE) => self.usecs -= self.usecs % USECS_PER_MINUTE,
            _ => {}
        }
        if let Some(precision) = precision {
            self.usecs = round_to_precision(self.usecs, precision);
        }
        Ok(self)
    }
}

/// Rounds microseconds to so many digits of a second, halves away from zero.
pub(super) fn round_to_precision(usecs: i64, precision: i32) -> i64 {
    let unit = 10i64.pow(6 - precision.clamp(0, 6) as u32);
    let half = unit / 2;
    let away = if usecs < 0 { usecs.saturating_sub(half) } else { usecs.saturating_add(half) };
    away / unit * unit
}

/// What the least number of microseconds is written as.
const LEAST_TIME: &str = "-2562047788:00:54.775808";

impl Stored for Interval {
    fn from_stored(text: &str) -> Result<Self> {
        // The one time whose text form cannot be read back, because reading counts up before it negates.
        if let Some(rest) = text.strip_suffix(LEAST_TIME) {
            let rest = if rest.is_empty() { "0" } else { rest };
            let parsed = Interval::parse(rest, &FormatSettings::default(), fields::FULL)?;
            return Ok(Interval { usecs: i64::MIN, ..parsed });
        }
        Interval::parse(text, &FormatSettings::default(), fields::FULL)
    }

    fn write_stored(&self, out: &mut impl Write) -> Result<()> {
        self.write(IntervalStyle::Postgres, out).map_err(|_| Error::internal("writing an interval"))
    }
}

impl PartialEq for Interval {
    fn eq(&self, other: &Self) -> bool {
        self.comparison_usecs() == other.comparison_usecs()
    }
}

impl Eq for Interval {}

impl Hash for Interval {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.comparison_usecs().hash(state);
    }
}

impl PartialOrd for Interval {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Interval {
    fn cmp(&self, other: &Self) -> Ordering {
        self.comparison_usecs().cmp(&other.comparison_usecs())
    }
}
