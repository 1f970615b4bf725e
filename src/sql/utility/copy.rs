//! COPY, with both its option lists.
//!
//! Owns: [`CopyStatement`], before its names are looked up. Specification: sql-copy.html, gram.y's CopyStmt.

use sqlparser::tokenizer::Token;

use crate::error::{Error, Result, SqlState};
use crate::sql::plan::{CopyDirection, CopyFormat, CopyHeader};
use crate::sql::utility::Utility;
use crate::sql::utility::tokens::Cursor;
use crate::types::charset::{self, Charset};

/// COPY before its names are looked up.
#[derive(Clone, Debug)]
pub struct CopyStatement<'t> {
    pub source: CopySource<'t>,
    pub direction: CopyDirection,
    pub options: CopyWords,
}

#[derive(Clone, Debug)]
pub enum CopySource<'t> {
    Table { schema: Option<String>, table: String, columns: Vec<String> },
    Query(&'t str),
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
}

pub(super) fn copy<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    let binary = c.keyword("BINARY");
    let source = if c.accept(&Token::LParen) {
        CopySource::Query(c.parenthesised()?)
    } else {
        let (schema, table) = c.qualified_name()?;
        let mut columns = Vec::new();
        if c.accept(&Token::LParen) {
            columns = c.names()?;
            c.expect(&Token::RParen)?;
        }
        CopySource::Table { schema, table, columns }
    };
    let direction = if c.keyword("FROM") {
        CopyDirection::From
    } else {
        c.require("TO")?;
        CopyDirection::To
    };
    if matches!((&source, direction), (CopySource::Query(_), CopyDirection::From)) {
        return Err(c.unexpected());
    }
    if c.keyword("PROGRAM") || matches!(c.peek(), Some(Token::SingleQuotedString(_))) {
        return Err(Error::unsupported("COPY to and from files and programs of the server")
            .with_hint("psql's \\copy command also works for anyone."));
    }
    let (wanted, other) = match direction {
        CopyDirection::From => ("STDIN", "STDOUT"),
        CopyDirection::To => ("STDOUT", "STDIN"),
    };
    if !c.keyword(wanted) && !c.keyword(other) {
        return Err(c.unexpected());
    }
    let mut options = CopyWords::default();
    if binary {
        options.format = Some(CopyFormat::Binary);
    }
    copy_options(c, &mut options)?;
    if c.looking_at("WHERE") {
        return Err(Error::unsupported("COPY FROM … WHERE"));
    }
    Ok(Utility::Copy(CopyStatement { source, direction, options }))
}

fn copy_options(c: &mut Cursor<'_>, options: &mut CopyWords) -> Result<()> {
    c.keyword("WITH");
    if c.accept(&Token::LParen) {
        loop {
            copy_option(c, options)?;
            if !c.accept(&Token::Comma) {
                return c.expect(&Token::RParen);
            }
        }
    }
    while c.peek().is_some() && !c.looking_at("WHERE") {
        old_copy_option(c, options)?;
    }
    Ok(())
}

fn copy_option(c: &mut Cursor<'_>, options: &mut CopyWords) -> Result<()> {
    let position = c.position();
    let name = c.name()?;
    match name.as_str() {
        "format" => {
            let format = c.value()?;
            options.format = Some(match format.as_str() {
                "text" => CopyFormat::Text,
                "csv" => CopyFormat::Csv,
                "binary" => CopyFormat::Binary,
                _ => {
                    let message = format!("COPY format \"{format}\" not recognized");
                    return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message).with_position(position));
                }
            });
        }
        "delimiter" => options.delimiter = Some(c.string()?),
        "null" => options.null = Some(c.string()?),
        "quote" => options.quote = Some(c.string()?),
        "escape" => options.escape = Some(c.string()?),
        "freeze" => {
            boolean(c)?;
        }
        "header" => options.header = Some(header(c)?),
        "force_quote" => {
            options.force_quote = Some(if c.accept(&Token::Mul) { None } else { Some(name_list(c)?) });
        }
        "force_not_null" => options.force_not_null = Some(name_list(c)?),
        "force_null" => options.force_null = Some(name_list(c)?),
        "encoding" => options.charset = Some(encoding(c, position)?),
        _ => {
            let message = format!("option \"{name}\" not recognized");
            return Err(Error::new(SqlState::SYNTAX_ERROR, message).with_position(position));
        }
    }
    Ok(())
}

/// The option list of before PostgreSQL 9.0.
fn old_copy_option(c: &mut Cursor<'_>, options: &mut CopyWords) -> Result<()> {
    let position = c.position();
    if c.keyword("BINARY") {
        options.format = Some(CopyFormat::Binary);
    } else if c.keyword("CSV") {
        options.format = Some(CopyFormat::Csv);
    } else if c.keyword("HEADER") {
        options.header = Some(CopyHeader::Yes);
    } else if c.keyword("DELIMITER") || c.keyword("DELIMITERS") {
        c.keyword("AS");
        options.delimiter = Some(c.string()?);
    } else if c.keyword("NULL") {
        c.keyword("AS");
        options.null = Some(c.string()?);
    } else if c.keyword("QUOTE") {
        c.keyword("AS");
        options.quote = Some(c.string()?);
    } else if c.keyword("ESCAPE") {
        c.keyword("AS");
        options.escape = Some(c.string()?);
    } else if c.keywords(&["FORCE", "QUOTE"]) {
        options.force_quote = Some(if c.accept(&Token::Mul) { None } else { Some(c.names()?) });
    } else if c.keywords(&["FORCE", "NOT", "NULL"]) {
        options.force_not_null = Some(c.names()?);
    } else if c.keywords(&["FORCE", "NULL"]) {
        options.force_null = Some(c.names()?);
    } else if c.keyword("ENCODING") {
        options.charset = Some(encoding(c, position)?);
    } else if !c.keyword("FREEZE") {
        return Err(c.unexpected());
    }
    Ok(())
}

fn name_list(c: &mut Cursor<'_>) -> Result<Vec<String>> {
    c.expect(&Token::LParen)?;
    let names = c.names()?;
    c.expect(&Token::RParen)?;
    Ok(names)
}

/// A boolean option; without a value it is true.
fn boolean(c: &mut Cursor<'_>) -> Result<bool> {
    if !matches!(c.peek(), Some(Token::Word(_) | Token::Number(..) | Token::SingleQuotedString(_))) {
        return Ok(true);
    }
    let text = c.value()?;
    match text.to_ascii_lowercase().as_str() {
        "true" | "on" | "1" => Ok(true),
        "false" | "off" | "0" => Ok(false),
        _ => Err(Error::new(SqlState::SYNTAX_ERROR, "option requires a Boolean value")),
    }
}

fn header(c: &mut Cursor<'_>) -> Result<CopyHeader> {
    if c.keyword("MATCH") {
        return Ok(CopyHeader::Match);
    }
    let on =
        boolean(c).map_err(|_| Error::new(SqlState::SYNTAX_ERROR, "header requires a Boolean value or \"match\""))?;
    Ok(if on { CopyHeader::Yes } else { CopyHeader::No })
}

fn encoding(c: &mut Cursor<'_>, position: u32) -> Result<&'static Charset> {
    let name = c.string()?;
    match charset::named(&name) {
        Some(charset) if charset.is_known() => Ok(charset),
        Some(charset) => Err(Error::unsupported(format!("COPY in encoding {}", charset.name))),
        None => {
            let message = "argument to option \"encoding\" must be a valid encoding name";
            Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message).with_position(position))
        }
    }
}
