//! What a session variable is: its kind, units and limits, and its values as text.
//!
//! Owns: [`Variable`], [`Setting`], parsing and showing one value with PostgreSQL's wording (guc.c). Must not know:
//! which variables there are (`settings::table`), sessions. Specification: config-setting.html.

use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::error::{Error, Result, SqlState};
use crate::settings::check::Check;
use crate::types::pg_type::Oid;

/// Who may change a variable, and when (pg_settings.context).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    Internal,
    Postmaster,
    Sighup,
    Backend,
    Superuser,
    User,
}

impl Context {
    /// The word in pg_settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Context::Internal => "internal",
            Context::Postmaster => "postmaster",
            Context::Sighup => "sighup",
            Context::Backend => "backend",
            Context::Superuser => "superuser",
            Context::User => "user",
        }
    }
}

/// The base unit of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    None,
    Bytes,
    Kilobytes,
    /// 8 kB blocks.
    Blocks,
    Megabytes,
    Milliseconds,
    Seconds,
    Minutes,
}

/// Units of memory in bytes, largest first.
const MEMORY_UNITS: &[(&str, f64)] =
    &[("TB", 1_099_511_627_776.0), ("GB", 1_073_741_824.0), ("MB", 1_048_576.0), ("kB", 1024.0), ("B", 1.0)];

/// Units of time in milliseconds, largest first.
const TIME_UNITS: &[(&str, f64)] =
    &[("d", 86_400_000.0), ("h", 3_600_000.0), ("min", 60_000.0), ("s", 1000.0), ("ms", 1.0), ("us", 0.001)];

impl Unit {
    /// The unit's name in pg_settings.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Unit::None => None,
            Unit::Bytes => Some("B"),
            Unit::Kilobytes => Some("kB"),
            Unit::Blocks => Some("8kB"),
            Unit::Megabytes => Some("MB"),
            Unit::Milliseconds => Some("ms"),
            Unit::Seconds => Some("s"),
            Unit::Minutes => Some("min"),
        }
    }

    /// The units that may be written, and this one's size in the measure of that table.
    fn table(self) -> Option<(&'static [(&'static str, f64)], f64)> {
        match self {
            Unit::None => None,
            Unit::Bytes => Some((MEMORY_UNITS, 1.0)),
            Unit::Kilobytes => Some((MEMORY_UNITS, 1024.0)),
            Unit::Blocks => Some((MEMORY_UNITS, 8192.0)),
            Unit::Megabytes => Some((MEMORY_UNITS, 1_048_576.0)),
            Unit::Milliseconds => Some((TIME_UNITS, 1.0)),
            Unit::Seconds => Some((TIME_UNITS, 1000.0)),
            Unit::Minutes => Some((TIME_UNITS, 60_000.0)),
        }
    }

    /// The hint of an error over an unknown unit.
    fn hint(self) -> Option<&'static str> {
        match self {
            Unit::None => None,
            Unit::Bytes | Unit::Kilobytes | Unit::Blocks | Unit::Megabytes => {
                Some("Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", and \"TB\".")
            }
            Unit::Milliseconds | Unit::Seconds | Unit::Minutes => {
                Some("Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", and \"d\".")
            }
        }
    }
}

/// The type of a variable's values, with limits and default.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Boolean { default: bool },
    Integer { default: i64, min: i64, max: i64, unit: Unit },
    Real { default: f64, min: f64, max: f64, unit: Unit },
    Enum { default: &'static str, values: &'static [&'static str] },
    Text { default: &'static str },
}

/// One session variable: a row of `settings::table`.
#[derive(Debug)]
pub struct Variable {
    pub name: &'static str,
    pub context: Context,
    pub kind: Kind,
    pub category: &'static str,
    pub description: &'static str,
    /// Changes are sent to the client in ParameterStatus.
    pub reported: bool,
    /// Not shown by SHOW ALL and pg_settings.
    pub hidden: bool,
    /// Whatever its context, a session may begin with another value: here, not in PostgreSQL.
    pub at_start: bool,
    /// What else must hold for a value; gives its canonical form.
    pub check: Option<Check>,
}

/// A variable's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    Boolean(bool),
    Integer(i64),
    Real(f64),
    Text(Arc<str>),
    /// A role: the name by which it was called, and who that was.
    Role(Oid, Arc<str>),
}

impl Setting {
    /// The memory behind it.
    pub fn bytes(&self) -> usize {
        if let Setting::Text(text) | Setting::Role(_, text) = self { text.len() } else { 0 }
    }
}

const fn row(
    name: &'static str,
    context: Context,
    kind: Kind,
    category: &'static str,
    description: &'static str,
) -> Variable {
    Variable {
        name,
        context,
        kind,
        category,
        description,
        reported: false,
        hidden: false,
        at_start: false,
        check: None,
    }
}

/// A row of kind bool.
pub const fn boolean(
    name: &'static str,
    context: Context,
    default: bool,
    category: &'static str,
    description: &'static str,
) -> Variable {
    row(name, context, Kind::Boolean { default }, category, description)
}

/// A row of kind integer.
pub const fn integer(
    name: &'static str,
    context: Context,
    default: i64,
    range: RangeInclusive<i64>,
    unit: Unit,
    category: &'static str,
    description: &'static str,
) -> Variable {
    let kind = Kind::Integer { default, min: *range.start(), max: *range.end(), unit };
    row(name, context, kind, category, description)
}

/// A row of kind real.
pub const fn real(
    name: &'static str,
    context: Context,
    default: f64,
    range: RangeInclusive<f64>,
    unit: Unit,
    category: &'static str,
    description: &'static str,
) -> Variable {
    let kind = Kind::Real { default, min: *range.start(), max: *range.end(), unit };
    row(name, context, kind, category, description)
}

/// A row of kind enum.
pub const fn choice(
    name: &'static str,
    context: Context,
    default: &'static str,
    values: &'static [&'static str],
    category: &'static str,
    description: &'static str,
) -> Variable {
    row(name, context, Kind::Enum { default, values }, category, description)
}

/// A row of kind string.
pub const fn text(
    name: &'static str,
    context: Context,
    default: &'static str,
    category: &'static str,
    description: &'static str,
) -> Variable {
    row(name, context, Kind::Text { default }, category, description)
}

impl Variable {
    /// The same, for a session to begin with.
    pub const fn at_start(mut self) -> Self {
        self.at_start = true;
        self
    }

    /// The same, reported to the client.
    pub const fn reported(mut self) -> Self {
        self.reported = true;
        self
    }

    /// The same, not listed.
    pub const fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    /// The same with a check.
    pub const fn checked(mut self, check: Check) -> Self {
        self.check = Some(check);
        self
    }

    /// The built-in default.
    pub fn default(&self) -> Setting {
        match self.kind {
            Kind::Boolean { default } => Setting::Boolean(default),
            Kind::Integer { default, .. } => Setting::Integer(default),
            Kind::Real { default, .. } => Setting::Real(default),
            Kind::Enum { default, .. } | Kind::Text { default } => Setting::Text(default.into()),
        }
    }

    /// Reads a value. `name` is how the client wrote the variable's name, which errors of form repeat.
    pub fn parse(&self, name: &str, value: &str) -> Result<Setting> {
        let parsed = match self.kind {
            Kind::Boolean { .. } => Setting::Boolean(parse_boolean(value).ok_or_else(|| {
                Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("parameter \"{name}\" requires a Boolean value"))
            })?),
            Kind::Integer { min, max, unit, .. } => {
                let number = parse_integer(value, unit).map_err(|hint| invalid(name, value, hint))?;
                if !(min..=max).contains(&number) {
                    return Err(out_of_range(name, &number.to_string(), &min.to_string(), &max.to_string(), unit));
                }
                Setting::Integer(number)
            }
            Kind::Real { min, max, unit, .. } => {
                let number = parse_real(value, unit).map_err(|hint| invalid(name, value, hint))?;
                if !(min..=max).contains(&number) {
                    let (number, min, max) = (show_real(number), show_real(min), show_real(max));
                    return Err(out_of_range(name, &number, &min, &max, unit));
                }
                Setting::Real(number)
            }
            Kind::Enum { values, .. } => Setting::Text(parse_choice(name, value, values)?.into()),
            Kind::Text { .. } => Setting::Text(value.into()),
        };
        match self.check {
            None => Ok(parsed),
            Some(check) => check(&self.show(&parsed), parsed).map_err(|refusal| refusal.into_error(self.name, value)),
        }
    }

    /// A value as SHOW prints it, in the largest unit that divides it.
    pub fn show(&self, value: &Setting) -> String {
        let unit = match self.kind {
            Kind::Integer { unit, .. } | Kind::Real { unit, .. } => unit,
            _ => Unit::None,
        };
        let (base, unit_table) = match (value, unit.table()) {
            (Setting::Integer(i), Some(table)) if *i > 0 => (*i as f64, table),
            (Setting::Real(r), Some(table)) if *r > 0.0 => (*r, table),
            _ => return self.show_plain(value),
        };
        let (units, own) = unit_table;
        let amount = base * own;
        let whole = |size: f64| {
            let count = amount / size;
            (count >= 1.0 && (count - count.round()).abs() < 1e-8 * count).then(|| count.round())
        };
        match units.iter().find_map(|(name, size)| whole(*size).map(|count| (name, count))) {
            Some((name, count)) => format!("{count}{name}"),
            None => self.show_plain(value),
        }
    }

    /// A value without unit, as pg_settings.setting has it.
    pub fn show_plain(&self, value: &Setting) -> String {
        match value {
            Setting::Boolean(true) => "on".to_owned(),
            Setting::Boolean(false) => "off".to_owned(),
            Setting::Integer(i) => i.to_string(),
            Setting::Real(r) => show_real(*r),
            Setting::Text(t) | Setting::Role(_, t) => t.to_string(),
        }
    }
}

/// 22023 `invalid value for parameter "name": "value"`.
pub fn invalid(name: &str, value: &str, hint: Option<&str>) -> Error {
    let error =
        Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("invalid value for parameter \"{name}\": \"{value}\""));
    match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

fn out_of_range(name: &str, value: &str, min: &str, max: &str, unit: Unit) -> Error {
    let unit = unit.name().map_or(String::new(), |unit| format!(" {unit}"));
    Error::new(
        SqlState::INVALID_PARAMETER_VALUE,
        format!("{value}{unit} is outside the valid range for parameter \"{name}\" ({min} .. {max})"),
    )
}

/// A boolean as PostgreSQL reads it: unique prefixes of true, false, yes, no, on, off, or 0 and 1.
pub fn parse_boolean(value: &str) -> Option<bool> {
    let lower = value.to_ascii_lowercase();
    let prefix_of = |word: &str, least: usize| lower.len() >= least && word.starts_with(&lower);
    match lower.as_str() {
        "1" => Some(true),
        "0" => Some(false),
        "on" => Some(true),
        _ if prefix_of("true", 1) || prefix_of("yes", 1) => Some(true),
        _ if prefix_of("false", 1) || prefix_of("no", 1) || prefix_of("off", 2) => Some(false),
        _ => None,
    }
}

/// One of an enum's words, in any case. Where on and off are among them the other words for these are too.
fn parse_choice(name: &str, value: &str, values: &[&'static str]) -> Result<&'static str> {
    let has = |wanted: &str| values.iter().find(|v| v.eq_ignore_ascii_case(wanted)).copied();
    let switch = match value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => has("on"),
        "false" | "no" | "0" => has("off"),
        // Accepted by PostgreSQL without being in its list of available values.
        "debug" => has("debug2"),
        "info" => has("notice").map(|_| "info"),
        _ => None,
    };
    has(value)
        .or(switch)
        .ok_or_else(|| invalid(name, value, Some(&format!("Available values: {}.", values.join(", ")))))
}

type Hint = Option<&'static str>;

fn parse_integer(value: &str, unit: Unit) -> Result<i64, Hint> {
    let number = parse_real(value, unit)?.round_ties_even();
    if !(f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&number) {
        return Err(Some("Value exceeds integer range."));
    }
    Ok(number as i64)
}

fn parse_real(value: &str, unit: Unit) -> Result<f64, Hint> {
    let trimmed = value.trim_start();
    let (number, rest) = leading_number(trimmed).ok_or(None)?;
    let suffix = rest.trim();
    if suffix.is_empty() {
        return Ok(number);
    }
    let (units, own) = unit.table().ok_or(None)?;
    let (at, size) = units
        .iter()
        .enumerate()
        .find(|(_, (name, _))| *name == suffix)
        .map(|(at, (_, size))| (at, *size))
        .ok_or(unit.hint())?;
    let converted = number * size / own;
    // A fraction such as 30.1GB is rounded to the next smaller unit first, so that it shows well.
    match units.get(at + 1) {
        Some((_, smaller)) if number.fract() != 0.0 && *smaller >= own => {
            Ok((number * size / smaller).round_ties_even() * smaller / own)
        }
        _ => Ok(converted),
    }
}

/// The number at the start of the text (decimal, with fraction or exponent, or hexadecimal, octal as in C).
fn leading_number(text: &str) -> Option<(f64, &str)> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let negative = text.starts_with('-');
    let signed = |number: f64| if negative { -number } else { number };
    if let Some(hex) = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X")) {
        let end = hex.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(hex.len());
        let (digits, rest) = hex.split_at(end);
        return i64::from_str_radix(digits, 16).ok().map(|n| (signed(n as f64), rest));
    }
    let bytes = unsigned.as_bytes();
    let digits_from = |from: usize| bytes.iter().skip(from).take_while(|b| b.is_ascii_digit()).count();
    let mut end = digits_from(0);
    let integral = end;
    if bytes.get(end) == Some(&b'.') {
        end += 1 + digits_from(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits_from(end + 1 + sign);
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    let (digits, rest) = unsigned.split_at(end);
    if end == integral && digits.len() > 1 && digits.starts_with('0') {
        return i64::from_str_radix(digits, 8).ok().map(|n| (signed(n as f64), rest));
    }
    digits.parse::<f64>().ok().map(|number| (signed(number), rest))
}

/// C's `%g`.
fn show_real(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let scientific = format!("{number:.5e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trimmed = |text: &str| {
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() }
    };
    if (-4..6).contains(&exponent) {
        return trimmed(&format!("{number:.*}", usize::try_from(5 - exponent).unwrap_or(0)));
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trimmed(mantissa), exponent.abs())
}
