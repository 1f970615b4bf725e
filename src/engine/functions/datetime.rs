//! Functions, operators and casts of dates, times and intervals, and the clocks.
//!
//! The arithmetic is `types::datetime_math` and `types::datetime_fields`; this file brings it to stored values. What
//! depends on the session's time zone is not deterministic. Specification: functions-datetime.html.

use std::cmp::Ordering;

use jiff::tz::TimeZone;

use super::{Args, Definition, Output};
use crate::error::Result;
use crate::types::datetime::{Date, Stored, Time, TimeTz, Timestamp, TimestampTz};
use crate::types::interval::Interval;
use crate::types::numeric::Numeric;
use crate::types::time_zone;

/// The functions of this area.
#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Definition] = &[
    // Operators.
    Definition::pure("pg_date_pli", 2, |a| put(date(a, 0)?.add_days(a.int4(1)?)?)),
    Definition::pure("pg_date_mii", 2, |a| put(date(a, 0)?.add_days(a.int4(1)?.wrapping_neg())?)),
    Definition::pure("pg_date_mi", 2, |a| Ok(date(a, 0)?.sub(date(a, 1)?)?.into())),
    Definition::pure("pg_date_pl_interval", 2, |a| put(date(a, 0)?.to_timestamp()?.add(interval(a, 1)?)?)),
    Definition::pure("pg_date_mi_interval", 2, |a| put(date(a, 0)?.to_timestamp()?.sub_interval(interval(a, 1)?)?)),
    Definition::pure("pg_datetime_timestamp", 2, |a| put(date(a, 0)?.at_time(time(a, 1)?)?)),
    Definition::pure("pg_datetimetz_timestamptz", 2, |a| put(date(a, 0)?.at_time_tz(timetz(a, 1)?)?)),
    Definition::pure("pg_time_pl_interval", 2, |a| put(time(a, 0)?.add(interval(a, 1)?))),
    Definition::pure("pg_time_mi_interval", 2, |a| put(time(a, 0)?.sub_interval(interval(a, 1)?))),
    Definition::pure("pg_time_mi_time", 2, |a| put(time(a, 0)?.sub(time(a, 1)?))),
    Definition::pure("pg_timetz_pl_interval", 2, |a| put(timetz(a, 0)?.add(interval(a, 1)?))),
    Definition::pure("pg_timetz_mi_interval", 2, |a| put(timetz(a, 0)?.sub_interval(interval(a, 1)?))),
    Definition::pure("pg_timestamp_pl_interval", 2, |a| put(timestamp(a, 0)?.add(interval(a, 1)?)?)),
    Definition::pure("pg_timestamp_mi_interval", 2, |a| put(timestamp(a, 0)?.sub_interval(interval(a, 1)?)?)),
    Definition::pure("pg_timestamp_mi", 2, |a| put(timestamp(a, 0)?.sub(timestamp(a, 1)?)?)),
    Definition::pure("pg_timestamptz_mi", 2, |a| put(timestamptz(a, 0)?.sub(timestamptz(a, 1)?)?)),
    Definition::stable("pg_timestamptz_pl_interval", 2, |a| in_zone(a, |z| put(timestamptz(a, 0)?.add(interval(a, 1)?, z)?))),
    Definition::stable("pg_timestamptz_mi_interval", 2, |a| in_zone(a, |z| put(timestamptz(a, 0)?.sub_interval(interval(a, 1)?, z)?))),
    Definition::pure("pg_interval_pl", 2, |a| put(interval(a, 0)?.add(interval(a, 1)?)?)),
    Definition::pure("pg_interval_mi", 2, |a| put(interval(a, 0)?.sub(interval(a, 1)?)?)),
    Definition::pure("pg_interval_um", 1, |a| put(interval(a, 0)?.neg()?)),
    Definition::pure("pg_interval_mul", 2, |a| put(interval(a, 0)?.mul(a.float(1)?)?)),
    Definition::pure("pg_interval_div", 2, |a| put(interval(a, 0)?.div(a.float(1)?)?)),
    // Casts.
    // For comparisons: what is outside of the other type's range is before or after all of it.
    Definition::pure("pg_wide_date_timestamp", 1, |a| Ok(date(a, 0)?.to_wide_timestamp()?.into())),
    Definition::stable("pg_wide_date_timestamptz", 1, |a| in_zone(a, |z| Ok(date(a, 0)?.to_wide_timestamp_tz(z)?.into()))),
    Definition::stable("pg_wide_timestamp_timestamptz", 1, |a| in_zone(a, |z| put(timestamp(a, 0)?.in_wide_zone(z)))),
    Definition::pure("pg_date_timestamp", 1, |a| put(date(a, 0)?.to_timestamp()?)),
    Definition::stable("pg_date_timestamptz", 1, |a| in_zone(a, |z| put(date(a, 0)?.to_timestamp_tz(z)?))),
    Definition::pure("pg_time_interval", 1, |a| put(time(a, 0)?.to_interval())),
    Definition::stable("pg_time_timetz", 1, |a| { let now = now(a)?.0; in_zone(a, |z| put(time(a, 0)?.with_zone(z, now))) }),
    Definition::pure("pg_timestamp_date", 1, |a| put(timestamp(a, 0)?.date()?)),
    Definition::pure("pg_timestamp_time", 1, |a| put_some(timestamp(a, 0)?.time())),
    Definition::stable("pg_timestamp_timestamptz", 1, |a| in_zone(a, |z| put(timestamp(a, 0)?.in_zone(z)?))),
    Definition::stable("pg_timestamptz_date", 1, |a| in_zone(a, |z| put(timestamptz(a, 0)?.local(z).date()?))),
    Definition::stable("pg_timestamptz_time", 1, |a| in_zone(a, |z| put_some(timestamptz(a, 0)?.local(z).time()))),
    Definition::stable("pg_timestamptz_timestamp", 1, |a| in_zone(a, |z| put(timestamptz(a, 0)?.local(z)))),
    Definition::stable("pg_timestamptz_timetz", 1, |a| in_zone(a, |z| put_some(timestamptz(a, 0)?.time_tz(z)))),
    Definition::pure("pg_interval_time", 1, |a| put(Time::from_interval(interval(a, 0)?))),
    Definition::pure("pg_timetz_time", 1, |a| put(Time(timetz(a, 0)?.time))),
    Definition::pure("pg_float8_timestamptz", 1, |a| put(TimestampTz::from_epoch(a.float(0)?)?)),
    // Fields.
    Definition::pure("pg_extract_date", 2, |a| numeric(date(a, 1)?.extract(&a.text(0)?)?)),
    Definition::pure("pg_extract_time", 2, |a| numeric(Some(time(a, 1)?.extract(&a.text(0)?)?))),
    Definition::pure("pg_extract_timetz", 2, |a| numeric(Some(timetz(a, 1)?.extract(&a.text(0)?)?))),
    Definition::pure("pg_extract_timestamp", 2, |a| numeric(timestamp(a, 1)?.extract(&a.text(0)?)?)),
    Definition::stable("pg_extract_timestamptz", 2, |a| in_zone(a, |z| numeric(timestamptz(a, 1)?.extract(&a.text(0)?, z)?))),
    Definition::pure("pg_extract_interval", 2, |a| numeric(Some(interval(a, 1)?.extract(&a.text(0)?)?))),
    Definition::pure("pg_date_part", 2, |a| float(date(a, 1)?.to_timestamp()?.extract(&a.text(0)?)?)),
    Definition::pure("pg_time_part", 2, |a| float(Some(time(a, 1)?.extract(&a.text(0)?)?))),
    Definition::pure("pg_timetz_part", 2, |a| float(Some(timetz(a, 1)?.extract(&a.text(0)?)?))),
    Definition::pure("pg_timestamp_part", 2, |a| float(timestamp(a, 1)?.extract(&a.text(0)?)?)),
    Definition::stable("pg_timestamptz_part", 2, |a| in_zone(a, |z| float(timestamptz(a, 1)?.extract(&a.text(0)?, z)?))),
    Definition::pure("pg_interval_part", 2, |a| float(Some(interval(a, 1)?.extract(&a.text(0)?)?))),
    Definition::pure("pg_timestamp_trunc", 2, |a| put(timestamp(a, 1)?.truncate(&a.text(0)?)?)),
    Definition::stable("pg_timestamptz_trunc", 2, |a| in_zone(a, |z| put(timestamptz(a, 1)?.truncate(&a.text(0)?, z)?))),
    Definition::pure("pg_timestamptz_trunc_zone", 3, |a| finite(a, 1, |a| put(timestamptz(a, 1)?.truncate(&a.text(0)?, &time_zone::lookup(&a.text(2)?)?)?))),
    Definition::pure("pg_interval_trunc", 2, |a| put(interval(a, 1)?.truncate(&a.text(0)?)?)),
    Definition::pure("pg_timestamp_bin", 3, |a| put(timestamp(a, 1)?.bin(interval(a, 0)?, timestamp(a, 2)?)?)),
    Definition::pure("pg_timestamptz_bin", 3, |a| put(timestamptz(a, 1)?.bin(interval(a, 0)?, timestamptz(a, 2)?)?)),
    // Age, parts, tests.
    Definition::pure("pg_timestamp_age", 2, |a| put(timestamp(a, 0)?.age(timestamp(a, 1)?)?)),
    Definition::stable("pg_timestamp_age", 1, |a| put(today(a)?.to_timestamp()?.age(timestamp(a, 0)?)?)),
    Definition::stable("pg_timestamptz_age", 2, |a| in_zone(a, |z| put(timestamptz(a, 0)?.age(timestamptz(a, 1)?, z)?))),
    Definition::stable("pg_timestamptz_age", 1, |a| {
        let today = today(a)?;
        in_zone(a, |z| put(today.to_timestamp_tz(z)?.age(timestamptz(a, 0)?, z)?))
    }),
    Definition::pure("pg_make_date", 3, |a| put(Date::make(a.int4(0)?, a.int4(1)?, a.int4(2)?)?)),
    Definition::pure("pg_date_subdiff", 2, |a| Ok((f64::from(date(a, 0)?.0) - f64::from(date(a, 1)?.0)).into())),
    // How far apart, for btree_gist.
    Definition::pure("pg_interval_dist", 2, |a| { let apart = interval(a, 0)?.sub(interval(a, 1)?)?; put(if apart.comparison_usecs() < 0 { apart.neg()? } else { apart }) }),
    Definition::pure("pg_time_dist", 2, |a| put(Interval::new(0, 0, (time(a, 0)?.0 - time(a, 1)?.0).abs()))),
    Definition::pure("pg_timestamp_dist", 2, |a| distance(timestamp(a, 0)?, timestamp(a, 1)?)),
    Definition::pure("pg_timestamptz_dist", 2, |a| distance(Timestamp(timestamptz(a, 0)?.0), Timestamp(timestamptz(a, 1)?.0))),
    Definition::pure("pg_make_time", 3, |a| put(Time::make(a.int4(0)?, a.int4(1)?, a.float(2)?)?)),
    Definition::pure("pg_make_timestamp", 6, |a| put(made_timestamp(a)?)),
    Definition::stable("pg_make_timestamptz", 6, |a| in_zone(a, |z| put(made_timestamp(a)?.in_zone(z)?))),
    Definition::pure("pg_make_timestamptz", 7, |a| put(made_timestamp(a)?.in_named_zone(&a.text(6)?)?)),
    Definition::pure("pg_make_interval", -1, make_interval),
    Definition::pure("pg_interval_justify_hours", 1, |a| put(interval(a, 0)?.justify_hours()?)),
    Definition::pure("pg_interval_justify_days", 1, |a| put(interval(a, 0)?.justify_days()?)),
    Definition::pure("pg_interval_justify_interval", 1, |a| put(interval(a, 0)?.justify_interval()?)),
    Definition::pure("pg_isfinite", 1, |a| Ok((!a.text(0)?.ends_with("infinity")).into())),
    // Time zones.
    Definition::pure("pg_timestamp_zone", 2, |a| finite(a, 1, |a| put(at_zone(timestamp(a, 1)?, &a.text(0)?)?))),
    Definition::pure("pg_timestamptz_zone", 2, |a| finite(a, 1, |a| {
        let time = timestamptz(a, 1)?;
        put(Timestamp::from_usecs(time.local_at_offset(time_zone::offset_at_in(&a.text(0)?, time.0)?).0)?)
    })),
    Definition::stable("pg_timetz_zone", 2, |a| put(timetz(a, 1)?.at_offset(time_zone::offset_at_in(&a.text(0)?, now(a)?.0)?))),
    Definition::pure("pg_timestamp_izone", 2, |a| finite(a, 1, |a| put(timestamp(a, 1)?.at_offset(interval(a, 0)?.to_zone_offset()?)?))),
    Definition::pure("pg_timestamptz_izone", 2, |a| finite(a, 1, |a| put(timestamptz(a, 1)?.local_at_offset(interval(a, 0)?.to_zone_offset()?)))),
    Definition::pure("pg_timetz_izone", 2, |a| put(timetz(a, 1)?.at_offset(interval(a, 0)?.to_zone_offset()?))),
    // Periods.
    Definition::pure("pg_time_overlaps", 4, overlaps::<Time>).called_on_null(),
    Definition::pure("pg_timetz_overlaps", 4, overlaps::<TimeTz>).called_on_null(),
    Definition::pure("pg_timestamp_overlaps", 4, overlaps::<Timestamp>).called_on_null(),
    Definition::pure("pg_timestamptz_overlaps", 4, overlaps::<TimestampTz>).called_on_null(),
    // Clocks.
    Definition::stable("pg_now", 0, |a| put(now(a)?)),
    Definition::stable("pg_statement_timestamp", 0, |a| {
        put(TimestampTz::from_unix_usecs(a.slot().with_session(|s| Ok(s.statement_start))?)?)
    }),
    Definition::stable("pg_clock_timestamp", 0, |_| put(TimestampTz(time_zone::clock()))).taped(),
    Definition::stable("pg_current_date", 0, |a| put(today(a)?)),
    Definition::stable("pg_current_time", 0, |a| { let now = now(a)?; in_zone(a, |z| put_some(now.time_tz(z))) }),
    Definition::stable("pg_localtime", 0, |a| { let now = now(a)?; in_zone(a, |z| put_some(now.local(z).time())) }),
    Definition::stable("pg_localtimestamp", 0, |a| { let now = now(a)?; in_zone(a, |z| put(now.local(z))) }),
    Definition::stable("pg_timeofday", 0, time_of_day).taped(),
];

/// OVERLAPS: two periods, each from whichever of its ends is first; a period's end does not belong to it, unless it is
/// the beginning, too. An end may be unknown if the answer does not depend on it.
fn overlaps<T: Stored + Ord>(args: &Args<'_>) -> Result<Output> {
    let end = |index| if args.is_null(index) { Ok(None) } else { read::<T>(args, index).map(Some) };
    let period = |first, second| {
        Ok(match (first, second) {
            (None, None) => None,
            (None, Some(only)) | (Some(only), None) => Some((only, None)),
            (Some(first), Some(second)) if first > second => Some((second, Some(first))),
            (Some(first), second) => Some((first, second)),
        })
    };
    let (one, other) = (period(end(0)?, end(1)?)?, period(end(2)?, end(3)?)?);
    let (Some((start, end)), Some((other_start, other_end))) = (one, other) else { return Ok(Output::NULL) };
    let answer = match start.cmp(&other_start) {
        // The later one begins before the earlier one ends.
        Ordering::Greater => {
            other_end.and_then(|other_end| if start < other_end { Some(true) } else { end.map(|_| false) })
        }
        Ordering::Less => end.and_then(|end| if other_start < end { Some(true) } else { other_end.map(|_| false) }),
        Ordering::Equal => end.and(other_end).map(|_| true),
    };
    Ok(answer.map_or(Output::NULL, Into::into))
}

/// A local time in a zone, whose name may be an abbreviation that meant different things at different times.
fn at_zone(time: Timestamp, zone: &str) -> Result<TimestampTz> {
    time.at_offset(time_zone::offset_of_local_in(zone, time.0)?)
}

/// The infinities stay as they are, before any other argument is looked at.
fn finite(args: &Args<'_>, index: usize, body: fn(&Args<'_>) -> Result<Output>) -> Result<Output> {
    if args.text(index)?.ends_with("infinity") { Ok(Output::Argument(index)) } else { body(args) }
}

/// Infinity, as far as intervals go, is from everywhere.
fn distance(a: Timestamp, b: Timestamp) -> Result<Output> {
    if !a.is_finite() || !b.is_finite() {
        return put(Interval::new(i32::MAX, i32::MAX, i64::MAX));
    }
    let apart = a.sub(b)?;
    put(if apart.comparison_usecs() < 0 { apart.neg()? } else { apart })
}

fn read<T: Stored>(args: &Args<'_>, index: usize) -> Result<T> {
    T::from_stored(&args.text(index)?)
}

fn date(args: &Args<'_>, index: usize) -> Result<Date> {
    read(args, index)
}

fn time(args: &Args<'_>, index: usize) -> Result<Time> {
    read(args, index)
}

fn timetz(args: &Args<'_>, index: usize) -> Result<TimeTz> {
    read(args, index)
}

fn timestamp(args: &Args<'_>, index: usize) -> Result<Timestamp> {
    read(args, index)
}

fn timestamptz(args: &Args<'_>, index: usize) -> Result<TimestampTz> {
    read(args, index)
}

pub(super) fn interval(args: &Args<'_>, index: usize) -> Result<Interval> {
    read(args, index)
}

pub(super) fn put(value: impl Stored) -> Result<Output> {
    Ok(value.to_stored()?.into())
}

fn put_some(value: Option<impl Stored>) -> Result<Output> {
    value.map_or(Ok(Output::NULL), put)
}

fn numeric(value: Option<Numeric>) -> Result<Output> {
    Ok(value.map(|value| value.to_string()).into())
}

fn float(value: Option<Numeric>) -> Result<Output> {
    Ok(value.map(|value| value.to_f64()).into())
}

/// Runs with the session's time zone.
fn in_zone(args: &Args<'_>, body: impl FnOnce(&TimeZone) -> Result<Output>) -> Result<Output> {
    args.slot().with_format(|format| body(&format.time_zone))
}

/// The start of the transaction.
pub(super) fn now(args: &Args<'_>) -> Result<TimestampTz> {
    TimestampTz::from_unix_usecs(args.slot().with_session(|session| Ok(session.transaction_start))?)
}

fn today(args: &Args<'_>) -> Result<Date> {
    let now = now(args)?;
    args.slot().with_format(|format| now.local(&format.time_zone).date())
}

fn made_timestamp(args: &Args<'_>) -> Result<Timestamp> {
    let part = |index| args.int4(index);
    Timestamp::make(part(0)?, part(1)?, part(2)?, part(3)?, part(4)?, args.float(5)?)
}

/// Years, months, weeks, days, hours, minutes and seconds; those not given are 0.
fn make_interval(args: &Args<'_>) -> Result<Output> {
    let part = |index| if index < args.len() { args.int4(index) } else { Ok(0) };
    let seconds = if args.len() > 6 { args.float(6)? } else { 0.0 };
    put(Interval::make(part(0)?, part(1)?, part(2)?, part(3)?, part(4)?, part(5)?, seconds)?)
}

/// timeofday(): "Mon Nov 23 09:21:14.123456 2026 UTC".
fn time_of_day(args: &Args<'_>) -> Result<Output> {
    let zone = args.slot().with_format(|format| Ok(format.time_zone.clone()))?;
    let now = jiff::Timestamp::now().to_zoned(zone);
    Ok(now.strftime("%a %b %d %H:%M:%S.%6f %Y %Z").to_string().into())
}

#[cfg(test)]
mod tests {
    use crate::engine::functions::tests::assert_values;

    #[test]
    fn dates_and_times_are_computed() {
        assert_values(&[
            ("pg_date_pli('2024-02-28', 2)", "2024-03-01"),
            ("pg_date_mi('2024-03-01', '2024-02-01')", "29"),
            ("pg_timestamp_pl_interval('2024-01-31 00:00:00', '1 mon')", "2024-02-29 00:00:00"),
            ("pg_timestamp_mi('2024-01-02 00:00:00', '2024-01-01 12:00:00')", "12:00:00"),
            ("pg_interval_mul('1 mon', 1.5)", "1 mon 15 days"),
            ("pg_extract_timestamp('year', '2024-05-06 07:08:09.5')", "2024"),
            ("pg_extract_timestamp('second', '2024-05-06 07:08:09.5')", "9.500000"),
            ("pg_timestamp_part('epoch', '1970-01-02 00:00:00')", "86400.0"),
            ("pg_timestamptz_trunc('day', '2024-05-06 07:08:09+00')", "2024-05-06 00:00:00+00"),
            ("pg_timestamptz_zone('Europe/Berlin', '2024-05-06 07:00:00+00')", "2024-05-06 09:00:00"),
            ("pg_make_interval(0, 14)", "1 year 2 mons"),
            (
                "pg_make_timestamptz(2024, 1, 1, 0, 0, 0, '2')",
                "22023 invalid input syntax for type numeric time zone: \"2\"",
            ),
            ("pg_make_timestamptz(2024, 1, 1, 0, 0, 0, '+20')", "22023 numeric time zone \"+20\" out of range"),
            ("pg_float8_timestamptz(1e9)", "2001-09-09 01:46:40+00"),
            ("pg_isfinite('-infinity')", "0"),
            ("pg_timestamptz_zone('Nowhere', '2024-05-06 07:00:00+00')", "22023 time zone \"Nowhere\" not recognized"),
        ]);
    }
}
