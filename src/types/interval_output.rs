//! How intervals look under IntervalStyle.
//!
//! Owns: [`Interval::write`]. Specification: datatype-datetime.html#DATATYPE-INTERVAL-OUTPUT; EncodeInterval in
//! PostgreSQL 15's datetime.c.

use std::fmt::{self, Write};

use crate::types::calendar::{USECS_PER_HOUR, USECS_PER_MINUTE, USECS_PER_SECOND};
use crate::types::datetime::{put_fraction, put2};
use crate::types::format::IntervalStyle;
use crate::types::interval::Interval;

/// An interval in the fields that are shown; all of time's have the same sign.
#[derive(Clone, Copy)]
struct Fields {
    years: i64,
    months: i64,
    days: i64,
    hours: i64,
    minutes: i64,
    seconds: i64,
    usecs: i64,
}

impl Fields {
    fn of(interval: Interval) -> Self {
        let time = interval.usecs;
        Fields {
            years: i64::from(interval.months / 12),
            months: i64::from(interval.months % 12),
            days: i64::from(interval.days),
            hours: time / USECS_PER_HOUR,
            minutes: time / USECS_PER_MINUTE % 60,
            seconds: time / USECS_PER_SECOND % 60,
            usecs: time % USECS_PER_SECOND,
        }
    }

    fn all(&self) -> [i64; 7] {
        [self.years, self.months, self.days, self.hours, self.minutes, self.seconds, self.usecs]
    }

    fn has_time(&self) -> bool {
        self.hours != 0 || self.minutes != 0 || self.has_seconds()
    }

    fn has_seconds(&self) -> bool {
        self.seconds != 0 || self.usecs != 0
    }

    fn time_is_negative(&self) -> bool {
        self.hours < 0 || self.minutes < 0 || self.seconds < 0 || self.usecs < 0
    }

    fn negated(&self) -> Fields {
        let [years, months, days, hours, minutes, seconds, usecs] = self.all().map(|field| -field);
        Fields { years, months, days, hours, minutes, seconds, usecs }
    }

    /// ":MM:SS.ffffff" without signs.
    fn put_after_hours(&self, out: &mut impl Write) -> fmt::Result {
        out.write_char(':')?;
        put2(out, self.minutes.abs())?;
        out.write_char(':')?;
        put2(out, self.seconds.abs())?;
        put_fraction(out, self.usecs.abs())
    }

    /// "S.ffffff" without a sign and without a leading zero.
    fn put_plain_seconds(&self, out: &mut impl Write) -> fmt::Result {
        write!(out, "{}", self.seconds.abs())?;
        put_fraction(out, self.usecs.abs())
    }
}

fn plural(value: i64) -> &'static str {
    if value == 1 { "" } else { "s" }
}

/// "1 year 2 mons -3 days +04:05:06".
fn put_postgres(f: Fields, out: &mut impl Write) -> fmt::Result {
    let mut first = true;
    let mut after_negative = false;
    for (value, unit) in [(f.years, "year"), (f.months, "mon"), (f.days, "day")] {
        if value == 0 {
            continue;
        }
        let space = if first { "" } else { " " };
        let plus = if after_negative && value > 0 { "+" } else { "" };
        write!(out, "{space}{plus}{value} {unit}{}", plural(value))?;
        after_negative = value < 0;
        first = false;
    }
    if first || f.has_time() {
        if !first {
            out.write_char(' ')?;
        }
        if f.time_is_negative() {
            out.write_char('-')?;
        } else if after_negative {
            out.write_char('+')?;
        }
        if f.hours.abs() < 100 {
            put2(out, f.hours.abs())?
        } else {
            write!(out, "{}", f.hours.abs())?
        }
        f.put_after_hours(out)?;
    }
    Ok(())
}

/// "@ 1 year 2 mons 3 days 4 hours 5 mins 6 secs ago".
fn put_verbose(f: Fields, out: &mut impl Write) -> fmt::Result {
    out.write_char('@')?;
    let mut first = true;
    let mut ago = false;
    let units = [(f.years, "year"), (f.months, "mon"), (f.days, "day"), (f.hours, "hour"), (f.minutes, "min")];
    for (value, unit) in units {
        if value == 0 {
            continue;
        }
        if first {
            ago = value < 0;
        }
        let shown = if ago { -value } else { value };
        write!(out, " {shown} {unit}{}", plural(shown))?;
        first = false;
    }
    if f.has_seconds() {
        out.write_char(' ')?;
        let negative = f.seconds < 0 || f.usecs < 0;
        if first {
            ago = negative;
        } else if negative != ago {
            out.write_char('-')?;
        }
        f.put_plain_seconds(out)?;
        let one = f.seconds.abs() == 1 && f.usecs == 0;
        out.write_str(if one { " sec" } else { " secs" })?;
        first = false;
    }
    if first {
        out.write_str(" 0")?;
    }
    out.write_str(if ago { " ago" } else { "" })
}

/// "1-2", "3 4:05:06", or "+1-2 -3 +4:05:06" where the standard has no form.
fn put_sql_standard(mut f: Fields, out: &mut impl Write) -> fmt::Result {
    let has_negative = f.all().iter().any(|field| *field < 0);
    let has_positive = f.all().iter().any(|field| *field > 0);
    let has_year_month = f.years != 0 || f.months != 0;
    let has_day_time = f.days != 0 || f.has_time();
    if !has_negative && !has_positive {
        return out.write_char('0');
    }
    if (has_negative && has_positive) || (has_year_month && has_day_time) {
        let sign = |negative: bool| if negative { '-' } else { '+' };
        let year_sign = sign(f.years < 0 || f.months < 0);
        let (day_sign, time_sign) = (sign(f.days < 0), sign(f.time_is_negative()));
        let (years, months, days) = (f.years.abs(), f.months.abs(), f.days.abs());
        write!(out, "{year_sign}{years}-{months} {day_sign}{days} {time_sign}{}", f.hours.abs())?;
        return f.put_after_hours(out);
    }
    if has_negative {
        out.write_char('-')?;
        f = f.negated();
    }
    if has_year_month {
        return write!(out, "{}-{}", f.years, f.months);
    }
    if f.days != 0 {
        write!(out, "{} ", f.days)?;
    }
    write!(out, "{}", f.hours)?;
    f.put_after_hours(out)
}

/// "P1Y2M3DT4H5M6S".
fn put_iso8601(f: Fields, out: &mut impl Write) -> fmt::Result {
    if f.all() == [0; 7] {
        return out.write_str("PT0S");
    }
    let put = |out: &mut _, parts: &[(i64, char)]| -> fmt::Result {
        for (value, designator) in parts.iter().filter(|(value, _)| *value != 0) {
            write_part(out, *value, *designator)?;
        }
        Ok(())
    };
    out.write_char('P')?;
    put(out, &[(f.years, 'Y'), (f.months, 'M'), (f.days, 'D')])?;
    if f.has_time() {
        out.write_char('T')?;
        put(out, &[(f.hours, 'H'), (f.minutes, 'M')])?;
    }
    if f.has_seconds() {
        if f.seconds < 0 || f.usecs < 0 {
            out.write_char('-')?;
        }
        f.put_plain_seconds(out)?;
        out.write_char('S')?;
    }
    Ok(())
}

fn write_part(out: &mut impl Write, value: i64, designator: char) -> fmt::Result {
    write!(out, "{value}{designator}")
}

impl Interval {
    /// Writes the interval in a style.
    pub fn write(self, style: IntervalStyle, out: &mut impl Write) -> fmt::Result {
        let fields = Fields::of(self);
        match style {
            IntervalStyle::Postgres => put_postgres(fields, out),
            IntervalStyle::PostgresVerbose => put_verbose(fields, out),
            IntervalStyle::SqlStandard => put_sql_standard(fields, out),
            IntervalStyle::Iso8601 => put_iso8601(fields, out),
        }
    }
}
