//! Cursors of SQL: DECLARE, FETCH, MOVE.
//!
//! Specification: sql-declare.html, sql-fetch.html, gram.y's fetch_args.

use sqlparser::tokenizer::Token;

use crate::error::Result;
use crate::sql::plan::{CursorCommand, CursorOptions, FetchCount, FetchDirection, Tag};
use crate::sql::utility::Utility;
use crate::sql::utility::tokens::Cursor;

pub(super) fn declare<'t>(c: &mut Cursor<'t>) -> Result<Utility<'t>> {
    let name = c.name()?;
    let mut options = CursorOptions::default();
    loop {
        if c.keyword("BINARY") {
            options.binary = true;
        } else if c.keywords(&["NO", "SCROLL"]) {
            options.scroll = Some(false);
        } else if c.keyword("SCROLL") {
            options.scroll = Some(true);
        } else if !c.keyword("INSENSITIVE") && !c.keyword("ASENSITIVE") {
            break;
        }
    }
    c.require("CURSOR")?;
    if c.keywords(&["WITH", "HOLD"]) {
        options.hold = true;
    } else {
        c.keywords(&["WITHOUT", "HOLD"]);
    }
    c.require("FOR")?;
    let is_query = ["SELECT", "VALUES", "WITH", "TABLE"].iter().any(|word| c.looking_at(word));
    if !is_query && c.peek() != Some(&Token::LParen) {
        return Err(c.unexpected());
    }
    Ok(Utility::Declare { name, options, query: c.rest() })
}

pub(super) fn fetch<'t>(c: &mut Cursor<'t>, moves: bool) -> Result<Utility<'t>> {
    let direction = direction(c)?;
    let _ = c.keyword("FROM") || c.keyword("IN");
    let (name, tag) = (c.name()?, if moves { Tag::Move } else { Tag::Fetch });
    Ok(Utility::Cursor(CursorCommand::Fetch { name, direction, moves }, tag))
}

/// fetch_args of gram.y; a word of it may also be the cursor's name.
fn direction(c: &mut Cursor<'_>) -> Result<FetchDirection> {
    let one = FetchCount::Rows(1);
    if c.at + 1 == c.tokens.len() {
        return Ok(FetchDirection::Forward(one));
    }
    if c.keyword("NEXT") {
        Ok(FetchDirection::Forward(one))
    } else if c.keyword("PRIOR") {
        Ok(FetchDirection::Backward(one))
    } else if c.keyword("FIRST") {
        Ok(FetchDirection::Absolute(1))
    } else if c.keyword("LAST") {
        Ok(FetchDirection::Absolute(-1))
    } else if c.keyword("ABSOLUTE") {
        Ok(FetchDirection::Absolute(signed(c)?))
    } else if c.keyword("RELATIVE") {
        Ok(FetchDirection::Relative(signed(c)?))
    } else if c.keyword("ALL") {
        Ok(FetchDirection::Forward(FetchCount::All))
    } else if c.keyword("FORWARD") {
        counted(c, FetchDirection::Forward, FetchDirection::Backward)
    } else if c.keyword("BACKWARD") {
        counted(c, FetchDirection::Backward, FetchDirection::Forward)
    } else if matches!(c.peek(), Some(Token::Number(..) | Token::Minus | Token::Plus)) {
        counted(c, FetchDirection::Forward, FetchDirection::Backward)
    } else {
        Ok(FetchDirection::Forward(one))
    }
}

/// The number behind FORWARD and BACKWARD; a negative one turns round.
fn counted(
    c: &mut Cursor<'_>,
    way: fn(FetchCount) -> FetchDirection,
    back: fn(FetchCount) -> FetchDirection,
) -> Result<FetchDirection> {
    if c.keyword("ALL") {
        return Ok(way(FetchCount::All));
    }
    if !matches!(c.peek(), Some(Token::Number(..) | Token::Minus | Token::Plus)) {
        return Ok(way(FetchCount::Rows(1)));
    }
    let count = signed(c)?;
    Ok(if count < 0 {
        back(FetchCount::Rows(count.unsigned_abs()))
    } else {
        way(FetchCount::Rows(count.unsigned_abs()))
    })
}

/// An integer of four bytes, as the grammar has them.
fn signed(c: &mut Cursor<'_>) -> Result<i64> {
    let negative = c.accept(&Token::Minus);
    if !negative {
        c.accept(&Token::Plus);
    }
    let count = match c.peek() {
        Some(Token::Number(digits, _)) => digits.parse::<i32>().ok(),
        _ => None,
    };
    let count = count.ok_or_else(|| c.unexpected())?;
    c.at += 1;
    Ok(if negative { -i64::from(count) } else { i64::from(count) })
}
