//! Cursors, prepared statements, notifications.
//!
//! Owns: DeclareCursorStmt, FetchStmt, ClosePortalStmt, PrepareStmt, ExecuteStmt, DeallocateStmt, ListenStmt, NotifyStmt,
//! UnlistenStmt. Must not know: queries. Specification: gram.y.

use crate::error::Result;
use crate::sql::syntax::ast::statement::{
    CursorOptions, DeclareCursorStmt, ExecuteStmt, FetchDirection, FetchStmt, PrepareStmt, Stmt,
};
use crate::sql::syntax::keywords::Keyword as K;
use crate::sql::syntax::lexer::TokenKind;
use crate::sql::syntax::parser::Parser;

/// FETCH ALL.
const FETCH_ALL: i64 = i64::MAX;

impl Parser<'_> {
    // ----- cursors

    pub(super) fn declare_cursor_stmt(&mut self) -> Result<Stmt> {
        self.expect(K::Declare)?;
        let portal = self.col_id()?;
        let mut options = CursorOptions::default();
        loop {
            if self.eat(K::No) {
                self.expect(K::Scroll)?;
                options.no_scroll = true;
            } else if self.eat(K::Scroll) {
                options.scroll = true;
            } else if self.eat(K::Binary) {
                options.binary = true;
            } else if self.eat(K::Asensitive) {
                options.asensitive = true;
            } else if self.eat(K::Insensitive) {
                options.insensitive = true;
            } else {
                break;
            }
        }
        self.expect(K::Cursor)?;
        if self.eat(K::With) {
            self.expect(K::Hold)?;
            options.hold = true;
        } else if self.eat(K::Without) {
            self.expect(K::Hold)?;
        }
        self.expect(K::For)?;
        let location = self.location();
        let query = self.select_stmt()?;
        Ok(Stmt::DeclareCursor(Box::new(DeclareCursorStmt { portal, options, query, location })))
    }

    /// FETCH and MOVE.
    pub(super) fn fetch_stmt(&mut self) -> Result<Stmt> {
        let is_move = self.eat(K::Move);
        if !is_move {
            self.expect(K::Fetch)?;
        }
        let (direction, how_many) = self.fetch_direction()?;
        if !self.eat(K::From) {
            self.eat(K::In);
        }
        Ok(Stmt::Fetch(FetchStmt { direction, how_many, portal: self.col_id()?, is_move }))
    }

    /// What stands before FROM. The words are cursors' names as well, where nothing follows.
    fn fetch_direction(&mut self) -> Result<(FetchDirection, i64)> {
        use FetchDirection::{Absolute, Backward, Forward, Relative};
        if self.is_iconst(0) || self.at_symbol(b'+') || self.at_symbol(b'-') {
            return Ok((Forward, self.signed_iconst()?.into()));
        }
        if self.eat(K::All) {
            return Ok((Forward, FETCH_ALL));
        }
        let TokenKind::Keyword(keyword) = self.peek() else { return Ok((Forward, 1)) };
        let goes_on = self.is_col_id(1) || self.keyword_at(1, K::From) || self.keyword_at(1, K::In);
        let counted = matches!(keyword, K::Absolute | K::Relative | K::Forward | K::Backward)
            && (self.is_iconst(1) || self.symbol_at(1, b'+') || self.symbol_at(1, b'-'));
        let all = matches!(keyword, K::Forward | K::Backward) && self.keyword_at(1, K::All);
        if !(goes_on || counted || all) {
            return Ok((Forward, 1));
        }
        let plain = match keyword {
            K::Next | K::Forward => (Forward, 1),
            K::Prior | K::Backward => (Backward, 1),
            K::First => (Absolute, 1),
            K::Last => (Absolute, -1),
            K::Absolute => (Absolute, 0),
            K::Relative => (Relative, 0),
            _ => return Ok((Forward, 1)),
        };
        self.advance();
        if all {
            self.expect(K::All)?;
            return Ok((plain.0, FETCH_ALL));
        }
        if counted || matches!(keyword, K::Absolute | K::Relative) {
            return Ok((plain.0, self.signed_iconst()?.into()));
        }
        Ok(plain)
    }

    pub(super) fn close_portal_stmt(&mut self) -> Result<Stmt> {
        self.expect(K::Close)?;
        let name = if self.eat(K::All) { None } else { Some(self.col_id()?) };
        Ok(Stmt::ClosePortal { name })
    }

    // ----- prepared statements

    pub(super) fn prepare_stmt(&mut self) -> Result<Stmt> {
        self.expect(K::Prepare)?;
        let name = self.col_id()?;
        let arg_types = if self.at_symbol(b'(') { self.type_list()? } else { Vec::new() };
        self.expect(K::As)?;
        let location = self.location();
        Ok(Stmt::Prepare(PrepareStmt { name, arg_types, query: Box::new(self.preparable_stmt()?), location }))
    }

    pub(super) fn execute_stmt(&mut self) -> Result<Stmt> {
        self.expect(K::Execute)?;
        let name = self.col_id()?;
        let params = if self.at_symbol(b'(') { self.parens(Self::expr_list)? } else { Vec::new() };
        Ok(Stmt::Execute(ExecuteStmt { name, params }))
    }

    pub(super) fn deallocate_stmt(&mut self) -> Result<Stmt> {
        self.expect(K::Deallocate)?;
        // A statement may be called prepare.
        if self.at(K::Prepare) && (self.is_col_id(1) || self.keyword_at(1, K::All)) {
            self.advance();
        }
        let name = if self.eat(K::All) { None } else { Some(self.col_id()?) };
        Ok(Stmt::Deallocate { name })
    }

    // ----- notifications

    pub(super) fn listen_stmt(&mut self) -> Result<Stmt> {
        self.expect(K::Listen)?;
        Ok(Stmt::Listen { channel: self.col_id()? })
    }

    pub(super) fn notify_stmt(&mut self) -> Result<Stmt> {
        self.expect(K::Notify)?;
        let channel = self.col_id()?;
        let payload = if self.eat_symbol(b',') { Some(self.sconst()?) } else { None };
        Ok(Stmt::Notify { channel, payload })
    }

    pub(super) fn unlisten_stmt(&mut self) -> Result<Stmt> {
        self.expect(K::Unlisten)?;
        let channel = if self.eat_symbol(b'*') { None } else { Some(self.col_id()?) };
        Ok(Stmt::Unlisten { channel })
    }
}
