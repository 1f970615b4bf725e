//! Dates and times as PostgreSQL counts them: days or microseconds since 2000-01-01, and their stored text form.
//!
//! Owns: [`Date`], [`Time`], [`TimeTz`], [`Timestamp`], [`TimestampTz`], the trait [`Stored`] and the fast paths between
//! numbers and canonical text. Reading what a client wrote is `types::datetime_input`, DateStyle output
//! `types::datetime_output`, arithmetic `types::datetime_math`. Specification: datatype-datetime.html.
//!
//! The stored forms sort as text. For the years 1 to 9999 they are ISO's. A later year is written with seven digits behind
//! a Y, which sorts after every digit and before "infinity"; a year before Christ as a slash, which sorts after
//! "-infinity" and before every digit, and what is left of it to 9999: 1 BC is /9999, 44 BC is /9956.

use std::fmt::{self, Write};

use crate::error::{Error, Result, SqlState};
use crate::types::calendar::{
    USECS_PER_DAY, USECS_PER_HOUR, USECS_PER_MINUTE, USECS_PER_SECOND, civil_from_days, days_from_civil, days_in_month,
};

/// A value with a canonical text form in which SQLite stores it.
pub trait Stored: Sized {
    /// Reads the stored form; a text that is not one (a file that others wrote) is read as PostgreSQL would.
    fn from_stored(text: &str) -> Result<Self>;

    /// Writes the stored form.
    fn write_stored(&self, out: &mut impl Write) -> Result<()>;

    /// The stored form.
    fn to_stored(&self) -> Result<String> {
        let mut text = String::with_capacity(32);
        self.write_stored(&mut text)?;
        Ok(text)
    }
}

/// Days since 2000-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(pub i32);

/// Microseconds since midnight, up to and including 24:00:00.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

/// A time of day at an offset from UTC, in seconds east (the binary form counts west).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimeTz {
    pub time: i64,
    pub offset: i32,
}

/// Microseconds since 2000-01-01 00:00, in no particular time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// Microseconds since 2000-01-01 00:00 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimestampTz(pub i64);

/// 4713-11-24 BC, the first day of the Julian day count.
const MIN_DATE: i64 = -2_451_545;
/// The day after 5874897-12-31.
const END_DATE: i64 = 2_145_031_949;
const MIN_TIMESTAMP: i64 = -211_813_488_000_000_000;
/// 294277-01-01.
const END_TIMESTAMP: i64 = 9_223_371_331_200_000_000;
/// What the years before Christ, of which the last is 0, count up to in their stored form.
const LAST_BC: i64 = 9999;

pub(super) fn out_of_range(what: &'static str) -> Error {
    Error::new(SqlState::DATETIME_FIELD_OVERFLOW, what)
}

pub(super) fn date_out_of_range() -> Error {
    out_of_range("date out of range")
}

pub(super) fn timestamp_out_of_range() -> Error {
    out_of_range("timestamp out of range")
}

fn format_error(_: fmt::Error) -> Error {
    Error::internal("writing a value")
}

impl Date {
    pub const INFINITY: Date = Date(i32::MAX);
    pub const NEGATIVE_INFINITY: Date = Date(i32::MIN);

    /// Neither infinity.
    pub fn is_finite(self) -> bool {
        self != Self::INFINITY && self != Self::NEGATIVE_INFINITY
    }

    /// A date from a day count; 22008 outside PostgreSQL's range.
    pub fn from_days(days: i64) -> Result<Date> {
        if !(MIN_DATE..END_DATE).contains(&days) {
            return Err(date_out_of_range());
        }
        Ok(Date(days as i32))
    }

    /// Midnight of that day; the infinities stay.
    pub fn to_timestamp(self) -> Result<Timestamp> {
        match self {
            Self::INFINITY => Ok(Timestamp::INFINITY),
            Self::NEGATIVE_INFINITY => Ok(Timestamp::NEGATIVE_INFINITY),
            Date(days) => {
                let usecs = i64::from(days).checked_mul(USECS_PER_DAY);
                let usecs = usecs.filter(|usecs| Timestamp::in_range(*usecs));
                usecs.map(Timestamp).ok_or_else(|| out_of_range("date out of range for timestamp"))
            }
        }
    }
}

macro_rules! instants {
    ($($name:ident)*) => {
        $(impl $name {
            pub const INFINITY: $name = $name(i64::MAX);
            pub const NEGATIVE_INFINITY: $name = $name(i64::MIN);

            /// Neither infinity.
            pub fn is_finite(self) -> bool {
                self != Self::INFINITY && self != Self::NEGATIVE_INFINITY
            }

            /// Whether PostgreSQL has such a timestamp.
            pub fn in_range(usecs: i64) -> bool {
                (MIN_TIMESTAMP..END_TIMESTAMP).contains(&usecs)
            }

            /// From microseconds since 2000-01-01; 22008 outside PostgreSQL's range.
            pub fn from_usecs(usecs: i64) -> Result<$name> {
                if Self::in_range(usecs) { Ok($name(usecs)) } else { Err(timestamp_out_of_range()) }
            }
        })*
    };
}

instants! { Timestamp TimestampTz }

/// The two digits of each number below 100.
const DIGIT_PAIRS: &str = "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849\
5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

/// Writes a number below 100 with two digits.
#[inline]
pub(super) fn put2(out: &mut impl Write, value: i64) -> fmt::Result {
    match usize::try_from(value).ok().and_then(|v| DIGIT_PAIRS.get(2 * v..2 * v + 2)) {
        Some(pair) => out.write_str(pair),
        None => write!(out, "{value}"),
    }
}

/// Writes a year with at least four digits.
pub(super) fn put_year(out: &mut impl Write, year: i64) -> fmt::Result {
    if (0..10_000).contains(&year) {
        put2(out, year / 100)?;
        return put2(out, year % 100);
    }
    write!(out, "{year:04}")
}

/// Writes ".ffffff" without trailing zeros, nothing for 0.
#[inline]
pub(super) fn put_fraction(out: &mut impl Write, usecs: i64) -> fmt::Result {
    if usecs == 0 {
        return Ok(());
    }
    let mut digits = 6;
    let mut value = usecs;
    while value % 10 == 0 {
        value /= 10;
        digits -= 1;
    }
    write!(out, ".{value:0digits$}")
}

/// Writes HH:MM:SS[.ffffff].
pub(super) fn put_time(out: &mut impl Write, usecs: i64) -> fmt::Result {
    put2(out, usecs / USECS_PER_HOUR)?;
    out.write_char(':')?;
    put2(out, usecs / USECS_PER_MINUTE % 60)?;
    out.write_char(':')?;
    put2(out, usecs / USECS_PER_SECOND % 60)?;
    put_fraction(out, usecs % USECS_PER_SECOND)
}

/// Writes YYYY-MM-DD of days since 2000-01-01; years before 1 are the caller's business.
pub(super) fn put_iso_date(out: &mut impl Write, (year, month, day): (i64, i64, i64)) -> fmt::Result {
    put_year(out, year)?;
    out.write_char('-')?;
    put2(out, month)?;
    out.write_char('-')?;
    put2(out, day)
}

/// Writes a day in the form that sorts.
fn put_sortable_date(out: &mut impl Write, days: i64) -> fmt::Result {
    let (year, month, day) = civil_from_days(days);
    match year {
        ..1 => {
            out.write_char('/')?;
            put_iso_date(out, (LAST_BC + year, month, day))
        }
        1..10_000 => put_iso_date(out, (year, month, day)),
        _ => write!(out, "Y{year:07}-{month:02}-{day:02}"),
    }
}

/// Whether a stored date or timestamp is what ISO style shows: the years 1 to 9999 and the infinities.
pub fn is_iso(stored: &str) -> bool {
    !stored.starts_with(['/', 'Y'])
}

/// Days of a stored date whose year has its own form, and what follows it.
fn wide_date(text: &str) -> Option<(i64, &str)> {
    let (digits, offset) = match text.as_bytes().first()? {
        b'/' => (4, -LAST_BC),
        b'Y' => (7, 0),
        _ => return None,
    };
    let (year, rest) = text.get(1..)?.split_at_checked(digits)?;
    let year = number(year.as_bytes())? + offset;
    let (month_day, rest) = rest.split_at_checked(6)?;
    let [b'-', m1, m2, b'-', d1, d2] = *month_day.as_bytes() else { return None };
    let (month, day) = (number(&[m1, m2])?, number(&[d1, d2])?);
    let valid = (1..=12).contains(&month) && day >= 1 && day <= days_in_month(year, month);
    valid.then(|| (days_from_civil(year, month, day), rest))
}

/// Microseconds of a stored timestamp whose year has its own form.
fn wide_timestamp(text: &str) -> Option<i64> {
    let (days, rest) = wide_date(text)?;
    days.checked_mul(USECS_PER_DAY)?.checked_add(stored_time(rest.strip_prefix(' ')?.as_bytes())?)
}

/// Writes +HH[:MM[:SS]] for an offset in seconds east.
pub(super) fn put_offset(out: &mut impl Write, offset: i32) -> fmt::Result {
    let seconds = i64::from(offset.unsigned_abs());
    out.write_char(if offset < 0 { '-' } else { '+' })?;
    put2(out, seconds / 3600)?;
    if seconds % 3600 != 0 {
        out.write_char(':')?;
        put2(out, seconds / 60 % 60)?;
    }
    if seconds % 60 != 0 {
        out.write_char(':')?;
        put2(out, seconds % 60)?;
    }
    Ok(())
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |value, digit| digit.is_ascii_digit().then(|| value * 10 + i64::from(digit - b'0')))
}

/// Days of exactly "YYYY-MM-DD".
pub(super) fn stored_date(text: &[u8]) -> Option<i64> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text else { return None };
    let (year, month, day) = (number(&[y1, y2, y3, y4])?, number(&[m1, m2])?, number(&[d1, d2])?);
    let valid = year >= 1 && (1..=12).contains(&month) && day >= 1 && day <= days_in_month(year, month);
    valid.then(|| days_from_civil(year, month, day))
}

/// Microseconds of "HH:MM:SS[.ffffff]".
pub(super) fn stored_time(text: &[u8]) -> Option<i64> {
    let (clock, fraction) = text.split_at_checked(8)?;
    let [h1, h2, b':', m1, m2, b':', s1, s2] = *clock else { return None };
    let (hour, minute, second) = (number(&[h1, h2])?, number(&[m1, m2])?, number(&[s1, s2])?);
    if hour > 24 || minute > 59 || second > 59 {
        return None;
    }
    let usecs = match fraction {
        [] => 0,
        [b'.', digits @ ..] if (1..=6).contains(&digits.len()) => number(digits)? * 10i64.pow(6 - digits.len() as u32),
        _ => return None,
    };
    let total = ((hour * 60 + minute) * 60 + second) * USECS_PER_SECOND + usecs;
    (total <= USECS_PER_DAY).then_some(total)
}

/// Microseconds of "YYYY-MM-DD HH:MM:SS[.ffffff]".
#[inline]
pub(super) fn stored_timestamp(text: &[u8]) -> Option<i64> {
    let (date, rest) = text.split_at_checked(10)?;
    let [b' ', time @ ..] = rest else { return None };
    Some(stored_date(date)? * USECS_PER_DAY + stored_time(time)?)
}

/// Seconds east of "+HH[:MM[:SS]]".
fn stored_offset(text: &str) -> Option<i32> {
    let (sign, rest) = match text.as_bytes() {
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let mut parts = rest.split(|b| *b == b':');
    let mut part = || parts.next().map_or(Some(0), number);
    let seconds = part()? * 3600 + part()? * 60 + part()?;
    i32::try_from(sign * seconds).ok()
}

impl Stored for Date {
    fn from_stored(text: &str) -> Result<Self> {
        match text {
            "infinity" => Ok(Date::INFINITY),
            "-infinity" => Ok(Date::NEGATIVE_INFINITY),
            _ => match stored_date(text.as_bytes()).or_else(|| Some(wide_date(text)?.0)) {
                Some(days) => Ok(Date(days as i32)),
                None => Date::parse(text, &Default::default()),
            },
        }
    }

    fn write_stored(&self, out: &mut impl Write) -> Result<()> {
        let days = i64::from(self.0);
        let written = match *self {
            Date::INFINITY => out.write_str("infinity"),
            Date::NEGATIVE_INFINITY => out.write_str("-infinity"),
            _ => put_sortable_date(out, days),
        };
        written.map_err(format_error)
    }
}

impl Stored for Time {
    fn from_stored(text: &str) -> Result<Self> {
        match stored_time(text.as_bytes()) {
            Some(usecs) => Ok(Time(usecs)),
            None => Time::parse(text, &Default::default()),
        }
    }

    fn write_stored(&self, out: &mut impl Write) -> Result<()> {
        put_time(out, self.0).map_err(format_error)
    }
}

impl Stored for TimeTz {
    fn from_stored(text: &str) -> Result<Self> {
        let stored = || {
            let (time, offset) = text.split_at_checked(text.rfind(['+', '-'])?)?;
            Some(TimeTz { time: stored_time(time.as_bytes())?, offset: stored_offset(offset)? })
        };
        match stored() {
            Some(value) => Ok(value),
            None => TimeTz::parse(text, &Default::default()),
        }
    }

    fn write_stored(&self, out: &mut impl Write) -> Result<()> {
        put_time(out, self.time).and_then(|()| put_offset(out, self.offset)).map_err(format_error)
    }
}

fn write_instant(usecs: i64, suffix: &str, out: &mut impl Write) -> Result<()> {
    let days = usecs.div_euclid(USECS_PER_DAY);
    let mut write = || {
        put_sortable_date(out, days)?;
        out.write_char(' ')?;
        put_time(out, usecs.rem_euclid(USECS_PER_DAY))?;
        out.write_str(suffix)
    };
    write().map_err(format_error)
}

impl Stored for Timestamp {
    fn from_stored(text: &str) -> Result<Self> {
        match text {
            "infinity" => Ok(Timestamp::INFINITY),
            "-infinity" => Ok(Timestamp::NEGATIVE_INFINITY),
            _ => match stored_timestamp(text.as_bytes()).or_else(|| wide_timestamp(text)) {
                Some(usecs) => Ok(Timestamp(usecs)),
                None => Timestamp::parse(text, &Default::default()),
            },
        }
    }

    fn write_stored(&self, out: &mut impl Write) -> Result<()> {
        match *self {
            Timestamp::INFINITY => out.write_str("infinity").map_err(format_error),
            Timestamp::NEGATIVE_INFINITY => out.write_str("-infinity").map_err(format_error),
            Timestamp(usecs) => write_instant(usecs, "", out),
        }
    }
}

impl Stored for TimestampTz {
    fn from_stored(text: &str) -> Result<Self> {
        match text {
            "infinity" => Ok(TimestampTz::INFINITY),
            "-infinity" => Ok(TimestampTz::NEGATIVE_INFINITY),
            _ => match text
                .strip_suffix("+00")
                .and_then(|local| stored_timestamp(local.as_bytes()).or_else(|| wide_timestamp(local)))
            {
                Some(usecs) => Ok(TimestampTz(usecs)),
                None => TimestampTz::parse(text, &Default::default()),
            },
        }
    }

    fn write_stored(&self, out: &mut impl Write) -> Result<()> {
        match *self {
            TimestampTz::INFINITY => out.write_str("infinity").map_err(format_error),
            TimestampTz::NEGATIVE_INFINITY => out.write_str("-infinity").map_err(format_error),
            TimestampTz(usecs) => write_instant(usecs, "+00", out),
        }
    }
}

impl TimeTz {
    /// Microseconds since midnight UTC; what is compared first.
    pub fn utc_usecs(self) -> i64 {
        self.time - i64::from(self.offset) * USECS_PER_SECOND
    }
}

impl PartialOrd for TimeTz {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for TimeTz {
    /// By instant, then by zone: the one further west is larger.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.utc_usecs().cmp(&other.utc_usecs()).then(other.offset.cmp(&self.offset))
    }
}
