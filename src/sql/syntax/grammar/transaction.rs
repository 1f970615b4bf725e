//! Transactions.
//!
//! Owns: TransactionStmt, TransactionStmtLegacy, transaction_mode_list. Must not know: SET TRANSACTION (`variable`).
//! Specification: gram.y; SQLite's lang_transaction.html for BEGIN's locks.

use crate::error::Result;
use crate::sql::syntax::ast::definition::{DefArg, DefElem};
use crate::sql::syntax::ast::statement::{Stmt, TransactionStmt, TransactionStmtKind};
use crate::sql::syntax::grammar::options::def_elem;
use crate::sql::syntax::keywords::Keyword as K;
use crate::sql::syntax::lexer::TokenKind;
use crate::sql::syntax::parser::Parser;

fn transaction(kind: TransactionStmtKind) -> TransactionStmt {
    TransactionStmt { kind, options: Vec::new(), savepoint: None, gid: None, chain: false }
}

impl Parser<'_> {
    pub(super) fn transaction_stmt(&mut self) -> Result<Stmt> {
        let TokenKind::Keyword(keyword) = self.peek() else { return Err(self.unexpected()) };
        let unknown = self.unexpected();
        self.advance();
        let stmt = match keyword {
            K::Begin => self.begin()?,
            K::Start => {
                self.expect(K::Transaction)?;
                let options = self.transaction_mode_list_or_empty()?;
                TransactionStmt { options, ..transaction(TransactionStmtKind::Start) }
            }
            K::Commit if self.eat(K::Prepared) => self.prepared(TransactionStmtKind::CommitPrepared)?,
            K::Rollback if self.eat(K::Prepared) => self.prepared(TransactionStmtKind::RollbackPrepared)?,
            K::Prepare => {
                self.expect(K::Transaction)?;
                self.prepared(TransactionStmtKind::Prepare)?
            }
            K::Commit | K::End => self.chained(TransactionStmtKind::Commit)?,
            K::Abort => self.chained(TransactionStmtKind::Rollback)?,
            K::Rollback => self.rollback()?,
            K::Savepoint => self.savepoint(TransactionStmtKind::Savepoint)?,
            K::Release => {
                self.opt_savepoint_word();
                self.savepoint(TransactionStmtKind::Release)?
            }
            _ => return Err(unknown),
        };
        Ok(Stmt::Transaction(stmt))
    }

    /// BEGIN. SQLite's DEFERRED, IMMEDIATE and EXCLUSIVE may stand before TRANSACTION.
    fn begin(&mut self) -> Result<TransactionStmt> {
        let location = self.location();
        let mut options = Vec::new();
        for keyword in [K::Deferred, K::Immediate, K::Exclusive] {
            if options.is_empty() && self.eat(keyword) {
                let lock = DefArg::String(keyword.word().to_owned());
                options.push(def_elem("transaction_lock", Some(lock), location));
            }
        }
        self.opt_transaction();
        options.extend(self.transaction_mode_list_or_empty()?);
        Ok(TransactionStmt { options, ..transaction(TransactionStmtKind::Begin) })
    }

    fn opt_transaction(&mut self) {
        if !self.eat(K::Work) {
            self.eat(K::Transaction);
        }
    }

    /// SAVEPOINT, which is a savepoint's name as well.
    fn opt_savepoint_word(&mut self) {
        if self.at(K::Savepoint) && self.is_col_id(1) {
            self.advance();
        }
    }

    fn savepoint(&mut self, kind: TransactionStmtKind) -> Result<TransactionStmt> {
        Ok(TransactionStmt { savepoint: Some(self.col_id()?), ..transaction(kind) })
    }

    fn prepared(&mut self, kind: TransactionStmtKind) -> Result<TransactionStmt> {
        Ok(TransactionStmt { gid: Some(self.sconst()?), ..transaction(kind) })
    }

    fn rollback(&mut self) -> Result<TransactionStmt> {
        self.opt_transaction();
        if self.eat(K::To) {
            self.opt_savepoint_word();
            return self.savepoint(TransactionStmtKind::RollbackTo);
        }
        Ok(TransactionStmt { chain: self.opt_transaction_chain()?, ..transaction(TransactionStmtKind::Rollback) })
    }

    fn chained(&mut self, kind: TransactionStmtKind) -> Result<TransactionStmt> {
        self.opt_transaction();
        Ok(TransactionStmt { chain: self.opt_transaction_chain()?, ..transaction(kind) })
    }

    fn opt_transaction_chain(&mut self) -> Result<bool> {
        if !self.eat(K::And) {
            return Ok(false);
        }
        let no = self.eat(K::No);
        self.expect(K::Chain)?;
        Ok(!no)
    }

    fn transaction_mode_list_or_empty(&mut self) -> Result<Vec<DefElem>> {
        if self.at_any(&[K::Isolation, K::Read, K::Deferrable, K::Not]) {
            self.transaction_mode_list()
        } else {
            Ok(Vec::new())
        }
    }

    /// transaction_mode_list: the commas may be left out.
    pub(super) fn transaction_mode_list(&mut self) -> Result<Vec<DefElem>> {
        let mut modes = vec![self.transaction_mode_item()?];
        while self.eat_symbol(b',') || self.at_any(&[K::Isolation, K::Read, K::Deferrable, K::Not]) {
            modes.push(self.transaction_mode_item()?);
        }
        Ok(modes)
    }

    fn transaction_mode_item(&mut self) -> Result<DefElem> {
        let location = self.location();
        let (name, value) = if self.eat(K::Isolation) {
            self.expect(K::Level)?;
            ("transaction_isolation", DefArg::String(self.iso_level()?.to_owned()))
        } else if self.eat(K::Read) {
            let only = self.eat(K::Only);
            if !only {
                self.expect(K::Write)?;
            }
            ("transaction_read_only", DefArg::Boolean(only))
        } else {
            let not = self.eat(K::Not);
            self.expect(K::Deferrable)?;
            ("transaction_deferrable", DefArg::Boolean(!not))
        };
        Ok(def_elem(name, Some(value), location))
    }

    fn iso_level(&mut self) -> Result<&'static str> {
        if self.eat(K::Serializable) {
            return Ok("serializable");
        }
        if self.eat(K::Repeatable) {
            self.expect(K::Read)?;
            return Ok("repeatable read");
        }
        self.expect(K::Read)?;
        if self.eat(K::Uncommitted) {
            return Ok("read uncommitted");
        }
        self.expect(K::Committed)?;
        Ok("read committed")
    }
}
