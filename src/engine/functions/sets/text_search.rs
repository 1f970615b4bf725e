//! Full text search: functions that return sets.
//!
//! Specification: functions-textsearch.html#TEXTSEARCH-FUNCTIONS-DEBUG-TABLE, ts_debug in system_functions.sql.

use rusqlite::types::Value;

use super::{Arguments, Rows, SetFunction, row, rows};
use crate::engine::functions::regex::array_of_texts;
use crate::engine::functions::text_search::{current, find};
use crate::error::{Error, Result, SqlState};
use crate::types::text_search::TsVector;
use crate::types::text_search::configuration::Configuration;
use crate::types::text_search::parser::Parser;
use crate::types::text_search::tokens::KINDS;

/// The OID of the only parser.
const DEFAULT_PARSER: i64 = 3722;

pub(super) static FUNCTIONS: &[SetFunction] = &[
    SetFunction { columns: &["lexeme", "positions", "weights"], ..SetFunction::new("pg_tsvector_unnest", 1, unnest) },
    SetFunction { columns: &["tokid", "token"], ..SetFunction::new("pg_ts_parse", 2, parse) },
    SetFunction { columns: &["tokid", "alias", "description"], ..SetFunction::new("pg_ts_token_type", 1, token_type) },
    SetFunction { columns: DEBUG, ..SetFunction::new("pg_ts_debug", 2, |a| debug(a, find(a.int(0)?)?, 1)) },
    SetFunction { columns: DEBUG, ..SetFunction::new("pg_ts_debug_current", 1, |a| debug(a, current(a.slot)?, 0)) },
];

const DEBUG: &[&str] = &["alias", "description", "token", "dictionaries", "dictionary", "lexemes"];

fn unnest(args: &Arguments<'_>) -> Result<Rows> {
    let document = TsVector::parse(&args.text(0)?)?;
    rows(document.lexemes.into_iter().map(|lexeme| {
        if lexeme.positions.is_empty() {
            return row([Value::Text(lexeme.text), Value::Null, Value::Null]);
        }
        let places: Vec<String> = lexeme.positions.iter().map(|position| position.place.to_string()).collect();
        let weights: Vec<char> = lexeme.positions.iter().map(|position| position.weight.letter()).collect();
        let places = format!("[{}]", places.join(","));
        row([Value::Text(lexeme.text), Value::Text(places), Value::Text(array_of_texts(&weights))])
    }))
}

/// Fails unless argument 0 is the parser, by name or OID.
fn check_parser(args: &Arguments<'_>) -> Result<()> {
    let name = args.text(0)?;
    if name == "default" || name == "pg_catalog.default" || name.parse() == Ok(DEFAULT_PARSER) {
        return Ok(());
    }
    if name.parse::<i64>().is_ok() {
        return Err(Error::internal(format_args!("cache lookup failed for text search parser {name}")));
    }
    Err(Error::new(SqlState::UNDEFINED_OBJECT, format!("text search parser \"{name}\" does not exist")))
}

fn parse(args: &Arguments<'_>) -> Result<Rows> {
    check_parser(args)?;
    let text = args.text(1)?;
    let mut parser = Parser::new(&text);
    let mut tokens = Vec::new();
    while let Some((kind, token)) = parser.next()? {
        tokens.push(row([Value::Integer(kind.number()), Value::Text(token.to_owned())]));
    }
    rows(tokens.into_iter())
}

fn token_type(args: &Arguments<'_>) -> Result<Rows> {
    check_parser(args)?;
    let text = |text: &&'static str| Value::Text((*text).to_owned());
    rows(
        KINDS.iter().map(move |(kind, alias, description)| {
            row([Value::Integer(kind.number()), text(alias), text(description)])
        }),
    )
}

fn debug(args: &Arguments<'_>, configuration: &'static Configuration, index: usize) -> Result<Rows> {
    let text = args.text(index)?;
    let mut parser = Parser::new(&text);
    let mut tokens = Vec::new();
    while let Some((kind, token)) = parser.next()? {
        let named = KINDS.iter().find(|(known, ..)| *known == kind);
        let (alias, description) = named.map_or(("", ""), |(_, alias, description)| (*alias, *description));
        let mut columns = [const { Value::Null }; 6];
        let [c_alias, c_description, c_token, c_dictionaries, c_dictionary, c_lexemes] = &mut columns;
        *c_alias = Value::Text(alias.to_owned());
        *c_description = Value::Text(description.to_owned());
        *c_token = Value::Text(token.to_owned());
        *c_dictionaries = Value::Text("[]".to_owned());
        if let Some(dictionary) = configuration.dictionary_for(kind) {
            let oid = i64::from(dictionary.oid.0);
            *c_dictionaries = Value::Text(format!("[{oid}]"));
            *c_dictionary = Value::Integer(oid);
            *c_lexemes = Value::Text(array_of_texts(dictionary.lexize(token)?.as_slice()));
        }
        tokens.push(row(columns));
    }
    rows(tokens.into_iter())
}
