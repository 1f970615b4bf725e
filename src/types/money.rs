//! money, as PostgreSQL has it under lc_monetary = C: dollars with two decimal places.
//!
//! Owns: the text form, and what is computed from amounts, which are kept in cents. Specification:
//! datatype-money.html; cash.c.

use std::fmt::{self, Write};

use crate::error::{Error, Result, SqlState};
use crate::types::number_text::invalid_syntax;

/// Cents in a dollar, and their digits.
const CENTS: i64 = 100;
const DECIMALS: u32 = 2;

fn out_of_range(text: &str) -> Error {
    let message = format!("value \"{text}\" is out of range for type money");
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message)
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

fn after(text: &str, symbol: char) -> &str {
    text.strip_prefix(symbol).unwrap_or(text).trim_start_matches(is_space)
}

/// Reads an amount (cash_in): a sign or parenthesis, a currency sign, thousands apart, more decimals than are kept.
pub fn parse(text: &str) -> Result<i64> {
    let mut rest = after(text.trim_start_matches(is_space), '$');
    let mut negative = rest.starts_with(['-', '(']);
    rest = rest.strip_prefix(['-', '(', '+']).unwrap_or(rest).trim_start_matches(is_space);
    rest = after(rest, '$');
    // Kept negative: there is one more negative number.
    let mut value = 0i64;
    let push = |value: i64, digit: i64| value.checked_mul(10).and_then(|value| value.checked_sub(digit));
    let mut decimals = None;
    let mut characters = rest.chars();
    loop {
        rest = characters.as_str();
        match characters.next() {
            Some(c) if c.is_ascii_digit() && decimals.is_none_or(|count| count < DECIMALS) => {
                value = push(value, i64::from(c as u8 - b'0')).ok_or_else(|| out_of_range(text))?;
                decimals = decimals.map(|count| count + 1);
            }
            Some('.') if decimals.is_none() => decimals = Some(0),
            Some(',') => {}
            _ => break,
        }
    }
    if rest.starts_with(['5', '6', '7', '8', '9']) {
        value = value.checked_sub(1).ok_or_else(|| out_of_range(text))?;
    }
    for _ in decimals.unwrap_or(0)..DECIMALS {
        value = push(value, 0).ok_or_else(|| out_of_range(text))?;
    }
    for c in rest.trim_start_matches(|c: char| c.is_ascii_digit()).chars() {
        match c {
            '-' => negative = true,
            ')' | '+' | '$' => {}
            c if is_space(c) => {}
            _ => return Err(invalid_syntax("money", text)),
        }
    }
    if negative { Ok(value) } else { value.checked_neg().ok_or_else(|| out_of_range(text)) }
}

/// Writes an amount (cash_out).
pub fn write(value: i64, out: &mut impl Write) -> fmt::Result {
    let digits = (value.unsigned_abs() / CENTS as u64).to_string();
    out.write_str(if value < 0 { "-$" } else { "$" })?;
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.write_char(',')?;
        }
        out.write_char(digit)?;
    }
    write!(out, ".{:02}", value.unsigned_abs() % CENTS as u64)
}

const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

/// A number below 1000 in words (num_word).
fn number_in_words(value: u64) -> String {
    let small = |value: u64| SMALL.get(value as usize).copied().unwrap_or_default();
    let below_hundred = |value: u64| match (value / 10, value % 10) {
        (0 | 1, _) => small(value).to_owned(),
        (tens, rest) => {
            let tens = TENS.get(tens as usize - 2).copied().unwrap_or_default();
            if rest == 0 { tens.to_owned() } else { format!("{tens} {}", small(rest)) }
        }
    };
    match (value / 100, value % 100) {
        (0, rest) => below_hundred(rest),
        (hundreds, 0) => format!("{} hundred", small(hundreds)),
        (hundreds, rest @ (1..=9 | 11..=19)) => format!("{} hundred and {}", small(hundreds), small(rest)),
        (hundreds, rest) => format!("{} hundred {}", small(hundreds), below_hundred(rest)),
    }
}

/// An amount in words (cash_words).
pub fn words(value: i64) -> String {
    const GROUPS: [&str; 5] = ["quadrillion", "trillion", "billion", "million", "thousand"];
    let mut out = String::from(if value < 0 { "minus " } else { "" });
    let sign = out.len();
    let dollars = value.unsigned_abs() / CENTS as u64;
    for (place, name) in GROUPS.iter().enumerate() {
        let group = dollars / 1000u64.pow(5 - place as u32) % 1000;
        if group != 0 {
            out.push_str(&format!("{} {name} ", number_in_words(group)));
        }
    }
    if !dollars.is_multiple_of(1000) {
        out.push_str(&number_in_words(dollars % 1000));
    }
    if out.len() == sign {
        out.push_str("zero");
    }
    let cents = value.unsigned_abs() % CENTS as u64;
    out.push_str(if dollars == 1 { " dollar and " } else { " dollars and " });
    out.push_str(&number_in_words(cents));
    out.push_str(if cents == 1 { " cent" } else { " cents" });
    if let Some(first) = out.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    out
}

/// Divides, cutting off; 22012.
pub fn divide(value: i64, by: i64) -> Result<i64> {
    if by == 0 {
        return Err(division_by_zero());
    }
    // The processor's own error, which PostgreSQL passes on.
    value.checked_div(by).ok_or_else(|| {
        Error::new(SqlState(*b"22P01"), "floating-point exception").with_detail(
        "An invalid floating-point operation was signaled. This probably means an out-of-range result or an invalid \
         operation, such as division by zero.",
    )
    })
}

/// 22012
pub fn division_by_zero() -> Error {
    Error::new(SqlState::DIVISION_BY_ZERO, "division by zero")
}

/// A number of dollars in cents; 22003.
pub fn from_dollars(dollars: i64) -> Result<i64> {
    let out_of_range = || Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range");
    dollars.checked_mul(CENTS).ok_or_else(out_of_range)
}
