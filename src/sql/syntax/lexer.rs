//! Text to tokens, as PostgreSQL's scan.l makes them.
//!
//! Owns: [`Token`], [`TokenKind`], [`tokens`]. A token carries the bytes it stands at; what it means (a string's
//! value, a folded name) is read from them when it is needed, by `token_value`. Must not know: grammar.
//! Specification: sql-syntax-lexical.html.

use crate::sql::syntax::keywords::Keyword;

/// One token and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    pub kind: TokenKind,
    /// Bytes of the text; a string's with its quotes and all its continuations.
    pub start: u32,
    pub end: u32,
}

impl Token {
    /// As it was written.
    pub fn text<'t>(&self, text: &'t str) -> &'t str {
        text.get(self.start as usize..self.end as usize).unwrap_or("")
    }
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    Keyword(Keyword),
    /// A word that is no keyword.
    Ident,
    /// "…"
    QuotedIdent,
    /// U&"…"
    UnicodeIdent,
    /// Digits, of any size.
    Integer,
    /// A number with a point or an exponent.
    Float,
    /// '…'
    String,
    /// E'…', or '…' without standard_conforming_strings
    EscapeString,
    /// U&'…'
    UnicodeString,
    /// $tag$…$tag$
    DollarString,
    /// B'…'
    BitString,
    /// X'…'
    HexString,
    /// $1
    Param,
    /// One of `,()[].;:+-*/%^<>=`, or a character that begins no token.
    Symbol(u8),
    /// Any other operator.
    Op,
    /// ::
    TypeCast,
    /// ..
    DotDot,
    /// :=
    ColonEquals,
    /// =>
    EqualsGreater,
    LessEquals,
    GreaterEquals,
    /// <> or !=
    NotEquals,
    /// The text is not SQL from here on. The last token.
    Bad(LexError),
    /// The text's end. The last token.
    End,
}

/// Why the text cannot be split into tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LexError {
    UnterminatedComment,
    UnterminatedBitString,
    UnterminatedHexString,
    UnterminatedString,
    UnterminatedDollarString,
    UnterminatedIdentifier,
    EmptyIdentifier,
    OperatorTooLong,
    JunkAfterParameter,
    JunkAfterNumber,
    /// U&'…' while standard_conforming_strings is off.
    UnsafeUnicodeString,
}

impl LexError {
    /// scan.l's words for it.
    pub fn message(self) -> &'static str {
        match self {
            LexError::UnterminatedComment => "unterminated /* comment",
            LexError::UnterminatedBitString => "unterminated bit string literal",
            LexError::UnterminatedHexString => "unterminated hexadecimal string literal",
            LexError::UnterminatedString => "unterminated quoted string",
            LexError::UnterminatedDollarString => "unterminated dollar-quoted string",
            LexError::UnterminatedIdentifier => "unterminated quoted identifier",
            LexError::EmptyIdentifier => "zero-length delimited identifier",
            LexError::OperatorTooLong => "operator too long",
            LexError::JunkAfterParameter => "trailing junk after parameter",
            LexError::JunkAfterNumber => "trailing junk after numeric literal",
            LexError::UnsafeUnicodeString => "unsafe use of string constant with Unicode escapes",
        }
    }
}

/// The longest name, in bytes, and the longest operator (NAMEDATALEN - 1).
pub const NAME_LENGTH: usize = 63;

/// All tokens of a text; the last one is [`TokenKind::End`] or [`TokenKind::Bad`].
pub fn tokens(text: &str, standard_conforming_strings: bool) -> Vec<Token> {
    let mut lexer = Lexer { text, bytes: text.as_bytes(), at: 0, standard_conforming_strings };
    let mut tokens = Vec::with_capacity(text.len() / 5 + 2);
    loop {
        let token = lexer.token();
        tokens.push(token);
        if matches!(token.kind, TokenKind::End | TokenKind::Bad(_)) {
            return tokens;
        }
    }
}

struct Lexer<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    standard_conforming_strings: bool,
}

type Kind = Result<TokenKind, LexError>;

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0c)
}

fn is_newline(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

fn is_ident_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn is_ident(byte: u8) -> bool {
    is_ident_start(byte) || byte.is_ascii_digit() || byte == b'$'
}

fn is_op(byte: u8) -> bool {
    b"~!@#^&|`?+-*/%<>=".contains(&byte)
}

fn is_self(byte: u8) -> bool {
    b",()[].;:+-*/%^<>=".contains(&byte)
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    fn skip_while(&mut self, test: impl Fn(u8) -> bool) {
        while self.bytes.get(self.at).is_some_and(|byte| test(*byte)) {
            self.at += 1;
        }
    }

    fn token(&mut self) -> Token {
        if let Err(start) = self.skip_blanks() {
            let kind = TokenKind::Bad(LexError::UnterminatedComment);
            return Token { kind, start: start as u32, end: self.bytes.len() as u32 };
        }
        let start = self.at;
        let kind = if self.at_end() { Ok(TokenKind::End) } else { self.kind() };
        let kind = kind.unwrap_or_else(TokenKind::Bad);
        Token { kind, start: start as u32, end: self.at as u32 }
    }

    /// White space and comments; where an unterminated comment begins.
    fn skip_blanks(&mut self) -> Result<(), usize> {
        loop {
            match self.peek(0) {
                byte if is_space(byte) => self.at += 1,
                b'-' if self.peek(1) == b'-' => self.skip_while(|b| !is_newline(b)),
                b'/' if self.peek(1) == b'*' => self.skip_comment()?,
                _ => return Ok(()),
            }
        }
    }

    /// Comments nest.
    fn skip_comment(&mut self) -> Result<(), usize> {
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'*') => (depth, self.at) = (depth + 1, self.at + 2),
                (b'*', b'/') => (depth, self.at) = (depth - 1, self.at + 2),
                _ if self.at_end() => return Err(start),
                _ => self.at += 1,
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    fn kind(&mut self) -> Kind {
        let first = self.peek(0);
        match (first, self.peek(1)) {
            (b'\'', _) if self.standard_conforming_strings => self.quoted(0, false, TokenKind::String),
            (b'\'', _) => self.quoted(0, true, TokenKind::EscapeString),
            (b'e' | b'E', b'\'') => self.quoted(1, true, TokenKind::EscapeString),
            (b'b' | b'B', b'\'') => self.quoted(1, false, TokenKind::BitString),
            (b'x' | b'X', b'\'') => self.quoted(1, false, TokenKind::HexString),
            (b'n' | b'N', b'\'') => {
                self.at += 1;
                Ok(TokenKind::Keyword(Keyword::Nchar))
            }
            (b'u' | b'U', b'&') if self.peek(2) == b'\'' => match self.standard_conforming_strings {
                true => self.quoted(2, false, TokenKind::UnicodeString),
                false => Err(LexError::UnsafeUnicodeString),
            },
            (b'u' | b'U', b'&') if self.peek(2) == b'"' => self.quoted_ident(2, TokenKind::UnicodeIdent),
            (b'"', _) => self.quoted_ident(0, TokenKind::QuotedIdent),
            (b'$', _) => self.dollar(),
            (b'0'..=b'9', _) | (b'.', b'0'..=b'9') => self.number(),
            _ if is_ident_start(first) => Ok(self.word()),
            (b':', b':') => self.take(2, TokenKind::TypeCast),
            (b':', b'=') => self.take(2, TokenKind::ColonEquals),
            (b'.', b'.') => self.take(2, TokenKind::DotDot),
            _ if is_op(first) => self.operator(),
            _ => self.take(1, TokenKind::Symbol(first)),
        }
    }

    fn take(&mut self, length: usize, kind: TokenKind) -> Kind {
        self.at += length;
        Ok(kind)
    }

    fn word(&mut self) -> TokenKind {
        let start = self.at;
        self.skip_while(is_ident);
        let word = self.bytes.get(start..self.at).and_then(|bytes| std::str::from_utf8(bytes).ok());
        word.and_then(Keyword::lookup).map_or(TokenKind::Ident, TokenKind::Keyword)
    }

    /// A string behind a prefix, with what continues it on further lines.
    fn quoted(&mut self, prefix: usize, escapes: bool, kind: TokenKind) -> Kind {
        let unterminated = match kind {
            TokenKind::BitString => LexError::UnterminatedBitString,
            TokenKind::HexString => LexError::UnterminatedHexString,
            _ => LexError::UnterminatedString,
        };
        self.at += prefix + 1;
        loop {
            match self.peek(0) {
                _ if self.at_end() => return Err(unterminated),
                b'\\' if escapes && self.at + 1 < self.bytes.len() => self.at += 2,
                b'\'' if self.peek(1) == b'\'' && !matches!(kind, TokenKind::BitString | TokenKind::HexString) => {
                    self.at += 2;
                }
                b'\'' => {
                    self.at += 1;
                    match self.continuation() {
                        Some(quote) => self.at = quote + 1,
                        None => return Ok(kind),
                    }
                }
                _ => self.at += 1,
            }
        }
    }

    /// Where a string goes on behind its quote: white space with a line break in it, and another quote.
    fn continuation(&self) -> Option<usize> {
        let (mut at, mut line_break) = (self.at, false);
        loop {
            match self.bytes.get(at)? {
                byte if is_newline(*byte) => (at, line_break) = (at + 1, true),
                byte if is_space(*byte) => at += 1,
                b'-' if self.bytes.get(at + 1) == Some(&b'-') => {
                    at += self.bytes.get(at..)?.iter().take_while(|byte| !is_newline(**byte)).count();
                }
                b'\'' if line_break => return Some(at),
                _ => return None,
            }
        }
    }

    fn quoted_ident(&mut self, prefix: usize, kind: TokenKind) -> Kind {
        self.at += prefix + 1;
        let start = self.at;
        loop {
            match self.peek(0) {
                _ if self.at_end() => return Err(LexError::UnterminatedIdentifier),
                b'"' if self.peek(1) == b'"' => self.at += 2,
                b'"' => break,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        if self.at == start + 1 { Err(LexError::EmptyIdentifier) } else { Ok(kind) }
    }

    /// $1, $tag$…$tag$, or a lone $.
    fn dollar(&mut self) -> Kind {
        if self.peek(1).is_ascii_digit() {
            self.at += 1;
            self.skip_while(|byte| byte.is_ascii_digit());
            if is_ident_start(self.peek(0)) {
                self.skip_while(is_ident);
                return Err(LexError::JunkAfterParameter);
            }
            return Ok(TokenKind::Param);
        }
        let start = self.at;
        let tag = |byte: &u8| (is_ident(*byte) && *byte != b'$') as usize;
        let length = 1 + self.bytes.get(start + 1..).unwrap_or_default().iter().take_while(|b| tag(b) == 1).count();
        if self.bytes.get(start + length) != Some(&b'$') {
            return self.take(1, TokenKind::Symbol(b'$'));
        }
        let delimiter = self.text.get(start..=start + length).unwrap_or_default();
        let body = start + delimiter.len();
        let Some(end) = self.text.get(body..).and_then(|rest| rest.find(delimiter)) else {
            self.at = self.bytes.len();
            return Err(LexError::UnterminatedDollarString);
        };
        self.at = body + end + delimiter.len();
        Ok(TokenKind::DollarString)
    }

    fn number(&mut self) -> Kind {
        let digit = |byte: u8| byte.is_ascii_digit();
        self.skip_while(digit);
        let mut kind = TokenKind::Integer;
        if self.peek(0) == b'.' && self.peek(1) != b'.' {
            self.at += 1;
            self.skip_while(digit);
            kind = TokenKind::Float;
        }
        if matches!(self.peek(0), b'e' | b'E') {
            let sign = usize::from(matches!(self.peek(1), b'+' | b'-'));
            if digit(self.peek(1 + sign)) {
                self.at += 1 + sign;
                self.skip_while(digit);
                kind = TokenKind::Float;
            } else if sign == 1 {
                self.at += 2;
                return Err(LexError::JunkAfterNumber);
            }
        }
        if is_ident_start(self.peek(0)) {
            self.skip_while(is_ident);
            return Err(LexError::JunkAfterNumber);
        }
        Ok(kind)
    }

    /// The longest run of operator characters, less a comment's start and a trailing sign that belongs to what follows.
    fn operator(&mut self) -> Kind {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let mut length = rest.iter().take_while(|byte| is_op(**byte)).count();
        let run = rest.get(..length).unwrap_or_default();
        if let Some(comment) = run.windows(2).position(|pair| matches!(pair, b"/*" | b"--")) {
            length = comment;
        }
        let run = run.get(..length).unwrap_or_default();
        if !run.iter().any(|byte| b"~!@#^&|`?%".contains(byte)) {
            let signs = run.iter().rev().take_while(|byte| matches!(byte, b'+' | b'-')).count();
            length = (length - signs).max(1);
        }
        let run = run.get(..length).unwrap_or_default();
        self.at += length;
        Ok(match run {
            [only] if is_self(*only) => TokenKind::Symbol(*only),
            b"=>" => TokenKind::EqualsGreater,
            b"<=" => TokenKind::LessEquals,
            b">=" => TokenKind::GreaterEquals,
            b"<>" | b"!=" => TokenKind::NotEquals,
            _ if length > NAME_LENGTH => return Err(LexError::OperatorTooLong),
            _ => TokenKind::Op,
        })
    }
}
