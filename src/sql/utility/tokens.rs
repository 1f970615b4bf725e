//! A statement's tokens, read from left to right.
//!
//! Owns: [`Cursor`]. Must not know: any statement.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::error::{Error, Result, SqlState};
use crate::sql::parse;
use crate::sql::parse_ddl::fold;

/// The statement's tokens.
pub(super) struct Cursor<'t> {
    pub(super) text: &'t str,
    pub(super) tokens: Vec<TokenWithSpan>,
    pub(super) at: usize,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str) -> Result<Self> {
        Ok(Cursor { text, tokens: parse::tokens(text)?, at: 0 })
    }

    pub(super) fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|t| &t.token)
    }

    pub(super) fn unexpected(&self) -> Error {
        parse::unexpected(self.text, self.tokens.get(self.at))
    }

    pub(super) fn end(&self) -> Result<()> {
        if self.at < self.tokens.len() { Err(self.unexpected()) } else { Ok(()) }
    }

    /// Whether the next token is this keyword, unquoted.
    pub(super) fn looking_at(&self, keyword: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(w)) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(keyword))
    }

    /// Whether the token after the next one is this keyword.
    pub(super) fn looking_beyond(&self, keyword: &str) -> bool {
        parse::is_word(self.tokens.get(self.at + 1), keyword)
    }

    /// Consumes the keyword if it is next.
    pub(super) fn keyword(&mut self, keyword: &str) -> bool {
        let found = self.looking_at(keyword);
        self.at += usize::from(found);
        found
    }

    pub(super) fn keywords(&mut self, keywords: &[&str]) -> bool {
        let start = self.at;
        if keywords.iter().all(|k| self.keyword(k)) {
            return true;
        }
        self.at = start;
        false
    }

    pub(super) fn require(&mut self, keyword: &str) -> Result<()> {
        if self.keyword(keyword) { Ok(()) } else { Err(self.unexpected()) }
    }

    pub(super) fn accept(&mut self, token: &Token) -> bool {
        let found = self.peek() == Some(token);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, token: &Token) -> Result<()> {
        if self.accept(token) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// An identifier, folded.
    pub(super) fn name(&mut self) -> Result<String> {
        match self.peek() {
            Some(Token::Word(word)) if word.value.is_empty() => {
                let message = r#"zero-length delimited identifier at or near """""#;
                Err(Error::new(SqlState::SYNTAX_ERROR, message).with_position(self.position()))
            }
            Some(Token::Word(word)) => {
                let name = fold(&word.value, word.quote_style.is_some());
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.unexpected()),
        }
    }

    pub(super) fn names(&mut self) -> Result<Vec<String>> {
        let mut names = vec![self.name()?];
        while self.accept(&Token::Comma) {
            names.push(self.name()?);
        }
        Ok(names)
    }

    pub(super) fn qualified_name(&mut self) -> Result<(Option<String>, String)> {
        let first = self.name()?;
        if self.accept(&Token::Period) {
            return Ok((Some(first), self.name()?));
        }
        Ok((None, first))
    }

    pub(super) fn string(&mut self) -> Result<String> {
        let text = match self.peek() {
            Some(Token::SingleQuotedString(s) | Token::EscapedStringLiteral(s)) => s.clone(),
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(text)
    }

    /// Byte offset of the next token.
    pub(super) fn offset(&self) -> usize {
        let token = self.tokens.get(self.at);
        token.and_then(|t| parse::byte_offset(self.text, t.span.start)).unwrap_or(self.text.len())
    }

    /// The next token's place as errors tell it: characters, from 1.
    pub(super) fn position(&self) -> u32 {
        self.text.get(..self.offset()).map_or(0, |text| text.chars().count()) as u32 + 1
    }

    /// The text from the next token to the end; consumes it.
    pub(super) fn rest(&mut self) -> &'t str {
        let rest = self.text.get(self.offset()..).unwrap_or("");
        self.at = self.tokens.len();
        rest
    }

    /// The text up to the parenthesis that closes the one before the next token; consumes both.
    pub(super) fn parenthesised(&mut self) -> Result<&'t str> {
        let start = self.offset();
        let mut depth = 1;
        while let Some(token) = self.peek() {
            match token {
                Token::LParen => depth += 1,
                Token::RParen => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                let text = self.text.get(start..self.offset()).unwrap_or("");
                self.at += 1;
                return Ok(text);
            }
            self.at += 1;
        }
        Err(self.unexpected())
    }

    /// A word, string or number as text.
    pub(super) fn value(&mut self) -> Result<String> {
        let sign = if self.accept(&Token::Minus) {
            "-"
        } else {
            self.accept(&Token::Plus);
            ""
        };
        let text = match self.peek() {
            Some(Token::SingleQuotedString(s) | Token::EscapedStringLiteral(s)) => s.clone(),
            Some(Token::Number(n, _)) => format!("{sign}{n}"),
            Some(Token::Word(w)) => fold(&w.value, w.quote_style.is_some()),
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(text)
    }
}
