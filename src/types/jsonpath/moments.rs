//! Dates and times as items: what `.datetime()` makes of strings, and how they compare.
//!
//! Owns: [`Moment`]. Specification: parse_datetime and DCH_datetime_type in PostgreSQL 15's formatting.c, compareDatetime in
//! jsonpath_exec.c, JsonEncodeDateTime in json.c.

use std::cmp::Ordering;
use std::fmt::{self, Write};
use std::sync::LazyLock;

use crate::error::{Error, Result, SqlState};
use crate::types::calendar::{USECS_PER_DAY, civil_from_days};
use crate::types::datetime::{
    Date, Time, TimeTz, Timestamp, TimestampTz, put_iso_date, put_offset, put_time, timestamp_out_of_range,
};
use crate::types::datetime_template::{Key, Pattern, parse_standard};
use crate::types::format::FormatSettings;
use crate::types::from_char::{self, read_standard};
use crate::types::template::{Item, Node};
use crate::types::time_zone;

/// A date or time.
#[derive(Clone, Copy, Debug)]
pub enum Moment {
    Date(Date),
    Time(Time),
    TimeTz(TimeTz),
    Timestamp(Timestamp),
    /// With the offset it was written with.
    TimestampTz(TimestampTz, i32),
}

/// The templates that are tried if there is none.
static ISO: LazyLock<Vec<Vec<Item<Pattern>>>> = LazyLock::new(|| {
    let (times, zones) = (["HH24:MI:SS.US", "HH24:MI:SS"], ["TZH:TZM", "TZH", ""]);
    let mut templates = vec!["yyyy-mm-dd".to_owned()];
    let zoned = |zones: &[&str], dates: &[&str], templates: &mut Vec<String>| {
        for date in dates {
            for time in times {
                templates.extend(zones.iter().map(|zone| format!("{date}{time}{zone}")));
            }
        }
    };
    let dates = ["yyyy-mm-dd ", "yyyy-mm-dd\"T\""];
    zoned(&zones[..2], &[""], &mut templates);
    zoned(&zones[2..], &[""], &mut templates);
    zoned(&zones[..2], &dates, &mut templates);
    zoned(&zones[2..], &dates, &mut templates);
    templates.iter().filter_map(|template| parse_standard(template).ok()).collect()
});

fn malformed(message: &'static str) -> Error {
    Error::new(SqlState::INVALID_DATETIME_FORMAT, message)
}

/// What a template is about.
#[derive(Default)]
struct Kind {
    dated: bool,
    timed: bool,
    zoned: bool,
}

impl Kind {
    fn of(template: &[Item<Pattern>]) -> Self {
        let mut kind = Kind::default();
        for (node, _) in template {
            let Node::Pattern { key: (key, _), .. } = node else { continue };
            match key {
                Key::FixedFormat => {}
                Key::Meridiem { .. }
                | Key::Hour12
                | Key::Hour24
                | Key::Minute
                | Key::Second
                | Key::Millisecond
                | Key::Microsecond
                | Key::Fraction(_)
                | Key::SecondOfDay => kind.timed = true,
                Key::ZoneHour | Key::ZoneMinute => kind.zoned = true,
                _ => kind.dated = true,
            }
        }
        kind
    }
}

/// Rounded to so many digits of a second's fraction.
fn typmod(fraction: u8) -> i32 {
    if fraction == 0 { -1 } else { fraction.into() }
}

impl Moment {
    /// Reads a text by a template.
    pub(super) fn read(text: &str, template: &[Item<Pattern>]) -> Result<Moment> {
        let read = read_standard(text, template)?;
        let typmod = typmod(read.fraction);
        let Kind { dated, timed, zoned } = Kind::of(template);
        match (dated, timed, zoned) {
            (true, true, _) => timestamp(read, zoned),
            (true, false, true) => Err(malformed("datetime format is zoned but not timed")),
            (true, false, false) => Date::from_days(read.days)
                .map(Moment::Date)
                .map_err(|_| Error::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("date out of range: \"{text}\""))),
            (false, true, false) => Ok(Moment::Time(Time(read.time).apply_typmod(typmod))),
            (false, true, true) => {
                let time = TimeTz { time: read.time, offset: read.offset.unwrap_or(0) };
                Ok(Moment::TimeTz(time.apply_typmod(typmod)))
            }
            (false, false, _) => Err(malformed("datetime format is not dated and not timed")),
        }
    }

    /// Reads a text in the first of the ISO formats that fits; `None` if none does.
    pub(super) fn read_iso(text: &str) -> Result<Option<Moment>> {
        Ok(ISO.iter().find_map(|template| Moment::read(text, template).ok()))
    }

    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Moment::Date(_) => "date",
            Moment::Time(_) => "time without time zone",
            Moment::TimeTz(_) => "time with time zone",
            Moment::Timestamp(_) => "timestamp without time zone",
            Moment::TimestampTz(..) => "timestamp with time zone",
        }
    }
}

fn timestamp(read: from_char::Moment, zoned: bool) -> Result<Moment> {
    let local = read.days.checked_mul(USECS_PER_DAY).and_then(|days| days.checked_add(read.time));
    let local = Timestamp::from_usecs(local.ok_or_else(timestamp_out_of_range)?)?;
    let typmod = typmod(read.fraction);
    if !zoned {
        return Ok(Moment::Timestamp(local.apply_typmod(typmod)?));
    }
    let offset = read.offset.unwrap_or(0);
    Ok(Moment::TimestampTz(local.at_offset(offset)?.apply_typmod(typmod)?, offset))
}

fn write_date(days: i64, f: &mut fmt::Formatter<'_>) -> Result<bool, fmt::Error> {
    let (year, month, day) = civil_from_days(days);
    let before_christ = year <= 0;
    put_iso_date(f, (if before_christ { 1 - year } else { year }, month, day))?;
    Ok(before_christ)
}

fn write_timestamp(local: i64, offset: Option<i32>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let before_christ = write_date(local.div_euclid(USECS_PER_DAY), f)?;
    f.write_char('T')?;
    put_time(f, local.rem_euclid(USECS_PER_DAY))?;
    offset.map_or(Ok(()), |offset| write_offset(offset, f))?;
    f.write_str(if before_christ { " BC" } else { "" })
}

/// Hours and minutes: json has both always.
fn write_offset(offset: i32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    put_offset(f, offset)?;
    f.write_str(if offset % 3600 == 0 { ":00" } else { "" })
}

/// As in JSON: ISO 8601.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Moment::Date(date) => {
                let before_christ = write_date(date.0.into(), f)?;
                f.write_str(if before_christ { " BC" } else { "" })
            }
            Moment::Time(time) => put_time(f, time.0),
            Moment::TimeTz(time) => {
                put_time(f, time.time)?;
                write_offset(time.offset, f)
            }
            Moment::Timestamp(timestamp) => write_timestamp(timestamp.0, None, f),
            Moment::TimestampTz(timestamp, offset) => {
                write_timestamp(timestamp.local_at_offset(*offset).0, Some(*offset), f)
            }
        }
    }
}

/// The order of two items, where a date that is no timestamp is after all of them; `None` if they are not comparable, 0A000 if that would take a time zone and none may be used.
pub(super) fn compare(left: Moment, right: Moment, zoned: bool, settings: &FormatSettings) -> Result<Option<Ordering>> {
    let needs_zone = |from: &str, to: &str| {
        if zoned {
            return Ok(());
        }
        let message = format!("cannot convert value from {from} to {to} without time zone usage");
        Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
            .with_hint("Use *_tz() function for time zone support."))
    };
    let zone = &settings.time_zone;
    Ok(Some(match (left, right) {
        (Moment::Date(left), Moment::Date(right)) => left.0.cmp(&right.0),
        (Moment::Time(left), Moment::Time(right)) => left.0.cmp(&right.0),
        (Moment::TimeTz(left), Moment::TimeTz(right)) => left.cmp(&right),
        (Moment::Timestamp(left), Moment::Timestamp(right)) => left.0.cmp(&right.0),
        (Moment::TimestampTz(left, _), Moment::TimestampTz(right, _)) => left.0.cmp(&right.0),
        (Moment::Date(left), Moment::Timestamp(right)) => match left.to_timestamp() {
            Ok(left) => left.0.cmp(&right.0),
            Err(_) => Ordering::Greater,
        },
        (Moment::Date(left), Moment::TimestampTz(right, _)) => {
            needs_zone("date", "timestamptz")?;
            match left.to_timestamp_tz(zone) {
                Ok(left) => left.0.cmp(&right.0),
                Err(_) => Ordering::Greater,
            }
        }
        (Moment::Timestamp(left), Moment::TimestampTz(right, _)) => {
            needs_zone("timestamp", "timestamptz")?;
            left.in_zone(zone)?.0.cmp(&right.0)
        }
        (Moment::Time(left), Moment::TimeTz(right)) => {
            needs_zone("time", "timetz")?;
            left.with_zone(zone, time_zone::clock()).cmp(&right)
        }
        (Moment::Timestamp(_), Moment::Date(_))
        | (Moment::TimestampTz(..), Moment::Date(_) | Moment::Timestamp(_))
        | (Moment::TimeTz(_), Moment::Time(_)) => {
            return Ok(compare(right, left, zoned, settings)?.map(Ordering::reverse));
        }
        _ => return Ok(None),
    }))
}
