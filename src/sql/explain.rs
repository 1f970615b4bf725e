//! EXPLAIN: what it was asked for, and a plan of PostgreSQL's shape made of what SQLite says that it does.
//!
//! Owns: [`Options`], [`Explain`], [`report`]; in the folder, `outline` (what the statement is about), `build` (the tree),
//! `show` (the formats). Must not know: how a statement is run. Costs and numbers of rows are made of SQLite's; what was
//! measured is said of the nodes of which it is known. Specification: sql-explain.html, explain.c.

mod build;
mod lines;
mod node;
pub(in crate::sql) mod outline;
mod show;

use crate::error::{Error, Result, SqlState};
use crate::settings::variable::parse_boolean;
use crate::sql::plan::{SqliteStatement, Tag};
use crate::sql::syntax::ast::definition::{DefArg, DefElem};
use crate::sql::syntax::token_value::TokenValue;
use crate::types::pg_type::Oid;

pub use node::Buffers;
pub use outline::Outline;

/// ExplainState's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    pub analyze: bool,
    pub verbose: bool,
    pub costs: bool,
    pub settings: bool,
    pub buffers: bool,
    pub wal: bool,
    pub timing: bool,
    pub summary: bool,
    pub format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text,
    Json,
    Yaml,
    Xml,
}

/// What EXPLAIN is to do.
#[derive(Clone, Debug)]
pub enum Explained {
    Statement(Box<Explain>),
    /// EXECUTE: what is explained is the prepared statement, behind the words of this EXPLAIN.
    Execute {
        name: String,
        arguments: Vec<String>,
        words: String,
    },
    /// What has no plan.
    Utility(Options),
}

/// A statement that is explained.
#[derive(Clone, Debug)]
pub struct Explain {
    pub statement: SqliteStatement,
    pub tag: Tag,
    /// It gives rows.
    pub gives_rows: bool,
    pub outline: Outline,
    pub options: Options,
}

/// A line of EXPLAIN QUERY PLAN.
#[derive(Clone, Debug)]
pub struct Step {
    pub id: i64,
    pub parent: i64,
    /// A logarithm: ten for each doubling.
    pub cost: i64,
    pub detail: String,
}

/// What running a statement has shown. Times are milliseconds.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// `None` if it was not run.
    pub rows: Option<u64>,
    /// The rows it has changed.
    pub changes: u64,
    pub startup: f64,
    pub total: f64,
    pub planning: f64,
    pub execution: f64,
    pub buffers: Option<Buffers>,
    /// Those that are not what they are by default.
    pub settings: Vec<(String, String)>,
}

impl Options {
    /// ExplainQuery: what the list in parentheses says.
    pub fn of(given: &[DefElem], text: &str) -> Result<Self> {
        let mut options = Options {
            analyze: false,
            verbose: false,
            costs: true,
            settings: false,
            buffers: false,
            wal: false,
            timing: false,
            summary: false,
            format: Format::Text,
        };
        let (mut timing, mut summary) = (None, None);
        for option in given {
            match option.name.as_str() {
                "analyze" => options.analyze = boolean(option)?,
                "verbose" => options.verbose = boolean(option)?,
                "costs" => options.costs = boolean(option)?,
                "buffers" => options.buffers = boolean(option)?,
                "wal" => options.wal = boolean(option)?,
                "settings" => options.settings = boolean(option)?,
                "timing" => timing = Some(boolean(option)?),
                "summary" => summary = Some(boolean(option)?),
                "format" => options.format = format(option, text)?,
                name => {
                    let message = format!("unrecognized EXPLAIN option \"{name}\"");
                    let error = Error::new(SqlState::SYNTAX_ERROR, message);
                    return Err(TokenValue { text }.located(error, option.location));
                }
            }
        }
        let needs_analyze = |name: &str| {
            let message = format!("EXPLAIN option {name} requires ANALYZE");
            Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message))
        };
        if options.wal && !options.analyze {
            return needs_analyze("WAL");
        }
        options.timing = timing.unwrap_or(options.analyze);
        if options.timing && !options.analyze {
            return needs_analyze("TIMING");
        }
        options.summary = summary.unwrap_or(options.analyze);
        Ok(options)
    }

    /// The type of the one column.
    pub fn column_type(&self) -> Oid {
        match self.format {
            Format::Text | Format::Yaml => Oid::TEXT,
            Format::Json => Oid::JSON,
            Format::Xml => Oid::XML,
        }
    }
}

/// defGetBoolean
fn boolean(option: &DefElem) -> Result<bool> {
    let value = match &option.arg {
        None => Some(true),
        Some(DefArg::Boolean(on)) => Some(*on),
        Some(DefArg::Integer(0)) => Some(false),
        Some(DefArg::Integer(1)) => Some(true),
        Some(DefArg::String(text)) if matches!(text.to_ascii_lowercase().as_str(), "true" | "false" | "on" | "off") => {
            parse_boolean(text)
        }
        _ => None,
    };
    value.ok_or_else(|| Error::new(SqlState::SYNTAX_ERROR, format!("{} requires a Boolean value", option.name)))
}

fn format(option: &DefElem, text: &str) -> Result<Format> {
    let value = match &option.arg {
        Some(DefArg::String(value) | DefArg::Float(value)) => value.clone(),
        Some(DefArg::Integer(number)) => number.to_string(),
        Some(DefArg::Boolean(on)) => on.to_string(),
        _ => return Err(Error::new(SqlState::SYNTAX_ERROR, "format requires a parameter")),
    };
    Ok(match value.as_str() {
        "text" => Format::Text,
        "json" => Format::Json,
        "yaml" => Format::Yaml,
        "xml" => Format::Xml,
        _ => {
            let message = format!("unrecognized value for EXPLAIN option \"format\": \"{value}\"");
            let error = Error::new(SqlState::INVALID_PARAMETER_VALUE, message);
            return Err(TokenValue { text }.located(error, option.location));
        }
    })
}

/// The answer's rows. The steps are those of the statement's parts that run before it, and its own at the end.
pub fn report(explain: &Explain, steps: &[Vec<Step>], measured: &Measured) -> Vec<String> {
    let mut plan = build::plan(&explain.outline, steps, &explain.options);
    build::measure(&mut plan, explain, measured);
    show::shown(Some(&plan), &explain.options, measured)
}

/// The answer for what has no plan.
pub fn report_utility(options: &Options) -> Vec<String> {
    show::shown(None, options, &Measured::default())
}
