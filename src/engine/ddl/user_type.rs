//! Schemas, enums and domains.

use std::sync::Arc;

use rusqlite::OptionalExtension;

use super::Change;
use super::expression::Coercion;
use super::follow::Renamed;
use super::sqlite;
use crate::catalog::composite::row_type_oid;
use crate::catalog::schema::{DomainCheck, EnumLabels, RelationKind, Schema, UserType, UserTypeKind};
use crate::catalog::store;
use crate::catalog::tables::own;
use crate::error::{Error, Result, SqlState};
use crate::sql::ddl::{CreateDomain, DomainChange, EnumChange, EnumPlace, Name};
use crate::sql::ruleutils::Relabel;
use crate::sql::stored;
use crate::sql::syntax::lexer::NAME_LENGTH;
use crate::types::pg_type::{Oid, type_by_name, type_info};

impl Change<'_> {
    pub(super) fn create_schema(&mut self, name: &str, if_not_exists: bool) -> Result<()> {
        if self.catalog.has_schema(name) {
            if if_not_exists {
                let message = format!("schema \"{name}\" already exists, skipping");
                self.notice(SqlState::DUPLICATE_SCHEMA, message);
                return Ok(());
            }
            return Err(Error::new(SqlState::DUPLICATE_SCHEMA, format!("schema \"{name}\" already exists")));
        }
        check_schema_name(name)?;
        let schema = Schema { oid: self.new_oid()?, name: name.to_owned() };
        self.sqlite(store::put_schema(self.connection, &schema))?;
        self.catalog_mut().schemas.push(schema);
        Ok(())
    }

    /// A new type's schema, free of that name.
    pub(super) fn new_type(&self, name: &Name) -> Result<(String, String)> {
        let schema = self.creation_schema(name, false)?;
        self.check_type_name(&schema, &name.name)?;
        Ok((schema, name.name.clone()))
    }

    pub(super) fn check_type_name(&self, schema: &str, name: &str) -> Result<()> {
        let taken = self.catalog.type_names.contains_key(&(schema.to_owned(), name.to_owned()))
            || self.catalog.relation(schema, name).is_some_and(|r| row_type_oid(r) != Oid::INVALID)
            || schema == "pg_catalog" && type_by_name(name).is_some();
        if taken {
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, format!("type \"{name}\" already exists")));
        }
        Ok(())
    }

    pub(super) fn create_enum(&mut self, name: &Name, labels: &[String]) -> Result<()> {
        let (schema, name) = self.new_type(name)?;
        for (position, label) in labels.iter().enumerate() {
            check_label(label)?;
            if labels.iter().take(position).any(|l| l == label) {
                let message = "duplicate key value violates unique constraint \"pg_enum_typid_label_index\"";
                return Err(Error::new(SqlState::UNIQUE_VIOLATION, message));
            }
        }
        let kind = UserTypeKind::Enum(EnumLabels::new(labels.to_vec()));
        self.put_new_type(schema, name, kind)
    }

    fn put_new_type(&mut self, schema: String, name: String, kind: UserTypeKind) -> Result<()> {
        let (oid, array) = (self.new_oid()?, self.new_oid()?);
        self.put_type(UserType { oid, array, schema, name, kind })
    }

    /// The user type of that name; 42704.
    pub(super) fn user_type(&self, name: &Name) -> Result<UserType> {
        self.find_type(name)
            .ok_or_else(|| Error::new(SqlState::UNDEFINED_OBJECT, format!("type \"{name}\" does not exist")))
    }

    pub(super) fn find_type(&self, name: &Name) -> Option<UserType> {
        let in_schema = |schema: &String| self.catalog.type_names.get(&(schema.clone(), name.name.clone()));
        let oid = match &name.schema {
            Some(schema) => in_schema(schema),
            None => self.search_path.iter().find_map(in_schema),
        }?;
        self.catalog.types.get(oid).map(|t| UserType::clone(t))
    }

    pub(super) fn alter_enum(&mut self, name: &Name, change: &EnumChange) -> Result<()> {
        let mut user_type = self.user_type(name)?;
        let UserTypeKind::Enum(labels) = &mut user_type.kind else {
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("{name} is not an enum")));
        };
        let missing = |label: &str| {
            let message = format!("\"{label}\" is not an existing enum label");
            Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
        };
        let place = |labels: &EnumLabels, label: &str| labels.labels().iter().position(|l| l == label);
        match change {
            EnumChange::AddValue { label, if_not_exists, place: at } => {
                check_label(label)?;
                if labels.labels().contains(label) {
                    if *if_not_exists {
                        let message = format!("enum label \"{label}\" already exists, skipping");
                        self.notice(SqlState::DUPLICATE_OBJECT, message);
                        return Ok(());
                    }
                    let message = format!("enum label \"{label}\" already exists");
                    return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
                }
                let position = match at {
                    EnumPlace::Last => labels.labels().len(),
                    EnumPlace::Before(other) => place(labels, other).ok_or_else(|| missing(other))?,
                    EnumPlace::After(other) => place(labels, other).ok_or_else(|| missing(other))? + 1,
                };
                labels.insert(position, label.clone());
                self.catalog_mut().uncommitted_labels.insert((user_type.oid, label.clone()));
            }
            EnumChange::RenameValue { from, to } => {
                check_label(to)?;
                let position = place(labels, from).ok_or_else(|| missing(from))?;
                if labels.labels().contains(to) {
                    let message = format!("enum label \"{to}\" already exists");
                    return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
                }
                labels.rename(position, to);
                if self.catalog_mut().uncommitted_labels.remove(&(user_type.oid, from.clone())) {
                    self.catalog_mut().uncommitted_labels.insert((user_type.oid, to.clone()));
                }
                // Rows hold the label itself.
                self.rewrite_label(user_type.oid, from, to)?;
                let before = Arc::clone(&self.catalog);
                let of = user_type.oid;
                self.put_type(user_type)?;
                return self.follow(&before, Renamed::Label(Relabel { of, from, to }));
            }
        }
        self.put_type(user_type)
    }

    pub(super) fn create_domain(&mut self, create: &CreateDomain) -> Result<()> {
        let (schema, name) = self.new_type(&create.name)?;
        let base = self.resolve_type(&create.base)?;
        if type_info(base.oid).is_some_and(|t| t.kind == b'p') {
            let type_name = self.type_display(base.oid);
            let message = format!("\"{type_name}\" is not a valid base type for a domain");
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
        }
        let default = match &create.default {
            Some(default) => self.domain_default(default, base)?,
            None => None,
        };
        let mut checks: Vec<DomainCheck> = Vec::new();
        for (given, check) in &create.checks {
            let constraint = domain_constraint_name(&name, given.as_deref(), &checks)?;
            let expression = self.domain_check(check, base)?;
            checks.push(DomainCheck { name: constraint, expression, not_valid: false });
        }
        let collation = self.column_collation(create.collation.as_ref(), base.oid)?;
        let (typmod, not_null) = (base.typmod, create.not_null);
        let kind = UserTypeKind::Domain { base: base.oid, typmod, not_null, default, checks, collation };
        self.put_new_type(schema, name, kind)
    }

    pub(super) fn alter_domain(&mut self, name: &Name, change: &DomainChange) -> Result<()> {
        let mut user_type = self.user_type(name)?;
        let domain = user_type.name.clone();
        let UserTypeKind::Domain { base, typmod, not_null, default, checks, .. } = &mut user_type.kind else {
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("{name} is not a domain")));
        };
        let repr = self.catalog.repr(*base).ok_or_else(|| Error::internal("domain's base type"))?;
        let resolved = crate::sql::analyze::type_name::ResolvedType { oid: *base, typmod: *typmod, repr };
        let mut validated = None;
        match change {
            DomainChange::AddCheck { name, check, not_valid } => {
                let name = domain_constraint_name(&domain, name.as_deref(), checks)?;
                let expression = self.domain_check(check, resolved)?;
                checks.push(DomainCheck { name, expression, not_valid: *not_valid });
            }
            DomainChange::ValidateConstraint(name) => {
                let Some(check) = checks.iter_mut().find(|check| check.name == *name) else {
                    let message = format!("constraint \"{name}\" of domain \"{domain}\" does not exist");
                    return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
                };
                // Once is enough.
                validated = std::mem::take(&mut check.not_valid).then(|| check.expression.clone());
            }
            DomainChange::DropConstraint { name, if_exists } => {
                let before = checks.len();
                checks.retain(|check| check.name != *name);
                if checks.len() == before {
                    let message = format!("constraint \"{name}\" of domain \"{domain}\" does not exist");
                    if !if_exists {
                        return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
                    }
                    self.notice(SqlState::SUCCESSFUL_COMPLETION, format!("{message}, skipping"));
                }
            }
            DomainChange::SetDefault(expression) => {
                *default = match expression {
                    Some(expression) => self.domain_default(expression, resolved)?,
                    None => None,
                };
            }
            DomainChange::SetNotNull(value) => *not_null = *value,
        }
        let added = match (change, checks.last()) {
            (DomainChange::AddCheck { not_valid: false, .. }, Some(check)) => Some(Some(check.expression.clone())),
            (DomainChange::ValidateConstraint(_), _) => validated.map(Some),
            (DomainChange::SetNotNull(true), _) => Some(None),
            _ => None,
        };
        if let Some(check) = added {
            self.check_values(&user_type, check.as_deref(), 0)?;
        }
        self.put_type(user_type)
    }

    /// 23514 or 23502 if a table has a value that a new constraint of its domain forbids; without a check that is NULL
    /// (validateDomainConstraint).
    fn check_values(&self, domain: &UserType, check: Option<&str>, depth: usize) -> Result<()> {
        let UserTypeKind::Domain { base, typmod, .. } = &domain.kind else { return Ok(()) };
        if depth > MAX_DOMAINS {
            return Err(crate::limits::stack::too_deep());
        }
        let value = stored::value_relation(*base, *typmod, &self.catalog);
        let forbidden = match check {
            Some(check) => {
                let condition = self.relation_sql(check, &value, Coercion::Boolean)?;
                format!("NOT coalesce(({condition}), 1)")
            }
            None => "\"value\" IS NULL".to_owned(),
        };
        for relation in self.sorted_relations() {
            let of_it = |oid: Oid| oid == domain.oid || oid == domain.array;
            for column in relation.columns.iter().filter(|column| of_it(column.type_oid)) {
                let table = &relation.name;
                if relation.kind == RelationKind::Composite || column.type_oid == domain.array {
                    let message = format!(
                        "cannot alter type \"{}\" because column \"{table}.{}\" uses it",
                        domain.name, column.name
                    );
                    return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
                }
                if relation.kind != RelationKind::Table {
                    continue;
                }
                let sql = format!(
                    "SELECT 1 FROM (SELECT {} AS \"value\" FROM {}) WHERE {forbidden} LIMIT 1",
                    sqlite::quote(column.stored_name()),
                    sqlite::qualified(&relation)
                );
                let found: Option<i64> =
                    self.sqlite(self.connection.query_row(&sql, [], |row| row.get(0)).optional())?;
                if found.is_none() {
                    continue;
                }
                return Err(match check {
                    Some(_) => {
                        let message = format!(
                            "column \"{}\" of table \"{table}\" contains values that violate the new constraint",
                            column.name
                        );
                        Error::new(SqlState::CHECK_VIOLATION, message)
                            .with_schema(&relation.schema)
                            .with_table(table)
                            .with_column(&column.name)
                    }
                    None => {
                        let message = format!("column \"{}\" of table \"{table}\" contains null values", column.name);
                        Error::new(SqlState::NOT_NULL_VIOLATION, message)
                            .with_schema(&relation.schema)
                            .with_table(table)
                            .with_column(&column.name)
                    }
                });
            }
        }
        let over_it = |user: &UserType| matches!(&user.kind, UserTypeKind::Domain { base, .. } if *base == domain.oid);
        let derived: Vec<Arc<UserType>> = self.catalog.types.values().filter(|user| over_it(user)).cloned().collect();
        derived.iter().try_for_each(|user| self.check_values(user, check, depth + 1))
    }
}

/// How many domains may stand over each other.
const MAX_DOMAINS: usize = 100;

pub(super) fn check_schema_name(name: &str) -> Result<()> {
    if name == own::NAME {
        let message = format!("unacceptable schema name \"{name}\"");
        return Err(Error::new(SqlState::RESERVED_NAME, message).with_detail("It is the server's own schema."));
    }
    if name.starts_with("pg_") {
        let message = format!("unacceptable schema name \"{name}\"");
        return Err(Error::new(SqlState::RESERVED_NAME, message)
            .with_detail("The prefix \"pg_\" is reserved for system schemas."));
    }
    Ok(())
}

fn check_label(label: &str) -> Result<()> {
    if label.is_empty() || label.len() > NAME_LENGTH {
        let detail = format!("Labels must be {NAME_LENGTH} bytes or less.");
        let message = format!("invalid enum label \"{label}\"");
        return Err(Error::new(SqlState::INVALID_NAME, message).with_detail(detail));
    }
    Ok(())
}

fn domain_constraint_name(domain: &str, given: Option<&str>, checks: &[DomainCheck]) -> Result<String> {
    let taken = |name: &str| checks.iter().any(|check| check.name == name);
    match given {
        Some(name) if taken(name) => {
            let message = format!("constraint \"{name}\" for domain \"{domain}\" already exists");
            Err(Error::new(SqlState::DUPLICATE_OBJECT, message))
        }
        Some(name) => Ok(name.to_owned()),
        None => Ok(super::naming::free_name(domain, None, "check", taken)),
    }
}
