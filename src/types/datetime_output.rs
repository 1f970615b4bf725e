//! How dates and times look under DateStyle and TimeZone.
//!
//! Owns: `write` of the types of `types::datetime`. Specification: datatype-datetime.html#DATATYPE-DATETIME-OUTPUT;
//! EncodeDateOnly, EncodeTimeOnly and EncodeDateTime in PostgreSQL 15's datetime.c.

use std::fmt::{self, Write};

use crate::types::calendar::{MONTHS, USECS_PER_DAY, USECS_PER_SECOND, WEEKDAYS, civil_from_days, weekday};
use crate::types::datetime::{
    Date, Time, TimeTz, Timestamp, TimestampTz, put_iso_date, put_offset, put_time, put_year, put2,
};
use crate::types::format::{DateOrder, DateStyle, FormatSettings};
use crate::types::time_zone;

/// The first three letters of a name.
fn short(name: &'static str) -> &'static str {
    name.get(..3).unwrap_or(name)
}

/// Writes three parts with a separator between them; the last is the year.
fn put_date_parts(out: &mut impl Write, first: i64, second: i64, year: i64, separator: char) -> fmt::Result {
    put2(out, first)?;
    out.write_char(separator)?;
    put2(out, second)?;
    out.write_char(separator)?;
    put_year(out, year)
}

/// The date alone, in any style, without the mark of years before Christ.
fn put_date(out: &mut impl Write, date: (i64, i64, i64), settings: &FormatSettings) -> fmt::Result {
    let (year, month, day) = date;
    let day_first = settings.date_order == DateOrder::Dmy;
    let (first, second) = if day_first { (day, month) } else { (month, day) };
    match settings.date_style {
        DateStyle::Iso => put_iso_date(out, date),
        DateStyle::Sql => put_date_parts(out, first, second, year, '/'),
        DateStyle::Postgres => put_date_parts(out, first, second, year, '-'),
        DateStyle::German => put_date_parts(out, day, month, year, '.'),
    }
}

/// The year as it is shown, and whether " BC" follows.
fn era((year, month, day): (i64, i64, i64)) -> ((i64, i64, i64), &'static str) {
    if year > 0 { ((year, month, day), "") } else { ((1 - year, month, day), " BC") }
}

/// A zone as it follows a timestamp: its offset, and its abbreviation for the styles that show one.
struct ShownZone {
    offset: i32,
    abbreviation: Option<String>,
}

fn put_timestamp(
    out: &mut impl Write,
    local_usecs: i64,
    zone: Option<ShownZone>,
    settings: &FormatSettings,
) -> fmt::Result {
    let days = local_usecs.div_euclid(USECS_PER_DAY);
    let time = local_usecs.rem_euclid(USECS_PER_DAY);
    let (date, suffix) = era(civil_from_days(days));
    if settings.date_style == DateStyle::Postgres {
        put_postgres_style(out, days, date, time, settings)?;
    } else {
        put_date(out, date, settings)?;
        out.write_char(' ')?;
        put_time(out, time)?;
    }
    match zone {
        Some(ShownZone { abbreviation: Some(name), .. }) => write!(out, " {name}")?,
        Some(ShownZone { offset, .. }) => put_offset(out, offset)?,
        None => {}
    }
    out.write_str(suffix)
}

/// "Sat Jan 01 00:00:00 2000".
fn put_postgres_style(
    out: &mut impl Write,
    days: i64,
    (year, month, day): (i64, i64, i64),
    time: i64,
    settings: &FormatSettings,
) -> fmt::Result {
    let weekday = WEEKDAYS.get(weekday(days) as usize).copied().unwrap_or("");
    let month = MONTHS.get((month - 1) as usize).copied().unwrap_or("");
    if settings.date_order == DateOrder::Dmy {
        write!(out, "{} {day:02} {} ", short(weekday), short(month))?;
    } else {
        write!(out, "{} {} {day:02} ", short(weekday), short(month))?;
    }
    put_time(out, time)?;
    out.write_char(' ')?;
    put_year(out, year)
}

impl Date {
    /// Writes the date as the session wants it.
    pub fn write(self, settings: &FormatSettings, out: &mut impl Write) -> fmt::Result {
        match self {
            Date::INFINITY => out.write_str("infinity"),
            Date::NEGATIVE_INFINITY => out.write_str("-infinity"),
            Date(days) => {
                let (date, suffix) = era(civil_from_days(days.into()));
                put_date(out, date, settings)?;
                out.write_str(suffix)
            }
        }
    }
}

impl Time {
    /// Writes the time; no setting changes its form.
    pub fn write(self, out: &mut impl Write) -> fmt::Result {
        put_time(out, self.0)
    }
}

impl TimeTz {
    /// Writes the time and its offset; no setting changes its form.
    pub fn write(self, out: &mut impl Write) -> fmt::Result {
        put_time(out, self.time)?;
        put_offset(out, self.offset)
    }
}

impl Timestamp {
    /// Writes the timestamp as the session wants it.
    pub fn write(self, settings: &FormatSettings, out: &mut impl Write) -> fmt::Result {
        match self {
            Timestamp::INFINITY => out.write_str("infinity"),
            Timestamp::NEGATIVE_INFINITY => out.write_str("-infinity"),
            Timestamp(usecs) => put_timestamp(out, usecs, None, settings),
        }
    }
}

impl TimestampTz {
    /// Writes the timestamp as the session wants it, in the session's time zone.
    pub fn write(self, settings: &FormatSettings, out: &mut impl Write) -> fmt::Result {
        match self {
            TimestampTz::INFINITY => out.write_str("infinity"),
            TimestampTz::NEGATIVE_INFINITY => out.write_str("-infinity"),
            TimestampTz(usecs) => {
                let zone = if settings.date_style == DateStyle::Iso {
                    ShownZone { offset: time_zone::offset_at(&settings.time_zone, usecs), abbreviation: None }
                } else {
                    let (offset, name) = time_zone::offset_and_abbreviation(&settings.time_zone, usecs);
                    ShownZone { offset, abbreviation: Some(name) }
                };
                let local = usecs.saturating_add(i64::from(zone.offset) * USECS_PER_SECOND);
                put_timestamp(out, local, Some(zone), settings)
            }
        }
    }
}
