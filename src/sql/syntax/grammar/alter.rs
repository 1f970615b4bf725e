//! ALTER: which kind of object, and what can be done with many of them: RENAME TO, OWNER TO, SET SCHEMA, DEPENDS.
//!
//! Owns: the dispatch of ALTER, RenameStmt, AlterOwnerStmt, AlterObjectSchemaStmt, AlterObjectDependsStmt of all objects
//! but relations. Must not know: what is particular to one kind. Specification: gram.y.

use crate::error::Result;
use crate::sql::syntax::ast::definition::{AlterStatsStmt, TriggerFiring};
use crate::sql::syntax::ast::routine::{AlterEventTrigStmt, AlterFunctionStmt, AlterOperatorStmt};
use crate::sql::syntax::ast::statement::{
    AlterObjectDependsStmt, AlterObjectSchemaStmt, AlterOwnerStmt, ObjectRef, ObjectType, RenameStmt, Stmt,
};
use crate::sql::syntax::keywords::Keyword as K;
use crate::sql::syntax::lexer::TokenKind;
use crate::sql::syntax::parser::Parser;

/// What of RENAME TO, OWNER TO and SET SCHEMA a kind of object has.
#[derive(Clone, Copy)]
struct Common {
    rename: bool,
    owner: bool,
    schema: bool,
}

const ALL: Common = Common { rename: true, owner: true, schema: true };
const RENAME_OWNER: Common = Common { schema: false, ..ALL };
const RENAME_SCHEMA: Common = Common { owner: false, ..ALL };
const OWNER_SCHEMA: Common = Common { rename: false, ..ALL };

impl Parser<'_> {
    pub(super) fn alter_statement(&mut self) -> Result<Stmt> {
        self.expect(K::Alter)?;
        let TokenKind::Keyword(keyword) = self.peek() else { return Err(self.unexpected()) };
        match keyword {
            K::Table | K::Index | K::Sequence | K::View | K::Materialized | K::Foreign => {
                self.alter_relation_or_wrapper(keyword)
            }
            K::Aggregate | K::Function | K::Procedure | K::Routine => self.alter_routine(),
            K::Operator => self.alter_operator(),
            K::Type => {
                self.advance();
                self.alter_type()
            }
            K::Domain => {
                self.advance();
                let name = self.any_name()?;
                match self.at_all(&[K::Rename, K::Constraint]) {
                    true => self.rename_domain_constraint(name),
                    false => {
                        let object = ObjectRef::Name(name.clone());
                        match self.common_alter(ObjectType::Domain, object, ALL)? {
                            Some(stmt) => Ok(stmt),
                            None => self.alter_domain_stmt(name),
                        }
                    }
                }
            }
            K::Collation | K::Conversion | K::Statistics => self.alter_in_schema(keyword),
            K::Text => self.alter_text_search(),
            K::Default => self.alter_default_privileges_stmt(),
            K::System => self.alter_system_stmt(),
            K::Trigger | K::Rule | K::Policy => self.alter_of_relation(keyword),
            K::Role | K::User | K::Group | K::Database => self.alter_of_cluster(keyword),
            _ => self.alter_named(keyword),
        }
    }

    fn alter_relation_or_wrapper(&mut self, keyword: K) -> Result<Stmt> {
        self.advance();
        let kind = match keyword {
            K::Table => ObjectType::Table,
            K::Index => ObjectType::Index,
            K::Sequence => ObjectType::Sequence,
            K::View => ObjectType::View,
            K::Materialized => {
                self.expect(K::View)?;
                ObjectType::MatView
            }
            _ if self.eat(K::Table) => ObjectType::ForeignTable,
            _ => {
                self.expect_all(&[K::Data, K::Wrapper])?;
                let name = self.col_id()?;
                let object = ObjectRef::Name(vec![name.clone()]);
                return match self.common_alter(ObjectType::Fdw, object, RENAME_OWNER)? {
                    Some(stmt) => Ok(stmt),
                    None => self.alter_fdw_stmt(name),
                };
            }
        };
        self.alter_relation(kind)
    }

    fn alter_of_cluster(&mut self, keyword: K) -> Result<Stmt> {
        self.advance();
        match keyword {
            K::Database => self.alter_database(),
            K::Group => self.alter_group(),
            // A user may be called mapping.
            K::User if self.at_all(&[K::Mapping, K::For]) => {
                self.advance();
                self.alter_user_mapping_stmt()
            }
            _ => self.alter_role(),
        }
    }

    /// Collations, conversions, statistics.
    fn alter_in_schema(&mut self, keyword: K) -> Result<Stmt> {
        self.advance();
        let missing_ok = keyword == K::Statistics && self.opt_if_exists();
        let name = self.any_name()?;
        if keyword == K::Statistics && (missing_ok || self.at_all(&[K::Set, K::Statistics])) {
            self.expect_all(&[K::Set, K::Statistics])?;
            return Ok(Stmt::AlterStats(AlterStatsStmt { name, target: self.signed_iconst()?, missing_ok }));
        }
        if keyword == K::Collation && self.eat(K::Refresh) {
            self.expect(K::Version)?;
            return Ok(Stmt::AlterCollation { name });
        }
        let kind = match keyword {
            K::Collation => ObjectType::Collation,
            K::Conversion => ObjectType::Conversion,
            _ => ObjectType::StatisticExt,
        };
        self.only_common_alter(kind, ObjectRef::Name(name), ALL)
    }

    fn alter_text_search(&mut self) -> Result<Stmt> {
        let kind = self.text_search_kind()?;
        let name = self.any_name()?;
        let object = ObjectRef::Name(name.clone());
        let common = match kind {
            ObjectType::TsDictionary | ObjectType::TsConfiguration => ALL,
            _ => return self.only_common_alter(kind, object, RENAME_SCHEMA),
        };
        match self.common_alter(kind, object, common)? {
            Some(stmt) => Ok(stmt),
            None if kind == ObjectType::TsDictionary => self.alter_ts_dictionary_stmt(name),
            None => self.alter_ts_configuration_stmt(name),
        }
    }

    /// Aggregates, functions, procedures, routines.
    fn alter_routine(&mut self) -> Result<Stmt> {
        let (kind, object) = self.object_with_signature()?;
        if kind != ObjectType::Aggregate && self.at_depends() {
            let (remove, extension) = self.depends_on_extension()?;
            return Ok(Stmt::AlterObjectDepends(Box::new(AlterObjectDependsStmt {
                object_type: kind,
                relation: None,
                object: Some(object),
                subname: None,
                extension,
                remove,
            })));
        }
        // SET begins a parameter as well.
        let sets_parameter = self.at(K::Set) && !(self.keyword_at(1, K::Schema) && self.is_col_id(2));
        match object {
            ObjectRef::Function(function)
                if kind != ObjectType::Aggregate
                    && (sets_parameter || !self.at_any(&[K::Rename, K::Owner, K::Set])) =>
            {
                let actions = self.alterfunc_opt_list()?;
                self.eat(K::Restrict);
                Ok(Stmt::AlterFunction(Box::new(AlterFunctionStmt { object_type: kind, function, actions })))
            }
            object => self.only_common_alter(kind, object, ALL),
        }
    }

    fn alter_operator(&mut self) -> Result<Stmt> {
        let (kind, object) = self.object_with_signature()?;
        match object {
            ObjectRef::Function(operator) if self.at(K::Set) && self.symbol_at(1, b'(') => {
                self.advance();
                let options = self.parens_list(Self::operator_def_elem)?;
                Ok(Stmt::AlterOperator(AlterOperatorStmt { operator, options }))
            }
            ObjectRef::OpClass { name, access_method }
                if kind == ObjectType::OpFamily && self.at_any(&[K::Add, K::Drop]) =>
            {
                self.alter_op_family_stmt(name, access_method)
            }
            ObjectRef::Function(operator) => self.only_common_alter(kind, ObjectRef::Function(operator), OWNER_SCHEMA),
            object => self.only_common_alter(kind, object, ALL),
        }
    }

    /// Triggers, rules, policies.
    fn alter_of_relation(&mut self, keyword: K) -> Result<Stmt> {
        self.advance();
        let missing_ok = keyword == K::Policy && self.opt_if_exists();
        let name = self.col_id()?;
        self.expect(K::On)?;
        let relation = self.qualified_name()?;
        let object_type = match keyword {
            K::Trigger => ObjectType::Trigger,
            K::Rule => ObjectType::Rule,
            _ => ObjectType::Policy,
        };
        if object_type == ObjectType::Trigger && self.at_depends() {
            let (remove, extension) = self.depends_on_extension()?;
            return Ok(Stmt::AlterObjectDepends(Box::new(AlterObjectDependsStmt {
                object_type,
                relation: Some(relation),
                object: None,
                subname: Some(name),
                extension,
                remove,
            })));
        }
        if object_type == ObjectType::Policy && !missing_ok && !self.at(K::Rename) {
            return self.alter_policy_stmt(name, relation);
        }
        self.expect_all(&[K::Rename, K::To])?;
        Ok(Stmt::Rename(Box::new(RenameStmt {
            object_type,
            relation_type: None,
            relation: Some(relation),
            object: None,
            subname: Some(name),
            new_name: self.col_id()?,
            behavior: Default::default(),
            missing_ok,
        })))
    }

    /// Objects that have a plain name.
    fn alter_named(&mut self, keyword: K) -> Result<Stmt> {
        let (keywords, kind, common): (&[K], _, _) = match keyword {
            K::Extension => (&[K::Extension], ObjectType::Extension, None),
            K::Event => (&[K::Event, K::Trigger], ObjectType::EventTrigger, Some(RENAME_OWNER)),
            K::Procedural => (&[K::Procedural, K::Language], ObjectType::Language, Some(RENAME_OWNER)),
            K::Language => (&[K::Language], ObjectType::Language, Some(RENAME_OWNER)),
            K::Publication => (&[K::Publication], ObjectType::Publication, Some(RENAME_OWNER)),
            K::Subscription => (&[K::Subscription], ObjectType::Subscription, Some(RENAME_OWNER)),
            K::Schema => (&[K::Schema], ObjectType::Schema, Some(RENAME_OWNER)),
            K::Server => (&[K::Server], ObjectType::ForeignServer, Some(RENAME_OWNER)),
            K::Tablespace => (&[K::Tablespace], ObjectType::Tablespace, Some(RENAME_OWNER)),
            K::Large => return self.alter_large_object(),
            _ => return Err(self.unexpected()),
        };
        self.expect_all(keywords)?;
        let name = self.col_id()?;
        if let Some(common) = common
            && let Some(stmt) = self.common_alter(kind, ObjectRef::Name(vec![name.clone()]), common)?
        {
            return Ok(stmt);
        }
        match kind {
            ObjectType::Extension => self.alter_extension(name),
            ObjectType::EventTrigger => self.alter_event_trig_stmt(name),
            ObjectType::Publication => self.alter_publication_stmt(name),
            ObjectType::Subscription => self.alter_subscription_stmt(name),
            ObjectType::ForeignServer => self.alter_foreign_server_stmt(name),
            ObjectType::Tablespace => {
                let is_reset = self.eat(K::Reset);
                if !is_reset {
                    self.expect(K::Set)?;
                }
                Ok(Stmt::AlterTableSpaceOptions { name, options: self.reloptions()?, is_reset })
            }
            _ => Err(self.unexpected()),
        }
    }

    fn alter_large_object(&mut self) -> Result<Stmt> {
        self.expect_all(&[K::Large, K::Object])?;
        let object = ObjectRef::LargeObject(self.signed_number()?.1);
        self.expect_all(&[K::Owner, K::To])?;
        let new_owner = self.role_spec()?;
        let stmt = AlterOwnerStmt { object_type: ObjectType::LargeObject, object, new_owner };
        Ok(Stmt::AlterOwner(Box::new(stmt)))
    }

    fn alter_event_trig_stmt(&mut self, name: String) -> Result<Stmt> {
        let firing = if self.eat(K::Disable) {
            TriggerFiring::Disabled
        } else {
            self.expect(K::Enable)?;
            if self.eat(K::Replica) {
                TriggerFiring::Replica
            } else if self.eat(K::Always) {
                TriggerFiring::Always
            } else {
                TriggerFiring::Origin
            }
        };
        Ok(Stmt::AlterEventTrig(AlterEventTrigStmt { name, firing }))
    }

    fn rename_domain_constraint(&mut self, name: Vec<String>) -> Result<Stmt> {
        self.expect_all(&[K::Rename, K::Constraint])?;
        let subname = Some(self.col_id()?);
        self.expect(K::To)?;
        Ok(Stmt::Rename(Box::new(RenameStmt {
            object_type: ObjectType::DomConstraint,
            relation_type: None,
            relation: None,
            object: Some(ObjectRef::Name(name)),
            subname,
            new_name: self.col_id()?,
            behavior: Default::default(),
            missing_ok: false,
        })))
    }

    // ----- what many kinds have

    /// RENAME TO name, of an object that is in no relation.
    pub(super) fn rename_object(&mut self, object_type: ObjectType, object: ObjectRef) -> Result<Stmt> {
        self.expect_all(&[K::Rename, K::To])?;
        Ok(Stmt::Rename(Box::new(RenameStmt {
            object_type,
            relation_type: None,
            relation: None,
            object: Some(object),
            subname: None,
            new_name: self.col_id()?,
            behavior: Default::default(),
            missing_ok: false,
        })))
    }

    /// Those of RENAME TO, OWNER TO, SET SCHEMA that the kind has, if one comes next.
    fn common_alter(&mut self, object_type: ObjectType, object: ObjectRef, common: Common) -> Result<Option<Stmt>> {
        if common.rename && self.at(K::Rename) {
            return self.rename_object(object_type, object).map(Some);
        }
        if common.owner && self.eat(K::Owner) {
            self.expect(K::To)?;
            let stmt = AlterOwnerStmt { object_type, object, new_owner: self.role_spec()? };
            return Ok(Some(Stmt::AlterOwner(Box::new(stmt))));
        }
        if common.schema && self.eat_all(&[K::Set, K::Schema]) {
            return Ok(Some(self.set_schema(object_type, object)?));
        }
        Ok(None)
    }

    /// A name behind SET SCHEMA.
    pub(super) fn set_schema(&mut self, object_type: ObjectType, object: ObjectRef) -> Result<Stmt> {
        Ok(Stmt::AlterObjectSchema(Box::new(AlterObjectSchemaStmt {
            object_type,
            relation: None,
            object: Some(object),
            new_schema: self.col_id()?,
            missing_ok: false,
        })))
    }

    /// The same where nothing else can be done.
    fn only_common_alter(&mut self, object_type: ObjectType, object: ObjectRef, common: Common) -> Result<Stmt> {
        match self.common_alter(object_type, object, common)? {
            Some(stmt) => Ok(stmt),
            None => {
                if common.schema && self.eat(K::Set) {
                    self.expect(K::Schema)?;
                }
                Err(self.unexpected())
            }
        }
    }
}
