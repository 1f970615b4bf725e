//! Domains and types.
//!
//! Owns: CreateDomainStmt, AlterDomainStmt, CREATE TYPE of every kind, AlterEnumStmt, AlterCompositeTypeStmt,
//! AlterTypeStmt. Must not know: types' names in expressions (`type_name`). Specification: gram.y.

use crate::error::Result;
use crate::sql::syntax::ast::definition::{
    AlterDomainAction, AlterDomainStmt, AlterEnum, AlterEnumStmt, AlterTableCmd, AlterTableStmt, AlterTypeStmt,
    CompositeTypeStmt, CreateDomainStmt, CreateEnumStmt, CreateRangeStmt,
};
use crate::sql::syntax::ast::expression::AnyName;
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::query::{Persistence, RangeVar};
use crate::sql::syntax::ast::routine::DefineStmt;
use crate::sql::syntax::ast::statement::{
    AlterObjectSchemaStmt, AlterOwnerStmt, ObjectRef, ObjectType, RenameStmt, Stmt,
};
use crate::sql::syntax::keywords::Keyword as K;
use crate::sql::syntax::parser::Parser;

impl Parser<'_> {
    // ----- domains

    /// What follows CREATE DOMAIN.
    pub(super) fn create_domain_stmt(&mut self) -> Result<Stmt> {
        let name = self.any_name()?;
        self.eat(K::As);
        let type_name = self.type_name()?;
        let (constraints, collation) = self.col_qual_list()?;
        Ok(Stmt::CreateDomain(Box::new(CreateDomainStmt { name, type_name, collation, constraints })))
    }

    /// What ALTER DOMAIN name does, where that is neither RENAME, OWNER TO nor SET SCHEMA.
    pub(super) fn alter_domain_stmt(&mut self, name: AnyName) -> Result<Stmt> {
        let action = if self.eat(K::Set) {
            if self.eat(K::Default) {
                AlterDomainAction::Default(Some(self.a_expr()?))
            } else {
                self.expect_all(&[K::Not, K::Null])?;
                AlterDomainAction::SetNotNull
            }
        } else if self.eat(K::Drop) {
            self.drop_of_domain()?
        } else if self.eat(K::Add) {
            AlterDomainAction::AddConstraint(Box::new(self.table_constraint()?))
        } else {
            self.expect_all(&[K::Validate, K::Constraint])?;
            AlterDomainAction::ValidateConstraint(self.col_id()?)
        };
        Ok(Stmt::AlterDomain(Box::new(AlterDomainStmt { name, action })))
    }

    fn drop_of_domain(&mut self) -> Result<AlterDomainAction> {
        if self.eat(K::Default) {
            return Ok(AlterDomainAction::Default(None));
        }
        if self.eat(K::Not) {
            self.expect(K::Null)?;
            return Ok(AlterDomainAction::DropNotNull);
        }
        self.expect(K::Constraint)?;
        let missing_ok = self.opt_if_exists();
        let name = self.col_id()?;
        Ok(AlterDomainAction::DropConstraint { name, behavior: self.opt_drop_behavior(), missing_ok })
    }

    // ----- CREATE TYPE

    /// What follows CREATE TYPE.
    pub(super) fn create_type_stmt(&mut self) -> Result<Stmt> {
        let location = self.location();
        let name = self.any_name()?;
        if !self.eat(K::As) {
            let definition = if self.at_symbol(b'(') { self.definition()? } else { Vec::new() };
            return Ok(Stmt::Define(Box::new(DefineStmt {
                kind: ObjectType::Type,
                oldstyle: false,
                name,
                args: None,
                definition,
                if_not_exists: false,
                replace: false,
            })));
        }
        if self.eat(K::Enum) {
            let labels =
                self.parens(|p| if p.at_symbol(b')') { Ok(Vec::new()) } else { p.comma_list(Self::sconst) })?;
            return Ok(Stmt::CreateEnum(CreateEnumStmt { name, labels }));
        }
        if self.eat(K::Range) {
            return Ok(Stmt::CreateRange(CreateRangeStmt { name, params: self.definition()? }));
        }
        let columns = self.parens(|p| if p.at_symbol(b')') { Ok(Vec::new()) } else { p.column_def_list() })?;
        Ok(Stmt::CompositeType(CompositeTypeStmt { name, columns, location }))
    }

    // ----- ALTER TYPE

    /// What follows ALTER TYPE.
    pub(super) fn alter_type(&mut self) -> Result<Stmt> {
        let location = self.location();
        let name = self.any_name()?;
        if self.at(K::Rename) {
            return self.rename_type(name, location);
        }
        if self.at_all(&[K::Add, K::Value]) {
            return self.add_enum_value(name);
        }
        if self.eat(K::Owner) {
            self.expect(K::To)?;
            let (object_type, object) = (ObjectType::Type, ObjectRef::Name(name));
            let stmt = AlterOwnerStmt { object_type, object, new_owner: self.role_spec()? };
            return Ok(Stmt::AlterOwner(Box::new(stmt)));
        }
        if self.eat(K::Set) {
            if self.eat(K::Schema) {
                return Ok(Stmt::AlterObjectSchema(Box::new(AlterObjectSchemaStmt {
                    object_type: ObjectType::Type,
                    relation: None,
                    object: Some(ObjectRef::Name(name)),
                    new_schema: self.col_id()?,
                    missing_ok: false,
                })));
            }
            let options = self.parens_list(Self::operator_def_elem)?;
            return Ok(Stmt::AlterType(AlterTypeStmt { name, options }));
        }
        let commands = self.comma_list(Self::alter_type_cmd)?;
        let relation = self.range_var_from_any_name(name, location)?;
        let object_type = ObjectType::Type;
        Ok(Stmt::AlterTable(Box::new(AlterTableStmt { relation, commands, object_type, missing_ok: false })))
    }

    fn rename_type(&mut self, name: AnyName, location: Location) -> Result<Stmt> {
        self.expect(K::Rename)?;
        if self.eat(K::Value) {
            let old = self.sconst()?;
            self.expect(K::To)?;
            let change = AlterEnum::Rename { old, new: self.sconst()? };
            return Ok(Stmt::AlterEnum(AlterEnumStmt { name, change }));
        }
        let mut stmt = RenameStmt {
            object_type: ObjectType::Type,
            relation_type: None,
            relation: None,
            object: None,
            subname: None,
            new_name: String::new(),
            behavior: Default::default(),
            missing_ok: false,
        };
        let attribute = self.eat(K::Attribute);
        if attribute {
            stmt.object_type = ObjectType::Attribute;
            stmt.relation_type = Some(ObjectType::Type);
            stmt.subname = Some(self.col_id()?);
        }
        self.expect(K::To)?;
        stmt.new_name = self.col_id()?;
        if attribute {
            stmt.behavior = self.opt_drop_behavior();
            stmt.relation = Some(self.range_var_from_any_name(name, location)?);
        } else {
            stmt.object = Some(ObjectRef::Name(name));
        }
        Ok(Stmt::Rename(Box::new(stmt)))
    }

    fn add_enum_value(&mut self, name: AnyName) -> Result<Stmt> {
        self.expect_all(&[K::Add, K::Value])?;
        let if_not_exists = self.opt_if_not_exists()?;
        let label = self.sconst()?;
        let after = self.at(K::After);
        let neighbor = if after || self.at(K::Before) {
            self.advance();
            Some((after, self.sconst()?))
        } else {
            None
        };
        Ok(Stmt::AlterEnum(AlterEnumStmt { name, change: AlterEnum::Add { label, neighbor, if_not_exists } }))
    }

    fn alter_type_cmd(&mut self) -> Result<AlterTableCmd> {
        if self.eat(K::Add) {
            self.expect(K::Attribute)?;
            let attribute = Box::new(self.table_func_element()?);
            return Ok(AlterTableCmd::AddAttribute { attribute, behavior: self.opt_drop_behavior() });
        }
        if self.eat(K::Drop) {
            self.expect(K::Attribute)?;
            let missing_ok = self.opt_if_exists();
            let column = self.col_id()?;
            return Ok(AlterTableCmd::DropColumn { column, behavior: self.opt_drop_behavior(), missing_ok });
        }
        self.expect_all(&[K::Alter, K::Attribute])?;
        let location = self.location();
        let column = self.col_id()?;
        if self.eat(K::Set) {
            self.expect(K::Data)?;
        }
        self.expect(K::Type)?;
        Ok(AlterTableCmd::AlterColumnType {
            column,
            type_name: self.type_name()?,
            collation: self.opt_collate_clause()?,
            using: None,
            behavior: self.opt_drop_behavior(),
            location,
        })
    }

    /// makeRangeVarFromAnyName
    pub(super) fn range_var_from_any_name(&self, name: AnyName, location: Location) -> Result<RangeVar> {
        let shown = name.join(".");
        let mut parts = name.into_iter().rev();
        let (relation, schema, catalog) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        if parts.next().is_some() {
            let message = format!("improper qualified name (too many dotted names): {shown}");
            return Err(self.syntax_error_at(location, message));
        }
        let (inherit, persistence, alias) = (true, Persistence::Permanent, None);
        Ok(RangeVar { catalog, schema, relation, inherit, persistence, alias, location })
    }
}
