//! System information functions about the server, its roles and its sizes: encodings, pg_size_pretty.
//!
//! Specification: functions-info.html, functions-admin.html; messages as in acl.c and dbsize.c.

use std::sync::LazyLock;

use super::{Args, Definition, Output};
use crate::catalog::tables::server::timestamp;
use crate::catalog::tables::source::database_oid;
use crate::error::{Error, Result, SqlState};
use crate::types::charset;
use crate::types::numeric::Numeric;
use crate::types::pg_type::Oid;

/// The functions of this area.
#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::stable("pg_get_userbyid", 1, user_by_id),
    Definition::pure("pg_encoding_to_char", 1, |a| Ok(encoding_name(a.int(0)?).into())),
    Definition::pure("pg_char_to_encoding", 1, |a| Ok(encoding_number(&a.text(0)?).into())),
    Definition::stable("pg_client_encoding", 0, |a| a.slot().with_session(|s| Ok(s.settings.show("client_encoding")?.into()))),
    Definition::stable("pg_postmaster_start_time", 0, |_| Ok(STARTED.clone().into())),
    Definition::pure("pg_size_pretty_int8", 1, |a| Ok(size_pretty(a.int(0)?.into()).into())),
    Definition::pure("pg_size_pretty_numeric", 1, |a| {
        let text = a.text(0)?;
        if matches!(&*text, "NaN" | "Infinity" | "-Infinity") {
            return Ok(format!("{text} PB").into());
        }
        // Below the first limit the fraction stays; a number too large for the type is beyond all units.
        match text.split('.').next().unwrap_or_default().parse::<i128>() {
            Ok(whole) if whole.abs() < LIMIT => Ok(format!("{text} bytes").into()),
            Ok(whole) => Ok(size_pretty(whole).into()),
            Err(_) if text.len() > 20 => Err(Error::unsupported("pg_size_pretty of a number as large as that")),
            Err(_) => Ok(format!("{text} bytes").into()),
        }
    }),
    Definition::pure("pg_size_bytes", 1, size_bytes),
    Definition::stable("pg_database_is_current", 1, database_is_current),
];

/// When the process began to serve, as a stored timestamptz.
static STARTED: LazyLock<String> = LazyLock::new(|| timestamp(jiff::Timestamp::now().as_microsecond()));

/// Notes the time the server started at; called when the first connection is made.
pub(super) fn note_start() {
    LazyLock::force(&STARTED);
}

/// The name of the role with that OID.
fn role_name(args: &Args<'_>, oid: i64) -> Result<Option<String>> {
    let oid = Oid(u32::try_from(oid).unwrap_or_default());
    args.slot().with_session(|session| Ok(session.roles().get(oid).map(|role| role.name)))
}

fn user_by_id(args: &Args<'_>) -> Result<Output> {
    let oid = args.int(0)?;
    Ok(role_name(args, oid)?.unwrap_or_else(|| format!("unknown (OID={oid})")).into())
}

fn encoding_name(number: i64) -> &'static str {
    usize::try_from(number).ok().and_then(charset::numbered).map_or("", |charset| charset.name)
}

fn encoding_number(name: &str) -> i64 {
    charset::number_of(name).and_then(|number| i64::try_from(number).ok()).unwrap_or(-1)
}

/// Whether a database, by name or OID, is the current one.
fn database_is_current(args: &Args<'_>) -> Result<Output> {
    let current = args.slot().with_session(|s| Ok(s.database.clone()))?;
    Ok(match args.raw(0) {
        rusqlite::types::ValueRef::Integer(oid) => oid == i64::from(database_oid(&current).0),
        _ => args.text(0)? == current,
    }
    .into())
}

/// Up to which number of a unit the next one is not used.
const LIMIT: i128 = 10 * 1024;

/// pg_size_pretty's units: name, the size up to which the unit before is used, rounded or not.
const UNITS: &[&str] = &["bytes", "kB", "MB", "GB", "TB", "PB"];

/// A size in the largest unit in which it is below 10,240 (20,480 half units), rounded half away from zero.
fn size_pretty(mut size: i128) -> String {
    for (i, unit) in UNITS.iter().enumerate() {
        // From kB on the number carries one more bit, which is rounded off when it is printed.
        let limit = if i == 0 { LIMIT } else { LIMIT * 2 - 1 };
        if size.abs() < limit || i + 1 == UNITS.len() {
            let shown = if i == 0 { size } else { (size + if size < 0 { -1 } else { 1 }) / 2 };
            return format!("{shown} {unit}");
        }
        // Towards the next unit: ten bits, of which one is kept.
        size /= if i == 0 { 1 << 9 } else { 1 << 10 };
    }
    String::new()
}

/// pg_size_bytes: "1.5 GB" to bytes.
fn size_bytes(args: &Args<'_>) -> Result<Output> {
    let text = args.text(0)?;
    let invalid = || Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("invalid size: \"{text}\""));
    let is_space = |c: char| c.is_ascii_whitespace() || c == '\x0b';
    let trimmed = text.trim_start_matches(is_space);
    let digits = |from: usize| trimmed[from..].bytes().take_while(u8::is_ascii_digit).count();
    let sign = usize::from(trimmed.starts_with(['+', '-']));
    let mut end = sign + digits(sign);
    let mut count = end - sign;
    if trimmed[end..].starts_with('.') {
        let after = digits(end + 1);
        count += after;
        end += 1 + after;
    }
    if count == 0 {
        return Err(invalid());
    }
    if trimmed[end..].starts_with(['e', 'E']) {
        let signed = end + 1 + usize::from(trimmed[end + 1..].starts_with(['+', '-']));
        let exponent = digits(signed);
        if exponent > 0 {
            end = signed + exponent;
        }
    }
    let (number, unit) = trimmed.split_at(end);
    let unit = unit.trim_matches(is_space);
    let mut value = Numeric::parse(number)?;
    if !unit.is_empty() {
        let place = UNITS.iter().position(|u| u.eq_ignore_ascii_case(unit)).ok_or_else(|| {
            invalid()
                .with_detail(format!("Invalid size unit: \"{unit}\"."))
                .with_hint("Valid units are \"bytes\", \"kB\", \"MB\", \"GB\", \"TB\", and \"PB\".")
        })?;
        value = value.mul(&Numeric::parse(&(1_i64 << (10 * place)).to_string())?)?;
    }
    Ok(value.to_i64()?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_as_postgresql_rounds_them() {
        // Recorded: select pg_size_pretty(n::bigint).
        for (size, expected) in [
            (0, "0 bytes"),
            (10239, "10239 bytes"),
            (10240, "10 kB"),
            (-10240, "-10 kB"),
            (10752, "11 kB"),
            (10485247, "10239 kB"),
            (10485248, "10 MB"),
            (1_234_567_890, "1177 MB"),
            (i64::MAX, "8192 PB"),
        ] {
            assert_eq!(size_pretty(i128::from(size)), expected, "{size}");
        }
    }
}
