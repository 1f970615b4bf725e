//! COPY and its options.
//!
//! Owns: [`CopyStatement`], before its names are looked up. Specification: sql-copy.html, ProcessCopyOptions in copy.c.

use crate::error::{Error, Result, SqlState};
use crate::sql::plan::{CopyDirection, CopyFormat, CopyHeader};
use crate::sql::syntax::ast::definition::{DefArg, DefElem};
use crate::sql::syntax::ast::expression::Expr;
use crate::sql::syntax::ast::query::{RangeVar, SelectStmt};
use crate::sql::syntax::ast::statement::{self as ast, CopyStmt, Stmt};
use crate::sql::syntax::token_value::TokenValue;
use crate::types::charset::{self, Charset};

/// COPY before its names are looked up.
#[derive(Clone, Debug)]
pub struct CopyStatement<'s> {
    pub source: CopySource<'s>,
    pub direction: CopyDirection,
    pub options: CopyWords,
}

#[derive(Clone, Copy, Debug)]
pub enum CopySource<'s> {
    Table {
        relation: &'s RangeVar,
        columns: &'s [String],
        condition: Option<&'s Expr>,
    },
    Query(&'s SelectStmt),
    /// An INSERT, UPDATE or DELETE with RETURNING.
    Modify(&'s Stmt),
}

/// COPY's options as written.
#[derive(Clone, Debug, Default)]
pub struct CopyWords {
    pub format: Option<CopyFormat>,
    pub delimiter: Option<String>,
    pub null: Option<String>,
    pub header: Option<CopyHeader>,
    pub quote: Option<String>,
    pub escape: Option<String>,
    /// `None` inside is `*`.
    pub force_quote: Option<Option<Vec<String>>>,
    pub force_not_null: Option<Vec<String>>,
    pub force_null: Option<Vec<String>>,
    pub charset: Option<&'static Charset>,
    pub freeze: bool,
}

pub(super) fn copy<'s>(stmt: &'s CopyStmt, text: &str) -> Result<CopyStatement<'s>> {
    if stmt.is_program || stmt.filename.is_some() {
        return Err(Error::unsupported("COPY to and from files and programs of the server")
            .with_hint("psql's \\copy command also works for anyone."));
    }
    let source = match &stmt.source {
        ast::CopySource::Relation(relation) => {
            CopySource::Table { relation, columns: &stmt.columns, condition: stmt.where_clause.as_ref() }
        }
        ast::CopySource::Query(query, _) => match &**query {
            Stmt::Select(query) => CopySource::Query(query),
            query => CopySource::Modify(query),
        },
    };
    let direction = if stmt.is_from { CopyDirection::From } else { CopyDirection::To };
    let mut options = CopyWords::default();
    for (index, option) in stmt.options.iter().enumerate() {
        let at = |error| TokenValue { text }.located(error, option.location);
        if stmt.options.iter().take(index).any(|other| other.name == option.name) {
            return Err(at(Error::new(SqlState::SYNTAX_ERROR, "conflicting or redundant options")));
        }
        copy_option(option, &mut options).map_err(at)?;
    }
    Ok(CopyStatement { source, direction, options })
}

fn copy_option(option: &DefElem, options: &mut CopyWords) -> Result<()> {
    match option.name.as_str() {
        "format" => {
            let format = string(option)?;
            options.format = Some(match format.as_str() {
                "text" => CopyFormat::Text,
                "csv" => CopyFormat::Csv,
                "binary" => CopyFormat::Binary,
                _ => {
                    let message = format!("COPY format \"{format}\" not recognized");
                    return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
                }
            });
        }
        "delimiter" => options.delimiter = Some(string(option)?),
        "null" => options.null = Some(string(option)?),
        "quote" => options.quote = Some(string(option)?),
        "escape" => options.escape = Some(string(option)?),
        "freeze" => options.freeze = boolean(option)?,
        "header" => options.header = Some(header(option)?),
        "force_quote" => {
            let all = option.arg == Some(DefArg::Star);
            options.force_quote = Some(if all { None } else { Some(names(option)?) });
        }
        "force_not_null" => options.force_not_null = Some(names(option)?),
        "force_null" => options.force_null = Some(names(option)?),
        "encoding" => options.charset = Some(encoding(option)?),
        name => {
            return Err(Error::new(SqlState::SYNTAX_ERROR, format!("option \"{name}\" not recognized")));
        }
    }
    Ok(())
}

/// defGetString
fn string(option: &DefElem) -> Result<String> {
    match &option.arg {
        Some(DefArg::String(text) | DefArg::Float(text)) => Ok(text.clone()),
        Some(DefArg::Integer(number)) => Ok(number.to_string()),
        Some(DefArg::Boolean(on)) => Ok(on.to_string()),
        _ => Err(Error::new(SqlState::SYNTAX_ERROR, format!("{} requires a parameter", option.name))),
    }
}

fn names(option: &DefElem) -> Result<Vec<String>> {
    match &option.arg {
        Some(DefArg::Names(names)) => Ok(names.iter().filter_map(|name| name.last().cloned()).collect()),
        _ => {
            let message = format!("argument to option \"{}\" must be a list of column names", option.name);
            Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message))
        }
    }
}

/// defGetBoolean: without a value it is true.
fn boolean(option: &DefElem) -> Result<bool> {
    if option.arg.is_none() {
        return Ok(true);
    }
    match string(option)?.to_ascii_lowercase().as_str() {
        "true" | "on" | "1" => Ok(true),
        "false" | "off" | "0" => Ok(false),
        _ => Err(Error::new(SqlState::SYNTAX_ERROR, format!("{} requires a Boolean value", option.name))),
    }
}

fn header(option: &DefElem) -> Result<CopyHeader> {
    if matches!(&option.arg, Some(DefArg::String(word)) if word.eq_ignore_ascii_case("match")) {
        return Ok(CopyHeader::Match);
    }
    match boolean(option) {
        Ok(true) => Ok(CopyHeader::Yes),
        Ok(false) => Ok(CopyHeader::No),
        Err(_) => Err(Error::new(SqlState::SYNTAX_ERROR, "header requires a Boolean value or \"match\"")),
    }
}

fn encoding(option: &DefElem) -> Result<&'static Charset> {
    let found = match &option.arg {
        Some(DefArg::String(name)) => charset::named(name),
        _ => None,
    };
    match found {
        Some(charset) if charset.is_known() => Ok(charset),
        Some(charset) => Err(Error::unsupported(format!("COPY in encoding {}", charset.name))),
        None => {
            let message = "argument to option \"encoding\" must be a valid encoding name";
            Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message))
        }
    }
}
