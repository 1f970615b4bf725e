//! The cursor over a statement's tokens that all productions share.
//!
//! Owns: [`Parser`]: looking at tokens, taking them, names by keyword category, lists, the syntax error, and the bound
//! on nesting. Must not know: productions.
//!
//! A production is a method named after the nonterminal of gram.y. It takes its tokens or returns PostgreSQL's error at
//! the first token that cannot go on; there is no backtracking but by looking at tokens ahead.

use crate::error::{Error, Result, SqlState};
use crate::limits::stack;
use crate::sql::syntax::ast::expression::AnyName;
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::keywords::{Category, Keyword};
use crate::sql::syntax::lexer::{LexError, Token, TokenKind};
use crate::sql::syntax::token_value::TokenValue;

/// How deep a statement may nest: parentheses, operators, sub-queries, chains of set operations. Every later walk over
/// a tree is bounded by it.
pub const MAX_DEPTH: u32 = 500;

/// The end of what is parsed, for looks beyond it.
const END: Token = Token { kind: TokenKind::End, start: u32::MAX, end: u32::MAX };

/// A cursor over the tokens of one statement. The last token is a semicolon, `End` or `Bad`.
pub struct Parser<'t> {
    text: &'t str,
    tokens: &'t [Token],
    at: usize,
    depth: u32,
}

impl<'t> Parser<'t> {
    pub fn new(text: &'t str, tokens: &'t [Token]) -> Self {
        Parser { text, tokens, at: 0, depth: 0 }
    }

    // ----- looking

    /// The token that comes next.
    pub fn token(&self) -> Token {
        self.ahead(0)
    }

    fn ahead(&self, n: usize) -> Token {
        match self.tokens.get(self.at + n) {
            Some(token) => *token,
            None => self.tokens.last().map_or(END, |last| Token { start: last.end, end: last.end, ..END }),
        }
    }

    /// The kind of the token that comes next.
    pub fn peek(&self) -> TokenKind {
        self.ahead(0).kind
    }

    /// The kind of the n-th token after the next.
    pub fn peek_at(&self, n: usize) -> TokenKind {
        self.ahead(n).kind
    }

    /// Where the next token stands.
    pub fn location(&self) -> Location {
        Location::new(self.token().start as usize)
    }

    pub fn at(&self, keyword: Keyword) -> bool {
        self.peek() == TokenKind::Keyword(keyword)
    }

    /// Whether the n-th token after the next is this keyword.
    pub fn keyword_at(&self, n: usize, keyword: Keyword) -> bool {
        self.peek_at(n) == TokenKind::Keyword(keyword)
    }

    /// Whether the next tokens are these keywords.
    pub fn at_all(&self, keywords: &[Keyword]) -> bool {
        keywords.iter().enumerate().all(|(n, keyword)| self.keyword_at(n, *keyword))
    }

    pub fn at_any(&self, keywords: &[Keyword]) -> bool {
        matches!(self.peek(), TokenKind::Keyword(keyword) if keywords.contains(&keyword))
    }

    pub fn at_symbol(&self, symbol: u8) -> bool {
        self.peek() == TokenKind::Symbol(symbol)
    }

    pub fn symbol_at(&self, n: usize, symbol: u8) -> bool {
        self.peek_at(n) == TokenKind::Symbol(symbol)
    }

    /// Whether nothing more of the statement is left.
    pub fn at_end(&self) -> bool {
        matches!(self.peek(), TokenKind::End | TokenKind::Symbol(b';'))
    }

    // ----- taking

    /// Takes the next token.
    pub fn advance(&mut self) -> Token {
        let token = self.token();
        self.at += 1;
        token
    }

    pub fn eat(&mut self, keyword: Keyword) -> bool {
        let found = self.at(keyword);
        self.at += usize::from(found);
        found
    }

    /// Takes these keywords if they all come next.
    pub fn eat_all(&mut self, keywords: &[Keyword]) -> bool {
        let found = self.at_all(keywords);
        if found {
            self.at += keywords.len();
        }
        found
    }

    pub fn eat_symbol(&mut self, symbol: u8) -> bool {
        let found = self.at_symbol(symbol);
        self.at += usize::from(found);
        found
    }

    pub fn eat_kind(&mut self, kind: TokenKind) -> bool {
        let found = self.peek() == kind;
        self.at += usize::from(found);
        found
    }

    pub fn expect(&mut self, keyword: Keyword) -> Result<()> {
        if self.eat(keyword) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// These keywords, one after the other.
    pub fn expect_all(&mut self, keywords: &[Keyword]) -> Result<()> {
        keywords.iter().try_for_each(|keyword| self.expect(*keyword))
    }

    pub fn expect_symbol(&mut self, symbol: u8) -> Result<()> {
        if self.eat_symbol(symbol) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Nothing more may come.
    pub fn expect_end(&self) -> Result<()> {
        if self.at_end() { Ok(()) } else { Err(self.unexpected()) }
    }

    // ----- combinations

    /// item, item, …
    pub fn comma_list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.eat_symbol(b',') {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// ( content )
    pub fn parens<T>(&mut self, content: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.expect_symbol(b'(')?;
        let content = content(self)?;
        self.expect_symbol(b')')?;
        Ok(content)
    }

    /// ( item, item, … )
    pub fn parens_list<T>(&mut self, item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        self.parens(|p| p.comma_list(item))
    }

    /// What a keyword begins, if it comes next.
    pub fn optional<T>(&mut self, keyword: Keyword, content: impl FnOnce(&mut Self) -> Result<T>) -> Result<Option<T>> {
        if self.eat(keyword) { content(self).map(Some) } else { Ok(None) }
    }

    /// Runs a production one level deeper; 54001 beyond [`MAX_DEPTH`].
    pub fn deeper<T>(&mut self, production: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.descend(1)?;
        let result = production(self);
        self.ascend(1);
        result
    }

    /// Counts levels that a chain of operators adds to the tree; [`Self::ascend`] takes them back.
    pub fn descend(&mut self, levels: u32) -> Result<()> {
        self.depth += levels;
        if self.depth <= MAX_DEPTH {
            return Ok(());
        }
        Err(stack::too_deep())
    }

    pub fn ascend(&mut self, levels: u32) {
        self.depth = self.depth.saturating_sub(levels);
    }

    // ----- names

    fn name_of(&mut self, allowed: impl Fn(Category) -> bool) -> Result<String> {
        match self.peek() {
            TokenKind::Ident | TokenKind::QuotedIdent => self.value().name(&self.advance()),
            TokenKind::UnicodeIdent => self.unicode_value(),
            TokenKind::Keyword(keyword) if allowed(keyword.category()) => {
                self.advance();
                Ok(keyword.word().to_owned())
            }
            _ => Err(self.unexpected()),
        }
    }

    /// Whether the n-th token after the next can be a ColId.
    pub fn is_col_id(&self, n: usize) -> bool {
        match self.peek_at(n) {
            TokenKind::Ident | TokenKind::QuotedIdent | TokenKind::UnicodeIdent => true,
            TokenKind::Keyword(k) => matches!(k.category(), Category::Unreserved | Category::ColumnName),
            _ => false,
        }
    }

    /// Whether the n-th token after the next can be a type_function_name.
    pub fn is_type_function_name(&self, n: usize) -> bool {
        match self.peek_at(n) {
            TokenKind::Ident | TokenKind::QuotedIdent | TokenKind::UnicodeIdent => true,
            TokenKind::Keyword(k) => matches!(k.category(), Category::Unreserved | Category::TypeFunctionName),
            _ => false,
        }
    }

    /// ColId, name: what names a column, table, schema.
    pub fn col_id(&mut self) -> Result<String> {
        self.name_of(|category| matches!(category, Category::Unreserved | Category::ColumnName))
    }

    /// What names a function or a type.
    pub fn type_function_name(&mut self) -> Result<String> {
        self.name_of(|category| matches!(category, Category::Unreserved | Category::TypeFunctionName))
    }

    /// NonReservedWord.
    pub fn non_reserved_word(&mut self) -> Result<String> {
        self.name_of(|category| category != Category::Reserved)
    }

    /// ColLabel: any word, as behind AS or a dot.
    pub fn col_label(&mut self) -> Result<String> {
        self.name_of(|_| true)
    }

    /// Whether the next token can be a BareColLabel.
    pub fn is_bare_col_label(&self) -> bool {
        match self.peek() {
            TokenKind::Ident | TokenKind::QuotedIdent | TokenKind::UnicodeIdent => true,
            TokenKind::Keyword(keyword) => keyword.is_bare_label(),
            _ => false,
        }
    }

    /// An IDENT with just this text: words that the grammar knows without having them as keywords.
    pub fn at_word(&self, word: &str) -> bool {
        self.peek() == TokenKind::Ident && self.token().text(self.text).eq_ignore_ascii_case(word)
    }

    /// any_name: name.name …
    pub fn any_name(&mut self) -> Result<AnyName> {
        let mut name = vec![self.col_id()?];
        while self.eat_symbol(b'.') {
            name.push(self.col_label()?);
        }
        Ok(name)
    }

    /// (name, name, …): a parenthesised columnList.
    pub fn column_list(&mut self) -> Result<Vec<String>> {
        self.parens_list(Self::col_id)
    }

    /// A parenthesised columnList, if one comes next; else empty.
    pub fn opt_column_list(&mut self) -> Result<Vec<String>> {
        if self.at_symbol(b'(') { self.column_list() } else { Ok(Vec::new()) }
    }

    // ----- constants

    /// Whether the n-th token after the next is a string constant (Sconst).
    pub fn is_sconst(&self, n: usize) -> bool {
        matches!(
            self.peek_at(n),
            TokenKind::String | TokenKind::EscapeString | TokenKind::UnicodeString | TokenKind::DollarString
        )
    }

    /// Sconst.
    pub fn sconst(&mut self) -> Result<String> {
        match self.peek() {
            TokenKind::UnicodeString => self.unicode_value(),
            _ if self.is_sconst(0) => self.value().string(&self.advance()),
            _ => Err(self.unexpected()),
        }
    }

    /// Iconst: digits that fit 32 bits.
    pub fn iconst(&mut self) -> Result<i32> {
        if self.peek() == TokenKind::Integer
            && let Ok(number) = self.token().text(self.text).parse()
        {
            self.advance();
            return Ok(number);
        }
        Err(self.unexpected())
    }

    /// Whether the n-th token after the next is an Iconst.
    pub fn is_iconst(&self, n: usize) -> bool {
        let token = self.ahead(n);
        token.kind == TokenKind::Integer && token.text(self.text).parse::<i32>().is_ok()
    }

    /// SignedIconst.
    pub fn signed_iconst(&mut self) -> Result<i32> {
        let negative = self.at_symbol(b'-');
        if negative || self.at_symbol(b'+') {
            self.advance();
        }
        let number = self.iconst()?;
        Ok(if negative { -number } else { number })
    }

    /// The number of $n; too large ones are no parameter that there could be.
    pub fn param_number(&self, token: &Token) -> u32 {
        token.text(self.text).get(1..).and_then(|digits| digits.parse().ok()).unwrap_or(u32::MAX)
    }

    /// A Unicode string or name, with the UESCAPE that may follow it.
    fn unicode_value(&mut self) -> Result<String> {
        let token = self.advance();
        let mut escape = '\\';
        if self.eat(Keyword::Uescape) {
            let value = self.value();
            let given = self.token();
            if !matches!(given.kind, TokenKind::String | TokenKind::EscapeString | TokenKind::DollarString) {
                return Err(self.error_here("UESCAPE must be followed by a simple string literal"));
            }
            let text = value.string(&given)?;
            let mut characters = text.chars();
            escape = match (characters.next(), characters.next()) {
                (Some(c), None) if c.is_ascii() && !c.is_ascii_hexdigit() && !"+'\" \t\n\r\x0c\x0b".contains(c) => c,
                _ => return Err(self.error_here("invalid Unicode escape character")),
            };
            self.advance();
        }
        self.value().unicode(&token, escape)
    }

    // ----- texts and errors

    pub fn value(&self) -> TokenValue<'t> {
        TokenValue { text: self.text }
    }

    /// The text as written from a location to the last token that was taken.
    pub fn text_since(&self, from: Location) -> &'t str {
        let end = self.at.checked_sub(1).and_then(|last| self.tokens.get(last)).map_or(0, |token| token.end as usize);
        from.byte().and_then(|start| self.text.get(start..end)).unwrap_or("")
    }

    /// As the next token was written.
    pub fn written(&self) -> &'t str {
        self.token().text(self.text)
    }

    /// A syntax error at the next token.
    pub fn unexpected(&self) -> Error {
        match self.peek() {
            TokenKind::Bad(LexError::UnsafeUnicodeString) => {
                Error::new(SqlState::FEATURE_NOT_SUPPORTED, LexError::UnsafeUnicodeString.message())
                    .with_detail(
                        "String constants with Unicode escapes cannot be used when standard_conforming_strings is off.",
                    )
                    .with_position(self.value().position(self.token().start as usize))
            }
            TokenKind::Bad(error) => self.error_here(error.message()),
            _ => self.error_here("syntax error"),
        }
    }

    /// An error of class 42601 at the next token, in yyerror's form.
    pub fn error_here(&self, message: &str) -> Error {
        let token = self.token();
        let near = match token.kind {
            TokenKind::End => "",
            TokenKind::Symbol(b';') => ";",
            _ => token.text(self.text),
        };
        self.value().error(token.start as usize, near, message)
    }

    /// An error that points at a location, as ereport with parser_errposition.
    pub fn error_at(&self, location: Location, code: SqlState, message: impl Into<String>) -> Error {
        self.value().located(Error::new(code, message.into()), location)
    }

    /// What the grammar itself refuses as unsupported (0A000), or wrong (42601), at a location.
    pub fn refused(&self, location: Location, message: impl Into<String>) -> Error {
        self.error_at(location, SqlState::FEATURE_NOT_SUPPORTED, message)
    }

    /// A 42601 in other words than "syntax error", at a location.
    pub fn syntax_error_at(&self, location: Location, message: impl Into<String>) -> Error {
        self.error_at(location, SqlState::SYNTAX_ERROR, message)
    }
}
