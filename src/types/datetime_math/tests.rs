//! Results compared with those recorded from PostgreSQL 15 (`scripts/record-datetime`).

use super::*;
use crate::types::datetime::{Stored, is_iso};
use crate::types::format::FormatSettings;
use crate::types::interval::{self, fields};
use crate::types::numeric::Numeric;

struct Case<'a> {
    a: &'a str,
    b: &'a str,
    settings: FormatSettings,
}

/// The stored form, or what is shown of a date that is stored in another form.
fn stored<T: Stored>(value: T) -> Result<String> {
    let (stored, settings, mut out) = (value.to_stored()?, FormatSettings::default(), String::new());
    match (is_iso(&stored), stored.contains(' ')) {
        (true, _) => return Ok(stored),
        (_, true) => Timestamp::from_stored(&stored)?.write(&settings, &mut out).unwrap(),
        _ => Date::from_stored(&stored)?.write(&settings, &mut out).unwrap(),
    }
    Ok(out)
}

impl Case<'_> {
    fn ts(&self, text: &str) -> Result<Timestamp> {
        Timestamp::parse(text, &self.settings)
    }

    fn tz(&self, text: &str) -> Result<TimestampTz> {
        TimestampTz::parse(text, &self.settings)
    }

    fn date(&self, text: &str) -> Result<Date> {
        Date::parse(text, &self.settings)
    }

    fn time(&self, text: &str) -> Result<Time> {
        Time::parse(text, &self.settings)
    }

    fn timetz(&self, text: &str) -> Result<TimeTz> {
        TimeTz::parse(text, &self.settings)
    }

    fn iv(&self, text: &str) -> Result<Interval> {
        Interval::parse(text, &self.settings, fields::FULL)
    }

    fn shown_tz(&self, value: TimestampTz) -> Result<String> {
        value.to_stored()?;
        let mut out = String::new();
        value.write(&self.settings, &mut out).unwrap();
        Ok(out)
    }

    fn compute(&self, operation: &str) -> Result<String> {
        let (a, b) = (self.a, self.b);
        let zone = &self.settings.time_zone;
        let field = |field: Option<Numeric>| Ok(field.map_or("NULL".to_owned(), |field| field.to_string()));
        let number = |text: &str| text.parse::<f64>().unwrap();
        match operation {
            "ts_add" => stored(self.ts(a)?.add(self.iv(b)?)?),
            "ts_sub_iv" => stored(self.ts(a)?.sub_interval(self.iv(b)?)?),
            "tz_add" => self.shown_tz(self.tz(a)?.add(self.iv(b)?, zone)?),
            "tz_sub_iv" => self.shown_tz(self.tz(a)?.sub_interval(self.iv(b)?, zone)?),
            "ts_sub" => stored(self.ts(a)?.sub(self.ts(b)?)?),
            "tz_sub" => stored(self.tz(a)?.sub(self.tz(b)?)?),
            "ts_age" => stored(self.ts(a)?.age(self.ts(b)?)?),
            "tz_age" => stored(self.tz(a)?.age(self.tz(b)?, zone)?),
            "ts_extract" => field(self.ts(a)?.extract(b)?),
            "tz_extract" => field(self.tz(a)?.extract(b, zone)?),
            "date_extract" => field(self.date(a)?.extract(b)?),
            "time_extract" => field(Some(self.time(a)?.extract(b)?)),
            "timetz_extract" => field(Some(self.timetz(a)?.extract(b)?)),
            "iv_extract" => field(Some(self.iv(a)?.extract(b)?)),
            "ts_trunc" => stored(self.ts(a)?.truncate(b)?),
            "tz_trunc" => self.shown_tz(self.tz(a)?.truncate(b, zone)?),
            "iv_trunc" => stored(self.iv(a)?.truncate(b)?),
            "ts_at_zone" => self.shown_tz(self.ts(a)?.in_zone(&time_zone::lookup(b)?)?),
            "tz_at_zone" => stored(self.tz(a)?.local(&time_zone::lookup(b)?)),
            "date_add" => stored(self.date(a)?.add_days(b.parse().unwrap())?),
            "date_sub" => Ok(self.date(a)?.sub(self.date(b)?)?.to_string()),
            "date_time" => stored(self.date(a)?.at_time(self.time(b)?)?),
            "date_timetz" => self.shown_tz(self.date(a)?.at_time_tz(self.timetz(b)?)?),
            "time_add" => stored(self.time(a)?.add(self.iv(b)?)),
            "time_sub_iv" => stored(self.time(a)?.sub_interval(self.iv(b)?)),
            "time_sub" => stored(self.time(a)?.sub(self.time(b)?)),
            "timetz_cmp" => Ok((self.timetz(a)?.cmp(&self.timetz(b)?) as i32).to_string()),
            "timetz_add" => stored(self.timetz(a)?.add(self.iv(b)?)),
            "iv_add" => stored(self.iv(a)?.add(self.iv(b)?)?),
            "iv_sub" => stored(self.iv(a)?.sub(self.iv(b)?)?),
            "iv_mul" => stored(self.iv(a)?.mul(number(b))?),
            "iv_div" => stored(self.iv(a)?.div(number(b))?),
            "iv_cmp" => Ok((self.iv(a)?.cmp(&self.iv(b)?) as i32).to_string()),
            "justify_hours" => stored(self.iv(a)?.justify_hours()?),
            "justify_days" => stored(self.iv(a)?.justify_days()?),
            "justify_interval" => stored(self.iv(a)?.justify_interval()?),
            "ts_typmod" => stored(self.ts(a)?.apply_typmod(b.parse().unwrap())?),
            "time_typmod" => stored(self.time(a)?.apply_typmod(b.parse().unwrap())),
            "iv_typmod" => stored(self.iv(a)?.apply_typmod(interval_typmod(b))?),
            "date_bin" => stored(self.ts(a)?.bin(self.iv(b)?, self.ts("2001-01-01")?)?),
            "make_date" => stored(Date::make(a.parse().unwrap(), b.parse().unwrap(), 29)?),
            "make_time" => stored(Time::make(a.parse().unwrap(), 30, number(b))?),
            "to_timestamp" => self.shown_tz(TimestampTz::from_epoch(number(a))?),
            "make_interval" => stored(Interval::make(a.parse().unwrap(), 0, 0, 0, 3, 0, number(b))?),
            _ => panic!("{operation}"),
        }
    }
}

fn interval_typmod(words: &str) -> i32 {
    match words {
        "year to month" => interval::make_typmod(fields::YEAR | fields::MONTH, None),
        "day to second(1)" => {
            interval::make_typmod(fields::DAY | fields::HOUR | fields::MINUTE | fields::SECOND, Some(1))
        }
        "year" => interval::make_typmod(fields::YEAR, None),
        "month" => interval::make_typmod(fields::MONTH, None),
        "day" => interval::make_typmod(fields::DAY, None),
        "hour" => interval::make_typmod(fields::HOUR, None),
        "minute" => interval::make_typmod(fields::MINUTE, None),
        _ => interval::make_typmod(fields::SECOND, None),
    }
}

#[test]
fn computes_what_postgresql_computes() {
    let mut wrong = Vec::new();
    for line in include_str!("../../../fixtures/datetime.tsv").lines() {
        let [operation, a, b, expected] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let time_zone = time_zone::lookup("America/New_York").unwrap();
        let case = Case { a, b, settings: FormatSettings { time_zone, ..FormatSettings::default() } };
        let got =
            case.compute(operation).unwrap_or_else(|error| format!("!{} {}", error.code().as_str(), error.message()));
        if got != expected {
            wrong.push(format!("{line}\n    got {got}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
