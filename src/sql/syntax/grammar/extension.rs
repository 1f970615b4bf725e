//! Extensions, languages, access methods, casts, transforms, conversions, tablespaces.
//!
//! Owns: their CREATE statements, AlterExtensionStmt, AlterExtensionContentsStmt. Must not know: what they do.
//! Specification: gram.y.

use crate::error::Result;
use crate::sql::syntax::ast::definition::DefArg;
use crate::sql::syntax::ast::routine::{
    CastContext, CreateAmStmt, CreateCastStmt, CreateConversionStmt, CreatePLangStmt, CreateTransformStmt,
    ObjectWithArgs,
};
use crate::sql::syntax::ast::statement::{
    AlterExtensionContentsStmt, AlterExtensionStmt, CreateExtensionStmt, ObjectRef, ObjectType, Stmt,
};
use crate::sql::syntax::grammar::options::def_elem;
use crate::sql::syntax::keywords::Keyword as K;
use crate::sql::syntax::parser::Parser;

impl Parser<'_> {
    // ----- extensions

    /// What follows CREATE EXTENSION.
    pub(super) fn create_extension_stmt(&mut self) -> Result<Stmt> {
        let if_not_exists = self.opt_if_not_exists()?;
        let name = self.col_id()?;
        self.eat(K::With);
        let mut options = Vec::new();
        loop {
            let location = self.location();
            let (name, arg) = if self.eat(K::Schema) {
                ("schema", DefArg::String(self.col_id()?))
            } else if self.eat(K::Version) {
                ("new_version", DefArg::String(self.non_reserved_word_or_sconst()?))
            } else if self.eat(K::From) {
                self.non_reserved_word_or_sconst()?;
                return Err(self.refused(location, "CREATE EXTENSION ... FROM is no longer supported"));
            } else if self.eat(K::Cascade) {
                ("cascade", DefArg::Boolean(true))
            } else {
                break;
            };
            options.push(def_elem(name, Some(arg), location));
        }
        Ok(Stmt::CreateExtension(CreateExtensionStmt { name, if_not_exists, options }))
    }

    /// What follows ALTER EXTENSION name.
    pub(super) fn alter_extension(&mut self, name: String) -> Result<Stmt> {
        if self.eat(K::Set) {
            self.expect(K::Schema)?;
            return self.set_schema(ObjectType::Extension, ObjectRef::Name(vec![name]));
        }
        if self.eat(K::Update) {
            let mut options = Vec::new();
            loop {
                let location = self.location();
                if !self.eat(K::To) {
                    return Ok(Stmt::AlterExtension(AlterExtensionStmt { name, options }));
                }
                let version = DefArg::String(self.non_reserved_word_or_sconst()?);
                options.push(def_elem("new_version", Some(version), location));
            }
        }
        let add = self.eat(K::Add);
        if !add {
            self.expect(K::Drop)?;
        }
        let (object_type, object) = if let Some(kind) = self.object_type_any_name()? {
            (kind, ObjectRef::Name(self.any_name()?))
        } else if let Some(kind) = self.object_type_name()? {
            (kind, ObjectRef::Name(vec![self.col_id()?]))
        } else {
            self.object_with_signature()?
        };
        let stmt = AlterExtensionContentsStmt { name, add, object_type, object };
        Ok(Stmt::AlterExtensionContents(Box::new(stmt)))
    }

    // ----- languages, access methods

    /// What follows CREATE [OR REPLACE]: [TRUSTED] [PROCEDURAL] LANGUAGE …
    pub(super) fn create_plang_stmt(&mut self, replace: bool) -> Result<Stmt> {
        let trusted = self.eat(K::Trusted);
        self.eat(K::Procedural);
        self.expect(K::Language)?;
        let name = self.col_id()?;
        let mut stmt = CreatePLangStmt { name, replace, trusted, handler: None, inline: None, validator: None };
        if self.eat(K::Handler) {
            stmt.handler = Some(self.any_name()?);
            stmt.inline = self.optional(K::Inline, Self::any_name)?;
            if self.eat(K::Validator) {
                stmt.validator = Some(self.any_name()?);
            } else if self.eat(K::No) {
                self.expect(K::Validator)?;
            }
        }
        Ok(Stmt::CreatePLang(stmt))
    }

    /// What follows CREATE ACCESS METHOD.
    pub(super) fn create_am_stmt(&mut self) -> Result<Stmt> {
        let name = self.col_id()?;
        self.expect(K::Type)?;
        let is_table = self.eat(K::Table);
        if !is_table {
            self.expect(K::Index)?;
        }
        self.expect(K::Handler)?;
        Ok(Stmt::CreateAm(CreateAmStmt { name, handler: self.any_name()?, is_table }))
    }

    // ----- casts, transforms, conversions

    /// What follows CREATE CAST.
    pub(super) fn create_cast_stmt(&mut self) -> Result<Stmt> {
        let (source, target) = self.parens(|p| {
            let source = p.type_name()?;
            p.expect(K::As)?;
            Ok((source, p.type_name()?))
        })?;
        let (mut function, mut inout) = (None, false);
        if self.eat(K::Without) {
            self.expect(K::Function)?;
        } else {
            self.expect(K::With)?;
            inout = self.eat(K::Inout);
            if !inout {
                self.expect(K::Function)?;
                function = Some(self.function_with_argtypes()?);
            }
        }
        let mut context = CastContext::Explicit;
        if self.eat(K::As) {
            context = CastContext::Implicit;
            if !self.eat(K::Implicit) {
                self.expect(K::Assignment)?;
                context = CastContext::Assignment;
            }
        }
        Ok(Stmt::CreateCast(Box::new(CreateCastStmt { source, target, function, context, inout })))
    }

    /// What follows CREATE [OR REPLACE]: TRANSFORM …
    pub(super) fn create_transform_stmt(&mut self, replace: bool) -> Result<Stmt> {
        self.expect_all(&[K::Transform, K::For])?;
        let type_name = self.type_name()?;
        self.expect(K::Language)?;
        let language = self.col_id()?;
        let (from_sql, to_sql) = self.parens(|p| {
            let (mut from_sql, mut to_sql) = (None, None);
            if p.at(K::From) {
                from_sql = Some(p.transform_element(K::From)?);
                if p.eat_symbol(b',') {
                    to_sql = Some(p.transform_element(K::To)?);
                }
            } else {
                to_sql = Some(p.transform_element(K::To)?);
                if p.eat_symbol(b',') {
                    from_sql = Some(p.transform_element(K::From)?);
                }
            }
            Ok((from_sql, to_sql))
        })?;
        let stmt = CreateTransformStmt { replace, type_name, language, from_sql, to_sql };
        Ok(Stmt::CreateTransform(Box::new(stmt)))
    }

    fn transform_element(&mut self, direction: K) -> Result<ObjectWithArgs> {
        self.expect_all(&[direction, K::Sql, K::With, K::Function])?;
        self.function_with_argtypes()
    }

    /// What follows CREATE [DEFAULT] CONVERSION.
    pub(super) fn create_conversion_stmt(&mut self, is_default: bool) -> Result<Stmt> {
        let name = self.any_name()?;
        self.expect(K::For)?;
        let for_encoding = self.sconst()?;
        self.expect(K::To)?;
        let to_encoding = self.sconst()?;
        self.expect(K::From)?;
        let function = self.any_name()?;
        Ok(Stmt::CreateConversion(CreateConversionStmt { name, for_encoding, to_encoding, function, is_default }))
    }

    // ----- tablespaces

    /// What follows CREATE TABLESPACE.
    pub(super) fn create_table_space_stmt(&mut self) -> Result<Stmt> {
        let name = self.col_id()?;
        let owner = self.optional(K::Owner, Self::role_spec)?;
        self.expect(K::Location)?;
        let location = self.sconst()?;
        Ok(Stmt::CreateTableSpace { name, owner, location, options: self.opt_reloptions()? })
    }
}
