//! COMMENT ON and SECURITY LABEL.
//!
//! Owns: CommentStmt, SecLabelStmt. Must not know: how objects are named (`object`). Specification: gram.y.

use crate::error::Result;
use crate::sql::syntax::ast::statement::{CommentStmt, SecLabelStmt, Stmt};
use crate::sql::syntax::keywords::Keyword as K;
use crate::sql::syntax::parser::Parser;

impl Parser<'_> {
    pub(super) fn comment_stmt(&mut self) -> Result<Stmt> {
        self.expect_all(&[K::Comment, K::On])?;
        let (object_type, object) = self.commented_object(true)?;
        let comment = self.is_string_or_null()?;
        Ok(Stmt::Comment(Box::new(CommentStmt { object_type, object, comment })))
    }

    pub(super) fn security_label_stmt(&mut self) -> Result<Stmt> {
        self.expect_all(&[K::Security, K::Label])?;
        let provider = self.optional(K::For, Self::non_reserved_word_or_sconst)?;
        self.expect(K::On)?;
        let (object_type, object) = self.commented_object(false)?;
        let label = self.is_string_or_null()?;
        Ok(Stmt::SecLabel(Box::new(SecLabelStmt { object_type, object, provider, label })))
    }

    /// IS 'string', IS NULL
    fn is_string_or_null(&mut self) -> Result<Option<String>> {
        self.expect(K::Is)?;
        if self.eat(K::Null) { Ok(None) } else { self.sconst().map(Some) }
    }
}
