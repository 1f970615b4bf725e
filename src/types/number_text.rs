//! Numbers as text, exactly as PostgreSQL writes and reads them: integers, and floats in their shortest form.
//!
//! Owns: writing and reading of int2, int4, int8, oid, float4 and float8. Must not know: storage, the wire.
//! Specification: datatype-numeric.html; float8out_internal and int4in in PostgreSQL 15.

use std::fmt::{self, Write};

use crate::error::{Error, Result, SqlState};

/// Writes a float in its shortest form that reads back the same: "0.1", "1e+20", "1e-05", "Infinity".
/// The exponent form is used outside of 1e-4 ..= 1e15 (1e6 for float4), as PostgreSQL does.
pub fn write_float8(value: f64, out: &mut impl Write) -> fmt::Result {
    // The longest shortest form is "-1.7976931348623157e308".
    let mut digits = Buffer::default();
    write!(digits, "{value:e}")?;
    write_shortest(digits.as_str(), value.is_nan(), value.is_infinite(), 15, out)
}

/// The same for single precision.
pub fn write_float4(value: f32, out: &mut impl Write) -> fmt::Result {
    let mut digits = Buffer::default();
    write!(digits, "{value:e}")?;
    write_shortest(digits.as_str(), value.is_nan(), value.is_infinite(), 6, out)
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

/// Rearranges "-1.234e-5", as Rust writes the shortest digits, into PostgreSQL's form.
fn write_shortest(scientific: &str, nan: bool, infinite: bool, widest: i32, out: &mut impl Write) -> fmt::Result {
    let negative = scientific.starts_with('-');
    if nan {
        return out.write_str("NaN");
    }
    if infinite {
        return out.write_str(if negative { "-Infinity" } else { "Infinity" });
    }
    let unsigned = scientific.trim_start_matches('-');
    let (mantissa, exponent) = unsigned.split_once('e').unwrap_or((unsigned, "0"));
    let exponent: i32 = exponent.parse().map_err(|_| fmt::Error)?;
    let (first, rest) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if negative {
        out.write_char('-')?;
    }
    if exponent < -4 || exponent >= widest {
        out.write_str(first)?;
        if !rest.is_empty() {
            write!(out, ".{rest}")?;
        }
        let sign = if exponent < 0 { '-' } else { '+' };
        return write!(out, "e{sign}{:02}", exponent.unsigned_abs());
    }
    if exponent < 0 {
        out.write_str("0.")?;
        out.write_str("0000".get(..(-exponent - 1) as usize).unwrap_or(""))?;
        out.write_str(first)?;
        return out.write_str(rest);
    }
    out.write_str(first)?;
    let whole = exponent as usize;
    match rest.split_at_checked(whole) {
        Some((whole, "")) => out.write_str(whole),
        Some((whole, fraction)) => {
            out.write_str(whole)?;
            out.write_char('.')?;
            out.write_str(fraction)
        }
        None => {
            out.write_str(rest)?;
            out.write_str("000000000000000".get(..whole - rest.len()).unwrap_or(""))
        }
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
