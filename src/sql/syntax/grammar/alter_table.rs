//! ALTER TABLE and its kin: INDEX, SEQUENCE, VIEW, MATERIALIZED VIEW, FOREIGN TABLE.
//!
//! Owns: AlterTableStmt, AlterSeqStmt, alter_table_cmd, and RENAME, SET SCHEMA and DEPENDS of relations. Must not know:
//! other objects' ALTER (`alter`). Specification: gram.y.

use crate::error::{Result, SqlState};
use crate::sql::syntax::ast::definition::{
    AlterSeqStmt, AlterTableCmd, AlterTableMoveAllStmt, AlterTableStmt, ColumnSelector, DefArg, DefElem,
    ReplicaIdentity, TriggerFiring, TriggerSelector,
};
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::query::RangeVar;
use crate::sql::syntax::ast::statement::{AlterObjectDependsStmt, AlterObjectSchemaStmt, ObjectType, RenameStmt, Stmt};
use crate::sql::syntax::grammar::column::AllowedAttributes;
use crate::sql::syntax::grammar::options::def_elem;
use crate::sql::syntax::keywords::Keyword as K;
use crate::sql::syntax::lexer::TokenKind;
use crate::sql::syntax::parser::Parser;

impl Parser<'_> {
    /// What follows ALTER TABLE, INDEX, SEQUENCE, VIEW, MATERIALIZED VIEW, FOREIGN TABLE.
    pub(super) fn alter_relation(&mut self, kind: ObjectType) -> Result<Stmt> {
        let can_move = matches!(kind, ObjectType::Table | ObjectType::Index | ObjectType::MatView);
        if can_move && self.at(K::All) {
            return self.alter_table_move_all(kind);
        }
        let missing_ok = self.opt_if_exists();
        let relation = match kind {
            ObjectType::Table | ObjectType::ForeignTable => self.relation_expr()?,
            _ => self.qualified_name()?,
        };
        if self.at(K::Rename) {
            return self.rename_in_relation(kind, relation, missing_ok);
        }
        if kind != ObjectType::Index && self.eat_all(&[K::Set, K::Schema]) {
            let new_schema = self.col_id()?;
            let (object_type, relation) = (kind, Some(relation));
            let stmt = AlterObjectSchemaStmt { object_type, relation, object: None, new_schema, missing_ok };
            return Ok(Stmt::AlterObjectSchema(Box::new(stmt)));
        }
        let can_depend = matches!(kind, ObjectType::Index | ObjectType::MatView) && !missing_ok;
        if can_depend && self.at_depends() {
            let (remove, extension) = self.depends_on_extension()?;
            let (object_type, relation) = (kind, Some(relation));
            let stmt = AlterObjectDependsStmt { object_type, relation, object: None, subname: None, extension, remove };
            return Ok(Stmt::AlterObjectDepends(Box::new(stmt)));
        }
        if kind == ObjectType::Sequence && self.at_seq_opt() && !self.at_no_of_table() {
            let options = self.seq_opt_list()?;
            return Ok(Stmt::AlterSeq(AlterSeqStmt { sequence: relation, options, missing_ok }));
        }
        let commands = match kind {
            ObjectType::Table if self.at_any(&[K::Attach, K::Detach]) => vec![self.partition_cmd()?],
            ObjectType::Index if !missing_ok && self.at(K::Attach) => {
                self.expect_all(&[K::Attach, K::Partition])?;
                vec![AlterTableCmd::AttachPartition { partition: self.qualified_name()?, bound: None }]
            }
            _ => self.comma_list(Self::alter_table_cmd)?,
        };
        Ok(Stmt::AlterTable(Box::new(AlterTableStmt { relation, commands, object_type: kind, missing_ok })))
    }

    /// NO of a table's commands, rather than of a sequence's options.
    fn at_no_of_table(&self) -> bool {
        self.at_all(&[K::No, K::Inherit]) || self.at_all(&[K::No, K::Force])
    }

    /// ALL IN TABLESPACE …
    fn alter_table_move_all(&mut self, object_type: ObjectType) -> Result<Stmt> {
        self.expect_all(&[K::All, K::In, K::Tablespace])?;
        let from = self.col_id()?;
        let mut roles = Vec::new();
        if self.eat(K::Owned) {
            self.expect(K::By)?;
            roles = self.role_list()?;
        }
        self.expect_all(&[K::Set, K::Tablespace])?;
        let to = self.col_id()?;
        let nowait = self.eat(K::Nowait);
        Ok(Stmt::AlterTableMoveAll(AlterTableMoveAllStmt { object_type, from, roles, to, nowait }))
    }

    /// RENAME of a relation, a column, a constraint.
    fn rename_in_relation(&mut self, kind: ObjectType, relation: RangeVar, missing_ok: bool) -> Result<Stmt> {
        self.expect(K::Rename)?;
        let has_columns = !matches!(kind, ObjectType::Index | ObjectType::Sequence);
        let (object_type, relation_type, subname) = if !has_columns || self.at(K::To) {
            (kind, None, None)
        } else if kind == ObjectType::Table && self.eat(K::Constraint) {
            (ObjectType::TabConstraint, None, Some(self.col_id()?))
        } else {
            self.eat(K::Column);
            (ObjectType::Column, Some(kind), Some(self.col_id()?))
        };
        self.expect(K::To)?;
        let new_name = self.col_id()?;
        Ok(Stmt::Rename(Box::new(RenameStmt {
            object_type,
            relation_type,
            relation: Some(relation),
            object: None,
            subname,
            new_name,
            behavior: Default::default(),
            missing_ok,
        })))
    }

    /// Whether [NO] DEPENDS comes next.
    pub(super) fn at_depends(&self) -> bool {
        self.at(K::Depends) || self.at_all(&[K::No, K::Depends])
    }

    /// [NO] DEPENDS ON EXTENSION name: whether NO, and the name.
    pub(super) fn depends_on_extension(&mut self) -> Result<(bool, String)> {
        let remove = self.eat(K::No);
        self.expect_all(&[K::Depends, K::On, K::Extension])?;
        Ok((remove, self.col_id()?))
    }

    fn partition_cmd(&mut self) -> Result<AlterTableCmd> {
        let attach = self.eat(K::Attach);
        if !attach {
            self.expect(K::Detach)?;
        }
        self.expect(K::Partition)?;
        let partition = self.qualified_name()?;
        if attach {
            return Ok(AlterTableCmd::AttachPartition { partition, bound: Some(self.partition_bound_spec()?) });
        }
        if self.eat(K::Finalize) {
            return Ok(AlterTableCmd::DetachPartitionFinalize(partition));
        }
        Ok(AlterTableCmd::DetachPartition { partition, concurrent: self.eat(K::Concurrently) })
    }

    // ----- alter_table_cmd

    fn alter_table_cmd(&mut self) -> Result<AlterTableCmd> {
        let TokenKind::Keyword(keyword) = self.peek() else { return Err(self.unexpected()) };
        if keyword == K::Options {
            return Ok(AlterTableCmd::GenericOptions(self.alter_generic_options()?));
        }
        let known = [
            K::Add,
            K::Alter,
            K::Drop,
            K::Validate,
            K::Set,
            K::Reset,
            K::Cluster,
            K::Enable,
            K::Disable,
            K::Inherit,
            K::No,
            K::Of,
            K::Not,
            K::Owner,
            K::Replica,
            K::Force,
        ];
        if !known.contains(&keyword) {
            return Err(self.unexpected());
        }
        self.advance();
        match keyword {
            K::Add => self.add_to_table(),
            K::Alter => self.alter_in_table(),
            K::Drop => self.drop_from_table(),
            K::Validate => {
                self.expect(K::Constraint)?;
                Ok(AlterTableCmd::ValidateConstraint(self.col_id()?))
            }
            K::Set => self.set_of_table(),
            K::Reset => Ok(AlterTableCmd::ResetRelOptions(self.reloptions()?)),
            K::Cluster => {
                self.expect(K::On)?;
                Ok(AlterTableCmd::ClusterOn(self.col_id()?))
            }
            K::Enable => self.enable_or_disable(true),
            K::Disable => self.enable_or_disable(false),
            K::Inherit => Ok(AlterTableCmd::AddInherit(self.qualified_name()?)),
            K::No if self.eat(K::Inherit) => Ok(AlterTableCmd::DropInherit(self.qualified_name()?)),
            K::No => {
                self.expect_all(&[K::Force, K::Row, K::Level, K::Security])?;
                Ok(AlterTableCmd::NoForceRowSecurity)
            }
            K::Force => {
                self.expect_all(&[K::Row, K::Level, K::Security])?;
                Ok(AlterTableCmd::ForceRowSecurity)
            }
            K::Of => Ok(AlterTableCmd::AddOf(self.type_of_table()?)),
            K::Not => {
                self.expect(K::Of)?;
                Ok(AlterTableCmd::DropOf)
            }
            K::Owner => {
                self.expect(K::To)?;
                Ok(AlterTableCmd::ChangeOwner(self.role_spec()?))
            }
            _ => {
                self.expect(K::Identity)?;
                Ok(AlterTableCmd::ReplicaIdentity(self.replica_identity()?))
            }
        }
    }

    fn add_to_table(&mut self) -> Result<AlterTableCmd> {
        if self.at_table_constraint() {
            return Ok(AlterTableCmd::AddConstraint(Box::new(self.table_constraint()?)));
        }
        self.eat(K::Column);
        let missing_ok = self.opt_if_not_exists()?;
        Ok(AlterTableCmd::AddColumn { column: Box::new(self.column_def()?), missing_ok })
    }

    fn drop_from_table(&mut self) -> Result<AlterTableCmd> {
        let constraint = self.eat(K::Constraint);
        if !constraint {
            self.eat(K::Column);
        }
        let missing_ok = self.opt_if_exists();
        let name = self.col_id()?;
        let behavior = self.opt_drop_behavior();
        Ok(if constraint {
            AlterTableCmd::DropConstraint { name, behavior, missing_ok }
        } else {
            AlterTableCmd::DropColumn { column: name, behavior, missing_ok }
        })
    }

    fn set_of_table(&mut self) -> Result<AlterTableCmd> {
        if self.eat(K::Without) {
            if self.eat(K::Oids) {
                return Ok(AlterTableCmd::DropOids);
            }
            self.expect(K::Cluster)?;
            return Ok(AlterTableCmd::DropCluster);
        }
        if self.eat(K::Logged) {
            Ok(AlterTableCmd::SetLogged)
        } else if self.eat(K::Unlogged) {
            Ok(AlterTableCmd::SetUnlogged)
        } else if self.eat(K::Access) {
            self.expect(K::Method)?;
            Ok(AlterTableCmd::SetAccessMethod(self.col_id()?))
        } else if self.eat(K::Tablespace) {
            Ok(AlterTableCmd::SetTableSpace(self.col_id()?))
        } else {
            Ok(AlterTableCmd::SetRelOptions(self.reloptions()?))
        }
    }

    /// Triggers, rules, row level security.
    fn enable_or_disable(&mut self, enable: bool) -> Result<AlterTableCmd> {
        if self.eat(K::Row) {
            self.expect_all(&[K::Level, K::Security])?;
            return Ok(if enable { AlterTableCmd::EnableRowSecurity } else { AlterTableCmd::DisableRowSecurity });
        }
        let firing = match enable {
            false => TriggerFiring::Disabled,
            true if self.eat(K::Always) => TriggerFiring::Always,
            true if self.eat(K::Replica) => TriggerFiring::Replica,
            true => TriggerFiring::Origin,
        };
        if self.eat(K::Rule) {
            return Ok(AlterTableCmd::Rule { name: self.col_id()?, firing });
        }
        self.expect(K::Trigger)?;
        let one = matches!(firing, TriggerFiring::Always | TriggerFiring::Replica);
        let target = if !one && self.eat(K::All) {
            TriggerSelector::All
        } else if !one && self.eat(K::User) {
            TriggerSelector::User
        } else {
            TriggerSelector::Name(self.col_id()?)
        };
        Ok(AlterTableCmd::Trigger { target, firing })
    }

    fn replica_identity(&mut self) -> Result<ReplicaIdentity> {
        if self.eat(K::Nothing) {
            Ok(ReplicaIdentity::Nothing)
        } else if self.eat(K::Full) {
            Ok(ReplicaIdentity::Full)
        } else if self.eat(K::Default) {
            Ok(ReplicaIdentity::Default)
        } else {
            self.expect_all(&[K::Using, K::Index])?;
            Ok(ReplicaIdentity::Index(self.col_id()?))
        }
    }

    // ----- ALTER of a column or constraint

    fn alter_in_table(&mut self) -> Result<AlterTableCmd> {
        if self.eat(K::Constraint) {
            let location = self.location();
            let name = self.col_id()?;
            let attributes = self.constraint_attribute_spec()?;
            self.check_constraint_attributes(attributes, "FOREIGN KEY", AllowedAttributes::TIMING)?;
            return Ok(AlterTableCmd::AlterConstraint {
                name,
                deferrable: attributes.is_deferrable(),
                initially_deferred: attributes.is_initially_deferred(),
                location,
            });
        }
        self.eat(K::Column);
        let location = self.location();
        if self.is_iconst(0) {
            let number = self.iconst()?;
            self.expect_all(&[K::Set, K::Statistics])?;
            let target = self.signed_iconst()?;
            if !(1..=i32::from(i16::MAX)).contains(&number) {
                let message = "column number must be in range from 1 to 32767";
                return Err(self.error_at(location, SqlState::INVALID_PARAMETER_VALUE, message));
            }
            return Ok(AlterTableCmd::SetStatistics { column: ColumnSelector::Number(number), target });
        }
        let column = self.col_id()?;
        self.alter_column(column, location)
    }

    fn alter_column(&mut self, column: String, location: Location) -> Result<AlterTableCmd> {
        match self.peek() {
            TokenKind::Keyword(K::Drop) => {
                self.advance();
                self.drop_of_column(column)
            }
            TokenKind::Keyword(K::Set) => self.set_of_column(column, location),
            TokenKind::Keyword(K::Restart) => self.alter_identity(column),
            TokenKind::Keyword(K::Reset) => {
                self.advance();
                Ok(AlterTableCmd::ResetOptions { column, options: self.reloptions()? })
            }
            TokenKind::Keyword(K::Add) => {
                self.expect_all(&[K::Add, K::Generated])?;
                let always = self.generated_when()?;
                self.expect_all(&[K::As, K::Identity])?;
                let options = self.opt_parenthesized_seq_opt_list()?;
                Ok(AlterTableCmd::AddIdentity { column, always, options, location })
            }
            TokenKind::Keyword(K::Options) => {
                let options = self.alter_generic_options()?;
                Ok(AlterTableCmd::AlterColumnGenericOptions { column, options })
            }
            _ => {
                self.expect(K::Type)?;
                self.alter_column_type(column, location)
            }
        }
    }

    /// What follows TYPE.
    fn alter_column_type(&mut self, column: String, location: Location) -> Result<AlterTableCmd> {
        Ok(AlterTableCmd::AlterColumnType {
            column,
            type_name: self.type_name()?,
            collation: self.opt_collate_clause()?,
            using: self.optional(K::Using, Self::a_expr)?,
            behavior: Default::default(),
            location,
        })
    }

    fn drop_of_column(&mut self, column: String) -> Result<AlterTableCmd> {
        if self.eat(K::Default) {
            return Ok(AlterTableCmd::ColumnDefault { column, default: None });
        }
        if self.eat(K::Not) {
            self.expect(K::Null)?;
            return Ok(AlterTableCmd::DropNotNull { column });
        }
        let expression = self.eat(K::Expression);
        if !expression {
            self.expect(K::Identity)?;
        }
        let missing_ok = self.eat(K::If);
        if missing_ok {
            self.expect(K::Exists)?;
        }
        Ok(if expression {
            AlterTableCmd::DropExpression { column, missing_ok }
        } else {
            AlterTableCmd::DropIdentity { column, missing_ok }
        })
    }

    /// SET of a column; also where it sets options of its sequence.
    fn set_of_column(&mut self, column: String, location: Location) -> Result<AlterTableCmd> {
        match self.peek_at(1) {
            TokenKind::Keyword(K::Default) => {
                self.expect_all(&[K::Set, K::Default])?;
                Ok(AlterTableCmd::ColumnDefault { column, default: Some(self.a_expr()?) })
            }
            TokenKind::Keyword(K::Not) => {
                self.expect_all(&[K::Set, K::Not, K::Null])?;
                Ok(AlterTableCmd::SetNotNull { column })
            }
            TokenKind::Keyword(K::Statistics) => {
                self.expect_all(&[K::Set, K::Statistics])?;
                let target = self.signed_iconst()?;
                Ok(AlterTableCmd::SetStatistics { column: ColumnSelector::Name(column), target })
            }
            TokenKind::Keyword(K::Storage) => {
                self.expect_all(&[K::Set, K::Storage])?;
                Ok(AlterTableCmd::SetStorage { column, storage: self.col_id()? })
            }
            TokenKind::Keyword(K::Compression) => {
                self.expect(K::Set)?;
                Ok(AlterTableCmd::SetCompression { column, compression: self.column_compression()? })
            }
            TokenKind::Keyword(K::Data) => {
                self.expect_all(&[K::Set, K::Data, K::Type])?;
                self.alter_column_type(column, location)
            }
            TokenKind::Symbol(b'(') => {
                self.expect(K::Set)?;
                Ok(AlterTableCmd::SetOptions { column, options: self.reloptions()? })
            }
            _ => self.alter_identity(column),
        }
    }

    /// alter_identity_column_option_list
    fn alter_identity(&mut self, column: String) -> Result<AlterTableCmd> {
        let mut options = Vec::new();
        while self.at_any(&[K::Restart, K::Set]) {
            options.push(self.alter_identity_column_option()?);
        }
        Ok(AlterTableCmd::SetIdentity { column, options })
    }

    fn alter_identity_column_option(&mut self) -> Result<DefElem> {
        let location = self.location();
        if self.eat(K::Restart) {
            return Ok(def_elem("restart", self.opt_restart_value()?, location));
        }
        self.expect(K::Set)?;
        if self.eat(K::Generated) {
            let always = self.generated_when()?;
            return Ok(def_elem("generated", Some(DefArg::Boolean(always)), location));
        }
        let location = self.location();
        let option = self.seq_opt_elem()?;
        if matches!(option.name.as_str(), "as" | "restart" | "owned_by") {
            let message = format!("sequence option \"{}\" not supported here", option.name);
            return Err(self.syntax_error_at(location, message));
        }
        Ok(option)
    }
}
