//! The patterns of date and time templates, and the values they are about.
//!
//! Owns: [`Key`], the table of keywords. Specification: functions-formatting.html#FUNCTIONS-FORMATTING-DATETIME-TABLE;
//! DCH_keywords in PostgreSQL 15's formatting.c, in whose order they are tried.

use crate::error::Result;
use crate::types::template::{self, Item};

/// How a name is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Upper,
    Capital,
    Lower,
}

impl Case {
    /// The name, which is given capitalized, in this case.
    pub(super) fn apply(self, name: &str) -> String {
        match self {
            Case::Upper => name.to_ascii_uppercase(),
            Case::Capital => name.to_owned(),
            Case::Lower => name.to_ascii_lowercase(),
        }
    }
}

/// What a pattern stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// AD or BC; `dots` says with points.
    Era {
        case: Case,
        dots: bool,
    },
    /// AM or PM.
    Meridiem {
        case: Case,
        dots: bool,
    },
    Century,
    DayName(Case),
    DayNameShort(Case),
    DayOfYear,
    DayOfMonth,
    DayOfWeek,
    /// FF1 to FF6.
    Fraction(u8),
    FixedFormat,
    Hour24,
    Hour12,
    IsoDayOfYear,
    IsoDayOfWeek,
    IsoWeek,
    /// IYYY, IYY, IY, I: the number of digits.
    IsoYear(u8),
    Julian,
    Minute,
    Month,
    MonthName(Case),
    MonthNameShort(Case),
    Millisecond,
    Offset,
    Quarter,
    Roman(Case),
    SecondOfDay,
    Second,
    Zone(Case),
    ZoneHour,
    ZoneMinute,
    Microsecond,
    WeekOfYear,
    WeekOfMonth,
    /// Y,YYY
    YearWithComma,
    /// YYYY, YYY, YY, Y: the number of digits.
    Year(u8),
}

impl Key {
    /// Whether what the pattern reads starts with a digit, so that a number before it has to know its own end.
    pub(super) fn is_digit(self) -> bool {
        !matches!(
            self,
            Key::Era { .. }
                | Key::Meridiem { .. }
                | Key::DayName(_)
                | Key::DayNameShort(_)
                | Key::FixedFormat
                | Key::MonthName(_)
                | Key::MonthNameShort(_)
                | Key::Offset
                | Key::Roman(_)
                | Key::Zone(_)
                | Key::ZoneHour
        )
    }
}

/// Keywords with their meaning; of two that begin alike the longer one comes first.
static KEYWORDS: &[(&str, Key)] = &[
    ("A.D.", Key::Era { case: Case::Upper, dots: true }),
    ("A.M.", Key::Meridiem { case: Case::Upper, dots: true }),
    ("AD", Key::Era { case: Case::Upper, dots: false }),
    ("AM", Key::Meridiem { case: Case::Upper, dots: false }),
    ("B.C.", Key::Era { case: Case::Upper, dots: true }),
    ("BC", Key::Era { case: Case::Upper, dots: false }),
    ("CC", Key::Century),
    ("DAY", Key::DayName(Case::Upper)),
    ("DDD", Key::DayOfYear),
    ("DD", Key::DayOfMonth),
    ("DY", Key::DayNameShort(Case::Upper)),
    ("Day", Key::DayName(Case::Capital)),
    ("Dy", Key::DayNameShort(Case::Capital)),
    ("D", Key::DayOfWeek),
    ("FF1", Key::Fraction(1)),
    ("FF2", Key::Fraction(2)),
    ("FF3", Key::Fraction(3)),
    ("FF4", Key::Fraction(4)),
    ("FF5", Key::Fraction(5)),
    ("FF6", Key::Fraction(6)),
    ("FX", Key::FixedFormat),
    ("HH24", Key::Hour24),
    ("HH12", Key::Hour12),
    ("HH", Key::Hour12),
    ("IDDD", Key::IsoDayOfYear),
    ("ID", Key::IsoDayOfWeek),
    ("IW", Key::IsoWeek),
    ("IYYY", Key::IsoYear(4)),
    ("IYY", Key::IsoYear(3)),
    ("IY", Key::IsoYear(2)),
    ("I", Key::IsoYear(1)),
    ("J", Key::Julian),
    ("MI", Key::Minute),
    ("MM", Key::Month),
    ("MONTH", Key::MonthName(Case::Upper)),
    ("MON", Key::MonthNameShort(Case::Upper)),
    ("MS", Key::Millisecond),
    ("Month", Key::MonthName(Case::Capital)),
    ("Mon", Key::MonthNameShort(Case::Capital)),
    ("OF", Key::Offset),
    ("P.M.", Key::Meridiem { case: Case::Upper, dots: true }),
    ("PM", Key::Meridiem { case: Case::Upper, dots: false }),
    ("Q", Key::Quarter),
    ("RM", Key::Roman(Case::Upper)),
    ("SSSSS", Key::SecondOfDay),
    ("SSSS", Key::SecondOfDay),
    ("SS", Key::Second),
    ("TZH", Key::ZoneHour),
    ("TZM", Key::ZoneMinute),
    ("TZ", Key::Zone(Case::Upper)),
    ("US", Key::Microsecond),
    ("WW", Key::WeekOfYear),
    ("W", Key::WeekOfMonth),
    ("Y,YYY", Key::YearWithComma),
    ("YYYY", Key::Year(4)),
    ("YYY", Key::Year(3)),
    ("YY", Key::Year(2)),
    ("Y", Key::Year(1)),
    ("a.d.", Key::Era { case: Case::Lower, dots: true }),
    ("a.m.", Key::Meridiem { case: Case::Lower, dots: true }),
    ("ad", Key::Era { case: Case::Lower, dots: false }),
    ("am", Key::Meridiem { case: Case::Lower, dots: false }),
    ("b.c.", Key::Era { case: Case::Lower, dots: true }),
    ("bc", Key::Era { case: Case::Lower, dots: false }),
    ("cc", Key::Century),
    ("day", Key::DayName(Case::Lower)),
    ("ddd", Key::DayOfYear),
    ("dd", Key::DayOfMonth),
    ("dy", Key::DayNameShort(Case::Lower)),
    ("d", Key::DayOfWeek),
    ("ff1", Key::Fraction(1)),
    ("ff2", Key::Fraction(2)),
    ("ff3", Key::Fraction(3)),
    ("ff4", Key::Fraction(4)),
    ("ff5", Key::Fraction(5)),
    ("ff6", Key::Fraction(6)),
    ("fx", Key::FixedFormat),
    ("hh24", Key::Hour24),
    ("hh12", Key::Hour12),
    ("hh", Key::Hour12),
    ("iddd", Key::IsoDayOfYear),
    ("id", Key::IsoDayOfWeek),
    ("iw", Key::IsoWeek),
    ("iyyy", Key::IsoYear(4)),
    ("iyy", Key::IsoYear(3)),
    ("iy", Key::IsoYear(2)),
    ("i", Key::IsoYear(1)),
    ("j", Key::Julian),
    ("mi", Key::Minute),
    ("mm", Key::Month),
    ("month", Key::MonthName(Case::Lower)),
    ("mon", Key::MonthNameShort(Case::Lower)),
    ("ms", Key::Millisecond),
    ("of", Key::Offset),
    ("p.m.", Key::Meridiem { case: Case::Lower, dots: true }),
    ("pm", Key::Meridiem { case: Case::Lower, dots: false }),
    ("q", Key::Quarter),
    ("rm", Key::Roman(Case::Lower)),
    ("sssss", Key::SecondOfDay),
    ("ssss", Key::SecondOfDay),
    ("ss", Key::Second),
    ("tzh", Key::ZoneHour),
    ("tzm", Key::ZoneMinute),
    ("tz", Key::Zone(Case::Lower)),
    ("us", Key::Microsecond),
    ("ww", Key::WeekOfYear),
    ("w", Key::WeekOfMonth),
    ("y,yyy", Key::YearWithComma),
    ("yyyy", Key::Year(4)),
    ("yyy", Key::Year(3)),
    ("yy", Key::Year(2)),
    ("y", Key::Year(1)),
];

/// The months in Roman numerals, January first.
pub(super) const ROMAN_MONTHS: [&str; 12] = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"];

/// A pattern with the keyword it was written as, which error messages show.
pub(super) type Pattern = (Key, &'static str);

/// Splits a date template.
pub(super) fn parse(text: &str) -> Result<Vec<Item<Pattern>>> {
    split(text, template::Kind::Date)
}

/// Splits a date template of SQL/JSON: 22007 for what does not separate fields there.
pub(super) fn parse_standard(text: &str) -> Result<Vec<Item<Pattern>>> {
    split(text, template::Kind::StandardDate)
}

fn split(text: &str, kind: template::Kind) -> Result<Vec<Item<Pattern>>> {
    // The keyword goes along for the messages.
    static TABLE: std::sync::LazyLock<Vec<(&'static str, Pattern)>> =
        std::sync::LazyLock::new(|| KEYWORDS.iter().map(|(name, key)| (*name, (*key, *name))).collect());
    template::parse(text, &TABLE, kind)
}
