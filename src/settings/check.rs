//! What must hold for the values of particular variables, beyond their kind (guc.c's check hooks), and their canonical
//! forms.
//!
//! Owns: the [`Check`]s named in `settings::table`. Must not know: sessions.
//! Specification: runtime-config-client.html, and the SQLSTATEs and wording PostgreSQL 15 answers.

use crate::error::{Error, SqlState};
use crate::settings::variable::{Setting, invalid};
use crate::types::charset;
use crate::types::format::{DateOrder, DateStyle};
use crate::types::text_search::configuration;
use crate::types::time_zone;

/// Takes the value as text and as parsed; gives the value to keep.
pub type Check = fn(&str, Setting) -> Result<Setting, Refusal>;

/// Why a value is refused.
#[derive(Debug, PartialEq)]
pub enum Refusal {
    /// 22023 `invalid value for parameter …`, with DETAIL.
    Invalid(Option<String>),
    /// 0A000 `invalid value for parameter …`, with DETAIL.
    Unsupported(String),
    /// An error of its own.
    Own(Error),
}

impl Refusal {
    /// The error, for a value of that variable.
    pub fn into_error(self, name: &str, value: &str) -> Error {
        match self {
            Refusal::Invalid(None) => invalid(name, value, None),
            Refusal::Invalid(Some(detail)) => invalid(name, value, None).with_detail(detail),
            Refusal::Unsupported(detail) => {
                Error::new(SqlState::FEATURE_NOT_SUPPORTED, invalid(name, value, None).message().to_owned())
                    .with_detail(detail)
            }
            Refusal::Own(error) => error,
        }
    }
}

fn keep(text: impl AsRef<str>) -> Result<Setting, Refusal> {
    Ok(Setting::Text(text.as_ref().into()))
}

/// Everything but printable ASCII becomes question marks, byte by byte; 63 bytes are kept.
pub fn application_name(text: &str, _: Setting) -> Result<Setting, Refusal> {
    let clean = text.bytes().map(|b| if (b' '..=b'~').contains(&b) { char::from(b) } else { '?' });
    keep(clean.take(63).collect::<String>())
}

/// client_encoding: one from and to which text can be converted.
pub fn client_encoding(text: &str, _: Setting) -> Result<Setting, Refusal> {
    match charset::named(text) {
        Some(charset) if charset.is_known() => keep(charset.name),
        Some(other) => {
            Err(Refusal::Unsupported(format!("Conversion between {} and UTF8 is not supported.", other.name)))
        }
        None => Err(Refusal::Invalid(None)),
    }
}

/// server_version: a number, and what may be said after it.
pub fn server_version(text: &str, value: Setting) -> Result<Setting, Refusal> {
    match version_number(text) {
        0 => Err(Refusal::Invalid(None)),
        _ => Ok(value),
    }
}

/// server_version_num: 150003 for "15.3", 130000 for "13.0 (pgserver)", 0 for what is no version.
pub fn version_number(version: &str) -> i64 {
    let number = version.split(|c: char| !c.is_ascii_digit() && c != '.').next().unwrap_or("");
    let mut parts = number.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let (major, minor) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    i64::from(major.min(999)) * 10_000 + i64::from(minor.min(9_999))
}

/// DateStyle's two parts, from its text, where it names them.
pub fn read_date_style(text: &str) -> Result<(Option<DateStyle>, Option<DateOrder>), Refusal> {
    let (mut style, mut order, mut implied) = (None, None, None);
    for word in text.split(',').map(|w| w.trim().trim_matches('"').to_ascii_lowercase()) {
        let (new_style, new_order) = match word.as_str() {
            "iso" => (Some(DateStyle::Iso), None),
            "sql" => (Some(DateStyle::Sql), None),
            w if w.starts_with("postgres") => (Some(DateStyle::Postgres), None),
            "german" => {
                implied = Some(DateOrder::Dmy);
                (Some(DateStyle::German), None)
            }
            "ymd" => (None, Some(DateOrder::Ymd)),
            "dmy" => (None, Some(DateOrder::Dmy)),
            w if w.starts_with("euro") => (None, Some(DateOrder::Dmy)),
            "mdy" | "us" => (None, Some(DateOrder::Mdy)),
            w if w.starts_with("noneuro") => (None, Some(DateOrder::Mdy)),
            "default" => (style.is_none().then_some(DateStyle::Iso), order.is_none().then_some(DateOrder::Mdy)),
            _ => return Err(Refusal::Invalid(Some(format!("Unrecognized key word: \"{word}\".")))),
        };
        if conflict(style, new_style) || conflict(order, new_order) {
            return Err(Refusal::Invalid(Some("Conflicting \"datestyle\" specifications.".to_owned())));
        }
        (style, order) = (new_style.or(style), new_order.or(order));
    }
    Ok((style, order.or(implied)))
}

/// A DateStyle that names only one part keeps the other of the current one.
pub fn complete_date_style(text: &str, current: (DateStyle, DateOrder)) -> Option<String> {
    let (style, order) = read_date_style(text).ok()?;
    Some(show_date_style(style.unwrap_or(current.0), order.unwrap_or(current.1)))
}

fn conflict<T: PartialEq>(old: Option<T>, new: Option<T>) -> bool {
    matches!((old, new), (Some(old), Some(new)) if old != new)
}

/// How SHOW DateStyle prints the two parts.
fn show_date_style(style: DateStyle, order: DateOrder) -> String {
    let style = match style {
        DateStyle::Iso => "ISO",
        DateStyle::Sql => "SQL",
        DateStyle::Postgres => "Postgres",
        DateStyle::German => "German",
    };
    let order = match order {
        DateOrder::Mdy => "MDY",
        DateOrder::Dmy => "DMY",
        DateOrder::Ymd => "YMD",
    };
    format!("{style}, {order}")
}

/// DateStyle. `settings::session` completes a value that names only one part before it comes here.
pub fn date_style(text: &str, _: Setting) -> Result<Setting, Refusal> {
    let (style, order) = read_date_style(text)?;
    keep(show_date_style(style.unwrap_or_default(), order.unwrap_or_default()))
}

/// TimeZone: a name, hours east of Greenwich, or `INTERVAL '…'`. A POSIX rule keeps its text.
pub fn time_zone(text: &str, _: Setting) -> Result<Setting, Refusal> {
    let interval = time_zone::interval_setting(text);
    for (unit, count) in [("months", interval.as_ref().map(|i| i.months)), ("days", interval.as_ref().map(|i| i.days))]
    {
        if count.is_some_and(|count| count != 0) {
            return Err(Refusal::Invalid(Some(format!("Cannot specify {unit} in time zone interval."))));
        }
    }
    let is_number = interval.is_some() || text.trim().parse::<f64>().is_ok();
    let Some(zone) = time_zone::from_setting(text) else {
        let detail = is_number.then(|| "UTC timezone offset is out of range.".to_owned());
        return Err(Refusal::Invalid(detail));
    };
    // The names of UTC are one zone to the time zone library; SHOW tells them apart.
    let utc = ["UTC", "GMT", "Etc/UTC", "UCT", "Zulu"].into_iter().find(|name| name.eq_ignore_ascii_case(text));
    match (utc, zone.iana_name()) {
        (Some(name), _) => keep(name),
        (None, None) if !is_number => keep(text),
        _ => keep(time_zone::setting_name(&zone)),
    }
}

/// search_path: names separated by commas.
pub fn identifier_list(text: &str, value: Setting) -> Result<Setting, Refusal> {
    match split_identifiers(text) {
        Some(_) => Ok(value),
        None => Err(Refusal::Invalid(Some("List syntax is invalid.".to_owned()))),
    }
}

/// Splits names separated by commas; unquoted ones are folded to lower case (SplitIdentifierString).
pub fn split_identifiers(text: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut rest = text.trim_start();
    if rest.is_empty() {
        return Some(names);
    }
    loop {
        let (name, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_identifier(quoted)?,
            None => {
                let end = rest.find(|c: char| c == ',' || c.is_ascii_whitespace()).unwrap_or(rest.len());
                let (name, after) = rest.split_at(end);
                (name.to_lowercase(), after)
            }
        };
        // Only a quoted name may be empty.
        if name.is_empty() && !rest.starts_with('"') {
            return None;
        }
        names.push(name);
        let after = after.trim_start();
        match after.strip_prefix(',') {
            Some(next) => rest = next.trim_start(),
            None => return after.is_empty().then_some(names),
        }
    }
}

/// A quoted name up to its closing quote, and what follows.
fn quoted_identifier(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut rest = text;
    loop {
        let (part, after) = rest.split_once('"')?;
        name.push_str(part);
        match after.strip_prefix('"') {
            Some(more) => {
                name.push('"');
                rest = more;
            }
            None => return Some((name, after)),
        }
    }
}

/// lc_messages and its kin: the C locale and anything that looks like a locale's name; messages stay English.
pub fn locale(text: &str, value: Setting) -> Result<Setting, Refusal> {
    let language = text.split(['.', '@']).next().unwrap_or("");
    let known = match language.split_once('_') {
        Some((l, r)) => l.len() == 2 && r.len() == 2 && r.bytes().all(|b| b.is_ascii_uppercase()),
        None => matches!(language, "C" | "POSIX"),
    };
    if known { Ok(value) } else { Err(Refusal::Invalid(None)) }
}

/// default_tablespace: there are no tablespaces besides the two of every cluster.
pub fn tablespace(text: &str, value: Setting) -> Result<Setting, Refusal> {
    match text {
        "" | "pg_default" | "pg_global" => Ok(value),
        _ => Err(Refusal::Invalid(Some(format!("Tablespace \"{text}\" does not exist.")))),
    }
}

/// default_table_access_method.
pub fn table_access_method(text: &str, value: Setting) -> Result<Setting, Refusal> {
    match text {
        "heap" => Ok(value),
        _ => Err(Refusal::Invalid(Some(format!("Table access method \"{text}\" does not exist.")))),
    }
}

/// default_text_search_config.
pub fn text_search_config(text: &str, value: Setting) -> Result<Setting, Refusal> {
    match configuration::named(text) {
        Some(_) => Ok(value),
        None => Err(Refusal::Invalid(None)),
    }
}

/// A variable whose other values would change what statements mean in a way that is not supported.
pub fn must_be_on(_: &str, value: Setting) -> Result<Setting, Refusal> {
    match value {
        Setting::Boolean(true) => Ok(value),
        _ => Err(Refusal::Unsupported("Only \"on\" is supported.".to_owned())),
    }
}

/// As [`must_be_on`], for off.
pub fn must_be_off(_: &str, value: Setting) -> Result<Setting, Refusal> {
    match value {
        Setting::Boolean(false) => Ok(value),
        _ => Err(Refusal::Unsupported("Only \"off\" is supported.".to_owned())),
    }
}

/// default_with_oids: removed from PostgreSQL, off is still accepted.
pub fn with_oids(_: &str, value: Setting) -> Result<Setting, Refusal> {
    match value {
        Setting::Boolean(false) => Ok(value),
        _ => Err(Refusal::Own(Error::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            "tables declared WITH OIDS are not supported",
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_numbers() {
        for (version, number) in [("13.0", 130_000), ("15.3 (Debian)", 150_003), ("16", 160_000), ("x", 0)] {
            assert_eq!(version_number(version), number);
        }
    }
}
