//! to_date() and to_timestamp() with a template, and the stricter reading that jsonpath's datetime() does.
//!
//! Owns: [`to_date`], [`to_timestamp`], [`read_standard`]. Specification: functions-formatting.html; DCH_from_char and do_to_timestamp in
//! PostgreSQL 15's formatting.c.

use crate::error::{Error, Result, SqlState};
use crate::types::calendar::{
    EPOCH_JULIAN_DAY, MONTHS, USECS_PER_DAY, USECS_PER_SECOND, WEEKDAYS, civil_from_days, days_from_civil,
    days_in_month, iso_year_start,
};
use crate::types::datetime::{Date, Timestamp, TimestampTz, timestamp_out_of_range};
use crate::types::datetime_template::{Key, Pattern, ROMAN_MONTHS, parse};
use crate::types::format::FormatSettings;
use crate::types::template::{Item, Modifiers, Node, is_separator, is_space};

/// to_date(text, template).
pub fn to_date(text: &str, template: &str) -> Result<Date> {
    let moment = read(text, template)?.resolve(text)?;
    Date::from_days(moment.days)
        .map_err(|_| Error::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("date out of range: \"{text}\"")))
}

/// to_timestamp(text, template); without TZH the time is one of the session's time zone.
pub fn to_timestamp(text: &str, template: &str, settings: &FormatSettings) -> Result<TimestampTz> {
    let moment = read(text, template)?.resolve(text)?;
    let local = moment.days.checked_mul(USECS_PER_DAY).and_then(|days| days.checked_add(moment.time));
    let local = Timestamp::from_usecs(local.ok_or_else(timestamp_out_of_range)?)?;
    match moment.offset {
        Some(offset) => local.at_offset(offset),
        None => local.in_zone(&settings.time_zone),
    }
}

/// What was read: a day, a time of day, and perhaps an offset.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) days: i64,
    pub(super) time: i64,
    pub(super) offset: Option<i32>,
    /// How many digits of a fraction the template asked for; 0 for no such pattern.
    pub(super) fraction: u8,
}

/// Reads a text by a template to the letter: no blanks or separators are skipped, and nothing may be left over on either
/// side (the standard mode of DCH_from_char).
pub(super) fn read_standard(text: &str, template: &[Item<Pattern>]) -> Result<Moment> {
    read_fields(text, template, true)?.resolve(text)
}

/// The fields as they stand in the input; 0 is "not given" (TmFromChar).
#[derive(Default)]
struct Found {
    hour: i32,
    after_noon: i32,
    twelve_hours: bool,
    minute: i32,
    second: i32,
    second_of_day: i32,
    /// Day of the week from 1, Sunday.
    weekday: i32,
    day: i32,
    day_of_year: i32,
    month: i32,
    milliseconds: i32,
    microseconds: i32,
    year: i32,
    year_digits: u8,
    before_christ: i32,
    week: i32,
    week_of_month: i32,
    century: i32,
    julian: i32,
    zone_sign: i32,
    zone_hours: i32,
    zone_minutes: i32,
    /// The digits of FF1 to FF6.
    fraction: u8,
    iso: bool,
    gregorian: bool,
}

fn malformed(message: String) -> Error {
    Error::new(SqlState::INVALID_DATETIME_FORMAT, message)
}

fn field_overflow(text: &str) -> Error {
    Error::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("date/time field value out of range: \"{text}\""))
}

/// Sets a field that may be given twice only with the same value.
fn set(field: &mut i32, value: i32, keyword: &str) -> Result<()> {
    if *field != 0 && *field != value {
        return Err(malformed(format!("conflicting values for \"{keyword}\" field in formatting string"))
            .with_detail("This value contradicts a previous setting for the same field type."));
    }
    *field = value;
    Ok(())
}

struct Input<'t> {
    all: &'t str,
    rest: &'t str,
    items: &'t [Item<Pattern>],
    /// Text and template must agree character by character.
    standard: bool,
    /// Blanks and separators skipped beyond those the template has.
    skipped: i32,
    fixed: bool,
    found: Found,
}

fn read(text: &str, template: &str) -> Result<Found> {
    read_fields(text, &parse(template)?, false)
}

fn read_fields(text: &str, items: &[Item<Pattern>], standard: bool) -> Result<Found> {
    let found = Found::default();
    let mut input = Input { all: text, rest: text, items, standard, skipped: 0, fixed: standard, found };
    let mut index = 0;
    while index < items.len() && !input.rest.is_empty() {
        input.item(index)?;
        index += 1;
    }
    if standard && index < items.len() {
        return Err(malformed("input string is too short for datetime format".to_owned()));
    }
    if standard && !input.rest.trim_start_matches(is_space).is_empty() {
        let message = "trailing characters remain in input string after datetime format";
        return Err(malformed(message.to_owned()));
    }
    Ok(input.found)
}

impl Input<'_> {
    fn skip_one(&mut self) {
        let mut characters = self.rest.chars();
        characters.next();
        self.rest = characters.as_str();
    }

    fn skip_spaces(&mut self) {
        while self.rest.starts_with(is_space) {
            self.skip_one();
            self.skipped += 1;
        }
    }

    fn item(&mut self, index: usize) -> Result<()> {
        let Some((node, character)) = self.items.get(index).copied() else { return Ok(()) };
        let is_pattern = matches!(node, Node::Pattern { .. });
        let switches_mode = matches!(node, Node::Pattern { key: (Key::FixedFormat, _), .. });
        if !self.fixed && !switches_mode && (is_pattern || index == 0) {
            self.skip_spaces();
        }
        match node {
            Node::Space | Node::Separator if self.standard && !self.rest.starts_with(character) => {
                return Err(malformed(format!("unmatched format separator \"{character}\"")));
            }
            Node::Character if self.standard && !self.rest.starts_with(character) => {
                return Err(malformed(format!("unmatched format character \"{character}\"")));
            }
            Node::Space | Node::Separator if self.fixed => self.skip_one(),
            Node::Space | Node::Separator => {
                self.skipped -= 1;
                if self.rest.starts_with(|c| is_space(c) || is_separator(c)) {
                    self.skip_one();
                    self.skipped += 1;
                }
            }
            // What was skipped before may have been this character.
            Node::Character if !self.fixed && self.skipped > 0 => self.skipped -= 1,
            Node::Character => self.skip_one(),
            Node::Pattern { key: (key, keyword), modifiers } => {
                self.check_calendar(key)?;
                self.pattern(index, key, keyword, modifiers)?;
                if modifiers.ordinal.is_some() && takes_ordinal(key) {
                    self.skip_one();
                    self.skip_one();
                }
                if !self.fixed {
                    self.skipped = 0;
                    self.skip_spaces();
                }
            }
        }
        Ok(())
    }

    /// Gregorian dates and ISO weeks do not mix.
    fn check_calendar(&mut self, key: Key) -> Result<()> {
        match key {
            Key::IsoDayOfYear | Key::IsoDayOfWeek | Key::IsoWeek | Key::IsoYear(_) => self.found.iso = true,
            Key::DayOfYear
            | Key::DayOfMonth
            | Key::DayOfWeek
            | Key::Month
            | Key::MonthName(_)
            | Key::MonthNameShort(_)
            | Key::Roman(_)
            | Key::WeekOfYear
            | Key::WeekOfMonth
            | Key::YearWithComma
            | Key::Year(_) => self.found.gregorian = true,
            _ => {}
        }
        if self.found.iso && self.found.gregorian {
            return Err(malformed("invalid combination of date conventions".to_owned())
                .with_hint("Do not mix Gregorian and ISO week date conventions in a formatting template."));
        }
        Ok(())
    }

    /// Whether what follows a pattern in the template cannot be a digit (is_next_separator).
    fn ends_before_separator(&self, index: usize, modifiers: Modifiers) -> bool {
        if modifiers.ordinal.is_some() {
            return true;
        }
        match self.items.get(index + 1) {
            None => true,
            Some((Node::Pattern { key: (key, _), .. }, _)) => !key.is_digit(),
            Some((_, character)) => !character.is_ascii_digit(),
        }
    }

    /// Reads a number of `length` digits, or as many as there are if the template allows; how many bytes it took.
    fn number(&mut self, field: &mut i32, length: usize, at: Place) -> Result<usize> {
        let Place { index, keyword, modifiers } = at;
        let before = self.rest.len();
        let text = self.rest.trim_start_matches(is_space);
        let window = text.get(..text.char_indices().nth(length).map_or(text.len(), |(end, _)| end)).unwrap_or(text);
        let fill_hint = "If your source string is not fixed-width, try using the \"FM\" modifier.";
        let slurp = modifiers.fill || self.ends_before_separator(index, modifiers);
        let (value, used) = leading_integer(if slurp { text } else { window });
        if !slurp {
            if window.len() < length {
                let detail = format!("Field requires {length} characters, but only {} remain.", window.len());
                return Err(malformed(format!("source string too short for \"{keyword}\" formatting field"))
                    .with_detail(detail)
                    .with_hint(fill_hint));
            }
            if used > 0 && used < length {
                let detail = format!("Field requires {length} characters, but only {used} could be parsed.");
                return Err(malformed(format!("invalid value \"{window}\" for \"{keyword}\""))
                    .with_detail(detail)
                    .with_hint(fill_hint));
            }
        }
        self.rest = text.get(used..).unwrap_or("");
        if used == 0 {
            return Err(malformed(format!("invalid value \"{window}\" for \"{keyword}\""))
                .with_detail("Value must be an integer."));
        }
        let value = value.ok_or_else(|| {
            let message = format!("value for \"{keyword}\" in source string is out of range");
            let detail = format!("Value must be in the range {} to {}.", i32::MIN, i32::MAX);
            Error::new(SqlState::DATETIME_FIELD_OVERFLOW, message).with_detail(detail)
        })?;
        set(field, value, keyword)?;
        Ok(before - self.rest.len())
    }

    /// Reads one of several names, in any case; its place among them.
    fn name(&mut self, names: &[&str], keyword: &str) -> Result<i32> {
        let matches = |name: &&str| self.rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
        let Some(found) = names.iter().position(matches) else {
            let shown = self.rest.split(is_space).next().unwrap_or("");
            return Err(malformed(format!("invalid value \"{shown}\" for \"{keyword}\""))
                .with_detail("The given value did not match any of the allowed values for this field."));
        };
        self.rest = self.rest.get(names.get(found).map_or(0, |name| name.len())..).unwrap_or("");
        Ok(found as i32)
    }

    fn pattern(&mut self, index: usize, key: Key, keyword: &'static str, modifiers: Modifiers) -> Result<()> {
        let place = Place { index, keyword, modifiers };
        let mut found = std::mem::take(&mut self.found);
        let result = self.read_field(&mut found, key, place);
        self.found = found;
        result
    }

    fn read_field(&mut self, found: &mut Found, key: Key, place: Place) -> Result<()> {
        let keyword = place.keyword;
        match key {
            Key::FixedFormat => {
                self.fixed = true;
                return Ok(());
            }
            Key::Hour12 => {
                self.number(&mut found.hour, 2, place)?;
                found.twelve_hours = true;
            }
            Key::Hour24 => drop(self.number(&mut found.hour, 2, place)?),
            Key::Minute => drop(self.number(&mut found.minute, 2, place)?),
            Key::Second => drop(self.number(&mut found.second, 2, place)?),
            Key::Millisecond => {
                // "25" and "250" are both a quarter of a second.
                let length = self.number(&mut found.milliseconds, 3, place)?;
                found.milliseconds *= 10i32.pow(3usize.saturating_sub(length) as u32);
            }
            Key::Fraction(_) | Key::Microsecond => {
                let digits = if let Key::Fraction(digits) = key { digits } else { 6 };
                let length = self.number(&mut found.microseconds, digits.into(), place)?;
                let scale = 10i32.pow(6usize.saturating_sub(length) as u32);
                found.fraction = if let Key::Fraction(digits) = key { digits } else { found.fraction };
                found.microseconds = found.microseconds.saturating_mul(scale);
            }
            Key::SecondOfDay => drop(self.number(&mut found.second_of_day, keyword.len(), place)?),
            Key::Month => drop(self.number(&mut found.month, 2, place)?),
            Key::DayOfYear | Key::IsoDayOfYear => drop(self.number(&mut found.day_of_year, 3, place)?),
            Key::DayOfMonth => drop(self.number(&mut found.day, 2, place)?),
            Key::DayOfWeek => drop(self.number(&mut found.weekday, 1, place)?),
            Key::IsoDayOfWeek => {
                self.number(&mut found.weekday, 1, place)?;
                found.weekday = if found.weekday >= 7 { 1 } else { found.weekday + 1 };
            }
            Key::WeekOfYear | Key::IsoWeek => drop(self.number(&mut found.week, 2, place)?),
            Key::WeekOfMonth => drop(self.number(&mut found.week_of_month, 1, place)?),
            // A quarter says nothing about the day; it is read and forgotten.
            Key::Quarter => drop(self.number(&mut 0, 1, place)?),
            Key::Century => drop(self.number(&mut found.century, 2, place)?),
            Key::Julian => drop(self.number(&mut found.julian, keyword.len(), place)?),
            Key::YearWithComma => self.year_with_comma(found, keyword)?,
            Key::Year(digits) | Key::IsoYear(digits) => {
                let length = self.number(&mut found.year, digits.into(), place)?;
                if length < 4 && digits < 4 {
                    found.year = complete_year(found.year);
                }
                found.year_digits = digits;
            }
            Key::ZoneHour | Key::ZoneMinute => self.zone(found, key, place)?,
            Key::Zone(_) | Key::Offset => {
                let message = format!("formatting field \"{keyword}\" is only supported in to_char");
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
            }
            _ => return self.read_name(found, key, keyword),
        }
        Ok(())
    }

    fn read_name(&mut self, found: &mut Found, key: Key, keyword: &str) -> Result<()> {
        let short = |names: &[&'static str]| -> Vec<&'static str> {
            names.iter().map(|name| name.get(..3).unwrap_or(name)).collect()
        };
        match key {
            Key::Meridiem { dots, .. } => {
                let names: &[&str] = if dots { &["a.m.", "p.m."] } else { &["am", "pm"] };
                let value = self.name(names, keyword)?;
                set(&mut found.after_noon, value, keyword)?;
                found.twelve_hours = true;
                Ok(())
            }
            Key::Era { dots, .. } => {
                let names: &[&str] = if dots { &["a.d.", "b.c."] } else { &["ad", "bc"] };
                let value = self.name(names, keyword)?;
                set(&mut found.before_christ, value, keyword)
            }
            Key::MonthName(_) => {
                let month = self.name(&MONTHS, keyword)? + 1;
                set(&mut found.month, month, keyword)
            }
            Key::MonthNameShort(_) => {
                let month = self.name(&short(&MONTHS), keyword)? + 1;
                set(&mut found.month, month, keyword)
            }
            Key::DayName(_) => {
                let day = self.name(&WEEKDAYS, keyword)? + 1;
                set(&mut found.weekday, day, keyword)
            }
            Key::DayNameShort(_) => {
                let day = self.name(&short(&WEEKDAYS), keyword)? + 1;
                set(&mut found.weekday, day, keyword)
            }
            _ => {
                // From the last, so that "XII" is not taken for "X".
                let reversed: Vec<&str> = ROMAN_MONTHS.iter().rev().copied().collect();
                let month = 12 - self.name(&reversed, keyword)?;
                set(&mut found.month, month, keyword)
            }
        }
    }

    fn year_with_comma(&mut self, found: &mut Found, keyword: &str) -> Result<()> {
        let invalid = || malformed("invalid input string for \"Y,YYY\"".to_owned());
        let (millennia, used) = leading_integer(self.rest);
        let rest = self.rest.get(used..).and_then(|rest| rest.strip_prefix(',')).ok_or_else(invalid)?;
        let digits = rest.get(..rest.bytes().take(3).take_while(u8::is_ascii_digit).count()).unwrap_or("");
        let years: i32 = digits.parse().map_err(|_| invalid())?;
        let year =
            millennia.and_then(|m| m.checked_mul(1000)).and_then(|m| m.checked_add(years)).ok_or_else(invalid)?;
        set(&mut found.year, year, keyword)?;
        found.year_digits = 4;
        self.rest = rest.get(digits.len()..).unwrap_or("");
        Ok(())
    }

    fn zone(&mut self, found: &mut Found, key: Key, place: Place) -> Result<()> {
        if key == Key::ZoneMinute {
            if found.zone_sign == 0 {
                found.zone_sign = 1;
            }
            return self.number(&mut found.zone_minutes, 2, place).map(drop);
        }
        if let Some(sign) = self.rest.chars().next().filter(|c| matches!(c, '+' | '-' | ' ')) {
            found.zone_sign = if sign == '-' { -1 } else { 1 };
            self.skip_one();
        } else {
            // A minus that was skipped as a separator was the sign.
            let before = self.all.len() - self.rest.len();
            let minus = self.skipped > 0 && self.all.get(..before).is_some_and(|text| text.ends_with('-'));
            found.zone_sign = if minus { -1 } else { 1 };
        }
        self.number(&mut found.zone_hours, 2, place).map(drop)
    }
}

/// Where in the template a field stands, for what it may take and for messages.
#[derive(Clone, Copy)]
struct Place {
    index: usize,
    keyword: &'static str,
    modifiers: Modifiers,
}

fn takes_ordinal(key: Key) -> bool {
    key.is_digit() && !matches!(key, Key::ZoneMinute)
}

/// An integer at the start of a text, blanks before it included, and its length; `None` if it does not fit.
fn leading_integer(text: &str) -> (Option<i32>, usize) {
    let blanks = text.len() - text.trim_start_matches(is_space).len();
    let number = text.get(blanks..).unwrap_or("");
    let sign = usize::from(number.starts_with(['-', '+']));
    let digits = number.bytes().skip(sign).take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return (Some(0), 0);
    }
    (number.get(..sign + digits).and_then(|digits| digits.parse().ok()), blanks + sign + digits)
}

/// A year of fewer than four digits is the one nearest to 2020 (adjust_partial_year_to_2020).
fn complete_year(year: i32) -> i32 {
    match year {
        0..70 => year + 2000,
        70..100 => year + 1900,
        100..520 => year + 2000,
        520..1000 => year + 1000,
        _ => year,
    }
}

impl Found {
    /// The day and time the fields give together.
    fn resolve(mut self, text: &str) -> Result<Moment> {
        let time = self.time(text)?;
        let mut year = self.year_in_effect();
        let (mut month, mut day) = (1i64, 1i64);
        let mut checked = year.is_some();
        if self.julian != 0 {
            let (y, m, d) = civil_from_days(i64::from(self.julian) - EPOCH_JULIAN_DAY);
            (year, month, day, checked) = (Some(y), m, d, true);
        }
        if self.week != 0 && self.iso {
            let monday = iso_year_start(year.unwrap_or(0)) + (i64::from(self.week) - 1) * 7;
            // Sunday, which is 1 here, ends the week.
            let offset = if self.weekday == 0 { 0 } else { (i64::from(self.weekday) + 5) % 7 };
            let (y, m, d) = civil_from_days(monday + offset);
            (year, month, day, checked) = (Some(y), m, d, true);
        } else if self.week != 0 {
            self.day_of_year = (self.week - 1).saturating_mul(7).saturating_add(1);
        }
        if self.week_of_month != 0 {
            self.day = (self.week_of_month - 1).saturating_mul(7).saturating_add(1);
        }
        if self.day != 0 {
            (day, checked) = (self.day.into(), true);
        }
        if self.month != 0 {
            (month, checked) = (self.month.into(), true);
        }
        if self.day_of_year != 0 && (month <= 1 || day <= 1) {
            let (y, m, d) = self.date_of_year_day(year, month, day)?;
            (year, month, day, checked) = (Some(y), m, d, true);
        }
        let year = year.unwrap_or(0);
        if checked && (!(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month)) {
            return Err(field_overflow(text));
        }
        let offset = self.offset(text)?;
        Ok(Moment { days: days_from_civil(year, month, day), time, offset, fraction: self.fraction })
    }

    fn time(&self, text: &str) -> Result<i64> {
        let given = |field: i32, default: i32| i64::from(if field != 0 { field } else { default });
        let of_day = self.second_of_day;
        let mut hour = given(self.hour, of_day / 3600);
        let minute = given(self.minute, of_day / 60 % 60);
        let second = given(self.second, of_day % 60);
        if self.twelve_hours {
            if !(1..=12).contains(&hour) {
                return Err(malformed(format!("hour \"{hour}\" is invalid for the 12-hour clock"))
                    .with_hint("Use the 24-hour clock, or give an hour between 1 and 12."));
            }
            hour = hour % 12 + if self.after_noon != 0 { 12 } else { 0 };
        }
        let usecs = i64::from(self.milliseconds) * 1000 + i64::from(self.microseconds);
        let valid = (0..24).contains(&hour)
            && (0..60).contains(&minute)
            && (0..60).contains(&second)
            && (0..USECS_PER_SECOND).contains(&usecs);
        if !valid {
            return Err(field_overflow(text));
        }
        Ok(((hour * 60 + minute) * 60 + second) * USECS_PER_SECOND + usecs)
    }

    /// The astronomical year, from year, century and era.
    fn year_in_effect(&self) -> Option<i64> {
        let year = i64::from(self.year);
        let before = self.before_christ != 0;
        let century = i64::from(if before { -self.century } else { self.century });
        if self.year == 0 {
            return match century {
                0 => None,
                1.. => Some((century - 1) * 100 + 1),
                _ => Some(century * 100 + 1),
            };
        }
        if century != 0 && self.year_digits <= 2 {
            let digits = year % 100;
            return Some(match (digits, century) {
                (0, 0..) => century * 100,
                (0, _) => century * 100 + 1,
                (_, 0..) => digits + (century - 1) * 100,
                _ => (century + 1) * 100 - digits + 1,
            });
        }
        let signed = if before { -year } else { year };
        Some(if signed < 0 { signed + 1 } else { signed })
    }

    /// Month and day of a day of the year, as far as they are not given.
    fn date_of_year_day(&self, year: Option<i64>, month: i64, day: i64) -> Result<(i64, i64, i64)> {
        let number = i64::from(self.day_of_year);
        let Some(year) = year.filter(|year| *year != 0 || self.before_christ != 0) else {
            return Err(malformed("cannot calculate day of year without year information".to_owned()));
        };
        if self.iso {
            return Ok(civil_from_days(iso_year_start(year) - 1 + number));
        }
        let mut rest = number;
        let mut of_day = 1;
        while of_day <= 12 && rest > days_in_month(year, of_day) {
            rest -= days_in_month(year, of_day);
            of_day += 1;
        }
        Ok((year, if month <= 1 { of_day } else { month }, if day <= 1 { rest } else { day }))
    }

    fn offset(&self, text: &str) -> Result<Option<i32>> {
        if self.zone_sign == 0 {
            return Ok(None);
        }
        if !(0..=15).contains(&self.zone_hours) || !(0..60).contains(&self.zone_minutes) {
            return Err(Error::new(
                SqlState::INVALID_TIME_ZONE_DISPLACEMENT_VALUE,
                format!("time zone displacement out of range: \"{text}\""),
            ));
        }
        Ok(Some(self.zone_sign * (self.zone_hours * 60 + self.zone_minutes) * 60))
    }
}
