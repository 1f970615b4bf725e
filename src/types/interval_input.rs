//! Reads intervals in all the forms PostgreSQL takes: "1 year 2 mons", "1-2 3 4:05:06", "P1Y2M", "@ 1 day ago".
//!
//! Owns: [`Interval::parse`]. The rules are DecodeInterval's and DecodeISO8601Interval's in PostgreSQL 15's datetime.c.

use crate::error::Result;
use crate::types::calendar::{USECS_PER_DAY, USECS_PER_HOUR, USECS_PER_MINUTE, USECS_PER_SECOND};
use crate::types::datetime_lexer::{Field, FieldKind, InputError, Unit, interval_word, split_fields};
use crate::types::datetime_tokens::clock_parts;
use crate::types::format::{FormatSettings, IntervalStyle};
use crate::types::interval::{Interval, fields, interval_out_of_range};

type Parsed<T = ()> = std::result::Result<T, InputError>;

/// The sum so far, wider than an interval.
#[derive(Default)]
struct Total {
    years: i32,
    months: i32,
    days: i32,
    usecs: i64,
}

fn fits(value: i64) -> Parsed<i32> {
    i32::try_from(value).map_err(|_| InputError::FieldOverflow)
}

impl Total {
    fn add_usecs(&mut self, value: i64, fraction: f64, unit: i64) -> Parsed {
        let sum = value.checked_mul(unit).and_then(|usecs| self.usecs.checked_add(usecs));
        self.usecs = sum.ok_or(InputError::FieldOverflow)?;
        self.add_fraction(fraction, unit)
    }

    /// A share of a unit, rounded to microseconds (AdjustFractMicroseconds).
    fn add_fraction(&mut self, fraction: f64, unit: i64) -> Parsed {
        let exact = fraction * unit as f64;
        let mut usecs = exact as i64;
        let rest = exact - usecs as f64;
        if rest > 0.5 {
            usecs += 1;
        } else if rest < -0.5 {
            usecs -= 1;
        }
        self.usecs = self.usecs.checked_add(usecs).ok_or(InputError::FieldOverflow)?;
        Ok(())
    }

    fn add_days(&mut self, value: i64, scale: i64) -> Parsed {
        let days = fits(value.checked_mul(scale).ok_or(InputError::FieldOverflow)?)?;
        self.days = self.days.checked_add(days).ok_or(InputError::FieldOverflow)?;
        Ok(())
    }

    fn add_fraction_of_days(&mut self, fraction: f64, scale: i64) -> Parsed {
        let exact = fraction * scale as f64;
        let whole = exact as i32;
        self.days = self.days.checked_add(whole).ok_or(InputError::FieldOverflow)?;
        self.add_fraction(exact - f64::from(whole), USECS_PER_DAY)
    }

    fn add_months(&mut self, value: i64, fraction: f64) -> Parsed {
        self.months = self.months.checked_add(fits(value)?).ok_or(InputError::FieldOverflow)?;
        self.add_fraction_of_days(fraction, 30)
    }

    fn add_years(&mut self, value: i64, fraction: f64, scale: i64) -> Parsed {
        let years = fits(value.checked_mul(scale).ok_or(InputError::FieldOverflow)?)?;
        self.years = self.years.checked_add(years).ok_or(InputError::FieldOverflow)?;
        let months = (fraction * scale as f64 * 12.0).round_ties_even() as i32;
        self.months = self.months.checked_add(months).ok_or(InputError::FieldOverflow)?;
        Ok(())
    }

    /// Adds a number of units; the field it fills, as a bit, so that no field is given twice.
    fn add(&mut self, unit: Unit, value: i64, fraction: f64) -> Parsed<u32> {
        match unit {
            Unit::Microsecond => self.add_usecs(value, fraction, 1)?,
            Unit::Millisecond => self.add_usecs(value, fraction, 1000)?,
            Unit::Second => self.add_usecs(value, fraction, USECS_PER_SECOND)?,
            Unit::Minute => self.add_usecs(value, fraction, USECS_PER_MINUTE)?,
            Unit::Hour => self.add_usecs(value, fraction, USECS_PER_HOUR)?,
            Unit::Day => {
                self.add_days(value, 1)?;
                self.add_fraction(fraction, USECS_PER_DAY)?;
            }
            Unit::Week => {
                self.add_days(value, 7)?;
                self.add_fraction_of_days(fraction, 7)?;
            }
            Unit::Month => self.add_months(value, fraction)?,
            Unit::Year => self.add_years(value, fraction, 1)?,
            Unit::Decade => self.add_years(value, fraction, 10)?,
            Unit::Century => self.add_years(value, fraction, 100)?,
            Unit::Millennium => self.add_years(value, fraction, 1000)?,
            _ => return Err(InputError::BadFormat),
        }
        let filled = 1 << unit as u32;
        Ok(if unit == Unit::Second && fraction != 0.0 { SECONDS } else { filled })
    }

    fn negate(&mut self) -> Parsed {
        let overflow = InputError::FieldOverflow;
        self.years = self.years.checked_neg().ok_or(overflow.clone())?;
        self.months = self.months.checked_neg().ok_or(overflow.clone())?;
        self.days = self.days.checked_neg().ok_or(overflow.clone())?;
        self.usecs = self.usecs.checked_neg().ok_or(overflow)?;
        Ok(())
    }
}

const SECONDS: u32 = 1 << Unit::Second as u32 | 1 << Unit::Millisecond as u32 | 1 << Unit::Microsecond as u32;
const TIME: u32 = SECONDS | 1 << Unit::Minute as u32 | 1 << Unit::Hour as u32;

struct Decoder {
    total: Total,
    range: i32,
    /// The first sign holds for all (IntervalStyle sql_standard).
    force_negative: bool,
    /// The unit of the number to the left; fields are read from right to left.
    unit: Option<Unit>,
    ago: bool,
}

/// The unit of a last number without one, as the type's fields say.
fn unit_of_range(range: i32) -> Unit {
    if range == fields::FULL {
        return Unit::Second;
    }
    let smallest = [
        (fields::SECOND, Unit::Second),
        (fields::MINUTE, Unit::Minute),
        (fields::HOUR, Unit::Hour),
        (fields::DAY, Unit::Day),
        (fields::MONTH, Unit::Month),
        (fields::YEAR, Unit::Year),
    ];
    smallest.into_iter().find(|(field, _)| range & field != 0).map_or(Unit::Second, |(_, unit)| unit)
}

/// ".25"; a lone point is 0 (ParseFraction).
fn fraction(text: &str) -> Parsed<f64> {
    if text == "." { Ok(0.0) } else { text.parse().map_err(|_| InputError::BadFormat) }
}

/// A whole number with an optional sign at the start, and what follows.
fn leading_i64(text: &str) -> Parsed<(i64, &str)> {
    let signed = usize::from(text.starts_with(['-', '+']));
    let end = text.bytes().skip(signed).position(|b| !b.is_ascii_digit()).map_or(text.len(), |at| at + signed);
    let (digits, rest) = text.split_at_checked(end).ok_or(InputError::BadFormat)?;
    if end == signed {
        return Ok((0, if signed > 0 && rest.starts_with('.') { rest } else { text }));
    }
    Ok((digits.parse().map_err(|_| InputError::FieldOverflow)?, rest))
}

impl Decoder {
    fn run(mut self, text: &str, style: IntervalStyle) -> Parsed<Total> {
        let all = split_fields(text)?;
        let signed = |field: &Field| field.text.starts_with(['-', '+']);
        self.force_negative = style == IntervalStyle::SqlStandard
            && all.first().is_some_and(|first| first.text.starts_with('-'))
            && !all.iter().skip(1).any(signed);
        let mut have = 0;
        for field in all.iter().rev() {
            let found = match field.kind {
                FieldKind::Time => self.clock(&field.text)?,
                FieldKind::Zone => self.signed_clock(&field.text).map_or_else(|| self.number(&field.text), Ok)?,
                FieldKind::Date | FieldKind::Number => self.number(&field.text)?,
                FieldKind::Word | FieldKind::SignedWord => {
                    if field.text == "ago" {
                        self.ago = true;
                        // No unit of an interval: "1 ago" is no input.
                        self.unit = Some(Unit::IsoTime);
                    } else {
                        self.unit = Some(interval_word(&field.text).ok_or(InputError::BadFormat)?);
                    }
                    0
                }
            };
            if found & have != 0 {
                return Err(InputError::BadFormat);
            }
            have |= found;
        }
        if have == 0 {
            return Err(InputError::BadFormat);
        }
        if self.ago {
            self.total.negate()?;
        }
        Ok(self.total)
    }

    fn clock_usecs(&self, text: &str) -> Parsed<i64> {
        let (hours, minutes, seconds, usecs) = clock_parts(text, self.range == fields::MINUTE | fields::SECOND)?;
        let rest = (minutes * 60 + seconds) * USECS_PER_SECOND + usecs;
        let sum = hours.checked_mul(USECS_PER_HOUR).and_then(|usecs| usecs.checked_add(rest));
        sum.ok_or(InputError::FieldOverflow)
    }

    fn set_clock(&mut self, usecs: i64) -> u32 {
        self.total.usecs = if self.force_negative && usecs > 0 { -usecs } else { usecs };
        // "1 02:03" is a day and two hours.
        self.unit = Some(Unit::Day);
        TIME
    }

    fn clock(&mut self, text: &str) -> Parsed<u32> {
        let usecs = self.clock_usecs(text)?;
        Ok(self.set_clock(usecs))
    }

    /// "+02:03"; `None` if it is a signed number.
    fn signed_clock(&mut self, text: &str) -> Option<u32> {
        let rest = text.get(1..).filter(|rest| rest.contains(':'))?;
        let usecs = self.clock_usecs(rest).ok()?;
        Some(self.set_clock(if text.starts_with('-') { -usecs } else { usecs }))
    }

    fn number(&mut self, text: &str) -> Parsed<u32> {
        let unit = self.unit.unwrap_or_else(|| unit_of_range(self.range));
        let negative = text.starts_with('-');
        let (value, rest) = leading_i64(text)?;
        let (unit, mut value, mut share) = if let Some(months) = rest.strip_prefix('-') {
            // SQL's "years-months".
            let (months, rest) = leading_i64(months)?;
            if !(0..12).contains(&months) {
                return Err(InputError::FieldOverflow);
            }
            if !rest.is_empty() {
                return Err(InputError::BadFormat);
            }
            let total = value.checked_mul(12).and_then(|v| v.checked_add(if negative { -months } else { months }));
            (Unit::Month, total.ok_or(InputError::FieldOverflow)?, 0.0)
        } else if rest.starts_with('.') {
            let share = fraction(rest)?;
            (unit, value, if negative { -share } else { share })
        } else if rest.is_empty() {
            (unit, value, 0.0)
        } else {
            return Err(InputError::BadFormat);
        };
        if self.force_negative {
            value = -value.saturating_abs();
            share = -share.abs();
        }
        let found = self.total.add(unit, value, share)?;
        self.unit = Some(if unit == Unit::Hour { Unit::Day } else { unit });
        Ok(found)
    }
}

/// A number of an ISO 8601 interval: whole part, fraction, and what follows.
fn iso_number(text: &str) -> Parsed<(i64, f64, &str)> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '.') {
        return Err(InputError::BadFormat);
    }
    let signed = usize::from(text.starts_with('-'));
    let plain = text.bytes().skip(signed).position(|b| !b.is_ascii_digit() && b != b'.');
    let mut end = plain.map_or(text.len(), |at| at + signed);
    // An exponent, as strtod takes it.
    let exponent = text.get(end..).and_then(|rest| rest.strip_prefix(['e', 'E']));
    if let Some(exponent) = exponent {
        let sign = usize::from(exponent.starts_with(['-', '+']));
        let digits = exponent.bytes().skip(sign).take_while(u8::is_ascii_digit).count();
        end += if digits > 0 { 1 + sign + digits } else { 0 };
    }
    let (digits, rest) = text.split_at_checked(end).ok_or(InputError::BadFormat)?;
    let value: f64 = digits.parse().map_err(|_| InputError::BadFormat)?;
    if value.is_nan() || value.abs() > 1.0e15 {
        return Err(InputError::FieldOverflow);
    }
    Ok((value.trunc() as i64, value - value.trunc(), rest))
}

/// Splits off the first character; '\0' at the end.
fn split_character(text: &str) -> (char, &str) {
    let mut characters = text.chars();
    (characters.next().unwrap_or('\0'), characters.as_str())
}

fn parse_iso8601(text: &str) -> Parsed<Total> {
    let mut rest = text.strip_prefix('P').filter(|rest| !rest.is_empty()).ok_or(InputError::BadFormat)?;
    let mut total = Total::default();
    let mut in_time = false;
    let mut have_field = false;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('T') {
            (in_time, have_field, rest) = (true, false, after);
            continue;
        }
        let start = rest;
        let (value, share, after) = iso_number(rest)?;
        let width = start.trim_start_matches('-').bytes().take_while(u8::is_ascii_digit).count();
        let (designator, after) = split_character(after);
        rest = after;
        match (in_time, designator) {
            (false, 'Y') => total.add_years(value, share, 1)?,
            (false, 'M') => total.add_months(value, share)?,
            (false, 'W') => drop(total.add(Unit::Week, value, share)?),
            (false, 'D') => drop(total.add(Unit::Day, value, share)?),
            (false, 'T' | '\0') if width == 8 && !have_field => {
                total.add_years(value / 10_000, 0.0, 1)?;
                total.add_months(value / 100 % 100, 0.0)?;
                total.add(Unit::Day, value % 100, share)?;
                in_time = true;
                continue;
            }
            (false, 'T' | '\0' | '-') if !have_field => {
                total.add_years(value, share, 1)?;
                if designator == '-' {
                    rest = iso_alternative_date(&mut total, rest)?;
                }
                in_time = true;
                continue;
            }
            (true, 'H') => drop(total.add(Unit::Hour, value, share)?),
            (true, 'M') => drop(total.add(Unit::Minute, value, share)?),
            (true, 'S') => drop(total.add(Unit::Second, value, share)?),
            (true, '\0') if width == 6 && !have_field => {
                total.add(Unit::Hour, value / 10_000, 0.0)?;
                total.add(Unit::Minute, value / 100 % 100, 0.0)?;
                total.add(Unit::Second, value % 100, share)?;
            }
            (true, '\0' | ':') if !have_field => {
                total.add(Unit::Hour, value, share)?;
                if designator == ':' {
                    iso_alternative_time(&mut total, rest)?;
                }
                return Ok(total);
            }
            _ => return Err(InputError::BadFormat),
        }
        have_field = true;
    }
    Ok(total)
}

/// "-02-03" after the year of "P0001-02-03", up to a "T".
fn iso_alternative_date<'t>(total: &mut Total, text: &'t str) -> Parsed<&'t str> {
    let (value, share, rest) = iso_number(text)?;
    total.add_months(value, share)?;
    let rest = match split_character(rest) {
        ('-', day) => {
            let (value, share, rest) = iso_number(day)?;
            total.add(Unit::Day, value, share)?;
            rest
        }
        _ => rest,
    };
    match split_character(rest) {
        ('\0', _) => Ok(""),
        ('T', time) => Ok(time),
        _ => Err(InputError::BadFormat),
    }
}

/// "05:06" after the hour of "T04:05:06".
fn iso_alternative_time(total: &mut Total, text: &str) -> Parsed {
    let (value, share, rest) = iso_number(text)?;
    total.add(Unit::Minute, value, share)?;
    match split_character(rest) {
        ('\0', _) => Ok(()),
        (':', seconds) => {
            let (value, share, rest) = iso_number(seconds)?;
            total.add(Unit::Second, value, share)?;
            if rest.is_empty() { Ok(()) } else { Err(InputError::BadFormat) }
        }
        _ => Err(InputError::BadFormat),
    }
}

impl Interval {
    /// Reads what a client wrote (interval_in). `range` are the type's fields (`interval::fields`), which say what a
    /// number without a unit is.
    pub fn parse(text: &str, settings: &FormatSettings, range: i32) -> Result<Interval> {
        let decoder = Decoder { total: Total::default(), range, force_negative: false, unit: None, ago: false };
        let mut parsed = decoder.run(text, settings.interval_style);
        if parsed.as_ref().is_err_and(|error| *error == InputError::BadFormat) {
            parsed = parse_iso8601(text);
        }
        let total = parsed.map_err(|error| {
            let error = if error == InputError::FieldOverflow { InputError::IntervalOverflow } else { error };
            error.into_error(text, "interval")
        })?;
        let months = i64::from(total.years) * 12 + i64::from(total.months);
        let months = i32::try_from(months).map_err(|_| interval_out_of_range())?;
        Ok(Interval { months, days: total.days, usecs: total.usecs })
    }
}
