//! Foreign data, publications and subscriptions, text search's mappings.

use super::Printer;
use crate::sql::syntax::ast::definition::{DefArg, DefElem};
use crate::sql::syntax::ast::routine::{AlterTSConfigurationStmt, TSConfigChange};
use crate::sql::syntax::ast::statement::*;

impl Printer {
    // ----- wrappers, servers, user mappings

    pub(super) fn create_foreign(&mut self, stmt: &CreateForeignStmt) {
        match stmt {
            CreateForeignStmt::DataWrapper { name, handlers, options } => {
                self.named("CREATE FOREIGN DATA WRAPPER ", Some(name));
                self.handlers(handlers);
                self.generic_options(options);
            }
            CreateForeignStmt::Server { name, server_type, version, wrapper, if_not_exists, options } => {
                self.put("CREATE SERVER ");
                self.word(*if_not_exists, "IF NOT EXISTS ");
                self.name(name);
                self.with_string(" TYPE ", server_type.as_ref());
                self.with_string(" VERSION ", version.as_ref());
                self.named(" FOREIGN DATA WRAPPER ", Some(wrapper));
                self.generic_options(options);
            }
        }
    }

    pub(super) fn alter_foreign(&mut self, stmt: &AlterForeignStmt) {
        match stmt {
            AlterForeignStmt::DataWrapper { name, handlers, options } => {
                self.named("ALTER FOREIGN DATA WRAPPER ", Some(name));
                self.handlers(handlers);
                self.generic_options(options);
            }
            AlterForeignStmt::Server { name, version, options } => {
                self.named("ALTER SERVER ", Some(name));
                match version {
                    None => {}
                    Some(None) => self.put(" VERSION NULL"),
                    Some(version) => self.with_string(" VERSION ", version.as_ref()),
                }
                self.generic_options(options);
            }
        }
    }

    fn handlers(&mut self, handlers: &[DefElem]) {
        for handler in handlers {
            let word = handler.name.to_ascii_uppercase();
            match &handler.arg {
                None => self.put(&format!(" NO {word}")),
                Some(DefArg::Name(name)) => self.named_any(&format!(" {word} "), Some(name)),
                Some(_) => self.unknown(),
            }
        }
    }

    /// Words, then FOR user SERVER name.
    pub(super) fn user_mapping(&mut self, words: &str, user: &RoleSpec, server: &String) {
        self.put(words);
        self.put("FOR ");
        self.role(user);
        self.named(" SERVER ", Some(server));
    }

    pub(super) fn import_foreign_schema(&mut self, stmt: &ImportForeignSchemaStmt) {
        self.named("IMPORT FOREIGN SCHEMA ", Some(&stmt.remote_schema));
        if let Some((limit, tables)) = &stmt.tables {
            self.put(if *limit { " LIMIT TO " } else { " EXCEPT " });
            self.parens(|p| p.relations(tables));
        }
        self.named(" FROM SERVER ", Some(&stmt.server));
        self.named(" INTO ", Some(&stmt.local_schema));
        self.generic_options(&stmt.options);
    }

    // ----- publications and subscriptions

    pub(super) fn create_publication(&mut self, stmt: &CreatePublicationStmt) {
        self.named("CREATE PUBLICATION ", Some(&stmt.name));
        self.word(stmt.for_all_tables, " FOR ALL TABLES");
        self.word(!stmt.objects.is_empty(), " FOR ");
        self.publication_objects(&stmt.objects);
        self.opt_definition(&stmt.options);
    }

    pub(super) fn alter_publication(&mut self, stmt: &AlterPublicationStmt) {
        self.named("ALTER PUBLICATION ", Some(&stmt.name));
        let (word, objects) = match &stmt.action {
            AlterPublicationAction::SetOptions(options) => {
                self.put(" SET ");
                return self.definition(options);
            }
            AlterPublicationAction::Add(objects) => (" ADD ", objects),
            AlterPublicationAction::Set(objects) => (" SET ", objects),
            AlterPublicationAction::Drop(objects) => (" DROP ", objects),
        };
        self.put(word);
        self.publication_objects(objects);
    }

    fn publication_objects(&mut self, objects: &[PublicationObject]) {
        self.list(objects, ", ", |p, object| match object {
            PublicationObject::Table { relation, columns, where_clause } => {
                p.put("TABLE ");
                p.relation(relation);
                p.opt_names(columns);
                p.opt_in_parens(" WHERE ", where_clause.as_ref());
            }
            PublicationObject::TablesInSchema(name) => p.named("TABLES IN SCHEMA ", Some(name)),
            PublicationObject::TablesInCurrentSchema => p.put("TABLES IN SCHEMA CURRENT_SCHEMA"),
        });
    }

    pub(super) fn create_subscription(&mut self, stmt: &CreateSubscriptionStmt) {
        self.named("CREATE SUBSCRIPTION ", Some(&stmt.name));
        self.with_string(" CONNECTION ", Some(&stmt.conninfo));
        self.put(" PUBLICATION ");
        self.name_list(&stmt.publications);
        self.opt_definition(&stmt.options);
    }

    pub(super) fn alter_subscription(&mut self, stmt: &AlterSubscriptionStmt) {
        use AlterSubscriptionAction as A;
        self.named("ALTER SUBSCRIPTION ", Some(&stmt.name));
        match &stmt.action {
            A::Options(options) => {
                self.put(" SET ");
                self.definition(options);
            }
            A::Connection(conninfo) => self.with_string(" CONNECTION ", Some(conninfo)),
            A::Refresh(options) => {
                self.put(" REFRESH PUBLICATION");
                self.opt_definition(options);
            }
            A::AddPublication { publications, options } => self.subscribed(" ADD ", publications, options),
            A::DropPublication { publications, options } => self.subscribed(" DROP ", publications, options),
            A::SetPublication { publications, options } => self.subscribed(" SET ", publications, options),
            A::Enabled(enabled) => self.put(if *enabled { " ENABLE" } else { " DISABLE" }),
            A::Skip(options) => {
                self.put(" SKIP ");
                self.definition(options);
            }
        }
    }

    fn subscribed(&mut self, word: &str, publications: &[String], options: &[DefElem]) {
        self.put(word);
        self.put("PUBLICATION ");
        self.name_list(publications);
        self.opt_definition(options);
    }

    // ----- text search

    pub(super) fn alter_text_search_mapping(&mut self, stmt: &AlterTSConfigurationStmt) {
        self.named_any("ALTER TEXT SEARCH CONFIGURATION ", Some(&stmt.name));
        let dictionaries = |p: &mut Self, names: &[Vec<String>]| {
            p.put(" WITH ");
            p.list(names, ", ", |p, name| p.any_name(name));
        };
        match &stmt.change {
            TSConfigChange::AddMapping { tokens, dictionaries: names } => {
                self.put(" ADD MAPPING FOR ");
                self.name_list(tokens);
                dictionaries(self, names);
            }
            TSConfigChange::AlterMappingFor { tokens, dictionaries: names } => {
                self.put(" ALTER MAPPING FOR ");
                self.name_list(tokens);
                dictionaries(self, names);
            }
            TSConfigChange::ReplaceDictionary { tokens, old, new } => {
                self.put(" ALTER MAPPING");
                self.word(!tokens.is_empty(), " FOR ");
                self.name_list(tokens);
                self.named_any(" REPLACE ", Some(old));
                self.named_any(" WITH ", Some(new));
            }
            TSConfigChange::DropMapping { tokens, missing_ok } => {
                self.put(if *missing_ok { " DROP MAPPING IF EXISTS FOR " } else { " DROP MAPPING FOR " });
                self.name_list(tokens);
            }
        }
    }
}
