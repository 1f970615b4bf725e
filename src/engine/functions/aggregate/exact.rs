//! Sums, averages and variances of integers and numerics: exact, with PostgreSQL's result scales.
//!
//! Specification: numeric.c (numeric_avg, numeric_stddev_internal) and its poly-num relatives for integers.

use num_bigint::BigInt;
use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::{Accumulator, register_one};
use crate::engine::functions::{Args, ContextSlot, Output};
use crate::error::Result;
use crate::types::numeric::Numeric;

pub(super) fn register(connection: &Connection, slot: &ContextSlot) -> Result<()> {
    register_one::<IntegerSum>(connection, slot, "pg_sum_int8", 1)?;
    register_one::<IntegerAverage>(connection, slot, "pg_avg_int", 1)?;
    register_one::<NumericSum>(connection, slot, "pg_sum_numeric", 1)?;
    register_one::<NumericAverage>(connection, slot, "pg_avg_numeric", 1)?;
    register_one::<Variance<false, false>>(connection, slot, "pg_var_samp_numeric", 1)?;
    register_one::<Variance<true, false>>(connection, slot, "pg_var_pop_numeric", 1)?;
    register_one::<Variance<false, true>>(connection, slot, "pg_stddev_samp_numeric", 1)?;
    register_one::<Variance<true, true>>(connection, slot, "pg_stddev_pop_numeric", 1)
}

/// Integers cannot overflow this: 2^64 rows of 2^63.
#[derive(Default)]
struct Integers {
    count: i64,
    sum: i128,
}

impl Integers {
    fn add(&mut self, args: &Args<'_>) -> Result<()> {
        self.sum += i128::from(args.int(0)?);
        self.count += 1;
        Ok(())
    }

    fn remove(&mut self, args: &Args<'_>) -> Result<()> {
        self.sum -= i128::from(args.int(0)?);
        self.count -= 1;
        Ok(())
    }
}

/// sum(bigint)
#[derive(Default)]
struct IntegerSum(Integers);

impl Accumulator for IntegerSum {
    fn add(&mut self, args: &Args<'_>) -> Result<()> {
        self.0.add(args)
    }

    fn remove(&mut self, args: &Args<'_>) -> Result<()> {
        self.0.remove(args)
    }

    fn value(&self) -> Result<Output> {
        Ok(if self.0.count == 0 { Output::NULL } else { self.0.sum.to_string().into() })
    }
}

/// avg(smallint), avg(integer), avg(bigint)
#[derive(Default)]
struct IntegerAverage(Integers);

impl Accumulator for IntegerAverage {
    fn add(&mut self, args: &Args<'_>) -> Result<()> {
        self.0.add(args)
    }

    fn remove(&mut self, args: &Args<'_>) -> Result<()> {
        self.0.remove(args)
    }

    fn value(&self) -> Result<Output> {
        if self.0.count == 0 {
            return Ok(Output::NULL);
        }
        Ok(Numeric::integer(self.0.sum.into()).div(&Numeric::from(self.0.count))?.to_string().into())
    }
}

/// A sum of numerics. Finite values are added up in 128 bits while they fit.
#[derive(Default)]
struct Total {
    /// Finite values, in units of 10^-small_scale.
    small: i128,
    small_scale: u32,
    /// What did not fit into `small`.
    large: Option<Numeric>,
    /// How many values there are of each scale: the result shows as many digits as the one with the most.
    scales: Vec<u64>,
    nans: u64,
    infinities: u64,
    negative_infinities: u64,
}

impl Total {
    fn is_empty(&self) -> bool {
        self.nans + self.infinities + self.negative_infinities == 0 && self.scales.iter().all(|n| *n == 0)
    }

    fn count(&self) -> u64 {
        self.nans + self.infinities + self.negative_infinities + self.scales.iter().sum::<u64>()
    }

    fn include(&mut self, args: &Args<'_>, index: usize) -> Result<()> {
        if let ValueRef::Text(text) = args.raw(index)
            && let Some((unscaled, scale)) = small_decimal(text)
            && self.add_small(unscaled, scale)
        {
            self.count_scale(scale, true);
            return Ok(());
        }
        self.include_value(&args.numeric(index)?, true)
    }

    fn exclude(&mut self, args: &Args<'_>, index: usize) -> Result<()> {
        self.include_value(&args.numeric(index)?, false)
    }

    /// Adds a value, or takes it out again.
    fn include_value(&mut self, value: &Numeric, add: bool) -> Result<()> {
        let step = |counter: &mut u64| *counter = if add { *counter + 1 } else { counter.saturating_sub(1) };
        match value {
            Numeric::NaN => step(&mut self.nans),
            Numeric::Infinity => step(&mut self.infinities),
            Numeric::NegativeInfinity => step(&mut self.negative_infinities),
            Numeric::Finite(_) => {
                let large = self.large.take().unwrap_or_else(Numeric::zero);
                self.large = Some(if add { large.add(value)? } else { large.sub(value)? });
                self.count_scale(value.scale().unwrap_or(0), add);
            }
        }
        Ok(())
    }

    fn count_scale(&mut self, scale: u32, add: bool) {
        let index = scale as usize;
        if self.scales.len() <= index {
            self.scales.resize(index + 1, 0);
        }
        if let Some(count) = self.scales.get_mut(index) {
            *count = if add { *count + 1 } else { count.saturating_sub(1) };
        }
    }

    /// False if the sum does not fit.
    fn add_small(&mut self, unscaled: i128, scale: u32) -> bool {
        let common = self.small_scale.max(scale);
        let raise = |value: i128, from: u32| 10i128.checked_pow(common - from).and_then(|p| value.checked_mul(p));
        let sum = match (raise(self.small, self.small_scale), raise(unscaled, scale)) {
            (Some(a), Some(b)) => a.checked_add(b),
            _ => None,
        };
        if let Some(sum) = sum {
            (self.small, self.small_scale) = (sum, common);
        }
        sum.is_some()
    }

    fn sum(&self) -> Result<Numeric> {
        let both = self.infinities > 0 && self.negative_infinities > 0;
        if self.nans > 0 || both {
            return Ok(Numeric::NaN);
        }
        if self.infinities > 0 {
            return Ok(Numeric::Infinity);
        }
        if self.negative_infinities > 0 {
            return Ok(Numeric::NegativeInfinity);
        }
        let small = Numeric::decimal(self.small.into(), self.small_scale);
        let sum = match &self.large {
            Some(large) => small.add(large)?,
            None => small,
        };
        let shown = self.scales.iter().rposition(|count| *count > 0).unwrap_or(0);
        sum.round(shown as i32)
    }
}

/// A decimal of at most 30 digits, without an exponent.
fn small_decimal(text: &[u8]) -> Option<(i128, u32)> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > 31 {
        return None;
    }
    let (mut value, mut scale, mut point) = (0i128, 0, false);
    for byte in digits {
        match byte {
            b'0'..=b'9' => {
                value = value * 10 + i128::from(byte - b'0');
                scale += u32::from(point);
            }
            b'.' if !point => point = true,
            _ => return None,
        }
    }
    Some((if negative { -value } else { value }, scale))
}

/// sum(numeric)
#[derive(Default)]
struct NumericSum(Total);

impl Accumulator for NumericSum {
    fn add(&mut self, args: &Args<'_>) -> Result<()> {
        self.0.include(args, 0)
    }

    fn remove(&mut self, args: &Args<'_>) -> Result<()> {
        self.0.exclude(args, 0)
    }

    fn value(&self) -> Result<Output> {
        Ok(if self.0.is_empty() { Output::NULL } else { self.0.sum()?.to_string().into() })
    }
}

/// avg(numeric)
#[derive(Default)]
struct NumericAverage(Total);

impl Accumulator for NumericAverage {
    fn add(&mut self, args: &Args<'_>) -> Result<()> {
        self.0.include(args, 0)
    }

    fn remove(&mut self, args: &Args<'_>) -> Result<()> {
        self.0.exclude(args, 0)
    }

    fn value(&self) -> Result<Output> {
        if self.0.is_empty() {
            return Ok(Output::NULL);
        }
        let count = Numeric::integer(BigInt::from(self.0.count()));
        Ok(self.0.sum()?.div(&count)?.to_string().into())
    }
}

/// var_samp, var_pop, stddev_samp and stddev_pop of integers and numerics.
#[derive(Default)]
struct Variance<const POPULATION: bool, const ROOT: bool> {
    sum: Total,
    /// Of the finite values.
    squares: Option<Numeric>,
}

impl<const POPULATION: bool, const ROOT: bool> Variance<POPULATION, ROOT> {
    fn change(&mut self, args: &Args<'_>, add: bool) -> Result<()> {
        let value = args.numeric(0)?;
        let squares = self.squares.take().unwrap_or_else(Numeric::zero);
        self.squares = Some(squares.add_exact(&value.mul_exact(&value), !add));
        self.sum.include_value(&value, add)
    }
}

impl<const POPULATION: bool, const ROOT: bool> Accumulator for Variance<POPULATION, ROOT> {
    fn add(&mut self, args: &Args<'_>) -> Result<()> {
        self.change(args, true)
    }

    fn remove(&mut self, args: &Args<'_>) -> Result<()> {
        self.change(args, false)
    }

    fn value(&self) -> Result<Output> {
        let count = self.sum.count();
        if count == 0 || (count == 1 && !POPULATION) {
            return Ok(Output::NULL);
        }
        let sum = self.sum.sum()?;
        let Some(scale) = sum.scale() else { return Ok(Output::Static("NaN")) };
        let n = Numeric::integer(BigInt::from(count));
        // Values that have left the frame had perhaps more digits.
        let squares = self.squares.clone().unwrap_or_else(Numeric::zero).at_scale(2 * scale);
        let spread = n.mul_exact(&squares).add_exact(&sum.mul_exact(&sum), true);
        if spread.signum() <= 0 {
            return Ok(Output::Static("0"));
        }
        let divisor = if POPULATION { n.mul(&n)? } else { n.mul(&n.sub(&Numeric::from(1))?)? };
        let variance = spread.div(&divisor)?;
        let result = if ROOT { variance.sqrt_same_scale()? } else { variance };
        Ok(result.to_string().into())
    }
}
