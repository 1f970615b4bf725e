//! The text of schema changes and other utility statements about objects, to [`Ddl`].
//!
//! Owns: PostgreSQL's grammar of CREATE, ALTER, DROP, COMMENT, TRUNCATE, GRANT …, written by hand over the parser
//! crate's tokens, expressions, types and queries, because the crate's own statements know only part of PostgreSQL's
//! DDL (and much of others'). Must not know: the catalog. Specification: gram.y, sql-commands.html.

mod alter;
mod object;
mod table;

use sqlparser::ast::{DataType, Expr, Query};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, Tokenizer, Word};

use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::{Ddl, Name};
use crate::sql::parse;

/// What a utility statement turned out to be.
#[derive(Clone, Debug)]
pub enum Utility {
    Ddl(Ddl),
    /// Accepted and without effect (GRANT, OWNER TO, …).
    Accepted,
}

/// The first words of the statements that are parsed here.
const FIRST_WORDS: &[&str] = &[
    "ALTER", "CLUSTER", "COMMENT", "CREATE", "DROP", "GRANT", "IMPORT", "REASSIGN", "REFRESH", "REINDEX", "REVOKE",
    "SECURITY", "TRUNCATE",
];

/// The longest identifier in bytes (NAMEDATALEN - 1); longer ones are truncated.
pub const MAX_IDENTIFIER: usize = 63;

static DIALECT: PostgreSqlDialect = PostgreSqlDialect {};

/// Parses a statement if it is one of those that belong here, by its first word; gives its command tag too.
pub fn statement(text: &str) -> Option<Result<(Utility, &'static str)>> {
    let first = first_word(text)?;
    if !FIRST_WORDS.iter().any(|w| first.eq_ignore_ascii_case(w)) {
        return None;
    }
    Some(whole_statement(text))
}

/// The first word of a statement, past white space and comments.
fn first_word(text: &str) -> Option<&str> {
    let mut rest = text.trim_start();
    loop {
        if let Some(comment) = rest.strip_prefix("--") {
            rest = comment.split_once('\n')?.1.trim_start();
        } else if rest.starts_with("/*") {
            rest = skip_comment(rest)?.trim_start();
        } else {
            break;
        }
    }
    let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    rest.get(..end)
}

/// Block comments nest.
fn skip_comment(text: &str) -> Option<&str> {
    let mut depth = 0_usize;
    let mut rest = text;
    loop {
        if let Some(inner) = rest.strip_prefix("/*") {
            (depth, rest) = (depth + 1, inner);
        } else if let Some(outer) = rest.strip_prefix("*/") {
            (depth, rest) = (depth - 1, outer);
            if depth == 0 {
                return Some(rest);
            }
        } else {
            let mut chars = rest.chars();
            chars.next()?;
            rest = chars.as_str();
        }
    }
}

fn whole_statement(text: &str) -> Result<(Utility, &'static str)> {
    let mut ddl = DdlParser::new(text)?;
    let parsed = ddl.statement()?;
    ddl.accept_token(&Token::SemiColon);
    if ddl.parser.peek_token_ref().token != Token::EOF {
        return Err(ddl.unexpected());
    }
    Ok(parsed)
}

/// An identifier as PostgreSQL keeps it: folded unless quoted, and not longer than 63 bytes.
pub fn fold(value: &str, quoted: bool) -> String {
    let mut name = if quoted { value.to_owned() } else { value.to_lowercase() };
    if name.len() > MAX_IDENTIFIER {
        let end = (0..=MAX_IDENTIFIER).rev().find(|&i| name.is_char_boundary(i)).unwrap_or(0);
        name.truncate(end);
    }
    name
}

/// The parser crate's parser, with the few primitives that PostgreSQL's grammar is made of.
struct DdlParser<'t> {
    text: &'t str,
    parser: Parser<'static>,
}

impl<'t> DdlParser<'t> {
    fn new(text: &'t str) -> Result<Self> {
        let tokens = Tokenizer::new(&DIALECT, text).tokenize_with_location().map_err(|e| {
            let message = format!("{} at Line: {}, Column: {}", e.message, e.location.line, e.location.column);
            parse::parser_error(text, &ParserError::TokenizerError(message))
        })?;
        Ok(DdlParser { text, parser: Parser::new(&DIALECT).with_tokens_with_locations(tokens) })
    }

    fn statement(&mut self) -> Result<(Utility, &'static str)> {
        if self.accept("CREATE") {
            return self.create();
        }
        if self.accept("ALTER") {
            return self.alter();
        }
        if self.accept("DROP") {
            return self.drop();
        }
        if self.accept("COMMENT ON") {
            return Ok((Utility::Ddl(self.comment()?), "COMMENT"));
        }
        if self.accept("TRUNCATE") {
            return Ok((Utility::Ddl(self.truncate()?), "TRUNCATE TABLE"));
        }
        self.accepted()
    }

    /// GRANT, REVOKE and others that change nothing here. Roles and privileges are not kept.
    fn accepted(&mut self) -> Result<(Utility, &'static str)> {
        for (words, tag) in [
            ("GRANT", "GRANT"),
            ("REVOKE", "REVOKE"),
            ("REINDEX", "REINDEX"),
            ("CLUSTER", "CLUSTER"),
            ("REASSIGN OWNED", "REASSIGN OWNED"),
            ("SECURITY LABEL", "SECURITY LABEL"),
        ] {
            if self.accept(words) {
                self.skip_statement();
                let role_tag = match tag {
                    "GRANT" if !self.text_has_on() => "GRANT ROLE",
                    "REVOKE" if !self.text_has_on() => "REVOKE ROLE",
                    other => other,
                };
                return Ok((Utility::Accepted, role_tag));
            }
        }
        if self.accept("REFRESH MATERIALIZED VIEW") {
            return Err(Error::unsupported("REFRESH MATERIALIZED VIEW"));
        }
        if self.accept("IMPORT FOREIGN SCHEMA") {
            return Err(Error::unsupported("IMPORT FOREIGN SCHEMA"));
        }
        Err(self.unexpected())
    }

    /// GRANT … ON object is another command than GRANT role TO role.
    fn text_has_on(&self) -> bool {
        (0..self.parser.index()).any(|i| parse::is_word(Some(self.parser.token_at(i)), "ON"))
    }

    /// Skips to the end of the statement.
    fn skip_statement(&mut self) {
        while !matches!(self.parser.peek_token_ref().token, Token::EOF | Token::SemiColon) {
            self.parser.advance_token();
        }
    }

    // ---- primitives ----

    fn peek_is(&self, words: &str) -> bool {
        words.split(' ').enumerate().all(|(n, word)| parse::is_word(Some(self.parser.peek_nth_token_ref(n)), word))
    }

    /// Takes these keywords if they come next.
    fn accept(&mut self, words: &str) -> bool {
        let found = self.peek_is(words);
        if found {
            for _ in words.split(' ') {
                self.parser.advance_token();
            }
        }
        found
    }

    fn expect(&mut self, words: &str) -> Result<()> {
        for word in words.split(' ') {
            if !self.accept(word) {
                return Err(self.unexpected());
            }
        }
        Ok(())
    }

    fn peek_token_is(&self, token: &Token) -> bool {
        self.parser.peek_token_ref().token == *token
    }

    fn accept_token(&mut self, token: &Token) -> bool {
        let found = self.peek_token_is(token);
        if found {
            self.parser.advance_token();
        }
        found
    }

    fn expect_token(&mut self, token: &Token) -> Result<()> {
        if self.accept_token(token) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// A syntax error at the next token.
    fn unexpected(&self) -> Error {
        let token = self.parser.peek_token_ref();
        parse::unexpected(self.text, Some(token).filter(|t| t.token != Token::EOF))
    }

    fn peek_identifier(&self) -> Option<String> {
        match &self.parser.peek_token_ref().token {
            Token::Word(word) if word.quote_style.is_some() => Some(fold(&word.value, true)),
            Token::Word(word) if !is_reserved(word) => Some(fold(&word.value, false)),
            _ => None,
        }
    }

    fn identifier(&mut self) -> Result<String> {
        let name = self.peek_identifier().ok_or_else(|| self.unexpected())?;
        self.parser.advance_token();
        Ok(name)
    }

    /// The words after a dot may be reserved.
    fn label(&mut self) -> Result<String> {
        let Token::Word(word) = &self.parser.peek_token_ref().token else { return Err(self.unexpected()) };
        let name = fold(&word.value, word.quote_style.is_some());
        self.parser.advance_token();
        Ok(name)
    }

    fn dotted(&mut self) -> Result<Vec<String>> {
        let mut parts = vec![self.identifier()?];
        while self.accept_token(&Token::Period) {
            parts.push(self.label()?);
        }
        Ok(parts)
    }

    /// [schema.]name; a database's name in front is ignored, as PostgreSQL ignores its own.
    fn name(&mut self) -> Result<Name> {
        let parts = self.dotted()?;
        self.name_of(&parts)
    }

    fn name_of(&self, parts: &[String]) -> Result<Name> {
        match parts {
            [name] => Ok(Name::plain(name)),
            [schema, name] | [_, schema, name] => Ok(Name { schema: Some(schema.clone()), name: name.clone() }),
            _ => {
                let message = format!("improper qualified name (too many dotted names): {}", parts.join("."));
                Err(Error::new(SqlState::SYNTAX_ERROR, message))
            }
        }
    }

    fn names(&mut self) -> Result<Vec<Name>> {
        let mut names = vec![self.name()?];
        while self.accept_token(&Token::Comma) {
            names.push(self.name()?);
        }
        Ok(names)
    }

    /// (a, b, …)
    fn column_list(&mut self) -> Result<Vec<String>> {
        self.expect_token(&Token::LParen)?;
        let mut columns = vec![self.identifier()?];
        while self.accept_token(&Token::Comma) {
            columns.push(self.identifier()?);
        }
        self.expect_token(&Token::RParen)?;
        Ok(columns)
    }

    fn string(&mut self) -> Result<String> {
        let text = match &self.parser.peek_token_ref().token {
            Token::SingleQuotedString(text) | Token::EscapedStringLiteral(text) => text.clone(),
            Token::DollarQuotedString(quoted) => quoted.value.clone(),
            Token::UnicodeStringLiteral(text) => text.clone(),
            _ => return Err(self.unexpected()),
        };
        self.parser.advance_token();
        Ok(text)
    }

    fn integer(&mut self) -> Result<i64> {
        let negative = self.accept_token(&Token::Minus);
        if !negative {
            self.accept_token(&Token::Plus);
        }
        let Token::Number(digits, _) = &self.parser.peek_token_ref().token else { return Err(self.unexpected()) };
        let text = if negative { format!("-{digits}") } else { digits.clone() };
        let value = text.parse().map_err(|_| {
            let message = format!("value \"{text}\" is out of range for type bigint");
            Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message)
        })?;
        self.parser.advance_token();
        Ok(value)
    }

    fn expression(&mut self) -> Result<Expr> {
        self.run(Parser::parse_expr)
    }

    /// An expression after DEFAULT: gram.y's b_expr, which ends before NOT, IN, LIKE, AND and OR.
    fn default_expression(&mut self) -> Result<Expr> {
        const BETWEEN_AND_LIKE: u8 = 60;
        self.run(|parser| parser.parse_subexpr(BETWEEN_AND_LIKE))
    }

    fn parenthesised_expression(&mut self) -> Result<Expr> {
        self.expect_token(&Token::LParen)?;
        let expression = self.expression()?;
        self.expect_token(&Token::RParen)?;
        Ok(expression)
    }

    fn data_type(&mut self) -> Result<DataType> {
        self.run(Parser::parse_data_type)
    }

    fn query(&mut self) -> Result<Box<Query>> {
        self.run(Parser::parse_query)
    }

    fn run<T>(&mut self, parse: impl FnOnce(&mut Parser<'static>) -> Result<T, ParserError>) -> Result<T> {
        parse(&mut self.parser).map_err(|error| parse::parser_error(self.text, &error))
    }

    fn if_exists(&mut self) -> bool {
        self.accept("IF EXISTS")
    }

    fn if_not_exists(&mut self) -> bool {
        self.accept("IF NOT EXISTS")
    }

    /// [CASCADE | RESTRICT]
    fn cascade(&mut self) -> bool {
        if self.accept("CASCADE") {
            return true;
        }
        self.accept("RESTRICT");
        false
    }

    /// Skips a parenthesised list, such as storage parameters.
    fn skip_parentheses(&mut self) -> Result<()> {
        self.expect_token(&Token::LParen)?;
        let mut depth = 1;
        while depth > 0 {
            match self.parser.next_token().token {
                Token::LParen => depth += 1,
                Token::RParen => depth -= 1,
                Token::EOF => return Err(self.unexpected()),
                _ => {}
            }
        }
        Ok(())
    }
}

/// PostgreSQL's reserved words, which cannot name a table or a column without quotes (sql-keywords-appendix.html).
#[rustfmt::skip]
const RESERVED: &[&str] = &[
    "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "both", "case", "cast", "check",
    "collate", "column", "constraint", "create", "current_catalog", "current_date", "current_role", "current_time",
    "current_timestamp", "current_user", "default", "deferrable", "desc", "distinct", "do", "else", "end", "except",
    "false", "fetch", "for", "foreign", "from", "grant", "group", "having", "in", "initially", "intersect", "into",
    "lateral", "leading", "limit", "localtime", "localtimestamp", "not", "null", "offset", "on", "only", "or", "order",
    "placing", "primary", "references", "returning", "select", "session_user", "some", "symmetric", "table", "then",
    "to", "trailing", "true", "union", "unique", "user", "using", "variadic", "when", "where", "window", "with",
];

fn is_reserved(word: &Word) -> bool {
    RESERVED.binary_search(&word.value.to_lowercase().as_str()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_one(text: &str) -> Result<(Utility, &'static str)> {
        statement(text).unwrap_or_else(|| panic!("not a utility statement: {text}"))
    }

    /// Statements as pg_dump, pgbench and drivers write them, and their command tags.
    const ACCEPTED: &[(&str, &str)] = &[
        (
            "create table t (id serial primary key, a int not null default 5 check (a > 0), b text unique)",
            "CREATE TABLE",
        ),
        ("CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY (START WITH 10) PRIMARY KEY)", "CREATE TABLE"),
        ("CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a * 2) STORED, UNIQUE (a, b))", "CREATE TABLE"),
        (
            "create table pgbench_branches(bid int not null,bbalance int,filler char(88)) with (fillfactor=100)",
            "CREATE TABLE",
        ),
        ("CREATE TEMP TABLE IF NOT EXISTS t (a int) ON COMMIT DROP", "CREATE TABLE"),
        ("CREATE TABLE t (a int) WITH (fillfactor=100) TABLESPACE x", "CREATE TABLE"),
        ("CREATE TABLE t (a text COLLATE \"C\" DEFAULT 'x'::text NOT NULL, LIKE u INCLUDING ALL)", "CREATE TABLE"),
        ("CREATE TABLE IF NOT EXISTS t (x, y) AS SELECT 1, 2 WITH NO DATA", "CREATE TABLE AS"),
        ("CREATE TABLE t AS SELECT 1", "SELECT"),
        ("alter table pgbench_branches add primary key (bid)", "ALTER TABLE"),
        ("ALTER TABLE ONLY public.t ALTER COLUMN id SET DEFAULT nextval('public.t_id_seq'::regclass)", "ALTER TABLE"),
        (
            "ALTER TABLE public.t ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (\n    SEQUENCE NAME public.t_id_seq\n    START WITH 1\n    INCREMENT BY 1\n    NO MINVALUE\n    NO MAXVALUE\n    CACHE 1\n)",
            "ALTER TABLE",
        ),
        (
            "ALTER TABLE ONLY t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES p(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED",
            "ALTER TABLE",
        ),
        (
            "ALTER TABLE t ADD COLUMN a int DEFAULT 5 NOT NULL, DROP COLUMN b CASCADE, ALTER c TYPE text USING c::text",
            "ALTER TABLE",
        ),
        (
            "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON ONLY public.t USING btree (a DESC NULLS LAST, lower(b) text_pattern_ops) INCLUDE (c) WITH (fillfactor='70') WHERE a > 0",
            "CREATE INDEX",
        ),
        ("CREATE INDEX ON t ((a + b), c)", "CREATE INDEX"),
        (
            "CREATE SEQUENCE public.s AS integer START WITH 1 INCREMENT BY 1 NO MINVALUE NO MAXVALUE CACHE 1",
            "CREATE SEQUENCE",
        ),
        ("ALTER SEQUENCE public.s OWNED BY public.t.id", "ALTER SEQUENCE"),
        ("-- a comment\n/* and /* another */ */ CREATE OR REPLACE VIEW v (a) AS SELECT 1;", "CREATE VIEW"),
        ("CREATE TYPE public.mood AS ENUM (\n    'sad',\n    'ok'\n)", "CREATE TYPE"),
        ("CREATE DOMAIN public.d AS integer NOT NULL\n\tCONSTRAINT d_check CHECK ((VALUE > 0))", "CREATE DOMAIN"),
        ("DROP TABLE IF EXISTS a, s.b CASCADE", "DROP TABLE"),
        ("COMMENT ON COLUMN public.t.a IS 'x'", "COMMENT"),
        ("COMMENT ON EXTENSION plpgsql IS 'x'", "COMMENT"),
        ("truncate table pgbench_accounts, pgbench_branches", "TRUNCATE TABLE"),
        ("GRANT SELECT ON t TO x", "GRANT"),
        ("GRANT a TO b", "GRANT ROLE"),
        ("ALTER TABLE public.t OWNER TO postgres", "ALTER TABLE"),
        ("CREATE EXTENSION IF NOT EXISTS plpgsql WITH SCHEMA pg_catalog", "CREATE EXTENSION"),
        ("DROP FUNCTION IF EXISTS f(int) CASCADE", "DROP FUNCTION"),
    ];

    #[test]
    fn what_dumps_and_drivers_write_is_understood() {
        for (text, tag) in ACCEPTED {
            let parsed = parse_one(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(parsed.1, *tag, "{text}");
        }
        assert!(statement("SELECT 1").is_none() && statement("").is_none());
    }

    /// Messages and positions recorded from PostgreSQL 15, except 0A000.
    #[test]
    fn errors_are_postgresqls() {
        for (text, code, message, position) in [
            ("CREATE TABLE t (a int b)", "42601", "syntax error at or near \"b\"", Some(23)),
            ("CREATE TABLE select (a int)", "42601", "syntax error at or near \"select\"", Some(14)),
            ("CREATE TABLE t (a int", "42601", "syntax error at end of input", None),
            ("DROP TABLE a b", "42601", "syntax error at or near \"b\"", Some(14)),
            ("CREATE TABLE t (a int) INHERITS (p)", "0A000", "INHERITS is not supported", None),
            ("CREATE FUNCTION f() RETURNS int AS 'x'", "0A000", "CREATE FUNCTION is not supported", None),
            ("ALTER SEQUENCE s OWNED BY x", "42601", "invalid OWNED BY option", None),
        ] {
            let error = parse_one(text).expect_err(text);
            assert_eq!((error.code().as_str(), error.message()), (code, message), "{text}");
            assert!(position.is_none() || error.fields().position == position, "{text}: {error:?}");
        }
    }

    #[test]
    fn names_are_folded_and_truncated() {
        let long = "x".repeat(70);
        let Ok((Utility::Ddl(Ddl::Drop { names, .. }), _)) = parse_one(&format!("DROP TABLE Abc, \"Abc\", {long}"))
        else {
            panic!("not a DROP")
        };
        let names: Vec<&str> = names.iter().map(|n| n.name.as_str()).collect();
        assert_eq!(names, ["abc", "Abc", &long[..63]]);
    }
}
