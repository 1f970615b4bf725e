//! Time zones: from the names, abbreviations and offsets PostgreSQL accepts to a zone, and from a zone to offsets.
//!
//! Owns: lookup of zones and the offset of an instant or of a local time. Times are microseconds since 2000-01-01.
//! Must not know: the text forms of dates. Specification: datatype-datetime.html#DATATYPE-TIMEZONES.

use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

use crate::error::{Error, Result, SqlState};
use crate::types::calendar::{UNIX_EPOCH_USECS, USECS_PER_DAY, USECS_PER_SECOND, civil_from_days};
use crate::types::format::FormatSettings;
use crate::types::interval::{Interval, fields};
use crate::types::time_zone_abbreviations::{ABBREVIATIONS, Abbreviation};

/// The largest offset a time zone may have, in seconds (MAX_TZDISP_HOUR hours and a bit less).
pub const MAX_OFFSET: i32 = 16 * 3600 - 1;

/// What an abbreviation such as "EST" means by default, if it is one. Case does not matter.
pub fn abbreviation(name: &str) -> Option<Abbreviation> {
    let lower = name.to_ascii_lowercase();
    let found = ABBREVIATIONS.binary_search_by(|(known, _)| (*known).cmp(lower.as_str())).ok()?;
    ABBREVIATIONS.get(found).map(|(_, meaning)| *meaning)
}

/// A zone by its full name ("Europe/Berlin", any case) or by a POSIX rule ("FOO+3").
pub fn named(name: &str) -> Option<TimeZone> {
    if ["utc", "gmt", "etc/utc", "uct", "zulu"].iter().any(|utc| name.eq_ignore_ascii_case(utc)) {
        return Some(TimeZone::UTC);
    }
    if let Some(quoted) = name.strip_prefix('<') {
        // As SHOW names a fixed offset: jiff knows no ":" in a quoted abbreviation.
        if let Some(offset) = quoted.split_once('>').and_then(|(_, offset)| posix_offset(offset)) {
            return fixed(offset);
        }
    }
    let known = jiff::tz::db().get(name).ok();
    let posix = || TimeZone::posix(name.to_ascii_uppercase().as_str()).ok();
    known.or_else(posix).or_else(|| fixed(posix_offset(name)?))
}

/// Seconds east of a POSIX rule without a name ("+05:30", "5"), where a plus or no sign is west of Greenwich.
fn posix_offset(text: &str) -> Option<i32> {
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (-1, text.get(1..)?),
        b'-' => (1, text.get(1..)?),
        _ => (-1, text),
    };
    let mut seconds = 0;
    let mut unit = 3600;
    for part in rest.split(':') {
        let valid = unit > 0 && (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        seconds += part.parse::<i32>().ok().filter(|_| valid)? * unit;
        unit /= 60;
    }
    (seconds <= MAX_OFFSET).then_some(sign * seconds)
}

/// Whether the zone's offset has never been another one: fixed ones, and POSIX rules without summer time.
pub fn is_fixed(zone: &TimeZone) -> bool {
    let half_a_year = 183 * 24 * 3600 * 1_000_000;
    let changes = || offset_at(zone, 0) != offset_at(zone, half_a_year);
    zone.to_fixed_offset().is_ok() || zone.iana_name().is_none() && !changes()
}

/// A zone at a fixed offset, seconds east of UTC.
pub fn fixed(seconds: i32) -> Option<TimeZone> {
    if seconds == 0 {
        return Some(TimeZone::UTC);
    }
    Offset::from_seconds(seconds).ok().map(TimeZone::fixed)
}

/// The zone meant by the text of SET TIME ZONE or AT TIME ZONE: an abbreviation, a name, or an offset. Offsets with a
/// sign follow POSIX, where "+3" is west of Greenwich, only inside a POSIX rule; a bare number is hours east.
pub fn lookup(name: &str) -> Result<TimeZone> {
    let unknown = || Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("time zone \"{name}\" not recognized"));
    match abbreviation(name) {
        Some(Abbreviation::Offset { seconds, .. }) => return fixed(seconds).ok_or_else(unknown),
        Some(Abbreviation::Zone(zone)) => return named(zone).ok_or_else(unknown),
        None => {}
    }
    named(name).ok_or_else(unknown)
}

/// The offset that a zone, named as for [`lookup`], has at a local time.
pub fn offset_of_local_in(name: &str, local_usecs: i64) -> Result<i32> {
    match abbreviation(name) {
        Some(Abbreviation::Offset { seconds, .. }) => Ok(seconds),
        Some(Abbreviation::Zone(_)) => Ok(offset_of_abbreviation(&lookup(name)?, name, local_usecs)),
        None => Ok(offset_of_local(&lookup(name)?, local_usecs)),
    }
}

/// The offset that a zone, named as for [`lookup`], has at an instant. An abbreviation means what the zone last called
/// so, even if it is called otherwise then.
pub fn offset_at_in(name: &str, usecs: i64) -> Result<i32> {
    match abbreviation(name) {
        Some(Abbreviation::Offset { seconds, .. }) => Ok(seconds),
        Some(Abbreviation::Zone(_)) => {
            let zone = lookup(name)?;
            Ok(abbreviated_offset_at(&zone, name, usecs).unwrap_or_else(|| offset_at(&zone, usecs)))
        }
        None => Ok(offset_at(&lookup(name)?, usecs)),
    }
}

/// The value of the TimeZone setting: a zone name, hours east of UTC ("-7", "5.5"), or `INTERVAL '…'`. `None` if it is
/// none of them.
pub fn from_setting(value: &str) -> Option<TimeZone> {
    if let Some(seconds) = interval_setting(value).and_then(|interval| interval.to_zone_offset().ok()) {
        return fixed(seconds);
    }
    if let Ok(hours) = value.trim().parse::<f64>() {
        // Casting saturates; what no zone can have is refused.
        return fixed((hours * 3600.0) as i32);
    }
    named(value)
}

/// The interval of a setting `INTERVAL '…'`.
pub fn interval_setting(value: &str) -> Option<Interval> {
    let rest = value.get(8..).filter(|_| value.get(..8).is_some_and(|word| word.eq_ignore_ascii_case("interval")))?;
    let text = rest.trim_start().strip_prefix('\'')?.strip_suffix('\'')?;
    Interval::parse(text, &FormatSettings::default(), fields::FULL).ok()
}

/// How SHOW TimeZone names a zone: its name, or an offset as a POSIX rule "<+05>-05".
pub fn setting_name(zone: &TimeZone) -> String {
    if let Some(name) = zone.iana_name() {
        return name.to_owned();
    }
    match zone.to_fixed_offset() {
        Ok(offset) => {
            let seconds = offset.seconds();
            let form = |seconds: i32| {
                let (sign, s) = (if seconds < 0 { '-' } else { '+' }, seconds.unsigned_abs());
                match (s / 60 % 60, s % 60) {
                    (0, 0) => format!("{sign}{:02}", s / 3600),
                    (minutes, 0) => format!("{sign}{:02}:{minutes:02}", s / 3600),
                    (minutes, rest) => format!("{sign}{:02}:{minutes:02}:{rest:02}", s / 3600),
                }
            };
            format!("<{}>{}", form(seconds), form(-seconds))
        }
        Err(_) => "UTC".to_owned(),
    }
}

/// The calendar repeats itself after 400 years.
const CYCLE: i64 = 146_097 * USECS_PER_DAY;

/// A time of the same place in the calendar that the time zone database knows: it ends with the year 9999, when the rules
/// have long been the same each year (pg_localtime goes back by cycles, too).
fn in_known_years(usecs: i64) -> i64 {
    // The year 9600.
    const LAST: i64 = 19 * CYCLE;
    if usecs < LAST { usecs } else { LAST - CYCLE + (usecs - LAST).rem_euclid(CYCLE) }
}

/// An instant for the time zone database, which knows the years -9999 to 9999.
fn instant(usecs: i64) -> jiff::Timestamp {
    let clamped = in_known_years(usecs).saturating_add(UNIX_EPOCH_USECS);
    jiff::Timestamp::from_microsecond(clamped).unwrap_or(if clamped < 0 {
        jiff::Timestamp::MIN
    } else {
        jiff::Timestamp::MAX
    })
}

/// The offset, seconds east of UTC, that holds at an instant.
pub fn offset_at(zone: &TimeZone, usecs: i64) -> i32 {
    match zone.to_fixed_offset() {
        Ok(offset) => offset.seconds(),
        Err(_) => zone.to_offset(instant(usecs)).seconds(),
    }
}

/// The offset and the abbreviation ("CET") that hold at an instant.
pub fn offset_and_abbreviation(zone: &TimeZone, usecs: i64) -> (i32, String) {
    let at = instant(usecs);
    let info = zone.to_offset_info(at);
    (info.offset().seconds(), info.abbreviation().to_owned())
}

/// The offset, seconds east of UTC, of a local time. A local time that is skipped gets the offset from before the
/// change, one that happens twice the offset from after it, as in PostgreSQL.
pub fn offset_of_local(zone: &TimeZone, local_usecs: i64) -> i32 {
    if let Ok(offset) = zone.to_fixed_offset() {
        return offset.seconds();
    }
    let Some(local) = civil_datetime(local_usecs) else { return offset_at(zone, local_usecs) };
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.seconds(),
        AmbiguousOffset::Gap { before, .. } => before.seconds(),
        AmbiguousOffset::Fold { after, .. } => after.seconds(),
    }
}

fn civil_datetime(local_usecs: i64) -> Option<jiff::civil::DateTime> {
    let local_usecs = in_known_years(local_usecs);
    let (year, month, day) = civil_from_days(local_usecs.div_euclid(USECS_PER_DAY));
    let time = local_usecs.rem_euclid(USECS_PER_DAY) / USECS_PER_SECOND;
    let small = |value: i64| i8::try_from(value).ok();
    jiff::civil::DateTime::new(
        i16::try_from(year).ok()?,
        small(month)?,
        small(day)?,
        small(time / 3600)?,
        small(time / 60 % 60)?,
        small(time % 60)?,
        0,
    )
    .ok()
}

/// The offset that a zone's abbreviation means for a local time: what the zone last called so before then, else what
/// it first called so after (pg_interpret_timezone_abbrev).
pub fn offset_of_abbreviation(zone: &TimeZone, name: &str, local_usecs: i64) -> i32 {
    let probable = offset_of_local(zone, local_usecs);
    let usecs = local_usecs.saturating_sub(i64::from(probable) * USECS_PER_SECOND);
    abbreviated_offset_at(zone, name, usecs).unwrap_or(probable)
}

/// The same for an instant; `None` if the zone never called anything so.
fn abbreviated_offset_at(zone: &TimeZone, name: &str, usecs: i64) -> Option<i32> {
    let at = instant(usecs);
    let info = zone.to_offset_info(at);
    if info.abbreviation().eq_ignore_ascii_case(name) {
        return Some(info.offset().seconds());
    }
    let earlier = zone.preceding(at).find(|change| change.abbreviation().eq_ignore_ascii_case(name));
    earlier.map(|change| change.offset().seconds()).or_else(|| {
        let mut later = zone.following(at).take(200);
        later.find(|change| change.abbreviation().eq_ignore_ascii_case(name)).map(|change| change.offset().seconds())
    })
}

/// Now, in microseconds since 2000-01-01 UTC.
pub fn clock() -> i64 {
    jiff::Timestamp::now().as_microsecond() - UNIX_EPOCH_USECS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_found_by_every_kind_of_name() {
        let midnight_2024 = 757_382_400_000_000;
        for (name, offset) in [
            ("Europe/Berlin", 3600),
            ("europe/berlin", 3600),
            ("EST", -18_000),
            ("cest", 7200),
            ("UTC", 0),
            ("+05:30", -19_800),
            ("-8", 28_800),
            ("GMT+5", -18_000),
            ("FOO3", -10_800),
            ("<XYZ>-3", 10_800),
            ("5", -18_000),
            ("EST5EDT", -18_000),
            ("MSK", 10_800),
        ] {
            assert_eq!(offset_at(&lookup(name).unwrap(), midnight_2024), offset, "{name}");
        }
        for name in ["", "Nowhere/City", "XYZT", "+25:00:00:00", "+"] {
            assert_eq!(lookup(name).unwrap_err().code(), SqlState::INVALID_PARAMETER_VALUE, "{name}");
        }
        let offset = |setting: &str| offset_at(&from_setting(setting).unwrap(), midnight_2024);
        assert_eq!(offset("<-03:30>+03:30"), -12_600);
        assert_eq!(offset("INTERVAL '+02:00:00'"), 7200);
        assert_eq!(setting_name(&from_setting("-3.5").unwrap()), "<-03:30>+03:30");
    }
}
