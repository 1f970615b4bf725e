//! PostgreSQL's `numeric`: an exact decimal of any size that remembers how many digits it shows after the point.
//!
//! Owns: [`Numeric`]: text form, the four operations, comparison, rounding, type modifier, conversions. Transcendental
//! functions are in `types::numeric_math`, the wire form in `types::numeric_wire`. Must not know: SQLite, the wire.
//! Specification: datatype-numeric.html; result scales follow PostgreSQL 15's numeric.c.

use std::cmp::Ordering;
use std::fmt;

use num_bigint::{BigInt, Sign};
use num_integer::Integer;
use num_traits::{Signed, ToPrimitive, Zero};

use crate::error::{Error, Result, SqlState};

/// Digits a quotient shows at least (NUMERIC_MIN_SIG_DIGITS).
pub(super) const MIN_SIGNIFICANT_DIGITS: i64 = 16;
/// The largest scale a computed result is given (NUMERIC_MAX_DISPLAY_SCALE).
pub(super) const MAX_DISPLAY_SCALE: i64 = 1000;
/// The largest scale round() and trunc() take (NUMERIC_MAX_RESULT_SCALE).
pub(super) const MAX_RESULT_SCALE: i64 = 2000;
/// The largest scale a value can have (NUMERIC_DSCALE_MAX).
pub(super) const MAX_SCALE: u32 = 16383;
/// The largest number of digits before the point.
const MAX_INTEGER_DIGITS: i64 = 131_072;

/// A numeric value. Equality and order are PostgreSQL's: by value, not by scale; NaN equals NaN and is the largest.
#[derive(Clone, Debug)]
pub enum Numeric {
    NaN,
    Infinity,
    NegativeInfinity,
    Finite(Decimal),
}

/// A finite numeric: `unscaled / 10^scale`, shown with `scale` digits after the point.
#[derive(Clone, Debug)]
pub struct Decimal {
    pub(super) unscaled: BigInt,
    pub(super) scale: u32,
}

/// 22003: the result has too many digits.
pub(super) fn overflow() -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value overflows numeric format")
}

/// 22012.
pub(super) fn division_by_zero() -> Error {
    Error::new(SqlState::DIVISION_BY_ZERO, "division by zero")
}

/// Ten to the power of `exponent`.
pub(super) fn pow10(exponent: u32) -> BigInt {
    match 10u64.checked_pow(exponent) {
        Some(power) => BigInt::from(power),
        None => BigInt::from(10u32).pow(exponent),
    }
}

/// `dividend / divisor` to the nearest integer, halves away from zero.
pub(super) fn divide_rounded(dividend: &BigInt, divisor: &BigInt) -> BigInt {
    let (quotient, remainder) = dividend.div_rem(divisor);
    if remainder.magnitude() * 2u32 < *divisor.magnitude() {
        return quotient;
    }
    if (dividend.sign() == Sign::Minus) != (divisor.sign() == Sign::Minus) { quotient - 1 } else { quotient + 1 }
}

impl Decimal {
    /// `unscaled / 10^scale`.
    pub fn new(unscaled: BigInt, scale: u32) -> Self {
        Decimal { unscaled, scale }
    }

    /// How many decimal digits `|unscaled|` has; 0 for zero.
    pub(super) fn digits(&self) -> i64 {
        let magnitude = self.unscaled.magnitude();
        if let Some(small) = magnitude.to_u64() {
            return small.checked_ilog10().map_or(0, |log| i64::from(log) + 1);
        }
        // 2^bits has this many digits, or one more; only a comparison with the power of ten between can tell.
        let estimate = ((magnitude.bits() - 1) as f64 * std::f64::consts::LOG10_2) as u32;
        let bound = pow10(estimate + 1);
        i64::from(estimate) + if magnitude >= bound.magnitude() { 2 } else { 1 }
    }

    /// The power of ten of the first digit; 0 for zero.
    pub(super) fn exponent(&self) -> i64 {
        match self.digits() {
            0 => 0,
            digits => digits - 1 - i64::from(self.scale),
        }
    }

    /// Weight and value of the first base-10000 digit, as PostgreSQL stores numbers; (0, 0) for zero.
    fn leading_group(&self) -> (i64, u32) {
        let digits = self.digits();
        if digits == 0 {
            return (0, 0);
        }
        let exponent = digits - 1 - i64::from(self.scale);
        let weight = exponent.div_euclid(4);
        let leading = exponent.rem_euclid(4) + 1;
        let group = if digits > leading {
            self.unscaled.magnitude() / pow10((digits - leading) as u32).magnitude()
        } else {
            self.unscaled.magnitude() * pow10((leading - digits) as u32).magnitude()
        };
        (weight, group.to_u32().unwrap_or(0))
    }

    /// The same value with another scale, rounded half away from zero when digits are lost.
    pub(super) fn rescaled(&self, scale: u32) -> Decimal {
        let unscaled = match scale.cmp(&self.scale) {
            Ordering::Equal => self.unscaled.clone(),
            Ordering::Greater => &self.unscaled * pow10(scale - self.scale),
            Ordering::Less => divide_rounded(&self.unscaled, &pow10(self.scale - scale)),
        };
        Decimal { unscaled, scale }
    }

    /// Both operands' unscaled values at their common scale.
    fn aligned(&self, other: &Decimal) -> (BigInt, BigInt, u32) {
        let scale = self.scale.max(other.scale);
        (self.rescaled(scale).unscaled, other.rescaled(scale).unscaled, scale)
    }

    pub(super) fn compare(&self, other: &Decimal) -> Ordering {
        if self.scale == other.scale {
            return self.unscaled.cmp(&other.unscaled);
        }
        let (a, b, _) = self.aligned(other);
        a.cmp(&b)
    }

    /// The quotient rounded to `scale` digits. The divisor is not zero.
    pub(super) fn divided(&self, divisor: &Decimal, scale: u32) -> Decimal {
        let shift = i64::from(scale) + i64::from(divisor.scale) - i64::from(self.scale);
        let unscaled = if shift >= 0 {
            divide_rounded(&(&self.unscaled * pow10(shift as u32)), &divisor.unscaled)
        } else {
            divide_rounded(&self.unscaled, &(&divisor.unscaled * pow10(shift.unsigned_abs() as u32)))
        };
        Decimal { unscaled, scale }
    }

    /// Rounds to `places` digits after the point (before it, if negative).
    fn rounded(&self, places: i64, toward_zero: bool) -> Decimal {
        let scale = places.max(0) as u32;
        if places >= i64::from(self.scale) {
            return self.rescaled(scale);
        }
        let divisor = pow10((i64::from(self.scale) - places) as u32);
        let kept = if toward_zero { &self.unscaled / &divisor } else { divide_rounded(&self.unscaled, &divisor) };
        let unscaled = if places < 0 { kept * pow10(places.unsigned_abs() as u32) } else { kept };
        Decimal { unscaled, scale }
    }

    fn is_zero(&self) -> bool {
        self.unscaled.is_zero()
    }

    /// Whether the value has no fraction.
    pub(super) fn is_integer(&self) -> bool {
        self.scale == 0 || (&self.unscaled % pow10(self.scale)).is_zero()
    }

    /// The value, if it is an integer that fits.
    pub(super) fn to_exact_i64(&self) -> Option<i64> {
        let (quotient, remainder) = self.unscaled.div_rem(&pow10(self.scale));
        if remainder.is_zero() { quotient.to_i64() } else { None }
    }
}

impl From<Decimal> for Numeric {
    fn from(decimal: Decimal) -> Self {
        Numeric::Finite(decimal)
    }
}

impl From<i64> for Numeric {
    fn from(value: i64) -> Self {
        Numeric::Finite(Decimal::new(BigInt::from(value), 0))
    }
}

/// The scale PostgreSQL gives a quotient (select_div_scale in numeric.c).
fn division_scale(a: &Decimal, b: &Decimal) -> u32 {
    let (weight_a, first_a) = a.leading_group();
    let (weight_b, first_b) = b.leading_group();
    let mut quotient_weight = weight_a - weight_b;
    if first_a <= first_b {
        quotient_weight -= 1;
    }
    let scale = MIN_SIGNIFICANT_DIGITS - quotient_weight * 4;
    scale.max(i64::from(a.scale)).max(i64::from(b.scale)).clamp(0, MAX_DISPLAY_SCALE) as u32
}

impl Numeric {
    /// Zero, without digits after the point.
    pub fn zero() -> Self {
        Numeric::from(0)
    }

    /// `unscaled / 10^scale`.
    pub fn decimal(unscaled: BigInt, scale: u32) -> Self {
        Numeric::Finite(Decimal::new(unscaled, scale))
    }

    /// An integer of any size.
    pub fn integer(value: BigInt) -> Self {
        Numeric::decimal(value, 0)
    }

    /// Gives a result of a computation, or 22003 if it is too large.
    pub(super) fn checked(decimal: Decimal) -> Result<Self> {
        // 300,000 bits are well below the limit: the usual number is not counted digit by digit.
        if decimal.unscaled.bits() > 300_000 && decimal.exponent() >= MAX_INTEGER_DIGITS {
            return Err(overflow());
        }
        if decimal.scale > MAX_SCALE { Ok(decimal.rescaled(MAX_SCALE).into()) } else { Ok(decimal.into()) }
    }

    /// Reads the text form of a numeric (numeric_in), surrounding blanks allowed.
    pub fn parse(text: &str) -> Result<Self> {
        let trimmed = text.trim_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
        let invalid = || {
            Error::new(
                SqlState::INVALID_TEXT_REPRESENTATION,
                format!("invalid input syntax for type numeric: \"{text}\""),
            )
        };
        match Self::parse_finite(trimmed) {
            Some(result) => result,
            None => Self::parse_special(trimmed).ok_or_else(invalid),
        }
    }

    fn parse_special(text: &str) -> Option<Self> {
        let (negative, name) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        if name.eq_ignore_ascii_case("infinity") || name.eq_ignore_ascii_case("inf") {
            return Some(if negative { Numeric::NegativeInfinity } else { Numeric::Infinity });
        }
        text.eq_ignore_ascii_case("nan").then_some(Numeric::NaN)
    }

    /// `None` if the text is not a decimal number; an error if it is one that is too large.
    fn parse_finite(text: &str) -> Option<Result<Self>> {
        let (negative, rest) = match text.as_bytes().first()? {
            b'-' => (true, text.get(1..)?),
            b'+' => (false, text.get(1..)?),
            _ => (false, text),
        };
        let (mantissa, exponent) = match rest.find(['e', 'E']) {
            Some(at) => (rest.get(..at)?, parse_exponent(rest.get(at + 1..)?)?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction);
        // What is too large is not read first: that takes time with the square of its length.
        if whole.len() as i64 > 2 * MAX_INTEGER_DIGITS || fraction.len() as i64 > i64::from(MAX_SCALE) + exponent.max(0)
        {
            return Some(Err(overflow()));
        }
        let mut unscaled = digits_to_bigint(whole, fraction);
        if negative {
            unscaled = -unscaled;
        }
        let scale = fraction.len() as i64 - exponent;
        let limit = i64::from(MAX_SCALE);
        if scale > limit || (exponent > 0 && !unscaled.is_zero() && exponent > 2 * MAX_INTEGER_DIGITS) {
            return Some(Err(overflow()));
        }
        if scale < 0 {
            let shift = if unscaled.is_zero() { 0 } else { scale.unsigned_abs() as u32 };
            return Some(Self::checked(Decimal::new(unscaled * pow10(shift), 0)));
        }
        Some(Self::checked(Decimal::new(unscaled, scale as u32)))
    }

    /// float8 to numeric: 15 significant digits.
    pub fn from_f64(value: f64) -> Self {
        Self::from_float(value, 15)
    }

    /// float4 to numeric: 6 significant digits.
    pub fn from_f32(value: f32) -> Self {
        Self::from_float(f64::from(value), 6)
    }

    fn from_float(value: f64, significant: usize) -> Self {
        if value.is_nan() {
            return Numeric::NaN;
        }
        if value.is_infinite() {
            return if value > 0.0 { Numeric::Infinity } else { Numeric::NegativeInfinity };
        }
        let text = format!("{value:.*e}", significant - 1);
        match Self::parse_finite(&text) {
            Some(Ok(Numeric::Finite(decimal))) => Numeric::Finite(decimal.without_trailing_zeros()),
            _ => Numeric::NaN,
        }
    }

    /// The nearest float8.
    pub fn to_f64(&self) -> f64 {
        match self {
            Numeric::NaN => f64::NAN,
            Numeric::Infinity => f64::INFINITY,
            Numeric::NegativeInfinity => f64::NEG_INFINITY,
            Numeric::Finite(decimal) => decimal.to_string().parse().unwrap_or(f64::NAN),
        }
    }

    /// The nearest integer (halves away from zero) if it is within `min..=max`; else PostgreSQL's error, which names
    /// the integer type.
    pub fn to_integer(&self, min: i64, max: i64, type_name: &str) -> Result<i64> {
        let cannot =
            |what: &str| Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("cannot convert {what} to {type_name}"));
        match self {
            Numeric::NaN => Err(cannot("NaN")),
            Numeric::Infinity | Numeric::NegativeInfinity => Err(cannot("infinity")),
            Numeric::Finite(decimal) => {
                let rounded = decimal.rescaled(0).unscaled.to_i64().filter(|i| (min..=max).contains(i));
                rounded.ok_or_else(|| {
                    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, format!("{type_name} out of range"))
                })
            }
        }
    }

    /// The nearest bigint.
    pub fn to_i64(&self) -> Result<i64> {
        self.to_integer(i64::MIN, i64::MAX, "bigint")
    }

    /// The nearest integer.
    pub fn to_i32(&self) -> Result<i32> {
        self.to_integer(i32::MIN.into(), i32::MAX.into(), "integer").map(|i| i as i32)
    }

    /// The nearest smallint.
    pub fn to_i16(&self) -> Result<i16> {
        self.to_integer(i16::MIN.into(), i16::MAX.into(), "smallint").map(|i| i as i16)
    }

    /// Whether it is NaN.
    pub fn is_nan(&self) -> bool {
        matches!(self, Numeric::NaN)
    }

    /// -1, 0 or 1; 0 for NaN.
    pub fn signum(&self) -> i32 {
        match self {
            Numeric::NaN => 0,
            Numeric::Infinity => 1,
            Numeric::NegativeInfinity => -1,
            Numeric::Finite(decimal) => match decimal.unscaled.sign() {
                Sign::Minus => -1,
                Sign::NoSign => 0,
                Sign::Plus => 1,
            },
        }
    }

    /// `self + other`.
    pub fn add(&self, other: &Numeric) -> Result<Numeric> {
        match (self, other) {
            (Numeric::Finite(a), Numeric::Finite(b)) => {
                let (x, y, scale) = a.aligned(b);
                Self::checked(Decimal::new(x + y, scale))
            }
            (Numeric::NaN, _) | (_, Numeric::NaN) => Ok(Numeric::NaN),
            (Numeric::Infinity, Numeric::NegativeInfinity) | (Numeric::NegativeInfinity, Numeric::Infinity) => {
                Ok(Numeric::NaN)
            }
            (Numeric::Finite(_), infinite) | (infinite, _) => Ok(infinite.clone()),
        }
    }

    /// `self - other`.
    pub fn sub(&self, other: &Numeric) -> Result<Numeric> {
        self.add(&other.neg())
    }

    /// `-self`.
    pub fn neg(&self) -> Numeric {
        match self {
            Numeric::NaN => Numeric::NaN,
            Numeric::Infinity => Numeric::NegativeInfinity,
            Numeric::NegativeInfinity => Numeric::Infinity,
            Numeric::Finite(decimal) => Decimal::new(-&decimal.unscaled, decimal.scale).into(),
        }
    }

    /// `|self|`.
    pub fn abs(&self) -> Numeric {
        if self.signum() < 0 { self.neg() } else { self.clone() }
    }

    /// An infinity with the sign of the product of the operands, NaN if one of them is zero or NaN.
    fn infinite_product(&self, other: &Numeric) -> Numeric {
        match self.signum() * other.signum() {
            1 => Numeric::Infinity,
            -1 => Numeric::NegativeInfinity,
            _ => Numeric::NaN,
        }
    }

    /// `self * other`.
    pub fn mul(&self, other: &Numeric) -> Result<Numeric> {
        match (self, other) {
            (Numeric::Finite(a), Numeric::Finite(b)) => {
                Self::checked(Decimal::new(&a.unscaled * &b.unscaled, a.scale + b.scale))
            }
            _ => Ok(self.infinite_product(other)),
        }
    }

    /// `self * other` without a limit on the scale, for what aggregates compute on the way to their result.
    pub fn mul_exact(&self, other: &Numeric) -> Numeric {
        match (self, other) {
            (Numeric::Finite(a), Numeric::Finite(b)) => {
                Decimal::new(&a.unscaled * &b.unscaled, a.scale + b.scale).into()
            }
            _ => self.infinite_product(other),
        }
    }

    /// `self + other` or `self - other` of finite numbers without a limit on the scale; another operand is left out.
    pub fn add_exact(&self, other: &Numeric, subtract: bool) -> Numeric {
        match (self, other) {
            (Numeric::Finite(a), Numeric::Finite(b)) => {
                let (x, y, scale) = a.aligned(b);
                Decimal::new(if subtract { x - y } else { x + y }, scale).into()
            }
            _ => self.clone(),
        }
    }

    /// The number at another scale, however large.
    pub fn at_scale(&self, scale: u32) -> Numeric {
        match self {
            Numeric::Finite(decimal) => decimal.rescaled(scale).into(),
            other => other.clone(),
        }
    }

    /// `self / other`; 22012 for zero.
    pub fn div(&self, other: &Numeric) -> Result<Numeric> {
        match (self, other) {
            (Numeric::Finite(a), Numeric::Finite(b)) => {
                if b.is_zero() {
                    return Err(division_by_zero());
                }
                Self::checked(a.divided(b, division_scale(a, b)))
            }
            _ => self.divide_special(other),
        }
    }

    /// div(): the quotient truncated to an integer.
    pub fn div_trunc(&self, other: &Numeric) -> Result<Numeric> {
        match (self, other) {
            (Numeric::Finite(a), Numeric::Finite(b)) => {
                if b.is_zero() {
                    return Err(division_by_zero());
                }
                let (x, y, _) = a.aligned(b);
                Self::checked(Decimal::new(x / y, 0))
            }
            _ => self.divide_special(other),
        }
    }

    fn divide_special(&self, other: &Numeric) -> Result<Numeric> {
        match (self, other) {
            (Numeric::NaN, _) | (_, Numeric::NaN) => Ok(Numeric::NaN),
            (Numeric::Finite(_), _) => Ok(Numeric::zero()),
            (_, Numeric::Finite(b)) if b.is_zero() => Err(division_by_zero()),
            (_, Numeric::Finite(_)) => Ok(self.infinite_product(other)),
            _ => Ok(Numeric::NaN),
        }
    }

    /// `self % other`: the remainder of the truncated division, with the dividend's sign.
    pub fn rem(&self, other: &Numeric) -> Result<Numeric> {
        match (self, other) {
            (Numeric::NaN, _) | (_, Numeric::NaN) => Ok(Numeric::NaN),
            (_, Numeric::Finite(b)) if b.is_zero() => Err(division_by_zero()),
            (Numeric::Finite(a), Numeric::Finite(b)) => {
                let (x, y, scale) = a.aligned(b);
                Ok(Decimal::new(x % y, scale).into())
            }
            (Numeric::Finite(_), _) => Ok(self.clone()),
            _ => Ok(Numeric::NaN),
        }
    }

    fn map_finite(&self, apply: impl FnOnce(&Decimal) -> Decimal) -> Result<Numeric> {
        match self {
            Numeric::Finite(decimal) => Self::checked(apply(decimal)),
            special => Ok(special.clone()),
        }
    }

    /// round(self, places): halves away from zero.
    pub fn round(&self, places: i32) -> Result<Numeric> {
        let places = i64::from(places).clamp(-MAX_INTEGER_DIGITS - 1, i64::from(MAX_SCALE));
        self.map_finite(|decimal| decimal.rounded(places, false))
    }

    /// trunc(self, places): toward zero.
    pub fn trunc(&self, places: i32) -> Result<Numeric> {
        let places = i64::from(places).clamp(-MAX_INTEGER_DIGITS, i64::from(MAX_SCALE));
        self.map_finite(|decimal| decimal.rounded(places, true))
    }

    /// The largest integer not above.
    pub fn floor(&self) -> Result<Numeric> {
        self.map_finite(|decimal| Decimal::new(decimal.unscaled.div_floor(&pow10(decimal.scale)), 0))
    }

    /// The smallest integer not below.
    pub fn ceil(&self) -> Result<Numeric> {
        self.map_finite(|decimal| Decimal::new(decimal.unscaled.div_ceil(&pow10(decimal.scale)), 0))
    }

    /// scale(): digits shown after the point; `None` for NaN and the infinities.
    pub fn scale(&self) -> Option<u32> {
        match self {
            Numeric::Finite(decimal) => Some(decimal.scale),
            _ => None,
        }
    }

    /// trim_scale(): without trailing zeros after the point.
    pub fn trim_scale(&self) -> Numeric {
        match self {
            Numeric::Finite(decimal) => decimal.clone().without_trailing_zeros().into(),
            special => special.clone(),
        }
    }

    /// Applies a column's numeric(precision, scale): rounds, 22003 if it does not fit. A typmod below 0 is none.
    pub fn apply_typmod(self, typmod: i32) -> Result<Numeric> {
        let Some((precision, scale)) = typmod_parts(typmod) else { return Ok(self) };
        let overflow = |detail: String| {
            Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "numeric field overflow").with_detail(detail)
        };
        let field = format!("A field with precision {precision}, scale {scale}");
        match self {
            Numeric::NaN => Ok(self),
            Numeric::Infinity | Numeric::NegativeInfinity => {
                Err(overflow(format!("{field} cannot hold an infinite value.")))
            }
            Numeric::Finite(decimal) => {
                let rounded = decimal.rounded(i64::from(scale), false);
                let most = i64::from(precision) - i64::from(scale);
                if !rounded.is_zero() && rounded.exponent() >= most {
                    let bound = if most == 0 { "1".to_owned() } else { format!("10^{most}") };
                    return Err(overflow(format!("{field} must round to an absolute value less than {bound}.")));
                }
                Ok(rounded.into())
            }
        }
    }
}

/// The precision and scale in a numeric's type modifier; `None` if it has none.
pub fn typmod_parts(typmod: i32) -> Option<(i32, i32)> {
    let packed = typmod.checked_sub(4).filter(|packed| *packed >= 0)?;
    // The scale is an 11-bit two's complement number.
    let scale = ((packed & 0x7ff) ^ 1024) - 1024;
    Some(((packed >> 16) & 0xffff, scale))
}

/// The type modifier of numeric(precision, scale).
pub fn make_typmod(precision: i32, scale: i32) -> i32 {
    ((precision << 16) | (scale & 0x7ff)) + 4
}

fn parse_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // Anything that does not fit is too large anyway; the caller reports it.
    let value = digits.parse::<i64>().unwrap_or(i64::from(i32::MAX)).min(i64::from(i32::MAX));
    Some(if text.starts_with('-') { -value } else { value })
}

fn digits_to_bigint(whole: &str, fraction: &str) -> BigInt {
    if whole.len() + fraction.len() <= 18 {
        let digit = |value: u64, b: u8| value * 10 + u64::from(b - b'0');
        return BigInt::from(fraction.bytes().fold(whole.bytes().fold(0, digit), digit));
    }
    let joined = [whole.as_bytes(), fraction.as_bytes()].concat();
    BigInt::parse_bytes(&joined, 10).unwrap_or_default()
}

impl Decimal {
    fn without_trailing_zeros(mut self) -> Decimal {
        while self.scale > 0 {
            let (quotient, remainder) = self.unscaled.div_rem(&BigInt::from(10u32));
            if !remainder.is_zero() {
                break;
            }
            self = Decimal::new(quotient, self.scale - 1);
        }
        self
    }
}

impl PartialEq for Numeric {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Numeric {}

impl PartialOrd for Numeric {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Numeric {
    fn cmp(&self, other: &Self) -> Ordering {
        let rank = |n: &Numeric| match n {
            Numeric::NegativeInfinity => 0,
            Numeric::Finite(_) => 1,
            Numeric::Infinity => 2,
            Numeric::NaN => 3,
        };
        match (self, other) {
            (Numeric::Finite(a), Numeric::Finite(b)) => a.compare(b),
            _ => rank(self).cmp(&rank(other)),
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.unscaled.is_negative() {
            f.write_str("-")?;
        }
        let digits = self.unscaled.magnitude().to_string();
        let scale = self.scale as usize;
        if scale == 0 {
            return f.write_str(&digits);
        }
        match digits.len().checked_sub(scale).filter(|whole| *whole > 0) {
            Some(whole) => {
                let (whole, fraction) = digits.split_at(whole);
                write!(f, "{whole}.{fraction}")
            }
            None => {
                f.write_str("0.")?;
                (digits.len()..scale).try_for_each(|_| f.write_str("0"))?;
                f.write_str(&digits)
            }
        }
    }
}

impl fmt::Display for Numeric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Numeric::NaN => f.write_str("NaN"),
            Numeric::Infinity => f.write_str("Infinity"),
            Numeric::NegativeInfinity => f.write_str("-Infinity"),
            Numeric::Finite(decimal) => decimal.fmt(f),
        }
    }
}
