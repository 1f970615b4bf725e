//! DROP of every kind.
//!
//! Owns: DropStmt and gram.y's other DROP statements, ReassignOwnedStmt. Must not know: how objects are named
//! (`object`). Specification: gram.y.

use crate::error::Result;
use crate::sql::syntax::ast::statement::{DropBehavior, DropStmt, ObjectRef, ObjectType, Stmt};
use crate::sql::syntax::grammar::options::def_elem;
use crate::sql::syntax::keywords::Keyword as K;
use crate::sql::syntax::lexer::TokenKind;
use crate::sql::syntax::parser::Parser;

impl Parser<'_> {
    pub(super) fn drop_statement(&mut self) -> Result<Stmt> {
        self.expect(K::Drop)?;
        if let Some(kind) = self.object_type_any_name()? {
            let concurrent = kind == ObjectType::Index && self.eat(K::Concurrently);
            let missing_ok = self.opt_if_exists();
            let objects = self.comma_list(|p| p.any_name().map(ObjectRef::Name))?;
            return Ok(self.drop_stmt(kind, objects, missing_ok, concurrent));
        }
        if let Some(kind) = self.drop_type_name()? {
            let missing_ok = self.opt_if_exists();
            let objects = self.comma_list(|p| Ok(ObjectRef::Name(vec![p.col_id()?])))?;
            return Ok(self.drop_stmt(kind, objects, missing_ok, false));
        }
        if let Some(kind) = self.object_type_name_on_any_name() {
            let missing_ok = self.opt_if_exists();
            let objects = vec![ObjectRef::Name(self.name_on_any_name()?)];
            return Ok(self.drop_stmt(kind, objects, missing_ok, false));
        }
        let TokenKind::Keyword(keyword) = self.peek() else { return Err(self.unexpected()) };
        match keyword {
            K::Type | K::Domain | K::Aggregate | K::Function | K::Procedure | K::Routine => {
                self.drop_with_signature(keyword)
            }
            K::Operator => self.drop_operator(),
            K::Cast | K::Transform => {
                self.advance();
                let missing_ok = self.eat(K::If);
                if missing_ok {
                    self.expect(K::Exists)?;
                }
                let (kind, object) = match keyword {
                    K::Cast => (ObjectType::Cast, self.cast_ref()?),
                    _ => (ObjectType::Transform, self.transform_ref()?),
                };
                Ok(self.drop_stmt(kind, vec![object], missing_ok, false))
            }
            K::Role | K::User | K::Group => self.drop_role(keyword),
            K::Owned => {
                self.expect_all(&[K::Owned, K::By])?;
                Ok(Stmt::DropOwned { roles: self.role_list()?, behavior: self.opt_drop_behavior() })
            }
            K::Database => self.dropdb_stmt(),
            K::Subscription => {
                self.advance();
                let missing_ok = self.opt_if_exists();
                let name = self.col_id()?;
                Ok(Stmt::DropSubscription { name, missing_ok, behavior: self.opt_drop_behavior() })
            }
            K::Tablespace => {
                self.advance();
                let missing_ok = self.opt_if_exists();
                Ok(Stmt::DropTableSpace { name: self.col_id()?, missing_ok })
            }
            _ => Err(self.unexpected()),
        }
    }

    /// Everything but the objects: CASCADE or RESTRICT.
    fn drop_stmt(
        &mut self,
        object_type: ObjectType,
        objects: Vec<ObjectRef>,
        missing_ok: bool,
        concurrent: bool,
    ) -> Stmt {
        let behavior: DropBehavior = self.opt_drop_behavior();
        Stmt::Drop(Box::new(DropStmt { object_type, objects, behavior, missing_ok, concurrent }))
    }

    fn drop_with_signature(&mut self, keyword: K) -> Result<Stmt> {
        self.advance();
        let missing_ok = self.opt_if_exists();
        let kind = match keyword {
            K::Type => ObjectType::Type,
            K::Domain => ObjectType::Domain,
            K::Aggregate => ObjectType::Aggregate,
            K::Function => ObjectType::Function,
            K::Procedure => ObjectType::Procedure,
            _ => ObjectType::Routine,
        };
        let objects = self.comma_list(|p| match kind {
            ObjectType::Type | ObjectType::Domain => p.type_name().map(ObjectRef::Type),
            ObjectType::Aggregate => p.aggregate_with_argtypes().map(ObjectRef::Function),
            _ => p.function_with_argtypes().map(ObjectRef::Function),
        })?;
        Ok(self.drop_stmt(kind, objects, missing_ok, false))
    }

    fn drop_operator(&mut self) -> Result<Stmt> {
        self.expect(K::Operator)?;
        if let Some(kind) = self.eat_operator_class() {
            let missing_ok = self.opt_if_exists();
            let object = self.opclass_ref()?;
            return Ok(self.drop_stmt(kind, vec![object], missing_ok, false));
        }
        let missing_ok = self.opt_if_exists();
        let objects = self.comma_list(|p| p.operator_with_argtypes().map(ObjectRef::Function))?;
        Ok(self.drop_stmt(ObjectType::Operator, objects, missing_ok, false))
    }

    /// Roles, and user mappings.
    fn drop_role(&mut self, keyword: K) -> Result<Stmt> {
        self.advance();
        if keyword == K::User && self.at(K::Mapping) && (self.keyword_at(1, K::For) || self.keyword_at(1, K::If)) {
            self.advance();
            let missing_ok = self.opt_if_exists();
            let (user, server) = self.user_mapping()?;
            return Ok(Stmt::DropUserMapping { user, server, missing_ok });
        }
        let missing_ok = self.opt_if_exists();
        Ok(Stmt::DropRole { roles: self.role_list()?, missing_ok })
    }

    fn dropdb_stmt(&mut self) -> Result<Stmt> {
        self.expect(K::Database)?;
        let missing_ok = self.opt_if_exists();
        let name = self.col_id()?;
        let mut options = Vec::new();
        if self.eat(K::With) || self.at_symbol(b'(') {
            options = self.parens_list(|p| {
                let location = p.location();
                p.expect(K::Force)?;
                Ok(def_elem("force", None, location))
            })?;
        }
        Ok(Stmt::Dropdb { name, missing_ok, options })
    }

    pub(super) fn reassign_owned_stmt(&mut self) -> Result<Stmt> {
        self.expect_all(&[K::Reassign, K::Owned, K::By])?;
        let roles = self.role_list()?;
        self.expect(K::To)?;
        Ok(Stmt::ReassignOwned { roles, new_role: self.role_spec()? })
    }
}
