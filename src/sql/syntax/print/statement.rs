//! Statements: which part of the printer knows them.

use super::Printer;
use crate::sql::syntax::ast::statement::{ObjectType, Stmt};

impl Printer {
    pub(super) fn statement(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Select(_) | Stmt::Insert(_) | Stmt::Update(_) | Stmt::Delete(_) | Stmt::Merge(_) => {
                self.preparable(stmt);
            }
            Stmt::Return(expr) => self.clause("RETURN ", Some(expr)),

            Stmt::Create(stmt) => self.create_table(stmt),
            Stmt::CreateTableAs(stmt) => self.create_table_as(stmt),
            Stmt::AlterTable(stmt) => self.alter_table(stmt),
            Stmt::AlterTableMoveAll(stmt) => self.alter_table_move_all(stmt),
            Stmt::Index(stmt) => self.create_index(stmt),
            Stmt::View(stmt) => self.create_view(stmt),
            Stmt::RefreshMatView(stmt) => self.refresh(stmt),
            Stmt::CreateSeq(stmt) => self.create_sequence(stmt),
            Stmt::AlterSeq(stmt) => self.alter_sequence(stmt),
            Stmt::CreateSchema(stmt) => self.create_schema(stmt),
            Stmt::CreateDomain(stmt) => self.create_domain(stmt),
            Stmt::AlterDomain(stmt) => self.alter_domain(stmt),
            Stmt::CompositeType(_) | Stmt::CreateEnum(_) | Stmt::CreateRange(_) => self.create_type(stmt),
            Stmt::AlterEnum(stmt) => self.alter_enum(stmt),
            Stmt::AlterType(stmt) => {
                self.named_any("ALTER TYPE ", Some(&stmt.name));
                self.put(" SET ");
                self.operator_definition(&stmt.options);
            }
            Stmt::Define(stmt) => self.define(stmt),
            Stmt::CreateFunction(stmt) => self.create_function(stmt),
            Stmt::AlterFunction(stmt) => self.alter_function(stmt),
            Stmt::CreateTrig(stmt) => self.create_trigger(stmt),
            Stmt::CreateEventTrig(stmt) => self.create_event_trigger(stmt),
            Stmt::AlterEventTrig(stmt) => {
                self.named("ALTER EVENT TRIGGER ", Some(&stmt.name));
                self.put(" ");
                self.firing(stmt.firing);
            }
            Stmt::Rule(stmt) => self.create_rule(stmt),
            Stmt::CreatePolicy(stmt) => self.create_policy(stmt),
            Stmt::AlterPolicy(stmt) => {
                self.named("ALTER POLICY ", Some(&stmt.name));
                self.put(" ON ");
                self.relation(&stmt.table);
                self.policy(stmt.roles.as_ref(), stmt.using.as_ref(), stmt.with_check.as_ref());
            }
            Stmt::CreateStats(stmt) => self.create_statistics(stmt),
            Stmt::AlterStats(stmt) => {
                self.put("ALTER STATISTICS ");
                self.word(stmt.missing_ok, "IF EXISTS ");
                self.any_name(&stmt.name);
                self.put(&format!(" SET STATISTICS {}", stmt.target));
            }
            Stmt::CreateOpClass(stmt) => self.create_op_class(stmt),
            Stmt::CreateOpFamily(stmt) => {
                self.named_any("CREATE OPERATOR FAMILY ", Some(&stmt.name));
                self.named(" USING ", Some(&stmt.access_method));
            }
            Stmt::AlterOpFamily(stmt) => self.alter_op_family(stmt),
            Stmt::AlterOperator(stmt) => {
                self.put("ALTER OPERATOR ");
                self.object_with_args(ObjectType::Operator, &stmt.operator);
                self.put(" SET ");
                self.operator_definition(&stmt.options);
            }
            Stmt::CreateCast(stmt) => self.create_cast(stmt),
            Stmt::CreateTransform(stmt) => self.create_transform(stmt),
            Stmt::CreateConversion(stmt) => self.create_conversion(stmt),
            Stmt::CreatePLang(stmt) => self.create_language(stmt),
            Stmt::CreateAm(stmt) => {
                self.named("CREATE ACCESS METHOD ", Some(&stmt.name));
                self.put(if stmt.is_table { " TYPE TABLE" } else { " TYPE INDEX" });
                self.named_any(" HANDLER ", Some(&stmt.handler));
            }
            Stmt::AlterTSDictionary(stmt) => {
                self.named_any("ALTER TEXT SEARCH DICTIONARY ", Some(&stmt.name));
                self.put(" ");
                self.definition(&stmt.options);
            }
            Stmt::AlterCollation { name } => {
                self.named_any("ALTER COLLATION ", Some(name));
                self.put(" REFRESH VERSION");
            }
            Stmt::AlterTSConfiguration(stmt) => self.alter_text_search_mapping(stmt),
            Stmt::CreateForeign(stmt) => self.create_foreign(stmt),
            Stmt::AlterForeign(stmt) => self.alter_foreign(stmt),
            Stmt::CreateUserMapping(stmt) => {
                let words =
                    if stmt.if_not_exists { "CREATE USER MAPPING IF NOT EXISTS " } else { "CREATE USER MAPPING " };
                self.user_mapping(words, &stmt.user, &stmt.server);
                self.generic_options(&stmt.options);
            }
            Stmt::AlterUserMapping(stmt) => {
                self.user_mapping("ALTER USER MAPPING ", &stmt.user, &stmt.server);
                self.generic_options(&stmt.options);
            }
            Stmt::DropUserMapping { user, server, missing_ok } => {
                let words = if *missing_ok { "DROP USER MAPPING IF EXISTS " } else { "DROP USER MAPPING " };
                self.user_mapping(words, user, server);
            }
            Stmt::ImportForeignSchema(stmt) => self.import_foreign_schema(stmt),
            Stmt::CreatePublication(stmt) => self.create_publication(stmt),
            Stmt::AlterPublication(stmt) => self.alter_publication(stmt),
            Stmt::CreateSubscription(stmt) => self.create_subscription(stmt),
            Stmt::AlterSubscription(stmt) => self.alter_subscription(stmt),
            Stmt::DropSubscription { name, missing_ok, behavior } => {
                self.put("DROP SUBSCRIPTION ");
                self.word(*missing_ok, "IF EXISTS ");
                self.name(name);
                self.cascade(*behavior);
            }
            Stmt::CreateExtension(stmt) => self.create_extension(stmt),
            Stmt::AlterExtension(stmt) => self.alter_extension(stmt),
            Stmt::AlterExtensionContents(stmt) => {
                self.named("ALTER EXTENSION ", Some(&stmt.name));
                self.put(if stmt.add { " ADD " } else { " DROP " });
                self.object(stmt.object_type, &stmt.object);
            }
            Stmt::CreateTableSpace { name, owner, location, options } => {
                self.named("CREATE TABLESPACE ", Some(name));
                if let Some(owner) = owner {
                    self.put(" OWNER ");
                    self.role(owner);
                }
                self.with_string(" LOCATION ", Some(location));
                self.opt_definition(options);
            }
            Stmt::DropTableSpace { name, missing_ok } => {
                self.put("DROP TABLESPACE ");
                self.word(*missing_ok, "IF EXISTS ");
                self.name(name);
            }
            Stmt::AlterTableSpaceOptions { name, options, is_reset } => {
                self.named("ALTER TABLESPACE ", Some(name));
                self.put(if *is_reset { " RESET " } else { " SET " });
                self.definition(options);
            }

            Stmt::Drop(stmt) => self.drop(stmt),
            Stmt::Rename(stmt) => self.rename(stmt),
            Stmt::AlterObjectSchema(stmt) => self.alter_schema_of(stmt),
            Stmt::AlterOwner(stmt) => self.alter_owner(stmt),
            Stmt::AlterObjectDepends(stmt) => self.alter_depends(stmt),
            Stmt::Comment(stmt) => {
                self.put("COMMENT ON ");
                self.object(stmt.object_type, &stmt.object);
                self.is_string_or_null(stmt.comment.as_ref());
            }
            Stmt::SecLabel(stmt) => {
                self.put("SECURITY LABEL ");
                if let Some(provider) = &stmt.provider {
                    self.with_string("FOR ", Some(provider));
                    self.put(" ");
                }
                self.put("ON ");
                self.object(stmt.object_type, &stmt.object);
                self.is_string_or_null(stmt.label.as_ref());
            }
            Stmt::Truncate { relations, restart_seqs, behavior } => {
                self.put("TRUNCATE TABLE ");
                self.relations(relations);
                self.word(*restart_seqs, " RESTART IDENTITY");
                self.cascade(*behavior);
            }

            Stmt::Createdb { name, options } => {
                self.named("CREATE DATABASE ", Some(name));
                self.database_options(options);
            }
            Stmt::AlterDatabase { name, options } => {
                self.named("ALTER DATABASE ", Some(name));
                self.database_options(options);
            }
            Stmt::AlterDatabaseRefreshColl { name } => {
                self.named("ALTER DATABASE ", Some(name));
                self.put(" REFRESH COLLATION VERSION");
            }
            Stmt::AlterDatabaseSet { name, set } => {
                self.named("ALTER DATABASE ", Some(name));
                self.put(" ");
                self.variable_set(set, "");
            }
            Stmt::Dropdb { name, missing_ok, options } => {
                self.put("DROP DATABASE ");
                self.word(*missing_ok, "IF EXISTS ");
                self.name(name);
                self.force(options);
            }
            Stmt::CreateRole(stmt) => self.create_role(stmt),
            Stmt::AlterRole(stmt) => self.alter_role(stmt),
            Stmt::AlterRoleSet { role, database, set } => {
                self.put("ALTER ROLE ");
                match role {
                    Some(role) => self.role(role),
                    None => self.put("ALL"),
                }
                self.named(" IN DATABASE ", database.as_ref());
                self.put(" ");
                self.variable_set(set, "");
            }
            Stmt::DropRole { roles, missing_ok } => {
                self.put("DROP ROLE ");
                self.word(*missing_ok, "IF EXISTS ");
                self.roles(roles);
            }
            Stmt::Grant(stmt) => self.grant(stmt),
            Stmt::GrantRole(stmt) => self.grant_role(stmt),
            Stmt::AlterDefaultPrivileges(stmt) => self.alter_default_privileges(stmt),
            Stmt::DropOwned { roles, behavior } => {
                self.put("DROP OWNED BY ");
                self.roles(roles);
                self.cascade(*behavior);
            }
            Stmt::ReassignOwned { roles, new_role } => {
                self.put("REASSIGN OWNED BY ");
                self.roles(roles);
                self.put(" TO ");
                self.role(new_role);
            }

            Stmt::Transaction(stmt) => self.transaction(stmt),
            Stmt::VariableSet(set) => self.variable_set(set, if set.is_local { "LOCAL " } else { "" }),
            Stmt::VariableShow { name } => {
                self.put("SHOW ");
                self.variable(name);
            }
            Stmt::AlterSystem(set) => {
                self.put("ALTER SYSTEM ");
                self.variable_set(set, "");
            }
            Stmt::ConstraintsSet { constraints, deferred } => {
                self.put("SET CONSTRAINTS ");
                match constraints {
                    None => self.put("ALL"),
                    Some(constraints) => self.relations(constraints),
                }
                self.put(if *deferred { " DEFERRED" } else { " IMMEDIATE" });
            }
            Stmt::Prepare(stmt) => {
                // A statement may be called transaction.
                self.put("PREPARE ");
                self.quoted(&stmt.name);
                if !stmt.arg_types.is_empty() {
                    self.put(" ");
                    self.parens(|p| p.list(&stmt.arg_types, ", ", |p, type_name| p.type_name(type_name)));
                }
                self.put(" AS ");
                self.statement(&stmt.query);
            }
            Stmt::Execute(stmt) => {
                self.named("EXECUTE ", Some(&stmt.name));
                if !stmt.params.is_empty() {
                    self.parens(|p| p.exprs(&stmt.params));
                }
            }
            Stmt::Deallocate { name } => self.named_or_all("DEALLOCATE PREPARE ", name.as_ref()),
            Stmt::DeclareCursor(stmt) => self.declare_cursor(stmt),
            Stmt::Fetch(stmt) => self.fetch(stmt),
            Stmt::ClosePortal { name } => self.named_or_all("CLOSE ", name.as_ref()),
            Stmt::Copy(stmt) => self.copy(stmt),
            Stmt::Explain(stmt) => {
                self.put("EXPLAIN");
                self.utility_options(&stmt.options);
                self.put(" ");
                self.statement(&stmt.query);
            }
            Stmt::Listen { channel } => self.named("LISTEN ", Some(channel)),
            Stmt::Notify { channel, payload } => {
                self.named("NOTIFY ", Some(channel));
                self.with_string(", ", payload.as_ref());
            }
            Stmt::Unlisten { channel: None } => self.put("UNLISTEN *"),
            Stmt::Unlisten { channel } => self.named("UNLISTEN ", channel.as_ref()),
            Stmt::Lock(stmt) => self.lock(stmt),
            Stmt::Vacuum(stmt) => self.vacuum(stmt),
            Stmt::Cluster(stmt) => self.cluster(stmt),
            Stmt::Reindex(stmt) => self.reindex(stmt),
            Stmt::CheckPoint => self.put("CHECKPOINT"),
            Stmt::Discard(mode) => self.discard(*mode),
            Stmt::Load { file } => self.with_string("LOAD ", Some(file)),
            Stmt::Call(call) => {
                self.put("CALL ");
                self.func_call(call);
            }
            Stmt::Do { args } => self.do_block(args),
        }
    }

    fn named_or_all(&mut self, words: &str, name: Option<&String>) {
        self.put(words);
        match name {
            Some(name) => self.name(name),
            None => self.put("ALL"),
        }
    }

    fn is_string_or_null(&mut self, text: Option<&String>) {
        match text {
            Some(text) => self.with_string(" IS ", Some(text)),
            None => self.put(" IS NULL"),
        }
    }
}
