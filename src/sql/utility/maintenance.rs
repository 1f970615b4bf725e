//! VACUUM, ANALYZE and EXPLAIN.
//!
//! Specification: sql-vacuum.html, sql-analyze.html, sql-explain.html.

use crate::error::{Error, Result, SqlState};
use crate::sql::explain::Options;
use crate::sql::syntax::ast::definition::{DefArg, DefElem};
use crate::sql::syntax::ast::statement::{ExplainStmt, VacuumStmt};
use crate::sql::syntax::token_value::TokenValue;
use crate::sql::utility::{Maintained, Maintenance, Utility};

/// Their effect SQLite has or needs not, except that of ANALYZE.
const VACUUM_OPTIONS: &[&str] = &[
    "full",
    "freeze",
    "verbose",
    "analyze",
    "disable_page_skipping",
    "skip_locked",
    "index_cleanup",
    "process_toast",
    "truncate",
    "parallel",
];

const ANALYZE_OPTIONS: &[&str] = &["verbose", "skip_locked"];

/// 42601 for an option that is not known.
pub(in crate::sql) fn check_options(given: &[DefElem], command: &str, known: &[&str], text: &str) -> Result<()> {
    match given.iter().find(|option| !known.contains(&option.name.as_str())) {
        None => Ok(()),
        Some(option) => {
            let message = format!("unrecognized {command} option \"{}\"", option.name);
            Err(TokenValue { text }.located(Error::new(SqlState::SYNTAX_ERROR, message), option.location))
        }
    }
}

/// An option's value in lower case.
fn value(option: &DefElem) -> Option<String> {
    match &option.arg {
        Some(DefArg::String(text) | DefArg::Float(text)) => Some(text.to_ascii_lowercase()),
        Some(DefArg::Integer(number)) => Some(number.to_string()),
        Some(DefArg::Boolean(on)) => Some(on.to_string()),
        _ => None,
    }
}

/// Whether the option was given and not switched off.
pub(in crate::sql) fn is_on(given: &[DefElem], name: &str) -> bool {
    let last = given.iter().rev().find(|option| option.name == name);
    last.is_some_and(|option| !matches!(value(option).as_deref(), Some("false" | "off" | "0")))
}

/// VACUUM and ANALYZE.
pub(super) fn vacuum<'s>(stmt: &VacuumStmt, text: &str) -> Result<Utility<'s>> {
    let (command, known) = if stmt.is_vacuum { ("VACUUM", VACUUM_OPTIONS) } else { ("ANALYZE", ANALYZE_OPTIONS) };
    check_options(&stmt.options, command, known, text)?;
    let named = stmt.relations.iter().map(|vacuumed| Maintained {
        schema: vacuumed.relation.schema.clone(),
        table: vacuumed.relation.relation.clone(),
        columns: vacuumed.columns.clone(),
    });
    let named: Vec<Maintained> = named.collect();
    if stmt.is_vacuum && !is_on(&stmt.options, "analyze") && named.iter().any(|table| !table.columns.is_empty()) {
        let message = "ANALYZE option must be specified when a column list is provided";
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
    }
    let mut analyzed: Vec<Maintenance> = named.iter().cloned().map(|table| Maintenance::Analyze(Some(table))).collect();
    if analyzed.is_empty() {
        analyzed.push(Maintenance::Analyze(None));
    }
    let mut steps = Vec::new();
    if stmt.is_vacuum {
        steps.push(Maintenance::Vacuum(named));
    }
    if !stmt.is_vacuum || is_on(&stmt.options, "analyze") {
        steps.extend(analyzed);
    }
    Ok(Utility::Maintenance(steps, command))
}

pub(super) fn explain<'s>(stmt: &'s ExplainStmt, text: &str) -> Result<Utility<'s>> {
    let options = Options::of(&stmt.options, text)?;
    Ok(Utility::Explain { statement: &stmt.query, options, location: stmt.location })
}
