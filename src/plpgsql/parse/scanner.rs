//! A body's tokens as the language sees them: SQL's, with words told apart into keywords, variables and other names
//! (pl_scanner.c).
//!
//! Owns: [`Scanner`], [`Tok`]. A compound name is one token. Must not know: statements.

use std::sync::Arc;

use crate::error::Result;
use crate::plpgsql::keyword::Word;
use crate::plpgsql::scope::{Named, Names};
use crate::plpgsql::tree::Root;
use crate::sql::syntax::lexer::{Token, TokenKind, tokens};
use crate::sql::syntax::token_value::TokenValue;

/// Which names are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lookup {
    /// Variables are found.
    Normal,
    /// None are: among declarations.
    Declare,
}

/// A token.
#[derive(Clone, Debug)]
pub(super) struct Tok {
    pub kind: TokKind,
    pub start: usize,
    pub end: usize,
    /// The index of the SQL token behind it.
    pub next: usize,
    /// Of a word, compound word or variable; as they are folded.
    pub names: Vec<String>,
    pub quoted: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokKind {
    Word(Word),
    /// T_WORD
    Name,
    /// T_CWORD
    CompoundName,
    /// T_DATUM
    Variable(Found),
    String,
    Integer,
    Symbol(u8),
    ColonEquals,
    LessLess,
    GreaterGreater,
    Other,
    End,
}

/// A variable, a record or one of its fields.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    pub root: Root,
    /// It is a whole record.
    pub is_record: bool,
    /// How many of the token's names it took.
    pub taken: usize,
}

impl Tok {
    /// Whether it is the keyword, also where a variable has its name (tok_is_keyword).
    pub fn is(&self, word: Word) -> bool {
        match &self.kind {
            TokKind::Word(found) => *found == word,
            TokKind::Variable(_) => !self.quoted && matches!(self.names.as_slice(), [name] if name == word.text()),
            _ => false,
        }
    }

    /// The names with dots between.
    pub fn name(&self) -> String {
        self.names.join(".")
    }
}

/// The tokens of a body.
pub(super) struct Scanner<'t> {
    pub text: &'t str,
    tokens: Vec<Token>,
}

impl<'t> Scanner<'t> {
    pub fn new(text: &'t str) -> Self {
        Scanner { text, tokens: tokens(text, true) }
    }

    /// The n-th SQL token; the last one stands for all behind it.
    pub fn raw(&self, n: usize) -> Token {
        let end = self.text.len() as u32;
        let none = Token { kind: TokenKind::End, start: end, end };
        self.tokens.get(n).or(self.tokens.last()).copied().unwrap_or(none)
    }

    pub fn raw_text(&self, n: usize) -> &'t str {
        self.raw(n).text(self.text)
    }

    /// Whether a token may be this name: a Unicode one can be any.
    pub fn mentions(&self, name: &str) -> bool {
        self.tokens.iter().enumerate().any(|(n, token)| match token.kind {
            TokenKind::UnicodeIdent => true,
            TokenKind::Ident | TokenKind::QuotedIdent => self.folded(n).is_ok_and(|folded| folded == name),
            _ => false,
        })
    }

    /// The reserved word of the language that a token is.
    pub fn reserved(&self, n: usize) -> Option<Word> {
        match self.raw(n).kind {
            TokenKind::Keyword(_) | TokenKind::Ident => Word::reserved(self.raw_text(n)),
            _ => None,
        }
    }

    /// Whether the n-th token is a name or $1: no reserved word.
    pub fn is_name(&self, n: usize) -> bool {
        match self.raw(n).kind {
            TokenKind::Keyword(_) | TokenKind::Ident => self.reserved(n).is_none(),
            TokenKind::QuotedIdent | TokenKind::Param => true,
            _ => false,
        }
    }

    pub fn is_semicolon(&self, n: usize) -> bool {
        self.is_symbol(n, b';')
    }

    fn is_symbol(&self, n: usize, symbol: u8) -> bool {
        self.raw(n).kind == TokenKind::Symbol(symbol)
    }

    pub fn folded(&self, n: usize) -> Result<String> {
        TokenValue { text: self.text }.name(&self.raw(n))
    }

    /// The token that begins at the n-th SQL token. The last one may be [`TokenKind::Bad`]: `Other`, which nothing takes.
    pub fn token(&self, n: usize, lookup: Lookup, names: &Names) -> Result<Tok> {
        if self.is_name(n) {
            return self.name(n, lookup, names);
        }
        let raw = self.raw(n);
        let kind = match raw.kind {
            TokenKind::Keyword(_) | TokenKind::Ident => self.reserved(n).map_or(TokKind::Other, TokKind::Word),
            TokenKind::String | TokenKind::EscapeString | TokenKind::DollarString => TokKind::String,
            TokenKind::Integer if self.raw_text(n).parse::<i32>().is_ok() => TokKind::Integer,
            TokenKind::Symbol(symbol) => TokKind::Symbol(symbol),
            TokenKind::ColonEquals => TokKind::ColonEquals,
            TokenKind::Op => match self.raw_text(n) {
                "<<" => TokKind::LessLess,
                ">>" => TokKind::GreaterGreater,
                "#" => TokKind::Symbol(b'#'),
                _ => TokKind::Other,
            },
            TokenKind::End => TokKind::End,
            _ => TokKind::Other,
        };
        Ok(Tok {
            kind,
            start: raw.start as usize,
            end: raw.end as usize,
            next: n + 1,
            names: Vec::new(),
            quoted: false,
        })
    }

    /// A word, or up to three with dots between.
    fn name(&self, n: usize, lookup: Lookup, known: &Names) -> Result<Tok> {
        let more =
            |at: usize| self.is_symbol(at, b'.') && self.is_name(at + 1) && self.raw(at + 1).kind != TokenKind::Param;
        let count = 1 + usize::from(more(n + 1)) + usize::from(more(n + 1) && more(n + 3));
        let names = (0..count).map(|part| self.folded(n + 2 * part)).collect::<Result<Vec<String>>>()?;
        let last = n + 2 * (count - 1);
        let quoted = self.raw(n).kind == TokenKind::QuotedIdent;
        let found = match lookup {
            Lookup::Normal if count > 1 || self.may_be_variable(n) => find(known, &names),
            _ => None,
        };
        let kind = match (found, names.as_slice()) {
            (Some(found), _) => TokKind::Variable(found),
            (None, [name]) if !quoted => Word::unreserved(name).map_or(TokKind::Name, TokKind::Word),
            (None, [_]) => TokKind::Name,
            _ => TokKind::CompoundName,
        };
        let (start, end) = (self.raw(n).start as usize, self.raw(last).end as usize);
        Ok(Tok { kind, start, end, next: last + 1, names, quoted })
    }

    /// A word that begins a statement is a variable only if something is assigned to it.
    fn may_be_variable(&self, n: usize) -> bool {
        let Some(before) = n.checked_sub(1) else { return true };
        let begins = matches!(self.reserved(before), Some(Word::Begin | Word::Then | Word::Else | Word::Loop));
        if !begins && !self.is_symbol(before, b';') {
            return true;
        }
        matches!(self.raw(n + 1).kind, TokenKind::ColonEquals | TokenKind::Symbol(b'=' | b'[' | b'.'))
    }
}

/// The variable that names mean (plpgsql_parse_word, …dblword, …tripword).
fn find(known: &Names, names: &[String]) -> Option<Found> {
    let parts: Vec<&str> = names.iter().map(String::as_str).collect();
    let Named { number, is_record, taken } = known.lookup(known.top(), &parts)?;
    let field = parts.get(taken).filter(|_| is_record);
    match field {
        Some(field) => {
            let root = Root::Field(number, Arc::from(*field));
            Some(Found { root, is_record: false, taken: taken + 1 })
        }
        None if parts.len() == 3 && !is_record => None,
        None => Some(Found { root: Root::Variable(number), is_record, taken }),
    }
}
