//! Roots, powers, exponentials and logarithms of [`Numeric`], computed in fixed-point integers with guard digits.
//!
//! Owns: sqrt, power, exp, ln, log. The scale each result gets is PostgreSQL 15's (numeric.c: numeric_sqrt,
//! power_var, exp_var, ln_var, log_var), so that the same digits are shown. Must not know: text, the wire.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};

use crate::error::{Error, Result, SqlState};
use crate::types::numeric::{
    Decimal, MAX_DISPLAY_SCALE, MAX_RESULT_SCALE, MIN_SIGNIFICANT_DIGITS, Numeric, divide_rounded, division_by_zero,
    overflow, pow10,
};

/// Digits computed beyond those shown, so that rounding sees the true value.
const GUARD_DIGITS: i64 = 16;

fn clamp_scale(scale: i64, at_least: u32) -> u32 {
    scale.max(i64::from(at_least)).clamp(0, MAX_DISPLAY_SCALE) as u32
}

fn logarithm_error(of: &'static str) -> Error {
    Error::new(SqlState::INVALID_ARGUMENT_FOR_LOGARITHM, format!("cannot take logarithm of {of}"))
}

fn power_error(message: &'static str) -> Error {
    Error::new(SqlState::INVALID_ARGUMENT_FOR_POWER_FUNCTION, message)
}

impl Decimal {
    fn one() -> Decimal {
        Decimal::new(BigInt::one(), 0)
    }

    /// The value as a float, with the decimal exponent kept apart: `mantissa * 10^exponent`, 1 <= |mantissa| < 10.
    fn to_parts(&self) -> (f64, i64) {
        let digits = self.digits();
        let kept = digits.min(17);
        let leading = &self.unscaled / pow10((digits - kept) as u32);
        let mantissa = leading.to_f64().unwrap_or(0.0) / 10f64.powi((kept - 1).max(0) as i32);
        (mantissa, self.exponent())
    }

    /// ln(self) as a float; self > 0.
    fn approximate_ln(&self) -> f64 {
        let (mantissa, exponent) = self.to_parts();
        mantissa.ln() + exponent as f64 * std::f64::consts::LN_10
    }

    fn approximate(&self) -> f64 {
        Numeric::Finite(self.clone()).to_f64()
    }

    /// The decimal weight of ln(self) (estimate_ln_dweight in numeric.c).
    fn ln_weight(&self) -> i64 {
        if !self.unscaled.is_positive() {
            return 0;
        }
        let tenths = |n: i64| Decimal::new(BigInt::from(n), 1);
        if self.compare(&tenths(9)).is_ge() && self.compare(&tenths(11)).is_le() {
            let distance = Decimal::new(&self.unscaled - pow10(self.scale), self.scale);
            return if distance.unscaled.is_zero() { 0 } else { distance.exponent() };
        }
        self.approximate_ln().abs().log10() as i64
    }

    /// ln(self) rounded to `scale` digits; self > 0.
    fn ln(&self, scale: i64) -> Decimal {
        let precision = (scale.max(0) + GUARD_DIGITS + self.exponent().unsigned_abs().to_string().len() as i64) as u32;
        let one = pow10(precision);
        // self = 2^k * y with y close to 1, then ln y = 2 atanh((y - 1) / (y + 1)).
        let denominator = pow10(self.scale);
        let mut k = self.unscaled.bits() as i64 - denominator.bits() as i64;
        let shift = |k: i64| {
            let scaled = &self.unscaled * &one;
            if k >= 0 { scaled / (&denominator << k as u64) } else { (scaled << k.unsigned_abs()) / &denominator }
        };
        let mut y = shift(k);
        if &y * 3u32 > &one * 4u32 {
            k += 1;
            y = shift(k);
        }
        let ln_y = two_atanh(&(&y - &one), &(&y + &one), &one);
        let unscaled = ln_y + ln_2(&one) * k;
        Decimal::new(unscaled, precision).rescaled(scale.max(0) as u32)
    }

    /// e^self rounded to `scale` digits.
    fn exp(&self, scale: u32) -> Result<Decimal> {
        let value = self.approximate();
        if value.abs() >= (MAX_RESULT_SCALE * 3) as f64 {
            return if value > 0.0 { Err(overflow()) } else { Ok(Decimal::new(BigInt::zero(), scale)) };
        }
        let weight = (value * std::f64::consts::LOG10_E).max(0.0) as i64;
        let precision = (i64::from(scale) + weight + GUARD_DIGITS + 8) as u32;
        let one = pow10(precision);
        let x = self.rescaled(precision).unscaled;
        // x = n ln 2 + r, e^x = 2^n (e^(r / 2^8))^(2^8).
        let ln_2 = ln_2(&one);
        let n = x.div_floor(&ln_2);
        let r = &x - &n * &ln_2;
        let n = n.to_i64().ok_or_else(overflow)?;
        const HALVINGS: u32 = 8;
        let small = r >> HALVINGS;
        let mut sum = one.clone();
        let mut term = one.clone();
        let mut i = 1u32;
        while !term.is_zero() {
            term = &term * &small / &one / i;
            sum += &term;
            i += 1;
        }
        for _ in 0..HALVINGS {
            sum = &sum * &sum / &one;
        }
        let unscaled = if n >= 0 { sum << n as u64 } else { sum >> n.unsigned_abs() };
        Ok(Decimal::new(unscaled, precision).rescaled(scale))
    }

    /// self^exponent rounded to `scale` digits (power_var_int in numeric.c).
    fn power_int(&self, exponent: i64, scale: u32) -> Result<Decimal> {
        match exponent {
            0 => return Ok(Decimal::one().rescaled(scale)),
            1 => return Ok(self.rescaled(scale)),
            -1 if self.unscaled.is_zero() => return Err(division_by_zero()),
            -1 => return Ok(Decimal::one().divided(self, scale)),
            2 => return Ok(Decimal::new(&self.unscaled * &self.unscaled, self.scale * 2).rescaled(scale)),
            _ => {}
        }
        if self.unscaled.is_zero() {
            return if exponent < 0 { Err(division_by_zero()) } else { Ok(Decimal::new(BigInt::zero(), scale)) };
        }
        let (mantissa, weight) = self.to_parts();
        let result_weight = exponent as f64 * (mantissa.abs().log10() + weight as f64);
        if result_weight > 3.0 * 32767.0 * 4.0 {
            return Err(overflow());
        }
        if result_weight + 1.0 < -f64::from(scale) || result_weight + 1.0 < -(MAX_DISPLAY_SCALE as f64) {
            return Ok(Decimal::new(BigInt::zero(), scale));
        }
        let kept = 1 + i64::from(scale) + result_weight.abs() as i64 + GUARD_DIGITS + 12;
        let power = Floating::new(self).power(exponent.unsigned_abs(), kept);
        Ok(if exponent < 0 { power.reciprocal(scale) } else { power.to_decimal(scale) })
    }
}

/// 2 atanh(numerator / denominator) in units of 1 / `one`.
fn two_atanh(numerator: &BigInt, denominator: &BigInt, one: &BigInt) -> BigInt {
    let z = numerator * one / denominator;
    let z_squared = &z * &z / one;
    let mut power = z.clone();
    let mut sum = z;
    let mut k = 3u32;
    while !power.is_zero() {
        power = &power * &z_squared / one;
        sum += &power / k;
        k += 2;
    }
    sum * 2
}

/// ln 2 in units of 1 / `one`.
fn ln_2(one: &BigInt) -> BigInt {
    two_atanh(&BigInt::one(), &BigInt::from(3), one)
}

/// A decimal number of limited precision with an exponent of its own: `mantissa * 10^exponent`.
struct Floating {
    mantissa: BigInt,
    exponent: i64,
}

impl Floating {
    fn new(decimal: &Decimal) -> Self {
        Floating { mantissa: decimal.unscaled.clone(), exponent: -i64::from(decimal.scale) }
    }

    fn times(&self, other: &Floating, kept: i64) -> Floating {
        let mantissa = &self.mantissa * &other.mantissa;
        let exponent = self.exponent + other.exponent;
        let excess = Decimal::new(mantissa.clone(), 0).digits() - kept;
        if excess <= 0 {
            return Floating { mantissa, exponent };
        }
        Floating { mantissa: divide_rounded(&mantissa, &pow10(excess as u32)), exponent: exponent + excess }
    }

    fn power(&self, mut exponent: u64, kept: i64) -> Floating {
        let mut base = Floating { mantissa: self.mantissa.clone(), exponent: self.exponent };
        let mut result = Floating { mantissa: BigInt::one(), exponent: 0 };
        while exponent > 0 {
            if exponent & 1 == 1 {
                result = result.times(&base, kept);
            }
            exponent >>= 1;
            if exponent > 0 {
                base = base.times(&base, kept);
            }
        }
        result
    }

    fn to_decimal(&self, scale: u32) -> Decimal {
        if self.exponent >= 0 {
            return Decimal::new(&self.mantissa * pow10(self.exponent as u32), 0).rescaled(scale);
        }
        Decimal::new(self.mantissa.clone(), self.exponent.unsigned_abs() as u32).rescaled(scale)
    }

    fn reciprocal(&self, scale: u32) -> Decimal {
        let shift = i64::from(scale) - self.exponent;
        let unscaled = if shift >= 0 { divide_rounded(&pow10(shift as u32), &self.mantissa) } else { BigInt::zero() };
        Decimal::new(unscaled, scale)
    }
}

impl Numeric {
    /// sqrt(); 2201F for negative numbers.
    pub fn sqrt(&self) -> Result<Numeric> {
        let negative = || power_error("cannot take square root of a negative number");
        match self {
            Numeric::NaN | Numeric::Infinity => Ok(self.clone()),
            Numeric::NegativeInfinity => Err(negative()),
            Numeric::Finite(x) if x.unscaled.is_negative() => Err(negative()),
            Numeric::Finite(x) => {
                let weight = x.exponent().div_euclid(4) * 4 / 2 + 1;
                let scale = clamp_scale(MIN_SIGNIFICANT_DIGITS - weight, x.scale);
                // One digit more than shown: a root is never exactly between two digits unless it ends there.
                let root = x.rescaled(2 * (scale + 1)).unscaled.sqrt();
                Ok(Decimal::new(root, scale + 1).rescaled(scale).into())
            }
        }
    }

    /// The square root with as many digits after the point as the number itself, as standard deviations are shown.
    pub fn sqrt_same_scale(&self) -> Result<Numeric> {
        match self {
            Numeric::Finite(x) if !x.unscaled.is_negative() => {
                let root = x.rescaled(2 * (x.scale + 1)).unscaled.sqrt();
                Ok(Decimal::new(root, x.scale + 1).rescaled(x.scale).into())
            }
            _ => self.sqrt(),
        }
    }

    /// exp(); 22003 if the result is too large.
    pub fn exp(&self) -> Result<Numeric> {
        match self {
            Numeric::NaN | Numeric::Infinity => Ok(self.clone()),
            Numeric::NegativeInfinity => Ok(Numeric::zero()),
            Numeric::Finite(x) => {
                let limit = MAX_RESULT_SCALE as f64;
                let weight = (x.approximate() * std::f64::consts::LOG10_E).clamp(-limit, limit) as i64;
                let scale = clamp_scale(MIN_SIGNIFICANT_DIGITS - weight, x.scale);
                Numeric::checked(x.exp(scale)?)
            }
        }
    }

    /// ln(); 2201E for zero and negative numbers.
    pub fn ln(&self) -> Result<Numeric> {
        match self {
            Numeric::NaN | Numeric::Infinity => Ok(self.clone()),
            _ => {
                let x = self.logarithm_argument()?;
                let scale = clamp_scale(MIN_SIGNIFICANT_DIGITS - x.ln_weight(), x.scale);
                Ok(x.ln(scale.into()).into())
            }
        }
    }

    fn logarithm_argument(&self) -> Result<&Decimal> {
        match (self, self.signum()) {
            (Numeric::Finite(x), 1) => Ok(x),
            (_, 0) => Err(logarithm_error("zero")),
            _ => Err(logarithm_error("a negative number")),
        }
    }

    /// log(base, self).
    pub fn log(&self, base: &Numeric) -> Result<Numeric> {
        if self.is_nan() || base.is_nan() {
            return Ok(Numeric::NaN);
        }
        for operand in [base, self] {
            if operand.signum() <= 0 {
                operand.logarithm_argument()?;
            }
        }
        match (self, base) {
            (Numeric::Finite(num), Numeric::Finite(base)) => {
                let base_weight = base.ln_weight();
                let num_weight = num.ln_weight();
                let weight = num_weight - base_weight;
                let scale = clamp_scale(MIN_SIGNIFICANT_DIGITS - weight, base.scale.max(num.scale));
                let ln_base = base.ln(i64::from(scale) + weight - base_weight + GUARD_DIGITS);
                let ln_num = num.ln(i64::from(scale) + weight - num_weight + GUARD_DIGITS);
                if ln_base.unscaled.is_zero() {
                    return Err(division_by_zero());
                }
                Ok(ln_num.divided(&ln_base, scale).into())
            }
            (Numeric::Finite(_), _) => Ok(Numeric::zero()),
            (_, Numeric::Finite(_)) => Ok(Numeric::Infinity),
            _ => Ok(Numeric::NaN),
        }
    }

    /// log(self): base 10.
    pub fn log10(&self) -> Result<Numeric> {
        self.log(&Numeric::from(10))
    }

    /// power(self, exponent), `self ^ exponent`.
    pub fn power(&self, exponent: &Numeric) -> Result<Numeric> {
        let (Numeric::Finite(base), Numeric::Finite(power)) = (self, exponent) else {
            return self.power_special(exponent);
        };
        if base.unscaled.is_zero() && power.unscaled.is_negative() {
            return Err(power_error("zero raised to a negative power is undefined"));
        }
        if base.unscaled.is_negative() && !power.is_integer() {
            return Err(power_error("a negative number raised to a non-integer power yields a complex result"));
        }
        if let Some(int) = power.to_exact_i64().filter(|int| i32::try_from(*int).is_ok()) {
            return Numeric::checked(base.power_int(int, clamp_scale(MIN_SIGNIFICANT_DIGITS, base.scale))?);
        }
        power_general(base, power)
    }

    /// Powers with NaN or an infinity on either side (numeric_power in numeric.c).
    fn power_special(&self, exponent: &Numeric) -> Result<Numeric> {
        let one = Numeric::from(1);
        let odd = |n: &Numeric| matches!(n, Numeric::Finite(d) if d.is_integer() && d.rescaled(0).unscaled.is_odd());
        match (self, exponent) {
            // NaN ^ 0 = 1 and 1 ^ NaN = 1, as POSIX has it.
            (Numeric::NaN, e) if e.signum() == 0 && !e.is_nan() => Ok(one),
            (Numeric::NaN, _) => Ok(Numeric::NaN),
            (b, Numeric::NaN) => Ok(if *b == one { one } else { Numeric::NaN }),
            (b, e) if b.signum() == 0 && e.signum() < 0 => {
                Err(power_error("zero raised to a negative power is undefined"))
            }
            (b, Numeric::Finite(e)) if b.signum() < 0 && !e.is_integer() => {
                Err(power_error("a negative number raised to a non-integer power yields a complex result"))
            }
            (b, _) if *b == one => Ok(one),
            (_, e) if e.signum() == 0 => Ok(one),
            (b, e) if b.signum() == 0 && e.signum() > 0 => Ok(Numeric::zero()),
            (b, Numeric::Infinity | Numeric::NegativeInfinity) => {
                let magnitude = b.abs();
                if magnitude == one {
                    return Ok(one);
                }
                let grows = (magnitude > one) == (exponent.signum() > 0);
                Ok(if grows { Numeric::Infinity } else { Numeric::zero() })
            }
            (_, e) if e.signum() < 0 => Ok(Numeric::zero()),
            (Numeric::NegativeInfinity, e) if odd(e) => Ok(Numeric::NegativeInfinity),
            _ => Ok(Numeric::Infinity),
        }
    }
}

/// base^power through e^(power ln base), for powers that are not small integers (power_var in numeric.c).
fn power_general(base: &Decimal, power: &Decimal) -> Result<Numeric> {
    if base.unscaled.is_zero() {
        return Ok(Decimal::new(BigInt::zero(), MIN_SIGNIFICANT_DIGITS as u32).into());
    }
    let magnitude = Decimal::new(base.unscaled.abs(), base.scale);
    let ln_estimate = magnitude.approximate_ln();
    let value = power.approximate() * if ln_estimate == 0.0 { magnitude.ln(40).approximate() } else { ln_estimate };
    if value.abs() > MAX_RESULT_SCALE as f64 * 3.01 {
        return if value > 0.0 {
            Err(overflow())
        } else {
            Ok(Decimal::new(BigInt::zero(), MAX_DISPLAY_SCALE as u32).into())
        };
    }
    let weight = (value * std::f64::consts::LOG10_E) as i64;
    let scale = clamp_scale(MIN_SIGNIFICANT_DIGITS - weight, base.scale.max(power.scale));
    let significant = (i64::from(scale) + weight).max(0);
    let ln_scale = (significant - magnitude.ln_weight() + GUARD_DIGITS + power.exponent().max(0)).max(0);
    let ln_base = magnitude.ln(ln_scale);
    let exponent = Decimal::new(&ln_base.unscaled * &power.unscaled, ln_base.scale + power.scale);
    let mut result = exponent.exp(scale)?;
    if base.unscaled.is_negative() && power.rescaled(0).unscaled.is_odd() {
        result.unscaled = -result.unscaled;
    }
    Numeric::checked(result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::numeric::make_typmod;
    use crate::types::numeric_wire::compare_text;

    fn compute(operation: &str, left: &str, right: &str) -> Result<String> {
        let a = Numeric::parse(left)?;
        let number = || Numeric::parse(right);
        let places = || right.parse::<i32>().unwrap();
        let result = match operation {
            "add" => a.add(&number()?)?,
            "sub" => a.sub(&number()?)?,
            "mul" => a.mul(&number()?)?,
            "div" => a.div(&number()?)?,
            "rem" => a.rem(&number()?)?,
            "div_trunc" => a.div_trunc(&number()?)?,
            "power" => a.power(&number()?)?,
            "log" => number()?.log(&a)?,
            "cmp" => {
                let order = a.cmp(&number()?);
                assert_eq!(compare_text(&a.to_string(), &number()?.to_string()), order, "{left} {right}");
                Numeric::from(order as i64)
            }
            "sqrt" => a.sqrt()?,
            "exp" => a.exp()?,
            "ln" => a.ln()?,
            "floor" => a.floor()?,
            "ceil" => a.ceil()?,
            "neg" => a.neg(),
            "abs" => a.abs(),
            "float8" => Numeric::from_f64(a.to_f64()),
            "trim_scale" => a.trim_scale(),
            "round" => a.round(places())?,
            "trunc" => a.trunc(places())?,
            "typmod" => {
                let (precision, scale) = right.split_once(',').unwrap();
                a.apply_typmod(make_typmod(precision.parse().unwrap(), scale.parse().unwrap()))?
            }
            _ => panic!("{operation}"),
        };
        Ok(result.to_string())
    }

    #[test]
    fn computes_what_postgresql_computes() {
        let mut wrong = Vec::new();
        for line in include_str!("../../fixtures/numeric.tsv").lines() {
            let [operation, a, b, expected] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
            let got = compute(operation, a, b)
                .unwrap_or_else(|error| format!("!{} {}", error.code().as_str(), error.message()));
            if got != expected {
                wrong.push(format!("{line}\n    got {got}"));
            }
        }
        assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    }
}
