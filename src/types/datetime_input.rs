//! Reads dates and times in all the forms PostgreSQL takes.
//!
//! Owns: `parse` of the types of `types::datetime`. The rules are DecodeDateTime's and DecodeTimeOnly's in PostgreSQL
//! 15's datetime.c, whose order of decisions is kept: what an input means depends on it.
//! Specification: datetime-input-rules.html.

use jiff::tz::TimeZone;

use crate::error::{Error, Result, SqlState};
use crate::types::calendar::{
    EPOCH_JULIAN_DAY, UNIX_EPOCH_DAYS, UNIX_EPOCH_USECS, USECS_PER_DAY, USECS_PER_SECOND, civil_from_days,
    days_from_civil, days_in_month,
};
use crate::types::datetime::{Date, Time, TimeTz, Timestamp, TimestampTz, stored_date, stored_time, stored_timestamp};
use crate::types::datetime_lexer::{DateWord, Field, FieldKind, InputError, Unit, date_word, split_fields};
use crate::types::datetime_tokens::{Parsed, clock_parts, fraction_usecs, number, split_date, zone_west};
use crate::types::format::{DateOrder, FormatSettings};
use crate::types::time_zone;
use crate::types::time_zone_abbreviations::Abbreviation;

/// Which parts of a date and time an input has given so far.
mod part {
    pub(super) const MONTH: u32 = 1 << 1;
    pub(super) const YEAR: u32 = 1 << 2;
    pub(super) const DAY: u32 = 1 << 3;
    pub(super) const ZONE: u32 = 1 << 5;
    pub(super) const DAYLIGHT_ZONE: u32 = 1 << 6;
    pub(super) const DYNAMIC_ZONE: u32 = 1 << 7;
    pub(super) const MERIDIEM: u32 = 1 << 9;
    pub(super) const HOUR: u32 = 1 << 10;
    pub(super) const MINUTE: u32 = 1 << 11;
    pub(super) const SECOND: u32 = 1 << 12;
    pub(super) const FRACTION: u32 = 3 << 13;
    pub(super) const DAY_OF_YEAR: u32 = 1 << 15;
    pub(super) const WEEKDAY: u32 = 1 << 16;
    pub(super) const CHRIST: u32 = 1 << 18;
    pub(super) const DAYLIGHT_MODIFIER: u32 = 1 << 28;
    pub(super) const SECONDS: u32 = SECOND | FRACTION;
    pub(super) const DATE: u32 = YEAR | MONTH | DAY;
    pub(super) const TIME: u32 = HOUR | MINUTE | SECONDS;
}

/// The zone an input names; what offset it means is known once the date is.
#[derive(Clone, Debug)]
enum InputZone {
    Session,
    /// Seconds west of UTC, PostgreSQL's own sign.
    West(i64),
    Named(TimeZone),
    Abbreviated(TimeZone, String),
}

/// What kind of value came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    DateTime,
    Epoch,
    Infinity,
    NegativeInfinity,
}

#[derive(Clone, Copy, Debug, Default)]
struct Fields {
    year: i64,
    month: i64,
    day: i64,
    day_of_year: i64,
    hour: i64,
    minute: i64,
    second: i64,
    usecs: i64,
}

impl Fields {
    fn set_days(&mut self, days: i64) {
        (self.year, self.month, self.day) = civil_from_days(days);
    }

    fn set_clock(&mut self, usecs: i64) {
        let seconds = usecs / USECS_PER_SECOND;
        (self.hour, self.minute, self.second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        self.usecs = usecs % USECS_PER_SECOND;
    }

    fn days(&self) -> i64 {
        days_from_civil(self.year, self.month, self.day)
    }

    fn clock(&self) -> i64 {
        ((self.hour * 60 + self.minute) * 60 + self.second) * USECS_PER_SECOND + self.usecs
    }

    /// Whether the time of day is past 24:00:00 (time_overflows); second 60 is the next minute.
    fn clock_overflows(&self) -> bool {
        !(0..=24).contains(&self.hour)
            || !(0..60).contains(&self.minute)
            || !(0..=60).contains(&self.second)
            || !(0..=USECS_PER_SECOND).contains(&self.usecs)
            || self.clock() > USECS_PER_DAY
    }
}

struct Decoder<'a> {
    settings: &'a FormatSettings,
    /// The input is a time (with time zone); a date in it only serves to find the zone's offset.
    time_only: bool,
    have: u32,
    fields: Fields,
    /// "y", "m", "julian" …: the next field's unit.
    prefix: Option<Unit>,
    after_noon: Option<bool>,
    before_christ: bool,
    text_month: bool,
    julian: bool,
    two_digit_year: bool,
    zone: InputZone,
    outcome: Outcome,
}

impl<'a> Decoder<'a> {
    fn new(settings: &'a FormatSettings, time_only: bool) -> Self {
        Decoder {
            settings,
            time_only,
            have: 0,
            fields: Fields::default(),
            prefix: None,
            after_noon: None,
            before_christ: false,
            text_month: false,
            julian: false,
            two_digit_year: false,
            zone: InputZone::Session,
            outcome: Outcome::DateTime,
        }
    }

    fn run(mut self, text: &str) -> Parsed<Self> {
        let fields = split_fields(text)?;
        for (index, field) in fields.iter().enumerate() {
            let found = match field.kind {
                FieldKind::Date => self.date_field(&fields, index)?,
                FieldKind::Time => self.time_field(&field.text)?,
                FieldKind::Zone => {
                    self.zone = InputZone::West(zone_west(&field.text)?);
                    part::ZONE
                }
                FieldKind::Number if self.prefix.is_some() => self.prefixed_number(&field.text)?,
                FieldKind::Number => self.number_field(&fields, index)?,
                FieldKind::Word | FieldKind::SignedWord => match self.word(&fields, index)? {
                    Some(found) => found,
                    None => continue,
                },
            };
            if found & self.have != 0 {
                return Err(InputError::BadFormat);
            }
            self.have |= found;
        }
        self.finish()?;
        Ok(self)
    }

    /// Whether its offset depends on the date.
    fn has_changing_zone(&self) -> bool {
        matches!(&self.zone, InputZone::Named(zone) if !time_zone::is_fixed(zone))
    }

    fn has(&self, parts: u32) -> bool {
        self.have & parts == parts
    }

    /// The parts that count as given when a number is read: a time may not be taken for a date.
    fn have_for_numbers(&self) -> u32 {
        if self.time_only { self.have | part::DATE } else { self.have }
    }

    /// A field with punctuation: a date, a zone's name ("america/new_york"), or digits with a zone ("040506-08").
    fn date_field(&mut self, fields: &[Field], index: usize) -> Parsed<u32> {
        let Some(field) = fields.get(index) else { return Err(InputError::BadFormat) };
        let text = field.text.as_str();
        let starts_with_digit = text.starts_with(|c: char| c.is_ascii_digit());
        if self.time_only {
            let next_is_time = fields.get(1).is_some_and(|next| next.kind == FieldKind::Time);
            let last_is_date = fields.last().is_some_and(|last| last.kind == FieldKind::Date);
            if index == 0 && fields.len() >= 2 && (last_is_date || next_is_time) {
                return self.date(text);
            }
        } else if self.prefix == Some(Unit::Julian) {
            self.prefix = None;
            let (day, zone) = number(text)?;
            if day < 0 {
                return Err(InputError::FieldOverflow);
            }
            self.fields.set_days(day - EPOCH_JULIAN_DAY);
            self.julian = true;
            self.zone = InputZone::West(zone_west(zone)?);
            return Ok(part::DATE | part::TIME | part::ZONE);
        } else if self.prefix.is_none() && !self.has(part::MONTH | part::DAY) {
            return self.date(text);
        } else if self.prefix.is_some_and(|prefix| prefix != Unit::IsoTime) {
            return Err(InputError::BadFormat);
        }
        if !starts_with_digit && self.prefix.is_none() {
            let zone = time_zone::named(text).ok_or_else(|| InputError::UnknownZone(text.to_owned()))?;
            self.zone = InputZone::Named(zone);
            return Ok(part::ZONE);
        }
        self.prefix = None;
        if self.has(part::TIME) {
            return Err(InputError::BadFormat);
        }
        let (time, zone) = text.split_at_checked(text.find('-').unwrap_or(0)).ok_or(InputError::BadFormat)?;
        self.zone = InputZone::West(zone_west(zone)?);
        Ok(self.joined_number(time, self.have_for_numbers())? | part::ZONE)
    }

    fn time_field(&mut self, text: &str) -> Parsed<u32> {
        if self.prefix.take_if(|prefix| *prefix != Unit::IsoTime).is_some() {
            return Err(InputError::BadFormat);
        }
        self.prefix = None;
        let fields = &mut self.fields;
        (fields.hour, fields.minute, fields.second, fields.usecs) = clock_parts(text, false)?;
        if !self.time_only && fields.clock_overflows() {
            return Err(InputError::FieldOverflow);
        }
        Ok(part::TIME)
    }

    /// A number after a unit's letter: "y2001m02d04", "j2451545", "t040506".
    fn prefixed_number(&mut self, text: &str) -> Parsed<u32> {
        let Some(unit) = self.prefix.take() else { return Err(InputError::BadFormat) };
        let (value, rest) = number(text)?;
        let fraction_allowed = matches!(unit, Unit::Julian | Unit::IsoTime | Unit::Second);
        let whole = rest.is_empty() || (rest.starts_with('.') && fraction_allowed);
        if !whole {
            return Err(InputError::BadFormat);
        }
        Ok(match unit {
            Unit::Year => {
                self.fields.year = value;
                part::YEAR
            }
            // A month after a month and an hour is a minute.
            Unit::Month if self.has(part::MONTH | part::HOUR) => {
                self.fields.minute = value;
                part::MINUTE
            }
            Unit::Month => {
                self.fields.month = value;
                part::MONTH
            }
            Unit::Day => {
                self.fields.day = value;
                part::DAY
            }
            Unit::Hour => {
                self.fields.hour = value;
                part::HOUR
            }
            Unit::Minute => {
                self.fields.minute = value;
                part::MINUTE
            }
            Unit::Second => {
                self.fields.second = value;
                if rest.is_empty() {
                    return Ok(part::SECOND);
                }
                self.fields.usecs = fraction_usecs(rest)?;
                part::SECONDS
            }
            Unit::Julian => return self.julian_day(value, rest),
            Unit::IsoTime => match self.joined_number(text, self.have | part::DATE)? {
                part::TIME => part::TIME,
                _ => return Err(InputError::BadFormat),
            },
            _ => return Err(InputError::BadFormat),
        })
    }

    fn julian_day(&mut self, day: i64, fraction: &str) -> Parsed<u32> {
        if day < 0 {
            return Err(InputError::FieldOverflow);
        }
        self.fields.set_days(day - EPOCH_JULIAN_DAY);
        self.julian = true;
        if fraction.is_empty() {
            return Ok(part::DATE);
        }
        let share = if fraction == "." { 0.0 } else { fraction.parse::<f64>().map_err(|_| InputError::BadFormat)? };
        self.fields.set_clock((share * USECS_PER_DAY as f64) as i64);
        Ok(part::DATE | part::TIME)
    }

    fn number_field(&mut self, fields: &[Field], index: usize) -> Parsed<u32> {
        let Some(field) = fields.get(index) else { return Err(InputError::BadFormat) };
        let text = field.text.as_str();
        let point = text.find('.');
        if self.time_only {
            let last_is_date = fields.last().is_some_and(|last| last.kind == FieldKind::Date);
            return match point {
                Some(_) if index == 0 && fields.len() >= 2 && last_is_date => self.date(text),
                Some(at) if at > 2 => self.joined_number(text, self.have_for_numbers()),
                Some(_) => Err(InputError::BadFormat),
                None if text.len() > 4 => self.joined_number(text, self.have_for_numbers()),
                None => self.single_number(text, false, self.have_for_numbers()),
            };
        }
        match point {
            Some(_) if self.have & part::DATE == 0 => self.date(text),
            Some(at) if at > 2 => self.joined_number(text, self.have),
            // Six digits and more are a date or a time run together, unless there are both already: then a year.
            _ if text.len() >= 6 && !(self.has(part::DATE) && self.has(part::TIME)) => {
                self.joined_number(text, self.have)
            }
            _ => self.single_number(text, self.text_month, self.have),
        }
    }

    /// "2001-02-03", "3-Feb-2001", "20010203" with separators of any kind (DecodeDate).
    fn date(&mut self, text: &str) -> Parsed<u32> {
        let mut have = self.have;
        let mut numbers: Vec<&str> = Vec::new();
        let mut text_month = false;
        for token in split_date(text)? {
            if !token.starts_with(|c: char| c.is_ascii_alphabetic()) {
                numbers.push(token);
                continue;
            }
            match date_word(token) {
                Some(DateWord::Ignored) => {}
                Some(DateWord::Month(month)) if have & part::MONTH == 0 => {
                    self.fields.month = month;
                    text_month = true;
                    have |= part::MONTH;
                }
                _ => return Err(InputError::BadFormat),
            }
        }
        for token in numbers {
            let found = self.single_number(token, text_month, have)?;
            if have & found != 0 {
                return Err(InputError::BadFormat);
            }
            have |= found;
        }
        if have & !(part::DAY_OF_YEAR | part::ZONE) != part::DATE {
            return Err(InputError::BadFormat);
        }
        Ok(have & !self.have)
    }

    /// A number whose meaning depends on what is known already and on the date order (DecodeNumber).
    fn single_number(&mut self, text: &str, text_month: bool, have: u32) -> Parsed<u32> {
        let (value, rest) = number(text)?;
        if rest.len() == text.len() {
            return Err(InputError::BadFormat);
        }
        if rest.starts_with('.') {
            if text.len() - rest.len() > 2 {
                return self.joined_number(text, have | part::DATE);
            }
            self.fields.usecs = fraction_usecs(rest)?;
        } else if !rest.is_empty() {
            return Err(InputError::BadFormat);
        }
        let length = text.len();
        if length == 3 && have & part::DATE == part::YEAR && (1..=366).contains(&value) {
            self.fields.day_of_year = value;
            return Ok(part::DAY_OF_YEAR | part::MONTH | part::DAY);
        }
        let order = self.settings.date_order;
        let year_first = length >= 3 || order == DateOrder::Ymd;
        const YEAR_MONTH: u32 = part::YEAR | part::MONTH;
        const MONTH_DAY: u32 = part::MONTH | part::DAY;
        let found = match have & part::DATE {
            0 if year_first => part::YEAR,
            0 if order == DateOrder::Dmy => part::DAY,
            0 | part::YEAR | part::DAY => part::MONTH,
            part::MONTH if text_month && year_first => part::YEAR,
            part::MONTH => part::DAY,
            YEAR_MONTH if text_month && length >= 3 && self.two_digit_year => {
                // What looked like a year was the day: 03-Feb-2001 in YMD order.
                self.fields.day = self.fields.year;
                self.fields.year = value;
                self.two_digit_year = false;
                return Ok(part::DAY);
            }
            YEAR_MONTH => part::DAY,
            MONTH_DAY => part::YEAR,
            part::DATE => return self.joined_number(text, have),
            _ => return Err(InputError::BadFormat),
        };
        match found {
            part::YEAR => {
                self.fields.year = value;
                self.two_digit_year = length <= 2;
            }
            part::MONTH => self.fields.month = value,
            _ => self.fields.day = value,
        }
        Ok(found)
    }

    /// "20010203", "010203", "040506.789", "0405": parts run together (DecodeNumberField).
    fn joined_number(&mut self, text: &str, have: u32) -> Parsed<u32> {
        let mut digits = text;
        if let Some((whole, fraction)) = text.split_once('.') {
            let share = if fraction.is_empty() { 0.0 } else { format!("0.{fraction}").parse::<f64>().unwrap_or(0.0) };
            self.fields.usecs = (share * 1e6).round_ties_even() as i64;
            digits = whole;
        } else if have & part::DATE != part::DATE && digits.len() >= 6 {
            let (year, rest) = digits.split_at_checked(digits.len() - 4).ok_or(InputError::BadFormat)?;
            let (month, day) = rest.split_at_checked(2).ok_or(InputError::BadFormat)?;
            self.fields.year = number(year)?.0;
            self.fields.month = number(month)?.0;
            self.fields.day = number(day)?.0;
            self.two_digit_year |= year.len() == 2;
            return Ok(part::DATE);
        }
        if have & part::TIME == part::TIME || !matches!(digits.len(), 4 | 6) {
            return Err(InputError::BadFormat);
        }
        let two = |at: usize| digits.get(at..at + 2).map_or(Ok((0, "")), number);
        self.fields.hour = two(0)?.0;
        self.fields.minute = two(2)?.0;
        self.fields.second = two(4)?.0;
        Ok(part::TIME)
    }

    /// A word; `None` if it says nothing ("at", "on").
    fn word(&mut self, fields: &[Field], index: usize) -> Parsed<Option<u32>> {
        let Some(field) = fields.get(index) else { return Err(InputError::BadFormat) };
        let text = field.text.as_str();
        match time_zone::abbreviation(text) {
            Some(Abbreviation::Offset { seconds, daylight }) => {
                self.zone = InputZone::West(-i64::from(seconds));
                return Ok(Some(if daylight { part::ZONE | part::DAYLIGHT_ZONE } else { part::ZONE }));
            }
            Some(Abbreviation::Zone(name)) => {
                let zone = time_zone::named(name).ok_or_else(|| InputError::UnknownZone(name.to_owned()))?;
                self.zone = InputZone::Abbreviated(zone, text.to_owned());
                return Ok(Some(part::ZONE | part::DYNAMIC_ZONE));
            }
            None => {}
        }
        match date_word(text) {
            Some(DateWord::Ignored) => Ok(None),
            Some(word) => self.date_word(word, fields, index).map(Some),
            None => {
                self.zone = InputZone::Named(time_zone::named(text).ok_or(InputError::BadFormat)?);
                Ok(Some(part::ZONE))
            }
        }
    }

    fn date_word(&mut self, word: DateWord, fields: &[Field], index: usize) -> Parsed<u32> {
        match word {
            DateWord::AllBalls => {
                self.fields.set_clock(0);
                self.zone = InputZone::West(0);
                Ok(part::TIME | part::ZONE)
            }
            DateWord::Now => Ok(self.now()),
            DateWord::DaylightModifier => {
                if let InputZone::West(west) = &mut self.zone {
                    *west -= 3600;
                }
                Ok(part::DAYLIGHT_ZONE | part::DAYLIGHT_MODIFIER)
            }
            DateWord::Meridiem { after_noon } => {
                self.after_noon = Some(after_noon);
                Ok(part::MERIDIEM)
            }
            DateWord::Christ { before } => {
                self.before_christ = before;
                Ok(part::CHRIST)
            }
            DateWord::Unit(Unit::IsoTime) => {
                let next = fields.get(index + 1).map(|next| next.kind);
                let time_next = matches!(next, Some(FieldKind::Number | FieldKind::Time | FieldKind::Date));
                if !time_next || (!self.time_only && !self.has(part::DATE)) {
                    return Err(InputError::BadFormat);
                }
                self.prefix = Some(Unit::IsoTime);
                Ok(0)
            }
            DateWord::Unit(unit) => {
                self.prefix = Some(unit);
                Ok(0)
            }
            _ if self.time_only => Err(InputError::BadFormat),
            DateWord::Epoch => Ok(self.special(Outcome::Epoch)),
            DateWord::Infinity => Ok(self.special(Outcome::Infinity)),
            DateWord::NegativeInfinity => Ok(self.special(Outcome::NegativeInfinity)),
            DateWord::Yesterday => Ok(self.day_from_today(-1)),
            DateWord::Today => Ok(self.day_from_today(0)),
            DateWord::Tomorrow => Ok(self.day_from_today(1)),
            DateWord::Month(month) => {
                // A number before it that was taken for the month was the day: "8 Feb".
                let mut found = part::MONTH;
                let number_was_day = self.has(part::MONTH) && !self.has(part::DAY) && !self.text_month;
                if number_was_day && (1..=31).contains(&self.fields.month) {
                    self.fields.day = self.fields.month;
                    found = part::DAY;
                }
                self.text_month = true;
                self.fields.month = month;
                Ok(found)
            }
            DateWord::Weekday => Ok(part::WEEKDAY),
            DateWord::Ignored => Ok(0),
        }
    }

    fn special(&mut self, outcome: Outcome) -> u32 {
        self.outcome = outcome;
        part::DATE | part::TIME | part::ZONE
    }

    /// The transaction's start in the session's time zone: its local time and offset.
    fn local_now(&self) -> (i64, i64) {
        let start = self.settings.transaction_start.get();
        let now = start.map_or_else(time_zone::clock, |unix_usecs| unix_usecs - UNIX_EPOCH_USECS);
        let offset = i64::from(time_zone::offset_at(&self.settings.time_zone, now));
        (now + offset * USECS_PER_SECOND, offset)
    }

    fn now(&mut self) -> u32 {
        let (local, offset) = self.local_now();
        self.fields.set_clock(local.rem_euclid(USECS_PER_DAY));
        if self.time_only {
            return part::TIME;
        }
        self.fields.set_days(local.div_euclid(USECS_PER_DAY));
        self.zone = InputZone::West(-offset);
        part::DATE | part::TIME | part::ZONE
    }

    fn day_from_today(&mut self, days: i64) -> u32 {
        self.fields.set_days(self.local_now().0.div_euclid(USECS_PER_DAY) + days);
        part::DATE
    }

    /// What can be checked only when all fields are known (ValidateDate and the end of DecodeDateTime).
    fn finish(&mut self) -> Parsed {
        if self.prefix.is_some() {
            return Err(InputError::BadFormat);
        }
        self.check_date()?;
        if let Some(after_noon) = self.after_noon {
            match (self.fields.hour, after_noon) {
                (13.., _) => return Err(InputError::FieldOverflow),
                (12, false) => self.fields.hour = 0,
                (0..12, true) => self.fields.hour += 12,
                _ => {}
            }
        }
        if self.time_only {
            if self.fields.clock_overflows() {
                return Err(InputError::FieldOverflow);
            }
            if !self.has(part::TIME) || (self.have & part::DATE != 0 && !self.has(part::DATE)) {
                return Err(InputError::BadFormat);
            }
        } else if self.outcome == Outcome::DateTime && !self.has(part::DATE) {
            return Err(InputError::BadFormat);
        }
        // "DST" makes no sense with a zone that knows its own rules.
        let plain_offset = matches!(self.zone, InputZone::West(_));
        if self.has(part::DAYLIGHT_MODIFIER) && !plain_offset { Err(InputError::BadFormat) } else { Ok(()) }
    }

    fn check_date(&mut self) -> Parsed {
        let fields = &mut self.fields;
        if self.have & part::YEAR != 0 && !self.julian && self.outcome == Outcome::DateTime {
            // A number is a year of our era, or before it; two digits are 1970 to 2069.
            if self.before_christ {
                if fields.year <= 0 {
                    return Err(InputError::FieldOverflow);
                }
                fields.year = 1 - fields.year;
            } else if self.two_digit_year {
                match fields.year {
                    ..0 => return Err(InputError::FieldOverflow),
                    0..70 => fields.year += 2000,
                    70..100 => fields.year += 1900,
                    _ => {}
                }
            } else if fields.year <= 0 {
                return Err(InputError::FieldOverflow);
            }
        }
        if self.outcome != Outcome::DateTime {
            return Ok(());
        }
        if self.have & part::DAY_OF_YEAR != 0 {
            fields.set_days(days_from_civil(fields.year, 1, 1) + fields.day_of_year - 1);
        }
        if self.have & part::MONTH != 0 && !(1..=12).contains(&fields.month) {
            return Err(InputError::MonthDayOverflow);
        }
        if self.have & part::DAY != 0 && !(1..=31).contains(&fields.day) {
            return Err(InputError::MonthDayOverflow);
        }
        let whole = self.have & part::DATE == part::DATE;
        if whole && fields.day > days_in_month(fields.year, fields.month) {
            return Err(InputError::FieldOverflow);
        }
        Ok(())
    }

    /// The offset, seconds east of UTC, of the date and time that were read.
    fn offset(&self, local_usecs: i64) -> i32 {
        match &self.zone {
            InputZone::West(west) => -*west as i32,
            InputZone::Named(zone) => time_zone::offset_of_local(zone, local_usecs),
            InputZone::Abbreviated(zone, name) => time_zone::offset_of_abbreviation(zone, name, local_usecs),
            InputZone::Session => time_zone::offset_of_local(&self.settings.time_zone, local_usecs),
        }
    }

    fn local_usecs(&self) -> i64 {
        self.fields.days().saturating_mul(USECS_PER_DAY).saturating_add(self.fields.clock())
    }
}

fn decode<'a>(text: &str, type_name: &str, settings: &'a FormatSettings, time_only: bool) -> Result<Decoder<'a>> {
    Decoder::new(settings, time_only).run(text).map_err(|error| error.into_error(text, type_name))
}

fn outside(what: &str, text: &str) -> Error {
    Error::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("{what} out of range: \"{text}\""))
}

impl Date {
    /// Reads what a client wrote (date_in). Here and below the ISO form means the same under every DateStyle and
    /// needs no splitting into fields.
    pub fn parse(text: &str, settings: &FormatSettings) -> Result<Date> {
        if let Some(days) = stored_date(text.as_bytes()) {
            return Ok(Date(days as i32));
        }
        let decoder = decode(text, "date", settings, false)?;
        match decoder.outcome {
            Outcome::Infinity => Ok(Date::INFINITY),
            Outcome::NegativeInfinity => Ok(Date::NEGATIVE_INFINITY),
            Outcome::Epoch => Ok(Date(-UNIX_EPOCH_DAYS as i32)),
            Outcome::DateTime => Date::from_days(decoder.fields.days()).map_err(|_| outside("date", text)),
        }
    }
}

impl Time {
    /// Reads what a client wrote (time_in); a zone in it is ignored.
    pub fn parse(text: &str, settings: &FormatSettings) -> Result<Time> {
        if let Some(usecs) = stored_time(text.as_bytes()) {
            return Ok(Time(usecs));
        }
        let decoder = decode(text, "time", settings, true)?;
        if !decoder.has(part::DATE) && decoder.has_changing_zone() {
            return Err(InputError::BadFormat.into_error(text, "time"));
        }
        Ok(Time(decoder.fields.clock()))
    }
}

impl TimeTz {
    /// Reads what a client wrote (timetz_in).
    pub fn parse(text: &str, settings: &FormatSettings) -> Result<TimeTz> {
        let type_name = "time with time zone";
        let decoder = decode(text, type_name, settings, true)?;
        let mut local = decoder.local_usecs();
        if !decoder.has(part::DATE) {
            // Without a date the zone's offset is today's, unless it never changes.
            if decoder.has_changing_zone() {
                return Err(InputError::BadFormat.into_error(text, type_name));
            }
            let today = decoder.local_now().0.div_euclid(USECS_PER_DAY);
            local = today * USECS_PER_DAY + decoder.fields.clock();
        }
        Ok(TimeTz { time: decoder.fields.clock(), offset: decoder.offset(local) })
    }
}

impl Timestamp {
    /// Reads what a client wrote (timestamp_in); a zone in it is ignored.
    pub fn parse(text: &str, settings: &FormatSettings) -> Result<Timestamp> {
        if let Some(usecs) = stored_timestamp(text.as_bytes()) {
            return Ok(Timestamp(usecs));
        }
        let decoder = decode(text, "timestamp", settings, false)?;
        match decoder.outcome {
            Outcome::Infinity => Ok(Timestamp::INFINITY),
            Outcome::NegativeInfinity => Ok(Timestamp::NEGATIVE_INFINITY),
            Outcome::Epoch => Ok(Timestamp(-UNIX_EPOCH_USECS)),
            Outcome::DateTime => Timestamp::from_usecs(decoder.local_usecs()).map_err(|_| outside("timestamp", text)),
        }
    }
}

impl TimestampTz {
    /// Reads what a client wrote (timestamptz_in); without a zone it is a local time of the session's.
    pub fn parse(text: &str, settings: &FormatSettings) -> Result<TimestampTz> {
        if let Some(usecs) = text.strip_suffix("+00").and_then(|local| stored_timestamp(local.as_bytes())) {
            return Ok(TimestampTz(usecs));
        }
        let decoder = decode(text, "timestamp with time zone", settings, false)?;
        match decoder.outcome {
            Outcome::Infinity => Ok(TimestampTz::INFINITY),
            Outcome::NegativeInfinity => Ok(TimestampTz::NEGATIVE_INFINITY),
            Outcome::Epoch => Ok(TimestampTz(-UNIX_EPOCH_USECS)),
            Outcome::DateTime => {
                let local = decoder.local_usecs();
                let offset = i64::from(decoder.offset(local)) * USECS_PER_SECOND;
                TimestampTz::from_usecs(local.saturating_sub(offset)).map_err(|_| outside("timestamp", text))
            }
        }
    }
}
