//! Sums, averages, variances and regressions of floats, by PostgreSQL's own running formulas so that the last digits
//! agree.
//!
//! Specification: float.c (float8_accum, float8_regr_accum: the Youngs-Cramer method). PostgreSQL cannot take a row out of
//! such a state: where a frame's start moves, `moving` computes each frame anew.

use rusqlite::Connection;

use super::moving::{FloatState, Moving, numbers};
use super::{Accumulator, register_one};
use crate::engine::functions::{Args, ContextSlot, Output, quick};
use crate::error::{Error, Result, SqlState};

pub(super) fn register(connection: &Connection, slot: &ContextSlot) -> Result<()> {
    register_quick::<Sum<true>>(connection, slot, "pg_sum_float4", "pg_moving_sum_float4")?;
    register_quick::<Sum<false>>(connection, slot, "pg_sum_float8", "pg_moving_sum_float8")?;
    register_quick::<Average>(connection, slot, "pg_avg_float", "pg_moving_avg_float")?;
    register_both::<Variance<false, false>>(connection, slot, "pg_var_samp_float", "pg_moving_var_samp_float")?;
    register_both::<Variance<true, false>>(connection, slot, "pg_var_pop_float", "pg_moving_var_pop_float")?;
    register_both::<Variance<false, true>>(connection, slot, "pg_stddev_samp_float", "pg_moving_stddev_samp_float")?;
    register_both::<Variance<true, true>>(connection, slot, "pg_stddev_pop_float", "pg_moving_stddev_pop_float")?;
    register_both::<Regression<{ Kind::Count as u8 }>>(connection, slot, "pg_regr_count", "pg_moving_regr_count")?;
    register_both::<Regression<{ Kind::Sxx as u8 }>>(connection, slot, "pg_regr_sxx", "pg_moving_regr_sxx")?;
    register_both::<Regression<{ Kind::Syy as u8 }>>(connection, slot, "pg_regr_syy", "pg_moving_regr_syy")?;
    register_both::<Regression<{ Kind::Sxy as u8 }>>(connection, slot, "pg_regr_sxy", "pg_moving_regr_sxy")?;
    register_both::<Regression<{ Kind::AverageX as u8 }>>(connection, slot, "pg_regr_avgx", "pg_moving_regr_avgx")?;
    register_both::<Regression<{ Kind::AverageY as u8 }>>(connection, slot, "pg_regr_avgy", "pg_moving_regr_avgy")?;
    register_both::<Regression<{ Kind::R2 as u8 }>>(connection, slot, "pg_regr_r2", "pg_moving_regr_r2")?;
    register_both::<Regression<{ Kind::Slope as u8 }>>(connection, slot, "pg_regr_slope", "pg_moving_regr_slope")?;
    register_both::<Regression<{ Kind::Intercept as u8 }>>(
        connection,
        slot,
        "pg_regr_intercept",
        "pg_moving_regr_intercept",
    )?;
    register_both::<Regression<{ Kind::CovariancePop as u8 }>>(
        connection,
        slot,
        "pg_covar_pop",
        "pg_moving_covar_pop",
    )?;
    register_both::<Regression<{ Kind::CovarianceSamp as u8 }>>(
        connection,
        slot,
        "pg_covar_samp",
        "pg_moving_covar_samp",
    )?;
    register_both::<Regression<{ Kind::Correlation as u8 }>>(connection, slot, "pg_corr", "pg_moving_corr")
}

/// Registers an aggregate, and what it is where a frame's start moves.
fn register_both<S: FloatState>(connection: &Connection, slot: &ContextSlot, name: &str, moving: &str) -> Result<()> {
    let arity = if S::ARGUMENTS > 1 { 2 } else { 1 };
    register_one::<Growing<S>>(connection, slot, name, arity)?;
    register_one::<Moving<S>>(connection, slot, moving, arity)
}

/// The same for those that are called for every row of large tables.
fn register_quick<S: FloatState>(connection: &Connection, slot: &ContextSlot, name: &str, moving: &str) -> Result<()> {
    quick::register_aggregate::<S>(connection, slot, name)?;
    register_one::<Moving<S>>(connection, slot, moving, 1)
}

/// The aggregate of a frame that only grows.
#[derive(Default)]
struct Growing<S>(S);

impl<S: FloatState> Accumulator for Growing<S> {
    fn add(&mut self, args: &Args<'_>) -> Result<()> {
        self.0.take(numbers::<S>(args)?)
    }

    fn remove(&mut self, _: &Args<'_>) -> Result<()> {
        Err(Error::internal("a float taken out of a sum"))
    }

    fn value(&self) -> Result<Output> {
        self.0.result()
    }
}

pub(in crate::engine::functions) fn overflow() -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow")
}

/// sum(real), sum(double precision)
#[derive(Default)]
struct Sum<const SINGLE: bool> {
    count: u64,
    finite: f64,
    nans: u64,
    infinities: u64,
    negative_infinities: u64,
}

impl<const SINGLE: bool> Sum<SINGLE> {
    fn add(&mut self, value: f64) -> Result<()> {
        self.count += 1;
        if value.is_nan() {
            self.nans += 1;
        } else if value.is_infinite() {
            *if value > 0.0 { &mut self.infinities } else { &mut self.negative_infinities } += 1;
        } else {
            let exact = self.finite + value;
            self.finite = if SINGLE { f64::from(exact as f32) } else { exact };
            if self.finite.is_infinite() {
                return Err(overflow());
            }
        }
        Ok(())
    }

    fn sum(&self) -> f64 {
        match (self.nans, self.infinities, self.negative_infinities) {
            (0, 0, 0) => self.finite,
            (0, _, 0) => f64::INFINITY,
            (0, 0, _) => f64::NEG_INFINITY,
            _ => f64::NAN,
        }
    }
}

impl<const SINGLE: bool> FloatState for Sum<SINGLE> {
    const ARGUMENTS: usize = 1;

    fn take(&mut self, [value, _]: [f64; 2]) -> Result<()> {
        self.add(value)
    }

    fn result(&self) -> Result<Output> {
        Ok(if self.count == 0 { Output::NULL } else { self.sum().into() })
    }
}

/// avg(real), avg(double precision)
#[derive(Default)]
struct Average(Sum<false>);

impl FloatState for Average {
    const ARGUMENTS: usize = 1;

    fn take(&mut self, [value, _]: [f64; 2]) -> Result<()> {
        self.0.add(value)
    }

    fn result(&self) -> Result<Output> {
        Ok(if self.0.count == 0 { Output::NULL } else { (self.0.sum() / self.0.count as f64).into() })
    }
}

/// The count, the sum and the sum of squared differences of one variable (the array of float8_accum).
#[derive(Clone, Copy, Default)]
pub(in crate::engine::functions) struct Moments {
    pub n: f64,
    pub sx: f64,
    pub sxx: f64,
}

impl Moments {
    /// float8_accum
    pub fn add(&mut self, value: f64) -> Result<()> {
        let (n, sx) = (self.n, self.sx);
        self.n += 1.0;
        self.sx += value;
        if n > 0.0 {
            let difference = value * self.n - self.sx;
            self.sxx += difference * difference / (self.n * n);
            if self.sx.is_infinite() || self.sxx.is_infinite() {
                if !sx.is_infinite() && !value.is_infinite() {
                    return Err(overflow());
                }
                self.sxx = f64::NAN;
            }
        } else if !value.is_finite() {
            self.sxx = f64::NAN;
        }
        Ok(())
    }

    /// The variance, or its root.
    pub fn variance(&self, population: bool, root: bool) -> Option<f64> {
        let divisor = if population { self.n } else { self.n - 1.0 };
        if divisor <= 0.0 {
            return None;
        }
        let variance = self.sxx / divisor;
        Some(if root { variance.sqrt() } else { variance })
    }
}

#[derive(Default)]
struct Variance<const POPULATION: bool, const ROOT: bool>(Moments);

impl<const POPULATION: bool, const ROOT: bool> FloatState for Variance<POPULATION, ROOT> {
    const ARGUMENTS: usize = 1;

    fn take(&mut self, [value, _]: [f64; 2]) -> Result<()> {
        self.0.add(value)
    }

    fn result(&self) -> Result<Output> {
        Ok(self.0.variance(POPULATION, ROOT).into())
    }
}

/// What is read off a regression's state.
#[derive(Clone, Copy)]
pub(in crate::engine::functions) enum Kind {
    Count,
    Sxx,
    Syy,
    Sxy,
    AverageX,
    AverageY,
    R2,
    Slope,
    Intercept,
    CovariancePop,
    CovarianceSamp,
    Correlation,
}

/// All of them, by their numbers.
const KINDS: [Kind; 12] = [
    Kind::Count,
    Kind::Sxx,
    Kind::Syy,
    Kind::Sxy,
    Kind::AverageX,
    Kind::AverageY,
    Kind::R2,
    Kind::Slope,
    Kind::Intercept,
    Kind::CovariancePop,
    Kind::CovarianceSamp,
    Kind::Correlation,
];

/// The sums of two variables (the array of float8_regr_accum).
#[derive(Clone, Copy, Default)]
pub(in crate::engine::functions) struct Pairs {
    pub n: f64,
    pub sx: f64,
    pub sxx: f64,
    pub sy: f64,
    pub syy: f64,
    pub sxy: f64,
}

impl Pairs {
    /// float8_regr_accum
    pub fn add(&mut self, y: f64, x: f64) -> Result<()> {
        let before = *self;
        self.n += 1.0;
        self.sx += x;
        self.sy += y;
        if before.n > 0.0 {
            let (dx, dy) = (x * self.n - self.sx, y * self.n - self.sy);
            let scale = 1.0 / (self.n * before.n);
            self.sxx += dx * dx * scale;
            self.syy += dy * dy * scale;
            self.sxy += dx * dy * scale;
            let finite_x = !before.sx.is_infinite() && !x.is_infinite();
            let finite_y = !before.sy.is_infinite() && !y.is_infinite();
            let of_x = (self.sx.is_infinite() || self.sxx.is_infinite()) && finite_x;
            let of_y = (self.sy.is_infinite() || self.syy.is_infinite()) && finite_y;
            if of_x || of_y || self.sxy.is_infinite() && finite_x && finite_y {
                return Err(overflow());
            }
            for sum in [&mut self.sxx, &mut self.syy, &mut self.sxy].into_iter().filter(|sum| sum.is_infinite()) {
                *sum = f64::NAN;
            }
            return Ok(());
        }
        if !x.is_finite() {
            (self.sxx, self.sxy) = (f64::NAN, f64::NAN);
        }
        if !y.is_finite() {
            (self.syy, self.sxy) = (f64::NAN, f64::NAN);
        }
        Ok(())
    }

    /// `None` where it is not defined.
    pub fn read(&self, kind: Kind) -> Option<f64> {
        let Pairs { n, sx, sxx, sy, syy, sxy } = *self;
        if n < 1.0 {
            return None;
        }
        match kind {
            Kind::Count => Some(n),
            Kind::Sxx => Some(sxx),
            Kind::Syy => Some(syy),
            Kind::Sxy => Some(sxy),
            Kind::AverageX => Some(sx / n),
            Kind::AverageY => Some(sy / n),
            Kind::CovariancePop => Some(sxy / n),
            Kind::CovarianceSamp => (n >= 2.0).then(|| sxy / (n - 1.0)),
            Kind::Correlation => (sxx != 0.0 && syy != 0.0).then(|| sxy / (sxx * syy).sqrt()),
            Kind::R2 | Kind::Slope | Kind::Intercept if sxx == 0.0 => None,
            Kind::R2 if syy == 0.0 => Some(1.0),
            Kind::R2 => Some((sxy * sxy) / (sxx * syy)),
            Kind::Slope => Some(sxy / sxx),
            Kind::Intercept => Some((sy - sx * sxy / sxx) / n),
        }
    }
}

/// Two variables: the arguments are Y and X. KIND is the number of a [`Kind`].
#[derive(Default)]
struct Regression<const KIND: u8>(Pairs);

impl<const KIND: u8> FloatState for Regression<KIND> {
    const ARGUMENTS: usize = 2;

    fn take(&mut self, [y, x]: [f64; 2]) -> Result<()> {
        self.0.add(y, x)
    }

    fn result(&self) -> Result<Output> {
        Ok(match const { KINDS[KIND as usize] } {
            Kind::Count => (self.0.n as i64).into(),
            kind => self.0.read(kind).into(),
        })
    }
}
