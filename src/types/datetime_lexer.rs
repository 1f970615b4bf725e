//! Splits the text of a date, time or interval into fields, and names the words in them.
//!
//! Owns: [`split_fields`], the tables of words. The rules are ParseDateTime's in PostgreSQL 15's datetime.c. Must not
//! know: what the fields mean together (`types::datetime_input`, `types::interval_input`).

use crate::error::{Error, SqlState};

/// Fields a text may have (MAXDATEFIELDS) and bytes they may have together (MAXDATELEN).
const MAX_FIELDS: usize = 25;
const MAX_LENGTH: usize = 128;
/// Words are compared up to this length (TOKMAXLEN).
const MAX_WORD: usize = 10;

/// Why a text is not a date, time or interval (the DTERR_ codes).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum InputError {
    BadFormat,
    FieldOverflow,
    /// A month or day is out of range: perhaps only the order is wrong.
    MonthDayOverflow,
    IntervalOverflow,
    ZoneOverflow,
    UnknownZone(String),
}

impl InputError {
    /// PostgreSQL's error for it (DateTimeParseError).
    pub(super) fn into_error(self, text: &str, type_name: &str) -> Error {
        let field = |code, what: &str| Error::new(code, format!("{what} out of range: \"{text}\""));
        match self {
            InputError::BadFormat => Error::new(
                SqlState::INVALID_DATETIME_FORMAT,
                format!("invalid input syntax for type {type_name}: \"{text}\""),
            ),
            InputError::FieldOverflow => field(SqlState::DATETIME_FIELD_OVERFLOW, "date/time field value"),
            InputError::MonthDayOverflow => field(SqlState::DATETIME_FIELD_OVERFLOW, "date/time field value")
                .with_hint("Perhaps you need a different \"datestyle\" setting."),
            InputError::IntervalOverflow => field(SqlState::INTERVAL_FIELD_OVERFLOW, "interval field value"),
            InputError::ZoneOverflow => field(SqlState::INVALID_TIME_ZONE_DISPLACEMENT_VALUE, "time zone displacement"),
            InputError::UnknownZone(name) => {
                Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("time zone \"{name}\" not recognized"))
            }
        }
    }
}

/// What a field looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldKind {
    /// Digits, perhaps with a decimal point.
    Number,
    /// A word.
    Word,
    /// Several parts with punctuation between them, or a zone's name.
    Date,
    /// Digits with colons.
    Time,
    /// A sign and digits.
    Zone,
    /// A sign and a word.
    SignedWord,
}

/// One field, in lower case.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) kind: FieldKind,
    pub(super) text: String,
}

struct Lexer<'a> {
    rest: &'a [u8],
    text: String,
}

impl Lexer<'_> {
    fn peek(&self) -> u8 {
        self.rest.first().copied().unwrap_or(0)
    }

    fn take(&mut self) {
        if let Some((first, rest)) = self.rest.split_first() {
            self.text.push(char::from(first.to_ascii_lowercase()));
            self.rest = rest;
        }
    }

    fn take_while(&mut self, accepted: impl Fn(u8) -> bool) {
        while !self.rest.is_empty() && accepted(self.peek()) {
            self.take();
        }
    }

    fn skip_spaces(&mut self) {
        while is_space(self.peek()) {
            self.rest = self.rest.get(1..).unwrap_or(&[]);
        }
    }

    fn digits_first(&mut self) -> FieldKind {
        self.take_while(|b| b.is_ascii_digit());
        match self.peek() {
            b':' => {
                self.take_while(|b| b.is_ascii_digit() || b == b':' || b == b'.');
                FieldKind::Time
            }
            delimiter @ (b'-' | b'/' | b'.') => self.delimited(delimiter),
            _ => FieldKind::Number,
        }
    }

    fn delimited(&mut self, delimiter: u8) -> FieldKind {
        self.take();
        if !self.peek().is_ascii_digit() {
            self.take_while(|b| b.is_ascii_alphanumeric() || b == delimiter);
            return FieldKind::Date;
        }
        // One point is a decimal number, a second one makes it a date.
        let kind = if delimiter == b'.' { FieldKind::Number } else { FieldKind::Date };
        self.take_while(|b| b.is_ascii_digit());
        if self.peek() != delimiter {
            return kind;
        }
        self.take_while(|b| b.is_ascii_digit() || b == delimiter);
        FieldKind::Date
    }

    fn letter_first(&mut self) -> FieldKind {
        self.take_while(|b| b.is_ascii_alphabetic());
        let more = match self.peek() {
            b'-' | b'/' | b'.' => true,
            // "GMT+5", but not "Jan5" or "y2001".
            next if next == b'+' || next.is_ascii_digit() => date_word(&self.text).is_none(),
            _ => false,
        };
        if !more {
            return FieldKind::Word;
        }
        self.take_while(|b| b.is_ascii_alphanumeric() || b"+-/_.:".contains(&b));
        FieldKind::Date
    }

    fn sign_first(&mut self) -> Result<FieldKind, InputError> {
        self.take();
        self.skip_spaces();
        if self.peek().is_ascii_digit() {
            self.take_while(|b| b.is_ascii_digit() || b":.-".contains(&b));
            return Ok(FieldKind::Zone);
        }
        if self.peek().is_ascii_alphabetic() {
            self.take_while(|b| b.is_ascii_alphabetic());
            return Ok(FieldKind::SignedWord);
        }
        Err(InputError::BadFormat)
    }
}

fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

/// Splits a text into fields.
pub(super) fn split_fields(text: &str) -> Result<Vec<Field>, InputError> {
    let mut lexer = Lexer { rest: text.as_bytes(), text: String::new() };
    let mut fields: Vec<Field> = Vec::new();
    let mut length = 0;
    loop {
        lexer.skip_spaces();
        if lexer.rest.is_empty() {
            return Ok(fields);
        }
        let kind = match lexer.peek() {
            b'0'..=b'9' => lexer.digits_first(),
            b'.' => {
                lexer.take();
                lexer.take_while(|b| b.is_ascii_digit());
                FieldKind::Number
            }
            b'+' | b'-' => lexer.sign_first()?,
            letter if letter.is_ascii_alphabetic() => lexer.letter_first(),
            other if other.is_ascii_punctuation() => {
                lexer.rest = lexer.rest.get(1..).unwrap_or(&[]);
                continue;
            }
            _ => return Err(InputError::BadFormat),
        };
        let text = std::mem::take(&mut lexer.text);
        length += text.len() + 1;
        if fields.len() >= MAX_FIELDS || length > MAX_LENGTH {
            return Err(InputError::BadFormat);
        }
        fields.push(Field { kind, text });
    }
}

/// A unit of time, as a word in an input or an argument of extract().
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Microsecond,
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
    Decade,
    Century,
    Millennium,
    Julian,
    DayOfWeek,
    IsoDayOfWeek,
    DayOfYear,
    IsoYear,
    Epoch,
    Zone,
    ZoneHour,
    ZoneMinute,
    /// After "t": a time follows.
    IsoTime,
}

/// What a word in a date means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DateWord {
    Infinity,
    NegativeInfinity,
    Epoch,
    Now,
    Today,
    Tomorrow,
    Yesterday,
    AllBalls,
    Christ {
        before: bool,
    },
    Meridiem {
        after_noon: bool,
    },
    Month(i64),
    Weekday,
    /// "dst" after a zone's abbreviation: one hour more.
    DaylightModifier,
    Unit(Unit),
    Ignored,
}

static DATE_WORDS: &[(&str, DateWord)] = &[
    ("-infinity", DateWord::NegativeInfinity),
    ("ad", DateWord::Christ { before: false }),
    ("allballs", DateWord::AllBalls),
    ("am", DateWord::Meridiem { after_noon: false }),
    ("apr", DateWord::Month(4)),
    ("april", DateWord::Month(4)),
    ("at", DateWord::Ignored),
    ("aug", DateWord::Month(8)),
    ("august", DateWord::Month(8)),
    ("bc", DateWord::Christ { before: true }),
    ("d", DateWord::Unit(Unit::Day)),
    ("dec", DateWord::Month(12)),
    ("december", DateWord::Month(12)),
    ("dow", DateWord::Unit(Unit::DayOfWeek)),
    ("doy", DateWord::Unit(Unit::DayOfYear)),
    ("dst", DateWord::DaylightModifier),
    ("epoch", DateWord::Epoch),
    ("feb", DateWord::Month(2)),
    ("february", DateWord::Month(2)),
    ("fri", DateWord::Weekday),
    ("friday", DateWord::Weekday),
    ("h", DateWord::Unit(Unit::Hour)),
    ("infinity", DateWord::Infinity),
    ("isodow", DateWord::Unit(Unit::IsoDayOfWeek)),
    ("isoyear", DateWord::Unit(Unit::IsoYear)),
    ("j", DateWord::Unit(Unit::Julian)),
    ("jan", DateWord::Month(1)),
    ("january", DateWord::Month(1)),
    ("jd", DateWord::Unit(Unit::Julian)),
    ("jul", DateWord::Month(7)),
    ("julian", DateWord::Unit(Unit::Julian)),
    ("july", DateWord::Month(7)),
    ("jun", DateWord::Month(6)),
    ("june", DateWord::Month(6)),
    ("m", DateWord::Unit(Unit::Month)),
    ("mar", DateWord::Month(3)),
    ("march", DateWord::Month(3)),
    ("may", DateWord::Month(5)),
    ("mm", DateWord::Unit(Unit::Minute)),
    ("mon", DateWord::Weekday),
    ("monday", DateWord::Weekday),
    ("nov", DateWord::Month(11)),
    ("november", DateWord::Month(11)),
    ("now", DateWord::Now),
    ("oct", DateWord::Month(10)),
    ("october", DateWord::Month(10)),
    ("on", DateWord::Ignored),
    ("pm", DateWord::Meridiem { after_noon: true }),
    ("s", DateWord::Unit(Unit::Second)),
    ("sat", DateWord::Weekday),
    ("saturday", DateWord::Weekday),
    ("sep", DateWord::Month(9)),
    ("sept", DateWord::Month(9)),
    ("september", DateWord::Month(9)),
    ("sun", DateWord::Weekday),
    ("sunday", DateWord::Weekday),
    ("t", DateWord::Unit(Unit::IsoTime)),
    ("thu", DateWord::Weekday),
    ("thur", DateWord::Weekday),
    ("thurs", DateWord::Weekday),
    ("thursday", DateWord::Weekday),
    ("today", DateWord::Today),
    ("tomorrow", DateWord::Tomorrow),
    ("tue", DateWord::Weekday),
    ("tues", DateWord::Weekday),
    ("tuesday", DateWord::Weekday),
    ("wed", DateWord::Weekday),
    ("wednesday", DateWord::Weekday),
    ("weds", DateWord::Weekday),
    ("y", DateWord::Unit(Unit::Year)),
    ("yesterday", DateWord::Yesterday),
];

static INTERVAL_WORDS: &[(&str, Unit)] = &[
    ("c", Unit::Century),
    ("cent", Unit::Century),
    ("centuries", Unit::Century),
    ("century", Unit::Century),
    ("d", Unit::Day),
    ("day", Unit::Day),
    ("days", Unit::Day),
    ("dec", Unit::Decade),
    ("decade", Unit::Decade),
    ("decades", Unit::Decade),
    ("decs", Unit::Decade),
    ("h", Unit::Hour),
    ("hour", Unit::Hour),
    ("hours", Unit::Hour),
    ("hr", Unit::Hour),
    ("hrs", Unit::Hour),
    ("m", Unit::Minute),
    ("microsecon", Unit::Microsecond),
    ("mil", Unit::Millennium),
    ("millennia", Unit::Millennium),
    ("millennium", Unit::Millennium),
    ("millisecon", Unit::Millisecond),
    ("mils", Unit::Millennium),
    ("min", Unit::Minute),
    ("mins", Unit::Minute),
    ("minute", Unit::Minute),
    ("minutes", Unit::Minute),
    ("mon", Unit::Month),
    ("mons", Unit::Month),
    ("month", Unit::Month),
    ("months", Unit::Month),
    ("ms", Unit::Millisecond),
    ("msec", Unit::Millisecond),
    ("msecond", Unit::Millisecond),
    ("mseconds", Unit::Millisecond),
    ("msecs", Unit::Millisecond),
    ("qtr", Unit::Quarter),
    ("quarter", Unit::Quarter),
    ("s", Unit::Second),
    ("sec", Unit::Second),
    ("second", Unit::Second),
    ("seconds", Unit::Second),
    ("secs", Unit::Second),
    ("timezone", Unit::Zone),
    ("timezone_h", Unit::ZoneHour),
    ("timezone_m", Unit::ZoneMinute),
    ("us", Unit::Microsecond),
    ("usec", Unit::Microsecond),
    ("usecond", Unit::Microsecond),
    ("useconds", Unit::Microsecond),
    ("usecs", Unit::Microsecond),
    ("w", Unit::Week),
    ("week", Unit::Week),
    ("weeks", Unit::Week),
    ("y", Unit::Year),
    ("year", Unit::Year),
    ("years", Unit::Year),
    ("yr", Unit::Year),
    ("yrs", Unit::Year),
];

fn find<T: Copy>(table: &'static [(&'static str, T)], word: &str) -> Option<T> {
    let word = word.get(..MAX_WORD).unwrap_or(word);
    let found = table.binary_search_by(|(known, _)| (*known).cmp(word)).ok()?;
    table.get(found).map(|(_, meaning)| *meaning)
}

/// What a lower-case word means in a date.
pub(super) fn date_word(word: &str) -> Option<DateWord> {
    find(DATE_WORDS, word)
}

/// What a lower-case word means in an interval.
pub(super) fn interval_word(word: &str) -> Option<Unit> {
    find(INTERVAL_WORDS, word)
}

/// The unit an argument of extract(), date_part() or date_trunc() names; case does not matter.
pub fn unit_named(name: &str) -> Option<Unit> {
    let name = name.to_ascii_lowercase();
    interval_word(&name).or_else(|| match date_word(&name)? {
        DateWord::Unit(unit) => Some(unit),
        DateWord::Epoch => Some(Unit::Epoch),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted() {
        assert!(DATE_WORDS.is_sorted_by_key(|(word, _)| word));
        assert!(INTERVAL_WORDS.is_sorted_by_key(|(word, _)| word));
        assert!(crate::types::time_zone_abbreviations::ABBREVIATIONS.is_sorted_by_key(|(name, _)| name));
    }
}
