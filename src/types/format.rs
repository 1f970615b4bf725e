//! The settings that decide how values look as text.
//!
//! Owns: [`FormatSettings`], [`Format`]. Must not know: where they are set (`settings`).

use crate::types::charset::Charset;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The wire format of a parameter or a result column (protocol-overview.html#PROTOCOL-FORMAT-CODES).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    #[default]
    Text,
    Binary,
}

/// The order of day, month and year in ambiguous input and in non-ISO output (DateStyle).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DateOrder {
    #[default]
    Mdy,
    Dmy,
    Ymd,
}

/// DateStyle's output part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DateStyle {
    #[default]
    Iso,
    Sql,
    Postgres,
    German,
}

/// IntervalStyle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IntervalStyle {
    #[default]
    Postgres,
    PostgresVerbose,
    SqlStandard,
    Iso8601,
}

/// bytea_output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ByteaOutput {
    #[default]
    Hex,
    Escape,
}

/// When a session's transaction started. Clones share it, so that a session's settings need not be made anew for every
/// transaction.
#[derive(Clone, Debug, Default)]
pub struct TransactionStart(Arc<AtomicI64>);

impl TransactionStart {
    /// Sets it, in microseconds since 1970-01-01 UTC.
    pub fn set(&self, unix_usecs: i64) {
        self.0.store(unix_usecs, Ordering::Relaxed);
    }

    /// Microseconds since 1970-01-01 UTC; `None` before the first transaction.
    pub fn get(&self) -> Option<i64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|unix_usecs| *unix_usecs != 0)
    }
}

/// How values are written as text and how ambiguous text is read (runtime-config-client.html).
#[derive(Clone, Debug)]
pub struct FormatSettings {
    pub date_style: DateStyle,
    pub date_order: DateOrder,
    pub interval_style: IntervalStyle,
    pub bytea_output: ByteaOutput,
    /// extra_float_digits; above 0 floats are written in their shortest exact form.
    pub extra_float_digits: i32,
    pub time_zone: jiff::tz::TimeZone,
    /// What 'now' and 'today' mean in a date's text.
    pub transaction_start: TransactionStart,
    /// The client's encoding, unless text goes to it as it is. For who speaks with the client; values' text is UTF-8.
    pub charset: Option<&'static Charset>,
}

impl Default for FormatSettings {
    fn default() -> Self {
        FormatSettings {
            date_style: DateStyle::Iso,
            date_order: DateOrder::Mdy,
            interval_style: IntervalStyle::Postgres,
            bytea_output: ByteaOutput::Hex,
            extra_float_digits: 1,
            time_zone: jiff::tz::TimeZone::UTC,
            transaction_start: TransactionStart::default(),
            charset: None,
        }
    }
}
