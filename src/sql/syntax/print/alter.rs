//! ALTER of tables and their kin, of domains and types; RENAME, OWNER, SET SCHEMA, DEPENDS of everything.

use super::Printer;
use crate::sql::syntax::ast::definition::*;
use crate::sql::syntax::ast::query::RangeVar;
use crate::sql::syntax::ast::statement::*;

impl Printer {
    pub(super) fn cascade(&mut self, behavior: DropBehavior) {
        self.word(behavior == DropBehavior::Cascade, " CASCADE");
    }

    /// ALTER kind [IF EXISTS] relation
    fn altered(&mut self, kind: ObjectType, missing_ok: bool, relation: &RangeVar) {
        self.put("ALTER ");
        self.object_type(kind);
        self.word(missing_ok, " IF EXISTS");
        self.put(" ");
        self.relation(relation);
    }

    pub(super) fn alter_table(&mut self, stmt: &AlterTableStmt) {
        let of_type = stmt.object_type == ObjectType::Type;
        self.altered(stmt.object_type, stmt.missing_ok, &stmt.relation);
        self.put(" ");
        self.list(&stmt.commands, ", ", |p, command| p.alter_table_cmd(command, of_type));
    }

    fn alter_table_cmd(&mut self, command: &AlterTableCmd, of_type: bool) {
        use AlterTableCmd as C;
        match command {
            C::AddColumn { column, missing_ok } => {
                self.put("ADD COLUMN ");
                self.word(*missing_ok, "IF NOT EXISTS ");
                self.column_def(column);
            }
            C::AddAttribute { attribute, behavior } => {
                self.put("ADD ATTRIBUTE ");
                self.column_def(attribute);
                self.cascade(*behavior);
            }
            C::DropColumn { column, behavior, missing_ok } => {
                self.put(if of_type { "DROP ATTRIBUTE" } else { "DROP COLUMN" });
                self.dropped(column, *behavior, *missing_ok);
            }
            C::AddConstraint(constraint) => {
                self.put("ADD ");
                self.constraint(constraint);
            }
            C::AlterConstraint { name, deferrable, initially_deferred, .. } => {
                self.named("ALTER CONSTRAINT ", Some(name));
                self.timing(*deferrable, *initially_deferred);
            }
            C::ValidateConstraint(name) => self.named("VALIDATE CONSTRAINT ", Some(name)),
            C::DropConstraint { name, behavior, missing_ok } => {
                self.put("DROP CONSTRAINT");
                self.dropped(name, *behavior, *missing_ok);
            }
            C::AlterColumnType { column, type_name, collation, using, behavior, .. } => {
                self.named(if of_type { "ALTER ATTRIBUTE " } else { "ALTER COLUMN " }, Some(column));
                self.put(" TYPE ");
                self.type_name(type_name);
                self.collation(collation.as_ref());
                self.clause(" USING ", using.as_ref());
                self.cascade(*behavior);
            }
            C::ColumnDefault { column, .. }
            | C::DropNotNull { column }
            | C::SetNotNull { column }
            | C::DropExpression { column, .. }
            | C::SetOptions { column, .. }
            | C::ResetOptions { column, .. }
            | C::SetStorage { column, .. }
            | C::SetCompression { column, .. }
            | C::AlterColumnGenericOptions { column, .. }
            | C::AddIdentity { column, .. }
            | C::SetIdentity { column, .. }
            | C::DropIdentity { column, .. } => {
                self.named("ALTER COLUMN ", Some(column));
                self.alter_column(command);
            }
            C::SetStatistics { column, target } => {
                self.put("ALTER COLUMN ");
                match column {
                    ColumnSelector::Name(name) => self.name(name),
                    ColumnSelector::Number(number) => self.put(&number.to_string()),
                }
                self.put(&format!(" SET STATISTICS {target}"));
            }
            C::Trigger { target, firing } => {
                self.firing(*firing);
                self.put(" TRIGGER ");
                match target {
                    TriggerSelector::Name(name) => self.name(name),
                    TriggerSelector::All => self.put("ALL"),
                    TriggerSelector::User => self.put("USER"),
                }
            }
            C::Rule { name, firing } => {
                self.firing(*firing);
                self.named(" RULE ", Some(name));
            }
            C::AttachPartition { partition, bound } => {
                self.put("ATTACH PARTITION ");
                self.relation(partition);
                if let Some(bound) = bound {
                    self.put(" ");
                    self.partition_bound(bound);
                }
            }
            C::DetachPartition { partition, concurrent } => {
                self.put("DETACH PARTITION ");
                self.relation(partition);
                self.word(*concurrent, " CONCURRENTLY");
            }
            other => self.alter_whole_table(other),
        }
    }

    /// What is no matter of a column or a constraint.
    fn alter_whole_table(&mut self, command: &AlterTableCmd) {
        use AlterTableCmd as C;
        match command {
            C::ChangeOwner(role) => {
                self.put("OWNER TO ");
                self.role(role);
            }
            C::ClusterOn(index) => self.named("CLUSTER ON ", Some(index)),
            C::DropCluster => self.put("SET WITHOUT CLUSTER"),
            C::SetLogged => self.put("SET LOGGED"),
            C::SetUnlogged => self.put("SET UNLOGGED"),
            C::DropOids => self.put("SET WITHOUT OIDS"),
            C::SetAccessMethod(name) => self.named("SET ACCESS METHOD ", Some(name)),
            C::SetTableSpace(name) => self.named("SET TABLESPACE ", Some(name)),
            C::SetRelOptions(options) => {
                self.put("SET ");
                self.definition(options);
            }
            C::ResetRelOptions(options) => {
                self.put("RESET ");
                self.definition(options);
            }
            C::AddInherit(parent) => {
                self.put("INHERIT ");
                self.relation(parent);
            }
            C::DropInherit(parent) => {
                self.put("NO INHERIT ");
                self.relation(parent);
            }
            C::AddOf(type_name) => {
                self.put("OF ");
                self.any_name(&type_name.names);
            }
            C::DropOf => self.put("NOT OF"),
            C::ReplicaIdentity(identity) => {
                self.put("REPLICA IDENTITY ");
                match identity {
                    ReplicaIdentity::Nothing => self.put("NOTHING"),
                    ReplicaIdentity::Full => self.put("FULL"),
                    ReplicaIdentity::Default => self.put("DEFAULT"),
                    ReplicaIdentity::Index(name) => self.named("USING INDEX ", Some(name)),
                }
            }
            C::EnableRowSecurity => self.put("ENABLE ROW LEVEL SECURITY"),
            C::DisableRowSecurity => self.put("DISABLE ROW LEVEL SECURITY"),
            C::ForceRowSecurity => self.put("FORCE ROW LEVEL SECURITY"),
            C::NoForceRowSecurity => self.put("NO FORCE ROW LEVEL SECURITY"),
            C::GenericOptions(options) => self.generic_options(options),
            C::DetachPartitionFinalize(partition) => {
                self.put("DETACH PARTITION ");
                self.relation(partition);
                self.put(" FINALIZE");
            }
            _ => self.unknown(),
        }
    }

    /// What follows ALTER COLUMN name.
    fn alter_column(&mut self, command: &AlterTableCmd) {
        use AlterTableCmd as C;
        match command {
            C::ColumnDefault { default: None, .. } => self.put(" DROP DEFAULT"),
            C::ColumnDefault { default, .. } => self.clause(" SET DEFAULT ", default.as_ref()),
            C::DropNotNull { .. } => self.put(" DROP NOT NULL"),
            C::SetNotNull { .. } => self.put(" SET NOT NULL"),
            C::DropExpression { missing_ok, .. } => {
                self.put(if *missing_ok { " DROP EXPRESSION IF EXISTS" } else { " DROP EXPRESSION" });
            }
            C::SetOptions { options, .. } => {
                self.put(" SET ");
                self.definition(options);
            }
            C::ResetOptions { options, .. } => {
                self.put(" RESET ");
                self.definition(options);
            }
            C::SetStorage { storage, .. } => self.named(" SET STORAGE ", Some(storage)),
            C::SetCompression { compression: Some(method), .. } => self.named(" SET COMPRESSION ", Some(method)),
            C::AlterColumnGenericOptions { options, .. } => self.generic_options(options),
            C::AddIdentity { always, options, .. } => {
                self.put(" ADD ");
                self.generated_as(*always);
                self.identity_options(options);
            }
            C::SetIdentity { options, .. } => self.list(options, "", |p, option| p.set_identity(option)),
            C::DropIdentity { missing_ok, .. } => {
                self.put(if *missing_ok { " DROP IDENTITY IF EXISTS" } else { " DROP IDENTITY" });
            }
            _ => self.unknown(),
        }
    }

    fn set_identity(&mut self, option: &DefElem) {
        match (option.name.as_str(), &option.arg) {
            ("restart", _) => {
                self.put(" ");
                self.sequence_option(option);
            }
            ("generated", Some(DefArg::Boolean(always))) => {
                self.put(if *always { " SET GENERATED ALWAYS" } else { " SET GENERATED BY DEFAULT" });
            }
            _ => {
                self.put(" SET ");
                self.sequence_option(option);
            }
        }
    }

    /// What follows DROP COLUMN, DROP CONSTRAINT.
    fn dropped(&mut self, name: &str, behavior: DropBehavior, missing_ok: bool) {
        self.word(missing_ok, " IF EXISTS");
        self.put(" ");
        self.name(name);
        self.cascade(behavior);
    }

    pub(super) fn firing(&mut self, firing: TriggerFiring) {
        self.put(match firing {
            TriggerFiring::Origin => "ENABLE",
            TriggerFiring::Always => "ENABLE ALWAYS",
            TriggerFiring::Replica => "ENABLE REPLICA",
            TriggerFiring::Disabled => "DISABLE",
        });
    }

    pub(super) fn alter_table_move_all(&mut self, stmt: &AlterTableMoveAllStmt) {
        self.put("ALTER ");
        self.object_type(stmt.object_type);
        self.named(" ALL IN TABLESPACE ", Some(&stmt.from));
        if !stmt.roles.is_empty() {
            self.put(" OWNED BY ");
            self.roles(&stmt.roles);
        }
        self.named(" SET TABLESPACE ", Some(&stmt.to));
        self.word(stmt.nowait, " NOWAIT");
    }

    pub(super) fn alter_sequence(&mut self, stmt: &AlterSeqStmt) {
        self.altered(ObjectType::Sequence, stmt.missing_ok, &stmt.sequence);
        self.sequence_options(&stmt.options);
    }

    // ----- domains, types

    pub(super) fn alter_domain(&mut self, stmt: &AlterDomainStmt) {
        self.put("ALTER DOMAIN ");
        self.any_name(&stmt.name);
        match &stmt.action {
            AlterDomainAction::Default(None) => self.put(" DROP DEFAULT"),
            AlterDomainAction::Default(default) => self.clause(" SET DEFAULT ", default.as_ref()),
            AlterDomainAction::DropNotNull => self.put(" DROP NOT NULL"),
            AlterDomainAction::SetNotNull => self.put(" SET NOT NULL"),
            AlterDomainAction::AddConstraint(constraint) => {
                self.put(" ADD ");
                self.constraint(constraint);
            }
            AlterDomainAction::DropConstraint { name, behavior, missing_ok } => {
                self.put(" DROP CONSTRAINT");
                self.dropped(name, *behavior, *missing_ok);
            }
            AlterDomainAction::ValidateConstraint(name) => self.named(" VALIDATE CONSTRAINT ", Some(name)),
        }
    }

    pub(super) fn alter_enum(&mut self, stmt: &AlterEnumStmt) {
        self.put("ALTER TYPE ");
        self.any_name(&stmt.name);
        match &stmt.change {
            AlterEnum::Add { label, neighbor, if_not_exists } => {
                self.put(if *if_not_exists { " ADD VALUE IF NOT EXISTS " } else { " ADD VALUE " });
                self.string(label);
                if let Some((after, neighbor)) = neighbor {
                    self.with_string(if *after { " AFTER " } else { " BEFORE " }, Some(neighbor));
                }
            }
            AlterEnum::Rename { old, new } => {
                self.with_string(" RENAME VALUE ", Some(old));
                self.with_string(" TO ", Some(new));
            }
        }
    }

    // ----- what many kinds have

    /// ALTER kind object, where that lies in no relation.
    pub(super) fn altered_object(&mut self, kind: ObjectType, object: &ObjectRef) {
        self.put("ALTER ");
        self.object_type(kind);
        self.put(" ");
        self.object_ref(kind, object);
    }

    pub(super) fn rename(&mut self, stmt: &RenameStmt) {
        let RenameStmt { object_type, relation_type, relation, object, subname, new_name, behavior, missing_ok } = stmt;
        match (object_type, relation, object, subname) {
            (ObjectType::TabConstraint, Some(relation), None, Some(name)) => {
                self.altered(ObjectType::Table, *missing_ok, relation);
                self.named(" RENAME CONSTRAINT ", Some(name));
            }
            (ObjectType::Column | ObjectType::Attribute, Some(relation), None, Some(name)) => {
                self.altered(relation_type.unwrap_or(ObjectType::Table), *missing_ok, relation);
                let column = *object_type == ObjectType::Column;
                self.named(if column { " RENAME COLUMN " } else { " RENAME ATTRIBUTE " }, Some(name));
            }
            (_, Some(relation), None, Some(name)) => {
                self.put("ALTER ");
                self.object_type(*object_type);
                self.word(*missing_ok, " IF EXISTS");
                self.named(" ", Some(name));
                self.put(" ON ");
                self.relation(relation);
                self.put(" RENAME");
            }
            (_, Some(relation), None, None) => {
                self.altered(*object_type, *missing_ok, relation);
                self.put(" RENAME");
            }
            (ObjectType::DomConstraint, None, Some(domain), Some(name)) => {
                self.altered_object(ObjectType::Domain, domain);
                self.named(" RENAME CONSTRAINT ", Some(name));
            }
            (_, None, Some(object), None) => {
                self.altered_object(*object_type, object);
                self.put(" RENAME");
            }
            (ObjectType::Role, None, None, Some(name)) => {
                self.named("ALTER ROLE ", Some(name));
                self.put(" RENAME");
            }
            _ => self.unknown(),
        }
        self.named(" TO ", Some(new_name));
        self.cascade(*behavior);
    }

    pub(super) fn alter_schema_of(&mut self, stmt: &AlterObjectSchemaStmt) {
        match (&stmt.relation, &stmt.object) {
            (Some(relation), None) => self.altered(stmt.object_type, stmt.missing_ok, relation),
            (None, Some(object)) => self.altered_object(stmt.object_type, object),
            _ => self.unknown(),
        }
        self.named(" SET SCHEMA ", Some(&stmt.new_schema));
    }

    pub(super) fn alter_owner(&mut self, stmt: &AlterOwnerStmt) {
        self.altered_object(stmt.object_type, &stmt.object);
        self.put(" OWNER TO ");
        self.role(&stmt.new_owner);
    }

    pub(super) fn alter_depends(&mut self, stmt: &AlterObjectDependsStmt) {
        match (&stmt.relation, &stmt.object, &stmt.subname) {
            (Some(relation), None, None) => self.altered(stmt.object_type, false, relation),
            (Some(relation), None, Some(trigger)) => {
                self.named("ALTER TRIGGER ", Some(trigger));
                self.put(" ON ");
                self.relation(relation);
            }
            (None, Some(object), None) => self.altered_object(stmt.object_type, object),
            _ => self.unknown(),
        }
        self.word(stmt.remove, " NO");
        self.named(" DEPENDS ON EXTENSION ", Some(&stmt.extension));
    }
}
