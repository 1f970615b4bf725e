//! All templates compared with results recorded from PostgreSQL 15 (`scripts/record-formatting`).

use crate::error::Result;
use crate::types::datetime::{Timestamp, TimestampTz};
use crate::types::format::FormatSettings;
use crate::types::from_char::{to_date, to_timestamp};
use crate::types::interval::{Interval, fields};
use crate::types::number_to_char::{float4_to_char, float8_to_char, numeric_to_char};
use crate::types::numeric::Numeric;
use crate::types::time_zone;
use crate::types::to_char::{interval_to_char, timestamp_to_char, timestamptz_to_char};
use crate::types::to_number::to_number;

fn compute(function: &str, value: &str, template: &str) -> Result<Option<String>> {
    let time_zone = time_zone::lookup("America/New_York")?;
    let settings = FormatSettings { time_zone, ..FormatSettings::default() };
    match function {
        "ts" => timestamp_to_char(Timestamp::parse(value, &settings)?, template),
        "tz" => timestamptz_to_char(TimestampTz::parse(value, &settings)?, template, &settings.time_zone),
        "iv" => interval_to_char(Interval::parse(value, &settings, fields::FULL)?, template),
        "numeric" => numeric_to_char(&Numeric::parse(value)?, template),
        "float8" => float8_to_char(value.parse().unwrap(), template),
        "float4" => float4_to_char(value.parse().unwrap(), template),
        "to_date" => {
            let mut out = String::new();
            to_date(value, template)?.write(&settings, &mut out).unwrap();
            Ok(Some(out))
        }
        "to_timestamp" => {
            let value = to_timestamp(value, template, &settings)?;
            let mut out = String::new();
            value.write(&settings, &mut out).unwrap();
            Ok(Some(out))
        }
        "to_number" => Ok(to_number(value, template)?.map(|number| number.to_string())),
        _ => panic!("{function}"),
    }
}

#[test]
fn templates_do_what_they_do_in_postgresql() {
    let mut wrong = Vec::new();
    for line in include_str!("../../../fixtures/formatting.tsv").lines() {
        let [function, value, template, expected] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let got = match compute(function, value, template) {
            Ok(None) => "NULL".to_owned(),
            Ok(Some(text)) => format!("[[{text}]]"),
            Err(error) => format!("!{} {}", error.code().as_str(), error.message()),
        };
        if got != expected {
            wrong.push(format!("{line}\n    got {got}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
