//! A text to its statement: the entries to the grammar, and which production a statement's first word begins.
//!
//! Owns: [`statement`], [`expression`], [`query`], [`type_name`], [`Parser::stmt`]. Must not know: what a statement does.

use crate::error::Result;
use crate::sql::syntax::ast::expression::{Expr, TypeName};
use crate::sql::syntax::ast::query::SelectStmt;
use crate::sql::syntax::ast::statement::Stmt;
use crate::sql::syntax::keywords::Keyword as K;
use crate::sql::syntax::lexer::{Token, TokenKind, tokens};
use crate::sql::syntax::parser::Parser;

/// Parses one statement from its tokens; the last of them is its semicolon, `End` or `Bad`. `None` is an empty
/// statement.
pub fn statement(text: &str, tokens: &[Token]) -> Result<Option<Stmt>> {
    let mut parser = Parser::new(text, tokens);
    if parser.at_end() {
        return Ok(None);
    }
    let stmt = parser.stmt()?;
    parser.expect_end()?;
    Ok(Some(stmt))
}

/// Parses a text that is one of the grammar's parts and nothing else.
fn whole<T>(text: &str, production: impl FnOnce(&mut Parser<'_>) -> Result<T>) -> Result<T> {
    let tokens = tokens(text, true);
    let mut parser = Parser::new(text, &tokens);
    let part = production(&mut parser)?;
    if parser.peek() == TokenKind::End { Ok(part) } else { Err(parser.unexpected()) }
}

/// Parses one expression, such as a stored default.
pub fn expression(text: &str) -> Result<Expr> {
    whole(text, |p| p.a_expr())
}

/// Parses one query, such as a stored view.
pub fn query(text: &str) -> Result<SelectStmt> {
    whole(text, |p| p.select_stmt())
}

/// Parses a type's name.
pub fn type_name(text: &str) -> Result<TypeName> {
    whole(text, |p| p.type_name())
}

impl Parser<'_> {
    /// One statement that is not empty.
    pub fn stmt(&mut self) -> Result<Stmt> {
        let TokenKind::Keyword(keyword) = self.peek() else {
            return if self.at_symbol(b'(') { self.preparable_stmt() } else { Err(self.unexpected()) };
        };
        match keyword {
            K::Select | K::Values | K::Table | K::With | K::Insert | K::Update | K::Delete | K::Merge => {
                self.preparable_stmt()
            }
            K::Create => self.create_statement(),
            K::Alter => self.alter_statement(),
            K::Drop => self.drop_statement(),
            K::Comment => self.comment_stmt(),
            K::Security => self.security_label_stmt(),
            K::Truncate => self.truncate_stmt(),
            K::Grant => self.grant_statement(),
            K::Revoke => self.revoke_statement(),
            K::Abort | K::Begin | K::Start | K::Commit | K::End | K::Rollback | K::Savepoint | K::Release => {
                self.transaction_stmt()
            }
            K::Prepare if self.keyword_at(1, K::Transaction) => self.transaction_stmt(),
            K::Set => self.set_statement(),
            K::Reset => self.reset_stmt(),
            K::Show => self.show_stmt(),
            K::Prepare => self.prepare_stmt(),
            K::Execute => self.execute_stmt(),
            K::Deallocate => self.deallocate_stmt(),
            K::Declare => self.declare_cursor_stmt(),
            K::Fetch | K::Move => self.fetch_stmt(),
            K::Close => self.close_portal_stmt(),
            K::Copy => self.copy_stmt(),
            K::Explain => self.explain_stmt(),
            K::Listen => self.listen_stmt(),
            K::Notify => self.notify_stmt(),
            K::Unlisten => self.unlisten_stmt(),
            K::Lock => self.lock_stmt(),
            K::Vacuum => self.vacuum_stmt(),
            K::Analyze | K::Analyse => self.analyze_stmt(),
            K::Cluster => self.cluster_stmt(),
            K::Reindex => self.reindex_stmt(),
            K::Checkpoint => self.checkpoint_stmt(),
            K::Discard => self.discard_stmt(),
            K::Load => self.load_stmt(),
            K::Call => self.call_stmt(),
            K::Do => self.do_stmt(),
            K::Import => self.import_foreign_schema_stmt(),
            K::Reassign => self.reassign_owned_stmt(),
            K::Refresh => self.refresh_mat_view_stmt(),
            _ => Err(self.unexpected()),
        }
    }
}
