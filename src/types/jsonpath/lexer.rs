//! The tokens of a path.
//!
//! Owns: [`Lexer`], [`Token`]. Specification: jsonpath_scan.l in PostgreSQL 15. What an error quotes is the piece of text
//! that PostgreSQL's scanner matched last, so every token carries it.

use crate::error::{Error, Result, SqlState};
use crate::limits::session as limits;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Symbol(char),
    And,
    Or,
    /// `**`
    Any,
    Equal,
    NotEqual,
    LessOrEqual,
    GreaterOrEqual,
    Variable(String),
    /// With a point or an exponent.
    Decimal(String),
    Integer(String),
    Text(String),
    /// A name or a keyword; see [`Token::is_keyword`].
    Word(String),
    End,
}

impl Token {
    /// Whether it is that keyword: in any case, but for null, true and false.
    pub(super) fn is_keyword(&self, keyword: &str) -> bool {
        let Token::Word(word) = self else { return false };
        match keyword {
            "null" | "true" | "false" => word == keyword,
            _ => word.eq_ignore_ascii_case(keyword),
        }
    }
}

pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
    /// What was matched last; empty at the end of the text, and after a word that a special character ended.
    shown: &'t str,
}

/// What stands for itself.
const SPECIAL: &str = "?%$.[]{}()|&!=<>@#,*:-+/";

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0c')
}

/// What words are made of.
fn is_other(c: char) -> bool {
    !SPECIAL.contains(c) && !is_blank(c) && c != '\\' && c != '"'
}

/// The length of the characters at the start of a text that are alike.
fn run(text: &str, accept: impl Fn(char) -> bool) -> usize {
    text.find(|c| !accept(c)).unwrap_or(text.len())
}

fn digits(text: &str) -> usize {
    run(text, |c| c.is_ascii_digit())
}

fn hex_digits(text: &str, most: usize) -> usize {
    text.bytes().take(most).take_while(u8::is_ascii_hexdigit).count()
}

/// What a string or word in the making collects.
#[derive(Default)]
struct Collected {
    text: String,
    /// A high surrogate waits for its low one.
    high: Option<u32>,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Lexer { text, at: 0, shown: "" }
    }

    /// 42601, where the scanner stands.
    pub(super) fn error(&self, message: &str) -> Error {
        let message = if self.shown.is_empty() {
            format!("{message} at end of jsonpath input")
        } else {
            format!("{message} at or near \"{}\" of jsonpath input", self.shown)
        };
        Error::new(SqlState::SYNTAX_ERROR, message)
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or("")
    }

    /// Takes so many bytes as the piece matched last.
    fn take(&mut self, length: usize) -> &'t str {
        self.shown = self.rest().get(..length).unwrap_or("");
        self.at += self.shown.len();
        self.shown
    }

    fn fail<T>(&mut self, length: usize, message: &str) -> Result<T> {
        self.take(length);
        Err(self.error(message))
    }

    pub(super) fn next(&mut self) -> Result<Token> {
        loop {
            limits::work(16)?;
            let blanks = run(self.rest(), is_blank);
            self.take(blanks);
            let rest = self.rest();
            let Some(first) = rest.chars().next() else {
                self.shown = "";
                return Ok(Token::End);
            };
            if rest.starts_with("/*") {
                self.comment()?;
                continue;
            }
            if let Some(token) = self.number()? {
                return Ok(token);
            }
            if first == '"' {
                self.take(1);
                return Ok(Token::Text(self.quoted()?));
            }
            if rest.starts_with("$\"") {
                self.take(2);
                return Ok(Token::Variable(self.quoted()?));
            }
            if first == '$' {
                let name = run(rest.get(1..).unwrap_or(""), is_other);
                let matched = self.take(1 + name);
                return Ok(match matched.get(1..) {
                    Some(name) if !name.is_empty() => Token::Variable(name.to_owned()),
                    _ => Token::Symbol('$'),
                });
            }
            if SPECIAL.contains(first) {
                return Ok(self.symbol(first));
            }
            if let Some(word) = self.word()? {
                return Ok(Token::Word(word));
            }
        }
    }

    fn symbol(&mut self, first: char) -> Token {
        let two: &[(&str, Token)] = &[
            ("&&", Token::And),
            ("||", Token::Or),
            ("**", Token::Any),
            ("<=", Token::LessOrEqual),
            ("==", Token::Equal),
            ("<>", Token::NotEqual),
            ("!=", Token::NotEqual),
            (">=", Token::GreaterOrEqual),
        ];
        let rest = self.rest();
        match two.iter().find(|(symbol, _)| rest.starts_with(symbol)) {
            Some((symbol, token)) => {
                self.take(symbol.len());
                token.clone()
            }
            None => {
                self.take(1);
                Token::Symbol(first)
            }
        }
    }

    fn comment(&mut self) -> Result<()> {
        match self.rest().get(2..).and_then(|rest| rest.find("*/")) {
            Some(end) => self.at += end + 4,
            None => {
                self.shown = "";
                return Err(self.error("unexpected end of comment"));
            }
        }
        Ok(())
    }

    /// A number, unless the characters make a longer word.
    fn number(&mut self) -> Result<Option<Token>> {
        let rest = self.rest();
        let after = |at: usize| rest.get(at..).unwrap_or("");
        let integer = match rest.as_bytes().first() {
            Some(b'0') => 1,
            _ => digits(rest),
        };
        let mut length = integer;
        if after(integer).starts_with('.') {
            let fraction = digits(after(integer + 1));
            if integer > 0 || fraction > 0 {
                length = integer + 1 + fraction;
            }
        }
        if length == 0 {
            return Ok(None);
        }
        let mut decimal = length > integer;
        if after(length).starts_with(['e', 'E']) {
            let sign = usize::from(after(length + 1).starts_with(['+', '-']));
            let exponent = digits(after(length + 1 + sign));
            if exponent > 0 {
                length += 1 + sign + exponent;
                decimal = true;
            } else if sign > 0 {
                return self.fail(length + 2, "invalid numeric literal");
            }
        }
        let junk = after(length).chars().next().filter(|c| is_other(*c)).map_or(0, char::len_utf8);
        if run(rest, is_other) > length + junk {
            return Ok(None);
        }
        if junk > 0 {
            return self.fail(length + junk, "trailing junk after numeric literal");
        }
        let number = self.take(length).to_owned();
        Ok(Some(if decimal { Token::Decimal(number) } else { Token::Integer(number) }))
    }

    /// The rest of a quoted string.
    fn quoted(&mut self) -> Result<String> {
        let mut collected = Collected::default();
        loop {
            let rest = self.rest();
            match rest.chars().next() {
                None => {
                    self.shown = "";
                    return Err(self.error("unexpected end of quoted string"));
                }
                Some('"') => {
                    self.take(1);
                    return Ok(collected.text);
                }
                Some('\\') => self.escape(&mut collected)?,
                Some(_) => collected.text.push_str(self.take(run(rest, |c| c != '"' && c != '\\'))),
            }
        }
    }

    /// A word; `None` for one that a comment follows at once, which PostgreSQL's scanner loses.
    fn word(&mut self) -> Result<Option<String>> {
        let mut collected = Collected::default();
        loop {
            let rest = self.rest();
            match rest.chars().next() {
                None => {
                    self.shown = "";
                    return Ok(Some(collected.text));
                }
                Some('\\') => self.escape(&mut collected)?,
                Some(c) if is_blank(c) => {
                    self.take(run(rest, is_blank));
                    return Ok(Some(collected.text));
                }
                Some(_) if rest.starts_with("/*") => {
                    self.comment()?;
                    return Ok(None);
                }
                Some(c) if is_other(c) => collected.text.push_str(self.take(run(rest, is_other))),
                Some(_) => {
                    self.shown = "";
                    return Ok(Some(collected.text));
                }
            }
        }
    }

    fn escape(&mut self, out: &mut Collected) -> Result<()> {
        let rest = self.rest();
        let Some(escape) = rest.chars().nth(1).filter(|c| *c != '\n') else {
            return self.fail(1, "unexpected end after backslash");
        };
        let plain = match escape {
            'b' => '\x08',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            'u' => return self.unicode(out),
            'x' => {
                let digits = hex_digits(rest.get(2..).unwrap_or(""), 2);
                if digits < 2 {
                    return self.fail(2 + digits, "invalid hex character sequence");
                }
                let code = self.take(4).get(2..).and_then(|hex| u32::from_str_radix(hex, 16).ok());
                return add_character(code.unwrap_or(0), out);
            }
            other => other,
        };
        self.take(1 + escape.len_utf8());
        out.text.push(plain);
        Ok(())
    }

    /// As many `\uXXXX` and `\u{X…}` as follow each other.
    fn unicode(&mut self, out: &mut Collected) -> Result<()> {
        let rest = self.rest();
        let mut length = 0;
        let mut codes = Vec::new();
        while let Some(escape) = rest.get(length..).and_then(|rest| rest.strip_prefix("\\u")) {
            limits::work(16)?;
            let (digits, shape) = match escape.strip_prefix('{') {
                Some(inner) => {
                    let digits = hex_digits(inner, 6);
                    let closed = digits > 0 && inner.get(digits..).is_some_and(|end| end.starts_with('}'));
                    if !closed {
                        return self.fail(length + 3 + digits, "invalid unicode sequence");
                    }
                    (inner.get(..digits), digits + 4)
                }
                None => {
                    let digits = hex_digits(escape, 4);
                    if digits < 4 {
                        return self.fail(length + 2 + digits, "invalid unicode sequence");
                    }
                    (escape.get(..4), 6)
                }
            };
            codes.push(digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or(0));
            length += shape;
        }
        self.take(length);
        for code in codes {
            add_unicode(code, out)?;
        }
        match out.high {
            Some(_) => Err(surrogate("Unicode low surrogate must follow a high surrogate.")),
            None => Ok(()),
        }
    }
}

fn surrogate(detail: &'static str) -> Error {
    Error::new(SqlState::INVALID_TEXT_REPRESENTATION, "invalid input syntax for type jsonpath").with_detail(detail)
}

fn add_unicode(code: u32, out: &mut Collected) -> Result<()> {
    match (code, out.high) {
        (0xD800..0xDC00, Some(_)) => Err(surrogate("Unicode high surrogate must not follow a high surrogate.")),
        (0xD800..0xDC00, None) => {
            out.high = Some(code);
            Ok(())
        }
        (0xDC00..0xE000, Some(high)) => {
            out.high = None;
            add_character(0x10000 + ((high & 0x3FF) << 10 | code & 0x3FF), out)
        }
        (0xDC00..0xE000, None) | (_, Some(_)) => Err(surrogate("Unicode low surrogate must follow a high surrogate.")),
        _ => add_character(code, out),
    }
}

fn add_character(code: u32, out: &mut Collected) -> Result<()> {
    if code == 0 {
        return Err(Error::new(SqlState::UNTRANSLATABLE_CHARACTER, "unsupported Unicode escape sequence")
            .with_detail("\\u0000 cannot be converted to text."));
    }
    match char::from_u32(code) {
        Some(character) => out.text.push(character),
        None => return Err(Error::new(SqlState::SYNTAX_ERROR, "invalid Unicode code point")),
    }
    Ok(())
}
