//! Encodings and errors compared with those recorded from PostgreSQL 15 (`scripts/record-encodings`).

use super::*;
use crate::types::encoding_check::check_decoded;
use crate::types::format::{DateOrder, IntervalStyle};
use crate::types::pg_type::{TypeInfo, type_by_name};
use crate::types::time_zone;

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => match characters.next() {
                Some('t') => out.push('\t'),
                Some('n') => out.push('\n'),
                other => out.extend(other),
            },
            c => out.push(c),
        }
    }
    out
}

fn rows(file: &str) -> Vec<Vec<String>> {
    file.lines().map(|line| line.split('\t').map(unescape).collect()).collect()
}

fn type_named(name: &str) -> &'static TypeInfo {
    let name = name.replace('"', "");
    let internal = match name.strip_suffix("[]") {
        Some(element) => format!("_{element}"),
        None => name,
    };
    type_by_name(&internal).unwrap_or_else(|| panic!("{internal}"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn encoded(info: &TypeInfo, format: Format, value: &Value, settings: &FormatSettings) -> Result<Vec<u8>> {
    let mut out = BytesMut::new();
    encode(info.repr, format, value.as_ref(), settings, &mut out)?;
    Ok(out.to_vec())
}

fn shown(result: Result<Vec<u8>>, format: Format) -> String {
    match (result, format) {
        (Ok(bytes), Format::Text) => String::from_utf8(bytes).unwrap(),
        (Ok(bytes), Format::Binary) => hex(&bytes),
        (Err(error), _) => format!("!{} {}", error.code().as_str(), error.message()),
    }
}

fn assert_none(wrong: Vec<String>) {
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn values_are_encoded_and_decoded_as_postgresql_does() {
    let settings = FormatSettings::default();
    let mut wrong = Vec::new();
    for row in rows(include_str!("../../../fixtures/encodings.tsv")) {
        let [type_name, literal, text, binary] = &row[..] else { panic!("{row:?}") };
        let info = type_named(type_name);
        let from_text = decode(info.repr, info.sql_name, Format::Text, literal.as_bytes(), &settings);
        let from_binary = decode(info.repr, info.sql_name, Format::Binary, &unhex(binary), &settings);
        for (source, decoded) in [("text", from_text), ("binary", from_binary)] {
            for (format, expected) in [(Format::Text, text), (Format::Binary, binary)] {
                let result = decoded.clone().and_then(|value| encoded(info, format, &value, &settings));
                let got = shown(result, format);
                if got != *expected {
                    wrong.push(format!("{type_name} {literal:?} from {source}: got {got:?}, expected {expected:?}"));
                }
            }
        }
    }
    assert_none(wrong);
}

#[test]
fn bad_values_are_refused_as_postgresql_refuses_them() {
    let settings = FormatSettings::default();
    let mut wrong = Vec::new();
    for row in rows(include_str!("../../../fixtures/decode_errors.tsv")) {
        let [type_name, literal, code, message, detail, hint, context] = &row[..] else { panic!("{row:?}") };
        let info = type_named(type_name);
        let got = match decode(info.repr, info.sql_name, Format::Text, literal.as_bytes(), &settings) {
            Ok(value) => format!("{value:?}"),
            Err(error) => {
                let fields = error.fields();
                let part = |field: &Option<String>| field.clone().unwrap_or_default();
                format!(
                    "{} {} | {} | {} | {}",
                    error.code().as_str(),
                    error.message(),
                    part(&fields.detail),
                    part(&fields.hint),
                    part(&fields.context)
                )
            }
        };
        let expected = format!("{code} {message} | {detail} | {hint} | {context}");
        if got != expected {
            wrong.push(format!("{type_name} {literal:?}:\n    got      {got}\n    expected {expected}"));
        }
    }
    assert_none(wrong);
}

fn settings_with(setting: &str) -> FormatSettings {
    let mut settings = FormatSettings::default();
    let (name, value) = setting.split_once('=').unwrap();
    match name {
        "DateStyle" => {
            let (style, order) = value.split_once(", ").unwrap();
            settings.date_style = match style {
                "ISO" => DateStyle::Iso,
                "SQL" => DateStyle::Sql,
                "Postgres" => DateStyle::Postgres,
                _ => DateStyle::German,
            };
            settings.date_order = match order {
                "MDY" => DateOrder::Mdy,
                "DMY" => DateOrder::Dmy,
                _ => DateOrder::Ymd,
            };
        }
        "IntervalStyle" => {
            settings.interval_style = match value {
                "postgres" => IntervalStyle::Postgres,
                "postgres_verbose" => IntervalStyle::PostgresVerbose,
                "sql_standard" => IntervalStyle::SqlStandard,
                _ => IntervalStyle::Iso8601,
            };
        }
        "TimeZone" => settings.time_zone = time_zone::from_setting(value).unwrap(),
        "bytea_output" => settings.bytea_output = ByteaOutput::Escape,
        "extra_float_digits" => settings.extra_float_digits = value.parse().unwrap(),
        _ => panic!("{name}"),
    }
    settings
}

#[test]
fn settings_change_the_text_form_as_in_postgresql() {
    let mut wrong = Vec::new();
    for row in rows(include_str!("../../../fixtures/styles.tsv")) {
        let [setting, type_name, literal, expected] = &row[..] else { panic!("{row:?}") };
        let settings = settings_with(setting);
        let info = type_named(type_name);
        let decoded = decode(info.repr, info.sql_name, Format::Text, literal.as_bytes(), &settings);
        let got = shown(decoded.and_then(|value| encoded(info, Format::Text, &value, &settings)), Format::Text);
        if got != *expected {
            wrong.push(format!("{setting} {type_name} {literal:?}: got {got:?}, expected {expected:?}"));
        }
    }
    assert_none(wrong);
}

#[test]
fn dates_of_every_year_sort_as_text() {
    let settings = FormatSettings::default();
    for (type_name, literals) in [
        (
            "date",
            &[
                "-infinity",
                "4713-11-24 BC",
                "0044-03-15 BC",
                "0044-03-16 BC",
                "0001-12-31 BC",
                "0001-01-01",
                "9999-12-31",
                "10000-01-01",
                "123456-02-03",
                "5874897-12-31",
                "infinity",
            ][..],
        ),
        (
            "timestamptz",
            &[
                "-infinity",
                "4713-11-24 00:00+00 BC",
                "0001-12-31 00:00+00 BC",
                "0001-12-31 00:00:00.5+00 BC",
                "2000-01-01 00:00+00",
                "10000-01-01 00:00+00",
                "294276-12-31 23:59:59.999999+00",
                "infinity",
            ],
        ),
    ] {
        let info = type_named(type_name);
        let stored: Vec<_> = literals
            .iter()
            .map(|literal| {
                let decoded = decode(info.repr, info.sql_name, Format::Text, literal.as_bytes(), &settings);
                let Ok(Value::Text(stored)) = decoded else { panic!("{literal}: {decoded:?}") };
                stored
            })
            .collect();
        assert!(stored.is_sorted(), "{stored:?}");
        assert_eq!(stored.iter().collect::<std::collections::HashSet<_>>().len(), stored.len(), "{stored:?}");
    }
}

#[test]
fn binary_lengths_are_checked() {
    let settings = FormatSettings::default();
    for (type_name, bytes, code) in [
        ("int4", &[0u8, 0][..], SqlState::PROTOCOL_VIOLATION),
        ("int4", &[0; 5], SqlState::INVALID_BINARY_REPRESENTATION),
        ("uuid", &[0; 15], SqlState::PROTOCOL_VIOLATION),
        ("jsonb", &[2, b'1'], SqlState::INTERNAL_ERROR),
        ("text", &[0xff], SqlState::CHARACTER_NOT_IN_REPERTOIRE),
        ("text", &[b'a', 0], SqlState::CHARACTER_NOT_IN_REPERTOIRE),
        ("_int4", &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 25, 0, 0, 0, 1, 0, 0, 0, 1], SqlState::DATATYPE_MISMATCH),
        ("xml", b"\x08", SqlState(*b"2200N")),
        ("_xml", &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 142, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 8], SqlState(*b"2200N")),
        ("_int4", &[0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 23], SqlState::PROGRAM_LIMIT_EXCEEDED),
    ] {
        let info = type_named(type_name);
        let error = decode(info.repr, info.sql_name, Format::Binary, bytes, &settings).unwrap_err();
        assert_eq!(error.code(), code, "{type_name} {bytes:?}: {error}");
    }
}

/// A small generator of pseudo-random numbers (splitmix64), so that failures repeat.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// Changes a few bytes: replaces, removes, doubles.
fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    const INTERESTING: &[u8] = b"0123456789-+:./{}[],\"\\ eEnNtTzZPaY\x00\xff\x80\x7f\x01";
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        match random.below(4) {
            0 if at < bytes.len() => bytes[at] = random.next() as u8,
            1 if at < bytes.len() => drop(bytes.remove(at)),
            2 => bytes.insert(at, INTERESTING[random.below(INTERESTING.len())]),
            _ => {
                let tail = bytes[at..].to_vec();
                bytes.extend_from_slice(&tail[..tail.len().min(12)]);
            }
        }
    }
}

#[test]
fn no_input_makes_decoding_panic_and_what_is_read_can_be_written() {
    let settings = FormatSettings::default();
    let mut random = Random(15);
    for row in rows(include_str!("../../../fixtures/encodings.tsv")) {
        let [type_name, literal, _, binary] = &row[..] else { panic!("{row:?}") };
        for (format, seed) in [(Format::Text, literal.clone().into_bytes()), (Format::Binary, unhex(binary))] {
            for _ in 0..60 {
                let mut bytes = seed.clone();
                mutate(&mut bytes, &mut random);
                check_decoded(type_named(type_name), format, &bytes, &settings);
            }
        }
    }
}

#[test]
fn now_is_when_the_transaction_started() {
    let time_zone = time_zone::lookup("America/New_York").unwrap();
    let settings = FormatSettings { time_zone, ..FormatSettings::default() };
    // 2024-03-01 03:00:00.000005 UTC, which is still February in New York.
    settings.transaction_start.set(1_709_262_000_000_005);
    for (type_name, literal, expected) in [
        ("timestamptz", "now", "2024-03-01 03:00:00.000005+00"),
        ("timestamp", "now", "2024-02-29 22:00:00.000005"),
        ("date", "today", "2024-02-29"),
        ("date", "tomorrow", "2024-03-01"),
        ("timestamptz", "yesterday noon", "!"),
        ("timestamp", "yesterday 12:00", "2024-02-28 12:00:00"),
        ("time", "now", "22:00:00.000005"),
        ("timetz", "now", "22:00:00.000005-05"),
    ] {
        let info = type_named(type_name);
        match decode(info.repr, info.sql_name, Format::Text, literal.as_bytes(), &settings) {
            Ok(value) => assert_eq!(value, Value::Text(expected.to_owned()), "{type_name} {literal}"),
            Err(_) => assert_eq!(expected, "!", "{type_name} {literal}"),
        }
    }
}

#[test]
fn small_numbers_are_read_at_sight() {
    let read = |text: &str| small_number(Repr::scalar(Scalar::Int4), Format::Text, text.as_bytes());
    let numbers = [("0", 0), ("-7", -7), ("007", 7), ("999999999", 999_999_999), ("-0", 0)];
    for (text, number) in numbers {
        assert_eq!(read(text), Some(Value::Integer(number)), "{text}");
    }
    for other in ["", "-", "+1", " 1", "1e3", "1234567890", "0x1f", "--1"] {
        assert_eq!(read(other), None, "{other}");
    }
    assert_eq!(small_number(Repr::scalar(Scalar::Int2), Format::Text, b"1"), None);
    assert_eq!(small_number(Repr::scalar(Scalar::Int4), Format::Binary, b"1111"), None);
}
