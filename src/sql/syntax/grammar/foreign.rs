//! Foreign data: wrappers, servers, user mappings, IMPORT FOREIGN SCHEMA; publications and subscriptions.
//!
//! Owns: those statements. Must not know: foreign tables (`table`). Specification: gram.y.

use crate::error::Result;
use crate::sql::syntax::ast::definition::{DefArg, DefElem};
use crate::sql::syntax::ast::expression::Expr;
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::query::RangeVar;
use crate::sql::syntax::ast::statement::{
    AlterForeignStmt, AlterPublicationAction, AlterPublicationStmt, AlterSubscriptionAction, AlterSubscriptionStmt,
    CreateForeignStmt, CreatePublicationStmt, CreateSubscriptionStmt, ImportForeignSchemaStmt, PublicationObject,
    RoleSpec, RoleSpecType, Stmt, UserMappingStmt,
};
use crate::sql::syntax::grammar::options::def_elem;
use crate::sql::syntax::keywords::Keyword as K;
use crate::sql::syntax::parser::Parser;

/// What a PublicationObjSpec is before the whole list is known (parsenodes.h, PublicationObjSpecType).
#[derive(Clone, Copy, PartialEq)]
enum PublicationKind {
    Table,
    Schema,
    /// As the one before.
    Continuation,
}

struct PublicationObjSpec {
    kind: PublicationKind,
    /// A name alone.
    name: Option<String>,
    table: Option<(RangeVar, Vec<String>, Option<Expr>)>,
    location: Location,
}

impl Parser<'_> {
    // ----- wrappers and servers

    /// What follows CREATE FOREIGN DATA WRAPPER.
    pub(super) fn create_fdw_stmt(&mut self) -> Result<Stmt> {
        let name = self.col_id()?;
        let handlers = self.opt_fdw_options()?;
        let options = self.create_generic_options()?;
        Ok(Stmt::CreateForeign(CreateForeignStmt::DataWrapper { name, handlers, options }))
    }

    /// What ALTER FOREIGN DATA WRAPPER name says of its own.
    pub(super) fn alter_fdw_stmt(&mut self, name: String) -> Result<Stmt> {
        let handlers = self.opt_fdw_options()?;
        let options =
            if handlers.is_empty() || self.at(K::Options) { self.alter_generic_options()? } else { Vec::new() };
        Ok(Stmt::AlterForeign(AlterForeignStmt::DataWrapper { name, handlers, options }))
    }

    fn opt_fdw_options(&mut self) -> Result<Vec<DefElem>> {
        let mut options = Vec::new();
        loop {
            let location = self.location();
            let no = self.eat(K::No);
            let name = if self.eat(K::Handler) {
                "handler"
            } else if self.eat(K::Validator) {
                "validator"
            } else if no {
                return Err(self.unexpected());
            } else {
                return Ok(options);
            };
            let arg = if no { None } else { Some(DefArg::Name(self.any_name()?)) };
            options.push(def_elem(name, arg, location));
        }
    }

    /// What follows CREATE SERVER.
    pub(super) fn create_foreign_server_stmt(&mut self) -> Result<Stmt> {
        let if_not_exists = self.opt_if_not_exists()?;
        let name = self.col_id()?;
        let server_type = self.optional(K::Type, Self::sconst)?;
        let version = self.opt_foreign_server_version()?.flatten();
        self.expect_all(&[K::Foreign, K::Data, K::Wrapper])?;
        let wrapper = self.col_id()?;
        let options = self.create_generic_options()?;
        let server = CreateForeignStmt::Server { name, server_type, version, wrapper, if_not_exists, options };
        Ok(Stmt::CreateForeign(server))
    }

    /// What ALTER SERVER name says of its own.
    pub(super) fn alter_foreign_server_stmt(&mut self, name: String) -> Result<Stmt> {
        let version = self.opt_foreign_server_version()?;
        let options = if version.is_none() || self.at(K::Options) { self.alter_generic_options()? } else { Vec::new() };
        Ok(Stmt::AlterForeign(AlterForeignStmt::Server { name, version, options }))
    }

    /// VERSION 'version', VERSION NULL
    fn opt_foreign_server_version(&mut self) -> Result<Option<Option<String>>> {
        self.optional(K::Version, |p| if p.eat(K::Null) { Ok(None) } else { p.sconst().map(Some) })
    }

    // ----- user mappings

    /// FOR auth_ident SERVER name
    pub(super) fn user_mapping(&mut self) -> Result<(RoleSpec, String)> {
        self.expect(K::For)?;
        let location = self.location();
        let user =
            if self.eat(K::User) { RoleSpec { role: RoleSpecType::CurrentUser, location } } else { self.role_spec()? };
        self.expect(K::Server)?;
        Ok((user, self.col_id()?))
    }

    /// What follows CREATE USER MAPPING.
    pub(super) fn create_user_mapping_stmt(&mut self) -> Result<Stmt> {
        let if_not_exists = self.opt_if_not_exists()?;
        let (user, server) = self.user_mapping()?;
        let options = self.create_generic_options()?;
        Ok(Stmt::CreateUserMapping(UserMappingStmt { user, server, options, if_not_exists }))
    }

    /// What follows ALTER USER MAPPING.
    pub(super) fn alter_user_mapping_stmt(&mut self) -> Result<Stmt> {
        let (user, server) = self.user_mapping()?;
        let options = self.alter_generic_options()?;
        Ok(Stmt::AlterUserMapping(UserMappingStmt { user, server, options, if_not_exists: false }))
    }

    pub(super) fn import_foreign_schema_stmt(&mut self) -> Result<Stmt> {
        self.expect_all(&[K::Import, K::Foreign, K::Schema])?;
        let remote_schema = self.col_id()?;
        let limit = self.eat(K::Limit);
        if limit {
            self.expect(K::To)?;
        }
        let tables =
            if limit || self.eat(K::Except) { Some((limit, self.parens_list(Self::relation_expr)?)) } else { None };
        self.expect_all(&[K::From, K::Server])?;
        let server = self.col_id()?;
        self.expect(K::Into)?;
        let local_schema = self.col_id()?;
        let options = self.create_generic_options()?;
        let stmt = ImportForeignSchemaStmt { server, remote_schema, local_schema, tables, options };
        Ok(Stmt::ImportForeignSchema(stmt))
    }

    // ----- publications

    /// What follows CREATE PUBLICATION.
    pub(super) fn create_publication_stmt(&mut self) -> Result<Stmt> {
        let name = self.col_id()?;
        let (mut specs, mut for_all_tables) = (Vec::new(), false);
        if self.eat(K::For) {
            for_all_tables = self.eat(K::All);
            if for_all_tables {
                self.expect(K::Tables)?;
            } else {
                specs = self.comma_list(Self::publication_obj_spec)?;
            }
        }
        let options = self.opt_definition()?;
        let objects = self.publication_objects(specs)?;
        Ok(Stmt::CreatePublication(CreatePublicationStmt { name, options, objects, for_all_tables }))
    }

    /// What ALTER PUBLICATION name says of its own.
    pub(super) fn alter_publication_stmt(&mut self, name: String) -> Result<Stmt> {
        let objects = |p: &mut Self| {
            let specs = p.comma_list(Self::publication_obj_spec)?;
            p.publication_objects(specs)
        };
        let action = if self.eat(K::Add) {
            AlterPublicationAction::Add(objects(self)?)
        } else if self.eat(K::Drop) {
            AlterPublicationAction::Drop(objects(self)?)
        } else {
            self.expect(K::Set)?;
            if self.at_symbol(b'(') {
                AlterPublicationAction::SetOptions(self.definition()?)
            } else {
                AlterPublicationAction::Set(objects(self)?)
            }
        };
        Ok(Stmt::AlterPublication(AlterPublicationStmt { name, action }))
    }

    fn publication_obj_spec(&mut self) -> Result<PublicationObjSpec> {
        let location = self.location();
        if self.eat(K::Table) {
            let table = Some((self.relation_expr()?, self.opt_column_list()?, self.opt_where_clause()?));
            return Ok(PublicationObjSpec { kind: PublicationKind::Table, name: None, table, location });
        }
        if self.at_all(&[K::Tables, K::In]) {
            self.expect_all(&[K::Tables, K::In, K::Schema])?;
            let location = self.location();
            let name = if self.eat(K::CurrentSchema) { None } else { Some(self.col_id()?) };
            return Ok(PublicationObjSpec { kind: PublicationKind::Schema, name, table: None, location });
        }
        let kind = PublicationKind::Continuation;
        if self.eat(K::CurrentSchema) {
            return Ok(PublicationObjSpec { kind, name: None, table: None, location });
        }
        let (relation, columns) = (self.relation_expr()?, self.opt_column_list()?);
        let where_clause = self.opt_where_clause()?;
        // A name alone may be a schema's.
        if relation.inherit
            && relation.schema.is_none()
            && columns.is_empty()
            && where_clause.is_none()
            && !self.text_since(location).ends_with('*')
        {
            return Ok(PublicationObjSpec { kind, name: Some(relation.relation), table: None, location });
        }
        Ok(PublicationObjSpec { kind, name: None, table: Some((relation, columns, where_clause)), location })
    }

    /// preprocess_pubobj_list
    fn publication_objects(&self, specs: Vec<PublicationObjSpec>) -> Result<Vec<PublicationObject>> {
        let mut objects = Vec::with_capacity(specs.len());
        let mut before = PublicationKind::Continuation;
        for PublicationObjSpec { kind, name, table, location } in specs {
            let kind = if kind == PublicationKind::Continuation { before } else { kind };
            objects.push(match (kind, name, table) {
                (PublicationKind::Continuation, ..) => {
                    let detail = "One of TABLE or TABLES IN SCHEMA must be specified before a standalone table or \
                                  schema name.";
                    let error = self.syntax_error_at(location, "invalid publication object list");
                    return Err(error.with_detail(detail));
                }
                (PublicationKind::Table, _, Some((relation, columns, where_clause))) => {
                    PublicationObject::Table { relation, columns, where_clause }
                }
                (PublicationKind::Table, Some(name), None) => PublicationObject::Table {
                    relation: self.range_var_from_any_name(vec![name], location)?,
                    columns: Vec::new(),
                    where_clause: None,
                },
                (PublicationKind::Table, None, None) => {
                    return Err(self.syntax_error_at(location, "invalid table name"));
                }
                (PublicationKind::Schema, _, Some((_, columns, where_clause))) => {
                    let message = match (where_clause, columns.is_empty()) {
                        (Some(_), _) => "WHERE clause not allowed for schema",
                        (None, false) => "column specification not allowed for schema",
                        (None, true) => "invalid schema name",
                    };
                    return Err(self.syntax_error_at(location, message));
                }
                (PublicationKind::Schema, Some(name), None) => PublicationObject::TablesInSchema(name),
                (PublicationKind::Schema, None, None) => PublicationObject::TablesInCurrentSchema,
            });
            before = kind;
        }
        Ok(objects)
    }

    // ----- subscriptions

    /// What follows CREATE SUBSCRIPTION.
    pub(super) fn create_subscription_stmt(&mut self) -> Result<Stmt> {
        let name = self.col_id()?;
        self.expect(K::Connection)?;
        let conninfo = self.sconst()?;
        self.expect(K::Publication)?;
        let publications = self.name_list()?;
        let options = self.opt_definition()?;
        Ok(Stmt::CreateSubscription(CreateSubscriptionStmt { name, conninfo, publications, options }))
    }

    /// What ALTER SUBSCRIPTION name says of its own.
    pub(super) fn alter_subscription_stmt(&mut self, name: String) -> Result<Stmt> {
        let named = |p: &mut Self| {
            p.expect(K::Publication)?;
            Ok((p.name_list()?, p.opt_definition()?))
        };
        let action = if self.eat(K::Connection) {
            AlterSubscriptionAction::Connection(self.sconst()?)
        } else if self.eat(K::Refresh) {
            self.expect(K::Publication)?;
            AlterSubscriptionAction::Refresh(self.opt_definition()?)
        } else if self.eat(K::Add) {
            let (publications, options) = named(self)?;
            AlterSubscriptionAction::AddPublication { publications, options }
        } else if self.eat(K::Drop) {
            let (publications, options) = named(self)?;
            AlterSubscriptionAction::DropPublication { publications, options }
        } else if self.eat(K::Enable) {
            AlterSubscriptionAction::Enabled(true)
        } else if self.eat(K::Disable) {
            AlterSubscriptionAction::Enabled(false)
        } else if self.eat(K::Skip) {
            AlterSubscriptionAction::Skip(self.definition()?)
        } else {
            self.expect(K::Set)?;
            if self.at_symbol(b'(') {
                AlterSubscriptionAction::Options(self.definition()?)
            } else {
                let (publications, options) = named(self)?;
                AlterSubscriptionAction::SetPublication { publications, options }
            }
        };
        Ok(Stmt::AlterSubscription(AlterSubscriptionStmt { name, action }))
    }
}
