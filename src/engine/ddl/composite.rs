//! Composite types: CREATE TYPE … AS (…), ALTER TYPE of their attributes, and what else is said of them by the name of a
//! type. A composite type is a relation without rows.
//!
//! Must not know: how values of such types are stored. Specification: sql-createtype.html, sql-altertype.html.

use std::sync::Arc;

use super::Change;
use super::drop::Object;
use super::table::{next_number, push_column};
use crate::catalog::composite::{self, row_type_oid};
use crate::catalog::schema::{Column, Relation, RelationKind, RelationOptions, UserTypeKind, sqlite_name};
use crate::error::{Error, Result, SqlState};
use crate::limits::stack;
use crate::sql::ddl::{AlterAction, ColumnDefinition, Name};
use crate::types::pg_type::Oid;

impl Change<'_> {
    pub(super) fn create_composite(&mut self, name: &Name, columns: &[ColumnDefinition]) -> Result<()> {
        let schema = self.creation_schema(name, false)?;
        self.check_type_name(&schema, &name.name)?;
        self.check_free(&schema, &name.name)?;
        let mut relation = Relation {
            oid: self.new_oid()?,
            sqlite_name: sqlite_name(&schema, &name.name),
            name: name.name.clone(),
            schema,
            kind: RelationKind::Composite,
            temporary: false,
            columns: Vec::new(),
            constraints: Vec::new(),
            indexes: Vec::new(),
            view_query: None,
            sequence: None,
            declared: true,
            options: RelationOptions::default(),
        };
        for definition in columns {
            let column = self.attribute(definition, next_number(&relation)?)?;
            push_column(&mut relation, column)?;
        }
        self.put_relation(relation)
    }

    fn attribute(&self, definition: &ColumnDefinition, number: i16) -> Result<Column> {
        Ok(Column { not_null: false, ..self.new_column(definition, number)?.0 })
    }

    /// The composite type of that name, if that is what it means.
    pub(super) fn find_composite(&self, name: &Name) -> Option<Arc<Relation>> {
        self.find(name).filter(|relation| relation.kind == RelationKind::Composite)
    }

    /// The relation whose row type has that name.
    pub(super) fn find_row_type(&self, name: &Name) -> Option<Arc<Relation>> {
        self.find(name).filter(|relation| row_type_oid(relation) != Oid::INVALID)
    }

    /// ALTER TYPE … ADD, DROP, ALTER ATTRIBUTE.
    pub(super) fn alter_composite(&mut self, name: &Name, actions: &[AlterAction]) -> Result<()> {
        let mut oid = match self.find(name) {
            Some(relation) if relation.kind == RelationKind::Composite => relation.oid,
            Some(_) => {
                let message = format!("\"{name}\" is not a composite type");
                return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
            }
            None => {
                let message = format!("relation \"{name}\" does not exist");
                return Err(Error::new(SqlState::UNDEFINED_TABLE, message));
            }
        };
        for action in actions {
            oid = self.alter_attribute(oid, action)?;
        }
        Ok(())
    }

    fn alter_attribute(&mut self, oid: Oid, action: &AlterAction) -> Result<Oid> {
        let Some(before) = self.catalog.relations.get(&oid).cloned() else { return Ok(oid) };
        let mut after = Relation::clone(&before);
        match action {
            AlterAction::AddColumn { definition, .. } => {
                if after.column(&definition.name).is_some() {
                    let message =
                        format!("column \"{}\" of relation \"{}\" already exists", definition.name, before.name);
                    return Err(Error::new(SqlState::DUPLICATE_COLUMN, message));
                }
                let column = self.attribute(definition, next_number(&after)?)?;
                self.refuse_itself(row_type_oid(&before), column.type_oid, &before.name)?;
                push_column(&mut after, column)?;
            }
            AlterAction::DropColumn { name, if_exists, cascade } => {
                let Some(column) = before.column(name) else {
                    let message = format!("column \"{name}\" of relation \"{}\" does not exist", before.name);
                    if *if_exists {
                        self.notice(SqlState::SUCCESSFUL_COMPLETION, format!("{message}, skipping"));
                        return Ok(oid);
                    }
                    return Err(Error::new(SqlState::UNDEFINED_COLUMN, message));
                };
                self.drop_objects(&[Object::Column(oid, column.number)], *cascade)?;
                return Ok(oid);
            }
            AlterAction::AlterType { name, data_type, collation, .. } => {
                let Some(number) = before.column(name).map(|column| column.number) else {
                    let message = format!("column \"{name}\" of relation \"{}\" does not exist", before.name);
                    return Err(Error::new(SqlState::UNDEFINED_COLUMN, message));
                };
                let resolved = self.resolve_type(data_type)?;
                self.refuse_itself(row_type_oid(&before), resolved.oid, &before.name)?;
                self.refuse_row_users(&before)?;
                let collation = self.column_collation(collation.as_ref(), resolved.oid)?;
                for column in after.columns.iter_mut().filter(|c| c.number == number) {
                    (column.type_oid, column.typmod, column.repr) = (resolved.oid, resolved.typmod, resolved.repr);
                    column.options.collation.clone_from(&collation);
                }
            }
            AlterAction::RenameColumn { name, to } => {
                if before.column(name).is_none() {
                    let message = format!("column \"{name}\" does not exist");
                    return Err(Error::new(SqlState::UNDEFINED_COLUMN, message));
                }
                self.rename_column(&before, name, to)?;
                return Ok(oid);
            }
            _ => return Err(Error::unsupported("this change of a composite type")),
        }
        self.put_relation(after)?;
        Ok(oid)
    }

    /// 42P16 for a row type that would be part of itself.
    pub(super) fn refuse_itself(&self, own: Oid, of: Oid, name: &str) -> Result<()> {
        stack::check()?;
        if of == own {
            let message = format!("composite type {name} cannot be made a member of itself");
            return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
        }
        if let Some(user) = self.catalog.user_type(of) {
            return match &user.kind {
                _ if user.oid != of => self.refuse_itself(own, user.oid, name),
                UserTypeKind::Domain { base, .. } => self.refuse_itself(own, *base, name),
                UserTypeKind::Enum(_) | UserTypeKind::Range(_) | UserTypeKind::Multirange { .. } => Ok(()),
            };
        }
        match composite::relation_of(&self.catalog, of) {
            Some((relation, true)) => self.refuse_itself(own, row_type_oid(relation), name),
            Some((relation, false)) => {
                relation.columns.iter().try_for_each(|column| self.refuse_itself(own, column.type_oid, name))
            }
            None => Ok(()),
        }
    }

    /// 0A000 if a column has rows of the relation in it, which would have to change with the relation
    /// (find_composite_type_dependencies).
    pub(super) fn refuse_row_users(&self, relation: &Relation) -> Result<()> {
        if let Some((user, column)) = self.row_user(row_type_oid(relation))? {
            let place = format!("column \"{}.{column}\"", user.name);
            let message = match relation.kind {
                RelationKind::Composite => format!("cannot alter type \"{}\" because {place} uses it", relation.name),
                _ => format!("cannot alter table \"{}\" because {place} uses its row type", relation.name),
            };
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        Ok(())
    }

    /// A table's column of values that such rows are part of.
    fn row_user(&self, row_type: Oid) -> Result<Option<(Arc<Relation>, String)>> {
        for user in self.sorted_relations() {
            let Some(column) = user.columns.iter().find(|column| self.is_made_of(column.type_oid, row_type)) else {
                continue;
            };
            match user.kind {
                RelationKind::Table => return Ok(Some((user.clone(), column.name.clone()))),
                RelationKind::Composite => {
                    stack::check()?;
                    if let Some(found) = self.row_user(row_type_oid(&user))? {
                        return Ok(Some(found));
                    }
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// Whether a type is the row type, an array of it or a domain over one of them.
    fn is_made_of(&self, of: Oid, row_type: Oid) -> bool {
        if of == row_type {
            return true;
        }
        match self.catalog.user_type(of) {
            Some(user) if user.oid != of => self.is_made_of(user.oid, row_type),
            Some(user) => {
                matches!(&user.kind, UserTypeKind::Domain { base, .. } if self.is_made_of(*base, row_type))
            }
            None => {
                composite::relation_of(&self.catalog, of).is_some_and(|(r, array)| array && row_type_oid(r) == row_type)
            }
        }
    }

    /// Columns of rows of this relation, of which there is another picture now.
    pub(super) fn refresh_row_users(&mut self, row_type: Oid) -> Result<()> {
        stack::check()?;
        for user in self.sorted_relations() {
            if !user.columns.iter().any(|column| self.is_made_of(column.type_oid, row_type)) {
                continue;
            }
            let mut changed = Relation::clone(&user);
            for column in &mut changed.columns {
                if let Some(repr) = self.catalog.repr(column.type_oid) {
                    column.repr = repr;
                }
            }
            let row_type = row_type_oid(&changed);
            self.catalog_mut().put_relation(Arc::new(changed));
            if row_type != Oid::INVALID {
                self.refresh_row_users(row_type)?;
            }
        }
        Ok(())
    }
}
