//! Numbers as text, exactly as PostgreSQL writes and reads them: integers, and floats in their shortest form.
//!
//! Owns: writing and reading of int2, int4, int8, oid, float4 and float8. Must not know: storage, the wire.
//! Specification: datatype-numeric.html; float8out_internal and int4in in PostgreSQL 15.

use std::fmt::{self, Write};

use num_bigint::BigUint;

use crate::error::{Error, Result, SqlState};

/// Writes a float in its shortest form that reads back the same: "0.1", "1e+20", "1e-05", "Infinity".
/// The exponent form is used outside of 1e-4 ..= 1e15 (1e6 for float4), as PostgreSQL does.
pub fn write_float8(value: f64, out: &mut impl Write) -> fmt::Result {
    if !value.is_finite() {
        return write_special(value, out);
    }
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value);
    if value == 0.0 || (1e-4..1e15).contains(&value.abs()) {
        return write_plain(text, out);
    }
    let (bits, implicit) = (value.to_bits(), 1 << 52);
    let mantissa = (bits & (implicit - 1)) | implicit;
    write_exponent(text, value, mantissa, (bits >> 52 & 0x7ff) as i32 - 1075, out)
}

/// The same for single precision.
pub fn write_float4(value: f32, out: &mut impl Write) -> fmt::Result {
    if !value.is_finite() {
        return write_special(value.into(), out);
    }
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value);
    if value == 0.0 || (1e-4..1e6).contains(&value.abs()) {
        return write_plain(text, out);
    }
    let (bits, implicit) = (value.to_bits(), 1 << 23);
    let mantissa = (bits & (implicit - 1)) | implicit;
    write_exponent(text, value.into(), mantissa.into(), (bits >> 23 & 0xff) as i32 - 150, out)
}

fn write_special(value: f64, out: &mut impl Write) -> fmt::Result {
    out.write_str(match value {
        f64::INFINITY => "Infinity",
        f64::NEG_INFINITY => "-Infinity",
        _ => "NaN",
    })
}

/// Within PostgreSQL's bounds for it zmij writes the shortest digits without an exponent too, but always a fraction.
fn write_plain(text: &str, out: &mut impl Write) -> fmt::Result {
    out.write_str(text.strip_suffix(".0").unwrap_or(text))
}

/// In exponent form. The value is `mantissa` times two to the power `binary`.
fn write_exponent(text: &str, value: f64, mantissa: u64, binary: i32, out: &mut impl Write) -> fmt::Result {
    let mut decimal = Decimal::parse(text)?;
    let mut precision = decimal.digits().len();
    // PostgreSQL's digits read back the same whatever way ties are rounded; zmij's may be such a tie.
    while decimal.is_midpoint(mantissa, binary) {
        decimal = Decimal::parse(&format!("{value:.precision$e}"))?;
        precision += 1;
    }
    if value < 0.0 {
        out.write_char('-')?;
    }
    let (first, rest) = decimal.digits().split_at_checked(1).ok_or(fmt::Error)?;
    let point = if rest.is_empty() { "" } else { "." };
    let sign = if decimal.exponent < 0 { '-' } else { '+' };
    write!(out, "{first}{point}{rest}e{sign}{:02}", decimal.exponent.unsigned_abs())
}

/// A number's digits, without zeros at either end, and the power of ten of the first one.
struct Decimal {
    text: Buffer,
    exponent: i32,
}

impl Decimal {
    /// From "1e16", "-1.5e-7", "1000000.0", "0.000015"; the sign is dropped.
    fn parse(text: &str) -> Result<Decimal, fmt::Error> {
        let unsigned = text.trim_start_matches('-');
        let (mantissa, power) = unsigned.split_once('e').unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let power: i32 = power.parse().map_err(|_| fmt::Error)?;
        let mut buffer = Buffer::default();
        let significant = whole.trim_start_matches('0');
        buffer.write_str(significant)?;
        let leading = if significant.is_empty() { fraction.trim_start_matches('0') } else { fraction };
        buffer.write_str(leading)?;
        let exponent = power + significant.len() as i32 - 1 - (fraction.len() - leading.len()) as i32;
        Ok(Decimal { text: buffer, exponent })
    }

    fn digits(&self) -> &str {
        self.text.as_str().trim_end_matches('0')
    }

    /// Whether this is exactly between the float and a neighbour of it. Only an integer can be: a smaller float itself
    /// has no more digits than the midpoint.
    fn is_midpoint(&self, mantissa: u64, binary: i32) -> bool {
        let digits = self.digits();
        let zeros = self.exponent + 1 - digits.len() as i32;
        let Ok(digits) = digits.parse::<u64>() else { return false };
        if binary < 2 || zeros < 0 {
            return false;
        }
        let decimal = BigUint::from(digits) * BigUint::from(10u32).pow(zeros as u32);
        // Below a power of two floats are twice as dense.
        let below = if mantissa.is_power_of_two() { 4 * mantissa - 1 } else { 4 * mantissa - 2 };
        [4 * mantissa + 2, below].iter().any(|bound| BigUint::from(*bound) << (binary - 2) == decimal)
    }
}

/// Text on the stack: what is written to it beyond its size is an error.
#[derive(Default)]
struct Buffer {
    bytes: [u8; 32],
    length: usize,
}

impl Buffer {
    fn as_str(&self) -> &str {
        self.bytes.get(..self.length).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or("")
    }
}

impl Write for Buffer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

/// C's `%.{significant}g`: used for extra_float_digits below 1 and in messages.
pub fn general(value: f64, significant: usize) -> String {
    if !value.is_finite() {
        return if value.is_nan() { "NaN".into() } else { format!("{}Infinity", if value < 0.0 { "-" } else { "" }) };
    }
    let significant = significant.max(1);
    let scientific = format!("{:.*e}", significant - 1, value);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trim = |text: &str| {
        let trimmed = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
        trimmed.to_owned()
    };
    if exponent < -4 || exponent >= significant as i32 {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", trim(mantissa), exponent.unsigned_abs());
    }
    trim(&format!("{:.*}", (significant as i32 - 1 - exponent).max(0) as usize, value))
}

/// The blanks PostgreSQL's input functions skip (isspace in the C locale).
pub fn trim_spaces(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c'])
}

/// 22P02 "invalid input syntax for type …".
pub fn invalid_syntax(type_name: &str, text: &str) -> Error {
    Error::new(SqlState::INVALID_TEXT_REPRESENTATION, format!("invalid input syntax for type {type_name}: \"{text}\""))
}

/// 22003 for a number that does not fit.
fn out_of_range(type_name: &str, text: &str) -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, format!("value \"{text}\" is out of range for type {type_name}"))
}

/// Reads an integer between two bounds (int4in and its like).
pub fn parse_integer(text: &str, type_name: &str, min: i64, max: i64) -> Result<i64> {
    let trimmed = trim_spaces(text);
    let digits = trimmed.strip_prefix(['-', '+']).unwrap_or(trimmed);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(invalid_syntax(type_name, text));
    }
    let value = trimmed.parse::<i64>().ok().filter(|value| (min..=max).contains(value));
    value.ok_or_else(|| out_of_range(type_name, text))
}

/// Reads an oid, xid or cid: an unsigned 32-bit number, or a negative one that wraps around (oidin).
pub fn parse_oid(text: &str, type_name: &str) -> Result<i64> {
    let min = i64::from(i32::MIN);
    let value = parse_integer(text, type_name, min, u32::MAX.into())?;
    Ok(i64::from(value as u32))
}

/// Reads a float8 (float8in).
pub fn parse_float8(text: &str) -> Result<f64> {
    let (value, zero) = parse_float::<f64>(text, "double precision")?;
    if value.is_infinite() && !names_infinity(text) || value == 0.0 && !zero {
        return Err(float_out_of_range(text, "double precision"));
    }
    Ok(value)
}

/// Reads a float4 (float4in).
pub fn parse_float4(text: &str) -> Result<f32> {
    let (value, zero) = parse_float::<f32>(text, "real")?;
    if value.is_infinite() && !names_infinity(text) || value == 0.0 && !zero {
        return Err(float_out_of_range(text, "real"));
    }
    Ok(value)
}

fn float_out_of_range(text: &str, type_name: &str) -> Error {
    Error::new(
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
        format!("\"{}\" is out of range for type {type_name}", trim_spaces(text)),
    )
}

fn names_infinity(text: &str) -> bool {
    text.contains(['i', 'I'])
}

/// The value, and whether its digits say that it is zero (so that zero is no underflow).
fn parse_float<T: std::str::FromStr>(text: &str, type_name: &str) -> Result<(T, bool)> {
    let trimmed = trim_spaces(text);
    let invalid = || invalid_syntax(type_name, text);
    let unsigned = trimmed.strip_prefix(['-', '+']).unwrap_or(trimmed);
    let special = ["nan", "inf", "infinity"].iter().any(|name| unsigned.eq_ignore_ascii_case(name));
    let mantissa = unsigned.split(['e', 'E']).next().unwrap_or("");
    if !special && !mantissa.bytes().any(|b| b.is_ascii_digit()) {
        return Err(invalid());
    }
    let zero = mantissa.bytes().all(|b| matches!(b, b'0' | b'.'));
    Ok((trimmed.parse().map_err(|_| invalid())?, zero))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded from PostgreSQL 15. Some are ties that other printers of shortest digits decide the other way.
    #[test]
    fn floats_are_written_as_postgresql_writes_them() {
        let single = |text: &str| {
            let mut out = String::new();
            write_float4(text.parse().unwrap(), &mut out).map(|()| out)
        };
        let double = |text: &str| {
            let mut out = String::new();
            write_float8(text.parse().unwrap(), &mut out).map(|()| out)
        };
        for (value, expected) in [
            ("156943.625", "156943.62"),
            ("718695.5625", "718695.56"),
            ("3438960128", "3.4389601e+09"),
            ("69716304", "6.9716304e+07"),
            ("1085951967232", "1.08595197e+12"),
            ("-1015827968", "-1.01582797e+09"),
            ("89140096", "8.9140096e+07"),
            ("16777216", "1.6777216e+07"),
            ("1000000", "1e+06"),
            ("999999.9", "999999.9"),
            ("0.0001", "0.0001"),
            ("0.00001", "1e-05"),
            ("-0.000012345", "-1.2345e-05"),
            ("1e-45", "1e-45"),
            ("3.4028235e38", "3.4028235e+38"),
            ("-0.0", "-0"),
        ] {
            assert_eq!(single(value).as_deref(), Ok(expected), "{value}");
        }
        for (value, expected) in [
            ("1.6007260875479002e17", "1.6007260875479002e+17"),
            ("4.3279649836072896e16", "4.3279649836072896e+16"),
            ("3.7406938904250896e16", "3.7406938904250896e+16"),
            ("9007199254740993", "9.007199254740992e+15"),
            ("1e15", "1e+15"),
            ("999999999999999.9", "999999999999999.9"),
            ("1e23", "9.999999999999999e+22"),
            ("5e-324", "5e-324"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
            ("0.0001", "0.0001"),
            ("0.00001234", "1.234e-05"),
            ("123456789012345680000", "1.2345678901234568e+20"),
            ("-0.0", "-0"),
            ("100", "100"),
            ("0.1", "0.1"),
            ("2.5e-7", "2.5e-07"),
        ] {
            assert_eq!(double(value).as_deref(), Ok(expected), "{value}");
        }
    }

    #[test]
    fn general_is_printf_g() {
        for (value, significant, expected) in [
            (0.1, 6, "0.1"),
            (1e20, 15, "1e+20"),
            (123456.789, 6, "123457"),
            (1e-5, 6, "1e-05"),
            (100000.0, 6, "100000"),
        ] {
            assert_eq!(general(value, significant), expected);
        }
    }
}
