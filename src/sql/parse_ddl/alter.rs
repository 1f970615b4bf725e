//! ALTER of everything.

use sqlparser::tokenizer::Token;

use super::{DdlParser, Utility};
use crate::error::{Error, Result};
use crate::sql::ddl::{
    AlterAction, Ddl, DomainChange, EnumChange, EnumPlace, IdentityDefinition, Name, ObjectKind, SequenceSettings,
};

impl DdlParser<'_> {
    /// After ALTER.
    pub(super) fn alter(&mut self) -> Result<(Utility, &'static str)> {
        let (utility, tag) = if self.accept("TABLE") {
            (self.alter_table(ObjectKind::Table)?, "ALTER TABLE")
        } else if self.accept("VIEW") {
            (self.alter_table(ObjectKind::View)?, "ALTER VIEW")
        } else if self.accept("INDEX") {
            (self.alter_index()?, "ALTER INDEX")
        } else if self.accept("SEQUENCE") {
            (self.alter_sequence()?, "ALTER SEQUENCE")
        } else if self.accept("SCHEMA") {
            let name = Name::plain(self.identifier()?);
            (self.rename_or_owner(ObjectKind::Schema, name, false)?, "ALTER SCHEMA")
        } else if self.accept("TYPE") {
            (self.alter_type()?, "ALTER TYPE")
        } else if self.accept("DOMAIN") {
            (self.alter_domain()?, "ALTER DOMAIN")
        } else {
            return self.alter_other();
        };
        Ok((utility, tag))
    }

    /// What has no effect here, and what cannot be.
    fn alter_other(&mut self) -> Result<(Utility, &'static str)> {
        for (words, tag) in [("DEFAULT PRIVILEGES", "ALTER DEFAULT PRIVILEGES"), ("EXTENSION", "ALTER EXTENSION")] {
            if self.accept(words) {
                self.skip_statement();
                return Ok((Utility::Accepted, tag));
            }
        }
        for words in [
            "FUNCTION",
            "PROCEDURE",
            "AGGREGATE",
            "TRIGGER",
            "RULE",
            "POLICY",
            "MATERIALIZED VIEW",
            "FOREIGN TABLE",
            "SYSTEM",
            "COLLATION",
            "OPERATOR",
            "PUBLICATION",
            "LANGUAGE",
            "TABLESPACE",
            "STATISTICS",
            "SERVER",
            "LARGE OBJECT",
            "EVENT TRIGGER",
            "SUBSCRIPTION",
        ] {
            if self.accept(words) {
                return Err(Error::unsupported(format!("ALTER {words}")));
            }
        }
        Err(self.unexpected())
    }

    fn alter_table(&mut self, kind: ObjectKind) -> Result<Utility> {
        let if_exists = self.if_exists();
        self.accept("ONLY");
        let name = self.name()?;
        self.accept_token(&Token::Mul);
        if self.accept("RENAME TO") {
            let to = self.identifier()?;
            return Ok(Utility::Ddl(Ddl::Rename { kind, name, if_exists, to }));
        }
        if self.accept("SET SCHEMA") {
            let schema = self.identifier()?;
            return Ok(Utility::Ddl(Ddl::SetSchema { kind, name, if_exists, schema }));
        }
        let mut actions = vec![self.alter_action()?];
        while self.accept_token(&Token::Comma) {
            actions.push(self.alter_action()?);
        }
        Ok(Utility::Ddl(Ddl::AlterTable { name, kind, if_exists, actions }))
    }

    fn alter_action(&mut self) -> Result<AlterAction> {
        if self.accept("ADD") {
            return self.alter_add();
        }
        if self.accept("DROP CONSTRAINT") {
            let (if_exists, name) = (self.if_exists(), self.identifier()?);
            return Ok(AlterAction::DropConstraint { name, if_exists, cascade: self.cascade() });
        }
        if self.accept("DROP") {
            self.accept("COLUMN");
            let (if_exists, name) = (self.if_exists(), self.identifier()?);
            return Ok(AlterAction::DropColumn { name, if_exists, cascade: self.cascade() });
        }
        if self.accept("ALTER CONSTRAINT") {
            let name = self.identifier()?;
            let (deferrable, initially_deferred) = self.deferral()?;
            return Ok(AlterAction::AlterConstraint { name, deferrable, initially_deferred });
        }
        if self.accept("ALTER") {
            self.accept("COLUMN");
            let name = self.identifier()?;
            return self.alter_column(name);
        }
        if self.accept("RENAME CONSTRAINT") {
            let name = self.identifier()?;
            self.expect("TO")?;
            return Ok(AlterAction::RenameConstraint { name, to: self.identifier()? });
        }
        if self.accept("RENAME") {
            self.accept("COLUMN");
            let name = self.identifier()?;
            self.expect("TO")?;
            return Ok(AlterAction::RenameColumn { name, to: self.identifier()? });
        }
        if self.accept("VALIDATE CONSTRAINT") {
            return Ok(AlterAction::ValidateConstraint(self.identifier()?));
        }
        self.accepted_action()
    }

    fn alter_add(&mut self) -> Result<AlterAction> {
        let constraint = ["CONSTRAINT", "PRIMARY KEY", "UNIQUE", "CHECK", "FOREIGN KEY", "EXCLUDE"];
        if constraint.iter().any(|w| self.peek_is(w)) {
            return Ok(AlterAction::AddConstraint(Box::new(self.table_constraint()?)));
        }
        self.accept("COLUMN");
        let if_not_exists = self.if_not_exists();
        let definition = Box::new(self.column_definition()?);
        Ok(AlterAction::AddColumn { definition, if_not_exists })
    }

    fn alter_column(&mut self, name: String) -> Result<AlterAction> {
        if self.accept("TYPE") || self.accept("SET DATA TYPE") {
            let data_type = self.data_type()?;
            if self.accept("COLLATE") {
                self.collation()?;
            }
            let using = if self.accept("USING") { Some(self.expression()?) } else { None };
            return Ok(AlterAction::AlterType { name, data_type, using });
        }
        if self.accept("SET DEFAULT") {
            return Ok(AlterAction::SetDefault { name, default: Some(self.expression()?) });
        }
        if self.accept("DROP DEFAULT") {
            return Ok(AlterAction::SetDefault { name, default: None });
        }
        if self.accept("SET NOT NULL") {
            return Ok(AlterAction::SetNotNull { name, not_null: true });
        }
        if self.accept("DROP NOT NULL") {
            return Ok(AlterAction::SetNotNull { name, not_null: false });
        }
        if self.accept("DROP EXPRESSION") {
            return Ok(AlterAction::DropExpression { name, if_exists: self.if_exists() });
        }
        if self.accept("DROP IDENTITY") {
            return Ok(AlterAction::DropIdentity { name, if_exists: self.if_exists() });
        }
        if self.accept("ADD GENERATED") {
            let always = self.identity_kind()?;
            self.expect("AS IDENTITY")?;
            let identity = IdentityDefinition { always, settings: self.parenthesised_settings()? };
            return Ok(AlterAction::AddIdentity { name, identity });
        }
        if self.peek_is("SET GENERATED") || self.peek_is("RESTART") || self.is_set_sequence_option() {
            return self.alter_identity(name);
        }
        for words in ["SET STATISTICS", "SET STORAGE", "SET COMPRESSION"] {
            if self.accept(words) {
                self.accept_token(&Token::Minus);
                self.parser.advance_token();
                return Ok(AlterAction::Accept { column: Some(name) });
            }
        }
        if self.accept("SET") || self.accept("RESET") {
            self.skip_parentheses()?;
            return Ok(AlterAction::Accept { column: Some(name) });
        }
        Err(self.unexpected())
    }

    /// { ALWAYS | BY DEFAULT }
    fn identity_kind(&mut self) -> Result<bool> {
        if self.accept("ALWAYS") {
            return Ok(true);
        }
        self.expect("BY DEFAULT").map(|()| false)
    }

    fn is_set_sequence_option(&self) -> bool {
        ["INCREMENT", "MINVALUE", "MAXVALUE", "NO", "START", "CACHE", "CYCLE"]
            .iter()
            .any(|word| self.peek_is(&format!("SET {word}")))
    }

    fn alter_identity(&mut self, name: String) -> Result<AlterAction> {
        let mut always = None;
        let mut settings = SequenceSettings::default();
        loop {
            if self.accept("SET GENERATED") {
                always = Some(self.identity_kind()?);
            } else if self.accept("RESTART") {
                settings.restart = Some(self.restart_value()?);
            } else if self.is_set_sequence_option() {
                self.expect("SET")?;
                let one = self.sequence_settings()?;
                settings = SequenceSettings {
                    increment: one.increment.or(settings.increment),
                    min: one.min.or(settings.min),
                    max: one.max.or(settings.max),
                    start: one.start.or(settings.start),
                    cache: one.cache.or(settings.cache),
                    cycle: one.cycle.or(settings.cycle),
                    ..settings
                };
            } else {
                return Ok(AlterAction::AlterIdentity { name, always, settings });
            }
        }
    }

    /// Actions about storage, owners and triggers, which change nothing here.
    fn accepted_action(&mut self) -> Result<AlterAction> {
        let accepted = Ok(AlterAction::Accept { column: None });
        for words in ["OWNER TO", "CLUSTER ON", "SET TABLESPACE", "SET ACCESS METHOD"] {
            if self.accept(words) {
                self.label()?;
                return accepted;
            }
        }
        for words in ["SET WITHOUT CLUSTER", "SET WITHOUT OIDS", "SET LOGGED", "SET UNLOGGED"] {
            if self.accept(words) {
                return accepted;
            }
        }
        for words in ["ENABLE TRIGGER", "DISABLE TRIGGER"] {
            if self.accept(words) {
                // Only ALL and USER: no trigger can have a name here.
                if self.accept("ALL") || self.accept("USER") {
                    return accepted;
                }
                return Err(Error::unsupported("a trigger"));
            }
        }
        if self.accept("REPLICA IDENTITY") {
            if self.accept("USING INDEX") {
                self.identifier()?;
            } else {
                self.label()?;
            }
            return accepted;
        }
        for words in [
            "INHERIT",
            "NO INHERIT",
            "OF",
            "NOT OF",
            "ATTACH PARTITION",
            "DETACH PARTITION",
            "ENABLE ROW LEVEL SECURITY",
            "DISABLE ROW LEVEL SECURITY",
            "FORCE ROW LEVEL SECURITY",
            "NO FORCE ROW LEVEL SECURITY",
            "ENABLE RULE",
            "DISABLE RULE",
        ] {
            if self.peek_is(words) {
                return Err(Error::unsupported(format!("ALTER TABLE {words}")));
            }
        }
        if self.accept("SET") || self.accept("RESET") {
            self.skip_parentheses()?;
            return accepted;
        }
        Err(self.unexpected())
    }

    fn alter_index(&mut self) -> Result<Utility> {
        let if_exists = self.if_exists();
        let name = self.name()?;
        if self.accept("SET (") || self.accept("SET TABLESPACE") || self.accept("ALTER") || self.accept("RESET") {
            self.skip_statement();
            return Ok(Utility::Accepted);
        }
        if self.peek_is("ATTACH PARTITION") {
            return Err(Error::unsupported("ALTER INDEX ATTACH PARTITION"));
        }
        if self.peek_is("SET") {
            self.skip_statement();
            return Ok(Utility::Accepted);
        }
        self.rename_or_owner(ObjectKind::Index, name, if_exists)
    }

    /// RENAME TO | SET SCHEMA | OWNER TO
    fn rename_or_owner(&mut self, kind: ObjectKind, name: Name, if_exists: bool) -> Result<Utility> {
        if self.accept("RENAME TO") {
            let to = self.identifier()?;
            return Ok(Utility::Ddl(Ddl::Rename { kind, name, if_exists, to }));
        }
        if self.accept("SET SCHEMA") {
            let schema = self.identifier()?;
            return Ok(Utility::Ddl(Ddl::SetSchema { kind, name, if_exists, schema }));
        }
        if self.accept("OWNER TO") {
            self.label()?;
            return Ok(Utility::Accepted);
        }
        Err(self.unexpected())
    }

    fn alter_sequence(&mut self) -> Result<Utility> {
        let if_exists = self.if_exists();
        let name = self.name()?;
        if ["RENAME", "SET", "OWNER"].iter().any(|w| self.peek_is(w)) {
            if self.accept("SET LOGGED") || self.accept("SET UNLOGGED") {
                return Ok(Utility::Accepted);
            }
            return self.rename_or_owner(ObjectKind::Sequence, name, if_exists);
        }
        let settings = Box::new(self.sequence_settings()?);
        Ok(Utility::Ddl(Ddl::AlterSequence { name, if_exists, settings }))
    }

    fn alter_type(&mut self) -> Result<Utility> {
        let name = self.name()?;
        if self.accept("ADD VALUE") {
            let if_not_exists = self.if_not_exists();
            let label = self.string()?;
            let place = if self.accept("BEFORE") {
                EnumPlace::Before(self.string()?)
            } else if self.accept("AFTER") {
                EnumPlace::After(self.string()?)
            } else {
                EnumPlace::Last
            };
            let change = EnumChange::AddValue { label, if_not_exists, place };
            return Ok(Utility::Ddl(Ddl::AlterEnum { name, change }));
        }
        if self.accept("RENAME VALUE") {
            let from = self.string()?;
            self.expect("TO")?;
            let change = EnumChange::RenameValue { from, to: self.string()? };
            return Ok(Utility::Ddl(Ddl::AlterEnum { name, change }));
        }
        self.rename_or_owner(ObjectKind::Type, name, false)
    }

    fn alter_domain(&mut self) -> Result<Utility> {
        let name = self.name()?;
        let change = if self.accept("ADD") {
            let constraint = if self.accept("CONSTRAINT") { Some(self.identifier()?) } else { None };
            self.expect("CHECK")?;
            let check = self.parenthesised_expression()?;
            self.accept("NOT VALID");
            DomainChange::AddCheck { name: constraint, check }
        } else if self.accept("DROP CONSTRAINT") {
            let (if_exists, constraint) = (self.if_exists(), self.identifier()?);
            self.cascade();
            DomainChange::DropConstraint { name: constraint, if_exists }
        } else if self.accept("SET DEFAULT") {
            DomainChange::SetDefault(Some(self.expression()?))
        } else if self.accept("DROP DEFAULT") {
            DomainChange::SetDefault(None)
        } else if self.accept("SET NOT NULL") {
            DomainChange::SetNotNull(true)
        } else if self.accept("DROP NOT NULL") {
            DomainChange::SetNotNull(false)
        } else {
            return self.rename_or_owner(ObjectKind::Domain, name, false);
        };
        Ok(Utility::Ddl(Ddl::AlterDomain { name, change: Box::new(change) }))
    }
}
