//! to_char() of dates, times and intervals.
//!
//! Owns: [`timestamp_to_char`], [`timestamptz_to_char`], [`interval_to_char`]. Specification: functions-formatting.html;
//! DCH_to_char in PostgreSQL 15's formatting.c.

use jiff::tz::TimeZone;

use crate::error::{Error, Result, SqlState};
use crate::limits::session as limits;
use crate::types::calendar::{
    EPOCH_JULIAN_DAY, MONTHS, USECS_PER_DAY, USECS_PER_HOUR, USECS_PER_MINUTE, USECS_PER_SECOND, WEEKDAYS,
    civil_from_days, day_of_year, iso_week, iso_year_start, weekday,
};
use crate::types::datetime::{Timestamp, TimestampTz};
use crate::types::datetime_template::{Case, Key, ROMAN_MONTHS, parse};
use crate::types::interval::Interval;
use crate::types::template::{Modifiers, Node, ordinal_suffix};
use crate::types::time_zone;

/// The fields a template may show.
#[derive(Default)]
struct Fields {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    usecs: i64,
    day_of_year: i64,
    /// The day itself; `None` for an interval, which has no place in the calendar.
    days: Option<i64>,
    /// Seconds east of UTC and the zone's abbreviation.
    zone: Option<(i32, String)>,
}

/// to_char(timestamp, template); `None` (NULL) for the infinities and an empty template.
pub fn timestamp_to_char(value: Timestamp, template: &str) -> Result<Option<String>> {
    if !value.is_finite() || template.is_empty() {
        return Ok(None);
    }
    local_fields(value.0, None).write(template).map(Some)
}

/// to_char(timestamptz, template) in a time zone.
pub fn timestamptz_to_char(value: TimestampTz, template: &str, zone: &TimeZone) -> Result<Option<String>> {
    if !value.is_finite() || template.is_empty() {
        return Ok(None);
    }
    let (offset, name) = time_zone::offset_and_abbreviation(zone, value.0);
    local_fields(value.local_at_offset(offset).0, Some((offset, name))).write(template).map(Some)
}

/// to_char(interval, template).
pub fn interval_to_char(value: Interval, template: &str) -> Result<Option<String>> {
    if template.is_empty() {
        return Ok(None);
    }
    let (months, days) = (i64::from(value.months), i64::from(value.days));
    let fields = Fields {
        year: months / 12,
        month: months % 12,
        day: days,
        hour: value.usecs / USECS_PER_HOUR,
        minute: value.usecs / USECS_PER_MINUTE % 60,
        second: value.usecs / USECS_PER_SECOND % 60,
        usecs: value.usecs % USECS_PER_SECOND,
        day_of_year: months * 30 + days,
        days: None,
        zone: None,
    };
    fields.write(template).map(Some)
}

fn local_fields(local: i64, zone: Option<(i32, String)>) -> Fields {
    let days = local.div_euclid(USECS_PER_DAY);
    let time = local.rem_euclid(USECS_PER_DAY);
    let (year, month, day) = civil_from_days(days);
    Fields {
        year,
        month,
        day,
        hour: time / USECS_PER_HOUR,
        minute: time / USECS_PER_MINUTE % 60,
        second: time / USECS_PER_SECOND % 60,
        usecs: time % USECS_PER_SECOND,
        day_of_year: day_of_year(days),
        days: Some(days),
        zone,
    }
}

/// A number padded with zeros to a width, its sign included; unpadded in fill mode.
fn padded(value: i64, width: usize, modifiers: Modifiers) -> String {
    if modifiers.fill { value.to_string() } else { format!("{value:0width$}") }
}

/// A name, padded with blanks unless in fill mode or translated.
fn padded_name(name: String, width: usize, modifiers: Modifiers) -> String {
    if modifiers.fill || modifiers.translated { name } else { format!("{name:width$}") }
}

fn with_dots(name: &str, dots: bool, case: Case) -> String {
    let name: String = if dots { name.chars().flat_map(|c| [c, '.']).collect() } else { name.to_owned() };
    case.apply(&name)
}

fn not_for_intervals() -> Error {
    Error::new(SqlState::INVALID_DATETIME_FORMAT, "invalid format specification for an interval value")
        .with_hint("Intervals are not tied to specific calendar dates.")
}

/// What writing one pattern costs.
const PATTERN: usize = 128;

impl Fields {
    fn write(&self, template: &str) -> Result<String> {
        let mut out = String::with_capacity(template.len() + 16);
        for (node, character) in parse(template)? {
            limits::work(PATTERN)?;
            match node {
                Node::Pattern { key: (key, _), modifiers } => {
                    let (text, takes_ordinal) = self.pattern(key, modifiers)?;
                    out.push_str(&text);
                    if let Some(case) = modifiers.ordinal.filter(|_| takes_ordinal) {
                        out.push_str(ordinal_suffix(&text, case));
                    }
                }
                _ => out.push(character),
            }
        }
        Ok(out)
    }

    /// The day, which an interval does not have.
    fn calendar_day(&self) -> Result<i64> {
        self.days.ok_or_else(not_for_intervals)
    }

    /// The year as it is shown: 1 BC is 1.
    fn shown_year(&self, year: i64) -> i64 {
        if self.days.is_some() && year <= 0 { 1 - year } else { year }
    }

    /// A pattern's text, and whether an ordinal suffix may follow.
    fn pattern(&self, key: Key, modifiers: Modifiers) -> Result<(String, bool)> {
        let number = |value: i64, width: usize| Ok((padded(value, width, modifiers), true));
        // Most numbers get room for a minus, those of days do not.
        let signed = |value: i64, width: usize| number(value, width + usize::from(value < 0));
        match key {
            Key::Hour12 => signed(if self.hour % 12 == 0 { 12 } else { self.hour % 12 }, 2),
            Key::Hour24 => signed(self.hour, 2),
            Key::Minute => signed(self.minute, 2),
            Key::Second => signed(self.second, 2),
            Key::Fraction(digits) => Ok((self.fraction(digits.into()), true)),
            Key::Millisecond => Ok((self.fraction(3), true)),
            Key::Microsecond => Ok((self.fraction(6), true)),
            Key::SecondOfDay => Ok(((self.hour * 3600 + self.minute * 60 + self.second).to_string(), true)),
            Key::Month => signed(self.month, 2),
            Key::DayOfYear => number(self.day_of_year, 3),
            Key::IsoDayOfYear => {
                let day = self.calendar_day()?;
                number(day - iso_year_start(iso_week(day).0) + 1, 3)
            }
            Key::DayOfMonth => number(self.day, 2),
            Key::DayOfWeek => Ok(((weekday(self.calendar_day()?) + 1).to_string(), true)),
            Key::IsoDayOfWeek => Ok((((weekday(self.calendar_day()?) + 6) % 7 + 1).to_string(), true)),
            Key::WeekOfYear => number((self.day_of_year - 1) / 7 + 1, 2),
            Key::IsoWeek => number(iso_week(self.calendar_day()?).1, 2),
            Key::WeekOfMonth => Ok((((self.day - 1) / 7 + 1).to_string(), true)),
            Key::Quarter if self.month == 0 => Ok((String::new(), false)),
            Key::Quarter => Ok((((self.month - 1) / 3 + 1).to_string(), true)),
            Key::Century => {
                let century = self.century();
                signed(century, if century.abs() <= 99 { 2 } else { 0 })
            }
            Key::YearWithComma => {
                let year = self.shown_year(self.year);
                Ok((format!("{},{:03}", year / 1000, year % 1000), true))
            }
            Key::Year(digits) => Ok((self.year_digits(self.year, digits, modifiers), true)),
            Key::IsoYear(digits) => {
                let year = iso_week(self.calendar_day()?).0;
                Ok((self.year_digits(year, digits, modifiers), true))
            }
            Key::Julian => {
                // Intervals show what the same numbers would be as a date.
                let days = self.days.unwrap_or_else(|| self.as_date());
                Ok(((days + EPOCH_JULIAN_DAY).to_string(), true))
            }
            name => self.name(name, modifiers).map(|text| (text, false)),
        }
    }

    fn as_date(&self) -> i64 {
        crate::types::calendar::days_from_civil(self.year, self.month, self.day)
    }

    /// Patterns that are not numbers.
    fn name(&self, key: Key, modifiers: Modifiers) -> Result<String> {
        Ok(match key {
            Key::Meridiem { case, dots } => with_dots(if self.hour % 24 >= 12 { "PM" } else { "AM" }, dots, case),
            Key::Era { case, dots } => {
                self.calendar_day()?;
                with_dots(if self.year <= 0 { "BC" } else { "AD" }, dots, case)
            }
            Key::MonthName(case) => padded_name(case.apply(self.month_name()?), 9, modifiers),
            Key::MonthNameShort(case) => case.apply(self.month_name()?.get(..3).unwrap_or("")),
            Key::DayName(case) => padded_name(case.apply(self.day_name()?), 9, modifiers),
            Key::DayNameShort(case) => case.apply(self.day_name()?.get(..3).unwrap_or("")),
            Key::Roman(case) => self.roman_month(case, modifiers),
            Key::Zone(_) | Key::ZoneHour | Key::ZoneMinute | Key::Offset => self.zone(key, modifiers)?,
            _ => String::new(),
        })
    }

    fn fraction(&self, digits: u32) -> String {
        let value = self.usecs / 10i64.pow(6 - digits);
        format!("{value:0width$}", width = digits as usize)
    }

    fn century(&self) -> i64 {
        match (self.days, self.year) {
            (None, year) => year / 100,
            (_, year) if year > 0 => (year - 1) / 100 + 1,
            (_, year) => year / 100 - 1,
        }
    }

    fn year_digits(&self, year: i64, digits: u8, modifiers: Modifiers) -> String {
        let shown = self.shown_year(year);
        let width = usize::from(digits) + usize::from(shown < 0);
        match digits {
            4 => padded(shown, width, modifiers),
            1 => (shown % 10).to_string(),
            digits => padded(shown % 10i64.pow(digits.into()), width, modifiers),
        }
    }

    fn month_name(&self) -> Result<&'static str> {
        self.calendar_day()?;
        Ok(usize::try_from(self.month - 1).ok().and_then(|at| MONTHS.get(at)).copied().unwrap_or(""))
    }

    fn day_name(&self) -> Result<&'static str> {
        let day = weekday(self.calendar_day()?);
        Ok(WEEKDAYS.get(day as usize).copied().unwrap_or(""))
    }

    fn roman_month(&self, case: Case, modifiers: Modifiers) -> String {
        if self.month == 0 && self.year == 0 {
            return String::new();
        }
        // An interval of whole years is in its last month, one before zero counts backwards.
        let month = match self.month {
            0 if self.year >= 0 => 12,
            0 => 1,
            negative @ ..0 => 13 + negative,
            month => month,
        };
        let name = usize::try_from(month - 1).ok().and_then(|at| ROMAN_MONTHS.get(at)).copied().unwrap_or("");
        let name = case.apply(name);
        if modifiers.fill { name } else { format!("{name:4}") }
    }

    fn zone(&self, key: Key, modifiers: Modifiers) -> Result<String> {
        self.calendar_day()?;
        let (offset, name) = self.zone.clone().unwrap_or_default();
        let sign = if offset < 0 { '-' } else { '+' };
        let minutes = offset.unsigned_abs() / 60;
        let (hours, minutes) = (minutes / 60, minutes % 60);
        Ok(match key {
            Key::Zone(case) => case.apply(&name),
            Key::ZoneHour => format!("{sign}{hours:02}"),
            Key::ZoneMinute => format!("{minutes:02}"),
            _ => {
                let hours = if modifiers.fill { hours.to_string() } else { format!("{hours:02}") };
                if minutes == 0 { format!("{sign}{hours}") } else { format!("{sign}{hours}:{minutes:02}") }
            }
        })
    }
}
