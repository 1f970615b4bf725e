//! The first look at a query string: where its statements begin and end, and which constants can be lifted out, so
//! that the same statement with other constants finds the same plan.
//!
//! Owns: [`scan`], [`Source`], [`Lifted`]. Must not know: grammar beyond tokens, types, the parser's tree.
//! Specification: sql-syntax-lexical.html.

use crate::error::{Error, Result, SqlState};

/// One statement of a query string, not analysed yet.
#[derive(Clone, Debug)]
pub struct Source<'t> {
    /// The statement's text, from its first to its last token.
    pub text: &'t str,
    /// Characters of the query string before it; error positions count from the string's start.
    pub offset: u32,
    /// The text with every lifted constant replaced by a mark of its kind: what the plan is cached under.
    pub key: String,
    pub literals: Vec<Lifted<'t>>,
}

/// A constant lifted out of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifted<'t> {
    pub kind: LiteralKind,
    /// As written; a string with its quotes.
    pub text: &'t str,
    /// Byte position in [`Source::text`].
    pub start: usize,
}

/// What type a constant has before its context decides (sql-syntax-lexical.html#SQL-SYNTAX-CONSTANTS).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiteralKind {
    Int4,
    Int8,
    Numeric,
    /// A quoted string: of type unknown.
    String,
}

impl Lifted<'_> {
    /// The constant's value as text, quotes removed.
    pub fn value(&self) -> std::borrow::Cow<'_, str> {
        match self.kind {
            LiteralKind::String => {
                let inner = self.text.get(1..self.text.len() - 1).unwrap_or("");
                if inner.contains('\'') { inner.replace("''", "'").into() } else { inner.into() }
            }
            _ => self.text.into(),
        }
    }
}

/// The mark that stands for a lifted constant in [`Source::key`].
fn mark(kind: LiteralKind) -> &'static str {
    match kind {
        LiteralKind::Int4 => "\u{1}i",
        LiteralKind::Int8 => "\u{1}l",
        LiteralKind::Numeric => "\u{1}n",
        LiteralKind::String => "\u{1}s",
    }
}

/// Splits a query string at its top-level semicolons. Statements without a token are left out.
pub fn scan(text: &str) -> Result<Vec<Source<'_>>> {
    let mut scanner = Scanner { text, bytes: text.as_bytes(), at: 0 };
    let mut sources = Vec::new();
    loop {
        scanner.skip_blanks()?;
        if scanner.at >= scanner.bytes.len() {
            return Ok(sources);
        }
        if let Some(source) = scanner.statement()? {
            sources.push(source);
        }
    }
}

struct Scanner<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
}

impl<'t> Scanner<'t> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn slice(&self, from: usize, to: usize) -> &'t str {
        self.text.get(from..to).unwrap_or("")
    }

    /// 1-based character position of a byte of the text.
    fn position(&self, byte: usize) -> u32 {
        (self.slice(0, byte).chars().count() + 1) as u32
    }

    fn unterminated(&self, what: &str, start: usize) -> Error {
        let message = format!("unterminated {what} at or near \"{}\"", self.slice(start, self.bytes.len()));
        Error::new(SqlState::SYNTAX_ERROR, message).with_position(self.position(start))
    }

    fn skip_blanks(&mut self) -> Result<()> {
        loop {
            match self.peek(0) {
                b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => self.at += 1,
                b'-' if self.peek(1) == b'-' => self.skip_line(),
                b'/' if self.peek(1) == b'*' => self.skip_comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn skip_line(&mut self) {
        while self.at < self.bytes.len() && self.peek(0) != b'\n' {
            self.at += 1;
        }
    }

    /// Block comments nest (sql-syntax-lexical.html#SQL-SYNTAX-COMMENTS).
    fn skip_comment(&mut self) -> Result<()> {
        let start = self.at;
        let mut depth = 0;
        while self.at < self.bytes.len() {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'*') => {
                    depth += 1;
                    self.at += 2;
                }
                (b'*', b'/') => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return Ok(());
                    }
                }
                _ => self.at += 1,
            }
        }
        Err(self.unterminated("/* comment", start))
    }

    /// Reads up to the next top-level semicolon; `None` if there is nothing before it.
    fn statement(&mut self) -> Result<Option<Source<'t>>> {
        let start = self.at;
        let lift = starts_with_query(self.bytes.get(start..).unwrap_or(&[]));
        let mut key = String::new();
        let mut copied = start;
        let mut literals = Vec::new();
        let mut end = start;
        loop {
            self.skip_blanks()?;
            let token = self.at;
            if token >= self.bytes.len() {
                break;
            }
            if self.peek(0) == b';' {
                self.at += 1;
                break;
            }
            let kind = self.token()?;
            end = self.at;
            if let (true, Some(kind)) = (lift, kind) {
                let text = self.slice(token, end);
                key.push_str(self.slice(copied, token));
                key.push_str(mark(kind));
                copied = end;
                literals.push(Lifted { kind, text, start: token - start });
            }
        }
        if end == start {
            return Ok(None);
        }
        key.push_str(self.slice(copied, end));
        let offset = self.position(start) - 1;
        Ok(Some(Source { text: self.slice(start, end), offset, key, literals }))
    }

    /// Consumes one token; tells its kind if it is a constant that can be lifted.
    fn token(&mut self) -> Result<Option<LiteralKind>> {
        let start = self.at;
        match self.peek(0) {
            b'\'' => {
                self.quoted(b'\'', false, "quoted string", start)?;
                return Ok((!self.continued()?).then_some(LiteralKind::String));
            }
            b'"' => self.quoted(b'"', false, "quoted identifier", start)?,
            b'$' if self.peek(1).is_ascii_digit() => {
                self.at += 1;
                self.digits();
                self.no_junk("parameter", start)?;
            }
            b'$' => self.dollar_quoted(start)?,
            b'0'..=b'9' => return self.number(start).map(Some),
            b'.' if self.peek(1).is_ascii_digit() => return self.number(start).map(Some),
            c if is_word_start(c) => self.word(start)?,
            _ => self.at += 1,
        }
        Ok(None)
    }

    fn digits(&mut self) {
        while self.peek(0).is_ascii_digit() {
            self.at += 1;
        }
    }

    /// Letters that touch a number belong to nothing; SQLite and other PostgreSQL versions would read an alias.
    fn no_junk(&mut self, what: &str, start: usize) -> Result<()> {
        if !is_word_start(self.peek(0)) {
            return Ok(());
        }
        let exponent = matches!(self.peek(0), b'e' | b'E') && matches!(self.peek(1), b'+' | b'-');
        if exponent {
            self.at += 2;
        } else {
            while is_word_part(self.peek(0)) {
                self.at += 1;
            }
        }
        let message = format!("trailing junk after {what} at or near \"{}\"", self.slice(start, self.at));
        Err(Error::new(SqlState::SYNTAX_ERROR, message).with_position(self.position(start)))
    }

    fn number(&mut self, start: usize) -> Result<LiteralKind> {
        self.digits();
        let mut integer = true;
        if self.peek(0) == b'.' && self.peek(1) != b'.' {
            integer = false;
            self.at += 1;
            self.digits();
        }
        if matches!(self.peek(0), b'e' | b'E') {
            let sign = usize::from(matches!(self.peek(1), b'+' | b'-'));
            if self.peek(1 + sign).is_ascii_digit() {
                integer = false;
                self.at += 1 + sign;
                self.digits();
            }
        }
        self.no_junk("numeric literal", start)?;
        if !integer {
            return Ok(LiteralKind::Numeric);
        }
        Ok(match self.slice(start, self.at).parse::<i64>() {
            Ok(n) if i32::try_from(n).is_ok() => LiteralKind::Int4,
            Ok(_) => LiteralKind::Int8,
            Err(_) => LiteralKind::Numeric,
        })
    }

    /// Consumes up to the closing quote; a doubled quote, and after E a backslash, do not close.
    fn quoted(&mut self, quote: u8, backslash: bool, what: &str, start: usize) -> Result<()> {
        self.at += 1;
        while self.at < self.bytes.len() {
            let c = self.peek(0);
            if c == quote && self.peek(1) == quote || backslash && c == b'\\' {
                self.at += 2;
            } else if c == quote {
                self.at += 1;
                return Ok(());
            } else {
                self.at += 1;
            }
        }
        Err(self.unterminated(what, start))
    }

    /// Consumes the strings that continue this one: those after white space with a line break in it
    /// (sql-syntax-lexical.html#SQL-SYNTAX-STRINGS). True if there was one.
    fn continued(&mut self) -> Result<bool> {
        let mut any = false;
        loop {
            let end = self.at;
            self.skip_blanks()?;
            if !self.slice(end, self.at).contains('\n') || self.peek(0) != b'\'' {
                self.at = end;
                return Ok(any);
            }
            any = true;
            self.quoted(b'\'', false, "quoted string", self.at)?;
        }
    }

    fn dollar_quoted(&mut self, start: usize) -> Result<()> {
        let rest = self.slice(start + 1, self.bytes.len());
        let tag_length = rest.bytes().take_while(|c| is_word_part(*c) && *c != b'$').count();
        if rest.as_bytes().get(tag_length) != Some(&b'$') {
            self.at += 1;
            return Ok(());
        }
        let tag = self.slice(start, start + tag_length + 2);
        let body = start + tag.len();
        match self.slice(body, self.bytes.len()).find(tag) {
            Some(length) => {
                self.at = body + length + tag.len();
                Ok(())
            }
            None => Err(self.unterminated("dollar-quoted string", start)),
        }
    }

    /// A keyword or identifier; or a string constant with a prefix (E'', B'', X'', N'', U&''), which is not lifted.
    fn word(&mut self, start: usize) -> Result<()> {
        while is_word_part(self.peek(0)) {
            self.at += 1;
        }
        let one_letter = self.at == start + 1;
        let prefix = self.bytes.get(start).map(u8::to_ascii_lowercase).unwrap_or(0);
        if one_letter && prefix == b'u' && self.peek(0) == b'&' && matches!(self.peek(1), b'\'' | b'"') {
            self.at += 1;
            return self.quoted(self.peek(0), false, "quoted string", start);
        }
        if one_letter && self.peek(0) == b'\'' && matches!(prefix, b'e' | b'b' | b'x' | b'n') {
            return self.quoted(b'\'', prefix == b'e', "quoted string", start);
        }
        Ok(())
    }
}

fn is_word_start(c: u8) -> bool {
    c.is_ascii_alphabetic() || c == b'_' || c >= 0x80
}

fn is_word_part(c: u8) -> bool {
    is_word_start(c) || c.is_ascii_digit() || c == b'$'
}

/// Only queries have constants worth lifting; in utility statements and DDL they are part of the meaning.
fn starts_with_query(bytes: &[u8]) -> bool {
    let bytes = bytes.iter().position(|c| *c != b'(').and_then(|n| bytes.get(n..)).unwrap_or(bytes);
    ["select", "insert", "update", "delete", "with", "values"].iter().any(|word| {
        bytes.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
            && !bytes.get(word.len()).copied().is_some_and(is_word_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<String> {
        scan(text).unwrap().into_iter().map(|s| s.key.replace('\u{1}', "%")).collect()
    }

    #[test]
    fn splits_statements_and_lifts_constants() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            (" ; ;; -- x\n /* a /* nested */ */ ;", &[]),
            ("select 1", &["select %i"]),
            ("SELECT 'it''s', 1.5, 3000000000, .5e-3, $1, a1 FROM t", &["SELECT %s, %n, %l, %n, $1, a1 FROM t"]),
            (
                "select e'a\\'b', $$;$$, $x$ $$ $x$, \"a;\"\"b\"; select 2",
                &["select e'a\\'b', $$;$$, $x$ $$ $x$, \"a;\"\"b\"", "select %i"],
            ),
            ("create table t (a varchar(10))", &["create table t (a varchar(10))"]),
            ("select 'a'\n 'b', 'c' 'd'", &["select 'a'\n 'b', %s %s"]),
            ("selection 1", &["selection 1"]),
            ("(select 1)", &["(select %i)"]),
        ];
        for (text, want) in cases {
            assert_eq!(keys(text), *want, "{text}");
        }
    }

    #[test]
    fn an_unterminated_string_is_a_syntax_error_with_a_position() {
        let error = scan("select 1; select 'abc").unwrap_err();
        assert_eq!(error.code(), SqlState::SYNTAX_ERROR);
        assert_eq!(error.message(), "unterminated quoted string at or near \"'abc\"");
        assert_eq!(error.fields().position, Some(18));
    }

    /// Recorded from PostgreSQL 15.
    #[test]
    fn letters_that_touch_a_number_are_an_error() {
        let cases = [
            ("select 0x1F", "numeric literal at or near \"0x1F\"", 8),
            ("select 1.x", "numeric literal at or near \"1.x\"", 8),
            ("select .5x", "numeric literal at or near \".5x\"", 8),
            ("select 1e", "numeric literal at or near \"1e\"", 8),
            ("select 1e+", "numeric literal at or near \"1e+\"", 8),
            ("select 1e5x", "numeric literal at or near \"1e5x\"", 8),
            ("select 1_000", "numeric literal at or near \"1_000\"", 8),
            ("select 1ä;", "numeric literal at or near \"1ä\"", 8),
            ("create table t (a varchar(10x))", "numeric literal at or near \"10x\"", 27),
            ("select $1a", "parameter at or near \"$1a\"", 8),
        ];
        for (text, message, position) in cases {
            let error = scan(text).unwrap_err();
            assert_eq!(error.message(), format!("trailing junk after {message}"), "{text}");
            assert_eq!((error.code(), error.fields().position), (SqlState::SYNTAX_ERROR, Some(position)), "{text}");
        }
    }

    #[test]
    fn positions_count_characters_of_the_whole_string() {
        let text = "select 'ä';  select 2";
        let sources = scan(text).unwrap();
        assert_eq!(sources[1].offset, 13);
        assert_eq!(sources[0].literals[0].value(), "ä");
    }
}
