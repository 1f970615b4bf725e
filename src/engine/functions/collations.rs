//! The collations under which SQLite compares and sorts stored values as PostgreSQL does (`Repr::collation`).
//!
//! A collation cannot fail: what is not a value of its type (a file that others wrote) sorts before all that are, by
//! bytes.

use std::cmp::Ordering;

use icu_collator::options::{AlternateHandling, CaseLevel, CollatorOptions, MaxVariable, Strength};
use icu_collator::{Collator, CollatorBorrowed};
use icu_locale_core::Locale;
use rusqlite::Connection;
use rusqlite::types::Value as Packed;
use serde_json::Value;

use super::aggregate::unpack;
use super::jsonb;
use crate::error::{Error, Result};
use crate::types::array::{lower_bounds, split_bounds};
use crate::types::extension::Kind;
use crate::types::json;
use crate::types::numeric_wire;
use crate::types::order;
use crate::types::pg_type::{Oid, RangeOf, Repr, Scalar};
use crate::types::row_type::Order;
use crate::types::value::Value as Stored;

/// Registers the collations.
pub(super) fn register(connection: &Connection) -> Result<()> {
    for scalar in [
        Scalar::Numeric,
        Scalar::Interval,
        Scalar::TimeTz,
        Scalar::Inet,
        Scalar::Jsonb,
        Scalar::TsVector,
        Scalar::TsQuery,
    ] {
        register_both(connection, Repr::scalar(scalar))?;
    }
    for kind in Kind::COLLATED {
        register_both(connection, Repr::scalar(Scalar::Extension(*kind)))?;
    }
    for scalar in [Scalar::Text, Scalar::BpChar] {
        register_array(connection, Repr::scalar(scalar))?;
    }
    for subtype in RANGED {
        register_both(connection, Repr::scalar(Scalar::Range(RangeOf { subtype: *subtype, discrete: false })))?;
    }
    register_one(connection, "pg_packed", compare_packed)?;
    // Those of rows are made when they are needed: their names say how.
    connection.collation_needed(register_rows).map_err(|error| super::registration_failed("collations", &error))
}

/// The collation "pg_row(…)" or "pg_row[…]".
fn register_rows(connection: &Connection, name: &str) -> rusqlite::Result<()> {
    if let Some(locale) = name.strip_prefix("icu:") {
        return register_locale(connection, name, locale);
    }
    let Some(order) = name.strip_prefix("pg_row").and_then(Order::parse) else { return Ok(()) };
    connection.create_collation(
        name,
        move |a: &str, b: &str| {
            if a == b { Ordering::Equal } else { compare_ordered(&order, a, b) }
        },
    )
}

/// The collation "icu:LOCALE": by the locale's rules, and what they find equal by bytes (ucol_strcollUTF8 and the tie
/// break of varstr_cmp).
fn register_locale(connection: &Connection, name: &str, locale: &str) -> rusqlite::Result<()> {
    let Ok(collator) = collator(locale) else { return Ok(()) };
    connection.create_collation(name, move |a: &str, b: &str| match a == b {
        true => Ordering::Equal,
        false => collator.compare(a, b).then_with(|| a.cmp(b)),
    })
}

/// Values of a keyword as ICU wrote them of old, and as language tags have them.
type Values = &'static [(&'static str, &'static str)];

/// ICU's keywords of old (`de@collation=phonebook`), and what they are called in language tags, with their values.
const KEYWORDS: &[(&str, &str, Values)] = &[
    ("collation", "co", &[("phonebook", "phonebk"), ("traditional", "trad"), ("dictionary", "dict")]),
    ("colstrength", "ks", LEVELS),
    ("colalternate", "ka", &[("non-ignorable", "noignore")]),
    ("colcaselevel", "kc", YES_NO),
    ("colcasefirst", "kf", &[("no", "false")]),
    ("colnumeric", "kn", YES_NO),
    ("colnormalization", "kk", YES_NO),
];
const YES_NO: Values = &[("yes", "true"), ("no", "false")];
const LEVELS: Values =
    &[("primary", "level1"), ("secondary", "level2"), ("tertiary", "level3"), ("quaternary", "level4")];

/// A locale as ICU writes them, as a language tag.
fn language_tag(locale: &str) -> Option<String> {
    let (language, keywords) = locale.split_once('@').unwrap_or((locale, ""));
    let mut tag = language.replace('_', "-");
    if tag.is_empty() || tag.eq_ignore_ascii_case("root") {
        tag = "und".to_owned();
    }
    let mut separator = if tag.contains("-u-") { "-" } else { "-u-" };
    for keyword in keywords.split(';').filter(|keyword| !keyword.is_empty()) {
        let (name, value) = keyword.split_once('=')?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().to_ascii_lowercase());
        let (_, key, values) = KEYWORDS.iter().find(|(of_old, key, _)| *of_old == name || *key == name)?;
        let value = values.iter().find(|(of_old, _)| *of_old == value).map_or(value.as_str(), |(_, new)| new);
        tag.push_str(&format!("{separator}{key}-{value}"));
        separator = "-";
    }
    Some(tag)
}

/// What orders by a locale, if it asks for nothing that is not here.
fn collator(locale: &str) -> std::result::Result<CollatorBorrowed<'static>, String> {
    let refused = |what: &str| format!("a collation of the locale \"{locale}\": {what}");
    let tag = language_tag(locale).ok_or_else(|| refused("its keywords"))?;
    let parsed: Locale = tag.parse().map_err(|_| refused("its name"))?;
    let mut options = CollatorOptions::default();
    for (key, value) in parsed.extensions.unicode.keywords.iter() {
        let value = value.to_string();
        let unknown = || refused(&format!("{}-{value}", key.as_str()));
        match (key.as_str(), value.as_str()) {
            // Those that the collator takes from the locale by itself; normalization it always does.
            ("co" | "kf" | "kn", _) | ("kk", _) => {}
            ("ks", level) => {
                options.strength = Some(match level {
                    "level1" => Strength::Primary,
                    "level2" => Strength::Secondary,
                    "level3" => Strength::Tertiary,
                    "level4" => Strength::Quaternary,
                    "identic" => Strength::Identical,
                    _ => return Err(unknown()),
                });
            }
            ("ka", "shifted") => options.alternate_handling = Some(AlternateHandling::Shifted),
            ("ka", "noignore") => options.alternate_handling = Some(AlternateHandling::NonIgnorable),
            ("kc", "" | "true") => options.case_level = Some(CaseLevel::On),
            ("kc", "false") => options.case_level = Some(CaseLevel::Off),
            ("kv", variable) => {
                options.max_variable = Some(match variable {
                    "space" => MaxVariable::Space,
                    "punct" => MaxVariable::Punctuation,
                    "symbol" => MaxVariable::Symbol,
                    "currency" => MaxVariable::Currency,
                    _ => return Err(unknown()),
                });
            }
            // Of what is no matter of order.
            ("kb", "false") => {}
            ("kb" | "kh" | "kr" | "vt", _) => return Err(unknown()),
            _ => {}
        }
    }
    Collator::try_new((&parsed).into(), options).map_err(|error| refused(&error.to_string()))
}

/// 0A000 for a locale whose order is not known here.
pub(crate) fn is_known_locale(locale: &str) -> Result<()> {
    collator(locale).map(|_| ()).map_err(Error::unsupported)
}

/// How texts that are stored arrays or rows compare.
fn compare_ordered(order: &Order, a: &str, b: &str) -> Ordering {
    match order {
        Order::Scalar(scalar) => compare_text(*scalar, a, b),
        Order::Array(element) => compare_arrays(a, b, &|a, b| compare_parts(element, a, b)),
        Order::Row(fields) => {
            let parse = |text: &str| serde_json::from_str::<Vec<Value>>(text).ok();
            order::read(a, b, parse, |a, b| compare_rows(fields, a, b))
        }
    }
}

/// Field by field (record_cmp). Places behind the last field belong to attributes that this order does not know: they
/// only tell rows apart.
fn compare_rows(fields: &[Option<Order>], a: &[Value], b: &[Value]) -> Ordering {
    let place = |row: &[Value], index: usize| row.get(index).cloned().unwrap_or(Value::Null);
    let known = fields.iter().enumerate().filter_map(|(index, field)| {
        let order = field.as_ref()?;
        Some(compare_parts(order, &place(a, index), &place(b, index)))
    });
    let others = (fields.len()..a.len().max(b.len()))
        .map(|index| compare_elements(Scalar::Text, &place(a, index), &place(b, index)));
    known.chain(others).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// Fields of rows and elements of arrays of them: NULL last.
fn compare_parts(order: &Order, a: &Value, b: &Value) -> Ordering {
    match (order, a, b) {
        (Order::Scalar(scalar), a, b) => compare_elements(*scalar, a, b),
        (order, Value::String(a), Value::String(b)) => compare_ordered(order, a, b),
        (_, a, b) => compare_elements(Scalar::Text, a, b),
    }
}

/// One subtype for each collation of ranges.
const RANGED: &[Oid] =
    &[Oid::INT8, Oid::FLOAT8, Oid::NUMERIC, Oid::INTERVAL, Oid::TIMETZ, Oid::INET, Oid::BPCHAR, Oid::TEXT];

/// A scalar's collation, and that of arrays of it.
fn register_both(connection: &Connection, repr: Repr) -> Result<()> {
    let scalar = repr.scalar;
    if let Some(name) = repr.collation() {
        register_one(connection, name, move |a: &str, b: &str| compare_text(scalar, a, b))?;
    }
    register_array(connection, repr)
}

fn register_array(connection: &Connection, Repr { scalar, .. }: Repr) -> Result<()> {
    match Repr::array(Oid::INVALID, scalar).collation() {
        Some(name) => register_one(connection, name, move |a: &str, b: &str| {
            compare_arrays(a, b, &|a, b| compare_elements(scalar, a, b))
        }),
        None => Ok(()),
    }
}

fn register_one(
    connection: &Connection,
    name: &str,
    compare: impl Fn(&str, &str) -> Ordering + Send + 'static,
) -> Result<()> {
    connection
        .create_collation(name, move |a: &str, b: &str| if a == b { Ordering::Equal } else { compare(a, b) })
        .map_err(|error| super::registration_failed(name, &error))
}

/// How texts that are stored values of this type compare.
fn compare_text(scalar: Scalar, a: &str, b: &str) -> Ordering {
    match scalar {
        Scalar::Jsonb => order::read(a, b, |text| json::parse(text).ok(), jsonb::compare_whole),
        _ => order::compare_text(scalar, a, b),
    }
}

/// How two stored values of one type compare; NULL is greater than all.
pub(crate) fn compare_values(repr: Repr, a: &Stored, b: &Stored) -> Ordering {
    match (a, b) {
        (Stored::Null, Stored::Null) => Ordering::Equal,
        (Stored::Null, _) => Ordering::Greater,
        (_, Stored::Null) => Ordering::Less,
        (Stored::Text(a), Stored::Text(b)) if repr.array_of.is_some() => {
            compare_arrays(a, b, &|a, b| compare_elements(repr.scalar, a, b))
        }
        (Stored::Text(a), Stored::Text(b)) => compare_stored(repr.scalar, a, b),
        (Stored::Integer(a), Stored::Integer(b)) => a.cmp(b),
        (Stored::Real(a), Stored::Real(b)) => a.partial_cmp(b).unwrap_or(Ordering::Equal),
        (Stored::Integer(a), Stored::Real(b)) => (*a as f64).partial_cmp(b).unwrap_or(Ordering::Equal),
        (Stored::Real(a), Stored::Integer(b)) => a.partial_cmp(&(*b as f64)).unwrap_or(Ordering::Equal),
        (Stored::Blob(a), Stored::Blob(b)) => a.cmp(b),
        // NaN is a text among numbers, a number of more than 63 bits too.
        (Stored::Text(_) | Stored::Blob(_), _) => Ordering::Greater,
        (_, Stored::Text(_) | Stored::Blob(_)) => Ordering::Less,
    }
}

/// How stored values that are texts compare, rows among them.
fn compare_stored(scalar: Scalar, a: &str, b: &str) -> Ordering {
    match scalar {
        Scalar::Row(row) => compare_ordered(&Order::of_row(row), a, b),
        scalar => compare_text(scalar, a, b),
    }
}

/// What `pg_pack` made: argument by argument, each by its type's order; NULL last.
fn compare_packed(a: &str, b: &str) -> Ordering {
    order::read(
        a,
        b,
        |text| unpack(text).ok(),
        |a, b| {
            let pairs = a.iter().zip(b).map(|((info, a), (_, b))| match (a, b) {
                (Packed::Text(a), Packed::Text(b)) => match info.is_array() {
                    true => compare_ordered(&Order::of(info), a, b),
                    false => compare_stored(info.repr.scalar, a, b),
                },
                (Packed::Null, Packed::Null) => Ordering::Equal,
                (Packed::Null, _) => Ordering::Greater,
                (_, Packed::Null) => Ordering::Less,
                (Packed::Integer(a), Packed::Integer(b)) => a.cmp(b),
                (Packed::Real(a), Packed::Real(b)) => a.partial_cmp(b).unwrap_or(Ordering::Equal),
                (Packed::Blob(a), Packed::Blob(b)) => a.cmp(b),
                // NaN is a text among numbers.
                (Packed::Text(_), _) => Ordering::Greater,
                (_, Packed::Text(_)) => Ordering::Less,
                _ => Ordering::Equal,
            });
            pairs.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        },
    )
}

/// Element by element; then the array with fewer elements is less, with fewer dimensions, and with the smaller first
/// dimension that differs (array_cmp).
fn compare_arrays(a: &str, b: &str, compare: &dyn Fn(&Value, &Value) -> Ordering) -> Ordering {
    let parse = |text: &str| serde_json::from_str::<Value>(split_bounds(text).1).ok();
    let (bounds, others) = (split_bounds(a).0.is_some() || split_bounds(b).0.is_some(), (a, b));
    order::read(a, b, parse, |a, b| {
        let (mut left, mut right) = (Vec::new(), Vec::new());
        flatten(a, &mut left);
        flatten(b, &mut right);
        let elements = left.iter().zip(&right).map(|(a, b)| compare(a, b));
        let (a_lengths, b_lengths) = (lengths(a), lengths(b));
        (elements.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal))
            .then_with(|| left.len().cmp(&right.len()))
            .then_with(|| a_lengths.len().cmp(&b_lengths.len()))
            .then_with(|| a_lengths.cmp(&b_lengths))
            .then_with(|| match bounds {
                true => {
                    let of = |text| lower_bounds(text, a_lengths.len());
                    of(others.0).cmp(&of(others.1))
                }
                false => Ordering::Equal,
            })
    })
}

fn flatten<'v>(value: &'v Value, out: &mut Vec<&'v Value>) {
    match value {
        Value::Array(elements) => elements.iter().for_each(|element| flatten(element, out)),
        element => out.push(element),
    }
}

fn lengths(mut value: &Value) -> Vec<usize> {
    let mut lengths = Vec::new();
    while let Value::Array(elements) = value {
        lengths.push(elements.len());
        let Some(first) = elements.first() else { break };
        value = first;
    }
    lengths
}

/// Two elements of an array by their type's order, NULL last. Numbers and booleans tell their order, as do infinities
/// and NaN, which are strings among numbers; other strings are compared as texts.
pub(super) fn compare_elements(scalar: Scalar, a: &Value, b: &Value) -> Ordering {
    let below_numbers = |value: &Value| value.as_str().is_some_and(|text| text.starts_with('-'));
    match (a, b) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Greater,
        (_, Value::Null) => Ordering::Less,
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => compare_numbers(a, b),
        (Value::String(a), Value::String(b)) => compare_stored(scalar, a, b),
        (Value::Number(_), other) => {
            if below_numbers(other) {
                Ordering::Greater
            } else {
                Ordering::Less
            }
        }
        (other, Value::Number(_)) => {
            if below_numbers(other) {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
        _ => a.to_string().cmp(&b.to_string()),
    }
}

fn compare_numbers(a: &serde_json::Number, b: &serde_json::Number) -> Ordering {
    match (a.as_i64(), b.as_i64()) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => numeric_wire::compare_text(&a.to_string(), &b.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::functions::tests::assert_values;

    #[test]
    fn collations_order_like_postgresql() {
        assert_values(&[
            ("'9.50' < '10' COLLATE pg_numeric", "1"),
            ("'1.0' = '1.00' COLLATE pg_numeric", "1"),
            ("'NaN' > '1e5' COLLATE pg_numeric", "1"),
            ("'1 mon' = '30 days' COLLATE pg_interval", "1"),
            ("'1 day' < '25:00:00' COLLATE pg_interval", "1"),
            ("'[2]' < '[10]' COLLATE pg_array", "1"),
            ("'[1,null]' > '[1,5,7]' COLLATE pg_array", "1"),
            ("'[1]' < '[1,1]' COLLATE pg_array", "1"),
            ("'[1,2]' < '[[1,2]]' COLLATE pg_array", "1"),
            ("'[[1,2]]' < '[[1],[2]]' COLLATE pg_array", "1"),
            ("'[\"-Infinity\"]' < '[-5.0]' COLLATE pg_array", "1"),
            ("'[\"NaN\"]' > '[5.0]' COLLATE pg_array", "1"),
            ("'[\"10\"]' > '[\"9.0\"]' COLLATE pg_numeric_array", "1"),
            ("'[\"1.0\"]' = '[\"1\"]' COLLATE pg_numeric_array", "1"),
            ("'[\"24:00:00\"]' = '[\"1 day\"]' COLLATE pg_interval_array", "1"),
            ("'[\"{\\\"a\\\": 1}\"]' = '[\"{\\\"a\\\": 1.0}\"]' COLLATE pg_jsonb_array", "1"),
            ("'10.0.0.11' > '10.0.0.3' COLLATE pg_network", "1"),
            ("'::1' > '255.0.0.0/8' COLLATE pg_network", "1"),
            ("'10.0.0.0/8' < '10.0.0.0/9' COLLATE pg_network", "1"),
            ("'10.0.0.1/32' = '10.0.0.1' COLLATE pg_network", "1"),
            ("'[\"10.0.0.11\"]' > '[\"10.0.0.3\"]' COLLATE pg_network_array", "1"),
            ("'1.0' = '1' COLLATE pg_jsonb", "1"),
            ("'\"b\"' > '\"a\"' COLLATE pg_jsonb", "1"),
            ("pg_pack('numeric,text', '1.0', 'a') = pg_pack('numeric,text', '1.00', 'a') COLLATE pg_packed", "1"),
            ("pg_pack('_numeric', '[\"9\"]') < pg_pack('_numeric', '[\"10\"]') COLLATE pg_packed", "1"),
            ("pg_pack('float8', 0.0) = pg_pack('float8', -0.0) COLLATE pg_packed", "1"),
            ("'00:00:00+01' > '00:00:00+02' COLLATE pg_timetz", "1"),
        ]);
    }
}
