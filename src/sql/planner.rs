//! From query text to plans: scan, cache, parse, analyse, translate. The one route of every statement.
//!
//! Owns: [`Planner`], [`PlanCache`], [`PlanContext`], [`Source`]. Must not know: rusqlite, the wire.

use std::sync::Arc;

use crate::catalog::schema::CatalogSnapshot;
use crate::error::Result;
use crate::settings::Settings;
use crate::sql::plan::Planned;
use crate::types::pg_type::Oid;

/// What analysis needs to know of the session.
#[derive(Clone, Copy)]
pub struct PlanContext<'a> {
    pub catalog: &'a Arc<CatalogSnapshot>,
    pub settings: &'a Settings,
    pub user: &'a str,
    pub database: &'a str,
}

/// One statement of a query string, not analysed yet.
#[derive(Debug)]
pub struct Source<'t> {
    /// The statement's text, without the semicolon.
    pub text: &'t str,
}

/// Plans by text, catalog version and the settings that matter; shared by all sessions of a database.
#[derive(Default)]
pub struct PlanCache {}

impl PlanCache {
    /// Splits a query string into its statements. A syntax error anywhere in it is found here, before anything runs
    /// (42601 with a position). An empty string, or only comments, gives no statement.
    pub fn parse<'t>(&self, text: &'t str) -> Result<Vec<Source<'t>>> {
        let _ = text;
        todo!()
    }

    /// Analyses and translates one statement, or finds the result in the cache. `param_types` are the types given in
    /// Parse (0 or missing: to be inferred).
    pub fn plan(&self, source: &Source<'_>, param_types: &[Oid], context: PlanContext<'_>) -> Result<Planned> {
        let _ = (source, param_types, context);
        todo!()
    }
}
