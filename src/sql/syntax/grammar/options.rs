//! Options and small words that many statements share.
//!
//! Owns: reloptions, definitions (`def_elem`), generic OPTIONS, utility options, sequence options, numbers, booleans and
//! strings of options, DROP's CASCADE and RESTRICT. Must not know: which options a statement has.
//! Specification: gram.y.

use crate::error::Result;
use crate::sql::syntax::ast::definition::{DefArg, DefElem, DefElemAction};
use crate::sql::syntax::ast::expression::{AConst, ConstValue, Expr};
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::statement::DropBehavior;
use crate::sql::syntax::keywords::{Category, Keyword as K};
use crate::sql::syntax::lexer::TokenKind;
use crate::sql::syntax::parser::Parser;

/// An option without a namespace.
pub(super) fn def_elem(name: impl Into<String>, arg: Option<DefArg>, location: Location) -> DefElem {
    DefElem { namespace: None, name: name.into(), arg, action: DefElemAction::Unspecified, location }
}

/// A constant that is a string.
pub(super) fn string_const(value: String, location: Location) -> Expr {
    Expr::Const(AConst { value: ConstValue::String(value), location })
}

impl Parser<'_> {
    // ----- words and constants

    /// IDENT: a name that is no keyword.
    pub(super) fn ident(&mut self) -> Result<String> {
        if self.is_ident() { self.col_id() } else { Err(self.unexpected()) }
    }

    pub(super) fn is_ident(&self) -> bool {
        matches!(self.peek(), TokenKind::Ident | TokenKind::QuotedIdent | TokenKind::UnicodeIdent)
    }

    /// Whether the n-th token after the next is a name or a word that is not reserved.
    pub(super) fn is_non_reserved(&self, n: usize) -> bool {
        match self.peek_at(n) {
            TokenKind::Ident | TokenKind::QuotedIdent | TokenKind::UnicodeIdent => true,
            TokenKind::Keyword(keyword) => keyword.category() != Category::Reserved,
            _ => false,
        }
    }

    /// name, name, …
    pub(super) fn name_list(&mut self) -> Result<Vec<String>> {
        self.comma_list(Self::col_id)
    }

    /// IF EXISTS
    pub(super) fn opt_if_exists(&mut self) -> bool {
        self.eat_all(&[K::If, K::Exists])
    }

    /// IF NOT EXISTS
    pub(super) fn opt_if_not_exists(&mut self) -> Result<bool> {
        if !self.eat_all(&[K::If, K::Not]) {
            return Ok(false);
        }
        self.expect(K::Exists)?;
        Ok(true)
    }

    pub(super) fn opt_drop_behavior(&mut self) -> DropBehavior {
        if self.eat(K::Cascade) {
            return DropBehavior::Cascade;
        }
        self.eat(K::Restrict);
        DropBehavior::Restrict
    }

    /// NonReservedWord_or_Sconst
    pub(super) fn non_reserved_word_or_sconst(&mut self) -> Result<String> {
        if self.is_sconst(0) { self.sconst() } else { self.non_reserved_word() }
    }

    /// opt_boolean_or_string: TRUE, FALSE, ON, a word or a string.
    pub(super) fn opt_boolean_or_string(&mut self) -> Result<String> {
        for keyword in [K::True, K::False, K::On] {
            if self.eat(keyword) {
                return Ok(keyword.word().to_owned());
            }
        }
        self.non_reserved_word_or_sconst()
    }

    /// Whether the next token begins an opt_boolean_or_string.
    pub(super) fn at_boolean_or_string(&self) -> bool {
        match self.peek() {
            TokenKind::Keyword(K::True | K::False | K::On) => true,
            TokenKind::Keyword(keyword) => keyword.category() != Category::Reserved,
            _ => self.is_ident() || self.is_sconst(0),
        }
    }

    /// Whether the next tokens are a NumericOnly.
    pub(super) fn at_numeric_only(&self) -> bool {
        let sign = usize::from(self.at_symbol(b'+') || self.at_symbol(b'-'));
        matches!(self.peek_at(sign), TokenKind::Integer | TokenKind::Float)
    }

    /// NumericOnly: a number with an optional sign.
    pub(super) fn numeric_only(&mut self) -> Result<DefArg> {
        Ok(match self.signed_number()? {
            (Some(integer), _) => DefArg::Integer(integer),
            (None, text) => DefArg::Float(text),
        })
    }

    /// NumericOnly: its value if it fits 32 bits, and its text without a plus.
    pub(super) fn signed_number(&mut self) -> Result<(Option<i32>, String)> {
        let negative = self.at_symbol(b'-');
        if negative || self.at_symbol(b'+') {
            self.advance();
        }
        if !matches!(self.peek(), TokenKind::Integer | TokenKind::Float) {
            return Err(self.unexpected());
        }
        let text = if negative { format!("-{}", self.written()) } else { self.written().to_owned() };
        if self.is_iconst(0) {
            let number = self.iconst()?;
            return Ok((Some(if negative { -number } else { number }), text));
        }
        self.advance();
        Ok((None, text))
    }

    // ----- definitions

    /// definition: ( name [= value], … )
    pub(super) fn definition(&mut self) -> Result<Vec<DefElem>> {
        self.parens_list(Self::def_elem)
    }

    /// opt_definition: [WITH definition]
    pub(super) fn opt_definition(&mut self) -> Result<Vec<DefElem>> {
        if self.eat(K::With) { self.definition() } else { Ok(Vec::new()) }
    }

    pub(super) fn def_elem(&mut self) -> Result<DefElem> {
        let location = self.location();
        let name = self.col_label()?;
        let arg = if self.eat_symbol(b'=') { Some(self.def_arg()?) } else { None };
        Ok(def_elem(name, arg, location))
    }

    /// operator_def_elem: its value is required, and NONE is no value.
    pub(super) fn operator_def_elem(&mut self) -> Result<DefElem> {
        let location = self.location();
        let name = self.col_label()?;
        self.expect_symbol(b'=')?;
        let arg = if self.eat(K::None) { None } else { Some(self.def_arg()?) };
        Ok(def_elem(name, arg, location))
    }

    pub(super) fn def_arg(&mut self) -> Result<DefArg> {
        if self.is_sconst(0) {
            return Ok(DefArg::String(self.sconst()?));
        }
        if self.at_numeric_only() {
            return self.numeric_only();
        }
        match self.peek() {
            TokenKind::Keyword(K::Operator) if self.symbol_at(1, b'(') => Ok(DefArg::Operator(self.qual_all_op()?)),
            TokenKind::Keyword(keyword) if keyword == K::None || keyword.category() == Category::Reserved => {
                self.advance();
                Ok(DefArg::String(keyword.word().to_owned()))
            }
            TokenKind::Keyword(_) | TokenKind::Ident | TokenKind::QuotedIdent | TokenKind::UnicodeIdent => {
                Ok(DefArg::TypeName(self.func_type()?))
            }
            _ => Ok(DefArg::Operator(self.qual_all_op()?)),
        }
    }

    /// reloptions: ( [namespace.]name [= value], … )
    pub(super) fn reloptions(&mut self) -> Result<Vec<DefElem>> {
        self.parens_list(|p| {
            let location = p.location();
            let mut name = p.col_label()?;
            let mut namespace = None;
            if p.eat_symbol(b'.') {
                namespace = Some(std::mem::replace(&mut name, p.col_label()?));
            }
            let arg = if p.eat_symbol(b'=') { Some(p.def_arg()?) } else { None };
            Ok(DefElem { namespace, ..def_elem(name, arg, location) })
        })
    }

    /// opt_reloptions: [WITH reloptions]
    pub(super) fn opt_reloptions(&mut self) -> Result<Vec<DefElem>> {
        if self.eat(K::With) { self.reloptions() } else { Ok(Vec::new()) }
    }

    // ----- OPTIONS (name 'value', …)

    /// create_generic_options
    pub(super) fn create_generic_options(&mut self) -> Result<Vec<DefElem>> {
        if !self.eat(K::Options) {
            return Ok(Vec::new());
        }
        self.parens_list(|p| p.generic_option(DefElemAction::Unspecified))
    }

    /// alter_generic_options
    pub(super) fn alter_generic_options(&mut self) -> Result<Vec<DefElem>> {
        self.expect(K::Options)?;
        self.parens_list(|p| {
            // The three words are names as well, where a string follows.
            let action = match p.peek() {
                TokenKind::Keyword(K::Set) if !p.is_sconst(1) => DefElemAction::Set,
                TokenKind::Keyword(K::Add) if !p.is_sconst(1) => DefElemAction::Add,
                TokenKind::Keyword(K::Drop) if !p.is_sconst(1) => DefElemAction::Drop,
                _ => return p.generic_option(DefElemAction::Unspecified),
            };
            p.advance();
            p.generic_option(action)
        })
    }

    fn generic_option(&mut self, action: DefElemAction) -> Result<DefElem> {
        let location = self.location();
        let name = self.col_label()?;
        let arg = if action == DefElemAction::Drop { None } else { Some(DefArg::String(self.sconst()?)) };
        Ok(DefElem { action, ..def_elem(name, arg, location) })
    }

    // ----- options of VACUUM, EXPLAIN …

    /// ( utility_option_list )
    pub(super) fn utility_options(&mut self) -> Result<Vec<DefElem>> {
        self.parens_list(|p| {
            let location = p.location();
            let name =
                if p.eat(K::Analyze) || p.eat(K::Analyse) { "analyze".to_owned() } else { p.non_reserved_word()? };
            let arg = if p.at_boolean_or_string() {
                Some(DefArg::String(p.opt_boolean_or_string()?))
            } else if p.at_numeric_only() || p.at_symbol(b'+') || p.at_symbol(b'-') {
                Some(p.numeric_only()?)
            } else {
                None
            };
            Ok(def_elem(name, arg, location))
        })
    }

    // ----- options of sequences

    /// Whether the next token begins a SeqOptElem.
    pub(super) fn at_seq_opt(&self) -> bool {
        self.at_any(&[
            K::As,
            K::Cache,
            K::Cycle,
            K::No,
            K::Increment,
            K::Logged,
            K::Maxvalue,
            K::Minvalue,
            K::Owned,
            K::Sequence,
            K::Start,
            K::Restart,
            K::Unlogged,
        ])
    }

    /// OptSeqOptList
    pub(super) fn seq_opt_list(&mut self) -> Result<Vec<DefElem>> {
        let mut options = Vec::new();
        while self.at_seq_opt() {
            options.push(self.seq_opt_elem()?);
        }
        Ok(options)
    }

    /// OptParenthesizedSeqOptList
    pub(super) fn opt_parenthesized_seq_opt_list(&mut self) -> Result<Vec<DefElem>> {
        if !self.at_symbol(b'(') {
            return Ok(Vec::new());
        }
        self.parens(|p| {
            let first = p.seq_opt_elem()?;
            let mut options = p.seq_opt_list()?;
            options.insert(0, first);
            Ok(options)
        })
    }

    pub(super) fn seq_opt_elem(&mut self) -> Result<DefElem> {
        let location = self.location();
        if !self.at_seq_opt() {
            return Err(self.unexpected());
        }
        let TokenKind::Keyword(keyword) = self.advance().kind else { return Err(self.unexpected()) };
        let mut name = keyword.word();
        let arg = match keyword {
            K::As => Some(DefArg::TypeName(self.simple_type_name()?)),
            K::Cycle => Some(DefArg::Boolean(true)),
            K::No => {
                return if self.eat(K::Cycle) {
                    Ok(def_elem("cycle", Some(DefArg::Boolean(false)), location))
                } else if self.eat(K::Maxvalue) {
                    Ok(def_elem("maxvalue", None, location))
                } else {
                    self.expect(K::Minvalue)?;
                    Ok(def_elem("minvalue", None, location))
                };
            }
            K::Owned => {
                self.expect(K::By)?;
                name = "owned_by";
                Some(DefArg::Name(self.any_name()?))
            }
            K::Sequence => {
                self.expect(K::Name)?;
                name = "sequence_name";
                Some(DefArg::Name(self.any_name()?))
            }
            K::Logged | K::Unlogged => None,
            K::Restart => self.opt_restart_value()?,
            K::Increment => {
                self.eat(K::By);
                Some(self.numeric_only()?)
            }
            K::Start => {
                self.eat(K::With);
                Some(self.numeric_only()?)
            }
            _ => Some(self.numeric_only()?),
        };
        Ok(def_elem(name, arg, location))
    }

    /// What may follow RESTART: [WITH] number.
    pub(super) fn opt_restart_value(&mut self) -> Result<Option<DefArg>> {
        if self.eat(K::With) || self.at_numeric_only() || self.at_symbol(b'+') || self.at_symbol(b'-') {
            return Ok(Some(self.numeric_only()?));
        }
        Ok(None)
    }
}
