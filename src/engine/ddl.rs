//! Carries out a change of the schema: SQLite's own DDL and the catalog's rows, in the write transaction that is open.
//!
//! Owns: [`execute`], [`Change`] (the statement under way: a working copy of the catalog, kept equal to the rows
//! written) and, beside this file, one module per kind of object. Must not know: how the transaction began and ends,
//! sessions. A change of a table is a change of its [`Relation`]; SQLite's CREATE statements are printed from that
//! alone (`sqlite`), so that a table and its catalog entry cannot drift apart.

mod alter;
mod alter_members;
mod attach;
mod authorize;
mod cast;
mod column;
mod comment;
mod comment_named;
mod composite;
mod constraint;
mod deferrable;
mod drop;
mod exclusion;
mod expression;
mod extension;
mod follow;
mod index;
mod inherit;
mod key_rows;
mod large_object;
mod materialized;
mod named;
mod naming;
mod operator;
mod owner;
mod parameters;
mod partition;
mod passes;
mod policy;
mod posting;
mod privilege;
mod range_type;
mod rebuild;
mod rename;
mod routine;
mod sequence;
mod sqlite;
mod statistics;
mod storage;
mod table;
mod trigger;
mod trigger_parts;
mod truncate;
mod user_type;
mod uses;
mod view;

use std::sync::Arc;

use rusqlite::Connection;

pub(crate) use partition::PARTITION_CHECK;
pub(crate) use uses::complete;

use crate::catalog::composite::{attributes, row_type_oid};
use crate::catalog::definitions::quote_identifier;
use crate::catalog::schema::{CatalogSnapshot, Relation, RelationKind, Schema, UserType};
use crate::catalog::store;
use crate::engine::error_map;
use crate::engine::functions::ContextSlot;
use crate::engine::sequences::SequenceState;
use crate::error::{Error, ErrorFields, Notice, Result, Severity, SqlState};
use crate::sql::ddl::{Ddl, Name};
use crate::sql::planner::PlanContext;
use crate::types::pg_type::Oid;

/// What a DDL statement left behind besides its effect.
#[derive(Debug)]
pub struct DdlOutcome {
    /// The catalog after it; `None` if it has to be read, because SQLite alone knows what has become of a table that
    /// others made.
    pub catalog: Option<Arc<CatalogSnapshot>>,
    /// Sequences that were set, with what they were before.
    pub restarted: Vec<(Oid, SequenceState)>,
    /// Tables that were emptied.
    pub emptied: Vec<Oid>,
    pub notices: Vec<Notice>,
    /// The rows CREATE TABLE AS made; they are in its command tag.
    pub rows: Option<u64>,
}

/// Carries out one statement. `has_violations` says that foreign keys are violated whose check has been put off.
/// `context.catalog` must be the catalog as the open write transaction sees it. When the statement fails, the transaction is to be rolled back.
pub fn execute(
    connection: &Connection,
    slot: &ContextSlot,
    ddl: &Ddl,
    context: PlanContext<'_>,
    has_violations: bool,
) -> Result<DdlOutcome> {
    let mut change = Change { has_violations, ..Change::new(connection, slot, context) };
    change.authorize(ddl)?;
    change.run(ddl)?;
    change.settle_ownership(ddl)?;
    change.settle_actions()?;
    let file_version = change.sqlite(store::file_version(connection))?;
    let Change { mut catalog, notices, rows, restarted, emptied, is_foreign, .. } = change;
    let now = Arc::make_mut(&mut catalog);
    (now.version, now.file_version) = (store::next_version(), file_version);
    Ok(DdlOutcome { catalog: Some(catalog).filter(|_| !is_foreign), restarted, emptied, notices, rows })
}

/// Where SQLite refuses functions that do not always give the same result, and what PostgreSQL says of it there. In
/// a CHECK PostgreSQL takes them.
const VOLATILE: &[(&str, SqlState, &str)] = &[
    ("generated columns", SqlState::INVALID_OBJECT_DEFINITION, "generation expression is not immutable"),
    (
        "index expressions",
        SqlState::INVALID_OBJECT_DEFINITION,
        "functions in index expression must be marked IMMUTABLE",
    ),
    ("partial index", SqlState::INVALID_OBJECT_DEFINITION, "functions in index predicate must be marked IMMUTABLE"),
    ("CHECK", SqlState::FEATURE_NOT_SUPPORTED, "a function that is not immutable in CHECK is not supported"),
];

/// A DDL statement under way.
struct Change<'a> {
    connection: &'a Connection,
    slot: &'a ContextSlot,
    context: PlanContext<'a>,
    /// The catalog as it is becoming.
    catalog: Arc<CatalogSnapshot>,
    search_path: Vec<String>,
    /// Of the search path, what the session named: new objects go into the first of them.
    schemas_named: Vec<String>,
    notices: Vec<Notice>,
    rows: Option<u64>,
    restarted: Vec<(Oid, SequenceState)>,
    emptied: Vec<Oid>,
    /// Something has become of a table that others made.
    is_foreign: bool,
    has_violations: bool,
    /// What goes with what is being dropped.
    dropping: std::collections::BTreeSet<crate::catalog::dependencies::Object>,
}

impl<'a> Change<'a> {
    fn new(connection: &'a Connection, slot: &'a ContextSlot, context: PlanContext<'a>) -> Self {
        Change {
            connection,
            slot,
            context,
            catalog: Arc::clone(context.catalog),
            search_path: context.settings.search_path(),
            schemas_named: context.settings.schemas_named(),
            notices: Vec::new(),
            rows: None,
            restarted: Vec::new(),
            emptied: Vec::new(),
            is_foreign: false,
            has_violations: false,
            dropping: Default::default(),
        }
    }

    fn run(&mut self, ddl: &Ddl) -> Result<()> {
        self.ensure_catalog()?;
        match ddl {
            Ddl::CreateTable(create) => self.create_table(create),
            Ddl::CreateTableAs(create) => self.create_table_as(create),
            Ddl::RefreshMaterializedView { name, concurrently, with_data } => {
                self.refresh_materialized_view(name, *concurrently, *with_data)
            }
            Ddl::CreateIndex(create) => self.create_index(create),
            Ddl::CreateView(create) => self.create_view(create),
            Ddl::CreateSequence { name, temporary, if_not_exists, settings } => {
                self.create_sequence_statement(name, *temporary, *if_not_exists, settings)
            }
            Ddl::CreateSchema { name, owner, if_not_exists, elements } => {
                let name = match (name, owner) {
                    (Some(name), _) => name.clone(),
                    (None, Some(owner)) => self.roles().name(self.role(owner)?),
                    (None, None) => return Err(Error::internal("a schema without a name")),
                };
                self.create_schema(&name, *if_not_exists)?;
                self.in_schema(&name, |change| elements.iter().try_for_each(|element| change.run(element)))
            }
            Ddl::CreateEnum { name, labels } => self.create_enum(name, labels),
            Ddl::CreateComposite { name, columns } => self.create_composite(name, columns),
            Ddl::CreateDomain(create) => self.create_domain(create),
            Ddl::CreateRange(create) => self.create_range(create),
            Ddl::CreateTrigger(create) => self.create_trigger(create),
            Ddl::RenameTrigger { table, name, to } => self.rename_trigger(table, name, to),
            Ddl::DropTrigger { table, name, if_exists, cascade } => {
                self.drop_trigger(table, name, *if_exists, *cascade)
            }
            Ddl::CreateStatistics(create, name) => self.create_statistics(create, name),
            Ddl::AlterStatistics(alter, name) => self.alter_statistics(alter, name),
            Ddl::DropStatistics { names, if_exists } => self.drop_statistics(names, *if_exists),
            Ddl::Policy(table, statement) => self.policy(table, statement),
            Ddl::CreateRoutine(create) => self.create_routine(create),
            Ddl::CreateAggregate(define) => self.create_aggregate(define),
            Ddl::CreateOperator(define) => self.create_operator(define),
            Ddl::CreateNamed(define) => self.create_named(define),
            Ddl::ChangeNamed { kind, name, change } => self.change_named(*kind, name, change.as_ref()),
            Ddl::DropNamed { kind, names, if_exists, cascade } => self.drop_named(*kind, names, (*if_exists, *cascade)),
            Ddl::AlterOperator { operator, options } => self.alter_operator(operator, options),
            Ddl::ChangeOperator { operator, change } => self.change_operator(operator, change),
            Ddl::DropOperators { operators, if_exists, cascade } => {
                self.drop_operators(operators, (*if_exists, *cascade))
            }
            Ddl::CreateCast(create) => self.create_cast(create),
            Ddl::DropCast { source, target, if_exists, cascade } => {
                self.drop_cast(source, target, (*if_exists, *cascade))
            }
            Ddl::AlterRoutine(alter) => self.alter_routine(alter),
            Ddl::ChangeRoutine { kind, routine, change } => self.change_routine(*kind, routine, change),
            Ddl::DropRoutines { kind, routines, if_exists, cascade } => {
                self.drop_routines(*kind, routines, (*if_exists, *cascade))
            }
            Ddl::AlterTable { name, kind, if_exists, only, actions } => {
                self.alter_table(name, *kind, (*if_exists, *only), actions)
            }
            Ddl::AlterSequence { name, if_exists, settings } => self.alter_sequence(name, *if_exists, settings),
            Ddl::AlterEnum { name, change } => self.alter_enum(name, change),
            Ddl::AlterDomain { name, change } => self.alter_domain(name, change),
            Ddl::Rename { kind, name, if_exists, to } => {
                self.rename(*kind, name, *if_exists, to)?;
                self.renew_constructors()
            }
            Ddl::SetSchema { kind, name, if_exists, schema } => {
                self.set_schema(*kind, name, *if_exists, schema)?;
                self.renew_constructors()
            }
            Ddl::Drop { kind, names, if_exists, cascade, .. } => self.drop(*kind, names, *if_exists, *cascade),
            Ddl::CreateExtension { name, schema, version, if_not_exists } => {
                self.create_extension(name, schema.as_deref(), version.as_deref(), *if_not_exists)
            }
            Ddl::AlterExtension { name, version } => self.alter_extension(name, version.as_deref()),
            Ddl::ChangeExtension { name, what } => self.change_extension(name, what),
            Ddl::DropExtension { names, if_exists, cascade } => self.drop_extensions(names, *if_exists, *cascade),
            Ddl::Comment { target, text } => self.comment(target, text.as_deref()),
            Ddl::Grant(stmt) => self.grant(stmt),
            Ddl::AlterDefaultPrivileges(stmt) => self.alter_default_privileges(stmt),
            Ddl::ChangeOwner { kind, name, if_exists, owner } => self.change_owner(*kind, name, *if_exists, owner),
            Ddl::ChangeLargeObjectOwner { number, owner } => self.change_large_object_owner(number, owner),
            Ddl::ReassignOwned { roles, to } => self.reassign_owned(roles, to),
            Ddl::DropOwned { roles, cascade } => self.drop_owned(roles, *cascade),
            Ddl::Truncate { tables, restart_identity, cascade } => self.truncate(tables, *restart_identity, *cascade),
            Ddl::Cluster { table, index } => self.cluster(table, index.as_deref()),
            Ddl::ClusterAll => Ok(()),
            Ddl::Reindex { target, concurrently } => self.reindex(target, *concurrently),
            Ddl::EndOfTransaction => self.end_of_transaction(),
        }
    }

    /// Runs something with a schema in front of the search path.
    fn in_schema(&mut self, schema: &str, run: impl FnOnce(&mut Change<'_>) -> Result<()>) -> Result<()> {
        let mut settings = self.context.settings.clone();
        let named = std::iter::once(schema).chain(self.schemas_named.iter().map(String::as_str));
        let path: Vec<String> = named.map(quote_identifier).collect();
        settings.set("search_path", Some(&path.join(", ")), true)?;
        let context = PlanContext { settings: &settings, ..self.context };
        let mut inner = Change::new(self.connection, self.slot, context);
        inner.catalog = Arc::clone(&self.catalog);
        inner.has_violations = self.has_violations;
        let result = run(&mut inner);
        let Change { catalog, notices, restarted, is_foreign, .. } = inner;
        self.catalog = catalog;
        self.notices.extend(notices);
        self.restarted.extend(restarted);
        self.is_foreign |= is_foreign;
        result
    }

    /// A file that others made has no catalog tables until its schema first changes.
    fn ensure_catalog(&self) -> Result<()> {
        self.sqlite(store::ensure(self.connection))
    }

    // ---- SQLite ----

    /// The error behind a failed call: what a function of ours raised, or SQLite's.
    fn failed(&self, error: rusqlite::Error) -> Error {
        if let Some(raised) = self.slot.take_error() {
            return raised;
        }
        let text = error.to_string();
        let volatile = text.split_once("non-deterministic functions prohibited in ");
        match volatile.and_then(|(_, place)| VOLATILE.iter().find(|(start, ..)| place.starts_with(start))) {
            Some((_, state, message)) => Error::new(*state, *message),
            None if text.contains("subqueries prohibited in") => {
                Error::unsupported("this expression in a constraint, an index or a generated column")
            }
            None => error_map::from_rusqlite(error),
        }
    }

    fn sqlite<T>(&self, result: rusqlite::Result<T>) -> Result<T> {
        result.map_err(|error| self.failed(error))
    }

    /// Runs one SQLite statement.
    fn execute(&self, sql: &str) -> Result<usize> {
        self.sqlite(self.connection.execute(sql, []))
    }

    // ---- catalog: rows and working copy together ----

    fn new_oid(&self) -> Result<Oid> {
        self.sqlite(store::allocate_oids(self.connection, 1))
    }

    /// A type's name in messages.
    fn type_display(&self, oid: Oid) -> String {
        crate::sql::types::type_name(&self.catalog, &self.search_path, oid)
    }

    fn catalog_mut(&mut self) -> &mut CatalogSnapshot {
        Arc::make_mut(&mut self.catalog)
    }

    fn put_relation(&mut self, mut relation: Relation) -> Result<()> {
        let before = self.catalog.relations.get(&relation.oid).cloned();
        uses::set(&mut relation, before.as_deref(), self.planning());
        if relation.kind == RelationKind::Table {
            self.renew_unique_triggers(before.as_deref(), &relation)?;
        }
        self.renew_postings(before.as_deref(), &mut relation)?;
        self.sqlite(store::put_relation(self.connection, &relation))?;
        let (row_type, now) = (row_type_oid(&relation), attributes(&relation));
        self.catalog_mut().put_relation(Arc::new(relation));
        match before {
            Some(before) if attributes(&before) != now => self.refresh_row_users(row_type),
            _ => Ok(()),
        }
    }

    fn remove_relation(&mut self, oid: Oid) -> Result<()> {
        let Some(relation) = self.catalog.relations.get(&oid).cloned() else { return Ok(()) };
        relation.indexes.iter().try_for_each(|index| self.drop_postings(&relation, index))?;
        self.sqlite(store::remove_relation(self.connection, &relation))?;
        self.is_foreign |= !relation.declared;
        let catalog = self.catalog_mut();
        catalog.remove_relation(oid);
        catalog.remove_comments(oid);
        Ok(())
    }

    /// The connection's temporary objects have somewhere to be from now on.
    fn ensure_temporary(&mut self) -> Result<()> {
        self.sqlite(store::initialise_temporary(self.connection))?;
        if !self.catalog.has_temporary() {
            self.catalog_mut().schemas.push(Schema::temporary());
        }
        Ok(())
    }

    /// A table that others made is changed: SQLite's schema says it all, and the catalog is read from it.
    fn put_foreign_relation(&mut self, relation: Relation) {
        self.is_foreign = true;
        self.catalog_mut().put_relation(Arc::new(relation));
    }

    /// The comments on something that goes.
    fn forget_comments(&mut self, object: Oid) -> Result<()> {
        self.sqlite(store::remove_comments(self.connection, object))?;
        self.catalog_mut().remove_comments(object);
        Ok(())
    }

    /// COMMENT ON, by class, object and part; `None` removes it.
    fn set_comment(&mut self, key: (Oid, Oid, i32), text: Option<&str>) -> Result<()> {
        self.sqlite(store::set_comment(self.connection, key, text))?;
        match text {
            Some(text) => self.catalog_mut().comments.insert(key, text.to_owned()),
            None => self.catalog_mut().comments.remove(&key),
        };
        Ok(())
    }

    fn put_type(&mut self, user_type: UserType) -> Result<()> {
        self.sqlite(store::put_type(self.connection, &user_type))?;
        self.catalog_mut().put_type(Arc::new(user_type));
        Ok(())
    }

    // ---- names ----

    fn notice(&mut self, code: SqlState, message: impl Into<String>) {
        self.notices.push(ErrorFields::new(Severity::Notice, code, message.into()));
    }

    /// The schema a new object goes into: the one named, or the first of the search path that can hold it.
    fn creation_schema(&self, name: &Name, temporary: bool) -> Result<String> {
        const READ_ONLY: &[&str] = &["pg_catalog", "information_schema", "pg_toast", "pgserver"];
        if temporary {
            return match name.schema.as_deref() {
                None | Some("pg_temp") => Ok("pg_temp".to_owned()),
                Some(_) => Err(Error::new(
                    SqlState::INVALID_TABLE_DEFINITION,
                    "cannot create temporary relation in non-temporary schema",
                )),
            };
        }
        match name.schema.as_deref() {
            Some(schema) if READ_ONLY.contains(&schema) => {
                Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("permission denied to create \"{name}\""))
                    .with_detail("System catalog modifications are currently disallowed."))
            }
            Some(schema) => self.existing_schema(schema).map(|s| s.name.clone()),
            None => {
                let mut named = self.schemas_named.iter();
                let first = named.find(|s| *s != "pg_temp" && self.catalog.has_schema(s));
                let first = first.cloned().ok_or_else(|| {
                    Error::new(SqlState::INVALID_SCHEMA_NAME, "no schema has been selected to create in")
                })?;
                match READ_ONLY.contains(&first.as_str()) {
                    true => {
                        let name = Name { schema: Some(first), ..name.clone() };
                        self.creation_schema(&name, false)
                    }
                    false => Ok(first),
                }
            }
        }
    }

    fn existing_schema(&self, name: &str) -> Result<&Schema> {
        self.catalog
            .schemas
            .iter()
            .find(|s| s.name == name)
            .ok_or_else(|| Error::new(SqlState::INVALID_SCHEMA_NAME, format!("schema \"{name}\" does not exist")))
    }

    /// The relation of that name, if there is one; 3F000 when the schema named does not exist is for callers that
    /// want it (see [`Change::relation`]).
    fn find(&self, name: &Name) -> Option<Arc<Relation>> {
        match &name.schema {
            Some(schema) => self.catalog.relation(schema, &name.name).cloned(),
            None => self.catalog.find_relation(&self.search_path, &name.name).cloned(),
        }
    }

    /// The relation of that name; 42P01.
    fn relation(&self, name: &Name) -> Result<Arc<Relation>> {
        self.find(name)
            .ok_or_else(|| Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{name}\" does not exist")))
    }

    /// The table of that name, to be changed: 42P01, 42809 when it is something else, 42501 for a system relation.
    fn table(&self, name: &Name) -> Result<Arc<Relation>> {
        let relation = self.relation(name)?;
        match relation.kind {
            RelationKind::Table if !relation.is_materialized() => Ok(relation),
            RelationKind::System => Err(system_relation(&relation.name)),
            _ => Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not a table", relation.name))),
        }
    }

    /// 55006 for a table whose rows are still to be checked, on either side of a foreign key. PostgreSQL refuses it too
    /// where the check would find nothing.
    fn check_not_pending(&self, table: &Relation, command: &str) -> Result<()> {
        if self.slot.is_in_use(table.oid) {
            let message = format!(
                "cannot {command} \"{}\" because it is being used by active queries in this session",
                table.name
            );
            return Err(Error::new(SqlState::OBJECT_IN_USE, message));
        }
        if let Ok((session, _)) = self.slot.linked()
            && session.schema().deferred.iter().any(|waiting| waiting.is_of(table.oid))
        {
            let message = format!("cannot {command} \"{}\" because it has pending trigger events", table.name);
            return Err(Error::new(SqlState::OBJECT_IN_USE, message));
        }
        if !self.has_violations {
            return Ok(());
        }
        for child in self.sorted_relations() {
            for constraint in &child.constraints {
                let key = constraint.foreign_key().filter(|key| child.oid == table.oid || key.relation == table.oid);
                if key.is_some_and(|key| self.check_foreign_key(&child, constraint, key).is_err()) {
                    let message = format!("cannot {command} \"{}\" because it has pending trigger events", table.name);
                    return Err(Error::new(SqlState::OBJECT_IN_USE, message));
                }
            }
        }
        Ok(())
    }

    /// 42P07 if the schema has a relation of that name.
    fn check_free(&self, schema: &str, name: &str) -> Result<()> {
        if self.catalog.relation(schema, name).is_some() {
            return Err(Error::new(SqlState::DUPLICATE_TABLE, format!("relation \"{name}\" already exists")));
        }
        Ok(())
    }
}

fn system_relation(name: &str) -> Error {
    Error::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("permission denied: \"{name}\" is a system catalog"))
}

#[cfg(test)]
mod tests;
