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

fn overflow() -> Error {
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

/// The count, the sum and the sum of squared differences of one variable.
#[derive(Default)]
struct Variance<const POPULATION: bool, const ROOT: bool> {
    n: f64,
    sx: f64,
    sxx: f64,
}

impl<const POPULATION: bool, const ROOT: bool> FloatState for Variance<POPULATION, ROOT> {
    const ARGUMENTS: usize = 1;

    fn take(&mut self, [value, _]: [f64; 2]) -> Result<()> {
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

    fn result(&self) -> Result<Output> {
        let divisor = if POPULATION { self.n } else { self.n - 1.0 };
        if divisor <= 0.0 {
            return Ok(Output::NULL);
        }
        let variance = self.sxx / divisor;
        Ok(if ROOT { variance.sqrt().into() } else { variance.into() })
    }
}

/// What is read off a regression's state.
enum Kind {
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

/// Two variables: the arguments are Y and X. KIND is a [`Kind`].
#[derive(Default)]
struct Regression<const KIND: u8> {
    n: f64,
    sx: f64,
    sxx: f64,
    sy: f64,
    syy: f64,
    sxy: f64,
}

impl<const KIND: u8> Regression<KIND> {
    fn ratio(numerator: f64, denominator: f64, defined: bool) -> Output {
        if defined { (numerator / denominator).into() } else { Output::NULL }
    }
}

impl<const KIND: u8> FloatState for Regression<KIND> {
    const ARGUMENTS: usize = 2;

    fn take(&mut self, [y, x]: [f64; 2]) -> Result<()> {
        let before = self.n;
        self.n += 1.0;
        self.sx += x;
        self.sy += y;
        if before > 0.0 {
            let (dx, dy) = (x * self.n - self.sx, y * self.n - self.sy);
            let scale = 1.0 / (self.n * before);
            self.sxx += dx * dx * scale;
            self.syy += dy * dy * scale;
            self.sxy += dx * dy * scale;
        } else {
            self.sxx = if x.is_finite() { 0.0 } else { f64::NAN };
            self.syy = if y.is_finite() { 0.0 } else { f64::NAN };
            self.sxy = if x.is_finite() && y.is_finite() { 0.0 } else { f64::NAN };
        }
        let infinite = [self.sx, self.sy, self.sxx, self.syy, self.sxy].iter().any(|sum| sum.is_infinite());
        if infinite && x.is_finite() && y.is_finite() { Err(overflow()) } else { Ok(()) }
    }

    fn result(&self) -> Result<Output> {
        const COUNT: u8 = Kind::Count as u8;
        const SXX: u8 = Kind::Sxx as u8;
        const SYY: u8 = Kind::Syy as u8;
        const SXY: u8 = Kind::Sxy as u8;
        const AVERAGE_X: u8 = Kind::AverageX as u8;
        const AVERAGE_Y: u8 = Kind::AverageY as u8;
        const R2: u8 = Kind::R2 as u8;
        const SLOPE: u8 = Kind::Slope as u8;
        const INTERCEPT: u8 = Kind::Intercept as u8;
        const COVARIANCE_POP: u8 = Kind::CovariancePop as u8;
        const COVARIANCE_SAMP: u8 = Kind::CovarianceSamp as u8;
        let (n, some) = (self.n, self.n >= 1.0);
        Ok(match KIND {
            COUNT => (n as i64).into(),
            SXX => Self::ratio(self.sxx, 1.0, some),
            SYY => Self::ratio(self.syy, 1.0, some),
            SXY => Self::ratio(self.sxy, 1.0, some),
            AVERAGE_X => Self::ratio(self.sx, n, some),
            AVERAGE_Y => Self::ratio(self.sy, n, some),
            COVARIANCE_POP => Self::ratio(self.sxy, n, some),
            COVARIANCE_SAMP => Self::ratio(self.sxy, n - 1.0, n >= 2.0),
            R2 if some && self.sxx != 0.0 && self.syy == 0.0 => 1.0.into(),
            R2 => Self::ratio(self.sxy * self.sxy, self.sxx * self.syy, some && self.sxx != 0.0),
            SLOPE => Self::ratio(self.sxy, self.sxx, some && self.sxx != 0.0),
            INTERCEPT => Self::ratio(self.sy - self.sx * self.sxy / self.sxx, n, some && self.sxx != 0.0),
            _ => Self::ratio(self.sxy, (self.sxx * self.syy).sqrt(), some && self.sxx != 0.0 && self.syy != 0.0),
        })
    }
}
