//! Sums, averages, variances and regressions of floats, by PostgreSQL's own running formulas so that the last digits
//! agree.
//!
//! Specification: float.c (float8_accum, float8_regr_accum: the Youngs-Cramer method). PostgreSQL cannot take a row
//! out of such a state either: it starts over for each frame. Sums and averages of a moving frame are kept exact
//! enough by taking the value off; the others refuse such a frame.

use rusqlite::Connection;

use super::{Accumulator, register_one};
use crate::engine::functions::{Args, ContextSlot, Output};
use crate::error::{Error, Result, SqlState};

pub(super) fn register(connection: &Connection, slot: &ContextSlot) -> Result<()> {
    register_one::<Sum<true>>(connection, slot, "pg_sum_float4", 1)?;
    register_one::<Sum<false>>(connection, slot, "pg_sum_float8", 1)?;
    register_one::<Average>(connection, slot, "pg_avg_float", 1)?;
    register_one::<Variance<false, false>>(connection, slot, "pg_var_samp_float", 1)?;
    register_one::<Variance<true, false>>(connection, slot, "pg_var_pop_float", 1)?;
    register_one::<Variance<false, true>>(connection, slot, "pg_stddev_samp_float", 1)?;
    register_one::<Variance<true, true>>(connection, slot, "pg_stddev_pop_float", 1)?;
    register_one::<Regression<{ Kind::Count as u8 }>>(connection, slot, "pg_regr_count", 2)?;
    register_one::<Regression<{ Kind::Sxx as u8 }>>(connection, slot, "pg_regr_sxx", 2)?;
    register_one::<Regression<{ Kind::Syy as u8 }>>(connection, slot, "pg_regr_syy", 2)?;
    register_one::<Regression<{ Kind::Sxy as u8 }>>(connection, slot, "pg_regr_sxy", 2)?;
    register_one::<Regression<{ Kind::AverageX as u8 }>>(connection, slot, "pg_regr_avgx", 2)?;
    register_one::<Regression<{ Kind::AverageY as u8 }>>(connection, slot, "pg_regr_avgy", 2)?;
    register_one::<Regression<{ Kind::R2 as u8 }>>(connection, slot, "pg_regr_r2", 2)?;
    register_one::<Regression<{ Kind::Slope as u8 }>>(connection, slot, "pg_regr_slope", 2)?;
    register_one::<Regression<{ Kind::Intercept as u8 }>>(connection, slot, "pg_regr_intercept", 2)?;
    register_one::<Regression<{ Kind::CovariancePop as u8 }>>(connection, slot, "pg_covar_pop", 2)?;
    register_one::<Regression<{ Kind::CovarianceSamp as u8 }>>(connection, slot, "pg_covar_samp", 2)?;
    register_one::<Regression<{ Kind::Correlation as u8 }>>(connection, slot, "pg_corr", 2)
}

fn overflow() -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow")
}

fn moving_frame() -> Error {
    Error::unsupported("this aggregate over floats in a window frame whose start moves")
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
    fn change(&mut self, value: f64, add: bool) -> Result<()> {
        let step = |counter: &mut u64| *counter = if add { *counter + 1 } else { counter.saturating_sub(1) };
        step(&mut self.count);
        if value.is_nan() {
            step(&mut self.nans);
        } else if value.is_infinite() {
            step(if value > 0.0 { &mut self.infinities } else { &mut self.negative_infinities });
        } else {
            let exact = if add { self.finite + value } else { self.finite - value };
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

impl<const SINGLE: bool> Accumulator for Sum<SINGLE> {
    fn add(&mut self, args: &Args<'_>) -> Result<()> {
        self.change(args.float(0)?, true)
    }

    fn remove(&mut self, args: &Args<'_>) -> Result<()> {
        self.change(args.float(0)?, false)
    }

    fn value(&self) -> Result<Output> {
        Ok(if self.count == 0 { Output::NULL } else { self.sum().into() })
    }
}

/// avg(real), avg(double precision)
#[derive(Default)]
struct Average(Sum<false>);

impl Accumulator for Average {
    fn add(&mut self, args: &Args<'_>) -> Result<()> {
        self.0.add(args)
    }

    fn remove(&mut self, args: &Args<'_>) -> Result<()> {
        self.0.remove(args)
    }

    fn value(&self) -> Result<Output> {
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

impl<const POPULATION: bool, const ROOT: bool> Accumulator for Variance<POPULATION, ROOT> {
    fn add(&mut self, args: &Args<'_>) -> Result<()> {
        let value = args.float(0)?;
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

    fn remove(&mut self, _: &Args<'_>) -> Result<()> {
        Err(moving_frame())
    }

    fn value(&self) -> Result<Output> {
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

impl<const KIND: u8> Accumulator for Regression<KIND> {
    fn add(&mut self, args: &Args<'_>) -> Result<()> {
        let (y, x) = (args.float(0)?, args.float(1)?);
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

    fn remove(&mut self, _: &Args<'_>) -> Result<()> {
        Err(moving_frame())
    }

    fn value(&self) -> Result<Output> {
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
